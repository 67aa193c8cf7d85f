/* Which adapters are in one host. InfiniBand knows adapters; the description that the host gives each, "node17 mlx5_0",
 * says the rest. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"

static bool has_digit(const char *s)
{
    return s[strcspn(s, "0123456789")];
}

bool fabric_split_name(const char *description, struct arena *arena, const char **host, const char **place)
{
    size_t n = description ? strcspn(description, "\t") : 0;
    const char *text = arena_printf(arena, "%.*s", (int)n, description ? description : ""), *blank;
    while (n && text[n - 1] == ' ')
        text = arena_printf(arena, "%.*s", (int)--n, text);
    blank = strrchr(text, ' ');
    *host = *place = NULL;
    if (!*text)
        return false;
    if (!blank) { /* one word: the host's, whatever its only adapter is called */
        *host = text;
        *place = "hca";
        return true;
    }
    if (!has_digit(blank + 1) || memchr(text, ' ', (size_t)(blank - text)))
        return false; /* what it is made of: "MT25408 ConnectX Mellanox Technologies" */
    *host = arena_printf(arena, "%.*s", (int)(blank - text), text);
    *place = blank + 1;
    return true;
}

int natural_order(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *a_end, *b_end;
            unsigned long long x = strtoull(a, &a_end, 10), y = strtoull(b, &b_end, 10);
            if (x != y)
                return x < y ? -1 : 1;
            a = a_end;
            b = b_end;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return *a ? 1 : *b ? -1 : 0;
}

/* --- hosts of adapters ---------------------------------------------------------------------------------------------- */

struct adapter {
    uint32_t node;
    const char *host, *place;
};

static int by_place(const void *a, const void *b)
{
    const struct adapter *x = a, *y = b;
    int order = natural_order(x->host, y->host);
    if (!order)
        order = strcmp(x->host, y->host);
    if (!order)
        order = natural_order(x->place, y->place);
    return order ? order : (x->node > y->node) - (x->node < y->node);
}

static struct adapter *list_adapters(struct fabric *f, uint32_t *n)
{
    struct adapter *list = ARENA_ARRAY(f->arena, struct adapter, f->n_nodes + 1);
    const char *first = NULL;
    uint32_t unnamed = 0;
    *n = 0;
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        struct adapter a = {.node = i};
        if (f->nodes[i].is_switch || f->nodes[i].left_out)
            continue;
        if (!fabric_split_name(f->nodes[i].name, f->arena, &a.host, &a.place)) {
            first = unnamed++ ? first : f->nodes[i].name;
            a.host = f->nodes[i].id;
            a.place = "hca";
        }
        list[(*n)++] = a;
    }
    if (unnamed)
        fabric_note(f,
                    "%u adapters whose description does not name a host (the first: '%s') are hosts of their own, by "
                    "their id",
                    unnamed, first ? first : "");
    qsort(list, *n, sizeof *list, by_place);
    return list;
}

/* Two adapters of one name are in two hosts, which one cannot tell. */
static void part_doubles(struct fabric *f, struct adapter *list, uint32_t n)
{
    bool doubles = false;
    for (uint32_t from = 0, to; from < n; from = to) {
        bool same = false;
        for (to = from + 1; to < n && !strcmp(list[to].host, list[from].host); to++)
            same |= !strcmp(list[to].place, list[to - 1].place);
        if (same)
            fabric_note(f, "'%s %s' is the name of several adapters: each is a host of its own, by its id",
                        list[from].host, list[from].place);
        for (uint32_t i = from; i < to && same; i++)
            list[i].host = f->nodes[list[i].node].id;
        doubles |= same;
    }
    if (doubles)
        qsort(list, n, sizeof *list, by_place);
}

/* --- NICs ------------------------------------------------------------------------------------------------------------ */

struct nic_list {
    uint32_t *first, *cables; /* of each node */
};

static struct nic_list cables_of_nodes(const struct fabric *f)
{
    struct nic_list l = {ARENA_ARRAY(f->arena, uint32_t, f->n_nodes + 2),
                         ARENA_ARRAY(f->arena, uint32_t, 2 * f->n_cables + 1)};
    for (uint32_t i = 0; i < f->n_cables; i++) {
        l.first[f->cables[i].a + 2]++;
        l.first[f->cables[i].b + 2]++;
    }
    for (uint32_t v = 0; v < f->n_nodes; v++)
        l.first[v + 2] += l.first[v + 1];
    for (uint32_t i = 0; i < f->n_cables; i++) {
        l.cables[l.first[f->cables[i].a + 1]++] = i;
        l.cables[l.first[f->cables[i].b + 1]++] = i;
    }
    return l;
}

static uint32_t port_at(const struct fabric_cable *c, uint32_t node)
{
    return c->a == node ? c->a_port : c->b_port;
}

/* The first LID of each port counts. */
static void take_lids(struct fabric *f)
{
    uint32_t *first = ARENA_ARRAY(f->arena, uint32_t, f->n_nodes + 1); /* NIC of an adapter, counted from 1 */
    for (uint32_t i = f->n_nics; i-- > 0;)
        first[f->nics[i].node] = i + 1;
    for (uint32_t lid = f->n_lids; lid-- > 1;) {
        uint32_t node = f->lids[lid].node, i = node == FABRIC_NONE ? 0 : first[node];
        for (; i && i <= f->n_nics && f->nics[i - 1].node == node; i++)
            if (f->nics[i - 1].port == f->lids[lid].port)
                f->nics[i - 1].lid = lid;
    }
}

/* One NIC a cabled port, in order of ports. */
static void add_nics(struct fabric *f, const struct nic_list *l, const struct adapter *a)
{
    struct fabric_host *h = &f->hosts[f->n_hosts - 1];
    for (uint32_t port = 0; port < FABRIC_PORTS; port++)
        for (uint32_t i = l->first[a->node]; i < l->first[a->node + 1]; i++) {
            const struct fabric_cable *c = &f->cables[l->cables[i]];
            uint32_t other = c->a == a->node ? c->b : c->a;
            if (port_at(c, a->node) != port || !f->nodes[other].is_switch)
                continue;
            bool more = l->first[a->node + 1] - l->first[a->node] > 1;
            f->nics[f->n_nics++] =
                (struct fabric_nic){.node = a->node,
                                    .port = port,
                                    .cable = l->cables[i],
                                    .name = more ? arena_printf(f->arena, "%s/%u", a->place, port) : a->place};
            h->n_nics++;
        }
}

int fabric_find_hosts(struct fabric *f, struct diag *diag)
{
    uint32_t n, without = 0;
    struct adapter *list = list_adapters(f, &n);
    struct nic_list cables = cables_of_nodes(f);
    part_doubles(f, list, n);
    f->hosts = ARENA_ARRAY(f->arena, struct fabric_host, n + 1);
    f->nics = ARENA_ARRAY(f->arena, struct fabric_nic, f->n_cables + 1);
    for (uint32_t from = 0, to; from < n; from = to) {
        f->hosts[f->n_hosts++] = (struct fabric_host){list[from].host, f->n_nics, 0};
        for (to = from; to < n && !strcmp(list[to].host, list[from].host); to++) {
            f->nodes[list[to].node].host = f->n_hosts - 1;
            f->nodes[list[to].node].place = list[to].place;
            add_nics(f, &cables, &list[to]);
        }
        if (!f->hosts[f->n_hosts - 1].n_nics)
            f->n_hosts--, without++;
    }
    take_lids(f);
    if (without)
        fabric_note(f, "%u host%s without a cable to a switch left out", without, without == 1 ? " is" : "s are");
    if (f->n_hosts)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, f->n_nodes ? f->nodes[0].where : SRCLOC_NONE,
               "no host hangs on these switches; a fabric needs some");
    return -1;
}
