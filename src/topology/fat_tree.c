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

static double ratio_with(uint32_t ports, uint32_t up)
{
    return up ? (double)(ports - up) / up : INFINITY;
}

/* Uplinks that give the ratio, or 0. */
static uint32_t whole_uplinks(uint32_t ports, double ratio)
{
    uint32_t up = (uint32_t)lround(ports / (1 + ratio));
    return fabs(ratio_with(ports, up) / ratio - 1) <= ratio_tolerance ? up : 0;
}

/* The next number of ports above (step 1) or below (-1) that can be divided so; 0 when none is near. */
static uint32_t next_ports(uint32_t ports, int step, double ratio)
{
    for (int64_t p = ports + step; p > 1 && p < 2 * (int64_t)ports; p += step)
        if (whole_uplinks((uint32_t)p, ratio))
            return (uint32_t)p;
    return 0;
}

static const char *choice(uint32_t ports, char *buf, size_t size)
{
    snprintf(buf, size, "%u", ports);
    return ports ? buf : "";
}

int fat_tree_uplinks(const struct cluster_hw *hw, uint32_t *up, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    double ratio = oversubscription_ratio(hw);
    char fewer[16], more[16];
    *up = whole_uplinks(ports, ratio);
    if (*up)
        return 0;
    uint32_t below = next_ports(ports, -1, ratio), above = next_ports(ports, 1, ratio);
    uint32_t least = (uint32_t)(ports / (1 + ratio)); /* fewer uplinks: a ratio that is allowed */
    least = least ? least : 1;
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "oversubscription"),
               "the %u ports of a leaf cannot be divided %g to 1 into downlinks and uplinks; set "
               "cluster.network.switch_ports to %s%s%s, or cluster.network.oversubscription to %.6g (%u down, "
               "%u up)",
               ports, ratio, choice(below, fewer, sizeof fewer), below && above ? " or " : "",
               choice(above, more, sizeof more), ratio_with(ports, least), ports - least, least);
    return -1;
}

int fat_tree_plan(const struct cluster_hw *hw, uint32_t groups, uint32_t n, struct fat_tree *out, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    if (groups == 1 && n <= ports) {
        *out = (struct fat_tree){.leaves = 1, .down = ports};
        return 0;
    }
    uint32_t up;
    if (fat_tree_uplinks(hw, &up, diag))
        return -1;
    uint32_t down = ports - up, leaves = groups * ceil_div(n, down);
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
