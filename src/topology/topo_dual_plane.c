/* Dual-plane network (Alibaba HPN, Qian et al., SIGCOMM 2024): every NIC has two ports, each cabled to a leaf of another
 * plane; a plane is a rail-optimised tree of its own, as mrft: leaves of NICs of one GPU number, and one spine layer that
 * joins the leaves of all rails. A leaf or a plane that fails leaves each NIC its other port. A queue pair stays on one
 * port: static tables hash pairs over ports, ecmp queue pairs over all paths. Cables between switches have the rate of a
 * port (HPN's of 400 Gb/s count as two of 200), ports share the NIC's or have the scenario's port_bandwidth. Left out:
 * the core layer between pods; the time until a host notices that a port is down. */
#include "topology/ends.h"
#include "topology/rails.h"

enum { PLANES = 2 };

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    return rails_build(t, hw, RAILS_BY_RAIL, PLANES, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_BY_RAIL, PLANES, out, diag);
}

/* Every rail has leaves of its own: a single switch holds all of a plane where nodes have one NIC. */
static void check(const struct cluster_hw *hw, struct diag *diag)
{
    if (hw->nic.per_node == 1)
        fat_tree_warn_single(hw, 1, (uint32_t)hw->network.switch_ports, diag);
}

static double payload_Bps(const struct cluster_hw *hw)
{
    return ends_nic_payload_Bps(hw, PLANES);
}

const struct topology_type topo_dual_plane = {
    .name = "dual_plane",
    .doc = "dual-port NICs on two planes (Alibaba HPN), each a tree with a leaf per rail",
    .ref = "1, [62]",
    .keys = &fat_tree_keys_table,
    .check = check,
    .payload_Bps = payload_Bps,
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
