/* A collective job of a scenario: all its groups in one op graph, and how long they took. */
#ifndef MOESIM_KINDS_NETWORK_JOBS_H
#define MOESIM_KINDS_NETWORK_JOBS_H

#include "kinds/network/collective_cfg.h"
#include "kinds/kind_run.h"

struct job_groups {
    uint32_t n, members; /* groups, GPUs of each */
    struct collective_ops *ops;
};

/* Reports at "PREFIX.group" and the like what cannot run on n GPUs. */
void job_check(const struct scenario_file *file, const char *prefix, const struct collective_job *job, uint32_t n_gpus,
               struct arena *arena, struct diag *diag);
/* Adds the job to run->graph. */
struct job_groups job_build(struct kind_run *run, const struct cluster_hw *hw, const struct collective_job *job,
                            double size_B, uint8_t priority, const char *name);
/* The same on a quotient (topology/symmetry.h): all GPUs are one group, which one op stands for. */
struct job_groups job_build_folded(struct kind_run *run, const struct cluster_hw *hw, const struct collective_job *job,
                                   double size_B);
/* Of one group; of the slowest; of the mean. */
double job_slowest_s(const struct kind_run *run, const struct job_groups *g);
double job_mean_s(const struct kind_run *run, const struct job_groups *g);

#endif
