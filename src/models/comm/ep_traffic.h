/* Who sends how many tokens to whom in one exchange. */
#ifndef MOESIM_MODELS_COMM_EP_TRAFFIC_H
#define MOESIM_MODELS_COMM_EP_TRAFFIC_H

#include <stdint.h>

#include "base/arena.h"
#include "models/routing/moe_routing.h"

/* GPUs of an expert-parallel group: rank r is GPU first + r of a cluster with so many GPUs in a scale-up domain. */
struct ep_group {
    uint32_t ranks, first, gpus_per_node;
};

struct ep_traffic {
    struct ep_group group;
    uint32_t nodes;      /* that the group touches */
    uint32_t per_node;   /* ranks on each; 0 = not equally many */
    double *pairs;       /* [ranks][ranks] (token, expert) of a rank (row) with experts of a rank */
    double *rank_copies; /* [ranks][ranks] tokens of a rank with at least one expert of a rank */
    double *node_copies; /* [ranks][nodes] tokens of a rank with at least one expert on a node */
    double ranks_per_token, nodes_per_token;
    double busiest_ratio; /* pairs of the busiest rank's experts over the mean */
};

/* How tokens choose experts. */
enum ep_choice {
    EP_UNIFORM, /* every expert as likely as any other, independently: means of that */
    EP_SAMPLED, /* the same, drawn */
    EP_DEALT    /* in turn, a token's experts on as many ranks as can be (TensorRT-LLM's benchmark) */
};

struct ep_choices {
    enum ep_choice choice;
    int64_t experts, top_k;
    int64_t groups, top_groups; /* a token's experts come from so many of the groups; 1, 1 = from all */
    double tokens;
    uint64_t seed;
};

/* Node of a rank, counted from the group's first. */
uint32_t ep_node(const struct ep_group *g, uint32_t rank);
void ep_traffic_make(const struct ep_group *g, const struct ep_choices *c, struct arena *arena, struct ep_traffic *out);
/* Uniform choices without arrays: only what a token reaches on average. With groups it is drawn, in some milliseconds. */
void ep_traffic_means(const struct ep_group *g, const struct ep_choices *c, struct arena *arena,
                      struct ep_traffic *out);
/* Of no tokens yet. */
void ep_traffic_new(const struct ep_group *g, struct arena *arena, struct ep_traffic *out);
/* The same of tokens that a gate chose for, drawn from its choices; replicas of an expert are taken in turn. */
void ep_traffic_count(const struct ep_group *g, const struct gate_choices *choices, uint32_t top_k,
                      const struct placement *where, uint32_t tokens, uint64_t seed, struct arena *arena,
                      struct ep_traffic *out);
/* Sums of a rank: copies that leave for other nodes, and for other ranks. */
double ep_mean_remote_nodes(const struct ep_traffic *t);

#endif
