/* What the builders of collectives share. A builder lays steps: see collectives.c. */
#ifndef MOESIM_MODELS_COMM_COLLECTIVES_IMPL_H
#define MOESIM_MODELS_COMM_COLLECTIVES_IMPL_H

#include "models/comm/collectives.h"

struct coll_builder {
    struct opgraph *graph;
    const struct cluster_hw *hw;
    const struct collective *c;
    struct arena *arena;
    uint32_t *lane;   /* [n] */
    uint32_t *op;     /* [n] the step's ops */
    uint32_t *posted; /* [n] network messages of the step so far */
    uint32_t name, no_phase;
};

/* --- steps and messages (collective_steps.c); members by their place in the group
 * ------------------------ */

uint32_t coll_node(const struct coll_builder *b, uint32_t member);
uint32_t coll_rail(const struct coll_builder *b, uint32_t member);
uint32_t coll_members_on_node(const struct coll_builder *b, uint32_t member);
/* Nodes that have members. */
uint32_t coll_n_nodes(const struct coll_builder *b);
/* The member on `rail` of the node where `near` is, or n. Members of a node are
 * adjacent. */
uint32_t coll_neighbour(const struct coll_builder *b, uint32_t near, uint32_t rail);
/* The sender's GPU on the receiver's rail, where the group has one; else the sender
 * itself. */
uint32_t coll_proxy(const struct coll_builder *b, uint32_t src, uint32_t dst);

uint32_t coll_add_op(struct coll_builder *b, uint32_t member, uint32_t lane, enum op_kind kind, double work_s);
/* A lane of a member begins with the launch of its kernel. */
uint32_t coll_new_lane(struct coll_builder *b, uint32_t member);
void coll_begin_lanes(struct coll_builder *b);
void coll_begin_step(struct coll_builder *b);

/* What copies get out of NVLink, one direction. */
double coll_nvlink_Bps(const struct cluster_hw *hw);
/* How long the first chunk of a message is under way on NVLink. */
double coll_chunk_ahead_s(const struct coll_builder *b, double bytes_B);
/* From one member to another, as it is; `ahead_s`: until its first chunk is at the
 * sender. */
void coll_send(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, double ahead_s);
/* The same as all that `op` does. */
void coll_pass(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, uint32_t op);
void coll_send_over_rail(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B);

/* --- all to all, hierarchies (collective_all_to_all.c)
 * ---------------------------------------------------- */

/* Bytes that everyone has for a member. */
double coll_share(const struct coll_builder *b, uint32_t dst);
void coll_everyone_to_everyone(struct coll_builder *b);
/* What a member has for others, handed to the local GPU on each receiver's rail. */
void coll_hand_over(struct coll_builder *b, uint32_t src, double *to_B);
void coll_forward_all(struct coll_builder *b, uint32_t src, double ahead_s);
void coll_all_to_all_pxn(struct coll_builder *b, bool store_and_forward);
void coll_hierarchical(struct coll_builder *b);

/* --- rings (collective_rings.c)
 * ---------------------------------------------------------------------------- */

uint32_t coll_n_rings(const struct coll_builder *b);
/* Ring `turn`: the members node by node, each node's begun `turn` places later, so that
 * every ring enters a node at another GPU and leaves it by that GPU's NIC. */
void coll_ring_order(const struct coll_builder *b, uint32_t turn, uint32_t *order);
/* `steps` rounds; in each everyone passes 1/n of the buffer on, divided among the
 * rings. */
void coll_rings(struct coll_builder *b, uint32_t steps);

/* --- NCCL's kernels inside a node (collective_nccl.c) */

/* Whether the chip's are known and the collective is one of theirs. */
bool coll_nccl_applies(const struct collective *c, const struct cluster_hw *hw);
void coll_nccl(struct coll_builder *b);

/* --- NCCL's all-to-all between nodes (collective_peers.c) */

/* Whether it is that, and how SMs of the chip copy is known. */
bool coll_peers_apply(const struct collective *c, const struct cluster_hw *hw);
void coll_peers(struct coll_builder *b);
/* What member 0 has to do (collective_build_folded). */
void coll_peers_folded(struct coll_builder *b);

/* --- pipelines of chunks (collective_pipelines.c)
 * ---------------------------------------------------------- */

void coll_broadcast_rings(struct coll_builder *b);
/* Trees as many as rings, twice, so that every NIC of a node has its part. */
void coll_reduce_trees(struct coll_builder *b);

#endif
