/* What a step of inference says: metrics, the breakdown, tables. */
#ifndef MOESIM_KINDS_INFER_INFER_RESULT_H
#define MOESIM_KINDS_INFER_INFER_RESULT_H

#include "kinds/infer/infer_run.h"

/* Metrics of decoding or prefill; `prefix` ("" or "prefill_") tells two phases of one
 * result apart. */
void infer_result_metrics(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                          const char *prefix);
void infer_result_memory(struct kind_run *run, const struct infer_outcome *o, const char *prefix);
/* Where the time goes. */
void infer_result_parts(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o);
/* Stages; limits; kernels. */
void infer_result_stages(struct kind_run *run, const struct infer_outcome *o, const char *prefix);
void infer_result_limits(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                         const char *prefix);
void infer_result_kernels(struct kind_run *run, const struct infer_outcome *o, const char *prefix);
/* Where sparse attention starts to pay; nothing for other models, and prefill. */
void infer_result_sparse(struct kind_run *run, const struct infer_outcome *o);

#endif
