/* One progress line on standard error: only on a terminal, only after a second. */
#ifndef MOESIM_BASE_PROGRESS_H
#define MOESIM_BASE_PROGRESS_H

void progress_begin(const char *what);
void progress_tick(void *unused); /* shaped as sim_spec.tick */
void progress_end(void);

#endif
