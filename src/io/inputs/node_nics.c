/* Which NICs a GPU uses: the nearest ones; several GPUs that are as near to the same share them, in order. That is what
 * NCCL does (ncclTopoGetLocalNet: of the NICs nearest to a GPU, the one of its place among the GPUs that have the same). */
#include <stdio.h>
#include <string.h>

#include "io/inputs/fabric.h"

static uint32_t nearest_of(const struct node_inside *node, uint32_t gpu, uint32_t *list)
{
    uint32_t n = 0, best = NEAR_UNKNOWN + 1;
    for (uint32_t i = 0; i < node->n_nics; i++) {
        if (node->near[gpu][i] < best) {
            best = node->near[gpu][i];
            n = 0;
        }
        if (node->near[gpu][i] == best)
            list[n++] = i;
    }
    return n;
}

/* Its place among the GPUs whose nearest NICs are the same, and how many these are. */
static uint32_t place_among(const struct node_inside *node, uint32_t gpu, const uint32_t *list, uint32_t n,
                            uint32_t *alike)
{
    uint32_t place = 0, other[FABRIC_MAX_NICS];
    *alike = 0;
    for (uint32_t g = 0; g < node->n_gpus; g++) {
        bool same = nearest_of(node, g, other) == n && !memcmp(other, list, n * sizeof *list);
        place += same && g < gpu;
        *alike += same;
    }
    return place;
}

void node_share_nics(const struct node_inside *node, uint32_t nics[NODE_MAX_GPUS][FABRIC_MAX_NICS],
                     uint32_t n[NODE_MAX_GPUS])
{
    for (uint32_t g = 0; g < node->n_gpus; g++) {
        uint32_t list[FABRIC_MAX_NICS], alike, near = nearest_of(node, g, list);
        uint32_t place = place_among(node, g, list, near, &alike);
        uint32_t from = place * near / alike, to = (place + 1) * near / alike;
        n[g] = 0;
        nics[g][n[g]++] = list[from];
        for (uint32_t i = from + 1; i < to; i++)
            nics[g][n[g]++] = list[i];
    }
}

/* --- of one host ------------------------------------------------------------------------------------------------------- */

static uint32_t find_nic(const struct node_inside *node, const char *name)
{
    uint32_t i = 0;
    size_t n = strcspn(name, "/"); /* a port of it */
    while (i < node->n_nics && (strncmp(node->nics[i], name, n) || node->nics[i][n]))
        i++;
    return i;
}

int node_of_host(const struct fabric *f, const struct fabric_host *h, uint32_t gpus, struct node_inside *out,
                 struct diag *diag)
{
    *out = (struct node_inside){.n_gpus = gpus, .n_nics = h->n_nics};
    if (gpus > NODE_MAX_GPUS || h->n_nics > FABRIC_MAX_NICS) {
        diag_error(diag, EXIT_LIMIT, SRCLOC_NONE,
                   "host '%s' has %u NICs and %u GPUs; at most %d and %d of a host are known", h->name, h->n_nics, gpus,
                   FABRIC_MAX_NICS, NODE_MAX_GPUS);
        return -1;
    }
    for (uint32_t i = 0; i < h->n_nics; i++) {
        const char *name = f->nics[h->first_nic + i].name;
        uint32_t of = f->inside ? find_nic(f->inside, name) : 0;
        bool known = f->inside && of < f->inside->n_nics;
        out->nics[i] = name;
        if (f->inside && !known && strcmp(name, "hca")) {
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(f->inside->path),
                       "the node that this file describes has no NIC '%s', which host '%s' of the fabric has: it is of "
                       "another kind of node",
                       name, h->name);
            return -1;
        }
        for (uint32_t g = 0; g < gpus; g++)
            out->near[g][i] = known && g < f->inside->n_gpus ? f->inside->near[g][of] : NEAR_UNKNOWN;
    }
    return 0;
}

int fabric_check_inside(const struct fabric *f, struct diag *diag)
{
    struct node_inside host;
    for (uint32_t i = 0; f->inside && i < f->n_hosts; i++)
        if (node_of_host(f, &f->hosts[i], f->inside->n_gpus, &host, diag))
            return -1;
    return 0;
}
