/* The SQLite export of Nsight Systems (nsys export --type sqlite), by its documented schema: kernels, copies, fills and the
 * calls of the CUDA runtime that issued them, given to the reader of Kineto's events. Left out: NVTX ranges, events and
 * waits between streams (a start that nothing explains counts as issued then), collectives' sizes, which are not in it.
 * No file of the program's own was at hand: the reader is held against files made after the schema only. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input_files.h"
#include "io/inputs/input.h"
#include "io/inputs/kineto.h"
#include "io/trace/trace_file_priv.h"

enum { MOST_ROWS = 20000000 };

struct text { /* JSON that grows */
    char *bytes;
    size_t n, room;
};

struct reading {
    sqlite3 *db;
    const char *path;
    struct diag *diag;
    struct text json;
    const char *table; /* that is being read */
    uint32_t n_rows;
};

/* --- text --------------------------------------------------------------------------------------------------------------- */

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (t->n + n + 1 > t->room) {
        t->room = 2 * (t->n + n) + 4096;
        t->bytes = checked_alloc(realloc(t->bytes, t->room));
    }
    memcpy(t->bytes + t->n, s, n + 1);
    t->n += n;
}

static void put_quoted(struct text *t, const char *s)
{
    char one[8];
    put(t, "\"");
    for (; s && *s; s++) {
        bool plain = (unsigned char)*s >= ' ' && (unsigned char)*s <= '~' && *s != '"' && *s != '\\';
        snprintf(one, sizeof one, "%c", plain ? *s : '_');
        put(t, one);
    }
    put(t, "\"");
}

static void put_int(struct text *t, const char *before, sqlite3_int64 value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    put(t, before);
    put(t, text);
}

/* Nanoseconds as microseconds. */
static void put_us(struct text *t, const char *before, sqlite3_int64 ns)
{
    char text[48];
    snprintf(text, sizeof text, "%lld.%03lld", (long long)(ns / 1000), (long long)(ns % 1000));
    put(t, before);
    put(t, text);
}

/* --- tables --------------------------------------------------------------------------------------------------------------- */

static bool has_column(struct reading *r, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(r->db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* The first of several names that a column has had; "0" where there is none. */
static const char *column_of(struct reading *r, const char *table, const char *const *names)
{
    for (; *names; names++)
        if (has_column(r, table, *names))
            return *names;
    return "0";
}

static int fail(struct reading *r, const char *what)
{
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->path), "%s: %s", what, sqlite3_errmsg(r->db));
    return -1;
}

/* Columns 0 and 1 are a start and an end. */
static int check_times(struct reading *r, sqlite3_stmt *row)
{
    sqlite3_int64 start = sqlite3_column_int64(row, 0), end = sqlite3_column_int64(row, 1);
    if (sqlite3_column_type(row, 0) == SQLITE_INTEGER && sqlite3_column_type(row, 1) == SQLITE_INTEGER && start >= 0 &&
        end >= start)
        return 0;
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->path),
               "%s: a row from %lld to %lld ns: a start and an end are whole nanoseconds from 0 on, the end not before "
               "the start; export the report again",
               r->table, (long long)start, (long long)end);
    return -1;
}

typedef int row_fn(struct reading *r, sqlite3_stmt *row);

/* 0, or -1 with the reason. */
static int each_row(struct reading *r, const char *table, const char *sql, row_fn *row)
{
    sqlite3_stmt *s = NULL;
    int code, failed = 0;
    r->table = table;
    if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) != SQLITE_OK)
        return fail(r, "this is no export of Nsight Systems that is known");
    while ((code = sqlite3_step(s)) == SQLITE_ROW && r->n_rows++ < MOST_ROWS && !failed)
        failed = row(r, s);
    sqlite3_finalize(s);
    if (failed)
        return -1;
    if (code == SQLITE_ROW) {
        diag_error(r->diag, EXIT_LIMIT, SRCLOC_FILE(r->path), "more than %d events; export a part of it", MOST_ROWS);
        return -1;
    }
    return code == SQLITE_DONE ? 0 : fail(r, "the file is damaged");
}

/* start, end, device, stream, correlation, name, and of kernels grid, block, registers, shared memory */
static int add_work(struct reading *r, sqlite3_stmt *row)
{
    bool kernel = sqlite3_column_count(row) > 6;
    if (check_times(r, row))
        return -1;
    put(&r->json, ",\n{\"ph\": \"X\", \"cat\": ");
    put(&r->json, kernel ? "\"kernel\"" : "\"gpu_memcpy\"");
    put(&r->json, ", \"name\": ");
    put_quoted(&r->json, (const char *)sqlite3_column_text(row, 5));
    put_us(&r->json, ", \"ts\": ", sqlite3_column_int64(row, 0));
    put_us(&r->json, ", \"dur\": ", sqlite3_column_int64(row, 1) - sqlite3_column_int64(row, 0));
    put_int(&r->json, ", \"pid\": ", sqlite3_column_int64(row, 2));
    put_int(&r->json, ", \"tid\": ", sqlite3_column_int64(row, 3));
    put_int(&r->json, ", \"args\": {\"device\": ", sqlite3_column_int64(row, 2));
    put_int(&r->json, ", \"stream\": ", sqlite3_column_int64(row, 3));
    put_int(&r->json, ", \"correlation\": ", sqlite3_column_int64(row, 4));
    for (int i = 6; kernel && i < 12; i++)
        put_int(&r->json, i == 6 ? ", \"grid\": [" : i == 9 ? "], \"block\": [" : ", ", sqlite3_column_int64(row, i));
    if (kernel) {
        put_int(&r->json, "], \"registers per thread\": ", sqlite3_column_int64(row, 12));
        put_int(&r->json, ", \"shared memory\": ", sqlite3_column_int64(row, 13));
    }
    put(&r->json, "}}");
    return 0;
}

/* start, end, thread, correlation, name */
static int add_call(struct reading *r, sqlite3_stmt *row)
{
    const char *name = (const char *)sqlite3_column_text(row, 4), *version = name ? strstr(name, "_v") : NULL;
    char plain[128];
    if (check_times(r, row))
        return -1;
    snprintf(plain, sizeof plain, "%.*s", version ? (int)(version - name) : 100, name ? name : "");
    put(&r->json, ",\n{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": ");
    put_quoted(&r->json, plain); /* cudaLaunchKernel_v7000 */
    put_us(&r->json, ", \"ts\": ", sqlite3_column_int64(row, 0));
    put_us(&r->json, ", \"dur\": ", sqlite3_column_int64(row, 1) - sqlite3_column_int64(row, 0));
    put_int(&r->json, ", \"pid\": 1, \"tid\": ", sqlite3_column_int64(row, 2) & 0xffffff);
    put_int(&r->json, ", \"args\": {\"correlation\": ", sqlite3_column_int64(row, 3));
    put(&r->json, "}}");
    return 0;
}

/* id, name, SMs */
static int add_device(struct reading *r, sqlite3_stmt *row)
{
    put_int(&r->json, r->json.bytes[r->json.n - 1] == '[' ? "{\"id\": " : ", {\"id\": ", sqlite3_column_int64(row, 0));
    put(&r->json, ", \"name\": ");
    put_quoted(&r->json, (const char *)sqlite3_column_text(row, 1));
    put_int(&r->json, ", \"numSms\": ", sqlite3_column_int64(row, 2));
    put(&r->json, "}");
    return 0;
}

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

static int read_devices(struct reading *r, struct arena *a)
{
    static const char table[] = "TARGET_INFO_GPU";
    const char *id = column_of(r, table, (const char *const[]){"cuDevice", "id", NULL}),
               *sms = column_of(r, table, (const char *const[]){"smCount", "multiProcessorCount", NULL});
    put(&r->json, "{\"schemaVersion\": 1, \"deviceProperties\": [");
    if (has_column(r, table, "name") &&
        each_row(r, table, arena_printf(a, "SELECT %s, name, %s FROM %s ORDER BY 1", id, sms, table), add_device))
        return -1;
    put(&r->json,
        "], \"traceEvents\": [{\"ph\": \"M\", \"name\": \"nsight\", \"pid\": 0, \"tid\": 0, \"ts\": 0, \"args\": {}}");
    return 0;
}

static int read_kernels(struct reading *r, struct arena *a)
{
    static const char table[] = "CUPTI_ACTIVITY_KIND_KERNEL";
    const char *name = column_of(r, table, (const char *const[]){"demangledName", "shortName", NULL});
    if (!has_column(r, table, "streamId"))
        return fail(r, "it holds no kernels (CUPTI_ACTIVITY_KIND_KERNEL): profile with --trace=cuda");
    if (!has_column(r, "StringIds", "value")) /* a view is none: it may go on for ever */
        return fail(r, "it holds no table of names (StringIds)");
    return each_row(
        r, table,
        arena_printf(a,
                     "SELECT k.start, k.end, k.deviceId, k.streamId, k.correlationId, s.value, k.gridX, k.gridY, "
                     "k.gridZ, k.blockX, k.blockY, k.blockZ, k.registersPerThread, k.staticSharedMemory + "
                     "k.dynamicSharedMemory FROM %s k LEFT JOIN StringIds s ON s.id = k.%s ORDER BY k.start",
                     table, name),
        add_work);
}

static int read_copies(struct reading *r, const char *table, const char *name, struct arena *a)
{
    if (!has_column(r, table, "streamId"))
        return 0;
    return each_row(r, table,
                    arena_printf(a, "SELECT start, end, deviceId, streamId, correlationId, '%s' FROM %s ORDER BY start",
                                 name, table),
                    add_work);
}

static int read_calls(struct reading *r, struct arena *a)
{
    static const char table[] = "CUPTI_ACTIVITY_KIND_RUNTIME";
    if (!has_column(r, table, "correlationId")) {
        diag_warning(r->diag, SRCLOC_FILE(r->path),
                     "it holds no calls of the CUDA runtime: when kernels were issued is not known");
        return 0;
    }
    return each_row(r, table,
                    arena_printf(a,
                                 "SELECT c.start, c.end, c.globalTid, c.correlationId, s.value FROM %s c LEFT JOIN "
                                 "StringIds s ON s.id = c.nameId ORDER BY c.start",
                                 table),
                    add_call);
}

static int to_kineto(struct reading *r, struct arena *a)
{
    if (read_devices(r, a) || read_kernels(r, a) || read_copies(r, "CUPTI_ACTIVITY_KIND_MEMCPY", "Memcpy", a) ||
        read_copies(r, "CUPTI_ACTIVITY_KIND_MEMSET", "Memset", a) || read_calls(r, a))
        return -1;
    put(&r->json, "]}\n");
    return 0;
}

static int read_json(struct reading *r, const struct class_table *classes, struct trace_list *out, struct arena *a)
{
    struct json_stream *js = json_open_memory(r->json.bytes, r->json.n, r->path, r->diag);
    json_hide_places(js);
    const char *key = js ? trace_first_key(js) : NULL;
    struct trace *t = key ? kineto_import(js, key, classes, a) : NULL;
    if (t) {
        t->source = arena_printf(a, "Nsight Systems export %s (reader not validated on a recording)", r->path);
        trace_list_add(out, &(struct trace_of_rank){t, r->path, NAN}, a);
    }
    json_close(js);
    return t ? 0 : -1;
}

int nsight_read_database(sqlite3 *db, const char *name, const struct class_table *classes, struct trace_list *out,
                         struct arena *arena, struct diag *diag)
{
    struct reading r = {.db = db, .path = name, .diag = diag};
    int failed = to_kineto(&r, arena);
    if (!failed) {
        diag_warning(
            diag, SRCLOC_FILE(name),
            "exports of Nsight Systems are read by their documented schema, unvalidated: no recording was at hand; "
            "waits between streams and sizes of collectives are not read");
        failed = read_json(&r, classes, out, arena);
    }
    free(r.json.bytes);
    return failed;
}

static int read_traces(const char *path, const struct class_table *classes, struct trace_list *out, struct arena *arena,
                       struct diag *diag)
{
    sqlite3 *db = NULL;
    int failed = -1;
    input_file_add(path);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
        failed = nsight_read_database(db, path, classes, out, arena, diag);
    else
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s", sqlite3_errmsg(db));
    sqlite3_close(db);
    return failed;
}

static bool recognises(const struct input_head *head)
{
    return head->n >= 16 && !memcmp(head->bytes, "SQLite format 3", 16);
}

const struct input_format input_nsight = {.name = "Nsight Systems",
                                          .doc = "nsys export --type sqlite",
                                          .makes = INPUT_TRACE,
                                          .recognises = recognises,
                                          .read_traces = read_traces};
