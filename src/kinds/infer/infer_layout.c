/* Layouts: attention is data parallel over groups of tp GPUs (paper 2.3.1; DeepSeek-V3
 * report 3.4), experts lie in equal numbers on all GPUs. Dense and shared networks,
 * embedding and head are on every GPU, for its own tokens ("1-way TP", report 3.4.1).
 * Of a model without experts a group divides everything but the norms, as Megatron-LM does
 * with sequence parallelism (Korthikanti et al., 2022).
 *
 * Memory of a GPU: weights, KV cache, buffers of DeepEP's low-latency kernels,
 * activations of one micro-batch at their widest, a reserve. MLA's cache is one vector
 * that all heads read, so tensor parallelism does not divide it. Left out: paging's
 * rounding, buffers of the normal kernels. */
#include "kinds/infer/infer_layout.h"

#include <math.h>

#include "models/comm/ep_exchange.h"
#include "models/llm/blocks/block.h"
#include "models/routing/moe_routing.h"

struct checking {
    struct arena *arena;
    struct infer_misfit *out;
    uint32_t n;
};

#define MISFIT(c, where, ...) \
    do { \
        if ((c)->n < INFER_MAX_MISFITS) \
            (c)->out[(c)->n++] = (struct infer_misfit){where, arena_printf((c)->arena, __VA_ARGS__)}; \
    } while (0)

uint32_t infer_dense_tp(const struct infer_layout *l)
{
    return l->model->experts.routed ? 1 : l->tp;
}

/* --- what fits together ------------------------------------------------------- */

static void check_attention(struct checking *c, const struct infer_layout *l)
{
    const struct model *m = l->model;
    int64_t heads = model_undivided_heads(m, l->tp);
    if (heads)
        MISFIT(c, "inference.tp", "%u GPUs cannot divide %lld heads (llm.attention.heads) evenly", l->tp,
               (long long)heads);
    if (l->ranks_per_node % l->tp)
        MISFIT(c, "inference.tp",
               "groups of %u GPUs do not divide a node of %u (cluster.node.gpus); tensor "
               "parallelism stays inside a node",
               l->tp, l->ranks_per_node);
}

static void check_slots(struct checking *c, const struct infer_layout *l)
{
    int64_t redundant = l->expert_load->redundant;
    uint32_t missing = l->ranks - l->slots % l->ranks;
    if (l->slots % l->ranks)
        MISFIT(c, "expert_load.redundant",
               "%lld routed experts, %lld redundant and %lld shared ones need %u "
               "places, which do not divide "
               "among %u GPUs; with expert_load.redundant: %lld they would",
               (long long)l->model->experts.routed, (long long)redundant, (long long)l->cfg->shared_replicas, l->slots,
               l->ranks, (long long)redundant + missing);
    else if (l->slots_per_rank > INFER_MAX_EXPERTS)
        MISFIT(
            c, "llm.moe.routed",
            "a GPU would hold %u experts of a layer (%u places on %u GPUs); at most %d are simulated: give more nodes "
            "(cluster.nodes) or fewer experts",
            l->slots_per_rank, l->slots, l->ranks, INFER_MAX_EXPERTS);
    else if (l->routed_slots % l->slots_per_rank)
        MISFIT(c, "inference.shared_replicas",
               "%lld places of shared experts leave a GPU with routed and shared ones; "
               "give a multiple of the "
               "%u places of a GPU",
               (long long)l->cfg->shared_replicas, l->slots_per_rank);
}

/* Places in order keep groups together as long as nothing stands between them; EPLB's
 * hierarchical placement does so with copies, too. */
static void check_groups(struct checking *c, const struct infer_layout *l)
{
    uint32_t groups = (uint32_t)l->model->experts.groups;
    bool copies = l->expert_load->redundant > 0;
    if (groups % l->n_nodes || l->slots_per_rank * l->ranks != l->slots)
        MISFIT(c, "inference.node_limited",
               "%u groups of experts (llm.moe.groups) do not divide among %u nodes, so "
               "that "
               "some group lies on two of them; give a number of nodes that divides %u",
               groups, l->n_nodes, groups);
    else if (copies && l->expert_load->balance != BALANCE_EPLB)
        MISFIT(c, "inference.node_limited",
               "copies of experts lie behind all others, on nodes of other groups; write "
               "'expert_load.balance: eplb', which keeps groups on nodes");
}

static void check_experts(struct checking *c, const struct infer_layout *l)
{
    const struct expert_facts *m = &l->model->experts;
    if (!l->model->experts_alike)
        MISFIT(c, "llm.network_pattern",
               "layers have different experts, and steps are computed for layers whose "
               "number, choice and width of experts are the same");
    if (l->cfg->shared_replicas && m->shared != 1)
        MISFIT(c, "inference.shared_replicas", "the model has %lld shared experts; one can have places of its own",
               (long long)m->shared);
    if (m->groups > ROUTING_MAX_GROUPS || m->top_k > ROUTING_MAX_TOPK)
        MISFIT(c, "llm.moe.groups", "at most %d groups and %d experts of a token can be sampled", ROUTING_MAX_GROUPS,
               ROUTING_MAX_TOPK);
    check_slots(c, l);
    if (l->cfg->node_limited)
        check_groups(c, l);
}

struct ep_call infer_ep_call(const struct infer_layout *l, bool combine)
{
    const struct hw_ep_kernel *k = &l->hw->ep_kernel;
    return (struct ep_call){.hw = l->hw,
                            .traffic = &l->typical,
                            .phase = combine ? EP_COMBINE : EP_DISPATCH,
                            .tokens = l->tokens,
                            .hidden = l->model->experts.width,
                            .top_k = l->model->experts.top_k + (l->cfg->shared_replicas ? 1 : 0),
                            .experts = l->slots,
                            .sms = (double)k->sms,
                            .format = combine ? k->combine_format : k->dispatch_format,
                            .choices = !combine,
                            .loopback = l->cfg->loopback};
}

static void check_kernel(struct checking *c, const struct infer_layout *l)
{
    char why[300];
    for (int combine = 0; combine < 2; combine++) {
        struct ep_call call = infer_ep_call(l, combine);
        if (!c->n && ep_misfit(l->kernel, &call, why, sizeof why))
            MISFIT(c, "cluster.ep_kernel.kernel", "%s: %s", l->kernel->name, why);
    }
    if (l->cfg->loopback && !l->kernel->loops)
        MISFIT(c, "inference.loopback",
               "%s uses NVLink inside a node; leave it out, or write 'cluster.ep_kernel.kernel: "
               "deepep_low_latency_2025_02', which can do without",
               l->kernel->name);
}

/* What does not fit is found by check_kernel. */
static void choose_kernel(struct infer_layout *l, struct arena *arena)
{
    struct ep_exchange dispatch;
    char why[300];
    struct ep_group group = {.ranks = l->ranks, .gpus_per_node = l->ranks_per_node};
    struct ep_choices choices = {.experts = l->slots, .top_k = l->model->experts.top_k, .tokens = l->tokens};
    l->kernel = ep_kernel_of(&l->hw->ep_kernel, !l->prefill);
    if (l->slots < l->ranks)
        return;
    ep_traffic_means(&group, &choices, arena, &l->typical);
    struct ep_call call = infer_ep_call(l, false);
    if (l->kernel->misfit && l->kernel->misfit(&call, why, sizeof why))
        return;
    ep_exchange_cost(&dispatch, l->kernel, &call);
    l->hooks = dispatch.cost.hooks;
}

/* A model without experts exchanges no tokens. */
static void check_dense(struct checking *c, const struct infer_layout *l)
{
    const char *name = l->model->name;
    int64_t width = model_undivided_width(l->model, l->tp);
    if (width)
        MISFIT(c, "inference.tp", "%u GPUs cannot divide a network of %lld (llm.dense_ffn) evenly", l->tp,
               (long long)width);
    if (l->cfg->overlap != OVERLAP_NONE)
        MISFIT(c, "inference.overlap",
               "'%s' has no experts whose exchanges could be hidden; write 'inference.overlap: none'", name);
    if (l->expert_load->redundant)
        MISFIT(c, "expert_load.redundant", "'%s' has no experts to copy; leave it out", name);
    if (l->cfg->shared_replicas)
        MISFIT(c, "inference.shared_replicas", "'%s' has no experts to copy; leave it out", name);
    if (l->cfg->node_limited)
        MISFIT(c, "inference.node_limited", "'%s' has no experts that could lie together; leave it out", name);
    if (l->cfg->simulate_layers)
        MISFIT(c, "inference.simulate_layers", "it counts layers with experts, and '%s' has none; leave it out", name);
}

static void check_decode(struct checking *c, const struct infer_layout *l)
{
    const struct infer_decode_cfg *d = &l->cfg->decode;
    if (d->batch % l->micro_batches)
        MISFIT(c, "inference.decode.batch",
               "%lld sequences do not divide into two micro-batches; write an even "
               "number or "
               "'inference.overlap: none'",
               (long long)d->batch);
}

static void check_prefill(struct checking *c, const struct infer_layout *l)
{
    const struct infer_prefill_cfg *p = &l->cfg->prefill;
    double group = (double)(p->tokens * l->tp), prompts = group / l->new_tokens;
    if (p->tokens % l->micro_batches)
        MISFIT(c, "inference.prefill.tokens",
               "%lld positions do not divide into two micro-batches; write an even "
               "number or "
               "'inference.overlap: none'",
               (long long)p->tokens);
    if (prompts < 1 || fabs(prompts - round(prompts)) > 1e-9)
        MISFIT(c, "inference.prefill.tokens",
               "%lld positions on each of %u GPUs are %.4g prompts of %.0f new "
               "positions; give a multiple, "
               "for example %.0f",
               (long long)p->tokens, l->tp, prompts, l->new_tokens, fmax(1, round(prompts)) * l->new_tokens / l->tp);
}

/* --- layout ------------------------------------------------------------------- */

static void lay_tokens(struct infer_layout *l)
{
    const struct infer_cfg *cfg = l->cfg;
    double parts = l->micro_batches;
    if (l->prefill) {
        double cached = round((double)cfg->prefill.prompt * cfg->prefill.cached_ratio);
        l->new_tokens = (double)cfg->prefill.prompt - cached;
        l->context = cached;
        l->tokens = (double)cfg->prefill.tokens / parts;
    } else {
        l->new_tokens = 1 + (double)cfg->decode.extra_tokens;
        l->context = (double)cfg->decode.context;
        l->tokens = (double)cfg->decode.batch * l->new_tokens / parts;
    }
    l->sequences = l->tokens * l->tp / l->new_tokens;
}

static void count_slots(struct infer_layout *l)
{
    l->routed_slots = (uint32_t)(l->model->experts.routed + l->expert_load->redundant);
    l->slots = l->routed_slots + (uint32_t)l->cfg->shared_replicas;
    l->slots_per_rank = l->slots / l->ranks;
}

uint32_t infer_lay_out(const struct infer_given *given, bool prefill, int64_t nodes, struct arena *arena,
                       struct infer_layout *out, struct infer_misfit misfits[INFER_MAX_MISFITS])
{
    struct checking c = {arena, misfits, 0};
    *out = (struct infer_layout){.model = given->model,
                                 .hw = given->hw,
                                 .cfg = given->cfg,
                                 .expert_load = given->expert_load,
                                 .load_rows = given->load_rows,
                                 .left_out = given->left_out,
                                 .prefill = prefill,
                                 .ranks_per_node = (uint32_t)given->hw->node.gpus,
                                 .n_nodes = (uint32_t)nodes,
                                 .tp = (uint32_t)given->cfg->tp,
                                 .micro_batches = given->cfg->overlap == OVERLAP_DUAL ? 2 : 1};
    out->ranks = out->n_nodes * out->ranks_per_node;
    count_slots(out);
    lay_tokens(out);
    check_attention(&c, out);
    if (given->model->experts.routed)
        choose_kernel(out, arena);
    if (given->model->experts.routed)
        check_experts(&c, out);
    else
        check_dense(&c, out);
    if (prefill)
        check_prefill(&c, out);
    else
        check_decode(&c, out);
    if (given->model->experts.routed && !c.n)
        check_kernel(&c, out);
    return c.n;
}

/* --- memory ------------------------------------------------------------------- */

/* What layers' blocks store in precisions of their own. MTP modules' rest is small. */
static double extra_B(const struct infer_layout *l)
{
    const struct model *m = l->model;
    double sum = 0;
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const struct block *b = m->block[i];
        const struct block_weights w = block_weigh(m, b);
        double one = b->type->attention          ? b->type->attention->rank_params(m, b->dims, l->tp)
                     : b->type->network->experts ? w.params - w.routed - w.other
                                                 : w.params / infer_dense_tp(l);
        sum += b->layers * block_extra_B(m, b, w.routed > 0 ? l->slots_per_rank * m->experts.params : 0, one);
    }
    return sum;
}

static double weights_B(const struct infer_layout *l)
{
    const struct model *m = l->model;
    struct model_params p = model_params(m);
    double expert = m->experts.params, sparse = model_sparse_layers(m);
    double divided = (p.embedding + p.head + p.dense_ffn) / infer_dense_tp(l),
           other = p.other - (p.embedding + p.head) * (1 - 1.0 / infer_dense_tp(l));
    double on_every = divided + p.norms + p.shared_experts_and_router;
    if (l->cfg->shared_replicas)
        on_every -= sparse * (double)m->experts.shared * expert;
    if (l->cfg->decode.extra_tokens) { /* the MTP modules that guess; their experts lie
                                          like all others */
        on_every += p.mtp - (double)(m->mtp_layers * m->experts.routed) * expert +
                    (double)m->mtp_layers * l->slots_per_rank * expert;
        other += p.mtp_other;
    }
    return model_stored_B(m, on_every + model_attention_per_gpu(m, l->tp) + sparse * l->slots_per_rank * expert,
                          other) +
           extra_B(l);
}

/* Bytes of a sequence's cache on one GPU of its group, times the group's GPUs: a GPU
 * holds `tp` times as many sequences as it has of its own; only grouped heads are
 * divided. */
static double kv_of_sequence_B(const struct infer_layout *l, double positions)
{
    return model_cache_rank_B(l->model, positions, l->tp) * l->tp;
}

/* DeepEP csrc/config.hpp, LowLatencyLayout: two send and two receive buffers, each with
 * room for every token at every expert; a slot of the first holds a combine's message,
 * of the second a dispatch's in BF16. */
static double ll_buffers_B(const struct infer_layout *l, double tokens)
{
    double width_B = 2 * (double)l->model->experts.width, combine_B = width_B, dispatch_B = 16 + width_B;
    return 2 * l->slots * tokens * (combine_B + dispatch_B);
}

/* Numbers of a token that attention has at once, of all heads. */
static double attention_live(const struct infer_layout *l)
{
    double most = 0;
    for (uint32_t i = 0; i < l->model->n_blocks; i++) {
        const struct block *b = l->model->block[i];
        if (b->type->attention)
            most = fmax(most, b->type->attention->live(b->dims, l->prefill));
    }
    return most;
}

/* Bytes of a row of experts, or of a divided dense network. */
static double row_B(const struct infer_layout *l)
{
    double most_B = 0;
    for (uint32_t i = 0; i < l->model->n_blocks; i++) {
        const struct block *b = l->model->block[i];
        if (b->type->network && (!l->model->experts.routed || b->type->network->experts))
            most_B = fmax(most_B, b->type->network->row_B(l->model, b->dims, l->tp));
    }
    return most_B;
}

/* Live at once in the widest places: attention (queries and outputs in the latent
 * space), experts or a divided dense network (what came, gate and up, their product, what
 * goes back), logits; the residual stream of all micro-batches. */
static double activations_B(const struct infer_layout *l, double tokens)
{
    const struct model *m = l->model;
    double attention = tokens * l->tp * (attention_live(l) / l->tp) * 2;
    double rows = l->prefill ? tokens * (double)m->experts.top_k : l->slots_per_rank * l->ranks * tokens;
    if (!m->experts.routed)
        rows = tokens * l->tp;
    double logits = l->prefill ? 0 : tokens * (double)m->vocab * 4;
    return fmax(fmax(attention, rows * row_B(l)), logits) + l->micro_batches * tokens * (double)m->hidden * 2 * 2;
}

/* Everything that grows with the batch, for `tokens` per rank and micro-batch. */
static void fill(const struct infer_layout *l, double tokens, struct infer_memory *out)
{
    double sequences = tokens * l->micro_batches / l->new_tokens;
    out->kv_B = sequences * kv_of_sequence_B(l, l->context + l->new_tokens);
    out->buffers_B = l->kernel && l->kernel->latency ? ll_buffers_B(l, tokens) : 0;
    out->activations_B = activations_B(l, tokens);
}

struct infer_memory infer_memory(const struct infer_layout *l)
{
    struct infer_memory m = {.capacity_B = l->hw->chip.memory_B, .weights_B = weights_B(l)};
    m.reserve_B = m.capacity_B * l->cfg->reserve_ratio;
    fill(l, l->tokens, &m);
    m.total_B = m.weights_B + m.kv_B + m.buffers_B + m.activations_B + m.reserve_B;
    /* all of it is proportional to the tokens */
    double sequences = l->tokens * l->micro_batches / l->new_tokens;
    m.per_sequence_B = (m.kv_B + m.buffers_B + m.activations_B) / sequences;
    double left = fmax(0, m.capacity_B - m.reserve_B - m.weights_B) / m.per_sequence_B / l->micro_batches;
    m.largest_batch = (int64_t)floor(left) * l->micro_batches * (l->prefill ? (int64_t)l->new_tokens : 1);
    return m;
}
