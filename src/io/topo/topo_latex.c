/* Table 3 of the paper for LaTeX: a row per network. */
#include "io/results/latex.h"
#include "io/topo/topo_writers.h"

enum { NETWORK, ENDPOINTS, SWITCHES, LINKS, COST, PAPER, ERROR, EACH, PAPER_EACH, N_COLUMNS };

static const struct result_column columns[N_COLUMNS] = {
    {"network", DIM_COUNT, "", true},    {"endpoints", DIM_COUNT, "", false}, {"switches", DIM_COUNT, "", false},
    {"links", DIM_COUNT, "", false},     {"ours", DIM_MONEY, "", false},      {"paper", DIM_MONEY, "", false},
    {"deviation", DIM_RATIO, "", false}, {"ours", DIM_MONEY, "", false},      {"paper", DIM_MONEY, "", false}};

#define COSTS "cost"
#define PER_ENDPOINT "cost per endpoint"
static const struct latex_column looks[N_COLUMNS] = {
    [COST] = {.group = COSTS, .unit = "M$", .scale = 1e6, .fixed = true, .decimals = 2},
    [PAPER] = {.group = COSTS, .unit = "M$", .scale = 1e6, .fixed = true},
    [ERROR] = {.group = COSTS, .unit = "%", .scale = 0.01, .fixed = true, .decimals = 2},
    [EACH] = {.group = PER_ENDPOINT, .unit = "k$", .scale = 1e3, .fixed = true, .decimals = 3},
    [PAPER_EACH] = {.group = PER_ENDPOINT, .unit = "k$", .scale = 1e3, .fixed = true, .decimals = 2}};

static void fill_row(const struct table3_column *c, struct result_cell *row)
{
    row[NETWORK].text = c->name;
    row[ENDPOINTS].value = (double)c->counts.endpoints;
    row[SWITCHES].value = (double)c->counts.switches;
    row[LINKS].value = (double)c->counts.links;
    row[COST].value = c->cost.total_USD;
    row[PAPER].value = c->paper.cost_USD;
    row[ERROR].value = c->cost_error_ratio;
    row[EACH].value = c->cost.per_endpoint_USD;
    row[PAPER_EACH].value = c->paper.per_endpoint_USD;
}

/* Counts stand once, when they are the paper's. */
static const char *caption(const struct table3 *t, const char *prices_file, struct arena *arena)
{
    const char *text = "Table 3 of the paper, networks of 64-port switches; counts are";
    bool equal = true;
    for (int i = 0; i < TABLE3_COLUMNS; i++)
        equal &= t->columns[i].counts_equal;
    text = arena_printf(arena, "%s %s", text, equal ? "the paper's" : "ours, and differ from the paper's");
    return arena_printf(arena, "%s, costs by one price list (%s) calibrated on its costs", text, prices_file);
}

void table3_write_latex(const struct table3 *t, const char *prices_file, struct arena *arena, struct outfile *f)
{
    struct result_table table = {"table3", "", columns, N_COLUMNS, NULL, TABLE3_COLUMNS};
    table.cells = ARENA_ARRAY(arena, struct result_cell, TABLE3_COLUMNS * N_COLUMNS);
    for (int i = 0; i < TABLE3_COLUMNS; i++)
        fill_row(&t->columns[i], &table.cells[i * N_COLUMNS]);
    latex_table(f, &table, &(struct latex_about){.caption = caption(t, prices_file, arena), .columns = looks}, arena);
}
