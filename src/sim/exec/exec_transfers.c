/* Transfers of a bundle are made when their op starts, each in a place behind those of the graph, which the next one gets when
 * it has ended: there are as many as are under way. */
#include <stdlib.h>

#include "sim/engine.h"
#include "sim/exec/exec_impl.h"
#include "sim/net_path.h"

static void one_less(struct exec *x, uint32_t op)
{
    if (--x->pending[op] == 0 && x->started[op])
        exec_later(x, op, TODO_END);
}

static void on_own_work_done(void *ctx, uint32_t op, uint32_t unused)
{
    (void)unused;
    one_less(ctx, op);
    exec_work_off(ctx);
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

void exec_comm_start(struct exec *x, uint32_t id)
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
        exec_schedule_milestones(x, id);
        engine_timer(engine_now() + x->g->ops[id].work_s, on_own_work_done, x, id, 0);
    } else {
        one_less(x, id);
    }
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
    exec_work_off(x);
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
    for (uint32_t i = 1; i < exec_n_branches(x->g, t); i++)
        one_less(x, exec_branch_of(x->g, t, i)->op);
    exec_work_off(x);
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

void exec_net_setup(struct exec *x)
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
