/* Kind moe_exchange: dispatch and combine alone, as DeepEP's benchmarks run them (paper 5.1.2, Figure 7).
 *
 * Bandwidths are DeepEP's logical ones, per GPU: normal kernels: payload (FP8 with scales, or BF16) of
 * every copy of a token to a node, its own node counted, over time; low-latency kernels: bytes of every
 * (token, expert) pair, own experts counted, over time. */
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "models/comm/ep_kernel.h"
#include "models/comm/deepep.h"
#include "models/comm/deepep_ll.h"
#include "kinds/expert_loads.h"
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/network/moe_cfg.h"
#include "kinds/network/moe_kernels.h"
#include "kinds/reads.h"

/* Sizes of one kind of kernels with what was published for them. */
struct series {
    uint32_t *gpus, n, *calibrated, n_calibrated;
    double *published[2]; /* [combine][size] or NaN */
};

struct plan {
    struct series normal, low_latency;
    const char *ll_topology;
};

/* --- check ----------------------------------------------------------------------------------------------- */

static int read_published(const struct scenario_file *file, const char *key, const char *text, enum unit_dim dim,
                          struct arena *arena, const struct series *s, double **out, struct diag *diag)
{
    double *given;
    uint32_t n;
    *out = ARENA_ARRAY(arena, double, s->n + 1);
    if (list_quantities(file, key, text, dim, arena, &given, &n, diag))
        return -1;
    if (n > s->n) {
        REPORT(key, "%s has %u values for %u sizes", key, n, s->n);
        return -1;
    }
    for (uint32_t i = 0; i < s->n; i++)
        (*out)[i] = i < n ? given[i] : NAN;
    return 0;
}

static int read_gpus(const struct scenario_file *file, const char *prefix, const char *gpus, const char *calibrated,
                     struct arena *arena, struct series *s, struct diag *diag)
{
    const char *gpus_key = arena_printf(arena, "%s.gpus", prefix);
    *s = (struct series){0};
    if (*gpus && list_gpus(file, gpus_key, gpus, arena, &s->gpus, &s->n, diag))
        return -1;
    return list_counts(file, arena_printf(arena, "%s.calibrated", prefix), calibrated, arena, &s->calibrated,
                       &s->n_calibrated, diag);
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct moe_normal *a = &moe_cfg(file->scenario)->normal;
    const struct moe_low_latency *b = &moe_cfg(file->scenario)->low_latency;
    const char **names;
    uint32_t n;
    if (read_gpus(file, "moe.normal", a->gpus, a->calibrated, arena, &p->normal, diag) ||
        read_gpus(file, "moe.low_latency", b->gpus, b->calibrated, arena, &p->low_latency, diag) ||
        list_topologies(file, "cluster.topology", "", p->normal.gpus, p->normal.n, arena, &names, &n, diag) ||
        list_topologies(file, "moe.low_latency.topology", b->topology, p->low_latency.gpus, p->low_latency.n, arena,
                        &names, &n, diag))
        return -1;
    p->ll_topology = names[0];
    return read_published(file, "moe.normal.dispatch_published", a->dispatch_published, DIM_BANDWIDTH, arena,
                          &p->normal, &p->normal.published[0], diag) ||
           read_published(file, "moe.normal.combine_published", a->combine_published, DIM_BANDWIDTH, arena, &p->normal,
                          &p->normal.published[1], diag) ||
           read_published(file, "moe.low_latency.dispatch_published", b->dispatch_published, DIM_TIME, arena,
                          &p->low_latency, &p->low_latency.published[0], diag) ||
           read_published(file, "moe.low_latency.combine_published", b->combine_published, DIM_TIME, arena,
                          &p->low_latency, &p->low_latency.published[1], diag);
}

/* The routing at one size: one group of experts per node. */
static struct routing_shape *shape_at(const struct scenario *s, uint32_t gpus, struct arena *arena)
{
    struct routing_cfg *cfg = ARENA_NEW(arena, struct routing_cfg);
    struct routing_shape *shape = ARENA_NEW(arena, struct routing_shape);
    uint32_t per_node = (uint32_t)s->cluster.node.gpus;
    *cfg = moe_cfg(s)->routing;
    cfg->groups = gpus / per_node;
    if (cfg->groups_per_token > cfg->groups)
        cfg->groups_per_token = cfg->groups;
    *shape = (struct routing_shape){.cfg = cfg,
                                    .sets = deepep_needs_sets(&s->cluster.ep_kernel),
                                    .n_ranks = gpus,
                                    .ranks_per_node = per_node,
                                    .n_nodes = gpus / per_node,
                                    .redundant = (uint32_t)s->expert_load.redundant};
    return shape;
}

/* The routing of the low-latency kernels: as DeepEP's benchmark, no groups. */
static struct routing_shape *ungrouped_at(const struct scenario *s, uint32_t gpus, struct arena *arena)
{
    struct routing_shape *shape = shape_at(s, gpus, arena);
    struct routing_cfg *cfg = ARENA_NEW(arena, struct routing_cfg);
    *cfg = *shape->cfg;
    cfg->groups = cfg->groups_per_token = 1;
    shape->cfg = cfg;
    return shape;
}

static struct placement_shape placement_shape_of(const struct routing_shape *shape)
{
    return (struct placement_shape){.experts = (uint32_t)shape->cfg->experts,
                                    .redundant = shape->redundant,
                                    .groups = (uint32_t)shape->cfg->groups,
                                    .ranks = shape->n_ranks,
                                    .nodes = shape->n_nodes};
}

static void check_low_latency(const struct scenario_file *file, const struct plan *p, struct diag *diag)
{
    const struct routing_cfg *r = &moe_cfg(file->scenario)->routing;
    int64_t replicas = r->experts + file->scenario->expert_load.redundant;
    for (uint32_t i = 0; i < p->low_latency.n; i++)
        if (replicas % p->low_latency.gpus[i])
            REPORT("moe.low_latency.gpus", "%lld experts do not divide among %u GPUs", (long long)replicas,
                   p->low_latency.gpus[i]);
    if (r->experts_per_token > r->experts)
        REPORT("moe.routing.experts_per_token", "a token cannot choose %lld of %lld experts",
               (long long)r->experts_per_token, (long long)r->experts);
    struct cluster_hw hw = file->scenario->cluster;
    hw.topology = p->ll_topology;
    if (p->low_latency.n && moe_cfg(file->scenario)->low_latency.loopback && !topology_nics_meet(&hw))
        REPORT("moe.low_latency.loopback",
               "loopback needs a network that joins all NICs of a node; the planes of %s are apart: write 'topology: "
               "mrft' in moe.low_latency",
               hw.topology);
}

/* Loads of experts leave nothing to loads of ranks. */
static void check_expert_load(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    const struct routing_cfg *r = &moe_cfg(s)->routing;
    struct expert_loads loads;
    if (expert_loads_plain(&s->expert_load))
        return;
    if (cfg_where(file->cfg, "moe.routing.rank_load_cv").file && r->rank_load_cv_ratio > 0)
        REPORT("moe.routing.rank_load_cv", "expert_load gives the loads of experts, and so those of ranks: "
                                           "leave rank_load_cv out, or write 0");
    expert_loads_open(file, (uint32_t)r->experts, (uint32_t)r->experts_per_token, 1, arena, &loads, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct plan p;
    if (make_plan(file, arena, &p, diag))
        return;
    if (!p.normal.n && !p.low_latency.n && !moe_kernels_asked(file->scenario))
        REPORT("moe", "nothing to run: give moe.normal.gpus or moe.low_latency.gpus, for example "
                      "'16, 32, 64', or moe.exchange.gpus");
    moe_kernels_check(file, arena, diag);
    kind_check_sets(file, file->scenario->cluster.nodes, diag);
    diag_default_place(diag, scenario_place(file, "moe.routing"));
    for (uint32_t i = 0; i < p.normal.n; i++)
        if (routing_check(shape_at(file->scenario, p.normal.gpus[i], arena), file->path, diag))
            break;
    diag_default_place(diag, SRCLOC_NONE);
    check_low_latency(file, &p, diag);
    check_expert_load(file, arena, diag);
}

/* --- run -------------------------------------------------------------------------------------------------- */

enum { COL_KERNEL, COL_GPUS, COL_TIME, COL_BANDWIDTH, COL_LOAD, COL_PUBLISHED, COL_DIFF, COL_STATUS, N_COL };
static const struct result_column normal_columns[N_COL] = {
    {"kernel", DIM_COUNT, "dispatch (FP8) or combine (BF16)", true},
    {"gpus", DIM_COUNT, "expert-parallel group", false},
    {"time", DIM_TIME, "until the slowest GPU is done", false},
    {"bandwidth", DIM_BANDWIDTH, "DeepEP's logical one per GPU: payload of copies to nodes / time", false},
    {"nodes_per_token", DIM_RATIO, "nodes that a token goes to, its own counted", false},
    {"published", DIM_BANDWIDTH, "measured by DeepEP", false},
    {"difference", DIM_RATIO, "bandwidth / published - 1", false},
    {"status", DIM_COUNT, "calibrated: a constant was fitted to this row; predicted: none was", true},
};
static const struct result_column ll_columns[N_COL] = {
    {"kernel", DIM_COUNT, "dispatch (FP8) or combine (BF16)", true},
    {"gpus", DIM_COUNT, "expert-parallel group", false},
    {"time", DIM_TIME, "until the slowest GPU is done", false},
    {"bandwidth", DIM_BANDWIDTH, "DeepEP's logical one per GPU: bytes of all (token, expert) pairs / time", false},
    {"busiest", DIM_RATIO, "pairs that the busiest GPU receives over the mean", false},
    {"published", DIM_TIME, "measured by DeepEP", false},
    {"difference", DIM_RATIO, "time / published - 1", false},
    {"status", DIM_COUNT, "calibrated: a constant was fitted to this row; predicted: none was", true},
};

static const char *status_of(const struct series *s, uint32_t i, int combine)
{
    for (uint32_t k = 0; k < s->n_calibrated; k++)
        if (s->calibrated[k] == s->gpus[i])
            return "calibrated";
    return isfinite(s->published[combine][i]) ? "predicted" : "predicted, nothing published";
}

static void fill_row(struct result_cell *row, const struct series *s, uint32_t i, int combine, double time_s,
                     double bytes_B, double load, double compared)
{
    row[COL_KERNEL].text = combine ? "combine" : "dispatch";
    row[COL_GPUS].value = s->gpus[i];
    row[COL_TIME].value = time_s;
    row[COL_BANDWIDTH].value = bytes_B / time_s;
    row[COL_LOAD].value = load;
    row[COL_PUBLISHED].value = s->published[combine][i];
    row[COL_DIFF].value = compared / s->published[combine][i] - 1;
    row[COL_STATUS].text = status_of(s, i, combine);
}

static struct cluster_hw *cluster_at(const struct kind_run *run, const char *topology, uint32_t gpus)
{
    struct cluster_hw *hw = ARENA_NEW(run->arena, struct cluster_hw);
    *hw = run->file->scenario->cluster;
    hw->topology = topology;
    hw->nodes = gpus / hw->node.gpus;
    return hw;
}

static void add_ops(struct kind_run *run, const struct cluster_hw *hw, uint32_t n, int combine, uint32_t *op)
{
    uint32_t name = opgraph_string(run->graph, combine ? "combine" : "dispatch");
    uint32_t phase = opgraph_string(run->graph, "");
    for (uint32_t r = 0; r < n; r++)
        op[r] = opgraph_add(run->graph, &(struct op){.kind = OP_COMM,
                                                     .lane = opgraph_lane(run->graph),
                                                     .device = r,
                                                     .sm_hold = (float)ep_sms_held(&hw->ep_kernel, combine),
                                                     .sync_group = OP_NONE,
                                                     .name = name,
                                                     .class_name = name,
                                                     .phase = phase});
}

/* Choices of tokens by the loads of experts, and where those stand. */
struct skewed {
    struct gate_choices choices;
    struct placement where;
};

static int choose_skewed(struct kind_run *run, const struct routing_shape *shape, struct skewed *out, struct diag *diag)
{
    const struct expert_load_cfg *cfg = &run->file->scenario->expert_load;
    struct placement_shape place = placement_shape_of(shape);
    struct expert_loads loads;
    if (expert_loads_open(run->file, (uint32_t)shape->cfg->experts, (uint32_t)shape->cfg->experts_per_token, 1,
                          run->arena, &loads, diag))
        return -1;
    const double *load = expert_loads_of(&loads, 0, run->arena);
    gate_choose(shape, routing_pool_new(shape, loads.seed, run->arena), load, loads.seed, 0, run->arena, &out->choices);
    placement_make(&place, (enum balance)cfg->balance, load, run->arena, &out->where);
    return 0;
}

static int sample_normal(struct kind_run *run, const struct routing_shape *shape, struct routing *out,
                         struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    uint64_t seed = (uint64_t)sc->sim.seed;
    struct skewed skewed;
    if (expert_loads_plain(&sc->expert_load)) {
        double *load = ARENA_ARRAY(run->arena, double, shape->n_ranks);
        routing_draw_loads(shape, seed, 0, "moe exchange", 0, 0, load);
        routing_sample(shape, routing_pool_new(shape, seed, run->arena), load, seed, 0, run->arena, out);
        return 0;
    }
    if (choose_skewed(run, shape, &skewed, diag))
        return -1;
    gate_count(shape, &skewed.choices, &skewed.where, seed, 0, run->arena, out);
    return 0;
}

static int sample_low_latency(struct kind_run *run, uint32_t gpus, struct ll_traffic *out, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    const struct routing_cfg *r = &moe_cfg(sc)->routing;
    uint32_t tokens = (uint32_t)moe_cfg(sc)->low_latency.tokens, top_k = (uint32_t)r->experts_per_token;
    struct skewed skewed;
    if (expert_loads_plain(&sc->expert_load)) {
        ll_sample(gpus, tokens, (uint32_t)r->experts, top_k, (uint64_t)sc->sim.seed, run->arena, out);
        return 0;
    }
    if (choose_skewed(run, ungrouped_at(sc, gpus, run->arena), &skewed, diag))
        return -1;
    ll_count(&skewed.choices, top_k, &skewed.where, tokens, (uint64_t)sc->sim.seed, run->arena, out);
    return 0;
}

static int run_normal(struct kind_run *run, const struct series *s, uint32_t i, struct result_table *table,
                      struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct cluster_hw *hw = cluster_at(run, sc->cluster.topology, s->gpus[i]);
    struct routing_shape *shape = shape_at(sc, s->gpus[i], run->arena);
    struct topology *topo;
    struct routing routing;
    uint32_t *op = ARENA_ARRAY(run->arena, uint32_t, shape->n_ranks);
    if (kind_topology(run, hw, &topo, diag) || sample_normal(run, shape, &routing, diag))
        return -1;
    for (int combine = 0; combine < 2; combine++) {
        struct deepep d;
        double tokens = (double)shape->cfg->tokens_per_rank;
        kind_begin(run, topo);
        deepep_init(&d, run->graph, hw, shape, run->scratch);
        add_ops(run, hw, shape->n_ranks, combine, op);
        deepep_exchange(&d, (struct deepep_call){.combine = combine}, &routing, op);
        if (kind_simulate(run, topo, hw, diag))
            return -1;
        double time_s = run->outcome.makespan_s;
        double bytes_B = tokens * routing.nodes_per_token * deepep_payload_B(shape->cfg->hidden, combine);
        fill_row(result_add_row(table), s, i, combine, time_s, bytes_B, routing.nodes_per_token, bytes_B / time_s);
    }
    return 0;
}

static int run_low_latency(struct kind_run *run, const struct plan *p, uint32_t i, struct result_table *table,
                           struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    const struct series *s = &p->low_latency;
    const struct routing_cfg *r = &moe_cfg(sc)->routing;
    const struct moe_low_latency *c = &moe_cfg(sc)->low_latency;
    struct cluster_hw *hw = cluster_at(run, p->ll_topology, s->gpus[i]);
    struct topology *topo;
    struct ll_traffic traffic;
    if (kind_topology(run, hw, &topo, diag) || sample_low_latency(run, s->gpus[i], &traffic, diag))
        return -1;
    for (int combine = 0; combine < 2; combine++) {
        kind_begin(run, topo);
        ll_build(run->graph, hw, &traffic, ll_message_B(&hw->ep_kernel, r->hidden, combine), combine, c->loopback,
                 run->scratch);
        if (kind_simulate(run, topo, hw, diag))
            return -1;
        double time_s = run->outcome.makespan_s;
        double bytes_B = (double)(c->tokens * r->experts_per_token) * ll_message_B(&hw->ep_kernel, r->hidden, combine);
        fill_row(result_add_row(table), s, i, combine, time_s, bytes_B, traffic.busiest_ratio, time_s);
    }
    return 0;
}

/* The dispatch of one micro-batch beside the combine of another: what links do in both directions at once. */
static int run_both(struct kind_run *run, const struct series *s, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    uint32_t gpus = s->gpus[s->n - 1];
    struct cluster_hw *hw = cluster_at(run, sc->cluster.topology, gpus);
    struct routing_shape *shape = shape_at(sc, gpus, run->arena);
    struct topology *topo;
    struct routing routing;
    struct deepep d;
    uint32_t *op = ARENA_ARRAY(run->arena, uint32_t, gpus);
    if (kind_topology(run, hw, &topo, diag) || sample_normal(run, shape, &routing, diag))
        return -1;
    kind_begin(run, topo);
    deepep_init(&d, run->graph, hw, shape, run->scratch);
    for (int combine = 0; combine < 2; combine++) {
        add_ops(run, hw, gpus, combine, op);
        deepep_exchange(&d, (struct deepep_call){.combine = combine}, &routing, op);
    }
    if (kind_simulate(run, topo, hw, diag))
        return -1;
    result_add_metric(&run->result, run->arena, "normal_both_time", run->outcome.makespan_s, DIM_TIME,
                      "a dispatch and a combine at once", "start to end of the last transfer of both");
    return 0;
}

/* Of the rows that were predicted and can be compared: the largest deviation; -1 when there is none. */
static double worst_prediction(const struct result_table *t, const struct series *s)
{
    double worst = -1;
    for (uint32_t row = 0; row < t->n_rows; row++) {
        double difference = t->cells[(size_t)row * N_COL + COL_DIFF].value;
        if (isfinite(difference) && status_of(s, row / 2, (int)row % 2)[0] == 'p')
            worst = fmax(worst, fabs(difference));
    }
    return worst;
}

/* Of the last, the largest group of GPUs. */
static void add_times(struct kind_run *run, const struct result_table *t, const char *name)
{
    const struct result_cell *last = t->cells + (size_t)(t->n_rows - 2) * N_COL;
    const char *way[] = {"dispatch", "combine"};
    for (int combine = 0; combine < 2; combine++)
        result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_%s_time", name, way[combine]),
                          last[combine * N_COL + COL_TIME].value, DIM_TIME,
                          arena_printf(run->arena, "%s among the last number of GPUs", way[combine]),
                          "start to end of its last transfer");
}

static void add_metrics(struct kind_run *run, const struct result_table *t, const struct series *s, const char *name,
                        const char *doc)
{
    double slowest_Bps = INFINITY;
    for (uint32_t row = 0; row < t->n_rows; row++)
        slowest_Bps = fmin(slowest_Bps, t->cells[(size_t)row * N_COL + COL_BANDWIDTH].value);
    struct result_metric *m =
        result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_bandwidth_min", name), slowest_Bps,
                          DIM_BANDWIDTH, doc, "smallest of the table's bandwidths");
    result_add_input(m, run->arena, "NIC bandwidth", run->file->scenario->cluster.nic.bandwidth_Bps, DIM_BANDWIDTH,
                     "cluster.nic.bandwidth");
    result_add_input(m, run->arena, "copy rate of an SM", run->file->scenario->cluster.ep_kernel.copy_Bps_per_sm,
                     DIM_BANDWIDTH, "cluster.ep_kernel.copy_per_sm");
    add_times(run, t, name);
    double worst = worst_prediction(t, s);
    if (worst >= 0)
        result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_prediction_error", name), worst,
                          DIM_RATIO, "largest deviation of a predicted row from the published one",
                          "max |difference| over rows with status predicted");
}

/* What moe.normal and moe.low_latency are, and that a chip's own kernels may be others. */
static void note_kernels(struct kind_run *run)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    const struct ep_kernel_type *many = ep_kernel_of(&hw->ep_kernel, false), *few = ep_kernel_of(&hw->ep_kernel, true);
    result_add_note(&run->result, run->arena,
                    "calibrated: cluster.ep_kernel.copy_per_sm (normal kernels) and "
                    "low_latency_dispatch, low_latency_combine, each on the rows marked so and on "
                    "nothing else; --explain or validate --print show the sources");
    if (many->constants || few->constants)
        result_add_note(
            &run->result, run->arena,
            arena_printf(run->arena,
                         "these are DeepEP's kernels of February 2025 with constants that were not measured "
                         "on the %s; training and inference exchange by %s and %s there: "
                         "moe.exchange.gpus runs such kernels",
                         hw->chip.name, many->name, few->name));
}

static int run_exchange(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct plan p;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    run->result.kind = "moe_exchange";
    run->result.setting =
        arena_printf(run->arena, "%lld %s per node; normal kernels on %s, low-latency kernels on %s",
                     (long long)sc->cluster.node.gpus, sc->cluster.chip.name, sc->cluster.topology, p.ll_topology);
    struct result_table *t = result_add_table(
        &run->result, run->arena, "normal",
        arena_printf(run->arena, "dispatch and combine of %lld tokens per GPU, %lld SMs",
                     (long long)moe_cfg(sc)->routing.tokens_per_rank, (long long)sc->cluster.ep_kernel.sms),
        normal_columns, N_COL, 2 * p.normal.n);
    progress_begin("simulating");
    for (uint32_t i = 0; i < p.normal.n; i++)
        if (run_normal(run, &p.normal, i, t, diag))
            return -1;
    if (p.normal.n)
        add_metrics(run, t, &p.normal, "normal", "slowest normal kernel");
    if (p.normal.n && moe_cfg(sc)->normal.both && run_both(run, &p.normal, diag))
        return -1;
    t = result_add_table(&run->result, run->arena, "low_latency",
                         arena_printf(run->arena, "low-latency kernels, %lld tokens per GPU",
                                      (long long)moe_cfg(sc)->low_latency.tokens),
                         ll_columns, N_COL, 2 * p.low_latency.n);
    for (uint32_t i = 0; i < p.low_latency.n; i++)
        if (run_low_latency(run, &p, i, t, diag))
            return -1;
    if (p.low_latency.n)
        add_metrics(run, t, &p.low_latency, "low_latency", "slowest low-latency kernel");
    if (moe_kernels_run(run, diag))
        return -1;
    if (p.normal.n + p.low_latency.n)
        note_kernels(run);
    return 0;
}

static const char *const headlines[] = {"low_latency_dispatch_time", "normal_dispatch_time", NULL};

const struct scenario_kind kind_moe_exchange = {
    .name = "moe_exchange",
    .doc = "dispatch and combine of expert parallelism alone, as DeepEP benchmarks them",
    .ref = "5.1.2",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys,
             .only = READS_NETWORK
             " ep_kernel -ep_kernel.latency_kernel -ep_kernel.throughput_kernel -ep_kernel.barrier "
             "-ep_kernel.offload.cast -ep_kernel.offload.layout software.launch "
             "software.network_step software.message software.ibgda_message chip.sms chip.memory_bandwidth chip.clock "
             "kernels.pass.copy kernels.measured_on.memory_bandwidth kernels.launch_gap node.unified_adapter "
             "node.host_gpus"},
            {.keys = &moe_keys},
            {.keys = &expert_load_keys},
            {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.topology",
             .condition = "moe.normal.gpus!= | moe.exchange.gpus!= | moe.low_latency.topology="},
            {.keys = "moe.routing.groups", .why = "each node is a group of experts"},
            {.keys = "moe.routing.rank_load_cv moe.routing.tokens_per_rank", .condition = "moe.normal.gpus!="},
            {.keys = "moe.routing.groups_per_token", .condition = "moe.normal.gpus!= | moe.exchange.gpus!="},
            {0}},
    .networks = "moe.low_latency.topology",
    .headlines = headlines,
    .check = check,
    .run = run_exchange,
};
