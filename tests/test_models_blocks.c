/* Blocks as plugins: a block under another name gives the same numbers in every kind that runs it, so that nobody
 * outside asks for names; and what must hold of every registered block. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The registered blocks, and beside them copies under other names. */
#include "models/llm/blocks/block.h"
#define block_all registered_all
#define block_find registered_find
const struct block_type *const *registered_all(void);
const struct block_type *registered_find(const char *name);
#include "models/llm/blocks/block_registry.c"
#undef block_all
#undef block_find

#include "base/data_find.h"
#include "io/inputs/model_file.h"
#include "kinds/kind_run.h"
#include "tap_main.h"

const struct block_type *const *block_all(void)
{
    enum { MOST = 64 };
    static struct block_type copies[MOST];
    static char names[MOST][40];
    static const struct block_type *list[2 * MOST];
    size_t n = 0;
    for (const struct block_type *const *b = registered_all(); *b && !list[0]; b++, n++)
        ck_assert_uint_lt(n, MOST - 1);
    for (size_t i = 0; i < n; i++) {
        copies[i] = *registered_all()[i];
        snprintf(names[i], sizeof names[i], "other_%s", copies[i].name);
        copies[i].name = names[i];
        list[i] = registered_all()[i];
        list[n + i] = &copies[i];
    }
    return list;
}

const struct block_type *block_find(const char *name)
{
    for (const struct block_type *const *b = block_all(); *b; b++)
        if (!strcmp((*b)->name, name))
            return *b;
    return NULL;
}

static struct arena *arena;
static struct diag *diag;

static void setup(void)
{
    arena = arena_new();
    diag = diag_new();
}

static void teardown(void)
{
    diag_free(diag);
    arena_free(arena);
}

/* --- under another name ------------------------------------------------------------------------------------------- */

#define SMALL "cluster.nodes=4", "expert_load.redundant=0", "inference.simulate_layers=2", "sim.network=bound"
#define DECODE "inference.decode.batch=8", "inference.decode.context=1000"
#define LATENT \
    "llm.attention.kind=other_mla", "llm.attention.decode=other_mla_absorbed", "llm.moe.kind=other_moe", \
        "llm.dense_kind=other_dense_ffn"
#define TRAINED "llm.attention.kind=other_mla", "llm.moe.kind=other_moe", "llm.dense_kind=other_dense_ffn"
#define GROUPED "llm.attention.kind=other_gqa", "llm.dense_kind=other_dense_ffn"

/* The last settings rename blocks. */
static const struct {
    const char *scenario, *set[24], *renamed[5];
} runs[] = {
    {"decode_ep144", {SMALL, DECODE}, {LATENT}},
    {"decode_ep144", {SMALL, DECODE, "llm.attention.decode=mla"}, {LATENT, "llm.attention.decode=other_mla"}},
    {"prefill_ep32", {SMALL, "inference.prefill.prompt=1024", "inference.prefill.tokens=2048"}, {LATENT}},
    {"disaggregated",
     {SMALL, "cluster.nodes=8", DECODE, "inference.prefill.prompt=1024", "inference.prefill.tokens=2048"},
     {LATENT}},
    {"decode_dense_405b", {"sim.network=bound"}, {GROUPED}},
    {"tpot_bound_h800",
     {"cluster.nodes=4", "inference.shared_replicas=0", "tpot.copies=8", "inference.simulate_layers=2"},
     {LATENT}},
    {"speculative_mtp", {"sim.network=bound"}, {LATENT}},
    {"serving_disaggregated",
     {"cluster.nodes=6", "inference.prefill.nodes=2", "expert_load.redundant=0", "sim.network=bound",
      "serving.requests.count=100", "serving.requests.rate=20", "serving.grid.batch=8,64",
      "serving.grid.context=1024,16384", "serving.grid.prompt=1024,16384", "serving.grid.tokens=2048",
      "inference.simulate_layers=1"},
     {LATENT}},
    {"eplb_decode_ep144", {NULL}, {"llm.moe.kind=other_moe", "llm.dense_kind=other_dense_ffn"}},
    {"edge_single_user",
     {NULL},
     {"single_machine.model_set=attention.kind=other_mla,attention.decode=other_mla_absorbed,"
      "moe.kind=other_moe,dense_kind=other_dense_ffn",
      "single_machine.models=deepseek_v3"}},
    {"train_kernels_h800", {"cluster.nodes=2", "llm.moe.groups=2", "llm.moe.top_groups=2"}, {TRAINED}},
    {"train_step_2048_kernels", {"sim.network=bound"}, {TRAINED}},
    {"train_step_dense_70b", {"sim.network=bound"}, {GROUPED}},
};

static struct result *result_of(const char *name, const char *const *a, const char *const *b)
{
    const char *set[32];
    int n = 0;
    for (int i = 0; i < 24 && a[i]; i++)
        set[n++] = a[i];
    for (int i = 0; b && i < 5 && b[i]; i++)
        set[n++] = b[i];
    struct scenario_file *file = ARENA_NEW(arena, struct scenario_file);
    struct kind_run *run = ARENA_NEW(arena, struct kind_run);
    const char *path = data_find(arena_printf(arena, "scenarios/%s.yaml", name), NULL, arena);
    ck_assert_msg(path != NULL, "no scenario %s", name);
    ck_assert_msg(!scenario_load(path, set, n, arena, file, diag), "%s: %s", name, diag_text(diag));
    *run = (struct kind_run){.file = file, .arena = arena};
    ck_assert_msg(!kind_execute(run, diag), "%s: %s", name, diag_text(diag));
    kind_run_free(run);
    return &run->result;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void compare_tables(const char *name, const struct result_table *a, const struct result_table *b)
{
    ck_assert_uint_eq(a->n_rows, b->n_rows);
    for (uint32_t i = 0; i < a->n_rows * a->n_columns; i++)
        ck_assert_msg(same(a->cells[i].value, b->cells[i].value), "%s, %s, cell %u: %g and %g", name, a->name, i,
                      a->cells[i].value, b->cells[i].value);
}

START_TEST(a_block_under_another_name_is_the_same)
{
    const char *name = runs[_i].scenario;
    const char *edge[] = {"single_machine.models=deepseek_v3", NULL};
    bool single = !strcmp(name, "edge_single_user");
    const struct result *was = result_of(name, single ? edge : runs[_i].set, NULL);
    const struct result *is = result_of(name, runs[_i].set, runs[_i].renamed);
    ck_assert_uint_gt(was->n_metrics + was->n_tables, 0);
    ck_assert_uint_eq(was->n_metrics, is->n_metrics);
    ck_assert_uint_eq(was->n_tables, is->n_tables);
    for (uint32_t i = 0; i < was->n_metrics; i++)
        ck_assert_msg(same(was->metrics[i].value, is->metrics[i].value), "%s, %s: %g and %g", name,
                      was->metrics[i].name, was->metrics[i].value, is->metrics[i].value);
    for (uint32_t i = 0; i < was->n_tables; i++)
        compare_tables(name, &was->tables[i], &is->tables[i]);
}
END_TEST

/* --- of every block -------------------------------------------------------------------------------------------- */

static const struct block_type *registered(int i)
{
    return registered_all()[i];
}

/* All keys have defaults, so that a table of blocks needs none, and none are described twice (which cfg would refuse). */
START_TEST(keys_have_defaults)
{
    const struct block_type *b = registered(_i);
    ck_assert_ptr_nonnull(b->keys);
    for (const struct cfg_field *f = b->keys->fields; f->name; f++) {
        ck_assert_msg(f->dflt && f->doc && *f->doc, "%s: %s", b->name, f->name);
        ck_assert_msg(f->type != CFG_TABLE && f->type != CFG_MORE && f->type != CFG_MAP, "%s: %s", b->name, f->name);
    }
    ck_assert(!b->attention != !b->network);
    ck_assert(b->name && *b->doc && *b->ref);
}
END_TEST

/* --- of every block, at an example --------------------------------------------------------------------------- */

static const struct model *model;
static const struct block *block;

/* DeepSeek-V3 with the block. */
static void open_example(int i)
{
    const struct block_type *b = registered(i);
    struct model_file file;
    enum { MOST = 16 };
    const char *set[MOST];
    int n = 0;
    const char *table = b->attention ? "attention." : b->network->experts ? "moe." : "";
    set[n++] = arena_printf(arena, "%s=%s", !*table ? "dense_kind" : arena_printf(arena, "%skind", table), b->name);
    if (b->attention)
        set[n++] = arena_printf(arena, "attention.decode=%s", b->name);
    ck_assert_msg(b->example != NULL, "block '%s' needs an example", b->name);
    for (char *rest, *word = strtok_r(arena_strdup(arena, b->example), ", ", &rest); word && n < MOST;
         word = strtok_r(NULL, ", ", &rest))
        set[n++] = arena_printf(arena, "%s%s", table, word);
    ck_assert_msg(!model_load("deepseek_v3", set, n, arena, &file, diag), "%s: %s", b->name, diag_text(diag));
    model = file.model;
    for (uint32_t j = 0; j < model->n_blocks; j++)
        if (model->block[j]->type == b)
            block = model->block[j];
    ck_assert(block->type == b);
}

struct counting {
    struct layer_kernels k; /* first */
    double weights, flop;   /* of GEMMs; of all */
    uint32_t n;
};

static void count(struct layer_kernels *k, const char *name, const struct kernel_call *call, bool core)
{
    struct counting *c = (struct counting *)k;
    ck_assert_msg(!kernel_missing(call), "%s, %s: %s", block->type->name, name, kernel_missing(call));
    c->n++;
    c->flop += kernel_flop(call);
    if (!isfinite(kernel_flop(call)) || call->read_B < 0 || call->written_B < 0)
        ck_abort_msg("%s, %s", block->type->name, name);
    if (core) /* chunks of a sequence against each other */
        return;
    if (call->family == KERNEL_GEMM || kernel_is_grouped(call->family))
        c->weights += call->n * call->k * fmax(1, call->groups);
}

static struct counting sink(double tokens, double context, bool prefill)
{
    return (struct counting){.k = {.model = model,
                                   .dtype = KERNEL_FP8,
                                   .hidden = (double)model->hidden,
                                   .tokens = tokens,
                                   .group_tokens = tokens,
                                   .sequences = 1,
                                   .context = context,
                                   .new_tokens = tokens,
                                   .tp = 1,
                                   .network_tp = 1,
                                   .prefill = prefill,
                                   .add = count}};
}

static void attend(struct counting *c)
{
    const struct attention_ops *a = block->type->attention;
    if (c->k.prefill) {
        a->prefill(&c->k, block->dims);
        return;
    }
    a->decode_before(&c->k, block->dims);
    a->decode_core(&c->k, block->dims);
}

/* All experts once, with a row each. */
static void work(struct counting *c)
{
    const struct network_ops *n = block->type->network;
    double rows[1024];
    for (int i = 0; i < 1024; i++)
        rows[i] = 1;
    if (n->gate)
        n->gate(&c->k, block->dims);
    if (n->own)
        n->own(&c->k, block->dims);
    if (n->routed)
        n->routed(&c->k, block->dims, rows, (uint32_t)model->experts.routed);
    if (n->after)
        n->after(&c->k, block->dims);
}

/* GEMMs have all parameters as their weights, in decoding and in prefill: but for norms, biases, convolutions. */
START_TEST(kernels_read_the_weights)
{
    open_example(_i);
    double params = block_weigh(model, block).params;
    for (int prefill = 0; prefill < 2; prefill++) {
        struct counting c = sink(prefill ? 4096 : 1, prefill ? 0 : 4095, prefill);
        (block->type->attention ? attend : work)(&c);
        ck_assert_msg(fabs(c.weights / params - 1) < 0.01, "%s, %s: kernels with %.0f of %.0f parameters",
                      block->type->name, prefill ? "prefill" : "decoding", c.weights, params);
    }
}
END_TEST

/* FLOPs of decoding are those of its kernels. States are updated by passes, which count bytes. */
START_TEST(kernels_do_the_work)
{
    open_example(_i);
    const struct attention_ops *a = block->type->attention;
    if (!a || (a->state_B && a->state_B(block->dims) > 0))
        return;
    struct counting c = sink(1, 32767, false);
    double flop = 2 * block_weigh(model, block).active + a->decode_flop(block->dims, 32768);
    attend(&c);
    ck_assert_msg(fabs(c.flop / flop - 1) < 0.05, "%s: kernels of %.4g of %.4g FLOP", block->type->name, c.flop, flop);
}
END_TEST

START_TEST(caches_grow)
{
    open_example(_i);
    const struct attention_ops *a = block->type->attention;
    double before = 0, state = a && a->state_B ? a->state_B(block->dims) : 0;
    for (double positions = 1; a && positions < 1 << 21; positions *= 2) {
        double B = a->cache_B(model, block->dims, positions);
        ck_assert_msg(B >= before && B >= state, "%s at %g", block->type->name, positions);
        before = B;
    }
    if (!a)
        return;
    ck_assert_double_ge(a->cache_parts(block->dims, 8), 1);
    ck_assert_double_le(a->cache_parts(block->dims, 8), 8);
}
END_TEST

/* Each GPU has its part at least, and less than all. */
START_TEST(parameters_divide)
{
    open_example(_i);
    const struct attention_ops *a = block->type->attention;
    double params = block_weigh(model, block).params;
    if (!a)
        return;
    ck_assert_double_eq_tol(a->rank_params(model, block->dims, 1), params, 1e-6 * params);
    for (uint32_t tp = 2; tp <= 8; tp *= 2) {
        double part = a->rank_params(model, block->dims, tp);
        ck_assert_msg(part * tp >= params * 0.999 && part < params, "%s, tp %u: %.0f of %.0f", block->type->name, tp,
                      part, params);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: blocks");
    TCase *tc = tcase_create("blocks");
    int n = 0;
    while (registered_all()[n])
        n++;
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_block_under_another_name_is_the_same, 0, (int)(sizeof runs / sizeof *runs));
    tcase_add_loop_test(tc, keys_have_defaults, 0, n);
    tcase_add_loop_test(tc, kernels_read_the_weights, 0, n);
    tcase_add_loop_test(tc, kernels_do_the_work, 0, n);
    tcase_add_loop_test(tc, caches_grow, 0, n);
    tcase_add_loop_test(tc, parameters_divide, 0, n);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}
