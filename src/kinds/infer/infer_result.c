#include "kinds/infer/infer_result.h"

#include <math.h>
#include <string.h>

#include "kinds/result_build.h"
#include "models/llm/blocks/block.h"

static const char *name_of(const struct kind_run *run, const char *prefix, const char *name)
{
    return arena_printf(run->arena, "%s%s", prefix, name);
}

static double exposed_s(const struct infer_parts *p)
{
    return p->exposed_s[0] + p->exposed_s[1] + p->waiting_s[0] + p->waiting_s[1];
}

static double layers_s(const struct infer_outcome *o)
{
    const struct infer_parts *p = &o->account.total;
    return p->step_s - p->stage_s[STAGE_EMBED] - p->stage_s[STAGE_HEAD];
}

/* --- metrics ------------------------------------------------------------------ */

static struct result_metric *metric(struct kind_run *run, const char *prefix, const char *name, double value,
                                    enum unit_dim dim, const char *doc, const char *formula)
{
    return result_add_metric(&run->result, run->arena, name_of(run, prefix, name), value, dim, doc, formula);
}

static void add_step_inputs(struct kind_run *run, struct result_metric *m, const struct infer_case *c,
                            const struct infer_outcome *o)
{
    struct arena *a = run->arena;
    const struct infer_parts *p = &o->account.total;
    double computing_s = p->step_s - exposed_s(p) - p->tp_s - p->idle_s;
    result_add_input(m, a, "computation", computing_s, DIM_TIME, "mean of ranks, this run");
    result_add_input(m, a, "exposed dispatch", p->exposed_s[0] + p->waiting_s[0], DIM_TIME, "mean of ranks, this run");
    result_add_input(m, a, "exposed combine", p->exposed_s[1] + p->waiting_s[1], DIM_TIME, "mean of ranks, this run");
    result_add_input(m, a, "TP exchanges", p->tp_s, DIM_TIME, "mean of ranks, this run");
    result_add_input(m, a, "end of other ranks", p->idle_s, DIM_TIME, "mean of ranks, this run");
    result_add_input(m, a, "host gap", c->cfg.host_gap_s, DIM_TIME, "inference.host_gap");
    result_add_input(m, a, "NIC bandwidth", c->hw.nic.bandwidth_Bps, DIM_BANDWIDTH, "cluster.nic.bandwidth");
    result_add_input(m, a, "memory bandwidth", c->hw.chip.memory_Bps, DIM_BANDWIDTH, "cluster.chip.memory_bandwidth");
    result_add_input(m, a, "BF16 rate", c->hw.chip.bf16_flops, DIM_FLOPS, "cluster.chip.bf16");
    result_add_input(m, a, "FP8 rate", c->hw.chip.fp8_flops, DIM_FLOPS, "cluster.chip.fp8");
    result_add_input(m, a, "gap between kernels", o->step.kernels.gap_s, DIM_TIME,
                     c->prefill ? "cluster.kernels.launch_gap" : "inference.decode.launch_gap");
}

static const char step_formula[] = "computation + exposed dispatch + exposed combine "
                                   "+ TP exchanges + end of other "
                                   "ranks + host gap";

/* With predicted tokens that are counted, a step takes the modules that predict them and yields more than a token. */
static void add_speculation(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                            const char *prefix)
{
    struct result_metric *m = metric(run, prefix, "step_time", o->step_s, DIM_TIME,
                                     "a step: all layers, and the modules that predict", step_formula);
    add_step_inputs(run, m, c, o);
    metric(run, prefix, "draft_time", o->draft_s, DIM_TIME, "of it, the modules that predict",
           "extra_tokens * (projection + layer + head)");
    m = metric(run, prefix, "tokens_per_step", o->tokens_per_step, DIM_RATIO, "of a sequence, on average",
               "1 + p + ... + p^extra_tokens");
    result_add_input(m, run->arena, "p", c->cfg.decode.acceptance_ratio, DIM_RATIO, "inference.decode.acceptance");
}

/* Prefill and decoding on clusters of their own: what one of them does is not what both cost. */
static void use_cluster(struct kind_run *run, const struct infer_case *c, const char *prefix, double tokens_per_s_gpu)
{
    if (!*prefix)
        run->use.tokens_per_s = tokens_per_s_gpu * (double)(c->hw.nodes * c->hw.node.gpus);
}

static void add_decode(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                       const char *prefix)
{
    bool counted = o->draft_s > 0;
    double batch = (double)c->cfg.decode.batch, tpot_s = o->step_s / o->tokens_per_step;
    struct result_metric *m = metric(run, prefix, "tpot", tpot_s, DIM_TIME,
                                     counted ? "time per output token" : "time per output token: a step of all layers",
                                     counted ? "step_time / tokens_per_step" : step_formula);
    if (counted)
        add_speculation(run, c, o, prefix);
    else
        add_step_inputs(run, m, c, o);
    metric(run, prefix, "tokens_per_s_user", 1 / tpot_s, DIM_RATIO, "tokens per second of one sequence",
           counted ? "1 / tpot" : "1 / tpot; what speculation adds is not in it");
    m = metric(run, prefix, "tokens_per_s_gpu", batch / tpot_s, DIM_RATIO, "tokens per second of a GPU",
               "batch / tpot");
    result_add_input(m, run->arena, "batch", batch, DIM_COUNT, "inference.decode.batch");
    use_cluster(run, c, prefix, batch / tpot_s);
    metric(run, prefix, "tokens_per_s_node", batch * (double)c->hw.node.gpus / tpot_s, DIM_RATIO,
           "tokens per second of a node", "tokens_per_s_gpu * cluster.node.gpus");
    metric(run, prefix, "layers_time", layers_s(o), DIM_TIME, "all layers: without embedding and head", NULL);
}

static void add_prefill(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                        const char *prefix)
{
    double tokens = (double)c->cfg.prefill.tokens, with_cache = o->step.layout.context + o->step.layout.new_tokens;
    struct result_metric *m =
        metric(run, "", "prefill_time", o->step_s, DIM_TIME, "from the start of the batch to its first tokens",
               "computation + exposed dispatch + exposed combine "
               "+ TP exchanges + end of other "
               "ranks + host gap");
    add_step_inputs(run, m, c, o);
    m = metric(run, prefix, "tokens_per_s_gpu", tokens / o->step_s, DIM_RATIO,
               "positions that a GPU computes per second", "tokens / prefill_time");
    result_add_input(m, run->arena, "tokens", tokens, DIM_COUNT, "inference.prefill.tokens");
    use_cluster(run, c, prefix, tokens / o->step_s);
    metric(run, prefix, "tokens_per_s_node", tokens * (double)c->hw.node.gpus / o->step_s, DIM_RATIO,
           "positions that a node computes per second", "tokens_per_s_gpu * cluster.node.gpus");
    metric(run, prefix, "tokens_per_s_node_with_cache",
           tokens * (double)c->hw.node.gpus / o->step_s * with_cache / o->step.layout.new_tokens, DIM_RATIO,
           "the same, positions found in the cache of prefixes counted with them",
           "tokens_per_s_node * prompt / new positions");
}

static void add_communication(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    const struct infer_parts *p = &o->account.total;
    if (!o->step.sparse_layers)
        return;
    metric(run, prefix, "exposed_comm", exposed_s(p), DIM_TIME, "the stream waited for tokens (mean of ranks)",
           "exposed dispatch + exposed combine");
    metric(run, prefix, "exposed_share", exposed_s(p) / p->step_s, DIM_RATIO, "of the step", "exposed_comm / step");
    metric(run, prefix, "dispatch_time", o->account.exchange_s[0], DIM_TIME,
           "from the last rank's posting to the last arrival, mean of layers", NULL);
    metric(run, prefix, "combine_time", o->account.exchange_s[1], DIM_TIME, "the same of a combine", NULL);
    if (o->step.layout.hooks) {
        metric(run, prefix, "dispatch_span", o->account.span_s[0], DIM_TIME,
               "from the sending kernel's start to the receiving kernel's end, with what computes between them: what a "
               "profile shows (mean of ranks and layers)",
               NULL);
        metric(run, prefix, "combine_span", o->account.span_s[1], DIM_TIME, "the same of a combine", NULL);
    }
    metric(run, prefix, "nodes_per_token", o->step.drawn.nodes_per_token, DIM_RATIO,
           "nodes that a token's experts lie on, its own counted", "mean over tokens and layers");
    metric(run, prefix, "ranks_per_token", o->step.drawn.ranks_per_token, DIM_RATIO, "GPUs that they lie on",
           "mean over tokens and layers");
    metric(run, prefix, "groups_per_token", o->step.drawn.groups_per_token, DIM_RATIO,
           "groups that a token's experts come from (group-limited gate)", "mean over tokens");
    metric(run, prefix, "busiest_rank", o->step.drawn.busiest_mean, DIM_RATIO,
           "rows of the busiest rank's experts over the mean of ranks, mean of layers", NULL);
    metric(run, prefix, "busiest_rank_max", o->step.drawn.busiest_max, DIM_RATIO, "the same of the worst layer", NULL);
}

void infer_result_metrics(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                          const char *prefix)
{
    if (c->prefill)
        add_prefill(run, c, o, prefix);
    else
        add_decode(run, c, o, prefix);
    add_communication(run, o, prefix);
}

/* --- memory ------------------------------------------------------------------- */

enum { MEM_WHAT, MEM_BYTES, MEM_SHARE, N_MEM };
static const struct result_column memory_columns[N_MEM] = {
    {"what", DIM_COUNT, "part of a GPU's memory", true},
    {"bytes", DIM_BYTES, "on each GPU", false},
    {"share", DIM_RATIO, "of cluster.chip.memory", false},
};

static void add_bytes(struct result_table *t, const char *what, double bytes_B, double capacity_B)
{
    struct result_cell *row = result_add_row(t);
    row[MEM_WHAT].text = what;
    row[MEM_BYTES].value = bytes_B;
    row[MEM_SHARE].value = bytes_B / capacity_B;
}

void infer_result_memory(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    const struct infer_memory *m = &o->memory;
    struct result_table *t = result_add_table(&run->result, run->arena, name_of(run, prefix, "memory"), "of one GPU",
                                              memory_columns, N_MEM, 6);
    add_bytes(t, "weights", m->weights_B, m->capacity_B);
    add_bytes(t, "KV cache", m->kv_B, m->capacity_B);
    add_bytes(t, "buffers of the low-latency kernels", m->buffers_B, m->capacity_B);
    add_bytes(t, "activations", m->activations_B, m->capacity_B);
    add_bytes(t, "reserve", m->reserve_B, m->capacity_B);
    add_bytes(t, "free", m->capacity_B - m->total_B, m->capacity_B);
    struct result_metric *metric_of = metric(run, prefix, "largest_batch", (double)m->largest_batch, DIM_COUNT,
                                             o->step.layout.prefill ? "positions of each GPU that fit its memory"
                                                                    : "sequences of each GPU that fit its memory",
                                             "(memory - reserve - weights) / bytes of a sequence, whole micro-batches");
    result_add_input(metric_of, run->arena, "memory", m->capacity_B, DIM_BYTES, "cluster.chip.memory");
    result_add_input(metric_of, run->arena, "weights", m->weights_B, DIM_BYTES, "llm and the layout");
    result_add_input(metric_of, run->arena, "reserve", m->reserve_B, DIM_BYTES, "inference.memory_reserve");
    result_add_input(metric_of, run->arena, "bytes of a sequence", m->per_sequence_B, DIM_BYTES,
                     "KV cache, buffers, activations");
}

/* --- stages ------------------------------------------------------------------- */

static const char *largest_limit(const struct infer_limits *b)
{
    double sum_s[] = {b->limit_s[0], b->limit_s[1], b->limit_s[2] + b->gap_s};
    int most = 0;
    for (int i = 1; i < KERNEL_LIMITS; i++)
        if (sum_s[i] > sum_s[most])
            most = i;
    return kernel_limit_names[most];
}

enum { ST_STAGE, ST_TIME, ST_STEP, ST_SHARE, ST_EXPOSED, ST_LIMIT, ST_TABLE, N_ST };
static const struct result_column stage_columns[N_ST] = {
    {"stage", DIM_COUNT, "what runs", true},
    {"time", DIM_TIME, "of one layer and micro-batch, mean of ranks", false},
    {"in_step", DIM_TIME, "of a GPU's stream, all layers and micro-batches", false},
    {"share", DIM_RATIO, "of the step", false},
    {"exposed", DIM_TIME, "exchanges: waited for in the step, for bytes and for slower ranks", false},
    {"bound_by", DIM_COUNT, "what limits most of it", true},
    {"from_tables", DIM_RATIO, "share of the time that comes from measured kernels; the rest is roofline", false},
};

/* Layers that have the stage, times micro-batches. */
static double runs_of(const struct infer_step *s, enum infer_stage stage)
{
    const struct model *m = s->layout.model;
    double layers = 0;
    for (uint32_t c = 0; c < m->n_classes; c++)
        layers += s->kernels.stage_n[c][stage] ? m->class[c].n : 0;
    if (stage == STAGE_EMBED || stage == STAGE_HEAD)
        layers = 1;
    return stage == STAGE_HEAD ? 1 : layers * s->layout.micro_batches;
}

static void add_stage(struct result_table *t, const struct infer_outcome *o, enum infer_stage stage)
{
    const struct infer_parts *p = &o->account.total;
    struct infer_limits b = infer_stage_limits(&o->step.kernels, stage);
    if (p->stage_s[stage] <= 0)
        return;
    struct result_cell *row = result_add_row(t);
    row[ST_STAGE].text = infer_stage_names[stage];
    row[ST_TIME].value = p->stage_s[stage] / runs_of(&o->step, stage);
    row[ST_STEP].value = p->stage_s[stage];
    row[ST_SHARE].value = p->stage_s[stage] / p->step_s;
    row[ST_LIMIT].text = largest_limit(&b);
    row[ST_TABLE].value = b.table_s / b.all_s;
}

/* What takes most of an exchange: moving bytes of a rank as busy as the mean, the
 * busiest rank being busier, posting requests, or latency. */
static const char *exchange_limit(const struct infer_outcome *o, bool combine)
{
    double load_s = o->step.drawn.mean_load_s[combine], rest_s = o->account.exchange_s[combine] - load_s;
    const char *limit = o->step.load_limit[combine];
    return o->step.layout.hooks && strcmp(limit, "posting") != 0 && rest_s > load_s ? "latency, busiest rank" : limit;
}

static void add_exchange(struct result_table *t, const struct infer_outcome *o, bool combine, bool is_bound)
{
    const struct infer_parts *p = &o->account.total;
    struct result_cell *row = result_add_row(t);
    row[ST_STAGE].text = combine ? "combine" : "dispatch";
    /* bounds of two events are none of what is between them */
    row[ST_TIME].value = is_bound ? NAN : o->account.exchange_s[combine];
    row[ST_EXPOSED].value = is_bound ? NAN : p->exposed_s[combine] + p->waiting_s[combine];
    row[ST_SHARE].value = is_bound ? NAN : row[ST_EXPOSED].value / p->step_s;
    row[ST_LIMIT].text = exchange_limit(o, combine);
}

void infer_result_stages(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    struct result_table *t = result_add_table(&run->result, run->arena, name_of(run, prefix, "stages"),
                                              "computation and exchanges of a layer, and what they are of the step",
                                              stage_columns, N_ST, N_STAGES + 2);
    for (int s = 0; s < N_STAGES; s++)
        add_stage(t, o, (enum infer_stage)s);
    for (int combine = 0; combine < 2 && o->step.sparse_layers; combine++)
        add_exchange(t, o, combine, run->file->scenario->sim.network == NET_BOUND);
}

/* --- breakdown ---------------------------------------------------------------- */

static void add_part(struct kind_run *run, const char *name, double value_s, const char *doc)
{
    struct result *r = &run->result;
    if (value_s != 0)
        r->parts[r->n_parts++] = (struct result_part){.name = name, .doc = doc, .value_s = value_s};
}

/* Gaps between kernels in the step, and by stage. */
static double gaps_s(const struct infer_outcome *o, enum infer_stage stage)
{
    const struct infer_kernels *k = &o->step.kernels;
    struct infer_limits b = infer_stage_limits(k, stage);
    return b.all_s + b.gap_s > 0 ? o->account.total.stage_s[stage] * b.gap_s / (b.all_s + b.gap_s) : 0;
}

void infer_result_parts(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o)
{
    const struct infer_parts *p = &o->account.total;
    double gap_s = 0;
    run->result.parts = ARENA_ARRAY(run->arena, struct result_part, N_STAGES + 11);
    run->result.n_parts = 0;
    for (int s = 0; s < N_STAGES; s++) {
        double gap_of_stage_s = gaps_s(o, (enum infer_stage)s);
        add_part(run, infer_stage_names[s], p->stage_s[s] - gap_of_stage_s, "kernels of the stage");
        gap_s += gap_of_stage_s;
    }
    add_part(run, "gaps between kernels", gap_s, "number of kernels * gap");
    add_part(run, "TP exchanges", p->tp_s, "attention's group exchanges tokens");
    add_part(run, "exposed dispatch", p->exposed_s[0], "waited for bytes that were sent");
    add_part(run, "exposed combine", p->exposed_s[1], "waited for bytes that were sent");
    add_part(run, "waiting for ranks to dispatch", p->waiting_s[0], "waited for ranks that had not sent");
    add_part(run, "waiting for ranks to combine", p->waiting_s[1], "waited for ranks that had not sent");
    if (c->cfg.eager)
        add_part(run, "waiting for launches", p->launch_s, "the CPU had not launched the stage");
    add_part(run, "end of other ranks", p->idle_s, "this rank was done, others were not");
    add_part(run, "predicting tokens", o->draft_s, "modules that predict");
    add_part(run, "host gap", c->cfg.host_gap_s, "inference.host_gap");
}

/* --- limits ------------------------------------------------------------------- */

enum { LIM_WHAT, LIM_TIME, LIM_SHARE, N_LIM };
static const struct result_column limit_columns[N_LIM] = {
    {"resource", DIM_COUNT, "what the stream is held up by", true},
    {"time", DIM_TIME, "of the step", false},
    {"share", DIM_RATIO, "of the step", false},
};

/* Where nothing was simulated (sim.network: bound), what holds the step up is all that there is of a critical path. */
static void add_limit(struct kind_run *run, struct result_table *t, bool as_path, const char *what, double time_s,
                      double step_s)
{
    struct result_cell *row = result_add_row(t);
    if (as_path)
        critical_path_note(run->critical, what, time_s, run->arena);
    row[LIM_WHAT].text = what;
    row[LIM_TIME].value = time_s;
    row[LIM_SHARE].value = time_s / step_s;
}

void infer_result_limits(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o,
                         const char *prefix)
{
    static const char *const names[] = {"tensor cores", "memory bandwidth",
                                        "fixed times of kernels, gaps, low-latency kernels' own time"};
    const struct infer_parts *p = &o->account.total;
    double limit_s[3] = {0, 0, 0};
    for (int s = 0; s < N_STAGES; s++) {
        struct infer_limits b = infer_stage_limits(&o->step.kernels, (enum infer_stage)s);
        for (int i = 0; i < 3 && b.all_s > 0; i++)
            limit_s[i] += p->stage_s[s] * (b.limit_s[i] + (i == KERNEL_BY_LATENCY ? b.gap_s : 0)) / (b.all_s + b.gap_s);
    }
    bool as_path = run->critical && !run->critical->n;
    struct result_table *t = result_add_table(&run->result, run->arena, name_of(run, prefix, "limits"),
                                              "the step by what holds it up", limit_columns, N_LIM, 8);
    for (int i = 0; i < 3; i++)
        add_limit(run, t, as_path, names[i], limit_s[i], o->step_s);
    if (!*prefix) {
        run->use.tensor_ratio = limit_s[KERNEL_BY_TENSOR] / o->step_s;
        run->use.memory_ratio = limit_s[KERNEL_BY_MEMORY] / o->step_s;
    }
    add_limit(run, t, as_path, "network", p->exposed_s[0] + p->exposed_s[1] + p->tp_s, o->step_s);
    add_limit(run, t, as_path, "unequal ranks", p->waiting_s[0] + p->waiting_s[1] + p->idle_s, o->step_s);
    if (o->draft_s > 0)
        add_limit(run, t, as_path, "predicting tokens", o->draft_s, o->step_s);
    if (c->cfg.host_gap_s > 0 || c->cfg.eager)
        add_limit(run, t, as_path, "CPU", c->cfg.host_gap_s + p->launch_s, o->step_s);
}

/* --- kernels ------------------------------------------------------------------ */

enum { K_STAGE, K_NAME, K_TIME, K_FLOPS, K_BANDWIDTH, K_LIMIT, K_ORIGIN, N_K };
static const struct result_column kernel_columns[N_K] = {
    {"stage", DIM_COUNT, "", true},
    {"kernel", DIM_COUNT, "of one layer and micro-batch; experts: with the rows of an average rank", true},
    {"time", DIM_TIME, "", false},
    {"rate", DIM_FLOPS, "achieved", false},
    {"bandwidth", DIM_BANDWIDTH, "achieved", false},
    {"bound_by", DIM_COUNT, "what it gains most from: tensor cores, memory, or neither (latency)", true},
    {"origin", DIM_COUNT, "measured point, interpolated, scaled from another chip or SMs, or roofline", true},
};

static void add_kernel(struct result_table *t, const struct infer_kernel *k, const char *origin)
{
    struct result_cell *row = result_add_row(t);
    row[K_STAGE].text = infer_stage_names[k->stage];
    row[K_NAME].text = k->name;
    if (k->fixed) {
        row[K_TIME].value = k->fixed_s;
        row[K_LIMIT].text = kernel_limit_names[KERNEL_BY_LATENCY];
        row[K_ORIGIN].text = origin;
        return;
    }
    row[K_TIME].value = k->time.time_s;
    row[K_FLOPS].value = k->time.flop > 0 ? k->time.flop / k->time.time_s : NAN;
    row[K_BANDWIDTH].value = k->time.bytes_B / k->time.time_s;
    row[K_LIMIT].text = kernel_limit_names[kernel_gains_most(&k->gains)];
    row[K_ORIGIN].text = kernel_origin_names[k->time.origin];
}

/* What the model multiplies and the chip does not. */
static void note_formats(struct kind_run *run, const struct infer_outcome *o)
{
    const struct model *m = o->step.layout.model;
    bool fp4 = false;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        fp4 |= block_dtype(m, m->block[i], false) == KERNEL_NVFP4 || block_dtype(m, m->block[i], true) == KERNEL_NVFP4;
    if (fp4 && o->step.layout.hw->chip.fp4_flops <= 0)
        result_add_note(
            &run->result, run->arena,
            "the model multiplies in NVFP4, for which this chip has no tensor cores: timed at its FP8 rate, "
            "with weights of 4 bits");
}

void infer_result_kernels(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    const struct infer_kernels *k = &o->step.kernels;
    struct result_table *t = result_add_table(
        &run->result, run->arena, name_of(run, prefix, "kernels"),
        arena_printf(run->arena, "%.0f tokens of a micro-batch on %.0f SMs", o->step.layout.tokens, k->sms),
        kernel_columns, N_K, k->n);
    for (uint32_t i = 0; i < k->n; i++)
        add_kernel(t, &k->list[i], o->step.layout.kernel ? o->step.layout.kernel->name : "");
    note_formats(run, o);
}
