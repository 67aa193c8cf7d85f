/* Networks for Graphviz: compute nodes and groups with NICs as boxes, switches as circles, edges with the number of
 * their cables. */
#include "io/topo/topo_drawing.h"
#include "io/topo/topo_writers.h"

static void print_name(const struct drawn_node *n, struct outfile *f)
{
    static const char letter[] = {[DRAWN_NODE] = 'n', [DRAWN_SWITCH] = 's', [DRAWN_GROUP] = 'g'};
    outfile_printf(f, "%c%u", letter[n->kind], n->number);
}

static void print_group(const struct drawn_node *n, struct outfile *f)
{
    outfile_printf(f, "shape=%s, label=\"%u switch%s", n->nic_ports ? "box" : "ellipse", n->switches,
                   n->switches == 1 ? "" : "es");
    if (n->nic_ports)
        outfile_printf(f, "\\n%u NIC ports", n->nic_ports);
    if (n->inside)
        outfile_printf(f, "\\n%u cables inside", n->inside);
    outfile_printf(f, "\"");
}

static void print_node(const struct drawn_node *n, struct outfile *f)
{
    outfile_printf(f, "  ");
    print_name(n, f);
    outfile_printf(f, " [");
    if (n->kind == DRAWN_NODE)
        outfile_printf(f, "shape=box, label=\"node %u\\n%u GPUs\"", n->number, n->gpus);
    else if (n->kind == DRAWN_SWITCH)
        outfile_printf(f, "shape=circle, label=\"switch %u\\nplane %u\"", n->number, n->plane);
    else
        print_group(n, f);
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
    outfile_printf(f, "graph %s {\n  // %s: %u GPUs, %u switches, %llu cables\n", r->type->name, r->type->doc,
                   r->topo->n_endpoints, r->graph->n_switches, (unsigned long long)r->graph->n_cables);
    if (d.condensed)
        outfile_printf(f, "  // condensed: %u switches as %u groups; edges count cables\n", r->graph->n_switches,
                       d.n_nodes);
    for (uint32_t i = 0; i < d.n_nodes; i++)
        print_node(&d.nodes[i], f);
    for (uint32_t i = 0; i < d.n_edges; i++)
        print_edge(&d, &d.edges[i], f);
    outfile_printf(f, "}\n");
    return 0;
}
