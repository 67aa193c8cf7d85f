/* Replay of several ranks' traces at once: each rank runs its own kernels on its own GPU, and a call of a collective ends
 * for each of them as long after the last recorded rank's arrival as it did when it was recorded, or as kind collective
 * says. Waiting for each other is what comes out of that; a rank that gets slower makes the others wait.
 *
 * Ranks that are not recorded are in the times of calls. Tokens are not routed anew: DeepEP's kernels wait for each
 * other as recorded, what they move takes as long as it did. */
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/kind_run.h"
#include "kinds/replay/replay_result.h"
#include "kinds/result_build.h"
#include "models/chunk/chunk_trace.h"

#define MAX_OPS 50000000.0

struct set_run {
    struct kind_run *run;
    const struct trace_set *set;
    const struct replay_cfg *cfg;
    const struct cluster_hw *hw;
    struct replay_reading *readings; /* [n] */
    struct chunk_program *programs;  /* [n] */
    uint32_t *first_op;              /* [n] */
    struct diag *diag;
};

/* --- checks ----------------------------------------------------------------------------------------------------- */

static void check_rank(const struct set_run *s, const struct trace *t)
{
    struct srcloc where = SRCLOC_FILE(s->cfg->trace);
    int64_t gpus = s->hw->nodes * s->hw->node.gpus;

    chunk_trace_check(t, s->cfg->trace, s->diag);
    if (t->rank < 0 || t->rank >= gpus)
        diag_error(s->diag, EXIT_BAD_INPUT, where, "there is a trace of rank %d but the cluster has %lld GPUs", t->rank,
                   (long long)gpus);
    if (strcmp(t->device, s->set->traces[0]->device) || t->sms != s->set->traces[0]->sms)
        diag_error(s->diag, EXIT_BAD_INPUT, where, "rank %d ran on %s, rank %d on %s; a replay has one kind of GPU",
                   t->rank, t->device, s->set->traces[0]->rank, s->set->traces[0]->device);
}

static int check(const struct set_run *s)
{
    size_t before = diag_count(s->diag);
    double kernels = 0;

    if (s->cfg->source == REPLAY_KERNELS)
        diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->cfg->trace),
                   "'replay.source: kernels' goes with the trace of one rank; take one with "
                   "moesim trace import %s --rank %d -o OUT.trace.json",
                   s->cfg->trace, s->set->traces[0]->rank);
    for (uint32_t t = 0; t < s->set->n && diag_count(s->diag) == before; t++) {
        check_rank(s, s->set->traces[t]);
        kernels += s->set->traces[t]->n_kernels;
    }
    if (kernels > MAX_OPS)
        diag_error(s->diag, EXIT_LIMIT, SRCLOC_FILE(s->cfg->trace), "%.0f kernels are more than %.0f ops", kernels,
                   MAX_OPS);
    return diag_count(s->diag) > before ? -1 : 0;
}

/* --- programs ----------------------------------------------------------------------------------------------------- */

/* Which calls the kernels of a rank are of, and when all had arrived at them. */
static void read_calls(const struct set_run *s, uint32_t trace)
{
    const struct trace_set *set = s->set;
    uint32_t n = set->traces[trace]->n_kernels, *joint = ARENA_ARRAY(s->run->arena, uint32_t, n);
    double *joined_s = ARENA_ARRAY(s->run->arena, double, n);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t call = set->call_of[trace][i];
        bool is = call != TRACE_NONE;
        joint[i] = is ? call + 1 : 0;
        joined_s[i] = is ? set->calls[call].last_start_s - set->clocks[trace].origin_s : NAN;
        if (is) /* the last one's own start, as exactly as the trace has it */
            joined_s[i] = fmax(joined_s[i], set->traces[trace]->kernels[i].start_s);
    }
    s->readings[trace].joint = joint;
    s->readings[trace].joined_s = joined_s;
}

static int simulate_collectives(const struct set_run *s)
{
    uint32_t n = s->set->n;
    struct replay_collectives *c = ARENA_ARRAY(s->run->arena, struct replay_collectives, n);
    const double **joined_s = ARENA_ARRAY(s->run->arena, const double *, n);
    bool any = false;

    for (uint32_t t = 0; t < n; t++) {
        joined_s[t] = s->readings[t].joined_s;
        any |= s->set->traces[t]->n_messages > 0;
    }
    if (s->cfg->comm == REPLAY_RECORDED || !any)
        return 0;
    if (replay_simulate_collectives(s->run, (const struct trace *const *)s->set->traces, n, joined_s,
                                    s->readings[0].gpu, c, s->diag))
        return -1;
    for (uint32_t t = 0; t < n; t++)
        s->readings[t].collectives = &c[t];
    return 0;
}

static int build(const struct set_run *s)
{
    struct kind_run *run = s->run;
    uint32_t n = s->set->n;
    struct chunk_rank *ranks = ARENA_ARRAY(run->arena, struct chunk_rank, n);

    for (uint32_t t = 0; t < n; t++) {
        const struct trace *trace = s->set->traces[t];
        struct recording recording = replay_recording(s->cfg, &s->readings[t]);
        chunk_from_trace(trace, &recording, s->hw, run->arena, &s->programs[t]);
        ranks[t] = (struct chunk_rank){&s->programs[t], (uint32_t)trace->rank, s->set->clocks[t].origin_s};
    }
    chunk_build_ranks(ranks, n, s->set->n_calls, s->hw, run->graph, run->arena, s->first_op);
    uint32_t stuck = opgraph_waits_for_itself(run->graph);
    if (stuck == OP_NONE)
        return 0;
    diag_error(
        s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(s->cfg->trace),
        "calls of collectives wait for each other in a circle, at a kernel '%s' of rank %u: the ranks do not make "
        "their calls in one order",
        run->graph->strings[run->graph->ops[stuck].name], run->graph->ops[stuck].device);
    return -1;
}

/* --- result ------------------------------------------------------------------------------------------------------- */

enum { COL_RANK, COL_RECORDED, COL_MAKESPAN, COL_COMPUTE, COL_EXPOSED, COL_WAITED, COL_WAITING, N_COLUMNS };
static const struct result_column rank_columns[N_COLUMNS] = {
    {"rank", DIM_COUNT, "global rank; its GPU has this number", false},
    {"recorded", DIM_TIME, "first kernel to last in its trace", false},
    {"makespan", DIM_TIME, "first kernel to last in this run", false},
    {"compute", DIM_TIME, "time with a kernel on a compute stream", false},
    {"exposed_comm", DIM_TIME, "communication that no computation hides", false},
    {"recorded_waiting", DIM_TIME, "from its arrival at calls to the last rank's, in the traces", false},
    {"waiting", DIM_TIME, "the same in this run", false},
};

static void analyse(const struct set_run *s, uint32_t t, struct result *out)
{
    struct kind_run *run = s->run;
    const struct trace *trace = s->set->traces[t];
    struct replay_info info = {.program = &s->programs[t], .n_ranks = s->set->n, .reference = (uint32_t)trace->rank};

    info.comm = chunk_trace_communication(trace, run->arena);
    info.op_of_kernel = ARENA_ARRAY(run->arena, uint32_t, trace->n_kernels);
    info.logical_B = ARENA_ARRAY(run->arena, double, trace->n_kernels);
    for (uint32_t i = 0; i < trace->n_kernels; i++)
        info.op_of_kernel[i] = s->first_op[t] + i;
    replay_analyse(trace, s->cfg, &s->readings[t], s->hw, run->graph, &info, &run->outcome, run->arena, out);
}

static double metric(const struct result *r, const char *name, bool recorded)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return recorded ? r->metrics[i].recorded : r->metrics[i].value;
    BUG("no metric %s", name);
}

static void fill_row(const struct set_run *s, uint32_t t, const struct result *r, struct result_cell *row)
{
    const struct replay_reading *reading = &s->readings[t];
    double recorded_s = 0, is_s = 0;

    for (uint32_t i = 0; i < s->set->traces[t]->n_kernels; i++) {
        uint32_t op = s->first_op[t] + i;
        if (!reading->joint[i])
            continue;
        recorded_s += reading->joined_s[i] - s->set->traces[t]->kernels[i].start_s;
        is_s += fmax(0, s->run->outcome.op_end_s[op] - s->run->graph->ops[op].work_s - s->run->outcome.op_start_s[op]);
    }
    row[COL_RANK].value = s->set->traces[t]->rank;
    row[COL_RECORDED].value = metric(r, "makespan", true);
    row[COL_MAKESPAN].value = metric(r, "makespan", false);
    row[COL_COMPUTE].value = metric(r, "compute_active", false);
    row[COL_EXPOSED].value = metric(r, "exposed_comm", false);
    row[COL_WAITED].value = recorded_s;
    row[COL_WAITING].value = is_s;
}

/* From the first start of any rank to the last end of any. */
static void add_job(const struct set_run *s, struct result *r)
{
    const struct sim_outcome *o = &s->run->outcome;
    double recorded_s = 0, first_s = INFINITY, last_s = 0;

    for (uint32_t t = 0; t < s->set->n; t++)
        for (uint32_t i = 0; i < s->set->traces[t]->n_kernels; i++) {
            const struct trace_kernel *k = &s->set->traces[t]->kernels[i];
            recorded_s = fmax(recorded_s, s->set->clocks[t].origin_s + k->start_s + k->duration_s);
            first_s = fmin(first_s, o->op_start_s[s->first_op[t] + i]);
            last_s = fmax(last_s, o->op_end_s[s->first_op[t] + i]);
        }
    struct result_metric *m = result_add_metric(r, s->run->arena, "job_makespan", last_s - first_s, DIM_TIME,
                                                "first kernel of any recorded rank to the last of any",
                                                "job_makespan = last end - first start");
    m->recorded = recorded_s;
}

static void add_notes(const struct set_run *s, struct result *r)
{
    int32_t world = s->set->traces[0]->world_size;
    struct arena *arena = s->run->arena;

    result_add_note(r, arena,
                    arena_printf(arena, "metrics and other tables are those of rank %d, the first; table ranks has all",
                                 s->set->traces[0]->rank));
    if (world > (int32_t)s->set->n)
        result_add_note(
            r, arena,
            arena_printf(arena,
                         "%u of %d ranks are recorded: waiting for the others is in the times of calls, and "
                         "stays as it was",
                         s->set->n, world));
}

static void report(const struct set_run *s)
{
    struct kind_run *run = s->run;
    uint32_t n = s->set->n;
    struct result *of_rank = ARENA_ARRAY(run->arena, struct result, n);

    for (uint32_t t = 0; t < n; t++)
        analyse(s, t, &of_rank[t]);
    run->result = of_rank[0];
    add_job(s, &run->result);
    struct result_table *table = result_add_table(&run->result, run->arena, "ranks", "recorded ranks, each on its GPU",
                                                  rank_columns, N_COLUMNS, n);
    for (uint32_t t = 0; t < n; t++)
        fill_row(s, t, &of_rank[t], result_add_row(table));
    add_notes(s, &run->result);
}

int replay_set_run(struct kind_run *run, const struct trace_set *set, const struct replay_cfg *cfg,
                   const struct replay_reading *reading, struct diag *diag)
{
    struct set_run s = {.run = run, .set = set, .cfg = cfg, .hw = &run->file->scenario->cluster, .diag = diag};
    struct topology *topo;

    s.readings = ARENA_ARRAY(run->arena, struct replay_reading, set->n);
    s.programs = ARENA_ARRAY(run->arena, struct chunk_program, set->n);
    s.first_op = ARENA_ARRAY(run->arena, uint32_t, set->n);
    for (uint32_t t = 0; t < set->n; t++) {
        s.readings[t] = *reading;
        read_calls(&s, t);
    }
    if (check(&s) || simulate_collectives(&s) || kind_topology(run, s.hw, &topo, diag))
        return -1;
    kind_begin(run, topo);
    if (build(&s))
        return -1;
    progress_begin("simulating");
    if (kind_simulate(run, topo, s.hw, diag))
        return -1;
    report(&s);
    return 0;
}
