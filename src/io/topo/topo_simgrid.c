/* Networks as a SimGrid platform (XML, version 4.1; https://simgrid.org/doc/latest/Platform.html).
 * Every link is one direction. Up to 64 GPUs the platform has routing="Full" with every route of our
 * destination-based routing. Bigger ones have routing="Dijkstra": GPUs, one router per node for NVLink
 * and one per switch, parallel cables as one link; SimGrid then takes a shortest way of its own choice.
 * There a NIC cable counts twice (PCIe is its other half), so that GPUs of a node talk over NVLink.
 * The <config> makes SimGrid's network plain max-min sharing, without TCP's corrections. */
#include <math.h>

#include "io/topo/topo_writers.h"

enum { FULL_UP_TO = 64 };

static void write_hosts(const struct topo_report *r, struct outfile *f)
{
    for (uint32_t e = 0; e < r->topo->n_endpoints; e++)
        outfile_printf(f, "    <host id=\"gpu%u\" speed=\"%.17gf\"/>\n", e, r->cluster->hw->chip.bf16_flops);
}

static void write_link(struct outfile *f, const char *id, uint32_t number, double capacity_Bps, double latency_s)
{
    outfile_printf(f, "    <link id=\"%s%u\" bandwidth=\"%.17gBps\" latency=\"%.17gs\"/>\n", id, number, capacity_Bps,
                   latency_s);
}

/* --- every route ------------------------------------------------------------------------------------ */

static void write_full(const struct topo_report *r, struct outfile *f)
{
    const struct topology *t = r->topo;
    write_hosts(r, f);
    for (uint32_t i = 0; i < t->n_links; i++)
        write_link(f, "l", i, t->links[i].capacity_Bps, t->links[i].latency_s);
    for (uint32_t src = 0; src < t->n_endpoints; src++)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++) {
            uint32_t links[ROUTE_MAX_LINKS], n = topology_route(t, src, dst, links);
            if (!n)
                continue;
            outfile_printf(f, "    <route src=\"gpu%u\" dst=\"gpu%u\" symmetrical=\"NO\">", src, dst);
            for (uint32_t i = 0; i < n; i++)
                outfile_printf(f, "<link_ctn id=\"l%u\"/>", links[i]);
            outfile_printf(f, "</route>\n");
        }
}

/* --- the graph -------------------------------------------------------------------------------------- */

static void write_route(struct outfile *f, const char *from, uint32_t a, const char *to, uint32_t b, const char *link,
                        uint32_t number, const char *last, uint32_t last_number)
{
    outfile_printf(f, "    <route src=\"%s%u\" dst=\"%s%u\" symmetrical=\"NO\"><link_ctn id=\"%s%u\"/>", from, a, to, b,
                   link, number);
    if (last)
        outfile_printf(f, "<link_ctn id=\"%s%u\"/>", last, last_number);
    outfile_printf(f, "</route>\n");
}

/* A platform has all its links before its routes, so what follows is walked twice. */
enum pass { LINKS, ROUTES };

static void write_inside_node(const struct topo_report *r, uint32_t gpu, enum pass pass, struct outfile *f)
{
    const struct hw_node *node = &r->cluster->hw->node;
    double nvlink_Bps = node->nvlink_Bps * node->nvlink_efficiency_ratio;
    uint32_t at = gpu / r->topo->gpus_per_node;
    if (pass == ROUTES) {
        write_route(f, "gpu", gpu, "node", at, "nvlink_out", gpu, NULL, 0);
        write_route(f, "node", at, "gpu", gpu, "nvlink_in", gpu, NULL, 0);
        return;
    }
    write_link(f, "nvlink_out", gpu, nvlink_Bps, node->nvlink_latency_s / 2);
    write_link(f, "nvlink_in", gpu, nvlink_Bps, node->nvlink_latency_s / 2);
    write_link(f, "pcie_out", gpu, node->pcie_Bps, 0);
    write_link(f, "pcie_in", gpu, node->pcie_Bps, 0);
}

/* A GPU's NIC ports on one switch are one link of their sum. */
static void write_nic(const struct topo_report *r, uint32_t number, enum pass pass, struct outfile *f)
{
    const struct topology *t = r->topo;
    const struct topo_link *l = &t->links[number];
    const uint32_t *switch_of = r->graph->switch_of;
    uint32_t base = topology_first_switch(t), ports = t->ports_per_nic, together = 0;
    bool out = l->b >= base;
    uint32_t port = (out ? l->a : l->b) - t->n_endpoints, gpu = port / ports;
    uint32_t at = (out ? l->b : l->a) - base;
    for (uint32_t p = gpu * ports; p < (gpu + 1) * ports; p++) {
        if (switch_of[p] == at && p < port)
            return;
        together += switch_of[p] == at;
    }
    if (pass == LINKS)
        write_link(f, "l", number, together * l->capacity_Bps, l->latency_s);
    else if (out)
        write_route(f, "gpu", gpu, "switch", at, "pcie_out", gpu, "l", number);
    else
        write_route(f, "switch", at, "gpu", gpu, "l", number, "pcie_in", gpu);
}

static void write_cables(const struct net_graph *g, enum pass pass, struct outfile *f)
{
    for (uint32_t s = 0; s < g->n_switches; s++)
        for (uint32_t i = g->first[s]; i < g->first[s + 1]; i++) {
            if (pass == LINKS)
                write_link(f, "cable", i, g->arcs[i].capacity_Bps, g->arcs[i].latency_s);
            else
                write_route(f, "switch", s, "switch", g->arcs[i].to, "cable", i, NULL, 0);
        }
}

static void write_graph(const struct topo_report *r, struct outfile *f)
{
    const struct topology *t = r->topo;
    write_hosts(r, f);
    for (uint32_t i = 0; i < t->n_endpoints / t->gpus_per_node; i++)
        outfile_printf(f, "    <router id=\"node%u\"/>\n", i);
    for (uint32_t s = 0; s < r->graph->n_switches; s++)
        outfile_printf(f, "    <router id=\"switch%u\"/>\n", s);
    for (enum pass pass = LINKS; pass <= ROUTES; pass++) {
        for (uint32_t e = 0; e < t->n_endpoints; e++)
            write_inside_node(r, e, pass, f);
        for (uint32_t i = 0; i < t->n_links; i++)
            if (t->links[i].kind == LINK_NIC)
                write_nic(r, i, pass, f);
        write_cables(r->graph, pass, f);
    }
}

int topo_write_simgrid(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    bool full = r->topo->n_endpoints <= FULL_UP_TO;
    (void)diag;
    outfile_printf(f,
                   "<?xml version=\"1.0\"?>\n"
                   "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
                   "<!-- %s: %s. %s -->\n"
                   "<platform version=\"4.1\">\n"
                   "  <config>\n"
                   "    <prop id=\"network/model\" value=\"CM02\"/>\n"
                   "    <prop id=\"network/crosstraffic\" value=\"0\"/>\n"
                   "    <prop id=\"network/TCP-gamma\" value=\"0\"/>\n"
                   "  </config>\n"
                   "  <zone id=\"%s\" routing=\"%s\">\n",
                   r->type->name, r->type->doc,
                   full ? "Routes are those of destination-based routing."
                        : "SimGrid chooses among shortest ways; parallel cables are one link.",
                   r->type->name, full ? "Full" : "Dijkstra");
    if (full)
        write_full(r, f);
    else
        write_graph(r, f);
    outfile_printf(f, "  </zone>\n</platform>\n");
    return 0;
}
