/* Reading and applying proposals.
 *
 * Order matters for those that scale what stands there; keys that are set outright may be set by one proposal
 * only, and not by -s beside it: whoever asks for both has contradicted himself. */
#include "proposals/stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml_doc.h"

const char *const proposal_mechanism_names[] = {"patch", "policy", "rewrite", NULL};

struct proposal_change {
    struct proposal_stack *stack;
    uint32_t use;
    struct cfg *cfg;
    const char *kind;
    bool overrides_give_way;
    struct diag *diag;
};

/* One more element at the end of an arena-owned array. */
#define GROW(arena, array, n, cap) \
    do { \
        if ((n) == (cap)) { \
            void *old_ = (array); \
            (cap) = 2 * (cap) + 8; \
            (array) = arena_array((arena), sizeof *(array), (cap)); \
            if (n) \
                memcpy((array), old_, (n) * sizeof *(array)); \
        } \
    } while (0)

struct proposal_stack *proposal_stack_new(struct arena *arena)
{
    struct proposal_stack *s = ARENA_NEW(arena, struct proposal_stack);
    s->arena = arena;
    return s;
}

/* --- reading ------------------------------------------------------------------------------------------ */

/* The place `offset` bytes behind another one, where its text is known. */
static struct srcloc behind(struct srcloc where, size_t offset)
{
    if (where.text && where.column)
        where.column += (int)offset;
    return where;
}

static void report_unknown_proposal(struct proposal_stack *s, const char *name, struct srcloc where, struct diag *diag)
{
    const struct proposal *const *all = proposal_all();
    size_t n = 0;
    while (all[n])
        n++;
    const char **names = ARENA_ARRAY(s->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = all[i]->name;
    const char *near = cfg_nearest(name, names);
    if (strpbrk(name, ";,+ "))
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "'%.60s' is no name of a proposal; write --proposal for each, or the key "
                   "-s proposals='FIRST;SECOND'",
                   name);
    else
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "there is no proposal '%.60s'%s%s%s ('moesim list proposals' lists them)", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Without blanks at the ends; *skipped are those at the start. */
static const char *trimmed(struct arena *arena, const char *s, size_t n, size_t *skipped)
{
    *skipped = strspn(s, " \t");
    if (*skipped > n)
        *skipped = n;
    s += *skipped, n -= *skipped;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    return arena_printf(arena, "%.*s", (int)n, s);
}

static int read_parameter(struct proposal_stack *s, const struct proposal *p, struct cfg *cfg, const char *text,
                          size_t n, struct srcloc where, struct diag *diag)
{
    const char *equals = memchr(text, '=', n);
    size_t lead, value_lead;
    if (!equals) {
        diag_error(diag, EXIT_BAD_INPUT, where, "'%.*s' is no parameter; write %s:%s=VALUE", (int)n, text, p->name,
                   p->parameters->fields[0].name);
        return -1;
    }
    struct cfg_assignment a = {.key = trimmed(s->arena, text, (size_t)(equals - text), &lead)};
    a.value = trimmed(s->arena, equals + 1, n - (size_t)(equals + 1 - text), &value_lead);
    a.key_at = behind(where, lead);
    a.value_at = behind(where, (size_t)(equals + 1 - text) + value_lead);
    a.source = arena_printf(s->arena, "proposal %s", p->name);
    return cfg_assign(cfg, &a, diag);
}

static int read_parameters(struct proposal_stack *s, struct proposal_use *u, const char *text, struct srcloc where,
                           struct diag *diag)
{
    int bad = 0;
    if (!u->type->parameters) {
        if (text)
            diag_error(diag, EXIT_BAD_INPUT, where, "proposal %s has no parameters; write '%s' alone", u->type->name,
                       u->type->name);
        return text ? -1 : 0;
    }
    struct cfg *cfg = cfg_new(u->type->parameters, s->arena);
    for (size_t at = 0; text && text[at];) {
        size_t n = strcspn(text + at, ",");
        bad |= read_parameter(s, u->type, cfg, text + at, n, behind(where, at), diag);
        at += n + (text[at + n] == ',');
    }
    u->parameters = cfg_struct(cfg);
    return bad || cfg_finish(cfg, diag) ? -1 : 0;
}

static int check_twice(const struct proposal_stack *s, const struct proposal *p, struct srcloc where, struct diag *diag)
{
    for (uint32_t i = 0; i < s->n_uses; i++)
        if (s->uses[i].type == p) {
            diag_error(diag, EXIT_BAD_INPUT, where, "proposal %s is given twice ('%s' before); leave one out", p->name,
                       s->uses[i].text);
            return -1;
        }
    return 0;
}

/* Adds "NAME" or "NAME:key=value,..."; text is part of where.text, or stands by itself. 0 or -1. */
static int proposal_stack_add(struct proposal_stack *s, const char *text, struct srcloc where, struct diag *diag)
{
    const char *colon = strchr(text, ':');
    size_t lead, n = colon ? (size_t)(colon - text) : strlen(text);
    const char *name = trimmed(s->arena, text, n, &lead);
    where = behind(where, lead);
    const struct proposal *p = proposal_find(name);
    if (!p) {
        report_unknown_proposal(s, name, where, diag);
        return -1;
    }
    struct proposal_use u = {.type = p, .text = arena_printf(s->arena, "%s", text + lead), .where = where};
    if (check_twice(s, p, where, diag) ||
        read_parameters(s, &u, colon ? colon + 1 : NULL, behind(where, n + 1 - lead), diag))
        return -1;
    GROW(s->arena, s->uses, s->n_uses, s->cap_uses);
    s->uses[s->n_uses++] = u;
    return 0;
}

int proposal_stack_add_option(struct proposal_stack *s, const char *text, struct diag *diag)
{
    static const char option[] = "--proposal ";
    const char *all = arena_printf(s->arena, "%s%s", option, text);
    struct srcloc where = {.file = all, .text = all, .text_len = strlen(all), .column = (int)sizeof option};
    const char *what, *bad = yaml_bad_byte(all, strlen(all), &what);
    if (bad) {
        diag_error(diag, EXIT_BAD_INPUT, behind(where, (size_t)(bad - all) + 1 - sizeof option), "%s", what);
        return -1;
    }
    return proposal_stack_add(s, text, where, diag);
}

int proposal_stack_add_list(struct proposal_stack *s, const char *list, struct srcloc where, struct diag *diag)
{
    int bad = 0;
    for (size_t at = 0; list[at];) {
        size_t n = strcspn(list + at, ";");
        const char *one = arena_printf(s->arena, "%.*s", (int)n, list + at);
        if (one[strspn(one, " \t")])
            bad |= proposal_stack_add(s, one, where, diag);
        at += n + (list[at + n] == ';');
    }
    return bad;
}

void proposal_stack_leave_out(struct proposal_stack *s, uint32_t use)
{
    BUG_IF(use >= s->n_uses || s->n_keys);
    s->n_uses--;
    for (uint32_t i = use; i < s->n_uses; i++)
        s->uses[i] = s->uses[i + 1];
}

/* --- applying ----------------------------------------------------------------------------------------- */

static const struct proposal_use *use_of(const struct proposal_change *c)
{
    return &c->stack->uses[c->use];
}

void proposal_misfit(struct proposal_change *c, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_error(c->diag, EXIT_BAD_INPUT, use_of(c)->where, "proposal %s: %s", use_of(c)->type->name, text);
}

bool proposal_kind_is(const struct proposal_change *c, const char *kind)
{
    return !strcmp(c->kind, kind);
}

static struct cfg_leaf_state state_of(struct proposal_change *c, const char *key)
{
    struct cfg_leaf_state s;
    if (!cfg_state(c->cfg, key, &s))
        BUG("proposal %s: kind %s does not read '%s'", use_of(c)->type->name, c->kind, key);
    return s;
}

double proposal_number(struct proposal_change *c, const char *key)
{
    struct cfg_leaf_state s = state_of(c, key);
    BUG_IF(s.field->type != CFG_QUANTITY && s.field->type != CFG_INT);
    return s.field->type == CFG_INT ? (double)*(const int64_t *)s.value : *(const double *)s.value;
}

const char *proposal_text(struct proposal_change *c, const char *key)
{
    return state_of(c, key).text;
}

bool proposal_has_packets(struct proposal_change *c)
{
    if (!strcmp(proposal_text(c, "sim.network"), "packet"))
        return true;
    proposal_misfit(c, "queues and packets are simulated by network 'packet' only; give '-s sim.network=packet'");
    return false;
}

/* The last of the other proposals that set the key, or NULL. */
static const struct proposal_key *set_before(const struct proposal_change *c, const char *key)
{
    const struct proposal_stack *s = c->stack;
    for (uint32_t i = s->n_keys; i-- > 0;)
        if (s->keys[i].use != c->use && !strcmp(s->keys[i].key, key))
            return &s->keys[i];
    return NULL;
}

static bool contradicts(struct proposal_change *c, const char *key, const char *value)
{
    const struct proposal_key *before = set_before(c, key);
    const char *source = cfg_source(c->cfg, key);
    if (before && (before->scaled || strcmp(before->value, value))) {
        proposal_misfit(c,
                        before->scaled ? "it sets %s to %s, which undoes what %s did to it; give %s first"
                                       : "it sets %s to %s, but %s set it to %s; they contradict each other",
                        key, value, c->stack->uses[before->use].type->name,
                        before->scaled ? use_of(c)->type->name : before->value);
        return true;
    }
    if (!before && !c->overrides_give_way && source && !strncmp(source, "command line: ", 14)) {
        proposal_misfit(c, "it sets %s to %s, but '%s' gives it too; leave one of them out", key, value, source + 14);
        return true;
    }
    return false;
}

/* What a mechanism may touch: numbers, or also what chooses. */
static void check_mechanism(const struct proposal_change *c, const struct cfg_leaf_state *s, const char *key)
{
    bool number = s->field->type == CFG_QUANTITY || s->field->type == CFG_INT;
    if (use_of(c)->type->mechanism == PROPOSAL_PATCH && !number)
        BUG("proposal %s is a patch, but %s is no number", use_of(c)->type->name, key);
}

static void write_key(struct proposal_change *c, const char *key, const char *value, bool scaled)
{
    struct proposal_stack *s = c->stack;
    struct cfg_leaf_state before = state_of(c, key);
    check_mechanism(c, &before, key);
    struct cfg_assignment a = {
        .key = key,
        .value = value,
        .source = arena_printf(s->arena, "proposal %s (paper %s)", use_of(c)->type->name, use_of(c)->type->ref),
        .key_at = use_of(c)->where,
        .value_at = use_of(c)->where};
    if (cfg_assign(c->cfg, &a, c->diag))
        return;
    const char *now = proposal_text(c, key);
    s->uses[c->use].changed += strcmp(now, before.text) != 0;
    GROW(s->arena, s->keys, s->n_keys, s->cap_keys);
    s->keys[s->n_keys++] = (struct proposal_key){key, now, c->use, scaled};
}

void proposal_set(struct proposal_change *c, const char *key, const char *value)
{
    if (!contradicts(c, key, value))
        write_key(c, key, value, false);
}

void proposal_set_number(struct proposal_change *c, const char *key, double si)
{
    struct cfg_leaf_state s = state_of(c, key);
    proposal_set(c, key, cfg_number_text(s.field, si, c->stack->arena));
}

void proposal_scale(struct proposal_change *c, const char *key, double factor)
{
    BUG_IF(use_of(c)->type->rewrite); /* --print names it again beside what it did: it may be applied twice */
    struct cfg_leaf_state s = state_of(c, key);
    write_key(c, key, cfg_number_text(s.field, factor * proposal_number(c, key), c->stack->arena), true);
}

/* "a", "b" of "a b" */
static bool is_listed(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *w = words; *w; w += strspn(w, " ")) {
        size_t length = strcspn(w, " ");
        if (length == n && !memcmp(w, word, n))
            return true;
        w += length;
    }
    return false;
}

static void apply_one(struct proposal_change *c)
{
    struct proposal_use *u = &c->stack->uses[c->use];
    size_t before = diag_count(c->diag);
    BUG_IF(!u->type->apply && !u->type->rewrite);
    BUG_IF(u->type->rewrite && u->type->mechanism != PROPOSAL_REWRITE);
    if (!is_listed(u->type->kinds, c->kind)) {
        proposal_misfit(c, "it changes nothing in a scenario of kind %s; scenarios of these kinds consume it: %s",
                        c->kind, u->type->kinds);
        return;
    }
    if (!u->type->apply)
        return;
    u->type->apply(c, u->parameters);
    if (!u->changed && !u->type->rewrite && diag_count(c->diag) == before)
        diag_warning(c->diag, u->where, "proposal %s changes nothing: the scenario has all of it already",
                     u->type->name);
}

int proposal_stack_apply(struct proposal_stack *s, struct cfg *cfg, const char *kind, bool overrides_give_way,
                         struct diag *diag)
{
    size_t before = diag_count(diag);
    for (uint32_t i = 0; i < s->n_uses; i++)
        apply_one(&(struct proposal_change){s, i, cfg, kind, overrides_give_way, diag});
    return diag_count(diag) > before ? -1 : 0;
}

/* --- rewrites ----------------------------------------------------------------------------------------- */

void proposal_stack_rewrite(struct proposal_stack *s, const struct proposal_work *work)
{
    for (uint32_t i = 0; s && i < s->n_uses; i++)
        if (s->uses[i].type->rewrite)
            s->uses[i].rewritten += s->uses[i].type->rewrite(work, s->uses[i].parameters);
}

int proposal_stack_check_consumed(const struct proposal_stack *s, struct diag *diag)
{
    int bad = 0;
    for (uint32_t i = 0; s && i < s->n_uses; i++)
        if (s->uses[i].type->rewrite && !s->uses[i].rewritten) {
            diag_error(diag, EXIT_BAD_INPUT, s->uses[i].where,
                       "proposal %s found nothing to change in the work of this scenario (%s)", s->uses[i].type->name,
                       s->uses[i].type->doc);
            bad = -1;
        }
    return bad;
}

const char *proposal_stack_text(const struct proposal_stack *s, bool rewrites_only, struct arena *arena)
{
    const char *text = "";
    for (uint32_t i = 0; s && i < s->n_uses; i++)
        if (!rewrites_only || s->uses[i].type->rewrite)
            text = arena_printf(arena, "%s%s%s", text, *text ? "; " : "", s->uses[i].text);
    return text;
}
