/* Max-min fair rates found anew from nothing at each completion: progressive filling. Shares nothing with the solver. */
#ifndef MOESIM_BENCH_BRUTE_FORCE_H
#define MOESIM_BENCH_BRUTE_FORCE_H

#include <stdint.h>

struct brute_flow {
    const uint32_t *links;
    uint32_t n_links;
    double bytes_B, start_s;
    double end_s; /* the answer */
    /* inside */
    double left_B, rate_Bps;
};

void brute_force(const double *capacity_Bps, uint32_t n_links, struct brute_flow *flows, uint32_t n);

#endif
