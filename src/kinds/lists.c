#include "kinds/lists.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "topology/topology.h"

const char **list_items(const char *text, struct arena *arena, uint32_t *n)
{
    const char **items = ARENA_ARRAY(arena, const char *, strlen(text) + 2);
    uint32_t count = 0;
    while (*text) {
        size_t length = strcspn(text, ","), from = 0, to = length;
        while (from < to && isspace((unsigned char)text[from]))
            from++;
        while (to > from && isspace((unsigned char)text[to - 1]))
            to--;
        items[count++] = arena_printf(arena, "%.*s", (int)(to - from), text + from);
        text += length + (text[length] == ',');
    }
    if (n)
        *n = count;
    return items;
}

int list_counts(const struct scenario_file *file, const char *key, const char *text, struct arena *arena,
                uint32_t **out, uint32_t *n, struct diag *diag)
{
    const char **items = list_items(text, arena, n);
    *out = ARENA_ARRAY(arena, uint32_t, *n + 1);
    for (uint32_t i = 0; i < *n; i++) {
        char *end;
        unsigned long value = strtoul(items[i], &end, 10);
        if (!isdigit((unsigned char)items[i][0]) || *end || value < 1 || value > 1ul << 24) {
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key),
                       "%s: '%s' is no whole number from 1 to 16777216; write for example "
                       "'32, 64, 128'",
                       key, items[i]);
            return -1;
        }
        (*out)[i] = (uint32_t)value;
    }
    return 0;
}

bool list_is_cluster(const char *gpus, const struct scenario *s)
{
    struct arena *a = arena_new();
    uint32_t n;
    const char **items = list_items(gpus, a, &n);
    long long most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = atoll(items[i]) > most ? atoll(items[i]) : most;
    arena_free(a);
    return most == s->cluster.nodes * s->cluster.node.gpus;
}

bool list_has_topology(const char *names, const struct scenario *s)
{
    struct arena *a = arena_new();
    bool has = false;
    for (const char **item = list_items(names, a, NULL); *item && !has; item++)
        has = !strcmp(*item, s->cluster.topology);
    arena_free(a);
    return has;
}

int list_quantities(const struct scenario_file *file, const char *key, const char *text, enum unit_dim dim,
                    struct arena *arena, double **out, uint32_t *n, struct diag *diag)
{
    const char **items = list_items(text, arena, n);
    *out = ARENA_ARRAY(arena, double, *n + 1);
    for (uint32_t i = 0; i < *n; i++) {
        char why[256];
        if (!unit_parse(items[i], strlen(items[i]), dim, &(*out)[i], why, sizeof why))
            continue;
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key), "%s: '%s': %s", key, items[i], why);
        return -1;
    }
    return 0;
}

int list_gpus(const struct scenario_file *file, const char *key, const char *text, struct arena *arena, uint32_t **out,
              uint32_t *n, struct diag *diag)
{
    const struct cluster_hw *hw = &file->scenario->cluster;
    if (!*text)
        text = arena_printf(arena, "%lld", (long long)(hw->nodes * hw->node.gpus));
    if (list_counts(file, key, text, arena, out, n, diag))
        return -1;
    for (uint32_t i = 0; i < *n; i++)
        if ((*out)[i] % hw->node.gpus) {
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key),
                       "%s: %u GPUs are no whole number of nodes of %lld (cluster.node.gpus)", key, (*out)[i],
                       (long long)hw->node.gpus);
            return -1;
        }
    return 0;
}

static const struct topology_type *known_topology(const struct scenario_file *file, const char *key, const char *name,
                                                  struct arena *arena, struct diag *diag)
{
    const struct topology_type *type = topology_find(name), *const *all = topology_all();
    size_t n = 0;
    if (type)
        return type;
    while (all[n])
        n++;
    const char **names = ARENA_ARRAY(arena, const char *, n + 1), *list = "";
    for (size_t i = 0; i < n; i++) {
        names[i] = all[i]->name;
        list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", names[i]);
    }
    const char *near = cfg_nearest(name, names);
    diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key), "%s: unknown topology '%s'%s%s%s; there are: %s", key,
               name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
    return NULL;
}

int list_topologies(const struct scenario_file *file, const char *key, const char *text, const uint32_t *gpus,
                    uint32_t n_gpus, struct arena *arena, const char ***out, uint32_t *n, struct diag *diag)
{
    struct cluster_hw hw = file->scenario->cluster;
    size_t before = diag_count(diag);
    *out = list_items(*text ? text : hw.topology, arena, n);
    for (uint32_t i = 0; i < *n; i++) {
        const struct topology_type *type = known_topology(file, key, (*out)[i], arena, diag);
        struct topo_counts counts;
        hw.topology = (*out)[i];
        diag_default_place(diag, scenario_place(file, key));
        for (uint32_t k = 0; type && k < n_gpus; k++) {
            hw.nodes = gpus[k] / hw.node.gpus;
            if (type->count(&hw, &counts, diag))
                break;
        }
        diag_default_place(diag, SRCLOC_NONE);
    }
    return diag_count(diag) > before ? -1 : 0;
}

int list_choices(const struct scenario_file *file, const char *key, const char *text, const char *const *choices,
                 struct arena *arena, uint32_t **out, uint32_t *n, struct diag *diag)
{
    const char **items = list_items(text, arena, n);
    *out = ARENA_ARRAY(arena, uint32_t, *n + 1);
    for (uint32_t i = 0; i < *n; i++) {
        uint32_t k = 0;
        while (choices[k] && strcmp(choices[k], items[i]))
            k++;
        (*out)[i] = k;
        if (choices[k])
            continue;
        const char *near = cfg_nearest(items[i], choices);
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, key), "%s: unknown '%s'%s%s%s", key, items[i],
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return -1;
    }
    return 0;
}
