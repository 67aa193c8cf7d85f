/* A recorded trace of one rank: kernels on streams, with what each waited for. Filled by io
 * (Kineto import, or our own versioned JSON), read by models/chunk/chunk_trace.c. Times count from the
 * first kernel. Everything is owned by the arena it was read into. */
#ifndef MOESIM_MODELS_TRACE_H
#define MOESIM_MODELS_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_NONE UINT32_MAX
/* Of a file that holds messages or their classes; others stay readable for version 0.1. */
#define TRACE_VERSION 2
#define TRACE_FIRST_VERSION 1
#define TRACE_SET_VERSION 1

/* What limits a kernel: how its time moves when the hardware changes. */
enum kernel_bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_LATENCY, BOUND_COMM, BOUND_WAIT };

struct trace_class {      /* one row of the classification table */
    const char *name;     /* "grouped_gemm_fp8" */
    uint8_t bound;        /* enum kernel_bound */
    uint8_t collective;   /* enum trace_collective; 0 = none */
    uint8_t per_token;    /* 1: the work of all its kernels follows the tokens that the rank's
                              experts received; 0: only of those with rows > 0 */
    uint8_t unclassified; /* 1: no rule knows the kernel; its bound is assumed */
};

enum trace_collective {
    COLL_NONE,
    COLL_DISPATCH, /* DeepEP between nodes, many tokens */
    COLL_DISPATCH_CACHED,
    COLL_COMBINE,
    COLL_NOTIFY,
    COLL_LAYOUT,
    COLL_LIBRARY,        /* of NCCL or RCCL: what it moves is in a message, if anywhere */
    COLL_OWN,            /* kernels of other makers: symmetric memory, vLLM, FlashInfer, MSCCL, NVSHMEM */
    COLL_EP_LOW_LATENCY, /* DeepEP's dispatch and combine of decoding */
    COLL_EP_INTRANODE    /* DeepEP's inside a node */
};

/* What a message of a collective library is. */
enum trace_operation {
    OPERATION_UNKNOWN,
    OPERATION_ALL_REDUCE,
    OPERATION_ALL_GATHER,
    OPERATION_REDUCE_SCATTER,
    OPERATION_ALL_TO_ALL,
    OPERATION_BROADCAST,
    OPERATION_REDUCE,
    OPERATION_GATHER,
    OPERATION_SCATTER,
    OPERATION_SEND,
    OPERATION_RECV,
    OPERATION_SEND_RECV, /* of which nothing more is known: point to point or an all-to-all */
    OPERATION_BARRIER,
    N_OPERATIONS
};

struct trace_group {
    const char *name; /* of the process group; "" = not in the file */
    uint32_t size;
    uint32_t *ranks; /* [size] global; NULL: only the size is known */
};

struct trace_message {
    uint8_t operation; /* enum trace_operation */
    uint32_t group;    /* index into groups; TRACE_NONE = not in the file */
    /* As nccl-tests counts: what a rank sends in all (all-to-all), the whole output (all-gather), the whole
     * input (reduce-scatter), the buffer of a rank (the others); 0 = not in the file */
    double bytes_B;
    int32_t peer;     /* global rank of a send's receiver or a receive's sender; -1 = none */
    int64_t sequence; /* number of the call in its group; -1 = not in the file */
    double *split_B;  /* [size of the group] what goes to each member; NULL = even */
};

struct trace_kernel {
    uint32_t class_id;
    uint32_t stream; /* index into streams */
    uint32_t phase;  /* index into phases; TRACE_NONE = none */
    int32_t layer;   /* layer pair from 1; 0 = none */
    double start_s, duration_s;
    double launch_s;            /* when the CPU issued it */
    int32_t grid[3];            /* 0 0 0: a copy or fill, or a profiler that does not say */
    uint32_t blocks;            /* thread blocks resident at once: the grid, or what fits on the SMs */
    double rows;                /* > 0: the work is proportional to the expert-token rows, of which it
                             had this many (padded); its share where experts have kernels of
                             their own */
    uint32_t first_dep, n_deps; /* into deps: kernels on other streams that it waited for */
    uint32_t launch_after;      /* kernel whose end the CPU awaited before the launch; or TRACE_NONE */
    uint32_t message;           /* index into messages; TRACE_NONE = no collective, or nothing is known of it */
};

struct trace {
    int version;
    const char *name, *source, *device;
    int32_t world_size, rank, sms;
    /* of the file that it was imported from: when the time is 0 on that file's clock, NaN = not known; whether the
     * file says which rank it is */
    double clock_s;
    bool rank_given;
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
    struct trace_group *groups;
    uint32_t n_groups;
    struct trace_message *messages;
    uint32_t n_messages;
};

/* Whether kernels of the class communicate: they move data between ranks or wait for them. */
static inline bool trace_class_communicates(const struct trace_class *c)
{
    return c->collective != COLL_NONE || c->bound == BOUND_COMM || c->bound == BOUND_WAIT;
}

#endif
