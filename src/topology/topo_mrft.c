/* Multi-rail fat tree (paper 5.1): NIC i of every node is on a leaf of rail i, and one spine layer joins
 * the leaves of all rails. Traffic to another rail goes over the spines, without NVLink. */
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a,
                 struct diag *diag)
{
    return rails_build(t, hw, false, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct rails r;
    if (rails_plan(hw, false, &r, diag))
        return -1;
    rails_count(&r, out);
    return 0;
}

static uint32_t route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t flow_hash,
                      uint32_t links[ROUTE_MAX_LINKS])
{
    (void)flow_hash; /* routing is by destination: one path per pair */
    if (src == dst)
        return 0;
    if (src / t->gpus_per_node == dst / t->gpus_per_node)
        return rails_nvlink(t, src, dst, links);
    return rails_network(t, src, dst, links);
}

const struct topology_type topo_mrft = {
    .name = "mrft",
    .doc = "multi-rail fat tree: a leaf per rail, one spine layer for all rails",
    .ref = "5.1",
    .build = build,
    .count = count,
    .route = route,
    .link_name = rails_link_name,
};
