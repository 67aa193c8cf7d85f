/* Loads of experts, given or as a benchmark draws them.
 *
 * aiconfigurator's benchmark (collector/helper.py): each expert's share is drawn from a power law between 1 and 0.8 times the
 * tokens (0.01 and 2 for few tokens), scaled to tokens times top-k, rounded, at most the tokens. Experts lie on ranks as they
 * were drawn; the rank with the most rows is measured. Here the shares are the law's quantiles; which ranks they fall on is
 * drawn a few times (Philox), and the draw in the middle is taken. Balanced: tokens go round the experts in strides, and the
 * first rank is measured. */
#include "hw/kernels/moe_load.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/rng.h"

enum { MAX_EXPERTS = 4096, DRAWS = 9 };

const double moe_heights[MOE_HEIGHTS] = {8, 16, 32, 64, 128};

static struct moe_load sum_up(const double *rows, uint32_t n)
{
    struct moe_load l = {.rows = 0};
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i] <= 0)
            continue;
        l.rows += rows[i];
        l.active++;
        l.most = fmax(l.most, rows[i]);
        for (int h = 0; h < MOE_HEIGHTS; h++)
            l.tiles[h] += ceil(rows[i] / moe_heights[h]);
    }
    return l;
}

/* --- drawn ------------------------------------------------------------------------------------------------------- */

static void draw_shares(const struct kernel_call *call, uint32_t n, double *rows)
{
    bool many = call->batch * call->top_k > call->experts;
    double low = many ? 1 : 0.01, high = many ? fmax(1.01, 0.8 * call->batch) : 2, power = 1 - call->skew, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double u = (i + 0.5) / n;
        rows[i] = pow((pow(high, power) - pow(low, power)) * u + pow(low, power), 1 / power);
        sum += rows[i];
    }
    for (uint32_t i = 0; i < n; i++)
        rows[i] = fmin(call->batch, round(rows[i] / sum * call->batch * call->top_k));
}

/* What rounding and the limit took or gave: to the least of them, or from the most. Rows are ascending. */
static void mend_sum(const struct kernel_call *call, uint32_t n, double *rows)
{
    double missing = call->batch * call->top_k;
    for (uint32_t i = 0; i < n; i++)
        missing -= rows[i];
    for (uint32_t i = 0; missing >= 1 && n; i = (i + 1) % n) {
        double most = fmax(1, floor(missing / n)), more = fmin(most, call->batch - rows[i]);
        rows[i] += more;
        missing -= more;
    }
    for (uint32_t i = n; missing <= -1 && i-- > 0;) {
        double less = fmin(rows[i], -missing);
        rows[i] -= less;
        missing += less;
    }
}

/* The fullest rank's rows to the front of `rows`; how many it has. */
static double fullest_rank(double *rows, uint32_t n, uint32_t ranks)
{
    uint32_t each = n / ranks, best = 0;
    double most = -1;
    for (uint32_t r = 0; r < ranks; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < each; i++)
            sum += rows[r * each + i];
        if (sum > most)
            most = sum, best = r;
    }
    memmove(rows, rows + best * each, each * sizeof *rows);
    return most;
}

struct drawn {
    double most;
    struct moe_load load;
};

static int by_most(const void *a, const void *b)
{
    double x = ((const struct drawn *)a)->most, y = ((const struct drawn *)b)->most;
    return (x > y) - (x < y);
}

static struct moe_load draw_rank(const double *rows, uint32_t n, uint32_t ranks)
{
    static double mixed[MAX_EXPERTS];
    struct drawn draws[DRAWS];
    gsl_rng *rng = rng_stream(1, n, "experts on ranks");
    for (int d = 0; d < DRAWS; d++) {
        memcpy(mixed, rows, n * sizeof *rows);
        gsl_ran_shuffle(rng, mixed, n, sizeof *mixed);
        draws[d].most = fullest_rank(mixed, n, ranks);
        draws[d].load = sum_up(mixed, n / ranks);
    }
    gsl_rng_free(rng);
    qsort(draws, DRAWS, sizeof *draws, by_most);
    return draws[DRAWS / 2].load;
}

/* Token t goes to experts t, t + stride, t + 2 stride ...; few tokens are spread over a stride. */
static void spread_evenly(const struct kernel_call *call, uint32_t n, double *rows)
{
    double stride = ceil(n / call->top_k);
    memset(rows, 0, n * sizeof *rows);
    for (double j = 0; j < call->top_k; j++) {
        double rest = fmod(call->batch, n);
        for (uint32_t i = 0; i < n && call->batch >= stride; i++)
            rows[i] += floor(call->batch / n) + (fmod(i + n - fmod(j * stride, n), n) < rest ? 1 : 0);
        for (double t = 0; t < call->batch && call->batch < stride; t++)
            rows[(uint32_t)fmod(floor(t * stride / call->batch + j * stride), n)]++;
    }
}

static struct moe_load draw(const struct kernel_call *call)
{
    static double rows[MAX_EXPERTS];
    uint32_t n = (uint32_t)fmin(call->experts, MAX_EXPERTS), ranks = (uint32_t)fmax(1, call->ranks);
    if (call->skew <= 0) {
        spread_evenly(call, n, rows);
        return sum_up(rows, n / ranks);
    }
    draw_shares(call, n, rows);
    mend_sum(call, n, rows);
    return ranks > 1 ? draw_rank(rows, n, ranks) : sum_up(rows, n);
}

/* --- asked again and again ---------------------------------------------------------------------------------------- */

struct kept {
    double numbers[5]; /* batch, top_k, experts, ranks, skew; batch is never 0 in a place that is taken */
    struct moe_load load;
};

/* Draws that were made, by open addressing; at most half full. */
static struct {
    struct kept *places;
    size_t room, n;
} memory;

static struct kept *place_of(const double *numbers)
{
    uint64_t hash = 0;
    for (int i = 0; i < 5; i++)
        hash = kernel_hash(hash, numbers[i]);
    size_t at = (size_t)hash & (memory.room - 1);
    while (memory.places[at].numbers[0] > 0 &&
           memcmp(memory.places[at].numbers, numbers, sizeof memory.places[at].numbers) != 0)
        at = (at + 1) & (memory.room - 1);
    return &memory.places[at];
}

static void make_room(void)
{
    struct kept *old = memory.places;
    size_t n = memory.room;
    memory.room = n ? 2 * n : 1024;
    memory.places = checked_alloc(calloc(memory.room, sizeof *memory.places));
    for (size_t i = 0; i < n; i++)
        if (old[i].numbers[0] > 0)
            *place_of(old[i].numbers) = old[i];
    free(old);
}

static struct moe_load kept_draw(const struct kernel_call *call)
{
    const double numbers[] = {call->batch, call->top_k, call->experts, call->ranks, call->skew};
    if (2 * memory.n >= memory.room)
        make_room();
    struct kept *place = place_of(numbers);
    if (place->numbers[0] <= 0) {
        memcpy(place->numbers, numbers, sizeof numbers);
        place->load = draw(call);
        memory.n++;
    }
    return place->load;
}

struct moe_load moe_load_of(const struct kernel_call *call)
{
    uint32_t n = call->groups ? call->groups : 1;
    if (call->experts > 0)
        return kept_draw(call);
    if (call->rows)
        return sum_up(call->rows, n);
    struct moe_load l = sum_up(&call->m, 1);
    l.rows *= n;
    l.active *= n;
    for (int h = 0; h < MOE_HEIGHTS; h++)
        l.tiles[h] *= n;
    return l;
}

const char *moe_read_skew(const char *text, double *skew)
{
    static const char law[] = "power_law_";
    char *end;
    *skew = 0;
    if (!strcmp(text, "balanced") || !strcmp(text, "uniform"))
        return NULL;
    bool is_law = !strncmp(text, law, sizeof law - 1);
    *skew = is_law ? strtod(text + sizeof law - 1, &end) : 0;
    if (is_law && end != text + sizeof law - 1 && !*end && *skew > 0)
        return NULL;
    return "unknown distribution; there are balanced, uniform and power_law_1.2 (or another exponent)";
}
