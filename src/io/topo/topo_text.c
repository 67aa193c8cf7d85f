/* Networks as text for people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/topo/topo_writers.h"
#include "topology/ends.h"

/* "16,384"; returns buf. */
static const char *grouped(double count, char *buf, size_t size)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", count);
    size_t used = 0;
    for (int i = 0; i < n && used + 2 < size; i++) {
        if (i && (n - i) % 3 == 0)
            buf[used++] = ',';
        buf[used++] = digits[i];
    }
    buf[used] = '\0';
    return buf;
}

static const char *value_of(const struct topo_figure *f, char *buf, size_t size)
{
    char text[48];
    if (isnan(f->value))
        return "-";
    if (!f->unit)
        return f->dim == DIM_RATIO ? (snprintf(buf, size, "%.4g", f->value), buf)
                                   : unit_format(f->value, f->dim, buf, size);
    if (f->value == round(f->value))
        grouped(f->value, text, sizeof text);
    else
        snprintf(text, sizeof text, "%.4f", f->value);
    snprintf(buf, size, "%s%s%s", text, *f->unit ? " " : "", f->unit);
    return buf;
}

static void print_rates(const char *of, double least_Bps, double most_Bps, struct outfile *f)
{
    char least[32], most[32];
    if (most_Bps <= 0)
        return;
    outfile_printf(f, "%s%s", of, unit_format(least_Bps, DIM_BANDWIDTH, least, sizeof least));
    if (least_Bps != most_Bps)
        outfile_printf(f, " to %s", unit_format(most_Bps, DIM_BANDWIDTH, most, sizeof most));
}

/* What the user's file says, which no key of the cluster does. */
static void print_file(const struct topo_report *r, struct outfile *f)
{
    struct net_extent e = topo_extent(r);
    outfile_printf(f, "\nof the file: switches of %u", e.least_ports);
    if (e.least_ports != e.most_ports)
        outfile_printf(f, " to %u", e.most_ports);
    outfile_printf(f, " ports in use");
    print_rates(", cables between them of ", e.least_cable_Bps, e.most_cable_Bps, f);
    print_rates(", cables of NICs of ", e.least_nic_Bps, e.most_nic_Bps, f);
}

static void print_head(const struct topo_report *r, struct outfile *f)
{
    const struct cluster_hw *hw = r->cluster->hw;
    char port[32];
    outfile_printf(f, "%s: %s (paper %s)\n", r->type->name, r->type->doc, r->type->ref);
    outfile_printf(f, "hardware %s: %lld nodes of %lld GPUs", r->cluster->hardware, (long long)hw->nodes,
                   (long long)hw->node.gpus);
    if (r->type->keys == &net_file_keys)
        print_file(r, f);
    else if (r->counts.switches)
        outfile_printf(f, ", %lld-port switches of %s per port", (long long)hw->network.switch_ports,
                       unit_format(hw->network.port_Bps, DIM_BANDWIDTH, port, sizeof port));
    outfile_printf(f, "\n\n");
    if (r->topo && r->topo->sharing)
        outfile_printf(f, "%u NICs of the network's for %u GPUs; a GPU uses up to %u\n\n",
                       r->topo->n_ports / ends_ports(r->topo), r->topo->n_endpoints, topology_nics_per_gpu(r->topo));
    if (r->topo && r->topo->ports_per_nic > 1 && ends_ports(r->topo) > 1)
        outfile_printf(f, "NICs of %u ports of %s, as cables between switches\n\n", ends_ports(r->topo),
                       unit_format(ends_port_line_Bps(hw, ends_ports(r->topo)), DIM_BANDWIDTH, port, sizeof port));
}

static void print_cost(const struct topo_report *r, struct outfile *f)
{
    char count[48], sum[48];
    outfile_printf(f, "\n%-20s %14s %14s %18s\n", "cost", "count", "each [USD]", "sum [USD]");
    for (int i = 0; i < COST_ITEMS; i++) {
        const struct cost_item *item = &r->cost->items[i];
        if (item->count && item->sum_USD > 0)
            outfile_printf(f, "  %-18s %14s %14.2f %18s\n", item->name,
                           grouped((double)item->count, count, sizeof count), item->each_USD,
                           grouped(item->sum_USD, sum, sizeof sum));
    }
    outfile_printf(f, "  %-18s %14s %14s %18s\n", "network", "", "", grouped(r->cost->total_USD, sum, sizeof sum));
    outfile_printf(f, "  %-18s %14s %14s %18.2f\n", "per endpoint", "", "", r->cost->per_endpoint_USD);
    outfile_printf(f,
                   "prices of %s; those that come with moesim are calibrated on Table 3 of the "
                   "paper ('moesim topo --table3'), not taken from offers; street prices, of the whole cluster, are "
                   "another list (cluster.cost)\n",
                   r->prices_file);
    const char *note = topo_cost_note(r);
    if (note)
        outfile_printf(f, "note: %s\n", note);
}

/* How a figure was found, as a numbered footnote; 0 for what is plainly counted. */
static uint32_t footnote(const char *method, const char **notes, uint32_t *n)
{
    if (!strcmp(method, FIGURE_CLOSED) || !strcmp(method, FIGURE_BUILT))
        return 0;
    for (uint32_t i = 0; i < *n; i++)
        if (!strcmp(notes[i], method))
            return i + 1;
    notes[(*n)++] = method;
    return *n;
}

static void print_figures(const struct topo_figure *figures, uint32_t n, const char **notes, struct outfile *f)
{
    uint32_t n_notes = 0;
    for (uint32_t i = 0; i < n; i++) {
        char value[64];
        outfile_printf(f, "%-20s %14s  %s", figures[i].name, value_of(&figures[i], value, sizeof value),
                       figures[i].doc);
        uint32_t number = footnote(figures[i].method, notes, &n_notes);
        if (number)
            outfile_printf(f, " [%u]", number);
        outfile_printf(f, "\n");
    }
    for (uint32_t i = 0; i < n_notes; i++)
        outfile_printf(f, "%s[%u] %s\n", i ? "" : "\n", i + 1, notes[i]);
}

int topo_write_text(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    struct topo_figure *figures;
    uint32_t n = topo_figures(r, &figures);
    (void)diag;
    print_head(r, f);
    print_figures(figures, n, ARENA_ARRAY(r->arena, const char *, n + 1), f);
    if (r->metrics && r->topo->n_endpoints > TOPO_MOST_GPUS)
        outfile_printf(f, "\nFlows of an all-to-all over cables are counted up to %d GPUs.\n", TOPO_MOST_GPUS);
    if (r->cost)
        print_cost(r, f);
    return 0;
}

/* --- Table 3 ---------------------------------------------------------------------------------------- */

static void print_counts(const struct table3 *t, const char *name, size_t ours, size_t papers, struct outfile *f)
{
    char text[48];
    outfile_printf(f, "%-26s", name);
    for (int i = 0; i < TABLE3_COLUMNS; i++) {
        const uint64_t *n = (const void *)((const char *)&t->columns[i] + ours);
        outfile_printf(f, " %12s", grouped((double)*n, text, sizeof text));
    }
    outfile_printf(f, "\n%-26s", "  paper");
    for (int i = 0; i < TABLE3_COLUMNS; i++) {
        const uint64_t *n = (const void *)((const char *)&t->columns[i] + papers);
        outfile_printf(f, " %12s", grouped((double)*n, text, sizeof text));
    }
    outfile_printf(f, "\n");
}

static void print_money(const struct table3 *t, const char *name, size_t member, double scale, const char *format,
                        struct outfile *f)
{
    outfile_printf(f, "%-26s", name);
    for (int i = 0; i < TABLE3_COLUMNS; i++) {
        const double *value = (const void *)((const char *)&t->columns[i] + member);
        char text[32];
        snprintf(text, sizeof text, format, *value * scale);
        outfile_printf(f, " %12s", text);
    }
    outfile_printf(f, "\n");
}

#define OF(member) offsetof(struct table3_column, member)

static void print_prices(const struct table3 *t, const char *prices_file, struct outfile *f)
{
    const struct cost_item *dragonfly = t->columns[TABLE3_COLUMNS - 1].cost.items;
    outfile_printf(f, "\nOne price list for all columns (%s, calibrated on this table):", prices_file);
    for (int i = 0; i < COST_ITEMS; i++)
        outfile_printf(f, "%s %s %.2f USD", i ? "," : "", dragonfly[i].name, dragonfly[i].each_USD);
    outfile_printf(f, "\n");
}

void table3_write_text(const struct table3 *t, const char *prices_file, struct outfile *f)
{
    outfile_printf(f, "Table 3 of the paper, ours above the paper's\n\n%-26s", "");
    for (int i = 0; i < TABLE3_COLUMNS; i++)
        outfile_printf(f, " %12s", t->columns[i].name);
    outfile_printf(f, "\n");
    print_counts(t, "Endpoints", OF(counts.endpoints), OF(paper.endpoints), f);
    print_counts(t, "Switches", OF(counts.switches), OF(paper.switches), f);
    print_counts(t, "Links", OF(counts.links), OF(paper.links), f);
    print_money(t, "Cost [M$]", OF(cost.total_USD), 1e-6, "%.2f", f);
    print_money(t, "  paper", OF(paper.cost_USD), 1e-6, "%.0f", f);
    print_money(t, "  error [%]", OF(cost_error_ratio), 100, "%+.2f", f);
    print_money(t, "Cost/Endpoint [k$]", OF(cost.per_endpoint_USD), 1e-3, "%.3f", f);
    print_money(t, "  of rounded M$", OF(per_endpoint_of_rounded_USD), 1e-3, "%.3f", f);
    print_money(t, "  paper", OF(paper.per_endpoint_USD), 1e-3, "%.3g", f);
    print_prices(t, prices_file, f);
    outfile_printf(f, "\n%s\n\nRemarks\n",
                   t->holds ? "Counts are exact and all costs within 1 %."
                            : "Counts or costs are off: see the rows above.");
    for (int i = 0; i < TABLE3_REMARKS; i++)
        outfile_printf(f, "- %s\n", t->remarks[i]);
}
