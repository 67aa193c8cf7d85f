/* A section `sweep:` of a file. */
#include "campaign/design_priv.h"

#include <string.h>

#include "base/cfg_rows.h"
#include "base/data_find.h"
#include "base/yaml_doc.h"

static const struct cfg_field sample_fields[] = {
    {.name = "method",
     .type = CFG_ENUM,
     .offset = offsetof(struct design_section, sample.method) - offsetof(struct design_section, sample),
     .dflt = "grid",
     .choices = sample_method_names,
     .doc = "grid: all combinations; or how settings are drawn"},
    {.name = "points",
     .type = CFG_INT,
     .offset = offsetof(struct design_section, sample.points) - offsetof(struct design_section, sample),
     .dflt = "0",
     .min = 0,
     .max = 1e9,
     .doc = "how many settings; of morris trajectories, of saltelli base samples"},
    {.name = "seed",
     .type = CFG_INT,
     .offset = offsetof(struct design_section, sample.seed) - offsetof(struct design_section, sample),
     .dflt = "1",
     .min = 0,
     .max = 9007199254740991,
     .doc = "of the drawing (lhs, morris)"},
    {0}};

static const struct cfg_table sample_table = {"sample", "How settings are drawn",
                                              sizeof((struct design_section *)0)->sample, sample_fields};

static const struct cfg_field search_fields[] = {
    ROW_TEXT(design_search, "minimize", minimize, "", "metrics that should be small, with commas"),
    ROW_TEXT(design_search, "maximize", maximize, "", "metrics that should be large, with commas"),
    ROW_TEXT(design_search, "where", where, "", "what must hold of the result: 'tpot <= 50 ms and memory fits'"),
    ROW_COUNT(design_search, "top", top, "5", 1, 1000, "how many of the best"),
    {0}};

static const struct cfg_table search_table = {"search", "What 'moesim search' looks for", sizeof(struct design_search),
                                              search_fields};

static const struct cfg_field section_fields[] = {
    ROW_TEXT(design_section, "scenario", scenario, "",
             "the scenario that is swept, when its keys are not beside this section"),
    ROW_TEXT(design_section, "where", where, "", "only settings for which this holds: SQL over the axes' values"),
    ROW_TEXT(design_section, "seeds", seeds, "", "repeat each setting: a number of seeds, or a list of them"),
    ROW_PART(design_section, "sample", sample, sample_table, "how settings are drawn"),
    ROW_PART(design_section, "search", search, search_table, "what 'moesim search' looks for"),
    {0}};

static const struct cfg_table section_table = {"sweep", "A sweep", sizeof(struct design_section), section_fields};

struct srcloc design_at(const struct design_file *f, const struct yaml_node *n)
{
    return yaml_doc_where(&f->doc, n);
}

void design_wrong_node(struct design_builder *b, const struct design_file *f, const struct yaml_node *n,
                       const char *wanted)
{
    diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n), "this is %s; write %s", yaml_kind_name(n), wanted);
    b->broken = true;
}

/* The first child under a key of the section; NULL when it is not there or, which is told, of another kind. */
static const struct yaml_node *first_under(struct design_builder *b, const struct design_file *f, const char *key,
                                           enum yaml_kind kind, const char *wanted)
{
    const struct yaml_node *n = yaml_get(f->sweep, key);
    if (!n || n->kind == kind)
        return n ? n->first : NULL;
    design_wrong_node(b, f, n, wanted);
    return NULL;
}

static void yaml_axis(struct design_builder *b, const struct design_file *f, const struct yaml_node *n)
{
    struct axis *axis = design_new_axis(b, n->key->text, design_at(f, n->key));
    if (!axis)
        return;
    if (n->kind == YAML_DOC_SCALAR) {
        struct srcloc where = design_at(f, n);
        if (!n->plain) /* escapes: the text's places are not the file's */
            where.column += 1;
        design_read_axis(b, axis, n->text, where);
        return;
    }
    if (n->kind != YAML_DOC_SEQUENCE || !n->first) {
        design_wrong_node(b, f, n, "a list of values or a range, for example [1, 2, 4] or 1..8");
        return;
    }
    axis->where = design_at(f, n);
    for (const struct yaml_node *item = n->first; item; item = item->next)
        if (item->kind != YAML_DOC_SCALAR)
            design_wrong_node(b, f, item, "a single value");
        else if (axis_append(axis, item->text, design_at(f, item), b->arena, b->diag))
            b->broken = true;
}

static void yaml_axes(struct design_builder *b, const struct design_file *f)
{
    const struct yaml_node *n =
        first_under(b, f, "axes", YAML_DOC_MAPPING, "keys with their values, for example 'cluster.nodes: [8, 16]'");
    for (; n; n = n->next) {
        if (design_find_axis(b->d, n->key->text))
            diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n->key), "axis '%s' is there twice", n->key->text);
        yaml_axis(b, f, n);
    }
}

void design_yaml_zip(struct design_builder *b, const struct design_file *f)
{
    const struct yaml_node *n = first_under(b, f, "zip", YAML_DOC_SEQUENCE,
                                            "a list of lists of axes, for example [[cluster.nodes, tpot.copies]]");
    for (; n; n = n->next) {
        struct axis *first = NULL;
        if (n->kind != YAML_DOC_SEQUENCE) {
            design_wrong_node(b, f, n, "a list of axes, for example [cluster.nodes, tpot.copies]");
            continue;
        }
        for (const struct yaml_node *key = n->first; key; key = key->next) {
            if (key->kind != YAML_DOC_SCALAR)
                design_wrong_node(b, f, key, "an axis");
            else if (!first)
                first = design_zipped(b, key->text, design_at(f, key));
            else
                design_zip_pair(b, first, key->text, design_at(f, key));
        }
    }
}

/* --- named settings ----------------------------------------------------------------------------------------------- */

/* One value of one setting. Every setting has the keys of the first. */
static void setting_value(struct design_builder *b, const struct design_file *f, const struct yaml_node *n,
                          uint32_t at_setting)
{
    struct axis *axis = design_find_axis(b->d, n->key->text);
    if (at_setting == 0 && axis)
        diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n->key), "'%s' is an axis already", n->key->text);
    else if (at_setting == 0)
        axis = design_new_axis(b, n->key->text, design_at(f, n->key));
    else if (!axis || axis->n != at_setting)
        diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n->key),
                   "the first setting has no '%s'; settings are values of the same keys", n->key->text);
    if (n->kind != YAML_DOC_SCALAR)
        design_wrong_node(b, f, n, "a single value");
    else if (axis && !diag_failed(b->diag) && axis_append(axis, n->text, design_at(f, n), b->arena, b->diag))
        b->broken = true;
}

static void check_setting(struct design_builder *b, const struct design_file *f, const struct yaml_node *setting,
                          uint32_t first_axis, uint32_t n)
{
    for (uint32_t i = first_axis; i < b->d->n_axes && !diag_failed(b->diag); i++)
        if (b->d->axes[i].n != n)
            diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, setting->key),
                       "setting '%s' has no '%s', as the first one has", setting->key->text, b->d->axes[i].key);
}

/* sweep.settings: a name for each combination of values; axes that go together, the name one of them. */
static void yaml_settings(struct design_builder *b, const struct design_file *f)
{
    static const char wanted[] =
        "names with their keys, for example 'small: {cluster.nodes: 8, inference.decode.batch: 32}'";
    const struct yaml_node *n = first_under(b, f, "settings", YAML_DOC_MAPPING, wanted);
    uint32_t first_axis = b->d->n_axes, n_settings = 0;
    if (n)
        design_label_axis(b, design_at(f, yaml_get(f->sweep, "settings")));
    for (; n && !diag_failed(b->diag); n = n->next) {
        if (n->kind != YAML_DOC_MAPPING || !n->first)
            design_wrong_node(b, f, n, "keys with their values, for example {cluster.nodes: 8}");
        else if (axis_append(&b->d->axes[first_axis], n->key->text, design_at(f, n->key), b->arena, b->diag))
            b->broken = true;
        for (const struct yaml_node *v = n->kind == YAML_DOC_MAPPING ? n->first : NULL; v; v = v->next)
            setting_value(b, f, v, n_settings);
        check_setting(b, f, n, first_axis, ++n_settings);
    }
    b->d->first_setting = first_axis;
    b->d->n_setting_axes = b->d->n_axes - first_axis;
}

static void yaml_set(struct design_builder *b, const struct design_file *f)
{
    const struct yaml_node *n =
        first_under(b, f, "set", YAML_DOC_MAPPING, "keys with their values, for example 'sim.network: bound'");
    for (; n; n = n->next) {
        struct cfg_value v;
        char why[512];
        const struct cfg_field *field = cfg_leaf(b->known, n->key->text, design_at(f, n->key), b->diag);
        if (n->kind != YAML_DOC_SCALAR)
            design_wrong_node(b, f, n, "a single value");
        else if (field && cfg_value_read(field, n->text, &v, b->arena, why, sizeof why))
            diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n), "%s: %s", n->key->text, why);
        else if (field)
            design_add_set(b, arena_printf(b->arena, "%s=%s", n->key->text, n->text));
    }
}

/* A file of its own for a sweep holds nothing but the sweep. */
static void yaml_scenario(struct design_builder *b, const struct design_file *f, const char *path)
{
    const char *name = f->section.scenario;
    b->d->path = path;
    if (!*name)
        return;
    if (b->from_result) {
        b->d->path = name;
        return;
    }
    b->d->path = data_find(name, path, b->arena);
    if (!b->d->path)
        diag_error(b->diag, EXIT_IO, design_at(f, yaml_get(f->sweep, "scenario")), "there is no file '%s'", name);
    for (const struct yaml_node *n = f->doc.root->first; n; n = n->next)
        if (n != f->sweep)
            diag_error(b->diag, EXIT_BAD_INPUT, design_at(f, n->key),
                       "'%s' stands beside a sweep of another file (sweep.scenario); put it in 'sweep.set' or in "
                       "that file",
                       n->key->text);
}

void design_yaml_section(struct design_builder *b, struct design_file *f, const char *path)
{
    static const char *const own[] = {"axes", "zip", "set", "settings", NULL};
    struct cfg *cfg = cfg_new(&section_table, b->arena);
    cfg_load_node(cfg, &f->doc, f->sweep, own, b->diag);
    f->section = *(struct design_section *)cfg_struct(cfg);
    yaml_scenario(b, f, path);
    yaml_set(b, f);
    yaml_settings(b, f);
    yaml_axes(b, f);
    if (*f->section.seeds)
        design_read_seeds(b, f->section.seeds, design_at(f, yaml_get(f->sweep, "seeds")));
    if (*f->section.where) {
        b->d->where = f->section.where;
        b->d->where_at = cfg_where(cfg, "where");
    }
    b->d->method = (enum sample_method)f->section.sample.method;
    b->d->n_samples = (uint32_t)f->section.sample.points;
    b->d->sample_seed = (uint64_t)f->section.sample.seed;
    b->d->search = f->section.search;
}
