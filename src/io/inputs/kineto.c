/* Reading a Kineto trace: one event at a time, everything dropped at once that is neither
 * GPU work, nor its launch, nor a wait, nor an annotation, nor a collective. What is kept per kernel is
 * about 160 bytes, however long the event's text is.
 *
 * Of PyTorch 1.8 to 2.10, of NVIDIA's and AMD's GPUs. Older profilers write other names of categories; ROCm
 * writes a kernel's grid on the call that launched it, and children of a graph have none.
 *
 * Leaves out: several GPUs in one file (Kineto writes one file per rank), CPU operators that no collective belongs
 * to, tensor shapes, Python stacks, accelerators without kernels (MTIA).
 * Reference: libkineto output_json.cpp (pytorch/kineto); Chrome trace event format. */
#include "io/inputs/kineto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) out_of_memory()
#include <uthash.h>

#include "io/inputs/input.h"
#include "io/inputs/kineto_priv.h"

#define EVENT_LIMIT_B (1u << 20)
#define HEADER_LIMIT_B (64u << 20) /* ranks of all process groups of a large job */
#define MAX_RECORDS 20000000u
#define MAX_RANKS 1000000000
#define MAX_TIME_US 1e18 /* a year 33658; beyond it is no time stamp */

/* --- tables of names --------------------------------------------------------------- */

struct name_table {
    UT_hash_handle hh;
    const char *name;
    const void *value;
    uint32_t number;
};

static struct name_table *find_name(struct name_table *table, const char *name)
{
    struct name_table *found = NULL;

    HASH_FIND_STR(table, name, found);
    return found;
}

static struct name_table *add_name(struct name_table **table, const char *name, struct arena *arena)
{
    struct name_table *entry = ARENA_NEW(arena, struct name_table);

    entry->name = arena_strdup(arena, name);
    entry->number = HASH_COUNT(*table);
    HASH_ADD_KEYPTR(hh, *table, entry->name, strlen(entry->name), entry);
    return entry;
}

const char *kin_intern(struct kineto *k, const char *name)
{
    struct name_table *entry = find_name(k->names, name);

    return (entry ? entry : add_name(&k->names, name, k->arena))->name;
}

void *kin_push(void **array, size_t *n, size_t *cap, size_t element_B)
{
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 256;
        *array = checked_alloc(realloc(*array, *cap * element_B));
    }
    void *element = (char *)*array + (*n)++ * element_B;
    return memset(element, 0, element_B);
}

/* --- parts of events --------------------------------------------------------------- */

static int read_times(struct json_stream *js, const cJSON *event, const char *what, double *start_us, double *end_us)
{
    double duration_us = 0;

    if (json_number(js, event, "ts", what, true, -MAX_TIME_US, MAX_TIME_US, start_us) ||
        json_number(js, event, "dur", what, true, 0, MAX_TIME_US, &duration_us))
        return -1;
    *end_us = *start_us + duration_us;
    return 0;
}

static void id_text(const cJSON *id, char *text, size_t size)
{
    if (cJSON_IsNumber(id))
        snprintf(text, size, "%.17g", id->valuedouble);
    else
        snprintf(text, size, "%s", cJSON_IsString(id) ? id->valuestring : "");
}

static uint32_t read_thread(struct kineto *k, const cJSON *event)
{
    char process[64], thread[64], name[140];

    id_text(cJSON_GetObjectItemCaseSensitive(event, "pid"), process, sizeof process);
    id_text(cJSON_GetObjectItemCaseSensitive(event, "tid"), thread, sizeof thread);
    snprintf(name, sizeof name, "%s/%s", process, thread);
    struct name_table *entry = find_name(k->threads, name);
    if (!entry)
        entry = add_name(&k->threads, name, k->arena);
    k->n_threads = HASH_COUNT(k->threads);
    return entry->number;
}

/* The name's entry: its text, and as value the rule of its class. */
static const struct name_table *rule_of(struct kineto *k, const char *name)
{
    static const struct class_rule unclassified = {.bound = BOUND_MEMORY};
    struct name_table *entry = find_name(k->rule_of_name, name);

    if (!entry) {
        entry = add_name(&k->rule_of_name, name, k->arena);
        entry->value = class_table_find(k->classes, name);
        entry->value = entry->value ? entry->value : &unclassified;
    }
    return entry;
}

/* "grid": [x, y, z] and "block": [x, y, z]. 0, 1 where the event has none or says 0, or -1. */
static int read_dims(struct json_stream *js, const cJSON *args, const char *key, int32_t dims[3])
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(args, key);
    int32_t read[3];

    if (!list)
        return 1;
    for (int i = 0; i < 3; i++) {
        const cJSON *n = cJSON_GetArrayItem(list, i);
        if (!cJSON_IsNumber(n) || !(n->valuedouble >= 0 && n->valuedouble <= INT32_MAX) ||
            n->valuedouble != floor(n->valuedouble)) {
            diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js), "'%s' of this kernel must be three whole numbers",
                       key);
            return -1;
        }
        read[i] = (int32_t)n->valuedouble;
    }
    if (!read[0] || !read[1] || !read[2])
        return 1;
    memcpy(dims, read, sizeof read);
    return 0;
}

static uint32_t threads_of(const int32_t block[3])
{
    double threads = (double)block[0] * block[1] * block[2];

    return threads < UINT32_MAX ? (uint32_t)threads : UINT32_MAX;
}

/* What runs on how many threads; a grid without a block counts as unknown. */
static int read_shape(struct json_stream *js, const cJSON *args, int32_t grid[3], uint32_t *threads, uint32_t *shared_B)
{
    int32_t block[3] = {0, 0, 0};
    int64_t shared = 0;
    int no_block = read_dims(js, args, "block", block), no_grid = no_block < 0 ? -1 : read_dims(js, args, "grid", grid);

    if (no_grid < 0 || json_int(js, args, "shared memory", "kernel", false, 0, INT32_MAX, &shared))
        return -1;
    if (no_block || no_grid)
        memset(grid, 0, 3 * sizeof *grid);
    *threads = threads_of(block);
    *shared_B = (uint32_t)shared;
    return 0;
}

static int read_kernel_args(struct kineto *k, struct json_stream *js, const cJSON *args, struct kin_gpu *g)
{
    int64_t registers = 0;
    struct kin_message m;

    if (read_shape(js, args, g->grid, &g->threads, &g->shared_B) ||
        json_int(js, args, "registers per thread", "kernel", false, 0, UINT16_MAX, &registers))
        return -1;
    g->registers = (uint32_t)registers;
    if (!kin_read_message(k, args, &m))
        return 0;
    *(struct kin_message *)KIN_PUSH(k, messages) = m;
    g->message = (uint32_t)(k->n_messages - 1);
    return 0;
}

/* --- events ------------------------------------------------------------------------ */

static int check_device(struct kineto *k, struct json_stream *js, const cJSON *args)
{
    int64_t device = 0;

    if (json_int(js, args, "device", "kernel", false, 0, INT32_MAX, &device))
        return -1;
    if (k->device_id >= 0 && device != k->device_id) {
        diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js),
                   "this kernel ran on device %lld, earlier ones on device %lld; a trace "
                   "to import holds one rank on one GPU",
                   (long long)device, (long long)k->device_id);
        return -1;
    }
    k->device_id = device;
    return 0;
}

/* "stream" among the arguments, or the event's thread, which is the stream in Kineto's files. */
static int read_stream(struct json_stream *js, const cJSON *event, const cJSON *args, const char *what, int64_t *stream)
{
    bool thread = !cJSON_GetObjectItemCaseSensitive(args, "stream") &&
                  cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(event, "tid"));

    return json_int(js, thread ? event : args, thread ? "tid" : "stream", what, true, 0, INT32_MAX, stream);
}

static int read_gpu(struct kineto *k, struct json_stream *js, const cJSON *event, bool kernel)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    struct kin_gpu g = {.thread = KIN_NONE,
                        .span = KIN_NONE,
                        .first_dep = KIN_NONE,
                        .launch_after = KIN_NONE,
                        .message = KIN_NONE,
                        .correlation = -1,
                        .external_id = kin_external_id(args),
                        .kernel = kernel};
    const char *what = kernel ? "kernel" : "copy", *name = NULL;

    if (json_string(js, event, "name", what, true, &name) || read_times(js, event, what, &g.start_us, &g.end_us) ||
        read_stream(js, event, args, what, &g.stream_id) ||
        json_int(js, args, "correlation", what, false, 0, UINT32_MAX, &g.correlation) || check_device(k, js, args) ||
        (kernel && read_kernel_args(k, js, args, &g)))
        return -1;
    const struct name_table *entry = rule_of(k, name);
    g.name = entry->name;
    g.rule = entry->value;
    memcpy(KIN_PUSH(k, gpus), &g, sizeof g);
    return 0;
}

/* Calls that start GPU work, make a stream wait or make the CPU wait; -1: any other. */
static int call_kind(const char *name)
{
    if (strstr(name, "StreamWaitEvent"))
        return KIN_STREAM_WAIT;
    if (strstr(name, "Synchronize"))
        return KIN_SYNCHRONIZE;
    if (strstr(name, "EventRecord"))
        return KIN_RECORD;
    if (strstr(name, "Launch") || strstr(name, "Memcpy") || strstr(name, "Memset"))
        return KIN_LAUNCH;
    return -1;
}

static int read_call(struct kineto *k, struct json_stream *js, const cJSON *event)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    struct kin_call call = {.span = KIN_NONE, .correlation = -1};
    const char *name = NULL;

    if (json_string(js, event, "name", "call", true, &name))
        return -1;
    int kind = call_kind(name);
    if (kind < 0)
        return 0;
    call.kind = (uint8_t)kind;
    if (read_times(js, event, "call", &call.start_us, &call.end_us) ||
        json_int(js, args, "correlation", "call", false, 0, UINT32_MAX, &call.correlation) ||
        (kind == KIN_LAUNCH && read_shape(js, args, call.grid, &call.threads, &call.shared_B)))
        return -1;
    call.thread = read_thread(k, event);
    memcpy(KIN_PUSH(k, calls), &call, sizeof call);
    return 0;
}

static int read_span(struct kineto *k, struct json_stream *js, const cJSON *event)
{
    struct kin_span span = {0};
    const char *name = NULL;

    if (json_string(js, event, "name", "annotation", true, &name) ||
        read_times(js, event, "annotation", &span.start_us, &span.end_us))
        return -1;
    span.name = kin_intern(k, *name ? name : "(no name)");
    span.thread = read_thread(k, event);
    memcpy(KIN_PUSH(k, spans), &span, sizeof span);
    return 0;
}

enum category {
    CATEGORY_OTHER,
    CATEGORY_KERNEL,
    CATEGORY_COPY,
    CATEGORY_CALL,
    CATEGORY_ANNOTATION,
    CATEGORY_OPERATOR,
    CATEGORY_SYNC
};

/* Capital letters are those of PyTorch before 1.13 (libkineto ActivityType.cpp). */
static enum category category_of(const char *name)
{
    static const struct {
        const char *name;
        enum category category;
    } names[] = {{"kernel", CATEGORY_KERNEL},
                 {"Kernel", CATEGORY_KERNEL},
                 {"gpu_memcpy", CATEGORY_COPY},
                 {"gpu_memset", CATEGORY_COPY},
                 {"Memcpy", CATEGORY_COPY},
                 {"Memset", CATEGORY_COPY},
                 {"cuda_runtime", CATEGORY_CALL},
                 {"cuda_driver", CATEGORY_CALL},
                 {"Runtime", CATEGORY_CALL},
                 {"hip_runtime", CATEGORY_CALL},
                 {"cpu_op", CATEGORY_OPERATOR},
                 {"Operator", CATEGORY_OPERATOR},
                 {"user_annotation", CATEGORY_ANNOTATION},
                 {"cuda_sync", CATEGORY_SYNC}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i].name, name))
            return names[i].category;
    return CATEGORY_OTHER;
}

static int read_event(struct kineto *k, struct json_stream *js, const cJSON *event)
{
    const char *category = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "cat"));
    const char *phase = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "ph"));

    if (!cJSON_IsObject(event)) {
        diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js), "an event must be an object");
        return -1;
    }
    if (!category || !phase || strcmp(phase, "X"))
        return 0;
    switch (category_of(category)) {
    case CATEGORY_KERNEL:
        return read_gpu(k, js, event, true);
    case CATEGORY_COPY:
        return read_gpu(k, js, event, false);
    case CATEGORY_CALL:
        return read_call(k, js, event);
    case CATEGORY_ANNOTATION:
        return read_span(k, js, event);
    case CATEGORY_OPERATOR:
        kin_read_operator(k, event);
        return 0;
    case CATEGORY_SYNC:
        kin_read_sync(k, event);
        return 0;
    default:
        return 0;
    }
}

static int read_events(struct kineto *k, struct json_stream *js)
{
    int more = json_enter_array(js);

    while (!more && (more = json_next_element(js)) > 0) {
        cJSON *event = json_value(js, EVENT_LIMIT_B);
        more = event ? read_event(k, js, event) : -1;
        cJSON_Delete(event);
        if (k->n_gpus > MAX_RECORDS || k->n_calls > MAX_RECORDS || k->n_spans > MAX_RECORDS ||
            k->n_operators > MAX_RECORDS || k->n_syncs > MAX_RECORDS) {
            diag_error(json_diag(js), EXIT_LIMIT, json_where(js), "more than %u kernels, calls or annotations",
                       MAX_RECORDS);
            more = -1;
        }
    }
    return more;
}

/* --- the outermost object ---------------------------------------------------------- */

static int read_device(struct kineto *k, struct json_stream *js, const cJSON *item)
{
    struct kin_device *d = &k->devices[k->n_devices];
    const char *name = NULL;

    if (json_int(js, item, "id", "device", true, 0, INT32_MAX, &d->id) ||
        json_string(js, item, "name", "device", false, &name) ||
        json_int(js, item, "numSms", "device", false, 1, 100000, &d->sms) ||
        json_int(js, item, "maxThreadsPerMultiprocessor", "device", false, 1, 1 << 20, &d->threads_per_sm) ||
        json_int(js, item, "regsPerMultiprocessor", "device", false, 1, 1 << 30, &d->registers_per_sm) ||
        json_int(js, item, "sharedMemPerMultiprocessor", "device", false, 1, 1 << 30, &d->shared_per_sm_B) ||
        json_int(js, item, "maxSharedMemoryPerMultiProcessor", "device", false, 1, 1 << 30, &d->shared_per_sm_B) ||
        json_int(js, item, "warpSize", "device", false, 1, 1024, &d->warp_threads))
        return -1;
    d->name = name && *name ? arena_strdup(k->arena, name) : NULL;
    k->n_devices++;
    return 0;
}

static int read_devices(struct kineto *k, struct json_stream *js)
{
    cJSON *list = json_value(js, HEADER_LIMIT_B), *item = NULL;
    int failed = list ? 0 : -1;

    cJSON_ArrayForEach(item, list)
    {
        if (!failed && k->n_devices < KIN_MAX_DEVICES)
            failed = read_device(k, js, item);
    }
    cJSON_Delete(list);
    return failed;
}

static int read_ranks(struct kineto *k, struct json_stream *js)
{
    cJSON *info = json_value(js, HEADER_LIMIT_B);

    if (!info)
        return -1;
    int failed = json_int(js, info, "rank", "distributedInfo", false, 0, MAX_RANKS, &k->rank) ||
                 json_int(js, info, "world_size", "distributedInfo", false, 1, MAX_RANKS, &k->world_size);
    kin_read_groups(k, cJSON_GetObjectItemCaseSensitive(info, "pg_config"));
    cJSON_Delete(info);
    return failed ? -1 : 0;
}

/* On-demand traces have it as a member of its own, written last. */
static int read_pg_text(struct kineto *k, struct json_stream *js)
{
    cJSON *groups = json_value(js, HEADER_LIMIT_B);

    if (!groups)
        return -1;
    kin_read_groups(k, groups);
    cJSON_Delete(groups);
    return 0;
}

/* From which its time stamps count. */
static int read_base_time(struct kineto *k, struct json_stream *js)
{
    cJSON *base = json_value(js, HEADER_LIMIT_B);

    if (!base)
        return -1;
    if (cJSON_IsNumber(base) && fabs(base->valuedouble) < 1e19)
        k->base_s = base->valuedouble / 1e9;
    cJSON_Delete(base);
    return 0;
}

static int read_trace_name(struct kineto *k, struct json_stream *js)
{
    cJSON *name = json_value(js, HEADER_LIMIT_B);

    if (!name)
        return -1;
    if (cJSON_IsString(name))
        k->trace_name = arena_strdup(k->arena, name->valuestring);
    cJSON_Delete(name);
    return 0;
}

static int read_member(struct kineto *k, struct json_stream *js, const char *key, bool *events)
{
    if (!strcmp(key, "traceEvents")) {
        *events = true;
        return read_events(k, js);
    }
    if (!strcmp(key, "deviceProperties"))
        return read_devices(k, js);
    if (!strcmp(key, "distributedInfo"))
        return read_ranks(k, js);
    if (!strcmp(key, "pg_config"))
        return read_pg_text(k, js);
    if (!strcmp(key, "baseTimeNanoseconds"))
        return read_base_time(k, js);
    if (!strcmp(key, "traceName"))
        return read_trace_name(k, js);
    return json_skip(js);
}

static int read_all(struct kineto *k, struct json_stream *js, const char *key)
{
    bool events = false;
    int more = 1;

    while (more > 0) {
        if (read_member(k, js, key, &events))
            return -1;
        more = json_next_member(js, &key);
    }
    if (more < 0 || json_finish(js))
        return -1;
    if (!events) {
        diag_error(k->diag, EXIT_BAD_INPUT, SRCLOC_FILE(k->file),
                   "this is no trace: it has neither 'traceEvents' (Kineto) nor "
                   "'trace_version' (ours)");
        return -1;
    }
    if (!k->n_gpus) {
        diag_error(k->diag, EXIT_BAD_INPUT, SRCLOC_FILE(k->file),
                   "the trace holds no kernels; profile with "
                   "activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]");
        return -1;
    }
    return 0;
}

struct unknown { /* a kernel's name without a class */
    const char *name;
    double busy_us;
    size_t n;
};

static int longest_first(const void *pa, const void *pb)
{
    const struct unknown *a = pa, *b = pb;

    if (a->busy_us != b->busy_us)
        return a->busy_us > b->busy_us ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void warn_unclassified(const struct kineto *k)
{
    size_t n = 0, kernels = 0;
    double busy_us = 0, all_us = 0;
    struct name_table *index = NULL;
    struct unknown *unknown = checked_alloc(calloc(HASH_COUNT(k->rule_of_name) + 1, sizeof *unknown));

    for (size_t i = 0; i < k->n_gpus; i++) {
        const struct kin_gpu *g = &k->gpus[i];
        all_us += g->end_us - g->start_us;
        if (g->rule->class_name)
            continue;
        struct name_table *entry = find_name(index, g->name);
        if (!entry) {
            entry = add_name(&index, g->name, k->arena);
            unknown[n++].name = g->name;
        }
        unknown[entry->number].busy_us += g->end_us - g->start_us;
        unknown[entry->number].n++;
        busy_us += g->end_us - g->start_us;
        kernels++;
    }
    qsort(unknown, n, sizeof *unknown, longest_first);
    if (n)
        diag_warning(k->diag, SRCLOC_FILE(k->file),
                     "%zu kernel%s no class (%zu name%s, %.1f %% of the kernels' time) and count%s as bound by memory; "
                     "add rules with --classes, for example for '%.120s'",
                     kernels, kernels == 1 ? " has" : "s have", n, n == 1 ? "" : "s",
                     all_us > 0 ? 100 * busy_us / all_us : 0, kernels == 1 ? "s" : "", unknown[0].name);
    HASH_CLEAR(hh, index);
    free(unknown);
}

/* What the file does not say, or says in a way that is not understood. */
static void warn_gaps(const struct kineto *k)
{
    struct srcloc where = SRCLOC_FILE(k->file);

    if (k->n_gridless)
        diag_warning(
            k->diag, where,
            "%zu kernel%s no grid (children of a graph under ROCm have none): how many SMs they use is unknown",
            k->n_gridless, k->n_gridless == 1 ? " has" : "s have");
    if (k->n_bad_types)
        diag_warning(k->diag, where, "%zu collective%s of the unknown dtype '%.60s': their size is unknown",
                     k->n_bad_types, k->n_bad_types == 1 ? " is" : "s are", k->bad_type);
    if (k->n_cut_splits)
        diag_warning(k->diag, where, "%zu all-to-all%s without whole splits (Kineto cuts them after 30): taken as even",
                     k->n_cut_splits, k->n_cut_splits == 1 ? " is" : "s are");
    if (k->n_early_waits)
        diag_warning(k->diag, where, "%zu wait%s of the file %s over before what it names had ended: left out",
                     k->n_early_waits, k->n_early_waits == 1 ? "" : "s", k->n_early_waits == 1 ? "was" : "were");
}

struct trace *kineto_import(struct json_stream *js, const char *first_key, const struct class_table *classes,
                            struct arena *arena)
{
    struct kineto *k = checked_alloc(calloc(1, sizeof *k));
    struct trace *trace = NULL;

    k->diag = json_diag(js);
    k->arena = arena;
    k->file = json_where(js).file;
    k->classes = classes;
    k->device_id = -1;
    k->rank = -1;
    if (!read_all(k, js, first_key) && !kin_link(k)) {
        kin_infer_waits(k);
        kin_find_rows(k);
        trace = kin_build(k);
        warn_unclassified(k);
        warn_gaps(k);
    }
    HASH_CLEAR(hh, k->rule_of_name);
    HASH_CLEAR(hh, k->names);
    HASH_CLEAR(hh, k->threads);
    free(k->gpus);
    free(k->calls);
    free(k->spans);
    free(k->deps);
    free(k->syncs);
    free(k->messages);
    free(k->operators);
    free(k->groups);
    free(k->named);
    free(k->numbers);
    free(k);
    return trace;
}

/* What it writes before its events depends on its version. */
static bool is_kineto(const struct input_head *head)
{
    static const char *const first[] = {"schemaVersion",   "traceEvents",         "deviceProperties",
                                        "distributedInfo", "cupti_version",       "cuda_runtime_version",
                                        "record_shapes",   "with_stack",          "displayTimeUnit",
                                        "traceName",       "baseTimeNanoseconds", NULL};

    for (int i = 0; first[i]; i++)
        if (input_first_key_is(head, first[i]))
            return true;
    return input_is_object(head) && strstr(head->bytes, "\"traceEvents\"");
}

const struct input_format input_kineto = {.name = "Kineto",
                                          .doc = "the PyTorch profiler",
                                          .makes = INPUT_TRACE,
                                          .recognises = is_kineto,
                                          .read_traces = input_read_json_traces};
