/* The op-graph executor. An op waits for its lane predecessor and its dependencies, then lead_s, then
 * runs. What becomes ready at one time is worked off a queue in a fixed order, never by recursion. */
#include "sim/exec/exec.h"

#include <stdlib.h>

#include "sim/engine.h"
#include "sim/exec/exec_impl.h"

void exec_later(struct exec *x, uint32_t op, enum todo_kind kind)
{
    XGROW(x->queue, x->n_queue, x->cap_queue);
    x->queue[x->n_queue++] = (struct todo){op, (uint8_t)kind};
}

static void on_timer(void *ctx, uint32_t op, uint32_t kind)
{
    struct exec *x = ctx;
    exec_later(x, op, (enum todo_kind)kind);
    exec_work_off(x);
}

void exec_at(struct exec *x, double delay_s, uint32_t op, enum todo_kind kind)
{
    if (delay_s <= 0)
        exec_later(x, op, kind);
    else
        engine_timer(engine_now() + delay_s, on_timer, x, op, kind);
}

static void sync_start(struct exec *x, const struct op *op)
{
    uint32_t group = op->sync_group;
    if (--x->group_missing[group])
        return;
    for (uint32_t i = x->group_first[group]; i < x->group_first[group + 1]; i++) {
        exec_schedule_milestones(x, x->group[i]);
        exec_at(x, x->g->ops[x->group[i]].work_s, x->group[i], TODO_END);
    }
}

static void op_start(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    if (exec_joins_queue(x, id))
        return;
    x->out->op_start_s[id] = engine_now();
    x->started[id] = 1;
    if (op->kind != OP_COMPUTE)
        exec_hold(x, op, 1);
    switch (op->kind) {
    case OP_COMPUTE:
        exec_compute_start(x, id);
        break;
    case OP_SYNC:
        sync_start(x, op);
        break;
    case OP_COMM:
        exec_comm_start(x, id);
        break;
    }
}

static void released(struct exec *x, uint32_t id)
{
    if (--x->waits[id])
        return;
    if (x->due_s)
        x->due_s[id] = engine_now() + x->g->ops[id].lead_s;
    exec_at(x, x->g->ops[id].lead_s, id, TODO_START);
}

static void op_end(struct exec *x, uint32_t id)
{
    const struct op *op = &x->g->ops[id];
    x->out->op_end_s[id] = engine_now();
    if (op->kind == OP_COMPUTE)
        exec_compute_end(x, id);
    else
        exec_hold(x, op, -1);
    for (uint32_t i = x->after_first[id]; i < x->after_first[id + 1]; i++)
        released(x, x->after[i]);
    if (op->kind == OP_COMM && op->work_s <= 0)
        for (uint32_t i = exec_first_milestone(x, id); i < exec_end_of_milestones(x, id); i++)
            exec_later_milestone(x, i, 0);
    if (x->spec->ops_done)
        *x->spec->ops_done = x->g->n_ops - x->ops_left + 1;
    if (--x->ops_left == 0)
        engine_stop();
}

void exec_work_off(struct exec *x)
{
    if (x->working)
        return;
    x->working = true;
    while (x->queue_head < x->n_queue) {
        struct todo t = x->queue[x->queue_head++];
        if (t.kind == TODO_START)
            op_start(x, t.op);
        else if (t.kind == TODO_RELEASE)
            released(x, t.op);
        else if (t.kind == TODO_PASS)
            exec_queue_passed(x, t.op);
        else
            op_end(x, t.op);
    }
    x->queue_head = x->n_queue = 0;
    x->working = false;
}

static void exec_setup(struct exec *x, struct arena *arena)
{
    uint32_t n = x->g->n_ops, n_transfers = x->g->n_transfers;
    x->out->op_start_s = ARENA_ARRAY(arena, double, n);
    x->out->op_end_s = ARENA_ARRAY(arena, double, n);
    x->out->transfer_start_s = ARENA_ARRAY(arena, double, n_transfers);
    x->out->transfer_end_s = ARENA_ARRAY(arena, double, n_transfers);
    if (x->spec->limits)
        x->out->transfer_limit = ARENA_ARRAY(arena, uint32_t, n_transfers);
    x->waits = ARENA_ARRAY(arena, uint32_t, n);
    x->pending = ARENA_ARRAY(arena, uint32_t, n);
    x->started = ARENA_ARRAY(arena, uint8_t, n);
    x->devices = ARENA_ARRAY(arena, struct device, x->g->n_devices);
    x->ops_left = n;
    exec_link(x, arena);
    exec_net_setup(x);
}

static void exec_teardown(struct exec *x)
{
    net_free(x->net);
    for (uint32_t i = 0; i < x->g->n_devices; i++)
        free(x->devices[i].running);
    void *owned[] = {
        x->milestone_first, x->milestones,     x->queue_first, x->queue_of,      x->queue_at,    x->after_first,
        x->after,           x->sent_first,     x->sent,        x->group_missing, x->group_first, x->group,
        x->queue,           x->live.transfers, x->free_places, x->ends,          x->senders};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

static void report_stuck(struct exec *x)
{
    for (uint32_t i = 0; i < x->g->n_ops; i++)
        if (x->started[i] && x->out->op_end_s[i] == 0 && x->pending[i]) {
            diag_error(x->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                       "no progress after %.9g s: %s on GPU %u waits for %u transfers that have "
                       "no bandwidth left",
                       engine_now(), x->g->strings[x->g->ops[i].name], x->g->ops[i].device, x->pending[i]);
            return;
        }
    diag_error(x->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "no progress after %.9g s: %u ops cannot start or have no SMs left", engine_now(), x->ops_left);
}

int exec_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    struct exec x = {.spec = spec, .g = spec->graph, .out = out, .diag = diag};
    exec_setup(&x, arena);
    for (uint32_t i = 0; i < x.g->n_ops; i++)
        if (x.waits[i] == 0)
            exec_at(&x, x.g->ops[i].lead_s, i, TODO_START);
    exec_work_off(&x);
    bool finished = x.ops_left == 0 || engine_run();
    if (!finished)
        report_stuck(&x);
    struct flow_net_stats stats = net_stats(x.net);
    out->makespan_s = engine_now();
    out->n_events = stats.events;
    out->n_solves = stats.solves;
    out->n_flows = stats.flows;
    net_report(x.net, arena, out);
    exec_teardown(&x);
    return diag_failed(diag) ? -1 : 0;
}
