/* Pipelines of chunks: broadcast along rings, reductions up trees and down again. */
#include "models/comm/collectives_impl.h"

#include <math.h>
#include <string.h>

enum { CHUNKS_IN_FLIGHT = 2, MAX_CHUNKS = 64 };

struct pipeline {
    uint32_t n_chunks;
    double chunk_B;
    uint32_t *lane; /* [n][CHUNKS_IN_FLIGHT] */
};

static struct pipeline pipeline_begin(struct coll_builder *b, double bytes_B)
{
    double wanted = ceil(bytes_B / b->hw->software.chunk_B);
    struct pipeline p = {.n_chunks = (uint32_t)fmin(fmax(wanted, 1), MAX_CHUNKS)};
    p.chunk_B = bytes_B / p.n_chunks;
    p.lane = ARENA_ARRAY(b->arena, uint32_t, (size_t)b->c->n * CHUNKS_IN_FLIGHT);
    for (uint32_t i = 0; i < b->c->n * CHUNKS_IN_FLIGHT; i++)
        p.lane[i] = coll_new_lane(b, i / CHUNKS_IN_FLIGHT);
    return p;
}

/* An op that carries one chunk from src to dst (OP_NONE: nowhere) when all of `after`
 * have ended. */
static uint32_t pass_chunk(struct coll_builder *b, const struct pipeline *p, uint32_t chunk, uint32_t src, uint32_t dst,
                           const uint32_t *after, int n_after)
{
    uint32_t lane = p->lane[src * CHUNKS_IN_FLIGHT + chunk % CHUNKS_IN_FLIGHT];
    uint32_t op = coll_add_op(b, src, lane, OP_COMM, 0);
    for (int i = 0; i < n_after; i++)
        if (after[i] != OP_NONE)
            opgraph_dep(b->graph, after[i], op);
    if (dst == OP_NONE)
        return op;
    coll_pass(b, src, dst, p->chunk_B, op);
    return op;
}

/* Each ring begins at the root, which changes places with the GPU that the ring would
 * begin at. */
void coll_broadcast_rings(struct coll_builder *b)
{
    uint32_t count = coll_n_rings(b), *order = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t r = 0; r < count; r++) {
        struct pipeline p = pipeline_begin(b, b->c->size_B / count);
        coll_ring_order(b, r, order);
        for (uint32_t i = 0; i < b->c->n; i++)
            if (order[i] == 0)
                order[i] = order[0];
        order[0] = 0;
        for (uint32_t chunk = 0; chunk < p.n_chunks; chunk++) {
            uint32_t before = OP_NONE;
            for (uint32_t i = 0; i + 1 < b->c->n; i++)
                before = pass_chunk(b, &p, chunk, order[i], order[i + 1], &before, 1);
        }
    }
}

/* In-order binary tree over the numbers 1 .. n: a number's level is that of its lowest
 * set bit, so the odd ones are leaves. The second tree numbers the members such that
 * odd and even change places. */
struct tree {
    uint32_t *parent; /* [n] by member; the root's is OP_NONE */
    uint32_t *order;  /* [n] members, children before parents */
    uint32_t n_ordered;
    const uint32_t *member; /* [n] by number - 1 */
};

static void tree_span(struct tree *t, uint32_t low, uint32_t high, uint32_t parent)
{
    uint32_t step = 1;
    if (low > high)
        return;
    while (high / (2 * step) * (2 * step) >= low)
        step *= 2;
    uint32_t middle = high / step * step, member = t->member[middle - 1];
    t->parent[member] = parent;
    tree_span(t, low, middle - 1, member);
    tree_span(t, middle + 1, high, member);
    t->order[t->n_ordered++] = member;
}

static struct tree tree_new(const struct coll_builder *b, uint32_t turn, bool second)
{
    uint32_t n = b->c->n, *order = ARENA_ARRAY(b->arena, uint32_t, n);
    uint32_t *member = ARENA_ARRAY(b->arena, uint32_t, n);
    struct tree t = {
        .parent = ARENA_ARRAY(b->arena, uint32_t, n), .order = ARENA_ARRAY(b->arena, uint32_t, n), .member = member};
    coll_ring_order(b, turn, order);
    for (uint32_t i = 0; i < n; i++)
        member[i] = order[!second ? i : n % 2 ? (i + 1) % n : n - 1 - i];
    tree_span(&t, 1, n, OP_NONE);
    return t;
}

/* One chunk up to the root. up[i]: what carries i's sum to its parent; at the root an
 * op without a transfer. child[2 i ..]: its children's. */
static void tree_reduce(struct coll_builder *b, const struct pipeline *p, const struct tree *t, uint32_t chunk,
                        uint32_t *child, uint32_t *up)
{
    memset(child, 0xff, 2 * (size_t)b->c->n * sizeof *child);
    for (uint32_t k = 0; k < b->c->n; k++) {
        uint32_t i = t->order[k], parent = t->parent[i];
        up[i] = pass_chunk(b, p, chunk, i, parent, &child[2 * (size_t)i], 2);
        if (parent != OP_NONE)
            child[2 * (size_t)parent + (child[2 * (size_t)parent] != OP_NONE)] = up[i];
    }
}

static void tree_spread(struct coll_builder *b, const struct pipeline *p, const struct tree *t, uint32_t chunk,
                        const uint32_t *up, uint32_t *down)
{
    for (uint32_t k = b->c->n; k-- > 0;) {
        uint32_t i = t->order[k], parent = t->parent[i];
        if (parent == OP_NONE)
            down[i] = up[i];
        else
            down[i] = pass_chunk(b, p, chunk, parent, i, &down[parent], 1);
    }
}

/* Trees as many as rings, twice, so that every NIC of a node has its part. */
void coll_reduce_trees(struct coll_builder *b)
{
    uint32_t turns = coll_n_rings(b), *child = ARENA_ARRAY(b->arena, uint32_t, 2 * (size_t)b->c->n);
    uint32_t *up = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    uint32_t *down = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t i = 0; i < 2 * turns; i++) {
        struct tree t = tree_new(b, i / 2, i % 2);
        struct pipeline rising = pipeline_begin(b, b->c->size_B / (2 * turns));
        struct pipeline falling = pipeline_begin(b, b->c->size_B / (2 * turns));
        for (uint32_t chunk = 0; chunk < rising.n_chunks; chunk++) {
            tree_reduce(b, &rising, &t, chunk, child, up);
            tree_spread(b, &falling, &t, chunk, up, down);
        }
    }
}
