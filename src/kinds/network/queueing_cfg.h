/* Keys of scenarios about queues (kind queueing). */
#ifndef MOESIM_KINDS_NETWORK_QUEUEING_CFG_H
#define MOESIM_KINDS_NETWORK_QUEUEING_CFG_H

#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

enum queueing_traffic {
    QUEUEING_INCAST,      /* several senders to one receiver */
    QUEUEING_PAIR,        /* one sender, one receiver */
    QUEUEING_PERMUTATION, /* every GPU to the one half the cluster away */
    QUEUEING_ALL_TO_ALL,
    QUEUEING_RANDOM /* Poisson arrivals to random destinations */
};

enum queueing_victim {
    VICTIM_NONE,
    VICTIM_AT_SENDER, /* shares the last sender's NIC */
    VICTIM_BESIDE     /* on the node behind the last sender: shares cables at most */
};

struct queueing_cfg {
    int traffic, victim;
    int64_t senders, messages;
    double size_B, load_ratio;
    int64_t victim_to;
    double victim_B;
    int64_t probes;
    double probe_B;
    int64_t traffic_class, victim_class, probe_class;
    const char *variants, *loss_rates; /* lists */
};

extern const struct kind_keys queueing_keys;

static inline const struct queueing_cfg *queueing_cfg(const struct scenario *s)
{
    return kind_keys(s, &queueing_keys);
}

#endif
