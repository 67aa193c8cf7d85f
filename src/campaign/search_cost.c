#include "campaign/search_cost.h"

#include <math.h>

#include "base/data_find.h"
#include "topology/cost.h"

static bool load_prices(struct cfg *prices, struct arena *arena, struct diag *diag)
{
    const char *path = data_find("configs/prices.yaml", NULL, arena);
    size_t before = diag_count(diag);
    if (path && !cfg_load_file(prices, path, "", true, NULL, diag))
        cfg_finish(prices, diag);
    return path && diag_count(diag) == before;
}

double search_network_cost(const struct cluster_hw *hw)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    const struct topology_type *type = topology_find(hw->topology);
    struct cfg *prices = cfg_new(&cost_prices_table, arena);
    struct topo_counts counts = {0};
    struct topo_cost cost = {.total_USD = NAN};
    if (type && hw->nodes && load_prices(prices, arena, diag) && !type->count(hw, &counts, diag))
        topo_cost(&counts, hw, cfg_struct(prices), &cost);
    diag_free(diag);
    arena_free(arena);
    return cost.total_USD;
}
