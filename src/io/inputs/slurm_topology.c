/* Slurm's topology.conf and topology.yaml (topology/tree): which hosts hang on which switch, and which switches on which.
 * They say neither how many cables a link is nor which NICs a host has: --cables has to, and a host has one NIC, or as
 * many as --nics says, all on its switch. */
#define _GNU_SOURCE /* strcasestr */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hostlist.h"
#include "base/yaml_doc.h"
#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/text_lines.h"

struct link {
    uint32_t up, down; /* nodes */
    int line;
};

struct reading {
    struct fabric *f;
    const char *path, *text;
    size_t len;
    struct diag *diag;
    struct link *links;
    uint32_t n_links, room;
    bool failed;
};

static int fail(struct reading *r, int line, const char *text)
{
    diag_error(r->diag, EXIT_BAD_INPUT, (struct srcloc){r->path, r->text, r->len, line, 1}, "%s", text);
    r->failed = true;
    return -1;
}

/* --- what both formats say ------------------------------------------------------------------------------------------- */

static uint32_t node_of(struct reading *r, const char *name, bool is_switch, int line)
{
    uint32_t n = fabric_node(r->f, arena_printf(r->f->arena, "%s %s", is_switch ? "switch" : "host", name));
    if (n == FABRIC_NONE) {
        fail(r, line, "too many switches and hosts");
        return 0;
    }
    struct fabric_node *node = &r->f->nodes[n];
    node->name = is_switch ? name : arena_printf(r->f->arena, "%s", name);
    node->is_switch = is_switch;
    node->where = (struct srcloc){r->path, r->text, r->len, line, 1};
    return n;
}

static void add_link(struct reading *r, uint32_t up, uint32_t down, int line)
{
    if (r->n_links == r->room) {
        struct link *more = ARENA_ARRAY(r->f->arena, struct link, r->room = r->room ? 2 * r->room : 64);
        if (r->n_links)
            memcpy(more, r->links, r->n_links * sizeof *more);
        r->links = more;
    }
    r->links[r->n_links++] = (struct link){up, down, line};
}

static void add_below(struct reading *r, const char *name, const char *list, bool switches, int line)
{
    struct hostlist below = {0};
    const char *why = NULL;
    if (hostlist_add(&below, list, strlen(list), r->f->arena, &why)) {
        fail(r, line, why);
        return;
    }
    for (uint32_t i = 0; i < below.n && !r->failed; i++) {
        uint32_t up = node_of(r, name, true, line), down = node_of(r, below.names[i], switches, line);
        if (up == down)
            fail(r, line, arena_printf(r->f->arena, "switch '%s' hangs on itself", name));
        else if (!r->failed)
            add_link(r, up, down, line);
    }
}

/* --- cables ------------------------------------------------------------------------------------------------------------- */

static uint32_t nics_of_host(const struct reading *r)
{
    return r->f->nics_a_host ? r->f->nics_a_host : 1;
}

struct below {
    uint32_t *first, *links; /* per switch: links down */
    uint32_t *nics;          /* [n_nodes] that hang below a switch */
    uint32_t *ups;           /* [n_nodes] switches that it hangs on */
    uint8_t *state;          /* 1: being counted, 2: done */
};

static uint32_t count_below(struct reading *r, struct below *b, uint32_t node, uint32_t depth)
{
    if (!r->f->nodes[node].is_switch)
        return nics_of_host(r);
    if (b->state[node] == 1 || depth > 64) {
        fail(r, r->f->nodes[node].where.line,
             arena_printf(r->f->arena, "switch '%s' hangs below itself: these links go round in a circle",
                          r->f->nodes[node].name));
        return 0;
    }
    if (b->state[node])
        return b->nics[node];
    b->state[node] = 1;
    for (uint32_t i = b->first[node]; i < b->first[node + 1] && b->nics[node] < FABRIC_MAX_CABLES; i++)
        b->nics[node] += count_below(r, b, r->links[b->links[i]].down, depth + 1);
    b->state[node] = 2;
    return b->nics[node];
}

static void list_below(const struct reading *r, struct below *b)
{
    for (uint32_t i = 0; i < r->n_links; i++) {
        b->first[r->links[i].up + 2]++;
        b->ups[r->links[i].down]++;
    }
    for (uint32_t v = 0; v < r->f->n_nodes; v++)
        b->first[v + 2] += b->first[v + 1];
    for (uint32_t i = 0; i < r->n_links; i++)
        b->links[b->first[r->links[i].up + 1]++] = i;
}

/* Who stands below another has a line of its own; a file that was cut off names switches that it does not define. */
static void check_defined(struct reading *r, const struct below *b)
{
    for (uint32_t i = 0; i < r->n_links && !r->failed; i++) {
        const struct link *l = &r->links[i];
        const struct fabric_node *down = &r->f->nodes[l->down];
        if (down->is_switch && b->first[l->down] == b->first[l->down + 1])
            fail(r, l->line,
                 arena_printf(r->f->arena,
                              "switch '%s' is named here, below '%s', and defined nowhere, with its nodes or switches: "
                              "the file was cut off, or the name is wrong",
                              down->name, r->f->nodes[l->up].name));
    }
}

static void add_cables(struct reading *r, const struct link *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fabric_add_cable(
            r->f, &(struct fabric_cable){
                      .a = l->up, .b = l->down, .seen_twice = true, .where = {r->path, r->text, r->len, l->line, 1}});
}

/* A host's NICs are adapters "HOST nic0", ...: a node each. */
static void add_nics(struct reading *r, const struct link *l)
{
    const char *host = r->f->nodes[l->down].name;
    for (uint32_t i = 0; i < nics_of_host(r); i++) {
        struct link own = *l;
        const char *name = arena_printf(r->f->arena, "%s nic%u", host, i);
        own.down = fabric_node(r->f, name);
        if (own.down == FABRIC_NONE) {
            fail(r, l->line, "too many NICs");
            return;
        }
        r->f->nodes[own.down].name = name;
        r->f->nodes[own.down].where = (struct srcloc){r->path, r->text, r->len, l->line, 1};
        add_cables(r, &own, 1);
    }
}

static void lay_cables(struct reading *r)
{
    uint32_t n = r->f->n_nodes, all = 0;
    struct arena *a = r->f->arena;
    struct below b = {.first = ARENA_ARRAY(a, uint32_t, n + 2),
                      .links = ARENA_ARRAY(a, uint32_t, r->n_links + 1),
                      .nics = ARENA_ARRAY(a, uint32_t, n + 1),
                      .ups = ARENA_ARRAY(a, uint32_t, n + 1),
                      .state = ARENA_ARRAY(a, uint8_t, n + 1)};
    list_below(r, &b);
    check_defined(r, &b);
    for (uint32_t i = 0; i < r->n_links && !r->failed; i++) {
        const struct link *l = &r->links[i];
        uint32_t below = count_below(r, &b, l->down, 0), ups = b.ups[l->down];
        bool is_switch = r->f->nodes[l->down].is_switch;
        uint32_t cables = !is_switch ? 1 : r->f->cables_a_link ? r->f->cables_a_link : (below + ups - 1) / ups;
        if (cables > FABRIC_MAX_CABLES - all)
            fail(r, l->line, arena_printf(a, "these are more than %d cables; give --cables N", FABRIC_MAX_CABLES));
        else if (is_switch)
            add_cables(r, l, cables);
        else
            add_nics(r, l);
        all += cables;
    }
    /* hosts gave way to their NICs: of a host itself no cable goes */
    for (uint32_t i = 0; i < n; i++)
        r->f->nodes[i].left_out = !r->f->nodes[i].is_switch;
}

static int finish(struct reading *r)
{
    if (r->failed)
        return -1;
    if (!r->n_links)
        return fail(r, 1, "no switch stands in it (SwitchName=... or tree: switches:)");
    if (!r->f->cables_given)
        return fail(r, 1,
                    arena_printf(r->f->arena,
                                 "Slurm does not say how many cables join two switches; write 'moesim fabric import "
                                 "--cables N %s -o fabric.yaml', or --cables full for as many as NICs hang below",
                                 r->path));
    fabric_note(r->f, "Slurm says neither how many cables a link is nor which NICs a host has: %s, %u a host",
                r->f->cables_a_link ? arena_printf(r->f->arena, "%u cables a link", r->f->cables_a_link)
                                    : "as many cables as NICs hang below",
                nics_of_host(r));
    lay_cables(r);
    return r->failed ? -1 : 0;
}

/* --- topology.conf ------------------------------------------------------------------------------------------------------- */

/* The value of KEY=..., up to a blank; NULL. */
static const char *value_of(struct reading *r, const char *line, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = line; *at; at++)
        if ((at == line || at[-1] == ' ' || at[-1] == '\t') && !strncasecmp(at, key, n) && at[n] == '=')
            return arena_printf(r->f->arena, "%.*s", (int)strcspn(at + n + 1, " \t"), at + n + 1);
    return NULL;
}

static void read_line(struct reading *r, const char *text, int line)
{
    const char *clean = arena_printf(r->f->arena, "%.*s", (int)strcspn(text, "#"), text);
    const char *name = value_of(r, clean, "SwitchName"), *nodes = value_of(r, clean, "Nodes"),
               *switches = value_of(r, clean, "Switches");
    if (value_of(r, clean, "BlockName"))
        fail(r, line, "topology/block says which hosts are near, not by which switches; topology/tree does");
    else if (!name && clean[strspn(clean, " \t")])
        fail(r, line, "a line of topology.conf is SwitchName=NAME Switches=LIST or Nodes=LIST");
    else if (name && nodes)
        add_below(r, name, nodes, false, line);
    if (!r->failed && name && switches)
        add_below(r, name, switches, true, line);
    if (value_of(r, clean, "LinkSpeed"))
        fabric_note(r->f, "LinkSpeed= is left out: in Slurm it has no unit");
}

static int read_conf(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading r = {f, path, text, len, diag, NULL, 0, 0, false};
    struct text_lines lines = text_lines_of(path, text, len, f->arena, diag);
    while (!r.failed && text_next(&lines))
        read_line(&r, lines.line, lines.number);
    return finish(&r);
}

static bool is_conf(const struct input_head *head)
{
    return strcasestr(head->bytes, "SwitchName=") || strcasestr(head->bytes, "BlockName=");
}

const struct input_format input_slurm_conf = {.name = "Slurm's topology.conf",
                                              .doc = "topology/tree",
                                              .makes = INPUT_FABRIC,
                                              .recognises = is_conf,
                                              .stage = FABRIC_NETWORK,
                                              .counts_open = true,
                                              .read_fabric = read_conf};

/* --- topology.yaml ------------------------------------------------------------------------------------------------------- */

static const char *text_of(const struct yaml_node *n, const char *key)
{
    const struct yaml_node *v = n->kind == YAML_DOC_MAPPING ? yaml_get(n, key) : NULL;
    return v && v->kind == YAML_DOC_SCALAR ? v->text : NULL;
}

static void read_switches(struct reading *r, const struct yaml_node *list)
{
    for (const struct yaml_node *n = list->first; n && !r->failed; n = n->next) {
        const char *name = text_of(n, "switch"), *nodes = text_of(n, "nodes"), *children = text_of(n, "children");
        if (!name)
            fail(r, n->line, "an item of 'switches' is {switch: NAME, children: LIST} or {switch: NAME, nodes: LIST}");
        else if (nodes)
            add_below(r, name, nodes, false, n->line);
        if (name && children && !r->failed)
            add_below(r, name, children, true, n->line);
    }
}

/* The topology of the cluster, or the first that is a tree. */
static const struct yaml_node *choose(struct reading *r, const struct yaml_node *root)
{
    const struct yaml_node *tree = NULL;
    uint32_t trees = 0;
    for (const struct yaml_node *n = root->kind == YAML_DOC_SEQUENCE ? root->first : NULL; n; n = n->next) {
        const struct yaml_node *is = n->kind == YAML_DOC_MAPPING ? yaml_get(n, "tree") : NULL;
        const char *whole = text_of(n, "cluster_default");
        if (!is || is->kind != YAML_DOC_MAPPING)
            continue;
        if (!tree || (whole && !strcmp(whole, "true")))
            tree = is;
        trees++;
    }
    if (trees > 1)
        fabric_note(r->f, "of %u trees in the file the cluster's default, or the first, is taken", trees);
    return tree;
}

static int read_yaml(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading r = {f, path, text, len, diag, NULL, 0, 0, false};
    struct yaml_doc doc;
    if (yaml_doc_parse(&doc, text, len, path, f->arena, diag))
        return -1;
    const struct yaml_node *tree = choose(&r, doc.root), *list = tree ? yaml_get(tree, "switches") : NULL;
    if (!list || list->kind != YAML_DOC_SEQUENCE)
        return fail(&r, 1, "none of its topologies is a tree with 'switches'; topology/block and flat name none");
    read_switches(&r, list);
    return finish(&r);
}

static bool is_yaml(const struct input_head *head)
{
    return strstr(head->bytes, "topology:") && (strstr(head->bytes, "switch:") || strstr(head->bytes, "blocks:"));
}

const struct input_format input_slurm_yaml = {.name = "Slurm's topology.yaml",
                                              .doc = "tree",
                                              .makes = INPUT_FABRIC,
                                              .recognises = is_yaml,
                                              .stage = FABRIC_NETWORK,
                                              .counts_open = true,
                                              .read_fabric = read_yaml};
