/* Kind speculative: what predicting tokens and verifying them together is worth (paper 2.3.3), against acceptance,
 * batch and context.
 *
 * A step verifies 1 + k tokens of each sequence: attention works on more queries per cache, every exchange carries
 * 1 + k times the tokens, experts get as many more rows, and small batches touch more of them. The paper's 1.8
 * times is 1 + p with p = 0.8: a step that costs nothing more. The simulated step says how far that is true.
 *
 * In expectation a step yields 1 + p + ... + p^k tokens; sampled, each predicted token is drawn, up to the first
 * that is wrong. */
#include <math.h>

#include "base/progress.h"
#include "base/rng.h"
#include "base/stats.h"
#include "models/llm/decode_parts.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/infer/spec_step.h"
#include "kinds/infer/speculative_cfg.h"
#include "kinds/reads.h"

enum { MOST_EXTRA = 16 };

struct plan {
    struct infer_setup setup;
    uint32_t *extra, n_extra, *batch, n_batch, *context, n_context, n_acceptance;
    double *acceptance;
};

/* --- check ------------------------------------------------------------------------------------------------------- */

static int check_lists(const struct scenario_file *file, const struct plan *p, struct diag *diag)
{
    size_t before = diag_count(diag);
    for (uint32_t i = 0; i < p->n_acceptance; i++)
        if (!(p->acceptance[i] >= 0 && p->acceptance[i] <= 1))
            REPORT("speculative.acceptance", "an acceptance of %g; a probability is from 0 to 1, or to 100 %%",
                   p->acceptance[i]);
    for (uint32_t i = 0; i < p->n_extra; i++)
        if (p->extra[i] > MOST_EXTRA)
            REPORT("speculative.extra_tokens", "%u tokens; at most %d", p->extra[i], MOST_EXTRA);
    if (!p->n_extra || !p->n_batch || !p->n_context || !p->n_acceptance)
        REPORT("speculative", "extra_tokens, acceptance, batch and context need one value at least each");
    return diag_count(diag) == before ? 0 : -1;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct speculative_cfg *c = speculative_cfg(file->scenario);
    *p = (struct plan){0};
    if (list_counts(file, "speculative.extra_tokens", c->extra_tokens, arena, &p->extra, &p->n_extra, diag) ||
        list_counts(file, "speculative.batch", c->batch, arena, &p->batch, &p->n_batch, diag) ||
        list_counts(file, "speculative.context", c->context, arena, &p->context, &p->n_context, diag) ||
        list_quantities(file, "speculative.acceptance", c->acceptance, DIM_RATIO, arena, &p->acceptance,
                        &p->n_acceptance, diag))
        return -1;
    return check_lists(file, p, diag) || infer_setup_open(file, arena, &p->setup, diag) ? -1 : 0;
}

static void check_cases(const struct scenario_file *file, struct arena *arena, const struct plan *p, struct diag *diag)
{
    uint32_t points = p->n_batch * p->n_context, most = 0;
    for (uint32_t i = 0; i < p->n_extra; i++)
        most = p->extra[i] > most ? p->extra[i] : most;
    for (uint32_t i = 0; i < points; i++) {
        struct infer_case c;
        infer_case_of(&p->setup, false, &c);
        c.cfg.decode.batch = p->batch[i / p->n_context];
        c.cfg.decode.context = p->context[i % p->n_context];
        c.cfg.decode.extra_tokens = most;
        diag_default_place(diag, scenario_place(file, "speculative.batch"));
        int failed = infer_case_check(&c, arena, diag);
        diag_default_place(diag, SRCLOC_NONE);
        if (failed)
            return;
    }
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    static const char *const unread[] = {"inference.decode.batch", "inference.decode.context",
                                         "inference.decode.extra_tokens", NULL};
    static const char *const prefill[] = {"inference.prefill.nodes",       "inference.prefill.prompt",
                                          "inference.prefill.tokens",      "inference.prefill.cached",
                                          "inference.prefill.kv_transfer", NULL};
    kind_refuse(file, unread, "batch, context and extra_tokens are lists in speculative", diag);
    kind_refuse(file, prefill, "speculation is about decoding; leave it out", diag);
    const struct scenario *s = file->scenario;
    struct plan p;
    if (infer_cfg(s)->phase != PHASE_DECODE)
        REPORT("inference.phase", "speculation is about decoding; write 'phase: decode'");
    if (!s->llm.mtp_layers)
        REPORT("model", "'%s' has no MTP modules (llm.mtp_layers) to predict tokens with", s->llm.name);
    if (!make_plan(file, arena, &p, diag))
        check_cases(file, arena, &p, diag);
}

/* --- sampling ---------------------------------------------------------------------------------------------------- */

/* Tokens per step of each user, over `steps` steps. */
static void sample_users(const struct speculative_cfg *c, uint64_t seed, double acceptance, int64_t extra,
                         double *tokens_per_step)
{
    gsl_rng *rng = rng_stream(seed, 0, "accepted tokens");
    for (int64_t u = 0; u < c->users; u++) {
        uint64_t tokens = 0;
        rng_stream_reset(rng, seed, (uint64_t)u, "accepted tokens");
        for (int64_t step = 0; step < c->steps; step++) {
            int64_t n = 1;
            while (n <= extra && gsl_rng_uniform(rng) < acceptance)
                n++;
            tokens += (uint64_t)n;
        }
        tokens_per_step[u] = (double)tokens / (double)c->steps;
    }
    gsl_rng_free(rng);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

enum {
    COL_BATCH,
    COL_CONTEXT,
    COL_EXTRA,
    COL_PLAIN,
    COL_VERIFY,
    COL_DRAFT,
    COL_COST,
    COL_ROWS,
    COL_EXPERTS,
    COL_EXPERTS_PLAIN,
    N_COL
};
static const struct result_column columns[N_COL] = {
    {"batch", DIM_COUNT, "sequences of a GPU", false},
    {"context", DIM_COUNT, "positions in a cache", false},
    {"extra", DIM_COUNT, "tokens predicted in a step", false},
    {"plain", DIM_TIME, "a step without prediction", false},
    {"verify", DIM_TIME, "a step that verifies", false},
    {"draft", DIM_TIME, "MTP modules: projection, layer, head; a pass for each token", false},
    {"cost", DIM_RATIO, "(verify + draft) / plain: the tokens per step that pay", false},
    {"expert_rows", DIM_RATIO, "rows of an expert in a verifying step, both micro-batches", false},
    {"touched", DIM_RATIO, "share of a layer's experts that a verifying step of the group touches", false},
    {"touched_plain", DIM_RATIO, "the same without prediction", false},
};

enum {
    UP_BATCH,
    UP_CONTEXT,
    UP_EXTRA,
    UP_ACCEPTANCE,
    UP_TOKENS,
    UP_SPEEDUP,
    UP_SAMPLED,
    UP_P5,
    UP_P95,
    UP_USER,
    UP_GPU,
    N_UP
};
static const struct result_column up_columns[N_UP] = {
    {"batch", DIM_COUNT, "", false},
    {"context", DIM_COUNT, "", false},
    {"extra", DIM_COUNT, "", false},
    {"acceptance", DIM_RATIO, "of a predicted token when those before it are right", false},
    {"tokens_per_step", DIM_RATIO, "expected: 1 + p + ... + p^extra; also the speed-up if steps cost nothing more",
     false},
    {"speedup", DIM_RATIO, "tokens_per_step / cost", false},
    {"sampled", DIM_RATIO, "the same from sampled acceptance, mean over users", false},
    {"sampled_p5", DIM_RATIO, "of users", false},
    {"sampled_p95", DIM_RATIO, "of users", false},
    {"tps_user", DIM_RATIO, "tokens/s of a user, expected", false},
    {"tps_gpu", DIM_RATIO, "tokens/s of a GPU, expected", false},
};

struct point {
    struct spec_plain plain;
    struct spec_step step;
    int64_t extra;
};

static double touched(const struct kind_run *run, double tokens_per_gpu)
{
    const struct scenario *s = run->file->scenario;
    double group = tokens_per_gpu * (double)(s->cluster.nodes * s->cluster.node.gpus);
    return s->llm.experts.routed ? experts_chosen(&s->llm.experts, group, NULL) / (double)s->llm.experts.routed : NAN;
}

static void add_cost(struct kind_run *run, struct result_table *t, const struct point *x)
{
    const struct scenario *s = run->file->scenario;
    double tokens = (double)(x->plain.batch * (1 + x->extra));
    double group = tokens * (double)(s->cluster.nodes * s->cluster.node.gpus);
    struct result_cell *row = result_add_row(t);
    row[COL_BATCH].value = (double)x->plain.batch;
    row[COL_CONTEXT].value = (double)x->plain.context;
    row[COL_EXTRA].value = (double)x->extra;
    row[COL_PLAIN].value = x->plain.step_s;
    row[COL_VERIFY].value = x->step.verify_s;
    row[COL_DRAFT].value = x->step.draft_s;
    row[COL_COST].value = (x->step.verify_s + x->step.draft_s) / x->plain.step_s;
    row[COL_ROWS].value = s->llm.experts.routed ? group * (double)s->llm.experts.top_k /
                                                      (double)(s->llm.experts.routed + s->expert_load.redundant)
                                                : NAN;
    row[COL_EXPERTS].value = touched(run, tokens);
    row[COL_EXPERTS_PLAIN].value = touched(run, (double)x->plain.batch);
}

static double add_speedup(struct kind_run *run, struct result_table *t, const struct point *x, double acceptance,
                          double *sampled)
{
    const struct scenario *s = run->file->scenario;
    double cost = (x->step.verify_s + x->step.draft_s) / x->plain.step_s;
    double tokens = spec_tokens(acceptance, x->extra);
    sample_users(speculative_cfg(s), (uint64_t)s->sim.seed + run->seed_offset, acceptance, x->extra, sampled);
    struct stats users = stats_of(sampled, (size_t)speculative_cfg(s)->users);
    struct result_cell *row = result_add_row(t);
    row[UP_BATCH].value = (double)x->plain.batch;
    row[UP_CONTEXT].value = (double)x->plain.context;
    row[UP_EXTRA].value = (double)x->extra;
    row[UP_ACCEPTANCE].value = acceptance;
    row[UP_TOKENS].value = tokens;
    row[UP_SPEEDUP].value = tokens / cost;
    row[UP_SAMPLED].value = users.mean / cost;
    row[UP_P5].value = users.p5 / cost;
    row[UP_P95].value = users.p95 / cost;
    row[UP_USER].value = tokens / (cost * x->plain.step_s);
    row[UP_GPU].value = row[UP_USER].value * (double)x->plain.batch;
    return tokens / cost;
}

/* --- run ----------------------------------------------------------------------------------------------------------- */

struct best {
    double speedup, most, least; /* least, most: of all rows */
};

static int run_point(struct kind_run *run, const struct plan *p, uint32_t i, struct result_table *cost,
                     struct result_table *up, double *sampled, struct best *best, struct diag *diag)
{
    struct point x;
    if (spec_plain(run, &p->setup, p->batch[i / p->n_context], p->context[i % p->n_context], false, &x.plain, diag))
        return -1;
    for (uint32_t k = 0; k < p->n_extra; k++) {
        x.extra = p->extra[k];
        if (spec_step(run, &p->setup, &x.plain, x.extra, &x.step, diag))
            return -1;
        add_cost(run, cost, &x);
        for (uint32_t a = 0; a < p->n_acceptance; a++) {
            double speedup = add_speedup(run, up, &x, p->acceptance[a], sampled);
            best->most = fmax(best->most, speedup);
            best->least = fmin(best->least, speedup);
        }
    }
    return 0;
}

static void add_metrics(struct kind_run *run, const struct best *best)
{
    result_add_metric(&run->result, run->arena, "speedup_most", best->most, DIM_RATIO, "the largest of the table",
                      "tokens per step * plain / (verify + draft)");
    result_add_metric(&run->result, run->arena, "speedup_least", best->least, DIM_RATIO, "the smallest of the table",
                      "tokens per step * plain / (verify + draft)");
    result_add_note(&run->result, run->arena,
                    "paper 2.3.3: acceptance of 80 to 90 % makes generation 1.8 times as fast; that is 1 + p with p = "
                    "0.8, a step that costs nothing more (column tokens_per_step)");
}

static int run_speculative(struct kind_run *run, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    struct plan p;
    struct best best = {.most = 0, .least = INFINITY};
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    uint32_t points = p.n_batch * p.n_context;
    run->result.kind = "speculative";
    run->result.setting = arena_printf(run->arena, "%s, decoding on %lld GPUs, overlap %s, %lld MTP module(s)",
                                       s->llm.name, (long long)(s->cluster.nodes * s->cluster.node.gpus),
                                       infer_overlap_names[infer_cfg(s)->overlap], (long long)s->llm.mtp_layers);
    result_add_table(&run->result, run->arena, "cost", "what a step costs", columns, N_COL, points * p.n_extra);
    result_add_table(&run->result, run->arena, "speedup", "what it is worth", up_columns, N_UP,
                     points * p.n_extra * p.n_acceptance);
    double *sampled = ARENA_ARRAY(run->arena, double, speculative_cfg(s)->users);
    progress_begin("simulating");
    for (uint32_t i = 0; i < points; i++)
        if (run_point(run, &p, i, &run->result.tables[0], &run->result.tables[1], sampled, &best, diag))
            return -1;
    add_metrics(run, &best);
    return 0;
}

const struct scenario_kind kind_speculative = {
    .name = "speculative",
    .doc = "speculative decoding with MTP modules against acceptance, batch and context",
    .ref = "2.3.3",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys, .only = READS_DECODING},

            {.keys = &llm_keys},
            {.keys = &expert_load_keys},
            {.keys = &infer_keys,
             .only = "phase overlap routing tp shared_replicas node_limited loopback memory_reserve host_gap eager "
                     "share_layers simulate_layers decode.launch_gap"},
            {.keys = &speculative_keys},
            {0}},
    .needs = (const struct kind_needs[]){NEEDS_OF_POSTING(""), NEEDS_OF_LATENCY, NEEDS_OF_STEPS, {0}},
    .presets = "sim: {epsilon: 0.01}", /* see kind_inference.c */
    .check = check,
    .run = run_speculative,
};
