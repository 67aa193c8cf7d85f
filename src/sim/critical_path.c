/* The critical path, walked backwards from the op that ends last: each op's own time goes to what limited it, the
 * time before it to the predecessor that ended last.
 *
 *   COMPUTE  what it is made of (opgraph.h) and, beyond its work, what others took of its SMs and memory; where that is
 *            not known, "SMs" when it is sensitive to them, else "other fixed times"
 *   SYNC     the barrier's own time; then on to who arrived last
 *   COMM     its last transfer: "latency", then the link or copy engine that limited it when it ended
 *   lead     "launch, software"
 * An op that overlaps the one before it follows from that one's start: what ran of it until then was its own.
 *
 * Left out: what limited a transfer before its end, and paths that are almost as long. */
#include "sim/critical_path.h"

#include <math.h>
#include <string.h>

#include "sim/net_path.h"

struct walk {
    const struct sim_spec *spec;
    const struct opgraph *g;
    const struct sim_outcome *o;
    struct critical_path *path;
    struct arena *arena;
    uint32_t *lane_before;  /* [n_ops] the op before on its lane */
    uint32_t *first, *deps; /* rows of ops that an op waits for */
    double until_s;         /* where the path stands: what overlaps it there is not on it */
};

static const double ROUNDING = 1e-9; /* of times that are sums of the same terms */

void critical_path_note(struct critical_path *p, const char *resource, double time_s, struct arena *arena)
{
    if (time_s <= 0)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        if (!strcmp(p->shares[i].resource, resource)) {
            p->shares[i].time_s += time_s;
            return;
        }
    if (p->n == p->cap) {
        struct path_share *old = p->shares;
        p->cap = 2 * p->cap + 8;
        p->shares = ARENA_ARRAY(arena, struct path_share, p->cap);
        if (p->n)
            memcpy(p->shares, old, p->n * sizeof *old);
    }
    p->shares[p->n++] = (struct path_share){arena_strdup(arena, resource), time_s};
}

static void add(struct walk *w, const char *resource, double time_s)
{
    critical_path_note(w->path, resource, time_s, w->arena);
}

/* "rank3.dispatch.sm_sender" is "sm sender". */
static const char *resource_name(const struct walk *w, const char *name)
{
    const char *dot = strrchr(name, '.');
    char *text = arena_strdup(w->arena, dot ? dot + 1 : name);
    for (char *c = text; *c; c++)
        if (*c == '_')
            *c = ' ';
    return text;
}

static const char *link_name(const struct walk *w, uint32_t link)
{
    const struct topology *t = w->spec->topo;
    if (link >= t->n_links)
        return resource_name(w, w->g->strings[w->g->resources[link - t->n_links].name]);
    const struct topo_link *l = &t->links[link];
    switch (l->kind) {
    case LINK_NVLINK:
        return link < t->n_endpoints ? "NVLink out" : "NVLink in";
    case LINK_NIC:
        return l->a < topology_first_switch(t) ? "NIC out" : "NIC in";
    default:
        return "cables between switches";
    }
}

/* --- predecessors ----------------------------------------------------------------------------------------- */

/* Whether the op may have waited in a queue for that one. */
static bool went_ahead(const struct walk *w, const struct queue_dep *d)
{
    return w->o->op_start_s[d->before] < w->o->op_start_s[d->after];
}

static void index_predecessors(struct walk *w)
{
    const struct opgraph *g = w->g;
    uint32_t *last = ARENA_ARRAY(w->arena, uint32_t, g->n_lanes);
    w->lane_before = ARENA_ARRAY(w->arena, uint32_t, g->n_ops);
    w->first = ARENA_ARRAY(w->arena, uint32_t, g->n_ops + 2);
    w->deps = ARENA_ARRAY(w->arena, uint32_t, (size_t)g->n_deps + g->n_early + g->n_queue + 1);
    memset(last, 0xff, g->n_lanes * sizeof *last);
    for (uint32_t i = 0; i < g->n_ops; i++) {
        w->lane_before[i] = last[g->ops[i].lane];
        last[g->ops[i].lane] = i;
    }
    for (uint32_t i = 0; i < g->n_deps; i++)
        w->first[g->deps[i].after + 2]++;
    for (uint32_t i = 0; i < g->n_early; i++)
        w->first[g->early[i].after + 2]++;
    for (uint32_t i = 0; i < g->n_queue; i++)
        w->first[g->queue[i].after + 2] += went_ahead(w, &g->queue[i]);
    for (uint32_t i = 0; i < g->n_ops; i++)
        w->first[i + 2] += w->first[i + 1];
    for (uint32_t i = 0; i < g->n_deps; i++)
        w->deps[w->first[g->deps[i].after + 1]++] = g->deps[i].before;
    for (uint32_t i = 0; i < g->n_early; i++)
        w->deps[w->first[g->early[i].after + 1]++] = g->early[i].before;
    for (uint32_t i = 0; i < g->n_queue; i++)
        if (went_ahead(w, &g->queue[i]))
            w->deps[w->first[g->queue[i].after + 1]++] = g->queue[i].before;
}

/* The predecessor that ended last; OP_NONE: it had none. */
static uint32_t latest_before(const struct walk *w, uint32_t op)
{
    uint32_t best = w->lane_before[op];
    for (uint32_t i = w->first[op]; i < w->first[op + 1]; i++)
        if (best == OP_NONE || w->o->op_end_s[w->deps[i]] > w->o->op_end_s[best])
            best = w->deps[i];
    return best;
}

/* --- ops -------------------------------------------------------------------------------------------------- */

static uint32_t last_arrival(const struct walk *w, uint32_t op)
{
    uint32_t last = op;
    for (uint32_t i = 0; i < w->g->n_ops; i++)
        if (w->g->ops[i].kind == OP_SYNC && w->g->ops[i].sync_group == w->g->ops[op].sync_group &&
            w->o->op_start_s[i] > w->o->op_start_s[last])
            last = i;
    return last;
}

static uint32_t last_transfer(const struct walk *w, uint32_t op)
{
    uint32_t last = OP_NONE;
    for (uint32_t i = 0; i < w->g->n_transfers; i++) {
        const struct transfer *t = &w->g->transfers[i];
        bool mine = opgraph_concerns(w->g, t, op);
        if (mine && (last == OP_NONE || w->o->transfer_end_s[i] > w->o->transfer_end_s[last]))
            last = i;
    }
    return last;
}

/* By tables: a policy's own choice may be a little longer or shorter. */
static double latency_s(const struct walk *w, uint32_t transfer)
{
    struct router tables = {.topo = w->spec->topo};
    struct net_path path;
    return net_path_of(w->spec, &tables, transfer, 0, false, &path) ? path.latency_s : 0;
}

static double round_trips_s(const struct walk *w, uint32_t transfer)
{
    const struct transfer *t = &w->g->transfers[transfer];
    return 2 * t->round_trips * (latency_s(w, transfer) - t->latency_s);
}

static double end_on_path_s(const struct walk *w, uint32_t op)
{
    return fmin(w->o->op_end_s[op], w->until_s);
}

static uint32_t later(const struct walk *w, uint32_t a, uint32_t b)
{
    return w->o->op_start_s[b] > w->o->op_start_s[a] ? b : a;
}

/* The op whose start let the transfer begin: its sender's; where they meet, the later one's; of a reduction the last
 * sender's. */
static uint32_t opener(const struct walk *w, const struct transfer *t)
{
    const struct transfer_tree *tree = t->tree ? &w->g->trees[t->tree - 1] : NULL;
    uint32_t op = t->src_op;
    for (uint32_t i = 0; tree && tree->inward && i < tree->n; i++)
        op = later(w, op, w->g->branches[tree->first + i].op);
    return t->rendezvous ? later(w, op, t->dst_op) : op;
}

static uint32_t walk_comm(struct walk *w, uint32_t op)
{
    uint32_t t = last_transfer(w, op);
    double end_s = end_on_path_s(w, op);
    if (t == OP_NONE || w->o->transfer_end_s[t] < end_s * (1 - ROUNDING)) {
        add(w, "launch, software", end_s - w->o->op_start_s[op]);
        return op;
    }
    double start_s = w->o->transfer_start_s[t];
    double waits_s = fmin(latency_s(w, t) + round_trips_s(w, t), fmax(0, end_s - start_s));
    uint32_t limit = w->o->transfer_limit[t];
    add(w, "latency", waits_s);
    const char *unknown = w->spec->net == NET_FLOW ? "rate caps of transfers" : "network";
    add(w, limit == UINT32_MAX ? unknown : link_name(w, limit), end_s - start_s - waits_s);
    return opener(w, &w->g->transfers[t]);
}

static void add_compute(struct walk *w, const struct op *is, double time_s)
{
    if (!is->made_of) {
        add(w, is->sm_ref > 0 ? "SMs" : "other fixed times", time_s);
        return;
    }
    const struct op_shares *of = &w->g->made_of[is->made_of - 1];
    double own_s = fmin(time_s, is->work_s);
    for (uint32_t i = of->first; i < of->first + of->n; i++)
        add(w, w->g->strings[w->g->shares[i].resource], own_s * w->g->shares[i].share);
    if (time_s > own_s * (1 + ROUNDING))
        add(w, "SMs and memory that others took", time_s - own_s);
}

/* What the op itself took; returns the op at whose start the walk goes on. */
static uint32_t walk_op(struct walk *w, uint32_t op)
{
    const struct op *is = &w->g->ops[op];
    uint32_t last;
    switch (is->kind) {
    case OP_COMM:
        return walk_comm(w, op);
    case OP_SYNC:
        last = last_arrival(w, op);
        add(w, "barriers", end_on_path_s(w, op) - w->o->op_start_s[last]);
        return last;
    default:
        add_compute(w, is, end_on_path_s(w, op) - w->o->op_start_s[op]);
        return op;
    }
}

static uint32_t last_op(const struct walk *w)
{
    uint32_t last = OP_NONE;
    for (uint32_t i = 0; i < w->g->n_ops; i++)
        if (last == OP_NONE || w->o->op_end_s[i] > w->o->op_end_s[last])
            last = i;
    return last;
}

void critical_path_add(struct critical_path *p, const struct sim_spec *spec, const struct sim_outcome *outcome,
                       struct arena *arena)
{
    struct walk w = {.spec = spec, .g = spec->graph, .o = outcome, .path = p, .arena = arena, .until_s = INFINITY};
    BUG_IF(!outcome->transfer_limit);
    index_predecessors(&w);
    for (uint32_t op = last_op(&w), before; op != OP_NONE; op = before) {
        op = walk_op(&w, op);
        w.until_s = outcome->op_start_s[op];
        before = latest_before(&w, op);
        double ready_s = before == OP_NONE ? 0 : outcome->op_end_s[before];
        add(&w, "launch, software", outcome->op_start_s[op] - ready_s);
    }
}

const struct path_share *critical_path_largest(const struct critical_path *p)
{
    const struct path_share *best = NULL;
    for (uint32_t i = 0; i < p->n; i++)
        if (!best || p->shares[i].time_s > best->time_s)
            best = &p->shares[i];
    return best;
}

double critical_path_total_s(const struct critical_path *p)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < p->n; i++)
        sum_s += p->shares[i].time_s;
    return sum_s;
}
