/* Tables under names that users choose (CFG_MAP). Their entries are made when a file or -s first names one, before it
 * is laid, so that everything else finds them where entries of a table stand. */
#include <ctype.h>
#include <string.h>

#include "base/cfg_priv.h"
#include "base/yaml_doc.h"

static bool is_name(const char *s)
{
    const char *p = s;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    return isalpha((unsigned char)*s) && !*p;
}

static struct cfg_map *map_of(const struct cfg *c, size_t map)
{
    return c->entries[map].value;
}

static void *add_item(struct cfg *c, struct cfg_map *m, const char *name, size_t size)
{
    const char **names = ARENA_ARRAY(c->arena, const char *, m->n + 1);
    void **items = ARENA_ARRAY(c->arena, void *, m->n + 1);
    for (uint32_t i = 0; i < m->n; i++) {
        names[i] = m->names[i];
        items[i] = m->items[i];
    }
    names[m->n] = name;
    items[m->n] = arena_alloc(c->arena, size);
    *m = (struct cfg_map){m->n + 1, names, items};
    return items[m->n - 1];
}

static void make_room(struct cfg *c, size_t more)
{
    struct cfg_entry *entries = ARENA_ARRAY(c->arena, struct cfg_entry, c->n + more);
    struct cfg_more **mores = ARENA_ARRAY(c->arena, struct cfg_more *, c->n_mores + more);
    memcpy(entries, c->entries, c->n * sizeof *entries);
    memcpy(mores, c->mores, c->n_mores * sizeof(void *));
    c->entries = entries;
    c->mores = mores;
}

/* Entries from..to move to `at`, those at..from behind them. */
static void move_entries(struct cfg *c, size_t at, size_t from, size_t to)
{
    size_t down = from - at, up = to - from;
    struct cfg_entry *moved = ARENA_ARRAY(c->arena, struct cfg_entry, up);
    memcpy(moved, c->entries + from, up * sizeof *moved);
    memmove(c->entries + at + up, c->entries + at, down * sizeof *moved);
    memcpy(c->entries + at, moved, up * sizeof *moved);
    for (size_t i = at; i < at + up; i++) {
        c->entries[i].end -= down;
        c->entries[i].parent -= c->entries[i].parent >= from ? down : 0;
    }
    for (size_t i = at + up; i < to; i++) {
        c->entries[i].end += up;
        c->entries[i].parent += c->entries[i].parent >= at ? up : 0;
    }
    for (size_t i = 0; i < c->n_mores; i++) {
        struct cfg_more *m = c->mores[i];
        m->parent = m->parent >= from ? m->parent - down : m->parent >= at ? m->parent + up : m->parent;
    }
}

/* At the end of the map's own. */
static void add(struct cfg *c, size_t map, const char *name)
{
    const struct cfg_table *sub = c->entries[map].field->sub;
    size_t n = cfg_count_entries(sub, c->arena) + 1, from = c->n, at = c->entries[map].end;
    size_t size = (sub->size + CFG_SLOT - 1) / CFG_SLOT * CFG_SLOT;
    struct cfg_field *field = ARENA_NEW(c->arena, struct cfg_field);
    name = arena_strdup(c->arena, name);
    char *item = add_item(c, map_of(c, map), name, size + n * CFG_SLOT);
    *field = (struct cfg_field){.name = name, .type = CFG_TABLE, .sub = sub, .doc = sub->doc};
    make_room(c, n);
    c->slots = item + size;
    c->entries[c->n++] = (struct cfg_entry){.key = arena_printf(c->arena, "%s.%s", c->entries[map].key, name),
                                            .field = field,
                                            .table = sub,
                                            .value = item,
                                            .parent = map};
    c->entries[from].key_length = strlen(c->entries[from].key);
    cfg_add_fields(c, from, sub, item);
    c->entries[from].end = c->n;
    for (size_t i = map; i; i = c->entries[i].parent)
        c->entries[i].end += n;
    c->entries[0].end += n;
    move_entries(c, at, from, c->n);
}

static void add_all(struct cfg *c, size_t map, const struct yaml_doc *doc, const struct yaml_node *node,
                    struct diag *diag)
{
    for (const struct yaml_node *n = node->first; n; n = n->next)
        if (!is_name(n->key->text))
            diag_error(diag, EXIT_BAD_INPUT, yaml_doc_where(doc, n->key),
                       "'%.60s' is no name for one of '%s'; names begin with a letter and have letters, digits and _",
                       n->key->text, c->entries[map].key);
        else if (!cfg_child(c, &c->entries[map], n->key->text))
            add(c, map, n->key->text);
}

void cfg_map_prepare(struct cfg *c, size_t top, const struct yaml_doc *doc, const struct yaml_node *node,
                     struct diag *diag)
{
    if (node->kind != YAML_DOC_MAPPING)
        return;
    if (top && c->entries[top].field->type == CFG_MAP) {
        add_all(c, top, doc, node, diag);
        return;
    }
    for (size_t i = top + 1; i < c->entries[top].end; i = c->entries[i].end) {
        const struct yaml_node *child = c->entries[i].table ? yaml_get(node, c->entries[i].field->name) : NULL;
        if (child)
            cfg_map_prepare(c, i, doc, child, diag);
    }
}

/* "llm.blocks.full.heads": what stands between a map's key and the last dot; NULL: none. */
static const char *item_named(const struct cfg *c, size_t map, const char *dotted_key, const char **leaf)
{
    size_t n = strlen(c->entries[map].key);
    if (strncmp(dotted_key, c->entries[map].key, n) || dotted_key[n] != '.')
        return NULL;
    *leaf = strchr(dotted_key + n + 1, '.');
    return *leaf ? arena_printf(c->arena, "%.*s", (int)(*leaf - dotted_key - (long)n - 1), dotted_key + n + 1) : NULL;
}

static bool has_leaf(const struct cfg_table *t, const char *name, struct arena *a)
{
    for (const struct cfg_flat *f = cfg_flat(t, a); f->field; f++)
        if (!strcmp(f->field->name, name))
            return true;
    return false;
}

void cfg_map_prepare_key(struct cfg *c, const char *dotted_key)
{
    for (size_t i = 1; i < c->n; i++) {
        const char *leaf, *name = c->entries[i].field->type == CFG_MAP ? item_named(c, i, dotted_key, &leaf) : NULL;
        if (!name)
            continue;
        if (is_name(name) && has_leaf(c->entries[i].field->sub, leaf + 1, c->arena) &&
            !cfg_child(c, &c->entries[i], name))
            add(c, i, name);
        return;
    }
}
