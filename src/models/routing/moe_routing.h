/* Token routing of a mixture-of-experts layer: which ranks receive the tokens of each
 * rank. */
#ifndef MOESIM_MODELS_ROUTING_MOE_ROUTING_H
#define MOESIM_MODELS_ROUTING_MOE_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/diag.h"
#include "models/routing/expert_load.h"

#define ROUTING_MAX_TOPK 64
#define ROUTING_MAX_GROUPS 64
#define ROUTING_POOL_TOKENS 8192

struct routing_cfg { /* token routing of the MoE layers */
    int64_t experts, experts_per_token;
    int64_t groups, groups_per_token; /* node-limited routing: groups = nodes of the EP group */
    int64_t tokens_per_rank;
    int64_t hidden;
    double rank_load_cv_ratio; /* coefficient of variation of the tokens that a rank's
                                  experts receive */
};

extern const struct cfg_table routing_table;

/* What the sampler works on; everything in it is checked by routing_check. */
struct routing_shape {
    const struct routing_cfg *cfg;
    uint32_t n_ranks, ranks_per_node, n_nodes;
    uint32_t redundant; /* replicas of experts beyond one of each */
    bool sets;          /* count also which tokens go to several places together */
};

/* Tokens that go to the same places: of a rank to these other nodes; or, handed on by a rank, to these other
 * GPUs of its node. */
struct token_set {
    uint32_t rank, tokens;
    uint64_t mask;
};

/* The traffic of one dispatch (a combine is its mirror image). */
struct routing {
    uint32_t *node_tokens; /* [n_ranks][n_nodes] tokens of a rank that go to a node */
    uint32_t *rank_tokens; /* [n_ranks][n_ranks] tokens of a rank (row) that go to a rank */
    uint32_t *expert_rows; /* [n_ranks] (token, expert) pairs that the rank's experts
                              receive */
    double nodes_per_token, ranks_per_token;
    struct token_set *node_sets, *gpu_sets; /* sorted; NULL unless shape.sets */
    uint32_t n_node_sets, n_gpu_sets;
};

enum { ROUTING_MAX_SET = 64 }; /* nodes, or GPUs of a node, that a set can hold */

/* Random router scores of a pool of tokens, shared by all layers. */
struct routing_pool;

/* 0, or -1 with what does not fit together. `place` names the input in messages. */
int routing_check(const struct routing_shape *shape, const char *place, struct diag *diag);

struct routing_pool *routing_pool_new(const struct routing_shape *shape, uint64_t seed, struct arena *arena);

/* Draws the popularity of each rank's experts: lognormal with mean 1 and the configured
 * coefficient of variation. `pinned` is set to pinned_load (ignored when <= 0) and the
 * others are scaled so that the mean stays 1. */
void routing_draw_loads(const struct routing_shape *shape, uint64_t seed, uint64_t entity, const char *purpose,
                        uint32_t pinned, double pinned_load, double *load);

/* Routes every rank's tokens such that rank r's experts receive about load[r] times the
 * mean. `entity` tells layers and directions apart. */
void routing_sample(const struct routing_shape *shape, const struct routing_pool *pool, const double *load,
                    uint64_t seed, uint64_t entity, struct arena *arena, struct routing *out);

/* What the pool's tokens choose. */
struct gate_choices {
    uint16_t *expert;        /* [ROUTING_POOL_TOKENS][experts_per_token], each token's ascending */
    double load_error_ratio; /* root mean square of what the fitted loads miss, in units of the mean */
};

/* Chooses such that expert e receives about expert_load[e] times the mean (models/routing/expert_load.h). */
void gate_choose(const struct routing_shape *shape, const struct routing_pool *pool, const double *expert_load,
                 uint64_t seed, uint64_t entity, struct arena *arena, struct gate_choices *out);
/* The ranks that one of the pool's tokens goes to, one for each expert, ascending. Tokens take the replicas of
 * an expert in turn. */
void gate_ranks(const struct gate_choices *choices, uint32_t top_k, uint32_t token, const struct placement *where,
                uint32_t turn, uint32_t *ranks);
/* Routes every rank's tokens, drawn from the choices with replacement, to replicas. */
void gate_count(const struct routing_shape *shape, const struct gate_choices *choices, const struct placement *where,
                uint64_t seed, uint64_t entity, struct arena *arena, struct routing *out);

#endif
