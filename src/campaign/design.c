/* Designs of sweeps, read from YAML and from the command line. */
#include "campaign/design.h"

#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/yaml_doc.h"
#include "io/scenario.h"
#include "base/cfg_rows.h"

/* --- the section's scalars ------------------------------------------------------------------------------------ */

struct section {
    const char *scenario, *where, *seeds;
    struct {
        int method;
        int64_t points, seed;
    } sample;
    struct design_search search;
};

static const struct cfg_field sample_fields[] = {
    {.name = "method",
     .type = CFG_ENUM,
     .offset = offsetof(struct section, sample.method) - offsetof(struct section, sample),
     .dflt = "grid",
     .choices = sample_method_names,
     .doc = "grid: all combinations; or how settings are drawn"},
    {.name = "points",
     .type = CFG_INT,
     .offset = offsetof(struct section, sample.points) - offsetof(struct section, sample),
     .dflt = "0",
     .min = 0,
     .max = 1e9,
     .doc = "how many settings; of morris trajectories, of saltelli base samples"},
    {.name = "seed",
     .type = CFG_INT,
     .offset = offsetof(struct section, sample.seed) - offsetof(struct section, sample),
     .dflt = "1",
     .min = 0,
     .max = 9007199254740991,
     .doc = "of the drawing (lhs, morris)"},
    {0}};

static const struct cfg_table sample_table = {"sample", "How settings are drawn", sizeof((struct section *)0)->sample,
                                              sample_fields};

static const struct cfg_field search_fields[] = {
    ROW_TEXT(design_search, "minimize", minimize, "", "metrics that should be small, with commas"),
    ROW_TEXT(design_search, "maximize", maximize, "", "metrics that should be large, with commas"),
    ROW_TEXT(design_search, "where", where, "", "what must hold of the result: 'tpot <= 50 ms and memory fits'"),
    ROW_COUNT(design_search, "top", top, "5", 1, 1000, "how many of the best"),
    {0}};

static const struct cfg_table search_table = {"search", "What 'moesim search' looks for", sizeof(struct design_search),
                                              search_fields};

static const struct cfg_field section_fields[] = {
    ROW_TEXT(section, "scenario", scenario, "",
             "the scenario that is swept, when its keys are not beside this section"),
    ROW_TEXT(section, "where", where, "", "only settings for which this holds: SQL over the axes' values"),
    ROW_TEXT(section, "seeds", seeds, "", "repeat each setting: a number of seeds, or a list of them"),
    ROW_PART(section, "sample", sample, sample_table, "how settings are drawn"),
    ROW_PART(section, "search", search, search_table, "what 'moesim search' looks for"),
    {0}};

static const struct cfg_table section_table = {"sweep", "A sweep", sizeof(struct section), section_fields};

/* --- building ---------------------------------------------------------------------------------------------------- */

struct builder {
    struct design *d;
    struct cfg *known; /* of a scenario: knows all keys */
    struct arena *arena;
    struct diag *diag;
    const char *axis_name; /* of the option: "--axis" */
    uint32_t axes_cap;
    bool from_result; /* the scenario need not be there any more */
    bool broken;      /* an axis is not there because it was wrong: no more is said about it */
};

static struct srcloc option_place(const char *option, size_t offset)
{
    int column = 1;
    for (size_t i = 0; i < offset; i++)
        column += ((unsigned char)option[i] & 0xc0) != 0x80;
    return (struct srcloc){.file = option, .text = option, .text_len = strlen(option), .column = column};
}

static struct axis *find_axis(struct design *d, const char *key)
{
    for (uint32_t i = 0; i < d->n_axes; i++)
        if (!strcmp(d->axes[i].key, key))
            return &d->axes[i];
    return NULL;
}

static struct axis *room_for_axis(struct builder *b)
{
    struct design *d = b->d;
    if (d->n_axes == b->axes_cap) {
        b->axes_cap = b->axes_cap ? 2 * b->axes_cap : 8;
        struct axis *grown = ARENA_ARRAY(b->arena, struct axis, b->axes_cap);
        if (d->n_axes)
            memcpy(grown, d->axes, d->n_axes * sizeof *grown);
        d->axes = grown;
    }
    return &d->axes[d->n_axes++];
}

/* The axis of a key, empty; NULL with the reason told. */
static struct axis *new_axis(struct builder *b, const char *key, struct srcloc where)
{
    struct design *d = b->d;
    const struct cfg_field *field = cfg_leaf(b->known, key, where, b->diag);
    if (!field) {
        b->broken = true;
        return NULL;
    }
    struct axis *axis = find_axis(d, key);
    if (!axis)
        axis = room_for_axis(b);
    *axis = (struct axis){.key = arena_strdup(b->arena, key), .field = field, .where = where};
    return axis;
}

static void read_axis(struct builder *b, struct axis *axis, const char *spec, struct srcloc where)
{
    if (axis_parse(axis, spec, where, b->arena, b->diag))
        b->broken = true;
}

/* "5" is seeds 1 to 5. */
static void read_seeds(struct builder *b, const char *spec, struct srcloc where)
{
    size_t digits = strspn(spec, "0123456789");
    struct axis *axis = &b->d->seeds;
    *axis = (struct axis){.key = "sim.seed", .field = cfg_leaf(b->known, "sim.seed", where, b->diag)};
    if (digits && !spec[digits] && strspn(spec, "0") == digits) {
        diag_error(b->diag, EXIT_BAD_INPUT, where, "how many seeds? write for example '5', or a list: '3, 5, 7'");
        b->broken = true;
        return;
    }
    if (digits && !spec[digits])
        spec = !strcmp(spec, "1") ? "1" : arena_printf(b->arena, "1..%s", spec);
    read_axis(b, axis, spec, where);
    if (axis->n && axes_check_group(axis, 1, axis, b->diag))
        b->broken = true;
    if (!axis->n && !b->broken) {
        diag_error(b->diag, EXIT_BAD_INPUT, where, "seeds is a number or a list of seeds; write for example '5'");
        b->broken = true;
    }
}

static void join(struct builder *b, struct axis *first, struct axis *other)
{
    uint32_t from = other->group;
    for (uint32_t i = 0; i < b->d->n_axes; i++)
        if (b->d->axes[i].group == from)
            b->d->axes[i].group = first->group;
}

/* The only axis whose key ends so, as in filters: "bandwidth"; NULL when there is none, or several. */
static struct axis *axis_that_ends(struct design *d, const char *end)
{
    struct axis *found = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_axes; i++) {
        size_t all = strlen(d->axes[i].key), part = strlen(end);
        if (part && all > part && d->axes[i].key[all - part - 1] == '.' && !strcmp(d->axes[i].key + all - part, end)) {
            found = &d->axes[i];
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

static struct axis *zipped(struct builder *b, const char *key, struct srcloc where)
{
    struct axis *axis = find_axis(b->d, key);
    if (!axis)
        axis = axis_that_ends(b->d, key);
    const char **names = ARENA_ARRAY(b->arena, const char *, b->d->n_axes + 1);
    for (uint32_t i = 0; i < b->d->n_axes; i++)
        names[i] = b->d->axes[i].key;
    const char *near = axis ? NULL : cfg_nearest(key, names);
    if (!axis && !b->broken)
        diag_error(b->diag, EXIT_BAD_INPUT, where, "zip: '%s' is no axis%s%s%s", key, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
    return axis;
}

static void zip_pair(struct builder *b, struct axis *first, const char *key, struct srcloc where)
{
    struct axis *axis = zipped(b, key, where);
    if (!axis || !first)
        return;
    if (axis->n != first->n && b->d->method == SAMPLE_GRID)
        diag_error(b->diag, EXIT_BAD_INPUT, where, "zip: '%s' has %u values and '%s' %u", first->key, first->n,
                   axis->key, axis->n);
    join(b, first, axis);
}

/* --- YAML --------------------------------------------------------------------------------------------------------- */

struct file {
    struct yaml_doc doc;
    const struct yaml_node *sweep; /* NULL: the file has no such section */
    struct section section;
};

static struct srcloc at(const struct file *f, const struct yaml_node *n)
{
    return yaml_doc_where(&f->doc, n);
}

static void wrong_node(struct builder *b, const struct file *f, const struct yaml_node *n, const char *wanted)
{
    diag_error(b->diag, EXIT_BAD_INPUT, at(f, n), "this is %s; write %s", yaml_kind_name(n), wanted);
    b->broken = true;
}

/* The first child under a key of the section; NULL when it is not there or, which is told, of another kind. */
static const struct yaml_node *first_under(struct builder *b, const struct file *f, const char *key,
                                           enum yaml_kind kind, const char *wanted)
{
    const struct yaml_node *n = yaml_get(f->sweep, key);
    if (!n || n->kind == kind)
        return n ? n->first : NULL;
    wrong_node(b, f, n, wanted);
    return NULL;
}

static void yaml_axis(struct builder *b, const struct file *f, const struct yaml_node *n)
{
    struct axis *axis = new_axis(b, n->key->text, at(f, n->key));
    if (!axis)
        return;
    if (n->kind == YAML_DOC_SCALAR) {
        struct srcloc where = at(f, n);
        if (!n->plain) /* escapes: the text's places are not the file's */
            where.column += 1;
        read_axis(b, axis, n->text, where);
        return;
    }
    if (n->kind != YAML_DOC_SEQUENCE || !n->first) {
        wrong_node(b, f, n, "a list of values or a range, for example [1, 2, 4] or 1..8");
        return;
    }
    axis->where = at(f, n);
    for (const struct yaml_node *item = n->first; item; item = item->next)
        if (item->kind != YAML_DOC_SCALAR)
            wrong_node(b, f, item, "a single value");
        else if (axis_append(axis, item->text, at(f, item), b->arena, b->diag))
            b->broken = true;
}

static void yaml_axes(struct builder *b, const struct file *f)
{
    const struct yaml_node *n =
        first_under(b, f, "axes", YAML_DOC_MAPPING, "keys with their values, for example 'cluster.nodes: [8, 16]'");
    for (; n; n = n->next) {
        if (find_axis(b->d, n->key->text))
            diag_error(b->diag, EXIT_BAD_INPUT, at(f, n->key), "axis '%s' is there twice", n->key->text);
        yaml_axis(b, f, n);
    }
}

static void yaml_zip(struct builder *b, const struct file *f)
{
    const struct yaml_node *n = first_under(b, f, "zip", YAML_DOC_SEQUENCE,
                                            "a list of lists of axes, for example [[cluster.nodes, tpot.copies]]");
    for (; n; n = n->next) {
        struct axis *first = NULL;
        if (n->kind != YAML_DOC_SEQUENCE) {
            wrong_node(b, f, n, "a list of axes, for example [cluster.nodes, tpot.copies]");
            continue;
        }
        for (const struct yaml_node *key = n->first; key; key = key->next) {
            if (key->kind != YAML_DOC_SCALAR)
                wrong_node(b, f, key, "an axis");
            else if (!first)
                first = zipped(b, key->text, at(f, key));
            else
                zip_pair(b, first, key->text, at(f, key));
        }
    }
}

/* --- named settings ----------------------------------------------------------------------------------------------- */

static const struct cfg_field label_field = {
    .name = DESIGN_LABEL, .type = CFG_STRING, .dflt = "", .doc = "the setting's name (sweep.settings)"};

/* An axis without a key: what a combination is called. */
static struct axis *label_axis(struct builder *b, struct srcloc where)
{
    struct axis *axis = room_for_axis(b);
    *axis = (struct axis){.key = DESIGN_LABEL, .field = &label_field, .where = where};
    return axis;
}

/* One value of one setting. Every setting has the keys of the first. */
static void setting_value(struct builder *b, const struct file *f, const struct yaml_node *n, uint32_t at_setting)
{
    struct axis *axis = find_axis(b->d, n->key->text);
    if (at_setting == 0 && axis)
        diag_error(b->diag, EXIT_BAD_INPUT, at(f, n->key), "'%s' is an axis already", n->key->text);
    else if (at_setting == 0)
        axis = new_axis(b, n->key->text, at(f, n->key));
    else if (!axis || axis->n != at_setting)
        diag_error(b->diag, EXIT_BAD_INPUT, at(f, n->key),
                   "the first setting has no '%s'; settings are values of the same keys", n->key->text);
    if (n->kind != YAML_DOC_SCALAR)
        wrong_node(b, f, n, "a single value");
    else if (axis && !diag_failed(b->diag) && axis_append(axis, n->text, at(f, n), b->arena, b->diag))
        b->broken = true;
}

static void check_setting(struct builder *b, const struct file *f, const struct yaml_node *setting, uint32_t first_axis,
                          uint32_t n)
{
    for (uint32_t i = first_axis; i < b->d->n_axes && !diag_failed(b->diag); i++)
        if (b->d->axes[i].n != n)
            diag_error(b->diag, EXIT_BAD_INPUT, at(f, setting->key), "setting '%s' has no '%s', as the first one has",
                       setting->key->text, b->d->axes[i].key);
}

/* sweep.settings: a name for each combination of values; axes that go together, the name one of them. */
static void yaml_settings(struct builder *b, const struct file *f)
{
    static const char wanted[] =
        "names with their keys, for example 'small: {cluster.nodes: 8, inference.decode.batch: 32}'";
    const struct yaml_node *n = first_under(b, f, "settings", YAML_DOC_MAPPING, wanted);
    uint32_t first_axis = b->d->n_axes, n_settings = 0;
    if (n)
        label_axis(b, at(f, yaml_get(f->sweep, "settings")));
    for (; n && !diag_failed(b->diag); n = n->next) {
        if (n->kind != YAML_DOC_MAPPING || !n->first)
            wrong_node(b, f, n, "keys with their values, for example {cluster.nodes: 8}");
        else if (axis_append(&b->d->axes[first_axis], n->key->text, at(f, n->key), b->arena, b->diag))
            b->broken = true;
        for (const struct yaml_node *v = n->kind == YAML_DOC_MAPPING ? n->first : NULL; v; v = v->next)
            setting_value(b, f, v, n_settings);
        check_setting(b, f, n, first_axis, ++n_settings);
    }
    b->d->first_setting = first_axis;
    b->d->n_setting_axes = b->d->n_axes - first_axis;
}

static void add_set(struct builder *b, const char *assignment)
{
    struct design *d = b->d;
    const char **grown = ARENA_ARRAY(b->arena, const char *, d->n_set + 2);
    if (d->n_set)
        memcpy(grown, d->set, d->n_set * sizeof *grown);
    grown[d->n_set++] = assignment;
    d->set = grown;
}

static void yaml_set(struct builder *b, const struct file *f)
{
    const struct yaml_node *n =
        first_under(b, f, "set", YAML_DOC_MAPPING, "keys with their values, for example 'sim.network: bound'");
    for (; n; n = n->next) {
        struct cfg_value v;
        char why[512];
        const struct cfg_field *field = cfg_leaf(b->known, n->key->text, at(f, n->key), b->diag);
        if (n->kind != YAML_DOC_SCALAR)
            wrong_node(b, f, n, "a single value");
        else if (field && cfg_value_read(field, n->text, &v, b->arena, why, sizeof why))
            diag_error(b->diag, EXIT_BAD_INPUT, at(f, n), "%s: %s", n->key->text, why);
        else if (field)
            add_set(b, arena_printf(b->arena, "%s=%s", n->key->text, n->text));
    }
}

/* A file of its own for a sweep holds nothing but the sweep. */
static void yaml_scenario(struct builder *b, const struct file *f, const char *path)
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
        diag_error(b->diag, EXIT_IO, at(f, yaml_get(f->sweep, "scenario")), "there is no file '%s'", name);
    for (const struct yaml_node *n = f->doc.root->first; n; n = n->next)
        if (n != f->sweep)
            diag_error(b->diag, EXIT_BAD_INPUT, at(f, n->key),
                       "'%s' stands beside a sweep of another file (sweep.scenario); put it in 'sweep.set' or in "
                       "that file",
                       n->key->text);
}

static void yaml_section(struct builder *b, struct file *f, const char *path)
{
    static const char *const own[] = {"axes", "zip", "set", "settings", NULL};
    struct cfg *cfg = cfg_new(&section_table, b->arena);
    cfg_load_node(cfg, &f->doc, f->sweep, own, b->diag);
    f->section = *(struct section *)cfg_struct(cfg);
    yaml_scenario(b, f, path);
    yaml_set(b, f);
    yaml_settings(b, f);
    yaml_axes(b, f);
    if (*f->section.seeds)
        read_seeds(b, f->section.seeds, at(f, yaml_get(f->sweep, "seeds")));
    if (*f->section.where) {
        b->d->where = f->section.where;
        b->d->where_at = cfg_where(cfg, "where");
    }
    b->d->method = (enum sample_method)f->section.sample.method;
    b->d->n_samples = (uint32_t)f->section.sample.points;
    b->d->sample_seed = (uint64_t)f->section.sample.seed;
    b->d->search = f->section.search;
}

/* --- command line ---------------------------------------------------------------------------------------------------- */

/* An option's text has the characters that a file may have. */
static bool is_text(struct builder *b, const char *option)
{
    const char *what, *bad = yaml_bad_byte(option, strlen(option), &what);
    if (bad)
        diag_error(b->diag, EXIT_BAD_INPUT, option_place(option, (size_t)(bad - option)), "%s", what);
    return !bad;
}

static void option_axis(struct builder *b, const char *text)
{
    const char *prefix = arena_printf(b->arena, "%s ", b->axis_name), *equals = strchr(text, '=');
    const char *option = arena_printf(b->arena, "%s%s", prefix, text);
    if (!is_text(b, option)) {
        b->broken = true;
        return;
    }
    if (!equals || equals == text) {
        diag_error(b->diag, EXIT_USAGE, option_place(option, strlen(prefix)),
                   "%s wants KEY=VALUES; write for example %scluster.nodes='8, 16, 32'", b->axis_name, prefix);
        b->broken = true;
        return;
    }
    size_t n = (size_t)(equals - text);
    const char *key = arena_printf(b->arena, "%.*s", (int)n, text);
    struct axis *axis = new_axis(b, key, option_place(option, strlen(prefix)));
    if (axis)
        read_axis(b, axis, option + strlen(prefix) + n + 1, option_place(option, strlen(prefix) + n + 1));
}

static void option_zip(struct builder *b, const char *text)
{
    static const char prefix[] = "--zip ";
    const char *option = arena_printf(b->arena, "%s%s", prefix, text);
    struct axis *first = NULL;
    for (size_t i = strlen(prefix); option[i];) {
        size_t n = strcspn(option + i, ",");
        const char *key = arena_printf(b->arena, "%.*s", (int)n, option + i);
        struct srcloc where = option_place(option, i);
        if (!first)
            first = zipped(b, key, where);
        else
            zip_pair(b, first, key, where);
        i += n + (option[i + n] == ',');
    }
}

static void option_sample(struct builder *b, const char *text)
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
        diag_error(b->diag, EXIT_USAGE, option_place(option, strlen("--sample ")),
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
static void check_twice(struct builder *b, const struct design_options *o)
{
    for (const char *const *a = o->axes; a && *a; a++)
        for (const char *const *other = o->axes; other < a; other++)
            if (same_key(*a, *other)) {
                const char *option = arena_printf(b->arena, "%s %s", b->axis_name, *a);
                diag_error(b->diag, EXIT_USAGE, option_place(option, strlen(b->axis_name) + 1),
                           "this key has an axis already; write all of its values in one, for example %s %s,%s",
                           b->axis_name, *other, *a + strcspn(*a, "=") + 1);
                b->broken = true;
            }
    for (const char *const *set = o->set; set && *set; set++)
        for (uint32_t i = 0; i < b->d->n_axes; i++)
            if (same_key(*set, b->d->axes[i].key)) {
                const char *option = arena_printf(b->arena, "-s %s", *set);
                diag_error(
                    b->diag, EXIT_USAGE, option_place(option, strlen("-s ")),
                    "this key is an axis, whose values would take the place of this one; leave one of them out%s%s%s",
                    o->axes && *o->axes ? "" : ", or write ", o->axes && *o->axes ? "" : b->axis_name,
                    o->axes && *o->axes ? "" : " instead of -s to replace the file's axis");
            }
}

static void take_options(struct builder *b, const struct design_options *o)
{
    for (const char *const *s = o->set; s && *s; s++)
        if (cfg_override(b->known, *s, b->diag) == 0)
            add_set(b, *s);
    for (const char *const *a = o->axes; a && *a; a++)
        option_axis(b, *a);
    check_twice(b, o);
    if (o->sample)
        option_sample(b, o->sample);
    if (o->where) {
        const char *option = arena_printf(b->arena, "--where %s", o->where);
        is_text(b, option);
        b->d->where = o->where;
        b->d->where_at = option_place(option, strlen("--where "));
    }
    if (o->seeds) {
        const char *option = arena_printf(b->arena, "--seeds %s", o->seeds);
        read_seeds(b, option + strlen("--seeds "), option_place(option, strlen("--seeds ")));
    }
}

/* --- checks ------------------------------------------------------------------------------------------------------------ */

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

static int finish(struct builder *b, struct srcloc where)
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

static void group_axes(struct builder *b)
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

static int build(struct builder *b, struct file *f, const char *path, const struct design_options *o)
{
    f->sweep = yaml_get(f->doc.root, "sweep");
    b->d->path = b->d->file = path;
    if (f->sweep && f->sweep->kind != YAML_DOC_MAPPING)
        wrong_node(b, f, f->sweep, "keys, for example 'axes: ...'");
    else if (f->sweep)
        yaml_section(b, f, path);
    if (o)
        take_options(b, o);
    group_axes(b);
    if (f->sweep && f->sweep->kind == YAML_DOC_MAPPING)
        yaml_zip(b, f);
    for (const char *const *z = o ? o->zip : NULL; z && *z; z++)
        option_zip(b, *z);
    return finish(b, f->sweep ? at(f, f->sweep->key) : SRCLOC_NONE);
}

static struct builder builder_new(const struct design_options *options, struct design *out, struct arena *arena,
                                  struct diag *diag)
{
    *out = (struct design){.arena = arena, .sample_seed = 1};
    return (struct builder){.d = out,
                            .known = cfg_new(scenario_table(), arena),
                            .arena = arena,
                            .diag = diag,
                            .axis_name = options && options->axis_name ? options->axis_name : "--axis"};
}

int design_load(const char *path, const struct design_options *options, struct arena *arena, struct design *out,
                struct diag *diag)
{
    struct builder b = builder_new(options, out, arena, diag);
    struct file f = {0};
    path = data_given(path, arena);
    if (yaml_doc_read(&f.doc, path, arena, diag))
        return -1;
    return build(&b, &f, path, options);
}

int design_parse(const char *text, const char *name, const struct design_options *options, struct arena *arena,
                 struct design *out, struct diag *diag)
{
    struct builder b = builder_new(options, out, arena, diag);
    struct file f = {0};
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

/* --- the design as text --------------------------------------------------------------------------------------------------- */

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
