/* Classification of kernels by name. Leaves out regular expressions: a piece of text with
 * * for what varies has been enough for C++ template names, and can be read. */
#include "io/trace/trace_classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "base/yaml_doc.h"
#include "models/trace.h"

const char *const kernel_bound_names[] = {"compute", "memory", "latency", "communication", "wait", NULL};
const char *const trace_collective_names[] = {"none",    "dispatch", "dispatch_cached", "combine",   "notify", "layout",
                                              "library", "own",      "low_latency",     "intranode", NULL};
const char *const trace_operation_names[] = {
    "unknown", "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce",
    "gather",  "scatter",    "send",       "recv",           "send_recv",  "barrier",   NULL};
static const char *const per_token_names[] = {"never", "always", "grid", "permute", "fork", NULL};
static const char *const bool_names[] = {"false", "true", NULL};

enum { BOUND_UNSET = 255 };

struct table_reader {
    const struct yaml_doc *doc;
    struct class_table *table;
    struct arena *arena;
    struct diag *diag;
};

/* --- values ------------------------------------------------------------------------ */

static void complain(const struct table_reader *rd, const struct yaml_node *n, const char *text)
{
    diag_error(rd->diag, EXIT_BAD_INPUT, yaml_doc_where(rd->doc, n), "%s", text);
}

static const char *read_text(const struct table_reader *rd, const struct yaml_node *n)
{
    if (n->kind != YAML_DOC_SCALAR || !n->text[0]) {
        complain(rd, n, arena_printf(rd->arena, "'%s' must be a text", n->key->text));
        return NULL;
    }
    return n->text;
}

/* The index of a word in names; 0 after an error. */
static int read_choice(const struct table_reader *rd, const struct yaml_node *n, const char *const *names)
{
    const char *text = read_text(rd, n);

    if (!text)
        return 0;
    for (int i = 0; names[i]; i++)
        if (!strcmp(text, names[i]))
            return i;
    const char *all = names[0], *near = cfg_nearest(text, names);
    for (int i = 1; names[i]; i++)
        all = arena_printf(rd->arena, "%s, %s", all, names[i]);
    complain(rd, n,
             arena_printf(rd->arena, "'%s' is none of: %s%s%s%s", text, all, near ? "; did you mean '" : "",
                          near ? near : "", near ? "'?" : ""));
    return 0;
}

static double read_number(const struct table_reader *rd, const struct yaml_node *n)
{
    const char *text = read_text(rd, n);
    char *end = NULL;
    double value = text ? strtod(text, &end) : 0;

    if (text && (*end || !(value > 0) || value > 1e9)) {
        complain(rd, n, arena_printf(rd->arena, "'%s' must be a number above 0", n->key->text));
        return 0;
    }
    return value;
}

/* --- rules ------------------------------------------------------------------------- */

static void read_key(const struct table_reader *rd, const struct yaml_node *n, struct class_rule *rule)
{
    static const char *const keys[] = {"match",     "class",          "bound",
                                       "why",       "collective",     "host_awaits",
                                       "per_token", "rows_per_block", "elements_per_block",
                                       "sets_rows", "small_us",       "small_class",
                                       NULL};
    const char *key = n->key->text;

    if (!strcmp(key, "match")) {
        rule->match = read_text(rd, n);
    } else if (!strcmp(key, "class")) {
        rule->class_name = read_text(rd, n);
    } else if (!strcmp(key, "bound")) {
        rule->bound = (uint8_t)read_choice(rd, n, kernel_bound_names);
    } else if (!strcmp(key, "why")) {
        read_text(rd, n);
    } else if (!strcmp(key, "collective")) {
        rule->collective = (uint8_t)read_choice(rd, n, trace_collective_names);
    } else if (!strcmp(key, "host_awaits")) {
        rule->host_awaits = read_choice(rd, n, bool_names) == 1;
    } else if (!strcmp(key, "per_token")) {
        rule->per_token = (uint8_t)read_choice(rd, n, per_token_names);
    } else if (!strcmp(key, "rows_per_block")) {
        rule->rows_per_block = read_number(rd, n);
    } else if (!strcmp(key, "elements_per_block")) {
        rule->elements_per_block = read_number(rd, n);
    } else if (!strcmp(key, "sets_rows")) {
        rule->sets_rows = read_number(rd, n);
    } else if (!strcmp(key, "small_us")) {
        rule->small_us = read_number(rd, n);
    } else if (!strcmp(key, "small_class")) {
        rule->small_class = read_text(rd, n);
    } else {
        const char *near = cfg_nearest(key, keys);
        complain(rd, n->key,
                 arena_printf(rd->arena, "unknown key '%s'%s%s%s", key, near ? "; did you mean '" : "",
                              near ? near : "", near ? "'?" : ""));
    }
}

static void check_rule(const struct table_reader *rd, const struct yaml_node *n, const struct class_rule *rule)
{
    bool by_size = rule->rows_per_block > 0 || rule->elements_per_block > 0;

    for (const struct yaml_node *a = n->first; a; a = a->next)
        for (const struct yaml_node *b = a->next; b; b = b->next)
            if (!strcmp(a->key->text, b->key->text))
                complain(rd, b->key, arena_printf(rd->arena, "'%s' is given twice", b->key->text));
    if (!yaml_get(n, "match") || !yaml_get(n, "class"))
        complain(rd, n, "a rule needs 'match' and 'class'");
    if ((rule->per_token == PER_TOKEN_GRID) != by_size)
        complain(rd, n,
                 "'per_token: grid' and 'rows_per_block' or 'elements_per_block' "
                 "belong together");
    if ((rule->small_us > 0) != (rule->small_class != NULL))
        complain(rd, n, "'small_us' and 'small_class' belong together");
    if (rule->sets_rows > 0 && rule->per_token != PER_TOKEN_ALWAYS)
        complain(rd, n, "'sets_rows' needs 'per_token: always'");
}

static void read_rule(const struct table_reader *rd, const struct yaml_node *n)
{
    struct class_rule *rule = &rd->table->rules[rd->table->n_rules];

    if (n->kind != YAML_DOC_MAPPING) {
        complain(rd, n, "a rule is written {match: ..., class: ..., bound: ...}");
        return;
    }
    *rule = (struct class_rule){.bound = BOUND_UNSET, .where = yaml_doc_where(rd->doc, n)};
    for (const struct yaml_node *key = n->first; key; key = key->next)
        read_key(rd, key, rule);
    check_rule(rd, n, rule);
    if (rule->match && rule->class_name)
        rd->table->n_rules++;
}

static int read_rules(struct class_table *table, const struct yaml_doc *doc, struct arena *arena, struct diag *diag)
{
    struct table_reader rd = {doc, table, arena, diag};
    uint32_t n = table->n_rules, more = 0;
    size_t before = diag_count(diag);

    if (doc->root->kind != YAML_DOC_SEQUENCE) {
        complain(&rd, doc->root, "a class table is a list: '- {match: ..., class: ...}'");
        return -1;
    }
    for (const struct yaml_node *item = doc->root->first; item; item = item->next)
        more++;
    struct class_rule *rules = ARENA_ARRAY(arena, struct class_rule, n + more);
    if (n)
        memcpy(rules, table->rules, n * sizeof *rules);
    table->rules = rules;
    for (const struct yaml_node *item = doc->root->first; item; item = item->next)
        read_rule(&rd, item);
    return diag_count(diag) > before ? -1 : 0;
}

/* --- the whole table --------------------------------------------------------------- */

static uint8_t collective_of(const struct class_table *table, const char *class_name)
{
    for (uint32_t i = 0; i < table->n_rules; i++)
        if (table->rules[i].collective && !strcmp(table->rules[i].class_name, class_name))
            return table->rules[i].collective;
    return COLL_NONE;
}

static const struct class_rule *bound_of(const struct class_table *table, const char *class_name)
{
    for (uint32_t i = 0; i < table->n_rules; i++)
        if (table->rules[i].bound != BOUND_UNSET && !strcmp(table->rules[i].class_name, class_name))
            return &table->rules[i];
    return NULL;
}

/* One class, one bound and one collective: a rule that says nothing takes them from one
 * that does. */
static int resolve_classes(struct class_table *table, struct diag *diag)
{
    size_t before = diag_count(diag);

    for (uint32_t i = 0; i < table->n_rules; i++) {
        struct class_rule *rule = &table->rules[i];
        const struct class_rule *known = bound_of(table, rule->class_name);
        if (!known)
            diag_error(diag, EXIT_BAD_INPUT, rule->where, "class '%s' has no 'bound'", rule->class_name);
        else if (rule->bound != BOUND_UNSET && rule->bound != known->bound)
            diag_error(diag, EXIT_BAD_INPUT, rule->where, "class '%s' is bound by %s here but by %s in an earlier rule",
                       rule->class_name, kernel_bound_names[rule->bound], kernel_bound_names[known->bound]);
        if (rule->small_class && !bound_of(table, rule->small_class))
            diag_error(diag, EXIT_BAD_INPUT, rule->where, "class '%s' has no 'bound'", rule->small_class);
        uint8_t collective = collective_of(table, rule->class_name);
        if (rule->collective && rule->collective != collective)
            diag_error(diag, EXIT_BAD_INPUT, rule->where, "class '%s' is collective %s here but %s in an earlier rule",
                       rule->class_name, trace_collective_names[rule->collective], trace_collective_names[collective]);
    }
    if (diag_count(diag) > before)
        return -1;
    for (uint32_t i = 0; i < table->n_rules; i++) {
        struct class_rule *rule = &table->rules[i];
        rule->bound = bound_of(table, rule->class_name)->bound;
        rule->collective = collective_of(table, rule->class_name);
        rule->small = rule->small_class ? bound_of(table, rule->small_class) : NULL;
    }
    return 0;
}

int class_table_read(struct class_table *table, const char *user, const char *shipped, struct arena *arena,
                     struct diag *diag)
{
    const char *paths[] = {user, shipped};

    *table = (struct class_table){0};
    for (int i = 0; i < 2; i++) {
        struct yaml_doc doc;
        if (paths[i] && (yaml_doc_read(&doc, paths[i], arena, diag) || read_rules(table, &doc, arena, diag)))
            return -1;
    }
    return resolve_classes(table, diag);
}

int class_table_parse(struct class_table *table, const char *text, size_t len, const char *name, struct arena *arena,
                      struct diag *diag)
{
    struct yaml_doc doc;

    *table = (struct class_table){0};
    if (yaml_doc_parse(&doc, text, len, name, arena, diag) || read_rules(table, &doc, arena, diag))
        return -1;
    return resolve_classes(table, diag);
}

/* --- matching ---------------------------------------------------------------------- */

static const char *find_piece(const char *text, const char *piece, size_t len)
{
    for (; *text; text++)
        if (!strncmp(text, piece, len))
            return text;
    return len ? NULL : text;
}

static bool matches(const char *pattern, const char *name)
{
    while (*pattern) {
        size_t len = strcspn(pattern, "*");
        const char *found = find_piece(name, pattern, len);
        if (!found)
            return false;
        name = found + len;
        pattern += len;
        pattern += strspn(pattern, "*");
    }
    return true;
}

const struct class_rule *class_table_find(const struct class_table *table, const char *kernel_name)
{
    for (uint32_t i = 0; i < table->n_rules; i++)
        if (matches(table->rules[i].match, kernel_name))
            return &table->rules[i];
    return NULL;
}

bool class_table_per_token(const struct class_table *table, const char *class_name)
{
    bool known = false;

    for (uint32_t i = 0; i < table->n_rules; i++) {
        const struct class_rule *rule = &table->rules[i];
        if (strcmp(rule->class_name, class_name))
            continue;
        known = true;
        if (rule->per_token != PER_TOKEN_ALWAYS)
            return false;
    }
    return known;
}
