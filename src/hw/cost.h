/* What the parts of a cluster cost and draw, for dollars and energy of what it does (kinds/cost.c). */
#ifndef MOESIM_HW_COST_H
#define MOESIM_HW_COST_H

#include "base/cfg.h"

struct hw_cost {
    double gpu_USD, node_USD; /* a node: everything but its GPUs and network adapters */
    double nic_USD, switch_port_USD;
    double optical_cable_USD, copper_cable_USD; /* between switches, with the modules at both ends */
    double endpoint_cable_USD;                  /* NIC to switch */
    double port_Bps;                            /* of the ports and NICs that the prices are of; 0: not said */
    double lifetime_s;                          /* over which what was paid is spread, evenly */
    double electricity_USD;                     /* a kWh */
    double pue_ratio;                           /* what the site draws over what the machines draw */
    /* A GPU: idle, and more while memory, or the tensor cores, are what a kernel waits for; never above the limit. */
    double idle_W, memory_W, tensor_W, limit_W;
    double node_W, nic_W, switch_port_W, cable_W; /* at any load; an optical cable: both its modules */
};

extern const struct cfg_table hw_cost_table;

#endif
