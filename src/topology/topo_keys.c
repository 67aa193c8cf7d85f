#include "topology/topo_keys.h"

#include <string.h>

enum { MAX_TABLES = 256 };

const struct cfg_table *const *hw_topology_tables(void)
{
    static const struct cfg_table *tables[MAX_TABLES + 1];
    const struct topology_type *const *all = topology_all();
    size_t n = 0;
    for (; *all; all++) {
        BUG_IF(n == MAX_TABLES);
        if ((*all)->keys)
            tables[n++] = (*all)->keys;
    }
    tables[n] = NULL;
    return tables;
}

void topo_keys_read(const struct cluster_hw *hw, const struct cfg_table *keys, void *out)
{
    cfg_more_read(hw->network.topology_keys, keys, out);
}

struct srcloc topo_keys_where(const struct cluster_hw *hw, const char *name)
{
    return cfg_more_where(hw->network.topology_keys, name);
}

bool topo_keys_are_own(const struct cluster_hw *hw, const char *name)
{
    return cfg_more_is_own(hw->network.topology_keys, name);
}

static struct srcloc place_of_nics(const struct cluster_hw *hw)
{
    static const char *const keys[] = {"cluster.nic.per_node", "cluster.node.gpus"};
    const struct cfg *cfg = cfg_more_of(hw->network.topology_keys);
    for (int i = 0; cfg && i < 2; i++)
        if (cfg_source(cfg, keys[i]) && cfg_is_own(cfg, keys[i]))
            return cfg_where(cfg, keys[i]);
    return SRCLOC_NONE;
}

int topo_one_nic_per_gpu(const struct cluster_hw *hw, struct diag *diag)
{
    if (hw->nic.per_node == hw->node.gpus)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, place_of_nics(hw),
               "%lld NICs for %lld GPUs: in topology %s GPUs are cabled to each other, each by its own ports; write "
               "'cluster.nic.per_node: %lld'",
               (long long)hw->nic.per_node, (long long)hw->node.gpus, hw->topology, (long long)hw->node.gpus);
    return -1;
}

/* The largest number below n, or the smallest above, of which one divides the other with gpus. */
static int64_t fitting(int64_t n, int64_t gpus, int step)
{
    do
        n += step;
    while (n % gpus && gpus % n);
    return n;
}

int topo_nics_fit(const struct cluster_hw *hw, struct diag *diag)
{
    int64_t nics = hw->nic.per_node, gpus = hw->node.gpus;
    if (nics >= 1 && (nics % gpus == 0 || gpus % nics == 0))
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, place_of_nics(hw),
               "%lld NICs for %lld GPUs: in topology %s GPUs share NICs evenly, or have as many each; write "
               "'cluster.nic.per_node: %lld' or '%lld', or 'topology: file' with cluster.network.file "
               "(configs/networks/example.yaml; 'moesim fabric import' writes one)",
               (long long)nics, (long long)gpus, hw->topology, (long long)fitting(nics > 1 ? nics : 2, gpus, -1),
               (long long)fitting(nics, gpus, 1));
    return -1;
}

/* --- without a scenario ---------------------------------------------------------------------------------- */

struct only_keys {
    const struct cfg_more *more;
};
static const struct cfg_field only_fields[] = {
    {.name = "topologies", .type = CFG_MORE, .offset = offsetof(struct only_keys, more), .more = hw_topology_tables},
    {0}};
static const struct cfg_table only_table = {"network", "keys of topologies", sizeof(struct only_keys), only_fields};

const struct cfg_more *topo_keys_with(const struct cluster_hw *hw, const char *assignments, struct arena *arena)
{
    struct cfg *cfg = cfg_new(&only_table, arena);
    const struct cfg_more *more = ((struct only_keys *)cfg_struct(cfg))->more;
    struct diag *diag = diag_new();
    char *rest = arena_strdup(arena, assignments), *one;
    if (hw->network.topology_keys)
        cfg_more_copy(more, hw->network.topology_keys);
    while ((one = strsep(&rest, " ")))
        if (*one && cfg_override(cfg, one, diag))
            BUG("keys of a topology: %s", diag_text(diag));
    diag_free(diag);
    return more;
}

/* --- keys that nobody reads ---------------------------------------------------------------------------------- */

static bool reads(const struct topology_type *type, const char *key)
{
    for (const struct cfg_field *f = type && type->keys ? type->keys->fields : NULL; f && f->name; f++)
        if (!strcmp(f->name, key))
            return true;
    return false;
}

static bool one_reads(const char *const *used, const char *key)
{
    for (; *used; used++)
        if (reads(topology_find(*used), key))
            return true;
    return false;
}

/* "ft2, mpft": all that read it. */
static const char *readers(const char *key, struct arena *a)
{
    const char *list = "";
    for (const struct topology_type *const *t = topology_all(); *t; t++)
        if (reads(*t, key))
            list = arena_printf(a, "%s%s%s", list, *list ? ", " : "", (*t)->name);
    return list;
}

static const char *joined(const char *const *names, struct arena *a)
{
    const char *list = "";
    for (; *names; names++)
        list = arena_printf(a, "%s%s%s", list, *list ? " or " : "", *names);
    return list;
}

static bool replaced(const struct cfg *cfg, const struct topo_keys_use *use, const char *key, const char *name)
{
    const char *given_in = cfg_where(cfg, key).file;
    return use->used_in_file && given_in && !strcmp(given_in, use->file) && one_reads(use->used_in_file, name);
}

static bool is_default(const struct cfg_leaf_state *state, struct arena *a)
{
    struct cfg_value value;
    char why[256];
    const char *dflt = state->field->dflt;
    return dflt && !cfg_value_read(state->field, dflt, &value, a, why, sizeof why) && !strcmp(value.text, state->text);
}

static void take_out(struct cfg *cfg, const struct topo_keys_use *use, const char *name, struct arena *a,
                     struct diag *diag)
{
    const char *key = arena_printf(a, "%s.%s", use->prefix, name);
    struct cfg_leaf_state state;
    if (!cfg_state(cfg, key, &state)) /* it was taken out with another table */
        return;
    if (!cfg_is_own(cfg, key) || !replaced(cfg, use, key, name)) {
        cfg_exclude(cfg, key,
                    arena_printf(a, "topology %s does not read it; leave it out (it is of %s)", joined(use->used, a),
                                 readers(name, a)),
                    diag);
        return;
    }
    if (!is_default(&state, a))
        diag_warning(diag, cfg_where(cfg, key),
                     "'%s' has no effect: topology %s, which replaces that of the file, does not read it", key,
                     joined(use->used, a));
    cfg_exclude(cfg, key, NULL, diag);
}

/* --- keys of the cluster that mean nothing ----------------------------------------------------------------------- */

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; at && *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == n && !memcmp(at, word, n))
            return true;
    return false;
}

static bool all_leave(const char *const *used, const char *key)
{
    for (; *used; used++) {
        const struct topology_type *type = topology_find(*used);
        if (!type || !has_word(type->unread, key))
            return false;
    }
    return true;
}

/* "cluster" of "cluster.network". */
static void take_out_unread(struct cfg *cfg, const struct topo_keys_use *use, struct arena *a, struct diag *diag)
{
    const struct topology_type *first = use->used[0] ? topology_find(use->used[0]) : NULL;
    char *words = first && first->unread ? arena_strdup(a, first->unread) : NULL, *key;
    const char *dot = strrchr(use->prefix, '.');
    int length = dot ? (int)(dot - use->prefix) : 0;
    while ((key = strsep(&words, " ")))
        if (*key && all_leave(use->used, key))
            cfg_exclude(cfg, arena_printf(a, "%.*s.%s", length, use->prefix, key),
                        arena_printf(a, "topology %s has none of it; leave it out", joined(use->used, a)), diag);
}

int topo_keys_check(struct cfg *cfg, const struct topo_keys_use *use, const struct cluster_hw *hw, struct diag *diag)
{
    struct arena *a = arena_new();
    size_t before = diag_count(diag);
    for (const struct cfg_table *const *t = hw_topology_tables(); *t; t++)
        for (const struct cfg_field *f = (*t)->fields; f->name; f++)
            if (!one_reads(use->used, f->name))
                take_out(cfg, use, f->name, a, diag);
    take_out_unread(cfg, use, a, diag);
    for (const char *const *name = use->used; *name && diag_count(diag) == before; name++) {
        const struct topology_type *type = topology_find(*name);
        if (type && type->check)
            type->check(hw, diag);
    }
    arena_free(a);
    return diag_count(diag) > before ? -1 : 0;
}
