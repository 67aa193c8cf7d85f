/* Schedules of a step.
 *
 * Decoding with two micro-batches (paper 2.3.1; DeepSeek's profile-data, picture of
 * decoding; the same cut as SGLang's five stages with the second batch two stages
 * behind):
 *
 *     computing   SHARED 0, ATTN-0 1 | MLP 0 | ATTN-1 1  | SHARED 1, ATTN-0 0' | MLP 1 | ATTN-1 0' ...
 *     network         DISPATCH 0     |       | COMBINE 0 |      DISPATCH 1     |       | COMBINE 1
 *
 * A combine is received before the other micro-batch's dispatch is sent, though only ATTN-0 of the next layer needs
 * what it brings: exchanges never share the network. Prefill (picture of
 * prefilling):
 *
 *     computing   ATTN 1 | SHARED 0 | ATTN 0 |  MLP 1  |  MLP 0  | SHARED 1 ...
 *     network        COMBINE 0   | DISPATCH 1 | DISPATCH 0 | COMBINE 1
 *
 * where COMBINE 0 and SHARED 0 belong to the layer before. Without overlap one batch
 * goes through all stages, with the shared expert while the tokens travel (`shared`) or
 * after it (`none`).
 *
 * What stands between two layers with experts (layers without them, whole or in part) is computed with the attention of
 * the second; its first attention begins where that layer's would. */
#include "kinds/infer/infer_program.h"

#include "models/llm/blocks/block.h"

struct building {
    const struct infer_layout *l;
    struct infer_program *p;
    uint32_t max;
};

static void put(struct building *b, struct infer_item item)
{
    BUG_IF(b->p->n == b->max);
    b->p->items[b->p->n++] = item;
}

static void stage(struct building *b, enum infer_stage stage, uint8_t mb, uint32_t layer)
{
    put(b, (struct infer_item){.action = DO_STAGE, .stage = (uint8_t)stage, .micro_batch = mb, .layer = layer});
}

static void exchange(struct building *b, enum infer_action action, bool combine, uint8_t mb, uint32_t layer)
{
    put(b, (struct infer_item){.action = (uint8_t)action, .combine = combine, .micro_batch = mb, .layer = layer});
}

static void tp(struct building *b, uint8_t mb, uint32_t layer)
{
    if (b->l->tp > 1)
        put(b, (struct infer_item){.action = DO_TP, .micro_batch = mb, .layer = layer});
}

static const struct model_layer *layer_of(const struct building *b, uint32_t layer)
{
    return &b->l->model->layer[layer];
}

/* The group gathers its tokens before attention and scatters the sums after it
 * (sequence parallelism). */
static void attn0(struct building *b, uint8_t mb, uint32_t layer)
{
    if (!layer_of(b, layer)->attention)
        return;
    tp(b, mb, layer);
    if (!b->l->prefill)
        stage(b, STAGE_ATTN0, mb, layer);
}

/* A layer with experts alone has its gate there. */
static void attn1(struct building *b, uint8_t mb, uint32_t layer)
{
    const struct model_layer *l = layer_of(b, layer);
    if (l->attention || (l->network && l->network->type->network->gate))
        stage(b, STAGE_ATTN1, mb, layer);
    if (l->attention)
        tp(b, mb, layer);
}

static void shared(struct building *b, uint8_t mb, uint32_t layer)
{
    if (b->l->model->experts.shared && !b->l->cfg->shared_replicas)
        stage(b, STAGE_SHARED, mb, layer);
}

/* Kernels with hooks work on the stream before the transfer and after it, others beside the stream. */
static void send(struct building *b, bool combine, uint8_t mb, uint32_t layer)
{
    if (b->l->hooks)
        stage(b, combine ? STAGE_COMBINE_SEND : STAGE_DISPATCH_SEND, mb, layer);
    exchange(b, DO_POST, combine, mb, layer);
}

static void receive(struct building *b, bool combine, uint8_t mb, uint32_t layer)
{
    bool after = combine && layer_of(b, layer)->network->type->network->after;
    exchange(b, DO_WAIT, combine, mb, layer);
    if (b->l->hooks || after)
        stage(b, combine ? STAGE_COMBINE_RECV : STAGE_DISPATCH_RECV, mb, layer);
}

/* Divided among the group, or whole on each GPU. */
static void divided_stage(struct building *b, enum infer_stage which, uint8_t mb, uint32_t layer)
{
    bool gathers = infer_dense_tp(b->l) > 1 && which != STAGE_EMBED, /* ids of tokens are no bytes to speak of */
        scatters = infer_dense_tp(b->l) > 1 && which != STAGE_HEAD;  /* each vocabulary's part has its best */
    if (gathers)
        tp(b, mb, layer);
    stage(b, which, mb, layer);
    if (scatters)
        tp(b, mb, layer);
}

static bool has_network(const struct building *b, uint32_t layer)
{
    const struct block *n = layer_of(b, layer)->network;
    return n && !n->type->network->experts;
}

static void network(struct building *b, uint8_t mb, uint32_t layer)
{
    if (has_network(b, layer))
        divided_stage(b, STAGE_DENSE, mb, layer);
}

static void whole_layers(struct building *b, uint32_t from, uint32_t to)
{
    for (uint32_t layer = from; layer < to; layer++)
        for (uint8_t mb = 0; mb < b->p->micro_batches; mb++) {
            attn0(b, mb, layer);
            attn1(b, mb, layer);
            network(b, mb, layer);
        }
}

/* Layers before the first with experts. */
static void lead(struct building *b)
{
    const struct infer_program *p = b->p;
    for (uint8_t mb = 0; mb < p->micro_batches; mb++)
        divided_stage(b, STAGE_EMBED, mb, 0);
    whole_layers(b, 0, p->sparse ? p->sparse_layer[0] : (uint32_t)b->l->model->layers);
}

static bool has_experts(const struct building *b, uint32_t layer)
{
    const struct block *n = layer_of(b, layer)->network;
    return n && n->type->network->experts;
}

/* Layers behind the model's last with experts. */
static void tail(struct building *b)
{
    uint32_t layers = (uint32_t)b->l->model->layers, from = layers;
    while (from && !has_experts(b, from - 1))
        from--;
    whole_layers(b, from, layers);
}

/* Layers from behind the sparse one before to the sparse one `s`. */
static uint32_t first_of(const struct building *b, uint32_t s)
{
    return s ? b->p->sparse_layer[s - 1] + 1 : b->p->sparse_layer[0];
}

static void before(struct building *b, uint8_t mb, uint32_t s)
{
    attn0(b, mb, first_of(b, s));
}

static void behind(struct building *b, uint8_t mb, uint32_t s)
{
    uint32_t first = first_of(b, s), last = b->p->sparse_layer[s];
    for (uint32_t layer = first; layer <= last; layer++) {
        if (layer > first)
            attn0(b, mb, layer);
        attn1(b, mb, layer);
        network(b, mb, layer);
    }
}

static void attention(struct building *b, uint8_t mb, uint32_t s)
{
    before(b, mb, s);
    behind(b, mb, s);
}

static uint32_t sparse_layer(const struct building *b, uint32_t s)
{
    return b->p->sparse_layer[s];
}

/* --- decoding, two micro-batches
 * -------------------------------------------------------------------------- */

/* Micro-batch mb goes through its experts while the other one, at the sparse layer `next`, goes
 * through attention. */
static void decode_half(struct building *b, uint8_t mb, uint32_t s, uint32_t next)
{
    uint8_t other = !mb;
    uint32_t layer = sparse_layer(b, s);
    if (next > 0)
        receive(b, true, other, sparse_layer(b, next - 1));
    send(b, false, mb, layer);
    shared(b, mb, layer);
    if (next < b->p->sparse)
        before(b, other, next);
    receive(b, false, mb, layer);
    stage(b, STAGE_MLP, mb, layer);
    send(b, true, mb, layer);
    if (next < b->p->sparse)
        behind(b, other, next);
}

static void decode_dual(struct building *b)
{
    attention(b, 0, 0);
    for (uint32_t s = 0; s < b->p->sparse; s++) {
        decode_half(b, 0, s, s);
        decode_half(b, 1, s, s + 1);
    }
    receive(b, true, 1, sparse_layer(b, b->p->sparse - 1));
}

/* --- prefill, two micro-batches
 * ---------------------------------------------------------------------------- */

static void prefill_dual(struct building *b)
{
    for (uint32_t s = 0; s < b->p->sparse; s++) {
        uint32_t layer = sparse_layer(b, s), last = s ? sparse_layer(b, s - 1) : 0;
        if (s)
            receive(b, true, 1, last);
        attention(b, 1, s);
        send(b, false, 1, layer);
        if (s) {
            shared(b, 0, last);
            receive(b, true, 0, last);
        }
        attention(b, 0, s);
        send(b, false, 0, layer);
        for (int mb = 1; mb >= 0; mb--) {
            receive(b, false, (uint8_t)mb, layer);
            stage(b, STAGE_MLP, (uint8_t)mb, layer);
            send(b, true, (uint8_t)mb, layer);
        }
        shared(b, 1, layer);
    }
    uint32_t last = sparse_layer(b, b->p->sparse - 1);
    shared(b, 0, last);
    receive(b, true, 1, last);
    receive(b, true, 0, last);
}

/* --- one batch ---------------------------------------------------------------- */

static void single(struct building *b)
{
    bool beside = b->l->cfg->overlap == OVERLAP_SHARED, first = beside && !b->l->prefill;
    for (uint32_t s = 0; s < b->p->sparse; s++) {
        uint32_t layer = sparse_layer(b, s);
        attention(b, 0, s);
        send(b, false, 0, layer);
        if (first)
            shared(b, 0, layer);
        receive(b, false, 0, layer);
        stage(b, STAGE_MLP, 0, layer);
        send(b, true, 0, layer);
        if (beside && !first) /* normal kernels: the combine is the longer of the two */
            shared(b, 0, layer);
        receive(b, true, 0, layer);
        if (!beside)
            shared(b, 0, layer);
    }
}

/* --- which layers ------------------------------------------------------------- */

/* Whether what leads to each sparse layer is the same `period` sparse layers later. The first begins the program. */
static bool repeats(const struct infer_program *p, const struct model *m, uint32_t n, uint32_t period)
{
    for (uint32_t s = 1; s + period < n; s++) {
        uint32_t length = p->sparse_layer[s] - p->sparse_layer[s - 1];
        if (p->sparse_layer[s + period] - p->sparse_layer[s + period - 1] != length)
            return false;
        for (uint32_t i = 0; i < length; i++)
            if (m->class_of[p->sparse_layer[s] - i] != m->class_of[p->sparse_layer[s + period] - i])
                return false;
    }
    return n < 2 || m->class_of[p->sparse_layer[0]] == m->class_of[p->sparse_layer[period < n ? period : 0]];
}

/* Of n sparse layers in all. */
static void choose_layers(const struct building *b, uint32_t wanted, uint32_t n)
{
    struct infer_program *p = b->p;
    p->period = 1;
    while (p->period < n && !repeats(p, b->l->model, n, p->period))
        p->period++;
    p->sparse = wanted < n ? wanted : n;
    if (p->period > 1 && p->sparse < 2 * p->period + 2) /* enough to see that they repeat */
        p->sparse = 2 * p->period + 2;
    while (p->sparse < n && (n - p->sparse) % p->period)
        p->sparse++;
    if (p->sparse > n)
        p->sparse = n;
}

static void find_sparse(const struct building *b, uint32_t wanted, struct arena *arena)
{
    uint32_t layers = (uint32_t)b->l->model->layers, n = 0;
    b->p->sparse_layer = ARENA_ARRAY(arena, uint32_t, layers);
    for (uint32_t i = 0; i < layers; i++)
        if (has_experts(b, i))
            b->p->sparse_layer[n++] = i;
    b->p->n_sparse = n;
    choose_layers(b, wanted, n);
}

void infer_program_build(const struct infer_layout *l, uint32_t sparse, struct arena *arena, struct infer_program *out)
{
    enum { MOST_OF_A_LAYER = 20 };
    *out = (struct infer_program){.micro_batches = l->micro_batches};
    struct building b = {.l = l, .p = out};
    find_sparse(&b, sparse, arena);
    b.max = ((uint32_t)l->model->layers + 1) * MOST_OF_A_LAYER * out->micro_batches;
    out->items = ARENA_ARRAY(arena, struct infer_item, b.max);
    lead(&b);
    if (out->micro_batches == 1)
        single(&b);
    else if (l->prefill)
        prefill_dual(&b);
    else
        decode_dual(&b);
    if (out->sparse)
        tail(&b);
    divided_stage(&b, STAGE_HEAD, 0, (uint32_t)l->model->layers - 1);
}
