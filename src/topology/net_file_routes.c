/* Tables of the switches: for each NIC of the network, in order of hosts, the port by which a switch sends on. */
#include <stdlib.h>
#include <string.h>

#include "topology/net_file_priv.h"

enum { PORTS = 256 };

struct port_map {
    uint32_t *cable; /* [n_switches][PORTS] 2 * cable, + 1 from its b; NET_NONE */
};

static void add_port(struct net_reading *r, struct port_map *m, uint32_t sw, uint32_t port, uint32_t cable)
{
    uint32_t *at = &m->cable[(size_t)sw * PORTS + port];
    if (port && *at != NET_NONE)
        net_complain(
            r, yaml_get(r->doc.root, "cables"),
            arena_printf(r->arena, "two cables are plugged into port %u of switch '%s'", port, r->f->switches[sw]));
    if (port)
        *at = cable;
}

static void map_ports(struct net_reading *r, struct port_map *m)
{
    size_t n = (size_t)r->f->n_switches * PORTS;
    m->cable = ARENA_ARRAY(r->arena, uint32_t, n + 1);
    memset(m->cable, 0xff, n * sizeof *m->cable);
    for (uint32_t i = 0; i < r->f->n_cables && !r->failed; i++) {
        add_port(r, m, r->f->cables[i].a, r->f->cables[i].a_port, 2 * i);
        add_port(r, m, r->f->cables[i].b, r->f->cables[i].b_port, 2 * i + 1);
    }
}

/* One number of the list; what is behind it. */
static const char *read_port(struct net_reading *r, const struct yaml_node *n, const char *at, uint32_t *port)
{
    char *end;
    *port = 0;
    if (*at == '-')
        return at + 1;
    unsigned long value = strtoul(at, &end, 10);
    if (end == at || value >= PORTS) {
        net_complain(r, n,
                     arena_printf(r->arena,
                                  "'to' lists ports, 1 to 254, or - where the table says nothing; here stands "
                                  "'%.10s'",
                                  at));
        return at + strlen(at);
    }
    *port = (uint32_t)value;
    return end;
}

static void fill_row(struct net_reading *r, const struct port_map *m, const struct yaml_node *n, uint32_t sw,
                     uint32_t *row)
{
    static const char blanks[] = " \t\r\n";
    const char *at = n->text + strspn(n->text, blanks);
    uint32_t i = 0, port;
    for (; *at && i < r->f->n_nics && !r->failed; i++) {
        at = read_port(r, n, at, &port);
        at += strspn(at, blanks);
        if (!port || r->f->nics[i].sw == sw)
            continue;
        row[i] = m->cable[(size_t)sw * PORTS + port];
        if (row[i] == NET_NONE)
            net_complain(r, n,
                         arena_printf(r->arena,
                                      "NIC %u goes by port %u of switch '%s', into which no cable is plugged "
                                      "(from_port, to_port)",
                                      i, port, r->f->switches[sw]));
    }
    if (!r->failed && (*at || i < r->f->n_nics))
        net_complain(r, n,
                     arena_printf(r->arena, "'to' lists a port for each of the %u NICs of the network", r->f->n_nics));
}

static void read_row(struct net_reading *r, const struct port_map *m, const struct yaml_node *n, uint32_t *table,
                     uint8_t *seen)
{
    static const char *const keys[] = {"switch", "to", NULL};
    net_check_keys(r, n, keys);
    const struct yaml_node *to = r->failed ? NULL : yaml_get(n, "to");
    uint32_t sw = r->failed ? 0 : net_find_switch(r, n, "switch");
    if (!r->failed && (!to || to->kind != YAML_DOC_SCALAR))
        net_complain(r, n, "'to' lists the port for each NIC, as one text");
    else if (!r->failed && seen[sw]++)
        net_complain(r, n, arena_printf(r->arena, "switch '%s' has a table already", r->f->switches[sw]));
    if (!r->failed)
        fill_row(r, m, to, sw, table + (size_t)sw * r->f->n_nics);
}

void net_read_routes(struct net_reading *r)
{
    static const double most_B = 4e9;
    const struct yaml_node *list = net_list(r, "routes");
    double size_B = (double)r->f->n_switches * r->f->n_nics * sizeof(uint32_t);
    if (size_B > most_B) {
        diag_error(r->diag, EXIT_LIMIT, SRCLOC_FILE(r->f->path),
                   "tables of %u switches for %u NICs would take %.1f GB, and %.0f GB is the limit", r->f->n_switches,
                   r->f->n_nics, size_B / 1e9, most_B / 1e9);
        r->failed = true;
    }
    if (!list || r->failed)
        return;
    struct port_map map;
    size_t n = (size_t)r->f->n_switches * r->f->n_nics;
    uint32_t *table = ARENA_ARRAY(r->arena, uint32_t, n + 1);
    memset(table, 0xff, n * sizeof *table);
    map_ports(r, &map);
    uint8_t *seen = ARENA_ARRAY(r->arena, uint8_t, r->f->n_switches + 1);
    for (const struct yaml_node *i = list->first; i && !r->failed; i = i->next)
        read_row(r, &map, i, table, seen);
    r->f->table = table;
}
