/* Config tables, the core: lays out the entries of a table, fills the defaults and
 * answers questions about single keys. Loading, overriding and printing are in cfg_*.c.
 * Leaves out: lists; what needs one is read through base/yaml_doc.h by who owns it. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/cfg_priv.h"

size_t cfg_count_entries(const struct cfg_table *t, struct arena *a)
{
    size_t n = 0;
    for (const struct cfg_flat *f = cfg_flat(t, a); f->field; f++)
        n += 1 + (f->field->type == CFG_TABLE ? cfg_count_entries(f->field->sub, a) : 0);
    return n;
}

/* A default that does not pass its own field's checks is our mistake. */
void cfg_default_value(const struct cfg_field *f, void *value, struct arena *a)
{
    char why[CFG_WHY_SIZE];
    if (f->type == CFG_STRING)
        *(const char **)value = f->dflt ? f->dflt : "";
    else if (f->dflt && cfg_parse_value(f, f->dflt, value, a, why, sizeof why))
        BUG("default of '%s': %s", f->name, why);
}

/* Behind the struct: the next free place for a value of a CFG_MORE. */
static void *next_slot(struct cfg *c)
{
    c->slots += CFG_SLOT;
    return c->slots - CFG_SLOT;
}

static void add_more(struct cfg *c, size_t parent, char *pointer)
{
    struct cfg_more *more = ARENA_NEW(c->arena, struct cfg_more);
    *more = (struct cfg_more){.cfg = c, .parent = parent, .pointer_at = (size_t)(pointer - (char *)c->data)};
    *(const struct cfg_more **)pointer = more;
    c->mores[c->n_mores++] = more;
}

static const struct cfg_table no_keys = {.fields = &(const struct cfg_field){0}};

void cfg_add_fields(struct cfg *c, size_t parent, const struct cfg_table *t, char *base)
{
    for (const struct cfg_field *f = t->fields; f->name; f++)
        if (f->type == CFG_MORE)
            add_more(c, parent, base + f->offset);
    for (const struct cfg_flat *flat = cfg_flat(t, c->arena); flat->field; flat++) {
        const struct cfg_field *f = flat->field;
        size_t i = c->n++;
        struct cfg_entry *e = &c->entries[i];
        const char *prefix = c->entries[parent].key;
        *e = (struct cfg_entry){.key = arena_printf(c->arena, "%s%s%s", prefix, *prefix ? "." : "", f->name),
                                .field = f,
                                .value = flat->more ? next_slot(c) : base + f->offset,
                                .parent = parent};
        e->key_length = strlen(e->key);
        if (f->type == CFG_TABLE) {
            e->table = f->sub;
            cfg_add_fields(c, i, f->sub, base + f->offset);
        } else if (f->type == CFG_MAP) {
            e->table = &no_keys;
        } else {
            cfg_default_value(f, e->value, c->arena);
        }
        c->entries[i].end = c->n;
    }
}

static struct cfg *lay_out(const struct cfg_table *table, struct arena *arena)
{
    struct cfg *c = ARENA_NEW(arena, struct cfg);
    size_t most = cfg_count_entries(table, arena) + 1, size = (table->size + CFG_SLOT - 1) / CFG_SLOT * CFG_SLOT;
    c->table = table;
    c->arena = arena;
    c->data = arena_alloc(arena, size + most * CFG_SLOT);
    c->slots = (char *)c->data + size;
    c->entries = ARENA_ARRAY(arena, struct cfg_entry, most);
    c->mores = ARENA_ARRAY(arena, struct cfg_more *, most);
    c->entries[0] = (struct cfg_entry){.key = "", .table = table, .value = c->data};
    c->n = 1;
    cfg_add_fields(c, 0, table, c->data);
    c->entries[0].end = c->n;
    c->data_size = (size_t)(c->slots - (char *)c->data);
    return c;
}

/* Every config of a table begins with the same entries and defaults: they are made once per process. */
static const struct cfg *pattern_of(const struct cfg_table *table)
{
    static struct arena *arena;
    static struct pattern {
        struct cfg *cfg;
        struct pattern *next;
    } * patterns;
    for (struct pattern *p = patterns; p; p = p->next)
        if (p->cfg->table == table)
            return p->cfg;
    if (!arena)
        arena = arena_new();
    struct pattern *p = ARENA_NEW(arena, struct pattern);
    *p = (struct pattern){lay_out(table, arena), patterns};
    patterns = p;
    return p->cfg;
}

static void copy_mores(struct cfg *c, const struct cfg *pattern)
{
    c->mores = ARENA_ARRAY(c->arena, struct cfg_more *, c->n_mores + 1);
    for (size_t i = 0; i < c->n_mores; i++) {
        c->mores[i] = ARENA_NEW(c->arena, struct cfg_more);
        *c->mores[i] = *pattern->mores[i];
        c->mores[i]->cfg = c;
        *(const struct cfg_more **)((char *)c->data + c->mores[i]->pointer_at) = c->mores[i];
    }
}

struct cfg *cfg_new(const struct cfg_table *table, struct arena *arena)
{
    const struct cfg *pattern = pattern_of(table);
    struct cfg *c = ARENA_NEW(arena, struct cfg);
    *c = *pattern;
    c->arena = arena;
    c->data = memcpy(arena_alloc(arena, c->data_size), pattern->data, c->data_size);
    c->entries = memcpy(ARENA_ARRAY(arena, struct cfg_entry, c->n), pattern->entries, c->n * sizeof *c->entries);
    for (size_t i = 0; i < c->n; i++)
        c->entries[i].value = (char *)c->data + ((char *)c->entries[i].value - (char *)pattern->data);
    copy_mores(c, pattern);
    return c;
}

void *cfg_struct(struct cfg *c)
{
    return c->data;
}

struct cfg_entry *cfg_find(const struct cfg *c, const char *dotted_key)
{
    size_t length = strlen(dotted_key), i = length ? 1 : 0;
    while (i < c->n) {
        struct cfg_entry *e = &c->entries[i];
        bool begins = e->key_length <= length && !memcmp(e->key, dotted_key, e->key_length);
        if (begins && e->key_length == length)
            return e;
        i = begins && dotted_key[e->key_length] == '.' ? i + 1 : e->end; /* a table's keys follow it */
    }
    return NULL;
}

struct cfg_entry *cfg_child(const struct cfg *c, const struct cfg_entry *table, const char *name)
{
    size_t parent = (size_t)(table - c->entries);
    for (size_t i = parent + 1; i < table->end; i = c->entries[i].end)
        if (strcmp(c->entries[i].field->name, name) == 0)
            return &c->entries[i];
    return NULL;
}

/* Keys of this name, deeper in the table that the word begins with: decode.context for inference.context. */
static size_t keys_below(const char *const *leaves, const char *const *lasts, size_t n, const char *word,
                         const char **found, size_t max)
{
    size_t n_found = 0, first = strcspn(word, ".");
    if (!word[first])
        return 0;
    for (size_t i = 0; i < n && n_found < max; i++)
        if (!strncmp(leaves[i], word, first + 1) && !strcmp(lasts[i], strrchr(word, '.') + 1))
            found[n_found++] = leaves[i];
    return n_found;
}

static bool is_also(const struct cfg_field *f, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = f ? f->also : NULL; at && *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == length && !strncmp(at, name, n))
            return true;
        at += n;
    }
    return false;
}

const char *cfg_other_name(const struct cfg *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->entries[i].excluded && is_also(c->entries[i].field, name))
            return c->entries[i].key;
    return NULL;
}

static size_t keys_named(const char *const *leaves, const char *const *lasts, size_t n, const char *last,
                         const char **found, size_t max)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n && n_found < max; i++)
        if (!strcmp(lasts[i], last))
            found[n_found++] = leaves[i];
    return n_found;
}

/* inference.decode.batch for decode.batch. */
static size_t keys_ending(const char *const *leaves, size_t n, const char *word, const char **found, size_t max)
{
    size_t n_found = 0, length = strlen(word);
    for (size_t i = 0; i < n && n_found < max; i++) {
        size_t all = strlen(leaves[i]);
        if (all > length && leaves[i][all - length - 1] == '.' && !strcmp(leaves[i] + all - length, word))
            found[n_found++] = leaves[i];
    }
    return n_found;
}

/* A key whose last part is nearly the word's; of a dotted word only in the table that it begins with. */
static size_t keys_nearly_named(const struct cfg *c, const char *const *leaves, const char *const *lasts, size_t n,
                                const char *word, const char **found, size_t max)
{
    size_t first = strcspn(word, "."), kept = 0;
    const char *dot = strrchr(word, '.');
    const char **near = ARENA_ARRAY(c->arena, const char *, n + 1),
               **names = ARENA_ARRAY(c->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        if (!dot || !strncmp(leaves[i], word, first + 1)) {
            near[kept] = leaves[i];
            names[kept++] = lasts[i];
        }
    const char *last = cfg_nearest(dot ? dot + 1 : word, names);
    return last ? keys_named(near, names, kept, last, found, max) : 0;
}

size_t cfg_near_keys(const struct cfg *c, const char *word, const char **found, size_t max)
{
    const char **leaves = ARENA_ARRAY(c->arena, const char *, c->n + 1);
    const char **lasts = ARENA_ARRAY(c->arena, const char *, c->n + 1);
    const char *dot = strrchr(word, '.');
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (!c->entries[i].table && !c->entries[i].excluded) {
            leaves[n] = c->entries[i].key;
            lasts[n++] = c->entries[i].field->name;
        }
    size_t n_found = keys_below(leaves, lasts, n, word, found, max);
    const char *near = cfg_other_name(c, dot ? dot + 1 : word);
    if (!n_found && !near)
        n_found = dot ? 0 : keys_named(leaves, lasts, n, word, found, max);
    if (n_found)
        return n_found;
    near = near ? near : cfg_nearest(word, leaves);
    if (near && max)
        found[n_found++] = near;
    if (!n_found)
        n_found = keys_ending(leaves, n, word, found, max);
    return n_found ? n_found : keys_nearly_named(c, leaves, lasts, n, word, found, max);
}

const char *cfg_join(struct arena *a, const char *const *names, size_t n, const char *last)
{
    const char *s = "";
    for (size_t i = 0; i < n; i++)
        s = arena_printf(a, "%s%s'%s'", s, i == 0 ? "" : i + 1 < n ? ", " : last, names[i]);
    return s;
}

const char *cfg_source(const struct cfg *c, const char *dotted_key)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    return e ? e->source : NULL;
}

struct srcloc cfg_where(const struct cfg *c, const char *dotted_key)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    return e ? e->where : SRCLOC_NONE;
}

void cfg_ground(struct cfg *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->entries[i].ground = c->entries[i].given;
}

static bool is_own(const struct cfg_entry *e)
{
    return e->given && !e->ground;
}

bool cfg_is_own(const struct cfg *c, const char *dotted_key)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    return e && is_own(e);
}

enum cfg_layer cfg_layer_of(const struct cfg *c, const char *dotted_key)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    if (!e || !e->given)
        return CFG_BY_DEFAULT;
    return e->over ? CFG_BY_OPTION : e->ground ? CFG_BY_GROUND : CFG_BY_FILE;
}

int cfg_exclude(struct cfg *c, const char *key, const char *why, struct diag *diag)
{
    struct cfg_entry *top = cfg_find(c, key);
    BUG_IF(!top);
    top->excluded = true;
    top->why = why ? arena_strdup(c->arena, why) : NULL;
    for (size_t i = (size_t)(top - c->entries); i < top->end; i++)
        if (why && is_own(&c->entries[i])) {
            diag_error(diag, EXIT_BAD_INPUT, c->entries[i].where, "'%s' changes nothing: %s", c->entries[i].key, why);
            return -1;
        }
    return 0;
}

const char *cfg_number_text(const struct cfg_field *f, double number, struct arena *arena)
{
    int64_t whole = llround(number);
    BUG_IF(f->type != CFG_QUANTITY && f->type != CFG_INT);
    return cfg_value_text(f, f->type == CFG_INT ? (const void *)&whole : &number, arena);
}

bool cfg_is_excluded(const struct cfg *c, const struct cfg_entry *e)
{
    for (size_t i = (size_t)(e - c->entries); i; i = c->entries[i].parent)
        if (c->entries[i].excluded)
            return true;
    return false;
}

bool cfg_state(const struct cfg *c, const char *dotted_key, struct cfg_leaf_state *out)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    if (!e || e->table || cfg_is_excluded(c, e))
        return false;
    *out = (struct cfg_leaf_state){e->field, e->value, cfg_value_text(e->field, e->value, c->arena)};
    return true;
}

/* The entry after this one, over tables that are taken out. */
static size_t next_entry(const struct cfg *c, size_t i)
{
    return c->entries[i].excluded ? c->entries[i].end : i + 1;
}

void cfg_visit(const struct cfg *c, cfg_visit_fn *fn, void *ctx)
{
    for (size_t i = 0; i < c->n; i = next_entry(c, i)) {
        const struct cfg_entry *e = &c->entries[i];
        if (!e->table && !e->excluded && !e->unread)
            fn(ctx, e->key, e->field, e->value, cfg_yaml_text(e->field, e->value, c->arena), e->source);
    }
}

bool cfg_is_default(const struct cfg *c, const struct cfg_entry *e)
{
    union {
        double number;
        int64_t whole;
        const char *text;
        bool flag;
    } value = {0};
    cfg_default_value(e->field, &value, c->arena);
    return !strcmp(cfg_value_text(e->field, &value, c->arena), cfg_value_text(e->field, e->value, c->arena));
}

/* Keys that rest because of one option are one message. */
enum { NAMED_KEYS = 3 };
struct resting {
    const struct cfg_entry **entries;
    size_t n;
};

static void report_resting(const struct cfg *c, struct resting *r, struct diag *diag)
{
    for (size_t first = 0; first < r->n; first++) {
        const struct cfg_entry *e = r->entries[first];
        const char *names = "";
        size_t alike = 0;
        for (size_t i = first; e && i < r->n; i++) {
            const struct cfg_entry *other = r->entries[i];
            if (!other || strcmp(other->why, e->why) != 0)
                continue;
            if (alike++ < NAMED_KEYS)
                names = arena_printf(c->arena, "%s%s'%s'", names, *names ? ", " : "", other->key);
            r->entries[i] = NULL;
        }
        if (alike > NAMED_KEYS)
            names = arena_printf(c->arena, "%s and %zu more", names, alike - NAMED_KEYS);
        if (e)
            diag_warning(diag, e->where, "%s change%s nothing: %s", names, alike == 1 ? "s" : "", e->why);
    }
}

static void report_unread(const struct cfg *c, const struct cfg_entry *e, const struct cfg_unread *u,
                          struct resting *resting, struct diag *diag)
{
    if (e->over && cfg_is_default(c, e)) /* takes back what the file says */
        return;
    if (u->by_option && !e->over)
        resting->entries[resting->n++] = e;
    else
        diag_error(diag, EXIT_BAD_INPUT, e->where, "'%s' changes nothing: %s; leave it out%s%s", e->key, u->why,
                   u->advice ? ", or " : "", u->advice ? u->advice : "");
}

bool cfg_is_read(const struct cfg *c, const char *dotted_key)
{
    const struct cfg_entry *e = cfg_find(c, dotted_key);
    BUG_IF(!e || e->table);
    return !e->unread && !cfg_is_excluded(c, e);
}

static bool is_below(const char *key, const char *table)
{
    size_t n = strlen(table);
    return !strncmp(key, table, n) && (key[n] == '.' || !key[n]);
}

const char *cfg_given_below(const struct cfg *c, const char *table)
{
    for (size_t i = 1; i < c->n; i++)
        if (!c->entries[i].table && is_own(&c->entries[i]) && is_below(c->entries[i].key, table))
            return c->entries[i].key;
    return NULL;
}

const char *cfg_option_below(const struct cfg *c, const char *table, const char *const *but)
{
    for (size_t i = 1; i < c->n; i++) {
        const struct cfg_entry *e = &c->entries[i];
        bool left_out = e->table || !e->over || !is_below(e->key, table);
        for (const char *const *b = but; !left_out && *b; b++)
            left_out = is_below(e->key, *b);
        if (!left_out)
            return e->key;
    }
    return NULL;
}

void cfg_check_reads(struct cfg *c, cfg_unread_fn *unread, void *ctx, struct diag *diag)
{
    struct resting resting = {ARENA_ARRAY(c->arena, const struct cfg_entry *, c->n), 0};
    for (size_t i = 0; i < c->n; i = next_entry(c, i)) {
        struct cfg_entry *e = &c->entries[i];
        if (e->table || e->excluded)
            continue;
        struct cfg_unread u = unread(ctx, e->key);
        e->unread = u.why != NULL;
        e->why = u.why;
        if (u.why && diag && is_own(e) && !u.agrees)
            report_unread(c, e, &u, &resting, diag);
    }
    if (diag)
        report_resting(c, &resting, diag);
}

void cfg_visit_unread(const struct cfg *c, void (*fn)(void *ctx, const char *key, const char *why), void *ctx)
{
    for (size_t i = 1; i < c->n; i++) {
        const struct cfg_entry *e = &c->entries[i], *top = e;
        while (top->field && !top->excluded)
            top = &c->entries[top->parent];
        if (!e->table && is_own(e) && !e->over && (top->excluded || e->unread))
            fn(ctx, e->key, top->excluded ? top->why : e->why);
    }
}

static bool is_missing(const struct cfg_entry *e)
{
    return !e->table && !e->excluded && !e->unread && !e->given && !e->field->dflt;
}

/* One message per table: a whole group that was forgotten is one mistake, not ten. */
static void report_missing(const struct cfg *c, size_t table, struct diag *diag)
{
    const struct cfg_entry *t = &c->entries[table], *one = NULL;
    const char **names = ARENA_ARRAY(c->arena, const char *, t->end - table);
    size_t n = 0;
    for (size_t i = table + 1; i < t->end; i = c->entries[i].end)
        if (is_missing(&c->entries[i])) {
            one = &c->entries[i];
            names[n++] = one->field->name;
        }
    if (n == 0)
        return;
    while (!t->where.file && t != c->entries)
        t = &c->entries[t->parent];
    if (n == 1)
        diag_error(diag, EXIT_BAD_INPUT, t->where, "required key '%s' is missing (%s); write for example '%s: %s'",
                   one->key, one->field->doc ? one->field->doc : "", one->field->name, cfg_example(one->field));
    else
        diag_error(diag, EXIT_BAD_INPUT, t->where, "required keys are missing%s%s%s: %s", table ? " in '" : "",
                   c->entries[table].key, table ? "'" : "", cfg_join(c->arena, names, n, " and "));
}

int cfg_finish(struct cfg *c, struct diag *diag)
{
    size_t before = diag_count(diag);
    for (size_t i = 0; i < c->n; i = next_entry(c, i))
        if (c->entries[i].table && !c->entries[i].excluded)
            report_missing(c, i, diag);
    return diag_count(diag) > before ? -1 : 0;
}
