/* Fitting the constants of a mechanism: GSL's simplex over their logarithms, kept within the mechanism's limits, begun again
 * from where it ended with smaller steps. Of many rows a part is enough: the same one every time. */
#include <math.h>

#include "base/fit.h"
#include "hw/kernels/kernel.h"

enum { MOST_ROWS = 1500, TRIAL_STEPS = 500, STEPS = 1000, ROUNDS = 4 };
static const double first_step = 0.5;

/* Errors smaller than this count by their square: the scatter of repeats. */
static const double scatter = 0.02;

struct problem {
    struct kernel k;
    const struct kernel_device *on;
    struct kernel_row *rows; /* with plans */
    uint32_t n;
    size_t free[KERNEL_MAX_CONSTANTS + 1], n_free; /* constants that are fitted */
};

static void set_constants(struct problem *p, const double *logs)
{
    const struct kernel_constant *c = kernel_mechanism_of(p->k.family)->constants;
    for (size_t i = 0; i < p->n_free; i++)
        p->k.constants[p->free[i]] = fmax(fmin(exp(logs[i]), c[p->free[i]].most), c[p->free[i]].least);
}

static double error_of(const double *logs, void *ctx)
{
    struct problem *p = ctx;
    double sum = 0;
    set_constants(p, logs);
    for (uint32_t i = 0; i < p->n; i++) {
        struct kernel_time t = {0};
        kernel_mechanism_time(&p->k, p->on, &p->rows[i].call, &t);
        double error = log(t.mechanism_s / p->rows[i].time_s);
        sum += sqrt(error * error + scatter * scatter);
    }
    return sum / p->n;
}

/* A part of the rows, spread evenly over them: multiples of the golden ratio. */
static const double golden = 0.6180339887498949;

static void choose_rows(struct problem *p, const struct kernel_row *rows, uint32_t n, struct arena *arena)
{
    struct kernel_plan *plans = ARENA_ARRAY(arena, struct kernel_plan, MOST_ROWS + 1);
    p->rows = ARENA_ARRAY(arena, struct kernel_row, MOST_ROWS + 1);
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
        if (has && c->least < c->most)
            p->free[p->n_free++] = i;
    }
}

static double run(struct problem *p, size_t rounds, size_t steps)
{
    double logs[KERNEL_MAX_CONSTANTS], least = 0, step = first_step;
    for (size_t r = 0; r < rounds; r++, step /= 2) {
        for (size_t i = 0; i < p->n_free; i++)
            logs[i] = log(p->k.constants[p->free[i]]);
        least = fit_minimise(error_of, p, logs, p->n_free, step, steps);
        set_constants(p, logs);
    }
    return least;
}

static void forget_plans(struct problem *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        p->rows[i].call.plan->known = false;
}

double kernel_fit_constants(struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                            bool again)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    struct arena *arena = arena_new();
    struct problem p = {.k = *k, .on = on}, best = p;
    double least = INFINITY;
    choose_rows(&p, rows, n, arena);
    for (int v = 0; m->variants[v] && !again; v++) {
        if (m->offers && !m->offers(v, k->dtype, k->library))
            continue;
        p.k.variant = v;
        forget_plans(&p);
        choose_constants(&p, false);
        double error = run(&p, 1, TRIAL_STEPS);
        if (error < least) {
            least = error;
            best = p;
        }
    }
    if (!again)
        p = best;
    forget_plans(&p);
    choose_constants(&p, true);
    least = run(&p, again ? 1 : ROUNDS, STEPS);
    *k = p.k;
    arena_free(arena);
    return least;
}
