#include "hw/kernels/kernel_origins.h"

#include <math.h>
#include <string.h>

static const char *words_of(enum kernel_origin origin)
{
    static const char *const words[] = {[KERNEL_FROM_POINT] = "measured on",
                                        [KERNEL_FROM_INTERPOLATION] = "interpolated between measurements on",
                                        [KERNEL_FROM_SCALING] = "moved from",
                                        [KERNEL_FROM_ROOFLINE] = "a roofline, calibrated on",
                                        [KERNEL_FROM_FIT] = "by the mechanism alone, fitted to measurements on",
                                        [KERNEL_FROM_RELATED] =
                                            "by the mechanism of other number formats, measured on"};
    return words[origin];
}

static bool is_gemm(enum kernel_family family)
{
    return family <= KERNEL_GROUPED_MASKED;
}

static void note_constants(struct kernel_origins *o, const struct kernel_call *call, const struct kernel_time *time)
{
    if (time->chip || kernel_is_pass(call->family))
        return;
    o->gemm_constants |= is_gemm(call->family);
    o->attention_constants |= !is_gemm(call->family);
}

static void note_software(struct kernel_origins *o, const struct kernel_time *time, double time_s)
{
    if (!time->conditions)
        return;
    o->start_s += time->time_s > 0 ? time_s * fmin(1, time->start_s / time->time_s) : 0;
    if (time_s <= o->largest_s)
        return;
    o->largest_s = time_s;
    o->conditions = time->conditions;
}

void kernel_origins_add(struct kernel_origins *o, const struct kernel_call *call, const struct kernel_time *time,
                        double time_s)
{
    note_constants(o, call, time);
    note_software(o, time, time_s);
    struct kernel_origin_part one = {time->origin, time->chip ? time->chip : "", kernel_is_pass(call->family), 0};
    uint32_t i = 0;
    while (i < o->n &&
           (o->part[i].origin != one.origin || o->part[i].pass != one.pass || strcmp(o->part[i].chip, one.chip) != 0))
        i++;
    if (i == KERNEL_ORIGINS_MOST)
        return;
    if (i == o->n)
        o->part[o->n++] = one;
    o->part[i].time_s += time_s;
    o->all_s += time_s;
}

void kernel_origins_add_recorded(struct kernel_origins *o, const char *gpu, double time_s)
{
    o->recorded_on = gpu;
    o->recorded_s += time_s;
    o->all_s += time_s;
}

static const char *text_of(const struct kernel_origin_part *p, double all_s, struct arena *arena)
{
    const char *what = p->pass ? "passes over memory at shares of the bandwidth measured on the h800"
                               : arena_printf(arena, "%s %s", words_of(p->origin), *p->chip ? p->chip : "the h800");
    return arena_printf(arena, "%.0f %% %s", 100 * p->time_s / all_s, what);
}

/* The chip that tables and rooflines were calibrated on. */
static bool is_home(const struct cluster_hw *hw)
{
    const struct kernel_chip *was = &hw->kernels.measured_on;
    return hw->chip.sms == was->sms && hw->chip.bf16_flops == was->bf16_flops && hw->chip.fp8_flops == was->fp8_flops &&
           hw->chip.memory_Bps == was->memory_Bps;
}

const char *kernel_origins_text(const struct kernel_origins *o, const struct cluster_hw *hw, struct arena *arena)
{
    bool fitted = o->recorded_s > 0;
    const char *text = fitted ? arena_printf(arena, "%.0f %% recorded on %s and moved by ratios of its rates",
                                             100 * o->recorded_s / o->all_s, o->recorded_on)
                              : NULL;
    for (uint32_t i = 0; i < o->n; i++) {
        const char *one = text_of(&o->part[i], o->all_s, arena);
        fitted |= *o->part[i].chip != '\0';
        text = text ? arena_printf(arena, "%s, %s", text, one) : one;
    }
    return fitted || !is_home(hw) ? text : NULL;
}

/* Less than this is worth no word. */
static const double many_starts_ratio = 0.2;

const char *kernel_origins_software(const struct kernel_origins *o, struct arena *arena)
{
    if (!o->conditions)
        return NULL;
    double starts = o->start_s / o->all_s;
    const char *text = arena_printf(arena,
                                    "software of measured kernels: %.*s; between chips that were measured with other "
                                    "libraries or at other dates (the h800: DeepSeek's of 2025) times differ by these, "
                                    "too, by some per cent",
                                    (int)strcspn(o->conditions, ";"), o->conditions);
    if (starts < many_starts_ratio)
        return text;
    return arena_printf(arena,
                        "%s; %.0f %% are starts of kernels, which libraries set and no faster chip shortens: with so "
                        "little work in each a newer chip may come out slower",
                        text, 100 * starts);
}
