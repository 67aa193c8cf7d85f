/* Closed form. Failures are Poisson; the whole job stops when one GPU does.
 *
 *   useful work W needs    s W of wall time between failures,
 *     s = (1 + overhead of checks) (1 + slower * P(a link is out)) / (1 - stalls per second)
 *   a segment of tau useful work and a checkpoint C, with stops at rate L and restarts of R (Daly 2006, eq. 13):
 *     T = e^(L R) (e^(L (s tau + C)) - 1) / L             goodput of stops = tau / T
 *   corruption that nobody catches, at rate U: noticed after N, and all since the checkpoint before it is lost:
 *     goodput = tau / T / (1 + U' (N + s tau / 2 + R))    (a renewal: work until the first, then what it costs)
 *     U' = U e^(-L R) (1 - e^-x) / x, x = L (s tau + C)   nothing is corrupted while restarting, and a stop before
 *                                                         the next checkpoint undoes the corruption
 *
 * Stops are crashes, caught corruption, and flaps longer than what the transport bears. Optima: Young sqrt(2 C M),
 * Daly's with two more terms, M = 1 / L. */
#include "kinds/reliability/reliability.h"

#include <math.h>

void reliability_init(struct reliability *r, const struct hw_failures *hw, const struct reliability_cfg *cfg,
                      int64_t gpus, int64_t nodes, int64_t links)
{
    double g = (double)gpus, n = (double)nodes, l = (double)links;
    bool checked = cfg->detection != SDC_PEOPLE;
    *r = (struct reliability){.hw = hw, .cfg = cfg};
    r->crash_Hz[CRASH_GPU] = g / hw->gpu_s;
    r->crash_Hz[CRASH_HOST] = n / hw->host_s;
    r->crash_Hz[CRASH_SOFTWARE] = n / hw->software_s;
    *(hw->failover ? &r->hard_Hz : &r->crash_Hz[CRASH_LINK]) = l / hw->link_s;
    r->silent_Hz = g / hw->silent_s;
    r->caught_ratio = checked ? cfg->coverage_ratio : 0;
    r->overhead_ratio = checked ? cfg->overhead_ratio : 0;
    r->notice_s = cfg->notice_s;
    if (cfg->test_every_s > 0) { /* a bad GPU is found by the next test, half an interval away in the mean */
        r->overhead_ratio += cfg->test_s / cfg->test_every_s;
        r->notice_s = fmin(r->notice_s, cfg->test_every_s / 2);
    }
    r->flap_Hz = l / hw->flap_s;
    r->interval_s = cfg->interval_s > 0 ? cfg->interval_s : reliability_daly_s(r);
}

/* --- flaps ------------------------------------------------------------------------------------------------ */

double reliability_flap_breaks(const struct reliability *r)
{
    return r->hw->failover ? 0 : exp(-r->hw->break_s / r->hw->flap_length_s);
}

/* A flap of length D ends for the transport with its first retry after D; link-layer retry goes on at once. */
double reliability_flap_stall_s(const struct reliability *r)
{
    const struct hw_failures *hw = r->hw;
    double mean_s = hw->flap_length_s, sum_s = 0;
    if (hw->failover)
        return hw->failover_s;
    if (hw->link_retry)
        return mean_s - (mean_s + hw->break_s) * exp(-hw->break_s / mean_s);
    for (double end_s = hw->retry_s, from_s = 0; from_s < hw->break_s; from_s = end_s, end_s += hw->retry_s)
        sum_s += end_s * (exp(-from_s / mean_s) - exp(-fmin(end_s, hw->break_s) / mean_s));
    return sum_s;
}

double reliability_stop_Hz(const struct reliability *r)
{
    double sum_Hz = r->silent_Hz * r->caught_ratio + r->flap_Hz * reliability_flap_breaks(r);
    for (int i = 0; i < N_CRASHES; i++)
        sum_Hz += r->crash_Hz[i];
    return sum_Hz;
}

/* --- checkpoints ----------------------------------------------------------------------------------------- */

double reliability_young_s(const struct reliability *r)
{
    return sqrt(2 * r->cfg->write_s / reliability_stop_Hz(r));
}

/* Daly 2006, eq. 37. */
double reliability_daly_s(const struct reliability *r)
{
    double mtbf_s = 1 / reliability_stop_Hz(r), half = r->cfg->write_s / (2 * mtbf_s);
    if (half >= 1)
        return mtbf_s;
    return reliability_young_s(r) * (1 + sqrt(half) / 3 + half / 9) - r->cfg->write_s;
}

static double slowing(const struct reliability *r)
{
    double out = 1 - exp(-r->hard_Hz * r->hw->repair_s), stalls = r->flap_Hz * reliability_flap_stall_s(r);
    if (r->hw->failover)
        stalls += r->hard_Hz * r->hw->failover_s;
    /* a second of wall time holds stalls of so much; beside long ones more may come, which then cost nothing */
    return (1 + r->overhead_ratio) * (1 + r->cfg->slower_ratio * out) * (1 + stalls);
}

/* Of all kinds of stops: caught corruption needs no detection. */
static double mean_restart_s(const struct reliability *r)
{
    double caught_Hz = r->silent_Hz * r->caught_ratio;
    return r->cfg->restart_s + r->cfg->detect_s * (1 - caught_Hz / reliability_stop_Hz(r));
}

double reliability_goodput(const struct reliability *r)
{
    double stop_Hz = reliability_stop_Hz(r), restart_s = mean_restart_s(r);
    double wall_s = slowing(r) * r->interval_s;
    double exposure = stop_Hz * (wall_s + r->cfg->write_s);
    double segment_s = exp(stop_Hz * restart_s) * expm1(exposure) / stop_Hz;
    double uncaught_Hz =
        r->silent_Hz * (1 - r->caught_ratio) * exp(-stop_Hz * restart_s) * -expm1(-exposure) / exposure;
    return r->interval_s / segment_s / (1 + uncaught_Hz * (r->notice_s + wall_s / 2 + r->cfg->restart_s));
}
