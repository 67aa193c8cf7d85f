/* Kind kv_contention: the exchanges of decoding beside KV caches that travel between CPU and GPU (paper 4.5).
 *
 * Each GPU runs layers: attention, dispatch, experts, combine (low-latency kernels, one micro-batch, so that a late
 * exchange delays the next layer). Caches are loaded and stored by copy engines, one at a time per GPU and direction;
 * requests come at random times (Poisson) with the configured mean demand. The same layers run without and with the
 * caches. What they share is PCIe into and out of the GPU, and the CPU's memory (models/comm/host_links.c).
 *
 * A PCIe switch takes turns between its ports: one cache weighs as much as all that a GPU receives in an exchange. With
 * traffic classes (cluster.traffic) the better one is served first, strictly. */
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/rng.h"
#include "base/stats.h"
#include "models/comm/deepep_ll.h"
#include "models/comm/ep_exchange.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/machine/kv_cfg.h"
#include "kinds/reads.h"

/* Caches come for so many times what the layers take alone. */
static const double HORIZON = 3;

struct study {
    struct kind_run *run;
    const struct kv_cfg *cfg;
    const struct cluster_hw *hw;
    struct topology *topo;
    uint32_t n;                 /* GPUs */
    uint32_t *exchange[2];      /* [combine]: [layers][n] ops */
    uint32_t *caches, n_caches; /* ops */
    double quiet_s;             /* all layers, without caches; 0 = not known yet */
};

static struct ep_call call_of(const struct cluster_hw *hw, const struct kv_cfg *c, const struct ep_traffic *t,
                              bool combine)
{
    const struct hw_ep_kernel *k = &hw->ep_kernel;
    return (struct ep_call){.hw = hw,
                            .traffic = t,
                            .phase = combine ? EP_COMBINE : EP_DISPATCH,
                            .tokens = (double)c->tokens,
                            .hidden = c->hidden,
                            .top_k = c->experts_per_token,
                            .experts = c->experts,
                            .sms = (double)k->sms,
                            .format = combine ? k->combine_format : k->dispatch_format,
                            .loopback = c->loopback};
}

static struct ep_traffic group_of(const struct cluster_hw *hw, uint32_t n)
{
    struct ep_group group = {.ranks = n, .gpus_per_node = (uint32_t)hw->node.gpus};
    return (struct ep_traffic){.group = group, .nodes = ep_node(&group, n - 1) + 1, .per_node = group.gpus_per_node};
}

static void check_kernel(const struct scenario_file *file, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    const struct ep_kernel_type *k = ep_kernel_of(&s->cluster.ep_kernel, true);
    struct ep_traffic t = group_of(&s->cluster, (uint32_t)(s->cluster.nodes * s->cluster.node.gpus));
    struct ep_call call = call_of(&s->cluster, kv_cfg(s), &t, false);
    struct ep_exchange x;
    char why[300];
    if (ep_misfit(k, &call, why, sizeof why)) {
        REPORT("cluster.ep_kernel.kernel", "%s: %s", k->name, why);
        return;
    }
    ep_exchange_cost(&x, k, &call);
    if (x.cost.copies != EP_A_COPY_A_PAIR)
        REPORT("cluster.ep_kernel.kernel",
               "%s sends a token once for several experts; this kind counts messages of tokens and experts, as "
               "deepep_low_latency sends them",
               k->name);
    if (kv_cfg(s)->loopback && !k->loops)
        REPORT("kv.loopback", "%s uses NVLink inside a node; leave it out", k->name);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    int64_t gpus = s->cluster.nodes * s->cluster.node.gpus;
    (void)arena;
    if (kv_cfg(s)->experts % gpus)
        REPORT("kv.experts", "%lld experts do not divide among %lld GPUs", (long long)kv_cfg(s)->experts,
               (long long)gpus);
    if (kv_cfg(s)->experts_per_token > kv_cfg(s)->experts)
        REPORT("kv.experts_per_token", "a token cannot choose %lld of %lld experts",
               (long long)kv_cfg(s)->experts_per_token, (long long)kv_cfg(s)->experts);
    if (!topology_nics_meet(&s->cluster))
        REPORT("cluster.topology",
               "tokens go from any NIC to any other; the planes of %s are apart: choose mrft or another network",
               s->cluster.topology);
    if (s->sim.network != NET_FLOW)
        REPORT("sim.network", "only network 'flow' has traffic classes, not '%s'", net_kind_names[s->sim.network]);
    if (!diag_failed(diag))
        check_kernel(file, diag);
}

/* --- layers --------------------------------------------------------------------------------------------- */

static uint32_t add_op(struct study *s, struct op op, const char *name)
{
    op.sync_group = OP_NONE;
    op.name = op.class_name = opgraph_string(s->run->graph, name);
    op.phase = opgraph_string(s->run->graph, "");
    return opgraph_add(s->run->graph, &op);
}

/* Of a low-latency kernel beside its transfers. */
static double own_s(const struct study *s, bool combine)
{
    struct ep_traffic t = group_of(s->hw, s->n);
    struct ep_call call = call_of(s->hw, s->cfg, &t, combine);
    struct ep_exchange x;
    ep_exchange_cost(&x, ep_kernel_of(&s->hw->ep_kernel, true), &call);
    return x.cost.start_s + x.cost.end_s;
}

static void add_layers(struct study *s)
{
    size_t n = (size_t)s->cfg->layers * s->n;
    s->exchange[0] = ARENA_ARRAY(s->run->scratch, uint32_t, n);
    s->exchange[1] = ARENA_ARRAY(s->run->scratch, uint32_t, n);
    for (uint32_t gpu = 0; gpu < s->n; gpu++) {
        uint32_t lane = opgraph_lane(s->run->graph);
        for (int64_t layer = 0; layer < s->cfg->layers; layer++)
            for (int combine = 0; combine < 2; combine++) {
                add_op(s,
                       (struct op){.kind = OP_COMPUTE,
                                   .lane = lane,
                                   .device = gpu,
                                   .work_s = combine ? s->cfg->experts_s : s->cfg->attention_s},
                       combine ? "experts" : "attention");
                s->exchange[combine][(size_t)layer * s->n + gpu] =
                    add_op(s, (struct op){.kind = OP_COMM, .lane = lane, .device = gpu, .lead_s = own_s(s, combine)},
                           combine ? "combine" : "dispatch");
            }
    }
}

static void add_exchanges(struct study *s, const struct host_links *host)
{
    const struct kv_cfg *c = s->cfg;
    struct ep_traffic to = group_of(s->hw, s->n);
    struct ep_exchange x[2];
    struct ll_traffic traffic;
    for (int combine = 0; combine < 2; combine++) {
        struct ep_call call = call_of(s->hw, s->cfg, &to, combine);
        ep_exchange_init(&x[combine], s->run->graph, ep_kernel_of(&s->hw->ep_kernel, true), &call, combine ? x : NULL,
                         s->run->scratch);
        x[combine].host = host;
    }
    for (int64_t layer = 0; layer < c->layers; layer++) {
        ll_sample(s->n, (uint32_t)c->tokens, (uint32_t)c->experts, (uint32_t)c->experts_per_token,
                  (uint64_t)s->run->file->scenario->sim.seed * 1000003u + (uint64_t)layer, s->run->scratch, &traffic);
        to.pairs = traffic.pairs;
        for (int combine = 0; combine < 2; combine++) {
            const uint32_t *op = s->exchange[combine] + (size_t)layer * s->n;
            ep_exchange_move(&x[combine], &to, &(struct ep_ends){op, op, op});
        }
    }
}

/* --- caches --------------------------------------------------------------------------------------------- */

/* Requests of one GPU and direction: each waits for its time and for the one before it. */
static void add_stream(struct study *s, const struct host_links *host, uint32_t gpu, bool to_gpu, double rate_Bps)
{
    const struct kv_cfg *c = s->cfg;
    uint32_t clock = opgraph_lane(s->run->graph), engine = opgraph_lane(s->run->graph);
    double weight = (double)(c->tokens * c->experts_per_token), mean_s = c->load_B / rate_Bps, now_s = 0;
    gsl_rng *rng = rng_stream((uint64_t)s->run->file->scenario->sim.seed, gpu, to_gpu ? "KV loads" : "KV stores");
    for (;;) {
        double wait_s = gsl_ran_exponential(rng, mean_s);
        now_s += wait_s;
        if (now_s > HORIZON * s->quiet_s)
            break;
        uint32_t arrival =
            add_op(s, (struct op){.kind = OP_COMPUTE, .lane = clock, .device = gpu, .work_s = wait_s}, "request");
        uint32_t copy =
            add_op(s, (struct op){.kind = OP_COMM, .lane = engine, .device = gpu}, to_gpu ? "KV load" : "KV store");
        opgraph_dep(s->run->graph, arrival, copy);
        host_copy(host, gpu, to_gpu, c->load_B, weight, copy);
        s->caches[s->n_caches++] = copy;
    }
    gsl_rng_free(rng);
}

static void add_caches(struct study *s, const struct host_links *host)
{
    const struct kv_cfg *c = s->cfg;
    double expected = HORIZON * s->quiet_s * (c->load_Bps + c->store_Bps) / c->load_B;
    s->caches = ARENA_ARRAY(s->run->scratch, uint32_t, (size_t)(s->n * (10 * expected + 100)));
    for (uint32_t gpu = 0; gpu < s->n; gpu++) {
        if (c->load_Bps > 0)
            add_stream(s, host, gpu, true, c->load_Bps);
        if (c->store_Bps > 0)
            add_stream(s, host, gpu, false, c->store_Bps);
    }
}

/* --- one run --------------------------------------------------------------------------------------------- */

struct timing {
    double step_s;            /* all layers, of the slowest GPU */
    struct stats exchange[2]; /* [combine], over layers and GPUs */
    double p99_s[2];
    double copied_Bps, load_s; /* caches that came while layers ran, per GPU; mean time of one */
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_exchanges(const struct study *s, struct timing *t)
{
    const struct sim_outcome *o = &s->run->outcome;
    size_t n = (size_t)s->cfg->layers * s->n;
    double *took_s = ARENA_ARRAY(s->run->scratch, double, n);
    for (int combine = 0; combine < 2; combine++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t op = s->exchange[combine][i];
            took_s[i] = o->op_end_s[op] - o->op_start_s[op];
            t->step_s = fmax(t->step_s, o->op_end_s[op]);
        }
        t->exchange[combine] = stats_of(took_s, n);
        qsort(took_s, n, sizeof *took_s, ascending);
        t->p99_s[combine] = took_s[(size_t)(0.99 * (double)(n - 1))];
    }
}

static void time_caches(const struct study *s, struct timing *t)
{
    const struct sim_outcome *o = &s->run->outcome;
    double bytes_B = 0, sum_s = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_caches; i++) {
        double start_s = o->op_start_s[s->caches[i]], end_s = o->op_end_s[s->caches[i]];
        if (start_s >= t->step_s)
            continue;
        bytes_B += s->cfg->load_B * fmin(1, (t->step_s - start_s) / (end_s - start_s));
        sum_s += end_s - start_s;
        n++;
    }
    t->copied_Bps = bytes_B / t->step_s / s->n;
    t->load_s = n ? sum_s / n : NAN;
}

static int run_once(struct study *s, bool caches, struct timing *t, struct diag *diag)
{
    struct host_links host;
    *t = (struct timing){0};
    s->n_caches = 0;
    kind_begin(s->run, s->topo);
    host_links_init(&host, s->run->graph, s->hw, s->n, s->run->scratch);
    add_layers(s);
    add_exchanges(s, &host);
    if (caches)
        add_caches(s, &host);
    if (kind_simulate(s->run, s->topo, s->hw, diag))
        return -1;
    time_exchanges(s, t);
    time_caches(s, t);
    return 0;
}

/* --- result ----------------------------------------------------------------------------------------------- */

enum {
    COL_WHAT,
    COL_STEP,
    COL_SLOWER,
    COL_DISPATCH,
    COL_DISPATCH_99,
    COL_COMBINE,
    COL_COMBINE_99,
    COL_WORST,
    COL_COPIED,
    COL_CACHE,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"traffic", DIM_COUNT, "what runs", true},
    {"step", DIM_TIME, "all layers, of the slowest GPU", false},
    {"slower", DIM_RATIO, "over the step alone", false},
    {"dispatch", DIM_TIME, "median over layers and GPUs", false},
    {"dispatch_p99", DIM_TIME, "99th percentile", false},
    {"combine", DIM_TIME, "median", false},
    {"combine_p99", DIM_TIME, "99th percentile", false},
    {"worst", DIM_TIME, "longest exchange of all", false},
    {"copied", DIM_BANDWIDTH, "caches between CPU and GPU while the layers run, per GPU", false},
    {"cache", DIM_TIME, "mean time of one cache", false},
};

static void fill_row(struct result_table *table, const char *what, const struct timing *t, const struct timing *quiet)
{
    struct result_cell *row = result_add_row(table);
    row[COL_WHAT].text = what;
    row[COL_STEP].value = t->step_s;
    row[COL_SLOWER].value = t->step_s / quiet->step_s;
    row[COL_DISPATCH].value = t->exchange[0].median;
    row[COL_DISPATCH_99].value = t->p99_s[0];
    row[COL_COMBINE].value = t->exchange[1].median;
    row[COL_COMBINE_99].value = t->p99_s[1];
    row[COL_WORST].value = fmax(t->exchange[0].max, t->exchange[1].max);
    row[COL_COPIED].value = t->copied_Bps;
    row[COL_CACHE].value = t->load_s;
}

static void add_metrics(struct kind_run *run, const struct timing *quiet, const struct timing *busy)
{
    struct result_metric *m = result_add_metric(&run->result, run->arena, "step_time", busy->step_s, DIM_TIME,
                                                "all layers beside caches", "end of the last combine");
    result_add_input(m, run->arena, "PCIe", run->file->scenario->cluster.node.pcie_Bps, DIM_BANDWIDTH,
                     "cluster.node.pcie_bandwidth");
    result_add_metric(&run->result, run->arena, "step_slower", busy->step_s / quiet->step_s, DIM_RATIO,
                      "what caches cost the layers", "step_time / the same without caches");
    result_add_metric(&run->result, run->arena, "dispatch_p99", busy->p99_s[0], DIM_TIME,
                      "dispatch beside caches, 99th percentile over layers and GPUs", "of end - start");
    result_add_metric(&run->result, run->arena, "combine_p99", busy->p99_s[1], DIM_TIME,
                      "combine beside caches, 99th percentile over layers and GPUs", "of end - start");
    result_add_metric(&run->result, run->arena, "spike", busy->p99_s[0] / quiet->exchange[0].median, DIM_RATIO,
                      "latency spike: 99th percentile of a dispatch beside caches over the median alone",
                      "dispatch_p99 / median without caches");
    result_add_metric(&run->result, run->arena, "cache_bandwidth", busy->copied_Bps, DIM_BANDWIDTH,
                      "caches that come while the layers run, per GPU", "bytes / step_time");
    result_add_metric(&run->result, run->arena, "cache_time", busy->load_s, DIM_TIME, "mean time of one cache",
                      "from its turn on the copy engine to its end");
}

/* Only what is exchanged follows the hardware. */
static void note_computation(struct kind_run *run)
{
    static const char *const keys[] = {"kv.attention", "kv.expert_time"};
    const struct kv_cfg *c = kv_cfg(run->file->scenario);
    const char *chip = run->file->scenario->cluster.chip.name, *whose = "";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!cfg_is_own(run->file->cfg, keys[i]) && strcmp(chip, "H800") != 0)
            whose = arena_printf(run->arena, ", here an H800's: give what kind inference finds for the %s", chip);
    result_add_note(
        &run->result, run->arena,
        arena_printf(run->arena,
                     "computation does not depend on the chip: a layer computes %.4g us before its dispatch "
                     "(kv.attention) and %.4g us before its combine (kv.expert_time)%s",
                     1e6 * c->attention_s, 1e6 * c->experts_s, whose));
}

static int run_kv(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {.run = run, .cfg = kv_cfg(sc), .hw = &sc->cluster};
    struct timing quiet, busy;
    if (kind_topology(run, s.hw, &s.topo, diag))
        return -1;
    s.n = s.topo->n_endpoints;
    run->result.kind = "kv_contention";
    progress_begin("simulating");
    if (run_once(&s, false, &quiet, diag))
        return -1;
    s.quiet_s = quiet.step_s;
    if (run_once(&s, true, &busy, diag))
        return -1;
    struct result_table *t = result_add_table(
        &run->result, run->arena, "traffic",
        arena_printf(run->arena, "%lld layers of decoding, without and beside KV caches", (long long)s.cfg->layers),
        columns, N_COL, 2);
    fill_row(t, "layers alone", &quiet, &quiet);
    fill_row(t, "beside caches", &busy, &quiet);
    add_metrics(run, &quiet, &busy);
    result_add_note(&run->result, run->arena,
                    "a PCIe switch takes turns between NIC and CPU; PCIe's own queues are not modelled, so bursts are "
                    "shared as soon as they begin");
    note_computation(run);
    return 0;
}

const struct scenario_kind kind_kv_contention = {
    .name = "kv_contention",
    .doc = "exchanges of decoding beside KV caches between CPU and GPU",
    .ref = "4.5",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys,
                                          .only = READS_NETWORK
                                          " " READS_EXCHANGES " -ep_kernel.throughput_kernel -software.ibgda_step"
                                          " node.host -node.host.clock -node.host.launch_cycles "
                                          "-node.host.cores_per_gpu -node.host.threads_per_gpu traffic.kv_cache"},
                                         {.keys = &kv_keys},
                                         {0}},
    .needs = (const struct kind_needs[]){NEEDS_OF_POSTING(""), NEEDS_OF_LATENCY, {0}},
    .check = check,
    .run = run_kv,
};
