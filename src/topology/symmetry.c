#include "topology/symmetry.h"

#include <gsl/gsl_rng.h>
#include <string.h>

#include "base/rng.h"

enum { NO_CLASS = UINT32_MAX, MAX_CHECKED_PAIRS = 1 << 20 };

/* Where a link is on a path: links[place] of that from src to dst. */
struct witness {
    uint32_t src, dst, place;
};

struct fold {
    const struct topology *t;
    uint32_t n_turns, n_classes;
    uint32_t *class_of;      /* [n_links], NO_CLASS: on no path */
    uint32_t *image;         /* [n_turns][n_links] where a turn carries a link */
    struct witness *witness; /* [n_links] */
    uint32_t *queue;         /* [n_links] */
    uint32_t *size;          /* [n_links] by class: its links */
};

static uint32_t turn(const struct fold *f, uint32_t number, uint32_t endpoint)
{
    return f->t->type->turn(f->t, number, endpoint);
}

/* --- the turns: one orbit, no GPU kept in place ------------------------------------------------------- */

static bool reach_all(const struct fold *f, struct arena *arena)
{
    uint32_t n = f->t->n_endpoints, head = 0, tail = 0;
    uint32_t *queue = ARENA_ARRAY(arena, uint32_t, n);
    bool *seen = ARENA_ARRAY(arena, bool, n);
    memset(seen, 0, n * sizeof *seen);
    seen[queue[tail++] = 0] = true;
    while (head < tail) {
        uint32_t from = queue[head++];
        for (uint32_t i = 0; i < f->n_turns; i++) {
            uint32_t to = turn(f, i, from);
            if (!seen[to])
                seen[queue[tail++] = to] = true;
        }
    }
    return tail == n;
}

/* A commuting group that reaches all moves every GPU unless it moves none: as many turns as GPUs. */
static bool commute(const struct fold *f)
{
    for (uint32_t e = 0; e < f->t->n_endpoints; e++)
        for (uint32_t i = 0; i < f->n_turns; i++)
            for (uint32_t k = 0; k < i; k++)
                if (turn(f, i, turn(f, k, e)) != turn(f, k, turn(f, i, e)))
                    return false;
    return true;
}

/* --- classes of links ----------------------------------------------------------------------------------- */

static void enter(struct fold *f, uint32_t link, uint32_t class, struct witness seen, uint32_t *tail)
{
    f->class_of[link] = class;
    f->witness[link] = seen;
    f->size[class]++;
    f->queue[(*tail)++] = link;
}

static bool alike(const struct topo_link *a, const struct topo_link *b)
{
    return a->capacity_Bps == b->capacity_Bps && a->latency_s == b->latency_s && a->kind == b->kind;
}

/* Where a turn carries a link, by its witness; NO_CLASS when paths do not correspond. */
static uint32_t carry(const struct fold *f, uint32_t number, uint32_t link)
{
    uint32_t links[ROUTE_MAX_LINKS];
    const struct witness *w = &f->witness[link];
    uint32_t n = topology_route(f->t, turn(f, number, w->src), turn(f, number, w->dst), links);
    if (w->place >= n || !alike(&f->t->links[link], &f->t->links[links[w->place]]))
        return NO_CLASS;
    return links[w->place];
}

static bool spread(struct fold *f, uint32_t first, struct witness seen)
{
    uint32_t class = f->n_classes++, head = 0, tail = 0;
    f->size[class] = 0;
    enter(f, first, class, seen, &tail);
    while (head < tail) {
        uint32_t link = f->queue[head++];
        const struct witness w = f->witness[link];
        for (uint32_t i = 0; i < f->n_turns; i++) {
            uint32_t to = carry(f, i, link);
            if (to == NO_CLASS || (f->class_of[to] != NO_CLASS && f->class_of[to] != class))
                return false;
            f->image[(size_t)i * f->t->n_links + link] = to;
            if (f->class_of[to] == NO_CLASS)
                enter(f, to, class, (struct witness){turn(f, i, w.src), turn(f, i, w.dst), w.place}, &tail);
        }
    }
    return true;
}

/* A path that crosses a class twice would need its capacity twice: a link of the quotient cannot. */
static bool classes_apart(const struct fold *f, const uint32_t *links, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (f->class_of[links[i]] == f->class_of[links[k]])
                return false;
    return true;
}

static bool find_classes(struct fold *f)
{
    uint32_t links[ROUTE_MAX_LINKS];
    for (uint32_t dst = 1; dst < f->t->n_endpoints; dst++) {
        uint32_t n = topology_route(f->t, 0, dst, links);
        for (uint32_t i = 0; i < n; i++)
            if (f->class_of[links[i]] == NO_CLASS && !spread(f, links[i], (struct witness){0, dst, i}))
                return false;
        if (!classes_apart(f, links, n))
            return false;
    }
    return true;
}

/* --- what turns promise ----------------------------------------------------------------------------------- */

static bool path_is_carried(const struct fold *f, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], carried[ROUTE_MAX_LINKS];
    uint32_t n = topology_route(f->t, src, dst, links);
    for (uint32_t i = 0; i < f->n_turns; i++) {
        const uint32_t *image = f->image + (size_t)i * f->t->n_links;
        if (topology_route(f->t, turn(f, i, src), turn(f, i, dst), carried) != n)
            return false;
        for (uint32_t k = 0; k < n; k++)
            if (f->class_of[links[k]] == NO_CLASS || image[links[k]] != carried[k])
                return false;
    }
    return true;
}

static bool paths_are_carried(const struct fold *f)
{
    uint32_t n = f->t->n_endpoints;
    if ((uint64_t)n * n <= MAX_CHECKED_PAIRS) {
        for (uint32_t pair = 0; pair < n * n; pair++)
            if (!path_is_carried(f, pair / n, pair % n))
                return false;
        return true;
    }
    gsl_rng *rng = rng_stream(1, n, "pairs to check symmetry on");
    bool ok = true;
    for (uint32_t i = 0; ok && i < MAX_CHECKED_PAIRS; i++) {
        uint32_t src = (uint32_t)gsl_rng_uniform_int(rng, n);
        ok = path_is_carried(f, src, (uint32_t)gsl_rng_uniform_int(rng, n));
    }
    gsl_rng_free(rng);
    return ok;
}

/* --- the quotient ------------------------------------------------------------------------------------------ */

static uint32_t only(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

static uint32_t first(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

static uint32_t path(const struct topology *q, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    const struct fold *f = q->state;
    (void)number;
    BUG_IF(src != 0);
    uint32_t n = topology_route(f->t, src, dst, links);
    for (uint32_t i = 0; i < n; i++)
        links[i] = f->class_of[links[i]];
    return n;
}

static const char *link_name(const struct topology *q, uint32_t link, char *buf, size_t size)
{
    const struct fold *f = q->state;
    for (uint32_t i = 0; i < f->t->n_links; i++)
        if (f->class_of[i] == link)
            return f->t->type->link_name(f->t, i, buf, size);
    return NULL;
}

/* Not in the registry: not a network of its own. */
static const struct topology_type quotient_type = {
    .name = "quotient",
    .doc = "a symmetric network, folded up",
    .ref = "",
    .n_minimal = only,
    .by_destination = first,
    .path = path,
    .link_name = link_name,
};

static void make_quotient(const struct fold *f, struct topology *q, struct arena *arena)
{
    double n = f->t->n_endpoints;
    *q = *f->t;
    q->type = &quotient_type;
    q->state = (void *)(uintptr_t)f;
    q->n_links = f->n_classes;
    q->links = ARENA_ARRAY(arena, struct topo_link, f->n_classes);
    for (uint32_t i = 0; i < f->t->n_links; i++)
        if (f->class_of[i] != NO_CLASS)
            q->links[f->class_of[i]] = f->t->links[i];
    for (uint32_t c = 0; c < f->n_classes; c++)
        q->links[c].capacity_Bps *= f->size[c] / n;
}

static struct fold *fold_new(const struct topology *t, struct arena *arena)
{
    struct fold *f = ARENA_NEW(arena, struct fold);
    *f = (struct fold){.t = t, .n_turns = t->type->n_turns && !t->tables ? t->type->n_turns(t) : 0};
    f->class_of = ARENA_ARRAY(arena, uint32_t, t->n_links);
    f->witness = ARENA_ARRAY(arena, struct witness, t->n_links);
    f->queue = ARENA_ARRAY(arena, uint32_t, t->n_links);
    f->size = ARENA_ARRAY(arena, uint32_t, t->n_links);
    f->image = ARENA_ARRAY(arena, uint32_t, (size_t)f->n_turns * t->n_links);
    memset(f->class_of, 0xff, t->n_links * sizeof *f->class_of);
    return f;
}

static int refuse(const struct topology *t, struct diag *diag, const char *why)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "no symmetry of %s with %u GPUs is known: %s; simulate all flows (symmetry: off)", t->type->name,
               t->n_endpoints, why);
    return -1;
}

int symmetry_quotient(const struct topology *t, struct topology *quotient, struct arena *arena, struct diag *diag)
{
    struct fold *f = fold_new(t, arena);
    if (!f->n_turns)
        return refuse(t, diag, "its leaf switches must be full, or this network is not symmetric");
    if (!reach_all(f, arena) || !commute(f))
        return refuse(t, diag, "its turns do not carry every GPU to every other");
    if (!find_classes(f) || !paths_are_carried(f))
        return refuse(t, diag, "its turns do not carry paths to paths");
    make_quotient(f, quotient, arena);
    return 0;
}
