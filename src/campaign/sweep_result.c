/* The end of a sweep: its result, from the journal, in the order of points. */
#include "io/sweepdb/sweep_record.h"
#include "campaign/sweep_priv.h"

/* What is said of the first point that failed, and of the first that only warned. */
static void note_message(struct sweep *s, const struct sweep_point *p)
{
    struct sweep_report *r = s->report;
    bool failed = p->exit_code != EXIT_OK, warned = !failed && *p->message;
    r->n_warned += warned;
    if (failed && !r->first_failure) {
        r->first_failed_point = p->point;
        r->first_failure = arena_strdup(s->d->arena, p->message);
    }
    if (warned && !r->first_warning) {
        r->first_warned_point = p->point;
        r->first_warning = arena_strdup(s->d->arena, p->message);
    }
}

static int write_point(struct sweep *s, struct sweep_writer *w, uint32_t point)
{
    struct arena *arena = arena_new();
    struct sweep_entry e;
    struct sweep_point p = {
        .point = point, .setting = point / s->points.n_seeds, .values = s->points.values[point / s->points.n_seeds]};
    if (s->d->seeds.n)
        p.seed = s->d->seeds.values[point % s->points.n_seeds].text;
    int failed = 0;
    BUG_IF(!sweep_journal_get(s->journal, point, arena, &e));
    p.sha256 = e.sha256;
    p.exit_code = e.exit_code;
    /* of a child that died at once there is no resolved scenario */
    if ((*e.resolved && sweep_resolved_parse(e.resolved, arena, &p)) || sweep_outcome_parse(e.outcome, arena, &p)) {
        diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "point %u is damaged in the journal; start anew with "
                   "--overwrite",
                   point);
        failed = -1;
    } else {
        note_message(s, &p);
        sweep_writer_add(w, &p);
    }
    arena_free(arena);
    return failed;
}

int sweep_write_result(struct sweep *s, struct sweep_db **result)
{
    uint32_t n_files;
    int failed = 0;
    struct sweep_writer *w = sweep_writer_new(s->o->out, &s->about, s->diag);
    if (!w)
        return -1;
    const struct sweep_file *files = sweep_journal_files(s->journal, s->arena, &n_files);
    for (uint32_t i = 0; i < n_files; i++)
        sweep_writer_add_file(w, &files[i]);
    for (uint32_t point = 0; point < s->points.n && !failed; point++)
        if (sweep_is_mine(s, point))
            failed = write_point(s, w, point);
    if (!failed)
        return sweep_writer_close(w, result, s->diag);
    sweep_writer_abandon(w);
    return -1;
}
