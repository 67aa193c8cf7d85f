/* Interpolation in measured kernel times.
 *
 * Rows of the same kernel form a grid of two axes: what differs along them is the outer axis (groups, batch)
 * and the inner one (rows, length). What is interpolated is the logarithm of measured over roofline, linear in
 * the logarithms of the axes: the roofline carries steps of waves and changes of what limits, the ratio that is
 * left is smooth. First along the inner axis at the two outer values around the call, then between them.
 * Nothing is extrapolated: a call outside the rows, or of another shape, gets no answer. */
#include "hw/kernels/kernel_table.h"

#include <math.h>

#include "base/arena.h"
#include "hw/kernels/roofline.h"

static const double same_ratio = 1e-9;

static bool same(double a, double b)
{
    return fabs(a - b) <= same_ratio * fmax(fabs(a), fabs(b));
}

/* --- axes -------------------------------------------------------------------------------------------- */

static double mean_rows(const struct kernel_call *c)
{
    double sum = 0;
    for (uint32_t g = 0; g < n_groups(c); g++)
        sum += group_rows(c, g);
    return sum / n_groups(c);
}

static double outer_of(const struct kernel_call *c)
{
    switch (c->family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return n_groups(c);
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_ATTENTION_DECODE:
        return c->batch;
    default:
        return 1;
    }
}

static double inner_of(const struct kernel_call *c)
{
    switch (c->family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return mean_rows(c);
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_ATTENTION_DECODE:
        return kv_length(c);
    default:
        return c->read_B + c->written_B;
    }
}

/* Forward and backward: as many queries as keys, or the same number of keys before them, makes another grid. */
static bool same_attention(const struct kernel_call *a, const struct kernel_call *b)
{
    bool decode = a->family == KERNEL_ATTENTION_DECODE;
    bool queries = decode ? same(a->q_len, b->q_len) && same(a->kv_token_B, b->kv_token_B)
                          : same(a->q_len * kv_length(b), b->q_len * kv_length(a));
    return queries && same(a->heads, b->heads) && same(a->kv_heads, b->kv_heads) && same(a->qk_dim, b->qk_dim) &&
           same(a->v_dim, b->v_dim) && a->causal == b->causal && a->window == b->window;
}

static bool same_grid(const struct kernel_call *a, const struct kernel_call *b)
{
    if (a->family != b->family || a->dtype != b->dtype)
        return false;
    switch (a->family) {
    case KERNEL_GEMM:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return same(a->n, b->n) && same(a->k, b->k);
    case KERNEL_WGRAD:
        return same(a->m, b->m) && same(a->n, b->n);
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_ATTENTION_DECODE:
        return same_attention(a, b);
    default:
        return true;
    }
}

bool table_same_series(const struct kernel_call *a, const struct kernel_call *b)
{
    return same_grid(a, b) && same(outer_of(a), outer_of(b));
}

/* --- looking up --------------------------------------------------------------------------------------- */

struct search {
    const struct kernel_model *m;
    const struct kernel_call *call;
    uint32_t *usable, n; /* rows of the call's grid */
};

static void find_usable(struct search *s, uint32_t without)
{
    for (uint32_t i = 0; i < s->m->table.n_rows; i++)
        if (i != without && same_grid(&s->m->table.rows[i].call, s->call))
            s->usable[s->n++] = i;
}

/* The outer values next to the call's, from below and above; NAN where there is none. */
static void outer_around(const struct search *s, double *below, double *above)
{
    double wanted = outer_of(s->call);
    *below = *above = NAN;
    for (uint32_t i = 0; i < s->n; i++) {
        double at = outer_of(&s->m->table.rows[s->usable[i]].call);
        if (at <= wanted && !(at <= *below))
            *below = at;
        if (at >= wanted && !(at >= *above))
            *above = at;
    }
}

static double between(double wanted, double below, double above)
{
    return same(below, above) ? 0 : log(wanted / below) / log(above / below);
}

/* Along the inner axis at one outer value. */
static bool along_inner(const struct search *s, double outer, struct table_answer *out)
{
    const struct kernel_row *rows = s->m->table.rows;
    double wanted = inner_of(s->call);
    uint32_t below = UINT32_MAX, above = UINT32_MAX;
    for (uint32_t k = 0; k < s->n; k++) {
        uint32_t i = s->usable[k];
        if (!same(outer_of(&rows[i].call), outer))
            continue;
        double at = inner_of(&rows[i].call);
        if (at <= wanted && (below == UINT32_MAX || at > inner_of(&rows[below].call)))
            below = i;
        if (at >= wanted && (above == UINT32_MAX || at < inner_of(&rows[above].call)))
            above = i;
    }
    if (below == UINT32_MAX || above == UINT32_MAX)
        return false;
    double share = between(wanted, inner_of(&rows[below].call), inner_of(&rows[above].call));
    *out =
        (struct table_answer){.ratio = exp((1 - share) * log(s->m->ratios[below]) + share * log(s->m->ratios[above])),
                              .point = below == above,
                              .row = &rows[below]};
    return true;
}

/* A row fits when its groups do, too. */
static bool same_rows(const struct kernel_call *a, const struct kernel_call *b)
{
    if (n_groups(a) != n_groups(b))
        return false;
    for (uint32_t g = 0; g < n_groups(a); g++)
        if (!same(group_rows(a, g), group_rows(b, g)))
            return false;
    return true;
}

static bool look_up(struct search *s, uint32_t without, struct table_answer *out)
{
    struct table_answer low, high;
    double below, above;
    find_usable(s, without);
    outer_around(s, &below, &above);
    if (isnan(below) || isnan(above) || !along_inner(s, below, &low) || !along_inner(s, above, &high))
        return false;
    double share = between(outer_of(s->call), below, above);
    *out = low;
    out->ratio = exp((1 - share) * log(low.ratio) + share * log(high.ratio));
    out->point = low.point && same(below, above) && same_rows(s->call, &low.row->call);
    return true;
}

bool table_look_up(const struct kernel_model *m, const struct kernel_call *call, uint32_t without,
                   struct table_answer *out)
{
    struct arena *arena = arena_new(); /* tables may have any number of rows */
    struct search s = {m, call, ARENA_ARRAY(arena, uint32_t, m->table.n_rows + 1), 0};
    bool found = look_up(&s, without, out);
    arena_free(arena);
    return found;
}
