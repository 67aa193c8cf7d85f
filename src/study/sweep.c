/* Sweeps. The parent hands out points, keeps what comes back in a journal and at the end writes the result from
 * it; a child loads the scenario with the point's values, runs it and answers (io/sweep_record.h). */
#include "study/sweep.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/input_files.h"
#include "base/progress.h"
#include "config.h"
#include "io/kind.h"
#include "io/scenario.h"
#include "io/sweep_journal.h"
#include "io/sweep_record.h"
#include "study/kind_run.h"

enum { MAX_TRIES = 3, MAX_UNLOADABLE = 50 };

/* Where an outcome lies that need not be computed again. */
struct known {
    char sha256[SHA256_TEXT];
    uint32_t cache; /* index, or NO_CACHE: the journal */
    uint32_t point;
    UT_hash_handle hh;
};

enum { NO_CACHE = UINT32_MAX };

struct sweep {
    const struct design *d;
    const struct sweep_options *o;
    struct design_points points;
    struct sweep_about about;
    struct sweep_journal *journal;
    struct pool *pool;
    struct sweep_db **caches;
    uint32_t n_caches;
    struct known *known;
    size_t n_files; /* input files that the parent has read: children tell of others only */
    uint8_t *done, *tries; /* by point */
    uint32_t next;         /* point to hand out */
    struct sweep_report *report;
    struct arena *arena;
    struct diag *diag;
};

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
    caught = signal;
}

/* --- one point, resolved -------------------------------------------------------------------------------------------- */

struct resolved {
    struct scenario_file file;
    const char *text; /* of the whole scenario, as validate --print shows it */
    char sha256[SHA256_TEXT];
    bool loaded;
};

static void resolve(const struct sweep *s, uint32_t point, struct arena *arena, struct resolved *r, struct diag *diag)
{
    int n;
    char *text = NULL;
    size_t size;
    const char **set = design_overrides(s->d, &s->points, point, arena, &n);
    r->loaded = !scenario_load(s->d->path, set, n, arena, &r->file, diag);
    FILE *out = checked_alloc(open_memstream(&text, &size));
    cfg_print_yaml(r->file.cfg, out);
    if (fclose(out))
        out_of_memory();
    r->text = arena_strdup(arena, text);
    sha256_text(text, size, r->sha256);
    free(text);
}

/* --- in the child ----------------------------------------------------------------------------------------------------- */

/* A file's name in records and results: those that the user named without their folders, others as they are found.
 * A record's lines end at a newline. */
static const char *file_name(const struct sweep *s, size_t i, struct arena *arena)
{
    const char *path = input_file_at(i)->path, *slash = strrchr(path, '/');
    bool is_named = !strcmp(path, s->d->path) || !strcmp(path, s->d->file);
    char *name = arena_strdup(arena, !is_named ? data_name(path, s->d->path, arena) : slash ? slash + 1 : path);
    for (char *c = name; *c; c++)
        *c = *c == '\n' ? '?' : *c;
    return name;
}

static void print_outcome(const struct sweep *s, const struct result *result, struct diag *diag, FILE *out)
{
    struct arena *arena = arena_new();
    char *outcome = sweep_outcome_text(diag_text(diag), diag_failed(diag) ? NULL : result);
    fprintf(out, "%d %zu\n", diag_exit_code(diag), input_files_count() - s->n_files);
    for (size_t i = s->n_files; i < input_files_count(); i++)
        fprintf(out, "%s %s\n", input_file_at(i)->sha256, file_name(s, i, arena));
    fputs(outcome, out);
    free(outcome);
    arena_free(arena);
}

static void run_point(void *ctx, uint32_t point, FILE *out)
{
    const struct sweep *s = ctx;
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct resolved r;
    struct known *known;
    resolve(s, point, arena, &r, diag);
    char *changed = sweep_resolved_text(r.text, s->about.scenario, arena);
    fprintf(out, "%s\n%s\n", r.sha256, changed);
    fflush(out);
    HASH_FIND_STR(s->known, r.sha256, known);
    if (known) {
        fputs("known", out);
    } else {
        struct kind_run run = {.file = &r.file, .arena = arena};
        if (r.loaded)
            kind_execute(&run, diag);
        print_outcome(s, &run.result, diag, out);
        kind_run_free(&run);
    }
    free(changed);
    diag_free(diag);
    arena_free(arena);
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

static void add_known(struct sweep *s, const char *sha256, uint32_t cache, uint32_t point)
{
    struct known *k;
    HASH_FIND_STR(s->known, sha256, k);
    if (k)
        return;
    k = ARENA_NEW(s->arena, struct known);
    snprintf(k->sha256, sizeof k->sha256, "%s", sha256);
    k->cache = cache;
    k->point = point;
    HASH_ADD_STR(s->known, sha256, k);
}

static int put(struct sweep *s, const struct sweep_entry *e)
{
    if (sweep_journal_put(s->journal, e, s->diag))
        return -1;
    s->done[e->point] = 1;
    s->report->n_done++;
    s->report->n_failed += e->exit_code != EXIT_OK;
    if (e->exit_code == EXIT_OK)
        add_known(s, e->sha256, NO_CACHE, e->point);
    return 0;
}

/* The outcome of another point with the same resolved scenario. */
static int put_known(struct sweep *s, struct sweep_entry *e, struct arena *arena)
{
    struct known *k;
    HASH_FIND_STR(s->known, e->sha256, k);
    BUG_IF(!k);
    s->report->n_reused++;
    if (k->cache == NO_CACHE) {
        struct sweep_entry other;
        BUG_IF(!sweep_journal_get(s->journal, k->point, arena, &other));
        e->outcome = other.outcome;
        return put(s, e);
    }
    struct sweep_point p;
    if (sweep_db_read(s->caches[k->cache], k->point, arena, &p, s->diag))
        return -1;
    char *outcome = sweep_outcome_text(p.message, &p.result);
    e->outcome = outcome;
    int failed = put(s, e);
    free(outcome);
    return failed;
}

/* The next line, ended by a NUL; "" at the end. */
static char *take_line(char **text)
{
    char *line = strsep(text, "\n");
    return line ? line : "";
}

/* A point whose process was killed from outside: nothing is known about it. */
static bool wants_retry(struct sweep *s, uint32_t point)
{
    return ++s->tries[point] < MAX_TRIES;
}

static int put_answer(struct sweep *s, struct sweep_entry *e, char *rest, struct arena *arena)
{
    char *head = take_line(&rest);
    size_t n_files = 0;
    if (!strcmp(head, "known"))
        return put_known(s, e, arena);
    BUG_IF(sscanf(head, "%d %zu", &e->exit_code, &n_files) != 2);
    if (e->exit_code == EXIT_KILLED && wants_retry(s, e->point))
        return pool_start(s->pool, e->point, s->diag);
    for (size_t i = 0; i < n_files; i++) {
        char *path = take_line(&rest), *sha256 = strsep(&path, " ");
        if (sweep_journal_add_file(s->journal, path, sha256, s->diag))
            return -1;
    }
    e->outcome = take_line(&rest);
    s->report->n_run++;
    return put(s, e);
}

static int put_death(struct sweep *s, struct sweep_entry *e, const struct pool_answer *a, struct arena *arena)
{
    if (a->killed && wants_retry(s, a->id))
        return pool_start(s->pool, a->id, s->diag);
    e->exit_code = a->killed ? EXIT_KILLED : a->by_limit ? EXIT_LIMIT : EXIT_BUG;
    const char *message =
        a->killed ? arena_printf(arena, "error: %s, %d times; the system does that when memory runs out", a->died,
                                 MAX_TRIES) :
                    arena_printf(arena, "error: %s", a->died);
    char *outcome = sweep_outcome_text(message, NULL);
    e->outcome = outcome;
    s->report->n_run++;
    int failed = put(s, e);
    free(outcome);
    return failed;
}

static int take_answer(struct sweep *s, struct pool_answer *a)
{
    struct arena *arena = arena_new();
    char *rest = a->data;
    struct sweep_entry e = {.point = a->id, .sha256 = take_line(&rest), .resolved = take_line(&rest)};
    int failed = a->died ? put_death(s, &e, a, arena) : put_answer(s, &e, rest, arena);
    arena_free(arena);
    free(a->data);
    free(a->died);
    return failed;
}

/* --- the run ------------------------------------------------------------------------------------------------------------- */

static bool is_mine(const struct sweep *s, uint32_t point)
{
    return point % s->o->n_shards == s->o->shard - 1;
}

static int fill_pool(struct sweep *s)
{
    for (; s->next < s->points.n && !pool_is_full(s->pool); s->next++)
        if (is_mine(s, s->next) && !s->done[s->next] && pool_start(s->pool, s->next, s->diag))
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
    s->pool = pool_new(&s->o->limits, run_point, s);
    while (!failed && !caught) {
        failed = fill_pool(s);
        if (failed || pool_is_empty(s->pool))
            break;
        if (pool_wait(s->pool, 0.2, &answer))
            failed = take_answer(s, &answer);
        show_progress(s);
    }
    pool_free(s->pool);
    progress_end();
    return failed;
}

/* --- the result ------------------------------------------------------------------------------------------------------------ */

static void note_failure(struct sweep *s, const struct sweep_point *p)
{
    if (p->exit_code == EXIT_OK || s->report->first_failure)
        return;
    s->report->first_failed_point = p->point;
    s->report->first_failure = arena_strdup(s->d->arena, p->message);
}

static int write_point(struct sweep *s, struct sweep_writer *w, uint32_t point)
{
    struct arena *arena = arena_new();
    struct sweep_entry e;
    struct sweep_point p = {.point = point,
                            .setting = point / s->points.n_seeds,
                            .values = s->points.values[point / s->points.n_seeds]};
    if (s->d->seeds.n)
        p.seed = s->d->seeds.values[point % s->points.n_seeds].text;
    int failed = 0;
    BUG_IF(!sweep_journal_get(s->journal, point, arena, &e));
    p.sha256 = e.sha256;
    p.exit_code = e.exit_code;
    /* of a child that died at once there is no resolved scenario */
    if ((*e.resolved && sweep_resolved_parse(e.resolved, arena, &p)) || sweep_outcome_parse(e.outcome, arena, &p)) {
        diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_NONE, "point %u is damaged in the journal; start anew with "
                   "--overwrite", point);
        failed = -1;
    } else {
        note_failure(s, &p);
        sweep_writer_add(w, &p);
    }
    arena_free(arena);
    return failed;
}

static int write_result(struct sweep *s, struct sweep_db **result)
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
        if (is_mine(s, point))
            failed = write_point(s, w, point);
    if (!failed)
        return sweep_writer_close(w, result, s->diag);
    sweep_writer_abandon(w);
    return -1;
}

/* --- before the run ---------------------------------------------------------------------------------------------------------- */

/* The resolved scenario of point 0 is what the others are told apart from. When no point can be loaded the first
 * one's mistakes are those of the sweep. */
static int resolve_first(struct sweep *s)
{
    struct resolved first, r;
    struct diag *ignored = diag_new();
    resolve(s, 0, s->arena, &first, ignored);
    bool any = first.loaded;
    diag_free(ignored);
    s->about.scenario = first.text;
    for (uint32_t i = 1; !any && i < s->points.n && i < MAX_UNLOADABLE; i++) {
        struct arena *arena = arena_new();
        ignored = diag_new();
        resolve(s, i, arena, &r, ignored);
        any = r.loaded;
        diag_free(ignored);
        arena_free(arena);
    }
    if (!any)
        resolve(s, 0, s->arena, &r, s->diag);
    return any ? 0 : -1;
}

static void describe_axes(struct sweep *s)
{
    const struct design *d = s->d;
    s->about.n_axes = d->n_axes;
    s->about.axes = ARENA_ARRAY(s->arena, struct sweep_axis, d->n_axes + 1);
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const struct cfg_field *f = d->axes[i].field;
        s->about.axes[i] = (struct sweep_axis){.key = d->axes[i].key, .type = f->type, .dim = f->dim,
                                               .doc = f->doc ? f->doc : ""};
    }
}

static const char *hash_of(const char *text, struct arena *arena)
{
    char *hash = ARENA_ARRAY(arena, char, SHA256_TEXT);
    sha256_text(text, strlen(text), hash);
    return hash;
}

static void describe(struct sweep *s)
{
    char *design = design_text(s->d), *build = ARENA_ARRAY(s->arena, char, SHA256_TEXT);
    s->about.program = PACKAGE_STRING;
    s->about.build = sha256_file("/proc/self/exe", build) ? "unknown" : build;
    s->about.design = arena_strdup(s->arena, design);
    s->about.design_sha256 = hash_of(arena_printf(s->arena, "%s\n%s", design, s->about.scenario), s->arena);
    s->about.n_points = s->points.n;
    s->about.n_settings = s->points.n_settings;
    s->about.n_seeds = s->points.n_seeds;
    s->about.shard = s->o->n_shards > 1 ? arena_printf(s->arena, "%u/%u", s->o->shard, s->o->n_shards) : "";
    describe_axes(s);
    free(design);
}

static int note_own_files(struct sweep *s)
{
    s->n_files = input_files_count();
    for (size_t i = 0; i < s->n_files; i++)
        if (sweep_journal_add_file(s->journal, file_name(s, i, s->arena), input_file_at(i)->sha256, s->diag))
            return -1;
    return 0;
}

/* The file behind a name in a result or journal, as it is now; false when it cannot be told. */
static bool file_now(const struct sweep *s, const char *name, char sha256[SHA256_TEXT])
{
    const char *path = data_find(name, s->d->path, s->arena);
    return path && !sha256_file(path, sha256);
}

static bool has_changed(const struct sweep *s, const struct sweep_file *f)
{
    char sha256[SHA256_TEXT];
    for (size_t i = 0; i < input_files_count(); i++)
        if (!strcmp(file_name(s, i, s->arena), f->path))
            return strcmp(input_file_at(i)->sha256, f->sha256) != 0;
    return !file_now(s, f->path, sha256) || strcmp(sha256, f->sha256) != 0;
}

static int check_files(const struct sweep *s)
{
    uint32_t n;
    const struct sweep_file *files = sweep_journal_files(s->journal, s->arena, &n);
    for (uint32_t i = 0; i < n; i++)
        if (has_changed(s, &files[i])) {
            diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(files[i].path),
                       "the file has changed or gone since the sweep began, its points would not agree; start anew "
                       "with --overwrite");
            return -1;
        }
    return 0;
}

static void count_done(void *ctx, const struct sweep_entry *e)
{
    struct sweep *s = ctx;
    if (e->point >= s->points.n)
        return;
    s->done[e->point] = 1;
    s->report->n_done++;
    s->report->n_resumed++;
    s->report->n_failed += e->exit_code != EXIT_OK;
    if (e->exit_code == EXIT_OK)
        add_known(s, e->sha256, NO_CACHE, e->point);
}

/* A cache holds nothing for us when it is of another program or its files have changed. */
static const char *useless(const struct sweep *s, struct sweep_db *db)
{
    uint32_t n;
    if (strcmp(sweep_db_about(db)->build, s->about.build))
        return "it was made by another build of moesim";
    const struct sweep_file *files = sweep_db_files(db, s->arena, &n);
    for (uint32_t i = 0; i < n; i++)
        if (has_changed(s, &files[i]))
            return arena_printf(s->arena, "%s has changed since", files[i].path);
    return NULL;
}

static void learn(struct sweep *s, struct sweep_db *db, uint32_t index)
{
    struct sweep_query q;
    struct sweep_cell cells[2];
    if (sweep_query_open(db, "SELECT point, scenario_sha256 FROM points WHERE status = 'ok'", s->arena, &q, s->diag))
        return;
    while (sweep_query_next(&q, cells, s->diag) == 1)
        add_known(s, cells[1].text, index, (uint32_t)cells[0].number);
    sweep_query_close(&q);
}

static int open_caches(struct sweep *s)
{
    uint32_t n = 0;
    while (s->o->caches && s->o->caches[n])
        n++;
    s->caches = ARENA_ARRAY(s->arena, struct sweep_db *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct sweep_db *db = sweep_db_open(s->o->caches[i], s->diag);
        if (!db)
            return -1;
        s->caches[s->n_caches] = db;
        const char *why = useless(s, db);
        if (why)
            diag_warning(s->diag, SRCLOC_FILE(s->o->caches[i]), "this cache is not used: %s", why);
        else
            learn(s, db, s->n_caches);
        s->n_caches++;
    }
    return diag_failed(s->diag) ? -1 : 0;
}

/* 1: the result is there already. */
static int check_out(struct sweep *s, struct sweep_db **result)
{
    const char *out = s->o->out;
    if (!out || s->o->overwrite || access(out, F_OK))
        return 0;
    if (!s->o->resume) {
        diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(out),
                   "the result exists; replace it with --overwrite, or write elsewhere");
        return -1;
    }
    struct sweep_db *db = sweep_db_open(out, s->diag);
    if (!db)
        return -1;
    const struct sweep_about *a = sweep_db_about(db);
    if (!strcmp(a->design_sha256, s->about.design_sha256) && !strcmp(a->shard, s->about.shard) &&
        !s->o->retry_failed) {
        *result = db;
        return 1;
    }
    diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(out), s->o->retry_failed ?
               "the sweep is complete; run its failed points again with --overwrite --cache of a copy of it" :
               "it is the result of another sweep; replace it with --overwrite, or write elsewhere");
    sweep_db_close(db);
    return -1;
}

static int prepare(struct sweep *s)
{
    s->journal = sweep_journal_open(s->o->out, &s->about, s->o->resume, s->o->overwrite, s->diag);
    if (!s->journal || (s->o->retry_failed && sweep_journal_drop_failed(s->journal, s->diag)) || check_files(s) ||
        note_own_files(s))
        return -1;
    s->done = ARENA_ARRAY(s->arena, uint8_t, s->points.n);
    s->tries = ARENA_ARRAY(s->arena, uint8_t, s->points.n);
    sweep_journal_each(s->journal, count_done, s);
    for (uint32_t i = 0; i < s->points.n; i++)
        s->report->n_points += is_mine(s, i);
    return open_caches(s);
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

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
    int failed = prepare(s) || run_points(s);
    s->report->signal = caught;
    reset_handlers(&handlers);
    if (!failed && !caught)
        failed = write_result(s, result);
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
    if (!state && !(state = resolve_first(&s))) {
        describe(&s);
        state = check_out(&s, result);
        if (state == 0)
            state = run_and_write(&s, result);
    }
    release(&s);
    return state < 0 ? -1 : 0;
}
