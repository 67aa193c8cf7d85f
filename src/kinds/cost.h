/* Dollars and energy of what a run does: per token, and of a whole training. */
#ifndef MOESIM_KINDS_COST_H
#define MOESIM_KINDS_COST_H

#include "io/kind.h"

/* Adds what run->use and cluster.cost say to the result: metrics and a table of parts. Nothing where the kind has not said
 * how the cluster is used, or nothing is known of prices and power. Costs are left out, and a note says so, where a price is
 * missing. */
void kind_cost_add(struct kind_run *run);

/* The whole cluster: GPUs, nodes and network, by cluster.cost. NaN where any of what there is has no price, or the number of nodes
 * is not said. */
double kind_cluster_USD(const struct cluster_hw *hw);

/* Why a metric of costs is not known, with the key to set: "there is no price of NICs (cluster.cost.nic); add ..."; "" where it is
 * no such metric, or lacks something else. Constant or in the run's arena. */
const char *kind_cost_lacks(const struct kind_run *run, const char *metric);

#endif
