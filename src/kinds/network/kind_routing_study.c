/* Kind routing_study: many groups run a collective at once, each with one GPU per node along a rail; the
 * same placements under several routing policies (paper 5.2.2 (2), Figure 8).
 *
 * A seed is a random placement of the groups on the nodes and, for ECMP, a set of UDP source ports. What
 * costs bandwidth is flows that share a cable between leaf and spine; how many do is printed beside it.
 * Left out: congestion control; a shared cable is shared fairly and fully used. */
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "base/rng.h"
#include "base/stats.h"
#include "kinds/fork_map.h"
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "topology/opensm.h"
#include "topology/routing.h"
#include "topology/spreading.h"
#include "models/comm/collectives.h"
#include "kinds/network/routing_study_cfg.h"
#include "kinds/reads.h"

#define KEY "routing_study."

struct plan {
    uint32_t *operations, *policies, *groups;
    uint32_t n_operations, n_policies, n_groups;
};

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct routing_study_cfg *c = routing_study_cfg(file->scenario);
    return list_choices(file, KEY "operations", c->operations, collective_operation_names, arena, &p->operations,
                        &p->n_operations, diag) ||
                   list_choices(file, KEY "policies", c->policies, routing_policy_names, arena, &p->policies,
                                &p->n_policies, diag) ||
                   list_counts(file, KEY "groups", c->groups, arena, &p->groups, &p->n_groups, diag)
               ? -1
               : 0;
}

/* Rings, and all pairs of a group for all-to-all. */
static int algorithm_of(uint32_t operation)
{
    return operation == COLLECTIVE_ALL_TO_ALL ? COLLECTIVE_DIRECT : COLLECTIVE_RING;
}

static void check_operations(const struct scenario_file *file, const struct plan *p, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    uint32_t ranks[2] = {0, (uint32_t)hw->node.gpus};
    for (uint32_t i = 0; i < p->n_operations; i++) {
        struct collective c = {
            .operation = (int)p->operations[i], .algorithm = algorithm_of(p->operations[i]), .ranks = ranks, .n = 2};
        const char *misfit = collective_misfit(&c, hw);
        if (misfit)
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "operations"),
                       "%s by %s: %s; write for example 'all_gather, all_to_all'",
                       collective_operation_names[p->operations[i]], collective_algorithm_names[c.algorithm], misfit);
    }
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    struct plan p;
    if (make_plan(file, arena, &p, diag))
        return;
    check_operations(file, &p, diag);
    for (uint32_t i = 0; i < p.n_groups; i++)
        if (p.groups[i] < 2 || hw->nodes % p.groups[i])
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "groups"),
                       "%lld nodes do not divide into groups of %u with one GPU on each node", (long long)hw->nodes,
                       p.groups[i]);
}

/* --- one run ---------------------------------------------------------------------------------------- */

struct study {
    struct kind_run *run;
    const struct routing_study_cfg *cfg;
    struct cluster_hw hw; /* the scenario's, with the policy of the moment */
    struct topology *topo;
    struct plan plan;
    struct result_table *rows;
    uint32_t *nodes; /* a permutation: which node is where in the groups */
    double worst_time_s;
};

static void place_groups(struct study *s, uint32_t seed)
{
    uint32_t n = (uint32_t)s->hw.nodes;
    uint64_t scenario_seed = (uint64_t)s->run->file->scenario->sim.seed;
    gsl_rng *rng = rng_stream(scenario_seed, seed, "placement");
    for (uint32_t i = 0; i < n; i++)
        s->nodes[i] = i;
    gsl_ran_shuffle(rng, s->nodes, n, sizeof *s->nodes);
    gsl_rng_free(rng);
}

/* Group g of `size` GPUs: rail g % gpus, the nodes in order of the permutation. */
static void members(const struct study *s, uint32_t g, uint32_t size, uint32_t *ranks)
{
    uint32_t gpus = (uint32_t)s->hw.node.gpus;
    for (uint32_t i = 0; i < size; i++)
        ranks[i] = s->nodes[g / gpus * size + i] * gpus + g % gpus;
}

/* Mean busbw of the groups, as each of them measures its own. */
static int run_once(struct study *s, uint32_t operation, uint32_t size, double *busbw_Bps, struct diag *diag)
{
    uint32_t n_groups = s->topo->n_endpoints / size;
    kind_begin(s->run, s->topo);
    uint32_t *ranks = ARENA_ARRAY(s->run->scratch, uint32_t, size);
    struct collective_ops *ops = ARENA_ARRAY(s->run->scratch, struct collective_ops, n_groups);
    for (uint32_t g = 0; g < n_groups; g++) {
        members(s, g, size, ranks);
        struct collective c = {.operation = (int)operation,
                               .algorithm = algorithm_of(operation),
                               .ranks = ranks,
                               .n = size,
                               .size_B = s->cfg->size_B,
                               .name = collective_operation_names[operation]};
        ops[g] = collective_build(s->run->graph, &s->hw, &c, s->run->scratch);
    }
    if (kind_simulate(s->run, s->topo, &s->hw, diag))
        return -1;
    *busbw_Bps = 0;
    for (uint32_t g = 0; g < n_groups; g++) {
        double end_s = 0;
        for (uint32_t op = ops[g].first; op < ops[g].end; op++)
            end_s = fmax(end_s, sim_joint_end_s(&s->run->outcome, op));
        *busbw_Bps += s->cfg->size_B / end_s * collective_bus_factor((int)operation, size) / n_groups;
    }
    return 0;
}

/* --- collisions ------------------------------------------------------------------------------------- */

struct collisions {
    double crossing_ratio; /* flows that leave their leaf */
    double sharing_ratio;  /* of these: share a cable with another flow */
    double fullest;        /* flows on the fullest cable */
};

struct choice { /* where all flows go */
    struct study *s;
    struct router router;
    struct spreading *spreading; /* NULL: each has one path */
    double *load;                /* [n_links] flows; of sprayed ones their shares */
    uint32_t (*links)[ROUTE_MAX_LINKS], *n_links;
    uint32_t (*ends)[2], n; /* GPUs of each */
};

static bool between_switches(const struct topology *t, uint32_t link)
{
    return t->links[link].kind >= LINK_LEAF_SPINE;
}

static void choose_path(struct choice *c, uint32_t flow)
{
    struct routing_key key = {c->ends[flow][0], c->ends[flow][1], flow, 0, false};
    struct spread_route route;
    if (c->spreading && spreading_route(c->spreading, NULL, key.src, key.dst, &route)) {
        for (uint32_t p = 0; p < route.n_parts; p++)
            for (uint32_t k = 0; k < route.parts[p]->n; k++)
                c->load[route.parts[p]->links[k].link] += route.parts[p]->links[k].share;
        return;
    }
    c->n_links[flow] = routing_choose(&c->router, &key, c->links[flow]);
    for (uint32_t k = 0; k < c->n_links[flow]; k++)
        c->load[c->links[flow][k]]++;
}

/* Load of the fullest cable between switches that a flow uses; 0: it uses none. */
static double fullest_of(const struct choice *c, uint32_t flow)
{
    struct spread_route route;
    double fullest = 0;
    for (uint32_t k = 0; k < c->n_links[flow]; k++)
        if (between_switches(c->s->topo, c->links[flow][k]))
            fullest = fmax(fullest, c->load[c->links[flow][k]]);
    if (!c->spreading || !spreading_route(c->spreading, NULL, c->ends[flow][0], c->ends[flow][1], &route))
        return fullest;
    for (uint32_t p = 0; p < route.n_parts; p++)
        for (uint32_t k = 0; k < route.parts[p]->n; k++)
            if (between_switches(c->s->topo, route.parts[p]->links[k].link))
                fullest = fmax(fullest, c->load[route.parts[p]->links[k].link]);
    return fullest;
}

static void list_flows(struct choice *c, uint32_t size, uint32_t n_peers)
{
    struct study *s = c->s;
    uint32_t *ranks = ARENA_ARRAY(s->run->scratch, uint32_t, size);
    for (uint32_t g = 0; g < s->topo->n_endpoints / size; g++) {
        members(s, g, size, ranks);
        for (uint32_t i = 0; i < size * n_peers; i++, c->n++) {
            uint32_t src = i / n_peers;
            c->ends[c->n][0] = ranks[src];
            c->ends[c->n][1] = ranks[(src + 1 + i % n_peers) % size];
        }
    }
}

static struct choice choose_paths(struct study *s, uint32_t size, uint32_t n_peers)
{
    struct arena *a = s->run->scratch;
    uint32_t n = s->topo->n_endpoints * n_peers;
    struct choice c = {.s = s};
    c.load = ARENA_ARRAY(a, double, s->topo->n_links);
    c.links = arena_array(a, sizeof *c.links, n);
    c.n_links = ARENA_ARRAY(a, uint32_t, n);
    c.ends = arena_array(a, sizeof *c.ends, n);
    c.router =
        (struct router){.topo = s->topo, .policy = topology_routing(&s->hw), .seed = s->run->spec.seed, .load = c.load};
    if (c.router.policy.policy == ROUTING_SPRAY)
        c.spreading = spreading_new(s->topo);
    list_flows(&c, size, n_peers);
    for (uint32_t f = 0; f < c.n; f++)
        choose_path(&c, f);
    return c;
}

/* The flows of one step of all rings, or all pairs of an all-to-all, routed as the simulation routes them (but that
 * the hashes of ECMP's pairs are others). */
static struct collisions count_collisions(struct study *s, uint32_t operation, uint32_t size)
{
    struct collisions c = {0};
    struct choice choice = choose_paths(s, size, operation == COLLECTIVE_ALL_TO_ALL ? size - 1 : 1);
    uint32_t flows = choice.n;
    double crossing = 0, sharing = 0;
    for (uint32_t f = 0; f < flows; f++) {
        double fullest = fullest_of(&choice, f);
        crossing += fullest > 0;
        sharing += fullest > 1 + 1e-9; /* sums of shares */
        c.fullest = fmax(c.fullest, fullest);
    }
    spreading_free(choice.spreading);
    c.crossing_ratio = crossing / flows;
    c.sharing_ratio = crossing > 0 ? sharing / crossing : 0;
    return c;
}

/* --- all runs --------------------------------------------------------------------------------------- */

enum {
    COL_OPERATION,
    COL_GROUP,
    COL_POLICY,
    COL_MEAN,
    COL_SD,
    COL_MIN,
    COL_MAX,
    COL_CI,
    COL_CROSSING,
    COL_SHARING,
    COL_FULLEST,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"operation", DIM_COUNT, "collective, by rings; all_to_all: all pairs at once", true},
    {"group", DIM_COUNT, "GPUs of a group, each on another node", false},
    {"policy", DIM_COUNT, "routing policy", true},
    {"busbw", DIM_BANDWIDTH, "mean over seeds of the groups' mean busbw (nccl-tests)", false},
    {"sd", DIM_BANDWIDTH, "standard deviation over seeds", false},
    {"worst", DIM_BANDWIDTH, "of all seeds", false},
    {"best", DIM_BANDWIDTH, "of all seeds", false},
    {"ci95", DIM_BANDWIDTH, "half the 95 % confidence interval of the mean", false},
    {"crossing", DIM_RATIO, "flows that leave their leaf, mean over seeds", false},
    {"sharing", DIM_RATIO, "of these: share a cable with another flow", false},
    {"fullest", DIM_COUNT, "flows on the fullest cable, mean over seeds", false},
};

/* Of all seeds of one operation, group size and policy. */
struct policy_answer {
    struct stats busbw;
    struct collisions mean;
    struct epsilon_error epsilon;
};

static int run_policy(void *ctx, uint32_t index, void *out, struct diag *diag)
{
    struct study *s = ctx;
    struct policy_answer *a = out;
    const struct plan *p = &s->plan;
    uint32_t n = (uint32_t)s->cfg->seeds, rest = index / p->n_policies;
    uint32_t size = p->groups[rest % p->n_groups], operation = p->operations[rest / p->n_groups];
    double *busbw_Bps = ARENA_ARRAY(s->run->arena, double, n);
    s->hw.network.routing.policy = (int)p->policies[index % p->n_policies];
    if ((s->topo->engine || opensm_is(s->hw.network.routing.policy)) && kind_topology(s->run, &s->hw, &s->topo, diag))
        return -1;
    for (uint32_t seed = 0; seed < n; seed++) {
        place_groups(s, seed);
        s->run->seed_offset = seed;
        if (run_once(s, operation, size, &busbw_Bps[seed], diag))
            return -1;
        struct collisions c = count_collisions(s, operation, size);
        a->mean.crossing_ratio += c.crossing_ratio / n;
        a->mean.sharing_ratio += c.sharing_ratio / n;
        a->mean.fullest += c.fullest / n;
    }
    a->busbw = stats_of(busbw_Bps, n);
    a->epsilon = s->run->epsilon;
    return 0;
}

static void add_policy(struct study *s, uint32_t index, const struct policy_answer *a)
{
    const struct plan *p = &s->plan;
    uint32_t rest = index / p->n_policies;
    struct result_cell *row = result_add_row(s->rows);
    row[COL_OPERATION].text = collective_operation_names[p->operations[rest / p->n_groups]];
    row[COL_GROUP].value = p->groups[rest % p->n_groups];
    row[COL_POLICY].text = routing_policy_names[p->policies[index % p->n_policies]];
    row[COL_MEAN].value = a->busbw.mean;
    row[COL_SD].value = a->busbw.sd;
    row[COL_MIN].value = a->busbw.min;
    row[COL_MAX].value = a->busbw.max;
    row[COL_CI].value = s->cfg->seeds > 1 ? stats_ci95(&a->busbw) : NAN;
    row[COL_CROSSING].value = a->mean.crossing_ratio;
    row[COL_SHARING].value = a->mean.sharing_ratio;
    row[COL_FULLEST].value = a->mean.fullest;
}

static int run_all(struct study *s, struct diag *diag)
{
    enum { MOST_AT_ONCE = 64 };
    uint32_t n = s->plan.n_operations * s->plan.n_groups * s->plan.n_policies;
    uint32_t at_once = kind_at_once(s->run, MOST_AT_ONCE);
    s->run->ops_alone = true;
    s->run->one_of_many |= at_once > 0; /* all-gathers and reduce-scatters by rings move the same */
    struct policy_answer *answers = ARENA_ARRAY(s->run->arena, struct policy_answer, n);
    if (at_once && fork_map(n, at_once, run_policy, s, answers, sizeof *answers, diag))
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        if (!at_once && run_policy(s, i, &answers[i], diag))
            return -1;
        if (at_once)
            epsilon_error_add(&s->run->epsilon, &answers[i].epsilon);
        add_policy(s, i, &answers[i]);
    }
    return 0;
}

/* Mean over operations and groups, per policy. */
static void add_metrics(struct study *s)
{
    const struct plan *p = &s->plan;
    for (uint32_t i = 0; i < p->n_policies; i++) {
        double sum_Bps = 0;
        uint32_t n = 0;
        for (uint32_t row = i; row < s->rows->n_rows; row += p->n_policies, n++)
            sum_Bps += s->rows->cells[row * N_COL + COL_MEAN].value;
        result_add_metric(&s->run->result, s->run->arena,
                          arena_printf(s->run->arena, "%s_busbw", routing_policy_names[p->policies[i]]), sum_Bps / n,
                          DIM_BANDWIDTH, "mean busbw of all operations and group sizes under this policy",
                          "mean of column busbw");
        if (i == 0)
            result_add_metric(&s->run->result, s->run->arena, "first_busbw", sum_Bps / n, DIM_BANDWIDTH,
                              "the same of the first policy, whichever it is", "mean of column busbw");
    }
}

static int run_study(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {.run = run, .cfg = routing_study_cfg(sc), .hw = sc->cluster};
    if (make_plan(run->file, run->arena, &s.plan, diag) || kind_topology(run, &s.hw, &s.topo, diag))
        return -1;
    s.nodes = ARENA_ARRAY(run->arena, uint32_t, (size_t)s.hw.nodes);
    run->result.kind = "routing_study";
    s.rows = result_add_table(&run->result, run->arena, "policies", "busbw under each routing policy, over seeds",
                              columns, N_COL, s.plan.n_operations * s.plan.n_groups * s.plan.n_policies);
    progress_begin("simulating");
    if (run_all(&s, diag))
        return -1;
    add_metrics(&s);
    result_add_note(&run->result, run->arena,
                    "each seed places the groups on random nodes; all policies see the same "
                    "placements");
    return 0;
}

const struct scenario_kind kind_routing_study = {
    .name = "routing_study",
    .doc = "collectives of many groups at once under several routing policies",
    .ref = "5.2.2",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_NETWORK " -network.routing.policy"},
                                         {.keys = &routing_study_keys},
                                         {0}},
    .needs = (const struct kind_needs[]){{.keys = "cluster.network.routing.queue_pairs",
                                          .condition = "routing_study.policies~ecmp | routing_study.policies~adaptive"},
                                         {.keys = "cluster.network.routing.rebalance",
                                          .condition = "routing_study.policies~adaptive"},
                                         {0}},
    .check = check,
    .run = run_study,
};
