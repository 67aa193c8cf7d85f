#include "kinds/serve/serve_times.h"

#include <math.h>
#include <stdlib.h>

#include "base/shared_cache.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/infer/spec_step.h"
#include "kinds/serve/serving_cfg.h"

/* --- lists ------------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Ascending, each once. */
static int read_list(const struct scenario_file *file, const char *key, const char *text, struct arena *arena,
                     uint32_t **out, uint32_t *n, struct diag *diag)
{
    uint32_t kept = 0;
    if (list_counts(file, key, text, arena, out, n, diag))
        return -1;
    if (!*n) {
        REPORT(key, "an empty list; give the points at which steps are simulated");
        return -1;
    }
    qsort(*out, *n, sizeof **out, ascending);
    for (uint32_t i = 0; i < *n; i++)
        if (!kept || (*out)[i] != (*out)[kept - 1])
            (*out)[kept++] = (*out)[i];
    *n = kept;
    return 0;
}

int serve_grid_read(const struct scenario_file *file, struct arena *arena, struct serve_grid *out, struct diag *diag)
{
    const struct serving_grid *g = &serving_cfg(file->scenario)->grid;
    *out = (struct serve_grid){0};
    return read_list(file, "serving.grid.batch", g->batch, arena, &out->batch, &out->n_batch, diag) ||
                   read_list(file, "serving.grid.context", g->context, arena, &out->context, &out->n_context, diag) ||
                   read_list(file, "serving.grid.tokens", g->tokens, arena, &out->tokens, &out->n_tokens, diag) ||
                   read_list(file, "serving.grid.prompt", g->prompt, arena, &out->prompt, &out->n_prompt, diag) ||
                   (*g->before &&
                    read_list(file, "serving.grid.before", g->before, arena, &out->before, &out->n_before, diag))
               ? -1
               : 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void decode_case(const struct infer_setup *setup, int64_t batch, int64_t context, struct infer_case *c)
{
    infer_case_of(setup, false, c);
    c->cfg.decode.batch = batch;
    c->cfg.decode.context = context;
}

double serve_kv_capacity(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena)
{
    struct infer_case c;
    int64_t batch = g->batch[0], context = g->context[0];
    decode_case(setup, batch, context, &c);
    struct infer_memory m = infer_case_memory(&c, arena);
    double position_B = m.kv_B / ((double)batch * (double)(context + 1 + c.cfg.decode.extra_tokens));
    return floor((m.capacity_B - (m.total_B - m.kv_B)) / position_B);
}

static bool fits(const struct infer_setup *setup, int64_t batch, int64_t context, struct arena *arena)
{
    struct infer_case c;
    decode_case(setup, batch, context, &c);
    struct infer_memory m = infer_case_memory(&c, arena);
    return m.total_B <= m.capacity_B;
}

/* --- check -------------------------------------------------------------------------------------------------------- */

/* New positions that are whole prompts for a TP group, as near to `tokens` of a GPU as they come, and even. */
static int64_t whole_prompts(const struct scenario *s, int64_t tokens, int64_t prompt)
{
    double cached = round((double)prompt * infer_cfg(s)->prefill.cached_ratio);
    int64_t fresh = (int64_t)fmax((double)prompt - cached, 1), tp = infer_cfg(s)->tp;
    int64_t prompts = (int64_t)fmax(1, round((double)(tokens * tp) / (double)fresh));
    while ((prompts * fresh) % (2 * tp))
        prompts++;
    return prompts * fresh / tp;
}

/* The new positions, ascending, at which steps with prompts of that length are simulated: two at least, since a
 * chunk of a long prompt takes less than the whole. tokens[n_tokens + 1]. */
static uint32_t prefill_points(const struct scenario *s, const struct serve_grid *g, int64_t prompt, int64_t *tokens)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_tokens; i++) {
        int64_t next = whole_prompts(s, g->tokens[i], prompt);
        if (!n || next > tokens[n - 1])
            tokens[n++] = next;
    }
    if (n == 1)
        tokens[n++] = whole_prompts(s, 2 * tokens[0], prompt);
    return n;
}

/* Without the caches that leave meanwhile: the service moves them itself (kinds/serve/serve.c), and beside what a token
 * costs in exchanges, 58 times 3 copies or so, its 70 KB of cache do not show. */
static void prefill_case(const struct infer_setup *setup, int64_t tokens, int64_t prompt, struct infer_case *c)
{
    infer_case_of(setup, true, c);
    c->kv = (struct infer_kv){0};
    c->account_alone = true;
    c->cfg.simulate_layers = infer_cfg(setup->file->scenario)->simulate_layers;
    c->cfg.prefill.tokens = tokens;
    c->cfg.prefill.prompt = prompt;
}

/* A chunk of so many new positions of each GPU, of one sequence of a tensor-parallel group. */
static void chunk_case(const struct infer_setup *setup, int64_t tokens, int64_t before, struct infer_case *c)
{
    double fresh = (double)(tokens * infer_cfg(setup->file->scenario)->tp);
    prefill_case(setup, tokens, before + (int64_t)fresh, c);
    c->cfg.prefill.cached_ratio = (double)before / ((double)before + fresh);
}

static int check_prefill(const struct infer_setup *setup, const struct serve_grid *g, int64_t prompt,
                         struct arena *arena, struct diag *diag)
{
    struct infer_case c;
    int64_t *tokens = ARENA_ARRAY(arena, int64_t, g->n_tokens + 1);
    uint32_t n = prefill_points(setup->file->scenario, g, prompt, tokens);
    prefill_case(setup, tokens[n - 1], prompt, &c);
    return infer_case_check(&c, arena, diag);
}

static bool goes_whole(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena)
{
    struct diag *quiet = diag_new();
    bool fits_all = !check_prefill(setup, g, g->prompt[g->n_prompt - 1], arena, quiet);
    diag_free(quiet);
    return fits_all;
}

/* What else is wrong with a chunk as it would be with a whole prompt is said of the prompt. */
static bool goes_in_chunks(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena)
{
    struct infer_case c;
    struct diag *quiet = diag_new();
    chunk_case(setup, g->tokens[g->n_tokens - 1], g->before[g->n_before - 1], &c);
    bool fits_all = !infer_case_check(&c, arena, quiet);
    diag_free(quiet);
    return fits_all;
}

void serve_grid_cut(const struct infer_setup *setup, struct serve_grid *g, struct arena *arena)
{
    struct serve_grid cut = *g;
    if (g->n_before || !serving_cfg(setup->file->scenario)->chunked || goes_whole(setup, g, arena))
        return;
    cut.is_cut = true;
    cut.before = ARENA_ARRAY(arena, uint32_t, g->n_prompt + 1);
    cut.before[cut.n_before++] = 0;
    for (uint32_t i = 0; i < g->n_prompt; i++)
        cut.before[cut.n_before++] = g->prompt[i];
    if (goes_in_chunks(setup, &cut, arena))
        *g = cut;
}

int serve_grid_check(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena,
                     struct diag *diag)
{
    const struct scenario_file *file = setup->file;
    int failed = 0;
    diag_default_place(diag, scenario_place(file, "serving.grid.batch"));
    for (uint32_t i = 0; i < g->n_batch && !failed; i++) {
        struct infer_case c;
        decode_case(setup, g->batch[i], g->context[0], &c);
        failed = infer_case_check(&c, arena, diag);
    }
    diag_default_place(diag, scenario_place(file, g->n_before ? "serving.grid.tokens" : "serving.grid.prompt"));
    for (uint32_t i = 0; i < g->n_prompt && !failed && !g->n_before; i++)
        failed = check_prefill(setup, g, g->prompt[i], arena, diag);
    for (uint32_t i = 0; i < g->n_before * g->n_tokens && !failed; i++) {
        struct infer_case c;
        chunk_case(setup, g->tokens[i % g->n_tokens], g->before[i / g->n_tokens], &c);
        failed = infer_case_check(&c, arena, diag);
    }
    diag_default_place(diag, SRCLOC_NONE);
    return failed;
}

/* --- points ------------------------------------------------------------------------------------------------------- */

enum { COL_STEP, COL_SIZE, COL_LENGTH, COL_TIME, COL_RATE, N_COL };
static const struct result_column columns[N_COL] = {
    {"step", DIM_COUNT, "prefill (or a chunk of it) or decode", true},
    {"size", DIM_COUNT, "new positions of a GPU, or sequences of a GPU", false},
    {"length", DIM_COUNT, "positions of a prompt (of a chunk: before it), or in the cache of a sequence", false},
    {"time", DIM_TIME, "of the step, as simulated", false},
    {"tokens_per_s", DIM_RATIO, "of a GPU", false},
};

static void note_point(struct result_table *t, const char *step, double size, double length, double time_s,
                       double tokens)
{
    struct result_cell *row = result_add_row(t);
    row[COL_STEP].text = step;
    row[COL_SIZE].value = size;
    row[COL_LENGTH].value = length;
    row[COL_TIME].value = time_s;
    row[COL_RATE].value = tokens / time_s;
}

static int add_prefill(struct kind_run *run, const struct infer_setup *setup, const struct serve_grid *g,
                       struct result_table *t, struct step_table *out, struct diag *diag)
{
    const struct scenario *s = run->file->scenario;
    int64_t *tokens = ARENA_ARRAY(run->arena, int64_t, g->n_tokens + 1);
    for (uint32_t p = 0; p < g->n_prompt; p++) {
        uint32_t n = prefill_points(s, g, g->prompt[p], tokens);
        for (uint32_t i = 0; i < n; i++) {
            struct infer_outcome o;
            struct infer_case c;
            prefill_case(setup, tokens[i], g->prompt[p], &c);
            if (infer_case_check(&c, run->arena, diag) || infer_case_run(run, &c, &o, diag))
                return -1;
            step_table_add(out, (double)tokens[i], g->prompt[p], o.step_s);
            note_point(t, "prefill", (double)tokens[i], g->prompt[p], o.step_s, (double)tokens[i]);
        }
    }
    return 0;
}

/* Rows by what is before, points by new positions. */
static int add_chunks(struct kind_run *run, const struct infer_setup *setup, const struct serve_grid *g,
                      struct result_table *t, struct step_table *out, struct diag *diag)
{
    for (uint32_t b = 0; b < g->n_before; b++)
        for (uint32_t i = 0; i < g->n_tokens; i++) {
            struct infer_outcome o;
            struct infer_case c;
            chunk_case(setup, g->tokens[i], g->before[b], &c);
            if (infer_case_check(&c, run->arena, diag) || infer_case_run(run, &c, &o, diag))
                return -1;
            step_table_add(out, g->tokens[i], g->before[b], o.step_s);
            note_point(t, "chunk", g->tokens[i], g->before[b], o.step_s, g->tokens[i]);
        }
    return 0;
}

/* With predicted tokens: the verifying step and the modules that predict. */
static int decode_time(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context,
                       bool closed_form, double *time_s, struct diag *diag)
{
    int64_t extra = infer_cfg(run->file->scenario)->decode.extra_tokens;
    struct spec_plain plain;
    struct spec_step step;
    if (spec_plain(run, setup, batch, context, closed_form, &plain, diag) ||
        spec_step(run, setup, &plain, extra, &step, diag))
        return -1;
    *time_s = step.verify_s + step.draft_s;
    return 0;
}

/* --- points that need no simulation ------------------------------------------------------------------------------- */

/* Points of decoding. Exchanges hide the better behind what computes, the fewer sequences there are and the longer their
 * contexts: what simulation adds to the closed form is no more than at a point with as many sequences or more, and contexts as
 * long or shorter. Half of that is added. */
struct decode_point {
    double time_s; /* NaN: does not fit */
    double excess; /* of what is simulated over the closed form, as a share of it; NaN: was not simulated */
    bool is_reckoned;
};

struct reckoning {
    struct kind_run *run;
    const struct infer_setup *setup;
    const struct serve_grid *g;
    struct decode_point *points; /* [n_batch][n_context] */
    uint32_t n_reckoned, n, n_checked;
    double largest_excess, largest_error; /* of those that were reckoned; of those of them that were simulated, too */
};

static struct decode_point *point_at(const struct reckoning *r, uint32_t batch, uint32_t context)
{
    return &r->points[(size_t)batch * r->g->n_context + context];
}

static int time_point(const struct reckoning *r, uint32_t b, uint32_t i, bool closed_form, double *time_s,
                      struct diag *diag)
{
    return decode_time(r->run, r->setup, r->g->batch[b], r->g->context[i], closed_form, time_s, diag);
}

/* What is only compared is no part of the result. */
static int time_aside(const struct reckoning *r, uint32_t b, uint32_t i, bool closed_form, double *time_s,
                      struct diag *diag)
{
    struct kernel_origins *origins = r->run->origins;
    r->run->origins = NULL;
    int failed = time_point(r, b, i, closed_form, time_s, diag);
    r->run->origins = origins;
    return failed;
}

/* The least that is known to be no less than the point's own; infinite: nothing is. */
static double excess_above(const struct reckoning *r, uint32_t batch, uint32_t context)
{
    double least = INFINITY;
    for (uint32_t b = batch; b < r->g->n_batch; b++)
        for (uint32_t i = 0; i <= context; i++)
            least = isnan(point_at(r, b, i)->excess) ? least : fmin(least, point_at(r, b, i)->excess);
    return least;
}

static int find_point(struct reckoning *r, uint32_t b, uint32_t i, double tolerance, struct diag *diag)
{
    struct decode_point *p = point_at(r, b, i);
    double excess = tolerance > 0 ? excess_above(r, b, i) : INFINITY, bound_s;
    r->n++;
    if (excess <= 2 * tolerance) {
        p->is_reckoned = true;
        r->n_reckoned++;
        r->largest_excess = fmax(r->largest_excess, excess);
        if (time_point(r, b, i, true, &bound_s, diag))
            return -1;
        p->time_s = bound_s * (1 + excess / 2);
        return 0;
    }
    if (time_point(r, b, i, false, &p->time_s, diag) || (tolerance > 0 && time_aside(r, b, i, true, &bound_s, diag)))
        return -1;
    if (tolerance > 0)
        p->excess = fmax(0, p->time_s / bound_s - 1);
    return 0;
}

static int check_point(struct reckoning *r, uint32_t b, uint32_t i, struct diag *diag)
{
    double time_s;
    if (time_aside(r, b, i, false, &time_s, diag))
        return -1;
    r->largest_error = fmax(r->largest_error, fabs(point_at(r, b, i)->time_s / time_s - 1));
    r->n_checked++;
    return 0;
}

/* The first of those that were reckoned, which has the fewest sequences and is the quickest to simulate; with sim.checked all. */
static int check_points(struct reckoning *r, struct diag *diag)
{
    for (uint32_t b = 0; b < r->g->n_batch; b++)
        for (uint32_t i = 0; i < r->g->n_context; i++)
            if (point_at(r, b, i)->is_reckoned && (!r->n_checked || r->run->file->scenario->sim.checked) &&
                check_point(r, b, i, diag))
                return -1;
    return 0;
}

/* Those with the most sequences first, where they tell of the others. */
static int find_points(struct reckoning *r, struct diag *diag)
{
    const struct serve_grid *g = r->g;
    double tolerance = serving_cfg(r->run->file->scenario)->grid.tolerance_ratio;
    r->points = ARENA_ARRAY(r->run->arena, struct decode_point, (size_t)g->n_batch * g->n_context);
    for (uint32_t k = 0; k < g->n_batch * g->n_context; k++)
        r->points[k] = (struct decode_point){.time_s = NAN, .excess = NAN};
    if (tolerance > 0)
        shared_cache_begin(); /* contexts of a batch draw the same tokens (kinds/infer/infer_amounts.h) */
    for (uint32_t k = 0; k < g->n_batch; k++)
        for (uint32_t i = 0, b = tolerance > 0 ? g->n_batch - 1 - k : k; i < g->n_context; i++)
            if ((!i || fits(r->setup, g->batch[b], g->context[i], r->run->arena)) &&
                find_point(r, b, i, tolerance, diag))
                return -1;
    return check_points(r, diag);
}

static void note_reckoned(const struct reckoning *r)
{
    struct arena *a = r->run->arena;
    if (!r->n_reckoned)
        return;
    result_add_note(
        &r->run->result, a,
        arena_printf(a,
                     "steps of decoding: %u of %u points are simulated; the others are the closed form's and half of "
                     "what simulation adds to it with more sequences and shorter contexts, which is %.2g %% at most "
                     "(serving.grid.tolerance); %u of them, simulated to compare, %s %.2g %% off%s",
                     r->n - r->n_reckoned, r->n, 100 * r->largest_excess, r->n_checked,
                     r->n_checked == 1 ? "is" : "are at most", 100 * r->largest_error,
                     r->n_checked < r->n_reckoned ? " (sim.checked: all)" : ""));
}

static int add_decode(struct kind_run *run, const struct infer_setup *setup, const struct serve_grid *g,
                      struct result_table *t, struct step_table *out, struct diag *diag)
{
    struct reckoning r = {.run = run, .setup = setup, .g = g};
    if (find_points(&r, diag))
        return -1;
    for (uint32_t b = 0; b < g->n_batch; b++)
        for (uint32_t i = 0; i < g->n_context; i++) {
            const struct decode_point *p = point_at(&r, b, i);
            if (isnan(p->time_s))
                continue;
            step_table_add(out, g->context[i], g->batch[b], p->time_s);
            note_point(t, p->is_reckoned ? "decode, reckoned" : "decode", g->batch[b], g->context[i], p->time_s,
                       g->batch[b]);
        }
    note_reckoned(&r);
    return 0;
}

int serve_tables_make(struct kind_run *run, const struct infer_setup *setup, const struct serve_grid *g,
                      struct serve_tables *out, struct diag *diag)
{
    uint32_t lengths = g->n_before ? g->n_before : g->n_prompt;
    struct result_table *t = result_add_table(&run->result, run->arena, "steps", "points that were simulated", columns,
                                              N_COL, g->n_batch * g->n_context + lengths * (g->n_tokens + 1));
    if (g->is_cut)
        result_add_note(&run->result, run->arena,
                        "prompts of serving.grid.prompt do not all fit whole beside each other: steps of prefill are "
                        "chunks of serving.grid.tokens behind so many positions (serving.grid.before)");
    step_table_init(&out->prefill, lengths, g->n_tokens + 1, run->arena);
    step_table_init(&out->decode, g->n_batch, g->n_context, run->arena);
    if ((g->n_before ? add_chunks : add_prefill)(run, setup, g, t, &out->prefill, diag))
        return -1;
    return add_decode(run, setup, g, t, &out->decode, diag);
}
