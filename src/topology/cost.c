#include "topology/cost.h"

#include "base/cfg_rows.h"
#include "hw/cluster.h"

static const struct cfg_field prices_fields[] = {
    ROW_AMOUNT(cost_prices, "switch", switch_USD, DIM_MONEY, NULL, 0, 1e9, "a switch, beside its ports"),
    ROW_AMOUNT(cost_prices, "switch_port", switch_port_USD, DIM_MONEY, NULL, 0, 1e9,
               "one port of a switch, in use or not"),
    ROW_AMOUNT(cost_prices, "optical_cable", optical_cable_USD, DIM_MONEY, NULL, 0, 1e9,
               "cable between switches, or between GPUs where there are none"),
    ROW_AMOUNT(cost_prices, "copper_cable", copper_cable_USD, DIM_MONEY, NULL, 0, 1e9,
               "cable between switches that stand together (dragonfly: within a group)"),
    ROW_AMOUNT(cost_prices, "endpoint_cable", endpoint_cable_USD, DIM_MONEY, NULL, 0, 1e9,
               "cable between a NIC and its switch"),
    ROW_AMOUNT(cost_prices, "nic", nic_USD, DIM_MONEY, NULL, 0, 1e9, "network adapter; 0 leaves NICs out"),
    ROW_AMOUNT(cost_prices, "port_bandwidth", port_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e13,
               "of the ports, cables and NICs that these prices are of; 0: not known"),
    {0}};
const struct cfg_table cost_prices_table = {"prices", "what the parts of a network cost", sizeof(struct cost_prices),
                                            prices_fields};

void topo_cost(const struct topo_counts *counts, const struct cluster_hw *hw, const struct cost_prices *p,
               struct topo_cost *out)
{
    double switch_USD = p->switch_USD + p->switch_port_USD * (double)hw->network.switch_ports;
    *out =
        (struct topo_cost){.port_Bps = p->port_Bps,
                           .items = {{"switches", counts->switches, switch_USD, 0},
                                     {"optical cables", counts->links - counts->short_links, p->optical_cable_USD, 0},
                                     {"copper cables", counts->short_links, p->copper_cable_USD, 0},
                                     {"endpoint cables", topo_nic_cables(counts), p->endpoint_cable_USD, 0},
                                     {"NICs", counts->switches ? counts->endpoints : 0, p->nic_USD, 0}}};
    for (int i = 0; i < COST_ITEMS; i++) {
        struct cost_item *item = &out->items[i];
        item->sum_USD = (double)item->count * item->each_USD;
        out->total_USD += item->sum_USD;
    }
    out->per_endpoint_USD = counts->endpoints ? out->total_USD / (double)counts->endpoints : 0;
}
