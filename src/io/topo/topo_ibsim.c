/* A network as a file of ibsim (Debian's ibsim-utils), on which a subnet manager of InfiniBand can be tried without
 * hardware. Adapters are cabled to the first ports of their switch, cables between switches follow in the order of their
 * numbers. Rates are left out: ibsim's links are all alike. */
#include "io/topo/topo_writers.h"

#include "topology/ends.h"
#include "topology/plugs.h"

enum { MOST_PORTS = 254 };

static bool between(const struct topology *t, const struct topo_link *l)
{
    return l->a >= topology_first_switch(t) && l->b >= topology_first_switch(t);
}

static uint32_t ports_together(const struct topology *t)
{
    return ends_ports(t);
}

/* "n3 mlx5_1": as hosts call their adapters. */
static void write_name(const struct topology *t, uint32_t port, struct outfile *f)
{
    uint32_t owner = topology_port_owner(t, port);
    if (owner == TOPOLOGY_NONE)
        outfile_printf(f, "\"other mlx5_%u\"", port / ports_together(t));
    else
        outfile_printf(f, "\"n%u mlx5_%u\"", owner / t->gpus_per_node,
                       t->sharing ? port / ports_together(t) : owner % t->gpus_per_node);
}

static void write_adapter(const struct topology *t, uint32_t port, struct outfile *f)
{
    write_name(t, port, f);
    outfile_printf(f, "[%u]", port % ports_together(t) + 1);
}

static void write_switch(const struct topology *t, const struct plugs *p, uint32_t s, struct outfile *f)
{
    outfile_printf(f, "\nSwitch\t%u \"S%u\"\n", p->used[s] > 1 ? p->used[s] : 2, s);
    for (uint32_t k = p->first[s]; k < p->first[s + 1]; k++) {
        const struct topo_link *l = &t->links[p->links[k]];
        outfile_printf(f, "[%u]\t", p->port[p->links[k]]);
        if (between(t, l))
            outfile_printf(f, "\"S%u\"[%u]\n", l->b - topology_first_switch(t), p->port[p->back[p->links[k]]]);
        else
            write_adapter(t, l->b - t->n_endpoints, f);
        outfile_printf(f, between(t, l) ? "" : "\n");
    }
}

static void write_nics(const struct topology *t, const struct plugs *p, struct outfile *f)
{
    uint32_t together = ports_together(t);
    for (uint32_t i = 0; i < t->n_ports; i++) {
        const struct topo_link *l = &t->links[ends_first_out(t) + i];
        if (i % together == 0) {
            outfile_printf(f, "\nHca\t%u ", together);
            write_name(t, i, f);
            outfile_printf(f, "\n");
        }
        outfile_printf(f, "[%u]\t\"S%u\"[%u]\n", i % together + 1, l->b - topology_first_switch(t),
                       p->port[ends_first_in(t) + i]);
    }
}

static int check(const struct plugs *p, struct diag *diag)
{
    for (uint32_t s = 0; s < p->n_switches; s++)
        if (p->used[s] > MOST_PORTS) {
            diag_error(diag, EXIT_LIMIT, SRCLOC_NONE,
                       "switch %u has %u cables; InfiniBand's switches have up to %d ports", s, p->used[s], MOST_PORTS);
            return -1;
        }
    return 0;
}

int topo_write_ibsim(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    const struct topology *t = r->topo;
    struct plugs p;
    if (r->type->switchless || t->n_vertices == topology_first_switch(t) || !t->n_ports) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "topology %s has no switches between NICs, which ibsim simulates",
                   r->type->name);
        return -1;
    }
    plugs_find(t, r->arena, &p);
    if (check(&p, diag))
        return -1;
    outfile_printf(f, "# %s: %u GPUs, %u switches, %llu cables\n", r->type->name, t->n_endpoints, p.n_switches,
                   (unsigned long long)r->graph->n_cables);
    for (uint32_t s = 0; s < p.n_switches; s++)
        write_switch(t, &p, s, f);
    write_nics(t, &p, f);
    return 0;
}
