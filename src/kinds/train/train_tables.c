/* Tables of a training step. */
#include <math.h>
#include <string.h>

#include "kinds/result_build.h"
#include "kinds/train/train_report.h"

static struct result_table *add_table(const struct train_report *r, const char *name, const char *doc,
                                      const struct result_column *columns, uint32_t n_columns, uint32_t rows)
{
    return result_add_table(&r->run->result, r->run->arena, name, doc, columns, n_columns, rows);
}

/* --- Table 4 --------------------------------------------------------------------------------------------------------- */

enum { T4_NETWORK, T4_WHAT, T4_STEP, T4_FIRST, N_T4 = T4_FIRST + N_FIGURES };

static const struct result_column *table4_columns(struct arena *arena)
{
    struct result_column *c = ARENA_ARRAY(arena, struct result_column, N_T4);
    c[T4_NETWORK] = (struct result_column){"network", DIM_COUNT, "", true};
    c[T4_WHAT] = (struct result_column){"of", DIM_COUNT, "simulated: which ranks; or the paper", true};
    c[T4_STEP] = (struct result_column){"step_time", DIM_TIME, "", false};
    for (int f = 0; f < N_FIGURES; f++)
        c[T4_FIRST + f] = (struct result_column){train_figure_types[f].name, train_figure_types[f].dim,
                                                 train_figure_types[f].doc, false};
    return c;
}

static void add_figures_row(struct result_table *t, const char *network, const char *what, double step_s,
                            const struct train_figures *f)
{
    struct result_cell *row = result_add_row(t);
    row[T4_NETWORK].text = network;
    row[T4_WHAT].text = what;
    row[T4_STEP].value = step_s;
    for (int i = 0; i < N_FIGURES; i++)
        row[T4_FIRST + i].value = f->value[i];
}

static void add_simulated_row(const struct train_report *r, struct result_table *t, uint32_t network, const char *what,
                              const struct train_row *row)
{
    const struct train_outcome *o = &r->outcomes[network];
    struct train_figures f = train_figures_of(r->plan, o, row);
    add_figures_row(t, r->plan->networks[network].name, what, o->step_s, &f);
}

static void add_table4(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    struct result_table *t = add_table(r, "step", "a step on each network, the rows of the paper's Table 4",
                                       table4_columns(r->run->arena), N_T4, 5 * p->n_networks);
    for (uint32_t n = 0; n < p->n_networks; n++) {
        const struct train_outcome *o = &r->outcomes[n];
        const struct train_figures *paper = train_published(p, &p->networks[n]);
        if (p->layout.cfg->rank >= 0)
            add_simulated_row(r, t, n, train_reported_name(p, r->run->arena), train_reported(p, o));
        add_simulated_row(r, t, n, "mean of ranks", &o->mean);
        add_simulated_row(r, t, n, "least of ranks", &o->least);
        add_simulated_row(r, t, n, "most of ranks", &o->most);
        if (paper) /* its step: the sum of its rows */
            add_figures_row(t, p->networks[n].name, "paper, Table 4",
                            paper->value[FIGURE_F] + paper->value[FIGURE_BUBBLE] + paper->value[FIGURE_B] +
                                paper->value[FIGURE_W] + paper->value[FIGURE_FB] + paper->value[FIGURE_OPT],
                            paper);
    }
}

enum { DEV_NETWORK, DEV_ROW, DEV_IS, DEV_PAPER, DEV_RATIO, DEV_CLASS, DEV_MISSING, N_DEV };
static const struct result_column deviation_columns[N_DEV] = {
    {"network", DIM_COUNT, "", true},
    {"row", DIM_COUNT, "of Table 4", true},
    {"simulated", DIM_RATIO, "SI units; of the reported rank", false},
    {"paper", DIM_RATIO, "SI units", false},
    {"deviation", DIM_RATIO, "simulated / paper - 1", false},
    {"class", DIM_COUNT, "predicted, or arithmetic: follows from tokens_per_day", true},
    {"missing", DIM_COUNT, "what a miss of more than 5 % may come from", true},
};

static const double worth_a_word_ratio = 0.05;

static void add_deviations(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    struct result_table *t = NULL;
    for (uint32_t n = 0; n < p->n_networks; n++) {
        const struct train_figures *paper = train_published(p, &p->networks[n]);
        struct train_figures is = train_figures_of(p, &r->outcomes[n], train_reported(p, &r->outcomes[n]));
        for (int f = 0; paper && f < N_FIGURES; f++) {
            const struct train_figure_type *type = &train_figure_types[f];
            if (!t)
                t = add_table(r, "deviation", "from the paper's Table 4", deviation_columns, N_DEV,
                              N_FIGURES * p->n_networks);
            struct result_cell *row = result_add_row(t);
            double ratio = is.value[f] / paper->value[f] - 1;
            row[DEV_NETWORK].text = p->networks[n].name;
            row[DEV_ROW].text = type->name;
            row[DEV_IS].value = is.value[f];
            row[DEV_PAPER].value = paper->value[f];
            row[DEV_RATIO].value = ratio;
            row[DEV_CLASS].text = type->class;
            row[DEV_MISSING].text = type->missing && fabs(ratio) > worth_a_word_ratio ? type->missing : "";
        }
    }
}

/* --- the bubble --------------------------------------------------------------------------------------------------------- */

enum { BRIDGE_STEP, BRIDGE_REPORTED, BRIDGE_MEAN, N_BRIDGE_COLUMNS };
static const struct result_column bridge_columns[N_BRIDGE_COLUMNS] = {
    {"with", DIM_COUNT, "what is taken into account, with all of the rows above", true},
    {"bubble", DIM_TIME, "of the reported rank", false},
    {"bubble_mean", DIM_TIME, "mean of ranks", false},
};

static void add_bridge_row(struct result_table *t, const char *what, double reported_s, double mean_s)
{
    struct result_cell *row = result_add_row(t);
    row[BRIDGE_STEP].text = what;
    row[BRIDGE_REPORTED].value = reported_s;
    row[BRIDGE_MEAN].value = mean_s;
}

static void add_bridge(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    double formula_s = train_formula_bubble_s(r);
    struct result_table *t = add_table(r, "bubble_bridge", "from the schedule's formula to the bubble of the step",
                                       bridge_columns, N_BRIDGE_COLUMNS, N_BRIDGE + 2);
    add_bridge_row(t, "the schedule's formula, mean times of chunks", formula_s, formula_s);
    for (int i = 0; i < N_BRIDGE; i++)
        add_bridge_row(t, train_bridge[i].name, train_reported(p, &r->bridge[i])->bubble_s, r->bridge[i].mean.bubble_s);
    add_bridge_row(t, "+ waiting for others before gradients and parameters",
                   train_reported(p, &r->outcomes[0])->bubble_s, r->outcomes[0].mean.bubble_s);
}

/* --- ranks, chunks, memory ------------------------------------------------------------------------------------------------- */

/* "embedding, 3 dense, 1 moe" */
static const char *stage_text(const struct train_plan *p, uint32_t stage, struct arena *arena)
{
    const struct chunk_stage *s = &p->layout.stages[stage];
    const char *text = "";
    for (uint32_t i = 0, n; i < s->n; i += n) {
        for (n = 1; i + n < s->n && s->kind[i + n] == s->kind[i];)
            n++;
        const char *comma = i ? ", " : "", *name = chunk_layer_names[s->kind[i]];
        text = n > 1 ? arena_printf(arena, "%s%s%u %s", text, comma, n, name)
                     : arena_printf(arena, "%s%s%s", text, comma, name);
    }
    return text;
}

enum { STAGE_NUMBER, STAGE_LAYERS, STAGE_COST, N_STAGE };
static const struct result_column stage_columns[N_STAGE] = {
    {"stage", DIM_COUNT, "", false},
    {"layers", DIM_COUNT, "", true},
    {"computation", DIM_TIME, "of a micro-batch, forward and backward, without exchanges", false},
};

static void add_stages(const struct train_report *r)
{
    const struct train_plan *p = r->plan;
    struct result_table *t = add_table(r, "stages",
                                       p->layout.cfg->layout[0]   ? "as train.layout gives them"
                                       : p->layout.cfg->layers[0] ? "as train.layers gives them"
                                                                  : "the fastest of table layouts",
                                       stage_columns, N_STAGE, p->layout.n_stages);
    for (uint32_t s = 0; s < p->layout.n_stages; s++) {
        struct result_cell *row = result_add_row(t);
        row[STAGE_NUMBER].value = s;
        row[STAGE_LAYERS].text = stage_text(p, s, r->run->arena);
        row[STAGE_COST].value = 0;
        for (uint32_t i = 0; i < p->layout.stages[s].n; i++)
            row[STAGE_COST].value += p->layer_s[p->layout.stages[s].kind[i]];
    }
}

enum { LAYOUT_LAYERS, LAYOUT_LEAST, LAYOUT_STEP, LAYOUT_WHY, N_LAYOUT };
static const struct result_column layout_columns[N_LAYOUT] = {
    {"layers", DIM_COUNT, "of each stage", true},
    {"busiest", DIM_TIME, "what its busiest pipeline rank computes in a step, without exchanges", false},
    {"step_time", DIM_TIME, "on the first network; empty: not simulated", false},
    {"note", DIM_COUNT, "", true},
};

static void add_layouts(const struct train_report *r)
{
    const struct train_deal *d = r->deal;
    if (d->n_ways < 2)
        return;
    struct result_table *t =
        add_table(r, "layouts", "ways to deal the layers to the stages: evenly, but for the last stage, with the head",
                  layout_columns, N_LAYOUT, d->n_ways);
    for (uint32_t i = 0; i < d->n_ways; i++) {
        const struct train_way *way = &d->ways[i];
        bool simulated = way->step_s < INFINITY;
        struct result_cell *row = result_add_row(t);
        row[LAYOUT_LAYERS].text = train_counts_text(way->counts, r->plan->layout.n_stages, r->run->arena);
        row[LAYOUT_LEAST].value = way->least_s;
        row[LAYOUT_STEP].value = simulated ? way->step_s : NAN;
        row[LAYOUT_WHY].text = i == d->best ? "taken"
                               : !way->fits ? "does not fit into memory"
                               : simulated  ? ""
                                            : "the busiest rank computes over 10 % more than needed";
    }
}

enum { RANK_NUMBER, RANK_F, RANK_BUBBLE, RANK_B, RANK_W, RANK_FB, RANK_OPT, RANK_MESSAGES, RANK_COMPUTE, N_RANK };
static const struct result_column rank_columns[N_RANK] = {
    {"rank", DIM_COUNT, "of the pipeline", false},
    {"f_time", DIM_TIME, "", false},
    {"bubble", DIM_TIME, "", false},
    {"b_time", DIM_TIME, "", false},
    {"w_time", DIM_TIME, "", false},
    {"fb_time", DIM_TIME, "", false},
    {"opt_time", DIM_TIME, "these six add up to the step", false},
    {"messages", DIM_TIME, "of the bubble: moving, both ranks being there", false},
    {"compute", DIM_TIME, "of the chunks: with a kernel on a compute stream", false},
};

static void add_ranks(const struct train_report *r)
{
    struct result_table *t = add_table(r, "ranks", "a step by pipeline rank, on the first network", rank_columns,
                                       N_RANK, r->plan->layout.ranks);
    for (uint32_t i = 0; i < r->plan->layout.ranks; i++) {
        const struct train_row *w = &r->outcomes[0].ranks[i];
        const double values[N_RANK] = {i,         w->forward_s,   w->bubble_s,  w->backward_s, w->weight_s,
                                       w->pair_s, w->optimizer_s, w->message_s, w->compute_s};
        struct result_cell *row = result_add_row(t);
        for (int k = 0; k < N_RANK; k++)
            row[k].value = values[k];
    }
}

enum { CHUNK_KIND, CHUNK_STAGES, CHUNK_MEAN, CHUNK_LEAST, CHUNK_MOST, CHUNK_COMPUTE, N_CHUNK };
static const struct result_column chunk_columns[N_CHUNK] = {
    {"chunk", DIM_COUNT, "", true},
    {"stages", DIM_COUNT, "forward, backward; one of those with the same layers", true},
    {"time", DIM_TIME, "mean of the samples", false},
    {"least", DIM_TIME, "", false},
    {"most", DIM_TIME, "", false},
    {"compute", DIM_TIME, "mean: with a kernel on a compute stream", false},
};

static const char *chunk_stages(const struct train_chunk *c, struct arena *arena)
{
    if (c->kind == STEP_FORWARD_BACKWARD)
        return arena_printf(arena, "%u, %u", c->forward, c->backward);
    return arena_printf(arena, "%u", c->kind == STEP_FORWARD ? c->forward : c->backward);
}

/* [samples][n_chunks] of the first place where the chunk was simulated. */
static const struct chunk_time *first_place(const struct train_times *t, uint32_t chunk)
{
    size_t samples = (size_t)t->samples * t->n_chunks;
    for (uint32_t class = 0; class < t->n_classes; class ++)
        if (t->time[class * samples + chunk].time_s > 0)
            return &t->time[class * samples];
    return t->time;
}

static void add_chunks(const struct train_report *r)
{
    const struct train_times *times = r->times;
    struct result_table *t =
        add_table(r, "chunks",
                  times->n_simulated < times->n_classes
                      ? "simulated on some groups of GPUs, each with several routings"
                      : "simulated on the first group of GPUs that has it, each with several routings",
                  chunk_columns, N_CHUNK, times->n_chunks);
    for (uint32_t i = 0; i < times->n_chunks; i++) {
        struct result_cell *row = result_add_row(t);
        const struct chunk_time *first = first_place(times, i);
        row[CHUNK_KIND].text = step_kind_names[times->chunks[i].kind];
        row[CHUNK_STAGES].text = chunk_stages(&times->chunks[i], r->run->arena);
        row[CHUNK_MEAN].value = row[CHUNK_COMPUTE].value = row[CHUNK_MOST].value = 0;
        row[CHUNK_LEAST].value = INFINITY;
        for (uint32_t k = 0; k < times->samples; k++) {
            const struct chunk_time *c = &first[(size_t)k * times->n_chunks + i];
            row[CHUNK_MEAN].value += c->time_s / times->samples;
            row[CHUNK_COMPUTE].value += c->compute_s / times->samples;
            row[CHUNK_LEAST].value = fmin(row[CHUNK_LEAST].value, c->time_s);
            row[CHUNK_MOST].value = fmax(row[CHUNK_MOST].value, c->time_s);
        }
    }
}

enum { MEM_RANK, MEM_WEIGHTS, MEM_GRADIENTS, MEM_OPTIMIZER, MEM_ACTIVATIONS, MEM_CHUNKS, MEM_TOTAL, N_MEM };
static const struct result_column memory_columns[N_MEM] = {
    {"rank", DIM_COUNT, "of the pipeline", false},
    {"parameters", DIM_BYTES, "", false},
    {"gradients", DIM_BYTES, "", false},
    {"optimizer", DIM_BYTES, "its share (ZeRO-1)", false},
    {"activations", DIM_BYTES, "at the schedule's peak", false},
    {"in_flight", DIM_COUNT, "most chunks of activations at once", false},
    {"total", DIM_BYTES, "", false},
};

static void add_memory(const struct train_report *r)
{
    struct result_table *t =
        add_table(r, "memory", "of a GPU, by pipeline rank", memory_columns, N_MEM, r->plan->layout.ranks);
    for (uint32_t i = 0; i < r->plan->layout.ranks; i++) {
        const struct train_memory *m = &r->plan->memory[i];
        const double values[N_MEM] = {
            i, m->weights_B, m->gradients_B, m->optimizer_B, m->activations_B, m->in_flight, m->total_B};
        struct result_cell *row = result_add_row(t);
        for (int k = 0; k < N_MEM; k++)
            row[k].value = values[k];
    }
}

void train_report_tables(const struct train_report *r)
{
    add_table4(r);
    add_deviations(r);
    add_bridge(r);
    add_ranks(r);
    add_chunks(r);
    add_stages(r);
    add_layouts(r);
    add_memory(r);
}
