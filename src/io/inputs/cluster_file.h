/* A cluster without a workload, for `moesim topo`: hardware by name, the cluster's keys of a scenario
 * (its other keys are left alone), then -s. */
#ifndef MOESIM_IO_INPUTS_CLUSTER_FILE_H
#define MOESIM_IO_INPUTS_CLUSTER_FILE_H

#include "base/cfg.h"
#include "hw/cluster.h"

struct cluster_source {
    const char *scenario; /* path, or NULL */
    const char *hardware; /* folder under configs/; NULL = the scenario's, or h800 */
    const char *topology; /* plugin; replaces the scenario's */
    const char *nodes;    /* text of --nodes, or NULL */
    const char *const *set;
    int n_set;
};

struct cluster_file {
    const char *hardware;
    struct cluster_hw *hw;
    struct cfg *cfg; /* "hardware" and "cluster...." as in a scenario */
};

/* 0 or -1. The number of nodes is 1 when nobody gives one. */
int cluster_load(const struct cluster_source *from, struct arena *arena, struct cluster_file *out, struct diag *diag);

#endif
