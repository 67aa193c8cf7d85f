/* Popularity of experts. Lognormal: independent, coefficient of variation `cv`. Zipf: the n-th most popular
 * expert has load 1 / n^exponent; which one that is differs from layer to layer. Power law: loads are drawn from one, as
 * aiconfigurator's benchmarks of experts draw them (hw/kernels/moe_load.c), in an order of each layer. A file: as counted.
 *
 * Left out: how loads change with time, and that experts are popular together. */
#include "models/routing/expert_load.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/cfg_rows.h"
#include "base/rng.h"
#include "models/routing/eplb.h"

/* --- keys ---------------------------------------------------------------------------------------------- */

static const char *const skew_names[] = {"even", "lognormal", "zipf", "power_law", "file", NULL};
const char *const balance_names[] = {"none", "eplb", "eplb_global", NULL};

static const struct cfg_field fields[] = {
    ROW_CHOICE(
        expert_load_cfg, "skew", skew, "even", skew_names,
        "popularity of experts: even, lognormal (cv), zipf (exponent), power_law (exponent, range) or file (file)"),
    ROW_RATIO(expert_load_cfg, "cv", cv_ratio, "0.5", 0, 10,
              "lognormal: coefficient of variation of the experts' loads",
              .needs = ".skew="
                       "lognormal"),
    ROW_RATIO(expert_load_cfg, "exponent", zipf_exponent, "0.5", 0, 4,
              "zipf: the n-th most popular expert has load 1 / n^exponent; power_law: the density of loads falls with "
              "load^exponent, as benchmarks of grouped GEMMs draw them (1.01, 1.2)",
              .needs = ".skew=zipf,power_law"),
    ROW_RATIO(expert_load_cfg, "range", range, "13107", 1.01, 1e9,
              "power_law: the largest load over the least (default: aiconfigurator's, 0.8 of 16,384 tokens)",
              .needs = ".skew=power_law"),
    ROW_TEXT(expert_load_cfg, "file", file, "",
             "loads as counted: a line per MoE layer (or one for all), a number per expert; or SGLang's logical_count "
             "as JSON",
             .needs = ".skew=file"),
    ROW_COUNT(expert_load_cfg, "redundant", redundant, "0", 0, 1 << 20,
              "replicas beyond one of each expert, over all GPUs"),
    ROW_CHOICE(expert_load_cfg, "balance", balance, "none", balance_names,
               "where replicas go: none (in order), eplb (its rule: hierarchical when groups divide among the nodes), "
               "eplb_global"),
    {0}};
const struct cfg_table expert_load_table = {"expert_load", "How unequally experts are used, and redundant ones",
                                            sizeof(struct expert_load_cfg), fields};

/* --- loads --------------------------------------------------------------------------------------------- */

static void draw_lognormal(double cv, uint32_t n, gsl_rng *rng, double *load)
{
    double sigma = sqrt(log1p(cv * cv));
    for (uint32_t e = 0; e < n; e++)
        load[e] = exp(gsl_ran_gaussian_ziggurat(rng, sigma));
}

static void draw_zipf(double exponent, uint32_t n, gsl_rng *rng, double *load)
{
    for (uint32_t e = 0; e < n; e++)
        load[e] = pow(e + 1.0, -exponent);
    gsl_ran_shuffle(rng, load, n, sizeof *load);
}

/* Quantiles of the law, in an order of their own. */
static void draw_power_law(double exponent, double range, uint32_t n, gsl_rng *rng, double *load)
{
    double power = 1 - exponent;
    for (uint32_t e = 0; e < n; e++) {
        double u = (e + 0.5) / n;
        load[e] = fabs(power) < 1e-9 ? pow(range, u) : pow((pow(range, power) - 1) * u + 1, 1 / power);
    }
    gsl_ran_shuffle(rng, load, n, sizeof *load);
}

static void scale_to_mean_1(double *load, uint32_t n)
{
    double sum = 0;
    for (uint32_t e = 0; e < n; e++)
        sum += load[e];
    for (uint32_t e = 0; e < n; e++)
        load[e] *= n / sum;
}

void expert_load_draw(const struct expert_load_cfg *cfg, const struct load_rows *rows, uint32_t experts, uint64_t seed,
                      uint32_t layer, double *load)
{
    gsl_rng *rng = rng_stream(seed, layer, "expert popularity");
    switch ((enum skew)cfg->skew) {
    case SKEW_EVEN:
        for (uint32_t e = 0; e < experts; e++)
            load[e] = 1;
        break;
    case SKEW_LOGNORMAL:
        draw_lognormal(cfg->cv_ratio, experts, rng, load);
        break;
    case SKEW_ZIPF:
        draw_zipf(cfg->zipf_exponent, experts, rng, load);
        break;
    case SKEW_POWER_LAW:
        draw_power_law(cfg->zipf_exponent, cfg->range, experts, rng, load);
        break;
    case SKEW_FILE:
        BUG_IF(!rows || rows->experts != experts || (rows->layers > 1 && layer >= rows->layers));
        memcpy(load, rows->load + (rows->layers > 1 ? (size_t)layer * experts : 0), experts * sizeof *load);
    }
    gsl_rng_free(rng);
    scale_to_mean_1(load, experts);
}

int64_t expert_load_infeasible(const double *load, uint32_t experts, uint32_t top_k)
{
    for (uint32_t e = 0; e < experts; e++)
        if (load[e] > (double)experts / top_k)
            return e;
    return -1;
}

/* --- placements ---------------------------------------------------------------------------------------- */

static struct eplb_shape eplb_shape_of(const struct placement_shape *s, enum balance balance)
{
    bool global = balance == BALANCE_EPLB_GLOBAL;
    return (struct eplb_shape){.experts = s->experts,
                               .replicas = s->experts + s->redundant,
                               .groups = global ? 1 : s->groups,
                               .nodes = global ? 1 : s->nodes,
                               .gpus = s->ranks};
}

const char *placement_misfit(const struct placement_shape *s, enum balance balance)
{
    struct eplb_shape e = eplb_shape_of(s, balance);
    if (balance == BALANCE_NONE) /* groups do not matter */
        e.groups = e.nodes = 1;
    return eplb_misfit(&e);
}

static void deal_in_order(uint32_t experts, uint32_t replicas, uint32_t *expert_of)
{
    for (uint32_t i = 0; i < replicas; i++)
        expert_of[i] = i % experts;
}

/* From replicas in the order of ranks to replicas in the order of experts. */
static void index_by_expert(struct placement *p, const uint32_t *expert_of, struct arena *arena)
{
    uint32_t *next = ARENA_ARRAY(arena, uint32_t, p->experts), per_rank = p->replicas / p->ranks;
    for (uint32_t i = 0; i < p->replicas; i++)
        p->first[expert_of[i] + 1]++;
    for (uint32_t e = 0; e < p->experts; e++) {
        p->first[e + 1] += p->first[e];
        next[e] = p->first[e];
    }
    for (uint32_t i = 0; i < p->replicas; i++)
        p->rank[next[expert_of[i]]++] = i / per_rank;
}

void placement_make(const struct placement_shape *s, enum balance balance, const double *load, struct arena *arena,
                    struct placement *out)
{
    struct eplb_shape e = eplb_shape_of(s, balance);
    uint32_t *expert_of = ARENA_ARRAY(arena, uint32_t, e.replicas);
    BUG_IF(placement_misfit(s, balance) != NULL);
    if (balance == BALANCE_NONE)
        deal_in_order(e.experts, e.replicas, expert_of);
    else
        eplb_balance(&e, load, arena, expert_of);
    *out = (struct placement){.experts = s->experts,
                              .replicas = e.replicas,
                              .ranks = s->ranks,
                              .nodes = s->nodes,
                              .first = ARENA_ARRAY(arena, uint32_t, s->experts + 1),
                              .rank = ARENA_ARRAY(arena, uint32_t, e.replicas)};
    index_by_expert(out, expert_of, arena);
}

void placement_load(const struct placement *p, const double *load, double *rank_load, double *node_load)
{
    uint32_t per_node = p->ranks / p->nodes;
    memset(rank_load, 0, p->ranks * sizeof *rank_load);
    memset(node_load, 0, p->nodes * sizeof *node_load);
    for (uint32_t e = 0; e < p->experts; e++)
        for (uint32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            double share = load[e] / (p->first[e + 1] - p->first[e]);
            rank_load[p->rank[i]] += share * p->ranks / p->experts;
            node_load[p->rank[i] / per_node] += share * p->nodes / p->experts;
        }
}
