/* Diagnostic toolkits (paper 6.1.2): all GPUs are tested now and then, so that a bad one corrupts no longer than until
 * the next test. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double every_s, takes_s;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "every", every_s, DIM_TIME, "12 h", 60, 1e8, "time between tests"),
    ROW_AMOUNT(parameters, "takes", takes_s, DIM_TIME, "5 min", 0, 1e6, "that training stops for one"),
    {0}};
PARAMETERS("diagnostics", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "reliability.test_every", p->every_s);
    proposal_set_number(c, "reliability.test", p->takes_s);
}

static const char *const set[] = {"reliability.gpus=16384", NULL};

const struct proposal prop_diagnostics = {
    .name = "diagnostics",
    .doc = "all GPUs are tested for silent faults now and then",
    .ref = "6.1",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "reliability",
    .apply = apply,
    .trial = {.scenario = "scenarios/reliability_2048.yaml", .set = set, .metric = "goodput", .better = BETTER_HIGHER},
    .assumption = "16,384 GPUs; corruption comes from GPUs that a test finds (not from single particles)",
};
