/* What is told of a graph: all numbers that the executor reads, mixed into one word; names are for people. Of a network: its
 * links, which switch each joins with which, how fast it is, and which plugin finds ways over them, beside the text of the whole
 * cluster. Only for network flow, which asks the hardware about nothing else. */
#include "kinds/known_sim.h"

#include <string.h>

#include "base/shared_cache.h"

/* --- mixing --------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_real(uint64_t hash, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix(hash, bits);
}

static uint64_t mix_pair(uint64_t hash, uint32_t a, uint32_t b)
{
    return mix(hash, (uint64_t)a << 32 | b);
}

static uint64_t mix_array(uint64_t hash, const void *array, size_t n_bytes)
{
    const uint8_t *at = array;
    uint64_t word = 0;
    for (; n_bytes >= sizeof word; n_bytes -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    word = n_bytes;
    memcpy(&word, at, n_bytes);
    return mix(hash, word);
}

/* --- the graph ------------------------------------------------------------------ */

static uint64_t mix_op(uint64_t hash, const struct op *o)
{
    hash = mix_pair(hash, o->kind, o->lane);
    hash = mix_pair(hash, o->device, o->sync_group);
    hash = mix_real(mix_real(hash, o->work_s), o->lead_s);
    hash = mix_real(mix_real(hash, (double)o->sm_ref), (double)o->sm_max);
    return mix_real(mix_real(hash, (double)o->sm_hold), (double)o->memory);
}

static uint64_t mix_transfer(uint64_t hash, const struct transfer *t)
{
    hash = mix_pair(mix_pair(hash, t->src_op, t->dst_op), t->src, t->dst);
    hash = mix_real(mix_real(hash, t->bytes_B), t->latency_s);
    hash = mix_real(mix_real(hash, t->cap_Bps), t->weight);
    hash = mix(hash, (uint64_t)t->priority << 32 | (uint64_t)t->n_res << 24 | (uint64_t)t->rendezvous << 16 |
                         (uint64_t)t->hop << 8 | t->round_trips);
    hash = mix_pair(hash, t->tree, t->pinned);
    return mix_array(hash, t->res, t->n_res * sizeof *t->res);
}

static uint64_t mix_dependencies(uint64_t hash, const struct opgraph *g)
{
    hash = mix_array(hash, g->deps, g->n_deps * sizeof *g->deps);
    for (uint32_t i = 0; i < g->n_early; i++)
        hash = mix_real(mix_pair(hash, g->early[i].before, g->early[i].after), g->early[i].share);
    for (uint32_t i = 0; i < g->n_queue; i++) {
        const struct queue_dep *q = &g->queue[i];
        hash = mix_real(mix_real(mix_pair(hash, q->before, q->after), q->share), q->lag_s);
        hash = mix_real(mix_real(hash, q->slack_s), q->free_sms);
    }
    return hash;
}

static uint64_t mix_graph(const struct opgraph *g)
{
    uint64_t hash = mix_pair(mix_pair(1, g->n_ops, g->n_transfers), g->n_lanes, g->n_devices);
    for (uint32_t i = 0; i < g->n_ops; i++)
        hash = mix_op(hash, &g->ops[i]);
    hash = mix_dependencies(mix_pair(mix(hash, g->n_queue), g->n_deps, g->n_early), g);
    for (uint32_t i = 0; i < g->n_transfers; i++)
        hash = mix_transfer(hash, &g->transfers[i]);
    for (uint32_t i = 0; i < g->n_resources; i++)
        hash = mix_real(hash, g->resources[i].capacity_Bps);
    for (uint32_t i = 0; i < g->n_trees; i++)
        hash = mix(mix_pair(hash, g->trees[i].first, g->trees[i].n), g->trees[i].inward);
    for (uint32_t i = 0; i < g->n_branches; i++)
        hash = mix(mix_pair(hash, g->branches[i].device, g->branches[i].op), g->branches[i].res);
    return hash;
}

/* --- the rest ------------------------------------------------------------------- */

static uint64_t mix_network(const struct topology *t)
{
    uint64_t hash = mix_pair(mix_pair(2, t->n_endpoints, t->gpus_per_node), t->n_links, t->n_vertices);
    for (uint32_t i = 0; i < t->n_links; i++) {
        const struct topo_link *l = &t->links[i];
        hash = mix_real(mix_real(hash, l->capacity_Bps), l->latency_s);
        hash = mix(mix_pair(hash, l->a, l->b), l->kind);
    }
    return hash;
}

static uint64_t mix_events(const struct sim_spec *spec)
{
    uint64_t hash = mix(3, spec->n_events);
    for (uint32_t i = 0; i < spec->n_events; i++) {
        const struct link_event *e = &spec->events[i];
        hash = mix_real(mix_real(hash, e->time_s), e->capacity_Bps);
        hash = mix(mix_pair(hash, e->link, e->sweep), e->fails);
    }
    return hash;
}

/* Not of bundles: steps of inference, which are large, keep their accounts (kinds/infer/infer_run.c). */
static bool may_share(const struct kind_run *run)
{
    const struct sim_spec *s = &run->spec;
    return run->one_of_many && shared_cache_B() && !run->keeps_last && !s->limits && !s->checked && !s->n_watch &&
           s->net == NET_FLOW && !s->topo->tables && !s->topo->engine && !s->graph->n_bundles;
}

const char *known_sim_key(const struct kind_run *run)
{
    const struct sim_spec *s = &run->spec;
    if (!may_share(run))
        return NULL;
    return arena_printf(
        run->scratch, "graph %llx, network %s %llx, events %llx, routing %d, seed %llu, epsilon %a, SMs %a, %s",
        (unsigned long long)mix_graph(s->graph), s->topo->type->name, (unsigned long long)mix_network(s->topo),
        (unsigned long long)mix_events(s), s->routing.policy, (unsigned long long)s->seed, s->epsilon, s->sm_per_device,
        cfg_text_of(run->file->cfg, "cluster", run->scratch));
}

/* Behind each other: the outcome, times of ops, times of transfers unless nobody reads those. */
static size_t transfers_n(const struct kind_run *run)
{
    return run->ops_alone ? 0 : run->spec.graph->n_transfers;
}

static size_t times_n(const struct kind_run *run)
{
    return 2 * (run->spec.graph->n_ops + transfers_n(run));
}

static size_t size_of(const struct kind_run *run)
{
    return sizeof(struct sim_outcome) + times_n(run) * sizeof(double);
}

bool known_sim_get(struct kind_run *run, const char *key)
{
    size_t n = run->spec.graph->n_ops;
    const uint8_t *known = shared_cache_get("simulation", key, size_of(run));
    if (!known)
        return false;
    double *times = ARENA_ARRAY(run->scratch, double, times_n(run) + 1);
    memcpy(&run->outcome, known, sizeof run->outcome);
    memcpy(times, known + sizeof run->outcome, times_n(run) * sizeof *times);
    run->outcome.samples = NULL;
    run->outcome.op_start_s = times;
    run->outcome.op_end_s = times + n;
    run->outcome.transfer_start_s = run->ops_alone ? NULL : times + 2 * n;
    run->outcome.transfer_end_s = run->ops_alone ? NULL : times + 2 * n + transfers_n(run);
    return true;
}

void known_sim_put(const struct kind_run *run, const char *key)
{
    const struct sim_outcome *o = &run->outcome;
    size_t ops_B = run->spec.graph->n_ops * sizeof(double), transfers_B = transfers_n(run) * sizeof(double);
    uint8_t *all = arena_alloc(run->scratch, size_of(run)), *at = all + sizeof *o;
    memcpy(all, o, sizeof *o);
    memcpy(at, o->op_start_s, ops_B);
    memcpy(at += ops_B, o->op_end_s, ops_B);
    if (transfers_B) {
        memcpy(at += ops_B, o->transfer_start_s, transfers_B);
        memcpy(at + transfers_B, o->transfer_end_s, transfers_B);
    }
    shared_cache_put("simulation", key, all, size_of(run));
}
