/* Claims: one statement of the paper per YAML file (scenarios/claims/ID.yaml), with where to find our number for
 * it and how close it must be. Reading and checking; what runs is campaign/claims.h's business. */
#ifndef MOESIM_IO_RESULTS_CLAIM_FILE_H
#define MOESIM_IO_RESULTS_CLAIM_FILE_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/json_expr.h"

enum claim_class { CLASS_CLOSED_FORM, CLASS_COUNT, CLASS_CALIBRATED, CLASS_PREDICTED, CLASS_UNVALIDATED };
enum claim_order { ORDER_NONE, ORDER_BELOW, ORDER_ABOVE, ORDER_SIMILAR };
enum claim_rounding { ROUNDING_NEAREST, ROUNDING_DOWN };

extern const char *const claim_class_names[]; /* NULL-terminated, index = enum claim_class */

/* What the paper's value must be; members that nobody gave are NaN. */
struct claim_expect {
    const char *value_text, *at_least_text, *at_most_text, *digits_text; /* as in the file */
    double value, at_least, at_most;                                     /* in the claim's unit */
    double digits; /* decimal places that the paper prints; below 0: of tens, hundreds */
    int rounding;  /* enum claim_rounding: how the paper came to these digits */
    double tolerance_ratio;
    int order; /* enum claim_order: against `other` */
};

/* A moesim command line that prints JSON: run SCENARIO -s ... --json, or any other. */
struct claim_source {
    const char *scenario, *set, *command; /* as in the file; "" = not given */
    const char *metric_text;
    struct json_expr *metric; /* NULL = not given */
    const char *const *argv;  /* NULL-terminated, without the program's name; data files found */
    int argc;
    const char *line; /* the command line as one types it */
};

struct claim {
    const char *id, *section, *quote, *remark;
    const char *chip, *software, *date, *conditions, *origin, *peer; /* of a public measurement; "" = none */
    struct claim_source ours, other; /* other: what an ordering compares with; the same command if it gives none */
    const char *unit;                /* of paper and ours; one of moesim's own converts from SI */
    double unit_SI;                  /* 1 where moesim does not know the unit */
    bool unit_is_known;
    struct claim_expect expect;
    int class;             /* enum claim_class */
    const char *constants; /* calibrated: those that were fitted, and to what */
    const char *disputed;  /* why it cannot hold; "" = it is not disputed */
    const char *baseline_text;
    double baseline; /* what we measured when it was found to miss, in the claim's unit; NaN = none */
    double baseline_tolerance_ratio;
    const char *path;
};

extern const struct cfg_table claim_table;

/* All *.yaml of a folder, sorted by section, then id. Errors of all files are reported. NULL when there are any,
 * or none of the names in `commands` (NULL-terminated) is what a claim runs. *n: how many. */
struct claim *claims_load(const char *folder, const char *const *commands, struct arena *arena, uint32_t *n,
                          struct diag *diag);

#endif
