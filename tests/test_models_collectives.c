/* Collectives: what must arrive arrives, and ideal networks take the textbook's time. */
#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"
#include "kinds/network/collective_cfg.h"
#include "models/comm/deepep_ll.h"
#include "sim/sim.h"
#include "tap_main.h"
#include "topology/symmetry.h"

static struct arena *arena;
static struct diag *d;
static struct cluster_hw hw;
static struct opgraph *graph;
static struct sim_outcome outcome;

static const double nvlink_Bps = 160e9, nic_Bps = 50e9;

/* No latencies, no headers, no software. */
static void ideal_cluster(int64_t nodes)
{
    hw = (struct cluster_hw){
        .nodes = nodes,
        .topology = "mpft",
        .node = {.gpus = 8, .nvlink_Bps = nvlink_Bps, .nvlink_efficiency_ratio = 1, .pcie_Bps = 1e15},
        .nic = {.per_node = 8, .bandwidth_Bps = nic_Bps, .mtu_B = 4096, .efficiency_ratio = 1},
        .network = {.switch_ports = 64, .port_Bps = nic_Bps},
        .software = {.chunk_B = 1 << 19}};
}

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
    graph = NULL;
    ideal_cluster(2);
}

static void teardown(void)
{
    opgraph_free(graph);
    diag_free(d);
    arena_free(arena);
}

static uint32_t *ranks_from(uint32_t n, uint32_t stride)
{
    uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        ranks[i] = i * stride;
    return ranks;
}

static struct collective call(int operation, int algorithm, uint32_t n, uint32_t stride, double size_B)
{
    return (struct collective){.operation = operation,
                               .algorithm = algorithm,
                               .ranks = ranks_from(n, stride),
                               .n = n,
                               .size_B = size_B,
                               .pxn = true};
}

static void build(const struct collective *c)
{
    opgraph_free(graph);
    graph = opgraph_new((uint32_t)(hw.nodes * hw.node.gpus));
    collective_build(graph, &hw, c, arena);
    opgraph_check(graph);
}

static double run_graph(void)
{
    struct topology topo = {.type = topology_find(hw.topology)};
    ck_assert_int_eq(topo.type->build(&topo, &hw, arena, d), 0);
    struct sim_spec spec = {.graph = graph, .topo = &topo, .sm_per_device = 132, .checked = true};
    ck_assert_msg(sim_run(&spec, arena, &outcome, d) == 0, "%s", diag_text(d));
    return outcome.makespan_s;
}

static double time_of(const struct collective *c)
{
    build(c);
    return run_graph();
}

static void expect_time(struct collective c, double wanted_s)
{
    double is_s = time_of(&c);
    ck_assert_msg(fabs(is_s / wanted_s - 1) < 1e-9, "%s by %s among %u: %.9g s, wanted %.9g s",
                  collective_operation_names[c.operation], collective_algorithm_names[c.algorithm], c.n, is_s,
                  wanted_s);
}

/* --- closed forms ----------------------------------------------------------------------------------------- */

/* n GPUs of one node over NVLink, then one GPU of each of n nodes over its NIC: both are stars. */
static void expect_star(int operation, int algorithm, double rounds(double n))
{
    const double size_B = 3e6;
    ideal_cluster(1);
    for (uint32_t n = 2; n <= 8; n++)
        expect_time(call(operation, algorithm, n, 1, size_B), rounds(n) * size_B / nvlink_Bps);
    ideal_cluster(11);
    for (uint32_t n = 2; n <= 11; n += 3)
        expect_time(call(operation, algorithm, n, 8, size_B), rounds(n) * size_B / nic_Bps);
}

static double once(double n)
{
    return (n - 1) / n;
}
static double twice(double n)
{
    return 2 * (n - 1) / n;
}
static double all_from_root(double n)
{
    return n - 1;
}
static double whole(double n)
{
    (void)n;
    return 1;
}

START_TEST(ideal_stars)
{
    expect_star(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_DIRECT, once);
    expect_star(COLLECTIVE_ALL_GATHER, COLLECTIVE_RING, once);
    expect_star(COLLECTIVE_ALL_GATHER, COLLECTIVE_DIRECT, once);
    expect_star(COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_RING, once);
    expect_star(COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_DIRECT, once);
    expect_star(COLLECTIVE_ALL_REDUCE, COLLECTIVE_RING, twice);
    expect_star(COLLECTIVE_ALL_REDUCE, COLLECTIVE_DIRECT, twice);
    expect_star(COLLECTIVE_BROADCAST, COLLECTIVE_DIRECT, all_from_root);
    expect_star(COLLECTIVE_SEND_RECV, COLLECTIVE_DIRECT, whole);
}
END_TEST

/* Whole nodes: NVLink and the network one after the other. */
START_TEST(ideal_hierarchies)
{
    const double S = 64e6, P = 8;
    for (int64_t nodes = 2; nodes <= 4; nodes++) {
        ideal_cluster(nodes);
        double N = (double)nodes, n = P * N;
        double inside_s = (P - 1) * (S / P) / nvlink_Bps, across_s = (N - 1) * (S / n) / nic_Bps;
        uint32_t gpus = (uint32_t)n;
        expect_time(call(COLLECTIVE_ALL_GATHER, COLLECTIVE_HIERARCHICAL, gpus, 1, S), inside_s + across_s);
        expect_time(call(COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_HIERARCHICAL, gpus, 1, S), inside_s + across_s);
        expect_time(call(COLLECTIVE_ALL_REDUCE, COLLECTIVE_HIERARCHICAL, gpus, 1, S), 2 * (inside_s + across_s));
        /* to each GPU of the node N shares; then N - 1 messages of P shares each */
        expect_time(call(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_HIERARCHICAL, gpus, 1, S),
                    (P - 1) * N * (S / n) / nvlink_Bps + (N - 1) * P * (S / n) / nic_Bps);
    }
}
END_TEST

/* The chunks of a pipeline: the last one arrives after chunks + hops - 1 steps. */
START_TEST(ideal_broadcast_ring)
{
    ideal_cluster(1);
    for (uint32_t n = 2; n <= 8; n++) {
        const double chunks = 10;
        struct collective c = call(COLLECTIVE_BROADCAST, COLLECTIVE_RING, n, 1, chunks * hw.software.chunk_B);
        double ideal_s = c.size_B / nvlink_Bps, fill_s = (n - 2) * ideal_s / chunks;
        double is_s = time_of(&c);
        ck_assert_double_ge(is_s, (ideal_s + fill_s) * (1 - 1e-9));
        ck_assert_double_le(is_s, ideal_s + 2 * fill_s + 1e-9); /* two chunks share a link */
    }
}
END_TEST

/* No GPU sends or receives less than 2 (n-1)/n of the buffer; each tree adds its depth. */
START_TEST(trees_are_between_the_bound_and_its_pipeline)
{
    ideal_cluster(8);
    for (uint32_t n = 2; n <= 64; n = 2 * n + 1) {
        struct collective c = call(COLLECTIVE_ALL_REDUCE, COLLECTIVE_TREE, n < 8 ? n : n / 8 * 8, 1, 512e6);
        double bound_s = twice(c.n) * c.size_B / (c.n > 8 ? 8 * nic_Bps : nvlink_Bps);
        double is_s = time_of(&c);
        ck_assert_double_ge(is_s, (c.n > 8 ? 0.5 : 1 - 1e-9) * bound_s);
        ck_assert_double_le(is_s, 3 * fmax(bound_s, twice(c.n) * c.size_B / nvlink_Bps));
    }
}
END_TEST

/* What auto takes goes by the nodes of the group, whose members need not be whole nodes. */
START_TEST(small_sums_of_strided_groups_take_trees)
{
    ideal_cluster(8);
    hw.network.switch_latency_s = 5e-6;
    struct collective c = call(COLLECTIVE_ALL_REDUCE, COLLECTIVE_AUTO, 8, 8, 65536);
    double auto_s = time_of(&c);
    c.algorithm = COLLECTIVE_RING;
    double ring_s = time_of(&c);
    c.algorithm = COLLECTIVE_TREE;
    ck_assert(auto_s == time_of(&c));
    ck_assert(auto_s < ring_s);
}
END_TEST

/* Every mechanism once: launch, path, software, posting. */
START_TEST(latency_of_a_ring)
{
    ideal_cluster(3);
    hw.nic.latency_s = 1e-6;
    hw.network.switch_latency_s = 0.5e-6;
    hw.network.copper_length_m = hw.network.optical_length_m = 20;
    hw.software = (struct hw_software){.launch_s = 8e-6,
                                       .network_step_s = 6e-6,
                                       .message_s = 0.5e-6,
                                       .ibgda_step_s = 2e-6,
                                       .ibgda_message_s = 0.1e-6,
                                       .chunk_B = 1 << 19};
    double hop_s = 2 * (1e-6 + 0.1e-6) + 0.5e-6 + 6e-6 + 0.5e-6;
    struct collective c = call(COLLECTIVE_ALL_GATHER, COLLECTIVE_RING, 3, 8, 3e6);
    expect_time(c, 8e-6 + 2 * (hop_s + 1e6 / nic_Bps));
    /* direct: the second message is posted after the first, but the wire is busy meanwhile */
    c.algorithm = COLLECTIVE_DIRECT;
    expect_time(c, 8e-6 + hop_s + 2e6 / nic_Bps);
    /* nothing to carry but latency: the last message posted decides */
    c.size_B = 3e-6;
    double is_s = time_of(&c);
    ck_assert_double_eq_tol(is_s, 8e-6 + hop_s + 0.5e-6, 1e-12);
    /* the same by the GPU itself, without a proxy */
    hw.software.initiator = INITIATOR_IBGDA;
    is_s = time_of(&c);
    ck_assert_double_eq_tol(is_s, 8e-6 + (hop_s - 6e-6 - 0.5e-6) + 2e-6 + 2 * 0.1e-6, 1e-12);
}
END_TEST

/* Each member's op is of its own; the launch is theirs. */
static double flows_time_of(const struct collective *c)
{
    uint32_t *op = ARENA_ARRAY(arena, uint32_t, c->n);
    opgraph_free(graph);
    graph = opgraph_new((uint32_t)(hw.nodes * hw.node.gpus));
    uint32_t name = opgraph_string(graph, "ring");
    for (uint32_t i = 0; i < c->n; i++)
        op[i] = opgraph_add(graph, &(struct op){.kind = OP_COMM,
                                                .lane = opgraph_lane(graph),
                                                .device = c->ranks[i],
                                                .sync_group = OP_NONE,
                                                .name = name,
                                                .class_name = name,
                                                .phase = name});
    collective_ring_flows(graph, &hw, c, op, arena);
    opgraph_check(graph);
    return run_graph();
}

/* All steps at once take what they take one after the other, where bytes decide: a step that NVLink holds up hides
 * the latency of the network, which the flows wait for. */
START_TEST(a_full_ring_is_its_flows)
{
    const uint32_t shapes[][2] = {{8, 1}, {16, 1}, {32, 1}, {4, 8}, {2, 16}};
    ideal_cluster(4);
    hw.nic.latency_s = 1e-6;
    hw.node.nvlink_latency_s = 1e-6;
    hw.network.switch_latency_s = 0.5e-6;
    hw.software.network_step_s = 6e-6;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int operation = COLLECTIVE_ALL_GATHER; operation <= COLLECTIVE_REDUCE_SCATTER; operation++) {
            struct collective c = call(operation, COLLECTIVE_RING, shapes[i][0], shapes[i][1], 8e9);
            double steps_s = time_of(&c);
            ck_assert_double_eq_tol(flows_time_of(&c), steps_s, 0.02 * steps_s);
        }
}
END_TEST

/* The next larger size takes no less time, and not much more than it has more bytes. */
static void expect_no_jumps(struct collective c, double from_B, double to_B, double most)
{
    double before_s = 0;
    for (c.size_B = from_B; c.size_B <= to_B; c.size_B *= 1.09) {
        double is_s = time_of(&c);
        ck_assert_msg(is_s > 0.97 * before_s, "%g B: %g s after %g s", c.size_B, is_s, before_s);
        ck_assert_msg(!(before_s > 0) || is_s < most * before_s, "%g B: %g s after %g s", c.size_B, is_s, before_s);
        before_s = is_s;
    }
}

static void real_cluster(void)
{
    ideal_cluster(8);
    hw.nic.latency_s = 1e-6;
    hw.node.nvlink_latency_s = 1e-6;
    hw.network.switch_latency_s = 0.5e-6;
    hw.software.network_step_s = 6e-6;
    hw.software.message_s = 0.588e-6;
    hw.software.nccl.peer_ll_Bps = 6.2e9;
    hw.ep_kernel.copies.load_s = 0.57e-6;
}

START_TEST(times_of_rings_do_not_jump)
{
    real_cluster();
    hw.node.nvlink_Bps = 8 * nic_Bps;
    expect_no_jumps(call(COLLECTIVE_ALL_GATHER, COLLECTIVE_AUTO, 16, 1, 0), 64e6, 1e9, 1.1);
}
END_TEST

/* Steps, whose first and last are copied while nothing else goes on, grow where a message is 128 KiB and 1 MiB. */
START_TEST(times_of_all_to_alls_do_not_jump)
{
    real_cluster();
    for (uint32_t n = 16; n <= 64; n *= 4)
        expect_no_jumps(call(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_AUTO, n, 1, 0), 4096.0 * n, (2 << 20) * (double)n, 1.3);
}
END_TEST

/* A receiver of much has steps of its own; what others get goes by theirs. */
START_TEST(unequal_receivers_have_their_own_steps)
{
    double share[16] = {0.55};
    real_cluster();
    for (int i = 1; i < 16; i++)
        share[i] = 0.03;
    struct collective c = call(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_AUTO, 16, 1, 0);
    c.receiver_share = share;
    expect_no_jumps(c, 65536, 8 << 20, 1.3);
    c.size_B = 128 << 10;
    c.algorithm = COLLECTIVE_DIRECT;
    double direct_s = time_of(&c);
    c.algorithm = COLLECTIVE_AUTO;
    ck_assert_double_lt(time_of(&c), direct_s + 25e-6);
}
END_TEST

/* --- symmetry ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *topology;
    int64_t nodes, ports;
    bool pxn;
} folds[] = {{"mpft", 2, 64, false}, {"mpft", 8, 8, false},  {"mpft", 8, 8, true}, {"mpft", 32, 8, false},
             {"mrft", 8, 16, false}, {"mrft", 16, 16, true}, {"ft2", 8, 32, false}};

static double folded_time_of(const struct collective *c)
{
    struct topology t = {.type = topology_find(hw.topology)}, quotient;
    ck_assert_int_eq(t.type->build(&t, &hw, arena, d), 0);
    ck_assert_msg(!symmetry_quotient(&t, &quotient, arena, d), "%s is not symmetric", hw.topology);
    opgraph_free(graph);
    graph = opgraph_new(t.n_endpoints);
    collective_build_folded(graph, &hw, c, arena);
    struct sim_spec spec = {.graph = graph, .topo = &quotient, .net = NET_FLOW, .sm_per_device = 1};
    ck_assert_int_eq(sim_run(&spec, arena, &outcome, d), 0);
    return outcome.makespan_s;
}

/* One GPU's traffic on the folded network takes what everyone's takes on the whole one, in the network as
 * it comes (latencies, leaves with few uplinks), down to messages whose latency decides. */
START_TEST(folded_is_whole)
{
    hw.topology = folds[_i].topology;
    hw.nodes = folds[_i].nodes;
    hw.network.switch_ports = folds[_i].ports;
    hw.nic.latency_s = 1e-6;
    hw.node.nvlink_latency_s = 3e-6;
    hw.network.switch_latency_s = 0.5e-6;
    hw.software = (struct hw_software){.launch_s = 8e-6, .network_step_s = 6e-6, .chunk_B = 1 << 19};
    for (double size_B = 1e3; size_B < 1e11; size_B *= 1e3) {
        struct collective c = call(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_DIRECT, (uint32_t)hw.nodes * 8, 1, size_B);
        c.pxn = folds[_i].pxn;
        double whole_s = time_of(&c);
        uint32_t flows = graph->n_transfers;
        ck_assert_double_eq_tol(folded_time_of(&c), whole_s, whole_s * 1e-9);
        ck_assert_uint_lt(graph->n_transfers * (uint32_t)hw.nodes, flows);
    }
}
END_TEST

/* A leaf that is not full has other neighbours than a full one. */
START_TEST(uneven_leaves_are_not_folded)
{
    struct topology t, quotient;
    hw.nodes = 10;
    hw.network.switch_ports = 8;
    t = (struct topology){.type = topology_find("mpft")};
    ck_assert_int_eq(t.type->build(&t, &hw, arena, d), 0);
    ck_assert_int_eq(symmetry_quotient(&t, &quotient, arena, d), -1);
    ck_assert(diag_failed(d));
}
END_TEST

/* --- conservation ----------------------------------------------------------------------------------------- */

static bool crosses_nodes(const struct transfer *t)
{
    return t->src / hw.node.gpus != t->dst / hw.node.gpus;
}

static void sum_bytes(double *in_B, double *out_B, double *network_in_B, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        in_B[i] = out_B[i] = network_in_B[i] = 0;
    for (uint32_t i = 0; i < graph->n_transfers; i++) {
        const struct transfer *t = &graph->transfers[i];
        out_B[t->src] += t->bytes_B;
        in_B[t->dst] += t->bytes_B;
        if (crosses_nodes(t))
            network_in_B[t->dst] += t->bytes_B;
    }
}

/* All-to-all-v: what a GPU receives less what it passes on is what the others have for it, and the
 * network brings it exactly what other nodes have for it, however it is routed. */
static void check_all_to_all(const struct collective *c)
{
    double in_B[64], out_B[64], network_B[64];
    sum_bytes(in_B, out_B, network_B, 64);
    for (uint32_t i = 0; i < c->n; i++) {
        double share = c->receiver_share ? c->receiver_share[i] : 1.0 / c->n, elsewhere = 0;
        double gains_B = c->size_B * ((c->n - 1) * share - (1 - share));
        for (uint32_t k = 0; k < c->n; k++)
            elsewhere += c->ranks[k] / hw.node.gpus != c->ranks[i] / hw.node.gpus;
        uint32_t rank = c->ranks[i];
        ck_assert_double_eq_tol(in_B[rank] - out_B[rank], gains_B, 1e-6 * c->size_B);
        ck_assert_double_eq_tol(network_B[rank], elsewhere * share * c->size_B, 1e-6 * c->size_B);
    }
}

START_TEST(all_to_all_conserves)
{
    gsl_rng *rng = rng_stream(3, (uint64_t)_i, "collectives test");
    uint32_t ranks[64], n = 0;
    double share[64], sum = 0;
    ideal_cluster(8);
    for (uint32_t r = 0; r < 64; r++) /* any subset, so some rails are missing on some nodes */
        if (gsl_rng_uniform(rng) < 0.6)
            ranks[n++] = r;
    for (uint32_t i = 0; i < n; i++)
        sum += share[i] = gsl_ran_exponential(rng, 1);
    for (uint32_t i = 0; i < n; i++)
        share[i] /= sum;
    struct collective c = {.operation = COLLECTIVE_ALL_TO_ALL,
                           .ranks = ranks,
                           .n = n,
                           .size_B = 1e6 * gsl_rng_uniform_pos(rng),
                           .receiver_share = gsl_rng_uniform_int(rng, 2) ? share : NULL,
                           .pxn = gsl_rng_uniform_int(rng, 2)};
    ck_assert_ptr_null(collective_misfit(&c, &hw));
    build(&c);
    check_all_to_all(&c);
    hw.ep_kernel.copies.load_s = 0.57e-6; /* NCCL's, by warps; large enough for no flags between values */
    c.size_B += 64 * 16384;
    build(&c);
    check_all_to_all(&c);
    c.algorithm = COLLECTIVE_HIERARCHICAL;
    if (!collective_misfit(&c, &hw)) {
        build(&c);
        check_all_to_all(&c);
    }
    gsl_rng_free(rng);
}
END_TEST

/* Everybody receives what the operation owes it at least, and no algorithm sends more in all than the
 * textbook says, but for hops over NVLink to another rail. */
START_TEST(others_conserve)
{
    const double S = 1e6;
    static const struct {
        int operation, algorithm;
        double each; /* of S (n-1)/n, or of S for broadcast */
    } cases[] = {{COLLECTIVE_ALL_GATHER, COLLECTIVE_RING, 1},         {COLLECTIVE_ALL_GATHER, COLLECTIVE_DIRECT, 1},
                 {COLLECTIVE_ALL_GATHER, COLLECTIVE_HIERARCHICAL, 1}, {COLLECTIVE_REDUCE_SCATTER, COLLECTIVE_RING, 1},
                 {COLLECTIVE_ALL_REDUCE, COLLECTIVE_RING, 2},         {COLLECTIVE_ALL_REDUCE, COLLECTIVE_DIRECT, 2},
                 {COLLECTIVE_ALL_REDUCE, COLLECTIVE_TREE, 2},         {COLLECTIVE_BROADCAST, COLLECTIVE_RING, 1},
                 {COLLECTIVE_BROADCAST, COLLECTIVE_DIRECT, 1}};
    double in_B[64], out_B[64], network_B[64];
    ideal_cluster(4);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct collective c = call(cases[k].operation, cases[k].algorithm, 32, 1, S);
        bool broadcast = c.operation == COLLECTIVE_BROADCAST;
        c.pxn = false;
        build(&c);
        sum_bytes(in_B, out_B, network_B, 64);
        double total_B = 0, wanted_B = cases[k].each * (broadcast ? S * 31 : S * 31.0 / 32 * 32);
        for (uint32_t i = 0; i < 32; i++)
            total_B += in_B[i];
        ck_assert_double_eq_tol(total_B, wanted_B, 1e-6 * wanted_B);
        for (uint32_t i = 1; i < 32 && c.algorithm != COLLECTIVE_TREE; i++)
            ck_assert_double_eq_tol(in_B[i], wanted_B / (broadcast ? 31 : 32), 1e-6 * wanted_B);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_said)
{
    struct collective c = call(COLLECTIVE_ALL_TO_ALL, COLLECTIVE_RING, 8, 1, 1e6);
    ck_assert_ptr_nonnull(collective_misfit(&c, &hw));
    c = call(COLLECTIVE_ALL_REDUCE, COLLECTIVE_RING, 12, 1, 1e6); /* 8 of one node, 4 of the other */
    ck_assert_ptr_nonnull(collective_misfit(&c, &hw));
    c.algorithm = COLLECTIVE_DIRECT;
    ck_assert_ptr_null(collective_misfit(&c, &hw));
    c.n = 1;
    ck_assert_ptr_nonnull(collective_misfit(&c, &hw));
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------------------ */

START_TEST(groups_partition_the_gpus)
{
    for (int64_t group = 1; group <= 64; group *= 2)
        for (int64_t stride = 1; group * stride <= 64; stride *= 2) {
            struct collective_job job = {.group = group, .group_stride = stride};
            uint32_t ranks[64], seen[64] = {0}, n = collective_n_groups(&job, 64);
            ck_assert_uint_eq(n, 64 / (uint32_t)group);
            for (uint32_t g = 0; g < n; g++) {
                ck_assert_uint_eq(collective_group(&job, 64, g, ranks), (uint32_t)group);
                for (uint32_t i = 0; i < group; i++) {
                    ck_assert_uint_lt(ranks[i], 64);
                    seen[ranks[i]]++;
                    ck_assert(i == 0 || ranks[i] == ranks[i - 1] + stride);
                }
            }
            for (uint32_t r = 0; r < 64; r++)
                ck_assert_uint_eq(seen[r], 1);
        }
}
END_TEST

/* --- low-latency kernels ------------------------------------------------------------------------------------ */

START_TEST(low_latency_bytes)
{
    struct ll_traffic t;
    ck_assert(ll_message_B(&hw.ep_kernel, 7168, false) == 7408);
    ck_assert(ll_message_B(&hw.ep_kernel, 7168, true) == 14336);
    ll_sample(16, 100, 64, 8, 7, arena, &t);
    double pairs = 0, own = 0;
    for (uint32_t i = 0; i < 16 * 16; i++) {
        pairs += t.pairs[i];
        own += i % 17 ? 0 : t.pairs[i];
    }
    ck_assert(pairs == 16 * 100 * 8);
    for (int combine = 0; combine < 2; combine++) {
        double in_B[64], out_B[64], network_B[64], sum_B = 0;
        opgraph_free(graph);
        graph = opgraph_new(16);
        ll_build(graph, &hw, &t, ll_message_B(&hw.ep_kernel, 7168, combine), combine, combine, arena);
        opgraph_check(graph);
        sum_bytes(in_B, out_B, network_B, 16);
        for (uint32_t r = 0; r < 16; r++) {
            uint32_t served = 0;
            for (uint32_t home = 0; home < 16; home++)
                served += home == r ? 0 : t.pairs[home * 16 + r];
            double wanted_B = served * ll_message_B(&hw.ep_kernel, 7168, combine);
            ck_assert((combine ? out_B : in_B)[r] == wanted_B);
            sum_B += in_B[r];
        }
        ck_assert(sum_B == (pairs - own) * ll_message_B(&hw.ep_kernel, 7168, combine));
    }
}
END_TEST

/* All through the NICs: not faster than the busiest NIC, and not much slower. */
START_TEST(low_latency_time)
{
    struct ll_traffic t;
    hw.topology = "mrft";
    hw.ep_kernel.ll_dispatch_s = 5e-6;
    ll_sample(16, 128, 64, 8, 1, arena, &t);
    graph = opgraph_new(16);
    ll_build(graph, &hw, &t, ll_message_B(&hw.ep_kernel, 7168, false), false, true, arena);
    double in_B[64], out_B[64], network_B[64], most_B = 0;
    sum_bytes(in_B, out_B, network_B, 16);
    for (uint32_t r = 0; r < 16; r++)
        most_B = fmax(most_B, fmax(in_B[r], out_B[r]));
    double is_s = run_graph(), bound_s = 5e-6 + most_B / nic_Bps;
    ck_assert_double_ge(is_s, bound_s * (1 - 1e-9));
    ck_assert_double_le(is_s, bound_s * 1.05);
}
END_TEST

/* A proxy that posts more slowly than the NIC could send decides: what the busiest rank posts, one after
 * the other. Messages inside a node are not posted when they do not go through the NIC. */
START_TEST(low_latency_posting)
{
    struct ll_traffic t;
    double most_s = 0;
    bool loopback = _i;
    hw.topology = "mrft";
    hw.software.message_s = 1e-6;
    hw.ep_kernel.ll_initiator = INITIATOR_CPU_PROXY;
    ll_sample(16, 128, 64, 8, 1, arena, &t);
    graph = opgraph_new(16);
    ll_build(graph, &hw, &t, ll_message_B(&hw.ep_kernel, 7168, false), false, loopback, arena);
    double posted_s[16] = {0};
    for (uint32_t i = 0; i < graph->n_transfers; i++) {
        const struct transfer *m = &graph->transfers[i];
        if (loopback || crosses_nodes(m))
            posted_s[m->src] += m->bytes_B / ll_message_B(&hw.ep_kernel, 7168, false) * 1e-6;
    }
    for (uint32_t r = 0; r < 16; r++)
        most_s = fmax(most_s, posted_s[r]);
    ck_assert_double_eq_tol(run_graph(), most_s, most_s * 1e-6);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("collectives");
    TCase *c = tcase_create("collectives");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, ideal_stars);
    tcase_add_test(c, ideal_hierarchies);
    tcase_add_test(c, ideal_broadcast_ring);
    tcase_add_test(c, trees_are_between_the_bound_and_its_pipeline);
    tcase_add_test(c, small_sums_of_strided_groups_take_trees);
    tcase_add_test(c, latency_of_a_ring);
    tcase_add_test(c, a_full_ring_is_its_flows);
    tcase_add_test(c, times_of_rings_do_not_jump);
    tcase_add_test(c, times_of_all_to_alls_do_not_jump);
    tcase_add_test(c, unequal_receivers_have_their_own_steps);
    tcase_add_loop_test(c, folded_is_whole, 0, sizeof folds / sizeof *folds);
    tcase_add_test(c, uneven_leaves_are_not_folded);
    tcase_add_loop_test(c, all_to_all_conserves, 0, 40);
    tcase_add_test(c, others_conserve);
    tcase_add_test(c, what_does_not_fit_is_said);
    tcase_add_test(c, groups_partition_the_gpus);
    tcase_add_test(c, low_latency_bytes);
    tcase_add_test(c, low_latency_time);
    tcase_add_loop_test(c, low_latency_posting, 0, 2);
    suite_add_tcase(s, c);
    return tap_main(s);
}
