/* The service around its steps: arrivals, admission to decoding, transfers. Requests are served in the order of
 * their arrival everywhere; a request goes to the rank with the least to do. Disaggregated, a prefilled request
 * waits where it was prefilled until a decoding rank has a free place and enough cache, then its cache moves over
 * the sender's link, one request after the other.
 *
 * Left out: preemption (a request's whole cache is reserved at its admission), memory that waiting caches take on prefill units, time of schedulers. */
#include "kinds/serve/serve.h"

#include <math.h>

#include "base/diag.h"
#include "base/rng.h"
#include "kinds/serve/serve_impl.h"

enum { SLOT_ARRIVAL, FIRST_UNIT };

/* --- small things ---------------------------------------------------------------------------------------------- */

uint32_t serve_new_tokens(const struct serve_spec *spec, uint32_t request)
{
    const struct request *r = &spec->requests[request];
    double fresh = ceil((double)(r->prompt - r->cached) * (1 - spec->cached_ratio));
    return fresh > 1 ? (uint32_t)fresh : 1;
}

double serve_kv_positions(const struct serve_spec *spec, uint32_t request)
{
    return (double)spec->requests[request].prompt + spec->requests[request].output;
}

void serve_fifo_push(struct serve *s, struct serve_fifo *f, uint32_t request)
{
    s->next[request] = SERVE_NONE;
    if (f->head == SERVE_NONE)
        f->head = request;
    else
        s->next[f->tail] = request;
    f->tail = request;
}

uint32_t serve_fifo_pop(struct serve *s, struct serve_fifo *f)
{
    uint32_t request = f->head;
    f->head = s->next[request];
    return request;
}

uint32_t serve_unit_of(const struct serve *s, uint32_t rank)
{
    uint32_t u = 0;
    while (rank >= s->units[u].first_rank + s->units[u].n_ranks)
        u++;
    return u;
}

/* --- decoding ranks -------------------------------------------------------------------------------------------- */

bool serve_has_room(const struct serve *s, const struct serve_rank *r, uint32_t request)
{
    return r->reserved < s->spec->max_batch &&
           r->kv_used + serve_kv_positions(s->spec, request) <= s->spec->kv_positions;
}

void serve_reserve(struct serve *s, uint32_t rank, uint32_t request, double now_s)
{
    struct serve_rank *r = &s->ranks[rank];
    r->reserved++;
    r->kv_used += serve_kv_positions(s->spec, request);
    s->rank[request] = rank;
    s->out->records[request].admitted_s = now_s;
    s->out->kv_peak_ratio = fmax(s->out->kv_peak_ratio, r->kv_used / s->spec->kv_positions);
}

/* The decoding rank with room that has the fewest sequences; SERVE_NONE when all are full. */
static uint32_t find_room(const struct serve *s, uint32_t request)
{
    uint32_t best = SERVE_NONE;
    for (uint32_t u = 0; u < s->n_units; u++)
        for (uint32_t r = s->units[u].first_rank;
             s->units[u].decodes && r < s->units[u].first_rank + s->units[u].n_ranks; r++)
            if (serve_has_room(s, &s->ranks[r], request) &&
                (best == SERVE_NONE || s->ranks[r].reserved < s->ranks[best].reserved))
                best = r;
    return best;
}

/* --- transfers -------------------------------------------------------------------------------------------------- */

/* When the cache is there. Layer by layer, its bytes have left while the prompt was prefilled, as far as the link
 * was free, and the last layer's follow; a request that had to wait for a place sends everything now. */
static double transfer_end_s(struct serve *s, uint32_t request, double now_s)
{
    const struct serve_spec *spec = s->spec;
    struct serve_rank *from = &s->ranks[s->rank[request]];
    const struct serve_record *r = &s->out->records[request];
    bool at_once = spec->kv_layers && now_s <= r->first_token_s;
    if (spec->link_Bps <= 0)
        return now_s;
    double prompt = spec->requests[request].prompt;
    double whole_s = spec->cache_B(spec->cache_ctx, prompt) / spec->link_Bps;
    double end_s = fmax(at_once ? r->prefill_s : now_s, from->link_free_s) + whole_s;
    if (at_once)
        end_s = fmax(end_s, now_s + whole_s / spec->kv_layers);
    from->link_free_s = end_s;
    return end_s + spec->link_latency_s;
}

/* Admits those that wait, in order, while the first of them finds room. */
static void admit(struct serve *s, double now_s)
{
    while (s->admission.head != SERVE_NONE) {
        uint32_t request = s->admission.head, rank = find_room(s, request);
        if (rank == SERVE_NONE)
            return;
        serve_fifo_pop(s, &s->admission);
        double end_s = transfer_end_s(s, request, now_s);
        serve_reserve(s, rank, request, now_s);
        event_queue_set(&s->queue, s->first_transfer + request, end_s);
    }
}

static void end_request(struct serve *s, uint32_t request, double now_s)
{
    s->out->records[request].end_s = now_s;
    s->out->end_s = fmax(s->out->end_s, now_s);
}

void serve_release(struct serve *s, uint32_t request, double now_s)
{
    struct serve_rank *r = &s->ranks[s->rank[request]];
    r->reserved--;
    r->kv_used -= serve_kv_positions(s->spec, request);
    end_request(s, request, now_s);
}

void serve_count_tokens(struct serve *s, uint32_t n, double now_s)
{
    if (now_s >= s->spec->from_s && (s->spec->to_s <= 0 || now_s <= s->spec->to_s))
        s->out->tokens += n;
}

void serve_prefilled(struct serve *s, uint32_t request, double now_s)
{
    bool ends = s->spec->requests[request].output == 1;
    s->out->records[request].first_token_s = now_s;
    s->generated[request] = 1;
    serve_count_tokens(s, 1, now_s);
    if (s->spec->colocated && ends)
        serve_release(s, request, now_s);
    else if (s->spec->colocated)
        serve_join(s, request, now_s);
    else if (ends)
        end_request(s, request, now_s);
    else
        serve_fifo_push(s, &s->admission, request);
}

/* --- arrivals --------------------------------------------------------------------------------------------------- */

/* The prefilling rank with the fewest tokens before it; colocated, of equals the one with the fewest sequences. */
static uint32_t least_loaded(const struct serve *s)
{
    uint32_t best = SERVE_NONE;
    for (uint32_t u = 0; u < s->n_units; u++)
        for (uint32_t r = s->units[u].first_rank;
             s->units[u].prefills && r < s->units[u].first_rank + s->units[u].n_ranks; r++) {
            const struct serve_rank *a = &s->ranks[r], *b = best == SERVE_NONE ? NULL : &s->ranks[best];
            if (!b || a->waiting_tokens < b->waiting_tokens ||
                (a->waiting_tokens == b->waiting_tokens && a->reserved < b->reserved))
                best = r;
        }
    return best;
}

static void schedule_arrival(struct serve *s)
{
    const struct serve_spec *spec = s->spec;
    event_queue_set(&s->queue, SLOT_ARRIVAL,
                    s->next_arrival < spec->n_requests ? spec->requests[s->next_arrival].arrival_s : INFINITY);
}

/* The unit that it goes to. */
static uint32_t arrive(struct serve *s)
{
    uint32_t request = s->next_arrival++, rank = least_loaded(s);
    s->left[request] = serve_new_tokens(s->spec, request);
    s->rank[request] = rank;
    s->ranks[rank].waiting_tokens += s->left[request];
    serve_fifo_push(s, &s->ranks[rank].waiting, request);
    schedule_arrival(s);
    return serve_unit_of(s, rank);
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

static void add_units(struct serve *s, uint32_t n, uint32_t ranks, bool prefills, bool decodes)
{
    for (uint32_t i = 0; i < n; i++) {
        struct serve_unit *u = &s->units[s->n_units];
        *u = (struct serve_unit){.first_rank = s->n_ranks,
                                 .n_ranks = ranks,
                                 .slot = FIRST_UNIT + s->n_units,
                                 .prefills = prefills,
                                 .decodes = decodes,
                                 .finishing = ARENA_ARRAY(s->arena, uint32_t, prefills ? s->spec->n_requests : 1),
                                 .rng = rng_stream(s->spec->seed, s->n_units, "accepted tokens")};
        for (uint32_t r = 0; r < ranks; r++)
            s->ranks[s->n_ranks++] =
                (struct serve_rank){.waiting = {SERVE_NONE, SERVE_NONE},
                                    .active = ARENA_ARRAY(s->arena, uint32_t, decodes ? s->spec->max_batch : 1)};
        s->n_units++;
    }
}

static void set_up(struct serve *s)
{
    const struct serve_spec *spec = s->spec;
    uint32_t n = spec->n_requests, prefill_units = spec->colocated ? 0 : spec->prefill_units;
    uint32_t units = prefill_units + spec->decode_units;
    s->units = ARENA_ARRAY(s->arena, struct serve_unit, units);
    s->ranks = ARENA_ARRAY(s->arena, struct serve_rank,
                           prefill_units * spec->prefill_ranks + spec->decode_units * spec->decode_ranks);
    add_units(s, prefill_units, spec->prefill_ranks, true, false);
    add_units(s, spec->decode_units, spec->decode_ranks, spec->colocated, true);
    s->first_transfer = FIRST_UNIT + units;
    event_queue_reserve(&s->queue, s->first_transfer + n);
    s->admission = (struct serve_fifo){SERVE_NONE, SERVE_NONE};
    s->next = ARENA_ARRAY(s->arena, uint32_t, n);
    s->rank = ARENA_ARRAY(s->arena, uint32_t, n);
    s->left = ARENA_ARRAY(s->arena, double, n);
    s->generated = ARENA_ARRAY(s->arena, uint32_t, n);
    s->last_step = ARENA_ARRAY(s->arena, uint32_t, n);
    s->out->records = ARENA_ARRAY(s->arena, struct serve_record, n);
    for (uint32_t i = 0; i < n; i++)
        s->out->records[i] = (struct serve_record){NAN, NAN, NAN, NAN, NAN};
    schedule_arrival(s);
}

static void step_if_idle(struct serve *s, uint32_t unit, double now_s)
{
    if (!s->units[unit].busy)
        serve_step_begin(s, unit, now_s);
}

static void handle(struct serve *s, uint32_t slot, double now_s)
{
    uint32_t request = slot - s->first_transfer;
    if (slot == SLOT_ARRIVAL) {
        step_if_idle(s, arrive(s), now_s);
    } else if (slot < s->first_transfer) {
        serve_step_end(s, slot - FIRST_UNIT, now_s);
        step_if_idle(s, slot - FIRST_UNIT, now_s);
        admit(s, now_s);
    } else {
        event_queue_set(&s->queue, slot, INFINITY);
        serve_join(s, request, now_s);
        step_if_idle(s, serve_unit_of(s, s->rank[request]), now_s);
    }
}

void serve_run(const struct serve_spec *spec, struct arena *arena, struct serve_outcome *out)
{
    struct serve s = {.spec = spec, .out = out, .arena = arena};
    double now_s;
    *out = (struct serve_outcome){0};
    set_up(&s);
    while (isfinite(now_s = event_queue_min(&s.queue)))
        handle(&s, event_queue_due(&s.queue, now_s), now_s);
    for (uint32_t i = 0; i < spec->n_requests; i++)
        BUG_IF(!isfinite(out->records[i].end_s));
    for (uint32_t u = 0; u < s.n_units; u++)
        gsl_rng_free(s.units[u].rng);
    event_queue_free(&s.queue);
}
