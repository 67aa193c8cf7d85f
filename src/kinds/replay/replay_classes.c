/* Kernels of a replay by class. */
#include "kinds/replay/replay_result_priv.h"

#include <math.h>
#include <string.h>

enum { COL_CLASS, COL_RECORDED_COUNT, COL_COUNT, COL_RECORDED, COL_SIMULATED, COL_RATIO, N_COLUMNS };
static const struct result_column class_columns[N_COLUMNS] = {
    {"class", DIM_COUNT, "of configs/trace_classes.yaml; fa3_bwd holds what comes before and after it", true},
    {"recorded_count", DIM_COUNT, "kernels in the trace", false},
    {"count", DIM_COUNT, "kernels of this run", false},
    {"recorded", DIM_TIME, "their time in the trace, on all streams", false},
    {"simulated", DIM_TIME, "their time on the reference rank", false},
    {"ratio", DIM_RATIO, "simulated / recorded", false},
};

struct class_sum {
    const char *name;
    double was_s, is_s, was_n, is_n;
};

static struct class_sum *class_of(struct class_sum *sums, uint32_t *n, const char *name)
{
    for (uint32_t i = 0; i < *n; i++)
        if (!strcmp(sums[i].name, name))
            return &sums[i];
    sums[*n] = (struct class_sum){.name = name};
    return &sums[(*n)++];
}

static void fill_class_row(struct result_cell *row, const struct class_sum *s)
{
    row[COL_CLASS].text = s->name;
    row[COL_RECORDED_COUNT].value = s->was_n;
    row[COL_COUNT].value = s->is_n;
    row[COL_RECORDED].value = s->was_s;
    row[COL_SIMULATED].value = s->is_s;
    row[COL_RATIO].value = s->was_s > 0 && s->is_s > 0 ? s->is_s / s->was_s : NAN;
}

/* What each class of kernels takes, recorded and from the kernel model. */
void replay_add_classes(struct replay_analysis *a)
{
    const struct chunk_program *p = a->info->program;
    uint32_t n = 0;
    struct class_sum *sums = ARENA_ARRAY(a->arena, struct class_sum, (size_t)a->trace->n_classes + p->n_names);

    for (uint32_t i = 0; i < a->trace->n_kernels; i++) {
        struct class_sum *s = class_of(sums, &n, a->trace->classes[a->trace->kernels[i].class_id].name);
        s->was_s += a->recorded[i].end_s - a->recorded[i].start_s;
        s->was_n++;
    }
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        struct class_sum *s = class_of(sums, &n, p->names[p->kernels[i].name]);
        s->is_s += a->simulated[i].end_s - a->simulated[i].start_s;
        s->is_n++;
    }
    struct result_table *t = a->out->tables = ARENA_NEW(a->arena, struct result_table);
    a->out->n_tables = 1;
    *t = (struct result_table){.name = "classes",
                               .doc = "kernels by class, recorded and from the kernel model",
                               .columns = class_columns,
                               .n_columns = N_COLUMNS,
                               .n_rows = n};
    t->cells = ARENA_ARRAY(a->arena, struct result_cell, (size_t)n * N_COLUMNS);
    for (uint32_t i = 0; i < n; i++)
        fill_class_row(&t->cells[(size_t)i * N_COLUMNS], &sums[i]);
}
