/* make bench: how many packets cross links per second in network model packet, in
 * SimGrid's loop, on one core. A run's time is the child's whole one, with set-up. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "hw/cluster.h"
#include "io/scenario.h"
#include "sim/sim.h"

enum { MIB = 1 << 20 };

struct bench {
    struct arena *arena;
    struct diag *diag;
    struct cluster_hw *hw;
    struct topology topo;
    struct opgraph *graph;
};

static void die_on_error(struct diag *diag)
{
    if (!diag_failed(diag))
        return;
    diag_print(diag, stderr);
    exit(diag_exit_code(diag));
}

/* Nodes of one GPU each under a two-level fat tree. */
static struct bench *bench_new(uint32_t gpus, int64_t switch_ports)
{
    static const char *const parts[] = {"chip", "node", "nic", "network", "packet", "ep_kernel"};
    struct arena *a = arena_new();
    struct bench *b = ARENA_NEW(a, struct bench);
    struct cfg *cfg = cfg_new(&cluster_hw_table, a);
    *b = (struct bench){.arena = a, .diag = diag_new(), .graph = opgraph_new(gpus)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *path = data_find(arena_printf(a, "configs/h800/%s.yaml", parts[i]), NULL, a);
        if (!path) {
            fprintf(stderr, "bench: error: configs/h800/%s.yaml not found\n", parts[i]);
            exit(EXIT_IO);
        }
        cfg_load_file(cfg, path, parts[i], true, NULL, b->diag);
    }
    die_on_error(b->diag);
    b->hw = cfg_struct(cfg);
    b->hw->nodes = gpus;
    b->hw->node.gpus = b->hw->nic.per_node = 1;
    b->hw->network.switch_ports = switch_ports;
    b->hw->packet.placement = PLACEMENT_OUT_OF_ORDER;
    return b;
}

static void add(struct bench *b, uint32_t src, uint32_t dst, double bytes_B)
{
    uint32_t name = opgraph_string(b->graph, "message");
    struct op op = {.kind = OP_COMM,
                    .lane = opgraph_lane(b->graph),
                    .device = src,
                    .sync_group = OP_NONE,
                    .name = name,
                    .class_name = name,
                    .phase = name};
    uint32_t id = opgraph_add(b->graph, &op);
    opgraph_transfer(
        b->graph,
        &(struct transfer){.src_op = id, .dst_op = id, .src = src, .dst = dst, .bytes_B = bytes_B, .weight = 1});
}

/* CPU time of simulations so far: each is a child. */
static double children_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + 1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void run(struct bench *b, const char *what)
{
    struct sim_outcome o;
    b->topo.type = topology_find("ft2");
    b->topo.type->build(&b->topo, b->hw, b->arena, b->diag);
    die_on_error(b->diag);
    struct sim_spec spec = {.graph = b->graph,
                            .topo = &b->topo,
                            .hw = b->hw,
                            .net = NET_PACKET,
                            .routing = b->hw->network.routing,
                            .sm_per_device = 132};
    double before_s = children_s();
    sim_run(&spec, b->arena, &o, b->diag);
    die_on_error(b->diag);
    double cpu_s = children_s() - before_s;
    printf("%-58s %8.2f M %8.3f s %7.2f M/s\n", what, 1e-6 * (double)o.packet.packet_hops, cpu_s,
           1e-6 * (double)o.packet.packet_hops / cpu_s);
    fflush(stdout);
    opgraph_free(b->graph);
    diag_free(b->diag);
    arena_free(b->arena);
}

static void all_to_all(struct bench *b, double bytes_B)
{
    for (uint32_t src = 0; src < b->graph->n_devices; src++)
        for (uint32_t dst = 0; dst < b->graph->n_devices; dst++)
            if (src != dst)
                add(b, src, dst, bytes_B);
}

static void shift(struct bench *b, double bytes_B)
{
    uint32_t n = b->graph->n_devices;
    for (uint32_t src = 0; src < n; src++)
        add(b, src, (src + n / 2) % n, bytes_B);
}

int main(void)
{
    puts("network packet: packets of 4 KiB over links, CPU time, per second of it");
    struct bench *b = bench_new(64, 64);
    all_to_all(b, 2 * MIB);
    run(b, "64 GPUs on one switch, all-to-all, credits");
    b = bench_new(64, 64);
    b->hw->packet.flow_control = FLOW_CONTROL_PFC;
    b->hw->packet.queueing = QUEUE_VOQ_QP;
    b->hw->packet.backpressure = BACKPRESSURE_QP;
    all_to_all(b, 2 * MIB);
    run(b, "the same, PFC, a queue per QP with pauses of its own");
    b = bench_new(128, 32);
    shift(b, 64 * MIB);
    run(b, "128 GPUs, two levels, permutation, static routes");
    b = bench_new(128, 32);
    b->hw->network.routing.policy = ROUTING_SPRAY;
    b->hw->packet.congestion_control = CONGESTION_RTT;
    shift(b, 64 * MIB);
    run(b, "the same, sprayed, RTT control");
    b = bench_new(128, 32);
    b->hw->network.routing.policy = ROUTING_ADAPTIVE;
    all_to_all(b, MIB / 2);
    run(b, "128 GPUs, two levels, all-to-all, adaptive routing");
    b = bench_new(512, 64);
    all_to_all(b, MIB / 16);
    run(b, "512 GPUs, two levels, all-to-all, static routes");
    return 0;
}
