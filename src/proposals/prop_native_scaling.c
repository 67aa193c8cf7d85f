/* Native fine-grained scaling (paper 3.1.2, 2): scales of 1x128 and 128x128 go into the tensor core, which keeps its sums
 * until the product is done; nothing moves to CUDA cores on the way. Sums that long need a wide accumulator. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t bits;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "bits", bits, "23", 1, 23,
              "mantissa bits of the accumulator and of aligned products (23: FP32)"),
    {0}};
PARAMETERS("native_scaling", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    const char *source = proposal_kind_is(c, "train_replay") ? proposal_text(c, "replay.source")
                         : proposal_kind_is(c, "train_step") ? proposal_text(c, "train.chunks.source")
                                                             : "kernels";
    if (source[0] == 't')
        proposal_misfit(c,
                        "kernel times are those of a trace, recorded with DeepSeek's own scaling; take them from the "
                        "kernel model ('source: kernels')");
    proposal_set(c, "cluster.chip.tensor.native_scaling", "true");
    proposal_set_number(c, "cluster.chip.tensor.promote_every", 0);
    proposal_set_number(c, "cluster.chip.tensor.align_bits", (double)p->bits);
    proposal_set_number(c, "cluster.chip.tensor.register_bits", (double)p->bits);
}

const struct proposal prop_native_scaling = {
    .name = "native_scaling",
    .doc = "tensor cores apply fine-grained scales themselves",
    .ref = "3.1",
    .mechanism = PROPOSAL_REWRITE,
    .parameters = &table,
    .kinds = "gemm inference serving speculative tpot_bound train_replay train_step",
    .apply = apply,
    .trial = {.scenario = "scenarios/gemm_fp8.yaml", .metric = "gemm_time", .better = BETTER_LOWER},
    .assumption = "what CUDA cores do is not hidden: computed 70 ns a step of a tile, of 82 calibrated",
};
