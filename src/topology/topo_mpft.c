/* Multi-plane fat tree (paper 5.1, Figures 3 and 4): NIC i of every node is on plane i (or
 * i % planes), and each plane is a two-level fat tree of its own. Planes do not meet: traffic to a GPU of another plane hops over
 * NVLink to the GPU of that plane first and leaves through its NIC (as NCCL's PXN does).
 * Left out here: several planes per NIC (topo_mpft_multiport.c). */
#include "topology/ends.h"
#include "topology/rails.h"
#include "base/cfg_rows.h"

struct mpft_keys {
    struct fat_tree_keys tree;
    int64_t planes;
};
static const struct cfg_field keys_fields[] = {
    ROW_COUNT(mpft_keys, "planes", planes, "0", 0, 1024,
              "mpft: planes; NIC i is on plane i % planes; 0 = one per NIC of a node"),
    FAT_TREE_KEYS(offsetof(struct mpft_keys, tree)),
    {0}};
static const struct cfg_table keys_table = {"mpft", "planes", sizeof(struct mpft_keys), keys_fields};

static uint32_t n_planes(const struct cluster_hw *hw)
{
    struct mpft_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    return (uint32_t)(keys.planes ? keys.planes : hw->nic.per_node);
}

static int check_planes(const struct cluster_hw *hw, struct diag *diag)
{
    uint32_t nics = (uint32_t)hw->nic.per_node, planes = n_planes(hw);
    if (nics % planes == 0)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "planes"),
               "%u planes do not divide the %u NICs of a node evenly; set "
               "cluster.network.planes to a divisor of %u, or 0 for one per NIC",
               planes, nics, nics);
    return -1;
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return check_planes(hw, diag) || rails_build(t, hw, RAILS_BY_PLANE, n_planes(hw), a, diag) ? -1 : 0;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return check_planes(hw, diag) || rails_count(hw, RAILS_BY_PLANE, n_planes(hw), out, diag) ? -1 : 0;
}

static void check(const struct cluster_hw *hw, struct diag *diag)
{
    fat_tree_warn_single(hw, (uint32_t)hw->nic.per_node / n_planes(hw), (uint32_t)hw->network.switch_ports, diag);
}

/* One plane is ft2. */
static bool nics_meet(const struct cluster_hw *hw)
{
    return n_planes(hw) == 1;
}

static const char *name_in_paper(const struct cluster_hw *hw)
{
    return n_planes(hw) == 1 ? NULL : "MPFT";
}

/* The GPU of src's node through whose NICs it leaves: itself where they are on the destination's planes. */
static uint32_t leaves_from(const struct topology *t, uint32_t src, uint32_t dst)
{
    if (rails_same_tree(t, ends_nic(t, src, 0), ends_nic(t, dst, 0)))
        return src;
    return src / t->gpus_per_node * t->gpus_per_node + dst % t->gpus_per_node;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 1 : rails_n_minimal(t, leaves_from(t, src, dst), dst);
}

static uint32_t n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return rails_n_by_nic(t, ends_same_node(t, src, dst) ? src : leaves_from(t, src, dst), dst, nic);
}

static uint32_t by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    return ends_same_node(t, src, dst) ? 0 : rails_by_port(t, leaves_from(t, src, dst), dst, port);
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return by_port(t, src, dst, 0);
}

/* The other planes, with NVLink on both sides: for when the destination's plane is down. */
static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    if (rails_n_trees(t) == 1)
        return rails_n_detours(t, src, dst);
    return ends_same_node(t, src, dst) ? 0 : rails_n_nics(t) - 1;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t n, minimal = n_minimal(t, src, dst), from = leaves_from(t, src, dst);
    if (rails_n_trees(t) == 1)
        return rails_path(t, src, dst, number, links);
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    if (number >= minimal)
        return rails_detour(t, src, dst, 0, (ends_nic(t, dst, 0) + 1 + number - minimal) % rails_n_nics(t), links);
    n = ends_to_nic(t, src, from, links);
    return n + rails_path(t, from, dst, number, links + n);
}

const struct topology_type topo_mpft = {
    .name = "mpft",
    .doc = "multi-plane fat tree: NIC i on plane i, a two-level tree each; NVLink between planes",
    .ref = "5.1",
    .keys = &keys_table,
    .check = check,
    .nics_meet = nics_meet,
    .name_in_paper = name_in_paper,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .n_by_nic = n_by_nic,
    .by_destination = by_destination,
    .by_port = by_port,
    .path = path,
    .plane_of = rails_tree_of,
    .n_turns = rails_n_turns,
    .turn = rails_turn,
    .link_name = rails_link_name,
};
