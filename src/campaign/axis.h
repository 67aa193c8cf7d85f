/* An axis of a sweep: a config key and the values that it takes.
 *
 *   cluster.topology=mpft, mrft                  a list; quote an item that holds a comma: '32, 64'
 *   cluster.nic.bandwidth=100, 200, 400 Gb/s     an item without a unit has that of the next one
 *   cluster.nic.bandwidth=100..800 Gb/s by 100   steps
 *   cluster.nodes=2..64 by x2                    factors
 *   cluster.nic.latency=1..10 us lin 4           4 values, evenly spaced; log 4: evenly in the logarithm
 *   tpot.tokens=1..8                             whole numbers: by 1
 *   1..4, 8..64 by x2                            several of these
 *   cluster.nic.latency=1..10 us                 a range, for sampling; 1..10 us log: evenly in the logarithm
 *
 * Computed values are rounded to 12 significant digits (0.1..0.5 by 0.1 holds 0.3) and, for whole numbers, to
 * the nearest one. */
#ifndef MOESIM_CAMPAIGN_AXIS_H
#define MOESIM_CAMPAIGN_AXIS_H

#include <stdint.h>

#include "base/cfg.h"

struct axis {
    const char *key;
    const struct cfg_field *field;
    const char *spec; /* as it was written */
    struct srcloc where;
    struct cfg_value *values; /* a list; NULL: a range */
    uint32_t n;
    double from, to; /* of a range, SI */
    bool is_log;
    uint32_t group; /* axes of one group go together (zip) */
};

/* `where` is the place of spec's first character. The axis' key and field are set. 0, or -1 with the reason. */
int axis_parse(struct axis *axis, const char *spec, struct srcloc where, struct arena *arena, struct diag *diag);
/* A list whose items are given one by one. */
int axis_append(struct axis *axis, const char *item, struct srcloc where, struct arena *arena, struct diag *diag);
/* -1 when the axes that go together with `first` (of all `n`) have the same values twice: alone a value may not be
 * repeated, in a group it may. Reported at first->where. */
int axes_check_group(const struct axis *axes, uint32_t n, const struct axis *first, struct diag *diag);
/* The value at u in [0, 1]: of a list the item there, of a range the number there. */
struct cfg_value axis_at(const struct axis *axis, double u, struct arena *arena);
/* As YAML, without shorthands: a list, or the range in quotes. */
void axis_print(const struct axis *axis, struct arena *arena, FILE *out);

#endif
