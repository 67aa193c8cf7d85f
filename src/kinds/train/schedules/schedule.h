/* Pipeline schedules: what each pipeline rank does in one training step, in which order, and which messages it
 * exchanges between. A plugin is one const struct schedule_type in schedule_NAME.c; the registry is generated.
 *
 * A rank has one or more modules, each a stage of the model. A step is a chunk of work of one module on one
 * micro-batch, or a forward and a backward chunk of different modules at once. The messages of a step (outputs of
 * steps before it, inputs of its own) are exchanged before it begins. */
#ifndef MOESIM_KINDS_TRAIN_SCHEDULES_SCHEDULE_H
#define MOESIM_KINDS_TRAIN_SCHEDULES_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define SCHEDULE_MAX_MODULES 64
#define SCHEDULE_NOBODY UINT32_MAX

enum step_kind {
    STEP_FORWARD,
    STEP_BACKWARD,       /* for inputs and weights */
    STEP_BACKWARD_INPUT, /* for inputs only; the weights' part follows as a step of its own */
    STEP_WEIGHT,
    STEP_FORWARD_BACKWARD, /* two chunks, communication of each behind computation of the other */
    STEP_END,              /* no work: the last messages */
    N_STEP_KINDS
};

extern const char *const step_kind_names[N_STEP_KINDS];

struct step_chunk {
    uint32_t stage, micro_batch;
};

struct schedule_message {
    bool send;            /* else receive */
    bool gradient;        /* else activations */
    uint32_t boundary;    /* between stages boundary and boundary + 1 */
    uint32_t micro_batch; /* these three name a message: it has one sender and one receiver */
    uint32_t peer;        /* pipeline rank */
};

struct schedule_step {
    uint8_t kind;                        /* enum step_kind */
    struct step_chunk forward, backward; /* as far as the kind has them */
    uint32_t first_message, n_messages;  /* of the rank */
};

struct schedule_rank {
    struct schedule_step *steps;
    uint32_t n_steps;
    struct schedule_message *messages;
    uint32_t n_messages;
};

/* Where a module of a rank stands: its stage, and the ranks that its activations come from and go to; the rank
 * itself: handed over without a message. */
struct schedule_place {
    uint32_t stage, from, to;
};

/* How often a schedule repeats itself. */
struct schedule_shape {
    uint32_t ranks, micro_batches; /* of a pipeline */
    uint32_t modules;              /* of a rank */
};

struct schedule {
    const struct schedule_type *type;
    uint32_t n_ranks, n_stages, n_micro_batches, n_modules;
    struct schedule_rank *ranks; /* [n_ranks] */
};

/* Times of chunks, for the closed form of the bubble; backward_s is the full backward chunk. */
struct schedule_times {
    double forward_s, backward_s, weight_s, pair_s;
};

struct schedule_builder;

struct schedule_type {
    const char *name, *doc, *ref;
    uint32_t modules;     /* of a rank; 0: as many virtual stages as the user wants */
    bool both_directions; /* module 1 is the same model the other way round: every stage is on two ranks */
    bool waits_for_sends; /* a step begins when the outputs before it have been received, too */
    /* NULL, or why it cannot be; buf is the caller's. */
    const char *(*misfit)(const struct schedule_shape *shape, char *buf, size_t size);
    struct schedule_place (*place)(const struct schedule_shape *shape, uint32_t rank, uint32_t module);
    /* Lays all steps of a rank. */
    void (*plan)(struct schedule_builder *b);
    /* Idle time of a rank with equal stages and no communication, as published. */
    double (*bubble)(uint32_t ranks, const struct schedule_times *t);
};

const struct schedule_type *schedule_find(const char *name); /* NULL when unknown */
const struct schedule_type *const *schedule_all(void);       /* NULL-terminated, sorted by name */

/* modules: as many as the type has, or where it has none of its own, as the user wants. */
static inline struct schedule_shape schedule_shape_of(const struct schedule_type *type, uint32_t ranks,
                                                      uint32_t micro_batches, uint32_t virtual_stages)
{
    return (struct schedule_shape){ranks, micro_batches, type->modules ? type->modules : virtual_stages};
}
static inline uint32_t schedule_stages(const struct schedule_type *type, const struct schedule_shape *shape)
{
    return shape->ranks * (type->both_directions ? 1 : shape->modules);
}

/* The type allows this shape (misfit). */
struct schedule *schedule_build(const struct schedule_type *type, const struct schedule_shape *shape,
                                struct arena *arena);
/* Its forward chunks, in their order, with the messages of activations: an evaluation. */
struct schedule *schedule_forward_only(const struct schedule *all, struct arena *arena);

/* Most activations that a rank holds at once, each weighed by its stage's; from a forward chunk's begin to the
 * end of the last backward chunk that needs them. stage_B NULL: counted, 1 each. */
double schedule_peak_activations(const struct schedule *s, uint32_t rank, const double *stage_B);

/* --- for plugins ---------------------------------------------------------------------------------------- */

struct schedule_builder {
    const struct schedule *schedule;
    struct schedule_rank *out;
    uint32_t rank, ranks, micro_batches, modules; /* micro_batches: of one module */
    struct schedule_place place[SCHEDULE_MAX_MODULES];
    uint32_t forward[SCHEDULE_MAX_MODULES], backward[SCHEDULE_MAX_MODULES];    /* the next micro-batch's number */
    uint32_t received[2][SCHEDULE_MAX_MODULES], sent[2][SCHEDULE_MAX_MODULES]; /* [gradient][module] */
    struct step_chunk *owed; /* weight chunks not yet done, oldest first */
    uint32_t first_owed, n_owed;
    uint32_t first_message; /* of the next step */
};

/* Each puts a message before the next step: what the module's next chunk needs, what its last chunk made. */
void schedule_receive_forward(struct schedule_builder *b, uint32_t module);
void schedule_send_forward(struct schedule_builder *b, uint32_t module);
void schedule_receive_backward(struct schedule_builder *b, uint32_t module);
void schedule_send_backward(struct schedule_builder *b, uint32_t module);
/* Steps. */
void schedule_forward(struct schedule_builder *b, uint32_t module);
void schedule_backward(struct schedule_builder *b, uint32_t module, bool input_only);
void schedule_pair(struct schedule_builder *b, uint32_t forward_module, uint32_t backward_module);
void schedule_weight(struct schedule_builder *b); /* the oldest that is owed */

#endif
