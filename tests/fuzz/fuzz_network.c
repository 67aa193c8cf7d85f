/* Fuzz target of networks of topology `file` and of host files, which stand behind a line of "#----": what is accepted is
 * built, and every GPU reaches every other; what is refused was reported. */
#define _GNU_SOURCE /* memmem, memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/cluster.h"
#include "topology/topo_keys.h"
#include "topology/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

/* Files without a disk. */
static int files[2];
static char keys[200];

static void set_up(void)
{
    files[0] = memfd_create("network", 0);
    files[1] = memfd_create("hosts", 0);
    must(files[0] > 0 && files[1] > 0);
    snprintf(keys, sizeof keys, "file=/proc/self/fd/%d hosts=/proc/self/fd/%d", files[0], files[1]);
}

static void fill(int file, const void *bytes, size_t size)
{
    must(!ftruncate(file, 0) && pwrite(file, bytes, size, 0) == (ssize_t)size);
}

static void walk(const struct topology *t)
{
    uint32_t links[ROUTE_MAX_LINKS];
    for (uint32_t src = 0; src < t->n_endpoints; src++)
        for (uint32_t dst = 0; dst < t->n_endpoints; dst++)
            for (uint32_t port = 0; src != dst && port < t->ports_per_nic; port++) {
                uint32_t n = topology_route_by(t, src, dst, port, links);
                must(n > 0 && n <= ROUTE_MAX_LINKS);
                for (uint32_t i = 0; i < n; i++)
                    must(links[i] < t->n_links && t->links[links[i]].capacity_Bps > 0);
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n#----\n";
    struct cluster_hw hw = {.nodes = 4, .topology = "file"};
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct topology t = {0};
    if (!files[0])
        set_up();
    const uint8_t *hosts = size ? memmem(data, size, mark, sizeof mark - 1) : NULL;
    fill(files[0], data, hosts ? (size_t)(hosts - data) : size);
    if (hosts)
        fill(files[1], hosts + sizeof mark - 1, size - (size_t)(hosts - data) - (sizeof mark - 1));
    hw.node = (struct hw_node){.gpus = 2, .nvlink_Bps = 200e9, .nvlink_efficiency_ratio = 1, .pcie_Bps = 63e9};
    hw.nic = (struct hw_nic){.per_node = 2, .bandwidth_Bps = 50e9, .mtu_B = 4096, .efficiency_ratio = 1};
    hw.network.port_Bps = 50e9;
    char *end = strchr(keys, ' ');
    *end = hosts ? ' ' : '\0';
    hw.network.topology_keys = topo_keys_with(&hw, keys, a);
    *end = ' ';
    int failed = topology_build(&t, &hw, a, d);
    must((failed != 0) == diag_failed(d));
    if (!failed)
        walk(&t);
    diag_free(d);
    arena_free(a);
    return 0;
}
