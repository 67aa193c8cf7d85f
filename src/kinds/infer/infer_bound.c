/* infer_step_bound: a lower bound of a step in closed form: each rank's stream is followed item by item.
 *
 * A rank has received an exchange no earlier than its own incoming bytes can have come since the first rank began, and no
 * earlier than the exchange before it is over: every rank that sends now had received all of that one, so each NIC and each
 * cable between switches has carried it. Where a rank does not hear from all others, but from more than half of them, what is
 * known to be over is the exchange before that one: between any two ranks there is one that heard of the first and is heard.
 *
 * Beside the simulation of the same program this leaves out that exchanges share links while they overlap. */
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

/* Whom a rank hears from in an exchange. */
enum reach { REACH_SOME, REACH_MOST /* more than half of the others, and is heard by as many */, REACH_ALL };

struct bounding {
    struct infer_step *s;
    const struct infer_network *net;
    uint32_t n, layers;
    double *clock;                      /* [ranks] of the stream */
    double launched;                    /* when the CPU has launched the stage */
    double *sending, *receiving;        /* [ranks] when the exchanges before are done */
    double *cable_s[2];                 /* [micro-batch][cables] when all bytes of its exchanges so far have crossed */
    double over_s[2], over_before_s[2]; /* [micro-batch] when its last exchange can be over, and the one before */
    enum reach reached[2];              /* [micro-batch] of its last exchange */
    struct infer_times *times;
    double *arrived[2][2]; /* [combine][micro-batch][ranks] of the exchange under way */
    /* [micro-batch][layer][ranks] */
    double *experts_s[2];
    struct load *load[2][2]; /* [combine][micro-batch] */
    double *cables_B[2][2];  /* [combine][micro-batch][layer][cables] bytes */
    enum reach *reach[2];    /* [micro-batch][layer] */
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

/* --- cables between switches ---------------------------------------------------- */

static double *cables_of(const struct bounding *b, bool combine, uint32_t mb, uint32_t layer)
{
    return b->cables_B[combine][mb] + (size_t)layer * b->net->fabric.n_links;
}

static void cross(const struct bounding *b, double *cables_B, uint32_t src, uint32_t dst, double bytes_B)
{
    const struct infer_fabric *f = &b->net->fabric;
    size_t pair = (size_t)src * b->n + dst;
    for (uint32_t i = f->first[pair]; i < f->first[pair + 1]; i++)
        cables_B[f->links[i]] += bytes_B;
}

/* Low-latency kernels: from rank to rank. */
static void load_pairs(const struct bounding *b, const double *pairs, bool combine, double *cables_B)
{
    const struct infer_layout *l = &b->s->layout;
    double message_B = ll_message_B(&l->hw->ep_kernel, l->model->hidden, combine);
    for (uint32_t r = 0; r < b->n; r++)
        for (uint32_t k = 0; k < b->n; k++)
            if (r != k)
                cross(b, cables_B, combine ? k : r, combine ? r : k, pairs[(size_t)r * b->n + k] * message_B);
}

/* Normal kernels: along the rail, once for each node. */
static void load_rails(const struct bounding *b, const struct routing *c, bool combine, double *cables_B)
{
    const struct infer_layout *l = &b->s->layout;
    double token_B = deepep_token_B(&l->hw->ep_kernel, l->model->hidden, l->model->moe.top_k,
                                    (struct deepep_call){.combine = combine, .choices = !combine});
    uint32_t per_node = l->ranks_per_node;
    for (uint32_t r = 0; r < b->n; r++)
        for (uint32_t m = 0; m < l->n_nodes; m++) {
            uint32_t peer = m * per_node + r % per_node;
            if (m != r / per_node)
                cross(b, cables_B, combine ? peer : r, combine ? r : peer,
                      c->node_tokens[(size_t)r * l->n_nodes + m] * token_B);
        }
}

static enum reach reach_of(const struct bounding *b, const double *pairs)
{
    uint32_t most = 0;
    for (uint32_t r = 0; r < b->n; r++) {
        uint32_t not_to = 0, not_from = 0;
        for (uint32_t k = 0; k < b->n; k++) {
            not_to += k != r && pairs[(size_t)r * b->n + k] <= 0;
            not_from += k != r && pairs[(size_t)k * b->n + r] <= 0;
        }
        most = not_to > most ? not_to : most;
        most = not_from > most ? not_from : most;
    }
    return !most ? REACH_ALL : 2 * (most + 1) < b->n ? REACH_MOST : REACH_SOME;
}

static void note_cables(struct bounding *b, const struct infer_traffic *t, uint32_t layer, uint32_t mb)
{
    bool prefill = b->s->layout.prefill;
    b->reach[mb][layer] = prefill ? REACH_ALL : reach_of(b, t->pairs);
    for (int combine = 0; combine < 2 && b->net->fabric.n_links; combine++) {
        double *cables_B = cables_of(b, combine, mb, layer);
        if (prefill)
            load_rails(b, &t->copies, combine, cables_B);
        else
            load_pairs(b, t->pairs, combine, cables_B);
    }
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

static double earliest(const double *value, uint32_t n)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        least = fmin(least, value[i]);
    return least;
}

/* Normal kernels begin together, when all ranks have done with the exchange before. */
static void together(struct bounding *b)
{
    double over_s = fmax(b->over_s[0], b->over_s[1]);
    double start_s = fmax(latest(b->sending, b->n), over_s) + b->s->layout.hw->ep_kernel.barrier_s;
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = start_s;
}

/* From the first byte that moves to the last rank that has all; what comes next may overtake none of it. */
static double shortest_latency_s(const struct bounding *b)
{
    const struct infer_layout *l = &b->s->layout;
    double latency_s =
        l->n_nodes > 1 ? fmin(b->net->nic_latency_s, b->net->nvlink_latency_s) : b->net->nvlink_latency_s;
    /* there, and a round trip before the flag is there */
    return !l->prefill && l->hw->ep_kernel.ordering == ORDERING_FENCE ? 3 * latency_s : latency_s;
}

/* When everything that has to has carried an exchange that begins at `first_s`. */
static double exchange_over_s(struct bounding *b, const struct infer_item *it, const struct load *load,
                              const double *start_s, double first_s)
{
    const struct infer_fabric *f = &b->net->fabric;
    double *cable_s = b->cable_s[it->micro_batch], over_s = 0;
    const double *cables_B = cables_of(b, it->combine, it->micro_batch, it->layer);
    for (uint32_t i = 0; i < f->n_links; i++)
        if (cables_B[i] > 0) {
            cable_s[i] = fmax(cable_s[i], first_s) + cables_B[i] / f->capacity_Bps[i];
            over_s = fmax(over_s, cable_s[i]);
        }
    for (uint32_t r = 0; r < b->n; r++)
        over_s = fmax(over_s, fmax(start_s[r] + load[r].out_s, b->receiving[r]));
    return over_s;
}

/* Which exchange is known to be over when one of this reach has arrived. */
static double known_over_s(const struct bounding *b, uint32_t mb, enum reach reach)
{
    if (reach == REACH_ALL)
        return b->over_s[mb];
    return reach == REACH_MOST && b->reached[mb] >= REACH_MOST ? b->over_before_s[mb] : 0;
}

/* A rank sends and receives one exchange after the other. */
static void post(struct bounding *b, const struct infer_item *it, double *start_s)
{
    const struct infer_layout *l = &b->s->layout;
    const struct load *load = b->load[it->combine][it->micro_batch] + (size_t)it->layer * b->n;
    double *arrived = b->arrived[it->combine][it->micro_batch], latency_s = shortest_latency_s(b);
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = fmax(b->sending[r], b->clock[r]);
    if (l->prefill)
        together(b);
    memcpy(start_s, b->sending, b->n * sizeof *start_s);
    uint32_t mb = it->micro_batch;
    enum reach reach = b->reach[mb][it->layer];
    double first_s = earliest(start_s, b->n), before_s = known_over_s(b, mb, reach);
    for (uint32_t r = 0; r < b->n; r++) {
        b->receiving[r] = fmax(b->receiving[r], first_s) + load[r].in_s;
        arrived[r] = fmax(b->receiving[r] + latency_s, before_s);
        b->sending[r] = l->prefill ? arrived[r] : start_s[r] + load[r].out_s;
    }
    b->over_before_s[mb] = b->over_s[mb];
    b->over_s[mb] = exchange_over_s(b, it, load, start_s, first_s);
    b->reached[mb] = reach;
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
        b->cable_s[mb] = ARENA_ARRAY(a, double, b->net->fabric.n_links + 1);
        b->reach[mb] = ARENA_ARRAY(a, enum reach, b->layers);
        for (int combine = 0; combine < 2; combine++) {
            b->arrived[combine][mb] = ARENA_ARRAY(a, double, b->n);
            b->load[combine][mb] = ARENA_ARRAY(a, struct load, cells);
            b->cables_B[combine][mb] = ARENA_ARRAY(a, double, (size_t)b->layers * b->net->fabric.n_links + 1);
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
            note_cables(b, &traffic, layer, mb);
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
