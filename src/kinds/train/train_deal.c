#include "kinds/train/train_deal.h"

#include <math.h>
#include <stdlib.h>

const char *train_counts_text(const uint32_t *counts, uint32_t n, struct arena *arena)
{
    const char *text = "";
    for (uint32_t i = 0; i < n; i++)
        text = arena_printf(arena, "%s%s%u", text, i ? ", " : "", counts[i]);
    return text;
}

/* --- ways to deal them ---------------------------------------------------------------------------------------------------- */

static double stage_s(const struct train_plan *p, uint32_t stage)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < p->layout.stages[stage].n; i++)
        sum_s += p->layer_s[p->layout.stages[stage].kind[i]];
    return sum_s;
}

/* Each forward chunk's stage comes back as a backward one. */
static double busiest_s(const struct train_plan *p)
{
    double most_s = 0;
    for (uint32_t r = 0; r < p->layout.ranks; r++) {
        const struct schedule_rank *rank = &p->schedule->ranks[r];
        double sum_s = 0;
        for (uint32_t i = 0; i < rank->n_steps; i++)
            if (rank->steps[i].kind == STEP_FORWARD || rank->steps[i].kind == STEP_FORWARD_BACKWARD)
                sum_s += stage_s(p, rank->steps[i].forward.stage);
        most_s = fmax(most_s, sum_s);
    }
    return most_s / p->layout.cfg->jitter.sustained_ratio;
}

static struct train_way way_of(const struct train_plan *plan, const uint32_t *counts, struct arena *arena,
                               struct diag *diag)
{
    struct train_plan *p = ARENA_NEW(arena, struct train_plan);
    *p = *plan;
    train_plan_deal(p, counts, arena, diag);
    return (struct train_way){
        .counts = counts, .plan = p, .least_s = busiest_s(p), .fits = train_plan_fits(p), .step_s = INFINITY};
}

/* Ways with so many layers on the last stage. Where the others' do not go up, one more is best on early stages, which often
 * have cheap layers; but they hold many activations: on the first where that fits. Or on the latest. */
static void add_ways(struct train_deal *d, const struct train_plan *plan, uint32_t last, struct arena *arena,
                     struct diag *diag)
{
    uint32_t layers = (uint32_t)plan->layout.model->layers, n = plan->layout.n_stages;
    uint32_t rest = (layers - last) % (n - 1), latest = rest ? n - 1 - rest : 0, from = 0;
    struct train_way early;
    do
        early = way_of(plan, train_even_counts(layers, n, last, from, arena), arena, diag);
    while (!early.fits && ++from < latest);
    d->ways[d->n_ways++] = early;
    if (from < latest)
        d->ways[d->n_ways++] = way_of(plan, train_even_counts(layers, n, last, latest, arena), arena, diag);
}

static int by_least(const void *a, const void *b)
{
    const struct train_way *x = a, *y = b;
    return (x->least_s > y->least_s) - (x->least_s < y->least_s);
}

/* The last stage has from no layer to as many as an even share. */
static void find_ways(const struct train_plan *plan, struct train_deal *d, struct arena *arena, struct diag *diag)
{
    uint32_t layers = (uint32_t)plan->layout.model->layers, n = plan->layout.n_stages, even = (layers + n - 1) / n;
    d->ways = ARENA_ARRAY(arena, struct train_way, 2 * (even + 1));
    if (train_plan_is_dealt(plan))
        d->ways[d->n_ways++] = way_of(plan, NULL, arena, diag);
    else if (n == 1)
        d->ways[d->n_ways++] = way_of(plan, train_even_counts(layers, 1, layers, 0, arena), arena, diag);
    else
        for (uint32_t last = 0; last <= even && layers - last >= n - 1; last++)
            add_ways(d, plan, last, arena, diag);
    qsort(d->ways, d->n_ways, sizeof *d->ways, by_least);
}

/* --- trying them ------------------------------------------------------------------------------------------------- */

/* Rule of thumb: a way whose busiest rank computes so much more than that of the best balanced one has no shorter step
 * (exchanges and messages are hardly that different; at 1.05 one of 14 was 0.03 % off). */
static const double much_more_ratio = 1.1;
/* Steps with one sample of each chunk that differ by more differ with many samples, too. */
static const double close_ratio = 1.01;

struct trial {
    struct kind_run *run;
    const struct train_variant *variant;
    struct train_deal *d;
    struct diag *diag;
};

/* Where all is simulated where it is, which gives the same (train_chunks.c), a trial need not. */
static struct train_plan *with_symmetry(const struct train_plan *plan, struct arena *arena)
{
    struct train_plan *p = ARENA_NEW(arena, struct train_plan);
    struct train_cfg *cfg = ARENA_NEW(arena, struct train_cfg);
    *p = *plan;
    *cfg = *plan->layout.cfg;
    cfg->symmetry = TRAIN_SYMMETRY_EXACT;
    p->layout.cfg = cfg;
    return p;
}

/* What is gathered of a run's simulations (critical path, errors, a timeline) is of the step that is shown. */
static int simulate(const struct trial *t, struct train_way *way, uint32_t samples)
{
    struct kind_run run = {.file = t->run->file,
                           .arena = t->run->arena,
                           .one_of_many = t->run->one_of_many,
                           .seed_offset = t->run->seed_offset};
    struct train_outcome outcome = {0};
    const struct train_plan *plan = with_symmetry(way->plan, t->run->arena);
    way->times = ARENA_NEW(t->run->arena, struct train_times);
    int failed = train_times_measure(&run, plan, samples, way->times, t->diag);
    way->epsilon = run.epsilon;
    failed = failed || train_run(&run, plan, way->times, 0, t->variant, &outcome, t->diag);
    kind_run_free(&run);
    way->step_s = outcome.step_s;
    return failed ? -1 : 0;
}

/* Of chunks where tokens are routed. */
static uint32_t all_samples(const struct train_deal *d)
{
    const struct train_plan *p = d->ways->plan;
    return p->shape.n_ranks ? (uint32_t)p->layout.cfg->chunks.samples : 1;
}

/* Marks the ways that are worth a simulation; how many there are. */
static uint32_t find_near(struct train_deal *d, bool *near)
{
    double least_s = INFINITY;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_ways; i++)
        if (d->ways[i].fits)
            least_s = fmin(least_s, d->ways[i].least_s);
    for (uint32_t i = 0; i < d->n_ways; i++) {
        near[i] = d->ways[i].fits && d->ways[i].least_s <= much_more_ratio * least_s;
        n += near[i];
        d->best = near[i] && n == 1 ? i : d->best;
    }
    return n;
}

/* Simulates those that are left with so many samples of each chunk; keeps those that are close to the shortest. */
static int simulate_near(const struct trial *t, uint32_t samples, bool *near, uint32_t *n)
{
    struct train_way *ways = t->d->ways;
    double least_s = INFINITY;
    for (uint32_t i = 0; i < t->d->n_ways; i++) {
        if (near[i] && simulate(t, &ways[i], samples))
            return -1;
        if (near[i] && ways[i].step_s < least_s)
            least_s = ways[t->d->best = i].step_s;
    }
    *n = 0;
    for (uint32_t i = 0; i < t->d->n_ways; i++) {
        near[i] &= ways[i].step_s <= close_ratio * least_s;
        *n += near[i];
    }
    return 0;
}

static int choose(const struct trial *t)
{
    bool *near = ARENA_ARRAY(t->run->arena, bool, t->d->n_ways);
    uint32_t n = find_near(t->d, near), all = all_samples(t->d);
    if (n == 0) {
        train_plan_refuse(t->d->ways->plan, t->run->arena, t->diag);
        return -1;
    }
    if (n > 1 && simulate_near(t, 1, near, &n))
        return -1;
    return n > 1 && all > 1 ? simulate_near(t, all, near, &n) : 0;
}

int train_deal(struct kind_run *run, const struct train_plan *plan, const struct train_variant *variant,
               struct train_deal *out, struct diag *diag)
{
    struct trial t = {run, variant, out, diag};
    *out = (struct train_deal){0};
    find_ways(plan, out, run->arena, diag);
    if (choose(&t))
        return -1;
    struct train_way *best = &out->ways[out->best];
    bool exact = plan->layout.cfg->symmetry == TRAIN_SYMMETRY_EXACT;
    if (best->times && best->times->samples == all_samples(out) && exact && !run->critical) {
        epsilon_error_add(&run->epsilon, &best->epsilon);
        return 0;
    }
    best->times = ARENA_NEW(run->arena, struct train_times);
    return train_times_measure(run, best->plan, all_samples(out), best->times, diag);
}
