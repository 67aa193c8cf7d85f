/* Material for chunks.
 *
 * Dense layers from a trace of experts' layers: a token's shared and routed experts together are as wide as the
 * dense network of such models (DeepSeek-V3: 9 * 2,048 = 18,432), so its GEMMs take as long; what moves tokens
 * between experts falls away.
 *
 * The output head is BF16 (DeepSeek-V3 report 3.3.1: embedding, head and gating keep their precision); what the loss
 * passes over is train.precision.logit. A projection of an MTP module is an FP8 GEMM.
 *
 * Left out: the few numbers per token that shards of the vocabulary exchange for the softmax, metrics of the loss. */
#include "models/chunk/chunk_material.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "models/llm/blocks/block.h"
#include "models/chunk/chunk_trace.h"
#include "models/comm/collectives.h"

/* --- growing material ------------------------------------------------------------------------------------------ */

/* Room for one more element behind n. */
static void *grow(struct arena *arena, void *array, uint32_t n, uint32_t *cap, size_t element_B)
{
    if (n < *cap)
        return array;
    *cap = 2 * n + 16;
    void *bigger = arena_array(arena, element_B, *cap);
    if (n)
        memcpy(bigger, array, n * element_B);
    return bigger;
}
#define GROW(b, array, n, cap) (array) = grow((b)->arena, (void *)(array), (n), &(cap), sizeof *(array))

struct material_builder material_begin(struct chunk_material *material, struct arena *arena)
{
    struct chunk_program *p = &material->program;
    p->phases = (const char **)chunk_part_names;
    p->n_phases = N_CHUNK_PARTS;
    return (struct material_builder){.material = material,
                                     .arena = arena,
                                     .cap_kernels = p->n_kernels,
                                     .cap_layers = material->n_layers,
                                     .cap_names = p->n_names,
                                     .cap_deps = p->n_deps};
}

int32_t material_layer(struct material_builder *b, enum chunk_layer kind)
{
    struct chunk_material *m = b->material;
    GROW(b, m->kind, m->n_layers, b->cap_layers);
    m->kind[m->n_layers++] = (uint8_t)kind;
    return (int32_t)m->n_layers;
}

static uint32_t name_index(struct material_builder *b, const char *name)
{
    struct chunk_program *p = &b->material->program;
    for (uint32_t i = 0; i < p->n_names; i++)
        if (!strcmp(p->names[i], name))
            return i;
    GROW(b, p->names, p->n_names, b->cap_names);
    p->names[p->n_names] = name;
    return p->n_names++;
}

static bool is_backward(enum chunk_part part)
{
    return !strstr(chunk_part_names[part], "(F)");
}

static struct chunk_kernel *add_kernel(struct material_builder *b, const struct chunk_kernel *kernel)
{
    struct chunk_program *p = &b->material->program;
    GROW(b, p->kernels, p->n_kernels, b->cap_kernels);
    p->kernels[p->n_kernels] = *kernel;
    return &p->kernels[p->n_kernels++];
}

void material_add(struct material_builder *b, enum chunk_part part, const char *name, const struct chunk_kernel *kernel)
{
    struct chunk_kernel *k = add_kernel(b, kernel);
    uint32_t layer = b->material->n_layers, n = b->material->program.n_routings;
    k->backward = is_backward(part);
    k->stream = b->stream;
    k->name = name_index(b, name);
    k->phase = part;
    k->layer = (int32_t)layer;
    k->routing = 2 * layer + k->backward < n ? 2 * layer + k->backward : k->backward;
    uint32_t awaited = b->awaited;
    b->awaited = 0;
    if (awaited)
        material_wait(b, b->material->program.n_kernels - 1, awaited - 1);
}

void material_wait(struct material_builder *b, uint32_t kernel, uint32_t before)
{
    struct chunk_program *p = &b->material->program;
    struct chunk_kernel *k = &p->kernels[kernel];
    BUG_IF(before >= kernel || (k->n_deps && k->first_dep + k->n_deps != p->n_deps));
    if (!k->n_deps)
        k->first_dep = p->n_deps;
    GROW(b, p->deps, p->n_deps, b->cap_deps);
    p->deps[p->n_deps++] = before;
    k->n_deps++;
}

/* --- embedding, projection, head ---------------------------------------------------------------------------------- */

struct ends {
    struct material_builder b;
    const struct chunk_ends *of;
    double tokens, hidden, vocab; /* of the group of tp GPUs; vocab: of the GPU */
};

/* At the end of the current layer's part. */
static void add_call(struct ends *e, enum chunk_part part, const char *name, const struct kernel_call *call)
{
    const struct kernel_model *kernels = e->of->kernels;
    float sms = kernel_is_pass(call->family) ? 0 : (float)kernels->chip.sms; /* 0: bound by memory, not by SMs */
    material_add(&e->b, part, name,
                 &(struct chunk_kernel){.kind = OP_COMPUTE,
                                        .work_s = kernel_time(kernels, call).time_s,
                                        .gains = kernel_gains(kernels, call),
                                        .lead_s = kernels->cfg.launch_gap_s,
                                        .sm_ref = sms,
                                        .sm_max = sms});
}

static void add_pass(struct ends *e, enum chunk_part part, enum kernel_family family, const char *name, double read_B,
                     double written_B)
{
    add_call(e, part, name, &(struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B});
}

/* What the group of tp GPUs gathers or sums up, waited for. */
static void collect(struct ends *e, enum chunk_part part, const char *name, double values)
{
    struct chunk_program *p = &e->b.material->program;
    if (e->of->tp == 1)
        return;
    struct collective ring = {
        .operation = COLLECTIVE_ALL_GATHER, .algorithm = COLLECTIVE_RING, .n = e->of->tp, .size_B = 2 * values};
    bool first = p->n_kernels && p->kernels[p->n_kernels - 1].layer == (int32_t)e->b.material->n_layers &&
                 p->kernels[p->n_kernels - 1].phase == part;
    e->b.stream = p->n_streams - 1;
    material_add(&e->b, part, name,
                 &(struct chunk_kernel){.kind = OP_COMM,
                                        .work_s = collective_ring_alone_s(&ring, e->of->hw),
                                        .lead_s = e->of->kernels->cfg.launch_gap_s,
                                        .peers = (uint16_t)e->of->tp,
                                        .stride = 1,
                                        .bytes_B = 2 * values});
    e->b.stream = 0;
    if (first)
        material_wait(&e->b, p->n_kernels - 1, p->n_kernels - 2);
    e->b.awaited = p->n_kernels;
}

/* y[tokens, n] = x[tokens, k] w[n, k]^T with its two gradients. */
static void add_linear(struct ends *e, enum kernel_dtype dtype, double n, double k)
{
    struct kernel_call forward = {.family = KERNEL_GEMM, .dtype = dtype, .m = e->tokens, .n = n, .k = k};
    struct kernel_call input = forward, weight = forward;
    input.n = k;
    input.k = n;
    weight = (struct kernel_call){.family = KERNEL_WGRAD, .dtype = dtype, .m = n, .n = k, .k = e->tokens};
    bool fp8 = dtype == KERNEL_FP8;
    add_call(e, PART_OTHER_F, fp8 ? "gemm_fp8" : "gemm_bf16", &forward);
    add_call(e, PART_OTHER_B, fp8 ? "gemm_fp8" : "gemm_bf16", &input);
    add_call(e, PART_OTHER_W, fp8 ? "wgrad_gemm_fp8" : "wgrad_gemm_bf16", &weight);
}

static void add_norm(struct ends *e, double vectors)
{
    double vector_B = 2 * e->of->tokens * e->hidden;
    add_pass(e, PART_OTHER_F, KERNEL_NORM, "norm", vectors * vector_B, vectors * vector_B);
    add_pass(e, PART_OTHER_B, KERNEL_NORM, "norm", 2 * vectors * vector_B, vectors * vector_B);
}

/* Rows are looked up, and their gradients added to one in FP32. */
static void add_embedding(struct ends *e)
{
    double values = e->of->tokens * e->hidden;
    material_layer(&e->b, LAYER_EMBEDDING);
    add_pass(e, PART_OTHER_F, KERNEL_COPY, "embedding", 2 * values, 2 * values);
    collect(e, PART_OTHER_F, "tp_reduce_scatter", e->tokens * e->hidden);
    collect(e, PART_OTHER_W, "tp_all_gather", e->tokens * e->hidden);
    add_pass(e, PART_OTHER_W, KERNEL_ELEMENTWISE, "embedding", 6 * values, 4 * values);
}

/* Operands in fewer bits are cast: DeepSeek's by rows alone. */
static void add_cast(struct ends *e, enum chunk_part part, double values)
{
    const struct training_recipe *r = e->of->recipe;
    double written_B = r->fused ? 2 * r->operand_B : 1;
    if (r->linear != KERNEL_BF16)
        add_pass(e, part, KERNEL_QUANTISE, "quant_cast", 2 * values, values * written_B);
}

static void add_projection(struct ends *e)
{
    double values = e->tokens * e->hidden;
    material_layer(&e->b, LAYER_PROJECTION);
    add_norm(e, 2);
    add_cast(e, PART_OTHER_F, 2 * values);
    add_linear(e, e->of->recipe->linear, e->hidden / e->of->tp, 2 * e->hidden);
    add_cast(e, PART_OTHER_B, values);
}

/* Wider logits are cast, the log-softmax written, its gradient made of it and cast back, as PyTorch's cross entropy
 * does on .float(); in BF16 a fused kernel leaves the gradient in their place. */
static void add_loss(struct ends *e)
{
    double logits = e->tokens * e->vocab, head_B = 2 * logits, wide_B = e->of->logit_B * logits;
    if (e->of->logit_B <= 2) {
        add_pass(e, PART_OTHER_F, KERNEL_NORM, "loss", head_B, head_B);
        return;
    }
    add_pass(e, PART_OTHER_F, KERNEL_ELEMENTWISE, "cast", head_B, wide_B);
    add_pass(e, PART_OTHER_F, KERNEL_NORM, "loss", wide_B, wide_B);
    add_pass(e, PART_OTHER_B, KERNEL_NORM, "loss", wide_B, wide_B);
    add_pass(e, PART_OTHER_B, KERNEL_ELEMENTWISE, "cast", wide_B, head_B);
}

static void add_head(struct ends *e)
{
    material_layer(&e->b, LAYER_HEAD);
    add_norm(e, 1);
    collect(e, PART_OTHER_F, "tp_all_gather", e->tokens * e->hidden);
    add_linear(e, e->of->recipe->head, e->vocab, e->hidden);
    collect(e, PART_OTHER_B, "tp_reduce_scatter", e->tokens * e->hidden);
    add_loss(e);
}

void material_add_ends(struct chunk_material *material, const struct chunk_ends *ends, struct arena *arena)
{
    struct ends e = {.b = material_begin(material, arena),
                     .of = ends,
                     .tokens = ends->tokens * ends->tp,
                     .hidden = (double)ends->model->hidden,
                     .vocab = (double)ends->model->vocab / ends->tp};
    add_embedding(&e);
    add_projection(&e);
    add_head(&e);
}

/* --- from a trace --------------------------------------------------------------------------------------------------- */

static uint32_t part_of(const char *phase)
{
    for (uint32_t p = 0; p < N_CHUNK_PARTS; p++)
        if (!strcmp(phase, chunk_part_names[p]))
            return p;
    return CHUNK_NONE;
}

/* Kernels of no layer or part are no material: they would belong to no chunk. */
static void keep_parts(struct chunk_program *p)
{
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        struct chunk_kernel *k = &p->kernels[i];
        k->phase = k->phase == CHUNK_NONE ? CHUNK_NONE : part_of(p->phases[k->phase]);
        if (k->phase == CHUNK_NONE)
            k->layer = 0;
        if (k->layer < 1)
            k->phase = PART_OTHER_F;
    }
}

static bool moves_experts_tokens(const struct chunk_program *p, const struct chunk_kernel *k)
{
    uint32_t part = k->phase;
    bool communication =
        part == PART_COMBINE_B || part == PART_DISPATCH_B || part == PART_COMBINE_F || part == PART_DISPATCH_F;
    return communication || !strncmp(p->names[k->name], "moe_", 4) || !strncmp(p->names[k->name], "router_", 7) ||
           !strncmp(p->names[k->name], "gate_", 5);
}

/* Indices of kernels that were copied; their waits follow them. */
static void copy_deps(struct chunk_program *p, struct chunk_kernel *k, const uint32_t *moved)
{
    uint32_t first = k->first_dep, n = k->n_deps;
    k->first_dep = p->n_deps;
    k->n_deps = 0;
    for (uint32_t i = 0; i < n; i++)
        if (moved[p->deps[first + i]] != CHUNK_NONE) {
            p->deps[p->n_deps++] = moved[p->deps[first + i]];
            k->n_deps++;
        }
}

static void add_dense(struct material_builder *b, int32_t from, double width_ratio)
{
    struct chunk_program *p = &b->material->program;
    uint32_t n = p->n_kernels, *moved = ARENA_ARRAY(b->arena, uint32_t, n);
    int32_t layer = material_layer(b, LAYER_DENSE);

    for (uint32_t i = 0; i < n; i++) {
        struct chunk_kernel k = p->kernels[i];
        moved[i] = CHUNK_NONE;
        if (k.layer != from || moves_experts_tokens(p, &k))
            continue;
        double load = p->load[k.routing];
        if (k.per_token && load > 0)
            k.work_s /= load;
        if (k.phase == PART_MLP_F || k.phase == PART_MLP_B || k.phase == PART_MLP_W)
            k.work_s *= width_ratio;
        k.per_token = false;
        k.layer = layer;
        copy_deps(p, &k, moved);
        moved[i] = p->n_kernels;
        add_kernel(b, &k);
    }
}

static int32_t count_layers(const struct chunk_program *p)
{
    int32_t n = 0;
    for (uint32_t i = 0; i < p->n_kernels; i++)
        n = p->kernels[i].layer > n ? p->kernels[i].layer : n;
    return n;
}

void material_from_trace(const struct trace *trace, const struct recording *recording, const struct cluster_hw *hw,
                         const struct model *m, struct arena *arena, struct chunk_material *out)
{
    struct chunk_program *p = &out->program;
    *out = (struct chunk_material){0};
    chunk_from_trace(trace, recording, hw, arena, p);
    keep_parts(p);
    uint32_t *deps = ARENA_ARRAY(arena, uint32_t, 2 * (size_t)p->n_deps); /* those of dense copies come behind */
    memcpy(deps, p->deps, p->n_deps * sizeof *deps);
    p->deps = deps;
    struct material_builder b = material_begin(out, arena);
    int32_t n = count_layers(p);
    struct block experts = model_experts(m), dense = model_dense(m);
    for (int32_t i = 0; i < n; i++)
        material_layer(&b, LAYER_MOE);
    for (int32_t i = 1; i <= n && dense.type; i++)
        add_dense(&b, i,
                  dense.type->network->kept(m, dense.dims).width / experts.type->network->kept(m, experts.dims).width);
}
