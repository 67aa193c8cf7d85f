/* Designs of sweeps, read from YAML and from the command line. */
#include "campaign/design_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/yaml_doc.h"
#include "io/scenario.h"

/* Whether the axis is the first of its group. */
static bool is_first(const struct design *d, uint32_t axis)
{
    for (uint32_t i = 0; i < axis; i++)
        if (d->axes[i].group == d->axes[axis].group)
            return false;
    return true;
}

static void check_axes(const struct design *d, struct diag *diag)
{
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const struct axis *a = &d->axes[i];
        if (a->values && is_first(d, i))
            axes_check_group(d->axes, d->n_axes, a, diag);
        if (!a->values && d->method == SAMPLE_GRID)
            diag_error(diag, EXIT_BAD_INPUT, a->where,
                       "%s: which values? write for example '%s lin 5'; a sweep may draw them with --sample sobol:64",
                       a->key, a->spec);
        if (d->seeds.n && !strcmp(a->key, "sim.seed"))
            diag_error(diag, EXIT_BAD_INPUT, a->where,
                       "sim.seed is an axis and there are seeds; leave one of them out");
    }
}

static void check_sample(const struct design *d, struct diag *diag)
{
    uint32_t most = sample_max_dimensions(d->method);
    struct srcloc where = d->axes[0].where;
    const char *name = sample_method_names[d->method];
    if (d->method == SAMPLE_GRID)
        return;
    if (!d->n_samples)
        diag_error(diag, EXIT_BAD_INPUT, where, "how many points? write for example 'sample: {method: %s, points: 64}'",
                   name);
    if (most && d->n_groups > most)
        diag_error(diag, EXIT_BAD_INPUT, where, "%s has at most %u axes, not %u", name, most, d->n_groups);
    if (d->where && d->method >= SAMPLE_MORRIS)
        diag_error(diag, EXIT_BAD_INPUT, d->where_at, "%s needs all of its points; leave the filter out", name);
}

/* Groups are numbered in the order of their first axis. */
static void number_groups(struct design *d)
{
    uint32_t *number = ARENA_ARRAY(d->arena, uint32_t, d->n_axes + 1);
    d->n_groups = 0;
    for (uint32_t i = 0; i < d->n_axes; i++) {
        uint32_t group = d->axes[i].group; /* the index of an axis in it */
        if (!number[group])
            number[group] = ++d->n_groups;
        d->axes[i].group = number[group] - 1;
    }
}

static int finish(struct design_builder *b, struct srcloc where)
{
    struct design *d = b->d;
    number_groups(d);
    if (!d->n_axes && !d->seeds.n && !b->broken)
        diag_error(b->diag, EXIT_USAGE, where,
                   "there is no axis; write for example %s cluster.nic.bandwidth='100..800 Gb/s by 100'", b->axis_name);
    if (d->method != SAMPLE_GRID && !d->n_axes && !b->broken)
        diag_error(b->diag, EXIT_BAD_INPUT, where, "there is no axis to sample");
    if (b->broken || diag_failed(b->diag) || !d->n_axes)
        return diag_failed(b->diag) ? -1 : 0;
    check_axes(d, b->diag);
    check_sample(d, b->diag);
    return diag_failed(b->diag) ? -1 : 0;
}

static void group_axes(struct design_builder *b)
{
    const struct design *d = b->d;
    for (uint32_t i = 0; i < d->n_axes; i++)
        d->axes[i].group = i >= d->first_setting && i < d->first_setting + d->n_setting_axes ? d->first_setting : i;
    if (d->n_setting_axes && axes_check_group(&d->axes[d->first_setting], 1, &d->axes[d->first_setting], b->diag))
        b->broken = true;
    for (uint32_t i = 0; i < d->n_setting_axes; i++) {
        const struct axis *a = &d->axes[d->first_setting + i], *label = &d->axes[d->first_setting];
        if (a->n != label->n)
            diag_error(b->diag, EXIT_BAD_INPUT, a->where,
                       "'%s' belongs to the file's settings, of which there are %u; write as many values, not %u",
                       a->key, label->n, a->n);
    }
}

static int build(struct design_builder *b, struct design_file *f, const char *path, const struct design_options *o)
{
    f->sweep = yaml_get(f->doc.root, "sweep");
    b->d->path = b->d->file = path;
    if (f->sweep && f->sweep->kind != YAML_DOC_MAPPING)
        design_wrong_node(b, f, f->sweep, "keys, for example 'axes: ...'");
    else if (f->sweep)
        design_yaml_section(b, f, path);
    if (o)
        design_take_options(b, o);
    group_axes(b);
    if (f->sweep && f->sweep->kind == YAML_DOC_MAPPING)
        design_yaml_zip(b, f);
    for (const char *const *z = o ? o->zip : NULL; z && *z; z++)
        design_option_zip(b, *z);
    return finish(b, f->sweep ? design_at(f, f->sweep->key) : SRCLOC_NONE);
}

static struct design_builder builder_new(const struct design_options *options, struct design *out, struct arena *arena,
                                         struct diag *diag)
{
    *out = (struct design){.arena = arena, .sample_seed = 1};
    return (struct design_builder){.d = out,
                                   .known = cfg_new(scenario_table(), arena),
                                   .arena = arena,
                                   .diag = diag,
                                   .axis_name = options && options->axis_name ? options->axis_name : "--axis"};
}

int design_load(const char *path, const struct design_options *options, struct arena *arena, struct design *out,
                struct diag *diag)
{
    struct design_builder b = builder_new(options, out, arena, diag);
    struct design_file f = {0};
    path = data_given(path, arena);
    if (yaml_doc_read(&f.doc, path, arena, diag))
        return -1;
    return build(&b, &f, path, options);
}

int design_parse(const char *text, const char *name, const struct design_options *options, struct arena *arena,
                 struct design *out, struct diag *diag)
{
    struct design_builder b = builder_new(options, out, arena, diag);
    struct design_file f = {0};
    b.from_result = true;
    if (yaml_doc_parse(&f.doc, text, strlen(text), name, arena, diag))
        return -1;
    return build(&b, &f, name, options);
}

bool design_is_in(const char *path, struct arena *arena)
{
    struct yaml_doc doc;
    struct diag *ignored = diag_new();
    bool is = !yaml_doc_read(&doc, data_given(path, arena), arena, ignored) && yaml_get(doc.root, "sweep");
    diag_free(ignored);
    return is;
}
