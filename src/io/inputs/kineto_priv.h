/* Inside of the Kineto import: events as they are read, then linked in place.
 * Reading (kineto.c; kineto_comm.c what collectives moved) fills the arrays; kineto_link.c sorts them,
 * ties kernels to their launches and launches to annotations; kineto_deps.c infers waits, or takes them
 * from the file (kineto_sync.c); kineto_rows.c finds the expert rows; kineto_build.c turns the result into
 * a struct trace. */
#ifndef MOESIM_IO_INPUTS_KINETO_PRIV_H
#define MOESIM_IO_INPUTS_KINETO_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/diag.h"
#include "io/trace/trace_classes.h"

#define KIN_NONE UINT32_MAX
/* Time stamps are whole microseconds in many traces: two kernels that touch may overlap
 * by as much. */
#define KIN_TOUCH_US 1.0

struct kin_gpu { /* a kernel, copy or fill on the GPU; sorted by start, then launch */
    const struct class_rule *rule;
    const char *name; /* owned by the importer's name table */
    double start_us, end_us, launch_us;
    int64_t stream_id, correlation, external_id;
    int32_t grid[3];                       /* 0: a copy or fill, or not known */
    uint32_t threads, registers, shared_B; /* per block, per thread, per block */
    uint32_t stream;                       /* index into streams */
    uint32_t thread;                       /* that launched it; KIN_NONE = unknown */
    uint32_t span;                         /* annotation that it was launched in; KIN_NONE = none */
    uint32_t position;                     /* in launch order on its stream */
    uint32_t first_dep;                    /* head of its list in deps; KIN_NONE = none */
    uint32_t launch_after;                 /* or KIN_NONE */
    uint32_t message;                      /* or KIN_NONE */
    uint32_t n_forked;                     /* kernels of its class beside it, itself counted; 0 = none */
    double rows;
    bool kernel; /* no copy or fill */
};

enum kin_call_kind { KIN_LAUNCH, KIN_STREAM_WAIT, KIN_SYNCHRONIZE, KIN_RECORD };

struct kin_call { /* of the CUDA or HIP API, sorted by time */
    double start_us, end_us;
    int64_t correlation;
    uint32_t thread;
    uint32_t span;
    int32_t grid[3]; /* ROCm: of the kernel that it launched; 0 = not known */
    uint32_t threads, shared_B;
    uint8_t kind;
};

struct kin_sync { /* what a call waited for, by the correlation of the call */
    int64_t correlation;
    int64_t stream_id;          /* that waits, or that the CPU waited for; -1 = all */
    int64_t event_stream_id;    /* where the event was recorded; -1 = not in the file */
    int64_t record_correlation; /* of the call that recorded it; -1 = not in the file */
    double record_us;           /* when; NaN = not in the file */
    bool of_event;
};

struct kin_group {
    const char *name; /* owned by the importer's name table; "" = none */
    uint32_t size;
    uint32_t *ranks; /* [size]; NULL = not known */
};

struct kin_message { /* see struct trace_message */
    double bytes_B;
    double *split_B; /* [members of the group]; NULL = even */
    int64_t sequence;
    uint32_t group; /* KIN_NONE = not in the file */
    int32_t peer;
    uint8_t operation;
};

struct kin_operator { /* on the CPU, that a collective's kernel belongs to */
    int64_t external_id;
    struct kin_message message;
    uint32_t number; /* in the order of the file */
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
    bool communication; /* most of its time is */
    double busy_us, comm_us;
    uint32_t *kernels; /* in launch order */
    uint32_t n_kernels;
};

struct kin_dep { /* a linked list per waiting kernel */
    uint32_t awaited, next;
};

struct kin_device {
    const char *name;
    int64_t id, sms, threads_per_sm, registers_per_sm, shared_per_sm_B, warp_threads;
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
    struct kin_sync *syncs;
    size_t n_syncs, cap_syncs;
    struct kin_message *messages;
    size_t n_messages, cap_messages;
    struct kin_operator *operators;
    size_t n_operators, cap_operators;
    struct kin_group *groups, *named; /* of messages; of distributedInfo */
    size_t n_groups, cap_groups, n_named, cap_named;
    double *numbers; /* scratch of lists */
    struct kin_stream streams[KIN_MAX_STREAMS];
    uint32_t n_streams;

    struct kin_device devices[KIN_MAX_DEVICES];
    int n_devices;
    int64_t device_id;        /* of the kernels; -1 = none seen */
    int64_t rank, world_size; /* -1, 0: not in the file */
    double base_s;            /* when time stamps are 0, on the host's clock */
    const char *trace_name;

    struct name_table *rule_of_name; /* kernel name -> rule */
    struct name_table *names;        /* annotation names */
    struct name_table *threads;      /* "pid/tid" -> number */
    uint32_t n_threads;
    bool syncs_known; /* the file says who waits for what */
    size_t n_gridless, n_bad_types, n_cut_splits, n_early_waits;
    const char *bad_type;
};

/* One more zeroed element at the end of a malloc'ed array. */
void *kin_push(void **array, size_t *n, size_t *cap, size_t element_B);
#define KIN_PUSH(k, what) kin_push((void **)&(k)->what, &(k)->n_##what, &(k)->cap_##what, sizeof *(k)->what)

/* A name that lives as long as the import; the same text gives the same pointer. */
const char *kin_intern(struct kineto *k, const char *name);

/* --- kineto_comm.c --- */

/* enum trace_operation of a collective's or a kernel's name. */
uint8_t kin_operation_of(const char *name);
/* From the arguments of an event; false: they are of no collective. */
bool kin_read_message(struct kineto *k, const cJSON *args, struct kin_message *out);
void kin_read_groups(struct kineto *k, const cJSON *pg_config);
void kin_read_operator(struct kineto *k, const cJSON *event);
/* Kernels without arguments of their own get their operator's; groups get their ranks. */
void kin_link_messages(struct kineto *k);
int64_t kin_external_id(const cJSON *args); /* -1 = none */

/* --- kineto_sync.c; streams must be in launch order --- */

void kin_read_sync(struct kineto *k, const cJSON *event);
void kin_sort_syncs(struct kineto *k); /* while calls are sorted by correlation */
/* What the file says of a call; NULL = nothing. */
const struct kin_sync *kin_sync_of(const struct kineto *k, int64_t correlation);
/* The kernel that a wait holds up: its stream's next launch after the call; KIN_NONE. */
uint32_t kin_sync_waiting(const struct kineto *k, const struct kin_sync *sync, double call_us);
/* The kernel that the event or the stream stands for when the call was made; KIN_NONE. */
uint32_t kin_sync_awaited(const struct kineto *k, const struct kin_sync *sync, double call_us);

/* 0, or -1 after an error. */
int kin_link(struct kineto *k);
void kin_infer_waits(struct kineto *k);
void kin_find_rows(struct kineto *k);

/* Of the kernels; NULL = the file does not say. */
const struct kin_device *kin_find_device(const struct kineto *k);

struct trace;
struct trace *kin_build(struct kineto *k);

#endif
