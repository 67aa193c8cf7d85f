/* The engine against answers worked out by hand: sharing rules, faults, lanes, SM shares, barriers. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "sim_fixture.h"
#include "tap_main.h"

static struct sim_outcome run(struct fixture *f)
{
    struct sim_outcome out;
    int rc = sim_run(&f->spec, f->arena, &out, f->diag);
    ck_assert_msg(rc == 0, "%s", diag_text(f->diag));
    return out;
}

static void same(double got, double want)
{
    ck_assert_double_eq_tol(got, want, 1e-9 * (fabs(want) + 1e-6));
}

/* --- sharing --------------------------------------------------------------------------------------- */

START_TEST(weights_share_in_proportion)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 30e9, .weight = 3};
    fixture_transfer(f, &t, 0, &link, 1);
    t.bytes_B = 10e9, t.weight = 1;
    fixture_transfer(f, &t, 0, &link, 1);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[0], 40.0 / 50);
    same(out.transfer_end_s[1], 40.0 / 50);
    fixture_free(f);
}
END_TEST

START_TEST(priority_is_strict)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 50e9, .weight = 1, .priority = 1};
    fixture_transfer(f, &t, 0, &link, 1);
    t.priority = 0, t.bytes_B = 25e9;
    fixture_transfer(f, &t, 0.5, &link, 1);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[1], 1.0); /* as if alone */
    same(out.transfer_end_s[0], 1.5); /* paused meanwhile */
    fixture_free(f);
}
END_TEST

START_TEST(lower_priority_takes_what_a_capped_flow_leaves)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 20e9, .weight = 1, .cap_Bps = 20e9};
    fixture_transfer(f, &t, 0, &link, 1);
    t = (struct transfer){.src = 0, .dst = 1, .bytes_B = 30e9, .weight = 1, .priority = 2};
    fixture_transfer(f, &t, 0, &link, 1);
    struct sim_outcome out = run(f);
    same(out.transfer_end_s[0], 1);
    same(out.transfer_end_s[1], 1);
    fixture_free(f);
}
END_TEST

START_TEST(capacity_changes_while_running)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    fixture_flow(f, 100e9, 0, &link, 1);
    struct link_event events[] = {{.time_s = 1, .link = 0, .capacity_Bps = 10e9},
                                  {.time_s = 2, .link = 0, .capacity_Bps = 40e9}};
    f->spec.events = events;
    f->spec.n_events = 2;
    same(run(f).transfer_end_s[0], 3); /* 50 + 10 + 40 */
    fixture_free(f);
}
END_TEST

START_TEST(failed_link_is_named_with_its_victim)
{
    struct fixture *f = fixture_new(2, 2);
    uint32_t links[] = {0, 1};
    fixture_flow(f, 100e9, 0, links, 2);
    struct link_event event = {.time_s = 1, .link = 1, .fails = true};
    f->spec.events = &event;
    f->spec.n_events = 1;
    struct sim_outcome out;
    ck_assert_int_eq(sim_run(&f->spec, f->arena, &out, f->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(f->diag), "GPU 0 cannot reach GPU 1"));
    ck_assert_ptr_nonnull(strstr(diag_text(f->diag), "link that failed"));
    ck_assert_int_eq(diag_exit_code(f->diag), EXIT_BAD_INPUT);
    fixture_free(f);
}
END_TEST

START_TEST(no_bandwidth_left_is_an_error_not_a_hang)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    fixture_flow(f, 100e9, 0, &link, 1);
    struct link_event event = {.time_s = 1, .link = 0, .capacity_Bps = 0};
    f->spec.events = &event;
    f->spec.n_events = 1;
    struct sim_outcome out;
    ck_assert_int_eq(sim_run(&f->spec, f->arena, &out, f->diag), -1);
    ck_assert_ptr_nonnull(strstr(diag_text(f->diag), "no progress after 1 s"));
    fixture_free(f);
}
END_TEST

/* 64 flows share a wide link behind eight narrow ones: the wide link sleeps, the classes merge, and
 * nothing moves. The checked run verifies capacity and fairness on full paths at every event. */
START_TEST(sleeping_links_change_nothing)
{
    for (int wide_sleeps = 0; wide_sleeps < 2; wide_sleeps++) {
        struct fixture *f = fixture_new(9, 2);
        f->topo.links[8].capacity_Bps = wide_sleeps ? 1e13 : 401e9;
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t links[] = {8, i % 8};
            fixture_flow(f, 1e9 * (1 + i), 0, links, 2);
        }
        struct sim_outcome out = run(f);
        double all_B = 0;
        for (uint32_t i = 7; i < 256; i += 8)
            all_B += 1e9 * (1 + i);
        same(out.transfer_end_s[255], all_B / 50e9);
        fixture_free(f);
    }
}
END_TEST

START_TEST(priorities_and_caps_pass_the_checks)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 77 + (unsigned long)_i);
    struct fixture_options o = {
        .max_links = 15, .max_transfers = 120, .weights = true, .caps = true, .priorities = true, .latencies = true};
    struct fixture *f = fixture_random(rng, &o);
    run(f);
    fixture_free(f);
    gsl_rng_free(rng);
}
END_TEST

/* With an epsilon ends move by at most about that share of a flow's time. */
START_TEST(epsilon_error_is_bounded)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    gsl_rng_set(rng, 5);
    struct fixture_options o = {.max_links = 12, .max_transfers = 200};
    for (int i = 0; i < 20; i++) {
        struct fixture *f = fixture_random(rng, &o);
        struct sim_outcome exact = run(f);
        f->spec.epsilon = 1e-3;
        f->spec.checked = false; /* the checks are for exact solutions */
        struct sim_outcome merged = run(f);
        for (uint32_t k = 0; k < f->graph->n_transfers; k++)
            ck_assert_double_eq_tol(merged.transfer_end_s[k], exact.transfer_end_s[k], 1e-2 * exact.transfer_end_s[k]);
        fixture_free(f);
    }
    gsl_rng_free(rng);
}
END_TEST

START_TEST(bound_is_the_busiest_link_of_an_op)
{
    struct fixture *f = fixture_new(2, 3);
    uint32_t l0 = 0, l1 = 1;
    struct op op = {.kind = OP_COMM, .lane = opgraph_lane(f->graph), .sync_group = OP_NONE};
    op.name = op.class_name = op.phase = opgraph_string(f->graph, "send");
    uint32_t id = opgraph_add(f->graph, &op);
    for (uint32_t i = 0; i < 3; i++) {
        struct transfer t = {.src_op = id, .dst_op = id, .src = 0, .dst = 1, .weight = 1};
        t.bytes_B = 10e9;
        t.pinned = i + 1;
        uint32_t k = opgraph_transfer(f->graph, &t);
        f->paths[k][0] = 1;
        f->paths[k][1] = i < 2 ? l0 : l1;
    }
    f->spec.net = NET_BOUND;
    same(run(f).makespan_s, 20.0 / 50);
    fixture_free(f);
}
END_TEST

START_TEST(same_run_same_bits)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    struct fixture_options o = {.max_links = 12, .max_transfers = 200, .latencies = true};
    struct fixture *f = fixture_random(rng, &o);
    struct sim_outcome a = run(f), b = run(f);
    ck_assert_mem_eq(a.transfer_end_s, b.transfer_end_s, f->graph->n_transfers * sizeof(double));
    fixture_free(f);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(watched_links_report_their_load)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0;
    fixture_flow(f, 50e9, 0, &link, 1);
    f->spec.watch = &link;
    f->spec.n_watch = 1;
    struct sim_outcome out = run(f);
    ck_assert_uint_eq(out.n_samples, 2);
    same(out.samples[0].load_Bps, 50e9);
    same(out.samples[1].load_Bps, 0);
    same(out.samples[1].time_s, 1);
    fixture_free(f);
}
END_TEST

/* --- lanes, SMs, barriers -------------------------------------------------------------------------- */

static struct op compute(struct fixture *f, uint32_t lane, double work_s)
{
    uint32_t name = opgraph_string(f->graph, "compute");
    return (struct op){.kind = OP_COMPUTE,
                       .lane = lane,
                       .work_s = work_s,
                       .name = name,
                       .class_name = name,
                       .phase = name,
                       .sync_group = OP_NONE};
}

START_TEST(lanes_are_serial_and_dependencies_hold)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t a = opgraph_lane(f->graph), b = opgraph_lane(f->graph);
    struct op op = compute(f, a, 1);
    uint32_t a1 = opgraph_add(f->graph, &op);
    op.lead_s = 0.25;
    uint32_t a2 = opgraph_add(f->graph, &op);
    op = compute(f, b, 3);
    uint32_t b1 = opgraph_add(f->graph, &op);
    opgraph_dep(f->graph, a1, b1);
    struct sim_outcome out = run(f);
    same(out.op_start_s[a2], 1.25);
    same(out.op_end_s[a2], 2.25);
    same(out.op_start_s[b1], 1);
    same(out.makespan_s, 4);
    fixture_free(f);
}
END_TEST

START_TEST(overlapping_kernels_share_sms)
{
    struct fixture *f = fixture_new(1, 2);
    struct op op = compute(f, opgraph_lane(f->graph), 1);
    op.sm_ref = op.sm_max = 132;
    uint32_t a = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.work_s = 2;
    uint32_t b = opgraph_add(f->graph, &op);
    struct sim_outcome out = run(f);
    same(out.op_end_s[a], 2); /* half of the SMs */
    same(out.op_end_s[b], 3); /* 1 done at 2, then alone */
    fixture_free(f);
}
END_TEST

/* a alone takes 1 s; from b's start on they share: a has 0.4 s of work left, which takes 0.8 s. c follows another
 * share of a, out of order in the graph, and is small enough not to matter. */
START_TEST(early_dependencies_are_milestones_of_work)
{
    struct fixture *f = fixture_new(1, 2);
    struct op op = compute(f, opgraph_lane(f->graph), 1);
    op.sm_ref = op.sm_max = 132;
    uint32_t a = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.work_s = 2;
    uint32_t b = opgraph_add(f->graph, &op);
    op = compute(f, opgraph_lane(f->graph), 0.25);
    uint32_t c = opgraph_add(f->graph, &op);
    opgraph_early_dep(f->graph, a, c, 0.8);
    opgraph_early_dep(f->graph, a, b, 0.6);
    struct sim_outcome out = run(f);
    same(out.op_start_s[b], 0.6);
    same(out.op_start_s[c], 1.0); /* 0.2 more of a at half speed */
    same(out.op_end_s[a], 1.4);
    same(out.op_end_s[b], 3);
    fixture_free(f);
}
END_TEST

/* b finds a at work when it could start and lets it get to half, then takes 0.25 s; c finds nothing any more. d would
 * find b, which is not there yet, but about to be. */
START_TEST(queue_dependencies_hold_while_the_other_is_at_work)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t id[4];
    double lead_s[] = {0, 0.5, 5, 0.25}, work_s[] = {4, 1, 1, 1};
    for (int i = 0; i < 4; i++) {
        struct op op = compute(f, opgraph_lane(f->graph), work_s[i]);
        op.lead_s = lead_s[i];
        id[i] = opgraph_add(f->graph, &op);
    }
    opgraph_queue_dep(f->graph, &(struct queue_dep){id[0], id[1], 0.5, 0.25, 0, 132});
    opgraph_queue_dep(f->graph, &(struct queue_dep){id[0], id[2], 1, 0.25, 0, 132});
    opgraph_queue_dep(f->graph, &(struct queue_dep){id[1], id[3], 1, 0.125, 0.3, 132});
    struct sim_outcome out = run(f);
    same(out.op_start_s[id[1]], 2.25);
    same(out.op_start_s[id[2]], 5);
    same(out.op_start_s[id[3]], 3.375);
    fixture_free(f);
}
END_TEST

/* a has 112 of 132 SMs: b, which waited when none was free, starts on the rest at once. */
START_TEST(queue_dependencies_are_void_where_sms_are_free)
{
    struct fixture *f = fixture_new(1, 2);
    struct op op = compute(f, opgraph_lane(f->graph), 2);
    op.sm_ref = op.sm_max = 112;
    uint32_t a = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.lead_s = 1;
    uint32_t b = opgraph_add(f->graph, &op);
    opgraph_queue_dep(f->graph, &(struct queue_dep){a, b, 1, 0, 0, 0});
    same(run(f).op_start_s[b], 1);
    f->graph->queue[0].free_sms = 20;
    same(run(f).op_start_s[b], 2);
    fixture_free(f);
}
END_TEST

/* Each would wait for the other: the first that asks waits. */
START_TEST(queues_do_not_wait_for_each_other)
{
    struct fixture *f = fixture_new(1, 2);
    struct op op = compute(f, opgraph_lane(f->graph), 2);
    op.lead_s = 1;
    uint32_t a = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    uint32_t b = opgraph_add(f->graph, &op);
    opgraph_queue_dep(f->graph, &(struct queue_dep){b, a, 1, 0, 9, 132});
    opgraph_queue_dep(f->graph, &(struct queue_dep){a, b, 1, 0, 9, 132});
    struct sim_outcome out = run(f);
    same(out.op_start_s[b], 1);
    same(out.op_start_s[a], 3);
    fixture_free(f);
}
END_TEST

/* Kernels that no SMs limit, communication as long as recorded, and a barrier, which has no work of its own. */
START_TEST(early_dependencies_of_every_kind)
{
    struct fixture *f = fixture_new(1, 2);
    struct op op = compute(f, opgraph_lane(f->graph), 2);
    uint32_t before[3], after[3];
    before[0] = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.kind = OP_COMM;
    before[1] = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.kind = OP_SYNC;
    op.sync_group = opgraph_sync_group(f->graph);
    before[2] = opgraph_add(f->graph, &op);
    op.lane = opgraph_lane(f->graph);
    op.lead_s = 1; /* arrives last: from then on its share counts */
    opgraph_add(f->graph, &op);
    for (int i = 0; i < 3; i++) {
        op = compute(f, opgraph_lane(f->graph), 1);
        op.lead_s = 0.125;
        after[i] = opgraph_add(f->graph, &op);
        opgraph_early_dep(f->graph, before[i], after[i], 0.25);
    }
    struct sim_outcome out = run(f);
    same(out.op_start_s[after[0]], 0.625);
    same(out.op_start_s[after[1]], 0.625);
    same(out.op_start_s[after[2]], 1.625);
    fixture_free(f);
}
END_TEST

START_TEST(communication_takes_its_sms)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0, lane = opgraph_lane(f->graph);
    struct op op = compute(f, lane, 1);
    op.sm_ref = op.sm_max = 132;
    uint32_t id = opgraph_add(f->graph, &op);
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 25e9, .weight = 1};
    uint32_t k = fixture_transfer(f, &t, 0, &link, 1);
    f->graph->ops[f->graph->transfers[k].src_op].sm_hold = 66;
    struct sim_outcome out = run(f);
    /* half speed for 0.5 s, then full speed */
    same(out.op_end_s[id], 1.25);
    fixture_free(f);
}
END_TEST

/* Memory's bandwidth is shared as links are: whoever asks for little gets it. */
START_TEST(communication_takes_its_memory)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0, ids[2];
    for (int i = 0; i < 2; i++) {
        struct op op = compute(f, opgraph_lane(f->graph), 1);
        op.memory = i ? 0.8F : 0.25F;
        ids[i] = opgraph_add(f->graph, &op);
    }
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 25e9, .weight = 1};
    uint32_t k = fixture_transfer(f, &t, 0, &link, 1);
    f->graph->ops[f->graph->transfers[k].src_op].memory = 0.5F;
    struct sim_outcome out = run(f);
    same(out.op_end_s[ids[0]], 1);
    /* 0.25 of 0.8 for half a second, then 0.75 until the other is done, then all of it */
    ck_assert_double_eq_tol(out.op_end_s[ids[1]], 1 + (1 - 0.5 * 0.25 / 0.8 - 0.5 * 0.75 / 0.8), 1e-6);
    fixture_free(f);
}
END_TEST

START_TEST(small_kernel_does_not_notice)
{
    struct fixture *f = fixture_new(1, 2);
    uint32_t link = 0, lane = opgraph_lane(f->graph);
    struct op op = compute(f, lane, 1);
    op.sm_ref = op.sm_max = 112;
    uint32_t id = opgraph_add(f->graph, &op);
    struct transfer t = {.src = 0, .dst = 1, .bytes_B = 25e9, .weight = 1};
    uint32_t k = fixture_transfer(f, &t, 0, &link, 1);
    f->graph->ops[f->graph->transfers[k].src_op].sm_hold = 20;
    same(run(f).op_end_s[id], 1);
    fixture_free(f);
}
END_TEST

START_TEST(barrier_waits_for_the_last)
{
    struct fixture *f = fixture_new(1, 3);
    uint32_t group = opgraph_sync_group(f->graph), ids[3];
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t lane = opgraph_lane(f->graph);
        struct op op = compute(f, lane, i + 1);
        opgraph_add(f->graph, &op);
        op = compute(f, lane, 0.5);
        op.kind = OP_SYNC;
        op.device = i;
        op.sync_group = group;
        ids[i] = opgraph_add(f->graph, &op);
    }
    struct sim_outcome out = run(f);
    for (uint32_t i = 0; i < 3; i++) {
        same(out.op_start_s[ids[i]], i + 1);
        same(out.op_end_s[ids[i]], 3.5);
    }
    fixture_free(f);
}
END_TEST

/* The receiver comes 2 s late; a plain transfer would be through by then. */
START_TEST(rendezvous_waits_for_both)
{
    for (int receiver_late = 0; receiver_late < 2; receiver_late++) {
        struct fixture *f = fixture_new(1, 2);
        uint32_t ids[2];
        for (uint32_t i = 0; i < 2; i++) {
            struct op op = compute(f, opgraph_lane(f->graph), i == (uint32_t)receiver_late ? 2 : 0.5);
            opgraph_add(f->graph, &op);
            op = compute(f, op.lane, 0.25);
            op.kind = OP_COMM;
            op.device = i;
            ids[i] = opgraph_add(f->graph, &op);
        }
        opgraph_transfer(
            f->graph,
            &(struct transfer){.src_op = ids[0], .dst_op = ids[1], .bytes_B = 1, .weight = 1, .rendezvous = true});
        struct sim_outcome out = run(f);
        same(out.op_start_s[ids[!receiver_late]], 0.5);
        same(out.transfer_start_s[0], 2);
        ck_assert_double_ge(out.op_end_s[ids[0]], 2);
        ck_assert_double_ge(out.op_end_s[ids[1]], 2);
        fixture_free(f);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sim_engine");
    TCase *t = tcase_create("sharing");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, weights_share_in_proportion);
    tcase_add_test(t, priority_is_strict);
    tcase_add_test(t, lower_priority_takes_what_a_capped_flow_leaves);
    tcase_add_test(t, capacity_changes_while_running);
    tcase_add_test(t, failed_link_is_named_with_its_victim);
    tcase_add_test(t, no_bandwidth_left_is_an_error_not_a_hang);
    tcase_add_test(t, sleeping_links_change_nothing);
    tcase_add_loop_test(t, priorities_and_caps_pass_the_checks, 0, 40);
    tcase_add_test(t, epsilon_error_is_bounded);
    tcase_add_test(t, bound_is_the_busiest_link_of_an_op);
    tcase_add_test(t, same_run_same_bits);
    tcase_add_test(t, watched_links_report_their_load);
    suite_add_tcase(s, t);
    t = tcase_create("ops");
    tcase_add_test(t, lanes_are_serial_and_dependencies_hold);
    tcase_add_test(t, overlapping_kernels_share_sms);
    tcase_add_test(t, early_dependencies_are_milestones_of_work);
    tcase_add_test(t, early_dependencies_of_every_kind);
    tcase_add_test(t, queue_dependencies_hold_while_the_other_is_at_work);
    tcase_add_test(t, queues_do_not_wait_for_each_other);
    tcase_add_test(t, queue_dependencies_are_void_where_sms_are_free);
    tcase_add_test(t, communication_takes_its_sms);
    tcase_add_test(t, communication_takes_its_memory);
    tcase_add_test(t, small_kernel_does_not_notice);
    tcase_add_test(t, barrier_waits_for_the_last);
    tcase_add_test(t, rendezvous_waits_for_both);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
