/* A key that a kind of scenario reads need not matter to this scenario: SMs of the
 * normal kernels say nothing where only low-latency kernels run, priorities nothing
 * where nobody shares a link. No list of conditions would be complete, so the run
 * itself tells: without the proposal something must come out differently. */
#include "kinds/proposal_effect.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/kind_run.h"

/* Sums in another order differ by less. */
static const double TOLERANCE_RATIO = 1e-9;

static bool same_number(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= TOLERANCE_RATIO * fmax(fabs(a), fabs(b));
}

static bool same_table(const struct result_table *a, const struct result_table *b)
{
    if (a->n_rows != b->n_rows || a->n_columns != b->n_columns)
        return false;
    for (uint32_t i = 0; i < a->n_rows * a->n_columns; i++)
        if (!same_number(a->cells[i].value, b->cells[i].value))
            return false;
    return true;
}

static bool same_phase(const struct result_phase *a, const struct result_phase *b)
{
    return same_number(a->simulated_s, b->simulated_s) && same_number(a->start_s, b->start_s) &&
           same_number(a->end_s, b->end_s);
}

/* Number by number; names of formats and policies are no result. */
static bool same_result(const struct result *a, const struct result *b)
{
    bool same = a->n_metrics == b->n_metrics && a->n_parts == b->n_parts && a->n_phases == b->n_phases &&
                a->n_tables == b->n_tables;
    for (uint32_t i = 0; same && i < a->n_metrics; i++)
        same = !strcmp(a->metrics[i].name, b->metrics[i].name) && same_number(a->metrics[i].value, b->metrics[i].value);
    for (uint32_t i = 0; same && i < a->n_parts; i++)
        same = same_number(a->parts[i].value_s, b->parts[i].value_s);
    for (uint32_t i = 0; same && i < a->n_phases; i++)
        same = same_phase(&a->phases[i], &b->phases[i]);
    for (uint32_t i = 0; same && i < a->n_tables; i++)
        same = same_table(&a->tables[i], &b->tables[i]);
    return same;
}

/* A scenario that cannot run without the proposal (it would not fit into memory) shows
 * its effect, too. */
static bool same_without(const char *path, struct scenario_options options, const struct kind_run *with)
{
    struct scenario_file file;
    struct diag *diag = diag_new();
    struct kind_run run = {.file = &file, .arena = arena_new()};
    if (with->critical)
        run.critical = ARENA_NEW(run.arena, struct critical_path);
    bool same = !scenario_load_with(path, &options, run.arena, &file, diag) && !kind_execute(&run, diag) &&
                same_result(&with->result, &run.result);
    kind_run_free(&run);
    arena_free(run.arena);
    diag_free(diag);
    return same;
}

static const char *keys_of(const struct proposal_stack *s, uint32_t use, struct arena *arena)
{
    const char *text = "";
    for (uint32_t i = 0; i < s->n_keys; i++)
        if (s->keys[i].use == use)
            text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", s->keys[i].key);
    return text;
}

int proposals_check_effect(const char *path, const struct scenario_options *options, const struct kind_run *run,
                           struct diag *diag)
{
    const struct proposal_stack *s = run->file->proposals;
    struct scenario_options without = *options;
    int bad = 0;
    for (uint32_t i = 0; s && i < s->n_uses; i++) {
        const struct proposal_use *u = &s->uses[i];
        if (!u->changed && !u->type->rewrite)
            continue;
        progress_begin(arena_printf(run->arena, "without %s", u->type->name));
        without.left_out = i + 1;
        if (same_without(path, without, run)) {
            diag_error(diag, EXIT_BAD_INPUT, u->where,
                       "proposal %s has no effect here: without it every number of the "
                       "result is the same; nothing in "
                       "this scenario%s depends on %s",
                       u->type->name, s->n_uses > 1 ? ", beside the other proposals," : "", keys_of(s, i, run->arena));
            bad = -1;
        }
        progress_end();
    }
    return bad;
}
