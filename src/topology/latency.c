#include "topology/latency.h"

#include <math.h>

enum { MAX_SOURCES = 64 };

struct way {
    double latency_s;
    uint32_t cables;
    bool nvlink; /* some hop of it */
    bool network;
};

static struct way measure(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
    struct way w = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct topo_link *l = &t->links[links[i]];
        w.latency_s += l->latency_s;
        w.cables += l->kind > LINK_NIC;
        w.nvlink |= l->kind == LINK_NVLINK;
        w.network |= l->kind != LINK_NVLINK;
    }
    return w;
}

/* Pairs that need both NVLink and the network are neither of the table's cases. */
static void note(struct topo_latency *out, const struct way *w)
{
    if (!w->network) {
        out->nvlink_s = w->latency_s;
        return;
    }
    if (w->nvlink)
        return;
    if (!(out->nearest_s <= w->latency_s)) {
        out->nearest_s = w->latency_s;
        out->nearest_cables = w->cables;
    }
    if (!(out->farthest_s >= w->latency_s)) {
        out->farthest_s = w->latency_s;
        out->farthest_cables = w->cables;
    }
}

struct topo_latency topo_latency(const struct topology *t)
{
    struct topo_latency out = {.nvlink_s = NAN, .nearest_s = NAN, .farthest_s = NAN};
    uint32_t sources = t->n_endpoints < MAX_SOURCES ? t->n_endpoints : MAX_SOURCES;
    out.sampled = sources < t->n_endpoints;
    for (uint32_t i = 0; i < sources; i++) {
        uint32_t src = (uint32_t)((uint64_t)i * t->n_endpoints / sources);
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++) {
            struct way w = {0};
            if (src == dst)
                continue;
            w = measure(t, src, dst);
            note(&out, &w);
        }
    }
    return out;
}
