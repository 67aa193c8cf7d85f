/* How a design is read: a builder that the section of a file and options add to.
 *     design.c          all of it, and what must hold of the whole
 *     design_build.c    axes, those that go together, seeds
 *     design_yaml.c     a section `sweep:`
 *     design_options.c  the command line
 *     design_text.c     the way back
 *     design_points.c   the points */
#ifndef MOESIM_CAMPAIGN_DESIGN_PRIV_H
#define MOESIM_CAMPAIGN_DESIGN_PRIV_H

#include "base/yaml_doc.h"
#include "campaign/design.h"

struct design_section {
    const char *scenario, *where, *seeds;
    struct {
        int method;
        int64_t points, seed;
    } sample;
    struct design_search search;
};

struct design_builder {
    struct design *d;
    struct cfg *known; /* of a scenario: knows all keys */
    struct arena *arena;
    struct diag *diag;
    const char *axis_name; /* of the option: "--axis" */
    uint32_t axes_cap;
    bool from_result; /* the scenario need not be there any more */
    bool broken;      /* an axis is not there because it was wrong: no more is said about it */
};

struct design_file {
    struct yaml_doc doc;
    const struct yaml_node *sweep; /* NULL: the file has no such section */
    struct design_section section;
};

/* --- design_build.c: errors are told, and remembered in `broken` --- */

/* Of a place in an option's text: "--axis cluster.nodes=8". */
struct srcloc design_option_place(const char *option, size_t offset);
/* NULL: there is none. */
struct axis *design_find_axis(struct design *d, const char *key);
/* The axis of a key, empty; NULL with the reason told. */
struct axis *design_new_axis(struct design_builder *b, const char *key, struct srcloc where);
/* An axis without a key: what a combination is called. */
struct axis *design_label_axis(struct design_builder *b, struct srcloc where);
void design_read_axis(struct design_builder *b, struct axis *axis, const char *spec, struct srcloc where);
void design_read_seeds(struct design_builder *b, const char *spec, struct srcloc where);
/* The axis that a key, or the end of one, names; NULL with the reason told. */
struct axis *design_zipped(struct design_builder *b, const char *key, struct srcloc where);
/* Another one goes with it; `first` may be NULL. */
void design_zip_pair(struct design_builder *b, struct axis *first, const char *key, struct srcloc where);
void design_add_set(struct design_builder *b, const char *assignment);

/* --- design_yaml.c --- */

struct srcloc design_at(const struct design_file *f, const struct yaml_node *n);
void design_wrong_node(struct design_builder *b, const struct design_file *f, const struct yaml_node *n,
                       const char *wanted);
/* All but `zip`, which names axes of options, too. */
void design_yaml_section(struct design_builder *b, struct design_file *f, const char *path);
void design_yaml_zip(struct design_builder *b, const struct design_file *f);

/* --- design_options.c --- */

/* All but --zip. */
void design_take_options(struct design_builder *b, const struct design_options *o);
void design_option_zip(struct design_builder *b, const char *text);

#endif
