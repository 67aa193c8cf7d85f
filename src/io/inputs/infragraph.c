/* InfraGraph (Keysight; JSON's sibling in YAML): devices with components (xpu or npu, nic, switch, ports), instances of
 * them, and edges between instances: `edges` with slices ("host[0:4]", "nic", "cx5[0:2].port[0]"; a bare name is all of them) and a
 * scheme (one2one pairs up to the shorter side), or `connections` written out ("server.0.nic.1.eth1.leafsw.0.port.2"); as
 * github.com/Keysight/infragraph, src/infragraph/infragraph_service.py reads them. An instance of a device with accelerators is a host, any other a switch. What is
 * inside a device is left out but for the number of its accelerators: how near NICs are to them is not read. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_doc.h"
#include "io/inputs/fabric.h"
#include "io/inputs/input.h"

enum { MOST_NAMED = 1024, MOST_SLICE = 65536, MOST_PATH = 4 };

struct device {
    const char *name;
    uint32_t accelerators; /* with those of devices inside */
    const struct yaml_node *node;
    enum { UNCOUNTED, COUNTING, COUNTED } state;
};

struct instance {
    const char *name;
    uint32_t device;
    uint32_t count;   /* 0: not said */
    uint8_t *touched; /* [count, at least 1] by a cable */
};

struct link {
    const char *name;
    double rate_Bps; /* 0: not said */
};

struct span { /* some of a name */
    const char *name;
    uint32_t first, n, step;
};

struct end { /* of an edge: some of an instance, some parts of each */
    const struct instance *of;
    struct span path[1 + MOST_PATH]; /* the instance, its component, what is in that */
    uint32_t length;
};

struct place {
    const struct instance *of;
    uint32_t number;
    const char *part; /* "nic1"; of a switch "" */
};

struct reading {
    struct yaml_doc doc;
    struct fabric *f;
    struct diag *diag;
    struct device devices[MOST_NAMED];
    struct instance instances[MOST_NAMED];
    struct link links[MOST_NAMED];
    uint32_t n_devices, n_instances, n_links;
    uint64_t unpaired; /* ends that one2one leaves over */
    int unpaired_line; /* of the first */
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

/* Its product, or more than anything here may be. */
static uint64_t times(uint64_t a, uint64_t b)
{
    return b && a > UINT32_MAX / b ? UINT32_MAX : a * b;
}

static const struct device *find_device(const struct reading *r, const char *name)
{
    for (uint32_t i = 0; name && i < r->n_devices; i++)
        if (!strcmp(r->devices[i].name, name))
            return &r->devices[i];
    return NULL;
}

/* A component that is a device has that one's name. */
static uint32_t count_accelerators(struct reading *r, struct device *d)
{
    if (d->state == COUNTING)
        fail(r, d->node, "this device contains itself");
    if (d->state != UNCOUNTED)
        return d->accelerators;
    d->state = COUNTING;
    uint64_t sum = 0;
    for (const struct yaml_node *c = items(d->node, "components"); c && !r->failed; c = c->next) {
        const char *choice = text_of(c, "choice");
        const struct device *inner = choice && !strcmp(choice, "device") ? find_device(r, text_of(c, "name")) : NULL;
        if (is_accelerator(c))
            sum += count_of(d->node, c);
        else if (inner)
            sum += times(count_of(d->node, c), count_accelerators(r, &r->devices[inner - r->devices]));
    }
    d->state = COUNTED;
    d->accelerators = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    return d->accelerators;
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
    }
    for (uint32_t i = 0; i < r->n_devices && !r->failed; i++)
        count_accelerators(r, &r->devices[i]);
}

static void read_instance(struct reading *r, const struct yaml_node *n)
{
    const char *name = text_of(n, "name"), *device = text_of(n, "device"), *count = text_of(n, "count");
    const struct device *d = find_device(r, device);
    unsigned long many = count ? strtoul(count, NULL, 10) : 0;
    if (!name || !device || r->n_instances == MOST_NAMED)
        fail(r, n, "an instance has a name and a device, and there are at most 1,024");
    else if (!d)
        fail(r, n,
             arena_printf(r->f->arena,
                          "there is no device '%s' among 'devices': give the files that define it, "
                          "joined into one",
                          device));
    else if (count && (!many || many > MOST_SLICE))
        fail(r, member(n, "count"), arena_printf(r->f->arena, "count is from 1 to %d", MOST_SLICE));
    else
        r->instances[r->n_instances++] = (struct instance){name, (uint32_t)(d - r->devices), (uint32_t)many,
                                                           ARENA_ARRAY(r->f->arena, uint8_t, many ? many : 1)};
}

static void read_instances(struct reading *r, const struct yaml_node *root)
{
    for (const struct yaml_node *n = items(root, "instances"); n && !r->failed; n = n->next)
        read_instance(r, n);
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

/* Of the link that an edge names at that node; without a name not known. */
static double rate_of(struct reading *r, const char *name, const struct yaml_node *at)
{
    for (uint32_t i = 0; name && i < r->n_links; i++)
        if (!strcmp(r->links[i].name, name))
            return r->links[i].rate_Bps;
    if (name)
        fail(r, at, arena_printf(r->f->arena, "there is no link '%s' among 'links' of the infrastructure", name));
    return 0;
}

static bool is_host(const struct reading *r, const struct instance *of)
{
    return r->devices[of->device].accelerators > 0;
}

/* "server0 nic1": an adapter of a host; "leafsw0": a switch. */
static uint32_t node_of(struct reading *r, const struct place *p, const struct yaml_node *at)
{
    bool host = is_host(r, p->of);
    const char *name = host ? arena_printf(r->f->arena, "%s%u %s", p->of->name, p->number, p->part)
                            : arena_printf(r->f->arena, "%s%u", p->of->name, p->number);
    uint32_t n = fabric_node(r->f, name);
    if (n == FABRIC_NONE) {
        fail(r, at, "too many instances");
        return 0;
    }
    if (p->number < (p->of->count ? p->of->count : 1))
        p->of->touched[p->number] = 1;
    r->f->nodes[n].name = name;
    r->f->nodes[n].is_switch = !host;
    r->f->nodes[n].where = yaml_doc_where(&r->doc, at);
    return n;
}

static void add_cable(struct reading *r, const struct place *a, const struct place *b, double rate_Bps,
                      const struct yaml_node *at)
{
    uint32_t x = node_of(r, a, at), y = node_of(r, b, at);
    if (!r->failed && x == y)
        fail(r, at, "an edge joins two different instances");
    if (!r->failed)
        fabric_add_cable(
            r->f, &(struct fabric_cable){
                      .a = x, .b = y, .rate_Bps = rate_Bps, .seen_twice = true, .where = yaml_doc_where(&r->doc, at)});
}

static const struct yaml_node *find_component(struct reading *r, const struct device *d, const char *name,
                                              const struct yaml_node *at)
{
    const char *has = "";
    for (const struct yaml_node *c = items(d->node, "components"); c; c = c->next) {
        const char *own = text_of(c, "name");
        if (own && !strcmp(own, name))
            return c;
        has = own && strlen(has) < 200 ? arena_printf(r->f->arena, "%s%s%s", has, *has ? ", " : "", own) : has;
    }
    fail(r, at, arena_printf(r->f->arena, "device '%s' has no component '%s' but: %s", d->name, name, has));
    return NULL;
}

/* Whether numbers up to the last are of it; count 0: it is not said how many there are. */
static bool is_within(struct reading *r, const char *name, uint64_t last, uint32_t count, const struct yaml_node *at)
{
    if (count && last >= count)
        fail(r, at,
             arena_printf(r->f->arena, "%s[%llu]: there are %u, from 0 to %u", name, (unsigned long long)last, count,
                          count - 1));
    else if (last >= MOST_SLICE)
        fail(r, at, arena_printf(r->f->arena, "%s: more than %d", name, MOST_SLICE));
    return !r->failed;
}

static uint32_t count_said(const struct device *d, const struct yaml_node *component)
{
    return text_of(component, "count") ? count_of(d->node, component) : 0;
}

/* An end of a connection, of four words: INSTANCE n COMPONENT n */
static bool read_place(struct reading *r, char *const *word, struct place *out, const struct yaml_node *at)
{
    unsigned long number = strtoul(word[1], NULL, 10), part = strtoul(word[3], NULL, 10);
    out->of = find_instance(r, word[0], strlen(word[0]));
    if (!out->of) {
        fail(r, at, arena_printf(r->f->arena, "there is no instance '%s'", word[0]));
        return false;
    }
    const struct device *d = &r->devices[out->of->device];
    const struct yaml_node *component = find_component(r, d, word[2], at);
    out->number = (uint32_t)number;
    out->part = arena_printf(r->f->arena, "%s%lu", word[2], part);
    return component && is_within(r, word[0], number, out->of->count, at) &&
           is_within(r, word[2], part, count_said(d, component), at);
}

/* server.0.nic.1.eth1.leafsw.0.port.2 */
static void read_connection(struct reading *r, const struct yaml_node *n)
{
    char *word[9], *copy = n->kind == YAML_DOC_SCALAR ? arena_strdup(r->f->arena, n->text) : NULL, *save = NULL;
    uint32_t words = 0;
    for (char *w = copy ? strtok_r(copy, ".", &save) : NULL; w && words < 9; w = strtok_r(NULL, ".", &save))
        word[words++] = w;
    if (words != 9 || save[0]) {
        fail(r, n, "a connection is written INSTANCE.n.COMPONENT.n.LINK.INSTANCE.n.COMPONENT.n");
        return;
    }
    struct place a, b;
    if (!read_place(r, word, &a, n) || !read_place(r, word + 5, &b, n))
        return;
    double rate_Bps = rate_of(r, word[4], n);
    if (!r->failed)
        add_cable(r, &a, &b, rate_Bps, n);
}

/* "" (all), [3], [0:4], [0:4:2], [:]: Python's slices, forwards. */
static bool read_range(const char *at, uint32_t all, struct span *out)
{
    unsigned long v[3] = {0, all, 1};
    uint32_t pieces = 0;
    bool given = false;
    while (*at && pieces < 3 && (!pieces || *at == ':')) {
        char *end = NULL;
        at++; /* the bracket, or the colon */
        if (isdigit((unsigned char)*at)) {
            v[pieces] = strtoul(at, &end, 10);
            given = true;
        }
        at = end ? end : at;
        pieces++;
    }
    if (pieces == 1)
        v[1] = v[0] + 1;
    if ((pieces == 1 && !given) || (pieces && (*at != ']' || at[1])) || v[0] >= v[1] || v[1] > UINT32_MAX || !v[2])
        return false;
    *out = (struct span){out->name, (uint32_t)v[0], (uint32_t)((v[1] - v[0] - 1) / v[2] + 1), (uint32_t)v[2]};
    return true;
}

/* Some of a name: text is NAME and a slice. There are `all`; said: a file's count says so. */
static bool read_span(struct reading *r, const char *text, uint32_t all, bool said, struct span *out,
                      const struct yaml_node *at)
{
    size_t n = strcspn(text, "[");
    out->name = arena_printf(r->f->arena, "%.*s", (int)n, text);
    if (!read_range(text + n, all, out)) {
        fail(r, at, arena_printf(r->f->arena, "'%s': a slice is written [3], [0:4], [0:8:2] or [:], forwards", text));
        return false;
    }
    return is_within(r, out->name, out->first + (uint64_t)(out->n - 1) * out->step, said ? all : 0, at);
}

/* NAME[slice].NAME[slice]: parts of a device, and of the device that a part is. */
static void read_parts(struct reading *r, const struct yaml_node *at, struct end *out)
{
    const struct device *d = &r->devices[out->of->device];
    char *save = NULL, *copy = arena_strdup(r->f->arena, at->text);
    for (char *w = strtok_r(copy, ".", &save); w && !r->failed; w = strtok_r(NULL, ".", &save)) {
        const char *name = arena_printf(r->f->arena, "%.*s", (int)strcspn(w, "["), w);
        if (!d || out->length > MOST_PATH) {
            fail(r, at,
                 arena_printf(r->f->arena, "'%s': what is before it is no device with components, or %d of them", name,
                              MOST_PATH));
            return;
        }
        const struct yaml_node *c = find_component(r, d, name, at);
        if (c && read_span(r, w, count_of(d->node, c), text_of(c, "count"), &out->path[out->length], at))
            out->length++;
        d = find_device(r, name);
    }
    if (!r->failed && out->length < 2)
        fail(r, at, "the name of a component is missing");
}

static bool read_end(struct reading *r, const struct yaml_node *n, struct end *out)
{
    const char *instance = text_of(n, "instance");
    size_t length = instance ? strcspn(instance, "[") : 0;
    *out = (struct end){.of = length ? find_instance(r, instance, length) : NULL};
    if (!instance || !text_of(n, "component"))
        fail(r, n ? n : r->doc.root,
             "an edge's end is {instance: NAME[from:to], component: NAME[from:to]} of an instance");
    else if (!out->of)
        fail(r, member(n, "instance"), arena_printf(r->f->arena, "there is no instance '%.*s'", (int)length, instance));
    else if (read_span(r, instance, out->of->count ? out->of->count : 1, out->of->count, &out->path[0],
                       member(n, "instance"))) {
        out->length = 1;
        read_parts(r, member(n, "component"), out);
    }
    return !r->failed;
}

static uint64_t size_of(const struct end *e)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < e->length; i++)
        n = times(n, e->path[i].n);
    return n;
}

static uint32_t number_in(const struct span *s, uint64_t i)
{
    return s->first + (uint32_t)(i % s->n) * s->step;
}

/* The i-th, the last name's numbers first. */
static struct place place_of(struct reading *r, const struct end *e, uint64_t i)
{
    const char *part = "";
    for (uint32_t k = e->length - 1; k > 0; i /= e->path[k--].n)
        if (is_host(r, e->of))
            part = arena_printf(r->f->arena, "%s%u%s%s", e->path[k].name, number_in(&e->path[k], i), *part ? "." : "",
                                part);
    return (struct place){e->of, number_in(&e->path[0], i), part};
}

static void join(struct reading *r, const struct end *a, uint64_t i, const struct end *b, uint64_t j, double rate_Bps,
                 const struct yaml_node *at)
{
    struct place x = place_of(r, a, i), y = place_of(r, b, j);
    add_cable(r, &x, &y, rate_Bps, at);
}

/* one2one pairs up to the shorter side, as InfraGraph's service does. */
static uint64_t pairs_of(struct reading *r, uint64_t a, uint64_t b, const struct yaml_node *at)
{
    if (a != b && !r->unpaired)
        r->unpaired_line = at->line;
    r->unpaired += a > b ? a - b : b - a;
    return a < b ? a : b;
}

static void lay_edge(struct reading *r, const struct end *a, const struct end *b, bool all, double rate_Bps,
                     const struct yaml_node *n)
{
    uint64_t x = size_of(a), y = size_of(b), pairs = all ? times(x, y) : pairs_of(r, x, y, n);
    if (x > FABRIC_MAX_CABLES || y > FABRIC_MAX_CABLES || pairs + r->f->n_cables > FABRIC_MAX_CABLES)
        fail(r, n, arena_printf(r->f->arena, "this edge is more than %d cables", FABRIC_MAX_CABLES));
    for (uint64_t i = 0; i < pairs && !r->failed; i++)
        join(r, a, all ? i / y : i, b, all ? i % y : i, rate_Bps, n);
}

static void read_edge(struct reading *r, const struct yaml_node *n)
{
    struct end a, b;
    const char *scheme = text_of(n, "scheme");
    double rate_Bps = rate_of(r, text_of(n, "link"), member(n, "link"));
    if (r->failed || !read_end(r, member(n, "ep1"), &a) || !read_end(r, member(n, "ep2"), &b))
        return;
    bool all = scheme && !strcmp(scheme, "many2many");
    if (!all && scheme && strcmp(scheme, "one2one"))
        fail(r, n, arena_printf(r->f->arena, "scheme '%s'; one2one and many2many are known", scheme));
    else
        lay_edge(r, &a, &b, all, rate_Bps, n);
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

static void note_unpaired(struct reading *r)
{
    if (r->unpaired)
        fabric_note(r->f,
                    "one2one pairs ends up to the shorter side, as InfraGraph's service does: %llu ends are left over, "
                    "the first in line %d",
                    (unsigned long long)r->unpaired, r->unpaired_line);
}

static void note_untouched(struct reading *r, const struct instance *of)
{
    uint32_t many = of->count ? of->count : 1, left = 0, first = 0;
    for (uint32_t i = many; i-- > 0;)
        if (!of->touched[i]) {
            left++;
            first = i;
        }
    if (left)
        fabric_note(r->f, "no edge joins %u of the %u instances of '%s', from %s%u on: they are left out", left, many,
                    of->name, of->name, first);
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
    note_unpaired(r);
    for (uint32_t i = 0; i < r->n_instances && !r->failed; i++)
        note_untouched(r, &r->instances[i]);
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
