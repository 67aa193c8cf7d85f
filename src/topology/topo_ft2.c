/* Two-level fat tree (paper 5.1, Table 3): leaves are filled rank by rank, so the NICs of a node share a
 * leaf; one spine layer joins the leaves. */
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return rails_build(t, hw, RAILS_IN_ORDER, 1, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_IN_ORDER, 1, out, diag);
}

static void check(const struct cluster_hw *hw, struct diag *diag)
{
    fat_tree_warn_single(hw, (uint32_t)hw->nic.per_node, (uint32_t)hw->network.switch_ports, diag);
}

const struct topology_type topo_ft2 = {
    .name = "ft2",
    .doc = "two-level fat tree: leaves filled in order, one spine layer",
    .ref = "5.1",
    .keys = &fat_tree_keys_table,
    .check = check,
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
