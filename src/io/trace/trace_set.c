/* Joining the traces of several ranks. */
#include "io/trace/trace_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/trace/trace_set_priv.h"

const char *const trace_unjoined_names[N_UNJOINED] = {
    "joined",
    "whom kernels of its class wait for is in no profile",
    "to or from whom it goes is not in the file",
    "no other rank of it is recorded",
    "ranks hold different numbers of calls, which the files do not number",
    "it had ended before another rank began",
};

/* Calls that do not overlap, of so many, are no coincidence any more. */
enum { FEWEST_CALLS = 4 };

static int by_rank(const void *pa, const void *pb)
{
    const struct trace_of_rank *a = pa, *b = pb;

    return (a->trace->rank > b->trace->rank) - (a->trace->rank < b->trace->rank);
}

static int refuse(const struct trace_of_rank *r, struct diag *diag, const char *why)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->file), "%s", why);
    return -1;
}

static int check_ranks(const struct trace_of_rank *r, uint32_t n, struct arena *arena, struct diag *diag)
{
    int32_t world = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct trace *t = r[i].trace;
        if (i && t->rank == r[i - 1].trace->rank)
            return refuse(
                &r[i], diag,
                arena_printf(arena, "rank %d is in %s, too; a run has one file of each rank", t->rank, r[i - 1].file));
        if (t->world_size && world && t->world_size != world)
            return refuse(&r[i], diag,
                          arena_printf(arena, "rank %d is of a run of %d ranks, the others are of %d: not one run",
                                       t->rank, t->world_size, world));
        world = t->world_size ? t->world_size : world;
        if (n > 1 && world && t->rank >= world)
            return refuse(&r[i], diag, arena_printf(arena, "rank %d of %d ranks", t->rank, world));
    }
    return 0;
}

/* Takes out members that had ended before the last one began. */
static uint32_t part_with_early(struct trace_set *set, struct trace_call *c)
{
    uint32_t kept = 0, n = c->n;

    c->last_start_s = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        c->last_start_s = fmax(c->last_start_s, trace_set_start_s(set, &set->members[c->first + i]));
    for (uint32_t i = 0; i < n; i++) {
        struct trace_call_member m = set->members[c->first + i];
        if (trace_set_end_s(set, &m) > c->last_start_s) {
            set->members[c->first + kept++] = m;
            continue;
        }
        set->call_of[m.trace][m.kernel] = TRACE_NONE;
        set->unjoined[m.trace][m.kernel] = ENDED_BEFORE;
    }
    c->n = kept;
    return n - kept;
}

/* A call of which one member is left is none. */
static void drop_single(struct trace_set *set)
{
    uint32_t kept = 0;

    for (uint32_t c = 0; c < set->n_calls; c++) {
        struct trace_call call = set->calls[c];
        bool single = call.n < 2;
        for (uint32_t i = 0; i < call.n; i++) {
            const struct trace_call_member *m = &set->members[call.first + i];
            set->call_of[m->trace][m->kernel] = single ? TRACE_NONE : kept;
            if (single)
                set->unjoined[m->trace][m->kernel] = NOBODY_ELSE;
        }
        if (!single)
            set->calls[kept++] = call;
    }
    set->n_calls = kept;
}

/* Kernels of calls that do not overlap: some, where files drop some; not most, and few where the calls are assumed. */
static int check_overlap(const struct trace_set *set, const struct trace_of_rank *r, const uint32_t early[2],
                         const uint32_t all[2], struct arena *arena, struct diag *diag)
{
    if (all[0] >= FEWEST_CALLS && early[0] > all[0] / 2)
        return refuse(
            &r[set->n - 1], diag,
            arena_printf(arena,
                         "%u of %u kernels of calls in common with %s and the others had ended before another "
                         "rank began, however the clocks are set: these are not ranks of one run",
                         early[0], all[0], r[0].file));
    if (early[1] > all[1] / 10)
        return refuse(&r[set->n - 1], diag,
                      arena_printf(arena,
                                   "the files do not say which ranks take part in a call (PyTorch 2.2 and later do); "
                                   "taken as all, %u of %u kernels had ended before another rank began",
                                   early[1], all[1]));
    if (all[1])
        diag_warning(diag, SRCLOC_FILE(r[set->n - 1].file),
                     "which ranks take part in %u kernels' calls is not in the files: taken as all recorded ones, in "
                     "order",
                     all[1]);
    return 0;
}

/* The longest that ends of calls lie apart where nothing is wrong: as long as a call takes, or scheduling of kernels. */
#define FARTHEST_ENDS_S 100e-6

static int by_value(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return (a > b) - (a < b);
}

static double median_call_s(const struct trace_set *set)
{
    double *length_s = checked_alloc(malloc((set->n_calls + 1) * sizeof *length_s)), median_s = 0;

    for (uint32_t c = 0; c < set->n_calls; c++) {
        const struct trace_call *call = &set->calls[c];
        length_s[c] = 0;
        for (uint32_t i = 0; i < call->n; i++)
            length_s[c] = fmax(length_s[c], trace_set_kernel(set, &set->members[call->first + i])->duration_s);
    }
    qsort(length_s, set->n_calls, sizeof *length_s, by_value);
    if (set->n_calls)
        median_s = length_s[set->n_calls / 2];
    free(length_s);
    return median_s;
}

static int check_spread(const struct trace_set *set, const struct trace_of_rank *r, struct arena *arena,
                        struct diag *diag)
{
    double most_s = fmax(FARTHEST_ENDS_S, median_call_s(set));

    for (uint32_t t = 0; t < set->n; t++)
        if (set->clocks[t].n_common >= FEWEST_CALLS && set->clocks[t].spread_s > most_s)
            return refuse(
                &r[t], diag,
                arena_printf(arena,
                             "half of the calls of rank %d end more than %.0f us from the others' end, however "
                             "its clock is set: this is no rank of the same run",
                             set->traces[t]->rank, set->clocks[t].spread_s * 1e6));
    return 0;
}

static int part_all(struct trace_set *set, const struct trace_of_rank *r, bool checks, struct arena *arena,
                    struct diag *diag)
{
    uint32_t early[2] = {0}, all[2] = {0};

    for (uint32_t c = 0; c < set->n_calls; c++) {
        all[set->calls[c].assumed] += set->calls[c].n;
        early[set->calls[c].assumed] += part_with_early(set, &set->calls[c]);
    }
    if (checks && check_overlap(set, r, early, all, arena, diag))
        return -1;
    drop_single(set);
    return 0;
}

static void fill(struct trace_set *set, const struct trace_of_rank *r, uint32_t n, struct arena *arena)
{
    set->n = n;
    set->traces = ARENA_ARRAY(arena, struct trace *, n);
    set->clocks = ARENA_ARRAY(arena, struct trace_clock, n);
    for (uint32_t i = 0; i < n; i++)
        set->traces[i] = r[i].trace;
    set->name = r[0].trace->name;
    set->source = n > 1 ? arena_printf(arena, "%u ranks: %s", n, r[0].trace->source) : r[0].trace->source;
}

/* Set together before: what they are was checked then. */
static bool clocks_known(const struct trace_of_rank *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (isnan(r[i].origin_s))
            return false;
    return true;
}

struct trace_set *trace_set_join(const struct trace_of_rank *ranks, uint32_t n, struct arena *arena, struct diag *diag)
{
    struct trace_set *set = ARENA_NEW(arena, struct trace_set);
    struct trace_of_rank *sorted = ARENA_ARRAY(arena, struct trace_of_rank, n);

    memcpy(sorted, ranks, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_rank);
    if (check_ranks(sorted, n, arena, diag))
        return NULL;
    fill(set, sorted, n, arena);
    bool checks = !clocks_known(sorted, n);
    if (trace_calls_find(set, sorted, arena, diag) || trace_clocks_set(set, sorted, arena, diag) ||
        (checks && check_spread(set, sorted, arena, diag)) || part_all(set, sorted, checks, arena, diag))
        return NULL;
    return set;
}

void trace_list_add(struct trace_list *list, const struct trace_of_rank *rank, struct arena *arena)
{
    if (list->n == list->cap) {
        const struct trace_of_rank *old = list->ranks;
        list->cap = 2 * list->cap + 8;
        list->ranks = ARENA_ARRAY(arena, struct trace_of_rank, list->cap);
        if (list->n)
            memcpy(list->ranks, old, list->n * sizeof *old);
    }
    list->ranks[list->n++] = *rank;
}
