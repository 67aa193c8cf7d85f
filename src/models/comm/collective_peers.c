/* NCCL's all-to-all between nodes, as its source has it (src/enqueue.cc addP2pToPlan, src/device/sendrecv.h, src/proxy.cc,
 * src/transport/net.cc, net_ib.cc; 2.20 to 2.29): a send and a receive for each peer, grouped.
 *
 * What is meant for the GPUs of one node shares a channel, and its block's 20 warps: where nodes have 8 GPUs a single
 * warp copies a message into the buffer that the NIC reads, and a single one copies what came out of another. So a
 * message is passed in steps, of at most 32, 64 or 128 KiB as it is below 128 KiB, below 1 MiB, or larger. Nothing leaves
 * before the first step is copied by all warps at once, and the last one is copied when the network is done.
 *
 * With PXN the buffer lies on the node's GPU of the receiver's rail, and what all its GPUs have for one receiver is
 * posted together once each has its step ready. A thread of each process (proxy) does that for all peers, sends and
 * receives alike, by turns: a posted message takes cluster.software.message, and each further source that shares it
 * half of that (an assumption: its flags are looked at and set, nothing is posted).
 *
 * Assumed: small messages (at most 16 KiB a channel), which go by LL, take as long as other ones of their size: flags
 * double their bytes, and spare a fence, a flag of their own and a flush behind each step; how quickly a warp passes them is
 * not known. One channel a peer: NCCL has two or more in small groups, where two warps copy messages over 128 KiB.
 *
 * Left out: credits of buffers (two steps of each peer are under way), the order in which the thread comes round. */
#include "models/comm/collectives_impl.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK_WARPS = 20,
    MOST_WORKS = 8, /* peers that share a block */
    STEP_B = 128 << 10,
    UNROLLED_B = 8 * 512 /* what a warp loads at once */
};

struct peers {
    double warps_Bps;        /* of the warps that copy a message */
    double stored_s;         /* until NVLink has all first steps of a GPU */
    uint32_t *out, *in;      /* [n] resources: the proxy's turns; NULL: they take no time */
    double *to_B, *messages; /* [n] of the sender at hand */
};

/* Of a message of `bytes_B`. */
static double chunk_B(double bytes_B)
{
    return bytes_B < STEP_B ? STEP_B / 4 : bytes_B < 8 * STEP_B ? STEP_B / 2 : STEP_B;
}

static double step_B(double bytes_B)
{
    return fmin(bytes_B, chunk_B(bytes_B));
}

static double warps_of(double works)
{
    double each = floor(BLOCK_WARPS / fmin(works, MOST_WORKS));
    return each <= 4 ? floor(each / 2) : floor((each - 1) / 2);
}

/* Of the proxy, for messages that are posted together. */
static double turns_s(double messages, double message_s)
{
    return message_s * (1 + (messages - 1) / 2);
}

static double steps_of(double bytes_B)
{
    return bytes_B > 0 ? bytes_B / step_B(bytes_B) : 0;
}

/* Turns of a receiver are counted by the steps of what it gets, those of a sender by the mean step of what it posts: all,
 * or with PXN what is for its rail. */
static void take_turns(struct coll_builder *b, struct peers *p, double turn_s)
{
    size_t rails = (size_t)b->hw->node.gpus;
    double *bytes_B = ARENA_ARRAY(b->arena, double, rails), *steps = ARENA_ARRAY(b->arena, double, rails);
    if (!(turn_s > 0))
        return;
    p->out = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    p->in = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t i = 0; i < b->c->n; i++) {
        uint32_t rail = b->c->pxn ? coll_rail(b, i) : 0;
        bytes_B[rail] += coll_share(b, i);
        steps[rail] += steps_of(coll_share(b, i));
    }
    for (uint32_t i = 0; i < b->c->n; i++) {
        uint32_t rail = b->c->pxn ? coll_rail(b, i) : 0;
        double out_B = steps[rail] > 0 ? bytes_B[rail] / steps[rail] : STEP_B;
        double in_B = coll_share(b, i) > 0 ? step_B(coll_share(b, i)) : STEP_B;
        p->out[i] = opgraph_resource(b->graph, out_B / turn_s, "proxy_sends");
        p->in[i] = opgraph_resource(b->graph, in_B / turn_s, "proxy_receives");
    }
}

static struct peers peers_of(struct coll_builder *b)
{
    const struct cluster_hw *hw = b->hw;
    double members = coll_members_on_node(b, 0), message_s = hw_message_s(&hw->software, hw->software.initiator);
    double n = b->c->n, first_B = 0;
    struct peers p = {.warps_Bps = warps_of(members) * UNROLLED_B / hw->ep_kernel.copies.load_s};
    p.to_B = ARENA_ARRAY(b->arena, double, b->c->n);
    p.messages = ARENA_ARRAY(b->arena, double, b->c->n);
    for (uint32_t i = 0; i < n; i++)
        first_B += step_B(coll_share(b, i));
    double far = b->c->pxn ? n - n / members : members - 1; /* messages that a GPU stores over NVLink */
    p.stored_s = first_B / n * far / coll_nvlink_Bps(hw);
    /* one thread sends and receives: half its time for each */
    double shared = b->c->pxn ? members : 1;
    take_turns(b, &p, 2 * turns_s(shared, message_s) / shared);
    return p;
}

/* So that warps copy all but the first step while the network has the message; a single step is copied before. */
static double cap_Bps(const struct peers *p, double each_B, double messages)
{
    double later_B = each_B - step_B(each_B);
    return later_B > 0 ? messages * p->warps_Bps * each_B / later_B : 0;
}

static void send(struct coll_builder *b, const struct peers *p, uint32_t src, uint32_t dst, double bytes_B,
                 double messages)
{
    bool network = coll_node(b, src) != coll_node(b, dst);
    const struct hw_software *sw = &b->hw->software;
    if (bytes_B <= 0 || src == dst)
        return;
    double each_B = bytes_B / messages;
    struct transfer t = {.src_op = b->op[src],
                         .dst_op = b->op[dst],
                         .src = b->c->ranks[src],
                         .dst = b->c->ranks[dst],
                         .bytes_B = bytes_B,
                         .cap_Bps = network ? cap_Bps(p, each_B, messages) : messages * p->warps_Bps,
                         .weight = 1,
                         .priority = b->c->priority};
    if (network) {
        double handed_s = messages > 1 ? b->hw->node.nvlink_latency_s : 0;
        t.latency_s = handed_s + fmax(step_B(each_B) / p->warps_Bps, p->stored_s) + hw_step_s(sw, sw->initiator) +
                      turns_s(messages, hw_message_s(sw, sw->initiator));
    }
    if (network && p->out) {
        t.res[t.n_res++] = p->out[src];
        t.res[t.n_res++] = p->in[dst];
    }
    opgraph_transfer(b->graph, &t);
}

/* What a member has for others, over NVLink to the receiver or the GPU on its rail. */
static void stores(struct coll_builder *b, const struct peers *p, uint32_t src)
{
    uint32_t n = b->c->n;
    memset(p->to_B, 0, n * sizeof *p->to_B);
    memset(p->messages, 0, n * sizeof *p->messages);
    for (uint32_t dst = 0; dst < n; dst++) {
        uint32_t by = coll_node(b, dst) == coll_node(b, src) ? dst : coll_proxy(b, src, dst);
        if (by != src) {
            p->to_B[by] += coll_share(b, dst);
            p->messages[by]++;
        }
    }
    for (uint32_t k = 1; k < n; k++)
        send(b, p, src, (src + k) % n, p->to_B[(src + k) % n], p->messages[(src + k) % n]);
}

/* Over the network: what leaves through this member's NIC for dst. Where the group has nobody on dst's rail, each sends
 * its own. */
static void posts(struct coll_builder *b, const struct peers *p, uint32_t src, uint32_t dst, double members)
{
    double messages = b->c->pxn && coll_rail(b, src) == coll_rail(b, dst) ? members : 1;
    if (coll_node(b, src) != coll_node(b, dst) && coll_proxy(b, src, dst) == src)
        send(b, p, src, dst, messages * coll_share(b, dst), messages);
}

static void all_of(struct coll_builder *b, const struct peers *p, uint32_t src)
{
    double members = coll_members_on_node(b, src);
    stores(b, p, src);
    for (uint32_t k = 1; k < b->c->n; k++)
        posts(b, p, src, (src + k) % b->c->n, members);
}

bool coll_peers_apply(const struct collective *c, const struct cluster_hw *hw)
{
    bool one_node = c->ranks[0] / (uint32_t)hw->node.gpus == c->ranks[c->n - 1] / (uint32_t)hw->node.gpus;
    return c->operation == COLLECTIVE_ALL_TO_ALL && c->algorithm == COLLECTIVE_AUTO && !one_node &&
           hw->ep_kernel.copies.load_s > 0;
}

void coll_peers(struct coll_builder *b)
{
    struct peers p = peers_of(b);
    coll_begin_lanes(b);
    coll_begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        all_of(b, &p, src);
    for (uint32_t i = 0; i < b->c->n; i++)
        coll_add_op(b, i, b->lane[i], OP_COMPUTE, step_B(coll_share(b, i)) / p.warps_Bps);
}

void coll_peers_folded(struct coll_builder *b)
{
    struct peers p = peers_of(b);
    uint32_t lane = coll_new_lane(b, 0);
    uint32_t op = coll_add_op(b, 0, lane, OP_COMM, 0);
    for (uint32_t i = 0; i < b->c->n; i++)
        b->op[i] = op;
    all_of(b, &p, 0);
    coll_add_op(b, 0, lane, OP_COMPUTE, step_B(coll_share(b, 0)) / p.warps_Bps);
}
