/* n-dimensional full mesh (UB-Mesh, Liao et al., arXiv 2503.20377): GPUs at the places of a grid; in each dimension all
 * that differ only there are cabled to each other, with links of that dimension's bandwidth. No switches: GPUs forward.
 * Static tables correct the first coordinate that differs first (dimension order, which has no cycles). Minimal paths:
 * all orders in which the coordinates that differ can be corrected; with `mesh_paths: all` (UB-Mesh's all-path routing)
 * also those that go by a third GPU of a dimension instead of over its direct link. Detours: by a third GPU of any
 * dimension. Left out: UB-Mesh's backup GPUs and the switches beyond its racks. */
#include <string.h>

#include "topology/ends.h"
#include "topology/lattice.h"
#include "topology/topo_keys.h"
#include "base/cfg_rows.h"

enum mesh_paths { PATHS_SHORTEST, PATHS_ALL };
static const char *const path_names[] = {"shortest", "all", NULL};

struct mesh_keys {
    const char *sizes, *bandwidths;
    int64_t copper_dims;
    int paths;
};
static const struct cfg_field keys_fields[] = {
    ROW_TEXT(mesh_keys, "mesh", sizes, "", "full_mesh: GPUs along each dimension", .example = "8, 8, 4"),
    ROW_TEXT(mesh_keys, "mesh_bandwidth", bandwidths, "",
             "full_mesh: of a link, one direction, for all dimensions or each; empty = port_bandwidth",
             .example = "100 GB/s, 50 GB/s, 25 GB/s"),
    ROW_COUNT(mesh_keys, "mesh_copper", copper_dims, "2", 0, LATTICE_MAX_DIMS,
              "full_mesh: so many of the first dimensions stay in a rack and are cabled in copper"),
    ROW_CHOICE(mesh_keys, "mesh_paths", paths, "shortest", path_names,
               "full_mesh: what policies other than static choose from; all: also by a third GPU of a dimension"),
    {0},
};
static const struct cfg_table keys_table = {"full_mesh", "a grid of full meshes", sizeof(struct mesh_keys),
                                            keys_fields};

struct mesh {
    struct lattice l;
    uint32_t degree, copper_dims;
    uint32_t first[LATTICE_MAX_DIMS]; /* of a router's links: those of a dimension */
    enum mesh_paths paths;
};

static const struct mesh *mesh_of(const struct topology *t)
{
    return t->state;
}

/* --- shape ------------------------------------------------------------------------------------------- */

static int plan(const struct cluster_hw *hw, struct mesh *m, struct diag *diag)
{
    struct mesh_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    struct lattice_keys k = {keys.sizes, "mesh", keys.bandwidths, "mesh_bandwidth", 1, LATTICE_MAX_DIMS};
    *m = (struct mesh){.copper_dims = (uint32_t)keys.copper_dims, .paths = (enum mesh_paths)keys.paths};
    if (lattice_read(hw, &k, &m->l, diag))
        return -1;
    for (uint32_t d = 0; d < m->l.n_dims; d++) {
        m->first[d] = m->degree;
        m->degree += m->l.size[d] - 1;
    }
    return 0;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct mesh m;
    if (plan(hw, &m, diag))
        return -1;
    out->endpoints = m.l.n;
    for (uint32_t d = 0; d < m.l.n_dims; d++) {
        uint64_t cables = (uint64_t)m.l.n * (m.l.size[d] - 1) / 2;
        out->links += cables;
        out->short_links += d < m.copper_dims ? cables : 0;
    }
    return 0;
}

static double router_Bps(const struct mesh *m)
{
    double sum_Bps = 0;
    for (uint32_t d = 0; d < m->l.n_dims; d++)
        sum_Bps += (m->l.size[d] - 1) * m->l.link_Bps[d];
    return sum_Bps;
}

static double payload_Bps(const struct cluster_hw *hw)
{
    struct mesh m;
    struct diag *quiet = diag_new();
    double Bps = plan(hw, &m, quiet) ? 0 : hw_after_headers_Bps(hw, router_Bps(&m));
    diag_free(quiet);
    return Bps;
}

/* The link from a GPU to the one with another coordinate in a dimension. */
static uint32_t link_to(const struct topology *t, uint32_t from, uint32_t dim, uint32_t coordinate)
{
    const struct mesh *m = mesh_of(t);
    uint32_t own = lattice_at(&m->l, from, dim);
    return ends_n_links(t) + from * m->degree + m->first[dim] + coordinate - (coordinate > own);
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct mesh *m = ARENA_NEW(a, struct mesh);
    if (plan(hw, m, diag))
        return -1;
    t->state = m;
    lattice_begin(t, hw, &m->l, router_Bps(m), m->l.n * m->degree, a);
    for (uint32_t from = 0; from < m->l.n; from++)
        for (uint32_t d = 0; d < m->l.n_dims; d++)
            for (uint32_t c = 0; c < m->l.size[d]; c++)
                if (c != lattice_at(&m->l, from, d))
                    lattice_link(t, hw, link_to(t, from, d, c), from, lattice_with(&m->l, from, d, c), m->l.link_Bps[d],
                                 d < m->copper_dims);
    return 0;
}

/* --- paths ------------------------------------------------------------------------------------------- */

/* The dimensions in which two GPUs differ. */
static uint32_t differing(const struct mesh *m, uint32_t src, uint32_t dst, uint32_t dims[LATTICE_MAX_DIMS])
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < m->l.n_dims; d++)
        if (lattice_at(&m->l, src, d) != lattice_at(&m->l, dst, d))
            dims[n++] = d;
    return n;
}

static uint32_t factorial(uint32_t n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

/* Ways by a third GPU of a dimension, in dimensions in which the two differ, or in the others. */
static uint32_t by_third(const struct mesh *m, uint32_t src, uint32_t dst, bool differ)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < m->l.n_dims; d++) {
        bool is = lattice_at(&m->l, src, d) != lattice_at(&m->l, dst, d);
        n += is == differ ? m->l.size[d] - (is ? 2 : 1) : 0;
    }
    return n;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    const struct mesh *m = mesh_of(t);
    uint32_t dims[LATTICE_MAX_DIMS], n = factorial(differing(m, src, dst, dims));
    return m->paths == PATHS_ALL ? n + by_third(m, src, dst, true) : n;
}

static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    const struct mesh *m = mesh_of(t);
    return (m->paths == PATHS_ALL ? 0 : by_third(m, src, dst, true)) + by_third(m, src, dst, false);
}

/* Dimension order. */
static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

static uint32_t step(const struct topology *t, uint32_t *at, uint32_t dim, uint32_t coordinate, uint32_t *links)
{
    links[0] = link_to(t, *at, dim, coordinate);
    *at = lattice_with(&mesh_of(t)->l, *at, dim, coordinate);
    return 1;
}

/* The coordinates that differ, corrected in order number `number` of all orders; 0: ascending. */
static uint32_t in_order(const struct topology *t, uint32_t at, uint32_t dst, uint32_t number, uint32_t *links)
{
    const struct lattice *l = &mesh_of(t)->l;
    uint32_t dims[LATTICE_MAX_DIMS], n = differing(mesh_of(t), at, dst, dims), n_links = 0;
    for (; n; n--) {
        uint32_t rest = factorial(n - 1), pick = number / rest % n;
        n_links += step(t, &at, dims[pick], lattice_at(l, dst, dims[pick]), links + n_links);
        memmove(dims + pick, dims + pick + 1, (n - pick - 1) * sizeof *dims);
        number %= rest;
    }
    return n_links;
}

/* To a third coordinate of a dimension first, the others, and then to the destination's. */
static uint32_t over_third(const struct topology *t, uint32_t src, uint32_t dst, uint32_t dim, uint32_t third,
                           uint32_t *links)
{
    const struct lattice *l = &mesh_of(t)->l;
    uint32_t at = src, n = step(t, &at, dim, third, links);
    uint32_t last = lattice_with(l, dst, dim, third);
    n += in_order(t, at, last, 0, links + n);
    at = last;
    return n + step(t, &at, dim, lattice_at(l, dst, dim), links + n);
}

/* Number `number` of the ways by a third GPU: those of dimensions in which the two differ come first. */
static uint32_t third_number(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number, uint32_t *links)
{
    const struct mesh *m = mesh_of(t);
    for (int differ = 1; differ >= 0; differ--)
        for (uint32_t d = 0; d < m->l.n_dims; d++)
            for (uint32_t c = 0; c < m->l.size[d]; c++) {
                uint32_t from = lattice_at(&m->l, src, d), to = lattice_at(&m->l, dst, d);
                if ((from != to) != differ || c == from || c == to)
                    continue;
                if (number-- == 0)
                    return over_third(t, src, dst, d, c, links);
            }
    BUG("there is no such way from GPU %u to GPU %u", src, dst);
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t dims[LATTICE_MAX_DIMS], orders = factorial(differing(mesh_of(t), src, dst, dims)), n = 1;
    links[0] = ends_nic_out(t, src, 0);
    n += number < orders ? in_order(t, src, dst, number, links + 1)
                         : third_number(t, src, dst, number - orders, links + 1);
    links[n++] = ends_nic_in(t, dst, 0);
    return n;
}

/* --- symmetry ---------------------------------------------------------------------------------------- */

/* One step along a dimension carries the mesh to itself. */
static uint32_t n_turns(const struct topology *t)
{
    return mesh_of(t)->l.n_dims;
}

static uint32_t turn(const struct topology *t, uint32_t number, uint32_t endpoint)
{
    const struct lattice *l = &mesh_of(t)->l;
    return lattice_with(l, endpoint, number, (lattice_at(l, endpoint, number) + 1) % l->size[number]);
}

/* Dimension order needs one channel, any other order one more for each dimension that comes before a lower one. */
static uint32_t link_order(const struct topology *t, uint32_t link)
{
    return lattice_dim(t, &mesh_of(t)->l, link);
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    return lattice_link_name(t, &mesh_of(t)->l, link, buf, size);
}

const struct topology_type topo_full_mesh = {
    .name = "full_mesh",
    .doc = "n-dimensional full mesh without switches (UB-Mesh): all GPUs of a row cabled to each other (network.mesh)",
    .ref = "4.4, [49]",
    .keys = &keys_table,
    .unread = LATTICE_UNREAD,
    .switchless = true,
    .payload_Bps = payload_Bps,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .n_channels = LATTICE_MAX_DIMS + 1,
    .link_order = link_order,
    .by_destination = by_destination,
    .path = path,
    .n_turns = n_turns,
    .turn = turn,
    .link_name = link_name,
};
