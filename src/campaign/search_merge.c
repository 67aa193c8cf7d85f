/* Shards of a search into one: the best of the bests. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/outfile.h"
#include "campaign/pareto.h"
#include "campaign/search.h"
#include "io/results/search_file.h"
#include "io/results/writers.h"
#include "kinds/result_build.h"

struct row {
    const struct search_file *file;
    uint32_t index;
};

static double value_of(const struct row *r, uint32_t objective)
{
    const struct search_file *f = r->file;
    double v = f->table->cells[(size_t)r->index * f->table->n_columns + f->first_objective + objective].value;
    return f->is_max[objective] ? -v : v;
}

static int by_rank(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (uint32_t i = 0; i < x->file->n_objectives; i++)
        if (value_of(x, i) != value_of(y, i))
            return value_of(x, i) < value_of(y, i) ? -1 : 1;
    double p = x->file->order[x->index], q = y->file->order[y->index];
    return (p > q) - (p < q);
}

/* Every shard of one search, each once. */
static int check(const struct search_file *files, const char *const *paths, int n, struct diag *diag)
{
    uint32_t n_shards = files[0].n_shards;
    bool *seen = checked_alloc(calloc((size_t)n_shards + 1, sizeof *seen));
    for (int i = 0; i < n && !diag_failed(diag); i++) {
        const struct search_file *f = &files[i];
        if (strcmp(f->question, files[0].question) || f->n_shards != n_shards || f->shard < 1 || f->shard > n_shards)
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(paths[i]), "it is no shard of the same search as '%s'",
                       paths[0]);
        else if (seen[f->shard])
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(paths[i]), "shard %u is there twice", f->shard);
        else
            seen[f->shard] = true;
    }
    for (uint32_t k = 1; k <= n_shards && !diag_failed(diag); k++)
        if (!seen[k])
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "shard %u/%u is in none of these results; merge all", k,
                       n_shards);
    free(seen);
    return diag_failed(diag) ? -1 : 0;
}

/* Those that no other beats, or with one objective the first of them. */
static uint32_t keep_best(struct row *rows, uint32_t n, struct arena *arena)
{
    uint32_t k = n ? rows[0].file->n_objectives : 0, kept = 0;
    double *values = ARENA_ARRAY(arena, double, (size_t)n *k + 1);
    bool *on_front = ARENA_ARRAY(arena, bool, n + 1);
    for (uint32_t i = 0; i < n * k; i++)
        values[i] = value_of(&rows[i / k], i % k);
    if (k > 1)
        pareto_front(values, n, k, on_front);
    for (uint32_t i = 0; i < n; i++)
        if (k > 1 ? on_front[i] : kept < rows[0].file->top)
            rows[kept++] = rows[i];
    return kept;
}

static struct result_table *joined(const struct row *rows, uint32_t n, const struct result_table *like,
                                   struct arena *arena)
{
    struct result holder = {0};
    struct result_table *t =
        result_add_table(&holder, arena, like->name, like->doc, like->columns, like->n_columns, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct result_cell *to = result_add_row(t);
        const struct result_table *from = rows[i].file->table;
        memcpy(to, &from->cells[(size_t)rows[i].index * from->n_columns], like->n_columns * sizeof *to);
        to[0].value = i + 1;
    }
    return t;
}

static int write_merged(const struct search_file *files, int n, const char *out, struct arena *arena, struct diag *diag)
{
    struct search_file all = files[0];
    uint32_t n_rows = 0, kept;
    all.shard = all.n_shards = 0;
    all.points = all.invalid = all.bounds = all.simulated = all.failed = 0;
    for (int i = 0; i < n; i++)
        n_rows += files[i].table->n_rows;
    struct row *rows = ARENA_ARRAY(arena, struct row, n_rows + 1);
    n_rows = 0;
    for (int i = 0; i < n; i++) {
        for (uint32_t k = 0; k < files[i].table->n_rows; k++)
            rows[n_rows++] = (struct row){&files[i], k};
        all.points += files[i].points;
        all.invalid += files[i].invalid;
        all.bounds += files[i].bounds;
        all.simulated += files[i].simulated;
        all.failed += files[i].failed;
    }
    qsort(rows, n_rows, sizeof *rows, by_rank);
    kept = keep_best(rows, n_rows, arena);
    if (!kept) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE, "no shard has found a point");
        return -1;
    }
    all.order = ARENA_ARRAY(arena, double, kept + 1);
    for (uint32_t i = 0; i < kept; i++)
        all.order[i] = rows[i].file->order[rows[i].index];
    all.table = joined(rows, kept, files[0].table, arena);
    return outfile_ends_in(out, ".csv") ? result_write_table(all.table, NULL, out, diag)
                                        : search_file_write(&all, out, diag);
}

int search_merge(const char *const *paths, int n, const char *out, struct diag *diag)
{
    struct arena *arena = arena_new();
    struct search_file *files = ARENA_ARRAY(arena, struct search_file, n);
    int failed = 0;
    for (int i = 0; i < n && !failed; i++)
        failed = search_file_read(paths[i], arena, &files[i], diag);
    failed = failed || check(files, paths, n, diag) || write_merged(files, n, out, arena, diag);
    arena_free(arena);
    return failed ? -1 : 0;
}
