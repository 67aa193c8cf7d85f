#include "topology/table3.h"

#include <math.h>

#include "hw/cluster.h"
#include "topology/topo_keys.h"

static const double TOLERANCE_RATIO = 0.01;

/* What the paper compares: its parameters and its printed values. */
static const struct row {
    const char *name, *topology, *keys;
    struct table3_paper paper;
} rows[TABLE3_COLUMNS] = {
    {"FT2", "ft2", "", {2048, 96, 2048, 9e6, 4.39e3}},
    {"MPFT", "mpft", "", {16384, 768, 16384, 72e6, 4.39e3}},
    {"FT3", "ft3", "", {65536, 5120, 131072, 491e6, 7.5e3}},
    {"SF", "slim_fly", "slim_fly_q=28", {32928, 1568, 32928, 146e6, 4.4e3}},
    {"DF", "dragonfly", "dragonfly_groups=511", {261632, 16352, 384272, 1522e6, 5.8e3}},
};

static const char *const remarks[TABLE3_REMARKS] = {
    "The prices are calibrated on this very table, so the cost rows are a fit, not a prediction. They "
    "are one of many equally good lists: a dearer switch with cheaper cables does as well.",
    "No single triple of prices (switch, cable, endpoint) gives all five costs: the best is 0.5 % off. "
    "A cheaper (copper) cable inside the groups of the Dragonfly closes the gap.",
    "SF is q = 28, which is no prime power: it can be counted, but no such Slim Fly can be built. Its "
    "neighbours are q = 27 (1,458 switches) and q = 29 (1,682 switches of 65 ports).",
    "DF has 511 groups; the canonical Dragonfly of these routers (a = 32, h = 16) has a h + 1 = 513 "
    "groups and 262,656 endpoints.",
    "The paper's cost per endpoint divides its costs after rounding them to whole millions; the row "
    "'of rounded' does the same. That MPFT (4.39) is below SF (4.4) is within this rounding.",
    "Links are cables between switches; cables of endpoints are priced, but not among them.",
};

static int compute_column(const struct cluster_hw *base, const struct cost_prices *prices, const struct row *row,
                          struct table3_column *out, struct diag *diag)
{
    struct cluster_hw hw = *base;
    const struct topology_type *type = topology_find(row->topology);
    if (!type) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "column %s: this build has no topology '%s' ('moesim list topologies')", row->name, row->topology);
        return -1;
    }
    *out = (struct table3_column){.name = row->name, .topology = row->topology, .paper = row->paper};
    hw.topology = row->topology;
    hw.nodes = (int64_t)row->paper.endpoints / hw.node.gpus;
    struct arena *a = arena_new();
    hw.network.topology_keys = topo_keys_with(&hw, row->keys, a);
    int failed = type->count(&hw, &out->counts, diag);
    arena_free(a);
    if (failed)
        return -1;
    topo_cost(&out->counts, &hw, prices, &out->cost);
    out->counts_equal = out->counts.endpoints == row->paper.endpoints && out->counts.switches == row->paper.switches &&
                        out->counts.links == row->paper.links;
    out->cost_error_ratio = out->cost.total_USD / row->paper.cost_USD - 1;
    out->per_endpoint_of_rounded_USD = round(out->cost.total_USD / 1e6) * 1e6 / (double)out->counts.endpoints;
    return 0;
}

int table3_compute(const struct cluster_hw *hw, const struct cost_prices *prices, struct table3 *out, struct diag *diag)
{
    *out = (struct table3){.holds = true};
    for (int i = 0; i < TABLE3_REMARKS; i++)
        out->remarks[i] = remarks[i];
    for (int i = 0; i < TABLE3_COLUMNS; i++) {
        struct table3_column *c = &out->columns[i];
        if (compute_column(hw, prices, &rows[i], c, diag))
            return -1;
        if (!c->counts_equal || fabs(c->cost_error_ratio) > TOLERANCE_RATIO)
            out->holds = false;
    }
    return 0;
}
