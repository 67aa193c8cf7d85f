/* Which parts of a training step must come out equal, because their networks are the same network. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_SYMMETRY_H
#define MOESIM_KINDS_TRAIN_TRAIN_SYMMETRY_H

#include "kinds/train/train_plan.h"

/* A group of GPUs in one of the networks. */
struct train_place {
    uint32_t network, column, rank;
};

/* Whether what the groups' GPUs send each other in a chunk crosses links of the same rates and latencies, shared in
 * the same way. Only where paths do not depend on other traffic. */
bool train_places_alike(const struct train_plan *p, const struct train_place *a, const struct train_place *b,
                        struct arena *scratch);
/* Whether the messages between pipeline ranks of each GPU place in a group (of each column apart when `columns`)
 * cross links that no other place uses, and the same links as those of the first. */
bool train_peers_alike(const struct train_plan *p, const struct train_network *n, bool columns, struct arena *scratch);

#endif
