/* The beginning of a sweep: what it is, what of it is done already, what need not be done. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data_find.h"
#include "config.h"
#include "campaign/sweep_priv.h"

enum { MAX_UNLOADABLE = 50 };

bool sweep_is_mine(const struct sweep *s, uint32_t point)
{
    return point % s->o->n_shards == s->o->shard - 1;
}

/* The resolved scenario of point 0 is what the others are told apart from. When no point can be loaded the first
 * one's mistakes are those of the sweep. */
static int resolve_first(struct sweep *s)
{
    struct resolved first, r;
    struct diag *ignored = diag_new();
    sweep_resolve(s, 0, s->arena, &first, ignored);
    bool any = first.loaded;
    diag_free(ignored);
    s->about.scenario = first.text;
    for (uint32_t i = 1; !any && i < s->points.n && i < MAX_UNLOADABLE; i++) {
        struct arena *arena = arena_new();
        ignored = diag_new();
        sweep_resolve(s, i, arena, &r, ignored);
        any = r.loaded;
        diag_free(ignored);
        arena_free(arena);
    }
    if (!any)
        sweep_resolve(s, 0, s->arena, &r, s->diag);
    return any ? 0 : -1;
}

static void describe_axes(struct sweep *s)
{
    const struct design *d = s->d;
    s->about.n_axes = d->n_axes;
    s->about.axes = ARENA_ARRAY(s->arena, struct sweep_axis, d->n_axes + 1);
    for (uint32_t i = 0; i < d->n_axes; i++) {
        const struct cfg_field *f = d->axes[i].field;
        s->about.axes[i] =
            (struct sweep_axis){.key = d->axes[i].key, .type = f->type, .dim = f->dim, .doc = f->doc ? f->doc : ""};
    }
}

static const char *hash_of(const char *text, struct arena *arena)
{
    char *hash = ARENA_ARRAY(arena, char, SHA256_TEXT);
    sha256_text(text, strlen(text), hash);
    return hash;
}

static void fill_about(struct sweep *s)
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

int sweep_describe(struct sweep *s)
{
    if (resolve_first(s))
        return -1;
    fill_about(s);
    return 0;
}

static int note_own_files(struct sweep *s)
{
    s->n_files = input_files_count();
    for (size_t i = 0; i < s->n_files; i++)
        if (sweep_journal_add_file(s->journal, sweep_file_name(s, i, s->arena), input_file_at(i)->sha256, s->diag))
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
        if (!strcmp(sweep_file_name(s, i, s->arena), f->path))
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
        sweep_add_known(s, e->sha256, NO_CACHE, e->point);
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
        sweep_add_known(s, cells[1].text, index, (uint32_t)cells[0].number);
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
        s->caches[s->n_caches++] = db;
    }
    return 0;
}

static int learn_from_caches(struct sweep *s)
{
    for (uint32_t i = 0; i < s->n_caches; i++) {
        const char *why = useless(s, s->caches[i]);
        if (why)
            diag_warning(s->diag, SRCLOC_FILE(s->o->caches[i]), "this cache is not used: %s", why);
        else
            learn(s, s->caches[i], i);
    }
    return diag_failed(s->diag) ? -1 : 0;
}

/* 1: the result is there already. */
int sweep_check_out(struct sweep *s, struct sweep_db **result)
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
    if (!strcmp(a->design_sha256, s->about.design_sha256) && !strcmp(a->shard, s->about.shard) && !s->o->retry_failed) {
        *result = db;
        return 1;
    }
    diag_error(s->diag, EXIT_BAD_INPUT, SRCLOC_FILE(out),
               s->o->retry_failed
                   ? "the sweep is complete; run its failed points again with --overwrite --cache of a copy of it"
                   : "it is the result of another sweep; replace it with --overwrite, or write elsewhere");
    sweep_db_close(db);
    return -1;
}

int sweep_prepare(struct sweep *s)
{
    if (open_caches(s)) /* first: a name that is wrong leaves no begun sweep behind */
        return -1;
    s->journal = sweep_journal_open(s->o->out, &s->about, s->o->resume, s->o->overwrite, s->diag);
    if (!s->journal || (s->o->retry_failed && sweep_journal_drop_failed(s->journal, s->diag)) || check_files(s) ||
        note_own_files(s))
        return -1;
    s->done = ARENA_ARRAY(s->arena, uint8_t, s->points.n);
    s->tries = ARENA_ARRAY(s->arena, uint8_t, s->points.n);
    sweep_journal_each(s->journal, count_done, s);
    for (uint32_t i = 0; i < s->points.n; i++)
        s->report->n_points += sweep_is_mine(s, i);
    return learn_from_caches(s);
}
