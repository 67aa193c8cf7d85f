/* Nodes, their order, and what each transfer crosses. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/bound/bound_impl.h"
#include "sim/net_path.h"
#include "sim/xalloc.h"

struct rows rows_of_pairs(const struct rows_pair *pairs, uint32_t n_pairs, uint32_t n_rows, struct arena *arena)
{
    struct rows r = {ARENA_ARRAY(arena, uint32_t, n_rows + 2), ARENA_ARRAY(arena, uint32_t, n_pairs + 1), n_rows};
    for (uint32_t i = 0; i < n_pairs; i++)
        r.first[pairs[i].row + 2]++;
    for (uint32_t k = 0; k <= n_rows; k++)
        r.first[k + 1] += r.first[k];
    for (uint32_t i = 0; i < n_pairs; i++)
        r.items[r.first[pairs[i].row + 1]++] = pairs[i].item;
    return r;
}

struct pairs {
    struct rows_pair *pairs;
    uint32_t n, cap;
};

static void add(struct pairs *p, uint32_t row, uint32_t item)
{
    XGROW(p->pairs, p->n, p->cap);
    p->pairs[p->n++] = (struct rows_pair){row, item};
}

static struct rows finish(struct pairs *p, uint32_t n_rows, struct arena *arena)
{
    struct rows r = rows_of_pairs(p->pairs, p->n, n_rows, arena);
    free(p->pairs);
    return r;
}

static void add_lanes_and_deps(const struct bound_graph *b, struct pairs *after)
{
    const struct opgraph *g = b->g;
    uint32_t *last = XREALLOC(NULL, uint32_t, g->n_lanes);
    memset(last, 0xff, g->n_lanes * sizeof *last);
    for (uint32_t i = 0; i < g->n_ops; i++) {
        if (last[g->ops[i].lane] != OP_NONE)
            add(after, bound_end_of(b, last[g->ops[i].lane]), i);
        last[g->ops[i].lane] = i;
    }
    free(last);
    for (uint32_t i = 0; i < g->n_deps; i++)
        add(after, bound_end_of(b, g->deps[i].before), g->deps[i].after);
}

static void add_ops(const struct bound_graph *b, struct pairs *after)
{
    for (uint32_t i = 0; i < b->g->n_ops; i++) {
        const struct op *op = &b->g->ops[i];
        if (op->kind == OP_SYNC) {
            uint32_t met = 2 * b->g->n_ops + op->sync_group;
            add(after, i, met);
            add(after, met, bound_end_of(b, i));
        } else {
            add(after, i, bound_end_of(b, i));
        }
    }
}

static void add_transfers(const struct bound_graph *b, struct pairs *after)
{
    for (uint32_t i = 0; i < b->g->n_transfers; i++) {
        const struct transfer *t = &b->g->transfers[i];
        if (t->src_op == t->dst_op)
            continue;
        add(after, t->src_op, bound_end_of(b, t->dst_op));
        if (t->rendezvous)
            add(after, t->dst_op, bound_end_of(b, t->src_op));
    }
}

static void find_transfers(struct bound_graph *b, struct arena *arena)
{
    struct pairs sent = {0}, concerns = {0};
    for (uint32_t i = 0; i < b->g->n_transfers; i++) {
        const struct transfer *t = &b->g->transfers[i];
        add(&sent, t->src_op, i);
        add(&concerns, t->src_op, i);
        if (t->dst_op != t->src_op)
            add(&concerns, t->dst_op, i);
    }
    b->sent_by = finish(&sent, b->g->n_ops, arena);
    b->concerns = finish(&concerns, b->g->n_ops, arena);
}

static void find_links(struct bound_graph *b, struct arena *arena)
{
    const struct sim_spec *spec = b->spec;
    struct router router = {.topo = spec->topo, .policy = spec->routing, .seed = spec->seed};
    struct pairs links = {0};
    b->latency_s = ARENA_ARRAY(arena, double, b->g->n_transfers);
    b->n_parts = ARENA_ARRAY(arena, uint32_t, b->g->n_transfers);
    for (uint32_t i = 0; i < b->g->n_transfers; i++) {
        const struct transfer *t = &b->g->transfers[i];
        struct net_path path;
        b->n_parts[i] = t->pinned || t->src == t->dst ? 1 : routing_n_nics(spec->topo, t->src, t->dst);
        for (uint32_t part = 0; part < b->n_parts[i]; part++) {
            bool found = net_path_of(spec, &router, i, part, false, &path);
            BUG_IF(!found); /* sim_run lets no link be down */
            b->latency_s[i] = fmax(b->latency_s[i], path.latency_s);
            for (uint32_t k = 0; k < path.n; k++)
                add(&links, i, path.links[k]);
        }
    }
    b->links = finish(&links, b->g->n_transfers, arena);
}

static void find_order(struct bound_graph *b, struct arena *arena)
{
    uint32_t *waits = XREALLOC(NULL, uint32_t, b->n_nodes);
    memset(waits, 0, b->n_nodes * sizeof *waits);
    for (uint32_t k = 0; k < b->after.first[b->n_nodes]; k++)
        waits[b->after.items[k]]++;
    b->order = ARENA_ARRAY(arena, uint32_t, b->n_nodes);
    b->n_ordered = 0;
    for (uint32_t i = 0; i < b->n_nodes; i++)
        if (!waits[i])
            b->order[b->n_ordered++] = i;
    for (uint32_t i = 0; i < b->n_ordered; i++) {
        uint32_t node = b->order[i];
        for (uint32_t k = b->after.first[node]; k < b->after.first[node + 1]; k++)
            if (--waits[b->after.items[k]] == 0)
                b->order[b->n_ordered++] = b->after.items[k];
    }
    free(waits);
}

void bound_graph_build(struct bound_graph *b, const struct sim_spec *spec, struct arena *arena)
{
    *b = (struct bound_graph){.spec = spec, .g = spec->graph};
    b->n_nodes = 2 * b->g->n_ops + b->g->n_sync_groups;
    struct pairs after = {0};
    add_lanes_and_deps(b, &after);
    add_ops(b, &after);
    add_transfers(b, &after);
    b->after = finish(&after, b->n_nodes, arena);
    find_transfers(b, arena);
    find_links(b, arena);
    find_order(b, arena);
}
