/* Exact symmetry: a network whose GPUs cannot be told apart, folded up.
 *
 * A plugin may name turns: permutations of the endpoints that carry links to links and the path of
 * destination-based routing from s to d to that from turn(s) to turn(d). Where the turns commute and lead
 * from any GPU to any other, traffic that all GPUs send alike is carried to itself by all of them. Its
 * max-min fair rates are unique, so flows that a turn carries to each other have equal rates, and links
 * equal loads: it is enough to follow what GPU 0 sends. The quotient has one link per class of links that
 * turns carry to each other; with as many GPUs as flows of a class, a class of c links of N GPUs' flows
 * has c / N of a link's capacity for GPU 0.
 *
 * What turns promise is checked: for all pairs of GPUs up to a million, for a million random ones beyond. */
#ifndef MOESIM_TOPOLOGY_SYMMETRY_H
#define MOESIM_TOPOLOGY_SYMMETRY_H

#include "topology/topology.h"

/* The quotient of t, in the arena; it has t's endpoints, paths from GPU 0 only, a single one to each. 0,
 * or -1 with the reason: no turns, or turns that do not keep what they promise. t must outlive it. */
int symmetry_quotient(const struct topology *t, struct topology *quotient, struct arena *arena, struct diag *diag);

#endif
