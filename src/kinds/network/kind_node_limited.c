/* Kind node_limited: what limiting the nodes of a token saves (paper 4.3).
 *
 * Each token goes to experts_per_token experts on GPUs of their own, spread over M nodes. All nodes are
 * chosen equally often, the token's own like any other, so a GPU sends (N - 1) / N of M copies per token
 * over its NIC (the paper counts all M): IB time is M t exactly in the bound. NVLink carries what it
 * carries for any M, so it becomes the limit when M is small. The last row sends every expert's copy over
 * the network, without deduplication. Hardware moves the bytes here: no SM limits (they would not depend
 * on M either). */
#include <math.h>

#include "base/progress.h"
#include "models/comm/deepep.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/network/moe_cfg.h"
#include "kinds/reads.h"

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct node_limited_cfg *c = node_limited_cfg(file->scenario);
    const struct cluster_hw *hw = &file->scenario->cluster;
    (void)arena;
    if (c->experts_per_token > hw->node.gpus)
        REPORT("node_limited.experts_per_token",
               "%lld experts of a token need GPUs of their own within one node when M is 1, but "
               "a node has %lld (cluster.node.gpus)",
               (long long)c->experts_per_token, (long long)hw->node.gpus);
    if (hw->nodes < 2)
        REPORT("cluster.nodes", "one node has no network; give 2 nodes at least");
}

enum { COL_CASE, COL_COPIES, COL_IB, COL_NVLINK, COL_ESTIMATE, COL_BOUND, COL_TIME, COL_RATIO, COL_TOTAL, N_COL };
static const struct result_column columns[N_COL] = {
    {"case", DIM_COUNT, "nodes that a token goes to, or no deduplication", true},
    {"copies", DIM_RATIO, "copies of a token to nodes, its own counted", false},
    {"ib_bytes", DIM_BYTES, "what one GPU sends over its NIC", false},
    {"nvlink_bytes", DIM_BYTES, "what one GPU sends over NVLink", false},
    {"paper_estimate", DIM_TIME, "M t: copies * token bytes / effective_bandwidth", false},
    {"ib_bound", DIM_TIME, "ib_bytes / payload rate of the NIC", false},
    {"ib_time", DIM_TIME, "simulated: until the last byte has crossed the network", false},
    {"ib_ratio", DIM_RATIO, "ib_time / that of M = 1", false},
    {"total_time", DIM_TIME, "simulated: until NVLink is done too", false},
};

struct study {
    struct kind_run *run;
    const struct node_limited_cfg *cfg;
    const struct cluster_hw *hw;
    struct topology *topo;
    uint32_t *op;
    double token_B;
};

static void add_transfer(struct study *s, uint32_t src, uint32_t dst, double bytes_B, double latency_s)
{
    opgraph_transfer(s->run->graph, &(struct transfer){.src_op = s->op[src],
                                                       .dst_op = s->op[dst],
                                                       .src = src,
                                                       .dst = dst,
                                                       .bytes_B = bytes_B,
                                                       .latency_s = latency_s,
                                                       .weight = 1});
}

static void add_ops(struct study *s)
{
    struct opgraph *g = s->run->graph;
    uint32_t name = opgraph_string(g, "dispatch"), phase = opgraph_string(g, "");
    for (uint32_t r = 0; r < s->topo->n_endpoints; r++)
        s->op[r] = opgraph_add(g, &(struct op){.kind = OP_COMM,
                                               .lane = opgraph_lane(g),
                                               .device = r,
                                               .sync_group = OP_NONE,
                                               .name = name,
                                               .class_name = name,
                                               .phase = phase});
}

/* Tokens of a GPU that go to any one GPU: the same for all, because all are chosen equally often. */
static double tokens_per_gpu(const struct study *s)
{
    return (double)(s->cfg->tokens * s->cfg->experts_per_token) / s->topo->n_endpoints;
}

/* One copy per node on the sender's own rail; the GPU there passes it on over NVLink. Both hops run at
 * once, chunk by chunk (deepep.c). */
static void deduplicated(struct study *s, double copies_per_token)
{
    uint32_t gpus = s->topo->gpus_per_node, nodes = s->topo->n_endpoints / gpus;
    double chunk_s = (double)s->hw->ep_kernel.chunk_tokens * s->token_B / hw_nic_payload_Bps(s->hw);
    double per_node_B = (double)s->cfg->tokens * copies_per_token / nodes * s->token_B;
    for (uint32_t src = 0; src < s->topo->n_endpoints; src++) {
        for (uint32_t node = 0; node < nodes; node++)
            if (node != src / gpus)
                add_transfer(s, src, node * gpus + src % gpus, per_node_B, 0);
        for (uint32_t g = 0; g < gpus; g++) {
            uint32_t dst = src / gpus * gpus + g; /* src forwards what its rail brings */
            if (dst != src)
                add_transfer(s, src, dst, nodes * tokens_per_gpu(s) * s->token_B, chunk_s);
        }
    }
}

static void not_deduplicated(struct study *s)
{
    for (uint32_t src = 0; src < s->topo->n_endpoints; src++)
        for (uint32_t dst = 0; dst < s->topo->n_endpoints; dst++)
            if (dst != src)
                add_transfer(s, src, dst, tokens_per_gpu(s) * s->token_B, 0);
}

static bool over_network(const struct study *s, const struct transfer *t)
{
    return t->src / s->topo->gpus_per_node != t->dst / s->topo->gpus_per_node;
}

static void add_row(struct study *s, struct result_table *table, const char *name, double copies_per_token,
                    double nvlink_B)
{
    const struct opgraph *g = s->run->graph;
    struct result_cell *row = result_add_row(table);
    double ib_B = 0, ib_s = 0;
    for (uint32_t i = 0; i < g->n_transfers; i++)
        if (over_network(s, &g->transfers[i])) {
            ib_B += g->transfers[i].bytes_B;
            ib_s = fmax(ib_s, s->run->outcome.transfer_end_s[i]);
        }
    ib_B /= s->topo->n_endpoints;
    row[COL_CASE].text = name;
    row[COL_COPIES].value = copies_per_token;
    row[COL_IB].value = ib_B;
    row[COL_NVLINK].value = nvlink_B;
    row[COL_ESTIMATE].value = (double)s->cfg->tokens * copies_per_token * s->token_B / s->cfg->effective_Bps;
    row[COL_BOUND].value = ib_B / hw_nic_payload_Bps(s->hw);
    row[COL_TIME].value = ib_s;
    row[COL_RATIO].value = ib_s / table->cells[COL_TIME].value;
    row[COL_TOTAL].value = s->run->outcome.makespan_s;
}

/* What the graph's transfers within nodes add up to per GPU. */
static double nvlink_bytes(const struct study *s)
{
    const struct opgraph *g = s->run->graph;
    double sum_B = 0;
    for (uint32_t i = 0; i < g->n_transfers; i++)
        sum_B += over_network(s, &g->transfers[i]) ? 0 : g->transfers[i].bytes_B;
    return sum_B / s->topo->n_endpoints;
}

/* Without deduplication a copy for another rail crosses NVLink on the way (mpft), or not (mrft). */
static double nvlink_bytes_on_paths(const struct study *s)
{
    const struct opgraph *g = s->run->graph;
    double sum_B = 0;
    for (uint32_t i = 0; i < g->n_transfers; i++) {
        const struct transfer *t = &g->transfers[i];
        uint32_t links[ROUTE_MAX_LINKS], n = topology_route(s->topo, t->src, t->dst, links);
        for (uint32_t k = 0; k < n; k++)
            if (s->topo->links[links[k]].kind == LINK_NVLINK) {
                sum_B += t->bytes_B;
                break;
            }
    }
    return sum_B / s->topo->n_endpoints;
}

/* nodes_of_token 0: without deduplication. */
static int run_case(struct study *s, struct result_table *table, uint32_t nodes_of_token, struct diag *diag)
{
    kind_begin(s->run, s->topo);
    add_ops(s);
    if (nodes_of_token)
        deduplicated(s, nodes_of_token);
    else
        not_deduplicated(s);
    if (kind_simulate(s->run, s->topo, s->hw, diag))
        return -1;
    if (nodes_of_token)
        add_row(s, table, arena_printf(s->run->arena, "M = %u", nodes_of_token), nodes_of_token, nvlink_bytes(s));
    else
        add_row(s, table, "no deduplication", (double)s->cfg->experts_per_token, nvlink_bytes_on_paths(s));
    return 0;
}

static double cell(const struct result_table *t, uint32_t row, uint32_t column)
{
    return t->cells[(size_t)row * N_COL + column].value;
}

/* Where a column over its first row is farthest from M. */
static double worst_deviation(const struct result_table *t, uint32_t rows, uint32_t column)
{
    double worst = 0;
    for (uint32_t i = 0; i < rows; i++)
        worst = fmax(worst, fabs(cell(t, i, column) / cell(t, 0, column) / cell(t, i, COL_COPIES) - 1));
    return worst;
}

static int run_node_limited(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    struct study s = {.run = run, .cfg = node_limited_cfg(sc), .hw = &sc->cluster};
    uint32_t most = (uint32_t)fmin((double)sc->cluster.nodes, (double)s.cfg->experts_per_token);
    if (kind_topology(run, s.hw, &s.topo, diag))
        return -1;
    s.op = ARENA_ARRAY(run->arena, uint32_t, s.topo->n_endpoints);
    s.token_B = deepep_payload_B(s.cfg->hidden, false);
    run->result.kind = "node_limited";
    struct result_table *t =
        result_add_table(&run->result, run->arena, "nodes",
                         arena_printf(run->arena, "dispatch of %lld tokens per GPU to %lld experts each",
                                      (long long)s.cfg->tokens, (long long)s.cfg->experts_per_token),
                         columns, N_COL, most + 1);
    progress_begin("simulating");
    for (uint32_t m = 1; m <= most; m++)
        if (run_case(&s, t, m, diag))
            return -1;
    if (run_case(&s, t, 0, diag))
        return -1;
    result_add_metric(&run->result, run->arena, "ib_time_per_node", cell(t, 0, COL_TIME), DIM_TIME,
                      "t: network time of a dispatch to one node per token", "ib_time of M = 1");
    result_add_metric(&run->result, run->arena, "bound_linearity_error", worst_deviation(t, most, COL_BOUND), DIM_RATIO,
                      "how far the bound of the network time is from M t", "max |ib_bound / ib_bound(M = 1) / M - 1|");
    result_add_metric(&run->result, run->arena, "linearity_error", worst_deviation(t, most, COL_TIME), DIM_RATIO,
                      "how far the simulated network time is from M t",
                      "max |ib_time / ib_time(M = 1) / M - 1|: latency counts once, not M times");
    result_add_metric(&run->result, run->arena, "dedup_saving",
                      1 - cell(t, most > 3 ? 3 : most - 1, COL_TIME) / cell(t, most, COL_TIME), DIM_RATIO,
                      "network time that 4 nodes per token save against no deduplication",
                      "1 - ib_time(M = 4) / ib_time(no deduplication)");
    return 0;
}

const struct scenario_kind kind_node_limited = {
    .name = "node_limited",
    .doc = "network time of a dispatch to M nodes per token, with and without deduplication",
    .ref = "4.3",
    .reads = (const struct kind_reads[]){{.keys = &sim_keys, .only = "network epsilon checked"},

                                         {.keys = &cluster_keys,
                                          .only = READS_NETWORK " ep_kernel.chunk_tokens node.unified_adapter"},
                                         {.keys = &node_limited_keys},
                                         {0}},
    .check = check,
    .run = run_node_limited,
};
