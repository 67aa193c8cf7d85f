#include "campaign/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "campaign/search_eval.h"
#include "campaign/search_space.h"
#include "campaign/search_terms.h"
#include "io/scenario.h"

enum { AT_ONCE = 8, MOST_NODES = 2000000, CHUNK = 512 }; /* AT_ONCE decides what is simulated: not the number of jobs */

struct search {
    const struct search_options *o;
    struct search_space space;
    struct search_evaluation eval;
    struct search_term *terms;
    uint32_t n_terms;
    uint32_t *term_metric;               /* [n_terms] index in out->metrics */
    struct search_condition *conditions; /* [n_terms] */
    bool is_probed;                      /* a simulated point has all metrics that are asked for */
    bool is_read;                        /* the terms' values, whose dimensions a first result tells */
    bool is_bound;                       /* the scenario itself is of network model bound */
    struct search_node **heap;
    uint32_t n_heap, cap_heap;
    uint64_t sequence;
    struct search_node **found; /* points in .best's order, grows */
    double (*found_metric)[SEARCH_MAX_METRICS];
    uint32_t n_found, cap_found;
    struct search_result *out;
    struct arena *arena;
    struct diag *diag;
};

/* --- nodes, the most promising first --------------------------------------------------------------------- */

static bool is_before(const struct search_node *a, const struct search_node *b)
{
    return a->bound[0] != b->bound[0] ? a->bound[0] < b->bound[0] : a->sequence < b->sequence;
}

static void swap(struct search_node **a, struct search_node **b)
{
    struct search_node *t = *a;
    *a = *b;
    *b = t;
}

static void push(struct search *s, struct search_node *node)
{
    if (s->n_heap == s->cap_heap) {
        s->cap_heap = s->cap_heap ? 2 * s->cap_heap : 256;
        s->heap = checked_alloc(realloc(s->heap, s->cap_heap * sizeof *s->heap));
    }
    uint32_t i = s->n_heap++;
    s->heap[i] = node;
    for (; i && is_before(s->heap[i], s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static struct search_node *pop(struct search *s)
{
    struct search_node *first = s->heap[0];
    s->heap[0] = s->heap[--s->n_heap];
    for (uint32_t i = 0, next; (next = 2 * i + 1) < s->n_heap; i = next) {
        if (next + 1 < s->n_heap && is_before(s->heap[next + 1], s->heap[next]))
            next++;
        if (!is_before(s->heap[next], s->heap[i]))
            break;
        swap(&s->heap[i], &s->heap[next]);
    }
    return first;
}

static struct search_node *new_node(struct search *s, const uint32_t *at)
{
    struct search_node *node = ARENA_NEW(s->arena, struct search_node);
    node->at = ARENA_ARRAY(s->arena, uint32_t, s->space.n_groups + 1);
    memcpy(node->at, at, s->space.n_groups * sizeof *at);
    node->bound = ARENA_ARRAY(s->arena, double, s->o->n_objectives);
    for (uint32_t i = 0; i < s->o->n_objectives; i++)
        node->bound[i] = -INFINITY;
    node->sequence = s->sequence++;
    return node;
}

/* --- what answers say -------------------------------------------------------------------------------------- */

/* Smaller is better. */
static double cost_of(const struct search *s, uint32_t objective, double metric)
{
    return s->o->objectives[objective].is_max ? -metric : metric;
}

static bool is_point(const struct search *s, const struct search_node *node)
{
    return search_node_open(&s->space, node->at) == s->space.n_groups;
}

/* What a simulated point of the node can at best have, given its bound; -INFINITY where that says nothing. */
static double best_possible(const struct search *s, const struct search_node *node, uint32_t i,
                            const struct search_answer *a)
{
    bool is_max = s->o->objectives[i].is_max;
    enum search_side side = a->dim[i] < 0
                                ? SEARCH_SAYS_NOTHING
                                : search_side_of(s->out->metrics[i], (enum unit_dim)a->dim[i], is_point(s, node));
    bool says = side == (is_max ? SEARCH_AT_MOST : SEARCH_AT_LEAST);
    return says && !isnan(a->metric[i]) ? cost_of(s, i, a->metric[i]) : -INFINITY;
}

/* The first condition that no point with this bound meets; n_terms: none. */
static uint32_t broken_term(const struct search *s, const struct search_node *node, const struct search_answer *a)
{
    uint32_t t = 0;
    for (; t < s->n_terms; t++) {
        uint32_t m = s->term_metric[t];
        if (a->dim[m] < 0)
            continue;
        enum search_side side = s->terms[t].fits
                                    ? SEARCH_AT_LEAST /* no network in it */
                                    : search_side_of(s->out->metrics[m], (enum unit_dim)a->dim[m], is_point(s, node));
        if (search_term_is_broken(&s->terms[t], a->metric[m], side))
            break;
    }
    return t;
}

/* Points that condition t takes, with the value that they have or could have at best. */
static void count_broken(struct search *s, uint32_t t, double points, double value)
{
    struct search_condition *c = &s->conditions[t];
    double limit = s->terms[t].limit;
    c->n_points += points;
    if (!isnan(value) && (isnan(c->nearest) || fabs(value - limit) < fabs(c->nearest - limit)))
        c->nearest = value;
}

/* Points found that no point of the node can beat. */
static bool is_beaten(const struct search *s, const struct search_node *node)
{
    uint32_t enough = s->o->n_objectives == 1 ? s->o->top : 1, n = 0;
    for (uint32_t f = 0; f < s->n_found && n < enough; f++) {
        bool beats = true;
        for (uint32_t i = 0; i < s->o->n_objectives; i++)
            beats &= cost_of(s, i, s->found_metric[f][i]) <= node->bound[i];
        n += beats;
    }
    return n >= enough;
}

static int read_terms(struct search *s, const struct search_answer *a)
{
    for (uint32_t m = 0; m < s->out->n_metrics; m++)
        if (a->dim[m] >= 0)
            s->out->dims[m] = (enum unit_dim)a->dim[m];
    for (uint32_t t = 0; t < s->n_terms; t++) {
        int dim = a->dim[s->term_metric[t]];
        if (dim < 0)
            return 0; /* this model's result has it not: a simulated one tells */
        if (search_term_read(&s->terms[t], (enum unit_dim)dim, s->diag))
            return -1;
    }
    s->is_read = true;
    return 0;
}

/* --- points ------------------------------------------------------------------------------------------------- */

static void keep(struct search *s, struct search_node *node, const struct search_answer *a)
{
    if (s->n_found == s->cap_found) {
        s->cap_found = s->cap_found ? 2 * s->cap_found : 64;
        s->found = checked_alloc(realloc(s->found, s->cap_found * sizeof *s->found));
        s->found_metric = checked_alloc(realloc(s->found_metric, s->cap_found * sizeof *s->found_metric));
    }
    s->found[s->n_found] = node;
    memcpy(s->found_metric[s->n_found++], a->metric, sizeof a->metric);
}

/* Whether a simulated point has what is asked for. 0, or -1 with the first metric that it has not. */
static int check_metrics(struct search *s, const struct search_answer *a)
{
    uint32_t m = 0;
    while (m < s->out->n_metrics && a->dim[m] >= 0)
        m++;
    s->is_probed = true;
    if (m == s->out->n_metrics)
        return 0;
    if (!strcmp(s->out->metrics[m], SEARCH_MEMORY))
        diag_error(s->diag, EXIT_USAGE, SRCLOC_NONE,
                   "the result does not say how much memory is used; leave 'memory fits' out");
    else if (*a->lacks)
        diag_error(s->diag, EXIT_USAGE, SRCLOC_NONE, "'%s' is not known: %s", s->out->metrics[m], a->lacks);
    else
        diag_error(s->diag, EXIT_USAGE, SRCLOC_NONE,
                   "the result has no metric '%s'%s%s%s; 'moesim run %s' prints those that it has", s->out->metrics[m],
                   *a->near ? "; did you mean '" : "", a->near, *a->near ? "'?" : "", s->space.d->path);
    return -1;
}

/* Nothing is known of a point that could not be looked at: the search ends. */
static int stop_at(struct search *s, const struct search_answer *a)
{
    diag_error(s->diag, EXIT_IO, SRCLOC_NONE, "a point cannot be looked at: %s", a->why);
    return -1;
}

/* Keeps the first reason. */
static void note_first(const struct search *s, const char **first, const char *why)
{
    if (!*first)
        *first = arena_strdup(s->arena, why);
}

static int take_simulated(struct search *s, struct search_node *node, const struct search_answer *a)
{
    if (check_metrics(s, a) || (!s->is_read && read_terms(s, a)))
        return -1;
    for (uint32_t t = 0; t < s->n_terms; t++)
        if (!search_term_holds(&s->terms[t], a->metric[s->term_metric[t]])) {
            count_broken(s, t, 1, a->metric[s->term_metric[t]]);
            return 0;
        }
    keep(s, node, a);
    return 0;
}

static int take_point(struct search *s, struct search_node *node, const struct search_answer *a)
{
    if (a->state == SEARCH_FAILED)
        return stop_at(s, a);
    if (a->state == SEARCH_FOUND)
        return take_simulated(s, node, a);
    if (a->state == SEARCH_INVALID) {
        s->out->n_invalid++;
        note_first(s, &s->out->why_invalid, a->why);
    } else {
        s->out->n_failed++;
        note_first(s, &s->out->why_failed, a->why);
    }
    return 0;
}

static int simulate(struct search *s, struct search_node *const *nodes, uint32_t n)
{
    struct search_answer *answers = checked_alloc(calloc(n + 1, sizeof *answers));
    s->eval.bound = s->eval.at_worst = false;
    int failed = search_evaluate(&s->eval, nodes, n, answers, s->diag);
    for (uint32_t i = 0; i < n && !failed; i++) {
        s->out->n_simulated += answers[i].state == SEARCH_FOUND;
        failed = take_point(s, nodes[i], &answers[i]);
    }
    free(answers);
    return failed;
}

/* Network model bound leaves metrics out. Whether the result has those that it lacks, one simulation tells: a wrong name
 * is not told after all bounds. */
static int probe(struct search *s, struct search_node *node)
{
    struct search_answer answer = {0};
    bool was_bound = s->eval.bound;
    s->eval.bound = false;
    int failed = search_evaluate(&s->eval, &node, 1, &answer, s->diag);
    s->eval.bound = was_bound;
    return failed || (answer.state == SEARCH_FOUND && check_metrics(s, &answer)) ? -1 : 0;
}

/* --- subspaces -------------------------------------------------------------------------------------------------- */

/* Corners that the checks refuse: where both do, no hardware of the space can run the layout. */
static int drop_invalid(struct search *s, struct search_node **nodes, uint32_t n, struct search_answer *answers)
{
    struct search_node **again = checked_alloc(calloc(n + 1, sizeof *again));
    struct search_answer *worst = checked_alloc(calloc(n + 1, sizeof *worst));
    uint32_t n_again = 0;
    for (uint32_t i = 0; i < n; i++)
        if (answers[i].state == SEARCH_INVALID && search_node_open(&s->space, nodes[i]->at) < s->space.n_groups)
            again[n_again++] = nodes[i];
    s->eval.at_worst = true;
    int failed = search_evaluate(&s->eval, again, n_again, worst, s->diag);
    s->eval.at_worst = false;
    for (uint32_t i = 0, j = 0; i < n && !failed; i++) {
        bool is_again = j < n_again && again[j] == nodes[i];
        if (is_again && worst[j++].state != SEARCH_INVALID)
            answers[i].state = SEARCH_UNKNOWN;
    }
    free(again);
    free(worst);
    return failed;
}

static int take_bound(struct search *s, struct search_node *node, const struct search_answer *a)
{
    s->out->n_bounds++;
    for (uint32_t m = 0; m < s->out->n_metrics && !s->is_probed; m++)
        if (a->dim[m] < 0 && probe(s, node))
            return -1;
    if (!s->is_read && read_terms(s, a))
        return -1;
    uint32_t broken = s->is_read ? broken_term(s, node, a) : s->n_terms;
    if (broken < s->n_terms) {
        count_broken(s, broken, search_node_points(&s->space, node->at), a->metric[s->term_metric[broken]]);
        return 0;
    }
    for (uint32_t i = 0; i < s->o->n_objectives; i++)
        node->bound[i] = best_possible(s, node, i, a);
    if (s->is_bound && is_point(s, node))
        return take_point(s, node, a);
    push(s, node);
    return 0;
}

static int take_subspace(struct search *s, struct search_node *node, const struct search_answer *a)
{
    if (a->state == SEARCH_FAILED)
        return stop_at(s, a);
    if (a->state == SEARCH_INVALID) {
        s->out->n_invalid += (uint64_t)search_node_points(&s->space, node->at);
        note_first(s, &s->out->why_invalid, a->why);
        return 0;
    }
    if (a->state == SEARCH_FOUND)
        return take_bound(s, node, a);
    if (*a->why)
        note_first(s, &s->out->why_unbounded, a->why);
    push(s, node);
    return 0;
}

static int bound_all(struct search *s, struct search_node **nodes, uint32_t n)
{
    struct search_answer *answers = checked_alloc(calloc(n + 1, sizeof *answers));
    s->eval.bound = true;
    int failed = search_evaluate(&s->eval, nodes, n, answers, s->diag) || drop_invalid(s, nodes, n, answers);
    for (uint32_t i = 0; i < n && !failed; i++)
        failed = take_subspace(s, nodes[i], &answers[i]);
    free(answers);
    return failed;
}

/* Every combination of what cannot be relaxed, in chunks: they are in children's hands at once. */
static int begin(struct search *s, bool is_relaxed, int (*take)(struct search *, struct search_node **, uint32_t))
{
    struct search_node *nodes[CHUNK];
    uint32_t n = 0, total = 0;
    uint32_t *at = ARENA_ARRAY(s->arena, uint32_t, s->space.n_groups + 1);
    for (uint32_t g = 0; g < s->space.n_groups; g++)
        at[g] = is_relaxed ? (s->space.most[g] == SEARCH_OPEN ? 0 : SEARCH_OPEN) : 0;
    do {
        if (++total > MOST_NODES) {
            diag_error(s->diag, EXIT_LIMIT, SRCLOC_NONE, "more than %d combinations: vary less", MOST_NODES);
            return -1;
        }
        if (s->o->n_shards && (total - 1) % s->o->n_shards != s->o->shard - 1)
            continue;
        nodes[n++] = new_node(s, at);
        s->out->n_points += search_node_points(&s->space, at);
        if (n < (s->is_probed || is_relaxed ? CHUNK : 1)) /* a wrong metric is told by the first */
            continue;
        if (take(s, nodes, n))
            return -1;
        n = 0;
    } while (search_space_next(&s->space, at));
    return n ? take(s, nodes, n) : 0;
}

static int simulate_all(struct search *s, struct search_node **nodes, uint32_t n)
{
    return simulate(s, nodes, n);
}

/* Children of a subspace: one for each value of its first open group. The best one has its bound already. */
static void split(struct search *s, const struct search_node *node, struct search_node **children, uint32_t *n)
{
    uint32_t g = search_node_open(&s->space, node->at);
    for (uint32_t v = 0; v < s->space.size[g]; v++) {
        struct search_node *child = new_node(s, node->at);
        child->at[g] = v;
        memcpy(child->bound, node->bound, s->o->n_objectives * sizeof *child->bound);
        bool inherits = v == s->space.most[g] && child->bound[0] > -INFINITY;
        if (inherits && !(s->is_bound && search_node_open(&s->space, child->at) == s->space.n_groups))
            push(s, child);
        else
            children[(*n)++] = child;
    }
}

static void rule_out(struct search *s, const struct search_node *node)
{
    double bound = cost_of(s, 0, node->bound[0]);
    if (isnan(s->out->nearest_ruled_out) || cost_of(s, 0, bound) < cost_of(s, 0, s->out->nearest_ruled_out))
        s->out->nearest_ruled_out = bound;
}

static uint32_t widest_group(const struct search_space *space)
{
    uint32_t most = 1;
    for (uint32_t g = 0; g < space->n_groups; g++)
        most = space->size[g] > most ? space->size[g] : most;
    return most;
}

static int step(struct search *s, struct search_node **children)
{
    struct search_node *points[AT_ONCE];
    uint32_t n_points = 0, n_children = 0;
    for (uint32_t i = 0; i < AT_ONCE && s->n_heap; i++) {
        struct search_node *node = pop(s);
        if (is_beaten(s, node))
            rule_out(s, node);
        else if (search_node_open(&s->space, node->at) < s->space.n_groups)
            split(s, node, children, &n_children);
        else
            points[n_points++] = node;
    }
    return simulate(s, points, n_points) || bound_all(s, children, n_children) ? -1 : 0;
}

static int branch_and_bound(struct search *s)
{
    struct search_node **children = checked_alloc(calloc((size_t)AT_ONCE * widest_group(&s->space), sizeof *children));
    int failed = begin(s, true, bound_all);
    while (!failed && s->n_heap)
        failed = step(s, children);
    free(children);
    return failed;
}

/* --- the answer ----------------------------------------------------------------------------------------------------- */

static bool is_on_front(const struct search *s, uint32_t f)
{
    for (uint32_t g = 0; g < s->n_found; g++) {
        bool no_worse = true, better = false;
        for (uint32_t i = 0; i < s->o->n_objectives; i++) {
            double mine = cost_of(s, i, s->found_metric[f][i]), other = cost_of(s, i, s->found_metric[g][i]);
            no_worse &= other <= mine;
            better |= other < mine;
        }
        if (no_worse && better)
            return false;
    }
    return true;
}

static bool ranks_before(const struct search *s, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < s->o->n_objectives; i++) {
        double x = cost_of(s, i, s->found_metric[a][i]), y = cost_of(s, i, s->found_metric[b][i]);
        if (x != y)
            return x < y;
    }
    for (uint32_t g = 0; g < s->space.n_groups; g++)
        if (s->found[a]->at[g] != s->found[b]->at[g])
            return s->found[a]->at[g] < s->found[b]->at[g];
    return false;
}

static void add_best(struct search *s, uint32_t f)
{
    const struct design *d = s->space.d;
    struct search_best *b = &s->out->best[s->out->n_best++];
    b->values = ARENA_ARRAY(s->arena, const char *, d->n_axes + 1);
    for (uint32_t i = 0; i < d->n_axes; i++)
        b->values[i] = d->axes[i].values[s->found[f]->at[d->axes[i].group]].text;
    memcpy(b->metric, s->found_metric[f], sizeof b->metric);
    for (uint32_t g = 0; g < s->space.n_groups; g++)
        b->number = b->number * s->space.size[g] + s->found[f]->at[g];
    double bound = s->found[f]->bound[0];
    b->bound = bound > -INFINITY ? cost_of(s, 0, bound) : NAN;
    b->overrides = search_overrides(&s->space, s->found[f]->at, false, &b->n_overrides, s->arena);
}

/* "; N verb (why)", where there are any. */
static const char *and_of(const struct search *s, const char *text, double n, const char *what, const char *why)
{
    return n ? arena_printf(s->arena, "%s; %.0f %s%s%s%s", text, n, what, why ? " (" : "", why ? why : "",
                            why ? ")" : "")
             : text;
}

static void nothing_left(struct search *s)
{
    struct search_result *r = s->out;
    const char *text = arena_printf(s->arena, "no point is left of %.0f", r->n_points);
    for (uint32_t t = 0; t < r->n_conditions; t++) {
        char nearest[64] = "nothing known";
        const struct search_condition *c = &r->conditions[t];
        if (!isnan(c->nearest))
            unit_format(c->nearest, r->dims[s->term_metric[t]], nearest, sizeof nearest);
        text = and_of(s, text, c->n_points, arena_printf(s->arena, "do not meet '%s'", c->text),
                      arena_printf(s->arena, "the nearest: %s", nearest));
    }
    text = and_of(s, text, (double)r->n_invalid, "are no valid scenario", r->why_invalid);
    text = and_of(s, text, (double)r->n_failed, "do not run", r->why_failed);
    diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_NONE, "%s", text);
}

static int rank(struct search *s)
{
    uint32_t *order = ARENA_ARRAY(s->arena, uint32_t, s->n_found + 1), n = 0;
    for (uint32_t f = 0; f < s->n_found; f++) {
        if (s->o->n_objectives > 1 && !is_on_front(s, f))
            continue;
        uint32_t i = n++;
        for (; i && ranks_before(s, f, order[i - 1]); i--)
            order[i] = order[i - 1];
        order[i] = f;
    }
    if (s->o->n_objectives == 1 && n > s->o->top)
        n = s->o->top;
    s->out->best = ARENA_ARRAY(s->arena, struct search_best, n + 1);
    for (uint32_t i = 0; i < n; i++)
        add_best(s, order[i]);
    if (!n && !s->o->n_shards)
        nothing_left(s);
    return n || s->o->n_shards ? 0 : -1;
}

static uint32_t metric_index(struct search *s, const char *name)
{
    for (uint32_t i = 0; i < s->out->n_metrics; i++)
        if (!strcmp(s->out->metrics[i], name))
            return i;
    if (s->out->n_metrics < SEARCH_MAX_METRICS)
        s->out->metrics[s->out->n_metrics++] = name;
    return s->out->n_metrics - 1;
}

static int open_metrics(struct search *s)
{
    for (uint32_t i = 0; i < s->o->n_objectives; i++)
        if (metric_index(s, s->o->objectives[i].name) != i) {
            diag_error(s->diag, EXIT_USAGE, SRCLOC_NONE, "'%s' is there twice", s->o->objectives[i].name);
            return -1;
        }
    if (s->o->where && !(s->terms = search_terms_parse(s->o->where, &s->n_terms, s->arena, s->diag)))
        return -1;
    if (s->o->n_objectives + s->n_terms > SEARCH_MAX_METRICS) {
        diag_error(s->diag, EXIT_LIMIT, SRCLOC_NONE, "more than %d objectives and conditions", SEARCH_MAX_METRICS);
        return -1;
    }
    s->term_metric = ARENA_ARRAY(s->arena, uint32_t, s->n_terms + 1);
    s->conditions = ARENA_ARRAY(s->arena, struct search_condition, s->n_terms + 1);
    s->out->conditions = s->conditions;
    s->out->n_conditions = s->n_terms;
    for (uint32_t t = 0; t < s->n_terms; t++) {
        if (s->terms[t].fits)
            s->terms[t].limit = 1;
        s->term_metric[t] = metric_index(s, s->terms[t].fits ? SEARCH_MEMORY : s->terms[t].name);
        s->conditions[t] = (struct search_condition){s->terms[t].text, 0, NAN};
    }
    s->eval.metrics = s->out->metrics;
    s->eval.n_metrics = s->out->n_metrics;
    return 0;
}

static bool is_of_bound(const struct design *d, struct arena *arena)
{
    struct scenario_file file;
    struct diag *diag = diag_new(); /* the axes may be what makes it valid */
    bool is_bound =
        !scenario_load(d->path, d->set, (int)d->n_set, arena, &file, diag) && file.scenario->sim.network == NET_BOUND;
    diag_free(diag);
    return is_bound;
}

int search_run(const struct design *d, const struct search_options *o, struct arena *arena, struct search_result *out,
               struct diag *diag)
{
    *out = (struct search_result){.nearest_ruled_out = NAN};
    struct search s = {.o = o, .out = out, .arena = arena, .diag = diag};
    search_space_open(&s.space, d, arena);
    s.eval = (struct search_evaluation){.space = &s.space, .jobs = o->jobs};
    if (open_metrics(&s))
        return -1;
    s.is_bound = is_of_bound(d, arena);
    progress_begin("searching");
    int failed = (o->exhaustive ? begin(&s, false, simulate_all) : branch_and_bound(&s)) || rank(&s);
    progress_end();
    free(s.heap);
    free(s.found);
    free(s.found_metric);
    return failed ? -1 : 0;
}
