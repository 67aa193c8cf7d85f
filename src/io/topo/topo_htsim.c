/* Fat trees for htsim: the .topo file that FatTreeTopology of csg-htsim (github.com/Broadcom/csg-htsim,
 * sim/datacenter/fat_tree_topology.cpp) and its descendants load, one plane of a multi-plane network.
 * The format describes a regular tree of two or three tiers by its radixes, so a network has to be one:
 * as many NICs on every leaf switch, every leaf on every switch above it in its pod, and so on; that is
 * checked on the network as built, whichever plugin built it. htsim's generic format (lists of queues
 * and pipes) is not written: htsim has no routing for it.
 * Rates and latencies are rounded to whole Gb/s and ns, as the format wants. */
#include <math.h>

#include "io/topo/topo_writers.h"
#include "topology/ends.h"

struct tree {
    const struct net_graph *g;
    uint32_t *tier; /* of each switch */
    uint32_t tiers, leaves, aggs, cores, pods;
    uint32_t down, up; /* ports of a leaf */
    uint32_t bundle, core_bundle;
    uint32_t agg_up;
    const char *why; /* it is no regular tree */
};

/* Switches of the first plane by distance from the leaves; others are left out. */
static void find_tiers(struct tree *t)
{
    const struct net_graph *g = t->g;
    uint32_t n[3] = {0};
    for (uint32_t s = 0; s < g->n_switches; s++)
        t->tier[s] = g->plane[s] ? UINT32_MAX : g->nic_ports[s] ? 0 : 2;
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++)
            if (t->tier[s] == 2 && t->tier[g->arcs[i].to] == 0)
                t->tier[s] = 1;
    for (uint32_t s = 0; s < g->n_switches; s++)
        if (t->tier[s] < 3)
            n[t->tier[s]]++;
    t->leaves = n[0];
    t->aggs = n[1];
    t->cores = n[2];
    t->tiers = n[2] ? 3 : n[1] ? 2 : 1;
}

/* What a switch is cabled to in another tier: neighbours, and cables to each (0: not all equal). */
static uint32_t neighbours(const struct tree *t, uint32_t s, uint32_t tier, uint32_t *cables)
{
    const struct net_graph *g = t->g;
    uint32_t n = 0;
    *cables = 0;
    for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++) {
        if (t->tier[g->arcs[i].to] != tier)
            continue;
        *cables = n && *cables != g->arcs[i].cables ? 0 : g->arcs[i].cables;
        n++;
    }
    return n;
}

/* All switches of a tier alike: the same number of neighbours in another tier, the same bundles. */
static int alike(const struct tree *t, uint32_t tier, uint32_t other, uint32_t *n, uint32_t *bundle)
{
    bool first = true;
    *n = *bundle = 0;
    for (uint32_t s = 0; s < t->g->n_switches; s++) {
        uint32_t cables, has;
        if (t->tier[s] != tier)
            continue;
        has = neighbours(t, s, other, &cables);
        if ((has && !cables) || (!first && (has != *n || cables != *bundle)))
            return -1;
        *n = has;
        *bundle = cables;
        first = false;
    }
    return 0;
}

static int check_leaves(struct tree *t)
{
    const struct net_graph *g = t->g;
    uint32_t sideways, bundle;
    if (t->tiers == 1)
        t->why = "it has a single switch per plane, or switches of one tier only";
    else if (alike(t, 0, 0, &sideways, &bundle) || sideways)
        t->why = "it is no fat tree: switches with NICs are cabled to each other";
    for (uint32_t s = 0; s < g->n_switches && !t->why; s++) {
        if (t->tier[s])
            continue;
        if (t->down && g->nic_ports[s] != t->down)
            t->why = "its leaf switches do not all have the same number of NICs; fill them "
                     "(--nodes)";
        t->down = g->nic_ports[s];
    }
    return t->why ? -1 : 0;
}

/* Between leaves and the tier above: pods of (leaves / pods) times (aggs / pods), all with all. */
static int check_pods(struct tree *t)
{
    uint32_t above, below, bundle;
    if (alike(t, 0, 1, &above, &t->bundle) || alike(t, 1, 0, &below, &bundle) || !below || t->leaves % below ||
        t->aggs % above || t->leaves / below != t->aggs / above) {
        t->why = "its leaf switches are not all cabled alike to the switches above them";
        return -1;
    }
    t->pods = t->leaves / below;
    t->up = above * t->bundle;
    if (t->down % t->up) {
        t->why = "the NICs of a leaf switch are no multiple of its uplinks, as htsim's whole-number "
                 "oversubscription wants; change --nodes or cluster.network.oversubscription";
        return -1;
    }
    if (t->tiers == 2 && t->pods != 1)
        t->why = "it falls apart into several trees";
    return t->why ? -1 : 0;
}

/* Every core switch has one switch of each pod below it. */
static int check_cores(struct tree *t)
{
    uint32_t above, below, bundle;
    if (t->tiers < 3)
        return 0;
    if (alike(t, 1, 2, &above, &t->core_bundle) || alike(t, 2, 1, &below, &bundle) || below != t->pods ||
        above * (t->aggs / t->pods) != t->cores || (t->leaves / t->pods * t->bundle) % (above * t->core_bundle)) {
        t->why = "its core switches are not all cabled to one switch of every pod";
        return -1;
    }
    t->agg_up = above * t->core_bundle;
    return 0;
}

static int gbps(double rate_Bps)
{
    return (int)lround(rate_Bps * 8 / 1e9);
}

static int ns(double time_s)
{
    long n = lround(time_s * 1e9);
    return n > 1 ? (int)n : 1; /* htsim takes 0 for missing */
}

static void write_tier(struct outfile *f, int tier, double rate_Bps, double link_s, double switch_s)
{
    outfile_printf(f,
                   "\nTier %d\nDownlink_speed_Gbps %d\nDownlink_Latency_ns %d\n"
                   "Switch_Latency_ns %d\n",
                   tier, gbps(rate_Bps), ns(link_s), ns(switch_s));
}

static void write_tiers(const struct topo_report *r, const struct tree *t, struct outfile *f)
{
    const struct cluster_hw *hw = r->cluster->hw;
    const struct hw_network *net = &hw->network;
    double nic_Bps = fmin(hw->nic.bandwidth_Bps, ends_port_line_Bps(hw, ends_ports(r->topo)));
    write_tier(f, 0, nic_Bps, hw->nic.latency_s + hw_copper_s(net), net->switch_latency_s);
    outfile_printf(f, "Radix_Down %u\nRadix_Up %u\n", t->down, t->up);
    if (t->down != t->up)
        outfile_printf(f, "Oversubscribed %u\n", t->down / t->up);
    double port_Bps = ends_port_line_Bps(hw, ends_ports(r->topo));
    write_tier(f, 1, port_Bps, hw_optical_s(net), net->switch_latency_s);
    uint32_t agg_down = t->leaves / t->pods * t->bundle;
    outfile_printf(f, "Radix_Down %u\n", agg_down);
    if (t->bundle > 1)
        outfile_printf(f, "Bundle %u\n", t->bundle);
    if (t->tiers < 3)
        return;
    outfile_printf(f, "Radix_Up %u\n", t->agg_up);
    if (agg_down != t->agg_up)
        outfile_printf(f, "Oversubscribed %u\n", agg_down / t->agg_up);
    write_tier(f, 2, port_Bps, hw_optical_s(net), net->switch_latency_s);
    outfile_printf(f, "Radix_Down %u\n", t->pods * t->core_bundle);
    if (t->core_bundle > 1)
        outfile_printf(f, "Bundle %u\n", t->core_bundle);
}

/* htsim numbers hosts along the leaves. Pods must be consecutive leaves, so leaves are walked pod by
 * pod: a leaf's pod is told by its first neighbour above. */
static void write_hosts(const struct topo_report *r, const struct tree *t, struct outfile *f)
{
    const struct net_graph *g = t->g;
    uint32_t *start = ARENA_ARRAY(r->arena, uint32_t, g->n_switches + 1), n = 0;
    uint32_t *ports = ARENA_ARRAY(r->arena, uint32_t, g->n_ports);
    for (uint32_t p = 0; p < g->n_ports; p++)
        start[g->switch_of[p] + 1]++;
    for (uint32_t s = 0; s < g->n_switches; s++)
        start[s + 1] += start[s];
    for (uint32_t p = 0; p < g->n_ports; p++)
        ports[start[g->switch_of[p]]++] = p;
    outfile_printf(f, "# GPU ranks of htsim's hosts 0, 1, ...:");
    for (uint32_t agg = 0; agg < g->n_switches; agg++) {
        for (uint32_t i = g->first[agg]; i < g->first[agg + 1]; i++) {
            uint32_t leaf = g->arcs[i].to, first = g->first[leaf];
            if (t->tier[agg] != 1 || t->tier[leaf] || g->arcs[first].to != agg)
                continue;
            for (uint32_t k = start[leaf] - t->down; k < start[leaf]; k++)
                outfile_printf(f, "%s%u", n++ % 16 ? " " : "\n#   ", g->endpoint[ports[k]]);
        }
    }
    outfile_printf(f, "\n");
}

int topo_write_htsim(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    if (r->topo->sharing) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "htsim's hosts have one NIC each, and these GPUs share NICs or have several; write "
                   "cluster.nic.per_node: %lld",
                   (long long)r->cluster->hw->node.gpus);
        return -1;
    }
    struct tree t = {.g = r->graph, .tier = ARENA_ARRAY(r->arena, uint32_t, r->graph->n_switches)};
    find_tiers(&t);
    if (check_leaves(&t) || check_pods(&t) || check_cores(&t)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "htsim's .topo format describes regular fat trees of two or three tiers and "
                   "cannot hold this %s: %s",
                   r->type->name, t.why);
        return -1;
    }
    outfile_printf(f, "# %s: %s, for FatTreeTopology of csg-htsim\n", r->type->name, r->type->doc);
    if (r->graph->n_planes > 1)
        outfile_printf(f, "# plane 0 of %u alike; htsim does not know NVLink between them\n", r->graph->n_planes);
    write_hosts(r, &t, f);
    uint32_t hosts = t.leaves * t.down;
    outfile_printf(f, "Nodes %u\nTiers %u\nPodsize %u\n", hosts, t.tiers, hosts / t.pods);
    write_tiers(r, &t, f);
    return 0;
}
