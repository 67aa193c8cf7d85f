/* The max-min solver against a brute force that shares nothing with it: plain progressive filling from nothing at every
 * event. All finish times to 1e-9, for weights, caps, priorities, shares, arrivals and changing capacities, on random
 * networks and on the trees that clusters have. */
#include <check.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/flow/flow_net.h"
#include "tap_main.h"

static const double RELATIVE = 1e-9;

struct use {
    uint32_t link;
    double share;
};

struct flow {
    uint32_t first_use, n_uses;
    uint32_t first_spread, n_spread; /* of the uses: those that are spread */
    double bytes_B, weight, cap_Bps, arrival_s;
    uint8_t priority;
    /* brute force */
    double left_B, rate_Bps, end_s;
    bool open;
    /* of the network under test */
    double got_s, exact_s;
};

struct change {
    double time_s, capacity_Bps;
    uint32_t link;
};

struct world {
    double *capacity_Bps, *left_Bps, *open_use;
    uint32_t n_links;
    struct use *uses;
    uint32_t n_uses, cap_uses;
    struct flow *flows;
    uint32_t n_flows, cap_flows;
    struct change *changes;
    uint32_t n_changes;
};

static struct world *world_new(uint32_t n_links, double capacity_Bps)
{
    struct world *w = calloc(1, sizeof *w);
    w->n_links = n_links;
    w->capacity_Bps = calloc(n_links, sizeof(double));
    w->left_Bps = calloc(n_links, sizeof(double));
    w->open_use = calloc(n_links, sizeof(double));
    for (uint32_t i = 0; i < n_links; i++)
        w->capacity_Bps[i] = capacity_Bps;
    return w;
}

static void world_free(struct world *w)
{
    free(w->capacity_Bps);
    free(w->left_Bps);
    free(w->open_use);
    free(w->uses);
    free(w->flows);
    free(w->changes);
    free(w);
}

static struct flow *add_flow(struct world *w, double bytes_B)
{
    if (w->n_flows == w->cap_flows) {
        w->cap_flows = 2 * w->cap_flows + 16;
        w->flows = realloc(w->flows, w->cap_flows * sizeof *w->flows);
    }
    struct flow *f = &w->flows[w->n_flows++];
    *f = (struct flow){.first_use = w->n_uses, .bytes_B = bytes_B, .weight = 1};
    return f;
}

static void add_use(struct world *w, struct flow *f, uint32_t link, double share)
{
    if (w->n_uses == w->cap_uses) {
        w->cap_uses = 2 * w->cap_uses + 64;
        w->uses = realloc(w->uses, w->cap_uses * sizeof *w->uses);
    }
    w->uses[w->n_uses++] = (struct use){link, share};
    f->n_uses++;
}

/* --- brute force ---------------------------------------------------------------------------------------- */

static double use_of(const struct world *w, const struct flow *f, uint32_t k)
{
    return f->weight * w->uses[f->first_use + k].share;
}

static void fix(struct world *w, struct flow *f, double level_Bps)
{
    f->open = false;
    f->rate_Bps = f->weight * level_Bps;
    for (uint32_t k = 0; k < f->n_uses; k++) {
        uint32_t link = w->uses[f->first_use + k].link;
        w->left_Bps[link] -= use_of(w, f, k) * level_Bps;
        w->open_use[link] -= use_of(w, f, k);
    }
}

static double level_of(const struct world *w, uint32_t link)
{
    double left_Bps = w->left_Bps[link];
    return left_Bps > 1e-12 * w->capacity_Bps[link] ? left_Bps / w->open_use[link] : 0;
}

/* The lowest level at which a link is full or a flow has its cap. */
static double lowest_level(const struct world *w)
{
    double lowest_Bps = INFINITY;
    for (uint32_t i = 0; i < w->n_flows; i++) {
        const struct flow *f = &w->flows[i];
        if (f->open && f->cap_Bps > 0)
            lowest_Bps = fmin(lowest_Bps, f->cap_Bps / f->weight);
        for (uint32_t k = 0; f->open && k < f->n_uses; k++)
            lowest_Bps = fmin(lowest_Bps, level_of(w, w->uses[f->first_use + k].link));
    }
    return lowest_Bps;
}

static bool is_limited(const struct world *w, const struct flow *f, double level_Bps)
{
    bool limited = f->cap_Bps > 0 && f->cap_Bps / f->weight <= level_Bps * (1 + 1e-14);
    for (uint32_t k = 0; k < f->n_uses; k++)
        limited |= level_of(w, w->uses[f->first_use + k].link) <= level_Bps * (1 + 1e-14);
    return limited;
}

static void fill(struct world *w, uint8_t priority, double now_s)
{
    uint32_t n_open = 0;
    memset(w->open_use, 0, w->n_links * sizeof *w->open_use);
    for (uint32_t i = 0; i < w->n_flows; i++) {
        struct flow *f = &w->flows[i];
        f->open = f->left_B > 0 && f->arrival_s <= now_s && f->priority == priority;
        n_open += f->open;
        for (uint32_t k = 0; f->open && k < f->n_uses; k++)
            w->open_use[w->uses[f->first_use + k].link] += use_of(w, f, k);
    }
    bool *limited = calloc(w->n_flows, sizeof *limited);
    while (n_open) {
        double level_Bps = lowest_level(w);
        for (uint32_t i = 0; i < w->n_flows; i++)
            limited[i] = w->flows[i].open && is_limited(w, &w->flows[i], level_Bps);
        for (uint32_t i = 0; i < w->n_flows; i++)
            if (limited[i]) {
                fix(w, &w->flows[i], level_Bps);
                n_open--;
            }
    }
    free(limited);
}

static double next_event_s(const struct world *w, double now_s)
{
    double next_s = INFINITY;
    for (uint32_t i = 0; i < w->n_flows; i++) {
        const struct flow *f = &w->flows[i];
        if (f->arrival_s > now_s)
            next_s = fmin(next_s, f->arrival_s);
        else if (f->left_B > 0 && f->rate_Bps > 0)
            next_s = fmin(next_s, now_s + f->left_B / f->rate_Bps);
    }
    for (uint32_t i = 0; i < w->n_changes; i++)
        if (w->changes[i].time_s > now_s)
            next_s = fmin(next_s, w->changes[i].time_s);
    return next_s;
}

static void move_to(struct world *w, double from_s, double to_s)
{
    for (uint32_t i = 0; i < w->n_flows; i++) {
        struct flow *f = &w->flows[i];
        if (!(f->left_B > 0) || f->arrival_s > from_s)
            continue;
        f->left_B -= f->rate_Bps * (to_s - from_s);
        if (f->left_B > 1e-12 * f->bytes_B)
            continue;
        f->left_B = 0;
        f->end_s = to_s;
    }
    for (uint32_t i = 0; i < w->n_changes; i++)
        if (w->changes[i].time_s > from_s && w->changes[i].time_s <= to_s)
            w->capacity_Bps[w->changes[i].link] = w->changes[i].capacity_Bps;
}

static void brute_force(struct world *w)
{
    double now_s = 0, next_s;
    for (uint32_t i = 0; i < w->n_flows; i++)
        w->flows[i].left_B = w->flows[i].bytes_B;
    for (;; now_s = next_s) {
        memcpy(w->left_Bps, w->capacity_Bps, w->n_links * sizeof *w->left_Bps);
        for (uint8_t p = 0; p < 4; p++)
            fill(w, p, now_s);
        next_s = next_event_s(w, now_s);
        if (next_s == INFINITY)
            return;
        move_to(w, now_s, next_s);
    }
}

/* --- under test ------------------------------------------------------------------------------------------ */

static void on_end(void *ctx, uint32_t cookie, double time_s, enum flow_end how, double left_B)
{
    struct world *w = ctx;
    ck_assert_int_eq(how, FLOW_DONE);
    ck_assert(left_B == 0);
    w->flows[cookie].got_s = time_s;
}

static void start_all(struct world *w, struct flow_net *net)
{
    for (uint32_t i = 0; i < w->n_flows; i++) {
        const struct flow *f = &w->flows[i];
        uint32_t links[64], n = 0, n_shares = 0;
        struct flow_share shares[64];
        for (uint32_t k = 0; k < f->n_uses; k++) {
            struct use u = w->uses[f->first_use + k];
            if (u.share == 1)
                links[n++] = u.link;
            else
                shares[n_shares++] = (struct flow_share){u.link, (uint8_t)k, u.share};
        }
        uint32_t spread = n_shares ? flow_net_spread(net, shares, n_shares) : 0;
        struct flow_spec spec = {.links = links,
                                 .n_links = n,
                                 .spreads = &spread,
                                 .n_spreads = n_shares > 0,
                                 .bytes_B = f->bytes_B,
                                 .latency_s = f->arrival_s,
                                 .weight = f->weight,
                                 .cap_Bps = f->cap_Bps,
                                 .priority = f->priority,
                                 .cookie = i};
        flow_net_start(net, 0, &spec);
    }
}

static struct flow_net_stats simulate_with(struct world *w, double epsilon, bool checked, bool anew)
{
    struct flow_net_config config = {.n_links = w->n_links,
                                     .capacity_Bps = w->capacity_Bps,
                                     .epsilon = epsilon,
                                     .checked = checked,
                                     .anew = anew,
                                     .on_end = on_end,
                                     .ctx = w};
    struct flow_net *net = flow_net_new(&config);
    start_all(w, net);
    double now_s = 0;
    for (uint32_t change = 0;;) {
        double next_s = flow_net_next(net, now_s);
        bool changes = change < w->n_changes && w->changes[change].time_s <= next_s;
        if (changes)
            next_s = w->changes[change].time_s;
        if (next_s == INFINITY)
            break;
        now_s = next_s;
        flow_net_advance(net, now_s);
        if (changes)
            flow_net_set_capacity(net, w->changes[change].link, w->changes[change].capacity_Bps, now_s);
        change += changes;
    }
    struct flow_net_stats stats = flow_net_stats(net);
    flow_net_free(net);
    return stats;
}

static struct flow_net_stats simulate(struct world *w, double epsilon, bool checked)
{
    return simulate_with(w, epsilon, checked, false);
}

static void compare_ends(const struct world *w, const char *what, unsigned seed)
{
    for (uint32_t i = 0; i < w->n_flows; i++) {
        const struct flow *f = &w->flows[i];
        ck_assert_msg(fabs(f->got_s - f->end_s) <= RELATIVE * f->end_s,
                      "%s, seed %u: flow %u of %u ends at %.15g s, by brute force at %.15g s", what, seed, i,
                      w->n_flows, f->got_s, f->end_s);
    }
}

/* What has changed settled, and all anew at every event. */
static void compare(struct world *w, const char *what, unsigned seed)
{
    simulate_with(w, 0, true, true);
    for (uint32_t i = 0; i < w->n_flows; i++)
        w->flows[i].exact_s = w->flows[i].got_s;
    simulate(w, 0, true);
    brute_force(w);
    compare_ends(w, what, seed);
    for (uint32_t i = 0; i < w->n_flows; i++)
        w->flows[i].got_s = w->flows[i].exact_s;
    compare_ends(w, what, seed);
    world_free(w);
}

/* --- random networks --------------------------------------------------------------------------------------- */

enum { WEIGHTS = 1, CAPS = 2, PRIORITIES = 4, SHARES = 8, ARRIVALS = 16, CHANGES = 32, EVERYTHING = 63 };

static bool uses_link(const struct world *w, const struct flow *f, uint32_t link)
{
    for (uint32_t k = 0; k < f->n_uses; k++)
        if (w->uses[f->first_use + k].link == link)
            return true;
    return false;
}

static void random_flow(struct world *w, gsl_rng *rng, unsigned with)
{
    struct flow *f = add_flow(w, floor(1e4 * exp(9 * gsl_rng_uniform(rng))));
    uint32_t n = 1 + (uint32_t)gsl_rng_uniform_int(rng, 5);
    bool spread = with & SHARES && gsl_rng_uniform(rng) < 0.5;
    if (with & WEIGHTS)
        f->weight = 0.25 + 3 * gsl_rng_uniform(rng);
    if (with & CAPS && gsl_rng_uniform(rng) < 0.4)
        f->cap_Bps = 1e8 * exp(5 * gsl_rng_uniform(rng));
    if (with & PRIORITIES)
        f->priority = (uint8_t)gsl_rng_uniform_int(rng, 3);
    if (with & ARRIVALS && gsl_rng_uniform(rng) < 0.7)
        f->arrival_s = 2e-3 * gsl_rng_uniform(rng);
    for (uint32_t i = 0; i < n + (spread ? 4 : 0); i++) {
        uint32_t link = (uint32_t)gsl_rng_uniform_int(rng, w->n_links);
        if (!uses_link(w, f, link))
            add_use(w, f, link, i < n ? 1 : 0.25);
    }
}

static void random_world(const char *what, unsigned with, unsigned seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 1 + seed);
    struct world *w = world_new(3 + (uint32_t)gsl_rng_uniform_int(rng, 20), 0);
    for (uint32_t i = 0; i < w->n_links; i++)
        w->capacity_Bps[i] = 1e9 * exp(4 * gsl_rng_uniform(rng));
    uint32_t n = 2 + (uint32_t)gsl_rng_uniform_int(rng, 80);
    for (uint32_t i = 0; i < n; i++)
        random_flow(w, rng, with);
    if (with & CHANGES) {
        w->n_changes = 6;
        w->changes = calloc(w->n_changes, sizeof *w->changes);
        for (uint32_t i = 0; i < w->n_changes; i++)
            w->changes[i] = (struct change){1e-3 * (i + gsl_rng_uniform(rng)), 1e9 * exp(4 * gsl_rng_uniform(rng)),
                                            (uint32_t)gsl_rng_uniform_int(rng, w->n_links)};
    }
    gsl_rng_free(rng);
    compare(w, what, seed);
}

START_TEST(plain)
{
    random_world("plain", 0, (unsigned)_i);
}
END_TEST

START_TEST(one_thing_each)
{
    for (unsigned with = 1; with < EVERYTHING; with *= 2)
        random_world("one thing", with, 1000 + (unsigned)_i);
}
END_TEST

START_TEST(everything)
{
    random_world("everything", EVERYTHING, 2000 + (unsigned)_i);
}
END_TEST

/* --- trees that clusters have ------------------------------------------------------------------------------- */

enum sizes { UNIFORM, LOGNORMAL, HOT, OVERSUBSCRIBED, STAGGERED, N_SIZES };

static double size_of(enum sizes sizes, uint32_t dst, gsl_rng *rng)
{
    double uniform = 1e6 * (0.5 + gsl_rng_uniform(rng));
    if (sizes == LOGNORMAL)
        return 1 + floor(1e6 * gsl_ran_lognormal(rng, -1.125, 1.5));
    return floor(sizes == HOT && dst % 4 == 3 ? 4 * uniform : uniform);
}

/* Everyone to everyone over leaves and spines, by destination: links are NICs out, NICs in, cables up, cables down. */
static struct world *all_to_all(uint32_t leaves, uint32_t per_leaf, enum sizes sizes)
{
    uint32_t n = leaves * per_leaf, spines = sizes == OVERSUBSCRIBED ? per_leaf / 2 : per_leaf;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    struct world *w = world_new(2 * n + 2 * leaves * spines, 50e9);
    for (uint32_t src = 0; src < n; src++) {
        double arrival_s = sizes == STAGGERED ? 1e-3 * gsl_rng_uniform(rng) : 0;
        for (uint32_t dst = 0; dst < n; dst++) {
            if (src == dst)
                continue;
            struct flow *f = add_flow(w, size_of(sizes, dst, rng));
            f->arrival_s = arrival_s;
            add_use(w, f, src, 1);
            add_use(w, f, n + dst, 1);
            if (src / per_leaf == dst / per_leaf)
                continue;
            add_use(w, f, 2 * n + src / per_leaf * spines + dst % spines, 1);
            add_use(w, f, 2 * n + (leaves + dst / per_leaf) * spines + dst % spines, 1);
        }
    }
    gsl_rng_free(rng);
    return w;
}

START_TEST(trees)
{
    compare(all_to_all(4, 4, (enum sizes)_i), "tree", (unsigned)_i);
}
END_TEST

/* Every second time all anew. Windows: makespans within 1e-3 of the exact ones, ends within 3e-4 on average (2e-4 from 128
 * hosts on: make bench), and no link ever over its capacity. */
START_TEST(windows_on_trees)
{
    struct world *w = all_to_all(8, 8, (enum sizes)_i / 2);
    double sum = 0, largest = 0, makespan_s[2] = {0, 0};
    ck_assert_int_eq((int)simulate(w, 0, false).windows, 0);
    for (uint32_t i = 0; i < w->n_flows; i++)
        w->flows[i].exact_s = w->flows[i].got_s;
    ck_assert_int_gt((int)simulate_with(w, 0.01, true, _i % 2).windows, 50);
    for (uint32_t i = 0; i < w->n_flows; i++) {
        const struct flow *f = &w->flows[i];
        double error = fabs(f->got_s / f->exact_s - 1);
        sum += error;
        largest = fmax(largest, error);
        makespan_s[0] = fmax(makespan_s[0], f->exact_s);
        makespan_s[1] = fmax(makespan_s[1], f->got_s);
    }
    ck_assert_double_le(fabs(makespan_s[1] / makespan_s[0] - 1), 1e-3);
    ck_assert_double_le(sum / w->n_flows, 3e-4);
    ck_assert_double_le(largest, 0.03);
    world_free(w);
}
END_TEST

/* Whatever cuts a window short: flows that start, weights, shares, capacities that change. */
START_TEST(windows_cut_short)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 1 + (unsigned)_i);
    struct world *w = world_new(12, 0);
    for (uint32_t i = 0; i < w->n_links; i++)
        w->capacity_Bps[i] = 1e9 * exp(2 * gsl_rng_uniform(rng));
    for (uint32_t i = 0; i < 900; i++)
        random_flow(w, rng, WEIGHTS | SHARES | ARRIVALS);
    for (uint32_t i = 0; i < w->n_flows; i++) {
        w->flows[i].bytes_B = floor(1e6 * w->flows[i].weight * (0.5 + gsl_rng_uniform(rng)));
        w->flows[i].arrival_s *= 10;
    }
    ck_assert_int_eq((int)simulate(w, 0, false).windows, 0);
    for (uint32_t i = 0; i < w->n_flows; i++)
        w->flows[i].exact_s = w->flows[i].got_s;
    ck_assert_int_gt((int)simulate_with(w, 0.05, true, _i % 2).windows, 5);
    double sum = 0;
    for (uint32_t i = 0; i < w->n_flows; i++)
        sum += fabs(w->flows[i].got_s / w->flows[i].exact_s - 1);
    ck_assert_double_le(sum / w->n_flows, 2e-3);
    gsl_rng_free(rng);
    world_free(w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sim_solver");
    TCase *t = tcase_create("random networks");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, plain, 0, 60);
    tcase_add_loop_test(t, one_thing_each, 0, 40);
    tcase_add_loop_test(t, everything, 0, 100);
    suite_add_tcase(s, t);
    t = tcase_create("trees");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, trees, 0, N_SIZES);
    tcase_add_loop_test(t, windows_on_trees, 0, 2 * N_SIZES);
    tcase_add_loop_test(t, windows_cut_short, 0, 8);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
