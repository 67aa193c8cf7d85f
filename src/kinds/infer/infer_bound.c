/* infer_step_bound: a lower bound of a step in closed form: each rank's stream is followed item by item.
 *
 * A rank has received an exchange no earlier than its own incoming bytes can have come since the first rank began, and no
 * earlier than the exchange before it is over: every rank that sends now had received all of that one, so each NIC and each
 * cable between switches has carried it, and had to work before it sent. Where a rank does not hear from m of the others, m
 * of them may not have received theirs yet; what is surely carried is the rest.
 *
 * Beside the simulation of the same program this leaves out that exchanges share links while they overlap. */
#include <math.h>
#include <string.h>

#include "base/extremes.h"
#include "base/shared_cache.h"
#include "kinds/infer/infer_amounts.h"

struct bounding {
    struct infer_step *s;
    const struct infer_network *net;
    uint32_t n;
    double *rows, *clock;        /* [ranks] of all times, one behind the other; of the stream */
    struct ep_load *load;        /* [ranks] of the exchange under way */
    double launched;             /* when the CPU has launched the stage */
    double *sending, *receiving; /* [ranks] when the exchanges before are done */
    double *cable_s[2];          /* [micro-batch][cables] when all bytes of its exchanges so far have crossed */
    double nics_s[2];            /* [micro-batch] when NICs and the like have carried its last exchange */
    const double *largest[2];    /* [micro-batch][cables] of its last exchange; NULL: none yet */
    double largest_B[2];         /* [micro-batch] bytes of one of these */
    uint32_t unheard[2];         /* [micro-batch] not_heard of its last exchange */
    double *worked_s[2];         /* [micro-batch][ranks] of its stream since the last exchange had arrived */
    struct infer_times *times;
    double *arrived[2][2];          /* [combine][micro-batch]: [ranks] of the exchange under way */
    struct ep_exchange exchange[2]; /* costs alone */
    struct infer_amounts amounts;
    uint32_t *sparse;        /* [layers] which of those with experts it is */
    const double *experts_s; /* [layers with experts][micro-batches][ranks] */
};

/* --- what ranks have to send -------------------------------------------------- */

/* Whether a rank's tokens move only when all ranks are there. */
static bool all_meet(const struct bounding *b)
{
    const struct ep_exchange *x = b->exchange;
    return !b->s->layout.hooks && (x->cost.barrier_s > 0 || x->cost.rounds || x->prepare.rounds);
}

static struct infer_amount amount_of(const struct bounding *b, const struct infer_item *it)
{
    return infer_amount_of(&b->amounts, b->sparse[it->layer], it->micro_batch);
}

static uint32_t not_heard(const struct bounding *b, const struct infer_amount *m)
{
    return all_meet(b) ? 0 : m->not_heard;
}

/* --- the stream --------------------------------------------------------------- */

static double latest(const double *value, uint32_t n)
{
    return largest_of(value, n, 0);
}

static double earliest(const double *value, uint32_t n)
{
    return smallest_of(value, n, INFINITY);
}

/* The next row of times. */
static double *row(struct bounding *b)
{
    double *next = b->rows;
    b->rows += b->n;
    return next;
}

/* When all but `unheard` ranks can have received the last exchange of a micro-batch. */
static double over_s(const struct bounding *b, uint32_t mb, uint32_t unheard)
{
    const struct infer_fabric *f = &b->net->fabric;
    double last_s = unheard ? 0 : b->nics_s[mb];
    if (!unheard && b->largest[mb])
        return largest_of(b->cable_s[mb], f->n_links, last_s);
    for (uint32_t i = 0; i < f->n_links && b->largest[mb]; i++)
        last_s =
            larger(last_s, b->cable_s[mb][i] - unheard * (b->largest[mb][i] * b->largest_B[mb]) / f->capacity_Bps[i]);
    return last_s;
}

/* Where all meet, kernels begin together, when all ranks have done with the exchange before. */
static void together(struct bounding *b, double ahead_s)
{
    double start_s = latest(b->sending, b->n);
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++)
        start_s = fmax(start_s, over_s(b, mb, 0));
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = (all_meet(b) ? start_s : b->sending[r]) + ahead_s;
}

static double shortest_latency_s(const struct bounding *b)
{
    return b->s->layout.n_nodes > 1 ? fmin(b->net->nic_latency_s, b->net->nvlink_latency_s) : b->net->nvlink_latency_s;
}

/* Until a rank has heard from all. */
static double farthest_latency_s(const struct bounding *b)
{
    return b->s->layout.n_nodes > 1 ? fmax(b->net->nic_latency_s, b->net->nvlink_latency_s) : b->net->nvlink_latency_s;
}

/* Of a message: there, and round trips before its flag is there; then what the kernel does with it. */
static double behind_bytes_s(const struct bounding *b, const struct ep_exchange *x, double latency_s)
{
    double end_s = b->s->layout.hooks ? 0 : x->cost.end_s;
    return latency_s * (1 + 2 * x->cost.round_trips) + x->cost.ahead_s + end_s;
}

/* What comes to a rank from other nodes, of an exchange that the first rank begins at first_s: none of it is there before
 * its way, `way_s` behind its bytes, is over, whatever the NICs still have to carry of the exchange before. */
static double from_afar_s(const struct ep_exchange *x, const struct ep_counts *c, double first_s, double way_s)
{
    double copies = x->call.phase == EP_COMBINE ? c->out : c->in; /* counts are in the direction of a dispatch */
    double bytes_s = x->kernel->load ? 0 : copies * x->cost.token_B / x->nic_Bps;
    return copies > 0 ? first_s + bytes_s + way_s : 0;
}

/* Bytes of an exchange that begins at `first_s`. Those of the exchanges before it have gone ahead: any two ranks have a
 * third between them that hears of the one and is heard by the other, where each hears from more than half of them. */
static void load_cables(struct bounding *b, const struct infer_item *it, const struct infer_amount *m, double first_s)
{
    const struct infer_fabric *f = &b->net->fabric;
    uint32_t mb = it->micro_batch, unheard = not_heard(b, m);
    double *cable_s = b->cable_s[mb], copy_B = b->exchange[it->combine].cost.token_B;
    const double *crossing = m->crossing[it->combine];
    bool behind = 2 * (b->unheard[mb] + 1) < b->n && 2 * (unheard + 1) < b->n;
    for (uint32_t i = 0; i < f->n_links; i++)
        cable_s[i] = larger(behind ? cable_s[i] : 0, first_s) + crossing[i] * copy_B / f->capacity_Bps[i];
    b->largest[mb] = m->largest[it->combine];
    b->largest_B[mb] = copy_B;
    b->unheard[mb] = unheard;
}

/* A rank sends and receives one exchange after the other. */
static void post(struct bounding *b, const struct infer_item *it, double *start_s, double *arrived)
{
    const struct infer_layout *l = &b->s->layout;
    uint32_t mb = it->micro_batch;
    const struct ep_exchange *x = &b->exchange[it->combine];
    struct infer_amount m = amount_of(b, it);
    const struct ep_counts *counts = m.counts[it->combine];
    double latency_s = behind_bytes_s(b, x, shortest_latency_s(b)), nics_s = 0;
    double way_s = behind_bytes_s(b, x, b->net->nic_latency_s);
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = larger(b->sending[r], b->clock[r]);
    if (!l->hooks)
        together(b, ep_exchange_ahead_s(x, farthest_latency_s(b)));
    memcpy(start_s, b->sending, b->n * sizeof *start_s);
    double first_s = earliest(start_s, b->n);
    double behind_s = over_s(b, mb, not_heard(b, &m)) + earliest(b->worked_s[mb], b->n) + latency_s;
    ep_exchange_loads_of(x, counts, b->n, b->load);
    for (uint32_t r = 0; r < b->n; r++) {
        b->receiving[r] = larger(b->receiving[r], first_s) + b->load[r].in_s;
        arrived[r] = larger(larger(b->receiving[r] + latency_s, behind_s), from_afar_s(x, &counts[r], first_s, way_s));
        b->sending[r] = !l->hooks ? arrived[r] : start_s[r] + b->load[r].out_s;
        nics_s = larger(nics_s, larger(start_s[r] + b->load[r].out_s, b->receiving[r]));
    }
    b->arrived[it->combine][mb] = arrived;
    if (x->cost.sms >= (double)l->hw->chip.sms && !l->hooks)
        b->clock = arrived; /* nothing computes beside it */
    b->nics_s[mb] = nics_s;
    load_cables(b, it, &m, first_s);
}

static void exchange_tokens(struct bounding *b, double *end_s)
{
    const struct infer_layout *l = &b->s->layout;
    double bytes_B = l->tokens * (double)l->model->hidden * 2 * (l->tp - 1);
    for (uint32_t first = 0; first < b->n; first += l->tp) {
        double end = latest(b->clock + first, l->tp) + bytes_B / b->net->nvlink_Bps + b->net->nvlink_latency_s;
        for (uint32_t r = first; r < first + l->tp; r++)
            end_s[r] = end;
    }
}

/* Of a stage that takes as long on all ranks. */
static double stage_s(const struct bounding *b, const struct infer_item *it)
{
    bool sends = it->stage == STAGE_DISPATCH_SEND || it->stage == STAGE_COMBINE_SEND;
    const struct ep_cost *cost = &b->exchange[it->stage == STAGE_COMBINE_SEND].cost;
    if (sends && infer_stores(cost)) /* what it stores is part of the exchange */
        return cost->start_s;
    return infer_stage_s(&b->s->kernels, it->layer, it->stage);
}

static void compute(struct bounding *b, const struct infer_item *it, double *end_s)
{
    const double *experts_s = NULL;
    uint32_t micro_batches = b->s->program.micro_batches;
    double all_s = stage_s(b, it);
    if (it->stage == STAGE_MLP)
        experts_s = b->experts_s + ((size_t)b->sparse[it->layer] * micro_batches + it->micro_batch) * b->n;
    b->launched += infer_launch_s(&b->s->kernels, it->layer, it->stage);
    for (uint32_t r = 0; r < b->n; r++)
        end_s[r] = larger(b->clock[r], b->launched) + (experts_s ? experts_s[r] : all_s);
    for (uint32_t mb = 0; mb < micro_batches; mb++)
        for (uint32_t r = 0; r < b->n; r++)
            b->worked_s[mb][r] += experts_s ? experts_s[r] : all_s;
}

static void wait_for(struct bounding *b, const struct infer_item *it, double *end_s)
{
    const double *arrived = b->arrived[it->combine][it->micro_batch];
    for (uint32_t r = 0; r < b->n; r++)
        end_s[r] = larger(b->clock[r], arrived[r]);
    memset(b->worked_s[it->micro_batch], 0, b->n * sizeof(double));
}

static void follow(struct bounding *b, uint32_t item)
{
    const struct infer_item *it = &b->s->program.items[item];
    double *end_s = row(b);
    b->times->start_s[item] = b->clock;
    b->times->end_s[item] = end_s;
    if (it->action == DO_POST) {
        double *start_s = row(b);
        b->times->start_s[item] = start_s;
        post(b, it, start_s, end_s);
        return;
    }
    if (it->action == DO_STAGE)
        compute(b, it, end_s);
    else if (it->action == DO_WAIT)
        wait_for(b, it, end_s);
    else
        exchange_tokens(b, end_s);
    b->clock = end_s;
}

static size_t count_posts(const struct infer_program *p)
{
    size_t n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        n += p->items[i].action == DO_POST;
    return n;
}

/* Times outlive the rest. */
static void begin(struct bounding *b, struct arena *times, struct arena *a)
{
    const struct infer_program *p = &b->s->program;
    b->rows = ARENA_ARRAY(times, double, (p->n + count_posts(p) + 2) * b->n); /* before all, and end_last's */
    b->times->start_s = ARENA_ARRAY(times, const double *, p->n);
    b->times->end_s = ARENA_ARRAY(times, const double *, p->n);
    b->clock = row(b);
    b->load = ARENA_ARRAY(a, struct ep_load, b->n);
    b->sending = ARENA_ARRAY(a, double, b->n);
    b->receiving = ARENA_ARRAY(a, double, b->n);
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++) {
        b->cable_s[mb] = ARENA_ARRAY(a, double, b->net->fabric.n_links + 1);
        b->worked_s[mb] = ARENA_ARRAY(a, double, b->n);
    }
}

/* Times of experts on all ranks for the amounts; other points of a sweep may know them. */
static const double *time_experts(struct bounding *b, struct arena *arena)
{
    struct infer_step *s = b->s;
    const struct infer_amounts *a = &b->amounts;
    size_t n = (size_t)s->program.sparse * a->micro_batches * b->n;
    const char *key = a->key && b->net->chip ? arena_printf(arena, "%s, %s", a->key, b->net->chip) : NULL;
    const double *known = key ? shared_cache_get("times of experts", key, n * sizeof *known) : NULL;
    if (known)
        return known;
    double *times_s = ARENA_ARRAY(arena, double, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t at = (uint32_t)(i / b->n);
        struct infer_amount m = infer_amount_of(a, at / a->micro_batches, at % a->micro_batches);
        times_s[i] = infer_step_experts_s(s, m.slot_rows + i % b->n * s->layout.slots_per_rank);
    }
    if (key)
        shared_cache_put("times of experts", key, times_s, n * sizeof *times_s);
    return times_s;
}

static void note_loads(struct bounding *b)
{
    struct infer_amount m = infer_amount_of(&b->amounts, 0, 0);
    for (int combine = 0; combine < 2; combine++) {
        ep_exchange_loads_of(&b->exchange[combine], m.counts[combine], b->n, b->load);
        infer_step_note_loads(b->s, combine, b->load);
    }
}

static void find_amounts(struct bounding *b, struct arena *arena)
{
    struct infer_step *s = b->s;
    struct infer_fabric fabric = b->net->fabric;
    infer_amounts_find(s, b->exchange, &fabric, arena, &b->amounts);
    b->experts_s = time_experts(b, arena);
    b->sparse = ARENA_ARRAY(arena, uint32_t, (size_t)s->layout.model->layers);
    infer_step_forget_traffic(s);
    for (uint32_t i = 0; i < s->program.sparse; i++) {
        b->sparse[s->program.sparse_layer[i]] = i;
        for (uint32_t mb = 0; mb < s->program.micro_batches; mb++)
            infer_step_note_reach(s, infer_amount_of(&b->amounts, i, mb).reach);
    }
    note_loads(b);
}

/* The last rank to receive an exchange still has the rest of its stream before it. Which rank that is is not known; the one
 * that is last as it is may as well be it. */
static void end_last(struct bounding *b)
{
    uint32_t last = 0;
    if (!b->s->program.n)
        return;
    const double **end_s = &b->times->end_s[b->s->program.n - 1];
    double *later_s = memcpy(row(b), *end_s, b->n * sizeof **end_s);
    for (uint32_t r = 1; r < b->n; r++)
        last = later_s[r] > later_s[last] ? r : last;
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++)
        later_s[last] = fmax(later_s[last], over_s(b, mb, 0) + earliest(b->worked_s[mb], b->n));
    *end_s = later_s;
}

void infer_step_bound(struct infer_step *s, const struct infer_network *net, struct arena *arena,
                      struct infer_times *out)
{
    struct arena *a = arena_new();
    struct bounding b = {.s = s, .net = net, .n = s->layout.ranks, .times = out};
    begin(&b, arena, a);
    for (int combine = 0; combine < 2 && s->program.sparse; combine++) {
        struct ep_call call = infer_ep_call(&s->layout, combine);
        ep_exchange_cost(&b.exchange[combine], s->layout.kernel, &call);
    }
    if (s->program.sparse)
        find_amounts(&b, a);
    for (uint32_t i = 0; i < s->program.n; i++)
        follow(&b, i);
    end_last(&b);
    arena_free(a);
}
