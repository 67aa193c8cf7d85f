/* Reading work out of recorded times. A recorded duration is what a kernel took with
 * the SMs that it had then and beside what ran then; the program takes both out again, by
 * the executor's own rule:
 *
 *   SMs         communication kernels hold their SMs (paper 4.4: 20 of 132), SM-bound
 * kernels of all streams share the rest in proportion to what each can use. The work of
 * a kernel is its share over sm_ref, integrated over its recorded time; a run in which
 * shares fall differently keeps the total. lead        a gap before a kernel is launch
 * overhead, except where a kernel of another stream had the SMs: that wait must come
 * out of the run again.
 *
 * On other hardware an SM-bound kernel scales with FLOP/s per SM, a memory-bound one
 * with memory bandwidth as far as SMs can load it, a latency-bound one not at all. Blocks
 * that waited for others to end take more SMs where there are more. A GEMM whose grid is
 * exactly the SMs that communication leaves, or all of them, was tuned to that; on other
 * hardware its software would tune it again.
 *
 * Left out: wave quantisation of grids that change, contention for memory bandwidth
 * between kernels that overlap, clock throttling. */
#include "models/chunk/chunk_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a recorded grouped GEMM are padded per expert to its tile. */
enum { EXPERT_ALIGNMENT_ROWS = 128 };

struct reader {
    const struct trace *trace;
    const struct recording *recording;
    const struct cluster_hw *hw;
    struct chunk_program *program;
    uint8_t *comm_stream; /* [n_streams] */
    double longest_s;     /* duration of the longest kernel: bounds searches for overlaps */
    uint32_t comm_blocks; /* SMs that communication held when recorded */
    double *edges_s;      /* scratch, [2 n_kernels + 2] */
};

static bool moves_tokens(uint8_t collective)
{
    return collective == COLL_DISPATCH || collective == COLL_DISPATCH_CACHED || collective == COLL_COMBINE;
}

static const struct trace_class *class_of(const struct trace *t, uint32_t kernel)
{
    return &t->classes[t->kernels[kernel].class_id];
}

static double grid_of(const struct trace_kernel *k)
{
    double grid = 1;

    for (int i = 0; i < 3; i++)
        grid *= k->grid[i] > 0 ? k->grid[i] : 1;
    return grid;
}

static uint32_t blocks_of(const struct trace_kernel *k)
{
    double grid = grid_of(k);

    if (k->blocks)
        return k->blocks;
    return grid < 1e9 ? (uint32_t)grid : 1000000000u;
}

static double end_of(const struct trace_kernel *k)
{
    return k->start_s + k->duration_s;
}

static double common_s(const struct trace_kernel *k, double from_s, double to_s)
{
    return fmax(0, fmin(end_of(k), to_s) - fmax(k->start_s, from_s));
}

/* The first kernel that can still run at from_s; kernels are sorted by start. */
static uint32_t first_running(const struct reader *rd, double from_s)
{
    uint32_t low = 0, high = rd->trace->n_kernels;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rd->trace->kernels[middle].start_s < from_s - rd->longest_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool sm_bound(const struct reader *rd, uint32_t kernel)
{
    return class_of(rd->trace, kernel)->bound == BOUND_COMPUTE;
}

/* SM-bound kernels of other streams compete for SMs. */
static bool competes(const struct reader *rd, uint32_t kernel, uint32_t other)
{
    const struct trace_kernel *k = rd->trace->kernels;

    return k[kernel].stream != k[other].stream && sm_bound(rd, kernel) && sm_bound(rd, other);
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* SMs that the kernel could use on the recorded chip. */
static double most_sms(const struct reader *rd, uint32_t kernel)
{
    return fmin(blocks_of(&rd->trace->kernels[kernel]), rd->trace->sms);
}

static bool holds_sms(const struct reader *rd, uint32_t kernel)
{
    uint8_t collective = class_of(rd->trace, kernel)->collective;

    return moves_tokens(collective) || collective == COLL_NOTIFY;
}

/* The kernel's SMs over those it could use, at a recorded time. */
static double speed_at(const struct reader *rd, uint32_t kernel, double time_s)
{
    double most = most_sms(rd, kernel), wanted = most, free_sms = rd->trace->sms;

    for (uint32_t i = first_running(rd, time_s); i < rd->trace->n_kernels && rd->trace->kernels[i].start_s < time_s;
         i++) {
        if (end_of(&rd->trace->kernels[i]) <= time_s)
            continue;
        if (holds_sms(rd, i))
            free_sms -= most_sms(rd, i);
        else if (competes(rd, kernel, i))
            wanted += most_sms(rd, i);
    }
    return wanted <= free_sms ? 1 : fmax(free_sms, 1) / wanted;
}

/* Integral of the kernel's speed over its recorded time. */
static double work_of(const struct reader *rd, uint32_t kernel)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    size_t n = 0;
    double work_s = 0;

    if (!sm_bound(rd, kernel))
        return k->duration_s;
    rd->edges_s[n++] = k->start_s;
    rd->edges_s[n++] = end_of(k);
    for (uint32_t i = first_running(rd, k->start_s);
         i < rd->trace->n_kernels && rd->trace->kernels[i].start_s < end_of(k); i++) {
        const struct trace_kernel *other = &rd->trace->kernels[i];
        if (!(holds_sms(rd, i) || competes(rd, kernel, i)) || end_of(other) <= k->start_s)
            continue;
        rd->edges_s[n++] = fmax(other->start_s, k->start_s);
        rd->edges_s[n++] = fmin(end_of(other), end_of(k));
    }
    qsort(rd->edges_s, n, sizeof *rd->edges_s, by_time);
    for (size_t i = 1; i < n; i++) {
        double length_s = rd->edges_s[i] - rd->edges_s[i - 1];
        if (length_s > 0)
            work_s += length_s * speed_at(rd, kernel, rd->edges_s[i - 1] + length_s / 2);
    }
    return work_s;
}

static void plan_sms(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    double blocks = blocks_of(&rd->trace->kernels[kernel]), all = (double)rd->hw->chip.sms;
    double grid = grid_of(&rd->trace->kernels[kernel]);
    bool tuned = blocks == (double)rd->trace->sms - rd->comm_blocks;
    bool persistent = grid == (double)rd->trace->sms;

    p->sm_ref = (float)most_sms(rd, kernel);
    if (tuned)
        p->sm_max = (float)(all - ep_sms_held_most(&rd->hw->ep_kernel));
    else
        p->sm_max = (float)(persistent ? all : fmin(fmax(grid, blocks), all));
}

/* How the kernel's time moves from the recorded chip to the scenario's, at equal SMs.
 */
static double time_ratio(const struct reader *rd, uint32_t kernel)
{
    const struct recorded_on *was = &rd->recording->on;
    const struct hw_chip *is = &rd->hw->chip;
    const struct trace_class *c = class_of(rd->trace, kernel);
    bool fp8 = strstr(c->name, "fp8") != NULL;

    if (c->bound == BOUND_MEMORY)
        return was->memory_Bps / hw_memory_Bps(rd->hw, 1);
    if (c->bound != BOUND_COMPUTE)
        return 1;
    double was_flops = fp8 ? was->fp8_flops : was->bf16_flops;
    double is_flops = fp8 ? is->fp8_flops : is->bf16_flops;
    return was_flops / rd->trace->sms / (is_flops / (double)is->sms);
}

/* When the kernel could have started: after its stream's last kernel, what it waited
 * for, and what the CPU awaited before launching it. */
static double ready_time(const struct trace *t, uint32_t kernel, uint32_t previous)
{
    const struct trace_kernel *k = &t->kernels[kernel];
    double ready_s = 0;

    if (previous != TRACE_NONE)
        ready_s = fmax(ready_s, end_of(&t->kernels[previous]));
    if (k->launch_after != TRACE_NONE)
        ready_s = fmax(ready_s, end_of(&t->kernels[k->launch_after]));
    for (uint32_t i = 0; i < k->n_deps; i++)
        ready_s = fmax(ready_s, end_of(&t->kernels[t->deps[k->first_dep + i]]));
    return ready_s;
}

static double lead_of(const struct reader *rd, uint32_t kernel, uint32_t previous)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    double ready_s = ready_time(rd->trace, kernel, previous);
    double lead_s = k->start_s - ready_s;

    for (uint32_t i = first_running(rd, ready_s); i < kernel; i++)
        if (competes(rd, kernel, i))
            lead_s -= common_s(&rd->trace->kernels[i], ready_s, k->start_s);
    return fmax(0, lead_s);
}

static bool is_backward(const struct trace *t, const struct trace_kernel *k)
{
    return k->phase != TRACE_NONE && !strstr(t->phases[k->phase], "(F)");
}

/* What it waited for on the CPU, then on other streams. */
static void add_deps(const struct reader *rd, const struct trace_kernel *k, struct chunk_kernel *p)
{
    struct chunk_program *out = rd->program;

    p->first_dep = out->n_deps;
    if (k->launch_after != TRACE_NONE)
        out->deps[out->n_deps++] = k->launch_after;
    for (uint32_t i = 0; i < k->n_deps; i++)
        out->deps[out->n_deps++] = rd->trace->deps[k->first_dep + i];
    p->n_deps = out->n_deps - p->first_dep;
}

/* Dispatch, combine and barriers: as recorded, or as what they move and wait for. */
static void plan_comm(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    uint8_t collective = class_of(rd->trace, kernel)->collective;
    const struct hw_ep_kernel *ep = &rd->hw->ep_kernel;
    bool moves = moves_tokens(collective);
    uint32_t blocks = blocks_of(k);
    uint32_t ep_sms = (uint32_t)(moves ? ep_sms_held(ep, collective == COLL_COMBINE) : ep_sms_held_most(ep));
    bool all = blocks >= rd->comm_blocks, barrier = collective == COLL_NOTIFY;

    p->collective = collective;
    p->sm_hold = (float)(all || blocks > ep_sms ? ep_sms : blocks);
    if (rd->recording->keeps_comm) {
        p->kind = OP_COMM;
        p->work_s = k->duration_s;
    } else {
        p->kind = barrier ? OP_SYNC : OP_COMM;
        p->work_s = barrier ? rd->hw->ep_kernel.barrier_s : 0;
    }
}

/* Layouts and casts around dispatch and combine that hardware does on the way (paper 4.4.2): nothing is left of
 * the kernel but its place in the order. Casts on other streams serve computation, too; they stay. */
static bool done_on_the_way(const struct reader *rd, uint32_t kernel)
{
    const struct hw_offload *o = &rd->hw->ep_kernel.offload;
    const struct trace_class *c = class_of(rd->trace, kernel);

    if (!rd->comm_stream[rd->trace->kernels[kernel].stream])
        return false;
    return (o->layout && c->collective == COLL_LAYOUT) || (o->cast && strstr(c->name, "cast"));
}

static void plan_compute(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];

    p->kind = OP_COMPUTE;
    if (done_on_the_way(rd, kernel)) {
        p->lead_s = 0;
        return;
    }
    p->per_token = !rd->comm_stream[k->stream] && (class_of(rd->trace, kernel)->per_token || k->rows > 0);
    p->work_s = work_of(rd, kernel) * time_ratio(rd, kernel);
    if (sm_bound(rd, kernel))
        plan_sms(rd, kernel, p);
}

static void plan_kernel(const struct reader *rd, uint32_t kernel, uint32_t previous)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    struct chunk_kernel *p = &rd->program->kernels[kernel];

    p->stream = k->stream;
    p->name = k->class_id;
    p->phase = k->phase == TRACE_NONE ? CHUNK_NONE : k->phase;
    p->layer = k->layer;
    p->backward = is_backward(rd->trace, k);
    p->routing = 2 * (uint32_t)(k->layer > 0 ? k->layer : 0) + p->backward;
    p->lead_s = lead_of(rd, kernel, previous);
    add_deps(rd, k, p);
    if (holds_sms(rd, kernel))
        plan_comm(rd, kernel, p);
    else
        plan_compute(rd, kernel, p);
}

static void survey(struct reader *rd)
{
    const struct trace *t = rd->trace;

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        rd->longest_s = fmax(rd->longest_s, k->duration_s);
        if (moves_tokens(class_of(t, i)->collective) && blocks_of(k) > rd->comm_blocks)
            rd->comm_blocks = blocks_of(k);
        if (k->layer > 0 && 2 * (uint32_t)k->layer + 2 > rd->program->n_routings)
            rd->program->n_routings = 2 * (uint32_t)k->layer + 2;
    }
}

uint8_t *chunk_trace_comm_streams(const struct trace *trace, struct arena *arena)
{
    uint8_t *comm = ARENA_ARRAY(arena, uint8_t, trace->n_streams);

    for (uint32_t i = 0; i < trace->n_kernels; i++)
        if (class_of(trace, i)->collective != COLL_NONE)
            comm[trace->kernels[i].stream] = 1;
    return comm;
}

/* The reference rank's tokens over the mean, from the rows of its kernels less their padding. */
static void read_loads(const struct reader *rd, struct arena *arena)
{
    const struct routing_cfg *c = &rd->recording->routing;
    double ideal = (double)c->tokens_per_rank * (double)c->experts_per_token;
    double ranks = (double)(rd->hw->nodes * rd->hw->node.gpus);
    double padding = (double)c->experts / ranks * EXPERT_ALIGNMENT_ROWS / 2;
    double *load = ARENA_ARRAY(arena, double, rd->program->n_routings);

    for (uint32_t i = 0; i < rd->trace->n_kernels; i++) {
        double *rows = &load[rd->program->kernels[i].routing];
        *rows = fmax(*rows, rd->trace->kernels[i].rows);
    }
    for (uint32_t r = 0; r < rd->program->n_routings; r++)
        load[r] = load[r] > padding ? (load[r] - padding) / ideal : 0;
    rd->program->load = load;
}

static void name_things(struct chunk_program *p, const struct trace *t, struct arena *arena)
{
    p->streams = t->streams;
    p->n_streams = t->n_streams;
    p->phases = t->phases;
    p->n_phases = t->n_phases;
    p->names = ARENA_ARRAY(arena, const char *, t->n_classes);
    p->n_names = t->n_classes;
    for (uint32_t i = 0; i < t->n_classes; i++)
        p->names[i] = t->classes[i].name;
}

void chunk_from_trace(const struct trace *trace, const struct recording *recording, const struct cluster_hw *hw,
                      struct arena *arena, struct chunk_program *out)
{
    struct reader rd = {.trace = trace, .recording = recording, .hw = hw, .program = out};
    uint32_t *previous = ARENA_ARRAY(arena, uint32_t, trace->n_streams);

    *out = (struct chunk_program){.n_kernels = trace->n_kernels, .n_routings = 2};
    name_things(out, trace, arena);
    out->kernels = ARENA_ARRAY(arena, struct chunk_kernel, trace->n_kernels);
    out->deps = ARENA_ARRAY(arena, uint32_t, (size_t)trace->n_deps + trace->n_kernels);
    rd.comm_stream = chunk_trace_comm_streams(trace, arena);
    rd.edges_s = ARENA_ARRAY(arena, double, 2 * (size_t)trace->n_kernels + 2);
    survey(&rd);
    for (uint32_t s = 0; s < trace->n_streams; s++)
        previous[s] = TRACE_NONE;
    for (uint32_t i = 0; i < trace->n_kernels; i++) {
        plan_kernel(&rd, i, previous[trace->kernels[i].stream]);
        previous[trace->kernels[i].stream] = i;
    }
    read_loads(&rd, arena);
}

/* --- checks ------------------------------------------------------------------------------------------------- */

/* What the reader of a trace cannot know to be needed: the order that makes a run finite. */
static void check_order(const struct trace *t, struct srcloc where, struct diag *diag)
{
    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        bool early = k->launch_after != TRACE_NONE && k->launch_after >= i;
        for (uint32_t d = 0; d < k->n_deps; d++)
            early |= t->deps[k->first_dep + d] >= i;
        if (early || k->duration_s < 0 || (i && k->start_s < t->kernels[i - 1].start_s)) {
            diag_error(diag, EXIT_BAD_INPUT, where,
                       "kernel %u (%s) is out of order: kernels must be sorted by start, last no negative time and "
                       "wait for earlier kernels only",
                       i, t->classes[k->class_id].name);
            return;
        }
    }
}

int chunk_trace_check(const struct trace *trace, const char *path, struct diag *diag)
{
    size_t before = diag_count(diag);
    if (!trace->n_kernels)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "the trace has no kernels");
    if (trace->sms < 1)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "the trace does not say how many SMs its GPU has");
    check_order(trace, SRCLOC_FILE(path), diag);
    return diag_count(diag) > before ? -1 : 0;
}
