/* Reading our own trace format, one kernel at a time. Everything that a replay relies on is
 * checked here: types, ranges, indices, sorted times, and that nothing waits for a kernel
 * that comes later. */
#include "io/trace/trace_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_doc.h"
#include "io/trace/trace_classes.h"
#include "io/trace/trace_file_priv.h"

#define VALUE_LIMIT_B (1u << 20)
#define LIST_LIMIT_B (64u << 20) /* names of all phases or classes */
#define MAX_KERNELS 20000000u
#define MAX_US 1e11    /* a day */
#define MAX_ROWS 1e19  /* what a class table can ask of a grid */
#define MAX_NUMBER 1e9 /* of the header */

enum column {
    CLASS,
    STREAM,
    PHASE,
    LAYER,
    START,
    DURATION,
    LAUNCH,
    GRID,
    BLOCKS,
    ROWS,
    DEPS,
    LAUNCH_AFTER,
    MESSAGE,
    N_COLUMNS
};
enum { FEWEST_COLUMNS = ROWS };

struct reader {
    struct json_stream *js;
    struct arena *arena;
    struct trace *t;
    struct trace_kernel *kernels; /* malloc'ed while growing */
    uint32_t *deps;
    size_t n_kernels, cap_kernels, n_deps, cap_deps;
    bool have_kernels;
    uint32_t seen; /* bits of the header's numbers */
};

static int fail(const struct reader *rd, const char *message)
{
    diag_error(json_diag(rd->js), EXIT_BAD_INPUT, json_where(rd->js), "%s", message);
    return -1;
}

/* Called before the value is read: the place is that of the key. */
static int fail_twice(const struct reader *rd, const char *key)
{
    return fail(rd, arena_printf(rd->arena, "'%s' stands here a second time", key));
}

/* --- header ------------------------------------------------------------------------ */

static int read_version(struct reader *rd)
{
    cJSON *version = json_value(rd->js, VALUE_LIMIT_B);
    int failed = version ? 0 : -1;

    if (version && (!cJSON_IsNumber(version) ||
                    (version->valuedouble != TRACE_VERSION && version->valuedouble != TRACE_FIRST_VERSION)))
        failed = fail(rd, "this program reads trace_version 1 and 2; import the trace again");
    else if (version)
        rd->t->version = (int)version->valuedouble;
    cJSON_Delete(version);
    return failed;
}

static const char *copy_text(struct reader *rd, const cJSON *value, const char *what)
{
    const char *why = "must be a text";

    if (cJSON_IsString(value) && value->valuestring[0] &&
        !yaml_bad_byte(value->valuestring, strlen(value->valuestring), &why))
        return arena_strdup(rd->arena, value->valuestring);
    fail(rd, arena_printf(rd->arena, "'%s': %s", what, why));
    return NULL;
}

static int read_texts(struct reader *rd, const char *what, const char ***texts, uint32_t *n)
{
    if (*texts)
        return fail_twice(rd, what);
    cJSON *list = json_value(rd->js, LIST_LIMIT_B), *item = NULL;
    int failed = list ? 0 : -1;

    if (list && !cJSON_IsArray(list))
        failed = fail(rd, arena_printf(rd->arena, "'%s' must be a list of texts", what));
    *texts = ARENA_ARRAY(rd->arena, const char *, (size_t)cJSON_GetArraySize(list) + 1);
    *n = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!failed && !((*texts)[(*n)++] = copy_text(rd, item, what)))
            failed = -1;
    }
    cJSON_Delete(list);
    return failed;
}

static int read_header_text(struct reader *rd, const struct trace_member *m)
{
    const char **out = (const char **)((char *)rd->t + m->offset);

    if (*out)
        return fail_twice(rd, m->key);
    cJSON *value = json_value(rd->js, VALUE_LIMIT_B);
    *out = value ? copy_text(rd, value, m->key) : NULL;
    cJSON_Delete(value);
    return *out ? 0 : -1;
}

static int read_header_number(struct reader *rd, const struct trace_member *m)
{
    uint32_t bit = (uint32_t)1 << (m - trace_numbers);

    if (rd->seen & bit)
        return fail_twice(rd, m->key);
    rd->seen |= bit;
    cJSON *value = json_value(rd->js, VALUE_LIMIT_B);
    double number = cJSON_IsNumber(value) ? value->valuedouble : -1;
    int failed = value ? 0 : -1;

    if (!failed && !(number >= 0 && number <= MAX_NUMBER && number == floor(number)))
        failed = fail(rd, arena_printf(rd->arena, "'%s' must be a whole number from 0 to %.0f", m->key, MAX_NUMBER));
    if (!failed)
        *(int32_t *)((char *)rd->t + m->offset) = (int32_t)number;
    cJSON_Delete(value);
    return failed;
}

/* --- classes ----------------------------------------------------------------------- */

static int find_choice(const char *const *choices, const char *text)
{
    for (int i = 0; choices[i]; i++)
        if (!strcmp(choices[i], text))
            return i;
    return -1;
}

static int read_choice(struct reader *rd, const cJSON *item, const char *key, const char *const *choices, bool required,
                       uint8_t *out)
{
    const char *text = NULL;

    if (json_string(rd->js, item, key, "class", required, &text))
        return -1;
    int found = text ? find_choice(choices, text) : 0;
    if (found < 0)
        return fail(rd, arena_printf(rd->arena, "'%.40s' is no '%s' of a class", text, key));
    *out = (uint8_t)found;
    return 0;
}

static int read_class(struct reader *rd, const cJSON *item)
{
    struct trace_class *c = &rd->t->classes[rd->t->n_classes++];
    const char *name = NULL;

    if (json_string(rd->js, item, "name", "class", true, &name) ||
        read_choice(rd, item, "bound", kernel_bound_names, true, &c->bound) ||
        read_choice(rd, item, "collective", trace_collective_names, false, &c->collective))
        return -1;
    c->name = arena_strdup(rd->arena, name);
    c->per_token = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "per_token"));
    c->unclassified = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "unclassified"));
    return 0;
}

static int read_classes(struct reader *rd)
{
    if (rd->t->classes)
        return fail_twice(rd, "classes");
    cJSON *list = json_value(rd->js, LIST_LIMIT_B), *item = NULL;
    int failed = list ? 0 : -1;

    if (list && !cJSON_IsArray(list))
        failed = fail(rd, "'classes' must be a list of classes");
    rd->t->classes = ARENA_ARRAY(rd->arena, struct trace_class, (size_t)cJSON_GetArraySize(list) + 1);
    rd->t->n_classes = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!failed)
            failed = read_class(rd, item);
    }
    cJSON_Delete(list);
    return failed;
}

/* --- kernels ----------------------------------------------------------------------- */

struct row {
    struct reader *rd;
    const cJSON *cell[N_COLUMNS];
    bool failed;
};

static void row_fail(struct row *r, enum column c, const char *must)
{
    if (!r->failed)
        fail(r->rd,
             arena_printf(r->rd->arena, "kernel %zu: '%s' must be %s", r->rd->n_kernels, trace_columns[c], must));
    r->failed = true;
}

static double row_number(struct row *r, enum column c, double min, double max)
{
    const cJSON *cell = r->cell[c];

    if (cJSON_IsNumber(cell) && cell->valuedouble >= min && cell->valuedouble <= max)
        return cell->valuedouble;
    row_fail(r, c, arena_printf(r->rd->arena, "a number from %.15g to %.15g", min, max));
    return min;
}

static bool is_index(const cJSON *cell, uint64_t n)
{
    return cJSON_IsNumber(cell) && cell->valuedouble >= 0 && cell->valuedouble < (double)n &&
           cell->valuedouble == floor(cell->valuedouble);
}

static int32_t row_whole(struct row *r, enum column c)
{
    if (is_index(r->cell[c], INT32_MAX + (uint64_t)1))
        return (int32_t)r->cell[c]->valuedouble;
    row_fail(r, c, arena_printf(r->rd->arena, "a whole number from 0 to %d", INT32_MAX));
    return 0;
}

static uint32_t row_index(struct row *r, enum column c, uint64_t n, const char *of)
{
    if (is_index(r->cell[c], n))
        return (uint32_t)r->cell[c]->valuedouble;
    row_fail(r, c, arena_printf(r->rd->arena, "an index of %s, of which there are %llu", of, (unsigned long long)n));
    return 0;
}

static uint32_t row_index_or_null(struct row *r, enum column c, uint64_t n, const char *of)
{
    if (!r->cell[c] || cJSON_IsNull(r->cell[c]))
        return TRACE_NONE;
    return row_index(r, c, n, of);
}

static void row_grid(struct row *r, struct trace_kernel *k)
{
    const cJSON *cell = r->cell[GRID];

    for (int i = 0; i < 3; i++) {
        const cJSON *n = cJSON_GetArrayItem(cell, i);
        if (!cJSON_IsArray(cell) || cJSON_GetArraySize(cell) != 3 || !is_index(n, (uint64_t)INT32_MAX + 1)) {
            row_fail(r, GRID, "three whole numbers");
            return;
        }
        k->grid[i] = (int32_t)n->valuedouble;
    }
}

static void row_deps(struct row *r, struct trace_kernel *k)
{
    struct reader *rd = r->rd;
    const cJSON *item = NULL;

    k->first_dep = (uint32_t)rd->n_deps;
    if (r->cell[DEPS] && !cJSON_IsArray(r->cell[DEPS]))
        row_fail(r, DEPS, "a list");
    cJSON_ArrayForEach(item, r->cell[DEPS])
    {
        if (!is_index(item, rd->n_kernels)) {
            row_fail(r, DEPS, "a list of indices of earlier kernels");
            return;
        }
        if (rd->n_deps == rd->cap_deps) {
            rd->cap_deps = rd->cap_deps ? 2 * rd->cap_deps : 256;
            rd->deps = checked_alloc(realloc(rd->deps, rd->cap_deps * sizeof *rd->deps));
        }
        rd->deps[rd->n_deps++] = (uint32_t)item->valuedouble;
    }
    k->n_deps = (uint32_t)rd->n_deps - k->first_dep;
}

static void row_times(struct row *r, struct trace_kernel *k)
{
    const struct reader *rd = r->rd;

    k->start_s = row_number(r, START, 0, MAX_US) / 1e6;
    k->duration_s = row_number(r, DURATION, 0, MAX_US) / 1e6;
    k->launch_s = row_number(r, LAUNCH, -MAX_US, MAX_US) / 1e6;
    if (rd->n_kernels ? k->start_s < rd->kernels[rd->n_kernels - 1].start_s : k->start_s != 0)
        row_fail(r, START, "sorted, the first one 0");
}

static int n_columns(const struct reader *rd)
{
    return rd->t->version < TRACE_VERSION ? N_COLUMNS - 1 : N_COLUMNS;
}

static int split_row(struct row *r, const cJSON *row)
{
    const cJSON *cell = NULL;
    int n = 0;

    if (!cJSON_IsArray(row) || cJSON_GetArraySize(row) < FEWEST_COLUMNS || cJSON_GetArraySize(row) > n_columns(r->rd))
        return fail(r->rd, arena_printf(r->rd->arena,
                                        "kernel %zu must be a list of %d to %d values; "
                                        "'columns' names them",
                                        r->rd->n_kernels, FEWEST_COLUMNS, n_columns(r->rd)));
    cJSON_ArrayForEach(cell, row)
    {
        r->cell[n++] = cell;
    }
    return 0;
}

static int read_kernel(struct reader *rd, const cJSON *value)
{
    struct row r = {.rd = rd};
    struct trace_kernel k = {0};
    const struct trace *t = rd->t;

    if (split_row(&r, value))
        return -1;
    k.class_id = row_index(&r, CLASS, t->n_classes, "'classes'");
    k.stream = row_index(&r, STREAM, t->n_streams, "'streams'");
    k.phase = row_index_or_null(&r, PHASE, t->n_phases, "'phases'");
    k.layer = row_whole(&r, LAYER);
    row_times(&r, &k);
    row_grid(&r, &k);
    k.blocks = (uint32_t)row_whole(&r, BLOCKS);
    k.rows = r.cell[ROWS] ? row_number(&r, ROWS, 0, MAX_ROWS) : 0;
    row_deps(&r, &k);
    k.launch_after = row_index_or_null(&r, LAUNCH_AFTER, rd->n_kernels, "earlier kernels");
    k.message = row_index_or_null(&r, MESSAGE, t->n_messages, "'messages'");
    if (r.failed)
        return -1;
    if (rd->n_kernels == rd->cap_kernels) {
        rd->cap_kernels = rd->cap_kernels ? 2 * rd->cap_kernels : 256;
        rd->kernels = checked_alloc(realloc(rd->kernels, rd->cap_kernels * sizeof *rd->kernels));
    }
    rd->kernels[rd->n_kernels++] = k;
    return 0;
}

static int check_before_kernels(struct reader *rd)
{
    const struct trace *t = rd->t;

    if (rd->have_kernels)
        return fail_twice(rd, "kernels");
    rd->have_kernels = true;
    if (!t->streams || !t->phases || !t->classes)
        return fail(rd, "'kernels' must come after 'streams', 'phases' and 'classes', which "
                        "it refers to");
    return 0;
}

static int read_kernels(struct reader *rd)
{
    int more = check_before_kernels(rd) || json_enter_array(rd->js) ? -1 : 1;

    while (more > 0 && (more = json_next_element(rd->js)) > 0) {
        cJSON *row = json_value(rd->js, VALUE_LIMIT_B);
        more = row && !read_kernel(rd, row) ? 1 : -1;
        cJSON_Delete(row);
        if (rd->n_kernels > MAX_KERNELS) {
            diag_error(json_diag(rd->js), EXIT_LIMIT, json_where(rd->js), "more than %u kernels", MAX_KERNELS);
            more = -1;
        }
    }
    return more;
}

/* --- the whole --------------------------------------------------------------------- */

static const struct trace_member *find_member(const struct trace_member *members, const char *key)
{
    for (; members->key; members++)
        if (!strcmp(members->key, key))
            return members;
    return NULL;
}

/* 'columns' is for people, but a file with others was not written by this program. */
static int check_columns(struct reader *rd)
{
    const char **texts = NULL;
    uint32_t n = 0;

    if (read_texts(rd, "columns", &texts, &n))
        return -1;
    bool same = (int)n == n_columns(rd);
    for (uint32_t i = 0; same && i < n; i++)
        same = !strcmp(texts[i], trace_columns[i]);
    return same ? 0
                : fail(rd, arena_printf(rd->arena, "these are not the columns of trace_version %d", rd->t->version));
}

static int read_member(struct reader *rd, const char *key)
{
    const struct trace_member *text = find_member(trace_texts, key);
    const struct trace_member *number = find_member(trace_numbers, key);

    if (text)
        return read_header_text(rd, text);
    if (number)
        return read_header_number(rd, number);
    if (!strcmp(key, "streams"))
        return read_texts(rd, "streams", &rd->t->streams, &rd->t->n_streams);
    if (!strcmp(key, "phases"))
        return read_texts(rd, "phases", &rd->t->phases, &rd->t->n_phases);
    if (!strcmp(key, "classes"))
        return read_classes(rd);
    if (!strcmp(key, "groups"))
        return rd->t->groups ? fail_twice(rd, key) : trace_read_groups(rd->js, rd->arena, rd->t);
    if (!strcmp(key, "messages"))
        return rd->t->messages ? fail_twice(rd, key) : trace_read_messages(rd->js, rd->arena, rd->t);
    if (!strcmp(key, "columns"))
        return check_columns(rd);
    if (!strcmp(key, "kernels"))
        return read_kernels(rd);
    return fail(rd, arena_printf(rd->arena, "unknown key '%.60s'", key));
}

static int check_whole(struct reader *rd)
{
    for (const struct trace_member *m = trace_texts; m->key; m++)
        if (!*(const char *const *)((const char *)rd->t + m->offset))
            return fail(rd, arena_printf(rd->arena, "the trace has no '%s'", m->key));
    return rd->n_kernels ? 0 : fail(rd, "the trace holds no kernels");
}

static void take_arrays(struct reader *rd)
{
    struct trace *t = rd->t;

    t->n_kernels = (uint32_t)rd->n_kernels;
    t->n_deps = (uint32_t)rd->n_deps;
    t->kernels = ARENA_ARRAY(rd->arena, struct trace_kernel, rd->n_kernels);
    t->deps = ARENA_ARRAY(rd->arena, uint32_t, rd->n_deps + 1);
    memcpy(t->kernels, rd->kernels, rd->n_kernels * sizeof *t->kernels);
    if (rd->n_deps)
        memcpy(t->deps, rd->deps, rd->n_deps * sizeof *t->deps);
}

/* Behind the key "trace_version". */
static struct trace *read_one(struct json_stream *js, struct arena *arena, bool whole_file)
{
    struct reader rd = {.js = js, .arena = arena, .t = ARENA_NEW(arena, struct trace)};
    const char *key = NULL;
    int more = read_version(&rd) ? -1 : 1;

    rd.t->clock_s = NAN;
    rd.t->rank_given = true;
    while (more > 0 && (more = json_next_member(js, &key)) > 0)
        if (read_member(&rd, arena_strdup(arena, key)))
            more = -1;
    if (!more && (!whole_file || !json_finish(js)) && !check_whole(&rd))
        take_arrays(&rd);
    else
        rd.t = NULL;
    free(rd.kernels);
    free(rd.deps);
    return rd.t;
}

/* --- several ranks ----------------------------------------------------------------- */

static int complain(struct json_stream *js, const char *message)
{
    diag_error(json_diag(js), EXIT_BAD_INPUT, json_where(js), "%s", message);
    return -1;
}

static int read_origin(struct json_stream *js, double *origin_s)
{
    cJSON *value = json_value(js, VALUE_LIMIT_B);
    int failed = value ? 0 : -1;

    if (value && (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble <= MAX_US)))
        failed = complain(js, "'origin_us' must be microseconds, at least 0");
    else if (value)
        *origin_s = value->valuedouble / 1e6;
    cJSON_Delete(value);
    return failed;
}

static int read_nested(struct json_stream *js, struct trace **trace, struct arena *arena)
{
    const char *key = NULL;

    if (json_enter_object(js) || json_next_member(js, &key) < 0)
        return -1;
    if (!key || strcmp(key, "trace_version"))
        return complain(js, "a trace begins with 'trace_version'");
    *trace = read_one(js, arena, false);
    return *trace ? 0 : -1;
}

static int read_rank(struct json_stream *js, struct trace_list *out, struct arena *arena)
{
    struct trace_of_rank r = {.file = json_where(js).file, .origin_s = NAN};
    const char *key = NULL;
    int more = json_enter_object(js) ? -1 : 1;

    while (more > 0 && (more = json_next_member(js, &key)) > 0) {
        int failed;
        if (!strcmp(key, "origin_us") && isnan(r.origin_s))
            failed = read_origin(js, &r.origin_s);
        else if (!strcmp(key, "trace") && !r.trace)
            failed = read_nested(js, &r.trace, arena);
        else
            failed = complain(js, "of a rank there are 'origin_us' and 'trace', once each");
        more = failed ? -1 : more;
    }
    if (!more && (!r.trace || isnan(r.origin_s)))
        more = complain(js, "a rank needs 'origin_us' and 'trace'");
    if (!more)
        trace_list_add(out, &r, arena);
    return more;
}

static int read_ranks(struct json_stream *js, struct trace_list *out, struct arena *arena)
{
    int more = json_enter_array(js) ? -1 : 1;

    while (more > 0 && (more = json_next_element(js)) > 0)
        if (read_rank(js, out, arena))
            more = -1;
    return !more && !out->n ? complain(js, "'traces' is empty") : more;
}

static int read_set(struct json_stream *js, struct trace_list *out, struct arena *arena)
{
    cJSON *version = json_value(js, VALUE_LIMIT_B);
    bool known = version && cJSON_IsNumber(version) && version->valuedouble == TRACE_SET_VERSION;
    const char *key = NULL;

    cJSON_Delete(version);
    if (!known)
        return complain(js, "this program reads trace_set_version 1; import the traces again");
    int more = json_next_member(js, &key);
    if (more < 0 || !more || strcmp(key, "traces"))
        return more < 0 ? -1 : complain(js, "behind 'trace_set_version' come 'traces'");
    if (read_ranks(js, out, arena) || (more = json_next_member(js, &key)) < 0)
        return -1;
    return more ? complain(js, "behind 'traces' comes nothing") : json_finish(js);
}

bool trace_is_own(const char *first_key)
{
    return !strcmp(first_key, "trace_version") || !strcmp(first_key, "trace_set_version");
}

int trace_read_own(struct json_stream *js, const char *first_key, struct trace_list *out, struct arena *arena)
{
    struct trace_of_rank r = {.file = json_where(js).file, .origin_s = 0};

    if (strcmp(first_key, "trace_version"))
        return read_set(js, out, arena);
    r.trace = read_one(js, arena, true);
    if (!r.trace)
        return -1;
    r.origin_s = NAN;
    trace_list_add(out, &r, arena);
    return 0;
}
