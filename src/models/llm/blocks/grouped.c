/* Heads that share keys and values: multi-head, grouped-query and multi-query attention. Queries, keys, values and
 * gates come out of one projection.
 *
 * In chunks a query sees what lies before it in its own chunk: half of one on average.
 *
 * Left out: biases, sinks and norms of heads in kernels' times. */
#include <math.h>

#include "models/llm/blocks/grouped.h"

struct grouped {
    struct grouped_dims g;
};

static const struct cfg_field fields[] = {GROUPED_ROWS(grouped, g), {0}};
const struct cfg_table grouped_keys = {"grouped", "heads that share keys and values", sizeof(struct grouped), fields};

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
    if (a->window && a->chunk)
        return "it has a window or chunks, not both";
    return a->heads % a->kv_heads ? "kv_heads must divide heads" : NULL;
}

static double value_dim(const struct grouped_dims *a)
{
    return (double)(a->value_dim ? a->value_dim : a->head_dim);
}

static double query_width(const struct grouped_dims *a)
{
    return (double)(a->heads * a->head_dim);
}

static double output_width(const struct grouped_dims *a)
{
    return (double)a->heads * value_dim(a);
}

/* Columns of the projection for so many heads, gates and the keys and values of kv with them. */
static double columns(const struct grouped_dims *a, double q, double kv)
{
    double queries = q * (double)a->head_dim + (a->gate ? q * value_dim(a) : 0);
    return queries + kv * ((double)a->head_dim + (a->shared_kv ? 0 : value_dim(a)));
}

static double all_columns(const struct grouped_dims *a)
{
    return columns(a, (double)a->heads, (double)a->kv_heads);
}

static double biases(const struct model *m, const struct grouped_dims *a)
{
    return (a->qkv_bias ? all_columns(a) : 0) + (a->output_bias ? (double)m->hidden : 0) +
           (a->qk_norm ? 2 * (double)a->head_dim : 0) + (a->sinks ? (double)a->heads : 0);
}

void attention_grouped_weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    const struct grouped_dims *a = of(dims);
    double d = (double)m->hidden;
    w->other = biases(m, a);
    w->params = d * all_columns(a) + output_width(a) * d + w->other;
    w->active = w->params;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return of(dims)->heads;
}

/* With fewer heads of keys and values than GPUs several hold the same. */
double grouped_rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    struct block_weights w = {0};
    double kv = (double)m->hidden * columns(of(dims), 0, (double)of(dims)->kv_heads);
    attention_grouped_weigh(m, dims, &w);
    return (w.params - kv) / tp + kv / fmin(tp, (double)of(dims)->kv_heads);
}

double grouped_position_B(const struct model *m, const void *dims)
{
    return attention_cached_B(m, (double)of(dims)->kv_heads * ((double)of(dims)->head_dim + value_dim(of(dims))));
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    int64_t most = of(dims)->chunk ? of(dims)->chunk : of(dims)->window;
    return window_positions(most, positions) * grouped_position_B(m, dims);
}

double grouped_cache_parts(const void *dims, uint32_t tp)
{
    return fmin(tp, (double)of(dims)->kv_heads);
}

double grouped_score_flop(const void *dims, double positions)
{
    return 2 * positions * (query_width(of(dims)) + output_width(of(dims)));
}

/* Positions that a query of decoding attends to. */
static double attended(const void *dims, double positions)
{
    double chunk = (double)of(dims)->chunk;
    if (chunk > 0 && positions > chunk)
        return chunk / 2;
    return window_positions(of(dims)->window, positions);
}

static double decode_flop(const void *dims, double positions)
{
    return grouped_score_flop(dims, attended(dims, positions));
}

static double mean_of_sequence(const void *dims, double sequence, bool causal)
{
    double chunk = (double)of(dims)->chunk;
    if (chunk > 0 && chunk < sequence)
        return causal ? chunk / 2 : chunk;
    return window_mean(of(dims)->window, sequence, causal);
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return grouped_score_flop(dims, mean_of_sequence(dims, sequence, causal));
}

/* Queries and outputs. */
static double live(const void *dims, bool prefill)
{
    (void)prefill;
    return query_width(of(dims)) + output_width(of(dims));
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
    return grouped_position_B(k->model, dims) * own_kv_heads(k, dims) / (double)of(dims)->kv_heads;
}

void grouped_project(struct layer_kernels *k, const void *dims)
{
    double hd = (double)of(dims)->head_dim, q = own_heads(k, dims), kv = own_kv_heads(k, dims), t = k->group_tokens;
    layer_gemm(k, "qkv projection", t, columns(of(dims), q, kv), k->hidden);
    layer_pass(k, "rope", KERNEL_ROPE, t * (q + kv) * hd * layer_bf16_B, t * (q + kv) * hd * layer_bf16_B);
    layer_pass(k, "KV cache write", KERNEL_COPY, t * kv * (hd + value_dim(of(dims))) * layer_bf16_B,
               t * own_position_B(k, dims));
}

void grouped_project_output(struct layer_kernels *k, const void *dims)
{
    double width = own_heads(k, dims) * value_dim(of(dims));
    if (of(dims)->gate)
        layer_pass(k, "gate", KERNEL_ELEMENTWISE, 2 * k->group_tokens * width * layer_bf16_B,
                   k->group_tokens * width * layer_bf16_B);
    layer_quantise(k, "cast of outputs", k->group_tokens * width);
    layer_gemm(k, "output projection", k->group_tokens, k->hidden, width);
}

struct kernel_call grouped_core(const struct layer_kernels *k, const void *dims)
{
    return (struct kernel_call){.dtype = KERNEL_BF16,
                                .batch = k->sequences,
                                .q_len = k->new_tokens,
                                .heads = own_heads(k, dims),
                                .kv_heads = own_kv_heads(k, dims),
                                .qk_dim = (double)of(dims)->head_dim,
                                .v_dim = value_dim(of(dims)),
                                .kv_token_B = own_position_B(k, dims)};
}

static void decode_core(struct layer_kernels *k, const void *dims)
{
    struct kernel_call call = grouped_core(k, dims);
    call.family = KERNEL_ATTENTION_DECODE;
    call.kv_len = attended(dims, layer_positions(k));
    layer_core(k, "attention", call);
    grouped_project_output(k, dims);
}

/* Chunks are sequences of their own. */
static void cut_chunks(const void *dims, struct kernel_call *call)
{
    double chunk = (double)of(dims)->chunk;
    if (chunk <= 0 || chunk >= call->kv_len)
        return;
    call->batch *= fmax(1, call->q_len / chunk);
    call->q_len = fmin(call->q_len, chunk);
    call->kv_len = call->q_len < chunk ? chunk / 2 + call->q_len : chunk;
}

static void prefill(struct layer_kernels *k, const void *dims)
{
    struct kernel_call call = grouped_core(k, dims);
    call.family = KERNEL_ATTENTION_FORWARD;
    call.kv_len = layer_positions(k);
    call.causal = true;
    call.window = window_of_call(of(dims)->window, call.kv_len);
    cut_chunks(dims, &call);
    grouped_project(k, dims);
    layer_core(k, "attention", call);
    grouped_project_output(k, dims);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

/* Of the GPU's heads. */
static double share(const struct kernel_writer *w, const void *dims)
{
    return fmax(1, (double)of(dims)->kv_heads / w->tp);
}

static double own_output_width(const struct kernel_writer *w, const void *dims)
{
    return output_width(of(dims)) / w->tp;
}

static double own_columns(const struct kernel_writer *w, const void *dims)
{
    return columns(of(dims), (double)of(dims)->heads / w->tp, share(w, dims));
}

static double rotated(const struct kernel_writer *w, const void *dims)
{
    return query_width(of(dims)) / w->tp + share(w, dims) * (double)of(dims)->head_dim;
}

static struct kernel_call core_of(const struct kernel_writer *w, const void *dims)
{
    const struct grouped_dims *a = of(dims);
    int64_t seen = a->chunk ? a->chunk : a->window; /* a chunk costs what a window half as long does, and a half more */
    return (struct kernel_call){.heads = (double)a->heads,
                                .kv_heads = (double)a->kv_heads,
                                .qk_dim = (double)a->head_dim,
                                .v_dim = value_dim(a),
                                .window = window_of_call(a->chunk ? seen / 2 : seen, w->length)};
}

static void forward(struct kernel_writer *w, const void *dims)
{
    struct kernel_call core = core_of(w, dims);
    write_gather(w, w->hidden, 1);
    write_linear_forward(w, own_columns(w, dims), w->hidden);
    write_rope(w, rotated(w, dims));
    attention_write_core(w, &core);
    attention_write_output(w, own_output_width(w, dims));
}

static void input(struct kernel_writer *w, const void *dims)
{
    struct kernel_call core = core_of(w, dims);
    attention_write_output_input(w, own_output_width(w, dims));
    attention_write_core_input(w, &core);
    write_rope(w, rotated(w, dims));
    if (w->recipe->again & AGAIN_NORM)
        write_norm(w, 1, 1, w->hidden); /* for the weights of the projections */
    write_gather_again(w, w->hidden);
    write_linear_input(w, own_columns(w, dims), w->hidden);
    write_linear_operands(w, own_columns(w, dims), w->hidden);
    write_scatter(w, w->hidden);
}

static void weight(struct kernel_writer *w, const void *dims)
{
    w->tokens = w->own_tokens * w->tp;
    write_linear_weight(w, w->hidden, own_output_width(w, dims));
    write_linear_weight(w, own_columns(w, dims), w->hidden);
    w->tokens = w->own_tokens;
}

static struct attention_kept kept(const void *dims)
{
    const struct grouped_dims *a = of(dims);
    return (struct attention_kept){.qkv = all_columns(a), .statistics = (double)a->heads, .output = output_width(a)};
}

const struct attention_ops attention_grouped = {
    .heads = heads,
    .rank_params = grouped_rank_params,
    .cache_B = cache_B,
    .cache_parts = grouped_cache_parts,
    .decode_flop = decode_flop,
    .train_flop = train_flop,
    .live = live,
    .decode_before = grouped_project,
    .decode_core = decode_core,
    .prefill = prefill,
    .forward = forward,
    .input = input,
    .weight = weight,
    .kept = kept,
};
