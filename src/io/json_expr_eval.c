/* Expressions over JSON: evaluation. A selector walks from the root; of a result it may begin with the name of a
 * metric or of a table, which stands for metrics.NAME and for the rows of that table. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "io/json_expr_priv.h"

enum { MAX_NAMES = 64, SHOWN_VALUES = 4 };

struct json_doc {
    cJSON *root;
};

struct json_doc *json_doc_parse(const char *text, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(text, len);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return NULL;
    }
    struct json_doc *doc = json_doc_new();
    cJSON_Delete(doc->root);
    doc->root = root;
    return doc;
}

struct json_doc *json_doc_new(void)
{
    struct json_doc *doc = checked_alloc(cJSON_malloc(sizeof *doc));
    doc->root = checked_alloc(cJSON_CreateObject());
    return doc;
}

void json_doc_set(struct json_doc *doc, const char *key, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(doc->root, key);
    cJSON_AddNumberToObject(doc->root, key, value);
}

void json_doc_free(struct json_doc *doc)
{
    if (!doc)
        return;
    cJSON_Delete(doc->root);
    cJSON_free(doc);
}

/* --- functions ---------------------------------------------------------------------------------------------------- */

static double least(const double *v, uint32_t n)
{
    double x = v[0];
    for (uint32_t i = 1; i < n; i++)
        x = fmin(x, v[i]);
    return x;
}

static double most(const double *v, uint32_t n)
{
    double x = v[0];
    for (uint32_t i = 1; i < n; i++)
        x = fmax(x, v[i]);
    return x;
}

static double total(const double *v, uint32_t n)
{
    double x = 0;
    for (uint32_t i = 0; i < n; i++)
        x += v[i];
    return x;
}

static double mean(const double *v, uint32_t n)
{
    return total(v, n) / n;
}

static double spread(const double *v, uint32_t n)
{
    return most(v, n) / least(v, n) - 1;
}

static double count(const double *v, uint32_t n)
{
    (void)v;
    return n;
}

static double first(const double *v, uint32_t n)
{
    (void)n;
    return v[0];
}

static double last(const double *v, uint32_t n)
{
    return v[n - 1];
}

static double absolute(const double *v, uint32_t n)
{
    (void)n;
    return fabs(*v);
}

static double nearest_whole(const double *v, uint32_t n)
{
    (void)n;
    return round(*v);
}

static double whole_below(const double *v, uint32_t n)
{
    (void)n;
    return floor(*v);
}

const struct json_function json_functions[] = {
    {"min", true, least},          {"max", true, most},
    {"sum", true, total},          {"mean", true, mean},
    {"spread", true, spread},      {"count", true, count},
    {"first", true, first},        {"last", true, last},
    {"abs", false, absolute},      {"round", false, nearest_whole},
    {"floor", false, whole_below}, {0},
};

/* --- selectors ---------------------------------------------------------------------------------------------------- */

struct walk {
    const struct json_expr *expr;
    const struct json_doc *doc;
    struct arena *arena;
    const char *why; /* NULL = all is well */
    FILE *trace;     /* the expression with its numbers; what was written of it so far ends at `traced` */
    size_t traced;
};

static struct json_values fail(struct walk *w, const char *why)
{
    if (!w->why)
        w->why = why;
    return (struct json_values){0};
}

/* Whether an object has the member, as text or as a number that may be written with a unit. */
static bool matches(const cJSON *object, const struct json_filter *f)
{
    double wanted;
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, f->key);
    if (cJSON_IsString(m))
        return !strcmp(m->valuestring, f->value);
    if (cJSON_IsBool(m))
        return !strcmp(cJSON_IsTrue(m) ? "true" : "false", f->value);
    return cJSON_IsNumber(m) && !json_expr_number(f->value, strlen(f->value), &wanted) &&
           fabs(m->valuedouble - wanted) <= 1e-9 * fabs(wanted);
}

static bool matches_all(const cJSON *object, const struct json_filter *f)
{
    for (; f; f = f->next)
        if (!matches(object, f))
            return false;
    return true;
}

struct found {
    const cJSON **item;
    uint32_t n, cap;
    struct arena *arena;
};

static void add_found(struct found *f, const cJSON *item)
{
    if (f->n == f->cap) {
        const cJSON **grown = ARENA_ARRAY(f->arena, const cJSON *, f->cap ? 2 * f->cap : 16);
        if (f->n)
            memcpy(grown, f->item, f->n * sizeof *grown);
        f->item = grown;
        f->cap = f->cap ? 2 * f->cap : 16;
    }
    f->item[f->n++] = item;
}

/* Elements of an array, or the thing itself, that match. */
static void add_matching(struct found *f, const cJSON *item, const struct json_filter *filters)
{
    const cJSON *element;
    if (cJSON_IsArray(item)) {
        cJSON_ArrayForEach(element, item) if (matches_all(element, filters)) add_found(f, element);
    } else if (matches_all(item, filters)) {
        add_found(f, item);
    }
}

/* The element of an array whose name it is. */
static const cJSON *named(const cJSON *array, const char *name)
{
    const cJSON *t;
    cJSON_ArrayForEach(t, array)
    {
        const cJSON *its_name = cJSON_GetObjectItemCaseSensitive(t, "name");
        if (cJSON_IsString(its_name) && !strcmp(its_name->valuestring, name))
            return t;
    }
    return NULL;
}

static const cJSON *table_rows(const cJSON *root, const char *table)
{
    return cJSON_GetObjectItemCaseSensitive(named(cJSON_GetObjectItemCaseSensitive(root, "tables"), table), "rows");
}

/* A metric and a table may have the same name: what goes on behind the name is the table. */
static const cJSON *at_root(const cJSON *root, const struct json_step *s)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, s->name);
    const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(root, "metrics");
    const cJSON *metric = cJSON_GetObjectItemCaseSensitive(metrics, s->name), *rows = table_rows(root, s->name);
    if (item)
        return item;
    return rows && (s->next || s->filters || !metric) ? rows : metric;
}

static void add_names(const cJSON *object, const char **names, size_t *n)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, object) if (m->string && *n + 1 < MAX_NAMES) names[(*n)++] = m->string;
}

/* "there is no 'makespam'; did you mean 'makespan'?" */
static const char *unknown(const struct walk *w, const cJSON *object, const char *word)
{
    const char *names[MAX_NAMES] = {0};
    size_t n = 0;
    add_names(object, names, &n);
    if (object == w->doc->root) {
        const cJSON *t, *tables = cJSON_GetObjectItemCaseSensitive(object, "tables");
        add_names(cJSON_GetObjectItemCaseSensitive(object, "metrics"), names, &n);
        cJSON_ArrayForEach(t, tables)
        {
            const char *its_name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(t, "name"));
            if (its_name && n + 1 < MAX_NAMES)
                names[n++] = its_name;
        }
    }
    const char *near = cfg_nearest(word, names);
    return arena_printf(w->arena, "the result has no '%s'%s%s%s", word, near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

/* SI, of what a path leads to; NULL where the document does not tell. */
static const char *unit_of(const cJSON *root, const struct json_step *s, struct arena *arena)
{
    const cJSON *table = named(cJSON_GetObjectItemCaseSensitive(root, "tables"), s->name), *thing = NULL;
    if (cJSON_GetObjectItemCaseSensitive(root, s->name))
        return NULL;
    if (!s->next)
        thing = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "metrics"), s->name);
    else if (!s->next->next)
        thing = named(cJSON_GetObjectItemCaseSensitive(table, "columns"), s->next->name);
    const char *unit = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(thing, "unit"));
    return unit ? arena_strdup(arena, unit) : NULL;
}

static struct found take_step(struct walk *w, const struct found *from, const struct json_step *s)
{
    struct found to = {.arena = w->arena};
    for (uint32_t i = 0; i < from->n && !w->why; i++) {
        const cJSON *item = from->item[i] == w->doc->root ? at_root(from->item[i], s)
                                                          : cJSON_GetObjectItemCaseSensitive(from->item[i], s->name);
        if (item)
            add_matching(&to, item, s->filters);
        else
            w->why = unknown(w, from->item[i], s->name);
    }
    if (!to.n && !w->why)
        w->why = arena_printf(w->arena, "no row of '%s' matches", s->name);
    return to;
}

static bool numeric(const cJSON *item, double *value)
{
    if (cJSON_IsObject(item))
        item = cJSON_GetObjectItemCaseSensitive(item, "value");
    if (cJSON_IsBool(item))
        *value = cJSON_IsTrue(item);
    else if (cJSON_IsNumber(item))
        *value = item->valuedouble;
    else
        return false;
    return true;
}

static void trace_until(struct walk *w, size_t end)
{
    if (end > w->traced)
        fwrite(w->expr->text + w->traced, 1, end - w->traced, w->trace);
    w->traced = end;
}

static void trace_values(struct walk *w, const struct json_node *n, const struct json_values *values)
{
    trace_until(w, n->begin);
    for (uint32_t i = 0; i < values->n && i < SHOWN_VALUES; i++)
        fprintf(w->trace, "%s%.6g", i ? ", " : "", values->v[i]);
    if (values->n > SHOWN_VALUES)
        fprintf(w->trace, ", ... (%u)", values->n);
    w->traced = n->end;
}

static struct json_values select_values(struct walk *w, const struct json_node *n)
{
    struct found f = {.arena = w->arena};
    add_found(&f, w->doc->root);
    for (const struct json_step *s = n->steps; s && !w->why; s = s->next)
        f = take_step(w, &f, s);
    struct json_values out = {.v = ARENA_ARRAY(w->arena, double, f.n + 1)};
    for (; out.n < f.n && !w->why; out.n++)
        if (!numeric(f.item[out.n], &out.v[out.n]))
            return fail(
                w, arena_printf(w->arena, "'%.*s' is no number", (int)(n->end - n->begin), w->expr->text + n->begin));
    trace_values(w, n, &out);
    return out;
}

/* --- operators ---------------------------------------------------------------------------------------------------- */

static double combine(enum json_node_kind kind, double a, double b)
{
    switch (kind) {
    case NODE_ADD:
        return a + b;
    case NODE_SUBTRACT:
        return a - b;
    case NODE_MULTIPLY:
        return a * b;
    case NODE_DIVIDE:
        return a / b;
    default:
        return -a;
    }
}

static struct json_values values_of(struct walk *w, const struct json_node *n);

static struct json_values call(struct walk *w, const struct json_node *n)
{
    struct json_values x = values_of(w, n->left);
    if (w->why || !x.n)
        return x;
    if (n->call->reduces) {
        x.v[0] = n->call->fn(x.v, x.n);
        x.n = 1;
        return x;
    }
    for (uint32_t i = 0; i < x.n; i++)
        x.v[i] = n->call->fn(&x.v[i], 1);
    return x;
}

static struct json_values both(struct walk *w, const struct json_node *n)
{
    struct json_values a = values_of(w, n->left), b = n->right ? values_of(w, n->right) : a;
    if (w->why)
        return a;
    if (a.n != b.n && a.n != 1 && b.n != 1)
        return fail(w, arena_printf(w->arena, "%u rows on one side, %u on the other", a.n, b.n));
    struct json_values out = {.n = a.n > b.n ? a.n : b.n};
    out.v = ARENA_ARRAY(w->arena, double, out.n);
    for (uint32_t i = 0; i < out.n; i++)
        out.v[i] = combine(n->kind, a.v[a.n == 1 ? 0 : i], b.v[b.n == 1 ? 0 : i]);
    return out;
}

static struct json_values values_of(struct walk *w, const struct json_node *n)
{
    if (w->why)
        return (struct json_values){0};
    switch (n->kind) {
    case NODE_NUMBER: {
        struct json_values one = {.v = ARENA_NEW(w->arena, double), .n = 1};
        one.v[0] = n->number;
        return one;
    }
    case NODE_SELECT:
        return select_values(w, n);
    case NODE_CALL:
        return call(w, n);
    default:
        return both(w, n);
    }
}

int json_expr_eval(const struct json_expr *expr, const struct json_doc *doc, struct arena *arena,
                   struct json_answer *out, const char **why)
{
    char *text = NULL;
    size_t size;
    struct walk w = {.expr = expr, .doc = doc, .arena = arena};
    w.trace = checked_alloc(open_memstream(&text, &size));
    struct json_values v = values_of(&w, expr->root);
    trace_until(&w, strlen(expr->text));
    if (fclose(w.trace))
        out_of_memory();
    if (!w.why && v.n != 1)
        fail(&w,
             arena_printf(arena, "%u rows match; choose one by [column=value], or write min(...) or max(...)", v.n));
    if (!w.why && !isfinite(v.v[0]))
        fail(&w, "the result is no finite number");
    bool lone = expr->root->kind == NODE_SELECT;
    *out = (struct json_answer){.value = w.why ? NAN : v.v[0],
                                .arithmetic = lone ? "" : arena_strdup(arena, text),
                                .unit = lone && !w.why ? unit_of(doc->root, expr->root->steps, arena) : NULL};
    checked_alloc(text);
    free(text);
    *why = w.why;
    return w.why ? -1 : 0;
}
