/* Kernels of the stages, as DeepSeek's and SGLang's open kernels cut them. Attention's and
 * networks' are their blocks' (models/llm/blocks); here is what stands between these:
 * norms and casts, DeepEP's low-latency kernels, embedding and head in BF16.
 *
 * Where weights are wider than a byte (llm.weight), GEMMs are in BF16 and nothing is cast.
 *
 * Fused where those are: SwiGLU casts its result. Left out: sampling beyond reading the logits, biases, quantisation of the KV
 * cache. */
#include "kinds/infer/infer_kernels.h"

#include <math.h>

#include "models/comm/deepep_ll.h"
#include "models/llm/blocks/block.h"

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

struct filling {
    struct layer_kernels k; /* first: what blocks add to */
    const struct infer_layout *l;
    const struct kernel_model *model;
    struct infer_kernels *out;
    enum infer_stage stage;
};

static enum infer_part part_of(const struct filling *f, bool core)
{
    if (core)
        return PART_CORE;
    if (f->stage == STAGE_MLP)
        return PART_EXPERTS;
    return f->stage == STAGE_ATTN0 || f->stage == STAGE_ATTN1 ? PART_PROJECTIONS : PART_NETWORKS;
}

static void add(struct layer_kernels *layer, const char *name, const struct kernel_call *call, bool core)
{
    struct filling *f = (struct filling *)layer;
    if (f->l->left_out & part_of(f, core))
        return;
    struct infer_kernel *k = &f->out->list[f->out->n++];
    BUG_IF(f->out->n > INFER_MAX_KERNELS);
    *k = (struct infer_kernel){.name = name, .stage = f->stage, .call = *call};
    k->call.sms = f->out->sms;
    k->time = kernel_time(f->model, &k->call);
    f->out->stage_s[f->stage] += k->time.time_s + f->out->gap_s;
}

/* --- attention ---------------------------------------------------------------- */

static void add_norm(struct filling *f)
{
    layer_norm(&f->k, "norm", f->k.tokens * f->k.hidden);
    layer_quantise(&f->k, "cast", f->k.tokens * f->k.hidden);
}

static void add_gate(struct filling *f)
{
    const struct model *m = f->l->model;
    if (m->moe.routed)
        model_experts(m).type->network->gate(&f->k, model_experts(m).dims);
}

static void add_attention_decode(struct filling *f)
{
    struct block a = model_decode_attention(f->l->model);
    f->stage = STAGE_ATTN0;
    add_norm(f);
    a.type->attention->decode_before(&f->k, a.dims);
    f->stage = STAGE_ATTN1;
    a.type->attention->decode_core(&f->k, a.dims);
    add_gate(f);
}

static void add_attention_prefill(struct filling *f)
{
    struct block a = model_attention(f->l->model);
    f->stage = STAGE_ATTN1;
    add_norm(f);
    a.type->attention->prefill(&f->k, a.dims);
    add_gate(f);
}

/* --- networks ----------------------------------------------------------------- */

/* Without experts the norm of the second half of a layer stands here. */
static void add_dense(struct filling *f)
{
    const struct model *m = f->l->model;
    f->stage = STAGE_DENSE;
    if (!m->moe.routed)
        layer_norm(&f->k, "norm", f->k.tokens * f->k.hidden);
    model_dense(m).type->network->own(&f->k, model_dense(m).dims);
}

static void add_shared(struct filling *f)
{
    struct block e = model_experts(f->l->model);
    f->stage = STAGE_SHARED;
    e.type->network->own(&f->k, e.dims);
}

/* Experts: of which the slots of a rank have rows[]. */
static void add_experts(struct filling *f, const double *rows)
{
    struct block e = model_experts(f->l->model);
    f->stage = STAGE_MLP;
    e.type->network->routed(&f->k, e.dims, rows, f->l->slots_per_rank);
}

/* Every place with as many rows. */
static void add_average_experts(struct filling *f)
{
    const struct infer_layout *l = f->l;
    double rows[INFER_MAX_EXPERTS], mean = l->tokens * (double)l->model->moe.top_k * l->ranks / l->routed_slots;
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
    return (struct filling){.k = {.model = l->model,
                                  .dtype = l->model->weight_B > 1 ? KERNEL_BF16 : KERNEL_FP8,
                                  .hidden = (double)l->model->hidden,
                                  .tokens = l->tokens,
                                  .group_tokens = l->tokens * l->tp,
                                  .sequences = l->sequences,
                                  .context = l->context,
                                  .new_tokens = l->new_tokens,
                                  .tp = l->tp,
                                  .network_tp = infer_dense_tp(l),
                                  .prefill = l->prefill,
                                  .add = add},
                            .l = l,
                            .model = model,
                            .out = out};
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
    double tp = infer_dense_tp(f->l), vocab = (double)f->l->model->vocab / tp, hidden = f->k.hidden,
           tokens = f->k.tokens, own = f->l->micro_batches * (f->l->prefill ? f->l->sequences / f->l->tp : tokens),
           rows = own * tp;
    f->stage = STAGE_EMBED;
    layer_pass(&f->k, "embedding", KERNEL_COPY, tokens * hidden * layer_bf16_B, tokens * hidden * layer_bf16_B * tp);
    f->stage = STAGE_HEAD;
    layer_norm(&f->k, "norm", own * hidden);
    layer_gemm_bf16(&f->k, "head", fmax(1, rows), vocab, hidden, 1);
    layer_pass(&f->k, "choice of tokens", KERNEL_ELEMENTWISE, rows * vocab * 4, rows * 8);
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
        add_shared(&f);
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
