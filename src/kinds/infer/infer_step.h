/* A step of inference: decoding one token more for every sequence, or prefilling a
 * batch of prompts. Laid out once, then as an op graph for the simulator or in closed
 * form. */
#ifndef MOESIM_KINDS_INFER_INFER_STEP_H
#define MOESIM_KINDS_INFER_INFER_STEP_H

#include "kinds/infer/infer_fabric.h"
#include "kinds/infer/infer_program.h"
#include "kinds/infer/infer_traffic.h"
#include "models/comm/ep_exchange.h"
#include "models/opgraph.h"
#include "topology/topology.h"

/* Of traffic that was drawn. */
struct infer_step_drawn {
    /* means and extremes over layers and micro-batches */
    double nodes_per_token, ranks_per_token, groups_per_token;
    double busiest_mean, busiest_max;
    /* dispatch, combine: what a rank's bytes take of the narrowest thing that they cross, mean of ranks in one layer */
    double mean_load_s[2];
    double forwarded_ratio; /* of the copies between nodes, through another GPU's NIC */
};

struct infer_step {
    struct infer_layout layout;
    struct infer_kernels kernels;
    struct infer_program program;
    const struct kernel_model *model;
    const struct infer_gate *gate;
    uint32_t sparse_layers; /* of the model; the program may have fewer */
    struct arena *arena;
    uint32_t first_drawn; /* the program's layers draw what the model's from this sparse one on send */
    struct infer_step_drawn drawn;
    const char *load_limit[2]; /* the narrowest thing; NULL: nobody has looked */
    double *experts_known;     /* infer_step_experts_s */
};

/* `layers` with experts are in the program; 0 = all of the model's. `gate` may be NULL for
 * a model without experts. The arena and what is pointed to outlive the step. */
void infer_step_init(struct infer_step *s, const struct infer_layout *l, const struct kernel_model *model,
                     const struct infer_gate *gate, uint32_t layers, struct arena *arena);

/* infer_experts_s, which is asked again and again for the same few numbers of rows. */
double infer_step_experts_s(struct infer_step *s, const double *rows);

/* When things happened, of each item of the stream on each rank; POST: from its posting on a rank to the last arrival
 * there. WAIT has no time of its own. Rows may be shared: what follows an item begins when that ends. */
struct infer_times {
    const double **start_s, **end_s; /* [program.n] rows of [ranks] */
};

/* Where the ops of a graph are: those of an item are consecutive, first + rank. */
struct infer_ops {
    uint32_t *item;     /* [program.n] first op; POST: of what sends; WAIT: OP_NONE */
    uint32_t *received; /* [program.n] POST: first op of what receives */
};

/* Adds the step to a graph whose devices are ranks from 0 on. `bundles`: nobody looks at single transfers of it. */
void infer_step_graph(struct infer_step *s, const struct topology *topo, bool bundles, struct opgraph *graph,
                      struct infer_ops *ops);

/* What the closed form knows of the network. */
struct infer_network {
    double nic_Bps, nvlink_Bps;
    double nic_latency_s, nvlink_latency_s; /* of the shortest path between nodes; of an NVLink hop */
    struct infer_fabric fabric;             /* no links: one switch, or routes that depend on load */
    const char *chip; /* text of all that kernels' times depend on beside the layout; NULL: nobody else may know them */
};

/* The step in closed form, a lower bound of what is simulated: NICs, NVLink, what copies or posts, and cables between
 * switches carry the bytes of each exchange, whatever order they go in. Arrays are the arena's. */
void infer_step_bound(struct infer_step *s, const struct infer_network *net, struct arena *arena,
                      struct infer_times *out);

/* For those who draw traffic: what a token of a layer's micro-batch reaches, noted for each; loads of ranks for one. */
struct infer_reach {
    double groups_per_token, nodes_per_token, ranks_per_token, busiest_ratio;
};
struct infer_reach infer_reach_of(const struct infer_router *router, const struct infer_traffic *t);
void infer_step_forget_traffic(struct infer_step *s);
void infer_step_note_reach(struct infer_step *s, const struct infer_reach *reach);
void infer_step_note_loads(struct infer_step *s, bool combine, const struct ep_load *load);

#endif
