#include "kinds/infer/infer_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "base/shared_cache.h"
#include "io/inputs/kernel_table_file.h"
#include "kinds/fork_map.h"
#include "kinds/infer/infer_blocks.h"
#include "models/comm/deepep.h"

int infer_setup_open(const struct scenario_file *file, struct arena *arena, struct infer_setup *out, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    const struct model *m = &s->llm;
    *out = (struct infer_setup){.file = file, .gate = ARENA_NEW(arena, const struct infer_gate *)};
    if (deepep_needs_sets(&s->cluster.ep_kernel)) {
        const char *key =
            s->cluster.ep_kernel.multicast ? "cluster.ep_kernel.multicast" : "cluster.ep_kernel.reduction";
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key),
                   "kind %s does not count which tokens go to several places together; kinds moe_exchange and "
                   "train_replay do",
                   s->kind);
        return -1;
    }
    if (kernel_tables_read(s->cluster.kernels.tables, scenario_place(file, "cluster.kernels.tables"), file->path, arena,
                           &out->table, diag))
        return -1;
    if (!m->experts.routed)
        return 0;
    return expert_loads_open(file, (uint32_t)m->experts.routed, (uint32_t)m->experts.top_k, model_sparse_layers(m),
                             arena, &out->loads, diag);
}

/* --- cases -------------------------------------------------------------------- */

void infer_case_of(const struct infer_setup *setup, bool prefill, struct infer_case *out)
{
    const struct scenario *s = setup->file->scenario;
    int64_t first = infer_cfg(s)->prefill.nodes, rest = s->cluster.nodes - first;
    *out = (struct infer_case){.setup = setup, .cfg = *infer_cfg(s), .hw = s->cluster, .prefill = prefill};
    if (infer_cfg(s)->phase != PHASE_DISAGGREGATED)
        return;
    out->hw.nodes = prefill ? first : rest;
    if (!prefill || infer_cfg(s)->prefill.kv_transfer == KV_NONE)
        return;
    out->cfg.simulate_layers = 0;
    out->cfg.layer_blocks = 1; /* caches leave in the course of one run */
    out->kv = (struct infer_kv){.when = infer_cfg(s)->prefill.kv_transfer,
                                .first_rank = (uint32_t)(first * s->cluster.node.gpus),
                                .n_nodes = (uint32_t)rest};
}

static uint32_t lay_out(const struct infer_case *c, struct arena *arena, struct infer_layout *l,
                        struct infer_misfit misfits[INFER_MAX_MISFITS])
{
    const struct scenario *s = c->setup->file->scenario;
    struct infer_given given = {.cfg = &c->cfg,
                                .model = &s->llm,
                                .hw = &c->hw,
                                .expert_load = &s->expert_load,
                                .load_rows = &c->setup->loads.rows,
                                .left_out = c->left_out};
    return infer_lay_out(&given, c->prefill, c->hw.nodes, arena, l, misfits);
}

static const char *gb(double bytes_B, struct arena *arena)
{
    return arena_printf(arena, "%.1f GB", bytes_B / 1e9);
}

static int check_memory(const struct scenario_file *file, const struct infer_layout *l, struct arena *arena,
                        struct diag *diag)
{
    struct infer_memory m = infer_memory(l);
    const char *key = l->prefill ? "inference.prefill.tokens" : "inference.decode.batch";
    if (m.total_B <= m.capacity_B)
        return 0;
    const char *most = m.largest_batch > 0
                           ? arena_printf(arena, "the most that fits is %lld", (long long)m.largest_batch)
                           : "nothing fits: spread the weights over more GPUs";
    REPORT(key,
           "%s does not fit: weights %s, KV cache %s (%lld %s of %.0f positions on "
           "each GPU), buffers %s, activations "
           "%s and a reserve of %s are %s of %s (cluster.chip.memory); %s",
           l->prefill ? "prefill" : "decoding", gb(m.weights_B, arena), gb(m.kv_B, arena),
           (long long)llround(l->sequences * l->micro_batches), l->prefill ? "prompts" : "sequences",
           l->context + l->new_tokens, gb(m.buffers_B, arena), gb(m.activations_B, arena), gb(m.reserve_B, arena),
           gb(m.total_B, arena), gb(m.capacity_B, arena), most);
    return -1;
}

struct infer_memory infer_case_memory(const struct infer_case *c, struct arena *arena)
{
    struct infer_misfit misfits[INFER_MAX_MISFITS];
    struct infer_layout l;
    BUG_IF(lay_out(c, arena, &l, misfits));
    return infer_memory(&l);
}

/* Where the scenario gives the key; else what the case comes from (a point of a service's grid). */
static struct srcloc misfit_place(const struct scenario_file *file, const char *key, const struct diag *diag)
{
    struct srcloc where = cfg_where(file->cfg, key);
    if (!where.file)
        where = diag_place(diag);
    return where.file ? where : SRCLOC_FILE(file->path);
}

int infer_case_check(const struct infer_case *c, struct arena *arena, struct diag *diag)
{
    const struct scenario_file *file = c->setup->file;
    struct infer_misfit misfits[INFER_MAX_MISFITS];
    struct infer_layout l;
    uint32_t n = lay_out(c, arena, &l, misfits);
    for (uint32_t i = 0; i < n; i++)
        diag_error(diag, EXIT_BAD_INPUT, misfit_place(file, misfits[i].key, diag), "%s", misfits[i].text);
    return n || infer_blocks_check(c, &l, arena, diag) ? -1 : check_memory(file, &l, arena, diag);
}

/* --- running ------------------------------------------------------------------ */

static double latency_s(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
    double sum_s = 0;
    for (uint32_t i = 0; i < n; i++)
        sum_s += t->links[links[i]].latency_s;
    return sum_s;
}

/* No more than any way between nodes takes, also where GPU 0 is farther from all than others are from each other: the least
 * into a network and the least out of one. */
static double least_way_s(const struct topology *t)
{
    double in_s = INFINITY, out_s = INFINITY;
    for (uint32_t r = 0; r < t->n_endpoints; r++) {
        uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, r, (r + t->gpus_per_node) % t->n_endpoints, links);
        in_s = fmin(in_s, t->links[links[0]].latency_s);
        out_s = fmin(out_s, n > 1 ? t->links[links[n - 1]].latency_s : 0);
    }
    return in_s + out_s;
}

static struct infer_network network_of(const struct cluster_hw *hw, const struct topology *t)
{
    struct infer_network net = {.nic_Bps = hw_nic_payload_Bps(hw),
                                .nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio,
                                .nic_latency_s = INFINITY,
                                .nvlink_latency_s = INFINITY};
    for (uint32_t r = 1; r < t->n_endpoints; r++) {
        bool near = r / t->gpus_per_node == 0;
        double *latency = near ? &net.nvlink_latency_s : &net.nic_latency_s;
        *latency = fmin(*latency, latency_s(t, 0, r));
    }
    if (t->n_endpoints > t->gpus_per_node)
        net.nic_latency_s = fmin(net.nic_latency_s, least_way_s(t));
    if (isinf(net.nvlink_latency_s)) /* one GPU a node */
        net.nvlink_latency_s = net.nic_latency_s;
    return net;
}

/* Times of items from those of ops, which are consecutive; of a WAIT, which has no op, nothing. */
static void times_of(const struct kind_run *run, const struct infer_step *s, const struct infer_ops *ops,
                     struct infer_times *out)
{
    const double *none = ARENA_ARRAY(run->scratch, double, s->layout.ranks);
    out->start_s = ARENA_ARRAY(run->scratch, const double *, s->program.n);
    out->end_s = ARENA_ARRAY(run->scratch, const double *, s->program.n);
    for (uint32_t i = 0; i < s->program.n; i++) {
        bool is_op = ops->item[i] != OP_NONE, post = s->program.items[i].action == DO_POST;
        out->start_s[i] = is_op ? run->outcome.op_start_s + ops->item[i] : none;
        out->end_s[i] = is_op ? run->outcome.op_end_s + (post ? ops->received[i] : ops->item[i]) : none;
    }
}

/* Whether nobody looks at single transfers: not the network, whose paths are one each and depend on nothing but their ends, and not those who want
 * to know, change or check what moved. */
static bool may_bundle(const struct kind_run *run, const struct infer_case *c, const struct topology *topo)
{
    const struct sim_cfg *sim = &run->file->scenario->sim;
    return sim->network == NET_FLOW && !sim->checked && topology_routing(&c->hw).policy == ROUTING_STATIC &&
           topology_nics_per_gpu(topo) == 1 && !run->keeps_last && !run->critical && !run->file->proposals->n_uses;
}

static int simulate(struct kind_run *run, const struct infer_case *c, struct topology *topo, struct infer_outcome *out,
                    struct infer_times *times, struct diag *diag)
{
    struct infer_ops ops;
    kind_begin(run, topo);
    infer_step_graph(&out->step, topo, may_bundle(run, c, topo), run->graph, &ops);
    uint32_t kv = c->kv.n_nodes ? infer_kv_graph(&out->step, &c->kv, run->graph, &ops) : run->graph->n_ops;
    if (kind_simulate(run, topo, &c->hw, diag))
        return -1;
    times_of(run, &out->step, &ops, times);
    for (; kv < run->graph->n_ops; kv++)
        out->kv_end_s = fmax(out->kv_end_s, run->outcome.op_end_s[kv]);
    return 0;
}

static const char *texts_of(const struct kind_run *run, const char *const *tables, const char *first,
                            struct arena *arena)
{
    const char *text = first;
    for (; *tables; tables++)
        text = arena_printf(arena, "%s, %s", text, cfg_text_of(run->file->cfg, *tables, arena));
    return text;
}

/* What a run changes behind its text's back is not for others. */
static bool has_text(const struct kind_run *run)
{
    return run->one_of_many && !run->before;
}

/* What routes depend on beside the numbers of nodes; NULL: nobody else may know them. */
static const char *network_text(const struct kind_run *run, const struct infer_case *c, struct arena *arena)
{
    static const char *const tables[] = {"cluster.node", "cluster.nic", "cluster.network", NULL};
    return !has_text(run) ? NULL
                          : texts_of(run, tables, arena_printf(arena, "%lld nodes", (long long)c->hw.nodes), arena);
}

/* What kernels' times of experts depend on; NULL: nobody else may know them. */
static const char *chip_text(const struct kind_run *run, const struct infer_layout *l, struct arena *arena)
{
    static const char *const tables[] = {"cluster.chip", "cluster.kernels", "llm", NULL};
    return !has_text(run) ? NULL
                          : texts_of(run, tables,
                                     arena_printf(arena, "left out %u, prefill %d, tp %u, %s", l->left_out, l->prefill,
                                                  l->tp, infer_kernels_beside(l, arena)),
                                     arena);
}

static void solve(const struct kind_run *run, const struct infer_case *c, const struct topology *topo,
                  struct infer_outcome *out)
{
    struct arena *arena = arena_new();
    struct infer_network net = network_of(&c->hw, topo);
    struct infer_times times;
    net.chip = chip_text(run, &out->step.layout, arena);
    infer_fabric_open(&net.fabric, &c->hw, topo, out->step.layout.ranks, network_text(run, c, arena), arena);
    infer_step_bound(&out->step, &net, arena, &times);
    infer_account(&out->step, &times, &out->account);
    if (c->kv.n_nodes && c->kv.when != KV_NONE) {
        double left_B =
            c->kv.when == KV_AT_END ? infer_kv_rank_B(&out->step.layout) : infer_kv_last_B(&out->step.layout);
        out->kv_end_s = out->account.total.step_s + left_B / net.nic_Bps + net.nic_latency_s;
    }
    arena_free(arena);
}

/* Layers that show whether all others would be like them. */
enum { ENOUGH_LAYERS = 6 };

static bool may_share(const struct infer_case *c)
{
    return c->cfg.share_layers && c->cfg.routing == INFER_BALANCED && !c->layers && !c->cfg.simulate_layers &&
           !c->kv.n_nodes;
}

static const struct infer_gate *gate_of(struct kind_run *run, const struct infer_setup *setup)
{
    const struct scenario *s = run->file->scenario;
    uint64_t seed = (uint64_t)s->sim.seed + run->seed_offset;
    if (!s->llm.experts.routed)
        return NULL;
    if (!*setup->gate || (*setup->gate)->seed != seed)
        *setup->gate = infer_gate_new(&s->llm.experts, seed, run->arena);
    return *setup->gate;
}

static int run_layers(struct kind_run *run, const struct infer_case *c, struct topology *topo,
                      const struct infer_layout *l, uint32_t layers, struct infer_outcome *out, struct diag *diag)
{
    struct infer_times times;
    infer_step_init(&out->step, l, out->kernels, gate_of(run, c->setup), layers, run->arena);
    if (c->closed_form || run->file->scenario->sim.network == NET_BOUND) {
        solve(run, c, topo, out);
        return 0;
    }
    if (simulate(run, c, topo, out, &times, diag))
        return -1;
    infer_account(&out->step, &times, &out->account);
    return 0;
}

/* --- layers in several runs side by side ----------------------------------------------------------------- */

struct dividing {
    struct kind_run *run;
    const struct infer_case *c;
    struct topology *topo;
    const struct infer_layout *l;
    const struct infer_outcome *shared;
    struct infer_block blocks[INFER_MOST_BLOCKS];
};

static int run_block(void *ctx, uint32_t index, void *answer, struct diag *diag)
{
    const struct dividing *d = ctx;
    struct infer_block_answer *a = answer;
    struct infer_outcome out = *d->shared;
    struct infer_times times;
    infer_step_init(&out.step, d->l, out.kernels, gate_of(d->run, d->c->setup), d->blocks[index].layers, d->run->arena);
    out.step.first_drawn = d->blocks[index].first;
    if (simulate(d->run, d->c, d->topo, &out, &times, diag))
        return -1;
    infer_account_run(&out.step, &times, INFER_BLOCK_WARMING_UP, &a->account);
    a->drawn = out.step.drawn;
    a->epsilon = d->run->epsilon;
    for (int combine = 0; combine < 2; combine++)
        snprintf(a->load_limit[combine], sizeof a->load_limit[combine], "%s", out.step.load_limit[combine]);
    return 0;
}

static int run_blocks(struct kind_run *run, const struct infer_case *c, struct topology *topo,
                      const struct infer_layout *l, uint32_t layers, struct infer_outcome *out, struct diag *diag)
{
    uint32_t n = (uint32_t)c->cfg.layer_blocks, at_once = kind_at_once(run, n);
    struct dividing d = {run, c, topo, l, out, {{0}}};
    struct infer_block_answer *answers = ARENA_ARRAY(run->arena, struct infer_block_answer, n);
    infer_step_init(&out->step, l, out->kernels, gate_of(run, c->setup), layers, run->arena);
    BUG_IF(!infer_blocks_cut(out->step.program.sparse, n, d.blocks));
    if (!at_once) {
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(run->file, "inference.layer_blocks"),
                   "a critical path or a timeline is of one run; write 1");
        return -1;
    }
    if (fork_map(n, at_once, run_block, &d, answers, sizeof *answers, diag))
        return -1;
    out->blocks = n;
    infer_blocks_merge(d.blocks, answers, n, out->step.sparse_layers - out->step.program.sparse, &out->account,
                       &out->step.drawn);
    for (uint32_t i = 0; i < n; i++)
        epsilon_error_add(&run->epsilon, &answers[i].epsilon);
    for (int combine = 0; combine < 2; combine++)
        out->step.load_limit[combine] = arena_printf(run->arena, "%s", answers[0].load_limit[combine]);
    return 0;
}

/* The nodes of the phase, and those that caches go to. */
static int build_network(struct kind_run *run, const struct infer_case *c, struct topology **topo, struct diag *diag)
{
    struct cluster_hw *hw = ARENA_NEW(run->arena, struct cluster_hw);
    *hw = c->hw;
    hw->nodes += c->kv.n_nodes;
    return kind_topology(run, hw, topo, diag);
}

/* With fewer layers where they are all alike. */
static int run_all_layers(struct kind_run *run, const struct infer_case *c, struct topology *topo,
                          const struct infer_layout *l, struct infer_outcome *out, struct diag *diag)
{
    uint32_t layers = c->layers ? c->layers : (uint32_t)c->cfg.simulate_layers;
    if (c->cfg.layer_blocks > 1 && !c->closed_form)
        return run_blocks(run, c, topo, l, layers, out, diag);
    if (run_layers(run, c, topo, l, may_share(c) ? ENOUGH_LAYERS : layers, out, diag))
        return -1;
    if (may_share(c) && out->account.extrapolated && !out->account.periodic)
        return run_layers(run, c, topo, l, 0, out, diag);
    return 0;
}

/* --- points of a sweep that need the same step ------------------------------------------------------------------ */

/* Whether another point's account will do: nothing but the scenario decides it, and nobody looks at the simulation. */
static bool may_be_known(const struct kind_run *run, const struct infer_case *c)
{
    return run->one_of_many && c->account_alone && !run->before && !run->critical && !run->keeps_last &&
           !run->file->scenario->sim.checked && !run->file->proposals->n_uses;
}

/* The scenario without what is about requests, and the case. */
static const char *case_text(const struct kind_run *run, const struct infer_case *c)
{
    static const char *const about_others[] = {"serving", "name", "description", NULL};
    const struct infer_cfg *cfg = &c->cfg;
    const struct infer_prefill_cfg *p = &cfg->prefill;
    return arena_printf(run->arena,
                        "%snodes %lld, prefill %d, closed %d, layers %u %lld, left out %u, seed + %llu, batch %lld, "
                        "context %lld, extra %lld, "
                        "tokens %lld, prompt %lld, cached %a, kv %d %u %u",
                        cfg_text_without(run->file->cfg, about_others, run->arena), (long long)c->hw.nodes, c->prefill,
                        c->closed_form, c->layers, (long long)cfg->simulate_layers, c->left_out,
                        (unsigned long long)run->seed_offset, (long long)cfg->decode.batch,
                        (long long)cfg->decode.context, (long long)cfg->decode.extra_tokens, (long long)p->tokens,
                        (long long)p->prompt, p->cached_ratio, c->kv.when, c->kv.first_rank, c->kv.n_nodes);
}

static int account(struct kind_run *run, const struct infer_case *c, const struct infer_layout *l,
                   struct infer_outcome *out, struct diag *diag)
{
    struct topology *topo;
    const char *key = may_be_known(run, c) ? case_text(run, c) : NULL;
    const struct infer_account *known = key ? shared_cache_get("account", key, sizeof *known) : NULL;
    if (known) {
        infer_step_init(&out->step, l, out->kernels, NULL, 0, run->arena);
        out->account = *known;
        return 0;
    }
    if (build_network(run, c, &topo, diag) || run_all_layers(run, c, topo, l, out, diag))
        return -1;
    if (key)
        shared_cache_put("account", key, &out->account, sizeof out->account);
    return 0;
}

int infer_case_run(struct kind_run *run, const struct infer_case *c, struct infer_outcome *out, struct diag *diag)
{
    struct infer_case *kept = ARENA_NEW(run->arena, struct infer_case); /* the step points into it */
    struct infer_misfit misfits[INFER_MAX_MISFITS];
    struct infer_layout l;
    *kept = *c;
    BUG_IF(lay_out(kept, run->arena, &l, misfits));
    *out = (struct infer_outcome){.memory = infer_memory(&l)};
    out->kernels = kernel_model_new(&kept->hw, &c->setup->table, run->arena);
    out->kv_B = c->kv.n_nodes && c->kv.when != KV_NONE ? infer_kv_rank_B(&l) : 0;
    if (account(run, kept, &l, out, diag))
        return -1;
    out->step_s = out->account.total.step_s + c->cfg.host_gap_s;
    out->tokens_per_step = 1;
    if (run->origins)
        infer_kernels_origins(&out->step.kernels, run->origins);
    return 0;
}

/* --- for tables of step times
 * ---------------------------------------------------------------------------------- */

static int time_of(struct kind_run *run, const struct infer_case *c, double *step_s, struct diag *diag)
{
    struct infer_outcome out;
    if (infer_case_check(c, run->arena, diag) || infer_case_run(run, c, &out, diag))
        return -1;
    *step_s = out.step_s;
    return 0;
}

int infer_decode_time(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context,
                      int64_t extra, double *step_s, struct diag *diag)
{
    struct infer_case c;
    infer_case_of(setup, false, &c);
    c.cfg.decode.batch = batch;
    c.cfg.decode.context = context;
    c.cfg.decode.extra_tokens = extra;
    return time_of(run, &c, step_s, diag);
}

int infer_prefill_time(struct kind_run *run, const struct infer_setup *setup, int64_t tokens, int64_t prompt,
                       double cached_ratio, double *step_s, struct diag *diag)
{
    struct infer_case c;
    infer_case_of(setup, true, &c);
    c.cfg.prefill.tokens = tokens;
    c.cfg.prefill.prompt = prompt;
    c.cfg.prefill.cached_ratio = cached_ratio;
    return time_of(run, &c, step_s, diag);
}
