/* A YAML document as a tree of nodes that know their line and column. The strict subset
 * that config files need: one document of mappings, sequences and scalars; no anchors,
 * aliases, tags or merge keys. Input is checked to be printable UTF-8 first. */
#ifndef MOESIM_BASE_YAML_DOC_H
#define MOESIM_BASE_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"

enum yaml_kind { YAML_DOC_SCALAR, YAML_DOC_SEQUENCE, YAML_DOC_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    bool plain;                     /* a scalar without quotes */
    const char *text;               /* scalar: its value, NUL-terminated, holds no other NUL */
    int line, column;               /* from 1 */
    int end_line, end_column;       /* behind the last character, of scalars and of {...} and [...]; else 0 */
    struct yaml_node *key;          /* in a mapping: this value's key, always a scalar */
    struct yaml_node *first, *next; /* children of a mapping or sequence, in order */
};

struct yaml_doc {
    const char *name; /* for messages */
    const char *text; /* the input, without a byte order mark */
    size_t len;
    struct yaml_node *root;
};

/* Reads and parses; everything is owned by the arena. 0, or -1 with all problems
 * reported. */
int yaml_doc_read(struct yaml_doc *doc, const char *path, struct arena *a, struct diag *diag);
int yaml_doc_parse(struct yaml_doc *doc, const char *text, size_t len, const char *name, struct arena *a,
                   struct diag *diag);

struct srcloc yaml_doc_where(const struct yaml_doc *doc, const struct yaml_node *n);
/* The value of a key of a mapping, or NULL; the first one where a key is given twice.
 */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* An unquoted empty value, ~ or null. */
bool yaml_is_null(const struct yaml_node *n);
const char *yaml_kind_name(const struct yaml_node *n); /* "a list of values" */

/* The first byte that is no printable UTF-8 text, or NULL; *what says why. */
const char *yaml_bad_byte(const char *text, size_t len, const char **what);

#endif
