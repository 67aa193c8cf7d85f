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
    const struct attention_dims *a = &m->attention;
    return values * (a->kv_value_B + a->kv_scale_B / (double)a->kv_block);
}

enum { E5M6_BITS = 12 };

void attention_write_output(struct kernel_writer *w, double width)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * width * bf16_B, w->tokens * width * E5M6_BITS / 8);
    write_linear_forward(w, w->hidden, width);
}

void attention_write_output_input(struct kernel_writer *w, double width)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, w->tokens * width * E5M6_BITS / 8, w->tokens * width * bf16_B);
    write_linear_input(w, w->hidden, width);
    write_linear_operands(w, w->hidden, width);
}
