/* Attention and router of a layer, kernel by kernel. MLA with its latents, or grouped heads (MHA, GQA, MQA). */
#include "models/chunk/chunk_kernels_priv.h"

static double heads(const struct kernel_writer *w)
{
    return (double)w->model->attention.heads;
}

/* Kernels of the router in the trace, beside its GEMMs and what works on all scores. */
enum { ROUTER_SMALL_FORWARD = 26, ROUTER_SCORES_FORWARD = 9, ROUTER_SMALL_INPUT = 16, ROUTER_SCORES_INPUT = 10 };

static bool is_latent(const struct kernel_writer *w)
{
    return w->model->attention.kv_lora > 0;
}

struct dims {
    double q, kv, rope;                  /* latents, and the part of a head with position */
    double qk_head, v_head;              /* of one head */
    double queries, keys_values, output; /* of all heads, as GEMMs make them */
};

static struct dims dims_of(const struct kernel_writer *w)
{
    const struct attention_dims *a = &w->model->attention;
    double h = heads(w), hd = (double)a->head_dim, nope = (double)a->nope_dim, rope = (double)a->rope_dim,
           v = (double)a->v_dim;
    if (is_latent(w))
        return (struct dims){.q = (double)a->q_lora,
                             .kv = (double)a->kv_lora,
                             .rope = rope,
                             .qk_head = nope + rope,
                             .v_head = v,
                             .queries = h * (nope + rope),
                             .keys_values = h * (nope + v),
                             .output = h * v};
    return (struct dims){
        .qk_head = hd, .v_head = hd, .queries = h * hd, .keys_values = 2 * (double)a->kv_heads * hd, .output = h * hd};
}

static void norm(struct kernel_writer *w, double read_vectors, double written_vectors, double width)
{
    double vector_B = w->tokens * width * bf16_B;
    write_pass(w, "norm", KERNEL_NORM, read_vectors * vector_B, written_vectors * vector_B);
}

static void elementwise(struct kernel_writer *w, double read_vectors, double written_vectors)
{
    double vector_B = w->tokens * w->hidden * bf16_B;
    write_pass(w, "elementwise", KERNEL_ELEMENTWISE, read_vectors * vector_B, written_vectors * vector_B);
}

static void copy(struct kernel_writer *w, double values)
{
    write_pass(w, "copy", KERNEL_COPY, w->tokens * values * bf16_B, w->tokens * values * bf16_B);
}

static void rope(struct kernel_writer *w, double values)
{
    write_pass(w, "rope", KERNEL_ROPE, w->tokens * values * bf16_B, w->tokens * values * bf16_B);
}

static void core(struct kernel_writer *w, enum kernel_family family)
{
    struct dims d = dims_of(w);
    const struct attention_dims *a = &w->model->attention;
    write_kernel(w, family == KERNEL_ATTENTION_FORWARD ? "fa3_fwd" : "fa3_bwd",
                 &(struct kernel_call){.family = family,
                                       .dtype = KERNEL_BF16,
                                       .batch = w->work->sequences,
                                       .q_len = w->work->length,
                                       .heads = heads(w),
                                       .kv_heads = is_latent(w) ? heads(w) : (double)a->kv_heads,
                                       .qk_dim = d.qk_head,
                                       .v_dim = d.v_head,
                                       .causal = true},
                 false);
}

/* --- from latents to heads: forward, and again in the backward pass --------------------------------------------- */

static void norm_latents(struct kernel_writer *w, const struct dims *d)
{
    if (d->q > 0)
        norm(w, 1, 1, d->q);
    copy(w, d->kv);
    norm(w, 1, 1, d->kv);
}

static void expand_latents(struct kernel_writer *w, const struct dims *d)
{
    if (d->q > 0)
        write_linear_forward(w, d->queries, d->q);
    write_linear_forward(w, d->keys_values, d->kv);
    rope(w, d->rope);
    copy(w, heads(w) * (d->qk_head - d->rope)); /* keys without position into their places */
    write_pass(w, "copy", KERNEL_COPY, w->tokens * d->rope * bf16_B,
               w->tokens * heads(w) * d->rope * bf16_B); /* the one with position to all heads */
    rope(w, heads(w) * d->rope);
}

static void project(struct kernel_writer *w, const struct dims *d)
{
    if (!is_latent(w)) {
        write_linear_forward(w, d->queries + d->keys_values, w->hidden);
        rope(w, d->queries + d->keys_values / 2);
        return;
    }
    write_linear_forward(w, d->q > 0 ? d->q : d->queries, w->hidden);
    write_linear_forward(w, d->kv + d->rope, w->hidden);
    write_small(w, 2);
    copy(w, d->rope);
    norm_latents(w, d);
    expand_latents(w, d);
}

/* --- router -------------------------------------------------------------------------------------------------------- */

static double experts(const struct kernel_writer *w)
{
    return (double)w->model->moe.routed;
}

static void scores(struct kernel_writer *w, int n)
{
    double scores_B = w->tokens * experts(w) * score_B;
    for (int i = 0; i < n; i++)
        write_pass(w, "elementwise_small", KERNEL_ELEMENTWISE, scores_B, scores_B);
}

static void route(struct kernel_writer *w)
{
    write_gemm(w, "gate_gemm_bf16", KERNEL_BF16, experts(w), w->hidden);
    scores(w, ROUTER_SCORES_FORWARD);
    for (int best = 0; best < 2; best++) /* groups, then experts */
        write_pass(w, "router_topk", KERNEL_ROUTER, w->tokens * experts(w) * score_B, 0);
    write_small(w, ROUTER_SMALL_FORWARD);
    write_cast(w, w->tokens, w->hidden); /* what dispatch sends */
}

static void route_backward(struct kernel_writer *w)
{
    write_small(w, ROUTER_SMALL_INPUT);
    scores(w, ROUTER_SCORES_INPUT);
    write_gemm(w, "gate_gemm_bf16", KERNEL_BF16, w->hidden, experts(w));
    write_wgrad(w, "gate_gemm_bf16", KERNEL_BF16, experts(w), w->hidden);
    elementwise(w, 2, 1);
}

/* --- parts --------------------------------------------------------------------------------------------------------- */

void write_attention_forward(struct kernel_writer *w, bool router)
{
    struct dims d = dims_of(w);
    norm(w, 2, 2, w->hidden); /* with the residual added and kept */
    project(w, &d);
    core(w, KERNEL_ATTENTION_FORWARD);
    /* kept for the backward pass in 12 bits (V3 report 3.3.3: E5M6) */
    write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * d.output * bf16_B, w->tokens * d.output * 1.5);
    write_linear_forward(w, w->hidden, d.output);
    elementwise(w, 1, 1);
    norm(w, 2, 2, w->hidden);
    if (router)
        route(w);
}

static void norm_backward(struct kernel_writer *w, double read_vectors, double written_vectors, double width)
{
    norm(w, read_vectors, written_vectors, width);
    write_small(w, 2);
}

/* From the gradients of queries, keys and values to those of the layer's input; what weights need is cast aside. */
static void input_of_latents(struct kernel_writer *w, const struct dims *d)
{
    rope(w, heads(w) * d->rope);
    if (d->q > 0)
        write_linear_input(w, d->queries, d->q);
    write_pass(w, "elementwise", KERNEL_ELEMENTWISE, w->tokens * heads(w) * d->rope * bf16_B,
               w->tokens * d->rope * bf16_B); /* of all heads to one */
    rope(w, d->rope);
    copy(w, heads(w) * (d->qk_head - d->rope));
    copy(w, d->output);
    write_linear_input(w, d->keys_values, d->kv);
    write_linear_operands(w, d->keys_values, d->kv);
    norm_backward(w, 3, 1, d->kv);
    if (d->q > 0) {
        write_linear_operands(w, d->queries, d->q);
        norm_backward(w, 3, 1, d->q);
    }
    write_small(w, 5);
}

static void input_of_projections(struct kernel_writer *w, const struct dims *d)
{
    double width[2] = {d->kv + d->rope, d->q > 0 ? d->q : d->queries};
    int n = 2;
    if (!is_latent(w)) {
        width[0] = d->queries + d->keys_values;
        n = 1;
    }
    for (int i = 0; i < n; i++) {
        write_linear_input(w, width[i], w->hidden);
        write_linear_operands(w, width[i], w->hidden);
    }
}

void write_attention_input(struct kernel_writer *w, bool router)
{
    struct dims d = dims_of(w);
    if (router)
        route_backward(w);
    norm_backward(w, 3, 1, w->hidden);
    elementwise(w, 1, 1);
    write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * d.output * 1.5, w->tokens * d.output * bf16_B);
    write_linear_input(w, w->hidden, d.output);
    write_linear_operands(w, w->hidden, d.output);
    if (is_latent(w)) {
        norm_latents(w, &d);
        expand_latents(w, &d);
    }
    core(w, KERNEL_ATTENTION_BACKWARD);
    if (is_latent(w))
        input_of_latents(w, &d);
    else
        rope(w, d.queries + d.keys_values / 2);
    norm(w, 1, 1, w->hidden); /* again, for the weights of the projections */
    input_of_projections(w, &d);
    elementwise(w, 2, 1);
    norm_backward(w, 3, 1, w->hidden);
}

void write_attention_weight(struct kernel_writer *w)
{
    struct dims d = dims_of(w);
    write_linear_weight(w, w->hidden, d.output);
    if (!is_latent(w)) {
        write_linear_weight(w, d.queries + d.keys_values, w->hidden);
        return;
    }
    write_linear_weight(w, d.keys_values, d.kv);
    if (d.q > 0)
        write_linear_weight(w, d.queries, d.q);
    write_linear_weight(w, d.kv + d.rope, w->hidden);
    write_linear_weight(w, d.q > 0 ? d.q : d.queries, w->hidden);
}
