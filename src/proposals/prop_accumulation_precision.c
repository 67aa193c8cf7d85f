/* More bits in the tensor core's accumulator (paper 3.1.2, 1): what is left of the error of FP8 sums. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t bits, promote_every;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "bits", bits, "23", 1, 23,
              "mantissa bits of the accumulator and of aligned products (23: FP32)"),
    ROW_COUNT(parameters, "promote_every", promote_every, "128", 0, 1 << 20,
              "elements of K after which CUDA cores add up in FP32; 0: never, each operand has one scale"),
    {0}};
PARAMETERS("accumulation_precision", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.chip.tensor.align_bits", (double)p->bits);
    proposal_set_number(c, "cluster.chip.tensor.register_bits", (double)p->bits);
    proposal_set_number(c, "cluster.chip.tensor.promote_every", (double)p->promote_every);
}

const struct proposal prop_accumulation_precision = {
    .name = "accumulation_precision",
    .doc = "tensor cores accumulate in so many bits",
    .ref = "3.1",
    .mechanism = PROPOSAL_PATCH,
    .parameters = &table,
    .kinds = "gemm",
    .apply = apply,
    .trial = {.scenario = "scenarios/gemm_fp8.yaml", .metric = "accumulation_error", .better = BETTER_LOWER},
    .assumption = "Gaussian operands; the error that FP8 itself makes stays, and what it does to training is not known",
};
