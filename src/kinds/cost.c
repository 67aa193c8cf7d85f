/* Cost and energy of a run. What was paid for the hardware is spread evenly over its lifetime; a GPU draws
 *
 *   idle + memory * share of the time that kernels wait for memory + tensor * the same of tensor cores
 *
 * never more than its limit; everything else draws the same at any load; the site draws PUE times that. Ports, adapters and
 * cables of another bandwidth than the prices' cost and draw in proportion to it, which a note says. Left out: people,
 * buildings, interest, spare parts, storage, and what clocks do to power. */
#include "kinds/cost.h"

#include <math.h>
#include <string.h>

#include "kinds/result_build.h"
#include "topology/cost.h"

enum { J_PER_KWH = 3600000 };

struct part {
    const char *name, *key; /* of its price */
    double count, each_USD, each_W;
};

enum { MAX_PARTS = 8 };

struct bill {
    struct part parts[MAX_PARTS];
    uint32_t n;
    double total_USD, total_W; /* W: without PUE */
    const char *unpriced;      /* what there is of it and has no price: "NICs (cluster.cost.nic)"; "" = nothing */
};

static void add(struct bill *b, struct part p, struct arena *arena)
{
    if (p.count <= 0)
        return;
    b->parts[b->n++] = p;
    b->total_USD += p.count * p.each_USD;
    b->total_W += p.count * p.each_W;
    if (p.each_USD <= 0)
        b->unpriced =
            arena_printf(arena, "%s%s%s (cluster.cost.%s)", b->unpriced, *b->unpriced ? ", " : "", p.name, p.key);
}

static double gpu_W(const struct hw_cost *c, const struct kind_use *use)
{
    return fmin(c->limit_W, c->idle_W + c->memory_W * use->memory_ratio + c->tensor_W * use->tensor_ratio);
}

static double scale(double Bps, const struct hw_cost *c)
{
    return c->port_Bps > 0 ? Bps / c->port_Bps : 1;
}

static struct part scaled(struct part p, double by)
{
    p.each_USD *= by;
    p.each_W *= by;
    return p;
}

/* The parts of the network; nothing when it cannot be counted. */
static void add_network(struct bill *b, const struct cluster_hw *hw, struct arena *arena)
{
    struct topo_counts n = {0};
    struct diag *diag = diag_new();
    const struct hw_cost *c = &hw->cost;
    const struct topology_type *type = topology_find(hw->topology);
    bool known = type && !type->count(hw, &n, diag);
    diag_free(diag);
    if (!known) {
        b->unpriced = arena_printf(arena, "%s%sthe network", b->unpriced, *b->unpriced ? ", " : "");
        return;
    }
    double ports = (double)n.switches * (double)hw->network.switch_ports;
    double optical = (double)(n.links - n.short_links), copper = (double)n.short_links;
    double by = scale(hw->network.port_Bps, c), nic_by = scale(hw->nic.bandwidth_Bps, c);
    const struct part parts[] = {
        scaled((struct part){"NICs", "nic", (double)topo_nics(&n), c->nic_USD, c->nic_W}, nic_by),
        scaled((struct part){"ports of switches", "switch_port", ports, c->switch_port_USD, c->switch_port_W}, by),
        scaled((struct part){"optical cables", "optical_cable", optical, c->optical_cable_USD, c->cable_W}, by),
        scaled((struct part){"copper cables", "copper_cable", copper, c->copper_cable_USD, 0}, by),
        scaled((struct part){"cables of NICs", "endpoint_cable", (double)topo_nic_cables(&n), c->endpoint_cable_USD,
                             c->cable_W},
               by),
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add(b, parts[i], arena);
}

static struct bill bill_of(const struct cluster_hw *hw, double gpu_W, struct arena *arena)
{
    struct bill b = {.unpriced = ""};
    const struct hw_cost *c = &hw->cost;
    double nodes = (double)hw->nodes;
    add(&b, (struct part){"GPUs", "gpu", nodes * (double)hw->node.gpus, c->gpu_USD, gpu_W}, arena);
    add(&b, (struct part){"nodes", "node", nodes, c->node_USD, c->node_W}, arena);
    add_network(&b, hw, arena);
    return b;
}

double kind_cluster_USD(const struct cluster_hw *hw)
{
    struct arena *arena = arena_new();
    struct bill b = bill_of(hw, 0, arena);
    double total_USD = *b.unpriced || !hw->nodes ? NAN : b.total_USD;
    arena_free(arena);
    return total_USD;
}

const char *kind_cost_lacks(const struct kind_run *run, const char *metric)
{
    const struct kind_use *use = &run->use;
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    bool of_cluster = !strcmp(metric, "cluster_cost");
    bool of_tokens = use->tokens_per_s > 0 && (!strcmp(metric, "cost_per_million_tokens") ||
                                               (use->run_tokens > 0 && !strcmp(metric, "run_cost")));
    if (!hw->nodes && (of_cluster || !strcmp(metric, "network_cost")))
        return "the scenario does not say how many nodes there are; add -s cluster.nodes=N";
    if (hw->cost.limit_W <= 0 && (!strcmp(metric, "energy_per_token") || !strcmp(metric, "power")))
        return "this hardware does not say what it draws; give it a cost.yaml (as configs/h800/cost.yaml), or add -s "
               "cluster.cost.gpu_limit='700 W' and the other powers of cluster.cost";
    const char *unpriced = of_cluster || of_tokens ? bill_of(hw, 0, run->arena).unpriced : "";
    return *unpriced ? arena_printf(run->arena,
                                    "there is no price of %s; add -s KEY='PRICE USD', or a cost.yaml to the hardware "
                                    "(as configs/h800/cost.yaml)",
                                    unpriced)
                     : "";
}

/* --- the result -------------------------------------------------------------------------------------------- */

enum { COL_PART, COL_COUNT, COL_PRICE, COL_PAID, COL_POWER, COL_DRAWN, N_COL };
static const struct result_column columns[N_COL] = {
    {"part", DIM_COUNT, "of the cluster", true},
    {"count", DIM_COUNT, "", false},
    {"price", DIM_MONEY, "of one", false},
    {"paid", DIM_MONEY, "for all", false},
    {"power", DIM_POWER, "of one; GPUs: mean over the run; all else: cluster.cost, at any load", false},
    {"drawn", DIM_POWER, "by all, without PUE", false},
};

static void add_table(struct kind_run *run, const struct bill *b)
{
    struct result_table *t =
        result_add_table(&run->result, run->arena, "cost", "what the cluster is made of", columns, N_COL, b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        const struct part *p = &b->parts[i];
        struct result_cell *row = result_add_row(t);
        row[COL_PART].text = p->name;
        row[COL_COUNT].value = p->count;
        row[COL_PRICE].value = p->each_USD;
        row[COL_PAID].value = p->count * p->each_USD;
        row[COL_POWER].value = p->each_W;
        row[COL_DRAWN].value = p->count * p->each_W;
    }
}

static const char *source_of(const struct kind_run *run, const char *key)
{
    const char *full = arena_printf(run->arena, "cluster.cost.%s", key), *source = cfg_source(run->file->cfg, full);
    return source ? arena_printf(run->arena, "%s: %s", full, source) : full;
}

static struct result_metric *metric(struct kind_run *run, const char *name, double value, enum unit_dim dim,
                                    const char *doc, const char *formula)
{
    return result_add_metric(&run->result, run->arena, name, value, dim, doc, formula);
}

static void input(struct kind_run *run, struct result_metric *m, const char *name, double value, enum unit_dim dim,
                  const char *key)
{
    result_add_input(m, run->arena, name, value, dim, source_of(run, key));
}

static void add_energy(struct kind_run *run, const struct bill *b)
{
    const struct hw_cost *c = &run->file->scenario->cluster.cost;
    const struct kind_use *use = &run->use;
    double site_W = b->total_W * c->pue_ratio;
    struct result_metric *m =
        metric(run, "power", site_W, DIM_POWER, "of the whole cluster, mean over the run, with PUE",
               "PUE * (GPUs * (idle + memory * share + tensor * share) + nodes and network)");
    input(run, m, "PUE", c->pue_ratio, DIM_RATIO, "pue");
    input(run, m, "idle", c->idle_W, DIM_POWER, "gpu_idle");
    input(run, m, "memory", c->memory_W, DIM_POWER, "gpu_memory");
    input(run, m, "tensor", c->tensor_W, DIM_POWER, "gpu_tensor");
    input(run, m, "limit", c->limit_W, DIM_POWER, "gpu_limit");
    result_add_input(m, run->arena, "share of time for memory", use->memory_ratio, DIM_RATIO, "this run");
    result_add_input(m, run->arena, "share of time for tensor cores", use->tensor_ratio, DIM_RATIO, "this run");
    metric(run, "energy_per_token", site_W / use->tokens_per_s, DIM_ENERGY, "of the whole cluster, with PUE",
           "power / tokens per second");
    if (use->run_tokens > 0)
        metric(run, "run_energy", site_W / use->tokens_per_s * use->run_tokens, DIM_ENERGY, "of the whole training",
               "energy_per_token * tokens");
}

static void add_money(struct kind_run *run, const struct bill *b)
{
    const struct hw_cost *c = &run->file->scenario->cluster.cost;
    const struct kind_use *use = &run->use;
    double energy_USD_s = b->total_W * c->pue_ratio / J_PER_KWH * c->electricity_USD;
    double USD_s = b->total_USD / c->lifetime_s + energy_USD_s;
    struct result_metric *m = metric(run, "cluster_cost", b->total_USD, DIM_MONEY, "GPUs, nodes and network, bought",
                                     "sum over the table cost");
    input(run, m, "GPU", c->gpu_USD, DIM_MONEY, "gpu");
    input(run, m, "node", c->node_USD, DIM_MONEY, "node");
    input(run, m, "NIC", c->nic_USD, DIM_MONEY, "nic");
    input(run, m, "port of a switch", c->switch_port_USD, DIM_MONEY, "switch_port");
    m = metric(run, "cost_per_million_tokens", USD_s / use->tokens_per_s * 1e6, DIM_MONEY,
               "hardware over its lifetime, and electricity",
               "(cluster_cost / lifetime + power * price of electricity) / tokens per second");
    input(run, m, "lifetime", c->lifetime_s, DIM_TIME, "lifetime");
    input(run, m, "a kWh", c->electricity_USD, DIM_MONEY, "electricity");
    result_add_input(m, run->arena, "share of electricity", energy_USD_s / USD_s, DIM_RATIO, "this run");
    if (use->run_tokens > 0)
        metric(run, "run_cost", USD_s / use->tokens_per_s * use->run_tokens, DIM_MONEY,
               "of the whole training: hardware over its lifetime, and electricity",
               "cost_per_million_tokens * tokens / 1e6");
}

/* How far to trust it: what is assumed, what is not counted, and what was priced as something else. */
static void add_notes(struct kind_run *run, const struct bill *b)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    const char *assumed = "", *text = "";
    for (const struct cfg_field *f = hw_cost_table.fields; f->name; f++) {
        const char *source = cfg_source(run->file->cfg, arena_printf(run->arena, "cluster.cost.%s", f->name));
        bool is_assumed = (source && !strncmp(source, "assumption", strlen("assumption"))) ||
                          (!source && strstr(f->doc, "assumption"));
        if (is_assumed)
            assumed = arena_printf(run->arena, "%s%s%s", assumed, *assumed ? ", " : "", f->name);
    }
    if (*assumed)
        text = arena_printf(run->arena, "; assumptions (cluster.cost): %s", assumed);
    if (*b->unpriced && b->total_USD > 0)
        text = arena_printf(run->arena, "%s; costs are left out, without a price: %s", text, b->unpriced);
    double by = scale(hw->network.port_Bps, &hw->cost), nic_by = scale(hw->nic.bandwidth_Bps, &hw->cost);
    if (by != 1 || nic_by != 1)
        text = arena_printf(
            run->arena,
            "%s; assumption: ports and cables of %.4g Gb/s and adapters of %.4g Gb/s cost and draw %.4g and "
            "%.4g times what those of cluster.cost.port_bandwidth do",
            text, hw->network.port_Bps * 8e-9, hw->nic.bandwidth_Bps * 8e-9, by, nic_by);
    if (*text)
        result_add_note(&run->result, run->arena, arena_printf(run->arena, "cost and energy%s", text));
}

void kind_cost_add(struct kind_run *run)
{
    const struct cluster_hw *hw = &run->file->scenario->cluster;
    const struct kind_use *use = &run->use;
    bool has_energy = hw->cost.limit_W > 0;
    if (!(use->tokens_per_s > 0))
        return;
    struct cluster_hw paid = *hw;
    if (use->topology)
        paid.topology = use->topology;
    struct bill b = bill_of(&paid, gpu_W(&hw->cost, use), run->arena);
    bool has_money = !*b.unpriced;
    if (!(b.total_USD > 0) && !has_energy)
        return;
    if (has_money)
        add_money(run, &b);
    if (has_energy)
        add_energy(run, &b);
    add_table(run, &b);
    add_notes(run, &b);
}
