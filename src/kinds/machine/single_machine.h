/* A model on a single machine: what lies where, and how long a token takes (paper 2.2.2). */
#ifndef MOESIM_KINDS_MACHINE_SINGLE_MACHINE_H
#define MOESIM_KINDS_MACHINE_SINGLE_MACHINE_H

#include <stdbool.h>

#include "hw/machine.h"
#include "models/llm/decode_parts.h"

struct single_setup {
    const struct model *model;
    const struct hw_machine *machine;
    double context;
    double extra_tokens; /* that MTP modules predict and the next step verifies; 0 = none */
    bool experts_on_gpu; /* routed experts fill what is left of the GPU's memory; else they are the CPU's */
    const double *expert_load;
};

/* Layers of each part on the GPU; the rest is the CPU's. */
struct single_placement {
    double gpu_layers[N_DECODE_PARTS];
    double gpu_B, cpu_B;           /* used, a single copy */
    double gpu_free_B, cpu_free_B; /* what there is for it */
};

enum single_limit {
    LIMIT_GPU_MEMORY,
    LIMIT_GPU_COMPUTE,
    LIMIT_CPU_MEMORY,
    LIMIT_CPU_COMPUTE,
    LIMIT_HOPS,
    LIMIT_GAPS,
    N_LIMITS
};
extern const char *const single_limit_names[N_LIMITS];

/* Where time goes in a step, without what runs beside something slower. */
struct single_time {
    double part_s[N_DECODE_PARTS], hops_s; /* of the model; with draft_s they sum to the step */
    double draft_s;                        /* of the MTP modules, hops with it */
    double limit_s[N_LIMITS];              /* the same time by what limits; sums to the step */
    double step_s;
    double gpu_B, cpu_B; /* read in the step */
};

enum single_limit single_limit(const struct single_time *t); /* what most of the time is spent on */

/* True when it fits. */
bool single_place(const struct single_setup *s, struct single_placement *out);
/* Of a placement that fits. */
void single_time(const struct single_setup *s, const struct single_placement *p, struct single_time *out);
/* The same at peak bandwidth and nothing else: every byte once, from where it lies. */
double single_bound_s(const struct single_setup *s, const struct single_placement *p);

#endif
