/* infer_step_bound: a lower bound of a step in closed form: each rank's stream is followed item by item.
 *
 * A rank has received an exchange no earlier than its own incoming bytes can have come since the first rank began, and no
 * earlier than the exchange before it is over: every rank that sends now had received all of that one, so each NIC and each
 * cable between switches has carried it, and had to work before it sent. Where a rank does not hear from m of the others, m
 * of them may not have received theirs yet; what is surely carried is the rest.
 *
 * Beside the simulation of the same program this leaves out that exchanges share links while they overlap. */
#include <math.h>
#include <string.h>

#include "kinds/infer/infer_step.h"

struct bounding {
    struct infer_step *s;
    const struct infer_network *net;
    uint32_t n, layers;
    double *clock;               /* [ranks] of the stream */
    double launched;             /* when the CPU has launched the stage */
    double *sending, *receiving; /* [ranks] when the exchanges before are done */
    double *cable_s[2];          /* [micro-batch][cables] when all bytes of its exchanges so far have crossed */
    double nics_s[2];            /* [micro-batch] when NICs and the like have carried its last exchange */
    const double *largest_B[2];  /* [micro-batch][cables] of its last exchange; NULL: none yet */
    uint32_t unheard[2];         /* [micro-batch] not_heard of its last exchange */
    double *worked_s[2];         /* [micro-batch][ranks] of its stream since the last exchange had arrived */
    struct infer_times *times;
    double *arrived[2][2]; /* [combine][micro-batch][ranks] of the exchange under way */
    /* [micro-batch][layer][ranks] */
    double *experts_s[2];
    struct ep_load *load[2][2];     /* [combine][micro-batch] */
    struct ep_exchange exchange[2]; /* costs alone */
    double *one_B;                  /* [cables] scratch, 0 between uses */
    uint32_t *crossed;              /* [cables] scratch */
    double *cables_B[2][2];         /* [combine][micro-batch][layer][cables] bytes */
    double *largest[2][2];          /* [combine][micro-batch][layer][cables] most of these for any one rank */
    uint32_t
        *not_heard[2]; /* [micro-batch][layer] from how many others a rank does not hear, or is not heard, at most */
};

/* --- what ranks have to send -------------------------------------------------- */

static void note_load(struct bounding *b, const struct infer_traffic *t, uint32_t layer, uint32_t mb)
{
    const struct infer_layout *l = &b->s->layout;
    for (uint32_t r = 0; r < b->n; r++) {
        size_t at = (size_t)layer * b->n + r;
        b->experts_s[mb][at] = infer_step_experts_s(b->s, t->slot_rows + (size_t)r * l->slots_per_rank);
        for (int combine = 0; combine < 2; combine++)
            b->load[combine][mb][at] = ep_exchange_load(&b->exchange[combine], &t->to, r);
    }
}

/* --- cables between switches ---------------------------------------------------- */

static size_t cables_at(const struct bounding *b, uint32_t layer)
{
    return (size_t)layer * b->net->fabric.n_links;
}

/* What crosses cables, by who receives it. */
struct crossing {
    const struct infer_fabric *f;
    double *all_B, *largest_B, *one_B; /* [cables]; of the rank under way */
    uint32_t *crossed, n_crossed;      /* those of it that are not 0 */
    uint32_t n;
};

static void cross(struct crossing *x, uint32_t src, uint32_t dst, double bytes_B)
{
    size_t pair = (size_t)src * x->n + dst;
    for (uint32_t i = x->f->first[pair]; i < x->f->first[pair + 1] && bytes_B > 0; i++) {
        uint32_t cable = x->f->links[i];
        if (x->one_B[cable] <= 0)
            x->crossed[x->n_crossed++] = cable;
        x->one_B[cable] += bytes_B;
    }
}

static void end_rank(struct crossing *x)
{
    for (uint32_t i = 0; i < x->n_crossed; i++) {
        uint32_t cable = x->crossed[i];
        x->all_B[cable] += x->one_B[cable];
        x->largest_B[cable] = fmax(x->largest_B[cable], x->one_B[cable]);
        x->one_B[cable] = 0;
    }
    x->n_crossed = 0;
}

/* From rank to rank. */
static void load_pairs(const struct bounding *b, const double *copies, bool combine, struct crossing *x)
{
    for (uint32_t dst = 0; dst < b->n; dst++) {
        for (uint32_t src = 0; src < b->n; src++) {
            size_t pair = combine ? (size_t)dst * b->n + src : (size_t)src * b->n + dst;
            if (src != dst)
                cross(x, src, dst, copies[pair] * b->exchange[combine].cost.token_B);
        }
        end_rank(x);
    }
}

/* Along the rail, once for each node. */
static void load_rails(const struct bounding *b, const struct ep_traffic *t, bool combine, struct crossing *x)
{
    const struct infer_layout *l = &b->s->layout;
    uint32_t per_node = l->ranks_per_node;
    for (uint32_t dst = 0; dst < b->n; dst++) {
        for (uint32_t m = 0; m < l->n_nodes; m++) {
            uint32_t src = m * per_node + dst % per_node, home = combine ? dst : src;
            uint32_t node = (combine ? src : dst) / per_node;
            if (m != dst / per_node)
                cross(x, src, dst,
                      t->node_copies[(size_t)home * l->n_nodes + node] * b->exchange[combine].cost.token_B);
        }
        end_rank(x);
    }
}

static uint32_t count_not_heard(const struct bounding *b, const double *pairs)
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
    return most;
}

/* Whether a rank's tokens move only when all ranks are there. */
static bool all_meet(const struct bounding *b)
{
    const struct ep_exchange *x = b->exchange;
    return !b->s->layout.hooks && (x->cost.barrier_s > 0 || x->cost.rounds || x->prepare.rounds);
}

static void note_cables(struct bounding *b, const struct infer_traffic *t, uint32_t layer, uint32_t mb)
{
    enum ep_copies copies = b->exchange[0].cost.copies;
    b->not_heard[mb][layer] = all_meet(b) ? 0 : count_not_heard(b, t->to.pairs);
    for (int combine = 0; combine < 2 && b->net->fabric.n_links; combine++) {
        struct crossing x = {.f = &b->net->fabric,
                             .all_B = b->cables_B[combine][mb] + cables_at(b, layer),
                             .largest_B = b->largest[combine][mb] + cables_at(b, layer),
                             .one_B = b->one_B,
                             .crossed = b->crossed,
                             .n = b->n};
        if (copies == EP_A_COPY_A_NODE)
            load_rails(b, &t->to, combine, &x);
        else
            load_pairs(b, copies == EP_A_COPY_A_PAIR ? t->to.pairs : t->to.rank_copies, combine, &x);
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

/* When all but `unheard` ranks can have received the last exchange of a micro-batch. */
static double over_s(const struct bounding *b, uint32_t mb, uint32_t unheard)
{
    const struct infer_fabric *f = &b->net->fabric;
    double last_s = unheard ? 0 : b->nics_s[mb];
    for (uint32_t i = 0; i < f->n_links && b->largest_B[mb]; i++)
        last_s = fmax(last_s, b->cable_s[mb][i] - unheard * b->largest_B[mb][i] / f->capacity_Bps[i]);
    return last_s;
}

/* Where all meet, kernels begin together, when all ranks have done with the exchange before. */
static void together(struct bounding *b, double ahead_s)
{
    double start_s = latest(b->sending, b->n);
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++)
        start_s = fmax(start_s, over_s(b, mb, 0));
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = (all_meet(b) ? start_s : b->sending[r]) + ahead_s;
}

static double shortest_latency_s(const struct bounding *b)
{
    return b->s->layout.n_nodes > 1 ? fmin(b->net->nic_latency_s, b->net->nvlink_latency_s) : b->net->nvlink_latency_s;
}

/* Of a message: there, and round trips before its flag is there; then what the kernel does with it. */
static double behind_bytes_s(const struct bounding *b, const struct ep_exchange *x)
{
    double end_s = b->s->layout.hooks ? 0 : x->cost.end_s;
    return shortest_latency_s(b) * (1 + 2 * x->cost.round_trips) + x->cost.ahead_s + end_s;
}

/* Bytes of an exchange that begins at `first_s`. Those of the exchanges before it have gone ahead: any two ranks have a
 * third between them that hears of the one and is heard by the other, where each hears from more than half of them. */
static void load_cables(struct bounding *b, const struct infer_item *it, double first_s)
{
    const struct infer_fabric *f = &b->net->fabric;
    uint32_t mb = it->micro_batch;
    double *cable_s = b->cable_s[mb];
    const double *cables_B = b->cables_B[it->combine][mb] + cables_at(b, it->layer);
    bool behind = 2 * (b->unheard[mb] + 1) < b->n && 2 * (b->not_heard[mb][it->layer] + 1) < b->n;
    for (uint32_t i = 0; i < f->n_links; i++)
        cable_s[i] = fmax(behind ? cable_s[i] : 0, first_s) + cables_B[i] / f->capacity_Bps[i];
    b->largest_B[mb] = b->largest[it->combine][mb] + cables_at(b, it->layer);
    b->unheard[mb] = b->not_heard[mb][it->layer];
}

/* A rank sends and receives one exchange after the other. */
static void post(struct bounding *b, const struct infer_item *it, double *start_s)
{
    const struct infer_layout *l = &b->s->layout;
    uint32_t mb = it->micro_batch;
    const struct ep_exchange *x = &b->exchange[it->combine];
    const struct ep_load *load = b->load[it->combine][mb] + (size_t)it->layer * b->n;
    double *arrived = b->arrived[it->combine][mb], latency_s = behind_bytes_s(b, x), nics_s = 0;
    for (uint32_t r = 0; r < b->n; r++)
        b->sending[r] = fmax(b->sending[r], b->clock[r]);
    if (!l->hooks)
        together(b, ep_exchange_ahead_s(x, shortest_latency_s(b)));
    memcpy(start_s, b->sending, b->n * sizeof *start_s);
    double first_s = earliest(start_s, b->n);
    double behind_s = over_s(b, mb, b->not_heard[mb][it->layer]) + earliest(b->worked_s[mb], b->n) + latency_s;
    for (uint32_t r = 0; r < b->n; r++) {
        b->receiving[r] = fmax(b->receiving[r], first_s) + load[r].in_s;
        arrived[r] = fmax(b->receiving[r] + latency_s, behind_s);
        if (x->cost.sms >= (double)l->hw->chip.sms && !l->hooks)
            b->clock[r] = arrived[r]; /* nothing computes beside it */
        b->sending[r] = !l->hooks ? arrived[r] : start_s[r] + load[r].out_s;
        nics_s = fmax(nics_s, fmax(start_s[r] + load[r].out_s, b->receiving[r]));
    }
    b->nics_s[mb] = nics_s;
    load_cables(b, it, first_s);
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
    bool sends = it->stage == STAGE_DISPATCH_SEND || it->stage == STAGE_COMBINE_SEND;
    const struct ep_cost *cost = &b->exchange[it->stage == STAGE_COMBINE_SEND].cost;
    for (uint32_t r = 0; r < b->n; r++) {
        double time_s = it->stage == STAGE_MLP ? experts_s[r] : infer_stage_s(&b->s->kernels, it->layer, it->stage);
        if (sends && infer_stores(cost)) /* what it stores is part of the exchange */
            time_s = cost->start_s;
        b->clock[r] += time_s;
        for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++)
            b->worked_s[mb][r] += time_s;
    }
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
        memset(b->worked_s[it->micro_batch], 0, b->n * sizeof(double));
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
    b->one_B = ARENA_ARRAY(a, double, b->net->fabric.n_links + 1);
    b->crossed = ARENA_ARRAY(a, uint32_t, b->net->fabric.n_links + 1);
    b->receiving = ARENA_ARRAY(a, double, b->n);
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++) {
        b->experts_s[mb] = ARENA_ARRAY(a, double, cells);
        b->cable_s[mb] = ARENA_ARRAY(a, double, b->net->fabric.n_links + 1);
        b->worked_s[mb] = ARENA_ARRAY(a, double, b->n);
        b->not_heard[mb] = ARENA_ARRAY(a, uint32_t, b->layers);
        for (int combine = 0; combine < 2; combine++) {
            b->arrived[combine][mb] = ARENA_ARRAY(a, double, b->n);
            b->load[combine][mb] = ARENA_ARRAY(a, struct ep_load, cells);
            b->cables_B[combine][mb] = ARENA_ARRAY(a, double, cables_at(b, b->layers) + 1);
            b->largest[combine][mb] = ARENA_ARRAY(a, double, cables_at(b, b->layers) + 1);
        }
    }
}

static void draw(struct bounding *b, struct arena *a)
{
    struct infer_step *s = b->s;
    struct infer_router router;
    struct infer_traffic traffic;
    for (int combine = 0; combine < 2; combine++) {
        struct ep_call call = infer_ep_call(&s->layout, combine);
        ep_exchange_cost(&b->exchange[combine], s->layout.kernel, &call);
    }
    infer_router_init(&router, &s->layout, s->gate, a);
    infer_traffic_new(&s->layout, a, &traffic);
    infer_step_forget_traffic(s);
    for (uint32_t i = 0; i < s->program.sparse; i++) {
        uint32_t layer = s->program.sparse_layer[i];
        infer_router_layer(&router, layer);
        for (uint32_t mb = 0; mb < s->program.micro_batches; mb++) {
            infer_traffic_draw(&router, layer, mb, &traffic);
            infer_step_note_traffic(s, &router, &traffic, b->exchange);
            note_load(b, &traffic, layer, mb);
            note_cables(b, &traffic, layer, mb);
        }
    }
    infer_router_free(&router);
}

/* The last rank to receive an exchange still has the rest of its stream before it. Which rank that is is not known; the one
 * that is last as it is may as well be it. */
static void end_last(struct bounding *b)
{
    uint32_t last = 0;
    if (!b->s->program.n)
        return;
    double *end_s = b->times->end_s + (size_t)(b->s->program.n - 1) * b->n;
    for (uint32_t r = 1; r < b->n; r++)
        last = end_s[r] > end_s[last] ? r : last;
    for (uint32_t mb = 0; mb < b->s->program.micro_batches; mb++)
        end_s[last] = fmax(end_s[last], over_s(b, mb, 0) + earliest(b->worked_s[mb], b->n));
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
    end_last(&b);
    arena_free(a);
}
