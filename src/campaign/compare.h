/* Two results, value by value: of single runs or claims (JSON), or of sweeps (databases), whose points are matched
 * by the values of their axes and the seed. */
#ifndef MOESIM_CAMPAIGN_COMPARE_H
#define MOESIM_CAMPAIGN_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

struct compare_tolerance {
    const char *name;  /* of a metric, column or claim; NULL: of all others */
    double ratio;      /* of the first value, as the column `change` is: of 0, any change counts */
    double absolute;   /* SI; NAN: `ratio` holds */
    enum unit_dim dim; /* of `absolute` */
};

/* Which way is worse. */
enum compare_better { COMPARE_EITHER, COMPARE_LOWER, COMPARE_HIGHER };
struct compare_direction {
    const char *name; /* of a metric, column or claim */
    enum compare_better better;
};

struct compare_options {
    const struct compare_tolerance *tolerances; /* the last one that fits is taken */
    uint32_t n_tolerances;
    const char *const *ignored; /* names; NULL-terminated */
    double tolerance;           /* where none fits */
    /* Only what got worse, or is gone, counts. Lower is better for times, energies, bytes and money; higher for rates and
     * what is named so (tokens_per_day, mfu, goodput); `directions` say it of others. Where nobody does, any move counts. */
    bool worse_only;
    const struct compare_direction *directions;
    uint32_t n_directions;
};

/* All values of one name. */
struct compare_name {
    const char *name;
    uint32_t values, moved; /* 0 values: ignored; moved or missing, and not left aside by worse_only */
    const char *what;       /* the first that moved: "metric tpot: 47.2 ms became 49.1 ms" */
};

struct compare_counts {
    uint32_t values, moved, only_first, only_second; /* values that both have, of which moved; that one has */
    uint32_t left_aside;                             /* moved for the better, or new; worse_only */
    double largest_ratio;                            /* of what moved, to the first value, where that is not 0 */
    uint32_t from_zero;         /* moved from 0, or from or to infinity: no ratio tells by how much */
    struct compare_name *names; /* in order of first use; owned by the arena */
    uint32_t n_names;
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
 * neither has: a tolerance that nothing uses hides a misspelled one; and where its unit is not that of what it names. */
struct result_table *compare_results(const char *first, const char *second, const struct compare_options *options,
                                     struct arena *arena, struct compare_counts *counts, struct diag *diag);

#endif
