/* From the keys of a training step to what is simulated. */
#include "base/data_find.h"
#include "kinds/train/train_placement.h"
#include "kinds/train/train_plan.h"
#include "kinds/train/train_recipe.h"

#include <math.h>
#include <string.h>

#include "io/inputs/kernel_table_file.h"
#include "io/trace/trace_file.h"
#include "models/chunk/chunk_kernels.h"
#include "kinds/recorded_gpu.h"
#include "models/chunk/chunk_trace.h"
#include "models/comm/deepep.h"
#include "models/comm/wire_format.h"
#include "io/hardware.h"
#include "kinds/lists.h"
#include "topology/faults.h"

typedef long long ll;

/* --- what the keys say ---------------------------------------------------------------------------------------- */

/* The layout as far as the keys give it, without stages. */
static struct train_layout layout_of(const struct scenario *s)
{
    const struct train_cfg *c = train_cfg(s);
    struct train_layout l = {.model = &s->llm, .cfg = c, .schedule = schedule_find(c->schedule)};
    l.gpus_per_node = (uint32_t)(c->placement.gpus_of_node ? c->placement.gpus_of_node : s->cluster.node.gpus);
    l.gpus = (uint32_t)s->cluster.nodes * l.gpus_per_node;
    l.ranks = (uint32_t)c->pp;
    l.tp = (uint32_t)c->tp;
    l.cp = (uint32_t)c->cp;
    l.ep = (uint32_t)c->ep;
    l.etp = (uint32_t)c->etp;
    l.group = l.ep * l.etp > l.tp * l.cp ? l.ep * l.etp : l.tp * l.cp;
    l.columns = l.gpus / (l.ranks * l.group);
    if (l.columns)
        l.micro_batches = (uint32_t)(c->sequences / (c->micro_batch * train_replicas(&l)));
    if (l.schedule) {
        struct schedule_shape shape =
            schedule_shape_of(l.schedule, l.ranks, l.micro_batches, (uint32_t)c->virtual_stages);
        l.modules = shape.modules;
        l.n_stages = schedule_stages(l.schedule, &shape);
    }
    return l;
}

static void check_gpus(const struct scenario_file *file, const struct train_layout *l, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    uint32_t node = l->gpus_per_node;
    if (node > s->cluster.node.gpus)
        REPORT("train.placement.gpus_of_node", "a node has %lld GPUs (cluster.node.gpus), not %u",
               (ll)s->cluster.node.gpus, node);
    else if (l->group % (l->tp * l->cp) || l->group % (l->ep * l->etp))
        REPORT(
            "train.tp",
            "%u GPUs that share a micro-batch (train.tp * train.cp) and %u that share experts (train.ep * train.etp) "
            "do not fit together: one number must divide the other",
            l->tp * l->cp, l->ep * l->etp);
    else if (l->gpus % l->ranks)
        REPORT("train.pp", "%u GPUs (%lld nodes of %u) do not divide among %u pipeline ranks", l->gpus,
               (ll)s->cluster.nodes, node, l->ranks);
    else if (l->gpus / l->ranks % l->group)
        REPORT("train.ep", "the %u GPUs of a pipeline rank (%u GPUs / %u ranks) do not divide into groups of %u",
               l->gpus / l->ranks, l->gpus, l->ranks, l->group);
    else if (l->group % node && node % l->group)
        REPORT("train.ep",
               "a group of %u GPUs is neither whole nodes nor a part of one (%u GPUs, "
               "cluster.node.gpus)",
               l->group, node);
}

static void check_experts(const struct scenario_file *file, const struct train_layout *l, struct diag *diag)
{
    const struct model *m = l->model;
    uint32_t nodes = l->group > l->gpus_per_node ? l->group / l->gpus_per_node : 1;
    if (!m->experts.routed) {
        if (l->ep * l->etp > 1)
            REPORT(l->ep > 1 ? "train.ep" : "train.etp",
                   "a dense model has no experts to divide among %u GPUs; write 1", l->ep * l->etp);
        return;
    }
    kind_check_sets(file, nodes, diag);
    if (m->experts.routed % l->group)
        REPORT("train.ep", "%lld experts (llm.moe.routed) do not divide among %u GPUs", (ll)m->experts.routed,
               l->group);
    else if (m->experts.groups % nodes && nodes % m->experts.groups)
        REPORT("train.ep",
               "%lld groups of experts (llm.moe.groups) on %u nodes would be cut apart: one number must "
               "divide the other",
               (ll)m->experts.groups, nodes);
    if (m->experts.top_k > ROUTING_MAX_TOPK || m->experts.groups > ROUTING_MAX_GROUPS)
        REPORT("llm.moe", "routing is sampled for at most %d experts of a token and %d groups", ROUTING_MAX_TOPK,
               ROUTING_MAX_GROUPS);
}

static void check_batch(const struct scenario_file *file, const struct train_layout *l, struct diag *diag)
{
    const struct train_cfg *c = l->cfg;
    uint32_t replicas = train_replicas(l);
    char why[256];
    if (c->sequences % ((int64_t)replicas * c->micro_batch)) {
        REPORT("train.sequences",
               "%lld sequences do not divide into micro-batches of %lld for %u pipelines (%u GPUs / "
               "%u ranks)",
               (ll)c->sequences, (ll)c->micro_batch, replicas, l->gpus, l->ranks);
        return;
    }
    struct schedule_shape shape = train_shape(l);
    const char *misfit = l->schedule->misfit(&shape, why, sizeof why);
    if (misfit)
        REPORT("train.schedule", "%s (%lld sequences / %u pipelines / %lld of a micro-batch)", misfit, (ll)c->sequences,
               replicas, (ll)c->micro_batch);
}

/* Counts given by hand; NULL when the key is empty or wrong. */
static uint32_t *stage_counts(const struct scenario_file *file, const struct train_layout *l, struct arena *arena,
                              struct diag *diag)
{
    uint32_t *counts, n, sum = 0;
    if (!*l->cfg->layers || list_counts(file, "train.layers", l->cfg->layers, arena, &counts, &n, diag))
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        sum += counts[i];
    if (n != l->n_stages || sum != (uint64_t)l->model->layers) {
        REPORT("train.layers",
               "these are %u layers on %u stages; there are %lld layers (llm.layers) and %u stages; leave it empty "
               "('') to have them dealt",
               sum, n, (ll)l->model->layers, l->n_stages);
        return NULL;
    }
    return counts;
}

/* Layers given as Megatron-LM does; no stages when the key is empty or wrong. */
static struct stage_letters stage_letters(const struct scenario_file *file, const struct train_layout *l,
                                          struct arena *arena, struct diag *diag)
{
    struct stage_letters letters = {0};
    if (!*l->cfg->layout)
        return letters;
    if (*l->cfg->layers)
        REPORT("train.layout", "train.layers deals the layers, too; leave one of them out");
    const char *why = stage_letters_read(l->cfg->layout, arena, &letters);
    if (!why)
        why = stage_letters_misfit(&letters, (uint32_t)l->model->layers, (uint32_t)l->model->mtp_layers, l->n_stages,
                                   arena);
    if (why)
        REPORT("train.layout", "%s", why);
    return why ? (struct stage_letters){0} : letters;
}

static bool check_schedule(const struct scenario_file *file, const struct train_layout *l, struct arena *arena,
                           struct diag *diag)
{
    const char *names[64] = {0};
    uint32_t n = 0;
    if (!l->schedule) {
        for (const struct schedule_type *const *t = schedule_all(); *t; t++)
            names[n++] = (*t)->name;
        report_unknown(diag, EXIT_BAD_INPUT, scenario_place(file, "train.schedule"), "schedule", l->cfg->schedule,
                       names, arena);
        return false;
    }
    if (!l->schedule->modules != (l->cfg->virtual_stages > 1)) {
        if (l->schedule->modules)
            REPORT("train.virtual_stages", "schedule %s has %u stage%s on a rank; write 'schedule: interleaved'",
                   l->schedule->name, l->schedule->modules, l->schedule->modules > 1 ? "s" : "");
        else
            REPORT("train.virtual_stages", "schedule %s interleaves stages of a rank; write how many, at least 2",
                   l->schedule->name);
        return false;
    }
    if (l->n_stages > (uint64_t)l->model->layers) {
        REPORT("train.pp", "%u pipeline stages are more than the %lld layers of the model", l->n_stages,
               (ll)l->model->layers);
        return false;
    }
    return true;
}

static void check_trace(const struct scenario_file *file, const struct train_layout *l, struct arena *arena,
                        struct diag *diag)
{
    const struct train_chunks_cfg *c = &l->cfg->chunks;
    if (!*c->trace)
        REPORT("train", "chunks of a trace need one; write for example 'chunks: {trace: "
                        "traces/deepseek_v3_train.trace.json}' ('moesim list traces' lists those that are shipped)");
    else
        data_need(c->trace, file->path, scenario_place(file, "train.chunks.trace"),
                  "'moesim list traces' lists those that are shipped", arena, diag);
    if (!l->model->experts.routed)
        REPORT("train.chunks.source",
               "the trace is of layers with experts; a dense model's cannot be cut from it; write "
               "'source: kernels'");
}

static void check_source(const struct scenario_file *file, const struct train_layout *l, struct arena *arena,
                         struct diag *diag)
{
    const char *lacks = material_from_kernels_lacks(l->model);
    if (l->cfg->chunks.source == CHUNKS_TRACE)
        check_trace(file, l, arena, diag);
    else if (lacks)
        REPORT("llm", "chunks from the kernel model lack llm.%s", lacks);
}

static uint32_t *gpus_list(const struct train_layout *l, struct arena *arena)
{
    uint32_t *gpus = ARENA_ARRAY(arena, uint32_t, 1);
    gpus[0] = l->gpus;
    return gpus;
}

static void check_margin(const struct scenario_file *file, const char *key, int64_t margin, struct diag *diag)
{
    int64_t sms = file->scenario->cluster.chip.sms;
    if (margin >= sms)
        REPORT(key,
               "%lld SMs are left to communication, of the %lld that there are (cluster.chip.sms): nothing is left to "
               "compute",
               (ll)margin, (ll)sms);
}

static void check_parallel(const struct scenario_file *file, const struct train_layout *l, struct diag *diag)
{
    const struct model *m = l->model;
    if (l->cfg->chunks.source == CHUNKS_TRACE && l->cfg->host.launch == LAUNCH_EAGER)
        REPORT("train.host.launch", "gaps between a trace's kernels are in it; write 'source: kernels'");
    if (l->cfg->chunks.source == CHUNKS_TRACE && l->tp * l->cp * l->etp > 1)
        REPORT("train.tp", "kernels of a trace are those of whole layers; write 'source: kernels'");
    check_margin(file, "train.gemm_margin", l->cfg->gemm_margin, diag);
    check_margin(file, "train.attention_margin", l->cfg->attention_margin, diag);
    if (model_undivided_heads(m, l->tp) || model_undivided_width(m, l->tp))
        REPORT("train.tp", "%lld heads or %lld channels of a network do not divide among %u GPUs",
               (ll)model_undivided_heads(m, l->tp), (ll)model_undivided_width(m, l->tp), l->tp);
    if (l->cfg->sequence % ((int64_t)l->tp * l->cp))
        REPORT("train.sequence", "%lld tokens do not divide among train.tp * train.cp = %u GPUs", (ll)l->cfg->sequence,
               l->tp * l->cp);
    if (l->schedule->both_directions &&
        (l->cfg->data_parallel.reduce != REDUCE_END || l->cfg->data_parallel.gather != GATHER_END ||
         l->cfg->host.step_s + l->cfg->host.graph_node_s > 0))
        REPORT(
            "train.data_parallel",
            "schedule %s has every stage on two pipeline ranks; its gradients and parameters are exchanged at the end "
            "of the step only",
            l->schedule->name);
    if (l->cfg->data_parallel.algorithm == DP_HIERARCHICAL && *l->cfg->placement.file)
        REPORT("train.data_parallel.algorithm",
               "rings of nodes and over nodes want as many of a group on each; with places from a file write 'ring'");
    if (l->etp > 1 && (m->experts.ffn % l->etp || !l->recipe.fused))
        REPORT("train.etp",
               m->experts.ffn % l->etp ? "%lld channels of an expert do not divide among %u"
                                       : "%lld channels of an expert are divided by 'software: megatron' only",
               (ll)m->experts.ffn, l->etp);
}

/* NULL: that of DeepSeek-V3's training, as chunks have it themselves (models/chunk). */
static const struct ep_kernel_type *exchange_kernel(const struct scenario *s)
{
    const struct hw_ep_kernel *hw = &s->cluster.ep_kernel;
    bool named = strcmp(hw->kernel, "auto") != 0, recorded = train_cfg(s)->chunks.source == CHUNKS_TRACE;
    const struct ep_kernel_type *k = ep_kernel_of(hw, false);
    bool own = !named && (recorded || !strcmp(k->name, "deepep_normal_2025_02"));
    return s->llm.experts.routed && !own ? k : NULL;
}

static void check_format(const struct scenario_file *file, const char *key, const char *format, struct diag *diag)
{
    char why[256];
    if (wire_name_check(format, why, sizeof why))
        REPORT(key, "%s", why);
}

static void check_exchange(const struct scenario_file *file, const struct train_layout *l, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    const struct ep_kernel_type *k = exchange_kernel(s);
    uint32_t node = (uint32_t)s->cluster.node.gpus, nodes = (l->group + node - 1) / node;
    char why[256];
    check_format(file, "train.exchange.dispatch", l->cfg->exchange.dispatch, diag);
    check_format(file, "train.exchange.combine", l->cfg->exchange.combine, diag);
    if (!k)
        return;
    if (k->latency || l->cfg->chunks.source == CHUNKS_TRACE) {
        REPORT("cluster.ep_kernel.kernel",
               k->latency ? "%s is for few tokens, not for training"
                          : "%s: kernels of a trace are as they were recorded; "
                            "write 'auto', or 'source: kernels'",
               k->name);
        return;
    }
    struct ep_traffic traffic = {.group = {l->group, 0, node}, .nodes = nodes, .per_node = l->group / nodes};
    struct ep_call call = {.hw = &s->cluster,
                           .traffic = &traffic,
                           .hidden = s->llm.experts.width,
                           .top_k = s->llm.experts.top_k,
                           .experts = s->llm.experts.routed,
                           .sms = (double)s->cluster.ep_kernel.sms,
                           .format = l->cfg->exchange.dispatch};
    const char *misfit = ep_misfit(k, &call, why, sizeof why);
    if (misfit)
        REPORT("cluster.ep_kernel.kernel", "%s: %s", k->name, misfit);
}

void train_plan_check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct train_layout l = layout_of(file->scenario);
    size_t before = diag_count(diag);
    const char **networks;
    uint32_t n;
    if (!check_schedule(file, &l, arena, diag))
        return;
    check_gpus(file, &l, diag);
    check_experts(file, &l, diag);
    if (diag_count(diag) == before)
        check_batch(file, &l, diag);
    if (l.cfg->rank >= (int64_t)l.ranks)
        REPORT("train.rank", "there is no pipeline rank %lld; ranks are 0 to %u (train.pp), or -1 for their mean",
               (ll)l.cfg->rank, l.ranks - 1);
    stage_counts(file, &l, arena, diag);
    stage_letters(file, &l, arena, diag);
    l.recipe = train_recipe_of(file, arena, diag);
    check_source(file, &l, arena, diag);
    check_parallel(file, &l, diag);
    if (diag_count(diag) == before)
        check_exchange(file, &l, diag);
    list_topologies(file, "train.topologies", l.cfg->topologies, gpus_list(&l, arena), 1, arena, &networks, &n, diag);
    if (diag_count(diag) == before)
        train_place(&l, file, arena, diag);
    const struct hw_faults *faults = &file->scenario->cluster.faults;
    if (*faults->down && (faults->at_s > 0 || faults->lasts_s > 0))
        REPORT(faults->at_s > 0 ? "cluster.faults.at" : "cluster.faults.lasts",
               "kind train_step simulates parts of a step apart, each from its start: what is down is so all the time; "
               "leave it out");
}

/* --- material ----------------------------------------------------------------------------------------------------- */

static void check_recorded(const struct train_plan *p, const char *what, const char *key, int64_t is, int64_t was,
                           struct diag *diag)
{
    if (was > 0 && is != was)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(p->file, key),
                   "%s is %lld but the trace %s was recorded with %lld; its kernel times hold for that only", what,
                   (ll)is, p->layout.cfg->chunks.trace, (ll)was);
}

static bool has_all_parts(const struct chunk_material *m)
{
    bool seen[N_CHUNK_PARTS] = {false};
    for (uint32_t i = 0; i < m->program.n_kernels; i++)
        seen[m->program.kernels[i].phase] |= m->program.kernels[i].layer > 0;
    for (int p = 0; p < PART_OTHER_F; p++)
        if (!seen[p])
            return false;
    return true;
}

static bool is_exchange(const struct chunk_kernel *k)
{
    return k->phase == PART_COMBINE_B || k->phase == PART_DISPATCH_F || k->phase == PART_DISPATCH_B ||
           k->phase == PART_COMBINE_F;
}

static double computed_s(const struct chunk_program *program)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < program->n_kernels; i++)
        sum_s += is_exchange(&program->kernels[i]) ? 0 : program->kernels[i].work_s;
    return sum_s;
}

static int read_trace(struct train_plan *p, struct arena *arena, struct diag *diag)
{
    const struct train_chunks_cfg *c = &p->layout.cfg->chunks;
    const struct model *m = p->layout.model;
    struct trace *t = trace_read(data_find(c->trace, p->file->path, arena), arena, diag);
    size_t before = diag_count(diag);
    if (!t)
        return -1;
    check_recorded(p, "llm.hidden", "llm.hidden", m->hidden, t->hidden, diag);
    check_recorded(p, "llm.moe.routed", "llm.moe.routed", m->experts.routed, t->experts, diag);
    check_recorded(p, "llm.moe.top_k", "llm.moe.top_k", m->experts.top_k, t->experts_per_token, diag);
    check_recorded(p, "a micro-batch (train.sequence * train.micro_batch)", "train.sequence",
                   (int64_t)train_tokens(&p->layout), t->seq_len, diag);
    if (diag_count(diag) > before)
        return -1;
    struct cluster_hw *group = ARENA_NEW(arena, struct cluster_hw);
    *group = p->scenario->cluster; /* loads in the trace are padded by as many experts as it had on a GPU */
    group->nodes = (t->ep ? t->ep : (int64_t)p->layout.group) / group->node.gpus;
    if (chunk_trace_check(t, c->trace, diag))
        return -1;
    struct recorded_gpu gpu;
    if (recorded_gpu_find(p->file, t, &c->recorded_on, arena, &gpu, diag))
        return -1;
    if (!recorded_gpu_known(&gpu) || t->sms < 1) {
        recorded_gpu_refuse(p->file, t, "train.chunks.recorded_on", "", diag);
        return -1;
    }
    struct recording recording = {.on = gpu.on, .routing = p->routing};
    material_from_trace(t, &recording, group, m, arena, &p->material);
    p->moved = recorded_gpu_moved(p->file, t, &gpu, arena);
    if (p->moved)
        kernel_origins_add_recorded(p->origins, t->device, computed_s(&p->material.program));
    if (!has_all_parts(&p->material)) {
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(p->file, "train.chunks.trace"),
                   "%s is no pair of a forward and a backward chunk: it lacks parts such as attn(F) and mlp(W)",
                   c->trace);
        return -1;
    }
    return 0;
}

static double sms_left(const struct train_plan *p, int64_t margin)
{
    const struct cluster_hw *hw = &p->scenario->cluster;
    return margin < 0 ? chunk_kernel_sms(hw, p->layout.model) : (double)(hw->chip.sms - margin);
}

static void from_kernels(struct train_plan *p, struct arena *arena)
{
    const struct train_layout *l = &p->layout;
    struct chunk_work work = {.model = l->model,
                              .kernels = p->kernels,
                              .hw = &p->scenario->cluster,
                              .recipe = &l->recipe,
                              .sequences = (double)l->cfg->micro_batch,
                              .length = (double)l->cfg->sequence,
                              .group = l->ep,
                              .etp = l->etp,
                              .tp = l->tp,
                              .cp = l->cp,
                              .exchange = p->exchange.kernel ? &p->exchange : NULL,
                              .beside = l->cfg->tp_overlap,
                              .gemm_sms = sms_left(p, l->cfg->gemm_margin),
                              .attention_sms = sms_left(p, l->cfg->attention_margin),
                              .layers = l->model->experts.routed ? 1 : 0};
    material_from_kernels(&work, arena, &p->material);
}

static int open_material(struct train_plan *p, struct arena *arena, struct diag *diag)
{
    const struct cluster_hw *hw = &p->scenario->cluster;
    struct kernel_table *table = ARENA_NEW(arena, struct kernel_table);
    if (kernel_tables_read(hw->kernels.tables, scenario_place(p->file, "cluster.kernels.tables"), p->file->path, arena,
                           table, diag))
        return -1;
    p->kernels = kernel_model_new(hw, table, arena);
    p->origins = p->kernels->asked = ARENA_NEW(arena, struct kernel_origins);
    if (p->layout.cfg->chunks.source == CHUNKS_KERNELS)
        from_kernels(p, arena);
    else if (read_trace(p, arena, diag))
        return -1;
    const struct train_layout *l = &p->layout;
    material_add_ends(&p->material,
                      &(struct chunk_ends){.model = l->model,
                                           .kernels = p->kernels,
                                           .recipe = &l->recipe,
                                           .tokens = train_gpu_tokens(l),
                                           .tp = l->tp,
                                           .hw = hw,
                                           .logit_B = l->cfg->precision.logit_B},
                      arena);
    p->kernels->asked = NULL; /* what else is asked for is no part of a chunk */
    return 0;
}

/* Mean over the material's layers of a kind of what they compute; communication streams do not count. */
static void layer_times(struct train_plan *p)
{
    const struct chunk_program *program = &p->material.program;
    double n[N_CHUNK_LAYERS] = {0};
    for (uint32_t i = 0; i < p->material.n_layers; i++)
        n[p->material.kind[i]]++;
    for (uint32_t i = 0; i < program->n_kernels; i++) {
        const struct chunk_kernel *k = &program->kernels[i];
        if (k->layer > 0 && !is_exchange(k)) {
            uint8_t kind = p->material.kind[k->layer - 1];
            p->layer_s[kind] += k->work_s / n[kind];
        }
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static const char *gb(double bytes_B, struct arena *arena)
{
    return arena_printf(arena, "%.1f GB", bytes_B / 1e9);
}

/* The fullest rank. */
static uint32_t weigh_ranks(struct train_plan *p, struct arena *arena)
{
    uint32_t worst = 0;
    for (uint32_t r = 0; r < p->layout.ranks; r++) {
        p->memory[r] = train_rank_memory(&p->layout, p->schedule, r, arena);
        worst = p->memory[r].total_B > p->memory[worst].total_B ? r : worst;
    }
    return worst;
}

/* Which recomputation would fit, cheapest first; what each needs in front of those before. */
static const char *what_would_fit(struct train_plan *p, struct arena *arena)
{
    static const struct {
        const char *names;
        unsigned again;
    } tries[] = {
        {"selective", AGAIN_SELECTIVE},
        {"selective, mlp, shared_experts", AGAIN_SELECTIVE | AGAIN_MLP | AGAIN_SHARED},
        {"selective, mlp, shared_experts, core_attn", AGAIN_SELECTIVE | AGAIN_MLP | AGAIN_SHARED | AGAIN_CORE},
        {"full", AGAIN_LAYER},
    };
    bool fused = p->layout.recipe.fused;
    double least_B = INFINITY, has_B = p->scenario->cluster.chip.memory_B;
    for (size_t i = fused ? 0 : 3; i < sizeof tries / sizeof *tries; i++) {
        p->layout.recipe.again = tries[i].again | (fused ? 0 : AGAIN_SELECTIVE);
        double needs_B = p->memory[weigh_ranks(p, arena)].total_B;
        least_B = fmin(least_B, needs_B);
        if (needs_B <= has_B)
            return arena_printf(arena, "'train.recompute: %s' would need %s", tries[i].names, gb(needs_B, arena));
    }
    return arena_printf(arena, "computing every layer again (train.recompute: full) would still need %s",
                        gb(least_B, arena));
}

bool train_plan_fits(const struct train_plan *p)
{
    bool fits = true;
    for (uint32_t r = 0; r < p->layout.ranks; r++)
        fits &= p->memory[r].total_B <= p->scenario->cluster.chip.memory_B;
    return fits;
}

void train_plan_refuse(struct train_plan *p, struct arena *arena, struct diag *diag)
{
    double has_B = p->scenario->cluster.chip.memory_B;
    uint32_t worst = weigh_ranks(p, arena);
    const struct train_memory m = p->memory[worst];
    diag_error(
        diag, EXIT_BAD_INPUT, scenario_place(p->file, "cluster.chip.memory"),
        "a GPU of pipeline rank %u needs %s: parameters %s, gradients %s, optimizer %s, activations of %.0f "
        "chunks in flight %s%s; it has %s (cluster.chip.memory). %s. Or raise train.pp, train.tp or train.ep, or "
        "lower train.micro_batch",
        worst, gb(m.total_B, arena), gb(m.weights_B, arena), gb(m.gradients_B, arena), gb(m.optimizer_B, arena),
        m.in_flight, gb(m.activations_B, arena),
        m.buffers_B > 0 ? arena_printf(arena, ", experts' buffers %s", gb(m.buffers_B, arena)) : "", gb(has_B, arena),
        what_would_fit(p, arena));
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static void set_routing(struct train_plan *p)
{
    const struct model *m = p->layout.model;
    uint32_t per_node = p->layout.group < p->layout.gpus_per_node ? p->layout.group : p->layout.gpus_per_node;
    p->routing = (struct routing_cfg){.experts = m->experts.routed,
                                      .experts_per_token = m->experts.top_k,
                                      .groups = m->experts.groups,
                                      .groups_per_token = m->experts.top_groups,
                                      .tokens_per_rank = (int64_t)train_gpu_tokens(&p->layout),
                                      .hidden = m->experts.width,
                                      .rank_load_cv_ratio = p->layout.cfg->chunks.rank_load_cv_ratio};
    if (m->experts.routed)
        p->shape = (struct routing_shape){.cfg = &p->routing,
                                          .sets = deepep_needs_sets(&p->file->scenario->cluster.ep_kernel),
                                          .n_ranks = p->layout.group,
                                          .ranks_per_node = per_node,
                                          .n_nodes = p->layout.group / per_node};
}

static int find_down(struct train_network *n, struct arena *arena, struct diag *diag)
{
    struct fault_link *links;
    uint32_t n_links;
    if (!*n->hw->faults.down)
        return 0;
    if (faults_links(n->topo, n->hw->faults.down, arena, &links, &n_links, diag))
        return -1;
    n->down = ARENA_ARRAY(arena, bool, n->topo->n_links);
    for (uint32_t i = 0; i < n_links; i++)
        n->down[links[i].link] = true;
    return 0;
}

static int open_networks(struct kind_run *run, struct train_plan *p, struct diag *diag)
{
    const char **names;
    if (list_topologies(p->file, "train.topologies", p->layout.cfg->topologies, gpus_list(&p->layout, run->arena), 1,
                        run->arena, &names, &p->n_networks, diag))
        return -1;
    p->networks = ARENA_ARRAY(run->arena, struct train_network, p->n_networks);
    for (uint32_t i = 0; i < p->n_networks; i++) {
        struct train_network *n = &p->networks[i];
        n->name = names[i];
        n->hw = ARENA_NEW(run->arena, struct cluster_hw);
        *n->hw = p->scenario->cluster;
        n->hw->topology = names[i];
        if (kind_topology(run, n->hw, &n->topo, diag) || find_down(n, run->arena, diag))
            return -1;
    }
    return 0;
}

bool train_plan_is_dealt(const struct train_plan *p)
{
    return *p->layout.cfg->layers || *p->layout.cfg->layout;
}

void train_plan_deal(struct train_plan *p, const uint32_t *counts, struct arena *arena, struct diag *diag)
{
    struct stage_letters letters = {0};
    if (!counts)
        letters = stage_letters(p->file, &p->layout, arena, diag);
    if (letters.n)
        train_lay_out(&p->layout, &letters, arena);
    else
        train_partition(&p->layout, counts ? counts : stage_counts(p->file, &p->layout, arena, diag), arena);
    struct schedule_shape shape = train_shape(&p->layout);
    p->schedule = schedule_build(p->layout.schedule, &shape, arena);
    p->memory = ARENA_ARRAY(arena, struct train_memory, p->layout.ranks);
    weigh_ranks(p, arena);
    if (p->layout.cfg->without == WITHOUT_BACKWARD)
        p->schedule = schedule_forward_only(p->schedule, arena);
}

int train_plan_open(struct kind_run *run, struct train_plan *p, struct diag *diag)
{
    *p = (struct train_plan){.file = run->file, .scenario = run->file->scenario};
    p->layout = layout_of(p->scenario);
    p->layout.recipe = train_recipe_of(p->file, run->arena, diag);
    p->exchange = (struct chunk_exchange){exchange_kernel(p->scenario),
                                          {p->layout.cfg->exchange.dispatch, p->layout.cfg->exchange.combine}};
    set_routing(p);
    if (train_place(&p->layout, p->file, run->arena, diag) || open_networks(run, p, diag) ||
        open_material(p, run->arena, diag))
        return -1;
    layer_times(p);
    return 0;
}
