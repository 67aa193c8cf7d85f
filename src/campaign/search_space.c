#include "campaign/search_space.h"

#include <string.h>

/* Keys of which more (or less) never makes a time longer, in network model bound: its times are sums and maxima of bytes
 * over these rates, and of these latencies. */
static const struct monotone {
    const char *key;
    bool more_is_better;
} monotone_keys[] = {
    {"cluster.chip.bf16", true},
    {"cluster.chip.fp8", true},
    {"cluster.chip.fp4", true},
    {"cluster.chip.memory_bandwidth", true},
    {"cluster.chip.memory", true},
    {"cluster.node.nvlink_bandwidth", true},
    {"cluster.node.nvlink_efficiency", true},
    {"cluster.node.nvlink_latency", false},
    {"cluster.node.pcie_bandwidth", true},
    {"cluster.nic.bandwidth", true},
    {"cluster.nic.efficiency", true},
    {"cluster.nic.latency", false},
    {"cluster.network.port_bandwidth", true},
    {"cluster.network.switch_latency", false},
    {"cluster.network.copper_length", false},
    {"cluster.network.optical_length", false},
};

static const struct monotone *monotone_of(const char *key)
{
    for (size_t i = 0; i < sizeof monotone_keys / sizeof *monotone_keys; i++)
        if (!strcmp(monotone_keys[i].key, key))
            return &monotone_keys[i];
    return NULL;
}

static void relax(struct search_space *s, uint32_t group, const struct axis *a, const struct monotone *m)
{
    uint32_t low = 0, high = 0;
    for (uint32_t i = 1; i < a->n; i++) {
        low = a->values[i].number < a->values[low].number ? i : low;
        high = a->values[i].number > a->values[high].number ? i : high;
    }
    s->most[group] = m->more_is_better ? high : low;
    s->least[group] = m->more_is_better ? low : high;
}

void search_space_open(struct search_space *s, const struct design *d, struct arena *arena)
{
    *s = (struct search_space){.d = d,
                               .n_groups = d->n_groups,
                               .size = ARENA_ARRAY(arena, uint32_t, d->n_groups + 1),
                               .least = ARENA_ARRAY(arena, uint32_t, d->n_groups + 1),
                               .most = ARENA_ARRAY(arena, uint32_t, d->n_groups + 1)};
    for (uint32_t g = 0; g < s->n_groups; g++) {
        const struct axis *only = NULL;
        uint32_t members = 0;
        for (uint32_t i = 0; i < d->n_axes; i++)
            if (d->axes[i].group == g) {
                only = &d->axes[i];
                members++;
            }
        const struct monotone *m = members == 1 && only->n > 1 ? monotone_of(only->key) : NULL;
        s->size[g] = only->n;
        s->least[g] = s->most[g] = SEARCH_OPEN;
        if (m)
            relax(s, g, only, m);
    }
}

double search_node_points(const struct search_space *s, const uint32_t *at)
{
    double n = 1;
    for (uint32_t g = 0; g < s->n_groups; g++)
        n *= at[g] == SEARCH_OPEN ? s->size[g] : 1;
    return n;
}

uint32_t search_node_open(const struct search_space *s, const uint32_t *at)
{
    uint32_t g = 0;
    while (g < s->n_groups && at[g] != SEARCH_OPEN)
        g++;
    return g;
}

bool search_space_next(const struct search_space *s, uint32_t *at)
{
    for (uint32_t g = s->n_groups; g-- > 0;) {
        if (at[g] == SEARCH_OPEN)
            continue;
        if (++at[g] < s->size[g])
            return true;
        at[g] = 0;
    }
    return false;
}

const char **search_overrides(const struct search_space *s, const uint32_t *at, bool at_worst, int *n,
                              struct arena *arena)
{
    const struct design *d = s->d;
    const char **set = ARENA_ARRAY(arena, const char *, d->n_set + d->n_axes + 2); /* room for one more */
    *n = 0;
    for (uint32_t i = 0; i < d->n_set; i++)
        set[(*n)++] = d->set[i];
    for (uint32_t i = 0; i < d->n_axes; i++) {
        uint32_t g = d->axes[i].group, relaxed = at_worst ? s->least[g] : s->most[g];
        uint32_t value = at[g] == SEARCH_OPEN ? relaxed : at[g];
        const char *override = design_override(&d->axes[i], d->axes[i].values[value].text, arena);
        if (override)
            set[(*n)++] = override;
    }
    return set;
}
