/* A network of the user's own: switches, cables, hosts and perhaps tables, from a YAML file (net_file.h;
 * configs/networks/example.yaml explains it). Ways are shortest paths in cables, up to 2,048 switches: for each pair of
 * switches their distance and number of shortest paths are kept. The static tables are the file's, else those that a
 * subnet manager would make for all NICs of the network, the job's and others (tables.h): fat trees get the loads of
 * ft2, ft3 and mrft. All shortest paths are minimal paths, parallel cables apart, from each of a GPU's NICs to the one
 * of the same place at the other GPU; there are no detours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ends.h"
#include "topology/net_file.h"
#include "topology/tables.h"
#include "topology/topo_keys.h"

enum { MAX_HOPS = ROUTE_MAX_LINKS - 4, MANY = 4096 };

struct file_net {
    struct net_file *f;
    uint32_t n_switches;
    uint32_t *first, *links; /* per switch: links that leave it, in order */
    uint8_t *distance;       /* [n_switches][n_switches]; 255 = none */
    uint32_t *paths;         /* the same: shortest paths, at most MANY */
};

static const struct file_net *file_of(const struct topology *t)
{
    return t->state;
}

static uint32_t nics_of_job(const struct net_file *f, const struct cluster_hw *hw)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < hw->nodes; i++)
        n += f->hosts[f->job[i]].n_nics;
    return n;
}

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    struct arena *a = arena_new();
    const struct net_file *f = net_file_read(hw, a, diag);
    if (f) {
        out->endpoints = (uint64_t)(hw->nodes * hw->node.gpus);
        out->switches = f->n_switches;
        out->links = f->n_cables;
        out->nics = out->nic_cables = nics_of_job(f, hw);
    }
    arena_free(a);
    return f ? 0 : -1;
}

/* --- whose NIC is whose ----------------------------------------------------------------------------------------------- */

/* Every NIC has a GPU of its own, in order. */
static bool is_plain(const struct net_file *f, const struct cluster_hw *hw)
{
    if (f->n_hosts != hw->nodes)
        return false;
    for (uint32_t i = 0; i < f->n_hosts; i++) {
        const struct net_host *h = &f->hosts[i];
        if (f->job[i] != i || h->n_nics != h->n_gpus)
            return false;
        for (uint32_t g = 0; g < h->n_gpus; g++)
            if (h->first_of[g] != g || h->nics_of[g] != g)
                return false;
    }
    return true;
}

static uint32_t most_nics(const struct net_file *f, const struct cluster_hw *hw)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < hw->nodes; i++) {
        const struct net_host *h = &f->hosts[f->job[i]];
        for (uint32_t g = 0; g < h->n_gpus; g++)
            most = h->first_of[g + 1] - h->first_of[g] > most ? h->first_of[g + 1] - h->first_of[g] : most;
    }
    return most;
}

static void share(struct topology *t, const struct net_file *f, const struct cluster_hw *hw, struct arena *a)
{
    uint32_t most = most_nics(f, hw), *port = ARENA_ARRAY(a, uint32_t, (size_t)t->n_endpoints * most + 1),
             *owner = ARENA_ARRAY(a, uint32_t, f->n_nics + 1), *users = ARENA_ARRAY(a, uint32_t, f->n_nics + 1);
    struct nic_sharing *s = ARENA_NEW(a, struct nic_sharing);
    memset(owner, 0xff, f->n_nics * sizeof *owner);
    for (uint32_t e = 0; e < t->n_endpoints; e++) {
        const struct net_host *h = &f->hosts[f->job[e / t->gpus_per_node]];
        uint32_t first = h->first_of[e % t->gpus_per_node], n = h->first_of[e % t->gpus_per_node + 1] - first;
        for (uint32_t p = 0; p < most; p++) {
            uint32_t nic = h->first_nic + h->nics_of[first + p % n];
            port[e * most + p] = nic;
            owner[nic] = owner[nic] == TOPOLOGY_NONE ? e : owner[nic];
            users[nic] += p < n;
        }
    }
    *s = (struct nic_sharing){port, owner, users};
    ends_share(t, hw, s, most, f->n_nics);
}

/* --- tables ------------------------------------------------------------------------------------------ */

static uint32_t far_end(const struct topology *t, uint32_t link)
{
    return t->links[link].b - topology_first_switch(t);
}

static void list_links(struct topology *t, struct file_net *f, struct arena *a)
{
    uint32_t first_switch = topology_first_switch(t), from = ends_n_links(t);
    f->first = ARENA_ARRAY(a, uint32_t, f->n_switches + 2);
    f->links = ARENA_ARRAY(a, uint32_t, 2 * f->f->n_cables + 1);
    for (uint32_t i = from; i < t->n_links; i++)
        f->first[t->links[i].a - first_switch + 2]++;
    for (uint32_t s = 0; s <= f->n_switches; s++)
        f->first[s + 1] += f->first[s];
    for (uint32_t i = from; i < t->n_links; i++)
        f->links[f->first[t->links[i].a - first_switch + 1]++] = i;
}

/* Breadth-first search from one switch; cables go both ways, so distances and counts do, too. */
static void search(const struct topology *t, struct file_net *f, uint32_t source, uint32_t *queue)
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

static int too_far(const struct topology *t, const struct file_net *n, uint32_t a, uint32_t b, struct diag *diag)
{
    const struct net_file *f = n->f;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(f->path),
               "GPU %u (switch '%s') and GPU %u (switch '%s') cannot reach each other over at most %d cables between "
               "switches, which is the limit of a path",
               topology_port_owner(t, a), f->switches[f->nics[a].sw], topology_port_owner(t, b),
               f->switches[f->nics[b].sw], MAX_HOPS);
    return -1;
}

/* Between any two switches with NICs of the job. */
static int check_reach(const struct topology *t, const struct file_net *n, struct arena *a, struct diag *diag)
{
    const struct net_file *f = n->f;
    uint32_t *nic_of = ARENA_ARRAY(a, uint32_t, f->n_switches + 1); /* its first, counted from 1 */
    for (uint32_t i = f->n_nics; i-- > 0;)
        if (topology_port_owner(t, i) != TOPOLOGY_NONE)
            nic_of[f->nics[i].sw] = i + 1;
    for (uint32_t s = 0; s < f->n_switches; s++)
        for (uint32_t v = 0; nic_of[s] && v < f->n_switches; v++)
            if (nic_of[v] && n->distance[(size_t)s * f->n_switches + v] == 0xff)
                return too_far(t, n, nic_of[s] - 1, nic_of[v] - 1, diag);
    return 0;
}

static int wrong_way(const struct net_file *f, uint32_t from, uint32_t nic, const char *how, struct diag *diag)
{
    diag_error(
        diag, EXIT_BAD_INPUT, SRCLOC_FILE(f->path),
        "from switch '%s' the tables ('routes') lead %s, not to NIC %u at switch '%s'; without 'routes' they are "
        "computed",
        f->switches[from], how, nic, f->switches[f->nics[nic].sw]);
    return -1;
}

/* Every NIC of the job is reached from the switch of every other. */
static int check_tables(const struct topology *t, const struct net_file *f, struct diag *diag)
{
    uint32_t links[MAX_HOPS], last = UINT32_MAX;
    for (uint32_t from = 0; from < f->n_nics; from++) {
        if (topology_port_owner(t, from) == TOPOLOGY_NONE || f->nics[from].sw == last)
            continue;
        last = f->nics[from].sw;
        for (uint32_t to = 0; to < f->n_nics; to++) {
            if (topology_port_owner(t, to) == TOPOLOGY_NONE ||
                tables_walk(t->tables, from, to, links, MAX_HOPS) != TABLES_NONE)
                continue;
            bool ends = tables_next(t->tables, topology_first_switch(t) + last, to) == TABLES_NONE;
            return wrong_way(f, last, to, ends ? "nowhere" : "in a circle, to a switch without an entry or too far",
                             diag);
        }
    }
    return 0;
}

static void take_tables(const struct topology *t, const struct net_file *f, struct tables *tables)
{
    for (uint32_t s = 0; s < f->n_switches; s++)
        for (uint32_t nic = 0; nic < f->n_nics; nic++) {
            uint32_t way = f->table[(size_t)s * f->n_nics + nic];
            if (way != NET_NONE)
                tables_set(tables, topology_first_switch(t) + s, nic, ends_n_links(t) + way);
        }
}

static int make_tables(struct topology *t, struct file_net *n, struct arena *a, struct diag *diag)
{
    size_t switches = n->n_switches;
    uint32_t *queue = ARENA_ARRAY(a, uint32_t, switches + 1);
    list_links(t, n, a);
    n->distance = ARENA_ARRAY(a, uint8_t, switches * switches + 1);
    n->paths = ARENA_ARRAY(a, uint32_t, switches * switches + 1);
    for (uint32_t s = 0; s < switches; s++)
        search(t, n, s, queue);
    if (check_reach(t, n, a, diag))
        return -1;
    struct tables *tables = tables_new(t, a);
    if (n->f->table)
        take_tables(t, n->f, tables);
    else
        tables_compute(tables, NULL);
    t->tables = tables;
    return check_tables(t, n->f, diag);
}

/* --- build ------------------------------------------------------------------------------------------- */

static uint32_t leaf_of(const struct topology *t, uint32_t nic, uint32_t port)
{
    (void)port;
    return topology_first_switch(t) + file_of(t)->f->nics[nic].sw;
}

static void build_cables(struct topology *t, const struct cluster_hw *hw, const struct net_file *f)
{
    double payload_ratio = hw_port_payload_Bps(hw) / hw->network.port_Bps;
    uint32_t link = ends_n_links(t), first = topology_first_switch(t);
    for (uint32_t i = 0; i < f->n_cables; i++) {
        const struct net_cable *c = &f->cables[i];
        double payload_Bps = c->bandwidth_Bps * payload_ratio;
        t->links[link++] = (struct topo_link){payload_Bps, c->latency_s, LINK_LEAF_SPINE, first + c->a, first + c->b};
        t->links[link++] = (struct topo_link){payload_Bps, c->latency_s, LINK_LEAF_SPINE, first + c->b, first + c->a};
    }
}

/* Ports of switches, where the file names them all. */
static void plug_in(struct topology *t, const struct net_file *f, struct arena *a)
{
    uint8_t *plug = ARENA_ARRAY(a, uint8_t, t->n_links + 1);
    for (uint32_t i = 0; i < f->n_cables; i++) {
        plug[ends_n_links(t) + 2 * i] = (uint8_t)f->cables[i].a_port;
        plug[ends_n_links(t) + 2 * i + 1] = (uint8_t)f->cables[i].b_port;
        if (!f->cables[i].a_port || !f->cables[i].b_port)
            return;
    }
    for (uint32_t i = 0; i < f->n_nics; i++) {
        plug[ends_first_in(t) + i] = (uint8_t)f->nics[i].port;
        if (!f->nics[i].port)
            return;
    }
    t->plug = plug;
}

/* Cables of NICs that the file gives a rate; a NIC is not faster than the cluster's. */
static void rate_nics(struct topology *t, const struct cluster_hw *hw, const struct net_file *f, struct diag *diag)
{
    char cable[32], nic[32];
    double fastest_Bps = 0;
    for (uint32_t i = 0; i < f->n_nics; i++) {
        double line_Bps = f->nics[i].bandwidth_Bps;
        fastest_Bps = line_Bps > fastest_Bps ? line_Bps : fastest_Bps;
        if (line_Bps <= 0)
            continue;
        line_Bps = line_Bps < hw->nic.bandwidth_Bps ? line_Bps : hw->nic.bandwidth_Bps;
        t->links[ends_first_out(t) + i].capacity_Bps = t->links[ends_first_in(t) + i].capacity_Bps =
            hw_behind_pcie_Bps(hw, hw_after_headers_Bps(hw, line_Bps));
    }
    if (fastest_Bps > hw->nic.bandwidth_Bps * (1 + 1e-9))
        diag_warning(diag, SRCLOC_FILE(f->path),
                     "cables of NICs have %s here, and the NIC %s: the NIC limits; raise cluster.nic.bandwidth",
                     unit_format(fastest_Bps, DIM_BANDWIDTH, cable, sizeof cable),
                     unit_format(hw->nic.bandwidth_Bps, DIM_BANDWIDTH, nic, sizeof nic));
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct net_file *f = net_file_read(hw, a, diag);
    if (!f)
        return -1;
    struct file_net *n = ARENA_NEW(a, struct file_net);
    *n = (struct file_net){.f = f, .n_switches = f->n_switches};
    ends_begin(t, hw, 1, diag);
    if (!is_plain(f, hw))
        share(t, f, hw, a);
    t->state = n;
    t->n_vertices = topology_first_switch(t) + f->n_switches;
    t->n_links = ends_n_links(t) + 2 * f->n_cables;
    t->links = ARENA_ARRAY(a, struct topo_link, t->n_links);
    ends_build(t, hw, leaf_of);
    rate_nics(t, hw, f, diag);
    build_cables(t, hw, f);
    plug_in(t, f, a);
    return make_tables(t, n, a, diag);
}

/* --- paths ------------------------------------------------------------------------------------------- */

/* The switch that a GPU's NIC is cabled to. */
static uint32_t switch_at(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    return file_of(t)->f->nics[topology_nic_port(t, endpoint, port)].sw;
}

static uint32_t paths_of_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    const struct file_net *n = file_of(t);
    return n->paths[(size_t)switch_at(t, dst, port) * n->n_switches + switch_at(t, src, port)];
}

static uint32_t n_minimal(const struct topology *t, uint32_t src, uint32_t dst)
{
    uint32_t sum = 0;
    if (ends_same_node(t, src, dst))
        return 1;
    for (uint32_t p = 0; p < t->ports_per_nic; p++)
        sum += paths_of_port(t, src, dst, p);
    return sum;
}

static uint32_t paths_by_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic)
{
    return ends_same_node(t, src, dst) ? nic == 0 : paths_of_port(t, src, dst, nic);
}

static uint32_t by_port(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port)
{
    uint32_t number = 0;
    for (uint32_t p = 0; p < port && !ends_same_node(t, src, dst); p++)
        number += paths_of_port(t, src, dst, p);
    return number;
}

/* Walks towards the destination; the number says at every switch which of the ways on it is. */
static uint32_t path(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS])
{
    const struct file_net *f = file_of(t);
    uint32_t port = 0, n = 0;
    if (ends_same_node(t, src, dst))
        return ends_nvlink(t, src, dst, links);
    while (port + 1 < t->ports_per_nic && number >= paths_of_port(t, src, dst, port))
        number -= paths_of_port(t, src, dst, port++);
    uint32_t at = switch_at(t, src, port), to = switch_at(t, dst, port);
    const uint8_t *distance = f->distance + (size_t)to * f->n_switches;
    const uint32_t *paths = f->paths + (size_t)to * f->n_switches;
    n += ends_shared_out(t, ends_nic(t, src, port), links);
    links[n++] = ends_nic_out(t, src, port);
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
    links[n++] = ends_nic_in(t, dst, port);
    return n + ends_shared_in(t, ends_nic(t, dst, port), links + n);
}

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    const struct net_file *f = file_of(t)->f;
    uint32_t first = topology_first_switch(t);
    if (link < ends_n_links(t))
        return ends_link_name(t, link, buf, size);
    snprintf(buf, size, "%s to %s", f->switches[t->links[link].a - first], f->switches[t->links[link].b - first]);
    return buf;
}

const struct topology_type topo_file = {
    .name = "file",
    .doc = "your own switches, cables and hosts from a YAML file (network.file)",
    .ref = "5.1",
    .keys = &net_file_keys,
    .build = build,
    .count = count,
    .n_minimal = n_minimal,
    .n_by_nic = paths_by_nic,
    .by_port = by_port,
    .path = path,
    .link_name = link_name,
};
