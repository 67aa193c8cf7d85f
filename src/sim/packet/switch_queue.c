/* Queues of switches: where a packet waits, and whose turn it is. Queues that wait for
 * the same link and lane form a ring; they take turns packet by packet. A queue stands
 * in the ring of the link that its head waits for, so a shared input queue moves from
 * ring to ring, and a head that must wait keeps the packets behind it from free links.
 */
#include "sim/packet/switch_impl.h"

bool queue_is_input(const struct switch_net *net, uint32_t queue)
{
    uint32_t n = net->n_links * net->n_lanes;
    return queue >= n && queue < 2 * n;
}

uint32_t queue_of(const struct switch_net *net, const struct packet *k, uint32_t in, uint32_t out)
{
    if (net->ports[in].to_host) /* relayed out of memory */
        return out * net->n_lanes + lane_at(net, k, k->hop);
    switch (net->hw.queueing) {
    case QUEUE_SHARED_INPUT:
        return (net->n_links + in) * net->n_lanes + lane_at(net, k, k->hop - 1u);
    case QUEUE_VOQ_PORT:
        return net->turns[k->route + k->hop] + lane_at(net, k, k->hop);
    case QUEUE_VOQ_QP:
        return net->qps[k->qp].block + net->locals[k->route + k->hop];
    default:
        return out * net->n_lanes + lane_at(net, k, k->hop);
    }
}

void queue_append(struct switch_net *net, uint32_t queue, uint32_t packet)
{
    struct queue *q = &net->queues[queue];
    net->packets[packet].next = NIL;
    if (q->head == NIL)
        q->head = packet;
    else
        net->packets[q->tail].next = packet;
    q->tail = packet;
}

uint32_t queue_pop(struct switch_net *net, uint32_t queue)
{
    struct queue *q = &net->queues[queue];
    uint32_t packet = q->head;
    q->head = net->packets[packet].next;
    return packet;
}

/* --- rings ------------------------------------------------------------------------ */

static uint32_t link_of_head(const struct switch_net *net, const struct queue *q)
{
    const struct packet *k = &net->packets[q->head];
    return link_at(net, k, k->hop);
}

static uint8_t lane_of_head(const struct switch_net *net, const struct queue *q)
{
    const struct packet *k = &net->packets[q->head];
    return (uint8_t)lane_at(net, k, k->hop);
}

static void drop(struct switch_net *net, uint32_t queue)
{
    uint32_t packet = queue_pop(net, queue);
    struct packet *k = &net->packets[packet];
    uint32_t link = link_at(net, k, k->hop);
    queue_depth(net, link, -(int64_t)size_on(&net->ports[link], k));
    gate_leave(net, k, now_of(net));
    net->totals.cut++;
    nic_forget(net, packet);
}

/* The new one comes behind all others. */
void queue_attach(struct switch_net *net, uint32_t queue)
{
    struct queue *q = &net->queues[queue];
    if (q->in_ring || q->busy || q->paused)
        return;
    if (q->qp == NIL) {
        while (q->head != NIL && net->ports[link_of_head(net, q)].gone)
            drop(net, queue);
        if (q->head == NIL)
            return;
        q->link = link_of_head(net, q);
        q->lane = lane_of_head(net, q);
    }
    struct port *p = &net->ports[q->link];
    uint32_t *ring = ring_of(net, q->link, q->lane), first = p->ready >> q->lane & 1 ? *ring : queue;
    q->next = first;
    q->prev = first == queue ? queue : net->queues[first].prev;
    net->queues[q->prev].next = queue;
    net->queues[first].prev = queue;
    *ring = first;
    p->ready |= (uint64_t)1 << q->lane;
    q->in_ring = true;
}

void queue_detach(struct switch_net *net, uint32_t queue)
{
    struct queue *q = &net->queues[queue];
    struct port *p = &net->ports[q->link];
    if (!q->in_ring)
        return;
    q->in_ring = false;
    if (q->next == queue) {
        p->ready &= ~((uint64_t)1 << q->lane);
        return;
    }
    net->queues[q->prev].next = q->next;
    net->queues[q->next].prev = q->prev;
    if (*ring_of(net, q->link, q->lane) == queue)
        *ring_of(net, q->link, q->lane) = q->next;
}

void queue_passed(struct switch_net *net, uint32_t queue)
{
    const struct queue *q = &net->queues[queue];
    *ring_of(net, q->link, q->lane) = q->next;
}

/* A link is gone for good: what waits for it is lost. */
void queues_drop(struct switch_net *net, uint32_t link)
{
    struct port *p = &net->ports[link];
    while (p->ready) {
        uint32_t queue = *ring_of(net, link, (uint32_t)__builtin_ctzll(p->ready));
        queue_detach(net, queue);
        if (net->queues[queue].qp == NIL)
            queue_attach(net, queue); /* drops what waits for links that are gone */
        if (net->queues[queue].in_ring)
            link_try(net, net->queues[queue].link);
    }
}

void queue_depth(struct switch_net *net, uint32_t link, int64_t change_B)
{
    struct port *p = &net->ports[link];
    struct port_record *r = &net->records[link];
    uint64_t now_ps = now_of(net);
    r->area += (double)p->waiting_B * (double)(now_ps - r->since_ps);
    r->since_ps = now_ps;
    p->waiting_B = (uint64_t)((int64_t)p->waiting_B + change_B);
    if (p->waiting_B > r->max_B)
        r->max_B = p->waiting_B;
}

/* --- paths ------------------------------------------------------------------------ */

/* The first switch's choice: of the paths that begin with the link the packet came
 * over, the one with the shortest queue where they part. Ties fall in turn. */
void route_choose(struct switch_net *net, struct packet *k)
{
    struct qp *f = &net->qps[k->qp];
    const struct group *g = &net->groups[f->first_group];
    const struct route *best = NULL;
    double least_ps = INFINITY;
    while (g->link != k->links[0])
        g++;
    uint32_t start = ++f->turn % g->n_routes;
    for (uint32_t i = 0; i < g->n_routes; i++) {
        uint32_t at = start + i < g->n_routes ? start + i : start + i - g->n_routes;
        const struct route *r = &net->routes[g->first_route + at];
        const struct port *p = &net->ports[r->second];
        double wait_ps = (double)p->waiting_B * p->ps_per_B;
        if (p->free_ps > now_of(net))
            wait_ps += (double)(p->free_ps - now_of(net));
        if (p->down || p->gone || wait_ps >= least_ps)
            continue;
        least_ps = wait_ps;
        best = r;
        if (wait_ps <= 0)
            break;
    }
    if (!best)
        return;
    k->route = best->hops;
    k->links[1] = best->second;
    fetch(&net->hops[best->hops]); /* when it leaves this switch */
}
