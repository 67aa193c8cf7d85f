/* What the network of a scenario costs, as `moesim topo --cost` counts it: an objective or a condition of a search. */
#ifndef MOESIM_CAMPAIGN_SEARCH_COST_H
#define MOESIM_CAMPAIGN_SEARCH_COST_H

#include "hw/cluster.h"

#define SEARCH_NETWORK_COST "network_cost"

#define SEARCH_CLUSTER_COST "cluster_cost"

/* USD, by configs/prices.yaml; NaN where that cannot be said: no such list, a network that is not counted, no number of nodes. */
double search_network_cost(const struct cluster_hw *hw);

#endif
