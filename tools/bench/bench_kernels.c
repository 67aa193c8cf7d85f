/* How long a chip's kernels take to load, and a look-up of each family: CPU time. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "hw/kernels/kernels.h"
#include "io/inputs/cluster_file.h"
#include "io/inputs/kernel_table_file.h"

enum { LOOKUPS = 20000 };

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const struct {
    const char *name;
    struct kernel_call call;
} calls[] = {
    {"gemm_fp8", {.family = KERNEL_GEMM, .dtype = KERNEL_FP8, .m = 128, .n = 4096, .k = 7168}},
    {"gemm_bf16", {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = 128, .n = 4096, .k = 7168}},
    {"grouped_masked_fp8",
     {.family = KERNEL_GROUPED_MASKED, .dtype = KERNEL_FP8, .m = 128, .n = 4096, .k = 7168, .groups = 4}},
    {"mla_decode_bf16",
     {.family = KERNEL_MLA_DECODE,
      .dtype = KERNEL_BF16,
      .batch = 128,
      .q_len = 1,
      .kv_len = 4096,
      .heads = 128,
      .kv_heads = 1,
      .qk_dim = 576,
      .v_dim = 512,
      .kv_token_B = 1152}},
    {"gqa_prefill_bf16",
     {.family = KERNEL_GQA_PREFILL,
      .dtype = KERNEL_BF16,
      .batch = 1,
      .q_len = 4096,
      .heads = 64,
      .kv_heads = 8,
      .qk_dim = 128,
      .v_dim = 128,
      .causal = true}},
};

/* `times` look-ups of each of LOOKUPS / times different calls. */
static double each_us(const struct kernel_model *m, size_t which, int times)
{
    struct kernel_call call = calls[which].call;
    double before_s = cpu_s(), sum_s = 0;
    for (int i = 0; i < LOOKUPS; i++) {
        *(call.batch > 0 ? &call.batch : &call.m) = 1 + i % (LOOKUPS / times);
        sum_s += kernel_time(m, &call).time_s;
    }
    return sum_s > 0 ? 1e6 * (cpu_s() - before_s) / LOOKUPS : NAN;
}

/* A run asks for the same calls again and again; what it asks for the first time is looked up. */
static void look_up(const struct kernel_model *m, size_t which)
{
    double again_us = each_us(m, which, 50), first_us = each_us(m, which, 1);
    printf("  %-20s %8.2f us a look-up, asked 50 times; %.2f us, asked once\n", calls[which].name, again_us, first_us);
}

int main(void)
{
    struct cluster_source from = {.hardware = "b200", .topology = "mrft"};
    struct cluster_file file;
    struct kernel_table table;
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    int failed = cluster_load(&from, arena, &file, diag);
    double before_s = cpu_s();
    failed = failed || kernel_tables_read(file.hw->kernels.tables, SRCLOC_NONE, NULL, arena, &table, diag);
    if (failed) {
        diag_print(diag, stderr);
        return 1;
    }
    printf("Kernels of b200: read in %.1f ms\n", 1e3 * (cpu_s() - before_s));
    const struct kernel_model *m = kernel_model_new(file.hw, &table, arena);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        look_up(m, i);
    return 0;
}
