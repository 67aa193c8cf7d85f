/* Where the times of a step's kernels come from. */
#ifndef MOESIM_KINDS_INFER_INFER_ORIGINS_H
#define MOESIM_KINDS_INFER_INFER_ORIGINS_H

#include "kinds/infer/infer_run.h"

/* A note to the result, of chips that have kernels of their own. `prefix` is empty but for prefill beside decoding. */
void infer_note_origins(struct kind_run *run, const struct infer_outcome *o, const char *prefix);

#endif
