/* The flow network under an op graph: transfers become flows on the paths that routing chooses, on shares of
 * all of them under spraying, in several parts over queue pairs; flows that lose a link go on over another path. */
#ifndef MOESIM_SIM_FLOW_NET_FLOW_H
#define MOESIM_SIM_FLOW_NET_FLOW_H

#include "sim/net.h"
#include "topology/routing.h"

struct net_flow;

/* Sets up the engine with the flow network plugged in. */
struct net_flow *net_flow_new(const struct net_setup *setup, const struct router *routing);
void net_flow_free(struct net_flow *n);
void net_flow_start(struct net_flow *n, uint32_t transfer);
void net_flow_link_event(struct net_flow *n, const struct link_event *event);
uint32_t net_flow_limit(const struct net_flow *n);
struct flow_net_stats net_flow_stats(const struct net_flow *n);

#endif
