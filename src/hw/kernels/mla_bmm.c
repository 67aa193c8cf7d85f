/* The batched GEMMs of absorbed latent attention: queries into latent space (128 to 512 a head), outputs out of it (512 to 128),
 * a product for each head. Which of the two: k and n tell.
 *
 * Tiles over heads and tokens in waves; weights and rows cross the memory or come from L2, where a benchmark finds them again.
 *
 * Left out: the cast of FP8 kernels' inputs, which is in the time of their rows. */
#include <math.h>
#include <string.h>

#include "hw/kernels/mechanism.h"

enum { START, TENSOR, STEP, LOAD, MEMORY, CACHE, FILL, UNHIDDEN, ROW };

static const struct kernel_constant constants[] = {
    [START] = {"start_s", MOVES_NOT, 3e-6, 5e-7, 5e-5, "launch, first loads, last store"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.5, 0.02, 1, "sustained of the nominal tensor rate"},
    [STEP] = {"step_s", MOVES_BY_CLOCK, 1e-7, 1e-9, 2e-6, "the least of a step of 128 bytes along K"},
    [LOAD] = {"load_B", MOVES_AS_SHARE, 40, 2, 1024, "operands from L2, a clock and SM"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.7, 0.05, 1, "achieved of the memory bandwidth"},
    [CACHE] = {"cache_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of L2 that a repeated call finds again"},
    [FILL] = {"fill_s", MOVES_BY_CLOCK, 5e-7, 1e-9, 1e-5, "filling and emptying a tile of 128 x 128"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of tensor and memory time"},
    [ROW] = {"row_s", MOVES_BY_CLOCK, 1e-10, 1e-13, 1e-7, "a row of a head beside it: casts, strided writes"},
    {0}};

static const char *const variants[] = {"tiles", NULL};
static const double step_B = 128, unit_tile = 128.0 * 128.0;

static double tiles_s(const double *c, const struct kernel_device *on, const struct kernel_call *call, double bm)
{
    double value_B = kernel_value_B(call->dtype), bn = 128, sms = device_sms(on, call);
    double tiles = call->heads * ceil(call->m / bm) * ceil(call->n / bn), steps = ceil(call->k * value_B / step_B);
    double step_s = 2 * bm * bn * step_B / value_B / (c[TENSOR] * device_flops(on, call->dtype) / on->sms);
    step_s = fmax(fmax(step_s, (bm + bn) * step_B / (c[LOAD] * on->clock_Hz)), c[STEP]);
    return ceil(tiles / sms) * (steps * step_s + c[FILL] * bm * bn / unit_tile);
}

static void bmm_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                     struct kernel_time *t)
{
    double value_B = kernel_value_B(call->dtype), rows = call->heads * call->m;
    double bytes_B = rows * (call->k * value_B + call->n * 2) + call->heads * call->n * call->k * value_B;
    double kept_B = call->warm ? fmin(bytes_B, c[CACHE] * on->cache_B) : 0;
    (void)variant;
    t->tensor_s = fmin(tiles_s(c, on, call, 64), fmin(tiles_s(c, on, call, 128), tiles_s(c, on, call, 256)));
    t->memory_s = (bytes_B - kept_B) / (c[MEMORY] * on->memory_Bps);
    t->start_s = c[START] + rows * c[ROW];
    t->unhidden_ratio = c[UNHIDDEN];
}

static void axes(const struct kernel_call *call, double *x)
{
    x[0] = log2(call->m);
    x[1] = log2(call->heads);
    x[2] = 2 * log2(call->k);
}

static uint64_t shape(const struct kernel_call *call)
{
    return kernel_hash(0, call->heads);
}

static const char *const members[] = {"m", "heads", "k", "n", NULL}, *const files[] = {"mla_bmm", NULL},
                         *const columns[] = {"bmm_dtype", "op_name", "num_tokens", "num_heads", NULL};

static const char *read(const struct kernel_cells *cells, struct kernel_call *call)
{
    const char *op = cell_text(cells, "op_name");
    bool into = !strcmp(op, "mla_gen_pre");
    if (!into && strcmp(op, "mla_gen_post"))
        return "unknown op_name; there are mla_gen_pre and mla_gen_post";
    call->m = cell_number(cells, "num_tokens");
    call->heads = cell_number(cells, "num_heads");
    call->k = into ? 128 : 512;
    call->n = into ? 512 : 128;
    return NULL;
}

const struct kernel_mechanism mechanism_mla_bmm = {.constants = constants,
                                                   .variants = variants,
                                                   .time = bmm_time,
                                                   .members = members,
                                                   .files = files,
                                                   .columns = columns,
                                                   .read = read,
                                                   .points = 200,
                                                   .n_axes = 3,
                                                   .axes = axes,
                                                   .shape_axes = 1u << 1,
                                                   .shape = shape};
