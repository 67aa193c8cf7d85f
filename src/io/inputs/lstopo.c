/* A node as hwloc writes it (lstopo --of xml): PCI devices below bridges, host bridges, packages. Of it: how near each
 * InfiniBand or RoCE adapter is to each GPU (a PCI display or 3D controller of NVIDIA or AMD). Cores and caches are left
 * out. */
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/xml_tree.h"

static bool is_type(const struct xml_node *n, const char *type)
{
    const char *is = !strcmp(n->name, "object") ? xml_attribute(n, "type") : NULL;
    return is && !strcmp(is, type);
}

/* pci_type="0302 [10de:2330] [10de:16c1] a1"; a display device that is no VGA card of a mainboard. */
static bool is_gpu(const struct xml_node *n)
{
    const char *pci = is_type(n, "PCIDev") ? xml_attribute(n, "pci_type") : NULL;
    if (!pci)
        return false;
    return (!strncmp(pci, "03", 2) && strstr(pci, "[10de:")) ||
           ((!strncmp(pci, "0380", 4) || !strncmp(pci, "0302", 4) || !strncmp(pci, "1200", 4)) &&
            strstr(pci, "[1002:"));
}

/* osdev_type 3: OpenFabrics, in hwloc 1 and 2. */
static bool is_nic(const struct xml_node *n)
{
    const char *type = is_type(n, "OSDev") ? xml_attribute(n, "osdev_type") : NULL;
    return type && !strcmp(type, "3") && xml_attribute(n, "name");
}

static bool is_bridge(const struct xml_node *n, bool of_host)
{
    const char *type = is_type(n, "Bridge") ? xml_attribute(n, "bridge_type") : NULL;
    return type && *type == (of_host ? '0' : '1');
}

static uint32_t bridges_below(const struct xml_node *n, const struct xml_node *at)
{
    uint32_t between = 0;
    for (n = n->parent; n != at; n = n->parent)
        between += is_bridge(n, false);
    return between;
}

static bool only_package(const struct xml_node *machine)
{
    uint32_t n = 0;
    for (const struct xml_node *i = machine; i; i = xml_next(i))
        n += is_type(i, "Package") || is_type(i, "Socket");
    return n <= 1;
}

/* A switch is a bridge with one more for each of its ports. */
static uint8_t nearness(const struct xml_node *gpu, const struct xml_node *nic)
{
    const struct xml_node *at = xml_common(gpu, nic);
    if (is_bridge(at, false) || is_type(at, "PCIDev"))
        return bridges_below(gpu, at) <= 1 && bridges_below(nic, at) <= 1 ? NEAR_PIX : NEAR_PXB;
    if (is_bridge(at, true))
        return NEAR_PHB;
    return !is_type(at, "Machine") || only_package(at) ? NEAR_NODE : NEAR_SYS;
}

static int too_many(const char *path, struct diag *diag)
{
    diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(path), "more than %d GPUs or %d NICs", NODE_MAX_GPUS, FABRIC_MAX_NICS);
    return -1;
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    const struct xml_node *root = xml_parse(path, text, len, f->arena, diag), *gpus[NODE_MAX_GPUS],
                          *nics[FABRIC_MAX_NICS];
    struct node_inside *node = ARENA_NEW(f->arena, struct node_inside);
    node->path = path;
    for (const struct xml_node *n = root; n; n = xml_next(n)) {
        if ((is_gpu(n) && node->n_gpus == NODE_MAX_GPUS) || (is_nic(n) && node->n_nics == FABRIC_MAX_NICS))
            return too_many(path, diag);
        if (is_gpu(n))
            gpus[node->n_gpus++] = n;
        if (is_nic(n))
            nics[node->n_nics++] = n;
    }
    if (root && !node->n_gpus)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "no GPU stands in it; lstopo must see PCI devices (hwloc with its PCI plugin, '--of xml' of the "
                   "whole node)");
    if (!root || !node->n_gpus)
        return -1;
    for (uint32_t i = 0; i < node->n_nics; i++) {
        node->nics[i] = xml_attribute(nics[i], "name");
        for (uint32_t g = 0; g < node->n_gpus; g++)
            node->near[g][i] = nearness(gpus[g], nics[i]);
    }
    return fabric_set_inside(f, node, diag);
}

static bool recognises(const struct input_head *head)
{
    return strstr(head->bytes, "<topology") && strstr(head->bytes, "<object");
}

const struct input_format input_lstopo = {.name = "hwloc topology",
                                          .doc = "lstopo --of xml",
                                          .makes = INPUT_FABRIC,
                                          .recognises = recognises,
                                          .stage = FABRIC_INSIDE,
                                          .read_fabric = read_fabric};
