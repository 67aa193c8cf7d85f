#define _GNU_SOURCE /* qsort_r */
#include "topology/plugs.h"

#include <stdlib.h>

#include "topology/ends.h"

static uint32_t switch_left(const struct topology *t, uint32_t link)
{
    uint32_t first = topology_first_switch(t), a = t->links[link].a;
    return a >= first ? a - first : TOPOLOGY_NONE;
}

static bool between(const struct topology *t, uint32_t link)
{
    return switch_left(t, link) != TOPOLOGY_NONE && t->links[link].b >= topology_first_switch(t);
}

struct order {
    const struct topology *t;
    const struct plugs *p;
};

/* NICs first, then cables between switches; or by the ports that are known. */
static int by_port(const void *x, const void *y, void *order)
{
    const struct order *o = order;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    if (o->t->plug && o->t->plug[a] != o->t->plug[b])
        return o->t->plug[a] < o->t->plug[b] ? -1 : 1;
    bool far_a = between(o->t, a), far_b = between(o->t, b);
    if (far_a != far_b)
        return far_a ? 1 : -1;
    return (a > b) - (a < b);
}

static void list_links(const struct topology *t, struct arena *a, struct plugs *p)
{
    struct order order = {t, p};
    p->first = ARENA_ARRAY(a, uint32_t, p->n_switches + 2);
    p->links = ARENA_ARRAY(a, uint32_t, t->n_links + 1);
    for (uint32_t i = 0; i < t->n_links; i++)
        if (switch_left(t, i) != TOPOLOGY_NONE)
            p->first[switch_left(t, i) + 2]++;
    for (uint32_t s = 0; s < p->n_switches; s++)
        p->first[s + 2] += p->first[s + 1];
    for (uint32_t i = 0; i < t->n_links; i++)
        if (switch_left(t, i) != TOPOLOGY_NONE)
            p->links[p->first[switch_left(t, i) + 1]++] = i;
    for (uint32_t s = 0; s < p->n_switches; s++)
        qsort_r(p->links + p->first[s], p->first[s + 1] - p->first[s], sizeof *p->links, by_port, &order);
}

static void number_ports(const struct topology *t, struct arena *a, struct plugs *p)
{
    p->port = ARENA_ARRAY(a, uint32_t, t->n_links + 1);
    p->used = ARENA_ARRAY(a, uint32_t, p->n_switches + 1);
    for (uint32_t s = 0; s < p->n_switches; s++)
        for (uint32_t k = p->first[s]; k < p->first[s + 1]; k++) {
            uint32_t link = p->links[k];
            p->port[link] = t->plug && t->plug[link] ? t->plug[link] : k - p->first[s] + 1;
            p->used[s] = p->port[link] > p->used[s] ? p->port[link] : p->used[s];
        }
}

/* The k-th link from a to b and the k-th from b to a are one cable. */
static void find_back(const struct topology *t, struct arena *a, struct plugs *p)
{
    uint8_t *taken = ARENA_ARRAY(a, uint8_t, t->n_links + 1);
    p->back = ARENA_ARRAY(a, uint32_t, t->n_links + 1);
    for (uint32_t i = 0; i < t->n_links; i++) {
        if (!between(t, i) || taken[i])
            continue;
        uint32_t s = t->links[i].b - topology_first_switch(t), best = TOPOLOGY_NONE;
        for (uint32_t k = p->first[s]; k < p->first[s + 1]; k++)
            if (between(t, p->links[k]) && !taken[p->links[k]] && t->links[p->links[k]].b == t->links[i].a &&
                p->links[k] < best)
                best = p->links[k];
        BUG_IF(best == TOPOLOGY_NONE);
        p->back[i] = best;
        p->back[best] = i;
        taken[i] = taken[best] = 1;
    }
}

void plugs_find(const struct topology *t, struct arena *a, struct plugs *out)
{
    *out = (struct plugs){.n_switches = t->n_vertices - topology_first_switch(t)};
    list_links(t, a, out);
    number_ports(t, a, out);
    find_back(t, a, out);
}
