/* In-network computation (paper 6.5): switches copy tokens of a dispatch to all their nodes, and add up what a combine
 * brings back. A multicast takes bytes from senders only, a reduction from receivers only; as every GPU is both, one of
 * them alone leaves an exchange as long as it was. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int multicast, reduction;
};

static const char *const domains[] = {"none", "scale_out", "scale_up", "both", NULL};

static const struct cfg_field fields[] = {
    ROW_CHOICE(parameters, "multicast", multicast, "scale_out", domains, "where switches copy tokens of a dispatch"),
    ROW_CHOICE(parameters, "reduction", reduction, "scale_out", domains, "where switches add up tokens of a combine"),
    {0}};
PARAMETERS("in_network", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_needs_normal_kernels(c);
    proposal_set(c, "cluster.ep_kernel.multicast", domains[p->multicast]);
    proposal_set(c, "cluster.ep_kernel.reduction", domains[p->reduction]);
}

static const char *const set[] = {"moe.normal.both=true", "cluster.ep_kernel.sms=0", NULL};

const struct proposal prop_in_network = {
    .name = "in_network",
    .doc = "switches copy tokens of a dispatch and add up those of a combine",
    .ref = "6.5",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "moe_exchange train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange.yaml",
              .set = set,
              .metric = "normal_both_time",
              .better = BETTER_LOWER},
    .assumption = "a dispatch runs beside a combine and no SMs copy: alone, or where SMs limit, nothing is gained; "
                  "trees cost nothing to set up",
};
