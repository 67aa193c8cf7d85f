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
    t->nics_per_gpu = 1;
    if (ports_per_nic > 1)
        t->shared_nic = ports_per_nic * ends_port_payload_Bps(hw, ports_per_nic) >
                        ends_nic_payload_Bps(hw, ports_per_nic) * (1 + 1e-9);
}

/* What a GPU's NICs can send together, and a shared NIC for all its GPUs. */
static double shared_payload_Bps(const struct topology *t, const struct cluster_hw *hw)
{
    uint32_t nics = topology_nics_per_gpu(t), ports = ends_ports(t);
    double line_Bps = fmin(ports * ends_port_line_Bps(hw, ports), hw->nic.bandwidth_Bps);
    return hw_behind_pcie_Bps(hw, nics * hw_after_headers_Bps(hw, line_Bps));
}

/* Of GPUs with several NICs each, whether the way to them limits. */
static bool is_limited(const struct topology *t, const struct cluster_hw *hw)
{
    return t->ports_per_nic * ends_port_payload_Bps(hw, ends_ports(t)) > shared_payload_Bps(t, hw) * (1 + 1e-9);
}

static void warn_limited(const struct topology *t, const struct cluster_hw *hw, struct diag *diag)
{
    char pcie[32];
    double all_Bps = topology_nics_per_gpu(t) * ends_nic_payload_Bps(hw, ends_ports(t));
    if (hw_behind_pcie_Bps(hw, all_Bps) < all_Bps * (1 - 1e-9))
        diag_warning(diag, hw->nic.bandwidth_at,
                     "the %u NICs of a GPU together are faster than its PCIe (%s): PCIe limits; raise "
                     "cluster.node.pcie_bandwidth too",
                     topology_nics_per_gpu(t), unit_format(hw->node.pcie_Bps, DIM_BANDWIDTH, pcie, sizeof pcie));
}

void ends_nics(struct topology *t, const struct cluster_hw *hw, uint32_t ports, struct arena *a, struct diag *diag)
{
    uint32_t gpus = (uint32_t)hw->node.gpus, nics = (uint32_t)hw->nic.per_node, n = (uint32_t)hw->nodes * nics * ports;
    if (nics == gpus)
        return;
    uint32_t each = nics > gpus ? nics / gpus : 1, all = each * ports;
    uint32_t *port = ARENA_ARRAY(a, uint32_t, (size_t)t->n_endpoints * all), *owner = ARENA_ARRAY(a, uint32_t, n),
             *users = ARENA_ARRAY(a, uint32_t, n);
    struct nic_sharing *s = ARENA_NEW(a, struct nic_sharing);
    for (uint32_t e = t->n_endpoints; e-- > 0;) {
        uint32_t first = (e / gpus * nics + (uint32_t)((uint64_t)(e % gpus) * nics / gpus)) * ports;
        for (uint32_t p = 0; p < all; p++) {
            port[e * all + p] = first + p;
            owner[first + p] = e;
            users[first + p]++;
        }
    }
    *s = (struct nic_sharing){port, owner, users};
    t->sharing = s;
    t->ports_per_nic = all;
    t->nics_per_gpu = each;
    t->n_ports = n;
    if (each > 1) {
        t->shared_nic = is_limited(t, hw);
        warn_limited(t, hw, diag);
    }
}

void ends_share(struct topology *t, const struct cluster_hw *hw, const struct nic_sharing *sharing,
                uint32_t ports_per_nic, uint32_t n_ports)
{
    bool alone = true;
    for (uint32_t i = 0; i < n_ports; i++)
        alone &= sharing->users[i] <= 1;
    t->sharing = sharing;
    t->ports_per_nic = t->nics_per_gpu = ports_per_nic;
    t->n_ports = n_ports;
    t->shared_nic = alone && ports_per_nic > 1 && is_limited(t, hw);
}

static uint32_t first_shared(const struct topology *t)
{
    return 2 * (t->n_endpoints + t->n_ports);
}

uint32_t ends_n_links(const struct topology *t)
{
    return first_shared(t) + 2 * t->n_endpoints * t->shared_nic;
}

/* They have no vertex to lead to, as NVLink has none. */
static void build_shared(struct topology *t, const struct cluster_hw *hw)
{
    for (uint32_t i = 0; t->shared_nic && i < 2 * t->n_endpoints; i++) {
        uint32_t e = i % t->n_endpoints;
        t->links[first_shared(t) + i] = (struct topo_link){shared_payload_Bps(t, hw), 0, LINK_PCIE, e, e};
    }
}

void ends_build(struct topology *t, const struct cluster_hw *hw, ends_leaf_fn *leaf)
{
    uint32_t e = t->n_endpoints, ports = t->ports_per_nic ? ends_ports(t) : 1;
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    double port_Bps = ends_port_payload_Bps(hw, ports), half_s = hw->node.nvlink_latency_s / 2;
    double near_s = hw->nic.latency_s + hw_copper_s(&hw->network);
    double far_s = near_s + hw->network.switch_latency_s;
    build_shared(t, hw);
    for (uint32_t i = 0; i < e; i++) {
        /* the NVSwitch has no vertex: a hop leaves a GPU and enters any GPU of its node */
        t->links[i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
        t->links[e + i] = (struct topo_link){nvlink_Bps, half_s, LINK_NVLINK, i, i};
    }
    for (uint32_t p = 0; p < t->n_ports; p++) {
        uint32_t nic = e + p, at = leaf(t, p / ports, p % ports);
        t->links[ends_first_out(t) + p] = (struct topo_link){port_Bps, near_s, LINK_NIC, nic, at};
        t->links[ends_first_in(t) + p] = (struct topo_link){port_Bps, far_s, LINK_NIC, at, nic};
    }
}

uint32_t ends_user(const struct topology *t, uint32_t nic, uint32_t gpu)
{
    for (uint32_t p = 0; p < t->ports_per_nic; p += ends_ports(t))
        if (ends_nic(t, gpu, p) == nic)
            return gpu;
    return topology_port_owner(t, nic * ends_ports(t));
}

uint32_t ends_shared_out(const struct topology *t, uint32_t nic, uint32_t *links)
{
    if (t->shared_nic)
        links[0] = first_shared(t) + topology_port_owner(t, nic * ends_ports(t));
    return t->shared_nic;
}

uint32_t ends_shared_in(const struct topology *t, uint32_t nic, uint32_t *links)
{
    if (t->shared_nic)
        links[0] = first_shared(t) + t->n_endpoints + topology_port_owner(t, nic * ends_ports(t));
    return t->shared_nic;
}

/* --- paths -------------------------------------------------------------------------------------------------------------- */

static uint32_t ways_of_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port, ends_ways_fn *ways)
{
    return ways(t, ends_nic(t, src, port), ends_nic(t, dst, port));
}

uint32_t ends_first_way(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port, ends_ways_fn *ways)
{
    uint32_t sum = 0;
    for (uint32_t p = 0; p < port; p++)
        sum += ways_of_port(t, src, dst, p, ways);
    return sum;
}

uint32_t ends_n_ways(const struct topology *t, uint32_t src, uint32_t dst, ends_ways_fn *ways)
{
    return ends_same_node(t, src, dst) ? 1 : ends_first_way(t, src, dst, t->ports_per_nic, ways);
}

uint32_t ends_ways_of_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic, ends_ways_fn *ways)
{
    return ends_same_node(t, src, dst) ? nic == 0
                                       : ends_ports(t) * ways_of_port(t, src, dst, nic * ends_ports(t), ways);
}

struct ends_way ends_way(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number, ends_ways_fn *ways)
{
    struct ends_way w = {.number = number};
    for (uint32_t n; w.port + 1 < t->ports_per_nic && w.number >= (n = ways_of_port(t, src, dst, w.port, ways));
         w.port++)
        w.number -= n;
    w.from = ends_nic(t, src, w.port);
    w.to = ends_nic(t, dst, w.port);
    return w;
}

/* --- hops over NVLink --------------------------------------------------------------------------------------------------- */

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

/* --- names -------------------------------------------------------------------------------------------------------------- */

static const char *shared_port_name(const struct topology *t, uint32_t port, bool out, char *buf, size_t size)
{
    uint32_t owner = topology_port_owner(t, port), users = topology_port_users(t, port), ports = ends_ports(t);
    const char *way = out ? "out of" : "into";
    char which[40] = "";
    if (ports > 1)
        snprintf(which, sizeof which, " port %u", port % ports);
    if (!users)
        snprintf(buf, size, "NIC %s no GPU of the job", way);
    else if (users == 1)
        snprintf(buf, size, "NIC %u%s %s GPU %u (node %u)", port / ports, which, way, owner, owner / t->gpus_per_node);
    else
        snprintf(buf, size, "NIC %u%s %s GPU %u and %u more (node %u)", port / ports, which, way, owner, users - 1,
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
