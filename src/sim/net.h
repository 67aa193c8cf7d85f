/* The networks behind one interface. Links: the topology's, then the op graph's resources. */
#ifndef MOESIM_SIM_NET_H
#define MOESIM_SIM_NET_H

#include "sim/flow/flow_net.h"
#include "sim/sim.h"

struct net;

struct net_setup {
    const struct sim_spec *spec;
    uint32_t n_links;
    const double *capacity_Bps;
    flow_end_fn *on_end; /* cookie = transfer id */
    flow_load_fn *on_load;
    void *ctx;
    struct diag *diag;
};

/* Sets up the engine with the network inside. After it: net_start, engine_run. */
struct net *net_new(const struct net_setup *setup);
void net_free(struct net *n);
void net_start(struct net *n, uint32_t transfer);
void net_link_event(struct net *n, const struct link_event *event);
/* Inside on_end: the link (or resource, from topo->n_links on) that limited the transfer when it ended; UINT32_MAX:
 * not known, or none. */
uint32_t net_limit(const struct net *n);
struct flow_net_stats net_stats(const struct net *n);
/* What only some networks know. */
void net_report(struct net *n, struct arena *arena, struct sim_outcome *out);

#endif
