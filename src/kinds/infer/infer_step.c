/* A step as an op graph: on each rank a stream that computes and, beside it, the
 * exchanges.
 *
 * Kernels with hooks: an exchange is two COMM ops of a rank, what it sends and what it receives;
 * only the latter holds the stream up (DeepEP's receiving hook). All that a rank sends is
 * on one lane: requests of a later kernel stand behind those of an earlier one in the
 * NIC's queue pairs. What their SMs store over NVLink is part of the sending kernel.
 * Other kernels: ops that hold SMs, on one lane, as they run on one stream.
 * Where planes do not meet, finding and posting others' messages holds SMs while tokens travel.
 *
 * Left out: differences of sequence lengths between ranks and sequences. */
#include "kinds/infer/infer_step.h"

#include <math.h>
#include <string.h>

#include "kinds/kind_run.h"
#include "models/op_gains.h"

void infer_step_init(struct infer_step *s, const struct infer_layout *l, const struct kernel_model *model,
                     const struct infer_gate *gate, uint32_t layers, struct arena *arena)
{
    uint32_t sparse = model_sparse_layers(l->model);
    *s = (struct infer_step){.layout = *l, .model = model, .gate = gate, .sparse_layers = sparse, .arena = arena};
    infer_kernels_fill(&s->layout, model, arena, &s->kernels);
    infer_program_build(&s->layout, layers && layers < sparse ? layers : sparse, arena, &s->program);
}

void infer_step_forget_traffic(struct infer_step *s)
{
    s->drawn = (struct infer_step_drawn){0};
    s->load_limit[0] = s->load_limit[1] = NULL;
}

struct infer_reach infer_reach_of(const struct infer_router *router, const struct infer_traffic *t)
{
    return (struct infer_reach){router->groups_per_token, t->to.nodes_per_token, t->to.ranks_per_token,
                                t->to.busiest_ratio};
}

void infer_step_note_reach(struct infer_step *s, const struct infer_reach *reach)
{
    double n = (double)s->program.sparse * s->program.micro_batches;
    s->drawn.groups_per_token = reach->groups_per_token;
    s->drawn.nodes_per_token += reach->nodes_per_token / n;
    s->drawn.ranks_per_token += reach->ranks_per_token / n;
    s->drawn.busiest_mean += reach->busiest_ratio / n;
    s->drawn.busiest_max = fmax(s->drawn.busiest_max, reach->busiest_ratio);
}

void infer_step_note_loads(struct infer_step *s, bool combine, const struct ep_load *load)
{
    s->drawn.mean_load_s[combine] = 0;
    for (uint32_t r = 0; r < s->layout.ranks; r++) {
        s->drawn.mean_load_s[combine] += fmax(load[r].out_s, load[r].in_s) / s->layout.ranks;
        s->load_limit[combine] = load[r].limit;
    }
}

/* --- time of experts ---------------------------------------------------------- */

/* A cell: the rows, then the time; the last that fell there. More places on a rank hardly have the same rows twice. */
enum { KNOWN_CELLS = 16384, KNOWN_SLOTS = 8 };

static size_t cell_of(const double *rows, uint32_t n)
{
    uint64_t hash = 0, bits;
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&bits, &rows[i], sizeof bits);
        hash = (hash ^ bits ^ bits >> 32) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash % KNOWN_CELLS;
}

double infer_step_experts_s(struct infer_step *s, const double *rows)
{
    uint32_t n = s->layout.slots_per_rank;
    if (n > KNOWN_SLOTS)
        return infer_experts_s(&s->layout, s->model, rows);
    if (!s->experts_known) {
        s->experts_known = ARENA_ARRAY(s->arena, double, (size_t)KNOWN_CELLS *(n + 1));
        for (size_t i = 0; i < KNOWN_CELLS; i++)
            s->experts_known[i * (n + 1)] = -1; /* nobody's rows */
    }
    double *cell = s->experts_known + cell_of(rows, n) * (n + 1);
    if (memcmp(cell, rows, n * sizeof *rows)) {
        memcpy(cell, rows, n * sizeof *rows);
        cell[n] = infer_experts_s(&s->layout, s->model, rows);
    }
    return cell[n];
}

/* --- ops ---------------------------------------------------------------------- */

struct graphing {
    struct infer_step *s;
    struct opgraph *g;
    struct infer_ops *ops;
    uint32_t n;
    struct ep_exchange exchange[2];        /* dispatch, combine */
    uint32_t *move;                        /* [program.n] POST without hooks: first op in which tokens move */
    struct ep_bundling *bundling[2];       /* dispatch, combine; NULL: transfers one by one */
    bool bundles;                          /* nobody looks at single transfers */
    bool shares_sms;                       /* with exchanges under way */
    float memory[2];                       /* dispatch, combine: what it holds of its bandwidth */
    uint32_t *compute;                     /* [ranks] lanes */
    uint32_t *cpu;                         /* [ranks] lanes of the launching thread; NULL: graphs */
    uint32_t *send_lane, *receive_lane[2]; /* [ranks]; [micro-batch][ranks] */
    uint32_t made_of[N_STAGES];            /* of a stage's op */
    uint32_t last;                         /* item of the stream before; OP_NONE = none */
    uint32_t *post[2][2];                  /* [combine][micro-batch][layer]: items */
    uint32_t *experts[2];                  /* [micro-batch][layer]: items */
    uint32_t waiting[4], n_waiting;        /* POSTs that the next item of the stream needs */
};

static uint32_t *lanes(struct graphing *x)
{
    uint32_t *lane = ARENA_ARRAY(x->s->arena, uint32_t, x->n);
    for (uint32_t r = 0; r < x->n; r++)
        lane[r] = opgraph_lane(x->g);
    return lane;
}

static struct op op_of(const struct graphing *x, enum op_kind kind, const char *name, uint32_t layer)
{
    uint32_t text = opgraph_string(x->g, name);
    return (struct op){.kind = (uint8_t)kind,
                       .sync_group = OP_NONE,
                       .name = text,
                       .class_name = text,
                       .phase = text,
                       .layer = (int32_t)layer + 1};
}

/* One op on each rank; returns the first. */
static uint32_t add_row(struct graphing *x, struct op op, const uint32_t *lane)
{
    uint32_t first = x->g->n_ops;
    for (uint32_t r = 0; r < x->n; r++) {
        op.device = r;
        op.lane = lane[r];
        opgraph_add(x->g, &op);
    }
    return first;
}

static void depend_row(struct graphing *x, uint32_t before, uint32_t after)
{
    for (uint32_t r = 0; r < x->n; r++)
        opgraph_dep(x->g, before + r, after + r);
}

static uint32_t last_op(const struct graphing *x)
{
    return x->last == OP_NONE ? OP_NONE : x->ops->item[x->last];
}

/* An item of the stream needs what was waited for. */
static void on_stream(struct graphing *x, uint32_t item, uint32_t first)
{
    for (uint32_t i = 0; i < x->n_waiting; i++)
        depend_row(x, x->ops->received[x->waiting[i]], first);
    x->n_waiting = 0;
    x->ops->item[item] = first;
    x->last = item;
}

/* The CPU runs ahead where it can: a stage begins when all of its kernels are launched. */
static uint32_t add_launches(struct graphing *x, const struct infer_item *it)
{
    struct op op = op_of(x, OP_COMPUTE, "launches", it->layer);
    op.work_s = infer_launch_s(&x->s->kernels, it->layer, it->stage);
    return add_row(x, op, x->cpu);
}

/* Stages are made of what their kernels gain from, and of gaps. */
static void note_gains(struct graphing *x)
{
    for (int s = 0; s < N_STAGES; s++) {
        struct infer_limits b = infer_stage_limits(&x->s->kernels, (enum infer_stage)s);
        struct kernel_gains g = {{0}};
        for (int i = 0; i < KERNEL_LIMITS && b.all_s > 0; i++)
            g.of[i] = (b.limit_s[i] + (i == KERNEL_BY_LATENCY ? b.gap_s : 0)) / (b.all_s + b.gap_s);
        x->made_of[s] = op_made_of_gains(x->g, &g);
    }
}

static bool sends(uint8_t stage)
{
    return stage == STAGE_DISPATCH_SEND || stage == STAGE_COMBINE_SEND;
}

static void add_stage(struct graphing *x, uint32_t item, const struct infer_item *it)
{
    struct op op = op_of(x, OP_COMPUTE, infer_stage_names[it->stage], it->layer);
    op.work_s = infer_stage_s(&x->s->kernels, it->layer, it->stage);
    op.made_of = x->made_of[it->stage];
    if (x->shares_sms)
        op.sm_ref = op.sm_max = (float)x->s->kernels.sms;
    if (x->memory[0] > 0)
        op.memory = (float)infer_stage_memory_ratio(&x->s->kernels, x->s->layout.hw, it->layer, it->stage);
    if (sends(it->stage) && infer_stores(&x->exchange[it->stage == STAGE_COMBINE_SEND].cost)) {
        op.kind = OP_COMM;
        op.work_s = infer_issuing_s(&x->s->layout, &x->exchange[it->stage == STAGE_COMBINE_SEND].cost);
    }
    uint32_t launched = x->cpu ? add_launches(x, it) : OP_NONE, first = add_row(x, op, x->compute);
    if (launched != OP_NONE)
        depend_row(x, launched, first);
    on_stream(x, item, first);
    if (it->stage == STAGE_MLP)
        x->experts[it->micro_batch][it->layer] = item;
}

/* Everyone's tokens to everyone of the group, in BF16. */
static void add_tp(struct graphing *x, uint32_t item, const struct infer_item *it)
{
    const struct infer_layout *l = &x->s->layout;
    double bytes_B = l->tokens * (double)l->model->hidden * 2;
    uint32_t first = add_row(x, op_of(x, OP_COMM, "TP exchange", it->layer), x->compute);
    for (uint32_t r = 0; r < x->n; r++)
        for (uint32_t to = r / l->tp * l->tp; to < r / l->tp * l->tp + l->tp; to++)
            if (to != r)
                opgraph_transfer(x->g, &(struct transfer){.src_op = first + r,
                                                          .dst_op = first + to,
                                                          .src = r,
                                                          .dst = to,
                                                          .bytes_B = bytes_B,
                                                          .weight = 1,
                                                          .priority = (uint8_t)l->hw->traffic.tensor});
    on_stream(x, item, first);
}

static void add_hooked(struct graphing *x, uint32_t item, const struct infer_item *it)
{
    struct op op = op_of(x, OP_COMM, it->combine ? "combine" : "dispatch", it->layer);
    if (x->exchange[0].call.rails.leaves_from)
        op.sm_hold = (float)x->s->layout.hw->ep_kernel.forward_sms;
    op.memory = x->memory[it->combine];
    uint32_t first = add_row(x, op, x->send_lane);
    op.sm_hold = op.memory = 0; /* it waits */
    uint32_t received = add_row(x, op, x->receive_lane[it->micro_batch]);
    if (last_op(x) != OP_NONE) {
        depend_row(x, last_op(x), first);
        depend_row(x, last_op(x), received);
    }
    x->ops->item[item] = first;
    x->ops->received[item] = received;
}

/* Each row of ops is consecutive: those of rank 0 name it. An exchange begins with its kernel, or when a barrier has let
 * all go on. */
static void add_beside(struct graphing *x, uint32_t item, const struct infer_item *it)
{
    struct op op = op_of(x, OP_COMM, it->combine ? "combine" : "dispatch", it->layer);
    op.memory = x->memory[it->combine];
    uint32_t *ids = ARENA_ARRAY(x->s->arena, uint32_t, 3 * (size_t)x->n);
    struct ep_ops rows = {ids, ids + x->n, ids + 2 * (size_t)x->n};
    ep_exchange_ops(&x->exchange[it->combine], x->send_lane, &op, &rows);
    if (last_op(x) != OP_NONE)
        depend_row(x, last_op(x), rows.first[0]);
    x->move[item] = rows.move[0];
    x->ops->item[item] = x->exchange[it->combine].cost.barrier_s > 0 ? rows.move[0] : rows.first[0];
    x->ops->received[item] = rows.last[0];
}

static void add_item(struct graphing *x, uint32_t item)
{
    const struct infer_item *it = &x->s->program.items[item];
    x->ops->item[item] = x->ops->received[item] = OP_NONE;
    switch (it->action) {
    case DO_STAGE:
        add_stage(x, item, it);
        break;
    case DO_TP:
        add_tp(x, item, it);
        break;
    case DO_POST:
        x->post[it->combine][it->micro_batch][it->layer] = item;
        if (x->s->layout.hooks)
            add_hooked(x, item, it);
        else
            add_beside(x, item, it);
        break;
    case DO_WAIT:
        x->waiting[x->n_waiting++] = x->post[it->combine][it->micro_batch][it->layer];
        break;
    }
}

static void begin(struct graphing *x)
{
    struct arena *a = x->s->arena;
    uint32_t layers = (uint32_t)x->s->layout.model->layers, mbs = x->s->program.micro_batches;
    x->compute = lanes(x);
    if (x->s->kernels.launch_s > 0)
        x->cpu = lanes(x);
    x->send_lane = lanes(x);
    for (uint32_t mb = 0; mb < mbs; mb++) {
        x->receive_lane[mb] = lanes(x);
        x->experts[mb] = ARENA_ARRAY(a, uint32_t, layers);
        for (int combine = 0; combine < 2; combine++)
            x->post[combine][mb] = ARENA_ARRAY(a, uint32_t, layers);
    }
    x->ops->item = ARENA_ARRAY(a, uint32_t, x->s->program.n);
    x->ops->received = ARENA_ARRAY(a, uint32_t, x->s->program.n);
    x->move = ARENA_ARRAY(a, uint32_t, x->s->program.n);
    x->last = OP_NONE;
}

static bool runs_beside(uint8_t stage)
{
    return stage == STAGE_ATTN0 || stage == STAGE_ATTN1 || stage == STAGE_SHARED || stage == STAGE_MLP;
}

/* Where a stage takes what exchanges leave of memory, they share it; else nobody would notice. */
static void share_memory(struct graphing *x)
{
    const struct infer_step *s = x->s;
    double most = 0, held[2];
    for (int combine = 0; combine < 2; combine++)
        held[combine] = ep_exchange_memory_ratio(&x->exchange[combine]);
    for (uint32_t i = 0; i < s->program.n; i++) {
        const struct infer_item *it = &s->program.items[i];
        if (it->action == DO_STAGE && runs_beside(it->stage))
            most = fmax(most, infer_stage_memory_ratio(&s->kernels, s->layout.hw, it->layer, it->stage));
    }
    if (s->layout.micro_batches < 2 || most + fmax(held[0], held[1]) <= 1)
        return;
    x->memory[0] = (float)held[0];
    x->memory[1] = (float)held[1];
}

static void begin_exchanges(struct graphing *x, const struct topology *topo)
{
    const struct infer_layout *l = &x->s->layout;
    for (int combine = 0; combine < 2; combine++) {
        struct ep_exchange *e = &x->exchange[combine];
        struct ep_call call = infer_ep_call(l, combine);
        call.rails = kind_rails(topo, l->hw);
        ep_exchange_init(e, x->g, l->kernel, &call, combine ? x->exchange : NULL, x->s->arena);
        if (e->cost.copies == EP_A_COPY_A_NODE || l->n_nodes == 1)
            e->call.rails.leaves_from = NULL;
        if (l->hooks) /* their rounds are in the way of tokens alone */
            e->cost.ahead_s += e->cost.rounds * e->cost.network_s;
        if (x->bundles && ep_exchange_bundles(e))
            x->bundling[combine] = ep_bundling_new(e, x->s->arena);
    }
    x->shares_sms = !l->hooks || x->exchange[0].call.rails.leaves_from;
    share_memory(x);
}

/* --- traffic ------------------------------------------------------------------ */

struct exchanging {
    struct infer_router router;
    struct infer_traffic traffic;
    uint32_t *stores, *posts, *receives; /* [ranks] */
};

static void init_exchanges(struct graphing *x, struct exchanging *e)
{
    struct arena *a = x->s->arena;
    infer_router_init(&e->router, &x->s->layout, x->s->gate, a);
    infer_traffic_new(&x->s->layout, a, &e->traffic);
    e->stores = ARENA_ARRAY(a, uint32_t, x->n);
    e->posts = ARENA_ARRAY(a, uint32_t, x->n);
    e->receives = ARENA_ARRAY(a, uint32_t, x->n);
}

/* The sending kernel stands before the POST. */
static void add_exchange(struct graphing *x, struct exchanging *e, bool combine, uint32_t item)
{
    bool hooks = x->s->layout.hooks, stores = hooks && infer_stores(&x->exchange[combine].cost);
    uint32_t posts = hooks ? x->ops->item[item] : x->move[item];
    for (uint32_t r = 0; r < x->n; r++) {
        e->stores[r] = (stores ? x->ops->item[item - 1] : posts) + r;
        e->posts[r] = posts + r;
        e->receives[r] = (hooks ? x->ops->received[item] : posts) + r;
    }
    struct ep_ends ends = {stores ? e->stores : e->posts, e->posts, hooks ? e->receives : e->posts};
    if (x->bundling[combine])
        ep_exchange_bundle(&x->exchange[combine], x->bundling[combine], &e->traffic.to, &ends);
    else
        ep_exchange_move(&x->exchange[combine], &e->traffic.to, &ends);
}

static void set_experts(struct graphing *x, const struct exchanging *e, uint32_t item)
{
    struct op *op = x->g->ops + x->ops->item[item];
    uint32_t per_rank = x->s->layout.slots_per_rank;
    for (uint32_t r = 0; r < x->n; r++)
        op[r].work_s = infer_step_experts_s(x->s, e->traffic.slot_rows + (size_t)r * per_rank);
}

static void note_loads(struct graphing *x, const struct ep_traffic *t)
{
    struct ep_load *load = ARENA_ARRAY(x->s->arena, struct ep_load, x->n);
    for (int combine = 0; combine < 2; combine++) {
        ep_exchange_loads(&x->exchange[combine], t, x->s->arena, load);
        infer_step_note_loads(x->s, combine, load);
        x->s->drawn.forwarded_ratio = ep_exchange_forwarded(&x->exchange[combine], t);
    }
}

static void add_traffic(struct graphing *x)
{
    struct infer_step *s = x->s;
    struct infer_reach reach;
    struct exchanging e;
    init_exchanges(x, &e);
    infer_step_forget_traffic(s);
    for (uint32_t i = 0; i < s->program.sparse; i++) {
        uint32_t layer = s->program.sparse_layer[i], drawn = s->program.sparse_layer[s->first_drawn + i];
        infer_router_layer(&e.router, drawn);
        for (uint32_t mb = 0; mb < s->program.micro_batches; mb++) {
            infer_traffic_draw(&e.router, drawn, mb, &e.traffic);
            reach = infer_reach_of(&e.router, &e.traffic);
            infer_step_note_reach(s, &reach);
            if (!i && !mb)
                note_loads(x, &e.traffic.to);
            set_experts(x, &e, x->experts[mb][layer]);
            for (int combine = 0; combine < 2; combine++)
                add_exchange(x, &e, combine, x->post[combine][mb][layer]);
        }
    }
    infer_router_free(&e.router);
}

void infer_step_graph(struct infer_step *s, const struct topology *topo, bool bundles, struct opgraph *graph,
                      struct infer_ops *ops)
{
    struct graphing x = {.s = s, .g = graph, .ops = ops, .n = s->layout.ranks, .bundles = bundles};
    note_gains(&x);
    begin(&x);
    if (s->program.sparse)
        begin_exchanges(&x, topo);
    for (uint32_t i = 0; i < s->program.n; i++)
        add_item(&x, i);
    if (s->program.sparse)
        add_traffic(&x);
}
