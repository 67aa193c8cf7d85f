#include "models/llm/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct reader {
    const char *at, *why;
    const char **names; /* [layers] of the whole pattern so far */
    uint32_t n, layers;
    struct arena *arena;
};

static void skip(struct reader *r)
{
    while (isspace((unsigned char)*r->at) || *r->at == ',')
        r->at++;
}

static bool fail(struct reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return false;
}

static void put(struct reader *r, const char *name)
{
    if (r->n == r->layers)
        fail(r, "it names more layers than the model has");
    else
        r->names[r->n++] = name;
}

/* What was read since `from`, so often in all. */
static void repeat(struct reader *r, uint32_t from)
{
    uint32_t to = r->n, times = 0;
    skip(r);
    if (*r->at != '*')
        return;
    r->at++;
    skip(r);
    for (; isdigit((unsigned char)*r->at) && times <= r->layers; r->at++)
        times = 10 * times + (uint32_t)(*r->at - '0');
    if (!times)
        fail(r, "'*' is followed by how often, from 1: 'window*3'");
    for (uint32_t i = 1; i < times && !r->why; i++)
        for (uint32_t k = from; k < to; k++)
            put(r, r->names[k]);
}

static void read_name(struct reader *r)
{
    const char *from = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    if (r->at == from)
        fail(r, "it is names, '*' with a count, and parentheses, for example 'window*3 full'");
    else
        put(r, arena_printf(r->arena, "%.*s", (int)(r->at - from), from));
}

static bool at_end(const struct reader *r)
{
    return r->why || !*r->at || *r->at == ')';
}

static void read_list(struct reader *r, int depth)
{
    enum { DEEPEST = 16 };
    for (skip(r); !at_end(r); skip(r)) {
        uint32_t from = r->n;
        if (*r->at != '(') {
            read_name(r);
        } else if (depth == DEEPEST) {
            fail(r, "parentheses are nested too deeply");
        } else {
            r->at++;
            read_list(r, depth + 1);
            if (*r->at == ')')
                r->at++;
            else
                fail(r, "a ')' is missing");
            if (r->n == from)
                fail(r, "parentheses are empty");
        }
        if (!r->why)
            repeat(r, from);
    }
}

const char *pattern_read(const char *text, uint32_t layers, const char **names, struct arena *arena)
{
    struct reader r = {.at = text, .names = names, .layers = layers, .arena = arena};
    read_list(&r, 0);
    if (!r.why && *r.at)
        fail(&r, "a ')' has no '('");
    if (!r.why && !r.n)
        fail(&r, "it names no layer");
    for (uint32_t i = r.n, period = r.n; !r.why && i < layers; i++)
        names[i] = names[i - period];
    return r.why;
}
