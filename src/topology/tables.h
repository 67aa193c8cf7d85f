/* Forwarding tables of switches: for each switch and each NIC port the one link that leads there, as a subnet manager
 * fills them. Computed destination by destination, in order of their numbers: the switches around a destination's
 * leaf, level by level, take a shortest way; among several they follow the one way down that is chosen for this
 * destination (the next switch whose link towards it carries the fewest destinations so far), and where they are not
 * cabled to it, the link of their own that carries the fewest. On fat trees that loads every cable as OpenSM's `ftree`
 * engine does (tests/test_topology_tables.c); on other networks it is a balanced shortest-path routing. Left out:
 * freedom from deadlock (sim/packet/switch_lanes.c looks for circles), time to notice a fault. */
#ifndef MOESIM_TOPOLOGY_TABLES_H
#define MOESIM_TOPOLOGY_TABLES_H

#include "topology/topology.h"

#define TABLES_NONE UINT32_MAX

struct tables;

/* Bytes that tables of this network take. */
double tables_size_B(const struct topology *t);
/* -1 when they would be too large, said for a key. */
int tables_check_size(const struct topology *t, const char *key, struct diag *diag);
/* Empty ones, in the arena. The network has NICs (ends.h). */
struct tables *tables_new(const struct topology *t, struct arena *a);

/* From nothing, over links that are up (down[link] == 0; NULL: all are). */
void tables_compute(struct tables *tables, const uint8_t *down);
/* What topology_route takes: the tables of a network before anything fails. */
void tables_from_routes(struct tables *tables);
/* As a manager that is running when something fails: an entry that is still a shortest way stays, others are chosen as
 * by tables_compute. */
void tables_repair(struct tables *tables, const uint8_t *down);

/* The link out of a switch vertex towards a NIC port (topology_nic_port); TABLES_NONE: it is not reached.
 * At its own switch: the link into the NIC. */
uint32_t tables_next(const struct tables *tables, uint32_t vertex, uint32_t port);
/* Links from the switch of one NIC port to that of another; TABLES_NONE when it is not reached or farther than `max`. */
uint32_t tables_walk(const struct tables *tables, uint32_t from_port, uint32_t to_port, uint32_t *links, uint32_t max);
/* Replaces what lies between the NICs of a path of n links by the way of the tables; its links, or 0: they lead nowhere.
 * A path without NICs stays. */
uint32_t tables_along(const struct tables *tables, uint32_t path[ROUTE_MAX_LINKS], uint32_t n);
/* An entry: by which link a switch vertex sends on what is for a NIC port. */
void tables_set(struct tables *tables, uint32_t vertex, uint32_t port, uint32_t link);

#endif
