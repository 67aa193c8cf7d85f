#include "sim/epsilon_error.h"

#include <math.h>

static double off_by(double got, double exact)
{
    return exact > 0 ? fabs(got / exact - 1) : 0;
}

static void compare(struct epsilon_error *e, const struct sim_spec *spec, const struct sim_outcome *out,
                    const struct sim_outcome *exact)
{
    for (uint32_t i = 0; i < spec->graph->n_transfers; i++) {
        double ratio = off_by(out->transfer_end_s[i] - out->transfer_start_s[i],
                              exact->transfer_end_s[i] - exact->transfer_start_s[i]);
        e->sum_ratio += ratio;
        e->largest_ratio = fmax(e->largest_ratio, ratio);
        e->n++;
    }
    e->epsilon = spec->epsilon;
    e->makespan_ratio = fmax(e->makespan_ratio, off_by(out->makespan_s, exact->makespan_s));
}

int epsilon_error_measure(struct epsilon_error *e, const struct sim_spec *spec, const struct sim_outcome *out,
                          struct diag *diag)
{
    struct arena *arena = arena_new();
    struct sim_spec plain = *spec;
    struct sim_outcome exact;
    plain.epsilon = 0;
    int failed = sim_run(&plain, arena, &exact, diag);
    if (!failed)
        compare(e, spec, out, &exact);
    arena_free(arena);
    return failed;
}

void epsilon_error_add(struct epsilon_error *e, const struct epsilon_error *more)
{
    if (!more->n)
        return;
    e->epsilon = more->epsilon;
    e->n += more->n;
    e->sum_ratio += more->sum_ratio;
    e->largest_ratio = fmax(e->largest_ratio, more->largest_ratio);
    e->makespan_ratio = fmax(e->makespan_ratio, more->makespan_ratio);
}

const char *epsilon_error_text(const struct epsilon_error *e, struct arena *arena)
{
    return arena_printf(
        arena,
        "sim.epsilon %g against 0: times of %llu transfers are off by %.2g on average and %.2g at most, "
        "ends of simulations by %.2g at most",
        e->epsilon, (unsigned long long)e->n, e->sum_ratio / (double)e->n, e->largest_ratio, e->makespan_ratio);
}
