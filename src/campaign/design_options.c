/* What the command line says of a design. */
#include "campaign/design_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/yaml_doc.h"

/* An option's text has the characters that a file may have. */
static bool is_text(struct design_builder *b, const char *option)
{
    const char *what, *bad = yaml_bad_byte(option, strlen(option), &what);
    if (bad)
        diag_error(b->diag, EXIT_BAD_INPUT, design_option_place(option, (size_t)(bad - option)), "%s", what);
    return !bad;
}

static void option_axis(struct design_builder *b, const char *text)
{
    const char *prefix = arena_printf(b->arena, "%s ", b->axis_name), *equals = strchr(text, '=');
    const char *option = arena_printf(b->arena, "%s%s", prefix, text);
    if (!is_text(b, option)) {
        b->broken = true;
        return;
    }
    if (!equals || equals == text) {
        diag_error(b->diag, EXIT_USAGE, design_option_place(option, strlen(prefix)),
                   "%s wants KEY=VALUES; write for example %scluster.nodes='8, 16, 32'", b->axis_name, prefix);
        b->broken = true;
        return;
    }
    size_t n = (size_t)(equals - text);
    const char *key = arena_printf(b->arena, "%.*s", (int)n, text);
    struct axis *axis = design_new_axis(b, key, design_option_place(option, strlen(prefix)));
    if (axis)
        design_read_axis(b, axis, option + strlen(prefix) + n + 1, design_option_place(option, strlen(prefix) + n + 1));
}

void design_option_zip(struct design_builder *b, const char *text)
{
    static const char prefix[] = "--zip ";
    const char *option = arena_printf(b->arena, "%s%s", prefix, text);
    struct axis *first = NULL;
    for (size_t i = strlen(prefix); option[i];) {
        size_t n = strcspn(option + i, ",");
        const char *key = arena_printf(b->arena, "%.*s", (int)n, option + i);
        struct srcloc where = design_option_place(option, i);
        if (!first)
            first = design_zipped(b, key, where);
        else
            design_zip_pair(b, first, key, where);
        i += n + (option[i + n] == ',');
    }
}

static void option_sample(struct design_builder *b, const char *text)
{
    const char *option = arena_printf(b->arena, "--sample %s", text);
    char name[16] = "";
    unsigned long n = 0, seed = 1;
    int method = 0, end = 0, read = sscanf(text, "%15[a-z]:%lu%n:%lu%n", name, &n, &end, &seed, &end);
    while (sample_method_names[method] && strcmp(sample_method_names[method], name))
        method++;
    if (!sample_method_names[method] || read < 2 || text[end] || method == SAMPLE_GRID || !n || n > 1000000000) {
        bool known = sample_method_names[method] && method != SAMPLE_GRID; /* then the number is wrong */
        const char *near = known ? NULL : cfg_nearest(name, sample_method_names);
        diag_error(b->diag, EXIT_USAGE, design_option_place(option, strlen("--sample ")),
                   "--sample wants METHOD:POINTS with one of sobol, lhs, morris, saltelli%s%s%s and 1 to "
                   "1000000000 points; write for example --sample sobol:64",
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return;
    }
    b->d->method = (enum sample_method)method;
    b->d->n_samples = (uint32_t)n;
    b->d->sample_seed = seed;
}

/* Whether both are KEY=... of one key. */
static bool same_key(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return n == strcspn(b, "=") && !strncmp(a, b, n);
}

/* Of two options for one key one would be lost without a word. */
static void check_twice(struct design_builder *b, const struct design_options *o)
{
    for (const char *const *a = o->axes; a && *a; a++)
        for (const char *const *other = o->axes; other < a; other++)
            if (same_key(*a, *other)) {
                const char *option = arena_printf(b->arena, "%s %s", b->axis_name, *a);
                diag_error(b->diag, EXIT_USAGE, design_option_place(option, strlen(b->axis_name) + 1),
                           "this key has an axis already; write all of its values in one, for example %s %s,%s",
                           b->axis_name, *other, *a + strcspn(*a, "=") + 1);
                b->broken = true;
            }
    for (const char *const *set = o->set; set && *set; set++)
        for (uint32_t i = 0; i < b->d->n_axes; i++)
            if (same_key(*set, b->d->axes[i].key)) {
                const char *option = arena_printf(b->arena, "-s %s", *set);
                diag_error(
                    b->diag, EXIT_USAGE, design_option_place(option, strlen("-s ")),
                    "this key is an axis, whose values would take the place of this one; leave one of them out%s%s%s",
                    o->axes && *o->axes ? "" : ", or write ", o->axes && *o->axes ? "" : b->axis_name,
                    o->axes && *o->axes ? "" : " instead of -s to replace the file's axis");
            }
}

void design_take_options(struct design_builder *b, const struct design_options *o)
{
    for (const char *const *s = o->set; s && *s; s++)
        if (cfg_override(b->known, *s, b->diag) == 0)
            design_add_set(b, *s);
    for (const char *const *a = o->axes; a && *a; a++)
        option_axis(b, *a);
    check_twice(b, o);
    if (o->sample)
        option_sample(b, o->sample);
    if (o->where) {
        const char *option = arena_printf(b->arena, "--where %s", o->where);
        is_text(b, option);
        b->d->where = o->where;
        b->d->where_at = design_option_place(option, strlen("--where "));
    }
    if (o->seeds) {
        const char *option = arena_printf(b->arena, "--seeds %s", o->seeds);
        design_read_seeds(b, option + strlen("--seeds "), design_option_place(option, strlen("--seeds ")));
    }
}
