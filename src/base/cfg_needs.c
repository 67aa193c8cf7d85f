/* When a key is read: conditions on other keys of the same config.
 *
 *   condition:   test test ... | test ...      all of a row hold, of any row
 *   test:        KEY=VALUE,VALUE  KEY!=VALUE,VALUE     "KEY=" is the empty text
 *                KEY>NUMBER       KEY~WORD             the text of KEY holds WORD
 *
 * KEY is dotted from the root; one that begins with a dot stands in the same table. A key of a table that was taken out
 * holds nothing. Leaves out: arithmetic; who needs it checks in code. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg_priv.h"

struct test {
    const struct cfg_entry *e;
    char op; /* '=', '!', '>', '~' */
    const char *values;
    size_t length;
};

static const char *next_word(const char *s, size_t *length)
{
    s += strspn(s, " ");
    *length = strcspn(s, " |");
    return *length ? s : NULL;
}

/* The key that a word of that length names: each load of a scenario asks hundreds of times. */
static const struct cfg_entry *find_named(const struct cfg *c, const struct cfg_entry *at, const char *word,
                                          size_t length)
{
    const struct cfg_entry *table = &c->entries[at->parent];
    size_t before = *word == '.' ? table->key_length : 0;
    char key[256];
    BUG_IF(before + length >= sizeof key);
    memcpy(key, table->key, before);
    memcpy(key + before, word, length);
    key[before + length] = '\0';
    return cfg_find(c, *key == '.' ? key + 1 : key);
}

/* `at`: the entry that the condition is about. */
static struct test read_test(const struct cfg *c, const struct cfg_entry *at, const char *word, size_t length)
{
    size_t name = strcspn(word, "=!>~");
    BUG_IF(name >= length || (word[name] == '!' && word[name + 1] != '='));
    size_t op = word[name] == '!' ? 2 : 1;
    struct test t = {find_named(c, at, word, name), word[name], word + name + op, length - name - op};
    if (!t.e || t.e->table)
        BUG("condition of '%s' names '%.*s', which is no key", at->key, (int)name, word);
    return t;
}

static double number_of(const struct cfg_entry *e)
{
    return e->field->type == CFG_INT ? (double)*(const int64_t *)e->value : *(const double *)e->value;
}

static bool is_value(const struct cfg_entry *e, const char *text, size_t length, struct arena *a)
{
    if (e->field->type == CFG_INT || e->field->type == CFG_QUANTITY)
        return number_of(e) == strtod(text, NULL);
    const char *is = cfg_value_text(e->field, e->value, a);
    return strlen(is) == length && !memcmp(is, text, length);
}

static bool is_any(const struct test *t, struct arena *a)
{
    for (size_t i = 0; i <= t->length;) {
        size_t length = strcspn(t->values + i, ",");
        length = i + length > t->length ? t->length - i : length;
        if (is_value(t->e, t->values + i, length, a))
            return true;
        i += length + 1;
    }
    return false;
}

static bool holds(const struct cfg *c, const struct test *t)
{
    if (cfg_is_excluded(c, t->e))
        return false;
    if (t->op == '>')
        return number_of(t->e) > strtod(t->values, NULL);
    if (t->op == '~')
        return strstr(cfg_value_text(t->e->field, t->e->value, c->arena),
                      arena_printf(c->arena, "%.*s", (int)t->length, t->values));
    return is_any(t, c->arena) == (t->op == '=');
}

/* --- what to write ---------------------------------------------------------------------------------------------- */

/* The first value of the choices that the test lets pass; NULL: none is known. */
static const char *other_value(const struct test *t, struct arena *a)
{
    static const char *const bools[] = {"true", "false", NULL};
    const struct cfg_field *f = t->e->field;
    const char *const *names = f->type == CFG_BOOL ? bools : f->choices;
    for (; names && *names; names++) {
        bool listed = false;
        for (size_t i = 0; i < t->length && !listed; i += strcspn(t->values + i, ",") + 1)
            listed = strlen(*names) == strcspn(t->values + i, ", |") && !strncmp(t->values + i, *names, strlen(*names));
        if (!listed)
            return *names;
    }
    return f->type == CFG_STRING ? NULL : cfg_example(f) ? arena_strdup(a, cfg_example(f)) : NULL;
}

static const char *advice(const struct test *t, struct arena *a)
{
    size_t first = strcspn(t->values, ", |");
    if (t->op == '=' && first)
        return arena_printf(a, "write '%s: %.*s'", t->e->key, (int)first, t->values);
    if (t->op == '=')
        return arena_printf(a, "leave out '%s'", t->e->key);
    if (t->op == '>')
        return arena_printf(a, "give '%s' more than %.*s", t->e->key, (int)t->length, t->values);
    if (t->op == '~')
        return arena_printf(a, "name %.*s in '%s'", (int)t->length, t->values, t->e->key);
    const char *other = other_value(t, a);
    return other ? arena_printf(a, "write for example '%s: %s'", t->e->key, other)
                 : arena_printf(a, "give '%s'", t->e->key);
}

/* The tests of a row that do not hold. */
struct failing {
    struct test first;
    size_t n;
    bool by_option; /* -s decides one of them */
};

static struct failing count_failing(const struct cfg *c, const struct cfg_entry *at, const char *row)
{
    struct failing f = {.n = 0};
    size_t length;
    for (const char *word = next_word(row, &length); word; word = next_word(word + length, &length)) {
        struct test t = read_test(c, at, word, length);
        if (holds(c, &t))
            continue;
        f.by_option |= t.e->over;
        if (f.n++ == 0)
            f.first = t;
    }
    return f;
}

/* NULL: the condition holds. Else what stands against it: the row that lacks least decides. */
static const struct failing *against(const struct cfg *c, const struct cfg_entry *at, const char *condition)
{
    struct failing *least = NULL;
    for (const char *row = condition; row; row = strchr(row, '|') ? strchr(row, '|') + 1 : NULL) {
        struct failing f = count_failing(c, at, row);
        if (!f.n)
            return NULL;
        if (!least)
            least = ARENA_NEW(c->arena, struct failing);
        f.by_option |= least->by_option;
        if (!least->n || f.n < least->n)
            *least = f;
        least->by_option = f.by_option;
    }
    return least;
}

struct cfg_unread cfg_unread(const struct cfg *c, const char *key, const char *condition, size_t length)
{
    const struct cfg_entry *e = cfg_find(c, key);
    BUG_IF(!e);
    const struct failing *f = condition ? against(c, e, condition) : NULL;
    for (const struct cfg_entry *at = e; !f && at->field && strlen(at->key) > length; at = &c->entries[at->parent])
        f = at->field->needs ? against(c, at, at->field->needs) : NULL;
    if (!f)
        return (struct cfg_unread){.why = NULL};
    const struct test *t = &f->first;
    if (cfg_is_excluded(c, t->e))
        return (struct cfg_unread){.why = arena_printf(c->arena, "'%s' is not read, either", t->e->key)};
    const char *is = cfg_value_text(t->e->field, t->e->value, c->arena);
    return (struct cfg_unread){.why = arena_printf(c->arena, "'%s' is %s", t->e->key, *is ? is : "empty"),
                               .advice = advice(t, c->arena),
                               .by_option = f->by_option};
}
