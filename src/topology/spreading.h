/* Spraying: a message uses all whole minimal paths of its pair at once, 1/n of it on each of n. What it loads is links
 * with shares: the paths that cross a link over n.
 *
 * Pairs whose NICs hang on the same two switches use the same links between those. They are worked out once per pair of
 * switches, so that a message costs one path however many there are (1,024 in a three-level tree of 64 ports). */
#ifndef MOESIM_TOPOLOGY_SPREADING_H
#define MOESIM_TOPOLOGY_SPREADING_H

#include <stdbool.h>

#include "topology/topology.h"

struct spread_link {
    uint32_t link;
    uint8_t hop; /* of its path */
    double share;
};

struct spread { /* the same links, the same spread: compare pointers */
    struct spread_link *links;
    uint32_t n;
    uint32_t tag; /* the caller's own; 0 at first */
};

enum { SPREAD_MAX_PARTS = 3 }; /* a NIC's ports, between switches, a NIC's ports */

struct spread_route {
    uint32_t alone[ROUTE_MAX_LINKS], n_alone; /* links that all of the message crosses */
    struct spread *parts[SPREAD_MAX_PARTS];
    uint32_t n_parts;
    double latency_s; /* of the longest path's links */
};

struct spreading;

struct spreading *spreading_new(const struct topology *t);
void spreading_free(struct spreading *s);
/* Links have gone down since the last route: nothing that was worked out holds. Spreads stay valid. */
void spreading_forget(struct spreading *s);
/* The links of a message from src to dst; `down` as in struct router. False when no minimal path is whole. */
bool spreading_route(struct spreading *s, const uint8_t *down, uint32_t src, uint32_t dst, struct spread_route *out);

#endif
