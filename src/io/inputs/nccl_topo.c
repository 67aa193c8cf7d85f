/* The topology of a node as NCCL and RCCL write it (NCCL_TOPO_DUMP_FILE) and read it (NCCL_TOPO_FILE): <cpu> (a NUMA
 * node), <pci> (switches and devices), <gpu dev=...>, <nic><net name=... speed=...> in Mb/s. Of it: how near each NIC is
 * to each GPU, and the NICs' rates. NVLink is left out (cluster.node says what it does). */
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/xml_tree.h"

struct parts {
    const struct xml_node *gpus[NODE_MAX_GPUS], *nets[FABRIC_MAX_NICS];
    struct node_inside *node;
};

/* Whether the way up to a switch has but the device's own <pci> on it. */
static bool hangs_on(const struct xml_node *n, const struct xml_node *at)
{
    uint32_t between = 0;
    for (n = n->parent; n != at; n = n->parent)
        between += !strcmp(n->name, "pci");
    return between <= 1;
}

static uint8_t nearness(const struct xml_node *gpu, const struct xml_node *net)
{
    const struct xml_node *at = xml_common(gpu, net);
    if (!strcmp(at->name, "pci"))
        return hangs_on(gpu, at) && hangs_on(net, at) ? NEAR_PIX : NEAR_PXB;
    return !strcmp(at->name, "cpu") ? NEAR_PHB : NEAR_SYS;
}

static long dev_of(const struct xml_node *n)
{
    const char *dev = xml_attribute(n, "dev");
    return dev ? strtol(dev, NULL, 10) : 0;
}

static bool add(const struct xml_node **list, uint32_t *n, uint32_t most, const struct xml_node *node)
{
    uint32_t i = *n;
    if (*n == most)
        return false;
    for (; i > 0 && dev_of(list[i - 1]) > dev_of(node); i--)
        list[i] = list[i - 1];
    list[i] = node;
    ++*n;
    return true;
}

static bool collect(struct parts *p, const struct xml_node *root)
{
    bool fits = true;
    for (const struct xml_node *n = root; n && fits; n = xml_next(n)) {
        if (!strcmp(n->name, "gpu"))
            fits = add(p->gpus, &p->node->n_gpus, NODE_MAX_GPUS, n);
        else if (!strcmp(n->name, "net") && xml_attribute(n, "name"))
            fits = add(p->nets, &p->node->n_nics, FABRIC_MAX_NICS, n);
    }
    return fits;
}

static void measure(struct parts *p)
{
    for (uint32_t i = 0; i < p->node->n_nics; i++) {
        const char *speed = xml_attribute(p->nets[i], "speed");
        p->node->nics[i] = xml_attribute(p->nets[i], "name");
        p->node->nic_Bps[i] = speed ? strtod(speed, NULL) * 1e6 / 8 : 0;
        for (uint32_t g = 0; g < p->node->n_gpus; g++)
            p->node->near[g][i] = nearness(p->gpus[g], p->nets[i]);
    }
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    const struct xml_node *root = xml_parse(path, text, len, f->arena, diag);
    struct parts *p = ARENA_NEW(f->arena, struct parts);
    p->node = ARENA_NEW(f->arena, struct node_inside);
    p->node->path = path;
    if (!root)
        return -1;
    bool fits = collect(p, root);
    if (!fits || !p->node->n_gpus) {
        diag_error(diag, EXIT_BAD_INPUT, (struct srcloc){path, text, len, root->line, 1},
                   fits ? "no <gpu> stands in it" : "more than %d GPUs or %d NICs", NODE_MAX_GPUS, FABRIC_MAX_NICS);
        return -1;
    }
    measure(p);
    return fabric_set_inside(f, p->node, diag);
}

static bool recognises(const struct input_head *head)
{
    return strstr(head->bytes, "<system") && (strstr(head->bytes, "<cpu") || strstr(head->bytes, "<gpu"));
}

const struct input_format input_nccl_topo = {.name = "NCCL topology",
                                             .doc = "NCCL_TOPO_DUMP_FILE",
                                             .makes = INPUT_FABRIC,
                                             .recognises = recognises,
                                             .stage = FABRIC_INSIDE,
                                             .read_fabric = read_fabric};
