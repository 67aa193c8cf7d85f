/* Claims: the table of keys, and the checks between them. */
#include "config.h" /* strverscmp */

#include "io/results/claim_file.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg_rows.h"
#include "base/data_find.h"
#include "base/units.h"
#include "io/json_expr_priv.h"
#include "io/scenario.h"

const char *const claim_class_names[] = {"closed-form", "count", "calibrated", "predicted", "unvalidated", NULL};
static const char *const order_names[] = {"none", "below", "above", "similar", NULL};
static const char *const rounding_names[] = {"nearest", "down", NULL};

static const struct cfg_field expect_fields[] = {
    ROW_TEXT(claim_expect, "value", value_text, "", "what the paper prints, a plain number in the claim's unit"),
    ROW_TEXT(claim_expect, "at_least", at_least_text, "", "instead of value: a bound, in the claim's unit"),
    ROW_TEXT(claim_expect, "at_most", at_most_text, "", "instead of value: a bound, in the claim's unit"),
    ROW_TEXT(claim_expect, "digits", digits_text, "",
             "with value: decimal places that must be equal; -2 for 'about 1,200'"),
    ROW_CHOICE(claim_expect, "rounding", rounding, "nearest", rounding_names,
               "with digits: how the paper came to them"),
    ROW_RATIO(claim_expect, "tolerance", tolerance_ratio, "0", 0, 10,
              "with value, without digits: how far ours may be off; with order: similar, too"),
    ROW_CHOICE(claim_expect, "order", order, "none", order_names, "instead of value: how ours stands to other's"),
    {0},
};
static const struct cfg_table expect_table = {
    .name = "expect", .doc = "when the claim holds", .size = sizeof(struct claim_expect), .fields = expect_fields};

static const struct cfg_field other_fields[] = {
    ROW_TEXT(claim_source, "scenario", scenario, "", "another run; without it the claim's own"),
    ROW_TEXT(claim_source, "set", set, "", "changes to it, as after -s: 'cluster.nodes=18; sim.seed=2'"),
    ROW_TEXT(claim_source, "command", command, "", "instead of scenario: a command line of moesim that prints JSON"),
    ROW_TEXT(claim_source, "metric", metric_text, "", "the number in it; without it the claim's own metric"),
    {0},
};
static const struct cfg_table other_table = {
    .name = "other", .doc = "what an order compares with", .size = sizeof(struct claim_source), .fields = other_fields};

static const struct cfg_field claim_fields[] = {
    ROW_TEXT(claim, "id", id, NULL, "the file's name without .yaml"),
    ROW_TEXT(claim, "section", section, NULL, "of the paper, with table or figure: '2.1.2 Table 1'"),
    ROW_TEXT(claim, "quote", quote, NULL, "the paper's own words"),
    ROW_TEXT(claim, "scenario", ours.scenario, "", "what runs: a scenario, found as data files are"),
    ROW_TEXT(claim, "set", ours.set, "", "changes to it, as after -s: 'cluster.nodes=18; sim.seed=2'"),
    ROW_TEXT(claim, "command", ours.command, "", "instead of scenario: a command line of moesim that prints JSON"),
    ROW_TEXT(claim, "metric", ours.metric_text, NULL,
             "our number in it: a metric, table[column=value].column, arithmetic on these"),
    ROW_PART(claim, "other", other, other_table, "what an order compares with"),
    ROW_TEXT(claim, "unit", unit, "", "of paper and ours: one of moesim's (us, GB/s, KB, %), or any words"),
    ROW_PART(claim, "expect", expect, expect_table, "when the claim holds"),
    ROW_CHOICE(
        claim, "class", class, NULL, claim_class_names,
        "what kind of agreement it is: only 'predicted' says something about the model; 'unvalidated' is what the "
        "paper expects or proposes and nobody measured"),
    ROW_TEXT(claim, "constants", constants, "", "class calibrated: which constants were fitted to it"),
    ROW_TEXT(claim, "disputed", disputed, "", "why the statement cannot hold as it is printed"),
    ROW_TEXT(claim, "baseline", baseline_text, "",
             "our value where it misses or is disputed, in the claim's unit: a change is noticed"),
    ROW_RATIO(claim, "baseline_tolerance", baseline_tolerance_ratio, "0.5 %", 0, 1, "how far it may move unnoticed"),
    ROW_TEXT(claim, "chip", chip, "", "of a public measurement: what it was measured on"),
    ROW_TEXT(claim, "software", software, "", "with which software, of which version"),
    ROW_TEXT(claim, "date", date, "", "when that was published"),
    ROW_TEXT(claim, "conditions", conditions, "", "under which conditions"),
    ROW_TEXT(claim, "source", origin, "", "where it was published"),
    ROW_TEXT(claim, "peer", peer, "", "what another simulator says of it, and where"),
    ROW_TEXT(claim, "remark", remark, "", "what a reader should know"),
    {0},
};
const struct cfg_table claim_table = {
    .name = "claim", .doc = "A claim of the paper", .size = sizeof(struct claim), .fields = claim_fields};

struct loading {
    struct cfg *cfg;
    struct claim *claim;
    const char *path;
    const char *const *commands;
    struct arena *arena;
    struct diag *diag;
};

static struct srcloc place(const struct loading *l, const char *key)
{
    struct srcloc where = cfg_where(l->cfg, key);
    return where.file ? where : SRCLOC_FILE(l->path);
}

#define CLAIM_ERROR(l, key, ...) diag_error((l)->diag, EXIT_BAD_INPUT, place((l), (key)), __VA_ARGS__)

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A plain number, or NaN when the key was not given. */
static double number_of(const struct loading *l, const char *key, const char *text)
{
    char *end;
    if (!*text)
        return NAN;
    double x = strtod(text, &end);
    if (*end || !isfinite(x)) {
        CLAIM_ERROR(l, key,
                    "%s: '%.40s' is no plain number; its unit is the claim's: write for example "
                    "'%s: 120.96' and 'unit: us'",
                    key, text, strrchr(key, '.') ? strrchr(key, '.') + 1 : key);
        return NAN;
    }
    return x;
}

static void read_numbers(const struct loading *l)
{
    struct claim *c = l->claim;
    char one[64];
    c->expect.value = number_of(l, "expect.value", c->expect.value_text);
    c->expect.at_least = number_of(l, "expect.at_least", c->expect.at_least_text);
    c->expect.at_most = number_of(l, "expect.at_most", c->expect.at_most_text);
    c->expect.digits = number_of(l, "expect.digits", c->expect.digits_text);
    c->baseline = number_of(l, "baseline", c->baseline_text);
    snprintf(one, sizeof one, "1 %.40s", c->unit);
    c->unit_is_known = *c->unit && !json_expr_number(one, strlen(one), &c->unit_SI);
    if (!c->unit_is_known)
        c->unit_SI = 1;
}

/* --- what runs ---------------------------------------------------------------------------------------------------- */

struct words {
    const char **word;
    int n;
    struct arena *arena;
};

static void add_word(struct words *w, const char *text)
{
    w->word[w->n++] = text;
}

/* Words of a command line, split at blanks, with ' and " around what belongs together. -1 when a quote is open. */
static int split_command(struct words *w, const char *line)
{
    while (*(line += strspn(line, " \t\n"))) {
        char *word = ARENA_ARRAY(w->arena, char, strlen(line) + 1), *out = word, quote = 0;
        for (; *line && (quote || !strchr(" \t\n", *line)); line++)
            if (quote ? *line == quote : *line == '\'' || *line == '"')
                quote = quote ? 0 : *line;
            else
                *out++ = *line;
        if (quote)
            return -1;
        add_word(w, word);
    }
    return 0;
}

/* 'a=1; b=2' becomes -s a=1 -s b=2. */
static void split_set(struct words *w, const char *set)
{
    char *rest = arena_strdup(w->arena, set), *part;
    while ((part = strsep(&rest, ";"))) {
        part += strspn(part, " \t\n");
        size_t n = strlen(part);
        while (n && strchr(" \t\n", part[n - 1]))
            part[--n] = '\0';
        if (!n)
            continue;
        add_word(w, "-s");
        add_word(w, part);
    }
}

/* Quoted for a shell where that is needed. */
static const char *shown_word(const char *word, struct arena *arena)
{
    return word[strcspn(word, " \t\n;&|<>()$`\"*?[#~")] ? arena_printf(arena, "'%s'", word) : word;
}

static void join_line(struct claim_source *s, const struct words *w)
{
    s->line = "moesim";
    for (int i = 0; i < w->n; i++)
        s->line = arena_printf(w->arena, "%s %s", s->line, shown_word(w->word[i], w->arena));
}

static void check_command_name(const struct loading *l, const char *key, const char *word)
{
    for (const char *const *c = l->commands; *c; c++)
        if (!strcmp(*c, word))
            return;
    const char *near = cfg_nearest(word, l->commands);
    CLAIM_ERROR(l, key, "a claim cannot run 'moesim %.40s'%s%s%s", word, near ? "; did you mean '" : "",
                near ? near : "", near ? "'?" : "");
}

static void find_files(const struct loading *l, const char *prefix, struct claim_source *s, struct words *w)
{
    for (int i = 0; i < w->n; i++) {
        const char *found = strchr(w->word[i], '/') ? data_find(w->word[i], l->path, l->arena) : NULL;
        if (found)
            w->word[i] = found;
        else if (*s->scenario && i == 1)
            CLAIM_ERROR(l, arena_printf(l->arena, "%sscenario", prefix), "there is no scenario '%s'", s->scenario);
    }
}

/* The claim's own, or with prefix "other." that of its other side. */
static void read_source(const struct loading *l, const char *prefix, struct claim_source *s)
{
    const char *command_key = arena_printf(l->arena, "%scommand", prefix);
    struct words w = {.arena = l->arena};
    w.word = ARENA_ARRAY(l->arena, const char *, strlen(s->command) + 2 * strlen(s->set) + 8);
    if (*s->scenario && *s->command)
        CLAIM_ERROR(l, command_key, "either a scenario or a command, not both");
    if (*s->set && !*s->scenario)
        CLAIM_ERROR(l, arena_printf(l->arena, "%sset", prefix),
                    "'set' is of a scenario; in a command write -s key=value");
    if (*s->scenario) {
        add_word(&w, "run");
        add_word(&w, s->scenario);
        split_set(&w, s->set);
        add_word(&w, "--json");
    } else if (split_command(&w, s->command)) {
        CLAIM_ERROR(l, command_key, "a quote is not closed");
    }
    join_line(s, &w);
    if (w.n)
        check_command_name(l, command_key, w.word[0]);
    find_files(l, prefix, s, &w);
    s->argv = w.word;
    s->argc = w.n;
    if (*s->metric_text)
        s->metric =
            json_expr_parse(s->metric_text, place(l, arena_printf(l->arena, "%smetric", prefix)), l->arena, l->diag);
}

/* What the other side does not say is as on the claim's own. */
static void complete_other(struct claim *c)
{
    if (!c->other.argc) {
        c->other.argv = c->ours.argv;
        c->other.argc = c->ours.argc;
        c->other.line = c->ours.line;
    }
    if (!*c->other.metric_text)
        c->other.metric = c->ours.metric;
}

/* --- checks between keys ------------------------------------------------------------------------------------------ */

static void check_names(const struct loading *l)
{
    const struct claim *c = l->claim;
    const char *slash = strrchr(l->path, '/'), *base = slash ? slash + 1 : l->path;
    size_t n = strlen(base) - strlen(".yaml");
    if (strlen(c->id) != n || strncmp(c->id, base, n))
        CLAIM_ERROR(l, "id", "id is '%.60s', but the file is called '%s'; they must agree", c->id, base);
    if (!*c->ours.scenario && !*c->ours.command)
        CLAIM_ERROR(l, "id",
                    "a claim says what runs: 'scenario: scenarios/NAME.yaml' or 'command: topo --table3 "
                    "--format json'");
    if (!*c->quote || !*c->section)
        CLAIM_ERROR(l, *c->quote ? "section" : "quote", "it must not be empty");
}

static void check_expect(const struct loading *l)
{
    const struct claim_expect *e = &l->claim->expect;
    const struct claim_source *o = &l->claim->other;
    bool has_other = *o->scenario || *o->command || *o->metric_text;
    int ways = !isnan(e->value) + (!isnan(e->at_least) || !isnan(e->at_most)) + (e->order != ORDER_NONE);
    bool said = *e->value_text || *e->at_least_text || *e->at_most_text;
    if (ways != 1 && !(ways == 0 && said)) /* a number that is none was told already */
        CLAIM_ERROR(l, "expect", "say when the claim holds, in one way: 'value', 'at_least' and 'at_most', or 'order'");
    if (!isnan(e->value) && isnan(e->digits) && !cfg_where(l->cfg, "expect.tolerance").file)
        CLAIM_ERROR(l, "expect.value",
                    "say how close ours must be: 'digits: 2' (decimal places), or 'tolerance: 1 %%'");
    if ((e->order != ORDER_NONE) != has_other)
        CLAIM_ERROR(l, has_other ? "other" : "expect.order",
                    "'order' and 'other' belong together: other says with what ours is compared");
    if (fabs(e->digits) > 12 || e->digits != round(e->digits))
        if (!isnan(e->digits))
            CLAIM_ERROR(l, "expect.digits", "it is a whole number of decimal places, from -12 to 12");
    if (e->at_least > e->at_most)
        CLAIM_ERROR(l, "expect.at_least", "it is larger than at_most");
}

static void check_class(const struct loading *l)
{
    const struct claim *c = l->claim;
    if ((c->class == CLASS_CALIBRATED) != (*c->constants != 0))
        CLAIM_ERROR(l, *c->constants ? "constants" : "class",
                    "'class: calibrated' and 'constants' belong together: name what was fitted to this number");
    if (c->class == CLASS_UNVALIDATED && *c->expect.digits_text)
        CLAIM_ERROR(l, "expect.digits",
                    "a number that the paper prints is no 'class: unvalidated': that is for a direction "
                    "that nobody measured; write 'class: predicted'");
    if (*c->disputed && isnan(c->baseline))
        CLAIM_ERROR(l, "disputed", "a disputed claim needs 'baseline', our value, so that a change is noticed");
}

static int load_claim(struct loading *l)
{
    size_t before = diag_count(l->diag);
    l->cfg = cfg_new(&claim_table, l->arena);
    if (cfg_load_file(l->cfg, l->path, "", false, NULL, l->diag) || cfg_finish(l->cfg, l->diag))
        return -1;
    *l->claim = *(struct claim *)cfg_struct(l->cfg);
    l->claim->path = l->path;
    read_numbers(l);
    read_source(l, "", &l->claim->ours);
    read_source(l, "other.", &l->claim->other);
    complete_other(l->claim);
    check_names(l);
    check_expect(l);
    check_class(l);
    return diag_count(l->diag) > before ? -1 : 0;
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

static int by_section(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = strverscmp(x->section, y->section);
    return order ? order : strverscmp(x->id, y->id);
}

static int is_claim(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 5 && !strcmp(e->d_name + n - 5, ".yaml");
}

struct claim *claims_load(const char *folder, const char *const *commands, struct arena *arena, uint32_t *n,
                          struct diag *diag)
{
    struct dirent **entries;
    size_t before = diag_count(diag);
    int found = scandir(folder, &entries, is_claim, alphasort);
    if (found < 0) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(folder), "cannot list claims: %s", strerror(errno));
        return NULL;
    }
    struct claim *claims = ARENA_ARRAY(arena, struct claim, (size_t)found + 1);
    for (int i = 0; i < found; i++) {
        struct loading l = {.claim = &claims[i], .commands = commands, .arena = arena, .diag = diag};
        l.path = arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
        load_claim(&l);
        free(entries[i]);
    }
    free(entries);
    if (diag_count(diag) > before)
        return NULL;
    if (!found)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(folder), "there is no claim in it (files *.yaml)");
    qsort(claims, (size_t)found, sizeof *claims, by_section);
    *n = (uint32_t)found;
    return found ? claims : NULL;
}
