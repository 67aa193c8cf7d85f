/* The packet model against closed forms, conservation laws and the fluid network. Most
 * cases run on one switch with n hosts: link i leaves host i, link n + i enters it. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sim/packet/calendar.h"
#include "sim/packet/switch_model.h"
#include "tap_main.h"

enum { MTU = 4096, HEADER = 26, FULL = MTU + HEADER };
static const double RATE = 48e9, PIPE = 0.4e-6, WIRE = 20e-9, KIB = 1024, MIB = 1048576;

static struct hw_packet plain_hw(void)
{
    return (struct hw_packet){.flow_control = FLOW_CONTROL_CREDITS,
                              .buffer_B = 2e6,
                              .xoff_B = 256 * KIB,
                              .xon_B = 240 * KIB,
                              .headroom_B = 128 * KIB,
                              .qp_xoff_B = 64 * KIB,
                              .credits_B = 128 * KIB,
                              .control_s = 0.2e-6,
                              .ecn_min_B = 200e3,
                              .ecn_max_B = 800e3,
                              .ecn_probability_ratio = 0.2,
                              .reorder_buffer_B = MIB,
                              .reorder_window = 256,
                              .timeout_s = 320e-6,
                              .llr_s = 0.2e-6,
                              .dcqcn = {1.0 / 256, 50e-6, 55e-6, 55e-6, 10e6, 5, 10e6, 100e6, 125e6},
                              .rtt = {2e-6, 1, 0.8, 0.5}};
}

struct bench {
    uint32_t n; /* hosts */
    struct switch_net *net;
    struct switch_end *ends; /* by cookie */
    uint32_t n_messages, cap;
    double now_s;
};

static struct bench star(uint32_t n, const struct hw_packet *hw)
{
    struct switch_link *links = calloc(2 * n, sizeof *links);
    double *buffer_B = calloc(n + 1, sizeof *buffer_B);
    for (uint32_t i = 0; i < n; i++) {
        links[i] = (struct switch_link){RATE, 0, WIRE, n, true, false, true};
        links[n + i] = (struct switch_link){RATE, PIPE, WIRE, i, false, true, true};
    }
    buffer_B[n] = n * hw->buffer_B;
    struct switch_config c = {2 * n, n + 1, links, buffer_B, *hw, MTU, HEADER, 7};
    struct bench b = {.n = n, .net = switch_net_new(&c)};
    free(links);
    free(buffer_B);
    return b;
}

/* Two switches joined by k cables: host i < n / 2 on the first one. Links 2n .. 2n + k
 * - 1 lead to the second. */
static struct bench barbell(uint32_t n, uint32_t k, const struct hw_packet *hw)
{
    struct switch_link *links = calloc(2 * n + k, sizeof *links);
    double *buffer_B = calloc(n + 2, sizeof *buffer_B);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = n + (i >= n / 2);
        links[i] = (struct switch_link){RATE, 0, WIRE, at, true, false, true};
        links[n + i] = (struct switch_link){RATE, PIPE, WIRE, i, false, true, true};
    }
    for (uint32_t i = 0; i < k; i++)
        links[2 * n + i] = (struct switch_link){RATE, PIPE, WIRE, n + 1, false, false, true};
    buffer_B[n] = buffer_B[n + 1] = n * hw->buffer_B;
    struct switch_config c = {2 * n + k, n + 2, links, buffer_B, *hw, MTU, HEADER, 7};
    struct bench b = {.n = n, .net = switch_net_new(&c)};
    free(links);
    free(buffer_B);
    return b;
}

static void put(struct bench *b, double at_s, uint32_t paths, double bytes_B, uint8_t priority,
                enum switch_choice choice)
{
    struct switch_message m = {.paths = paths,
                               .choice = choice,
                               .bytes_B = bytes_B,
                               .begin_s = at_s - b->now_s,
                               .priority = priority,
                               .cookie = b->n_messages};
    if (b->n_messages == b->cap) {
        b->cap = 2 * b->cap + 64;
        b->ends = realloc(b->ends, b->cap * sizeof *b->ends);
    }
    b->ends[b->n_messages++] = (struct switch_end){.time_s = NAN};
    switch_net_start(b->net, b->now_s, &m);
}

static uint32_t pair(struct bench *b, uint32_t src, uint32_t dst)
{
    uint32_t length = 2, links[] = {src, b->n + dst};
    return switch_net_paths(b->net, 1, &length, links);
}

static void send(struct bench *b, double at_s, uint32_t src, uint32_t dst, double bytes_B)
{
    put(b, at_s, pair(b, src, dst), bytes_B, 0, SWITCH_IN_TURN);
}

/* Across the barbell over cables [from, from + k). */
static uint32_t across(struct bench *b, uint32_t src, uint32_t dst, uint32_t from, uint32_t k)
{
    uint32_t lengths[SWITCH_MAX_PATHS], links[3 * SWITCH_MAX_PATHS];
    for (uint32_t i = 0; i < k; i++) {
        lengths[i] = 3;
        links[3 * i] = src;
        links[3 * i + 1] = 2 * b->n + from + i;
        links[3 * i + 2] = b->n + dst;
    }
    return switch_net_paths(b->net, k, lengths, links);
}

static void run_until(struct bench *b, double until_s)
{
    struct switch_end e;
    for (;;) {
        double t = switch_net_run(b->net, b->now_s, until_s);
        if (t >= until_s)
            break;
        b->now_s = t;
        while (switch_net_ended(b->net, b->now_s, &e))
            b->ends[e.cookie] = e;
    }
}

static uint32_t n_open(const struct bench *b)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < b->n_messages; i++)
        open += isnan(b->ends[i].time_s) != 0;
    return open;
}

/* What came in has gone out, is lost, or is there. */
static void check_conservation(struct bench *b)
{
    struct switch_totals t = switch_net_totals(b->net);
    ck_assert_uint_eq(t.sent, t.delivered + t.dropped + t.corrupted + t.cut + t.in_network);
    ck_assert_uint_eq(t.delivered, t.accepted + t.discarded + t.duplicates);
}

/* All messages end; returns when the last one does. */
static double finish(struct bench *b)
{
    uint64_t packets = 0;
    double last_s = 0;
    run_until(b, 10);
    ck_assert_uint_eq(n_open(b), 0);
    for (uint32_t i = 0; i < b->n_messages; i++) {
        packets += b->ends[i].packets;
        last_s = fmax(last_s, b->ends[i].time_s);
    }
    ck_assert_uint_eq(switch_net_totals(b->net).accepted, packets);
    check_conservation(b);
    return last_s;
}

static void end(struct bench *b)
{
    switch_net_free(b->net);
    free(b->ends);
}

static void near(double got, double want, double relative)
{
    ck_assert_msg(fabs(got / want - 1) <= relative, "got %.9g, wanted %.9g within %g", got, want, relative);
}

/* --- the calendar ----------------------------------------------------------------- */

START_TEST(calendar_hands_out_in_order)
{
    enum { N = 20000 };
    struct calendar c;
    struct calendar_event e;
    gsl_rng *rng = rng_stream(1, 0, "calendar");
    uint64_t before_ps = 0;
    uint32_t added = 0, taken = 0, last = 0;
    calendar_init(&c, 1000000, 64);
    while (taken < N) {
        if (added < N && gsl_rng_uniform(rng) < 0.6) {
            /* ties, near ones and timers far behind the wheel's span */
            uint64_t ahead = gsl_rng_uniform_int(rng, 5) * (uint64_t)(gsl_rng_uniform(rng) < 0.1 ? 70000000 : 777);
            calendar_add(&c, c.now_ps + ahead, added, 0, 0, 0);
            added++;
        } else if (calendar_take(&c, CALENDAR_NEVER - 1, &e)) {
            ck_assert(e.at_ps >= before_ps);
            ck_assert(e.at_ps > before_ps || !taken || e.kind > last || e.at_ps == before_ps);
            before_ps = e.at_ps;
            last = e.kind;
            taken++;
        }
    }
    ck_assert(calendar_next(&c) == CALENDAR_NEVER);
    calendar_free(&c);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(ties_keep_their_order)
{
    struct calendar c;
    struct calendar_event e;
    calendar_init(&c, 1000, 4);
    for (uint32_t i = 0; i < 100; i++)
        calendar_add(&c, i < 50 ? 5000000 : 10, i, 0, 0, 0);
    ck_assert(!calendar_take(&c, 9, &e));
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert(calendar_take(&c, CALENDAR_NEVER - 1, &e));
        ck_assert_uint_eq(e.kind, (i + 50) % 100);
    }
    calendar_free(&c);
}
END_TEST

/* --- time and bandwidth ----------------------------------------------------------- */

START_TEST(an_empty_network_takes_latency_and_bytes)
{
    struct hw_packet hw = plain_hw();
    struct bench b = star(2, &hw);
    send(&b, 0, 0, 1, 16 * MIB);
    near(finish(&b), 2 * WIRE + PIPE + 16 * MIB / RATE, 1e-5);
    end(&b);
    b = star(2, &hw);
    send(&b, 0, 0, 1, 64); /* cut through: its bytes cross the two links at the same time */
    near(finish(&b), 2 * WIRE + PIPE + (64 + HEADER) * (MTU / RATE) / FULL, 1e-3);
    end(&b);
}
END_TEST

START_TEST(a_contended_output_is_never_idle)
{
    for (int fc = FLOW_CONTROL_PFC; fc <= FLOW_CONTROL_CREDITS; fc++)
        for (int q = QUEUE_SHARED_OUTPUT; q <= QUEUE_VOQ_QP; q++) {
            struct hw_packet hw = plain_hw();
            hw.flow_control = fc;
            hw.queueing = q;
            struct bench b = star(9, &hw);
            for (uint32_t i = 1; i < 9; i++)
                send(&b, 0, i, 0, 4 * MIB);
            near(finish(&b), 2 * WIRE + PIPE + 32 * MIB / RATE, 1e-4);
            end(&b);
        }
}
END_TEST

START_TEST(equal_flows_end_together)
{
    struct hw_packet hw = plain_hw();
    for (int q = QUEUE_SHARED_OUTPUT; q <= QUEUE_VOQ_QP; q++) {
        double first_s = INFINITY, last_s;
        hw.queueing = q;
        struct bench b = star(9, &hw);
        for (uint32_t i = 1; i < 9; i++)
            send(&b, 0, i, 0, 4 * MIB);
        last_s = finish(&b);
        for (uint32_t i = 0; i < 8; i++)
            first_s = fmin(first_s, b.ends[i].time_s);
        ck_assert_double_lt(last_s - first_s, 9 * MTU / RATE); /* one round */
        end(&b);
    }
}
END_TEST

START_TEST(classes_are_strict_or_take_turns)
{
    for (int s = SCHEDULE_STRICT; s <= SCHEDULE_ROUND_ROBIN; s++) {
        struct hw_packet hw = plain_hw();
        hw.scheduling = s;
        struct bench b = star(3, &hw);
        put(&b, 0, pair(&b, 1, 0), 8 * MIB, 1, SWITCH_IN_TURN);
        put(&b, 0, pair(&b, 2, 0), 8 * MIB, 0, SWITCH_IN_TURN);
        finish(&b);
        near(b.ends[0].time_s, 2 * WIRE + PIPE + 16 * MIB / RATE, 1e-3);
        near(b.ends[1].time_s, (s == SCHEDULE_STRICT ? 8 : 16) * MIB / RATE, 2e-2);
        end(&b);
    }
}
END_TEST

/* --- closed forms ----------------------------------------------------------------- */

/* Poisson arrivals of full packets from many hosts at one output: M/D/1, mean wait rho
 * / (2 (1 - rho)) services. */
START_TEST(poisson_arrivals_wait_as_in_md1)
{
    enum { HOSTS = 33, N = 60000 };
    static const double loads[] = {0.5, 0.8};
    for (int l = 0; l < 2; l++) {
        struct hw_packet hw = plain_hw();
        hw.credits_B = 1e9;
        double service_s = MTU / RATE, at_s = 0, wait_s = 0, *begin_s = calloc(N, sizeof *begin_s);
        struct bench b = star(HOSTS, &hw);
        gsl_rng *rng = rng_stream(3, (uint64_t)l, "md1");
        for (uint32_t i = 0; i < N; i++) {
            at_s -= service_s / loads[l] * log1p(-gsl_rng_uniform(rng));
            begin_s[i] = at_s;
            send(&b, at_s, 1 + gsl_rng_uniform_int(rng, HOSTS - 1), 0, MTU);
        }
        finish(&b);
        for (uint32_t i = 0; i < N; i++)
            wait_s += b.ends[i].time_s - begin_s[i] - 2 * WIRE - PIPE - service_s;
        /* a packet also waits in its host for the one before it: 1/32 of the load,
         * subtracted as an M/D/1 of its own */
        double own = loads[l] / (HOSTS - 1);
        double want = loads[l] / (2 * (1 - loads[l])) + own / (2 * (1 - own));
        near(wait_s / N / service_s, want, 0.05);
        free(begin_s);
        gsl_rng_free(rng);
        end(&b);
    }
}
END_TEST

/* A link carries no more than its credits per round trip. */
START_TEST(credits_bound_bandwidth)
{
    static const uint32_t packets[] = {1, 2, 4, 7};
    double crossing_s = MTU / RATE;
    for (int i = 0; i < 4; i++) {
        struct hw_packet hw = plain_hw();
        hw.credits_B = packets[i] * FULL + 100;
        struct bench b = star(2, &hw);
        send(&b, 0, 0, 1, 8 * MIB);
        /* there and through the switch, out of its buffer, and the credit back */
        double loop_s = WIRE + PIPE + crossing_s + WIRE + hw.control_s;
        double rate = fmin(RATE, packets[i] * MTU / loop_s);
        near(8 * MIB / finish(&b), rate, 5e-3);
        end(&b);
    }
}
END_TEST

/* First-in first-out inputs under uniform traffic at saturation: 2 - sqrt 2 for many
 * ports, 0.6184 for 8 (Karol, Hluchyj, Morgan, IEEE Trans. Comm. 35, 1987), in slots;
 * queues per output reach nearly all. */
START_TEST(input_queues_block_at_their_heads)
{
    enum { PORTS = 8, EACH = 3000 };
    double throughput[2];
    for (int voq = 0; voq < 2; voq++) {
        struct hw_packet hw = plain_hw();
        hw.queueing = voq ? QUEUE_VOQ_PORT : QUEUE_SHARED_INPUT;
        hw.credits_B = 16 * MIB;
        struct bench b = star(PORTS, &hw);
        gsl_rng *rng = rng_stream(5, 0, "uniform");
        for (uint32_t i = 0; i < PORTS; i++)
            for (uint32_t k = 0; k < EACH; k++)
                send(&b, k * MTU / RATE, i, gsl_rng_uniform_int(rng, PORTS), MTU);
        double until_s = EACH * MTU / RATE;
        run_until(&b, until_s);
        uint64_t sent_B = 0;
        for (uint32_t i = 0; i < PORTS; i++)
            sent_B += switch_net_link_totals(b.net, PORTS + i).sent_B;
        throughput[voq] = (double)sent_B / FULL / (PORTS * EACH);
        gsl_rng_free(rng);
        end(&b);
    }
    near(throughput[0], 0.6184, 0.05);
    ck_assert_double_gt(throughput[1], 0.93);
}
END_TEST

/* One link loses a share p. Go-back-N sends everything since the gap once more, so a
 * loss costs the round trip and the packet; when the repeated packet is lost, too,
 * nobody says so again and the timeout has to pass. */
START_TEST(go_back_n_loses_a_round_trip_per_loss)
{
    static const double losses[] = {1e-4, 1e-3};
    for (int i = 0; i < 2; i++) {
        struct hw_packet hw = plain_hw();
        hw.loss_ratio = losses[i];
        struct bench b = star(2, &hw);
        uint32_t packets = 400000;
        send(&b, 0, 0, 1, (double)packets * MTU);
        double end_s = finish(&b), p = 2 * losses[i], service_s = MTU / RATE; /* two links */
        double rtt_s = switch_net_base_rtt_s(b.net, pair(&b, 0, 1));
        /* the gap shows when the next packet arrives, one crossing later */
        double per_loss_s = rtt_s + service_s + p * (hw.timeout_s + rtt_s);
        near(end_s, packets * service_s + p * packets * per_loss_s, 0.03);
        struct switch_totals t = switch_net_totals(b.net);
        near((double)t.corrupted, p * (double)t.sent, 0.25);
        ck_assert_uint_gt(t.discarded, 0);
        end(&b);
    }
}
END_TEST

START_TEST(selective_retransmission_loses_the_packet_only)
{
    struct hw_packet hw = plain_hw();
    hw.loss_ratio = 1e-3;
    hw.retransmission = RETRANSMIT_SELECTIVE;
    hw.placement = PLACEMENT_OUT_OF_ORDER;
    hw.timeout_s = 1e-3;
    struct bench b = star(2, &hw);
    uint32_t packets = 400000;
    send(&b, 0, 0, 1, (double)packets * MTU);
    double end_s = finish(&b), service_s = MTU / RATE;
    struct switch_totals t = switch_net_totals(b.net);
    ck_assert_uint_eq(t.discarded, 0);
    ck_assert_uint_eq(t.sent, packets + t.retransmitted);
    /* all that was lost once more, and a timeout at the end at most for what was lost
     * twice */
    ck_assert_double_ge(end_s, (packets + t.corrupted) * service_s);
    ck_assert_double_le(end_s, (packets + t.corrupted) * service_s * 1.001 + 3 * hw.timeout_s);
    end(&b);
}
END_TEST

START_TEST(a_link_that_retries_hides_its_errors)
{
    struct hw_packet hw = plain_hw();
    hw.loss_ratio = 1e-3;
    hw.llr = true;
    struct bench b = star(2, &hw);
    uint32_t packets = 400000;
    send(&b, 0, 0, 1, (double)packets * MTU);
    double end_s = finish(&b), service_s = MTU / RATE;
    struct switch_totals t = switch_net_totals(b.net);
    ck_assert_uint_eq(t.retransmitted + t.corrupted + t.timeouts, 0);
    near((double)t.replays, 2 * 1e-3 * packets, 0.1);
    /* the two links stall at different times; credits let them overlap little */
    double stall_s = service_s + 2 * WIRE + hw.llr_s;
    ck_assert_double_ge(end_s, packets * service_s + 0.45 * (double)t.replays * stall_s);
    ck_assert_double_le(end_s, packets * service_s + 1.05 * (double)t.replays * stall_s);
    end(&b);
}
END_TEST

START_TEST(bit_errors_hit_long_packets)
{
    struct hw_packet hw = plain_hw();
    hw.bit_error_ratio = 1e-8;
    struct bench b = star(2, &hw);
    send(&b, 0, 0, 1, 200000.0 * MTU);
    finish(&b);
    struct switch_totals t = switch_net_totals(b.net);
    near((double)t.corrupted, 2 * 8 * FULL * 1e-8 * (double)t.sent, 0.2);
    end(&b);
}
END_TEST

/* --- flow control ----------------------------------------------------------------- */

/* Random messages in bursts: nothing may be lost, whatever the queues. */
START_TEST(lossless_networks_lose_nothing)
{
    for (int fc = FLOW_CONTROL_PFC; fc <= FLOW_CONTROL_CREDITS; fc++)
        for (int q = QUEUE_SHARED_OUTPUT; q <= QUEUE_VOQ_QP; q++)
            for (int cc = CONGESTION_NONE; cc <= CONGESTION_RTT; cc++) {
                struct hw_packet hw = plain_hw();
                hw.flow_control = fc;
                hw.queueing = q;
                hw.congestion_control = cc;
                hw.timeout_s = 1;
                hw.backpressure = q == QUEUE_VOQ_QP ? BACKPRESSURE_QP : BACKPRESSURE_CLASS;
                struct bench b = barbell(8, 2, &hw);
                gsl_rng *rng = rng_stream(11, 0, "bursts");
                for (int i = 0; i < 300; i++) {
                    uint32_t src = gsl_rng_uniform_int(rng, 4), dst = 4 + gsl_rng_uniform_int(rng, 4);
                    double bytes_B = floor(exp(13 * gsl_rng_uniform(rng)));
                    put(&b, 1e-4 * gsl_rng_uniform(rng), across(&b, src, dst, (uint32_t)i % 2, 1), bytes_B,
                        (uint8_t)(i % 3), SWITCH_IN_TURN);
                }
                finish(&b);
                struct switch_totals t = switch_net_totals(b.net);
                ck_assert_uint_eq(t.dropped + t.retransmitted + t.timeouts, 0);
                ck_assert_double_le(t.max_held_B, fc == FLOW_CONTROL_PFC ? hw.xoff_B + hw.headroom_B : hw.credits_B);
                gsl_rng_free(rng);
                end(&b);
            }
}
END_TEST

START_TEST(without_flow_control_switches_drop)
{
    struct hw_packet hw = plain_hw();
    hw.flow_control = FLOW_CONTROL_NONE;
    hw.buffer_B = 100 * KIB;
    struct bench b = star(9, &hw);
    for (uint32_t i = 1; i < 9; i++)
        send(&b, 0, i, 0, MIB);
    finish(&b);
    struct switch_totals t = switch_net_totals(b.net);
    ck_assert_uint_gt(t.dropped, 0);
    ck_assert_uint_gt(t.retransmitted, 0);
    ck_assert_double_le(t.max_queue_B, hw.buffer_B);
    end(&b);
}
END_TEST

START_TEST(a_pause_without_headroom_drops)
{
    struct hw_packet hw = plain_hw();
    hw.flow_control = FLOW_CONTROL_PFC;
    hw.headroom_B = FULL;
    struct bench b = star(9, &hw);
    for (uint32_t i = 1; i < 9; i++)
        send(&b, 0, i, 0, 4 * MIB);
    finish(&b);
    ck_assert_uint_gt(switch_net_totals(b.net).dropped, 0);
    end(&b);
}
END_TEST

/* With a shared pool the limit shrinks as it fills, and each input has headroom of its own: what a pause's round trip
 * brings is enough for all inputs at once, a packet is not. */
START_TEST(a_shared_pool_needs_headroom_per_input)
{
    for (int enough = 0; enough < 2; enough++) {
        struct hw_packet hw = plain_hw();
        hw.flow_control = FLOW_CONTROL_PFC;
        hw.buffer_alpha_ratio = 0.125;
        hw.buffer_B = 64 * KIB;
        hw.headroom_B = enough ? hw.headroom_B : FULL;
        struct bench b = star(9, &hw);
        for (uint32_t i = 1; i < 9; i++)
            send(&b, 0, i, 0, 4 * MIB);
        finish(&b);
        struct switch_totals t = switch_net_totals(b.net);
        ck_assert_uint_gt(t.pauses, 0);
        ck_assert_msg((t.dropped == 0) == (enough != 0), "headroom %g B: %llu dropped", hw.headroom_B,
                      (unsigned long long)t.dropped);
        ck_assert_double_le(t.max_held_B, 0.125 * 9 * hw.buffer_B + hw.headroom_B + FULL);
        end(&b);
    }
}
END_TEST

/* Host 0 takes part in an incast into host 4 and sends to host 5, too. Pauses of the
 * class stop that as well; pauses of queue pairs and rtt control do not. */
static double victim_s(const struct hw_packet *hw)
{
    struct bench b = barbell(10, 4, hw);
    for (uint32_t i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++)
            put(&b, 0, across(&b, i, 5, i, 1), 8 * MIB, 0, SWITCH_IN_TURN);
    put(&b, 20e-6, across(&b, 0, 6, 0, 1), 4 * MIB, 0, SWITCH_IN_TURN);
    finish(&b);
    double s = b.ends[8].time_s - 20e-6;
    end(&b);
    return s;
}

START_TEST(incast_hurts_a_victim_unless_queues_are_apart)
{
    struct hw_packet hw = plain_hw();
    /* the victim's share of its NIC when the incast gets a quarter of a link per
     * sender: three quarters */
    double fair_s = 4 * MIB / (0.75 * RATE);
    hw.credits_B = 256 * KIB; /* more than the incast's QPs may hold */
    for (int fc = FLOW_CONTROL_PFC; fc <= FLOW_CONTROL_CREDITS; fc++) {
        hw.flow_control = fc;
        hw.queueing = QUEUE_SHARED_OUTPUT;
        hw.backpressure = BACKPRESSURE_CLASS;
        /* of its link's packets one in three is the victim's, and incast ones pass at a
         * quarter of the rate */
        ck_assert_double_gt(victim_s(&hw), 3 * fair_s);
        hw.queueing = QUEUE_VOQ_QP;
        ck_assert_double_gt(victim_s(&hw), 2 * fair_s); /* the buffer is still shared */
        hw.backpressure = BACKPRESSURE_QP;
        near(victim_s(&hw), fair_s, 0.15);
    }
    hw = plain_hw();
    hw.congestion_control = CONGESTION_RTT;
    ck_assert_double_lt(victim_s(&hw), 1.6 * fair_s);
}
END_TEST

/* --- congestion control ----------------------------------------------------------- */

START_TEST(rtt_control_keeps_queues_short_and_links_full)
{
    struct hw_packet hw = plain_hw();
    hw.flow_control = FLOW_CONTROL_PFC;
    struct bench b = star(9, &hw);
    for (uint32_t i = 1; i < 9; i++)
        send(&b, 0, i, 0, 8 * MIB);
    finish(&b);
    double without_B = switch_net_link_totals(b.net, 9).mean_queue_B;
    end(&b);
    hw.congestion_control = CONGESTION_RTT;
    b = star(9, &hw);
    for (uint32_t i = 1; i < 9; i++)
        send(&b, 0, i, 0, 8 * MIB);
    near(finish(&b), 64 * MIB / RATE, 0.05);
    struct switch_link_totals t = switch_net_link_totals(b.net, 9);
    ck_assert_double_lt(t.mean_queue_B, 0.15 * without_B);
    near(t.mean_queue_B, hw.rtt.target_s * RATE, 0.6);
    ck_assert_uint_eq(switch_net_totals(b.net).pauses, 0);
    end(&b);
}
END_TEST

/* The first notification halves the rate (alpha is 1): half of the line, less when the
 * next one comes. */
START_TEST(dcqcn_halves_and_recovers)
{
    struct hw_packet hw = plain_hw();
    hw.congestion_control = CONGESTION_DCQCN;
    hw.flow_control = FLOW_CONTROL_PFC;
    hw.xoff_B = 1e6, hw.xon_B = 0.9e6, hw.buffer_B = 4e6;
    hw.ecn_min_B = 50e3, hw.ecn_max_B = 51e3;
    struct bench b = star(3, &hw);
    send(&b, 0, 1, 0, 64 * MIB);
    send(&b, 0, 2, 0, 64 * KIB); /* makes the queue that marks; then the other is alone */
    finish(&b);
    struct switch_totals t = switch_net_totals(b.net);
    ck_assert_uint_gt(t.marked, 0);
    ck_assert_uint_ge(t.notified, 1);
    ck_assert_uint_le(t.notified, 3);
    /* five steps of fast recovery, 55 us each, bring it back: 55 us * (1/2 + 1/4 + ...)
     * are lost per notification */
    double lost_s = b.ends[0].time_s - 64 * MIB / RATE - 64 * KIB / RATE;
    ck_assert_double_gt(lost_s, 0.5 * 55e-6);
    ck_assert_double_lt(lost_s, 4 * 55e-6);
    end(&b);
}
END_TEST

/* Long flows converge to equal shares, however they began, and fill most of the
 * link. */
START_TEST(controlled_flows_converge)
{
    for (int cc = CONGESTION_DCQCN; cc <= CONGESTION_RTT; cc++) {
        struct hw_packet hw = plain_hw();
        hw.congestion_control = cc;
        hw.flow_control = FLOW_CONTROL_PFC;
        hw.ecn_min_B = 100e3, hw.ecn_max_B = 400e3;
        struct bench b = star(4, &hw);
        for (uint32_t i = 1; i < 4; i++)
            send(&b, (i - 1) * 200e-6, i, 0, 256 * MIB);
        double end_s = finish(&b), sum = 0, squares = 0;
        for (uint32_t i = 0; i < 3; i++) {
            double rate = 256 * MIB / (b.ends[i].time_s - i * 200e-6);
            sum += rate;
            squares += rate * rate;
        }
        ck_assert_double_gt(sum * sum / (3 * squares), cc == CONGESTION_DCQCN ? 0.95 : 0.99);
        /* DCQCN takes milliseconds to grow back after its first cuts */
        double most_s = (cc == CONGESTION_DCQCN ? 1.4 : 1.05) * 768 * MIB / RATE;
        ck_assert_double_lt(end_s, most_s);
        end(&b);
    }
}
END_TEST

/* --- order ------------------------------------------------------------------------ */

/* Two senders in one leaf spray over two cables beside a third flow that loads one of
 * them. */
static struct bench sprayed(const struct hw_packet *hw, enum switch_choice choice)
{
    struct bench b = barbell(8, 2, hw);
    put(&b, 0, across(&b, 0, 4, 0, 2), 4 * MIB, 0, choice);
    put(&b, 0, across(&b, 1, 5, 0, 1), 2 * MIB, 0, SWITCH_IN_TURN);
    finish(&b);
    return b;
}

START_TEST(spraying_reorders_and_placement_decides)
{
    struct hw_packet hw = plain_hw();
    hw.placement = PLACEMENT_OUT_OF_ORDER;
    hw.retransmission = RETRANSMIT_SELECTIVE;
    struct bench b = sprayed(&hw, SWITCH_IN_TURN);
    double placed_s = b.ends[0].time_s;
    ck_assert_uint_gt(b.ends[0].reordered, 0);
    ck_assert_uint_gt(b.ends[0].reorder_extent, 0);
    ck_assert_uint_eq(switch_net_totals(b.net).retransmitted, 0);
    end(&b);
    hw.placement = PLACEMENT_HOLD;
    b = sprayed(&hw, SWITCH_IN_TURN);
    ck_assert_double_eq(b.ends[0].time_s, placed_s); /* a reorder buffer that is large enough costs nothing */
    end(&b);
    hw.placement = PLACEMENT_IN_ORDER;
    hw.retransmission = RETRANSMIT_GO_BACK_N;
    b = sprayed(&hw, SWITCH_IN_TURN);
    ck_assert_double_gt(b.ends[0].time_s, 1.5 * placed_s);
    ck_assert_uint_gt(switch_net_totals(b.net).discarded, 0);
    end(&b);
}
END_TEST

START_TEST(a_small_reorder_buffer_discards)
{
    struct hw_packet hw = plain_hw();
    hw.placement = PLACEMENT_HOLD;
    hw.retransmission = RETRANSMIT_SELECTIVE;
    hw.reorder_buffer_B = 2 * MTU;
    struct bench b = sprayed(&hw, SWITCH_IN_TURN);
    ck_assert_uint_gt(switch_net_totals(b.net).discarded, 0);
    end(&b);
}
END_TEST

START_TEST(the_shortest_queue_avoids_the_loaded_cable)
{
    struct hw_packet hw = plain_hw();
    hw.placement = PLACEMENT_OUT_OF_ORDER;
    struct bench b = sprayed(&hw, SWITCH_IN_TURN), a = sprayed(&hw, SWITCH_SHORTEST);
    ck_assert_double_lt(a.ends[0].time_s, 1.02 * 4 * MIB / RATE);
    ck_assert_double_gt(b.ends[0].time_s, 1.02 * a.ends[0].time_s);
    end(&a);
    end(&b);
}
END_TEST

/* --- links that go down ----------------------------------------------------------- */

static struct bench flapped(const struct hw_packet *hw, double down_s)
{
    struct bench b = barbell(4, 1, hw);
    put(&b, 0, across(&b, 0, 2, 0, 1), 32 * MIB, 0, SWITCH_IN_TURN);
    run_until(&b, 100e-6);
    b.now_s = 100e-6;
    switch_net_set_capacity(b.net, 8, 0, b.now_s);
    run_until(&b, 100e-6 + down_s);
    b.now_s = 100e-6 + down_s;
    switch_net_set_capacity(b.net, 8, RATE, b.now_s);
    finish(&b);
    return b;
}

START_TEST(a_flap_costs_its_time_and_what_was_on_the_wire)
{
    struct hw_packet hw = plain_hw();
    double alone_s = 3 * WIRE + 2 * PIPE + 32 * MIB / RATE;
    struct bench b = flapped(&hw, 50e-6);
    struct switch_totals t = switch_net_totals(b.net);
    ck_assert_uint_gt(t.cut, 0);
    ck_assert_uint_gt(t.retransmitted, 0);
    ck_assert_double_gt(b.ends[0].time_s, alone_s + 50e-6);
    ck_assert_double_lt(b.ends[0].time_s, alone_s + 50e-6 + 20e-6); /* go-back-N over what was buffered, too */
    end(&b);
    hw.llr = true;
    b = flapped(&hw, 50e-6);
    t = switch_net_totals(b.net);
    ck_assert_uint_eq(t.cut + t.retransmitted, 0);
    ck_assert_double_lt(b.ends[0].time_s, alone_s + 50e-6 + 2e-6);
    end(&b);
}
END_TEST

START_TEST(a_dead_cable_strands_who_knows_no_other)
{
    struct hw_packet hw = plain_hw();
    hw.placement = PLACEMENT_OUT_OF_ORDER;
    hw.retransmission = RETRANSMIT_SELECTIVE;
    struct bench b = barbell(4, 2, &hw);
    put(&b, 0, across(&b, 0, 2, 0, 2), 8 * MIB, 0, SWITCH_IN_TURN);
    put(&b, 0, across(&b, 1, 3, 0, 1), 8 * MIB, 0, SWITCH_IN_TURN);
    run_until(&b, 50e-6);
    b.now_s = 50e-6;
    switch_net_fail_link(b.net, 8, b.now_s);
    ck_assert(!switch_net_stranded(b.net, 0));
    ck_assert(switch_net_stranded(b.net, 1));
    double left_B = switch_net_abort(b.net, 1);
    ck_assert_double_gt(left_B, 4 * MIB);
    ck_assert_double_lt(left_B, 8 * MIB);
    run_until(&b, 10);
    ck_assert(!isnan(b.ends[0].time_s) && isnan(b.ends[1].time_s));
    check_conservation(&b);
    end(&b);
}
END_TEST

/* Three switches in a ring, each flow over two of its cables, and buffers of one
 * packet: all wait for each other. */
START_TEST(a_circle_of_full_buffers_is_found_out)
{
    struct hw_packet hw = plain_hw();
    struct switch_link links[9];
    double buffer_B[6] = {1e6, 1e6, 1e6, 1e6, 1e6, 1e6};
    hw.credits_B = FULL;
    hw.timeout_s = 10e-6;
    for (uint32_t i = 0; i < 3; i++) { /* hosts are nodes 3 to 5 */
        uint32_t next = (i + 1) % 3;
        links[i] = (struct switch_link){RATE, 0, WIRE, i, true, false, true};
        links[3 + i] = (struct switch_link){RATE, PIPE, WIRE, 3 + i, false, true, true};
        links[6 + i] = (struct switch_link){RATE, PIPE, WIRE, next, false, false, true};
    }
    struct switch_config c = {9, 6, links, buffer_B, hw, MTU, HEADER, 7};
    struct bench b = {.n = 3, .net = switch_net_new(&c)};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t length = 4, path[] = {i, 6 + i, 6 + (i + 1) % 3, 3 + (i + 2) % 3};
        put(&b, 0, switch_net_paths(b.net, 1, &length, path), MIB, 0, SWITCH_IN_TURN);
    }
    ck_assert(isinf(switch_net_run(b.net, 0, INFINITY)));
    ck_assert_uint_eq(n_open(&b), 3);
    check_conservation(&b);
    end(&b);
}
END_TEST

/* --- the same again --------------------------------------------------------------- */

static struct bench noisy(int queueing)
{
    struct hw_packet hw = plain_hw();
    hw.queueing = queueing;
    hw.loss_ratio = 1e-3;
    hw.congestion_control = CONGESTION_DCQCN;
    hw.placement = PLACEMENT_OUT_OF_ORDER;
    hw.retransmission = RETRANSMIT_SELECTIVE;
    hw.ecn_min_B = 20e3, hw.ecn_max_B = 400e3;
    struct bench b = barbell(8, 3, &hw);
    gsl_rng *rng = rng_stream(17, 0, "noise");
    for (int i = 0; i < 200; i++)
        put(&b, 1e-4 * gsl_rng_uniform(rng),
            across(&b, gsl_rng_uniform_int(rng, 4), 4 + gsl_rng_uniform_int(rng, 4), 0, 3),
            floor(exp(13 * gsl_rng_uniform(rng))), 0, i % 2 ? SWITCH_IN_TURN : SWITCH_SHORTEST);
    gsl_rng_free(rng);
    finish(&b);
    return b;
}

START_TEST(reruns_are_the_same_bytes)
{
    for (int q = QUEUE_SHARED_OUTPUT; q <= QUEUE_VOQ_QP; q++) {
        struct bench a = noisy(q), b = noisy(q);
        struct switch_totals x = switch_net_totals(a.net), y = switch_net_totals(b.net);
        ck_assert_mem_eq(&x, &y, sizeof x);
        for (uint32_t i = 0; i < a.n_messages; i++)
            ck_assert(a.ends[i].time_s == b.ends[i].time_s);
        ck_assert_uint_gt(x.corrupted, 0);
        end(&a);
        end(&b);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("switch model");
    TCase *t = tcase_create("switch");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, calendar_hands_out_in_order);
    tcase_add_test(t, ties_keep_their_order);
    tcase_add_test(t, an_empty_network_takes_latency_and_bytes);
    tcase_add_test(t, a_contended_output_is_never_idle);
    tcase_add_test(t, equal_flows_end_together);
    tcase_add_test(t, classes_are_strict_or_take_turns);
    tcase_add_test(t, poisson_arrivals_wait_as_in_md1);
    tcase_add_test(t, credits_bound_bandwidth);
    tcase_add_test(t, input_queues_block_at_their_heads);
    tcase_add_test(t, go_back_n_loses_a_round_trip_per_loss);
    tcase_add_test(t, selective_retransmission_loses_the_packet_only);
    tcase_add_test(t, a_link_that_retries_hides_its_errors);
    tcase_add_test(t, bit_errors_hit_long_packets);
    tcase_add_test(t, lossless_networks_lose_nothing);
    tcase_add_test(t, without_flow_control_switches_drop);
    tcase_add_test(t, a_pause_without_headroom_drops);
    tcase_add_test(t, a_shared_pool_needs_headroom_per_input);
    tcase_add_test(t, incast_hurts_a_victim_unless_queues_are_apart);
    tcase_add_test(t, rtt_control_keeps_queues_short_and_links_full);
    tcase_add_test(t, dcqcn_halves_and_recovers);
    tcase_add_test(t, controlled_flows_converge);
    tcase_add_test(t, spraying_reorders_and_placement_decides);
    tcase_add_test(t, a_small_reorder_buffer_discards);
    tcase_add_test(t, the_shortest_queue_avoids_the_loaded_cable);
    tcase_add_test(t, a_flap_costs_its_time_and_what_was_on_the_wire);
    tcase_add_test(t, a_dead_cable_strands_who_knows_no_other);
    tcase_add_test(t, a_circle_of_full_buffers_is_found_out);
    tcase_add_test(t, reruns_are_the_same_bytes);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
