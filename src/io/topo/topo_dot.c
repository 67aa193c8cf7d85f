/* Networks for Graphviz: compute nodes and groups with NICs as boxes, switches as circles, edges with the number of
 * their cables. */
#include "io/topo/topo_drawing.h"
#include "io/topo/topo_writers.h"

static void print_name(const struct drawn_node *n, struct outfile *f)
{
    static const char letter[] = {[DRAWN_NODE] = 'n', [DRAWN_SWITCH] = 's', [DRAWN_GROUP] = 'g'};
    outfile_printf(f, "%c%u", letter[n->kind], n->number);
}

/* Without switches, what would be one is a GPU. */
static void print_group(const struct drawn_node *n, bool switchless, struct outfile *f)
{
    outfile_printf(f, "shape=%s, label=\"%u %s%s", n->nic_ports ? "box" : "ellipse", n->switches,
                   switchless ? "GPU" : "switch",
                   n->switches == 1 ? ""
                   : switchless     ? "s"
                                    : "es");
    if (n->nic_ports && !switchless)
        outfile_printf(f, "\\n%u NIC ports", n->nic_ports);
    if (n->inside)
        outfile_printf(f, "\\n%u cables inside", n->inside);
    outfile_printf(f, "\"");
}

static void print_node(const struct drawn_node *n, bool switchless, struct outfile *f)
{
    outfile_printf(f, "  ");
    print_name(n, f);
    outfile_printf(f, " [");
    if (n->kind == DRAWN_NODE)
        outfile_printf(f, "shape=box, label=\"node %u\\n%u GPUs\"", n->number, n->gpus);
    else if (n->kind == DRAWN_SWITCH)
        outfile_printf(f, "shape=circle, label=\"switch %u\\nplane %u\"", n->number, n->plane);
    else
        print_group(n, switchless, f);
    outfile_printf(f, "];\n");
}

static void print_edge(const struct topo_drawing *d, const struct drawn_edge *e, struct outfile *f)
{
    outfile_printf(f, "  ");
    print_name(&d->nodes[e->a], f);
    outfile_printf(f, " -- ");
    print_name(&d->nodes[e->b], f);
    outfile_printf(f, " [label=\"%u\"];\n", e->cables);
}

int topo_write_dot(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    struct topo_drawing d;
    (void)diag;
    topo_draw(r->topo, r->graph, r->arena, &d);
    uint32_t switches = r->type->switchless ? 0 : r->graph->n_switches;
    outfile_printf(f, "graph %s {\n  // %s: %u GPUs, %u switches, %llu cables\n", r->type->name, r->type->doc,
                   r->topo->n_endpoints, switches, (unsigned long long)r->graph->n_cables);
    if (d.condensed)
        outfile_printf(f, "  // condensed: %u %s as %u groups; edges count cables\n", r->graph->n_switches,
                       r->type->switchless ? "GPUs" : "switches", d.n_nodes);
    for (uint32_t i = 0; i < d.n_nodes; i++)
        print_node(&d.nodes[i], r->type->switchless, f);
    for (uint32_t i = 0; i < d.n_edges; i++)
        print_edge(&d, &d.edges[i], f);
    outfile_printf(f, "}\n");
    return 0;
}
