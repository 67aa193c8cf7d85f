#include "topology/net_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/data_find.h"
#include "topology/net_file_priv.h"
#include "topology/topo_keys.h"
#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {ROW_TEXT(net_file_keys, "file", file, "",
                                                   "file: YAML file with the switches and cables",
                                                   .example = "configs/networks/example.yaml"),
                                          ROW_TEXT(net_file_keys, "hosts", hosts, "",
                                                   "file: the job's hosts, one a line in order of its nodes (a host "
                                                   "file of MPI); default: all of the network, as they stand there",
                                                   .example = "job.hosts"),
                                          {0}};
const struct cfg_table net_file_keys = {"file", "your own network", sizeof(struct net_file_keys), fields};

void net_complain(struct net_reading *r, const struct yaml_node *n, const char *text)
{
    diag_error(r->diag, EXIT_BAD_INPUT, yaml_doc_where(&r->doc, n), "%s", text);
    r->failed = true;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static uint32_t index_of(const struct net_file *f, const char *name)
{
    uint32_t i = 0;
    while (i < f->n_switches && strcmp(f->switches[i], name))
        i++;
    return i;
}

uint32_t net_find_switch(struct net_reading *r, const struct yaml_node *item, const char *key)
{
    const struct yaml_node *n = yaml_get(item, key);
    if (!n || n->kind != YAML_DOC_SCALAR) {
        net_complain(r, item, arena_printf(r->arena, "'%s' must name a switch", key));
        return 0;
    }
    uint32_t found = index_of(r->f, n->text);
    if (found < r->f->n_switches)
        return found;
    const char *near = cfg_nearest(n->text, r->f->switches);
    net_complain(r, n,
                 arena_printf(r->arena, "there is no switch '%s'%s%s%s", n->text, near ? "; did you mean '" : "",
                              near ? near : "", near ? "'?" : ""));
    return 0;
}

double net_quantity(struct net_reading *r, const struct yaml_node *item, const char *key, enum unit_dim dim,
                    double preset)
{
    const struct yaml_node *n = yaml_get(item, key);
    double value = preset;
    char why[256];
    if (!n)
        return preset;
    if (n->kind != YAML_DOC_SCALAR || unit_parse(n->text, strlen(n->text), dim, &value, why, sizeof why))
        net_complain(r, n,
                     arena_printf(r->arena, "'%s': %s", key, n->kind == YAML_DOC_SCALAR ? why : "must be one value"));
    else if (value < 0 || (dim == DIM_BANDWIDTH && value == 0))
        net_complain(r, n, arena_printf(r->arena, "'%s' must be above 0", key));
    return value;
}

uint32_t net_count(struct net_reading *r, const struct yaml_node *item, const char *key, uint32_t preset,
                   uint32_t least, uint32_t most)
{
    const struct yaml_node *n = yaml_get(item, key);
    char *end = NULL;
    if (!n)
        return preset;
    unsigned long value = n->kind == YAML_DOC_SCALAR ? strtoul(n->text, &end, 10) : 0;
    if (end && end > n->text && !*end && n->text[0] != '-' && value >= least && value <= most)
        return (uint32_t)value;
    net_complain(r, n, arena_printf(r->arena, "'%s' must be a whole number from %u to %u", key, least, most));
    return least;
}

const struct yaml_node *net_list(struct net_reading *r, const char *key)
{
    const struct yaml_node *n = yaml_get(r->doc.root, key);
    if (!n || n->kind == YAML_DOC_SEQUENCE)
        return n;
    net_complain(r, n, arena_printf(r->arena, "'%s' must be a list; configs/networks/example.yaml shows one", key));
    return NULL;
}

static const struct yaml_node *needed_list(struct net_reading *r, const char *key)
{
    const struct yaml_node *n = r->failed ? NULL : net_list(r, key);
    if (!n && !r->failed)
        net_complain(r, r->doc.root,
                     arena_printf(r->arena, "'%s' must be a list; configs/networks/example.yaml shows one", key));
    return n;
}

uint32_t net_length(const struct yaml_node *list)
{
    uint32_t n = 0;
    for (const struct yaml_node *i = list ? list->first : NULL; i; i = i->next)
        n++;
    return n;
}

void net_check_keys(struct net_reading *r, const struct yaml_node *item, const char *const *keys)
{
    if (item->kind != YAML_DOC_MAPPING) {
        net_complain(r, item, "an item of this list is written {key: value, ...}");
        return;
    }
    for (const struct yaml_node *n = item->first; n; n = n->next) {
        uint32_t k = 0;
        while (keys[k] && strcmp(keys[k], n->key->text))
            k++;
        const char *near = keys[k] ? NULL : cfg_nearest(n->key->text, keys);
        if (!keys[k])
            net_complain(r, n->key,
                         arena_printf(r->arena, "unknown key '%s'%s%s%s", n->key->text, near ? "; did you mean '" : "",
                                      near ? near : "", near ? "'?" : ""));
    }
}

/* --- switches and cables ------------------------------------------------------------------------------------------ */

static void read_switches(struct net_reading *r)
{
    const struct yaml_node *list = needed_list(r, "switches");
    r->f->switches = ARENA_ARRAY(r->arena, const char *, net_length(list) + 1);
    for (const struct yaml_node *n = list ? list->first : NULL; n && !r->failed; n = n->next) {
        if (n->kind != YAML_DOC_SCALAR || !n->text[0])
            net_complain(r, n, "a switch is a name");
        else if (index_of(r->f, n->text) < r->f->n_switches)
            net_complain(r, n, arena_printf(r->arena, "switch '%s' stands here a second time", n->text));
        else if (r->f->n_switches == NET_MAX_SWITCHES)
            net_complain(r, n, arena_printf(r->arena, "more than %d switches", NET_MAX_SWITCHES));
        else
            r->f->switches[r->f->n_switches++] = n->text;
    }
}

/* One item of the list; how many cables it is. */
static uint32_t read_cable(struct net_reading *r, const struct yaml_node *n, struct net_cable *c)
{
    static const char *const keys[] = {"from", "to", "count", "bandwidth", "latency", "from_port", "to_port", NULL};
    const struct hw_network *net = &r->hw->network;
    net_check_keys(r, n, keys);
    if (r->failed)
        return 0;
    *c = (struct net_cable){net_find_switch(r, n, "from"),
                            net_find_switch(r, n, "to"),
                            net_count(r, n, "from_port", 0, 1, 254),
                            net_count(r, n, "to_port", 0, 1, 254),
                            net_quantity(r, n, "bandwidth", DIM_BANDWIDTH, net->port_Bps),
                            net_quantity(r, n, "latency", DIM_TIME, net->switch_latency_s + hw_optical_s(net))};
    uint32_t count = net_count(r, n, "count", 1, 1, NET_MAX_COUNT);
    if (!r->failed && c->a == c->b)
        net_complain(r, n, "a cable joins two different switches");
    else if (!r->failed && count > 1 && (c->a_port || c->b_port))
        net_complain(r, n, "cables that name their ports stand one by one, without 'count'");
    return count;
}

static void read_cables(struct net_reading *r)
{
    const struct yaml_node *list = needed_list(r, "cables");
    uint32_t most = 0, room = 0;
    struct net_cable *cables = NULL, c;
    for (const struct yaml_node *n = list ? list->first : NULL; n && !r->failed; n = n->next) {
        uint32_t count = read_cable(r, n, &c);
        for (uint32_t i = 0; i < count && !r->failed; i++) {
            if (most == room) {
                struct net_cable *more = ARENA_ARRAY(r->arena, struct net_cable, room = room ? 2 * room : 64);
                if (most)
                    memcpy(more, cables, most * sizeof *more);
                cables = more;
            }
            cables[most++] = c;
        }
    }
    r->f->cables = cables;
    r->f->n_cables = most;
}

/* --- the file ------------------------------------------------------------------------------------------------------ */

/* Of each switch: cables and NICs. */
static uint32_t *used_ports(const struct net_file *f, struct arena *a)
{
    uint32_t *used = ARENA_ARRAY(a, uint32_t, f->n_switches + 1);
    for (uint32_t i = 0; i < f->n_cables; i++)
        used[f->cables[i].a]++, used[f->cables[i].b]++;
    for (uint32_t i = 0; i < f->n_nics; i++)
        used[f->nics[i].sw]++;
    return used;
}

static void widen(double value, bool first, double *least, double *most)
{
    *least = first || value < *least ? value : *least;
    *most = first || value > *most ? value : *most;
}

struct net_extent net_file_extent(const struct net_file *f, double port_Bps, struct arena *a)
{
    struct net_extent e = {0};
    const uint32_t *used = used_ports(f, a);
    for (uint32_t s = 0; s < f->n_switches; s++) {
        e.least_ports = !s || used[s] < e.least_ports ? used[s] : e.least_ports;
        e.most_ports = used[s] > e.most_ports ? used[s] : e.most_ports;
    }
    for (uint32_t i = 0; i < f->n_cables; i++)
        widen(f->cables[i].bandwidth_Bps, !i, &e.least_cable_Bps, &e.most_cable_Bps);
    for (uint32_t i = 0; i < f->n_nics; i++) {
        double given_Bps = f->nics[i].bandwidth_Bps;
        widen(given_Bps > 0 ? given_Bps : port_Bps, !i, &e.least_nic_Bps, &e.most_nic_Bps);
    }
    return e;
}

static void check_ports(struct net_reading *r)
{
    struct net_file *f = r->f;
    const uint32_t *used = used_ports(f, r->arena);
    for (uint32_t s = 0; s < f->n_switches; s++)
        if (used[s] > r->hw->network.switch_ports)
            net_complain(r, yaml_get(r->doc.root, "switches"),
                         arena_printf(r->arena,
                                      "switch '%s' has %u cables and endpoints, but switches have %lld ports "
                                      "(cluster.network.switch_ports)",
                                      f->switches[s], used[s], (long long)r->hw->network.switch_ports));
}

/* Where the file lies: beside the scenario, beside what names it, or as other data files; NULL, reported. */
static const char *find_file(struct net_reading *r, const char *key, const char *name)
{
    struct srcloc where = topo_keys_where(r->hw, key);
    const char *found = data_find(name, r->hw->network.beside, r->arena);
    if (!found)
        found = data_find(name, where.file, r->arena);
    if (!found)
        diag_error(r->diag, EXIT_IO, where,
                   "there is no file '%s' (cluster.network.%s), neither beside the scenario nor in the working folder, "
                   "$MOESIM_PATH or moesim's own data",
                   name, key);
    return found;
}

static int open_files(struct net_reading *r)
{
    topo_keys_read(r->hw, &net_file_keys, &r->keys);
    if (!*r->keys.file) {
        diag_error(r->diag, EXIT_BAD_INPUT, topo_keys_where(r->hw, "file"),
                   "topology 'file' needs cluster.network.file, a YAML file with switches, cables and "
                   "hosts; configs/networks/example.yaml is one");
        return -1;
    }
    r->f->path = find_file(r, "file", r->keys.file);
    if (!r->f->path)
        return -1;
    if (*r->keys.hosts && !(r->keys.hosts = find_file(r, "hosts", r->keys.hosts)))
        return -1;
    return yaml_doc_read(&r->doc, r->f->path, r->arena, r->diag);
}

struct net_file *net_file_read(const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    static const char *const keys[] = {"switches", "cables", "endpoints", "hosts", "routes", NULL};
    struct net_reading r = {.f = ARENA_NEW(a, struct net_file), .hw = hw, .arena = a, .diag = diag};
    if (open_files(&r))
        return NULL;
    net_check_keys(&r, r.doc.root, keys);
    void (*const parts[])(struct net_reading *) = {read_switches,    read_cables, net_read_hosts,
                                                   net_choose_hosts, check_ports, net_read_routes};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !r.failed; i++)
        parts[i](&r);
    return r.failed ? NULL : r.f;
}
