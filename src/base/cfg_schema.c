/* JSON Schema of a table (draft 2020-12), for editors. It accepts what the loader does, which reads every scalar as
 * text: numbers with quotes and without, lists of one number, and texts that look like numbers. Quantities are strings
 * that match a pattern of number and unit; ranges of these, which a pattern cannot say, are in the description. Leaves
 * out `required`: any key may come from a lower layer.
 * Reference: JSON Schema core and validation, 2020-12. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cfg_priv.h"

struct writer {
    FILE *out;
    struct arena *arena;
};

static void put_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_newline(const struct writer *w, int indent)
{
    fprintf(w->out, "\n%*s", indent, "");
}

#define NUMBER "[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?"

/* Plain text as a part of a regular expression. */
static const char *escaped(const char *text, struct arena *a)
{
    const char *out = "";
    for (; *text; text++)
        out = arena_printf(a, "%s%s%c", out, strchr(".*+?()[]{}|^$\\", *text) ? "\\" : "", *text);
    return out;
}

/* The regular expression of a quantity, the same grammar as unit_parse. */
static const char *quantity_pattern(enum unit_dim dim, struct arena *a)
{
    const char *units = "", *name;
    for (size_t i = 0; (name = unit_name(dim, i)); i++)
        units = arena_printf(a, "%s%s%s", units, i ? "|" : "", escaped(name, a));
    if (!*units)
        return arena_printf(a, "^ *%s *$", NUMBER);
    if (dim == DIM_MONEY)
        return arena_printf(a, "^ *(%s *(%s)|\\$ *%s( *(%s))?) *$", NUMBER, units, NUMBER, units);
    return arena_printf(a, "^ *%s *(%s)%s *$", NUMBER, units, dim == DIM_RATIO ? "?" : "");
}

static void put_range(const struct writer *w, const struct cfg_field *f)
{
    if (f->min < f->max && isfinite(f->min))
        fprintf(w->out, ", \"minimum\": %.17g", f->min);
    if (f->min < f->max && isfinite(f->max))
        fprintf(w->out, ", \"maximum\": %.17g", f->max);
}

/* A number as it stands, or the same with quotes. */
static void put_number(const struct writer *w, const struct cfg_field *f, const char *type, const char *pattern)
{
    fprintf(w->out, "{\"anyOf\": [{\"type\": \"%s\"", type);
    put_range(w, f);
    fputs("}, {\"type\": \"string\", \"pattern\": ", w->out);
    put_string(w->out, pattern);
    fputs("}]}", w->out);
}

static void put_quantity(const struct writer *w, const struct cfg_field *f)
{
    const char *pattern = quantity_pattern(f->dim, w->arena);
    if (f->dim == DIM_COUNT || f->dim == DIM_RATIO) {
        put_number(w, f, f->dim == DIM_COUNT ? "integer" : "number", pattern);
        return;
    }
    fputs("{\"type\": \"string\", \"pattern\": ", w->out);
    put_string(w->out, pattern);
    fputc('}', w->out);
}

static void put_enum(const struct writer *w, const struct cfg_field *f)
{
    fputs("{\"enum\": [", w->out);
    for (size_t i = 0; f->choices[i]; i++) {
        fputs(i ? ", " : "", w->out);
        put_string(w->out, f->choices[i]);
    }
    fputs("]}", w->out);
}

static void put_bare(const struct writer *w, const struct cfg_field *f)
{
    if (f->type == CFG_QUANTITY)
        put_quantity(w, f);
    else if (f->type == CFG_INT)
        put_number(w, f, "integer", "^-?(0|[1-9][0-9]*)$");
    else if (f->type == CFG_ENUM)
        put_enum(w, f);
    else
        fputs(f->type == CFG_BOOL ? "{\"enum\": [true, false, \"true\", \"false\"]}"
                                  : "{\"type\": [\"string\", \"number\", \"boolean\"]}",
              w->out);
}

static const char *describe(const struct writer *w, const struct cfg_field *f)
{
    const char *s = f->doc ? f->doc : "", *range = cfg_range_text(f, w->arena);
    if (f->type == CFG_QUANTITY)
        s = arena_printf(w->arena, "%s (%s)", s, unit_dim_name(f->dim));
    if (range)
        s = arena_printf(w->arena, "%s; range %s", s, range);
    if (f->dflt)
        return arena_printf(w->arena, "%s; default %s", s, f->dflt);
    return arena_printf(w->arena, "%s; required", s);
}

/* Bare, or with its origin. */
static void put_leaf(const struct writer *w, const struct cfg_field *f, int indent)
{
    fputc('{', w->out);
    put_newline(w, indent + 1);
    fputs("\"description\": ", w->out);
    put_string(w->out, describe(w, f));
    fputc(',', w->out);
    put_newline(w, indent + 1);
    fputs("\"anyOf\": [", w->out);
    put_bare(w, f);
    fputs(", {\"type\": \"object\", \"additionalProperties\": false, \"required\": "
          "[\"value\"],",
          w->out);
    put_newline(w, indent + 2);
    fputs("\"properties\": {\"value\": ", w->out);
    put_bare(w, f);
    fputs(", \"source\": {\"type\": \"string\", \"minLength\": 1}}}]}", w->out);
}

static void put_table(const struct writer *w, const struct cfg_table *t, const struct cfg_extra *extra, int indent)
{
    fputs("\"type\": \"object\",", w->out);
    put_newline(w, indent);
    fputs("\"description\": ", w->out);
    put_string(w->out, t->doc ? t->doc : "");
    fputs(",", w->out);
    put_newline(w, indent);
    fputs("\"additionalProperties\": false,", w->out);
    put_newline(w, indent);
    fputs("\"properties\": {", w->out);
    const struct cfg_flat *fields = cfg_flat(t, w->arena);
    for (const struct cfg_flat *flat = fields; flat->field; flat++) {
        const struct cfg_field *f = flat->field;
        fputs(flat == fields ? "" : ",", w->out);
        put_newline(w, indent + 1);
        put_string(w->out, f->name);
        fputs(": ", w->out);
        if (f->type == CFG_MAP) {
            fputs("{\"type\": \"object\", \"additionalProperties\": ", w->out);
        } else if (f->type != CFG_TABLE) {
            put_leaf(w, f, indent + 1);
            continue;
        }
        fputc('{', w->out);
        put_newline(w, indent + 2);
        put_table(w, f->sub, NULL, indent + 2);
        fputs(f->type == CFG_MAP ? "}}" : "}", w->out);
    }
    for (; extra && extra->name; extra++) {
        fputc(',', w->out);
        put_newline(w, indent + 1);
        put_string(w->out, extra->name);
        fprintf(w->out, ": %s", extra->schema);
    }
    fputc('}', w->out);
}

void cfg_print_schema(const struct cfg_table *t, const struct cfg_extra *extra, FILE *out)
{
    struct writer w = {.out = out, .arena = arena_new()};
    fputs("{\n \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n "
          "\"title\": ",
          out);
    put_string(out, t->name);
    fputs(",\n ", out);
    put_table(&w, t, extra, 1);
    fputs("\n}\n", out);
    arena_free(w.arena);
}
