/* Small random networks and op graphs for the engine's tests: a topology whose route is a table. */
#ifndef MOESIM_TESTS_SIM_FIXTURE_H
#define MOESIM_TESTS_SIM_FIXTURE_H

#include <gsl/gsl_rng.h>

#include "sim/sim.h"

enum { FIXTURE_MAX_PATH = 6 };

struct fixture {
    struct arena *arena;
    struct diag *diag;
    struct topology topo;
    struct opgraph *graph;
    uint32_t (*paths)[FIXTURE_MAX_PATH + 1]; /* per transfer: count, links */
    struct sim_spec spec;
};

struct fixture_options {
    uint32_t max_links, max_transfers;
    bool weights, caps, priorities, latencies, fractions;
};

struct fixture *fixture_new(uint32_t n_links, uint32_t n_devices);
void fixture_free(struct fixture *f);
/* A transfer over these links that arrives at arrival_s; returns its id. */
uint32_t fixture_transfer(struct fixture *f, const struct transfer *t, double arrival_s, const uint32_t *links,
                          uint32_t n_links);
/* A plain transfer: weight 1, no cap, no latency. */
uint32_t fixture_flow(struct fixture *f, double bytes_B, double arrival_s, const uint32_t *links, uint32_t n_links);
struct fixture *fixture_random(gsl_rng *rng, const struct fixture_options *options);

#endif
