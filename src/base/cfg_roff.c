/* The keys of a table as sections of a manual page: the same table that loads and checks them, so that the page says
 * what the program does. */
#include "base/cfg_priv.h"
#include "base/roff.h"

const char *cfg_type_text(const struct cfg_field *f)
{
    switch (f->type) {
    case CFG_QUANTITY:
        return unit_dim_name(f->dim);
    case CFG_INT:
        return "whole number";
    case CFG_BOOL:
        return "true|false";
    default:
        return "text";
    }
}

static const char *choices_text(const struct cfg_field *f, struct arena *a)
{
    const char *text = "";
    for (size_t i = 0; f->choices && f->choices[i]; i++)
        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", f->choices[i]);
    return text;
}

/* "bandwidth, 0 B/s to 1 TB/s, default 50 GB/s" */
static const char *value_text(const struct cfg_field *f, struct arena *a)
{
    const char *range = cfg_range_text(f, a);
    const char *what = f->type == CFG_ENUM   ? arena_printf(a, "one of %s", choices_text(f, a))
                       : f->type == CFG_BOOL ? "true or false"
                                             : cfg_type_text(f);
    if (range)
        what = arena_printf(a, "%s, %s", what, range);
    if (!f->dflt)
        return arena_printf(a, "%s; required", what);
    return arena_printf(a, "%s; default %s", what, *f->dflt ? f->dflt : "empty");
}

static const char *dotted(const char *prefix, const char *name, struct arena *a)
{
    return *prefix ? arena_printf(a, "%s.%s", prefix, name) : name;
}

void cfg_roff_field(const struct cfg_field *f, const char *key, FILE *out, struct arena *a)
{
    roff_term(out, key);
    roff_line(out, arena_printf(a, "%s.", f->doc ? f->doc : ""));
    roff_line(out, arena_printf(a, "(%s)", value_text(f, a)));
}

static void put_table(const struct cfg_table *t, const char *key, const char *doc, FILE *out, struct arena *a)
{
    roff_subsection(out, *key ? key : "top level");
    if (doc)
        roff_line(out, arena_printf(a, "%s.", doc));
    const struct cfg_flat *fields = cfg_flat(t, a);
    for (const struct cfg_flat *f = fields; f->field; f++)
        if (f->field->type != CFG_TABLE && f->field->type != CFG_MAP)
            cfg_roff_field(f->field, dotted(key, f->field->name, a), out, a);
    for (const struct cfg_flat *f = fields; f->field; f++) {
        const struct cfg_table *sub = f->field->sub;
        const char *name = f->field->type == CFG_MAP ? arena_printf(a, "%s.NAME", f->field->name) : f->field->name;
        if (f->field->type == CFG_TABLE || f->field->type == CFG_MAP)
            put_table(sub, dotted(key, name, a), f->field->doc ? f->field->doc : sub->doc, out, a);
    }
}

void cfg_print_roff(const struct cfg_table *t, FILE *out)
{
    struct arena *a = arena_new();
    put_table(t, "", t->doc, out, a);
    arena_free(a);
}
