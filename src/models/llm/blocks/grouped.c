/* Heads that share keys and values: multi-head, grouped-query and multi-query attention. Queries, keys and values
 * come out of one projection.
 *
 * Left out: biases in kernels' times. */
#include <math.h>

#include "models/llm/blocks/attention.h"

static const struct cfg_field fields[] = {
    ATTENTION_HEADS(grouped_dims),
    ROW_DIM(grouped_dims, "kv_heads", kv_heads, "0", "heads of keys and values"),
    ROW_DIM(grouped_dims, "head_dim", head_dim, "0", "dimension of a head"),
    ATTENTION_WINDOW(grouped_dims),
    ROW_FLAG(grouped_dims, "qkv_bias", qkv_bias, "false", "projections of queries, keys and values have a bias"),
    {0}};
const struct cfg_table grouped_keys = {"grouped", "heads that share keys and values", sizeof(struct grouped_dims),
                                       fields};

static const struct grouped_dims *of(const void *dims)
{
    return dims;
}

const char *attention_grouped_misfit(const struct model *m, const void *dims)
{
    const struct grouped_dims *a = of(dims);
    (void)m;
    if (a->heads < 1 || a->head_dim < 1 || a->kv_heads < 1)
        return "it needs heads, kv_heads and head_dim";
    return a->heads % a->kv_heads ? "kv_heads must divide heads" : NULL;
}

static double query_width(const struct grouped_dims *a)
{
    return (double)(a->heads * a->head_dim);
}

static double key_width(const struct grouped_dims *a)
{
    return (double)(a->kv_heads * a->head_dim);
}

void attention_grouped_weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    const struct grouped_dims *a = of(dims);
    double d = (double)m->hidden, q = query_width(a), kv = key_width(a);
    w->params = d * q + 2 * d * kv + q * d + (a->qkv_bias ? q + 2 * kv : 0);
    w->active = w->params;
    w->other = a->qkv_bias ? q + 2 * kv : 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return of(dims)->heads;
}

/* With fewer heads of keys and values than GPUs several hold the same. */
static double rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    struct block_weights w = {0};
    double kv = 2 * (double)m->hidden * key_width(of(dims));
    attention_grouped_weigh(m, dims, &w);
    return (w.params - kv) / tp + kv / fmin(tp, (double)of(dims)->kv_heads);
}

static double position_B(const struct model *m, const void *dims)
{
    return attention_cached_B(m, 2 * key_width(of(dims)));
}

static double kept_positions(const void *dims, double positions)
{
    return window_positions(of(dims)->window, positions);
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    return kept_positions(dims, positions) * position_B(m, dims);
}

static double cache_parts(const void *dims, uint32_t tp)
{
    return fmin(tp, (double)of(dims)->kv_heads);
}

static double decode_flop(const void *dims, double positions)
{
    return 2 * kept_positions(dims, positions) * 2 * query_width(of(dims));
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return 2 * window_mean(of(dims)->window, sequence, causal) * 2 * query_width(of(dims));
}

/* Queries and outputs. */
static double live(const void *dims, bool prefill)
{
    (void)prefill;
    return 2 * query_width(of(dims));
}

/* --- inference ------------------------------------------------------------------------------------------------- */

static double own_heads(const struct layer_kernels *k, const void *dims)
{
    return (double)of(dims)->heads / k->tp;
}

static double own_kv_heads(const struct layer_kernels *k, const void *dims)
{
    return fmax(1, (double)of(dims)->kv_heads / k->tp);
}

static double own_position_B(const struct layer_kernels *k, const void *dims)
{
    return position_B(k->model, dims) * own_kv_heads(k, dims) / (double)of(dims)->kv_heads;
}

static void project(struct layer_kernels *k, const void *dims)
{
    double hd = (double)of(dims)->head_dim, q = own_heads(k, dims), kv = own_kv_heads(k, dims), t = k->group_tokens;
    layer_gemm(k, "qkv projection", t, (q + 2 * kv) * hd, k->hidden);
    layer_pass(k, "rope", KERNEL_ROPE, t * (q + kv) * hd * layer_bf16_B, t * (q + kv) * hd * layer_bf16_B);
    layer_pass(k, "KV cache write", KERNEL_COPY, t * (2 * kv * hd) * layer_bf16_B, t * own_position_B(k, dims));
}

static void project_output(struct layer_kernels *k, const void *dims)
{
    double width = own_heads(k, dims) * (double)of(dims)->head_dim;
    layer_quantise(k, "cast of outputs", k->group_tokens * width);
    layer_gemm(k, "output projection", k->group_tokens, k->hidden, width);
}

static struct kernel_call core_call(const struct layer_kernels *k, const void *dims)
{
    double hd = (double)of(dims)->head_dim;
    return (struct kernel_call){.dtype = KERNEL_BF16,
                                .batch = k->sequences,
                                .q_len = k->new_tokens,
                                .heads = own_heads(k, dims),
                                .kv_heads = own_kv_heads(k, dims),
                                .qk_dim = hd,
                                .v_dim = hd,
                                .kv_token_B = own_position_B(k, dims)};
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    struct kernel_call call = core_call(k, dims);
    call.family = KERNEL_ATTENTION_DECODE;
    call.kv_len = kept_positions(dims, layer_positions(k));
    layer_core(k, "attention", call);
    project_output(k, dims);
}

static void prefill(struct layer_kernels *k, const void *dims)
{
    struct kernel_call call = core_call(k, dims);
    call.family = KERNEL_ATTENTION_FORWARD;
    call.kv_len = layer_positions(k);
    call.causal = true;
    call.window = window_of_call(of(dims)->window, call.kv_len);
    project(k, dims);
    layer_core(k, "attention", call);
    project_output(k, dims);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

static double projected(const void *dims)
{
    return query_width(of(dims)) + 2 * key_width(of(dims));
}

/* Of the GPU's heads. */
static double own_query_width(const struct kernel_writer *w, const void *dims)
{
    return query_width(of(dims)) / w->tp;
}

static double own_key_width(const struct kernel_writer *w, const void *dims)
{
    return fmax(1, (double)of(dims)->kv_heads / w->tp) * (double)of(dims)->head_dim;
}

static double own_projected(const struct kernel_writer *w, const void *dims)
{
    return own_query_width(w, dims) + 2 * own_key_width(w, dims);
}

static double rotated(const struct kernel_writer *w, const void *dims)
{
    return own_query_width(w, dims) + own_key_width(w, dims);
}

static struct kernel_call core_of(const struct kernel_writer *w, const void *dims)
{
    const struct grouped_dims *a = of(dims);
    return (struct kernel_call){.heads = (double)a->heads,
                                .kv_heads = (double)a->kv_heads,
                                .qk_dim = (double)a->head_dim,
                                .v_dim = (double)a->head_dim,
                                .window = window_of_call(a->window, w->length)};
}

static void forward(struct kernel_writer *w, const void *dims)
{
    struct kernel_call core = core_of(w, dims);
    write_gather(w, w->hidden, 1);
    write_linear_forward(w, own_projected(w, dims), w->hidden);
    write_rope(w, rotated(w, dims));
    attention_write_core(w, &core);
    attention_write_output(w, own_query_width(w, dims));
}

static void input(struct kernel_writer *w, const void *dims)
{
    struct kernel_call core = core_of(w, dims);
    attention_write_output_input(w, own_query_width(w, dims));
    attention_write_core_input(w, &core);
    write_rope(w, rotated(w, dims));
    if (w->recipe->again & AGAIN_NORM)
        write_norm(w, 1, 1, w->hidden); /* for the weights of the projections */
    write_gather_again(w, w->hidden);
    write_linear_input(w, own_projected(w, dims), w->hidden);
    write_linear_operands(w, own_projected(w, dims), w->hidden);
    write_scatter(w, w->hidden);
}

static void weight(struct kernel_writer *w, const void *dims)
{
    w->tokens = w->own_tokens * w->tp;
    write_linear_weight(w, w->hidden, own_query_width(w, dims));
    write_linear_weight(w, own_projected(w, dims), w->hidden);
    w->tokens = w->own_tokens;
}

static struct attention_kept kept(const void *dims)
{
    const struct grouped_dims *a = of(dims);
    return (struct attention_kept){.qkv = projected(dims), .statistics = (double)a->heads, .output = query_width(a)};
}

const struct attention_ops attention_grouped = {
    .heads = heads,
    .rank_params = rank_params,
    .position_B = position_B,
    .cache_B = cache_B,
    .cache_parts = cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = project,
    .decode_core = decode_core,
    .prefill = prefill,
    .forward = forward,
    .input = input,
    .weight = weight,
    .kept = kept,
};
