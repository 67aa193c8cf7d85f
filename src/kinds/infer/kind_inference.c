/* Kind inference: a step of decoding or prefill on the whole expert-parallel group
 * (paper 2.3).
 *
 * What a GPU computes comes from the kernel model (hw/kernels), who sends what to whom
 * from sampled routing (kinds/infer/infer_traffic.h), in which order from the schedule
 * (kinds/infer/infer_program.h); how long it all takes comes out of the simulation. */
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/infer/infer_blocks.h"
#include "kinds/infer/infer_result.h"
#include "kinds/infer/spec_step.h"
#include "kinds/result_build.h"
#include "kinds/reads.h"

static bool runs(const struct infer_cfg *cfg, bool prefill)
{
    return cfg->phase == PHASE_DISAGGREGATED || (cfg->phase == PHASE_PREFILL) == prefill;
}

static void check_phase(const struct scenario_file *file, const struct infer_setup *setup, bool prefill,
                        struct arena *arena, struct diag *diag)
{
    struct infer_case c;
    if (!runs(infer_cfg(file->scenario), prefill))
        return;
    infer_case_of(setup, prefill, &c);
    infer_case_check(&c, arena, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    struct infer_setup setup;
    if (infer_cfg(s)->simulate_layers == 1)
        REPORT("inference.simulate_layers", "one layer does not show how long the next takes; give 2 at least, or 0");
    if (infer_cfg(s)->phase == PHASE_DISAGGREGATED &&
        (infer_cfg(s)->prefill.nodes < 1 || infer_cfg(s)->prefill.nodes >= s->cluster.nodes)) {
        REPORT("inference.prefill.nodes",
               "%lld of %lld nodes (cluster.nodes) prefill; both phases need nodes of "
               "their own",
               (long long)infer_cfg(s)->prefill.nodes, (long long)s->cluster.nodes);
        return;
    }
    if (infer_cfg(s)->decode.acceptance_ratio > 0 && !infer_cfg(s)->decode.extra_tokens)
        REPORT("inference.decode.acceptance",
               "no token is predicted that could be right; give inference.decode.extra_tokens");
    if (infer_setup_open(file, arena, &setup, diag))
        return;
    for (int prefill = 0; prefill < 2; prefill++)
        check_phase(file, &setup, prefill, arena, diag);
}

/* --- published ---------------------------------------------------------------- */

enum { PUB_WHAT, PUB_OURS, PUB_THEIRS, PUB_DIFF, N_PUB };
static const struct result_column published_columns[N_PUB] = {
    {"what", DIM_COUNT, "", true},
    {"simulated", DIM_RATIO, "", false},
    {"published", DIM_RATIO, "nothing was fitted to it", false},
    {"difference", DIM_RATIO, "simulated / published - 1", false},
};

static void add_published(struct result_table *t, const char *what, double ours, double theirs)
{
    if (theirs <= 0)
        return;
    struct result_cell *row = result_add_row(t);
    row[PUB_WHAT].text = what;
    row[PUB_OURS].value = ours;
    row[PUB_THEIRS].value = theirs;
    row[PUB_DIFF].value = ours / theirs - 1;
}

/* What a scenario tells of was measured under its own conditions: an option that changes one; NULL: none. What real routing
 * was nobody knows; of how many layers a step is reckoned from is not a condition. */
static const char *other_condition(const struct kind_run *run)
{
    static const char *const conditions[] = {"model", "hardware", "llm", "cluster", "inference"},
                             *const but[] = {"inference.published", "inference.routing", "inference.simulate_layers",
                                             "inference.layer_blocks", NULL},
                             *const none[] = {NULL};
    const struct cfg *cfg = run->file->cfg;
    const char *key = NULL;
    if (cfg_option_below(cfg, "inference.published", none))
        return NULL;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions && !key; i++)
        key = cfg_option_below(cfg, conditions[i], but);
    return key;
}

static void compare(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o)
{
    const struct infer_published *p = &c->cfg.published;
    const char *other = other_condition(run);
    if (other && *p->source) {
        result_add_note(
            &run->result, run->arena,
            arena_printf(run->arena,
                         "published: the scenario's figures are of its own conditions, which '%s' changes, and "
                         "are left out; give those of this one as inference.published, with a source",
                         other));
        return;
    }
    double tokens = c->prefill ? (double)c->cfg.prefill.tokens : (double)c->cfg.decode.batch * o->tokens_per_step;
    struct result_table *t = result_add_table(&run->result, run->arena, "published", "beside others' measurements",
                                              published_columns, N_PUB, 4);
    add_published(t, "step, ms", 1e3 * o->step_s, 1e3 * p->step_s);
    add_published(t, "tokens/s of a user", o->tokens_per_step / o->step_s, c->prefill ? 0 : p->user_per_s);
    add_published(t, "tokens/s of a GPU", tokens / o->step_s, p->gpu_per_s);
    add_published(t, "tokens/s of a node", tokens * (double)c->hw.node.gpus / o->step_s, p->node_per_s);
    if (!t->n_rows)
        run->result.n_tables--;
    else if (*p->source)
        result_add_note(&run->result, run->arena, arena_printf(run->arena, "published: %s", p->source));
}

/* --- run ---------------------------------------------------------------------- */

static const char *setting_of(const struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o)
{
    const struct infer_layout *l = &o->step.layout;
    const char *what = c->prefill ? arena_printf(run->arena, "%lld positions per GPU, prompts of %lld",
                                                 (long long)c->cfg.prefill.tokens, (long long)c->cfg.prefill.prompt)
                                  : arena_printf(run->arena, "%lld sequences per GPU, context %lld",
                                                 (long long)c->cfg.decode.batch, (long long)c->cfg.decode.context);
    if (!o->step.sparse_layers)
        return arena_printf(run->arena, "%s, %s: TP%u DP%u on %s %s, %s", l->model->name,
                            c->prefill ? "prefill" : "decoding", l->tp, l->ranks / l->tp, c->hw.chip.name,
                            c->hw.topology, what);
    return arena_printf(run->arena, "%s, %s: EP%u, attention TP%u DP%u on %s %s, overlap %s, %s", l->model->name,
                        c->prefill ? "prefill" : "decoding", l->ranks, l->tp, l->ranks / l->tp, c->hw.chip.name,
                        c->hw.topology, infer_overlap_names[c->cfg.overlap], what);
}

static void note_kernel(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    const struct infer_layout *l = &o->step.layout;
    const char *text =
        arena_printf(run->arena, "%s%s", *prefix ? "prefill: " : "", kind_exchange_text(l->kernel, l->hw, run->arena));
    if (o->step.drawn.forwarded_ratio > 0)
        text = arena_printf(run->arena,
                            "%s; %.1f %% of what goes between nodes crosses NVLink to the GPU on its plane first", text,
                            100 * o->step.drawn.forwarded_ratio);
    result_add_note(&run->result, run->arena, text);
}

static void note_estimate(struct kind_run *run, const struct infer_outcome *o)
{
    const char *text = arena_printf(run->arena,
                                    "estimate: %u of %u layers with experts were run (inference.simulate_layers), the "
                                    "others take their mean time",
                                    o->step.program.sparse, o->step.sparse_layers);
    if (o->account.missing_error_s > 0)
        text = arena_printf(
            run->arena,
            "%s: by their scatter the step is %.2g us (%.2g %%) off what all would take (one standard "
            "deviation of layers that do not depend on each other); ranks drift apart over more layers than are left "
            "out of "
            "the mean, so that what is exposed of exchanges is low, by 2 to 3 %% of it where that was looked at",
            text, 1e6 * o->account.missing_error_s, 100 * o->account.missing_error_s / o->account.total.step_s);
    result_add_note(&run->result, run->arena, text);
}

static void add_notes(struct kind_run *run, const struct infer_outcome *o, const char *prefix)
{
    const struct infer_account *a = &o->account;
    if (o->step.sparse_layers)
        note_kernel(run, o, prefix);
    if (a->extrapolated && a->periodic)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena,
                                     "layers are alike: %u were run, the last two took the same time, so "
                                     "that the other %u do, too",
                                     o->step.program.sparse, o->step.sparse_layers - o->step.program.sparse));
    else if (a->extrapolated)
        note_estimate(run, o);
    if (o->blocks > 1)
        result_add_note(
            &run->result, run->arena,
            arena_printf(run->arena,
                         "layers were simulated in %u runs side by side (inference.layer_blocks), each with "
                         "its ranks together %d layers before those that count: ranks drift apart for longer, "
                         "so that what is exposed of exchanges is low, by 1 to 3 %% of it where that was looked at",
                         o->blocks, INFER_BLOCK_WARMING_UP));
}

static int run_phase(struct kind_run *run, const struct infer_case *c, const char *prefix, struct infer_outcome *o,
                     struct diag *diag)
{
    if (infer_case_run(run, c, o, diag) || spec_count(run, c, o, diag))
        return -1;
    run->result.setting = setting_of(run, c, o);
    infer_result_metrics(run, c, o, prefix);
    infer_result_memory(run, o, prefix);
    infer_result_parts(run, c, o);
    infer_result_stages(run, o, prefix);
    infer_result_limits(run, c, o, prefix);
    infer_result_kernels(run, o, prefix);
    infer_result_sparse(run, o);
    if (!*prefix)
        compare(run, c, o);
    add_notes(run, o, prefix);
    return 0;
}

/* --- both phases --------------------------------------------------------------- */

static void add_kv(struct kind_run *run, const struct infer_case *c, const struct infer_outcome *o)
{
    struct arena *a = run->arena;
    double ttft_s = fmax(o->step_s, o->kv_end_s), exposed_s = ttft_s - o->step_s;
    struct result_metric *m =
        result_add_metric(&run->result, a, "ttft", ttft_s, DIM_TIME,
                          "from the start of a batch of prompts until they can be decoded: first tokens are "
                          "there, caches have arrived",
                          "max(prefill_time, arrival of the last cache)");
    result_add_input(m, a, "prefill_time", o->step_s, DIM_TIME, "this run");
    result_add_input(m, a, "arrival of the last cache", o->kv_end_s, DIM_TIME, "this run");
    result_add_metric(&run->result, a, "kv_exposed", exposed_s, DIM_TIME, "of it, waiting for caches alone",
                      "ttft - prefill_time");
    result_add_metric(&run->result, a, "kv_share_of_ttft", exposed_s / ttft_s, DIM_RATIO, "of ttft",
                      "kv_exposed / ttft");
    m = result_add_metric(&run->result, a, "kv_bytes_gpu", o->kv_B, DIM_BYTES, "caches that a GPU sends in a batch",
                          "positions * bytes of a position");
    result_add_input(m, a, "NIC bandwidth", c->hw.nic.bandwidth_Bps, DIM_BANDWIDTH, "cluster.nic.bandwidth");
    result_add_metric(&run->result, a, "kv_nic_share", o->kv_B / hw_nic_payload_Bps(&c->hw) / ttft_s, DIM_RATIO,
                      "of what a NIC can send meanwhile", "kv_bytes_gpu / (payload rate of the NIC * ttft)");
    run->result.parts[run->result.n_parts++] =
        (struct result_part){.name = "exposed KV transfer", .doc = "waited for caches", .value_s = exposed_s};
}

static void add_balance(struct kind_run *run, const struct infer_case *prefill, const struct infer_outcome *p,
                        const struct infer_case *decode, const struct infer_outcome *d)
{
    const struct infer_layout *l = &p->step.layout;
    double prompts = l->sequences * l->micro_batches * l->ranks / l->tp;
    double in = prompts / p->step_s;
    double sequences = (double)decode->cfg.decode.batch * d->step.layout.ranks;
    double out = sequences / (d->step_s * (double)decode->cfg.decode.output);
    struct arena *a = run->arena;
    struct result_metric *m = result_add_metric(&run->result, a, "requests_per_s_prefill", in, DIM_RATIO,
                                                "that the nodes of prefill take", "prompts of a batch / prefill_time");
    result_add_input(m, a, "prompts of a batch", prompts, DIM_COUNT, "inference.prefill.tokens, .prompt");
    m = result_add_metric(&run->result, a, "requests_per_s_decode", out, DIM_RATIO, "that the nodes of decoding finish",
                          "sequences / (tpot * output)");
    result_add_input(m, a, "output", (double)decode->cfg.decode.output, DIM_COUNT, "inference.decode.output");
    result_add_metric(&run->result, a, "prefill_nodes_wanted", (double)prefill->hw.nodes * out / in, DIM_RATIO,
                      "nodes of prefill that keep the nodes of decoding busy",
                      "prefill nodes * requests_per_s_decode / requests_per_s_prefill");
}

static int run_both(struct kind_run *run, const struct infer_setup *setup, struct diag *diag)
{
    struct infer_case prefill, decode;
    struct infer_outcome p, d;
    infer_case_of(setup, false, &decode);
    infer_case_of(setup, true, &prefill);
    if (run_phase(run, &decode, "", &d, diag))
        return -1;
    const char *decoding = run->result.setting;
    if (run_phase(run, &prefill, "prefill_", &p, diag))
        return -1;
    run->result.setting = arena_printf(run->arena, "%s; %s", run->result.setting, decoding);
    if (prefill.kv.n_nodes)
        add_kv(run, &prefill, &p);
    add_balance(run, &prefill, &p, &decode, &d);
    result_add_note(&run->result, run->arena, "'where the time goes' is of prefill; decoding has its tables");
    return 0;
}

/* For who waits for it. */
static const char *what_takes_time(const struct kind_run *run)
{
    const struct scenario *s = run->file->scenario;
    uint32_t layers = model_sparse_layers(&s->llm);
    if (!layers || infer_cfg(s)->simulate_layers || infer_cfg(s)->routing == INFER_BALANCED)
        return "simulating";
    return arena_printf(run->arena, "simulating all %u layers with experts (inference.simulate_layers: fewer)", layers);
}

static int run_inference(struct kind_run *run, struct diag *diag)
{
    const struct infer_cfg *cfg = infer_cfg(run->file->scenario);
    struct infer_setup setup;
    struct infer_case c;
    struct infer_outcome o;
    run->result.kind = "inference";
    progress_begin(what_takes_time(run));
    if (infer_setup_open(run->file, run->arena, &setup, diag))
        return -1;
    if (cfg->phase == PHASE_DISAGGREGATED)
        return run_both(run, &setup, diag);
    infer_case_of(&setup, cfg->phase == PHASE_PREFILL, &c);
    if (run_phase(run, &c, "", &o, diag))
        return -1;
    if (c.prefill)
        result_add_metric(&run->result, run->arena, "ttft", o.step_s, DIM_TIME,
                          "time to the first token of a prompt that does not wait", "prefill_time");
    return 0;
}

static const struct kind_change changes[] = {{"every rank with the same load", "inference.routing=balanced"}, {0}};

static void speed_up_starts(struct scenario *s, double by)
{
    struct infer_cfg *cfg = (struct infer_cfg *)infer_cfg(s); /* a scenario of our own, read for this */
    cfg->decode.launch_gap_s /= by;
    cfg->host_gap_s /= by;
}

static const char *const headlines[] = {"tpot", "prefill_time", NULL};
static const char *const quick[] = {"inference.simulate_layers=2", NULL};

#define IN_PREFILL(of) "inference.phase!=decode " OF_MANY(of)
#define IN_DECODING(of) "inference.phase!=prefill " OF_FEW(of)

const struct scenario_kind kind_inference = {
    .name = "inference",
    .doc = "a step of decoding or prefill: layers, experts, overlap, memory",
    .ref = "2.3",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_INFERENCE READS_COST},
                                         {.keys = &llm_keys},
                                         {.keys = &expert_load_keys},
                                         {.keys = &infer_keys},
                                         {0}},
    /* exchanges of sampled tokens are a hundred thousand unequal flows; exact steps differ by less than 0.3 % and take
     * ten times as long */
    .needs =
        (const struct kind_needs[]){
            {.keys = "inference.prefill.nodes inference.prefill.kv_transfer inference.decode.output "
                     "cluster.traffic.kv_cache",
             .condition = "inference.phase=disaggregated"},
            NEEDS_OF_BOTH(IN_PREFILL, IN_DECODING),
            {.keys = "inference.prefill cluster.kernels.attention.start "
                     "cluster.kernels.attention.forward cluster.kernels.attention.forward_tile "
                     "cluster.kernels.launch_gap cluster.kernels.pass.permute cluster.kernels.pass.unpermute",
             .condition = "inference.phase!=decode"},
            {.keys = "inference.decode "
                     "cluster.kernels.attention.decode_start cluster.kernels.attention.decode_block "
                     "cluster.kernels.attention.decode_request cluster.kernels.attention.decode_least_blocks",
             .condition = "inference.phase!=prefill"},
            NEEDS_OF_POSTING("inference.phase!=prefill "),
            NEEDS_OF_STEPS,
            {0}},
    .presets = "sim: {epsilon: 0.01}",
    .between = "exposed_comm exposed_share dispatch_time combine_time dispatch_span combine_span "
               "prefill_exposed_comm prefill_exposed_share prefill_dispatch_time prefill_combine_time "
               "prefill_dispatch_span prefill_combine_span",
    .headlines = headlines,
    .quick = quick,
    .changes = changes,
    .speed_up_starts = speed_up_starts,
    .check = check,
    .run = run_inference,
};
