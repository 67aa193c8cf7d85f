/* Kind serving: a service request by request (paper 2.3.1: prefill and decoding on groups of their own, or not).
 *
 * Requests are drawn or read from a file; steps take the times of serve_times.h; kinds/serve/serve.h has who is in which
 * step. What users feel: time to the first token (TTFT) and mean time of the tokens after it (TPOT); goodput counts
 * requests whose two times are within limits.
 *
 * A rank is a GPU, or a tensor-parallel group that shares its sequences. */
#include <math.h>

#include "base/data_find.h"
#include "base/progress.h"
#include "io/inputs/request_file.h"
#include "io/inputs/row_file.h"
#include "kinds/infer/infer_kv.h"
#include "kinds/result_build.h"
#include "kinds/serve/prefix_cache.h"
#include "kinds/serve/serve_report.h"
#include "kinds/serve/serving_cfg.h"
#include "kinds/reads.h"

/* --- requests ------------------------------------------------------------------------------------------------------ */

static int check_row(const struct rows *r, uint32_t i, struct diag *diag)
{
    static const char *const names[] = {"arrival_s", "prompt", "output"};
    const double *row = r->values + (size_t)i * 3;
    for (uint32_t k = 1; k < 3; k++)
        if (row[k] < 1 || row[k] != floor(row[k])) {
            diag_error(diag, EXIT_BAD_INPUT, rows_place(r, i, k), "%s is a whole number of tokens, 1 at least",
                       names[k]);
            return -1;
        }
    if (i && row[0] < row[-3]) {
        diag_error(diag, EXIT_BAD_INPUT, rows_place(r, i, 0),
                   "requests stand by arrival; this one comes %g s before the one above it", row[-3] - row[0]);
        return -1;
    }
    return 0;
}

/* Numbers alone, or our own names: in the order arrival_s, prompt, output. */
static int read_own(const char *path, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    static const char *const names[] = {"arrival_s", "prompt", "output", NULL};
    static const struct row_format format = {.columns = names, .least = 0, .most = 1e9, .example = "0.25, 1800, 350"};
    struct rows r;
    if (rows_read(path, &format, arena, &r, diag))
        return -1;
    p->n = r.n_rows;
    p->requests = ARENA_ARRAY(arena, struct request, p->n);
    p->format = "arrival_s in seconds";
    for (uint32_t i = 0; i < p->n; i++) {
        const double *row = r.values + (size_t)i * 3;
        if (check_row(&r, i, diag))
            return -1;
        p->requests[i] = (struct request){row[0], (uint32_t)row[1], (uint32_t)row[2], 0};
    }
    return 0;
}

static int read_others(const char *path, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    if (request_file_read(path, arena, &p->rows, diag))
        return -1;
    p->n = p->rows.n;
    p->requests = ARENA_ARRAY(arena, struct request, p->n);
    p->format = p->rows.format;
    for (uint32_t i = 0; i < p->n; i++)
        p->requests[i] = (struct request){p->rows.row[i].arrival_s, p->rows.row[i].prompt, p->rows.row[i].output, 0};
    return 0;
}

static int read_requests(const struct scenario_file *file, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    const struct requests_cfg *c = &serving_cfg(file->scenario)->requests;
    const char *path = data_need(c->file, file->path, scenario_place(file, "serving.requests.file"), "", arena, diag);
    if (!path)
        return -1;
    int own = request_file_is_own(path, diag);
    if (own < 0 || (own ? read_own : read_others)(path, arena, p, diag))
        return -1;
    if (c->first > p->n) {
        REPORT("serving.requests.first", "'%s' has %u requests; write at most that many, or 0 for all", c->file, p->n);
        return -1;
    }
    if (c->first)
        p->n = (uint32_t)c->first;
    for (uint32_t i = 0; i < p->n; i++)
        p->requests[i].arrival_s /= c->rate_factor;
    return 0;
}

/* What each prompt finds in the cache of prefixes. */
static int find_prefixes(const struct scenario_file *file, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    const struct serving_cfg *c = serving_cfg(file->scenario);
    uint32_t size = p->rows.block_tokens;
    if (c->prefix_cache == PREFIX_OFF)
        return 0;
    if (!size) {
        REPORT("serving.prefix_cache", "'%s' has no hashes of blocks (%s)", c->requests.file, p->format);
        return -1;
    }
    double most = c->prefix_cache == PREFIX_LRU ? floor((double)c->prefix_positions / size) : 4e9;
    struct prefix_cache *cache = prefix_cache_new((uint32_t)fmin(fmax(most, 1), 4e9), p->rows.n_blocks, arena);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct request_row *row = &p->rows.row[i];
        uint32_t hits = prefix_cache_use(cache, p->rows.blocks + row->first_block, row->n_blocks);
        uint64_t positions = (uint64_t)hits * size;
        p->blocks += row->n_blocks;
        p->block_hits += hits;
        p->requests[i].cached = positions < row->prompt ? (uint32_t)positions : row->prompt - 1;
    }
    p->evicted = prefix_cache_evicted(cache);
    return 0;
}

static int make_requests(const struct scenario_file *file, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    if (*serving_cfg(s)->requests.file) {
        if (read_requests(file, arena, p, diag) || find_prefixes(file, arena, p, diag))
            return -1;
    } else {
        p->n = (uint32_t)serving_cfg(s)->requests.count;
        p->requests = ARENA_ARRAY(arena, struct request, p->n);
        requests_draw(&serving_cfg(s)->requests, (uint64_t)s->sim.seed, p->requests);
    }
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t all = p->requests[i].prompt + p->requests[i].output;
        p->longest_prompt = p->requests[i].prompt > p->longest_prompt ? p->requests[i].prompt : p->longest_prompt;
        p->longest = all > p->longest ? all : p->longest;
    }
    return 0;
}

/* --- check ---------------------------------------------------------------------------------------------------------- */

static int check_lengths(const struct scenario_file *file, const struct length_cfg *c, const char *key,
                         struct diag *diag)
{
    if (c->least <= c->most)
        return 0;
    REPORT(key, "%s.least is %lld, more than %s.most, %lld", key, (long long)c->least, key, (long long)c->most);
    return -1;
}

static int check_keys(const struct scenario_file *file, struct diag *diag)
{
    static const char *const unread[] = {"inference.decode.batch", "inference.decode.context",
                                         "inference.prefill.prompt", NULL};
    const struct scenario *s = file->scenario;
    size_t before = diag_count(diag);
    kind_refuse(file, unread, "requests decide it; steps are simulated at the points of serving.grid", diag);
    bool apart = infer_cfg(s)->phase == PHASE_DISAGGREGATED;
    if (apart == serving_cfg(s)->colocated || infer_cfg(s)->phase == PHASE_PREFILL)
        REPORT("inference.phase",
               serving_cfg(s)->colocated
                   ? "units do both (serving.colocated); write 'phase: decode'"
                   : "prefill and decoding have units of their own; write 'phase: disaggregated', or "
                     "'colocated: true' in serving");
    else if (apart && (infer_cfg(s)->prefill.nodes < 1 || infer_cfg(s)->prefill.nodes >= s->cluster.nodes))
        REPORT("inference.prefill.nodes",
               "%lld of %lld nodes (cluster.nodes: a prefill unit and a decoding one) prefill; both need nodes",
               (long long)infer_cfg(s)->prefill.nodes, (long long)s->cluster.nodes);
    if (infer_cfg(s)->decode.extra_tokens && !s->llm.mtp_layers)
        REPORT("inference.decode.extra_tokens", "'%s' has no MTP modules to predict tokens with", s->llm.name);
    if (serving_cfg(s)->prefix_cache != PREFIX_OFF && infer_cfg(s)->prefill.cached_ratio > 0)
        REPORT("inference.prefill.cached",
               "the cache of prefixes says what is found (serving.prefix_cache); set it to 0");
    check_lengths(file, &serving_cfg(s)->requests.prompt, "serving.requests.prompt", diag);
    check_lengths(file, &serving_cfg(s)->requests.output, "serving.requests.output", diag);
    return diag_count(diag) == before ? 0 : -1;
}

static int check_sizes(const struct scenario_file *file, const struct serve_plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    size_t before = diag_count(diag);
    uint32_t most = p->grid.batch[p->grid.n_batch - 1], prompt = p->grid.prompt[p->grid.n_prompt - 1];
    uint32_t behind = p->grid.n_before ? p->grid.before[p->grid.n_before - 1] : 0;
    double tp = (double)infer_cfg(s)->tp;
    if (p->max_batch > most)
        REPORT("serving.max_batch", "%u sequences of a GPU, but steps are simulated up to %u (serving.grid.batch)",
               p->max_batch, most);
    if (behind && p->longest_prompt > 2 * (uint64_t)behind)
        REPORT("serving.grid.before",
               "the longest prompt has %u positions, more than twice those before the last chunk that is simulated, %u",
               p->longest_prompt, behind);
    if (!behind && p->longest_prompt > 2 * (uint64_t)prompt)
        REPORT("serving.grid.prompt",
               "the longest prompt has %u positions, more than twice the largest that is simulated, %u",
               p->longest_prompt, prompt);
    if (p->longest > p->kv_positions * tp)
        REPORT("serving.requests",
               "the longest request has %u positions, but beside weights and buffers the caches of a %s hold %.0f",
               p->longest, infer_cfg(s)->tp > 1 ? "tensor-parallel group" : "GPU", p->kv_positions * tp);
    return diag_count(diag) == before ? 0 : -1;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct serve_plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    int64_t prefill_nodes = serving_cfg(s)->colocated ? 0 : infer_cfg(s)->prefill.nodes;
    *p = (struct serve_plan){.prefill_gpus = (uint32_t)(prefill_nodes * s->cluster.node.gpus),
                             .gpus = (uint32_t)((s->cluster.nodes - prefill_nodes) * s->cluster.node.gpus)};
    if (infer_setup_open(file, arena, &p->setup, diag) || serve_grid_read(file, arena, &p->grid, diag))
        return -1;
    serve_grid_cut(&p->setup, &p->grid, arena);
    if (serve_grid_check(&p->setup, &p->grid, arena, diag) || make_requests(file, arena, p, diag))
        return -1;
    p->first = (uint32_t)(serving_cfg(s)->warmup_ratio * p->n);
    p->max_batch =
        (uint32_t)(serving_cfg(s)->max_batch ? serving_cfg(s)->max_batch : p->grid.batch[p->grid.n_batch - 1]);
    p->kv_positions = serve_kv_capacity(&p->setup, &p->grid, arena);
    return check_sizes(file, p, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct serve_plan p;
    if (!check_keys(file, diag))
        make_plan(file, arena, &p, diag);
}

/* --- the service ----------------------------------------------------------------------------------------------------- */

/* Steps on the far side of what was simulated. */
struct outside {
    double limit, time_s, farthest;
};

struct steps {
    struct serve_tables tables;
    double tp, prefill_s, decode_s;
    struct outside prompt, context, batch;
};

static void note_far(struct outside *o, double value, double time_s)
{
    if (o->time_s == 0 || fabs(value - o->limit) > fabs(o->farthest - o->limit))
        o->farthest = value;
    o->time_s += time_s;
}

static double prefill_s(void *ctx, double tokens, double prompt)
{
    struct steps *s = ctx;
    double time_s = step_table_time(&s->tables.prefill, tokens / s->tp, prompt);
    s->prefill_s += time_s;
    if (prompt > s->prompt.limit)
        note_far(&s->prompt, prompt, time_s);
    return time_s;
}

static double decode_s(void *ctx, double batch, double context)
{
    struct steps *s = ctx;
    double time_s = step_table_time(&s->tables.decode, context, batch / s->tp);
    s->decode_s += time_s;
    if (context > s->context.limit)
        note_far(&s->context, context, time_s);
    if (batch / s->tp < s->batch.limit)
        note_far(&s->batch, batch / s->tp, time_s);
    return time_s;
}

static void limit_steps(struct steps *s, const struct serve_grid *g)
{
    s->prompt.limit = g->n_before ? g->before[g->n_before - 1] : g->prompt[g->n_prompt - 1];
    s->context.limit = g->context[g->n_context - 1];
    s->batch.limit = g->batch[0];
}

static void say_outside(struct kind_run *run, const struct outside *o, double all_s, const char *what, const char *key,
                        const char *how)
{
    if (o->time_s > 0)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena, "%.3g %% of the time of %s, to %.0f where %s at %.0f: %s",
                                     100 * o->time_s / all_s, what, o->farthest, key, o->limit, how));
}

static void say_what_was_not_simulated(struct kind_run *run, const struct serve_grid *g, const struct steps *s)
{
    say_outside(run, &s->prompt, s->prefill_s, "prefill is of longer prompts than were simulated",
                g->n_before ? "serving.grid.before ends" : "serving.grid.prompt ends",
                "their attention takes as long as there, which is too short");
    say_outside(run, &s->context, s->decode_s, "decoding is of longer caches than were simulated",
                "serving.grid.context ends", "times go on in a line");
    say_outside(run, &s->batch, s->decode_s, "decoding is of fewer sequences of the fullest GPU than were simulated",
                "serving.grid.batch begins", "steps take as long as with so many, which is too long");
}

/* On all GPUs of a group. */
static double cache_B(const void *ctx, double positions)
{
    const struct scenario *s = ctx;
    uint32_t tp = (uint32_t)infer_cfg(s)->tp;
    return model_cache_rank_B(&s->llm, positions, tp) * tp;
}

static struct serve_spec spec_of(const struct kind_run *run, const struct serve_plan *p, struct steps *steps)
{
    const struct scenario *s = run->file->scenario;
    const struct cluster_hw *hw = &s->cluster;
    uint32_t tp = (uint32_t)infer_cfg(s)->tp;
    bool moves = !serving_cfg(s)->colocated && infer_cfg(s)->prefill.kv_transfer != KV_NONE;
    struct serve_spec spec = {.requests = p->requests,
                              .n_requests = p->n,
                              .colocated = serving_cfg(s)->colocated,
                              .prefill_units = (uint32_t)serving_cfg(s)->prefill_units,
                              .prefill_ranks = p->prefill_gpus / tp,
                              .decode_units = (uint32_t)serving_cfg(s)->units,
                              .decode_ranks = p->gpus / tp,
                              .step_tokens = (uint32_t)infer_cfg(s)->prefill.tokens * tp,
                              .chunked = serving_cfg(s)->chunked,
                              .mixed = serving_cfg(s)->schedule == SCHEDULE_AUTO
                                           ? serving_cfg(s)->chunked
                                           : serving_cfg(s)->schedule == SCHEDULE_MIXED,
                              .by_context = p->grid.n_before > 0,
                              .cached_ratio = infer_cfg(s)->prefill.cached_ratio,
                              .max_batch = p->max_batch * tp,
                              .kv_positions = p->kv_positions * tp,
                              .cache_B = cache_B,
                              .cache_ctx = s,
                              .accept_ratio = serving_cfg(s)->acceptance_ratio,
                              .extra_tokens = (uint32_t)infer_cfg(s)->decode.extra_tokens,
                              .seed = (uint64_t)s->sim.seed + run->seed_offset,
                              .from_s = p->requests[p->first].arrival_s,
                              .to_s = p->requests[p->n - 1].arrival_s,
                              .times = {prefill_s, decode_s, steps}};
    if (moves) {
        spec.link_Bps = hw_nic_payload_Bps(hw) * tp;
        spec.link_latency_s = 2 * (hw->nic.latency_s + hw_copper_s(&hw->network)) + hw->network.switch_latency_s;
        spec.kv_layers = infer_cfg(s)->prefill.kv_transfer == KV_LAYERWISE ? (uint32_t)s->llm.layers : 0;
    }
    return spec;
}

/* --- run -------------------------------------------------------------------------------------------------------------- */

static const char *setting_of(const struct kind_run *run, const struct serve_plan *p)
{
    const struct scenario *s = run->file->scenario;
    const char *ways = serving_cfg(s)->chunked ? "chunked" : "whole";
    if (serving_cfg(s)->colocated)
        return arena_printf(run->arena, "%s: %lld unit(s) of %u GPUs prefill and decode, %s prompts", s->llm.name,
                            (long long)serving_cfg(s)->units, p->gpus, ways);
    return arena_printf(run->arena, "%s: %lld unit(s) of %u GPUs prefill (%s prompts), %lld of %u decode", s->llm.name,
                        (long long)serving_cfg(s)->prefill_units, p->prefill_gpus, ways,
                        (long long)serving_cfg(s)->units, p->gpus);
}

static int run_serving(struct kind_run *run, struct diag *diag)
{
    struct steps steps = {.tp = (double)infer_cfg(run->file->scenario)->tp};
    struct serve_outcome out;
    struct serve_plan p;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    run->result.kind = "serving";
    run->result.setting = setting_of(run, &p);
    progress_begin("simulating steps");
    if (serve_tables_make(run, &p.setup, &p.grid, &steps.tables, diag))
        return -1;
    struct serve_spec spec = spec_of(run, &p, &steps);
    limit_steps(&steps, &p.grid);
    serve_run(&spec, run->arena, &out);
    serve_report(run, &p, &out);
    say_what_was_not_simulated(run, &p.grid, &steps);
    return 0;
}

const struct scenario_kind kind_serving = {
    .name = "serving",
    .doc = "a service request by request: TTFT, TPOT, goodput; prefill and decoding apart or together",
    .ref = "2.3.1",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_INFERENCE " -traffic.kv_cache"},

                                         {.keys = &llm_keys},
                                         {.keys = &expert_load_keys},
                                         {.keys = &infer_keys},
                                         {.keys = &serving_keys},
                                         {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "inference.published", .why = "kind serving has no published step to stand beside"},
            {.keys = "inference.decode.output", .why = "lengths of answers are those of serving.requests"},
            {.keys = "inference.decode.acceptance", .why = "kind serving reads serving.acceptance"},
            {.keys = "inference.layer_blocks", .why = "a service takes its times from many steps, each a run"},
            NEEDS_OF_BOTH(OF_MANY, OF_FEW),
            NEEDS_OF_POSTING(""),
            NEEDS_OF_STEPS,
            {0}},
    .presets = "sim: {epsilon: 0.01}", /* see kind_inference.c */
    .check = check,
    .run = run_serving,
};
