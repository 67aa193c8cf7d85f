/* Forwarding tables of InfiniBand switches, as dump_lfts.sh, dump_fts and ibroute (infiniband-diags) and OpenSM
 * (opensm-lfts.dump, opensm.fdbs) write them: for each switch, the port by which it sends on to each LID. */
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/text_lines.h"

struct reading {
    struct text_lines lines;
    struct fabric *f;
    uint32_t sw;        /* FABRIC_NONE: none yet */
    bool open;          /* a line "N valid lids dumped" (OpenSM's: "N lids dumped") has to end this table */
    uint32_t n_entries; /* of this table */
};

static const char *name_of(const struct reading *r)
{
    const struct fabric_node *n = &r->f->nodes[r->sw];
    return n->name ? n->name : n->id;
}

static uint32_t switch_of_guid(const struct fabric *f, uint64_t guid)
{
    for (uint32_t i = 0; i < f->n_nodes; i++)
        if (f->nodes[i].is_switch && f->nodes[i].guid == guid)
            return i;
    return FABRIC_NONE;
}

/* What follows is no more of the table: it must have ended. */
static void check_ended(struct reading *r)
{
    if (!r->open || r->lines.failed)
        return;
    r->open = false;
    diag_error(r->lines.diag, EXIT_BAD_INPUT, r->f->nodes[r->sw].table_where,
               "the table of switch '%s' was cut off: behind its %u entries there is no line that ends it, as in: "
               "%u valid lids dumped",
               name_of(r), r->n_entries, r->n_entries);
    r->lines.failed = true;
}

/* 969 valid lids dumped: of ibroute, as many as it has listed. OpenSM's "969 lids dumped" is the largest LID. */
static void end_table(struct reading *r)
{
    unsigned long said = strtoul(r->lines.line, NULL, 10);
    r->open = false;
    if (strstr(r->lines.line, "valid") && r->n_entries < said)
        text_error(&r->lines, "the table of switch '%s' was cut off: it had %lu entries, and %u stand here", name_of(r),
                   said, r->n_entries);
}

static void begin_table(struct reading *r, const char *guid_at)
{
    uint64_t guid = strtoull(guid_at, NULL, 16);
    r->n_entries = 0;
    r->sw = switch_of_guid(r->f, guid);
    if (r->sw == FABRIC_NONE) {
        text_error(&r->lines,
                   "a table of switch 0x%016llx, which the fabric has not: these are tables of another fabric",
                   (unsigned long long)guid);
        return;
    }
    struct fabric_node *n = &r->f->nodes[r->sw];
    if (n->table) {
        text_error(&r->lines, "a second table of switch '%s'", name_of(r));
        return;
    }
    n->table = arena_alloc(r->f->arena, r->f->n_lids + 1);
    memset(n->table, 0xff, r->f->n_lids + 1);
    n->table_where = text_where(&r->lines);
    r->f->n_tables++;
}

/* Where the file says whose LID it is, that must be the fabric's owner. */
static void check_owner(struct reading *r, unsigned long lid, const char *behind)
{
    const char *guid_at = strstr(behind, "portguid 0x"), *open, *end;
    uint32_t owner = fabric_lid_owner(r->f, (uint32_t)lid);
    if (!guid_at || owner == FABRIC_NONE || !(open = strchr(guid_at, '\'')) || !(end = strrchr(open + 1, '\'')))
        return;
    const char *name = arena_printf(r->f->arena, "%.*s", (int)(end - open - 1), open + 1),
               *ours = r->f->nodes[owner].name;
    if (ours && strcmp(ours, name))
        text_error(&r->lines,
                   "LID %lu is '%s' here and '%s' in the fabric: tables and fabric are of two times, or of two "
                   "fabrics",
                   lid, name, ours);
}

/* 0x0003 021 : (Channel Adapter portguid 0x...: 'node1 mlx5_0'); and with " # " or " : " between */
static void read_entry(struct reading *r)
{
    char *end;
    const char *line = r->lines.line + strspn(r->lines.line, " \t");
    if (strncmp(line, "0x", 2))
        return;
    unsigned long lid = strtoul(line, &end, 16), port;
    const char *at = end + strspn(end, " \t:");
    if (r->sw == FABRIC_NONE) {
        text_error(&r->lines, "an entry before its switch is named");
        return;
    }
    if (lid > FABRIC_MAX_LID || end == line + 2) {
        text_error(&r->lines, "a LID is a number from 1 to 0x%x", FABRIC_MAX_LID);
        return;
    }
    r->n_entries++;
    if (!strncmp(at, "UNREACHABLE", 11))
        return;
    port = strtoul(at, &end, 10);
    if (end == at || port > 255) {
        text_error(&r->lines, "a port is a number from 0 to 254");
        return;
    }
    check_owner(r, lid, end);
    if (lid < r->f->n_lids) /* else nobody has it */
        r->f->nodes[r->sw].table[lid] = (uint8_t)port;
}

static void read_line(struct reading *r)
{
    const char *line = r->lines.line, *guid = strstr(line, "guid 0x");
    if (!strncmp(line, "Unicast lids", 12) && guid) {
        check_ended(r);
        begin_table(r, guid + 5);
        r->open = !r->lines.failed;
    } else if ((guid = strstr(line, "_ucast_routes: Switch 0x"))) {
        check_ended(r);
        begin_table(r, guid + strlen("_ucast_routes: Switch "));
    } else if (r->open && strstr(line, "lids dumped")) {
        end_table(r);
    } else if (!strncmp(line, "Multicast", 9)) {
        check_ended(r);
        r->sw = FABRIC_NONE;
    } else {
        read_entry(r);
    }
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading r = {.lines = text_lines_of(path, text, len, f->arena, diag), .f = f, .sw = FABRIC_NONE};
    while (text_next(&r.lines))
        read_line(&r);
    check_ended(&r);
    return r.lines.failed ? -1 : 0;
}

static bool recognises(const struct input_head *head)
{
    return strstr(head->bytes, "Unicast lids") || strstr(head->bytes, "_ucast_routes: Switch 0x");
}

const struct input_format input_ib_tables = {.name = "InfiniBand forwarding tables",
                                             .doc = "dump_lfts.sh, dump_fts, ibroute, OpenSM",
                                             .makes = INPUT_FABRIC,
                                             .recognises = recognises,
                                             .stage = FABRIC_TABLES,
                                             .read_fabric = read_fabric};
