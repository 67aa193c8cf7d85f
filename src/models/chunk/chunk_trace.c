/* Reading work out of recorded times. A recorded duration is what a kernel took with
 * the SMs that it had then and beside what ran then; the program takes both out again, by
 * the executor's own rule:
 *
 *   SMs     communication kernels hold their SMs (paper 4.4: 20 of 132), SM-bound kernels share the rest in
 *           proportion to what each can use. The work of a kernel is its share over sm_ref, integrated over its
 *           recorded time; a run in which shares fall differently keeps the total.
 *   lead    a gap before a kernel is launch overhead, except where an SM-bound kernel that the CPU had launched found
 *           others at work: it queues behind them, as far as they are there (opgraph.h). A program that is composed
 *           anew (no overlaps) lets it share with them at once instead.
 *
 * Kernels of a stream that overlap (programmatic dependent launch, several hardware queues) get lanes beside the
 * stream's: the later one awaits the share of the earlier one's work that was done when it started. The same holds
 * for what was awaited but had not quite ended, by the rounding of time stamps.
 *
 * On other hardware an SM-bound kernel scales with FLOP/s per SM, a memory-bound one
 * with memory bandwidth as far as SMs can load it, a latency-bound one not at all. Blocks
 * that waited for others to end take more SMs where there are more. A GEMM whose grid is
 * exactly the SMs that communication leaves, or all of them, was tuned to that; on other
 * hardware its software would tune it again.
 *
 * A kernel whose blocks the profile does not say shares no SMs; bound by compute, it scales with FLOP/s of the chip.
 *
 * Left out: wave quantisation of grids that change, contention for memory bandwidth
 * between kernels that overlap, clock throttling. */
#include "models/chunk/chunk_trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a recorded grouped GEMM are padded per expert to its tile. */
enum { EXPERT_ALIGNMENT_ROWS = 128 };
/* Times in a trace are rounded to the nanosecond at best. */
#define SAME_TIME_S 1e-12
#define ROUNDING_S 1e-9

struct reader {
    const struct trace *trace;
    const struct recording *recording;
    const struct cluster_hw *hw;
    struct chunk_program *program;
    struct arena *arena;
    uint8_t *comm_stream; /* [n_streams] most of its time is communication */
    uint32_t cap_deps, cap_early, cap_queue;
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

/* Whether the kernel waits for recorded kernels of other ranks. */
static bool is_joint(const struct reader *rd, uint32_t kernel)
{
    return rd->recording->joint && rd->recording->joint[kernel];
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

/* Whether the profile says on how many SMs the kernel ran. */
static bool sms_known(const struct reader *rd, uint32_t kernel)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];

    return rd->trace->sms > 0 && (k->blocks || k->grid[0]);
}

static bool sm_bound(const struct reader *rd, uint32_t kernel)
{
    return class_of(rd->trace, kernel)->bound == BOUND_COMPUTE && sms_known(rd, kernel) && !rd->recording->keeps_times;
}

/* SM-bound kernels that run at once compete for SMs. */
static bool competes(const struct reader *rd, uint32_t kernel, uint32_t other)
{
    return kernel != other && sm_bound(rd, kernel) && sm_bound(rd, other);
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* SMs that the kernel could use on the recorded chip; 0 = not known. */
static double most_sms(const struct reader *rd, uint32_t kernel)
{
    return sms_known(rd, kernel) ? fmin(blocks_of(&rd->trace->kernels[kernel]), rd->trace->sms) : 0;
}

/* Communication holds its SMs; layouts compute. */
static bool holds_sms(const struct reader *rd, uint32_t kernel)
{
    const struct trace_class *c = class_of(rd->trace, kernel);

    return trace_class_communicates(c) && c->collective != COLL_LAYOUT;
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

/* Integral of the kernel's speed from its start to a recorded time in it. */
static double work_until(const struct reader *rd, uint32_t kernel, double until_s)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    size_t n = 0;
    double work_s = 0;

    if (!sm_bound(rd, kernel))
        return until_s - k->start_s;
    rd->edges_s[n++] = k->start_s;
    rd->edges_s[n++] = until_s;
    for (uint32_t i = first_running(rd, k->start_s);
         i < rd->trace->n_kernels && rd->trace->kernels[i].start_s < until_s; i++) {
        const struct trace_kernel *other = &rd->trace->kernels[i];
        if (!(holds_sms(rd, i) || competes(rd, kernel, i)) || end_of(other) <= k->start_s)
            continue;
        rd->edges_s[n++] = fmax(other->start_s, k->start_s);
        rd->edges_s[n++] = fmin(end_of(other), until_s);
    }
    qsort(rd->edges_s, n, sizeof *rd->edges_s, by_time);
    for (size_t i = 1; i < n; i++) {
        double length_s = rd->edges_s[i] - rd->edges_s[i - 1];
        if (length_s > 0)
            work_s += length_s * speed_at(rd, kernel, rd->edges_s[i - 1] + length_s / 2);
    }
    return work_s;
}

static double work_of(const struct reader *rd, uint32_t kernel)
{
    return work_until(rd, kernel, end_of(&rd->trace->kernels[kernel]));
}

/* The share of its work that a kernel had done at a recorded time in it. */
static double share_done(const struct reader *rd, uint32_t kernel, double time_s)
{
    if (is_joint(rd, kernel)) {
        double from_s = rd->recording->joined_s[kernel], length_s = end_of(&rd->trace->kernels[kernel]) - from_s;
        return length_s > 0 ? fmin(fmax(0, time_s - from_s) / length_s, 1) : 1;
    }
    double work_s = work_of(rd, kernel);

    return work_s > 0 ? fmin(work_until(rd, kernel, time_s) / work_s, 1) : 1;
}

static void plan_sms(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    double blocks = blocks_of(&rd->trace->kernels[kernel]), all = (double)rd->hw->chip.sms;
    double grid = grid_of(&rd->trace->kernels[kernel]);
    bool tuned = rd->comm_blocks && blocks == (double)rd->trace->sms - rd->comm_blocks;
    double comm_sms = rd->recording->keeps_comm ? rd->comm_blocks : (double)ep_sms_held_most(&rd->hw->ep_kernel);
    bool persistent = grid == (double)rd->trace->sms;

    p->sm_ref = (float)most_sms(rd, kernel);
    if (tuned)
        p->sm_max = (float)fmax(1, all - comm_sms);
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
    bool fp8 = strstr(c->name, "fp8") || strstr(c->name, "fp4");

    if (rd->recording->keeps_times)
        return 1;
    if (c->bound == BOUND_MEMORY)
        return was->memory_Bps / hw_memory_Bps(rd->hw, 1);
    if (c->bound != BOUND_COMPUTE)
        return 1;
    double was_flops = fp8 ? was->fp8_flops : was->bf16_flops;
    double is_flops = fp8 ? is->fp8_flops : is->bf16_flops;
    if (!sms_known(rd, kernel))
        return was_flops / is_flops;
    return was_flops / rd->trace->sms / (is_flops / (double)is->sms);
}

/* All of what the class is bound by: as its time moves (time_ratio). */
static struct kernel_gains gains_of(const struct reader *rd, uint32_t kernel)
{
    uint8_t bound = class_of(rd->trace, kernel)->bound;
    struct kernel_gains g = {{0}};
    if (!rd->recording->keeps_times)
        g.of[bound == BOUND_COMPUTE  ? KERNEL_BY_TENSOR
             : bound == BOUND_MEMORY ? KERNEL_BY_MEMORY
                                     : KERNEL_BY_LATENCY] = 1;
    return g;
}

static bool is_backward(const struct trace *t, const struct trace_kernel *k)
{
    return k->phase != TRACE_NONE && !strstr(t->phases[k->phase], "(F)");
}

/* --- what a kernel waited for ---------------------------------------------------------------------------------- */

#define GROW(rd, array, n, cap) \
    do { \
        if ((n) == (cap)) { \
            void *old_ = (array); \
            (cap) = 2 * (cap) + 256; \
            (array) = arena_array((rd)->arena, sizeof *(array), (cap)); \
            if (n) \
                memcpy((array), old_, (n) * sizeof *(array)); \
        } \
    } while (0)

/* The kernel awaits another: its end, or the share of it that was done when the kernel started. Returns from when on
 * the kernel could start as far as the other goes. */
static double await(struct reader *rd, struct chunk_kernel *p, uint32_t kernel, uint32_t awaited)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel], *a = &rd->trace->kernels[awaited];
    struct chunk_program *out = rd->program;

    if (is_joint(rd, awaited) && k->start_s <= rd->recording->joined_s[awaited])
        return k->start_s; /* it began while that one waited for other ranks: it needs nothing of it */
    if (rd->recording->overlaps && end_of(a) > k->start_s + SAME_TIME_S) {
        GROW(rd, out->early, out->n_early, rd->cap_early);
        double share = share_done(rd, awaited, k->start_s);
        out->early[out->n_early++] = (struct chunk_early){awaited, fmin(share, 1 - 1e-9)};
        p->n_early++;
        return k->start_s;
    }
    GROW(rd, out->deps, out->n_deps, rd->cap_deps);
    out->deps[out->n_deps++] = awaited;
    p->n_deps++;
    return end_of(a);
}

/* Lanes of a stream: its own, then those beside it. */
struct lane {
    uint32_t last; /* kernel; TRACE_NONE */
    uint32_t next; /* lane of the stream; TRACE_NONE */
};

struct lanes {
    struct lane *lane;
    uint32_t n, cap;
};

static bool is_free(const struct reader *rd, const struct lane *lane, const struct trace_kernel *k)
{
    return lane->last == TRACE_NONE || !rd->recording->overlaps ||
           end_of(&rd->trace->kernels[lane->last]) <= k->start_s + SAME_TIME_S;
}

/* The first lane of its stream where nothing runs when the kernel starts. */
static uint32_t lane_for(struct reader *rd, struct lanes *lanes, const struct trace_kernel *k)
{
    uint32_t at = k->stream;

    while (!is_free(rd, &lanes->lane[at], k)) {
        if (lanes->lane[at].next == TRACE_NONE) {
            GROW(rd, lanes->lane, lanes->n, lanes->cap);
            lanes->lane[at].next = lanes->n;
            lanes->lane[lanes->n++] = (struct lane){TRACE_NONE, TRACE_NONE};
        }
        at = lanes->lane[at].next;
    }
    return at;
}

/* Its place on the lanes of its stream, with what it awaits there, on the CPU and on other streams. Returns when the
 * last of them let it go. */
static double place(struct reader *rd, struct lanes *lanes, uint32_t kernel, struct chunk_kernel *p)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    uint32_t own = lane_for(rd, lanes, k), last = lanes->lane[own].last;
    double ready_s = last == TRACE_NONE ? 0 : end_of(&rd->trace->kernels[last]);

    p->first_dep = rd->program->n_deps;
    p->first_early = rd->program->n_early;
    p->beside = own < rd->trace->n_streams ? 0 : own - rd->trace->n_streams + 1;
    if (k->launch_after != TRACE_NONE)
        ready_s = fmax(ready_s, await(rd, p, kernel, k->launch_after));
    for (uint32_t i = 0; i < k->n_deps; i++)
        ready_s = fmax(ready_s, await(rd, p, kernel, rd->trace->deps[k->first_dep + i]));
    for (uint32_t at = k->stream; at != TRACE_NONE; at = lanes->lane[at].next)
        if (at != own && lanes->lane[at].last != TRACE_NONE)
            ready_s = fmax(ready_s, await(rd, p, kernel, lanes->lane[at].last));
    lanes->lane[own].last = kernel;
    return ready_s;
}

/* --- gaps before kernels ---------------------------------------------------------------------------------------- */

/* A gap, less the time in which others had the SMs. */
static double shared_lead(const struct reader *rd, uint32_t kernel, double ready_s)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    double lead_s = k->start_s - ready_s;

    for (uint32_t i = first_running(rd, ready_s); i < kernel; i++)
        if (competes(rd, kernel, i))
            lead_s -= common_s(&rd->trace->kernels[i], ready_s, k->start_s);
    return fmax(0, lead_s);
}

/* More than these ran in the gap: it was something else that the kernel waited for. */
enum { LONGEST_QUEUE = 8 };

/* SM-bound kernels that ran in a gap, in the order of their starts; how many there are. */
static uint32_t find_queue(const struct reader *rd, uint32_t kernel, double from_s, uint32_t queue[LONGEST_QUEUE])
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    uint32_t n = 0;

    for (uint32_t i = first_running(rd, from_s); i < kernel; i++) {
        if (!competes(rd, kernel, i) || common_s(&rd->trace->kernels[i], from_s, k->start_s) <= SAME_TIME_S)
            continue;
        if (n < LONGEST_QUEUE)
            queue[n] = i;
        n++;
    }
    return n;
}

/* SMs that nobody had at a recorded time. */
static double free_sms(const struct reader *rd, double time_s)
{
    double sms = rd->trace->sms;

    for (uint32_t i = first_running(rd, time_s); i < rd->trace->n_kernels && rd->trace->kernels[i].start_s <= time_s;
         i++)
        if (end_of(&rd->trace->kernels[i]) > time_s && (holds_sms(rd, i) || sm_bound(rd, i)))
            sms -= most_sms(rd, i);
    return fmax(0, sms);
}

static void join_queue(struct reader *rd, struct chunk_kernel *p, uint32_t kernel, double met_s, const uint32_t *queue,
                       uint32_t n)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    struct chunk_program *out = rd->program;

    p->first_queue = out->n_queue;
    p->n_queue = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct trace_kernel *ahead = &rd->trace->kernels[queue[i]];
        double until_s = fmin(end_of(ahead), k->start_s);
        GROW(rd, out->queue, out->n_queue, rd->cap_queue);
        out->queue[out->n_queue++] = (struct chunk_queue){.kernel = queue[i],
                                                          .share = share_done(rd, queue[i], until_s),
                                                          .lag_s = i + 1 < n ? 0 : fmax(0, k->start_s - until_s),
                                                          .slack_s = fmax(0, ahead->start_s - met_s) + ROUNDING_S,
                                                          .free_sms = free_sms(rd, met_s)};
        met_s = fmax(met_s, until_s);
    }
}

/* Launch overhead, up to where the kernel found others at work. */
static double lead_of(struct reader *rd, struct chunk_kernel *p, uint32_t kernel, double ready_s)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    uint32_t queue[LONGEST_QUEUE];
    double launched_s = fmin(fmax(ready_s, k->launch_s), k->start_s);

    if (!rd->recording->overlaps)
        return shared_lead(rd, kernel, ready_s);
    uint32_t n = sm_bound(rd, kernel) ? find_queue(rd, kernel, launched_s, queue) : 0;
    if (!n || n > LONGEST_QUEUE)
        return fmax(0, k->start_s - ready_s);
    double met_s = fmax(launched_s, rd->trace->kernels[queue[0]].start_s);
    join_queue(rd, p, kernel, met_s, queue, n);
    return fmax(0, met_s - ready_s);
}

/* --- kernels ---------------------------------------------------------------------------------------------------- */

/* Communication that is no simulation's: as long as somebody says, or as recorded. */
static void plan_kept(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    const double *comm_s = rd->recording->comm_s;
    bool joint = is_joint(rd, kernel);
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    double recorded_s = joint ? end_of(k) - rd->recording->joined_s[kernel] : k->duration_s;

    p->kind = joint ? OP_SYNC : OP_COMM;
    p->joint = joint ? rd->recording->joint[kernel] : 0;
    p->collective = class_of(rd->trace, kernel)->collective;
    p->sm_hold = rd->recording->keeps_times ? 0 : (float)most_sms(rd, kernel);
    p->work_s = comm_s && !isnan(comm_s[kernel]) ? comm_s[kernel] : recorded_s;
}

/* Dispatch, combine and barriers, as what they move and wait for. */
static void plan_routed(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
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
    p->kind = barrier ? OP_SYNC : OP_COMM;
    p->work_s = barrier ? rd->hw->ep_kernel.barrier_s : 0;
}

static void plan_comm(const struct reader *rd, uint32_t kernel, struct chunk_kernel *p)
{
    uint8_t collective = class_of(rd->trace, kernel)->collective;

    if (!rd->recording->keeps_comm && (moves_tokens(collective) || collective == COLL_NOTIFY))
        plan_routed(rd, kernel, p);
    else
        plan_kept(rd, kernel, p);
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
    p->gains = gains_of(rd, kernel);
    if (sm_bound(rd, kernel))
        plan_sms(rd, kernel, p);
}

static void plan_kernel(struct reader *rd, struct lanes *lanes, uint32_t kernel)
{
    const struct trace_kernel *k = &rd->trace->kernels[kernel];
    struct chunk_kernel *p = &rd->program->kernels[kernel];

    p->stream = k->stream;
    p->name = k->class_id;
    p->phase = k->phase == TRACE_NONE ? CHUNK_NONE : k->phase;
    p->layer = k->layer;
    p->backward = is_backward(rd->trace, k);
    p->routing = 2 * (uint32_t)(k->layer > 0 ? k->layer : 0) + p->backward;
    p->lead_s = lead_of(rd, p, kernel, place(rd, lanes, kernel, p));
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

/* [n_streams] 1: most of its time is communication. */
static uint8_t *comm_streams(const struct trace *trace, struct arena *arena)
{
    uint8_t *comm = ARENA_ARRAY(arena, uint8_t, trace->n_streams);
    double *balance_s = ARENA_ARRAY(arena, double, trace->n_streams);

    for (uint32_t i = 0; i < trace->n_kernels; i++) {
        const struct trace_kernel *k = &trace->kernels[i];
        balance_s[k->stream] += trace_class_communicates(class_of(trace, i)) ? k->duration_s : -k->duration_s;
    }
    for (uint32_t s = 0; s < trace->n_streams; s++)
        comm[s] = balance_s[s] > 0;
    return comm;
}

uint8_t *chunk_trace_communication(const struct trace *trace, struct arena *arena)
{
    uint8_t *comm = ARENA_ARRAY(arena, uint8_t, trace->n_kernels), *streams = comm_streams(trace, arena);

    for (uint32_t i = 0; i < trace->n_kernels; i++)
        comm[i] = streams[trace->kernels[i].stream] || trace_class_communicates(class_of(trace, i));
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
    struct reader rd = {.trace = trace, .recording = recording, .hw = hw, .program = out, .arena = arena};
    struct lanes lanes = {ARENA_ARRAY(arena, struct lane, trace->n_streams), trace->n_streams, trace->n_streams};

    *out = (struct chunk_program){.n_kernels = trace->n_kernels, .n_routings = 2};
    name_things(out, trace, arena);
    out->kernels = ARENA_ARRAY(arena, struct chunk_kernel, trace->n_kernels);
    rd.comm_stream = comm_streams(trace, arena);
    rd.edges_s = ARENA_ARRAY(arena, double, 2 * (size_t)trace->n_kernels + 2);
    survey(&rd);
    for (uint32_t s = 0; s < trace->n_streams; s++)
        lanes.lane[s] = (struct lane){TRACE_NONE, TRACE_NONE};
    for (uint32_t i = 0; i < trace->n_kernels; i++)
        plan_kernel(&rd, &lanes, i);
    out->n_beside = lanes.n - trace->n_streams;
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
    check_order(trace, SRCLOC_FILE(path), diag);
    return diag_count(diag) > before ? -1 : 0;
}
