#include "models/llm/blocks/experts.h"

#include <math.h>

#include "models/llm/blocks/network.h"

static const struct moe_dims *of(const void *dims)
{
    return dims;
}

const char *experts_misfit(const struct model *m, const void *dims)
{
    const struct moe_dims *e = of(dims);
    (void)m;
    if (e->routed < 1)
        return "there are no routed experts";
    if (e->ffn < 1)
        return "experts need ffn, the width of their networks";
    if (e->top_k < 1 || e->top_k > e->routed)
        return "top_k is from 1 to routed";
    if (e->groups < 1 || e->routed % e->groups)
        return "groups must divide routed";
    if (e->top_groups < 1 || e->top_groups > e->groups)
        return "top_groups is from 1 to groups";
    if (e->top_k > e->top_groups * (e->routed / e->groups))
        return "top_groups groups hold fewer experts than top_k";
    return NULL;
}

/* Of a token where experts work on it, and as it travels. */
static double width_of(const struct moe_dims *e, double hidden)
{
    return e->latent ? (double)e->latent : hidden;
}

static double shared_width(const void *dims)
{
    const struct moe_dims *e = of(dims);
    return e->shared_ffn ? (double)e->shared_ffn : (double)(e->shared * e->ffn);
}

/* Routed experts of a token that do something. */
static double chosen(const struct moe_dims *e)
{
    return (double)e->top_k * (double)e->routed / (double)(e->routed + e->zero);
}

static double expert_params(const struct moe_dims *e, double hidden)
{
    return network_params(width_of(e, hidden), (double)e->ffn, e->gated, e->bias);
}

/* To the latent space and back, and a norm. */
static double latent_params(const struct moe_dims *e, double hidden)
{
    return (double)e->latent * (2 * hidden + 1);
}

void experts_weigh(const struct model *m, const void *dims, struct block_weights *w)
{
    const struct moe_dims *e = of(dims);
    double d = (double)m->hidden, choices = (double)(e->routed + e->zero), expert = expert_params(e, d);
    double always = network_params(d, shared_width(dims), e->gated, e->bias && shared_width(dims) > 0) +
                    latent_params(e, d) + (e->shared_gate ? d : 0);
    w->router = e->hashed ? 0 : d * choices + (e->router_bias ? choices : 0);
    w->other = w->router + (e->shared_gate ? d : 0);
    w->routed = (double)e->routed * expert;
    w->params = w->routed + always + w->router;
    w->active = chosen(e) * expert + always + w->router;
}

static void experts(const struct model *m, const void *dims, struct expert_facts *out)
{
    const struct moe_dims *e = of(dims);
    *out = (struct expert_facts){.routed = e->routed,
                                 .shared = shared_width(dims) > 0 && !e->shared ? 1 : e->shared,
                                 .top_k = e->routed > 0 ? llround(chosen(e)) : e->top_k,
                                 .groups = e->groups,
                                 .top_groups = e->top_groups,
                                 .ffn = e->ffn,
                                 .width = (int64_t)width_of(e, (double)m->hidden),
                                 .params = expert_params(e, (double)m->hidden)};
}

static int64_t divided(const void *dims)
{
    return (int64_t)shared_width(dims);
}

/* What came in FP8, gate and up, their product in FP8, what goes back. */
static double row_B(const struct model *m, const void *dims, uint32_t tp)
{
    const struct moe_dims *e = of(dims);
    double d = width_of(e, (double)m->hidden), ffn = (double)e->ffn;
    (void)tp;
    return d + (e->gated ? 2 : 1) * 2 * ffn + ffn + 2 * d;
}

static struct network_kept kept(const struct model *m, const void *dims)
{
    const struct moe_dims *e = of(dims);
    return (struct network_kept){.width = (double)(e->top_k * e->ffn) + shared_width(dims),
                                 .received = (double)(e->top_k * m->hidden)};
}

/* Kernels of training are those of SwiGLU in the model's width. */
static bool trainable(const void *dims)
{
    const struct moe_dims *e = of(dims);
    return e->gated && !e->latent && !e->zero && !e->hashed;
}

/* --- inference: masked grouped GEMMs in decoding, contiguous ones with a permutation in prefill ------------- */

enum { SCORE_B = 4, CHOICE_B = 12 };

static void gate(struct layer_kernels *k, const void *dims)
{
    const struct moe_dims *e = of(dims);
    double choices = (double)(e->routed + e->zero);
    layer_norm(k, "norm before experts", k->tokens * k->hidden);
    if (!e->hashed)
        layer_gemm_bf16(k, "router projection", k->tokens, choices, k->hidden, 1);
    layer_pass(k, "top-k", KERNEL_ROUTER, e->hashed ? 0 : k->tokens * choices * SCORE_B,
               k->tokens * (double)e->top_k * CHOICE_B);
    if (e->latent)
        layer_gemm(k, "to latent space", k->tokens, (double)e->latent, k->hidden);
    if (k->prefill) /* the low-latency kernels cast themselves */
        layer_quantise(k, "cast for the dispatch", k->tokens * width_of(e, k->hidden));
}

/* Prefill has cast for the dispatch already. */
static void shared(struct layer_kernels *k, const void *dims)
{
    network_layer(k, k->tokens, shared_width(dims), of(dims)->gated, !k->prefill);
}

/* Back from the latent space, behind the combine. */
static void after(struct layer_kernels *k, const void *dims)
{
    layer_quantise(k, "cast of sums", k->tokens * (double)of(dims)->latent);
    layer_gemm(k, "from latent space", k->tokens, k->hidden, (double)of(dims)->latent);
}

static void routed(struct layer_kernels *k, const void *dims, const double *rows, uint32_t n)
{
    const struct moe_dims *e = of(dims);
    double ffn = (double)e->ffn, d = width_of(e, k->hidden), sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += rows[i];
    struct kernel_call up = {.family = k->prefill ? KERNEL_GROUPED_CONTIGUOUS : KERNEL_GROUPED_MASKED,
                             .dtype = k->dtype,
                             .m = sum / n,
                             .n = (e->gated ? 2 : 1) * ffn,
                             .k = d,
                             .groups = n,
                             .rows = rows};
    struct kernel_call down = up;
    down.n = d;
    down.k = ffn;
    if (sum <= 0)
        return;
    if (k->prefill)
        layer_pass(k, "rows to their experts", KERNEL_PERMUTE, layer_operand_B(k, sum * d),
                   layer_operand_B(k, sum * d));
    layer_kernel(k, e->gated ? "gate and up projections" : "up projections", up);
    network_activate(k, sum, ffn, e->gated);
    layer_kernel(k, "down projections", down);
    if (k->prefill)
        layer_pass(k, "weighted sums", KERNEL_UNPERMUTE, sum * d * layer_bf16_B, sum * d * layer_bf16_B);
}

/* --- training: the router ---------------------------------------------------------------------------------------- */

/* Kernels of the router in the trace, beside its GEMMs and what works on all scores. */
enum { ROUTER_SMALL_FORWARD = 26, ROUTER_SCORES_FORWARD = 9, ROUTER_SMALL_INPUT = 16, ROUTER_SCORES_INPUT = 10 };

static double scores_B(const struct kernel_writer *w, const void *dims)
{
    return w->tokens * (double)of(dims)->routed * SCORE_B;
}

static void scores(struct kernel_writer *w, const void *dims, int n)
{
    for (int i = 0; i < n; i++)
        write_pass(w, "elementwise_small", KERNEL_ELEMENTWISE, scores_B(w, dims), scores_B(w, dims));
}

static void gate_forward(struct kernel_writer *w, const void *dims)
{
    write_gemm(w, "gate_gemm_bf16", KERNEL_BF16, (double)of(dims)->routed, w->hidden);
    if (w->recipe->fused) { /* scores, groups, experts, and the loss that balances them */
        write_pass(w, "router_topk", KERNEL_ROUTER, scores_B(w, dims), scores_B(w, dims));
        return;
    }
    scores(w, dims, ROUTER_SCORES_FORWARD);
    for (int best = 0; best < 2; best++) /* groups, then experts */
        write_pass(w, "router_topk", KERNEL_ROUTER, scores_B(w, dims), 0);
    write_small(w, ROUTER_SMALL_FORWARD);
    write_cast(w, w->tokens, w->hidden); /* what dispatch sends */
}

static void gate_input(struct kernel_writer *w, const void *dims)
{
    write_small(w, ROUTER_SMALL_INPUT);
    scores(w, dims, w->recipe->fused ? 1 : ROUTER_SCORES_INPUT);
    write_gemm(w, "gate_gemm_bf16", KERNEL_BF16, w->hidden, (double)of(dims)->routed);
    write_wgrad(w, "gate_gemm_bf16", KERNEL_BF16, (double)of(dims)->routed, w->hidden);
    write_elementwise(w, 2, 1);
}

/* --- training: experts ------------------------------------------------------------------------------------------- */

/* DeepGEMM's tile; blocks of MXFP8 that share a scale. */
enum { PADDED_ROWS = 128, PADDED_ROWS_FUSED = 32 };

/* Experts of this GPU, and rows with what pads each to a tile. */
static double local_experts(const struct kernel_writer *w, const void *dims)
{
    return (double)of(dims)->routed / w->group;
}

static double padded(const struct kernel_writer *w, const void *dims, bool backward)
{
    double experts = local_experts(w, dims), each = w->rows[backward] / experts;
    double pad = w->recipe->fused ? PADDED_ROWS_FUSED : PADDED_ROWS;
    return experts * ceil(each / pad) * pad;
}

/* Distinct GPUs of a token's top_k experts over top_k: copies that arrive, per row. top_k of the experts of
 * top_groups groups, each as likely. */
static double copies_per_row(const struct kernel_writer *w, const void *dims)
{
    const struct moe_dims *e = of(dims);
    double candidates = (double)(e->top_groups * (e->routed / e->groups));
    double mine = fmin(local_experts(w, dims), candidates), missed = 1;
    for (int i = 0; i < e->top_k; i++)
        missed *= fmax(0, candidates - mine - i) / (candidates - i);
    return candidates / mine * (1 - missed) / (double)e->top_k;
}

/* A pass over the rows of the rank's experts. */
static void row_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B,
                     double written_B)
{
    w->add(w, name, &(struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B}, true);
}

static bool passes_apart(const struct kernel_writer *w)
{
    return write_casts(w) && !w->recipe->fused;
}

static void row_cast(struct kernel_writer *w, double rows, double columns, double from_B)
{
    if (passes_apart(w))
        row_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * from_B, rows * columns * fp8_B);
}

static void row_scales(struct kernel_writer *w, double rows, double columns)
{
    double scales_B = rows * columns * (fp8_B - 1);
    if (passes_apart(w))
        row_pass(w, "copy", KERNEL_COPY, scales_B, scales_B);
}

static void grouped(struct kernel_writer *w, const void *dims, bool backward, double n, double k)
{
    double groups = local_experts(w, dims);
    w->add(w, write_gemm_name(w, KERNEL_GROUPED_CONTIGUOUS),
           &(struct kernel_call){.family = KERNEL_GROUPED_CONTIGUOUS,
                                 .dtype = w->recipe->linear,
                                 .m = w->rows[backward] / groups,
                                 .n = n,
                                 .k = k,
                                 .groups = (uint32_t)groups},
           true);
}

static void grouped_weight(struct kernel_writer *w, const void *dims, double n, double k)
{
    double groups = local_experts(w, dims);
    w->add(w, write_gemm_name(w, KERNEL_WGRAD),
           &(struct kernel_call){.family = KERNEL_WGRAD,
                                 .dtype = w->recipe->linear,
                                 .m = n,
                                 .n = k,
                                 .k = padded(w, dims, true) / groups,
                                 .groups = (uint32_t)groups},
           true);
}

/* Which row goes where, from the choices that came with the tokens. */
static void map_rows(struct kernel_writer *w, const void *dims, double copies)
{
    double choices_B = copies * (double)of(dims)->top_k * 8;
    for (int pass = 0; pass < 2; pass++) /* counted, then placed */
        row_pass(w, "moe_mapping", KERNEL_ROUTER, choices_B, 0);
}

/* --- DeepSeek's kernels ---------------------------------------------------------------------------------------------- */

/* Of a number as the dispatch sends it, and as SwiGLU leaves it for the next GEMM. */
static double sent_B(const struct kernel_writer *w)
{
    return write_casts(w) ? fp8_B : bf16_B;
}

static void forward_apart(struct kernel_writer *w, const void *dims)
{
    double f = (double)of(dims)->ffn, d = w->hidden, rows = padded(w, dims, false), experts = local_experts(w, dims);
    double copies = w->rows[0] * copies_per_row(w, dims), width = shared_width(dims);
    if (width > 0) {
        write_scales(w, d);
        write_linear_gemm(w, 2 * width, d);
    }
    map_rows(w, dims, copies);
    row_pass(w, "moe_permute", KERNEL_PERMUTE, copies * d * sent_B(w), rows * d * sent_B(w));
    write_transpose(w, experts * 2 * f * d);
    row_scales(w, rows, d);
    grouped(w, dims, false, 2 * f, d);
    write_small(w, 1);
    row_pass(w, write_casts(w) ? "swiglu_cast" : "swiglu", KERNEL_SWIGLU, 2 * rows * f * bf16_B, rows * f * sent_B(w));
    write_transpose(w, experts * d * f);
    row_scales(w, rows, f);
    grouped(w, dims, false, d, f);
    row_pass(w, "moe_unpermute_reduce", KERNEL_UNPERMUTE, rows * d * bf16_B, copies * d * bf16_B);
    if (width > 0)
        network_write_down(w, width);
    row_cast(w, rows, 2 * f, bf16_B); /* what SwiGLU is computed from again */
    if (width > 0)
        write_cast(w, w->tokens, 2 * width);
}

static void input_apart(struct kernel_writer *w, const void *dims)
{
    double f = (double)of(dims)->ffn, d = w->hidden, rows = padded(w, dims, true), width = shared_width(dims);
    double copies = w->rows[1] * copies_per_row(w, dims);
    if (width > 0)
        network_write_input_down(w, width);
    if (write_casts(w))
        row_pass(w, "quant_cast", KERNEL_QUANTISE, rows * 2 * f * fp8_B, rows * 2 * f * bf16_B);
    row_pass(w, "moe_permute", KERNEL_PERMUTE, copies * d * sent_B(w), rows * d * sent_B(w));
    row_scales(w, rows, d);
    grouped(w, dims, true, f, d);
    row_pass(w, "swiglu", KERNEL_SWIGLU, 3 * rows * f * bf16_B, 3 * rows * f * bf16_B); /* and SwiGLU again */
    row_pass(w, "swiglu", KERNEL_SWIGLU, 2 * rows * f * bf16_B, 0); /* gradients of the routing weights */
    row_cast(w, rows, f, bf16_B);
    write_small(w, 1);
    network_write_norm_again(w);
    write_cast(w, w->tokens, d);
    row_cast(w, rows, 2 * f, bf16_B);
    row_scales(w, rows, 2 * f);
    grouped(w, dims, true, d, 2 * f);
    row_pass(w, "moe_unpermute_reduce", KERNEL_UNPERMUTE, rows * d * bf16_B, copies * d * bf16_B);
    row_cast(w, rows, 2 * f, bf16_B);
    if (width > 0)
        network_write_input_up(w, width);
}

/* Rows by columns, gathered again from the tokens that came: gradients, then inputs. */
static void weight_apart(struct kernel_writer *w, const void *dims)
{
    double f = (double)of(dims)->ffn, d = w->hidden, rows = padded(w, dims, true), width = shared_width(dims);
    if (width > 0)
        write_linear_weight(w, d, width);
    row_cast(w, rows, d, fp8_B);
    grouped_weight(w, dims, d, f);
    row_cast(w, rows, d, fp8_B);
    grouped_weight(w, dims, 2 * f, d);
    if (width > 0)
        write_linear_weight(w, 2 * width, d);
}

/* --- fused: dispatch brings rows in the order of their experts, combine takes them so ---------------------------- */

static double expert_width(const struct kernel_writer *w, const void *dims)
{
    return (double)of(dims)->ffn / w->etp;
}

/* By rows and, where there is a backward pass, by columns. */
static void cast_rows(struct kernel_writer *w, double rows, double columns)
{
    double values = rows * columns;
    if (write_casts(w))
        row_pass(w, "quant_cast", KERNEL_QUANTISE, values * bf16_B, write_copies(w) * values * w->recipe->operand_B);
}

static void activate_rows(struct kernel_writer *w, double rows, double f)
{
    row_pass(w, "swiglu", KERNEL_SWIGLU, 2 * rows * f * bf16_B, rows * f * bf16_B);
}

/* Rows of all GPUs that share the experts, to each of them; and the sum of what each has made of them back. */
static void gather_rows(struct kernel_writer *w, double rows)
{
    if (w->etp > 1)
        w->collect(w, "etp_all_gather", w->etp, 1, rows * w->hidden * bf16_B, false);
}

static void scatter_rows(struct kernel_writer *w, double rows)
{
    if (w->etp > 1)
        w->collect(w, "etp_reduce_scatter", w->etp, 1, rows * w->hidden * bf16_B, false);
}

static void routed_forward(struct kernel_writer *w, const void *dims, bool backward)
{
    double f = expert_width(w, dims), d = w->hidden, rows = padded(w, dims, backward);
    gather_rows(w, rows);
    cast_rows(w, rows, d);
    grouped(w, dims, backward, 2 * f, d);
    activate_rows(w, rows, f);
    cast_rows(w, rows, f);
    grouped(w, dims, backward, d, f);
    scatter_rows(w, rows);
}

static void shared_forward(struct kernel_writer *w, const void *dims)
{
    network_write_forward(w, shared_width(dims));
    w->tokens = w->own_tokens * w->tp;
    write_scatter(w, w->hidden);
    write_elementwise(w, 2, 1);
}

static void forward_fused(struct kernel_writer *w, const void *dims)
{
    routed_forward(w, dims, false);
    if (shared_width(dims) > 0)
        shared_forward(w, dims);
}

static void input_fused(struct kernel_writer *w, const void *dims)
{
    double f = expert_width(w, dims), d = w->hidden, rows = padded(w, dims, true), width = shared_width(dims);
    if (w->recipe->again & AGAIN_SHARED && width > 0)
        shared_forward(w, dims);
    gather_rows(w, rows);
    cast_rows(w, rows, d);
    grouped(w, dims, true, f, d);
    if (w->recipe->again & AGAIN_ACTIVATION)
        activate_rows(w, rows, f);
    row_pass(w, "swiglu", KERNEL_SWIGLU, 3 * rows * f * bf16_B, 2 * rows * f * bf16_B);
    cast_rows(w, rows, 2 * f);
    grouped(w, dims, true, d, 2 * f);
    scatter_rows(w, rows);
    if (width > 0)
        network_write_input(w, width);
}

static void weight_fused(struct kernel_writer *w, const void *dims)
{
    double f = expert_width(w, dims), d = w->hidden;
    grouped_weight(w, dims, d, f);
    grouped_weight(w, dims, 2 * f, d);
    if (shared_width(dims) > 0)
        network_write_weight(w, shared_width(dims));
}

/* --- either ------------------------------------------------------------------------------------------------------------ */

static void forward(struct kernel_writer *w, const void *dims)
{
    (w->recipe->fused ? forward_fused : forward_apart)(w, dims);
}

static void input(struct kernel_writer *w, const void *dims)
{
    (w->recipe->fused ? input_fused : input_apart)(w, dims);
}

static void weight(struct kernel_writer *w, const void *dims)
{
    (w->recipe->fused ? weight_fused : weight_apart)(w, dims);
}

const struct network_ops experts_ops = {
    .experts = experts,
    .divided = divided,
    .gate = gate,
    .own = shared,
    .routed = routed,
    .trainable = trainable,
    .row_B = row_B,
    .gate_forward = gate_forward,
    .gate_input = gate_input,
    .forward = forward,
    .input = input,
    .weight = weight,
    .kept = kept,
};

const struct network_ops experts_latent_ops = {
    .experts = experts,
    .divided = divided,
    .gate = gate,
    .own = shared,
    .routed = routed,
    .after = after,
    .trainable = trainable,
    .row_B = row_B,
    .gate_forward = gate_forward,
    .gate_input = gate_input,
    .forward = forward,
    .input = input,
    .weight = weight,
    .kept = kept,
};
