/* Filling a struct result: tables, metrics, notes. Everything is owned by the arena. */
#ifndef MOESIM_KINDS_RESULT_BUILD_H
#define MOESIM_KINDS_RESULT_BUILD_H

#include "base/arena.h"
#include "sim/result.h"

/* Columns are an array that outlives the result. */
struct result_table *result_add_table(struct result *r, struct arena *arena, const char *name, const char *doc,
                                      const struct result_column *columns, uint32_t n_columns, uint32_t max_rows);
/* The cells of one more row; all of them say nothing yet. */
struct result_cell *result_add_row(struct result_table *t);
struct result_metric *result_add_metric(struct result *r, struct arena *arena, const char *name, double value,
                                        enum unit_dim dim, const char *doc, const char *formula);
void result_add_input(struct result_metric *m, struct arena *arena, const char *name, double value, enum unit_dim dim,
                      const char *source);
void result_add_note(struct result *r, struct arena *arena, const char *text);

#endif
