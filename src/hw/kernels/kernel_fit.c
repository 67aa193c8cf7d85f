#include "hw/kernels/kernel_fit.h"

#include <math.h>

#include "base/fit.h"
#include "hw/kernels/kernel_table.h"

enum { STEPS_FIRST = 600, STEPS_AGAIN = 50 };
static const double first_step = 0.2; /* of logarithms */

#define AT(member) offsetof(struct hw_kernels, member)

enum { any_dtype = 1u << KERNEL_FP8 | 1u << KERNEL_BF16 };

const struct kernel_fit kernel_fits[] = {
    {"GEMM, FP8",
     1u << KERNEL_GEMM | 1u << KERNEL_GROUPED_CONTIGUOUS | 1u << KERNEL_GROUPED_MASKED,
     1u << KERNEL_FP8,
     5,
     {AT(gemm.start_s), AT(gemm.block_s), AT(gemm.epilogue_s), AT(gemm.unhidden_ratio), AT(gemm.memory_ratio)},
     {"gemm.start", "gemm.block", "gemm.epilogue", "gemm.unhidden", "gemm.memory"},
     {1, 1, 1, 1, 0.95}}, /* reads of HBM do not reach more */
    {"weight gradients, FP8",
     1u << KERNEL_WGRAD,
     1u << KERNEL_FP8,
     1,
     {AT(gemm.wgrad_block_s)},
     {"gemm.wgrad_block"},
     {1}},
    {"attention, forward",
     1u << KERNEL_ATTENTION_FORWARD,
     any_dtype,
     2,
     {AT(attention.forward_ratio), AT(attention.forward_tile_s)},
     {"attention.forward", "attention.forward_tile"},
     {1, 1}},
    {"attention, backward",
     1u << KERNEL_ATTENTION_BACKWARD,
     any_dtype,
     2,
     {AT(attention.backward_ratio), AT(attention.backward_tile_s)},
     {"attention.backward", "attention.backward_tile"},
     {1, 1}},
    {"attention, decoding",
     1u << KERNEL_ATTENTION_DECODE,
     any_dtype,
     3,
     {AT(attention.decode_start_s), AT(attention.decode_block_s), AT(attention.decode_request_s)},
     {"attention.decode_start", "attention.decode_block", "attention.decode_request"},
     {1, 1, 1}},
    {0}};

static bool is_for(const struct kernel_fit *fit, const struct kernel_call *call)
{
    return fit->families & 1u << call->family && fit->dtypes & 1u << call->dtype;
}

const struct kernel_fit *kernel_fit_of(const struct kernel_call *call)
{
    for (const struct kernel_fit *f = kernel_fits; f->name; f++)
        if (is_for(f, call))
            return f;
    return NULL;
}

struct problem {
    const struct kernel_fit *fit;
    const bool *leave_out;
    struct kernel_model model;
};

static double *constant(struct hw_kernels *cfg, size_t offset)
{
    return (double *)(void *)((char *)cfg + offset);
}

static void set_constants(const struct kernel_fit *fit, const double *logs, struct hw_kernels *cfg)
{
    for (size_t i = 0; i < fit->n; i++)
        *constant(cfg, fit->offsets[i]) = fmin(exp(logs[i]), fit->most[i]);
}

static double mean_error(const double *logs, void *ctx)
{
    struct problem *p = ctx;
    double sum = 0;
    uint32_t n = 0;
    set_constants(p->fit, logs, &p->model.cfg);
    for (uint32_t i = 0; i < p->model.table.n_rows; i++) {
        const struct kernel_row *row = &p->model.table.rows[i];
        if (!is_for(p->fit, &row->call) || (p->leave_out && p->leave_out[i]))
            continue;
        sum += fabs(log(kernel_roofline(&p->model, &row->call).roofline_s / row->time_s));
        n++;
    }
    return n ? sum / n : 0;
}

double kernel_fit_run(const struct kernel_fit *fit, const struct kernel_model *measured, const bool *leave_out,
                      struct hw_kernels *cfg)
{
    struct problem p = {fit, leave_out, *measured};
    double logs[KERNEL_FIT_MAX];
    for (size_t i = 0; i < fit->n; i++)
        logs[i] = log(*constant(cfg, fit->offsets[i]));
    double least = fit_minimise(mean_error, &p, logs, fit->n, first_step, leave_out ? STEPS_AGAIN : STEPS_FIRST);
    set_constants(fit, logs, cfg);
    return least;
}

/* --- cross-validation ---------------------------------------------------------------------------------- */

static void validate_series(const struct kernel_model *measured, uint32_t first, bool *out, double *cv_s)
{
    const struct kernel_row *rows = measured->table.rows;
    const struct kernel_fit *fit = kernel_fit_of(&rows[first].call);
    struct kernel_model again = *measured;
    for (uint32_t i = 0; i < measured->table.n_rows; i++)
        out[i] = table_same_series(&rows[i].call, &rows[first].call);
    kernel_fit_run(fit, measured, out, &again.cfg);
    for (uint32_t i = first; i < measured->table.n_rows; i++)
        if (out[i])
            cv_s[i] = kernel_roofline(&again, &rows[i].call).roofline_s;
}

void kernel_cross_validate(const struct kernel_model *m, struct arena *arena, double *cv_s)
{
    struct kernel_model measured = kernel_measured_model(m);
    bool *out = ARENA_ARRAY(arena, bool, m->table.n_rows + 1);
    for (uint32_t i = 0; i < m->table.n_rows; i++)
        cv_s[i] = NAN;
    for (uint32_t i = 0; i < m->table.n_rows; i++)
        if (isnan(cv_s[i]) && kernel_fit_of(&m->table.rows[i].call))
            validate_series(&measured, i, out, cv_s);
}
