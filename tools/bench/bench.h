/* What all benchmarks share: CPU time as a ratio to a loop of a fixed amount of work, so that machines and days compare,
 * and the same rows of the last release. */
#ifndef MOESIM_BENCH_H
#define MOESIM_BENCH_H

#include "base/arena.h"
#include "base/diag.h"

void bench_die_on_error(struct diag *diag);

/* CPU time of all children that have ended so far. */
double bench_children_s(void);
/* CPU time of 2e8 additions at places that an index says, 32 KiB of them: measured once, the quickest of three. */
double bench_reference_s(void);

/* Reads "name ratio" lines of tools/bench/last_release.txt below MOESIM_PATH. */
void bench_open(void);
void bench_heading(const char *title);
/* One row: CPU time, its ratio to the reference, what the last release's ratio is times this one's (where it is known),
 * memory (0: not measured), and more words. */
void bench_row(const char *name, double cpu_s, double peak_B, const char *more);

#endif
