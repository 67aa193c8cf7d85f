#include "kinds/result_build.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"

/* One more element at the end of an arena-owned array. Results are small: each growth copies. */
static void *grow(struct arena *arena, void *array, uint32_t n, size_t element_B)
{
    char *bigger = arena_array(arena, element_B, (size_t)n + 1);
    if (n)
        memcpy(bigger, array, n * element_B);
    return bigger;
}

struct result_table *result_add_table(struct result *r, struct arena *arena, const char *name, const char *doc,
                                      const struct result_column *columns, uint32_t n_columns, uint32_t max_rows)
{
    r->tables = grow(arena, r->tables, r->n_tables, sizeof *r->tables);
    struct result_table *t = &r->tables[r->n_tables++];
    *t = (struct result_table){.name = name, .doc = doc, .columns = columns, .n_columns = n_columns};
    t->cells = ARENA_ARRAY(arena, struct result_cell, (size_t)max_rows * n_columns);
    for (size_t i = 0; i < (size_t)max_rows * n_columns; i++)
        t->cells[i] = (struct result_cell){.value = NAN, .text = ""};
    return t;
}

struct result_cell *result_add_row(struct result_table *t)
{
    return &t->cells[(size_t)t->n_rows++ * t->n_columns];
}

struct result_metric *result_add_metric(struct result *r, struct arena *arena, const char *name, double value,
                                        enum unit_dim dim, const char *doc, const char *formula)
{
    r->metrics = grow(arena, r->metrics, r->n_metrics, sizeof *r->metrics);
    struct result_metric *m = &r->metrics[r->n_metrics++];
    *m = (struct result_metric){
        .name = name, .value = value, .dim = dim, .doc = doc, .formula = formula, .recorded = NAN};
    return m;
}

void result_add_input(struct result_metric *m, struct arena *arena, const char *name, double value, enum unit_dim dim,
                      const char *source)
{
    m->inputs = grow(arena, m->inputs, m->n_inputs, sizeof *m->inputs);
    m->inputs[m->n_inputs++] = (struct result_input){name, value, dim, source};
}

void result_add_note(struct result *r, struct arena *arena, const char *text)
{
    r->notes = grow(arena, r->notes, r->n_notes, sizeof *r->notes);
    r->notes[r->n_notes++] = text;
}
