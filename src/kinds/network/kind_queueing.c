/* Kind queueing: one kind of traffic, packet by packet, under several kinds of switches
 * and NICs: head-of-line blocking of an incast's victim under pauses and credits,
 * queues per queue pair, congestion control (paper 5.2.2 (3), 6.3); spraying with and
 * without out-of-order placement (5.1, 5.2.2 (2)); retransmission end to end and by the
 * link (6.1, 6.3). The fluid network's answer, which knows none of these, stands in the
 * first row.
 *
 * Left out: what sim/packet/switch_model.h leaves out. */
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "kinds/lists.h"
#include "kinds/network/queueing_flows.h"
#include "kinds/network/queueing_variants.h"
#include "kinds/result_build.h"
#include "kinds/network/queueing_cfg.h"
#include "kinds/reads.h"

#define KEY "queueing."

struct plan {
    struct queueing_variant *variants;
    double *losses;
    uint32_t n_variants, n_losses;
};

static int make_plan(const struct scenario_file *file, struct arena *arena, struct plan *p, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    if (queueing_variants(file, arena, &p->variants, &p->n_variants, diag) ||
        list_quantities(file, KEY "loss_rates", queueing_cfg(sc)->loss_rates, DIM_RATIO, arena, &p->losses,
                        &p->n_losses, diag))
        return -1;
    for (uint32_t i = 0; i < p->n_losses; i++)
        if (!(p->losses[i] >= 0 && p->losses[i] <= 0.5)) {
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "loss_rates"),
                       "%g is no share of lost packets; write 0 to 0.5", p->losses[i]);
            return -1;
        }
    if (!p->n_losses)
        p->losses[p->n_losses++] = sc->cluster.packet.loss_ratio;
    return 0;
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    struct plan p;
    if (file->scenario->sim.network != NET_PACKET)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "sim.network"),
                   "only network 'packet' has queues, not '%s'; write 'sim: {network: "
                   "packet}'",
                   net_kind_names[file->scenario->sim.network]);
    make_plan(file, arena, &p, diag);
    queueing_flows_check(file, diag);
}

/* --- tables ----------------------------------------------------------------------- */

enum {
    T_VARIANT,
    T_LOSS,
    T_TIME,
    T_OF_FLUID,
    T_GOODPUT,
    T_P50,
    T_P99,
    T_JAIN,
    T_VICTIM,
    T_SLOWER,
    T_PROBE50,
    T_PROBE99,
    N_T
};
/* The last ones only where the scenario has a victim, or probes. */
static const struct result_column traffic_columns[N_T] = {
    {"variant", DIM_COUNT, "what of cluster.packet and the routing differs; fluid: network flow", true},
    {"loss", DIM_RATIO, "share of packets that each link corrupts", false},
    {"time", DIM_TIME, "from the first message's start to the last one's end, without victim and probes", false},
    {"of_fluid", DIM_RATIO, "time / that of the first row", false},
    {"goodput", DIM_BANDWIDTH, "bytes of all these messages / time", false},
    {"p50", DIM_TIME, "of a message, half of them", false},
    {"p99", DIM_TIME, "of a message, all but one in a hundred", false},
    {"jain", DIM_RATIO, "Jain's index of the messages' rates: 1 is fair, 1/n is one for all", false},
    {"victim", DIM_TIME, "the victim's message", false},
    {"slower", DIM_RATIO, "victim / its time without the other traffic", false},
    {"probe_p50", DIM_TIME, "of a probe", false},
    {"probe_p99", DIM_TIME, "of a probe", false},
};

enum {
    Q_VARIANT,
    Q_LOSS,
    Q_MAX,
    Q_MEAN,
    Q_HELD,
    Q_PAUSES,
    Q_PAUSED,
    Q_MARKED,
    Q_DROPPED,
    Q_LOST,
    Q_AGAIN,
    Q_TIMEOUTS,
    Q_REPLAYS,
    Q_REORDERED,
    Q_EXTENT,
    N_Q
};
static const struct result_column queue_columns[N_Q] = {
    {"variant", DIM_COUNT, "as above", true},
    {"loss", DIM_RATIO, "as above", false},
    {"max_queue", DIM_BYTES, "longest that any link's queue was", false},
    {"mean_queue", DIM_BYTES, "mean over time of the link with the largest mean", false},
    {"max_held", DIM_BYTES, "most that an input of a switch held of one class", false},
    {"pauses", DIM_COUNT, "asked for, of classes and of queue pairs", false},
    {"paused", DIM_TIME, "sum over links and classes", false},
    {"marked", DIM_RATIO, "packets with a congestion mark / packets sent", false},
    {"dropped", DIM_COUNT, "packets that found no room", false},
    {"lost", DIM_COUNT, "packets corrupted by a link, or on one that went down", false},
    {"resent", DIM_RATIO, "payload sent again by NICs / payload of all messages", false},
    {"timeouts", DIM_COUNT, "of NICs", false},
    {"replays", DIM_COUNT, "by links (llr)", false},
    {"reordered", DIM_RATIO, "packets that came behind a later one / packets sent", false},
    {"extent", DIM_COUNT, "how many packets too late at most", false},
};

/* --- one row ---------------------------------------------------------------------- */

struct study {
    struct kind_run *run;
    struct topology *topo;
    struct result_table *traffic, *queues;
    double fluid_s;
    uint64_t packet_hops;
};

static int simulate(struct study *s, const struct cluster_hw *hw, int parts, struct queueing_flows *f,
                    struct diag *diag)
{
    kind_begin(s->run, s->topo);
    *f = queueing_flows_build(s->run, parts, s->fluid_s);
    return kind_simulate(s->run, s->topo, hw, diag);
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static struct result_cell *fill_traffic(struct study *s, const char *variant, double loss,
                                        const struct queueing_flows *f)
{
    const struct kind_run *run = s->run;
    struct result_cell *row = result_add_row(s->traffic);
    double time_s = queueing_span_s(run, f->first, f->n);
    row[T_VARIANT].text = variant;
    row[T_LOSS].value = loss;
    row[T_TIME].value = time_s;
    row[T_OF_FLUID].value = time_s / s->fluid_s;
    row[T_GOODPUT].value = queueing_bytes_B(run, f->first, f->n) / time_s;
    row[T_P50].value = queueing_quantile_s(run, f->first, f->n, 0.5);
    row[T_P99].value = queueing_quantile_s(run, f->first, f->n, 0.99);
    row[T_JAIN].value = queueing_fairness(run, f->first, f->n);
    if (f->n_probes) {
        row[T_PROBE50].value = queueing_quantile_s(run, f->probe, f->n_probes, 0.5);
        row[T_PROBE99].value = queueing_quantile_s(run, f->probe, f->n_probes, 0.99);
    }
    if (f->n_victims)
        row[T_VICTIM].value = queueing_time_s(run, f->victim);
    return row;
}

static void fill_queues(struct study *s, const char *variant, double loss)
{
    const struct kind_run *run = s->run;
    const struct switch_totals *t = &run->outcome.packet;
    struct result_cell *row = result_add_row(s->queues);
    row[Q_VARIANT].text = variant;
    row[Q_LOSS].value = loss;
    row[Q_MAX].value = t->max_queue_B;
    row[Q_MEAN].value = t->mean_queue_B;
    row[Q_HELD].value = t->max_held_B;
    row[Q_PAUSES].value = (double)(t->pauses + t->qp_pauses);
    row[Q_PAUSED].value = t->pause_s;
    row[Q_MARKED].value = ratio((double)t->marked, (double)t->sent);
    row[Q_DROPPED].value = (double)t->dropped;
    row[Q_LOST].value = (double)(t->corrupted + t->cut);
    row[Q_AGAIN].value = ratio((double)t->retransmitted_B, queueing_bytes_B(run, 0, run->graph->n_transfers));
    row[Q_TIMEOUTS].value = (double)t->timeouts;
    row[Q_REPLAYS].value = (double)t->replays;
    row[Q_REORDERED].value = ratio((double)t->reordered, (double)t->sent);
    row[Q_EXTENT].value = t->reorder_extent;
}

/* What the victim's message takes when nobody disturbs it. */
static int victim_alone(struct study *s, const struct cluster_hw *hw, struct result_cell *row, struct diag *diag)
{
    struct queueing_flows f;
    if (queueing_cfg(s->run->file->scenario)->victim == VICTIM_NONE)
        return 0;
    if (simulate(s, hw, PART_VICTIM, &f, diag))
        return -1;
    row[T_SLOWER].value = row[T_VICTIM].value / queueing_time_s(s->run, f.victim);
    return 0;
}

static const int everything = PART_TRAFFIC | PART_VICTIM | PART_PROBES;

/* The traffic's own time first: probes are spread over it. */
static int fluid_row(struct study *s, struct diag *diag)
{
    const struct cluster_hw *hw = &s->run->file->scenario->cluster;
    struct queueing_flows f;
    s->run->compare_fluid = true;
    if (simulate(s, hw, PART_TRAFFIC | PART_VICTIM, &f, diag))
        return -1;
    s->fluid_s = queueing_span_s(s->run, f.first, f.n);
    if (simulate(s, hw, everything, &f, diag))
        return -1;
    s->fluid_s = queueing_span_s(s->run, f.first, f.n);
    if (victim_alone(s, hw, fill_traffic(s, "fluid", 0, &f), diag))
        return -1;
    s->run->compare_fluid = false;
    return 0;
}

static int packet_row(struct study *s, const struct queueing_variant *v, double loss, struct diag *diag)
{
    struct queueing_flows f;
    v->hw->packet.loss_ratio = loss;
    if (simulate(s, v->hw, everything, &f, diag))
        return -1;
    s->packet_hops += s->run->outcome.packet.packet_hops;
    struct result_cell *row = fill_traffic(s, v->name, loss, &f);
    fill_queues(s, v->name, loss);
    return victim_alone(s, v->hw, row, diag);
}

/* --- metrics ---------------------------------------------------------------------- */

static const char *metric_name(struct arena *arena, const char *variant, const char *what)
{
    char *name = arena_printf(arena, "%s_%s", variant, what);
    for (char *c = name; *c; c++)
        if (*c == '+' || *c == ' ')
            *c = '_';
    return name;
}

static void add_metrics(struct study *s, const struct plan *p)
{
    struct kind_run *run = s->run;
    const struct result_cell *row = s->traffic->cells;
    result_add_metric(&run->result, run->arena, "fluid_time", row[T_TIME].value, DIM_TIME,
                      "the traffic over network flow", "last end - first start");
    for (uint32_t i = 0; i < p->n_variants; i++) {
        row = s->traffic->cells + (i + 1) * p->n_losses * s->traffic->n_columns;
        result_add_metric(&run->result, run->arena, metric_name(run->arena, p->variants[i].name, "of_fluid"),
                          row[T_OF_FLUID].value, DIM_RATIO, "time of the traffic, at the last of the loss rates",
                          "time / time over network flow");
        if (queueing_cfg(run->file->scenario)->victim != VICTIM_NONE)
            result_add_metric(&run->result, run->arena, metric_name(run->arena, p->variants[i].name, "victim_slower"),
                              row[T_SLOWER].value, DIM_RATIO, "the victim's message, at the last of the loss rates",
                              "time beside the traffic / time alone");
    }
    result_add_metric(&run->result, run->arena, "packet_hops", (double)s->packet_hops, DIM_COUNT,
                      "packets that crossed links, all rows", "sum over links");
}

static void add_notes(struct kind_run *run)
{
    result_add_note(&run->result, run->arena,
                    "acknowledgements, pauses, credits and notifications take time but no "
                    "bandwidth; receivers are "
                    "never slow; a message is a queue pair of its own that begins at line rate");
    result_add_note(&run->result, run->arena,
                    "buffers, thresholds and gains are those of cluster.packet, many "
                    "of them assumptions (moesim "
                    "validate --print shows each with its source); nothing is "
                    "calibrated on a measurement");
}

static uint32_t n_traffic_columns(const struct queueing_cfg *c)
{
    if (c->probes)
        return N_T;
    return c->victim == VICTIM_NONE ? T_VICTIM : T_PROBE50;
}

static const char *traffic_text(struct kind_run *run)
{
    const struct scenario *sc = run->file->scenario;
    const struct queueing_cfg *c = queueing_cfg(sc);
    char size[32];
    unit_format(c->size_B, DIM_BYTES, size, sizeof size);
    switch ((enum queueing_traffic)c->traffic) {
    case QUEUEING_INCAST:
        return arena_printf(run->arena, "%lld senders, %s each, to one receiver", (long long)c->senders, size);
    case QUEUEING_PAIR:
        return arena_printf(run->arena, "one message of %s", size);
    case QUEUEING_PERMUTATION:
        return arena_printf(run->arena, "every GPU sends %s to the one half the cluster away", size);
    case QUEUEING_ALL_TO_ALL:
        return arena_printf(run->arena, "every GPU sends %s to every other", size);
    case QUEUEING_RANDOM:
        return arena_printf(run->arena, "%lld messages of %s per GPU at random times to random GPUs, load %g",
                            (long long)c->messages, size, c->load_ratio);
    }
    return "";
}

static int run_queueing(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {.run = run};
    struct plan p;
    if (make_plan(run->file, run->arena, &p, diag) || kind_topology(run, &sc->cluster, &s.topo, diag))
        return -1;
    uint32_t rows = p.n_variants * p.n_losses;
    run->result.kind = "queueing";
    run->result.setting =
        arena_printf(run->arena, "%lld nodes x %lld %s on %s, packet by packet", (long long)sc->cluster.nodes,
                     (long long)sc->cluster.node.gpus, sc->cluster.chip.name, sc->cluster.topology);
    s.traffic = result_add_table(&run->result, run->arena, "traffic", traffic_text(run), traffic_columns,
                                 n_traffic_columns(queueing_cfg(sc)), rows + 1);
    /* adding a table moves the ones before it */
    s.queues = result_add_table(&run->result, run->arena, "queues", "what it does to switches and NICs", queue_columns,
                                N_Q, rows);
    s.traffic = s.queues - 1;
    progress_begin("simulating");
    if (fluid_row(&s, diag))
        return -1;
    for (uint32_t i = 0; i < rows; i++)
        if (packet_row(&s, &p.variants[i / p.n_losses], p.losses[i % p.n_losses], diag))
            return -1;
    add_metrics(&s, &p);
    add_notes(run);
    return 0;
}

const struct scenario_kind kind_queueing = {
    .name = "queueing",
    .doc = "traffic packet by packet: queues, flow control, congestion control, order, "
           "loss",
    .ref = "5.2.2, 6.1, 6.3",
    .reads = (const struct kind_reads[]){{.keys = &cluster_keys, .only = READS_NETWORK}, {.keys = &queueing_keys}, {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "sim.epsilon sim.checked", .condition = ""},
            {.keys =
                 "cluster.packet.dcqcn cluster.packet.ecn_min cluster.packet.ecn_max cluster.packet.ecn_probability",
             .condition = "cluster.packet.congestion_control=dcqcn | queueing.variants~dcqcn"},
            {.keys = "cluster.packet.rtt",
             .condition = "cluster.packet.congestion_control=rtt | queueing.variants~rtt"},
            {.keys = "cluster.packet.xoff cluster.packet.xon cluster.packet.headroom",
             .condition = "cluster.packet.flow_control=pfc | queueing.variants~pfc"},
            {.keys = "cluster.packet.credits",
             .condition = "cluster.packet.flow_control=credits | queueing.variants~credits"},
            {.keys = "cluster.packet.control_delay",
             .condition = "cluster.packet.flow_control!=none | queueing.variants~pfc | queueing.variants~credits"},
            {.keys = "cluster.packet.qp_xoff",
             .condition = "cluster.packet.backpressure=qp | queueing.variants~qp_pause"},
            {.keys = "cluster.packet.reorder_buffer",
             .condition = "cluster.packet.placement=hold | queueing.variants~hold"},
            {.keys = "cluster.packet.llr_delay", .condition = "cluster.packet.llr=true | queueing.variants~llr"},
            {.keys = "cluster.packet.loss", .condition = "queueing.loss_rates="},
            {.keys = "cluster.network.routing.queue_pairs",
             .condition =
                 "cluster.network.routing.policy=ecmp,adaptive | queueing.variants~ecmp | queueing.variants~adaptive"},
            {.keys = "cluster.network.routing.rebalance",
             .condition = "cluster.network.routing.policy=adaptive | queueing.variants~adaptive"},
            {0}},
    .check = check,
    .run = run_queueing,
};
