/* DualPipe's order of chunks. "Phase" 0 is the module whose micro-batches reach the rank first, from the nearer end
 * of the pipeline; phase 1 the other one. Messages wait in the builder until the next step begins; where a message
 * goes late here (the middle ranks send to each other), it goes late in dualpipe.py. */
#include "kinds/train/schedules/dual.h"

struct planner {
    struct schedule_builder *b;
    uint32_t depth, inward;
    bool middle;
    uint32_t module[2]; /* of a phase */
};

static void forward(const struct planner *p, int phase, bool receive, bool send)
{
    if (receive)
        schedule_receive_forward(p->b, p->module[phase]);
    schedule_forward(p->b, p->module[phase]);
    if (send)
        schedule_send_forward(p->b, p->module[phase]);
}

static void backward(const struct planner *p, int phase, bool input_only)
{
    schedule_receive_backward(p->b, p->module[phase]);
    schedule_backward(p->b, p->module[phase], input_only);
    schedule_send_backward(p->b, p->module[phase]);
}

static void pair(const struct planner *p, int forward_phase, bool receive_forward)
{
    uint32_t f = p->module[forward_phase], back = p->module[!forward_phase];
    if (receive_forward)
        schedule_receive_forward(p->b, f);
    schedule_receive_backward(p->b, back);
    schedule_pair(p->b, f, back);
    schedule_send_forward(p->b, f);
    schedule_send_backward(p->b, back);
}

/* Steps 1 to 3: the pipeline fills from both sides. */
static void fill(const struct planner *p)
{
    uint32_t outer = p->depth - p->inward - 1;
    for (uint32_t i = 0; i < 2 * outer; i++)
        forward(p, 0, true, true);
    schedule_receive_forward(p->b, p->module[0]);
    for (uint32_t i = 0; i <= p->inward; i++) {
        forward(p, 0, false, p->middle);
        schedule_receive_forward(p->b, p->module[0]);
        forward(p, 1, true, !p->middle || i < p->inward);
        if (!p->middle)
            schedule_send_forward(p->b, p->module[0]);
    }
    for (uint32_t i = 0; i < outer; i++) {
        backward(p, 1, true);
        schedule_receive_forward(p->b, p->module[1]);
        schedule_weight(p->b);
        forward(p, 1, false, true);
    }
}

/* The first pair of the middle ranks is not overlapped. */
static void first_of_middle(const struct planner *p)
{
    schedule_forward(p->b, p->module[0]);
    schedule_send_forward(p->b, p->module[1]);
    schedule_receive_backward(p->b, p->module[1]);
    schedule_backward(p->b, p->module[1], false);
    schedule_send_forward(p->b, p->module[0]);
    schedule_send_backward(p->b, p->module[1]);
}

/* Step 4: forward of either module beside backward of the other. */
static void steady(const struct planner *p)
{
    uint32_t n = p->b->micro_batches - 2 * p->depth + p->inward + 1;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 && p->middle)
            first_of_middle(p);
        else
            pair(p, 0, i > 0);
        pair(p, 1, true);
    }
}

/* Steps 5 to 8: it empties; weights' gradients are put off where that lets others go on. */
static void drain(const struct planner *p)
{
    uint32_t outer = p->depth - p->inward - 1, half = (p->inward + 1) / 2;
    bool odd = p->inward % 2;
    for (uint32_t i = 0; i < outer; i++) {
        backward(p, 1, false);
        pair(p, 1, true);
    }
    for (uint32_t i = 0; i <= p->inward; i++) {
        backward(p, 1, odd ? i >= half : i > half);
        backward(p, 0, i >= half);
    }
    for (uint32_t i = 0; i < outer; i++) {
        schedule_weight(p->b);
        backward(p, 0, true);
    }
    for (uint32_t i = 0; i <= p->inward; i++)
        schedule_weight(p->b);
}

void dual_plan(struct schedule_builder *b, const struct dual *d)
{
    const struct planner p = {.b = b,
                              .depth = d->depth,
                              .inward = d->inward,
                              .middle = d->inward == d->depth - 1,
                              .module = {d->flipped, !d->flipped}};
    fill(&p);
    steady(&p);
    drain(&p);
}

double dual_bubble(uint32_t depth, const struct schedule_times *t)
{
    return (depth - 1) * (t->pair_s + t->backward_s - 3 * t->weight_s);
}
