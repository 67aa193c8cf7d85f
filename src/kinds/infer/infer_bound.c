/* infer_step_bound: a step in closed form: each rank's stream is followed item by item.
 * An exchange takes as long as its bytes need on the busiest thing they cross, as
 * NET_BOUND has it: a rank has received everything when the slowest sender has sent its
 * bytes, and when its own incoming bytes have had their time since the last one began.
 *
 * Beside the simulation of the same program this leaves out that exchanges share links
 * while they overlap, and gives every path the latency of the longest. */
#include <math.h>
#include <string.h>

#include "models/comm/deepep.h"
#include "models/comm/deepep_ll.h"
#include "kinds/infer/infer_step.h"

/* Seconds that a rank's bytes of an exchange need on what they cross, leaving it and
 * arriving at it. */
struct load {
    double out_s, in_s;
};

struct bounding {
    struct infer_step *s;
    const struct infer_network *net;
    uint32_t n, layers;
    double *clock;               /* [ranks] of the stream */
    double launched;             /* when the CPU has launched the stage */
    double *sending, *receiving; /* [ranks] when the exchanges before are done */
    struct infer_times *times;
    double *arrived[2][2]; /* [combine][micro-batch][ranks] of the exchange under way */
    /* [micro-batch][layer][ranks] */
    double *experts_s[2];
    struct load *load[2][2]; /* [combine][micro-batch] */
};

/* --- what ranks have to send -------------------------------------------------- */

static struct load mirrored(struct load l)
{
    return (struct load){l.in_s, l.out_s};
}

/* Pairs of a rank with ranks of other nodes and of its own. */
struct pairs_of {
    double out, in, near_out, near_in;
};

static struct pairs_of count_pairs(const struct infer_layout *l, const double *pairs, uint32_t r)
{
    struct pairs_of p = {0, 0, 0, 0};
    for (uint32_t k = 0; k < l->ranks; k++) {
        bool near = k / l->ranks_per_node == r / l->ranks_per_node;
        double out = k == r ? 0 : pairs[(size_t)r * l->ranks + k], in = k == r ? 0 : pairs[(size_t)k * l->ranks + r];
        *(near ? &p.near_out : &p.out) += out;
        *(near ? &p.near_in : &p.in) += in;
    }
    return p;
}

static struct load low_latency_load(const struct bounding *b, const struct pairs_of *p, bool combine)
{
    const struct infer_layout *l = &b->s->layout;
    double message_B = ll_message_B(&l->hw->ep_kernel, l->model->hidden, combine);
    double posting_Bps = ll_posting_Bps(l->hw, message_B);
    double codec_Bps = combine ? ll_codec_Bps(l->hw) : 0;
    double far_out = p->out, far_in = p->in;
    if (l->cfg->loopback) {
        far_out += p->near_out;
        far_in += p->near_in;
    }
    struct load load = {fmax(far_out * message_B / b->net->nic_Bps, p->near_out * message_B / b->net->nvlink_Bps),
                        fmax(far_in * message_B / b->net->nic_Bps, p->near_in * message_B / b->net->nvlink_Bps)};
    double posted = combine ? far_in : far_out;
    if (posting_Bps > 0) {
        double *side = combine ? &load.in_s : &load.out_s;
        *side = fmax(*side, posted * message_B / posting_Bps);
    }
    if (codec_Bps > 0) {
        load.out_s = fmax(load.out_s, (p->out + p->near_out) * message_B / codec_Bps);
        load.in_s = fmax(load.in_s, (p->in + p->near_in) * message_B / codec_Bps);
    }
    return combine ? mirrored(load) : load;
}

/* Copies of tokens on the rail of a rank: to and from its peers in other nodes, and
 * what it hands on inside its own node. */
static double normal_load_s(const struct bounding *b, const struct routing *c, uint32_t r, bool combine)
{
    const struct infer_layout *l = &b->s->layout;
    struct deepep_call call = {.combine = combine, .choices = !combine};
    const struct hw_ep_kernel *kernel = &l->hw->ep_kernel;
    int64_t hidden = l->model->hidden, top_k = l->model->experts.top_k;
    double token_B = deepep_token_B(kernel, hidden, top_k, call);
    double nvlink_B = deepep_nvlink_token_B(hidden, top_k, call);
    double home_Bps = deepep_engine_Bps(kernel, hidden, call, EP_HOME);
    double away_Bps = deepep_engine_Bps(kernel, hidden, call, EP_AWAY);
    uint32_t per_node = l->ranks_per_node, node = r / per_node, first = node * per_node;
    double sent = 0, own = c->node_tokens[(size_t)r * l->n_nodes + node], handled = 0, near_out = 0, near_in = 0;
    for (uint32_t m = 0; m < l->n_nodes; m++) {
        uint32_t peer = m * per_node + r % per_node;
        sent += c->node_tokens[(size_t)r * l->n_nodes + m];
        handled += c->node_tokens[(size_t)peer * l->n_nodes + node];
        for (uint32_t g = first; g < first + per_node; g++) {
            uint32_t home = m * per_node + g % per_node;
            near_out += g == r ? 0 : c->rank_tokens[(size_t)peer * l->ranks + g];
            near_in += g == r ? 0 : c->rank_tokens[(size_t)home * l->ranks + r];
        }
    }
    double nic_s = fmax(sent - own, handled - own) * token_B / b->net->nic_Bps;
    double busy_s = fmax(nic_s, fmax(near_out, near_in) * nvlink_B / b->net->nvlink_Bps);
    if (home_Bps > 0)
        busy_s = fmax(busy_s, sent * token_B / home_Bps);
    return away_Bps > 0 ? fmax(busy_s, handled * token_B / away_Bps) : busy_s;
}

static void note_load(struct bounding *b, const struct infer_traffic *t, uint32_t layer, uint32_t mb)
{
    const struct infer_layout *l = &b->s->layout;
    for (uint32_t r = 0; r < b->n; r++) {
        size_t at = (size_t)layer * b->n + r;
        struct pairs_of pairs = {0, 0, 0, 0};
        if (!l->prefill)
            pairs = count_pairs(l, t->pairs, r);
        b->experts_s[mb][at] = infer_experts_s(l, b->s->model, t->slot_rows + (size_t)r * l->slots_per_rank);
        for (int combine = 0; combine < 2; combine++) {
            double both = l->prefill ? normal_load_s(b, &t->copies, r, combine) : 0;
            b->load[combine][mb][at] = l->prefill ? (struct load){both, both} : low_latency_load(b, &pairs, combine);
        }
    }
}

/* --- the stream --------------------------------------------------------------- */

static double latest(const double *value, uint32_t n)
{
    double most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, value[i]);
    return most;
}

static void together(struct bounding *b)
{
    double start_s = latest(b->sending, b->n) + b->s->layout.hw->ep_kernel.barrier_s;
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = start_s;
}

/* A rank sends and receives one exchange after the other. */
static void post(struct bounding *b, const struct infer_item *it, double *start_s)
{
    const struct infer_layout *l = &b->s->layout;
    const struct load *load = b->load[it->combine][it->micro_batch] + (size_t)it->layer * b->n;
    double *arrived = b->arrived[it->combine][it->micro_batch], begun = 0, sent = 0;
    double latency_s = l->n_nodes > 1 ? b->net->nic_latency_s : b->net->nvlink_latency_s;
    if (!l->prefill && l->hw->ep_kernel.ordering == ORDERING_FENCE)
        latency_s *= 3; /* there, and a round trip before the flag is there */
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = fmax(b->sending[r], b->clock[r]);
    if (l->prefill) {
        together(b);
        latency_s += b->net->nvlink_latency_s;
    }
    for (uint32_t r = 0; r < b->n; r++) {
        start_s[r] = b->sending[r];
        begun = fmax(begun, start_s[r]);
        sent = fmax(sent, start_s[r] + load[r].out_s);
    }
    for (uint32_t r = 0; r < b->n; r++) {
        b->receiving[r] = fmax(b->receiving[r], begun) + load[r].in_s;
        arrived[r] = fmax(sent, b->receiving[r]) + latency_s;
        b->sending[r] = l->prefill ? arrived[r] : start_s[r] + load[r].out_s;
    }
}

static void exchange_tokens(struct bounding *b)
{
    const struct infer_layout *l = &b->s->layout;
    double bytes_B = l->tokens * (double)l->model->hidden * 2 * (l->tp - 1);
    for (uint32_t first = 0; first < b->n; first += l->tp) {
        double end = latest(b->clock + first, l->tp) + bytes_B / b->net->nvlink_Bps + b->net->nvlink_latency_s;
        for (uint32_t r = first; r < first + l->tp; r++)
            b->clock[r] = end;
    }
}

static void compute(struct bounding *b, const struct infer_item *it)
{
    const double *experts_s = b->experts_s[it->micro_batch] + (size_t)it->layer * b->n;
    b->launched += infer_launch_s(&b->s->kernels, it->layer, it->stage);
    for (uint32_t r = 0; r < b->n; r++)
        b->clock[r] = fmax(b->clock[r], b->launched);
    for (uint32_t r = 0; r < b->n; r++)
        b->clock[r] += it->stage == STAGE_MLP ? experts_s[r] : infer_stage_s(&b->s->kernels, it->layer, it->stage);
}

static void follow(struct bounding *b, uint32_t item)
{
    const struct infer_item *it = &b->s->program.items[item];
    const double *arrived = b->arrived[it->combine][it->micro_batch];
    double *start_s = b->times->start_s + (size_t)item * b->n, *end_s = b->times->end_s + (size_t)item * b->n;
    memcpy(start_s, b->clock, b->n * sizeof *start_s);
    switch (it->action) {
    case DO_STAGE:
        compute(b, it);
        break;
    case DO_POST:
        post(b, it, start_s);
        memcpy(end_s, arrived, b->n * sizeof *end_s);
        return;
    case DO_WAIT:
        for (uint32_t r = 0; r < b->n; r++)
            b->clock[r] = fmax(b->clock[r], arrived[r]);
        break;
    case DO_TP:
        exchange_tokens(b);
        break;
    }
    memcpy(end_s, b->clock, b->n * sizeof *end_s);
}

static void begin(struct bounding *b, struct arena *a)
{
    size_t cells = (size_t)b->layers * b->n;
    b->clock = ARENA_ARRAY(a, double, b->n);
    b->sending = ARENA_ARRAY(a, double, b->n);
    b->receiving = ARENA_ARRAY(a, double, b->n);
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++) {
        b->experts_s[mb] = ARENA_ARRAY(a, double, cells);
        for (int combine = 0; combine < 2; combine++) {
            b->arrived[combine][mb] = ARENA_ARRAY(a, double, b->n);
            b->load[combine][mb] = ARENA_ARRAY(a, struct load, cells);
        }
    }
}

static void draw(struct bounding *b, struct arena *a)
{
    struct infer_step *s = b->s;
    struct infer_router router;
    struct infer_traffic traffic;
    infer_router_init(&router, &s->layout, s->gate, a);
    infer_traffic_new(&s->layout, a, &traffic);
    infer_step_forget_traffic(s);
    for (uint32_t i = 0; i < s->program.sparse; i++) {
        uint32_t layer = s->program.sparse_layer[i];
        infer_router_layer(&router, layer);
        for (uint32_t mb = 0; mb < s->program.micro_batches; mb++) {
            infer_traffic_draw(&router, layer, mb, &traffic);
            infer_step_note_traffic(s, &router, &traffic);
            note_load(b, &traffic, layer, mb);
        }
    }
    infer_router_free(&router);
}

void infer_step_bound(struct infer_step *s, const struct infer_network *net, struct arena *arena,
                      struct infer_times *out)
{
    struct arena *a = arena_new();
    struct bounding b = {
        .s = s, .net = net, .n = s->layout.ranks, .layers = (uint32_t)s->layout.model->layers, .times = out};
    out->start_s = ARENA_ARRAY(arena, double, (size_t)s->program.n *b.n);
    out->end_s = ARENA_ARRAY(arena, double, (size_t)s->program.n *b.n);
    begin(&b, a);
    if (s->program.sparse)
        draw(&b, a);
    for (uint32_t i = 0; i < s->program.n; i++)
        follow(&b, i);
    arena_free(a);
}
