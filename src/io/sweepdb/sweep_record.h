/* What the child of a sweep's point sends, in lines of text:
 *
 *   SHA-256 of the resolved scenario
 *   {"lines": 170, "changed": [[12, "  nodes: 8"], ...]}      the resolved scenario, against that of point 0
 *   EXIT_CODE NUMBER_OF_FILES            or "known": another point with this SHA-256 has the outcome
 *   SHA-256 PATH                         of each file that the parent has not read
 *   {"message": "...", "metrics": ...}   the outcome
 *
 * The first two lines come before the run begins: of a run that ends badly they are known. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_RECORD_H
#define MOESIM_IO_SWEEPDB_SWEEP_RECORD_H

#include "io/sweepdb/sweep_db.h"

/* One line each, without its end; the caller frees them. */
char *sweep_resolved_text(const char *scenario, const char *base, struct arena *arena);
char *sweep_outcome_text(const char *message, const struct result *result);
/* Fill the point's fields. 0, or -1 when the text is none of ours. */
int sweep_resolved_parse(const char *text, struct arena *arena, struct sweep_point *out);
int sweep_outcome_parse(const char *text, struct arena *arena, struct sweep_point *out);

#endif
