/* Early and queue dependencies are milestones in the work of the op that they wait for.
 *
 * SM shares: SYNC and COMM ops hold SMs of their device. The SM-sensitive COMPUTE ops that run on it
 * share what is left in proportion to what each can use; an op's speed is its share over sm_ref.
 *
 * Memory bandwidth: SYNC and COMM ops hold a share of it, COMPUTE ops take one at full speed. Where that is more than there
 * is, everyone gets as much as it asks for up to a level that fits (max-min), and those above it slow down. */
#include <math.h>
#include <string.h>

#include "sim/engine.h"
#include "sim/exec/exec_impl.h"

static void on_compute_end(void *ctx, uint32_t op, uint32_t generation);

static double share_at(const struct exec *x, uint32_t op, uint32_t milestone)
{
    return milestone < exec_end_of_milestones(x, op) ? x->milestones[milestone].share : 1;
}

/* What a milestone is for goes on. */
void exec_later_milestone(struct exec *x, uint32_t milestone, double delay_s)
{
    const struct milestone *m = &x->milestones[milestone];

    if (m->queue == OP_NONE)
        exec_at(x, delay_s, m->op, TODO_RELEASE);
    else
        exec_at(x, delay_s, m->queue, TODO_PASS);
}

/* A running op is at its milestone: what waits for it goes on, the op to the next one or its end. */
static void pass_milestone(struct exec *x, struct running *r)
{
    double work_s = x->g->ops[r->op].work_s, share = share_at(x, r->op, r->milestone);

    exec_later_milestone(x, r->milestone, 0);
    r->milestone++;
    r->left_s = (share_at(x, r->op, r->milestone) - share) * work_s;
    r->since_s = engine_now();
    r->generation = ++x->generation;
    engine_timer(engine_now() + r->left_s / r->speed, on_compute_end, x, r->op, r->generation);
}

static void on_compute_end(void *ctx, uint32_t op, uint32_t generation)
{
    struct exec *x = ctx;
    struct device *d = &x->devices[x->g->ops[op].device];
    for (uint32_t i = 0; i < d->n; i++)
        if (d->running[i].op == op && d->running[i].generation == generation) {
            if (d->running[i].milestone < exec_end_of_milestones(x, op))
                pass_milestone(x, &d->running[i]);
            else
                exec_later(x, op, TODO_END);
            exec_work_off(x);
            return;
        }
}

static double share_of(const struct exec *x, const struct device *d, uint32_t i)
{
    double free_sm = fmax(0, x->spec->sm_per_device - d->sm_held), wanted = 0;
    for (uint32_t k = 0; k < d->n; k++)
        wanted += x->g->ops[d->running[k].op].sm_max;
    double most = x->g->ops[d->running[i].op].sm_max;
    return wanted <= free_sm ? most : most * free_sm / wanted;
}

static double speed_by_sms(const struct exec *x, const struct device *d, uint32_t i)
{
    const struct op *op = &x->g->ops[d->running[i].op];
    return op->sm_ref > 0 ? share_of(x, d, i) / op->sm_ref : 1;
}

/* What one may take of the memory's bandwidth where all that run take more than is left; else INFINITY. */
static double memory_level(const struct exec *x, const struct device *d)
{
    double left = fmax(0, 1 - d->memory_held), level = INFINITY, before;
    do {
        double rest = left;
        uint32_t above = 0;
        before = level;
        for (uint32_t i = 0; i < d->n; i++) {
            double wants = x->g->ops[d->running[i].op].memory * speed_by_sms(x, d, i);
            bool fits = wants <= (isinf(before) ? left / d->n : before);
            rest -= fits ? wants : 0;
            above += !fits;
        }
        level = above ? rest / above : INFINITY;
    } while (isfinite(level) && level > before * (1 + 1e-12));
    return level;
}

static double speed_of(const struct exec *x, const struct device *d, uint32_t i, double level)
{
    double speed = speed_by_sms(x, d, i), memory = x->g->ops[d->running[i].op].memory;
    return memory * speed > level ? level / memory : speed;
}

/* Whoever holds or frees SMs changes the speed of everything that runs beside it. */
static void reshare(struct exec *x, uint32_t device)
{
    struct device *d = &x->devices[device];
    double now_s = engine_now(), level = memory_level(x, d);
    for (uint32_t i = 0; i < d->n; i++) {
        struct running *r = &d->running[i];
        double speed = speed_of(x, d, i, level);
        if (speed == r->speed)
            continue;
        r->left_s = fmax(0, r->left_s - (now_s - r->since_s) * r->speed);
        r->since_s = now_s;
        r->speed = speed;
        r->generation = ++x->generation;
        if (speed > 0)
            engine_timer(now_s + r->left_s / speed, on_compute_end, x, r->op, r->generation);
    }
}

void exec_hold(struct exec *x, const struct op *op, double sign)
{
    if (op->sm_hold <= 0 && op->memory <= 0)
        return;
    x->devices[op->device].sm_held += sign * op->sm_hold;
    x->devices[op->device].memory_held += sign * op->memory;
    reshare(x, op->device);
}

/* Milestones of an op whose work takes as long as it says. */
void exec_schedule_milestones(struct exec *x, uint32_t id)
{
    for (uint32_t i = exec_first_milestone(x, id); i < exec_end_of_milestones(x, id); i++)
        exec_later_milestone(x, i, x->milestones[i].share * x->g->ops[id].work_s);
}

void exec_compute_start(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    if ((op->sm_ref <= 0 && op->memory <= 0) || op->work_s <= 0) {
        exec_schedule_milestones(x, id);
        exec_at(x, op->work_s, id, TODO_END);
        return;
    }
    struct device *d = &x->devices[op->device];
    XGROW(d->running, d->n, d->cap);
    uint32_t first = exec_first_milestone(x, id);
    d->running[d->n++] = (struct running){.op = id,
                                          .milestone = first,
                                          .left_s = share_at(x, id, first) * op->work_s,
                                          .speed = -1,
                                          .since_s = engine_now()};
    reshare(x, op->device);
}

void exec_compute_end(struct exec *x, uint32_t id)
{
    struct device *d = &x->devices[x->g->ops[id].device];
    for (uint32_t i = 0; i < d->n; i++)
        if (d->running[i].op == id) {
            memmove(&d->running[i], &d->running[i + 1], (--d->n - i) * sizeof *d->running);
            reshare(x, x->g->ops[id].device);
            return;
        }
}
