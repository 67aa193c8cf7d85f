/* Keys of several owners in one table (plugins': each topology has some in cluster.network). A key that two owners
 * read stands there once. Leaves out: tables below such keys. */
#include <string.h>

#include "base/cfg_priv.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Two owners of a key must mean the same by it. */
static void check_alike(const struct cfg_field *a, const struct cfg_field *b)
{
    if (a->type != b->type || a->dim != b->dim || a->min != b->min || a->max != b->max || a->choices != b->choices ||
        !same_text(a->dflt, b->dflt))
        BUG("two tables describe key '%s' differently", a->name);
}

/* Appends a field, unless there is one of its name. */
static size_t append(struct cfg_flat *list, size_t n, const struct cfg_field *f, const struct cfg_field *more)
{
    BUG_IF(more && (f->type == CFG_TABLE || f->type == CFG_MORE));
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].field->name, f->name)) {
            check_alike(list[i].field, f);
            return n;
        }
    list[n] = (struct cfg_flat){f, more};
    return n + 1;
}

static size_t count_fields(const struct cfg_table *t)
{
    size_t n = 0;
    for (const struct cfg_field *f = t->fields; f->name; f++) {
        n += f->type != CFG_MORE;
        for (const struct cfg_table *const *m = f->type == CFG_MORE ? f->more() : NULL; m && *m; m++)
            n += count_fields(*m);
    }
    return n;
}

struct cfg_flat *cfg_flat(const struct cfg_table *t, struct arena *a)
{
    struct cfg_flat *list = ARENA_ARRAY(a, struct cfg_flat, count_fields(t) + 1);
    size_t n = 0;
    for (const struct cfg_field *f = t->fields; f->name; f++) {
        if (f->type != CFG_MORE) {
            n = append(list, n, f, NULL);
            continue;
        }
        for (const struct cfg_table *const *m = f->more(); *m; m++)
            for (const struct cfg_field *g = (*m)->fields; g->name; g++)
                n = append(list, n, g, f);
    }
    return list;
}

static const struct cfg_entry *entry_of(const struct cfg_more *more, const char *name)
{
    return more ? cfg_child(more->cfg, &more->cfg->entries[more->parent], name) : NULL;
}

void cfg_more_read(const struct cfg_more *more, const struct cfg_table *own, void *out)
{
    for (const struct cfg_field *f = own->fields; f->name; f++) {
        const struct cfg_entry *e = entry_of(more, f->name);
        void *value = (char *)out + f->offset;
        if (e)
            memcpy(value, e->value, cfg_value_size(f));
        else
            cfg_default_value(f, value, NULL);
    }
}

void cfg_more_lay(const struct cfg_more *more, const struct cfg_table *own, void *out)
{
    for (const struct cfg_field *f = own->fields; f->name; f++) {
        const struct cfg_entry *e = entry_of(more, f->name);
        if (e && e->given)
            memcpy((char *)out + f->offset, e->value, cfg_value_size(f));
    }
}

const struct cfg *cfg_more_of(const struct cfg_more *more)
{
    return more ? more->cfg : NULL;
}

struct srcloc cfg_more_where(const struct cfg_more *more, const char *name)
{
    const struct cfg_entry *e = entry_of(more, name);
    return e ? e->where : SRCLOC_NONE;
}

bool cfg_more_is_own(const struct cfg_more *more, const char *name)
{
    const struct cfg_entry *e = entry_of(more, name);
    return e && e->given && !e->ground;
}

/* --- keys that nobody reads ------------------------------------------------------------------------------------- */

static bool has_key(const struct cfg_table *const *tables, const char *name)
{
    for (; *tables; tables++)
        for (const struct cfg_field *f = (*tables)->fields; f->name; f++)
            if (!strcmp(f->name, name))
                return true;
    return false;
}

static bool is_of_more(const struct cfg_table *t, const char *name)
{
    for (const struct cfg_field *f = t->fields; f->name; f++)
        if (f->type != CFG_MORE && !strcmp(f->name, name))
            return false;
    return true;
}

size_t cfg_more_take_out(const struct cfg_more *more, const struct cfg_table *const *read, const char **given,
                         size_t max)
{
    struct cfg *c = more->cfg;
    const struct cfg_entry *table = &c->entries[more->parent];
    size_t n = 0;
    for (size_t i = more->parent + 1; i < table->end; i = c->entries[i].end) {
        struct cfg_entry *e = &c->entries[i];
        if (!is_of_more(table->table, e->field->name) || has_key(read, e->field->name))
            continue;
        e->excluded = true;
        if (!e->given || cfg_is_default(c, e))
            continue;
        if (n < max)
            given[n] = e->field->name;
        n++;
    }
    return n;
}

void cfg_more_copy(const struct cfg_more *to, const struct cfg_more *from)
{
    const struct cfg_entry *entries = from->cfg->entries, *table = &entries[from->parent];
    for (size_t i = from->parent + 1; i < table->end; i = entries[i].end) {
        struct cfg_entry *e = cfg_child(to->cfg, &to->cfg->entries[to->parent], entries[i].field->name);
        if (!e || e->table)
            continue;
        memcpy(e->value, entries[i].value, cfg_value_size(e->field));
        e->where = entries[i].where;
        e->given = entries[i].given;
        e->ground = entries[i].ground;
    }
}
