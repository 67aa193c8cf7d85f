/* From failure rates to goodput: the share of time in which a long job makes progress that lasts (paper 6.1). In closed
 * form (Young 1974, Daly 2006), and by Monte Carlo. */
#ifndef MOESIM_KINDS_RELIABILITY_RELIABILITY_H
#define MOESIM_KINDS_RELIABILITY_RELIABILITY_H

#include <stdint.h>

#include "hw/cluster.h"
#include "io/scenario.h"

enum sdc_detection {
    SDC_PEOPLE,    /* somebody sees the loss curve */
    SDC_CHECKSUMS, /* of matrix products and of memory, in hardware */
    SDC_REDUNDANCY /* computed twice and compared */
};

struct reliability_cfg {
    const char *gpus;                      /* list; "" = the cluster's */
    double interval_s, write_s;            /* of checkpoints: 0 = Daly's optimum; time that training stops for one */
    double detect_s, restart_s;            /* of a failure; until training goes on */
    int detection;                         /* enum sdc_detection */
    double notice_s;                       /* until people notice corruption */
    double test_every_s, test_s;           /* diagnostics of all GPUs, which find a bad one; 0 = none */
    double overhead_ratio, coverage_ratio; /* of checksums or redundancy */
    double slower_ratio;                   /* of a step while a link is out and gone round */
    double horizon_s;
    int64_t replicas;
};

extern const struct kind_keys reliability_keys;

static inline const struct reliability_cfg *reliability_cfg(const struct scenario *s)
{
    return kind_keys(s, &reliability_keys);
}

/* One job, with rates in events per second. */
struct reliability {
    double crash_Hz[4];      /* gpu, host, software, link */
    double silent_Hz;        /* all corruption */
    double caught_ratio;     /* of it, at once */
    double flap_Hz, hard_Hz; /* flaps; links that fail and are gone round */
    const struct hw_failures *hw;
    const struct reliability_cfg *cfg;
    double interval_s;     /* of checkpoints, in useful work */
    double overhead_ratio; /* of checks and tests */
    double notice_s;       /* until corruption that nobody caught is noticed */
};
enum { CRASH_GPU, CRASH_HOST, CRASH_SOFTWARE, CRASH_LINK, N_CRASHES };

void reliability_init(struct reliability *r, const struct hw_failures *hw, const struct reliability_cfg *cfg,
                      int64_t gpus, int64_t nodes, int64_t links /* of NICs */);

/* Everything that makes a job start again: crashes, caught corruption, flaps that break connections. */
double reliability_stop_Hz(const struct reliability *r);
double reliability_flap_breaks(const struct reliability *r);  /* probability that a flap breaks its connection */
double reliability_flap_stall_s(const struct reliability *r); /* mean stall of a flap, 0 where it breaks */

/* Optimal intervals between checkpoints, as useful work. */
double reliability_young_s(const struct reliability *r);
double reliability_daly_s(const struct reliability *r);

double reliability_goodput(const struct reliability *r); /* closed form */

/* Where the time goes; sums to total_s. */
struct reliability_account {
    double useful_s, checks_s, degraded_s, checkpoints_s, stalls_s, restarts_s, lost_s, corrupted_s, total_s;
    uint64_t stops, flaps, corruptions; /* stops: starts anew after a crash or caught corruption */
};

/* One replica of the horizon. */
void reliability_simulate(const struct reliability *r, uint64_t seed, uint64_t replica,
                          struct reliability_account *out);

#endif
