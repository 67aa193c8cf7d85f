/* Exchanges: COMM ops of one phase, layer and class, each the k-th such of its lane, that send to each other directly or
 * through others. An exchange's bytes bound whatever is known to come after all of its ops; which nodes these are is found
 * by sending, for each exchange, the set of its ended members forward through the graph until somewhere it is whole.
 * Where that is far away, it is given up: the bound is then lower, not wrong. */
#include <stdlib.h>
#include <string.h>

#include "sim/bound/bound_impl.h"
#include "sim/xalloc.h"

enum { REACH = 64 }; /* nodes that a set is carried over, per member of all exchanges of its name */

/* --- members ------------------------------------------------------------------------------------- */

struct name {
    uint32_t phase, class_name, lane, turn, op;
    int32_t layer;
};

#define COMPARE(field) \
    if (x->field != y->field) \
    return x->field < y->field ? -1 : 1

static int by_lane(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    COMPARE(phase);
    COMPARE(class_name);
    COMPARE(layer);
    COMPARE(lane);
    COMPARE(op);
    return 0;
}

static int by_turn(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    COMPARE(phase);
    COMPARE(class_name);
    COMPARE(layer);
    COMPARE(turn);
    COMPARE(op);
    return 0;
}

static bool same_name(const struct name *x, const struct name *y)
{
    return x->phase == y->phase && x->class_name == y->class_name && x->layer == y->layer;
}

/* All COMM ops with transfers, those of one name and turn together; returns how many. */
static uint32_t name_ops(const struct bound_graph *b, struct name **names)
{
    uint32_t n = 0, cap = 0;
    for (uint32_t i = 0; i < b->g->n_ops; i++) {
        const struct op *op = &b->g->ops[i];
        if (op->kind != OP_COMM || b->concerns.first[i] == b->concerns.first[i + 1])
            continue;
        XGROW(*names, n, cap);
        (*names)[n++] = (struct name){op->phase, op->class_name, op->lane, 0, i, op->layer};
    }
    if (n)
        qsort(*names, n, sizeof **names, by_lane);
    for (uint32_t i = 1; i < n; i++) {
        struct name *now = &(*names)[i], *before = now - 1;
        now->turn = same_name(now, before) && now->lane == before->lane ? before->turn + 1 : 0;
    }
    if (n)
        qsort(*names, n, sizeof **names, by_turn);
    return n;
}

static uint32_t root_of(uint32_t *parent, uint32_t op)
{
    while (parent[op] != op)
        op = parent[op] = parent[parent[op]];
    return op;
}

/* Joins ops of one name and turn that share a transfer. */
static void join(const struct bound_graph *b, const uint32_t *turn_of, uint32_t *parent)
{
    for (uint32_t i = 0; i < b->g->n_transfers; i++) {
        const struct transfer *t = &b->g->transfers[i];
        if (turn_of[t->src_op] == turn_of[t->dst_op])
            parent[root_of(parent, t->src_op)] = root_of(parent, t->dst_op);
    }
}

/* Numbers the exchanges in order of their first op; also how many members all of its name and turn have. */
static uint32_t find_members(struct bound_exchanges *x, const struct bound_graph *b, uint32_t **of_name,
                             struct arena *arena)
{
    uint32_t n_ops = b->g->n_ops, n_exchanges = 0;
    struct name *names = NULL;
    uint32_t n = name_ops(b, &names);
    uint32_t *turn_of = XREALLOC(NULL, uint32_t, n_ops), *parent = XREALLOC(NULL, uint32_t, n_ops);
    uint32_t *number = XREALLOC(NULL, uint32_t, n_ops), *size = XREALLOC(NULL, uint32_t, n_ops + 1);
    struct rows_pair *pairs = XREALLOC(NULL, struct rows_pair, n + 1);
    for (uint32_t i = 0; i < n_ops; i++) {
        turn_of[i] = number[i] = OP_NONE;
        parent[i] = i;
    }
    for (uint32_t i = 0, turn = 0; i < n; i++) {
        turn += i && !(same_name(&names[i], &names[i - 1]) && names[i].turn == names[i - 1].turn);
        turn_of[names[i].op] = turn;
        size[turn] = i && turn_of[names[i - 1].op] == turn ? size[turn] + 1 : 1;
    }
    join(b, turn_of, parent);
    *of_name = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t root = root_of(parent, names[i].op);
        if (number[root] == OP_NONE) {
            (*of_name)[n_exchanges] = size[turn_of[root]];
            number[root] = n_exchanges++;
        }
        pairs[i] = (struct rows_pair){number[root], names[i].op};
    }
    x->members = rows_of_pairs(pairs, n, n_exchanges, arena);
    void *owned[] = {names, turn_of, parent, number, size, pairs};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    return n_exchanges;
}

/* --- sets on their way --------------------------------------------------------------------------- */

struct wave {
    const struct bound_graph *b;
    const uint32_t *position; /* of a node in the order */
    uint32_t *slot;           /* per node: 1 + its set; 0: none */
    uint32_t *used;           /* nodes that have one */
    uint64_t *sets;
    uint32_t n_used, cap_used, words;
    size_t cap_sets;
    struct rows_pair *over; /* (node, exchange) */
    uint32_t n_over, cap_over;
};

static uint64_t *set_at(struct wave *w, uint32_t node)
{
    if (!w->slot[node]) {
        XGROW(w->used, w->n_used, w->cap_used);
        w->used[w->n_used++] = node;
        w->slot[node] = w->n_used;
        size_t need = (size_t)w->n_used * w->words;
        if (need > w->cap_sets) {
            w->cap_sets = 2 * need;
            w->sets = XREALLOC(w->sets, uint64_t, w->cap_sets);
        }
        memset(w->sets + need - w->words, 0, w->words * sizeof *w->sets);
    }
    return w->sets + (size_t)(w->slot[node] - 1) * w->words;
}

static bool is_whole(const uint64_t *set, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < (n + 63) / 64; i++)
        count += (uint32_t)__builtin_popcountll(set[i]);
    return count == n;
}

static void pass_on(struct wave *w, uint32_t node)
{
    const struct rows *after = &w->b->after;
    for (uint32_t k = after->first[node]; k < after->first[node + 1]; k++) {
        uint64_t *to = set_at(w, after->items[k]), *from = set_at(w, node);
        for (uint32_t i = 0; i < w->words; i++)
            to[i] |= from[i];
    }
}

static void run_wave(struct wave *w, uint32_t exchange, const uint32_t *members, uint32_t n, uint32_t reach)
{
    uint32_t first = UINT32_MAX;
    w->words = (n + 63) / 64;
    w->n_used = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t node = bound_end_of(w->b, members[i]);
        set_at(w, node)[i / 64] |= 1ull << i % 64;
        first = w->position[node] < first ? w->position[node] : first;
    }
    for (uint32_t at = first; at < w->b->n_ordered && at - first < reach; at++) {
        uint32_t node = w->b->order[at];
        if (!w->slot[node])
            continue;
        if (is_whole(set_at(w, node), n)) {
            XGROW(w->over, w->n_over, w->cap_over);
            w->over[w->n_over++] = (struct rows_pair){node, exchange};
        } else {
            pass_on(w, node);
        }
    }
    for (uint32_t i = 0; i < w->n_used; i++)
        w->slot[w->used[i]] = 0;
}

void bound_exchanges_find(struct bound_exchanges *x, const struct bound_graph *b, struct arena *arena)
{
    uint32_t *of_name, n = find_members(x, b, &of_name, arena);
    uint32_t *position = XREALLOC(NULL, uint32_t, b->n_nodes);
    for (uint32_t i = 0; i < b->n_ordered; i++)
        position[b->order[i]] = i;
    struct wave w = {.b = b, .position = position, .slot = XREALLOC(NULL, uint32_t, b->n_nodes)};
    memset(w.slot, 0, b->n_nodes * sizeof *w.slot);
    for (uint32_t e = 0; e < n; e++) {
        uint32_t first = x->members.first[e], count = x->members.first[e + 1] - first;
        if (count > 1)
            run_wave(&w, e, x->members.items + first, count, REACH * of_name[e]);
    }
    x->over_at = rows_of_pairs(w.over, w.n_over, b->n_nodes, arena);
    void *owned[] = {position, w.slot, w.used, w.sets, w.over};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}
