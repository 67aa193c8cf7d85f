/* The NIC in the GPU's I/O die (paper 4.5.2, 2): its traffic is off PCIe, and a message saves PCIe's latency. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double saved_s;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "saved", saved_s, DIM_TIME, "0.4 us", 0, 1e-3,
               "latency that a message saves at each end without PCIe (an assumption)"),
    {0}};
PARAMETERS("nic_io_die", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    double latency_s = proposal_number(c, "cluster.nic.latency");
    if (p->saved_s > latency_s)
        proposal_misfit(c, "it saves %g us of a NIC's latency of %g us (cluster.nic.latency)", 1e6 * p->saved_s,
                        1e6 * latency_s);
    proposal_set(c, "cluster.node.host.nic", "io_die");
    proposal_scale(c, "cluster.nic.latency", (latency_s - p->saved_s) / latency_s);
}

const struct proposal prop_nic_io_die = {
    .name = "nic_io_die",
    .doc = "NICs in the GPU's I/O die instead of behind PCIe",
    .ref = "4.5.2",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "collective fault_study inference kv_contention mixed_traffic moe_exchange node_limited plane_isolation "
             "queueing routing_study serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/kv_contention.yaml", .metric = "dispatch_p99", .better = BETTER_LOWER},
    .assumption = "20 GB/s of caches per GPU; PCIe's share of a NIC's latency is 0.4 us at each end",
};
