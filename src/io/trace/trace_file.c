/* Our own format: opened, and written. */
#include "io/trace/trace_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "io/json_stream.h"
#include "io/trace/trace_classes.h"
#include "io/trace/trace_file_priv.h"

const struct trace_member trace_texts[] = {{"name", offsetof(struct trace, name)},
                                           {"source", offsetof(struct trace, source)},
                                           {"device", offsetof(struct trace, device)},
                                           {NULL, 0}};

const struct trace_member trace_numbers[] = {{"world_size", offsetof(struct trace, world_size)},
                                             {"rank", offsetof(struct trace, rank)},
                                             {"sms", offsetof(struct trace, sms)},
                                             {"hidden", offsetof(struct trace, hidden)},
                                             {"seq_len", offsetof(struct trace, seq_len)},
                                             {"experts", offsetof(struct trace, experts)},
                                             {"experts_per_token", offsetof(struct trace, experts_per_token)},
                                             {"ep", offsetof(struct trace, ep)},
                                             {NULL, 0}};

const char *const trace_columns[] = {"class", "stream", "phase", "layer", "start_us",     "duration_us", "launch_us",
                                     "grid",  "blocks", "rows",  "deps",  "launch_after", "message",     NULL};

/* --- in ---------------------------------------------------------------------------- */

const char *trace_first_key(struct json_stream *js)
{
    const char *key = NULL;

    if (!js || json_enter_object(js))
        return NULL;
    int more = json_next_member(js, &key);
    if (!more)
        diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js), "the file holds an empty object, no trace");
    return more > 0 ? key : NULL;
}

struct trace_set *trace_set_read(const char *path, struct arena *arena, struct diag *diag)
{
    struct json_stream *js = json_open(path, diag);
    const char *key = trace_first_key(js);
    struct trace_list list = {0};
    int failed = -1;

    if (key && trace_is_own(key))
        failed = trace_read_own(js, key, &list, arena);
    else if (key)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this is no imported trace (its first key is '%.60s'); import a Kineto "
                   "trace first: moesim trace import %s -o OUT.trace.json",
                   key, path);
    else if (js)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "a profile of another format is imported first: moesim trace import %s -o OUT.trace.json", path);
    json_close(js);
    return failed ? NULL : trace_set_join(list.ranks, list.n, arena, diag);
}

struct trace *trace_read(const char *path, struct arena *arena, struct diag *diag)
{
    struct trace_set *set = trace_set_read(path, arena, diag);

    if (!set)
        return NULL;
    if (set->n > 1) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this holds the traces of %u ranks; here goes one: moesim trace import %s --rank %d -o "
                   "OUT.trace.json",
                   set->n, path, set->traces[0]->rank);
        return NULL;
    }
    return set->traces[0];
}

/* --- out --------------------------------------------------------------------------- */

/* Texts of a trace are UTF-8; of the control characters they may hold those of lines. */
void trace_write_text(struct outfile *f, const char *text)
{
    outfile_write(f, "\"", 1);
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ') {
            outfile_printf(f, "\\u%04x", (unsigned)*p);
            continue;
        }
        if (*p == '"' || *p == '\\')
            outfile_write(f, "\\", 1);
        outfile_write(f, p, 1);
    }
    outfile_write(f, "\"", 1);
}

static void write_texts(struct outfile *f, const char *key, const char *const *texts, uint32_t n)
{
    outfile_printf(f, " \"%s\": [", key);
    for (uint32_t i = 0; i < n; i++) {
        outfile_printf(f, "%s", i ? ", " : "");
        trace_write_text(f, texts[i]);
    }
    outfile_printf(f, "],\n");
}

/* Microseconds to the nanosecond, without zeros at the end. */
static void write_us(struct outfile *f, double time_s)
{
    long long ns = llround(time_s * 1e9), rest = llabs(ns) % 1000;
    int digits = 3;

    outfile_printf(f, ", %s%lld", ns < 0 ? "-" : "", llabs(ns) / 1000);
    if (!rest)
        return;
    for (; rest % 10 == 0; digits--)
        rest /= 10;
    outfile_printf(f, ".%0*lld", digits, rest);
}

/* The oldest version that can say it. */
static int version_of(const struct trace *t)
{
    bool newer = t->n_messages || t->n_groups;

    for (uint32_t i = 0; i < t->n_classes; i++)
        newer |= t->classes[i].collective > COLL_LAYOUT;
    return newer ? TRACE_VERSION : TRACE_FIRST_VERSION;
}

static void write_header(struct outfile *f, const struct trace *t)
{
    outfile_printf(f, "{\"trace_version\": %d,\n", version_of(t));
    for (const struct trace_member *m = trace_texts; m->key; m++) {
        outfile_printf(f, " \"%s\": ", m->key);
        trace_write_text(f, *(const char *const *)((const char *)t + m->offset));
        outfile_printf(f, ",\n");
    }
    for (const struct trace_member *m = trace_numbers; m->key; m++)
        outfile_printf(f, " \"%s\": %d,\n", m->key, *(const int32_t *)((const char *)t + m->offset));
    write_texts(f, "streams", t->streams, t->n_streams);
    write_texts(f, "phases", t->phases, t->n_phases);
}

static void write_classes(struct outfile *f, const struct trace *t)
{
    outfile_printf(f, " \"classes\": [");
    for (uint32_t i = 0; i < t->n_classes; i++) {
        const struct trace_class *c = &t->classes[i];
        outfile_printf(f, "%s{\"name\": ", i ? ",\n  " : "\n  ");
        trace_write_text(f, c->name);
        outfile_printf(f, ", \"bound\": \"%s\"", kernel_bound_names[c->bound]);
        if (c->collective)
            outfile_printf(f, ", \"collective\": \"%s\"", trace_collective_names[c->collective]);
        outfile_printf(f, "%s%s}", c->per_token ? ", \"per_token\": true" : "",
                       c->unclassified ? ", \"unclassified\": true" : "");
    }
    outfile_printf(f, "],\n");
}

static void write_kernel(struct outfile *f, const struct trace *t, const struct trace_kernel *k)
{
    outfile_printf(f, "[%u, %u, ", k->class_id, k->stream);
    if (k->phase == TRACE_NONE)
        outfile_printf(f, "null, %d", k->layer);
    else
        outfile_printf(f, "%u, %d", k->phase, k->layer);
    write_us(f, k->start_s);
    write_us(f, k->duration_s);
    write_us(f, k->launch_s);
    outfile_printf(f, ", [%d, %d, %d], %u", k->grid[0], k->grid[1], k->grid[2], k->blocks);
    bool message = k->message != TRACE_NONE, after = message || k->launch_after != TRACE_NONE;
    if (k->rows > 0 || k->n_deps || after)
        outfile_printf(f, ", %.15g", k->rows);
    if (k->n_deps || after) {
        for (uint32_t d = 0; d < k->n_deps; d++)
            outfile_printf(f, "%s%u", d ? ", " : ", [", t->deps[k->first_dep + d]);
        outfile_printf(f, k->n_deps ? "]" : ", []");
    }
    if (k->launch_after != TRACE_NONE)
        outfile_printf(f, ", %u", k->launch_after);
    if (message)
        outfile_printf(f, "%s, %u", k->launch_after == TRACE_NONE ? ", null" : "", k->message);
    outfile_printf(f, "]");
}

static void write_trace(struct outfile *f, const struct trace *trace)
{
    uint32_t n_columns = 0;

    while (trace_columns[n_columns])
        n_columns++;
    if (version_of(trace) < TRACE_VERSION)
        n_columns--;
    write_header(f, trace);
    write_classes(f, trace);
    if (version_of(trace) == TRACE_VERSION)
        trace_write_messages(f, trace);
    write_texts(f, "columns", trace_columns, n_columns);
    outfile_printf(f, " \"kernels\": [");
    for (uint32_t i = 0; i < trace->n_kernels; i++) {
        outfile_printf(f, "%s\n  ", i ? "," : "");
        write_kernel(f, trace, &trace->kernels[i]);
    }
    outfile_printf(f, "]}");
}

int trace_write(const struct trace *trace, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);

    if (!f)
        return -1;
    write_trace(f, trace);
    outfile_printf(f, "\n");
    return outfile_close(f, diag);
}

int trace_set_write(const struct trace_set *set, const char *path, struct diag *diag)
{
    if (set->n == 1)
        return trace_write(set->traces[0], path, diag);
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    outfile_printf(f, "{\"trace_set_version\": %d,\n \"traces\": [", TRACE_SET_VERSION);
    for (uint32_t i = 0; i < set->n; i++) {
        outfile_printf(f, "%s\n{\"origin_us\": %.3f, \"trace\":\n", i ? "," : "", set->clocks[i].origin_s * 1e6);
        write_trace(f, set->traces[i]);
        outfile_printf(f, "}");
    }
    outfile_printf(f, "]}\n");
    return outfile_close(f, diag);
}
