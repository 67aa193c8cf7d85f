/* Multi-rail fat tree (paper 5.1): NIC i of every node is on a leaf of rail i, and one spine layer joins
 * the leaves of all rails. Traffic to another rail goes over the spines, without NVLink. */
#include "topology/ends.h"
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a,
                 struct diag *diag)
{
    return rails_build(t, hw, RAILS_BY_RAIL, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_BY_RAIL, out, diag);
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 1 : rails_n_uplinks(t, src, dst);
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : rails_by_destination(t, src, dst);
}

/* Over one rail from end to end, with NVLink hops (as PXN does): for when a NIC or its leaf is down. */
static uint32_t n_detours(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : t->gpus_per_node;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t minimal = n_minimal(t, src, dst);
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    if (number >= minimal)
        return rails_over_rail(t, src, dst, (dst + number - minimal) % t->gpus_per_node, links);
    return rails_network(t, src, dst, 0, number, links);
}

const struct topology_type topo_mrft = {
    .name = "mrft",
    .doc = "multi-rail fat tree: a leaf per rail, one spine layer for all rails",
    .ref = "5.1",
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .by_destination = by_destination,
    .path = path,
    .link_name = rails_link_name,
};
