#include "kinds/train/schedules/schedule.h"

#include <math.h>

#include "base/diag.h"

const char *const step_kind_names[N_STEP_KINDS] = {"F", "B", "B-input", "W", "F&B", "end"};

/* The second module of a schedule of both directions counts its micro-batches after the first module's. */
static uint32_t micro_batch(const struct schedule_builder *b, uint32_t module, uint32_t number)
{
    return number + (b->schedule->type->both_directions && module ? b->micro_batches : 0);
}

/* --- messages ------------------------------------------------------------------------------------------- */

static void message(struct schedule_builder *b, bool send, bool gradient, uint32_t module, uint32_t boundary,
                    uint32_t peer)
{
    uint32_t *count = send ? &b->sent[gradient][module] : &b->received[gradient][module];
    if (peer == SCHEDULE_NOBODY || peer == b->rank)
        return;
    b->out->messages[b->out->n_messages++] =
        (struct schedule_message){.send = send,
                                  .gradient = gradient,
                                  .boundary = boundary,
                                  .micro_batch = micro_batch(b, module, (*count)++),
                                  .peer = peer};
}

void schedule_receive_forward(struct schedule_builder *b, uint32_t module)
{
    message(b, false, false, module, b->place[module].stage - 1, b->place[module].from);
}

void schedule_send_forward(struct schedule_builder *b, uint32_t module)
{
    message(b, true, false, module, b->place[module].stage, b->place[module].to);
}

void schedule_receive_backward(struct schedule_builder *b, uint32_t module)
{
    message(b, false, true, module, b->place[module].stage, b->place[module].to);
}

void schedule_send_backward(struct schedule_builder *b, uint32_t module)
{
    message(b, true, true, module, b->place[module].stage - 1, b->place[module].from);
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static void add_step(struct schedule_builder *b, struct schedule_step step)
{
    step.first_message = b->first_message;
    step.n_messages = b->out->n_messages - b->first_message;
    b->first_message = b->out->n_messages;
    b->out->steps[b->out->n_steps++] = step;
}

static struct step_chunk next_chunk(const struct schedule_builder *b, uint32_t *next, uint32_t module)
{
    return (struct step_chunk){b->place[module].stage, micro_batch(b, module, next[module]++)};
}

void schedule_forward(struct schedule_builder *b, uint32_t module)
{
    add_step(b, (struct schedule_step){.kind = STEP_FORWARD, .forward = next_chunk(b, b->forward, module)});
}

void schedule_backward(struct schedule_builder *b, uint32_t module, bool input_only)
{
    struct step_chunk chunk = next_chunk(b, b->backward, module);
    add_step(b, (struct schedule_step){.kind = input_only ? STEP_BACKWARD_INPUT : STEP_BACKWARD, .backward = chunk});
    if (input_only)
        b->owed[b->n_owed++] = chunk;
}

void schedule_pair(struct schedule_builder *b, uint32_t forward_module, uint32_t backward_module)
{
    add_step(b, (struct schedule_step){.kind = STEP_FORWARD_BACKWARD,
                                       .forward = next_chunk(b, b->forward, forward_module),
                                       .backward = next_chunk(b, b->backward, backward_module)});
}

void schedule_weight(struct schedule_builder *b)
{
    BUG_IF(b->first_owed == b->n_owed);
    add_step(b, (struct schedule_step){.kind = STEP_WEIGHT, .backward = b->owed[b->first_owed++]});
}

/* --- all ranks ------------------------------------------------------------------------------------------- */

static void plan_rank(const struct schedule *s, const struct schedule_shape *shape, uint32_t rank, struct arena *arena)
{
    const struct schedule_type *type = s->type;
    struct schedule_builder b = {.schedule = s, .out = &s->ranks[rank], .rank = rank, .ranks = s->n_ranks};
    b.micro_batches = s->n_micro_batches / (type->both_directions ? 2 : 1);
    b.modules = s->n_modules;
    size_t chunks = (size_t)b.micro_batches * s->n_modules;
    /* at most forward, backward and weight of each; an input and an output of each direction */
    b.out->steps = ARENA_ARRAY(arena, struct schedule_step, 3 * chunks + 1);
    b.out->messages = ARENA_ARRAY(arena, struct schedule_message, 4 * chunks);
    b.owed = ARENA_ARRAY(arena, struct step_chunk, chunks);
    for (uint32_t m = 0; m < s->n_modules; m++)
        b.place[m] = type->place(shape, rank, m);
    type->plan(&b);
    add_step(&b, (struct schedule_step){.kind = STEP_END});
    BUG_IF(b.first_owed != b.n_owed);
}

struct schedule *schedule_build(const struct schedule_type *type, const struct schedule_shape *shape,
                                struct arena *arena)
{
    struct schedule *s = ARENA_NEW(arena, struct schedule);
    BUG_IF(shape->modules < 1 || shape->modules > SCHEDULE_MAX_MODULES);
    *s = (struct schedule){.type = type,
                           .n_ranks = shape->ranks,
                           .n_micro_batches = shape->micro_batches,
                           .n_modules = shape->modules,
                           .n_stages = schedule_stages(type, shape)};
    s->ranks = ARENA_ARRAY(arena, struct schedule_rank, s->n_ranks);
    for (uint32_t r = 0; r < s->n_ranks; r++)
        plan_rank(s, shape, r, arena);
    return s;
}

static void keep_forward(const struct schedule_rank *all, struct schedule_rank *out, struct arena *arena)
{
    uint32_t first = 0;
    *out = (struct schedule_rank){.steps = ARENA_ARRAY(arena, struct schedule_step, all->n_steps),
                                  .messages = ARENA_ARRAY(arena, struct schedule_message, all->n_messages + 1)};
    for (uint32_t i = 0; i < all->n_steps; i++) {
        struct schedule_step step = all->steps[i];
        for (uint32_t m = step.first_message; m < step.first_message + step.n_messages; m++)
            if (!all->messages[m].gradient)
                out->messages[out->n_messages++] = all->messages[m];
        if (step.kind == STEP_FORWARD_BACKWARD)
            step.kind = STEP_FORWARD;
        if (step.kind != STEP_FORWARD && step.kind != STEP_END)
            continue;
        step.first_message = first;
        step.n_messages = out->n_messages - first;
        first = out->n_messages;
        out->steps[out->n_steps++] = step;
    }
}

struct schedule *schedule_forward_only(const struct schedule *all, struct arena *arena)
{
    struct schedule *s = ARENA_NEW(arena, struct schedule);
    *s = *all;
    s->ranks = ARENA_ARRAY(arena, struct schedule_rank, s->n_ranks);
    for (uint32_t r = 0; r < s->n_ranks; r++)
        keep_forward(&all->ranks[r], &s->ranks[r], arena);
    return s;
}

double schedule_peak_activations(const struct schedule *s, uint32_t rank, const double *stage_B)
{
    const struct schedule_rank *r = &s->ranks[rank];
    double held = 0, peak = 0;
    for (uint32_t i = 0; i < r->n_steps; i++) {
        const struct schedule_step *step = &r->steps[i];
        if (step->kind == STEP_FORWARD || step->kind == STEP_FORWARD_BACKWARD)
            held += stage_B ? stage_B[step->forward.stage] : 1;
        peak = fmax(peak, held);
        if (step->kind == STEP_BACKWARD || step->kind == STEP_WEIGHT || step->kind == STEP_FORWARD_BACKWARD)
            held -= stage_B ? stage_B[step->backward.stage] : 1;
    }
    return peak;
}
