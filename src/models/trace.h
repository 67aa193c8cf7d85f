/* A recorded trace of one rank: kernels on streams, with what each waited for. Filled by io
 * (Kineto import, or our own versioned JSON), replayed by kinds/replay/replay.c. Times count from the
 * first kernel. Everything is owned by the arena it was read into. */
#ifndef MOESIM_MODELS_TRACE_H
#define MOESIM_MODELS_TRACE_H

#include <stdint.h>

#define TRACE_NONE UINT32_MAX
#define TRACE_VERSION 1

/* What limits a kernel: how its time moves when the hardware changes. */
enum kernel_bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_LATENCY, BOUND_COMM, BOUND_WAIT };

struct trace_class {    /* one row of the classification table */
    const char *name;   /* "grouped_gemm_fp8" */
    uint8_t bound;      /* enum kernel_bound */
    uint8_t collective; /* enum trace_collective; 0 = none */
    uint8_t per_token;  /* 1: the work of all its kernels follows the tokens that the rank's
                            experts received; 0: only of those with rows > 0 */
};

enum trace_collective { COLL_NONE, COLL_DISPATCH, COLL_DISPATCH_CACHED, COLL_COMBINE, COLL_NOTIFY, COLL_LAYOUT };

struct trace_kernel {
    uint32_t class_id;
    uint32_t stream; /* index into streams */
    uint32_t phase;  /* index into phases; TRACE_NONE = none */
    int32_t layer;   /* layer pair from 1; 0 = none */
    double start_s, duration_s;
    double launch_s;            /* when the CPU issued it */
    int32_t grid[3];            /* 0 0 0: a copy or fill, no kernel */
    uint32_t blocks;            /* thread blocks resident at once: the grid, or what fits on the SMs */
    double rows;                /* > 0: the work is proportional to the expert-token rows, of which it
                             had this many (padded); its share where experts have kernels of
                             their own */
    uint32_t first_dep, n_deps; /* into deps: kernels on other streams that it waited for */
    uint32_t launch_after;      /* kernel whose end the CPU awaited before the launch; or TRACE_NONE */
};

struct trace {
    int version;
    const char *name, *source, *device;
    int32_t world_size, rank, sms;
    int32_t hidden, seq_len, experts, experts_per_token, ep; /* 0 = unknown */
    const char **streams;                                    /* "compute", "compute2", "communication" */
    uint32_t n_streams;
    const char **phases; /* "attn(F)" ... in order of first appearance */
    uint32_t n_phases;
    struct trace_class *classes;
    uint32_t n_classes;
    struct trace_kernel *kernels; /* by start time */
    uint32_t n_kernels;
    uint32_t *deps;
    uint32_t n_deps;
};

#endif
