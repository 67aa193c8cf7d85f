/* Answers of a sweep's children: into the journal, or, when the child was killed from outside, the point again. */
#include <stdlib.h>
#include <string.h>

#include "io/sweepdb/sweep_record.h"
#include "campaign/sweep_priv.h"

enum { MAX_TRIES = 3 };

void sweep_add_known(struct sweep *s, const char *sha256, uint32_t cache, uint32_t point)
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
        sweep_add_known(s, e->sha256, NO_CACHE, e->point);
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
        a->killed
            ? arena_printf(arena, "error: %s, %d times; the system does that when memory runs out", a->died, MAX_TRIES)
            : arena_printf(arena, "error: %s", a->died);
    char *outcome = sweep_outcome_text(message, NULL);
    e->outcome = outcome;
    s->report->n_run++;
    int failed = put(s, e);
    free(outcome);
    return failed;
}

int sweep_take_answer(struct sweep *s, struct pool_answer *a)
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
