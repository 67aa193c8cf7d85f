/* Expressions over JSON, from text: recursive descent, one function per rule.
 *
 *   sum      = product { ("+" | "-") product }
 *   product  = factor { ("*" | "/") factor }
 *   factor   = "-" factor | "(" sum ")" | number [unit] | function "(" sum ")" | selector
 *   selector = step { "." step }         step = name [ "[" key "=" value { "," key "=" value } "]" ]
 *
 * A value in brackets is quoted with ' or ends before "," or "]". */
#include <ctype.h>
#include <string.h>

#include "base/cfg.h"
#include "base/units.h"
#include "io/json_expr_priv.h"

enum { MAX_DEPTH = 64, MAX_FUNCTIONS = 32 };

struct parser {
    const char *text;
    size_t at;
    int depth;
    bool failed;
    struct srcloc where;
    struct arena *arena;
    struct diag *diag;
};

/* The place in the file, where the text stands in it as it is (behind a quote or not). */
static struct srcloc place(const struct parser *p, size_t offset)
{
    struct srcloc at = p->where;
    const char *line = at.text;
    for (int i = 1; line && i < at.line; i++)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!line || at.column < 1 || strlen(line) < (size_t)at.column)
        return at;
    const char *value = line + at.column - 1;
    bool quoted = *value == '\'' || *value == '"';
    if (!strncmp(value + quoted, p->text, strlen(p->text)))
        at.column += (int)(offset + quoted);
    return at;
}

static void *fail(struct parser *p, size_t offset, const char *what)
{
    if (!p->failed)
        diag_error(p->diag, EXIT_BAD_INPUT, place(p, offset), "in '%.120s': %s", p->text, what);
    p->failed = true;
    return NULL;
}

static char look(struct parser *p)
{
    while (p->text[p->at] == ' ' || p->text[p->at] == '\t' || p->text[p->at] == '\n')
        p->at++;
    return p->text[p->at];
}

static bool accept(struct parser *p, char c)
{
    if (look(p) != c)
        return false;
    p->at++;
    return true;
}

static struct json_node *new_node(struct parser *p, enum json_node_kind kind, size_t begin)
{
    struct json_node *n = ARENA_NEW(p->arena, struct json_node);
    n->kind = kind;
    n->begin = begin;
    return n;
}

static struct json_node *close_node(const struct parser *p, struct json_node *n)
{
    n->end = p->at;
    return n;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

int json_expr_number(const char *text, size_t len, double *value)
{
    char why[256];
    for (int dim = 0; dim < DIM_N; dim++)
        if (!unit_parse(text, len, (enum unit_dim)dim, value, why, sizeof why))
            return 0;
    return -1;
}

static size_t unit_length(const char *s)
{
    size_t n = 0;
    while (isalpha((unsigned char)s[n]))
        n++;
    if (!n)
        return s[0] == '%';
    return n + (s[n] == '/' && s[n + 1] == 's' && !isalnum((unsigned char)s[n + 2]) ? 2 : 0);
}

static struct json_node *number(struct parser *p)
{
    struct json_node *n = new_node(p, NODE_NUMBER, p->at);
    const char *s = p->text;
    while (isdigit((unsigned char)s[p->at]) || s[p->at] == '.' ||
           ((s[p->at] == 'e' || s[p->at] == 'E') &&
            (isdigit((unsigned char)s[p->at + 1]) ||
             ((s[p->at + 1] == '-' || s[p->at + 1] == '+') && isdigit((unsigned char)s[p->at + 2])))) ||
           ((s[p->at] == '-' || s[p->at] == '+') && (s[p->at - 1] == 'e' || s[p->at - 1] == 'E')))
        p->at++;
    size_t plain = p->at;
    look(p);
    size_t unit = unit_length(s + p->at);
    p->at = unit ? p->at + unit : plain;
    if (json_expr_number(s + n->begin, p->at - n->begin, &n->number))
        return fail(p, n->begin, "this is no number with a unit; write for example 50 GB/s");
    return close_node(p, n);
}

/* --- selectors ---------------------------------------------------------------------------------------------------- */

static const char *name(struct parser *p)
{
    look(p);
    size_t begin = p->at;
    while (isalnum((unsigned char)p->text[p->at]) || p->text[p->at] == '_' ||
           (p->at > begin && p->text[p->at] == '-' && isalpha((unsigned char)p->text[p->at + 1])))
        p->at++;
    if (p->at == begin)
        return fail(p, begin, p->text[begin] ? "a name is wanted here" : "it ends where a name is wanted");
    return arena_printf(p->arena, "%.*s", (int)(p->at - begin), p->text + begin);
}

static const char *filter_value(struct parser *p)
{
    bool quoted = look(p) == '\'';
    size_t begin = p->at += quoted, n = strcspn(p->text + begin, quoted ? "'" : ",]");
    if (!p->text[begin + n])
        return fail(p, begin, quoted ? "the quote is not closed" : "the bracket is not closed");
    p->at += n + quoted;
    while (!quoted && n && p->text[begin + n - 1] == ' ')
        n--;
    return arena_printf(p->arena, "%.*s", (int)n, p->text + begin);
}

static void filters(struct parser *p, struct json_step *step)
{
    struct json_filter **tail = &step->filters;
    do {
        struct json_filter *f = *tail = ARENA_NEW(p->arena, struct json_filter);
        tail = &f->next;
        f->key = name(p);
        if (!p->failed && !accept(p, '='))
            fail(p, p->at, "a row is chosen by [column=value]");
        if (!p->failed)
            f->value = filter_value(p);
    } while (!p->failed && accept(p, ','));
    if (!p->failed && !accept(p, ']'))
        fail(p, p->at, "']' is wanted here");
}

static struct json_node *selector(struct parser *p)
{
    struct json_node *n = new_node(p, NODE_SELECT, p->at);
    struct json_step **tail = &n->steps;
    do {
        struct json_step *step = *tail = ARENA_NEW(p->arena, struct json_step);
        tail = &step->next;
        step->name = name(p);
        n->end = p->at;
        if (!p->failed && accept(p, '[')) {
            filters(p, step);
            n->end = p->at;
        }
    } while (!p->failed && accept(p, '.'));
    return p->failed ? NULL : n;
}

/* --- operators ---------------------------------------------------------------------------------------------------- */

static struct json_node *sum(struct parser *p);

static struct json_node *call(struct parser *p, struct json_node *select)
{
    const char *names[MAX_FUNCTIONS] = {0}, *word = select->steps->name;
    for (int i = 0; json_functions[i].name; i++) {
        names[i] = json_functions[i].name;
        if (!strcmp(word, names[i]))
            select->call = &json_functions[i];
    }
    if (!select->call) {
        const char *near = cfg_nearest(word, names);
        return fail(p, select->begin,
                    arena_printf(p->arena, "there is no function '%s'%s%s%s", word, near ? "; did you mean '" : "",
                                 near ? near : "", near ? "'?" : ""));
    }
    select->kind = NODE_CALL;
    select->left = sum(p);
    if (!p->failed && !accept(p, ')'))
        return fail(p, p->at, "')' is wanted here");
    return close_node(p, select);
}

static struct json_node *factor(struct parser *p)
{
    char c = look(p);
    size_t begin = p->at;
    if (c == '-' && accept(p, c)) {
        struct json_node *n = new_node(p, NODE_NEGATE, begin);
        n->left = ++p->depth > MAX_DEPTH ? fail(p, begin, "too deeply nested") : factor(p);
        p->depth--;
        return close_node(p, n);
    }
    if (c == '(' && accept(p, c)) {
        struct json_node *n = sum(p);
        return p->failed || accept(p, ')') ? n : fail(p, p->at, "')' is wanted here");
    }
    if (isdigit((unsigned char)c) || c == '.')
        return number(p);
    struct json_node *n = selector(p);
    return n && !n->steps->next && !n->steps->filters && accept(p, '(') ? call(p, n) : n;
}

static struct json_node *chain(struct parser *p, struct json_node *(*operand)(struct parser *), const char *operators,
                               const enum json_node_kind *kinds)
{
    struct json_node *left = operand(p);
    const char *found;
    while (!p->failed && look(p) && (found = strchr(operators, p->text[p->at]))) {
        struct json_node *n = new_node(p, kinds[found - operators], left->begin);
        p->at++;
        n->left = left;
        n->right = operand(p);
        left = close_node(p, n);
    }
    return left;
}

static struct json_node *product(struct parser *p)
{
    static const enum json_node_kind kinds[] = {NODE_MULTIPLY, NODE_DIVIDE};
    return chain(p, factor, "*/", kinds);
}

static struct json_node *sum(struct parser *p)
{
    static const enum json_node_kind kinds[] = {NODE_ADD, NODE_SUBTRACT};
    if (++p->depth > MAX_DEPTH)
        return fail(p, p->at, "too deeply nested");
    struct json_node *n = chain(p, product, "+-", kinds);
    p->depth--;
    return n;
}

struct json_expr *json_expr_parse(const char *text, struct srcloc where, struct arena *arena, struct diag *diag)
{
    struct parser p = {.text = text, .where = where, .arena = arena, .diag = diag};
    struct json_expr *e = ARENA_NEW(arena, struct json_expr);
    e->text = text;
    e->root = sum(&p);
    if (!p.failed && look(&p))
        fail(&p, p.at, arena_printf(arena, "'%.20s' is not wanted here", text + p.at));
    return p.failed ? NULL : e;
}
