#include "topology/lattice.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/topo_keys.h"

static int complain(const struct cluster_hw *hw, const char *key, struct diag *diag, const char *text)
{
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, key), "cluster.network.%s: %s", key, text);
    return -1;
}

/* "4, 4, 8", "4x4x8". */
static int read_sizes(const struct cluster_hw *hw, const struct lattice_keys *k, struct lattice *l, struct diag *diag)
{
    char text[200];
    uint64_t n = 1;
    const char *at = k->sizes;
    while (*at) {
        char *end;
        unsigned long size = strtoul(at, &end, 10);
        if (!isdigit((unsigned char)*at) || size < 1 || size > 65536 || l->n_dims == LATTICE_MAX_DIMS)
            break;
        l->size[l->n_dims] = (uint32_t)size;
        l->stride[l->n_dims++] = (uint32_t)n;
        n *= size;
        at = end + strspn(end, " ,x");
        if (end == at && *at)
            break;
        if (n > UINT32_MAX)
            break;
    }
    snprintf(text, sizeof text, "'%.60s': write the sizes of %u to %u dimensions, for example '4, 4, 4'", k->sizes,
             k->min_dims, k->max_dims);
    if (*at || l->n_dims < k->min_dims || l->n_dims > k->max_dims)
        return complain(hw, k->sizes_key, diag, text);
    snprintf(text, sizeof text,
             "%.60s are %llu GPUs, but the cluster has %lld; set cluster.nodes to %llu (every GPU is a node here)",
             k->sizes, (unsigned long long)n, (long long)hw->nodes, (unsigned long long)n);
    if (n != (uint64_t)hw->nodes)
        return complain(hw, k->sizes_key, diag, text);
    l->n = (uint32_t)n;
    return 0;
}

/* One for all dimensions, or one for each. */
static int read_bandwidths(const struct cluster_hw *hw, const struct lattice_keys *k, struct lattice *l,
                           struct diag *diag)
{
    uint32_t n = 0;
    char why[256], text[400];
    for (const char *at = k->bandwidths; *at;) {
        size_t length = strcspn(at, ",");
        const char *from = at + strspn(at, " ");
        double value;
        if (n == l->n_dims || unit_parse(from, length - (size_t)(from - at), DIM_BANDWIDTH, &value, why, sizeof why)) {
            snprintf(text, sizeof text, "'%.60s': %s", k->bandwidths,
                     n == l->n_dims ? "more bandwidths than dimensions" : why);
            return complain(hw, k->bandwidths_key, diag, text);
        }
        if (value < 1e6 || value > 1e15)
            return complain(hw, k->bandwidths_key, diag, "a link has 1 MB/s to 1000 TB/s");
        l->link_Bps[n++] = value;
        at += length + (at[length] == ',');
    }
    snprintf(text, sizeof text, "%u bandwidths for %u dimensions; give one for all, or one for each", n, l->n_dims);
    if (n > 1 && n < l->n_dims)
        return complain(hw, k->bandwidths_key, diag, text);
    for (uint32_t i = n ? 1 : 0; n < 2 && i < l->n_dims; i++)
        l->link_Bps[i] = n ? l->link_Bps[0] : hw->network.port_Bps;
    return 0;
}

int lattice_read(const struct cluster_hw *hw, const struct lattice_keys *keys, struct lattice *out, struct diag *diag)
{
    *out = (struct lattice){0};
    if (hw->node.gpus != 1) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "%s joins GPUs without an NVSwitch: every GPU is a node; set cluster.node.gpus and "
                   "cluster.nic.per_node to 1, and cluster.nodes to the number of GPUs",
                   hw->topology);
        return -1;
    }
    if (topo_one_nic_per_gpu(hw, diag))
        return -1;
    if (!*keys->sizes) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "%s needs cluster.network.%s, the sizes of its dimensions, for example '4, 4, 4'", hw->topology,
                   keys->sizes_key);
        return -1;
    }
    return read_sizes(hw, keys, out, diag) || read_bandwidths(hw, keys, out, diag) ? -1 : 0;
}

static uint32_t own_router(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    (void)port;
    return topology_first_switch(t) + endpoint;
}

void lattice_begin(struct topology *t, const struct cluster_hw *hw, const struct lattice *l, double router_Bps,
                   uint32_t n_cables, struct arena *a)
{
    t->gpus_per_node = t->ports_per_nic = 1;
    t->n_endpoints = t->n_ports = l->n;
    t->n_vertices = topology_first_switch(t) + l->n;
    t->n_links = ends_n_links(t) + n_cables;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, own_router);
    for (uint32_t i = 0; i < l->n; i++) {
        struct topo_link *out = &t->links[ends_nic_out(t, i, 0)], *in = &t->links[ends_nic_in(t, i, 0)];
        out->capacity_Bps = in->capacity_Bps = hw_after_headers_Bps(hw, router_Bps);
        out->latency_s = in->latency_s = hw->nic.latency_s;
    }
}

void lattice_link(struct topology *t, const struct cluster_hw *hw, uint32_t link, uint32_t from, uint32_t to,
                  double line_Bps, bool copper)
{
    uint32_t first = topology_first_switch(t);
    double cable_s = copper ? hw_copper_s(&hw->network) : hw_optical_s(&hw->network);
    t->links[link] = (struct topo_link){hw_after_headers_Bps(hw, line_Bps), hw->network.switch_latency_s + cable_s,
                                        LINK_LEAF_SPINE, first + from, first + to};
}

uint32_t lattice_dim(const struct topology *t, const struct lattice *l, uint32_t link)
{
    uint32_t first = topology_first_switch(t), dim = 0;
    while (lattice_at(l, t->links[link].a - first, dim) == lattice_at(l, t->links[link].b - first, dim))
        dim++;
    return dim;
}

const char *lattice_link_name(const struct topology *t, const struct lattice *l, uint32_t link, char *buf, size_t size)
{
    uint32_t first = topology_first_switch(t);
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    snprintf(buf, size, "GPU %u to GPU %u (dimension %u)", t->links[link].a - first, t->links[link].b - first,
             lattice_dim(t, l, link));
    return buf;
}
