/* Metrics, breakdown and notes of a training step. */
#include "kinds/train/train_report.h"

#include <math.h>
#include <string.h>

#include "kinds/train/train_rates.h"
#include "kinds/train/train_recipe.h"
#include "kinds/train/train_sync.h"
#include "kinds/result_build.h"

const struct train_variant train_bridge[N_BRIDGE] = {
    {.name = "simulated: equal stages, mean times, instant messages",
     .equal_stages = true,
     .mean_times = true,
     .instant = true,
     .no_sync = true},
    {.name = "+ stages as they are", .mean_times = true, .instant = true, .no_sync = true},
    {.name = "+ each chunk draws its time", .instant = true, .no_sync = true},
    {.name = "+ messages take their time", .no_sync = true},
};

/* --- Table 4 ------------------------------------------------------------------------------------------------------ */

#define SECONDS(key, text, sum, why) \
    { \
        key, DIM_TIME, text, sum, "predicted", why \
    }

const struct train_figure_type train_figure_types[N_FIGURES] = {
    [FIGURE_TOKENS] = {"tokens_per_day", DIM_RATIO, "tokens that the cluster is trained on in a day",
                       "86400 s / step_time * sequences * tokens of a sequence", "predicted", "the rows below"},
    [FIGURE_F] = SECONDS("f_time", "forward chunks that run alone (1F)", "sum over the rank's chunks",
                         "a chunk alone exposes all of its communication here"),
    [FIGURE_BUBBLE] = SECONDS("bubble", "waiting for other ranks, and messages between pipeline ranks",
                              "step_time - f_time - b_time - w_time - fb_time - opt_time",
                              "differences between GPUs, the CPU's launches"),
    [FIGURE_B] =
        SECONDS("b_time", "backward chunks that run alone, whole or for inputs only (1B)", "sum over the rank's chunks",
                "a chunk alone hides nothing but what weights' parts cover; loss beside its GEMMs"),
    [FIGURE_W] = SECONDS("w_time", "weight chunks that run alone (1W)", "sum over the rank's chunks",
                         "weights' parts of the output heads are the kernel model's"),
    [FIGURE_FB] =
        SECONDS("fb_time", "forward and backward chunks that run together (1F1B)", "sum over the rank's chunks",
                "memory contention, unequal GPUs: the recorded pair has 129 ms, the paper's 13.95 s / 97 = 144"),
    [FIGURE_OPT] = SECONDS("opt_time", "reduction of gradients, optimizer, gathering of parameters",
                           "reduce_gradients + optimizer + gather_parameters",
                           "starts of many small kernels, clipping and casts by parameter, moving average"),
    [FIGURE_FULL_FLOPS] = {"tflops_noncausal", DIM_FLOPS, "per GPU, attention counted as the whole matrix",
                           "tokens per second / GPUs * FLOP per token", "arithmetic", NULL},
    [FIGURE_CAUSAL_FLOPS] = {"tflops_causal", DIM_FLOPS, "per GPU, attention counted as the lower triangle",
                             "tokens per second / GPUs * FLOP per token", "arithmetic", NULL},
    [FIGURE_FULL_MFU] = {"mfu_noncausal", DIM_RATIO, "tflops_noncausal over the BF16 peak", "tflops_noncausal / peak",
                         "arithmetic", NULL},
    [FIGURE_CAUSAL_MFU] = {"mfu_causal", DIM_RATIO, "tflops_causal over the BF16 peak", "tflops_causal / peak",
                           "arithmetic", NULL},
};

static struct train_economy economy_of(const struct train_plan *p)
{
    return (struct train_economy){.gpus = p->layout.gpus,
                                  .peak_flops = p->scenario->cluster.chip.bf16_flops,
                                  .sequence = (double)p->layout.cfg->sequence,
                                  .total_tokens = p->layout.cfg->total_tokens,
                                  .gpu_hour_USD = p->layout.cfg->gpu_hour_USD};
}

static double tokens_of_step(const struct train_plan *p)
{
    return (double)(p->layout.cfg->sequences * p->layout.cfg->sequence);
}

static struct train_rates rates_of(const struct train_plan *p, const struct train_outcome *o)
{
    struct train_economy e = economy_of(p);
    return train_rates_of(p->layout.model, &e, tokens_of_step(p) / o->step_s);
}

struct train_figures train_figures_of(const struct train_plan *p, const struct train_outcome *o,
                                      const struct train_row *row)
{
    struct train_rates rates = rates_of(p, o);
    return (struct train_figures){{[FIGURE_TOKENS] = rates.tokens_per_day,
                                   [FIGURE_F] = row->forward_s,
                                   [FIGURE_BUBBLE] = row->bubble_s,
                                   [FIGURE_B] = row->backward_s,
                                   [FIGURE_W] = row->weight_s,
                                   [FIGURE_FB] = row->pair_s,
                                   [FIGURE_OPT] = row->optimizer_s,
                                   [FIGURE_FULL_FLOPS] = rates.full_flops,
                                   [FIGURE_CAUSAL_FLOPS] = rates.causal_flops,
                                   [FIGURE_FULL_MFU] = rates.full_mfu,
                                   [FIGURE_CAUSAL_MFU] = rates.causal_mfu}};
}

/* The paper's Table 4, by the names that it gives its networks. */
static const struct {
    const char *network;
    struct train_figures figures;
} table4[] = {
    {"MPFT", {{272.80e9, 1.13, 2.06, 1.99, 0.48, 13.95, 0.29, 432e12, 385e12, 0.4373, 0.3894}}},
    {"MRFT", {{272.52e9, 1.13, 2.03, 1.99, 0.48, 14.00, 0.31, 432e12, 385e12, 0.4368, 0.3890}}},
};

/* DeepSeek-V3's shape, whatever the file is called. */
static bool is_papers_model(const struct model *m)
{
    return m->layers == 61 && m->hidden == 7168 && m->experts.routed == 256 && m->experts.top_k == 8 &&
           m->experts.ffn == 2048;
}

/* Table 4 holds for its model, chip, cluster and batch. */
static bool compares(const struct train_plan *p)
{
    const struct train_cfg *c = p->layout.cfg;
    return c->compare == COMPARE_TABLE4 && c->without != WITHOUT_BACKWARD &&
           !strcmp(p->scenario->cluster.chip.name, "H800") && p->layout.gpus == 2048 && c->sequences == 15360 &&
           c->sequence == 4096 && is_papers_model(p->layout.model);
}

const struct train_figures *train_published(const struct train_plan *p, const struct train_network *network)
{
    const char *name = topology_name_in_paper(network->hw);
    for (size_t i = 0; i < sizeof table4 / sizeof *table4; i++)
        if (compares(p) && name && !strcmp(table4[i].network, name))
            return &table4[i].figures;
    return NULL;
}

const struct train_row *train_reported(const struct train_plan *p, const struct train_outcome *o)
{
    return p->layout.cfg->rank < 0 ? &o->mean : &o->ranks[p->layout.cfg->rank];
}

const char *train_reported_name(const struct train_plan *p, struct arena *arena)
{
    return p->layout.cfg->rank < 0 ? "mean of pipeline ranks"
                                   : arena_printf(arena, "pipeline rank %lld", (long long)p->layout.cfg->rank);
}

double train_formula_bubble_s(const struct train_report *r)
{
    struct schedule_times t = {.forward_s = train_mean_step_s(r->times, 0, STEP_FORWARD),
                               .backward_s = train_mean_step_s(r->times, 0, STEP_BACKWARD),
                               .weight_s = train_mean_step_s(r->times, 0, STEP_WEIGHT),
                               .pair_s = train_mean_step_s(r->times, 0, STEP_FORWARD_BACKWARD)};
    if (t.backward_s <= 0) /* zb1p has no whole backward chunks */
        t.backward_s = train_mean_step_s(r->times, 0, STEP_BACKWARD_INPUT) + t.weight_s;
    return r->plan->layout.schedule->bubble(r->plan->layout.ranks, &t);
}

/* --- metrics -------------------------------------------------------------------------------------------------------- */

static struct result_metric *add_metric(const struct train_report *r, const char *name, double value, enum unit_dim dim,
                                        const char *doc, const char *formula)
{
    return result_add_metric(&r->run->result, r->run->arena, name, value, dim, doc, formula);
}

static void add_input(const struct train_report *r, struct result_metric *m, const char *name, double value,
                      enum unit_dim dim, const char *source)
{
    result_add_input(m, r->run->arena, name, value, dim, source);
}

static void explain_tokens(const struct train_report *r, struct result_metric *m)
{
    const struct train_cfg *c = r->plan->layout.cfg;
    add_input(r, m, "step_time", r->outcomes[0].step_s, DIM_TIME, "this run");
    add_input(r, m, "sequences", (double)c->sequences, DIM_COUNT, "train.sequences");
    add_input(r, m, "tokens of a sequence", (double)c->sequence, DIM_COUNT, "train.sequence");
}

static void explain_flops(const struct train_report *r, struct result_metric *m, bool causal)
{
    const struct train_plan *p = r->plan;
    add_input(r, m, "tokens per second", tokens_of_step(p) / r->outcomes[0].step_s, DIM_RATIO, "this run");
    add_input(r, m, "GPUs", p->layout.gpus, DIM_COUNT, "cluster.nodes");
    add_input(r, m, "FLOP per token", model_train_flop(p->layout.model, (double)p->layout.cfg->sequence, causal),
              DIM_FLOP, "llm: 6 * parameters used + attention, Table 2");
    add_input(r, m, "BF16 peak", p->scenario->cluster.chip.bf16_flops, DIM_FLOPS, "cluster.chip.bf16");
}

static bool is_of_figure(enum train_figure f, enum step_kind kind)
{
    return (f == FIGURE_F && kind == STEP_FORWARD) || (f == FIGURE_W && kind == STEP_WEIGHT) ||
           (f == FIGURE_FB && kind == STEP_FORWARD_BACKWARD) ||
           (f == FIGURE_B && (kind == STEP_BACKWARD || kind == STEP_BACKWARD_INPUT));
}

/* How many chunks a time is of, and how long they take. */
static void explain_chunks(const struct train_report *r, struct result_metric *m, enum train_figure f)
{
    const struct train_plan *p = r->plan;
    uint32_t rank = p->layout.cfg->rank < 0 ? 0 : (uint32_t)p->layout.cfg->rank;
    for (uint32_t k = 0; k < r->times->n_chunks; k++) {
        double n = 0, sum_s = 0;
        for (uint32_t i = 0; i + 1 < p->schedule->ranks[rank].n_steps; i++)
            if (r->times->chunk_of_step[rank][i] == k) {
                sum_s += train_mean_time_s(r->times, 0, 0, rank, &p->schedule->ranks[rank].steps[i]);
                n++;
            }
        const struct train_chunk *c = &r->times->chunks[k];
        if (n == 0 || !is_of_figure(f, (enum step_kind)c->kind))
            continue;
        const char *name = step_kind_names[c->kind];
        add_input(r, m, arena_printf(r->run->arena, "number of %s, stages %u, %u", name, c->forward, c->backward), n,
                  DIM_COUNT, "train.schedule");
        add_input(r, m, arena_printf(r->run->arena, "mean time of it"), sum_s / n, DIM_TIME,
                  "simulated chunks, table chunks");
    }
}

static void explain_opt(const struct train_report *r, struct result_metric *m)
{
    const struct train_row *row = train_reported(r->plan, &r->outcomes[0]);
    struct train_params params = train_rank_params(&r->plan->layout, 0);
    add_input(r, m, "reduce_gradients", row->reduce_s, DIM_TIME, "this run");
    add_input(r, m, "optimizer", row->update_s, DIM_TIME, "this run");
    add_input(r, m, "gather_parameters", row->gather_s, DIM_TIME, "this run");
    add_input(r, m, "dense parameters of a GPU", params.dense, DIM_COUNT, "llm, first pipeline rank");
    add_input(r, m, "experts' parameters of a GPU", params.experts, DIM_COUNT, "llm, first pipeline rank");
    add_input(r, m, "bytes of a gradient sent", r->plan->layout.cfg->precision.gradient_sent_B, DIM_BYTES,
              "train.precision.gradient_sent");
    add_input(r, m, "NIC bandwidth", r->plan->scenario->cluster.nic.bandwidth_Bps, DIM_BANDWIDTH,
              "cluster.nic.bandwidth");
}

static void explain_bubble(const struct train_report *r, struct result_metric *m)
{
    const struct train_row *row = train_reported(r->plan, &r->outcomes[0]);
    add_input(r, m, "of it messages", row->message_s, DIM_TIME, "this run");
    add_input(r, m, "the schedule's formula", train_formula_bubble_s(r), DIM_TIME, "table bubble_bridge");
}

static bool trains(const struct train_plan *p)
{
    return p->layout.cfg->without != WITHOUT_BACKWARD;
}

/* Of a training; else a time. */
static bool is_rate(int figure)
{
    return figure == FIGURE_TOKENS || figure >= FIGURE_FULL_FLOPS;
}

static void add_figures(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    struct train_figures is = train_figures_of(p, &r->outcomes[0], train_reported(p, &r->outcomes[0]));
    const struct train_figures *paper = train_published(p, &p->networks[0]);
    for (int f = 0; f < N_FIGURES; f++) {
        const struct train_figure_type *t = &train_figure_types[f];
        if (!trains(p) && is_rate(f))
            continue;
        struct result_metric *m = add_metric(r, t->name, is.value[f], t->dim, t->doc, t->formula);
        m->recorded = paper ? paper->value[f] : NAN;
        if (f == FIGURE_TOKENS)
            explain_tokens(r, m);
        else if (f == FIGURE_BUBBLE)
            explain_bubble(r, m);
        else if (f == FIGURE_OPT)
            explain_opt(r, m);
        else if (f >= FIGURE_FULL_FLOPS)
            explain_flops(r, m, f == FIGURE_CAUSAL_FLOPS || f == FIGURE_CAUSAL_MFU);
        else
            explain_chunks(r, m, (enum train_figure)f);
    }
}

static void add_step(const struct train_report *r)
{
    struct result_metric *m = add_metric(r, "step_time", r->outcomes[0].step_s, DIM_TIME,
                                         "from the first chunk to the last parameter gathered",
                                         "f_time + bubble + b_time + w_time + fb_time + opt_time, of any rank");
    struct train_figures is = train_figures_of(r->plan, &r->outcomes[0], train_reported(r->plan, &r->outcomes[0]));
    for (int f = FIGURE_F; f <= FIGURE_OPT; f++)
        add_input(r, m, train_figure_types[f].name, is.value[f], DIM_TIME, "this run");
}

/* Largest difference in tokens per day between networks. */
static double spread_of(const struct train_report *r)
{
    double low_s = INFINITY, high_s = 0;
    for (uint32_t n = 0; n < r->plan->n_networks; n++) {
        low_s = fmin(low_s, r->outcomes[n].step_s);
        high_s = fmax(high_s, r->outcomes[n].step_s);
    }
    return high_s / low_s - 1;
}

static void add_training(const struct train_report *r)
{
    const struct train_cfg *c = r->plan->layout.cfg;
    struct train_rates rates = rates_of(r->plan, &r->outcomes[0]);
    struct result_metric *m = add_metric(r, "gpu_hours", rates.gpu_hours, DIM_RATIO, "of the whole training",
                                         "tokens / tokens_per_day * 24 * GPUs");
    m->recorded = compares(r->plan) ? 2.664e6 : NAN; /* DeepSeek-V3 report, Table 1 */
    add_input(r, m, "tokens", c->total_tokens, DIM_RATIO, "train.tokens");
    add_input(r, m, "tokens_per_day", rates.tokens_per_day, DIM_RATIO, "this run");
    add_input(r, m, "GPUs", r->plan->layout.gpus, DIM_COUNT, "cluster.nodes");
    m = add_metric(r, "training_cost", rates.cost_USD, DIM_MONEY, "of the whole training, GPUs rented",
                   "gpu_hours * price of a GPU-hour");
    m->recorded = compares(r->plan) ? 5.328e6 : NAN; /* the same */
    add_input(r, m, "gpu_hours", rates.gpu_hours, DIM_RATIO, "this run");
    add_input(r, m, "price of a GPU-hour", c->gpu_hour_USD, DIM_MONEY, "train.gpu_hour");
}

/* What a kernel waits for: as its class says, or where that is not known, as of a recorded time, for tensor cores, but for
 * passes over memory (chunk_material.c). */
static struct kernel_gains gains_of(const struct chunk_kernel *k)
{
    for (int l = 0; l < KERNEL_LIMITS; l++)
        if (k->gains.of[l] > 0)
            return k->gains;
    return (struct kernel_gains){.of = {[KERNEL_BY_TENSOR] = k->sm_ref > 0, [KERNEL_BY_MEMORY] = k->sm_ref <= 0}};
}

/* Shares of the computation of the commonest kind of layer, by what its kernels wait for. */
static struct kernel_gains waits_of(const struct train_plan *p)
{
    const struct chunk_program *program = &p->material.program;
    enum chunk_layer kind = p->shape.n_ranks ? LAYER_MOE : LAYER_DENSE;
    struct kernel_gains sum = {{0}};
    double all_s = 0;
    for (uint32_t i = 0; i < program->n_kernels; i++) {
        const struct chunk_kernel *k = &program->kernels[i];
        if (k->kind != OP_COMPUTE || k->layer < 1 || p->material.kind[k->layer - 1] != kind)
            continue;
        struct kernel_gains g = gains_of(k);
        all_s += k->work_s;
        for (int l = 0; l < KERNEL_LIMITS; l++)
            sum.of[l] += k->work_s * g.of[l];
    }
    for (int l = 0; l < KERNEL_LIMITS && all_s > 0; l++)
        sum.of[l] /= all_s;
    return sum;
}

static void use_cluster(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    const struct train_outcome *o = &r->outcomes[0];
    double computes = o->mean.compute_s / o->step_s;
    struct kernel_gains waits = waits_of(p);
    r->run->use = (struct kind_use){.tokens_per_s = tokens_of_step(p) / o->step_s,
                                    .tensor_ratio = computes * waits.of[KERNEL_BY_TENSOR],
                                    .memory_ratio = computes * waits.of[KERNEL_BY_MEMORY],
                                    .run_tokens = p->layout.cfg->total_tokens,
                                    .topology = p->networks[0].hw->topology};
}

static void add_others(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    double most_B = 0;
    for (uint32_t i = 0; i < p->layout.ranks; i++)
        most_B = fmax(most_B, p->memory[i].total_B);
    add_metric(r, "bubble_formula", train_formula_bubble_s(r), DIM_TIME,
               "the schedule's published bubble with this run's mean chunk times", p->layout.schedule->doc);
    add_metric(r, "network_difference", spread_of(r), DIM_RATIO,
               "longest step over shortest step of the networks, less 1", "max step_time / min step_time - 1");
    struct result_metric *m = add_metric(r, "memory", most_B, DIM_BYTES, "of the fullest GPU",
                                         "parameters + gradients + optimizer + activations, table memory");
    add_input(r, m, "memory of a GPU", p->scenario->cluster.chip.memory_B, DIM_BYTES, "cluster.chip.memory");
    if (p->shape.n_ranks)
        add_metric(r, "nodes_per_token", r->times->nodes_per_token, DIM_RATIO,
                   "distinct nodes that a token is sent to, own node included (paper 4.3)", "mean over sampled tokens");
}

/* --- breakdown --------------------------------------------------------------------------------------------------------- */

enum { MOST_PARTS = 10 };

/* What is exposed in chunks: as one part, or where layers are divided as several. */
static uint32_t exposed_parts(const struct train_report *r, const struct train_row *w, struct result_part *out)
{
    double exposed_s = w->forward_s + w->backward_s + w->weight_s + w->pair_s - w->compute_s;
    double exchange_s = exposed_s - w->tensor_s - w->gap_s;
    if (!r->plan->layout.recipe.fused) {
        out[0] = (struct result_part){"exposed_in_chunks",
                                      "experts' communication that nothing hides, and gaps between kernels", exposed_s};
        return 1;
    }
    out[0] = (struct result_part){"exposed_exchange",
                                  "experts' communication, and waiting for the group's other GPUs, that nothing hides",
                                  exchange_s > 1e-12 * w->compute_s ? exchange_s : 0}; /* not what rounding leaves */
    out[1] = (struct result_part){"exposed_tensor", "tensor and context parallelism that nothing hides", w->tensor_s};
    out[2] = (struct result_part){"gaps", "between kernels", w->gap_s};
    return 3;
}

/* Of the reported row; the parts add up to the step. */
static void add_parts(const struct train_report *r)
{
    const struct train_row *w = train_reported(r->plan, &r->outcomes[0]);
    const struct result_part behind[] = {
        {"messages", "activations and gradients between pipeline ranks, both being there", w->message_s},
        {"waiting", "for other ranks", w->bubble_s - w->message_s},
        {"reduce_gradients", "reduce-scatter among replicas", w->reduce_s},
        {"optimizer", "on the GPU's share", w->update_s},
        {"gather_parameters", "all-gather among replicas", w->gather_s},
        {"host", "the CPU, once in a step", w->host_s},
    };
    uint32_t n = 1, n_behind = sizeof behind / sizeof *behind - (w->host_s <= 0);
    struct result_part *parts = ARENA_ARRAY(r->run->arena, struct result_part, MOST_PARTS);
    parts[0] = (struct result_part){"compute", "a kernel on a compute stream", w->compute_s};
    n += exposed_parts(r, w, &parts[1]);
    memcpy(&parts[n], behind, n_behind * sizeof *behind);
    r->run->result.n_parts = n + n_behind;
    r->run->result.parts = parts;
}

/* --- notes ------------------------------------------------------------------------------------------------------------ */

static void add_note(const struct train_report *r, const char *text)
{
    result_add_note(&r->run->result, r->run->arena, text);
}

static void note_places(const struct train_report *r)
{
    const struct train_times *t = r->times;
    if (t->n_simulated == t->n_classes)
        return;
    add_note(r,
             arena_printf(r->run->arena,
                          "%u groups of GPUs see networks unlike each other: each sample is simulated on %u of them, "
                          "others in each sample, and a neighbour stands in for the rest (train.chunks.places). A "
                          "chunk's time differs by %.2g %% from group to group (standard deviation)",
                          t->n_classes, t->n_simulated, 100 * t->place_spread_ratio));
}

static void note_rows(const struct train_report *r)
{
    struct arena *a = r->run->arena;
    add_note(r, arena_printf(a,
                             "times are of %s (train.rank), one GPU standing for all of its group; each rank's add up "
                             "to the step. Table "
                             "step has the mean, the least and the most over ranks",
                             train_reported_name(r->plan, a)));
    if (r->plan->layout.cfg->compare == COMPARE_TABLE4 && !compares(r->plan))
        add_note(r, "Table 4 is not shown beside: it is of 2,048 H800 and 15,360 sequences of 4,096 tokens");
    if (!compares(r->plan))
        return;
    add_note(r,
             "recorded: the paper's Table 4, and the DeepSeek-V3 report's GPU-hours. The paper does not say of which "
             "rank its rows are. Its 1W of 0.48 s is 16 times the 29.9 ms that a stage's weight parts take in "
             "DeepSeek's trace; DualPipe has 15 weight chunks on the first and last rank, 11.5 on average. So the "
             "rows are read as those of rank 0");
    add_note(r,
             r->plan->layout.cfg->chunks.source == CHUNKS_TRACE
                 ? "nothing is fitted to Table 4: chunks come from the trace of one pair with simulated communication, "
                   "head and embedding from the kernel model, pipeline, gradients and optimizer from the simulation"
                 : "nothing is fitted to Table 4: chunks come from the kernel model, which is calibrated on "
                   "measurements of single kernels, with simulated communication; pipeline, gradients and optimizer "
                   "from the simulation");
    add_note(r, "the formula of DualPipe's bubble with the paper's own chunk times, 7 * (143.8 + 107.4 - 96.0) ms, is "
                "1.09 s, half of the printed 2.06 s; table bubble_bridge shows what comes on top of it");
}

/* How layers are dealt, where moesim did it. */
static void note_deal(const struct train_report *r)
{
    const struct train_deal *d = r->deal;
    if (d->n_ways < 2)
        return;
    const char *counts = train_counts_text(d->ways[d->best].counts, r->plan->layout.n_stages, r->run->arena);
    add_note(r, arena_printf(r->run->arena,
                             "layers of each stage: %s, the best of %u ways that were tried (table layouts); other "
                             "hardware may want another one: 'train.layers' keeps it",
                             counts, d->n_ways));
}

static void note_networks(const struct train_report *r)
{
    uint32_t apart = r->times->n_classes;
    if (r->plan->n_networks > 1)
        add_note(r, apart > 1 || spread_of(r) > 0
                        ? "networks draw the same routing, so that they differ by their links only"
                        : "the networks come out equal, not just alike: experts' groups stand on whole nodes under one "
                          "leaf, and messages and rings stay on their rails");
}

static void note_source(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    if (p->layout.cfg->chunks.source == CHUNKS_TRACE)
        add_note(
            r, "dense layers are the trace's layers without experts' traffic; a chunk alone is a pair's kernels of one "
               "direction, one after the other where the model makes them wait");
    if (p->moved)
        add_note(r, p->moved);
    if (p->layout.cfg->chunks.source == CHUNKS_TRACE && p->layout.group != 64)
        add_note(r,
                 "the trace's kernels are those of 4 experts on a GPU; with another number the rows stay the same, but "
                 "their padding would not");
}

/* What tensor cores multiply, and whose kernels. */
static void note_compute(const struct train_report *r)
{
    const struct train_layout *l = &r->plan->layout;
    if (l->cfg->chunks.source != CHUNKS_KERNELS)
        return;
    add_note(r,
             arena_printf(r->run->arena,
                          "linear layers and experts compute in %s (train.compute%s), core attention in %s, the head "
                          "in %s, with kernels as of %s",
                          train_compute_name(r->plan->scenario, l->cfg->compute),
                          l->cfg->compute == COMPUTE_MODEL ? ": as the model's weights" : "",
                          train_compute_name(r->plan->scenario, l->cfg->attention_compute),
                          train_compute_name(r->plan->scenario, l->cfg->head_compute),
                          l->recipe.fused ? "Megatron-LM" : "DeepSeek"));
    if (!strcmp(train_compute_name(r->plan->scenario, l->cfg->compute), "MXFP8"))
        add_note(r, "nobody's kernels in MXFP8 are at hand: they take the times of FP8 with scales per 128");
}

void train_report(const struct train_report *r)
{
    const struct train_layout *l = &r->plan->layout;
    struct result *result = &r->run->result;
    result->kind = "train_step";
    result->setting = arena_printf(
        r->run->arena, "%s on %u %s, %u pipeline ranks of %u group%s of %u; %s, %u micro-batches; %s", l->model->name,
        l->gpus, r->plan->scenario->cluster.chip.name, l->ranks, l->columns, l->columns > 1 ? "s" : "", l->group,
        l->schedule->name, l->micro_batches, r->plan->networks[0].name);
    add_step(r);
    add_figures(r);
    if (trains(r->plan))
        add_training(r);
    use_cluster(r);
    add_others(r);
    add_parts(r);
    train_report_tables(r);
    note_rows(r);
    note_deal(r);
    note_places(r);
    note_networks(r);
    note_source(r);
    note_compute(r);
}
