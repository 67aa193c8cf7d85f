/* Congestion control at the endpoints (paper 5.2.2 (3), 6.3 (2)): by round-trip time instead of marks, or any that a
 * programmable NIC runs. */
#include "hw/cluster.h"
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int algorithm;
    double target_s;
};

static const struct cfg_field fields[] = {
    P_CHOICE("algorithm", algorithm, "rtt", hw_congestion_names, "what senders go by"),
    P_QUANTITY("target", target_s, DIM_TIME, "2 us", 1e-9, 1, "rtt: queueing delay that is aimed at"),
    {0}};
PARAMETERS("congestion_control", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set(c, "cluster.packet.congestion_control", hw_congestion_names[p->algorithm]);
    if (p->algorithm == CONGESTION_RTT)
        proposal_set_number(c, "cluster.packet.rtt.target", p->target_s);
}

static const char *const set[] = {"queueing.variants=", "cluster.packet.flow_control=pfc",
                                  "cluster.packet.congestion_control=dcqcn", NULL};

const struct proposal prop_congestion_control = {
    .name = "congestion_control",
    .doc = "senders go by round-trip times instead of marks",
    .ref = "5.2.2, 6.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/incast_packet.yaml",
              .set = set,
              .metric = "as_given_victim_slower",
              .better = BETTER_LOWER},
    .assumption = "a 16-to-1 incast of 8 MiB each, against DCQCN with its authors' constants, not tuned",
};
