/* Virtual channels. Under flow control a packet holds its buffer until the next one has room; where buffers wait for
 * each other in a circle nothing moves any more (Dally and Seitz, 1987). Paths that only ever go on to links of a higher
 * number cannot form one; where a path goes on to a link that is not higher it enters the next channel, which has
 * buffers of its own and is never left for a lower one. With the numbers of a topology (topology.h: link_order) a few
 * channels suffice for all its paths.
 *
 * Where they do not, and for networks without numbers (a user's own, with the routes of its tables), each step from one
 * buffer to the next is kept as an edge, and a new one that closes a circle is reported. Left out: escape channels,
 * adaptive choice among channels (Duato). */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "sim/packet/switch_impl.h"
#include "sim/xalloc.h"

struct edge { /* of buffers: link * n_channels + channel */
    UT_hash_handle hh;
    uint64_t from_to;
};

struct waits {
    struct edge *index;
    uint32_t *to, *next, n, cap; /* edges */
    uint32_t *first;             /* [n_links * n_channels] edge that leaves it; NIL */
    uint32_t *seen, *came_from;  /* [n_links * n_channels] of searches */
    uint32_t n_searches;
    bool wanted;      /* some step does not rise: circles are possible */
    uint32_t *circle; /* links */
    uint32_t n_circle, cap_circle;
};

void lanes_init(struct switch_net *net, const uint32_t *order, uint32_t n_channels)
{
    net->n_channels = n_channels ? n_channels : 1;
    net->n_lanes = SWITCH_CLASSES * net->n_channels;
    if (order) {
        net->order = XREALLOC(NULL, uint32_t, net->n_links);
        memcpy(net->order, order, net->n_links * sizeof *order);
    }
    if (net->hw.flow_control == FLOW_CONTROL_NONE)
        return;
    uint32_t n = net->n_links * net->n_channels;
    struct waits *w = net->waits = XREALLOC(NULL, struct waits, 1);
    *w = (struct waits){.first = XREALLOC(NULL, uint32_t, n), .came_from = XREALLOC(NULL, uint32_t, n)};
    w->seen = XREALLOC(NULL, uint32_t, n);
    memset(w->first, 0xff, n * sizeof *w->first);
    memset(w->seen, 0, n * sizeof *w->seen);
}

void lanes_free(struct switch_net *net)
{
    struct waits *w = net->waits;
    free(net->order);
    if (!w)
        return;
    struct edge *e, *next;
    HASH_ITER(hh, w->index, e, next)
    {
        HASH_DEL(w->index, e);
        free(e);
    }
    void *owned[] = {w->to, w->next, w->first, w->seen, w->came_from, w->circle, w};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

/* --- channels ------------------------------------------------------------------------------------------ */

/* Links of NICs are the first and the last of what waits. */
static bool rises(const struct switch_net *net, uint32_t link, uint32_t next)
{
    return net->ports[link].from_host || net->ports[next].to_host ||
           (net->order && net->order[next] > net->order[link]);
}

/* Behind a link in that channel; memory of a host that relays begins anew. */
static uint32_t channel_after(const struct switch_net *net, uint32_t channel, uint32_t link, uint32_t next)
{
    if (net->ports[link].to_host)
        return 0;
    return channel + !rises(net, link, next);
}

bool switch_net_has_channels(const struct switch_net *net, uint32_t n_links, const uint32_t *links)
{
    uint32_t channel = 0;
    for (uint32_t i = 1; i < n_links && channel < net->n_channels; i++)
        channel = channel_after(net, channel, links[i - 1], links[i]);
    return channel < net->n_channels;
}

/* --- circles ------------------------------------------------------------------------------------------- */

/* Depth first from a buffer to another over edges; the way stands in came_from. */
static bool reaches(struct waits *w, uint32_t from, uint32_t to)
{
    uint32_t at = from, search = ++w->n_searches;
    w->seen[from] = search;
    w->came_from[from] = NIL;
    while (at != NIL && at != to) {
        uint32_t e = w->first[at];
        while (e != NIL && w->seen[w->to[e]] == search)
            e = w->next[e];
        if (e == NIL) {
            at = w->came_from[at];
            continue;
        }
        w->seen[w->to[e]] = search;
        w->came_from[w->to[e]] = at;
        at = w->to[e];
    }
    return at == to;
}

static void keep_circle(struct switch_net *net, uint32_t last)
{
    struct waits *w = net->waits;
    w->n_circle = 0;
    for (uint32_t at = last; at != NIL; at = w->came_from[at]) {
        XGROW(w->circle, w->n_circle, w->cap_circle);
        w->circle[w->n_circle++] = at / net->n_channels;
    }
    for (uint32_t i = 0; i < w->n_circle / 2; i++) {
        uint32_t link = w->circle[i];
        w->circle[i] = w->circle[w->n_circle - 1 - i];
        w->circle[w->n_circle - 1 - i] = link;
    }
}

/* False: it is known. */
static bool add_edge(struct waits *w, uint32_t from, uint32_t to)
{
    uint64_t key = (uint64_t)from << 32 | to;
    struct edge *e;
    HASH_FIND(hh, w->index, &key, sizeof key, e);
    if (e)
        return false;
    e = XREALLOC(NULL, struct edge, 1);
    e->from_to = key;
    HASH_ADD(hh, w->index, from_to, sizeof key, e);
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 256;
        w->to = XREALLOC(w->to, uint32_t, w->cap);
        w->next = XREALLOC(w->next, uint32_t, w->cap);
    }
    w->to[w->n] = to;
    w->next[w->n] = w->first[from];
    w->first[from] = w->n++;
    return true;
}

/* Steps that rise do not close a circle by themselves: none is looked for until one does not. */
static void note_step(struct switch_net *net, uint32_t from, uint32_t to, bool rising)
{
    struct waits *w = net->waits;
    if (!w || w->n_circle || !add_edge(w, from, to))
        return;
    w->wanted |= !rising;
    if (w->wanted && reaches(w, to, from))
        keep_circle(net, from);
}

uint32_t switch_net_circle(const struct switch_net *net, const uint32_t **links)
{
    *links = net->waits ? net->waits->circle : NULL;
    return net->waits ? net->waits->n_circle : 0;
}

void lanes_of_route(struct switch_net *net, uint32_t route)
{
    for (uint32_t h = route + 1; net->hops[h - 1] != NIL && net->hops[h] != NIL; h++) {
        uint32_t link = net->hops[h - 1], next = net->hops[h], channel = net->channels[h - 1];
        uint32_t after = channel_after(net, channel, link, next);
        bool fits = after < net->n_channels;
        net->channels[h] = (uint8_t)(fits ? after : net->n_channels - 1);
        if (!net->ports[link].to_host && !net->ports[next].to_host)
            note_step(net, link * net->n_channels + channel, next * net->n_channels + net->channels[h], fits);
    }
}
