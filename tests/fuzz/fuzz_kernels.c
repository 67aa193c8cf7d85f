/* Fuzz target of kernel tables: what is refused was reported; what is accepted can be asked for and is
 * reproduced. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hw/kernels/kernels.h"
#include "io/inputs/kernel_table_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static const struct cluster_hw hw = {
    .chip = {.sms = 132, .bf16_flops = 1e15, .fp8_flops = 2e15, .memory_Bps = 3e12, .clock_Hz = 2e9},
    .kernels = {.measured_on = {132, 1e15, 2e15, 3e12, 2e9},
                .tensor_ratio = 0.9,
                .memory_ratio = 0.9,
                .sm_B_per_clock = 64,
                .gemm = {6e-6, 8e-8, 1e-7, 6e-8, 0.9, 0.4, 256, 160, 64, 16},
                .gemm_bf16 = {6e-6, 1e-8, 1e-8, 6e-8, 0.9, 0.4, 256, 128, 64, 16},
                .attention = {6e-6, 0.7, 0.6, 2e-6, 1e-5, 8e-6, 7e-7, 9e-6, 5},
                .pass = {.9, .9, .9, .9, .9, .9, .9, .9, .9, .9, 2e-6}}};

/* Large tables cost time, not insight. */
static void ask(const struct kernel_table *table, struct arena *arena)
{
    struct kernel_table some = {table->rows, table->n_rows < 8 ? table->n_rows : 8};
    struct kernel_model *m = kernel_model_new(&hw, &some, arena);
    for (uint32_t i = 0; i < some.n_rows; i++) {
        struct kernel_time t = kernel_time(m, &some.rows[i].call);
        must(isfinite(t.time_s) && t.time_s > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct kernel_table table = {0};
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    int failed = kernel_table_parse(text, size, "fuzz.csv", arena, &table, diag);
    must((failed != 0) == diag_failed(diag));
    if (!failed)
        ask(&table, arena);
    free(text);
    diag_free(diag);
    arena_free(arena);
    return 0;
}
