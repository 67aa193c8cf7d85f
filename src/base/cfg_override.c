/* -s key=value: the same checks as in a file, located by a caret in the option's own
 * text. */
#include <string.h>

#include "base/cfg_priv.h"
#include "base/yaml_doc.h"

/* The option as the user typed it is both the "file" and the source line. */
static struct srcloc at(const char *option, size_t offset)
{
    int column = 1;
    for (size_t i = 0; i < offset; i++)
        column += ((unsigned char)option[i] & 0xc0) != 0x80;
    return (struct srcloc){.file = option, .text = option, .text_len = strlen(option), .column = column};
}

/* "; keys are 'a' and 'b'" of a table that has few, as a proposal's parameters. */
static const char *all_keys(struct cfg *c)
{
    enum { FEW = 8 };
    const char *keys[FEW];
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (!c->entries[i].table && n < FEW)
            keys[n++] = c->entries[i].key;
        else if (!c->entries[i].table)
            return "";
    return n ? arena_printf(c->arena, "; %s %s", n > 1 ? "keys are" : "the only key is",
                            cfg_join(c->arena, keys, n, " and "))
             : "";
}

static void report_unknown(struct cfg *c, const char *key, struct srcloc where, struct diag *diag)
{
    const char *found[3];
    size_t n = cfg_near_keys(c, key, found, 3);
    if (n)
        diag_error(diag, EXIT_BAD_INPUT, where, "unknown key '%.80s'; did you mean %s?", key,
                   cfg_join(c->arena, found, n, " or "));
    else
        diag_error(diag, EXIT_BAD_INPUT, where, "unknown key '%.80s'%s", key, all_keys(c));
}

/* "; write for example -s nic.latency='3.7 us'" with the first key of a table. */
static const char *for_example(struct cfg *c, const struct cfg_entry *table)
{
    size_t i = (size_t)(table - c->entries);
    while (i < table->end && c->entries[i].table)
        i++;
    if (i == table->end)
        return "";
    return arena_printf(c->arena, "; write for example -s %s='%s'", c->entries[i].key,
                        cfg_example(c->entries[i].field));
}

/* Copies s without blanks at its ends; *skipped counts those at the start. */
static const char *trimmed(struct arena *a, const char *s, size_t n, size_t *skipped)
{
    *skipped = 0;
    while (n && (*s == ' ' || *s == '\t'))
        s++, n--, ++*skipped;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    return arena_printf(a, "%.*s", (int)n, s);
}

static struct cfg_entry *find_leaf(struct cfg *c, const char *key, struct srcloc where, struct diag *diag)
{
    cfg_map_prepare_key(c, key);
    struct cfg_entry *e = *key ? cfg_find(c, key) : NULL;
    if (!e)
        report_unknown(c, key, where, diag);
    else if (e->table)
        diag_error(diag, EXIT_BAD_INPUT, where, "'%s' is a group of keys%s", e->key, for_example(c, e));
    return e && !e->table ? e : NULL;
}

const struct cfg_field *cfg_leaf(struct cfg *c, const char *dotted_key, struct srcloc where, struct diag *diag)
{
    const struct cfg_entry *e = find_leaf(c, dotted_key, where, diag);
    return e ? e->field : NULL;
}

int cfg_assign(struct cfg *c, const struct cfg_assignment *a, struct diag *diag)
{
    char why[CFG_WHY_SIZE];
    struct cfg_entry *e = find_leaf(c, a->key, a->key_at, diag);
    if (!e)
        return -1;
    e->given = true;
    e->over = true;
    e->ground = false;
    if (cfg_parse_value(e->field, a->value, e->value, c->arena, why, sizeof why)) {
        diag_error(diag, EXIT_BAD_INPUT, a->value_at, "%s: %s", e->key, why);
        return -1;
    }
    e->source = a->source;
    e->where = a->value_at;
    return 0;
}

static int apply(struct cfg *c, const char *option, const char *text, const char *equals, struct diag *diag)
{
    size_t lead, value_lead, prefix = strlen(option) - strlen(text);
    struct cfg_assignment a = {.key = trimmed(c->arena, text, (size_t)(equals - text), &lead),
                               .value = trimmed(c->arena, equals + 1, strlen(equals + 1), &value_lead),
                               .source = arena_printf(c->arena, "command line: %s", option)};
    a.key_at = at(option, prefix + lead);
    a.value_at = at(option, prefix + (size_t)(equals + 1 - text) + value_lead);
    return cfg_assign(c, &a, diag);
}

int cfg_override(struct cfg *c, const char *assignment, struct diag *diag)
{
    const char *option = arena_printf(c->arena, "-s %s", assignment);
    const char *equals = strchr(assignment, '='), *what;
    const char *bad = yaml_bad_byte(option, strlen(option), &what);
    if (bad) {
        diag_error(diag, EXIT_BAD_INPUT, at(option, (size_t)(bad - option)), "%s", what);
        return -1;
    }
    if (!equals || equals == assignment) {
        diag_error(diag, EXIT_USAGE, at(option, 3), "-s wants KEY=VALUE%s", for_example(c, c->entries));
        return -1;
    }
    return apply(c, option, assignment, equals, diag);
}
