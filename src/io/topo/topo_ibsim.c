/* A network as a file of ibsim (Debian's ibsim-utils), on which a subnet manager of InfiniBand can be tried without
 * hardware. Adapters are cabled to the first ports of their switch, cables between switches follow in the order of their
 * numbers. Rates are left out: ibsim's links are all alike. */
#include "io/topo/topo_writers.h"

#include "topology/ends.h"

enum { MOST_PORTS = 254 };

struct plugs { /* the port of its switch that each link leaves by, or enters */
    const struct topology *t;
    uint32_t *used; /* of each switch */
    uint32_t *out;  /* [n_links] */
    uint32_t *back; /* [n_links] the other direction of a cable */
};

static uint32_t switch_index(const struct plugs *p, uint32_t vertex)
{
    return vertex - topology_first_switch(p->t);
}

static bool between(const struct topology *t, const struct topo_link *l)
{
    return l->a >= topology_first_switch(t) && l->b >= topology_first_switch(t);
}

/* Links come in pairs somewhere: the k-th from a to b is the cable of the k-th from b to a. */
static void find_back(struct plugs *p, struct arena *a)
{
    const struct topology *t = p->t;
    uint32_t n = t->n_vertices - topology_first_switch(t), *first = ARENA_ARRAY(a, uint32_t, n + 2),
             *list = ARENA_ARRAY(a, uint32_t, t->n_links + 1);
    uint8_t *taken = ARENA_ARRAY(a, uint8_t, t->n_links + 1);
    for (uint32_t i = 0; i < t->n_links; i++)
        if (between(t, &t->links[i]))
            first[switch_index(p, t->links[i].a) + 2]++;
    for (uint32_t s = 0; s < n; s++)
        first[s + 2] += first[s + 1];
    for (uint32_t i = 0; i < t->n_links; i++)
        if (between(t, &t->links[i]))
            list[first[switch_index(p, t->links[i].a) + 1]++] = i;
    for (uint32_t i = 0; i < t->n_links; i++) {
        if (!between(t, &t->links[i]) || taken[i])
            continue;
        uint32_t k = first[switch_index(p, t->links[i].b)], end = first[switch_index(p, t->links[i].b) + 1];
        while (k < end && (taken[list[k]] || t->links[list[k]].b != t->links[i].a))
            k++;
        BUG_IF(k == end);
        p->back[i] = list[k];
        p->back[list[k]] = i;
        taken[i] = taken[list[k]] = 1;
    }
}

static void plug_all(struct plugs *p)
{
    const struct topology *t = p->t;
    for (uint32_t i = 0; i < t->n_ports; i++)
        p->out[ends_first_in(t) + i] = ++p->used[switch_index(p, t->links[ends_first_in(t) + i].a)];
    for (uint32_t i = 0; i < t->n_links; i++)
        if (between(t, &t->links[i]))
            p->out[i] = ++p->used[switch_index(p, t->links[i].a)];
}

static uint32_t ports_together(const struct topology *t)
{
    return t->sharing ? 1 : t->ports_per_nic;
}

/* "n3 mlx5_1": as hosts call their adapters. */
static void write_adapter(const struct topology *t, uint32_t port, struct outfile *f)
{
    uint32_t owner = topology_port_owner(t, port);
    if (owner == TOPOLOGY_NONE)
        outfile_printf(f, "\"other mlx5_%u\"", port);
    else
        outfile_printf(f, "\"n%u mlx5_%u\"", owner / t->gpus_per_node, t->sharing ? port : owner % t->gpus_per_node);
}

static void write_switch(const struct plugs *p, uint32_t s, struct outfile *f)
{
    const struct topology *t = p->t;
    uint32_t vertex = topology_first_switch(t) + s;
    outfile_printf(f, "\nSwitch\t%u \"S%u\"\n", p->used[s] > 1 ? p->used[s] : 2, s);
    for (uint32_t i = 0; i < t->n_ports; i++)
        if (t->links[ends_first_in(t) + i].a == vertex) {
            outfile_printf(f, "[%u]\t", p->out[ends_first_in(t) + i]);
            write_adapter(t, i, f);
            outfile_printf(f, "[%u]\n", i % ports_together(t) + 1);
        }
    for (uint32_t i = 0; i < t->n_links; i++)
        if (between(t, &t->links[i]) && t->links[i].a == vertex)
            outfile_printf(f, "[%u]\t\"S%u\"[%u]\n", p->out[i], switch_index(p, t->links[i].b), p->out[p->back[i]]);
}

static void write_nics(const struct plugs *p, struct outfile *f)
{
    const struct topology *t = p->t;
    uint32_t together = ports_together(t);
    for (uint32_t i = 0; i < t->n_ports; i++) {
        const struct topo_link *l = &t->links[ends_first_out(t) + i];
        if (i % together == 0) {
            outfile_printf(f, "\nHca\t%u ", together);
            write_adapter(t, i, f);
            outfile_printf(f, "\n");
        }
        outfile_printf(f, "[%u]\t\"S%u\"[%u]\n", i % together + 1, switch_index(p, l->b), p->out[ends_first_in(t) + i]);
    }
}

static int check(const struct plugs *p, uint32_t n, struct diag *diag)
{
    for (uint32_t s = 0; s < n; s++)
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
    uint32_t n = t->n_vertices - topology_first_switch(t);
    if (r->type->switchless || !n || !t->n_ports) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "topology %s has no switches between NICs, which ibsim simulates",
                   r->type->name);
        return -1;
    }
    struct plugs p = {t, ARENA_ARRAY(r->arena, uint32_t, n + 1), ARENA_ARRAY(r->arena, uint32_t, t->n_links + 1),
                      ARENA_ARRAY(r->arena, uint32_t, t->n_links + 1)};
    find_back(&p, r->arena);
    plug_all(&p);
    if (check(&p, n, diag))
        return -1;
    outfile_printf(f, "# %s: %u GPUs, %u switches, %llu cables\n", r->type->name, t->n_endpoints, n,
                   (unsigned long long)r->graph->n_cables);
    for (uint32_t s = 0; s < n; s++)
        write_switch(&p, s, f);
    write_nics(&p, f);
    return 0;
}
