/* A network of the user's own: switches, cables and where the GPUs hang, from a YAML file
 * (cluster.network.file; configs/networks/example.yaml explains it). Ways are shortest paths in cables, up to 2,048
 * switches: for each pair of switches their distance and number of shortest paths are kept. The static tables are those
 * that a subnet manager would make (tables.h): fat trees get the loads of ft2, ft3 and mrft. All shortest paths are
 * minimal paths, parallel cables apart; there are no detours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "base/yaml_doc.h"
#include "topology/ends.h"
#include "topology/tables.h"
#include "topology/topo_keys.h"

struct file_keys {
    const char *file;
};
static const struct cfg_field keys_fields[] = {{.name = "file",
                                                .type = CFG_STRING,
                                                .offset = offsetof(struct file_keys, file),
                                                .dflt = "",
                                                .doc = "file: YAML file with the switches and cables",
                                                .example = "configs/networks/example.yaml"},
                                               {0}};
static const struct cfg_table keys_table = {"file", "your own network", sizeof(struct file_keys), keys_fields};

enum { MAX_SWITCHES = 2048, MAX_COUNT = 4096, MAX_HOPS = ROUTE_MAX_LINKS - 4, MANY = 4096 };

struct cable {
    uint32_t a, b;
    double bandwidth_Bps, latency_s;
};

struct net_file {
    const char **switches;
    uint32_t n_switches, n_cables, cap_cables, n_endpoints;
    struct cable *cables;
    uint32_t *leaf;          /* [n_endpoints] switch */
    uint32_t *first, *links; /* per switch: links that leave it, in order */
    uint8_t *distance;       /* [n_switches][n_switches]; 255 = none */
    uint32_t *paths;         /* the same: shortest paths, at most MANY */
    struct tables *tables;
};

struct reading {
    struct yaml_doc doc;
    struct net_file *f;
    const struct cluster_hw *hw;
    struct arena *arena;
    struct diag *diag;
    bool failed;
};

static void complain(struct reading *r, const struct yaml_node *n, const char *text)
{
    diag_error(r->diag, EXIT_BAD_INPUT, yaml_doc_where(&r->doc, n), "%s", text);
    r->failed = true;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static uint32_t find_switch(const struct net_file *f, const char *name)
{
    uint32_t i = 0;
    while (i < f->n_switches && strcmp(f->switches[i], name))
        i++;
    return i;
}

static uint32_t read_switch(struct reading *r, const struct yaml_node *item, const char *key)
{
    const struct yaml_node *n = yaml_get(item, key);
    if (!n || n->kind != YAML_DOC_SCALAR) {
        complain(r, item, arena_printf(r->arena, "'%s' must name a switch", key));
        return 0;
    }
    uint32_t found = find_switch(r->f, n->text);
    if (found < r->f->n_switches)
        return found;
    const char *near = cfg_nearest(n->text, r->f->switches);
    complain(r, n,
             arena_printf(r->arena, "there is no switch '%s'%s%s%s", n->text, near ? "; did you mean '" : "",
                          near ? near : "", near ? "'?" : ""));
    return 0;
}

static double read_quantity(struct reading *r, const struct yaml_node *item, const char *key, enum unit_dim dim,
                            double preset)
{
    const struct yaml_node *n = yaml_get(item, key);
    double value = preset;
    char why[256];
    if (!n)
        return preset;
    if (n->kind != YAML_DOC_SCALAR || unit_parse(n->text, strlen(n->text), dim, &value, why, sizeof why))
        complain(r, n, arena_printf(r->arena, "'%s': %s", key, n->kind == YAML_DOC_SCALAR ? why : "must be one value"));
    else if (value < 0 || (dim == DIM_BANDWIDTH && value == 0))
        complain(r, n, arena_printf(r->arena, "'%s' must be above 0", key));
    return value;
}

static uint32_t read_count(struct reading *r, const struct yaml_node *item, const char *key)
{
    const struct yaml_node *n = yaml_get(item, key);
    char *end = NULL;
    if (!n)
        return 1;
    unsigned long value = n->kind == YAML_DOC_SCALAR ? strtoul(n->text, &end, 10) : 0;
    if (end && !*end && n->text[0] != '-' && value >= 1 && value <= MAX_COUNT)
        return (uint32_t)value;
    complain(r, n, arena_printf(r->arena, "'%s' must be a whole number from 1 to %d", key, MAX_COUNT));
    return 1;
}

static const struct yaml_node *read_list(struct reading *r, const char *key)
{
    const struct yaml_node *n = r->doc.root->kind == YAML_DOC_MAPPING ? yaml_get(r->doc.root, key) : NULL;
    if (n && n->kind == YAML_DOC_SEQUENCE)
        return n;
    complain(r, n ? n : r->doc.root,
             arena_printf(r->arena, "'%s' must be a list; configs/networks/example.yaml shows one", key));
    return NULL;
}

static void check_keys(struct reading *r, const struct yaml_node *item, const char *const *keys)
{
    if (item->kind != YAML_DOC_MAPPING) {
        complain(r, item, "an item of this list is written {key: value, ...}");
        return;
    }
    for (const struct yaml_node *n = item->first; n; n = n->next) {
        uint32_t k = 0;
        while (keys[k] && strcmp(keys[k], n->key->text))
            k++;
        const char *near = keys[k] ? NULL : cfg_nearest(n->key->text, keys);
        if (!keys[k])
            complain(r, n->key,
                     arena_printf(r->arena, "unknown key '%s'%s%s%s", n->key->text, near ? "; did you mean '" : "",
                                  near ? near : "", near ? "'?" : ""));
    }
}

static uint32_t length(const struct yaml_node *list)
{
    uint32_t n = 0;
    for (const struct yaml_node *i = list ? list->first : NULL; i; i = i->next)
        n++;
    return n;
}

static void read_switches(struct reading *r)
{
    const struct yaml_node *list = read_list(r, "switches");
    r->f->switches = ARENA_ARRAY(r->arena, const char *, length(list) + 1);
    for (const struct yaml_node *n = list ? list->first : NULL; n; n = n->next) {
        if (n->kind != YAML_DOC_SCALAR || !n->text[0])
            complain(r, n, "a switch is a name");
        else if (find_switch(r->f, n->text) < r->f->n_switches)
            complain(r, n, arena_printf(r->arena, "switch '%s' stands here a second time", n->text));
        else if (r->f->n_switches == MAX_SWITCHES)
            complain(r, n, arena_printf(r->arena, "more than %d switches", MAX_SWITCHES));
        else
            r->f->switches[r->f->n_switches++] = n->text;
        if (r->failed)
            return;
    }
}

static void add_cable(struct net_file *f, const struct cable *c)
{
    if (f->n_cables == f->cap_cables) {
        f->cap_cables = f->cap_cables ? 2 * f->cap_cables : 64;
        f->cables = checked_alloc(realloc(f->cables, f->cap_cables * sizeof *f->cables));
    }
    f->cables[f->n_cables++] = *c;
}

static void read_cables(struct reading *r)
{
    static const char *const keys[] = {"from", "to", "count", "bandwidth", "latency", NULL};
    const struct hw_network *net = &r->hw->network;
    const struct yaml_node *list = read_list(r, "cables");
    for (const struct yaml_node *n = list ? list->first : NULL; n && !r->failed; n = n->next) {
        check_keys(r, n, keys);
        if (r->failed)
            return;
        struct cable c = {read_switch(r, n, "from"), read_switch(r, n, "to"),
                          read_quantity(r, n, "bandwidth", DIM_BANDWIDTH, net->port_Bps),
                          read_quantity(r, n, "latency", DIM_TIME, net->switch_latency_s + hw_optical_s(net))};
        if (!r->failed && c.a == c.b)
            complain(r, n, "a cable joins two different switches");
        for (uint32_t i = read_count(r, n, "count"); i > 0 && !r->failed; i--)
            add_cable(r->f, &c);
    }
}

static void read_endpoints(struct reading *r)
{
    static const char *const keys[] = {"switch", "gpus", NULL};
    const struct yaml_node *list = read_list(r, "endpoints");
    r->f->leaf = ARENA_ARRAY(r->arena, uint32_t, (size_t)length(list) * MAX_COUNT + 1);
    for (const struct yaml_node *n = list ? list->first : NULL; n && !r->failed; n = n->next) {
        check_keys(r, n, keys);
        if (r->failed)
            return;
        uint32_t at = read_switch(r, n, "switch"), gpus = read_count(r, n, "gpus");
        for (uint32_t i = 0; i < gpus; i++)
            r->f->leaf[r->f->n_endpoints++] = at;
    }
}

static void check_fit(struct reading *r)
{
    struct net_file *f = r->f;
    uint64_t gpus = (uint64_t)r->hw->nodes * (uint64_t)r->hw->node.gpus;
    uint32_t *used = ARENA_ARRAY(r->arena, uint32_t, f->n_switches + 1);
    if (f->n_endpoints != gpus) {
        complain(r, yaml_get(r->doc.root, "endpoints"),
                 arena_printf(r->arena,
                              "%u GPUs hang on switches here, but the cluster has %llu (cluster.nodes "
                              "times cluster.node.gpus)",
                              f->n_endpoints, (unsigned long long)gpus));
        return;
    }
    for (uint32_t i = 0; i < f->n_cables; i++)
        used[f->cables[i].a]++, used[f->cables[i].b]++;
    for (uint32_t i = 0; i < f->n_endpoints; i++)
        used[f->leaf[i]]++;
    for (uint32_t s = 0; s < f->n_switches; s++)
        if (used[s] > r->hw->network.switch_ports)
            complain(r, yaml_get(r->doc.root, "switches"),
                     arena_printf(r->arena,
                                  "switch '%s' has %u cables and endpoints, but switches have %lld ports "
                                  "(cluster.network.switch_ports)",
                                  f->switches[s], used[s], (long long)r->hw->network.switch_ports));
}

/* Where the file lies: beside the scenario, beside what names it, or as other data files; NULL, reported. */
static const char *find_file(const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct file_keys keys;
    topo_keys_read(hw, &keys_table, &keys);
    struct srcloc where = topo_keys_where(hw, "file");
    if (!*keys.file) {
        diag_error(diag, EXIT_BAD_INPUT, where,
                   "topology 'file' needs cluster.network.file, a YAML file with switches, cables and "
                   "endpoints; configs/networks/example.yaml is one");
        return NULL;
    }
    const char *found = data_find(keys.file, hw->network.beside, a);
    if (!found)
        found = data_find(keys.file, where.file, a);
    if (!found)
        diag_error(diag, EXIT_IO, where,
                   "there is no file '%s' (cluster.network.file), neither beside the scenario nor in the working "
                   "folder, $MOESIM_PATH or moesim's own data",
                   keys.file);
    return found;
}

/* The file as a network; NULL after errors. Cables are malloc'ed: free_cables. */
static struct net_file *load(const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct reading r = {.f = ARENA_NEW(a, struct net_file), .hw = hw, .arena = a, .diag = diag};
    if (hw->nic.per_node != hw->node.gpus) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "topology 'file' has one NIC per GPU; set cluster.nic.per_node to %lld", (long long)hw->node.gpus);
        return NULL;
    }
    const char *path = find_file(hw, a, diag);
    if (!path || yaml_doc_read(&r.doc, path, a, diag))
        return NULL;
    read_switches(&r);
    if (!r.failed)
        read_cables(&r);
    if (!r.failed)
        read_endpoints(&r);
    if (!r.failed)
        check_fit(&r);
    if (r.failed)
        free(r.f->cables);
    return r.failed ? NULL : r.f;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct arena *a = arena_new();
    const struct net_file *f = load(hw, a, diag);
    if (f) {
        out->endpoints = f->n_endpoints;
        out->switches = f->n_switches;
        out->links = f->n_cables;
        free(f->cables);
    }
    arena_free(a);
    return f ? 0 : -1;
}

/* --- tables ------------------------------------------------------------------------------------------ */

static uint32_t far_end(const struct topology *t, uint32_t link)
{
    return t->links[link].b - topology_first_switch(t);
}

static void list_links(struct topology *t, struct net_file *f, struct arena *a)
{
    uint32_t first_switch = topology_first_switch(t), from = ends_n_links(t);
    f->first = ARENA_ARRAY(a, uint32_t, f->n_switches + 2);
    f->links = ARENA_ARRAY(a, uint32_t, 2 * f->n_cables + 1);
    for (uint32_t i = from; i < t->n_links; i++)
        f->first[t->links[i].a - first_switch + 2]++;
    for (uint32_t s = 0; s <= f->n_switches; s++)
        f->first[s + 1] += f->first[s];
    for (uint32_t i = from; i < t->n_links; i++)
        f->links[f->first[t->links[i].a - first_switch + 1]++] = i;
}

/* Breadth-first search from one switch; cables go both ways, so distances and counts do, too. */
static void search(const struct topology *t, struct net_file *f, uint32_t source, uint32_t *queue)
{
    uint8_t *distance = f->distance + (size_t)source * f->n_switches;
    uint32_t *paths = f->paths + (size_t)source * f->n_switches, head = 0, tail = 0;
    memset(distance, 0xff, f->n_switches);
    distance[source] = 0;
    paths[source] = 1;
    queue[tail++] = source;
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = f->first[at]; i < f->first[at + 1] && distance[at] < MAX_HOPS; i++) {
            uint32_t to = far_end(t, f->links[i]);
            if (distance[to] == 0xff) {
                distance[to] = (uint8_t)(distance[at] + 1);
                queue[tail++] = to;
            }
            if (distance[to] == distance[at] + 1)
                paths[to] = paths[to] + paths[at] < MANY ? paths[to] + paths[at] : MANY;
        }
    }
}

static int too_far(const struct net_file *f, const struct cluster_hw *hw, uint32_t a, uint32_t b, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, topo_keys_where(hw, "file"),
               "GPU %u (switch '%s') and GPU %u (switch '%s') cannot reach each other over at most %d cables between "
               "switches, which is the limit of a path",
               a, f->switches[f->leaf[a]], b, f->switches[f->leaf[b]], MAX_HOPS);
    return -1;
}

/* Between any two switches with GPUs. */
static int check_reach(const struct net_file *f, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    uint32_t *gpu_of = ARENA_ARRAY(a, uint32_t, f->n_switches + 1); /* its first, counted from 1 */
    for (uint32_t e = f->n_endpoints; e-- > 0;)
        gpu_of[f->leaf[e]] = e + 1;
    for (uint32_t s = 0; s < f->n_switches; s++)
        for (uint32_t v = 0; gpu_of[s] && v < f->n_switches; v++)
            if (gpu_of[v] && f->distance[(size_t)s * f->n_switches + v] == 0xff)
                return too_far(f, hw, gpu_of[s] - 1, gpu_of[v] - 1, diag);
    return 0;
}

static int make_tables(struct topology *t, struct net_file *f, const struct cluster_hw *hw, struct arena *a,
                       struct diag *diag)
{
    size_t n = f->n_switches;
    uint32_t *queue = ARENA_ARRAY(a, uint32_t, n + 1);
    list_links(t, f, a);
    f->distance = ARENA_ARRAY(a, uint8_t, n * n + 1);
    f->paths = ARENA_ARRAY(a, uint32_t, n * n + 1);
    for (uint32_t s = 0; s < n; s++)
        search(t, f, s, queue);
    if (check_reach(f, hw, a, diag))
        return -1;
    f->tables = tables_new(t, a);
    tables_compute(f->tables, NULL);
    return 0;
}

/* --- build ------------------------------------------------------------------------------------------- */

static uint32_t leaf_of(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    (void)port;
    return topology_first_switch(t) + ((const struct net_file *)t->state)->leaf[endpoint];
}

static void build_cables(struct topology *t, const struct cluster_hw *hw, const struct net_file *f)
{
    double payload_ratio = hw_port_payload_Bps(hw) / hw->network.port_Bps;
    uint32_t link = ends_n_links(t), first = topology_first_switch(t);
    for (uint32_t i = 0; i < f->n_cables; i++) {
        const struct cable *c = &f->cables[i];
        double payload_Bps = c->bandwidth_Bps * payload_ratio;
        t->links[link++] = (struct topo_link){payload_Bps, c->latency_s, LINK_LEAF_SPINE, first + c->a, first + c->b};
        t->links[link++] = (struct topo_link){payload_Bps, c->latency_s, LINK_LEAF_SPINE, first + c->b, first + c->a};
    }
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct net_file *f = load(hw, a, diag);
    if (!f)
        return -1;
    ends_begin(t, hw, 1, diag);
    t->state = f;
    t->n_vertices = topology_first_switch(t) + f->n_switches;
    t->n_links = ends_n_links(t) + 2 * f->n_cables;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    build_cables(t, hw, f);
    free(f->cables);
    f->cables = NULL;
    return make_tables(t, f, hw, a, diag);
}

/* --- paths ------------------------------------------------------------------------------------------- */

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    const struct net_file *f = t->state;
    if (ends_same_node(t, src, dst))
        return 1;
    return f->paths[(size_t)f->leaf[dst] * f->n_switches + f->leaf[src]];
}

static uint32_t by_tables(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS])
{
    const struct net_file *f = t->state;
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    links[0] = ends_nic_out(t, src, 0);
    uint32_t n = tables_walk(f->tables, src, dst, links + 1, MAX_HOPS);
    BUG_IF(n == TABLES_NONE);
    links[n + 1] = ends_nic_in(t, dst, 0);
    return n + 2;
}

/* Walks towards the destination; the number says at every switch which of the ways on it is. */
static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    const struct net_file *f = t->state;
    uint32_t at = f->leaf[src], to = f->leaf[dst], n = 0;
    const uint8_t *distance = f->distance + (size_t)to * f->n_switches;
    const uint32_t *paths = f->paths + (size_t)to * f->n_switches;
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    links[n++] = ends_nic_out(t, src, 0);
    while (at != to)
        for (uint32_t i = f->first[at]; i < f->first[at + 1]; i++) {
            uint32_t next = far_end(t, f->links[i]);
            if (distance[next] + 1 != distance[at])
                continue;
            if (number < paths[next]) {
                links[n++] = f->links[i];
                at = next;
                break;
            }
            number -= paths[next];
        }
    links[n++] = ends_nic_in(t, dst, 0);
    return n;
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    const struct net_file *f = t->state;
    uint32_t first = topology_first_switch(t);
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    snprintf(buf, size, "%s to %s", f->switches[t->links[link].a - first], f->switches[t->links[link].b - first]);
    return buf;
}

const struct topology_type topo_file = {
    .name = "file",
    .doc = "your own switches and cables from a YAML file (network.file)",
    .ref = "5.1",
    .keys = &keys_table,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .by_tables = by_tables,
    .path = path,
    .link_name = link_name,
};
