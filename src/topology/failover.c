#include "topology/failover.h"

#include <stdlib.h>

#include "topology/opensm.h"

struct failed {
    uint32_t link, sweep;
};

struct failover {
    const struct topology *t;
    enum fault_manager manager;
    struct arena *arena;
    struct tables *tables; /* in the arena; NULL until somebody asks */
    uint8_t *down;         /* [n_links] of the first `done` */
    struct failed *failed; /* in order of time */
    uint32_t n, done, room;
};

struct failover *failover_new(const struct topology *t, enum fault_manager manager)
{
    struct failover *f = checked_alloc(calloc(1, sizeof *f));
    f->t = t;
    f->manager = manager;
    f->down = checked_alloc(calloc(t->n_links + 1, 1));
    return f;
}

void failover_free(struct failover *f)
{
    if (!f)
        return;
    arena_free(f->arena);
    free(f->down);
    free(f->failed);
    free(f);
}

void failover_link_down(struct failover *f, uint32_t link, uint32_t sweep)
{
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        f->failed = checked_alloc(realloc(f->failed, f->room * sizeof *f->failed));
    }
    f->failed[f->n++] = (struct failed){link, sweep};
}

/* Marks what the next sweep finds down. */
static void sweep(struct failover *f)
{
    uint32_t number = f->failed[f->done].sweep;
    while (f->done < f->n && f->failed[f->done].sweep == number)
        f->down[f->failed[f->done++].link] = 1;
}

/* By the engine that made the tables; one that refuses what is left leaves them to a manager that does not. */
static void repair(struct failover *f, bool keep)
{
    struct diag *unsaid = diag_new();
    if (!f->t->engine || opensm_route(f->tables, f->t, f->t->engine, f->down, keep, unsaid)) {
        if (keep)
            tables_repair(f->tables, f->down);
        else
            tables_compute(f->tables, f->down);
    }
    diag_free(unsaid);
}

const struct tables *failover_tables(struct failover *f)
{
    bool changed = f->done < f->n;
    if (!f->tables) {
        f->arena = arena_new();
        f->tables = tables_new(f->t, f->arena);
        tables_from_routes(f->tables);
    }
    while (f->done < f->n) {
        sweep(f);
        if (f->manager == MANAGER_LIVE)
            repair(f, true);
    }
    if (changed && f->manager == MANAGER_RESTARTED)
        repair(f, false);
    return f->tables;
}
