/* Cables between switches, and which of them the routes of pairs of ranks cross. */
#ifndef MOESIM_KINDS_INFER_INFER_FABRIC_H
#define MOESIM_KINDS_INFER_INFER_FABRIC_H

#include "hw/cluster.h"
#include "topology/topology.h"

struct infer_fabric {
    const struct topology *topo;
    uint32_t ranks, n_links;       /* no links: one switch, or routes that depend on load */
    const double *capacity_Bps;    /* [n_links] */
    const uint32_t *first, *links; /* [ranks * ranks + 1]: of pair (src, dst) links[first[src * ranks + dst]] ...; NULL
                                      until infer_fabric_route */
    const char *routes;            /* a text by which routes are told apart */
};

/* `text`: of all that the topology is built from; NULL: nobody else may know. */
void infer_fabric_open(struct infer_fabric *f, const struct cluster_hw *hw, const struct topology *t, uint32_t ranks,
                       const char *text, struct arena *arena);
/* Finds the routes, unless they are there. */
void infer_fabric_route(struct infer_fabric *f, struct arena *arena);

#endif
