/* Config printing: the resolved config as YAML that loads back to the same bytes of the
 * struct. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cfg_priv.h"
#include "base/yaml_text.h"

static bool is_word_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '/' ||
           ch == '.' || ch == '-';
}

/* Whether a string may stand in YAML without quotes: one word that starts with a letter
 * or / and is no keyword. Stricter than YAML, so that nobody has to know YAML's rules.
 */
static bool is_plain_word(const char *s)
{
    static const char *const keywords[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
    for (int i = 0; keywords[i]; i++)
        if (strcasecmp(s, keywords[i]) == 0)
            return false;
    if (!is_word_char(s[0]) || (s[0] >= '0' && s[0] <= '9') || s[0] == '.' || s[0] == '-')
        return false;
    for (; *s; s++)
        if (!is_word_char(*s))
            return false;
    return true;
}

/* One character in YAML's double-quoted style; returns its length in bytes. */
static size_t put_escaped(FILE *out, const char *p, size_t left)
{
    unsigned code = 0;
    size_t n = yaml_decode(p, left, &code);
    if (n == 0)
        fputs("\\uFFFD", out);
    else if (code == '"' || code == '\\')
        fprintf(out, "\\%c", (char)code);
    else if (code == '\n')
        fputs("\\n", out);
    else if (code < 0x20 || !yaml_printable(code))
        fprintf(out, "\\U%08X", code);
    else
        fwrite(p, 1, n, out);
    return n ? n : 1;
}

/* Nothing in it but ASCII that stands for itself. */
static bool is_simple(const char *s)
{
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\')
            return false;
    return true;
}

const char *cfg_quote(const char *s, struct arena *a)
{
    char *text = NULL;
    size_t size = 0, len = strlen(s);
    if (is_simple(s))
        return arena_printf(a, "\"%s\"", s);
    FILE *out = open_memstream(&text, &size);
    BUG_IF(!out);
    fputc('"', out);
    for (size_t i = 0; i < len;)
        i += put_escaped(out, s + i, len - i);
    fputc('"', out);
    fclose(out);
    const char *copy = arena_strdup(a, text);
    free(text);
    return copy;
}

const char *cfg_yaml_text(const struct cfg_field *f, const void *value, struct arena *a)
{
    const char *text = cfg_value_text(f, value, a);
    bool is_text = f->type == CFG_STRING || f->type == CFG_ENUM;
    return is_text && !is_plain_word(text) ? cfg_quote(text, a) : text;
}

static bool has_value(const struct cfg_entry *e)
{
    return !e->table && !e->excluded && !e->unread && (e->given || e->field->dflt);
}

/* Nothing of it is read. */
static bool is_unread(const struct cfg *c, size_t entry)
{
    bool any = false;
    for (size_t i = entry; i < c->entries[entry].end; i++) {
        if (!c->entries[i].table && !c->entries[i].excluded && !c->entries[i].unread)
            return false;
        any |= c->entries[i].unread;
    }
    return any;
}

static bool has_any_value(const struct cfg *c, size_t table)
{
    for (size_t i = table; i < c->entries[table].end; i++)
        if (has_value(&c->entries[i]))
            return true;
    return false;
}

static void print_leaf(const struct cfg *c, const struct cfg_entry *e, int indent, FILE *out)
{
    const char *doc = e->field->doc ? e->field->doc : "";
    if (!has_value(e)) {
        fprintf(out, "%*s# %s: (required, not given)  # %s\n", indent, "", e->field->name, doc);
        return;
    }
    const char *text = cfg_yaml_text(e->field, e->value, c->arena);
    fprintf(out, "%*s%s: ", indent, "", e->field->name);
    if (e->source)
        fprintf(out, "{value: %s, source: %s}", text, cfg_quote(e->source, c->arena));
    else
        fputs(text, out);
    fprintf(out, "%s%s\n", *doc ? "  # " : "", doc);
}

static bool is_one_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name))
        names++;
    return *names;
}

/* Without some of its direct children. */
static void print_children(const struct cfg *c, size_t table, int indent, const char *const *without, FILE *out)
{
    static const char *const nothing[] = {NULL};
    for (size_t i = table + 1; i < c->entries[table].end; i = c->entries[i].end) {
        const struct cfg_entry *e = &c->entries[i];
        if (e->excluded || is_unread(c, i) || (e->field->type == CFG_MAP && e->end == i + 1) ||
            is_one_of(without, e->field->name))
            continue;
        if (!e->table) {
            print_leaf(c, e, indent, out);
            continue;
        }
        const char *doc = e->table->doc ? e->table->doc : "";
        fprintf(out, "%*s%s:%s%s%s\n", indent, "", e->field->name, has_any_value(c, i) ? "" : " {}", *doc ? "  # " : "",
                doc);
        print_children(c, i, indent + 2, nothing, out);
    }
}

static const char *text_of(const struct cfg *c, size_t table, const char *const *without, struct arena *arena)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    BUG_IF(!out);
    print_children(c, table, 0, without, out);
    fclose(out);
    const char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

const char *cfg_text_without(const struct cfg *c, const char *const *names, struct arena *arena)
{
    return text_of(c, 0, names, arena);
}

const char *cfg_text_of(const struct cfg *c, const char *table, struct arena *arena)
{
    static const char *const nothing[] = {NULL};
    const struct cfg_entry *e = cfg_find(c, table);
    BUG_IF(!e || !e->table);
    return text_of(c, (size_t)(e - c->entries), nothing, arena);
}

void cfg_print_yaml(const struct cfg *c, FILE *out)
{
    static const char *const nothing[] = {NULL};
    if (c->table->doc)
        fprintf(out, "# %s\n", c->table->doc);
    print_children(c, 0, 0, nothing, out);
    if (!has_any_value(c, 0))
        fputs("{}\n", out);
}
