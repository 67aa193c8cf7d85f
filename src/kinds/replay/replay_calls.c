/* Communication that no token routing is behind, call by call: what was simulated, and what kept its recorded time,
 * with the reason. */
#include "kinds/replay/replay_result_priv.h"

#include <math.h>
#include <string.h>

#include "io/trace/trace_classes.h"
#include "kinds/result_build.h"

enum {
    COL_CALL,
    COL_RANKS,
    COL_SIZE,
    COL_COUNT,
    COL_RECORDED,
    COL_TRANSFER,
    COL_WAITING,
    COL_TIME,
    COL_HOW,
    N_COLUMNS
};
static const struct result_column call_columns[N_COLUMNS] = {
    {"call", DIM_COUNT, "operation, or class of kernels", true},
    {"ranks", DIM_COUNT, "of its group", false},
    {"size", DIM_BYTES, "as nccl-tests counts it", false},
    {"count", DIM_COUNT, "kernels", false},
    {"recorded", DIM_TIME, "mean time in the trace", false},
    {"transfer", DIM_TIME, "of kind collective, on the scenario's network", false},
    {"waiting", DIM_TIME,
     "mean: recorded less the transfer on the network of the recording; until the last rank arrived where that is "
     "recorded",
     false},
    {"time", DIM_TIME, "mean time in this run", false},
    {"how", DIM_COUNT, "simulated, or why its recorded time is kept", true},
};

struct call_row {
    const char *name, *how;
    const struct trace_message *message;
    double recorded_s, waiting_s, time_s, transfer_s;
    bool waits;
    uint32_t n;
};

struct calls {
    struct replay_analysis *a;
    struct call_row *rows;
    uint32_t n, cap;
};

/* NCCL's and others' kernels; DeepEP's between nodes have rows of their own. */
static bool is_call(const struct trace *t, uint32_t kernel)
{
    const struct trace_class *c = &t->classes[t->kernels[kernel].class_id];

    return c->collective >= COLL_LIBRARY || (c->collective == COLL_NONE && trace_class_communicates(c));
}

static const struct replay_call *call_of(const struct replay_analysis *a, uint32_t kernel)
{
    const struct trace_kernel *k = &a->trace->kernels[kernel];
    const struct replay_collectives *c = a->reading->collectives;

    return c && k->message != TRACE_NONE ? &c->calls[c->call_of[k->message]] : NULL;
}

static bool is_joint(const struct replay_analysis *a, uint32_t kernel)
{
    return a->reading->joint && a->reading->joint[kernel];
}

static const char *how_transfers(const struct replay_analysis *a, uint32_t kernel, const struct replay_call *call)
{
    if (a->cfg->comm == REPLAY_RECORDED)
        return "recorded";
    switch (replay_collective_of(a->trace, kernel)) {
    case COLL_OWN:
        return "kept: a kernel of its own maker, which no model is for";
    case COLL_EP_LOW_LATENCY:
    case COLL_EP_INTRANODE:
        return "kept: how many tokens it moves is not in the trace";
    default:
        break;
    }
    if (!call)
        return "kept: its size is not in the trace";
    if (call->kept)
        return arena_printf(a->arena, "kept: %s", call->kept);
    return call->assumed ? "simulated; which ranks is assumed" : "simulated";
}

static const char *how_of(const struct replay_analysis *a, uint32_t kernel, const struct replay_call *call)
{
    const char *how = how_transfers(a, kernel, call);

    return is_joint(a, kernel) ? arena_printf(a->arena, "%s; waits for the other ranks' kernels", how) : how;
}

static struct call_row *row_of(struct calls *c, const char *name, const struct trace_message *m, const char *how)
{
    for (uint32_t i = 0; i < c->n; i++) {
        struct call_row *r = &c->rows[i];
        bool same_size =
            m && r->message ? m->group == r->message->group && m->bytes_B == r->message->bytes_B : m == r->message;
        if (same_size && !strcmp(r->name, name) && !strcmp(r->how, how))
            return r;
    }
    if (c->n == c->cap) {
        struct call_row *old = c->rows;
        c->cap = 2 * c->cap + 16;
        c->rows = ARENA_ARRAY(c->a->arena, struct call_row, c->cap);
        if (c->n)
            memcpy(c->rows, old, c->n * sizeof *old);
    }
    c->rows[c->n] = (struct call_row){.name = name, .how = how, .message = m, .transfer_s = NAN};
    return &c->rows[c->n++];
}

static void count(struct calls *c, uint32_t kernel)
{
    struct replay_analysis *a = c->a;
    const struct trace_kernel *k = &a->trace->kernels[kernel];
    const struct trace_message *m = k->message == TRACE_NONE ? NULL : &a->trace->messages[k->message];
    const struct replay_call *call = call_of(a, kernel);
    bool library = replay_collective_of(a->trace, kernel) == COLL_LIBRARY;
    const char *name = library && m ? trace_operation_names[m->operation] : a->trace->classes[k->class_id].name;
    struct call_row *r = row_of(c, name, m, how_of(a, kernel, library ? call : NULL));

    r->n++;
    r->recorded_s += k->duration_s;
    r->time_s += a->simulated[kernel].end_s - a->simulated[kernel].start_s;
    r->waiting_s += a->simulated[kernel].waits_until_s - a->simulated[kernel].start_s;
    r->waits |= is_joint(a, kernel);
    if (library && call && !call->kept)
        r->transfer_s = call->transfer_s;
}

static void fill_row(const struct trace *t, struct result_cell *cell, const struct call_row *r)
{
    bool simulated = !isnan(r->transfer_s);

    cell[COL_CALL].text = r->name;
    if (r->message && r->message->group != TRACE_NONE)
        cell[COL_RANKS].value = t->groups[r->message->group].size;
    if (r->message && r->message->bytes_B > 0)
        cell[COL_SIZE].value = r->message->bytes_B;
    cell[COL_COUNT].value = r->n;
    cell[COL_RECORDED].value = r->recorded_s / r->n;
    cell[COL_TIME].value = r->time_s / r->n;
    cell[COL_HOW].text = r->how;
    if (simulated)
        cell[COL_TRANSFER].value = r->transfer_s;
    if (simulated || r->waits)
        cell[COL_WAITING].value = r->waiting_s / r->n;
}

/* A replay of several streams whose waits nobody recorded. */
static bool waits_unknown(const struct trace *t)
{
    return t->n_streams > 1 && !t->n_deps;
}

static void add_notes(struct replay_analysis *a, const struct calls *c)
{
    const struct replay_collectives *collectives = a->reading->collectives;
    double kept_s = 0, all_s = 0;

    for (uint32_t i = 0; i < c->n; i++) {
        all_s += c->rows[i].recorded_s;
        kept_s += isnan(c->rows[i].transfer_s) ? c->rows[i].recorded_s : 0;
    }
    if (a->cfg->comm == REPLAY_RECORDED)
        return;
    if (waits_unknown(a->trace))
        replay_add_note(a, "the trace has no waits between streams: what waited for a collective does not wait for a "
                           "slower one");
    if (kept_s > 0)
        replay_add_note(a, arena_printf(a->arena,
                                        "%.1f %% of the collectives' time is kept as recorded, whatever the network: "
                                        "table collectives says what and why",
                                        100 * kept_s / all_s));
    if (collectives && kept_s < all_s)
        replay_add_note(
            a, arena_printf(a->arena,
                            "a simulated collective takes its transfer on the scenario's network (all-reduces by "
                            "rings, whatever NCCL chose) and the waiting for peers of the recording: its recorded time "
                            "less the transfer on %s",
                            a->reading->gpu->hw ? arena_printf(a->arena,
                                                               "the network of configs/%s, on which it is taken to "
                                                               "have been recorded",
                                                               a->reading->gpu->hardware)
                                                : "this network, for the recorded one is not known"));
    if (collectives && collectives->n_slower)
        replay_add_note(a, arena_printf(a->arena,
                                        "%u collectives were faster than kind collective says for the network of the "
                                        "recording",
                                        collectives->n_slower));
}

void replay_add_collectives(struct replay_analysis *a)
{
    struct calls c = {.a = a};

    if (a->cfg->source == REPLAY_KERNELS)
        return;
    for (uint32_t i = 0; i < a->trace->n_kernels; i++)
        if (is_call(a->trace, i))
            count(&c, i);
    if (!c.n)
        return;
    struct result_table *t = result_add_table(a->out, a->arena, "collectives",
                                              "communication beside DeepEP's between nodes, by operation and size",
                                              call_columns, N_COLUMNS, c.n);
    for (uint32_t i = 0; i < c.n; i++)
        fill_row(a->trace, result_add_row(t), &c.rows[i]);
    add_notes(a, &c);
}
