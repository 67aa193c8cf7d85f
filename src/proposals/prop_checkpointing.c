/* Checkpoints and restarts (paper 6.1): how often, how long training stops for one, how long until it goes on after a
 * failure. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    double interval_s, write_s, detect_s, restart_s;
};

static const struct cfg_field fields[] = {
    ROW_AMOUNT(parameters, "interval", interval_s, DIM_TIME, "0 s", 0, 1e8,
               "useful work between checkpoints; 0 = Daly's optimum"),
    ROW_AMOUNT(parameters, "write", write_s, DIM_TIME, "1 s", 1e-3, 1e6, "that training stops for one"),
    ROW_AMOUNT(parameters, "detect", detect_s, DIM_TIME, "1 min", 0, 1e6, "until a failure is known and located"),
    ROW_AMOUNT(parameters, "restart", restart_s, DIM_TIME, "2 min", 0, 1e6, "until training goes on after that"),
    {0}};
PARAMETERS("checkpointing", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "reliability.interval", p->interval_s);
    proposal_set_number(c, "reliability.write", p->write_s);
    proposal_set_number(c, "reliability.detect", p->detect_s);
    proposal_set_number(c, "reliability.restart", p->restart_s);
}

static const char *const set[] = {"reliability.gpus=16384", NULL};

const struct proposal prop_checkpointing = {
    .name = "checkpointing",
    .doc = "checkpoints, detection and restart that take so long",
    .ref = "6.1",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "reliability",
    .apply = apply,
    .trial = {.scenario = "scenarios/reliability_2048.yaml", .set = set, .metric = "goodput", .better = BETTER_HIGHER},
    .assumption = "16,384 GPUs with Llama 3's failure rates; without it 5 s, 10 min and 5 min",
};
