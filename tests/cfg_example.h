/* A scenario-like nested table that the tests and the fuzzer of the config tables
 * share. */
#ifndef MOESIM_TESTS_CFG_EXAMPLE_H
#define MOESIM_TESTS_CFG_EXAMPLE_H

#include <math.h>
#include <stdint.h>

#include "base/cfg.h"

struct ex_nic {
    double bandwidth_Bps, latency_s, mtu_B, efficiency_ratio;
    int64_t per_node;
};

struct ex_network {
    int kind;
    double cable_m, switch_price_USD, port_power_W;
};

struct ex_cluster {
    int64_t nodes;
    double peak_flops;
    struct ex_nic nic;
    struct ex_network network;
};

struct ex_scenario {
    const char *name, *comment;
    bool checked;
    double work_flop, slots_count, clock_Hz, bit_J;
    struct ex_cluster cluster;
};

static const char *const ex_network_kinds[] = {"bound", "flow", "cm02", NULL};

#define EX_FIELD(type_, struct_, name_, member_) \
    .name = name_, .type = type_, .offset = offsetof(struct struct_, member_)

static const struct cfg_field ex_nic_fields[] = {
    {EX_FIELD(CFG_QUANTITY, ex_nic, "bandwidth", bandwidth_Bps), .dim = DIM_BANDWIDTH, .min = 1, .max = 1e13,
     .doc = "one direction, line rate"},
    {EX_FIELD(CFG_QUANTITY, ex_nic, "latency", latency_s), .dim = DIM_TIME, .dflt = "3.7 us", .min = 0, .max = 1,
     .doc = "one side"},
    {EX_FIELD(CFG_QUANTITY, ex_nic, "mtu", mtu_B), .dim = DIM_BYTES, .dflt = "4 KiB", .min = 1, .max = INFINITY,
     .doc = "payload of a packet"},
    {EX_FIELD(CFG_QUANTITY, ex_nic, "efficiency", efficiency_ratio), .dim = DIM_RATIO, .dflt = "90 %", .min = 0,
     .max = 1, .doc = "payload over line rate"},
    {EX_FIELD(CFG_INT, ex_nic, "per_node", per_node), .dflt = "8", .min = 1, .max = 64, .doc = "NIC g serves GPU g"},
    {0},
};

static const struct cfg_table ex_nic_table = {"nic", "network card", sizeof(struct ex_nic), ex_nic_fields};

static const struct cfg_field ex_network_fields[] = {
    {EX_FIELD(CFG_ENUM, ex_network, "kind", kind), .dflt = "flow", .choices = ex_network_kinds, .doc = "network model"},
    {EX_FIELD(CFG_QUANTITY, ex_network, "cable", cable_m), .dim = DIM_LENGTH, .dflt = "20 m", .doc = "length"},
    {EX_FIELD(CFG_QUANTITY, ex_network, "switch_price", switch_price_USD), .dim = DIM_MONEY, .dflt = "35 kUSD",
     .doc = "one switch"},
    {EX_FIELD(CFG_QUANTITY, ex_network, "port_power", port_power_W), .dim = DIM_POWER, .dflt = "15 W",
     .doc = "one port"},
    {0},
};

static const struct cfg_table ex_network_table = {"network", "between the nodes", sizeof(struct ex_network),
                                                  ex_network_fields};

static const struct cfg_field ex_cluster_fields[] = {
    {EX_FIELD(CFG_INT, ex_cluster, "nodes", nodes), .min = 1, .max = 100000, .doc = "how many nodes"},
    {EX_FIELD(CFG_QUANTITY, ex_cluster, "peak", peak_flops), .dim = DIM_FLOPS, .dflt = "989 TFLOPS",
     .doc = "dense BF16 of one chip"},
    {EX_FIELD(CFG_TABLE, ex_cluster, "nic", nic), .sub = &ex_nic_table},
    {EX_FIELD(CFG_TABLE, ex_cluster, "network", network), .sub = &ex_network_table},
    {0},
};

static const struct cfg_table ex_cluster_table = {"cluster", "the hardware", sizeof(struct ex_cluster),
                                                  ex_cluster_fields};

static const struct cfg_field ex_scenario_fields[] = {
    {EX_FIELD(CFG_STRING, ex_scenario, "name", name), .doc = "for people"},
    {EX_FIELD(CFG_STRING, ex_scenario, "comment", comment), .dflt = "", .doc = "free text"},
    {EX_FIELD(CFG_BOOL, ex_scenario, "checked", checked), .dflt = "false", .doc = "check conservation at every event"},
    {EX_FIELD(CFG_QUANTITY, ex_scenario, "work", work_flop), .dim = DIM_FLOP, .dflt = "250 GFLOP", .doc = "per token"},
    {EX_FIELD(CFG_QUANTITY, ex_scenario, "slots", slots_count), .dim = DIM_COUNT, .dflt = "4", .min = -10, .max = 1e9,
     .doc = "expert slots"},
    {EX_FIELD(CFG_QUANTITY, ex_scenario, "clock", clock_Hz), .dim = DIM_FREQUENCY, .dflt = "1.755 GHz",
     .min = -INFINITY, .max = 1e10, .doc = "boost clock"},
    {EX_FIELD(CFG_QUANTITY, ex_scenario, "bit_energy", bit_J), .dim = DIM_ENERGY, .dflt = "2 pJ",
     .doc = "per bit moved"},
    {EX_FIELD(CFG_TABLE, ex_scenario, "cluster", cluster), .sub = &ex_cluster_table},
    {0},
};

static const struct cfg_table ex_scenario_table = {"scenario", "an example scenario", sizeof(struct ex_scenario),
                                                   ex_scenario_fields};

/* A struct's padding and string addresses may differ where the values do not. */
static inline bool ex_equal(const struct ex_scenario *a, const struct ex_scenario *b)
{
    const struct ex_cluster *c = &a->cluster, *d = &b->cluster;
    return strcmp(a->name, b->name) == 0 && strcmp(a->comment, b->comment) == 0 && a->checked == b->checked &&
           a->work_flop == b->work_flop && a->slots_count == b->slots_count && a->clock_Hz == b->clock_Hz &&
           a->bit_J == b->bit_J && c->nodes == d->nodes && c->peak_flops == d->peak_flops &&
           c->nic.bandwidth_Bps == d->nic.bandwidth_Bps && c->nic.latency_s == d->nic.latency_s &&
           c->nic.mtu_B == d->nic.mtu_B && c->nic.efficiency_ratio == d->nic.efficiency_ratio &&
           c->nic.per_node == d->nic.per_node && c->network.kind == d->network.kind &&
           c->network.cable_m == d->network.cable_m && c->network.switch_price_USD == d->network.switch_price_USD &&
           c->network.port_power_W == d->network.port_power_W;
}

#endif
