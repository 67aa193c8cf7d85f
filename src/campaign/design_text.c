/* A design as a file that gives it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/design.h"

/* Axes of settings but their first, which stands for all. */
static bool is_setting_key(const struct design *d, uint32_t axis)
{
    return axis > d->first_setting && axis < d->first_setting + d->n_setting_axes;
}

static uint32_t settings_in(const struct design *d, uint32_t group)
{
    return d->n_setting_axes && d->axes[d->first_setting].group == group ? d->n_setting_axes : 0;
}

static void print_settings(const struct design *d, FILE *out)
{
    const struct axis *label = &d->axes[d->first_setting];
    fputs(d->n_setting_axes ? "  settings:\n" : "", out);
    for (uint32_t i = 0; d->n_setting_axes && i < label->n; i++) {
        fprintf(out, "    %s: {", cfg_quote(label->values[i].text, d->arena));
        for (uint32_t k = 1; k < d->n_setting_axes; k++)
            fprintf(out, "%s%s: %s", k > 1 ? ", " : "", label[k].key, cfg_quote(label[k].values[i].text, d->arena));
        fputs("}\n", out);
    }
}

static void print_zip(const struct design *d, FILE *out)
{
    bool any = false;
    for (uint32_t g = 0; g < d->n_groups; g++) {
        uint32_t members = 0;
        for (uint32_t i = 0; i < d->n_axes; i++)
            members += d->axes[i].group == g;
        if (members < 2 || members == settings_in(d, g))
            continue;
        fputs(any ? ", [" : "  zip: [[", out);
        any = true;
        for (uint32_t i = 0, n = 0; i < d->n_axes; i++)
            if (d->axes[i].group == g && !is_setting_key(d, i))
                fprintf(out, "%s%s", n++ ? ", " : "", d->axes[i].key);
        fputc(']', out);
    }
    fputs(any ? "]\n" : "", out);
}

static void print_set(const struct design *d, FILE *out)
{
    fputs(d->n_set ? "  set:\n" : "", out);
    for (uint32_t i = 0; i < d->n_set; i++) {
        const char *equals = strchr(d->set[i], '=');
        fprintf(out, "    %.*s: %s\n", (int)(equals - d->set[i]), d->set[i], cfg_quote(equals + 1, d->arena));
    }
}

char *design_text(const struct design *d)
{
    char *text = NULL;
    size_t size;
    const char *slash = strrchr(d->path, '/');
    FILE *out = checked_alloc(open_memstream(&text, &size));
    fprintf(out, "sweep:\n  scenario: %s\n", cfg_quote(slash ? slash + 1 : d->path, d->arena));
    print_set(d, out);
    print_settings(d, out);
    fputs(d->n_axes > d->n_setting_axes ? "  axes:\n" : "", out);
    for (uint32_t i = 0; i < d->n_axes; i++) {
        if (d->n_setting_axes && (i == d->first_setting || is_setting_key(d, i)))
            continue;
        fprintf(out, "    %s: ", d->axes[i].key);
        axis_print(&d->axes[i], d->arena, out);
        fputc('\n', out);
    }
    print_zip(d, out);
    if (d->where)
        fprintf(out, "  where: %s\n", cfg_quote(d->where, d->arena));
    if (d->method != SAMPLE_GRID)
        fprintf(out, "  sample: {method: %s, points: %u, seed: %llu}\n", sample_method_names[d->method], d->n_samples,
                (unsigned long long)d->sample_seed);
    for (uint32_t i = 0; i < d->seeds.n; i++)
        fprintf(out, "%s%s%s", i ? ", " : "  seeds: \"", d->seeds.values[i].text, i + 1 < d->seeds.n ? "" : "\"\n");
    if (fclose(out))
        out_of_memory();
    return checked_alloc(text);
}
