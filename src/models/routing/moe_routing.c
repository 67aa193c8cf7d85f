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
 * routing_sample fits the loads of ranks, whose experts are then equally popular; gate_choose those of
 * single experts, which may stand on several ranks (models/routing/expert_load.h).
 *
 * Left out: correlation between the tokens of a sequence, between layers, and between
 * an expert's popularity and its node's. */
#include "models/routing/moe_routing.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/cfg_rows.h"
#include "base/input_files.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/shared_cache.h"

enum { POOL_TOKENS = ROUTING_POOL_TOKENS, BIAS_STEPS = 2, EXPERT_STEPS = 12 };

/* d ln(load) / d bias of a rank, from the normal tail at one expert in 32: the hazard
 * rate 2.2. Only the speed of convergence depends on it. */
#define BIAS_SLOPE 2.2

/* Fitting single experts: when to stop, and what keeps a step sane at the ends of the normal. */
#define FINE_ENOUGH 0.02 /* of the mean load; the noise of an even draw is 0.06 */
#define LARGEST_STEP 0.5
#define LEAST_SLOPE 0.3
#define LEAST_SHARE 1e-4 /* of tokens: the pool does not tell less apart */
#define NEVER -100.0     /* bias of an expert without load */

struct routing_pool {
    uint64_t seed;
    float *score; /* [POOL_TOKENS][experts] */
};

static const struct cfg_field fields[] = {
    ROW_COUNT(routing_cfg, "experts", experts, "256", 1, 65535, "routed experts of a layer"),
    ROW_COUNT(routing_cfg, "experts_per_token", experts_per_token, "8", 1, ROUTING_MAX_TOPK,
              "routed experts that a token activates"),
    ROW_COUNT(routing_cfg, "groups", groups, "8", 1, ROUTING_MAX_GROUPS,
              "expert groups of node-limited routing (paper 4.3)"),
    ROW_COUNT(routing_cfg, "groups_per_token", groups_per_token, "4", 1, ROUTING_MAX_GROUPS,
              "groups that a token may use"),
    ROW_COUNT(routing_cfg, "tokens_per_rank", tokens_per_rank, "4096", 1, 1e6,
              "tokens that each rank dispatches per layer"),
    ROW_COUNT(routing_cfg, "hidden", hidden, "7168", 128, 1e6, "hidden size of the model"),
    ROW_RATIO(routing_cfg, "rank_load_cv", rank_load_cv_ratio, "0.077", 0, 2,
              "coefficient of variation over ranks of the tokens received (default: rms deviation from the mean of "
              "rank 0's 8 recorded loads in the DeepSeek-V3 trace, padding removed)"),
    {0},
};

const struct cfg_table routing_table = {
    .name = "routing",
    .doc = "How tokens choose experts",
    .size = sizeof(struct routing_cfg),
    .fields = fields,
};

int routing_check(const struct routing_shape *shape, const char *place, struct diag *diag)
{
    const struct routing_cfg *c = shape->cfg;
    struct srcloc where = SRCLOC_FILE(place);
    size_t before = diag_count(diag);

    if ((c->experts + shape->redundant) % shape->n_ranks)
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "%lld experts do not divide among %u ranks; routing.experts must be a "
                   "multiple of the GPUs of the cluster",
                   (long long)(c->experts + shape->redundant), shape->n_ranks);
    if (c->experts % c->groups)
        diag_error(diag, EXIT_BAD_INPUT, where, "%lld experts do not divide into %lld groups; change routing.groups",
                   (long long)c->experts, (long long)c->groups);
    if (c->groups_per_token > c->groups)
        diag_error(diag, EXIT_BAD_INPUT, where, "routing.groups_per_token is %lld but there are only %lld groups",
                   (long long)c->groups_per_token, (long long)c->groups);
    else if (c->experts_per_token > c->groups_per_token * (c->experts / c->groups))
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "routing.experts_per_token is %lld but %lld groups hold only %lld experts",
                   (long long)c->experts_per_token, (long long)c->groups_per_token,
                   (long long)(c->groups_per_token * (c->experts / c->groups)));
    return diag_count(diag) > before ? -1 : 0;
}

struct routing_pool *routing_pool_new(const struct routing_shape *shape, uint64_t seed, struct arena *arena)
{
    size_t n = (size_t)POOL_TOKENS * (size_t)shape->cfg->experts;
    struct routing_pool *pool = ARENA_NEW(arena, struct routing_pool);
    gsl_rng *rng = rng_stream(seed, 0, "router scores");

    pool->seed = seed;
    pool->score = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        pool->score[i] = (float)gsl_ran_gaussian_ziggurat(rng, 1.0);
    gsl_rng_free(rng);
    return pool;
}

void routing_draw_loads(const struct routing_shape *shape, uint64_t seed, uint64_t entity, const char *purpose,
                        uint32_t pinned, double pinned_load, double *load)
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

static void insert_ascending(uint16_t *list, int n, uint16_t value)
{
    int i = n;

    for (; i > 0 && list[i - 1] > value; i--)
        list[i] = list[i - 1];
    list[i] = value;
}

enum { ABREAST = 8 }; /* scores that are looked at beside each other */

static inline float larger_score(float a, float b)
{
    return a > b ? a : b;
}

static inline float smaller_score(float a, float b)
{
    return a < b ? a : b;
}

struct two {
    float first, second;
};

static struct two best_two(const float *score, int n)
{
    float first[ABREAST], second[ABREAST];
    int e = 0;
    for (int k = 0; k < ABREAST; k++)
        first[k] = second[k] = -INFINITY;
    for (; e + ABREAST <= n; e += ABREAST)
        for (int k = 0; k < ABREAST; k++) {
            second[k] = larger_score(second[k], smaller_score(first[k], score[e + k]));
            first[k] = larger_score(first[k], score[e + k]);
        }
    for (; e < n; e++) {
        second[0] = larger_score(second[0], smaller_score(first[0], score[e]));
        first[0] = larger_score(first[0], score[e]);
    }
    for (int k = 1; k < ABREAST; k++) { /* of what each of them kept */
        second[0] = larger_score(larger_score(second[0], second[k]), smaller_score(first[0], first[k]));
        first[0] = larger_score(first[0], first[k]);
    }
    return (struct two){first[0], second[0]};
}

/* Which groups a token may use, and a score below which no expert of them is chosen. */
struct kept {
    uint64_t groups;
    float least;
};

/* The groups whose two best experts have the largest sums. There are two experts in each that are no worse than the worst
 * second. */
static struct kept choose_groups(const float *score, int groups, int per_group, int keep, int n_chosen)
{
    float sum[ROUTING_MAX_GROUPS], second[ROUTING_MAX_GROUPS], least = INFINITY;
    struct kept kept = {0, -INFINITY};

    for (int g = 0; g < groups; g++) {
        struct two best = best_two(score + g * per_group, per_group);
        sum[g] = per_group > 1 ? best.first + best.second : best.first;
        second[g] = best.second;
    }
    for (int n = 0; n < keep; n++) {
        int top = -1;
        for (int g = 0; g < groups; g++)
            if (!(kept.groups >> g & 1) && (top < 0 || sum[g] > sum[top]))
                top = g;
        kept.groups |= (uint64_t)1 << top;
        least = smaller_score(least, second[top]);
    }
    if (2 * keep >= n_chosen)
        kept.least = least;
    return kept;
}

/* The n best of score[0 .. count-1] that belong to kept groups; ties go to the lower
 * expert. */
static void choose_experts(const float *score, int count, int per_group, struct kept kept, int n, uint16_t *chosen)
{
    float best[ROUTING_MAX_TOPK];
    uint16_t who[ROUTING_MAX_TOPK];
    int have = 0;

    for (int e = 0; e < count; e++) {
        if (e % per_group == 0 && !(kept.groups >> (e / per_group) & 1)) {
            e += per_group - 1;
            continue;
        }
        if (score[e] < kept.least || (have == n && score[e] <= best[n - 1]))
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

/* Loads are fitted per unit of so many experts: all those of a rank, or one. */
struct fit {
    const struct routing_shape *shape;
    const struct routing_pool *pool;
    const size_t *label; /* which of the pool's columns an expert reads */
    const double *load;  /* wanted, per unit, mean 1 */
    uint32_t per_unit, n_units;
    double mean; /* choices of a unit with load 1 */
    double *bias, *received;
    float *scratch;
    struct arena *arena;
    struct gate_choices *choices;
};

static void fit_init(struct fit *f, const struct routing_shape *shape, const struct routing_pool *pool,
                     const double *load, uint32_t n_units, struct arena *arena, struct gate_choices *choices)
{
    size_t experts = (size_t)shape->cfg->experts, topk = (size_t)shape->cfg->experts_per_token;
    *f = (struct fit){.shape = shape,
                      .pool = pool,
                      .load = load,
                      .per_unit = (uint32_t)experts / n_units,
                      .n_units = n_units,
                      .mean = POOL_TOKENS * (double)topk / n_units,
                      .bias = ARENA_ARRAY(arena, double, n_units),
                      .received = ARENA_ARRAY(arena, double, n_units),
                      .scratch = ARENA_ARRAY(arena, float, 2 * experts),
                      .arena = arena,
                      .choices = choices};
    choices->expert = ARENA_ARRAY(arena, uint16_t, POOL_TOKENS * topk);
}

/* Scores are exchangeable: relabelled experts are as good as new scores. */
static void relabel(struct fit *f, uint64_t seed, uint64_t entity)
{
    size_t experts = (size_t)f->shape->cfg->experts;
    size_t *label = ARENA_ARRAY(f->arena, size_t, experts);
    gsl_rng *rng = rng_stream(seed, entity, "expert labels");
    for (size_t e = 0; e < experts; e++)
        label[e] = e;
    gsl_ran_shuffle(rng, label, experts, sizeof *label);
    gsl_rng_free(rng);
    f->label = label;
}

/* Routes the pool's tokens with the biases and counts what each unit received. */
static void route_pool(struct fit *f)
{
    const struct routing_cfg *c = f->shape->cfg;
    int experts = (int)c->experts, topk = (int)c->experts_per_token;
    int per_group = experts / (int)c->groups;
    float *score = f->scratch, *expert_bias = f->scratch + experts;

    for (int e = 0; e < experts; e++)
        expert_bias[e] = (float)f->bias[(uint32_t)e / f->per_unit];
    memset(f->received, 0, f->n_units * sizeof *f->received);
    for (int t = 0; t < POOL_TOKENS; t++) {
        const float *row = f->pool->score + (size_t)t * (size_t)experts;
        uint16_t *chosen = f->choices->expert + (size_t)t * (size_t)topk;
        for (int e = 0; e < experts; e++)
            score[e] = row[f->label[e]] + expert_bias[e];
        struct kept kept = choose_groups(score, (int)c->groups, per_group, (int)c->groups_per_token, topk);
        choose_experts(score, experts, per_group, kept, topk, chosen);
        for (int i = 0; i < topk; i++)
            f->received[chosen[i] / f->per_unit]++;
    }
}

/* Root mean square of what units received less what they should, in units of the mean. */
static double load_error(const struct fit *f)
{
    double sum = 0;
    for (uint32_t u = 0; u < f->n_units; u++)
        sum += pow(f->received[u] / f->mean - f->load[u], 2);
    return sqrt(sum / f->n_units);
}

/* Newton on the biases of ranks, whose loads differ little. */
static void fit_ranks(struct fit *f)
{
    for (uint32_t r = 0; r < f->n_units; r++)
        f->bias[r] = log(f->load[r]) / BIAS_SLOPE;
    for (int step = 0;; step++) {
        route_pool(f);
        if (step == BIAS_STEPS)
            break;
        for (uint32_t r = 0; r < f->n_units; r++)
            f->bias[r] += log(f->load[r] * f->mean / fmax(f->received[r], 1)) / BIAS_SLOPE;
    }
    f->choices->load_error_ratio = load_error(f);
}

/* Loads of experts differ much. Without groups an expert is chosen with probability Q(t - bias), Q the upper
 * tail of the normal: that gives the first biases, and the slope of the logarithm (the hazard rate) of the
 * steps that follow. */
static void fit_experts(struct fit *f)
{
    double share = (double)f->shape->cfg->experts_per_token / (double)f->shape->cfg->experts;
    double *slope = ARENA_ARRAY(f->arena, double, f->n_units), even = gsl_cdf_ugaussian_Qinv(share);
    for (uint32_t e = 0; e < f->n_units; e++) {
        double p = fmin(fmax(f->load[e] * share, LEAST_SHARE), 1 - LEAST_SHARE);
        double z = gsl_cdf_ugaussian_Qinv(p);
        f->bias[e] = f->load[e] > 0 ? even - z : NEVER;
        slope[e] = gsl_ran_ugaussian_pdf(z) / p;
    }
    for (int step = 0;; step++) {
        route_pool(f);
        f->choices->load_error_ratio = load_error(f);
        if (f->choices->load_error_ratio < FINE_ENOUGH || step == EXPERT_STEPS)
            break;
        for (uint32_t e = 0; e < f->n_units; e++) {
            double by = log(f->load[e] * f->mean / fmax(f->received[e], 1)) / fmax(slope[e], LEAST_SLOPE);
            f->bias[e] += f->load[e] > 0 ? fmin(fmax(by, -LARGEST_STEP), LARGEST_STEP) : 0;
        }
    }
}

void gate_choose(const struct routing_shape *shape, const struct routing_pool *pool, const double *expert_load,
                 uint64_t seed, uint64_t entity, struct arena *arena, struct gate_choices *out)
{
    struct fit f;
    fit_init(&f, shape, pool, expert_load, (uint32_t)shape->cfg->experts, arena, out);
    relabel(&f, seed, entity);
    fit_experts(&f);
}

void gate_ranks(const struct gate_choices *choices, uint32_t top_k, uint32_t token, const struct placement *where,
                uint32_t turn, uint32_t *ranks)
{
    const uint16_t *chosen = choices->expert + (size_t)token * top_k;
    for (uint32_t n = 0; n < top_k; n++) {
        uint32_t first = where->first[chosen[n]], copies = where->first[chosen[n] + 1] - first;
        uint32_t rank = where->rank[first + turn % copies], i = n;
        for (; i > 0 && ranks[i - 1] > rank; i--)
            ranks[i] = ranks[i - 1];
        ranks[i] = rank;
    }
}

static void count_token(const struct routing_shape *shape, const uint32_t *ranks, uint32_t src, struct routing *out)
{
    uint32_t last_rank = UINT32_MAX, last_node = UINT32_MAX;

    for (int i = 0; i < shape->cfg->experts_per_token; i++) {
        uint32_t rank = ranks[i], node = rank / shape->ranks_per_node;
        out->expert_rows[rank]++;
        if (rank != last_rank)
            out->rank_tokens[(size_t)src * shape->n_ranks + rank]++;
        if (node != last_node)
            out->node_tokens[(size_t)src * shape->n_nodes + node]++;
        last_rank = rank;
        last_node = node;
    }
}

/* --- sets of places ------------------------------------------------------------------------------------- */

struct counting {
    struct token_set *sets;
    uint32_t n, cap;
    struct arena *arena;
};

static void add_set(struct counting *c, uint32_t rank, uint64_t mask)
{
    if (!mask)
        return;
    if (c->n == c->cap) {
        struct token_set *old = c->sets;
        c->cap = 2 * c->cap + 4096;
        c->sets = ARENA_ARRAY(c->arena, struct token_set, c->cap);
        if (c->n)
            memcpy(c->sets, old, c->n * sizeof *old);
    }
    c->sets[c->n++] = (struct token_set){rank, 1, mask};
}

static int by_rank_and_mask(const void *a, const void *b)
{
    const struct token_set *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->mask > y->mask) - (x->mask < y->mask);
}

/* Equal ones become one. */
static uint32_t merge_sets(struct counting *c)
{
    uint32_t n = 0;
    if (c->n)
        qsort(c->sets, c->n, sizeof *c->sets, by_rank_and_mask);
    for (uint32_t i = 0; i < c->n; i++)
        if (n && !by_rank_and_mask(&c->sets[n - 1], &c->sets[i]))
            c->sets[n - 1].tokens++;
        else
            c->sets[n++] = c->sets[i];
    return n;
}

/* Where a token goes, as its kernels pass it on: to nodes, and in each node from the GPU of its rail to others. */
static void count_sets(const struct routing_shape *shape, const uint32_t *ranks, uint32_t src, struct counting *nodes,
                       struct counting *gpus)
{
    uint32_t per_node = shape->ranks_per_node, home = src / per_node, rail = src % per_node;
    uint64_t node_mask = 0, gpu_mask = 0;
    for (int i = 0; i < shape->cfg->experts_per_token; i++) {
        uint32_t node = ranks[i] / per_node, gpu = ranks[i] % per_node;
        bool last = i + 1 == shape->cfg->experts_per_token || ranks[i + 1] / per_node != node;
        gpu_mask |= gpu == rail ? 0 : 1ull << gpu;
        node_mask |= node == home ? 0 : 1ull << node;
        if (last) {
            add_set(gpus, node * per_node + rail, gpu_mask);
            gpu_mask = 0;
        }
    }
    add_set(nodes, src, node_mask);
}

static double per_token(const struct routing_shape *shape, const uint32_t *count, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += count[i];
    return sum / ((double)shape->n_ranks * (double)shape->cfg->tokens_per_rank);
}

/* Where tokens go does not depend on their turn without copies: the pool's ranks, found once. NULL: it does, or so few are drawn
 * that it does not pay. */
static const uint32_t *ranks_of_pool(const struct routing_shape *shape, const struct gate_choices *choices,
                                     const struct placement *where, struct arena *arena)
{
    uint32_t topk = (uint32_t)shape->cfg->experts_per_token;
    if (where->replicas > where->experts || shape->n_ranks * shape->cfg->tokens_per_rank < 2 * POOL_TOKENS)
        return NULL;
    uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, (size_t)POOL_TOKENS * topk);
    for (uint32_t t = 0; t < POOL_TOKENS; t++)
        gate_ranks(choices, topk, t, where, 0, ranks + (size_t)t * topk);
    return ranks;
}

void gate_count(const struct routing_shape *shape, const struct gate_choices *choices, const struct placement *where,
                uint64_t seed, uint64_t entity, struct arena *arena, struct routing *out)
{
    size_t node_cells = (size_t)shape->n_ranks * shape->n_nodes;
    size_t rank_cells = (size_t)shape->n_ranks * shape->n_ranks;
    uint32_t topk = (uint32_t)shape->cfg->experts_per_token, ranks[ROUTING_MAX_TOPK];
    gsl_rng *rng = rng_stream(seed, 0, "token draw");
    struct counting nodes = {.arena = arena}, gpus = {.arena = arena};
    struct arena *scratch = arena_new();
    const uint32_t *of_pool = ranks_of_pool(shape, choices, where, scratch);

    BUG_IF(shape->sets && (shape->n_nodes > ROUTING_MAX_SET || shape->ranks_per_node > ROUTING_MAX_SET));
    *out = (struct routing){0};
    out->node_tokens = ARENA_ARRAY(arena, uint32_t, node_cells);
    out->rank_tokens = ARENA_ARRAY(arena, uint32_t, rank_cells);
    out->expert_rows = ARENA_ARRAY(arena, uint32_t, shape->n_ranks);
    for (uint32_t src = 0; src < shape->n_ranks; src++) {
        rng_stream_reset(rng, seed, entity * shape->n_ranks + src, "token draw");
        progress_tick(NULL);
        for (int64_t t = 0; t < shape->cfg->tokens_per_rank; t++) {
            uint32_t token = (uint32_t)gsl_rng_uniform_int(rng, POOL_TOKENS);
            const uint32_t *to = of_pool ? of_pool + (size_t)token * topk : ranks;
            if (!of_pool)
                gate_ranks(choices, topk, token, where, src + (uint32_t)t, ranks);
            count_token(shape, to, src, out);
            if (shape->sets)
                count_sets(shape, to, src, &nodes, &gpus);
        }
    }
    gsl_rng_free(rng);
    arena_free(scratch);
    out->node_sets = nodes.sets;
    out->gpu_sets = gpus.sets;
    out->n_node_sets = merge_sets(&nodes);
    out->n_gpu_sets = merge_sets(&gpus);
    out->nodes_per_token = per_token(shape, out->node_tokens, node_cells);
    out->ranks_per_token = per_token(shape, out->rank_tokens, rank_cells);
}

/* --- samples ----------------------------------------------------------------------------------------------- */

static void sample(const struct routing_shape *shape, const struct routing_pool *pool, const double *load,
                   uint64_t seed, uint64_t entity, struct arena *arena, struct routing *out)
{
    struct placement_shape in_order = {(uint32_t)shape->cfg->experts, 0, 1, shape->n_ranks, shape->n_nodes};
    struct gate_choices choices;
    struct placement where;
    struct fit f;

    fit_init(&f, shape, pool, load, shape->n_ranks, arena, &choices);
    relabel(&f, seed, entity);
    fit_ranks(&f);
    placement_make(&in_order, BALANCE_NONE, NULL, arena, &where);
    gate_count(shape, &choices, &where, seed, entity, arena, out);
}

/* What a sample is of; NULL: nobody is there to share it with, or it has sets, which are of any number. */
static const char *sample_key(const struct routing_shape *shape, const struct routing_pool *pool, const double *load,
                              uint64_t seed, uint64_t entity, struct arena *arena)
{
    const struct routing_cfg *c = shape->cfg;
    char loads[SHA256_TEXT];
    if (!shared_cache_B() || shape->sets)
        return NULL;
    sha256_text(load, shape->n_ranks * sizeof *load, loads);
    return arena_printf(arena,
                        "%lld experts, %lld of a token, %lld of %lld groups, %lld tokens, %u ranks, %u of %u nodes, "
                        "pool %llu, seed %llu, %llu, loads %s",
                        (long long)c->experts, (long long)c->experts_per_token, (long long)c->groups_per_token,
                        (long long)c->groups, (long long)c->tokens_per_rank, shape->n_ranks, shape->ranks_per_node,
                        shape->n_nodes, (unsigned long long)pool->seed, (unsigned long long)seed,
                        (unsigned long long)entity, loads);
}

/* Behind each other: tokens of nodes, of ranks, rows. */
static size_t sample_n(const struct routing_shape *shape)
{
    return (size_t)shape->n_ranks * (shape->n_nodes + shape->n_ranks + 1);
}

static void keep_sample(const char *key, const struct routing_shape *shape, const struct routing *r,
                        struct arena *arena)
{
    size_t nodes = (size_t)shape->n_ranks * shape->n_nodes, ranks = (size_t)shape->n_ranks * shape->n_ranks;
    uint32_t *all = ARENA_ARRAY(arena, uint32_t, sample_n(shape));
    memcpy(all, r->node_tokens, nodes * sizeof *all);
    memcpy(all + nodes, r->rank_tokens, ranks * sizeof *all);
    memcpy(all + nodes + ranks, r->expert_rows, shape->n_ranks * sizeof *all);
    shared_cache_put("routing", key, all, sample_n(shape) * sizeof *all);
}

static bool find_sample(const char *key, const struct routing_shape *shape, struct arena *arena, struct routing *out)
{
    size_t nodes = (size_t)shape->n_ranks * shape->n_nodes, ranks = (size_t)shape->n_ranks * shape->n_ranks;
    const uint32_t *known = shared_cache_get("routing", key, sample_n(shape) * sizeof *known);
    if (!known)
        return false;
    uint32_t *all = memcpy(ARENA_ARRAY(arena, uint32_t, sample_n(shape)), known, sample_n(shape) * sizeof *known);
    *out = (struct routing){.node_tokens = all,
                            .rank_tokens = all + nodes,
                            .expert_rows = all + nodes + ranks,
                            .nodes_per_token = per_token(shape, all, nodes),
                            .ranks_per_token = per_token(shape, all + nodes, ranks)};
    return true;
}

void routing_sample(const struct routing_shape *shape, const struct routing_pool *pool, const double *load,
                    uint64_t seed, uint64_t entity, struct arena *arena, struct routing *out)
{
    const char *key = sample_key(shape, pool, load, seed, entity, arena);
    if (key && find_sample(key, shape, arena, out))
        return;
    sample(shape, pool, load, seed, entity, arena, out);
    if (key)
        keep_sample(key, shape, out, arena);
}
