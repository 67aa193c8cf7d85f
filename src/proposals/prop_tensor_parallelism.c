/* Tensor parallelism, avoided or not (paper 4.2): attention divided among GPUs, which exchange all tokens over NVLink
 * before and behind it. The H800's NVLink is too slow for that in training and prefill; in decoding it buys latency. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t tp;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "tp", tp, "1", 1, 64, "GPUs that share a sequence's attention; 1: none is shared"), {0}};
PARAMETERS("tensor_parallelism", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "inference.tp", (double)p->tp);
}

static const char *const set[] = {"inference.tp=4", "inference.simulate_layers=2", NULL};

const struct proposal prop_tensor_parallelism = {
    .name = "tensor_parallelism",
    .doc = "attention among so many GPUs; 1 avoids tensor parallelism",
    .ref = "4.2",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "inference serving speculative",
    .apply = apply,
    .trial = {.scenario = "scenarios/prefill_ep32.yaml",
              .set = set,
              .metric = "tokens_per_s_gpu",
              .better = BETTER_HIGHER},
    .assumption = "NVLink of 160 GB/s (H800); exchanges are not hidden behind computation",
};
