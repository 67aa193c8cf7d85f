/* Token routing by sampling. DeepSeek-V3's gate is group-limited: a group's score is
 * the sum of its two best expert scores, the best groups_per_token groups stay, and the
 * best experts_per_token experts in them are chosen (paper section 4.3; DeepSeek-V3
 * inference/model.py, class Gate). One group is one node, so a token reaches at most
 * groups_per_token nodes.
 *
 * Scores are independent standard normal plus a bias per rank. The biases are solved
 * for (a few Newton steps) so that each rank's experts receive a wanted share of the
 * tokens: imbalance is an input, its consequences for traffic are not.
 *
 * Sampling each token of each rank would take tokens * ranks * experts normals per
 * layer (67 million at EP64). Instead a pool of POOL_TOKENS tokens is scored once, each
 * layer relabels the experts at random (scores are exchangeable, so this is as good as
 * new scores) and each rank draws its tokens from the pool with replacement.
 *
 * Left out: correlation between the tokens of a sequence, between layers, and between
 * an expert's popularity and its node's; experts of one rank are equally popular. */
#include "models/moe_routing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { POOL_TOKENS = 8192, BIAS_STEPS = 2 };

/* d ln(load) / d bias of a rank, from the normal tail at one expert in 32: the hazard
 * rate 2.2. Only the speed of convergence depends on it. */
#define BIAS_SLOPE 2.2

struct routing_pool {
    float *score; /* [POOL_TOKENS][experts] */
};

#define FIELD(member, kind, dimension, preset, least, most, text) \
    { \
        .name = #member, .type = kind, .dim = dimension, \
        .offset = offsetof(struct routing_cfg, member), .dflt = preset, .min = least, \
        .max = most, .doc = text \
    }

static const struct cfg_field fields[] = {
    FIELD(experts, CFG_INT, DIM_COUNT, "256", 1, 65535, "routed experts of a layer"),
    FIELD(experts_per_token, CFG_INT, DIM_COUNT, "8", 1, ROUTING_MAX_TOPK,
          "routed experts that a token activates"),
    FIELD(groups, CFG_INT, DIM_COUNT, "8", 1, ROUTING_MAX_GROUPS,
          "expert groups of node-limited routing (paper 4.3)"),
    FIELD(groups_per_token, CFG_INT, DIM_COUNT, "4", 1, ROUTING_MAX_GROUPS,
          "groups that a token may use"),
    FIELD(tokens_per_rank, CFG_INT, DIM_COUNT, "4096", 1, 1e6,
          "tokens that each rank dispatches per layer"),
    FIELD(hidden, CFG_INT, DIM_COUNT, "7168", 128, 1e6, "hidden size of the model"),
    {.name = "rank_load_cv",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct routing_cfg, rank_load_cv_ratio),
     .dflt = "0.077",
     .min = 0,
     .max = 2,
     .doc = "coefficient of variation over ranks of the tokens received (default: rms "
            "deviation from "
            "the mean of rank 0's 8 recorded loads in the DeepSeek-V3 trace, padding "
            "removed)"},
    {0},
};

const struct cfg_table routing_table = {
    .name = "routing",
    .doc = "How tokens choose experts",
    .size = sizeof(struct routing_cfg),
    .fields = fields,
};

int routing_check(const struct routing_shape *shape, const char *place,
                  struct diag *diag)
{
    const struct routing_cfg *c = shape->cfg;
    struct srcloc where = SRCLOC_FILE(place);
    size_t before = diag_count(diag);

    if (c->experts % shape->n_ranks)
        diag_error(
            diag, EXIT_BAD_INPUT, where,
            "%lld experts do not divide among %u ranks; routing.experts must be a "
            "multiple of the GPUs of the cluster",
            (long long)c->experts, shape->n_ranks);
    if (c->experts % c->groups)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "%lld experts do not divide into %lld groups; change routing.groups",
                   (long long)c->experts, (long long)c->groups);
    if (c->groups_per_token > c->groups)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "routing.groups_per_token is %lld but there are only %lld groups",
                   (long long)c->groups_per_token, (long long)c->groups);
    else if (c->experts_per_token > c->groups_per_token * (c->experts / c->groups))
        diag_error(
            diag, EXIT_BAD_INPUT, where,
            "routing.experts_per_token is %lld but %lld groups hold only %lld experts",
            (long long)c->experts_per_token, (long long)c->groups_per_token,
            (long long)(c->groups_per_token * (c->experts / c->groups)));
    return diag_count(diag) > before ? -1 : 0;
}

struct routing_pool *routing_pool_new(const struct routing_shape *shape, uint64_t seed,
                                      struct arena *arena)
{
    size_t n = (size_t)POOL_TOKENS * (size_t)shape->cfg->experts;
    struct routing_pool *pool = ARENA_NEW(arena, struct routing_pool);
    gsl_rng *rng = rng_stream(seed, 0, "router scores");

    pool->score = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        pool->score[i] = (float)gsl_ran_gaussian_ziggurat(rng, 1.0);
    gsl_rng_free(rng);
    return pool;
}

void routing_draw_loads(const struct routing_shape *shape, uint64_t seed,
                        uint64_t entity, const char *purpose, uint32_t pinned,
                        double pinned_load, double *load)
{
    double cv = shape->cfg->rank_load_cv_ratio, sum = 0;
    double sigma = sqrt(log1p(cv * cv));
    bool pin = pinned_load > 0 && pinned < shape->n_ranks && shape->n_ranks > 1;
    gsl_rng *rng = rng_stream(seed, entity, purpose);

    for (uint32_t r = 0; r < shape->n_ranks; r++) {
        load[r] = exp(gsl_ran_gaussian_ziggurat(rng, sigma));
        sum += pin && r == pinned ? 0 : load[r];
    }
    gsl_rng_free(rng);
    double rest = pin ? shape->n_ranks - pinned_load : shape->n_ranks;
    for (uint32_t r = 0; r < shape->n_ranks; r++)
        load[r] *= rest / sum;
    if (pin)
        load[pinned] = pinned_load;
}

/* The chosen experts of the pool's tokens, each row ascending: ranks and nodes are runs
 * in it. */
struct choices {
    uint16_t *expert; /* [POOL_TOKENS][experts_per_token] */
};

static void insert_ascending(uint16_t *list, int n, uint16_t value)
{
    int i = n;

    for (; i > 0 && list[i - 1] > value; i--)
        list[i] = list[i - 1];
    list[i] = value;
}

/* The n best of score[0 .. count-1] that belong to kept groups; ties go to the lower
 * expert. */
static void choose_experts(const float *score, int count, int per_group, uint64_t kept,
                           int n, uint16_t *chosen)
{
    float best[ROUTING_MAX_TOPK];
    uint16_t who[ROUTING_MAX_TOPK];
    int have = 0;

    for (int e = 0; e < count; e++) {
        if (e % per_group == 0 && !(kept >> (e / per_group) & 1)) {
            e += per_group - 1;
            continue;
        }
        if (have == n && score[e] <= best[n - 1])
            continue;
        int i = have < n ? have++ : n - 1;
        for (; i > 0 && best[i - 1] < score[e]; i--) {
            best[i] = best[i - 1];
            who[i] = who[i - 1];
        }
        best[i] = score[e];
        who[i] = (uint16_t)e;
    }
    for (int i = 0; i < n; i++)
        insert_ascending(chosen, i, who[i]);
}

/* Bit set of the groups whose two best experts have the largest sums. */
static uint64_t choose_groups(const float *score, int groups, int per_group, int keep)
{
    float sum[ROUTING_MAX_GROUPS];
    uint64_t kept = 0;

    for (int g = 0; g < groups; g++) {
        float first = -INFINITY, second = -INFINITY;
        for (int e = g * per_group; e < (g + 1) * per_group; e++) {
            float s = score[e];
            second = s > first ? first : s > second ? s : second;
            first = s > first ? s : first;
        }
        sum[g] = per_group > 1 ? first + second : first;
    }
    for (int n = 0; n < keep; n++) {
        int top = -1;
        for (int g = 0; g < groups; g++)
            if (!(kept >> g & 1) && (top < 0 || sum[g] > sum[top]))
                top = g;
        kept |= (uint64_t)1 << top;
    }
    return kept;
}

/* Routes the pool's tokens with the given bias per rank and counts what each rank
 * received. */
static void route_pool(const struct routing_shape *shape,
                       const struct routing_pool *pool, const size_t *label,
                       const double *bias, struct choices *choices, float *scratch,
                       double *received)
{
    const struct routing_cfg *c = shape->cfg;
    int experts = (int)c->experts, topk = (int)c->experts_per_token;
    int per_group = experts / (int)c->groups, per_rank = experts / (int)shape->n_ranks;
    float *score = scratch, *expert_bias = scratch + experts;

    for (int e = 0; e < experts; e++)
        expert_bias[e] = (float)bias[e / per_rank];
    memset(received, 0, shape->n_ranks * sizeof *received);
    for (int t = 0; t < POOL_TOKENS; t++) {
        const float *row = pool->score + (size_t)t * (size_t)experts;
        uint16_t *chosen = choices->expert + (size_t)t * (size_t)topk;
        for (int e = 0; e < experts; e++)
            score[e] = row[label[e]] + expert_bias[e];
        uint64_t kept =
            choose_groups(score, (int)c->groups, per_group, (int)c->groups_per_token);
        choose_experts(score, experts, per_group, kept, topk, chosen);
        for (int i = 0; i < topk; i++)
            received[chosen[i] / per_rank]++;
    }
}

/* Newton on the biases until the pool's loads are the wanted ones. */
static void fit_biases(const struct routing_shape *shape,
                       const struct routing_pool *pool, const size_t *label,
                       const double *load, struct arena *arena, struct choices *choices)
{
    double mean = POOL_TOKENS * (double)shape->cfg->experts_per_token / shape->n_ranks;
    double *bias = ARENA_ARRAY(arena, double, shape->n_ranks);
    double *received = ARENA_ARRAY(arena, double, shape->n_ranks);
    float *scratch = ARENA_ARRAY(arena, float, 2 * (size_t)shape->cfg->experts);

    for (uint32_t r = 0; r < shape->n_ranks; r++)
        bias[r] = log(load[r]) / BIAS_SLOPE;
    for (int step = 0;; step++) {
        route_pool(shape, pool, label, bias, choices, scratch, received);
        if (step == BIAS_STEPS)
            break;
        for (uint32_t r = 0; r < shape->n_ranks; r++)
            bias[r] += log(load[r] * mean / fmax(received[r], 1)) / BIAS_SLOPE;
    }
}

static void count_token(const struct routing_shape *shape, const uint16_t *chosen,
                        uint32_t src, struct routing *out)
{
    uint32_t per_rank = (uint32_t)shape->cfg->experts / shape->n_ranks;
    uint32_t last_rank = UINT32_MAX, last_node = UINT32_MAX;

    for (int i = 0; i < shape->cfg->experts_per_token; i++) {
        uint32_t rank = chosen[i] / per_rank, node = rank / shape->ranks_per_node;
        out->expert_rows[rank]++;
        if (rank != last_rank)
            out->rank_tokens[(size_t)src * shape->n_ranks + rank]++;
        if (node != last_node)
            out->node_tokens[(size_t)src * shape->n_nodes + node]++;
        last_rank = rank;
        last_node = node;
    }
}

static double per_token(const struct routing_shape *shape, const uint32_t *count,
                        size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += count[i];
    return sum / ((double)shape->n_ranks * (double)shape->cfg->tokens_per_rank);
}

void routing_sample(const struct routing_shape *shape, const struct routing_pool *pool,
                    const double *load, uint64_t seed, uint64_t entity,
                    struct arena *arena, struct routing *out)
{
    size_t experts = (size_t)shape->cfg->experts,
           topk = (size_t)shape->cfg->experts_per_token;
    size_t node_cells = (size_t)shape->n_ranks * shape->n_nodes;
    size_t rank_cells = (size_t)shape->n_ranks * shape->n_ranks;
    size_t *label = ARENA_ARRAY(arena, size_t, experts);
    struct choices choices = {ARENA_ARRAY(arena, uint16_t, POOL_TOKENS * topk)};
    gsl_rng *rng = rng_stream(seed, entity, "expert labels");

    for (size_t e = 0; e < experts; e++)
        label[e] = e;
    gsl_ran_shuffle(rng, label, experts, sizeof *label);
    fit_biases(shape, pool, label, load, arena, &choices);

    out->node_tokens = ARENA_ARRAY(arena, uint32_t, node_cells);
    out->rank_tokens = ARENA_ARRAY(arena, uint32_t, rank_cells);
    out->expert_rows = ARENA_ARRAY(arena, uint32_t, shape->n_ranks);
    for (uint32_t src = 0; src < shape->n_ranks; src++) {
        rng_stream_reset(rng, seed, entity * shape->n_ranks + src, "token draw");
        for (int64_t t = 0; t < shape->cfg->tokens_per_rank; t++) {
            size_t token = gsl_rng_uniform_int(rng, POOL_TOKENS);
            count_token(shape, choices.expert + token * topk, src, out);
        }
    }
    gsl_rng_free(rng);
    out->nodes_per_token = per_token(shape, out->node_tokens, node_cells);
    out->ranks_per_token = per_token(shape, out->rank_tokens, rank_cells);
}
