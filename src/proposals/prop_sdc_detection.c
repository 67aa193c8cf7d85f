/* Detection of silent corruption in hardware (paper 6.1.2): checksums of matrix products and memory, or everything
 * computed twice. What it catches costs a restart; what it does not is noticed late, and all work since is lost. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int method;
    double overhead_ratio, coverage_ratio;
};

static const char *const methods[] = {"checksums", "redundancy", NULL};

static const struct cfg_field fields[] = {
    ROW_CHOICE(parameters, "method", method, "checksums", methods, "how corruption is detected"),
    ROW_AMOUNT(parameters, "overhead", overhead_ratio, DIM_RATIO, "2 %", 0, 2,
               "time beyond that without (redundancy: 100 %)"),
    ROW_AMOUNT(parameters, "coverage", coverage_ratio, DIM_RATIO, "95 %", 0, 1, "share of corruption that is caught"),
    {0}};
PARAMETERS("sdc_detection", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    if (p->method == 1 && p->overhead_ratio < 1)
        proposal_misfit(c, "redundancy computes twice, which takes 100 %% more at least; write method=redundancy,"
                           "overhead=100 %%");
    proposal_set(c, "reliability.detection", methods[p->method]);
    proposal_set_number(c, "reliability.overhead", p->overhead_ratio);
    proposal_set_number(c, "reliability.coverage", p->coverage_ratio);
}

static const char *const set[] = {"reliability.gpus=16384", NULL};

const struct proposal prop_sdc_detection = {
    .name = "sdc_detection",
    .doc = "hardware detects silent corruption by checksums or redundancy",
    .ref = "6.1",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "reliability",
    .apply = apply,
    .trial = {.scenario = "scenarios/reliability_2048.yaml", .set = set, .metric = "goodput", .better = BETTER_HIGHER},
    .assumption =
        "16,384 GPUs, corruption unnoticed for a day without; at 2,048 GPUs 2 % overhead cost more than it saves",
};
