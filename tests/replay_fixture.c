#include "replay_fixture.h"

#include <check.h>
#include <string.h>

enum { GPUS = 8, LINKS_PER_GPU = 4, MAX_KERNELS = 64, MAX_DEPS = 64 };

static const char *streams[] = {"compute", "compute2", "communication"};
static const char *phases[] = {"combine(B)", "attn(F)", "dispatch(F)", "mlp(B)", "dispatch(B)",
                               "mlp(W)",     "mlp(F)",  "combine(F)",  "attn(B)"};
enum { COMBINE_B, ATTN_F, DISPATCH_F, MLP_B, DISPATCH_B, MLP_W, MLP_F, COMBINE_F, ATTN_B };

static struct trace_class classes[RC_COUNT] = {
    [RC_GEMM_FP8] = {"gemm_fp8", BOUND_COMPUTE, COLL_NONE, 0},
    [RC_FLASH_BF16] = {"flash_fwd", BOUND_COMPUTE, COLL_NONE, 0},
    [RC_CAST] = {"cast", BOUND_MEMORY, COLL_NONE, 0},
    [RC_NORM] = {"norm", BOUND_MEMORY, COLL_NONE, 0},
    [RC_SMALL] = {"small", BOUND_LATENCY, COLL_NONE, 0},
    [RC_SWIGLU] = {"swiglu", BOUND_MEMORY, COLL_NONE, 1},
    [RC_NOTIFY] = {"a2a_notify", BOUND_WAIT, COLL_NOTIFY, 0},
    [RC_DISPATCH_CACHED] = {"a2a_dispatch_cached", BOUND_COMM, COLL_DISPATCH_CACHED, 0},
    [RC_DISPATCH] = {"a2a_dispatch", BOUND_COMM, COLL_DISPATCH, 0},
    [RC_COMBINE] = {"a2a_combine", BOUND_COMM, COLL_COMBINE, 0},
};

struct row {
    uint32_t class_id, stream, phase;
    double start_us, duration_us;
    uint32_t blocks;
    double rows;
    int dep; /* row of the same layer that it waits for; -1 = none, -2 = the layer
                before's last */
};

/* One layer pair. The two GEMMs of mlp(W) run side by side on 56 SMs each. */
static const struct row layer_rows[] = {
    /* 0 */ {RC_CAST, 2, COMBINE_B, 0, 2, 300, 0, -2},
    /* 1 */ {RC_NORM, 0, ATTN_F, 1, 9, 300, 0, -1},
    /* 2 */ {RC_NOTIFY, 2, COMBINE_B, 3, 5, 20, 0, -1},
    /* 3 */ {RC_DISPATCH_CACHED, 2, COMBINE_B, 8, 22, 20, 0, -1},
    /* 4 */ {RC_FLASH_BF16, 0, ATTN_F, 11, 29, 4096, 0, -1},
    /* 5 */ {RC_GEMM_FP8, 0, MLP_B, 41, 30, 112, 1408, 3},
    /* 6 */ {RC_NOTIFY, 2, DISPATCH_F, 41, 5, 9, 0, 4},
    /* 7 */ {RC_DISPATCH, 2, DISPATCH_F, 47, 23, 20, 0, -1},
    /* 8 */ {RC_SWIGLU, 0, MLP_B, 72, 4, 704, 0, -1},
    /* 9 */ {RC_GEMM_FP8, 0, MLP_W, 76, 10, 112, 1408, -1},
    /* 10 */ {RC_GEMM_FP8, 1, MLP_W, 76, 10, 112, 1408, 8},
    /* 11 */ {RC_NOTIFY, 2, DISPATCH_B, 77, 3, 20, 0, 8},
    /* 12 */ {RC_COMBINE, 2, DISPATCH_B, 80, 30, 20, 0, -1},
    /* 13 */ {RC_GEMM_FP8, 0, MLP_F, 87, 12, 112, 1152, 10},
    /* 14 */ {RC_SMALL, 0, MLP_F, 100, 3, 64, 0, -1},
    /* 15 */ {RC_NOTIFY, 2, COMBINE_F, 111, 4, 20, 0, 14},
    /* 16 */ {RC_GEMM_FP8, 0, ATTN_B, 112, 40, 64, 0, 12},
    /* 17 */ {RC_COMBINE, 2, COMBINE_F, 115, 30, 20, 0, -1},
};
enum { ROWS = sizeof layer_rows / sizeof *layer_rows, LAYER_US = 160 };

static void add_layer(struct trace *t, int layer)
{
    uint32_t base = t->n_kernels;

    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &layer_rows[i];
        struct trace_kernel *k = &t->kernels[t->n_kernels++];
        *k = (struct trace_kernel){.class_id = r->class_id,
                                   .stream = r->stream,
                                   .phase = r->phase,
                                   .layer = layer,
                                   .start_s = (r->start_us + (layer - 1) * LAYER_US) * 1e-6,
                                   .duration_s = r->duration_us * 1e-6,
                                   .blocks = r->blocks,
                                   .rows = r->rows,
                                   .first_dep = t->n_deps,
                                   .launch_after = TRACE_NONE};
        if (r->dep >= 0 || (r->dep == -2 && layer > 1)) {
            t->deps[t->n_deps++] = r->dep >= 0 ? base + (uint32_t)r->dep : base - 2;
            k->n_deps = 1;
        }
    }
}

static void make_trace(struct replay_fixture *f)
{
    f->trace = (struct trace){.version = 1,
                              .name = "made up",
                              .source = "this test",
                              .device = "H800",
                              .world_size = REPLAY_RANKS,
                              .rank = 0,
                              .sms = 132,
                              .hidden = 7168,
                              .seq_len = 256,
                              .experts = 64,
                              .experts_per_token = 4,
                              .ep = REPLAY_RANKS,
                              .streams = streams,
                              .n_streams = 3,
                              .phases = phases,
                              .n_phases = 9,
                              .classes = classes,
                              .n_classes = RC_COUNT};
    f->trace.kernels = ARENA_ARRAY(f->arena, struct trace_kernel, MAX_KERNELS);
    f->trace.deps = ARENA_ARRAY(f->arena, uint32_t, MAX_DEPS);
    for (int layer = 1; layer <= REPLAY_LAYERS; layer++)
        add_layer(&f->trace, layer);
}

/* Link 4r: NVLink out, 4r+1: NVLink in, 4r+2: NIC out, 4r+3: NIC in. The switches never
 * limit. */
static uint32_t one_path(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}

static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t network = src / t->gpus_per_node != dst / t->gpus_per_node ? 2 : 0;

    (void)number;
    links[0] = LINKS_PER_GPU * src + network;
    links[1] = LINKS_PER_GPU * dst + network + 1;
    return 2;
}

static const struct topology_type star = {.name = "star", .by_destination = one_path, .path = path};

static void make_topology(struct replay_fixture *f)
{
    f->topo = (struct topology){.type = &star,
                                .n_endpoints = REPLAY_RANKS,
                                .gpus_per_node = GPUS,
                                .n_vertices = REPLAY_RANKS,
                                .n_links = LINKS_PER_GPU * REPLAY_RANKS};
    f->topo.links = ARENA_ARRAY(f->arena, struct topo_link, f->topo.n_links);
    for (uint32_t i = 0; i < f->topo.n_links; i++)
        f->topo.links[i].capacity_Bps = i % LINKS_PER_GPU < 2 ? 160e9 : 45e9;
}

struct replay_fixture *replay_fixture_new(void)
{
    struct arena *arena = arena_new();
    struct replay_fixture *f = ARENA_NEW(arena, struct replay_fixture);

    f->arena = arena;
    f->diag = diag_new();
    f->seed = 1;
    f->cfg = (struct replay_cfg){.trace = "made-up.json",
                                 .entry_layers = 1,
                                 .recorded_on = {1000e12, 2000e12, 3e12},
                                 .routing = {.experts = 64,
                                             .experts_per_token = 4,
                                             .groups = 4,
                                             .groups_per_token = 2,
                                             .tokens_per_rank = 256,
                                             .hidden = 7168,
                                             .rank_load_cv_ratio = 0.1}};
    f->hw =
        (struct cluster_hw){.nodes = 2,
                            .chip = {.sms = 132, .bf16_flops = 1000e12, .fp8_flops = 2000e12, .memory_Bps = 3e12},
                            .node = {.gpus = GPUS,
                                     .nvlink_Bps = 200e9,
                                     .nvlink_efficiency_ratio = 0.8,
                                     .nvlink_latency_s = 1e-6,
                                     .pcie_Bps = 100e9},
                            .network = {.port_Bps = 50e9},
                            .nic = {.per_node = GPUS, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 0.9},
                            .ep_kernel = {.sms = 20, .copy_Bps_per_sm = 2e9, .barrier_s = 1e-6, .chunk_tokens = 8}};
    make_trace(f);
    make_topology(f);
    return f;
}

void replay_fixture_free(struct replay_fixture *f)
{
    opgraph_free(f->graph);
    diag_free(f->diag);
    arena_free(f->arena);
}

int replay_fixture_build(struct replay_fixture *f)
{
    opgraph_free(f->graph);
    f->graph = opgraph_new(REPLAY_RANKS);
    f->gpu = (struct recorded_gpu){.on = f->cfg.recorded_on, .same_chip = true};
    f->reading = (struct replay_reading){.gpu = &f->gpu, .routed = f->cfg.comm == REPLAY_SIMULATED};
    return replay_build(&f->trace, &f->cfg, NULL, &f->reading, &f->hw, f->seed, f->graph, f->arena, &f->info, f->diag);
}

void replay_fixture_run(struct replay_fixture *f)
{
    ck_assert_msg(replay_fixture_build(f) == 0, "%s", diag_text(f->diag));
    opgraph_check(f->graph);
    struct sim_spec spec = {
        .graph = f->graph, .topo = &f->topo, .net = NET_FLOW, .sm_per_device = (double)f->hw.chip.sms, .checked = true};
    ck_assert_msg(sim_run(&spec, f->arena, &f->outcome, f->diag) == 0, "%s", diag_text(f->diag));
}
