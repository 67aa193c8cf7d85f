/* The keys of scenarios: those that all kinds share, and the tables that kinds bring (io/kind.h). One table holds
 * them all: it is what `moesim schema` and the manual page show, and by which a key in a table of another kind is known.
 *
 * A kind's struct lies behind struct scenario, in the order in which the kinds list their keys. */
#include "io/kind.h"

#include "base/cfg_rows.h"

#include <string.h>

static const struct cfg_field sim_fields[] = {
    ROW_CHOICE(sim_cfg, "network", network, "flow", net_kind_names,
               "network model: flow (ours, exact), cm02 (SimGrid's, slow), bound (no sharing), packet (queues, small "
               "networks)"),
    ROW_RATIO(
        sim_cfg, "epsilon", epsilon, "0", 0, 0.1,
        "rates are found once for all flows that end within this share of the time that they have run: faster where "
        "hundreds share links; 0 = at every end, exact (kinds inference, serving, speculative: 0.01, tpot_bound: "
        "0.003); with sim.checked the error is measured",
        .needs = ".network=flow"),
    ROW_FLAG(
        sim_cfg, "checked", checked, "false",
        "verify conservation of bytes and link capacities at every event: slow; with an epsilon, simulate without it, "
        "too, and say how far ends are off",
        .needs = ".network=flow,packet"),
    {.name = "seed",
     .type = CFG_INT,
     .offset = offsetof(struct sim_cfg, seed),
     .dflt = "1",
     .min = 0,
     .max = 9007199254740991, /* 2^53 - 1: survives every JSON reader */
     .doc = "seed of everything that is sampled"},
    {0},
};

static const struct cfg_table sim_table = {
    .name = "sim",
    .doc = "How the simulation runs",
    .size = sizeof(struct sim_cfg),
    .fields = sim_fields,
};

static const struct cfg_field shared_fields[] = {
    ROW_TEXT(scenario, "name", name, "", "short name for reports (default: the file's name)"),
    ROW_TEXT(scenario, "description", description, "", "one sentence for people"),
    ROW_TEXT(scenario, "kind", kind, NULL, "what runs (moesim list kinds)", .example = "inference"),
    ROW_TEXT(scenario, "hardware", hardware, "",
             "folder under configs/ whose numbers the cluster starts from (moesim list hardware)"),
    ROW_TEXT(scenario, "model", model, "",
             "model under configs/models whose dimensions llm starts from (moesim list models)"),
    ROW_TEXT(scenario, "proposals", proposals, "",
             "proposals of the paper that are applied in this order, separated by ';', each NAME:key=value,... (moesim "
             "list proposals)"),
    ROW_PART(scenario, "cluster", cluster, cluster_hw_table, "the machines and their network"),
    ROW_PART(scenario, "llm", llm, model_table, "the language model"),
    ROW_PART(scenario, "expert_load", expert_load, expert_load_table,
             "how unequally experts are used; redundant experts and where they stand"),
    ROW_PART(scenario, "sim", sim, sim_table, "how the simulation runs"),
    {0},
};

const struct kind_keys cluster_keys = {"cluster", &cluster_hw_table, NULL}, sim_keys = {"sim", &sim_table, NULL};
const struct kind_keys llm_keys = {"llm", &model_table, NULL},
                       expert_load_keys = {"expert_load", &expert_load_table, NULL};

/* --- the kinds' tables behind them ------------------------------------------------------------------------------ */

enum { MAX_ROOT_KEYS = 200 };

struct root {
    struct cfg_field fields[MAX_ROOT_KEYS]; /* ends with name == NULL */
    size_t n;
    struct cfg_table table;
};

static size_t find(const struct root *r, const struct cfg_table *table)
{
    size_t i = 0;
    while (i < r->n && r->fields[i].sub != table)
        i++;
    return i;
}

static void insert(struct root *r, size_t at, struct cfg_field field)
{
    BUG_IF(r->n + 1 >= MAX_ROOT_KEYS);
    memmove(&r->fields[at + 1], &r->fields[at], (r->n - at) * sizeof *r->fields);
    r->fields[at] = field;
    r->n++;
}

/* A table that is new stands before the next one of its kind that is there already, else before `sim`. */
static size_t place_of(const struct root *r, const struct kind_reads *reads)
{
    for (; reads->keys; reads++) {
        size_t at = find(r, reads->keys->table);
        if (at < r->n)
            return at;
    }
    return r->n - 1;
}

static void add_kind(struct root *r, const struct scenario_kind *kind)
{
    const size_t align = sizeof(long double);
    for (const struct kind_reads *reads = kind->reads; reads->keys; reads++) {
        const struct kind_keys *keys = reads->keys;
        if (find(r, keys->table) < r->n)
            continue;
        size_t offset = (r->table.size + align - 1) / align * align;
        insert(r, place_of(r, reads),
               (struct cfg_field){
                   .name = keys->name, .type = CFG_TABLE, .offset = offset, .sub = keys->table, .doc = keys->doc});
        r->table.size = offset + keys->table->size;
    }
}

static const struct root *root(void)
{
    static struct root r;
    if (r.n)
        return &r;
    r.table = (struct cfg_table){"scenario", "A scenario of moesim", sizeof(struct scenario), r.fields};
    for (const struct cfg_field *f = shared_fields; f->name; f++)
        r.fields[r.n++] = *f;
    for (const struct scenario_kind *const *k = kind_all(); *k; k++)
        add_kind(&r, *k);
    return &r;
}

const struct cfg_table *scenario_table(void)
{
    return &root()->table;
}

const void *kind_keys(const struct scenario *s, const struct kind_keys *keys)
{
    size_t at = find(root(), keys->table);
    BUG_IF(at == root()->n); /* no kind lists it */
    return (const char *)s + root()->fields[at].offset;
}

enum reads kind_reads(const struct scenario_kind *kind, const char *table)
{
    for (const struct kind_reads *reads = kind->reads; reads->keys; reads++)
        if (!strcmp(reads->keys->name, table))
            return reads->if_model ? READS_IF_MODEL : READS_ALWAYS;
    return READS_NOT;
}
