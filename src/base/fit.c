#include "base/fit.h"

#include <gsl/gsl_multimin.h>

struct problem {
    fit_function *f;
    void *ctx;
};

static double value_at(const gsl_vector *x, void *problem)
{
    const struct problem *p = problem;
    return p->f(x->data, p->ctx); /* contiguous: the simplex's own vectors */
}

double fit_minimise(fit_function *f, void *ctx, double *x, size_t n, double step, size_t most)
{
    struct problem problem = {f, ctx};
    gsl_multimin_function function = {value_at, n, &problem};
    gsl_multimin_fminimizer *m = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, n);
    gsl_vector *steps = gsl_vector_alloc(n), *start = gsl_vector_alloc(n);
    gsl_vector_set_all(steps, step);
    for (size_t i = 0; i < n; i++)
        gsl_vector_set(start, i, x[i]);
    gsl_multimin_fminimizer_set(m, &function, start, steps);
    for (size_t i = 0; i < most && !gsl_multimin_fminimizer_iterate(m); i++)
        if (gsl_multimin_fminimizer_size(m) < step / 1000)
            break;
    for (size_t i = 0; i < n; i++)
        x[i] = gsl_vector_get(m->x, i);
    double least = m->fval;
    gsl_multimin_fminimizer_free(m);
    gsl_vector_free(steps);
    gsl_vector_free(start);
    return least;
}
