/* Topology: a directed multigraph of links with its paths. Endpoints are GPU ranks
 * 0 .. n_endpoints-1 (rank = node * gpus_per_node + gpu). Paths are computed, not stored per pair; which
 * of them a flow takes is the routing policy's business (routing.h).
 * A plugin is one const struct topology_type in topo_NAME.c; the registry is generated.
 * Vertices: endpoints, then NIC ports (endpoint * ports_per_nic + port unless they are shared), then switches. */
#ifndef MOESIM_TOPOLOGY_TOPOLOGY_H
#define MOESIM_TOPOLOGY_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cfg.h"
#include "base/diag.h"

#define ROUTE_MAX_LINKS 32

struct cluster_hw; /* hw/cluster.h */
struct tables;     /* topology/tables.h */

enum link_kind { LINK_NVLINK, LINK_PCIE, LINK_NIC, LINK_LEAF_SPINE, LINK_SPINE_CORE, LINK_OTHER };

/* One direction of a cable or port group. */
struct topo_link {
    double capacity_Bps; /* achievable by large transfers, after protocol overheads */
    double latency_s;    /* propagation, port and switch traversal charged to this hop */
    uint8_t kind;        /* enum link_kind */
    uint32_t a, b;       /* vertex ids: endpoints first, then NICs, then switches */
};

struct topo_counts {                     /* network only: NVLink and PCIe inside a node are not counted */
    uint64_t endpoints, switches, links; /* links: undirected switch-switch cables */
    uint64_t short_links;                /* of these: inside a group of switches that stand together, so that copper
                             reaches (dragonfly: within a group) */
    uint64_t nic_cables;                 /* between NICs and switches; 0 = one per endpoint */
    uint64_t nics;                       /* 0 = one per endpoint */
    /* callers zero the struct before count() */
};

/* A network without switches has no NIC cables. */
static inline uint64_t topo_nic_cables(const struct topo_counts *c)
{
    return !c->switches ? 0 : c->nic_cables ? c->nic_cables : c->endpoints;
}

/* NICs; none where there are no switches. */
static inline uint64_t topo_nics(const struct topo_counts *c)
{
    return !c->switches ? 0 : c->nics ? c->nics : c->endpoints;
}

/* Which NIC ports GPUs use where NICs are shared by GPUs, GPUs have several NICs, or nodes are unequal. */
struct nic_sharing {
    const uint32_t *port;  /* [n_endpoints][ports_per_nic] a GPU's ports; one that has fewer has them again */
    const uint32_t *owner; /* [n_ports] the first GPU that uses it; TOPOLOGY_NONE: none does */
    const uint32_t *users; /* [n_ports] how many GPUs do */
};
#define TOPOLOGY_NONE UINT32_MAX

struct topology {
    const struct topology_type *type;
    uint32_t n_endpoints, gpus_per_node;
    uint32_t ports_per_nic;            /* that an endpoint has, of all its NICs; 0 = no NICs at all */
    uint32_t nics_per_gpu;             /* that it divides its messages among, equally; 0 or 1: one */
    uint32_t n_ports;                  /* of NICs, all together */
    const struct nic_sharing *sharing; /* NULL: every endpoint has ports of its own */
    bool unified_adapter;              /* NICs are ports of the scale-up network, too */
    bool shared_nic;                   /* ports of a NIC together can do more than it can (ends.h) */
    uint32_t n_vertices, n_links;
    struct topo_link *links;
    void *state;                 /* the plugin's own */
    const struct tables *tables; /* of its switches, for all NIC ports; NULL: routes follow from by_destination */
    int engine;          /* of OpenSM that filled them (enum routing_policy), to do so again after faults; 0: none */
    const uint8_t *plug; /* [n_links] the port of its switch that a link leaves; 0, or NULL: not known */
};

struct topology_type {
    const char *name; /* "mpft" */
    const char *doc;
    const char *ref; /* paper section */
    /* The keys of cluster.network that it reads (topo_keys.h); NULL: none. */
    const struct cfg_table *keys;
    /* Keys of cluster ("nic.bandwidth network.switch_ports") that mean nothing to it; NULL: none. */
    const char *unread;
    /* GPUs are joined to each other, without switches and without an NVSwitch: what has the place of a switch among
     * the vertices is inside a GPU, and nothing on the way can copy or add. */
    bool switchless;
    /* Warns of keys that the user gave and that have no effect at this size; NULL: all have. */
    void (*check)(const struct cluster_hw *hw, struct diag *diag);
    /* Whether any NIC reaches any other without a hop over NVLink; NULL: yes. */
    bool (*nics_meet)(const struct cluster_hw *hw);
    /* What the paper's tables call it, "MPFT"; NULL: it is in none of them. */
    const char *(*name_in_paper)(const struct cluster_hw *hw);
    /* What a GPU can send into the network, all its ports together, after headers; NULL: what its NIC and one port of
     * a switch can (hw_nic_payload_Bps). */
    double (*payload_Bps)(const struct cluster_hw *hw);
    /* What NICs do when nobody says (routing.policy: auto): packets take all paths. */
    bool sprays;
    /* Builds into the arena. 0 or -1. */
    int (*build)(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag);
    /* The same counts in closed form, without building. */
    int (*count)(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag);
    /* The paths from src to dst (never equal): numbers 0 .. n_minimal-1 are the minimal ones, of equal
     * cost; n_detours more follow: longer ones (over another plane, over a random switch). */
    uint32_t (*n_minimal)(const struct topology *t, uint32_t src, uint32_t dst);
    uint32_t (*n_detours)(const struct topology *t, uint32_t src, uint32_t dst); /* NULL = none */
    /* The minimal path that the switches' tables take: one link for each switch and destination (D-mod-K). */
    uint32_t (*by_destination)(const struct topology *t, uint32_t src, uint32_t dst);
    /* The same for NICs of several ports: when the message leaves by one of them. NULL: a NIC has one. */
    uint32_t (*by_port)(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port);
    /* Of these the minimal paths that leave by NIC `nic` of those that a GPU has; they stand NIC by NIC. NULL: it has one. */
    uint32_t (*n_by_nic)(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic);
    /* Instead, for networks that have real tables: writes that path's links. NULL: it is a number, by_destination. */
    uint32_t (*by_tables)(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS]);
    /* Writes the link ids of a path in order, each at most once; returns how many. */
    uint32_t (*path)(const struct topology *t, uint32_t src, uint32_t dst, uint32_t number,
                     uint32_t links[ROUTE_MAX_LINKS]);
    /* Permutations of the endpoints that carry paths of by_destination to such paths (symmetry.h); NULL:
     * none are known. 0 where the shape has none. */
    uint32_t (*n_turns)(const struct topology *t);
    uint32_t (*turn)(const struct topology *t, uint32_t number, uint32_t endpoint);
    /* Under lossless flow control a switch gives a message that goes on over a link between switches which is not of
     * higher order the next virtual channel, so that no circle of messages can wait for each other. How many channels
     * that takes for all paths; 0: paths go up and then down, one does. NULL link_order: no link is of higher order. */
    uint32_t n_channels;
    uint32_t (*link_order)(const struct topology *t, uint32_t link);
    /* Which plane a switch vertex belongs to; NULL: all are one plane. */
    uint32_t (*plane_of)(const struct topology *t, uint32_t vertex);
    /* Name of a link for people, e.g. "n3.nic5->leaf5.0"; returns buf. */
    const char *(*link_name)(const struct topology *t, uint32_t link, char *buf, size_t size);
};

/* Number of a NIC port in the whole network. */
static inline uint32_t topology_nic_port(const struct topology *t, uint32_t endpoint, uint32_t port)
{
    uint32_t at = endpoint * t->ports_per_nic + port;
    return t->sharing ? t->sharing->port[at] : at;
}
/* The (first) endpoint that uses a NIC port; TOPOLOGY_NONE: none does. */
static inline uint32_t topology_port_owner(const struct topology *t, uint32_t port)
{
    return t->sharing ? t->sharing->owner[port] : port / t->ports_per_nic;
}
static inline uint32_t topology_port_users(const struct topology *t, uint32_t port)
{
    return t->sharing ? t->sharing->users[port] : 1;
}
static inline uint32_t topology_nics_per_gpu(const struct topology *t)
{
    return t->nics_per_gpu > 1 ? t->nics_per_gpu : 1;
}
/* The NIC port by which static tables send what src has for dst: a hash of the pair. */
uint32_t topology_port(const struct topology *t, uint32_t src, uint32_t dst);
/* The same of NIC number `nic` of its own; a message is divided among the NICs. */
uint32_t topology_port_of_nic(const struct topology *t, uint32_t src, uint32_t dst, uint32_t nic);
/* The path that static tables take, by that port or by a given one; 0 links when src == dst. */
uint32_t topology_route_by(const struct topology *t, uint32_t src, uint32_t dst, uint32_t port,
                           uint32_t links[ROUTE_MAX_LINKS]);
uint32_t topology_route(const struct topology *t, uint32_t src, uint32_t dst, uint32_t links[ROUTE_MAX_LINKS]);
/* The GPU through whose NIC the path of src leaves for dst: its own, or one of its node's; src where there is no NIC. */
uint32_t topology_leaves_from(const struct topology *t, uint32_t src, uint32_t dst);
static inline uint32_t topology_first_switch(const struct topology *t)
{
    return t->n_endpoints + t->n_ports;
}

/* Builds the topology that the cluster names into the arena; `cables_ratio` of the cluster's network scales cables between
 * switches. 0 or -1. */
int topology_build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag);

const struct topology_type *topology_find(const char *name); /* NULL when unknown */
/* The policy by its name, with the one that `auto` is. */
const char *topology_policy_name(const struct cluster_hw *hw);
/* What the chosen topology (hw->topology, a known one) answers. */
struct hw_routing topology_routing(const struct cluster_hw *hw); /* with the policy that `auto` is */
bool topology_is_switchless(const struct cluster_hw *hw);
bool topology_nics_meet(const struct cluster_hw *hw);
const char *topology_name_in_paper(const struct cluster_hw *hw); /* NULL: the paper has no such network */
const struct topology_type *const *topology_all(void);           /* NULL-terminated, sorted by name */

#endif
