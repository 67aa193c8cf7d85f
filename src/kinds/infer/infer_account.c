/* Each rank's stream is followed through the program; a gap before an item belongs to
 * the exchange that the item waited for: up to the last posting on any rank it is
 * waiting for others, then for bytes (and, with them, for the CPU's launches).
 *
 * A program with fewer layers than the model stands for it: what is missing is taken to
 * be like the layers that are there, from the first dispatch of the first to that of
 * the last; where there are enough, without the first two, which are shorter. When the last layers took the same times on all ranks, item by item,
 * everything after them would do so, too: then the last alone is repeated, and the sum
 * is exact. */
#include "kinds/infer/infer_account.h"

#include <math.h>
#include <string.h>

#include "base/extremes.h"

/* Times are sums of some thousand terms. */
static const double same_ratio = 1e-9;

enum {
    FEWEST_LAYERS = 3, /* of which a scatter is taken */
    WARMING_UP = 2,    /* the first layers are shorter: all ranks begin together, and drift apart */
    ENOUGH_WITHOUT = 8 /* layers behind them, that they may be left out of a mean */
};

struct window { /* items from .. to - 1 */
    uint32_t from, to;
};

struct following {
    const struct infer_step *s;
    const struct infer_times *t;
    uint32_t n;
    double *posted; /* [program.n] POST: the last rank's posting */
    uint32_t *post[2][2];
};

/* The item that posts the first dispatch of a layer with experts. */
static uint32_t begins(const struct infer_program *p, uint32_t sparse)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->items[i].action == DO_POST && !p->items[i].combine && p->items[i].layer == p->sparse_layer[sparse])
            return i;
    BUG("no layer %u in the program", sparse);
}

/* --- ranks -------------------------------------------------------------------- */

/* An item in which a stream works. */
struct working {
    uint32_t item;
    bool is_tp, in_layer; /* in_layer: of those whose mean is taken */
    uint8_t stage;
    const struct infer_item *waited; /* what the stream waited for just before; NULL: nothing */
    double posted_s;                 /* by the last rank, of that */
};

static uint32_t find_working(const struct following *f, struct window layer, struct working *out)
{
    const struct infer_program *p = &f->s->program;
    const struct infer_item *waited = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct infer_item *it = &p->items[i];
        if (it->action == DO_WAIT)
            waited = it;
        if (it->action != DO_STAGE && it->action != DO_TP)
            continue;
        out[n++] = (struct working){
            .item = i,
            .is_tp = it->action == DO_TP,
            .in_layer = i >= layer.from && i < layer.to,
            .stage = it->stage,
            .waited = waited,
            .posted_s = !waited ? 0 : f->posted[f->post[waited->combine][waited->micro_batch][waited->layer]]};
        waited = NULL;
    }
    return n;
}

static inline void account_item(const struct working *w, double free_s, double start_s, double end_s,
                                struct infer_parts *sum)
{
    if (w->waited) {
        double waiting_s = smaller(larger(w->posted_s - free_s, 0), start_s - free_s);
        sum->waiting_s[w->waited->combine] += waiting_s;
        sum->exposed_s[w->waited->combine] += start_s - free_s - waiting_s;
    } else {
        sum->launch_s += start_s - free_s;
    }
    *(w->is_tp ? &sum->tp_s : &sum->stage_s[w->stage]) += end_s - start_s;
    sum->step_s += end_s - free_s;
}

/* Times of a few ranks beside each other: rows of all ranks are long. */
enum { ABREAST = 8 };

struct abreast {
    double start_s[ABREAST], end_s[ABREAST];
};

static void take_ranks(const struct following *f, const struct working *work, uint32_t n, uint32_t rank, uint32_t ranks,
                       struct abreast *out)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out[i].start_s, f->t->start_s[work[i].item] + rank, ranks * sizeof(double));
        memcpy(out[i].end_s, f->t->end_s[work[i].item] + rank, ranks * sizeof(double));
    }
}

static void scale(struct infer_parts *p, double by)
{
    for (int s = 0; s < N_STAGES; s++)
        p->stage_s[s] *= by;
    for (int c = 0; c < 2; c++) {
        p->exposed_s[c] *= by;
        p->waiting_s[c] *= by;
    }
    p->tp_s *= by;
    p->launch_s *= by;
    p->idle_s *= by;
    p->step_s *= by;
}

static void add(struct infer_parts *to, const struct infer_parts *p)
{
    for (int s = 0; s < N_STAGES; s++)
        to->stage_s[s] += p->stage_s[s];
    for (int c = 0; c < 2; c++) {
        to->exposed_s[c] += p->exposed_s[c];
        to->waiting_s[c] += p->waiting_s[c];
    }
    to->tp_s += p->tp_s;
    to->launch_s += p->launch_s;
    to->idle_s += p->idle_s;
    to->step_s += p->step_s;
}

/* Means over ranks of all items, and of those of the layers. */
static void mean_of_ranks(const struct following *f, struct window layer, struct arena *a, struct infer_parts *all,
                          struct infer_parts *of_layer)
{
    struct working *work = ARENA_ARRAY(a, struct working, f->s->program.n);
    struct abreast *times = ARENA_ARRAY(a, struct abreast, f->s->program.n);
    uint32_t n = find_working(f, layer, work);
    *all = *of_layer = (struct infer_parts){0};
    for (uint32_t r = 0; r < f->n; r++) {
        uint32_t k = r % ABREAST;
        double free_s = 0;
        if (!k)
            take_ranks(f, work, n, r, r + ABREAST < f->n ? ABREAST : f->n - r, times);
        for (uint32_t i = 0; i < n; i++) {
            double start_s = times[i].start_s[k], end_s = times[i].end_s[k];
            account_item(&work[i], free_s, start_s, end_s, all);
            if (work[i].in_layer)
                account_item(&work[i], free_s, start_s, end_s, of_layer);
            free_s = end_s;
        }
    }
    scale(all, 1.0 / f->n);
    scale(of_layer, 1.0 / f->n);
}

/* --- all of it ---------------------------------------------------------------- */

static void index_posts(struct following *f, struct arena *a)
{
    const struct infer_program *p = &f->s->program;
    f->posted = ARENA_ARRAY(a, double, p->n);
    for (int combine = 0; combine < 2; combine++)
        for (uint32_t mb = 0; mb < 2; mb++)
            f->post[combine][mb] = ARENA_ARRAY(a, uint32_t, (size_t)f->s->layout.model->layers);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct infer_item *it = &p->items[i];
        if (it->action != DO_POST)
            continue;
        f->post[it->combine][it->micro_batch][it->layer] = i;
        f->posted[i] = largest_of(f->t->start_s[i], f->n, 0);
    }
}

static void mean_exchanges(const struct following *f, double mean_s[2])
{
    double sum[2] = {0, 0}, n[2] = {0, 0};
    for (uint32_t i = 0; i < f->s->program.n; i++) {
        const struct infer_item *it = &f->s->program.items[i];
        if (it->action != DO_POST)
            continue;
        sum[it->combine] += largest_of(f->t->end_s[i], f->n, 0) - f->posted[i];
        n[it->combine]++;
    }
    for (int combine = 0; combine < 2; combine++)
        mean_s[combine] = n[combine] > 0 ? sum[combine] / n[combine] : 0;
}

/* The item behind the WAIT for an exchange. */
static uint32_t received_by(const struct infer_program *p, uint32_t post)
{
    const struct infer_item *sent = &p->items[post];
    for (uint32_t i = post + 1; i < p->n; i++) {
        const struct infer_item *it = &p->items[i];
        if (it->action == DO_WAIT && it->combine == sent->combine && it->micro_batch == sent->micro_batch &&
            it->layer == sent->layer)
            return i + 1;
    }
    BUG("item %u is never waited for", post);
}

/* Kernels with hooks: the sending one stands before the POST, the receiving one behind the WAIT. */
static void mean_spans(const struct following *f, double mean_s[2])
{
    double n[2] = {0, 0};
    mean_s[0] = mean_s[1] = 0;
    for (uint32_t i = 0; i < f->s->program.n && f->s->layout.hooks; i++) {
        const struct infer_item *it = &f->s->program.items[i];
        if (it->action != DO_POST)
            continue;
        uint32_t receives = received_by(&f->s->program, i);
        for (uint32_t r = 0; r < f->n; r++)
            mean_s[it->combine] += f->t->end_s[receives][r] - f->t->start_s[i - 1][r];
        n[it->combine] += f->n;
    }
    for (int combine = 0; combine < 2; combine++)
        mean_s[combine] /= fmax(n[combine], 1);
}

/* Whether every item of the last but one period happened once more, one period later. */
static bool is_periodic(const struct following *f)
{
    const struct infer_program *p = &f->s->program;
    if (p->sparse < 2 * p->period + 2)
        return false;
    uint32_t last = p->sparse - 1 - p->period, from = begins(p, last - p->period), to = begins(p, last);
    uint32_t length = to - from;
    double period_s = f->t->start_s[to][0] - f->t->start_s[from][0];
    for (uint32_t i = from; i < to; i++)
        for (uint32_t r = 0; r < f->n && p->items[i].action != DO_WAIT; r++) {
            double moved_s = f->t->end_s[i + length][r] - f->t->end_s[i][r];
            if (fabs(moved_s - period_s) > same_ratio * period_s)
                return false;
        }
    return true;
}

/* When the first dispatch of a layer is posted, mean of ranks. */
static double mean_begin_s(const struct following *f, uint32_t sparse)
{
    uint32_t item = begins(&f->s->program, sparse);
    double sum_s = 0;
    for (uint32_t r = 0; r < f->n; r++)
        sum_s += f->t->start_s[item][r];
    return sum_s / f->n;
}

/* What the layers from `first` to before `last` differ from their mean, squared and summed. */
static double squares_s2(const struct following *f, uint32_t first, uint32_t last)
{
    double n = last - first, sum_s = 0, squares = 0, before_s;
    if (last < first + FEWEST_LAYERS || f->s->program.period > 1)
        return NAN;
    before_s = mean_begin_s(f, first);
    for (uint32_t i = first + 1; i <= last; i++) {
        double begin_s = mean_begin_s(f, i), length_s = begin_s - before_s;
        sum_s += length_s;
        squares += length_s * length_s;
        before_s = begin_s;
    }
    return fmax(0, squares - sum_s * sum_s / n);
}

/* How far the time of `missing` layers may be from as many means: both are sums of draws. One standard deviation; 0: the
 * layers that are there are too few to tell, or of several kinds. */
static double missing_error_s(const struct infer_account *a, uint32_t missing)
{
    if (isnan(a->squares_s2))
        return 0;
    double variance = a->squares_s2 / (a->n_layers - 1);
    return sqrt(variance * (missing + missing * (double)missing / a->n_layers));
}

static void add_idle(const struct following *f, struct infer_parts *total)
{
    double last_s = 0;
    for (uint32_t i = 0; i < f->s->program.n; i++)
        last_s = largest_of(f->t->end_s[i], f->n, last_s);
    total->idle_s = last_s - total->step_s;
    if (fabs(total->idle_s) < same_ratio * last_s) /* what summing leaves */
        total->idle_s = 0;
    total->step_s = last_s;
}

static void add_layers(struct infer_account *a, const struct infer_parts *layer, uint32_t n)
{
    struct infer_parts more = *layer;
    scale(&more, n);
    add(&a->total, &more);
}

void infer_account_extend(struct infer_account *a, uint32_t missing)
{
    a->extrapolated = missing > 0;
    if (missing && !a->periodic)
        a->missing_error_s = missing_error_s(a, missing);
    add_layers(a, &a->layer, missing);
}

/* All of the run, and as the mean layer those from `first` to before `last`. */
static void take(const struct following *f, uint32_t first, uint32_t last, struct arena *a, struct infer_account *out)
{
    const struct infer_program *p = &f->s->program;
    struct window layers = {0, 0};
    if (last > first)
        layers = (struct window){begins(p, first), begins(p, last)};
    mean_of_ranks(f, layers, a, &out->total, &out->layer);
    add_idle(f, &out->total);
    mean_exchanges(f, out->exchange_s);
    mean_spans(f, out->span_s);
    out->squares_s2 = NAN;
    if (last <= first)
        return;
    out->n_layers = last - first;
    scale(&out->layer, 1.0 / out->n_layers);
    out->squares_s2 = squares_s2(f, first, last);
}

void infer_account(const struct infer_step *s, const struct infer_times *t, struct infer_account *out)
{
    struct arena *a = arena_new();
    struct following f = {.s = s, .t = t, .n = s->layout.ranks};
    const struct infer_program *p = &s->program;
    uint32_t missing = s->sparse_layers - p->sparse;
    index_posts(&f, a);
    *out = (struct infer_account){.periodic = is_periodic(&f)};
    uint32_t last = !p->sparse ? 0 : out->periodic ? p->sparse - 1 - p->period : p->sparse - 1;
    uint32_t first = out->periodic ? last - p->period : last % p->period;
    if (missing && !out->periodic && p->period == 1 && last >= WARMING_UP + ENOUGH_WITHOUT)
        first = WARMING_UP;
    take(&f, first, last, a, out);
    infer_account_extend(out, missing);
    arena_free(a);
}

void infer_account_run(const struct infer_step *s, const struct infer_times *t, uint32_t warming_up,
                       struct infer_account *out)
{
    struct arena *a = arena_new();
    struct following f = {.s = s, .t = t, .n = s->layout.ranks};
    index_posts(&f, a);
    *out = (struct infer_account){0};
    take(&f, warming_up, s->program.sparse - 1, a, out);
    arena_free(a);
}

/* --- several runs ------------------------------------------------------------- */

/* The mean of all, and what they differ from it (Chan, Golub and LeVeque, 1979). */
static void pool(struct infer_account *to, const struct infer_account *a)
{
    double n = to->n_layers, m = a->n_layers, apart_s = a->layer.step_s - to->layer.step_s;
    struct infer_parts more = a->layer;
    scale(&to->layer, n / (n + m));
    scale(&more, m / (n + m));
    add(&to->layer, &more);
    to->squares_s2 += a->squares_s2 + apart_s * apart_s * n * m / (n + m);
    to->n_layers += a->n_layers;
    for (int combine = 0; combine < 2; combine++) {
        to->exchange_s[combine] = (n * to->exchange_s[combine] + m * a->exchange_s[combine]) / (n + m);
        to->span_s[combine] = (n * to->span_s[combine] + m * a->span_s[combine]) / (n + m);
    }
}

void infer_account_add(struct infer_account *to, const struct infer_account *run)
{
    add_layers(to, &run->layer, run->n_layers);
    pool(to, run);
}
