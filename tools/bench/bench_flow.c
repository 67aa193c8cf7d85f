/* make bench: network flow on all-to-alls over real trees and multi-plane networks, exact and with an epsilon, with the errors
 * of finish times; SimGrid's own model (cm02) on the same; peers' times as they were measured once. */
#include <gsl/gsl_randist.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/rng.h"
#include "bench.h"
#include "brute_force.h"
#include "hw/cluster.h"
#include "io/scenario.h"
#include "models/comm/deepep_ll.h"
#include "sim/flow/flow_net.h"
#include "sim/sim.h"
#include "sim/xalloc.h"
#include "topology/symmetry.h"
#include "topology/topo_keys.h"

enum { MIB = 1 << 20 };

enum sizes { EQUAL, UNIFORM, LOGNORMAL, HOT, STAGGERED };
static const char *const size_names[] = {"equal", "uniform", "lognormal", "hot", "staggered"};

struct network {
    const char *topology;
    uint32_t hosts, gpus_per_host;
    int oversubscription; /* of ft2 */
};

struct bench {
    struct arena *arena;
    struct diag *diag;
    struct topology topo;
    struct opgraph *graph;
    struct cluster_hw *hw;
};

static struct cluster_hw *load_hardware(struct bench *b, uint32_t nodes)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "ep_kernel"};
    struct cfg *cfg = cfg_new(&cluster_hw_table, b->arena);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        snprintf(name, sizeof name, "configs/h800/%s.yaml", parts[i]);
        const char *path = data_find(name, NULL, b->arena);
        if (!path) {
            fprintf(stderr, "bench: error: %s not found\n", name);
            exit(EXIT_IO);
        }
        cfg_load_file(cfg, path, parts[i], true, NULL, b->diag);
    }
    bench_die_on_error(b->diag);
    struct cluster_hw *hw = cfg_struct(cfg);
    hw->nodes = nodes;
    return hw;
}

/* The smallest switches of which two or three levels hold so many hosts. */
static int64_t ports_for(const struct network *n)
{
    uint32_t down = 2;
    if (!strcmp(n->topology, "ft2")) {
        while (2 * down * down < n->hosts)
            down *= 2;
        return down * (n->oversubscription > 1 ? 3 : 2);
    }
    while (down * down * down / 4 < n->hosts)
        down += 2;
    return down;
}

static struct bench *bench_new(const struct network *n)
{
    struct arena *a = arena_new();
    struct bench *b = ARENA_NEW(a, struct bench);
    *b = (struct bench){.arena = a, .diag = diag_new()};
    struct cluster_hw *hw = b->hw = load_hardware(b, n->hosts);
    hw->topology = n->topology;
    if (n->gpus_per_host == 1) {
        hw->node.gpus = hw->nic.per_node = 1;
        hw->network.switch_ports = ports_for(n);
    }
    if (n->oversubscription > 1)
        hw->network.topology_keys = topo_keys_with(hw, arena_printf(a, "oversubscription=%d", n->oversubscription), a);
    b->topo.type = topology_find(n->topology);
    b->topo.type->build(&b->topo, hw, a, b->diag);
    bench_die_on_error(b->diag);
    return b;
}

static void bench_free(struct bench *b)
{
    opgraph_free(b->graph);
    diag_free(b->diag);
    arena_free(b->arena);
}

static void add_op(struct opgraph *graph, uint32_t rank)
{
    uint32_t name = opgraph_string(graph, "all-to-all");
    struct op op = {.kind = OP_COMM,
                    .lane = opgraph_lane(graph),
                    .device = rank,
                    .sync_group = OP_NONE,
                    .name = name,
                    .class_name = name,
                    .phase = name};
    opgraph_add(graph, &op);
}

static double size_of(enum sizes sizes, uint32_t dst, gsl_rng *rng)
{
    if (sizes == EQUAL)
        return MIB;
    if (sizes == LOGNORMAL)
        return floor(MIB * gsl_ran_lognormal(rng, -1.125, 1.5)) + 1;
    double uniform_B = floor(MIB * (0.5 + gsl_rng_uniform(rng)));
    return sizes == HOT && dst % 16 == 3 ? 4 * uniform_B : uniform_B;
}

/* Everyone to everyone of the same group, all groups at once. */
static void all_to_all(struct bench *b, uint32_t group, enum sizes sizes)
{
    uint32_t ranks = b->topo.n_endpoints;
    gsl_rng *rng = rng_stream(1, ranks, "bench sizes");
    b->graph = opgraph_new(ranks);
    for (uint32_t r = 0; r < ranks; r++) {
        add_op(b->graph, r);
        if (sizes == STAGGERED)
            b->graph->ops[r].lead_s = 1e-3 * gsl_rng_uniform(rng) * ranks / 64;
    }
    for (uint32_t src = 0; src < ranks; src++)
        for (uint32_t dst = src / group * group; dst < src / group * group + group; dst++)
            if (src != dst)
                opgraph_transfer(b->graph, &(struct transfer){.src_op = src,
                                                              .dst_op = dst,
                                                              .src = src,
                                                              .dst = dst,
                                                              .weight = 1,
                                                              .bytes_B = size_of(sizes, dst, rng)});
    gsl_rng_free(rng);
}

struct measured {
    struct sim_outcome o;
    double cpu_s, memory_B; /* beyond what the child had when it began */
};

static struct measured run(struct bench *b, enum net_kind net, double epsilon)
{
    struct sim_spec spec = {.graph = b->graph,
                            .topo = &b->topo,
                            .net = net,
                            .epsilon = epsilon,
                            .routing = {.queue_pairs = 1},
                            .sm_per_device = 132};
    struct measured m;
    malloc_trim(0); /* or the child would find room in what earlier rows have freed */
    double before_s = bench_children_s();
    sim_run(&spec, b->arena, &m.o, b->diag);
    bench_die_on_error(b->diag);
    m.cpu_s = bench_children_s() - before_s;
    m.memory_B = (double)(m.o.peak_rss_B - m.o.start_rss_B);
    return m;
}

/* What SimGrid and the engine need for next to no flows. */
static double fixed_memory_B(void)
{
    static double fixed_B;
    if (fixed_B > 0)
        return fixed_B;
    struct bench *b = bench_new(&(struct network){"ft2", 4, 1, 1});
    all_to_all(b, 4, EQUAL);
    fixed_B = run(b, NET_FLOW, 0).memory_B;
    bench_free(b);
    return fixed_B;
}

/* --- rows of all-to-all --------------------------------------------------------------------------------- */

static const char *error_text(const struct bench *b, const struct sim_outcome *exact, const struct sim_outcome *o)
{
    double worst = 0, sum = 0;
    uint32_t n = b->graph->n_transfers;
    for (uint32_t i = 0; i < n; i++) {
        double error = fabs(o->transfer_end_s[i] / exact->transfer_end_s[i] - 1);
        worst = error > worst ? error : worst;
        sum += error;
    }
    return arena_printf(b->arena, ", ends off by %.1e on average, %.1e at worst, makespan %.1e", sum / n, worst,
                        fabs(o->makespan_s / exact->makespan_s - 1));
}

static const char *row_name(const struct network *n, enum sizes sizes, double epsilon, struct arena *arena)
{
    const char *over = n->oversubscription > 1 ? arena_printf(arena, " %d:1", n->oversubscription) : "";
    const char *how = epsilon > 0 ? arena_printf(arena, "epsilon %g", epsilon) : "exact";
    return arena_printf(arena, "%s%s, %u x %u GPUs, %s, %s", n->topology, over, n->hosts, n->gpus_per_host,
                        size_names[sizes], how);
}

/* exact: to compare with; NULL: there is none. */
static struct measured row(struct bench *b, const struct network *n, enum sizes sizes, double epsilon,
                           const struct measured *exact, const struct measured *smaller)
{
    struct measured m = run(b, NET_FLOW, epsilon);
    const char *error = exact ? error_text(b, &exact->o, &m.o) : "";
    const char *exponent = "";
    if (smaller)
        exponent = arena_printf(b->arena, ", exponent in flows %.2f",
                                log(m.cpu_s / smaller->cpu_s) / log((double)m.o.n_flows / (double)smaller->o.n_flows));
    bench_row(row_name(n, sizes, epsilon, b->arena), m.cpu_s, (double)m.o.peak_rss_B,
              arena_printf(b->arena, "%.0f B/flow%s%s", (m.memory_B - fixed_memory_B()) / (double)m.o.n_flows, exponent,
                           error));
    return m;
}

/* One network at growing sizes. Beyond `largest_exact` hosts only with the epsilon. */
static void grow(const char *topology, uint32_t gpus, enum sizes sizes, const uint32_t *hosts, uint32_t n,
                 uint32_t largest_exact, double epsilon)
{
    struct measured before[2] = {{.cpu_s = 0}, {.cpu_s = 0}};
    for (uint32_t i = 0; i < n; i++) {
        struct network net = {topology, hosts[i], gpus, 1};
        struct bench *b = bench_new(&net);
        bool with_exact = hosts[i] <= largest_exact;
        struct measured exact;
        all_to_all(b, b->topo.n_endpoints, sizes);
        if (with_exact)
            exact = before[0] = row(b, &net, sizes, 0, NULL, before[0].cpu_s > 0 ? &before[0] : NULL);
        if (epsilon > 0)
            before[1] =
                row(b, &net, sizes, epsilon, with_exact ? &exact : NULL, before[1].cpu_s > 0 ? &before[1] : NULL);
        bench_free(b);
    }
}

static void bench_trees(void)
{
    static const uint32_t hosts[] = {64, 128, 256, 512, 1024}, hosts_of_8[] = {8, 16, 32, 64};
    enum { N_ALL = 5 };
    bench_heading("all-to-all, 0.5 to 1.5 MiB a pair, a GPU a host, static routes");
    grow("ft2", 1, UNIFORM, hosts, N_ALL, 512, 0.01);
    grow("ft3", 1, UNIFORM, hosts, 4, 256, 0.01);
    bench_heading("the same, eight GPUs a host");
    grow("ft2", 8, UNIFORM, hosts_of_8, 3, 32, 0.01);
    grow("mpft", 8, UNIFORM, hosts_of_8, 4, 64, 0.01);
    bench_heading("other sizes, 256 hosts of a GPU");
    for (enum sizes s = LOGNORMAL; s <= STAGGERED; s++)
        grow("ft2", 1, s, hosts + 2, 1, 256, 0.01);
    struct network narrow = {"ft2", 256, 1, 2};
    struct bench *b = bench_new(&narrow);
    all_to_all(b, 256, UNIFORM);
    struct measured exact = row(b, &narrow, UNIFORM, 0, NULL, NULL);
    row(b, &narrow, UNIFORM, 0.01, &exact, NULL);
    bench_free(b);
}

static void bench_equal(void)
{
    static const uint32_t hosts[] = {256, 512, 1024, 2048}, hosts_of_8[] = {32, 64, 128, 256};
    bench_heading("all-to-all, 1 MiB a pair");
    grow("ft2", 1, EQUAL, hosts, 4, 2048, 0);
    grow("mpft", 8, EQUAL, hosts_of_8, 4, 256, 0);
}

/* --- against brute force --------------------------------------------------------------------------------- */

static void on_end(void *ctx, uint32_t cookie, double time_s, enum flow_end how, double left_B)
{
    (void)how, (void)left_B;
    ((double *)ctx)[cookie] = time_s;
}

static void solve(const struct bench *b, const double *capacity_Bps, const struct brute_flow *flows, double *end_s)
{
    struct flow_net_config config = {
        .n_links = b->topo.n_links, .capacity_Bps = capacity_Bps, .on_end = on_end, .ctx = end_s};
    struct flow_net *net = flow_net_new(&config);
    for (uint32_t i = 0; i < b->graph->n_transfers; i++)
        flow_net_start(net, 0,
                       &(struct flow_spec){.links = flows[i].links,
                                           .n_links = flows[i].n_links,
                                           .bytes_B = flows[i].bytes_B,
                                           .weight = 1,
                                           .latency_s = flows[i].start_s,
                                           .cookie = i});
    for (double now_s = 0; (now_s = flow_net_next(net, now_s)) < INFINITY;)
        flow_net_advance(net, now_s);
    flow_net_free(net);
}

static void against_brute_force(const struct network *n, enum sizes sizes)
{
    struct bench *b = bench_new(n);
    all_to_all(b, b->topo.n_endpoints, sizes);
    uint32_t n_flows = b->graph->n_transfers;
    struct brute_flow *flows = ARENA_ARRAY(b->arena, struct brute_flow, n_flows);
    double *capacity_Bps = ARENA_ARRAY(b->arena, double, b->topo.n_links),
           *end_s = ARENA_ARRAY(b->arena, double, n_flows);
    double worst = 0;
    for (uint32_t i = 0; i < b->topo.n_links; i++)
        capacity_Bps[i] = b->topo.links[i].capacity_Bps;
    for (uint32_t i = 0; i < n_flows; i++) {
        const struct transfer *t = &b->graph->transfers[i];
        uint32_t *links = ARENA_ARRAY(b->arena, uint32_t, ROUTE_MAX_LINKS);
        flows[i] = (struct brute_flow){.links = links,
                                       .n_links = topology_route(&b->topo, t->src, t->dst, links),
                                       .bytes_B = t->bytes_B,
                                       .start_s = b->graph->ops[t->src_op].lead_s};
    }
    solve(b, capacity_Bps, flows, end_s);
    brute_force(capacity_Bps, b->topo.n_links, flows, n_flows);
    for (uint32_t i = 0; i < n_flows; i++)
        worst = fmax(worst, fabs(end_s[i] / flows[i].end_s - 1));
    printf("  %-56s ends off by %.1e at worst\n", row_name(n, sizes, 0, b->arena), worst);
    fflush(stdout);
    bench_free(b);
}

static void bench_exactness(void)
{
    puts("\nall ends against rates found anew at each completion by progressive filling");
    for (uint32_t hosts = 64; hosts <= 128; hosts *= 2) {
        for (enum sizes s = UNIFORM; s <= STAGGERED; s++)
            against_brute_force(&(struct network){"ft2", hosts, 1, 1}, s);
        against_brute_force(&(struct network){"ft2", hosts, 1, 2}, UNIFORM);
    }
}

/* --- SimGrid's own model, and peers ----------------------------------------------------------------------- */

static void bench_cm02(void)
{
    static const uint32_t hosts[] = {4, 6, 8, 12, 16};
    struct measured cm02 = {.cpu_s = 0}, before;
    bench_heading("SimGrid's own model (cm02): mpft, eight GPUs a host, uniform sizes");
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts && cm02.cpu_s < 8; i++) {
        struct network n = {"mpft", hosts[i], 8, 1};
        struct bench *b = bench_new(&n);
        all_to_all(b, b->topo.n_endpoints, UNIFORM);
        before = cm02;
        cm02 = run(b, NET_CM02, 0);
        struct measured flow = run(b, NET_FLOW, 0);
        bench_row(arena_printf(b->arena, "cm02, %u x 8 GPUs", hosts[i]), cm02.cpu_s, (double)cm02.o.peak_rss_B,
                  arena_printf(b->arena, "%.0f times what flow takes%s", cm02.cpu_s / flow.cpu_s,
                               before.cpu_s > 0
                                   ? arena_printf(b->arena, ", exponent in flows %.2f",
                                                  log(cm02.cpu_s / before.cpu_s) /
                                                      log((double)cm02.o.n_flows / (double)before.o.n_flows))
                                   : ""));
        bench_free(b);
    }
}

static void print_peers(void)
{
    puts("\npeers on the same work: CPU seconds on one core, measured beside version 0.1 on one machine, not in this "
         "run:\n"
         "  uniform sizes on ft2, a GPU a host, 64 / 128 / 256 hosts\n"
         "    moesim 0.1, exact                                              0.20 / 3.1  / 75\n"
         "    ASTRA-sim's analytical network, congestion-aware (3 to 4 % off) 0.057 / 0.76 / 6.1\n"
         "  equal sizes on ft2, 256 hosts: moesim 0.1 and ASTRA-sim 0.08 each (ASTRA-sim 1.2 % off), SimGrid 25 times "
         "slower\n"
         "  packets of 4 KiB: moesim 27 times as many a second as htsim, times 1 % apart");
}

/* --- larger and stranger ---------------------------------------------------------------------------------- */

/* A cluster of many expert-parallel groups at once. */
static void bench_cluster(uint32_t ranks, uint32_t group, enum sizes sizes, double epsilon)
{
    struct network n = {"mpft", ranks / 8, 8, 1};
    struct bench *b = bench_new(&n);
    all_to_all(b, group, sizes);
    struct measured m = run(b, NET_FLOW, epsilon);
    bench_row(arena_printf(b->arena, "mpft, %u GPUs in groups of %u, %s, epsilon %g", ranks, group, size_names[sizes],
                           epsilon),
              m.cpu_s, (double)m.o.peak_rss_B, arena_printf(b->arena, "%lu flows", (unsigned long)m.o.n_flows));
    bench_free(b);
}

/* Everyone to everyone in the largest network, by exact symmetry; whole and folded where both run. */
static struct measured folded(uint32_t ranks)
{
    struct bench *b = bench_new(&(struct network){"mpft", ranks / 8, 8, 1});
    struct topology whole = b->topo;
    symmetry_quotient(&whole, &b->topo, b->arena, b->diag);
    bench_die_on_error(b->diag);
    b->graph = opgraph_new(ranks);
    add_op(b->graph, 0);
    for (uint32_t dst = 1; dst < ranks; dst++)
        opgraph_transfer(b->graph, &(struct transfer){.dst = dst, .weight = 1, .bytes_B = MIB});
    struct measured m = run(b, NET_FLOW, 0);
    bench_free(b);
    return m;
}

static void bench_symmetry(void)
{
    enum { WHOLE = 512, LARGE = 16384 };
    struct measured small = folded(WHOLE), large = folded(LARGE);
    struct bench *b = bench_new(&(struct network){"mpft", WHOLE / 8, 8, 1});
    all_to_all(b, WHOLE, EQUAL);
    struct measured whole = run(b, NET_FLOW, 0);
    char more[100];
    snprintf(more, sizeof more, "makespan off by %.0e", fabs(small.o.makespan_s / whole.o.makespan_s - 1));
    bench_row("mpft, 512 GPUs by exact symmetry", small.cpu_s, (double)small.o.peak_rss_B, more);
    bench_row("mpft, 16384 GPUs by exact symmetry", large.cpu_s, (double)large.o.peak_rss_B, "");
    bench_free(b);
}

/* Every (token, expert) pair a message, one expert per GPU, 8 of them drawn for each token: no two flows are
 * equal by construction. */
static void bench_dispatch(uint32_t ranks)
{
    enum { TOKENS = 4096, TOP_K = 8, HIDDEN = 7168 };
    struct bench *b = bench_new(&(struct network){"mpft", ranks / 8, 8, 1});
    struct ll_traffic traffic;
    ll_sample(ranks, TOKENS, ranks, TOP_K, 1, b->arena, &traffic);
    b->graph = opgraph_new(ranks);
    ll_build(b->graph, b->hw, &traffic, ll_message_B(&b->hw->ep_kernel, HIDDEN, false), false, false, b->arena);
    struct measured m = run(b, NET_FLOW, 0);
    bench_row("mpft, EP320 dispatch of 4096 tokens, routed, exact", m.cpu_s, (double)m.o.peak_rss_B,
              arena_printf(b->arena, "%lu flows", (unsigned long)m.o.n_flows));
    bench_free(b);
}

/* One exchange: each GPU starts it up to 10 us after its last one. */
static void add_exchange(struct bench *b, const uint32_t *lane, const struct ll_traffic *traffic, gsl_rng *rng)
{
    enum { HIDDEN = 7168 };
    uint32_t n = traffic->n_ranks, first = b->graph->n_ops, name = opgraph_string(b->graph, "dispatch");
    for (uint32_t r = 0; r < n; r++)
        opgraph_add(b->graph, &(struct op){.kind = OP_COMM,
                                           .lane = lane[r],
                                           .device = r,
                                           .lead_s = 1e-5 * gsl_rng_uniform(rng),
                                           .sync_group = OP_NONE,
                                           .name = name,
                                           .class_name = name,
                                           .phase = name});
    for (uint32_t src = 0; src < n; src++)
        for (uint32_t dst = 0; dst < n; dst++) {
            double pairs = traffic->pairs[src * n + dst];
            struct transfer t = {.src_op = first + src,
                                 .dst_op = first + dst,
                                 .src = src,
                                 .dst = dst,
                                 .weight = pairs,
                                 .bytes_B = pairs * ll_message_B(&b->hw->ep_kernel, HIDDEN, false)};
            if (src != dst && pairs > 0)
                opgraph_transfer(b->graph, &t);
        }
}

/* Exchanges of decoding, one after the other. */
static void bench_decode(uint32_t ranks, double epsilon)
{
    enum { TOKENS = 64, TOP_K = 8, EXCHANGES = 20 };
    struct bench *b = bench_new(&(struct network){"mrft", ranks / 8, 8, 1});
    gsl_rng *rng = rng_stream(1, ranks, "bench decode");
    uint32_t *lane = ARENA_ARRAY(b->arena, uint32_t, ranks);
    b->graph = opgraph_new(ranks);
    for (uint32_t r = 0; r < ranks; r++)
        lane[r] = opgraph_lane(b->graph);
    for (uint64_t i = 0; i < EXCHANGES; i++) {
        struct ll_traffic traffic;
        ll_sample(ranks, TOKENS, 2 * ranks, TOP_K, i, b->arena, &traffic);
        add_exchange(b, lane, &traffic, rng);
    }
    gsl_rng_free(rng);
    struct measured m = run(b, NET_FLOW, epsilon);
    bench_row(arena_printf(b->arena, "mrft, EP%u, %d exchanges of decoding, epsilon %g", ranks, EXCHANGES, epsilon),
              m.cpu_s, (double)m.o.peak_rss_B, arena_printf(b->arena, "%lu flows", (unsigned long)m.o.n_flows));
    bench_free(b);
}

int main(int argc, char **argv)
{
    bool all = argc < 2;
    bench_open();
    if (all || !strcmp(argv[1], "exactness"))
        bench_exactness();
    if (all || !strcmp(argv[1], "trees"))
        bench_trees();
    if (all || !strcmp(argv[1], "equal"))
        bench_equal();
    if (all || !strcmp(argv[1], "cm02"))
        bench_cm02();
    print_peers();
    if (!all && strcmp(argv[1], "larger"))
        return 0;
    bench_heading("larger and stranger");
    bench_cluster(2048, 64, EQUAL, 0);
    bench_cluster(2048, 64, UNIFORM, 0.01);
    bench_cluster(2048, 64, UNIFORM, 0);
    bench_dispatch(320);
    bench_decode(144, 0.01);
    bench_decode(144, 0);
    bench_symmetry();
    return 0;
}
