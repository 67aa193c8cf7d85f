/* A network of the user's own, as a YAML file says: switches, cables, hosts with their NICs, and tables of the switches
 * (configs/networks/example.yaml explains it; `moesim fabric import` writes one). */
#ifndef MOESIM_TOPOLOGY_NET_FILE_H
#define MOESIM_TOPOLOGY_NET_FILE_H

#include "hw/cluster.h"

enum { NET_MAX_SWITCHES = 2048, NET_MAX_COUNT = 4096, NET_MAX_NICS = 64 };
#define NET_NONE UINT32_MAX

struct net_cable {
    uint32_t a, b;           /* switches */
    uint32_t a_port, b_port; /* of them; 0: the file does not say */
    double bandwidth_Bps, latency_s;
};

struct net_nic {
    uint32_t sw, port;    /* a port of the switch; 0: the file does not say */
    double bandwidth_Bps; /* of its cable; 0: the cluster's */
};

struct net_host {
    const char *name; /* NULL: `endpoints` has no hosts */
    uint32_t first_nic, n_nics;
    uint32_t n_gpus;
    const uint32_t *first_of; /* [n_gpus + 1] into nics_of */
    const uint32_t *nics_of;  /* NICs of each GPU, counted in the host */
    int line;                 /* of the file */
};

struct net_file {
    const char *path;
    const char **switches; /* NULL-terminated */
    uint32_t n_switches, n_cables, n_nics, n_hosts;
    const struct net_cable *cables;
    const struct net_nic *nics; /* in order of hosts */
    const struct net_host *hosts;
    const uint32_t *job;   /* [cluster.nodes] hosts, in order of nodes */
    const uint32_t *table; /* [n_switches][n_nics] 2 * cable, + 1 from its b to its a; NET_NONE: the table says nothing.
                              NULL: no tables */
};

struct net_file_keys {
    const char *file, *hosts;
};
extern const struct cfg_table net_file_keys;

/* Reads the file of the cluster; all is in the arena. NULL after errors. */
struct net_file *net_file_read(const struct cluster_hw *hw, struct arena *a, struct diag *diag);

/* What its parts have, least and most: cables and NICs (of switches) in use of a switch, rates of cables between switches
 * and of cables of NICs (port_Bps where the file gives none). 0 and 0: there are none. */
struct net_extent {
    uint32_t least_ports, most_ports;
    double least_cable_Bps, most_cable_Bps, least_nic_Bps, most_nic_Bps;
};
struct net_extent net_file_extent(const struct net_file *f, double port_Bps, struct arena *a);

#endif
