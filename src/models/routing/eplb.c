/* Expert-parallel load balancing as EPLB does it: three greedy steps.
 *
 * 1. Groups of experts go to nodes, heaviest first, each to the lightest node that has room, so that
 *    node-limited routing (paper 4.3) still finds a group on one node.
 * 2. In each node the spare places are given one by one to the expert whose replicas carry most each.
 * 3. Replicas go to GPUs like groups to nodes.
 *
 * The global policy is the same with one node that holds one group. Ties go to the lower number, as in
 * EPLB on a CPU. EPLB computes in binary32, this in binary64: loads that are equal in one and not in the
 * other could be placed differently.
 *
 * Left out: what moving an expert costs. */
#include "models/routing/eplb.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

/* --- greedy steps -------------------------------------------------------------------------------------- */

struct item {
    double weight;
    uint32_t number;
};

static int heavier_first(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

static uint32_t lightest(const double *weight, const uint32_t *count, uint32_t packs, uint32_t room)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t p = 0; p < packs; p++)
        if (count[p] < room && (best == UINT32_MAX || weight[p] < weight[best]))
            best = p;
    return best;
}

/* n weights into packs of n / packs each: place[i] = pack * (n / packs) + position in the pack. */
static void pack(const double *weight, uint32_t n, uint32_t packs, struct arena *arena, uint32_t *place)
{
    struct item *items = ARENA_ARRAY(arena, struct item, n);
    double *sum = ARENA_ARRAY(arena, double, packs);
    uint32_t *count = ARENA_ARRAY(arena, uint32_t, packs), room = n / packs;
    for (uint32_t i = 0; i < n; i++)
        items[i] = (struct item){weight[i], i};
    if (room > 1) /* with room for one, EPLB leaves everything where it is */
        qsort(items, n, sizeof *items, heavier_first);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = room > 1 ? lightest(sum, count, packs, room) : i;
        place[items[i].number] = p * room + count[p]++;
        sum[p] += items[i].weight;
    }
}

/* copies[n] sum to `replicas`; of[replicas]: the first n are the experts themselves. */
static void replicate(const double *weight, uint32_t n, uint32_t replicas, uint32_t *of, uint32_t *copies)
{
    for (uint32_t i = 0; i < n; i++) {
        of[i] = i;
        copies[i] = 1;
    }
    for (uint32_t r = n; r < replicas; r++) {
        uint32_t top = 0;
        for (uint32_t i = 1; i < n; i++)
            if (weight[i] / copies[i] > weight[top] / copies[top])
                top = i;
        of[r] = top;
        copies[top]++;
    }
}

/* --- the whole ------------------------------------------------------------------------------------------- */

/* Groups that divide among the nodes stay whole on one (prefill); else all replicas are packed as if there
 * were one node (decode). */
static bool eplb_is_hierarchical(const struct eplb_shape *s)
{
    return s->groups % s->nodes == 0;
}

const char *eplb_misfit(const struct eplb_shape *s)
{
    if (s->replicas < s->experts)
        return "there must be as many replicas as experts at least";
    if (s->replicas % s->gpus)
        return "replicas must divide among the GPUs";
    if (s->gpus % s->nodes)
        return "GPUs must divide among the nodes";
    if (eplb_is_hierarchical(s) && s->experts % s->groups)
        return "experts must divide among the groups";
    return NULL;
}

/* order[i]: the expert that stands i-th when groups are ordered by node. */
static void order_experts(const struct eplb_shape *s, const double *load, struct arena *arena, uint32_t *order)
{
    uint32_t size = s->experts / s->groups;
    double *weight = ARENA_ARRAY(arena, double, s->groups);
    uint32_t *place = ARENA_ARRAY(arena, uint32_t, s->groups);
    for (uint32_t e = 0; e < s->experts; e++)
        weight[e / size] += load[e];
    pack(weight, s->groups, s->nodes, arena, place);
    for (uint32_t e = 0; e < s->experts; e++)
        order[place[e / size] * size + e % size] = e;
}

/* One node's experts (n of them) on its GPUs. */
static void fill_node(const uint32_t *expert, const double *load, uint32_t n, uint32_t replicas, uint32_t gpus,
                      struct arena *arena, uint32_t *expert_of)
{
    double *weight = ARENA_ARRAY(arena, double, n), *each = ARENA_ARRAY(arena, double, replicas);
    uint32_t *of = ARENA_ARRAY(arena, uint32_t, replicas), *copies = ARENA_ARRAY(arena, uint32_t, n);
    uint32_t *place = ARENA_ARRAY(arena, uint32_t, replicas);
    for (uint32_t i = 0; i < n; i++)
        weight[i] = load[expert[i]];
    replicate(weight, n, replicas, of, copies);
    for (uint32_t r = 0; r < replicas; r++)
        each[r] = weight[of[r]] / copies[of[r]];
    pack(each, replicas, gpus, arena, place);
    for (uint32_t r = 0; r < replicas; r++)
        expert_of[place[r]] = expert[of[r]];
}

void eplb_balance(const struct eplb_shape *shape, const double *load, struct arena *arena, uint32_t *expert_of)
{
    struct eplb_shape s = *shape;
    BUG_IF(eplb_misfit(&s) != NULL);
    if (!eplb_is_hierarchical(&s))
        s.groups = s.nodes = 1;
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, s.experts);
    uint32_t n = s.experts / s.nodes, replicas = s.replicas / s.nodes, gpus = s.gpus / s.nodes;
    order_experts(&s, load, arena, order);
    for (uint32_t node = 0; node < s.nodes; node++)
        fill_node(order + (size_t)node * n, load, n, replicas, gpus, arena, expert_of + (size_t)node * replicas);
}
