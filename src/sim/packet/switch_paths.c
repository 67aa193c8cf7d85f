/* Sets of paths that messages take, each kept once: as many as there are pairs. Routes
 * of a set that begin with the same link are a group; a QP has a source queue per
 * group, further queues of its own only with voq_qp. */
#include "sim/packet/switch_impl.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/diag.h"
#include "sim/xalloc.h"

struct set_entry {
    UT_hash_handle hh;
    uint32_t set;
    uint32_t words[];
};

struct turn_entry {
    UT_hash_handle hh;
    uint64_t in_out;
    uint32_t queue;
};

/* n queues in a row, empty. */
static uint32_t new_queues(struct switch_net *net, uint32_t n)
{
    uint32_t first = net->n_queues;
    if (first + n > net->cap_queues) {
        net->cap_queues = first + n + net->cap_queues / 2;
        net->queues = XREALLOC(net->queues, struct queue, net->cap_queues);
    }
    for (uint32_t i = 0; i < n; i++)
        net->queues[first + i] = (struct queue){.head = NIL, .qp = NIL, .lane = (uint8_t)(i % net->n_lanes)};
    net->n_queues += n;
    return first;
}

/* The queues of voq_port from one link to another, one per lane. */
static uint32_t turn_queues(struct switch_net *net, uint32_t in, uint32_t out)
{
    uint64_t key = (uint64_t)in << 32 | out;
    struct turn_entry *index = net->turn_index, *e;
    HASH_FIND(hh, index, &key, sizeof key, e);
    if (!e) {
        e = XREALLOC(NULL, struct turn_entry, 1);
        e->in_out = key;
        e->queue = new_queues(net, net->n_lanes);
        HASH_ADD(hh, index, in_out, sizeof key, e);
        net->turn_index = index;
    }
    return e->queue;
}

/* --- a QP's own queues ------------------------------------------------------------ */

uint32_t block_alloc(struct switch_net *net, uint32_t paths)
{
    struct path_set *s = &net->sets[paths];
    uint32_t block = s->free_block;
    if (block == NIL)
        return new_queues(net, s->block_size);
    s->free_block = net->queues[block].next;
    for (uint32_t i = 0; i < s->block_size; i++)
        net->queues[block + i] = (struct queue){.head = NIL, .qp = NIL};
    return block;
}

void block_free(struct switch_net *net, uint32_t paths, uint32_t block)
{
    struct path_set *s = &net->sets[paths];
    net->queues[block].next = s->free_block;
    s->free_block = block;
}

/* --- building a set --------------------------------------------------------------- */

static void add_hop(struct switch_net *net, uint32_t link, uint32_t turn)
{
    if (net->n_hops + PACKET_LINKS >= net->cap_hops) {
        net->cap_hops = net->cap_hops ? 2 * net->cap_hops : 1024;
        net->hops = XREALLOC(net->hops, uint32_t, net->cap_hops);
        net->turns = XREALLOC(net->turns, uint32_t, net->cap_hops);
        net->locals = XREALLOC(net->locals, uint32_t, net->cap_hops);
        net->channels = XREALLOC(net->channels, uint8_t, net->cap_hops);
    }
    net->hops[net->n_hops] = link;
    net->turns[net->n_hops] = turn;
    net->channels[net->n_hops] = 0;
    net->locals[net->n_hops++] = NIL;
}

static uint32_t add_route(struct switch_net *net, uint32_t n, const uint32_t *links)
{
    uint32_t route = net->n_hops;
    bool voq = net->hw.queueing == QUEUE_VOQ_PORT;
    for (uint32_t i = 0; i < n; i++)
        add_hop(net, links[i], i && voq ? turn_queues(net, links[i - 1], links[i]) : NIL);
    add_hop(net, NIL, NIL);
    lanes_of_route(net, route);
    return route;
}

/* Routes in order of their first links' first appearance, so that each group is a run.
 */
static void add_groups(struct switch_net *net, struct path_set *s, uint32_t n, const uint32_t *routes)
{
    s->first_group = net->n_groups;
    s->first_route = net->n_routes;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t link = net->hops[routes[i]], seen = 0;
        while (seen < i && net->hops[routes[seen]] != link)
            seen++;
        if (seen < i)
            continue;
        XGROW(net->groups, net->n_groups, net->cap_groups);
        struct group *g = &net->groups[net->n_groups++];
        *g = (struct group){net->n_routes, 0, link};
        for (uint32_t k = i; k < n; k++)
            if (net->hops[routes[k]] == link) {
                XGROW(net->routes, net->n_routes, net->cap_routes);
                net->routes[net->n_routes++] = (struct route){routes[k], net->hops[routes[k] + 1]};
                g->n_routes++;
            }
    }
    s->n_groups = net->n_groups - s->first_group;
    s->n_routes = n;
}

/* A place in the QP's block for each link, and channel of it, of the set: sources first, in the order of
 * the groups. */
static void number_links(struct switch_net *net, struct path_set *s)
{
    uint32_t *place = net->place, next = s->n_groups, n = net->n_channels;
    for (uint32_t g = 0; g < s->n_groups; g++)
        place[net->groups[s->first_group + g].link * n] = g;
    for (uint32_t i = 0; i < s->n_routes; i++)
        for (uint32_t h = net->routes[s->first_route + i].hops; net->hops[h] != NIL; h++) {
            uint32_t *at = &place[net->hops[h] * n + net->channels[h]];
            if (*at == NIL)
                *at = next++;
            net->locals[h] = *at;
        }
    for (uint32_t i = 0; i < s->n_routes; i++)
        for (uint32_t h = net->routes[s->first_route + i].hops; net->hops[h] != NIL; h++)
            place[net->hops[h] * n + net->channels[h]] = NIL;
    s->block_size = net->hw.queueing == QUEUE_VOQ_QP ? next : s->n_groups;
}

/* Times of the first path when it is empty: a full packet cuts through, its
 * acknowledgement takes no bandwidth. */
static void time_path(const struct switch_net *net, struct path_set *s)
{
    uint64_t slowest_ps = 0;
    uint32_t first = net->routes[s->first_route].hops;
    for (uint32_t h = first; net->hops[h] != NIL; h++) {
        const struct port *p = &net->ports[net->hops[h]];
        uint64_t ps = crossing_ps(p, net->mtu_B + p->header_B);
        slowest_ps = ps > slowest_ps ? ps : slowest_ps;
        s->forward_ps += p->wire_ps + (h > first ? p->pipe_ps : 0);
        s->back_ps += p->wire_ps + (h > first ? p->pipe_ps : 0);
    }
    const struct port *p = &net->ports[net->hops[first]];
    s->line_ps_per_B = (net->mtu_B + p->header_B) * p->ps_per_B / net->mtu_B;
    s->forward_ps += slowest_ps;
}

static uint32_t build(struct switch_net *net, uint32_t n_paths, const uint32_t *lengths, const uint32_t *links)
{
    uint32_t routes[SWITCH_MAX_PATHS];
    BUG_IF(!n_paths || n_paths > SWITCH_MAX_PATHS);
    for (uint32_t i = 0; i < n_paths; links += lengths[i++])
        routes[i] = add_route(net, lengths[i], links);
    XGROW(net->sets, net->n_sets, net->cap_sets);
    struct path_set *s = &net->sets[net->n_sets];
    *s = (struct path_set){.free_block = NIL};
    add_groups(net, s, n_paths, routes);
    number_links(net, s);
    time_path(net, s);
    return net->n_sets++;
}

uint32_t switch_net_paths(struct switch_net *net, uint32_t n_paths, const uint32_t *lengths, const uint32_t *links)
{
    struct set_entry *index = net->set_index, *e;
    uint32_t n_links = 0, n = 1 + n_paths;
    for (uint32_t i = 0; i < n_paths; i++)
        n_links += lengths[i];
    struct set_entry *fresh = xrealloc(NULL, 1, sizeof *fresh + (n + n_links) * sizeof(uint32_t));
    fresh->words[0] = n_paths;
    memcpy(fresh->words + 1, lengths, n_paths * sizeof *lengths);
    memcpy(fresh->words + n, links, n_links * sizeof *links);
    uint32_t key_B = (uint32_t)((n + n_links) * sizeof(uint32_t));
    HASH_FIND(hh, index, fresh->words, key_B, e);
    if (e) {
        free(fresh);
        return e->set;
    }
    fresh->set = build(net, n_paths, lengths, links);
    HASH_ADD_KEYPTR(hh, index, fresh->words, key_B, fresh);
    net->set_index = index;
    return fresh->set;
}

double switch_net_base_rtt_s(const struct switch_net *net, uint32_t paths)
{
    return 1e-12 * (double)(net->sets[paths].forward_ps + net->sets[paths].back_ps);
}

void paths_free(struct switch_net *net)
{
    struct set_entry *sets = net->set_index, *s, *next_set;
    struct turn_entry *turns = net->turn_index, *t, *next_turn;
    HASH_ITER(hh, sets, s, next_set)
    {
        HASH_DEL(sets, s);
        free(s);
    }
    HASH_ITER(hh, turns, t, next_turn)
    {
        HASH_DEL(turns, t);
        free(t);
    }
}
