#include "hw/kernels/fitted.h"

#include <math.h>
#include <string.h>

#include "hw/kernels/residual.h"

/* Nearer than that (octaves) to a measured point, a time is interpolated; the residual of points farther off fades. */
static const double reach = 1.5, same_place = 1e-9;

struct fitted {
    struct kernel here, there; /* constants for the model's chip; as they were measured */
    double rows;               /* that it was fitted to */
    bool indexed;
};

struct fitted_kernels {
    struct fitted *list;
    uint32_t n;
    struct kernel_device here, there;
    bool moved;
    struct arena *arena;
};

/* --- building ------------------------------------------------------------------------------------------------- */

static bool same_device(const struct kernel_device *a, const struct kernel_device *b)
{
    return a->sms == b->sms && a->clock_Hz == b->clock_Hz && a->memory_Bps == b->memory_Bps &&
           a->bf16_flops == b->bf16_flops && a->fp8_flops == b->fp8_flops && a->fp4_flops == b->fp4_flops &&
           a->stays_in_core == b->stays_in_core;
}

static struct fitted fit_for(const struct kernel *k, const struct fitted_kernels *f)
{
    struct fitted one = {.here = *k, .there = *k};
    const struct kernel_constant *c = kernel_mechanism_of(k->family)->constants;
    for (size_t i = 0; c[i].name; i++)
        if (c[i].moves == MOVES_BY_CLOCK)
            one.here.constants[i] *= f->there.clock_Hz / f->here.clock_Hz;
    for (uint32_t i = 0; i < k->n_rows; i++)
        one.rows += k->rows[i].weight;
    return one;
}

struct fitted_kernels *fitted_new(const struct kernel_model *m, const struct kernel_table *table, struct arena *arena)
{
    if (!table || !table->n_kernels)
        return NULL;
    struct fitted_kernels *f = ARENA_NEW(arena, struct fitted_kernels);
    *f = (struct fitted_kernels){
        .here = kernel_device_here(&m->chip, &m->cfg), .there = kernel_device_measured(&m->cfg), .arena = arena};
    f->moved = !same_device(&f->here, &f->there);
    f->n = table->n_kernels;
    f->list = ARENA_ARRAY(arena, struct fitted, f->n);
    for (uint32_t i = 0; i < f->n; i++)
        f->list[i] = fit_for(&table->kernels[i], f);
    return f;
}

/* --- looking up ------------------------------------------------------------------------------------------------ */

static bool is_named(const struct fitted *k, const char *library)
{
    return library && k->here.library && !strcmp(library, k->here.library);
}

/* How far a kernel's part is from the call's, octaves. */
static double part_distance(const struct fitted *k, double part)
{
    return part > 0 && k->here.part > 0 ? fabs(log2(part / k->here.part)) : 0;
}

/* The kernel of the call's part, or the nearest; of that name if there is one, else the one that most measured rows are
 * of. */
static struct fitted *choose(struct fitted_kernels *f, const struct kernel_call *call)
{
    struct fitted *best = NULL;
    double part = kernel_part(call);
    for (uint32_t i = 0; i < f->n; i++) {
        struct fitted *k = &f->list[i];
        if (!kernel_is_for(&k->here, call))
            continue;
        double nearer = best ? part_distance(best, part) - part_distance(k, part) : INFINITY;
        bool named = is_named(k, call->library), best_named = best && is_named(best, call->library);
        if (named != best_named ? named : nearer != 0 ? nearer > 0 : k->rows > best->rows)
            best = k;
    }
    return best;
}

/* Points are looked at when the first call comes: a run uses few of a chip's kernels. */
static void index_points(struct fitted_kernels *f, struct fitted *k)
{
    if (!k->indexed)
        kernel_index_points(&k->there, &f->there, f->arena);
    k->indexed = true;
}

static void add_residual(const struct fitted_kernels *f, const struct fitted *k, const struct kernel_call *call,
                         struct kernel_time *t)
{
    double x[KERNEL_MAX_AXES];
    kernel_mechanism_of(call->family)->axes(call, x);
    struct residual_answer a = residual_at(k->there.residuals, x);
    bool point = a.distance < same_place;
    t->residual_ratio = exp(point ? a.nearest : a.value);
    t->time_s = t->mechanism_s * t->residual_ratio;
    t->origin = a.distance > reach                                       ? KERNEL_FROM_FIT
                : f->moved || device_sms(&f->here, call) != f->there.sms ? KERNEL_FROM_SCALING
                : point                                                  ? KERNEL_FROM_POINT
                                                                         : KERNEL_FROM_INTERPOLATION;
    t->source = k->there.source;
    t->library = k->there.library;
}

bool fitted_time(struct fitted_kernels *f, const struct kernel_call *call, struct kernel_time *t)
{
    struct fitted *k = f ? choose(f, call) : NULL;
    if (!k)
        return false;
    index_points(f, k);
    *t = (struct kernel_time){.flop = kernel_flop(call), .bytes_B = kernel_bytes_B(call)};
    kernel_mechanism_time(&k->here, &f->here, call, t);
    t->roofline_s = t->mechanism_s;
    add_residual(f, k, call, t);
    return true;
}
