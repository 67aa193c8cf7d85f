/* What `ibnetdiscover` (infiniband-diags) prints: every switch, adapter and router with the other end of each of its
 * cables, their width and speed. A cable stands there twice, once at either end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/text_lines.h"

struct reading {
    struct text_lines lines;
    struct fabric *f;
    uint32_t node;     /* whose ports follow; FABRIC_NONE: of nothing that carries traffic */
    uint64_t guid;     /* of the node that comes next */
    uint32_t *by_port; /* cable + 1, by node and port, in a table that grows */
    uint32_t room;
    uint32_t n_routers, n_aggregation, n_lmc;
};

/* --- rates ----------------------------------------------------------------------------------------------------------- */

struct speed {
    const char *name;
    double
        lane_bps; /* data, after encoding: 8b/10b to QDR, 64b/66b from FDR10 on, PAM4 with its correction from HDR on */
};

static const struct speed speeds[] = {{"SDR", 2e9},  {"DDR", 4e9},  {"QDR", 8e9},   {"FDR10", 10e9}, {"FDR", 13.64e9},
                                      {"EDR", 25e9}, {"HDR", 50e9}, {"NDR", 100e9}, {"XDR", 200e9},  {NULL, 0}};

/* Of "4xHDR" somewhere behind `at`; 0: there is none. */
static double read_rate(const char *at)
{
    for (const char *x = strchr(at, 'x'); x; x = strchr(x + 1, 'x')) {
        const char *digits = x;
        while (digits > at && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        size_t n = strcspn(x + 1, " \t\"(");
        for (const struct speed *s = speeds; s->name && digits < x; s++)
            if (strlen(s->name) == n && !strncmp(s->name, x + 1, n))
                return strtod(digits, NULL) * s->lane_bps / 8;
    }
    return 0;
}

/* --- nodes ------------------------------------------------------------------------------------------------------------ */

static void read_guid(struct reading *r)
{
    const char *equals = strchr(r->lines.line, '=');
    if (!strncmp(r->lines.line, "switchguid=", 11) || !strncmp(r->lines.line, "caguid=", 7))
        r->guid = strtoull(equals + 1, NULL, 16);
}

static uint32_t number_behind(const char *text, const char *word)
{
    const char *at = text ? strstr(text, word) : NULL;
    return at ? (uint32_t)strtoul(at + strlen(word), NULL, 10) : 0;
}

static uint32_t node_of(struct reading *r, const char *id)
{
    uint32_t node = fabric_node(r->f, id);
    if (node == FABRIC_NONE)
        text_error(&r->lines, "more than %d switches and adapters", FABRIC_MAX_NODES);
    return node;
}

static void set_lid(struct reading *r, uint32_t lid, uint32_t node, uint32_t port)
{
    if (!fabric_set_lid(r->f, lid, node, port))
        text_error(&r->lines, "LID %u is that of '%s' already: these are two fabrics, or two times", lid,
                   r->f->nodes[fabric_lid_owner(r->f, lid)].id);
}

/* What a switch does reductions with (SHARP) is an adapter of its own at a port that has no cage; it is in no host. */
static bool is_aggregation(const struct fabric_node *n)
{
    return !n->is_switch && n->name && strstr(n->name, "Aggregation Node");
}

/* Switch 36 "S-0002c90200420e40"  # "sw1" enhanced port 0 lid 3 lmc 0 */
static void begin_node(struct reading *r)
{
    const char *behind, *line = r->lines.line, *id = text_quoted(&r->lines, line, &behind);
    bool is_switch = line[0] == 'S';
    r->node = FABRIC_NONE;
    if (line[0] == 'R') {
        r->n_routers++;
        return;
    }
    if (!id || !*id) {
        text_error(&r->lines, "a %s has its name in quotes here, as in: Switch 36 \"S-0002c90200420e40\"",
                   is_switch ? "switch" : "channel adapter");
        return;
    }
    uint32_t node = node_of(r, id);
    if (node == FABRIC_NONE)
        return;
    struct fabric_node *n = &r->f->nodes[node];
    if (n->where.line) {
        text_error(&r->lines, "'%s' stands here a second time", id);
        return;
    }
    *n = (struct fabric_node){
        .id = n->id, .is_switch = is_switch, .guid = r->guid, .host = FABRIC_NONE, .where = text_where(&r->lines)};
    const char *comment = strchr(behind, '#'), *end;
    n->name = comment ? text_quoted(&r->lines, comment, &end) : NULL;
    n->left_out = is_aggregation(n);
    r->n_aggregation += n->left_out;
    if (is_switch && n->name)
        set_lid(r, number_behind(end, " lid "), node, 0);
    r->node = node;
    r->guid = 0;
}

/* --- cables ------------------------------------------------------------------------------------------------------------- */

static uint32_t *slot(struct reading *r, uint32_t node, uint32_t port)
{
    if (node >= r->room) {
        uint32_t room = r->room ? r->room : 64;
        while (room <= node)
            room *= 2;
        uint32_t *more = ARENA_ARRAY(r->f->arena, uint32_t, (size_t)room * FABRIC_PORTS);
        if (r->room)
            memcpy(more, r->by_port, (size_t)r->room * FABRIC_PORTS * sizeof *more);
        r->by_port = more;
        r->room = room;
    }
    return &r->by_port[(size_t)node * FABRIC_PORTS + port];
}

/* From its other end: both must say the same. */
static void meet(struct reading *r, struct fabric_cable *c, uint32_t port, uint32_t peer, uint32_t peer_port,
                 double rate_Bps)
{
    bool same = c->b == r->node && c->b_port == port && c->a == peer && c->a_port == peer_port;
    if (!same) {
        text_error(&r->lines, "port %u of '%s' is cabled to '%s' port %u in line %d, and here to '%s' port %u", port,
                   r->f->nodes[r->node].id, r->f->nodes[c->a == r->node ? c->b : c->a].id,
                   c->a == r->node ? c->b_port : c->a_port, c->where.line, r->f->nodes[peer].id, peer_port);
        return;
    }
    c->seen_twice = true;
    if (rate_Bps != c->rate_Bps && rate_Bps > 0) {
        fabric_note(r->f, "the ends of a cable name two rates; the lower counts");
        c->rate_Bps = c->rate_Bps > 0 && c->rate_Bps < rate_Bps ? c->rate_Bps : rate_Bps;
    }
}

static void add_cable(struct reading *r, uint32_t port, uint32_t peer, uint32_t peer_port, double rate_Bps)
{
    uint32_t *here = slot(r, r->node, port), *there = slot(r, peer, peer_port);
    here = slot(r, r->node, port);
    if (*here || *there) {
        meet(r, &r->f->cables[(*here ? *here : *there) - 1], port, peer, peer_port, rate_Bps);
        return;
    }
    struct fabric_cable c = {.a = r->node,
                             .b = peer,
                             .a_port = port,
                             .b_port = peer_port,
                             .rate_Bps = rate_Bps,
                             .where = text_where(&r->lines)};
    *here = *there = fabric_add_cable(r->f, &c) + 1;
}

/* The number in the brackets that open here; -1. */
static long bracket(const char *at)
{
    char *end;
    long n = at && *at == '[' ? strtol(at + 1, &end, 10) : -1;
    return n >= 1 && n < FABRIC_PORTS - 1 && *end == ']' ? n : -1;
}

/* [17](b8599f0300fc6de4) "S-b8599f0300fc6de4"[3](...)  # lid 4 lmc 0 "sw1" lid 2 4xHDR */
static void read_port(struct reading *r)
{
    const char *behind, *line = r->lines.line, *id = text_quoted(&r->lines, line, &behind);
    long port = bracket(line), peer_port = id ? bracket(behind) : -1;
    if (r->node == FABRIC_NONE)
        return;
    if (port < 0 || peer_port < 0) {
        text_error(&r->lines, "a cable is written [port] \"other end\"[its port], with ports from 1 to 254");
        return;
    }
    uint32_t peer = node_of(r, id);
    if (peer == FABRIC_NONE)
        return;
    if (peer == r->node) {
        fabric_note(r->f, "cables from a switch to itself are left out");
        return;
    }
    const char *comment = strchr(behind, '#');
    add_cable(r, (uint32_t)port, peer, (uint32_t)peer_port, read_rate(comment ? comment : behind));
    if (r->f->nodes[r->node].is_switch || !comment)
        return;
    set_lid(r, number_behind(comment, " lid "), r->node, (uint32_t)port);
    r->n_lmc += number_behind(comment, " lmc ") > 0;
}

/* --- the file ------------------------------------------------------------------------------------------------------------- */

static void read_line(struct reading *r)
{
    const char *line = r->lines.line;
    if (!strncmp(line, "Switch", 6) || !strncmp(line, "Ca\t", 3) || !strncmp(line, "Ca ", 3) || !strncmp(line, "Rt", 2))
        begin_node(r);
    else if (*line == '[')
        read_port(r);
    else if (strchr(line, '='))
        read_guid(r);
}

/* Both ends have been there. */
static int check_whole(struct reading *r, struct diag *diag)
{
    struct fabric *f = r->f;
    uint32_t unrated = 0;
    for (uint32_t i = 0; i < f->n_cables; i++) {
        struct fabric_cable *c = &f->cables[i];
        unrated += !(c->rate_Bps > 0);
        for (int end = 0; end < 2; end++) {
            uint32_t node = end ? c->b : c->a;
            if (f->nodes[node].where.line || f->nodes[node].id[0] == 'R')
                continue;
            diag_error(diag, EXIT_BAD_INPUT, c->where,
                       "this cable goes to '%s', of which nothing stands in the file: it was cut off",
                       f->nodes[node].id);
            return -1;
        }
        if (!c->seen_twice)
            fabric_note(f, "cables that only one end names are taken as they are");
    }
    if (unrated)
        fabric_note(
            f, "%u cables without width and speed have the cluster's (cluster.network.port_bandwidth, nic.bandwidth)",
            unrated);
    return 0;
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading r = {.lines = text_lines_of(path, text, len, f->arena, diag), .f = f, .node = FABRIC_NONE};
    f->ends_named = true;
    while (text_next(&r.lines))
        read_line(&r);
    if (r.lines.failed || check_whole(&r, diag))
        return -1;
    if (r.n_routers)
        fabric_note(f, "%u InfiniBand routers are left out", r.n_routers);
    if (r.n_aggregation)
        fabric_note(f, "%u aggregation nodes of switches (SHARP) are left out: they are in no host", r.n_aggregation);
    if (r.n_lmc)
        fabric_note(f, "adapters have several addresses (LMC above 0); routes are those of the first");
    return 0;
}

static bool recognises(const struct input_head *head)
{
    return (strstr(head->bytes, "\nSwitch\t") || strstr(head->bytes, "\nSwitch ") || strstr(head->bytes, "\nCa\t")) &&
           (strstr(head->bytes, "switchguid=") || strstr(head->bytes, "caguid="));
}

const struct input_format input_ibnetdiscover = {.name = "InfiniBand topology",
                                                 .doc = "ibnetdiscover",
                                                 .makes = INPUT_FABRIC,
                                                 .recognises = recognises,
                                                 .stage = FABRIC_NETWORK,
                                                 .in_parts = true,
                                                 .read_fabric = read_fabric};
