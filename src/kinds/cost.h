/* Dollars and energy of what a run does: per token, and of a whole training. */
#ifndef MOESIM_KINDS_COST_H
#define MOESIM_KINDS_COST_H

#include "io/kind.h"

/* Adds what run->use and cluster.cost say to the result: metrics and a table of parts. Nothing where the kind has not said
 * how the cluster is used, or nothing is known of prices and power. */
void kind_cost_add(struct kind_run *run);

/* The whole cluster: GPUs, nodes and network, by cluster.cost. NaN where prices of GPUs or the network's parts are not
 * known. */
double kind_cluster_USD(const struct cluster_hw *hw);

#endif
