/* The order is Megatron-LM's (core/pipeline_parallel/schedules.py, forward_backward_pipelining_with_interleaving and
 * get_schedule_table): groups of as many micro-batches as there are ranks go through a rank's first virtual stage, then
 * through its second ..., backward through the last first. Messages go beside the chunks (overlap_p2p_comm). */
#include "kinds/train/schedules/interleaved.h"

#include <stdio.h>

const char *interleaved_misfit(const struct schedule_shape *shape, char *buf, size_t size)
{
    if (shape->micro_batches % shape->ranks == 0 && shape->micro_batches > 0)
        return NULL;
    snprintf(buf, size,
             "interleaved stages on %u ranks need a multiple of %u micro-batches, not %u: they go through a rank in "
             "groups of that many",
             shape->ranks, shape->ranks, shape->micro_batches);
    return buf;
}

/* The rank that has the stage, or nobody. */
static uint32_t holder(const struct schedule_shape *shape, uint32_t stage)
{
    return stage < shape->ranks * shape->modules ? stage % shape->ranks : SCHEDULE_NOBODY;
}

struct schedule_place interleaved_place(const struct schedule_shape *shape, uint32_t rank, uint32_t module)
{
    uint32_t stage = module * shape->ranks + rank;
    return (struct schedule_place){
        .stage = stage, .from = stage ? holder(shape, stage - 1) : SCHEDULE_NOBODY, .to = holder(shape, stage + 1)};
}

/* Module of the k-th forward chunk; of the k-th backward chunk it is counted from the last. */
static uint32_t module_of(const struct schedule_builder *b, uint32_t k)
{
    return k / b->ranks % b->modules;
}

static uint32_t backward_module(const struct schedule_builder *b, uint32_t k)
{
    return b->modules - 1 - module_of(b, k);
}

static void forward(struct schedule_builder *b, uint32_t k)
{
    uint32_t m = module_of(b, k);
    schedule_receive_forward(b, m);
    schedule_forward(b, m);
    schedule_send_forward(b, m);
}

static void backward(struct schedule_builder *b, uint32_t k)
{
    uint32_t m = backward_module(b, k);
    schedule_receive_backward(b, m);
    schedule_backward(b, m, false);
    schedule_send_backward(b, m);
}

static void pair(struct schedule_builder *b, uint32_t forward_k, uint32_t backward_k)
{
    uint32_t f = module_of(b, forward_k), back = backward_module(b, backward_k);
    schedule_receive_forward(b, f);
    schedule_receive_backward(b, back);
    schedule_pair(b, f, back);
    schedule_send_forward(b, f);
    schedule_send_backward(b, back);
}

void interleaved_plan(struct schedule_builder *b, bool pairs)
{
    uint32_t chunks = b->micro_batches * b->modules, behind = b->ranks - 1 - b->rank;
    /* a backward chunk of a pair may not need its forward chunk, so that one more is ahead */
    uint32_t ahead = 2 * behind + (b->modules - 1) * b->ranks + pairs;
    if (ahead > chunks)
        ahead = chunks;
    for (uint32_t k = 0; k < ahead; k++)
        forward(b, k);
    for (uint32_t k = 0; k < chunks; k++)
        if (k + ahead >= chunks) {
            backward(b, k);
        } else if (pairs) {
            pair(b, k + ahead, k);
        } else {
            forward(b, k + ahead);
            backward(b, k);
        }
}

double interleaved_bubble(uint32_t ranks, const struct schedule_times *t)
{
    return (ranks - 1) * (t->forward_s + t->backward_s);
}
