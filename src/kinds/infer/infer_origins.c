/* A note on where the times of a step's kernels come from: measured on this chip, moved from another, a roofline. */
#include "kinds/infer/infer_origins.h"

#include <string.h>

#include "kinds/infer/infer_kernels.h"
#include "kinds/result_build.h"

enum { MOST = 24 };

struct origin {
    enum kernel_origin origin;
    const char *chip; /* "": tables in CSV, rooflines */
    bool pass;
    double time_s;
};

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

static void add(struct origin *list, size_t *n, struct origin one)
{
    size_t i = 0;
    while (i < *n && (list[i].origin != one.origin || list[i].pass != one.pass || strcmp(list[i].chip, one.chip)))
        i++;
    if (i == MOST)
        return;
    if (i == *n)
        list[(*n)++] = (struct origin){one.origin, one.chip, one.pass, 0};
    list[i].time_s += one.time_s;
}

static size_t origins_of(const struct infer_kernels *k, struct origin *list, double *all_s)
{
    size_t n = 0;
    *all_s = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        const struct infer_kernel *one = &k->list[i];
        double time_s = one->fixed ? 0 : infer_kernel_layers(one) * one->time.time_s;
        if (one->fixed)
            continue;
        *all_s += time_s;
        add(list, &n,
            (struct origin){one->time.origin, one->time.chip ? one->time.chip : "", kernel_is_pass(one->call.family),
                            time_s});
    }
    return n;
}

static const char *text_of(const struct origin *o, double all_s, struct arena *arena)
{
    const char *what = o->pass ? "passes over memory at shares of the bandwidth measured on the h800"
                               : arena_printf(arena, "%s %s", words_of(o->origin), *o->chip ? o->chip : "the h800");
    return arena_printf(arena, "%.0f %% %s", 100 * o->time_s / all_s, what);
}

void infer_note_origins(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    struct origin list[MOST];
    double all_s;
    size_t n = origins_of(&o->step.kernels, list, &all_s);
    bool fitted = false;
    const char *text = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *one = text_of(&list[i], all_s, run->arena);
        fitted |= *list[i].chip != '\0';
        text = text ? arena_printf(run->arena, "%s, %s", text, one) : one;
    }
    if (fitted)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena, "%stimes of kernels: %s", *prefix ? "prefill: " : "", text));
}
