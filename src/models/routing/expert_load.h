/* How unequally experts are used, and on which GPUs their replicas stand. */
#ifndef MOESIM_MODELS_ROUTING_EXPERT_LOAD_H
#define MOESIM_MODELS_ROUTING_EXPERT_LOAD_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"

enum skew { SKEW_EVEN, SKEW_LOGNORMAL, SKEW_ZIPF, SKEW_POWER_LAW, SKEW_FILE };
enum balance { BALANCE_NONE, BALANCE_EPLB, BALANCE_EPLB_GLOBAL };

struct expert_load_cfg {
    int skew; /* enum skew */
    double cv_ratio, zipf_exponent;
    double range;      /* power law: its largest share over its least */
    const char *file;  /* of loads: a row per layer, a column per expert */
    int64_t redundant; /* replicas beyond one of each expert, over all GPUs */
    int balance;       /* enum balance: where replicas go */
};

extern const struct cfg_table expert_load_table;
extern const char *const balance_names[];

/* Loads counted by somebody else: [layers][experts], none negative, each row with a positive sum. */
struct load_rows {
    const double *load;
    uint32_t layers, experts;
};

/* Loads of one layer's experts, mean 1. `rows` is needed for SKEW_FILE only; one row speaks for all layers. */
void expert_load_draw(const struct expert_load_cfg *cfg, const struct load_rows *rows, uint32_t experts, uint64_t seed,
                      uint32_t layer, double *load);

/* A token chooses an expert once at most, so none can have more than experts / top_k times the mean. The
 * number of the expert that has, or -1. */
int64_t expert_load_infeasible(const double *load, uint32_t experts, uint32_t top_k);

/* Where replicas stand: those of expert e are first[e] .. first[e + 1] - 1. */
struct placement {
    uint32_t experts, replicas, ranks, nodes;
    uint32_t *first; /* [experts + 1] */
    uint32_t *rank;  /* [replicas], ascending for each expert */
};

struct placement_shape {
    uint32_t experts, redundant, groups, ranks, nodes;
};

/* NULL, or what does not divide. */
const char *placement_misfit(const struct placement_shape *s, enum balance balance);
/* `load` is what the balancer believes; BALANCE_NONE deals replica i, a copy of expert i mod experts, in order. */
void placement_make(const struct placement_shape *s, enum balance balance, const double *load, struct arena *arena,
                    struct placement *out);
/* What ranks and nodes have to do when tokens share the replicas of an expert evenly: times the mean of
 * ranks, of nodes. */
void placement_load(const struct placement *p, const double *load, double *rank_load, double *node_load);

#endif
