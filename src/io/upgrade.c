/* A scenario's text from one version to the next, edit by edit: each is made on the text as it stands and the text is read
 * anew, so that comments and layout stay. A key that nothing reads becomes a comment beside the reason; one in braces is
 * taken out, and named in a comment above. */
#include "io/upgrade.h"

#include <string.h>

#include "base/yaml_doc.h"
#include "base/yaml_text.h"
#include "io/scenario.h"

struct work {
    const char *path, *text;
    struct yaml_doc doc;
    struct upgrade *out;
    struct arena *arena;
    struct diag *diag;
};

/* --- places in the text ----------------------------------------------------------------------------------------- */

static size_t line_at(const char *text, int line)
{
    const char *p = text;
    for (int i = 1; i < line && strchr(p, '\n'); i++)
        p = strchr(p, '\n') + 1;
    return (size_t)(p - text);
}

/* Columns count characters. */
static size_t byte_at(const char *text, int line, int column)
{
    size_t at = line_at(text, line);
    for (int i = 1; i < column && text[at] && text[at] != '\n'; i++)
        for (at++; ((unsigned char)text[at] & 0xc0) == 0x80;)
            at++;
    return at;
}

static int last_line(const struct yaml_node *n)
{
    int last = n->end_column == 1 ? n->end_line - 1 : n->end_line; /* text of several lines ends before the next one */
    last = last > n->line ? last : n->line;
    for (const struct yaml_node *child = n->first; child; child = child->next)
        last = last_line(child) > last ? last_line(child) : last;
    return last;
}

/* The entry of a dotted key, and the mappings from the root down to it in path[]; NULL: it is not there. */
enum { MAX_PATH = 16 };
static struct yaml_node *find(const struct work *w, const char *dotted, struct yaml_node *path[MAX_PATH], int *depth)
{
    struct yaml_node *n = w->doc.root;
    char *rest = arena_strdup(w->arena, dotted), *part;
    *depth = 0;
    while (n && (part = strsep(&rest, ".")) && *depth < MAX_PATH) {
        path[(*depth)++] = n;
        n = n->kind == YAML_DOC_MAPPING ? yaml_get(n, part) : NULL;
    }
    return n;
}

/* {value: ..., source: ...} or the value itself. */
static const struct yaml_node *value_of(const struct yaml_node *n)
{
    const struct yaml_node *inner = n->kind == YAML_DOC_MAPPING ? yaml_get(n, "value") : n;
    return inner && inner->kind == YAML_DOC_SCALAR ? inner : NULL;
}

/* --- edits ------------------------------------------------------------------------------------------------------ */

static int read_text(struct work *w)
{
    return yaml_doc_parse(&w->doc, w->text, strlen(w->text), w->path, w->arena, w->diag);
}

static void replace(struct work *w, size_t from, size_t to, const char *with)
{
    w->text = arena_printf(w->arena, "%.*s%s%s", (int)from, w->text, with, w->text + to);
}

static void note(struct work *w, int line, const char *text)
{
    if (w->out->n_changes < UPGRADE_MAX_CHANGES)
        w->out->changes[w->out->n_changes++] = arena_printf(w->arena, "%s:%d: %s", w->path, line, text);
}

static size_t indent_of(const char *line)
{
    return strspn(line, " ");
}

/* Each line of the entry behind a '#', under the reason. */
static void comment_lines(struct work *w, int first, int last, const char *why)
{
    size_t at = line_at(w->text, first), indent = indent_of(w->text + at);
    for (int line = last; line >= first; line--) {
        size_t start = line_at(w->text, line);
        replace(w, start + indent, start + indent, "# ");
    }
    replace(w, at, at, arena_printf(w->arena, "%*s# not read any more: %s\n", (int)indent, "", why));
}

/* Out of {a: 1, b: 2}, with the comma that is one too many. */
static void take_out(struct work *w, const struct yaml_node *mapping, const struct yaml_node *n, const char *why)
{
    const struct yaml_node *before = NULL;
    for (const struct yaml_node *c = mapping->first; c != n; c = c->next)
        before = c;
    size_t from = byte_at(w->text, n->key->line, n->key->column), end = byte_at(w->text, n->end_line, n->end_column);
    size_t to = n->next ? byte_at(w->text, n->next->key->line, n->next->key->column) : end;
    const char *was = arena_printf(w->arena, "%.*s", (int)(end - from), w->text + from);
    if (!n->next && before)
        from = byte_at(w->text, before->end_line, before->end_column);
    replace(w, from, to, "");
    size_t line = line_at(w->text, n->key->line);
    replace(
        w, line, line,
        arena_printf(w->arena, "%*s# '%s' is not read any more: %s\n", (int)indent_of(w->text + line), "", was, why));
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static bool has_value(const struct work *w, const char *key, const char *value, size_t length)
{
    struct yaml_node *path[MAX_PATH];
    int depth;
    const struct yaml_node *n = find(w, key, path, &depth), *is = n ? value_of(n) : NULL;
    return is && strlen(is->text) == length && !strncmp(is->text, value, length);
}

static bool applies(const struct work *w, const struct upgrade_row *row)
{
    const char *equals = row->beside ? strchr(row->beside, '=') : NULL;
    const char *other = equals ? arena_printf(w->arena, "%.*s", (int)(equals - row->beside), row->beside) : NULL;
    return (!row->value || has_value(w, row->key, row->value, strlen(row->value))) &&
           (!other || has_value(w, other, equals + 1, strlen(equals + 1)));
}

static void apply(struct work *w, const struct upgrade_row *row)
{
    struct yaml_node *path[MAX_PATH], *n;
    int depth;
    if (!(n = find(w, row->key, path, &depth)) || !applies(w, row))
        return;
    const struct yaml_node *value = value_of(n), *at = row->action == UPGRADE_RENAME ? n->key : value ? value : n;
    if (row->action == UPGRADE_DECIDE) {
        diag_error(w->diag, EXIT_BAD_INPUT, yaml_doc_where(&w->doc, at), "'%s': %s; %s", row->key, row->why, row->to);
        return;
    }
    note(w, at->line, arena_printf(w->arena, "'%s' becomes %s: %s", row->key, row->to, row->why));
    replace(w, byte_at(w->text, at->line, at->column), byte_at(w->text, at->end_line, at->end_column), row->to);
    read_text(w);
}

/* --- what nothing reads ----------------------------------------------------------------------------------------- */

struct unread {
    const char *keys[UPGRADE_MAX_CHANGES], *why[UPGRADE_MAX_CHANGES];
    size_t n;
};

static void add_unread(void *ctx, const char *key, const char *why)
{
    struct unread *u = ctx;
    if (u->n < UPGRADE_MAX_CHANGES) {
        u->keys[u->n] = key;
        u->why[u->n++] = why ? why : "nothing reads it";
    }
}

static void load(const struct work *w, struct unread *u, struct diag *diag)
{
    struct scenario_options options = {.text = w->text};
    struct scenario_file file;
    u->n = 0;
    scenario_load_with(w->path, &options, w->arena, &file, diag);
    cfg_visit_unread(file.cfg, add_unread, u);
}

static bool is_unread(const struct unread *u, const char *key)
{
    size_t i = 0;
    while (i < u->n && strcmp(u->keys[i], key))
        i++;
    return i < u->n;
}

/* Whether nothing in a table is read. */
static bool all_unread(const struct work *w, const struct unread *u, const struct yaml_node *table, const char *prefix)
{
    for (const struct yaml_node *c = table->first; c; c = c->next) {
        const char *key = arena_printf(w->arena, "%s.%s", prefix, c->key->text);
        bool inner = c->kind == YAML_DOC_MAPPING && !yaml_get(c, "value");
        if (inner ? !all_unread(w, u, c, key) : !is_unread(u, key))
            return false;
    }
    return true;
}

/* With the largest table around it of which nothing is read. */
static void leave_out(struct work *w, const struct unread *u)
{
    struct yaml_node *path[MAX_PATH], *n;
    int depth;
    char *key = arena_strdup(w->arena, u->keys[0]);
    if (!(n = find(w, key, path, &depth)))
        return;
    for (char *dot = strrchr(key, '.'); dot; dot = strrchr(key, '.')) {
        const char *table = arena_printf(w->arena, "%.*s", (int)(dot - key), key);
        if (!all_unread(w, u, path[depth - 1], table))
            break;
        n = path[--depth];
        *dot = '\0';
    }
    note(w, n->key->line, arena_printf(w->arena, "'%s' is left out: %s", key, u->why[0]));
    size_t key_at = byte_at(w->text, n->key->line, n->key->column), line = line_at(w->text, n->key->line);
    if (line + indent_of(w->text + line) == key_at)
        comment_lines(w, n->key->line, last_line(n), u->why[0]);
    else
        take_out(w, path[depth - 1], n, u->why[0]);
}

/* One becomes a comment; true: and there may be more. */
static bool leave_out_one(struct work *w)
{
    struct diag *trying = diag_new();
    struct unread u;
    const char *was = w->text;
    load(w, &u, trying);
    if (u.n)
        leave_out(w, &u);
    diag_free(trying);
    return w->text != was && !read_text(w);
}

int upgrade_scenario(const char *path, struct arena *arena, struct upgrade *out, struct diag *diag)
{
    size_t len, before = diag_count(diag);
    struct work w = {.path = path, .out = out, .arena = arena, .diag = diag};
    *out = (struct upgrade){0};
    if (yaml_text_read(path, arena, &w.text, &len, diag) || read_text(&w))
        return -1;
    for (const struct upgrade_row *row = upgrade_rows; row->key; row++)
        apply(&w, row);
    while (diag_count(diag) == before && leave_out_one(&w))
        ;
    struct unread rest;
    if (diag_count(diag) == before)
        load(&w, &rest, diag); /* what is wrong otherwise is the user's */
    out->text = w.text;
    return diag_count(diag) > before ? -1 : 0;
}
