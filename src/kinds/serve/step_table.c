#include "kinds/serve/step_table.h"

#include <math.h>

#include "base/diag.h"

#define LEAST_SHARE 0.01

void step_table_init(struct step_table *t, uint32_t rows, uint32_t points_per_row, struct arena *arena)
{
    *t = (struct step_table){.rows = ARENA_ARRAY(arena, struct step_row, rows),
                             .capacity = rows,
                             .row_capacity = points_per_row,
                             .arena = arena};
}

void step_table_add(struct step_table *t, double x, double y, double time_s)
{
    struct step_row *row = t->n_rows ? &t->rows[t->n_rows - 1] : NULL;
    if (!row || row->y != y) {
        BUG_IF(t->n_rows == t->capacity || (row && row->y > y));
        row = &t->rows[t->n_rows++];
        *row = (struct step_row){y, ARENA_ARRAY(t->arena, double, t->row_capacity),
                                 ARENA_ARRAY(t->arena, double, t->row_capacity), 0};
    }
    BUG_IF(row->n == t->row_capacity || (row->n && row->x[row->n - 1] >= x));
    row->x[row->n] = x;
    row->time_s[row->n++] = time_s;
}

static double in_row(const struct step_row *r, double x)
{
    uint32_t i = 1;
    if (r->n == 1)
        return r->time_s[0];
    while (i < r->n - 1 && x > r->x[i])
        i++;
    double at = (x - r->x[i - 1]) / (r->x[i] - r->x[i - 1]);
    return r->time_s[i - 1] + at * (r->time_s[i] - r->time_s[i - 1]);
}

static double smallest(const struct step_table *t)
{
    double least = INFINITY;
    for (uint32_t r = 0; r < t->n_rows; r++)
        for (uint32_t i = 0; i < t->rows[r].n; i++)
            least = fmin(least, t->rows[r].time_s[i]);
    return least;
}

double step_table_time(const struct step_table *t, double x, double y)
{
    uint32_t r = 0;
    while (r + 1 < t->n_rows && y > t->rows[r + 1].y)
        r++;
    const struct step_row *a = &t->rows[r], *b = r + 1 < t->n_rows ? a + 1 : a;
    double at = b > a ? fmin(fmax((y - a->y) / (b->y - a->y), 0), 1) : 0;
    double time_s = (1 - at) * in_row(a, x) + at * in_row(b, x);
    return fmax(time_s, LEAST_SHARE * smallest(t));
}
