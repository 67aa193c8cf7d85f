/* Tables 1 and 2 of the paper, from the models' dimensions. */
#include "io/results/model_tables.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "io/json_config.h"
#include "io/results/latex.h"

enum { SEQUENCE = 4096, MAX_ROWS = 4 };

struct row {
    const char *model, *label;
    bool dense;                /* Table 2: the paper's dense rows follow another formula */
    double paper, paper_ratio; /* KB and multiplier, or GFLOP; 0 = none */
};

static const struct row table1[] = {{"deepseek_v3", "DeepSeek-V3 (MLA)", false, 70.272, 1},
                                    {"qwen2.5_72b", "Qwen-2.5 72B (GQA)", false, 327.680, 4.66},
                                    {"llama3.1_405b", "LLaMA-3.1 405B (GQA)", false, 516.096, 7.28},
                                    {0}};
static const struct row table2[] = {{"deepseek_v2", "DeepSeek-V2 MoE", false, 155, 0},
                                    {"deepseek_v3", "DeepSeek-V3 MoE", false, 250, 0},
                                    {"qwen_72b", "Qwen-72B Dense", true, 394, 0},
                                    {"llama3.1_405b", "LLaMa-405B Dense", true, 2448, 0},
                                    {0}};

struct line {
    const struct row *row;
    double params, ours, other; /* other: the multiplier, or the common formula */
    bool met;
};

static double rounded(double x, int digits)
{
    double scale = pow(10, digits);
    return round(x * scale) / scale;
}

static void fill_1(const struct model *m, const struct line *first, struct line *l)
{
    l->ours = model_kv_B(m) / 1e3;
    l->other = l->ours / (first == l ? l->ours : first->ours);
    l->met = rounded(l->ours, 3) == l->row->paper;
}

static void fill_2(const struct model *m, struct line *l)
{
    l->other = model_train_flop(m, SEQUENCE, true) / 1e9;
    l->ours = l->row->dense ? model_train_flop_rule(m) / 1e9 : l->other;
    l->met = rounded(l->ours, 0) == l->row->paper;
}

static int fill(int number, struct line *lines, struct arena *arena, struct diag *diag)
{
    int n = 0;
    for (const struct row *r = number == 1 ? table1 : table2; r->model; r++, n++) {
        struct model_file m;
        if (model_load(r->model, NULL, 0, arena, &m, diag))
            return -1;
        lines[n] = (struct line){.row = r, .params = model_params(m.model).total};
        if (number == 1)
            fill_1(m.model, lines, &lines[n]);
        else
            fill_2(m.model, &lines[n]);
    }
    return n;
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static void print_1(const struct line *l, int n, struct outfile *f)
{
    outfile_printf(f,
                   "Table 1 of the paper: KV cache of a token in BF16, KB of 1,000 bytes\n\n"
                   "%-22s %12s %12s %12s %12s\n",
                   "model", "ours", "paper", "multiplier", "paper");
    for (int i = 0; i < n; i++)
        outfile_printf(f, "%-22s %12.3f %12.3f %11.2fx %11.2fx\n", l[i].row->label, l[i].ours, l[i].row->paper,
                       l[i].other, l[i].row->paper_ratio);
    outfile_printf(f, "\n(kv_lora + rope_dim) * layers * 2 B for MLA, 2 * kv_heads * head_dim * layers * 2 B for "
                      "GQA.\nThe paper's 7.28x does not follow from its own sizes: 516.096 / 70.272 = 7.34.\n");
}

static void print_2(const struct line *l, int n, struct outfile *f)
{
    outfile_printf(f,
                   "Table 2 of the paper: training cost, GFLOP per token, sequences of %d\n\n"
                   "%-22s %10s %12s %10s %14s\n",
                   SEQUENCE, "model", "params", "ours", "paper", "one formula");
    for (int i = 0; i < n; i++)
        outfile_printf(f, "%-22s %8.1f B %12.1f %10.0f %14.1f\n", l[i].row->label, l[i].params / 1e9, l[i].ours,
                       l[i].row->paper, l[i].other);
    outfile_printf(f,
                   "\nours, MoE rows and 'one formula': 6 * (active parameters - embedding - router) + 3 * sequence * "
                   "layers * heads * (d_qk + d_v), a causal mask.\nours, dense rows: 72 * layers * hidden^2 + 6 * "
                   "vocabulary * hidden, the only usual formula that gives both\nprinted values; it has no "
                   "attention, so the paper's rows do not compare. 'one formula' does.\n");
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static void write_json(int number, const struct line *l, int n, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject();
    json_add_number(root, "schema_version", 1);
    json_add_number(root, "table", number);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < n; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(rows, o);
        cJSON_AddStringToObject(o, "model", l[i].row->model);
        json_add_number(o, number == 1 ? "kv_KB" : "train_GFLOP", l[i].ours);
        json_add_number(o, number == 1 ? "paper_KB" : "paper_GFLOP", l[i].row->paper);
        json_add_number(o, number == 1 ? "multiplier" : "common_formula_GFLOP", l[i].other);
        cJSON_AddBoolToObject(o, "met", l[i].met);
    }
    json_write(root, f);
}

/* --- LaTeX ----------------------------------------------------------------------------------------------------- */

enum { MODEL, PARAMS, OURS, PAPER, OTHER, OTHERS, N_COLUMNS };

static const struct result_column columns[N_COLUMNS] = {
    {"model", DIM_COUNT, "", true},  {"parameters", DIM_COUNT, "", false}, {"ours", DIM_COUNT, "", false},
    {"paper", DIM_COUNT, "", false}, {"other", DIM_COUNT, "", false},      {"others", DIM_COUNT, "", false}};

#define KV "KV cache per token [KB]"
#define TRAIN "training per token [GFLOP]"
static const struct latex_column looks[2][N_COLUMNS] = {
    {[PARAMS] = {.scale = 1e9, .unit = "billions", .fixed = true, .decimals = 1},
     [OURS] = {.group = KV, .fixed = true, .decimals = 3},
     [PAPER] = {.group = KV, .fixed = true, .decimals = 3},
     [OTHER] = {.head = "ours", .group = "multiplier", .fixed = true, .decimals = 2},
     [OTHERS] = {.head = "paper", .group = "multiplier", .fixed = true, .decimals = 2}},
    {[PARAMS] = {.scale = 1e9, .unit = "billions", .fixed = true, .decimals = 1},
     [OURS] = {.group = TRAIN, .fixed = true, .decimals = 1},
     [PAPER] = {.group = TRAIN, .fixed = true},
     [OTHER] = {.head = "one formula", .group = TRAIN, .fixed = true, .decimals = 1}}};

static void write_latex(int number, const struct line *l, int n, struct arena *arena, struct outfile *f)
{
    static const char *const captions[] = {
        "Table 1 of the paper, KV cache of a token in BF16; KB of 1,000 bytes",
        "Table 2 of the paper, training cost in sequences of 4,096 tokens; ours: dense rows without attention, as the "
        "paper's, 'one formula': all rows with it"};
    struct result_table t = {.name = number == 1 ? "table1" : "table2",
                             .columns = columns,
                             .n_columns = number == 1 ? N_COLUMNS : OTHERS,
                             .n_rows = (uint32_t)n};
    struct result_cell *cell = t.cells = ARENA_ARRAY(arena, struct result_cell, (size_t)n * N_COLUMNS);
    for (int i = 0; i < n; i++, cell += t.n_columns) {
        cell[MODEL].text = l[i].row->label;
        cell[PARAMS].value = l[i].params;
        cell[OURS].value = l[i].ours;
        cell[PAPER].value = l[i].row->paper;
        cell[OTHER].value = l[i].other;
        if (number == 1)
            cell[OTHERS].value = l[i].row->paper_ratio;
    }
    latex_table(f, &t, &(struct latex_about){.caption = captions[number - 1], .columns = looks[number - 1]}, arena);
}

int model_paper_table(int number, enum model_output format, struct arena *arena, struct outfile *out, struct diag *diag)
{
    struct line lines[MAX_ROWS];
    int n = fill(number, lines, arena, diag), missed = 0;
    if (n < 0)
        return -1;
    if (format == MODEL_LATEX)
        write_latex(number, lines, n, arena, out);
    else if (format == MODEL_JSON)
        write_json(number, lines, n, out);
    else if (number == 1)
        print_1(lines, n, out);
    else
        print_2(lines, n, out);
    for (int i = 0; i < n; i++)
        missed += !lines[i].met;
    return missed > 0;
}
