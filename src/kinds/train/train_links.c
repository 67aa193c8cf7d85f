#include "kinds/train/train_links.h"

#include <math.h>

#include "topology/ends.h"

/* --- whether only links of single GPUs can bind ------------------------------------------------------------------- */

/* Of each vertex: what comes into it from below, what leads up from it. A leaf is a switch with NICs; switches above
 * leaves may have others above them. */
struct tree {
    const struct topology *t;
    bool *leaf, *second;
    double *below_Bps, *above_Bps;
};

static bool leads_up(const struct tree *tree, const struct topo_link *link)
{
    return (link->kind == LINK_LEAF_SPINE && tree->leaf[link->a]) ||
           (link->kind == LINK_SPINE_CORE && tree->second[link->a]);
}

static struct tree tree_of(const struct topology *t, struct arena *scratch)
{
    struct tree tree = {t, ARENA_ARRAY(scratch, bool, t->n_vertices), ARENA_ARRAY(scratch, bool, t->n_vertices),
                        ARENA_ARRAY(scratch, double, t->n_vertices), ARENA_ARRAY(scratch, double, t->n_vertices)};
    for (uint32_t i = 0; i < t->n_links; i++)
        if (t->links[i].kind == LINK_NIC)
            tree.leaf[t->links[i].b] = true;
    for (uint32_t i = 0; i < t->n_links; i++)
        if (t->links[i].kind == LINK_LEAF_SPINE && tree.leaf[t->links[i].a])
            tree.second[t->links[i].b] = true;
    for (uint32_t i = 0; i < t->n_links; i++) {
        const struct topo_link *link = &t->links[i];
        double up_Bps = leads_up(&tree, link) ? link->capacity_Bps : 0;
        tree.above_Bps[link->a] += up_Bps;
        tree.below_Bps[link->b] += link->kind == LINK_NIC ? link->capacity_Bps : up_Bps;
    }
    return tree;
}

/* Every switch with others above it has as much bandwidth up as comes from below. */
static bool passes_all_on(const struct tree *tree)
{
    for (uint32_t v = topology_first_switch(tree->t); v < tree->t->n_vertices; v++)
        if (tree->above_Bps[v] > 0 && tree->above_Bps[v] < tree->below_Bps[v] * (1 - 1e-9))
            return false;
    return true;
}

/* The minimal paths of a pair take all cables that lead up from its leaves. */
static bool spreads(const struct tree *tree, uint32_t src, uint32_t dst, struct arena *scratch)
{
    const struct topology *t = tree->t;
    uint32_t links[ROUTE_MAX_LINKS], paths = t->type->n_minimal(t, src, dst);
    bool *seen = ARENA_ARRAY(scratch, bool, t->n_links), *counted = ARENA_ARRAY(scratch, bool, t->n_vertices);
    double took_Bps = 0, all_Bps = 0;
    for (uint32_t p = 0; p < paths; p++)
        for (uint32_t i = 0, n = t->type->path(t, src, dst, p, links); i < n; i++) {
            const struct topo_link *link = &t->links[links[i]];
            if (link->kind != LINK_LEAF_SPINE || !tree->leaf[link->a] || seen[links[i]])
                continue;
            seen[links[i]] = true;
            took_Bps += link->capacity_Bps;
            all_Bps += counted[link->a] ? 0 : tree->above_Bps[link->a];
            counted[link->a] = true;
        }
    return took_Bps >= all_Bps * (1 - 1e-9);
}

/* Whom a GPU sends messages and gradients: its place in the next pipeline ranks, and in the next column. */
static bool neighbours_spread(const struct train_plan *plan, const struct tree *tree, struct arena *scratch)
{
    const struct train_layout *l = &plan->layout;
    uint32_t gpu = train_device(l, 0, 0, 0);
    bool all = true;
    for (uint32_t r = 1; r < l->ranks; r++)
        all &= spreads(tree, gpu, train_device(l, 0, r, 0), scratch);
    if (l->columns > 1)
        all &= spreads(tree, gpu, train_device(l, l->columns - 1, 0, 0), scratch);
    return all;
}

const char *train_links_misfit(const struct train_plan *plan, const struct train_network *network)
{
    const struct topology *t = network->topo;
    int policy = topology_routing(network->hw).policy;
    if (*plan->layout.cfg->placement.file)
        return "places come from a file";
    if (plan->layout.cfg->symmetry != TRAIN_SYMMETRY_EXACT)
        return "train.symmetry is off";
    if (plan->layout.schedule->both_directions)
        return "every stage is on two pipeline ranks";
    if (network->down)
        return "links are down";
    if (policy != ROUTING_SPRAY)
        return "packets do not spread over all paths (cluster.network.routing.policy)";
    if (!t->ports_per_nic)
        return "there is no network of NICs";
    struct arena *scratch = arena_new();
    struct tree tree = tree_of(t, scratch);
    bool alike = passes_all_on(&tree) && neighbours_spread(plan, &tree, scratch);
    arena_free(scratch);
    return alike ? NULL : "a switch has less bandwidth up than down, or paths that packets do not take";
}

static double nic_Bps(const struct topology *t, uint32_t endpoint, bool out)
{
    uint32_t shared[ROUTE_MAX_LINKS], nic = ends_nic(t, endpoint, 0);
    uint32_t n_shared = out ? ends_shared_out(t, nic, shared) : ends_shared_in(t, nic, shared);
    double sum_Bps = 0;
    for (uint32_t p = 0; p < t->ports_per_nic; p++)
        sum_Bps += t->links[out ? ends_nic_out(t, endpoint, p) : ends_nic_in(t, endpoint, p)].capacity_Bps /
                   topology_port_users(t, topology_nic_port(t, endpoint, p));
    for (uint32_t i = 0; i < n_shared; i++)
        sum_Bps = fmin(sum_Bps, t->links[shared[i]].capacity_Bps);
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

void train_links_away(const struct train_links *l, struct train_end from, struct train_end to, struct train_end real,
                      struct transfer *t)
{
    cross(l, from, to, false, t);
    t->latency_s += path_s(l->network->topo, gpu_of(l, from), gpu_of(l, real));
}
