/* A fabric as its operator's tools describe it: switches, cables with rate and ports, adapters and the hosts that they
 * are in, tables of the switches, and what the inside of a node looks like. Readers of many formats fill it (each a file
 * of this folder); fabric_write.c writes it as a file of topology `file`. */
#ifndef MOESIM_IO_INPUTS_FABRIC_H
#define MOESIM_IO_INPUTS_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/outfile.h"

enum { FABRIC_MAX_LID = 0xbfff, FABRIC_PORTS = 256, FABRIC_MAX_NODES = 1 << 18, FABRIC_MAX_NICS = 64 };
/* That a file of few words may ask for. Fuzzing goes the same ways with less of it (make fuzz). */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { FABRIC_MAX_CABLES = 1 << 11 };
#else
enum { FABRIC_MAX_CABLES = 1 << 22 };
#endif
#define FABRIC_NONE UINT32_MAX

struct fabric_node {  /* a switch, or an adapter */
    const char *id;   /* as cables name it */
    const char *name; /* for people; NULL: none */
    uint64_t guid;    /* 0: none */
    bool is_switch;
    uint8_t *table; /* of a switch: [n_lids] port by LID, 255: none. NULL: it has no table */
    struct srcloc table_where;
    uint32_t host;     /* of an adapter, after fabric_find_hosts */
    bool left_out;     /* it stands for others */
    const char *place; /* of an adapter: its name in the host, "mlx5_0" */
    struct srcloc where;
};

struct fabric_cable {
    uint32_t a, b;           /* nodes */
    uint32_t a_port, b_port; /* 0: not known */
    double rate_Bps;         /* one direction, after encoding; 0: not known */
    bool seen_twice;         /* both ends name it */
    struct srcloc where;
};

struct fabric_nic { /* a port of an adapter that a cable joins to a switch */
    uint32_t node, port, cable;
    uint32_t lid; /* 0: none */
    uint64_t guid;
    const char *name; /* "mlx5_0", or "mlx5_0/2" for a second port */
};

struct fabric_lid {
    uint32_t node; /* FABRIC_NONE */
    uint8_t port;
};

struct fabric_host {
    const char *name;
    uint32_t first_nic, n_nics; /* in order of their names */
};

enum { NODE_MAX_GPUS = 64 };
/* How near GPU and NIC are, as NVIDIA's tools name it; smaller is nearer. */
enum nearness { NEAR_PIX, NEAR_PXB, NEAR_PHB, NEAR_NODE, NEAR_SYS, NEAR_UNKNOWN };
extern const char *const nearness_names[];

struct node_inside {  /* of one kind of node */
    const char *path; /* of the file */
    uint32_t n_gpus, n_nics;
    const char *nics[FABRIC_MAX_NICS];            /* names */
    double nic_Bps[FABRIC_MAX_NICS];              /* 0: not known */
    uint8_t near[NODE_MAX_GPUS][FABRIC_MAX_NICS]; /* enum nearness */
};

struct fabric {
    struct arena *arena;
    struct fabric_node *nodes;
    struct fabric_cable *cables;
    struct fabric_nic *nics; /* after fabric_find_hosts; in order of hosts */
    struct fabric_host *hosts;
    uint32_t n_nodes, n_cables, n_nics, n_hosts, room_nodes, room_cables;
    uint32_t *by_id, n_buckets; /* hash table */
    struct fabric_lid *lids;    /* [n_lids], more than the largest that a node has */
    uint32_t n_lids;
    struct node_inside *inside; /* NULL: no file says */
    const char **notes;         /* what was assumed or left out */
    uint32_t n_notes, room_notes;
    uint32_t n_tables;      /* switches that have one */
    bool ends_named;        /* cables are named from both ends */
    uint32_t cables_a_link; /* of formats that do not say how many cables a link is; 0: as many as hosts below */
    bool cables_given;
    uint32_t nics_a_host; /* the same; 0: not given */
    uint32_t gpus_a_host; /* 0: no file of the network says */
};

struct fabric *fabric_new(struct arena *arena);
/* Something that the user should know, once. */
void fabric_note(struct fabric *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The node of that id; FABRIC_NONE. */
uint32_t fabric_find(const struct fabric *f, const char *id);
/* The same, made when it is not there; FABRIC_NONE: there are too many. */
uint32_t fabric_node(struct fabric *f, const char *id);
uint32_t fabric_add_cable(struct fabric *f, const struct fabric_cable *cable); /* its number */
/* LIDs of a node's port; false when another has it. */
bool fabric_set_lid(struct fabric *f, uint32_t lid, uint32_t node, uint32_t port);
uint32_t fabric_lid_owner(const struct fabric *f, uint32_t lid); /* FABRIC_NONE: nobody has it */

/* What the inside of nodes looks like; once. 0 or -1. */
int fabric_set_inside(struct fabric *f, struct node_inside *inside, struct diag *diag);
/* Adapters get their hosts and hosts their NICs, by name. Once, when all is read. 0 or -1. */
int fabric_find_hosts(struct fabric *f, struct diag *diag);
/* "host" and "place" out of a node description, "node17 mlx5_0"; false: it has none. */
bool fabric_split_name(const char *description, struct arena *arena, const char **host, const char **place);
/* As people sort names: node2 before node10. */
int natural_order(const char *a, const char *b);

struct fabric_options {
    uint32_t gpus;  /* of a node; 0: the node's file says, else it stays open */
    bool no_routes; /* tables are left out */
};
/* The NICs of each GPU of a node (node_nics.c): nics[gpu] lists n[gpu] of them. */
void node_share_nics(const struct node_inside *inside, uint32_t nics[NODE_MAX_GPUS][FABRIC_MAX_NICS],
                     uint32_t n[NODE_MAX_GPUS]);
/* The inside of a host of the fabric, with its own NICs. 0 or -1. */
int node_of_host(const struct fabric *f, const struct fabric_host *h, uint32_t gpus, struct node_inside *out,
                 struct diag *diag);
/* Whether the file of the inside of nodes, if there is one, is of these hosts. 0 or -1. */
int fabric_check_inside(const struct fabric *f, struct diag *diag);
/* A file of topology `file`; 0 or -1. */
int fabric_write(const struct fabric *f, const struct fabric_options *o, struct outfile *out, struct diag *diag);
/* What was read, for people. 0 or -1. */
int fabric_print_info(const struct fabric *f, FILE *out, struct diag *diag);

#endif
