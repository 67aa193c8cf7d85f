#include "topology/ends.h"

#include <stdio.h>

static void warn_slower_parts(const struct cluster_hw *hw, struct diag *diag)
{
    char nic[32], port[32], pcie[32];
    unit_format(hw->nic.bandwidth_Bps, DIM_BANDWIDTH, nic, sizeof nic);
    if (hw->nic.bandwidth_Bps > hw->network.port_Bps)
        diag_warning(diag, SRCLOC_NONE,
                     "the NIC (%s) is faster than its switch port (%s): the port limits; raise "
                     "cluster.network.port_bandwidth too",
                     nic, unit_format(hw->network.port_Bps, DIM_BANDWIDTH, port, sizeof port));
    if (hw->node.host.nic == NIC_BEHIND_PCIE && hw->nic.bandwidth_Bps > hw->node.pcie_Bps)
        diag_warning(diag, SRCLOC_NONE,
                     "the NIC (%s) is faster than its PCIe (%s): PCIe limits; raise "
                     "cluster.node.pcie_bandwidth too",
                     nic, unit_format(hw->node.pcie_Bps, DIM_BANDWIDTH, pcie, sizeof pcie));
}

void ends_begin(struct topology *t, const struct cluster_hw *hw, uint32_t ports_per_nic, struct diag *diag)
{
    warn_slower_parts(hw, diag);
    t->gpus_per_node = (uint32_t)hw->node.gpus;
    t->n_endpoints = (uint32_t)(hw->nodes * hw->node.gpus);
    t->ports_per_nic = ports_per_nic;
    t->unified_adapter = hw->node.unified_adapter;
}

uint32_t ends_n_links(const struct topology *t)
{
    return 2 * t->n_endpoints * (1 + t->ports_per_nic);
}

void ends_build(struct topology *t, const struct cluster_hw *hw, ends_leaf_fn *leaf)
{
    uint32_t e = t->n_endpoints, ports = t->ports_per_nic;
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    double nic_Bps = hw_nic_payload_Bps(hw), half_s = hw->node.nvlink_latency_s / 2;
    double near_s = hw->nic.latency_s + hw_copper_s(&hw->network);
    double far_s = near_s + hw->network.switch_latency_s;
    for (uint32_t i = 0; i < e; i++) {
        /* the NVSwitch has no vertex: a hop leaves a GPU and enters any GPU of its node */
        t->links[i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        t->links[e + i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        for (uint32_t p = 0; p < ports; p++) {
            uint32_t nic = e + i * ports + p, at = leaf(t, i, p);
            t->links[ends_nic_out(t, i, p)] = (struct topo_link){nic_Bps / ports, near_s, LINK_NIC, nic, at};
            t->links[ends_nic_in(t, i, p)] = (struct topo_link){nic_Bps / ports, far_s, LINK_NIC, at, nic};
        }
    }
}

uint32_t ends_nvlink(const struct topology *t, uint32_t src, uint32_t dst, uint32_t *links)
{
    links[0] = src;
    links[1] = t->n_endpoints + dst;
    return 2;
}

uint32_t ends_to_nic(const struct topology *t, uint32_t gpu, uint32_t nic, uint32_t *links)
{
    if (gpu == nic)
        return 0;
    ends_nvlink(t, gpu, nic, links);
    return t->unified_adapter ? 1 : 2;
}

uint32_t ends_from_nic(const struct topology *t, uint32_t nic, uint32_t gpu, uint32_t *links)
{
    if (gpu == nic)
        return 0;
    if (!t->unified_adapter)
        return ends_nvlink(t, nic, gpu, links);
    links[0] = t->n_endpoints + gpu;
    return 1;
}

const char *ends_link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    uint32_t e = t->n_endpoints, ports = t->ports_per_nic;
    if (link < 2 * e) {
        snprintf(buf, size, "NVLink %s GPU %u (node %u)", link < e ? "out of" : "into", link % e,
                 link % e / t->gpus_per_node);
        return buf;
    }
    uint32_t port = link - 2 * e;
    if (port >= 2 * e * ports)
        return NULL;
    const char *way = port < e * ports ? "out of" : "into";
    port %= e * ports;
    uint32_t gpu = port / ports;
    if (ports > 1)
        snprintf(buf, size, "NIC port %u %s GPU %u (node %u)", port % ports, way, gpu, gpu / t->gpus_per_node);
    else
        snprintf(buf, size, "NIC %s GPU %u (node %u)", way, gpu, gpu / t->gpus_per_node);
    return buf;
}
