#include "models/llm/blocks/attention.h"

#include <math.h>

double window_positions(int64_t window, double positions)
{
    return window > 0 ? fmin((double)window, positions) : positions;
}

double window_mean(int64_t window, double sequence, bool causal)
{
    double w = (double)window;
    if (!window || w >= sequence)
        return causal ? sequence / 2 : sequence;
    /* those before the window is full attend to half of it on average */
    return causal ? (w * w / 2 + (sequence - w) * w) / sequence : w;
}

double window_of_call(int64_t window, double positions)
{
    return (double)window < positions ? (double)window : 0;
}

double attention_cached_B(const struct model *m, double values)
{
    const struct attention_cfg *a = &m->attention;
    return values * (a->kv_value_B + a->kv_scale_B / (double)a->kv_block);
}

enum { E5M6_BITS = 12 };

void attention_write_output(struct kernel_writer *w, double width)
{
    if (write_casts(w) && !w->recipe->fused)
        write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * width * bf16_B, w->tokens * width * E5M6_BITS / 8);
    write_linear_forward(w, w->hidden, width);
    write_scatter(w, w->hidden);
}

void attention_write_output_input(struct kernel_writer *w, double width)
{
    write_gather(w, w->hidden, 1);
    if (write_casts(w) && !w->recipe->fused)
        write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * width * E5M6_BITS / 8, w->tokens * width * bf16_B);
    write_linear_input(w, w->hidden, width);
    write_linear_operands(w, w->hidden, width);
}

/* Of queries, keys, values and outputs, where tensor cores take them in fewer bits. */
static void cast_heads(struct kernel_writer *w, const struct kernel_call *core, bool backward)
{
    double keys = core->kv_heads * (core->qk_dim + core->v_dim), queries = core->heads * core->qk_dim;
    double outputs = core->heads * core->v_dim * (backward ? 2 : 0); /* outputs and their gradients */
    double values = w->tokens * (backward ? outputs : queries + keys);
    if (core->dtype != KERNEL_BF16)
        write_pass(w, "quant_cast", KERNEL_QUANTISE, values * bf16_B, values * w->recipe->operand_B);
}

static void core(struct kernel_writer *w, struct kernel_call call, bool backward)
{
    double heads = call.heads;
    call.family = backward ? KERNEL_ATTENTION_BACKWARD : KERNEL_ATTENTION_FORWARD;
    call.dtype = w->recipe->attention;
    call.batch = w->sequences / w->cp; /* a balanced part of the causal triangle */
    call.q_len = w->length;
    call.causal = true;
    call.heads = heads / w->tp;
    call.kv_heads = fmax(1, call.kv_heads / w->tp);
    cast_heads(w, &call, backward);
    write_context(w, call.kv_heads * (call.qk_dim + call.v_dim) * (backward ? 2 : 1));
    w->add(w, backward ? "fa3_bwd" : "fa3_fwd", &call, false);
}

void attention_write_core(struct kernel_writer *w, const struct kernel_call *heads)
{
    core(w, *heads, false);
}

void attention_write_core_input(struct kernel_writer *w, const struct kernel_call *heads)
{
    if (w->recipe->again & AGAIN_CORE)
        core(w, *heads, false);
    core(w, *heads, true);
}
