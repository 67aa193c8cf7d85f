#include "topology/topology.h"

uint32_t topology_route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS])
{
    if (src == dst)
        return 0;
    return t->type->path(t, src, dst, t->type->by_destination(t, src, dst), links);
}
