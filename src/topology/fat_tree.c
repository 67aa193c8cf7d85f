#include "topology/fat_tree.h"

#include <math.h>
#include <stdio.h>

static const struct cfg_field keys_fields[] = {FAT_TREE_KEYS(0), {0}};
const struct cfg_table fat_tree_keys_table = {"fat_tree", "fat trees", sizeof(struct fat_tree_keys), keys_fields};

static double oversubscription_ratio(const struct cluster_hw *hw)
{
    struct fat_tree_keys keys;
    topo_keys_read(hw, &fat_tree_keys_table, &keys);
    return keys.oversubscription_ratio;
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

/* Nobody writes 2.047619...: a ratio this near to one that ports can have is that one. */
static const double ratio_tolerance = 1e-3;
/* Of a leaf's ports may stay empty for the ratio's sake, one of so many: 64 ports at 2 to 1 are built with 42 and 21. */
enum { EMPTY_OF = 16 };

static double ratio_with(uint32_t ports, uint32_t up)
{
    return up ? (double)(ports - up) / up : INFINITY;
}

/* The most of both that have the ratio; 0 and 0 when too many ports would stay empty. */
static struct leaf_ports whole_ports(uint32_t ports, double ratio)
{
    for (uint32_t up = (uint32_t)lround(ports / (1 + ratio)); up > 0; up--) {
        uint32_t down = (uint32_t)lround(up * ratio);
        if (down + up + ports / EMPTY_OF < ports)
            break;
        if (down + up <= ports && fabs((double)down / up / ratio - 1) <= ratio_tolerance)
            return (struct leaf_ports){up, down};
    }
    return (struct leaf_ports){0, 0};
}

static int refuse_ratio(const struct cluster_hw *hw, uint32_t ports, double ratio, struct diag *diag)
{
    uint32_t less = (uint32_t)(ports / (1 + ratio)); /* uplinks; one more is a ratio below */
    less = less ? less : 1;
    const double above = ratio_with(ports, less), below = ratio_with(ports, less + 1);
    const char *also = below >= 1 ? " or " : "";
    char lower[64] = "";
    if (below >= 1)
        snprintf(lower, sizeof lower, "%.6g (%u down, %u up)", below, ports - less - 1, less + 1);
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "oversubscription"),
               "the %u ports of a leaf cannot be divided %g to 1 into downlinks and uplinks, not even if one of %d "
               "stays empty; the nearest values of cluster.network.oversubscription are %.6g (%u down, %u up)%s%s",
               ports, ratio, EMPTY_OF, above, ports - less, less, also, lower);
    return -1;
}

int fat_tree_ports(const struct cluster_hw *hw, struct leaf_ports *out, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    double ratio = oversubscription_ratio(hw);
    *out = whole_ports(ports, ratio);
    if (!out->up)
        return refuse_ratio(hw, ports, ratio, diag);
    uint32_t empty = ports - out->up - out->down;
    if (empty)
        diag_warning(diag, topo_keys_where(hw, "oversubscription"),
                     "of the %u ports of a leaf %u %s empty: %u are downlinks and %u uplinks, %g to 1 "
                     "(cluster.network.oversubscription)",
                     ports, empty, empty > 1 ? "stay" : "stays", out->down, out->up, ratio);
    return 0;
}

int fat_tree_plan(const struct cluster_hw *hw, uint32_t groups, uint32_t n, struct fat_tree *out, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    if (groups == 1 && n <= ports) {
        *out = (struct fat_tree){.leaves = 1, .down = ports};
        return 0;
    }
    struct leaf_ports leaf;
    if (fat_tree_ports(hw, &leaf, diag))
        return -1;
    uint32_t up = leaf.up, down = leaf.down, leaves = groups * ceil_div(n, down);
    /* a spine has one port for each cable that ends at it */
    uint32_t spines = ceil_div(leaves * up, ports);
    while (spines <= up && leaves * ceil_div(up, spines) > ports)
        spines++;
    if (leaves > ports || spines > up) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "%u endpoints need more than two levels of %u-port switches (%u leaves, at "
                   "most %u); use fewer nodes or more ports (cluster.network.switch_ports)",
                   groups * n, ports, leaves, ports);
        return -1;
    }
    *out = (struct fat_tree){leaves, spines, up, down};
    return 0;
}

uint32_t fat_tree_cables(const struct fat_tree *t)
{
    return t->leaves * t->up;
}

void fat_tree_warn_single(const struct cluster_hw *hw, uint32_t per_node, uint32_t most, struct diag *diag)
{
    uint64_t n = (uint64_t)hw->nodes * per_node;
    if (n > most || oversubscription_ratio(hw) == 1 || !topo_keys_are_own(hw, "oversubscription"))
        return;
    diag_warning(
        diag, topo_keys_where(hw, "oversubscription"),
        "cluster.network.oversubscription has no effect: one switch holds all %llu endpoints of a tree, and has "
        "no uplinks; there are some from %u nodes on (cluster.nodes), or with fewer than %llu ports "
        "(cluster.network.switch_ports)",
        (unsigned long long)n, most / per_node + 1, (unsigned long long)n);
}
