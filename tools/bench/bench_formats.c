/* make bench: how fast number formats encode and decode, and how fast a tensor core's
 * addition is emulated: dot products 4,096 deep, of which 1e6 elements per second are
 * wanted. Processor time of one core. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/formats/format_study.h"

enum { ROWS = 256, COLUMNS = 4096, DEEP = 4096 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_format(const char *name, const float *x, float *y)
{
    struct number_format f;
    char why[200];
    if (number_format_find(name, &f, why, sizeof why)) {
        fprintf(stderr, "bench: error: %s\n", why);
        exit(1);
    }
    double begin_s = now_s();
    int rounds = 0;
    do {
        number_format_round_trip(&f, x, ROWS, COLUMNS, y);
        rounds++;
    } while (now_s() - begin_s < 0.3);
    printf("%-38s %10.1f M values/s encoded and decoded\n", name, 1e-6 * rounds * ROWS * COLUMNS / (now_s() - begin_s));
}

/* One step after the other by the definition is for tests; the fast one must give the
 * same bits. */
static void bench_gemm(const char *what, const struct tensor_core *tc, bool fine, bool plain, struct arena *arena)
{
    struct gemm_case c = {plain ? 2 : 32, plain ? 16 : 128, DEEP, GEMM_GAUSSIAN, 1, fine};
    struct gemm_sample s = gemm_sample(&c, arena);
    float *out = ARENA_ARRAY(arena, float, c.m *c.n);
    double begin_s = now_s();
    int rounds = 0;
    do {
        (plain ? tensor_core_gemm_plain : tensor_core_gemm)(tc, &s.a, &s.b, out);
        rounds++;
    } while (now_s() - begin_s < 0.3);
    double dots_per_s = rounds * (double)c.m * c.n / (now_s() - begin_s);
    printf("%-38s %10.1f M elements/s, %9.0f dot products/s\n", what, 1e-6 * DEEP * dots_per_s, dots_per_s);
}

int main(void)
{
    static const char *const names[] = {"bf16",       "e5m6",       "e4m3",    "e5m2",    "e4m3_1x128",
                                        "mxfp8_e4m3", "mxfp4_e2m1", "logfmt8", "logfmt10"};
    struct arena *arena = arena_new();
    float *x = ARENA_ARRAY(arena, float, ROWS *COLUMNS), *y = ARENA_ARRAY(arena, float, ROWS *COLUMNS);
    activations_fill(GAUSSIAN, 1, ROWS, COLUMNS, x);
    puts("number formats, one core");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        bench_format(names[i], x, y);
    struct tensor_core hopper = tensor_core_hopper_fp8, never = hopper, wide = {32, 40, 23, 128};
    never.promote_every = 0;
    puts("tensor core, bit by bit, K = 4096");
    bench_gemm("FP22, promoted every 128, one scale", &hopper, false, false, arena);
    bench_gemm("the same, scales 1x128 and 128x128", &hopper, true, false, arena);
    bench_gemm("FP22, never promoted", &never, false, false, arena);
    bench_gemm("40 aligned bits, FP32", &wide, false, false, arena);
    bench_gemm("FP22, step by step (the definition)", &hopper, false, true, arena);
    arena_free(arena);
    return 0;
}
