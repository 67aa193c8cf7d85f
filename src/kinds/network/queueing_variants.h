/* What a queueing scenario compares: lists of words such as "pfc+voq_qp+qp_pause", each
 * word one choice of cluster.packet or cluster.network.routing. */
#ifndef MOESIM_KINDS_NETWORK_QUEUEING_VARIANTS_H
#define MOESIM_KINDS_NETWORK_QUEUEING_VARIANTS_H

#include "io/scenario.h"

struct queueing_variant {
    const char *name;
    struct cluster_hw *hw; /* the scenario's with the variant's changes */
};

/* 0, or -1 when a word is unknown, contradicts another, or makes a network that cannot
 * be. */
int queueing_variants(const struct scenario_file *file, struct arena *arena, struct queueing_variant **out, uint32_t *n,
                      struct diag *diag);

#endif
