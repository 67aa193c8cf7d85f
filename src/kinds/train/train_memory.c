/* Memory of a training step with ZeRO-1: parameters and gradients of the rank's stages, its share of the optimizer's
 * state, and the activations in flight at the schedule's peak.
 *
 * What is kept of a token per layer follows DeepSeek-V3's report (3.2.3 and 3.3.3): norms, MLA's up-projections and
 * SwiGLU are computed again, inputs of linear layers are cached in FP8, the output of attention in E5M6; in general, what
 * train.recompute leaves, in the formats that it is multiplied in. An expert keeps the tokens that it received, in pages of
 * a buffer, so loads are taken as even; what arrives and leaves has room for train.exchange.capacity times that.
 *
 * Left out: other buffers of communication, workspaces, fragmentation, the moving average of parameters (in CPU memory). */
#include "kinds/train/train_memory.h"

#include <math.h>

#include "models/llm/blocks/block.h"

enum { BF16_B = 2, FP32_B = 4 };

/* Input of a norm, which is computed again. */
static double residual_B(const struct train_layout *l)
{
    return BF16_B * (double)l->model->hidden;
}

static double input_B(const struct train_layout *l)
{
    return l->cfg->precision.input_B > 0 ? l->cfg->precision.input_B : l->recipe.operand_B;
}

static double output_B(const struct train_layout *l)
{
    bool e5m6 = !l->recipe.fused && l->recipe.linear != KERNEL_BF16;
    return l->cfg->precision.attention_B > 0 ? l->cfg->precision.attention_B : e5m6 ? 1.5 : BF16_B;
}

static bool is_again(const struct train_layout *l, unsigned module)
{
    return l->recipe.again & module;
}

/* The output of a norm, as linear layers multiply it. */
static double normed_B(const struct train_layout *l)
{
    return is_again(l, AGAIN_NORM) ? 0 : input_B(l) * (double)l->model->hidden;
}

static double attention_B(const struct train_layout *l)
{
    struct block a = model_attention(l->model);
    struct attention_kept k = a.type->attention->kept(a.dims);
    double head_B = l->recipe.attention == KERNEL_BF16 ? BF16_B : l->recipe.operand_B;
    double qkv = is_again(l, AGAIN_LATENTS) && k.latents > 0 ? 0 : head_B * k.qkv;
    double output = is_again(l, AGAIN_CORE) ? 0 : FP32_B * k.statistics + output_B(l) * k.output;
    return normed_B(l) + BF16_B * k.latents + qkv + output;
}

/* Inputs of SwiGLU, and its outputs, of so many channels. */
static double activation_B(const struct train_layout *l, double width)
{
    return input_B(l) * (is_again(l, AGAIN_ACTIVATION) ? 2 : 3) * width;
}

/* And what experts received from other GPUs. */
static double network_B(const struct train_layout *l, enum chunk_layer kind)
{
    const struct model *m = l->model;
    struct block b = kind == LAYER_MOE ? model_experts(m) : model_dense(m);
    struct network_kept k = b.type->network->kept(m, b.dims);
    double shared = kind == LAYER_MOE ? (double)(m->experts.shared * m->experts.ffn) : 0;
    if (kind != LAYER_MOE)
        return normed_B(l) + (is_again(l, AGAIN_MLP) ? 0 : activation_B(l, k.width));
    double routed_B = input_B(l) * k.received + activation_B(l, k.width - shared);
    return normed_B(l) + (is_again(l, AGAIN_MOE) ? 0 : routed_B) +
           (is_again(l, AGAIN_SHARED) ? 0 : activation_B(l, shared));
}

/* Room for rows of experts that arrive and that leave. */
static double buffers_B(const struct train_layout *l)
{
    const struct model *m = l->model;
    return 2 * l->cfg->exchange.capacity * train_gpu_tokens(l) * (double)(m->experts.top_k * m->experts.width) * BF16_B;
}

/* Without what is kept at the layer's border. */
static double inside_B(const struct train_layout *l, enum chunk_layer kind)
{
    return residual_B(l) + attention_B(l) + network_B(l, kind);
}

double train_layer_activation_B(const struct train_layout *l, enum chunk_layer kind)
{
    bool transformer = kind == LAYER_MOE || kind == LAYER_DENSE;
    if (kind == LAYER_HEAD) /* its input, and what the loss keeps of the logits for their gradient */
        return residual_B(l) + l->cfg->precision.logit_B * (double)l->model->vocab;
    if (kind == LAYER_PROJECTION)
        return 2 * residual_B(l);
    if (!transformer)
        return 0;
    return residual_B(l) + (l->recipe.again & AGAIN_LAYER ? 0 : inside_B(l, kind));
}

/* A layer that is computed again needs the rest of its activations once. */
static double working_B(const struct train_layout *l, uint32_t stage)
{
    double most_B = 0;
    for (uint32_t i = 0; i < l->stages[stage].n && l->recipe.again & AGAIN_LAYER; i++)
        if (l->stages[stage].kind[i] == LAYER_MOE || l->stages[stage].kind[i] == LAYER_DENSE)
            most_B = fmax(most_B, inside_B(l, (enum chunk_layer)l->stages[stage].kind[i]));
    return most_B * train_gpu_tokens(l);
}

static double stage_activation_B(const struct train_layout *l, uint32_t stage)
{
    double token_B = 0;
    for (uint32_t i = 0; i < l->stages[stage].n; i++)
        token_B += train_layer_activation_B(l, (enum chunk_layer)l->stages[stage].kind[i]);
    return token_B * train_gpu_tokens(l);
}

struct train_memory train_rank_memory(const struct train_layout *l, const struct schedule *s, uint32_t rank,
                                      struct arena *arena)
{
    const struct train_precision *p = &l->cfg->precision;
    struct train_params params = train_rank_params(l, rank);
    double all = params.dense + params.experts, *stage_B = ARENA_ARRAY(arena, double, l->n_stages);
    double owned = params.dense / train_dense_replicas(l) + params.experts / train_expert_replicas(l);
    for (uint32_t i = 0; i < l->n_stages; i++)
        stage_B[i] = stage_activation_B(l, i);
    struct train_memory m = {.weights_B = all * p->weight_B,
                             .gradients_B = all * p->gradient_B,
                             .optimizer_B = owned * (p->master_B + 2 * p->moment_B),
                             .activations_B = schedule_peak_activations(s, rank, stage_B),
                             .in_flight = schedule_peak_activations(s, rank, NULL)};
    double working = 0;
    for (uint32_t module = 0; module < l->modules; module++)
        working = fmax(working, working_B(l, train_stage(l, rank, module)));
    m.activations_B += working;
    m.buffers_B = l->model->experts.routed ? buffers_B(l) : 0;
    m.total_B = m.weights_B + m.gradients_B + m.optimizer_B + m.activations_B + m.buffers_B;
    return m;
}
