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
#include "kinds/replay/replay_result_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/result_build.h"
#include "models/chunk/chunk_trace.h"

struct edge {
    double time_s;
    int8_t compute, comm, wait;
};

/* --- the window
 * -------------------------------------------------------------------------------- */

uint8_t replay_collective_of(const struct trace *t, uint32_t kernel)
{
    return t->classes[t->kernels[kernel].class_id].collective;
}

/* When a recorded kernel had stopped waiting for peers. */
static double recorded_wait_ends_s(const struct replay_analysis *a, uint32_t kernel)
{
    const struct trace_kernel *k = &a->trace->kernels[kernel];
    const struct replay_reading *r = a->reading;

    if (r->joint && r->joint[kernel])
        return r->joined_s[kernel] - a->trace->kernels[0].start_s;
    return k->start_s - a->trace->kernels[0].start_s + (r->collectives ? r->collectives->waiting_s[kernel] : 0);
}

/* The same of one that ran, after its start. */
static double waits_s(const struct replay_analysis *a, uint32_t kernel)
{
    const struct replay_reading *r = a->reading;
    uint32_t op = a->info->op_of_kernel[kernel];

    if (a->cfg->source != REPLAY_TRACE)
        return 0;
    if (r->joint && r->joint[kernel])
        return fmax(0, a->outcome->op_end_s[op] - a->graph->ops[op].work_s - a->outcome->op_start_s[op]);
    return r->collectives ? r->collectives->waiting_s[kernel] : 0;
}

static void record_spans(struct replay_analysis *a)
{
    uint32_t n = a->trace->n_kernels;
    uint8_t *comm = chunk_trace_communication(a->trace, a->arena);

    a->recorded = ARENA_ARRAY(a->arena, struct replay_span, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct trace_kernel *k = &a->trace->kernels[i];
        double start_s = k->start_s - a->trace->kernels[0].start_s, end_s = start_s + k->duration_s;
        bool barrier = replay_collective_of(a->trace, i) == COLL_NOTIFY;
        double waits_until_s = barrier ? end_s : recorded_wait_ends_s(a, i);
        a->recorded[i] = (struct replay_span){start_s, end_s, waits_until_s, comm[i], barrier};
    }
}

static void simulate_spans(struct replay_analysis *a)
{
    const struct chunk_program *p = a->info->program;
    double origin_s = INFINITY;

    a->simulated = ARENA_ARRAY(a->arena, struct replay_span, p->n_kernels);
    for (uint32_t i = 0; i < p->n_kernels; i++)
        origin_s = fmin(origin_s, a->outcome->op_start_s[a->info->op_of_kernel[i]]);
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        uint32_t op = a->info->op_of_kernel[i];
        double start_s = a->outcome->op_start_s[op] - origin_s, end_s = a->outcome->op_end_s[op] - origin_s;
        bool barrier = p->kernels[i].collective == COLL_NOTIFY;
        a->simulated[i] =
            (struct replay_span){start_s, end_s, barrier ? end_s : start_s + waits_s(a, i), a->info->comm[i], barrier};
    }
}

static void match_phases(struct replay_analysis *a)
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
uint32_t replay_phase_ran(const struct replay_analysis *a, uint32_t kernel)
{
    uint32_t phase = a->info->program->kernels[kernel].phase;

    return phase == CHUNK_NONE ? TRACE_NONE : a->phase_of[phase];
}

static int by_time(const void *x, const void *y)
{
    double a = ((const struct edge *)x)->time_s, b = ((const struct edge *)y)->time_s;

    return (a > b) - (a < b);
}

static struct replay_account add_up(const struct replay_span *spans, uint32_t n, struct arena *arena)
{
    struct edge *edges = ARENA_ARRAY(arena, struct edge, 3 * (size_t)n);
    struct replay_account sum = {0};
    int compute = 0, comm = 0, wait = 0;
    uint32_t n_edges = 0;

    for (uint32_t i = 0; i < n; i++) {
        int8_t is_comm = (int8_t)spans[i].comm, is_wait = spans[i].waits_until_s > spans[i].start_s;
        int8_t is_compute = (int8_t)!is_comm;
        edges[n_edges++] = (struct edge){spans[i].start_s, is_compute, is_comm, is_wait};
        edges[n_edges++] = (struct edge){spans[i].end_s, (int8_t)-is_compute, (int8_t)-is_comm, 0};
        if (is_wait)
            edges[n_edges++] = (struct edge){spans[i].waits_until_s, 0, 0, -1};
        sum.makespan_s = fmax(sum.makespan_s, spans[i].end_s);
        sum.barrier_s += spans[i].barrier ? spans[i].end_s - spans[i].start_s : 0;
    }
    qsort(edges, n_edges, sizeof *edges, by_time);
    for (uint32_t i = 0; i + 1 < n_edges; i++) {
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
    sum.idle_s = sum.makespan_s - sum.compute_alone_s - sum.both_s - sum.exposed_transfer_s - sum.exposed_wait_s;
    return sum;
}

/* --- metrics
 * -----------------------------------------------------------------------------------
 */

struct result_metric *replay_add_metric(struct replay_analysis *a, const char *name, double value, enum unit_dim dim,
                                        double recorded, const char *doc, const char *formula)
{
    BUG_IF(a->out->n_metrics == FIXED_METRICS + 2 * a->trace->n_phases);
    struct result_metric *m = &a->out->metrics[a->out->n_metrics++];

    *m = (struct result_metric){
        .name = name, .value = value, .dim = dim, .doc = doc, .formula = formula, .recorded = recorded};
    m->inputs = ARENA_ARRAY(a->arena, struct result_input, MAX_INPUTS);
    return m;
}

void replay_add_input(struct result_metric *m, const char *name, double value, enum unit_dim dim, const char *source)
{
    BUG_IF(m->n_inputs == MAX_INPUTS);
    m->inputs[m->n_inputs++] = (struct result_input){name, value, dim, source};
}

static void add_part(struct replay_analysis *a, const char *name, double value_s, const char *doc)
{
    a->out->parts[a->out->n_parts++] = (struct result_part){name, doc, value_s};
}

static void add_parts(struct replay_analysis *a)
{
    a->out->parts = ARENA_ARRAY(a->arena, struct result_part, 5);
    add_part(a, "compute_alone", a->is.compute_alone_s, "compute kernels, no communication");
    add_part(a, "overlapped", a->is.both_s, "compute and communication at once");
    add_part(a, "exposed_transfer", a->is.exposed_transfer_s,
             "communication stream busy, no compute: dispatch, combine, cast and "
             "layout kernels");
    add_part(a, "exposed_wait", a->is.exposed_wait_s, "waiting for other ranks at a barrier, no compute");
    add_part(a, "idle", a->is.idle_s, "no kernel at all: launch gaps");
}

static double exposed(const struct replay_account *t)
{
    return t->exposed_transfer_s + t->exposed_wait_s;
}

/* Those parts of the breakdown that the metric's formula names. */
static void parts_as_inputs(struct replay_analysis *a, struct result_metric *m)
{
    for (uint32_t i = 0; i < a->out->n_parts; i++)
        if (strstr(m->formula, a->out->parts[i].name))
            replay_add_input(m, a->out->parts[i].name, a->out->parts[i].value_s, DIM_TIME, "this run");
}

static void add_time_metrics(struct replay_analysis *a)
{
    const struct replay_account *is = &a->is, *was = &a->was;
    struct result_metric *m;

    m = replay_add_metric(a, "makespan", is->makespan_s, DIM_TIME, was->makespan_s,
                          "first kernel to last kernel of the reference rank",
                          "makespan = compute_alone + overlapped + exposed_transfer + exposed_wait + "
                          "idle");
    parts_as_inputs(a, m);
    m = replay_add_metric(a, "compute_active", is->compute_alone_s + is->both_s, DIM_TIME,
                          was->compute_alone_s + was->both_s, "time with a kernel on a compute stream",
                          "compute_active = compute_alone + overlapped");
    parts_as_inputs(a, m);
    m = replay_add_metric(a, "comm_active", is->both_s + exposed(is), DIM_TIME, was->both_s + exposed(was),
                          "time with a kernel on the communication stream, barriers included",
                          "comm_active = overlapped + exposed_transfer + exposed_wait");
    parts_as_inputs(a, m);
    m = replay_add_metric(a, "both_active", is->both_s, DIM_TIME, was->both_s,
                          "time in which computation hides communication", "both_active = overlapped");
    parts_as_inputs(a, m);
    m = replay_add_metric(a, "exposed_comm", exposed(is), DIM_TIME, exposed(was),
                          "communication that no computation hides", "exposed_comm = exposed_transfer + exposed_wait");
    parts_as_inputs(a, m);
    m = replay_add_metric(a, "exposed_comm_ratio", exposed(is) / is->makespan_s, DIM_RATIO,
                          exposed(was) / was->makespan_s, "exposed communication over makespan",
                          "exposed_comm_ratio = exposed_comm / makespan");
    replay_add_input(m, "exposed_comm", exposed(is), DIM_TIME, "this run");
    replay_add_input(m, "makespan", is->makespan_s, DIM_TIME, "this run");
}

/* Barriers of all ranks: what imbalance costs on average. */
static double mean_barrier_s(const struct replay_analysis *a)
{
    double sum_s = 0;

    for (uint32_t i = 0; i < a->graph->n_ops; i++)
        if (a->graph->ops[i].kind == OP_SYNC)
            sum_s += a->outcome->op_end_s[i] - a->outcome->op_start_s[i];
    return sum_s / a->info->n_ranks;
}

static void add_barrier_metrics(struct replay_analysis *a)
{
    struct result_metric *m;

    m = replay_add_metric(a, "barrier_wait", a->is.barrier_s, DIM_TIME, a->was.barrier_s,
                          "all notify kernels of the reference rank, hidden or not",
                          "barrier_wait = sum of (last arrival + barrier latency - own arrival)");
    replay_add_input(m, "barrier latency", a->hw->ep_kernel.barrier_s, DIM_TIME, "cluster.ep_kernel.barrier");
    if (!a->reading->routed)
        return;
    m = replay_add_metric(a, "barrier_wait_mean", mean_barrier_s(a), DIM_TIME, NAN, "the same, averaged over all ranks",
                          "barrier_wait_mean = sum over ranks of barrier_wait / ranks");
    replay_add_input(m, "ranks", a->info->n_ranks, DIM_COUNT, "cluster.nodes * cluster.node.gpus");
}

static void add_routing_metrics(struct replay_analysis *a)
{
    const struct routing_cfg *c = &a->cfg->routing;
    const struct replay_info *info = a->info;
    struct result_metric *m;

    m = replay_add_metric(a, "nodes_per_token", info->nodes_per_token, DIM_RATIO, NAN,
                          "distinct nodes that a token is sent to, own node included (paper 4.3)",
                          "mean over sampled tokens of top-k experts within the best groups");
    replay_add_input(m, "experts per token", (double)c->experts_per_token, DIM_COUNT,
                     "replay.routing.experts_per_token");
    replay_add_input(m, "groups per token", (double)c->groups_per_token, DIM_COUNT, "replay.routing.groups_per_token");
    replay_add_metric(a, "ranks_per_token", info->ranks_per_token, DIM_RATIO, NAN,
                      "distinct GPUs that a token is sent to", "mean over sampled tokens");
    m = replay_add_metric(a, "rank_load_max", info->rank_load_max_ratio, DIM_RATIO, NAN,
                          "tokens of the busiest rank in any layer over the mean",
                          "max over layers, directions and ranks of rows / mean rows");
    replay_add_input(m, "wanted coefficient of variation", c->rank_load_cv_ratio, DIM_RATIO,
                     "replay.routing.rank_load_cv");
    m = replay_add_metric(a, "rank_load_cv", info->rank_load_cv_ratio, DIM_RATIO, NAN,
                          "coefficient of variation of the tokens per rank, as sampled",
                          "rms over layers, directions and ranks of rows / mean rows - 1");
    replay_add_input(m, "wanted coefficient of variation", c->rank_load_cv_ratio, DIM_RATIO,
                     "replay.routing.rank_load_cv");
    m = replay_add_metric(a, "entry_delay", info->entry_delay_s, DIM_TIME, NAN,
                          "how long after the first rank the reference rank enters the window",
                          "skew of entry_layers layer pairs at the sampled loads");
    replay_add_input(m, "entry layers", (double)a->cfg->entry_layers, DIM_COUNT, "replay.entry_layers");
}

/* --- notes
 * -------------------------------------------------------------------------------------
 */

void replay_add_note(struct replay_analysis *a, const char *text)
{
    result_add_note(a->out, a->arena, text);
}

static void add_notes(struct replay_analysis *a)
{
    if (a->cfg->source == REPLAY_KERNELS) {
        replay_add_note(a, "kernels are the model's, their times the kernel model's; of the "
                           "recorded trace they take how "
                           "many tokens the rank's experts got, which passes over memory "
                           "there are, and the shares of "
                           "bandwidth in cluster.kernels.pass and cluster.kernels.launch_gap, "
                           "which are calibrated on it");
    } else if (a->reading->keeps_times) {
        replay_add_note(a,
                        arena_printf(a->arena,
                                     "kernels keep the times that they had on %s: nothing of cluster.chip (%s) enters "
                                     "them; 'replay.times: moved' moves them",
                                     a->trace->device, a->hw->chip.name));
    }
    if (a->cfg->comm == REPLAY_RECORDED) {
        if (a->reading->keeps_times)
            replay_add_note(a, "communication kernels keep their recorded times");
        else
            replay_add_note(a, "communication kernels keep their recorded times; only compute "
                               "kernels follow "
                               "the hardware of the scenario");
        return;
    }
    if (!a->reading->routed)
        return;
    replay_add_note(a, "communication is a prediction: no constant was fitted to this trace's "
                       "communication times; cluster.ep_kernel.copy_per_sm is calibrated on DeepEP's "
                       "stand-alone benchmark");
    replay_add_note(a, "the trace records one rank: token counts and entry times of the other "
                       "ranks are "
                       "sampled (replay.routing.rank_load_cv, sim.seed)");
}

void replay_analyse(const struct trace *trace, const struct replay_cfg *cfg, const struct replay_reading *reading,
                    const struct cluster_hw *hw, const struct opgraph *graph, const struct replay_info *info,
                    const struct sim_outcome *outcome, struct arena *arena, struct result *out)
{
    struct replay_analysis a = {.trace = trace,
                                .cfg = cfg,
                                .reading = reading,
                                .hw = hw,
                                .graph = graph,
                                .info = info,
                                .outcome = outcome,
                                .arena = arena,
                                .out = out};

    *out = (struct result){.kind = "train_replay"};
    out->metrics = ARENA_ARRAY(arena, struct result_metric, FIXED_METRICS + 2 * (size_t)trace->n_phases);
    record_spans(&a);
    simulate_spans(&a);
    match_phases(&a);
    a.was = add_up(a.recorded, trace->n_kernels, arena);
    a.is = add_up(a.simulated, info->program->n_kernels, arena);
    add_parts(&a);
    add_time_metrics(&a);
    add_barrier_metrics(&a);
    if (reading->routed)
        add_routing_metrics(&a);
    replay_add_phases(&a);
    if (cfg->source == REPLAY_KERNELS)
        replay_add_classes(&a);
    add_notes(&a);
    replay_add_moves(&a);
    replay_add_collectives(&a);
}
