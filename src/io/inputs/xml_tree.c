#include "io/inputs/xml_tree.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

enum { MOST_DEPTH = 200, MOST_NODES = 1000000 };

struct reading {
    XML_Parser parser;
    struct arena *arena;
    struct xml_node *root, *at;
    const char *why; /* it was stopped */
    uint32_t n;
};

static void stop(struct reading *r, const char *why)
{
    r->why = why;
    XML_StopParser(r->parser, XML_FALSE);
}

static const char **copy_attributes(struct arena *a, const char **attributes)
{
    size_t n = 0;
    while (attributes[n])
        n++;
    const char **copy = ARENA_ARRAY(a, const char *, n + 2);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strdup(a, attributes[i]);
    return copy;
}

static void begin(void *to, const char *name, const char **attributes)
{
    struct reading *r = to;
    struct xml_node *n = ARENA_NEW(r->arena, struct xml_node);
    *n = (struct xml_node){arena_strdup(r->arena, name),
                           copy_attributes(r->arena, attributes),
                           (int)XML_GetCurrentLineNumber(r->parser),
                           r->at ? r->at->depth + 1 : 0,
                           r->at,
                           NULL,
                           NULL,
                           NULL};
    if (r->at && r->at->last)
        r->at->last->next = n;
    else if (r->at)
        r->at->first = n;
    if (r->at)
        r->at->last = n;
    else
        r->root = n;
    r->at = n;
    if (n->depth > MOST_DEPTH || ++r->n > MOST_NODES)
        stop(r, "more tags, or deeper ones, than any node has");
}

static void end(void *to, const char *name)
{
    struct reading *r = to;
    (void)name;
    r->at = r->at->parent;
}

static void entity(void *to, const char *name, int is_parameter, const char *value, int n, const char *base,
                   const char *system, const char *public, const char *notation)
{
    (void)name, (void)is_parameter, (void)value, (void)n, (void)base, (void)system, (void)public, (void)notation;
    stop(to, "it defines entities, which these files do not");
}

struct xml_node *xml_parse(const char *name, const char *text, size_t len, struct arena *arena, struct diag *diag)
{
    struct reading r = {.parser = XML_ParserCreate(NULL), .arena = arena};
    (void)checked_alloc(r.parser);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, begin, end);
    XML_SetEntityDeclHandler(r.parser, entity);
    bool whole = XML_Parse(r.parser, text, (int)len, 1) == XML_STATUS_OK;
    if (!whole)
        diag_error(diag, EXIT_BAD_INPUT,
                   (struct srcloc){name, text, len, (int)XML_GetCurrentLineNumber(r.parser),
                                   (int)XML_GetCurrentColumnNumber(r.parser) + 1},
                   "this is no XML: %s", r.why ? r.why : XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    return whole ? r.root : NULL;
}

const char *xml_attribute(const struct xml_node *n, const char *name)
{
    for (const char **a = n->attributes; *a; a += 2)
        if (!strcmp(*a, name))
            return a[1];
    return NULL;
}

struct xml_node *xml_next(const struct xml_node *n)
{
    if (n->first)
        return n->first;
    while (n && !n->next)
        n = n->parent;
    return n ? n->next : NULL;
}

const struct xml_node *xml_common(const struct xml_node *a, const struct xml_node *b)
{
    while (a->depth > b->depth)
        a = a->parent;
    while (b->depth > a->depth)
        b = b->parent;
    while (a != b) {
        a = a->parent;
        b = b->parent;
    }
    return a;
}
