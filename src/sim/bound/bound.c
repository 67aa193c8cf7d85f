#include "sim/bound/bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/bound/bound_impl.h"
#include "sim/xalloc.h"

struct arrival { /* a transfer from when its bytes may be on their way */
    double release_s;
    uint32_t transfer;
};

struct bounding {
    struct bound_graph b;
    struct bound_exchanges exchanges;
    struct sim_outcome *out;
    double *at_s;         /* [nodes] earliest */
    double *over_s;       /* [exchanges]; NAN: not yet asked for */
    double *link_s;       /* [links and resources] when all bytes so far have crossed */
    uint32_t *link_stamp; /* of the set of transfers that link_s counts */
    uint32_t stamp;
    struct arrival *arrivals;
    uint32_t n_arrivals, cap_arrivals;
};

static double capacity_Bps(const struct bounding *x, uint32_t link)
{
    const struct topology *topo = x->b.spec->topo;
    return link < topo->n_links ? topo->links[link].capacity_Bps : x->b.g->resources[link - topo->n_links].capacity_Bps;
}

/* --- what a set of transfers needs --------------------------------------------------------------- */

static double start_of(const struct bounding *x, uint32_t transfer)
{
    const struct transfer *t = &x->b.g->transfers[transfer];
    double start_s = x->at_s[t->src_op];
    return t->rendezvous ? fmax(start_s, x->at_s[t->dst_op]) : start_s;
}

static void gather(struct bounding *x, const uint32_t *transfers, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        XGROW(x->arrivals, x->n_arrivals, x->cap_arrivals);
        x->arrivals[x->n_arrivals++] =
            (struct arrival){start_of(x, transfers[i]) + x->b.latency_s[transfers[i]], transfers[i]};
    }
}

static int by_release(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return x->release_s < y->release_s ? -1 : x->release_s > y->release_s;
}

/* When the last link has carried all that was gathered: each serves without pause, whatever the order. */
static double carried_s(struct bounding *x)
{
    double last_s = 0;
    x->stamp++;
    if (x->n_arrivals)
        qsort(x->arrivals, x->n_arrivals, sizeof *x->arrivals, by_release);
    for (uint32_t i = 0; i < x->n_arrivals; i++) {
        const struct arrival *a = &x->arrivals[i];
        const struct rows *links = &x->b.links;
        double part_B = x->b.g->transfers[a->transfer].bytes_B / x->b.n_parts[a->transfer];
        for (uint32_t k = links->first[a->transfer]; k < links->first[a->transfer + 1]; k++) {
            uint32_t link = links->items[k];
            double free_s = x->link_stamp[link] == x->stamp ? x->link_s[link] : 0;
            x->link_stamp[link] = x->stamp;
            x->link_s[link] = fmax(free_s, a->release_s) + part_B / capacity_Bps(x, link);
            last_s = fmax(last_s, x->link_s[link]);
        }
    }
    x->n_arrivals = 0;
    return last_s;
}

/* How many parts of the transfer cross the link of row k. */
static uint32_t n_crossing(const struct bounding *x, uint32_t transfer, uint32_t k)
{
    const struct rows *links = &x->b.links;
    uint32_t n = 0;
    if (x->b.n_parts[transfer] == 1)
        return 1;
    for (uint32_t i = links->first[transfer]; i < links->first[transfer + 1]; i++)
        n += links->items[i] == links->items[k];
    return n;
}

/* One transfer that has its route to itself, with what goes back and forth behind its last byte. */
static double alone_s(const struct bounding *x, uint32_t transfer)
{
    const struct transfer *t = &x->b.g->transfers[transfer];
    double rate_Bps = t->cap_Bps > 0 ? t->cap_Bps : INFINITY;
    const struct rows *links = &x->b.links;
    for (uint32_t k = links->first[transfer]; k < links->first[transfer + 1]; k++)
        rate_Bps =
            fmin(rate_Bps, capacity_Bps(x, links->items[k]) * x->b.n_parts[transfer] / n_crossing(x, transfer, k));
    double bytes_s = t->bytes_B > 0 ? t->bytes_B / rate_Bps : 0;
    return x->b.latency_s[transfer] + bytes_s + 2 * t->round_trips * (x->b.latency_s[transfer] - t->latency_s);
}

/* --- nodes in order ------------------------------------------------------------------------------- */

static double compute_s(const struct bounding *x, const struct op *op)
{
    if (op->sm_ref <= 0)
        return op->work_s;
    return op->work_s * op->sm_ref / fmin(op->sm_max, x->b.spec->sm_per_device);
}

static double comm_end_s(struct bounding *x, uint32_t op, double end_s)
{
    const struct rows *concerns = &x->b.concerns;
    uint32_t first = concerns->first[op], n = concerns->first[op + 1] - first;
    for (uint32_t i = first; i < first + n; i++) {
        uint32_t transfer = concerns->items[i];
        x->out->transfer_start_s[transfer] = start_of(x, transfer);
        x->out->transfer_end_s[transfer] = x->out->transfer_start_s[transfer] + alone_s(x, transfer);
        end_s = fmax(end_s, x->out->transfer_end_s[transfer]);
    }
    gather(x, concerns->items + first, n);
    return fmax(end_s, carried_s(x));
}

static double exchange_over_s(struct bounding *x, uint32_t exchange)
{
    const struct rows *members = &x->exchanges.members;
    if (!isnan(x->over_s[exchange]))
        return x->over_s[exchange];
    for (uint32_t i = members->first[exchange]; i < members->first[exchange + 1]; i++) {
        uint32_t first = x->b.sent_by.first[members->items[i]], end = x->b.sent_by.first[members->items[i] + 1];
        gather(x, x->b.sent_by.items + first, end - first);
    }
    return x->over_s[exchange] = carried_s(x);
}

/* What a node adds on the way to one that comes after it. */
static double step_s(const struct bounding *x, uint32_t from, uint32_t to)
{
    uint32_t n = x->b.g->n_ops;
    if (to < n)
        return x->b.g->ops[to].lead_s;
    if (to >= 2 * n)
        return 0;
    const struct op *op = &x->b.g->ops[to - n];
    if (from == to - n)
        return op->kind == OP_COMPUTE ? compute_s(x, op) : op->work_s;
    return op->kind == OP_SYNC ? op->work_s : 0;
}

static void visit(struct bounding *x, uint32_t node)
{
    uint32_t n = x->b.g->n_ops;
    const struct rows *over = &x->exchanges.over_at, *after = &x->b.after;
    if (node >= n && node < 2 * n && x->b.g->ops[node - n].kind == OP_COMM)
        x->at_s[node] = comm_end_s(x, node - n, x->at_s[node]);
    for (uint32_t k = over->first[node]; k < over->first[node + 1]; k++)
        x->at_s[node] = fmax(x->at_s[node], exchange_over_s(x, over->items[k]));
    for (uint32_t k = after->first[node]; k < after->first[node + 1]; k++) {
        uint32_t to = after->items[k];
        x->at_s[to] = fmax(x->at_s[to], x->at_s[node] + step_s(x, node, to));
    }
}

/* Of each exchange, for those who ask when the last of its ops has ended. */
static void note_exchanges(struct bounding *x)
{
    const struct rows *members = &x->exchanges.members;
    for (uint32_t e = 0; e < members->n; e++)
        for (uint32_t i = members->first[e]; i < members->first[e + 1]; i++)
            x->out->exchange_end_s[members->items[i]] = exchange_over_s(x, e);
}

static void first_starts(struct bounding *x)
{
    uint32_t n = x->b.g->n_ops;
    for (uint32_t i = 0; i < n; i++)
        x->at_s[i] = x->b.g->ops[i].lead_s;
    for (uint32_t e = 0; e < x->exchanges.members.n; e++)
        x->over_s[e] = NAN;
}

/* --- the run -------------------------------------------------------------------------------------- */

/* SM time of the busiest device: computation, and what is held at least as long as the bound says that it runs. */
static double devices_s(const struct bounding *x)
{
    const struct opgraph *g = x->b.g;
    double *sm_s = XREALLOC(NULL, double, g->n_devices), most_s = 0;
    for (uint32_t i = 0; i < g->n_devices; i++)
        sm_s[i] = 0;
    for (uint32_t i = 0; i < g->n_ops; i++)
        if (g->ops[i].kind == OP_COMPUTE && g->ops[i].sm_ref > 0)
            sm_s[g->ops[i].device] += g->ops[i].work_s * g->ops[i].sm_ref;
    for (uint32_t i = 0; i < g->n_devices; i++)
        most_s = fmax(most_s, sm_s[i] / x->b.spec->sm_per_device);
    free(sm_s);
    return most_s;
}

static double makespan_s(struct bounding *x)
{
    double last_s = x->b.spec->sm_per_device > 0 ? devices_s(x) : 0;
    for (uint32_t i = 0; i < x->b.g->n_ops; i++) {
        last_s = fmax(last_s, x->out->op_end_s[i]);
        gather(x, x->b.sent_by.items + x->b.sent_by.first[i], x->b.sent_by.first[i + 1] - x->b.sent_by.first[i]);
    }
    return fmax(last_s, carried_s(x));
}

static void prepare(struct bounding *x, const struct sim_spec *spec, struct arena *arena)
{
    uint32_t n_links = spec->topo->n_links + spec->graph->n_resources;
    bound_graph_build(&x->b, spec, arena);
    bound_exchanges_find(&x->exchanges, &x->b, arena);
    x->at_s = ARENA_ARRAY(arena, double, x->b.n_nodes);
    x->over_s = ARENA_ARRAY(arena, double, x->exchanges.members.n + 1);
    x->link_s = ARENA_ARRAY(arena, double, n_links);
    x->link_stamp = ARENA_ARRAY(arena, uint32_t, n_links);
    x->out->op_start_s = ARENA_ARRAY(arena, double, spec->graph->n_ops);
    x->out->op_end_s = ARENA_ARRAY(arena, double, spec->graph->n_ops);
    x->out->exchange_end_s = ARENA_ARRAY(arena, double, spec->graph->n_ops);
    x->out->transfer_start_s = ARENA_ARRAY(arena, double, spec->graph->n_transfers);
    x->out->transfer_end_s = ARENA_ARRAY(arena, double, spec->graph->n_transfers);
    if (!spec->limits)
        return;
    x->out->transfer_limit = ARENA_ARRAY(arena, uint32_t, spec->graph->n_transfers);
    memset(x->out->transfer_limit, 0xff, spec->graph->n_transfers * sizeof *x->out->transfer_limit);
}

int bound_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    struct bounding x = {.out = out};
    *out = (struct sim_outcome){.n_flows = spec->graph->n_transfers};
    prepare(&x, spec, arena);
    if (x.b.n_ordered < x.b.n_nodes) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "no progress: %u ops wait for each other",
                   (x.b.n_nodes - x.b.n_ordered + 1) / 2);
        return -1;
    }
    first_starts(&x);
    for (uint32_t i = 0; i < x.b.n_nodes; i++)
        visit(&x, x.b.order[i]);
    uint32_t n = spec->graph->n_ops;
    memcpy(out->op_start_s, x.at_s, n * sizeof(double));
    memcpy(out->op_end_s, x.at_s + n, n * sizeof(double));
    note_exchanges(&x);
    out->makespan_s = makespan_s(&x);
    free(x.arrivals);
    return 0;
}
