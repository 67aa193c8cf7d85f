/* A layer's kernels from the model's dimensions: which there are is a fact of DeepSeek's software, read off its
 * published training trace (counts of kernels per class and part of a layer); how long each takes is the kernel
 * model's. GEMMs and attention take the SMs that communication leaves; other kernels their bytes.
 *
 * Recomputed in the backward pass, as in the trace: norms, up projections of MLA, SwiGLU.
 *
 * Left out: a second stream for the experts' weight gradients (here their tiles fill waves together), kernels that
 * only the profile needed (random scores), the clock at which the CPU issues kernels. */
#include "models/chunk/chunk_kernels_priv.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "models/trace.h"

/* --- kernels ------------------------------------------------------------------------------------------------- */

void write_kernel(struct kernel_writer *w, const char *name, const struct kernel_call *call, bool per_token)
{
    const struct kernel_model *kernels = w->work->kernels;
    struct kernel_call c = *call;
    c.sms = w->sms;
    struct chunk_kernel k = {.kind = OP_COMPUTE,
                             .per_token = per_token,
                             .work_s = kernel_time(kernels, &c).time_s,
                             .lead_s = kernels->cfg.launch_gap_s};
    if (!kernel_is_pass(c.family))
        k.sm_ref = k.sm_max = (float)w->sms;
    material_add(&w->b, w->part, name, &k);
}

void write_gemm(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k)
{
    write_kernel(w, name, &(struct kernel_call){.family = KERNEL_GEMM, .dtype = dtype, .m = w->tokens, .n = n, .k = k},
                 false);
}

void write_wgrad(struct kernel_writer *w, const char *name, enum kernel_dtype dtype, double n, double k)
{
    write_kernel(w, name, &(struct kernel_call){.family = KERNEL_WGRAD, .dtype = dtype, .m = n, .n = k, .k = w->tokens},
                 false);
}

void write_pass(struct kernel_writer *w, const char *name, enum kernel_family family, double read_B, double written_B)
{
    write_kernel(w, name, &(struct kernel_call){.family = family, .read_B = read_B, .written_B = written_B}, false);
}

void write_small(struct kernel_writer *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        write_pass(w, "elementwise_small", KERNEL_ELEMENTWISE, 1, 1);
}

void write_cast(struct kernel_writer *w, double rows, double columns)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * bf16_B, rows * columns * fp8_B);
}

void write_cast_back(struct kernel_writer *w, double rows, double columns)
{
    write_pass(w, "quant_cast", KERNEL_QUANTISE, rows * columns * fp8_B, rows * columns * bf16_B);
}

void write_scales(struct kernel_writer *w, double columns)
{
    double scales_B = w->tokens * columns * (fp8_B - 1);
    write_pass(w, "transpose", KERNEL_TRANSPOSE, scales_B, scales_B);
}

void write_transpose(struct kernel_writer *w, double weights)
{
    write_pass(w, "transpose", KERNEL_TRANSPOSE, weights, weights);
}

/* --- FP8 linear layers ------------------------------------------------------------------------------------------ */

void write_linear_forward(struct kernel_writer *w, double n, double k)
{
    write_cast(w, w->tokens, k);
    write_scales(w, k);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, n, k);
}

/* Weights are kept for the forward pass and turned round for the backward one. */
void write_linear_input(struct kernel_writer *w, double n, double k)
{
    write_transpose(w, n * k);
    write_cast(w, w->tokens, n);
    write_scales(w, n);
    write_gemm(w, "gemm_fp8", KERNEL_FP8, k, n);
}

void write_linear_operands(struct kernel_writer *w, double n, double k)
{
    write_cast(w, w->tokens, n);
    write_cast(w, w->tokens, k);
}

void write_linear_weight(struct kernel_writer *w, double n, double k)
{
    write_wgrad(w, "wgrad_gemm_fp8", KERNEL_FP8, n, k);
}

/* --- communication ------------------------------------------------------------------------------------------------ */

/* A barrier waits on the SMs of whatever comes behind it. */
static void write_comm(struct kernel_writer *w, const char *name, uint8_t kind, uint8_t collective)
{
    const struct hw_ep_kernel *ep = &w->work->hw->ep_kernel;
    double held = kind == OP_SYNC ? ep_sms_held_most(ep) : ep_sms_held(ep, collective == COLL_COMBINE);
    material_add(&w->b, w->part, name,
                 &(struct chunk_kernel){.kind = kind,
                                        .collective = collective,
                                        .work_s = kind == OP_SYNC ? ep->barrier_s : 0,
                                        .lead_s = w->work->kernels->cfg.launch_gap_s,
                                        .sm_hold = (float)held});
}

/* Combine and dispatch, and their backward passes: a dispatch and a combine of gradients (DeepEP). Hardware that does
 * the layout or the cast does them on the way (paper 4.4.2). */
static void write_exchange(struct kernel_writer *w)
{
    const struct hw_offload *offload = &w->work->hw->ep_kernel.offload;
    double choices_B = w->tokens * (double)w->model->moe.top_k * 8;
    w->b.stream = STREAM_COMMUNICATION;
    switch (w->part) {
    case PART_COMBINE_B:
        if (!offload->cast)
            write_cast(w, w->tokens, w->hidden);
        write_comm(w, "a2a_cached_notify", OP_SYNC, COLL_NOTIFY);
        write_comm(w, "a2a_dispatch_cached", OP_COMM, COLL_DISPATCH_CACHED);
        break;
    case PART_DISPATCH_F:
        if (!offload->layout)
            write_pass(w, "a2a_layout", KERNEL_ROUTER, choices_B, 0);
        write_comm(w, "a2a_notify_dispatch", OP_SYNC, COLL_NOTIFY);
        write_comm(w, "a2a_dispatch", OP_COMM, COLL_DISPATCH);
        break;
    default:
        write_comm(w, "a2a_cached_notify", OP_SYNC, COLL_NOTIFY);
        write_comm(w, "a2a_combine", OP_COMM, COLL_COMBINE);
    }
    w->b.stream = STREAM_COMPUTE;
}

/* --- layers --------------------------------------------------------------------------------------------------------- */

static void write_part(struct kernel_writer *w, enum chunk_part part, bool experts)
{
    w->part = part;
    switch (part) {
    case PART_ATTN_F:
        write_attention_forward(w, experts);
        break;
    case PART_ATTN_B:
        write_attention_input(w, experts);
        break;
    case PART_ATTN_W:
        write_attention_weight(w);
        break;
    case PART_MLP_F:
        (experts ? write_experts_forward : write_dense_forward)(w);
        break;
    case PART_MLP_B:
        (experts ? write_experts_input : write_dense_input)(w);
        break;
    case PART_MLP_W:
        (experts ? write_experts_weight : write_dense_weight)(w);
        break;
    case PART_COMBINE_B:
    case PART_DISPATCH_F:
    case PART_DISPATCH_B:
    case PART_COMBINE_F:
        if (experts)
            write_exchange(w);
        break;
    default:
        break;
    }
}

static void write_layer(struct kernel_writer *w, bool experts)
{
    material_layer(&w->b, experts ? LAYER_MOE : LAYER_DENSE);
    for (int p = 0; p < PART_OTHER_F; p++)
        write_part(w, (enum chunk_part)p, experts);
}

/* Rows that the rank's experts get of the whole group's tokens, at the load given for them. */
static void take_load(struct kernel_writer *w, uint32_t layer)
{
    const double *load = w->work->load;
    for (int backward = 0; backward < 2; backward++) {
        double given = load ? load[2 * layer + (uint32_t)backward] : 0;
        w->rows[backward] = (given > 0 ? given : 1) * w->tokens * (double)w->model->moe.top_k;
        w->b.material->program.load[2 * (layer + 1) + (uint32_t)backward] = given;
    }
}

static const char *const stream_names[] = {[STREAM_COMPUTE] = "compute", [STREAM_COMMUNICATION] = "communication"};

static struct kernel_writer writer(const struct chunk_work *work, struct arena *arena, struct chunk_material *out)
{
    struct chunk_program *p = &out->program;
    bool experts = work->model->moe.routed > 0;
    *out = (struct chunk_material){0};
    p->streams = (const char **)stream_names;
    p->n_streams = N_STREAMS;
    p->n_routings = 2 * (work->layers + 2);
    p->load = ARENA_ARRAY(arena, double, p->n_routings);
    return (struct kernel_writer){.b = material_begin(out, arena),
                                  .work = work,
                                  .model = work->model,
                                  .tokens = work->sequences * work->length,
                                  .hidden = (double)work->model->hidden,
                                  .sms = (double)work->hw->chip.sms -
                                         (experts ? ep_sms_held_most(&work->hw->ep_kernel) : 0)};
}

void material_from_kernels(const struct chunk_work *work, struct arena *arena, struct chunk_material *out)
{
    struct kernel_writer w = writer(work, arena, out);
    BUG_IF(material_from_kernels_lacks(work->model) != NULL);
    for (uint32_t i = 0; i < work->layers && work->model->moe.routed > 0; i++) {
        take_load(&w, i);
        write_layer(&w, true);
    }
    write_layer(&w, false);
}

const char *material_from_kernels_lacks(const struct model *m)
{
    if (m->attention.window)
        return "attention.window: windowed attention in training";
    if (m->moe.routed <= 0 && m->dense_ffn <= 0)
        return "a feed-forward network";
    return NULL;
}
