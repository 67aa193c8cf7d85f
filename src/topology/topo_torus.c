/* Torus of two or three dimensions (TPU v4, Jouppi et al., ISCA 2023): chips at the places of a grid, each cabled to its
 * neighbours, and the ends of a row to each other. No switches: chips forward. Static tables go dimension by dimension
 * (dimension order), each the shorter way round; half-way round, chips with an even coordinate go up, the others down.
 * Minimal paths: all orders of steps the shorter way round (minimal adaptive routing chooses among them), of which
 * MANY, evenly spread, where there are more. Detours: the long way round a dimension, or a parallel row.
 * TPU v4's chips stand in cubes of 4 x 4 x 4 cabled in copper, and optical switches join faces of cubes: links that
 * leave a cube, and the ends of a row, are optical (torus_cube). Left out: twisted tori; the optical switches themselves, which have no queues. */
#include <stdio.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/lattice.h"
#include "topology/topo_keys.h"
#include "base/cfg_rows.h"

enum { MANY = 128, MAX_DIMS = 3 };

struct torus_keys {
    const char *sizes, *bandwidths;
    int64_t cube;
    bool wrap;
};
static const struct cfg_field keys_fields[] = {
    ROW_TEXT(torus_keys, "torus", sizes, "", "torus: chips along each of two or three dimensions",
             .example = "4, 4, 8"),
    ROW_TEXT(torus_keys, "torus_bandwidth", bandwidths, "",
             "torus: of a link, one direction, for all dimensions or each; empty = port_bandwidth",
             .example = "50 GB/s"),
    ROW_FLAG(torus_keys, "torus_wrap", wrap, "true", "torus: rows are rings; without it a mesh of neighbours"),
    ROW_COUNT(torus_keys, "torus_cube", cube, "4", 1, 65536,
              "torus: edge of the cubes of chips inside which links are copper"),
    {0},
};
static const struct cfg_table keys_table = {"torus", "rings of chips", sizeof(struct torus_keys), keys_fields};

struct torus {
    struct lattice l;
    bool wrap;
    uint32_t cube, n_cables; /* n_cables: directed */
    uint32_t *first;         /* [n] links of each chip, behind those of ends.h */
};

enum { UP, DOWN };

static const struct torus *torus_of(const struct topology *t)
{
    return t->state;
}

/* --- shape ------------------------------------------------------------------------------------------- */

/* Two chips in a row are joined by one cable, not by two. */
static bool is_ring(const struct torus *f, uint32_t dim)
{
    return f->wrap && f->l.size[dim] > 2;
}

static bool has_link(const struct torus *f, uint32_t chip, uint32_t dim, int way)
{
    uint32_t at = lattice_at(&f->l, chip, dim);
    return is_ring(f, dim) || (way == UP ? at + 1 < f->l.size[dim] : at > 0);
}

static uint64_t cables_of(const struct torus *f, uint32_t dim)
{
    uint64_t rows = f->l.n / f->l.size[dim];
    return rows * (is_ring(f, dim) ? f->l.size[dim] : f->l.size[dim] - 1);
}

/* Cables of a dimension that stay in a cube; ends of a row are joined from cube to cube, if it is the same one. */
static uint64_t short_of(const struct torus *f, uint32_t dim)
{
    return f->l.n / f->l.size[dim] * (f->l.size[dim] - (f->l.size[dim] + f->cube - 1) / f->cube);
}

static bool is_short(const struct torus *f, uint32_t from, uint32_t to, uint32_t dim)
{
    uint32_t a = lattice_at(&f->l, from, dim), b = lattice_at(&f->l, to, dim);
    return a / f->cube == b / f->cube && (a + 1 == b || b + 1 == a);
}

static uint32_t longest_path(const struct torus *f)
{
    uint32_t links = 0;
    for (uint32_t d = 0; d < f->l.n_dims; d++)
        links += is_ring(f, d) ? f->l.size[d] / 2 : f->l.size[d] - 1;
    return links;
}

static int plan(const struct cluster_hw *hw, struct torus *f, struct diag *diag)
{
    struct torus_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    struct lattice_keys k = {keys.sizes, "torus", keys.bandwidths, "torus_bandwidth", 2, MAX_DIMS};
    *f = (struct torus){.wrap = keys.wrap, .cube = (uint32_t)keys.cube};
    if (lattice_read(hw, &k, &f->l, diag))
        return -1;
    for (uint32_t d = 0; d < f->l.n_dims; d++)
        f->n_cables += 2 * (uint32_t)cables_of(f, d);
    if (longest_path(f) <= ROUTE_MAX_LINKS - 2)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "torus"),
               "chips of a torus of %s are up to %u cables apart, and %d is the limit of a path", keys.sizes,
               longest_path(f), ROUTE_MAX_LINKS - 2);
    return -1;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct torus f;
    if (plan(hw, &f, diag))
        return -1;
    out->endpoints = f.l.n;
    for (uint32_t d = 0; d < f.l.n_dims; d++) {
        out->links += cables_of(&f, d);
        out->short_links += short_of(&f, d);
    }
    return 0;
}

/* Of a chip inside. */
static double router_Bps(const struct torus *f)
{
    double sum_Bps = 0;
    for (uint32_t d = 0; d < f->l.n_dims; d++)
        sum_Bps += (f->l.size[d] > 2 ? 2 : f->l.size[d] - 1) * f->l.link_Bps[d];
    return sum_Bps;
}

static double payload_Bps(const struct cluster_hw *hw)
{
    struct torus f;
    struct diag *quiet = diag_new();
    double Bps = plan(hw, &f, quiet) ? 0 : hw_after_headers_Bps(hw, router_Bps(&f));
    diag_free(quiet);
    return Bps;
}

static uint32_t neighbour(const struct torus *f, uint32_t chip, uint32_t dim, int way)
{
    uint32_t size = f->l.size[dim], at = lattice_at(&f->l, chip, dim);
    return lattice_with(&f->l, chip, dim, (at + (way == UP ? 1 : size - 1)) % size);
}

static uint32_t link_to(const struct topology *t, uint32_t chip, uint32_t dim, int way)
{
    const struct torus *f = torus_of(t);
    uint32_t link = ends_n_links(t) + f->first[chip];
    for (uint32_t d = 0; d < dim; d++)
        link += has_link(f, chip, d, UP) + has_link(f, chip, d, DOWN);
    return link + (way == DOWN && has_link(f, chip, dim, UP));
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct torus *f = ARENA_NEW(a, struct torus);
    if (plan(hw, f, diag))
        return -1;
    t->state = f;
    lattice_begin(t, hw, &f->l, router_Bps(f), f->n_cables, a);
    f->first = ARENA_ARRAY(a, uint32_t, f->l.n);
    for (uint32_t chip = 0, n = 0; chip < f->l.n; chip++) {
        f->first[chip] = n;
        for (uint32_t d = 0; d < f->l.n_dims; d++)
            for (int way = UP; way <= DOWN; way++) {
                if (!has_link(f, chip, d, way))
                    continue;
                uint32_t to = neighbour(f, chip, d, way);
                lattice_link(t, hw, ends_n_links(t) + n++, chip, to, f->l.link_Bps[d], is_short(f, chip, to, d));
            }
    }
    return 0;
}

/* --- paths ------------------------------------------------------------------------------------------- */

struct way { /* along one dimension */
    uint32_t steps;
    int way;
    bool either; /* half-way round: the other way is as short */
};

/* Half-way round, even coordinates go up: as many links go up as down. */
static struct way way_of(const struct torus *f, uint32_t from, uint32_t to, uint32_t dim)
{
    uint32_t size = f->l.size[dim], a = lattice_at(&f->l, from, dim), b = lattice_at(&f->l, to, dim);
    uint32_t up = (b + size - a) % size;
    if (!is_ring(f, dim))
        return (struct way){b > a ? b - a : a - b, b > a ? UP : DOWN, false};
    if (2 * up == size)
        return (struct way){up, a % 2 ? DOWN : UP, true};
    return 2 * up < size ? (struct way){up, UP, false} : (struct way){size - up, DOWN, false};
}

struct ways {
    struct way of[MAX_DIMS];
    uint32_t n_dims, steps, n_either;
};

static struct ways ways_between(const struct torus *f, uint32_t src, uint32_t dst)
{
    struct ways w = {.n_dims = f->l.n_dims};
    for (uint32_t d = 0; d < w.n_dims; d++) {
        w.of[d] = way_of(f, src, dst, d);
        w.steps += w.of[d].steps;
        w.n_either += w.of[d].either;
    }
    return w;
}

/* Orders of the steps: a multinomial coefficient. */
static double n_orders(const struct ways *w)
{
    double n = 1;
    uint32_t placed = 0;
    for (uint32_t d = 0; d < w->n_dims; d++)
        for (uint32_t i = 1; i <= w->of[d].steps; i++)
            n = n * ++placed / i;
    return n;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    struct ways w = ways_between(torus_of(t), src, dst);
    double n = n_orders(&w) * (1u << w.n_either);
    return n < MANY ? (uint32_t)(n + 0.5) : MANY;
}

static uint32_t step(const struct topology *t, uint32_t *at, uint32_t dim, int way, uint32_t *links)
{
    links[0] = link_to(t, *at, dim, way);
    *at = neighbour(torus_of(t), *at, dim, way);
    return 1;
}

/* The steps in order number `rank` of all; 0: dimension by dimension. */
static uint32_t in_order(const struct topology *t, uint32_t at, struct ways w, double rank, uint32_t *links)
{
    uint32_t n = 0;
    double orders = n_orders(&w);
    while (w.steps) {
        uint32_t d = 0;
        double of_d = 0;
        for (;; d++) { /* so many orders begin with a step in d */
            of_d = orders * w.of[d].steps / w.steps;
            if (rank + 0.5 < of_d || d + 1 == w.n_dims)
                break;
            rank -= of_d;
        }
        n += step(t, &at, d, w.of[d].way, links + n);
        w.of[d].steps--;
        w.steps--;
        orders = of_d;
    }
    return n;
}

/* Bits of `choice`: in which of the dimensions that are half-way round to go the other way. */
static void choose_ways(struct ways *w, uint32_t choice)
{
    for (uint32_t d = 0; d < w->n_dims; d++)
        if (w->of[d].either) {
            w->of[d].way ^= (int)(choice & 1);
            choice /= 2;
        }
}

static uint32_t minimal(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number, uint32_t *links)
{
    struct ways w = ways_between(torus_of(t), src, dst);
    uint32_t either = 1u << w.n_either, offered = n_minimal(t, src, dst);
    double orders = n_orders(&w), all = orders * either;
    double rank = all > offered ? (double)(uint64_t)(number * (all / offered)) : number;
    uint32_t choice = (uint32_t)(rank / orders);
    choose_ways(&w, choice < either ? choice : either - 1);
    return in_order(t, src, w, rank - choice * orders, links);
}

static uint32_t by_tables(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS])
{
    links[0] = ends_nic_out(t, src, 0);
    uint32_t n = 1 + in_order(t, src, ways_between(torus_of(t), src, dst), 0, links + 1);
    links[n++] = ends_nic_in(t, dst, 0);
    return n;
}

/* --- detours ----------------------------------------------------------------------------------------- */

/* In dimension d: the long way round, or over the next row and back. Returns how many links; 0: there is none, or it is
 * too long. */
static uint32_t detour(const struct topology *t, uint32_t src, uint32_t dst, uint32_t dim, int way, uint32_t *links)
{
    const struct torus *f = torus_of(t);
    struct ways w = ways_between(f, src, dst);
    uint32_t at = src, n = 0, size = f->l.size[dim];
    if (w.of[dim].steps) {
        if (!is_ring(f, dim) || w.of[dim].either || way == w.of[dim].way ||
            w.steps + size - 2 * w.of[dim].steps > ROUTE_MAX_LINKS - 2)
            return 0;
        w.steps += size - 2 * w.of[dim].steps;
        w.of[dim] = (struct way){size - w.of[dim].steps, way, false};
        return in_order(t, src, w, 0, links);
    }
    if (!has_link(f, src, dim, way) || w.steps + 2 > ROUTE_MAX_LINKS - 2)
        return 0;
    n = step(t, &at, dim, way, links);
    n += in_order(t, at, w, 0, links + n);
    at = neighbour(f, dst, dim, way);
    return n + step(t, &at, dim, way == UP ? DOWN : UP, links + n);
}

static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t n = 0, links[ROUTE_MAX_LINKS];
    for (uint32_t d = 0; d < torus_of(t)->l.n_dims; d++)
        for (int way = UP; way <= DOWN; way++)
            n += detour(t, src, dst, d, way, links) > 0;
    return n;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t minimal_paths = n_minimal(t, src, dst), n = 0;
    links[0] = ends_nic_out(t, src, 0);
    if (number < minimal_paths)
        n = minimal(t, src, dst, number, links + 1);
    for (uint32_t d = 0; number >= minimal_paths && d < torus_of(t)->l.n_dims; d++)
        for (int way = UP; number >= minimal_paths && way <= DOWN; way++) {
            uint32_t length = detour(t, src, dst, d, way, links + 1);
            if (length && number-- == minimal_paths)
                n = length;
        }
    links[n + 1] = ends_nic_in(t, dst, 0);
    return n + 2;
}

/* --- channels ------------------------------------------------------------------------------------- */

/* By dimension, then by how far the way there has come since the end of the row: dimension order takes a channel more for
 * each end of a row that it crosses (datelines, Dally and Seitz), minimal adaptive paths one for each step back to a lower
 * dimension; those that take more than there are give way to others. */
static uint32_t link_order(const struct topology *t, uint32_t link)
{
    const struct torus *f = torus_of(t);
    uint32_t dim = lattice_dim(t, &f->l, link), from = t->links[link].a - topology_first_switch(t);
    uint32_t at = lattice_at(&f->l, from, dim), to = t->links[link].b - topology_first_switch(t);
    bool up = neighbour(f, from, dim, UP) == to;
    return dim * f->l.n + (up ? at : f->l.size[dim] - 1 - at);
}

/* --- names ---------------------------------------------------------------------------------------- */

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    return lattice_link_name(t, &torus_of(t)->l, link, buf, size);
}

const struct topology_type topo_torus = {
    .name = "torus",
    .doc =
        "torus of two or three dimensions without switches (TPU v4): chips cabled to their neighbours (network.torus)",
    .ref = "1, [43]",
    .keys = &keys_table,
    .unread = LATTICE_UNREAD,
    .switchless = true,
    .payload_Bps = payload_Bps,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .n_channels = 8,
    .link_order = link_order,
    .by_tables = by_tables,
    .path = path,
    .link_name = link_name,
};
