/* Fitting the constants of a mechanism: least squares from several starts, then GSL's simplex for what jumps (waves, tiles).
 * Constants lie within the mechanism's limits as angles do: the sine of what is fitted goes from one limit to the other on a
 * scale of logarithms. Of many rows a part is enough: the same one every time. */
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/fit.h"
#include "base/rng.h"
#include "hw/kernels/kernel.h"

enum { MOST_ROWS = 1500, STARTS = 4, SCREEN_STEPS = 8, SQUARES_STEPS = 40, SIMPLEX_STEPS = 500, AGAIN_STEPS = 300 };
static const double slope_step = 0.01, simplex_step = 0.1, spread = 0.6;

/* Errors smaller than this count by their square: the scatter of repeats. */
static const double scatter = 0.02;

struct problem {
    struct kernel k;
    const struct kernel_device *on;
    struct kernel_row *rows; /* with plans */
    uint32_t n;
    double *terms;
    size_t free[KERNEL_MAX_CONSTANTS + 1], n_free; /* constants that are fitted */
};

static void set_constants(struct problem *p, const double *angles)
{
    const struct kernel_constant *all = kernel_mechanism_of(p->k.family)->constants;
    for (size_t i = 0; i < p->n_free; i++) {
        const struct kernel_constant *c = &all[p->free[i]];
        double share = (1 + sin(angles[i])) / 2;
        p->k.constants[p->free[i]] = fmax(fmin(c->least * pow(c->most / c->least, share), c->most), c->least);
    }
}

/* At a limit slopes are nothing: a little within. */
static void angles_of(const struct problem *p, double *angles)
{
    const struct kernel_constant *all = kernel_mechanism_of(p->k.family)->constants;
    for (size_t i = 0; i < p->n_free; i++) {
        const struct kernel_constant *c = &all[p->free[i]];
        double share = log(p->k.constants[p->free[i]] / c->least) / log(c->most / c->least);
        angles[i] = asin(fmax(-0.99, fmin(0.99, 2 * share - 1)));
    }
}

/* Squares of terms grow with the error where it is large, with its square where it is small. */
static void terms_of(const double *angles, double *terms, void *ctx)
{
    struct problem *p = ctx;
    set_constants(p, angles);
    for (uint32_t i = 0; i < p->n; i++) {
        struct kernel_time t = {0};
        kernel_mechanism_time(&p->k, p->on, &p->rows[i].call, &t);
        double error = log(t.mechanism_s / p->rows[i].time_s);
        terms[i] = copysign(sqrt(sqrt(error * error + scatter * scatter) - scatter), error);
    }
}

static double error_of(const double *angles, void *ctx)
{
    struct problem *p = ctx;
    double sum = 0;
    terms_of(angles, p->terms, p);
    for (uint32_t i = 0; i < p->n; i++)
        sum += p->terms[i] * p->terms[i];
    return sum / p->n;
}

/* A part of the rows, spread evenly over them: multiples of the golden ratio. */
static const double golden = 0.6180339887498949;

static void choose_rows(struct problem *p, const struct kernel_row *rows, uint32_t n, struct arena *arena)
{
    struct kernel_plan *plans = ARENA_ARRAY(arena, struct kernel_plan, MOST_ROWS + 1);
    p->rows = ARENA_ARRAY(arena, struct kernel_row, MOST_ROWS + 1);
    p->terms = ARENA_ARRAY(arena, double, MOST_ROWS + 1);
    p->n = n < MOST_ROWS ? n : MOST_ROWS;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t at = n <= MOST_ROWS ? i : (uint32_t)(fmod(i * golden, 1) * n);
        p->rows[i] = rows[at];
        p->rows[i].call.plan = &plans[i];
    }
}

static void choose_constants(struct problem *p, bool again)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(p->k.family);
    p->n_free = 0;
    for (size_t i = 0; m->constants[i].name; i++) {
        const struct kernel_constant *c = &m->constants[i];
        bool has = !m->has || m->has(c->name, p->k.dtype, p->k.variant);
        if (!again)
            p->k.constants[i] = has ? c->first : 0;
        if (p->k.known[i] > 0)
            p->k.constants[i] = p->k.known[i];
        else if (has && c->least < c->most)
            p->free[p->n_free++] = i;
    }
}

static double run_squares(struct problem *p, size_t steps)
{
    double angles[KERNEL_MAX_CONSTANTS];
    angles_of(p, angles);
    if (p->n_free && p->n > p->n_free)
        fit_least_squares(terms_of, p, angles, p->n_free, p->n, slope_step, steps);
    return error_of(angles, p);
}

static double run_simplex(struct problem *p, size_t steps)
{
    double angles[KERNEL_MAX_CONSTANTS];
    angles_of(p, angles);
    double least = fit_minimise(error_of, p, angles, p->n_free, simplex_step, steps);
    set_constants(p, angles);
    return least;
}

static void forget_plans(struct problem *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        p->rows[i].call.plan->known = false;
}

/* Other starts lie around the mechanism's own. */
static void move_start(struct problem *p, int start)
{
    gsl_rng *rng = rng_stream((uint64_t)start, 0, "starts of fits");
    double angles[KERNEL_MAX_CONSTANTS];
    angles_of(p, angles);
    for (size_t i = 0; i < p->n_free; i++)
        angles[i] += start ? gsl_ran_gaussian(rng, spread) : 0;
    set_constants(p, angles);
    gsl_rng_free(rng);
}

static void try_variant(struct problem *p, int variant, struct problem *best, double *least)
{
    p->k.variant = variant;
    forget_plans(p);
    for (int start = 0; start < STARTS; start++) {
        choose_constants(p, false);
        move_start(p, start);
        double error = run_squares(p, SCREEN_STEPS);
        if (error >= 0.999 * *least)
            continue;
        *least = error;
        *best = *p;
    }
}

double kernel_fit_constants(struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                            bool again)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    struct arena *arena = arena_new();
    struct problem p = {.k = *k, .on = on}, best;
    double least = INFINITY;
    choose_rows(&p, rows, n, arena);
    best = p;
    for (int v = 0; m->variants[v] && !again; v++)
        if (!m->offers || m->offers(v, k->dtype, k->library))
            try_variant(&p, v, &best, &least);
    p = best;
    forget_plans(&p);
    choose_constants(&p, true);
    run_squares(&p, SQUARES_STEPS);
    least = run_simplex(&p, again ? AGAIN_STEPS : SIMPLEX_STEPS);
    *k = p.k;
    arena_free(arena);
    return least;
}
