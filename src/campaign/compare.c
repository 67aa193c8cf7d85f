/* Comparison of two results. */
#include "campaign/compare.h"

#include <math.h>
#include <string.h>
#include <uthash.h>

#include "base/cfg.h"
#include "base/input_files.h"
#include "campaign/compare_judge.h"
#include "io/results/items.h"
#include "io/sweepdb/sweep_db.h"
#include "kinds/result_build.h"

static const struct result_column columns[COMPARE_N_COLUMNS] = {
    {"point", DIM_COUNT, "of a sweep: the values of its axes", true},
    {"value", DIM_COUNT, "metric, part, phase, or cell of a table", true},
    {"unit", DIM_COUNT, "of both", true},
    {"first", DIM_RATIO, "in the first result", false},
    {"second", DIM_RATIO, "in the second result", false},
    {"change", DIM_RATIO, "second / first - 1", false},
    {"remark", DIM_COUNT, "texts, and what is in one result only", true},
};

struct row {
    const char *point, *value, *unit, *remark;
    double first, second;
};

struct comparison {
    const struct compare_options *o;
    struct compare_counts *counts;
    struct row *rows;
    uint32_t n, cap, cap_names;
    struct entry *names; /* of all items that were compared */
    struct arena *arena;
    struct diag *diag;
};

/* An item or point that can be looked up. */
struct entry {
    const char *key;
    uint32_t index; /* of a name: among those counted */
    uint32_t dims;  /* of a name: a bit for each enum unit_dim that its numbers have */
    bool seen;
    UT_hash_handle hh;
};

static void add_row(struct comparison *c, const struct row *row)
{
    if (c->n == c->cap) {
        uint32_t cap = c->cap ? 2 * c->cap : 64;
        struct row *grown = ARENA_ARRAY(c->arena, struct row, cap);
        if (c->n)
            memcpy(grown, c->rows, c->n * sizeof *grown);
        c->rows = grown;
        c->cap = cap;
    }
    c->rows[c->n++] = (struct row){.point = arena_strdup(c->arena, row->point),
                                   .value = arena_strdup(c->arena, row->value),
                                   .unit = row->unit,
                                   .remark = arena_strdup(c->arena, row->remark),
                                   .first = row->first,
                                   .second = row->second};
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

static bool is_ignored(const struct comparison *c, const char *name)
{
    for (const char *const *i = c->o->ignored; i && *i; i++)
        if (!strcmp(*i, name))
            return true;
    return false;
}

/* A name, new where nobody asked before. */
static struct entry *entry_of(struct comparison *c, const char *name)
{
    struct entry *known;
    HASH_FIND_STR(c->names, name, known);
    if (!known) {
        known = ARENA_NEW(c->arena, struct entry);
        known->key = arena_strdup(c->arena, name);
        known->index = c->counts->n_names;
        HASH_ADD_KEYPTR(hh, c->names, known->key, strlen(known->key), known);
        if (c->counts->n_names == c->cap_names) {
            c->cap_names = c->cap_names ? 2 * c->cap_names : 64;
            struct compare_name *grown = ARENA_ARRAY(c->arena, struct compare_name, c->cap_names);
            if (c->counts->n_names)
                memcpy(grown, c->counts->names, c->counts->n_names * sizeof *grown);
            c->counts->names = grown;
        }
        c->counts->names[c->counts->n_names++] = (struct compare_name){.name = known->key};
    }
    return known;
}

static struct compare_name *name_of(struct comparison *c, const char *name)
{
    uint32_t index = entry_of(c, name)->index; /* first: it may move the names */
    return &c->counts->names[index];
}

static void know_names(struct comparison *c, const struct item_list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        struct entry *e = entry_of(c, list->items[i].name);
        c->counts->names[e->index].values += !is_ignored(c, list->items[i].name);
        e->dims |= list->items[i].text ? 0 : 1u << list->items[i].dim;
    }
}

static void note_moved(struct comparison *c, const char *name, const char *point, const char *what)
{
    struct compare_name *n = name_of(c, name);
    if (!n->moved++)
        n->what = arena_printf(c->arena, "%s%s%s", point, *point ? ": " : "", what);
}

static void compare_texts(struct comparison *c, const char *point, const struct item *a, const struct item *b)
{
    if (!strcmp(a->text ? a->text : "", b->text ? b->text : ""))
        return;
    c->counts->moved++;
    note_moved(c, a->name, point, a->key);
    struct row row = {
        point,
        a->key,
        "",
        arena_printf(c->arena, "'%s' became '%s'", a->text ? a->text : "a number", b->text ? b->text : "a number"),
        NAN,
        NAN};
    add_row(c, &row);
}

static void compare_items(struct comparison *c, const char *point, const struct item *a, const struct item *b)
{
    double x = a->number, y = b->number, ratio = fabs(x - y) / fabs(x);
    c->counts->values++;
    if (a->text || b->text) {
        compare_texts(c, point, a, b);
        return;
    }
    if (!compare_moved(c->o, a, b))
        return;
    if (!compare_counts_as_worse(c->o, a, b)) {
        c->counts->left_aside++;
        return;
    }
    note_moved(c, a->name, point, arena_printf(c->arena, "%s: %.6g became %.6g %s", a->key, x, y, unit_dim_si(a->dim)));
    c->counts->moved++;
    if (isfinite(ratio))
        c->counts->largest_ratio = fmax(c->counts->largest_ratio, ratio);
    c->counts->from_zero += !isnan(x) && !isnan(y) && !isfinite(ratio);
    struct row row = {point, a->key, unit_dim_si(a->dim), isnan(x) || isnan(y) ? "one says nothing" : "", x, y};
    add_row(c, &row);
}

static void only_in(struct comparison *c, const char *point, const struct item *i, bool first)
{
    if (c->o->worse_only && !first) {
        c->counts->left_aside++;
        return;
    }
    note_moved(c, i->name, point, arena_printf(c->arena, "%s: only in the %s", i->key, first ? "first" : "second"));
    double x = i->text ? NAN : i->number;
    struct row row = {
        point,           i->key,         unit_dim_si(i->dim), first ? "only in the first" : "only in the second",
        first ? x : NAN, first ? NAN : x};
    (*(first ? &c->counts->only_first : &c->counts->only_second))++;
    add_row(c, &row);
}

/* By key; of equal keys the second becomes "KEY (2)" and so on. */
static struct entry *index_items(struct item_list *list)
{
    struct entry *all = NULL, *found;
    for (uint32_t i = 0; i < list->n; i++) {
        struct entry *e = ARENA_NEW(list->arena, struct entry);
        const char *key = list->items[i].key;
        HASH_FIND_STR(all, key, found);
        for (uint32_t n = 2; found; n++) {
            list->items[i].key = arena_printf(list->arena, "%s (%u)", key, n);
            HASH_FIND_STR(all, list->items[i].key, found);
        }
        e->key = list->items[i].key;
        e->index = i;
        HASH_ADD_KEYPTR(hh, all, e->key, strlen(e->key), e);
    }
    return all;
}

static void compare_lists(struct comparison *c, const char *point, struct item_list *a, struct item_list *b)
{
    struct entry *own = index_items(a), *index = index_items(b), *found;
    know_names(c, a);
    know_names(c, b);
    for (uint32_t i = 0; i < a->n; i++) {
        if (is_ignored(c, a->items[i].name))
            continue;
        HASH_FIND_STR(index, a->items[i].key, found);
        if (found)
            compare_items(c, point, &a->items[i], &b->items[found->index]);
        else
            only_in(c, point, &a->items[i], true);
        if (found)
            found->seen = true;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        HASH_FIND_STR(index, b->items[i].key, found);
        if (!found->seen && !is_ignored(c, b->items[i].name))
            only_in(c, point, &b->items[i], false);
    }
    HASH_CLEAR(hh, own);
    HASH_CLEAR(hh, index);
}

/* --- sweeps ------------------------------------------------------------------------------------------------------------ */

static const char *label_of(const struct sweep_about *about, const struct sweep_point *p, struct arena *arena)
{
    const char *label = "";
    for (uint32_t i = 0; i < about->n_axes; i++) {
        char number[64];
        const struct cfg_value *v = &p->values[i];
        if (v->type == CFG_QUANTITY && isfinite(v->number))
            unit_format(v->number, about->axes[i].dim, number, sizeof number);
        else
            snprintf(number, sizeof number, "%.60s", v->text);
        label = arena_printf(arena, "%s%s%s=%s", label, *label ? ", " : "", about->axes[i].key, number);
    }
    return p->seed ? arena_printf(arena, "%s%sseed %s", label, *label ? ", " : "", p->seed) : label;
}

/* What tells a point from others: its values in full. */
static const char *key_of(const struct sweep_about *about, const struct sweep_point *p, struct arena *arena)
{
    const char *key = p->seed ? p->seed : "";
    for (uint32_t i = 0; i < about->n_axes; i++)
        key = arena_printf(arena, "%s|%s=%s", key, about->axes[i].key,
                           isnan(p->values[i].number) ? p->values[i].text
                                                      : arena_printf(arena, "%.17g", p->values[i].number));
    return key;
}

static int index_points(struct comparison *c, struct sweep_db *db, struct entry **all)
{
    const uint32_t *points;
    uint32_t n = sweep_db_points(db, &points);
    for (uint32_t i = 0; i < n; i++) {
        struct arena *arena = arena_new();
        struct sweep_point p;
        struct entry *e = ARENA_NEW(c->arena, struct entry), *known;
        if (sweep_db_read(db, points[i], arena, &p, c->diag)) {
            arena_free(arena);
            return -1;
        }
        e->key = arena_strdup(c->arena, key_of(sweep_db_about(db), &p, arena));
        e->index = points[i];
        arena_free(arena);
        HASH_FIND_STR(*all, e->key, known);
        if (!known) /* a sample may draw a point twice: both are equal */
            HASH_ADD_KEYPTR(hh, *all, e->key, strlen(e->key), e);
    }
    return 0;
}

static void whole_point_only_in(struct comparison *c, const char *label, bool first)
{
    if (c->o->worse_only && !first) {
        c->counts->left_aside++;
        return;
    }
    name_of(c, "points")->values++;
    note_moved(c, "points", label, first ? "only in the first" : "only in the second");
    struct row row = {label, "the whole point", "", first ? "only in the first" : "only in the second", NAN, NAN};
    (*(first ? &c->counts->only_first : &c->counts->only_second))++;
    add_row(c, &row);
}

static void compare_status(struct comparison *c, const char *label, const struct sweep_point *a,
                           const struct sweep_point *b)
{
    c->counts->values++;
    name_of(c, "status")->values++;
    if ((a->exit_code == EXIT_OK) == (b->exit_code == EXIT_OK))
        return;
    if (c->o->worse_only && b->exit_code == EXIT_OK) {
        c->counts->left_aside++;
        return;
    }
    note_moved(c, "status", label, a->exit_code == EXIT_OK ? "'ok' became 'failed'" : "'failed' became 'ok'");
    struct row row = {label, "status", "", a->exit_code == EXIT_OK ? "'ok' became 'failed'" : "'failed' became 'ok'",
                      NAN,   NAN};
    c->counts->moved++;
    add_row(c, &row);
}

static int compare_point(struct comparison *c, struct sweep_db *a, uint32_t point, struct sweep_db *b,
                         struct entry *others)
{
    struct arena *arena = arena_new();
    struct sweep_point p, q;
    struct entry *found;
    if (sweep_db_read(a, point, arena, &p, c->diag)) {
        arena_free(arena);
        return -1;
    }
    const char *label = label_of(sweep_db_about(a), &p, arena), *key = key_of(sweep_db_about(a), &p, arena);
    HASH_FIND_STR(others, key, found);
    int failed = 0;
    if (!found) {
        whole_point_only_in(c, label, true);
    } else if (!(failed = sweep_db_read(b, found->index, arena, &q, c->diag))) {
        struct item_list x = {.arena = arena}, y = {.arena = arena};
        found->seen = true;
        items_of_result(&p.result, &x);
        items_of_result(&q.result, &y);
        compare_status(c, label, &p, &q);
        compare_lists(c, label, &x, &y);
    }
    arena_free(arena);
    return failed;
}

static int compare_sweeps(struct comparison *c, struct sweep_db *a, struct sweep_db *b)
{
    struct entry *others = NULL, *e, *next;
    const uint32_t *points;
    uint32_t n = sweep_db_points(a, &points);
    int failed = index_points(c, b, &others);
    for (uint32_t i = 0; i < n && !failed; i++)
        failed = compare_point(c, a, points[i], b, others);
    HASH_ITER(hh, others, e, next)
    if (!e->seen && !failed) {
        struct arena *arena = arena_new();
        struct sweep_point q;
        failed = sweep_db_read(b, e->index, arena, &q, c->diag);
        if (!failed)
            whole_point_only_in(c, label_of(sweep_db_about(b), &q, arena), false);
        arena_free(arena);
    }
    HASH_CLEAR(hh, others);
    return failed;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------- */

/* SQLite's files say so in their first bytes. */
static bool is_database(const char *path)
{
    char head[16] = "";
    FILE *f = fopen(path, "rb");
    input_file_opened(path);
    bool is = f && fread(head, 1, sizeof head, f) == sizeof head && !memcmp(head, "SQLite format 3", sizeof head);
    if (f)
        fclose(f);
    return is;
}

static int compare_databases(struct comparison *c, const char *first, const char *second)
{
    struct sweep_db *a = sweep_db_open(first, c->diag), *b = a ? sweep_db_open(second, c->diag) : NULL;
    int failed = a && b ? compare_sweeps(c, a, b) : -1;
    sweep_db_close(a);
    sweep_db_close(b);
    return failed;
}

static int compare_files(struct comparison *c, const char *first, const char *second)
{
    struct item_list a = {.arena = c->arena}, b = {.arena = c->arena};
    if (is_database(first) != is_database(second)) {
        diag_error(c->diag, EXIT_BAD_INPUT, SRCLOC_FILE(second),
                   "a sweep is compared with a sweep, a single result with a single result");
        return -1;
    }
    if (is_database(first))
        return compare_databases(c, first, second);
    if (items_of_file(first, &a, c->diag) || items_of_file(second, &b, c->diag))
        return -1;
    compare_lists(c, "", &a, &b);
    if (a.n && b.n && c->counts->only_first == a.n && c->counts->only_second == b.n) {
        diag_error(
            c->diag, EXIT_BAD_INPUT, SRCLOC_FILE(second),
            "it has no value that '%s' has, too; compare two results of one kind of scenario, or of 'moesim claims'",
            first);
        return -1;
    }
    return 0;
}

/* An option's name must be one that was compared; where nothing was, nobody can tell. */
static void check_name(const struct comparison *c, const char *option, const char *name)
{
    const char **all = ARENA_ARRAY(c->arena, const char *, HASH_COUNT(c->names) + 1);
    struct entry *e, *next, *known;
    uint32_t n = 0;
    HASH_FIND_STR(c->names, name, known);
    if (known || !c->names)
        return;
    HASH_ITER(hh, c->names, e, next)
    all[n++] = e->key;
    const char *near = cfg_nearest(name, all);
    diag_error(c->diag, EXIT_USAGE, SRCLOC_NONE, "%s: neither result has a metric, column or claim '%s'%s%s%s", option,
               name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* An absolute tolerance has the unit of what it names: of another one it would do nothing. */
static void check_unit(const struct comparison *c, const struct compare_tolerance *t)
{
    const char *units = "";
    struct entry *known;
    HASH_FIND_STR(c->names, t->name, known);
    if (!known || isnan(t->absolute) || known->dims & 1u << t->dim)
        return;
    for (enum unit_dim d = 0; d < DIM_N; d++)
        if (known->dims & 1u << d)
            units = arena_printf(c->arena, "%s%s%s", units, *units ? " or " : "",
                                 *unit_dim_si(d) ? unit_dim_si(d) : "no unit");
    diag_error(c->diag, EXIT_USAGE, SRCLOC_NONE,
               "-t: %s is in %s, the tolerance in %s; write it in the former, or as a share: -t %s='1 %%'", t->name,
               *units ? units : "words", unit_dim_si(t->dim), t->name);
}

static int check_options(struct comparison *c)
{
    for (uint32_t i = 0; i < c->o->n_tolerances; i++)
        if (c->o->tolerances[i].name) {
            check_name(c, "-t", c->o->tolerances[i].name);
            check_unit(c, &c->o->tolerances[i]);
        }
    for (uint32_t i = 0; i < c->o->n_directions; i++)
        check_name(c, "--lower-is-better or --higher-is-better", c->o->directions[i].name);
    for (const char *const *i = c->o->ignored; i && *i; i++)
        check_name(c, "--ignore", *i);
    return diag_failed(c->diag) ? -1 : 0;
}

static struct result_table *table_of(const struct comparison *c)
{
    struct result holder = {0};
    struct result_table *t =
        result_add_table(&holder, c->arena, "moved", "what moved", columns, COMPARE_N_COLUMNS, c->n + 1);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct row *r = &c->rows[i];
        struct result_cell *cell = result_add_row(t);
        cell[COMPARE_POINT].text = r->point;
        cell[COMPARE_VALUE].text = r->value;
        cell[COMPARE_UNIT].text = r->unit;
        cell[COMPARE_FIRST].value = r->first;
        cell[COMPARE_SECOND].value = r->second;
        cell[COMPARE_CHANGE].value = r->second / r->first - 1;
        cell[COMPARE_REMARK].text = r->remark;
    }
    return t;
}

struct result_table *compare_results(const char *first, const char *second, const struct compare_options *options,
                                     struct arena *arena, struct compare_counts *counts, struct diag *diag)
{
    struct comparison c = {.o = options, .counts = counts, .arena = arena, .diag = diag};
    *counts = (struct compare_counts){0};
    int failed = compare_files(&c, first, second) || check_options(&c);
    HASH_CLEAR(hh, c.names);
    return failed ? NULL : table_of(&c);
}
