/* What a network costs, by the method of the Slim Fly paper (Besta and Hoefler, SC14, section VI):
 * switches (priced by radix), cables between switches by their kind, and the cables of the endpoints;
 * the paper's Table 3 was made this way. Left out: installation, power, racks, the length of a cable,
 * and the NICs unless they are given a price. Ports of any bandwidth cost the same: whoever prints it says so where they
 * differ from what the prices are of. */
#ifndef MOESIM_TOPOLOGY_COST_H
#define MOESIM_TOPOLOGY_COST_H

#include "base/cfg.h"
#include "topology/topology.h"

struct cost_prices {
    double switch_USD, switch_port_USD; /* a switch: the first + ports * the second */
    double optical_cable_USD;           /* between switches */
    double copper_cable_USD;            /* between switches that stand together */
    double endpoint_cable_USD;          /* NIC to switch */
    double nic_USD;                     /* 0: not part of the network, as in Table 3 */
    double port_Bps;                    /* of the ports, cables and NICs that these are prices of; 0: not known */
};

extern const struct cfg_table cost_prices_table;

enum { COST_ITEMS = 5 };

struct cost_item {
    const char *name;
    uint64_t count;
    double each_USD, sum_USD;
};

struct topo_cost {
    struct cost_item items[COST_ITEMS];
    double total_USD, per_endpoint_USD;
    double port_Bps; /* that the prices are of; 0: not known */
};

void topo_cost(const struct topo_counts *counts, const struct cluster_hw *hw, const struct cost_prices *prices,
               struct topo_cost *out);

#endif
