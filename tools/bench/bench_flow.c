/* make bench: our flow network against SimGrid's own (cm02) on all-to-all over MPFT, in one run on one
 * machine, so that the ratios can be compared. Rows of cm02 that would take longer than a minute are
 * extrapolated by a power law through the last two measured ones and marked '~'. */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "hw/cluster.h"
#include "io/scenario.h"
#include "models/comm/deepep_ll.h"
#include "sim/sim.h"
#include "topology/symmetry.h"

enum { GPUS = 8, MIB = 1 << 20 };

struct bench {
    struct arena *arena;
    struct diag *diag;
    struct topology topo;
    struct opgraph *graph;
    struct cluster_hw *hw;
};

static void die_on_error(struct diag *diag)
{
    if (!diag_failed(diag))
        return;
    diag_print(diag, stderr);
    exit(diag_exit_code(diag));
}

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
    die_on_error(b->diag);
    struct cluster_hw *hw = cfg_struct(cfg);
    hw->nodes = nodes;
    return hw;
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

/* Everyone to everyone of the same group, all groups at once. */
static void all_to_all(struct bench *b, uint32_t ranks, uint32_t group, bool equal)
{
    gsl_rng *rng = rng_stream(1, ranks, "bench sizes");
    b->graph = opgraph_new(ranks);
    for (uint32_t r = 0; r < ranks; r++)
        add_op(b->graph, r);
    for (uint32_t src = 0; src < ranks; src++)
        for (uint32_t dst = src / group * group; dst < src / group * group + group; dst++) {
            struct transfer t = {.src_op = src, .dst_op = dst, .src = src, .dst = dst, .weight = 1};
            t.bytes_B = equal ? MIB : floor(MIB * (0.5 + gsl_rng_uniform(rng)));
            if (src != dst)
                opgraph_transfer(b->graph, &t);
        }
    gsl_rng_free(rng);
}

static struct bench *bench_topology(const char *topology, uint32_t ranks)
{
    struct arena *a = arena_new();
    struct bench *b = ARENA_NEW(a, struct bench);
    b->arena = a;
    b->diag = diag_new();
    struct cluster_hw *hw = b->hw = load_hardware(b, ranks / GPUS);
    hw->topology = topology;
    b->topo.type = topology_find(topology);
    b->topo.type->build(&b->topo, hw, a, b->diag);
    die_on_error(b->diag);
    return b;
}

static struct bench *bench_groups(uint32_t ranks, uint32_t group, bool equal)
{
    struct bench *b = bench_topology("mpft", ranks);
    all_to_all(b, ranks, group, equal);
    return b;
}

static struct bench *bench_new(uint32_t ranks, bool equal)
{
    return bench_groups(ranks, ranks, equal);
}

static void bench_free(struct bench *b)
{
    opgraph_free(b->graph);
    diag_free(b->diag);
    arena_free(b->arena);
}

static struct sim_outcome run(struct bench *b, enum net_kind net, double epsilon)
{
    struct sim_spec spec = {.graph = b->graph, .topo = &b->topo, .net = net, .epsilon = epsilon, .sm_per_device = 132};
    struct sim_outcome out;
    malloc_trim(0); /* or the child would find room in what earlier rows have freed */
    sim_run(&spec, b->arena, &out, b->diag);
    die_on_error(b->diag);
    return out;
}

/* --- cm02: measured while it is quick, extrapolated beyond --------------------------------------- */

struct reference {
    bool equal;
    uint32_t ranks[16];
    double wall_s[16];
    uint32_t n;
};

static void measure_reference(struct reference *ref, bool equal)
{
    static const uint32_t sizes[] = {32, 48, 64, 80, 96, 128, 160, 192, 256};
    ref->equal = equal;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        /* the next size is tried only when the last one leaves it well below a minute */
        if (ref->n && ref->wall_s[ref->n - 1] > 8)
            return;
        struct bench *b = bench_new(sizes[i], equal);
        ref->ranks[ref->n] = sizes[i];
        ref->wall_s[ref->n++] = run(b, NET_CM02, 0).wall_s;
        bench_free(b);
    }
}

static double reference_s(const struct reference *ref, uint32_t ranks, bool *measured)
{
    for (uint32_t i = 0; i < ref->n; i++)
        if (ref->ranks[i] == ranks) {
            *measured = true;
            return ref->wall_s[i];
        }
    *measured = false;
    uint32_t k = ref->n - 1;
    double slope = log(ref->wall_s[k] / ref->wall_s[k - 1]) / log((double)ref->ranks[k] / ref->ranks[k - 1]);
    return ref->wall_s[k] * pow((double)ranks / ref->ranks[k], slope);
}

/* --- memory: what a run needs beyond what SimGrid and the engine need for next to no flows -------- */

static double memory_B(const struct sim_outcome *o)
{
    return (double)(o->peak_rss_B - o->start_rss_B);
}

static double measure_fixed_memory_B(void)
{
    struct bench *b = bench_new(GPUS, true);
    struct sim_outcome o = run(b, NET_FLOW, 0);
    bench_free(b);
    return memory_B(&o);
}

/* --- rows ------------------------------------------------------------------------------------------- */

static void print_row(uint32_t ranks, const char *sizes, double epsilon, const struct sim_outcome *o,
                      const struct reference *ref, double fixed_B)
{
    bool measured;
    double cm02_s = reference_s(ref, ranks, &measured);
    double bytes = (memory_B(o) - fixed_B) / (double)o->n_flows;
    char eps[16] = "exact";
    if (epsilon > 0)
        snprintf(eps, sizeof eps, "%g", epsilon);
    printf("%5u %-8s %-7s %8lu %9.3f %12.0f %8.1f %7.0f %s%10.2f %s%9.0fx\n", ranks, sizes, eps,
           (unsigned long)o->n_flows, o->wall_s, (double)o->n_flows / o->wall_s, (double)o->peak_rss_B / 1e6, bytes,
           measured ? " " : "~", cm02_s, measured ? " " : "~", cm02_s / o->wall_s);
    fflush(stdout);
}

static void print_error(const struct bench *b, const struct sim_outcome *exact, const struct sim_outcome *merged,
                        double epsilon)
{
    double worst = 0, sum = 0;
    uint32_t n = b->graph->n_transfers;
    for (uint32_t i = 0; i < n; i++) {
        double error = fabs(merged->transfer_end_s[i] / exact->transfer_end_s[i] - 1);
        worst = error > worst ? error : worst;
        sum += error;
    }
    printf("      error at epsilon %g: end of a flow %.2g relative at worst, %.2g on average; "
           "makespan %.2g\n",
           epsilon, worst, sum / n, fabs(merged->makespan_s / exact->makespan_s - 1));
}

static void bench_rows(bool equal, const struct reference *ref, double fixed_B)
{
    static const uint32_t ranks[] = {64, 128, 256, 320, 512};
    static const double epsilons[] = {1e-4, 1e-3};
    const char *sizes = equal ? "equal" : "unequal";
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        struct bench *b = bench_new(ranks[i], equal);
        struct sim_outcome exact = run(b, NET_FLOW, 0);
        print_row(ranks[i], sizes, 0, &exact, ref, fixed_B);
        for (size_t k = 0; !equal && k < sizeof epsilons / sizeof *epsilons; k++) {
            struct sim_outcome merged = run(b, NET_FLOW, epsilons[k]);
            print_row(ranks[i], sizes, epsilons[k], &merged, ref, fixed_B);
            print_error(b, &exact, &merged, epsilons[k]);
        }
        bench_free(b);
    }
}

/* A cluster of many expert-parallel groups at once; too large for cm02 to be extrapolated to. */
static void bench_cluster(uint32_t ranks, uint32_t group, bool equal, double epsilon)
{
    struct bench *b = bench_groups(ranks, group, equal);
    struct sim_outcome o = run(b, NET_FLOW, epsilon);
    printf("%5u GPUs in groups of %u, %s sizes, epsilon %g: %lu flows, %.3f s, %.1f MB\n", ranks, group,
           equal ? "equal" : "unequal", epsilon, (unsigned long)o.n_flows, o.wall_s, (double)o.peak_rss_B / 1e6);
    bench_free(b);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Everyone to everyone in the largest network, by exact symmetry; whole and folded where both run. */
static double folded_s(uint32_t ranks, struct sim_outcome *o, double *wall_s)
{
    double begin_s = now_s();
    struct bench *b = bench_topology("mpft", ranks);
    struct topology whole = b->topo;
    symmetry_quotient(&whole, &b->topo, b->arena, b->diag);
    die_on_error(b->diag);
    b->graph = opgraph_new(ranks);
    add_op(b->graph, 0);
    for (uint32_t dst = 1; dst < ranks; dst++)
        opgraph_transfer(b->graph, &(struct transfer){.dst = dst, .weight = 1, .bytes_B = MIB});
    *o = run(b, NET_FLOW, 0);
    bench_free(b);
    *wall_s = now_s() - begin_s;
    return o->makespan_s;
}

static void bench_symmetry(void)
{
    enum { WHOLE = 512, LARGE = 16384 };
    struct sim_outcome o;
    double wall_s, small_s = folded_s(WHOLE, &o, &wall_s);
    struct bench *b = bench_new(WHOLE, true);
    struct sim_outcome whole = run(b, NET_FLOW, 0);
    bench_free(b);
    printf("%5u GPUs by exact symmetry: %.3f s; all flows: %.3f s; makespans differ by %.1g\n", WHOLE, wall_s,
           whole.wall_s, fabs(small_s / whole.makespan_s - 1));
    folded_s(LARGE, &o, &wall_s);
    printf("%5u GPUs by exact symmetry: %lu flows, %.3f s with the network's construction, %.1f MB\n", LARGE,
           (unsigned long)o.n_flows, wall_s, (double)o.peak_rss_B / 1e6);
}

/* Pages that this process holds. */
static double resident_B(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void bench_build(const char *topology, uint32_t ranks)
{
    malloc_trim(0);
    double before_B = resident_B(), begin_s = now_s();
    struct bench *b = bench_topology(topology, ranks);
    double end_s = now_s();
    printf("%s of %u GPUs: built in %.3f s, %.1f MB\n", topology, b->topo.n_endpoints, end_s - begin_s,
           (resident_B() - before_B) / 1e6);
    bench_free(b);
}

/* Every (token, expert) pair a message, one expert per GPU, 8 of them drawn for each token: no two flows are
 * equal by construction. */
static void bench_dispatch(uint32_t ranks)
{
    enum { TOKENS = 4096, TOP_K = 8, HIDDEN = 7168 };
    struct bench *b = bench_topology("mpft", ranks);
    struct ll_traffic traffic;
    ll_sample(ranks, TOKENS, ranks, TOP_K, 1, b->arena, &traffic);
    b->graph = opgraph_new(ranks);
    ll_build(b->graph, b->hw, &traffic, ll_message_B(&b->hw->ep_kernel, HIDDEN, false), false, false, b->arena);
    struct sim_outcome o = run(b, NET_FLOW, 0);
    printf("EP%u dispatch of %d tokens, routed, exact: %lu flows, %.3f s, %.1f MB\n", ranks, TOKENS,
           (unsigned long)o.n_flows, o.wall_s, (double)o.peak_rss_B / 1e6);
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
    struct bench *b = bench_topology("mrft", ranks);
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
    struct sim_outcome o = run(b, NET_FLOW, epsilon);
    printf("EP%u, %d exchanges of decoding, epsilon %g: %.1f us each, %lu flows, %.3f s, %.1f MB\n", ranks, EXCHANGES,
           epsilon, 1e6 * o.makespan_s / EXCHANGES, (unsigned long)o.n_flows, o.wall_s, (double)o.peak_rss_B / 1e6);
    bench_free(b);
}

int main(void)
{
    struct reference equal = {0}, unequal = {0};
    puts("all-to-all over MPFT, 1 MiB per pair (unequal: 0.5 to 1.5 MiB), all pairs at once");
    puts("measuring cm02 ...");
    measure_reference(&unequal, false);
    measure_reference(&equal, true);
    double fixed_B = measure_fixed_memory_B();
    printf("B/flow: peak memory less the pages before the run and the %.1f MB of a run with %d flows\n", fixed_B / 1e6,
           GPUS * (GPUS - 1));
    printf("%5s %-8s %-7s %8s %9s %12s %8s %7s %11s %11s\n", "ranks", "sizes", "epsilon", "flows", "flow s", "flows/s",
           "peak MB", "B/flow", "cm02 s", "ratio");
    bench_rows(false, &unequal, fixed_B);
    bench_rows(true, &equal, fixed_B);
    bench_cluster(2048, 64, true, 0);
    bench_cluster(2048, 64, false, 1e-4);
    bench_cluster(2048, 64, false, 0);
    bench_dispatch(320);
    bench_decode(144, 0.01);
    bench_decode(144, 0.001);
    bench_symmetry();
    bench_build("ft3", 65536);
    bench_build("mpft", 16384);
    return 0;
}
