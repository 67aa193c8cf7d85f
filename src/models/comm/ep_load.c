/* Exchanges in closed form: what each thing that a rank's copies cross would take alone. */
#include "models/comm/ep_exchange.h"

#include <math.h>

#include "base/extremes.h"

double ep_exchange_ahead_s(const struct ep_exchange *x, double latency_s)
{
    const struct ep_cost *parts[] = {&x->prepare, &x->cost};
    double sum_s = x->cost.barrier_s + x->prepare.end_s;
    for (int i = 0; i < 2; i++)
        sum_s += parts[i]->start_s + parts[i]->rounds * (latency_s + parts[i]->network_s);
    return sum_s;
}

/* Every rank with every other; `copies` as traffic has them. */
static void count_directly(const struct ep_traffic *t, const double *copies, struct ep_counts *of)
{
    uint32_t n = t->group.ranks, gpus = t->group.gpus_per_node;
    for (uint32_t r = 0; r < n; r++)
        of[r] = (struct ep_counts){.own = copies[(size_t)r * n + r]};
    for (uint32_t src = 0; src < n; src++) {
        uint32_t before = (t->group.first + src) % gpus; /* ranks of its node */
        for (uint32_t dst = 0; dst < n; dst++) {
            double some = copies[(size_t)src * n + dst];
            bool near = dst + before >= src && dst + before < src + gpus;
            if (src == dst)
                continue;
            *(near ? &of[src].near_out : &of[src].out) += some;
            *(near ? &of[dst].near_in : &of[dst].in) += some;
        }
    }
}

static struct ep_counts count_over_rails(const struct ep_traffic *t, uint32_t r)
{
    uint32_t per_node = t->per_node, node = r / per_node, first = node * per_node;
    struct ep_counts c = {.own = t->node_copies[(size_t)r * t->nodes + node]};
    for (uint32_t m = 0; m < t->nodes; m++) {
        uint32_t peer = m * per_node + r % per_node;
        c.out += m == node ? 0 : t->node_copies[(size_t)r * t->nodes + m];
        c.in += m == node ? 0 : t->node_copies[(size_t)peer * t->nodes + node];
        for (uint32_t g = first; g < first + per_node; g++) {
            uint32_t home = m * per_node + g % per_node;
            double out = t->rank_copies[(size_t)peer * t->group.ranks + g];
            double in = t->rank_copies[(size_t)home * t->group.ranks + r];
            c.handed_out += out;
            c.handed_in += in;
            c.near_out += g == r ? 0 : out;
            c.near_in += g == r ? 0 : in;
        }
    }
    return c;
}

void ep_count_copies(enum ep_copies copies, const struct ep_traffic *t, struct ep_counts *of)
{
    if (copies != EP_A_COPY_A_NODE) {
        count_directly(t, copies == EP_A_COPY_A_PAIR ? t->pairs : t->rank_copies, of);
        return;
    }
    for (uint32_t r = 0; r < t->group.ranks; r++)
        of[r] = count_over_rails(t, r);
}

/* --- times ---------------------------------------------------------------------- */

/* What copies cross, of an exchange, found once for all of its ranks. */
struct narrows {
    bool combine, rails, through_nic, moves_own;
    double token_B, message_s;
    double nic_Bps, nvlink_Bps, home_Bps, experts_Bps, forward_Bps; /* 0: does not limit */
};

/* Engines: of a dispatch the sender is the home of tokens, the receiver where their experts are; a combine runs
 * backwards. Over rails the forwarder is where tokens leave the network, or enter it. */
static struct narrows narrows_of(const struct ep_exchange *x)
{
    const struct ep_cost *cost = &x->cost;
    const struct cluster_hw *hw = x->call.hw;
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    bool back = x->call.phase == EP_COMBINE;
    return (struct narrows){.combine = back,
                            .rails = cost->copies == EP_A_COPY_A_NODE,
                            .through_nic = cost->through_nic,
                            .moves_own = !cost->keeps_own,
                            .token_B = cost->token_B,
                            .message_s = cost->message_s,
                            .nic_Bps = x->nic_Bps,
                            .nvlink_Bps = cost->nvlink_Bps > 0 ? fmin(nvlink_Bps, cost->nvlink_Bps) : nvlink_Bps,
                            .home_Bps = cost->engine_Bps[back ? EP_RECEIVE : EP_SEND],
                            .experts_Bps = cost->engine_Bps[back ? EP_SEND : EP_RECEIVE],
                            .forward_Bps = cost->engine_Bps[EP_FORWARD]};
}

static inline void consider(struct ep_load *l, double out, double in, double rate, const char *name)
{
    if (!(rate > 0))
        return;
    double before_s = larger(l->out_s, l->in_s);
    l->out_s = out > 0 ? larger(l->out_s, out / rate) : l->out_s;
    l->in_s = in > 0 ? larger(l->in_s, in / rate) : l->in_s;
    if (larger(l->out_s, l->in_s) > before_s)
        l->limit = name;
}

static inline void consider_engines(const struct narrows *n, const struct ep_counts *c, struct ep_load *l)
{
    double own = n->moves_own ? c->own : 0, B = n->token_B;
    double home = c->out + (n->rails ? 0 : c->near_out) + own, away = c->in + (n->rails ? 0 : c->near_in) + own;
    consider(l, home * B, 0, n->home_Bps, "copying SMs");
    consider(l, 0, (n->rails ? c->handed_in : away) * B, n->experts_Bps, "copying SMs");
    consider(l, 0, c->handed_out * B, n->forward_Bps, "copying SMs");
}

static inline struct ep_load load_of(const struct narrows *n, const struct ep_counts *c)
{
    double B = n->token_B;
    double far_out = c->out + (n->through_nic ? c->near_out : 0), far_in = c->in + (n->through_nic ? c->near_in : 0);
    struct ep_load l = {0, 0, "network"};
    consider(&l, far_out * B, far_in * B, n->nic_Bps, "network");
    consider(&l, c->near_out * B, c->near_in * B, n->nvlink_Bps, "NVLink");
    if (n->message_s > 0 && n->combine)
        consider(&l, 0, far_in * n->message_s, 1, "posting");
    else if (n->message_s > 0)
        consider(&l, far_out * n->message_s, 0, 1, "posting");
    consider_engines(n, c, &l);
    if (n->combine)
        return (struct ep_load){l.in_s, l.out_s, l.limit};
    return l;
}

void ep_exchange_loads_of(const struct ep_exchange *x, const struct ep_counts *of, uint32_t ranks,
                          struct ep_load *loads)
{
    struct narrows n = narrows_of(x);
    for (uint32_t r = 0; r < ranks; r++)
        loads[r] = x->kernel->load ? x->kernel->load(x, &of[r]) : load_of(&n, &of[r]);
}

void ep_exchange_loads(const struct ep_exchange *x, const struct ep_traffic *t, struct arena *arena,
                       struct ep_load *loads)
{
    struct ep_counts *of = ARENA_ARRAY(arena, struct ep_counts, t->group.ranks);
    ep_count_copies(x->cost.copies, t, of);
    ep_exchange_loads_of(x, of, t->group.ranks, loads);
}

/* How often a byte of a copy is read or written in memory: where it leaves by the NIC it is read, written into a send
 * buffer and read by the NIC; over NVLink it is read; where it comes it is written, read and written to its place, or
 * added up, which reads as much. A copy that is handed on in a node is read out of the buffer and arrives as others. */
enum { LEAVES_BY_NIC = 3, LEAVES_BY_NVLINK = 1, ARRIVES = 3, FROM_NIC = 1 };

double ep_exchange_memory_ratio(const struct ep_exchange *x)
{
    const struct ep_traffic *t = x->call.traffic;
    const struct cluster_hw *hw = x->call.hw;
    const struct ep_cost *cost = &x->cost;
    bool rails = cost->copies == EP_A_COPY_A_NODE;
    double n = t->group.ranks, node = fmin(n, t->group.gpus_per_node);
    double nvlink_Bps = hw->node.nvlink_Bps * hw->node.nvlink_efficiency_ratio;
    double copies = cost->copies == EP_A_COPY_A_PAIR ? (double)x->call.top_k : t->ranks_per_token;
    double far = rails ? t->nodes_per_token * (1 - 1.0 / t->nodes) : copies * (n - node) / n;
    double near = rails ? copies * (node - 1) / node : copies * (node - 1) / n;
    if (cost->nvlink_Bps > 0)
        nvlink_Bps = fmin(nvlink_Bps, cost->nvlink_Bps);
    double token_s = fmax(far / x->nic_Bps, near / nvlink_Bps); /* for each byte of a token */
    double touches = far * (LEAVES_BY_NIC + (rails ? FROM_NIC : ARRIVES)) + near * (LEAVES_BY_NVLINK + ARRIVES);
    return token_s > 0 ? fmin(1, touches / token_s / (hw->chip.memory_Bps * hw->kernels.pass.copy_ratio)) : 0;
}
