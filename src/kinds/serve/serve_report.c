/* Statistics are of the requests after the warm-up; rates and shares of time are of the time between the first of
 * them and the last arrival, while the service is under its load. */
#include "kinds/serve/serve_report.h"

#include <math.h>

#include "base/stats.h"
#include "kinds/result_build.h"
#include "kinds/serve/serving_cfg.h"

/* --- times of requests ------------------------------------------------------------------------------------------------------ */

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
    const struct serve_plan *plan;
    const struct serve_outcome *out;
    double *scratch;
};

typedef double request_time(const struct request *r, const struct serve_record *x);

static double ttft(const struct request *r, const struct serve_record *x)
{
    return x->first_token_s - r->arrival_s;
}
static double prefill_wait(const struct request *r, const struct serve_record *x)
{
    return x->prefill_s - r->arrival_s;
}
static double whole(const struct request *r, const struct serve_record *x)
{
    return x->end_s - r->arrival_s;
}
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

static void add_times(struct result_table *t, const struct view *v, const char *what, request_time *of)
{
    struct result_cell *row = result_add_row(t);
    uint32_t n = collect(v, of);
    row[COL_WHAT].text = what;
    if (!n)
        return;
    struct stats s = stats_of(v->scratch, n);
    row[COL_MEAN].value = s.mean;
    row[COL_P50].value = s.median;
    row[COL_P90].value = stats_quantile(v->scratch, n, 0.90);
    row[COL_P99].value = stats_quantile(v->scratch, n, 0.99);
    row[COL_MOST].value = s.max;
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

/* --- percentiles and how sure they are --------------------------------------------------------------------------------- */

enum { PARTS = 10, LEAST_OF_PART = 30 };
enum { COL_OF, COL_QUANTILE, COL_VALUE, COL_LOW, COL_HIGH, N_PCOL };
static const struct result_column percentile_columns[N_PCOL] = {
    {"of", DIM_COUNT, "what of a request", true},
    {"quantile", DIM_RATIO, "", false},
    {"value", DIM_TIME, "", false},
    {"low", DIM_TIME, "95 % interval: that of the mean of the quantiles of ten parts, one behind the other", false},
    {"high", DIM_TIME, "", false},
};

/* Requests beside each other wait together: parts of the time stand for independent samples, single requests do not. */
static void add_interval(struct result_table *t, const struct view *v, const char *what, double q, request_time *of)
{
    uint32_t n = collect(v, of), each = n / PARTS;
    double part[PARTS];
    struct result_cell *row = n ? result_add_row(t) : NULL;
    if (!row)
        return;
    row[COL_OF].text = what;
    row[COL_QUANTILE].value = q;
    row[COL_VALUE].value = stats_quantile(v->scratch, n, q);
    if (each < LEAST_OF_PART)
        return;
    for (uint32_t i = 0; i < PARTS; i++)
        part[i] = stats_quantile(v->scratch + (size_t)i * each, each, q);
    struct stats s = stats_of(part, PARTS);
    row[COL_LOW].value = fmax(0, row[COL_VALUE].value - stats_ci95(&s));
    row[COL_HIGH].value = row[COL_VALUE].value + stats_ci95(&s);
}

static void add_intervals(struct kind_run *run, const struct view *v)
{
    static const double q[] = {0.5, 0.9, 0.99};
    struct result_table *t = result_add_table(&run->result, run->arena, "percentiles", "with their 95 % intervals",
                                              percentile_columns, N_PCOL, 6);
    for (int i = 0; i < 3; i++)
        add_interval(t, v, "time to first token", q[i], ttft);
    for (int i = 0; i < 3; i++)
        add_interval(t, v, "time per further token", q[i], tpot);
}

/* --- requests of a file --------------------------------------------------------------------------------------------- */

static void add_prefixes(struct kind_run *run, const struct serve_plan *p)
{
    double found = 0, all = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        found += p->requests[i].cached;
        all += p->requests[i].prompt;
    }
    struct result_metric *m = result_add_metric(
        &run->result, run->arena, "prefix_hits", (double)p->block_hits / (double)p->blocks, DIM_RATIO,
        "share of prompts' blocks found in the cache of prefixes, all requests", "blocks found / blocks");
    result_add_input(m, run->arena, "blocks", (double)p->blocks, DIM_COUNT, "the file");
    result_add_input(m, run->arena, "blocks found", (double)p->block_hits, DIM_COUNT, "this run");
    result_add_metric(&run->result, run->arena, "prefix_tokens", found / all, DIM_RATIO,
                      "share of prompts' tokens that were not computed again", "tokens found / tokens");
    result_add_metric(&run->result, run->arena, "prefix_evicted", p->evicted, DIM_COUNT,
                      "blocks that the cache of prefixes forgot for want of room", NULL);
}

static void note_file(struct kind_run *run, const struct serve_plan *p)
{
    const struct serving_cfg *c = serving_cfg(run->file->scenario);
    struct arena *a = run->arena;
    if (!p->format)
        return;
    result_add_note(&run->result, a,
                    arena_printf(a, "requests: %u of '%s' (%s), prompts of %u tokens at most%s", p->n, c->requests.file,
                                 p->format, p->longest_prompt,
                                 c->requests.rate_factor != 1
                                     ? arena_printf(a, "; they come %g times as fast as there", c->requests.rate_factor)
                                     : ""));
    if (p->rows.left_out)
        result_add_note(&run->result, a,
                        arena_printf(a, "requests: %u without tokens were left out", p->rows.left_out));
    if (p->rows.block_tokens && c->prefix_cache == PREFIX_OFF)
        result_add_note(&run->result, a,
                        "requests: the file's hashes of blocks were not used; serving.prefix_cache does");
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
    struct served s = {.n = v->plan->n - v->plan->first,
                       .span_s = r[v->plan->n - 1].arrival_s - r[v->plan->first].arrival_s};
    for (uint32_t i = v->plan->first; i < v->plan->n; i++) {
        const struct serve_record *x = &v->out->records[i];
        double each = tpot(&r[i], x);
        s.within += ttft(&r[i], x) <= c->ttft_limit_s && !(each > c->tpot_limit_s);
        s.tokens += r[i].output;
        s.prompts += r[i].prompt;
    }
    return s;
}

static void add_rates(struct kind_run *run, const struct serve_plan *p, const struct serve_outcome *out,
                      const struct served *s)
{
    const struct serving_cfg *c = serving_cfg(run->file->scenario);
    struct result *r = &run->result;
    struct arena *a = run->arena;
    double gpus = (double)p->gpus * (double)c->units, time_s = s->span_s > 0 ? s->span_s : NAN;
    double prefill_units = c->colocated ? (double)c->units : (double)c->prefill_units;
    double tp = (double)infer_cfg(run->file->scenario)->tp;
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

/* The part of from .. to that lies in the time that is counted, between the first and the last counted arrival. */
static double counted_s(const struct view *v, double from_s, double to_s)
{
    const struct request *r = v->plan->requests;
    double part_s = fmin(to_s, r[v->plan->n - 1].arrival_s) - fmax(from_s, r[v->plan->first].arrival_s);
    return part_s > 0 ? part_s : 0;
}

/* Requests waiting, mean over time: those of the warm-up, too, as long as they wait. */
static void add_queues(struct kind_run *run, const struct view *v, const struct served *s)
{
    double prefill_s = 0, decode_s = 0, span_s = s->span_s > 0 ? s->span_s : NAN;
    for (uint32_t i = 0; i < v->plan->n; i++) {
        const struct serve_record *x = &v->out->records[i];
        prefill_s += counted_s(v, v->plan->requests[i].arrival_s, x->prefill_s);
        if (v->plan->requests[i].output > 1)
            decode_s += counted_s(v, x->first_token_s, x->joined_s);
    }
    result_add_metric(&run->result, run->arena, "prefill_queue", prefill_s / span_s, DIM_RATIO,
                      "requests that wait for their prefill, mean over time", "seconds of waiting / time");
    result_add_metric(&run->result, run->arena, "decode_queue", decode_s / span_s, DIM_RATIO,
                      "prefilled requests that wait for a place or their cache, mean over time",
                      "seconds of waiting / time");
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

void serve_report(struct kind_run *run, const struct serve_plan *p, const struct serve_outcome *out)
{
    const struct serving_cfg *c = serving_cfg(run->file->scenario);
    struct view v = {.plan = p, .out = out, .scratch = ARENA_ARRAY(run->arena, double, p->n)};
    struct result_table *t = result_add_table(
        &run->result, run->arena, "requests",
        arena_printf(run->arena, "%u requests after %u of warm-up", p->n - p->first, p->first), columns, N_COL, 5);
    struct served s = count_served(&v, c);
    add_times(t, &v, "time to first token", ttft);
    add_times(t, &v, "  of which waiting", prefill_wait);
    add_times(t, &v, "from first token to decoding", decode_wait);
    add_times(t, &v, "time per further token", tpot);
    add_times(t, &v, "whole request", whole);
    add_percentiles(run, &v, "ttft", "time to the first token", ttft);
    add_percentiles(run, &v, "tpot", "mean time of a request's further tokens", tpot);
    add_rates(run, p, out, &s);
    add_queues(run, &v, &s);
    if (p->blocks)
        add_prefixes(run, p);
    add_intervals(run, &v);
    note_file(run, p);
    warn_of_overload(run, &v);
}
