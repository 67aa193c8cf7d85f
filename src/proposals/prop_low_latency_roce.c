/* Ethernet switches made for RDMA (paper 5.2.2, 1): without features that only general networks need, they forward as
 * fast as InfiniBand's. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double switch_s;
};

static const struct cfg_field fields[] = {ROW_AMOUNT(parameters, "switch_latency", switch_s, DIM_TIME, "0.4 us", 0, 1,
                                                     "one traversal (default: InfiniBand's, from paper Table 5)"),
                                          {0}};
PARAMETERS("low_latency_roce", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.network.switch_latency", p->switch_s);
}

static const char *const set[] = {"hardware=h800, roce", NULL};

const struct proposal prop_low_latency_roce = {
    .name = "low_latency_roce",
    .doc = "Ethernet switches with the latency of InfiniBand's",
    .ref = "5.2.2",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "collective fault_study inference kv_contention mixed_traffic moe_exchange node_limited plane_isolation "
             "queueing routing_study serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/fig6_latency_16gpu.yaml",
              .set = set,
              .metric = "smallest_time",
              .better = BETTER_LOWER},
    .assumption = "the latency of the switch as given; of 64 B among 16 GPUs most is software",
};
