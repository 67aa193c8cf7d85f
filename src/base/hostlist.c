#include "base/hostlist.h"

#include <stdbool.h>
#include <string.h>

struct expansion {
    struct hostlist *list;
    struct arena *arena;
    const char **why;
    int brackets; /* that are open around what is being written */
};

enum { MOST_BRACKETS = 4, MOST_DIGITS = 9 };

static int refuse(struct expansion *x, const char *why)
{
    *x->why = why;
    return -1;
}

static int add_name(struct expansion *x, const char *name)
{
    struct hostlist *l = x->list;
    if (!*name)
        return refuse(x, "an empty name");
    if (l->n == HOSTLIST_MAX)
        return refuse(x, "more than a million hosts");
    if (!(l->n & (l->n - 1))) { /* full at powers of two */
        const char **more = ARENA_ARRAY(x->arena, const char *, l->n ? 2 * (size_t)l->n + 1 : 2);
        if (l->n)
            memcpy(more, l->names, l->n * sizeof *more);
        l->names = more;
    }
    l->names[l->n++] = name;
    return 0;
}

static int expand(struct expansion *x, const char *before, const char *text, const char *end);

/* A number of one range with as many digits as the first, and what comes behind the bracket. */
static int add_number(struct expansion *x, const char *before, unsigned long number, int digits, const char *behind,
                      const char *end)
{
    return expand(x, arena_printf(x->arena, "%s%0*lu", before, digits, number), behind, end);
}

static const char *read_number(const char *at, const char *end, unsigned long *out)
{
    const char *start = at;
    for (*out = 0; at < end && *at >= '0' && *at <= '9' && at - start < MOST_DIGITS; at++)
        *out = 10 * *out + (unsigned long)(*at - '0');
    return at == start ? NULL : at;
}

static int expand_ranges(struct expansion *x, const char *before, const char *at, const char *close, const char *end)
{
    while (at < close) {
        unsigned long from, to;
        const char *behind = read_number(at, close, &from);
        if (!behind)
            return refuse(x, "brackets hold numbers and ranges, as in tux[00-15,20]");
        int digits = (int)(behind - at);
        to = from;
        if (behind < close && *behind == '-' && !(behind = read_number(behind + 1, close, &to)))
            return refuse(x, "a range has two numbers, as in tux[00-15]");
        if (to < from || to - from >= HOSTLIST_MAX)
            return refuse(x, "a range runs from the smaller number to the larger one, and over a million at most");
        for (unsigned long i = from; i <= to; i++)
            if (add_number(x, before, i, digits, close + 1, end))
                return -1;
        if (behind < close && *behind++ != ',')
            return refuse(x, "brackets hold numbers and ranges, as in tux[00-15,20]");
        at = behind;
    }
    return 0;
}

static int expand(struct expansion *x, const char *before, const char *text, const char *end)
{
    const char *open = memchr(text, '[', (size_t)(end - text)), *close;
    if (!open)
        return add_name(x, arena_printf(x->arena, "%s%.*s", before, (int)(end - text), text));
    close = memchr(open, ']', (size_t)(end - open));
    if (!close || close == open + 1)
        return refuse(x, "a bracket is not closed, or empty");
    if (x->brackets == MOST_BRACKETS)
        return refuse(x, "more than four pairs of brackets in a name");
    x->brackets++;
    int failed =
        expand_ranges(x, arena_printf(x->arena, "%s%.*s", before, (int)(open - text), text), open + 1, close, end);
    x->brackets--;
    return failed;
}

/* Up to the next comma outside of brackets. */
static const char *end_of_name(const char *at, const char *end)
{
    bool inside = false;
    for (; at < end && (inside || *at != ','); at++)
        inside = *at == '[' || (inside && *at != ']');
    return at;
}

int hostlist_add(struct hostlist *list, const char *text, size_t len, struct arena *arena, const char **why)
{
    struct expansion x = {list, arena, why, 0};
    const char *end = text + len;
    for (const char *at = text; at < end; at++) {
        const char *stop = end_of_name(at, end);
        if (expand(&x, "", at, stop))
            return -1;
        at = stop;
    }
    return 0;
}
