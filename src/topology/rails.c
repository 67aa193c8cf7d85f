#include "topology/topo_keys.h"
#include "topology/rails.h"

#include <stdio.h>

#include "topology/ends.h"

static const struct rails *rails_of(const struct topology *t)
{
    return t->state;
}

static int rails_plan(const struct cluster_hw *hw, enum rails_attach attach, uint32_t trees, struct rails *out,
                      struct diag *diag)
{
    uint32_t nics = (uint32_t)hw->nic.per_node, nodes = (uint32_t)hw->nodes;
    uint32_t groups = attach == RAILS_BY_RAIL ? nics : 1, n = nodes;
    *out = (struct rails){.attach = attach,
                          .gpus = (uint32_t)hw->node.gpus,
                          .nics = nics,
                          .nodes = nodes,
                          .trees = trees,
                          .ports = attach == RAILS_BY_PLANE ? 1 : trees};
    if (topo_nics_fit(hw, diag))
        return -1;
    if (attach == RAILS_BY_PLANE)
        n = nodes * (nics / out->trees);
    else if (attach != RAILS_BY_RAIL)
        n = nodes * nics;
    if (fat_tree_plan(hw, groups, n, &out->tree, diag))
        return -1;
    out->leaves_per_rail = out->tree.leaves / groups;
    return 0;
}

int rails_count(const struct cluster_hw *hw, enum rails_attach attach, uint32_t trees, struct topo_counts *out,
                struct diag *diag)
{
    struct rails r;
    if (rails_plan(hw, attach, trees, &r, diag))
        return -1;
    out->endpoints = (uint64_t)r.nodes * r.gpus;
    out->switches = (uint64_t)r.trees * (r.tree.leaves + r.tree.spines);
    out->links = (uint64_t)r.trees * fat_tree_cables(&r.tree);
    out->nics = topo_n_nics(hw);
    out->nic_cables = out->nics * r.ports;
    return 0;
}

/* --- vertices ------------------------------------------------------------------------------------- */

/* Where a NIC comes among those of its tree (by rail: of its rail). */
static uint32_t position(const struct rails *r, uint32_t nic)
{
    switch (r->attach) {
    case RAILS_BY_PLANE:
        return nic / r->nics * (r->nics / r->trees) + nic % r->nics / r->trees;
    case RAILS_BY_RAIL:
        return nic / r->nics;
    default:
        return nic;
    }
}

/* Asked for at each of the paths that a flow may take. */
static void number_leaves(struct rails *r, struct arena *a)
{
    r->leaf = ARENA_ARRAY(a, uint32_t, (size_t)r->nodes * r->nics);
    for (uint32_t nic = 0; nic < r->nodes * r->nics; nic++) {
        uint32_t leaf = position(r, nic) / r->tree.down;
        r->leaf[nic] = r->attach == RAILS_BY_RAIL ? nic % r->nics * r->leaves_per_rail + leaf : leaf;
    }
}

static uint32_t leaf_index(const struct rails *r, uint32_t nic)
{
    return r->leaf[nic];
}

static uint32_t tree_index(const struct rails *r, uint32_t nic, uint32_t port)
{
    return r->attach == RAILS_BY_PLANE ? nic % r->nics % r->trees : port;
}

uint32_t rails_n_trees(const struct topology *t)
{
    return rails_of(t)->trees;
}

uint32_t rails_n_nics(const struct topology *t)
{
    return rails_of(t)->nics;
}

bool rails_same_tree(const struct topology *t, uint32_t from, uint32_t to)
{
    return tree_index(rails_of(t), from, 0) == tree_index(rails_of(t), to, 0);
}

static uint32_t leaf_vertex(const struct topology *t, uint32_t tree, uint32_t leaf)
{
    const struct rails *r = rails_of(t);
    return topology_first_switch(t) + tree * (r->tree.leaves + r->tree.spines) + leaf;
}

uint32_t rails_tree_of(const struct topology *t, uint32_t vertex)
{
    const struct rails *r = rails_of(t);
    return (vertex - topology_first_switch(t)) / (r->tree.leaves + r->tree.spines);
}

static uint32_t leaf_of(const struct topology *t, uint32_t nic, uint32_t port)
{
    const struct rails *r = rails_of(t);
    return leaf_vertex(t, tree_index(r, nic, port), leaf_index(r, nic));
}

/* --- build ---------------------------------------------------------------------------------------- */

static void build_tree(struct topology *t, const struct cluster_hw *hw, uint32_t tree)
{
    const struct fat_tree *f = &rails_of(t)->tree;
    uint32_t cables = fat_tree_cables(f), up = ends_n_links(t) + tree * cables;
    uint32_t down = up + rails_of(t)->trees * cables;
    /* a plane of a NIC's port runs at that port's speed (Figure 4) */
    uint32_t ports = rails_of(t)->ports;
    double port_Bps = ports == 1 ? hw_port_payload_Bps(hw) : ends_port_payload_Bps(hw, ports);
    double hop_s = hw->network.switch_latency_s + hw_optical_s(&hw->network);
    for (uint32_t i = 0; i < cables; i++) {
        uint32_t leaf = leaf_vertex(t, tree, i / f->up);
        uint32_t spine = leaf_vertex(t, tree, f->leaves + i % f->up % f->spines);
        t->links[up + i] = (struct topo_link){port_Bps, hop_s, LINK_LEAF_SPINE, leaf, spine};
        t->links[down + i] = (struct topo_link){port_Bps, hop_s, LINK_LEAF_SPINE, spine, leaf};
    }
}

int rails_build(struct topology *t, const struct cluster_hw *hw, enum rails_attach attach, uint32_t trees,
                struct arena *a, struct diag *diag)
{
    struct rails *r = ARENA_NEW(a, struct rails);
    if (rails_plan(hw, attach, trees, r, diag))
        return -1;
    number_leaves(r, a);
    ends_begin(t, hw, r->ports, diag);
    ends_nics(t, hw, r->ports, a, diag);
    uint32_t cables = r->trees * fat_tree_cables(&r->tree);
    t->state = r;
    t->n_vertices = topology_first_switch(t) + r->trees * (r->tree.leaves + r->tree.spines);
    t->n_links = ends_n_links(t) + 2 * cables;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    for (uint32_t tree = 0; tree < r->trees; tree++)
        build_tree(t, hw, tree);
    return 0;
}

/* --- paths ---------------------------------------------------------------------------------------- */

static bool same_leaf(const struct topology *t, uint32_t from, uint32_t to)
{
    return leaf_index(rails_of(t), from) == leaf_index(rails_of(t), to);
}

/* Spread over the uplinks: in order of the destinations, and rails apart from each other. */
static uint32_t uplink_to(const struct rails *r, uint32_t nic)
{
    uint32_t rail = r->attach == RAILS_BY_RAIL ? nic % r->nics * r->tree.up / r->nics : 0;
    return (position(r, nic) + rail) % r->tree.up;
}

uint32_t rails_n_uplinks(const struct topology *t, uint32_t from, uint32_t to)
{
    return same_leaf(t, from, to) ? 1 : rails_of(t)->tree.up;
}

uint32_t rails_by_destination(const struct topology *t, uint32_t from, uint32_t to)
{
    return rails_n_uplinks(t, from, to) == 1 ? 0 : uplink_to(rails_of(t), to);
}

uint32_t rails_network(const struct topology *t, uint32_t from, uint32_t to, uint32_t port, uint32_t uplink,
                       uint32_t *links)
{
    const struct rails *r = rails_of(t);
    const struct fat_tree *f = &r->tree;
    uint32_t n = 0, leaf = leaf_index(r, from), far_leaf = leaf_index(r, to);
    n += ends_shared_out(t, from, links);
    links[n++] = ends_first_out(t) + from * r->ports + port;
    if (leaf != far_leaf) {
        uint32_t cables = fat_tree_cables(f);
        uint32_t up = ends_n_links(t) + tree_index(r, to, port) * cables;
        links[n++] = up + leaf * f->up + uplink;
        links[n++] = up + r->trees * cables + far_leaf * f->up + uplink;
    }
    links[n++] = ends_first_in(t) + to * r->ports + port;
    return n + ends_shared_in(t, to, links + n);
}

uint32_t rails_over_rail(const struct topology *t, uint32_t src, uint32_t dst, uint32_t rail, uint32_t port,
                         uint32_t *links)
{
    uint32_t gpus = t->gpus_per_node, nics = rails_of(t)->nics, n;
    uint32_t from = src / gpus * nics + rail, to = dst / gpus * nics + rail;
    n = ends_to_nic(t, src, ends_user(t, from, src), links);
    n += rails_network(t, from, to, port, rails_by_destination(t, from, to), links + n);
    return n + ends_from_nic(t, ends_user(t, to, dst), dst, links + n);
}

uint32_t rails_detour(const struct topology *t, uint32_t src, uint32_t dst, uint32_t first, uint32_t detour,
                      uint32_t *links)
{
    uint32_t nics = rails_of(t)->nics;
    return rails_over_rail(t, src, dst, (first + detour) % nics, detour / nics, links);
}

/* --- paths of a whole network in which every NIC reaches every other --------------------------------- */

uint32_t rails_n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_n_ways(t, src, dst, rails_n_uplinks);
}

uint32_t rails_n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return ends_ways_of_nic(t, src, dst, nic, rails_n_uplinks);
}

uint32_t rails_by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    if (ends_same_node(t, src, dst))
        return 0;
    return ends_first_way(t, src, dst, port, rails_n_uplinks) +
           rails_by_destination(t, ends_nic(t, src, port), ends_nic(t, dst, port));
}

uint32_t rails_to_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return rails_by_port(t, src, dst, topology_port(t, src, dst));
}

/* Over the NICs of two other GPUs, with NVLink hops: for when a NIC is down. */
uint32_t rails_n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : rails_of(t)->nics * rails_of(t)->ports;
}

uint32_t rails_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                    uint32_t links[ROUTE_MAX_LINKS])
{
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    struct ends_way w = ends_way(t, src, dst, number, rails_n_uplinks);
    if (w.number >= rails_n_uplinks(t, w.from, w.to))
        return rails_detour(t, src, dst, ends_nic(t, dst, 0), number - rails_n_minimal(t, src, dst), links);
    return rails_network(t, w.from, w.to, w.port % rails_of(t)->ports, w.number, links);
}

/* --- symmetry -------------------------------------------------------------------------------------------- */

/* Of GPUs with a NIC each: nodes whose NICs share leaves, or all of them where one leaf would hold more; 0: none are alike. */
static uint32_t nodes_together(const struct rails *r)
{
    uint32_t per_node = r->attach == RAILS_BY_RAIL ? 1 : r->attach == RAILS_BY_PLANE ? r->gpus / r->trees : r->gpus;
    uint32_t together = r->tree.down / per_node;
    if (r->tree.down % per_node)
        return 0;
    return together < r->nodes ? together : r->nodes;
}

uint32_t rails_n_turns(const struct topology *t)
{
    const struct rails *r = rails_of(t);
    uint32_t together = r->nics == r->gpus ? nodes_together(r) : 0;
    return together && r->nodes % together == 0 ? 3 : 0;
}

uint32_t rails_turn(const struct topology *t, uint32_t number, uint32_t rank)
{
    const struct rails *r = rails_of(t);
    uint32_t node = rank / r->gpus, gpu = rank % r->gpus, together = nodes_together(r);
    uint32_t block = node / together, place = node % together;
    if (number == 0)
        place = (place + 1) % together;
    else if (number == 1)
        block = (block + 1) % (r->nodes / together);
    else
        gpu = (gpu + 1) % r->gpus;
    return (block * together + place) * r->gpus + gpu;
}

const char *rails_link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    const struct rails *r = rails_of(t);
    uint32_t cables = r->trees * fat_tree_cables(&r->tree), first = ends_n_links(t);
    if (link < first)
        return ends_link_name(t, link, buf, size);
    uint32_t i = (link - first) % cables, cable = i % fat_tree_cables(&r->tree);
    uint32_t tree = i / fat_tree_cables(&r->tree), uplink = cable % r->tree.up;
    bool down = link - first >= cables;
    snprintf(buf, size, down ? "plane %u spine %u to leaf %u (cable %u)" : "plane %u leaf %u to spine %u (cable %u)",
             tree, down ? uplink % r->tree.spines : cable / r->tree.up,
             down ? cable / r->tree.up : uplink % r->tree.spines, uplink);
    return buf;
}
