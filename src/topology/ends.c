#include "topology/ends.h"

#include <math.h>
#include <stdio.h>

double ends_port_line_Bps(const struct cluster_hw *hw, uint32_t ports)
{
    double port_Bps = hw->network.port_Bps;
    return ports == 1 || hw->network.port_given ? port_Bps : fmin(port_Bps, hw->nic.bandwidth_Bps / ports);
}

double ends_port_payload_Bps(const struct cluster_hw *hw, uint32_t ports)
{
    double line_Bps = fmin(ends_port_line_Bps(hw, ports), hw->nic.bandwidth_Bps);
    return hw_behind_pcie_Bps(hw, hw_after_headers_Bps(hw, line_Bps));
}

double ends_nic_payload_Bps(const struct cluster_hw *hw, uint32_t ports)
{
    double line_Bps = fmin(ports * ends_port_line_Bps(hw, ports), hw->nic.bandwidth_Bps);
    return hw_behind_pcie_Bps(hw, hw_after_headers_Bps(hw, line_Bps));
}

static void warn_slower_parts(const struct cluster_hw *hw, uint32_t ports, struct diag *diag)
{
    char nic[32], port[32], pcie[32];
    double ports_Bps = ports * ends_port_line_Bps(hw, ports);
    unit_format(hw->nic.bandwidth_Bps, DIM_BANDWIDTH, nic, sizeof nic);
    unit_format(ports_Bps, DIM_BANDWIDTH, port, sizeof port);
    if (hw->nic.bandwidth_Bps > ports_Bps * (1 + 1e-9))
        diag_warning(diag, hw->nic.bandwidth_at,
                     "the NIC (%s) is faster than its switch port%s (%s): the port%s; raise "
                     "cluster.network.port_bandwidth too",
                     nic, ports == 1 ? "" : "s together", port, ports == 1 ? " limits" : "s limit");
    if (hw->node.host.nic == NIC_BEHIND_PCIE && hw->nic.bandwidth_Bps > hw->node.pcie_Bps)
        diag_warning(diag, hw->nic.bandwidth_at,
                     "the NIC (%s) is faster than its PCIe (%s): PCIe limits; raise "
                     "cluster.node.pcie_bandwidth too",
                     nic, unit_format(hw->node.pcie_Bps, DIM_BANDWIDTH, pcie, sizeof pcie));
}

void ends_begin(struct topology *t, const struct cluster_hw *hw, uint32_t ports_per_nic, struct diag *diag)
{
    warn_slower_parts(hw, ports_per_nic ? ports_per_nic : 1, diag);
    t->gpus_per_node = (uint32_t)hw->node.gpus;
    t->n_endpoints = (uint32_t)(hw->nodes * hw->node.gpus);
    t->ports_per_nic = ports_per_nic;
    t->n_ports = t->n_endpoints * ports_per_nic;
    t->unified_adapter = hw->node.unified_adapter;
    if (ports_per_nic > 1)
        t->shared_nic = ports_per_nic * ends_port_payload_Bps(hw, ports_per_nic) >
                        ends_nic_payload_Bps(hw, ports_per_nic) * (1 + 1e-9);
}

void ends_share(struct topology *t, const struct nic_sharing *sharing, uint32_t ports_per_nic, uint32_t n_ports)
{
    t->sharing = sharing;
    t->ports_per_nic = ports_per_nic;
    t->n_ports = n_ports;
    t->shared_nic = false;
}

static uint32_t first_shared(const struct topology *t)
{
    return 2 * (t->n_endpoints + t->n_ports);
}

uint32_t ends_n_links(const struct topology *t)
{
    return first_shared(t) + 2 * t->n_endpoints * t->shared_nic;
}

/* A NIC's own links have no vertex to lead to, as NVLink has none. */
static void build_shared(struct topology *t, const struct cluster_hw *hw)
{
    for (uint32_t i = 0; t->shared_nic && i < 2 * t->n_endpoints; i++) {
        uint32_t e = i % t->n_endpoints;
        t->links[first_shared(t) + i] =
            (struct topo_link){ends_nic_payload_Bps(hw, t->ports_per_nic), 0, LINK_PCIE, e, e};
    }
}

void ends_build(struct topology *t, const struct cluster_hw *hw, ends_leaf_fn *leaf)
{
    uint32_t e = t->n_endpoints, ports = t->ports_per_nic;
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    double port_Bps = ends_port_payload_Bps(hw, ports ? ports : 1), half_s = hw->node.nvlink_latency_s / 2;
    double near_s = hw->nic.latency_s + hw_copper_s(&hw->network);
    double far_s = near_s + hw->network.switch_latency_s;
    build_shared(t, hw);
    for (uint32_t i = 0; i < e; i++) {
        /* the NVSwitch has no vertex: a hop leaves a GPU and enters any GPU of its node */
        t->links[i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        t->links[e + i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
    }
    for (uint32_t p = 0; p < t->n_ports; p++) {
        uint32_t nic = e + p, at = t->sharing ? leaf(t, p, 0) : leaf(t, p / ports, p % ports);
        t->links[ends_first_out(t) + p] = (struct topo_link){port_Bps, near_s, LINK_NIC, nic, at};
        t->links[ends_first_in(t) + p] = (struct topo_link){port_Bps, far_s, LINK_NIC, at, nic};
    }
}

uint32_t ends_shared_out(const struct topology *t, uint32_t endpoint, uint32_t *links)
{
    links[0] = first_shared(t) + endpoint;
    return t->shared_nic;
}

uint32_t ends_shared_in(const struct topology *t, uint32_t endpoint, uint32_t *links)
{
    links[0] = first_shared(t) + t->n_endpoints + endpoint;
    return t->shared_nic;
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

static const char *shared_port_name(const struct topology *t, uint32_t port, bool out, char *buf, size_t size)
{
    uint32_t owner = topology_port_owner(t, port), users = topology_port_users(t, port);
    if (!users)
        snprintf(buf, size, "NIC %s no GPU of the job", out ? "out of" : "into");
    else if (users == 1)
        snprintf(buf, size, "NIC %u %s GPU %u (node %u)", port, out ? "out of" : "into", owner,
                 owner / t->gpus_per_node);
    else
        snprintf(buf, size, "NIC %u %s GPU %u and %u more (node %u)", port, out ? "out of" : "into", owner, users - 1,
                 owner / t->gpus_per_node);
    return buf;
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
    if (port >= 2 * t->n_ports) {
        bool out = port - 2 * t->n_ports < e;
        if (link >= ends_n_links(t))
            return NULL;
        snprintf(buf, size, "NIC %s GPU %u (node %u)", out ? "out of" : "into", port % e, port % e / t->gpus_per_node);
        return buf;
    }
    bool out = port < t->n_ports;
    const char *way = out ? "out of" : "into";
    port %= t->n_ports;
    if (t->sharing)
        return shared_port_name(t, port, out, buf, size);
    uint32_t gpu = port / ports;
    if (ports > 1)
        snprintf(buf, size, "NIC port %u %s GPU %u (node %u)", port % ports, way, gpu, gpu / t->gpus_per_node);
    else
        snprintf(buf, size, "NIC %s GPU %u (node %u)", way, gpu, gpu / t->gpus_per_node);
    return buf;
}
