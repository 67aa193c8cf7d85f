#include "hw/formats/format_study.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/diag.h"
#include "base/rng.h"

enum { OUTLIER_EVERY = 1000, OUTLIER_FACTOR = 20, HEAVY_TAIL_FREEDOM = 3 };

static const char *const names[N_ACTIVATIONS] = {"gaussian", "heavy-tailed", "outliers", "uniform"};

const char *activations_name(enum activations kind)
{
    return names[kind];
}

static double draw(enum activations kind, gsl_rng *rng)
{
    switch (kind) {
    case GAUSSIAN:
    case OUTLIERS:
        return gsl_ran_gaussian_ziggurat(rng, 1);
    case HEAVY_TAILED:
        return gsl_ran_tdist(rng, HEAVY_TAIL_FREEDOM);
    case UNIFORM:
        return gsl_ran_flat(rng, -1, 1);
    case N_ACTIVATIONS:
        break;
    }
    BUG("unknown distribution %d", (int)kind);
}

void activations_fill(enum activations kind, uint64_t seed, uint32_t rows, uint32_t cols, float *x)
{
    gsl_rng *rng = rng_stream(seed, (uint64_t)kind, "activations");
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < cols; c++) {
            bool large = kind == OUTLIERS && c % OUTLIER_EVERY == OUTLIER_EVERY / 2;
            x[(size_t)r * cols + c] = (float)(draw(kind, rng) * (large ? OUTLIER_FACTOR : 1));
        }
    gsl_rng_free(rng);
}

/* --- errors of values ------------------------------------------------------------------------------- */

struct format_error format_error(const float *x, const float *y, size_t n)
{
    double signal = 0, noise = 0, relative = 0, size = 0, growth = 0, growth2 = 0;
    size_t not_zero = 0, zeroed = 0;
    for (size_t i = 0; i < n; i++) {
        double from = x[i], to = y[i], error = fabs(to - from), more = fabs(to) - fabs(from);
        signal += from * from;
        noise += error * error;
        size += fabs(from);
        growth += more;
        growth2 += more * more;
        if (from == 0)
            continue;
        not_zero++;
        zeroed += to == 0;
        relative += error / fabs(from);
    }
    double count = not_zero ? (double)not_zero : 1, all = (double)n;
    double variance = growth2 / all - growth / all * (growth / all);
    struct format_error e = {.snr_dB = noise > 0 ? 10 * log10(signal / noise) : INFINITY,
                             .relative_ratio = relative / count,
                             .zeroed_ratio = (double)zeroed / count};
    if (size > 0) {
        e.bias_ratio = growth / size;
        e.bias_se_ratio = sqrt(fmax(variance, 0) / all) / (size / all);
    }
    return e;
}

/* Gates between 0.5 and 1.5 before they are normalised: experts matter about alike. */
static void draw_gates(gsl_rng *rng, uint32_t experts, double *gates)
{
    double sum = 0;
    for (uint32_t e = 0; e < experts; e++)
        sum += gates[e] = gsl_ran_flat(rng, 0.5, 1.5);
    for (uint32_t e = 0; e < experts; e++)
        gates[e] /= sum;
}

static void combine_token(const struct number_format *f, const double *gates, uint32_t experts, uint32_t cols,
                          float *outputs, float *exact, float *combined)
{
    for (uint32_t c = 0; c < cols; c++) {
        double sum = 0;
        for (uint32_t e = 0; e < experts; e++)
            sum += gates[e] * (double)outputs[(size_t)e * cols + c];
        exact[c] = (float)sum;
        combined[c] = 0;
    }
    for (uint32_t e = 0; e < experts; e++) { /* row by row: scales of 128 x 128 would mix tokens */
        float *row = outputs + (size_t)e * cols;
        number_format_round_trip(f, row, 1, cols, row);
        for (uint32_t c = 0; c < cols; c++)
            combined[c] = fmaf((float)gates[e], row[c], combined[c]);
    }
    for (uint32_t c = 0; c < cols; c++)
        combined[c] =
            minifloat_decode(&minifloat_bf16, minifloat_encode(&minifloat_bf16, combined[c], MINIFLOAT_SATURATE));
}

struct format_error combine_error(const struct number_format *f, enum activations kind, uint64_t seed, uint32_t tokens,
                                  uint32_t cols, uint32_t experts)
{
    struct arena *arena = arena_new();
    gsl_rng *rng = rng_stream(seed, (uint64_t)kind, "combine gates");
    size_t per_token = (size_t)experts * cols;
    float *outputs = ARENA_ARRAY(arena, float, per_token *tokens);
    float *exact = ARENA_ARRAY(arena, float, (size_t)tokens *cols);
    float *combined = ARENA_ARRAY(arena, float, (size_t)tokens *cols);
    double *gates = ARENA_ARRAY(arena, double, experts);
    activations_fill(kind, seed, tokens * experts, cols, outputs);
    for (uint32_t t = 0; t < tokens; t++) {
        draw_gates(rng, experts, gates);
        combine_token(f, gates, experts, cols, outputs + per_token * t, exact + (size_t)t * cols,
                      combined + (size_t)t * cols);
    }
    struct format_error e = format_error(exact, combined, (size_t)tokens * cols);
    gsl_rng_free(rng);
    arena_free(arena);
    return e;
}

/* --- errors of GEMMs -------------------------------------------------------------------------------- */

static float *draw_operand(const struct gemm_case *c, uint32_t rows, uint64_t which, struct arena *arena)
{
    size_t n = (size_t)rows * c->k;
    float *x = ARENA_ARRAY(arena, float, n);
    gsl_rng *rng = rng_stream(c->seed, which, "gemm operand");
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(c->data == GEMM_GAUSSIAN ? gsl_ran_gaussian_ziggurat(rng, 1) : gsl_rng_uniform(rng));
    gsl_rng_free(rng);
    return x;
}

static void multiply_double(const float *a, const float *b, const struct gemm_case *c, double *out)
{
    for (uint32_t i = 0; i < c->m; i++)
        for (uint32_t j = 0; j < c->n; j++) {
            double sum = 0;
            for (uint32_t k = 0; k < c->k; k++)
                sum += (double)a[(size_t)i * c->k + k] * (double)b[(size_t)j * c->k + k];
            out[(size_t)i * c->n + j] = sum;
        }
}

struct gemm_sample gemm_sample(const struct gemm_case *c, struct arena *arena)
{
    struct blocking of_a = {1, 128, SCALE_FP32}, of_b = {128, 128, SCALE_FP32}, whole = {0};
    float *a = draw_operand(c, c->m, 0, arena), *b = draw_operand(c, c->n, 1, arena);
    struct gemm_sample s;
    s.a = quantise(&minifloat_e4m3, a, c->m, c->k, c->fine ? of_a : whole, arena);
    s.b = quantise(&minifloat_e4m3, b, c->n, c->k, c->fine ? of_b : whole, arena);
    s.codes_product = ARENA_ARRAY(arena, double, (size_t)c->m * c->n);
    s.true_product = ARENA_ARRAY(arena, double, (size_t)c->m * c->n);
    gemm_double(&s.a, &s.b, s.codes_product);
    multiply_double(a, b, c, s.true_product);
    return s;
}

struct sums {
    double error2, reference2, largest, growth, size, count;
};

static void add_pair(struct sums *s, double got, double wanted)
{
    s->error2 += (got - wanted) * (got - wanted);
    s->reference2 += wanted * wanted;
    s->largest = fmax(s->largest, fabs(got - wanted));
    s->growth += fabs(got) - fabs(wanted);
    s->size += fabs(wanted);
    s->count++;
}

static struct gemm_error ratios(const struct sums *s)
{
    return (struct gemm_error){.rms_ratio = sqrt(s->error2 / s->reference2),
                               .max_ratio = s->largest / sqrt(s->reference2 / s->count),
                               .bias_ratio = s->growth / s->size};
}

struct gemm_error gemm_accumulation_error(const struct tensor_core *tc, const struct gemm_sample *s)
{
    struct arena *arena = arena_new();
    size_t n = (size_t)s->a.rows * s->b.rows;
    float *c = ARENA_ARRAY(arena, float, n);
    struct sums sums = {0};
    tensor_core_gemm(tc, &s->a, &s->b, c);
    for (size_t i = 0; i < n; i++)
        add_pair(&sums, c[i], s->codes_product[i]);
    arena_free(arena);
    return ratios(&sums);
}

struct gemm_error gemm_quantisation_error(const struct gemm_sample *s)
{
    struct sums sums = {0};
    for (size_t i = 0; i < (size_t)s->a.rows * s->b.rows; i++)
        add_pair(&sums, s->codes_product[i], s->true_product[i]);
    return ratios(&sums);
}
