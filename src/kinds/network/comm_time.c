#include "kinds/network/comm_time.h"

#include "kinds/kind_run.h"
#include "models/comm/wire_format.h"
#include "sim/sim.h"
#include "topology/topology.h"

/* A group inside one scale-up domain uses no network: the same time on any. */
static struct topology *place_topology(const struct comm_place *p, struct cluster_hw *hw, struct arena *arena,
                                       struct diag *diag)
{
    struct topology *t = ARENA_NEW(arena, struct topology);
    *hw = *p->hw;
    hw->nodes = (p->gpus + hw->node.gpus - 1) / hw->node.gpus;
    if (hw->nodes == 1)
        hw->topology = "nvswitch";
    if (!topology_find(hw->topology)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "unknown topology '%.40s' ('moesim list topologies')",
                   hw->topology);
        return NULL;
    }
    return topology_build(t, hw, arena, diag) ? NULL : t;
}

static int simulate(const struct opgraph *graph, const struct topology *t, const struct cluster_hw *hw,
                    struct arena *arena, double *out_s, struct diag *diag)
{
    struct sim_outcome outcome;
    struct sim_spec spec = {.graph = graph,
                            .topo = t,
                            .hw = hw,
                            .net = NET_FLOW,
                            .routing = topology_routing(hw),
                            .epsilon = 1e-3,
                            .sm_per_device = (double)hw->chip.sms};
    opgraph_check(graph);
    if (sim_run(&spec, arena, &outcome, diag))
        return -1;
    *out_s = outcome.makespan_s;
    return 0;
}

/* Kernels that can go through NICs inside a node do: so they were published and measured. */
static void make_call(const struct comm_place *place, const struct comm_exchange *x, struct ep_traffic *traffic,
                      struct arena *arena, struct ep_call *call)
{
    struct ep_group group = {.ranks = place->gpus, .gpus_per_node = (uint32_t)place->hw->node.gpus};
    if (x->traffic)
        *traffic = *x->traffic;
    else
        ep_traffic_make(&group, &x->choices, arena, traffic);
    *call = (struct ep_call){.hw = place->hw,
                             .traffic = traffic,
                             .phase = x->phase,
                             .tokens = x->choices.tokens,
                             .hidden = x->hidden,
                             .top_k = x->choices.top_k,
                             .experts = x->choices.experts,
                             .sms = x->sms,
                             .format = x->format,
                             .loopback = x->kernel->loops && topology_nics_meet(place->hw)};
}

int comm_exchange_s(const struct comm_place *place, const struct comm_exchange *x, double *out_s, struct diag *diag)
{
    struct arena *arena = arena_new();
    struct ep_traffic traffic;
    struct ep_call call;
    struct cluster_hw hw;
    char why[300];
    int failed = -1;
    struct topology *t = place_topology(place, &hw, arena, diag);
    if (t) {
        make_call(place, x, &traffic, arena, &call);
        call.hw = &hw;
        call.rails = kind_rails(t, &hw);
        struct opgraph *graph = opgraph_new(t->n_endpoints);
        if (ep_misfit(x->kernel, &call, why, sizeof why))
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "%s: %s", x->kernel->name, why);
        else {
            ep_build(graph, x->kernel, &call, arena, NULL, NULL);
            failed = simulate(graph, t, &hw, arena, out_s, diag);
        }
        opgraph_free(graph);
    }
    arena_free(arena);
    return failed;
}

double comm_exchange_logical_B(const struct comm_place *place, const struct comm_exchange *x)
{
    struct arena *arena = arena_new();
    struct ep_traffic traffic;
    struct ep_call call;
    make_call(place, x, &traffic, arena, &call);
    double bytes_B = call.tokens * ep_logical_copies(x->kernel, &call) * wire_format_B(x->format, x->hidden);
    arena_free(arena);
    return bytes_B;
}

int comm_collective_s(const struct comm_place *place, const struct collective *c, double *out_s, struct diag *diag)
{
    struct arena *arena = arena_new();
    struct cluster_hw hw;
    int failed = -1;
    struct topology *t = place_topology(place, &hw, arena, diag);
    if (t) {
        const char *misfit = collective_misfit(c, &hw);
        struct opgraph *graph = opgraph_new(t->n_endpoints);
        if (misfit)
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "%s", misfit);
        else {
            collective_build(graph, &hw, c, arena);
            failed = simulate(graph, t, &hw, arena, out_s, diag);
        }
        opgraph_free(graph);
    }
    arena_free(arena);
    return failed;
}
