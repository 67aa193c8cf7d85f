/* Where GPUs hang: `hosts` with NICs that their GPUs may share, or the short form `endpoints`; and which hosts are the
 * nodes of the job. */
#include <stdlib.h>
#include <string.h>

#include "base/hostlist.h"
#include "base/yaml_text.h"
#include "topology/net_file_priv.h"
#include "topology/topo_keys.h"

static struct net_host *host_at(struct net_reading *r, uint32_t i)
{
    return (struct net_host *)&r->f->hosts[i];
}

/* --- which GPU has which NIC ------------------------------------------------------------------------------------- */

/* In order and as evenly as it goes: g * M / G of them each, or the same for several. */
static void share_in_order(struct net_reading *r, struct net_host *h, uint32_t gpus)
{
    uint32_t most = h->n_nics > gpus ? h->n_nics : gpus, n = 0;
    uint32_t *first = ARENA_ARRAY(r->arena, uint32_t, gpus + 1), *nics = ARENA_ARRAY(r->arena, uint32_t, most + 1);
    for (uint32_t g = 0; g < gpus; g++) {
        uint32_t from = (uint32_t)((uint64_t)g * h->n_nics / gpus),
                 to = (uint32_t)((uint64_t)(g + 1) * h->n_nics / gpus);
        first[g] = n;
        nics[n++] = from;
        for (uint32_t i = from + 1; i < to; i++)
            nics[n++] = i;
    }
    first[gpus] = n;
    h->n_gpus = gpus;
    h->first_of = first;
    h->nics_of = nics;
}

static uint32_t nic_number(struct net_reading *r, const struct net_host *h, const struct yaml_node *n)
{
    char *end = NULL;
    unsigned long value = n->kind == YAML_DOC_SCALAR ? strtoul(n->text, &end, 10) : 0;
    if (end && end > n->text && !*end && n->text[0] != '-' && value < h->n_nics)
        return (uint32_t)value;
    net_complain(r, n,
                 arena_printf(r->arena,
                              "a GPU names its NIC by its place in 'nics', 0 to %u, or several as a list of those",
                              h->n_nics - 1));
    return 0;
}

static void read_gpus(struct net_reading *r, struct net_host *h, const struct yaml_node *list)
{
    uint32_t n = net_length(list), all = 0;
    uint32_t *first = ARENA_ARRAY(r->arena, uint32_t, n + 1), *nics, g = 0, used = 0;
    for (const struct yaml_node *i = list->first; i; i = i->next)
        all += i->kind == YAML_DOC_SEQUENCE ? net_length(i) : 1;
    nics = ARENA_ARRAY(r->arena, uint32_t, all + 1);
    for (const struct yaml_node *i = list->first; i && !r->failed; i = i->next) {
        first[g++] = used;
        if (i->kind != YAML_DOC_SEQUENCE)
            nics[used++] = nic_number(r, h, i);
        for (const struct yaml_node *k = i->kind == YAML_DOC_SEQUENCE ? i->first : NULL; k && !r->failed; k = k->next)
            nics[used++] = nic_number(r, h, k);
        if (used == first[g - 1] || used - first[g - 1] > NET_MAX_NICS)
            net_complain(r, i, arena_printf(r->arena, "a GPU has from 1 to %d NICs", NET_MAX_NICS));
    }
    first[n] = used;
    h->n_gpus = n;
    h->first_of = first;
    h->nics_of = nics;
}

/* --- hosts --------------------------------------------------------------------------------------------------------- */

static void read_nics(struct net_reading *r, struct net_host *h, const struct yaml_node *list)
{
    static const char *const keys[] = {"switch", "port", "bandwidth", NULL};
    h->first_nic = r->f->n_nics;
    for (const struct yaml_node *n = list->first; n && !r->failed; n = n->next) {
        net_check_keys(r, n, keys);
        if (!r->failed)
            ((struct net_nic *)r->f->nics)[r->f->n_nics++] =
                (struct net_nic){net_find_switch(r, n, "switch"), net_count(r, n, "port", 0, 1, 254),
                                 net_quantity(r, n, "bandwidth", DIM_BANDWIDTH, 0)};
    }
    h->n_nics = r->f->n_nics - h->first_nic;
}

static void read_host(struct net_reading *r, const struct yaml_node *item, struct net_host *h)
{
    static const char *const keys[] = {"name", "nics", "gpus", NULL};
    net_check_keys(r, item, keys);
    if (r->failed)
        return;
    const struct yaml_node *name = yaml_get(item, "name"), *nics = yaml_get(item, "nics"),
                           *gpus = yaml_get(item, "gpus");
    if (!name || name->kind != YAML_DOC_SCALAR || !name->text[0])
        net_complain(r, item, "a host has a 'name'");
    else if (!nics || nics->kind != YAML_DOC_SEQUENCE || !nics->first)
        net_complain(r, item, "a host has a list 'nics' of {switch: NAME}");
    else if (gpus && (gpus->kind != YAML_DOC_SEQUENCE || !gpus->first))
        net_complain(r, gpus, "'gpus' lists the NIC of each GPU, as in [0, 0, 1, 1]");
    if (r->failed)
        return;
    h->name = name->text;
    h->line = item->line;
    read_nics(r, h, nics);
    if (!r->failed && gpus)
        read_gpus(r, h, gpus);
    else if (!r->failed)
        share_in_order(r, h, (uint32_t)r->hw->node.gpus);
}

static int by_name(const void *a, const void *b)
{
    const struct net_host *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    return order ? order : (*x > *y) - (*x < *y);
}

static const struct net_host **sorted_hosts(struct net_reading *r)
{
    const struct net_host **list = ARENA_ARRAY(r->arena, const struct net_host *, r->f->n_hosts + 1);
    for (uint32_t i = 0; i < r->f->n_hosts; i++)
        list[i] = &r->f->hosts[i];
    qsort(list, r->f->n_hosts, sizeof *list, by_name);
    return list;
}

static void read_host_list(struct net_reading *r, const struct yaml_node *list)
{
    uint32_t nics = 0;
    for (const struct yaml_node *n = list->first; n; n = n->next)
        nics += n->kind == YAML_DOC_MAPPING && yaml_get(n, "nics") ? net_length(yaml_get(n, "nics")) : 0;
    r->f->nics = ARENA_ARRAY(r->arena, struct net_nic, nics + 1);
    r->f->hosts = ARENA_ARRAY(r->arena, struct net_host, net_length(list) + 1);
    for (const struct yaml_node *n = list->first; n && !r->failed; n = n->next)
        read_host(r, n, host_at(r, r->f->n_hosts++));
    if (r->failed)
        return;
    const struct net_host **sorted = sorted_hosts(r);
    for (uint32_t i = 1; i < r->f->n_hosts && !r->failed; i++)
        if (!strcmp(sorted[i]->name, sorted[i - 1]->name))
            net_complain(r, list, arena_printf(r->arena, "host '%s' stands here twice", sorted[i]->name));
}

/* The short form: GPUs with a NIC each, in order; every cluster.node.gpus of them are a node. */
static void read_endpoints(struct net_reading *r, const struct yaml_node *list)
{
    static const char *const keys[] = {"switch", "gpus", NULL};
    uint32_t per_node = (uint32_t)r->hw->node.gpus, room = net_length(list) * (uint32_t)NET_MAX_COUNT;
    struct net_nic *nics = ARENA_ARRAY(r->arena, struct net_nic, (size_t)room + 1);
    for (const struct yaml_node *n = list->first; n && !r->failed; n = n->next) {
        net_check_keys(r, n, keys);
        if (r->failed)
            return;
        uint32_t at = net_find_switch(r, n, "switch"), gpus = net_count(r, n, "gpus", 1, 1, NET_MAX_COUNT);
        for (uint32_t i = 0; i < gpus; i++)
            nics[r->f->n_nics++].sw = at;
    }
    r->f->nics = nics;
    uint64_t gpus = (uint64_t)r->hw->nodes * per_node;
    if (r->f->n_nics != gpus) {
        net_complain(r, list,
                     arena_printf(r->arena,
                                  "%u GPUs hang on switches here, but the cluster has %llu (cluster.nodes "
                                  "times cluster.node.gpus)",
                                  r->f->n_nics, (unsigned long long)gpus));
        return;
    }
    r->f->hosts = ARENA_ARRAY(r->arena, struct net_host, (size_t)r->hw->nodes + 1);
    for (uint32_t i = 0; i < r->hw->nodes; i++) {
        *host_at(r, r->f->n_hosts) = (struct net_host){.first_nic = i * per_node, .n_nics = per_node};
        share_in_order(r, host_at(r, r->f->n_hosts++), per_node);
    }
}

void net_read_hosts(struct net_reading *r)
{
    const struct yaml_node *hosts = net_list(r, "hosts"), *endpoints = net_list(r, "endpoints");
    if (r->failed)
        return;
    if (!hosts == !endpoints)
        net_complain(r, r->doc.root,
                     "one list says where the GPUs hang, 'hosts' or 'endpoints'; configs/networks/example.yaml shows "
                     "them");
    else if (hosts)
        read_host_list(r, hosts);
    else
        read_endpoints(r, endpoints);
}

/* --- the job's nodes ------------------------------------------------------------------------------------------------ */

struct job {
    struct net_reading *r;
    struct yaml_doc text; /* as a place for messages */
    const struct net_host **sorted;
    uint32_t *hosts, n;
    uint8_t *taken;
    const char *last; /* the host of the line before */
    uint32_t times;   /* it has stood there */
};

static void job_error(struct job *j, int line, const char *text)
{
    struct srcloc where = {j->text.name, j->text.text, j->text.len, line, 1};
    diag_error(j->r->diag, EXIT_BAD_INPUT, where, "%s", text);
    j->r->failed = true;
}

static uint32_t find_host(const struct job *j, const char *name)
{
    struct net_host key = {.name = name};
    uint32_t low = 0, high = j->r->f->n_hosts;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(j->sorted[middle]->name, key.name);
        if (!order)
            return (uint32_t)(j->sorted[middle] - j->r->f->hosts);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NET_NONE;
}

/* Slots that a line gives its host, "node1 slots=8", "node1:8", or a line for each of them. */
static void check_slots(struct job *j, uint32_t slots, int line)
{
    if (slots && slots != 1 && slots != j->r->hw->node.gpus)
        job_error(j, line,
                  arena_printf(j->r->arena,
                               "host '%s' has %u ranks here, and a node has %lld GPUs (cluster.node.gpus): every rank "
                               "has a GPU of its own, and all nodes have as many",
                               j->last, slots, (long long)j->r->hw->node.gpus));
}

static void take_host(struct job *j, const char *name, int line)
{
    if (j->last && !strcmp(j->last, name)) {
        j->times++;
        return;
    }
    check_slots(j, j->times, line - 1);
    j->last = name;
    j->times = 1;
    uint32_t host = find_host(j, name);
    if (host == NET_NONE)
        job_error(j, line, arena_printf(j->r->arena, "the network (%s) has no host '%s'", j->r->f->path, name));
    else if (j->taken[host]++)
        job_error(j, line,
                  arena_printf(j->r->arena, "host '%s' stands here again: ranks of a node follow each other", name));
    else
        j->hosts[j->n++] = host;
}

static void read_slots(struct job *j, const char *text, int line)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *text == '-' || !n || !strchr(" \t\r#:", *end))
        job_error(j, line,
                  arena_printf(j->r->arena, "'%.*s' is no number of ranks; write for example 'slots=8'",
                               (int)(strcspn(text, " \t\r#") < 40 ? strcspn(text, " \t\r#") : 40), text));
    else
        check_slots(j, n < UINT32_MAX ? (uint32_t)n : UINT32_MAX, line);
}

static void read_line(struct job *j, const char *at, size_t len, int line)
{
    static const char blanks[] = " \t\r";
    const char *text = arena_printf(j->r->arena, "%.*s", (int)len, at), *why = NULL;
    size_t start = strspn(text, blanks), stop = strcspn(text + start, " \t\r#:");
    const char *slots = strstr(text, "slots="), *colon = text[start + stop] == ':' ? text + start + stop + 1 : NULL;
    struct hostlist names = {0};
    if (!stop)
        return;
    if (hostlist_add(&names, text + start, stop, j->r->arena, &why)) {
        job_error(j, line, why);
        return;
    }
    for (uint32_t i = 0; i < names.n && !j->r->failed; i++)
        take_host(j, names.names[i], line);
    if (!j->r->failed && (slots || colon))
        read_slots(j, slots ? slots + 6 : colon, line);
}

static void read_job(struct job *j)
{
    const char *at = j->text.text, *end = at + j->text.len;
    for (int line = 1; at < end && !j->r->failed; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        read_line(j, at, (size_t)(stop - at), line);
        at = stop + 1;
    }
    if (!j->r->failed)
        check_slots(j, j->times, 0);
}

static void check_number(struct net_reading *r, uint32_t n, const char *whose)
{
    if (n == r->hw->nodes || r->failed)
        return;
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(whose),
               "%u hosts stand here, and the cluster has %lld nodes; write cluster.nodes: %u%s", n,
               (long long)r->hw->nodes, n,
               *r->keys.hosts ? "" : ", or name those of the job in a file, cluster.network.hosts");
    r->failed = true;
}

/* GPUs of all nodes alike, and the NICs that the cluster says. */
static void check_nodes(struct net_reading *r)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < r->hw->nodes && !r->failed; i++) {
        const struct net_host *h = &r->f->hosts[r->f->job[i]];
        most = h->n_nics > most ? h->n_nics : most;
        if (h->n_gpus == r->hw->node.gpus)
            continue;
        diag_error(r->diag, EXIT_BAD_INPUT, (struct srcloc){r->f->path, r->doc.text, r->doc.len, h->line, 1},
                   "host '%s' has %u GPUs and cluster.node.gpus is %lld: the nodes of a job have as many; leave hosts "
                   "with others out of it (cluster.network.hosts)",
                   h->name, h->n_gpus, (long long)r->hw->node.gpus);
        r->failed = true;
    }
    if (r->failed || most == r->hw->nic.per_node)
        return;
    diag_error(r->diag, EXIT_BAD_INPUT, SRCLOC_FILE(r->f->path),
               "nodes have %u NICs here, and cluster.nic.per_node is %lld; write cluster.nic.per_node: %u", most,
               (long long)r->hw->nic.per_node, most);
    r->failed = true;
}

static uint32_t *read_job_file(struct net_reading *r, uint32_t *n)
{
    struct job j = {.r = r, .sorted = sorted_hosts(r)};
    j.text.name = r->keys.hosts;
    if (yaml_text_read(r->keys.hosts, r->arena, &j.text.text, &j.text.len, r->diag)) {
        r->failed = true;
        return NULL;
    }
    j.hosts = ARENA_ARRAY(r->arena, uint32_t, r->f->n_hosts + 1);
    j.taken = ARENA_ARRAY(r->arena, uint8_t, r->f->n_hosts + 1);
    read_job(&j);
    *n = j.n;
    return j.hosts;
}

void net_choose_hosts(struct net_reading *r)
{
    uint32_t n = r->f->n_hosts, *job;
    bool from_file = *r->keys.hosts;
    if (from_file && !r->f->hosts[0].name) {
        diag_error(r->diag, EXIT_BAD_INPUT, topo_keys_where(r->hw, "hosts"),
                   "cluster.network.hosts: the network (%s) has 'endpoints' without names; write 'hosts' there",
                   r->f->path);
        r->failed = true;
        return;
    }
    if (from_file) {
        job = read_job_file(r, &n);
    } else {
        job = ARENA_ARRAY(r->arena, uint32_t, n + 1);
        for (uint32_t i = 0; i < n; i++)
            job[i] = i;
    }
    r->f->job = job;
    check_number(r, n, from_file ? r->keys.hosts : r->f->path);
    if (!r->failed)
        check_nodes(r);
}
