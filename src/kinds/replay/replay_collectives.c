/* Calls of NCCL and RCCL, one simulation for each that differs.
 *
 * Ranks are GPUs of the cluster in order. Where a profile gives only the size of a group: as many as there are ranks
 * are all of them, as many as fit a node are neighbours on it, more are neighbours over whole nodes; said as assumed.
 * An all_to_allv is known from one rank; every rank is taken to send as that one does. A reduce takes as long as a
 * broadcast, whose reverse it is.
 *
 * Left out: collectives of other streams that share the network at the same time; NCCL's choice of protocol. */
#include "kinds/replay/replay_collectives.h"

#include <math.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) out_of_memory()
#include <uthash.h>

#include "base/progress.h"
#include "models/comm/collectives.h"

struct group { /* ranks of one call, and how the others of its kind lie */
    uint32_t *ranks, n;
    uint32_t stride; /* between members; 0 = uneven, or a pair: it is alone */
    bool assumed;
};

struct work {
    struct kind_run *run;
    uint32_t n_gpus, n_ranks; /* of the cluster; of the job, at most as many */
    struct diag *diag;
};

/* --- groups --------------------------------------------------------------------------------------------------- */

static uint32_t even_stride(const struct group *g)
{
    uint32_t stride = g->n > 1 && g->ranks[1] > g->ranks[0] ? g->ranks[1] - g->ranks[0] : 0;

    for (uint32_t i = 1; i < g->n; i++)
        if (g->ranks[i] != g->ranks[i - 1] + stride)
            return 0;
    return stride;
}

static void assume_ranks(const struct work *w, uint32_t rank, uint32_t size, struct group *g)
{
    uint32_t first = rank - rank % size;

    *g = (struct group){ARENA_ARRAY(w->run->arena, uint32_t, size), size, 1, size != w->n_ranks};
    for (uint32_t i = 0; i < size; i++)
        g->ranks[i] = (size == w->n_ranks ? 0 : first) + i;
}

static void pair(const struct work *w, const struct replay_call *c, struct group *g)
{
    bool sends = c->message->operation == OPERATION_SEND;

    *g = (struct group){.ranks = ARENA_ARRAY(w->run->arena, uint32_t, 2), .n = 2};
    g->ranks[sends ? 0 : 1] = (uint32_t)c->trace->rank;
    g->ranks[sends ? 1 : 0] = (uint32_t)c->message->peer;
}

/* NULL, or why not. */
static const char *find_group(const struct work *w, const struct replay_call *c, struct group *g)
{
    const struct trace_message *m = c->message;
    bool alone = m->operation == OPERATION_SEND || m->operation == OPERATION_RECV;

    if (alone && m->peer < 0)
        return "its peer is not in the trace";
    if (alone) {
        pair(w, c, g);
    } else if (m->group == TRACE_NONE) {
        return "its group is not in the trace";
    } else if (c->trace->groups[m->group].ranks) {
        const struct trace_group *t = &c->trace->groups[m->group];
        *g = (struct group){.ranks = t->ranks, .n = t->size};
        g->stride = even_stride(g);
    } else {
        assume_ranks(w, (uint32_t)c->trace->rank, c->trace->groups[m->group].size, g);
    }
    for (uint32_t i = 0; i < g->n; i++)
        if (g->ranks[i] >= w->n_gpus)
            return "the cluster has too few GPUs for its ranks";
    if (g->n < 2 || (alone && g->ranks[0] == g->ranks[1]))
        return "it is among one rank";
    return NULL;
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

/* The operation of kind collective; -1 = none. */
static int operation_of(uint8_t operation)
{
    switch (operation) {
    case OPERATION_ALL_REDUCE:
        return COLLECTIVE_ALL_REDUCE;
    case OPERATION_ALL_GATHER:
        return COLLECTIVE_ALL_GATHER;
    case OPERATION_REDUCE_SCATTER:
        return COLLECTIVE_REDUCE_SCATTER;
    case OPERATION_ALL_TO_ALL:
        return COLLECTIVE_ALL_TO_ALL;
    case OPERATION_BROADCAST:
    case OPERATION_REDUCE:
    case OPERATION_SEND:
    case OPERATION_RECV:
        return COLLECTIVE_BROADCAST;
    default:
        return -1;
    }
}

static const double *shares_of(const struct work *w, const struct trace_message *m, uint32_t n)
{
    double sum_B = 0;

    for (uint32_t i = 0; m->split_B && i < n; i++)
        sum_B += m->split_B[i];
    if (!(sum_B > 0))
        return NULL;
    double *share = ARENA_ARRAY(w->run->arena, double, n);
    for (uint32_t i = 0; i < n; i++)
        share[i] = m->split_B[i] / sum_B;
    return share;
}

static struct collective collective_of(const struct work *w, const struct trace_message *m, const struct group *g)
{
    bool pair = m->operation == OPERATION_SEND || m->operation == OPERATION_RECV;

    return (struct collective){.operation = operation_of(m->operation),
                               .algorithm = pair ? COLLECTIVE_DIRECT : COLLECTIVE_AUTO,
                               .ranks = g->ranks,
                               .n = g->n,
                               .size_B = m->bytes_B,
                               .receiver_share = shares_of(w, m, g->n),
                               .pxn = true};
}

/* NULL, or why the call's recorded time is kept. */
static const char *why_kept(const struct work *w, const struct replay_call *call, struct group *g)
{
    const struct trace_message *m = call->message;

    if (operation_of(m->operation) < 0)
        return "kind collective has no such operation";
    if (!(m->bytes_B > 0))
        return "its size is not in the trace";
    const char *why = find_group(w, call, g);
    if (why)
        return why;
    struct collective c = collective_of(w, m, g);
    return collective_misfit(&c, &w->run->file->scenario->cluster);
}

/* --- simulation ----------------------------------------------------------------------------------------------- */

/* All groups of the same size and stride, where they divide the ranks; returns the ops of the call's own. */
static struct collective_ops build_groups(const struct work *w, const struct cluster_hw *hw, const struct collective *c,
                                          const struct group *g)
{
    struct kind_run *run = w->run;
    uint32_t block = g->n * g->stride;
    struct collective_ops own = {0};

    if (!block || w->n_ranks % block || c->receiver_share)
        return collective_build(run->graph, hw, c, run->scratch);
    for (uint32_t first = 0; first < w->n_ranks; first += block)
        for (uint32_t k = 0; k < g->stride; k++) {
            uint32_t *ranks = ARENA_ARRAY(run->scratch, uint32_t, g->n);
            struct collective of = *c;
            for (uint32_t i = 0; i < g->n; i++)
                ranks[i] = first + k + i * g->stride;
            of.ranks = ranks;
            struct collective_ops ops = collective_build(run->graph, hw, &of, run->scratch);
            own = ranks[0] == g->ranks[0] ? ops : own;
        }
    return own;
}

static int simulate(const struct work *w, const struct cluster_hw *hw, const struct topology *topo,
                    const struct trace_message *m, const struct group *g, double *time_s)
{
    struct kind_run *run = w->run;
    struct collective c = collective_of(w, m, g);

    kind_begin(run, topo);
    struct collective_ops ops = build_groups(w, hw, &c, g);
    if (kind_simulate(run, topo, hw, w->diag))
        return -1;
    *time_s = 0;
    for (uint32_t op = ops.first; op < ops.end; op++)
        *time_s = fmax(*time_s, run->outcome.op_end_s[op]);
    return 0;
}

/* --- which messages are the same call ------------------------------------------------------------------------- */

static uint32_t members(const struct replay_call *c)
{
    return c->message->group == TRACE_NONE ? 0 : c->trace->groups[c->message->group].size;
}

static const uint32_t *ranks_of(const struct replay_call *c)
{
    return c->message->group == TRACE_NONE ? NULL : c->trace->groups[c->message->group].ranks;
}

/* Whether where the call is depends on the rank that it was recorded on. */
static bool is_local(const struct replay_call *c)
{
    return c->message->operation == OPERATION_SEND || c->message->operation == OPERATION_RECV || !ranks_of(c);
}

static bool same_lists(const void *a, const void *b, size_t bytes)
{
    return a && b ? !memcmp(a, b, bytes) : a == b;
}

static bool same_call(const struct replay_call *a, const struct replay_call *b)
{
    const struct trace_message *ma = a->message, *mb = b->message;
    uint32_t n = members(a);

    return ma->operation == mb->operation && ma->bytes_B == mb->bytes_B && ma->peer == mb->peer && n == members(b) &&
           (a->trace->rank == b->trace->rank || !is_local(a)) &&
           same_lists(ranks_of(a), ranks_of(b), n * sizeof(uint32_t)) &&
           same_lists(ma->split_B, mb->split_B, n * sizeof(double));
}

struct known_call { /* of one hash */
    uint64_t hash;
    uint32_t *calls, n, cap;
    UT_hash_handle hh;
};

static uint64_t mixed(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; bytes && i < n; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u; /* FNV-1a */
    return hash;
}

static uint64_t hash_of(const struct replay_call *c)
{
    const struct trace_message *m = c->message;
    uint32_t n = members(c);
    uint64_t hash = mixed(14695981039346656037u, &m->operation, sizeof m->operation);

    hash = mixed(hash, &m->bytes_B, sizeof m->bytes_B);
    hash = mixed(hash, &m->peer, sizeof m->peer);
    hash = mixed(hash, ranks_of(c), n * sizeof(uint32_t));
    return mixed(hash, m->split_B, n * sizeof(double));
}

struct calls {
    struct replay_call *call;
    uint32_t n;
    struct known_call *known;
    struct arena *arena;
};

static uint32_t number_of(struct calls *calls, const struct replay_call *c)
{
    uint64_t hash = hash_of(c);
    struct known_call *known = NULL;

    HASH_FIND(hh, calls->known, &hash, sizeof hash, known);
    for (uint32_t i = 0; known && i < known->n; i++)
        if (same_call(&calls->call[known->calls[i]], c))
            return known->calls[i];
    if (!known) {
        known = ARENA_NEW(calls->arena, struct known_call);
        known->hash = hash;
        HASH_ADD(hh, calls->known, hash, sizeof hash, known);
    }
    if (known->n == known->cap) {
        const uint32_t *old = known->calls;
        known->cap = 2 * known->cap + 1;
        known->calls = ARENA_ARRAY(calls->arena, uint32_t, known->cap);
        if (known->n)
            memcpy(known->calls, old, known->n * sizeof *old);
    }
    known->calls[known->n++] = calls->n;
    calls->call[calls->n] = *c;
    return calls->n++;
}

/* Which call each message of each trace is. */
static void find_calls(const struct trace *const *traces, uint32_t n, struct arena *arena,
                       struct replay_collectives *out)
{
    struct calls calls = {.arena = arena};
    size_t messages = 0;

    for (uint32_t t = 0; t < n; t++)
        messages += traces[t]->n_messages;
    calls.call = ARENA_ARRAY(arena, struct replay_call, messages + 1);
    for (uint32_t t = 0; t < n; t++) {
        out[t] = (struct replay_collectives){.calls = calls.call};
        out[t].call_of = ARENA_ARRAY(arena, uint32_t, (size_t)traces[t]->n_messages + 1);
        for (uint32_t i = 0; i < traces[t]->n_messages; i++) {
            struct replay_call c = {traces[t], &traces[t]->messages[i], NULL, false, NAN, NAN};
            out[t].call_of[i] = number_of(&calls, &c);
        }
    }
    for (uint32_t t = 0; t < n; t++)
        out[t].n_calls = calls.n;
    HASH_CLEAR(hh, calls.known);
}

static int simulate_calls(const struct work *w, const struct recorded_gpu *gpu, struct replay_collectives *out)
{
    const struct cluster_hw *is = &w->run->file->scenario->cluster;
    struct topology *topo, *was = NULL;

    if (kind_topology(w->run, is, &topo, w->diag) || (gpu->hw && kind_topology(w->run, gpu->hw, &was, w->diag)))
        return -1;
    for (uint32_t i = 0; i < out->n_calls; i++) {
        struct replay_call *c = &out->calls[i];
        struct group g = {0};
        c->kept = why_kept(w, c, &g);
        c->assumed = g.assumed;
        if (c->kept)
            continue;
        if (simulate(w, is, topo, c->message, &g, &c->transfer_s) ||
            (was && simulate(w, gpu->hw, was, c->message, &g, &c->recorded_on_s)))
            return -1;
    }
    return 0;
}

/* joined_s: when all recorded ranks had arrived, where that is known (NaN: it is not). */
static void time_kernels(const struct trace *t, const double *joined_s, struct arena *arena,
                         struct replay_collectives *out)
{
    out->time_s = ARENA_ARRAY(arena, double, t->n_kernels);
    out->waiting_s = ARENA_ARRAY(arena, double, t->n_kernels);
    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        const struct replay_call *c = k->message == TRACE_NONE ? NULL : &out->calls[out->call_of[k->message]];
        bool library = t->classes[k->class_id].collective == COLL_LIBRARY;
        out->time_s[i] = NAN;
        if (!library || !c || c->kept)
            continue;
        bool joined = joined_s && !isnan(joined_s[i]);
        double recorded_s = joined ? k->start_s + k->duration_s - joined_s[i] : k->duration_s;
        double was_s = isnan(c->recorded_on_s) ? c->transfer_s : c->recorded_on_s;
        out->waiting_s[i] = fmax(0, recorded_s - was_s);
        out->time_s[i] = out->waiting_s[i] + c->transfer_s;
        out->n_slower += recorded_s < was_s;
    }
}

int replay_simulate_collectives(struct kind_run *run, const struct trace *const *traces, uint32_t n,
                                const double *const *joined_s, const struct recorded_gpu *gpu,
                                struct replay_collectives *out, struct diag *diag)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    uint32_t n_gpus = (uint32_t)(hw->nodes * hw->node.gpus);
    bool whole_job = traces[0]->world_size > 0 && (uint32_t)traces[0]->world_size <= n_gpus;
    struct work w = {run, n_gpus, whole_job ? (uint32_t)traces[0]->world_size : n_gpus, diag};
    struct critical_path *critical = run->critical;

    find_calls(traces, n, run->arena, out);
    run->critical = NULL; /* calls are parts of kernels of the replay, whose path it is */
    progress_begin("simulating collectives");
    int failed = simulate_calls(&w, gpu, out);
    run->critical = critical;
    for (uint32_t t = 0; t < n && !failed; t++)
        time_kernels(traces[t], joined_s ? joined_s[t] : NULL, run->arena, &out[t]);
    return failed;
}
