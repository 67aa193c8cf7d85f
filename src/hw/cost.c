#include "hw/cost.h"

#include "base/cfg_rows.h"

#define PRICE(key, member, doc) ROW_AMOUNT(hw_cost, key, member, DIM_MONEY, "0 USD", 0, 1e9, doc "; 0 USD: not known")
#define POWER(key, member, doc) ROW_AMOUNT(hw_cost, key, member, DIM_POWER, "0 W", 0, 1e6, doc)

static const struct cfg_field fields[] = {
    PRICE("gpu", gpu_USD, "a GPU"),
    PRICE("node", node_USD, "a node without GPUs and network adapters"),
    PRICE("nic", nic_USD, "a network adapter"),
    PRICE("switch_port", switch_port_USD, "a port of a switch, in use or not"),
    PRICE("optical_cable", optical_cable_USD, "a cable between switches with its modules"),
    PRICE("copper_cable", copper_cable_USD, "a cable between switches that stand together"),
    PRICE("endpoint_cable", endpoint_cable_USD, "a cable between NIC and switch, with its modules"),
    ROW_AMOUNT(
        hw_cost, "port_bandwidth", port_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e13,
        "of the ports and adapters that prices and powers are of: others cost in proportion; 0: any cost the same"),
    ROW_AMOUNT(hw_cost, "lifetime", lifetime_s, DIM_TIME, "1461 d", 3600, 1e10,
               "over which the hardware is paid off, evenly (assumption: four years)"),
    ROW_AMOUNT(hw_cost, "electricity", electricity_USD, DIM_MONEY, "0.08 USD", 0, 100,
               "a kWh (assumption: what industry pays in the United States)"),
    ROW_RATIO(hw_cost, "pue", pue_ratio, "1.2", 1, 10,
              "power of the site over that of its machines (assumption: a site of today)"),
    POWER("gpu_idle", idle_W, "a GPU that waits"),
    POWER("gpu_memory", memory_W, "what it draws more while kernels wait for its memory"),
    POWER("gpu_tensor", tensor_W, "what it draws more while kernels wait for its tensor cores"),
    POWER("gpu_limit", limit_W, "a GPU at most; 0 W: power and energy are not told"),
    POWER("node_power", node_W, "a node beside its GPUs and adapters: CPUs, memory, NVLink switches, fans"),
    POWER("nic_power", nic_W, "a network adapter"),
    POWER("switch_port_power", switch_port_W, "a switch, over its ports"),
    POWER("cable_power", cable_W, "both modules of an optical cable"),
    {0}};
const struct cfg_table hw_cost_table = {"cost", "what the parts of the cluster cost and draw", sizeof(struct hw_cost),
                                        fields};
