#include "kinds/fork_map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "kinds/parts.h"
#include "kinds/pool.h"

struct map {
    fork_map_fn *fn;
    void *ctx;
    size_t answer_B;
};

uint32_t fork_map_processors(uint32_t most)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (uint32_t)n < most ? (uint32_t)n : most;
}

/* A child says its exit code, then its answer or what went wrong. */
static void work(void *ctx, uint32_t id, FILE *out)
{
    const struct map *m = ctx;
    struct diag *diag = diag_new();
    void *answer = checked_alloc(calloc(1, m->answer_B));
    m->fn(m->ctx, id, answer, diag);
    int code = diag_exit_code(diag);
    fwrite(&code, sizeof code, 1, out);
    if (code == EXIT_OK)
        fwrite(answer, m->answer_B, 1, out);
    else
        fputs(diag_text(diag), out);
}

static void take(const struct map *m, const struct pool_answer *a, char *answers, struct diag *diag)
{
    int code = EXIT_BUG;
    if (!a->died && a->len >= sizeof code)
        memcpy(&code, a->data, sizeof code);
    if (a->died)
        diag_error(diag, a->by_limit ? EXIT_LIMIT : EXIT_BUG, SRCLOC_NONE, "a part of the simulation failed: %s",
                   a->died);
    else if (code != EXIT_OK)
        diag_relay(diag, (enum exit_code)code, a->data + sizeof code);
    else
        memcpy(answers + a->id * m->answer_B, a->data + sizeof code, m->answer_B);
}

int fork_map(uint32_t n, uint32_t at_once, fork_map_fn *fn, void *ctx, void *answers, size_t answer_B,
             struct diag *diag)
{
    struct map m = {fn, ctx, answer_B};
    struct pool *pool = pool_new(&(struct pool_limits){.jobs = at_once ? at_once : 1}, work, &m);
    struct pool_answer a;
    uint32_t next = 0, done = 0, map = parts_begin_map();
    progress_parts(0, n);
    while (!diag_failed(diag) && (next < n || !pool_is_empty(pool))) {
        if (next < n && parts_take(map, next, (char *)answers + next * answer_B, answer_B)) {
            progress_parts(++done, n);
            next++;
            continue;
        }
        if (next < n && !pool_is_full(pool)) {
            pool_start(pool, next++, diag);
            continue;
        }
        if (pool_wait(pool, 0.2, &a)) {
            take(&m, &a, answers, diag);
            if (!diag_failed(diag))
                parts_keep(map, a.id, (char *)answers + a.id * answer_B, answer_B);
            progress_parts(++done, n);
            free(a.data);
            free(a.died);
        }
        progress_tick(NULL);
    }
    pool_free(pool);
    progress_parts(0, 0);
    return diag_failed(diag) ? -1 : 0;
}
