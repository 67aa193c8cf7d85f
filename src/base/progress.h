/* One progress line on standard error: only on a terminal, only after a second. */
#ifndef MOESIM_BASE_PROGRESS_H
#define MOESIM_BASE_PROGRESS_H

#include <stddef.h>

void progress_begin(const char *what);
void progress_tick(void *unused); /* shaped as sim_spec.tick */
void progress_end(void);

/* A bar for many runs, drawn at most ten times a second: done of total, rate, time to go. `fresh` of the done
 * were done in this process (the others lay there already). */
void progress_bar(size_t done, size_t fresh, size_t total, size_t failed);

#endif
