/* Multi-port NICs (paper 5.1, Figure 4): each port on a plane of its own, one queue pair over all ports. That needs
 * out-of-order placement in the NIC; without it a queue pair must stay on one path, and a message gets the bandwidth
 * of one port. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t ports, queue_pairs;
    bool out_of_order;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "ports", ports, "4", 1, 64,
              "ports of a NIC, together as fast as the NIC (ConnectX-8: 4 planes)"),
    ROW_FLAG(parameters, "out_of_order", out_of_order, "true",
             "the NIC places packets that overtook others: messages are sprayed"),
    ROW_COUNT(parameters, "queue_pairs", queue_pairs, "1", 1, 64,
              "without it: queue pairs per connection, each on one path"),
    {0}};
PARAMETERS("multi_port_nic", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set(c, "cluster.topology", "mpft_multiport");
    if (proposal_kind_is(c, "collective") && *proposal_text(c, "collective.topologies"))
        proposal_set(c, "collective.topologies", "mpft_multiport");
    proposal_set_number(c, "cluster.network.nic_ports", (double)p->ports);
    proposal_set(c, "cluster.network.routing.policy", p->out_of_order ? "spray" : "ecmp");
    if (!p->out_of_order)
        proposal_set_number(c, "cluster.network.routing.queue_pairs", (double)p->queue_pairs);
}

const struct proposal prop_multi_port_nic = {
    .name = "multi_port_nic",
    .doc = "NICs with a port on each of several planes, with or without out-of-order placement",
    .ref = "5.1",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "collective inference kv_contention mixed_traffic moe_exchange queueing "
             "serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/alltoall.yaml", .metric = "smallest_time", .better = BETTER_LOWER},
    .assumption = "spraying costs nothing but reordering; without out-of-order placement a message has one port",
};
