/* Runs the studies of format_study.c over formats, distributions and accumulators. */
#include "hw/formats/format_report.h"

#include <math.h>

enum { FIRST_ROUNDING_BITS = 4, LAST_ROUNDING_BITS = 12, WIDE_BITS = 23, LEAST_BITS = 8 };

/* --- values ----------------------------------------------------------------------------------------- */

static void errors_of(const struct report_request *q, const char *name, const float *x, uint32_t rows, uint32_t cols,
                      struct arena *arena, struct format_report *out)
{
    size_t n = (size_t)rows * cols;
    float *y = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < q->n_formats; i++) {
        struct report_error *row = &out->errors[out->n_errors++];
        number_format_round_trip(&q->formats[i], x, rows, cols, y);
        *row = (struct report_error){name, &q->formats[i], number_format_bits(&q->formats[i]), format_error(x, y, n)};
    }
}

static void report_errors(const struct report_request *q, struct arena *arena, struct format_report *out)
{
    out->errors = ARENA_ARRAY(arena, struct report_error, q->n_formats * N_ACTIVATIONS);
    if (q->data) {
        errors_of(q, q->data_name, q->data, q->rows, q->columns, arena, out);
        return;
    }
    for (int kind = 0; kind < N_ACTIVATIONS; kind++) {
        struct arena *scratch = arena_new();
        float *x = ARENA_ARRAY(scratch, float, (size_t)q->rows *REPORT_COLUMNS);
        activations_fill((enum activations)kind, q->seed, q->rows, REPORT_COLUMNS, x);
        errors_of(q, activations_name((enum activations)kind), x, q->rows, REPORT_COLUMNS, scratch, out);
        arena_free(scratch);
    }
}

static void report_combine(const struct report_request *q, struct arena *arena, struct format_report *out)
{
    static const enum activations kinds[] = {GAUSSIAN, OUTLIERS};
    out->combine = ARENA_ARRAY(arena, struct report_error, q->n_formats * 2);
    for (int d = 0; d < 2; d++)
        for (size_t i = 0; i < q->n_formats; i++) {
            const struct number_format *f = &q->formats[i];
            struct report_error *row = &out->combine[out->n_combine++];
            *row = (struct report_error){
                activations_name(kinds[d]), f, number_format_bits(f),
                combine_error(f, kinds[d], q->seed, REPORT_TOKENS, REPORT_COLUMNS, REPORT_EXPERTS)};
        }
}

/* --- rounding of LogFMT ----------------------------------------------------------------------------- */

static struct format_error round_all(int bits, enum logfmt_rounding rounding, const float *x, size_t n, float *y,
                                     double *step)
{
    struct logfmt_tile tile;
    double sum = 0, tiles = 0;
    for (size_t i = 0; i < n; i += LOGFMT_TILE, tiles++) {
        int count = n - i < LOGFMT_TILE ? (int)(n - i) : LOGFMT_TILE;
        logfmt_encode(bits, rounding, x + i, count, &tile);
        logfmt_decode(bits, &tile, y + i, count);
        sum += (double)tile.step_log2;
    }
    *step = sum / tiles * M_LN2;
    return format_error(x, y, n);
}

static void report_rounding(const struct report_request *q, struct arena *arena, struct format_report *out)
{
    static const enum activations kinds[] = {UNIFORM, GAUSSIAN};
    size_t n = (size_t)q->rows * REPORT_COLUMNS;
    struct arena *scratch = arena_new();
    float *x = ARENA_ARRAY(scratch, float, n), *y = ARENA_ARRAY(scratch, float, n);
    out->rounding = ARENA_ARRAY(arena, struct report_rounding, 2 * (LAST_ROUNDING_BITS - FIRST_ROUNDING_BITS + 1));
    for (int d = 0; d < 2; d++) {
        activations_fill(kinds[d], q->seed, q->rows, REPORT_COLUMNS, x);
        for (int bits = FIRST_ROUNDING_BITS; bits <= LAST_ROUNDING_BITS; bits++) {
            struct report_rounding *row = &out->rounding[out->n_rounding++];
            row->data = activations_name(kinds[d]);
            row->bits = bits;
            row->linear = round_all(bits, LOGFMT_LINEAR, x, n, y, &row->step);
            row->log = round_all(bits, LOGFMT_LOG, x, n, y, &row->step);
        }
    }
    arena_free(scratch);
}

/* --- GEMM ------------------------------------------------------------------------------------------- */

enum { MAX_GEMM_ROWS = 256 };

static void add_gemm(struct format_report *out, enum gemm_axis axis, const struct gemm_case *c,
                     const struct gemm_sample *s, int bits, uint32_t promote_every)
{
    struct tensor_core core = tensor_core_hopper_fp8;
    core.align_bits = core.register_bits = bits;
    core.promote_every = (int)promote_every;
    out->gemm[out->n_gemm++] = (struct report_gemm){axis,
                                                    c->data == GEMM_GAUSSIAN ? "gaussian" : "positive",
                                                    c->k,
                                                    core,
                                                    gemm_accumulation_error(&core, s),
                                                    gemm_quantisation_error(s)};
}

static void gemm_by_depth(const struct gemm_case *c, struct format_report *out)
{
    struct arena *scratch = arena_new();
    struct gemm_sample s = gemm_sample(c, scratch);
    int bits = tensor_core_hopper_fp8.align_bits;
    add_gemm(out, GEMM_BY_DEPTH, c, &s, bits, 0);
    add_gemm(out, GEMM_BY_DEPTH, c, &s, bits, (uint32_t)tensor_core_hopper_fp8.promote_every);
    add_gemm(out, GEMM_BY_DEPTH, c, &s, WIDE_BITS, 0);
    arena_free(scratch);
}

static void gemm_at_depth(const struct gemm_case *c, struct format_report *out)
{
    struct arena *scratch = arena_new();
    struct gemm_sample s = gemm_sample(c, scratch);
    for (int bits = LEAST_BITS; bits <= WIDE_BITS; bits++)
        for (int promoted = 0; promoted < 2; promoted++)
            add_gemm(out, GEMM_BY_BITS, c, &s, bits, promoted ? (uint32_t)tensor_core_hopper_fp8.promote_every : 0);
    for (uint32_t every = (uint32_t)tensor_core_hopper_fp8.group; every <= c->k; every *= 2)
        add_gemm(out, GEMM_BY_INTERVAL, c, &s, tensor_core_hopper_fp8.align_bits, every);
    arena_free(scratch);
}

static void report_gemm(const struct report_request *q, struct arena *arena, struct format_report *out)
{
    out->gemm = ARENA_ARRAY(arena, struct report_gemm, MAX_GEMM_ROWS);
    for (int data = GEMM_GAUSSIAN; data <= GEMM_POSITIVE; data++) {
        struct gemm_case c = {.m = REPORT_GEMM_ROWS, .n = REPORT_GEMM_COLUMNS, .seed = q->seed};
        c.data = (enum gemm_data)data;
        for (c.k = 128; c.k <= 16384; c.k *= 2)
            gemm_by_depth(&c, out);
        c.k = REPORT_GEMM_DEPTH;
        gemm_at_depth(&c, out);
    }
}

void format_report(const struct report_request *request, struct arena *arena, struct format_report *out)
{
    *out = (struct format_report){0};
    if (request->tables & REPORT_ERRORS)
        report_errors(request, arena, out);
    if (request->tables & REPORT_COMBINE)
        report_combine(request, arena, out);
    if (request->tables & REPORT_ROUNDING)
        report_rounding(request, arena, out);
    if (request->tables & REPORT_GEMM)
        report_gemm(request, arena, out);
}
