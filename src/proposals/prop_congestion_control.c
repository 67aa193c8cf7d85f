/* Congestion control at the endpoints (paper 5.2.2 (3), 6.3 (2)): by round-trip time instead of marks, or any that a
 * programmable NIC runs. */
#include "hw/cluster.h"
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int algorithm;
    double target_s, increase, beta_ratio, max_decrease_ratio;
};

static const struct cfg_field fields[] = {
    ROW_CHOICE(parameters, "algorithm", algorithm, "rtt", hw_congestion_names, "what senders go by"),
    ROW_AMOUNT(parameters, "target", target_s, DIM_TIME, "2 us", 1e-9, 1, "rtt: queueing delay that is aimed at"),
    ROW_AMOUNT(parameters, "increase", increase, DIM_RATIO, "0", 0, 1e3,
               "rtt: packets that a window grows by per round trip; 0 = as it is"),
    ROW_AMOUNT(parameters, "beta", beta_ratio, DIM_RATIO, "0", 0, 1,
               "rtt: how much of the excess it shrinks by; 0 = as it is"),
    ROW_AMOUNT(parameters, "max_decrease", max_decrease_ratio, DIM_RATIO, "0", 0, 1,
               "rtt: at most, at a time; 0 = as it is"),
    {0}};
PARAMETERS("congestion_control", fields);

static void set_given(struct proposal_change *c, const char *key, double value)
{
    if (value > 0)
        proposal_set_number(c, key, value);
}

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    if (!proposal_has_packets(c))
        return;
    proposal_set(c, "cluster.packet.congestion_control", hw_congestion_names[p->algorithm]);
    if (p->algorithm != CONGESTION_RTT)
        return;
    proposal_set_number(c, "cluster.packet.rtt.target", p->target_s);
    set_given(c, "cluster.packet.rtt.increase", p->increase);
    set_given(c, "cluster.packet.rtt.beta", p->beta_ratio);
    set_given(c, "cluster.packet.rtt.max_decrease", p->max_decrease_ratio);
}

static const char *const set[] = {"queueing.variants=", "cluster.packet.flow_control=pfc",
                                  "cluster.packet.congestion_control=dcqcn", NULL};

const struct proposal prop_congestion_control = {
    .name = "congestion_control",
    .doc = "senders go by round-trip times instead of marks",
    .ref = "5.2.2, 6.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "collective moe_exchange queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/incast_packet.yaml",
              .set = set,
              .metric = "as_given_victim_slower",
              .better = BETTER_LOWER},
    .assumption =
        "a 16-to-1 incast of 8 MiB each, against DCQCN with published constants, scaled to 400 Gb/s and not tuned: "
        "pauses alone slow the bystander less (18 times) than this DCQCN does (31)",
};
