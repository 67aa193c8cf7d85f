/* Requests to a service: when they come and how long they are. */
#ifndef MOESIM_KINDS_SERVE_REQUESTS_H
#define MOESIM_KINDS_SERVE_REQUESTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"

enum arrivals { ARRIVALS_POISSON, ARRIVALS_EVEN };
enum lengths { LENGTHS_FIXED, LENGTHS_LOGNORMAL, LENGTHS_EXPONENTIAL };

struct length_cfg {
    int lengths; /* enum lengths */
    double mean, cv_ratio;
    int64_t least, most;
};

struct requests_cfg {
    const char *file;   /* "" = drawn */
    double rate_factor; /* of those of a file: how much faster they come */
    int64_t first;      /* of those of a file; 0 = all */
    int arrivals;       /* enum arrivals */
    double rate_per_s;
    int64_t count;
    struct length_cfg prompt, output;
};

extern const struct cfg_table requests_table;

struct request {
    double arrival_s;
    uint32_t prompt, output; /* tokens */
    uint32_t cached;         /* of the prompt, found in a cache of prefixes */
};

/* count requests, by arrival: the same for a seed whatever the rate, but for the scale of time. */
void requests_draw(const struct requests_cfg *cfg, uint64_t seed, struct request *out);

#endif
