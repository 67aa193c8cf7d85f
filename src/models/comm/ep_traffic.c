/* Traffic of an exchange by how tokens choose.
 *
 * Uniform: each of a token's k experts is any of E. It misses a set of s experts with probability
 * C(E - s, k) / C(E, k); so many copies to ranks and nodes are expected, whatever the number of tokens. With groups
 * (node-limited routing) the nodes reached are counted by drawing, since groups are taken by their best scores.
 * Sampled: drawn token by token, so that some ranks get more than others: with few tokens the busiest one sets the
 * pace. Dealt: no rank gets more than another, and a token's experts lie on min(k, ranks) ranks. */
#include "models/comm/ep_traffic.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { DRAWN_TOKENS = 4096 };

uint32_t ep_node(const struct ep_group *g, uint32_t rank)
{
    return (g->first + rank) / g->gpus_per_node - g->first / g->gpus_per_node;
}

/* That none of k different experts of E lies in a set of s. */
static double misses(double experts, double top_k, double set)
{
    if (top_k > experts - set)
        return 0;
    return exp(gsl_sf_lnchoose((unsigned)(experts - set), (unsigned)top_k) -
               gsl_sf_lnchoose((unsigned)experts, (unsigned)top_k));
}

/* --- means ------------------------------------------------------------------------------------------------ */

static void spread(struct ep_traffic *t, const struct ep_choices *c, double ranks_per_token)
{
    uint32_t n = t->group.ranks;
    for (size_t i = 0; i < (size_t)n * n; i++) {
        t->pairs[i] = c->tokens * (double)c->top_k / n;
        t->rank_copies[i] = c->tokens * ranks_per_token / n;
    }
    t->ranks_per_token = ranks_per_token;
    t->busiest_ratio = 1;
}

static void spread_nodes(struct ep_traffic *t, double tokens, const double *reached)
{
    t->nodes_per_token = 0;
    for (uint32_t node = 0; node < t->nodes; node++)
        t->nodes_per_token += reached[node];
    for (uint32_t r = 0; r < t->group.ranks; r++)
        for (uint32_t node = 0; node < t->nodes; node++)
            t->node_copies[(size_t)r * t->nodes + node] = tokens * reached[node];
}

static uint32_t *ranks_on_nodes(const struct ep_traffic *t, struct arena *arena)
{
    uint32_t *on = ARENA_ARRAY(arena, uint32_t, t->nodes);
    for (uint32_t r = 0; r < t->group.ranks; r++)
        on[ep_node(&t->group, r)]++;
    return on;
}

static void uniform(struct ep_traffic *t, const struct ep_choices *c, struct arena *arena)
{
    double E = (double)c->experts, k = (double)c->top_k, n = t->group.ranks;
    uint32_t *on = ranks_on_nodes(t, arena);
    double *reached = ARENA_ARRAY(arena, double, t->nodes);
    spread(t, c, n * (1 - misses(E, k, E / n)));
    for (uint32_t node = 0; node < t->nodes; node++)
        reached[node] = 1 - misses(E, k, E / n * on[node]);
    spread_nodes(t, c->tokens, reached);
}

static void dealt(struct ep_traffic *t, const struct ep_choices *c, struct arena *arena)
{
    double n = t->group.ranks, reach = fmin((double)c->top_k, n);
    uint32_t *on = ranks_on_nodes(t, arena);
    double *reached = ARENA_ARRAY(arena, double, t->nodes);
    spread(t, c, reach);
    for (uint32_t node = 0; node < t->nodes; node++) /* neighbours, so a node of many ranks is met by whole sets */
        reached[node] = fmin(1, fmax(on[node], reach) / n);
    spread_nodes(t, c->tokens, reached);
}

/* --- drawn ------------------------------------------------------------------------------------------------ */

struct drawing {
    const struct ep_choices *c;
    gsl_rng *rng;
    double *score;   /* [experts] */
    uint32_t *order; /* [experts] */
    uint32_t *mark;  /* [ranks + nodes], of which token */
    uint32_t token;
};

/* The best experts of the best groups, a group's score being its best expert's. */
static void choose_grouped(struct drawing *d, uint32_t *chosen)
{
    const struct ep_choices *c = d->c;
    int64_t per = c->experts / c->groups;
    for (int64_t e = 0; e < c->experts; e++)
        d->score[e] = gsl_rng_uniform(d->rng);
    for (int64_t taken = 0; taken < c->groups - c->top_groups; taken++) { /* drop the worst groups one by one */
        int64_t worst = -1;
        double least = 2;
        for (int64_t g = 0; g < c->groups; g++) {
            double best = 0;
            for (int64_t e = g * per; e < (g + 1) * per; e++)
                best = fmax(best, d->score[e]);
            if (best > 0 && best < least) {
                least = best;
                worst = g;
            }
        }
        memset(d->score + worst * per, 0, (size_t)per * sizeof *d->score);
    }
    for (int64_t i = 0; i < c->top_k; i++) {
        int64_t best = 0;
        for (int64_t e = 1; e < c->experts; e++)
            best = d->score[e] > d->score[best] ? e : best;
        chosen[i] = (uint32_t)best;
        d->score[best] = 0;
    }
}

/* k different ones of all: the first k of a shuffle. */
static void choose_any(struct drawing *d, uint32_t *chosen)
{
    for (int64_t i = 0; i < d->c->top_k; i++) {
        uint32_t j = (uint32_t)i + (uint32_t)gsl_rng_uniform_int(d->rng, (unsigned long)(d->c->experts - i));
        uint32_t swap = d->order[i];
        d->order[i] = d->order[j];
        d->order[j] = swap;
        chosen[i] = d->order[i];
    }
}

static void count(struct ep_traffic *t, struct drawing *d, uint32_t src, const uint32_t *chosen, double weight)
{
    uint32_t n = t->group.ranks, per_rank = (uint32_t)(d->c->experts / n);
    d->token++;
    for (int64_t i = 0; i < d->c->top_k; i++) {
        uint32_t rank = chosen[i] / per_rank, node = ep_node(&t->group, rank);
        t->pairs[(size_t)src * n + rank] += weight;
        if (d->mark[rank] != d->token)
            t->rank_copies[(size_t)src * n + rank] += weight;
        if (d->mark[n + node] != d->token)
            t->node_copies[(size_t)src * t->nodes + node] += weight;
        d->mark[rank] = d->mark[n + node] = d->token;
    }
}

static void summarise(struct ep_traffic *t, double tokens)
{
    uint32_t n = t->group.ranks;
    double copies = 0, nodes = 0, pairs = 0, most = 0;
    for (size_t i = 0; i < (size_t)n * n; i++)
        copies += t->rank_copies[i];
    for (size_t i = 0; i < (size_t)n * t->nodes; i++)
        nodes += t->node_copies[i];
    for (uint32_t dst = 0; dst < n; dst++) {
        double sum = 0;
        for (uint32_t src = 0; src < n; src++)
            sum += t->pairs[(size_t)src * n + dst];
        most = fmax(most, sum);
        pairs += sum;
    }
    t->ranks_per_token = copies / n / tokens;
    t->nodes_per_token = nodes / n / tokens;
    t->busiest_ratio = most * n / pairs;
}

static struct drawing drawing_new(const struct ep_traffic *t, const struct ep_choices *c, struct arena *arena)
{
    struct drawing d = {.c = c, .rng = rng_stream(c->seed, 0, "choices of tokens")};
    d.score = ARENA_ARRAY(arena, double, (size_t)c->experts);
    d.order = ARENA_ARRAY(arena, uint32_t, (size_t)c->experts);
    d.mark = ARENA_ARRAY(arena, uint32_t, t->group.ranks + t->nodes);
    for (uint32_t e = 0; e < c->experts; e++)
        d.order[e] = e;
    return d;
}

static void sampled(struct ep_traffic *t, const struct ep_choices *c, struct arena *arena)
{
    struct drawing d = drawing_new(t, c, arena);
    uint32_t *chosen = ARENA_ARRAY(arena, uint32_t, (size_t)c->top_k);
    for (uint32_t src = 0; src < t->group.ranks; src++) {
        rng_stream_reset(d.rng, c->seed, src, "choices of tokens");
        for (uint32_t i = 0; i < (uint32_t)c->tokens; i++) {
            if (c->top_groups < c->groups)
                choose_grouped(&d, chosen);
            else
                choose_any(&d, chosen);
            count(t, &d, src, chosen, 1);
        }
    }
    gsl_rng_free(d.rng);
    summarise(t, c->tokens);
}

/* Groups by score have no closed form: how many ranks and nodes a token reaches is drawn, all ranks being alike. */
static void uniform_grouped(struct ep_traffic *t, const struct ep_choices *c, struct arena *arena)
{
    struct drawing d = drawing_new(t, c, arena);
    uint32_t *chosen = ARENA_ARRAY(arena, uint32_t, (size_t)c->top_k);
    double *reached = ARENA_ARRAY(arena, double, t->nodes);
    for (uint32_t i = 0; i < DRAWN_TOKENS; i++) {
        choose_grouped(&d, chosen);
        count(t, &d, 0, chosen, 1);
    }
    gsl_rng_free(d.rng);
    double ranks = 0, nodes = 0;
    for (uint32_t r = 0; r < t->group.ranks; r++)
        ranks += t->rank_copies[r] / DRAWN_TOKENS;
    for (uint32_t node = 0; node < t->nodes; node++)
        nodes += t->node_copies[node] / DRAWN_TOKENS;
    for (uint32_t node = 0; node < t->nodes; node++)
        reached[node] = nodes / t->nodes;
    spread(t, c, ranks);
    spread_nodes(t, c->tokens, reached);
}

/* --- any -------------------------------------------------------------------------------------------------- */

static uint32_t even_ranks(const struct ep_traffic *t, struct arena *arena)
{
    uint32_t *on = ranks_on_nodes(t, arena);
    for (uint32_t node = 1; node < t->nodes; node++)
        if (on[node] != on[0])
            return 0;
    return on[0];
}

static void place(const struct ep_group *g, struct arena *arena, struct ep_traffic *out)
{
    *out = (struct ep_traffic){.group = *g, .nodes = ep_node(g, g->ranks - 1) + 1};
    out->per_node = even_ranks(out, arena);
}

void ep_traffic_new(const struct ep_group *g, struct arena *arena, struct ep_traffic *out)
{
    size_t n = g->ranks;
    place(g, arena, out);
    out->pairs = ARENA_ARRAY(arena, double, n *n);
    out->rank_copies = ARENA_ARRAY(arena, double, n *n);
    out->node_copies = ARENA_ARRAY(arena, double, n * out->nodes);
}

static void means_of_all(const struct ep_choices *c, struct arena *arena, struct ep_traffic *out)
{
    double E = (double)c->experts, k = (double)c->top_k, n = out->group.ranks;
    uint32_t *on = ranks_on_nodes(out, arena);
    out->ranks_per_token = n * (1 - misses(E, k, E / n));
    for (uint32_t node = 0; node < out->nodes; node++)
        out->nodes_per_token += 1 - misses(E, k, E / n * on[node]);
    out->busiest_ratio = 1;
}

void ep_traffic_means(const struct ep_group *g, const struct ep_choices *c, struct arena *arena, struct ep_traffic *out)
{
    struct ep_traffic drawn;
    place(g, arena, out);
    if (c->top_groups >= c->groups || c->experts % g->ranks) { /* experts that are cut: as without groups */
        means_of_all(c, arena, out);
        return;
    }
    ep_traffic_new(g, arena, &drawn);
    uniform_grouped(&drawn, c, arena);
    out->ranks_per_token = drawn.ranks_per_token;
    out->nodes_per_token = drawn.nodes_per_token;
    out->busiest_ratio = 1;
}

void ep_traffic_make(const struct ep_group *g, const struct ep_choices *c, struct arena *arena, struct ep_traffic *out)
{
    ep_traffic_new(g, arena, out);
    if (c->choice == EP_SAMPLED)
        sampled(out, c, arena);
    else if (c->choice == EP_DEALT)
        dealt(out, c, arena);
    else if (c->top_groups < c->groups)
        uniform_grouped(out, c, arena);
    else
        uniform(out, c, arena);
}

/* `ranks` ascend, so equal ones stand together, and so do their nodes. */
static void count_ranks(struct ep_traffic *t, uint32_t src, const uint32_t *ranks, uint32_t top_k)
{
    size_t n = t->group.ranks;
    for (uint32_t i = 0; i < top_k; i++) {
        uint32_t node = ep_node(&t->group, ranks[i]);
        t->pairs[src * n + ranks[i]]++;
        if (!i || ranks[i] != ranks[i - 1])
            t->rank_copies[src * n + ranks[i]]++;
        if (!i || node != ep_node(&t->group, ranks[i - 1]))
            t->node_copies[(size_t)src * t->nodes + node]++;
    }
}

void ep_traffic_count(const struct ep_group *g, const struct gate_choices *choices, uint32_t top_k,
                      const struct placement *where, uint32_t tokens, uint64_t seed, struct arena *arena,
                      struct ep_traffic *out)
{
    uint32_t ranks[ROUTING_MAX_TOPK];
    gsl_rng *rng = rng_stream(seed, 0, "tokens of a gate");
    ep_traffic_new(g, arena, out);
    for (uint32_t src = 0; src < g->ranks; src++) {
        rng_stream_reset(rng, seed, src, "tokens of a gate");
        for (uint32_t i = 0; i < tokens; i++) {
            uint32_t token = (uint32_t)gsl_rng_uniform_int(rng, ROUTING_POOL_TOKENS);
            gate_ranks(choices, top_k, token, where, src + i, ranks);
            count_ranks(out, src, ranks, top_k);
        }
    }
    gsl_rng_free(rng);
    summarise(out, tokens);
}

double ep_mean_remote_nodes(const struct ep_traffic *t)
{
    return t->nodes_per_token * (t->nodes - 1.0) / t->nodes;
}
