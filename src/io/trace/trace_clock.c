/* One clock for the traces of several ranks. Hosts' clocks differ; a collective that everyone both gives and takes ends
 * on all its ranks at about the same time. Starting from the first rank, each other's clock is set so that half of the
 * calls that it has in common with ranks that are set end before theirs, and half after. */
#include <math.h>
#include <stdlib.h>

#include "io/trace/trace_set_priv.h"

struct samples {
    double *value;
    uint32_t n, cap;
};

static void add_sample(struct samples *s, double value)
{
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 16;
        s->value = checked_alloc(realloc(s->value, s->cap * sizeof *s->value));
    }
    s->value[s->n++] = value;
}

static int by_value(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return (a > b) - (a < b);
}

static double median(struct samples *s)
{
    qsort(s->value, s->n, sizeof *s->value, by_value);
    return (s->value[(s->n - 1) / 2] + s->value[s->n / 2]) / 2;
}

/* Whether all ranks leave the call at the same time: the sender of a broadcast may go before the others. */
static bool ends_together(const struct trace_set *set, const struct trace_call *c)
{
    const struct trace_call_member *m = &set->members[c->first];
    const struct trace *t = set->traces[m->trace];
    uint32_t message = t->kernels[m->kernel].message;

    if (message == TRACE_NONE)
        return true; /* DeepEP's */
    switch (t->messages[message].operation) {
    case OPERATION_BROADCAST:
    case OPERATION_REDUCE:
    case OPERATION_GATHER:
    case OPERATION_SCATTER:
    case OPERATION_SEND:
    case OPERATION_RECV:
        return false;
    default:
        return true;
    }
}

/* The mean end of the call's members whose clock is set; NaN: there are none. */
static double mean_end_s(const struct trace_set *set, const struct trace_call *c, const bool *is_set)
{
    double sum_s = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n; i++) {
        const struct trace_call_member *m = &set->members[c->first + i];
        if (!is_set[m->trace])
            continue;
        sum_s += trace_set_end_s(set, m);
        n++;
    }
    return n ? sum_s / n : NAN;
}

/* What is to be added to each clock that is not set, by each of its calls with ranks that are. */
static void gather(const struct trace_set *set, const bool *is_set, bool together, struct samples *samples)
{
    for (uint32_t c = 0; c < set->n_calls; c++) {
        const struct trace_call *call = &set->calls[c];
        double end_s = together == ends_together(set, call) ? mean_end_s(set, call, is_set) : NAN;
        for (uint32_t i = 0; i < call->n && !isnan(end_s); i++) {
            const struct trace_call_member *m = &set->members[call->first + i];
            if (!is_set[m->trace])
                add_sample(&samples[m->trace], end_s - trace_set_end_s(set, m));
        }
    }
}

/* Sets those that have calls in common with the ones that are set; how many. */
static uint32_t set_neighbours(struct trace_set *set, bool *is_set, bool together)
{
    struct samples *samples = checked_alloc(calloc(set->n, sizeof *samples));
    uint32_t n = 0;

    gather(set, is_set, together, samples);
    for (uint32_t t = 0; t < set->n; t++) {
        if (samples[t].n) {
            set->clocks[t].origin_s += median(&samples[t]);
            is_set[t] = true;
            n++;
        }
        free(samples[t].value);
    }
    free(samples);
    return n;
}

/* How far each rank's ends are from the mean of the others'. */
static void measure_spread(struct trace_set *set, const bool *is_set)
{
    struct samples *samples = checked_alloc(calloc(set->n, sizeof *samples));

    for (uint32_t c = 0; c < set->n_calls; c++) {
        const struct trace_call *call = &set->calls[c];
        double end_s = mean_end_s(set, call, is_set), others = (double)call->n / (call->n - 1);
        for (uint32_t i = 0; i < call->n; i++) {
            const struct trace_call_member *m = &set->members[call->first + i];
            set->clocks[m->trace].n_common++;
            if (ends_together(set, call))
                add_sample(&samples[m->trace], fabs(trace_set_end_s(set, m) - end_s) * others);
        }
    }
    for (uint32_t t = 0; t < set->n; t++) {
        set->clocks[t].spread_s = samples[t].n ? median(&samples[t]) : NAN;
        free(samples[t].value);
    }
    free(samples);
}

/* The earliest trace begins at 0. */
static void begin_at_zero(struct trace_set *set)
{
    double first_s = INFINITY;

    for (uint32_t t = 0; t < set->n; t++)
        first_s = fmin(first_s, set->clocks[t].origin_s);
    for (uint32_t t = 0; t < set->n; t++)
        set->clocks[t].origin_s -= first_s;
}

static void compare_with_files(struct trace_set *set)
{
    for (uint32_t t = 0; t < set->n; t++)
        set->clocks[t].ahead_s =
            (set->traces[t]->clock_s - set->traces[0]->clock_s) - (set->clocks[t].origin_s - set->clocks[0].origin_s);
}

static int check_all_set(const struct trace_set *set, const struct trace_of_rank *ranks, const bool *is_set,
                         struct diag *diag)
{
    for (uint32_t t = 0; t < set->n; t++)
        if (!is_set[t]) {
            diag_error(
                diag, EXIT_BAD_INPUT, SRCLOC_FILE(ranks[t].file),
                "rank %d has no call of a collective in common with rank %d or those that have: its clock cannot "
                "be set by theirs (joined are calls whose group is in the files, by number)",
                set->traces[t]->rank, set->traces[0]->rank);
            return -1;
        }
    return 0;
}

int trace_clocks_set(struct trace_set *set, const struct trace_of_rank *ranks, struct arena *arena, struct diag *diag)
{
    bool *is_set = ARENA_ARRAY(arena, bool, set->n);

    for (uint32_t t = 0; t < set->n; t++) {
        is_set[t] = !t || !isnan(ranks[t].origin_s);
        set->clocks[t].origin_s = isnan(ranks[t].origin_s) ? 0 : ranks[t].origin_s;
    }
    while (set_neighbours(set, is_set, true) || set_neighbours(set, is_set, false))
        ;
    if (check_all_set(set, ranks, is_set, diag))
        return -1;
    begin_at_zero(set);
    compare_with_files(set);
    measure_spread(set, is_set);
    return 0;
}
