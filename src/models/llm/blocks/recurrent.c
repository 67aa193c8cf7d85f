/* Decoding reads and writes the state of each sequence once a step (with predicted tokens it is written for each, so
 * that those that are refused can be undone). Prefill works in chunks: inside of one as attention does, from one to the
 * next through the state (chunked delta rules, Mamba-2's SSD): for each position and head products with the state and
 * with `chunk` others, as one batched GEMM.
 *
 * Left out: the decay's own arithmetic, convolution in prefill beyond its bytes. */
#include "models/llm/blocks/recurrent.h"

static const struct recurrence *of(const void *dims)
{
    return dims;
}

enum { CONV_VALUE_B = 2 };

static double output_width(const struct recurrence *r)
{
    return r->heads * r->value_dim;
}

void recurrent_weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    const struct recurrence *r = of(dims);
    double d = (double)m->hidden;
    w->other = r->channels * r->taps + r->other;
    w->params = w->active =
        d * r->columns + r->rank * d + (r->rank > 0 ? r->rank * r->wide : 0) + output_width(r) * d + w->other;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return (int64_t)of(dims)->heads;
}

static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    struct block_weights w = {0};
    double whole = of(dims)->rank * (double)m->hidden;
    recurrent_weigh(m, dims, &w);
    return whole + (w.params - whole) / tp;
}

static double state_B(const void *dims)
{
    const struct recurrence *r = of(dims);
    return r->heads * r->key_dim * r->value_dim * r->state_value_B;
}

/* What the convolution needs of the last positions, too. */
static double cache_B(const struct model *m, const void *dims, double positions)
{
    const struct recurrence *r = of(dims);
    (void)m, (void)positions;
    return state_B(dims) + (r->taps > 1 ? r->channels * (r->taps - 1) * CONV_VALUE_B : 0);
}

static double cache_parts(const void *dims, uint32_t tp)
{
    (void)dims;
    return tp;
}

/* Decay, what the state holds of the key, its correction, and the query. */
static double decode_flop(const void *dims, double positions)
{
    const struct recurrence *r = of(dims);
    (void)positions;
    return 7 * r->heads * r->key_dim * r->value_dim;
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    (void)causal;
    return decode_flop(dims, sequence);
}

static double live(const void *dims, bool prefill)
{
    (void)prefill;
    return of(dims)->columns + output_width(of(dims));
}

/* --- inference ------------------------------------------------------------------------------------------------- */

static void project(struct layer_kernels *k, const void *dims)
{
    const struct recurrence *r = of(dims);
    double t = k->group_tokens;
    layer_gemm(k, "input projections", t, r->columns / k->tp + r->rank, k->hidden);
    if (r->rank > 0)
        layer_gemm_bf16(k, "low-rank gates", t, r->wide / k->tp, r->rank, 1);
    if (r->taps > 0)
        layer_pass(k, "convolution", KERNEL_ELEMENTWISE, t * r->channels / k->tp * r->taps * layer_bf16_B,
                   t * r->channels / k->tp * layer_bf16_B);
}

/* A gated norm stands before the projection. */
static void project_output(struct layer_kernels *k, const void *dims)
{
    double t = k->group_tokens, width = output_width(of(dims)) / k->tp;
    layer_pass(k, "gated norm", KERNEL_NORM, 2 * t * width * layer_bf16_B, layer_operand_B(k, t * width));
    layer_gemm(k, "output projection", t, k->hidden, width);
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    double own_B = k->sequences * state_B(dims) / k->tp;
    layer_core(k, "state",
               (struct kernel_call){.family = KERNEL_ELEMENTWISE, .read_B = own_B, .written_B = own_B * k->new_tokens});
    project_output(k, dims);
}

static void prefill(struct layer_kernels *k, const void *dims)
{
    const struct recurrence *r = of(dims);
    project(k, dims);
    layer_core(k, "chunks and states",
               (struct kernel_call){.family = KERNEL_GEMM,
                                    .dtype = KERNEL_BF16,
                                    .m = k->group_tokens,
                                    .n = 2 * r->value_dim + 2 * r->chunk,
                                    .k = r->key_dim,
                                    .groups = (uint32_t)(r->heads / k->tp)});
    project_output(k, dims);
}

const struct attention_ops attention_recurrent = {
    .heads = heads,
    .rank_params = rank_params,
    .cache_B = cache_B,
    .state_B = state_B,
    .cache_parts = cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = project,
    .decode_core = decode_core,
    .prefill = prefill,
};
