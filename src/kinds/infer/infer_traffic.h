/* Who sends how many tokens to whom in a layer of an inference step, and what experts
 * receive. */
#ifndef MOESIM_KINDS_INFER_INFER_TRAFFIC_H
#define MOESIM_KINDS_INFER_INFER_TRAFFIC_H

#include <gsl/gsl_rng.h>

#include "kinds/infer/infer_layout.h"
#include "models/routing/moe_routing.h"

/* The gate of a model: a pool of scored tokens, and what they choose while all experts
 * are alike. */
struct infer_gate {
    struct routing_cfg cfg;
    struct routing_shape shape;
    struct routing_pool **pool; /* NULL until somebody asks for it (infer_gate_pool) */
    struct gate_choices even;
    uint64_t seed;
    struct arena *arena;
};

/* Takes a tenth of a second, in a sweep once for all points; several steps may share one. */
struct infer_gate *infer_gate_new(const struct expert_facts *moe, uint64_t seed, struct arena *arena);

struct infer_router {
    const struct infer_layout *layout;
    const struct infer_gate *gate;
    gsl_rng *rng;
    struct gate_choices choices;
    double groups_per_token; /* groups that a token's experts come from, on average */
    struct placement where;
    uint32_t *slot; /* [routed slots] the place of each of the placement's replicas */
    uint32_t *name; /* [experts] of a layer whose experts are all alike */
    double *load;   /* [experts] wanted */
    uint32_t *mark; /* [ranks + nodes] scratch */
    struct arena *of_layer;
};

/* Of one layer and micro-batch. */
struct infer_traffic {
    struct ep_traffic to; /* busiest_ratio: rows of the busiest rank over the mean */
    double *slot_rows;    /* [slots] rows that a place receives */
};

void infer_router_init(struct infer_router *r, const struct infer_layout *l, const struct infer_gate *gate,
                       struct arena *arena);
void infer_router_free(struct infer_router *r);
/* Goes to a layer: how popular its experts are, and where they lie. */
void infer_router_layer(struct infer_router *r, uint32_t layer);

void infer_traffic_new(const struct infer_layout *l, struct arena *arena, struct infer_traffic *out);
/* The traffic of a micro-batch of the router's layer; overwrites what `out` held. */
void infer_traffic_draw(struct infer_router *r, uint32_t layer, uint32_t micro_batch, struct infer_traffic *out);

#endif
