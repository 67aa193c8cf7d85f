/* Op graph: interned strings, growth, and the check that no run can get stuck. */
#include <check.h>
#include <stdio.h>

#include "base/diag.h"
#include "models/opgraph.h"
#include "tap_main.h"

static uint32_t add(struct opgraph *g, uint8_t kind, uint32_t lane, uint32_t group)
{
    uint32_t text = opgraph_string(g, "x");

    return opgraph_add(g, &(struct op){.kind = kind,
                                       .lane = lane,
                                       .sync_group = group,
                                       .work_s = 1,
                                       .name = text,
                                       .class_name = text,
                                       .phase = text});
}

START_TEST(strings_are_interned)
{
    struct opgraph *g = opgraph_new(1);
    char text[32];

    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "kernel %d", i);
        ck_assert_uint_eq(opgraph_string(g, text), (uint32_t)i);
    }
    ck_assert_uint_eq(opgraph_string(g, "kernel 17"), 17);
    ck_assert_str_eq(g->strings[4999], "kernel 4999");
    ck_assert_uint_eq(g->n_strings, 5000);
    opgraph_free(g);
}
END_TEST

START_TEST(empty_and_plain_graphs_pass)
{
    struct opgraph *g = opgraph_new(1);

    opgraph_check(g);
    uint32_t lane = opgraph_lane(g), other = opgraph_lane(g);
    uint32_t a = add(g, OP_COMPUTE, lane, OP_NONE), b = add(g, OP_COMM, other, OP_NONE);
    opgraph_dep(g, a, b);
    opgraph_transfer(g, &(struct transfer){.src_op = b, .dst_op = b, .bytes_B = 1, .weight = 1});
    opgraph_check(g);
    opgraph_free(g);
}
END_TEST

START_TEST(dependency_against_lane_order_is_a_bug)
{
    struct opgraph *g = opgraph_new(1);
    uint32_t lane = opgraph_lane(g);
    uint32_t first = add(g, OP_COMPUTE, lane, OP_NONE), second = add(g, OP_COMPUTE, lane, OP_NONE);

    opgraph_dep(g, second, first);
    opgraph_check(g);
}
END_TEST

START_TEST(barrier_that_waits_for_its_own_end_is_a_bug)
{
    struct opgraph *g = opgraph_new(1);
    uint32_t group = opgraph_sync_group(g);
    uint32_t here = add(g, OP_SYNC, opgraph_lane(g), group);
    uint32_t there = add(g, OP_SYNC, opgraph_lane(g), group);

    opgraph_dep(g, here, there);
    opgraph_check(g);
}
END_TEST

START_TEST(two_transfers_that_wait_for_each_other_are_a_bug)
{
    struct opgraph *g = opgraph_new(1);
    uint32_t here = opgraph_lane(g), there = opgraph_lane(g);
    uint32_t a = add(g, OP_COMM, here, OP_NONE), a2 = add(g, OP_COMM, here, OP_NONE);
    uint32_t b = add(g, OP_COMM, there, OP_NONE), b2 = add(g, OP_COMM, there, OP_NONE);

    /* a ends when b2 has sent, b when a2 has: neither second op ever starts */
    opgraph_transfer(g, &(struct transfer){.src_op = b2, .dst_op = a, .bytes_B = 1, .weight = 1});
    opgraph_transfer(g, &(struct transfer){.src_op = a2, .dst_op = b, .bytes_B = 1, .weight = 1});
    opgraph_check(g);
}
END_TEST

/* Two ranks that both send before they receive: fine for buffers, a deadlock for rendezvous. */
static void cross_sends(bool rendezvous)
{
    struct opgraph *g = opgraph_new(1);
    uint32_t here = opgraph_lane(g), there = opgraph_lane(g);
    uint32_t a = add(g, OP_COMM, here, OP_NONE), a2 = add(g, OP_COMM, here, OP_NONE);
    uint32_t b = add(g, OP_COMM, there, OP_NONE), b2 = add(g, OP_COMM, there, OP_NONE);
    struct transfer t = {.src_op = a, .dst_op = b2, .bytes_B = 1, .weight = 1, .rendezvous = rendezvous};

    opgraph_transfer(g, &t);
    t.src_op = b;
    t.dst_op = a2;
    opgraph_transfer(g, &t);
    opgraph_check(g);
    opgraph_free(g);
}

START_TEST(sends_before_receives_need_buffers)
{
    cross_sends(false);
}
END_TEST

START_TEST(sends_before_receives_by_rendezvous_are_a_bug)
{
    cross_sends(true);
}
END_TEST

START_TEST(transfer_of_a_compute_op_is_a_bug)
{
    struct opgraph *g = opgraph_new(1);
    uint32_t a = add(g, OP_COMPUTE, opgraph_lane(g), OP_NONE);

    opgraph_transfer(g, &(struct transfer){.src_op = a, .dst_op = a, .bytes_B = 1, .weight = 1});
    opgraph_check(g);
}
END_TEST

START_TEST(negative_work_is_a_bug)
{
    struct opgraph *g = opgraph_new(1);

    uint32_t op = add(g, OP_COMPUTE, opgraph_lane(g), OP_NONE);
    g->ops[op].work_s = -1;
    opgraph_check(g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models: op graph");
    TCase *tc = tcase_create("opgraph");

    tcase_add_test(tc, strings_are_interned);
    tcase_add_test(tc, empty_and_plain_graphs_pass);
    tcase_add_exit_test(tc, dependency_against_lane_order_is_a_bug, EXIT_BUG);
    tcase_add_exit_test(tc, barrier_that_waits_for_its_own_end_is_a_bug, EXIT_BUG);
    tcase_add_exit_test(tc, two_transfers_that_wait_for_each_other_are_a_bug, EXIT_BUG);
    tcase_add_test(tc, sends_before_receives_need_buffers);
    tcase_add_exit_test(tc, sends_before_receives_by_rendezvous_are_a_bug, EXIT_BUG);
    tcase_add_exit_test(tc, transfer_of_a_compute_op_is_a_bug, EXIT_BUG);
    tcase_add_exit_test(tc, negative_work_is_a_bug, EXIT_BUG);
    suite_add_tcase(suite, tc);
    return tap_main(suite);
}
