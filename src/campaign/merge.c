/* Shards of a sweep into one database: each point is read from the shard that has it and written in order. */
#include <stdlib.h>
#include <string.h>

#include "campaign/sweep.h"

struct merge {
    struct sweep_db **shards;
    int n;
    uint32_t *owner; /* by point: index of its shard + 1 */
    struct arena *arena;
    struct diag *diag;
};

static int differ(const struct merge *m, const char *what)
{
    diag_error(m->diag, EXIT_BAD_INPUT, SRCLOC_FILE(sweep_db_path(m->shards[m->n - 1])),
               "it is no part of the same sweep as '%s': %s", sweep_db_path(m->shards[0]), what);
    return -1;
}

static int check_same(const struct merge *m)
{
    const struct sweep_about *a = sweep_db_about(m->shards[0]), *b = sweep_db_about(m->shards[m->n - 1]);
    if (strcmp(a->design_sha256, b->design_sha256) || a->n_points != b->n_points)
        return differ(m, "the axes or the scenario differ");
    if (strcmp(a->build, b->build))
        return differ(m, "it was made by another build of moesim");
    return 0;
}

static int open_shards(struct merge *m, const char *const *paths, int n)
{
    m->shards = ARENA_ARRAY(m->arena, struct sweep_db *, n);
    for (int i = 0; i < n; i++) {
        struct sweep_db *db = sweep_db_open(paths[i], m->diag);
        if (!db)
            return -1;
        m->shards[m->n++] = db;
        if (check_same(m))
            return -1;
    }
    return 0;
}

/* The first shard that has a point gives it: the points of equal sweeps are equal. */
static int assign(struct merge *m)
{
    uint32_t n_points = sweep_db_about(m->shards[0])->n_points, missing = 0, first = 0;
    m->owner = ARENA_ARRAY(m->arena, uint32_t, n_points + 1);
    for (int i = 0; i < m->n; i++) {
        const uint32_t *points;
        uint32_t n = sweep_db_points(m->shards[i], &points);
        for (uint32_t k = 0; k < n; k++)
            if (points[k] < n_points && !m->owner[points[k]])
                m->owner[points[k]] = (uint32_t)i + 1;
    }
    for (uint32_t p = n_points; p-- > 0;)
        if (!m->owner[p]) {
            missing++;
            first = p;
        }
    if (!missing)
        return 0;
    diag_error(m->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "%u of %u points are in none of these results, the first is point %u; merge all shards", missing,
               n_points, first);
    return -1;
}

struct named_file {
    struct sweep_file file;
    int shard;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct named_file *)a)->file.path, ((const struct named_file *)b)->file.path);
}

/* Sorted, as a sweep on one machine writes them. A file that was not the same everywhere is an error. */
static int add_files(struct merge *m, struct sweep_writer *w)
{
    struct named_file *all = NULL;
    uint32_t n_all = 0, n;
    for (int i = 0; i < m->n; i++) {
        const struct sweep_file *files = sweep_db_files(m->shards[i], m->arena, &n);
        struct named_file *grown = ARENA_ARRAY(m->arena, struct named_file, n_all + n + 1);
        if (n_all)
            memcpy(grown, all, n_all * sizeof *all);
        all = grown;
        for (uint32_t k = 0; k < n; k++)
            all[n_all++] = (struct named_file){files[k], i};
    }
    if (n_all)
        qsort(all, n_all, sizeof *all, by_path);
    for (uint32_t k = 0; k < n_all; k++) {
        const struct named_file *f = &all[k], *before = k ? f - 1 : NULL;
        if (before && !by_path(f, before) && strcmp(f->file.sha256, before->file.sha256)) {
            diag_error(m->diag, EXIT_BAD_INPUT, SRCLOC_FILE(sweep_db_path(m->shards[f->shard])),
                       "'%s' was another file there than for '%s'", f->file.path,
                       sweep_db_path(m->shards[before->shard]));
            return -1;
        }
        sweep_writer_add_file(w, &f->file);
    }
    return 0;
}

static int add_points(struct merge *m, struct sweep_writer *w)
{
    uint32_t n_points = sweep_db_about(m->shards[0])->n_points;
    for (uint32_t point = 0; point < n_points; point++) {
        struct arena *arena = arena_new();
        struct sweep_point p;
        int failed = sweep_db_read(m->shards[m->owner[point] - 1], point, arena, &p, m->diag);
        if (!failed)
            sweep_writer_add(w, &p);
        arena_free(arena);
        if (failed)
            return -1;
    }
    return 0;
}

static int write_all(struct merge *m, const char *out)
{
    struct sweep_about about = *sweep_db_about(m->shards[0]);
    about.shard = "";
    struct sweep_writer *w = sweep_writer_new(out, &about, m->diag);
    if (!w)
        return -1;
    if (!add_files(m, w) && !add_points(m, w))
        return sweep_writer_close(w, NULL, m->diag);
    sweep_writer_abandon(w);
    return -1;
}

int sweep_merge(const char *const *paths, int n, const char *out, struct diag *diag)
{
    struct merge m = {.arena = arena_new(), .diag = diag};
    int failed = open_shards(&m, paths, n) || assign(&m) || write_all(&m, out);
    for (int i = 0; i < m.n; i++)
        sweep_db_close(m.shards[i]);
    arena_free(m.arena);
    return failed ? -1 : 0;
}
