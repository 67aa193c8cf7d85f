#include "hw/kernels/fitted.h"

#include <math.h>
#include <string.h>

#include "hw/kernels/kernel_like.h"
#include "hw/kernels/residual.h"

/* Nearer than that (octaves) to a measured point, a time is interpolated; the residual of points farther off fades. */
static const double reach = 1.5, same_place = 1e-9;

struct fitted {
    struct kernel here, there; /* constants for the model's chip; as they were measured */
    double rows;               /* that it was fitted to */
    bool moved, indexed, assumed;
    struct fitted *next; /* of those that are assumed */
};

/* A call that was answered. */
struct answered {
    struct kernel_call call;
    struct kernel_time time;
};

struct fitted_kernels {
    struct fitted *list;                 /* by family, those of the first folder first */
    uint32_t first[KERNEL_FAMILIES + 1]; /* of each family in it */
    struct kernel_device here;
    struct arena *arena;
    struct fitted *assumed;   /* kernels of libraries that nobody measured; one for each library and number format */
    struct answered *answers; /* open addressing, at most half of ANSWERS; NULL: none yet */
    uint64_t *hashes;         /* of the answers; 0: a free place */
    uint32_t n_answers;
};

/* --- building ------------------------------------------------------------------------------------------------- */

static bool same_device(const struct kernel_device *a, const struct kernel_device *b)
{
    for (const struct kernel_figure *g = kernel_figures; g->name; g++) {
        double one = *kernel_figure_at((struct kernel_device *)a, g);
        double other = *kernel_figure_at((struct kernel_device *)b, g);
        if (fabs(one - other) > 1e-5 * fabs(one))
            return false;
    }
    return true;
}

static struct fitted fit_for(const struct kernel *k, const struct kernel_device *here)
{
    struct fitted one = {.here = *k, .there = *k, .moved = !same_device(here, &k->measured)};
    const struct kernel_constant *c = kernel_mechanism_of(k->family)->constants;
    for (size_t i = 0; c[i].name; i++)
        if (c[i].moves == MOVES_BY_CLOCK)
            one.here.constants[i] *= k->measured.clock_Hz / here->clock_Hz;
    for (uint32_t i = 0; i < k->n_rows; i++)
        one.rows += k->rows[i].weight;
    return one;
}

struct fitted_kernels *fitted_new(const struct kernel_model *m, const struct kernel_table *table, struct arena *arena)
{
    if (!table || !table->n_kernels)
        return NULL;
    struct fitted_kernels *f = ARENA_NEW(arena, struct fitted_kernels);
    *f = (struct fitted_kernels){.here = kernel_device_of(&m->chip), .arena = arena};
    f->list = ARENA_ARRAY(arena, struct fitted, table->n_kernels);
    for (int family = 0; family < KERNEL_FAMILIES; family++) {
        uint32_t n = f->first[family];
        for (uint32_t i = 0; i < table->n_kernels; i++)
            if (table->kernels[i].family == (enum kernel_family)family)
                f->list[n++] = fit_for(&table->kernels[i], &f->here);
        f->first[family + 1] = n;
    }
    return f;
}

/* --- looking up ------------------------------------------------------------------------------------------------ */

static bool is_named(const struct fitted *k, const char *library)
{
    return library && k->here.library && !strcmp(library, k->here.library);
}

static bool other_chip(const struct fitted *a, const struct fitted *b)
{
    return strcmp(a->here.chip, b->here.chip) != 0;
}

/* How far a kernel's part is from the call's, octaves. */
static double part_distance(const struct fitted *k, double part)
{
    return part > 0 && k->here.part > 0 ? fabs(log2(part / k->here.part)) : 0;
}

/* A cache in FP8 that a library casts for want of tensor cores that take FP8 with its scales: on a chip that has these no
 * kernel would, so that one for a cache in BF16 says more. */
static bool casts_needlessly(const struct fitted_kernels *f, const struct fitted *k)
{
    const struct kernel *was = &k->there;
    const struct kernel_mechanism *m = kernel_mechanism_of(was->family);
    return was->fp8_cache && f->here.stays_in_core > was->measured.stays_in_core && m->has &&
           m->has("cast_passes", was->dtype, was->variant);
}

/* How well a kernel suits a call: its number formats, its library if the call names one, its part. */
struct rank {
    int likeness;
    bool named;
    double part;
};

static struct rank rank_of(const struct fitted_kernels *f, const struct fitted *k, const struct kernel_call *call,
                           double part)
{
    int likeness = kernel_likeness(&k->here, call);
    return (struct rank){likeness == KERNEL_UNLIKE ? likeness : likeness + (casts_needlessly(f, k) ? 2 : 0),
                         is_named(k, call->library), part_distance(k, part)};
}

/* Whether `k` suits better than `best`: then the chip whose folder stands first, the kernel that most measured rows are of. */
static bool suits_better(const struct fitted *k, struct rank r, const struct fitted *best, struct rank of_best)
{
    if (!best)
        return true;
    if (r.likeness != of_best.likeness)
        return r.likeness < of_best.likeness;
    if (r.named != of_best.named)
        return r.named;
    if (other_chip(k, best))
        return false;
    return r.part != of_best.part ? r.part < of_best.part : k->rows > best->rows;
}

static struct fitted *choose_measured(struct fitted_kernels *f, const struct kernel_call *call)
{
    struct fitted *best = NULL;
    struct rank of_best = {0};
    double part = kernel_part(call);
    for (uint32_t i = f->first[call->family]; i < f->first[call->family + 1]; i++) {
        struct rank r = rank_of(f, &f->list[i], call, part);
        if (r.likeness == KERNEL_UNLIKE || !suits_better(&f->list[i], r, best, of_best))
            continue;
        best = &f->list[i];
        of_best = r;
    }
    return best;
}

static struct fitted *assume(struct fitted_kernels *f, const struct kernel_call *call)
{
    struct kernel_call product = {.family = KERNEL_GEMM, .dtype = call->dtype};
    struct fitted *gemm = choose_measured(f, &product), *one;
    struct kernel k;
    for (one = f->assumed; one; one = one->next)
        if (is_named(one, call->library) && one->here.dtype == call->dtype && one->here.family == call->family)
            return one;
    if (!gemm || gemm->here.dtype != call->dtype ||
        !kernel_mechanism_of(call->family)->assume(&gemm->there, call->library, &k))
        return NULL;
    one = ARENA_NEW(f->arena, struct fitted);
    *one = fit_for(&k, &f->here);
    one->assumed = true;
    one->next = f->assumed;
    return f->assumed = one;
}

/* Of a library that the call names and nobody measured, the mechanism may know more than another library's kernel tells. */
static struct fitted *choose(struct fitted_kernels *f, const struct kernel_call *call)
{
    struct fitted *best = choose_measured(f, call);
    bool unknown = call->library && !(best && is_named(best, call->library));
    struct fitted *assumed = unknown && kernel_mechanism_of(call->family)->assume ? assume(f, call) : NULL;
    return assumed ? assumed : best;
}

/* Gradients of weights were measured on Hopper only, where CUDA cores multiply both operands' scales: its roofline says more of
 * them there. Tensor cores that scale by themselves do them as they do other products. */
static bool tells_wgrad(const struct fitted_kernels *f, const struct fitted *k)
{
    return f->here.stays_in_core > 0 && k->there.measured.stays_in_core > 0;
}

/* The kernel for a call, which it turns into one of the kernel's family. */
static struct fitted *find(struct fitted_kernels *f, struct kernel_call *call)
{
    struct kernel_call forms[KERNEL_MOST_FORMS];
    int n = kernel_forms(call, forms);
    for (int i = 0; i < n; i++) {
        struct fitted *k = choose(f, &forms[i]);
        if (!k || (call->family == KERNEL_WGRAD && !tells_wgrad(f, k)))
            continue;
        *call = forms[i];
        return k;
    }
    return NULL;
}

/* Points are looked at when the first call comes: a run uses few of a chip's kernels. */
static void index_points(struct fitted_kernels *f, struct fitted *k)
{
    if (!k->indexed)
        kernel_index_points(&k->there, &k->there.measured, f->arena);
    k->indexed = true;
}

/* A grouped GEMM by constants that were fitted to pairs of them with what lies between, or a gradient of weights by those of
 * products that write BF16: their points say nothing of it. */
static bool is_part(const struct kernel_call *call)
{
    return call->written_B > 0 ||
           ((call->family == KERNEL_MOE_CONTIGUOUS || call->family == KERNEL_MOE_MASKED) && call->experts <= 0);
}

static enum kernel_origin origin_of(const struct fitted_kernels *f, const struct fitted *k,
                                    const struct kernel_call *call, double distance)
{
    if (k->assumed || kernel_likeness(&k->here, call) > 0)
        return KERNEL_FROM_RELATED;
    if (k->moved || device_sms(&f->here, call) != k->there.measured.sms)
        return KERNEL_FROM_SCALING;
    if (distance > reach || is_part(call))
        return KERNEL_FROM_FIT;
    return distance < same_place ? KERNEL_FROM_POINT : KERNEL_FROM_INTERPOLATION;
}

static double tensor_share(const struct kernel_time *t)
{
    double both_s = t->tensor_s + t->memory_s;
    return both_s > 0 ? t->tensor_s / both_s : 0;
}

/* How much of a residual moves along: what a kernel's points say where memory bounds it says little where tensor cores do. */
static double moves_along(const struct fitted *k, const struct kernel_call *call, const struct kernel_time *here)
{
    struct kernel_time there = {0};
    if (!k->moved)
        return 1;
    kernel_mechanism_time(&k->there, &k->there.measured, call, &there);
    return fmax(0, 1 - 2 * fabs(tensor_share(here) - tensor_share(&there)));
}

/* Points say nothing of other number formats. */
static void add_residual(const struct fitted_kernels *f, const struct fitted *k, const struct kernel_call *call,
                         struct kernel_time *t)
{
    double x[KERNEL_MAX_AXES];
    kernel_mechanism_of(call->family)->axes(call, x);
    struct residual_answer a = residual_at(k->there.residuals, x);
    t->origin = origin_of(f, k, call, a.distance);
    double residual = t->origin == KERNEL_FROM_RELATED || is_part(call) ? 0
                      : a.distance < same_place                         ? a.nearest
                                                                        : a.value;
    t->residual_ratio = exp(residual * moves_along(k, call, t));
    t->time_s = t->mechanism_s * t->residual_ratio;
    t->source = k->there.source;
    t->library = k->there.library;
    t->chip = k->there.chip;
    t->conditions = k->there.conditions;
    t->folder = k->there.folder;
}

static bool look_up(struct fitted_kernels *f, const struct kernel_call *asked, struct kernel_time *t)
{
    struct kernel_call call = *asked;
    struct fitted *k = find(f, &call);
    if (!k)
        return false;
    index_points(f, k);
    *t = (struct kernel_time){.flop = kernel_flop(asked), .bytes_B = kernel_bytes_B(asked)};
    kernel_mechanism_time(&k->here, &f->here, &call, t);
    t->roofline_s = t->mechanism_s;
    add_residual(f, k, &call, t);
    return true;
}

/* --- asked again and again ------------------------------------------------------------------------------------- */

/* Layers, micro-batches and steps ask for the same few hundred calls over and over. */
enum { ANSWERS = 1 << 13 };

/* Of all bytes; those between members differ at worst, and then a call is looked up anew. */
static uint64_t hash_of(const struct kernel_call *call)
{
    uint64_t words[sizeof *call / sizeof(uint64_t)], hash = 0;
    memcpy(words, call, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = (hash ^ words[i]) * 0x9fb21c651e98df25u, hash ^= hash >> 29;
    return hash | 1;
}

static size_t place_of(struct fitted_kernels *f, const struct kernel_call *call, uint64_t hash)
{
    size_t at = (size_t)(hash >> 20) & (ANSWERS - 1);
    if (!f->answers) {
        f->answers = ARENA_ARRAY(f->arena, struct answered, ANSWERS);
        f->hashes = ARENA_ARRAY(f->arena, uint64_t, ANSWERS);
    }
    while (f->hashes[at] && (f->hashes[at] != hash || memcmp(&f->answers[at].call, call, sizeof *call) != 0))
        at = (at + 1) & (ANSWERS - 1);
    return at;
}

/* When many are kept all are forgotten: what is asked often comes back soon. */
static void keep(struct fitted_kernels *f, const struct kernel_call *call, uint64_t hash, const struct kernel_time *t)
{
    if (2 * ++f->n_answers >= ANSWERS) {
        memset(f->hashes, 0, ANSWERS * sizeof *f->hashes);
        f->n_answers = 1;
    }
    size_t at = place_of(f, call, hash);
    memcpy(&f->answers[at].call, call, sizeof *call);
    f->answers[at].time = *t;
    f->hashes[at] = hash;
}

bool fitted_time(struct fitted_kernels *f, const struct kernel_call *asked, struct kernel_time *t)
{
    if (!f)
        return false;
    if (asked->rows || asked->plan) /* may change behind the pointer */
        return look_up(f, asked, t);
    uint64_t hash = hash_of(asked);
    size_t at = place_of(f, asked, hash);
    if (f->hashes[at])
        *t = f->answers[at].time;
    else if (!look_up(f, asked, t))
        return false;
    else
        keep(f, asked, hash, t);
    return true;
}

double fitted_mechanism_s(struct fitted_kernels *f, const struct hw_chip *chip, const struct kernel_call *asked)
{
    struct kernel_call call = *asked;
    const struct fitted *k = f ? find(f, &call) : NULL;
    struct kernel_device on = kernel_device_of(chip);
    struct kernel_time t = {0};
    if (k)
        kernel_mechanism_time(&k->here, &on, &call, &t);
    return t.mechanism_s;
}
