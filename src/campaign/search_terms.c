#include "campaign/search_terms.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "campaign/search_cost.h"

static const char *skip_space(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

static const char *word(const char **s, const char *end_at, struct arena *a)
{
    const char *from = skip_space(*s);
    size_t n = strcspn(from, end_at);
    while (n && isspace((unsigned char)from[n - 1]))
        n--;
    *s = from + n;
    return arena_printf(a, "%.*s", (int)n, from);
}

/* The word "and", in any case, between spaces. */
static const char *next_and(const char *s)
{
    for (const char *p = s; *p; p++)
        if (isspace((unsigned char)*p) && !strncasecmp(skip_space(p), "and", 3) &&
            isspace((unsigned char)skip_space(p)[3]))
            return p;
    return NULL;
}

static int parse_term(struct search_term *t, const char *text, struct arena *a, struct diag *diag)
{
    static const char *const ops[] = {"<=", ">=", "<", ">", "="};
    const char *s = text;
    t->text = word(&s, "", a);
    s = text;
    t->name = word(&s, " \t<>=", a);
    s = skip_space(s);
    if (!strcmp(t->name, "memory") && !strcmp(word(&s, "", a), "fits")) {
        *t = (struct search_term){.text = t->text, .name = "memory", .op = "<=", .fits = true};
        return 0;
    }
    s = skip_space(text) + strlen(t->name);
    s = skip_space(s);
    for (size_t i = 0; i < sizeof ops / sizeof *ops && !t->op; i++)
        if (!strncmp(s, ops[i], strlen(ops[i])))
            t->op = ops[i];
    if (*t->name && t->op) {
        s += strlen(t->op);
        t->value = word(&s, "", a);
    }
    if (t->value && *t->value)
        return 0;
    diag_error(diag, EXIT_USAGE, SRCLOC_NONE,
               "--where: '%s' is no condition; write for example 'tpot <= 50 ms and memory fits'", text);
    return -1;
}

struct search_term *search_terms_parse(const char *text, uint32_t *n, struct arena *arena, struct diag *diag)
{
    size_t most = strlen(text) / 4 + 2;
    struct search_term *terms = ARENA_ARRAY(arena, struct search_term, most);
    *n = 0;
    for (const char *s = text; s;) {
        const char *end = next_and(s);
        const char *part = end ? arena_printf(arena, "%.*s", (int)(end - s), s) : s;
        if (parse_term(&terms[(*n)++], part, arena, diag))
            return NULL;
        s = end ? skip_space(end) + 3 : NULL;
    }
    return terms;
}

int search_term_read(struct search_term *t, enum unit_dim dim, struct diag *diag)
{
    char why[512];
    if (t->fits || !unit_parse(t->value, strlen(t->value), dim, &t->limit, why, sizeof why))
        return 0;
    diag_error(diag, EXIT_USAGE, SRCLOC_NONE, "--where: %s %s: %s", t->name, t->op, why);
    return -1;
}

bool search_term_holds(const struct search_term *t, double value)
{
    if (*t->op == '=')
        return value == t->limit;
    bool equal = t->op[1] == '=' && value == t->limit;
    return equal || (*t->op == '<' ? value < t->limit : value > t->limit);
}

enum search_side search_side_of(const char *metric, enum unit_dim dim, bool is_point)
{
    static const char *const rates[] = {"tokens_per", "mfu", "requests_per", "goodput", "throughput"};
    /* Those of use are sums of what a time costs and of what work costs, whatever it takes (kinds/cost.c): a shorter time
     * never makes them larger; faster hardware does. */
    static const char *const costs[] = {"gpu_hours",        "training_cost",    "run_cost",
                                        "run_energy",       "cluster_cost",     "cost_per_million_tokens",
                                        "energy_per_token", SEARCH_NETWORK_COST};
    if (dim == DIM_TIME)
        return SEARCH_AT_LEAST;
    if (dim == DIM_FLOPS || dim == DIM_BANDWIDTH)
        return SEARCH_AT_MOST;
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
        if (!strcmp(metric, costs[i]))
            return is_point ? SEARCH_AT_LEAST : SEARCH_SAYS_NOTHING;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (!strncmp(metric, rates[i], strlen(rates[i])))
            return SEARCH_AT_MOST;
    return SEARCH_SAYS_NOTHING;
}

bool search_term_is_broken(const struct search_term *t, double bound, enum search_side side)
{
    if (isnan(bound) || side == SEARCH_SAYS_NOTHING)
        return false;
    bool wants_small = *t->op != '>', wants_large = *t->op != '<';
    return (wants_small && side == SEARCH_AT_LEAST && bound > t->limit) ||
           (wants_large && side == SEARCH_AT_MOST && bound < t->limit);
}
