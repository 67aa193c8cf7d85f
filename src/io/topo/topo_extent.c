/* What a network is made of: rates of its cables, and whether prices are of such. */
#include <math.h>
#include <stdio.h>

#include "io/topo/topo_writers.h"

struct net_extent topo_extent(const struct topo_report *r)
{
    const struct cluster_hw *hw = r->cluster->hw;
    double port_Bps = hw->network.port_Bps, nic_Bps = hw->nic.bandwidth_Bps;
    if (r->type->keys != &net_file_keys)
        return (struct net_extent){0, 0, port_Bps, port_Bps, nic_Bps, nic_Bps};
    struct diag *diag = diag_new(); /* it was read before, and its errors told */
    struct net_file *f = net_file_read(hw, r->arena, diag);
    diag_free(diag);
    return f ? net_file_extent(f, port_Bps, r->arena) : (struct net_extent){0};
}

static bool differs(double Bps, double of_Bps)
{
    return Bps > 0 && fabs(Bps - of_Bps) > 1e-6 * of_Bps;
}

static const char *rate(double Bps, char *buf)
{
    snprintf(buf, 32, "%.6g Gb/s", Bps * 8 / 1e9);
    return buf;
}

static const char *rates(double least_Bps, double most_Bps, struct arena *a)
{
    char least[32], most[32];
    if (least_Bps == most_Bps)
        return arena_printf(a, "%s", rate(least_Bps, least));
    return arena_printf(a, "%s to %s", rate(least_Bps, least), rate(most_Bps, most));
}

const char *topo_cost_note(const struct topo_report *r)
{
    double of_Bps = r->cost->port_Bps;
    struct net_extent e = topo_extent(r);
    char of[32];
    if (of_Bps <= 0 || r->cost->total_USD <= 0 ||
        !(differs(e.least_cable_Bps, of_Bps) || differs(e.most_cable_Bps, of_Bps) || differs(e.least_nic_Bps, of_Bps) ||
          differs(e.most_nic_Bps, of_Bps)))
        return NULL;
    return arena_printf(
        r->arena,
        "these prices are of ports of %s and are not scaled: ports between switches have %s here, NICs %s; "
        "cluster_cost of 'moesim run' and 'moesim search' follows bandwidth (cluster.cost)",
        rate(of_Bps, of), rates(e.least_cable_Bps, e.most_cable_Bps, r->arena),
        rates(e.least_nic_Bps, e.most_nic_Bps, r->arena));
}
