/* A design as it grows: axes, those that go together, seeds. */
#include "campaign/design_priv.h"

#include <string.h>

struct srcloc design_option_place(const char *option, size_t offset)
{
    int column = 1;
    for (size_t i = 0; i < offset; i++)
        column += ((unsigned char)option[i] & 0xc0) != 0x80;
    return (struct srcloc){.file = option, .text = option, .text_len = strlen(option), .column = column};
}

struct axis *design_find_axis(struct design *d, const char *key)
{
    for (uint32_t i = 0; i < d->n_axes; i++)
        if (!strcmp(d->axes[i].key, key))
            return &d->axes[i];
    return NULL;
}

static struct axis *room_for_axis(struct design_builder *b)
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
struct axis *design_new_axis(struct design_builder *b, const char *key, struct srcloc where)
{
    struct design *d = b->d;
    const struct cfg_field *field = cfg_leaf(b->known, key, where, b->diag);
    if (!field) {
        b->broken = true;
        return NULL;
    }
    struct axis *axis = design_find_axis(d, key);
    if (!axis)
        axis = room_for_axis(b);
    *axis = (struct axis){.key = arena_strdup(b->arena, key), .field = field, .where = where};
    return axis;
}

void design_read_axis(struct design_builder *b, struct axis *axis, const char *spec, struct srcloc where)
{
    if (axis_parse(axis, spec, where, b->arena, b->diag))
        b->broken = true;
}

/* "5" is seeds 1 to 5. */
void design_read_seeds(struct design_builder *b, const char *spec, struct srcloc where)
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
    design_read_axis(b, axis, spec, where);
    if (axis->n && axes_check_group(axis, 1, axis, b->diag))
        b->broken = true;
    if (!axis->n && !b->broken) {
        diag_error(b->diag, EXIT_BAD_INPUT, where, "seeds is a number or a list of seeds; write for example '5'");
        b->broken = true;
    }
}

static void join(struct design_builder *b, struct axis *first, struct axis *other)
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

struct axis *design_zipped(struct design_builder *b, const char *key, struct srcloc where)
{
    struct axis *axis = design_find_axis(b->d, key);
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

void design_zip_pair(struct design_builder *b, struct axis *first, const char *key, struct srcloc where)
{
    struct axis *axis = design_zipped(b, key, where);
    if (!axis || !first)
        return;
    if (axis->n != first->n && b->d->method == SAMPLE_GRID)
        diag_error(b->diag, EXIT_BAD_INPUT, where, "zip: '%s' has %u values and '%s' %u", first->key, first->n,
                   axis->key, axis->n);
    join(b, first, axis);
}

static const struct cfg_field label_field = {
    .name = DESIGN_LABEL, .type = CFG_STRING, .dflt = "", .doc = "the setting's name (sweep.settings)"};

/* An axis without a key: what a combination is called. */
struct axis *design_label_axis(struct design_builder *b, struct srcloc where)
{
    struct axis *axis = room_for_axis(b);
    *axis = (struct axis){.key = DESIGN_LABEL, .field = &label_field, .where = where};
    return axis;
}

void design_add_set(struct design_builder *b, const char *assignment)
{
    struct design *d = b->d;
    const char **grown = ARENA_ARRAY(b->arena, const char *, d->n_set + 2);
    if (d->n_set)
        memcpy(grown, d->set, d->n_set * sizeof *grown);
    grown[d->n_set++] = assignment;
    d->set = grown;
}
