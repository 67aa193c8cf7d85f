#include "campaign/comm_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/stats.h"
#include "campaign/comm_check_priv.h"
#include "kinds/fork_map.h"

enum { AT_ONCE = 64 /* rows of a child */, FEW_TOKENS = 128, SMALL_B = 1 << 20, MOST_DRAWN = 1 << 17 };

/* --- one measurement --------------------------------------------------------------------------------------- */

uint32_t comm_row_gpus(const struct comm_row *row, const struct cluster_hw *hw)
{
    return row->nodes ? row->nodes * (uint32_t)hw_host_gpus(hw) : row->gpus;
}

const struct ep_kernel_type *comm_row_kernel(const struct comm_row *row, const struct cluster_hw *hw)
{
    const char *chosen = hw->ep_kernel.kernel;
    if (strcmp(chosen, "auto"))
        return ep_kernel_find(chosen);
    return ep_kernel_find(row->kernel ? row->kernel : "deepep_normal");
}

/* A file of several kernels beside a chosen one: the others' rows are not about it. */
static bool is_about(const struct comm_row *row, const struct cluster_hw *hw)
{
    bool chosen = strcmp(hw->ep_kernel.kernel, "auto") != 0;
    if (row->is_collective || !chosen || !row->kernel)
        return true;
    bool nvlink = !strncmp(row->kernel, "nvlink_", 7);
    return !nvlink || !strcmp(row->kernel, hw->ep_kernel.kernel);
}

static bool is_compared(const struct comm_row *row, const struct cluster_hw *hw)
{
    return is_about(row, hw) && (row->is_collective || row->phase < EP_PREPARE || comm_row_kernel(row, hw)->prepares);
}

/* Few tokens are drawn, since the busiest rank sets the pace; of many, ranks get alike. */
static struct ep_choices choices_of(const struct comm_row *row, uint32_t gpus, const struct cluster_hw *hw,
                                    const struct ep_kernel_type *k)
{
    struct ep_choices c = {.choice = row->choice,
                           .experts = row->experts,
                           .top_k = row->top_k,
                           .groups = 1,
                           .top_groups = 1,
                           .tokens = row->tokens,
                           .seed = 1};
    int64_t nodes = (gpus + hw->node.gpus - 1) / hw->node.gpus;
    if (row->choice == EP_UNIFORM && k->latency && row->tokens * gpus <= MOST_DRAWN && row->tokens >= 2)
        c.choice = EP_SAMPLED;
    if (!k->latency && nodes > MOST_NODES_OF_TOKEN &&
        row->experts % nodes == 0) { /* DeepEP's benchmark: four of the nodes */
        c.groups = nodes;
        c.top_groups = MOST_NODES_OF_TOKEN;
    }
    return c;
}

static struct comm_exchange exchange_of(const struct comm_row *row, const struct cluster_hw *hw)
{
    const struct ep_kernel_type *k = comm_row_kernel(row, hw);
    return (struct comm_exchange){.kernel = k,
                                  .phase = row->phase,
                                  .choices = choices_of(row, comm_row_gpus(row, hw), hw, k),
                                  .hidden = row->hidden,
                                  .sms = row->sms > 0 ? row->sms : (double)hw->ep_kernel.sms,
                                  .format = row->format};
}

double comm_row_measured_s(const struct comm_row *row, const struct cluster_hw *hw)
{
    if (!(row->logical_Bps > 0))
        return row->measured_s;
    struct comm_exchange x = exchange_of(row, hw);
    x.choices.choice = x.choices.choice == EP_SAMPLED ? EP_UNIFORM : x.choices.choice; /* means will do */
    return comm_exchange_logical_B(&(struct comm_place){hw, comm_row_gpus(row, hw)}, &x) / row->logical_Bps;
}

static int exchange_s(const struct comm_check *check, const struct comm_row *row, double *out_s, struct diag *diag)
{
    struct comm_place place = {check->hw, comm_row_gpus(row, check->hw)};
    struct comm_exchange x = exchange_of(row, check->hw);
    return comm_exchange_s(&place, &x, out_s, diag);
}

static int collective_s(const struct comm_check *check, const struct comm_row *row, double *out_s, struct diag *diag)
{
    struct arena *arena = arena_new();
    uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, row->gpus);
    for (uint32_t r = 0; r < row->gpus; r++)
        ranks[r] = r;
    struct collective c = {.operation = row->operation,
                           .ranks = ranks,
                           .n = row->gpus,
                           .size_B = row->size_B,
                           .integer = row->integer,
                           .pxn = true};
    int failed = comm_collective_s(&(struct comm_place){check->hw, row->gpus}, &c, out_s, diag);
    arena_free(arena);
    return failed;
}

int comm_row_s(const struct comm_check *check, const struct comm_rows *file, const struct comm_row *row, double *out_s,
               struct diag *diag)
{
    diag_default_place(diag, (struct srcloc){.file = file->file, .line = row->line});
    int failed = (row->is_collective ? collective_s : exchange_s)(check, row, out_s, diag);
    diag_default_place(diag, SRCLOC_NONE);
    return failed;
}

/* --- all measurements -------------------------------------------------------------------------------------- */

struct mapping {
    const struct comm_check *check;
    const struct comm_rows **file; /* of each measurement */
    const struct comm_row **row;
    uint32_t n;
};

static int predict_some(void *ctx, uint32_t index, void *answer, struct diag *diag)
{
    const struct mapping *m = ctx;
    double *out = answer;
    for (uint32_t i = 0; i < AT_ONCE && index * AT_ONCE + i < m->n; i++)
        if (comm_row_s(m->check, m->file[index * AT_ONCE + i], m->row[index * AT_ONCE + i], &out[i], diag))
            return -1;
    return 0;
}

/* Measurements one after the other, and where their predictions go. */
static void gather(const struct comm_check *c, struct arena *arena, struct mapping *m, uint32_t **at,
                   struct comm_checked *out)
{
    uint32_t all = 0, i = 0;
    for (uint32_t f = 0; f < c->n_files; f++)
        all += c->files[f].n;
    m->check = c;
    m->file = ARENA_ARRAY(arena, const struct comm_rows *, all);
    m->row = ARENA_ARRAY(arena, const struct comm_row *, all);
    *at = ARENA_ARRAY(arena, uint32_t, all);
    out->predicted_s = ARENA_ARRAY(arena, double, all);
    for (uint32_t f = 0; f < c->n_files; f++)
        for (uint32_t r = 0; r < c->files[f].n; r++, i++) {
            out->predicted_s[i] = NAN;
            if (!is_compared(&c->files[f].rows[r], c->hw)) {
                out->left_out++;
                continue;
            }
            m->file[m->n] = &c->files[f];
            m->row[m->n] = &c->files[f].rows[r];
            (*at)[m->n++] = i;
        }
}

/* --- groups ------------------------------------------------------------------------------------------------ */

static const char *group_name(const struct comm_check *c, const struct comm_row *row, struct arena *arena)
{
    uint32_t gpus = comm_row_gpus(row, c->hw);
    if (row->is_collective)
        return arena_printf(arena, "nccl %s, %s, %u GPUs, %s", collective_operation_names[row->operation], c->hardware,
                            gpus, row->size_B < SMALL_B ? "latency" : "bandwidth");
    const char *where = row->nodes ? arena_printf(arena, "%u node%s", row->nodes, row->nodes == 1 ? "" : "s")
                                   : arena_printf(arena, "EP%u", gpus);
    return arena_printf(arena, "%s, %s, %s, %s", comm_row_kernel(row, c->hw)->name, c->hardware, where,
                        row->phase >= EP_PREPARE    ? "prepare"
                        : row->tokens <= FEW_TOKENS ? "latency"
                                                    : "bandwidth");
}

struct named_error {
    const char *group;
    double error;
};

static int by_group(const void *a, const void *b)
{
    return strcmp(((const struct named_error *)a)->group, ((const struct named_error *)b)->group);
}

static struct comm_group group_of(const char *name, const struct named_error *e, uint32_t n, struct arena *arena)
{
    double *signed_error = ARENA_ARRAY(arena, double, n), *size = ARENA_ARRAY(arena, double, n);
    for (uint32_t i = 0; i < n; i++) {
        signed_error[i] = e[i].error;
        size[i] = fabs(e[i].error);
    }
    return (struct comm_group){.name = name,
                               .rows = n,
                               .median = stats_quantile(size, n, 0.5),
                               .p90 = stats_quantile(size, n, 0.9),
                               .bias = stats_quantile(signed_error, n, 0.5)};
}

static void make_groups(const struct comm_check *c, const struct mapping *m, const double *predicted_s,
                        struct arena *arena, struct comm_checked *out)
{
    struct named_error *e = ARENA_ARRAY(arena, struct named_error, m->n);
    out->groups = ARENA_ARRAY(arena, struct comm_group, m->n + 1);
    for (uint32_t i = 0; i < m->n; i++)
        e[i] = (struct named_error){group_name(c, m->row[i], arena),
                                    predicted_s[i] / comm_row_measured_s(m->row[i], c->hw) - 1};
    qsort(e, m->n, sizeof *e, by_group);
    if (m->n && strcmp(e[0].group, e[m->n - 1].group))
        out->groups[out->n_groups++] = group_of("all", e, m->n, arena);
    for (uint32_t i = 0, end; i < m->n; i = end) {
        for (end = i; end < m->n && !strcmp(e[end].group, e[i].group);)
            end++;
        out->groups[out->n_groups++] = group_of(e[i].group, e + i, end - i, arena);
    }
}

/* No exchange is that far from its mechanism for a reason of its own: milliseconds and nanoseconds are. */
static const double unlikely = 30;

static void doubt_units(const struct comm_check *c, const double *predicted_s, struct arena *arena, struct diag *diag)
{
    for (uint32_t f = 0, at = 0; f < c->n_files; at += c->files[f++].n) {
        const struct comm_rows *file = &c->files[f];
        double *ratio = ARENA_ARRAY(arena, double, file->n + 1);
        uint32_t n = 0;
        for (uint32_t i = 0; i < file->n; i++)
            if (predicted_s[at + i] > 0)
                ratio[n++] = comm_row_measured_s(&file->rows[i], c->hw) / predicted_s[at + i];
        double middle = n ? stats_quantile(ratio, n, 0.5) : 1;
        if (middle <= unlikely && middle >= 1 / unlikely)
            continue;
        const char *text = arena_printf(
            arena,
            "its times are about %.3g times what the model says of %s; times are in microseconds, bandwidths in "
            "GB/s (milliseconds times 1000, nanoseconds divided by 1000), or name the hardware with --hardware",
            middle, c->hardware);
        if (c->by_row)
            diag_warning(diag, SRCLOC_FILE(file->file), "%s", text);
        else
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(file->file), "%s", text);
    }
}

int comm_check(const struct comm_check *c, struct arena *arena, struct comm_checked *out, struct diag *diag)
{
    struct mapping m = {0};
    uint32_t *at;
    *out = (struct comm_checked){0};
    gather(c, arena, &m, &at, out);
    uint32_t parts = (m.n + AT_ONCE - 1) / AT_ONCE;
    double *predicted_s = ARENA_ARRAY(arena, double, (size_t)parts *AT_ONCE + 1);
    progress_begin("comparing");
    if (fork_map(parts, c->at_once, predict_some, &m, predicted_s, AT_ONCE * sizeof *predicted_s, diag))
        return -1;
    for (uint32_t i = 0; i < m.n; i++)
        out->predicted_s[at[i]] = predicted_s[i];
    make_groups(c, &m, predicted_s, arena, out);
    doubt_units(c, out->predicted_s, arena, diag);
    return diag_failed(diag) ? -1 : 0;
}
