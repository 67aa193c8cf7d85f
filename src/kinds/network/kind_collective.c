/* Kind collective: one operation over a range of sizes, numbers of GPUs and networks (paper 5.1.2,
 * Figures 5 and 6).
 *
 * Bandwidths are those of nccl-tests (doc/PERFORMANCE.md there): algbw = size / time; busbw = algbw times
 * what a rank must send per byte of size, so that it compares with a link. For an all-to-all among whole
 * nodes only (N - 1) / N of the bytes leave a node; its busbw tends to N / (N - 1) times a NIC. */
#include <math.h>

#include "base/progress.h"
#include "kinds/network/jobs.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "topology/symmetry.h"
#include "kinds/network/collective_cfg.h"
#include "kinds/reads.h"

#define KEY "collective."
enum { MAX_RUNS = 100000 };

struct plan {
    const char **topologies;
    uint32_t *gpus, n_topologies, n_gpus, n_sizes;
};

static uint32_t count_sizes(const struct collective_cfg *c)
{
    uint32_t n = 0;
    for (double size_B = c->from_B; size_B <= c->to_B; size_B *= 2)
        n++;
    return n;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct collective_cfg *c = collective_cfg(file->scenario);
    p->n_sizes = count_sizes(c);
    if (list_gpus(file, KEY "gpus", c->gpus, arena, &p->gpus, &p->n_gpus, diag))
        return -1;
    return list_topologies(file, KEY "topologies", c->topologies, p->gpus, p->n_gpus, arena, &p->topologies,
                           &p->n_topologies, diag);
}

/* Everyone sends alike, nothing is drawn or broken: what symmetry: exact asks for. */
static void check_symmetry(const struct scenario_file *file, struct diag *diag)
{
    const struct collective_cfg *c = collective_cfg(file->scenario);
    const struct cluster_hw *hw = &file->scenario->cluster;
    const char *lacks = NULL;
    bool direct = c->job.algorithm == COLLECTIVE_AUTO || c->job.algorithm == COLLECTIVE_DIRECT;
    if (c->symmetry != SYMMETRY_EXACT)
        return;
    if (c->job.operation != COLLECTIVE_ALL_TO_ALL || !direct)
        lacks = "collective.operation all_to_all, algorithm direct";
    else if (c->job.group || c->job.receiver_cv_ratio > 0)
        lacks = "all GPUs in one group (collective.group: 0) and equal receivers (receiver_cv: 0)";
    else if (topology_routing(hw).policy != ROUTING_STATIC)
        lacks = "cluster.network.routing.policy: static";
    else if (*hw->faults.down)
        lacks = "a network without cluster.faults";
    if (lacks)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "symmetry"), "collective.symmetry: exact needs %s",
                   lacks);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct collective_cfg *c = collective_cfg(file->scenario);
    struct plan p;
    if (c->from_B > c->to_B)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "from"),
                   "collective.from is larger than collective.to");
    check_symmetry(file, diag);
    if (make_plan(file, arena, &p, diag))
        return;
    if ((double)p.n_topologies * p.n_gpus * p.n_sizes > MAX_RUNS)
        diag_error(diag, EXIT_LIMIT, scenario_place(file, "collective"), "more than %d simulations in one scenario",
                   MAX_RUNS);
    for (uint32_t i = 0; i < p.n_gpus; i++)
        job_check(file, "collective", &c->job, p.gpus[i], arena, diag);
}

enum { SIZE_NETWORK, SIZE_GPUS, SIZE_BYTES, SIZE_TIME, SIZE_MEAN, SIZE_ALGBW, SIZE_BUSBW, N_SIZE };
static const struct result_column size_columns[N_SIZE] = {
    {"network", DIM_COUNT, "topology", true},
    {"gpus", DIM_COUNT, "GPUs that take part", false},
    {"size", DIM_BYTES, "as nccl-tests counts: all_to_all: what one GPU sends to all", false},
    {"time", DIM_TIME, "from the call until the slowest group is done", false},
    {"mean_time", DIM_TIME, "the same, mean over groups", false},
    {"algbw", DIM_BANDWIDTH, "size / mean_time (nccl-tests)", false},
    {"busbw", DIM_BANDWIDTH, "algbw times (n-1)/n; all_reduce 2(n-1)/n; broadcast, send_recv 1 (nccl-tests)", false},
};

enum { TOP_NETWORK, TOP_GPUS, TOP_BUSBW, TOP_LIMIT, TOP_RATIO, TOP_DIFFERENCE, N_TOP };
static const struct result_column largest_columns[N_TOP] = {
    {"network", DIM_COUNT, "topology", true},
    {"gpus", DIM_COUNT, "GPUs that take part", false},
    {"busbw", DIM_BANDWIDTH, "at the largest size", false},
    {"limit", DIM_BANDWIDTH, "all_to_all among N whole nodes: N/(N-1) times the NIC's payload rate", false},
    {"of_limit", DIM_RATIO, "busbw / limit", false},
    {"difference", DIM_RATIO, "busbw / that of the first network - 1", false},
};

struct study {
    struct kind_run *run;
    const struct collective_cfg *cfg;
    struct plan plan;
    double *time_s;   /* [topology][gpus][size] */
    double optical_J; /* first network and number of GPUs, largest size */
    struct result_table *sizes;
};

static double *time_of(const struct study *s, uint32_t topology, uint32_t gpus, uint32_t size)
{
    return &s->time_s[(topology * s->plan.n_gpus + gpus) * s->plan.n_sizes + size];
}

static void add_size_row(struct study *s, const char *network, uint32_t gpus, double size_B, const struct job_groups *g)
{
    struct result_cell *row = result_add_row(s->sizes);
    double mean_s = job_mean_s(s->run, g);
    row[SIZE_NETWORK].text = network;
    row[SIZE_GPUS].value = gpus;
    row[SIZE_BYTES].value = size_B;
    row[SIZE_TIME].value = job_slowest_s(s->run, g);
    row[SIZE_MEAN].value = mean_s;
    row[SIZE_ALGBW].value = size_B / mean_s;
    row[SIZE_BUSBW].value = size_B / mean_s * collective_bus_factor(s->cfg->job.operation, g->members);
}

static int fold(const struct study *s, struct topology **topo, struct diag *diag)
{
    struct topology *quotient = ARENA_NEW(s->run->arena, struct topology);
    if (symmetry_quotient(*topo, quotient, s->run->arena, diag))
        return -1;
    *topo = quotient;
    return 0;
}

/* All sizes on one network. */
static int run_sizes(struct study *s, uint32_t topology, uint32_t gpus, struct diag *diag)
{
    struct cluster_hw *hw = ARENA_NEW(s->run->arena, struct cluster_hw);
    struct topology *topo;
    *hw = s->run->file->scenario->cluster;
    hw->topology = s->plan.topologies[topology];
    hw->nodes = s->plan.gpus[gpus] / hw->node.gpus;
    bool folded = s->cfg->symmetry == SYMMETRY_EXACT;
    if (kind_topology(s->run, hw, &topo, diag) || (folded && fold(s, &topo, diag)))
        return -1;
    double size_B = s->cfg->from_B;
    for (uint32_t i = 0; i < s->plan.n_sizes; i++, size_B *= 2) {
        kind_begin(s->run, topo);
        struct job_groups g = folded ? job_build_folded(s->run, hw, &s->cfg->job, size_B)
                                     : job_build(s->run, hw, &s->cfg->job, size_B, 0, NULL);
        if (kind_simulate(s->run, topo, hw, diag))
            return -1;
        add_size_row(s, hw->topology, s->plan.gpus[gpus], size_B, &g);
        *time_of(s, topology, gpus, i) = job_mean_s(s->run, &g);
        if (!topology && !gpus && !folded)
            s->optical_J = kind_optical_J(s->run, topo, hw);
    }
    return 0;
}

/* --- summary -------------------------------------------------------------------------------------------- */

static double busbw_at_largest(const struct study *s, uint32_t topology, uint32_t gpus)
{
    const struct collective_job *job = &s->cfg->job;
    uint32_t n = job->group ? (uint32_t)job->group : s->plan.gpus[gpus];
    double size_B = ldexp(s->cfg->from_B, (int)s->plan.n_sizes - 1);
    return size_B / *time_of(s, topology, gpus, s->plan.n_sizes - 1) * collective_bus_factor(job->operation, n);
}

/* NaN where no simple limit is known. */
static double nic_limit_Bps(const struct study *s, uint32_t gpus)
{
    const struct cluster_hw *hw = &s->run->file->scenario->cluster;
    double nodes = s->plan.gpus[gpus] / (double)hw->node.gpus;
    if (s->cfg->job.operation != COLLECTIVE_ALL_TO_ALL || s->cfg->job.group || nodes < 2)
        return NAN;
    return nodes / (nodes - 1) * hw_nic_payload_Bps(hw);
}

static void add_largest(struct study *s)
{
    const struct plan *p = &s->plan;
    struct result_table *t =
        result_add_table(&s->run->result, s->run->arena, "largest", "bandwidth at the largest size", largest_columns,
                         N_TOP, p->n_gpus * p->n_topologies);
    for (uint32_t g = 0; g < p->n_gpus; g++)
        for (uint32_t i = 0; i < p->n_topologies; i++) {
            struct result_cell *row = result_add_row(t);
            double busbw_Bps = busbw_at_largest(s, i, g);
            row[TOP_NETWORK].text = p->topologies[i];
            row[TOP_GPUS].value = p->gpus[g];
            row[TOP_BUSBW].value = busbw_Bps;
            row[TOP_LIMIT].value = nic_limit_Bps(s, g);
            row[TOP_RATIO].value = busbw_Bps / nic_limit_Bps(s, g);
            row[TOP_DIFFERENCE].value = busbw_Bps / busbw_at_largest(s, 0, g) - 1;
        }
}

/* Largest |time / that of the first network - 1| over sizes first_size to the last. */
static double worst_difference(const struct study *s, uint32_t first_size)
{
    double worst = 0;
    for (uint32_t i = 1; i < s->plan.n_topologies; i++)
        for (uint32_t g = 0; g < s->plan.n_gpus; g++)
            for (uint32_t k = first_size; k < s->plan.n_sizes; k++)
                worst = fmax(worst, fabs(*time_of(s, i, g, k) / *time_of(s, 0, g, k) - 1));
    return worst;
}

static void add_metrics(struct study *s)
{
    struct kind_run *run = s->run;
    struct result_metric *m =
        result_add_metric(&run->result, run->arena, "largest_busbw", busbw_at_largest(s, 0, 0), DIM_BANDWIDTH,
                          "busbw of the first network at the largest size", "busbw = size / time * bus factor");
    result_add_input(m, run->arena, "time", *time_of(s, 0, 0, s->plan.n_sizes - 1), DIM_TIME, "this run");
    result_add_input(m, run->arena, "NIC bandwidth", run->file->scenario->cluster.nic.bandwidth_Bps, DIM_BANDWIDTH,
                     "cluster.nic.bandwidth");
    m = result_add_metric(&run->result, run->arena, "smallest_time", *time_of(s, 0, 0, 0), DIM_TIME,
                          "time of the first network at the smallest size: latency",
                          "launch + messages posted one after the other + latency of the path");
    result_add_input(m, run->arena, "launch", run->file->scenario->cluster.software.launch_s, DIM_TIME,
                     "cluster.software.launch");
    const struct hw_software *sw = &run->file->scenario->cluster.software;
    bool ibgda = sw->initiator == INITIATOR_IBGDA;
    result_add_input(m, run->arena, "software of a network message", hw_step_s(sw, sw->initiator), DIM_TIME,
                     ibgda ? "cluster.software.ibgda_step" : "cluster.software.network_step");
    result_add_input(m, run->arena, "posting of a message", hw_message_s(sw, sw->initiator), DIM_TIME,
                     ibgda ? "cluster.software.ibgda_message" : "cluster.software.message");
    if (s->optical_J > 0)
        result_add_metric(&run->result, run->arena, "optical_energy", s->optical_J, DIM_ENERGY,
                          "modules of optical cables, first network at the largest size",
                          "bits on cables between switches * cluster.network.optical_energy");
    if (s->plan.n_topologies < 2)
        return;
    result_add_metric(&run->result, run->arena, "network_difference_any_size", worst_difference(s, 0), DIM_RATIO,
                      "largest difference of time from the first network, at any size",
                      "max |time / time of the first network - 1|");
    result_add_metric(&run->result, run->arena, "network_difference_largest", worst_difference(s, s->plan.n_sizes - 1),
                      DIM_RATIO, "the same at the largest size", "max |time / time of the first network - 1|");
}

static int run_collective(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {.run = run, .cfg = collective_cfg(sc)};
    if (make_plan(run->file, run->arena, &s.plan, diag))
        return -1;
    size_t runs = (size_t)s.plan.n_topologies * s.plan.n_gpus * s.plan.n_sizes;
    s.time_s = ARENA_ARRAY(run->arena, double, runs);
    run->result.kind = "collective";
    run->result.setting = arena_printf(
        run->arena, "%s by %s, %lld %s per node", collective_operation_names[s.cfg->job.operation],
        collective_algorithm_names[s.cfg->job.algorithm], (long long)sc->cluster.node.gpus, sc->cluster.chip.name);
    s.sizes = result_add_table(&run->result, run->arena, "sizes", "time and bandwidth by size", size_columns, N_SIZE,
                               (uint32_t)runs);
    progress_begin("simulating");
    for (uint32_t g = 0; g < s.plan.n_gpus; g++)
        for (uint32_t i = 0; i < s.plan.n_topologies; i++)
            if (run_sizes(&s, i, g, diag))
                return -1;
    s.sizes = NULL; /* moves when tables are added */
    add_largest(&s);
    add_metrics(&s);
    if (s.cfg->job.algorithm == COLLECTIVE_AUTO && s.cfg->job.operation == COLLECTIVE_ALL_REDUCE)
        result_add_note(&run->result, run->arena,
                        "auto takes trees where a closed form of both says that they are faster than a ring, as NCCL "
                        "does by a table of its own: where it changes over may differ");
    result_add_note(&run->result, run->arena,
                    "nothing is fitted to these curves: cluster.software holds NCCL's own latency "
                    "figures, cluster.nic.efficiency the bandwidth that NVIDIA quotes");
    return 0;
}

static bool has_topology(const struct scenario *s)
{
    return list_has_topology(collective_cfg(s)->topologies, s);
}

static bool has_gpus(const struct scenario *s)
{
    return list_is_cluster(collective_cfg(s)->gpus, s);
}

static const char *const headlines[] = {"smallest_time", NULL};

const struct scenario_kind kind_collective = {
    .name = "collective",
    .doc = "a collective operation over sizes, numbers of GPUs and networks",
    .ref = "5.1.2",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys, .only = READS_NETWORK " node.unified_adapter software network.optical_energy"},
            {.keys = &collective_keys},
            {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.software.ibgda_step cluster.software.ibgda_message",
             .condition = "cluster.software.initiator=ibgda"},
            {.keys = "cluster.software.network_step cluster.software.message",
             .condition = "cluster.software.initiator=cpu_proxy"},
            {.keys = "sim.seed",
             .condition =
                 "collective.receiver_cv>0 | cluster.network.routing.policy!=static,auto | sim.network=packet"},
            {.keys = "cluster.topology", .condition = "collective.topologies=", .agrees = has_topology},
            {.keys = "cluster.nodes", .condition = "collective.gpus=", .agrees = has_gpus},
            {0}},
    .networks = "collective.topologies",
    .headlines = headlines,
    .check = check,
    .run = run_collective,
};
