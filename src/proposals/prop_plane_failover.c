/* Failover to another plane (paper 5.1 (5), 6.3 (4)): NICs with ports on several planes go round flaps and links that
 * fail, instead of waiting or ending the job. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double time_s, slower_ratio;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "time", time_s, DIM_TIME, "50 ms", 1e-9, 60, "until the other way is taken"),
    ROW_AMOUNT(parameters, "slower", slower_ratio, DIM_RATIO, "0 %", 0, 10, "of a step while a link is out"),
    {0}};
PARAMETERS("plane_failover", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set(c, "cluster.failures.failover", "true");
    proposal_set_number(c, "cluster.failures.failover_time", p->time_s);
    proposal_set_number(c, "reliability.slower", p->slower_ratio);
}

static const char *const set[] = {"reliability.gpus=2048", "reliability.replicas=20", NULL};

const struct proposal prop_plane_failover = {
    .name = "plane_failover",
    .doc = "NICs go over another plane when a link flaps or fails",
    .ref = "5.1, 6.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "reliability",
    .apply = apply,
    .trial = {.scenario = "scenarios/reliability_2048.yaml", .set = set, .metric = "mtbf", .better = BETTER_HIGHER},
    .assumption = "10 % of interruptions are links (Llama 3); with one NIC out of 8 a step takes no longer",
};
