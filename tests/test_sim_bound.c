/* Network `bound` is never later than `flow`, and sees links that no op fills alone. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim_fixture.h"
#include "tap_main.h"

enum { N = 6, TRUNK = 2 * N };

/* Device i leaves over link i, all share the trunk, device j is entered over N + j. */
static uint32_t trunk_path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                           uint32_t links[ROUTE_MAX_LINKS])
{
    (void)t, (void)number;
    links[0] = src;
    links[1] = TRUNK;
    links[2] = N + dst;
    return 3;
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

static const struct topology_type trunk = {
    .name = "trunk", .path = trunk_path, .by_destination = first, .n_minimal = one};

struct building {
    struct fixture *f;
    gsl_rng *rng;
    uint32_t lane[N], last[N];
};

static double some(struct building *b, double most)
{
    return gsl_rng_uniform(b->rng) * most;
}

static struct building begin(unsigned seed, double trunk_Bps)
{
    struct building b = {.f = fixture_new(2 * N + 1, N), .rng = gsl_rng_alloc(gsl_rng_taus2)};
    gsl_rng_set(b.rng, seed);
    b.f->topo.type = &trunk;
    b.f->spec.sm_per_device = 100;
    for (uint32_t i = 0; i < 2 * N; i++)
        b.f->topo.links[i] = (struct topo_link){.capacity_Bps = 50e9, .latency_s = 1e-6};
    b.f->topo.links[TRUNK] = (struct topo_link){.capacity_Bps = trunk_Bps, .latency_s = 1e-6};
    for (uint32_t i = 0; i < N; i++)
        b.lane[i] = opgraph_lane(b.f->graph);
    return b;
}

static void end(struct building *b)
{
    fixture_free(b->f);
    gsl_rng_free(b->rng);
}

static uint32_t add(struct building *b, uint32_t device, struct op op, const char *name, int32_t layer)
{
    op.lane = b->lane[device];
    op.device = device;
    op.name = op.class_name = op.phase = opgraph_string(b->f->graph, name);
    op.layer = layer;
    if (op.kind != OP_SYNC)
        op.sync_group = OP_NONE;
    return opgraph_add(b->f->graph, &op);
}

static void add_compute(struct building *b, int32_t layer)
{
    for (uint32_t d = 0; d < N; d++)
        add(b, d,
            (struct op){.kind = OP_COMPUTE,
                        .work_s = some(b, 1e-4),
                        .lead_s = some(b, 1e-5),
                        .sm_ref = (float)(10 + some(b, 80)),
                        .sm_max = 90},
            "compute", layer);
}

static void add_sync(struct building *b, int32_t layer)
{
    uint32_t group = opgraph_sync_group(b->f->graph);
    for (uint32_t d = 0; d < N; d++)
        add(b, d, (struct op){.kind = OP_SYNC, .work_s = 1e-6, .sync_group = group}, "sync", layer);
}

/* All devices in one exchange, or in two of halves; a byte's weight and cap change nothing of the bound. */
static void add_exchange(struct building *b, uint32_t size, double most_B, int32_t layer)
{
    uint32_t op[N];
    bool rendezvous = some(b, 1) < 0.3;
    for (uint32_t d = 0; d < N; d++)
        op[d] = add(b, d, (struct op){.kind = OP_COMM, .work_s = some(b, 1e-6), .sm_hold = 10}, "exchange", layer);
    for (uint32_t s = 0; s < N; s++)
        for (uint32_t d = 0; d < N; d++)
            if (s != d && s / size == d / size)
                opgraph_transfer(b->f->graph, &(struct transfer){.src_op = op[s],
                                                                 .dst_op = op[d],
                                                                 .src = s,
                                                                 .dst = d,
                                                                 .bytes_B = 1 + some(b, most_B),
                                                                 .weight = 1 + some(b, 2),
                                                                 .rendezvous = rendezvous});
}

static struct sim_outcome run(struct building *b, enum net_kind net)
{
    struct sim_outcome out;
    b->f->spec.net = net;
    ck_assert_msg(!sim_run(&b->f->spec, b->f->arena, &out, b->f->diag), "%s", diag_text(b->f->diag));
    return out;
}

static void check_not_later(double bound_s, double flow_s, const char *what, uint32_t i, unsigned seed)
{
    ck_assert_msg(bound_s <= flow_s * (1 + 1e-9) + 1e-15, "seed %u: %s %u: bound %.12g s, flow %.12g s", seed, what, i,
                  bound_s, flow_s);
}

START_TEST(never_later_than_flow)
{
    unsigned seed = 100 + (unsigned)_i;
    struct building b = begin(seed, _i % 2 ? 60e9 : 300e9);
    for (int32_t layer = 1; layer <= 4; layer++) {
        add_compute(&b, layer);
        if (some(&b, 1) < 0.5)
            add_sync(&b, layer);
        add_exchange(&b, some(&b, 1) < 0.5 ? N : N / 2, 2e6, layer);
    }
    struct sim_outcome bound = run(&b, NET_BOUND), flow = run(&b, NET_FLOW);
    check_not_later(bound.makespan_s, flow.makespan_s, "makespan", 0, seed);
    for (uint32_t i = 0; i < b.f->graph->n_ops; i++) {
        check_not_later(bound.op_start_s[i], flow.op_start_s[i], "start of op", i, seed);
        check_not_later(bound.op_end_s[i], flow.op_end_s[i], "end of op", i, seed);
    }
    for (uint32_t i = 0; i < b.f->graph->n_transfers; i++)
        check_not_later(bound.transfer_end_s[i], flow.transfer_end_s[i], "transfer", i, seed);
    ck_assert_double_ge(bound.makespan_s, 0.5 * flow.makespan_s);
    end(&b);
}
END_TEST

/* The trunk is full, no op's own bytes are: only the whole exchange says so, to the op behind the next exchange. */
START_TEST(a_cable_that_all_share)
{
    struct building b = begin(1, 50e9);
    uint32_t after = 0;
    for (int32_t layer = 1; layer <= 2; layer++) {
        uint32_t op[N];
        for (uint32_t d = 0; d < N; d++)
            op[d] = add(&b, d, (struct op){.kind = OP_COMM}, "exchange", layer);
        for (uint32_t s = 0; s < N; s++)
            for (uint32_t d = 0; d < N; d++)
                if (s != d)
                    opgraph_transfer(b.f->graph, &(struct transfer){.src_op = op[s],
                                                                    .dst_op = op[d],
                                                                    .src = s,
                                                                    .dst = d,
                                                                    .bytes_B = layer == 1 ? 1e6 : 1,
                                                                    .weight = 1});
    }
    for (uint32_t d = 0; d < N; d++)
        after = add(&b, d, (struct op){.kind = OP_COMPUTE, .work_s = 1e-6}, "compute", 3);
    struct sim_outcome bound = run(&b, NET_BOUND);
    double trunk_s = N * (N - 1) * 1e6 / 50e9;
    ck_assert_double_ge(bound.op_start_s[after], trunk_s);
    ck_assert_double_ge(sim_joint_end_s(&bound, 0), trunk_s);
    ck_assert_double_lt(bound.op_end_s[0], trunk_s / 2);
    ck_assert_double_ge(bound.makespan_s, trunk_s);
    check_not_later(bound.makespan_s, run(&b, NET_FLOW).makespan_s, "makespan", 0, 1);
    end(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("bound");
    TCase *c = tcase_create("bound");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, never_later_than_flow, 0, 100);
    tcase_add_test(c, a_cable_that_all_share);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
