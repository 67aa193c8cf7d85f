/* Transfers that are trees, and half NVLink hops, against answers worked out by hand; bundles, against single transfers. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "sim_fixture.h"
#include "tap_main.h"

enum { N = 4 };

/* A star: device i reaches device j over link i (out) and N + j (in). */
static uint32_t star_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                          uint32_t links[ROUTE_MAX_LINKS])
{
    (void)t, (void)number;
    links[0] = src;
    links[1] = N + dst;
    return 2;
}

static uint32_t first(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

static uint32_t one(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 1;
}

static const struct topology_type star = {.name = "star", .path = star_path, .by_destination = first, .n_minimal = one};

static struct fixture *star_new(void)
{
    struct fixture *f = fixture_new(2 * N, N);
    f->topo.type = &star;
    for (uint32_t i = 0; i < 2 * N; i++)
        f->topo.links[i] = (struct topo_link){.capacity_Bps = 50e9, .latency_s = 0.001 * i};
    return f;
}

/* One COMM op per device, device d starting at d * apart_s. */
static void add_ops(struct fixture *f, double apart_s)
{
    uint32_t name = opgraph_string(f->graph, "comm");
    for (uint32_t d = 0; d < N; d++)
        opgraph_add(f->graph, &(struct op){.kind = OP_COMM,
                                           .lane = opgraph_lane(f->graph),
                                           .device = d,
                                           .lead_s = d * apart_s,
                                           .sync_group = OP_NONE,
                                           .name = name,
                                           .class_name = name,
                                           .phase = name});
}

static struct sim_outcome run(struct fixture *f)
{
    struct sim_outcome out;
    opgraph_check(f->graph);
    int rc = sim_run(&f->spec, f->arena, &out, f->diag);
    ck_assert_msg(rc == 0, "%s", diag_text(f->diag));
    return out;
}

static void same(double got, double want)
{
    ck_assert_double_eq_tol(got, want, 1e-9 * (fabs(want) + 1e-6));
}

static uint32_t add_tree(struct fixture *f, bool inward, uint32_t root, const uint32_t *ends, uint32_t n,
                         double bytes_B)
{
    struct branch b[N];
    for (uint32_t i = 0; i < n; i++)
        b[i] = (struct branch){.device = ends[i], .op = ends[i], .res = OP_NONE};
    uint32_t src = inward ? ends[0] : root, dst = inward ? root : ends[0];
    return opgraph_transfer(f->graph, &(struct transfer){.src_op = src,
                                                         .dst_op = dst,
                                                         .src = src,
                                                         .dst = dst,
                                                         .bytes_B = bytes_B,
                                                         .weight = 1,
                                                         .tree = opgraph_tree(f->graph, inward, b, n)});
}

static const uint32_t others[] = {1, 2, 3};

/* Out of the sender once; the longest branch's latency. */
START_TEST(multicast_leaves_once)
{
    struct fixture *f = star_new();
    add_ops(f, 0);
    add_tree(f, false, 0, others, 3, 50e9);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[0], 0.007 + 1);
    for (uint32_t d = 0; d < N; d++)
        same(out.op_end_s[d], 0.007 + 1);
    fixture_free(f);
}
END_TEST

/* The narrowest branch sets the pace of all. */
START_TEST(the_slowest_branch_decides)
{
    struct fixture *f = star_new();
    add_ops(f, 0);
    f->topo.links[N + 2].capacity_Bps = 10e9;
    add_tree(f, false, 0, others, 3, 50e9);
    same(run(f).transfer_end_s[0], 0.007 + 5);
    fixture_free(f);
}
END_TEST

/* Into the receiver once, and not before its last sender is there. */
START_TEST(reduction_waits_for_all_and_enters_once)
{
    struct fixture *f = star_new();
    add_ops(f, 1);
    add_tree(f, true, 0, others, 3, 50e9);
    struct sim_outcome out = run(f);
    same(out.transfer_start_s[0], 3);
    same(out.transfer_end_s[0], 3 + 0.007 + 1);
    same(out.op_end_s[1], 3 + 0.007 + 1);
    fixture_free(f);
}
END_TEST

/* Two trees share the sender's link, each with a receiver of its own. */
START_TEST(trees_share_links)
{
    struct fixture *f = star_new();
    add_ops(f, 0);
    for (uint32_t i = 0; i < 2 * N; i++)
        f->topo.links[i].latency_s = 0;
    add_tree(f, false, 0, others, 1, 50e9);
    add_tree(f, false, 0, others + 1, 2, 50e9);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[0], 2);
    same(out.transfer_end_s[1], 2);
    fixture_free(f);
}
END_TEST

/* A resource at the end of a branch limits like a link. */
START_TEST(resources_of_branches)
{
    struct fixture *f = star_new();
    add_ops(f, 0);
    uint32_t slow = opgraph_resource(f->graph, 25e9, "slow");
    struct branch b = {.device = 1, .op = 1, .res = slow};
    opgraph_transfer(f->graph, &(struct transfer){.src_op = 0,
                                                  .dst_op = 1,
                                                  .src = 0,
                                                  .dst = 1,
                                                  .bytes_B = 50e9,
                                                  .weight = 1,
                                                  .tree = opgraph_tree(f->graph, false, &b, 1)});
    same(run(f).transfer_end_s[0], 0.005 + 2);
    fixture_free(f);
}
END_TEST

/* A half hop crosses one of the two links, and has its latency only. */
START_TEST(half_hops)
{
    struct fixture *f = star_new();
    add_ops(f, 0);
    f->topo.links[0].capacity_Bps = 1e9;
    struct transfer t = {.src_op = 0, .dst_op = 1, .src = 0, .dst = 1, .bytes_B = 50e9, .weight = 1, .hop = HOP_IN};
    opgraph_transfer(f->graph, &t);
    t.hop = HOP_OUT, t.bytes_B = 1e9;
    opgraph_transfer(f->graph, &t);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[0], 0.005 + 1);
    same(out.transfer_end_s[1], 1);
    fixture_free(f);
}
END_TEST

START_TEST(other_networks_refuse_them)
{
    struct sim_outcome out;
    struct fixture *f = star_new();
    add_ops(f, 0);
    add_tree(f, false, 0, others, 3, 50e9);
    f->spec.net = NET_BOUND;
    ck_assert(sim_run(&f->spec, f->arena, &out, f->diag) == -1);
    ck_assert_msg(strstr(diag_text(f->diag), "network 'bound' cannot multicast"), "%s", diag_text(f->diag));
    fixture_free(f);
}
END_TEST

/* Two calls of an exchange of all devices, the second behind the first: rows of ops that store, post and receive. What is
 * stored goes to the next device, the rest is posted; amounts differ, and some cells are empty. */
enum { CALLS = 2 };

static void add_calls(struct fixture *f, bool bundles)
{
    static struct transfer way[N * N];
    for (uint32_t call = 0; call < CALLS; call++) {
        uint32_t row[BUNDLE_ENDS * N], first_cell[N + 1] = {0}, n = 0;
        struct bundle_cell cells[N * N];
        double amounts[N * N];
        for (uint32_t end = 0; end < BUNDLE_ENDS; end++) {
            add_ops(f, 0.01);
            for (uint32_t d = 0; d < N; d++) {
                row[end * N + d] = f->graph->n_ops - N + d;
                if (call) /* each end of the second call behind all of what the device received */
                    opgraph_dep(f->graph, row[end * N + d] - (end + 1) * N, row[end * N + d]);
            }
        }
        for (uint32_t src = 0; src < N; src++) {
            for (uint32_t dst = 0; dst < N; dst++) {
                double amount = (src + 2 * dst + call) % 4;
                struct transfer *w = &way[src * N + dst];
                *w = (struct transfer){.src_op = dst == (src + 1) % N ? BUNDLE_STORES : BUNDLE_POSTS,
                                       .dst_op = BUNDLE_RECEIVES,
                                       .src = src,
                                       .dst = dst,
                                       .bytes_B = 1e9,
                                       .latency_s = 0.002,
                                       .weight = 1,
                                       .round_trips = 1};
                if (src == dst || amount <= 0)
                    continue;
                cells[n] = (struct bundle_cell){(uint16_t)dst, (uint16_t)n};
                amounts[n++] = amount;
            }
            first_cell[src + 1] = n;
        }
        struct bundle b = {N, way, row, first_cell, cells, amounts, n};
        if (bundles)
            opgraph_bundle(f->graph, &b);
        for (uint32_t src = 0; src < N && !bundles; src++)
            for (uint32_t i = first_cell[src]; i < first_cell[src + 1]; i++) {
                struct transfer t = bundle_transfer(&b, src, cells[i]);
                opgraph_transfer(f->graph, &t);
            }
    }
}

START_TEST(bundles_are_their_transfers)
{
    struct fixture *bundled = star_new(), *single = star_new();
    add_calls(bundled, true);
    add_calls(single, false);
    struct sim_outcome got = run(bundled), want = run(single);
    ck_assert_uint_eq(bundled->graph->n_transfers, 0);
    ck_assert_uint_gt(single->graph->n_transfers, 10);
    ck_assert_uint_eq(got.n_flows, want.n_flows);
    ck_assert_double_gt(want.makespan_s, 0.1);
    for (uint32_t i = 0; i < single->graph->n_ops; i++) {
        ck_assert_msg(got.op_start_s[i] == want.op_start_s[i], "op %u starts", i);
        ck_assert_msg(got.op_end_s[i] == want.op_end_s[i], "op %u ends", i);
    }
    fixture_free(bundled);
    fixture_free(single);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("trees");
    TCase *t = tcase_create("trees");
    tcase_add_test(t, multicast_leaves_once);
    tcase_add_test(t, the_slowest_branch_decides);
    tcase_add_test(t, reduction_waits_for_all_and_enters_once);
    tcase_add_test(t, trees_share_links);
    tcase_add_test(t, resources_of_branches);
    tcase_add_test(t, half_hops);
    tcase_add_test(t, other_networks_refuse_them);
    tcase_add_test(t, bundles_are_their_transfers);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
