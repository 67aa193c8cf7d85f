#include "sim_fixture.h"

#include <math.h>
#include <string.h>

enum { MAX_TRANSFERS = 512 };

/* Each transfer is pinned to a path of its own. */
static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    const struct fixture *f = t->state;
    (void)src, (void)dst;
    memcpy(links, f->paths[number] + 1, f->paths[number][0] * sizeof *links);
    return f->paths[number][0];
}

static const struct topology_type table_topology = {.name = "table", .path = path};

struct fixture *fixture_new(uint32_t n_links, uint32_t n_devices)
{
    struct arena *a = arena_new();
    struct fixture *f = ARENA_NEW(a, struct fixture);
    f->arena = a;
    f->diag = diag_new();
    f->graph = opgraph_new(n_devices);
    f->paths = arena_array(a, sizeof *f->paths, MAX_TRANSFERS);
    f->topo = (struct topology){.type = &table_topology,
                                .n_endpoints = n_devices,
                                .n_links = n_links,
                                .links = ARENA_ARRAY(a, struct topo_link, n_links),
                                .state = f};
    for (uint32_t i = 0; i < n_links; i++)
        f->topo.links[i].capacity_Bps = 50e9;
    f->spec =
        (struct sim_spec){.graph = f->graph, .topo = &f->topo, .net = NET_FLOW, .sm_per_device = 132, .checked = true};
    return f;
}

void fixture_free(struct fixture *f)
{
    opgraph_free(f->graph);
    diag_free(f->diag);
    arena_free(f->arena);
}

uint32_t fixture_transfer(struct fixture *f, const struct transfer *t, double arrival_s, const uint32_t *links,
                          uint32_t n_links)
{
    struct transfer copy = *t;
    struct op op = {.kind = OP_COMM,
                    .lane = opgraph_lane(f->graph),
                    .lead_s = arrival_s,
                    .sync_group = OP_NONE,
                    .name = opgraph_string(f->graph, "comm")};
    op.class_name = op.phase = op.name;
    op.device = t->src;
    copy.src_op = opgraph_add(f->graph, &op);
    op.device = t->dst;
    op.lane = opgraph_lane(f->graph);
    copy.dst_op = opgraph_add(f->graph, &op);
    copy.pinned = f->graph->n_transfers + 1;
    uint32_t id = opgraph_transfer(f->graph, &copy);
    f->paths[id][0] = n_links;
    memcpy(f->paths[id] + 1, links, n_links * sizeof *links);
    return id;
}

uint32_t fixture_flow(struct fixture *f, double bytes_B, double arrival_s, const uint32_t *links, uint32_t n_links)
{
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = bytes_B, .weight = 1};
    return fixture_transfer(f, &t, arrival_s, links, n_links);
}

static uint32_t random_path(gsl_rng *rng, uint32_t n_links, uint32_t *links)
{
    uint32_t want = 1 + gsl_rng_uniform_int(rng, FIXTURE_MAX_PATH), n = 0;
    for (uint32_t tries = 0; tries < 3 * want && n < want && n < n_links; tries++) {
        uint32_t link = gsl_rng_uniform_int(rng, n_links), k = 0;
        while (k < n && links[k] != link)
            k++;
        if (k == n)
            links[n++] = link;
    }
    return n;
}

struct fixture *fixture_random(gsl_rng *rng, const struct fixture_options *o)
{
    uint32_t n_links = 1 + gsl_rng_uniform_int(rng, o->max_links);
    uint32_t n_devices = 2 + gsl_rng_uniform_int(rng, 8);
    struct fixture *f = fixture_new(n_links, n_devices);
    for (uint32_t i = 0; i < n_links; i++)
        f->topo.links[i].capacity_Bps = floor(1e9 * exp(4.6 * gsl_rng_uniform(rng)));
    uint32_t n = 1 + gsl_rng_uniform_int(rng, o->max_transfers);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t links[FIXTURE_MAX_PATH], n_path = random_path(rng, n_links, links);
        struct transfer t = {.weight = 1};
        t.src = gsl_rng_uniform_int(rng, n_devices);
        t.dst = (t.src + 1 + gsl_rng_uniform_int(rng, n_devices - 1)) % n_devices;
        t.bytes_B = 1e4 * exp(9 * gsl_rng_uniform(rng));
        if (!o->fractions)
            t.bytes_B = floor(t.bytes_B);
        if (o->latencies)
            t.latency_s = 1e-6 + 1e-5 * gsl_rng_uniform(rng);
        if (o->weights)
            t.weight = ldexp(1, (int)gsl_rng_uniform_int(rng, 5) - 2);
        if (o->caps && gsl_rng_uniform(rng) < 0.4)
            t.cap_Bps = 1e8 * exp(6 * gsl_rng_uniform(rng));
        if (o->priorities)
            t.priority = (uint8_t)gsl_rng_uniform_int(rng, 3);
        double arrival_s = gsl_rng_uniform(rng) < 0.3 ? 0 : 1e-3 * gsl_rng_uniform(rng);
        fixture_transfer(f, &t, arrival_s, links, n_path);
    }
    return f;
}
