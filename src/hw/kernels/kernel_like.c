#include "hw/kernels/kernel_like.h"

/* --- number formats -------------------------------------------------------------------------------------------------- */

/* Formats whose kernels work alike, the most alike first; KERNEL_DTYPES ends a list. */
static const enum kernel_dtype alike[KERNEL_DTYPES][4] = {
    [KERNEL_FP8] = {KERNEL_FP8, KERNEL_FP8_TENSOR, KERNEL_DTYPES},
    [KERNEL_BF16] = {KERNEL_BF16, KERNEL_DTYPES},
    [KERNEL_FP8_TENSOR] = {KERNEL_FP8_TENSOR, KERNEL_FP8, KERNEL_DTYPES},
    [KERNEL_MXFP8] = {KERNEL_MXFP8, KERNEL_FP8_TENSOR, KERNEL_FP8, KERNEL_DTYPES},
    [KERNEL_NVFP4] = {KERNEL_NVFP4, KERNEL_FP8_TENSOR, KERNEL_FP8, KERNEL_DTYPES},
    [KERNEL_W4A16] = {KERNEL_W4A16, KERNEL_BF16, KERNEL_DTYPES},
    [KERNEL_W4A8] = {KERNEL_W4A8, KERNEL_FP8_TENSOR, KERNEL_FP8, KERNEL_DTYPES}};

static bool is_core_attention(enum kernel_family family)
{
    return family >= KERNEL_MLA_DECODE && family <= KERNEL_GQA_PREFILL;
}

static int format_likeness(enum kernel_dtype has, enum kernel_dtype wants)
{
    for (int i = 0; alike[wants][i] != KERNEL_DTYPES; i++)
        if (alike[wants][i] == has)
            return i;
    return KERNEL_UNLIKE;
}

int kernel_likeness(const struct kernel *k, const struct kernel_call *call)
{
    if (k->family != call->family)
        return KERNEL_UNLIKE;
    const struct kernel_mechanism *m = kernel_mechanism_of(k->family);
    if (m->takes && !m->takes(k->variant, call))
        return KERNEL_UNLIKE;
    int formats = format_likeness(k->dtype, call->dtype);
    if (formats == KERNEL_UNLIKE && is_core_attention(call->family))
        formats = 3; /* FP8 operands by a kernel in BF16 */
    return formats == KERNEL_UNLIKE ? formats : 2 * formats + (k->fp8_cache != call->fp8_cache);
}

/* --- families -------------------------------------------------------------------------------------------------------- */

/* Latents that all heads share: values are a part of keys. */
static bool is_latent(const struct kernel_call *call)
{
    return call->kv_heads == 1 && call->v_dim < call->qk_dim && call->v_dim >= 256;
}

/* DeepSeek's heads, expanded: a part of keys has positions, values are shorter. */
static bool is_expanded(const struct kernel_call *call)
{
    return call->kv_heads == call->heads && call->v_dim < call->qk_dim;
}

/* Whether the cache takes clearly less than in BF16. */
static bool has_fp8_cache(const struct kernel_call *call)
{
    double values = is_latent(call) ? call->qk_dim : call->kv_heads * (call->qk_dim + call->v_dim);
    return call->kv_token_B > 0 && call->kv_token_B < 1.5 * values;
}

static struct kernel_call as(const struct kernel_call *call, enum kernel_family family)
{
    struct kernel_call other = *call;
    other.family = family;
    return other;
}

static int decode_forms(const struct kernel_call *call, struct kernel_call *forms)
{
    forms[0] = as(call, is_latent(call) ? KERNEL_MLA_DECODE : KERNEL_GQA_DECODE);
    forms[0].fp8_cache = has_fp8_cache(call);
    return 1;
}

static int forward_forms(const struct kernel_call *call, struct kernel_call *forms)
{
    int n = 0;
    if (is_latent(call) || (is_expanded(call) && call->causal))
        forms[n++] = as(call, KERNEL_MLA_PREFILL);
    forms[n++] = as(call, KERNEL_GQA_PREFILL);
    for (int i = 0; i < n; i++)
        forms[i].fp8_cache = has_fp8_cache(call);
    return n;
}

/* A product for each head. */
static int batched_form(const struct kernel_call *call, struct kernel_call *forms)
{
    forms[0] = as(call, KERNEL_MLA_BMM);
    forms[0].heads = call->groups;
    return 1;
}

/* Gradients of weights: outputs in FP32 are read and written back. As one product with the groups one below the other, and
 * beside it the bytes that it does not count. */
static int wgrad_form(const struct kernel_call *call, struct kernel_call *forms)
{
    double groups = call->groups > 1 ? call->groups : 1, outputs = groups * call->m * call->n;
    forms[0] = as(call, KERNEL_GEMM);
    forms[0].m = groups * call->m;
    forms[0].groups = 0;
    forms[0].rows = NULL;
    forms[0].read_B = 4 * outputs + (groups - 1) * call->n * call->k * kernel_value_B(call->dtype);
    forms[0].written_B = 2 * outputs;
    return 1;
}

int kernel_forms(const struct kernel_call *call, struct kernel_call *forms)
{
    if (call->family == KERNEL_ATTENTION_DECODE)
        return decode_forms(call, forms);
    if (call->family == KERNEL_ATTENTION_FORWARD)
        return forward_forms(call, forms);
    if (call->family == KERNEL_WGRAD)
        return wgrad_form(call, forms);
    if (call->family == KERNEL_GEMM && call->groups > 1)
        return batched_form(call, forms);
    if (call->family == KERNEL_GROUPED_CONTIGUOUS || call->family == KERNEL_GROUPED_MASKED) {
        forms[0] = as(call, call->family == KERNEL_GROUPED_MASKED ? KERNEL_MOE_MASKED : KERNEL_MOE_CONTIGUOUS);
        return 1;
    }
    forms[0] = *call;
    return 1;
}
