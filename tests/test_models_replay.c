/* Replay: recorded mode gives the recording back, simulated mode scales and waits as it
 * should. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "replay_fixture.h"
#include "tap_main.h"

static const struct op *op_of(const struct replay_fixture *f, uint32_t rank, uint32_t kernel)
{
    uint32_t stride = f->graph->n_ops / f->info.n_ranks;

    return &f->graph->ops[f->info.op_of_kernel[kernel] + (rank - f->info.reference) * stride];
}

static uint8_t class_of(const struct replay_fixture *f, uint32_t kernel)
{
    return (uint8_t)f->trace.kernels[kernel].class_id;
}

/* --- recorded
 * ---------------------------------------------------------------------------------- */

START_TEST(recorded_communication_gives_the_recording_back)
{
    struct replay_fixture *f = replay_fixture_new();

    f->cfg.comm = REPLAY_RECORDED;
    replay_fixture_run(f);
    ck_assert_uint_eq(f->graph->n_ops, f->trace.n_kernels);
    ck_assert_uint_eq(f->graph->n_transfers, 0);
    for (uint32_t i = 0; i < f->trace.n_kernels; i++) {
        const struct trace_kernel *k = &f->trace.kernels[i];
        uint32_t op = f->info.op_of_kernel[i];
        ck_assert_double_eq_tol(f->outcome.op_start_s[op], k->start_s, 1e-10);
        ck_assert_double_eq_tol(f->outcome.op_end_s[op], k->start_s + k->duration_s, 1e-10);
    }
    replay_fixture_free(f);
}
END_TEST

START_TEST(recorded_communication_needs_no_matching_cluster)
{
    struct replay_fixture *f = replay_fixture_new();

    f->cfg.comm = REPLAY_RECORDED;
    f->hw.nodes = 1;
    ck_assert_msg(replay_fixture_build(f) == 0, "%s", diag_text(f->diag));
    replay_fixture_free(f);
}
END_TEST

/* --- hardware
 * ---------------------------------------------------------------------------------- */

/* Work of each kernel on changed hardware over work on the recorded one. */
static void expect_scaling(double memory, double fp8, double bf16)
{
    struct replay_fixture *was = replay_fixture_new(), *is = replay_fixture_new();
    double want[RC_COUNT] = {[RC_GEMM_FP8] = fp8, [RC_FLASH_BF16] = bf16, [RC_CAST] = memory,
                             [RC_NORM] = memory,  [RC_SMALL] = 1,         [RC_SWIGLU] = memory};

    is->hw.chip.memory_Bps /= memory;
    is->hw.chip.fp8_flops /= fp8;
    is->hw.chip.bf16_flops /= bf16;
    ck_assert_int_eq(replay_fixture_build(was), 0);
    ck_assert_int_eq(replay_fixture_build(is), 0);
    for (uint32_t i = 0; i < was->trace.n_kernels; i++)
        for (uint32_t r = 0; r < REPLAY_RANKS; r += 5)
            if (want[class_of(was, i)] > 0)
                ck_assert_double_eq_tol(op_of(is, r, i)->work_s, op_of(was, r, i)->work_s * want[class_of(was, i)],
                                        1e-12);
    replay_fixture_free(was);
    replay_fixture_free(is);
}

START_TEST(kernels_scale_with_what_bounds_them)
{
    expect_scaling(0.5, 1, 1);
    expect_scaling(1, 0.5, 1);
    expect_scaling(1, 1, 0.25);
}
END_TEST

/* A GEMM with one block per free SM is tuned again; 64 blocks cannot use more;
 * attention takes what there is. */
START_TEST(sms_follow_grids)
{
    struct replay_fixture *f = replay_fixture_new();

    f->hw.ep_kernel.sms = 12;
    ck_assert_int_eq(replay_fixture_build(f), 0);
    ck_assert_float_eq(op_of(f, 3, 5)->sm_ref, 112);
    ck_assert_float_eq(op_of(f, 3, 5)->sm_max, 120);
    ck_assert_float_eq(op_of(f, 3, 16)->sm_ref, 64);
    ck_assert_float_eq(op_of(f, 3, 16)->sm_max, 64);
    ck_assert_float_eq(op_of(f, 3, 4)->sm_ref, 132);
    ck_assert_float_eq(op_of(f, 3, 4)->sm_max, 132);
    ck_assert_float_eq(op_of(f, 3, 1)->sm_ref, 0);
    ck_assert_float_eq(op_of(f, 3, 12)->sm_hold, 12);
    ck_assert_float_eq(op_of(f, 3, 6)->sm_hold, 9);
    replay_fixture_free(f);
}
END_TEST

/* Attention of 4,096 blocks, one of which fits on an SM, spreads over as many SMs as there are; 64 blocks do not. */
START_TEST(more_sms_take_more_blocks)
{
    struct replay_fixture *f = replay_fixture_new();

    f->hw.chip.sms = 264;
    f->trace.kernels[4].grid[0] = 4096;
    f->trace.kernels[4].blocks = 132;
    ck_assert_int_eq(replay_fixture_build(f), 0);
    ck_assert_float_eq(op_of(f, 3, 4)->sm_ref, 132);
    ck_assert_float_eq(op_of(f, 3, 4)->sm_max, 264);
    ck_assert_float_eq(op_of(f, 3, 5)->sm_max, 244);
    ck_assert_float_eq(op_of(f, 3, 16)->sm_max, 64);
    replay_fixture_free(f);
}
END_TEST

/* Kernel 4 ran 11..40 us while kernel 3 held 20 SMs until 30 us. Kernels 9 and 10 ran
 * side by side 76..86 us, alone on 132 SMs for 1 us and beside 20 held ones for 9 us.
 */
START_TEST(work_is_time_at_the_recorded_share)
{
    struct replay_fixture *f = replay_fixture_new();

    ck_assert_int_eq(replay_fixture_build(f), 0);
    ck_assert_double_eq_tol(op_of(f, 0, 4)->work_s, (19 * 112.0 / 132 + 10) * 1e-6, 1e-12);
    ck_assert_double_eq_tol(op_of(f, 0, 9)->work_s, (66.0 / 112 + 9 * 0.5) * 1e-6, 1e-12);
    ck_assert_double_eq_tol(op_of(f, 0, 10)->work_s, (66.0 / 112 + 9 * 0.5) * 1e-6, 1e-12);
    ck_assert_double_eq_tol(op_of(f, 0, 5)->work_s, 30e-6, 1e-12);
    ck_assert_double_eq_tol(op_of(f, 0, 1)->work_s, 9e-6, 1e-12);
    replay_fixture_free(f);
}
END_TEST

/* --- ranks
 * -------------------------------------------------------------------------------------
 */

START_TEST(only_token_work_differs_between_ranks)
{
    struct replay_fixture *f = replay_fixture_new();
    int different = 0;

    ck_assert_int_eq(replay_fixture_build(f), 0);
    for (uint32_t r = 0; r < REPLAY_RANKS; r++) {
        double ratio = op_of(f, r, 5)->work_s / op_of(f, 0, 5)->work_s;
        different += fabs(ratio - 1) > 0.01;
        for (uint32_t i = 0; i < f->trace.n_kernels; i++) {
            const struct op *op = op_of(f, r, i), *reference = op_of(f, 0, i);
            const struct trace_kernel *k = &f->trace.kernels[i];
            bool tokens = k->rows > 0 || class_of(f, i) == RC_SWIGLU;
            ck_assert_uint_eq(op->device, r);
            ck_assert_double_eq(op->lead_s, reference->lead_s);
            if (!tokens)
                ck_assert_double_eq(op->work_s, reference->work_s);
            else if (k->layer == 1 && i != 13) /* kernels of one chunk share the load */
                ck_assert_double_eq_tol(op->work_s, reference->work_s * ratio, 1e-12);
        }
    }
    ck_assert_int_gt(different, 8);
    replay_fixture_free(f);
}
END_TEST

/* 1408 rows less 4 experts' mean padding of 64 rows are 1152, of a mean of 1024. */
START_TEST(reference_rank_keeps_its_recorded_load)
{
    struct replay_fixture *f = replay_fixture_new();
    double sum = 0;

    f->cfg.routing.rank_load_cv_ratio = 0;
    ck_assert_int_eq(replay_fixture_build(f), 0);
    for (uint32_t r = 1; r < REPLAY_RANKS; r++)
        sum += op_of(f, r, 5)->work_s / op_of(f, 0, 5)->work_s / (REPLAY_RANKS - 1);
    ck_assert_double_eq_tol(sum, (16 - 1.125) / 15 / 1.125, 0.05);
    replay_fixture_free(f);
}
END_TEST

START_TEST(transfers_belong_to_the_ops_of_their_ends)
{
    struct replay_fixture *f = replay_fixture_new();

    ck_assert_int_eq(replay_fixture_build(f), 0);
    opgraph_check(f->graph);
    ck_assert_uint_gt(f->graph->n_transfers, 0);
    for (uint32_t i = 0; i < f->graph->n_transfers; i++) {
        const struct transfer *t = &f->graph->transfers[i];
        const struct op *src = &f->graph->ops[t->src_op], *dst = &f->graph->ops[t->dst_op];
        ck_assert_uint_eq(src->device, t->src);
        ck_assert_uint_eq(dst->device, t->dst);
        ck_assert_int_eq(src->kind, OP_COMM);
        ck_assert_int_eq(src->layer, dst->layer);
        ck_assert_uint_eq(src->phase, dst->phase);
    }
    replay_fixture_free(f);
}
END_TEST

START_TEST(every_barrier_joins_all_ranks)
{
    struct replay_fixture *f = replay_fixture_new();
    uint32_t members[4 * REPLAY_LAYERS] = {0};

    ck_assert_int_eq(replay_fixture_build(f), 0);
    ck_assert_uint_eq(f->graph->n_sync_groups, 4 * REPLAY_LAYERS);
    for (uint32_t i = 0; i < f->graph->n_ops; i++)
        if (f->graph->ops[i].kind == OP_SYNC)
            members[f->graph->ops[i].sync_group]++;
    for (int g = 0; g < 4 * REPLAY_LAYERS; g++)
        ck_assert_uint_eq(members[g], REPLAY_RANKS);
    replay_fixture_free(f);
}
END_TEST

/* Logical bytes are payload per node copy: tokens of the reference rank times its
 * nodes. */
START_TEST(logical_bytes_follow_the_routing)
{
    struct replay_fixture *f = replay_fixture_new();

    ck_assert_int_eq(replay_fixture_build(f), 0);
    for (uint32_t i = 0; i < f->trace.n_kernels; i++) {
        bool combine = class_of(f, i) == RC_COMBINE;
        bool dispatch = class_of(f, i) == RC_DISPATCH || class_of(f, i) == RC_DISPATCH_CACHED;
        double copies = f->info.logical_B[i] / (combine ? 14336 : 7392);
        if (!combine && !dispatch) {
            ck_assert_double_eq(f->info.logical_B[i], 0);
            continue;
        }
        ck_assert_double_eq(copies, floor(copies));
        ck_assert_double_ge(copies, 256);
        ck_assert_double_le(copies, 512);
    }
    ck_assert_double_eq(f->info.logical_B[3] / 7392, f->info.logical_B[12] / 14336);
    replay_fixture_free(f);
}
END_TEST

static double mean_wait(double cv, int64_t entry_layers)
{
    struct replay_fixture *f = replay_fixture_new();
    double sum_s = 0;

    f->cfg.routing.rank_load_cv_ratio = cv;
    f->cfg.entry_layers = entry_layers;
    for (uint32_t i = 0; i < f->trace.n_kernels; i++)
        if (f->trace.kernels[i].rows > 0)
            f->trace.kernels[i].rows = 1280; /* 1024, the mean, and padding */
    replay_fixture_run(f);
    for (uint32_t i = 0; i < f->graph->n_ops; i++)
        if (f->graph->ops[i].kind == OP_SYNC)
            sum_s += f->outcome.op_end_s[i] - f->outcome.op_start_s[i];
    replay_fixture_free(f);
    return sum_s / REPLAY_RANKS;
}

START_TEST(waiting_comes_from_skew)
{
    double even_s = mean_wait(0, 0), uneven_s = mean_wait(0.3, 0), entered_s = mean_wait(0.3, 2);

    ck_assert_double_ge(even_s, 8 * 1e-6 * (1 - 1e-9)); /* eight barriers of 1 us at least */
    ck_assert_double_gt(uneven_s, 1.2 * even_s);
    ck_assert_double_gt(entered_s, uneven_s);
}
END_TEST

START_TEST(same_seed_same_graph)
{
    struct replay_fixture *a = replay_fixture_new(), *b = replay_fixture_new();

    ck_assert_int_eq(replay_fixture_build(a), 0);
    ck_assert_int_eq(replay_fixture_build(b), 0);
    ck_assert_uint_eq(a->graph->n_transfers, b->graph->n_transfers);
    for (uint32_t i = 0; i < a->graph->n_ops; i++)
        ck_assert_double_eq(a->graph->ops[i].work_s, b->graph->ops[i].work_s);
    for (uint32_t i = 0; i < a->graph->n_transfers; i++)
        ck_assert_double_eq(a->graph->transfers[i].bytes_B, b->graph->transfers[i].bytes_B);
    b->seed = 2;
    ck_assert_int_eq(replay_fixture_build(b), 0);
    ck_assert_double_ne(op_of(a, 3, 5)->work_s, op_of(b, 3, 5)->work_s);
    replay_fixture_free(a);
    replay_fixture_free(b);
}
END_TEST

/* --- analysis
 * ---------------------------------------------------------------------------------- */

static const struct result_metric *metric(const struct result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return &r->metrics[i];
    ck_abort_msg("no metric %s", name);
}

static const struct result_phase *phase(const struct result *r, const char *name, int layer)
{
    for (uint32_t i = 0; i < r->n_phases; i++)
        if (!strcmp(r->phases[i].name, name) && r->phases[i].layer == layer)
            return &r->phases[i];
    ck_abort_msg("no phase %s %d", name, layer);
}

static struct result analyse(struct replay_fixture *f)
{
    struct result r;

    replay_fixture_run(f);
    replay_analyse(&f->trace, &f->cfg, &f->reading, &f->hw, f->graph, &f->info, &f->outcome, f->arena, &r);
    return r;
}

START_TEST(parts_sum_to_the_makespan)
{
    struct replay_fixture *f = replay_fixture_new();
    struct result r = analyse(f);
    double sum_s = 0;

    for (uint32_t i = 0; i < r.n_parts; i++) {
        ck_assert_double_ge(r.parts[i].value_s, -1e-15);
        sum_s += r.parts[i].value_s;
    }
    ck_assert_double_eq_tol(sum_s, metric(&r, "makespan")->value, 1e-16);
    replay_fixture_free(f);
}
END_TEST

/* By hand from the rows of the fixture, per layer pair of 160 us: compute is active
 * 1-10, 11-40, 41-71, 72-86, 87-99, 100-103, 112-152; communication 0-2, 3-30, 41-46,
 * 47-70, 77-110, 111-145. */
START_TEST(recorded_values_are_those_of_the_trace)
{
    struct replay_fixture *f = replay_fixture_new();
    struct result r = analyse(f);

    ck_assert_double_eq_tol(metric(&r, "makespan")->recorded, 312e-6, 1e-12);
    ck_assert_double_eq_tol(metric(&r, "compute_active")->recorded, 2 * 137e-6, 1e-12);
    ck_assert_double_eq_tol(metric(&r, "comm_active")->recorded, 2 * 124e-6, 1e-12);
    /* 0-1, 10-11 (kernel 3), 86-87, 99-100, 103-110, 111-112 */
    ck_assert_double_eq_tol(metric(&r, "exposed_comm")->recorded, 2 * 12e-6, 1e-12);
    ck_assert_double_eq_tol(metric(&r, "barrier_wait")->recorded, 2 * 17e-6, 1e-12);
    ck_assert_double_eq_tol(phase(&r, "dispatch(F)", 2)->recorded_s, 29e-6, 1e-12);
    ck_assert_double_eq_tol(phase(&r, "combine(B)", 0)->recorded_s, 30e-6, 1e-12);
    ck_assert_double_eq_tol(metric(&r, "combine_b_wall")->recorded, 30e-6, 1e-12);
    ck_assert_str_eq(phase(&r, "mlp(W)", 1)->lane, "compute");
    replay_fixture_free(f);
}
END_TEST

START_TEST(recorded_replay_analyses_to_recorded_values)
{
    struct replay_fixture *f = replay_fixture_new();

    f->cfg.comm = REPLAY_RECORDED;
    struct result r = analyse(f);
    for (uint32_t i = 0; i < r.n_metrics; i++)
        ck_assert_double_eq_tol(r.metrics[i].value, r.metrics[i].recorded, 1e-9);
    for (uint32_t i = 0; i < r.n_phases; i++)
        ck_assert_double_eq_tol(r.phases[i].simulated_s, r.phases[i].recorded_s, 1e-9);
    replay_fixture_free(f);
}
END_TEST

/* 40 GB/s of copy rate, one more load in ten for the first dispatch, bound from above
 * by both. */
START_TEST(achieved_bandwidth_is_below_its_limits)
{
    struct replay_fixture *f = replay_fixture_new();
    struct result r = analyse(f);
    double cached = metric(&r, "combine_b_bandwidth")->value;
    double first = metric(&r, "dispatch_f_bandwidth")->value;

    ck_assert_double_gt(cached, 25e9);
    ck_assert_double_le(cached, 40e9);
    ck_assert_double_lt(first, cached);
    ck_assert_double_le(first, 36e9);
    replay_fixture_free(f);
}
END_TEST

/* --- refusals
 * ---------------------------------------------------------------------------------- */

static void refused(struct replay_fixture *f, const char *what)
{
    ck_assert_int_eq(replay_fixture_build(f), -1);
    ck_assert_msg(strstr(diag_text(f->diag), what) != NULL, "%s", diag_text(f->diag));
    replay_fixture_free(f);
}

START_TEST(what_the_trace_does_not_fit_is_refused)
{
    struct replay_fixture *f = replay_fixture_new();

    f->hw.nodes = 3;
    refused(f, "expert parallelism 16");
    f = replay_fixture_new();
    f->cfg.routing.hidden = 5120;
    refused(f, "replay.routing.hidden is 5120");
    f = replay_fixture_new();
    f->hw.ep_kernel.sms = 132;
    refused(f, "nothing is left to compute");
    f = replay_fixture_new();
    f->trace.deps[0] = f->trace.n_kernels - 1;
    refused(f, "out of order");
    f = replay_fixture_new();
    f->trace.n_kernels = 0;
    refused(f, "no kernels");
    f = replay_fixture_new();
    f->trace.rank = 16;
    refused(f, "rank 16");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: replay");
    TCase *tc = tcase_create("replay");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, recorded_communication_gives_the_recording_back);
    tcase_add_test(tc, recorded_communication_needs_no_matching_cluster);
    tcase_add_test(tc, kernels_scale_with_what_bounds_them);
    tcase_add_test(tc, sms_follow_grids);
    tcase_add_test(tc, more_sms_take_more_blocks);
    tcase_add_test(tc, work_is_time_at_the_recorded_share);
    tcase_add_test(tc, only_token_work_differs_between_ranks);
    tcase_add_test(tc, reference_rank_keeps_its_recorded_load);
    tcase_add_test(tc, transfers_belong_to_the_ops_of_their_ends);
    tcase_add_test(tc, every_barrier_joins_all_ranks);
    tcase_add_test(tc, logical_bytes_follow_the_routing);
    tcase_add_test(tc, waiting_comes_from_skew);
    tcase_add_test(tc, same_seed_same_graph);
    tcase_add_test(tc, parts_sum_to_the_makespan);
    tcase_add_test(tc, recorded_values_are_those_of_the_trace);
    tcase_add_test(tc, recorded_replay_analyses_to_recorded_values);
    tcase_add_test(tc, achieved_bandwidth_is_below_its_limits);
    tcase_add_test(tc, what_the_trace_does_not_fit_is_refused);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}
