/* The result for people: what ran, the metrics beside what was recorded, phases, and a breakdown that
 * adds up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/results/writers.h"

/* What was recorded or published was measured without them. */
static void print_proposals(const struct scenario_file *s, FILE *out)
{
    struct arena *arena = arena_new();
    const char *text = proposal_stack_text(s->proposals, false, arena);
    if (*text)
        fprintf(out, "with proposals: %s\n", text);
    arena_free(arena);
}

static void print_headline(const struct result *r, const struct scenario_file *s, FILE *out)
{
    const struct scenario *sc = s->scenario;
    char nic[32], link[32];
    fprintf(out, "%s: %s\n", sc->name, sc->description ? sc->description : "");
    if (r->setting) {
        fprintf(out, r->no_network ? "%s\n" : "%s; network model: %s\n", r->setting, net_kind_names[sc->sim.network]);
        return;
    }
    fprintf(out, "%lld nodes x %lld %s on %s, NIC %s, NVLink %s per direction; network model: %s\n",
            (long long)sc->cluster.nodes, (long long)sc->cluster.node.gpus, sc->cluster.chip.name, sc->cluster.topology,
            unit_format(sc->cluster.nic.bandwidth_Bps, DIM_BANDWIDTH, nic, sizeof nic),
            unit_format(sc->cluster.node.nvlink_Bps, DIM_BANDWIDTH, link, sizeof link),
            net_kind_names[sc->sim.network]);
}

/* Four significant digits with a readable unit. */
static const char *shown(double value, enum unit_dim dim, char *buf, size_t size)
{
    char rounded[32];
    if (!isfinite(value))
        return "-";
    if (dim == DIM_RATIO || dim == DIM_COUNT) {
        bool whole = dim == DIM_COUNT && value == round(value) && fabs(value) < 1e15;
        snprintf(buf, size, whole ? "%.0f" : "%.4g", value);
        return buf;
    }
    if (dim == DIM_BYTES && strcspn(unit_format(value, dim, buf, size), " ") <= 4) /* 16 KiB stays 16 KiB */
        return buf;
    if (dim == DIM_TIME && fabs(value) >= 2 * 3600) {
        bool days = fabs(value) >= 2 * 86400;
        snprintf(buf, size, "%.4g %s", value / (days ? 86400 : 3600), days ? "d" : "h");
        return buf;
    }
    snprintf(rounded, sizeof rounded, "%.4g", value);
    double round_value = 0;
    sscanf(rounded, "%lf", &round_value);
    return unit_format(round_value, dim, buf, size);
}

static const char *difference(double is, double was, char *buf, size_t size)
{
    if (!isfinite(is) || !isfinite(was) || was == 0)
        return "";
    snprintf(buf, size, "%+.1f %%", 100 * (is / was - 1));
    return buf;
}

static bool any_recorded(const struct result *r)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (isfinite(r->metrics[i].recorded))
            return true;
    return false;
}

static void print_metrics(const struct result *r, FILE *out)
{
    bool beside = any_recorded(r);
    if (!r->n_metrics)
        return;
    fprintf(out, beside ? "\n%-34s %14s %14s %10s\n" : "\n%-34s %14s\n", "metric", "simulated", "recorded", "diff");
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        const struct result_metric *m = &r->metrics[i];
        char is[32], was[32], diff[32];
        const char *moved = difference(m->value, m->recorded, diff, sizeof diff);
        if (!beside) {
            fprintf(out, "%-34s %14s  %s\n", m->name, shown(m->value, m->dim, is, sizeof is), m->doc);
            continue;
        }
        fprintf(out, "%-34s %14s %14s %10s  %s\n", m->name, shown(m->value, m->dim, is, sizeof is),
                shown(m->recorded, m->dim, was, sizeof was), moved, m->doc);
    }
    fprintf(out, "(--explain METRIC: its formula, with numbers and where they are from)\n");
}

static void print_phases(const struct result *r, bool detail, FILE *out)
{
    if (!r->n_phases)
        return;
    fprintf(out, "\n%-16s %-6s %-14s %12s %12s %10s\n", "phase", "layer", "lane", "recorded ms", "simulated ms",
            "diff");
    for (uint32_t i = 0; i < r->n_phases; i++) {
        const struct result_phase *p = &r->phases[i];
        char layer[16] = "mean", diff[32];
        if (p->layer && !detail)
            continue;
        if (p->layer)
            snprintf(layer, sizeof layer, "%d", p->layer);
        fprintf(out, "%-16s %-6s %-14s %12.3f %12.3f %10s\n", p->name, layer, p->lane, 1e3 * p->recorded_s,
                1e3 * p->simulated_s, difference(p->simulated_s, p->recorded_s, diff, sizeof diff));
    }
}

static void print_breakdown(const struct result *r, FILE *out)
{
    double sum_s = 0;
    if (!r->n_parts)
        return;
    for (uint32_t i = 0; i < r->n_parts; i++)
        sum_s += r->parts[i].value_s;
    fprintf(out, "\n%-34s %12s %8s\n", "where the time goes", "ms", "share");
    for (uint32_t i = 0; i < r->n_parts; i++)
        fprintf(out, "%-34s %12.3f %6.1f %%\n", r->parts[i].name, 1e3 * r->parts[i].value_s,
                sum_s > 0 ? 100 * r->parts[i].value_s / sum_s : 0);
    fprintf(out, "%-34s %12.3f\n", "sum = makespan", 1e3 * sum_s);
}

/* --- tables ------------------------------------------------------------------------------------------ */

enum { SHORTEST_COLUMN = 8 };

static const char *cell_text(const struct result_table *t, uint32_t row, uint32_t column, char *buf, size_t size)
{
    const struct result_cell *cell = &t->cells[(size_t)row * t->n_columns + column];
    return t->columns[column].is_text ? cell->text : shown(cell->value, t->columns[column].dim, buf, size);
}

static int column_width(const struct result_table *t, uint32_t column)
{
    size_t width = strlen(t->columns[column].name);
    for (uint32_t row = 0; row < t->n_rows; row++) {
        char buf[32];
        size_t n = strlen(cell_text(t, row, column, buf, sizeof buf));
        width = n > width ? n : width;
    }
    return (int)(width > SHORTEST_COLUMN ? width : SHORTEST_COLUMN);
}

void result_print_table(const struct result_table *t, FILE *out)
{
    int *widths = checked_alloc(calloc(t->n_columns + 1, sizeof *widths));
    for (uint32_t i = 0; i < t->n_columns; i++)
        widths[i] = column_width(t, i);
    for (uint32_t row = 0; row <= t->n_rows; row++)
        for (uint32_t i = 0; i < t->n_columns; i++) {
            char buf[32];
            const char *text = row ? cell_text(t, row - 1, i, buf, sizeof buf) : t->columns[i].name;
            bool is_last_text = t->columns[i].is_text && i + 1 == t->n_columns;
            int width = is_last_text ? 0 : widths[i];
            fprintf(out, "%*s%s", t->columns[i].is_text ? -width : width, text, i + 1 < t->n_columns ? "  " : "\n");
        }
    free(widths);
}

static void print_table(const struct result_table *t, FILE *out)
{
    fprintf(out, "\n%s: %s\n", t->name, t->doc);
    result_print_table(t, out);
    for (uint32_t i = 0; i < t->n_columns; i++)
        if (*t->columns[i].doc)
            fprintf(out, "  %-18s %s\n", t->columns[i].name, t->columns[i].doc);
}

void result_print_text(const struct result *result, const struct scenario_file *scenario, bool detail, FILE *out)
{
    print_headline(result, scenario, out);
    print_proposals(scenario, out);
    print_metrics(result, out);
    print_phases(result, detail, out);
    print_breakdown(result, out);
    for (uint32_t i = 0; i < result->n_tables; i++)
        print_table(&result->tables[i], out);
    for (uint32_t i = 0; i < result->n_notes; i++)
        fprintf(out, "%snote: %s\n", i ? "" : "\n", result->notes[i]);
}
