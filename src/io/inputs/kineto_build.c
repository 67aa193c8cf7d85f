/* The linked events as a struct trace. Times count from the first kernel.
 *
 * Blocks that are resident at once come from the limits of an SM: threads, registers (given
 * to warps in pieces of 256) and shared memory (1 KiB of it is taken per block), at most 32
 * blocks (CUDA C++ Programming Guide, compute capability 9.0). AMD's profiles give no registers.
 *
 * A collective's class is its library's with the operation behind it. A kernel without a class gets one of its own,
 * named after its function, so that what is not understood can be listed by time.
 *
 * The model's dimensions are taken from the trace's name where it says them
 * (..._ep64_..._hidden7168_seqlen4096), because a profile holds them nowhere else. */
#include "io/inputs/kineto_priv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) out_of_memory()
#include <uthash.h>

#include "models/trace.h"

enum { WARP_THREADS = 32, WARP_REGISTERS_STEP = 256, BLOCK_SHARED_B = 1024, MAX_BLOCKS_PER_SM = 32 };

struct known_class;

struct maker {
    struct kineto *k;
    struct trace *t;
    const struct kin_device *device; /* or NULL */
    uint32_t *span_phase;            /* [n_spans] index into phases */
    struct known_class *known;
    size_t cap_classes, n_classes;
};

/* --- names ------------------------------------------------------------------------- */

/* The number behind a word in the trace's name, 0 when the word is not there. */
static int32_t number_in_name(const char *name, const char *word)
{
    for (const char *p = name ? strstr(name, word) : NULL; p; p = strstr(p + 1, word)) {
        const char *digits = p + strlen(word);
        bool starts = p == name || !isalnum((unsigned char)p[-1]);
        if (starts && isdigit((unsigned char)*digits)) {
            long value = strtol(digits, NULL, 10);
            return value > 0 && value <= 100000000 ? (int32_t)value : 0;
        }
    }
    return 0;
}

static const char *plain_name(const struct kineto *k)
{
    const char *path = k->trace_name ? k->trace_name : k->file;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path, *dot = strchr(base, '.');
    char *name = arena_strdup(k->arena, base);

    if (dot && dot > base)
        name[dot - base] = '\0';
    for (char *p = name; *p; p++) /* it goes into JSON and onto terminals */
        if (!isalnum((unsigned char)*p) && !strchr("_-+()", *p))
            *p = '_';
    return *name ? name : "trace";
}

static void name_streams(struct maker *m)
{
    struct trace *t = m->t;
    uint32_t n[2] = {0, 0};

    t->n_streams = m->k->n_streams;
    t->streams = ARENA_ARRAY(m->k->arena, const char *, t->n_streams);
    for (uint32_t s = 0; s < t->n_streams; s++) {
        bool communication = m->k->streams[s].communication;
        const char *role = communication ? "communication" : "compute";
        uint32_t count = ++n[communication];
        t->streams[s] = count == 1 ? role : arena_printf(m->k->arena, "%s%u", role, count);
    }
}

static uint32_t find_text(const char *const *texts, uint32_t n, const char *text)
{
    for (uint32_t i = 0; i < n; i++)
        if (texts[i] == text)
            return i;
    return TRACE_NONE;
}

/* Phases in order of the first kernel in them; names are interned. */
static void name_phases(struct maker *m)
{
    const struct kineto *k = m->k;
    struct trace *t = m->t;
    size_t cap = 0, n = 0;
    const char **names = NULL;

    m->span_phase = ARENA_ARRAY(k->arena, uint32_t, k->n_spans);
    memset(m->span_phase, 0xff, k->n_spans * sizeof *m->span_phase);
    for (size_t i = 0; i < k->n_gpus; i++) {
        uint32_t span = k->gpus[i].span;
        if (span == KIN_NONE || m->span_phase[span] != TRACE_NONE)
            continue;
        uint32_t phase = find_text(names, (uint32_t)n, k->spans[span].name);
        if (phase == TRACE_NONE) {
            phase = (uint32_t)n;
            *(const char **)kin_push((void **)&names, &n, &cap, sizeof *names) = k->spans[span].name;
        }
        m->span_phase[span] = phase;
    }
    t->n_phases = (uint32_t)n;
    t->phases = ARENA_ARRAY(k->arena, const char *, n);
    if (n)
        memcpy(t->phases, names, n * sizeof *names);
    free(names);
}

/* The function's name out of a demangled one: without what it returns, its namespaces, template and arguments. */
static const char *function_name(struct arena *arena, const char *name)
{
    enum { LONGEST = 48 };
    const char *begin = name, *p = name;
    int depth = 0;

    for (; *p; p++) {
        if (*p == '<' || *p == '(') {
            bool anonymous = !strncmp(p, "(anonymous", 10);
            if (!depth && !anonymous && p > begin)
                break;
            depth++;
        } else if (*p == '>' || *p == ')') {
            depth--;
        } else if (!depth && (*p == ' ' || (*p == ':' && p[1] == ':'))) {
            begin = p + (*p == ' ' ? 1 : 2);
        }
    }
    size_t n = (size_t)(p - begin);
    char *out = arena_printf(arena, "%.*s", (int)(n < LONGEST ? n : LONGEST), begin);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            *c = '_';
    return *out ? out : "kernel";
}

static uint8_t operation_of(const struct kineto *k, const struct kin_gpu *g)
{
    return g->message == KIN_NONE ? kin_operation_of(g->name) : k->messages[g->message].operation;
}

static const char *class_name(struct maker *m, const struct kin_gpu *g)
{
    struct arena *arena = m->k->arena;

    if (!g->rule->class_name)
        return arena_printf(arena, "unclassified:%s", function_name(arena, g->name));
    uint8_t operation = g->rule->collective == COLL_LIBRARY ? operation_of(m->k, g) : OPERATION_UNKNOWN;
    if (operation == OPERATION_UNKNOWN)
        return g->rule->class_name;
    return arena_printf(arena, "%s_%s", g->rule->class_name, trace_operation_names[operation]);
}

static uint32_t find_class(struct maker *m, const struct kin_gpu *g)
{
    struct trace *t = m->t;
    const char *name = class_name(m, g);

    for (uint32_t i = 0; i < t->n_classes; i++)
        if (!strcmp(t->classes[i].name, name))
            return i;
    *(struct trace_class *)kin_push((void **)&t->classes, &m->n_classes, &m->cap_classes, sizeof *t->classes) =
        (struct trace_class){.name = arena_strdup(m->k->arena, name),
                             .bound = g->rule->bound,
                             .collective = g->rule->collective,
                             .per_token =
                                 g->rule->class_name && class_table_per_token(m->k->classes, g->rule->class_name),
                             .unclassified = !g->rule->class_name};
    return t->n_classes++;
}

/* A kernel's name, rule and operation give its class: looked up once for each of these. */
struct known_class {
    UT_hash_handle hh;
    struct class_key {
        const char *name;
        const struct class_rule *rule;
        uint64_t operation;
    } key;
    uint32_t class_id;
};

static uint32_t class_id(struct maker *m, const struct kin_gpu *g)
{
    bool library = g->rule->collective == COLL_LIBRARY && g->message != KIN_NONE;
    struct class_key key = {g->name, g->rule, library ? m->k->messages[g->message].operation : N_OPERATIONS};
    struct known_class *known = NULL;

    HASH_FIND(hh, m->known, &key, sizeof key, known);
    if (known)
        return known->class_id;
    known = ARENA_NEW(m->k->arena, struct known_class);
    known->key = key;
    known->class_id = find_class(m, g);
    HASH_ADD(hh, m->known, key, sizeof key, known);
    return known->class_id;
}

/* --- kernels ----------------------------------------------------------------------- */

static double blocks_per_sm(const struct kin_device *d, const struct kin_gpu *g)
{
    double warp_threads = d->warp_threads > 0 ? (double)d->warp_threads : WARP_THREADS;
    double warps = ceil((double)g->threads / warp_threads), n = MAX_BLOCKS_PER_SM;
    double warp_registers = ceil((double)g->registers * warp_threads / WARP_REGISTERS_STEP) * WARP_REGISTERS_STEP;

    if (d->threads_per_sm > 0)
        n = fmin(n, floor((double)d->threads_per_sm / (warps * warp_threads)));
    if (d->registers_per_sm > 0 && g->registers)
        n = fmin(n, floor((double)d->registers_per_sm / (warps * warp_registers)));
    if (d->shared_per_sm_B > 0)
        n = fmin(n, floor((double)d->shared_per_sm_B / ((double)g->shared_B + BLOCK_SHARED_B)));
    return fmax(n, 1);
}

static uint32_t resident_blocks(const struct kin_device *d, const struct kin_gpu *g)
{
    double blocks = (double)g->grid[0] * g->grid[1] * g->grid[2];

    if (d && d->sms > 0)
        blocks = fmin(blocks, (double)d->sms * blocks_per_sm(d, g));
    return blocks < INT32_MAX ? (uint32_t)blocks : INT32_MAX;
}

static void copy_deps(struct maker *m, const struct kin_gpu *g, struct trace_kernel *out)
{
    out->first_dep = m->t->n_deps;
    for (uint32_t d = g->first_dep; d != KIN_NONE; d = m->k->deps[d].next)
        m->t->deps[m->t->n_deps++] = m->k->deps[d].awaited;
    out->n_deps = m->t->n_deps - out->first_dep;
}

static void copy_kernel(struct maker *m, uint32_t i)
{
    const struct kin_gpu *g = &m->k->gpus[i];
    const struct kin_span *span = g->span == KIN_NONE ? NULL : &m->k->spans[g->span];
    struct trace_kernel *out = &m->t->kernels[i];
    double first_us = m->k->gpus[0].start_us;

    out->class_id = class_id(m, g);
    out->stream = g->stream;
    out->phase = span ? m->span_phase[g->span] : TRACE_NONE;
    out->layer = span ? span->occurrence : 0;
    out->start_s = (g->start_us - first_us) / 1e6;
    out->duration_s = (g->end_us - g->start_us) / 1e6;
    out->launch_s = (g->launch_us - first_us) / 1e6;
    memcpy(out->grid, g->grid, sizeof out->grid);
    out->blocks = resident_blocks(m->device, g);
    out->rows = g->rows;
    out->launch_after = g->launch_after;
    out->message = g->message;
    copy_deps(m, g, out);
}

/* --- the whole --------------------------------------------------------------------- */

static bool same_device(const struct kin_device *a, const struct kin_device *b)
{
    return a->sms == b->sms && !strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

/* The device that the kernels ran on. ROCm numbers devices as its runtime does, CPUs among them: where all devices of
 * the file are alike it is one of those. */
const struct kin_device *kin_find_device(const struct kineto *k)
{
    for (int i = 0; i < k->n_devices; i++)
        if (k->devices[i].id == k->device_id)
            return &k->devices[i];
    for (int i = 1; i < k->n_devices; i++)
        if (!same_device(&k->devices[i], &k->devices[0]))
            return NULL;
    return k->n_devices ? &k->devices[0] : NULL;
}

static void fill_header(struct maker *m)
{
    const struct kineto *k = m->k;
    struct trace *t = m->t;

    t->version = TRACE_VERSION;
    t->name = plain_name(k);
    t->source = arena_printf(k->arena, "PyTorch profiler (Kineto) trace %s", t->name);
    t->device = m->device && m->device->name ? m->device->name : "unknown";
    for (size_t i = 0; i < k->n_gpus; i++)
        m->k->n_gridless += k->gpus[i].kernel && !k->gpus[i].grid[0];
    t->sms = m->device ? (int32_t)m->device->sms : 0;
    t->world_size = (int32_t)k->world_size;
    t->rank = k->rank < 0 ? 0 : (int32_t)k->rank;
    t->rank_given = k->rank >= 0;
    t->clock_s = k->base_s + k->gpus[0].start_us / 1e6;
    t->hidden = number_in_name(k->trace_name, "hidden");
    t->seq_len = number_in_name(k->trace_name, "seqlen");
    t->ep = number_in_name(k->trace_name, "ep");
}

static void copy_messages(const struct kineto *k, struct trace *t)
{
    t->n_groups = (uint32_t)k->n_groups;
    t->groups = ARENA_ARRAY(k->arena, struct trace_group, k->n_groups + 1);
    for (size_t i = 0; i < k->n_groups; i++)
        t->groups[i] = (struct trace_group){k->groups[i].name, k->groups[i].size, k->groups[i].ranks};
    t->n_messages = (uint32_t)k->n_messages;
    t->messages = ARENA_ARRAY(k->arena, struct trace_message, k->n_messages + 1);
    for (size_t i = 0; i < k->n_messages; i++) {
        const struct kin_message *m = &k->messages[i];
        bool grouped = m->group != KIN_NONE && k->groups[m->group].size;
        t->messages[i] = (struct trace_message){.operation = m->operation,
                                                .group = grouped ? m->group : TRACE_NONE,
                                                .bytes_B = m->bytes_B,
                                                .peer = m->peer,
                                                .sequence = m->sequence,
                                                .split_B = m->split_B};
    }
}

static void take_classes(struct maker *m)
{
    struct trace_class *grown = m->t->classes;

    m->t->classes = ARENA_ARRAY(m->k->arena, struct trace_class, m->t->n_classes + 1);
    if (m->t->n_classes)
        memcpy(m->t->classes, grown, m->t->n_classes * sizeof *grown);
    free(grown);
}

struct trace *kin_build(struct kineto *k)
{
    struct maker m = {.k = k, .t = ARENA_NEW(k->arena, struct trace), .device = kin_find_device(k)};
    struct trace *t = m.t;

    fill_header(&m);
    name_streams(&m);
    name_phases(&m);
    t->n_kernels = (uint32_t)k->n_gpus;
    t->kernels = ARENA_ARRAY(k->arena, struct trace_kernel, t->n_kernels);
    t->deps = ARENA_ARRAY(k->arena, uint32_t, k->n_deps);
    copy_messages(k, t);
    for (uint32_t i = 0; i < t->n_kernels; i++)
        copy_kernel(&m, i);
    take_classes(&m);
    HASH_CLEAR(hh, m.known);
    return t;
}
