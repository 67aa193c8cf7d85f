/* Whether the tables of the switches lead to the NICs: from each switch with hosts they are followed to each NIC. */
#include "io/inputs/fabric_import.h"

enum { MOST_HOPS = 64 };

struct walking {
    const struct fabric *f;
    uint32_t *number;               /* of each node, among switches */
    uint32_t (*peer)[FABRIC_PORTS]; /* of each switch by port: the switch at the other end; FABRIC_NONE */
    bool *has_nics;                 /* of each node */
};

static uint32_t number_switches(struct walking *w)
{
    uint32_t n = 0;
    w->number = ARENA_ARRAY(w->f->arena, uint32_t, w->f->n_nodes + 1);
    for (uint32_t i = 0; i < w->f->n_nodes; i++)
        if (w->f->nodes[i].is_switch)
            w->number[i] = n++;
    return n;
}

static uint32_t switch_of(const struct fabric *f, const struct fabric_nic *nic)
{
    const struct fabric_cable *c = &f->cables[nic->cable];
    return c->a == nic->node ? c->b : c->a;
}

static void plug(struct walking *w, uint32_t n_switches)
{
    const struct fabric *f = w->f;
    w->peer = arena_alloc(f->arena, (n_switches + 1) * sizeof *w->peer);
    w->has_nics = ARENA_ARRAY(f->arena, bool, f->n_nodes + 1);
    for (uint32_t i = 0; i < n_switches; i++)
        for (uint32_t port = 0; port < FABRIC_PORTS; port++)
            w->peer[i][port] = FABRIC_NONE;
    for (uint32_t i = 0; i < f->n_cables; i++) {
        const struct fabric_cable *c = &f->cables[i];
        if (!f->nodes[c->a].is_switch || !f->nodes[c->b].is_switch)
            continue;
        w->peer[w->number[c->a]][c->a_port % FABRIC_PORTS] = c->b;
        w->peer[w->number[c->b]][c->b_port % FABRIC_PORTS] = c->a;
    }
    for (uint32_t i = 0; i < f->n_nics; i++)
        w->has_nics[switch_of(f, &f->nics[i])] = true;
}

static bool arrives(const struct walking *w, uint32_t from, const struct fabric_nic *nic)
{
    uint32_t at = from, to = switch_of(w->f, nic);
    for (uint32_t hops = 0; at != to && at != FABRIC_NONE && hops < MOST_HOPS; hops++) {
        uint8_t port = nic->lid ? w->f->nodes[at].table[nic->lid] : 0;
        at = port ? w->peer[w->number[at]][port] : FABRIC_NONE;
    }
    return at == to;
}

void fabric_walk_tables(struct fabric *f)
{
    struct walking w = {.f = f};
    uint32_t n_switches = number_switches(&w), lost = 0, first_from = 0, first_to = 0;
    if (!f->n_tables || f->n_tables < n_switches)
        return; /* none is taken over */
    plug(&w, n_switches);
    for (uint32_t from = f->n_nodes; from-- > 0;)
        for (uint32_t to = f->n_nics; w.has_nics[from] && to-- > 0;)
            if (!arrives(&w, from, &f->nics[to])) {
                lost++;
                first_from = from;
                first_to = to;
            }
    if (!lost)
        return;
    const struct fabric_node *sw = &f->nodes[first_from];
    const struct fabric_nic *nic = &f->nics[first_to];
    fabric_note(f,
                "the tables lead nowhere or in a circle on %u ways from a switch with hosts to a NIC (the first: from "
                "'%s' to '%s %s'); a job on these cannot run, but with --no-routes",
                lost, sw->name ? sw->name : sw->id, f->hosts[f->nodes[nic->node].host].name, nic->name);
}
