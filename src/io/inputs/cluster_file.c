#include "io/inputs/cluster_file.h"

#include <string.h>

#include "base/yaml_text.h"
#include "io/hardware.h"
#include "io/scenario.h"
#include "topology/topo_keys.h"
#include "base/cfg_rows.h"

struct keys {
    const char *hardware;
    struct cluster_hw cluster;
};

static const struct cfg_field keys_fields[] = {
    ROW_TEXT(keys, "hardware", hardware, "h800", "folder under configs/ whose numbers the cluster starts from"),
    ROW_PART(keys, "cluster", cluster, cluster_hw_table, "the machines and their network"),
    {0}};
static const struct cfg_table keys_table = {"cluster", "a cluster", sizeof(struct keys), keys_fields};

/* The scenario's keys that say nothing about the cluster. */
static const char *const *other_keys(struct arena *arena)
{
    size_t n = 0;
    for (const struct cfg_field *f = scenario_table()->fields; f->name; f++)
        n++;
    const char **names = ARENA_ARRAY(arena, const char *, n + 1);
    n = 0;
    for (const struct cfg_field *f = scenario_table()->fields; f->name; f++)
        if (strcmp(f->name, "hardware") && strcmp(f->name, "cluster"))
            names[n++] = f->name;
    return names;
}

static const char one_node[] = "cluster: {nodes: {value: 1, source: default}}\n";

/* A scenario is read once, for it may be a pipe. */
static void lay_own_keys(const struct cluster_source *from, const char *text, size_t len, struct cfg *cfg,
                         struct arena *arena, struct diag *diag)
{
    const char *name = from->scenario ? from->scenario : "default";
    if (text)
        cfg_load_text(cfg, text, len, name, "", false, other_keys(arena), diag);
    cfg_ground(cfg); /* what the scenario says is for the network that it chooses */
    if (from->hardware)
        cfg_override(cfg, arena_printf(arena, "hardware=%s", from->hardware), diag);
    cfg_override(cfg, arena_printf(arena, "cluster.topology=%s", from->topology), diag);
    for (int i = 0; i < from->n_set; i++)
        cfg_override(cfg, from->set[i], diag);
    if (from->nodes)
        cfg_override(cfg, arena_printf(arena, "cluster.nodes=%s", from->nodes), diag);
}

/* The hardware is known only once the layers above it are: they are laid twice, as in scenario.c. */
static const char *peek_hardware(const struct cluster_source *from, const char *text, size_t len, struct srcloc *where,
                                 struct arena *arena)
{
    struct cfg *cfg = cfg_new(&keys_table, arena);
    struct diag *quiet = diag_new();
    lay_own_keys(from, text, len, cfg, arena, quiet);
    diag_free(quiet);
    *where = cfg_where(cfg, "hardware");
    return ((struct keys *)cfg_struct(cfg))->hardware;
}

static void check_topology_keys(struct cfg *cfg, const struct cluster_hw *hw, struct diag *diag)
{
    const char *const used[] = {hw->topology, NULL};
    struct topo_keys_use use = {.prefix = "cluster.network", .used = used};
    topo_keys_check(cfg, &use, hw, diag);
}

int cluster_load(const struct cluster_source *from, struct arena *arena, struct cluster_file *out, struct diag *diag)
{
    size_t before = diag_count(diag);
    struct srcloc where;
    const char *text = one_node;
    size_t len = sizeof one_node - 1;
    if (from->scenario && yaml_text_read(from->scenario, arena, &text, &len, diag))
        text = NULL;
    const char *hardware = peek_hardware(from, text, len, &where, arena);
    struct cfg *cfg = cfg_new(&keys_table, arena);
    int failed = hardware_lay(cfg, hardware, where, from->scenario, arena, diag);
    struct keys *keys = cfg_struct(cfg);
    lay_own_keys(from, text, len, cfg, arena, diag);
    keys->cluster.network.beside = from->scenario;
    keys->cluster.network.port_given = cfg_is_own(cfg, "cluster.network.port_bandwidth");
    if (!failed && diag_count(diag) == before)
        cfg_finish(cfg, diag);
    if (!failed && diag_count(diag) == before)
        check_topology_keys(cfg, &keys->cluster, diag);
    *out = (struct cluster_file){keys->hardware, &keys->cluster, cfg};
    return diag_count(diag) > before ? -1 : 0;
}
