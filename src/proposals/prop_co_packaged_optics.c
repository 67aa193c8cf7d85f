/* Co-packaged optics (paper 6.3, 1): lasers beside the switch chip instead of pluggable modules: less energy per bit, no
 * retimers on the way, and room for more bandwidth per port. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double energy_J, saved_s, bandwidth_ratio;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "energy", energy_J, DIM_ENERGY, "11.25 pJ", 0, 1e-6,
               "both ends of a cable, per bit (default: 9 W at 1.6 Tb/s, NVIDIA, GTC 2025)"),
    ROW_AMOUNT(parameters, "saved", saved_s, DIM_TIME, "50 ns", 0, 1e-5, "of a switch's latency (an assumption)"),
    ROW_AMOUNT(parameters, "bandwidth", bandwidth_ratio, DIM_RATIO, "1", 1, 64,
               "of NICs and switch ports, times today's"),
    {0}};
PARAMETERS("co_packaged_optics", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    double latency_s = proposal_number(c, "cluster.network.switch_latency");
    if (p->saved_s > latency_s)
        proposal_misfit(c, "it saves %g ns of a switch's latency of %g ns (cluster.network.switch_latency)",
                        1e9 * p->saved_s, 1e9 * latency_s);
    proposal_set_number(c, "cluster.network.optical_energy", p->energy_J);
    if (p->saved_s > 0)
        proposal_scale(c, "cluster.network.switch_latency", (latency_s - p->saved_s) / latency_s);
    if (p->bandwidth_ratio > 1) {
        proposal_scale(c, "cluster.nic.bandwidth", p->bandwidth_ratio);
        proposal_scale(c, "cluster.network.port_bandwidth", p->bandwidth_ratio);
    }
}

const struct proposal prop_co_packaged_optics = {
    .name = "co_packaged_optics",
    .doc = "optics in the switch's package: energy per bit, latency, bandwidth of ports",
    .ref = "6.3",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "collective fault_study inference kv_contention mixed_traffic moe_exchange node_limited plane_isolation "
             "queueing routing_study serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/alltoall_spines.yaml",
              .metric = "optical_energy",
              .better = BETTER_LOWER},
    .assumption =
        "a vendor's figures of power; more bandwidth per port needs NICs that are not behind PCIe (nic_io_die)",
    .echo = "unvalidated, and no result: the gain is the ratio of two inputs, the energies per bit of pluggable and "
            "co-packaged optics",
};
