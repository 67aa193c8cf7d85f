#include <math.h>

#include "io/topo/topo_writers.h"
#include "topology/latency.h"
#include "topology/loads.h"
#include "topology/net_file.h"

enum { MAX_FIGURES = 32 };

struct figures {
    struct topo_figure *list;
    uint32_t n;
};

static void add(struct figures *f, const char *name, double value, const char *unit, const char *doc,
                const char *method)
{
    BUG_IF(f->n == MAX_FIGURES);
    f->list[f->n++] = (struct topo_figure){name, value, DIM_COUNT, unit, doc, method};
}

static void add_sized(struct figures *f, const char *name, double value, enum unit_dim dim, const char *doc,
                      const char *method)
{
    add(f, name, value, NULL, doc, method);
    f->list[f->n - 1].dim = dim;
}

static void add_counts(const struct topo_report *r, struct figures *f)
{
    const struct topo_counts *c = &r->counts;
    add(f, "endpoints", (double)c->endpoints, "", "GPUs", FIGURE_CLOSED);
    add(f, "switches", (double)c->switches, "", "switches", FIGURE_CLOSED);
    bool switchless = r->type->switchless;
    const char *between = switchless ? "cables between GPUs" : "cables between switches";
    add(f, "links", (double)c->links, "", between, FIGURE_CLOSED);
    add(f, "short_links", (double)c->short_links, "",
        switchless ? "of these, in a rack or a cube: copper reaches"
                   : "of these, inside a group of switches: copper reaches",
        FIGURE_CLOSED);
    add(f, "nic_cables", (double)topo_nic_cables(c), "", "cables between NICs and switches", FIGURE_CLOSED);
    if (!r->topo)
        return;
    add(f, "endpoints_built", r->topo->n_endpoints, "", "GPUs as built", FIGURE_BUILT);
    add(f, "switches_built", switchless ? 0 : r->graph->n_switches, "", "switches as built", FIGURE_BUILT);
    add(f, "links_built", (double)r->graph->n_cables, "", arena_printf(r->arena, "%s as built", between), FIGURE_BUILT);
    add(f, "nic_cables_built", switchless ? 0 : r->graph->n_ports, "", "cables between NICs and switches as built",
        FIGURE_BUILT);
}

static void add_paths(const struct topo_report *r, struct figures *f)
{
    const struct topo_metrics *m = r->metrics;
    const char *how = m->exact ? arena_printf(r->arena,
                                              "exact: breadth-first search from %u leaf switches, "
                                              "which the other %u are alike to",
                                              m->searched, m->leaves - m->searched)
                               : arena_printf(r->arena, "sampled: breadth-first search from %u of %u leaf switches",
                                              m->searched, m->leaves);
    const char *least = m->exact ? how : arena_printf(r->arena, "%s: at least this", how);
    const char *most = m->exact ? how : arena_printf(r->arena, "%s: at most this", how);
    add(f, "diameter", m->diameter_hops, "hops",
        r->type->switchless ? "most cables on a shortest way between two GPUs"
                            : "most cables between switches on a shortest way between two NIC ports",
        least);
    add(f, "mean_path", m->mean_hops, "hops", "mean of the same over all pairs of a plane", how);
    add(f, "shortest_paths_mean", m->mean_paths, "",
        "shortest ways between two switches with NICs, parallel cables as one: mean", how);
    add(f, "shortest_paths_min", m->min_paths, "", "the same: least", most);
    add(f, "paths_offered_mean", m->mean_offered, "",
        "minimal paths that routing may choose from, parallel cables apart: mean",
        m->offered_exact ? "exact: all pairs of GPUs of different nodes"
                         : "sampled: a million random pairs of GPUs of different nodes");
}

/* Table 5 is of one leaf switch, or of two and a spine, of the paper's cluster: of no network that a file describes. */
static const char *over(const struct topo_report *r, uint32_t cables)
{
    if (r->type->switchless)
        return arena_printf(r->arena, "over %u link(s) from GPU to GPU", cables);
    bool of_table5 = r->type->keys != &net_file_keys && (cables == 0 || cables == 2);
    return arena_printf(r->arena, "over NIC, %u switch(es), NIC%s", cables + 1,
                        !of_table5    ? ""
                        : cables == 0 ? " (Table 5: same leaf)"
                                      : " (Table 5: cross leaf)");
}

static void add_latency(const struct topo_report *r, struct figures *f)
{
    struct topo_latency l = topo_latency(r->topo);
    const char *how = l.sampled ? "sum of the links' latencies, from 64 GPUs to all"
                                : "sum of the links' latencies, all pairs of GPUs";
    if (isfinite(l.nvlink_s))
        add_sized(f, "latency_nvlink", l.nvlink_s, DIM_TIME, "empty message between GPUs of a node (paper Table 5)",
                  how);
    if (!isfinite(l.nearest_s))
        return;
    add_sized(f, "latency_nearest", l.nearest_s, DIM_TIME, over(r, l.nearest_cables), how);
    add_sized(f, "latency_farthest", l.farthest_s, DIM_TIME, over(r, l.farthest_cables), how);
}

/* What an application waits for: the path plus what posts the message and sees it arrive. */
static void add_software(const struct topo_report *r, struct figures *f)
{
    struct topo_latency l = topo_latency(r->topo);
    const struct hw_software *sw = &r->cluster->hw->software;
    if (!isfinite(l.farthest_s))
        return;
    add_sized(f, "latency_cpu_proxy", l.farthest_s + sw->network_step_s + sw->message_s, DIM_TIME,
              "latency_farthest, posted by a thread on the CPU", "+ software.network_step + software.message");
    add_sized(f, "latency_ibgda", l.farthest_s + sw->ibgda_step_s + sw->ibgda_message_s, DIM_TIME,
              "latency_farthest, posted by the GPU (IBGDA)", "+ software.ibgda_step + software.ibgda_message");
}

static void add_sizes(const struct topo_report *r, struct figures *f)
{
    const struct topo_metrics *m = r->metrics;
    bool switchless = r->type->switchless;
    add(f, "planes", m->planes, "", "networks that share no switch", FIGURE_BUILT);
    add(f, "radix_min", m->radix_min, "ports",
        switchless ? "in use of the emptiest GPU" : "in use of the emptiest switch", FIGURE_BUILT);
    bool known = r->type->keys != &net_file_keys; /* how many ports there are */
    add(f, "radix_max", m->radix_max, "ports",
        switchless ? "in use of the fullest GPU"
        : !known   ? "in use of the fullest switch"
                   : arena_printf(r->arena, "in use of the fullest switch, of %lld",
                                  (long long)r->cluster->hw->network.switch_ports),
        FIGURE_BUILT);
}

/* All-to-all by the tables of the switches. */
static void add_loads(const struct topo_report *r, struct figures *f)
{
    static const char how[] = "all pairs of GPUs of different nodes, one flow each, by static tables";
    struct topo_loads l;
    char name[128];
    topo_loads(r->topo, (double)TOPO_MOST_GPUS * TOPO_MOST_GPUS, &l);
    if (!l.counted)
        return;
    if (l.links) {
        add(f, "all_to_all_most", l.most, "flows", "of an all-to-all over the cable that carries most, one direction",
            how);
        add(f, "all_to_all_least", l.least, "flows", "the same: least, of those that carry any", how);
        add(f, "all_to_all_mean", l.mean, "flows", "the same: mean", how);
    }
    add_sized(f, "all_to_all_rate", l.gpu_Bps, DIM_BANDWIDTH,
              arena_printf(r->arena, "of a GPU to other nodes, payload, all at once; narrowest: %s",
                           r->topo->type->link_name(r->topo, l.narrowest, name, sizeof name)),
              how);
}

uint32_t topo_figures(const struct topo_report *r, struct topo_figure **out)
{
    struct figures f = {ARENA_ARRAY(r->arena, struct topo_figure, MAX_FIGURES), 0};
    const struct topo_metrics *m = r->metrics;
    add_counts(r, &f);
    if (m && r->graph->n_ports) {
        add_sizes(r, &f);
        add_paths(r, &f);
        add_sized(&f, "bisection", m->bisection_Bps, DIM_BANDWIDTH,
                  "bandwidth between two halves of the nodes, one direction, payload", m->bisection_method);
        add_sized(&f, "bisection_ratio", m->bisection_ratio, DIM_RATIO,
                  "the same over what the NICs of one half can send", m->bisection_method);
        add_loads(r, &f);
    }
    if (r->topo) {
        add_latency(r, &f);
        add_software(r, &f);
    }
    *out = f.list;
    return f.n;
}
