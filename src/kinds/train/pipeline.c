/* Pipelines as op graphs. Where a schedule waits for its messages, all that lie before a step are one op on the
 * rank's lane (batch_isend_irecv, then wait for all: dualpipe.py, _commit_and_wait_comm; Megatron-LM's
 * send_forward_recv_backward), and nothing of a message moves before both ranks are there. Where it does not, each
 * kind of message of each module has a lane of its own: an output leaves as soon as it is made, a step waits for
 * its inputs only.
 *
 * Left out: the SMs that send and receive kernels hold (no computation runs beside them where they are waited
 * for), differences between the GPUs of a group at the end of a chunk. */
#include "kinds/train/pipeline.h"

#include <stdio.h>

#include "base/diag.h"

struct place { /* of a chunk or a message: rank and index there */
    uint32_t rank, index;
};

struct builder {
    const struct pipeline_setup *setup;
    const struct schedule *s;
    struct opgraph *graph;
    struct arena *arena;
    struct pipeline_ops *out;
    bool beside;                      /* messages go beside the steps */
    struct place *forward, *backward; /* [stage * micro_batches + micro_batch] the step */
    uint32_t *sender, *receiver;      /* [message_index] of a column: the op */
    uint32_t *side_lane;              /* [rank][gradient][send][boundary parity]: of messages beside the steps */
    uint32_t no_text, message_text, class_text[N_STEP_KINDS];
};

/* --- where things are --------------------------------------------------------------------------------------- */

static size_t chunk_index(const struct builder *b, const struct step_chunk *c)
{
    return (size_t)c->stage * b->s->n_micro_batches + c->micro_batch;
}

static size_t message_index(const struct builder *b, const struct schedule_message *m)
{
    return ((size_t)m->boundary * b->s->n_micro_batches + m->micro_batch) * 2 + m->gradient;
}

static void find_chunks(struct builder *b)
{
    size_t n = (size_t)b->s->n_stages * b->s->n_micro_batches;
    b->forward = ARENA_ARRAY(b->arena, struct place, n);
    b->backward = ARENA_ARRAY(b->arena, struct place, n);
    for (uint32_t r = 0; r < b->s->n_ranks; r++)
        for (uint32_t i = 0; i < b->s->ranks[r].n_steps; i++) {
            const struct schedule_step *step = &b->s->ranks[r].steps[i];
            if (step->kind == STEP_FORWARD || step->kind == STEP_FORWARD_BACKWARD)
                b->forward[chunk_index(b, &step->forward)] = (struct place){r, i};
            if (step->kind != STEP_FORWARD && step->kind != STEP_WEIGHT && step->kind != STEP_END)
                b->backward[chunk_index(b, &step->backward)] = (struct place){r, i};
        }
}

/* The step that made what a message carries, or the one that needs it. */
static uint32_t step_of(const struct builder *b, const struct schedule_message *m)
{
    bool above = m->gradient == m->send; /* stage boundary + 1 */
    struct step_chunk c = {m->boundary + above, m->micro_batch};
    return (m->gradient ? b->backward : b->forward)[chunk_index(b, &c)].index;
}

/* --- ops ---------------------------------------------------------------------------------------------------- */

static uint32_t step_name(const struct builder *b, const struct schedule_step *step)
{
    char text[64];
    const char *kind = step_kind_names[step->kind];
    if (step->kind == STEP_FORWARD_BACKWARD)
        snprintf(text, sizeof text, "F %u & B %u", step->forward.micro_batch, step->backward.micro_batch);
    else
        snprintf(text, sizeof text, "%s %u", kind,
                 step->kind == STEP_FORWARD ? step->forward.micro_batch : step->backward.micro_batch);
    return opgraph_string(b->graph, text);
}

static uint32_t add_piece(struct builder *b, uint32_t column, uint32_t rank, uint32_t index, uint32_t pieces)
{
    const struct schedule_step *step = &b->s->ranks[rank].steps[index];
    const struct pipeline_rank_ops *r = &b->out->ranks[column * b->s->n_ranks + rank];
    return opgraph_add(b->graph,
                       &(struct op){.kind = OP_COMPUTE,
                                    .lane = r->lane,
                                    .device = b->setup->device(b->setup->ctx, column, rank, 0),
                                    .work_s = b->setup->step_s(b->setup->ctx, column, rank, step) / pieces,
                                    .sync_group = OP_NONE,
                                    .made_of = b->setup->made_of ? b->setup->made_of(b->setup->ctx, rank, index) : 0,
                                    .name = step_name(b, step),
                                    .class_name = b->class_text[step->kind],
                                    .phase = b->no_text});
}

static void add_step(struct builder *b, uint32_t column, uint32_t rank, uint32_t index)
{
    const struct pipeline_setup *p = b->setup;
    struct pipeline_rank_ops *r = &b->out->ranks[column * b->s->n_ranks + rank];
    uint32_t before = r->exchange[index] != OP_NONE ? r->exchange[index] : index ? r->step[index - 1] : OP_NONE;
    if (b->s->ranks[rank].steps[index].kind == STEP_END) {
        r->begin[index] = r->first[index] = r->step[index] = before;
        return;
    }
    uint32_t pieces = p->pieces ? p->pieces(p->ctx, rank, index) : 1;
    for (uint32_t k = 0; k < pieces; k++) {
        uint32_t op = add_piece(b, column, rank, index, pieces);
        uint32_t begin = p->on_piece ? p->on_piece(p->ctx, column, rank, index, k, op, before) : OP_NONE;
        r->step[index] = before = op;
        if (k)
            continue;
        r->first[index] = op;
        r->begin[index] = begin == OP_NONE ? op : begin;
    }
}

static uint32_t add_exchange(struct builder *b, uint32_t column, uint32_t rank, uint32_t lane)
{
    return opgraph_add(b->graph, &(struct op){.kind = OP_COMM,
                                              .lane = lane,
                                              .device = b->setup->device(b->setup->ctx, column, rank, 0),
                                              .lead_s = b->setup->launch_s,
                                              .sync_group = OP_NONE,
                                              .name = b->message_text,
                                              .class_name = b->message_text,
                                              .phase = b->no_text});
}

static const struct schedule_message *messages_of(const struct builder *b, uint32_t rank, uint32_t index)
{
    return b->s->ranks[rank].messages + b->s->ranks[rank].steps[index].first_message;
}

static void note_op(struct builder *b, const struct schedule_message *m, uint32_t op)
{
    (m->send ? b->sender : b->receiver)[message_index(b, m)] = op;
}

static void add_rank(struct builder *b, uint32_t column, uint32_t rank)
{
    const struct schedule_rank *steps = &b->s->ranks[rank];
    struct pipeline_rank_ops *r = &b->out->ranks[column * b->s->n_ranks + rank];
    r->lane = opgraph_lane(b->graph);
    r->begin = ARENA_ARRAY(b->arena, uint32_t, steps->n_steps);
    r->first = ARENA_ARRAY(b->arena, uint32_t, steps->n_steps);
    r->step = ARENA_ARRAY(b->arena, uint32_t, steps->n_steps);
    r->exchange = ARENA_ARRAY(b->arena, uint32_t, steps->n_steps);
    for (uint32_t i = 0; i < steps->n_steps; i++) {
        bool waits = steps->steps[i].n_messages && !b->beside;
        r->exchange[i] = waits ? add_exchange(b, column, rank, r->lane) : OP_NONE;
        for (uint32_t k = 0; waits && k < steps->steps[i].n_messages; k++)
            note_op(b, messages_of(b, rank, i) + k, r->exchange[i]);
        add_step(b, column, rank, i);
    }
}

/* --- messages ------------------------------------------------------------------------------------------------- */

/* Messages of one kind across one boundary keep their order. */
static uint32_t lane_beside(struct builder *b, uint32_t rank, const struct schedule_message *m)
{
    size_t key = (((size_t)rank * 2 + m->gradient) * 2 + m->send) * b->s->n_stages + m->boundary;
    if (b->side_lane[key] == OP_NONE)
        b->side_lane[key] = opgraph_lane(b->graph);
    return b->side_lane[key];
}

static void add_beside(struct builder *b, uint32_t column, uint32_t rank)
{
    const struct schedule_rank *steps = &b->s->ranks[rank];
    const struct pipeline_rank_ops *r = &b->out->ranks[column * b->s->n_ranks + rank];
    for (uint32_t k = 0; k < steps->n_messages; k++) {
        const struct schedule_message *m = &steps->messages[k];
        uint32_t op = add_exchange(b, column, rank, lane_beside(b, rank, m)), step = step_of(b, m);
        note_op(b, m, op);
        if (m->send)
            opgraph_dep(b->graph, r->step[step], op);
        else
            opgraph_dep(b->graph, op, r->begin[step]);
    }
}

static void add_transfer(struct builder *b, const struct schedule_message *m, uint32_t column, uint32_t rank,
                         uint32_t peer)
{
    const struct pipeline_setup *p = b->setup;
    struct transfer t = {.src_op = b->sender[message_index(b, m)],
                         .dst_op = b->receiver[message_index(b, m)],
                         .bytes_B = p->message_B,
                         .weight = 1,
                         .rendezvous = true};
    p->route(p->ctx, column, rank, m->peer, peer, &t);
    opgraph_transfer(b->graph, &t);
}

static void add_transfers(struct builder *b, uint32_t column, uint32_t rank)
{
    for (uint32_t k = 0; k < b->s->ranks[rank].n_messages; k++) {
        const struct schedule_message *m = &b->s->ranks[rank].messages[k];
        for (uint32_t peer = 0; m->send && peer < b->setup->peers; peer++)
            add_transfer(b, m, column, rank, peer);
    }
}

static void add_column(struct builder *b, uint32_t column)
{
    size_t lanes = (size_t)b->s->n_ranks * 4 * b->s->n_stages;
    for (size_t i = 0; i < lanes; i++)
        b->side_lane[i] = OP_NONE;
    for (uint32_t r = 0; r < b->s->n_ranks; r++)
        add_rank(b, column, r);
    for (uint32_t r = 0; b->beside && r < b->s->n_ranks; r++)
        add_beside(b, column, r);
    for (uint32_t r = 0; r < b->s->n_ranks; r++)
        add_transfers(b, column, r);
}

static void intern_texts(struct builder *b)
{
    b->no_text = opgraph_string(b->graph, "");
    b->message_text = opgraph_string(b->graph, "pipeline messages");
    for (int k = 0; k < N_STEP_KINDS; k++)
        b->class_text[k] = opgraph_string(b->graph, step_kind_names[k]);
}

void pipeline_build(const struct pipeline_setup *setup, struct opgraph *graph, struct arena *arena,
                    struct pipeline_ops *out)
{
    const struct schedule *s = setup->schedule;
    size_t messages = (size_t)s->n_stages * s->n_micro_batches * 2;
    struct builder b = {.setup = setup, .s = s, .graph = graph, .arena = arena, .out = out};

    b.beside = setup->hidden || !s->type->waits_for_sends;
    b.sender = ARENA_ARRAY(arena, uint32_t, messages);
    b.receiver = ARENA_ARRAY(arena, uint32_t, messages);
    b.side_lane = ARENA_ARRAY(arena, uint32_t, (size_t)s->n_ranks * 4 * s->n_stages);
    *out = (struct pipeline_ops){.n_ranks = s->n_ranks, .columns = setup->columns};
    out->ranks = ARENA_ARRAY(arena, struct pipeline_rank_ops, (size_t)s->n_ranks * setup->columns);
    intern_texts(&b);
    find_chunks(&b);
    for (uint32_t c = 0; c < setup->columns; c++)
        add_column(&b, c);
}
