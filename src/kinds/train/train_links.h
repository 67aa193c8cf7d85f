/* What stands for the network in a training step whose groups are alike: each group is one GPU with its NIC and NVLink,
 * as resources of the op graph.
 *
 * Where packets spread over all paths of a network whose leaves have as many uplinks as NICs, no link between switches
 * can bind before the NICs do; what is left are links of single GPUs. Messages, gradients and parameters of all GPUs of
 * a group take the same of their own. So one GPU stands for its group, and the flow from it to the GPU behind it in a ring
 * for that of every GPU: out of its own NIC, into the other's. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_LINKS_H
#define MOESIM_KINDS_TRAIN_TRAIN_LINKS_H

#include "kinds/train/train_plan.h"
#include "models/opgraph.h"

enum train_link { LINK_OUT, LINK_IN, NVLINK_OUT, NVLINK_IN, N_TRAIN_LINKS };

struct train_links {
    const struct train_plan *plan;
    const struct train_network *network;
    uint32_t (*resource)[N_TRAIN_LINKS]; /* [column * ranks + rank] */
};

/* NULL, or why single links have to be followed. */
const char *train_links_misfit(const struct train_plan *plan, const struct train_network *network);
void train_links_open(const struct train_plan *plan, const struct train_network *network, uint32_t columns,
                      struct opgraph *graph, struct arena *arena, struct train_links *out);

struct train_end { /* a group */
    uint32_t column, rank;
};

/* Fills source, destination, resources and the path's latency. Between pipeline ranks of a column, as the places of the
 * two are. Within a node, from each GPU to a neighbour. To the GPU at the same place of another node, which `to` stands for
 * and `real` is one of: over NICs. */
void train_links_route(const struct train_links *l, struct train_end from, struct train_end to, struct transfer *t);
void train_links_within(const struct train_links *l, struct train_end from, struct train_end to, struct transfer *t);
void train_links_away(const struct train_links *l, struct train_end from, struct train_end to, struct train_end real,
                      struct transfer *t);

#endif
