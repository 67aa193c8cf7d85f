#include "kinds/train/train_recipe.h"

#include <string.h>

#include "io/hardware.h"
#include "kinds/lists.h"

/* Bytes of an operand's number with its share of a scale, and the kernels that there are for it. */
static const struct {
    enum kernel_dtype dtype;
    double operand_B;
    const char *name;
} formats[] = {
    [COMPUTE_BF16] = {KERNEL_BF16, 2, "BF16"},
    [COMPUTE_FP8] = {KERNEL_FP8, 1 + 4.0 / 128, "FP8 with scales per 128"},
    [COMPUTE_MXFP8] = {KERNEL_FP8, 1 + 1.0 / 32, "MXFP8"},
    [COMPUTE_NVFP4] = {KERNEL_NVFP4, 0.5 + 1.0 / 16, "NVFP4"},
};

static const struct {
    const char *name;
    unsigned bits;
} modules[] = {
    {"layernorm", AGAIN_NORM},
    {"mla_up_proj", AGAIN_LATENTS},
    {"moe_act", AGAIN_ACTIVATION},
    {"core_attn", AGAIN_CORE},
    {"mlp", AGAIN_MLP},
    {"shared_experts", AGAIN_SHARED},
    {"moe", AGAIN_MOE},
    {"full", AGAIN_LAYER},
    {"selective", AGAIN_SELECTIVE},
    {"none", 0},
};
enum { N_MODULES = sizeof modules / sizeof *modules };

static enum train_compute format_of(const struct scenario *s, int format)
{
    if (format != COMPUTE_MODEL)
        return (enum train_compute)format;
    return s->llm.weight_B > 1 ? COMPUTE_BF16 : COMPUTE_FP8;
}

const char *train_compute_name(const struct scenario *s, int format)
{
    return formats[format_of(s, format)].name;
}

static unsigned bits_named(const struct scenario_file *file, const char *name, struct arena *arena, struct diag *diag)
{
    const char *names[N_MODULES + 1] = {0};
    for (int i = 0; i < N_MODULES; i++) {
        if (!strcmp(modules[i].name, name))
            return modules[i].bits;
        names[i] = modules[i].name;
    }
    report_unknown(diag, EXIT_BAD_INPUT, scenario_place(file, "train.recompute"), "module", name, names, arena);
    return 0;
}

static unsigned again_of(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct train_cfg *c = train_cfg(file->scenario);
    const char **items = list_items(c->recompute, arena, NULL);
    unsigned again = 0;
    for (uint32_t i = 0; items[i]; i++) {
        again |= bits_named(file, items[i], arena, diag);
        if (!strcmp(items[i], "none") && items[1])
            REPORT("train.recompute", "none computes nothing again; leave it out, or the others");
    }
    if (again & AGAIN_LAYER && again != AGAIN_LAYER)
        REPORT("train.recompute", "full computes every module again; leave the others out");
    return again;
}

/* DeepSeek's kernels have their passes in the backward parts, in a trace and in the kernel model. */
static unsigned deepseek_again(const struct scenario_file *file, unsigned again, struct diag *diag)
{
    const struct train_cfg *c = train_cfg(file->scenario);
    if (again != AGAIN_SELECTIVE && again != AGAIN_LAYER)
        REPORT("train.recompute",
               "backward parts compute norms, MLA's up-projections and SwiGLU again, in a trace and in "
               "the kernel model of DeepSeek's software; write selective or full%s",
               c->chunks.source == CHUNKS_KERNELS ? ", or 'software: megatron'" : "");
    return again | AGAIN_SELECTIVE;
}

static void check_formats(const struct scenario_file *file, const struct training_recipe *r, struct diag *diag)
{
    const struct hw_chip *chip = &file->scenario->cluster.chip;
    if (r->attention == KERNEL_NVFP4)
        REPORT("train.attention_compute", "core attention has no kernels in NVFP4; write fp8 or bf16");
    if ((r->linear == KERNEL_NVFP4 || r->head == KERNEL_NVFP4) && chip->fp4_flops <= 0)
        REPORT(r->linear == KERNEL_NVFP4 ? "train.compute" : "train.head_compute",
               "the %s has no tensor cores for FP4 (cluster.chip.fp4); write mxfp8", chip->name);
    const struct train_cfg *c = train_cfg(file->scenario);
    bool linear = format_of(file->scenario, c->compute) == COMPUTE_MXFP8;
    if ((linear || format_of(file->scenario, c->head_compute) == COMPUTE_MXFP8) && !chip->tensor.native_scaling)
        REPORT(linear ? "train.compute" : "train.head_compute",
               "the %s has no tensor cores that scale blocks of 32 (cluster.chip.tensor.native_scaling); write fp8 or "
               "bf16",
               chip->name);
}

struct training_recipe train_recipe_of(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct train_cfg *c = train_cfg(file->scenario);
    enum train_compute linear = format_of(file->scenario, c->compute);
    struct training_recipe r = {.linear = formats[linear].dtype,
                                .operand_B = formats[linear].operand_B,
                                .attention = formats[format_of(file->scenario, c->attention_compute)].dtype,
                                .head = formats[format_of(file->scenario, c->head_compute)].dtype,
                                .fused = c->software == SOFTWARE_MEGATRON,
                                .evaluates = c->without == WITHOUT_BACKWARD,
                                .again = again_of(file, arena, diag)};
    if (c->chunks.source == CHUNKS_TRACE && (r.fused || c->compute != COMPUTE_MODEL))
        REPORT("train.software", "kernels of a trace are as they were recorded; write 'source: kernels'");
    if (!r.fused && (linear == COMPUTE_MXFP8 || linear == COMPUTE_NVFP4))
        REPORT("train.compute",
               "DeepSeek's kernels scale blocks of 128; write 'software: megatron' for mxfp8 and nvfp4");
    check_formats(file, &r, diag);
    if (!r.fused)
        r.again = deepseek_again(file, r.again, diag);
    return r;
}
