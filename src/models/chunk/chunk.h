/* A chunk program: what each GPU of an expert-parallel group runs for one chunk of a pipeline stage, kernel by
 * kernel, before it is multiplied over the GPUs. Where the kernels come from is not known here: a recorded trace
 * (chunk_trace.c) or a model of kernels. */
#ifndef MOESIM_MODELS_CHUNK_CHUNK_H
#define MOESIM_MODELS_CHUNK_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "hw/kernels/kernels.h"
#include "models/comm/ep_kernel.h"
#include "models/routing/moe_routing.h"
#include "models/opgraph.h"

#define CHUNK_NONE UINT32_MAX

struct chunk_kernel {
    uint8_t kind;                 /* enum op_kind */
    uint8_t collective;           /* enum trace_collective; COLL_NONE for everything that only computes */
    bool per_token;               /* work follows the tokens that the rank's experts received */
    bool backward;                /* tokens of the backward chunk */
    uint32_t routing;             /* which routing: 2 * layer + backward */
    uint32_t stream, name, phase; /* indices into the program's; phase CHUNK_NONE = none */
    int32_t layer;                /* layer pair from 1; 0 = none */
    double work_s; /* COMPUTE: on sm_ref SMs, of a rank with the routing's load; SYNC: once all have arrived */
    double lead_s;
    float sm_ref, sm_max, sm_hold;
    float memory;              /* see struct op */
    uint16_t peers, stride;    /* COMM, peers > 0: not the experts' exchange: each of so many ranks, so far apart ... */
    struct kernel_gains gains; /* COMPUTE; all 0: not known, as of a recorded kernel */
    double bytes_B;            /* ... sends its share of this to each other one */
    uint32_t first_dep, n_deps; /* into deps: earlier kernels whose end it awaits */
    /* kernels of a stream that overlap: which further lane of the program's it is on, from 1; 0 = the stream's */
    uint32_t beside;
    uint32_t first_early, n_early; /* into early: earlier kernels of which it awaits a share */
    uint32_t first_queue, n_queue; /* into queue: earlier kernels that have the SMs first */
    uint32_t joint; /* SYNC: number from 1 of the call that it shares with kernels of other programs; 0 = none */
};

struct chunk_queue { /* see struct queue_dep */
    uint32_t kernel;
    double share, lag_s, slack_s, free_sms;
};

struct chunk_early {
    uint32_t kernel;
    double share; /* of its work */
};

/* A dispatch or combine. */
static inline bool chunk_is_exchange(const struct chunk_kernel *k)
{
    return k->kind == OP_COMM && !k->peers;
}

struct chunk_program {
    const char **streams, **names, **phases;
    uint32_t n_streams, n_names, n_phases;
    struct chunk_kernel *kernels; /* those of a stream in its order */
    uint32_t n_kernels;
    uint32_t *deps;
    uint32_t n_deps;
    struct chunk_early *early;
    uint32_t n_early;
    struct chunk_queue *queue;
    uint32_t n_queue;
    uint32_t n_beside; /* lanes beside those of the streams */
    double *load;      /* [n_routings] tokens over the mean, for which per-token work holds; 0 = not known, mean */
    uint32_t n_routings;
};

/* How tokens are exchanged: dispatch, combine. */
struct chunk_exchange {
    const struct ep_kernel_type *kernel;
    const char *format[2]; /* of a token on the wire */
};

/* Where and how a program runs. */
struct chunk_group {
    const struct routing_shape *shape;     /* of the group; NULL: nothing is routed */
    uint32_t ranks;                        /* without a shape; 0 = 1 */
    const struct chunk_exchange *exchange; /* NULL: DeepEP's normal kernels as DeepSeek-V3 was trained with */
    const struct cluster_hw *hw;
    uint64_t seed;
    uint32_t first_device;          /* of rank 0 */
    uint32_t reference;             /* the rank whose loads are the program's; CHUNK_NONE: all ranks' are drawn */
    int64_t entry_layers;           /* layer pairs before the chunk whose imbalance lets ranks enter it apart */
    const struct routing *routings; /* [n_routings] drawn before; NULL: draw */
    const double *slow;     /* [ranks] what computation takes on each, over what it takes on the mean; NULL: 1 */
    double kernel_cv_ratio; /* coefficient of variation of a kernel's time from run to run */
    double launch_s;        /* > 0: the CPU issues kernels one after the other, each takes it so long */
    double expert_exponent; /* > 0: experts are used by a power law, instead of the shape's rank_load_cv */
};

/* What became of it. Arrays are arena-owned. */
struct chunk_ops {
    uint32_t n_ranks;
    uint32_t first_op, stride;      /* rank r's kernel k is op first_op + r * stride + k; launches are apart */
    const struct routing *routings; /* [n_routings]; those without traffic stay empty; NULL: nothing is routed */
    bool *routed;                   /* [n_routings] */
    double *entry_s;                /* [n_ranks] when each rank enters, after the first of them; NULL: at once */
};

/* One of the routings that chunk_build draws. */
void chunk_draw_routing(const struct chunk_group *group, const struct routing_pool *pool, uint32_t index,
                        double reference_load, struct arena *arena, struct routing *out);
/* Adds the ops and transfers of all ranks to a graph without ops. */
void chunk_build(const struct chunk_program *program, const struct chunk_group *group, struct opgraph *graph,
                 struct arena *arena, struct chunk_ops *out);

/* Programs of different ranks, which share calls. */
struct chunk_rank {
    const struct chunk_program *program;
    uint32_t device;
    double entry_s; /* when it begins, after the first of them */
};
/* Adds their ops to a graph without ops; rank r's kernel k is op first_op[r] + k. Nothing is routed. */
void chunk_build_ranks(const struct chunk_rank *ranks, uint32_t n, uint32_t n_joints, const struct cluster_hw *hw,
                       struct opgraph *graph, struct arena *arena, uint32_t *first_op);

/* One dispatch or combine carries, for people: payload of rank's copies to nodes, the own node counted. */
double chunk_logical_B(const struct chunk_program *program, const struct chunk_group *group,
                       const struct chunk_ops *ops, uint32_t kernel);

#endif
