/* Config loading: walks a YAML tree along a table. Every problem of a file is reported,
 * at the key or at the value, whichever is wrong; what is right is stored. Leaves out:
 * lists and free-form mappings (see cfg.c). */
#include <string.h>

#include "base/cfg_priv.h"
#include "base/yaml_doc.h"

#define MAX_LISTED 12 /* keys that an unknown-key message names */

struct loader {
    struct cfg *cfg;
    struct yaml_doc doc;
    bool need_source;
    const char *const *skip; /* for the root mapping of the file */
    const struct cfg_entry *top;
    struct diag *diag;
};

static struct srcloc at(const struct loader *l, const struct yaml_node *n)
{
    return yaml_doc_where(&l->doc, n);
}

/* Where a value is, or its key where nothing is written after it. */
static struct srcloc value_place(const struct loader *l, const struct yaml_node *n)
{
    bool invisible = n->kind == YAML_DOC_SCALAR && n->plain && !*n->text;
    return at(l, invisible && n->key ? n->key : n);
}

static bool is_skipped(const struct loader *l, const struct cfg_entry *table, const char *key)
{
    if (table != l->top || !l->skip)
        return false;
    for (const char *const *s = l->skip; *s; s++)
        if (strcmp(*s, key) == 0)
            return true;
    return false;
}

/* NULL-terminated names that may stand in a table. */
static const char **allowed_names(const struct loader *l, const struct cfg_entry *table, size_t *n)
{
    const struct cfg *c = l->cfg;
    size_t first = (size_t)(table - c->entries) + 1, n_skip = 0;
    while (table == l->top && l->skip && l->skip[n_skip])
        n_skip++;
    const char **names = ARENA_ARRAY(c->arena, const char *, c->n + n_skip + 1);
    *n = 0;
    for (size_t i = first; i < table->end; i = c->entries[i].end)
        names[(*n)++] = c->entries[i].field->name;
    for (size_t i = 0; i < n_skip; i++)
        names[(*n)++] = l->skip[i];
    return names;
}

/* Dotted keys are for -s: "a.b" is written {a: {b: ...}} in a file. */
static const char *nested(const char *dotted, struct arena *a)
{
    char *rest = arena_strdup(a, dotted), *part;
    const char *open = "", *close = "";
    while ((part = strsep(&rest, "."))) {
        open = arena_printf(a, "%s%s%s", open, part, rest ? ": {" : ": ...");
        close = arena_printf(a, "%s%s", close, rest ? "}" : "");
    }
    return arena_printf(a, "keys are nested in a file, write %s%s", open, close);
}

static void report_unknown(struct loader *l, const struct cfg_entry *table, const struct yaml_node *key)
{
    struct arena *a = l->cfg->arena;
    const char *found[3];
    size_t n;
    const char **names = allowed_names(l, table, &n);
    const char *hint = cfg_nearest(key->text, names), *other = cfg_other_name(l->cfg, key->text);
    if (other)
        hint = arena_printf(a, "did you mean '%s'?", other);
    else if (strchr(key->text, '.') && cfg_find(l->cfg, key->text)) {
        hint = nested(key->text, a);
    } else if (hint) {
        hint = arena_printf(a, "did you mean '%s'?", hint);
    } else {
        size_t n_found = cfg_near_keys(l->cfg, key->text, found, 3);
        size_t listed = n < MAX_LISTED ? n : MAX_LISTED;
        hint = n_found ? arena_printf(a, "did you mean %s?", cfg_join(a, found, n_found, " or "))
               : n ? arena_printf(a, "keys here are %s%s", cfg_join(a, names, listed, ", "), listed < n ? ", ..." : "")
                   : "this table has no keys";
    }
    diag_error(l->diag, EXIT_BAD_INPUT, at(l, key), "unknown key '%.60s'%s%s%s; %s", key->text,
               *table->key ? " in '" : "", table->key, *table->key ? "'" : "", hint);
}

/* Whether this value's key was given before in the same mapping; reports it. */
static bool is_duplicate(struct loader *l, const struct yaml_node *mapping, const struct yaml_node *value)
{
    const struct yaml_node *first = yaml_get(mapping, value->key->text);
    if (first == value)
        return false;
    diag_error(l->diag, EXIT_BAD_INPUT, at(l, value->key),
               "duplicate key '%.60s'; it was given first in line %d, column %d", value->key->text, first->key->line,
               first->key->column);
    return true;
}

/* The scalar of a `value:` or `source:`, or a bare value; NULL when it is none
 * (reported). */
static const char *scalar_text(struct loader *l, const struct cfg_entry *e, const struct yaml_node *n, const char *what)
{
    if (yaml_is_null(n)) {
        diag_error(l->diag, EXIT_BAD_INPUT, value_place(l, n), "%s%s has no value; write for example '%s: %s'", e->key,
                   what, *what ? what + 1 : e->field->name,
                   strcmp(what, ".source") == 0 ? "where the number is from" : cfg_example(e->field));
        return NULL;
    }
    if (n->kind == YAML_DOC_SCALAR)
        return n->text;
    diag_error(l->diag, EXIT_BAD_INPUT, at(l, n),
               "%s%s is %s, but a single value is wanted, "
               "for example '%s'",
               e->key, what, yaml_kind_name(n), cfg_example(e->field));
    return NULL;
}

/* Takes {value: .., source: ..} apart; what is missing or wrong stays NULL. */
static void split_origin(struct loader *l, const struct cfg_entry *e, const struct yaml_node *mapping,
                         const struct yaml_node **value, const struct yaml_node **source)
{
    static const char *const names[] = {"value", "source", NULL};
    bool unknown = false;
    for (const struct yaml_node *n = mapping->first; n; n = n->next) {
        bool is_value = strcmp(n->key->text, names[0]) == 0;
        if (!is_value && strcmp(n->key->text, names[1]) != 0) {
            const char *near = cfg_nearest(n->key->text, names);
            unknown = true;
            diag_error(l->diag, EXIT_BAD_INPUT, at(l, n->key), "unknown key '%.60s' in '%s'; %s%s%s", n->key->text,
                       e->key, near ? "did you mean '" : "a value is written bare or as",
                       near ? near : " {value: ..., source: ...}", near ? "'?" : "");
        } else if (!is_duplicate(l, mapping, n)) {
            *(is_value ? value : source) = n;
        }
    }
    if (!*value && !unknown)
        diag_error(l->diag, EXIT_BAD_INPUT, at(l, mapping), "%s has no 'value:'; write {value: %s, source: ...}",
                   e->key, cfg_example(e->field));
}

static void check_source(struct loader *l, const struct cfg_entry *e, const struct yaml_node *n, const char *text,
                         const char *source)
{
    bool is_number = e->field->type == CFG_QUANTITY || e->field->type == CFG_INT;
    if (!l->need_source || !is_number || source)
        return;
    diag_error(l->diag, EXIT_BAD_INPUT, at(l, n),
               "%s has no source; every number here needs its origin: write {value: %.60s, "
               "source: \"where it is from\"}",
               e->key, text);
}

static const char *source_text(struct loader *l, const struct cfg_entry *e, const struct yaml_node *n)
{
    const char *text = n ? scalar_text(l, e, n, ".source") : NULL;
    if (!text || text[strspn(text, " \t\n")])
        return text;
    diag_error(l->diag, EXIT_BAD_INPUT, at(l, n),
               "%s.source is blank; say where the number is "
               "from",
               e->key);
    return NULL;
}

static void load_leaf(struct loader *l, struct cfg_entry *e, const struct yaml_node *node)
{
    char why[CFG_WHY_SIZE];
    const struct yaml_node *value = node, *source_node = NULL;
    if (node->kind == YAML_DOC_MAPPING) {
        value = NULL;
        split_origin(l, e, node, &value, &source_node);
    }
    /* A key with a wrong value is not missing: one mistake, one message. */
    e->given = true;
    e->ground = false;
    const char *source = source_text(l, e, source_node);
    const char *text = value ? scalar_text(l, e, value, value == node ? "" : ".value") : NULL;
    if (!text)
        return;
    if (!source_node)
        check_source(l, e, value, text, source);
    if (cfg_parse_value(e->field, text, e->value, l->cfg->arena, why, sizeof why)) {
        diag_error(l->diag, EXIT_BAD_INPUT, at(l, value), "%s: %s", e->key, why);
        return;
    }
    e->source = source;
    e->where = at(l, value);
}

static void load_table(struct loader *l, struct cfg_entry *table, const struct yaml_node *node);

static void load_child(struct loader *l, struct cfg_entry *table, const struct yaml_node *mapping,
                       const struct yaml_node *value)
{
    bool skipped = is_skipped(l, table, value->key->text);
    struct cfg_entry *e = skipped ? NULL : cfg_child(l->cfg, table, value->key->text);
    if (!skipped && !e) {
        if (table->field && table->field->type == CFG_MAP)
            return; /* no name: reported */
        report_unknown(l, table, value->key);
        return;
    }
    if (is_duplicate(l, mapping, value) || skipped)
        return;
    if (e->table)
        load_table(l, e, value);
    else
        load_leaf(l, e, value);
}

static void load_table(struct loader *l, struct cfg_entry *table, const struct yaml_node *node)
{
    const char *name = *table->key ? table->key : l->doc.name;
    if (node->kind != YAML_DOC_MAPPING) {
        size_t n;
        const char **names = allowed_names(l, table, &n);
        diag_error(l->diag, EXIT_BAD_INPUT, value_place(l, node), "%s is %s, but keys are wanted%s%s%s", name,
                   yaml_is_null(node) ? "empty" : yaml_kind_name(node), n ? ", for example '" : "", n ? names[0] : "",
                   n ? ": ...'" : "");
        return;
    }
    if (!table->where.file)
        table->where = at(l, node->key ? node->key : node);
    for (const struct yaml_node *n = node->first; n; n = n->next)
        load_child(l, table, node, n);
}

static int load(struct loader *l, const char *where, size_t errors_before)
{
    struct cfg_entry *top = cfg_find(l->cfg, where);
    if (!top || !top->table)
        BUG("no config table '%s'", where);
    cfg_map_prepare(l->cfg, (size_t)(top - l->cfg->entries), &l->doc, l->doc.root, l->diag);
    l->top = top = cfg_find(l->cfg, where);
    load_table(l, top, l->doc.root);
    return diag_count(l->diag) > errors_before ? -1 : 0;
}

int cfg_load_file(struct cfg *c, const char *path, const char *at_key, bool need_source, const char *const *skip,
                  struct diag *diag)
{
    struct loader l = {.cfg = c, .need_source = need_source, .skip = skip, .diag = diag};
    size_t before = diag_count(diag);
    if (yaml_doc_read(&l.doc, path, c->arena, diag))
        return -1;
    return load(&l, at_key, before);
}

int cfg_load_text(struct cfg *c, const char *text, size_t len, const char *name, const char *at_key, bool need_source,
                  const char *const *skip, struct diag *diag)
{
    struct loader l = {.cfg = c, .need_source = need_source, .skip = skip, .diag = diag};
    size_t before = diag_count(diag);
    if (yaml_doc_parse(&l.doc, text, len, name, c->arena, diag))
        return -1;
    return load(&l, at_key, before);
}

int cfg_load_node(struct cfg *c, const struct yaml_doc *doc, const struct yaml_node *node, const char *const *skip,
                  struct diag *diag)
{
    size_t before = diag_count(diag);
    cfg_map_prepare(c, 0, doc, node, diag);
    struct loader l = {.cfg = c, .doc = *doc, .skip = skip, .top = &c->entries[0], .diag = diag};
    load_table(&l, &c->entries[0], node);
    return diag_count(diag) > before ? -1 : 0;
}

const char *cfg_peek(const char *path, const char *dotted_key, struct arena *arena, struct diag *diag)
{
    struct yaml_doc doc;
    if (yaml_doc_read(&doc, path, arena, diag))
        return NULL;
    const struct yaml_node *n = doc.root;
    char *rest = arena_strdup(arena, dotted_key), *part;
    while (n && (part = strsep(&rest, ".")))
        n = yaml_get(n, part);
    if (n && n->kind == YAML_DOC_MAPPING && yaml_get(n, "value"))
        n = yaml_get(n, "value");
    if (!n || yaml_is_null(n))
        return NULL;
    if (n->kind == YAML_DOC_SCALAR)
        return n->text;
    diag_error(diag, EXIT_BAD_INPUT, yaml_doc_where(&doc, n), "%s is %s, but a single value is wanted", dotted_key,
               yaml_kind_name(n));
    return NULL;
}
