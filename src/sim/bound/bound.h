/* Network `bound`: times of an op graph that no sharing of the network can beat, without a clock.
 *
 * Every op and transfer gets the earliest time that its predecessors allow, where
 *   a transfer takes its latency and its bytes over the narrowest link or resource of its route;
 *   a COMM op ends when each link that its own transfers cross has carried all their bytes, whatever order they go in;
 *   an exchange (COMM ops of one phase and layer that send to each other) has ended when every link, cables between
 *   switches among them, has carried the bytes of all its members: what comes after all of them in the graph waits for it;
 *   a COMPUTE op has the SMs that it can use to itself;
 *   the makespan covers all bytes over each link, and all SM time of each device.
 * All of that holds for `flow`, `cm02` and `packet` too, so that no time is later than theirs. What it leaves out (sharing
 * between exchanges, fairness, SMs that others hold while an op runs) only makes theirs longer.
 *
 * Refused by sim_run: links that change while it runs, routes that depend on load, multicast. */
#ifndef MOESIM_SIM_BOUND_BOUND_H
#define MOESIM_SIM_BOUND_BOUND_H

#include "sim/sim.h"

/* As sim_run, in this process. transfer_end_s is the transfer's own bound; an op may end later than all of its. */
int bound_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag);

#endif
