/* The experts of a rank between a dispatch and a combine of DeepEP, in one call: masked grouped GEMMs after its low-latency
 * kernels (decoding), contiguous ones after the others, with rows put in order and back (prefill). Rows are those that have
 * arrived.
 *
 * Two grouped GEMMs as in grouped.c, and passes over rows between and around them. In prefill an eager framework launches from
 * Python: the host's time is a floor; every expert's rows are padded to 128. */
#include <math.h>
#include <string.h>

#include "hw/kernels/grouped_tiles.h"
#include "hw/kernels/moe_load.h"

enum { HOST, START, TENSOR, BLOCK, FILL, MEMORY, UNHIDDEN, PASSES, SLOT };

static const struct kernel_constant constants[] = {
    [HOST] = {"host_s", MOVES_NOT, 3e-4, 1e-6, 5e-3, "launching everything from an eager framework"},
    [START] = {"start_s", MOVES_NOT, 2e-5, 1e-6, 1e-3, "launches on the device, one after the other"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.7, 0.1, 1, "sustained of the nominal tensor rate"},
    [BLOCK] = {"block_s", MOVES_BY_CLOCK, 9e-8, 1e-9, 2e-6, "a step of 128 bytes along K, beside its products"},
    [FILL] = {"fill_s", MOVES_BY_CLOCK, 3e-7, 1e-9, 2e-5, "filling and emptying a tile of 128 x 128"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.85, 0.2, 1, "achieved of the memory bandwidth"},
    [UNHIDDEN] = {"unhidden_ratio", MOVES_AS_SHARE, 0.3, 1e-3, 1, "of the smaller of tensor and memory time"},
    [PASSES] = {"passes", MOVES_AS_SHARE, 2, 1e-2, 40, "over rows around and between the products, in BF16"},
    [SLOT] = {"slot_s", MOVES_BY_CLOCK, 1e-7, 1e-10, 1e-5, "masked: an expert's place, whether it has rows or not"},
    {0}};

static const char *const variants[] = {"deepgemm", NULL};
static const double step_B = 128, padded_rows = 128, widest = 160;

/* Kernels in a call: products, activation, casts; with rows put in order and back in prefill. One product alone takes its
 * share of the launches. */
enum { MASKED_LAUNCHES = 3, CONTIGUOUS_LAUNCHES = 6 };

/* Products of all experts with n columns and depth k. */
static void add_product(const double *c, const struct kernel_device *on, const struct kernel_call *call,
                        const struct moe_load *l, double n, double k, struct kernel_time *t)
{
    bool masked = call->family == KERNEL_MOE_MASKED;
    double value_B = kernel_value_B(call->dtype), scaled_B = value_B + kernel_scale_B(call->dtype);
    struct grouped_costs costs = {.sm_flops = device_flops(on, call->dtype) * c[TENSOR] / on->sms,
                                  .block_s = c[BLOCK],
                                  .fill_s = c[FILL],
                                  .sms = device_sms(on, call),
                                  .widest = widest};
    struct grouped_rows rows = {.rows = l->rows, .active = l->active, .tiles = {l->tiles[3], l->tiles[4]}};
    double values = step_B / value_B;
    t->tensor_s += grouped_tiles_s(&costs, &rows, n, ceil(k / values), values, masked ? 0 : 1, 1, t);
    t->memory_s += (l->active * n * k * scaled_B + l->rows * (k * scaled_B + 2 * n)) / (c[MEMORY] * on->memory_Bps);
}

/* A grouped GEMM by itself, of rows that the call has. */
static void product_time(const double *c, const struct kernel_device *on, const struct kernel_call *call,
                         struct kernel_time *t)
{
    struct moe_load l = moe_load_of(call);
    add_product(c, on, call, &l, call->n, call->k, t);
    t->start_s = call->family == KERNEL_MOE_MASKED ? (c[START] + call->groups * c[SLOT]) / MASKED_LAUNCHES
                                                   : c[START] / CONTIGUOUS_LAUNCHES;
}

static void experts_time(const double *c, const struct kernel_device *on, const struct kernel_call *call,
                         struct kernel_time *t)
{
    struct moe_load l = moe_load_of(call);
    bool masked = call->family == KERNEL_MOE_MASKED;
    double slots = masked ? call->experts / fmax(1, call->ranks) : 0;
    double moved = masked ? l.rows : l.tiles[4] * padded_rows;
    add_product(c, on, call, &l, 2 * call->n, call->k, t);
    add_product(c, on, call, &l, call->k, call->n, t);
    t->start_s = c[START] + slots * c[SLOT] + c[PASSES] * 2 * moved * (call->k + call->n) / on->memory_Bps;
    double device_s = t->start_s + fmax(t->tensor_s, t->memory_s) + c[UNHIDDEN] * fmin(t->tensor_s, t->memory_s);
    if (!masked)
        t->start_s += fmax(0, c[HOST] - device_s);
}

static void moe_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                     struct kernel_time *t)
{
    (void)variant;
    t->tensor_s = t->memory_s = 0;
    t->unhidden_ratio = c[UNHIDDEN];
    (call->experts > 0 ? experts_time : product_time)(c, on, call, t);
}

static bool masked_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype, (void)variant;
    return strcmp(name, "host_s") != 0;
}

static bool contiguous_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype, (void)variant;
    return strcmp(name, "slot_s") != 0;
}

static void axes(const struct kernel_call *call, double *x)
{
    struct moe_load l = moe_load_of(call);
    double each = l.active > 0 ? l.rows / l.active : 0;
    x[0] = log2(1 + each);
    x[1] = log2(1 + l.active);
    x[2] = log2(call->k);
    x[3] = log2(call->n);
    x[4] = each > 0 ? log2(l.most / each) / 2 : 0;
}

static uint64_t shape(const struct kernel_call *call)
{
    return kernel_hash(kernel_hash(kernel_hash(0, call->k), call->n), call->ranks);
}

static const char *const members[] = {"batch", "k", "n", "top_k", "experts", "ranks", "skew", NULL},
                         *const masked_files[] = {"moe_deepep_decode", NULL},
                         *const contiguous_files[] = {"moe_deepep_prefill", NULL},
                         *const titles[] = {"moe_dtype",   "num_tokens",  "hidden_size",  "inter_size", "topk",
                                            "num_experts", "moe_ep_size", "distribution", NULL};

static const char *read(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->batch = cell_number(cells, "num_tokens");
    call->k = cell_number(cells, "hidden_size");
    call->n = cell_number(cells, "inter_size");
    call->top_k = cell_number(cells, "topk");
    call->experts = cell_number(cells, "num_experts");
    call->ranks = cell_number(cells, "moe_ep_size");
    return moe_read_skew(cell_text(cells, "distribution"), &call->skew);
}

#define COMMON \
    .constants = constants, .variants = variants, .time = moe_time, .members = members, .columns = titles, \
    .read = read, .points = 150, .n_axes = 5, .axes = axes, .shape_axes = 1u << 2 | 1u << 3, .shape = shape

const struct kernel_mechanism mechanism_moe_masked = {COMMON, .has = masked_has, .files = masked_files};
const struct kernel_mechanism mechanism_moe_contiguous = {COMMON, .has = contiguous_has, .files = contiguous_files};
