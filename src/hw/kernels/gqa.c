/* Grouped-query attention (and with as many heads of keys as of queries, or one, multi-head and multi-query): decoding and
 * prefill, with or without a window. */
#include <math.h>
#include <string.h>

#include "hw/kernels/attention_mechanism.h"

static const char *const prefill_variants[] = {"packed",   "packed_waves", "apart",     "apart_64",
                                               "waves_64", "waves_128",    "waves_256", NULL},
                         *const decode_members[] = {"kv_len", "batch", "heads", "kv_heads", "qk_dim", "window", NULL},
                         *const prefill_members[] = {"q_len", "batch", "heads", "kv_heads", "qk_dim", "window", NULL},
                         *const decode_files[] = {"gqa_decode", NULL}, *const prefill_files[] = {"gqa_prefill", NULL},
                         *const decode_columns[] = {"attn_dtype", "kv_cache_dtype",      "batch_size",
                                                    "num_heads",  "num_key_value_heads", "head_dim",
                                                    "step",       "window_size",         NULL},
                         *const prefill_columns[] = {"attn_dtype", "kv_cache_dtype",      "batch_size",
                                                     "num_heads",  "num_key_value_heads", "head_dim",
                                                     "isl",        "window_size",         NULL};

static void read_heads(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->batch = cell_number(cells, "batch_size");
    call->heads = cell_number(cells, "num_heads");
    call->kv_heads = cell_number(cells, "num_key_value_heads");
    call->qk_dim = call->v_dim = cell_number(cells, "head_dim");
    call->window = cell_number(cells, "window_size");
}

static const char *decode_read(const struct kernel_cells *cells, struct kernel_call *call)
{
    read_heads(cells, call);
    call->q_len = 1;
    call->kv_len = cell_number(cells, "step") + 1;
    return call->kv_heads > 0 ? NULL : "no heads of keys (num_key_value_heads)";
}

static const char *prefill_read(const struct kernel_cells *cells, struct kernel_call *call)
{
    read_heads(cells, call);
    call->q_len = cell_number(cells, "isl");
    call->causal = true;
    return call->kv_heads > 0 ? NULL : "no heads of keys (num_key_value_heads)";
}

static void decode_complete(struct kernel_call *call)
{
    call->v_dim = call->qk_dim;
    call->q_len = 1;
}

static void prefill_complete(struct kernel_call *call)
{
    call->v_dim = call->qk_dim;
    call->causal = true;
}

static double part(const struct kernel_call *call)
{
    return call->qk_dim;
}

/* TensorRT-LLM's kernels have tiles of 128 or 256 queries of a head, Triton's of 64. */
static bool prefill_offers(int variant, enum kernel_dtype dtype, const char *library)
{
    bool trtllm = library && strstr(library, "trtllm"), triton = library && strstr(library, "triton");
    const char *name = prefill_variants[variant];
    (void)dtype;
    if (trtllm || triton)
        return !strncmp(name, "waves_", 6) && (strstr(name, "64") != NULL) == triton;
    return !strncmp(name, "packed", 6) || !strncmp(name, "apart", 5);
}

static const struct prefill_tiles prefill_ways[] = {
    {1, 128, false, false}, {1, 128, false, true}, {0, 128, false, false}, {0, 64, false, false},
    {0, 64, true, true},    {0, 128, false, true}, {0, 256, false, true}};

static bool prefill_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype;
    return prefill_ways[variant].walks_over_all || strcmp(name, "outside_ratio");
}

/* Queries of heads that share keys are packed into tiles, or each head has tiles of its own; their rows. */
static void gqa_prefill_time(const double *c, int variant, const struct kernel_device *on,
                             const struct kernel_call *call, struct kernel_time *t)
{
    struct prefill_tiles tiles = prefill_ways[variant];
    tiles.groups = tiles.groups > 0 ? call->kv_heads : call->heads;
    prefill_time(c, &tiles, on, call, t);
}

/* Windowed kernels lie apart from others: they are other code. */
static void axes(const struct kernel_call *call, double length, double *x)
{
    x[0] = log2(length);
    x[1] = log2(call->batch);
    x[2] = log2(call->heads / call->kv_heads);
    x[3] = log2(call->kv_heads);
    x[4] = call->window > 0 ? 3 + log2(call->window) / 4 : 0;
}

static void decode_axes(const struct kernel_call *call, double *x)
{
    axes(call, call->kv_len > 0 ? call->kv_len : 1, x);
}

static void prefill_axes(const struct kernel_call *call, double *x)
{
    axes(call, call->q_len, x);
}

static uint64_t shape(const struct kernel_call *call)
{
    return kernel_hash(kernel_hash(0, call->heads), call->batch);
}

const struct kernel_mechanism mechanism_gqa_decode = {.constants = decode_constants,
                                                      .variants = decode_variants,
                                                      .offers = decode_offers,
                                                      .has = decode_has,
                                                      .time = decode_time,
                                                      .members = decode_members,
                                                      .files = decode_files,
                                                      .columns = decode_columns,
                                                      .read = decode_read,
                                                      .complete = decode_complete,
                                                      .part = part,
                                                      .points = 150,
                                                      .rows_each = 25,
                                                      .n_axes = 5,
                                                      .shape_axes = 1u << 1 | 1u << 2 | 1u << 3,
                                                      .axes = decode_axes,
                                                      .shape = shape};

const struct kernel_mechanism mechanism_gqa_prefill = {.constants = prefill_constants,
                                                       .variants = prefill_variants,
                                                       .offers = prefill_offers,
                                                       .has = prefill_has,
                                                       .time = gqa_prefill_time,
                                                       .members = prefill_members,
                                                       .files = prefill_files,
                                                       .columns = prefill_columns,
                                                       .read = prefill_read,
                                                       .complete = prefill_complete,
                                                       .part = part,
                                                       .points = 150,
                                                       .rows_each = 25,
                                                       .n_axes = 5,
                                                       .shape_axes = 1u << 1 | 1u << 2 | 1u << 3,
                                                       .axes = prefill_axes,
                                                       .shape = shape};
