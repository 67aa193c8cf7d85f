#include "io/trace/chakra.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "io/trace/protobuf.h"
#include "io/trace/trace_classes.h"

/* Field numbers of et_def.proto. */
enum { META_VERSION = 1, META_ATTR = 2 };
enum {
    NODE_ID = 1,
    NODE_NAME,
    NODE_TYPE,
    NODE_CTRL_DEPS,
    NODE_DATA_DEPS,
    NODE_START_US,
    NODE_DURATION_US,
    NODE_ATTR = 10
};
enum {
    ATTR_NAME = 1,
    ATTR_DOUBLE = 3,
    ATTR_INT64 = 9,
    ATTR_INT64_LIST = 10,
    ATTR_BOOL = 27,
    ATTR_TEXT = 29,
    ATTR_TEXT_LIST = 30
};

static const enum trace_operation collectives[] = {
    OPERATION_ALL_REDUCE, OPERATION_REDUCE,     OPERATION_ALL_GATHER,     OPERATION_GATHER,         OPERATION_SCATTER,
    OPERATION_BROADCAST,  OPERATION_ALL_TO_ALL, OPERATION_REDUCE_SCATTER, OPERATION_REDUCE_SCATTER, OPERATION_BARRIER};
enum { N_COLLECTIVES = sizeof collectives / sizeof *collectives };

int chakra_collective(enum trace_operation operation)
{
    for (int i = 0; i < N_COLLECTIVES; i++)
        if (collectives[i] == operation)
            return i;
    return -1;
}

enum trace_operation chakra_operation(uint64_t collective)
{
    return collective < N_COLLECTIVES ? collectives[collective] : OPERATION_UNKNOWN;
}

/* --- attributes --------------------------------------------------------------------------------------------------------- */

struct attributes {
    struct pb_writer *to;
    uint32_t field; /* of the message that has them */
};

static void add(const struct attributes *a, struct pb_writer *attribute)
{
    pb_put_data(a->to, a->field, attribute->bytes, attribute->n);
    free(attribute->bytes);
}

static void add_int(const struct attributes *a, const char *name, int64_t value)
{
    struct pb_writer w = {0};
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_number(&w, ATTR_INT64, (uint64_t)value);
    add(a, &w);
}

static void add_bool(const struct attributes *a, const char *name, bool value)
{
    struct pb_writer w = {0};
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_number(&w, ATTR_BOOL, value);
    add(a, &w);
}

static void add_double(const struct attributes *a, const char *name, double value)
{
    struct pb_writer w = {0};
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_double(&w, ATTR_DOUBLE, value);
    add(a, &w);
}

static void add_text(const struct attributes *a, const char *name, const char *text)
{
    struct pb_writer w = {0};
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_text(&w, ATTR_TEXT, text);
    add(a, &w);
}

static void add_texts(const struct attributes *a, const char *name, const char *const *texts, uint32_t n)
{
    struct pb_writer w = {0}, list = {0};
    for (uint32_t i = 0; i < n; i++)
        pb_put_text(&list, 1, texts[i]);
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_data(&w, ATTR_TEXT_LIST, list.bytes, list.n);
    free(list.bytes);
    add(a, &w);
}

static void add_ints(const struct attributes *a, const char *name, const int64_t *values, uint32_t n)
{
    struct pb_writer w = {0}, list = {0}, packed = {0};
    for (uint32_t i = 0; i < n; i++)
        pb_put_varint(&packed, (uint64_t)values[i]);
    pb_put_data(&list, 1, packed.bytes, packed.n);
    pb_put_text(&w, ATTR_NAME, name);
    pb_put_data(&w, ATTR_INT64_LIST, list.bytes, list.n);
    free(packed.bytes);
    free(list.bytes);
    add(a, &w);
}

/* --- nodes ------------------------------------------------------------------------------------------------------------------ */

static const struct trace_message *message_of(const struct trace *t, const struct trace_kernel *k)
{
    return k->message == TRACE_NONE ? NULL : &t->messages[k->message];
}

static enum chakra_node type_of(const struct trace *t, const struct trace_kernel *k)
{
    const struct trace_message *m = message_of(t, k);
    if (m && m->operation == OPERATION_SEND)
        return CHAKRA_SEND;
    if (m && m->operation == OPERATION_RECV)
        return CHAKRA_RECV;
    return m && chakra_collective(m->operation) >= 0 ? CHAKRA_COLL : CHAKRA_COMP;
}

/* Chakra counts what a rank puts in. */
static double input_B(const struct trace *t, const struct trace_message *m)
{
    uint32_t size = m->group == TRACE_NONE ? 0 : t->groups[m->group].size;
    return m->operation == OPERATION_ALL_GATHER && size ? m->bytes_B / size : m->bytes_B;
}

static void add_message(const struct attributes *a, const struct trace *t, const struct trace_message *m)
{
    int collective = chakra_collective(m->operation);
    if (collective >= 0)
        add_int(a, "comm_type", collective);
    add_int(a, "comm_size", llround(input_B(t, m)));
    add_double(a, "comm_bytes", m->bytes_B);
    add_int(a, "operation", m->operation);
    if (m->operation == OPERATION_SEND || m->operation == OPERATION_RECV) {
        add_int(a, "comm_src", m->operation == OPERATION_SEND ? t->rank : m->peer);
        add_int(a, "comm_dst", m->operation == OPERATION_SEND ? m->peer : t->rank);
        add_int(a, "comm_tag", 0);
    }
    if (m->sequence >= 0)
        add_int(a, "seq_id", m->sequence);
    if (m->group == TRACE_NONE)
        return;
    const struct trace_group *g = &t->groups[m->group];
    add_text(a, "pg_name", g->name);
    add_int(a, "pg_size", g->size);
    for (uint32_t i = 0; m->split_B && i < g->size; i++)
        add_double(a, "split_bytes", m->split_B[i]);
}

static void add_groups(const struct attributes *a, const struct trace *t)
{
    for (uint32_t g = 0; g < t->n_groups; g++) {
        if (!t->groups[g].ranks)
            continue;
        int64_t *ranks = checked_alloc(calloc(t->groups[g].size + 1, sizeof *ranks));
        for (uint32_t i = 0; i < t->groups[g].size; i++)
            ranks[i] = t->groups[g].ranks[i];
        char *name = checked_alloc(malloc(strlen(t->groups[g].name) + 16));
        strcpy(stpcpy(name, "pg_ranks:"), t->groups[g].name);
        add_ints(a, name, ranks, t->groups[g].size);
        free(name);
        free(ranks);
    }
}

static void add_kernel(const struct attributes *a, const struct trace *t, const struct trace_kernel *k)
{
    const struct trace_class *c = &t->classes[k->class_id];
    int64_t grid[3] = {k->grid[0], k->grid[1], k->grid[2]};
    add_bool(a, "is_cpu_op", false);
    add_int(a, "stream", k->stream);
    add_double(a, "start_ns", k->start_s * 1e9);
    add_double(a, "duration_ns", k->duration_s * 1e9);
    add_double(a, "launch_ns", k->launch_s * 1e9);
    add_text(a, "bound", kernel_bound_names[c->bound]);
    add_int(a, "collective", c->collective);
    add_bool(a, "per_token", c->per_token);
    add_bool(a, "unclassified", c->unclassified);
    if (k->phase != TRACE_NONE)
        add_int(a, "phase", k->phase);
    add_int(a, "layer", k->layer);
    add_ints(a, "grid", grid, 3);
    add_int(a, "blocks", k->blocks);
    if (k->rows > 0)
        add_double(a, "rows", k->rows);
    if (k->launch_after != TRACE_NONE)
        add_int(a, "launch_after", k->launch_after);
}

/* The kernel before it on its stream; those that it waited for; the one that the CPU awaited. */
static void put_deps(struct pb_writer *w, const struct trace *t, const struct trace_kernel *k, uint32_t before)
{
    if (before != TRACE_NONE)
        pb_put_number(w, NODE_CTRL_DEPS, before);
    if (k->launch_after != TRACE_NONE && k->launch_after != before)
        pb_put_number(w, NODE_CTRL_DEPS, k->launch_after);
    for (uint32_t d = 0; d < k->n_deps; d++)
        pb_put_number(w, NODE_DATA_DEPS, t->deps[k->first_dep + d]);
}

static void put_node(struct outfile *f, const struct trace *t, uint32_t i, uint32_t before)
{
    const struct trace_kernel *k = &t->kernels[i];
    struct pb_writer w = {0}, length = {0};
    struct attributes a = {&w, NODE_ATTR};
    pb_put_number(&w, NODE_ID, i);
    pb_put_text(&w, NODE_NAME, t->classes[k->class_id].name);
    pb_put_number(&w, NODE_TYPE, type_of(t, k));
    put_deps(&w, t, k, before);
    pb_put_number(&w, NODE_START_US, (uint64_t)llround(fmax(k->start_s, 0) * 1e6));
    pb_put_number(&w, NODE_DURATION_US, (uint64_t)llround(k->duration_s * 1e6));
    add_kernel(&a, t, k);
    if (message_of(t, k))
        add_message(&a, t, message_of(t, k));
    pb_put_varint(&length, w.n);
    outfile_write(f, length.bytes, length.n);
    outfile_write(f, w.bytes, w.n);
    free(w.bytes);
    free(length.bytes);
}

static void put_metadata(struct outfile *f, const struct trace *t)
{
    struct pb_writer w = {0}, length = {0};
    struct attributes a = {&w, META_ATTR};
    pb_put_text(&w, META_VERSION, "0.0.4");
    add_text(&a, "schema", "1.0.2-chakra.0.0.4");
    add_text(&a, "name", t->name);
    add_text(&a, "source", t->source);
    add_text(&a, "device", t->device);
    add_texts(&a, "streams", t->streams, t->n_streams);
    add_texts(&a, "phases", t->phases, t->n_phases);
    add_int(&a, "rank", t->rank);
    add_int(&a, "world_size", t->world_size);
    add_int(&a, "sms", t->sms);
    add_int(&a, "hidden", t->hidden);
    add_int(&a, "seq_len", t->seq_len);
    add_int(&a, "experts", t->experts);
    add_int(&a, "experts_per_token", t->experts_per_token);
    add_int(&a, "ep", t->ep);
    add_groups(&a, t);
    pb_put_varint(&length, w.n);
    outfile_write(f, length.bytes, length.n);
    outfile_write(f, w.bytes, w.n);
    free(w.bytes);
    free(length.bytes);
}

/* Kernels that communicate, but nothing says how much: who simulates networks would take them for computation. */
static void tell_unknown(const struct trace *t, const char *path, struct diag *diag)
{
    uint32_t n = 0;
    double sum_s = 0;
    for (uint32_t i = 0; i < t->n_kernels; i++)
        if (trace_class_communicates(&t->classes[t->kernels[i].class_id]) &&
            type_of(t, &t->kernels[i]) == CHAKRA_COMP) {
            n++;
            sum_s += t->kernels[i].duration_s;
        }
    if (n)
        diag_warning(
            diag, SRCLOC_FILE(path),
            "%u kernels of %.4g ms communicate, but the trace does not say what they carry: they are written as "
            "computation of their recorded times, which is how other programs will take them",
            n, sum_s * 1e3);
}

int chakra_write(const struct trace *t, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    uint32_t *last = checked_alloc(malloc((t->n_streams + 1) * sizeof *last));
    memset(last, 0xff, (t->n_streams + 1) * sizeof *last);
    put_metadata(f, t);
    for (uint32_t i = 0; i < t->n_kernels; i++) {
        put_node(f, t, i, last[t->kernels[i].stream]);
        last[t->kernels[i].stream] = i;
    }
    free(last);
    tell_unknown(t, path, diag);
    return outfile_close(f, diag);
}

const char *chakra_rank_file(const char *path, int32_t rank, struct arena *arena)
{
    const char *suffix = strstr(path, ".et");
    for (const char *next = suffix; next; next = strstr(next + 1, ".et"))
        suffix = next;
    return arena_printf(arena, "%.*s.%d%s", (int)(suffix - path), path, rank, suffix);
}

int chakra_write_set(const struct trace_set *set, const char *path, struct arena *arena, struct diag *diag)
{
    int failed = 0;
    if (set->n == 1)
        return chakra_write(set->traces[0], path, diag);
    outfile_batch_begin();
    for (uint32_t i = 0; i < set->n && !failed; i++)
        failed = chakra_write(set->traces[i], chakra_rank_file(path, set->traces[i]->rank, arena), diag);
    return outfile_batch_end(!failed, diag);
}
