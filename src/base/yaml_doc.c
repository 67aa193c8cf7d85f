/* YAML document: libyaml's event stream turned into a tree with places. Nesting is
 * limited and aliases are refused, so a small file cannot become a large tree. Leaves
 * out: anchors, aliases, tags, merge keys, several documents; each is a located error.
 * Reference: YAML 1.1 as libyaml 0.2.5 reads it. */
#include "base/yaml_doc.h"

#include <string.h>
#include <yaml.h>

#include "base/input_files.h"
#include "base/yaml_text.h"

#define MAX_DEPTH 64

struct builder {
    struct yaml_doc *doc;
    struct arena *arena;
    struct diag *diag;
    yaml_parser_t parser;
    struct yaml_node *open[MAX_DEPTH]; /* containers that are not closed yet */
    struct yaml_node *last[MAX_DEPTH]; /* their last child */
    struct yaml_node *key[MAX_DEPTH];  /* mapping: a key that waits for its value */
    int depth;
    int n_documents;
    bool failed;
};

static struct srcloc at(const struct yaml_doc *doc, int line, int column)
{
    return (struct srcloc){.file = doc->name, .text = doc->text, .text_len = doc->len, .line = line, .column = column};
}

struct srcloc yaml_doc_where(const struct yaml_doc *doc, const struct yaml_node *n)
{
    return at(doc, n->line, n->column);
}

static struct srcloc at_byte(const struct yaml_doc *doc, const char *byte)
{
    int line = 1, column = 1;
    for (const char *p = doc->text; p < byte; p++) {
        bool eol = *p == '\n' || (*p == '\r' && p[1] != '\n');
        line += eol;
        column = eol ? 1 : column + (((unsigned char)*p & 0xc0) != 0x80);
    }
    return at(doc, line, column);
}

/* libyaml places what is missing at the end into a line after the last one, where there
 * is nothing to show; we place it behind the last character that is written. */
static struct srcloc at_mark(const struct yaml_doc *doc, yaml_mark_t mark)
{
    const char *end = doc->text + doc->len;
    while (end > doc->text && strchr(" \t\r\n", end[-1]))
        end--;
    struct srcloc last = at_byte(doc, end);
    int line = (int)mark.line + 1, column = (int)mark.column + 1;
    bool behind = line > last.line || (line == last.line && column > last.column);
    return behind ? last : at(doc, line, column);
}

static void refuse(struct builder *b, yaml_mark_t mark, const char *message)
{
    diag_error(b->diag, EXIT_BAD_INPUT, at_mark(b->doc, mark), "%s", message);
    b->failed = true;
}

static struct yaml_node *new_node(struct builder *b, const yaml_event_t *e, enum yaml_kind kind)
{
    struct yaml_node *n = ARENA_NEW(b->arena, struct yaml_node);
    n->kind = kind;
    n->line = (int)e->start_mark.line + 1; /* fits: the input is at most 16 MiB */
    n->column = (int)e->start_mark.column + 1;
    return n;
}

/* A key must be a scalar; `<<` is YAML 1.1's merge key. */
static void take_key(struct builder *b, struct yaml_node *n, const yaml_event_t *e)
{
    if (n->kind != YAML_DOC_SCALAR)
        refuse(b, e->start_mark, "a key must be plain text, not a list or mapping");
    else if (n->plain && strcmp(n->text, "<<") == 0)
        refuse(b, e->start_mark, "merge keys ('<<') are not supported; write the keys out");
    b->key[b->depth - 1] = n;
}

/* Hangs a node under the container that is open. */
static void attach(struct builder *b, struct yaml_node *n, const yaml_event_t *e)
{
    if (b->depth == 0) {
        b->doc->root = n;
        return;
    }
    int d = b->depth - 1;
    struct yaml_node *parent = b->open[d];
    if (parent->kind == YAML_DOC_MAPPING && !b->key[d]) {
        take_key(b, n, e);
        return;
    }
    n->key = b->key[d];
    b->key[d] = NULL;
    if (b->last[d])
        b->last[d]->next = n;
    else
        parent->first = n;
    b->last[d] = n;
}

static void note_end(struct yaml_node *n, const yaml_event_t *e)
{
    n->end_line = (int)e->end_mark.line + 1;
    n->end_column = (int)e->end_mark.column + 1;
}

static void open_container(struct builder *b, const yaml_event_t *e, enum yaml_kind kind)
{
    struct yaml_node *n = new_node(b, e, kind);
    attach(b, n, e);
    if (b->depth == MAX_DEPTH) {
        refuse(b, e->start_mark, "nested too deeply: more than 64 levels");
        return;
    }
    b->open[b->depth] = n;
    b->last[b->depth] = NULL;
    b->key[b->depth] = NULL;
    b->depth++;
}

static void add_scalar(struct builder *b, const yaml_event_t *e)
{
    struct yaml_node *n = new_node(b, e, YAML_DOC_SCALAR);
    const char *text = (const char *)e->data.scalar.value;
    if (strlen(text) != e->data.scalar.length)
        refuse(b, e->start_mark, "the text holds a NUL character");
    n->text = arena_strdup(b->arena, text);
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    note_end(n, e);
    attach(b, n, e);
}

static void check_properties(struct builder *b, const yaml_event_t *e, const void *anchor, const void *tag)
{
    if (anchor)
        refuse(b, e->start_mark, "anchors ('&name') are not supported; write the value out");
    if (tag)
        refuse(b, e->start_mark, "tags ('!name') are not supported; write the value alone");
}

static void take_event(struct builder *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->n_documents++ > 0)
            refuse(b, e->start_mark,
                   "a second document starts here; a file holds one, put it into its "
                   "own file");
        break;
    case YAML_ALIAS_EVENT:
        refuse(b, e->start_mark, "aliases ('*name') are not supported; write the value out");
        break;
    case YAML_SCALAR_EVENT:
        check_properties(b, e, e->data.scalar.anchor, e->data.scalar.tag);
        add_scalar(b, e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        check_properties(b, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        open_container(b, e, YAML_DOC_SEQUENCE);
        break;
    case YAML_MAPPING_START_EVENT:
        check_properties(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        open_container(b, e, YAML_DOC_MAPPING);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        if (e->end_mark.index > e->start_mark.index) /* a bracket; blocks end with nothing */
            note_end(b->open[b->depth], e);
        break;
    default:
        break;
    }
}

/* A tab is the commonest reason for libyaml's "cannot start any token". */
static bool is_tab_at(const struct yaml_doc *doc, yaml_mark_t mark)
{
    const char *p = doc->text, *end = doc->text + doc->len;
    for (size_t line = 0; line < mark.line && p < end; p++)
        line += *p == '\n';
    return (size_t)(end - p) > mark.column && p[mark.column] == '\t';
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    struct srcloc where = at_mark(b->doc, p->problem_mark);
    const char *problem = p->problem ? p->problem : "not YAML";
    b->failed = true;
    if (p->error == YAML_MEMORY_ERROR)
        diag_error(b->diag, EXIT_LIMIT, SRCLOC_FILE(b->doc->name), "out of memory");
    else if (is_tab_at(b->doc, p->problem_mark))
        diag_error(b->diag, EXIT_BAD_INPUT, where, "syntax error: a tab; indent with spaces instead");
    else if (p->context)
        diag_error(b->diag, EXIT_BAD_INPUT, where, "syntax error: %s (%s that starts in line %d)", problem, p->context,
                   at_mark(b->doc, p->context_mark).line);
    else
        diag_error(b->diag, EXIT_BAD_INPUT, where, "syntax error: %s", problem);
}

static void build(struct builder *b)
{
    bool more = true;
    while (more && !b->failed) {
        yaml_event_t e;
        if (!yaml_parser_parse(&b->parser, &e)) {
            report_syntax(b);
            return;
        }
        more = e.type != YAML_STREAM_END_EVENT;
        take_event(b, &e);
        yaml_event_delete(&e);
    }
}

static bool check_text(const struct yaml_doc *doc, struct diag *diag)
{
    const char *what;
    if (doc->len == 0) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(doc->name), "the file is empty (0 bytes)");
        return false;
    }
    const char *bad = yaml_bad_byte(doc->text, doc->len, &what);
    if (!bad)
        return true;
    diag_error(diag, EXIT_BAD_INPUT, at_byte(doc, bad), "%s", what);
    return false;
}

static int parse(struct yaml_doc *doc, const char *text, size_t len, const char *name, struct arena *a,
                 struct diag *diag)
{
    bool bom = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    char *copy = arena_alloc(a, len + 1);
    if (len)
        memcpy(copy, text, len);
    *doc = (struct yaml_doc){.name = arena_strdup(a, name), .text = copy + (bom ? 3 : 0), .len = len - (bom ? 3 : 0)};
    if (!check_text(doc, diag))
        return -1;
    struct builder b = {.doc = doc, .arena = a, .diag = diag};
    if (!yaml_parser_initialize(&b.parser)) {
        diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(doc->name), "out of memory");
        return -1;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)doc->text, doc->len);
    build(&b);
    yaml_parser_delete(&b.parser);
    if (!b.failed && !doc->root) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(doc->name), "the file holds no keys");
        return -1;
    }
    return b.failed ? -1 : 0;
}

/* A file that many runs of one process read (input_files.h) is parsed once. Its tree stays, nobody changes it.
 */
static int parse_once(struct yaml_doc *doc, struct input_file *f, const char *name, struct diag *diag)
{
    static struct arena *kept;
    if (!kept)
        kept = arena_new();
    if (!f->doc) {
        if (parse(doc, f->text, f->len, name, kept, diag))
            return -1;
        struct yaml_doc *copy = ARENA_NEW(kept, struct yaml_doc);
        *copy = *doc;
        f->doc = copy;
    }
    *doc = *f->doc;
    return 0;
}

int yaml_doc_parse(struct yaml_doc *doc, const char *text, size_t len, const char *name, struct arena *a,
                   struct diag *diag)
{
    struct input_file *f = input_file_of(text);
    return f ? parse_once(doc, f, name, diag) : parse(doc, text, len, name, a, diag);
}

int yaml_doc_read(struct yaml_doc *doc, const char *path, struct arena *a, struct diag *diag)
{
    const char *text = NULL;
    size_t len = 0;
    if (yaml_text_read(path, a, &text, &len, diag))
        return -1;
    return yaml_doc_parse(doc, text, len, path, a, diag);
}

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping->kind != YAML_DOC_MAPPING)
        return NULL;
    for (struct yaml_node *n = mapping->first; n; n = n->next)
        if (strcmp(n->key->text, key) == 0)
            return n;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (n->kind != YAML_DOC_SCALAR || !n->plain)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(n->text, words[i]) == 0)
            return true;
    return false;
}

const char *yaml_kind_name(const struct yaml_node *n)
{
    if (n->kind == YAML_DOC_SEQUENCE)
        return "a list";
    return n->kind == YAML_DOC_MAPPING ? "a mapping of keys" : "a single value";
}
