/* Kernels of expert parallelism: how tokens reach their experts, and come back.
 *
 * A kernel is one file, ep_NAME.c, with one const struct ep_kernel_type; the registry is generated. It says which
 * engine moves which byte and how fast (SM copy loops, bulk copies, the NIC), what is exchanged before data and waited
 * for after them; ep_exchange.c turns that into transfers and ops, and the time comes out of the network. */
#ifndef MOESIM_MODELS_COMM_EP_KERNEL_H
#define MOESIM_MODELS_COMM_EP_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hw/cluster.h"
#include "models/comm/ep_traffic.h"
#include "models/opgraph.h"

/* What comes before data may be a kernel of its own: counts, barriers. */
enum ep_phase { EP_DISPATCH, EP_COMBINE, EP_PREPARE, EP_PREPARE_COMBINE, N_EP_PHASES };
extern const char *const ep_phase_names[]; /* NULL-terminated */

/* The GPU through whose NIC a GPU's traffic to another node leaves: its own, or where planes do not meet one of its
 * node's. Devices of the graph; no function: any NIC reaches any other. */
struct ep_rails {
    uint32_t (*leaves_from)(const void *network, uint32_t src, uint32_t dst);
    const void *network;
};

/* One exchange of one group: what its kernel sees. */
struct ep_call {
    const struct cluster_hw *hw;
    const struct ep_traffic *traffic;
    enum ep_phase phase;
    double tokens; /* of a rank */
    int64_t hidden, top_k, experts;
    double sms;         /* that the kernel may hold */
    const char *format; /* of a token on the wire (models/comm/wire_format.h) */
    bool choices;       /* what the gate chose, or gradients of its weights, travel along */
    bool loopback;      /* GPUs of a node exchange through their NICs, where a kernel can */
    struct ep_rails rails;
};

/* What is copied where. */
enum ep_copies {
    EP_A_COPY_A_PAIR, /* a message for each (token, expert) */
    EP_A_COPY_A_RANK, /* one for each rank that hosts chosen experts */
    EP_A_COPY_A_NODE  /* one for each node, by the rank on the same rail there, which hands it on over NVLink */
};

/* Engines that a copy crosses, at one rank each. A combine runs backwards: SEND is at the experts' rank. */
enum ep_stage { EP_SEND, EP_FORWARD, EP_RECEIVE, N_EP_STAGES };

/* What a call takes. Rates are of one rank, in bytes of its copies, its own ones included; 0 = that does not limit. */
struct ep_cost {
    enum ep_copies copies;
    double token_B;   /* of a copy on the wire: payload, scales, header */
    double barrier_s; /* a barrier of all ranks comes first, which takes so long once all are there; 0 = none */
    double start_s;   /* launch, counts, what is waited for inside a node before tokens move */
    double network_s; /* of a message between nodes beyond its path: posting it, the flag behind it */
    double engine_Bps[N_EP_STAGES];
    double nvlink_Bps; /* what these copies get out of NVLink, one direction */
    double message_s;  /* between two messages that a rank posts to its NIC */
    double message_B;
    double ahead_s;      /* until the first chunk is through: the pipeline's fill */
    double end_s;        /* after the last byte: copies to their places, sums */
    uint32_t rounds;     /* of flags from everyone to everyone, one after the other, before tokens move */
    double sms;          /* held while tokens move */
    bool hooks;          /* sending and receiving are kernels of their own, and SMs are free between them */
    bool through_nic;    /* inside a node, too */
    bool keeps_own;      /* what a rank keeps crosses no engine */
    uint8_t round_trips; /* after the last byte of a message, until its flag is there */
};

struct ep_exchange;
struct ep_load;
struct ep_counts;

struct ep_kernel_type {
    const char *name; /* "deepep_normal" */
    const char *doc;
    const char *software; /* what was read and measured: version, date */
    const char *ref;
    bool latency;     /* for few tokens */
    bool loops;       /* can go through NICs inside a node (ep_call.loopback) */
    bool prepares;    /* has a kernel of its own for what comes before data (EP_PREPARE) */
    size_t constants; /* offset of its struct hw_ep_constants in struct hw_ep_kernel; 0 = it has none, but keys that
                         `nearest.software` names */
    /* Where nobody measured it on the chip: another's, which `nearest.software` names. */
    struct hw_ep_constants nearest;
    /* NULL, or why the hardware or the group cannot run it, and what would go; in `why`. */
    const char *(*misfit)(const struct ep_call *c, char *why, size_t size);
    void (*cost)(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out);
    /* Transfers by rules of its own instead of `copies` and engines: made ready once for a graph, added for each call,
     * in closed form (ep_exchange.h); NULL: none. */
    void (*open)(struct ep_exchange *x, struct arena *arena);
    void (*move)(const struct ep_exchange *x, const struct ep_traffic *t, const uint32_t *op);
    struct ep_load (*load)(const struct ep_exchange *x, const struct ep_counts *of);
};

const struct ep_kernel_type *ep_kernel_find(const char *name); /* NULL when unknown */
const struct ep_kernel_type *const *ep_kernel_all(void);       /* NULL-terminated, sorted by name */
/* The kernel of a cluster for many tokens, or for few: cluster.ep_kernel.kernel, or the hardware's. */
const struct ep_kernel_type *ep_kernel_of(const struct hw_ep_kernel *hw, bool latency);
/* For results: its constants and where they come from, "DeepEP 1.2, H100" or "those of H100: not validated here". */
const char *ep_constants_text(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw, struct arena *arena);

/* Its constants on the chip; where nobody measured it there, those of another. */
const struct hw_ep_constants *ep_constants(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw);
bool ep_measured_here(const struct ep_kernel_type *k, const struct hw_ep_kernel *hw);

/* NULL, or what does not fit: the group, then the kernel's own checks. */
const char *ep_misfit(const struct ep_kernel_type *k, const struct ep_call *c, char *why, size_t size);

/* A misfit of kernels that hand tokens on along rails: NULL, or that nodes have unequal numbers of GPUs. */
const char *ep_needs_whole_nodes(const struct ep_call *c, char *why, size_t size);
/* A misfit of kernels that store over NVLink: NULL, or that the group has several nodes. */
const char *ep_needs_one_node(const struct ep_call *c, char *why, size_t size);

/* Adds one call of every rank to the graph: rank r is device ranks[r] of the traffic. first[r] and last[r] (may be NULL)
 * get the rank's first and last op. */
void ep_build(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
              uint32_t *first, uint32_t *last);

/* Copies of a token as benchmarks count bandwidth by them, the own ones included: to experts where a copy goes to each, to
 * ranks of a group in one scale-up domain, else to nodes. */
double ep_logical_copies(const struct ep_kernel_type *k, const struct ep_call *c);
/* What a call takes; its transfers between given ops, one a rank. What comes before and after them is the caller's. */
void ep_cost_of(const struct ep_kernel_type *k, const struct ep_call *c, struct ep_cost *out);
void ep_transfers(struct opgraph *graph, const struct ep_kernel_type *k, const struct ep_call *c, struct arena *arena,
                  const uint32_t *op);

#endif
