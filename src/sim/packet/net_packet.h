/* The packet model under an op graph: transfers become messages of queue pairs on the
 * topology's paths. */
#ifndef MOESIM_SIM_PACKET_NET_PACKET_H
#define MOESIM_SIM_PACKET_NET_PACKET_H

#include "sim/net.h"
#include "topology/routing.h"

struct net_packet;

/* Sets up the engine with the packet network plugged in. */
struct net_packet *net_packet_new(const struct net_setup *setup, const struct router *routing);
void net_packet_free(struct net_packet *n);
void net_packet_start(struct net_packet *n, uint32_t transfer);
void net_packet_link_event(struct net_packet *n, const struct link_event *event);
/* What only packets know: owned by `arena`. */
void net_packet_report(struct net_packet *n, struct arena *arena, struct sim_outcome *out);
struct flow_net_stats net_packet_stats(const struct net_packet *n);

#endif
