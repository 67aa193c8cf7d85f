/* Multi-head latent attention (DeepSeek-V2): keys and values are made of one cached latent vector and one key with
 * position, which all heads share; queries may be made of a latent vector, too.
 *
 * Prefill and training expand keys and values. Decoding expands them anew in every step, or absorbs the projections
 * into queries and outputs, whose heads then work on the cache itself. The two down projections are one GEMM in
 * inference, gates of outputs with them.
 *
 * Left out: gates in training. */
#include <math.h>

#include "models/llm/blocks/latent.h"

struct latent {
    struct latent_dims l;
};

static const struct cfg_field fields[] = {LATENT_ROWS(latent, l), {0}};
const struct cfg_table latent_keys = {"latent", "multi-head latent attention", sizeof(struct latent), fields};

static const struct latent_dims *of(const void *dims)
{
    return dims;
}

struct widths {
    double heads, q, kv, rope, nope, v; /* latents; of one head */
    double queries, keys_values, output, gates;
};

static struct widths widths_of(const struct latent_dims *a, double heads)
{
    double nope = (double)a->nope_dim, rope = (double)a->rope_dim, v = (double)a->v_dim;
    return (struct widths){.heads = heads,
                           .q = (double)a->q_lora,
                           .kv = (double)a->kv_lora,
                           .rope = rope,
                           .nope = nope,
                           .v = v,
                           .queries = heads * (nope + rope),
                           .keys_values = heads * (nope + v),
                           .output = heads * v,
                           .gates = a->gate ? heads * v : 0};
}

static struct widths all_of(const void *dims)
{
    return widths_of(of(dims), (double)of(dims)->heads);
}

const char *attention_latent_misfit(const struct model *m, const void *dims)
{
    const struct latent_dims *a = of(dims);
    (void)m;
    if (a->heads < 1 || a->kv_lora < 1 || a->nope_dim < 1 || a->rope_dim < 1 || a->v_dim < 1)
        return "MLA needs heads, kv_lora, nope_dim, rope_dim and v_dim";
    return NULL;
}

void attention_latent_weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    struct widths x = all_of(dims);
    double d = (double)m->hidden;
    double q = x.q > 0 ? d * x.q + x.q + x.q * x.queries : d * x.queries; /* + x.q: its norm */
    w->params = q + d * (x.kv + x.rope + x.gates) + x.kv + x.kv * x.keys_values + x.output * d;
    w->active = w->params;
    w->other = x.q + x.kv; /* their norms */
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int64_t heads(const void *dims)
{
    return of(dims)->heads;
}

/* Down projections with their norms stand on all GPUs. */
double latent_rank_params(const struct model *m, const void *dims, uint32_t tp)
{
    struct widths x = all_of(dims);
    struct block_weights w = {0};
    double d = (double)m->hidden, whole = (d + 1) * (x.q + x.kv) + d * x.rope;
    attention_latent_weigh(m, dims, &w);
    return whole + (w.params - whole) / tp;
}

/* Keys with position may stay in BF16 where the rest is FP8. */
double latent_position_B(const struct model *m, const void *dims)
{
    struct widths x = all_of(dims);
    double rope_B = of(dims)->kv_rope_B > 0 ? x.rope * of(dims)->kv_rope_B : attention_cached_B(m, x.rope);
    return attention_cached_B(m, x.kv) + rope_B;
}

static double kept_positions(const void *dims, double positions)
{
    return window_positions(of(dims)->window, positions);
}

static double cache_B(const struct model *m, const void *dims, double positions)
{
    return kept_positions(dims, positions) * latent_position_B(m, dims);
}

/* All heads read the same. */
static double cache_parts(const void *dims, uint32_t tp)
{
    (void)dims, (void)tp;
    return 1;
}

static double expanded_width(const void *dims)
{
    struct widths x = all_of(dims);
    return x.heads * (x.nope + x.rope + x.v);
}

static double absorbed_width(const void *dims)
{
    struct widths x = all_of(dims);
    return x.heads * (x.kv + x.rope + x.kv);
}

/* Keys and values of those before are made again of their latents. */
static double decode_flop_expanded(const void *dims, double positions)
{
    struct widths x = all_of(dims);
    double kept = kept_positions(dims, positions);
    return 2 * kept * expanded_width(dims) + 2 * (kept - 1) * x.keys_values * x.kv;
}

double latent_score_flop(const void *dims, double positions)
{
    return 2 * positions * absorbed_width(dims);
}

static double decode_flop_absorbed(const void *dims, double positions)
{
    return latent_score_flop(dims, kept_positions(dims, positions));
}

static double train_flop(const void *dims, double sequence, bool causal)
{
    return 2 * window_mean(of(dims)->window, sequence, causal) * expanded_width(dims);
}

/* Queries, keys and outputs, or queries and outputs in the latent space. */
static double live(const void *dims, bool prefill)
{
    struct widths x = all_of(dims);
    return x.heads * (prefill ? 2 * x.nope + x.rope + x.v : 2 * x.kv + x.rope);
}

/* --- inference ------------------------------------------------------------------------------------------------- */

static struct widths own_of(const struct layer_kernels *k, const void *dims)
{
    return widths_of(of(dims), (double)of(dims)->heads / k->tp);
}

void latent_project(struct layer_kernels *k, const void *dims, double beside)
{
    struct widths x = own_of(k, dims);
    double t = k->group_tokens, rope = t * (x.heads + 1) * x.rope * layer_bf16_B;
    layer_gemm(k, "q_a, kv_a projection", t, (x.q > 0 ? x.q : x.queries) + x.kv + x.rope + x.gates + beside, k->hidden);
    layer_pass(k, "norm of latents", KERNEL_NORM, t * (x.q + x.kv) * layer_bf16_B,
               t * x.kv * layer_bf16_B + layer_operand_B(k, t * x.q));
    if (x.q > 0)
        layer_gemm(k, "q_b projection", t, x.queries, x.q);
    layer_pass(k, "rope", KERNEL_ROPE, rope, rope);
    layer_pass(k, "KV cache write", KERNEL_COPY, t * (x.kv + x.rope) * layer_bf16_B,
               t * latent_position_B(k->model, dims));
}

static void project(struct layer_kernels *k, const void *dims)
{
    latent_project(k, dims, 0);
}

void latent_project_output(struct layer_kernels *k, const void *dims)
{
    struct widths x = own_of(k, dims);
    double t = k->group_tokens;
    if (x.gates > 0)
        layer_pass(k, "gate", KERNEL_ELEMENTWISE, 2 * t * x.output * layer_bf16_B, t * x.output * layer_bf16_B);
    layer_quantise(k, "cast of outputs", t * x.output);
    layer_gemm(k, "output projection", t, k->hidden, x.output);
}

void latent_absorb_queries(struct layer_kernels *k, const void *dims)
{
    struct widths x = own_of(k, dims);
    layer_gemm_bf16(k, "queries to latent space", k->group_tokens, x.kv, x.nope, x.heads);
}

void latent_absorb_outputs(struct layer_kernels *k, const void *dims)
{
    struct widths x = own_of(k, dims);
    layer_gemm_bf16(k, "outputs from latent space", k->group_tokens, x.v, x.kv, x.heads);
}

static void before_absorbed(struct layer_kernels *k, const void *dims)
{
    project(k, dims);
    latent_absorb_queries(k, dims);
}

struct kernel_call latent_core(const struct layer_kernels *k, const void *dims, double batch, double q_len,
                               double kv_len)
{
    struct widths x = own_of(k, dims);
    return (struct kernel_call){.family = KERNEL_ATTENTION_DECODE,
                                .dtype = KERNEL_BF16,
                                .batch = batch,
                                .q_len = q_len,
                                .kv_len = kv_len,
                                .heads = x.heads,
                                .kv_heads = 1,
                                .qk_dim = x.kv + x.rope,
                                .v_dim = x.kv,
                                .kv_token_B = latent_position_B(k->model, dims)};
}

static void core_absorbed(struct layer_kernels *k, const void *dims)
{
    layer_core(k, "MLA", latent_core(k, dims, k->sequences, k->new_tokens, kept_positions(dims, layer_positions(k))));
    latent_absorb_outputs(k, dims);
    latent_project_output(k, dims);
}

static void core_expanded(struct layer_kernels *k, const void *dims)
{
    struct widths x = own_of(k, dims);
    double seen = kept_positions(dims, layer_positions(k)), qk = x.nope + x.rope;
    layer_gemm(k, "kv_b projection of the cache", k->sequences * seen, x.keys_values, x.kv);
    layer_core(k, "attention",
               (struct kernel_call){.family = KERNEL_ATTENTION_DECODE,
                                    .dtype = KERNEL_BF16,
                                    .batch = k->sequences,
                                    .q_len = k->new_tokens,
                                    .kv_len = seen,
                                    .heads = x.heads,
                                    .kv_heads = x.heads,
                                    .qk_dim = qk,
                                    .v_dim = x.v,
                                    .kv_token_B = x.heads * (qk + x.v) * layer_bf16_B});
    latent_project_output(k, dims);
}

/* Keys without position and the one with position, which all heads share, side by side, as kernels of attention read
 * them (SGLang's deepseek_v2.py, forward_normal; DeepSeek's trace has the same two copies). Values stay where they are. */
static void place_prefill_keys(struct layer_kernels *k, const struct widths *x, double positions)
{
    double nope = x->heads * x->nope, rope = x->rope;
    layer_pass(k, "keys into their places", KERNEL_COPY, positions * (nope + rope) * layer_bf16_B,
               positions * (nope + x->heads * rope) * layer_bf16_B);
}

/* Keys and values of all positions that are seen, also of those whose latents were found in a cache. */
static void prefill(struct layer_kernels *k, const void *dims)
{
    struct widths x = own_of(k, dims);
    double all = layer_positions(k), window = window_of_call(of(dims)->window, all);
    double seen = window > 0 ? fmin(all, k->new_tokens + window) : all;
    project(k, dims);
    layer_quantise(k, "cast of latents", k->sequences * seen * x.kv);
    layer_gemm(k, "kv_b projection", k->sequences * seen, x.keys_values, x.kv);
    place_prefill_keys(k, &x, k->sequences * seen);
    layer_core(k, "MLA",
               (struct kernel_call){.family = KERNEL_ATTENTION_FORWARD,
                                    .dtype = KERNEL_BF16,
                                    .batch = k->sequences,
                                    .q_len = k->new_tokens,
                                    .kv_len = all,
                                    .heads = x.heads,
                                    .kv_heads = x.heads,
                                    .qk_dim = x.nope + x.rope,
                                    .v_dim = x.v,
                                    .causal = true,
                                    .window = window});
    latent_project_output(k, dims);
}

/* --- training ------------------------------------------------------------------------------------------------------ */

static struct widths share_of(const struct kernel_writer *w, const void *dims)
{
    return widths_of(of(dims), (double)of(dims)->heads / w->tp);
}

static struct kernel_call core_of(const struct kernel_writer *w, const void *dims)
{
    struct widths x = all_of(dims);
    return (struct kernel_call){.heads = x.heads,
                                .kv_heads = x.heads,
                                .qk_dim = x.nope + x.rope,
                                .v_dim = x.v,
                                .window = window_of_call(of(dims)->window, w->length)};
}

static void norm_latents(struct kernel_writer *w, const struct widths *x)
{
    if (x->q > 0)
        write_norm(w, 1, 1, x->q);
    write_copy(w, x->kv);
    write_norm(w, 1, 1, x->kv);
}

/* Keys without position into their places, the one with position to all heads, and values apart; fused in one pass. */
static void place_keys(struct kernel_writer *w, const struct widths *x)
{
    double parts = x->keys_values + x->rope, whole = x->keys_values + x->heads * x->rope;
    if (w->recipe->fused) {
        write_pass(w, "rope", KERNEL_ROPE, w->tokens * parts * bf16_B, w->tokens * whole * bf16_B);
        return;
    }
    write_rope(w, x->rope);
    write_copy(w, x->heads * x->nope);
    write_pass(w, "copy", KERNEL_COPY, w->tokens * x->rope * bf16_B, w->tokens * x->heads * x->rope * bf16_B);
}

static void expand_latents(struct kernel_writer *w, const struct widths *x)
{
    if (x->q > 0)
        write_linear_forward(w, x->queries, x->q);
    write_linear_forward(w, x->keys_values, x->kv);
    place_keys(w, x);
    write_rope(w, x->heads * x->rope);
}

/* Latents are gathered, which are narrower than queries, keys and values; without a latent of queries the whole input
 * is. */
static double gathered_width(const struct kernel_writer *w, const struct widths *x)
{
    return x->kv + x->rope + (x->q > 0 ? x->q : w->hidden);
}

static void forward(struct kernel_writer *w, const void *dims)
{
    struct widths x = share_of(w, dims);
    struct kernel_call core = core_of(w, dims);
    if (x.q > 0)
        write_linear_forward(w, x.q, w->hidden);
    write_linear_forward(w, x.kv + x.rope, w->hidden);
    write_small(w, 2);
    write_copy(w, x.rope);
    norm_latents(w, &x);
    write_gather(w, gathered_width(w, &x), 2);
    if (x.q <= 0)
        write_linear_forward(w, x.queries, w->hidden);
    expand_latents(w, &x);
    attention_write_core(w, &core);
    attention_write_output(w, x.output);
}

/* The gradient of the key with position, of all heads to one. */
static void join_keys(struct kernel_writer *w, const struct widths *x)
{
    double parts = x->keys_values + x->rope, whole = x->keys_values + x->heads * x->rope;
    if (w->recipe->fused) {
        write_pass(w, "rope", KERNEL_ROPE, w->tokens * whole * bf16_B, w->tokens * parts * bf16_B);
        return;
    }
    write_pass(w, "elementwise", KERNEL_ELEMENTWISE, w->tokens * x->heads * x->rope * bf16_B,
               w->tokens * x->rope * bf16_B);
    write_rope(w, x->rope);
    write_copy(w, x->heads * x->nope);
    write_copy(w, x->output);
}

/* From the gradients of queries, keys and values to those of the latents; what weights need is cast aside. */
static void input_of_latents(struct kernel_writer *w, const struct widths *x)
{
    write_rope(w, x->heads * x->rope);
    write_linear_input(w, x->queries, x->q > 0 ? x->q : w->hidden);
    join_keys(w, x);
    write_linear_input(w, x->keys_values, x->kv);
    write_linear_operands(w, x->keys_values, x->kv);
    if (x->q <= 0)
        write_linear_operands(w, x->queries, w->hidden);
    write_scatter(w, gathered_width(w, x));
    write_norm_backward(w, 3, 1, x->kv);
    if (x->q > 0) {
        write_linear_operands(w, x->queries, x->q);
        write_norm_backward(w, 3, 1, x->q);
    }
    write_small(w, 5);
}

static void expand_again(struct kernel_writer *w, const struct widths *x)
{
    double tokens = w->tokens;
    w->tokens = w->own_tokens;
    norm_latents(w, x);
    w->tokens = tokens;
    expand_latents(w, x);
}

static void input(struct kernel_writer *w, const void *dims)
{
    struct widths x = share_of(w, dims);
    struct kernel_call core = core_of(w, dims);
    double down[] = {x.kv + x.rope, x.q};
    attention_write_output_input(w, x.output);
    write_gather_again(w, gathered_width(w, &x));
    if (w->recipe->again & AGAIN_LATENTS)
        expand_again(w, &x);
    attention_write_core_input(w, &core);
    input_of_latents(w, &x);
    if (w->recipe->again & AGAIN_NORM)
        write_norm(w, 1, 1, w->hidden); /* for the weights of the projections */
    for (int i = 0; i < 2 && down[i] > 0; i++) {
        write_linear_input(w, down[i], w->hidden);
        write_linear_operands(w, down[i], w->hidden);
    }
}

static void weight(struct kernel_writer *w, const void *dims)
{
    struct widths x = share_of(w, dims);
    w->tokens = w->own_tokens * w->tp;
    write_linear_weight(w, w->hidden, x.output);
    write_linear_weight(w, x.keys_values, x.kv);
    write_linear_weight(w, x.queries, x.q > 0 ? x.q : w->hidden);
    w->tokens = w->own_tokens;
    write_linear_weight(w, x.kv + x.rope, w->hidden);
    if (x.q > 0)
        write_linear_weight(w, x.q, w->hidden);
}

static struct attention_kept kept(const void *dims)
{
    struct widths x = all_of(dims);
    return (struct attention_kept){.latents = x.q + x.kv + x.rope,
                                   .qkv = x.queries + expanded_width(dims),
                                   .statistics = x.heads,
                                   .output = x.output};
}

#define LATENT_OPS \
    .heads = heads, .rank_params = latent_rank_params, .cache_B = cache_B, .cache_parts = cache_parts, \
    .train_flop = train_flop, .live = live, .prefill = prefill, .forward = forward, .input = input, .weight = weight, \
    .kept = kept

const struct attention_ops attention_latent_expanded = {LATENT_OPS, .decode_flop = decode_flop_expanded,
                                                        .decode_before = project, .decode_core = core_expanded};

const struct attention_ops attention_latent_absorbed = {LATENT_OPS, .decode_flop = decode_flop_absorbed,
                                                        .decode_before = before_absorbed, .decode_core = core_absorbed};
