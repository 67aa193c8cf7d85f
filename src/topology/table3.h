/* Table 3 of the paper: five networks of 64-port switches, counted in closed form and priced from one
 * list. The paper's values stand beside ours. */
#ifndef MOESIM_TOPOLOGY_TABLE3_H
#define MOESIM_TOPOLOGY_TABLE3_H

#include "topology/cost.h"

enum { TABLE3_COLUMNS = 5, TABLE3_REMARKS = 6 };

struct table3_paper {
    uint64_t endpoints, switches, links;
    double cost_USD, per_endpoint_USD; /* printed as whole millions and rounded thousands */
};

struct table3_column {
    const char *name, *topology; /* "SF", "slim_fly" */
    struct table3_paper paper;
    struct topo_counts counts;
    struct topo_cost cost;
    bool counts_equal;
    double cost_error_ratio;            /* ours over the paper's - 1 */
    double per_endpoint_of_rounded_USD; /* the paper's own whole millions over its endpoints */
};

struct table3 {
    struct table3_column columns[TABLE3_COLUMNS];
    const char *remarks[TABLE3_REMARKS];
    bool holds; /* counts exact and every cost within 1 % */
};

/* The networks take GPUs per node and the rest from hw; 0 or -1. */
int table3_compute(const struct cluster_hw *hw, const struct cost_prices *prices, struct table3 *out,
                   struct diag *diag);

#endif
