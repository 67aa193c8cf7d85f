/* Kind gemm: one FP8 matrix product with fine-grained scales: its time (hw/kernels) and what the tensor core's
 * accumulation does to it, bit by bit (hw/formats, paper 3.1). Nothing is simulated on the network.
 *
 * Without promotion there is one scale for each operand (fine-grained scales need somebody to apply them). With native
 * scaling the error is taken from that product too: sums stay in the tensor core over all of K, and what scales inside
 * it would round is not known. */
#include <math.h>

#include "hw/formats/format_study.h"
#include "hw/kernels/kernels.h"
#include "io/inputs/kernel_table_file.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/machine/gemm_cfg.h"

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    const struct hw_tensor_core *tc = &s->cluster.chip.tensor;
    (void)arena;
    if (gemm_cfg(s)->k % 128)
        REPORT("gemm.k", "%lld is no whole number of blocks of 128", (long long)gemm_cfg(s)->k);
    if (tc->promote_every % 32)
        REPORT("cluster.chip.tensor.promote_every", "%lld is no whole number of groups of 32 products",
               (long long)tc->promote_every);
    if (tc->native_scaling && tc->promote_every)
        REPORT("cluster.chip.tensor.promote_every",
               "with native scaling sums stay in the tensor core; write 'promote_every: 0'");
}

static struct gemm_error accumulate(const struct scenario *s, enum gemm_data data, struct arena *arena)
{
    const struct hw_tensor_core *hw = &s->cluster.chip.tensor;
    struct tensor_core tc = {.group = tensor_core_hopper_fp8.group,
                             .align_bits = (int)hw->align_bits,
                             .register_bits = (int)hw->register_bits,
                             .promote_every = (int)hw->promote_every};
    struct gemm_case c = {.m = (uint32_t)gemm_cfg(s)->sample_rows,
                          .n = (uint32_t)gemm_cfg(s)->sample_columns,
                          .k = (uint32_t)gemm_cfg(s)->k,
                          .data = data,
                          .seed = (uint64_t)s->sim.seed,
                          .fine = !hw->native_scaling && hw->promote_every > 0};
    struct gemm_sample sample = gemm_sample(&c, arena);
    return gemm_accumulation_error(&tc, &sample);
}

enum { COL_DATA, COL_RMS, COL_MAX, COL_BIAS, N_COL };
static const struct result_column columns[N_COL] = {
    {"data", DIM_COUNT, "what the operands are made of", true},
    {"rms", DIM_RATIO, "norm of the error over that of the exact product of the same codes", false},
    {"max", DIM_RATIO, "largest error over the root mean square of the product", false},
    {"bias", DIM_RATIO, "mean change of magnitude", false},
};

static void add_error(struct result_table *t, const char *data, const struct gemm_error *e)
{
    struct result_cell *row = result_add_row(t);
    row[COL_DATA].text = data;
    row[COL_RMS].value = e->rms_ratio;
    row[COL_MAX].value = e->max_ratio;
    row[COL_BIAS].value = e->bias_ratio;
}

static void add_metrics(struct kind_run *run, const struct kernel_time *t, double error)
{
    struct result_metric *m =
        result_add_metric(&run->result, run->arena, "gemm_time", t->time_s, DIM_TIME, kernel_origin_names[t->origin],
                          "measured, or start + max(tensor, memory) + unhidden * min");
    result_add_input(m, run->arena, "tensor", t->tensor_s, DIM_TIME, "roofline");
    result_add_input(m, run->arena, "memory", t->memory_s, DIM_TIME, "roofline");
    result_add_metric(&run->result, run->arena, "gemm_tflops", t->flop / t->time_s, DIM_FLOPS, "of the product",
                      "2 m n k / gemm_time");
    result_add_metric(&run->result, run->arena, "accumulation_error", error, DIM_RATIO,
                      "root mean square, zero-mean data", "norm of error / norm of product");
}

static int run_gemm(struct kind_run *run, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct kernel_call call = {.family = KERNEL_GEMM,
                               .dtype = KERNEL_FP8,
                               .m = (double)gemm_cfg(s)->m,
                               .n = (double)gemm_cfg(s)->n,
                               .k = (double)gemm_cfg(s)->k};
    struct kernel_table table = {0};
    if (*s->cluster.kernels.tables &&
        kernel_tables_read(s->cluster.kernels.tables, scenario_place(run->file, "cluster.kernels.tables"),
                           run->file->path, run->arena, &table, diag))
        return -1;
    struct kernel_model *model = kernel_model_new(&s->cluster, &table, run->arena);
    model->asked = run->origins;
    struct kernel_time time = kernel_time(model, &call);
    struct gemm_error zero_mean = accumulate(s, GEMM_GAUSSIAN, run->arena);
    struct gemm_error positive = accumulate(s, GEMM_POSITIVE, run->arena);
    run->result.kind = "gemm";
    run->result.setting = arena_printf(run->arena, "%lld x %lld x %lld in FP8 on %s", (long long)gemm_cfg(s)->m,
                                       (long long)gemm_cfg(s)->n, (long long)gemm_cfg(s)->k, s->cluster.chip.name);
    add_metrics(run, &time, zero_mean.rms_ratio);
    struct result_table *t =
        result_add_table(&run->result, run->arena, "errors", "of the accumulation alone", columns, N_COL, 2);
    add_error(t, "zero mean", &zero_mean);
    add_error(t, "positive", &positive);
    if (run->critical) {
        critical_path_note(run->critical, "tensor cores", time.tensor_s, run->arena);
        critical_path_note(run->critical, "memory bandwidth", time.memory_s, run->arena);
    }
    return 0;
}

const struct scenario_kind kind_gemm = {
    .name = "gemm",
    .doc = "one FP8 matrix product: its time and the error of its accumulation",
    .ref = "3.1",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys,
             .only = "chip -chip.memory kernels.tables kernels.checks kernels.measured_on kernels.tensor "
                     "kernels.memory kernels.sm_bytes_per_clock kernels.gemm -kernels.gemm.wgrad_block"},
            {.keys = &sim_keys, .only = "seed"},
            {.keys = &gemm_keys},
            {0}},
    .check = check,
    .run = run_gemm,
};
