/* RoCE instead of InfiniBand (paper 5.2.1, Table 5): more latency in switches and NICs, larger headers, cheaper
 * switches of 128 ports instead of 64. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t ports;
    double switch_s, nic_s, header_B;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "ports", ports, "128", 2, 4096, "ports of a switch (paper 5.2.1: RoCE 128, InfiniBand 64)"),
    ROW_AMOUNT(parameters, "switch_latency", switch_s, DIM_TIME, "0.95 us", 0, 1, "one traversal (from paper Table 5)"),
    ROW_AMOUNT(parameters, "nic_latency", nic_s, DIM_TIME, "1.315 us", 0, 1, "on one side (from paper Table 5)"),
    ROW_AMOUNT(parameters, "header", header_B, DIM_BYTES, "82 B", 0, 1024, "of a packet, with preamble and gap"),
    {0}};
PARAMETERS("roce", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.network.switch_ports", (double)p->ports);
    proposal_set_number(c, "cluster.network.switch_latency", p->switch_s);
    proposal_set_number(c, "cluster.nic.latency", p->nic_s);
    proposal_set_number(c, "cluster.nic.header", p->header_B);
}

const struct proposal prop_roce = {
    .name = "roce",
    .doc = "Ethernet with RoCE in place of InfiniBand",
    .ref = "5.2.1",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "collective fault_study inference kv_contention mixed_traffic moe_exchange node_limited plane_isolation "
             "queueing routing_study serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange_decode.yaml",
              .metric = "low_latency_dispatch_time",
              .better = BETTER_LOWER},
    .assumption = "Table 5's latencies hold at any load; congestion control and PFC are left out",
    .validated = "latencies: paper Table 5; no exchange was measured on both",
};
