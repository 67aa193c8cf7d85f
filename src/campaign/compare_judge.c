#include "campaign/compare_judge.h"

#include <math.h>
#include <string.h>

static const struct compare_tolerance *tolerance_of(const struct compare_options *o, const char *name)
{
    const struct compare_tolerance *fits = NULL;
    for (uint32_t i = 0; i < o->n_tolerances; i++)
        if (!o->tolerances[i].name || !strcmp(o->tolerances[i].name, name))
            fits = &o->tolerances[i];
    return fits;
}

bool compare_moved(const struct compare_options *o, const struct item *a, const struct item *b)
{
    double x = a->number, y = b->number, moved = fabs(x - y);
    const struct compare_tolerance *t = tolerance_of(o, a->name);
    if (isnan(x) || isnan(y))
        return isnan(x) != isnan(y);
    if (t && !isnan(t->absolute) && t->dim == a->dim)
        return moved > t->absolute;
    return x != y && (isinf(x) || moved > (t && isnan(t->absolute) ? t->ratio : o->tolerance) * fabs(x));
}

/* Rates that have no unit of their own, by how such metrics are named. */
static bool is_named_as_rate(const char *name)
{
    static const char *const parts[] = {"tokens_per", "per_day", "per_s",   "throughput",
                                        "goodput",    "mfu",     "speedup", "busbw"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

enum compare_better compare_better(const struct compare_options *o, const struct item *i)
{
    for (uint32_t k = 0; k < o->n_directions; k++)
        if (!strcmp(o->directions[k].name, i->name))
            return o->directions[k].better;
    if (is_named_as_rate(i->name))
        return COMPARE_HIGHER;
    switch (i->dim) {
    case DIM_TIME:
    case DIM_BYTES:
    case DIM_POWER:
    case DIM_ENERGY:
    case DIM_MONEY:
        return COMPARE_LOWER;
    case DIM_BANDWIDTH:
    case DIM_FLOPS:
        return COMPARE_HIGHER;
    default:
        return COMPARE_EITHER;
    }
}

bool compare_counts_as_worse(const struct compare_options *o, const struct item *a, const struct item *b)
{
    enum compare_better better = compare_better(o, a);
    if (!o->worse_only || better == COMPARE_EITHER || isnan(a->number) || isnan(b->number))
        return true;
    return better == COMPARE_LOWER ? b->number > a->number : b->number < a->number;
}
