/* A layer's kernels from the model's dimensions: which there are is a fact of DeepSeek's software, read off its
 * published training trace (counts of kernels per class and part of a layer); how long each takes is the kernel
 * model's. GEMMs and attention take the SMs that communication leaves; other kernels their bytes.
 *
 * Recomputed in the backward pass, as in the trace: norms, up projections of MLA, SwiGLU.
 *
 * Left out: a second stream for the experts' weight gradients (here their tiles fill waves together), kernels that
 * only the profile needed (random scores), the clock at which the CPU issues kernels. */
#include "models/chunk/chunk_kernels.h"

#include <string.h>

#include "base/diag.h"
#include "models/chunk/chunk_material.h"
#include "models/chunk/chunk_memory.h"
#include "models/comm/collectives.h"
#include "models/llm/blocks/block.h"
#include "models/trace.h"

/* The last: what tensor and context parallelism exchange, where there are such. */
enum { STREAM_COMPUTE, STREAM_COMMUNICATION, STREAM_TENSOR, N_STREAMS };

struct layer_writer {
    struct kernel_writer w; /* first: what blocks write to */
    struct material_builder b;
    const struct chunk_work *work;
    enum chunk_part part;
    uint32_t awaited; /* an exchange on STREAM_TENSOR that the next kernel waits for, or the one after; CHUNK_NONE */
    bool after_next;
};

/* Appends to the kernel's waits: it is the material's last. */
static void wait_for(struct layer_writer *l, uint32_t before)
{
    struct chunk_program *p = &l->b.material->program;
    material_wait(&l->b, p->n_kernels - 1, before);
}

/* Passes are bound by memory. */
static double sms_of(const struct layer_writer *l, enum kernel_family family)
{
    bool attention = family == KERNEL_ATTENTION_FORWARD || family == KERNEL_ATTENTION_BACKWARD;
    return attention ? l->work->attention_sms : l->work->gemm_sms;
}

static void add_kernel(struct kernel_writer *writer, const char *name, const struct kernel_call *call, bool per_token)
{
    struct layer_writer *l = (struct layer_writer *)writer;
    const struct kernel_model *kernels = l->work->kernels;
    struct kernel_call c = *call;
    c.sms = sms_of(l, call->family);
    struct kernel_time time = kernel_time(kernels, &c);
    struct chunk_kernel k = {.kind = OP_COMPUTE,
                             .per_token = per_token,
                             .work_s = time.time_s,
                             .memory = chunk_memory_of_kernel(l->work->hw, &c, &time),
                             .gains = kernel_gains(kernels, &c),
                             .lead_s = kernels->cfg.launch_gap_s};
    if (!kernel_is_pass(c.family))
        k.sm_ref = k.sm_max = (float)c.sms;
    material_add(&l->b, l->part, name, &k);
    if (l->awaited == CHUNK_NONE)
        return;
    if (!l->after_next) {
        wait_for(l, l->awaited);
        l->awaited = CHUNK_NONE;
    }
    l->after_next = false;
}

/* After what the stream has computed so far; kernels behind wait for it, where it goes beside one, from the next but one
 * on. */
static void add_collect(struct kernel_writer *writer, const char *name, uint32_t peers, uint32_t stride, double bytes_B,
                        bool beside)
{
    struct layer_writer *l = (struct layer_writer *)writer;
    struct chunk_program *p = &l->b.material->program;
    uint32_t last = p->n_kernels ? p->n_kernels - 1 : CHUNK_NONE;
    bool gathers = !strstr(name, "reduce");
    struct collective ring = {.operation = gathers ? COLLECTIVE_ALL_GATHER : COLLECTIVE_REDUCE_SCATTER,
                              .algorithm = COLLECTIVE_RING,
                              .n = peers,
                              .size_B = bytes_B};
    l->b.stream = STREAM_TENSOR;
    material_add(&l->b, l->part, name,
                 &(struct chunk_kernel){.kind = OP_COMM,
                                        .work_s = collective_ring_alone_s(&ring, l->work->hw),
                                        .lead_s = l->work->kernels->cfg.launch_gap_s,
                                        .peers = (uint16_t)peers,
                                        .stride = (uint16_t)stride,
                                        .bytes_B = bytes_B});
    l->b.stream = STREAM_COMPUTE;
    if (last != CHUNK_NONE && p->kernels[last].layer == p->kernels[last + 1].layer)
        wait_for(l, last);
    l->awaited = p->n_kernels - 1;
    l->after_next = beside && l->work->beside;
}

/* --- communication ------------------------------------------------------------------------------------------------ */

/* A barrier waits on the SMs of whatever comes behind it. */
static void write_comm(struct layer_writer *l, const char *name, uint8_t kind, uint8_t collective)
{
    const struct hw_ep_kernel *ep = &l->work->hw->ep_kernel;
    double held = kind == OP_SYNC ? ep_sms_held_most(ep) : ep_sms_held(ep, collective == COLL_COMBINE);
    material_add(&l->b, l->part, name,
                 &(struct chunk_kernel){.kind = kind,
                                        .collective = collective,
                                        .work_s = kind == OP_SYNC ? ep->barrier_s : 0,
                                        .lead_s = l->work->kernels->cfg.launch_gap_s,
                                        .sm_hold = (float)held});
}

/* A barrier in which counts or flags go round, then tokens, then what follows them: the kernel's own account. */
static void write_exchange_of(struct layer_writer *l)
{
    bool back = l->part == PART_DISPATCH_B || l->part == PART_COMBINE_F, again = l->part == PART_COMBINE_B;
    const struct cluster_hw *hw = l->work->hw;
    double gap_s = l->work->kernels->cfg.launch_gap_s;
    struct ep_traffic traffic = {.group = {l->work->group * l->work->etp, 0, (uint32_t)hw->node.gpus}};
    struct ep_cost cost;
    traffic.nodes = (traffic.group.ranks + traffic.group.gpus_per_node - 1) / traffic.group.gpus_per_node;
    traffic.per_node = traffic.group.ranks / traffic.nodes;
    ep_cost_of(l->work->exchange->kernel,
               &(struct ep_call){.hw = hw,
                                 .traffic = &traffic,
                                 .phase = back ? EP_COMBINE : EP_DISPATCH,
                                 .tokens = l->w.own_tokens,
                                 .hidden = l->w.model->hidden,
                                 .top_k = l->w.model->experts.top_k,
                                 .experts = l->w.model->experts.routed,
                                 .sms = (double)hw->ep_kernel.sms,
                                 .format = l->work->exchange->format[back]},
               &cost);
    double round_s = traffic.nodes > 1 ? 2 * hw->nic.latency_s + hw->network.switch_latency_s + cost.network_s
                                       : hw->node.nvlink_latency_s;
    material_add(&l->b, l->part, back || again ? "a2a_cached_notify" : "a2a_notify_dispatch",
                 &(struct chunk_kernel){.kind = OP_SYNC,
                                        .collective = COLL_NOTIFY,
                                        .work_s = cost.barrier_s + cost.rounds * round_s,
                                        .lead_s = gap_s + cost.start_s,
                                        .sm_hold = (float)cost.sms});
    material_add(&l->b, l->part,
                 back    ? "a2a_combine"
                 : again ? "a2a_dispatch_cached"
                         : "a2a_dispatch",
                 &(struct chunk_kernel){.kind = OP_COMM,
                                        .collective = back    ? COLL_COMBINE
                                                      : again ? COLL_DISPATCH_CACHED
                                                              : COLL_DISPATCH,
                                        .sm_hold = (float)cost.sms});
    if (cost.end_s > 0)
        material_add(&l->b, l->part, "a2a_end", &(struct chunk_kernel){.kind = OP_COMPUTE, .work_s = cost.end_s});
}

/* Combine and dispatch, and their backward passes: a dispatch and a combine of gradients (DeepEP). Hardware that does
 * the layout or the cast does them on the way (paper 4.4.2). */
static void write_exchange(struct layer_writer *l)
{
    const struct hw_offload *offload = &l->work->hw->ep_kernel.offload;
    double choices_B = l->w.tokens * (double)l->w.model->experts.top_k * 8;
    l->b.stream = STREAM_COMMUNICATION;
    if (l->work->exchange) {
        write_exchange_of(l);
        l->b.stream = STREAM_COMPUTE;
        return;
    }
    switch (l->part) {
    case PART_COMBINE_B:
        if (!offload->cast)
            write_cast(&l->w, l->w.tokens, l->w.hidden);
        write_comm(l, "a2a_cached_notify", OP_SYNC, COLL_NOTIFY);
        write_comm(l, "a2a_dispatch_cached", OP_COMM, COLL_DISPATCH_CACHED);
        break;
    case PART_DISPATCH_F:
        if (!offload->layout)
            write_pass(&l->w, "a2a_layout", KERNEL_ROUTER, choices_B, 0);
        write_comm(l, "a2a_notify_dispatch", OP_SYNC, COLL_NOTIFY);
        write_comm(l, "a2a_dispatch", OP_COMM, COLL_DISPATCH);
        break;
    default:
        write_comm(l, "a2a_cached_notify", OP_SYNC, COLL_NOTIFY);
        write_comm(l, "a2a_combine", OP_COMM, COLL_COMBINE);
    }
    l->b.stream = STREAM_COMPUTE;
}

/* --- layers --------------------------------------------------------------------------------------------------------- */

/* Attention between its norm and the residual, then the norm before the network and what chooses experts. */
static void write_attention_forward(struct kernel_writer *w, struct block a, struct block network)
{
    write_norm(w, 2, 2, w->hidden); /* with the residual added and kept */
    a.type->attention->forward(w, a.dims);
    write_elementwise(w, 1, 1);
    write_norm(w, 2, 2, w->hidden);
    if (network.type->network->gate_forward)
        network.type->network->gate_forward(w, network.dims);
}

static void write_attention_input(struct kernel_writer *w, struct block a, struct block network)
{
    if (network.type->network->gate_input)
        network.type->network->gate_input(w, network.dims);
    write_norm_backward(w, 3, 1, w->hidden);
    write_elementwise(w, 1, 1);
    a.type->attention->input(w, a.dims);
    write_elementwise(w, 2, 1);
    write_norm_backward(w, 3, 1, w->hidden);
}

static void write_part(struct layer_writer *l, enum chunk_part part, struct block a, struct block network)
{
    l->part = part;
    l->awaited = CHUNK_NONE;
    switch (part) {
    case PART_ATTN_F:
        write_attention_forward(&l->w, a, network);
        break;
    case PART_ATTN_B:
        write_attention_input(&l->w, a, network);
        break;
    case PART_ATTN_W:
        a.type->attention->weight(&l->w, a.dims);
        break;
    case PART_MLP_F:
        network.type->network->forward(&l->w, network.dims);
        break;
    case PART_MLP_B:
        network.type->network->input(&l->w, network.dims);
        break;
    case PART_MLP_W:
        network.type->network->weight(&l->w, network.dims);
        break;
    case PART_COMBINE_B:
    case PART_DISPATCH_F:
    case PART_DISPATCH_B:
    case PART_COMBINE_F:
        if (network.type->network->routed)
            write_exchange(l);
        break;
    default:
        break;
    }
}

static void write_layer(struct layer_writer *l, bool experts)
{
    const struct model *m = l->w.model;
    material_layer(&l->b, experts ? LAYER_MOE : LAYER_DENSE);
    for (int p = 0; p < PART_OTHER_F; p++)
        write_part(l, (enum chunk_part)p, model_attention(m), experts ? model_experts(m) : model_dense(m));
}

/* Rows that the rank's experts get of the whole group's tokens, at the load given for them. */
static void take_load(struct layer_writer *l, uint32_t layer)
{
    const double *load = l->work->load;
    for (int backward = 0; backward < 2; backward++) {
        double given = load ? load[2 * layer + (uint32_t)backward] : 0;
        l->w.rows[backward] = (given > 0 ? given : 1) * l->w.tokens * (double)l->w.model->experts.top_k * l->w.etp;
        l->b.material->program.load[2 * (layer + 1) + (uint32_t)backward] = given;
    }
}

static const char *const stream_names[] = {
    [STREAM_COMPUTE] = "compute", [STREAM_COMMUNICATION] = "communication", [STREAM_TENSOR] = "tensor parallel"};

static struct layer_writer writer(const struct chunk_work *work, struct arena *arena, struct chunk_material *out)
{
    struct chunk_program *p = &out->program;
    *out = (struct chunk_material){0};
    p->streams = (const char **)stream_names;
    p->n_streams = work->tp * work->cp * work->etp > 1 ? N_STREAMS : STREAM_TENSOR;
    p->n_routings = 2 * (work->layers + 2);
    p->load = ARENA_ARRAY(arena, double, p->n_routings);
    double own = work->sequences * work->length / (work->tp * work->cp);
    return (struct layer_writer){.w = {.model = work->model,
                                       .recipe = work->recipe,
                                       .sequences = work->sequences,
                                       .length = work->length,
                                       .tokens = own,
                                       .own_tokens = own,
                                       .hidden = (double)work->model->hidden,
                                       .tp = work->tp,
                                       .cp = work->cp,
                                       .group = work->group,
                                       .etp = work->etp,
                                       .add = add_kernel,
                                       .collect = add_collect},
                                 .b = material_begin(out, arena),
                                 .awaited = CHUNK_NONE,
                                 .work = work};
}

void material_from_kernels(const struct chunk_work *work, struct arena *arena, struct chunk_material *out)
{
    struct layer_writer l = writer(work, arena, out);
    BUG_IF(material_from_kernels_lacks(work->model) != NULL);
    for (uint32_t i = 0; i < work->layers && work->model->experts.routed > 0; i++) {
        take_load(&l, i);
        write_layer(&l, true);
    }
    if (model_dense(work->model).type)
        write_layer(&l, false);
    if (work->model->experts.routed > 0)
        chunk_memory_share(work, &out->program, arena);
}

double chunk_kernel_sms(const struct cluster_hw *hw, const struct model *m)
{
    return (double)hw->chip.sms - (m->experts.routed > 0 ? ep_sms_held_most(&hw->ep_kernel) : 0);
}

const char *material_from_kernels_lacks(const struct model *m)
{
    struct block blocks[] = {model_attention(m), model_experts(m), model_dense(m)};
    const char *differs = model_differs(m);
    if (differs)
        return differs;
    if (m->residual_streams > 1)
        return "residual_streams above 1";
    for (int i = 0; i < 3; i++) {
        const struct block_type *t = blocks[i].type;
        bool trains = !t || (t->attention ? t->attention->forward != NULL
                                          : t->network->forward &&
                                                (!t->network->trainable || t->network->trainable(blocks[i].dims)));
        if (!trains)
            return i ? "networks of this kind" : "attention.kind of this block";
    }
    return NULL;
}
