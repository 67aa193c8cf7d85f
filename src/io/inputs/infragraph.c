/* InfraGraph (Keysight; JSON's sibling in YAML): devices with components (xpu or npu, nic, switch, ports), instances of
 * them, and edges between instances: `edges` with slices ("host[0:4]", "nic[0]") and a scheme, or `connections` written out
 * ("server.0.nic.1.eth1.leafsw.0.port.2"). An instance of a device with accelerators is a host, any other a switch. What is
 * inside a device is left out but for the number of its accelerators: how near NICs are to them is not read. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_doc.h"
#include "io/inputs/fabric.h"
#include "io/inputs/input.h"

enum { MOST_NAMED = 1024, MOST_SLICE = 65536 };

struct device {
    const char *name;
    uint32_t accelerators;
    const struct yaml_node *node;
};

struct instance {
    const char *name;
    uint32_t device;
    uint32_t count; /* 0: not said */
};

struct link {
    const char *name;
    double rate_Bps; /* 0: not said */
};

struct end {
    const struct instance *of;
    const char *component; /* its name */
    uint32_t first, last;  /* instances, from first to last - 1 */
    uint32_t part, part_end;
};

struct reading {
    struct yaml_doc doc;
    struct fabric *f;
    struct diag *diag;
    struct device devices[MOST_NAMED];
    struct instance instances[MOST_NAMED];
    struct link links[MOST_NAMED];
    uint32_t n_devices, n_instances, n_links;
    bool failed;
};

static int fail(struct reading *r, const struct yaml_node *at, const char *text)
{
    diag_error(r->diag, EXIT_BAD_INPUT, yaml_doc_where(&r->doc, at), "%s", text);
    r->failed = true;
    return -1;
}

static const struct yaml_node *member(const struct yaml_node *n, const char *key)
{
    return n && n->kind == YAML_DOC_MAPPING ? yaml_get(n, key) : NULL;
}

static const char *text_of(const struct yaml_node *n, const char *key)
{
    const struct yaml_node *v = member(n, key);
    return v && v->kind == YAML_DOC_SCALAR ? v->text : NULL;
}

static const struct yaml_node *items(const struct yaml_node *n, const char *key)
{
    const struct yaml_node *v = member(n, key);
    return v && v->kind == YAML_DOC_SEQUENCE ? v->first : NULL;
}

/* --- devices, instances, links ----------------------------------------------------------------------------------------- */

static bool is_accelerator(const struct yaml_node *c)
{
    const char *type = text_of(c, "choice") ? text_of(c, "choice") : text_of(c, "type");
    return type && (!strcmp(type, "xpu") || !strcmp(type, "npu") || !strcmp(type, "gpu"));
}

/* Without `count` they are as many as connections inside name. */
static uint32_t count_of(const struct yaml_node *device, const struct yaml_node *component)
{
    const char *count = text_of(component, "count"), *name = text_of(component, "name");
    uint32_t most = 0;
    if (count)
        return (uint32_t)strtoul(count, NULL, 10);
    for (const struct yaml_node *c = items(device, "connections"); c && name; c = c->next) {
        size_t n = strlen(name);
        if (c->kind != YAML_DOC_SCALAR || strncmp(c->text, name, n) || c->text[n] != '.')
            continue;
        uint32_t number = (uint32_t)strtoul(c->text + n + 1, NULL, 10) + 1;
        most = number > most && number < MOST_SLICE ? number : most;
    }
    return most ? most : 1;
}

static void read_devices(struct reading *r, const struct yaml_node *root)
{
    for (const struct yaml_node *n = items(root, "devices"); n && !r->failed; n = n->next) {
        if (r->n_devices == MOST_NAMED || !text_of(n, "name")) {
            fail(r, n, "a device has a name, and there are at most 1,024");
            return;
        }
        struct device *d = &r->devices[r->n_devices++];
        d->name = text_of(n, "name");
        d->node = n;
        for (const struct yaml_node *c = items(n, "components"); c; c = c->next)
            d->accelerators += is_accelerator(c) ? count_of(n, c) : 0;
    }
}

static void read_instances(struct reading *r, const struct yaml_node *root)
{
    for (const struct yaml_node *n = items(root, "instances"); n && !r->failed; n = n->next) {
        const char *name = text_of(n, "name"), *device = text_of(n, "device"), *count = text_of(n, "count");
        uint32_t d = 0;
        while (device && d < r->n_devices && strcmp(r->devices[d].name, device))
            d++;
        if (!name || !device || r->n_instances == MOST_NAMED)
            fail(r, n, "an instance has a name and a device, and there are at most 1,024");
        else if (d == r->n_devices)
            fail(r, n,
                 arena_printf(r->f->arena,
                              "there is no device '%s' among 'devices': give the files that define it, "
                              "joined into one",
                              device));
        else
            r->instances[r->n_instances++] = (struct instance){name, d, count ? (uint32_t)strtoul(count, NULL, 10) : 0};
    }
}

static void read_links(struct reading *r, const struct yaml_node *root)
{
    for (const struct yaml_node *n = items(root, "links"); n && !r->failed; n = n->next) {
        const struct yaml_node *b = member(member(n, "physical"), "bandwidth");
        b = b ? b : member(n, "bandwidth");
        const char *bits = text_of(b, "gigabits_per_second"), *bytes = text_of(b, "gigabytes_per_second");
        if (r->n_links == MOST_NAMED || !text_of(n, "name")) {
            fail(r, n, "a link has a name, and there are at most 1,024");
            return;
        }
        r->links[r->n_links++] = (struct link){text_of(n, "name"), bits    ? strtod(bits, NULL) * 1e9 / 8
                                                                   : bytes ? strtod(bytes, NULL) * 1e9
                                                                           : 0};
    }
}

/* --- cables --------------------------------------------------------------------------------------------------------------- */

static const struct instance *find_instance(const struct reading *r, const char *name, size_t n)
{
    for (uint32_t i = 0; i < r->n_instances; i++)
        if (!strncmp(r->instances[i].name, name, n) && !r->instances[i].name[n])
            return &r->instances[i];
    return NULL;
}

static double rate_of(const struct reading *r, const char *name, size_t n)
{
    for (uint32_t i = 0; i < r->n_links; i++)
        if (!strncmp(r->links[i].name, name, n) && !r->links[i].name[n])
            return r->links[i].rate_Bps;
    return 0;
}

/* "server0 nic1": an adapter of a host; "leafsw0": a switch. */
static uint32_t node_of(struct reading *r, const struct instance *of, uint32_t number, const char *component,
                        uint32_t part, const struct yaml_node *at)
{
    bool is_host = r->devices[of->device].accelerators > 0;
    const char *name = is_host ? arena_printf(r->f->arena, "%s%u %s%u", of->name, number, component, part)
                               : arena_printf(r->f->arena, "%s%u", of->name, number);
    uint32_t n = fabric_node(r->f, name);
    if (n == FABRIC_NONE) {
        fail(r, at, "too many instances");
        return 0;
    }
    r->f->nodes[n].name = name;
    r->f->nodes[n].is_switch = !is_host;
    r->f->nodes[n].where = yaml_doc_where(&r->doc, at);
    return n;
}

static void add_cable(struct reading *r, const struct end *a, uint32_t i, uint32_t k, const struct end *b, uint32_t j,
                      uint32_t l, double rate_Bps, const struct yaml_node *at)
{
    uint32_t x = node_of(r, a->of, i, a->component, k, at), y = node_of(r, b->of, j, b->component, l, at);
    if (!r->failed && x == y)
        fail(r, at, "an edge joins two different instances");
    if (!r->failed)
        fabric_add_cable(
            r->f, &(struct fabric_cable){
                      .a = x, .b = y, .rate_Bps = rate_Bps, .seen_twice = true, .where = yaml_doc_where(&r->doc, at)});
}

/* server.0.nic.1.eth1.leafsw.0.port.2 */
static void read_connection(struct reading *r, const struct yaml_node *n)
{
    const char *part[9];
    uint32_t number[9], parts = 0;
    char *copy = n->kind == YAML_DOC_SCALAR ? arena_strdup(r->f->arena, n->text) : NULL, *save = NULL;
    for (char *w = copy ? strtok_r(copy, ".", &save) : NULL; w && parts < 9; w = strtok_r(NULL, ".", &save)) {
        number[parts] = (uint32_t)strtoul(w, NULL, 10);
        part[parts++] = w;
    }
    if (parts != 9 || save[0]) {
        fail(r, n, "a connection is written INSTANCE.n.COMPONENT.n.LINK.INSTANCE.n.COMPONENT.n");
        return;
    }
    struct end a = {.of = find_instance(r, part[0], strlen(part[0])), .component = part[2]},
               b = {.of = find_instance(r, part[5], strlen(part[5])), .component = part[7]};
    if (!a.of || !b.of)
        fail(r, n, arena_printf(r->f->arena, "there is no instance '%s'", a.of ? part[5] : part[0]));
    else
        add_cable(r, &a, number[1], number[3], &b, number[6], number[8], rate_of(r, part[4], strlen(part[4])), n);
}

/* NAME, NAME[3], NAME[0:4], NAME[:]; how long the name is, and the range. 0: it is none of these. */
static size_t read_slice(const char *text, uint32_t all, uint32_t *first, uint32_t *last)
{
    size_t n = strcspn(text, "[");
    char *end;
    *first = 0;
    *last = all;
    if (!text[n])
        return n;
    const char *at = text + n + 1;
    *first = (uint32_t)strtoul(at, &end, 10);
    bool given = end > at;
    if (*end == ']') {
        *last = *first + 1;
        return given && !end[1] ? n : 0;
    }
    if (*end != ':')
        return 0;
    at = end + 1;
    *last = (uint32_t)strtoul(at, &end, 10);
    *last = end > at ? *last : all;
    return *end == ']' && !end[1] && *first < *last && *last <= MOST_SLICE ? n : 0;
}

/* How many of a component a device has; 1 where it names none of them. */
static uint32_t parts_of(const struct device *d, const char *component)
{
    size_t n = strcspn(component, "[");
    for (const struct yaml_node *c = items(d->node, "components"); c; c = c->next) {
        const char *name = text_of(c, "name");
        if (name && !strncmp(name, component, n) && !name[n])
            return count_of(d->node, c);
    }
    return 1;
}

static bool read_end(struct reading *r, const struct yaml_node *n, struct end *out)
{
    const char *instance = text_of(n, "instance"), *component = text_of(n, "component");
    size_t length = instance ? strcspn(instance, "[") : 0;
    out->of = length ? find_instance(r, instance, length) : NULL;
    if (!out->of || !component) {
        fail(r, n ? n : r->doc.root,
             "an edge's end is {instance: NAME[from:to], component: NAME[from:to]} of an instance");
        return false;
    }
    uint32_t parts = strchr(component, '[') ? parts_of(&r->devices[out->of->device], component) : 1;
    size_t part = read_slice(component, parts, &out->part, &out->part_end);
    if (!read_slice(instance, out->of->count ? out->of->count : 1, &out->first, &out->last) || !part) {
        fail(r, n, "a slice is written [3], [0:4] or [:]");
        return false;
    }
    out->component = arena_printf(r->f->arena, "%.*s", (int)part, component);
    return true;
}

static uint64_t size_of(const struct end *e)
{
    return (uint64_t)(e->last - e->first) * (e->part_end - e->part);
}

static void join(struct reading *r, const struct end *a, uint32_t i, const struct end *b, uint32_t j, double rate_Bps,
                 const struct yaml_node *at)
{
    uint32_t x = a->part_end - a->part, y = b->part_end - b->part;
    add_cable(r, a, a->first + i / x, a->part + i % x, b, b->first + j / y, b->part + j % y, rate_Bps, at);
}

static void read_edge(struct reading *r, const struct yaml_node *n)
{
    struct end a, b;
    const char *scheme = text_of(n, "scheme"), *link = text_of(n, "link");
    double rate_Bps = link ? rate_of(r, link, strlen(link)) : 0;
    if (!read_end(r, member(n, "ep1"), &a) || !read_end(r, member(n, "ep2"), &b))
        return;
    bool all = scheme && !strcmp(scheme, "many2many");
    if (!all && scheme && strcmp(scheme, "one2one"))
        fail(r, n, arena_printf(r->f->arena, "scheme '%s'; one2one and many2many are known", scheme));
    else if (!all && size_of(&a) != size_of(&b))
        fail(r, n,
             arena_printf(r->f->arena, "one2one joins as many ends as there are on the other side, not %llu to %llu",
                          (unsigned long long)size_of(&a), (unsigned long long)size_of(&b)));
    else if (size_of(&a) > FABRIC_MAX_CABLES || size_of(&b) > FABRIC_MAX_CABLES ||
             (all ? size_of(&a) * size_of(&b) : size_of(&a)) + r->f->n_cables > FABRIC_MAX_CABLES)
        fail(r, n, arena_printf(r->f->arena, "this edge is more than %d cables", FABRIC_MAX_CABLES));
    for (uint32_t i = 0; i < size_of(&a) && !r->failed; i++)
        for (uint32_t j = all ? 0 : i; j < (all ? size_of(&b) : i + 1) && !r->failed; j++)
            join(r, &a, i, &b, j, rate_Bps, n);
}

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

static void read_cables(struct reading *r, const struct yaml_node *root)
{
    for (const struct yaml_node *n = items(root, "connections"); n && !r->failed; n = n->next)
        read_connection(r, n);
    for (const struct yaml_node *n = items(root, "edges"); n && !r->failed; n = n->next)
        read_edge(r, n);
    if (!r->failed && !r->f->n_cables)
        fail(r, root, "neither 'edges' nor 'connections' join instances");
}

static void note_gpus(struct reading *r)
{
    for (uint32_t i = 0; i < r->n_instances; i++) {
        uint32_t n = r->devices[r->instances[i].device].accelerators;
        if (n && r->f->gpus_a_host && r->f->gpus_a_host != n)
            fabric_note(r->f, "hosts have different numbers of accelerators; --gpus says how many a node has");
        r->f->gpus_a_host = n ? n : r->f->gpus_a_host;
    }
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading *r = ARENA_NEW(f->arena, struct reading);
    r->f = f;
    r->diag = diag;
    if (yaml_doc_parse(&r->doc, text, len, path, f->arena, diag))
        return -1;
    const struct yaml_node *root = member(r->doc.root, "infrastructure");
    root = root ? root : r->doc.root;
    read_devices(r, root);
    read_instances(r, root);
    read_links(r, root);
    if (!r->failed)
        read_cables(r, root);
    note_gpus(r);
    return r->failed ? -1 : 0;
}

static bool recognises(const struct input_head *head)
{
    return strstr(head->bytes, "devices:") && strstr(head->bytes, "components:") &&
           (strstr(head->bytes, "instances:") || strstr(head->bytes, "infrastructure:"));
}

const struct input_format input_infragraph = {.name = "InfraGraph",
                                              .doc = "YAML",
                                              .makes = INPUT_FABRIC,
                                              .recognises = recognises,
                                              .stage = FABRIC_NETWORK,
                                              .read_fabric = read_fabric};
