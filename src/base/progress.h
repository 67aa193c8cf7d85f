/* What a run does, how far it is and how long it will take, once it takes more than a second: on a terminal one line on
 * standard error that is drawn anew, elsewhere a line every ten seconds. */
#ifndef MOESIM_BASE_PROGRESS_H
#define MOESIM_BASE_PROGRESS_H

#include <stddef.h>

/* Says nothing from now on: --progress=never, and children, whose parent speaks. */
void progress_never(void);

void progress_begin(const char *what);
void progress_tick(void *unused); /* shaped as sim_spec.tick */
void progress_end(void);

/* Of what has begun, one part (a simulation) after the other begins; how far this one is, 0 to 1. */
void progress_next_part(void);
void progress_share(double share);
/* Or: so many parts of so many are done; total 0: not known any more. */
void progress_parts(size_t done, size_t total);

/* A bar for many runs, drawn at most ten times a second: done of total, rate, time to go. `fresh` of the done
 * were done in this process (the others lay there already). */
void progress_bar(size_t done, size_t fresh, size_t total, size_t failed);

#endif
