/* How often parts of a cluster fail, and how links and transports deal with it (paper 6.1). */
#ifndef MOESIM_HW_FAILURES_H
#define MOESIM_HW_FAILURES_H

#include <stdbool.h>

#include "base/cfg.h"

struct hw_failures {
    double gpu_s, host_s, software_s, link_s; /* mean time between failures: of a GPU, a node, a node's share of
                                                 software, a NIC's link for good */
    double silent_s;                          /* of a GPU: corruption that ECC does not see */
    double flap_s, flap_length_s;             /* of a NIC's link: between flaps; mean length (exponential) */
    double repair_s;                          /* of a link */
    double retry_s;                           /* transport: a lost packet is sent again after so long */
    double break_s;                           /* and the connection breaks after so long without an answer */
    bool link_retry;                          /* the link itself sends again (LLR) */
    bool failover;                            /* a NIC has another way out (ports on other planes) */
    double failover_s;                        /* until it is taken */
};

extern const struct cfg_table hw_failures_table;

#endif
