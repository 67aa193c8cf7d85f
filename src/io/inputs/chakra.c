/* Chakra execution traces as traces of ours: what ran on the GPU (nodes that are no operation of the CPU), with start,
 * duration and dependencies. Dependencies on operations of the CPU say when a kernel was issued; a start that no
 * dependency explains counts as issued then. What says only what there is to compute (num_ops, without times) is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) out_of_memory()
#include <uthash.h>

#include "io/inputs/input.h"
#include "io/trace/chakra.h"
#include "io/trace/protobuf.h"
#include "io/trace/trace_classes.h"
#include "io/whole_file.h"

enum { LARGEST_FILE_B = 1 << 30, MOST_LIST = 1 << 20, MOST_STREAMS = 4096 };
enum { META_ATTR = 2 };
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
    VALUE_BOOL = 27,
    VALUE_TEXT = 29,
    VALUE_TEXT_LIST = 30,
    VALUE_INT64_LIST = 10,
    VALUE_DOUBLE = 3,
    VALUE_FLOAT = 5
};

struct attribute {
    const char *name, *text; /* text: NULL when it is none */
    double number;
    const uint8_t *list; /* of a list: its message */
    size_t len;
};

struct node {
    uint64_t id;
    const char *name;
    uint32_t type, place; /* place: of its kernel; TRACE_NONE */
    double start_s, duration_s, launch_s;
    bool cpu, launched; /* launched: the file says when */
    int64_t stream;
    uint32_t first_dep, n_deps;
    struct attribute *attributes;
    uint32_t n_attributes;
};

struct dependency {
    uint64_t id;
    bool control; /* who called it; else whose data it takes */
};

struct known {
    UT_hash_handle hh;
    uint64_t id;
    uint32_t node;
};

struct reading {
    const char *path;
    const struct class_table *classes;
    struct arena *arena;
    struct diag *diag;
    struct node *nodes, meta;
    uint32_t n_nodes, room_nodes;
    struct dependency *deps;
    uint32_t n_deps, room_deps;
    struct known *known;
    struct trace *t;
    uint32_t room_classes, room_groups, n_unexplained, n_cpu;
    bool ours; /* moesim wrote it */
};

static int fail(struct reading *r, const char *text)
{
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->path), "%s", text);
    return -1;
}

static void *grow(struct arena *arena, void *array, size_t element_B, uint32_t n, uint32_t *room)
{
    if (n < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    void *more = arena_array(arena, element_B, *room);
    if (n)
        memcpy(more, array, n * element_B);
    return more;
}

static const char *text_of(struct reading *r, const struct pb_field *f)
{
    char *text = arena_printf(r->arena, "%.*s", (int)(f->len < 4096 ? f->len : 4096), (const char *)f->data);
    for (char *c = text; *c; c++) /* it goes into JSON and onto terminals */
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '_';
    return text;
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

static double number_of(const struct pb_field *f)
{
    double d;
    float s;
    uint32_t bits = (uint32_t)f->value;
    if (f->number == VALUE_DOUBLE && f->wire == 1) {
        memcpy(&d, &f->value, sizeof d);
        return isfinite(d) ? d : 0;
    }
    if (f->number == VALUE_FLOAT && f->wire == 5) {
        memcpy(&s, &bits, sizeof s);
        return isfinite(s) ? s : 0;
    }
    if (f->number == 15 || f->number == 17) /* zigzag */
        return (double)(int64_t)(f->value >> 1 ^ -(f->value & 1));
    return f->number == 11 || f->number == 13 ? (double)f->value : (double)(int64_t)f->value;
}

static struct attribute read_attribute(struct reading *r, struct pb_reader *m)
{
    struct attribute a = {.name = ""};
    struct pb_field f;
    while (pb_next(m, &f)) {
        if (f.number == 1 && f.wire == 2)
            a.name = text_of(r, &f);
        else if (f.number == VALUE_TEXT && f.wire == 2)
            a.text = text_of(r, &f);
        else if (f.number > 2 && f.wire == 2) {
            a.list = f.data;
            a.len = f.len;
        } else if (f.number > 2)
            a.number = number_of(&f);
    }
    return a;
}

static void add_dep(struct reading *r, struct node *n, uint64_t id, bool control)
{
    r->deps = grow(r->arena, r->deps, sizeof *r->deps, r->n_deps, &r->room_deps);
    r->deps[r->n_deps++] = (struct dependency){id, control};
    n->n_deps++;
}

/* Repeated numbers stand packed, or one by one. */
static void read_deps(struct reading *r, struct node *n, const struct pb_field *f)
{
    struct pb_reader list = {f->data, f->data + f->len, false};
    if (f->wire == 0)
        add_dep(r, n, f->value, f->number == NODE_CTRL_DEPS);
    while (f->wire == 2 && list.at < list.end && !list.failed)
        add_dep(r, n, pb_varint(&list), f->number == NODE_CTRL_DEPS);
}

static void read_field(struct reading *r, struct node *n, const struct pb_field *f, uint32_t *room)
{
    struct pb_reader inner = {f->data, f->data + f->len, false};
    if (f->number == NODE_ATTR && f->wire == 2) {
        n->attributes = grow(r->arena, n->attributes, sizeof *n->attributes, n->n_attributes, room);
        n->attributes[n->n_attributes++] = read_attribute(r, &inner);
    } else if (f->number == NODE_NAME && f->wire == 2)
        n->name = text_of(r, f);
    else if (f->number == NODE_CTRL_DEPS || f->number == NODE_DATA_DEPS)
        read_deps(r, n, f);
    else if (f->wire != 0)
        return;
    else if (f->number == NODE_ID)
        n->id = f->value;
    else if (f->number == NODE_TYPE)
        n->type = (uint32_t)f->value;
    else if (f->number == NODE_START_US)
        n->start_s = (double)f->value / 1e6;
    else if (f->number == NODE_DURATION_US)
        n->duration_s = (double)f->value / 1e6;
}

static const struct attribute *find(const struct node *n, const char *name)
{
    for (uint32_t i = 0; i < n->n_attributes; i++)
        if (!strcmp(n->attributes[i].name, name))
            return &n->attributes[i];
    return NULL;
}

static double number(const struct node *n, const char *name, double preset)
{
    const struct attribute *a = find(n, name);
    return a && !a->text && !a->list ? a->number : preset;
}

static const char *text(const struct node *n, const char *name, const char *preset)
{
    const struct attribute *a = find(n, name);
    return a && a->text ? a->text : preset;
}

/* A whole number of an attribute in a range; else the preset. */
static int32_t whole(const struct node *n, const char *name, int32_t preset, int32_t least)
{
    double value = number(n, name, preset);
    return value >= least && value <= INT32_MAX ? (int32_t)value : preset;
}

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

static void take_times(struct node *n)
{
    const struct attribute *cpu = find(n, "is_cpu_op");
    n->cpu = cpu && cpu->number != 0;
    n->start_s = fmax(number(n, "start_ns", n->start_s * 1e9), 0) / 1e9;
    n->duration_s = fmax(number(n, "duration_ns", n->duration_s * 1e9), 0) / 1e9;
    n->launched = find(n, "launch_ns");
    n->launch_s = number(n, "launch_ns", 0) / 1e9;
    n->stream = (int64_t)number(n, "stream", n->type >= CHAKRA_SEND ? -2 : -1);
    n->place = TRACE_NONE;
}

static int read_message(struct reading *r, struct pb_reader *file, bool meta)
{
    uint64_t len = pb_varint(file);
    if (file->failed || len > (uint64_t)(file->end - file->at))
        return fail(r, "the file was cut off, or is no Chakra trace: a message is longer than what is left");
    struct pb_reader m = {file->at, file->at + len, false};
    struct node n = {.name = "", .first_dep = r->n_deps};
    struct pb_field f;
    uint32_t room = 0;
    file->at += len;
    while (pb_next(&m, &f)) {
        f.number = meta && f.number == META_ATTR ? NODE_ATTR : meta ? 99 : f.number;
        read_field(r, &n, &f, &room);
    }
    if (m.failed)
        return fail(r, "a message is damaged, or this is no Chakra trace");
    if (meta) {
        r->meta = n;
        return 0;
    }
    take_times(&n);
    r->nodes = grow(r->arena, r->nodes, sizeof *r->nodes, r->n_nodes, &r->room_nodes);
    r->nodes[r->n_nodes++] = n;
    return 0;
}

static int index_nodes(struct reading *r)
{
    struct known *all = ARENA_ARRAY(r->arena, struct known, r->n_nodes + 1);
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        struct known *same = NULL;
        all[i] = (struct known){.id = r->nodes[i].id, .node = i};
        HASH_FIND(hh, r->known, &all[i].id, sizeof all[i].id, same);
        if (same)
            return fail(r, arena_printf(r->arena, "two nodes have the number %llu", (unsigned long long)all[i].id));
        HASH_ADD(hh, r->known, id, sizeof all[i].id, &all[i]);
    }
    return 0;
}

static const struct node *node_of(const struct reading *r, uint64_t id)
{
    struct known *k = NULL;
    HASH_FIND(hh, r->known, &id, sizeof id, k);
    return k ? &r->nodes[k->node] : NULL;
}

/* --- traces without starts ------------------------------------------------------------------------------------------------ */

static bool lacks_starts(const struct reading *r)
{
    for (uint32_t i = 0; i < r->n_nodes; i++)
        if (r->nodes[i].start_s > 0)
            return false;
    return r->n_nodes > 1;
}

struct schedule {
    uint32_t *first, *next; /* of each node: those that wait for it */
    uint32_t *waits;        /* dependencies that are not done */
    double *ready_s;
    uint32_t *queue;
};

/* The node whose data it takes; NULL: it is another dependency. Who called whom is no order: callers last longer. */
static const struct node *data_of(const struct reading *r, const struct node *n, uint32_t d)
{
    const struct dependency *dep = &r->deps[n->first_dep + d];
    return dep->control ? NULL : node_of(r, dep->id);
}

static void list_waiting(const struct reading *r, struct schedule *s)
{
    uint32_t *at;
    for (uint32_t i = 0; i < r->n_nodes; i++)
        for (uint32_t d = 0; d < r->nodes[i].n_deps; d++) {
            const struct node *on = data_of(r, &r->nodes[i], d);
            if (on && on != &r->nodes[i]) {
                s->first[on - r->nodes + 1]++;
                s->waits[i]++;
            }
        }
    for (uint32_t i = 0; i < r->n_nodes; i++)
        s->first[i + 1] += s->first[i];
    at = ARENA_ARRAY(r->arena, uint32_t, r->n_nodes + 1);
    for (uint32_t i = 0; i < r->n_nodes; i++)
        for (uint32_t d = 0; d < r->nodes[i].n_deps; d++) {
            const struct node *on = data_of(r, &r->nodes[i], d);
            if (on && on != &r->nodes[i])
                s->next[s->first[on - r->nodes] + at[on - r->nodes]++] = i;
        }
}

/* The CPU, the streams of computation and of communication are each worked off in the order in which nodes get ready. */
static uint32_t lane_of(const struct node *n)
{
    return n->cpu ? 0 : n->type >= CHAKRA_SEND ? 1 : 2;
}

/* Every node begins when what it depends on is done and its lane is free. */
static int schedule(struct reading *r)
{
    uint32_t n = r->n_nodes, from = 0, to = 0;
    struct schedule s = {ARENA_ARRAY(r->arena, uint32_t, n + 2), ARENA_ARRAY(r->arena, uint32_t, r->n_deps + 1),
                         ARENA_ARRAY(r->arena, uint32_t, n + 1), ARENA_ARRAY(r->arena, double, n + 1),
                         ARENA_ARRAY(r->arena, uint32_t, n + 1)};
    double free_s[3] = {0};
    list_waiting(r, &s);
    for (uint32_t i = 0; i < n; i++)
        if (!s.waits[i])
            s.queue[to++] = i;
    for (; from < to; from++) {
        struct node *at = &r->nodes[s.queue[from]];
        double *free = &free_s[lane_of(at)];
        at->start_s = fmax(s.ready_s[s.queue[from]], *free);
        *free = at->start_s + at->duration_s;
        for (uint32_t k = s.first[s.queue[from]]; k < s.first[s.queue[from] + 1]; k++) {
            uint32_t w = s.next[k];
            s.ready_s[w] = fmax(s.ready_s[w], at->start_s + at->duration_s);
            if (!--s.waits[w])
                s.queue[to++] = w;
        }
    }
    if (to < n)
        return fail(r, arena_printf(r->arena, "%u nodes wait for each other in a circle", n - to));
    diag_warning(
        r->diag, SRCLOC_FILE(r->path),
        "it has durations and no starts: nodes begin when those that they depend on are done, one at a time on the "
        "CPU, for computation and for communication");
    return 0;
}

/* --- kernels -------------------------------------------------------------------------------------------------------------------- */

static bool is_kernel(const struct node *n)
{
    return !n->cpu && n->type != CHAKRA_METADATA && n->type != 0 && (n->duration_s > 0 || find(n, "duration_ns"));
}

static int by_start(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    if ((*x)->start_s != (*y)->start_s)
        return (*x)->start_s < (*y)->start_s ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static enum trace_operation operation_of(const struct node *n)
{
    if (find(n, "operation"))
        return (enum trace_operation)fmin(fmax(number(n, "operation", 0), 0), N_OPERATIONS - 1);
    if (n->type == CHAKRA_SEND)
        return OPERATION_SEND;
    if (n->type == CHAKRA_RECV)
        return OPERATION_RECV;
    return n->type == CHAKRA_COLL ? chakra_operation((uint64_t)fmax(number(n, "comm_type", 99), 0)) : OPERATION_UNKNOWN;
}

static bool communicates(const struct node *n)
{
    return n->type == CHAKRA_SEND || n->type == CHAKRA_RECV || n->type == CHAKRA_COLL;
}

static uint8_t index_of(const char *const *names, const char *name, uint8_t preset)
{
    for (uint8_t i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return preset;
}

static struct trace_class class_of(struct reading *r, const struct node *n)
{
    const struct class_rule *rule = class_table_find(r->classes, n->name);
    if (r->ours)
        return (struct trace_class){n->name, index_of(kernel_bound_names, text(n, "bound", ""), BOUND_LATENCY),
                                    (uint8_t)fmin(whole(n, "collective", 0, 0), COLL_EP_INTRANODE),
                                    number(n, "per_token", 0) != 0, number(n, "unclassified", 0) != 0};
    if (communicates(n) && !(rule && rule->collective))
        return (struct trace_class){arena_printf(r->arena, "collective_%s", trace_operation_names[operation_of(n)]),
                                    BOUND_COMM, COLL_LIBRARY, 0, 0};
    if (rule && rule->class_name)
        return (struct trace_class){rule->class_name, rule->bound, rule->collective, 0, 0};
    return (struct trace_class){arena_printf(r->arena, "unclassified:%.48s", *n->name ? n->name : "node"),
                                BOUND_LATENCY, 0, 0, 1};
}

static uint32_t class_id(struct reading *r, const struct node *n)
{
    struct trace_class c = class_of(r, n);
    struct trace *t = r->t;
    for (uint32_t i = 0; i < t->n_classes; i++)
        if (!strcmp(t->classes[i].name, c.name) && t->classes[i].bound == c.bound &&
            t->classes[i].collective == c.collective)
            return i;
    t->classes = grow(r->arena, t->classes, sizeof *t->classes, t->n_classes, &r->room_classes);
    t->classes[t->n_classes] = c;
    return t->n_classes++;
}

static uint32_t group_of(struct reading *r, const struct node *n)
{
    const char *name = text(n, "pg_name", NULL);
    struct trace *t = r->t;
    int32_t size = whole(n, "pg_size", 0, 1);
    if (!name)
        return TRACE_NONE;
    for (uint32_t i = 0; i < t->n_groups; i++)
        if (!strcmp(t->groups[i].name, name) && (!size || t->groups[i].size == (uint32_t)size))
            return i;
    const struct attribute *list = find(&r->meta, arena_printf(r->arena, "pg_ranks:%s", name));
    struct trace_group g = {.name = name, .size = (uint32_t)size};
    struct pb_reader all = {list ? list->list : NULL, list && list->list ? list->list + list->len : NULL, false};
    struct pb_field f;
    while (all.at && pb_next(&all, &f) && f.wire == 2) {
        struct pb_reader numbers = {f.data, f.data + f.len, false};
        g.ranks = ARENA_ARRAY(r->arena, uint32_t, f.len + 1);
        g.size = 0;
        while (numbers.at < numbers.end && !numbers.failed)
            g.ranks[g.size++] = (uint32_t)pb_varint(&numbers);
    }
    if (!g.size)
        return TRACE_NONE; /* a name alone says nothing of who takes part */
    t->groups = grow(r->arena, t->groups, sizeof *t->groups, t->n_groups, &r->room_groups);
    t->groups[t->n_groups] = g;
    return t->n_groups++;
}

/* What goes to each member, where it is uneven. */
static double *splits_of(struct reading *r, const struct node *n, uint32_t group)
{
    uint32_t k = 0;
    if (group == TRACE_NONE || !find(n, "split_bytes"))
        return NULL;
    double *split_B = ARENA_ARRAY(r->arena, double, r->t->groups[group].size + 1);
    for (uint32_t i = 0; i < n->n_attributes && k < r->t->groups[group].size; i++)
        if (!strcmp(n->attributes[i].name, "split_bytes"))
            split_B[k++] = fmax(n->attributes[i].number, 0);
    return k == r->t->groups[group].size ? split_B : NULL;
}

static uint32_t add_message(struct reading *r, const struct node *n)
{
    struct trace *t = r->t;
    uint32_t group = group_of(r, n), size = group == TRACE_NONE ? 0 : t->groups[group].size;
    enum trace_operation operation = operation_of(n);
    double input_B = fmax(number(n, "comm_size", 0), 0);
    double bytes_B = operation == OPERATION_ALL_GATHER ? input_B * size : input_B;
    t->messages[t->n_messages] =
        (struct trace_message){.operation = (uint8_t)operation,
                               .group = group,
                               .bytes_B = fmax(number(n, "comm_bytes", bytes_B), 0),
                               .peer = whole(n, operation == OPERATION_SEND ? "comm_dst" : "comm_src", -1, 0),
                               .sequence = r->ours ? (int64_t)number(n, "seq_id", -1) : -1,
                               .split_B = splits_of(r, n, group)};
    if (operation != OPERATION_SEND && operation != OPERATION_RECV)
        t->messages[t->n_messages].peer = -1;
    return t->n_messages++;
}

/* --- what a kernel waited for ------------------------------------------------------------------------------------------------------ */

static double end_of(const struct node *n)
{
    return n->start_s + n->duration_s;
}

/* Kernels of other streams among its dependencies; of operations of the CPU, when the last was done. */
static double take_deps(struct reading *r, const struct node *n, struct trace_kernel *k)
{
    double issued_s = -INFINITY;
    struct trace *t = r->t;
    k->first_dep = t->n_deps;
    for (uint32_t d = n->first_dep; d < n->first_dep + n->n_deps; d++) {
        const struct node *on = node_of(r, r->deps[d].id);
        if (!on || on == n)
            continue;
        if (on->place == TRACE_NONE) {
            issued_s = fmax(issued_s, on->cpu ? end_of(on) : issued_s);
            continue;
        }
        const struct trace_kernel *before = &t->kernels[on->place];
        if (on->place < n->place && before->stream != k->stream && on->place != k->launch_after)
            t->deps[t->n_deps++] = on->place;
    }
    k->n_deps = t->n_deps - k->first_dep;
    return issued_s;
}

/* When it could have begun by what it waited for. */
static double ready_s(const struct reading *r, const struct trace_kernel *k, const double *stream_free_s)
{
    double at_s = stream_free_s[k->stream];
    for (uint32_t d = 0; d < k->n_deps; d++) {
        const struct trace_kernel *on = &r->t->kernels[r->t->deps[k->first_dep + d]];
        at_s = fmax(at_s, on->start_s + on->duration_s);
    }
    return at_s;
}

static void set_launch(struct reading *r, const struct node *n, struct trace_kernel *k, double issued_s, double first_s,
                       const double *stream_free_s)
{
    static const double negligible_s = 1e-6;
    double ready = ready_s(r, k, stream_free_s);
    if (n->launched) {
        k->launch_s = n->launch_s;
        return;
    }
    k->launch_s = isfinite(issued_s) ? fmin(issued_s - first_s, k->start_s) : fmin(0, k->start_s);
    if (k->start_s <= fmax(ready, k->launch_s) + negligible_s)
        return;
    k->launch_s = k->start_s;
    r->n_unexplained++;
}

/* --- streams ------------------------------------------------------------------------------------------------------------------------- */

struct stream {
    int64_t number;
    bool communication;
};

static uint32_t stream_of(struct reading *r, struct stream *all, int64_t number, bool communication)
{
    uint32_t i = 0;
    while (i < r->t->n_streams && all[i].number != number)
        i++;
    if (i == MOST_STREAMS)
        return i - 1;
    if (i == r->t->n_streams)
        all[r->t->n_streams++] = (struct stream){number, communication};
    return i;
}

static void name_streams(struct reading *r, const struct stream *all)
{
    uint32_t n[2] = {0, 0};
    r->t->streams = ARENA_ARRAY(r->arena, const char *, r->t->n_streams + 1);
    for (uint32_t i = 0; i < r->t->n_streams; i++) {
        const char *role = all[i].communication ? "communication" : "compute";
        uint32_t count = ++n[all[i].communication];
        r->t->streams[i] = count == 1 ? role : arena_printf(r->arena, "%s%u", role, count);
    }
}

/* Texts of a list of the metadata. */
static const char **texts_of(struct reading *r, const char *name, uint32_t *n)
{
    const struct attribute *a = find(&r->meta, name);
    struct pb_reader list = {a ? a->list : NULL, a && a->list ? a->list + a->len : NULL, false};
    struct pb_field f;
    const char **texts = NULL;
    uint32_t room = 0;
    *n = 0;
    while (list.at && pb_next(&list, &f) && *n < MOST_LIST)
        if (f.wire == 2) {
            texts = grow(r->arena, texts, sizeof *texts, *n, &room);
            texts[(*n)++] = text_of(r, &f);
        }
    return texts;
}

/* --- the whole ----------------------------------------------------------------------------------------------------------------------- */

static void read_grid(struct reading *r, const struct node *n, struct trace_kernel *k)
{
    const struct attribute *a = find(n, "grid");
    struct pb_reader list = {a ? a->list : NULL, a && a->list ? a->list + a->len : NULL, false};
    struct pb_field f;
    (void)r;
    if (!list.at || !pb_next(&list, &f) || f.wire != 2)
        return;
    struct pb_reader numbers = {f.data, f.data + f.len, false};
    for (int i = 0; i < 3 && numbers.at < numbers.end; i++) {
        uint64_t value = pb_varint(&numbers);
        k->grid[i] = value <= INT32_MAX ? (int32_t)value : 0;
    }
}

static void fill_kernel(struct reading *r, const struct node *n, struct trace_kernel *k, struct stream *streams)
{
    uint32_t streams_before = r->t->n_streams;
    bool given = r->ours && n->stream >= 0 && n->stream < streams_before;
    k->class_id = class_id(r, n);
    k->stream = given ? (uint32_t)n->stream : stream_of(r, streams, n->stream, communicates(n));
    k->phase = (uint32_t)whole(n, "phase", -1, 0) < r->t->n_phases ? (uint32_t)whole(n, "phase", -1, 0) : TRACE_NONE;
    k->layer = whole(n, "layer", 0, 0);
    read_grid(r, n, k);
    k->blocks = (uint32_t)whole(n, "blocks", 0, 0);
    k->rows = fmax(number(n, "rows", 0), 0);
    k->launch_after =
        (uint32_t)whole(n, "launch_after", -1, 0) < n->place ? (uint32_t)whole(n, "launch_after", -1, 0) : TRACE_NONE;
    k->message = communicates(n) || find(n, "operation") ? add_message(r, n) : TRACE_NONE;
}

static void build_kernels(struct reading *r, struct node **order, struct stream *streams)
{
    double first_s = order[0]->start_s, *free_s = ARENA_ARRAY(r->arena, double, MOST_STREAMS + r->t->n_streams + 1);
    for (uint32_t i = 0; i < r->t->n_kernels; i++)
        order[i]->place = i;
    for (uint32_t i = 0; i < r->t->n_kernels; i++) {
        struct trace_kernel *k = &r->t->kernels[i];
        k->start_s = order[i]->start_s - first_s;
        k->duration_s = order[i]->duration_s;
        fill_kernel(r, order[i], k, streams);
        double issued_s = take_deps(r, order[i], k);
        set_launch(r, order[i], k, issued_s, first_s, free_s);
        free_s[k->stream] = fmax(free_s[k->stream], k->start_s + k->duration_s);
    }
}

/* The number before ".et": chakra.3.et; -1. */
static int32_t rank_in_name(const char *path)
{
    const char *end = strstr(path, ".et"), *at = end;
    while (at && at > path && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at && at < end && at > path && at[-1] == '.' && end - at < 8 ? atoi(at) : -1;
}

static void fill_header(struct reading *r)
{
    struct trace *t = r->t;
    const struct node *m = &r->meta;
    int32_t rank = whole(m, "rank", rank_in_name(r->path), 0);
    const char *slash = strrchr(r->path, '/');
    t->version = TRACE_VERSION;
    t->name = text(m, "name", slash ? slash + 1 : r->path);
    t->source = text(m, "source", arena_printf(r->arena, "Chakra trace %s", t->name));
    t->device = text(m, "device", "unknown");
    t->rank = rank < 0 ? 0 : rank;
    t->rank_given = rank >= 0;
    t->world_size = whole(m, "world_size", 0, 0);
    t->sms = whole(m, "sms", 0, 0);
    t->hidden = whole(m, "hidden", 0, 0);
    t->seq_len = whole(m, "seq_len", 0, 0);
    t->experts = whole(m, "experts", 0, 0);
    t->experts_per_token = whole(m, "experts_per_token", 0, 0);
    t->ep = whole(m, "ep", 0, 0);
    t->clock_s = NAN;
    t->phases = texts_of(r, "phases", &t->n_phases);
    r->ours = find(m, "streams") && find(m, "device");
    if (r->ours)
        t->streams = texts_of(r, "streams", &t->n_streams);
}

static int refuse_empty(struct reading *r)
{
    if (!r->n_nodes)
        return fail(r, "no node stands in it");
    if (r->n_cpu == r->n_nodes)
        return fail(r, "all its nodes are operations of the CPU (is_cpu_op): link it with the profile of the GPU "
                       "(chakra_trace_link), which has the kernels");
    return fail(
        r, "no node of the GPU has a duration: it says what to compute (num_ops), not how long that took; a trace of "
           "a run has times");
}

static void say_left_out(struct reading *r)
{
    if (r->n_unexplained)
        diag_warning(r->diag, SRCLOC_FILE(r->path),
                     "%u of %u kernels began later than their dependencies explain; they count as issued then",
                     r->n_unexplained, r->t->n_kernels);
    if (!r->ours && r->n_cpu)
        diag_warning(r->diag, SRCLOC_FILE(r->path),
                     "%u nodes are operations of the CPU: left out, but for when they issue kernels", r->n_cpu);
}

static int build(struct reading *r)
{
    struct trace *t = r->t = ARENA_NEW(r->arena, struct trace);
    struct node **order = ARENA_ARRAY(r->arena, struct node *, r->n_nodes + 1);
    struct stream *streams = ARENA_ARRAY(r->arena, struct stream, MOST_STREAMS + 1);
    fill_header(r);
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        r->n_cpu += r->nodes[i].cpu;
        if (is_kernel(&r->nodes[i]))
            order[t->n_kernels++] = &r->nodes[i];
    }
    if (!t->n_kernels)
        return refuse_empty(r);
    if (lacks_starts(r) && schedule(r))
        return -1;
    qsort(order, t->n_kernels, sizeof *order, by_start);
    t->kernels = ARENA_ARRAY(r->arena, struct trace_kernel, t->n_kernels);
    t->messages = ARENA_ARRAY(r->arena, struct trace_message, t->n_kernels);
    t->deps = ARENA_ARRAY(r->arena, uint32_t, r->n_deps + 1);
    build_kernels(r, order, streams);
    if (!r->ours)
        name_streams(r, streams);
    say_left_out(r);
    return 0;
}

int chakra_read_memory(const void *bytes, size_t len, const char *name, const struct class_table *classes,
                       struct trace_list *out, struct arena *arena, struct diag *diag)
{
    struct reading r = {.path = name, .classes = classes, .arena = arena, .diag = diag};
    struct pb_reader file = {bytes, (const uint8_t *)bytes + len, false};
    int failed = read_message(&r, &file, true);
    while (!failed && file.at < file.end)
        failed = read_message(&r, &file, false);
    failed = failed || index_nodes(&r) || build(&r) ? -1 : 0;
    HASH_CLEAR(hh, r.known);
    if (!failed)
        trace_list_add(out, &(struct trace_of_rank){r.t, name, NAN}, arena);
    return failed;
}

static int read_traces(const char *path, const struct class_table *classes, struct trace_list *out, struct arena *arena,
                       struct diag *diag)
{
    char *bytes;
    size_t len;
    if (whole_file_read(path, LARGEST_FILE_B, &bytes, &len, diag))
        return -1;
    char *text = arena_alloc(arena, len + 1);
    memcpy(text, bytes, len);
    free(bytes);
    return chakra_read_memory(text, len, path, classes, out, arena, diag);
}

/* There is no mark: a length and the version in it, or the name. */
static bool recognises(const struct input_head *head)
{
    size_t n = strlen(head->path);
    const uint8_t *b = (const uint8_t *)head->bytes;
    struct pb_reader r = {b, b + head->n, false};
    uint64_t len = pb_varint(&r);
    bool named = (n > 3 && !strcmp(head->path + n - 3, ".et")) || (n > 6 && !strcmp(head->path + n - 6, ".et.gz"));
    return head->n > 2 && (named || (!r.failed && len > 2 && r.end - r.at > 3 && r.at[0] == 0x0a && r.at[1] < 16 &&
                                     r.at[2] >= '0' && r.at[2] <= '9' && r.at[3] == '.'));
}

const struct input_format input_chakra = {.name = "Chakra execution trace",
                                          .doc = "MLCommons; ASTRA-sim",
                                          .makes = INPUT_TRACE,
                                          .recognises = recognises,
                                          .read_traces = read_traces};
