/* Collectives inside a node as NCCL's kernels do them (src/device/prims_*.h, src/graph/tuning.cc, 2.29).
 *
 * Rings: n - 1 steps (all-reduce twice as many), each of 1/n of the buffer. Protocols differ in what a step waits for.
 * LL: every 8 bytes carry a flag: NVLink's latency alone, at a small rate. LL128: a flag a 128-byte line; a GPU passes
 * lines on at its own rate, and first and last step cost as much as others. Simple: slices of half a chunk through a
 * buffer, which a flag behind each makes known: a slice's latency is longer, two slices are under way, links limit the
 * rest, and the last one is copied out of the buffer. The faster of LL and LL128, and Simple from a size on, as measured
 * (NCCL decides by a table of its own).
 * All-to-all: a send and a receive for each peer in one kernel; at most 16 KiB by LL, one channel a peer; else Simple.
 * All-reduce among many of a node that the switch can add up (NVLS): each GPU sends what it has, and its share of sums,
 * once.
 *
 * Left out: trees inside a node, registered buffers, symmetric kernels, copy engines. */
#include <math.h>

#include "models/comm/collectives_impl.h"

enum { LL_PEER_B = 16384, NVLS_GPUS = 8 /* fewer ring */, SLICES = 2 };

enum protocol { PROTOCOL_LL, PROTOCOL_LL128, PROTOCOL_SIMPLE };

static uint32_t n_steps(const struct collective *c)
{
    return (c->operation == COLLECTIVE_ALL_REDUCE ? 2 : 1) * (c->n - 1);
}

/* Time beyond start, were nothing else on the links: what the choice goes by. */
static double ring_s(const struct collective *c, const struct cluster_hw *hw, enum protocol p)
{
    const struct hw_nccl *k = &hw->software.nccl;
    double steps = n_steps(c), part_B = c->size_B / c->n, link = coll_nvlink_Bps(hw);
    switch (p) {
    case PROTOCOL_LL:
        return steps * (hw->node.nvlink_latency_s + part_B / k->ll_Bps);
    case PROTOCOL_LL128:
        return steps * k->ll128_step_s + (steps + 1) * part_B / k->ll128_Bps;
    case PROTOCOL_SIMPLE:
        return k->simple_start_s + part_B / k->copy_Bps +
               fmax(steps * (k->simple_step_s + part_B / SLICES / link) + part_B / SLICES / link,
                    steps * part_B / link + k->simple_step_s);
    }
    return INFINITY;
}

static double nvls_s(const struct collective *c, const struct cluster_hw *hw)
{
    const struct hw_nccl *k = &hw->software.nccl;
    bool can = c->operation == COLLECTIVE_ALL_REDUCE && !c->integer && c->n >= NVLS_GPUS && k->nvls_gpu_s > 0;
    return can ? c->n * k->nvls_gpu_s + c->size_B * (1 + 1.0 / c->n) / (k->nvls_nvlink_ratio * hw->node.nvlink_Bps)
               : INFINITY;
}

static enum protocol protocol_of(const struct collective *c, const struct cluster_hw *hw)
{
    if (c->size_B >= hw->software.nccl.simple_from_B * fmax(1, c->n / 4.0))
        return PROTOCOL_SIMPLE;
    return ring_s(c, hw, PROTOCOL_LL) <= ring_s(c, hw, PROTOCOL_LL128) ? PROTOCOL_LL : PROTOCOL_LL128;
}

double collective_ring_alone_s(const struct collective *c, const struct cluster_hw *hw)
{
    const struct hw_nccl *k = &hw->software.nccl;
    double part_B = c->size_B / c->n;
    if (c->n < 2)
        return 0;
    return k->start_s > 0
               ? k->start_s + ring_s(c, hw, protocol_of(c, hw))
               : hw->software.launch_s + n_steps(c) * (hw->node.nvlink_latency_s + part_B / coll_nvlink_Bps(hw));
}

/* --- ops -------------------------------------------------------------------------------------------------- */

static void wait_on(struct coll_builder *b, uint32_t *lane, double work_s)
{
    for (uint32_t i = 0; i < b->c->n; i++)
        coll_add_op(b, i, lane[i], OP_COMPUTE, work_s);
}

static uint32_t *lanes(struct coll_builder *b)
{
    uint32_t *lane = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t i = 0; i < b->c->n; i++)
        lane[i] = opgraph_lane(b->graph);
    return lane;
}

static uint32_t *rates(struct coll_builder *b, double rate_Bps, const char *what)
{
    uint32_t *id = ARENA_ARRAY(b->arena, uint32_t, b->c->n);
    for (uint32_t i = 0; i < b->c->n; i++)
        id[i] = opgraph_resource(b->graph, rate_Bps, what);
    return id;
}

/* A transfer of the step that b->op holds; `rate`: resources of members, or NULL. */
static void pass(struct coll_builder *b, uint32_t src, uint32_t dst, double bytes_B, double latency_s,
                 const uint32_t *rate, double cap_Bps)
{
    struct transfer t = {.src_op = b->op[src],
                         .dst_op = b->op[dst],
                         .src = b->c->ranks[src],
                         .dst = b->c->ranks[dst],
                         .bytes_B = bytes_B,
                         .latency_s = fmax(0, latency_s - b->hw->node.nvlink_latency_s),
                         .cap_Bps = cap_Bps,
                         .weight = 1,
                         .priority = b->c->priority};
    if (rate)
        t.res[t.n_res++] = rate[src];
    opgraph_transfer(b->graph, &t);
}

static void ring_steps(struct coll_builder *b, uint32_t *lane, double part_B, double latency_s, const uint32_t *rate)
{
    b->lane = lane;
    for (uint32_t s = 0; s < n_steps(b->c); s++) {
        coll_begin_step(b);
        for (uint32_t i = 0; i < b->c->n; i++)
            pass(b, i, (i + 1) % b->c->n, part_B, latency_s, rate, 0);
    }
}

static void ring(struct coll_builder *b, enum protocol p)
{
    const struct hw_nccl *k = &b->hw->software.nccl;
    double part_B = b->c->size_B / b->c->n;
    uint32_t *lane = lanes(b);
    if (p == PROTOCOL_LL) {
        wait_on(b, lane, k->start_s);
        ring_steps(b, lane, part_B, 0, rates(b, k->ll_Bps, "LL"));
        return;
    }
    if (p == PROTOCOL_LL128) {
        wait_on(b, lane, k->start_s);
        ring_steps(b, lane, part_B, k->ll128_step_s, rates(b, k->ll128_Bps, "LL128"));
        wait_on(b, lane, part_B / k->ll128_Bps);
        return;
    }
    for (int slice = 0; slice < SLICES; slice++) { /* the second is sent behind the first */
        lane = slice ? lanes(b) : lane;
        wait_on(b, lane, k->start_s + k->simple_start_s + slice * part_B / SLICES / coll_nvlink_Bps(b->hw));
        ring_steps(b, lane, part_B / SLICES, k->simple_step_s, NULL);
        wait_on(b, lane, part_B / k->copy_Bps); /* by the threads that sent: nothing of it is hidden */
    }
}

/* Every GPU's stores into and loads out of the switch, as a shift: each link carries as much. */
static void in_switch(struct coll_builder *b)
{
    const struct hw_nccl *k = &b->hw->software.nccl;
    const uint32_t *rate = rates(b, k->nvls_nvlink_ratio * b->hw->node.nvlink_Bps, "NVLS");
    b->lane = lanes(b);
    wait_on(b, b->lane, k->start_s + b->c->n * k->nvls_gpu_s);
    coll_begin_step(b);
    for (uint32_t i = 0; i < b->c->n; i++)
        pass(b, i, (i + 1) % b->c->n, b->c->size_B * (1 + 1.0 / b->c->n), 0, rate, 0);
}

static void peers(struct coll_builder *b)
{
    const struct hw_nccl *k = &b->hw->software.nccl;
    const double post_s = 0.12e-6; /* the kernel's work for one more peer */
    double most_B = 0;
    for (uint32_t i = 0; i < b->c->n; i++)
        most_B = fmax(most_B, coll_share(b, i));
    bool small = most_B <= LL_PEER_B;
    const uint32_t *rate = small ? NULL : rates(b, k->peer_nvlink_ratio * b->hw->node.nvlink_Bps, "sends");
    b->lane = lanes(b);
    wait_on(b, b->lane, k->start_s + (small ? k->peer_start_s + (b->c->n - 1) * post_s : k->peer_simple_s));
    coll_begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        for (uint32_t dst = 0; dst < b->c->n; dst++)
            if (src != dst)
                pass(b, src, dst, coll_share(b, dst), 0, rate, small ? k->peer_ll_Bps : 0);
    if (!small)
        wait_on(b, b->lane, most_B / k->peer_copy_Bps);
}

bool coll_nccl_applies(const struct collective *c, const struct cluster_hw *hw)
{
    bool one_node = c->ranks[0] / (uint32_t)hw->node.gpus == c->ranks[c->n - 1] / (uint32_t)hw->node.gpus;
    return c->algorithm == COLLECTIVE_AUTO && one_node && hw->software.nccl.start_s > 0 &&
           c->operation != COLLECTIVE_BROADCAST && c->operation != COLLECTIVE_SEND_RECV;
}

void coll_nccl(struct coll_builder *b)
{
    enum protocol p = protocol_of(b->c, b->hw);
    if (b->c->operation == COLLECTIVE_ALL_TO_ALL)
        peers(b);
    else if (nvls_s(b->c, b->hw) < ring_s(b->c, b->hw, p))
        in_switch(b);
    else
        ring(b, p);
}
