/* SMs that communication kernels take from computation (paper 4.4.1: up to 20). Fewer SMs copy less per second;
 * 0 means that hardware moves the data (see also sm_offload, co_processor). */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t sms;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "sms", sms, "0", 0, 132, "SMs that a dispatch or combine holds"), {0}};
PARAMETERS("sm_cost", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_needs_normal_kernels(c);
    proposal_set_number(c, "cluster.ep_kernel.sms", (double)p->sms);
}

const struct proposal prop_sm_cost = {
    .name = "sm_cost",
    .doc = "communication kernels hold so many SMs",
    .ref = "4.4.1",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "inference moe_exchange serving train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/train_replay_h800.yaml",
              .arguments = "sms=12",
              .metric = "makespan",
              .better = BETTER_LOWER},
    .assumption = "copy rate is proportional to SMs; memory bandwidth is not contended",
    .validated = "20 SMs: the published trace is within 0.4 %; other numbers were not measured in training",
};
