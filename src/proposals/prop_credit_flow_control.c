/* Lossless by credits (paper 6.3, 2): nothing is sent that has no room. Alone it blocks what stands behind, so endpoints
 * regulate how much they inject. */
#include "hw/cluster.h"
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int control;
};

static const struct cfg_field fields[] = {ROW_CHOICE(parameters, "control", control, "rtt", hw_congestion_names,
                                                     "congestion control of the endpoints beside it"),
                                          {0}};
PARAMETERS("credit_flow_control", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    if (!proposal_has_packets(c))
        return;
    proposal_set(c, "cluster.packet.flow_control", "credits");
    proposal_set(c, "cluster.packet.congestion_control", hw_congestion_names[p->control]);
}

static const char *const set[] = {"queueing.variants=", "cluster.packet.flow_control=none", NULL};

const struct proposal prop_credit_flow_control = {
    .name = "credit_flow_control",
    .doc = "links send only what has room (credits), endpoints regulate what they inject",
    .ref = "6.3",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "collective moe_exchange queueing",
    .apply = apply,
    .trial = {.scenario = "scenarios/incast_packet.yaml",
              .set = set,
              .metric = "as_given_of_fluid",
              .better = BETTER_LOWER},
    .assumption = "an incast that overflows 1.25 MB per port; the bystander gets slower, 20 times so with control=none",
};
