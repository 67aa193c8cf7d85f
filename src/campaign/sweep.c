/* Sweeps. The parent hands out points, keeps what comes back in a journal and at the end writes the result from
 * it; a child loads the scenario with the point's values, runs it and answers (io/sweepdb/sweep_record.h). */
#include <signal.h>

#include "base/progress.h"
#include "campaign/sweep_priv.h"

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
    caught = signal;
}

/* --- the run ------------------------------------------------------------------------------------------------------------- */

static int fill_pool(struct sweep *s)
{
    for (; s->next < s->points.n && !pool_is_full(s->pool); s->next++)
        if (sweep_is_mine(s, s->next) && !s->done[s->next] && pool_start(s->pool, s->next, s->diag))
            return -1;
    return 0;
}

static void show_progress(const struct sweep *s)
{
    const struct sweep_report *r = s->report;
    progress_bar(r->n_done, r->n_done - r->n_resumed, r->n_points, r->n_failed);
}

static int run_points(struct sweep *s)
{
    struct pool_answer answer;
    int failed = 0;
    progress_begin("sweep");
    s->pool = pool_new(&s->o->limits, sweep_run_point, s);
    while (!failed && !caught) {
        failed = fill_pool(s);
        if (failed || pool_is_empty(s->pool))
            break;
        if (pool_wait(s->pool, 0.2, &answer))
            failed = sweep_take_answer(s, &answer);
        show_progress(s);
    }
    pool_free(s->pool);
    progress_end();
    return failed;
}

/* While points run a signal ends the loop; before and after it does what it did before. A write to a closed pipe
 * or beyond a limit of size is an error, no death. */
struct handlers {
    struct sigaction old[5];
};

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

static void set_handlers(struct handlers *h)
{
    caught = 0;
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
        struct sigaction a = {.sa_handler = handled[i] == SIGPIPE || handled[i] == SIGXFSZ ? SIG_IGN : on_signal};
        sigaction(handled[i], &a, &h->old[i]);
    }
}

static void reset_handlers(const struct handlers *h)
{
    for (size_t i = 0; i < 3; i++)
        sigaction(handled[i], &h->old[i], NULL);
}

static int run_and_write(struct sweep *s, struct sweep_db **result)
{
    struct handlers handlers;
    set_handlers(&handlers);
    int failed = sweep_prepare(s) || run_points(s);
    s->report->signal = caught;
    reset_handlers(&handlers);
    if (!failed && !caught)
        failed = sweep_write_result(s, result);
    sweep_journal_close(s->journal, !failed && !caught);
    return failed ? -1 : 0;
}

static void release(struct sweep *s)
{
    for (uint32_t i = 0; i < s->n_caches; i++)
        sweep_db_close(s->caches[i]);
    HASH_CLEAR(hh, s->known);
    arena_free(s->arena);
}

int sweep_run(const struct design *design, const struct sweep_options *options, struct sweep_report *report,
              struct sweep_db **result, struct diag *diag)
{
    struct sweep s = {.d = design, .o = options, .report = report, .arena = arena_new(), .diag = diag};
    *report = (struct sweep_report){0};
    *result = NULL;
    int state = design_expand(design, options->max_points, &s.points, diag);
    if (!state)
        state = sweep_describe(&s);
    if (!state)
        state = sweep_check_out(&s, result);
    if (!state)
        state = run_and_write(&s, result);
    release(&s);
    return state < 0 ? -1 : 0;
}
