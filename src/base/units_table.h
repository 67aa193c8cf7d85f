/* The table of units; inside of base/units.h. */
#ifndef MOESIM_BASE_UNITS_TABLE_H
#define MOESIM_BASE_UNITS_TABLE_H

#include "base/units.h"

struct unit {
    enum unit_dim dim;
    const char *name;
    int exp10;       /* value = number * 10^exp10 * mul / div */
    double mul, div; /* exact in binary */
    char use;        /* 'd': decimal prefix for output, 'b': binary one, 'i': input only */
};

struct unit_dim_info {
    const char *name, *si, *example;
};

extern const struct unit unit_table[];
extern const size_t unit_table_n;
extern const struct unit_dim_info unit_dims[DIM_N];

void unit_check_dim(enum unit_dim dim); /* a wrong one is our bug */

#endif
