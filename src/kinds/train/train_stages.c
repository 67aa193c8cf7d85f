/* After Megatron-LM's core/transformer/pipeline_parallel_layer_layout.py, which expands such a text before it splits
 * it at the bars. Left out: its names of more than one letter. */
#include "kinds/train/train_stages.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LETTERS = 1 << 16 };

struct reader {
    const char *at;
    struct arena *arena;
    const char *why; /* NULL: so far it is right */
};

static char *joined(struct reader *r, const char *a, const char *b, uint32_t times)
{
    size_t n = strlen(a), m = strlen(b);
    if (n + m * times > MOST_LETTERS) {
        r->why = arena_printf(r->arena, "it is longer than %d letters when it is written out", MOST_LETTERS);
        return arena_printf(r->arena, "%s", a);
    }
    char *out = ARENA_ARRAY(r->arena, char, n + m * times + 1);
    memcpy(out, a, n);
    for (uint32_t i = 0; i < times; i++)
        memcpy(out + n + i * m, b, m);
    return out;
}

/* What "*n" says at the reader's place; 1 where there is nothing. */
static uint32_t repeats(struct reader *r)
{
    if (*r->at != '*')
        return 1;
    char *end;
    const char *number = ++r->at;
    long n = isdigit((unsigned char)*number) ? strtol(number, &end, 10) : 0;
    if (n < 1 || n > MOST_LETTERS) {
        r->why = arena_printf(r->arena, "'*' wants a number from 1 behind it, not '%.10s'", number);
        return 1;
    }
    r->at = end;
    return (uint32_t)n;
}

static const char *read_until(struct reader *r, char end);

/* A letter, a bar, or what stands in parentheses. */
static const char *read_item(struct reader *r)
{
    char c = *r->at++;
    if (c == '(') {
        const char *inside = read_until(r, ')');
        if (!r->why && *r->at++ != ')')
            r->why = "a '(' has no ')'";
        return inside;
    }
    if (!strchr("EtmL|", c))
        r->why = arena_printf(
            r->arena, "'%c' is none of E (embedding), t (layer), m (MTP module), L (head and loss), |, *n, ( )", c);
    return arena_printf(r->arena, "%c", c);
}

static const char *read_until(struct reader *r, char end)
{
    char *text = arena_printf(r->arena, "%s", "");
    while (!r->why && *r->at && *r->at != end) {
        if (isspace((unsigned char)*r->at) || *r->at == ',') {
            r->at++;
            continue;
        }
        const char *item = read_item(r);
        if (!r->why)
            text = joined(r, text, item, repeats(r));
    }
    return text;
}

static void split(const char *text, struct arena *arena, struct stage_letters *out)
{
    *out = (struct stage_letters){.stage = ARENA_ARRAY(arena, const char *, strlen(text) + 1)};
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, "|");
        out->stage[out->n++] = arena_printf(arena, "%.*s", (int)n, at);
        at += n;
        if (!*at)
            return;
    }
}

const char *stage_letters_read(const char *text, struct arena *arena, struct stage_letters *out)
{
    struct reader r = {.at = text, .arena = arena};
    const char *all = read_until(&r, '\0');
    if (!r.why)
        split(all, arena, out);
    return r.why;
}

/* How often a letter stands there. */
static uint32_t stage_letters_count(const struct stage_letters *s, char letter)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        for (const char *c = s->stage[i]; *c; c++)
            n += *c == letter;
    return n;
}

/* Embedding first, head last, MTP modules behind all layers. */
static const char *order_misfit(const struct stage_letters *s)
{
    char last = 'E';
    static const char order[] = "EtmL";
    for (uint32_t i = 0; i < s->n; i++)
        for (const char *c = s->stage[i]; *c; last = *c++)
            if (strchr(order, *c) < strchr(order, last))
                return "the order is E, then t, then m, then L";
    return NULL;
}

const char *stage_letters_misfit(const struct stage_letters *s, uint32_t layers, uint32_t mtp, uint32_t stages,
                                 struct arena *arena)
{
    uint32_t t = stage_letters_count(s, 't'), m = stage_letters_count(s, 'm');
    if (s->n != stages)
        return arena_printf(arena, "these are %u stages; there are %u (train.pp times train.virtual_stages)", s->n,
                            stages);
    if (t != layers)
        return arena_printf(arena, "these are %u layers (t); there are %u (llm.layers)", t, layers);
    if (m != mtp)
        return arena_printf(arena, "these are %u MTP modules (m); there are %u (llm.mtp_layers)", m, mtp);
    if (stage_letters_count(s, 'E') != 1 || stage_letters_count(s, 'L') != 1)
        return "there is one E and one L";
    for (uint32_t i = 0; i < s->n; i++)
        if (!*s->stage[i])
            return arena_printf(arena, "stage %u is empty", i);
    return order_misfit(s);
}
