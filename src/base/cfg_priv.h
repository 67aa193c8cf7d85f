/* Inside of the config tables: a config is a flat list of entries, one per table and
 * leaf, in table order; each knows its dotted key, its place in the struct and where
 * its value is from. */
#ifndef MOESIM_BASE_CFG_PRIV_H
#define MOESIM_BASE_CFG_PRIV_H

#include "base/cfg.h"

struct cfg_entry {
    const char *key; /* "cluster.nic.bandwidth"; "" for the root */
    size_t key_length;
    const struct cfg_field *field; /* NULL for the root */
    const struct cfg_table *table; /* root and CFG_TABLE, else NULL */
    void *value;                   /* into the struct */
    const char *source;            /* its `source:` text, or NULL */
    struct srcloc where;           /* the value, or the table's first mapping */
    bool given;                    /* by a file or -s; a default does not count */
    bool over;                     /* by -s */
    bool ground;                   /* by a layer that cfg_ground closed */
    bool excluded;                 /* see cfg_exclude */
    bool unread;                   /* see cfg_check_reads */
    const char *why;               /* excluded or unread: the reason */
    size_t parent, end;            /* entries of the subtree: this one .. end-1 */
};

struct cfg_more {
    struct cfg *cfg;
    size_t parent;     /* entry of the table that they stand in */
    size_t pointer_at; /* where data points to this */
};

struct cfg {
    const struct cfg_table *table;
    struct arena *arena;
    void *data;
    size_t data_size;          /* the table's struct, and behind it the values of keys of CFG_MORE */
    char *slots;               /* the next free place for one of these */
    struct cfg_entry *entries; /* [0] is the root */
    size_t n;
    struct cfg_more **mores;
    size_t n_mores;
};

/* Bytes that the value of a key of a CFG_MORE takes: enough for every type. */
enum { CFG_SLOT = 8 };

size_t cfg_count_entries(const struct cfg_table *t, struct arena *a);
/* Appends the entries of a table whose struct starts at base; there is room for them. */
void cfg_add_fields(struct cfg *c, size_t parent, const struct cfg_table *t, char *base);
/* Gives every CFG_MAP below the entry `top` the tables that the mapping names which is laid over it. */
struct yaml_doc;
struct yaml_node;
void cfg_map_prepare(struct cfg *c, size_t top, const struct yaml_doc *doc, const struct yaml_node *node,
                     struct diag *diag);
/* The same for a dotted key that is to be set. */
void cfg_map_prepare_key(struct cfg *c, const char *dotted_key);

/* A table's keys in order, those of a CFG_MORE where it stands, each name once. */
struct cfg_flat {
    const struct cfg_field *field; /* NULL: the end */
    const struct cfg_field *more;  /* the CFG_MORE that it is of, or NULL */
};
struct cfg_flat *cfg_flat(const struct cfg_table *t, struct arena *a);

/* Whether a leaf holds its default. */
bool cfg_is_default(const struct cfg *c, const struct cfg_entry *e);
/* Whether it or a table that it stands in was taken out. */
bool cfg_is_excluded(const struct cfg *c, const struct cfg_entry *e);
/* The entry of a dotted key, or NULL. */
struct cfg_entry *cfg_find(const struct cfg *c, const char *dotted_key);
/* The child of a table entry by its name, or NULL. */
struct cfg_entry *cfg_child(const struct cfg *c, const struct cfg_entry *table, const char *name);
/* The dotted key that other programs call so (`also` of its field), or NULL. */
const char *cfg_other_name(const struct cfg *c, const char *name);
/* Dotted keys of all leaves that are near to a word, at most max; returns how many. A
 * bare last name ("bandwidth") finds the keys that end in it. */
size_t cfg_near_keys(const struct cfg *c, const char *word, const char **found, size_t max);
/* "a', 'b' or 'c" for did-you-mean; owned by the arena. */
const char *cfg_join(struct arena *a, const char *const *names, size_t n, const char *last);

/* Text to value with all checks of the field. 0, or -1 with a reason in why. */
int cfg_parse_value(const struct cfg_field *f, const char *text, void *value, struct arena *a, char *why,
                    size_t why_size);
/* The default, or the empty text, or nothing; the default was checked when the table was laid out first. */
void cfg_default_value(const struct cfg_field *f, void *value, struct arena *a);
/* Bytes of a value. */
size_t cfg_value_size(const struct cfg_field *f);
/* Value to the canonical text that parses back to it; strings are not quoted. */
const char *cfg_value_text(const struct cfg_field *f, const void *value, struct arena *a);
/* The same, quoted for YAML where that is needed. */
const char *cfg_yaml_text(const struct cfg_field *f, const void *value, struct arena *a);
/* "0 B/s to 1 TB/s", or NULL when the field has no range. */
const char *cfg_range_text(const struct cfg_field *f, struct arena *a);
/* What to write for a field: its default, else an example of its type. */
const char *cfg_example(const struct cfg_field *f);

#define CFG_WHY_SIZE 512

#endif
