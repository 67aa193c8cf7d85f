/* Independent pieces of work with answers of fixed size, in the children of a pool. */
#ifndef MOESIM_KINDS_FORK_MAP_H
#define MOESIM_KINDS_FORK_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Fills *answer; 0, or -1 with the reason in diag. Runs in a child: nothing else of what it does is seen. */
typedef int fork_map_fn(void *ctx, uint32_t index, void *answer, struct diag *diag);

/* answers[i] of answer_B bytes each (no pointers) for i < n, in children that run at most `at_once` at a time.
 * The answers do not depend on at_once. Those of a run that was interrupted are taken over (kinds/parts.h). 0, or -1 with the reasons in diag. */
int fork_map(uint32_t n, uint32_t at_once, fork_map_fn *fn, void *ctx, void *answers, size_t answer_B,
             struct diag *diag);

/* Processors that there are, at most `most`. */
uint32_t fork_map_processors(uint32_t most);

#endif
