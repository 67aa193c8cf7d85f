/* Two results, value by value: of single runs or claims (JSON), or of sweeps (databases), whose points are matched
 * by the values of their axes and the seed. */
#ifndef MOESIM_CAMPAIGN_COMPARE_H
#define MOESIM_CAMPAIGN_COMPARE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

struct compare_tolerance {
    const char *name; /* of a metric, column or claim; NULL: of all others */
    double ratio;     /* of the larger of both values */
};

struct compare_options {
    const struct compare_tolerance *tolerances; /* the last one that fits is taken */
    uint32_t n_tolerances;
    const char *const *ignored; /* names; NULL-terminated */
    double tolerance;           /* where none fits */
};

struct compare_counts {
    uint32_t values, moved, only_first, only_second; /* values that both have, of which moved; that one has */
    double largest_ratio;                            /* of what moved and is a number */
};

/* Columns of the result. */
enum {
    COMPARE_POINT,
    COMPARE_VALUE,
    COMPARE_UNIT,
    COMPARE_FIRST,
    COMPARE_SECOND,
    COMPARE_CHANGE,
    COMPARE_REMARK,
    COMPARE_N_COLUMNS
};

/* What moved or is in one of them only, a row each. NULL with the reason in diag, also when an option names what
 * neither has: a tolerance that nothing uses hides a misspelled one. */
struct result_table *compare_results(const char *first, const char *second, const struct compare_options *options,
                                     struct arena *arena, struct compare_counts *counts, struct diag *diag);

#endif
