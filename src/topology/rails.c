#include "topology/rails.h"

#include <stdio.h>

#include "topology/ends.h"

static const struct rails *rails_of(const struct topology *t)
{
    return t->state;
}

int rails_plan(const struct cluster_hw *hw, bool tree_per_rail, struct rails *out,
               struct diag *diag)
{
    uint32_t gpus = (uint32_t)hw->node.gpus, nodes = (uint32_t)hw->nodes;
    *out = (struct rails){.gpus = gpus, .nodes = nodes, .trees = tree_per_rail ? gpus : 1};
    if (hw->nic.per_node != hw->node.gpus) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "%lld NICs for %lld GPUs: this topology has one NIC per GPU; set "
                   "cluster.nic.per_node to %lld",
                   (long long)hw->nic.per_node, (long long)hw->node.gpus,
                   (long long)hw->node.gpus);
        return -1;
    }
    if (fat_tree_plan(hw, tree_per_rail ? 1 : gpus, nodes, &out->tree, diag))
        return -1;
    out->leaves_per_rail = out->tree.leaves / (tree_per_rail ? 1 : gpus);
    return 0;
}

void rails_count(const struct rails *r, struct topo_counts *out)
{
    out->endpoints = (uint64_t)r->nodes * r->gpus;
    out->switches = (uint64_t)r->trees * (r->tree.leaves + r->tree.spines);
    out->links = (uint64_t)r->trees * fat_tree_cables(&r->tree);
}

/* --- vertices ------------------------------------------------------------------------------------- */

static uint32_t leaf_index(const struct rails *r, uint32_t rank)
{
    uint32_t rail = rank % r->gpus, leaf = rank / r->gpus / r->tree.down;
    return r->trees > 1 ? leaf : rail * r->leaves_per_rail + leaf;
}

static uint32_t tree_index(const struct rails *r, uint32_t rank)
{
    return r->trees > 1 ? rank % r->gpus : 0;
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

static uint32_t leaf_of(const struct topology *t, uint32_t rank, uint32_t port)
{
    const struct rails *r = rails_of(t);
    (void)port;
    return leaf_vertex(t, tree_index(r, rank), leaf_index(r, rank));
}

/* --- build ---------------------------------------------------------------------------------------- */

static void build_tree(struct topology *t, const struct cluster_hw *hw, uint32_t tree)
{
    const struct fat_tree *f = &rails_of(t)->tree;
    uint32_t cables = fat_tree_cables(f), up = ends_n_links(t) + tree * cables;
    uint32_t down = up + rails_of(t)->trees * cables;
    double port_Bps = hw_port_payload_Bps(hw);
    double hop_s = hw->network.switch_latency_s + hw->network.cable_latency_s;
    for (uint32_t i = 0; i < cables; i++) {
        uint32_t leaf = leaf_vertex(t, tree, i / f->up);
        uint32_t spine = leaf_vertex(t, tree, f->leaves + i % f->up % f->spines);
        t->links[up + i] = (struct topo_link){port_Bps, hop_s, LINK_LEAF_SPINE, leaf, spine};
        t->links[down + i] = (struct topo_link){port_Bps, hop_s, LINK_LEAF_SPINE, spine, leaf};
    }
}

int rails_build(struct topology *t, const struct cluster_hw *hw, bool tree_per_rail,
                struct arena *a, struct diag *diag)
{
    struct rails *r = ARENA_NEW(a, struct rails);
    if (rails_plan(hw, tree_per_rail, r, diag))
        return -1;
    ends_begin(t, hw, 1, diag);
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

static bool same_leaf(const struct topology *t, uint32_t src, uint32_t dst)
{
    return leaf_index(rails_of(t), src) == leaf_index(rails_of(t), dst);
}

/* Spread over the uplinks: by node, and the rails of one node apart from each other. */
static uint32_t uplink_to(const struct rails *r, uint32_t dst)
{
    return (dst / r->gpus + dst % r->gpus * r->tree.up / r->gpus) % r->tree.up;
}

uint32_t rails_n_uplinks(const struct topology *t, uint32_t src, uint32_t dst)
{
    return same_leaf(t, src, dst) ? 1 : rails_of(t)->tree.up;
}

uint32_t rails_by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return rails_n_uplinks(t, src, dst) == 1 ? 0 : uplink_to(rails_of(t), dst);
}

uint32_t rails_network(const struct topology *t, uint32_t src, uint32_t dst, uint32_t uplink,
                       uint32_t *links)
{
    const struct rails *r = rails_of(t);
    const struct fat_tree *f = &r->tree;
    uint32_t n = 0, from = leaf_index(r, src), to = leaf_index(r, dst);
    links[n++] = ends_nic_out(t, src, 0);
    if (from != to) {
        uint32_t cables = fat_tree_cables(f), up = ends_n_links(t) + tree_index(r, dst) * cables;
        links[n++] = up + from * f->up + uplink;
        links[n++] = up + r->trees * cables + to * f->up + uplink;
    }
    links[n++] = ends_nic_in(t, dst, 0);
    return n;
}

uint32_t rails_over_rail(const struct topology *t, uint32_t src, uint32_t dst, uint32_t rail,
                         uint32_t *links)
{
    uint32_t gpus = t->gpus_per_node, n = 0;
    uint32_t from = src / gpus * gpus + rail, to = dst / gpus * gpus + rail;
    if (from != src)
        n = ends_nvlink(t, src, from, links);
    n += rails_network(t, from, to, rails_by_destination(t, from, to), links + n);
    if (to != dst)
        n += ends_nvlink(t, to, dst, links + n);
    return n;
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
    snprintf(buf, size, down ? "plane %u spine %u to leaf %u (cable %u)"
                             : "plane %u leaf %u to spine %u (cable %u)",
             tree, down ? uplink % r->tree.spines : cable / r->tree.up,
             down ? cable / r->tree.up : uplink % r->tree.spines, uplink);
    return buf;
}
