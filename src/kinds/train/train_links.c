#include "kinds/train/train_links.h"

#include <string.h>

#include "topology/ends.h"

const char *train_links_misfit(const struct train_plan *plan, const struct train_network *network)
{
    const struct cluster_hw *hw = network->hw;
    int policy = hw->network.routing.policy;
    if (plan->layout.cfg->symmetry != TRAIN_SYMMETRY_EXACT)
        return "train.symmetry is off";
    if (plan->layout.schedule->both_directions)
        return "every stage is on two pipeline ranks";
    if (policy != ROUTING_SPRAY && policy != ROUTING_ADAPTIVE)
        return "packets do not spread over all paths (cluster.network.routing.policy)";
    if (hw->network.oversubscription_ratio > 1)
        return "leaves have fewer uplinks than NICs (cluster.network.oversubscription)";
    if (!network->topo->ports_per_nic || !strcmp(network->name, "file"))
        return "the network is none of NICs under leaves";
    return NULL;
}

static double nic_Bps(const struct topology *t, uint32_t endpoint, bool out)
{
    double sum_Bps = 0;
    for (uint32_t p = 0; p < t->ports_per_nic; p++)
        sum_Bps += t->links[out ? ends_nic_out(t, endpoint, p) : ends_nic_in(t, endpoint, p)].capacity_Bps;
    return sum_Bps;
}

void train_links_open(const struct train_plan *plan, const struct train_network *network, uint32_t columns,
                      struct opgraph *graph, struct arena *arena, struct train_links *out)
{
    const struct topology *t = network->topo;
    uint32_t ranks = plan->layout.ranks;
    *out = (struct train_links){.plan = plan, .network = network};
    out->resource = arena_array(arena, sizeof *out->resource, (size_t)columns * ranks);
    for (uint32_t i = 0; i < columns * ranks; i++) {
        uint32_t gpu = train_device(&plan->layout, i / ranks, i % ranks, 0);
        uint32_t *r = out->resource[i];
        r[LINK_OUT] = opgraph_resource(graph, nic_Bps(t, gpu, true), "NIC out");
        r[LINK_IN] = opgraph_resource(graph, nic_Bps(t, gpu, false), "NIC in");
        r[NVLINK_OUT] = opgraph_resource(graph, t->links[gpu].capacity_Bps, "NVLink out");
        r[NVLINK_IN] = opgraph_resource(graph, t->links[t->n_endpoints + gpu].capacity_Bps, "NVLink in");
    }
}

static uint32_t gpu_of(const struct train_links *l, struct train_end e)
{
    return train_device(&l->plan->layout, e.column, e.rank, 0);
}

static void cross(const struct train_links *l, struct train_end from, struct train_end to, bool nvlink,
                  struct transfer *t)
{
    uint32_t ranks = l->plan->layout.ranks;
    t->src = t->dst = gpu_of(l, from);
    t->n_res = 2;
    t->res[0] = l->resource[from.column * ranks + from.rank][nvlink ? NVLINK_OUT : LINK_OUT];
    t->res[1] = l->resource[to.column * ranks + to.rank][nvlink ? NVLINK_IN : LINK_IN];
}

static double path_s(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = src == dst ? 0 : topology_route(t, src, dst, links);
    double sum_s = 0;
    for (uint32_t i = 0; i < n; i++)
        sum_s += t->links[links[i]].latency_s;
    return sum_s;
}

void train_links_route(const struct train_links *l, struct train_end from, struct train_end to, struct transfer *t)
{
    uint32_t a = gpu_of(l, from), b = gpu_of(l, to), node = l->network->topo->gpus_per_node;
    cross(l, from, to, a / node == b / node, t);
    t->latency_s += path_s(l->network->topo, a, b);
}

void train_links_within(const struct train_links *l, struct train_end from, struct train_end to, struct transfer *t)
{
    cross(l, from, to, true, t);
    t->latency_s += l->network->hw->node.nvlink_latency_s;
}
