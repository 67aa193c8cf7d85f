/* Two-level fat tree (paper 5.1, Table 3): leaves are filled rank by rank, so the NICs of a node share a
 * leaf; one spine layer joins the leaves. */
#include "topology/ends.h"
#include "topology/rails.h"

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a,
                 struct diag *diag)
{
    return rails_build(t, hw, RAILS_IN_ORDER, a, diag);
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    return rails_count(hw, RAILS_IN_ORDER, out, diag);
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 1 : rails_n_uplinks(t, src, dst);
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_same_node(t, src, dst) ? 0 : rails_by_destination(t, src, dst);
}

/* Over the NICs of two other GPUs, with NVLink hops: for when a NIC is down. */
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

const struct topology_type topo_ft2 = {
    .name = "ft2",
    .doc = "two-level fat tree: leaves filled in order, one spine layer",
    .ref = "5.1",
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_detours = n_detours,
    .by_destination = by_destination,
    .path = path,
    .link_name = rails_link_name,
};
