/* Fewer bits for the combine (paper 3.2, 6.5): FP8, E5M6 or LogFMT-n on the network, encoded by SMs or by units in the
 * NIC. What it does to the model is another question: `moesim formats -t combine`. */
#include "hw/formats/number_format.h"
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    const char *format;
    int codec;
    double overhead_ratio;
};

static const char *const codecs[] = {"sm", "nic", NULL};

static const struct cfg_field fields[] = {
    ROW_TEXT(parameters, "format", format, "logfmt8",
             "number format of the combine: e4m3_1x128, e5m6, logfmt8, logfmt10, ..."),
    ROW_CHOICE(parameters, "codec", codec, "nic", codecs, "who encodes and decodes"),
    ROW_AMOUNT(parameters, "overhead", overhead_ratio, DIM_RATIO, "75 %", 0, 10,
               "codec=sm, LogFMT: time beyond that of BF16 (paper: 50 to 100 %)"),
    {0}};
PARAMETERS("combine_format", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    struct number_format f;
    char why[200];
    if (number_format_find(p->format, &f, why, sizeof why)) {
        proposal_misfit(c, "%s", why);
        return;
    }
    proposal_set(c, "cluster.ep_kernel.combine_format", p->format);
    proposal_set(c, "cluster.ep_kernel.codec", codecs[p->codec]);
    proposal_set_number(c, "cluster.ep_kernel.codec_overhead", p->overhead_ratio);
}

const struct proposal prop_combine_format = {
    .name = "combine_format",
    .doc = "tokens of a combine cross the network in fewer bits",
    .ref = "3.2, 6.5",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference kv_contention moe_exchange serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/proposals/exchange_decode.yaml",
              .arguments = "format=logfmt8",
              .metric = "low_latency_combine_time",
              .better = BETTER_LOWER},
    .assumption = "codecs in the NIC at line rate; on SMs (codec=sm) the same format loses time",
};
