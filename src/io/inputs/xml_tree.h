/* An XML text as a tree, through expat. Texts between tags are left out. Documents that define entities are refused. */
#ifndef MOESIM_IO_INPUTS_XML_TREE_H
#define MOESIM_IO_INPUTS_XML_TREE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct xml_node {
    const char *name;
    const char **attributes; /* name, value, name, value, ..., NULL */
    int line;
    uint32_t depth; /* of the root: 0 */
    struct xml_node *parent, *first, *last, *next;
};

/* NULL after an error. `name` is used in messages; everything is the arena's. */
struct xml_node *xml_parse(const char *name, const char *text, size_t len, struct arena *arena, struct diag *diag);
/* NULL: it has none. */
const char *xml_attribute(const struct xml_node *n, const char *name);
/* The next node of the tree in the order of the file; NULL after the last. */
struct xml_node *xml_next(const struct xml_node *n);
/* The nearest node that both stand in. */
const struct xml_node *xml_common(const struct xml_node *a, const struct xml_node *b);

#endif
