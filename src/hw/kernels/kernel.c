#include "hw/kernels/kernel.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "hw/kernels/residual.h"
#include "hw/kernels/thin.h"

const struct kernel_mechanism *kernel_mechanism_of(enum kernel_family family)
{
    static const struct kernel_mechanism *const all[KERNEL_FAMILIES] = {[KERNEL_GEMM] = &mechanism_gemm,
                                                                        [KERNEL_MLA_DECODE] = &mechanism_mla_decode,
                                                                        [KERNEL_MLA_PREFILL] = &mechanism_mla_prefill,
                                                                        [KERNEL_GQA_DECODE] = &mechanism_gqa_decode,
                                                                        [KERNEL_GQA_PREFILL] = &mechanism_gqa_prefill,
                                                                        [KERNEL_MOE] = &mechanism_moe,
                                                                        [KERNEL_MOE_CONTIGUOUS] =
                                                                            &mechanism_moe_contiguous,
                                                                        [KERNEL_MOE_MASKED] = &mechanism_moe_masked,
                                                                        [KERNEL_MLA_BMM] = &mechanism_mla_bmm,
                                                                        [KERNEL_DSA_DECODE] = &mechanism_dsa_decode,
                                                                        [KERNEL_DSA_PREFILL] = &mechanism_dsa_prefill};
    return all[family];
}

uint64_t kernel_hash(uint64_t seed, double value)
{
    uint64_t bits = (uint64_t)llround(value * 1024) + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2);
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u; /* SplitMix64 (Steele et al., OOPSLA'14) */
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

double kernel_part(const struct kernel_call *call)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(call->family);
    return m && m->part ? m->part(call) : 0;
}

struct kernel kernel_of(const struct kernel_call *call, const char *library, const struct kernel_device *on)
{
    return (struct kernel){.measured = *on,
                           .family = call->family,
                           .dtype = call->dtype,
                           .fp8_cache = call->fp8_cache,
                           .library = library,
                           .part = kernel_part(call)};
}

uint64_t kernel_shape(const struct kernel_call *call)
{
    return kernel_mechanism_of(call->family)->shape(call);
}

const char *cell_text(const struct kernel_cells *cells, const char *title)
{
    for (int i = 0; i < cells->n; i++)
        if (!strcmp(cells->titles[i], title))
            return cells->texts[i];
    return NULL;
}

double cell_number(const struct kernel_cells *cells, const char *title)
{
    const char *text = cell_text(cells, title);
    char *end;
    double value = text ? strtod(text, &end) : NAN;
    return text && end != text && !*end ? value : NAN;
}

/* --- devices -------------------------------------------------------------------------------------------------- */

#define FIGURE(member) \
    { \
#member, offsetof(struct kernel_device, member) \
    }
const struct kernel_figure kernel_figures[] = {FIGURE(sms),       FIGURE(clock_Hz),      FIGURE(memory_Bps),
                                               FIGURE(cache_B),   FIGURE(bf16_flops),    FIGURE(fp8_flops),
                                               FIGURE(fp4_flops), FIGURE(stays_in_core), {0}};

double *kernel_figure_at(struct kernel_device *d, const struct kernel_figure *figure)
{
    return (double *)(void *)((char *)d + figure->offset);
}

struct kernel_device kernel_device_of(const struct hw_chip *chip)
{
    return (struct kernel_device){.sms = (double)chip->sms,
                                  .clock_Hz = chip->clock_Hz,
                                  .memory_Bps = chip->memory_Bps,
                                  .cache_B = chip->cache_B,
                                  .bf16_flops = chip->bf16_flops,
                                  .fp8_flops = chip->fp8_flops,
                                  .fp4_flops = chip->fp4_flops,
                                  .stays_in_core = chip->tensor.native_scaling || chip->tensor.promote_every == 0};
}

double kernel_value_B(enum kernel_dtype dtype)
{
    static const double value_B[KERNEL_DTYPES] = {
        [KERNEL_FP8] = 1,     [KERNEL_BF16] = 2,    [KERNEL_FP8_TENSOR] = 1, [KERNEL_MXFP8] = 1,
        [KERNEL_NVFP4] = 0.5, [KERNEL_W4A16] = 0.5, [KERNEL_W4A8] = 0.5};
    return value_B[dtype];
}

double kernel_scale_B(enum kernel_dtype dtype)
{
    static const double scale_B[KERNEL_DTYPES] = {[KERNEL_FP8] = 4.0 / 128,
                                                  [KERNEL_MXFP8] = 1.0 / 32,
                                                  [KERNEL_NVFP4] = 1.0 / 16,
                                                  [KERNEL_W4A16] = 1.0 / 32,
                                                  [KERNEL_W4A8] = 1.0 / 32};
    return scale_B[dtype];
}

double device_flops(const struct kernel_device *d, enum kernel_dtype dtype)
{
    if (dtype == KERNEL_NVFP4 && d->fp4_flops > 0)
        return d->fp4_flops;
    return dtype == KERNEL_BF16 || dtype == KERNEL_W4A16 || d->fp8_flops <= 0 ? d->bf16_flops : d->fp8_flops;
}

double device_sms(const struct kernel_device *d, const struct kernel_call *call)
{
    return call->sms > 0 ? fmin(call->sms, d->sms) : d->sms;
}

/* --- mechanism and points --------------------------------------------------------------------------------------- */

void kernel_mechanism_time(const struct kernel *k, const struct kernel_device *on, const struct kernel_call *call,
                           struct kernel_time *t)
{
    kernel_mechanism_of(k->family)->time(k->constants, k->variant, on, call, t);
    double larger_s = fmax(t->tensor_s, t->memory_s), smaller_s = fmin(t->tensor_s, t->memory_s);
    t->mechanism_s = t->start_s + larger_s + t->unhidden_ratio * smaller_s;
    BUG_IF(!isfinite(t->start_s + t->tensor_s + t->memory_s) || !(t->mechanism_s > 0));
}

static struct residual_point point_of(const struct kernel *k, const struct kernel_device *on,
                                      const struct kernel_row *row, uint32_t id)
{
    struct residual_point p = {.weight = row->weight > 0 ? row->weight : 1, .id = id};
    struct kernel_time t = {0};
    kernel_mechanism_time(k, on, &row->call, &t);
    kernel_mechanism_of(k->family)->axes(&row->call, p.x);
    p.value = log(row->time_s / t.mechanism_s);
    return p;
}

void kernel_index_points(struct kernel *k, const struct kernel_device *on, struct arena *arena)
{
    struct residual_point *points = ARENA_ARRAY(arena, struct residual_point, k->n_rows + 1);
    for (uint32_t i = 0; i < k->n_rows; i++)
        points[i] = point_of(k, on, &k->rows[i], i);
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    k->residuals = residuals_new(points, k->n_rows, m->n_axes, m->shape_axes, k->trust, arena);
}

/* --- thinning ----------------------------------------------------------------------------------------------------- */

/* Rows that differ in their first member only are one series. */
struct placed {
    struct residual_point point;
    double members[KERNEL_MAX_MEMBERS];
    size_t n;
};

static int by_series(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    for (size_t i = 1; i < a->n; i++)
        if (a->members[i] != b->members[i])
            return a->members[i] < b->members[i] ? -1 : 1;
    if (a->members[0] != b->members[0])
        return a->members[0] < b->members[0] ? -1 : 1;
    return a->point.id < b->point.id ? -1 : 1;
}

static struct placed place(const struct kernel *k, const struct kernel_device *on, const struct kernel_row *row,
                           uint32_t id)
{
    struct placed p = {.point = point_of(k, on, row, id)};
    for (const char *const *name = kernel_mechanism_of(k->family)->members; *name; name++)
        p.members[p.n++] = *kernel_member_at((struct kernel_call *)&row->call, kernel_member_named(*name));
    return p;
}

/* A point's row: the shape of its middle row, with the time that its mean residual gives. */
static struct kernel_row row_of(const struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows,
                                const struct residual_point *p)
{
    struct kernel_row row = rows[p->id];
    struct kernel_time t = {0};
    kernel_mechanism_time(k, on, &row.call, &t);
    row.time_s = t.mechanism_s * exp(p->value);
    row.weight = p->weight;
    return row;
}

/* --- how far other shapes are to be trusted ------------------------------------------------------------------------ */

enum { TRIALS = 4, TRIED_ROWS = 2000, TRUSTS = 8 };

/* Points of all shapes but one part of them. */
static struct residuals *without(const struct kernel *k, const struct kernel_device *on, uint64_t part,
                                 struct arena *arena)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    struct residual_point *points = ARENA_ARRAY(arena, struct residual_point, k->n_rows + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n_rows; i++)
        if (kernel_shape(&k->rows[i].call) / 7 % TRIALS != part)
            points[n++] = point_of(k, on, &k->rows[i], i);
    return residuals_new(points, n, m->n_axes, 0, 1, arena);
}

/* Sums of |row's residual - trust times what other shapes say|, for trusts of 0, 1/8 ... 1. */
static void try_part(const struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                     uint64_t part, double *sums)
{
    struct arena *arena = arena_new();
    struct residuals *others = without(k, on, part, arena);
    uint32_t step = n / TRIED_ROWS + 1;
    for (uint32_t i = 0; i < n; i += step) {
        if (kernel_shape(&rows[i].call) / 7 % TRIALS != part)
            continue;
        struct residual_point p = point_of(k, on, &rows[i], i);
        double said = residual_at(others, p.x).value;
        for (int t = 0; t <= TRUSTS; t++)
            sums[t] += sqrt(pow(p.value - said * t / TRUSTS, 2) + 0.1 * 0.1);
    }
    arena_free(arena);
}

static double find_trust(const struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows,
                         uint32_t n)
{
    double sums[TRUSTS + 1] = {0};
    int best = TRUSTS;
    for (uint64_t part = 0; part < TRIALS; part++)
        try_part(k, on, rows, n, part, sums);
    for (int t = TRUSTS; t >= 0; t--)
        if (sums[t] < sums[best])
            best = t;
    return (double)best / TRUSTS;
}

enum { LEAST_POINTS = 60 };

uint32_t kernel_most_points(const struct kernel *k, uint32_t n_rows)
{
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    uint32_t most = m->rows_each ? n_rows / m->rows_each : m->points;
    return most > m->points ? m->points : most > LEAST_POINTS ? most : LEAST_POINTS;
}

void kernel_fit_points(struct kernel *k, const struct kernel_device *on, const struct kernel_row *rows, uint32_t n,
                       uint32_t most, struct arena *arena)
{
    struct placed *placed = ARENA_ARRAY(arena, struct placed, n + 1);
    struct residual_point *points = ARENA_ARRAY(arena, struct residual_point, n + 1);
    for (uint32_t i = 0; i < n; i++)
        placed[i] = place(k, on, &rows[i], i);
    qsort(placed, n, sizeof *placed, by_series);
    for (uint32_t i = 0; i < n; i++)
        points[i] = placed[i].point;
    uint32_t left = thin_points(points, n, most, kernel_mechanism_of(k->family)->n_axes);
    struct kernel_row *kept = ARENA_ARRAY(arena, struct kernel_row, left + 1);
    for (uint32_t i = 0; i < left; i++)
        kept[i] = row_of(k, on, rows, &points[i]);
    k->rows = kept;
    k->n_rows = left;
    k->trust = find_trust(k, on, rows, n);
    kernel_index_points(k, on, arena);
}
