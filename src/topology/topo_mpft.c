/* Multi-plane fat tree (paper 5.1, Figures 3 and 4): NIC i of every node is on plane i, and each plane
 * is a two-level fat tree of its own. Planes do not meet: traffic to a GPU of another plane hops over
 * NVLink to the GPU of that plane first and leaves through its NIC (as NCCL's PXN does).
 * Left out here: several planes per NIC, faults. */
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a,
                 struct diag *diag)
{
    return rails_build(t, hw, true, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct rails r;
    if (rails_plan(hw, true, &r, diag))
        return -1;
    rails_count(&r, out);
    return 0;
}

static uint32_t route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t flow_hash,
                      uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t gpus = t->gpus_per_node, n = 0;
    (void)flow_hash; /* routing is by destination: one path per pair */
    if (src == dst)
        return 0;
    if (src / gpus == dst / gpus)
        return rails_nvlink(t, src, dst, links);
    uint32_t leaves_from = src / gpus * gpus + dst % gpus;
    if (leaves_from != src)
        n = rails_nvlink(t, src, leaves_from, links);
    return n + rails_network(t, leaves_from, dst, links + n);
}

const struct topology_type topo_mpft = {
    .name = "mpft",
    .doc = "multi-plane fat tree: one two-level tree per GPU index, NVLink between planes",
    .ref = "5.1",
    .build = build,
    .count = count,
    .route = route,
    .link_name = rails_link_name,
};
