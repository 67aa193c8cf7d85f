#include "topology/cost.h"

#include "hw/cluster.h"

#define PRICE(key, member, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_MONEY, .offset = offsetof(struct cost_prices, member), .min = 0, \
        .max = 1e9, .doc = text \
    }

static const struct cfg_field prices_fields[] = {
    PRICE("switch", switch_USD, "a switch, beside its ports"),
    PRICE("switch_port", switch_port_USD, "one port of a switch, in use or not"),
    PRICE("optical_cable", optical_cable_USD, "cable between switches, or between GPUs where there are none"),
    PRICE("copper_cable", copper_cable_USD, "cable between switches that stand together (dragonfly: within a group)"),
    PRICE("endpoint_cable", endpoint_cable_USD, "cable between a NIC and its switch"),
    PRICE("nic", nic_USD, "network adapter; 0 leaves NICs out"),
    {0}};
const struct cfg_table cost_prices_table = {"prices", "what the parts of a network cost", sizeof(struct cost_prices),
                                            prices_fields};

void topo_cost(const struct topo_counts *counts, const struct cluster_hw *hw, const struct cost_prices *p,
               struct topo_cost *out)
{
    double switch_USD = p->switch_USD + p->switch_port_USD * (double)hw->network.switch_ports;
    *out =
        (struct topo_cost){.items = {{"switches", counts->switches, switch_USD, 0},
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
