/* The keys of cluster.network that topologies own. A topology describes its keys in a table of its own (`keys` of
 * struct topology_type), reads them with topo_keys_read, and nobody else asks for them. A key of one name in two
 * topologies is one key (oversubscription of all fat trees). */
#ifndef MOESIM_TOPOLOGY_TOPO_KEYS_H
#define MOESIM_TOPOLOGY_TOPO_KEYS_H

#include "hw/cluster.h"
#include "topology/topology.h"

/* Fills the struct that the table describes. */
void topo_keys_read(const struct cluster_hw *hw, const struct cfg_table *keys, void *out);
/* Where one of them was given; for errors about it. Nowhere when only a default speaks. */
struct srcloc topo_keys_where(const struct cluster_hw *hw, const char *name);
/* Whether the user gave it, not the hardware's files. */
bool topo_keys_are_own(const struct cluster_hw *hw, const char *name);

/* Of topologies whose nodes are all alike: an error where cluster.nic.per_node NICs cannot be shared evenly by
 * cluster.node.gpus GPUs, or several be had by each, at the key that the user gave. 0 or -1. */
int topo_nics_fit(const struct cluster_hw *hw, struct diag *diag);
/* NICs of all nodes. */
static inline uint64_t topo_n_nics(const struct cluster_hw *hw)
{
    return (uint64_t)hw->nodes * (uint64_t)hw->nic.per_node;
}

/* Of topologies whose GPUs have a NIC each: an error where cluster.nic.per_node says otherwise, at the key that the user
 * gave. 0 or -1. */
int topo_one_nic_per_gpu(const struct cluster_hw *hw, struct diag *diag);

/* The keys of hw with others, such as "planes=4 oversubscription=3", for networks that no scenario describes. They are
 * ours: a mistake in them is a bug. Owned by the arena. */
const struct cfg_more *topo_keys_with(const struct cluster_hw *hw, const char *assignments, struct arena *arena);

/* Which topologies a config is about; names are NULL-terminated, and unknown ones nobody's business here. */
struct topo_keys_use {
    const char *prefix;                     /* the table that the keys stand in, "cluster.network" */
    const char *const *used;                /* the cluster's, and those that are compared with it */
    const char *file, *const *used_in_file; /* NULL, or: what this file alone names, before -s and proposals */
};
/* Takes out the keys that no used topology reads: one that the user gave is an error at its place, or a warning where
 * the file gives it for a topology of its own that -s or a proposal replaces. Then the topologies say which values
 * have no effect at this size. 0 or -1. */
int topo_keys_check(struct cfg *cfg, const struct topo_keys_use *use, const struct cluster_hw *hw, struct diag *diag);

#endif
