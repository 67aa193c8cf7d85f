/* Steps of a unit: what its ranks take into one, how long it lasts, and what it leaves.
 *
 * All ranks of a unit step together (expert parallelism makes them), so the fullest one decides. A colocated step
 * with chunks of prompts beside decoding lasts as long as both one after the other: weights that both would read
 * once are read twice, which is on the slow side. */
#include <math.h>

#include "base/diag.h"
#include "kinds/serve/serve_impl.h"

/* --- prefill --------------------------------------------------------------------------------------------------- */

/* Whether the first of a rank's prompts may go into a step. Colocated, its cache must have a place from now on. */
static bool may_prefill(struct serve *s, uint32_t rank, double now_s)
{
    struct serve_rank *r = &s->ranks[rank];
    uint32_t request = r->waiting.head;
    if (request == SERVE_NONE)
        return false;
    if (!s->spec->colocated || isfinite(s->out->records[request].admitted_s))
        return true;
    if (!serve_has_room(s, r, request))
        return false;
    serve_reserve(s, rank, request, now_s);
    return true;
}

/* What a step takes of the prompts of a rank. */
struct portion {
    double tokens,
        prompt_tokens; /* prompt_tokens / tokens: mean length of the prompts they are of, or what is before */
};

static void take_prompt(struct serve *s, struct serve_unit *u, uint32_t rank, double tokens, double now_s)
{
    struct serve_rank *r = &s->ranks[rank];
    uint32_t request = r->waiting.head;
    struct serve_record *record = &s->out->records[request];
    if (!isfinite(record->prefill_s))
        record->prefill_s = now_s;
    s->left[request] -= tokens;
    r->waiting_tokens -= tokens;
    if (s->left[request] <= 0)
        u->finishing[u->n_finishing++] = serve_fifo_pop(s, &r->waiting);
}

static struct portion take_prompts(struct serve *s, struct serve_unit *u, uint32_t rank, double now_s)
{
    struct portion p = {0, 0};
    double most = s->spec->step_tokens;
    while (p.tokens < most && may_prefill(s, rank, now_s)) {
        uint32_t request = s->ranks[rank].waiting.head;
        double tokens = s->left[request];
        bool too_many = p.tokens + tokens > most;
        if (too_many && !s->spec->chunked && p.tokens > 0)
            break; /* whole prompts; a single one may be longer */
        if (too_many && s->spec->chunked)
            tokens = most - p.tokens;
        p.tokens += tokens;
        p.prompt_tokens += tokens * (s->spec->requests[request].prompt - (s->spec->by_context ? s->left[request] : 0));
        take_prompt(s, u, rank, tokens, now_s);
    }
    return p;
}

/* Whether a step that begins now prefills, and the seconds of it. */
static bool begin_prefill(struct serve *s, struct serve_unit *u, double now_s, double *time_s)
{
    struct portion fullest = {0, 0};
    u->n_finishing = 0;
    u->all_tokens = 0;
    for (uint32_t r = u->first_rank; u->prefills && r < u->first_rank + u->n_ranks; r++) {
        struct portion p = take_prompts(s, u, r, now_s);
        u->all_tokens += p.tokens;
        if (p.tokens > fullest.tokens)
            fullest = p;
    }
    u->fullest_tokens = fullest.tokens;
    if (fullest.tokens <= 0)
        return false;
    *time_s = s->spec->times.prefill_s(s->spec->times.ctx, fullest.tokens, fullest.prompt_tokens / fullest.tokens);
    return true;
}

/* --- decoding -------------------------------------------------------------------------------------------------- */

static double cache_of(const struct serve *s, uint32_t request)
{
    return (double)s->spec->requests[request].prompt + s->generated[request];
}

/* Without predicted tokens each sequence gets one of each step, so that the step that ends it is known when it joins;
 * nothing else has to be done for it until then. */
static bool is_plain(const struct serve *s)
{
    return !s->spec->extra_tokens;
}

static bool ends_before(const struct serve *s, uint32_t a, uint32_t b)
{
    return s->last_step[a] < s->last_step[b];
}

static void heap_push(const struct serve *s, struct serve_rank *r, uint32_t request)
{
    uint32_t i = r->n_active++;
    for (; i && ends_before(s, request, r->active[(i - 1) / 2]); i = (i - 1) / 2)
        r->active[i] = r->active[(i - 1) / 2];
    r->active[i] = request;
}

static void heap_pop(const struct serve *s, struct serve_rank *r)
{
    uint32_t last = r->active[--r->n_active], i = 0;
    for (uint32_t child = 1; child < r->n_active; child = 2 * i + 1) {
        if (child + 1 < r->n_active && ends_before(s, r->active[child + 1], r->active[child]))
            child++;
        if (!ends_before(s, r->active[child], last))
            break;
        r->active[i] = r->active[child];
        i = child;
    }
    r->active[i] = last;
}

void serve_join(struct serve *s, uint32_t request, double now_s)
{
    struct serve_rank *r = &s->ranks[s->rank[request]];
    s->out->records[request].joined_s = now_s;
    r->cached += cache_of(s, request);
    if (is_plain(s)) {
        s->last_step[request] =
            s->units[serve_unit_of(s, s->rank[request])].steps + s->spec->requests[request].output - 1;
        heap_push(s, r, request);
    } else {
        r->active[r->n_active++] = request;
    }
}

/* Sequences that step, over all ranks, and the seconds of it. */
static uint32_t begin_decode(struct serve *s, struct serve_unit *u, double *time_s)
{
    uint32_t batch = 0, sequences = 0;
    double positions = 0;
    for (uint32_t r = u->first_rank; r < u->first_rank + u->n_ranks; r++) {
        struct serve_rank *rank = &s->ranks[r];
        rank->n_stepping = rank->n_active;
        batch = rank->n_active > batch ? rank->n_active : batch;
        positions = fmax(positions, rank->cached);
        sequences += rank->n_active;
    }
    if (!batch)
        return 0;
    u->steps++;
    *time_s = s->spec->times.decode_s(s->spec->times.ctx, batch, positions / batch);
    return sequences;
}

/* Tokens that a sequence gets out of a step: one, and predicted ones up to the first that is wrong. */
static uint32_t tokens_of_step(const struct serve_spec *spec, gsl_rng *rng)
{
    uint32_t n = 1;
    while (n <= spec->extra_tokens && gsl_rng_uniform(rng) < spec->accept_ratio)
        n++;
    return n;
}

static void end_plain(struct serve *s, struct serve_unit *u, struct serve_rank *rank, double now_s)
{
    rank->cached += rank->n_stepping;
    serve_count_tokens(s, rank->n_stepping, now_s);
    while (rank->n_active && s->last_step[rank->active[0]] <= u->steps) {
        uint32_t request = rank->active[0];
        s->generated[request] = s->spec->requests[request].output;
        rank->cached -= cache_of(s, request);
        heap_pop(s, rank);
        serve_release(s, request, now_s);
    }
}

static void end_predicted(struct serve *s, struct serve_unit *u, struct serve_rank *rank, double now_s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rank->n_active; i++) {
        uint32_t request = rank->active[i];
        uint32_t missing = s->spec->requests[request].output - s->generated[request];
        uint32_t tokens = i < rank->n_stepping ? tokens_of_step(s->spec, u->rng) : 0;
        tokens = tokens < missing ? tokens : missing; /* what is predicted beyond the end is of no use */
        s->generated[request] += tokens;
        rank->cached += tokens;
        serve_count_tokens(s, tokens, now_s);
        if (tokens < missing) {
            rank->active[kept++] = request;
            continue;
        }
        rank->cached -= cache_of(s, request);
        serve_release(s, request, now_s);
    }
    rank->n_active = kept;
}

static void end_decode(struct serve *s, struct serve_unit *u, double now_s)
{
    for (uint32_t r = u->first_rank; r < u->first_rank + u->n_ranks; r++)
        (is_plain(s) ? end_plain : end_predicted)(s, u, &s->ranks[r], now_s);
}

/* --- steps ----------------------------------------------------------------------------------------------------- */

/* Share of a step that falls into the time in which the service is watched. */
static double watched_ratio(const struct serve_spec *spec, double begin_s, double length_s)
{
    double to_s = spec->to_s > 0 ? spec->to_s : INFINITY;
    double inside_s = fmin(begin_s + length_s, to_s) - fmax(begin_s, spec->from_s);
    return length_s > 0 ? fmax(inside_s, 0) / length_s : 0;
}

void serve_step_begin(struct serve *s, uint32_t unit, double now_s)
{
    struct serve_unit *u = &s->units[unit];
    double prefill_s = 0, decode_s = 0;
    BUG_IF(u->busy);
    bool has_prefill = begin_prefill(s, u, now_s, &prefill_s);
    bool may_decode = u->decodes && (!has_prefill || s->spec->mixed);
    uint32_t sequences = may_decode ? begin_decode(s, u, &decode_s) : 0;
    u->has_decode = sequences > 0;
    u->busy = has_prefill || u->has_decode;
    if (!u->busy)
        return;
    double watched = watched_ratio(s->spec, now_s, prefill_s + decode_s);
    s->out->prefill_busy_s += watched * prefill_s;
    s->out->prefill_work_s += has_prefill ? watched * prefill_s * u->all_tokens / u->fullest_tokens : 0;
    s->out->decode_busy_s += watched * decode_s;
    s->out->batch_time += watched * sequences * (prefill_s + decode_s);
    event_queue_set(&s->queue, u->slot, now_s + prefill_s + decode_s);
}

void serve_step_end(struct serve *s, uint32_t unit, double now_s)
{
    struct serve_unit *u = &s->units[unit];
    u->busy = false;
    event_queue_set(&s->queue, u->slot, INFINITY);
    if (u->has_decode)
        end_decode(s, u, now_s);
    for (uint32_t i = 0; i < u->n_finishing; i++)
        serve_prefilled(s, u->finishing[i], now_s);
}
