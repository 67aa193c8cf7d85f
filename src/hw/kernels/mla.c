/* Multi-head latent attention: decoding against the latent cache (all heads share it, so a request's heads are rows of its
 * tiles); prefill, either absorbed as in decoding or with keys and values expanded for every head. */
#include <math.h>
#include <string.h>

#include "hw/kernels/attention_mechanism.h"

/* DeepSeek's sizes: latent, its part with position, and heads when expanded. */
static const double latent = 512, rope = 64, nope = 128, head = 128;

/* --- decoding --------------------------------------------------------------------------------------------------- */

static const char *const decode_members[] = {"kv_len", "batch", "heads", "q_len", NULL},
                         *const decode_files[] = {"mla_decode", NULL}, *const decode_columns[] = {"mla_dtype",
                                                                                                  "kv_cache_dtype",
                                                                                                  "num_heads",
                                                                                                  "batch_size",
                                                                                                  "step",
                                                                                                  NULL};

static const char *decode_read(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->heads = cell_number(cells, "num_heads");
    call->batch = cell_number(cells, "batch_size");
    call->q_len = 1;
    call->kv_len = cell_number(cells, "step") + 1;
    return NULL;
}

static void decode_complete(struct kernel_call *call)
{
    call->kv_heads = 1;
    call->qk_dim = call->qk_dim > 0 ? call->qk_dim : latent + rope;
    call->v_dim = call->v_dim > 0 ? call->v_dim : latent;
}

static void decode_axes(const struct kernel_call *call, double *x)
{
    x[0] = log2(attention_length(call));
    x[1] = log2(call->batch);
    x[2] = log2(call->heads * call->q_len);
}

static uint64_t decode_shape(const struct kernel_call *call)
{
    return kernel_hash(kernel_hash(0, call->heads), call->batch);
}

const struct kernel_mechanism mechanism_mla_decode = {.constants = decode_constants,
                                                      .variants = decode_variants,
                                                      .offers = decode_offers,
                                                      .has = decode_has,
                                                      .time = decode_time,
                                                      .members = decode_members,
                                                      .files = decode_files,
                                                      .columns = decode_columns,
                                                      .read = decode_read,
                                                      .complete = decode_complete,
                                                      .points = 600,
                                                      .n_axes = 3,
                                                      .shape_axes = 1u << 1 | 1u << 2,
                                                      .axes = decode_axes,
                                                      .shape = decode_shape};

/* --- prefill ----------------------------------------------------------------------------------------------------- */

static const struct {
    bool absorbed, in_waves;
    double rows;
} prefill_ways[] = {{true, false, 128}, {false, false, 128}, {true, true, 128}, {false, true, 128}, {false, true, 256}};

static const char *const
    prefill_variants[] = {"absorbed", "expanded", "absorbed_waves", "expanded_waves", "expanded_waves_256", NULL},
    *const prefill_members[] = {"q_len", "batch", "heads", NULL}, *const prefill_files[] = {"mla_prefill", NULL},
    *const prefill_columns[] = {"mla_dtype", "kv_cache_dtype", "num_heads", "batch_size", "isl", NULL};

static const char *prefill_read(const struct kernel_cells *cells, struct kernel_call *call)
{
    call->heads = cell_number(cells, "num_heads");
    call->batch = cell_number(cells, "batch_size");
    call->q_len = cell_number(cells, "isl");
    call->causal = true;
    return NULL;
}

/* TensorRT-LLM's kernels expand; what FlashAttention 3 was measured with is absorbed. */
static bool prefill_offers(int variant, enum kernel_dtype dtype, const char *library)
{
    (void)dtype;
    if (library && strstr(library, "trtllm"))
        return !prefill_ways[variant].absorbed;
    return !library || !strstr(library, "flash") || prefill_ways[variant].absorbed;
}

/* Measured rows do not say which form it is: their kernel has one. */
static bool prefill_takes(int variant, const struct kernel_call *call)
{
    return call->kv_heads <= 0 || prefill_ways[variant].absorbed == (call->kv_heads == 1);
}

static bool prefill_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype, (void)variant;
    return strcmp(name, "outside_ratio") != 0;
}

/* The form that the kernel has, whatever the call said: members do not tell it. */
static void mla_prefill_time(const double *c, int variant, const struct kernel_device *on,
                             const struct kernel_call *call, struct kernel_time *t)
{
    struct kernel_call form = *call;
    form.causal = true;
    form.kv_heads = prefill_ways[variant].absorbed ? 1 : call->heads;
    form.qk_dim = prefill_ways[variant].absorbed ? latent + rope : nope + rope;
    form.v_dim = prefill_ways[variant].absorbed ? latent : head;
    struct prefill_tiles tiles = {form.kv_heads, prefill_ways[variant].rows, false, prefill_ways[variant].in_waves};
    prefill_time(c, &tiles, on, &form, t);
}

static void prefill_axes(const struct kernel_call *call, double *x)
{
    x[0] = log2(call->q_len);
    x[1] = log2(call->batch);
    x[2] = log2(call->heads);
}

const struct kernel_mechanism mechanism_mla_prefill = {.constants = prefill_constants,
                                                       .variants = prefill_variants,
                                                       .offers = prefill_offers,
                                                       .has = prefill_has,
                                                       .takes = prefill_takes,
                                                       .time = mla_prefill_time,
                                                       .members = prefill_members,
                                                       .files = prefill_files,
                                                       .columns = prefill_columns,
                                                       .read = prefill_read,
                                                       .points = 400,
                                                       .n_axes = 3,
                                                       .shape_axes = 1u << 1 | 1u << 2,
                                                       .axes = prefill_axes,
                                                       .shape = decode_shape};
