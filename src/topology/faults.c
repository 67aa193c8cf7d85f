#include "topology/faults.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct victim {
    char what[16];
    unsigned long number;
    long port; /* -1: all */
};

struct reading {
    const struct topology *t;
    uint8_t *down; /* [n_links] */
    struct fault_link *links;
    uint32_t n;
    const char *list;
    struct diag *diag;
};

static int complain(const struct reading *r, const char *what, unsigned long n)
{
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "'%s' in cluster.faults.down: this network has %lu of these, counted from 0", what, n);
    return -1;
}

static uint32_t n_planes(const struct topology *t)
{
    uint32_t most = 0;
    for (uint32_t v = topology_first_switch(t); t->type->plane_of && v < t->n_vertices; v++)
        most = t->type->plane_of(t, v) > most ? t->type->plane_of(t, v) : most;
    return most + 1;
}

static bool in_plane(const struct topology *t, uint32_t vertex, unsigned long plane)
{
    if (vertex < topology_first_switch(t))
        return false;
    return t->type->plane_of ? t->type->plane_of(t, vertex) == plane : plane == 0;
}

/* 1: it is down with this item; 2: it was before. */
static uint8_t fails(const struct reading *r, uint32_t link, bool now)
{
    return r->down[link] ? r->down[link] : now;
}

static void fail_plane(const struct reading *r, unsigned long plane)
{
    for (uint32_t i = 0; i < r->t->n_links; i++) {
        const struct topo_link *l = &r->t->links[i];
        r->down[i] =
            fails(r, i, l->kind != LINK_NVLINK && (in_plane(r->t, l->a, plane) || in_plane(r->t, l->b, plane)));
    }
}

static void fail_vertex(const struct reading *r, uint32_t vertex)
{
    for (uint32_t i = 0; i < r->t->n_links; i++) {
        const struct topo_link *l = &r->t->links[i];
        r->down[i] = fails(r, i, l->kind != LINK_NVLINK && (l->a == vertex || l->b == vertex));
    }
}

static int fail_nic(const struct reading *r, const struct victim *v)
{
    const struct topology *t = r->t;
    if (v->number >= t->n_endpoints || v->port >= (long)t->ports_per_nic || !t->ports_per_nic)
        return complain(r, v->port < 0 ? "nic" : "nic port", v->port < 0 ? t->n_endpoints : t->ports_per_nic);
    for (uint32_t p = 0; p < t->ports_per_nic; p++)
        if (v->port < 0 || v->port == (long)p)
            fail_vertex(r, t->n_endpoints + topology_nic_port(t, (uint32_t)v->number, p));
    return 0;
}

static int apply(const struct reading *r, const struct victim *v)
{
    const struct topology *t = r->t;
    uint32_t first = topology_first_switch(t);
    if (!strcmp(v->what, "nic"))
        return fail_nic(r, v);
    if (!strcmp(v->what, "plane")) {
        if (v->number >= n_planes(t))
            return complain(r, "plane", n_planes(t));
        fail_plane(r, v->number);
    } else if (!strcmp(v->what, "switch")) {
        if (v->number >= t->n_vertices - first)
            return complain(r, "switch", t->n_vertices - first);
        fail_vertex(r, first + (uint32_t)v->number);
    } else {
        if (v->number >= t->n_links)
            return complain(r, "link", t->n_links);
        r->down[v->number] = fails(r, (uint32_t)v->number, true);
    }
    return 0;
}

static bool is_kind(const char *word)
{
    static const char *const kinds[] = {"plane", "switch", "nic", "link", NULL};
    for (int i = 0; kinds[i]; i++)
        if (!strcmp(kinds[i], word))
            return true;
    return false;
}

/* One item of the list; the place behind it, or NULL when it cannot be read. */
static const char *read_item(const char *at, struct victim *v)
{
    int used = 0;
    *v = (struct victim){.port = -1};
    if (sscanf(at, " %15[a-z] %lu%n", v->what, &v->number, &used) != 2 || !is_kind(v->what))
        return NULL;
    at += used;
    if (*at == '.' && isdigit((unsigned char)at[1]) && !strcmp(v->what, "nic"))
        v->port = strtol(at + 1, (char **)&at, 10);
    while (isspace((unsigned char)*at))
        at++;
    if (*at == ',')
        return at + 1;
    return *at ? NULL : at;
}

/* Links that are down and not in the list yet: what this item added. */
static void list_new(struct reading *r, uint32_t item)
{
    for (uint32_t i = 0; i < r->t->n_links; i++)
        if (r->down[i] == 1) {
            r->links[r->n++] = (struct fault_link){i, item};
            r->down[i] = 2;
        }
}

static int read_list(struct reading *r)
{
    uint32_t item = 0;
    for (const char *at = r->list; *at; item++) {
        struct victim v;
        at = read_item(at, &v);
        if (!at) {
            diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                       "cluster.faults.down: cannot read '%s'; write for example "
                       "'plane 0, switch 3, nic 12, nic 12.1, link 77'",
                       r->list);
            return -1;
        }
        if (apply(r, &v))
            return -1;
        list_new(r, item);
    }
    return 0;
}

int faults_links(const struct topology *t, const char *list, struct arena *arena, struct fault_link **links,
                 uint32_t *n, struct diag *diag)
{
    struct reading r = {.t = t,
                        .down = ARENA_ARRAY(arena, uint8_t, t->n_links + 1),
                        .links = ARENA_ARRAY(arena, struct fault_link, t->n_links + 1),
                        .list = list,
                        .diag = diag};
    *n = 0;
    if (read_list(&r))
        return -1;
    *links = r.links;
    *n = r.n;
    return 0;
}
