/* Op graph: flat growing arrays and an interned string table. See opgraph.h for what an
 * op means.
 *
 * opgraph_check proves that the event loop cannot get stuck: every op has two moments,
 * its start and its end, and each rule of opgraph.h is an edge between moments (lane
 * and dependency: end -> start; sync group: every start -> every end; transfer: start
 * of its source -> end of its destination; rendezvous: also the other way round). If these edges have a topological order
 * (Kahn, CACM 1962), every op runs. */
#include "models/opgraph.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

struct string_index {
    uint32_t *slots;  /* string id + 1; 0 = free */
    uint32_t n_slots; /* power of two */
};

static void *resize(void *old, size_t n, size_t element_B)
{
    void *p = realloc(old, n * element_B);

    if (!p) {
        fprintf(stderr, "moesim: out of memory: an op graph needs %zu bytes\n", n * element_B);
        exit(EXIT_LIMIT);
    }
    return p;
}

/* Room for one more element behind n. */
#define GROW(array, n, cap) \
    do { \
        if ((n) == (cap)) { \
            (cap) = (cap) ? 2 * (cap) : 64; \
            (array) = resize((array), (cap), sizeof *(array)); \
        } \
    } while (0)

struct opgraph *opgraph_new(uint32_t n_devices)
{
    struct opgraph *g = resize(NULL, 1, sizeof *g);
    struct string_index *index = resize(NULL, 1, sizeof *index);

    memset(g, 0, sizeof *g);
    g->n_devices = n_devices;
    index->n_slots = 256;
    index->slots = resize(NULL, index->n_slots, sizeof *index->slots);
    memset(index->slots, 0, index->n_slots * sizeof *index->slots);
    g->string_index = index;
    return g;
}

void opgraph_free(struct opgraph *g)
{
    if (!g)
        return;
    struct string_index *index = g->string_index;

    for (uint32_t i = 0; i < g->n_strings; i++)
        free(g->strings[i]);
    for (uint32_t i = 0; i < g->n_bundles; i++) {
        free(g->bundles[i].ops);
        free(g->bundles[i].first);
        free(g->bundles[i].cells);
        free(g->bundles[i].amounts);
    }
    free(g->bundles);
    free(index->slots);
    free(index);
    free(g->strings);
    free(g->ops);
    free(g->deps);
    free(g->early);
    free(g->queue);
    free(g->transfers);
    free(g->resources);
    free(g->trees);
    free(g->branches);
    free(g->shares);
    free(g->made_of);
    free(g);
}

static uint32_t text_hash(const char *text) /* FNV-1a */
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* The slot that holds text, or the free slot where it belongs. */
static uint32_t find_slot(const struct opgraph *g, const char *text)
{
    const struct string_index *index = g->string_index;
    uint32_t mask = index->n_slots - 1, slot = text_hash(text) & mask;

    while (index->slots[slot] && strcmp(g->strings[index->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static void widen_index(struct opgraph *g)
{
    struct string_index *index = g->string_index;

    index->n_slots *= 2;
    index->slots = resize(index->slots, index->n_slots, sizeof *index->slots);
    memset(index->slots, 0, index->n_slots * sizeof *index->slots);
    for (uint32_t i = 0; i < g->n_strings; i++)
        index->slots[find_slot(g, g->strings[i])] = i + 1;
}

uint32_t opgraph_string(struct opgraph *g, const char *text)
{
    struct string_index *index = g->string_index;
    uint32_t slot = find_slot(g, text);

    if (index->slots[slot])
        return index->slots[slot] - 1;
    size_t length = strlen(text) + 1;
    GROW(g->strings, g->n_strings, g->cap_strings);
    g->strings[g->n_strings] = resize(NULL, length, 1);
    memcpy(g->strings[g->n_strings], text, length);
    index->slots[slot] = ++g->n_strings;
    if (2 * g->n_strings > index->n_slots)
        widen_index(g);
    return g->n_strings - 1;
}

uint32_t opgraph_lane(struct opgraph *g)
{
    return g->n_lanes++;
}

uint32_t opgraph_sync_group(struct opgraph *g)
{
    return g->n_sync_groups++;
}

uint32_t opgraph_resource(struct opgraph *g, double capacity_Bps, const char *name)
{
    uint32_t text = opgraph_string(g, name);

    GROW(g->resources, g->n_resources, g->cap_resources);
    g->resources[g->n_resources] = (struct resource){capacity_Bps, text};
    return g->n_resources++;
}

uint32_t opgraph_add(struct opgraph *g, const struct op *op)
{
    GROW(g->ops, g->n_ops, g->cap_ops);
    g->ops[g->n_ops] = *op;
    return g->n_ops++;
}

void opgraph_dep(struct opgraph *g, uint32_t before, uint32_t after)
{
    GROW(g->deps, g->n_deps, g->cap_deps);
    g->deps[g->n_deps++] = (struct dep){before, after};
}

void opgraph_early_dep(struct opgraph *g, uint32_t before, uint32_t after, double share)
{
    GROW(g->early, g->n_early, g->cap_early);
    g->early[g->n_early++] = (struct early_dep){before, after, share};
}

void opgraph_queue_dep(struct opgraph *g, const struct queue_dep *d)
{
    GROW(g->queue, g->n_queue, g->cap_queue);
    g->queue[g->n_queue++] = *d;
}

uint32_t opgraph_transfer(struct opgraph *g, const struct transfer *t)
{
    GROW(g->transfers, g->n_transfers, g->cap_transfers);
    g->transfers[g->n_transfers] = *t;
    return g->n_transfers++;
}

static void *copy_of(const void *from, size_t n, size_t element_B)
{
    return memcpy(resize(NULL, n + 1, element_B), from, n * element_B);
}

void opgraph_bundle(struct opgraph *g, const struct bundle *b)
{
    GROW(g->bundles, g->n_bundles, g->cap_bundles);
    struct bundle *own = &g->bundles[g->n_bundles++];
    *own = *b;
    own->ops = copy_of(b->ops, (size_t)BUNDLE_ENDS * b->ranks, sizeof *b->ops);
    own->first = copy_of(b->first, b->ranks + 1, sizeof *b->first);
    own->cells = copy_of(b->cells, b->first[b->ranks], sizeof *b->cells);
    own->amounts = copy_of(b->amounts, b->n_amounts, sizeof *b->amounts);
}

struct transfer bundle_transfer(const struct bundle *b, uint32_t from, struct bundle_cell cell)
{
    struct transfer t = b->way[(size_t)from * b->ranks + cell.to];
    t.src_op = b->ops[t.src_op * b->ranks + from];
    t.dst_op = b->ops[t.dst_op * b->ranks + cell.to];
    t.weight = b->amounts[cell.amount];
    t.bytes_B *= t.weight;
    return t;
}

uint32_t opgraph_made_of(struct opgraph *g, const struct op_share *shares, uint32_t n)
{
    GROW(g->made_of, g->n_made_of, g->cap_made_of);
    g->made_of[g->n_made_of++] = (struct op_shares){g->n_shares, n};
    for (uint32_t i = 0; i < n; i++) {
        GROW(g->shares, g->n_shares, g->cap_shares);
        g->shares[g->n_shares++] = shares[i];
    }
    return g->n_made_of;
}

uint32_t opgraph_tree(struct opgraph *g, bool inward, const struct branch *branches, uint32_t n)
{
    BUG_IF(!n || n > TREE_MAX_BRANCHES);
    GROW(g->trees, g->n_trees, g->cap_trees);
    g->trees[g->n_trees++] = (struct transfer_tree){g->n_branches, n, inward};
    for (uint32_t i = 0; i < n; i++) {
        GROW(g->branches, g->n_branches, g->cap_branches);
        g->branches[g->n_branches++] = branches[i];
    }
    return g->n_trees;
}

bool opgraph_concerns(const struct opgraph *g, const struct transfer *t, uint32_t op)
{
    const struct transfer_tree *tree = t->tree ? &g->trees[t->tree - 1] : NULL;
    for (uint32_t i = 0; tree && i < tree->n; i++)
        if (g->branches[tree->first + i].op == op)
            return true;
    return t->src_op == op || t->dst_op == op;
}

static bool amount(double x)
{
    return x >= 0 && isfinite(x);
}

static void check_op(const struct opgraph *g, uint32_t id)
{
    const struct op *op = &g->ops[id];

    BUG_IF(op->kind > OP_COMM);
    BUG_IF(op->lane >= g->n_lanes || op->device >= g->n_devices);
    BUG_IF(!amount(op->work_s) || !amount(op->lead_s));
    BUG_IF(!amount(op->memory) || op->memory > 1);
    BUG_IF(!amount(op->sm_ref) || !amount(op->sm_max) || !amount(op->sm_hold));
    BUG_IF(op->kind == OP_COMPUTE && op->sm_ref > 0 && op->sm_max <= 0);
    BUG_IF(op->kind == OP_COMPUTE && op->sm_hold > 0);
    BUG_IF((op->kind == OP_SYNC) != (op->sync_group != OP_NONE));
    BUG_IF(op->kind == OP_SYNC && op->sync_group >= g->n_sync_groups);
    BUG_IF(op->name >= g->n_strings || op->class_name >= g->n_strings);
    BUG_IF(op->phase >= g->n_strings || op->made_of > g->n_made_of);
}

static void check_tree(const struct opgraph *g, const struct transfer *t)
{
    BUG_IF(t->tree > g->n_trees);
    const struct transfer_tree *tree = &g->trees[t->tree - 1];
    const struct branch *b = g->branches + tree->first;
    BUG_IF(b->device != (tree->inward ? t->src : t->dst) || b->op != (tree->inward ? t->src_op : t->dst_op));
    for (uint32_t i = 0; i < tree->n; i++) {
        BUG_IF(b[i].device >= g->n_devices || b[i].op >= g->n_ops || g->ops[b[i].op].kind != OP_COMM);
        BUG_IF(b[i].device == (tree->inward ? t->dst : t->src) || b[i].op == (tree->inward ? t->dst_op : t->src_op));
        BUG_IF(b[i].res != OP_NONE && b[i].res >= g->n_resources);
    }
}

static void check_transfer(const struct opgraph *g, const struct transfer *t)
{
    BUG_IF(t->src_op >= g->n_ops || t->dst_op >= g->n_ops);
    BUG_IF(g->ops[t->src_op].kind != OP_COMM || g->ops[t->dst_op].kind != OP_COMM);
    BUG_IF(t->src >= g->n_devices || t->dst >= g->n_devices);
    BUG_IF(!amount(t->bytes_B) || !amount(t->latency_s) || !amount(t->cap_Bps));
    BUG_IF(!(t->weight > 0) || !isfinite(t->weight));
    BUG_IF(t->n_res > TRANSFER_MAX_RES);
    BUG_IF(t->rendezvous && (t->src_op == t->dst_op || t->tree));
    if (t->tree)
        check_tree(g, t);
    for (int i = 0; i < t->n_res; i++) {
        BUG_IF(t->res[i] >= g->n_resources);
        for (int j = 0; j < i; j++)
            BUG_IF(t->res[i] == t->res[j]);
    }
}

static void check_bundle(const struct opgraph *g, const struct bundle *b)
{
    BUG_IF(b->first[0] || b->n_amounts > UINT16_MAX + 1u);
    for (uint32_t i = 0; i < BUNDLE_ENDS * b->ranks; i++)
        BUG_IF(b->ops[i] >= g->n_ops || g->ops[b->ops[i]].kind != OP_COMM);
    for (uint32_t from = 0; from < b->ranks; from++)
        for (uint32_t i = b->first[from]; i < b->first[from + 1]; i++) {
            const struct transfer *way = &b->way[(size_t)from * b->ranks + b->cells[i].to];
            BUG_IF(b->cells[i].to >= b->ranks || b->cells[i].amount >= b->n_amounts);
            BUG_IF(way->src_op >= BUNDLE_RECEIVES || way->dst_op != BUNDLE_RECEIVES || way->rendezvous || way->tree);
        }
    for (uint32_t from = 0; from < b->ranks; from++)
        if (b->first[from] < b->first[from + 1]) {
            struct transfer t = bundle_transfer(b, from, b->cells[b->first[from]]);
            check_transfer(g, &t);
        }
}

/* Moments and their edges, in compressed rows. Moment 2i is op i's start, 2i + 1 its
 * end, 2 n_ops + k the time when sync group k is complete; behind those of groups one of each bundle, as if no
 * receiver of it had all before every sender has begun. */
struct moments {
    uint32_t n, n_edges;
    uint32_t *from, *to;
    uint32_t *row, *pending, *ready;
};

static void edge(struct moments *m, uint32_t from, uint32_t to)
{
    m->from[m->n_edges] = from;
    m->to[m->n_edges++] = to;
}

/* All ends of a tree begin before any of them is done. */
static void collect_branches(const struct opgraph *g, const struct transfer *t, struct moments *m)
{
    const struct transfer_tree *tree = &g->trees[t->tree - 1];
    for (uint32_t i = 1; i < tree->n; i++) {
        uint32_t op = g->branches[tree->first + i].op;
        edge(m, 2 * (tree->inward ? op : t->src_op), 2 * (tree->inward ? t->dst_op : op) + 1);
    }
}

static void collect_edges(const struct opgraph *g, struct moments *m)
{
    uint32_t *last = resize(NULL, (size_t)g->n_lanes + 1, sizeof *last);

    memset(last, 0xff, g->n_lanes * sizeof *last);
    for (uint32_t i = 0; i < g->n_ops; i++) {
        const struct op *op = &g->ops[i];
        uint32_t group = 2 * g->n_ops + op->sync_group;

        if (last[op->lane] != OP_NONE)
            edge(m, 2 * last[op->lane] + 1, 2 * i);
        last[op->lane] = i;
        edge(m, 2 * i, op->kind == OP_SYNC ? group : 2 * i + 1);
        if (op->kind == OP_SYNC)
            edge(m, group, 2 * i + 1);
    }
    for (uint32_t i = 0; i < g->n_deps; i++)
        edge(m, 2 * g->deps[i].before + 1, 2 * g->deps[i].after);
    for (uint32_t i = 0; i < g->n_early;
         i++) { /* at its end at the latest; a SYNC's share counts from the last arrival */
        const struct op *before = &g->ops[g->early[i].before];
        uint32_t moment = before->kind == OP_SYNC ? 2 * g->n_ops + before->sync_group : 2 * g->early[i].before + 1;
        edge(m, moment, 2 * g->early[i].after);
    }
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        const struct transfer *t = &g->transfers[i];
        edge(m, 2 * t->src_op, 2 * t->dst_op + 1);
        if (t->rendezvous)
            edge(m, 2 * t->dst_op, 2 * t->src_op + 1);
        if (t->tree)
            collect_branches(g, t, m);
    }
    for (uint32_t i = 0; i < g->n_bundles; i++) {
        const struct bundle *b = &g->bundles[i];
        uint32_t moment = 2 * g->n_ops + g->n_sync_groups + i;
        for (uint32_t r = 0; r < b->ranks; r++) {
            edge(m, 2 * b->ops[BUNDLE_STORES * b->ranks + r], moment);
            edge(m, 2 * b->ops[BUNDLE_POSTS * b->ranks + r], moment);
            edge(m, moment, 2 * b->ops[BUNDLE_RECEIVES * b->ranks + r] + 1);
        }
    }
    free(last);
}

/* Sorts the edges by their origin and counts what each moment waits for. */
static void index_edges(struct moments *m)
{
    uint32_t *sorted = resize(NULL, (size_t)m->n_edges + 1, sizeof *sorted);

    memset(m->row, 0, (m->n + 2) * sizeof *m->row);
    memset(m->pending, 0, (m->n + 1) * sizeof *m->pending);
    for (uint32_t i = 0; i < m->n_edges; i++) {
        m->row[m->from[i] + 2]++;
        m->pending[m->to[i]]++;
    }
    for (uint32_t i = 2; i < m->n + 2; i++)
        m->row[i] += m->row[i - 1];
    for (uint32_t i = 0; i < m->n_edges; i++)
        sorted[m->row[m->from[i] + 1]++] = m->to[i];
    free(m->to);
    m->to = sorted;
}

static uint32_t count_reachable(struct moments *m)
{
    uint32_t n_ready = 0;

    for (uint32_t i = 0; i < m->n; i++)
        if (!m->pending[i])
            m->ready[n_ready++] = i;
    for (uint32_t next = 0; next < n_ready; next++)
        for (uint32_t e = m->row[m->ready[next]]; e < m->row[m->ready[next] + 1]; e++)
            if (!--m->pending[m->to[e]])
                m->ready[n_ready++] = m->to[e];
    return n_ready;
}

uint32_t opgraph_waits_for_itself(const struct opgraph *g)
{
    size_t max_edges = 3 * (size_t)g->n_ops + g->n_deps + g->n_early + 2 * (size_t)g->n_transfers + g->n_branches + 1;
    struct moments m = {.n = 2 * g->n_ops + g->n_sync_groups + g->n_bundles};

    for (uint32_t i = 0; i < g->n_bundles; i++)
        max_edges += BUNDLE_ENDS * g->bundles[i].ranks;

    m.from = resize(NULL, max_edges, sizeof *m.from);
    m.to = resize(NULL, max_edges, sizeof *m.to);
    m.row = resize(NULL, (size_t)m.n + 2, sizeof *m.row);
    m.pending = resize(NULL, (size_t)m.n + 1, sizeof *m.pending);
    m.ready = resize(NULL, (size_t)m.n + 1, sizeof *m.ready);
    collect_edges(g, &m);
    index_edges(&m);
    uint32_t n_reached = count_reachable(&m), stuck = OP_NONE;

    for (uint32_t i = 0; i < g->n_ops && n_reached < m.n && stuck == OP_NONE; i++)
        if (m.pending[2 * i] || m.pending[2 * i + 1])
            stuck = i;
    free(m.from);
    free(m.to);
    free(m.row);
    free(m.pending);
    free(m.ready);
    return stuck;
}

static void check_progress(const struct opgraph *g)
{
    uint32_t stuck = opgraph_waits_for_itself(g);

    if (stuck != OP_NONE)
        BUG("op %u (%s) of device %u waits for itself", stuck, g->strings[g->ops[stuck].name], g->ops[stuck].device);
}

void opgraph_check(const struct opgraph *g)
{
    for (uint32_t i = 0; i < g->n_ops; i++)
        check_op(g, i);
    for (uint32_t i = 0; i < g->n_deps; i++) {
        BUG_IF(g->deps[i].before >= g->n_ops || g->deps[i].after >= g->n_ops);
        BUG_IF(g->deps[i].before == g->deps[i].after);
    }
    for (uint32_t i = 0; i < g->n_early; i++) {
        BUG_IF(g->early[i].before >= g->n_ops || g->early[i].after >= g->n_ops);
        BUG_IF(g->early[i].before == g->early[i].after || !(g->early[i].share >= 0 && g->early[i].share < 1));
    }
    for (uint32_t i = 0; i < g->n_queue; i++) { /* no cycle: who waits has not begun, who is waited for has */
        const struct queue_dep *d = &g->queue[i];
        BUG_IF(d->before >= g->n_ops || d->after >= g->n_ops || d->before == d->after);
        BUG_IF(!(d->share >= 0 && d->share <= 1) || !amount(d->lag_s) || !amount(d->slack_s));
    }
    for (uint32_t i = 0; i < g->n_resources; i++)
        BUG_IF(!(g->resources[i].capacity_Bps > 0) || !isfinite(g->resources[i].capacity_Bps));
    for (uint32_t i = 0; i < g->n_transfers; i++)
        check_transfer(g, &g->transfers[i]);
    for (uint32_t i = 0; i < g->n_bundles; i++)
        check_bundle(g, &g->bundles[i]);
    check_progress(g);
}
