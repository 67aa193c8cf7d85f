/* Kind single_machine: how fast machines for one user generate text, by what each token has to read (paper 2.2.2:
 * a mixture of experts reads a small share of itself per token, a dense model all of it).
 *
 * Each model in the first of the listed weight formats that fits the machine; kinds/machine/single_machine.h has the
 * mechanism. The bound is every byte at peak bandwidth; the speed has achievable bandwidth, computation and
 * hops. With MTP modules the next step verifies what they predicted: more tokens choose more experts, so what a
 * batch of one reads grows nearly as fast as what it gains. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "io/inputs/machine_file.h"
#include "io/inputs/model_file.h"
#include "kinds/machine/single_machine.h"
#include "kinds/expert_loads.h"
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/machine/single_machine_cfg.h"

struct plan {
    const struct scenario_file *file;
    struct arena *arena;
    const char **machine_names, **model_names;
    uint32_t n_machines, n_models, n_weights;
    const struct hw_machine **machines;
    const struct model **models;
    double *weights;        /* [B] of a parameter; n_weights 0: as the models say */
    const char **published; /* [n_machines][n_models] or NULL */
};

/* --- what was published ------------------------------------------------------------------------------------- */

static int64_t index_of(const char *const *names, const char *word, size_t length)
{
    for (int64_t i = 0; names[i]; i++)
        if (strlen(names[i]) == length && !memcmp(names[i], word, length))
            return i;
    return -1;
}

/* 'MODEL on MACHINE: text' */
static int read_statement(struct plan *p, const char *text, struct diag *diag)
{
    const struct scenario_file *file = p->file;
    const char *on = strstr(text, " on "), *colon = on ? strchr(on, ':') : NULL;
    if (!colon) {
        REPORT("single_machine.published", "'%s' is not of the form 'MODEL on MACHINE: text'", text);
        return -1;
    }
    int64_t model = index_of(p->model_names, text, (size_t)(on - text));
    int64_t machine = index_of(p->machine_names, on + 4, (size_t)(colon - on - 4));
    if (model >= 0 && machine >= 0)
        p->published[machine * p->n_models + model] = colon + 1 + strspn(colon + 1, " ");
    return 0; /* of a pair that does not run there is nothing to say */
}

static int read_published(struct plan *p, struct diag *diag)
{
    const char *text = single_cfg(p->file->scenario)->published;
    p->published = ARENA_ARRAY(p->arena, const char *, (size_t)p->n_machines * p->n_models);
    while (*(text += strspn(text, "; \n"))) {
        size_t n = strcspn(text, ";");
        if (read_statement(p, arena_printf(p->arena, "%.*s", (int)n, text), diag))
            return -1;
        text += n;
    }
    return 0;
}

/* --- machines and models -------------------------------------------------------------------------------------- */

static int load_machines(struct plan *p, struct diag *diag)
{
    const struct single_cfg *c = single_cfg(p->file->scenario);
    uint32_t n_set;
    const char **set = list_items(c->machine_set, p->arena, &n_set);
    struct srcloc where = scenario_place(p->file, "single_machine.machines");
    p->machine_names = list_items(c->machines, p->arena, &p->n_machines);
    p->machines = ARENA_ARRAY(p->arena, const struct hw_machine *, p->n_machines + 1);
    for (uint32_t i = 0; i < p->n_machines; i++)
        if (machine_load(p->machine_names[i], set, n_set, where, p->file->path, p->arena, &p->machines[i], diag))
            return -1;
    return 0;
}

static int load_models(struct plan *p, struct diag *diag)
{
    const struct single_cfg *c = single_cfg(p->file->scenario);
    uint32_t n_set;
    const char **set = list_items(c->model_set, p->arena, &n_set);
    p->model_names = list_items(c->models, p->arena, &p->n_models);
    p->models = ARENA_ARRAY(p->arena, const struct model *, p->n_models + 1);
    diag_default_place(diag, scenario_place(p->file, "single_machine.models"));
    int failed = 0;
    for (uint32_t i = 0; i < p->n_models && !failed; i++) {
        struct model_file m;
        failed = model_load(p->model_names[i], set, (int)n_set, p->arena, &m, diag);
        p->models[i] = m.model;
    }
    diag_default_place(diag, SRCLOC_NONE);
    return failed;
}

static int check_weights(const struct plan *p, struct diag *diag)
{
    const struct scenario_file *file = p->file;
    for (uint32_t i = 0; i < p->n_weights; i++)
        if (p->weights[i] < 0.125 || p->weights[i] > 8) {
            REPORT("single_machine.weights", "a weight has from 1 b to 8 B; write for example '4.5 b, 3.4375 b'");
            return -1;
        }
    return 0;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct single_cfg *c = single_cfg(file->scenario);
    *p = (struct plan){.file = file, .arena = arena};
    if (load_machines(p, diag) || load_models(p, diag) ||
        list_quantities(file, "single_machine.weights", c->weights, DIM_BYTES, arena, &p->weights, &p->n_weights, diag))
        return -1;
    if (!p->n_machines || !p->n_models) {
        REPORT(p->n_machines ? "single_machine.models" : "single_machine.machines", "an empty list; name at least one");
        return -1;
    }
    return check_weights(p, diag) || read_published(p, diag) ? -1 : 0;
}

/* --- one machine, one model ------------------------------------------------------------------------------------ */

struct pair {
    uint32_t machine, model;
    struct model quantised;
    struct single_setup setup;
    struct single_placement placement;
    bool fits;
};

static void quantise(struct model *m, double weight_B)
{
    m->weight_B = weight_B;
    m->weight_scale_B = m->other_weight_B = 0;
    m->one_precision = true;
}

/* Loads of experts where the scenario has them: one layer's speak for all. */
static int load_experts(const struct plan *p, struct pair *x, struct diag *diag)
{
    struct expert_loads loads;
    const struct expert_facts *e = &x->quantised.experts;
    if (!e->routed || p->file->scenario->expert_load.skew == SKEW_EVEN)
        return 0;
    if (expert_loads_open(p->file, (uint32_t)e->routed, (uint32_t)e->top_k, 1, p->arena, &loads, diag))
        return -1;
    x->setup.expert_load = expert_loads_of(&loads, 0, p->arena);
    return 0;
}

static int try_pair(const struct plan *p, uint32_t machine, uint32_t model, struct pair *x, struct diag *diag)
{
    const struct single_cfg *c = single_cfg(p->file->scenario);
    *x = (struct pair){.machine = machine, .model = model, .quantised = *p->models[model]};
    x->setup = (struct single_setup){.model = &x->quantised,
                                     .machine = p->machines[machine],
                                     .context = (double)c->context,
                                     .experts_on_gpu = c->experts_on_gpu};
    if (load_experts(p, x, diag))
        return -1;
    for (uint32_t i = 0; i < (p->n_weights ? p->n_weights : 1) && !x->fits; i++) {
        if (p->n_weights)
            quantise(&x->quantised, p->weights[i]);
        x->fits = single_place(&x->setup, &x->placement);
    }
    return 0;
}

static const char *bytes_text(struct arena *arena, double bytes_B)
{
    char buf[32];
    return arena_printf(arena, "%s", unit_format(round(bytes_B / 1e8) * 1e8, DIM_BYTES, buf, sizeof buf));
}

/* "needs 396.8 GB, has 118 GB" of whichever memory is too small. */
static const char *shortage(struct arena *arena, const struct pair *x)
{
    const struct single_placement *p = &x->placement;
    bool cpu = p->cpu_B > p->cpu_free_B;
    return arena_printf(arena, "needs %s%s, has %s", bytes_text(arena, cpu ? p->cpu_B : p->gpu_B),
                        cpu ? " of the CPU" : "", bytes_text(arena, cpu ? p->cpu_free_B : p->gpu_free_B));
}

static void report_unfit(const struct plan *p, const struct pair *x, struct diag *diag)
{
    const struct scenario_file *file = p->file;
    REPORT("single_machine.models",
           "%s does not fit %s: with %g bits per weight it %s; give fewer bits in single_machine.weights, or "
           "'unfit: row'",
           p->model_names[x->model], p->machine_names[x->machine], 8 * x->quantised.weight_B, shortage(p->arena, x));
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct plan p;
    struct pair x;
    if (file->scenario->expert_load.redundant || file->scenario->expert_load.balance != BALANCE_NONE)
        REPORT("expert_load", "one machine has no use for redundant experts or their placement; leave them out");
    if (make_plan(file, arena, &p, diag) || single_cfg(file->scenario)->unfit == UNFIT_ROW)
        return;
    for (uint32_t i = 0; i < p.n_machines * p.n_models; i++)
        if (!try_pair(&p, i / p.n_models, i % p.n_models, &x, diag) && !x.fits)
            report_unfit(&p, &x, diag);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

enum { COL_MACHINE, COL_MODEL, COL_BITS, COL_STORED, COL_BOUND, COL_SPEED, COL_LIMIT, COL_MTP, COL_PUBLISHED, N_COL };
static const struct result_column columns[N_COL] = {
    {"machine", DIM_COUNT, "of configs/edge", true},
    {"model", DIM_COUNT, "of configs/models", true},
    {"bits", DIM_RATIO, "of a weight, scales included: the first of the list that fits", false},
    {"stored", DIM_BYTES, "weights and cache, one copy", false},
    {"bound_tps", DIM_RATIO, "tokens/s when every byte is read at peak bandwidth and nothing else takes time", false},
    {"tps", DIM_RATIO, "tokens/s: achievable bandwidth, computation, hops", false},
    {"limit", DIM_COUNT, "what most of the time is spent on; or why it does not fit", true},
    {"mtp_tps", DIM_RATIO, "tokens/s with the model's MTP modules", false},
    {"published", DIM_COUNT, "what was said or measured", true},
};

enum {
    TIME_MACHINE,
    TIME_MODEL,
    TIME_PARTS,
    TIME_HOPS = TIME_PARTS + N_DECODE_PARTS,
    TIME_GAPS,
    TIME_STEP,
    TIME_GPU_B,
    TIME_CPU_B,
    N_TIME
};
static const struct result_column time_columns[N_TIME] = {
    {"machine", DIM_COUNT, "", true},
    {"model", DIM_COUNT, "", true},
    {"attention", DIM_TIME, "projections, and what computes on the cache's values", false},
    {"cache", DIM_TIME, "reading the KV cache, scores", false},
    {"dense", DIM_TIME, "dense networks", false},
    {"shared", DIM_TIME, "shared experts and router, where nothing slower runs beside them", false},
    {"experts", DIM_TIME, "routed experts", false},
    {"head", DIM_TIME, "output head", false},
    {"hops", DIM_TIME, "between GPU and CPU", false},
    {"gaps", DIM_TIME, "kernels of the GPU beside their bytes", false},
    {"token", DIM_TIME, "sum", false},
    {"gpu_bytes", DIM_BYTES, "read from the GPU's memory", false},
    {"cpu_bytes", DIM_BYTES, "read from the CPU's memory", false},
};

static double mtp_speed(const struct plan *p, const struct pair *x)
{
    const struct single_cfg *c = single_cfg(p->file->scenario);
    struct single_setup with = x->setup;
    struct single_placement placement;
    struct single_time t;
    double accepted = 1;
    if (!x->quantised.mtp_layers || !c->extra_tokens)
        return NAN;
    with.extra_tokens = (double)c->extra_tokens;
    if (!single_place(&with, &placement))
        return NAN;
    single_time(&with, &placement, &t);
    for (int64_t i = 1; i <= c->extra_tokens; i++)
        accepted += pow(c->acceptance_ratio, (double)i);
    return accepted / t.step_s;
}

static void add_time(struct result_table *t, const struct plan *p, const struct pair *x, const struct single_time *time)
{
    struct result_cell *row = result_add_row(t);
    row[TIME_MACHINE].text = p->machine_names[x->machine];
    row[TIME_MODEL].text = p->model_names[x->model];
    for (int i = 0; i < N_DECODE_PARTS; i++)
        row[TIME_PARTS + i].value = time->part_s[i];
    row[TIME_HOPS].value = time->hops_s;
    row[TIME_GAPS].value = time->limit_s[LIMIT_GAPS];
    row[TIME_STEP].value = time->step_s;
    row[TIME_GPU_B].value = time->gpu_B;
    row[TIME_CPU_B].value = time->cpu_B;
}

/* "./my.model.yaml" is called my_model. */
static const char *short_name(const char *name, struct arena *arena)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const char *end = strstr(base, ".yaml");
    char *copy = arena_printf(arena, "%.*s", (int)(end ? (size_t)(end - base) : strlen(base)), base);
    for (char *c = copy; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '_';
    return copy;
}

static void add_metric(struct kind_run *run, const struct plan *p, const struct pair *x, const struct single_time *t)
{
    const struct hw_machine *m = x->setup.machine;
    struct result_metric *metric = result_add_metric(
        &run->result, run->arena,
        arena_printf(run->arena, "tps_%s_%s", short_name(p->model_names[x->model], run->arena),
                     short_name(p->machine_names[x->machine], run->arena)),
        1 / t->step_s, DIM_RATIO, "tokens per second of one user", "1 / (sum of parts + hops + gaps)");
    result_add_input(metric, run->arena, "read from the GPU's memory", t->gpu_B, DIM_BYTES, "this run");
    result_add_input(metric, run->arena, "its achievable bandwidth", hw_processor_Bps(&m->gpu), DIM_BANDWIDTH,
                     "configs/edge, gpu.memory_bandwidth * gpu.bandwidth_efficiency");
    if (m->cpu.memory_B <= 0)
        return;
    result_add_input(metric, run->arena, "read from the CPU's memory", t->cpu_B, DIM_BYTES, "this run");
    result_add_input(metric, run->arena, "its achievable bandwidth", hw_processor_Bps(&m->cpu), DIM_BANDWIDTH,
                     "configs/edge, cpu.memory_bandwidth * cpu.bandwidth_efficiency, or cores * core_bandwidth");
}

static int add_pair(struct kind_run *run, const struct plan *p, uint32_t i, struct result_table *speed,
                    struct result_table *times, struct diag *diag)
{
    struct pair x;
    struct single_time t;
    struct result_cell *row = result_add_row(speed);
    if (try_pair(p, i / p->n_models, i % p->n_models, &x, diag))
        return -1;
    row[COL_MACHINE].text = p->machine_names[x.machine];
    row[COL_MODEL].text = p->model_names[x.model];
    row[COL_BITS].value = 8 * x.quantised.weight_B;
    row[COL_STORED].value = x.placement.gpu_B + x.placement.cpu_B;
    row[COL_PUBLISHED].text = p->published[i] ? p->published[i] : "";
    row[COL_LIMIT].text = x.fits ? "" : arena_printf(run->arena, "does not fit: %s", shortage(run->arena, &x));
    if (!x.fits)
        return 0;
    single_time(&x.setup, &x.placement, &t);
    row[COL_BOUND].value = 1 / single_bound_s(&x.setup, &x.placement);
    row[COL_SPEED].value = 1 / t.step_s;
    row[COL_LIMIT].text = single_limit_names[single_limit(&t)];
    row[COL_MTP].value = mtp_speed(p, &x);
    add_time(times, p, &x, &t);
    add_metric(run, p, &x, &t);
    return 0;
}

static int run_single(struct kind_run *run, struct diag *diag)
{
    const struct single_cfg *c = single_cfg(run->file->scenario);
    struct plan p;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    uint32_t n = p.n_machines * p.n_models;
    run->result.kind = "single_machine";
    run->result.no_network = true;
    run->result.setting =
        arena_printf(run->arena, "one user, %lld tokens of context, one token at a time", (long long)c->context);
    result_add_table(&run->result, run->arena, "speed", "tokens per second", columns, N_COL, n);
    result_add_table(&run->result, run->arena, "time", "where the time of a token goes, without MTP", time_columns,
                     N_TIME, n);
    for (uint32_t i = 0; i < n; i++)
        if (add_pair(run, &p, i, &run->result.tables[0], &run->result.tables[1], diag))
            return -1;
    result_add_note(&run->result, run->arena,
                    arena_printf(run->arena,
                                 "MTP: %lld more token(s) per step, accepted with probability %g; a batch of one "
                                 "reads the experts of all of them",
                                 (long long)c->extra_tokens, c->acceptance_ratio));
    result_add_note(&run->result, run->arena,
                    "of published speeds one is fitted to: cpu.core_bandwidth of xeon_4090, by KTransformers on one "
                    "socket; machines without gpu.kernels leave gaps between kernels out");
    return 0;
}

const struct scenario_kind kind_single_machine = {
    .name = "single_machine",
    .doc = "tokens per second of one user on PCs and small servers",
    .ref = "2.2.2",
    .reads = (const struct kind_reads[]){{.keys = &sim_keys, .only = "seed"},
                                         {.keys = &expert_load_keys, .only = "skew cv exponent file"},
                                         {.keys = &single_keys},
                                         {0}},
    .needs = (const struct kind_needs[]){{.keys = "sim.seed", .condition = "expert_load.skew=lognormal,zipf"}, {0}},
    .without_cluster = true,
    .check = check,
    .run = run_single,
};
