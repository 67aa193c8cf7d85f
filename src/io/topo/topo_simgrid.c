/* Networks as a SimGrid platform (XML, version 4.1; https://simgrid.org/doc/latest/Platform.html): every route of our
 * destination-based routing, each link one direction. A shortest way of SimGrid's own choice would take the same spine for
 * all pairs of leaves, so there is no other form; networks of more GPUs than FULL_UP_TO are refused.
 *
 * SimGrid's CM02 shares a link by one over the latencies of the routes that cross it. Here all routes have one latency,
 * that of the longest: a link that every route crosses and nobody shares (FATPIPE) has it, the links themselves have none
 * and name theirs as a property. Shares are then plain max-min; the <config> takes out TCP's corrections, and SimGrid's lazy
 * updates, under which flows whose latency ends at once, and whose routes begin alike, forget the rest of their routes
 * (found in 3.32). */
#include <math.h>

#include "io/topo/topo_writers.h"

enum { FULL_UP_TO = 1024 };

static void write_hosts(const struct topo_report *r, struct outfile *f)
{
    for (uint32_t e = 0; e < r->topo->n_endpoints; e++)
        outfile_printf(f, "    <host id=\"gpu%u\" speed=\"%.17gf\"/>\n", e, r->cluster->hw->chip.bf16_flops);
}

/* Of all routes. */
static double longest_latency_s(const struct topology *t)
{
    double longest_s = 0;
    for (uint32_t src = 0; src < t->n_endpoints; src++)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++) {
            uint32_t links[ROUTE_MAX_LINKS], n = src == dst ? 0 : topology_route(t, src, dst, links);
            double latency_s = 0;
            for (uint32_t i = 0; i < n; i++)
                latency_s += t->links[links[i]].latency_s;
            longest_s = fmax(longest_s, latency_s);
        }
    return longest_s;
}

static void write_links(const struct topology *t, struct outfile *f)
{
    outfile_printf(f,
                   "    <link id=\"latency\" bandwidth=\"1e18Bps\" latency=\"%.17gs\" sharing_policy=\"FATPIPE\"/>\n",
                   longest_latency_s(t));
    for (uint32_t i = 0; i < t->n_links; i++)
        outfile_printf(f,
                       "    <link id=\"l%u\" bandwidth=\"%.17gBps\" latency=\"0s\"><prop id=\"latency\" "
                       "value=\"%.17gs\"/></link>\n",
                       i, t->links[i].capacity_Bps, t->links[i].latency_s);
}

static void write_routes(const struct topology *t, struct outfile *f)
{
    for (uint32_t src = 0; src < t->n_endpoints; src++)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++) {
            uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
            if (!n)
                continue;
            outfile_printf(f, "    <route src=\"gpu%u\" dst=\"gpu%u\" symmetrical=\"NO\"><link_ctn id=\"latency\"/>",
                           src, dst);
            for (uint32_t i = 0; i < n; i++)
                outfile_printf(f, "<link_ctn id=\"l%u\"/>", links[i]);
            outfile_printf(f, "</route>\n");
        }
}

int topo_write_simgrid(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    if (r->topo->n_endpoints > FULL_UP_TO) {
        diag_error(
            diag, EXIT_LIMIT, SRCLOC_NONE,
            "a SimGrid platform lists the routes between all GPUs: %u GPUs have %.1f million, more than the %.1f "
            "million of %d; write fewer nodes",
            r->topo->n_endpoints, (double)r->topo->n_endpoints * r->topo->n_endpoints / 1e6,
            (double)FULL_UP_TO * FULL_UP_TO / 1e6, FULL_UP_TO);
        return -1;
    }
    if (topology_nics_per_gpu(r->topo) > 1) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "a SimGrid platform has one route from GPU to GPU, and GPUs with several NICs divide their messages "
                   "among them; write cluster.nic.per_node: %lld",
                   (long long)r->cluster->hw->node.gpus);
        return -1;
    }
    outfile_printf(f,
                   "<?xml version=\"1.0\"?>\n"
                   "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
                   "<!-- %s: %s. Routes are those of destination-based routing; all have one latency, so that CM02\n"
                   "     shares links evenly. -->\n"
                   "<platform version=\"4.1\">\n"
                   "  <config>\n"
                   "    <prop id=\"network/model\" value=\"CM02\"/>\n"
                   "    <prop id=\"network/crosstraffic\" value=\"0\"/>\n"
                   "    <prop id=\"network/TCP-gamma\" value=\"0\"/>\n"
                   "    <prop id=\"network/optim\" value=\"Full\"/>\n"
                   "  </config>\n"
                   "  <zone id=\"%s\" routing=\"Full\">\n",
                   r->type->name, r->type->doc, r->type->name);
    write_hosts(r, f);
    write_links(r->topo, f);
    write_routes(r->topo, f);
    outfile_printf(f, "  </zone>\n</platform>\n");
    return 0;
}
