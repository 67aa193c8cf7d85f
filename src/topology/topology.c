#include "topology/topology.h"

#include "hw/cluster.h"

uint32_t topology_route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS])
{
    if (src == dst)
        return 0;
    if (t->type->by_tables)
        return t->type->by_tables(t, src, dst, links);
    return t->type->path(t, src, dst, t->type->by_destination(t, src, dst), links);
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
