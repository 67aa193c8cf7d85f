#include "kinds/train/schedules/one_way.h"

const char *one_way_misfit(const struct schedule_shape *shape, char *buf, size_t size)
{
    (void)shape, (void)buf, (void)size;
    return NULL; /* any */
}

struct schedule_place one_way_place(const struct schedule_shape *shape, uint32_t rank, uint32_t module)
{
    (void)module;
    return (struct schedule_place){.stage = rank,
                                   .from = rank ? rank - 1 : SCHEDULE_NOBODY,
                                   .to = rank + 1 < shape->ranks ? rank + 1 : SCHEDULE_NOBODY};
}

void one_way_forward(struct schedule_builder *b)
{
    if (b->forward[0] == b->micro_batches)
        return;
    schedule_receive_forward(b, 0);
    schedule_forward(b, 0);
    schedule_send_forward(b, 0);
}

void one_way_backward(struct schedule_builder *b, bool input_only)
{
    schedule_receive_backward(b, 0);
    schedule_backward(b, 0, input_only);
    schedule_send_backward(b, 0);
}

void one_way_warm_up(struct schedule_builder *b)
{
    for (uint32_t behind = b->ranks - 1 - b->rank; behind > 0; behind--)
        one_way_forward(b);
}
