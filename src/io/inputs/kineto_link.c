/* Sorting, and who belongs to whom: kernels to the calls that launched them (correlation
 * ids), calls to the innermost annotation that was open then, kernels to streams.
 *
 * A backward pass is launched by autograd's own thread while the annotation stands open
 * on the thread that called it: where a thread has no open annotation, the innermost one
 * of any thread counts. */
#include "io/inputs/kineto_priv.h"

#include <stdlib.h>
#include <string.h>

#include "models/trace.h"

#define MAX_TRACE_US 1e11 /* a day; times of a trace that lie further apart are no trace */

/* --- order ------------------------------------------------------------------------- */

/* qsort wants an array also where there is nothing to sort. */
static void sort(void *array, size_t n, size_t element_B, int (*order)(const void *, const void *))
{
    if (n)
        qsort(array, n, element_B, order);
}

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_correlation(const void *pa, const void *pb)
{
    const struct kin_call *a = pa, *b = pb;

    if (a->correlation != b->correlation)
        return a->correlation < b->correlation ? -1 : 1;
    return compare(a->start_us, b->start_us);
}

static int by_call_time(const void *pa, const void *pb)
{
    const struct kin_call *a = pa, *b = pb;
    int order = compare(a->start_us, b->start_us);

    return order ? order : by_correlation(pa, pb);
}

static int by_start(const void *pa, const void *pb)
{
    const struct kin_gpu *a = pa, *b = pb;
    int order = compare(a->start_us, b->start_us);

    if (!order)
        order = compare(a->launch_us, b->launch_us);
    if (!order)
        order = (a->correlation > b->correlation) - (a->correlation < b->correlation);
    return order ? order : (a->stream_id > b->stream_id) - (a->stream_id < b->stream_id);
}

static int outer_first(const void *pa, const void *pb)
{
    const struct kin_span *a = pa, *b = pb;
    int order = compare(a->start_us, b->start_us);

    if (!order)
        order = compare(b->end_us, a->end_us);
    return order ? order : strcmp(a->name, b->name);
}

/* --- annotations ------------------------------------------------------------------- */

static int by_name_then_time(const void *pa, const void *pb)
{
    const struct kin_span *a = *(const struct kin_span *const *)pa, *b = *(const struct kin_span *const *)pb;
    int order = strcmp(a->name, b->name);

    return order ? order : (a > b) - (a < b);
}

static void count_occurrences(struct kineto *k)
{
    struct kin_span **sorted = checked_alloc(malloc((k->n_spans + 1) * sizeof *sorted));

    for (size_t i = 0; i < k->n_spans; i++)
        sorted[i] = &k->spans[i];
    qsort(sorted, k->n_spans, sizeof *sorted, by_name_then_time);
    for (size_t i = 0; i < k->n_spans; i++) {
        bool again = i && sorted[i]->name == sorted[i - 1]->name;
        sorted[i]->occurrence = again ? sorted[i - 1]->occurrence + 1 : 1;
    }
    free(sorted);
}

/* The annotations that are open at a time, in order of their start. */
struct open_spans {
    uint32_t *span;
    size_t n, next;
};

static void advance(struct open_spans *open, const struct kineto *k, double now_us)
{
    size_t kept = 0;

    for (; open->next < k->n_spans && k->spans[open->next].start_us <= now_us; open->next++)
        open->span[open->n++] = (uint32_t)open->next;
    for (size_t i = 0; i < open->n; i++)
        if (k->spans[open->span[i]].end_us > now_us)
            open->span[kept++] = open->span[i];
    open->n = kept;
}

static uint32_t innermost(const struct open_spans *open, const struct kineto *k, uint32_t thread)
{
    for (size_t i = open->n; i-- > 0;)
        if (k->spans[open->span[i]].thread == thread)
            return open->span[i];
    return open->n ? open->span[open->n - 1] : KIN_NONE;
}

/* Calls must be sorted by time. */
static void annotate_calls(struct kineto *k)
{
    struct open_spans open = {.span = checked_alloc(malloc((k->n_spans + 1) * sizeof *open.span))};

    for (size_t i = 0; i < k->n_calls; i++) {
        advance(&open, k, k->calls[i].start_us);
        k->calls[i].span = innermost(&open, k, k->calls[i].thread);
    }
    free(open.span);
}

/* --- launches ---------------------------------------------------------------------- */

static const struct kin_call *launch_of(const struct kin_call *calls, size_t n, int64_t correlation)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (calls[middle].correlation < correlation)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && calls[low].correlation == correlation; low++)
        if (calls[low].kind == KIN_LAUNCH)
            return &calls[low];
    return NULL;
}

/* ROCm writes a kernel's grid on the call that launched it; a graph's launch has none. */
static void take_grid(struct kin_gpu *g, const struct kin_call *call)
{
    if (!g->kernel || g->grid[0] || !call->grid[0])
        return;
    memcpy(g->grid, call->grid, sizeof g->grid);
    g->threads = call->threads;
    g->shared_B = call->shared_B;
}

/* A kernel whose launch lies before the recording counts as launched when it started. */
static void link_launches(struct kineto *k)
{
    sort(k->calls, k->n_calls, sizeof *k->calls, by_correlation);
    for (size_t i = 0; i < k->n_gpus; i++) {
        struct kin_gpu *g = &k->gpus[i];
        const struct kin_call *call = g->correlation < 0 ? NULL : launch_of(k->calls, k->n_calls, g->correlation);
        g->launch_us = call && call->start_us < g->start_us ? call->start_us : g->start_us;
        if (call) {
            g->thread = call->thread;
            g->span = call->span;
            take_grid(g, call);
        }
    }
    kin_sort_syncs(k);
}

/* --- streams ----------------------------------------------------------------------- */

static struct kin_stream *stream_of(struct kineto *k, int64_t id)
{
    for (uint32_t i = 0; i < k->n_streams; i++)
        if (k->streams[i].id == id)
            return &k->streams[i];
    if (k->n_streams == KIN_MAX_STREAMS) {
        diag_error(k->diag, EXIT_LIMIT, SRCLOC_FILE(k->file), "kernels on more than %d streams", KIN_MAX_STREAMS);
        return NULL;
    }
    k->streams[k->n_streams].id = id;
    return &k->streams[k->n_streams++];
}

/* Compute before communication, the busiest first. */
static int by_role(const void *pa, const void *pb)
{
    const struct kin_stream *a = pa, *b = pb;

    if (a->communication != b->communication)
        return a->communication ? 1 : -1;
    if (a->busy_us != b->busy_us)
        return a->busy_us > b->busy_us ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* The number of SMs of the kernels' GPU; 0 = not known. */
static double sms_of(const struct kineto *k)
{
    const struct kin_device *d = kin_find_device(k);

    return d ? (double)d->sms : 0;
}

/* Classes that a kernel of its name has only when it is large. */
static void class_small_kernels(struct kineto *k)
{
    double sms = sms_of(k);

    for (size_t i = 0; i < k->n_gpus; i++) {
        struct kin_gpu *g = &k->gpus[i];
        double blocks = (double)g->grid[0] * g->grid[1] * g->grid[2];
        if (g->rule->small && (g->end_us - g->start_us < g->rule->small_us || (blocks > 0 && blocks < sms)))
            g->rule = g->rule->small;
    }
}

static bool communicates(const struct kin_gpu *g)
{
    return g->rule->collective != COLL_NONE || g->rule->bound == BOUND_COMM || g->rule->bound == BOUND_WAIT;
}

static int find_streams(struct kineto *k)
{
    for (size_t i = 0; i < k->n_gpus; i++) {
        const struct kin_gpu *g = &k->gpus[i];
        struct kin_stream *s = stream_of(k, g->stream_id);
        if (!s)
            return -1;
        s->busy_us += g->end_us - g->start_us;
        s->comm_us += communicates(g) ? g->end_us - g->start_us : 0;
    }
    for (uint32_t i = 0; i < k->n_streams; i++)
        k->streams[i].communication = k->streams[i].comm_us > k->streams[i].busy_us / 2;
    qsort(k->streams, k->n_streams, sizeof *k->streams, by_role);
    for (size_t i = 0; i < k->n_gpus; i++)
        k->gpus[i].stream = (uint32_t)(stream_of(k, k->gpus[i].stream_id) - k->streams);
    return 0;
}

static int check_times(const struct kineto *k)
{
    double first_us = k->gpus[0].start_us, last_us = first_us;

    for (size_t i = 0; i < k->n_gpus; i++) {
        const struct kin_gpu *g = &k->gpus[i];
        first_us = g->launch_us < first_us ? g->launch_us : first_us;
        last_us = g->end_us > last_us ? g->end_us : last_us;
    }
    if (last_us - first_us <= MAX_TRACE_US)
        return 0;
    diag_error(k->diag, EXIT_BAD_INPUT, SRCLOC_FILE(k->file),
               "the kernels lie %.0f s apart; a trace to import is one training step", (last_us - first_us) / 1e6);
    return -1;
}

int kin_link(struct kineto *k)
{
    sort(k->spans, k->n_spans, sizeof *k->spans, outer_first);
    count_occurrences(k);
    sort(k->calls, k->n_calls, sizeof *k->calls, by_call_time);
    annotate_calls(k);
    link_launches(k);
    sort(k->calls, k->n_calls, sizeof *k->calls, by_call_time);
    sort(k->gpus, k->n_gpus, sizeof *k->gpus, by_start);
    class_small_kernels(k);
    kin_link_messages(k);
    return find_streams(k) || check_times(k) ? -1 : 0;
}
