/* Inside of the Kineto import: events as they are read, then linked in place.
 * Reading (kineto.c) fills the arrays; kineto_link.c sorts them, ties kernels to their
 * launches and launches to annotations; kineto_deps.c infers waits; kineto_rows.c finds
 * the expert rows; kineto_build.c turns the result into a struct trace. */
#ifndef MOESIM_IO_INPUTS_KINETO_PRIV_H
#define MOESIM_IO_INPUTS_KINETO_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "io/trace/trace_classes.h"

#define KIN_NONE UINT32_MAX
/* Time stamps are whole microseconds in many traces: two kernels that touch may overlap
 * by as much. */
#define KIN_TOUCH_US 1.0

struct kin_gpu { /* a kernel, copy or fill on the GPU; sorted by start, then launch */
    const struct class_rule *rule;
    double start_us, end_us, launch_us;
    int64_t stream_id, correlation;
    int32_t grid[3];                       /* 0: a copy or fill */
    uint32_t threads, registers, shared_B; /* per block, per thread, per block */
    uint32_t stream;                       /* index into streams */
    uint32_t thread;                       /* that launched it; KIN_NONE = unknown */
    uint32_t span;                         /* annotation that it was launched in; KIN_NONE = none */
    uint32_t position;                     /* in launch order on its stream */
    uint32_t first_dep;                    /* head of its list in deps; KIN_NONE = none */
    uint32_t launch_after;                 /* or KIN_NONE */
    uint32_t n_forked;                     /* kernels of its class beside it, itself counted; 0 = none */
    double rows;
};

enum kin_call_kind { KIN_LAUNCH, KIN_STREAM_WAIT, KIN_SYNCHRONIZE };

struct kin_call { /* of the CUDA API, sorted by time */
    double start_us, end_us;
    int64_t correlation;
    uint32_t thread;
    uint32_t span;
    uint8_t kind;
};

struct kin_span {     /* an annotation, sorted by start, outer first */
    const char *name; /* owned by the importer's name table */
    double start_us, end_us;
    uint32_t thread;
    int32_t occurrence; /* how often the name was seen, this one counted */
    double rows;        /* expert rows of the kernels in it; 0 = unknown */
};

struct kin_stream {
    int64_t id;
    bool communication;
    double busy_us;
    uint32_t *kernels; /* in launch order */
    uint32_t n_kernels;
};

struct kin_dep { /* a linked list per waiting kernel */
    uint32_t awaited, next;
};

struct kin_device {
    const char *name;
    int64_t id, sms, threads_per_sm, registers_per_sm, shared_per_sm_B;
};

enum { KIN_MAX_STREAMS = 64, KIN_MAX_DEVICES = 64 };

struct kineto {
    struct diag *diag;
    struct arena *arena;
    const char *file;
    const struct class_table *classes;

    struct kin_gpu *gpus;
    size_t n_gpus, cap_gpus;
    struct kin_call *calls;
    size_t n_calls, cap_calls;
    struct kin_span *spans;
    size_t n_spans, cap_spans;
    struct kin_dep *deps;
    size_t n_deps, cap_deps;
    struct kin_stream streams[KIN_MAX_STREAMS];
    uint32_t n_streams;

    struct kin_device devices[KIN_MAX_DEVICES];
    int n_devices;
    int64_t device_id; /* of the kernels; -1 = none seen */
    int64_t rank, world_size;
    const char *trace_name;

    struct name_table *rule_of_name; /* kernel name -> rule */
    struct name_table *names;        /* annotation names */
    struct name_table *threads;      /* "pid/tid" -> number */
    uint32_t n_threads;
    size_t n_unclassified;
    const char *unclassified; /* the first kernel name without a class */
};

/* One more zeroed element at the end of a malloc'ed array. */
void *kin_push(void **array, size_t *n, size_t *cap, size_t element_B);

/* 0, or -1 after an error. */
int kin_link(struct kineto *k);
void kin_infer_waits(struct kineto *k);
void kin_find_rows(struct kineto *k);

struct trace;
struct trace *kin_build(struct kineto *k);

#endif
