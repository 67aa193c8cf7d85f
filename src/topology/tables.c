#define _GNU_SOURCE /* qsort_r */
#include "topology/tables.h"

#include <stdlib.h>
#include <string.h>

#include "topology/ends.h"

enum { NOWHERE = UINT16_MAX };

struct tables {
    const struct topology *t;
    struct arena *arena;
    uint32_t n_switches, n_ports, first_switch;
    uint32_t *first_out, *out; /* links between switches, by the switch that they leave */
    uint32_t *first_in, *in;   /* the same, by the switch that they enter */
    uint32_t *has_ports;       /* [n_switches] NICs that hang on it */
    uint32_t *next;            /* [n_switches][n_ports] */
};

/* --- the graph of switches ----------------------------------------------------------------------------------------- */

static uint32_t tail(const struct tables *s, uint32_t link)
{
    return s->t->links[link].a - s->first_switch;
}

static uint32_t head(const struct tables *s, uint32_t link)
{
    return s->t->links[link].b - s->first_switch;
}

static uint32_t switch_of(const struct tables *s, uint32_t port)
{
    return head(s, ends_first_out(s->t) + port);
}

static bool joins_switches(const struct tables *s, uint32_t link)
{
    return s->t->links[link].a >= s->first_switch && s->t->links[link].b >= s->first_switch;
}

static void list_links(struct tables *s, uint32_t **first, uint32_t **list,
                       uint32_t (*end)(const struct tables *s, uint32_t link))
{
    uint32_t n = s->t->n_links;
    *first = ARENA_ARRAY(s->arena, uint32_t, s->n_switches + 2);
    *list = ARENA_ARRAY(s->arena, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        if (joins_switches(s, i))
            (*first)[end(s, i) + 2]++;
    for (uint32_t v = 0; v < s->n_switches; v++)
        (*first)[v + 2] += (*first)[v + 1];
    for (uint32_t i = 0; i < n; i++)
        if (joins_switches(s, i))
            (*list)[(*first)[end(s, i) + 1]++] = i;
}

double tables_size_B(const struct topology *t)
{
    double switches = (double)t->n_vertices - topology_first_switch(t), ports = (double)t->n_ports;
    return switches * ports * sizeof(uint32_t);
}

int tables_check_size(const struct topology *t, const char *key, struct diag *diag)
{
    static const double most_B = 4e9;
    if (tables_size_B(t) <= most_B)
        return 0;
    diag_error(
        diag, EXIT_LIMIT, SRCLOC_NONE,
        "%s: tables of the switches would take %.1f GB (%u switches, %u NIC ports), and %.0f GB is the limit; use "
        "fewer nodes",
        key, tables_size_B(t) / 1e9, t->n_vertices - topology_first_switch(t), t->n_ports, most_B / 1e9);
    return -1;
}

struct tables *tables_new(const struct topology *t, struct arena *a)
{
    struct tables *s = ARENA_NEW(a, struct tables);
    *s = (struct tables){.t = t, .arena = a, .first_switch = topology_first_switch(t)};
    s->n_switches = t->n_vertices > s->first_switch ? t->n_vertices - s->first_switch : 0;
    s->n_ports = t->n_ports;
    list_links(s, &s->first_out, &s->out, tail);
    list_links(s, &s->first_in, &s->in, head);
    s->has_ports = ARENA_ARRAY(a, uint32_t, s->n_switches + 1);
    for (uint32_t p = 0; p < s->n_ports; p++)
        s->has_ports[switch_of(s, p)]++;
    size_t n = (size_t)s->n_switches * s->n_ports;
    s->next = arena_alloc(a, n * sizeof *s->next + 1);
    memset(s->next, 0xff, n * sizeof *s->next);
    return s;
}

static uint32_t *entry(const struct tables *s, uint32_t sw, uint32_t port)
{
    return &s->next[(size_t)sw * s->n_ports + port];
}

uint32_t tables_next(const struct tables *s, uint32_t vertex, uint32_t port)
{
    uint32_t sw = vertex - s->first_switch;
    return sw == switch_of(s, port) ? ends_first_in(s->t) + port : *entry(s, sw, port);
}

uint32_t tables_walk(const struct tables *s, uint32_t from_port, uint32_t to_port, uint32_t *links, uint32_t max)
{
    uint32_t at = switch_of(s, from_port), to = switch_of(s, to_port), n = 0;
    while (at != to) {
        uint32_t link = *entry(s, at, to_port);
        if (link == TABLES_NONE || n == max)
            return TABLES_NONE;
        links[n++] = link;
        at = head(s, link);
    }
    return n;
}

uint32_t tables_along(const struct tables *s, uint32_t path[ROUTE_MAX_LINKS], uint32_t n)
{
    const struct topology *t = s->t;
    uint32_t out = 0, in = n, way[ROUTE_MAX_LINKS], behind[ROUTE_MAX_LINKS];
    while (out < n && t->links[path[out]].kind != LINK_NIC)
        out++;
    while (in > out && t->links[path[in - 1]].kind != LINK_NIC)
        in--;
    if (out == n)
        return n;
    uint32_t room = ROUTE_MAX_LINKS - (out + 1) - (n - in + 1);
    uint32_t n_way = tables_walk(s, path[out] - ends_first_out(t), path[in - 1] - ends_first_in(t), way, room);
    if (n_way == TABLES_NONE)
        return 0;
    memcpy(behind, path + in - 1, (n - in + 1) * sizeof *path);
    memcpy(path + out + 1, way, n_way * sizeof *path);
    memcpy(path + out + 1 + n_way, behind, (n - in + 1) * sizeof *path);
    return out + 1 + n_way + (n - in + 1);
}

void tables_set(struct tables *s, uint32_t vertex, uint32_t port, uint32_t link)
{
    *entry(s, vertex - s->first_switch, port) = link;
}

/* All entries of other tables of the same network. */
static void tables_copy(struct tables *to, const struct tables *from)
{
    memcpy(to->next, from->next, (size_t)to->n_switches * to->n_ports * sizeof *to->next);
}

/* --- ways to one switch ---------------------------------------------------------------------------------------------- */

/* Switches in order of their distance from a target, and what each has been given; kept while the target is the same. */
struct ways {
    struct tables *s;
    const uint8_t *down;
    uint32_t port, target, n; /* the destination, its switch; n: switches that reach it */
    uint16_t *distance;       /* [n_switches] links to the target; NOWHERE */
    uint32_t *order;          /* [n] by distance */
    uint8_t *leads;           /* [n_switches] a switch one farther has a link to it */
    uint32_t *count;          /* [n_links] destinations that cross a link so far */
    uint32_t *total;          /* [n_switches] destinations that cross a switch so far */
    uint32_t *class; /* [n_switches] how gladly others follow it; 0: the way that is chosen for the destination */
    uint32_t *level; /* room for one level's switches */
    uint32_t *used;  /* [n_switches] traffic to the destination comes through */
};

static bool is_up(const struct ways *w, uint32_t link)
{
    return !w->down || !w->down[link];
}

static void search(struct ways *w, uint32_t target)
{
    const struct tables *s = w->s;
    w->target = target;
    w->n = 0;
    memset(w->distance, 0xff, s->n_switches * sizeof *w->distance);
    memset(w->leads, 0, s->n_switches);
    w->distance[target] = 0;
    w->order[w->n++] = target;
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t v = w->order[i];
        for (uint32_t k = s->first_in[v]; k < s->first_in[v + 1]; k++) {
            uint32_t u = tail(s, s->in[k]);
            if (!is_up(w, s->in[k]))
                continue;
            if (w->distance[u] == NOWHERE) {
                w->distance[u] = (uint16_t)(w->distance[v] + 1);
                w->order[w->n++] = u;
            }
            w->leads[v] |= w->distance[u] == w->distance[v] + 1;
        }
    }
}

/* --- one destination ------------------------------------------------------------------------------------------------- */

static bool is_shortest(const struct ways *w, uint32_t link)
{
    if (link == TABLES_NONE || !is_up(w, link))
        return false;
    uint16_t left = w->distance[head(w->s, link)];
    return left != NOWHERE && left + 1 == w->distance[tail(w->s, link)];
}

/* Whether link a is the better way on than b. */
static bool is_better(const struct ways *w, uint32_t a, uint32_t b)
{
    uint32_t u = head(w->s, a), v = head(w->s, b);
    if (w->class[u] != w->class[v])
        return w->class[u] < w->class[v];
    if (w->count[a] != w->count[b])
        return w->count[a] < w->count[b];
    return w->total[u] != w->total[v] ? w->total[u] < w->total[v] : a < b;
}

static uint32_t choose(const struct ways *w, uint32_t u)
{
    const struct tables *s = w->s;
    uint32_t best = TABLES_NONE;
    for (uint32_t k = s->first_out[u]; k < s->first_out[u + 1]; k++)
        if (is_shortest(w, s->out[k]) && (best == TABLES_NONE || is_better(w, s->out[k], best)))
            best = s->out[k];
    return best;
}

/* By how little the way on from them carries. */
static int by_way(const void *x, const void *y, void *ways)
{
    const struct ways *w = ways;
    uint32_t u = *(const uint32_t *)x, v = *(const uint32_t *)y;
    uint32_t a = *entry(w->s, u, w->port), b = *entry(w->s, v, w->port);
    uint32_t p = w->class[head(w->s, a)], q = w->class[head(w->s, b)];
    if (p != q)
        return p < q ? -1 : 1;
    if (w->count[a] != w->count[b])
        return w->count[a] < w->count[b] ? -1 : 1;
    if (w->total[u] != w->total[v])
        return w->total[u] < w->total[v] ? -1 : 1;
    return u < v ? -1 : u > v;
}

static bool way_differs(const struct ways *w, uint32_t u, uint32_t v)
{
    uint32_t a = *entry(w->s, u, w->port), b = *entry(w->s, v, w->port);
    return w->class[head(w->s, a)] != w->class[head(w->s, b)] || w->count[a] != w->count[b];
}

/* The switches of a level get their classes: 0 the first that leads on, 1 and more the others. */
static void classify(struct ways *w, const uint32_t *level, uint32_t n)
{
    bool chosen = false;
    uint32_t rank = 1;
    memcpy(w->level, level, n * sizeof *level);
    qsort_r(w->level, n, sizeof *w->level, by_way, w);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t u = w->level[i];
        rank += i && way_differs(w, w->level[i - 1], u);
        w->class[u] = !chosen && w->leads[u] ? 0 : rank;
        chosen |= w->leads[u];
    }
}

/* From the outside in: what traffic comes through is counted. */
static void count_use(struct ways *w)
{
    const struct tables *s = w->s;
    for (uint32_t i = 0; i < w->n; i++)
        w->used[w->order[i]] = s->has_ports[w->order[i]]; /* NICs whose traffic it sends on */
    for (uint32_t i = w->n; i-- > 1;) {
        uint32_t u = w->order[i], link = *entry(s, u, w->port);
        if (!w->used[u])
            continue;
        w->used[head(s, link)] += w->used[u];
        w->count[link] += w->used[u];
        w->total[u] += w->used[u];
    }
}

static void route_to(struct ways *w, uint32_t port, bool keep)
{
    const struct tables *s = w->s;
    uint32_t target = switch_of(s, port);
    if (target != w->target)
        search(w, target);
    w->port = port;
    for (uint32_t sw = 0; sw < s->n_switches; sw++)
        if (!keep || !is_shortest(w, *entry(s, sw, port)))
            *entry(s, sw, port) = TABLES_NONE;
    w->class[target] = 0;
    for (uint32_t from = 1, to; from < w->n; from = to) {
        for (to = from; to < w->n && w->distance[w->order[to]] == w->distance[w->order[from]]; to++)
            if (*entry(s, w->order[to], port) == TABLES_NONE)
                *entry(s, w->order[to], port) = choose(w, w->order[to]);
        classify(w, w->order + from, to - from);
    }
    count_use(w);
}

static void route_all(struct tables *s, const uint8_t *down, bool keep)
{
    struct arena *a = arena_new();
    uint32_t n = s->n_switches + 1;
    struct ways w = {.s = s,
                     .down = down,
                     .target = UINT32_MAX,
                     .distance = ARENA_ARRAY(a, uint16_t, n),
                     .order = ARENA_ARRAY(a, uint32_t, n),
                     .leads = ARENA_ARRAY(a, uint8_t, n),
                     .count = ARENA_ARRAY(a, uint32_t, s->t->n_links + 1),
                     .total = ARENA_ARRAY(a, uint32_t, n),
                     .class = ARENA_ARRAY(a, uint32_t, n),
                     .level = ARENA_ARRAY(a, uint32_t, n),
                     .used = ARENA_ARRAY(a, uint32_t, n)};
    for (uint32_t port = 0; port < s->n_ports; port++)
        route_to(&w, port, keep);
    arena_free(a);
}

void tables_compute(struct tables *tables, const uint8_t *down)
{
    route_all(tables, down, false);
}

void tables_repair(struct tables *tables, const uint8_t *down)
{
    route_all(tables, down, true);
}

/* --- the tables of the whole network --------------------------------------------------------------------------------- */

/* Entries along the route from one endpoint's NIC port to another's. */
static void note_route(struct tables *s, uint32_t src, uint32_t dst, uint32_t by)
{
    const struct topology *t = s->t;
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route_by(t, src, dst, by, links), port = 0;
    for (uint32_t i = 0; i < n; i++)
        if (t->links[links[i]].kind == LINK_NIC)
            port = links[i] - ends_first_in(t); /* the last one enters a NIC */
    for (uint32_t i = 0; i < n; i++)
        if (t->links[links[i]].kind > LINK_NIC)
            *entry(s, tail(s, links[i]), port) = links[i];
}

void tables_from_routes(struct tables *s)
{
    const struct topology *t = s->t;
    if (t->tables) {
        tables_copy(s, t->tables);
        return;
    }
    struct arena *a = arena_new();
    /* two endpoints of each switch, of different nodes where there are: one of them is none of the destination's node */
    uint32_t *speaker = ARENA_ARRAY(a, uint32_t, 2 * s->n_switches + 2);
    memset(speaker, 0xff, (2 * s->n_switches + 2) * sizeof *speaker);
    for (uint32_t p = 0; p < s->n_ports; p++) {
        uint32_t e = topology_port_owner(t, p), *of = speaker + 2 * (size_t)switch_of(s, p);
        if (e == TOPOLOGY_NONE)
            continue;
        if (of[0] == UINT32_MAX)
            of[0] = e;
        else if (of[1] == UINT32_MAX && !ends_same_node(t, of[0], e))
            of[1] = e;
    }
    for (uint32_t i = 0; i < 2 * s->n_switches; i++)
        for (uint32_t dst = 0; speaker[i] != UINT32_MAX && dst < t->n_endpoints; dst++)
            for (uint32_t by = 0; by < t->ports_per_nic && !ends_same_node(t, speaker[i], dst); by++)
                note_route(s, speaker[i], dst, by);
    arena_free(a);
}
