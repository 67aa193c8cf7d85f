/* Grouped-query attention (and with as many heads of keys as of queries, or one, multi-head and multi-query): decoding and
 * prefill, with or without a window. */
#include <math.h>

#include "hw/kernels/attention_mechanism.h"

static const char *const prefill_variants[] = {"packed", "apart", "apart_64", "apart_32", NULL},
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

/* Queries of heads that share keys are packed into tiles, or each head has tiles of its own; their rows. */
static void gqa_prefill_time(const double *c, int variant, const struct kernel_device *on,
                             const struct kernel_call *call, struct kernel_time *t)
{
    static const double rows[] = {128, 128, 64, 32};
    prefill_time(c, variant > 0 ? call->heads : call->kv_heads, rows[variant], on, call, t);
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
                                                      .has = decode_has,
                                                      .time = decode_time,
                                                      .members = decode_members,
                                                      .files = decode_files,
                                                      .columns = decode_columns,
                                                      .read = decode_read,
                                                      .complete = decode_complete,
                                                      .part = part,
                                                      .points = 200,
                                                      .rows_each = 25,
                                                      .n_axes = 5,
                                                      .shape_axes = 1u << 1 | 1u << 2 | 1u << 3,
                                                      .axes = decode_axes,
                                                      .shape = shape};

const struct kernel_mechanism mechanism_gqa_prefill = {.constants = prefill_constants,
                                                       .variants = prefill_variants,
                                                       .time = gqa_prefill_time,
                                                       .members = prefill_members,
                                                       .files = prefill_files,
                                                       .columns = prefill_columns,
                                                       .read = prefill_read,
                                                       .complete = prefill_complete,
                                                       .part = part,
                                                       .points = 200,
                                                       .rows_each = 25,
                                                       .n_axes = 5,
                                                       .shape_axes = 1u << 1 | 1u << 2 | 1u << 3,
                                                       .axes = prefill_axes,
                                                       .shape = shape};
