/* An op that waits in a queue blocks nobody, so that no two wait for each other. */
#include <math.h>

#include "sim/engine.h"
#include "sim/exec/exec_impl.h"

static double free_sms(const struct exec *x, uint32_t device)
{
    const struct device *d = &x->devices[device];
    double sms = x->spec->sm_per_device - d->sm_held;
    for (uint32_t i = 0; i < d->n; i++)
        sms -= x->g->ops[d->running[i].op].sm_max;
    return fmax(0, sms);
}

static bool is_ahead(const struct exec *x, uint32_t dep)
{
    const struct queue_dep *d = &x->g->queue[dep];
    if (free_sms(x, x->g->ops[d->after].device) > d->free_sms + 0.5)
        return false;
    bool due = !x->waits[d->before] && !x->queued[d->before] && x->due_s[d->before] <= engine_now() + d->slack_s;

    return !x->passed[dep] && (x->started[d->before] || due);
}

/* Whether the op waits for one that is ahead of it. */
bool exec_joins_queue(struct exec *x, uint32_t op)
{
    if (!x->queue_first)
        return false;
    while (x->queue_at[op] < x->queue_first[op + 1] && !is_ahead(x, x->queue_of[x->queue_at[op]]))
        x->queue_at[op]++;
    x->queued[op] = x->queue_at[op] < x->queue_first[op + 1];
    return x->queued[op];
}

void exec_queue_passed(struct exec *x, uint32_t dep)
{
    uint32_t op = x->g->queue[dep].after;

    x->passed[dep] = 1;
    if (!x->queued[op] || x->queue_of[x->queue_at[op]] != dep)
        return;
    x->queue_at[op]++;
    exec_at(x, x->g->queue[dep].lag_s, op, TODO_START);
}
