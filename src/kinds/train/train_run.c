/* Pipelines of all columns with the messages between their ranks, then the exchange of gradients and parameters, on the
 * whole network. One op stands for the GPUs of a group. */
#include "kinds/train/train_run.h"

#include <math.h>

#include "base/progress.h"
#include "kinds/train/pipeline.h"
#include "kinds/train/train_dp.h"
#include "kinds/train/train_sync.h"
#include "kinds/train/train_symmetry.h"

struct stepping {
    const struct train_plan *plan;
    const struct train_times *times;
    uint32_t network;
    const struct train_variant *variant;
    double mean_s[N_STEP_KINDS];
    struct pipeline_ops pipelines;
    struct sync_ops sync;      /* where everything waits for the end of the step, */
    struct train_dp *dp;       /* and where not; NULL: there is none */
    struct train_links *links; /* NULL: the network is simulated */
    uint32_t *made_of;         /* [n_chunks] NULL: nobody asks */
    double *met_s;             /* [n_ops] when the last transfer of an op began */
    const struct sim_outcome *o;
    const struct opgraph *graph;
};

static uint32_t device(const void *ctx, uint32_t column, uint32_t rank, uint32_t peer)
{
    const struct stepping *s = ctx;
    return s->variant->instant ? 0 : train_device(&s->plan->layout, column, rank, peer);
}

/* Less what the variant leaves out. */
static double lighter_s(const struct stepping *s, const struct chunk_time *t)
{
    return t->time_s - (s->variant->no_tensor ? t->tensor_s : 0) -
           (s->variant->no_exchange ? fmax(0, t->time_s - t->compute_s - t->tensor_s - t->gap_s) : 0);
}

static double step_s(const void *ctx, uint32_t column, uint32_t rank, const struct schedule_step *step)
{
    const struct stepping *s = ctx;
    if (s->variant->equal_stages)
        return s->mean_s[step->kind];
    if (s->variant->mean_times)
        return train_mean_time_s(s->times, s->network, column, rank, step);
    struct chunk_time t = train_time_of(s->times, s->network, column, rank, step);
    return lighter_s(s, &t);
}

double train_mean_step_s(const struct train_times *times, uint32_t network, enum step_kind kind)
{
    const struct schedule *s = times->plan->schedule;
    double sum_s = 0, n = 0;
    for (uint32_t r = 0; r < s->n_ranks; r++)
        for (uint32_t i = 0; i < s->ranks[r].n_steps; i++)
            if (s->ranks[r].steps[i].kind == kind && kind != STEP_END) {
                sum_s += train_mean_time_s(times, network, 0, r, &s->ranks[r].steps[i]);
                n++;
            }
    return n > 0 ? sum_s / n : 0;
}

/* --- building -------------------------------------------------------------------------------------------------------- */

/* Messages between nodes take the software's way; within a node NVLink's latency is all. */
static double message_s(const struct stepping *s, uint32_t src, uint32_t dst)
{
    const struct cluster_hw *hw = &s->plan->scenario->cluster;
    const struct hw_software *sw = &hw->software;
    if (s->variant->instant || src / (uint32_t)hw->node.gpus == dst / (uint32_t)hw->node.gpus)
        return 0;
    return hw_step_s(sw, (enum initiator)sw->initiator) + hw_message_s(sw, (enum initiator)sw->initiator);
}

static void route(const void *ctx, uint32_t column, uint32_t from, uint32_t to, uint32_t peer, struct transfer *t)
{
    const struct stepping *s = ctx;
    uint32_t src = train_device(&s->plan->layout, column, from, peer),
             dst = train_device(&s->plan->layout, column, to, peer);
    if (s->links && !s->variant->instant) {
        t->latency_s = message_s(s, src, dst);
        train_links_route(s->links, (struct train_end){column, from}, (struct train_end){column, to}, t);
        return;
    }
    t->src = device(ctx, column, from, peer);
    t->dst = device(ctx, column, to, peer);
    t->latency_s = message_s(s, t->src, t->dst);
}

/* Whether data parallelism is Megatron-LM's, beside chunks or not (train_dp.h); else DeepSeek's (train_sync.h). */
static bool beside_chunks(const struct train_plan *p)
{
    const struct train_cfg *c = p->layout.cfg;
    bool megatron = p->layout.recipe.fused && !p->layout.schedule->both_directions;
    return megatron || c->data_parallel.reduce != REDUCE_END || c->data_parallel.gather != GATHER_END ||
           c->host.step_s > 0 || c->host.graph_node_s > 0;
}

static void choose_symmetry(const struct stepping *s, const struct train_network *n, struct train_outcome *out)
{
    bool exact = s->plan->layout.cfg->symmetry == TRAIN_SYMMETRY_EXACT && !n->down,
         same_times = s->times->samples == 1 && s->plan->layout.cfg->jitter.gpu_cv_ratio <= 0;
    struct arena *scratch = arena_new();
    out->folded = beside_chunks(s->plan) && !train_links_misfit(s->plan, n);
    bool columns_alike = exact && same_times && s->times->n_classes <= s->plan->n_networks;
    out->one_column = columns_alike && (out->folded || train_peers_alike(s->plan, n, true, scratch));
    out->one_peer = exact && (out->folded || out->one_column || train_peers_alike(s->plan, n, false, scratch));
    arena_free(scratch);
}

static uint32_t pieces(const void *ctx, uint32_t rank, uint32_t index)
{
    return train_dp_pieces(((const struct stepping *)ctx)->dp, rank, index);
}

static uint32_t on_piece(void *ctx, uint32_t column, uint32_t rank, uint32_t index, uint32_t piece, uint32_t op,
                         uint32_t before)
{
    return train_dp_on_piece(((struct stepping *)ctx)->dp, column, rank, index, piece, op, before);
}

/* Chunks are made of what was on their own critical paths. */
static uint32_t *chunks_made_of(const struct train_times *t, struct opgraph *g, struct arena *arena)
{
    uint32_t *made_of = ARENA_ARRAY(arena, uint32_t, t->n_chunks);
    for (uint32_t i = 0; i < t->n_chunks; i++) {
        const struct critical_path *p = &t->path[i];
        struct op_share *shares = ARENA_ARRAY(arena, struct op_share, p->n);
        for (uint32_t k = 0; k < p->n; k++)
            shares[k] = (struct op_share){opgraph_string(g, p->shares[k].resource),
                                          p->shares[k].time_s / critical_path_total_s(p)};
        made_of[i] = opgraph_made_of(g, shares, p->n);
    }
    return made_of;
}

static uint32_t made_of(const void *ctx, uint32_t rank, uint32_t index)
{
    const struct stepping *s = ctx;
    return s->made_of[s->times->chunk_of_step[rank][index]];
}

/* Of the CPU behind the step, by rank: what it does once, and the launch of the next step's graph. */
static double *host_times(const struct stepping *s, struct arena *arena)
{
    const struct train_host *h = &s->plan->layout.cfg->host;
    double *host_s = ARENA_ARRAY(arena, double, s->plan->layout.ranks);
    for (uint32_t r = 0; r < s->plan->layout.ranks && !s->variant->no_host; r++)
        host_s[r] = h->step_s + (h->launch == LAUNCH_GRAPH ? h->graph_node_s * train_graph_nodes(s->times, r) : 0);
    return host_s;
}

static void build(struct kind_run *run, struct stepping *s, const struct train_network *n,
                  const struct train_outcome *out)
{
    const struct train_plan *p = s->plan;
    uint32_t columns = out->one_column ? 1 : p->layout.columns;
    double message_B =
        train_gpu_tokens(&p->layout) * (double)p->layout.model->hidden * p->layout.cfg->precision.message_B;
    struct pipeline_setup setup = {
        .schedule = p->schedule,
        .columns = columns,
        .peers = out->one_peer ? 1 : p->layout.group,
        .message_B = s->variant->instant ? 0 : message_B,
        .route = route,
        .launch_s = s->variant->instant ? 0 : n->hw->software.launch_s,
        .hidden = p->layout.cfg->messages == MESSAGES_HIDDEN,
        .device = device,
        .step_s = step_s,
        .ctx = s,
    };
    if (out->folded) {
        s->links = ARENA_NEW(run->scratch, struct train_links);
        train_links_open(p, n, columns, run->graph, run->scratch, s->links);
    }
    if (beside_chunks(p) && !s->variant->no_sync) {
        s->dp = train_dp_new(p, n, columns, s->links, run->graph, run->scratch);
        setup.pieces = pieces;
        setup.on_piece = on_piece;
    }
    if (run->critical) {
        s->made_of = chunks_made_of(s->times, run->graph, run->scratch);
        setup.made_of = made_of;
    }
    pipeline_build(&setup, run->graph, run->scratch, &s->pipelines);
    if (s->dp)
        train_dp_end(s->dp, &s->pipelines, host_times(s, run->scratch));
    else if (!s->variant->no_sync)
        train_sync_build(&p->layout, n->hw, p->kernels, &s->pipelines, run->graph, run->scratch, &s->sync);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static double length_s(const struct stepping *s, uint32_t op)
{
    return s->o->op_end_s[op] - s->o->op_start_s[op];
}

static double span_s(const struct stepping *s, enum sync_step step, uint32_t where)
{
    const struct sync_span *span = &s->sync.span[step][where];
    return span->first == OP_NONE ? 0 : s->o->op_end_s[span->last] - s->o->op_start_s[span->first];
}

/* From the first to the last piece; what lies between is waiting. */
static double chunk_s(const struct stepping *s, const struct pipeline_rank_ops *ops, uint32_t index)
{
    double sum_s = 0;
    for (uint32_t op = ops->first[index]; op <= ops->step[index]; op++)
        if (s->graph->ops[op].lane == ops->lane)
            sum_s += length_s(s, op);
    return sum_s;
}

static void add_chunk(const struct stepping *s, uint32_t column, uint32_t rank, const struct schedule_step *step,
                      double length_s, struct train_row *row)
{
    double *part[N_STEP_KINDS] = {
        [STEP_FORWARD] = &row->forward_s,         [STEP_BACKWARD] = &row->backward_s,
        [STEP_BACKWARD_INPUT] = &row->backward_s, [STEP_WEIGHT] = &row->weight_s,
        [STEP_FORWARD_BACKWARD] = &row->pair_s,
    };
    *part[step->kind] += length_s;
    struct chunk_time t = train_time_of(s->times, s->network, column, rank, step);
    row->compute_s += t.compute_s;
    row->tensor_s += t.tensor_s;
    row->gap_s += t.gap_s;
}

/* Of an interval what lies in another one. */
static double within_s(double from_s, double to_s, double first_s, double last_s)
{
    return fmax(0, fmin(to_s, last_s) - fmax(from_s, first_s));
}

/* Parameters move while the rank waits for them. */
static double exposed_gathers_s(const struct stepping *s, const struct dp_rank *r)
{
    double sum_s = 0;
    for (const struct dp_exchange *e = r->gathers; e; e = e->next) {
        double since_s = e->before == OP_NONE ? 0 : s->o->op_end_s[e->before];
        sum_s += within_s(s->o->op_end_s[e->ready], s->o->op_end_s[e->move], since_s, s->o->op_start_s[e->work]);
    }
    return sum_s;
}

/* Gradients move when there is nothing left to compute. Those of one part follow each other; of the parts that move at the
 * same time the longer one counts. */
static double exposed_reductions_s(const struct stepping *s, const struct dp_rank *r)
{
    double sum_s[2] = {0, 0}, since_s = s->o->op_end_s[r->last_chunk], until_s = s->o->op_end_s[r->reduced];
    uint32_t lane = r->reductions ? s->graph->ops[r->reductions->move].lane : 0;
    for (const struct dp_exchange *e = r->reductions; e; e = e->next)
        sum_s[s->graph->ops[e->move].lane != lane] +=
            within_s(s->o->op_end_s[e->ready], s->o->op_end_s[e->move], since_s, until_s);
    return fmax(sum_s[0], sum_s[1]);
}

static double op_s(const struct stepping *s, uint32_t op)
{
    return op == OP_NONE ? 0 : length_s(s, op);
}

static void add_beside(const struct stepping *s, uint32_t column, uint32_t rank, struct train_row *row)
{
    const struct dp_rank *r = train_dp_rank(s->dp, column, rank);
    row->reduce_s = exposed_reductions_s(s, r) + op_s(s, r->shared);
    row->update_s = op_s(s, r->update);
    row->gather_s = exposed_gathers_s(s, r);
    for (const struct dp_exchange *e = r->late; e; e = e->next)
        row->gather_s += s->o->op_end_s[e->move] - s->o->op_end_s[e->ready];
    row->host_s = op_s(s, r->host);
}

static struct train_row row_of(const struct stepping *s, uint32_t column, uint32_t rank)
{
    uint32_t where = column * s->plan->layout.ranks + rank;
    const struct pipeline_rank_ops *ops = &s->pipelines.ranks[where];
    const struct schedule_rank *steps = &s->plan->schedule->ranks[rank];
    struct train_row row = {0};
    for (uint32_t i = 0; i < steps->n_steps; i++) {
        uint32_t exchange = ops->exchange[i];
        if (exchange != OP_NONE)
            row.message_s += s->o->op_end_s[exchange] - fmax(s->met_s[exchange], s->o->op_start_s[exchange]);
        if (steps->steps[i].kind != STEP_END)
            add_chunk(s, column, rank, &steps->steps[i], chunk_s(s, ops, i), &row);
    }
    if (s->dp) {
        add_beside(s, column, rank, &row);
    } else if (!s->variant->no_sync) {
        row.reduce_s = span_s(s, SYNC_REDUCE, where);
        row.update_s = span_s(s, SYNC_OPTIMIZE, where);
        row.gather_s = span_s(s, SYNC_GATHER, where);
    }
    row.optimizer_s = row.reduce_s + row.update_s + row.gather_s + row.host_s;
    row.bubble_s = s->o->makespan_s - row.forward_s - row.backward_s - row.weight_s - row.pair_s - row.optimizer_s;
    return row;
}

static void find_meetings(struct kind_run *run, struct stepping *s)
{
    const struct opgraph *g = run->graph;
    s->met_s = ARENA_ARRAY(run->scratch, double, g->n_ops);
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        double start_s = s->o->transfer_start_s[i];
        s->met_s[g->transfers[i].src_op] = fmax(s->met_s[g->transfers[i].src_op], start_s);
        s->met_s[g->transfers[i].dst_op] = fmax(s->met_s[g->transfers[i].dst_op], start_s);
    }
}

/* Rows as arrays of numbers. */
static void add_row(struct train_row *sum, const struct train_row *row, double weight)
{
    double *x = (double *)sum;
    const double *y = (const double *)row;
    for (int i = 0; i < TRAIN_ROW_NUMBERS; i++)
        x[i] += weight * y[i];
}

static void widen(struct train_outcome *out, const struct train_row *row, bool first)
{
    double *low = (double *)&out->least, *high = (double *)&out->most;
    const double *x = (const double *)row;
    for (int i = 0; i < TRAIN_ROW_NUMBERS; i++) {
        low[i] = first ? x[i] : fmin(low[i], x[i]);
        high[i] = first ? x[i] : fmax(high[i], x[i]);
    }
}

static void read_rows(struct kind_run *run, const struct stepping *s, struct train_outcome *out)
{
    uint32_t ranks = s->plan->layout.ranks, columns = s->pipelines.columns;
    out->ranks = ARENA_ARRAY(run->arena, struct train_row, ranks);
    for (uint32_t r = 0; r < ranks; r++) {
        for (uint32_t c = 0; c < columns; c++) {
            struct train_row row = row_of(s, c, r);
            add_row(&out->ranks[r], &row, 1.0 / columns);
        }
        add_row(&out->mean, &out->ranks[r], 1.0 / ranks);
        widen(out, &out->ranks[r], r == 0);
    }
}

int train_run(struct kind_run *run, const struct train_plan *plan, const struct train_times *times, uint32_t network,
              const struct train_variant *variant, struct train_outcome *out, struct diag *diag)
{
    const struct train_network *n = &plan->networks[network];
    struct stepping s = {.plan = plan, .times = times, .network = network, .variant = variant};
    for (int k = 0; k < N_STEP_KINDS; k++)
        s.mean_s[k] = train_mean_step_s(times, network, (enum step_kind)k);
    *out = (struct train_outcome){0};
    kind_begin(run, n->topo);
    choose_symmetry(&s, n, out);
    build(run, &s, n, out);
    progress_begin("simulating the step");
    if (kind_simulate(run, n->topo, n->hw, diag))
        return -1;
    s.o = &run->outcome;
    s.graph = run->graph;
    find_meetings(run, &s);
    out->step_s = run->outcome.makespan_s;
    read_rows(run, &s, out);
    return 0;
}
