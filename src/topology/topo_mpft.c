/* Multi-plane fat tree (paper 5.1, Figures 3 and 4): NIC i of every node is on plane i (or
 * i % planes), and each plane is a two-level fat tree of its own. Planes do not meet: traffic to a GPU of another plane hops over
 * NVLink to the GPU of that plane first and leaves through its NIC (as NCCL's PXN does).
 * Left out here: several planes per NIC (topo_mpft_multiport.c). */
#include "topology/ends.h"
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return rails_build(t, hw, RAILS_BY_PLANE, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_BY_PLANE, out, diag);
}

/* The GPU of src's node through whose NIC it leaves: its own where that is on the destination's plane. */
static uint32_t leaves_from(const struct topology *t, uint32_t src, uint32_t dst)
{
    if (rails_same_tree(t, src, dst))
        return src;
    return src / t->gpus_per_node * t->gpus_per_node + dst % t->gpus_per_node;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 1 : rails_n_uplinks(t, leaves_from(t, src, dst), dst);
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : rails_by_destination(t, leaves_from(t, src, dst), dst);
}

/* The other planes, with NVLink on both sides: for when the destination's plane is down. */
static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : t->gpus_per_node - 1;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t n, minimal = n_minimal(t, src, dst), from = leaves_from(t, src, dst);
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    if (number >= minimal)
        return rails_over_rail(t, src, dst, (dst + 1 + number - minimal) % t->gpus_per_node, links);
    n = ends_to_nic(t, src, from, links);
    return n + rails_network(t, from, dst, 0, number, links + n);
}

const struct topology_type topo_mpft = {
    .name = "mpft",
    .doc = "multi-plane fat tree: NIC i on plane i, a two-level tree each; NVLink between planes",
    .ref = "5.1",
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .by_destination = by_destination,
    .path = path,
    .plane_of = rails_tree_of,
    .n_turns = rails_n_turns,
    .turn = rails_turn,
    .link_name = rails_link_name,
};
