/* Multi-rail fat tree (paper 5.1): NIC i of every node is on a leaf of rail i, and one spine layer joins
 * the leaves of all rails. Traffic to another rail goes over the spines, without NVLink. */
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return rails_build(t, hw, RAILS_BY_RAIL, 1, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_BY_RAIL, 1, out, diag);
}

/* Every rail has leaves of its own: a single switch holds all where nodes have one NIC. */
static void check(const struct cluster_hw *hw, struct diag *diag)
{
    if (hw->nic.per_node == 1)
        fat_tree_warn_single(hw, 1, (uint32_t)hw->network.switch_ports, diag);
}

static const char *name_in_paper(const struct cluster_hw *hw)
{
    (void)hw;
    return "MRFT";
}

const struct topology_type topo_mrft = {
    .name = "mrft",
    .doc = "multi-rail fat tree: a leaf per rail, one spine layer for all rails",
    .ref = "5.1",
    .keys = &fat_tree_keys_table,
    .check = check,
    .name_in_paper = name_in_paper,
    .build = build,
    .count = count,
    .n_minimal = rails_n_minimal,
    .n_detours = rails_n_detours,
    .n_by_nic = rails_n_by_nic,
    .by_destination = rails_to_destination,
    .by_port = rails_by_port,
    .path = rails_path,
    .n_turns = rails_n_turns,
    .turn = rails_turn,
    .link_name = rails_link_name,
};
