/* Times of steps at chosen points, and what lies between them. */
#ifndef MOESIM_KINDS_SERVE_STEP_TABLE_H
#define MOESIM_KINDS_SERVE_STEP_TABLE_H

#include <stdint.h>

#include "base/arena.h"

/* Rows by y, points of a row by x, both ascending; rows need not have the same x. */
struct step_row {
    double y;
    double *x, *time_s;
    uint32_t n; /* at least 1 */
};

struct step_table {
    struct step_row *rows;
    uint32_t n_rows, capacity, row_capacity;
    struct arena *arena;
};

void step_table_init(struct step_table *t, uint32_t rows, uint32_t points_per_row, struct arena *arena);
/* Adds a point: y not below that of the last row, x above the row's last. */
void step_table_add(struct step_table *t, double x, double y, double time_s);

/* In a row: linear between points, and on beyond the first and last ones, a single point stands for all x. Between
 * rows linear; below the first and above the last row that row. Never below a hundredth of the smallest time. */
double step_table_time(const struct step_table *t, double x, double y);

#endif
