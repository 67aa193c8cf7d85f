#include "kinds/network/queueing_flows.h"

#include <math.h>

#include "base/rng.h"
#include "base/stats.h"
#include "kinds/network/queueing_cfg.h"

#define KEY "queueing."

static const struct queueing_cfg *cfg_of(const struct kind_run *run)
{
    return queueing_cfg(run->file->scenario);
}

/* --- who talks to whom ------------------------------------------------------------ */

/* Senders of an incast are spread over the nodes behind 0 and 1. */
static uint32_t sender_node(const struct scenario *sc, uint32_t i)
{
    uint32_t nodes = (uint32_t)sc->cluster.nodes - 2;
    return 2 + (uint32_t)((uint64_t)i * nodes / (uint64_t)queueing_cfg(sc)->senders);
}

static uint32_t victim_node(const struct scenario *sc)
{
    uint32_t last = sender_node(sc, (uint32_t)queueing_cfg(sc)->senders - 1);
    return queueing_cfg(sc)->victim == VICTIM_BESIDE ? last + 1 : last;
}

static void check_incast(const struct scenario_file *file, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    const struct queueing_cfg *c = queueing_cfg(sc);
    if (sc->cluster.nodes < c->senders + 2) {
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "senders"),
                   "%lld senders need %lld nodes beside nodes 0 and 1; cluster.nodes is %lld", (long long)c->senders,
                   (long long)c->senders, (long long)sc->cluster.nodes);
        return;
    }
    if (c->victim == VICTIM_NONE)
        return;
    if (victim_node(sc) >= sc->cluster.nodes)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "victim"),
                   "there is no node behind the last sender (%u); use fewer senders or "
                   "more nodes",
                   victim_node(sc) - 1);
    else if (c->victim_to >= sc->cluster.nodes || c->victim_to == victim_node(sc))
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "victim_to"),
                   "the victim's message comes from node %u and cannot go to node "
                   "%lld; choose one of 1 to %lld",
                   victim_node(sc), (long long)c->victim_to, (long long)sc->cluster.nodes - 1);
}

/* More than this is no small network any more. */
enum { MAX_MESSAGES = 5000000 };

static void check_number(const struct scenario_file *file, int64_t gpus, struct diag *diag)
{
    const struct queueing_cfg *c = queueing_cfg(file->scenario);
    double n = c->traffic == QUEUEING_ALL_TO_ALL ? (double)gpus * (double)(gpus - 1)
               : c->traffic == QUEUEING_RANDOM   ? (double)gpus * (double)c->messages
                                                 : (double)gpus;
    if (n > MAX_MESSAGES)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "traffic"),
                   "%.0f messages are too many to follow packet by packet (at most "
                   "%d); use fewer nodes or "
                   "messages",
                   n, MAX_MESSAGES);
}

void queueing_flows_check(const struct scenario_file *file, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    const struct queueing_cfg *c = queueing_cfg(sc);
    int64_t gpus = sc->cluster.nodes * sc->cluster.node.gpus;
    check_number(file, gpus, diag);
    if (c->traffic == QUEUEING_INCAST) {
        check_incast(file, diag);
        return;
    }
    if (c->victim != VICTIM_NONE)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "victim"),
                   "only traffic incast has a victim; leave it out");
    if (c->probes && c->traffic != QUEUEING_PAIR)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY "probes"),
                   "only traffic incast and pair have probes; leave them out");
    if (gpus < 2 || (c->traffic == QUEUEING_PAIR && sc->cluster.nodes < 2))
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "cluster.nodes"),
                   "this traffic needs two GPUs or, for a pair, two nodes");
    if (c->traffic == QUEUEING_PERMUTATION && gpus % 2)
        diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, "cluster.nodes"),
                   "a permutation pairs GPUs half the cluster apart: their number has "
                   "to be even");
}

/* --- the graph -------------------------------------------------------------------- */

struct message {
    uint32_t src, dst;
    double bytes_B, at_s;
    int64_t class;
};

static void add(struct kind_run *run, const char *name, const struct message *m)
{
    struct opgraph *g = run->graph;
    uint32_t text = opgraph_string(g, name);
    struct op op = {.kind = OP_COMM,
                    .lane = opgraph_lane(g),
                    .device = m->src,
                    .lead_s = m->at_s,
                    .sync_group = OP_NONE,
                    .name = text,
                    .class_name = text,
                    .phase = text};
    uint32_t id = opgraph_add(g, &op);
    struct transfer t = {.src_op = id,
                         .dst_op = id,
                         .src = m->src,
                         .dst = m->dst,
                         .bytes_B = m->bytes_B,
                         .weight = 1,
                         .priority = (uint8_t)m->class};
    opgraph_transfer(g, &t);
}

static void add_random(struct kind_run *run, struct message m)
{
    const struct queueing_cfg *c = cfg_of(run);
    const struct scenario *sc = run->file->scenario;
    double mean_s = c->size_B / (c->load_ratio * hw_nic_payload_Bps(&sc->cluster));
    uint32_t n = run->graph->n_devices;
    gsl_rng *rng = rng_stream((uint64_t)sc->sim.seed + run->seed_offset, m.src, "queueing random");
    m.at_s = 0;
    for (int64_t i = 0; i < c->messages; i++) {
        m.at_s -= mean_s * log1p(-gsl_rng_uniform(rng));
        m.dst = (m.src + 1 + (uint32_t)gsl_rng_uniform_int(rng, n - 1)) % n;
        add(run, "message", &m);
    }
    gsl_rng_free(rng);
}

static void add_traffic(struct kind_run *run)
{
    const struct queueing_cfg *c = cfg_of(run);
    const struct scenario *sc = run->file->scenario;
    uint32_t n = run->graph->n_devices, gpus = (uint32_t)sc->cluster.node.gpus;
    struct message m = {.bytes_B = c->size_B, .class = c->traffic_class};
    for (uint32_t i = 0; c->traffic == QUEUEING_INCAST && i < (uint32_t)c->senders; i++) {
        m.src = sender_node(sc, i) * gpus;
        add(run, "incast", &m);
    }
    if (c->traffic == QUEUEING_PAIR) {
        m.src = n - gpus;
        add(run, "pair", &m);
    }
    for (m.src = 0; c->traffic == QUEUEING_RANDOM && m.src < n; m.src++)
        add_random(run, m);
    for (m.src = 0; c->traffic == QUEUEING_PERMUTATION && m.src < n; m.src++) {
        m.dst = (m.src + n / 2) % n;
        add(run, "permutation", &m);
    }
    /* each begins with the one behind it, or all would send to GPU 0 first */
    for (uint32_t i = 0; c->traffic == QUEUEING_ALL_TO_ALL && i < n * (n - 1); i++) {
        m.src = i / (n - 1);
        m.dst = (m.src + 1 + i % (n - 1)) % n;
        add(run, "all-to-all", &m);
    }
}

static struct message victim_message(const struct kind_run *run)
{
    const struct queueing_cfg *c = cfg_of(run);
    const struct scenario *sc = run->file->scenario;
    uint32_t gpus = (uint32_t)sc->cluster.node.gpus;
    return (struct message){.src = victim_node(sc) * gpus,
                            .dst = (uint32_t)c->victim_to * gpus,
                            .bytes_B = c->victim_B,
                            .class = c->victim_class};
}

/* On the victim's way, whether there is one or not; a pair's go its own. */
static void add_probes(struct kind_run *run, double window_s)
{
    const struct queueing_cfg *c = cfg_of(run);
    const struct scenario *sc = run->file->scenario;
    struct message m = {.src = run->graph->n_devices - (uint32_t)sc->cluster.node.gpus};
    gsl_rng *rng = rng_stream((uint64_t)sc->sim.seed + run->seed_offset, 0, "queueing probes");
    if (c->traffic == QUEUEING_INCAST)
        m = victim_message(run);
    m.bytes_B = c->probe_B;
    m.class = c->probe_class;
    for (int64_t i = 0; i < c->probes; i++) {
        m.at_s = window_s * gsl_rng_uniform(rng);
        add(run, "probe", &m);
    }
    gsl_rng_free(rng);
}

struct queueing_flows queueing_flows_build(struct kind_run *run, int parts, double window_s)
{
    const struct opgraph *g = run->graph;
    struct queueing_flows f = {.first = g->n_transfers};
    if (parts & PART_TRAFFIC)
        add_traffic(run);
    f.n = g->n_transfers - f.first;
    f.victim = g->n_transfers;
    if (parts & PART_VICTIM && cfg_of(run)->victim != VICTIM_NONE) {
        struct message m = victim_message(run);
        add(run, "victim", &m);
    }
    f.n_victims = g->n_transfers - f.victim;
    f.probe = g->n_transfers;
    if (parts & PART_PROBES)
        add_probes(run, window_s);
    f.n_probes = g->n_transfers - f.probe;
    return f;
}

/* --- the outcome ------------------------------------------------------------------ */

double queueing_time_s(const struct kind_run *run, uint32_t transfer)
{
    return run->outcome.transfer_end_s[transfer] - run->outcome.transfer_start_s[transfer];
}

double queueing_span_s(const struct kind_run *run, uint32_t first, uint32_t n)
{
    double begin_s = INFINITY, end_s = 0;
    for (uint32_t i = first; i < first + n; i++) {
        begin_s = fmin(begin_s, run->outcome.transfer_start_s[i]);
        end_s = fmax(end_s, run->outcome.transfer_end_s[i]);
    }
    return n ? end_s - begin_s : NAN;
}

double queueing_quantile_s(const struct kind_run *run, uint32_t first, uint32_t n, double q)
{
    double *times_s = ARENA_ARRAY(run->scratch, double, n + 1);
    for (uint32_t i = 0; i < n; i++)
        times_s[i] = queueing_time_s(run, first + i);
    return n ? stats_quantile(times_s, n, q) : NAN;
}

double queueing_bytes_B(const struct kind_run *run, uint32_t first, uint32_t n)
{
    double sum_B = 0;
    for (uint32_t i = first; i < first + n; i++)
        sum_B += run->graph->transfers[i].bytes_B;
    return sum_B;
}

double queueing_fairness(const struct kind_run *run, uint32_t first, uint32_t n)
{
    double sum = 0, squares = 0;
    for (uint32_t i = first; i < first + n; i++) {
        double rate = run->graph->transfers[i].bytes_B / queueing_time_s(run, i);
        sum += rate;
        squares += rate * rate;
    }
    return n ? sum * sum / (n * squares) : NAN;
}
