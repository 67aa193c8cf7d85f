/* Kind expert_balance: how unequal the work of GPUs and nodes is when experts are not equally popular, and
 * what redundant experts and their placement make of it (DeepSeek-V3 report 3.4; EPLB).
 *
 * Expected: each expert's load is shared evenly by its replicas. Sampled: tokens are routed one by one through
 * the group-limited gate whose biases give the experts those loads; few tokens add noise that no placement can
 * remove. The balancer knows the loads; what it costs to move experts, and loads that change, are left out. */
#include <math.h>

#include "base/progress.h"
#include "models/routing/eplb.h"
#include "models/routing/moe_routing.h"
#include "kinds/estimate.h"
#include "kinds/expert_loads.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/infer/balance_cfg.h"

static uint32_t n_moe_layers(const struct model *m)
{
    return model_sparse_layers(m);
}

static struct placement_shape placement_shape_of(const struct scenario *s, uint32_t redundant)
{
    return (struct placement_shape){.experts = (uint32_t)s->llm.experts.routed,
                                    .redundant = redundant,
                                    .groups = (uint32_t)s->llm.experts.groups,
                                    .ranks = (uint32_t)(s->cluster.nodes * s->cluster.node.gpus),
                                    .nodes = (uint32_t)s->cluster.nodes};
}

/* --- check ----------------------------------------------------------------------------------------------- */

static void check_layers(const struct scenario_file *file, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    uint32_t layers = n_moe_layers(&s->llm);
    if (balance_cfg(s)->sampled_layers > layers)
        REPORT("expert_balance.sampled_layers", "there are only %u MoE layers", layers);
    if (balance_cfg(s)->show_layer >= (int64_t)layers)
        REPORT("expert_balance.show_layer", "there are only %u MoE layers, from 0", layers);
}

/* Routed one by one and counted by every placement. */
static struct estimate_of tokens_of(const struct scenario *s)
{
    double ranks = (double)(s->cluster.nodes * s->cluster.node.gpus);
    const struct balance_cfg *c = balance_cfg(s);
    return (struct estimate_of){"tokens to route", ranks * (double)c->tokens * (double)c->sampled_layers, 3e6,
                                "expert_balance", "lower expert_balance.tokens or sampled_layers"};
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    struct placement_shape shape = placement_shape_of(s, (uint32_t)s->expert_load.redundant);
    struct expert_loads loads;
    if (!s->llm.experts.routed) {
        REPORT("model", "'%s' is a dense model; there are no experts to balance", s->llm.name);
        return;
    }
    if (s->llm.experts.groups > ROUTING_MAX_GROUPS || s->llm.experts.top_k > ROUTING_MAX_TOPK)
        REPORT("llm.moe", "at most %d groups of experts and %d experts of a token", ROUTING_MAX_GROUPS,
               ROUTING_MAX_TOPK);
    const char *misfit = placement_misfit(&shape, BALANCE_EPLB);
    if (misfit)
        REPORT("expert_load.redundant", "%s: %u experts and %u redundant ones in %u groups, %u GPUs on %u nodes",
               misfit, shape.experts, shape.redundant, shape.groups, shape.ranks, shape.nodes);
    check_layers(file, diag);
    struct estimate_of tokens = tokens_of(s);
    estimate_check(file, &tokens, diag);
    expert_loads_open(file, shape.experts, (uint32_t)s->llm.experts.top_k, n_moe_layers(&s->llm), arena, &loads, diag);
}

/* --- placements compared --------------------------------------------------------------------------------- */

struct variant {
    const char *name;
    uint32_t redundant;
    enum balance balance;
};

struct study {
    struct kind_run *run;
    const struct scenario *sc;
    struct expert_loads loads;
    uint32_t layers, sampled;
    struct routing_cfg routing;
    struct routing_shape shape;
    struct gate_choices *choices; /* [sampled] */
    struct variant variants[4];
    uint32_t n_variants;
};

static void list_variants(struct study *s)
{
    uint32_t redundant = (uint32_t)s->sc->expert_load.redundant;
    struct placement_shape bare = placement_shape_of(s->sc, 0);
    if (!placement_misfit(&bare, BALANCE_NONE))
        s->variants[s->n_variants++] = (struct variant){"one of each, in order", 0, BALANCE_NONE};
    if (redundant)
        s->variants[s->n_variants++] = (struct variant){"copies of the first ones, in order", redundant, BALANCE_NONE};
    bool groups_on_nodes = bare.groups % bare.nodes == 0;
    s->variants[s->n_variants++] =
        (struct variant){groups_on_nodes ? "EPLB, hierarchical" : "EPLB, global", redundant, BALANCE_EPLB};
    if (groups_on_nodes)
        s->variants[s->n_variants++] = (struct variant){"EPLB, global", redundant, BALANCE_EPLB_GLOBAL};
}

static void place(const struct study *s, const struct variant *v, uint32_t layer, struct arena *arena,
                  struct placement *out)
{
    struct placement_shape shape = placement_shape_of(s->sc, v->redundant);
    placement_make(&shape, v->balance, expert_loads_of(&s->loads, layer, arena), arena, out);
}

static double largest(const double *x, uint32_t n)
{
    double most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, x[i]);
    return most;
}

/* The fullest GPU's and node's load over the mean. */
struct imbalance {
    double gpu, node;
};

static struct imbalance expected(const struct study *s, const struct variant *v, uint32_t layer)
{
    struct arena *arena = arena_new();
    struct placement p;
    place(s, v, layer, arena, &p);
    double *rank = ARENA_ARRAY(arena, double, p.ranks), *node = ARENA_ARRAY(arena, double, p.nodes);
    placement_load(&p, expert_loads_of(&s->loads, layer, arena), rank, node);
    struct imbalance i = {largest(rank, p.ranks), largest(node, p.nodes)};
    arena_free(arena);
    return i;
}

/* *nodes_per_token: nodes that a token goes to, its own counted. */
static struct imbalance sampled(const struct study *s, const struct variant *v, uint32_t layer, double *nodes_per_token)
{
    struct arena *arena = arena_new();
    struct placement p;
    struct routing r;
    place(s, v, layer, arena, &p);
    gate_count(&s->shape, &s->choices[layer], &p, s->loads.seed, layer, arena, &r);
    double *node = ARENA_ARRAY(arena, double, p.nodes), most = 0;
    double rows = (double)s->routing.tokens_per_rank * (double)s->routing.experts_per_token;
    for (uint32_t i = 0; i < p.ranks; i++) {
        most = fmax(most, r.expert_rows[i] / rows);
        node[i / s->shape.ranks_per_node] += r.expert_rows[i] / rows / s->shape.ranks_per_node;
    }
    struct imbalance i = {most, largest(node, p.nodes)};
    *nodes_per_token = r.nodes_per_token;
    arena_free(arena);
    return i;
}

/* --- tables ---------------------------------------------------------------------------------------------- */

enum {
    COL_PLACEMENT,
    COL_REPLICAS,
    COL_GPU,
    COL_GPU_WORST,
    COL_NODE,
    COL_NODE_WORST,
    COL_GPU_SAMPLED,
    COL_NODE_SAMPLED,
    COL_NODES,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"placement", DIM_COUNT, "where replicas of experts stand", true},
    {"replicas", DIM_COUNT, "of all experts", false},
    {"gpu", DIM_RATIO, "fullest GPU's load over the mean, expected, mean over layers", false},
    {"gpu_worst", DIM_RATIO, "the same of the worst layer", false},
    {"node", DIM_RATIO, "fullest node's load over the mean, expected, mean over layers", false},
    {"node_worst", DIM_RATIO, "the same of the worst layer", false},
    {"gpu_sampled", DIM_RATIO, "fullest GPU over the mean when tokens are routed, mean over sampled layers", false},
    {"node_sampled", DIM_RATIO, "fullest node, likewise", false},
    {"nodes_per_token", DIM_RATIO, "nodes that a token goes to, its own counted", false},
};

static void add_variant(struct study *s, struct result_table *t, const struct variant *v)
{
    struct result_cell *row = result_add_row(t);
    struct imbalance sum = {0, 0}, worst = {0, 0}, drawn = {0, 0};
    double nodes = 0, of_layer;
    for (uint32_t layer = 0; layer < s->layers; layer++) {
        struct imbalance i = expected(s, v, layer);
        progress_tick(NULL);
        sum = (struct imbalance){sum.gpu + i.gpu, sum.node + i.node};
        worst = (struct imbalance){fmax(worst.gpu, i.gpu), fmax(worst.node, i.node)};
    }
    for (uint32_t layer = 0; layer < s->sampled; layer++) {
        struct imbalance i = sampled(s, v, layer, &of_layer);
        drawn = (struct imbalance){drawn.gpu + i.gpu, drawn.node + i.node};
        nodes += of_layer;
    }
    row[COL_PLACEMENT].text = v->name;
    row[COL_REPLICAS].value = s->loads.experts + v->redundant;
    row[COL_GPU].value = sum.gpu / s->layers;
    row[COL_GPU_WORST].value = worst.gpu;
    row[COL_NODE].value = sum.node / s->layers;
    row[COL_NODE_WORST].value = worst.node;
    row[COL_GPU_SAMPLED].value = s->sampled ? drawn.gpu / s->sampled : NAN;
    row[COL_NODE_SAMPLED].value = s->sampled ? drawn.node / s->sampled : NAN;
    row[COL_NODES].value = s->sampled ? nodes / s->sampled : NAN;
}

enum { SHOW_GPU, SHOW_NODE, SHOW_LOAD, SHOW_EXPERTS, N_SHOW };
static const struct result_column shown_columns[N_SHOW] = {
    {"gpu", DIM_COUNT, "from 0", false},
    {"node", DIM_COUNT, "from 0", false},
    {"load", DIM_RATIO, "expected, over the mean", false},
    {"experts", DIM_COUNT, "whose replicas it holds", true},
};

/* The placement that expert_load.balance names. */
static void show_layer(struct study *s, uint32_t layer)
{
    struct arena *arena = s->run->arena;
    struct variant v = {"", (uint32_t)s->sc->expert_load.redundant, (enum balance)s->sc->expert_load.balance};
    struct placement p;
    place(s, &v, layer, arena, &p);
    double *rank = ARENA_ARRAY(arena, double, p.ranks), *node = ARENA_ARRAY(arena, double, p.nodes);
    const char **text = ARENA_ARRAY(arena, const char *, p.ranks);
    struct result_table *t =
        result_add_table(&s->run->result, arena, "placement",
                         arena_printf(arena, "MoE layer %u, balance: %s", layer, balance_names[v.balance]),
                         shown_columns, N_SHOW, p.ranks);
    placement_load(&p, expert_loads_of(&s->loads, layer, arena), rank, node);
    for (uint32_t e = 0; e < p.experts; e++)
        for (uint32_t i = p.first[e]; i < p.first[e + 1]; i++)
            text[p.rank[i]] =
                text[p.rank[i]] ? arena_printf(arena, "%s %u", text[p.rank[i]], e) : arena_printf(arena, "%u", e);
    for (uint32_t r = 0; r < p.ranks; r++) {
        struct result_cell *row = result_add_row(t);
        row[SHOW_GPU].value = r;
        row[SHOW_NODE].value = r / (p.ranks / p.nodes);
        row[SHOW_LOAD].value = rank[r];
        row[SHOW_EXPERTS].text = text[r];
    }
}

/* --- run --------------------------------------------------------------------------------------------------- */

static void choose_all(struct study *s)
{
    const struct expert_facts *e = &s->sc->llm.experts;
    struct placement_shape p = placement_shape_of(s->sc, (uint32_t)s->sc->expert_load.redundant);
    s->routing = (struct routing_cfg){.experts = e->routed,
                                      .experts_per_token = e->top_k,
                                      .groups = e->groups,
                                      .groups_per_token = e->top_groups,
                                      .tokens_per_rank = balance_cfg(s->sc)->tokens,
                                      .hidden = e->width};
    s->shape = (struct routing_shape){&s->routing, p.ranks, p.ranks / p.nodes, p.nodes, p.redundant, false};
    s->choices = ARENA_ARRAY(s->run->arena, struct gate_choices, s->sampled);
    struct routing_pool *pool = s->sampled ? routing_pool_new(&s->shape, s->loads.seed, s->run->arena) : NULL;
    for (uint32_t layer = 0; layer < s->sampled; layer++)
        gate_choose(&s->shape, pool, expert_loads_of(&s->loads, layer, s->run->arena), s->loads.seed, layer,
                    s->run->arena, &s->choices[layer]);
}

static void add_metrics(struct study *s, const struct result_table *t, double load_error)
{
    struct result *r = &s->run->result;
    struct arena *a = s->run->arena;
    uint32_t last = t->n_rows - 1;
    if (s->variants[last].balance == BALANCE_EPLB_GLOBAL)
        last--;
    const struct result_cell *before = t->cells, *after = t->cells + (size_t)last * N_COL;
    result_add_metric(r, a, "gpu_imbalance_before", before[COL_GPU].value, DIM_RATIO,
                      "first row: fullest GPU over the mean", "mean over layers of max / mean, expected");
    result_add_metric(r, a, "gpu_imbalance_after", after[COL_GPU].value, DIM_RATIO, "the same by EPLB's rule",
                      "mean over layers of max / mean, expected");
    result_add_metric(r, a, "node_imbalance_before", before[COL_NODE].value, DIM_RATIO,
                      "first row: fullest node over the mean", "mean over layers of max / mean, expected");
    result_add_metric(r, a, "node_imbalance_after", after[COL_NODE].value, DIM_RATIO, "the same by EPLB's rule",
                      "mean over layers of max / mean, expected");
    if (s->sampled)
        result_add_metric(r, a, "load_error", load_error, DIM_RATIO,
                          "how far the loads that the gate gives are from those asked for",
                          "root mean square over experts, of the mean load; worst sampled layer");
}

static int run_balance(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {
        .run = run, .sc = sc, .layers = n_moe_layers(&sc->llm), .sampled = (uint32_t)balance_cfg(sc)->sampled_layers};
    double load_error = 0;
    if (expert_loads_open(run->file, (uint32_t)sc->llm.experts.routed, (uint32_t)sc->llm.experts.top_k, s.layers,
                          run->arena, &s.loads, diag))
        return -1;
    run->result.kind = "expert_balance";
    run->result.no_network = true;
    run->result.setting =
        arena_printf(run->arena, "%s, %u MoE layers of %u experts on %lld nodes of %lld GPUs", sc->llm.name, s.layers,
                     s.loads.experts, (long long)sc->cluster.nodes, (long long)sc->cluster.node.gpus);
    struct estimate_of tokens = tokens_of(sc);
    estimate_begin("routing", &tokens, run->arena);
    choose_all(&s);
    list_variants(&s);
    struct result_table *t = result_add_table(&run->result, run->arena, "balance", "load of the fullest over the mean",
                                              columns, N_COL, s.n_variants);
    for (uint32_t i = 0; i < s.n_variants; i++)
        add_variant(&s, t, &s.variants[i]);
    for (uint32_t layer = 0; layer < s.sampled; layer++)
        load_error = fmax(load_error, s.choices[layer].load_error_ratio);
    add_metrics(&s, t, load_error);
    if (balance_cfg(sc)->show_layer >= 0)
        show_layer(&s, (uint32_t)balance_cfg(sc)->show_layer);
    return 0;
}

const struct scenario_kind kind_expert_balance = {
    .name = "expert_balance",
    .doc = "load of GPUs and nodes by unequal experts, before and after EPLB",
    .ref = "4.3",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys, .only = "nodes chip.name chip.basis node.gpus"},
            {.keys = &sim_keys, .only = "seed"},
            {.keys = &llm_keys,
             .only = "name source layers dense_layers attention_pattern network_pattern dense_kind blocks "
                     "moe.kind moe.routed moe.top_k moe.groups moe.top_groups"},
            {.keys = &expert_load_keys},
            {.keys = &balance_keys},
            {0}},
    .check = check,
    .run = run_balance,
};
