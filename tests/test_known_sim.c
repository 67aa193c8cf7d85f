/* Simulations that others of the family have run: what is known is what would be simulated, and whatever the executor or the
 * network reads makes it another one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared_cache.h"
#include "kinds/kind_run.h"
#include "kinds/known_sim.h"
#include "tap_main.h"

struct fixture {
    struct arena *arena;
    struct diag *diag;
    struct scenario_file file;
    struct kind_run run;
    struct topology *topo;
};

static void open_it(struct fixture *f, const char *set)
{
    static const char *const small[] = {
        "llm.layers=7",           "cluster.nodes=2",           "expert_load.redundant=0",
        "inference.phase=decode", "inference.decode.batch=16", "inference.decode.context=2048"};
    const char *all[8];
    int n = sizeof small / sizeof *small;
    memcpy(all, small, sizeof small);
    all[n] = set;
    *f = (struct fixture){.arena = arena_new(), .diag = diag_new()};
    const char *folder = getenv("srcdir") ? getenv("srcdir") : ".";
    const char *path = arena_printf(f->arena, "%s/tests/data/inference.yaml", folder);
    ck_assert_msg(!scenario_load(path, all, n + (set != NULL), f->arena, &f->file, f->diag), "%s", diag_text(f->diag));
    f->run = (struct kind_run){.file = &f->file, .arena = f->arena, .one_of_many = true};
    ck_assert(!kind_topology(&f->run, &f->file.scenario->cluster, &f->topo, f->diag));
}

static void close_it(struct fixture *f)
{
    kind_run_free(&f->run);
    diag_free(f->diag);
    arena_free(f->arena);
}

/* Two GPUs compute, then send to each other; a third waits for the first, which has begun. */
static void build(struct fixture *f)
{
    kind_begin(&f->run, f->topo);
    struct opgraph *g = f->run.graph;
    uint32_t name = opgraph_string(g, "op"), sent[2], lane[3];
    for (uint32_t r = 0; r < 3; r++)
        lane[r] = opgraph_lane(g);
    for (uint32_t r = 0; r < 2; r++) {
        struct op op = {
            .kind = OP_COMPUTE, .lane = lane[r], .device = r, .work_s = 1e-6 * (r + 1), .sync_group = OP_NONE};
        op.name = op.class_name = op.phase = name;
        op.sm_ref = op.sm_max = 100;
        uint32_t before = opgraph_add(g, &op);
        op = (struct op){.kind = OP_COMM, .lane = lane[r], .device = r, .sync_group = OP_NONE, .sm_hold = 20};
        op.name = op.class_name = op.phase = name;
        sent[r] = opgraph_add(g, &op);
        opgraph_dep(g, before, sent[r]);
    }
    struct op last = {.kind = OP_COMPUTE, .lane = lane[2], .device = 2, .work_s = 1e-6, .sync_group = OP_NONE};
    last.name = last.class_name = last.phase = name;
    uint32_t after = opgraph_add(g, &last), narrow = opgraph_resource(g, 1e9, "narrow");
    opgraph_early_dep(g, 0, after, 0.5);
    for (uint32_t r = 0; r < 2; r++) {
        struct transfer t = {
            .src_op = sent[r], .dst_op = sent[1 - r], .src = r, .dst = 9 - r, .bytes_B = 1e6, .weight = 1, .n_res = 1};
        t.res[0] = narrow;
        opgraph_transfer(g, &t);
    }
}

static void simulate(struct fixture *f)
{
    build(f);
    ck_assert_msg(!kind_simulate(&f->run, f->topo, &f->file.scenario->cluster, f->diag), "%s", diag_text(f->diag));
}

START_TEST(what_is_known_is_what_is_simulated)
{
    struct fixture f;
    double ends_s[2][7];
    shared_cache_begin();
    open_it(&f, NULL);
    uint64_t hits = shared_cache_stats().hits;
    for (int i = 0; i < 2; i++) {
        simulate(&f);
        memcpy(ends_s[i], f.run.outcome.op_end_s, 5 * sizeof(double));
        memcpy(ends_s[i] + 5, f.run.outcome.transfer_end_s, 2 * sizeof(double));
        ck_assert_double_eq(f.run.outcome.makespan_s, ends_s[i][3] > ends_s[i][1] ? ends_s[i][3] : ends_s[i][1]);
    }
    ck_assert_uint_eq(shared_cache_stats().hits, hits + 1);
    ck_assert_mem_eq(ends_s[0], ends_s[1], sizeof ends_s[0]);
    f.run.ops_alone = true; /* another entry, without times of transfers */
    for (int i = 0; i < 2; i++)
        simulate(&f);
    ck_assert_mem_eq(f.run.outcome.op_end_s, ends_s[0], 5 * sizeof(double));
    ck_assert_ptr_null(f.run.outcome.transfer_end_s);
    ck_assert_uint_eq(shared_cache_stats().hits, hits + 2);
    close_it(&f);
}
END_TEST

static void add_event(struct sim_spec *spec)
{
    static const struct link_event fails = {.time_s = 1e-6, .link = 1, .fails = true};
    spec->events = &fails;
    spec->n_events = 1;
}

/* Numbers of a graph, a network and a run, each of which matters. */
#define EACH_NUMBER(X) \
    X(g->ops[0].work_s *= 2) \
    X(g->ops[0].lead_s += 1e-6) \
    X(g->ops[0].sm_max = 50) \
    X(g->ops[0].sm_ref = 50) \
    X(g->ops[1].sm_hold = 30) \
    X(g->ops[0].memory = 0.5f) \
    X(g->ops[0].device = 1) \
    X(g->ops[0].lane = 2) \
    X(g->ops[0].kind = OP_SYNC) \
    X(g->ops[0].sync_group = 0) \
    X(g->deps[0].before = 4) \
    X(g->n_deps--) \
    X(g->early[0].share = 0.25) \
    X(g->n_early--) \
    X(g->transfers[0].bytes_B++) \
    X(g->transfers[0].latency_s += 1e-9) \
    X(g->transfers[0].cap_Bps = 1) \
    X(g->transfers[0].weight = 2) \
    X(g->transfers[0].priority = 1) \
    X(g->transfers[0].n_res = 0) \
    X(g->transfers[0].rendezvous = true) \
    X(g->transfers[0].hop = HOP_IN) \
    X(g->transfers[0].round_trips = 1) \
    X(g->transfers[0].pinned = 1) \
    X(g->transfers[0].dst = 10) \
    X(g->transfers[0].src_op = 0) \
    X(g->resources[0].capacity_Bps = 2e9) \
    X(f.topo->links[0].capacity_Bps *= 2) \
    X(f.topo->links[3].latency_s *= 2) \
    X(f.topo->links[3].b++) \
    X(f.run.spec.seed++) \
    X(f.run.spec.epsilon += 0.01) \
    X(f.run.spec.sm_per_device--) \
    X(f.run.spec.routing.policy++) \
    X(add_event(&f.run.spec))

START_TEST(each_number_makes_another_simulation)
{
    struct fixture f;
    shared_cache_begin();
    open_it(&f, NULL);
#define CHANGE(what) \
    do { \
        simulate(&f); \
        struct opgraph *g = f.run.graph; \
        (void)g; \
        const char *key = known_sim_key(&f.run); \
        ck_assert_str_eq(key, known_sim_key(&f.run)); \
        what; \
        ck_assert_msg(strcmp(key, known_sim_key(&f.run)) != 0, "%s is not told apart", #what); \
    } while (0);
    EACH_NUMBER(CHANGE)
    close_it(&f);
}
END_TEST

START_TEST(who_looks_into_a_simulation_runs_it)
{
    struct fixture f;
    shared_cache_begin();
    open_it(&f, NULL);
    simulate(&f);
    ck_assert_ptr_nonnull(known_sim_key(&f.run));
    f.run.spec.checked = true;
    ck_assert_ptr_null(known_sim_key(&f.run));
    f.run.spec.checked = false;
    f.run.spec.n_watch = 1;
    ck_assert_ptr_null(known_sim_key(&f.run));
    f.run.spec.n_watch = 0;
    f.run.keeps_last = true;
    ck_assert_ptr_null(known_sim_key(&f.run));
    f.run.keeps_last = f.run.one_of_many = false;
    ck_assert_ptr_null(known_sim_key(&f.run));
    f.run.one_of_many = f.run.spec.limits = true;
    ck_assert_ptr_null(known_sim_key(&f.run));
    close_it(&f);
}
END_TEST

/* Also what a network does not show in its links. */
START_TEST(another_cluster_is_another_simulation)
{
    struct fixture f[2];
    shared_cache_begin();
    open_it(&f[0], NULL);
    open_it(&f[1], "cluster.network.routing.policy=ecmp");
    simulate(&f[0]);
    simulate(&f[1]);
    ck_assert_str_ne(known_sim_key(&f[0].run), known_sim_key(&f[1].run));
    close_it(&f[0]);
    close_it(&f[1]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("known_sim");
    TCase *c = tcase_create("simulations");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_is_known_is_what_is_simulated);
    tcase_add_test(c, each_number_makes_another_simulation);
    tcase_add_test(c, who_looks_into_a_simulation_runs_it);
    tcase_add_test(c, another_cluster_is_another_simulation);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
