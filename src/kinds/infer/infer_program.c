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
 * after it (`none`). */
#include "kinds/infer/infer_program.h"

struct building {
    const struct infer_layout *l;
    struct infer_program *p;
    uint32_t layers, max;
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

/* The group gathers its tokens before attention and scatters the sums after it
 * (sequence parallelism). */
static void attn0(struct building *b, uint8_t mb, uint32_t layer)
{
    tp(b, mb, layer);
    if (!b->l->prefill)
        stage(b, STAGE_ATTN0, mb, layer);
}

static void attn1(struct building *b, uint8_t mb, uint32_t layer)
{
    stage(b, STAGE_ATTN1, mb, layer);
    tp(b, mb, layer);
}

static void attention(struct building *b, uint8_t mb, uint32_t layer)
{
    attn0(b, mb, layer);
    attn1(b, mb, layer);
}

static void shared(struct building *b, uint8_t mb, uint32_t layer)
{
    if (b->l->model->moe.shared && !b->l->cfg->shared_replicas)
        stage(b, STAGE_SHARED, mb, layer);
}

/* Low-latency kernels work on the stream before the transfer and after it, normal ones
 * beside the stream. */
static void send(struct building *b, bool combine, uint8_t mb, uint32_t layer)
{
    if (!b->l->prefill)
        stage(b, combine ? STAGE_COMBINE_SEND : STAGE_DISPATCH_SEND, mb, layer);
    exchange(b, DO_POST, combine, mb, layer);
}

static void receive(struct building *b, bool combine, uint8_t mb, uint32_t layer)
{
    exchange(b, DO_WAIT, combine, mb, layer);
    if (!b->l->prefill)
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

static void dense_layers(struct building *b)
{
    for (uint8_t mb = 0; mb < b->p->micro_batches; mb++)
        divided_stage(b, STAGE_EMBED, mb, 0);
    for (uint32_t layer = 0; layer < b->p->dense; layer++)
        for (uint8_t mb = 0; mb < b->p->micro_batches; mb++) {
            attention(b, mb, layer);
            divided_stage(b, STAGE_DENSE, mb, layer);
        }
}

/* --- decoding, two micro-batches
 * -------------------------------------------------------------------------- */

/* Micro-batch mb goes through its experts while the other one, at layer `next`, goes
 * through attention. */
static void decode_half(struct building *b, uint8_t mb, uint32_t layer, uint32_t next)
{
    uint8_t other = !mb;
    if (next > b->p->dense)
        receive(b, true, other, next - 1);
    send(b, false, mb, layer);
    shared(b, mb, layer);
    if (next < b->layers)
        attn0(b, other, next);
    receive(b, false, mb, layer);
    stage(b, STAGE_MLP, mb, layer);
    send(b, true, mb, layer);
    if (next < b->layers)
        attn1(b, other, next);
}

static void decode_dual(struct building *b)
{
    attention(b, 0, b->p->dense);
    for (uint32_t layer = b->p->dense; layer < b->layers; layer++) {
        decode_half(b, 0, layer, layer);
        decode_half(b, 1, layer, layer + 1);
    }
    receive(b, true, 1, b->layers - 1);
    stage(b, STAGE_HEAD, 0, b->layers - 1);
}

/* --- prefill, two micro-batches
 * ---------------------------------------------------------------------------- */

static void prefill_dual(struct building *b)
{
    uint32_t first = b->p->dense, last = b->layers - 1;
    for (uint32_t layer = first; layer < b->layers; layer++) {
        if (layer > first)
            receive(b, true, 1, layer - 1);
        attention(b, 1, layer);
        send(b, false, 1, layer);
        if (layer > first) {
            shared(b, 0, layer - 1);
            receive(b, true, 0, layer - 1);
        }
        attention(b, 0, layer);
        send(b, false, 0, layer);
        for (int mb = 1; mb >= 0; mb--) {
            receive(b, false, (uint8_t)mb, layer);
            stage(b, STAGE_MLP, (uint8_t)mb, layer);
            send(b, true, (uint8_t)mb, layer);
        }
        shared(b, 1, layer);
    }
    shared(b, 0, last);
    receive(b, true, 1, last);
    receive(b, true, 0, last);
    stage(b, STAGE_HEAD, 0, last);
}

/* --- one batch ---------------------------------------------------------------- */

static void single(struct building *b)
{
    bool beside = b->l->cfg->overlap == OVERLAP_SHARED, first = beside && !b->l->prefill;
    for (uint32_t layer = b->p->dense; layer < b->layers; layer++) {
        attention(b, 0, layer);
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
    divided_stage(b, STAGE_HEAD, 0, b->layers - 1);
}

void infer_program_build(const struct infer_layout *l, uint32_t sparse, struct arena *arena, struct infer_program *out)
{
    enum { MOST_OF_A_LAYER = 20 };
    *out = (struct infer_program){
        .dense = infer_dense_layers(l->model), .sparse = sparse, .micro_batches = l->micro_batches};
    struct building b = {.l = l, .p = out, .layers = out->dense + sparse};
    b.max = (b.layers + 1) * MOST_OF_A_LAYER * out->micro_batches;
    out->items = ARENA_ARRAY(arena, struct infer_item, b.max);
    dense_layers(&b);
    if (out->micro_batches == 1)
        single(&b);
    else if (l->prefill)
        prefill_dual(&b);
    else
        decode_dual(&b);
}
