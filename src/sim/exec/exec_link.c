/* Who waits for whom: rows of the graph by op, before the clock runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/exec/exec_impl.h"

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
    for (uint32_t i = 1; i < exec_n_branches(g, t) && g->trees[t->tree - 1].inward; i++)
        ops[n++] = exec_branch_of(g, t, i)->op;
    return n;
}

static void count_pending(struct exec *x, const struct transfer *t)
{
    x->pending[t->src_op]++;
    if (t->dst_op != t->src_op)
        x->pending[t->dst_op]++;
    for (uint32_t i = 1; i < exec_n_branches(x->g, t); i++)
        x->pending[exec_branch_of(x->g, t, i)->op]++;
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

void exec_link(struct exec *x, struct arena *arena)
{
    open_places(x);
    link_lanes_and_deps(x);
    link_milestones(x);
    link_queues(x, arena);
    link_transfers(x);
    link_groups(x);
}
