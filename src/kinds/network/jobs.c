#include "kinds/network/jobs.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"

void job_check(const struct scenario_file *file, const char *prefix, const struct collective_job *job, uint32_t n_gpus,
               struct arena *arena, struct diag *diag)
{
    int64_t block = job->group * job->group_stride;
    if (job->group && (block > n_gpus || n_gpus % block)) {
        REPORT(arena_printf(arena, "%s.group", prefix),
               "%u GPUs do not divide into groups of %lld at a distance of %lld "
               "(%s.group_stride)",
               n_gpus, (long long)job->group, (long long)job->group_stride, prefix);
        return;
    }
    if (job->receiver_cv_ratio > 0 && job->operation != COLLECTIVE_ALL_TO_ALL)
        REPORT(arena_printf(arena, "%s.receiver_cv", prefix), "%s.receiver_cv is for all_to_all only, not for %s",
               prefix, collective_operation_names[job->operation]);
    struct collective c = {.operation = job->operation, .algorithm = job->algorithm};
    uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, n_gpus);
    c.n = collective_group(job, n_gpus, 0, ranks);
    c.ranks = ranks;
    const char *misfit = collective_misfit(&c, &file->scenario->cluster);
    if (misfit)
        REPORT(arena_printf(arena, "%s.algorithm", prefix), "%s by %s among %u GPUs: %s",
               collective_operation_names[job->operation], collective_algorithm_names[job->algorithm], c.n, misfit);
}

/* Lognormal with the wanted coefficient of variation, scaled to sum 1. */
static const double *receiver_shares(const struct kind_run *run, const struct collective_job *job, uint32_t n,
                                     uint32_t group)
{
    double cv = job->receiver_cv_ratio, sigma = sqrt(log1p(cv * cv)), sum = 0;
    if (cv <= 0)
        return NULL;
    double *share = ARENA_ARRAY(run->scratch, double, n);
    gsl_rng *rng = rng_stream((uint64_t)run->file->scenario->sim.seed, group, "receiver shares");
    for (uint32_t i = 0; i < n; i++)
        sum += share[i] = gsl_ran_lognormal(rng, 0, sigma);
    for (uint32_t i = 0; i < n; i++)
        share[i] /= sum;
    gsl_rng_free(rng);
    return share;
}

struct job_groups job_build(struct kind_run *run, const struct cluster_hw *hw, const struct collective_job *job,
                            double size_B, uint8_t priority, const char *name)
{
    uint32_t n_gpus = run->graph->n_devices;
    struct job_groups g = {.n = collective_n_groups(job, n_gpus)};
    uint32_t *ranks = ARENA_ARRAY(run->scratch, uint32_t, n_gpus);
    g.ops = ARENA_ARRAY(run->scratch, struct collective_ops, g.n);
    for (uint32_t i = 0; i < g.n; i++) {
        g.members = collective_group(job, n_gpus, i, ranks);
        struct collective c = {.operation = job->operation,
                               .algorithm = job->algorithm,
                               .ranks = ranks,
                               .n = g.members,
                               .size_B = size_B,
                               .receiver_share = receiver_shares(run, job, g.members, i),
                               .pxn = job->pxn,
                               .priority = priority,
                               .name = name};
        g.ops[i] = collective_build(run->graph, hw, &c, run->scratch);
    }
    return g;
}

struct job_groups job_build_folded(struct kind_run *run, const struct cluster_hw *hw, const struct collective_job *job,
                                   double size_B)
{
    uint32_t n_gpus = run->graph->n_devices, *ranks = ARENA_ARRAY(run->scratch, uint32_t, n_gpus);
    struct job_groups g = {.n = 1, .ops = ARENA_NEW(run->scratch, struct collective_ops)};
    g.members = collective_group(job, n_gpus, 0, ranks);
    struct collective c = {.operation = job->operation,
                           .algorithm = job->algorithm,
                           .ranks = ranks,
                           .n = g.members,
                           .size_B = size_B,
                           .pxn = job->pxn};
    g.ops[0] = collective_build_folded(run->graph, hw, &c, run->scratch);
    return g;
}

static double job_group_s(const struct kind_run *run, const struct job_groups *g, uint32_t group)
{
    double end_s = 0;
    for (uint32_t op = g->ops[group].first; op < g->ops[group].end; op++)
        end_s = fmax(end_s, sim_joint_end_s(&run->outcome, op));
    return end_s;
}

double job_slowest_s(const struct kind_run *run, const struct job_groups *g)
{
    double slowest_s = 0;
    for (uint32_t i = 0; i < g->n; i++)
        slowest_s = fmax(slowest_s, job_group_s(run, g, i));
    return slowest_s;
}

double job_mean_s(const struct kind_run *run, const struct job_groups *g)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < g->n; i++)
        sum_s += job_group_s(run, g, i);
    return sum_s / g->n;
}
