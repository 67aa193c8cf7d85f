/* One scale-up domain: the GPUs of one node joined by NVSwitch, without any network. With hardware h800 the
 * 8 GPUs of a node, with gb200_nvl72 the 72 GPUs of a rack. */
#include "topology/ends.h"

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    if (hw->nodes != 1) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "NVSwitch alone joins the GPUs of one node, not %lld nodes; set cluster.nodes to 1 or "
                   "choose a network (moesim list topologies)",
                   (long long)hw->nodes);
        return -1;
    }
    out->endpoints = (uint64_t)hw->node.gpus;
    return 0;
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a,
                 struct diag *diag)
{
    struct topo_counts counts = {0};
    if (count(hw, &counts, diag))
        return -1;
    ends_begin(t, hw, 0, diag);
    t->n_vertices = t->n_endpoints;
    t->n_links = ends_n_links(t);
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, NULL);
    return 0;
}

static uint32_t one(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

static uint32_t first(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    (void)number;
    return ends_nvlink(t, src, dst, links);
}

/* Everyone is alike. */
static uint32_t n_turns(const struct topology *t)
{
    (void)t;
    return 1;
}

static uint32_t turn(const struct topology *t, uint32_t number, uint32_t endpoint)
{
    (void)number;
    return (endpoint + 1) % t->n_endpoints;
}

const struct topology_type topo_nvswitch = {
    .name = "nvswitch",
    .doc = "one scale-up domain: the GPUs of one node, no network",
    .ref = "4.4",
    .n_turns = n_turns,
    .turn = turn,
    .build = build,
    .count = count,
    .n_minimal = one,
    .by_destination = first,
    .path = path,
    .link_name = ends_link_name,
};
