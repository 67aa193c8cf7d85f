/* Kind reliability: from failure rates to goodput (paper 6.1), in closed form and by Monte Carlo (kinds/reliability/reliability.c).
 * Nothing is simulated on the network: what a step costs while a link is out is a key. */
#include <math.h>

#include "base/progress.h"
#include "base/stats.h"
#include "kinds/reliability/reliability.h"
#include "kinds/estimate.h"
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"

static const double DAY_S = 86400;

static struct reliability job_of(const struct scenario *s, uint32_t gpus)
{
    struct reliability r;
    int64_t nodes = gpus / s->cluster.node.gpus;
    reliability_init(&r, &s->cluster.failures, reliability_cfg(s), gpus, nodes, nodes * s->cluster.nic.per_node);
    return r;
}

/* Events of all replicas of all sizes: two phases a checkpoint, two a failure. */
static struct estimate_of events_of(const struct scenario *s, const uint32_t *gpus, uint32_t n)
{
    const struct reliability_cfg *c = reliability_cfg(s);
    double events = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct reliability r = job_of(s, gpus[i]);
        double Hz = 2 * (1 / (r.interval_s + c->write_s) + r.silent_Hz + r.flap_Hz + r.hard_Hz);
        for (int k = 0; k < N_CRASHES; k++)
            Hz += 2 * r.crash_Hz[k];
        events += (double)c->replicas * c->horizon_s * Hz;
    }
    return (struct estimate_of){"events", events, 1.2e7, "reliability",
                                "lower reliability.replicas or horizon, or write fewer checkpoints (interval, write)"};
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct reliability_cfg *c = reliability_cfg(file->scenario);
    const struct hw_failures *hw = &file->scenario->cluster.failures;
    uint32_t *gpus, n;
    if (!list_gpus(file, "reliability.gpus", c->gpus, arena, &gpus, &n, diag)) {
        struct estimate_of events = events_of(file->scenario, gpus, n);
        estimate_check(file, &events, diag);
    }
    if (c->interval_s > c->horizon_s)
        REPORT("reliability.interval", "no checkpoint is written in the horizon (reliability.horizon)");
    if (c->detection == SDC_REDUNDANCY && c->overhead_ratio < 1)
        REPORT("reliability.overhead",
               "redundancy computes everything twice, which takes 100 %% more time at least, not "
               "%g %%; write 'overhead: 100 %%'",
               100 * c->overhead_ratio);
    if (hw->break_s < hw->retry_s)
        REPORT("cluster.failures.break", "a connection breaks (cluster.failures.break) before its first retry "
                                         "(cluster.failures.retry)");
    if (hw->failover && hw->failover_s > hw->break_s)
        REPORT("cluster.failures.failover_time",
               "connections break (cluster.failures.break) before the other way is taken");
}

/* --- one size of the job ---------------------------------------------------------------------------------- */

struct estimate {
    struct stats goodput;
    double ci95;
    struct reliability_account mean;
};

static void add_account(struct reliability_account *sum, const struct reliability_account *a)
{
    sum->useful_s += a->useful_s;
    sum->checks_s += a->checks_s;
    sum->degraded_s += a->degraded_s;
    sum->checkpoints_s += a->checkpoints_s;
    sum->stalls_s += a->stalls_s;
    sum->restarts_s += a->restarts_s;
    sum->lost_s += a->lost_s;
    sum->corrupted_s += a->corrupted_s;
    sum->total_s += a->total_s;
    sum->stops += a->stops;
    sum->flaps += a->flaps;
    sum->corruptions += a->corruptions;
}

static void estimate(const struct kind_run *run, const struct reliability *r, struct estimate *e)
{
    size_t n = (size_t)r->cfg->replicas;
    double *goodput = ARENA_ARRAY(run->arena, double, n);
    *e = (struct estimate){0};
    for (size_t i = 0; i < n; i++) {
        struct reliability_account a;
        reliability_simulate(r, (uint64_t)run->file->scenario->sim.seed, i, &a);
        goodput[i] = a.useful_s / a.total_s;
        add_account(&e->mean, &a);
        progress_tick(NULL);
    }
    e->goodput = stats_of(goodput, n);
    e->ci95 = stats_ci95(&e->goodput);
}

/* --- result ----------------------------------------------------------------------------------------------- */

enum {
    COL_GPUS,
    COL_MTBF,
    COL_YOUNG,
    COL_DALY,
    COL_INTERVAL,
    COL_CLOSED,
    COL_GOODPUT,
    COL_CI,
    COL_DIFFERENCE,
    COL_STOPS,
    COL_FLAPS,
    COL_CORRUPTIONS,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"gpus", DIM_COUNT, "of the job", false},
    {"mtbf", DIM_TIME, "between stops: crashes, caught corruption, flaps that break connections", false},
    {"young", DIM_TIME, "optimal interval between checkpoints: sqrt(2 write mtbf)", false},
    {"daly", DIM_TIME, "the same with Daly's further terms", false},
    {"interval", DIM_TIME, "that is used", false},
    {"closed_form", DIM_RATIO, "goodput: useful time over all", false},
    {"goodput", DIM_RATIO, "the same by Monte Carlo, mean of replicas", false},
    {"ci95", DIM_RATIO, "half the 95 % confidence interval of that mean", false},
    {"difference", DIM_RATIO, "closed form less Monte Carlo", false},
    {"stops", DIM_RATIO, "a day", false},
    {"flaps", DIM_RATIO, "a day, of all links", false},
    {"corruptions", DIM_RATIO, "a day, not caught", false},
};

static void fill_row(struct result_table *t, int64_t gpus, const struct reliability *r, const struct estimate *e)
{
    struct result_cell *row = result_add_row(t);
    double days = e->mean.total_s / DAY_S;
    row[COL_GPUS].value = (double)gpus;
    row[COL_MTBF].value = 1 / reliability_stop_Hz(r);
    row[COL_YOUNG].value = reliability_young_s(r);
    row[COL_DALY].value = reliability_daly_s(r);
    row[COL_INTERVAL].value = r->interval_s;
    row[COL_CLOSED].value = reliability_goodput(r);
    row[COL_GOODPUT].value = e->goodput.mean;
    row[COL_CI].value = e->ci95;
    row[COL_DIFFERENCE].value = row[COL_CLOSED].value - e->goodput.mean;
    row[COL_STOPS].value = (double)e->mean.stops / days;
    row[COL_FLAPS].value = (double)e->mean.flaps / days;
    row[COL_CORRUPTIONS].value = (double)e->mean.corruptions / days;
}

enum { COL_WHAT, COL_SHARE, COL_MEANING, N_SHARE_COL };
static const struct result_column share_columns[N_SHARE_COL] = {
    {"what", DIM_COUNT, "what the time goes to, mean of replicas", true},
    {"share", DIM_RATIO, "of all time", false},
    {"meaning", DIM_COUNT, "in words", true},
};

static void add_shares(struct kind_run *run, const struct reliability_account *a)
{
    const struct {
        const char *what, *meaning;
        double time_s;
    } parts[] = {
        {"useful", "work that lasts", a->useful_s},
        {"checks", "checksums or redundancy", a->checks_s},
        {"degraded", "slower steps while a link is out", a->degraded_s},
        {"checkpoints", "training stands still for them", a->checkpoints_s},
        {"stalls", "links away", a->stalls_s},
        {"restarts", "detection and restart", a->restarts_s},
        {"lost", "work since the last checkpoint, done again", a->lost_s},
        {"corrupted", "work on a corrupted model, done again", a->corrupted_s},
    };
    uint32_t n = sizeof parts / sizeof *parts;
    struct result_table *t = result_add_table(&run->result, run->arena, "time", "where the time goes, first size",
                                              share_columns, N_SHARE_COL, n);
    for (uint32_t i = 0; i < n; i++) {
        struct result_cell *row = result_add_row(t);
        row[COL_WHAT].text = parts[i].what;
        row[COL_SHARE].value = parts[i].time_s / a->total_s;
        row[COL_MEANING].text = parts[i].meaning;
        if (run->critical && i > 0) /* of what is lost */
            critical_path_note(run->critical, parts[i].what, parts[i].time_s, run->arena);
    }
}

static void add_metrics(struct kind_run *run, const struct reliability *r, const struct estimate *e)
{
    static const char *const kinds[N_CRASHES] = {"GPU", "host", "software", "link"};
    struct result *res = &run->result;
    double closed = reliability_goodput(r);
    struct result_metric *m = result_add_metric(res, run->arena, "goodput", e->goodput.mean, DIM_RATIO,
                                                "share of time in which work is done that lasts (Monte Carlo)",
                                                "useful time / all time, mean over replicas");
    result_add_metric(res, run->arena, "goodput_closed_form", closed, DIM_RATIO, "the same in closed form",
                      "interval / (time of a segment with its failures and restarts), less undetected corruption");
    result_add_metric(res, run->arena, "closed_form_error", fabs(closed / e->goodput.mean - 1), DIM_RATIO,
                      "how far the two are apart", "|goodput_closed_form / goodput - 1|");
    m = result_add_metric(res, run->arena, "mtbf", 1 / reliability_stop_Hz(r), DIM_TIME, "mean time between stops",
                          "1 / sum of rates");
    for (int i = 0; i < N_CRASHES; i++)
        if (r->crash_Hz[i] > 0)
            result_add_input(m, run->arena, arena_printf(run->arena, "between stops by %s", kinds[i]),
                             1 / r->crash_Hz[i], DIM_TIME, "cluster.failures");
    result_add_metric(res, run->arena, "interval_daly", reliability_daly_s(r), DIM_TIME,
                      "optimal useful work between checkpoints", "Daly 2006");
    result_add_metric(res, run->arena, "stalls_per_day", e->mean.stalls_s / e->mean.total_s * DAY_S, DIM_TIME,
                      "waiting for links", "sum of stalls / days");
    result_add_metric(res, run->arena, "silent_interval", 1 / r->silent_Hz, DIM_TIME,
                      "mean time between silent corruptions, caught or not", "1 / rate of all GPUs");
    result_add_metric(res, run->arena, "corrupted_share", e->mean.corrupted_s / e->mean.total_s, DIM_RATIO,
                      "time spent on a corrupted model", "corrupted / all");
}

static int run_reliability(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct reliability_account first = {0};
    uint32_t *gpus, n;
    if (list_gpus(run->file, "reliability.gpus", reliability_cfg(sc)->gpus, run->arena, &gpus, &n, diag))
        return -1;
    run->result.kind = "reliability";
    run->result.setting = arena_printf(run->arena,
                                       "a job that stops when one of its %s does; nothing is simulated on "
                                       "the network",
                                       sc->cluster.chip.name);
    struct result_table *t =
        result_add_table(&run->result, run->arena, "sizes", "goodput by the size of the job", columns, N_COL, n);
    struct estimate_of events = events_of(sc, gpus, n);
    estimate_begin("simulating", &events, run->arena);
    for (uint32_t i = 0; i < n; i++) {
        struct reliability r = job_of(sc, gpus[i]);
        struct estimate e;
        estimate(run, &r, &e);
        fill_row(t, gpus[i], &r, &e);
        if (i)
            continue;
        add_metrics(run, &r, &e);
        first = e.mean;
    }
    add_shares(run, &first);
    progress_end();
    result_add_note(&run->result, run->arena,
                    "rates are of Llama 3's 54 days on 16,384 H100; lengths and rates of flaps, time until corruption "
                    "is noticed, and what checks cost are assumptions: no source gives them");
    return 0;
}

static bool has_gpus(const struct scenario *s)
{
    return list_is_cluster(reliability_cfg(s)->gpus, s);
}

const struct scenario_kind kind_reliability = {
    .name = "reliability",
    .doc = "goodput of a long job under failures, flaps and silent corruption",
    .ref = "6.1",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys,
                                          .only = "nodes chip.name chip.basis node.gpus nic.per_node failures"},
                                         {.keys = &sim_keys, .only = "seed"},
                                         {.keys = &reliability_keys},
                                         {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.nodes", .condition = "reliability.gpus=", .agrees = has_gpus},
            {.keys = "cluster.failures.repair", .condition = "cluster.failures.failover=true reliability.slower>0"},
            {.keys = "cluster.failures.failover_time", .condition = "cluster.failures.failover=true"},
            {.keys = "cluster.failures.retry",
             .condition = "cluster.failures.failover=false cluster.failures.link_retry=false"},
            {.keys = "cluster.failures.break cluster.failures.flap_length cluster.failures.link_retry",
             .condition = "cluster.failures.failover=false"},
            {0}},
    .check = check,
    .run = run_reliability,
};
