/* Kernels of the stages, as DeepSeek's and SGLang's open kernels cut them: FP8 GEMMs
 * (DeepGEMM) with their casts, FlashMLA on the latent cache with absorbed projections
 * (BF16, one GEMM per head), masked grouped GEMMs for experts in decoding, contiguous
 * ones with a permutation in prefill, router and head in BF16.
 *
 * Where weights are wider than a byte (llm.weight), GEMMs are in BF16 and nothing is cast.
 *
 * Fused where those are: the two down projections of MLA are one GEMM; SwiGLU casts its
 * result. Left out: sampling beyond reading the logits, biases, quantisation of the KV
 * cache. */
#include "kinds/infer/infer_kernels.h"

#include <math.h>
#include <string.h>

#include "models/comm/deepep_ll.h"

const char *const infer_stage_names[N_STAGES] = {
    [STAGE_EMBED] = "embedding",
    [STAGE_ATTN0] = "attn-0",
    [STAGE_ATTN1] = "attn-1",
    [STAGE_DENSE] = "dense",
    [STAGE_SHARED] = "shared",
    [STAGE_MLP] = "MLP",
    [STAGE_DISPATCH_SEND] = "dispatch-send",
    [STAGE_DISPATCH_RECV] = "dispatch-recv",
    [STAGE_COMBINE_SEND] = "combine-send",
    [STAGE_COMBINE_RECV] = "combine-recv",
    [STAGE_HEAD] = "head",
};

enum { SCALE_CHANNELS = 128 };
static const double scale_B = 4, bf16_B = 2;

struct filling {
    const struct infer_layout *l;
    const struct kernel_model *model;
    struct infer_kernels *out;
    enum infer_stage stage;
    enum kernel_dtype dtype; /* of weights, and of what they are multiplied with */
    /* tokens of the rank; of its TP group, whose heads it has a share of */
    double tokens, group_tokens, heads, hidden;
};

/* What GEMMs read. */
static double operand_B(const struct filling *f, double values)
{
    return values * (f->dtype == KERNEL_FP8 ? 1 + scale_B / SCALE_CHANNELS : bf16_B);
}

static enum infer_part part_of(const struct filling *f, const struct kernel_call *call)
{
    if (call->family == KERNEL_ATTENTION_DECODE || call->family == KERNEL_ATTENTION_FORWARD)
        return PART_CORE;
    if (f->stage == STAGE_MLP)
        return PART_EXPERTS;
    return f->stage == STAGE_ATTN0 || f->stage == STAGE_ATTN1 ? PART_PROJECTIONS : PART_NETWORKS;
}

static void add(struct filling *f, const char *name, struct kernel_call call)
{
    if (f->l->left_out & part_of(f, &call))
        return;
    struct infer_kernel *k = &f->out->list[f->out->n++];
    BUG_IF(f->out->n > INFER_MAX_KERNELS);
    call.sms = f->out->sms;
    *k = (struct infer_kernel){name, f->stage, call, kernel_time(f->model, &call), 0};
    f->out->stage_s[f->stage] += k->time.time_s + f->out->gap_s;
}

static void gemm(struct filling *f, const char *name, double m, double n, double k)
{
    add(f, name, (struct kernel_call){.family = KERNEL_GEMM, .dtype = f->dtype, .m = m, .n = n, .k = k});
}

static void gemm_bf16(struct filling *f, const char *name, double m, double n, double k, double groups)
{
    add(f, name,
        (struct kernel_call){
            .family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = m, .n = n, .k = k, .groups = (uint32_t)groups});
}

static void pass(struct filling *f, const char *name, enum kernel_family family, double read_B, double written_B)
{
    add(f, name, (struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B});
}

static void norm(struct filling *f, const char *name, double values)
{
    pass(f, name, KERNEL_NORM, 2 * values * bf16_B, 2 * values * bf16_B); /* residual in and out */
}

static void quantise(struct filling *f, const char *name, double values)
{
    if (f->dtype == KERNEL_FP8)
        pass(f, name, KERNEL_QUANTISE, values * bf16_B, operand_B(f, values));
}

/* --- attention ---------------------------------------------------------------- */

static const struct attention_dims *dims(const struct filling *f)
{
    return &f->l->model->attention;
}

/* Down projections in one GEMM, norms, up projection of queries. */
static void project_latent(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    double t = f->group_tokens, q = (double)a->q_lora, kv = (double)a->kv_lora, rope = (double)a->rope_dim;
    double width = f->heads * (double)(a->nope_dim + a->rope_dim);
    gemm(f, "q_a, kv_a projection", t, (q > 0 ? q : width) + kv + rope, f->hidden);
    pass(f, "norm of latents", KERNEL_NORM, t * (q + kv) * bf16_B, t * kv * bf16_B + operand_B(f, t * q));
    if (q > 0)
        gemm(f, "q_b projection", t, width, q);
    pass(f, "rope", KERNEL_ROPE, t * (f->heads + 1) * rope * bf16_B, t * (f->heads + 1) * rope * bf16_B);
}

static double grouped_kv_heads(const struct filling *f)
{
    return fmax(1, (double)dims(f)->kv_heads / f->l->tp);
}

/* What the GPU holds of a position in a layer, scales with it: all of MLA's latent vector, of grouped heads its own. */
static double cached_position_B(const struct filling *f)
{
    const struct attention_dims *a = dims(f);
    double all_B = model_kv_B(f->l->model) / (double)f->l->model->layers;
    return a->kv_lora > 0 ? all_B : all_B * grouped_kv_heads(f) / (double)a->kv_heads;
}

static void write_cache(struct filling *f, double values)
{
    pass(f, "KV cache write", KERNEL_COPY, f->group_tokens * values * bf16_B, f->group_tokens * cached_position_B(f));
}

static double positions(const struct filling *f)
{
    return f->l->context + f->l->new_tokens;
}

/* 0: a query sees all positions before it. */
static double window_of(const struct filling *f)
{
    double window = (double)dims(f)->window;
    return window < positions(f) ? window : 0;
}

/* Positions that a query of decoding attends to, new ones with them. */
static double attended(const struct filling *f)
{
    return window_of(f) > 0 ? window_of(f) : positions(f);
}

/* Absorbed: heads work on the cache itself. Otherwise its keys and values are expanded anew for every step. */
static bool is_absorbed(const struct filling *f)
{
    const struct attention_dims *a = dims(f);
    return !strcmp(*a->decode ? a->decode : a->kind, "mla_absorbed");
}

static void before_core_mla(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    project_latent(f);
    write_cache(f, (double)(a->kv_lora + a->rope_dim));
    if (is_absorbed(f))
        gemm_bf16(f, "queries to latent space", f->group_tokens, (double)a->kv_lora, (double)a->nope_dim, f->heads);
}

static void core_mla_expanded(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    double nope = (double)a->nope_dim, qk = nope + (double)a->rope_dim, v = (double)a->v_dim;
    gemm(f, "kv_b projection of the cache", f->l->sequences * attended(f), f->heads * (nope + v), (double)a->kv_lora);
    add(f, "attention",
        (struct kernel_call){.family = KERNEL_ATTENTION_DECODE,
                             .dtype = KERNEL_BF16,
                             .batch = f->l->sequences,
                             .q_len = f->l->new_tokens,
                             .kv_len = attended(f),
                             .heads = f->heads,
                             .kv_heads = f->heads,
                             .qk_dim = qk,
                             .v_dim = v,
                             .kv_token_B = f->heads * (qk + v) * bf16_B});
}

static void core_mla(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    double latent = (double)(a->kv_lora + a->rope_dim);
    add(f, "MLA",
        (struct kernel_call){.family = KERNEL_ATTENTION_DECODE,
                             .dtype = KERNEL_BF16,
                             .batch = f->l->sequences,
                             .q_len = f->l->new_tokens,
                             .kv_len = attended(f),
                             .heads = f->heads,
                             .kv_heads = 1,
                             .qk_dim = latent,
                             .v_dim = (double)a->kv_lora,
                             .kv_token_B = cached_position_B(f)});
    gemm_bf16(f, "outputs from latent space", f->group_tokens, (double)a->v_dim, (double)a->kv_lora, f->heads);
}

static void before_core_grouped(struct filling *f)
{
    double hd = (double)dims(f)->head_dim, kv = grouped_kv_heads(f), t = f->group_tokens;
    gemm(f, "qkv projection", t, (f->heads + 2 * kv) * hd, f->hidden);
    pass(f, "rope", KERNEL_ROPE, t * (f->heads + kv) * hd * bf16_B, t * (f->heads + kv) * hd * bf16_B);
    write_cache(f, 2 * kv * hd);
}

static void core_grouped(struct filling *f, enum kernel_family family)
{
    double hd = (double)dims(f)->head_dim, kv = grouped_kv_heads(f);
    bool prefill = f->l->prefill;
    add(f, "attention",
        (struct kernel_call){.family = family,
                             .dtype = KERNEL_BF16,
                             .batch = f->l->sequences,
                             .q_len = f->l->new_tokens,
                             .kv_len = prefill ? positions(f) : attended(f),
                             .heads = f->heads,
                             .kv_heads = kv,
                             .qk_dim = hd,
                             .v_dim = hd,
                             .kv_token_B = cached_position_B(f),
                             .causal = prefill,
                             .window = prefill ? window_of(f) : 0});
}

/* Prefill expands keys and values of all positions that are seen, also of those whose latents were
 * found in a cache. */
static void prefill_mla(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    double nope = (double)a->nope_dim, v = (double)a->v_dim, all = positions(f), window = window_of(f),
           seen = window > 0 ? fmin(all, f->l->new_tokens + window) : all;
    project_latent(f);
    write_cache(f, (double)(a->kv_lora + a->rope_dim));
    gemm(f, "kv_b projection", f->l->sequences * seen, f->heads * (nope + v), (double)a->kv_lora);
    add(f, "MLA",
        (struct kernel_call){.family = KERNEL_ATTENTION_FORWARD,
                             .dtype = KERNEL_BF16,
                             .batch = f->l->sequences,
                             .q_len = f->l->new_tokens,
                             .kv_len = all,
                             .heads = f->heads,
                             .kv_heads = f->heads,
                             .qk_dim = nope + (double)a->rope_dim,
                             .v_dim = v,
                             .causal = true,
                             .window = window});
}

static bool is_latent(const struct filling *f)
{
    return dims(f)->kv_lora > 0;
}

static void add_before_core(struct filling *f)
{
    norm(f, "norm", f->tokens * f->hidden);
    quantise(f, "cast", f->tokens * f->hidden);
    if (is_latent(f))
        before_core_mla(f);
    else
        before_core_grouped(f);
}

static void add_after_core(struct filling *f)
{
    const struct attention_dims *a = dims(f);
    const struct moe_dims *e = &f->l->model->moe;
    double width = f->heads * (double)(is_latent(f) ? a->v_dim : a->head_dim);
    quantise(f, "cast of outputs", f->group_tokens * width);
    gemm(f, "output projection", f->group_tokens, f->hidden, width);
    if (!e->routed)
        return;
    norm(f, "norm before experts", f->tokens * f->hidden);
    gemm_bf16(f, "router projection", f->tokens, (double)e->routed, f->hidden, 1);
    pass(f, "top-k", KERNEL_ROUTER, f->tokens * (double)e->routed * 4, f->tokens * (double)e->top_k * 12);
    if (f->l->prefill) /* the low-latency kernels cast themselves */
        quantise(f, "cast for the dispatch", f->tokens * f->hidden);
}

static void add_attention_decode(struct filling *f)
{
    f->stage = STAGE_ATTN0;
    add_before_core(f);
    f->stage = STAGE_ATTN1;
    if (!is_latent(f))
        core_grouped(f, KERNEL_ATTENTION_DECODE);
    else if (is_absorbed(f))
        core_mla(f);
    else
        core_mla_expanded(f);
    add_after_core(f);
}

static void add_attention_prefill(struct filling *f)
{
    f->stage = STAGE_ATTN1;
    norm(f, "norm", f->tokens * f->hidden);
    quantise(f, "cast", f->tokens * f->hidden);
    if (is_latent(f))
        prefill_mla(f);
    else {
        before_core_grouped(f);
        core_grouped(f, KERNEL_ATTENTION_FORWARD);
    }
    add_after_core(f);
}

/* --- networks ----------------------------------------------------------------- */

/* A network of `width` for `tokens`. */
static void add_ffn(struct filling *f, enum infer_stage stage, double tokens, double width)
{
    f->stage = stage;
    if (stage == STAGE_DENSE || !f->l->prefill) /* or cast for the dispatch already */
        quantise(f, "cast", tokens * f->hidden);
    gemm(f, "gate and up projection", tokens, 2 * width, f->hidden);
    pass(f, "SwiGLU, cast", KERNEL_SWIGLU, 2 * tokens * width * bf16_B, operand_B(f, tokens * width));
    gemm(f, "down projection", tokens, f->hidden, width);
    pass(f, "sum", KERNEL_ELEMENTWISE, 2 * f->tokens * f->hidden * bf16_B, f->tokens * f->hidden * bf16_B);
}

/* Without experts the norm of the second half of a layer stands here. */
static void add_dense(struct filling *f)
{
    const struct model *m = f->l->model;
    double tp = infer_dense_tp(f->l);
    f->stage = STAGE_DENSE;
    if (!m->moe.routed)
        norm(f, "norm", f->tokens * f->hidden);
    add_ffn(f, STAGE_DENSE, f->tokens * tp, (double)m->dense_ffn / tp);
}

/* Experts: of which the slots of a rank have rows[]. */
static void add_experts(struct filling *f, const double *rows)
{
    double ffn = (double)f->l->model->moe.ffn, d = f->hidden, sum = 0;
    uint32_t n = f->l->slots_per_rank;
    bool decode = !f->l->prefill;
    for (uint32_t i = 0; i < n; i++)
        sum += rows[i];
    struct kernel_call up = {.family = decode ? KERNEL_GROUPED_MASKED : KERNEL_GROUPED_CONTIGUOUS,
                             .dtype = f->dtype,
                             .m = sum / n,
                             .n = 2 * ffn,
                             .k = d,
                             .groups = n,
                             .rows = rows};
    struct kernel_call down = up;
    down.n = d;
    down.k = ffn;
    f->stage = STAGE_MLP;
    if (sum <= 0)
        return;
    if (!decode)
        pass(f, "rows to their experts", KERNEL_PERMUTE, operand_B(f, sum * d), operand_B(f, sum * d));
    add(f, "gate and up projections", up);
    pass(f, "SwiGLU, cast", KERNEL_SWIGLU, 2 * sum * ffn * bf16_B, operand_B(f, sum * ffn));
    add(f, "down projections", down);
    if (!decode)
        pass(f, "weighted sums", KERNEL_UNPERMUTE, sum * d * bf16_B, sum * d * bf16_B);
}

/* Every place with as many rows. */
static void add_average_experts(struct filling *f)
{
    const struct infer_layout *l = f->l;
    double rows[4096], mean = l->tokens * (double)l->model->moe.top_k * l->ranks / l->routed_slots;
    BUG_IF(l->slots_per_rank > sizeof rows / sizeof *rows);
    for (uint32_t i = 0; i < l->slots_per_rank; i++)
        rows[i] = mean;
    add_experts(f, rows);
    for (uint32_t i = 0; i < f->out->n; i++) /* the array above ends here */
        f->out->list[i].call.rows = NULL;
}

static struct filling begin(const struct infer_layout *l, const struct kernel_model *model, struct infer_kernels *out)
{
    const struct cluster_hw *hw = l->hw;
    out->n = 0;
    out->gap_s = l->prefill ? model->cfg.launch_gap_s : l->cfg->decode.launch_gap_s;
    if (l->left_out & PART_GAPS)
        out->gap_s = 0;
    /* the throughput kernels hold SMs while computation runs beside them */
    out->sms =
        (double)(hw->chip.sms - (l->prefill && l->cfg->overlap == OVERLAP_DUAL ? ep_sms_held_most(&hw->ep_kernel) : 0));
    out->launch_s = l->cfg->eager ? hw_launch_s(&hw->node.host) : 0;
    for (int s = 0; s < N_STAGES; s++)
        out->stage_s[s] = 0;
    return (struct filling){.l = l,
                            .model = model,
                            .out = out,
                            .dtype = l->model->weight_B > 1 ? KERNEL_BF16 : KERNEL_FP8,
                            .tokens = l->tokens,
                            .group_tokens = l->tokens * l->tp,
                            .heads = (double)l->model->attention.heads / l->tp,
                            .hidden = (double)l->model->hidden};
}

static void add_fixed(struct filling *f, enum infer_stage stage, double time_s)
{
    struct infer_kernel *k = &f->out->list[f->out->n++];
    BUG_IF(f->out->n > INFER_MAX_KERNELS);
    *k = (struct infer_kernel){.name = infer_stage_names[stage], .stage = stage, .fixed_s = time_s};
    f->out->stage_s[stage] += time_s;
}

/* What a low-latency kernel does beside the transfer occupies SMs: half of it before
 * (casting, posting), half of it after (waiting for the last bytes, moving rows); how
 * it divides is an assumption and matters little, because both halves stand on the same
 * stream. */
static void add_low_latency(struct filling *f)
{
    const struct infer_layout *l = f->l;
    double copies = (double)l->model->moe.top_k + (l->cfg->shared_replicas ? 1 : 0);
    for (int combine = 0; combine < 2; combine++) {
        double message_B = ll_message_B(&l->hw->ep_kernel, l->model->hidden, combine);
        double own_s = ll_own_s(l->hw, l->tokens, copies, message_B, combine);
        add_fixed(f, combine ? STAGE_COMBINE_SEND : STAGE_DISPATCH_SEND, own_s / 2);
        add_fixed(f, combine ? STAGE_COMBINE_RECV : STAGE_DISPATCH_RECV, own_s / 2);
    }
}

/* The head works for all micro-batches at once; of a prompt only the last position needs
 * it. */
static void add_ends(struct filling *f)
{
    double tp = infer_dense_tp(f->l), vocab = (double)f->l->model->vocab / tp,
           own = f->l->micro_batches * (f->l->prefill ? f->l->sequences / f->l->tp : f->tokens), rows = own * tp;
    f->stage = STAGE_EMBED;
    pass(f, "embedding", KERNEL_COPY, f->tokens * f->hidden * bf16_B, f->tokens * f->hidden * bf16_B * tp);
    f->stage = STAGE_HEAD;
    norm(f, "norm", own * f->hidden);
    gemm_bf16(f, "head", fmax(1, rows), vocab, f->hidden, 1);
    pass(f, "choice of tokens", KERNEL_ELEMENTWISE, rows * vocab * 4, rows * 8);
}

void infer_kernels_fill(const struct infer_layout *l, const struct kernel_model *model, struct infer_kernels *out)
{
    struct filling f = begin(l, model, out);
    const struct model *m = l->model;
    if (l->prefill)
        add_attention_prefill(&f);
    else
        add_attention_decode(&f);
    if (infer_dense_layers(m))
        add_dense(&f);
    if (m->moe.shared && !l->cfg->shared_replicas)
        add_ffn(&f, STAGE_SHARED, f.tokens, (double)(m->moe.shared * m->moe.ffn));
    if (m->moe.routed)
        add_average_experts(&f);
    if (m->moe.routed && !l->prefill)
        add_low_latency(&f);
    add_ends(&f);
}

double infer_experts_s(const struct infer_layout *l, const struct kernel_model *model, const double *rows)
{
    struct infer_kernels k;
    struct filling f = begin(l, model, &k);
    add_experts(&f, rows);
    return k.stage_s[STAGE_MLP];
}

double infer_launch_s(const struct infer_kernels *k, enum infer_stage stage)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n; i++)
        n += k->list[i].stage == stage;
    return n * k->launch_s;
}
