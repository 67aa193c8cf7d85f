#include "topology/loads.h"

#include <math.h>
#include <stdlib.h>

static uint32_t flow_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return topology_nics_per_gpu(t) > 1 ? topology_port_of_nic(t, src, dst, nic) : topology_port(t, src, dst);
}

static void count_flows(const struct topology *t, uint32_t *flows)
{
    uint32_t links[ROUTE_MAX_LINKS];
    for (uint32_t src = 0; src < t->n_endpoints; src++)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++) {
            if (src / t->gpus_per_node == dst / t->gpus_per_node)
                continue;
            for (uint32_t nic = 0; nic < topology_nics_per_gpu(t); nic++) {
                uint32_t n = topology_route_by(t, src, dst, flow_port(t, src, dst, nic), links);
                for (uint32_t i = 0; i < n; i++)
                    flows[links[i]]++;
            }
        }
}

static void sum_up(const struct topology *t, const uint32_t *flows, struct topo_loads *out)
{
    double sum = 0;
    out->least = UINT32_MAX;
    out->each_Bps = INFINITY;
    for (uint32_t i = 0; i < t->n_links; i++) {
        if (!flows[i])
            continue;
        if (t->links[i].capacity_Bps / flows[i] < out->each_Bps) {
            out->each_Bps = t->links[i].capacity_Bps / flows[i];
            out->narrowest = i;
        }
        if (t->links[i].kind <= LINK_NIC)
            continue;
        out->most = flows[i] > out->most ? flows[i] : out->most;
        out->least = flows[i] < out->least ? flows[i] : out->least;
        out->links++;
        sum += flows[i];
    }
    out->mean = out->links ? sum / out->links : 0;
    out->least = out->links ? out->least : 0;
    out->gpu_Bps = out->each_Bps * (t->n_endpoints - t->gpus_per_node) * topology_nics_per_gpu(t);
}

uint32_t *topo_flows(const struct topology *t, double most_pairs)
{
    if ((double)t->n_endpoints * t->n_endpoints > most_pairs || t->n_endpoints <= t->gpus_per_node)
        return NULL;
    uint32_t *flows = checked_alloc(calloc(t->n_links + 1, sizeof *flows));
    count_flows(t, flows);
    return flows;
}

void topo_loads(const struct topology *t, double most_pairs, struct topo_loads *out)
{
    uint32_t *flows = topo_flows(t, most_pairs);
    *out = (struct topo_loads){.counted = flows != NULL};
    if (flows)
        sum_up(t, flows, out);
    free(flows);
}
