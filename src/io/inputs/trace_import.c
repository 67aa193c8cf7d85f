#include "io/inputs/trace_import.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/data_find.h"
#include "io/inputs/input.h"
#include "io/inputs/kineto.h"
#include "io/trace/trace_file_priv.h"
#include "io/trace/trace_set.h"

#define CLASS_FILE "configs/trace_classes.yaml"

struct importer {
    const struct class_table *classes;
    struct trace_list list;
    bool classifies; /* a file had kernels without classes */
    struct arena *arena;
    struct diag *diag;
};

/* --- formats that are JSON -------------------------------------------------------------------------------------- */

static int read_json(struct json_stream *js, const struct class_table *classes, struct trace_list *out,
                     struct arena *arena)
{
    const char *key = trace_first_key(js);

    if (!key)
        return -1;
    if (trace_is_own(key))
        return trace_read_own(js, key, out, arena);
    struct trace *trace = kineto_import(js, key, classes, arena);
    if (trace)
        trace_list_add(out, &(struct trace_of_rank){trace, json_where(js).file, NAN}, arena);
    return trace ? 0 : -1;
}

int input_read_json_traces(const char *path, const struct class_table *classes, struct trace_list *out,
                           struct arena *arena, struct diag *diag)
{
    struct json_stream *js = json_open(path, diag);
    int failed = js ? read_json(js, classes, out, arena) : -1;

    json_close(js);
    return failed;
}

struct trace_set *trace_import_memory(const void *bytes, size_t len, const char *name,
                                      const struct class_table *classes, struct arena *arena, struct diag *diag)
{
    struct json_stream *js = json_open_memory(bytes, len, name, diag);
    struct trace_list list = {0};
    int failed = read_json(js, classes, &list, arena);

    json_close(js);
    return failed ? NULL : trace_set_join(list.ranks, list.n, arena, diag);
}

static bool is_own(const struct input_head *head)
{
    return input_first_key_is(head, "trace_version") || input_first_key_is(head, "trace_set_version");
}

const struct input_format input_own_trace = {.name = "moesim's trace",
                                             .doc = "moesim trace import",
                                             .makes = INPUT_TRACE,
                                             .recognises = is_own,
                                             .read_traces = input_read_json_traces};

/* --- files ------------------------------------------------------------------------------------------------------ */

/* What is neither is read as JSON: it tells best what is wrong. */
static int read_file(struct importer *im, const char *path)
{
    struct input_head *head = checked_alloc(malloc(sizeof *head));
    const struct input_format *format = NULL;
    int failed = input_head_read(path, head, im->diag);

    if (!failed)
        format = input_recognise(head);
    free(head);
    if (failed)
        return -1;
    if (!format || !format->read_traces)
        format = &input_kineto;
    im->classifies |= format != &input_own_trace;
    return format->read_traces(path, im->classes, &im->list, im->arena, im->diag);
}

/* The number behind the last "rank" of a file's name; -1: there is none. */
static int32_t rank_in_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *at = slash ? slash + 1 : path;
    int32_t rank = -1;

    while ((at = strstr(at, "rank"))) {
        at += 4;
        at += *at == '-' || *at == '_';
        if (*at >= '0' && *at <= '9' && strspn(at, "0123456789") < 8)
            rank = atoi(at);
    }
    return rank;
}

static bool is_empty(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !st.st_size;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_trace_file(const char *path, struct diag *diag)
{
    struct input_head *head = checked_alloc(malloc(sizeof *head));
    const struct input_format *format = input_head_read(path, head, diag) ? NULL : input_recognise(head);

    free(head);
    return format && format->read_traces;
}

static int read_entry(struct importer *im, const char *path)
{
    if (is_folder(path))
        return 0;
    if (is_trace_file(path, im->diag))
        return read_file(im, path);
    if (rank_in_name(path) >= 0 || is_empty(path)) {
        diag_error(im->diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "this is no trace%s, though %s; copy it again, or move it out of the folder",
                   is_empty(path) ? " but empty" : "",
                   rank_in_name(path) >= 0 ? "its name says a rank" : "it stands among traces");
        return -1;
    }
    diag_warning(im->diag, SRCLOC_FILE(path), "this is no trace; left out");
    return 0;
}

static int read_folder(struct importer *im, const char *path)
{
    struct dirent **names = NULL;
    uint32_t before = im->list.n;
    int n = scandir(path, &names, NULL, by_name), failed = 0;

    if (n < 0) {
        diag_error(im->diag, EXIT_IO, SRCLOC_FILE(path), "cannot read the folder: %s", strerror(errno));
        return -1;
    }
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.' && !failed)
            failed = read_entry(im, arena_printf(im->arena, "%s/%s", path, names[i]->d_name));
        free(names[i]);
    }
    free(names);
    if (failed || im->list.n > before)
        return failed;
    diag_error(im->diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "no file in this folder is a trace");
    return -1;
}

/* --- which rank --------------------------------------------------------------------------------------------------- */

/* A file that does not say which rank it is, among several. */
static int name_rank(struct importer *im, struct trace_of_rank *r)
{
    int32_t rank = rank_in_name(r->file);

    if (r->trace->rank_given)
        return 0;
    if (rank < 0) {
        diag_error(im->diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->file),
                   "neither the trace (distributedInfo) nor the file's name ('rank-3.json') says which rank it is of");
        return -1;
    }
    diag_warning(im->diag, SRCLOC_FILE(r->file), "which rank it is of is taken from the file's name: %d", rank);
    r->trace->rank = rank;
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int read_classes(struct class_table *table, const char *user, struct arena *arena, struct diag *diag)
{
    const char *shipped = data_find(CLASS_FILE, NULL, arena);

    if (!shipped) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(CLASS_FILE),
                   "cannot find the class table; name the folder that holds 'configs' in "
                   "MOESIM_PATH");
        return -1;
    }
    return class_table_read(table, user, shipped, arena, diag);
}

struct trace_set *trace_import_all(const char *const *paths, int n, const char *user_classes, struct arena *arena,
                                   struct diag *diag)
{
    struct class_table classes;
    struct importer im = {.classes = &classes, .arena = arena, .diag = diag};

    if (read_classes(&classes, user_classes, arena, diag))
        return NULL;
    for (int i = 0; i < n; i++)
        if (is_folder(paths[i]) ? read_folder(&im, paths[i]) : read_file(&im, paths[i]))
            return NULL;
    if (user_classes && !im.classifies) {
        diag_error(
            diag, EXIT_USAGE, SRCLOC_FILE(user_classes),
            "kernels of moesim's own traces have their classes already; leave out --classes, or give it with the "
            "profile");
        return NULL;
    }
    for (uint32_t i = 0; i < im.list.n && im.list.n > 1; i++)
        if (name_rank(&im, &im.list.ranks[i]))
            return NULL;
    return trace_set_join(im.list.ranks, im.list.n, arena, diag);
}

struct trace *trace_import(const char *path, const char *user_classes, struct arena *arena, struct diag *diag)
{
    struct trace_set *set = trace_import_all(&path, 1, user_classes, arena, diag);

    return set ? set->traces[0] : NULL;
}
