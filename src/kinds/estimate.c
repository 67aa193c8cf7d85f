#include "kinds/estimate.h"

#include "base/progress.h"

static const double LONGEST_S = 600;

static const char *time_text(double time_s, struct arena *arena)
{
    if (time_s < 120)
        return arena_printf(arena, "%.0f s", time_s);
    return time_s < 7200 ? arena_printf(arena, "%.0f min", time_s / 60) : arena_printf(arena, "%.3g h", time_s / 3600);
}

int estimate_check(const struct scenario_file *file, const struct estimate_of *e, struct diag *diag)
{
    if (e->n <= LONGEST_S * e->per_s)
        return 0;
    struct arena *arena = arena_new();
    diag_error(diag, EXIT_LIMIT, scenario_place(file, e->key),
               "%.3g %s would take about %s; %.0f min are the limit: %s", e->n, e->what,
               time_text(e->n / e->per_s, arena), LONGEST_S / 60, e->advice);
    arena_free(arena);
    return -1;
}

void estimate_begin(const char *doing, const struct estimate_of *e, struct arena *arena)
{
    progress_begin(
        arena_printf(arena, "%s, %.3g %s, about %s", doing, e->n, e->what, time_text(e->n / e->per_s, arena)));
}
