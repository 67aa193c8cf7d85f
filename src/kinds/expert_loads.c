#include "base/data_find.h"
#include "kinds/expert_loads.h"

#include <math.h>

#include "io/inputs/logical_count.h"

bool expert_loads_plain(const struct expert_load_cfg *cfg)
{
    return cfg->skew == SKEW_EVEN && !cfg->redundant && cfg->balance == BALANCE_NONE;
}

double *expert_loads_of(const struct expert_loads *l, uint32_t layer, struct arena *arena)
{
    double *load = ARENA_ARRAY(arena, double, l->experts);
    expert_load_draw(l->cfg, &l->rows, l->experts, l->seed, layer, load);
    return load;
}

/* --- a file of loads ----------------------------------------------------------------------------------- */

static int check_sums(const struct rows *r, struct diag *diag)
{
    for (uint32_t i = 0; i < r->n_rows; i++) {
        double sum = 0;
        for (uint32_t e = 0; e < r->n_columns; e++)
            sum += r->values[(size_t)i * r->n_columns + e];
        if (sum > 0)
            continue;
        diag_error(diag, EXIT_BAD_INPUT, rows_place(r, i, 0), "no expert of this layer has any load");
        return -1;
    }
    return 0;
}

static int read_loads(const struct scenario_file *file, uint32_t layers, struct arena *arena, struct expert_loads *l,
                      struct diag *diag)
{
    static const struct row_format format = {.least = 0, .most = 1e15, .example = "90, 132, 40, 61"};
    struct rows r;
    if (!*l->cfg->file) {
        REPORT("expert_load.skew", "skew: file needs a file of loads; write for example 'file: loads.csv'");
        return -1;
    }
    const char *path = data_need(l->cfg->file, file->path, scenario_place(file, "expert_load.file"), "", arena, diag);
    if (!path)
        return -1;
    bool counted = logical_count_recognises(path);
    if ((counted ? logical_count_read(path, arena, &r, diag) : rows_read(path, &format, arena, &r, diag)) ||
        check_sums(&r, diag))
        return -1;
    if (r.n_columns != l->experts) {
        diag_error(diag, EXIT_BAD_INPUT, rows_place(&r, 0, 0), "%u loads of a layer with %u experts", r.n_columns,
                   l->experts);
        return -1;
    }
    if (r.n_rows > 1 && r.n_rows < layers) {
        diag_error(diag, EXIT_BAD_INPUT, rows_place(&r, r.n_rows - 1, 0),
                   "the last of %u rows, but there are %u MoE layers; give a row for each, or one for all", r.n_rows,
                   layers);
        return -1;
    }
    if (r.n_rows > 1 && r.n_rows > layers) {
        diag_error(diag, EXIT_BAD_INPUT, rows_place(&r, layers, 0),
                   "row %u of %u, but there are %u MoE layers; give a row for each, or one for all", layers + 1,
                   r.n_rows, layers);
        return -1;
    }
    l->rows = (struct load_rows){r.values, r.n_rows, r.n_columns};
    return 0;
}

/* --- what a gate can do ---------------------------------------------------------------------------------- */

static double largest_exponent(const struct expert_loads *l, double most, struct arena *arena)
{
    double low = 0, high = 4, *load = ARENA_ARRAY(arena, double, l->experts);
    struct expert_load_cfg law = *l->cfg;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2, top = 0;
        law.zipf_exponent = middle;
        expert_load_draw(&law, NULL, l->experts, l->seed, 0, load);
        for (uint32_t e = 0; e < l->experts; e++)
            top = fmax(top, load[e]);
        if (top > most)
            high = middle;
        else
            low = middle;
    }
    return floor(low * 100) / 100;
}

static const char *advice(const struct expert_loads *l, double most, struct arena *arena)
{
    if (l->cfg->skew != SKEW_ZIPF && l->cfg->skew != SKEW_POWER_LAW)
        return "";
    return arena_printf(arena, "; the largest exponent is %g", largest_exponent(l, most, arena));
}

static int check_feasible(const struct scenario_file *file, uint32_t top_k, uint32_t layers, struct arena *arena,
                          const struct expert_loads *l, struct diag *diag)
{
    static const char *const keys[] = {"expert_load.skew", "expert_load.cv", "expert_load.exponent",
                                       "expert_load.exponent", "expert_load.file"};
    double most = (double)l->experts / top_k, *load = ARENA_ARRAY(arena, double, l->experts);
    for (uint32_t layer = 0; layer < layers; layer++) {
        expert_load_draw(l->cfg, &l->rows, l->experts, l->seed, layer, load);
        int64_t e = expert_load_infeasible(load, l->experts, top_k);
        if (e < 0)
            continue;
        REPORT(keys[l->cfg->skew],
               "MoE layer %u: expert %lld would have %.3g times the mean load, but tokens that choose %u "
               "different experts of %u can give it %.3g times at most%s",
               layer, (long long)e, load[e], top_k, l->experts, most, advice(l, most, arena));
        return -1;
    }
    return 0;
}

int expert_loads_open(const struct scenario_file *file, uint32_t experts, uint32_t top_k, uint32_t layers,
                      struct arena *arena, struct expert_loads *out, struct diag *diag)
{
    const struct scenario *s = file->scenario;
    *out = (struct expert_loads){.cfg = &s->expert_load, .experts = experts, .seed = (uint64_t)s->sim.seed};
    if (s->expert_load.skew == SKEW_FILE && read_loads(file, layers, arena, out, diag))
        return -1;
    return check_feasible(file, top_k, layers, arena, out, diag);
}
