#include "topology/fat_tree.h"

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

int fat_tree_plan(const struct cluster_hw *hw, uint32_t groups, uint32_t n,
                  struct fat_tree *out, struct diag *diag)
{
    uint32_t ports = (uint32_t)hw->network.switch_ports;
    if (groups == 1 && n <= ports) {
        *out = (struct fat_tree){.leaves = 1, .down = ports};
        return 0;
    }
    uint32_t up = (uint32_t)((double)ports / (1 + hw->network.oversubscription_ratio));
    up = up ? up : 1;
    uint32_t down = ports - up, leaves = groups * ceil_div(n, down ? down : 1);
    /* a spine has one port for each cable that ends at it */
    uint32_t spines = ceil_div(leaves * up, ports);
    while (spines <= up && leaves * ceil_div(up, spines) > ports)
        spines++;
    if (!down || leaves > ports || spines > up) {
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
