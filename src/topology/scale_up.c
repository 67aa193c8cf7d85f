#include "topology/scale_up.h"

#include "topology/ends.h"

int scale_up_count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
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

int scale_up_build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct topo_counts counts = {0};
    if (scale_up_count(hw, &counts, diag))
        return -1;
    ends_begin(t, hw, 0, diag);
    t->n_vertices = t->n_endpoints;
    t->n_links = ends_n_links(t);
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, NULL);
    return 0;
}

uint32_t scale_up_n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

uint32_t scale_up_by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

uint32_t scale_up_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                       uint32_t links[ROUTE_MAX_LINKS])
{
    (void)number;
    return ends_nvlink(t, src, dst, links);
}

/* Everyone is alike. */
uint32_t scale_up_n_turns(const struct topology *t)
{
    (void)t;
    return 1;
}

uint32_t scale_up_turn(const struct topology *t, uint32_t number, uint32_t endpoint)
{
    (void)number;
    return (endpoint + 1) % t->n_endpoints;
}
