/* Inferring what kernels waited for. A profile shows each cudaStreamWaitEvent call but
 * neither the stream that waits nor the event, and no cudaEventRecord at all. Both ends are
 * inferred from what the software can have meant and from the time stamps:
 *
 *   who waits    A wait is called for what is launched next: the waiting kernel is the first
 *                one that is launched on its stream after the call, before the next wait and
 *                in the same annotation as the launch that follows the call. Where
 *                no launch lies between two waits, it is the next launch on a
 *                stream that the later wait is not for.
 *   for whom     Candidates on each other stream are the kernel that was launched last
 *                before the call (the event was recorded there and then), and the last
 *                kernel of an annotation (the event was recorded earlier, when that part of
 *                the model was through: DeepEP takes such an event as previous_event).
 *                A candidate must have ended when the waiting kernel started, and must not
 *                be implied already by stream order and the waits found before (vector
 *                clocks). Of several the latest wins: it implies most.
 *   which pair   of several (waiting, awaited): one that explains the start (the awaited
 *                kernel ended last and the waiting one started within 10 us); else one
 *                whose awaited kernel was launched last; else the closest pair.
 *
 * A wait without a candidate is dropped: it was implied, or what it waits for or the waiting
 * kernel lies outside the recording. So no inferred wait contradicts the recording, but a
 * wait that was never felt may be attributed to an earlier kernel than the real one.
 *
 * The CPU waits, too: after cudaStreamSynchronize and its like, and where it polls for a
 * kernel's result (host_awaits of the class table; DeepEP's dispatch needs the received
 * counts). The next launch on each stream is then launched after that kernel's end.
 *
 * Where the file says what was waited for (kineto_sync.c), nothing of this is inferred.
 *
 * Leaves out: waits inside CUDA graphs. */
#include "io/inputs/kineto_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPLAINS_US 10.0
enum { MAX_LOOKAHEAD = 4096 };

struct step { /* launches and waits in the order of the CPU */
    double time_us;
    int64_t correlation;
    uint32_t gpu; /* the kernel launched; KIN_NONE: a call */
    uint32_t call;
};

struct linker {
    struct kineto *k;
    struct step *steps;
    size_t n_steps;
    uint32_t **ended_part; /* per stream and position: latest position at or before it
                              that ends an annotation; KIN_NONE = none */
    uint32_t launched[KIN_MAX_STREAMS];
    uint32_t known[KIN_MAX_STREAMS][KIN_MAX_STREAMS]; /* [waiter][awaited] */
    uint32_t (*rows)[KIN_MAX_STREAMS];                /* versions of rows of known */
    size_t n_rows, cap_rows;
    uint32_t current[KIN_MAX_STREAMS]; /* version of each stream */
    uint32_t *row_of;                  /* [n_gpus] version when launched */
    uint32_t after[KIN_MAX_STREAMS];   /* kernel that the CPU awaited, not yet used */
    uint32_t *last_launch;             /* [n_threads] */
};

struct choice {
    uint32_t waiting, awaited;
    int rank; /* 0 explains, 1 launched last, 2 other; 3 none */
    double gap_us;
};

/* --- steps ------------------------------------------------------------------------- */

static int by_time(const void *pa, const void *pb)
{
    const struct step *a = pa, *b = pb;

    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    if (a->correlation != b->correlation)
        return a->correlation < b->correlation ? -1 : 1;
    return (a->gpu > b->gpu) - (a->gpu < b->gpu);
}

static void make_steps(struct linker *l)
{
    const struct kineto *k = l->k;

    l->steps = checked_alloc(malloc((k->n_gpus + k->n_calls) * sizeof *l->steps));
    for (size_t i = 0; i < k->n_gpus; i++)
        l->steps[l->n_steps++] = (struct step){k->gpus[i].launch_us, k->gpus[i].correlation, (uint32_t)i, 0};
    for (size_t i = 0; i < k->n_calls; i++)
        if (k->calls[i].kind == KIN_STREAM_WAIT || k->calls[i].kind == KIN_SYNCHRONIZE)
            l->steps[l->n_steps++] =
                (struct step){k->calls[i].start_us, k->calls[i].correlation, KIN_NONE, (uint32_t)i};
    qsort(l->steps, l->n_steps, sizeof *l->steps, by_time);
}

static void order_streams(struct linker *l)
{
    struct kineto *k = l->k;

    for (size_t i = 0; i < k->n_gpus; i++)
        k->streams[k->gpus[i].stream].n_kernels++;
    for (uint32_t s = 0; s < k->n_streams; s++) {
        k->streams[s].kernels = ARENA_ARRAY(k->arena, uint32_t, k->streams[s].n_kernels);
        k->streams[s].n_kernels = 0;
    }
    for (size_t i = 0; i < l->n_steps; i++) {
        if (l->steps[i].gpu == KIN_NONE)
            continue;
        struct kin_gpu *g = &k->gpus[l->steps[i].gpu];
        struct kin_stream *s = &k->streams[g->stream];
        g->position = s->n_kernels;
        s->kernels[s->n_kernels++] = l->steps[i].gpu;
    }
}

static void find_parts(struct linker *l)
{
    struct kineto *k = l->k;

    l->ended_part = ARENA_ARRAY(k->arena, uint32_t *, k->n_streams);
    for (uint32_t s = 0; s < k->n_streams; s++) {
        const struct kin_stream *stream = &k->streams[s];
        uint32_t latest = KIN_NONE;
        l->ended_part[s] = ARENA_ARRAY(k->arena, uint32_t, stream->n_kernels);
        for (uint32_t i = 0; i < stream->n_kernels; i++) {
            uint32_t span = k->gpus[stream->kernels[i]].span;
            bool last = i + 1 == stream->n_kernels || span == KIN_NONE || k->gpus[stream->kernels[i + 1]].span != span;
            latest = last ? i : latest;
            l->ended_part[s][i] = latest;
        }
    }
}

/* --- clocks ------------------------------------------------------------------------ */

static uint32_t new_row(struct linker *l, uint32_t stream)
{
    if (l->n_rows == l->cap_rows) {
        l->cap_rows = l->cap_rows ? 2 * l->cap_rows : 64;
        l->rows = checked_alloc(realloc(l->rows, l->cap_rows * sizeof *l->rows));
    }
    memcpy(l->rows[l->n_rows], l->known[stream], sizeof *l->rows);
    return (uint32_t)l->n_rows++;
}

/* Everything that had ended when a kernel started, by stream. */
static uint32_t ended_before(const struct linker *l, uint32_t gpu, uint32_t stream)
{
    const struct kin_gpu *g = &l->k->gpus[gpu];

    return stream == g->stream ? g->position + 1 : l->rows[l->row_of[gpu]][stream];
}

static void learn(struct linker *l, uint32_t stream, uint32_t awaited)
{
    for (uint32_t s = 0; s < l->k->n_streams; s++) {
        uint32_t ended = ended_before(l, awaited, s);
        if (ended > l->known[stream][s])
            l->known[stream][s] = ended;
    }
    l->current[stream] = KIN_NONE; /* needs a new version */
}

static bool implied(const struct linker *l, uint32_t waiting, uint32_t awaited)
{
    const struct kin_gpu *w = &l->k->gpus[waiting], *a = &l->k->gpus[awaited];

    if (l->known[w->stream][a->stream] > a->position)
        return true;
    for (uint32_t d = w->first_dep; d != KIN_NONE; d = l->k->deps[d].next)
        if (ended_before(l, l->k->deps[d].awaited, a->stream) > a->position)
            return true;
    return false;
}

/* --- choosing ---------------------------------------------------------------------- */

static bool possible(const struct linker *l, uint32_t waiting, uint32_t awaited)
{
    const struct kin_gpu *w = &l->k->gpus[waiting], *a = &l->k->gpus[awaited];

    return awaited < waiting && a->end_us <= w->start_us + KIN_TOUCH_US && !implied(l, waiting, awaited);
}

/* How many of the first n kernels of a stream had ended at a time; a stream runs its
 * kernels in order. */
static uint32_t ended_at(const struct linker *l, uint32_t stream, uint32_t n, double time_us)
{
    const uint32_t *kernels = l->k->streams[stream].kernels;
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (l->k->gpus[kernels[middle]].end_us <= time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What a kernel can have waited for on one stream, or KIN_NONE. */
static uint32_t awaited_on(const struct linker *l, uint32_t waiting, uint32_t stream, bool *launched_last)
{
    const uint32_t *kernels = l->k->streams[stream].kernels;
    uint32_t n = l->launched[stream];

    *launched_last = n && possible(l, waiting, kernels[n - 1]);
    if (*launched_last)
        return kernels[n - 1];
    n = ended_at(l, stream, n, l->k->gpus[waiting].start_us + KIN_TOUCH_US);
    uint32_t part = n ? l->ended_part[stream][n - 1] : KIN_NONE;
    return part != KIN_NONE && possible(l, waiting, kernels[part]) ? kernels[part] : KIN_NONE;
}

static bool explains(const struct linker *l, uint32_t waiting, double end_us)
{
    const struct kin_gpu *w = &l->k->gpus[waiting];

    if (w->position) {
        uint32_t before = l->k->streams[w->stream].kernels[w->position - 1];
        if (l->k->gpus[before].end_us > end_us)
            return false;
    }
    return w->start_us - end_us <= EXPLAINS_US;
}

static struct choice choose(const struct linker *l, uint32_t waiting)
{
    struct choice best = {waiting, KIN_NONE, 3, INFINITY};
    const struct kin_gpu *w = &l->k->gpus[waiting];

    for (uint32_t s = 0; s < l->k->n_streams; s++) {
        bool launched_last = false;
        uint32_t awaited = s == w->stream ? KIN_NONE : awaited_on(l, waiting, s, &launched_last);
        if (awaited == KIN_NONE)
            continue;
        double gap_us = w->start_us - l->k->gpus[awaited].end_us;
        if (gap_us >= best.gap_us)
            continue;
        best.awaited = awaited;
        best.gap_us = gap_us;
        best.rank = explains(l, waiting, l->k->gpus[awaited].end_us) ? 0 : launched_last ? 1 : 2;
    }
    return best;
}

static void consider(const struct linker *l, uint32_t waiting, struct choice *best)
{
    struct choice c = choose(l, waiting);

    if (c.rank < best->rank || (c.rank == best->rank && c.gap_us < best->gap_us))
        *best = c;
}

/* --- waits ------------------------------------------------------------------------- */

static bool is_wait(const struct linker *l, size_t step)
{
    return l->steps[step].gpu == KIN_NONE && l->k->calls[l->steps[step].call].kind == KIN_STREAM_WAIT;
}

/* The first launches per stream between this wait and the next, in one annotation. */
static uint32_t waiting_launches(const struct linker *l, size_t wait, uint32_t found[KIN_MAX_STREAMS])
{
    uint64_t seen = 0;
    uint32_t n = 0, span = KIN_NONE;

    for (size_t i = wait + 1; i < l->n_steps && !is_wait(l, i); i++) {
        uint32_t gpu = l->steps[i].gpu;
        if (gpu == KIN_NONE)
            continue;
        const struct kin_gpu *g = &l->k->gpus[gpu];
        span = n ? span : g->span;
        if (g->span != span)
            break;
        if (!(seen >> g->stream & 1))
            found[n++] = gpu;
        seen |= (uint64_t)1 << g->stream;
    }
    return n;
}

/* A wait that is followed by another one: the next launch on a stream that the following
 * wait is not for. */
static uint32_t later_launch(const struct linker *l, size_t wait)
{
    uint32_t taken[KIN_MAX_STREAMS], n = 0;
    size_t end = wait + MAX_LOOKAHEAD, next = wait + 1;
    uint64_t excluded = 0;

    end = end < l->n_steps ? end : l->n_steps;
    while (next < end && !(is_wait(l, next) && (n = waiting_launches(l, next, taken))))
        next++;
    for (uint32_t i = 0; i < n; i++)
        excluded |= (uint64_t)1 << l->k->gpus[taken[i]].stream;
    for (; next < end; next++) {
        uint32_t gpu = l->steps[next].gpu;
        if (gpu != KIN_NONE && !(excluded >> l->k->gpus[gpu].stream & 1))
            return gpu;
    }
    return KIN_NONE;
}

static void add_dep(struct linker *l, uint32_t waiting, uint32_t awaited)
{
    struct kineto *k = l->k;
    struct kin_dep *d = kin_push((void **)&k->deps, &k->n_deps, &k->cap_deps, sizeof *d);

    d->awaited = awaited;
    d->next = k->gpus[waiting].first_dep;
    k->gpus[waiting].first_dep = (uint32_t)(k->n_deps - 1);
}

/* A wait that the file names. One that the recording contradicts is left out and counted. */
static void take_wait(struct linker *l, const struct kin_call *call)
{
    const struct kin_sync *sync = kin_sync_of(l->k, call->correlation);
    uint32_t waiting = sync ? kin_sync_waiting(l->k, sync, call->start_us) : KIN_NONE;
    uint32_t awaited = sync ? kin_sync_awaited(l->k, sync, call->start_us) : KIN_NONE;

    if (waiting == KIN_NONE || awaited == KIN_NONE || l->k->gpus[waiting].stream == l->k->gpus[awaited].stream ||
        implied(l, waiting, awaited))
        return;
    if (possible(l, waiting, awaited))
        add_dep(l, waiting, awaited);
    else
        l->k->n_early_waits++;
}

static void resolve_wait(struct linker *l, size_t wait)
{
    struct choice best = {KIN_NONE, KIN_NONE, 3, INFINITY};
    uint32_t found[KIN_MAX_STREAMS], n = waiting_launches(l, wait, found);

    for (uint32_t i = 0; i < n; i++)
        consider(l, found[i], &best);
    if (!n) {
        uint32_t later = later_launch(l, wait);
        if (later != KIN_NONE)
            consider(l, later, &best);
    }
    if (best.rank < 3)
        add_dep(l, best.waiting, best.awaited);
}

/* Kernels of one class on several streams between two waits: one piece of work spread. */
static void find_fork(struct linker *l, size_t wait)
{
    const char *class_name = NULL;
    uint64_t streams = 0;
    uint32_t n = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = wait + 1; i < l->n_steps && !is_wait(l, i); i++) {
            if (l->steps[i].gpu == KIN_NONE)
                continue;
            struct kin_gpu *g = &l->k->gpus[l->steps[i].gpu];
            if (g->rule->per_token != PER_TOKEN_FORK)
                continue;
            class_name = class_name ? class_name : g->rule->class_name;
            if (strcmp(class_name, g->rule->class_name))
                continue;
            if (!pass) {
                streams |= (uint64_t)1 << g->stream;
                n++;
            } else if (streams & (streams - 1)) {
                g->n_forked = n;
            }
        }
}

/* --- the CPU ----------------------------------------------------------------------- */

static void await_on_host(struct linker *l, uint32_t gpu)
{
    for (uint32_t s = 0; s < l->k->n_streams; s++)
        l->after[s] = gpu;
}

/* The CPU stood in a synchronize call until the kernel that the file names, or the one that ended last in it. */
static void synchronize(struct linker *l, const struct kin_call *call)
{
    const struct kin_sync *sync = kin_sync_of(l->k, call->correlation);
    uint32_t latest = KIN_NONE;

    if (sync && (sync->of_event || sync->stream_id >= 0)) {
        latest = kin_sync_awaited(l->k, sync, call->start_us);
        if (latest != KIN_NONE && l->k->gpus[latest].end_us > call->start_us)
            await_on_host(l, latest);
        return;
    }

    for (uint32_t s = 0; s < l->k->n_streams; s++) {
        uint32_t n = ended_at(l, s, l->launched[s], call->end_us + KIN_TOUCH_US);
        uint32_t gpu = n ? l->k->streams[s].kernels[n - 1] : KIN_NONE;
        if (gpu != KIN_NONE && l->k->gpus[gpu].end_us > call->start_us &&
            (latest == KIN_NONE || l->k->gpus[gpu].end_us > l->k->gpus[latest].end_us))
            latest = gpu;
    }
    if (latest != KIN_NONE)
        await_on_host(l, latest);
}

/* Did the thread's last kernel have to end before this launch? */
static void poll_on_host(struct linker *l, const struct kin_gpu *g)
{
    if (g->thread == KIN_NONE || l->last_launch[g->thread] == KIN_NONE)
        return;
    uint32_t last = l->last_launch[g->thread];
    const struct kin_gpu *awaited = &l->k->gpus[last];
    if (awaited->rule->host_awaits && awaited->end_us <= g->launch_us + KIN_TOUCH_US)
        await_on_host(l, last);
}

static void launch_after(struct linker *l, uint32_t gpu)
{
    struct kin_gpu *g = &l->k->gpus[gpu];
    uint32_t awaited = l->after[g->stream];

    l->after[g->stream] = KIN_NONE;
    if (awaited >= gpu || l->k->gpus[awaited].end_us > g->start_us + KIN_TOUCH_US)
        return; /* KIN_NONE among them */
    if (l->k->gpus[awaited].stream != g->stream && implied(l, gpu, awaited))
        return;
    g->launch_after = awaited;
    learn(l, g->stream, awaited);
}

/* --- the pass over all steps -------------------------------------------------------- */

static void launch(struct linker *l, uint32_t gpu)
{
    struct kin_gpu *g = &l->k->gpus[gpu];

    poll_on_host(l, g);
    launch_after(l, gpu);
    for (uint32_t d = g->first_dep; d != KIN_NONE; d = l->k->deps[d].next)
        learn(l, g->stream, l->k->deps[d].awaited);
    if (l->current[g->stream] == KIN_NONE)
        l->current[g->stream] = new_row(l, g->stream);
    l->row_of[gpu] = l->current[g->stream];
    l->launched[g->stream] = g->position + 1;
    l->known[g->stream][g->stream] = g->position + 1;
    if (g->thread != KIN_NONE)
        l->last_launch[g->thread] = gpu;
}

static void walk(struct linker *l)
{
    for (size_t i = 0; i < l->n_steps; i++) {
        const struct step *s = &l->steps[i];
        if (s->gpu != KIN_NONE) {
            launch(l, s->gpu);
        } else if (is_wait(l, i)) {
            if (l->k->syncs_known)
                take_wait(l, &l->k->calls[s->call]);
            else
                resolve_wait(l, i);
            find_fork(l, i);
        } else {
            synchronize(l, &l->k->calls[s->call]);
        }
    }
}

void kin_infer_waits(struct kineto *k)
{
    struct linker *l = checked_alloc(calloc(1, sizeof *l));

    l->k = k;
    l->row_of = ARENA_ARRAY(k->arena, uint32_t, k->n_gpus);
    l->last_launch = ARENA_ARRAY(k->arena, uint32_t, k->n_threads);
    memset(l->last_launch, 0xff, k->n_threads * sizeof *l->last_launch);
    for (uint32_t s = 0; s < KIN_MAX_STREAMS; s++)
        l->current[s] = l->after[s] = KIN_NONE;
    make_steps(l);
    order_streams(l);
    find_parts(l);
    walk(l);
    free(l->steps);
    free(l->rows);
    free(l);
}
