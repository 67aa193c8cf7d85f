#include "base/fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_multimin.h>
#include <string.h>

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

struct squares {
    fit_terms *f;
    void *ctx;
    double step;
    size_t n, n_terms;
    double *moved, *terms, *here;
};

static int terms_at(const gsl_vector *x, void *squares, gsl_vector *out)
{
    struct squares *s = squares;
    s->f(x->data, s->terms, s->ctx);
    for (size_t i = 0; i < s->n_terms; i++)
        gsl_vector_set(out, i, s->terms[i]);
    return GSL_SUCCESS;
}

/* GSL's own differences go by the size of x, which says nothing here. */
static int slopes_at(const gsl_vector *x, void *squares, gsl_matrix *out)
{
    struct squares *s = squares;
    memcpy(s->moved, x->data, s->n * sizeof *s->moved);
    s->f(s->moved, s->here, s->ctx);
    for (size_t i = 0; i < s->n; i++) {
        s->moved[i] += s->step;
        s->f(s->moved, s->terms, s->ctx);
        s->moved[i] = x->data[i];
        for (size_t t = 0; t < s->n_terms; t++)
            gsl_matrix_set(out, t, i, (s->terms[t] - s->here[t]) / s->step);
    }
    return GSL_SUCCESS;
}

double fit_least_squares(fit_terms *f, void *ctx, double *x, size_t n, size_t n_terms, double step, size_t most)
{
    struct squares s = {.f = f, .ctx = ctx, .step = step, .n = n, .n_terms = n_terms};
    gsl_vector *moved = gsl_vector_alloc(n), *terms = gsl_vector_alloc(n_terms), *here = gsl_vector_alloc(n_terms);
    gsl_vector_const_view start = gsl_vector_const_view_array(x, n);
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf problem = {.f = terms_at, .df = slopes_at, .n = n_terms, .p = n, .params = &s};
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, n_terms, n);
    double least = 0;
    int why;
    s.moved = moved->data;
    s.terms = terms->data;
    s.here = here->data;
    gsl_multifit_nlinear_init(&start.vector, &problem, w);
    gsl_multifit_nlinear_driver(most, 1e-6, 1e-9, 0, NULL, NULL, &why, w);
    gsl_blas_ddot(gsl_multifit_nlinear_residual(w), gsl_multifit_nlinear_residual(w), &least);
    for (size_t i = 0; i < n; i++)
        x[i] = gsl_vector_get(gsl_multifit_nlinear_position(w), i);
    gsl_multifit_nlinear_free(w);
    gsl_vector_free(moved);
    gsl_vector_free(terms);
    gsl_vector_free(here);
    return least;
}
