/* Finished parts of a long run, kept beside its result so that a run that was interrupted can go on: answers of fork_map, in
 * the order in which they came. One file a process; children of fork_map neither read nor write it. */
#ifndef MOESIM_KINDS_PARTS_H
#define MOESIM_KINDS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* From now on answers go to `path`, which appears with the first of them. `identity` is the text of all that decides the run.
 * With resume the answers that are there are taken over, if they are of this very run: else an error. An error, too, where the
 * name is a link, an input, any file that is not of parts, or is held by another run: nothing of that is touched. 0 or -1. */
int parts_open(const char *path, const char *identity, bool resume, struct diag *diag);
/* The run is over; when it is done, the file goes. */
void parts_close(bool done);
/* Answers that were taken over so far. */
uint32_t parts_resumed(void);

/* --- for fork_map --- */

/* The number of a map of this process; files that were read until now decide its answers, too. */
uint32_t parts_begin_map(void);
/* Whether the answer to a job of the map is there: then it is copied. */
bool parts_take(uint32_t map, uint32_t job, void *answer, size_t answer_B);
/* Keeps an answer. A disk that is full is no error: then there is less to go on with. */
void parts_keep(uint32_t map, uint32_t job, const void *answer, size_t answer_B);

#endif
