#include "hw/kernels/kernel_doubts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

/* --- repeats --------------------------------------------------------------------------------------------------------- */

struct keyed {
    uint64_t key;
    const struct kernel_row *row;
};

static uint64_t key_of(const struct kernel_row *row)
{
    uint64_t key = kernel_hash(kernel_hash(row->call.family, row->call.dtype), row->call.fp8_cache);
    for (const char *c = row->library; c && *c; c++)
        key = kernel_hash(key, (unsigned char)*c);
    for (const char *const *name = kernel_mechanism_of(row->call.family)->members; *name; name++)
        key = kernel_hash(key, *kernel_member_at((struct kernel_call *)&row->call, kernel_member_named(*name)));
    return key;
}

static int by_key_and_place(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

struct kernel_repeats kernel_find_repeats(const struct kernel_row *rows, uint32_t n, struct arena *arena)
{
    struct keyed *keyed = ARENA_ARRAY(arena, struct keyed, n + 1);
    struct kernel_repeats r = {.most = 1};
    for (uint32_t i = 0; i < n; i++)
        keyed[i] = (struct keyed){key_of(&rows[i]), &rows[i]};
    qsort(keyed, n, sizeof *keyed, by_key_and_place);
    for (uint32_t i = 1; i < n; i++) {
        double a = keyed[i - 1].row->time_s, b = keyed[i].row->time_s, ratio = fmax(a, b) / fmin(a, b);
        if (keyed[i].key != keyed[i - 1].key || a == b)
            continue;
        r.n++;
        if (ratio <= r.most)
            continue;
        r.most = ratio;
        r.first = keyed[i - 1].row;
        r.again = keyed[i].row;
    }
    return r;
}

/* --- units ------------------------------------------------------------------------------------------------------------- */

static struct kernel unfitted(const struct kernel_row *row, const struct kernel_device *on)
{
    struct kernel k = kernel_of(&row->call, row->library, on);
    const struct kernel_mechanism *m = kernel_mechanism_of(k.family);
    while (m->offers && m->variants[k.variant + 1] && !m->offers(k.variant, k.dtype, k.library))
        k.variant++;
    for (size_t i = 0; m->constants[i].name; i++)
        k.constants[i] = !m->has || m->has(m->constants[i].name, k.dtype, k.variant) ? m->constants[i].first : 0;
    return k;
}

double kernel_times_ratio(const struct kernel_row *rows, uint32_t n, const struct kernel_device *on,
                          struct arena *arena)
{
    enum { MOST_ROWS = 500 };
    double *ratios = ARENA_ARRAY(arena, double, MOST_ROWS + 1);
    uint32_t step = n / MOST_ROWS + 1, used = 0;
    for (uint32_t i = 0; i < n && used < MOST_ROWS; i += step) {
        struct kernel k = unfitted(&rows[i], on);
        struct kernel_time t = {0};
        kernel_mechanism_time(&k, on, &rows[i].call, &t);
        ratios[used++] = rows[i].time_s / t.mechanism_s;
    }
    return used ? stats_quantile(ratios, used, 0.5) : NAN;
}
