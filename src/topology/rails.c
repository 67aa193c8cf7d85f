#include "topology/rails.h"

#include <stdio.h>

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
    return 2 * t->n_endpoints + tree * (r->tree.leaves + r->tree.spines) + leaf;
}

/* --- build ---------------------------------------------------------------------------------------- */

static void build_ends(struct topology *t, const struct cluster_hw *hw)
{
    const struct rails *r = rails_of(t);
    uint32_t e = t->n_endpoints;
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    double nic_Bps = hw_nic_payload_Bps(hw), half_s = hw->node.nvlink_latency_s / 2;
    double near_s = hw->nic.latency_s + hw->network.cable_latency_s;
    double far_s = near_s + hw->network.switch_latency_s;
    for (uint32_t i = 0; i < e; i++) {
        uint32_t leaf = leaf_vertex(t, tree_index(r, i), leaf_index(r, i)), nic = e + i;
        /* the NVSwitch has no vertex: a hop leaves a GPU and enters any GPU of its node */
        t->links[i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        t->links[e + i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        t->links[2 * e + i] = (struct topo_link){nic_Bps, near_s, LINK_NIC, nic, leaf};
        t->links[3 * e + i] = (struct topo_link){nic_Bps, far_s, LINK_NIC, leaf, nic};
    }
}

static void build_tree(struct topology *t, const struct cluster_hw *hw, uint32_t tree)
{
    const struct fat_tree *f = &rails_of(t)->tree;
    uint32_t cables = fat_tree_cables(f), up = 4 * t->n_endpoints + tree * cables;
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

static void warn_slower_parts(const struct cluster_hw *hw, struct diag *diag)
{
    char nic[32], port[32], pcie[32];
    unit_format(hw->nic.bandwidth_Bps, DIM_BANDWIDTH, nic, sizeof nic);
    if (hw->nic.bandwidth_Bps > hw->network.port_Bps)
        diag_warning(diag, SRCLOC_NONE,
                     "the NIC (%s) is faster than its switch port (%s): the port limits; raise "
                     "cluster.network.port_bandwidth too",
                     nic, unit_format(hw->network.port_Bps, DIM_BANDWIDTH, port, sizeof port));
    if (hw->nic.bandwidth_Bps > hw->node.pcie_Bps)
        diag_warning(diag, SRCLOC_NONE,
                     "the NIC (%s) is faster than its PCIe (%s): PCIe limits; raise "
                     "cluster.node.pcie_bandwidth too",
                     nic, unit_format(hw->node.pcie_Bps, DIM_BANDWIDTH, pcie, sizeof pcie));
}

int rails_build(struct topology *t, const struct cluster_hw *hw, bool tree_per_rail,
                struct arena *a, struct diag *diag)
{
    struct rails *r = ARENA_NEW(a, struct rails);
    if (rails_plan(hw, tree_per_rail, r, diag))
        return -1;
    warn_slower_parts(hw, diag);
    uint32_t cables = r->trees * fat_tree_cables(&r->tree);
    t->state = r;
    t->gpus_per_node = r->gpus;
    t->n_endpoints = r->nodes * r->gpus;
    t->n_vertices = 2 * t->n_endpoints + r->trees * (r->tree.leaves + r->tree.spines);
    t->n_links = 4 * t->n_endpoints + 2 * cables;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    build_ends(t, hw);
    for (uint32_t tree = 0; tree < r->trees; tree++)
        build_tree(t, hw, tree);
    return 0;
}

/* --- routes --------------------------------------------------------------------------------------- */

uint32_t rails_nvlink(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links)
{
    links[0] = src;
    links[1] = t->n_endpoints + dst;
    return 2;
}

uint32_t rails_network(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links)
{
    const struct rails *r = rails_of(t);
    const struct fat_tree *f = &r->tree;
    uint32_t e = t->n_endpoints, n = 0;
    uint32_t from = leaf_index(r, src), to = leaf_index(r, dst);
    links[n++] = 2 * e + src;
    if (from != to) {
        uint32_t cables = fat_tree_cables(f), up = 4 * e + tree_index(r, dst) * cables;
        /* spread over the uplinks: by node, and the rails of one node apart from each other */
        uint32_t choice = (dst / r->gpus + dst % r->gpus * f->up / r->gpus) % f->up;
        links[n++] = up + from * f->up + choice;
        links[n++] = up + r->trees * cables + to * f->up + choice;
    }
    links[n++] = 3 * e + dst;
    return n;
}

const char *rails_link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    static const char *const ends[] = {"NVLink out of", "NVLink into", "NIC out of", "NIC into"};
    const struct rails *r = rails_of(t);
    uint32_t e = t->n_endpoints, cables = r->trees * fat_tree_cables(&r->tree);
    if (link < 4 * e) {
        snprintf(buf, size, "%s GPU %u (node %u)", ends[link / e], link % e,
                 link % e / r->gpus);
        return buf;
    }
    uint32_t i = (link - 4 * e) % cables, cable = i % fat_tree_cables(&r->tree);
    uint32_t tree = i / fat_tree_cables(&r->tree), uplink = cable % r->tree.up;
    bool down = link - 4 * e >= cables;
    snprintf(buf, size, down ? "plane %u spine %u to leaf %u (cable %u)"
                             : "plane %u leaf %u to spine %u (cable %u)",
             tree, down ? uplink % r->tree.spines : cable / r->tree.up,
             down ? cable / r->tree.up : uplink % r->tree.spines, uplink);
    return buf;
}
