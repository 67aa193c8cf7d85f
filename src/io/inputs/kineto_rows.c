/* Which kernels work on the tokens that the rank's experts received, and on how many rows.
 * No shapes are recorded for them, but a kernel that permutes tokens runs a block per so
 * many rows (sets_rows of the class table), which gives the rows of its annotation. Others
 * are recognised by their grids, or by what they stand beside; see configs/
 * trace_classes.yaml.
 *
 * The parts of a model come in pairs under DualPipe: mlp(F) of one micro-batch, mlp(B) and
 * mlp(W) of another. Rows hold for all annotations with the same name before the
 * parenthesis, the same count and the same direction; the direction is forward for (F).
 *
 * Leaves out: kernels that touch only the distinct received tokens (fewer than rows) are
 * marked with the rows all the same; what matters is that both grow together. */
#include "io/inputs/kineto_priv.h"

#include <math.h>
#include <string.h>

static bool same_tokens(const struct kin_span *a, const struct kin_span *b)
{
    size_t stem = strcspn(a->name, "(");

    if (a->occurrence != b->occurrence || stem != strcspn(b->name, "(") || strncmp(a->name, b->name, stem))
        return false;
    return !strcmp(a->name + stem, "(F)") == !strcmp(b->name + stem, "(F)");
}

static void spread_rows(struct kineto *k, const struct kin_span *from, double rows)
{
    for (size_t i = 0; i < k->n_spans; i++)
        if (same_tokens(from, &k->spans[i]))
            k->spans[i].rows = rows;
}

static void find_span_rows(struct kineto *k)
{
    for (size_t i = 0; i < k->n_gpus; i++) {
        const struct kin_gpu *g = &k->gpus[i];
        double rows = g->rule->sets_rows * g->grid[0];
        if (rows > 0 && g->span != KIN_NONE && k->spans[g->span].rows != rows)
            spread_rows(k, &k->spans[g->span], rows);
    }
}

static bool grid_covers(const struct kin_gpu *g, double rows)
{
    const struct class_rule *rule = g->rule;
    double blocks = (double)g->grid[0] * g->grid[1] * g->grid[2];

    if (rule->elements_per_block > 0)
        return fmod(blocks * rule->elements_per_block, rows) == 0;
    for (int i = 0; i < 3; i++)
        if (g->grid[i] * rule->rows_per_block == rows)
            return true;
    return false;
}

static bool feeds_permutation(const struct kineto *k, const struct kin_gpu *g)
{
    const struct kin_stream *s = &k->streams[g->stream];

    return g->position + 1 < s->n_kernels && k->gpus[s->kernels[g->position + 1]].rule->sets_rows > 0;
}

static double rows_of(const struct kineto *k, const struct kin_gpu *g)
{
    double rows = g->span == KIN_NONE ? 0 : k->spans[g->span].rows;

    if (!(rows > 0) || !g->grid[0])
        return 0;
    switch ((enum class_per_token)g->rule->per_token) {
    case PER_TOKEN_NEVER:
        return 0;
    case PER_TOKEN_ALWAYS:
        return rows;
    case PER_TOKEN_GRID:
        return grid_covers(g, rows) ? rows : 0;
    case PER_TOKEN_PERMUTE:
        return feeds_permutation(k, g) ? rows : 0;
    case PER_TOKEN_FORK: /* one kernel per expert; how many rows each has is not seen */
        return g->n_forked ? rows / g->n_forked : 0;
    }
    return 0;
}

void kin_find_rows(struct kineto *k)
{
    find_span_rows(k);
    for (size_t i = 0; i < k->n_gpus; i++)
        k->gpus[i].rows = rows_of(k, &k->gpus[i]);
}
