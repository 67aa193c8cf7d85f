/* Three-level fat tree (Al-Fares et al. 2008; paper Table 3). Pods of leaves and aggregation switches: every
 * leaf has one cable to each aggregation switch of its pod; core switches come in groups, group a joining
 * the a-th aggregation switch of every pod. With k ports and no oversubscription a pod has k/2 leaves with
 * k/2 endpoints each, and k pods hold k^3/4 endpoints. Leaves are filled rank by rank. */
#include <stdio.h>

#include "topology/topo_keys.h"
#include "topology/ends.h"
#include "topology/fat_tree.h"

struct ft3 {
    uint32_t down;               /* endpoints of a leaf */
    uint32_t leaves, pod_leaves; /* in all; of a pod */
    uint32_t pods, aggs;         /* aggs: of a pod = uplinks of a leaf */
    uint32_t up, cores;          /* uplinks of an aggregation switch; core switches of a group */
};

static const struct ft3 *ft3_of(const struct topology *t)
{
    return t->state;
}

static uint32_t ceil_div(uint64_t a, uint64_t b)
{
    return (uint32_t)((a + b - 1) / b);
}

static int too_many(const struct cluster_hw *hw, uint64_t n, uint64_t most, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
               "%llu NICs need more than three levels of %lld-port switches, which hold %llu; use "
               "fewer nodes or more ports (cluster.network.switch_ports)",
               (unsigned long long)n, (long long)hw->network.switch_ports, (unsigned long long)most);
    return -1;
}

static int plan(const struct cluster_hw *hw, struct ft3 *f, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    uint64_t n = topo_n_nics(hw);
    struct leaf_ports leaf;
    if (topo_nics_fit(hw, diag))
        return -1;
    if (ports < 4) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "a three-level fat tree needs switches with at least 4 ports (cluster.network.switch_ports)");
        return -1;
    }
    if (ports % 2) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "the %u ports of an aggregation switch cannot be halved into downlinks and uplinks; set "
                   "cluster.network.switch_ports to %u or %u",
                   ports, ports - 1, ports + 1);
        return -1;
    }
    if (fat_tree_ports(hw, &leaf, diag))
        return -1;
    *f = (struct ft3){.down = leaf.down, .aggs = leaf.up, .pod_leaves = ports / 2, .up = ports / 2};
    f->leaves = ceil_div(n, f->down);
    f->pods = ceil_div(f->leaves, f->pod_leaves);
    if (f->pods > ports)
        return too_many(hw, n, (uint64_t)ports * f->pod_leaves * f->down, diag);
    if (f->pods <= 1) { /* 0: how many nodes there are is not known yet */
        f->up = 0;
        return 0;
    }
    /* a core switch has a port for each cable that ends at it */
    f->cores = ceil_div((uint64_t)f->pods * f->up, ports);
    while (f->pods * ceil_div(f->up, f->cores) > ports)
        f->cores++;
    return 0;
}

static uint64_t lower_cables(const struct ft3 *f)
{
    return (uint64_t)f->leaves * f->aggs;
}

static uint64_t upper_cables(const struct ft3 *f)
{
    return (uint64_t)f->pods * f->aggs * f->up;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct ft3 f;
    if (plan(hw, &f, diag))
        return -1;
    out->endpoints = (uint64_t)hw->nodes * (uint64_t)hw->node.gpus;
    out->nics = out->nic_cables = topo_n_nics(hw);
    out->switches = (uint64_t)f.leaves + (uint64_t)f.pods * f.aggs + (uint64_t)f.aggs * f.cores;
    out->links = lower_cables(&f) + upper_cables(&f);
    return 0;
}

/* --- vertices and links ------------------------------------------------------------------------------ */

static uint32_t leaf_vertex(const struct topology *t, uint32_t leaf)
{
    return topology_first_switch(t) + leaf;
}

static uint32_t agg_vertex(const struct topology *t, uint32_t pod, uint32_t agg)
{
    return leaf_vertex(t, ft3_of(t)->leaves) + pod * ft3_of(t)->aggs + agg;
}

static uint32_t core_vertex(const struct topology *t, uint32_t group, uint32_t core)
{
    return agg_vertex(t, ft3_of(t)->pods, 0) + group * ft3_of(t)->cores + core;
}

static uint32_t leaf_of(const struct topology *t, uint32_t nic, uint32_t port)
{
    (void)port;
    return leaf_vertex(t, nic / ft3_of(t)->down);
}

/* Links in four blocks behind those of ends.h: leaf to agg, agg to leaf, agg to core, core to agg. */
static uint32_t lower(const struct topology *t, uint32_t leaf, uint32_t agg, bool down)
{
    const struct ft3 *f = ft3_of(t);
    return ends_n_links(t) + (down ? (uint32_t)lower_cables(f) : 0) + leaf * f->aggs + agg;
}

static uint32_t upper(const struct topology *t, uint32_t pod, uint32_t agg, uint32_t uplink, bool down)
{
    const struct ft3 *f = ft3_of(t);
    return ends_n_links(t) + 2 * (uint32_t)lower_cables(f) + (down ? (uint32_t)upper_cables(f) : 0) +
           (pod * f->aggs + agg) * f->up + uplink;
}

static void cable(struct topology *t, const struct cluster_hw *hw, uint32_t up, uint32_t down, uint32_t a, uint32_t b,
                  enum link_kind kind)
{
    double port_Bps = hw_port_payload_Bps(hw);
    double hop_s = hw->network.switch_latency_s + hw_optical_s(&hw->network);
    t->links[up] = (struct topo_link){port_Bps, hop_s, (uint8_t)kind, a, b};
    t->links[down] = (struct topo_link){port_Bps, hop_s, (uint8_t)kind, b, a};
}

static void build_cables(struct topology *t, const struct cluster_hw *hw)
{
    const struct ft3 *f = ft3_of(t);
    for (uint32_t leaf = 0; leaf < f->leaves; leaf++)
        for (uint32_t agg = 0; agg < f->aggs; agg++)
            cable(t, hw, lower(t, leaf, agg, false), lower(t, leaf, agg, true), leaf_vertex(t, leaf),
                  agg_vertex(t, leaf / f->pod_leaves, agg), LINK_LEAF_SPINE);
    for (uint32_t pod = 0; pod < f->pods; pod++)
        for (uint32_t agg = 0; agg < f->aggs; agg++)
            for (uint32_t j = 0; j < f->up; j++)
                cable(t, hw, upper(t, pod, agg, j, false), upper(t, pod, agg, j, true), agg_vertex(t, pod, agg),
                      core_vertex(t, agg, j % f->cores), LINK_SPINE_CORE);
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct ft3 *f = ARENA_NEW(a, struct ft3);
    if (plan(hw, f, diag))
        return -1;
    ends_begin(t, hw, 1, diag);
    ends_nics(t, hw, 1, a, diag);
    t->state = f;
    t->n_vertices = core_vertex(t, f->aggs, 0);
    t->n_links = ends_n_links(t) + 2 * (uint32_t)(lower_cables(f) + upper_cables(f));
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    build_cables(t, hw);
    return 0;
}

/* --- paths ------------------------------------------------------------------------------------------- */

struct place {
    uint32_t leaf, pod;
};

static struct place place_of(const struct topology *t, uint32_t nic)
{
    uint32_t leaf = nic / ft3_of(t)->down;
    return (struct place){leaf, leaf / ft3_of(t)->pod_leaves};
}

/* Between two NICs: uplinks of the leaf, times those of the aggregation switch when the pod is another one. */
static uint32_t n_ways(const struct topology *t, uint32_t src, uint32_t dst)
{
    struct place from = place_of(t, src), to = place_of(t, dst);
    if (from.leaf == to.leaf)
        return 1;
    return from.pod == to.pod ? ft3_of(t)->aggs : ft3_of(t)->aggs * ft3_of(t)->up;
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    return ends_n_ways(t, src, dst, n_ways);
}

static uint32_t n_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return ends_ways_of_nic(t, src, dst, nic, n_ways);
}

/* D-mod-K: consecutive NICs take consecutive aggregation switches, then consecutive cores. */
static uint32_t way_to(const struct topology *t, uint32_t from, uint32_t to)
{
    const struct ft3 *f = ft3_of(t);
    uint32_t n = n_ways(t, from, to);
    if (n == 1 || n == f->aggs)
        return n == 1 ? 0 : to % f->aggs;
    return to % f->aggs * f->up + to / f->aggs % f->up;
}

static uint32_t by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    if (ends_same_node(t, src, dst))
        return 0;
    return ends_first_way(t, src, dst, port, n_ways) + way_to(t, ends_nic(t, src, port), ends_nic(t, dst, port));
}

static uint32_t by_destination(const struct topology *t, uint32_t src, uint32_t dst)
{
    return by_port(t, src, dst, 0);
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    const struct ft3 *f = ft3_of(t);
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    struct ends_way w = ends_way(t, src, dst, number, n_ways);
    struct place from = place_of(t, w.from), to = place_of(t, w.to);
    uint32_t n = ends_shared_out(t, w.from, links), agg = from.pod == to.pod ? w.number : w.number / f->up;
    links[n++] = ends_first_out(t) + w.from;
    if (from.leaf != to.leaf)
        links[n++] = lower(t, from.leaf, agg, false);
    if (from.pod != to.pod) {
        links[n++] = upper(t, from.pod, agg, w.number % f->up, false);
        links[n++] = upper(t, to.pod, agg, w.number % f->up, true);
    }
    if (from.leaf != to.leaf)
        links[n++] = lower(t, to.leaf, agg, true);
    links[n++] = ends_first_in(t) + w.to;
    return n + ends_shared_in(t, w.to, links + n);
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    const struct ft3 *f = ft3_of(t);
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    uint32_t i = link - ends_n_links(t), n = (uint32_t)lower_cables(f);
    if (i < 2 * n) {
        snprintf(buf, size, i < n ? "leaf %u to aggregation %u of its pod" : "leaf %u from aggregation %u of its pod",
                 i % n / f->aggs, i % f->aggs);
        return buf;
    }
    i -= 2 * n;
    n = (uint32_t)upper_cables(f);
    snprintf(buf, size,
             i < n ? "pod %u aggregation %u to core (uplink %u)" : "pod %u aggregation %u from core (uplink %u)",
             i % n / f->up / f->aggs, i % n / f->up % f->aggs, i % f->up);
    return buf;
}

/* A single leaf has uplinks, but nothing to send over them. */
static void check(const struct cluster_hw *hw, struct diag *diag)
{
    struct ft3 f;
    struct diag *quiet = diag_new();
    if (!plan(hw, &f, quiet))
        fat_tree_warn_single(hw, (uint32_t)hw->nic.per_node, f.down, diag);
    diag_free(quiet);
}

const struct topology_type topo_ft3 = {
    .name = "ft3",
    .doc = "three-level fat tree: pods of leaves and aggregation switches, groups of cores",
    .ref = "5.1, Table 3",
    .keys = &fat_tree_keys_table,
    .check = check,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_by_nic = n_by_nic,
    .by_destination = by_destination,
    .by_port = by_port,
    .path = path,
    .link_name = link_name,
};
