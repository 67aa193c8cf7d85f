/* Chunks cut from material: nothing is lost or doubled, what cannot overlap does not, and a whole pair is the
 * recorded one again. */
#include <check.h>
#include <math.h>

#include "folders.h"
#include "io/trace/trace_file.h"
#include "io/inputs/model_file.h"
#include "models/chunk/chunk_material.h"
#include "models/chunk/chunk_trace.h"
#include "sim/sim.h"
#include "tap_main.h"

enum { NODES = 8, GPUS = 8, RANKS = 64, LAYERS = 4 };

struct bench {
    struct arena *arena;
    struct diag *diag;
    struct trace *trace;
    struct recording recording;
    struct cluster_hw hw;
    struct routing_shape shape;
    struct topology topo;
    struct chunk_material material;
};

/* Link 4r: NVLink out, 4r+1: NVLink in, 4r+2: NIC out, 4r+3: NIC in. */
static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    uint32_t network = src / t->gpus_per_node != dst / t->gpus_per_node ? 2 : 0;
    (void)number;
    links[0] = 4 * src + network;
    links[1] = 4 * dst + network + 1;
    return 2;
}
static uint32_t only_path(const struct topology *t, uint32_t src, uint32_t dst)
{
    (void)t, (void)src, (void)dst;
    return 0;
}
static const struct topology_type star = {.name = "star", .by_destination = only_path, .path = path};

static struct bench *bench_new(void)
{
    struct arena *arena = arena_new();
    struct bench *b = ARENA_NEW(arena, struct bench);
    b->arena = arena;
    b->diag = diag_new();
    b->trace = trace_read(MOESIM_SRCDIR "/traces/deepseek_v3_train.trace.json", arena, b->diag);
    ck_assert_msg(b->trace != NULL, "%s", diag_text(b->diag));
    b->recording = (struct recording){.on = {989e12, 1979e12, 3.35e12},
                                      .routing = {.experts = 256,
                                                  .experts_per_token = 8,
                                                  .groups = 8,
                                                  .groups_per_token = 4,
                                                  .tokens_per_rank = 4096,
                                                  .hidden = 7168,
                                                  .rank_load_cv_ratio = 0.077}};
    b->hw = (struct cluster_hw){
        .nodes = NODES,
        .chip = {.sms = 132, .bf16_flops = 989e12, .fp8_flops = 1979e12, .memory_Bps = 3.35e12},
        .node = {.gpus = GPUS, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 0.8, .pcie_Bps = 63e9},
        .nic = {.per_node = GPUS, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 0.97},
        .network = {.port_Bps = 50e9},
        .ep_kernel = {.sms = 20, .copy_Bps_per_sm = 1.896e9, .barrier_s = 6e-6, .chunk_tokens = 16}};
    b->shape = (struct routing_shape){
        .cfg = &b->recording.routing, .n_ranks = RANKS, .ranks_per_node = GPUS, .n_nodes = NODES};
    b->topo = (struct topology){.type = &star, .n_endpoints = RANKS, .gpus_per_node = GPUS, .n_links = 4 * RANKS};
    b->topo.links = ARENA_ARRAY(arena, struct topo_link, b->topo.n_links);
    for (uint32_t i = 0; i < b->topo.n_links; i++)
        b->topo.links[i].capacity_Bps = i % 4 < 2 ? 160e9 : 48.5e9;
    struct model_file model;
    ck_assert_msg(!model_load("deepseek_v3", NULL, 0, arena, &model, b->diag), "%s", diag_text(b->diag));
    material_from_trace(b->trace, &b->recording, &b->hw, model.model, arena, &b->material);
    return b;
}

static void bench_free(struct bench *b)
{
    diag_free(b->diag);
    arena_free(b->arena);
}

static const uint8_t moe[LAYERS] = {LAYER_MOE, LAYER_MOE, LAYER_MOE, LAYER_MOE};
static const uint8_t dense[LAYERS] = {LAYER_DENSE, LAYER_DENSE, LAYER_DENSE, LAYER_DENSE};

static struct chunk_program compose(struct bench *b, const uint8_t *forward, const uint8_t *backward, unsigned work)
{
    struct chunk_program p;
    struct chunk_spec spec = {{forward, forward ? LAYERS : 0}, {backward, backward ? LAYERS : 0}, work};
    chunk_compose(&b->material, &spec, b->arena, &p);
    return p;
}

static double run(struct bench *b, const struct chunk_program *p)
{
    struct opgraph *g = opgraph_new(RANKS);
    struct chunk_ops ops;
    struct sim_outcome out;
    struct chunk_group group = {.shape = &b->shape, .hw = &b->hw, .seed = 3};
    struct sim_spec spec = {.graph = g, .topo = &b->topo, .sm_per_device = 132};
    chunk_build(p, &group, g, b->arena, &ops);
    opgraph_check(g);
    ck_assert_msg(sim_run(&spec, b->arena, &out, b->diag) == 0, "%s", diag_text(b->diag));
    opgraph_free(g);
    return out.makespan_s;
}

/* --- what is in a chunk --------------------------------------------------------------------------------------- */

static double work_of(const struct chunk_program *p)
{
    double sum_s = 0;
    for (uint32_t i = 0; i < p->n_kernels; i++)
        sum_s += p->kernels[i].work_s + p->kernels[i].lead_s;
    return sum_s;
}

START_TEST(parts_add_up_to_the_pair)
{
    struct bench *b = bench_new();
    struct chunk_program pair = compose(b, moe, moe, WORK_INPUT | WORK_WEIGHT);
    struct chunk_program f = compose(b, moe, NULL, 0), back = compose(b, NULL, moe, WORK_INPUT | WORK_WEIGHT);
    struct chunk_program input = compose(b, NULL, moe, WORK_INPUT), weight = compose(b, NULL, moe, WORK_WEIGHT);

    ck_assert_uint_eq(pair.n_kernels, b->trace->n_kernels);
    ck_assert_uint_eq(f.n_kernels + back.n_kernels, pair.n_kernels);
    ck_assert_uint_eq(input.n_kernels + weight.n_kernels, back.n_kernels);
    ck_assert_double_eq_tol(work_of(&f) + work_of(&back), work_of(&pair), 1e-9);
    ck_assert_double_eq_tol(work_of(&input) + work_of(&weight), work_of(&back), 1e-9);
    bench_free(b);
}
END_TEST

static uint32_t count_kind(const struct chunk_program *p, enum op_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_kernels; i++)
        n += p->kernels[i].kind == kind;
    return n;
}

START_TEST(layers_run_again)
{
    struct bench *b = bench_new();
    struct chunk_program f = compose(b, moe, NULL, 0), back = compose(b, NULL, moe, WORK_INPUT | WORK_WEIGHT), again;
    struct chunk_spec spec = {.backward = {moe, LAYERS}, .work = WORK_INPUT | WORK_WEIGHT, .again = CHUNK_AGAIN_ALL};
    uint32_t combines = 0;

    chunk_compose(&b->material, &spec, b->arena, &again);
    for (uint32_t i = 0; i < f.n_kernels; i++)
        combines += f.kernels[i].phase == PART_COMBINE_F;
    ck_assert_uint_eq(again.n_kernels, back.n_kernels + f.n_kernels - combines);
    for (uint32_t i = 0; i < again.n_kernels; i++)
        ck_assert(again.kernels[i].backward && again.kernels[i].routing % 2);
    bench_free(b);
}
END_TEST

START_TEST(only_experts_communicate)
{
    struct bench *b = bench_new();
    struct chunk_program f = compose(b, moe, NULL, 0), d = compose(b, dense, NULL, 0);
    struct chunk_program w = compose(b, NULL, moe, WORK_WEIGHT), mixed = compose(b, dense, moe, WORK_INPUT);

    ck_assert_uint_eq(count_kind(&f, OP_COMM), 2 * LAYERS);
    ck_assert_uint_eq(count_kind(&f, OP_SYNC), 2 * LAYERS);
    ck_assert_uint_eq(count_kind(&d, OP_COMM) + count_kind(&d, OP_SYNC), 0);
    ck_assert_uint_eq(count_kind(&w, OP_COMM) + count_kind(&w, OP_SYNC), 0);
    ck_assert_uint_eq(count_kind(&mixed, OP_COMM), 2 * LAYERS);
    for (uint32_t i = 0; i < d.n_kernels; i++)
        ck_assert(!d.kernels[i].per_token);
    bench_free(b);
}
END_TEST

/* --- how long it takes ------------------------------------------------------------------------------------------- */

/* Chains between parts are the waits that the trace has, so they change nothing. */
START_TEST(a_whole_pair_is_the_recorded_one)
{
    struct bench *b = bench_new();
    struct chunk_program pair = compose(b, moe, moe, WORK_INPUT | WORK_WEIGHT), recorded;

    chunk_from_trace(b->trace, &b->recording, &b->hw, b->arena, &recorded);
    double recorded_s = run(b, &recorded);
    ck_assert_double_eq_tol(run(b, &pair), recorded_s, 1e-4 * recorded_s);
    bench_free(b);
}
END_TEST

START_TEST(a_chunk_alone_hides_nothing)
{
    struct bench *b = bench_new();
    struct chunk_program f = compose(b, moe, NULL, 0), d = compose(b, dense, NULL, 0);
    struct chunk_program pair = compose(b, moe, moe, WORK_INPUT | WORK_WEIGHT);
    struct chunk_program back = compose(b, NULL, moe, WORK_INPUT | WORK_WEIGHT);
    double alone_s = run(b, &f), compute_s = run(b, &d);

    ck_assert_double_gt(alone_s, 1.5 * compute_s);
    ck_assert_double_lt(run(b, &pair), 0.8 * (alone_s + run(b, &back)));
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: chunks");
    TCase *tc = tcase_create("chunks");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, parts_add_up_to_the_pair);
    tcase_add_test(tc, layers_run_again);
    tcase_add_test(tc, only_experts_communicate);
    tcase_add_test(tc, a_whole_pair_is_the_recorded_one);
    tcase_add_test(tc, a_chunk_alone_hides_nothing);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}
