/* Trials of proposals: each run is a child of its own (kinds/pool.h). Runs that several trials have in common, the same
 * scenario without any proposal, are run once. */
#include "base/data_find.h"
#include "campaign/trials.h"

#include <stdlib.h>
#include <string.h>

#include "kinds/kind_run.h"
#include "kinds/pool.h"

struct job {
    struct trial *trial;
    bool with;
};

struct answer { /* of a child; the text of its errors follows */
    int exit_code;
    struct trial_run run;
};

/* --- one run, in a child ------------------------------------------------------------------------------ */

static int find_metric(const struct result *r, const char *name, struct trial_run *out, struct diag *diag)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name)) {
            out->value = r->metrics[i].value;
            out->dim = r->metrics[i].dim;
            return 0;
        }
    diag_error(diag, EXIT_BUG, SRCLOC_NONE, "kind %s has no metric '%s'", r->kind, name);
    return -1;
}

static void note_resource(const struct critical_path *p, struct trial_run *out)
{
    const struct path_share *most = critical_path_largest(p);
    if (!most)
        return;
    snprintf(out->resource, sizeof out->resource, "%s", most->resource);
    out->share_ratio = most->time_s / critical_path_total_s(p);
}

static void run_scenario(struct kind_run *run, struct scenario_file *file, const struct job *job, struct trial_run *out,
                         struct diag *diag)
{
    const struct proposal_trial *t = &job->trial->proposal->trial;
    const char *path = data_find(t->scenario, NULL, run->arena), *proposal = job->trial->proposal->name;
    if (t->arguments)
        proposal = arena_printf(run->arena, "%s:%s", proposal, t->arguments);
    struct scenario_options o = {
        .overrides = t->set, .proposals = &proposal, .n_proposals = job->with, .overrides_give_way = true};
    while (t->set && t->set[o.n_overrides])
        o.n_overrides++;
    if (!path)
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "there is no %s among moesim's data", t->scenario);
    else if (!scenario_load_with(path, &o, run->arena, file, diag) && !kind_execute(run, diag) &&
             !find_metric(&run->result, t->metric, out, diag))
        note_resource(run->critical, out);
}

static void run_job(void *ctx, uint32_t number, FILE *out)
{
    const struct job *jobs = ctx;
    struct answer a = {0};
    struct scenario_file file;
    struct diag *diag = diag_new();
    struct kind_run run = {.file = &file, .arena = arena_new()};
    run.critical = ARENA_NEW(run.arena, struct critical_path);
    run_scenario(&run, &file, &jobs[number], &a.run, diag);
    a.exit_code = diag_exit_code(diag);
    fwrite(&a, sizeof a, 1, out);
    if (a.exit_code)
        fputs(diag_text(diag), out);
    kind_run_free(&run);
    diag_free(diag);
    arena_free(run.arena);
}

/* --- all runs --------------------------------------------------------------------------------------------- */

static bool same_set(const char *const *a, const char *const *b)
{
    for (; a && b && *a && *b; a++, b++)
        if (strcmp(*a, *b))
            return false;
    return (!a || !*a) && (!b || !*b);
}

static bool same_baseline(const struct proposal_trial *a, const struct proposal_trial *b)
{
    return !strcmp(a->scenario, b->scenario) && !strcmp(a->metric, b->metric) && same_set(a->set, b->set);
}

/* Without: the run of the first trial that has the same. */
static uint32_t baseline_of(const struct trial *trials, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (same_baseline(&trials[k].proposal->trial, &trials[i].proposal->trial))
            return k;
    return i;
}

static uint32_t make_jobs(struct trial *trials, uint32_t n, struct job *jobs)
{
    uint32_t n_jobs = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (baseline_of(trials, i) == i)
            jobs[n_jobs++] = (struct job){.trial = &trials[i]};
        jobs[n_jobs++] = (struct job){.trial = &trials[i], .with = true};
    }
    return n_jobs;
}

static const char *without_prefix(const char *text)
{
    return text + (strncmp(text, "error: ", 7) ? 0 : 7);
}

static void take(const struct job *job, struct pool_answer *got, struct diag *diag)
{
    struct answer a;
    const char *name = job->trial->proposal->name, *how = job->with ? "with" : "without";
    if (got->died || got->len < sizeof a) {
        diag_error(diag, EXIT_BUG, SRCLOC_NONE, "proposal %s, the run %s it: %s", name, how,
                   got->died ? got->died : "no answer");
    } else {
        memcpy(&a, got->data, sizeof a);
        if (a.exit_code)
            diag_error(diag, (enum exit_code)a.exit_code, SRCLOC_NONE, "proposal %s, the run %s it: %s", name, how,
                       without_prefix(got->data + sizeof a));
        *(job->with ? &job->trial->with : &job->trial->without) = a.run;
    }
    free(got->data);
    free(got->died);
}

static void run_all(struct job *jobs, uint32_t n, uint32_t at_a_time, struct diag *diag)
{
    struct pool *pool = pool_new(&(struct pool_limits){.jobs = at_a_time}, run_job, jobs);
    struct pool_answer answer;
    for (uint32_t next = 0; next < n || !pool_is_empty(pool);) {
        while (next < n && !pool_is_full(pool))
            if (pool_start(pool, next++, diag))
                n = next;
        if (!pool_is_empty(pool) && pool_wait(pool, 60, &answer))
            take(&jobs[answer.id], &answer, diag);
    }
    pool_free(pool);
}

int trials_run(struct trial *trials, uint32_t n, uint32_t at_a_time, struct arena *arena, struct diag *diag)
{
    struct job *jobs = ARENA_ARRAY(arena, struct job, 2 * (size_t)n + 1);
    run_all(jobs, make_jobs(trials, n, jobs), at_a_time, diag);
    for (uint32_t i = 0; i < n; i++)
        trials[i].without = trials[baseline_of(trials, i)].without;
    return diag_failed(diag) ? -1 : 0;
}
