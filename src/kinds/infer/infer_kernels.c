/* Kernels of the stages, as DeepSeek's and SGLang's open kernels cut them. Attention's and
 * networks' are their blocks' (models/llm/blocks); here is what stands between these:
 * norms and casts, kernels that exchange tokens, embedding and head in BF16.
 *
 * Where weights are wider than a byte (llm.weight), GEMMs are in BF16 and nothing is cast.
 *
 * Fused where those are: SwiGLU casts its result. Left out: sampling beyond reading the logits, biases, quantisation of the KV
 * cache. */
#include "kinds/infer/infer_kernels.h"

#include <math.h>
#include <string.h>

#include "models/comm/ep_exchange.h"
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
    struct arena *arena; /* NULL: kernels are timed, not kept */
    struct infer_kernels *out;
    const struct block *block;
    enum infer_stage stage;
    double sum_s;
};

static enum infer_part part_of(const struct filling *f, bool core)
{
    if (core)
        return PART_CORE;
    if (f->stage == STAGE_MLP)
        return PART_EXPERTS;
    return f->stage == STAGE_ATTN0 || f->stage == STAGE_ATTN1 ? PART_PROJECTIONS : PART_NETWORKS;
}

static struct infer_kernel *keep(struct filling *f)
{
    struct infer_kernels *out = f->out;
    if (out->n == out->most) {
        struct infer_kernel *list = ARENA_ARRAY(f->arena, struct infer_kernel, 2 * out->most + 64);
        if (out->n)
            memcpy(list, out->list, out->n * sizeof *list);
        out->list = list;
        out->most = 2 * out->most + 64;
    }
    return &out->list[out->n++];
}

static void add(struct layer_kernels *layer, const char *name, const struct kernel_call *call, bool core)
{
    struct filling *f = (struct filling *)layer;
    struct infer_kernel k = {.name = name, .stage = f->stage, .block = f->block, .call = *call};
    if (f->l->left_out & part_of(f, core))
        return;
    k.call.sms = f->out->sms;
    k.time = kernel_time(f->model, &k.call);
    f->sum_s += k.time.time_s + f->out->gap_s;
    if (!f->arena)
        return;
    k.gains = kernel_gains(f->model, &k.call);
    *keep(f) = k;
}

/* --- attention ---------------------------------------------------------------- */

/* Kernels of the block that follow: of its experts, or what stands beside them. */
static void enter(struct filling *f, const struct block *b, bool shared)
{
    f->block = b;
    f->k.dtype = block_dtype(f->l->model, b, shared);
}

static void add_norm(struct filling *f)
{
    layer_norm(&f->k, "norm", f->k.tokens * f->k.hidden);
    layer_quantise(&f->k, "cast", f->k.tokens * f->k.hidden);
}

static void add_attention(struct filling *f, const struct block *b)
{
    enter(f, b, false);
    f->stage = f->l->prefill ? STAGE_ATTN1 : STAGE_ATTN0;
    add_norm(f);
    if (f->l->prefill) {
        b->type->attention->prefill(&f->k, b->dims);
        return;
    }
    b->decode_type->attention->decode_before(&f->k, b->decode_dims);
    f->stage = STAGE_ATTN1;
    b->decode_type->attention->decode_core(&f->k, b->decode_dims);
}

/* --- networks ----------------------------------------------------------------- */

/* The choice of experts stands behind attention. */
static void add_gate(struct filling *f, const struct block *b)
{
    enter(f, b, false);
    f->stage = STAGE_ATTN1;
    if (b->type->network->gate)
        b->type->network->gate(&f->k, b->dims);
}

/* Without a gate the norm before the network stands here. */
static void add_dense(struct filling *f, const struct block *b)
{
    f->stage = STAGE_DENSE;
    if (!b->type->network->gate)
        layer_norm(&f->k, "norm", f->k.tokens * f->k.hidden);
    b->type->network->own(&f->k, b->dims);
}

/* Experts: of which the slots of a rank have rows[]. */
static void add_routed(struct filling *f, const struct block *b, const double *rows)
{
    enter(f, b, false);
    f->stage = STAGE_MLP;
    b->type->network->routed(&f->k, b->dims, rows, f->l->slots_per_rank);
}

/* Every place with as many rows. */
static void add_average(struct filling *f, const struct block *b)
{
    const struct infer_layout *l = f->l;
    double *rows = ARENA_ARRAY(f->arena, double, l->slots_per_rank);
    for (uint32_t i = 0; i < l->slots_per_rank; i++)
        rows[i] = l->tokens * (double)l->model->experts.top_k * l->ranks / l->routed_slots;
    add_routed(f, b, rows);
}

static void add_fixed(struct filling *f, enum infer_stage stage, double time_s)
{
    *keep(f) = (struct infer_kernel){
        .name = infer_stage_names[stage], .stage = stage, .block = f->block, .fixed = true, .fixed_s = time_s};
}

double infer_issuing_s(const struct infer_layout *l, const struct ep_cost *cost)
{
    double rows = l->tokens * (double)infer_ep_call(l, false).top_k, send_Bps = cost->engine_Bps[EP_SEND];
    return cost->start_s + (infer_stores(cost) && send_Bps > 0 ? rows * cost->token_B / send_Bps : 0);
}

/* What a kernel with hooks does beside the transfer occupies SMs: before (casting, posting, what it stores over NVLink),
 * and after (waiting for the last bytes, moving rows). */
static void add_hooked(struct filling *f)
{
    const struct infer_layout *l = f->l;
    struct ep_exchange x;
    for (int combine = 0; combine < 2; combine++) {
        struct ep_call call = infer_ep_call(l, combine);
        double near = (double)(l->ranks_per_node - 1) / l->ranks * l->tokens * (double)call.top_k;
        ep_exchange_cost(&x, l->kernel, &call);
        double stored_s = infer_stores(&x.cost) ? x.cost.start_s + near * x.cost.token_B / x.cost.nvlink_Bps : 0;
        add_fixed(f, combine ? STAGE_COMBINE_SEND : STAGE_DISPATCH_SEND, fmax(infer_issuing_s(l, &x.cost), stored_s));
        add_fixed(f, combine ? STAGE_COMBINE_RECV : STAGE_DISPATCH_RECV, x.cost.end_s);
    }
}

static void add_experts(struct filling *f, const struct block *b)
{
    enter(f, b, true);
    f->stage = STAGE_SHARED;
    if (f->l->model->experts.shared && !f->l->cfg->shared_replicas)
        b->type->network->own(&f->k, b->dims);
    add_average(f, b);
    if (f->l->hooks)
        add_hooked(f);
    f->stage = STAGE_COMBINE_RECV;
    if (b->type->network->after)
        b->type->network->after(&f->k, b->dims);
}

static void add_network(struct filling *f, const struct block *b)
{
    enter(f, b, false);
    if (b->type->network->experts)
        add_experts(f, b);
    else
        add_dense(f, b);
}

/* --- all of it ------------------------------------------------------------------ */

/* That computation does not count on. A kernel that takes all of them stops it. */
static double sms_held(const struct infer_layout *l)
{
    struct ep_exchange x;
    double most = 0;
    for (int combine = 0; combine < 2; combine++) {
        struct ep_call call = infer_ep_call(l, combine);
        ep_exchange_cost(&x, l->kernel, &call);
        most = fmax(most, x.cost.sms);
    }
    return most < (double)l->hw->chip.sms ? most : 0;
}

/* Kernels without hooks hold SMs while computation runs beside them. */
static double free_sms(const struct infer_layout *l)
{
    return (double)l->hw->chip.sms - (l->kernel && !l->hooks && l->cfg->overlap == OVERLAP_DUAL ? sms_held(l) : 0);
}

static double launch_s(const struct infer_layout *l)
{
    return l->cfg->eager ? hw_launch_s(&l->hw->node.host) : 0;
}

const char *infer_kernels_beside(const struct infer_layout *l, struct arena *arena)
{
    return arena_printf(arena, "gap %a, SMs %a, launch %a", l->cfg->decode.launch_gap_s, free_sms(l), launch_s(l));
}

static struct filling begin(const struct infer_layout *l, const struct kernel_model *model, struct arena *arena,
                            struct infer_kernels *out)
{
    *out = (struct infer_kernels){.model = l->model};
    out->gap_s = l->prefill ? model->cfg.launch_gap_s : l->cfg->decode.launch_gap_s;
    if (l->left_out & PART_GAPS)
        out->gap_s = 0;
    out->sms = free_sms(l);
    out->launch_s = launch_s(l);
    return (struct filling){.k = {.model = l->model,
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
                            .arena = arena,
                            .out = out};
}

/* The head works for all micro-batches at once; of a prompt only the last position needs
 * it. */
static void add_ends(struct filling *f)
{
    double tp = infer_dense_tp(f->l), vocab = (double)f->l->model->vocab / tp, hidden = f->k.hidden,
           tokens = f->k.tokens, own = f->l->micro_batches * (f->l->prefill ? f->l->sequences / f->l->tp : tokens),
           rows = own * tp;
    f->block = NULL;
    f->stage = STAGE_EMBED;
    layer_pass(&f->k, "embedding", KERNEL_COPY, tokens * hidden * layer_bf16_B, tokens * hidden * layer_bf16_B * tp);
    f->stage = STAGE_HEAD;
    layer_norm(&f->k, "norm", own * hidden);
    layer_gemm_bf16(&f->k, "head", fmax(1, rows), vocab, hidden, 1);
    layer_pass(&f->k, "choice of tokens", KERNEL_ELEMENTWISE, rows * vocab * 4, rows * 8);
}

static bool is_of(const struct infer_kernel *k, const struct layer_class *class)
{
    return !k->block || k->block == class->blocks.attention || k->block == class->blocks.network;
}

static void sum_stages(struct infer_kernels *k, struct arena *arena)
{
    const struct model *m = k->model;
    k->stage_s = arena_alloc(arena, m->n_classes * sizeof *k->stage_s);
    k->stage_n = arena_alloc(arena, m->n_classes * sizeof *k->stage_n);
    k->stage_B = arena_alloc(arena, m->n_classes * sizeof *k->stage_B);
    for (uint32_t c = 0; c < m->n_classes; c++)
        for (uint32_t i = 0; i < k->n; i++) {
            const struct infer_kernel *x = &k->list[i];
            if (!is_of(x, &m->class[c]))
                continue;
            k->stage_s[c][x->stage] += x->fixed ? x->fixed_s : x->time.time_s + k->gap_s;
            k->stage_n[c][x->stage]++;
            k->stage_B[c][x->stage] += x->fixed ? 0 : x->time.bytes_B;
        }
    for (uint32_t i = 0; i < k->n; i++) /* rows of an average rank end with the caller's arrays */
        k->list[i].call.rows = NULL;
}

void infer_kernels_fill(const struct infer_layout *l, const struct kernel_model *model, struct arena *arena,
                        struct infer_kernels *out)
{
    struct filling f = begin(l, model, arena, out);
    const struct model *m = l->model;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->type->attention)
            add_attention(&f, m->block[i]);
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->type->network)
            add_gate(&f, m->block[i]);
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (m->block[i]->type->network)
            add_network(&f, m->block[i]);
    add_ends(&f);
    sum_stages(out, arena);
}

double infer_experts_s(const struct infer_layout *l, const struct kernel_model *model, const double *rows)
{
    struct infer_kernels k;
    struct filling f = begin(l, model, NULL, &k);
    f.k.context = f.k.new_tokens = f.k.sequences = 0; /* nothing of experts: points with others share these times */
    add_routed(&f, l->model->routed, rows);
    return f.sum_s;
}

double infer_attention_s(const struct infer_layout *l, const struct kernel_model *model, double context, bool dense)
{
    const struct model *m = l->model;
    double sum_s = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        struct infer_kernels k;
        struct filling f = begin(l, model, NULL, &k);
        struct block b = *m->block[i];
        if (!b.type->attention)
            continue;
        if (dense && b.dense_type) {
            b.decode_type = b.dense_type;
            b.decode_dims = b.dense_dims;
        }
        f.k.context = context;
        add_attention(&f, &b);
        sum_s += f.sum_s * b.layers;
    }
    return sum_s;
}

double infer_stage_s(const struct infer_kernels *k, uint32_t layer, enum infer_stage stage)
{
    return k->stage_s[k->model->class_of[layer]][stage];
}

double infer_launch_s(const struct infer_kernels *k, uint32_t layer, enum infer_stage stage)
{
    return k->stage_n[k->model->class_of[layer]][stage] * k->launch_s;
}

double infer_stage_memory_ratio(const struct infer_kernels *k, const struct cluster_hw *hw, uint32_t layer,
                                enum infer_stage stage)
{
    uint32_t class = k->model->class_of[layer];
    double most_B = k->stage_s[class][stage] * hw->chip.memory_Bps * hw->kernels.pass.copy_ratio;
    return most_B > 0 ? fmin(1, k->stage_B[class][stage] / most_B) : 0;
}

double infer_kernel_layers(const struct infer_kernel *kernel)
{
    return kernel->block ? kernel->block->layers : 1;
}

/* Of one layer; where layers differ, of the mean of those that the stage's commonest kernel is of. */
struct infer_limits infer_stage_limits(const struct infer_kernels *k, enum infer_stage stage)
{
    struct infer_limits b = {{0}, 0, 0, 0};
    double most = 0;
    for (uint32_t i = 0; i < k->n; i++)
        if (k->list[i].stage == stage)
            most = fmax(most, infer_kernel_layers(&k->list[i]));
    for (uint32_t i = 0; i < k->n; i++) {
        const struct infer_kernel *kernel = &k->list[i];
        if (kernel->stage != stage)
            continue;
        double share = infer_kernel_layers(kernel) / most;
        double time_s = share * (kernel->fixed ? kernel->fixed_s : kernel->time.time_s);
        for (int l = 0; l < KERNEL_LIMITS; l++)
            b.limit_s[l] += time_s * (kernel->fixed ? l == KERNEL_BY_LATENCY : kernel->gains.of[l]);
        b.gap_s += kernel->fixed ? 0 : share * k->gap_s;
        b.table_s += !kernel->fixed && kernel->time.origin != KERNEL_FROM_ROOFLINE ? time_s : 0;
        b.all_s += time_s;
    }
    return b;
}

void infer_kernels_origins(const struct infer_kernels *k, struct kernel_origins *to)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const struct infer_kernel *one = &k->list[i];
        if (!one->fixed)
            kernel_origins_add(to, &one->call, &one->time, infer_kernel_layers(one) * one->time.time_s);
    }
}
