/* Each part of a layer is read from the memory that it lies in and computed by the processor beside it; it takes
 * the longer of the two (roofline). Layers follow one another. Only one thing runs beside another: the shared
 * expert and router on the GPU beside routed experts on the CPU, as KTransformers does it.
 *
 * Offload: the GPU takes parts in the order of how much of them a token reads: cache, attention, dense
 * networks, shared experts, head; layer by layer until its memory is full. Whatever part of a layer is the CPU's
 * costs a hop there and one back.
 *
 * A CPU reads quantised experts no faster than its cores expand and multiply them, than its memory, or, without a copy for each
 * socket, than the link between sockets; kernels on the GPU take a time each beside their bytes.
 *
 * Left out: prefill, disks. */
#include "kinds/machine/single_machine.h"

#include <math.h>

const char *const single_limit_names[N_LIMITS] = {"GPU memory",  "GPU compute", "CPU memory",
                                                  "CPU compute", "hops",        "gaps between kernels"};

/* --- placement ----------------------------------------------------------------------------------------------- */

static const enum decode_part fill_order[N_DECODE_PARTS] = {DECODE_CACHE,  DECODE_ATTENTION, DECODE_DENSE,
                                                            DECODE_SHARED, DECODE_HEAD,      DECODE_EXPERTS};

/* The cache is not copied; all weights are, and an MTP module's lie as those of a layer do. */
static void stored(const struct single_setup *s, struct part_work out[N_DECODE_PARTS])
{
    struct part_work mtp[N_DECODE_PARTS];
    decode_parts(s->model, 1 + s->extra_tokens, s->context, s->expert_load, out);
    if (s->extra_tokens <= 0)
        return;
    mtp_parts(s->model, s->context, mtp);
    for (int p = 0; p < N_DECODE_PARTS; p++)
        if (out[p].layers > 0) {
            out[p].stored_B += mtp[p].stored_B * (double)s->model->mtp_layers;
            out[p].layers += mtp[p].stored_B > 0 ? (double)s->model->mtp_layers : 0;
        }
}

static double embedding_B(const struct model *m)
{
    double n = (double)m->hidden * (double)m->vocab;
    return m->tied_embeddings ? 0 : model_stored_B(m, n, n); /* tied: the head is stored already */
}

bool single_place(const struct single_setup *s, struct single_placement *out)
{
    const struct hw_processor *gpu = &s->machine->gpu, *cpu = &s->machine->cpu;
    struct part_work parts[N_DECODE_PARTS];
    bool unified = cpu->memory_B <= 0;
    *out = (struct single_placement){.gpu_free_B = hw_processor_free_B(gpu), .cpu_free_B = hw_processor_free_B(cpu)};
    *(unified ? &out->gpu_B : &out->cpu_B) = embedding_B(s->model);
    stored(s, parts);
    for (int i = 0; i < N_DECODE_PARTS; i++) {
        enum decode_part p = fill_order[i];
        if (parts[p].layers <= 0)
            continue;
        double each_B = parts[p].stored_B / parts[p].layers;
        double room = each_B > 0 ? floor((out->gpu_free_B - out->gpu_B) / each_B) : parts[p].layers;
        bool stays = unified || p != DECODE_EXPERTS || s->experts_on_gpu;
        double n = unified ? parts[p].layers : stays ? fmin(fmax(room, 0), parts[p].layers) : 0;
        out->gpu_layers[p] = n;
        out->gpu_B += n * each_B;
        out->cpu_B += (parts[p].layers - n) * each_B;
    }
    return out->gpu_B <= out->gpu_free_B && out->cpu_B <= out->cpu_free_B;
}

/* --- time ------------------------------------------------------------------------------------------------------ */

/* What each processor does of a part. */
struct split {
    double gpu_s, cpu_s, gpu_B, cpu_B, cpu_layers;
    bool gpu_computes, cpu_computes; /* computing takes longer than reading */
};

static double roofline_s(const struct hw_processor *p, double read_B, double flop, bool *computes)
{
    double read_s = read_B / hw_processor_Bps(p), compute_s = flop / hw_processor_flops(p);
    *computes = compute_s > read_s;
    return fmax(read_s, compute_s);
}

static struct split split_part(const struct single_setup *s, const struct single_placement *p,
                               const struct part_work *w, enum decode_part part)
{
    double share = w->layers > 0 ? fmin(p->gpu_layers[part] / w->layers, 1) : 1;
    struct split x = {
        .gpu_B = share * w->read_B, .cpu_B = (1 - share) * w->read_B, .cpu_layers = (1 - share) * w->layers};
    if (share > 0)
        x.gpu_s = roofline_s(&s->machine->gpu, x.gpu_B, share * w->flop, &x.gpu_computes);
    if (share < 1)
        x.cpu_s = roofline_s(&s->machine->cpu, x.cpu_B, (1 - share) * w->flop, &x.cpu_computes);
    return x;
}

/* A hop carries the hidden vectors of the tokens, BF16. */
static double hop_s(const struct single_setup *s, double tokens)
{
    const struct hw_machine *m = s->machine;
    return m->hop_s + (m->link_Bps > 0 ? 2 * tokens * (double)s->model->hidden / m->link_Bps : 0);
}

/* The shared expert waits for nobody: what of it the CPU's experts and their hops do not cover counts. */
static double exposed_shared_s(const struct split x[N_DECODE_PARTS], double shared_layers, double hops_s)
{
    if (shared_layers <= 0 || x[DECODE_EXPERTS].cpu_layers <= 0)
        return x[DECODE_SHARED].gpu_s;
    double beside = x[DECODE_EXPERTS].cpu_layers / shared_layers;
    double covered_s = x[DECODE_EXPERTS].cpu_s + hops_s;
    return (1 - beside) * x[DECODE_SHARED].gpu_s + fmax(beside * x[DECODE_SHARED].gpu_s - covered_s, 0);
}

/* Kernels of one token are short: each takes its time however few bytes it reads. */
static double gaps_s(const struct single_setup *s, const struct single_placement *p)
{
    const struct hw_processor *gpu = &s->machine->gpu;
    return p->gpu_layers[DECODE_ATTENTION] * (double)gpu->kernels * gpu->kernel_s;
}

/* One pass through the parts. */
static void pass(const struct single_setup *s, const struct single_placement *p, double tokens,
                 const struct part_work parts[N_DECODE_PARTS], struct single_time *out)
{
    struct split x[N_DECODE_PARTS];
    double cpu_layers = 0;
    *out = (struct single_time){0};
    for (int i = 0; i < N_DECODE_PARTS; i++) {
        x[i] = split_part(s, p, &parts[i], (enum decode_part)i);
        cpu_layers = fmax(cpu_layers, x[i].cpu_layers);
        out->gpu_B += x[i].gpu_B;
        out->cpu_B += x[i].cpu_B;
    }
    out->hops_s = out->limit_s[LIMIT_HOPS] = out->step_s = 2 * cpu_layers * hop_s(s, tokens);
    out->limit_s[LIMIT_GAPS] = gaps_s(s, p);
    out->step_s += out->limit_s[LIMIT_GAPS];
    for (int i = 0; i < N_DECODE_PARTS; i++) {
        double gpu_s = i == DECODE_SHARED ? exposed_shared_s(x, parts[i].layers, out->hops_s) : x[i].gpu_s;
        out->limit_s[x[i].gpu_computes ? LIMIT_GPU_COMPUTE : LIMIT_GPU_MEMORY] += gpu_s;
        out->limit_s[x[i].cpu_computes ? LIMIT_CPU_COMPUTE : LIMIT_CPU_MEMORY] += x[i].cpu_s;
        out->part_s[i] = gpu_s + x[i].cpu_s;
        out->step_s += out->part_s[i];
    }
}

/* A module lies where layers of its parts lie: on the GPU only when they all do. */
static void draft(const struct single_setup *s, const struct single_placement *p,
                  const struct part_work parts[N_DECODE_PARTS], struct single_time *out)
{
    struct single_placement of_module = *p;
    struct single_time one;
    struct part_work mtp[N_DECODE_PARTS];
    mtp_parts(s->model, s->context, mtp);
    for (int i = 0; i < N_DECODE_PARTS; i++)
        of_module.gpu_layers[i] = p->gpu_layers[i] < parts[i].layers ? 0 : mtp[i].layers;
    pass(s, &of_module, 1, mtp, &one);
    out->draft_s = s->extra_tokens * one.step_s;
    out->step_s += out->draft_s;
    out->gpu_B += s->extra_tokens * one.gpu_B;
    out->cpu_B += s->extra_tokens * one.cpu_B;
    for (int i = 0; i < N_LIMITS; i++)
        out->limit_s[i] += s->extra_tokens * one.limit_s[i];
}

void single_time(const struct single_setup *s, const struct single_placement *p, struct single_time *out)
{
    struct part_work parts[N_DECODE_PARTS];
    decode_parts(s->model, 1 + s->extra_tokens, s->context, s->expert_load, parts);
    pass(s, p, 1 + s->extra_tokens, parts, out);
    if (s->extra_tokens > 0)
        draft(s, p, parts, out);
}

enum single_limit single_limit(const struct single_time *t)
{
    int top = 0;
    for (int i = 1; i < N_LIMITS; i++)
        if (t->limit_s[i] > t->limit_s[top])
            top = i;
    return (enum single_limit)top;
}

double single_bound_s(const struct single_setup *s, const struct single_placement *p)
{
    struct single_time t;
    single_time(s, p, &t);
    double cpu_s = t.cpu_B > 0 ? t.cpu_B / s->machine->cpu.memory_Bps : 0;
    return t.gpu_B / s->machine->gpu.memory_Bps + cpu_s;
}
