/* Kind serving: a service request by request (paper 2.3.1: prefill and decoding on groups of their own, or not).
 *
 * Requests are drawn or read from a file; steps take the times of serve_times.h; sim/serve.h has who is in which
 * step. What users feel: time to the first token (TTFT) and mean time of the tokens after it (TPOT); goodput counts
 * requests whose two times are within limits.
 *
 * A rank is a GPU, or a tensor-parallel group that shares its sequences. */
#include <math.h>

#include "base/progress.h"
#include "base/stats.h"
#include "io/row_file.h"
#include "sim/serve.h"
#include "study/lists.h"
#include "study/result_build.h"
#include "study/serve_times.h"

#define REPORT(key, ...) diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, (key)), __VA_ARGS__)

struct plan {
    struct infer_setup setup;
    struct serve_grid grid;
    struct request *requests;
    uint32_t n, prefill_gpus, gpus; /* of a unit */
    double kv_positions;            /* of a GPU */
    uint32_t max_batch;             /* of a GPU */
    uint32_t longest_prompt, longest; /* positions: prompt; prompt and output */
    uint32_t first;                 /* request that statistics begin with */
};

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

static int read_requests(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    static const char *const names[] = {"arrival_s", "prompt", "output", NULL};
    static const struct row_format format = {.columns = names, .least = 0, .most = 1e9, .example = "0.25, 1800, 350"};
    const char *name = file->scenario->serving.requests.file, *path = data_find(name, file->path, arena);
    struct rows r;
    if (!path) {
        REPORT("serving.requests.file", "there is no file '%s'", name);
        return -1;
    }
    if (rows_read(path, &format, arena, &r, diag))
        return -1;
    p->n = r.n_rows;
    p->requests = ARENA_ARRAY(arena, struct request, p->n);
    for (uint32_t i = 0; i < p->n; i++) {
        const double *row = r.values + (size_t)i * 3;
        if (check_row(&r, i, diag))
            return -1;
        p->requests[i] = (struct request){row[0], (uint32_t)row[1], (uint32_t)row[2]};
    }
    return 0;
}

static int make_requests(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    if (*s->serving.requests.file) {
        if (read_requests(file, arena, p, diag))
            return -1;
    } else {
        p->n = (uint32_t)s->serving.requests.count;
        p->requests = ARENA_ARRAY(arena, struct request, p->n);
        requests_draw(&s->serving.requests, (uint64_t)s->sim.seed, p->requests);
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
    const struct scenario *s = file->scenario;
    size_t before = diag_count(diag);
    bool apart = s->inference.phase == PHASE_DISAGGREGATED;
    if (apart == s->serving.colocated || s->inference.phase == PHASE_PREFILL)
        REPORT("inference.phase", s->serving.colocated ?
                                      "units do both (serving.colocated); write 'phase: decode'" :
                                      "prefill and decoding have units of their own; write 'phase: disaggregated', or "
                                      "'colocated: true' in serving");
    else if (apart && (s->inference.prefill.nodes < 1 || s->inference.prefill.nodes >= s->cluster.nodes))
        REPORT("inference.prefill.nodes",
               "%lld of %lld nodes (cluster.nodes: a prefill unit and a decoding one) prefill; both need nodes",
               (long long)s->inference.prefill.nodes, (long long)s->cluster.nodes);
    if (s->inference.decode.extra_tokens && !s->llm.mtp_layers)
        REPORT("inference.decode.extra_tokens", "'%s' has no MTP modules to predict tokens with", s->llm.name);
    check_lengths(file, &s->serving.requests.prompt, "serving.requests.prompt", diag);
    check_lengths(file, &s->serving.requests.output, "serving.requests.output", diag);
    return diag_count(diag) == before ? 0 : -1;
}

static int check_sizes(const struct scenario_file *file, const struct plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    size_t before = diag_count(diag);
    uint32_t most = p->grid.batch[p->grid.n_batch - 1], prompt = p->grid.prompt[p->grid.n_prompt - 1];
    double tp = (double)s->inference.tp;
    if (p->max_batch > most)
        REPORT("serving.max_batch", "%u sequences of a GPU, but steps are simulated up to %u (serving.grid.batch)",
               p->max_batch, most);
    if (p->longest_prompt > 2 * prompt)
        REPORT("serving.grid.prompt",
               "the longest prompt has %u positions, more than twice the largest that is simulated, %u",
               p->longest_prompt, prompt);
    if (p->longest > p->kv_positions * tp)
        REPORT("serving.requests",
               "the longest request has %u positions, but beside weights and buffers the caches of a %s hold %.0f",
               p->longest, s->inference.tp > 1 ? "tensor-parallel group" : "GPU", p->kv_positions * tp);
    return diag_count(diag) == before ? 0 : -1;
}

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    int64_t prefill_nodes = s->serving.colocated ? 0 : s->inference.prefill.nodes;
    *p = (struct plan){.prefill_gpus = (uint32_t)(prefill_nodes * s->cluster.node.gpus),
                       .gpus = (uint32_t)((s->cluster.nodes - prefill_nodes) * s->cluster.node.gpus)};
    if (infer_setup_open(file, arena, &p->setup, diag) || serve_grid_read(file, arena, &p->grid, diag) ||
        serve_grid_check(&p->setup, &p->grid, arena, diag) || make_requests(file, arena, p, diag))
        return -1;
    p->first = (uint32_t)(s->serving.warmup_ratio * p->n);
    p->max_batch = (uint32_t)(s->serving.max_batch ? s->serving.max_batch : p->grid.batch[p->grid.n_batch - 1]);
    p->kv_positions = serve_kv_capacity(&p->setup, &p->grid, arena);
    return check_sizes(file, p, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct plan p;
    if (!check_keys(file, diag))
        make_plan(file, arena, &p, diag);
}

/* --- the service ----------------------------------------------------------------------------------------------------- */

struct steps {
    struct serve_tables tables;
    double tp;
};

static double prefill_s(void *ctx, double tokens, double prompt)
{
    const struct steps *s = ctx;
    return step_table_time(&s->tables.prefill, tokens / s->tp, prompt);
}

static double decode_s(void *ctx, double batch, double context)
{
    const struct steps *s = ctx;
    return step_table_time(&s->tables.decode, context, batch / s->tp);
}

static struct serve_spec spec_of(const struct kind_run *run, const struct plan *p, struct steps *steps)
{
    const struct scenario *s = run->file->scenario;
    const struct cluster_hw *hw = &s->cluster;
    uint32_t tp = (uint32_t)s->inference.tp;
    bool moves = !s->serving.colocated && s->inference.prefill.kv_transfer != KV_NONE;
    struct serve_spec spec = {.requests = p->requests,
                              .n_requests = p->n,
                              .colocated = s->serving.colocated,
                              .prefill_units = (uint32_t)s->serving.prefill_units,
                              .prefill_ranks = p->prefill_gpus / tp,
                              .decode_units = (uint32_t)s->serving.units,
                              .decode_ranks = p->gpus / tp,
                              .step_tokens = (uint32_t)s->inference.prefill.tokens * tp,
                              .chunked = s->serving.chunked,
                              .cached_ratio = s->inference.prefill.cached_ratio,
                              .max_batch = p->max_batch * tp,
                              .kv_positions = p->kv_positions * tp,
                              .kv_position_B = model_kv_B(&s->llm),
                              .accept_ratio = s->serving.acceptance_ratio,
                              .extra_tokens = (uint32_t)s->inference.decode.extra_tokens,
                              .seed = (uint64_t)s->sim.seed + run->seed_offset,
                              .from_s = p->requests[p->first].arrival_s,
                              .to_s = p->requests[p->n - 1].arrival_s,
                              .times = {prefill_s, decode_s, steps}};
    if (moves) {
        spec.link_Bps = hw_nic_payload_Bps(hw) * tp;
        spec.link_latency_s = 2 * (hw->nic.latency_s + hw_copper_s(&hw->network)) + hw->network.switch_latency_s;
        spec.kv_layers = s->inference.prefill.kv_transfer == KV_LAYERWISE ? (uint32_t)s->llm.layers : 0;
    }
    return spec;
}

/* --- statistics ------------------------------------------------------------------------------------------------------ */

enum { COL_WHAT, COL_MEAN, COL_P50, COL_P90, COL_P99, COL_MOST, N_COL };
static const struct result_column columns[N_COL] = {
    {"what", DIM_COUNT, "of a request", true},
    {"mean", DIM_TIME, "", false},
    {"p50", DIM_TIME, "half of the requests have less", false},
    {"p90", DIM_TIME, "", false},
    {"p99", DIM_TIME, "", false},
    {"most", DIM_TIME, "", false},
};

struct view {
    const struct plan *plan;
    const struct serve_outcome *out;
    double *scratch;
};

typedef double request_time(const struct request *r, const struct serve_record *x);

static double ttft(const struct request *r, const struct serve_record *x) { return x->first_token_s - r->arrival_s; }
static double prefill_wait(const struct request *r, const struct serve_record *x) { return x->prefill_s - r->arrival_s; }
static double whole(const struct request *r, const struct serve_record *x) { return x->end_s - r->arrival_s; }
static double tpot(const struct request *r, const struct serve_record *x)
{
    return r->output > 1 ? (x->end_s - x->first_token_s) / (r->output - 1) : NAN;
}
static double decode_wait(const struct request *r, const struct serve_record *x)
{
    return r->output > 1 ? x->joined_s - x->first_token_s : NAN;
}

static double until_decoding(const struct request *r, const struct serve_record *x)
{
    return (r->output > 1 ? x->joined_s : x->first_token_s) - r->arrival_s;
}

/* How many values there are: requests of a single token have no TPOT. */
static uint32_t collect(const struct view *v, request_time *of)
{
    uint32_t n = 0;
    for (uint32_t i = v->plan->first; i < v->plan->n; i++) {
        double value = of(&v->plan->requests[i], &v->out->records[i]);
        if (isfinite(value))
            v->scratch[n++] = value;
    }
    return n;
}

static double add_times(struct result_table *t, const struct view *v, const char *what, request_time *of)
{
    struct result_cell *row = result_add_row(t);
    uint32_t n = collect(v, of);
    row[COL_WHAT].text = what;
    if (!n)
        return NAN;
    struct stats s = stats_of(v->scratch, n);
    row[COL_MEAN].value = s.mean;
    row[COL_P50].value = s.median;
    row[COL_P90].value = stats_quantile(v->scratch, n, 0.90);
    row[COL_P99].value = stats_quantile(v->scratch, n, 0.99);
    row[COL_MOST].value = s.max;
    return s.mean;
}

static void add_percentiles(struct kind_run *run, const struct view *v, const char *name, const char *doc,
                            request_time *of)
{
    static const double q[] = {0.5, 0.9, 0.99};
    uint32_t n = collect(v, of);
    for (int i = 0; i < 3; i++)
        result_add_metric(&run->result, run->arena, arena_printf(run->arena, "%s_p%g", name, 100 * q[i]),
                          n ? stats_quantile(v->scratch, n, q[i]) : NAN, DIM_TIME, doc,
                          "quantile over requests after the warm-up");
}

/* --- metrics --------------------------------------------------------------------------------------------------------- */

struct served {
    double span_s; /* from the first counted arrival to the last */
    double within, tokens, prompts;
    uint32_t n;
};

static struct served count_served(const struct view *v, const struct serving_cfg *c)
{
    const struct request *r = v->plan->requests;
    struct served s = {.n = v->plan->n - v->plan->first, .span_s = r[v->plan->n - 1].arrival_s - r[v->plan->first].arrival_s};
    for (uint32_t i = v->plan->first; i < v->plan->n; i++) {
        const struct serve_record *x = &v->out->records[i];
        double each = tpot(&r[i], x);
        s.within += ttft(&r[i], x) <= c->ttft_limit_s && !(each > c->tpot_limit_s);
        s.tokens += r[i].output;
        s.prompts += r[i].prompt;
    }
    return s;
}

static void add_rates(struct kind_run *run, const struct plan *p, const struct serve_outcome *out,
                      const struct served *s)
{
    const struct serving_cfg *c = &run->file->scenario->serving;
    struct result *r = &run->result;
    struct arena *a = run->arena;
    double gpus = (double)p->gpus * (double)c->units, time_s = s->span_s > 0 ? s->span_s : NAN;
    double prefill_units = c->colocated ? (double)c->units : (double)c->prefill_units;
    double tp = (double)run->file->scenario->inference.tp;
    double prefill_gpus = prefill_units * (c->colocated ? p->gpus : p->prefill_gpus) / tp;
    gpus += c->colocated ? 0 : (double)p->prefill_gpus * (double)c->prefill_units;
    result_add_metric(r, a, "offered_rate", (s->n - 1) / time_s, DIM_RATIO,
                      "requests per second that came, after the warm-up", "requests / time between first and last");
    result_add_metric(r, a, "within_limits", s->within / s->n, DIM_RATIO,
                      "share of requests within ttft_limit and tpot_limit", "requests within / requests");
    result_add_metric(r, a, "goodput", s->within / s->n * (s->n - 1) / time_s, DIM_RATIO,
                      "requests per second within the limits", "within_limits * offered_rate");
    result_add_metric(r, a, "tokens_per_s", out->tokens / time_s, DIM_RATIO,
                      "generated between the end of the warm-up and the last arrival", "output tokens / time");
    result_add_metric(r, a, "tokens_per_s_gpu", out->tokens / time_s / gpus, DIM_RATIO, "of each GPU of the service",
                      "tokens_per_s / GPUs");
    result_add_metric(r, a, "prefill_busy", out->prefill_busy_s / time_s / prefill_units, DIM_RATIO,
                      "share of time that units prefill", "seconds of prefill / (units * time)");
    result_add_metric(r, a, "prefill_utilisation", out->prefill_work_s / time_s / prefill_gpus, DIM_RATIO,
                      "share of time that GPUs prefill tokens of their own; else they wait for the fullest of the unit",
                      "seconds of prefill * own tokens / tokens of the fullest, over GPUs and time");
    result_add_metric(r, a, "decode_busy", out->decode_busy_s / time_s / (double)c->units, DIM_RATIO,
                      "share of time that units decode", "seconds of decoding / (units * time)");
    result_add_metric(r, a, "batch_mean", out->batch_time / time_s / ((double)p->gpus * (double)c->units), DIM_RATIO,
                      "sequences of a decoding GPU, mean over time", "sequence seconds / (GPUs * time)");
    result_add_metric(r, a, "kv_peak", out->kv_peak_ratio, DIM_RATIO, "of the fullest GPU's cache, reserved",
                      "positions reserved / positions that fit");
}

/* Requests waiting on average, by Little's law: arrivals per second times the mean wait. */
static void add_queues(struct kind_run *run, const struct served *s, double prefill_wait_s, double decode_wait_s)
{
    double rate = s->span_s > 0 ? (s->n - 1) / s->span_s : NAN;
    result_add_metric(&run->result, run->arena, "prefill_queue", rate * prefill_wait_s, DIM_RATIO,
                      "requests that wait for their prefill, mean", "offered_rate * mean wait");
    result_add_metric(&run->result, run->arena, "decode_queue", rate * decode_wait_s, DIM_RATIO,
                      "prefilled requests that wait for a place or their cache, mean", "offered_rate * mean wait");
}

/* Waits at the end longer than in the middle: more comes than can be served. */
static void warn_of_overload(struct kind_run *run, const struct view *v)
{
    uint32_t n = v->plan->n - v->plan->first, third = n / 3;
    double middle = 0, last = 0, rest;
    if (third < 30)
        return;
    for (uint32_t i = 0; i < third; i++) {
        uint32_t a = v->plan->first + third + i, b = v->plan->first + 2 * third + i;
        middle += until_decoding(&v->plan->requests[a], &v->out->records[a]) / third;
        last += until_decoding(&v->plan->requests[b], &v->out->records[b]) / third;
    }
    rest = last / middle;
    if (rest > 1.25)
        result_add_note(&run->result, run->arena,
                        arena_printf(run->arena,
                                     "overload: requests of the last third wait %.2f times as long as those of the "
                                     "second: queues grow, and percentiles depend on how many requests there are",
                                     rest));
}

/* --- run -------------------------------------------------------------------------------------------------------------- */

static void report(struct kind_run *run, const struct plan *p, const struct serve_outcome *out)
{
    const struct serving_cfg *c = &run->file->scenario->serving;
    struct view v = {.plan = p, .out = out, .scratch = ARENA_ARRAY(run->arena, double, p->n)};
    struct result_table *t =
        result_add_table(&run->result, run->arena, "requests",
                         arena_printf(run->arena, "%u requests after %u of warm-up", p->n - p->first, p->first), columns,
                         N_COL, 5);
    struct served s = count_served(&v, c);
    add_times(t, &v, "time to first token", ttft);
    double prefill_wait_s = add_times(t, &v, "  of which waiting", prefill_wait);
    double decode_wait_s = add_times(t, &v, "from first token to decoding", decode_wait);
    add_times(t, &v, "time per further token", tpot);
    add_times(t, &v, "whole request", whole);
    add_percentiles(run, &v, "ttft", "time to the first token", ttft);
    add_percentiles(run, &v, "tpot", "mean time of a request's further tokens", tpot);
    add_rates(run, p, out, &s);
    add_queues(run, &s, prefill_wait_s, decode_wait_s);
    warn_of_overload(run, &v);
}

static const char *setting_of(const struct kind_run *run, const struct plan *p)
{
    const struct scenario *s = run->file->scenario;
    const char *ways = s->serving.chunked ? "chunked" : "whole";
    if (s->serving.colocated)
        return arena_printf(run->arena, "%s: %lld unit(s) of %u GPUs prefill and decode, %s prompts", s->llm.name,
                            (long long)s->serving.units, p->gpus, ways);
    return arena_printf(run->arena, "%s: %lld unit(s) of %u GPUs prefill (%s prompts), %lld of %u decode", s->llm.name,
                        (long long)s->serving.prefill_units, p->prefill_gpus, ways, (long long)s->serving.units,
                        p->gpus);
}

static int run_serving(struct kind_run *run, struct diag *diag)
{
    struct steps steps = {.tp = (double)run->file->scenario->inference.tp};
    struct serve_outcome out;
    struct plan p;
    if (make_plan(run->file, run->arena, &p, diag))
        return -1;
    run->result.kind = "serving";
    run->result.setting = setting_of(run, &p);
    progress_begin("simulating steps");
    if (serve_tables_make(run, &p.setup, &p.grid, &steps.tables, diag))
        return -1;
    struct serve_spec spec = spec_of(run, &p, &steps);
    serve_run(&spec, run->arena, &out);
    report(run, &p, &out);
    return 0;
}

const struct scenario_kind kind_serving = {
    .name = "serving",
    .doc = "a service request by request: TTFT, TPOT, goodput; prefill and decoding apart or together",
    .ref = "2.3.1",
    .reads = "llm inference expert_load serving",
    .check = check,
    .run = run_serving,
};
