#include "topology/topology.h"

#include "hw/cluster.h"
#include "topology/opensm.h"
#include "topology/tables.h"

static uint32_t hash_below(uint32_t src, uint32_t dst, uint32_t below)
{
    uint64_t h = ((uint64_t)src << 32 | dst) + 0x9e3779b97f4a7c15u; /* SplitMix64 */
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    h ^= h >> 31;
    return (uint32_t)(((h >> 32) * below) >> 32);
}

uint32_t topology_port(const struct topology *t, uint32_t src, uint32_t dst)
{
    return t->ports_per_nic > 1 ? hash_below(src, dst, t->ports_per_nic) : 0;
}

uint32_t topology_port_of_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    uint32_t ports = t->ports_per_nic / topology_nics_per_gpu(t);
    return nic % topology_nics_per_gpu(t) * ports + (ports > 1 ? hash_below(src, dst, ports) : 0);
}

uint32_t topology_route_by(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port,
                           uint32_t links[ROUTE_MAX_LINKS])
{
    if (src == dst)
        return 0;
    if (t->type->by_tables)
        return t->type->by_tables(t, src, dst, links);
    uint32_t number = t->type->by_port ? t->type->by_port(t, src, dst, port) : t->type->by_destination(t, src, dst);
    uint32_t n = t->type->path(t, src, dst, number, links);
    return t->tables ? tables_along(t->tables, links, n) : n;
}

uint32_t topology_route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS])
{
    return topology_route_by(t, src, dst, topology_port(t, src, dst), links);
}

/* What hw asks: see hw/cluster.h. */
double hw_topology_payload_Bps(const struct cluster_hw *hw)
{
    const struct topology_type *type = hw->topology ? topology_find(hw->topology) : NULL;
    return type && type->payload_Bps ? type->payload_Bps(hw) : 0;
}

struct hw_routing topology_routing(const struct cluster_hw *hw)
{
    const struct topology_type *type = topology_find(hw->topology);
    struct hw_routing routing = hw->network.routing;
    if (routing.policy == ROUTING_AUTO)
        routing.policy = type && type->sprays ? ROUTING_SPRAY : ROUTING_STATIC;
    if (opensm_is(routing.policy)) /* topology_build has made the tables */
        routing.policy = ROUTING_STATIC;
    return routing;
}

const char *topology_policy_name(const struct cluster_hw *hw)
{
    int policy = hw->network.routing.policy;
    return routing_policy_names[opensm_is(policy) ? policy : topology_routing(hw).policy];
}

uint32_t topology_leaves_from(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
    for (uint32_t i = 0; i < n; i++)
        if (t->links[links[i]].kind == LINK_NIC) /* its port stands behind the endpoints */
            return topology_port_owner(t, t->links[links[i]].a - t->n_endpoints);
    return src;
}

bool topology_nics_meet(const struct cluster_hw *hw)
{
    const struct topology_type *type = topology_find(hw->topology);
    return !type || !type->nics_meet || type->nics_meet(hw);
}

const char *topology_name_in_paper(const struct cluster_hw *hw)
{
    const struct topology_type *type = topology_find(hw->topology);
    return type && type->name_in_paper ? type->name_in_paper(hw) : NULL;
}

static int route_as_opensm(struct topology *t, int policy, struct arena *a, struct diag *diag)
{
    if (t->type->switchless || !t->n_ports || t->n_vertices == topology_first_switch(t)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "cluster.network.routing.policy: topology %s has no switches that OpenSM could route; write static",
                   t->type->name);
        return -1;
    }
    if (tables_check_size(t, "cluster.network.routing.policy", diag))
        return -1;
    struct tables *tables = tables_new(t, a);
    if (opensm_route(tables, t, policy, NULL, false, diag))
        return -1;
    t->tables = tables;
    t->engine = policy;
    return 0;
}

int topology_build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    t->type = topology_find(hw->topology);
    BUG_IF(!t->type); /* scenario_load has found it */
    if (t->type->build(t, hw, a, diag))
        return -1;
    for (uint32_t i = 0; i < t->n_links && hw->network.cables_ratio > 0; i++)
        if (t->links[i].kind > LINK_NIC)
            t->links[i].capacity_Bps *= hw->network.cables_ratio;
    return opensm_is(hw->network.routing.policy) ? route_as_opensm(t, hw->network.routing.policy, a, diag) : 0;
}

bool topology_is_switchless(const struct cluster_hw *hw)
{
    const struct topology_type *type = topology_find(hw->topology);
    return type && type->switchless;
}
