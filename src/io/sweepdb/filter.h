/* Filters: a SQL expression over named values, evaluated by SQLite, which is here anyhow. Beyond SQL:
 *   names may be dotted and shortened to their end where that is clear: nic.bandwidth, bandwidth
 *   numbers may have a unit, which makes them SI: bandwidth >= 200 Gb/s
 * What differs from one evaluation to the next (random, the clock) is refused. */
#ifndef MOESIM_IO_SWEEPDB_FILTER_H
#define MOESIM_IO_SWEEPDB_FILTER_H

#include <stdint.h>

#include "base/cfg.h"

struct filter;

/* `where` is the place of the expression's first character. NULL with the reason in diag. */
struct filter *filter_new(const char *expression, const char *const *names, uint32_t n_names, struct srcloc where,
                          struct diag *diag);
/* One value per name, number or (NaN) text. 1, 0 (also when SQL says NULL), or -1 with the reason in diag. */
int filter_accepts(struct filter *f, const struct cfg_value *values, struct diag *diag);
void filter_free(struct filter *f); /* NULL is allowed */

/* The expression as SQL with its names quoted; owned by the arena. map[i] is the offset in the expression that
 * byte i of the SQL comes from. NULL with the reason in diag. */
const char *filter_sql(const char *expression, const char *const *names, uint32_t n_names, struct srcloc where,
                       struct arena *arena, uint32_t **map, struct diag *diag);

#endif
