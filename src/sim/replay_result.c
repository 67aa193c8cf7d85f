/* Analysis of a replay, on the reference rank and in its window: from its first kernel
 * to its last.
 *
 * The recorded trace and the simulated run go through the same code, so that a recorded
 * value beside a simulated one always means the same thing. Time is split by what was
 * active: compute streams, the communication stream, both or none; communication that
 * nothing hides is exposed, and is split again into waiting at barriers and everything
 * else (transfers, casts and layout kernels). Gaps between small kernels count as not
 * active, which is why a trace shows some exposed communication even where no kernel
 * waited for it. */
#include "sim/replay_result.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/chunk_trace.h"

/* Metrics besides the two that each phase may have. */
enum { FIXED_METRICS = 16, MAX_INPUTS = 8, MAX_NOTES = 4 };

struct span { /* a kernel in time, recorded or simulated */
    double start_s, end_s;
    uint8_t comm, wait;
};

/* Parts of a window. They add up to it: idle is what remains. */
struct account {
    double makespan_s, compute_alone_s, both_s, exposed_transfer_s, exposed_wait_s,
        idle_s;
    double barrier_s; /* length of all barriers, hidden or not */
};

struct edge {
    double time_s;
    int8_t compute, comm, wait;
};

struct analysis {
    const struct trace *trace;
    const struct replay_cfg *cfg;
    const struct cluster_hw *hw;
    const struct opgraph *graph;
    const struct replay_info *info;
    const struct sim_outcome *outcome;
    struct arena *arena;
    struct result *out;
    struct span *recorded;  /* [trace's n_kernels] */
    struct span *simulated; /* [program's n_kernels] */
    uint32_t *phase_of;     /* [program's n_phases] the trace's phase of that name; TRACE_NONE */
    struct account was, is;
};

/* --- the window
 * -------------------------------------------------------------------------------- */

static uint8_t collective_of(const struct trace *t, uint32_t kernel)
{
    return t->classes[t->kernels[kernel].class_id].collective;
}

static void record_spans(struct analysis *a)
{
    uint32_t n = a->trace->n_kernels;
    uint8_t *comm = chunk_trace_comm_streams(a->trace, a->arena);

    a->recorded = ARENA_ARRAY(a->arena, struct span, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct trace_kernel *k = &a->trace->kernels[i];
        double start_s = k->start_s - a->trace->kernels[0].start_s;
        a->recorded[i] = (struct span){start_s, start_s + k->duration_s, comm[k->stream],
                                       collective_of(a->trace, i) == COLL_NOTIFY};
    }
}

static void simulate_spans(struct analysis *a)
{
    const struct chunk_program *p = a->info->program;
    double origin_s = INFINITY;

    a->simulated = ARENA_ARRAY(a->arena, struct span, p->n_kernels);
    for (uint32_t i = 0; i < p->n_kernels; i++)
        origin_s = fmin(origin_s, a->outcome->op_start_s[a->info->op_of_kernel[i]]);
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        uint32_t op = a->info->op_of_kernel[i];
        a->simulated[i] = (struct span){a->outcome->op_start_s[op] - origin_s,
                                        a->outcome->op_end_s[op] - origin_s,
                                        a->info->comm_stream[p->kernels[i].stream],
                                        p->kernels[i].collective == COLL_NOTIFY};
    }
}

static void match_phases(struct analysis *a)
{
    const struct chunk_program *p = a->info->program;

    a->phase_of = ARENA_ARRAY(a->arena, uint32_t, p->n_phases);
    for (uint32_t i = 0; i < p->n_phases; i++) {
        a->phase_of[i] = TRACE_NONE;
        for (uint32_t t = 0; t < a->trace->n_phases; t++)
            if (!strcmp(p->phases[i], a->trace->phases[t]))
                a->phase_of[i] = t;
    }
}

/* The trace's phase of a kernel that ran; TRACE_NONE. */
static uint32_t phase_ran(const struct analysis *a, uint32_t kernel)
{
    uint32_t phase = a->info->program->kernels[kernel].phase;

    return phase == CHUNK_NONE ? TRACE_NONE : a->phase_of[phase];
}

static int by_time(const void *x, const void *y)
{
    double a = ((const struct edge *)x)->time_s, b = ((const struct edge *)y)->time_s;

    return (a > b) - (a < b);
}

static struct account add_up(const struct span *spans, uint32_t n, struct arena *arena)
{
    struct edge *edges = ARENA_ARRAY(arena, struct edge, 2 * (size_t)n);
    struct account sum = {0};
    int compute = 0, comm = 0, wait = 0;

    for (uint32_t i = 0; i < n; i++) {
        int8_t is_comm = (int8_t)spans[i].comm, is_wait = (int8_t)spans[i].wait;
        int8_t is_compute = (int8_t)!is_comm;
        edges[2 * i] = (struct edge){spans[i].start_s, is_compute, is_comm, is_wait};
        edges[2 * i + 1] = (struct edge){spans[i].end_s, (int8_t)-is_compute,
                                         (int8_t)-is_comm, (int8_t)-is_wait};
        sum.makespan_s = fmax(sum.makespan_s, spans[i].end_s);
        sum.barrier_s += is_wait ? spans[i].end_s - spans[i].start_s : 0;
    }
    qsort(edges, 2 * (size_t)n, sizeof *edges, by_time);
    for (uint32_t i = 0; i + 1 < 2 * n; i++) {
        double length_s = edges[i + 1].time_s - edges[i].time_s;
        compute += edges[i].compute;
        comm += edges[i].comm;
        wait += edges[i].wait;
        if (compute && comm)
            sum.both_s += length_s;
        else if (compute)
            sum.compute_alone_s += length_s;
        else if (comm && wait)
            sum.exposed_wait_s += length_s;
        else if (comm)
            sum.exposed_transfer_s += length_s;
    }
    sum.idle_s = sum.makespan_s - sum.compute_alone_s - sum.both_s -
                 sum.exposed_transfer_s - sum.exposed_wait_s;
    return sum;
}

/* --- metrics
 * -----------------------------------------------------------------------------------
 */

static struct result_metric *add_metric(struct analysis *a, const char *name,
                                        double value, enum unit_dim dim,
                                        double recorded, const char *doc,
                                        const char *formula)
{
    BUG_IF(a->out->n_metrics == FIXED_METRICS + 2 * a->trace->n_phases);
    struct result_metric *m = &a->out->metrics[a->out->n_metrics++];

    *m = (struct result_metric){.name = name,
                                .value = value,
                                .dim = dim,
                                .doc = doc,
                                .formula = formula,
                                .recorded = recorded};
    m->inputs = ARENA_ARRAY(a->arena, struct result_input, MAX_INPUTS);
    return m;
}

static void add_input(struct result_metric *m, const char *name, double value,
                      enum unit_dim dim, const char *source)
{
    BUG_IF(m->n_inputs == MAX_INPUTS);
    m->inputs[m->n_inputs++] = (struct result_input){name, value, dim, source};
}

static void add_part(struct analysis *a, const char *name, double value_s,
                     const char *doc)
{
    a->out->parts[a->out->n_parts++] = (struct result_part){name, doc, value_s};
}

static void add_parts(struct analysis *a)
{
    a->out->parts = ARENA_ARRAY(a->arena, struct result_part, 5);
    add_part(a, "compute_alone", a->is.compute_alone_s,
             "compute kernels, no communication");
    add_part(a, "overlapped", a->is.both_s, "compute and communication at once");
    add_part(a, "exposed_transfer", a->is.exposed_transfer_s,
             "communication stream busy, no compute: dispatch, combine, cast and "
             "layout kernels");
    add_part(a, "exposed_wait", a->is.exposed_wait_s,
             "waiting for other ranks at a barrier, no compute");
    add_part(a, "idle", a->is.idle_s, "no kernel at all: launch gaps");
}

static double exposed(const struct account *t)
{
    return t->exposed_transfer_s + t->exposed_wait_s;
}

/* Those parts of the breakdown that the metric's formula names. */
static void parts_as_inputs(struct analysis *a, struct result_metric *m)
{
    for (uint32_t i = 0; i < a->out->n_parts; i++)
        if (strstr(m->formula, a->out->parts[i].name))
            add_input(m, a->out->parts[i].name, a->out->parts[i].value_s, DIM_TIME,
                      "this run");
}

static void add_time_metrics(struct analysis *a)
{
    const struct account *is = &a->is, *was = &a->was;
    struct result_metric *m;

    m = add_metric(
        a, "makespan", is->makespan_s, DIM_TIME, was->makespan_s,
        "first kernel to last kernel of the reference rank",
        "makespan = compute_alone + overlapped + exposed_transfer + exposed_wait + "
        "idle");
    parts_as_inputs(a, m);
    m = add_metric(a, "compute_active", is->compute_alone_s + is->both_s, DIM_TIME,
                   was->compute_alone_s + was->both_s,
                   "time with a kernel on a compute stream",
                   "compute_active = compute_alone + overlapped");
    parts_as_inputs(a, m);
    m = add_metric(a, "comm_active", is->both_s + exposed(is), DIM_TIME,
                   was->both_s + exposed(was),
                   "time with a kernel on the communication stream, barriers included",
                   "comm_active = overlapped + exposed_transfer + exposed_wait");
    parts_as_inputs(a, m);
    m = add_metric(a, "both_active", is->both_s, DIM_TIME, was->both_s,
                   "time in which computation hides communication",
                   "both_active = overlapped");
    parts_as_inputs(a, m);
    m = add_metric(a, "exposed_comm", exposed(is), DIM_TIME, exposed(was),
                   "communication that no computation hides",
                   "exposed_comm = exposed_transfer + exposed_wait");
    parts_as_inputs(a, m);
    m = add_metric(a, "exposed_comm_ratio", exposed(is) / is->makespan_s, DIM_RATIO,
                   exposed(was) / was->makespan_s,
                   "exposed communication over makespan",
                   "exposed_comm_ratio = exposed_comm / makespan");
    add_input(m, "exposed_comm", exposed(is), DIM_TIME, "this run");
    add_input(m, "makespan", is->makespan_s, DIM_TIME, "this run");
}

/* Barriers of all ranks: what imbalance costs on average. */
static double mean_barrier_s(const struct analysis *a)
{
    double sum_s = 0;

    for (uint32_t i = 0; i < a->graph->n_ops; i++)
        if (a->graph->ops[i].kind == OP_SYNC)
            sum_s += a->outcome->op_end_s[i] - a->outcome->op_start_s[i];
    return sum_s / a->info->n_ranks;
}

static void add_barrier_metrics(struct analysis *a)
{
    struct result_metric *m;

    m = add_metric(
        a, "barrier_wait", a->is.barrier_s, DIM_TIME, a->was.barrier_s,
        "all notify kernels of the reference rank, hidden or not",
        "barrier_wait = sum of (last arrival + barrier latency - own arrival)");
    add_input(m, "barrier latency", a->hw->ep_kernel.barrier_s, DIM_TIME,
              "cluster.ep_kernel.barrier");
    if (a->cfg->comm == REPLAY_RECORDED)
        return;
    m = add_metric(a, "barrier_wait_mean", mean_barrier_s(a), DIM_TIME, NAN,
                   "the same, averaged over all ranks",
                   "barrier_wait_mean = sum over ranks of barrier_wait / ranks");
    add_input(m, "ranks", a->info->n_ranks, DIM_COUNT,
              "cluster.nodes * cluster.node.gpus");
}

static void add_routing_metrics(struct analysis *a)
{
    const struct routing_cfg *c = &a->cfg->routing;
    const struct replay_info *info = a->info;
    struct result_metric *m;

    m = add_metric(
        a, "nodes_per_token", info->nodes_per_token, DIM_RATIO, NAN,
        "distinct nodes that a token is sent to, own node included (paper 4.3)",
        "mean over sampled tokens of top-k experts within the best groups");
    add_input(m, "experts per token", (double)c->experts_per_token, DIM_COUNT,
              "replay.routing.experts_per_token");
    add_input(m, "groups per token", (double)c->groups_per_token, DIM_COUNT,
              "replay.routing.groups_per_token");
    add_metric(a, "ranks_per_token", info->ranks_per_token, DIM_RATIO, NAN,
               "distinct GPUs that a token is sent to", "mean over sampled tokens");
    m = add_metric(a, "rank_load_max", info->rank_load_max_ratio, DIM_RATIO, NAN,
                   "tokens of the busiest rank in any layer over the mean",
                   "max over layers, directions and ranks of rows / mean rows");
    add_input(m, "wanted coefficient of variation", c->rank_load_cv_ratio, DIM_RATIO,
              "replay.routing.rank_load_cv");
    m = add_metric(a, "rank_load_cv", info->rank_load_cv_ratio, DIM_RATIO, NAN,
                   "coefficient of variation of the tokens per rank, as sampled",
                   "rms over layers, directions and ranks of rows / mean rows - 1");
    add_input(m, "wanted coefficient of variation", c->rank_load_cv_ratio, DIM_RATIO,
              "replay.routing.rank_load_cv");
    m = add_metric(a, "entry_delay", info->entry_delay_s, DIM_TIME, NAN,
                   "how long after the first rank the reference rank enters the window",
                   "skew of entry_layers layer pairs at the sampled loads");
    add_input(m, "entry layers", (double)a->cfg->entry_layers, DIM_COUNT,
              "replay.entry_layers");
}

/* --- phases
 * ------------------------------------------------------------------------------------
 */

/* "dispatch(F)" and a suffix as the name of a metric: "dispatch_f_wall". */
static const char *metric_name(struct analysis *a, const char *phase,
                               const char *suffix)
{
    char *name = arena_printf(a->arena, "%s", phase);
    size_t n = 0;

    for (const char *p = phase; *p; p++)
        if (isalnum((unsigned char)*p))
            name[n++] = (char)tolower((unsigned char)*p);
        else if (n && name[n - 1] != '_')
            name[n++] = '_';
    while (n && name[n - 1] == '_')
        n--;
    name[n] = 0;
    return arena_printf(a->arena, "%s_%s", name, suffix);
}

struct wall { /* of a phase in one layer */
    double was_start_s, was_end_s, start_s, end_s;
};

static int32_t count_layers(const struct trace *t)
{
    int32_t layers = 0;

    for (uint32_t i = 0; i < t->n_kernels; i++)
        layers = t->kernels[i].layer > layers ? t->kernels[i].layer : layers;
    return layers;
}

/* First start to last end per [phase][layer - 1]. */
static struct wall *measure_walls(const struct analysis *a, int32_t layers)
{
    const struct chunk_program *p = a->info->program;
    size_t n = (size_t)a->trace->n_phases * (size_t)layers;
    struct wall *walls = ARENA_ARRAY(a->arena, struct wall, n);

    for (size_t i = 0; i < n; i++)
        walls[i] = (struct wall){INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (uint32_t i = 0; i < a->trace->n_kernels; i++) {
        const struct trace_kernel *k = &a->trace->kernels[i];
        if (k->phase == TRACE_NONE || k->layer < 1)
            continue;
        struct wall *w =
            &walls[(size_t)k->phase * (size_t)layers + (size_t)k->layer - 1];
        w->was_start_s = fmin(w->was_start_s, a->recorded[i].start_s);
        w->was_end_s = fmax(w->was_end_s, a->recorded[i].end_s);
    }
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        uint32_t phase = phase_ran(a, i);
        int32_t layer = p->kernels[i].layer;
        if (phase == TRACE_NONE || layer < 1 || layer > layers)
            continue;
        struct wall *w = &walls[(size_t)phase * (size_t)layers + (size_t)layer - 1];
        w->start_s = fmin(w->start_s, a->simulated[i].start_s);
        w->end_s = fmax(w->end_s, a->simulated[i].end_s);
    }
    return walls;
}

static bool comm_phase(const struct analysis *a, uint32_t phase)
{
    for (uint32_t i = 0; i < a->trace->n_kernels; i++)
        if (a->trace->kernels[i].phase == phase)
            return a->recorded[i].comm;
    return false;
}

static void add_wall_metric(struct analysis *a, const char *phase,
                            const struct result_phase *mean, const struct wall *walls,
                            int32_t layers)
{
    struct result_metric *m =
        add_metric(a, metric_name(a, phase, "wall"), mean->simulated_s, DIM_TIME,
                   mean->recorded_s, "wall time of the phase, mean over layer pairs",
                   "mean over layer pairs of (last end - first start)");

    for (int32_t i = 0; i < layers && i < MAX_INPUTS; i++)
        if (walls[i].end_s >= walls[i].start_s)
            add_input(m, arena_printf(a->arena, "layer pair %d", i + 1),
                      walls[i].end_s - walls[i].start_s, DIM_TIME, "this run");
}

/* The rows of one phase: each layer, then the mean as layer 0. */
static void add_phase(struct analysis *a, uint32_t phase, const struct wall *walls,
                      int32_t layers)
{
    const char *name = a->trace->phases[phase];
    bool comm = comm_phase(a, phase);
    struct result_phase mean = {.name = name,
                                .lane = comm ? "communication" : "compute"};
    uint32_t n = 0;

    for (int32_t i = 0; i < layers; i++) {
        struct result_phase row = mean;
        if (walls[i].end_s < walls[i].start_s)
            continue;
        row.layer = i + 1;
        row.start_s = walls[i].start_s;
        row.end_s = walls[i].end_s;
        row.simulated_s = row.end_s - row.start_s;
        row.recorded_s = walls[i].was_end_s - walls[i].was_start_s;
        a->out->phases[a->out->n_phases++] = row;
        n++;
    }
    if (!n)
        return;
    const struct result_phase *rows = &a->out->phases[a->out->n_phases - n];
    for (uint32_t i = 0; i < n; i++) {
        mean.simulated_s += rows[i].simulated_s / n;
        mean.recorded_s += rows[i].recorded_s / n;
    }
    mean.start_s = rows[0].start_s;
    mean.end_s = rows[n - 1].end_s;
    a->out->phases[a->out->n_phases++] = mean;
    if (comm)
        add_wall_metric(a, name, &mean, walls, layers);
}

static bool moves_tokens(uint8_t collective)
{
    return collective == COLL_DISPATCH || collective == COLL_DISPATCH_CACHED || collective == COLL_COMBINE;
}

/* Achieved bandwidth of the dispatch or combine kernels of a phase, as DeepEP quotes
 * it. */
static void add_bandwidth(struct analysis *a, uint32_t phase)
{
    double bytes_B = 0, is_s = 0, was_s = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->trace->n_kernels; i++)
        if (a->trace->kernels[i].phase == phase && moves_tokens(collective_of(a->trace, i)))
            was_s += a->recorded[i].end_s - a->recorded[i].start_s;
    for (uint32_t i = 0; i < a->info->program->n_kernels; i++) {
        if (phase_ran(a, i) != phase || a->info->logical_B[i] <= 0)
            continue;
        bytes_B += a->info->logical_B[i];
        is_s += a->simulated[i].end_s - a->simulated[i].start_s;
        n++;
    }
    if (!n || is_s <= 0 || was_s <= 0)
        return;
    struct result_metric *m =
        add_metric(a, metric_name(a, a->trace->phases[phase], "bandwidth"),
                   bytes_B / is_s, DIM_BANDWIDTH, bytes_B / was_s,
                   "payload of the reference rank's copies to nodes, own node counted, "
                   "over kernel time "
                   "(recorded: the same bytes over the recorded time)",
                   "bandwidth = bytes / time");
    add_input(m, "bytes per kernel", bytes_B / n, DIM_BYTES, "sampled routing");
    add_input(m, "time per kernel", is_s / n, DIM_TIME, "this run");
    add_input(m, "SMs of the kernel", (double)a->hw->ep_kernel.sms, DIM_COUNT,
              "cluster.ep_kernel.sms");
    add_input(m, "copy rate of an SM", a->hw->ep_kernel.copy_Bps_per_sm, DIM_BANDWIDTH,
              "cluster.ep_kernel.copy_per_sm");
    add_input(m, "NIC bandwidth", a->hw->nic.bandwidth_Bps, DIM_BANDWIDTH,
              "cluster.nic.bandwidth");
}

static void add_phases(struct analysis *a)
{
    int32_t layers = count_layers(a->trace);
    struct wall *walls = measure_walls(a, layers);

    a->out->phases = ARENA_ARRAY(a->arena, struct result_phase,
                                 (size_t)a->trace->n_phases * ((size_t)layers + 1));
    for (uint32_t p = 0; p < a->trace->n_phases; p++) {
        add_phase(a, p, walls + (size_t)p * (size_t)layers, layers);
        add_bandwidth(a, p);
    }
}

/* --- classes of kernels
 * ----------------------------------------------------------------------------------
 */

enum { COL_CLASS, COL_RECORDED_COUNT, COL_COUNT, COL_RECORDED, COL_SIMULATED, COL_RATIO, N_COLUMNS };
static const struct result_column class_columns[N_COLUMNS] = {
    {"class", DIM_COUNT, "of configs/trace_classes.yaml; fa3_bwd holds what comes before and after it", true},
    {"recorded_count", DIM_COUNT, "kernels in the trace", false},
    {"count", DIM_COUNT, "kernels of this run", false},
    {"recorded", DIM_TIME, "their time in the trace, on all streams", false},
    {"simulated", DIM_TIME, "their time on the reference rank", false},
    {"ratio", DIM_RATIO, "simulated / recorded", false},
};

struct class_sum {
    const char *name;
    double was_s, is_s, was_n, is_n;
};

static struct class_sum *class_of(struct class_sum *sums, uint32_t *n, const char *name)
{
    for (uint32_t i = 0; i < *n; i++)
        if (!strcmp(sums[i].name, name))
            return &sums[i];
    sums[*n] = (struct class_sum){.name = name};
    return &sums[(*n)++];
}

static void fill_class_row(struct result_cell *row, const struct class_sum *s)
{
    row[COL_CLASS].text = s->name;
    row[COL_RECORDED_COUNT].value = s->was_n;
    row[COL_COUNT].value = s->is_n;
    row[COL_RECORDED].value = s->was_s;
    row[COL_SIMULATED].value = s->is_s;
    row[COL_RATIO].value = s->was_s > 0 && s->is_s > 0 ? s->is_s / s->was_s : NAN;
}

/* What each class of kernels takes, recorded and from the kernel model. */
static void add_classes(struct analysis *a)
{
    const struct chunk_program *p = a->info->program;
    uint32_t n = 0;
    struct class_sum *sums =
        ARENA_ARRAY(a->arena, struct class_sum, (size_t)a->trace->n_classes + p->n_names);

    for (uint32_t i = 0; i < a->trace->n_kernels; i++) {
        struct class_sum *s =
            class_of(sums, &n, a->trace->classes[a->trace->kernels[i].class_id].name);
        s->was_s += a->recorded[i].end_s - a->recorded[i].start_s;
        s->was_n++;
    }
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        struct class_sum *s = class_of(sums, &n, p->names[p->kernels[i].name]);
        s->is_s += a->simulated[i].end_s - a->simulated[i].start_s;
        s->is_n++;
    }
    struct result_table *t = a->out->tables = ARENA_NEW(a->arena, struct result_table);
    a->out->n_tables = 1;
    *t = (struct result_table){.name = "classes",
                               .doc = "kernels by class, recorded and from the kernel model",
                               .columns = class_columns,
                               .n_columns = N_COLUMNS,
                               .n_rows = n};
    t->cells = ARENA_ARRAY(a->arena, struct result_cell, (size_t)n * N_COLUMNS);
    for (uint32_t i = 0; i < n; i++)
        fill_class_row(&t->cells[(size_t)i * N_COLUMNS], &sums[i]);
}

/* --- notes
 * -------------------------------------------------------------------------------------
 */

static void add_note(struct analysis *a, const char *text)
{
    BUG_IF(a->out->n_notes == MAX_NOTES);
    a->out->notes[a->out->n_notes++] = text;
}

static void add_notes(struct analysis *a)
{
    a->out->notes = ARENA_ARRAY(a->arena, const char *, MAX_NOTES);
    if (a->cfg->source == REPLAY_KERNELS) {
        add_note(a, "kernels are the model's, their times the kernel model's; of the recorded trace they take how "
                    "many tokens the rank's experts got, which passes over memory there are, and the shares of "
                    "bandwidth in cluster.kernels.pass and cluster.kernels.launch_gap, which are calibrated on it");
    }
    if (a->cfg->comm == REPLAY_RECORDED) {
        add_note(a, "communication kernels keep their recorded times; only compute "
                    "kernels follow "
                    "the hardware of the scenario");
        return;
    }
    add_note(
        a,
        "communication is a prediction: no constant was fitted to this trace's "
        "communication times; cluster.ep_kernel.copy_per_sm is calibrated on DeepEP's "
        "stand-alone benchmark");
    add_note(a, "the trace records one rank: token counts and entry times of the other "
                "ranks are "
                "sampled (replay.routing.rank_load_cv, sim.seed)");
}

void replay_analyse(const struct trace *trace, const struct replay_cfg *cfg,
                    const struct cluster_hw *hw, const struct opgraph *graph,
                    const struct replay_info *info, const struct sim_outcome *outcome,
                    struct arena *arena, struct result *out)
{
    struct analysis a = {.trace = trace,
                         .cfg = cfg,
                         .hw = hw,
                         .graph = graph,
                         .info = info,
                         .outcome = outcome,
                         .arena = arena,
                         .out = out};

    *out = (struct result){.kind = "train_replay"};
    out->metrics = ARENA_ARRAY(arena, struct result_metric,
                               FIXED_METRICS + 2 * (size_t)trace->n_phases);
    record_spans(&a);
    simulate_spans(&a);
    match_phases(&a);
    a.was = add_up(a.recorded, trace->n_kernels, arena);
    a.is = add_up(a.simulated, info->program->n_kernels, arena);
    add_parts(&a);
    add_time_metrics(&a);
    add_barrier_metrics(&a);
    if (cfg->comm == REPLAY_SIMULATED)
        add_routing_metrics(&a);
    add_phases(&a);
    if (cfg->source == REPLAY_KERNELS)
        add_classes(&a);
    add_notes(&a);
}
