/* Token routing of a mixture-of-experts layer: which ranks receive the tokens of each
 * rank. */
#ifndef MOESIM_MODELS_MOE_ROUTING_H
#define MOESIM_MODELS_MOE_ROUTING_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/diag.h"

#define ROUTING_MAX_TOPK 64
#define ROUTING_MAX_GROUPS 64

struct routing_cfg { /* token routing of the MoE layers */
    int64_t experts, experts_per_token;
    int64_t groups,
        groups_per_token; /* node-limited routing: groups = nodes of the EP group */
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
};

/* The traffic of one dispatch (a combine is its mirror image). */
struct routing {
    uint32_t *node_tokens; /* [n_ranks][n_nodes] tokens of a rank that go to a node */
    uint32_t
        *rank_tokens; /* [n_ranks][n_ranks] tokens of a rank (row) that go to a rank */
    uint32_t *expert_rows; /* [n_ranks] (token, expert) pairs that the rank's experts
                              receive */
    double nodes_per_token, ranks_per_token;
};

/* Random router scores of a pool of tokens, shared by all layers. */
struct routing_pool;

/* 0, or -1 with what does not fit together. `place` names the input in messages. */
int routing_check(const struct routing_shape *shape, const char *place,
                  struct diag *diag);

struct routing_pool *routing_pool_new(const struct routing_shape *shape, uint64_t seed,
                                      struct arena *arena);

/* Draws the popularity of each rank's experts: lognormal with mean 1 and the configured
 * coefficient of variation. `pinned` is set to pinned_load (ignored when <= 0) and the
 * others are scaled so that the mean stays 1. */
void routing_draw_loads(const struct routing_shape *shape, uint64_t seed,
                        uint64_t entity, const char *purpose, uint32_t pinned,
                        double pinned_load, double *load);

/* Routes every rank's tokens such that rank r's experts receive about load[r] times the
 * mean. `entity` tells layers and directions apart. */
void routing_sample(const struct routing_shape *shape, const struct routing_pool *pool,
                    const double *load, uint64_t seed, uint64_t entity,
                    struct arena *arena, struct routing *out);

#endif
