/* Claims as a table for LaTeX. */
#include <math.h>
#include <string.h>

#include "io/results/claim_writers.h"
#include "io/results/latex.h"

enum { CLAIM, SECTION, CLASS, PAPER, OURS, MEAN, UNIT, DEVIATION, VERDICT, N_COLUMNS };

static const struct result_column columns[] = {
    {"claim", DIM_COUNT, "", true}, {"section", DIM_COUNT, "", true},    {"class", DIM_COUNT, "", true},
    {"paper", DIM_COUNT, "", true}, {"ours", DIM_COUNT, "", true},       {"over seeds", DIM_COUNT, "", true},
    {"unit", DIM_COUNT, "", true},  {"deviation", DIM_RATIO, "", false}, {"verdict", DIM_COUNT, "", true}};
static const struct latex_column looks[] = {[PAPER] = {.point = true},
                                            [OURS] = {.point = true},
                                            [DEVIATION] = {.unit = "%", .scale = 0.01, .fixed = true, .decimals = 1},
                                            [VERDICT] = {.head = "verdict"}};

/* "120.96 us" without what the column of units says. */
static const char *without_unit(const char *text, const struct claim *c, struct arena *arena)
{
    size_t n = strlen(text), m = strlen(c->unit);
    bool ends = m && n > m && text[n - m - 1] == ' ' && !strcmp(text + n - m, c->unit);
    return ends ? arena_printf(arena, "%.*s", (int)(n - m - 1), text) : text;
}

static void fill_row(const struct claim_result *r, struct result_cell *row, struct arena *arena)
{
    const struct claim *c = r->claim;
    row[CLAIM].text = c->id;
    row[SECTION].text = arena_printf(arena, "%.*s", (int)strcspn(c->section, " "), c->section);
    row[CLASS].text = claim_class_names[c->class];
    row[PAPER].text = without_unit(claim_paper_text(r, arena), c, arena);
    row[OURS].text = without_unit(claim_value_text(c, r->ours, arena), c, arena);
    row[MEAN].text = r->n_seeds ? arena_printf(arena, "%.5g \u00b1 %.2g", r->mean, r->half) : "";
    row[UNIT].text = c->unit;
    row[DEVIATION].value = r->deviation_ratio;
    row[VERDICT].text = verdict_names[r->verdict];
}

static const char *caption(const struct claim_results *all, struct arena *arena)
{
    const char *text = arena_printf(arena, "%u statements of the paper:", all->n);
    for (int v = 0; v < N_VERDICTS; v++)
        if (all->count[v])
            text = arena_printf(arena, "%s%s %u %s", text, text[strlen(text) - 1] == ':' ? "" : ",", all->count[v],
                                verdict_names[v]);
    return text;
}

/* Without seeds there is no column of them. */
static void drop_means(struct result_table *t, struct result_column *names, struct latex_column *look)
{
    for (uint32_t i = MEAN; i + 1 < N_COLUMNS; i++) {
        names[i] = names[i + 1];
        look[i] = look[i + 1];
    }
    for (uint32_t i = 0, to = 0; i < t->n_rows * N_COLUMNS; i++)
        if (i % N_COLUMNS != MEAN)
            t->cells[to++] = t->cells[i];
    t->n_columns--;
}

void claims_write_latex(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    struct result_column names[N_COLUMNS];
    struct latex_column look[N_COLUMNS] = {0};
    bool seeds = false;
    memcpy(names, columns, sizeof columns);
    memcpy(look, looks, sizeof looks);
    struct result_table t = {.name = "claims", .columns = names, .n_columns = N_COLUMNS, .n_rows = all->n};
    t.cells = ARENA_ARRAY(arena, struct result_cell, (size_t)all->n * N_COLUMNS + 1);
    for (uint32_t i = 0; i < all->n; i++) {
        fill_row(&all->results[i], &t.cells[(size_t)i * N_COLUMNS], arena);
        seeds |= all->results[i].n_seeds > 0;
    }
    if (!seeds)
        drop_means(&t, names, look);
    latex_table(f, &t, &(struct latex_about){.caption = caption(all, arena), .columns = look}, arena);
}
