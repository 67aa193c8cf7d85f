/* Times of the chunks of a training step: each different chunk simulated on its group of GPUs, several times with
 * routing of its own. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_CHUNKS_H
#define MOESIM_KINDS_TRAIN_TRAIN_CHUNKS_H

#include "kinds/train/train_plan.h"

struct chunk_time {
    double time_s;    /* mean over the group's GPUs */
    double compute_s; /* of it, with a kernel on a compute stream; */
    double tensor_s;  /* without, while tensor or context parallelism exchanges; */
    double gap_s;     /* and with nothing on any stream. The rest is experts' communication that nothing hides */
};

struct train_times {
    const struct train_plan *plan;
    uint32_t samples, n_chunks, n_classes;
    uint32_t n_simulated;       /* of the classes in each sample; others have stand-ins (train.chunks.places) */
    double place_spread_ratio;  /* standard deviation of a chunk's time from place to place, of those simulated */
    struct train_chunk *chunks; /* [n_chunks] the different ones */
    uint32_t **chunk_of_step;   /* [rank][step] */
    uint32_t *class_of_place;   /* [network][column][rank] places with the same network around them */
    struct chunk_time *time;    /* [class][sample][chunk] */
    uint32_t **draw;            /* [column * ranks + rank][step] the sample */
    double *slowest;            /* [column * ranks + rank] of the group's GPUs: computation over that of the mean GPU */
    double *sample_slowest;     /* [samples] the same of the GPUs that a sample was simulated with */
    struct critical_path *path; /* [n_chunks] what they wait for inside; NULL: nobody asked */
    double nodes_per_token;     /* of the drawn routings; 0 = nothing is routed */
};

/* A chunk as it is simulated. */
struct train_chunk {
    uint8_t kind;               /* enum step_kind */
    uint32_t forward, backward; /* stages, as far as the kind has them */
    struct chunk_program program;
};

/* `samples` of each chunk; one where nothing is routed. */
int train_times_measure(struct kind_run *run, const struct train_plan *plan, uint32_t samples, struct train_times *out,
                        struct diag *diag);
/* Kernels of all chunks of a pipeline rank. */
double train_graph_nodes(const struct train_times *t, uint32_t rank);
/* What a step of a rank takes. */
struct chunk_time train_time_of(const struct train_times *t, uint32_t network, uint32_t column, uint32_t rank,
                                const struct schedule_step *step);
/* Mean over its samples. */
double train_mean_time_s(const struct train_times *t, uint32_t network, uint32_t column, uint32_t rank,
                         const struct schedule_step *step);

#endif
