/* How the numbers of a column are shown: one unit, one number of decimals. Inside of latex_table.c and figures. */
#ifndef MOESIM_IO_RESULTS_LATEX_NUMBER_H
#define MOESIM_IO_RESULTS_LATEX_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "io/results/latex.h"

struct number_style {
    const char *unit; /* for the head; "" = none, or in the cells */
    double scale;
    int decimals;
    bool own_units; /* the numbers run over more than four powers of ten: each has its unit */
    bool powers;    /* the same of numbers without a unit: 1.2 x 10^-5 */
    enum unit_dim dim;
};

/* Of numbers every `stride` cells; half: those of the intervals, or NULL. NaN is left out. */
struct number_style number_style(const struct result_cell *cells, const struct result_cell *half, uint32_t n,
                                 uint32_t stride, enum unit_dim dim, const struct latex_column *column);
/* As LaTeX sets it: "--" where nothing is said. */
const char *number_text(double value, const struct number_style *style, struct arena *arena);

#endif
