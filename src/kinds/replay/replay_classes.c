/* Kernels of a replay by class. */
#include "kinds/replay/replay_result_priv.h"

#include <math.h>
#include <string.h>

#include "io/trace/trace_classes.h"
#include "kinds/result_build.h"

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
    struct result_table *t =
        result_add_table(a->out, a->arena, "classes", "kernels by class, recorded and from the kernel model",
                         class_columns, N_COLUMNS, n);
    for (uint32_t i = 0; i < n; i++)
        fill_class_row(result_add_row(t), &sums[i]);
}

/* --- moved to another chip -------------------------------------------------------------------------------------- */

enum { MOVE_CLASS, MOVE_COUNT, MOVE_RECORDED, MOVE_SIMULATED, MOVE_RATIO, MOVE_BY, N_MOVES };
static const struct result_column move_columns[N_MOVES] = {
    {"class", DIM_COUNT, "of kernels that compute", true},
    {"count", DIM_COUNT, "kernels", false},
    {"recorded", DIM_TIME, "their time in the trace, on all streams", false},
    {"simulated", DIM_TIME, "their time in this run", false},
    {"ratio", DIM_RATIO, "simulated / recorded", false},
    {"moved_by", DIM_COUNT, "what the times follow", true},
};

static const char *moved_by(const struct trace_class *c)
{
    bool low = strstr(c->name, "fp8") || strstr(c->name, "fp4");

    if (c->unclassified)
        return "memory bandwidth, assumed: no rule knows the kernel";
    if (c->bound == BOUND_MEMORY)
        return "memory bandwidth";
    if (c->bound != BOUND_COMPUTE)
        return "nothing: latency";
    if (low)
        return strstr(c->name, "fp4") ? "FP8 rate, for want of an FP4 rate" : "FP8 rate per SM";
    if (strstr(c->name, "fp32") || strstr(c->name, "tf32"))
        return "BF16 rate per SM, for want of an FP32 rate";
    return strstr(c->name, "bf16") || strstr(c->name, "fp16") ? "BF16 rate per SM"
                                                              : "BF16 rate per SM; its precision is not known";
}

static bool moves(const struct replay_analysis *a)
{
    const struct recorded_on *was = &a->reading->gpu->on;
    const struct hw_chip *is = &a->hw->chip;

    return !a->reading->keeps_times && (was->bf16_flops != is->bf16_flops || was->fp8_flops != is->fp8_flops ||
                                        was->memory_Bps != hw_memory_Bps(a->hw, 1) || a->trace->sms != is->sms);
}

void replay_add_moves(struct replay_analysis *a)
{
    uint32_t n = a->trace->n_classes;
    struct class_sum *sums = ARENA_ARRAY(a->arena, struct class_sum, n);

    if (a->cfg->source == REPLAY_KERNELS || !moves(a))
        return;
    for (uint32_t i = 0; i < a->trace->n_kernels; i++) {
        struct class_sum *s = &sums[a->trace->kernels[i].class_id];
        s->was_s += a->recorded[i].end_s - a->recorded[i].start_s;
        s->is_s += a->simulated[i].end_s - a->simulated[i].start_s;
        s->is_n++;
    }
    struct result_table *t =
        result_add_table(a->out, a->arena, "moves", "how times moved from the recorded chip", move_columns, N_MOVES, n);
    for (uint32_t i = 0; i < n; i++) {
        if (!sums[i].is_n || trace_class_communicates(&a->trace->classes[i]))
            continue;
        struct result_cell *row = result_add_row(t);
        row[MOVE_CLASS].text = a->trace->classes[i].name;
        row[MOVE_COUNT].value = sums[i].is_n;
        row[MOVE_RECORDED].value = sums[i].was_s;
        row[MOVE_SIMULATED].value = sums[i].is_s;
        row[MOVE_RATIO].value = sums[i].was_s > 0 ? sums[i].is_s / sums[i].was_s : NAN;
        row[MOVE_BY].text = moved_by(&a->trace->classes[i]);
    }
}
