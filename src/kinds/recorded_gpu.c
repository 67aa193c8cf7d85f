#include "kinds/recorded_gpu.h"

#include <string.h>

#include "io/hardware.h"
#include "io/inputs/cluster_file.h"
#include "io/trace/trace_device.h"

static bool is_there(const char *hardware, const char *beside, struct arena *arena)
{
    for (const char *const *name = hardware_names(true, beside, arena); *name; name++)
        if (!strcmp(*name, hardware))
            return true;
    return false;
}

/* The first layer of "h800, roce". */
static const char *first_hardware(const char *names, struct arena *arena)
{
    return arena_printf(arena, "%.*s", (int)strcspn(names, ", "), names);
}

static const char *find_hardware(const struct scenario_file *file, const struct trace *trace, struct arena *arena,
                                 struct diag *diag)
{
    const char *named = trace_device_hardware(trace->device, file->path, arena, diag);

    if (named)
        return is_there(named, file->path, arena) ? named : NULL;
    /* hardware of the user's own, whose chip has the name that the profile gives */
    if (trace_device_is(trace->device, file->scenario->cluster.chip.name))
        return first_hardware(file->scenario->hardware, arena);
    return NULL;
}

/* As shipped, but for how many nodes there are and how they hang together; nodes of the same chip have as many GPUs as
 * the scenario's. NULL after an error. */
static const struct cluster_hw *load(const struct scenario_file *file, const char *hardware, bool alike,
                                     struct arena *arena, struct diag *diag)
{
    const struct cluster_hw *is = &file->scenario->cluster;
    const char *shape[] = {arena_printf(arena, "cluster.node.gpus=%lld", (long long)is->node.gpus),
                           arena_printf(arena, "cluster.nic.per_node=%lld", (long long)is->nic.per_node)};
    struct cluster_source from = {.hardware = hardware,
                                  .topology = is->topology,
                                  .nodes = arena_printf(arena, "%lld", (long long)is->nodes),
                                  .set = shape,
                                  .n_set = alike ? 2 : 0};
    struct cluster_file loaded;

    return cluster_load(&from, arena, &loaded, diag) ? NULL : loaded.hw;
}

static bool has_scenarios_chip(const struct scenario_file *file, const struct cluster_hw *hw)
{
    return hw && !strcmp(hw->chip.name, file->scenario->cluster.chip.name);
}

int recorded_gpu_find(const struct scenario_file *file, const struct trace *trace, const struct recorded_on *given,
                      struct arena *arena, struct recorded_gpu *out, struct diag *diag)
{
    size_t before = diag_count(diag);

    *out = (struct recorded_gpu){.on = *given, .hardware = find_hardware(file, trace, arena, diag)};
    if (out->hardware)
        out->hw = load(file, out->hardware, false, arena, diag);
    out->same_chip = has_scenarios_chip(file, out->hw);
    if (out->same_chip)
        out->hw = load(file, out->hardware, true, arena, diag);
    if (diag_count(diag) > before)
        return -1;
    if (!out->hw)
        return 0;
    const struct hw_chip *chip = &out->hw->chip;
    out->on.bf16_flops = given->bf16_flops > 0 ? given->bf16_flops : chip->bf16_flops;
    out->on.fp8_flops = given->fp8_flops > 0 ? given->fp8_flops : chip->fp8_flops;
    out->on.memory_Bps = given->memory_Bps > 0 ? given->memory_Bps : hw_memory_Bps(out->hw, 1);
    return 0;
}

bool recorded_gpu_known(const struct recorded_gpu *gpu)
{
    return gpu->on.bf16_flops > 0 && gpu->on.fp8_flops > 0 && gpu->on.memory_Bps > 0;
}

void recorded_gpu_refuse(const struct scenario_file *file, const struct trace *trace, const char *key,
                         const char *else_hint, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key),
               "the trace was recorded on '%.60s', of which configs/ has no numbers; to move its times to another chip "
               "give bf16, fp8 and memory_bandwidth of '%s'%s",
               trace->device, key, else_hint);
}

const char *recorded_gpu_moved(const struct scenario_file *file, const struct trace *trace,
                               const struct recorded_gpu *gpu, struct arena *arena)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    const struct hw_chip *chip = &hw->chip;
    bool alike = chip->bf16_flops == gpu->on.bf16_flops && chip->fp8_flops == gpu->on.fp8_flops &&
                 hw_memory_Bps(hw, 1) == gpu->on.memory_Bps && chip->sms == trace->sms;
    if (gpu->same_chip && alike)
        return NULL;
    if (gpu->same_chip)
        return arena_printf(arena,
                            "times recorded on %s are moved to the %s with other numbers by ratios of its rates, "
                            "bandwidths and SMs, class by class",
                            trace->device, chip->name);
    return arena_printf(arena,
                        "times recorded on %s are moved to %s by ratios of their rates, bandwidths and SMs, class by "
                        "class: nobody validated that between architectures, and kernels written for one run "
                        "otherwise on another",
                        trace->device, chip->name);
}
