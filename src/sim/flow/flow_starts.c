/* Flows that wait for their latency. Exchanges start thousands at one of a few times: those are one batch, a list. */
#include <stdlib.h>

#include "sim/flow/flow_net_impl.h"

static bool starts_before(const struct flow_start *a, const struct flow_start *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->seq < b->seq);
}

static void push(struct flow_starts *s, struct flow_start start)
{
    XGROW(s->heap, s->n, s->cap);
    uint32_t at = s->n++;
    while (at > 0 && starts_before(&start, &s->heap[(at - 1) / 2])) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = start;
}

static struct flow_start pop(struct flow_starts *s)
{
    struct flow_start top = s->heap[0], last = s->heap[--s->n];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < s->n) {
        if (child + 1 < s->n && starts_before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!starts_before(&s->heap[child], &last))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return top;
}

static uint32_t new_batch(struct flow_starts *s, uint32_t flow)
{
    uint32_t batch = s->free_batches;
    if (s->n_free) {
        s->n_free--;
        s->free_batches = s->batches[batch].n;
    } else {
        XGROW(s->batches, s->n_batches, s->cap_batches);
        batch = s->n_batches++;
    }
    s->batches[batch] = (struct flow_batch){flow, flow, 1};
    return batch;
}

/* The latest batch of a time is the one that is remembered, so that flows keep the order in which they came. */
void flow_starts_add(struct flow_net *net, double time_s, uint32_t flow)
{
    struct flow_starts *s = &net->starts;
    for (uint32_t i = 0; i < FLOW_RECENT; i++) {
        if (!s->recent[i].used || s->recent[i].time_s != time_s)
            continue;
        struct flow_batch *b = &s->batches[s->recent[i].batch];
        net->heap.sibling[b->last] = flow;
        b->last = flow;
        b->n++;
        return;
    }
    uint32_t batch = new_batch(s, flow);
    push(s, (struct flow_start){time_s, s->seq, batch});
    s->recent[s->seq++ % FLOW_RECENT] = (struct flow_recent){time_s, batch, true};
}

static void forget(struct flow_starts *s, uint32_t batch)
{
    for (uint32_t i = 0; i < FLOW_RECENT; i++)
        if (s->recent[i].batch == batch)
            s->recent[i].used = false;
    s->batches[batch].n = s->free_batches;
    s->free_batches = batch;
    s->n_free++;
}

double flow_starts_next_s(const struct flow_net *net)
{
    return net->starts.n ? net->starts.heap[0].time_s : INFINITY;
}

uint32_t flow_starts_pop(struct flow_net *net, double now_s, uint32_t *n)
{
    uint32_t first = FLOW_NONE, last = FLOW_NONE;
    *n = 0;
    while (flow_starts_next_s(net) <= now_s) {
        uint32_t batch = pop(&net->starts).batch;
        struct flow_batch b = net->starts.batches[batch];
        forget(&net->starts, batch);
        if (first == FLOW_NONE)
            first = b.first;
        else
            net->heap.sibling[last] = b.first;
        last = b.last;
        *n += b.n;
    }
    return first;
}

void flow_starts_free(struct flow_starts *s)
{
    free(s->heap);
    free(s->batches);
}
