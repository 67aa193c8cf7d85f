/* Kernels of expert parallelism beside one another: moe.exchange of kind moe_exchange. */
#ifndef MOESIM_KINDS_NETWORK_MOE_KERNELS_H
#define MOESIM_KINDS_NETWORK_MOE_KERNELS_H

#include "kinds/kind_run.h"

/* Whether the scenario asks for any. */
bool moe_kernels_asked(const struct scenario *s);
void moe_kernels_check(const struct scenario_file *file, struct arena *arena, struct diag *diag);
/* Adds the table "exchange" and metrics of its last row. 0 or -1. */
int moe_kernels_run(struct kind_run *run, struct diag *diag);

#endif
