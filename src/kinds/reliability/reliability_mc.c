/* Monte Carlo of one job: a walk from event to event. The job runs, writes a checkpoint, stalls (a link is away) or
 * restarts. All failures are exponential, so what has not happened yet may be drawn anew at every change of phase.
 *
 *   stop        back to the last checkpoint; detect and restart; a stop while restarting starts that anew
 *   flap        while running: a stall, or a stop when it lasts too long for the transport
 *   hard link   with another way to go: a stall, then slower until it is repaired
 *   corruption  caught: a stop without detection. Otherwise the job goes on, corrupted, until people notice; then back
 *               to the last checkpoint before it. A stop that goes back behind the corruption has undone it.
 *
 * Checkpoints are kept as long as anybody may want them. */
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/progress.h"
#include "base/rng.h"
#include "kinds/reliability/reliability.h"

enum { EVENTS_A_TICK = 1000000 };

enum phase { RUNNING, WRITING, STALLED, RESTARTING };

struct walk {
    const struct reliability *r;
    struct reliability_account *a;
    gsl_rng *rng;
    enum phase phase;
    double left_s;          /* of the phase; RUNNING: until the next checkpoint */
    double work_s, saved_s; /* useful work done, and saved */
    double corrupted_at_s;  /* useful work at the first corruption; INFINITY: none */
    double notice_s;        /* until people notice */
    uint32_t out;           /* links that are gone round */
    double stop_Hz[2];      /* crashes; caught corruption */
    double breaks_ratio;
};

static double speed(const struct walk *w) /* useful work per second of running */
{
    double slower = 1 + (w->out ? w->r->cfg->slower_ratio : 0);
    return 1 / ((1 + w->r->overhead_ratio) * slower);
}

static void run_on(struct walk *w)
{
    w->phase = RUNNING;
    w->left_s = (w->saved_s + w->r->interval_s - w->work_s) / speed(w);
}

static void spend(struct walk *w, double dt_s)
{
    double useful_s = dt_s * speed(w), unchecked_s = useful_s * (1 + w->r->overhead_ratio);
    w->a->total_s += dt_s;
    w->left_s -= dt_s;
    if (w->corrupted_at_s < INFINITY)
        w->notice_s -= dt_s;
    switch (w->phase) {
    case RUNNING:
        w->work_s += useful_s;
        w->a->checks_s += unchecked_s - useful_s;
        w->a->degraded_s += dt_s - unchecked_s;
        break;
    case WRITING:
        w->a->checkpoints_s += dt_s;
        break;
    case STALLED:
        w->a->stalls_s += dt_s;
        break;
    case RESTARTING:
        w->a->restarts_s += dt_s;
        break;
    }
}

static void go_back(struct walk *w, double to_work_s, double restart_s, double *account)
{
    *account += w->work_s - to_work_s;
    w->work_s = w->saved_s = to_work_s;
    if (w->corrupted_at_s >= w->work_s) {
        w->corrupted_at_s = INFINITY;
        w->notice_s = INFINITY;
    }
    w->phase = RESTARTING;
    w->left_s = restart_s;
}

static void stop(struct walk *w, double detect_s)
{
    w->a->stops++;
    go_back(w, w->saved_s, detect_s + w->r->cfg->restart_s, &w->a->lost_s);
}

static void stall(struct walk *w, double length_s)
{
    w->phase = STALLED;
    w->left_s = length_s;
}

static void flap(struct walk *w)
{
    const struct hw_failures *hw = w->r->hw;
    double length_s = gsl_ran_exponential(w->rng, hw->flap_length_s);
    w->a->flaps++;
    if (hw->failover)
        stall(w, hw->failover_s);
    else if (length_s > hw->break_s)
        stop(w, w->r->cfg->detect_s);
    else
        stall(w, hw->link_retry ? length_s : ceil(length_s / hw->retry_s) * hw->retry_s);
}

static void corrupt(struct walk *w)
{
    w->a->corruptions++;
    if (w->corrupted_at_s < INFINITY)
        return;
    w->corrupted_at_s = w->work_s;
    w->notice_s = w->r->notice_s;
}

/* Corruption while a checkpoint is written is at a multiple of the interval but for rounding: never back to behind it. */
static void notice(struct walk *w)
{
    double clean_s = floor(w->corrupted_at_s / w->r->interval_s) * w->r->interval_s;
    go_back(w, fmin(clean_s, w->corrupted_at_s), w->r->cfg->restart_s, &w->a->corrupted_s);
}

static void end_phase(struct walk *w)
{
    if (w->phase == RUNNING) {
        w->work_s = w->saved_s + w->r->interval_s; /* without rounding */
        w->phase = WRITING;
        w->left_s = w->r->cfg->write_s;
        return;
    }
    if (w->phase == WRITING)
        w->saved_s = w->work_s;
    run_on(w);
}

/* What happens next, and when: by the sum of the rates, then by their shares. */
enum event { END_OF_PHASE, CRASH, CAUGHT, FLAP, HARD, CORRUPTION, REPAIR, NOTICE, N_EVENTS };

static double rate_of(const struct walk *w, enum event e)
{
    const struct reliability *r = w->r;
    bool running = w->phase == RUNNING;
    switch (e) {
    case CRASH:
        return w->stop_Hz[0];
    case CAUGHT:
        return w->stop_Hz[1];
    case FLAP:
        return running ? r->flap_Hz : 0;
    case HARD:
        return running ? r->hard_Hz : 0;
    case CORRUPTION:
        return w->phase == RESTARTING ? 0 : r->silent_Hz * (1 - r->caught_ratio);
    case REPAIR:
        return w->out / r->hw->repair_s;
    default:
        return 0;
    }
}

static enum event next_event(struct walk *w, double *after_s)
{
    double sum_Hz = 0, until_s = fmin(w->left_s, w->notice_s);
    for (int e = 0; e < N_EVENTS; e++)
        sum_Hz += rate_of(w, (enum event)e);
    *after_s = sum_Hz > 0 ? gsl_ran_exponential(w->rng, 1 / sum_Hz) : INFINITY;
    if (*after_s >= until_s) {
        *after_s = until_s;
        return w->notice_s < w->left_s ? NOTICE : END_OF_PHASE;
    }
    double point_Hz = gsl_rng_uniform(w->rng) * sum_Hz;
    for (int e = 0; e < N_EVENTS; e++) {
        double rate_Hz = rate_of(w, (enum event)e);
        if (point_Hz < rate_Hz)
            return (enum event)e;
        point_Hz -= rate_Hz;
    }
    return CRASH; /* rounding */
}

static void happen(struct walk *w, enum event e)
{
    switch (e) {
    case CRASH:
        stop(w, w->r->cfg->detect_s);
        break;
    case CAUGHT:
        stop(w, 0);
        break;
    case FLAP:
        flap(w);
        break;
    case HARD:
        w->out++;
        stall(w, w->r->hw->failover_s);
        break;
    case CORRUPTION:
        corrupt(w);
        break;
    case NOTICE:
        notice(w);
        break;
    case REPAIR:
        w->out--;
        if (w->phase == RUNNING)
            run_on(w);
        break;
    default:
        end_phase(w);
        break;
    }
}

void reliability_simulate(const struct reliability *r, uint64_t seed, uint64_t replica, struct reliability_account *out)
{
    struct walk w = {.r = r, .a = out, .corrupted_at_s = INFINITY, .notice_s = INFINITY};
    *out = (struct reliability_account){0};
    w.rng = rng_stream(seed, replica, "reliability");
    for (int i = 0; i < N_CRASHES; i++)
        w.stop_Hz[0] += r->crash_Hz[i];
    w.stop_Hz[1] = r->silent_Hz * r->caught_ratio;
    run_on(&w);
    for (uint64_t events = 1; out->total_s < r->cfg->horizon_s; events++) {
        double dt_s;
        if (events % EVENTS_A_TICK == 0)
            progress_tick(NULL);
        enum event e = next_event(&w, &dt_s);
        if (out->total_s + dt_s > r->cfg->horizon_s) {
            spend(&w, r->cfg->horizon_s - out->total_s);
            break;
        }
        spend(&w, dt_s);
        happen(&w, e);
    }
    out->useful_s = fmin(w.work_s, w.corrupted_at_s);
    out->corrupted_s += w.work_s - out->useful_s;
    gsl_rng_free(w.rng);
}
