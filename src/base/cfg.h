/* Config tables: one table per struct drives YAML loading, unit and range checks,
 * unknown-key and duplicate-key errors with did-you-mean, -s key=value, `validate
 * --print`, JSON Schema and the documentation of keys. A value is written either bare
 * (`bandwidth: 50 GB/s`) or with its origin
 * (`bandwidth: {value: 50 GB/s, source: "..."}`); hardware files must give the origin.
 */
#ifndef MOESIM_BASE_CFG_H
#define MOESIM_BASE_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/units.h"

enum cfg_type {
    CFG_QUANTITY, /* double, SI; needs a unit of `dim` (DIM_RATIO: plain number or %) */
    CFG_INT,      /* int64_t; decimal digits only, no 1_000 and no 64Ki */
    CFG_BOOL,     /* bool; true/false */
    CFG_STRING,   /* const char *, owned by the arena */
    CFG_ENUM,     /* int: index into choices[] */
    CFG_TABLE,    /* nested struct at offset, described by sub */
    CFG_MORE,     /* keys of others that stand among the table's own: at offset is a const struct cfg_more * */
    CFG_MAP,      /* tables under names that users choose, each described by sub: at offset is a struct cfg_map */
};

struct cfg_table;

struct cfg_field {
    const char *name;
    enum cfg_type type;
    enum unit_dim dim;          /* CFG_QUANTITY only */
    size_t offset;              /* into the struct */
    const char *dflt;           /* text of the default as after -s; NULL = required */
    double min, max;            /* inclusive, SI; checked for QUANTITY and INT when min < max */
    const char *const *choices; /* CFG_ENUM: NULL-terminated; CFG_STRING: NULL */
    const struct cfg_table *sub;
    /* CFG_MORE: the tables of its owners, NULL-terminated. Keys of one name are one key, and described alike. */
    const struct cfg_table *const *(*more)(void);
    const char *needs;   /* when it is read: a condition on other keys (cfg_needs.c); NULL: always */
    const char *doc;     /* one line */
    const char *also;    /* what other programs call it, separated by blanks, for messages; NULL: nothing else */
    const char *example; /* what messages tell to write; NULL: the default, or one by type */
};

struct cfg_table {
    const char *name; /* "nic" */
    const char *doc;
    size_t size;                    /* sizeof the struct */
    const struct cfg_field *fields; /* ends with name == NULL */
};

/* A loaded config: the struct plus where each value came from. Layers are laid over one
 * another: defaults, then files, then -s overrides; the last one wins. */
struct cfg;

struct cfg *cfg_new(const struct cfg_table *table, struct arena *arena);
void *cfg_struct(struct cfg *c); /* the filled struct; owned by the arena */

/* Lays a YAML file over the config. `at` is the dotted key its root mapping belongs to
 * ("" = the root, "cluster.nic" = that table). need_source: every number must carry
 * `source:`. Top-level keys listed in `skip` (NULL-terminated, may be NULL) are
 * ignored: the caller reads them. All errors of the file are reported to diag. Returns
 * 0 or -1. */
int cfg_load_file(struct cfg *c, const char *path, const char *at, bool need_source, const char *const *skip,
                  struct diag *diag);
/* The same from memory; `name` is used in messages. Copied into the arena. */
int cfg_load_text(struct cfg *c, const char *text, size_t len, const char *name, const char *at, bool need_source,
                  const char *const *skip, struct diag *diag);
/* The same from a mapping inside of a document that is read already. */
struct yaml_doc;
struct yaml_node;
int cfg_load_node(struct cfg *c, const struct yaml_doc *doc, const struct yaml_node *node, const char *const *skip,
                  struct diag *diag);
/* -s key=value; the message names the option text. The value is taken as it stands,
 * without YAML's quotes. Exit codes: EXIT_USAGE when it is not of the form key=value,
 * else EXIT_BAD_INPUT. */
int cfg_override(struct cfg *c, const char *assignment, struct diag *diag);
/* One value as text, with the places that messages name: what -s does, for those who split text themselves. */
struct cfg_assignment {
    const char *key, *value;
    const char *source; /* "command line: ..."; lives as long as the arena */
    struct srcloc key_at, value_at;
};
int cfg_assign(struct cfg *c, const struct cfg_assignment *assignment, struct diag *diag);
/* After all layers: reports required keys that nobody gave, with the table's place. */
int cfg_finish(struct cfg *c, struct diag *diag);

/* The layers laid so far (hardware, presets) are ground that others stand on: cfg_exclude does not mind what they give. */
void cfg_ground(struct cfg *c);
/* Whether a layer above the ground gives this key. */
bool cfg_is_own(const struct cfg *c, const char *dotted_key);
/* Which layer gives a key. */
enum cfg_layer { CFG_BY_DEFAULT, CFG_BY_GROUND, CFG_BY_FILE, CFG_BY_OPTION };
enum cfg_layer cfg_layer_of(const struct cfg *c, const char *dotted_key);
/* Takes a table or a key out: what it says is not printed, not visited and not required. A key of it that a layer
 * above the ground gives is an error, told with `why`; NULL: without a word. Call after all layers. 0 or -1. */
int cfg_exclude(struct cfg *c, const char *key, const char *why, struct diag *diag);

/* Why a key or table changes nothing. */
struct cfg_unread {
    const char *why;    /* "'sim.network' is flow"; NULL: it is read */
    const char *advice; /* what would let it be read: "write 'sim.network: packet'"; NULL: nothing */
    bool by_option;     /* -s decides it */
    bool agrees;        /* what it says holds anyway */
};
/* A key is read when its own condition and those of the tables that it stands in hold. `condition`, when that is not NULL, takes
 * the place of those of the key or table that the first `length` characters of the key name, and of the tables above. */
struct cfg_unread cfg_unread(const struct cfg *c, const char *key, const char *condition, size_t length);

/* The keys of a CFG_MORE in one config. An owner reads its own by its table; NULL: all have their defaults. Lives as
 * long as the config. */
struct cfg_more;
void cfg_more_read(const struct cfg_more *more, const struct cfg_table *own, void *out);
/* Values and places of all keys that both have. */
void cfg_more_copy(const struct cfg_more *to, const struct cfg_more *from);
/* Only those that a file or -s gives, over what is there. */
void cfg_more_lay(const struct cfg_more *more, const struct cfg_table *own, void *out);
/* The config that holds them; NULL without any. */
const struct cfg *cfg_more_of(const struct cfg_more *more);
/* Where one of them was given; nowhere when only a default speaks. */
struct srcloc cfg_more_where(const struct cfg_more *more, const char *name);
bool cfg_more_is_own(const struct cfg_more *more, const char *name); /* see cfg_is_own */

/* Takes out the keys that none of `read` (NULL-terminated) has. Those of them that were given another value than their
 * default would change nothing: their names, at most `max`; returns how many there are. */
size_t cfg_more_take_out(const struct cfg_more *more, const struct cfg_table *const *read, const char **given,
                         size_t max);

/* What a CFG_MAP holds: tables in the order in which files and -s named them. */
struct cfg_map {
    uint32_t n;
    const char *const *names;
    void *const *items; /* each of sub->size */
};

/* One scalar of a YAML file without a table (e.g. which hardware a scenario wants);
 * NULL when the key is absent. Errors of syntax are reported to diag. The string is
 * owned by the arena. */
const char *cfg_peek(const char *path, const char *dotted_key, struct arena *arena, struct diag *diag);

/* Origin of a value: its `source:` text (or NULL) and its place; for --explain and
 * messages. */
const char *cfg_source(const struct cfg *c, const char *dotted_key);
struct srcloc cfg_where(const struct cfg *c, const char *dotted_key);

/* The field of a dotted key. NULL when there is none or it is a group, reported at `where`. */
const struct cfg_field *cfg_leaf(struct cfg *c, const char *dotted_key, struct srcloc where, struct diag *diag);
/* One value by itself, with all checks of its field: what an axis of a sweep holds. */
struct cfg_value {
    enum cfg_type type;
    const char *text; /* canonical: parses back to the same value; strings are not quoted */
    double number;    /* SI; a bool is 0 or 1; NaN for strings and enums */
};
/* 0, or -1 with a one-line reason in `why`. */
int cfg_value_read(const struct cfg_field *f, const char *text, struct cfg_value *out, struct arena *arena, char *why,
                   size_t why_size);
/* The same from a number: whole for a CFG_INT. */
int cfg_value_of(const struct cfg_field *f, double number, struct cfg_value *out, struct arena *arena, char *why,
                 size_t why_size);
/* What a key holds now: its field and canonical text (parses back to the same value). False when there is no
 * such leaf or its table was taken out (cfg_exclude). */
struct cfg_leaf_state {
    const struct cfg_field *field;
    const void *value;
    const char *text;
};
bool cfg_state(const struct cfg *c, const char *dotted_key, struct cfg_leaf_state *out);
/* The canonical text of a number (SI) in a CFG_QUANTITY or, rounded to a whole one, a CFG_INT. */
const char *cfg_number_text(const struct cfg_field *f, double number, struct arena *arena);

/* Visits every leaf that is read, in table order. value_text is the canonical YAML text with unit; it
 * parses back to the very same value. The strings live as long as the arena. */
typedef void cfg_visit_fn(void *ctx, const char *dotted_key, const struct cfg_field *field, const void *value,
                          const char *value_text, const char *source);
void cfg_visit(const struct cfg *c, cfg_visit_fn *fn, void *ctx);

/* Asks of every leaf why it is not read. What is not read is not printed, not required, and an error where a layer above the ground
 * gives it; a warning where a file gives it and an option decides otherwise (diag NULL: not told). Keys that were taken out
 * are not asked for. */
typedef struct cfg_unread cfg_unread_fn(void *ctx, const char *dotted_key);
void cfg_check_reads(struct cfg *c, cfg_unread_fn *unread, void *ctx, struct diag *diag);
/* The first leaf of the table (or the leaf of that name) that a layer above the ground gives; NULL: none. */
const char *cfg_given_below(const struct cfg *c, const char *dotted_table);
/* The first such leaf that an option (-s, an axis) gives and that is not below one of `but` (NULL-terminated). */
const char *cfg_option_below(const struct cfg *c, const char *dotted_table, const char *const *but);
/* What the last cfg_check_reads found. */
bool cfg_is_read(const struct cfg *c, const char *dotted_key);

/* Visits the leaves that files above the ground give and nothing reads, as far as cfg_exclude and cfg_check_reads found. */
void cfg_visit_unread(const struct cfg *c, void (*fn)(void *ctx, const char *dotted_key, const char *why), void *ctx);

/* Resolved config as YAML that loads back to the same struct, with the docs as
 * comments; a value whose source is known keeps it: {value: 50 GB/s, source: "..."}. */
void cfg_print_yaml(const struct cfg *c, FILE *out);
/* The same as text, without some keys and tables of the root (names, then NULL). The arena's. */
const char *cfg_text_without(const struct cfg *c, const char *const *names, struct arena *arena);
/* Of one table alone. */
const char *cfg_text_of(const struct cfg *c, const char *table, struct arena *arena);
/* A string in YAML's (and nearly JSON's) double quotes. */
const char *cfg_quote(const char *s, struct arena *a);
/* A key of the root that no table describes. */
struct cfg_extra {
    const char *name, *schema; /* NULL name: the end */
};
/* JSON Schema (draft 2020-12) of a table, as one file may be written: no key is
 * required in it, because every key may come from another layer. `extra` may be NULL. */
void cfg_print_schema(const struct cfg_table *t, const struct cfg_extra *extra, FILE *out);
/* All keys of a table, or one, as text of a manual page (base/roff.h). */
void cfg_print_roff(const struct cfg_table *t, FILE *out);
void cfg_roff_field(const struct cfg_field *f, const char *key, FILE *out, struct arena *a);
/* What kind of value: "bandwidth", "whole number", "true|false", "text". */
const char *cfg_type_text(const struct cfg_field *f);

/* "did you mean": the nearest of NULL-terminated names by edit distance, or NULL. */
const char *cfg_nearest(const char *word, const char *const *names);

#endif
