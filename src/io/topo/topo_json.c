/* Networks as JSON. Nothing in it depends on when or where it was written. */
#include <math.h>
#include <string.h>

#include "config.h"
#include "io/json_config.h"
#include "io/topo/topo_drawing.h"
#include "io/topo/topo_writers.h"

static cJSON *start(const char *kind)
{
    cJSON *root = cJSON_CreateObject();
    json_add_number(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", kind);
    return root;
}

static cJSON *add_provenance(cJSON *root)
{
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    cJSON_AddStringToObject(p, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(p, "version", PACKAGE_VERSION);
    return cJSON_AddObjectToObject(p, "sources");
}

static void add_cost(cJSON *to, const struct topo_cost *cost)
{
    cJSON *items = cJSON_AddArrayToObject(to, "items");
    for (int i = 0; i < COST_ITEMS; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(items, o);
        cJSON_AddStringToObject(o, "name", cost->items[i].name);
        json_add_number(o, "count", (double)cost->items[i].count);
        json_add_number(o, "each_USD", cost->items[i].each_USD);
        json_add_number(o, "sum_USD", cost->items[i].sum_USD);
    }
    json_add_number(to, "total_USD", cost->total_USD);
    json_add_number(to, "per_endpoint_USD", cost->per_endpoint_USD);
}

static const char *const drawn_kinds[] = {[DRAWN_NODE] = "node", [DRAWN_SWITCH] = "switch", [DRAWN_GROUP] = "group"};

static cJSON *drawn_node(const struct drawn_node *n)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "kind", drawn_kinds[n->kind]);
    json_add_number(o, "number", n->number);
    json_add_number(o, "level", n->level);
    if (n->kind == DRAWN_NODE)
        json_add_number(o, "gpus", n->gpus);
    if (n->kind == DRAWN_SWITCH)
        json_add_number(o, "plane", n->plane);
    if (n->kind != DRAWN_GROUP)
        return o;
    json_add_number(o, "switches", n->switches);
    json_add_number(o, "nic_ports", n->nic_ports);
    json_add_number(o, "cables_inside", n->inside);
    return o;
}

static void add_drawing(cJSON *root, const struct topo_report *r)
{
    struct topo_drawing d;
    topo_draw(r->topo, r->graph, r->arena, &d);
    cJSON *o = cJSON_AddObjectToObject(root, "drawing");
    cJSON_AddBoolToObject(o, "condensed", d.condensed);
    cJSON_AddBoolToObject(o, "leaves_meet", d.leaves_meet);
    cJSON *nodes = cJSON_AddArrayToObject(o, "nodes"), *edges = cJSON_AddArrayToObject(o, "edges");
    for (uint32_t i = 0; i < d.n_nodes; i++)
        cJSON_AddItemToArray(nodes, drawn_node(&d.nodes[i]));
    for (uint32_t i = 0; i < d.n_edges; i++) {
        cJSON *edge = cJSON_CreateObject();
        json_add_number(edge, "from", d.edges[i].a);
        json_add_number(edge, "to", d.edges[i].b);
        json_add_number(edge, "cables", d.edges[i].cables);
        if (isfinite(d.edges[i].load)) {
            json_add_number(edge, "flows", d.edges[i].flows);
            json_add_number(edge, "load", d.edges[i].load);
        }
        cJSON_AddItemToArray(edges, edge);
    }
}

int topo_write_json(const struct topo_report *r, struct outfile *f, struct diag *diag)
{
    struct topo_figure *figures;
    uint32_t n = topo_figures(r, &figures);
    cJSON *root = start("topology");
    (void)diag;
    cJSON_AddStringToObject(root, "topology", r->type->name);
    json_config(cJSON_AddObjectToObject(root, "scenario"), r->cluster->cfg);
    cJSON *metrics = cJSON_AddObjectToObject(root, "metrics");
    for (uint32_t i = 0; i < n; i++) {
        cJSON *o = cJSON_AddObjectToObject(metrics, figures[i].name);
        json_add_number(o, "value", figures[i].value);
        cJSON_AddStringToObject(o, "unit", figures[i].unit ? figures[i].unit : unit_dim_si(figures[i].dim));
        cJSON_AddStringToObject(o, "doc", figures[i].doc);
        cJSON_AddStringToObject(o, "method", figures[i].method);
    }
    if (r->topo)
        add_drawing(root, r);
    if (r->cost) {
        cJSON *cost = cJSON_AddObjectToObject(root, "cost");
        json_config(cJSON_AddObjectToObject(cost, "prices"), r->prices);
        add_cost(cost, r->cost);
        const char *note = topo_cost_note(r);
        if (note)
            cJSON_AddStringToObject(cost, "note", note);
    }
    cJSON *sources = add_provenance(root);
    json_sources(sources, r->cluster->cfg);
    if (r->cost)
        json_sources(cJSON_AddObjectToObject(sources, "prices"), r->prices);
    json_write(root, f);
    return 0;
}

static void add_counts(cJSON *to, uint64_t endpoints, uint64_t switches, uint64_t links)
{
    json_add_number(to, "endpoints", (double)endpoints);
    json_add_number(to, "switches", (double)switches);
    json_add_number(to, "links", (double)links);
}

void table3_write_json(const struct table3 *t, const struct cfg *prices, struct outfile *f)
{
    cJSON *root = start("table3"), *columns = cJSON_AddArrayToObject(root, "columns");
    for (int i = 0; i < TABLE3_COLUMNS; i++) {
        const struct table3_column *c = &t->columns[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(columns, o);
        cJSON_AddStringToObject(o, "name", c->name);
        cJSON_AddStringToObject(o, "topology", c->topology);
        add_counts(o, c->counts.endpoints, c->counts.switches, c->counts.links);
        add_cost(cJSON_AddObjectToObject(o, "cost"), &c->cost);
        json_add_number(o, "cost_error_ratio", c->cost_error_ratio);
        json_add_number(o, "per_endpoint_of_rounded_USD", c->per_endpoint_of_rounded_USD);
        cJSON *paper = cJSON_AddObjectToObject(o, "paper");
        add_counts(paper, c->paper.endpoints, c->paper.switches, c->paper.links);
        json_add_number(paper, "cost_USD", c->paper.cost_USD);
        json_add_number(paper, "per_endpoint_USD", c->paper.per_endpoint_USD);
    }
    cJSON_AddBoolToObject(root, "holds", t->holds);
    cJSON_AddStringToObject(root, "class", "counts: count; costs: calibrated on this table");
    cJSON *remarks = cJSON_AddArrayToObject(root, "remarks");
    for (int i = 0; i < TABLE3_REMARKS; i++)
        cJSON_AddItemToArray(remarks, cJSON_CreateString(t->remarks[i]));
    json_config(cJSON_AddObjectToObject(root, "prices"), prices);
    json_sources(add_provenance(root), prices);
    json_write(root, f);
}
