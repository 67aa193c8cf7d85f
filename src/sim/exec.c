/* The op-graph executor. An op waits for its lane predecessor and its dependencies, then lead_s, then
 * runs. What becomes ready at one time is worked off a queue in a fixed order, never by recursion.
 *
 * Early and queue dependencies are milestones in the work of the op that they wait for. An op that waits in a queue
 * blocks nobody, so that no two wait for each other.
 *
 * SM shares: SYNC and COMM ops hold SMs of their device. The SM-sensitive COMPUTE ops that run on it
 * share what is left in proportion to what each can use; an op's speed is its share over sm_ref.
 *
 * Transfers of a bundle are made when their op starts, each in a place behind those of the graph, which the next one gets when
 * it has ended: there are as many as are under way.
 *
 * Memory bandwidth: SYNC and COMM ops hold a share of it, COMPUTE ops take one at full speed. Where that is more than there
 * is, everyone gets as much as it asks for up to a level that fits (max-min), and those above it slow down. */
#include "sim/exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine.h"
#include "sim/net.h"
#include "sim/net_path.h"
#include "sim/xalloc.h"

enum todo_kind { TODO_START, TODO_END, TODO_RELEASE, TODO_PASS };

struct milestone { /* in the work of an op */
    double share;
    uint32_t op;    /* early dependency: who goes on */
    uint32_t queue; /* or the queue dependency; OP_NONE */
};

struct todo {
    uint32_t op;
    uint8_t kind;
};

struct running { /* an SM-sensitive COMPUTE op in flight */
    uint32_t op, generation;
    uint32_t milestone;            /* the next one; those of the op passed: its end */
    double left_s, speed, since_s; /* of work until then */
};

struct device {
    double sm_held, memory_held;
    struct running *running;
    uint32_t n, cap;
};

struct sender { /* of a bundle: a rank at one of its ends */
    uint32_t bundle, rank, end;
};

struct ends {
    uint32_t src_op, dst_op;
};

struct exec {
    const struct sim_spec *spec; /* the caller's, or `own` */
    const struct opgraph *g;     /* the caller's, or `live` */
    struct sim_spec own;         /* with bundles: `live` for its graph, */
    struct opgraph live;         /* whose transfers go on behind the caller's */
    uint32_t n_places, cap_places;
    bool round_trips;  /* some of a bundle make round trips behind their last byte */
    struct ends *ends; /* of places, to have at hand when a transfer ends */
    uint32_t *free_places, n_free, cap_free;
    struct sender *senders;
    struct sim_outcome *out;
    struct diag *diag;
    struct net *net;

    uint32_t *waits;               /* per op: dependencies and lane predecessor left */
    uint32_t *after_first, *after; /* CSR: ops that wait for an op */
    uint32_t *milestone_first;     /* CSR by op, by share; NULL: there are none */
    struct milestone *milestones;
    uint32_t *queue_first, *queue_of, *queue_at; /* CSR: queue dependencies by the op that waits; which is next */
    uint8_t *passed, *queued;                    /* per queue dependency; per op: it waits in a queue */
    double *due_s;                               /* per op: when it will start, once nothing but its lead is left */
    uint32_t *sent_first, *sent; /* CSR: transfers by src_op; a rendezvous also by dst_op; then n_transfers + sender */
    uint32_t *pending;           /* per op: transfers and own work left */
    uint8_t *started;
    uint32_t *group_missing, *group_first, *group; /* CSR: ops of a sync group */
    struct device *devices;
    struct todo *queue;
    uint32_t queue_head, n_queue, cap_queue;
    uint32_t cap_samples;
    uint32_t ops_left, generation;
    bool working, failed;
};

static void work_off(struct exec *x);

/* Branches of a transfer; its first is at its other end, like the receiver or sender of one that is no tree. */
static uint32_t n_branches(const struct opgraph *g, const struct transfer *t)
{
    return t->tree ? g->trees[t->tree - 1].n : 0;
}

static const struct branch *branch_of(const struct opgraph *g, const struct transfer *t, uint32_t i)
{
    return &g->branches[g->trees[t->tree - 1].first + i];
}

static void later(struct exec *x, uint32_t op, enum todo_kind kind)
{
    XGROW(x->queue, x->n_queue, x->cap_queue);
    x->queue[x->n_queue++] = (struct todo){op, (uint8_t)kind};
}

static void on_timer(void *ctx, uint32_t op, uint32_t kind)
{
    struct exec *x = ctx;
    later(x, op, (enum todo_kind)kind);
    work_off(x);
}

static void at(struct exec *x, double delay_s, uint32_t op, enum todo_kind kind)
{
    if (delay_s <= 0)
        later(x, op, kind);
    else
        engine_timer(engine_now() + delay_s, on_timer, x, op, kind);
}

/* --- SM shares ------------------------------------------------------------------------------------ */

static void on_compute_end(void *ctx, uint32_t op, uint32_t generation);

/* Milestones of an op: from the first to before the end. */
static uint32_t first_milestone(const struct exec *x, uint32_t op)
{
    return x->milestone_first ? x->milestone_first[op] : 0;
}

static uint32_t end_of_milestones(const struct exec *x, uint32_t op)
{
    return x->milestone_first ? x->milestone_first[op + 1] : 0;
}

static double share_at(const struct exec *x, uint32_t op, uint32_t milestone)
{
    return milestone < end_of_milestones(x, op) ? x->milestones[milestone].share : 1;
}

/* What a milestone is for goes on. */
static void later_milestone(struct exec *x, uint32_t milestone, double delay_s)
{
    const struct milestone *m = &x->milestones[milestone];

    if (m->queue == OP_NONE)
        at(x, delay_s, m->op, TODO_RELEASE);
    else
        at(x, delay_s, m->queue, TODO_PASS);
}

/* A running op is at its milestone: what waits for it goes on, the op to the next one or its end. */
static void pass_milestone(struct exec *x, struct running *r)
{
    double work_s = x->g->ops[r->op].work_s, share = share_at(x, r->op, r->milestone);

    later_milestone(x, r->milestone, 0);
    r->milestone++;
    r->left_s = (share_at(x, r->op, r->milestone) - share) * work_s;
    r->since_s = engine_now();
    r->generation = ++x->generation;
    engine_timer(engine_now() + r->left_s / r->speed, on_compute_end, x, r->op, r->generation);
}

static void on_compute_end(void *ctx, uint32_t op, uint32_t generation)
{
    struct exec *x = ctx;
    struct device *d = &x->devices[x->g->ops[op].device];
    for (uint32_t i = 0; i < d->n; i++)
        if (d->running[i].op == op && d->running[i].generation == generation) {
            if (d->running[i].milestone < end_of_milestones(x, op))
                pass_milestone(x, &d->running[i]);
            else
                later(x, op, TODO_END);
            work_off(x);
            return;
        }
}

static double share_of(const struct exec *x, const struct device *d, uint32_t i)
{
    double free_sm = fmax(0, x->spec->sm_per_device - d->sm_held), wanted = 0;
    for (uint32_t k = 0; k < d->n; k++)
        wanted += x->g->ops[d->running[k].op].sm_max;
    double most = x->g->ops[d->running[i].op].sm_max;
    return wanted <= free_sm ? most : most * free_sm / wanted;
}

static double speed_by_sms(const struct exec *x, const struct device *d, uint32_t i)
{
    const struct op *op = &x->g->ops[d->running[i].op];
    return op->sm_ref > 0 ? share_of(x, d, i) / op->sm_ref : 1;
}

/* What one may take of the memory's bandwidth where all that run take more than is left; else INFINITY. */
static double memory_level(const struct exec *x, const struct device *d)
{
    double left = fmax(0, 1 - d->memory_held), level = INFINITY, before;
    do {
        double rest = left;
        uint32_t above = 0;
        before = level;
        for (uint32_t i = 0; i < d->n; i++) {
            double wants = x->g->ops[d->running[i].op].memory * speed_by_sms(x, d, i);
            bool fits = wants <= (isinf(before) ? left / d->n : before);
            rest -= fits ? wants : 0;
            above += !fits;
        }
        level = above ? rest / above : INFINITY;
    } while (isfinite(level) && level > before * (1 + 1e-12));
    return level;
}

static double speed_of(const struct exec *x, const struct device *d, uint32_t i, double level)
{
    double speed = speed_by_sms(x, d, i), memory = x->g->ops[d->running[i].op].memory;
    return memory * speed > level ? level / memory : speed;
}

/* Whoever holds or frees SMs changes the speed of everything that runs beside it. */
static void reshare(struct exec *x, uint32_t device)
{
    struct device *d = &x->devices[device];
    double now_s = engine_now(), level = memory_level(x, d);
    for (uint32_t i = 0; i < d->n; i++) {
        struct running *r = &d->running[i];
        double speed = speed_of(x, d, i, level);
        if (speed == r->speed)
            continue;
        r->left_s = fmax(0, r->left_s - (now_s - r->since_s) * r->speed);
        r->since_s = now_s;
        r->speed = speed;
        r->generation = ++x->generation;
        if (speed > 0)
            engine_timer(now_s + r->left_s / speed, on_compute_end, x, r->op, r->generation);
    }
}

static void hold(struct exec *x, const struct op *op, double sign)
{
    if (op->sm_hold <= 0 && op->memory <= 0)
        return;
    x->devices[op->device].sm_held += sign * op->sm_hold;
    x->devices[op->device].memory_held += sign * op->memory;
    reshare(x, op->device);
}

/* Milestones of an op whose work takes as long as it says. */
static void schedule_milestones(struct exec *x, uint32_t id)
{
    for (uint32_t i = first_milestone(x, id); i < end_of_milestones(x, id); i++)
        later_milestone(x, i, x->milestones[i].share * x->g->ops[id].work_s);
}

static void compute_start(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    if ((op->sm_ref <= 0 && op->memory <= 0) || op->work_s <= 0) {
        schedule_milestones(x, id);
        at(x, op->work_s, id, TODO_END);
        return;
    }
    struct device *d = &x->devices[op->device];
    XGROW(d->running, d->n, d->cap);
    uint32_t first = first_milestone(x, id);
    d->running[d->n++] = (struct running){.op = id,
                                          .milestone = first,
                                          .left_s = share_at(x, id, first) * op->work_s,
                                          .speed = -1,
                                          .since_s = engine_now()};
    reshare(x, op->device);
}

static void compute_end(struct exec *x, uint32_t id)
{
    struct device *d = &x->devices[x->g->ops[id].device];
    for (uint32_t i = 0; i < d->n; i++)
        if (d->running[i].op == id) {
            memmove(&d->running[i], &d->running[i + 1], (--d->n - i) * sizeof *d->running);
            reshare(x, x->g->ops[id].device);
            return;
        }
}

/* --- ops ------------------------------------------------------------------------------------------ */

static void sync_start(struct exec *x, const struct op *op)
{
    uint32_t group = op->sync_group;
    if (--x->group_missing[group])
        return;
    for (uint32_t i = x->group_first[group]; i < x->group_first[group + 1]; i++) {
        schedule_milestones(x, x->group[i]);
        at(x, x->g->ops[x->group[i]].work_s, x->group[i], TODO_END);
    }
}

static void one_less(struct exec *x, uint32_t op)
{
    if (--x->pending[op] == 0 && x->started[op])
        later(x, op, TODO_END);
}

static void on_own_work_done(void *ctx, uint32_t op, uint32_t unused)
{
    (void)unused;
    one_less(ctx, op);
    work_off(ctx);
}

/* A reduction starts with the last of its senders. */
static bool tree_is_met(const struct exec *x, const struct transfer_tree *tree)
{
    for (uint32_t i = 0; tree->inward && i < tree->n; i++)
        if (!x->started[x->g->branches[tree->first + i].op])
            return false;
    return true;
}

/* A rendezvous starts with the later of its two ops. */
static bool is_met(const struct exec *x, const struct transfer *t)
{
    if (t->tree)
        return tree_is_met(x, &x->g->trees[t->tree - 1]);
    return !t->rendezvous || (x->started[t->src_op] && x->started[t->dst_op]);
}

static uint32_t take_place(struct exec *x)
{
    if (x->n_free)
        return x->free_places[--x->n_free];
    if (x->n_places == x->cap_places) {
        x->cap_places = 2 * x->cap_places + 64;
        x->live.transfers = XREALLOC(x->live.transfers, struct transfer, x->cap_places);
        x->ends = XREALLOC(x->ends, struct ends, x->cap_places);
    }
    return x->n_places++;
}

static void start_cells(struct exec *x, const struct sender *s)
{
    const struct bundle *b = &x->g->bundles[s->bundle];
    const struct transfer *way = b->way + (size_t)s->rank * b->ranks;
    uint32_t other = b->ops[BUNDLE_STORES * b->ranks + s->rank] == b->ops[BUNDLE_POSTS * b->ranks + s->rank]
                         ? BUNDLE_STORES
                         : s->end; /* where one op is both, it sends in the order of cells */
    for (uint32_t i = b->first[s->rank]; i < b->first[s->rank + 1]; i++) {
        if (way[b->cells[i].to].src_op != s->end && way[b->cells[i].to].src_op != other)
            continue;
        uint32_t place = take_place(x);
        struct transfer *t = &x->live.transfers[place];
        *t = bundle_transfer(b, s->rank, b->cells[i]);
        x->ends[place] = (struct ends){t->src_op, t->dst_op};
        net_start(x->net, place);
    }
}

static void comm_start(struct exec *x, uint32_t id)
{
    uint32_t n_transfers = x->g->n_transfers;
    /* its own work counts as one more pending item, so that it cannot end before it began */
    x->pending[id]++;
    for (uint32_t i = x->sent_first[id]; i < x->sent_first[id + 1]; i++) {
        if (x->sent[i] >= n_transfers) {
            start_cells(x, &x->senders[x->sent[i] - n_transfers]);
            continue;
        }
        if (!is_met(x, &x->g->transfers[x->sent[i]]))
            continue;
        x->out->transfer_start_s[x->sent[i]] = engine_now();
        net_start(x->net, x->sent[i]);
    }
    if (x->g->ops[id].work_s > 0) {
        schedule_milestones(x, id);
        engine_timer(engine_now() + x->g->ops[id].work_s, on_own_work_done, x, id, 0);
    } else {
        one_less(x, id);
    }
}

/* --- queues for SMs ------------------------------------------------------------------------------- */

static double free_sms(const struct exec *x, uint32_t device)
{
    const struct device *d = &x->devices[device];
    double sms = x->spec->sm_per_device - d->sm_held;
    for (uint32_t i = 0; i < d->n; i++)
        sms -= x->g->ops[d->running[i].op].sm_max;
    return fmax(0, sms);
}

static bool is_ahead(const struct exec *x, uint32_t dep)
{
    const struct queue_dep *d = &x->g->queue[dep];
    if (free_sms(x, x->g->ops[d->after].device) > d->free_sms + 0.5)
        return false;
    bool due = !x->waits[d->before] && !x->queued[d->before] && x->due_s[d->before] <= engine_now() + d->slack_s;

    return !x->passed[dep] && (x->started[d->before] || due);
}

/* Whether the op waits for one that is ahead of it. */
static bool joins_queue(struct exec *x, uint32_t op)
{
    if (!x->queue_first)
        return false;
    while (x->queue_at[op] < x->queue_first[op + 1] && !is_ahead(x, x->queue_of[x->queue_at[op]]))
        x->queue_at[op]++;
    x->queued[op] = x->queue_at[op] < x->queue_first[op + 1];
    return x->queued[op];
}

static void queue_passed(struct exec *x, uint32_t dep)
{
    uint32_t op = x->g->queue[dep].after;

    x->passed[dep] = 1;
    if (!x->queued[op] || x->queue_of[x->queue_at[op]] != dep)
        return;
    x->queue_at[op]++;
    at(x, x->g->queue[dep].lag_s, op, TODO_START);
}

static void op_start(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    if (joins_queue(x, id))
        return;
    x->out->op_start_s[id] = engine_now();
    x->started[id] = 1;
    if (op->kind != OP_COMPUTE)
        hold(x, op, 1);
    switch (op->kind) {
    case OP_COMPUTE:
        compute_start(x, id);
        break;
    case OP_SYNC:
        sync_start(x, op);
        break;
    case OP_COMM:
        comm_start(x, id);
        break;
    }
}

static void released(struct exec *x, uint32_t id)
{
    if (--x->waits[id])
        return;
    if (x->due_s)
        x->due_s[id] = engine_now() + x->g->ops[id].lead_s;
    at(x, x->g->ops[id].lead_s, id, TODO_START);
}

static void op_end(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    x->out->op_end_s[id] = engine_now();
    if (op->kind == OP_COMPUTE)
        compute_end(x, id);
    else
        hold(x, op, -1);
    for (uint32_t i = x->after_first[id]; i < x->after_first[id + 1]; i++)
        released(x, x->after[i]);
    if (op->kind == OP_COMM && op->work_s <= 0)
        for (uint32_t i = first_milestone(x, id); i < end_of_milestones(x, id); i++)
            later_milestone(x, i, 0);
    if (x->spec->ops_done)
        *x->spec->ops_done = x->g->n_ops - x->ops_left + 1;
    if (--x->ops_left == 0)
        engine_stop();
}

static void work_off(struct exec *x)
{
    if (x->working)
        return;
    x->working = true;
    while (x->queue_head < x->n_queue) {
        struct todo t = x->queue[x->queue_head++];
        if (t.kind == TODO_START)
            op_start(x, t.op);
        else if (t.kind == TODO_RELEASE)
            released(x, t.op);
        else if (t.kind == TODO_PASS)
            queue_passed(x, t.op);
        else
            op_end(x, t.op);
    }
    x->queue_head = x->n_queue = 0;
    x->working = false;
}

/* --- network -------------------------------------------------------------------------------------- */

static void transfer_failed(struct exec *x, uint32_t transfer, double left_B)
{
    const struct transfer *t = &x->g->transfers[transfer];
    diag_error(x->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "GPU %u cannot reach GPU %u at %.9g s: every path crosses a link that failed "
               "(%s, %.0f of %.0f B are left)",
               t->src, t->dst, engine_now(), x->g->strings[x->g->ops[t->src_op].name], left_B, t->bytes_B);
    x->failed = true;
    engine_stop();
}

/* One of a bundle: no tree. */
static void place_done(struct exec *x, uint32_t place)
{
    struct ends e = x->ends[place];
    XGROW(x->free_places, x->n_free, x->cap_free);
    x->free_places[x->n_free++] = place;
    one_less(x, e.src_op);
    if (e.dst_op != e.src_op)
        one_less(x, e.dst_op);
    work_off(x);
}

static void transfer_done(struct exec *x, uint32_t transfer)
{
    const struct transfer *t = &x->g->transfers[transfer];
    if (transfer >= x->g->n_transfers) {
        place_done(x, transfer);
        return;
    }
    x->out->transfer_end_s[transfer] = engine_now();
    one_less(x, t->src_op);
    if (t->dst_op != t->src_op)
        one_less(x, t->dst_op);
    for (uint32_t i = 1; i < n_branches(x->g, t); i++)
        one_less(x, branch_of(x->g, t, i)->op);
    work_off(x);
}

static void on_round_trips_over(void *ctx, uint32_t transfer, uint32_t unused)
{
    (void)unused;
    transfer_done(ctx, transfer);
}

/* By tables: packets of a fence are few, and go where the network is not loaded. */
static double round_trips_s(const struct exec *x, uint32_t transfer)
{
    if (transfer >= x->g->n_transfers && !x->round_trips)
        return 0;
    const struct transfer *t = &x->g->transfers[transfer];
    struct router tables = {.topo = x->spec->topo};
    struct net_path path;
    if (!t->round_trips || !net_path_of(x->spec, &tables, transfer, 0, false, &path))
        return 0;
    return 2 * t->round_trips * (path.latency_s - t->latency_s);
}

static void on_transfer_end(void *ctx, uint32_t transfer, double now_s, enum flow_end how, double left_B)
{
    struct exec *x = ctx;
    if (transfer < x->g->n_transfers)
        x->out->transfer_end_s[transfer] = now_s;
    if (x->out->transfer_limit)
        x->out->transfer_limit[transfer] = net_limit(x->net);
    if (how == FLOW_FAILED) {
        if (!x->failed)
            transfer_failed(x, transfer, left_B);
        return;
    }
    double more_s = round_trips_s(x, transfer);
    if (more_s > 0)
        engine_timer(now_s + more_s, on_round_trips_over, x, transfer, 0);
    else
        transfer_done(x, transfer);
}

static void on_load(void *ctx, uint32_t link, double now_s, double load_Bps)
{
    struct exec *x = ctx;
    for (uint32_t w = 0; w < x->spec->n_watch; w++) {
        if (x->spec->watch[w] != link)
            continue;
        XGROW(x->out->samples, x->out->n_samples, x->cap_samples);
        x->out->samples[x->out->n_samples++] = (struct link_sample){now_s, load_Bps, w};
    }
}

static void on_link_event(void *ctx, uint32_t event, uint32_t unused)
{
    struct exec *x = ctx;
    (void)unused;
    net_link_event(x->net, &x->spec->events[event]);
}

static void net_setup(struct exec *x)
{
    const struct topology *topo = x->spec->topo;
    uint32_t n = topo->n_links + x->g->n_resources;
    double *capacity_Bps = XREALLOC(NULL, double, n);
    for (uint32_t i = 0; i < topo->n_links; i++)
        capacity_Bps[i] = topo->links[i].capacity_Bps;
    for (uint32_t i = 0; i < x->g->n_resources; i++)
        capacity_Bps[topo->n_links + i] = x->g->resources[i].capacity_Bps;
    struct net_setup setup = {x->spec, n, capacity_Bps, on_transfer_end, on_load, x, x->diag};
    x->net = net_new(&setup);
    free(capacity_Bps);
    for (uint32_t i = 0; i < x->spec->n_events; i++) {
        if (x->spec->events[i].time_s <= 0)
            on_link_event(x, i, 0);
        else
            engine_timer(x->spec->events[i].time_s, on_link_event, x, i, 0);
    }
}

/* --- set-up --------------------------------------------------------------------------------------- */

/* Compressed rows: first[k] .. first[k+1] of `items` are the indices i with row[i] == k. */
static void rows_begin(uint32_t **first, uint32_t n_rows)
{
    *first = XREALLOC(NULL, uint32_t, n_rows + 2);
    memset(*first, 0, (n_rows + 2) * sizeof **first);
}

static void rows_sum(uint32_t *first, uint32_t n_rows)
{
    for (uint32_t k = 0; k <= n_rows; k++)
        first[k + 1] += first[k];
}

/* During filling first[row + 1] is the next free place of the row; afterwards it is its end. */
static void link_lanes_and_deps(struct exec *x)
{
    const struct opgraph *g = x->g;
    uint32_t *before = XREALLOC(NULL, uint32_t, g->n_ops), *last = XREALLOC(NULL, uint32_t, g->n_lanes);
    memset(last, 0xff, g->n_lanes * sizeof *last);
    rows_begin(&x->after_first, g->n_ops);
    for (uint32_t i = 0; i < g->n_ops; i++) {
        before[i] = last[g->ops[i].lane];
        last[g->ops[i].lane] = i;
        if (before[i] != OP_NONE) {
            x->waits[i]++;
            x->after_first[before[i] + 2]++;
        }
    }
    for (uint32_t i = 0; i < g->n_deps; i++) {
        x->waits[g->deps[i].after]++;
        x->after_first[g->deps[i].before + 2]++;
    }
    rows_sum(x->after_first, g->n_ops);
    x->after = XREALLOC(NULL, uint32_t, g->n_deps + g->n_ops);
    for (uint32_t i = 0; i < g->n_ops; i++)
        if (before[i] != OP_NONE)
            x->after[x->after_first[before[i] + 1]++] = i;
    for (uint32_t i = 0; i < g->n_deps; i++)
        x->after[x->after_first[g->deps[i].before + 1]++] = g->deps[i].after;
    free(before);
    free(last);
}

static void sort_milestones(struct milestone *m, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = i; k > 0 && m[k - 1].share > m[k].share; k--) {
            struct milestone swapped = m[k];
            m[k] = m[k - 1];
            m[k - 1] = swapped;
        }
}

/* By the op in whose work they are; of one op in the order of their shares. */
static void link_milestones(struct exec *x)
{
    const struct opgraph *g = x->g;
    if (!g->n_early && !g->n_queue)
        return;
    rows_begin(&x->milestone_first, g->n_ops);
    for (uint32_t i = 0; i < g->n_early; i++) {
        x->waits[g->early[i].after]++;
        x->milestone_first[g->early[i].before + 2]++;
    }
    for (uint32_t i = 0; i < g->n_queue; i++)
        x->milestone_first[g->queue[i].before + 2]++;
    rows_sum(x->milestone_first, g->n_ops);
    x->milestones = XREALLOC(NULL, struct milestone, g->n_early + g->n_queue);
    for (uint32_t i = 0; i < g->n_early; i++)
        x->milestones[x->milestone_first[g->early[i].before + 1]++] =
            (struct milestone){g->early[i].share, g->early[i].after, OP_NONE};
    for (uint32_t i = 0; i < g->n_queue; i++)
        x->milestones[x->milestone_first[g->queue[i].before + 1]++] = (struct milestone){g->queue[i].share, OP_NONE, i};
    for (uint32_t op = 0; op < g->n_ops; op++)
        sort_milestones(x->milestones + x->milestone_first[op], x->milestone_first[op + 1] - x->milestone_first[op]);
}

static void link_queues(struct exec *x, struct arena *arena)
{
    const struct opgraph *g = x->g;
    if (!g->n_queue)
        return;
    rows_begin(&x->queue_first, g->n_ops);
    for (uint32_t i = 0; i < g->n_queue; i++)
        x->queue_first[g->queue[i].after + 2]++;
    rows_sum(x->queue_first, g->n_ops);
    x->queue_of = XREALLOC(NULL, uint32_t, g->n_queue);
    for (uint32_t i = 0; i < g->n_queue; i++)
        x->queue_of[x->queue_first[g->queue[i].after + 1]++] = i;
    x->queue_at = XREALLOC(NULL, uint32_t, g->n_ops);
    memcpy(x->queue_at, x->queue_first, g->n_ops * sizeof *x->queue_at);
    x->passed = ARENA_ARRAY(arena, uint8_t, g->n_queue);
    x->queued = ARENA_ARRAY(arena, uint8_t, g->n_ops);
    x->due_s = ARENA_ARRAY(arena, double, g->n_ops);
    for (uint32_t i = 0; i < g->n_ops; i++)
        x->due_s[i] = x->waits[i] ? INFINITY : g->ops[i].lead_s;
}

/* Ops at whose start the transfer may start: its sender, both ends of a rendezvous, all senders of a reduction. */
static uint32_t starters(const struct opgraph *g, const struct transfer *t, uint32_t ops[TREE_MAX_BRANCHES + 1])
{
    uint32_t n = 0;
    ops[n++] = t->src_op;
    if (t->rendezvous)
        ops[n++] = t->dst_op;
    for (uint32_t i = 1; i < n_branches(g, t) && g->trees[t->tree - 1].inward; i++)
        ops[n++] = branch_of(g, t, i)->op;
    return n;
}

static void count_pending(struct exec *x, const struct transfer *t)
{
    x->pending[t->src_op]++;
    if (t->dst_op != t->src_op)
        x->pending[t->dst_op]++;
    for (uint32_t i = 1; i < n_branches(x->g, t); i++)
        x->pending[branch_of(x->g, t, i)->op]++;
}

/* Calls with the ops of each rank that send of a bundle, in a fixed order. */
static uint32_t visit_senders(struct exec *x,
                              void (*fn)(struct exec *x, uint32_t op, const struct sender *s, uint32_t number))
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->g->n_bundles; i++) {
        const struct bundle *b = &x->g->bundles[i];
        const uint32_t *stores = b->ops + BUNDLE_STORES * b->ranks, *posts = b->ops + BUNDLE_POSTS * b->ranks;
        for (uint32_t r = 0; r < b->ranks; r++) {
            fn(x, posts[r], &(struct sender){i, r, BUNDLE_POSTS}, n++);
            if (stores[r] != posts[r])
                fn(x, stores[r], &(struct sender){i, r, BUNDLE_STORES}, n++);
        }
    }
    return n;
}

static void count_sender(struct exec *x, uint32_t op, const struct sender *s, uint32_t number)
{
    const struct bundle *b = &x->g->bundles[s->bundle];
    (void)number;
    x->sent_first[op + 2]++;
    for (uint32_t i = b->first[s->rank]; i < b->first[s->rank + 1] && s->end == BUNDLE_POSTS; i++) {
        struct transfer t = bundle_transfer(b, s->rank, b->cells[i]);
        count_pending(x, &t);
    }
}

static void link_sender(struct exec *x, uint32_t op, const struct sender *s, uint32_t number)
{
    x->senders[number] = *s;
    x->sent[x->sent_first[op + 1]++] = x->g->n_transfers + number;
}

/* The caller's transfers, and room behind them. */
static void open_places(struct exec *x)
{
    uint32_t n = x->g->n_transfers;
    if (!x->g->n_bundles)
        return;
    x->live = *x->g;
    x->n_places = x->cap_places = n;
    x->ends = XREALLOC(NULL, struct ends, n + 1);
    for (uint32_t i = 0; i < x->g->n_bundles; i++) /* all ways of one have as many */
        x->round_trips |= x->g->bundles[i].way->round_trips > 0;
    x->live.transfers = XREALLOC(NULL, struct transfer, n + 1);
    for (uint32_t i = 0; i < n; i++)
        x->live.transfers[i] = x->g->transfers[i];
    x->own = *x->spec;
    x->g = x->own.graph = &x->live;
    x->spec = &x->own;
}

static void link_transfers(struct exec *x)
{
    const struct opgraph *g = x->g;
    uint32_t n_starts = 0, ops[TREE_MAX_BRANCHES + 1];
    rows_begin(&x->sent_first, g->n_ops);
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        uint32_t n = starters(g, &g->transfers[i], ops);
        for (uint32_t k = 0; k < n; k++)
            x->sent_first[ops[k] + 2]++;
        n_starts += n;
        count_pending(x, &g->transfers[i]);
    }
    uint32_t n_senders = visit_senders(x, count_sender);
    rows_sum(x->sent_first, g->n_ops);
    x->sent = XREALLOC(NULL, uint32_t, n_starts + n_senders);
    x->senders = XREALLOC(NULL, struct sender, n_senders);
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        uint32_t n = starters(g, &g->transfers[i], ops);
        for (uint32_t k = 0; k < n; k++)
            x->sent[x->sent_first[ops[k] + 1]++] = i;
    }
    visit_senders(x, link_sender);
}

static void link_groups(struct exec *x)
{
    const struct opgraph *g = x->g;
    rows_begin(&x->group_first, g->n_sync_groups);
    x->group_missing = XREALLOC(NULL, uint32_t, g->n_sync_groups);
    memset(x->group_missing, 0, g->n_sync_groups * sizeof *x->group_missing);
    for (uint32_t i = 0; i < g->n_ops; i++)
        if (g->ops[i].kind == OP_SYNC) {
            x->group_first[g->ops[i].sync_group + 2]++;
            x->group_missing[g->ops[i].sync_group]++;
        }
    rows_sum(x->group_first, g->n_sync_groups);
    x->group = XREALLOC(NULL, uint32_t, g->n_ops);
    for (uint32_t i = 0; i < g->n_ops; i++)
        if (g->ops[i].kind == OP_SYNC)
            x->group[x->group_first[g->ops[i].sync_group + 1]++] = i;
}

static void exec_setup(struct exec *x, struct arena *arena)
{
    uint32_t n = x->g->n_ops, n_transfers = x->g->n_transfers;
    x->out->op_start_s = ARENA_ARRAY(arena, double, n);
    x->out->op_end_s = ARENA_ARRAY(arena, double, n);
    x->out->transfer_start_s = ARENA_ARRAY(arena, double, n_transfers);
    x->out->transfer_end_s = ARENA_ARRAY(arena, double, n_transfers);
    if (x->spec->limits)
        x->out->transfer_limit = ARENA_ARRAY(arena, uint32_t, n_transfers);
    x->waits = ARENA_ARRAY(arena, uint32_t, n);
    x->pending = ARENA_ARRAY(arena, uint32_t, n);
    x->started = ARENA_ARRAY(arena, uint8_t, n);
    x->devices = ARENA_ARRAY(arena, struct device, x->g->n_devices);
    x->ops_left = n;
    open_places(x);
    link_lanes_and_deps(x);
    link_milestones(x);
    link_queues(x, arena);
    link_transfers(x);
    link_groups(x);
    net_setup(x);
}

static void exec_teardown(struct exec *x)
{
    net_free(x->net);
    for (uint32_t i = 0; i < x->g->n_devices; i++)
        free(x->devices[i].running);
    void *owned[] = {
        x->milestone_first, x->milestones,     x->queue_first, x->queue_of,      x->queue_at,    x->after_first,
        x->after,           x->sent_first,     x->sent,        x->group_missing, x->group_first, x->group,
        x->queue,           x->live.transfers, x->free_places, x->ends,          x->senders};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

static void report_stuck(struct exec *x)
{
    for (uint32_t i = 0; i < x->g->n_ops; i++)
        if (x->started[i] && x->out->op_end_s[i] == 0 && x->pending[i]) {
            diag_error(x->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                       "no progress after %.9g s: %s on GPU %u waits for %u transfers that have "
                       "no bandwidth left",
                       engine_now(), x->g->strings[x->g->ops[i].name], x->g->ops[i].device, x->pending[i]);
            return;
        }
    diag_error(x->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "no progress after %.9g s: %u ops cannot start or have no SMs left", engine_now(), x->ops_left);
}

int exec_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    struct exec x = {.spec = spec, .g = spec->graph, .out = out, .diag = diag};
    exec_setup(&x, arena);
    for (uint32_t i = 0; i < x.g->n_ops; i++)
        if (x.waits[i] == 0)
            at(&x, x.g->ops[i].lead_s, i, TODO_START);
    work_off(&x);
    bool finished = x.ops_left == 0 || engine_run();
    if (!finished)
        report_stuck(&x);
    struct flow_net_stats stats = net_stats(x.net);
    out->makespan_s = engine_now();
    out->n_events = stats.events;
    out->n_solves = stats.solves;
    out->n_flows = stats.flows;
    net_report(x.net, arena, out);
    exec_teardown(&x);
    return diag_failed(diag) ? -1 : 0;
}
