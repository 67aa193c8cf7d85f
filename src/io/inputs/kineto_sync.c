/* Waits as the file says them: "cuda_sync" events of profilers that were asked for them name the stream that waits,
 * the stream and the call that recorded the event. The awaited kernel is the last one launched on that stream before
 * the event was recorded; the waiting one is the next launched on its stream after the call.
 *
 * Leaves out: events recorded before the profile began (nothing in it is awaited); waits inside of CUDA graphs.
 * Reference: libkineto CuptiActivity.cpp, eventSyncInfo. */
#include "io/inputs/kineto_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t whole(const cJSON *args, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(args, key);

    return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < UINT32_MAX ? (int64_t)n->valuedouble : -1;
}

void kin_read_sync(struct kineto *k, const cJSON *event)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(args, "cuda_sync_kind"));
    struct kin_sync sync = {.correlation = whole(args, "correlation"),
                            .stream_id = whole(args, "stream"),
                            .event_stream_id = whole(args, "wait_on_stream"),
                            .record_correlation = whole(args, "wait_on_cuda_event_record_corr_id"),
                            .record_us = NAN};

    if (!kind || sync.correlation < 0)
        return;
    sync.of_event = strstr(kind, "Event") != NULL;
    k->syncs_known = true;
    *(struct kin_sync *)KIN_PUSH(k, syncs) = sync;
}

static int by_correlation(const void *pa, const void *pb)
{
    const struct kin_sync *a = pa, *b = pb;

    return (a->correlation > b->correlation) - (a->correlation < b->correlation);
}

/* When a call recorded an event; calls are sorted by correlation. */
static double recorded_us(const struct kineto *k, int64_t correlation)
{
    size_t low = 0, high = k->n_calls;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (k->calls[middle].correlation < correlation)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < k->n_calls && k->calls[low].correlation == correlation; low++)
        if (k->calls[low].kind == KIN_RECORD)
            return k->calls[low].start_us;
    return NAN;
}

void kin_sort_syncs(struct kineto *k)
{
    if (k->n_syncs)
        qsort(k->syncs, k->n_syncs, sizeof *k->syncs, by_correlation);
    for (size_t i = 0; i < k->n_syncs; i++)
        if (k->syncs[i].record_correlation >= 0)
            k->syncs[i].record_us = recorded_us(k, k->syncs[i].record_correlation);
}

const struct kin_sync *kin_sync_of(const struct kineto *k, int64_t correlation)
{
    struct kin_sync key = {.correlation = correlation};

    return k->n_syncs ? bsearch(&key, k->syncs, k->n_syncs, sizeof key, by_correlation) : NULL;
}

static const struct kin_stream *stream_of(const struct kineto *k, int64_t id)
{
    for (uint32_t i = 0; i < k->n_streams; i++)
        if (k->streams[i].id == id)
            return &k->streams[i];
    return NULL;
}

/* How many kernels of a stream were launched before a time. */
static uint32_t launched_before(const struct kineto *k, const struct kin_stream *s, double time_us)
{
    uint32_t low = 0, high = s->n_kernels;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (k->gpus[s->kernels[middle]].launch_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t kin_sync_waiting(const struct kineto *k, const struct kin_sync *sync, double call_us)
{
    const struct kin_stream *s = stream_of(k, sync->stream_id);
    uint32_t n = s ? launched_before(k, s, call_us) : 0;

    return s && n < s->n_kernels ? s->kernels[n] : KIN_NONE;
}

uint32_t kin_sync_awaited(const struct kineto *k, const struct kin_sync *sync, double call_us)
{
    const struct kin_stream *s = stream_of(k, sync->of_event ? sync->event_stream_id : sync->stream_id);
    bool recorded = sync->of_event && isfinite(sync->record_us);
    uint32_t n = s ? launched_before(k, s, recorded ? sync->record_us : call_us) : 0;

    return n ? s->kernels[n - 1] : KIN_NONE;
}
