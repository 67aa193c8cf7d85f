/* Pipeline schedules: what each rank does, that nothing waits for itself, and the published bubbles and activations
 * when they run in the ideal case. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "kinds/train/pipeline.h"
#include "sim/sim.h"
#include "tap_main.h"

enum { MAX_RANKS = 32 };

static const uint32_t rank_counts[] = {1, 2, 3, 4, 6, 8, 12, 16, 32};
static const uint32_t batch_counts[] = {1, 2, 4, 7, 8, 20, 31, 64, 120};
enum { N_RANKS = sizeof rank_counts / sizeof *rank_counts, N_BATCHES = sizeof batch_counts / sizeof *batch_counts };

enum { VIRTUAL_STAGES = 4 };

static bool possible(const struct schedule_type *t, uint32_t ranks, uint32_t micro_batches)
{
    char why[256];
    struct schedule_shape shape = schedule_shape_of(t, ranks, micro_batches, VIRTUAL_STAGES);
    return !t->misfit(&shape, why, sizeof why);
}

static struct schedule *build(const struct schedule_type *t, uint32_t ranks, uint32_t micro_batches,
                              struct arena *arena)
{
    struct schedule_shape shape = schedule_shape_of(t, ranks, micro_batches, VIRTUAL_STAGES);
    return schedule_build(t, &shape, arena);
}

/* Runs `body` for each schedule with each pair of numbers that it allows. */
typedef void body_fn(const struct schedule *s, struct arena *arena);
static void for_all(body_fn *body)
{
    for (const struct schedule_type *const *t = schedule_all(); *t; t++)
        for (uint32_t r = 0; r < N_RANKS; r++)
            for (uint32_t n = 0; n < N_BATCHES; n++) {
                if (!possible(*t, rank_counts[r], batch_counts[n]))
                    continue;
                struct arena *arena = arena_new();
                body(build(*t, rank_counts[r], batch_counts[n], arena), arena);
                arena_free(arena);
            }
}

/* --- which steps ---------------------------------------------------------------------------------------- */

/* Progress of every (stage, micro-batch): forward, then backward at once or in two parts. */
enum { NOT_YET, FORWARD, INPUT_DONE, DONE };

static void advance(uint8_t *state, uint8_t from, uint8_t to)
{
    ck_assert_uint_eq(*state, from);
    *state = to;
}

static void walk_rank(const struct schedule *s, uint32_t rank, uint8_t *state)
{
    for (uint32_t i = 0; i < s->ranks[rank].n_steps; i++) {
        const struct schedule_step *step = &s->ranks[rank].steps[i];
        uint8_t *f = &state[step->forward.stage * s->n_micro_batches + step->forward.micro_batch];
        uint8_t *b = &state[step->backward.stage * s->n_micro_batches + step->backward.micro_batch];
        ck_assert_uint_lt(step->forward.micro_batch, s->n_micro_batches);
        ck_assert_uint_lt(step->backward.micro_batch, s->n_micro_batches);
        if (step->kind == STEP_FORWARD || step->kind == STEP_FORWARD_BACKWARD)
            advance(f, NOT_YET, FORWARD);
        if (step->kind == STEP_BACKWARD || step->kind == STEP_FORWARD_BACKWARD)
            advance(b, FORWARD, DONE);
        if (step->kind == STEP_BACKWARD_INPUT)
            advance(b, FORWARD, INPUT_DONE);
        if (step->kind == STEP_WEIGHT)
            advance(b, INPUT_DONE, DONE);
        ck_assert(step->kind != STEP_END || i + 1 == s->ranks[rank].n_steps);
    }
}

static void every_chunk_once(const struct schedule *s, struct arena *arena)
{
    size_t n = (size_t)s->n_stages * s->n_micro_batches;
    uint8_t *state = ARENA_ARRAY(arena, uint8_t, n);
    for (uint32_t r = 0; r < s->n_ranks; r++)
        walk_rank(s, r, state);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(state[i], DONE);
}

START_TEST(every_chunk_happens_once_and_forward_first)
{
    for_all(every_chunk_once);
}
END_TEST

static bool same_message(const struct schedule_message *a, const struct schedule_message *b)
{
    return a->gradient == b->gradient && a->boundary == b->boundary && a->micro_batch == b->micro_batch;
}

/* The next message of a rank from *at on that goes to or comes from peer. */
static const struct schedule_message *next_with(const struct schedule_rank *r, uint32_t *at, uint32_t peer, bool send)
{
    for (; *at < r->n_messages; ++*at)
        if (r->messages[*at].peer == peer && r->messages[*at].send == send)
            return &r->messages[(*at)++];
    return NULL;
}

static void messages_keep_their_order(const struct schedule *s)
{
    for (uint32_t r = 0; r < s->n_ranks; r++) {
        uint32_t next[2][2][MAX_RANKS * VIRTUAL_STAGES] = {0};
        for (uint32_t i = 0; i < s->ranks[r].n_messages; i++) {
            const struct schedule_message *m = &s->ranks[r].messages[i];
            ck_assert_uint_eq(m->micro_batch, next[m->send][m->gradient][m->boundary]++);
        }
        for (int send = 0; send < 2; send++)
            for (int gradient = 0; gradient < 2; gradient++)
                for (uint32_t b = 0; b + 1 < s->n_stages; b++) {
                    uint32_t from = (b + (uint32_t)gradient) % s->n_ranks, to = (b + !gradient) % s->n_ranks;
                    bool mine = s->n_ranks > 1 && r == (send ? from : to);
                    ck_assert_uint_eq(next[send][gradient][b], mine ? s->n_micro_batches : 0);
                }
    }
}

/* NCCL pairs sends and receives of two ranks in the order in which they were issued; where messages go beside the
 * steps, each kind of message across each boundary goes its own way. */
static void messages_match(const struct schedule *s, struct arena *arena)
{
    (void)arena;
    if (!s->type->modules) {
        messages_keep_their_order(s);
        return;
    }
    for (uint32_t a = 0; a < s->n_ranks; a++)
        for (uint32_t b = 0; b < s->n_ranks; b++) {
            uint32_t i = 0, k = 0;
            const struct schedule_message *sent, *received;
            do {
                sent = next_with(&s->ranks[a], &i, b, true);
                received = next_with(&s->ranks[b], &k, a, false);
                ck_assert(!sent == !received);
                ck_assert(!sent || same_message(sent, received));
            } while (sent);
        }
}

/* Whoever of the rank's modules has the stage. */
static bool has_stage(const struct schedule *s, uint32_t rank, uint32_t stage)
{
    struct schedule_shape shape = {s->n_ranks, s->n_micro_batches, s->n_modules};
    for (uint32_t m = 0; m < s->n_modules; m++)
        if (s->type->place(&shape, rank, m).stage == stage)
            return true;
    return false;
}

/* Activations and gradients of every micro-batch cross every boundary of stages once, unless a rank hands over to
 * itself; and from a rank that has the one stage to one that has the other. */
static void all_is_sent(const struct schedule *s, struct arena *arena)
{
    size_t n = (size_t)s->n_stages * s->n_micro_batches * 2;
    uint8_t *sent = ARENA_ARRAY(arena, uint8_t, n);
    for (uint32_t r = 0; r < s->n_ranks; r++)
        for (uint32_t i = 0; i < s->ranks[r].n_messages; i++) {
            const struct schedule_message *m = &s->ranks[r].messages[i];
            uint32_t from = m->boundary + m->gradient, to = m->boundary + !m->gradient;
            ck_assert(has_stage(s, m->send ? r : m->peer, from) && has_stage(s, m->send ? m->peer : r, to));
            sent[(m->boundary * s->n_micro_batches + m->micro_batch) * 2 + m->gradient] += m->send;
        }
    for (uint32_t boundary = 0; boundary + 1 < s->n_stages; boundary++) {
        bool stays = false;
        for (uint32_t r = 0; r < s->n_ranks; r++)
            stays |= !s->type->both_directions && has_stage(s, r, boundary) && has_stage(s, r, boundary + 1);
        for (uint32_t i = 0; i < 2 * s->n_micro_batches; i++)
            ck_assert_uint_eq(sent[boundary * s->n_micro_batches * 2 + i], !stays);
    }
}

START_TEST(sends_and_receives_pair_up_in_order)
{
    for_all(messages_match);
}
END_TEST

START_TEST(every_boundary_is_crossed_once)
{
    for_all(all_is_sent);
}
END_TEST

static uint32_t count(const struct schedule *s, uint32_t rank, enum step_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->ranks[rank].n_steps; i++)
        n += s->ranks[rank].steps[i].kind == kind;
    return n;
}

static void expect_counts(const struct schedule *s, uint32_t rank, const uint32_t want[N_STEP_KINDS])
{
    for (int k = 0; k < N_STEP_KINDS; k++)
        ck_assert_uint_eq(count(s, rank, (enum step_kind)k), want[k]);
}

/* Counted from dualpipe.py. */
START_TEST(dualpipe_of_deepseek_v3)
{
    struct arena *arena = arena_new();
    const struct schedule *s = build(schedule_find("dualpipe"), 16, 120, arena);
    const uint32_t end[] = {[STEP_FORWARD] = 23, [STEP_BACKWARD] = 8,          [STEP_BACKWARD_INPUT] = 15,
                            [STEP_WEIGHT] = 15,  [STEP_FORWARD_BACKWARD] = 97, [STEP_END] = 1};
    const uint32_t middle[] = {[STEP_FORWARD] = 17, [STEP_BACKWARD] = 9,           [STEP_BACKWARD_INPUT] = 8,
                               [STEP_WEIGHT] = 8,   [STEP_FORWARD_BACKWARD] = 103, [STEP_END] = 1};
    expect_counts(s, 0, end);
    expect_counts(s, 15, end);
    expect_counts(s, 7, middle);
    expect_counts(s, 8, middle);
    arena_free(arena);
}
END_TEST

/* Megatron-LM's order for 4 ranks, 2 virtual stages and 8 micro-batches: the first rank's chunks, forward 0 to 63,
 * backward from 100. */
static uint32_t chunk_code(const struct step_chunk *c)
{
    return c->micro_batch + (c->stage >= 4 ? 10 : 0);
}

static void expect_steps(const char *name, uint32_t rank, const char *want)
{
    char text[1024] = "";
    struct arena *arena = arena_new();
    struct schedule_shape shape = {4, 8, 2};
    const struct schedule *s = schedule_build(schedule_find(name), &shape, arena);
    for (uint32_t i = 0; i + 1 < s->ranks[rank].n_steps; i++) {
        const struct schedule_step *step = &s->ranks[rank].steps[i];
        size_t n = strlen(text);
        bool f = step->kind != STEP_BACKWARD, b = step->kind != STEP_FORWARD;
        if (f)
            snprintf(text + n, sizeof text - n, "f%u", chunk_code(&step->forward));
        n = strlen(text);
        snprintf(text + n, sizeof text - n, b ? "b%u " : " ", chunk_code(&step->backward));
    }
    ck_assert_str_eq(text, want);
    arena_free(arena);
}

START_TEST(interleaved_steps_are_those_of_megatron)
{
    /* 2 * 3 + 4 forward chunks before the first backward one on the first rank, 4 on the last */
    expect_steps("interleaved", 0,
                 "f0 f1 f2 f3 f10 f11 f12 f13 f4 f5 f6 b10 f7 b11 f14 b12 f15 b13 f16 b0 f17 b1 b2 b3 b14 b15 b16 b17 "
                 "b4 b5 b6 b7 ");
    expect_steps("interleaved", 3,
                 "f0 f1 f2 f3 f10 b10 f11 b11 f12 b12 f13 b13 f4 b0 f5 b1 f6 b2 f7 b3 f14 b14 f15 b15 f16 b16 f17 b17 "
                 "b4 b5 b6 b7 ");
    /* and one more where a pair's chunks may not need each other */
    expect_steps("interleaved_pairs", 3,
                 "f0 f1 f2 f3 f10 f11b10 f12b11 f13b12 f4b13 f5b0 f6b1 f7b2 f14b3 f15b14 f16b15 f17b16 b17 b4 b5 b6 "
                 "b7 ");
}
END_TEST

START_TEST(what_cannot_be_is_told)
{
    char why[256];
    const struct schedule_type *t = schedule_find("dualpipe");
    const struct schedule_shape odd = {15, 120, 2}, few = {16, 30, 2}, uneven = {16, 33, 2}, right = {16, 32, 2},
                                v = {8, 15, 2}, no_multiple = {4, 30, 4}, fewer = {4, 2, 4};
    ck_assert_ptr_nonnull(strstr(t->misfit(&odd, why, sizeof why), "even number of pipeline ranks"));
    ck_assert_ptr_nonnull(strstr(t->misfit(&few, why, sizeof why), "at least 32"));
    ck_assert_ptr_nonnull(strstr(t->misfit(&uneven, why, sizeof why), "even number of micro-batches"));
    ck_assert_ptr_null(t->misfit(&right, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(schedule_find("dualpipev")->misfit(&v, why, sizeof why), "at least 16"));
    t = schedule_find("interleaved");
    ck_assert_ptr_nonnull(strstr(t->misfit(&no_multiple, why, sizeof why), "a multiple of 4 micro-batches, not 30"));
    ck_assert_ptr_nonnull(strstr(t->misfit(&fewer, why, sizeof why), "not 2"));
}
END_TEST

/* --- the ideal case ---------------------------------------------------------------------------------------- */

static double ideal_step_s(const void *ctx, uint32_t column, uint32_t rank, const struct schedule_step *step)
{
    const struct schedule_times *t = ctx;
    const double step_s[N_STEP_KINDS] = {
        [STEP_FORWARD] = t->forward_s,
        [STEP_BACKWARD] = t->backward_s,
        [STEP_BACKWARD_INPUT] = t->backward_s - t->weight_s,
        [STEP_WEIGHT] = t->weight_s,
        [STEP_FORWARD_BACKWARD] = t->pair_s,
    };
    (void)column, (void)rank;
    return step_s[step->kind];
}

static uint32_t one_device(const void *ctx, uint32_t column, uint32_t rank, uint32_t peer)
{
    (void)ctx, (void)column, (void)rank, (void)peer;
    return 0; /* messages that stay take no time */
}

static void to_itself(const void *ctx, uint32_t column, uint32_t from, uint32_t to, uint32_t peer, struct transfer *t)
{
    t->src = one_device(ctx, column, from, peer);
    t->dst = one_device(ctx, column, to, peer);
}

static struct opgraph *ideal_graph(const struct schedule *s, const struct schedule_times *times, bool hidden,
                                   struct arena *arena, struct pipeline_ops *ops)
{
    struct opgraph *g = opgraph_new(1);
    struct pipeline_setup setup = {.schedule = s,
                                   .columns = 1,
                                   .peers = 1,
                                   .hidden = hidden,
                                   .device = one_device,
                                   .route = to_itself,
                                   .step_s = ideal_step_s,
                                   .ctx = (void *)(uintptr_t)times};
    pipeline_build(&setup, g, arena, ops);
    opgraph_check(g);
    return g;
}

static void acyclic(const struct schedule *s, struct arena *arena)
{
    const struct schedule_times times = {1, 2, 1, 3};
    for (int hidden = 0; hidden < 2; hidden++) {
        struct pipeline_ops ops;
        opgraph_free(ideal_graph(s, &times, hidden, arena, &ops));
    }
}

START_TEST(nothing_waits_for_itself)
{
    for_all(acyclic); /* opgraph_check ends the process otherwise */
}
END_TEST

/* Idle time per rank. */
static void run_ideal(const struct schedule *s, const struct schedule_times *times, struct arena *arena, double *idle_s)
{
    struct topology topo = {.n_endpoints = 1, .gpus_per_node = 1};
    struct pipeline_ops ops;
    struct diag *diag = diag_new();
    struct sim_outcome out;
    struct opgraph *g = ideal_graph(s, times, false, arena, &ops);
    struct sim_spec spec = {.graph = g, .topo = &topo, .sm_per_device = 1};
    ck_assert_msg(sim_run(&spec, arena, &out, diag) == 0, "%s", diag_text(diag));
    for (uint32_t r = 0; r < s->n_ranks; r++) {
        idle_s[r] = out.makespan_s;
        for (uint32_t i = 0; i + 1 < s->ranks[r].n_steps; i++)
            idle_s[r] -= out.op_end_s[ops.ranks[r].step[i]] - out.op_start_s[ops.ranks[r].step[i]];
    }
    opgraph_free(g);
    diag_free(diag);
}

static bool pairs(const struct schedule *s)
{
    return count(s, 0, STEP_FORWARD_BACKWARD) > 0;
}

/* DualPipe's formula holds where F = B - W >= W, on the middle ranks whatever a pair takes; the others have fewer
 * pairs, and so more or less to do, unless a pair is no shorter than its parts. */
static const struct schedule_times ideal_times[] = {{1, 2, 1, 3}, {2, 3, 1, 5},  {2, 3, 1, 4},
                                                    {3, 5, 2, 7}, {4, 7, 3, 11}, {1.5, 2, 0.5, 3.25}};

static void expect_bubble(const char *name, uint32_t ranks, uint32_t micro_batches)
{
    struct arena *arena = arena_new();
    const struct schedule *s = build(schedule_find(name), ranks, micro_batches, arena);
    uint32_t middle = s->type->both_directions ? ranks / 2 - 1 : ranks - 1;
    for (size_t i = 0; i < sizeof ideal_times / sizeof *ideal_times; i++) {
        const struct schedule_times *t = &ideal_times[i];
        double idle_s[MAX_RANKS], want_s = s->type->bubble(ranks, t);
        bool pair_is_sum = t->pair_s == t->forward_s + t->backward_s || !pairs(s);
        run_ideal(s, t, arena, idle_s);
        for (uint32_t r = 0; r < ranks; r++) {
            if (pair_is_sum || r == middle)
                ck_assert_double_eq_tol(idle_s[r], want_s, 1e-9 * want_s + 1e-9);
            else
                ck_assert_double_le(idle_s[r], want_s + 1e-9);
        }
    }
    arena_free(arena);
}

START_TEST(bubbles_are_those_published)
{
    const uint32_t cases[][2] = {{2, 8}, {4, 8}, {4, 20}, {8, 16}, {8, 20}, {16, 32}, {16, 120}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (const struct schedule_type *const *t = schedule_all(); *t; t++)
            if (possible(*t, cases[i][0], cases[i][1]))
                expect_bubble((*t)->name, cases[i][0], cases[i][1]);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------------------------- */

static double peak(const char *name, uint32_t ranks, uint32_t micro_batches, uint32_t rank)
{
    struct arena *arena = arena_new();
    double n = schedule_peak_activations(build(schedule_find(name), ranks, micro_batches, arena), rank, NULL);
    arena_free(arena);
    return n;
}

/* DualPipe's README: PP, PP and PP + 1 (two stages, each half of them). */
START_TEST(activations_are_those_published)
{
    for (uint32_t r = 0; r < 8; r++) {
        ck_assert_double_eq(peak("1f1b", 8, 32, r), 8 - r);
        ck_assert_double_eq(peak("zb1p", 8, 32, r), 8);
        ck_assert_double_eq(peak("dualpipe", 8, 32, r), 9);
    }
    for (uint32_t r = 0; r < 4; r++)
        ck_assert_double_eq(peak("dualpipev", 4, 32, r), 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: schedules");
    TCase *tc = tcase_create("schedules");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_chunk_happens_once_and_forward_first);
    tcase_add_test(tc, sends_and_receives_pair_up_in_order);
    tcase_add_test(tc, every_boundary_is_crossed_once);
    tcase_add_test(tc, dualpipe_of_deepseek_v3);
    tcase_add_test(tc, interleaved_steps_are_those_of_megatron);
    tcase_add_test(tc, what_cannot_be_is_told);
    tcase_add_test(tc, nothing_waits_for_itself);
    tcase_add_test(tc, bubbles_are_those_published);
    tcase_add_test(tc, activations_are_those_published);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}
