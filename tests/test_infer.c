/* Steps of inference: layouts, traffic, schedules, the closed form beside the
 * simulation, properties that must hold on any machine. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared_cache.h"
#include "kinds/infer/infer_blocks.h"
#include "kinds/infer/infer_run.h"
#include "tap_main.h"

/* A scenario with its setup; two nodes and few layers unless the overrides say
 * otherwise. */
struct fixture {
    struct arena *arena;
    struct diag *diag;
    struct scenario_file file;
    struct infer_setup setup;
    struct kind_run run;
};

static const char *const small[] = {"llm.layers=7", "cluster.nodes=2", "expert_load.redundant=0"};
static const char *const of_phase[2][3] = {
    {"inference.phase=decode", "inference.decode.batch=16", "inference.decode.context=2048"},
    {"inference.phase=prefill", "inference.prefill.tokens=2048", "inference.prefill.prompt=1024"}};

/* Grouped heads instead of latents, whose keys have to go. */
#define GROUPED \
    "llm.attention.kind=gqa", "llm.attention.decode=", "llm.attention.kv_heads=8", "llm.attention.head_dim=128", \
        "llm.attention.q_lora=0", "llm.attention.kv_lora=0", "llm.attention.nope_dim=0", "llm.attention.rope_dim=0", \
        "llm.attention.v_dim=0"

/* The gate of all scenarios here, which takes longer to make than most of them to run. */
static const struct infer_gate *gate_of(const struct model *m)
{
    static struct arena *arena __attribute__((used)); /* held, or the leak check finds it lost */
    static struct infer_gate *gate;
    if (!gate)
        gate = infer_gate_new(&m->experts, 1, arena = arena_new());
    return gate;
}

static void open_with(struct fixture *f, bool prefill, const char *const *more, int n_more)
{
    const char *set[32];
    int n = 0;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        set[n++] = small[i];
    for (int i = 0; i < 3; i++)
        set[n++] = of_phase[prefill][i];
    for (int i = 0; i < n_more; i++)
        set[n++] = more[i];
    *f = (struct fixture){.arena = arena_new(), .diag = diag_new()};
    const char *folder = getenv("srcdir") ? getenv("srcdir") : ".";
    const char *path = arena_printf(f->arena, "%s/tests/data/inference.yaml", folder);
    ck_assert_msg(!scenario_load(path, set, n, f->arena, &f->file, f->diag), "%s", diag_text(f->diag));
    ck_assert(!infer_setup_open(&f->file, f->arena, &f->setup, f->diag));
    *f->setup.gate = gate_of(&f->file.scenario->llm);
    f->run = (struct kind_run){.file = &f->file, .arena = f->arena};
}

#define OPEN_PHASE(f, prefill, ...) \
    open_with(f, prefill, (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

#define OPEN(f, ...) OPEN_PHASE(f, false, __VA_ARGS__)

static void close_it(struct fixture *f)
{
    kind_run_free(&f->run);
    diag_free(f->diag);
    arena_free(f->arena);
}

static void run_case(struct fixture *f, const struct infer_case *c, struct infer_outcome *o)
{
    ck_assert_msg(!infer_case_check(c, f->arena, f->diag), "%s", diag_text(f->diag));
    ck_assert_msg(!infer_case_run(&f->run, c, o, f->diag), "%s", diag_text(f->diag));
}

static double step_s(const char *const *set, int n, bool prefill)
{
    struct fixture f;
    struct infer_case c;
    struct infer_outcome o;
    open_with(&f, prefill, set, n);
    infer_case_of(&f.setup, prefill, &c);
    run_case(&f, &c, &o);
    close_it(&f);
    return o.step_s;
}

#define STEP(prefill, ...) \
    step_s((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), prefill)

/* --- traffic ------------------------------------------------------------------ */

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static void lay_out(struct fixture *f, bool prefill, struct infer_layout *l)
{
    struct infer_misfit misfits[INFER_MAX_MISFITS];
    struct scenario *s = f->file.scenario;
    struct infer_given given = {.cfg = infer_cfg(s),
                                .model = &s->llm,
                                .hw = &s->cluster,
                                .expert_load = &s->expert_load,
                                .load_rows = &f->setup.loads.rows};
    ck_assert_uint_eq(infer_lay_out(&given, prefill, s->cluster.nodes, f->arena, l, misfits), 0);
}

START_TEST(every_token_reaches_its_experts)
{
    struct fixture f;
    struct infer_layout l;
    struct infer_router router;
    struct infer_traffic t;
    OPEN(&f, "cluster.nodes=5", "expert_load.redundant=32", "inference.shared_replicas=32");
    lay_out(&f, false, &l);
    ck_assert_uint_eq(l.slots, 320);
    infer_router_init(&router, &l, gate_of(l.model), f.arena);
    infer_traffic_new(&l, f.arena, &t);
    infer_router_layer(&router, 3);
    infer_traffic_draw(&router, 3, 0, &t);
    double tokens = l.tokens * l.ranks;
    ck_assert_double_eq(sum_of(t.to.pairs, (size_t)l.ranks * l.ranks), 9 * tokens);
    ck_assert_double_eq(sum_of(t.slot_rows, l.routed_slots), 8 * tokens);
    ck_assert_double_eq(sum_of(t.slot_rows + l.routed_slots, 32), tokens);
    infer_router_free(&router);
    close_it(&f);
}
END_TEST

/* Groups that are nodes: 3.97 nodes of 4 (paper 4.3); sampled, and with a gate that
 * chooses anew per layer. */
START_TEST(node_limited_tokens_reach_almost_four_nodes)
{
    static const char *const skews[] = {"expert_load.skew=even", "expert_load.skew=lognormal"};
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct infer_layout l;
        struct infer_router router;
        struct infer_traffic t;
        OPEN(&f, "cluster.nodes=8", "inference.decode.batch=128", skews[i], i ? "expert_load.cv=0.1" : "sim.seed=1");
        lay_out(&f, false, &l);
        infer_router_init(&router, &l, gate_of(l.model), f.arena);
        infer_traffic_new(&l, f.arena, &t);
        infer_router_layer(&router, 4);
        infer_traffic_draw(&router, 4, 1, &t);
        ck_assert_double_eq_tol(t.to.nodes_per_token, 3.97, 0.02);
        ck_assert_double_eq_tol(router.groups_per_token, 3.97, 0.02);
        infer_router_free(&router);
        close_it(&f);
    }
}
END_TEST

START_TEST(balanced_traffic_is_balanced)
{
    struct fixture f;
    struct infer_layout l;
    struct infer_router router;
    struct infer_traffic t;
    OPEN(&f, "inference.routing=balanced");
    lay_out(&f, false, &l);
    infer_router_init(&router, &l, gate_of(l.model), f.arena);
    infer_traffic_new(&l, f.arena, &t);
    infer_router_layer(&router, 3);
    infer_traffic_draw(&router, 3, 0, &t);
    for (uint32_t i = 1; i < l.ranks * l.ranks; i++)
        ck_assert_double_eq(t.to.pairs[i], t.to.pairs[0]);
    ck_assert_double_eq_tol(t.to.busiest_ratio, 1, 1e-12);
    infer_router_free(&router);
    close_it(&f);
}
END_TEST

/* --- schedules ---------------------------------------------------------------- */

/* Where a stage or exchange of a micro-batch's layer stands in the program; it stands
 * there once. */
static uint32_t find(const struct infer_program *p, enum infer_action action, int what, uint32_t mb, uint32_t layer)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct infer_item *it = &p->items[i];
        bool same = action == DO_STAGE ? it->stage == what : it->combine == (what != 0);
        if (it->action != action || !same || it->micro_batch != mb || it->layer != layer)
            continue;
        ck_assert_uint_eq(found, UINT32_MAX);
        found = i;
    }
    ck_assert_uint_ne(found, UINT32_MAX);
    return found;
}

static void check_layer(const struct infer_program *p, bool prefill, uint32_t mb, uint32_t layer, uint32_t last)
{
    uint32_t attention = find(p, DO_STAGE, STAGE_ATTN1, mb, layer), at[6];
    at[0] = attention;
    at[1] = find(p, DO_POST, 0, mb, layer);
    at[2] = find(p, DO_WAIT, 0, mb, layer);
    at[3] = find(p, DO_STAGE, STAGE_MLP, mb, layer);
    at[4] = find(p, DO_POST, 1, mb, layer);
    at[5] = find(p, DO_WAIT, 1, mb, layer);
    for (int i = 1; i < 6; i++)
        ck_assert_uint_lt(at[i - 1], at[i]);
    if (layer < last)
        ck_assert_uint_lt(at[5], find(p, DO_STAGE, prefill ? STAGE_ATTN1 : STAGE_ATTN0, mb, layer + 1));
    ck_assert_uint_lt(at[1], find(p, DO_STAGE, STAGE_SHARED, mb, layer));
}

START_TEST(stages_of_a_micro_batch_are_in_order)
{
    static const char *const overlaps[] = {"inference.overlap=dual", "inference.overlap=shared",
                                           "inference.overlap=none"};
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 3; i++) {
            struct fixture f;
            struct infer_layout l;
            struct infer_program p;
            OPEN_PHASE(&f, prefill, overlaps[i]);
            lay_out(&f, prefill, &l);
            infer_program_build(&l, 4, f.arena, &p);
            ck_assert_uint_eq(p.micro_batches, i ? 1 : 2);
            ck_assert_uint_eq(p.sparse, 4);
            for (uint32_t k = 0; k < p.sparse; k++)
                for (uint32_t mb = 0; mb < p.micro_batches; mb++)
                    check_layer(&p, prefill, mb, p.sparse_layer[k], p.sparse_layer[3]);
            close_it(&f);
        }
}
END_TEST

/* What runs while a dispatch, and while a combine, of micro-batch 0 is under way
 * (profile-data's pictures). */
START_TEST(the_other_micro_batch_hides_the_exchanges)
{
    struct fixture f;
    struct infer_layout l;
    struct infer_program p;
    OPEN(&f, "inference.overlap=dual");
    lay_out(&f, false, &l);
    infer_program_build(&l, 4, f.arena, &p);
    uint32_t attn0 = find(&p, DO_STAGE, STAGE_ATTN0, 1, 5), attn1 = find(&p, DO_STAGE, STAGE_ATTN1, 1, 5);
    ck_assert(find(&p, DO_POST, 0, 0, 5) < attn0 && attn0 < find(&p, DO_WAIT, 0, 0, 5));
    ck_assert(find(&p, DO_POST, 1, 0, 5) < attn1 && attn1 < find(&p, DO_WAIT, 1, 0, 5));
    close_it(&f);
    OPEN_PHASE(&f, true, "inference.overlap=dual");
    lay_out(&f, true, &l);
    infer_program_build(&l, 4, f.arena, &p);
    attn0 = find(&p, DO_STAGE, STAGE_ATTN1, 0, 5);
    uint32_t mlp1 = find(&p, DO_STAGE, STAGE_MLP, 1, 5), mlp0 = find(&p, DO_STAGE, STAGE_MLP, 0, 5);
    ck_assert(find(&p, DO_POST, 0, 1, 5) < attn0 && attn0 < find(&p, DO_WAIT, 0, 1, 5));
    ck_assert(find(&p, DO_POST, 0, 0, 5) < mlp1 && mlp1 < find(&p, DO_WAIT, 0, 0, 5));
    ck_assert(find(&p, DO_POST, 1, 1, 5) < mlp0 && mlp0 < find(&p, DO_WAIT, 1, 1, 5));
    close_it(&f);
}
END_TEST

/* --- closed form, simulation, sharing
 * ----------------------------------------------------------------------------- */

static const char *const networks[] = {"sim.network=flow", "sim.network=bound"};
static const char *const overlaps[] = {"inference.overlap=dual", "inference.overlap=none"};

START_TEST(closed_form_is_below_and_near_the_simulation)
{
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 2; i++) {
            double flow = STEP(prefill, "sim.network=flow", "sim.epsilon=0", overlaps[i]);
            double bound = STEP(prefill, "sim.network=bound", overlaps[i]);
            ck_assert_double_le(bound, flow * (1 + 1e-9));
            ck_assert_double_ge(bound / flow, 0.98);
            /* two kinds of exchanges share NVLink in the simulation only */
            flow = STEP(prefill, "sim.network=flow", "sim.epsilon=0", overlaps[i], "inference.tp=2");
            bound = STEP(prefill, "sim.network=bound", overlaps[i], "inference.tp=2");
            ck_assert_double_le(bound, flow * (1 + 1e-9));
            ck_assert_double_ge(bound / flow, 0.9);
        }
}
END_TEST

START_TEST(parts_sum_to_the_step)
{
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 4; i++) {
            struct fixture f;
            struct infer_case c;
            struct infer_outcome o;
            OPEN_PHASE(&f, prefill, networks[i / 2], overlaps[i % 2], "inference.tp=2", "inference.simulate_layers=3");
            infer_case_of(&f.setup, prefill, &c);
            run_case(&f, &c, &o);
            const struct infer_parts *p = &o.account.total;
            double sum = sum_of(p->stage_s, N_STAGES) + p->tp_s + p->exposed_s[0] + p->exposed_s[1] + p->waiting_s[0] +
                         p->waiting_s[1] + p->idle_s;
            ck_assert_double_eq_tol(sum, p->step_s, 1e-9 * p->step_s);
            ck_assert(o.account.extrapolated);
            close_it(&f);
        }
}
END_TEST

/* Layers that are alike: what few of them tell is what all of them take. */
START_TEST(sharing_layers_is_exact)
{
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 2; i++) {
            double shared = STEP(prefill, networks[i], "llm.layers=20", "inference.routing=balanced");
            double all = STEP(prefill, networks[i], "llm.layers=20", "inference.routing=balanced",
                              "inference.share_layers=false");
            ck_assert_double_eq_tol(shared, all, 1e-9 * all);
        }
}
END_TEST

/* Every fourth layer sees everything, every third network is dense: what is left out is whole periods. */
#define DIFFERENT \
    "llm.layers=62", "llm.dense_layers=0", "llm.attention_pattern=window*3 attention", "llm.blocks.window.window=256", \
        "llm.network_pattern=dense moe*2", "inference.routing=balanced"

START_TEST(layers_that_differ_are_shared_by_periods)
{
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 2; i++) {
            double shared = STEP(prefill, networks[i], DIFFERENT);
            double all = STEP(prefill, networks[i], DIFFERENT, "inference.share_layers=false");
            ck_assert_double_eq_tol(shared, all, 1e-9 * all);
        }
}
END_TEST

static uint32_t n_stages(const struct infer_program *p, uint32_t stage, uint32_t layer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        n += p->items[i].action == DO_STAGE && p->items[i].stage == stage && p->items[i].layer == layer;
    return n;
}

/* A layer of attention alone, one of a network alone, experts alone: each runs what it has, once for a micro-batch. */
START_TEST(layers_run_what_they_have)
{
    static const struct {
        const char *overlap;
        uint32_t micro_batches;
    } ways[] = {{"inference.overlap=dual", 2}, {"inference.overlap=none", 1}};
    for (int prefill = 0; prefill < 2; prefill++)
        for (int i = 0; i < 2; i++) {
            struct fixture f;
            struct infer_layout l;
            struct infer_program p;
            OPEN_PHASE(&f, prefill, ways[i].overlap, "llm.layers=12", "llm.dense_layers=0",
                       "llm.attention_pattern=attention none none", "llm.network_pattern=none dense moe");
            lay_out(&f, prefill, &l);
            infer_program_build(&l, 100, f.arena, &p);
            ck_assert_uint_eq(p.sparse, 4);
            for (uint32_t layer = 0; layer < 12; layer++) {
                uint32_t has = layer % 3, mb = ways[i].micro_batches;
                ck_assert_uint_eq(n_stages(&p, STAGE_ATTN0, layer), has == 0 && !prefill ? mb : 0);
                ck_assert_uint_eq(n_stages(&p, STAGE_ATTN1, layer), has != 1 ? mb : 0); /* the gate stands there */
                ck_assert_uint_eq(n_stages(&p, STAGE_DENSE, layer), has == 1 ? mb : 0);
                ck_assert_uint_eq(n_stages(&p, STAGE_MLP, layer), has == 2 ? mb : 0);
            }
            close_it(&f);
        }
}
END_TEST

/* The step lies between those of models whose layers are all of one kind, and as far from them as it has of each. */
START_TEST(a_mixture_is_between_its_parts)
{
    double whole = STEP(false, "sim.network=bound", "inference.decode.context=8192", "inference.overlap=none");
    double window = STEP(false, "sim.network=bound", "inference.decode.context=8192", "inference.overlap=none",
                         "llm.attention.window=256");
    double mixed = STEP(false, "sim.network=bound", "inference.decode.context=8192", "inference.overlap=none",
                        "llm.attention_pattern=window*6 attention", "llm.blocks.window.window=256");
    ck_assert_double_lt(window, whole);
    ck_assert_double_eq_tol(mixed, (6 * window + whole) / 7, 2e-3 * mixed);
}
END_TEST

START_TEST(sampled_layers_are_not_shared)
{
    struct fixture f;
    struct infer_case c;
    struct infer_outcome o;
    OPEN(&f, "llm.layers=20");
    infer_case_of(&f.setup, false, &c);
    run_case(&f, &c, &o);
    ck_assert(!o.account.extrapolated);
    ck_assert_uint_eq(o.step.program.sparse, 17);
    close_it(&f);
}
END_TEST

/* --- properties --------------------------------------------------------------- */

/* Measured kernels scatter by a percent, and some are slower with fewer rows. */
static const double scatter = 0.99;

START_TEST(more_work_is_not_faster)
{
    const char *bound = "sim.network=bound";
    double last = 0;
    for (int batch = 8; batch <= 128; batch *= 2) {
        char text[64];
        snprintf(text, sizeof text, "inference.decode.batch=%d", batch);
        double now = STEP(false, bound, text);
        ck_assert_double_ge(now, scatter * last);
        last = now;
    }
    last = 0;
    for (int context = 512; context <= 16384; context *= 2) {
        char text[64];
        snprintf(text, sizeof text, "inference.decode.context=%d", context);
        double now = STEP(false, bound, text);
        ck_assert_double_ge(now, scatter * last);
        last = now;
    }
    ck_assert_double_gt(STEP(true, bound, "inference.prefill.tokens=4096"), STEP(true, bound));
    /* as many new positions that attend to old ones, too */
    ck_assert_double_gt(STEP(true, bound, "inference.prefill.cached=50 %"), STEP(true, bound));
    ck_assert_double_gt(STEP(false, bound, "inference.decode.extra_tokens=1"), STEP(false, bound));
}
END_TEST

START_TEST(better_hardware_is_not_slower)
{
    static const char *const better[2][6] = {
        {"cluster.nic.bandwidth=800 Gb/s", "cluster.chip.memory_bandwidth=6.7 TB/s", "cluster.chip.fp8=4000 TFLOPS",
         "cluster.nic.latency=0.5 us", "inference.decode.launch_gap=0 s", "cluster.ep_kernel.low_latency_combine=0 s"},
        {"cluster.nic.bandwidth=800 Gb/s", "cluster.chip.memory_bandwidth=6.7 TB/s", "cluster.chip.fp8=4000 TFLOPS",
         "cluster.nic.latency=0.5 us", "cluster.kernels.launch_gap=1 us", "cluster.node.nvlink_bandwidth=400 GB/s"}};
    for (int prefill = 0; prefill < 2; prefill++)
        for (size_t i = 0; i < 6; i++) {
            double was = STEP(prefill, "sim.network=bound", "inference.overlap=none");
            ck_assert_double_le(STEP(prefill, "sim.network=bound", "inference.overlap=none", better[prefill][i]), was);
        }
    /* without overlap nothing hides the network */
    ck_assert_double_lt(
        STEP(true, "sim.network=flow", "inference.overlap=none", "cluster.ep_kernel.copy_per_sm=4 GB/s"),
        STEP(true, "sim.network=flow", "inference.overlap=none"));
}
END_TEST

static const struct infer_kernel *kernel_named_of(const struct infer_outcome *o, const char *name)
{
    const struct infer_kernels *k = &o->step.kernels;
    for (uint32_t i = 0; i < k->n; i++)
        if (!strcmp(k->list[i].name, name))
            return &k->list[i];
    ck_abort_msg("no kernel '%s'", name);
    return NULL;
}

static double attention_B_per_position(const char *name, const char *const *set, int n)
{
    struct fixture f;
    struct infer_case c;
    struct infer_outcome o;
    open_with(&f, false, set, n);
    infer_case_of(&f.setup, false, &c);
    run_case(&f, &c, &o);
    double token_B = kernel_named_of(&o, name)->call.kv_token_B;
    close_it(&f);
    return token_B;
}

/* Attention reads what memory holds: FlashMLA's FP8 cache is 512 B, four scales and 64 values of 2 B; of grouped heads
 * a GPU reads its own. */
START_TEST(attention_reads_the_cache_as_it_is_stored)
{
    static const char *const flash_mla[] = {"sim.network=bound", "llm.attention.kv_value=1 B",
                                            "llm.attention.kv_scale=4 B", "llm.attention.kv_rope=2 B"};
    static const char *const grouped[] = {"sim.network=bound", GROUPED, "llm.attention.kv_value=1 B",
                                          "llm.attention.kv_scale=4 B", "inference.tp=4"};
    ck_assert_double_eq(attention_B_per_position("MLA", flash_mla, 4), 656);
    ck_assert_double_eq(attention_B_per_position("attention", grouped, sizeof grouped / sizeof *grouped),
                        2 * 2 * 128 * (1 + 4.0 / 128));
}
END_TEST

static struct infer_layout layout_with(struct fixture *f, bool prefill, const char *const *set, int n)
{
    struct infer_case c;
    struct infer_outcome o;
    open_with(f, prefill, set, n);
    infer_case_of(&f->setup, prefill, &c);
    run_case(f, &c, &o);
    return o.step.layout;
}

/* Of DeepSeek-V3's attention 7168 (1536 + 512 + 64) parameters and two norms stand on each GPU of a group, the rest
 * divides; with 8 heads of keys and values among 16 GPUs two hold the same. */
START_TEST(tensor_parallelism_divides_what_it_can)
{
    struct fixture f;
    static const char *const one[] = {"sim.network=bound"};
    static const char *const heads[] = {"sim.network=bound", GROUPED};
    const struct model *m = layout_with(&f, false, one, 1).model;
    double layers = (double)m->layers, whole = layers * (7169.0 * (1536 + 512) + 7168 * 64),
           all = model_attention_per_gpu(m, 1);
    ck_assert_double_eq_tol(all, model_params(m).attention, 1);
    ck_assert_double_eq_tol(model_attention_per_gpu(m, 4), whole + (all - whole) / 4, 1);
    ck_assert_double_eq_tol(model_cache_rank_B(m, 1000, 4), model_cache_B(m, 1000), 1);
    close_it(&f);
    m = layout_with(&f, false, heads, sizeof heads / sizeof *heads).model;
    double kv = layers * (2 * 7168 * 8 * 128), grouped = model_attention_per_gpu(m, 1);
    ck_assert_double_eq_tol(model_attention_per_gpu(m, 16), (grouped - kv) / 16 + kv / 8, 1);
    ck_assert_double_eq_tol(model_cache_rank_B(m, 1000, 16), model_cache_B(m, 1000) / 8, 1e-6);
    close_it(&f);
}
END_TEST

/* What decoding will not see need not be sent. */
START_TEST(windows_bound_what_is_transferred)
{
    struct fixture f;
    static const char *const whole[] = {"sim.network=bound", "inference.prefill.prompt=4096",
                                        "inference.prefill.tokens=8192"};
    static const char *const window[] = {"sim.network=bound", "inference.prefill.prompt=4096",
                                         "inference.prefill.tokens=8192", "llm.attention.window=1024"};
    struct infer_layout l = layout_with(&f, true, whole, 3);
    double all_B = infer_kv_rank_B(&l);
    ck_assert_double_eq_tol(all_B, 8192.0 * model_kv_B(l.model), 1e-9 * all_B);
    close_it(&f);
    l = layout_with(&f, true, window, 4);
    ck_assert_double_eq_tol(infer_kv_rank_B(&l), all_B / 4, 1e-9 * all_B);
    close_it(&f);
}
END_TEST

/* With a window a prompt costs less, and never less than with a smaller one. */
START_TEST(windows_bound_prefill)
{
    for (int i = 0; i < 2; i++) {
        double last = 0;
        for (int window = 256; window <= 4096; window *= 4) {
            char text[64];
            snprintf(text, sizeof text, "llm.attention.window=%d", window);
            double now = i ? STEP(true, "sim.network=bound", GROUPED, "inference.prefill.prompt=4096",
                                  "inference.prefill.tokens=8192", text)
                           : STEP(true, "sim.network=bound", "inference.prefill.prompt=4096",
                                  "inference.prefill.tokens=8192", text);
            ck_assert_double_gt(now, last);
            last = now;
        }
    }
}
END_TEST

/* Two micro-batches together take no longer than one after the other: overlap only
 * hides. */
/* The largest shares of memory's bandwidth that ops of a step take, by kind. */
static void memory_of(double *takes, double *holds, const char *memory)
{
    struct fixture f;
    struct infer_case c;
    struct infer_outcome o;
    OPEN_PHASE(&f, true, "sim.network=flow", "inference.overlap=dual", "inference.simulate_layers=2", memory);
    infer_case_of(&f.setup, true, &c);
    run_case(&f, &c, &o);
    *takes = *holds = 0;
    for (uint32_t i = 0; i < f.run.graph->n_ops; i++) {
        double *most = f.run.graph->ops[i].kind == OP_COMPUTE ? takes : holds;
        *most = fmax(*most, f.run.graph->ops[i].memory);
    }
    close_it(&f);
}

/* Copies of an exchange read and write memory beside what computes: where both together want more than there is, they
 * share it; where there is enough nobody is told. */
START_TEST(exchanges_take_memory)
{
    double takes, holds;
    memory_of(&takes, &holds, "cluster.chip.memory_bandwidth=3.35 TB/s");
    ck_assert(takes == 0 && holds == 0);
    memory_of(&takes, &holds, "cluster.chip.memory_bandwidth=0.6 TB/s");
    ck_assert(takes > 0.5 && takes <= 1 && holds > 0.3 && holds <= 1);
}
END_TEST

START_TEST(overlap_is_not_slower_than_taking_turns)
{
    double both = STEP(false, "sim.network=flow", "inference.overlap=dual", "inference.decode.batch=32");
    double one = STEP(false, "sim.network=flow", "inference.overlap=none", "inference.decode.batch=16");
    ck_assert_double_le(both, 2 * one);
    both = STEP(true, "sim.network=flow", "inference.overlap=dual", "inference.prefill.tokens=4096");
    one = STEP(true, "sim.network=flow", "inference.overlap=none", "inference.prefill.tokens=2048");
    ck_assert_double_le(both, 2 * one);
}
END_TEST

/* The experts' kernels of the slowest rank are in the step, not those of the mean. */
START_TEST(the_busiest_rank_decides)
{
    double even = STEP(false, "sim.network=flow", "inference.routing=balanced", "inference.overlap=none");
    double uneven =
        STEP(false, "sim.network=flow", "expert_load.skew=zipf", "expert_load.exponent=0.8", "inference.overlap=none");
    ck_assert_double_gt(uneven, even);
}
END_TEST

START_TEST(times_for_tables)
{
    struct fixture f;
    double small_s, large_s, prefill_s;
    OPEN(&f, "sim.network=bound");
    ck_assert(!infer_decode_time(&f.run, &f.setup, 16, 2048, 0, &small_s, f.diag));
    ck_assert(!infer_decode_time(&f.run, &f.setup, 64, 4096, 1, &large_s, f.diag));
    ck_assert(!infer_prefill_time(&f.run, &f.setup, 4096, 2048, 0.5, &prefill_s, f.diag));
    ck_assert(small_s > 0 && large_s > small_s && prefill_s > 0);
    ck_assert_double_eq(small_s, STEP(false, "sim.network=bound"));
    ck_assert(infer_decode_time(&f.run, &f.setup, 65536, 4096, 1, &large_s, f.diag));
    ck_assert_ptr_nonnull(strstr(diag_text(f.diag), "the most that fits"));
    close_it(&f);
}
END_TEST

/* Points of a sweep that differ elsewhere. */
START_TEST(a_step_that_is_known_is_not_simulated_again)
{
    struct fixture f;
    struct infer_case c;
    struct infer_outcome o[2];
    static const char *const sampled[] = {"inference.simulate_layers=2"};
    open_with(&f, false, sampled, 1);
    shared_cache_begin();
    uint64_t entries = shared_cache_stats().entries, hits = shared_cache_stats().hits;
    infer_case_of(&f.setup, false, &c);
    for (int many = 0; many < 2; many++) {
        f.run.one_of_many = many;
        c.account_alone = !many;
        run_case(&f, &c, &o[0]); /* somebody may look at more of it: it is neither kept nor looked up */
        ck_assert_uint_eq(shared_cache_stats().entries, entries);
    }
    c.account_alone = true;
    for (int i = 0; i < 2; i++)
        run_case(&f, &c, &o[i]);
    ck_assert_uint_eq(shared_cache_stats().entries, entries + 1);
    ck_assert_uint_eq(shared_cache_stats().hits, hits + 1);
    ck_assert_mem_eq(&o[0].account, &o[1].account, sizeof o[0].account);
    ck_assert(o[0].step_s == o[1].step_s && o[1].step_s > 0);
    c.cfg.decode.context++;
    run_case(&f, &c, &o[1]);
    f.run.seed_offset = 1;
    run_case(&f, &c, &o[1]);
    ck_assert_uint_ge(shared_cache_stats().entries, entries + 3);
    ck_assert_uint_eq(shared_cache_stats().hits, hits + 1);
    close_it(&f);
}
END_TEST

/* The first two layers, in which ranks drift apart, do not stand for those that are missing. */
START_TEST(layers_that_are_missing_are_told_apart_from_those_that_begin)
{
    struct fixture f;
    struct infer_outcome o[3];
    static const char *const layers[] = {"inference.simulate_layers=0", "inference.simulate_layers=12",
                                         "inference.simulate_layers=5"};
    for (int i = 0; i < 3; i++) {
        struct infer_case c;
        const char *set[] = {"llm.layers=27", layers[i]};
        open_with(&f, false, set, 2);
        infer_case_of(&f.setup, false, &c);
        run_case(&f, &c, &o[i]);
        close_it(&f);
    }
    double all_s = o[0].account.total.step_s, off[2];
    ck_assert(o[0].account.missing_error_s == 0);
    for (int i = 0; i < 2; i++) {
        off[i] = fabs(o[1 + i].account.total.step_s / all_s - 1);
        ck_assert(o[1 + i].account.missing_error_s > 0 && o[1 + i].account.missing_error_s < 0.01 * all_s);
    }
    ck_assert_msg(off[0] < 0.5 * off[1] && off[0] < 1e-3, "12 layers: %g off, 5 layers: %g", off[0], off[1]);
}
END_TEST

/* Every layer is counted once, by the first run or behind two that warm up, and the last of a run is the next one's. */
START_TEST(blocks_of_layers_tile_the_model)
{
    struct infer_block b[INFER_MOST_BLOCKS];
    for (uint32_t n = 1; n <= INFER_MOST_BLOCKS; n++)
        for (uint32_t layers = 1; layers < 400; layers += 1 + layers / 30) {
            if (!infer_blocks_cut(layers, n, b)) {
                ck_assert_uint_lt(layers, 4 * n + INFER_BLOCK_WARMING_UP + 1);
                continue;
            }
            ck_assert_uint_eq(b[0].first, 0);
            for (uint32_t i = 1; i < n; i++) {
                ck_assert_uint_eq(b[i].first + INFER_BLOCK_WARMING_UP, b[i - 1].first + b[i - 1].layers - 1);
                ck_assert(b[i].layers <= b[0].layers + 1 && b[0].layers <= b[i].layers + 1);
            }
            ck_assert_uint_eq(b[n - 1].first + b[n - 1].layers, layers);
        }
}
END_TEST

static void run_in_blocks(const char *layers, const char *blocks, struct infer_outcome *o)
{
    struct fixture f;
    struct infer_case c;
    const char *set[] = {"llm.layers=30", layers, blocks};
    open_with(&f, false, set, 3);
    infer_case_of(&f.setup, false, &c);
    run_case(&f, &c, o);
    o->step.load_limit[0] = o->step.load_limit[1] = NULL; /* the arena's, which goes */
    close_it(&f);
}

/* Runs side by side find what one run of all layers finds, but for what their beginnings leave. */
START_TEST(blocks_of_layers_take_what_the_whole_takes)
{
    static const char *const layers[] = {"inference.simulate_layers=0", "inference.simulate_layers=16"};
    for (int i = 0; i < 2; i++) {
        struct infer_outcome one, three;
        run_in_blocks(layers[i], "inference.layer_blocks=1", &one);
        run_in_blocks(layers[i], "inference.layer_blocks=3", &three);
        const struct infer_parts *a = &one.account.total, *b = &three.account.total;
        ck_assert_uint_eq(three.blocks, 3);
        ck_assert(one.account.extrapolated == three.account.extrapolated);
        ck_assert_double_eq_tol(a->step_s, b->step_s, 2e-3 * a->step_s);
        ck_assert_double_eq_tol(a->stage_s[STAGE_MLP], b->stage_s[STAGE_MLP], 2e-3 * a->stage_s[STAGE_MLP]);
        ck_assert_double_eq_tol(a->stage_s[STAGE_HEAD], b->stage_s[STAGE_HEAD], 1e-3 * a->stage_s[STAGE_HEAD]);
        ck_assert_double_eq_tol(one.step.drawn.nodes_per_token, three.step.drawn.nodes_per_token, 0.01);
        ck_assert_double_eq_tol(one.step.drawn.mean_load_s[0], three.step.drawn.mean_load_s[0], 1e-15);
        ck_assert((three.account.missing_error_s > 0) == (i == 1));
    }
}
END_TEST

START_TEST(known_times_of_experts_are_those_that_are_found)
{
    struct fixture f;
    struct infer_layout l;
    open_with(&f, false, NULL, 0);
    lay_out(&f, false, &l);
    struct infer_step s;
    const struct kernel_model *model = kernel_model_new(&f.file.scenario->cluster, &f.setup.table, f.arena);
    infer_step_init(&s, &l, model, gate_of(l.model), 0, f.arena);
    double *rows = ARENA_ARRAY(f.arena, double, l.slots_per_rank);
    for (int i = 0; i < 2000; i++) {
        for (uint32_t k = 0; k < l.slots_per_rank; k++)
            rows[k] = (i * (7 + 3 * (int)k)) % 41;
        ck_assert(infer_step_experts_s(&s, rows) == infer_experts_s(&l, model, rows));
    }
    close_it(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("infer");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_token_reaches_its_experts);
    tcase_add_test(tc, node_limited_tokens_reach_almost_four_nodes);
    tcase_add_test(tc, balanced_traffic_is_balanced);
    tcase_add_test(tc, stages_of_a_micro_batch_are_in_order);
    tcase_add_test(tc, the_other_micro_batch_hides_the_exchanges);
    tcase_add_test(tc, closed_form_is_below_and_near_the_simulation);
    tcase_add_test(tc, parts_sum_to_the_step);
    tcase_add_test(tc, sharing_layers_is_exact);
    tcase_add_test(tc, layers_that_differ_are_shared_by_periods);
    tcase_add_test(tc, layers_run_what_they_have);
    tcase_add_test(tc, a_mixture_is_between_its_parts);
    tcase_add_test(tc, sampled_layers_are_not_shared);
    tcase_add_test(tc, more_work_is_not_faster);
    tcase_add_test(tc, better_hardware_is_not_slower);
    tcase_add_test(tc, attention_reads_the_cache_as_it_is_stored);
    tcase_add_test(tc, windows_bound_prefill);
    tcase_add_test(tc, windows_bound_what_is_transferred);
    tcase_add_test(tc, tensor_parallelism_divides_what_it_can);
    tcase_add_test(tc, exchanges_take_memory);
    tcase_add_test(tc, overlap_is_not_slower_than_taking_turns);
    tcase_add_test(tc, the_busiest_rank_decides);
    tcase_add_test(tc, times_for_tables);
    tcase_add_test(tc, a_step_that_is_known_is_not_simulated_again);
    tcase_add_test(tc, layers_that_are_missing_are_told_apart_from_those_that_begin);
    tcase_add_test(tc, blocks_of_layers_tile_the_model);
    tcase_add_test(tc, blocks_of_layers_take_what_the_whole_takes);
    tcase_add_test(tc, known_times_of_experts_are_those_that_are_found);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
