/* The ideal multi-plane network (paper 5.1, Figure 4): every NIC has several ports, each on a plane of its
 * own, a two-level fat tree over all NICs. One queue pair uses all ports: its packets take all planes, and the NIC places
 * them out of order (policy `spray`, what `auto` is here). Other policies keep a message on one port: static tables are
 * those of each plane, and a hash of the pair chooses the port. */
#include "topology/ends.h"
#include "topology/topo_keys.h"
#include "topology/rails.h"
#include "base/cfg_rows.h"

struct multiport_keys {
    struct fat_tree_keys tree;
    int64_t nic_ports;
};
static const struct cfg_field keys_fields[] = {
    ROW_COUNT(
        multiport_keys, "nic_ports", nic_ports, "4", 1, 64,
        "mpft_multiport: ports of a NIC, each on a plane of its own; they share the NIC's rate unless the scenario "
        "gives port_bandwidth"),
    FAT_TREE_KEYS(offsetof(struct multiport_keys, tree)),
    {0},
};
static const struct cfg_table keys_table = {"mpft_multiport", "planes of ports", sizeof(struct multiport_keys),
                                            keys_fields};

static uint32_t n_ports(const struct cluster_hw *hw)
{
    struct multiport_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    return (uint32_t)keys.nic_ports;
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return rails_build(t, hw, RAILS_BY_PORT, n_ports(hw), a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_BY_PORT, n_ports(hw), out, diag);
}

static void check(const struct cluster_hw *hw, struct diag *diag)
{
    fat_tree_warn_single(hw, (uint32_t)hw->nic.per_node, (uint32_t)hw->network.switch_ports, diag);
}

static double payload_Bps(const struct cluster_hw *hw)
{
    return ends_nic_payload_Bps(hw, n_ports(hw));
}

const struct topology_type topo_mpft_multiport = {
    .name = "mpft_multiport",
    .doc = "multi-plane fat tree with a port of every NIC on each plane (network.nic_ports)",
    .ref = "5.1, Figure 4",
    .keys = &keys_table,
    .check = check,
    .payload_Bps = payload_Bps,
    .sprays = true,
    .build = build,
    .count = count,
    .n_minimal = rails_n_minimal,
    .n_detours = rails_n_detours,
    .n_by_nic = rails_n_by_nic,
    .by_destination = rails_to_destination,
    .by_port = rails_by_port,
    .path = rails_path,
    .plane_of = rails_tree_of,
    .link_name = rails_link_name,
};
