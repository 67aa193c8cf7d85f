/* Kind tpot_bound: the time per output token when the two all-to-alls of every layer are all that takes time
 * (paper 2.3.2), and what stands between that bound and the machine.
 *
 * The bound is the paper's sum: each GPU sends `tokens` tokens to `copies` experts on other GPUs, FP8 on the
 * way there and BF16 back, at the line rate. Two micro-batches take turns, so a layer costs both. The rows
 * below it are simulations of that exchange; each adds one thing to the row above. The first of them has
 * nothing but bytes and links, and so must give the bound again.
 *
 * Between nodes all copies go through the NICs (pure RDMA, as DeepEP's low-latency kernels); within one node
 * over NVLink. Computation, which the paper takes to be hidden behind communication, comes in at the end when the
 * scenario has a model: whole decoding steps (kind inference), at first with nothing to compute, then part by
 * part, in closed form; the last row simulates the whole step, of which a few layers stand for all. */
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "models/comm/deepep_ll.h"
#include "models/comm/ep_kernel.h"
#include "base/shared_cache.h"
#include "kinds/infer/infer_run.h"
#include "kinds/kind_run.h"
#include "kinds/result_build.h"
#include "kinds/infer/tpot_cfg.h"
#include "kinds/reads.h"

enum step {
    STEP_BOUND,
    STEP_LINKS,
    STEP_HIDDEN,
    STEP_WIRE,
    STEP_PROTOCOL,
    STEP_ROUTING,
    STEP_LATENCY,
    STEP_SOFTWARE,
    N_STEPS
};
static const char *const step_names[N_STEPS] = {
    [STEP_BOUND] = "the paper's sum",
    [STEP_LINKS] = "simulated: links at line rate",
    [STEP_HIDDEN] = "+ hidden size as it is",
    [STEP_WIRE] = "+ scales and headers of messages",
    [STEP_PROTOCOL] = "+ payload rate of links",
    [STEP_ROUTING] = "+ experts drawn, the busiest decides",
    [STEP_LATENCY] = "+ latency of the path",
    [STEP_SOFTWARE] = "+ posting and kernels",
};

enum { COL_STEP, COL_DISPATCH, COL_COMBINE, COL_COMM, COL_FACTOR, COL_LAYER, COL_TPOT, COL_SPEED, N_COL };
static const struct result_column columns[N_COL] = {
    {"step", DIM_COUNT, "what is taken into account, with all of the rows above", true},
    {"dispatch", DIM_TIME, "of one micro-batch", false},
    {"combine", DIM_TIME, "of one micro-batch", false},
    {"comm_time", DIM_TIME, "dispatch + combine", false},
    {"factor", DIM_RATIO, "tpot / that of the row above", false},
    {"layer", DIM_TIME, "two micro-batches; of whole steps a layer with experts", false},
    {"tpot", DIM_TIME, "all layers", false},
    {"tokens_per_s", DIM_RATIO, "of one user: 1 / tpot", false},
};

static bool has_computation(const struct scenario *sc)
{
    return tpot_cfg(sc)->bridge && tpot_cfg(sc)->computation && sc->llm.layers > 0;
}

static void decode_case(const struct infer_setup *setup, unsigned left_out, struct infer_case *c)
{
    infer_case_of(setup, false, c);
    c->cfg.overlap = OVERLAP_DUAL;
    c->cfg.decode.batch = 2 * tpot_cfg(setup->file->scenario)->tokens;
    c->left_out = left_out;
}

/* The model is the one that the bound is of. */
static void check_model(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    int64_t copies = sc->llm.experts.top_k + (infer_cfg(sc)->shared_replicas > 0);
    struct infer_setup setup;
    struct infer_case c;
    if (sc->llm.hidden != tpot_cfg(sc)->hidden)
        REPORT("tpot.hidden", "the model's hidden size is %lld (llm.hidden)", (long long)sc->llm.hidden);
    if (copies != tpot_cfg(sc)->copies)
        REPORT("tpot.copies",
               "a token of the model goes to %lld experts (llm.moe.top_k, and one of inference.shared_replicas)",
               (long long)copies);
    if (sc->llm.hidden != tpot_cfg(sc)->hidden || copies != tpot_cfg(sc)->copies ||
        infer_setup_open(file, arena, &setup, diag))
        return;
    decode_case(&setup, 0, &c);
    infer_case_check(&c, arena, diag);
}

static void check(const struct scenario_file *file, struct arena *arena, struct diag *diag)
{
    const struct scenario *sc = file->scenario;
    int64_t gpus = sc->cluster.nodes * sc->cluster.node.gpus;
    if (tpot_cfg(sc)->copies >= gpus)
        REPORT("tpot.copies", "%lld experts of a token need more than %lld GPUs, one each",
               (long long)tpot_cfg(sc)->copies, (long long)gpus);
    if (sc->cluster.nodes > 1 && !topology_nics_meet(&sc->cluster))
        REPORT("cluster.topology",
               "copies go from any NIC to any other; the planes of %s are apart: choose mrft or another network",
               sc->cluster.topology);
    else if (has_computation(sc))
        check_model(file, arena, diag);
}

/* --- hardware, without what a step does not yet take into account -------------------------------------- */

static void drop_protocol(struct cluster_hw *hw)
{
    hw->nic.header_B = 0;
    hw->nic.efficiency_ratio = hw->node.nvlink_efficiency_ratio = 1;
}

static void drop_latency(struct cluster_hw *hw)
{
    hw->nic.latency_s = hw->node.nvlink_latency_s = hw->network.switch_latency_s = 0;
    hw->network.copper_length_m = hw->network.optical_length_m = 0;
}

static void drop_software(struct cluster_hw *hw)
{
    hw->ep_kernel.ll_dispatch_s = hw->ep_kernel.ll_combine_s = 0;
    hw->software.message_s = hw->software.ibgda_message_s = 0;
}

static struct cluster_hw *hardware_of(const struct kind_run *run, enum step step)
{
    struct cluster_hw *hw = ARENA_NEW(run->arena, struct cluster_hw);
    *hw = run->file->scenario->cluster;
    if (step < STEP_PROTOCOL)
        drop_protocol(hw);
    if (step < STEP_LATENCY)
        drop_latency(hw);
    if (step < STEP_SOFTWARE)
        drop_software(hw);
    return hw;
}

/* --- bytes ------------------------------------------------------------------------------------------------ */

static int64_t hidden_of(const struct tpot_cfg *c, enum step step)
{
    bool rounded = c->hidden_rounding == HIDDEN_PAPER && c->hidden >= 1000 && step < STEP_HIDDEN;
    return rounded ? c->hidden / 1000 * 1000 : c->hidden;
}

static double message_B(const struct scenario *sc, enum step step, bool combine)
{
    const struct tpot_cfg *c = tpot_cfg(sc);
    int64_t hidden = hidden_of(c, step);
    return step < STEP_WIRE ? (combine ? 2.0 : 1.0) * (double)hidden
                            : ll_message_B(&sc->cluster.ep_kernel, hidden, combine);
}

static double line_Bps(const struct cluster_hw *hw)
{
    return hw->nodes > 1 ? hw->nic.bandwidth_Bps : hw->node.nvlink_Bps;
}

static double bound_s(const struct kind_run *run, bool combine)
{
    const struct scenario *sc = run->file->scenario;
    return (double)(tpot_cfg(sc)->tokens * tpot_cfg(sc)->copies) * message_B(sc, STEP_BOUND, combine) /
           line_Bps(&sc->cluster);
}

/* --- rows -------------------------------------------------------------------------------------------------- */

/* The machine's own kernel, where messages alone do not make it. */
static bool build_kernel(struct kind_run *run, const struct cluster_hw *hw, uint32_t n, bool combine)
{
    const struct tpot_cfg *c = tpot_cfg(run->file->scenario);
    const struct ep_kernel_type *k = ep_kernel_of(&hw->ep_kernel, true);
    struct ep_choices choices = {.choice = EP_SAMPLED,
                                 .experts = n,
                                 .top_k = c->copies,
                                 .groups = 1,
                                 .top_groups = 1,
                                 .tokens = (double)c->tokens,
                                 .seed = (uint64_t)run->file->scenario->sim.seed};
    struct ep_group group = {.ranks = n, .gpus_per_node = (uint32_t)hw->node.gpus};
    struct ep_traffic t;
    if (k->loops)
        return false;
    ep_traffic_make(&group, &choices, run->scratch, &t);
    struct ep_call call = {.hw = hw,
                           .traffic = &t,
                           .phase = combine ? EP_COMBINE : EP_DISPATCH,
                           .tokens = choices.tokens,
                           .hidden = c->hidden,
                           .top_k = choices.top_k,
                           .experts = n,
                           .sms = (double)hw->ep_kernel.sms,
                           .format = combine ? hw->ep_kernel.combine_format : hw->ep_kernel.dispatch_format};
    ep_build(run->graph, k, &call, run->scratch, NULL, NULL);
    return true;
}

static int simulate(struct kind_run *run, enum step step, bool combine, double *time_s, struct diag *diag)
{
    const struct tpot_cfg *c = tpot_cfg(run->file->scenario);
    struct cluster_hw *hw = hardware_of(run, step);
    struct topology *topo;
    struct ll_traffic traffic;
    if (kind_topology(run, hw, &topo, diag))
        return -1;
    kind_begin(run, topo);
    uint32_t n = topo->n_endpoints, tokens = (uint32_t)c->tokens, copies = (uint32_t)c->copies;
    if (step < STEP_ROUTING)
        ll_spread(n, tokens, copies, run->scratch, &traffic);
    else
        ll_sample(n, tokens, n, copies, (uint64_t)run->file->scenario->sim.seed, run->scratch, &traffic);
    if (step < STEP_SOFTWARE || !build_kernel(run, hw, n, combine))
        ll_build(run->graph, hw, &traffic, message_B(run->file->scenario, step, combine), combine, hw->nodes > 1,
                 run->scratch);
    if (kind_simulate(run, topo, hw, diag))
        return -1;
    *time_s = run->outcome.makespan_s;
    return 0;
}

static void finish_row(const struct result_table *t, struct result_cell *row, double tpot_s)
{
    row[COL_TPOT].value = tpot_s;
    row[COL_FACTOR].value = t->n_rows > 1 ? tpot_s / (row - N_COL)[COL_TPOT].value : NAN;
    row[COL_SPEED].value = 1 / tpot_s;
}

static void fill_row(struct result_table *t, enum step step, double dispatch_s, double combine_s, int64_t layers)
{
    struct result_cell *row = result_add_row(t);
    row[COL_STEP].text = step_names[step];
    row[COL_DISPATCH].value = dispatch_s;
    row[COL_COMBINE].value = combine_s;
    row[COL_COMM].value = dispatch_s + combine_s;
    row[COL_LAYER].value = 2 * row[COL_COMM].value;
    finish_row(t, row, row[COL_LAYER].value * (double)layers);
}

static int add_row(struct kind_run *run, struct result_table *t, enum step step, struct diag *diag)
{
    double time_s[2];
    for (int combine = 0; combine < 2; combine++)
        if (step == STEP_BOUND)
            time_s[combine] = bound_s(run, combine);
        else if (simulate(run, step, combine, &time_s[combine], diag))
            return -1;
    fill_row(t, step, time_s[0], time_s[1], tpot_cfg(run->file->scenario)->layers);
    return 0;
}

/* --- whole steps ----------------------------------------------------------------------------------------------- */

static const struct decode_step {
    const char *name;
    unsigned without;
    bool simulated;
} decode_steps[] = {
    {"two micro-batches at once, the model's layers",
     PART_EXPERTS | PART_NETWORKS | PART_PROJECTIONS | PART_CORE | PART_GAPS, false},
    {"+ routed experts compute", PART_NETWORKS | PART_PROJECTIONS | PART_CORE | PART_GAPS, false},
    {"+ shared and dense networks, head", PART_PROJECTIONS | PART_CORE | PART_GAPS, false},
    {"+ projections, norms, router", PART_CORE | PART_GAPS, false},
    {"+ attention over the context", PART_GAPS, false},
    {"+ gaps between kernels", 0, false},
    {"the step simulated, links shared", 0, true},
};
enum { N_DECODE_STEPS = sizeof decode_steps / sizeof *decode_steps };

static int add_decode_row(struct kind_run *run, const struct infer_setup *setup, const struct decode_step *step,
                          struct result_table *t, struct diag *diag)
{
    enum { ENOUGH_LAYERS = 3 };
    struct infer_case c;
    struct infer_outcome o;
    decode_case(setup, step->without, &c);
    c.closed_form = !step->simulated;
    c.layers = c.cfg.simulate_layers || c.closed_form ? (uint32_t)c.cfg.simulate_layers : ENOUGH_LAYERS;
    if (infer_case_run(run, &c, &o, diag))
        return -1;
    struct result_cell *row = result_add_row(t);
    row[COL_STEP].text = step->without != PART_GAPS
                             ? step->name
                             : arena_printf(run->arena, "%s of %lld", step->name, (long long)c.cfg.decode.context);
    row[COL_DISPATCH].value = o.account.exchange_s[0];
    row[COL_COMBINE].value = o.account.exchange_s[1];
    row[COL_COMM].value = row[COL_DISPATCH].value + row[COL_COMBINE].value;
    row[COL_LAYER].value = o.account.layer.step_s;
    finish_row(t, row, o.step_s);
    return 0;
}

static int add_decode_rows(struct kind_run *run, struct result_table *t, struct diag *diag)
{
    struct infer_setup setup;
    if (infer_setup_open(run->file, run->arena, &setup, diag))
        return -1;
    bool simulates = run->file->scenario->sim.network != NET_BOUND;
    shared_cache_begin(); /* rows draw the same tokens (infer_amounts.h) */
    for (int i = 0; i < N_DECODE_STEPS; i++)
        if ((!decode_steps[i].simulated || simulates) && add_decode_row(run, &setup, &decode_steps[i], t, diag))
            return -1;
    const struct result_cell *last = t->cells + (t->n_rows - 1) * N_COL;
    struct result_metric *m =
        result_add_metric(&run->result, run->arena, "tpot_decode", last[COL_TPOT].value, DIM_TIME,
                          "a decoding step with all that the table lists", "the table's last row");
    result_add_input(m, run->arena, "context", (double)infer_cfg(run->file->scenario)->decode.context, DIM_COUNT,
                     "inference.decode.context");
    result_add_metric(&run->result, run->arena, "tokens_per_second_decode", last[COL_SPEED].value, DIM_RATIO,
                      "of one user", "1 / tpot_decode");
    result_add_metric(&run->result, run->arena, "decode_over_bound", last[COL_TPOT].value / t->cells[COL_TPOT].value,
                      DIM_RATIO, "product of all of the table's factors", "tpot_decode / tpot_bound");
    result_add_note(
        &run->result, run->arena,
        "whole steps: dispatch and combine are exchanges from the last posting to the last arrival, without "
        "the low-latency kernels' own time, which is on the computing stream");
    return 0;
}

/* --- metrics ------------------------------------------------------------------------------------------------ */

static void add_bound(struct kind_run *run, const struct result_cell *row)
{
    const struct scenario *sc = run->file->scenario;
    struct result_metric *m =
        result_add_metric(&run->result, run->arena, "comm_time_bound", row[COL_COMM].value, DIM_TIME,
                          "the two all-to-alls of a layer, one micro-batch (paper 2.3.2)",
                          "(1 B + 2 B) * tokens * copies * hidden / bandwidth");
    result_add_input(m, run->arena, "tokens", (double)tpot_cfg(sc)->tokens, DIM_COUNT, "tpot.tokens");
    result_add_input(m, run->arena, "copies", (double)tpot_cfg(sc)->copies, DIM_COUNT, "tpot.copies");
    result_add_input(m, run->arena, "hidden", (double)hidden_of(tpot_cfg(sc), STEP_BOUND), DIM_COUNT,
                     "tpot.hidden, tpot.hidden_rounding");
    result_add_input(m, run->arena, "bandwidth", line_Bps(&sc->cluster), DIM_BANDWIDTH,
                     sc->cluster.nodes > 1 ? "cluster.nic.bandwidth" : "cluster.node.nvlink_bandwidth");
    result_add_metric(&run->result, run->arena, "layer_bound", row[COL_LAYER].value, DIM_TIME,
                      "a layer: two micro-batches in turn", "2 * comm_time_bound");
    result_add_metric(&run->result, run->arena, "tpot_bound", row[COL_TPOT].value, DIM_TIME, "time per output token",
                      "layer_bound * layers");
    result_add_metric(&run->result, run->arena, "tokens_per_second_bound", row[COL_SPEED].value, DIM_RATIO,
                      "of one user", "1 / tpot_bound");
}

static void add_simulated(struct kind_run *run, const struct result_cell *bound, const struct result_cell *last)
{
    result_add_metric(&run->result, run->arena, "tpot_simulated", last[COL_TPOT].value, DIM_TIME,
                      "communication with all that the table lists of it", "2 * comm_time * layers");
    result_add_metric(&run->result, run->arena, "tokens_per_second_simulated", last[COL_SPEED].value, DIM_RATIO,
                      "of one user", "1 / tpot_simulated");
    result_add_metric(&run->result, run->arena, "over_bound", last[COL_COMM].value / bound[COL_COMM].value, DIM_RATIO,
                      "product of its factors", "tpot_simulated / tpot_bound");
}

/* The paper's sum knows the NIC only. */
static void note_narrower(struct kind_run *run)
{
    struct cluster_hw bare = run->file->scenario->cluster;
    drop_protocol(&bare);
    double path_Bps = hw_nic_payload_Bps(&bare);
    if (bare.nodes > 1 && path_Bps < line_Bps(&bare))
        result_add_note(
            &run->result, run->arena,
            arena_printf(run->arena,
                         "the bound takes the NIC's %.4g GB/s, as the paper does; behind it a switch port or "
                         "PCIe lets through %.4g GB/s, so that no machine comes near it",
                         line_Bps(&bare) / 1e9, path_Bps / 1e9));
}

static int run_tpot(struct kind_run *run, struct diag *diag)
{
    const struct scenario *sc = run->file->scenario;
    bool rounded = hidden_of(tpot_cfg(sc), STEP_BOUND) != tpot_cfg(sc)->hidden;
    run->result.kind = "tpot_bound";
    run->result.setting = arena_printf(
        run->arena, "%lld %s on %s, %s", (long long)(sc->cluster.nodes * sc->cluster.node.gpus), sc->cluster.chip.name,
        sc->cluster.topology, sc->cluster.nodes > 1 ? "all copies through the NICs" : "all copies over NVLink");
    struct result_table *t = result_add_table(&run->result, run->arena, "bridge", "from the bound to the machine",
                                              columns, N_COL, N_STEPS + N_DECODE_STEPS);
    progress_begin("simulating");
    for (int step = 0; step < (tpot_cfg(sc)->bridge ? N_STEPS : STEP_LINKS); step++)
        if ((step != STEP_HIDDEN || rounded) && add_row(run, t, (enum step)step, diag))
            return -1;
    add_bound(run, t->cells);
    note_narrower(run);
    result_add_note(&run->result, run->arena,
                    has_computation(sc) ? "factors are of this order of steps"
                                        : "computation is left out, as in the paper's bound; factors are of this "
                                          "order of steps");
    if (!tpot_cfg(sc)->bridge)
        return 0;
    add_simulated(run, t->cells, t->cells + (t->n_rows - 1) * N_COL);
    if (has_computation(sc) && add_decode_rows(run, t, diag))
        return -1;
    result_add_note(&run->result, run->arena,
                    "the kernels' own time (cluster.ep_kernel.low_latency_*) was calibrated at 128 tokens of an "
                    "H800; what of it moves bytes in memory is scaled, the rest is taken as fixed: with fewer tokens, "
                    "and on other chips, 'posting and kernels' is a guess on the slow side");
    return 0;
}

static const char *const headlines[] = {"tpot_bound", NULL};

const struct scenario_kind kind_tpot_bound = {
    .name = "tpot_bound",
    .doc = "the bound of decoding speed, and the way from it to the machine",
    .ref = "2.3.2",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys, .only = READS_DECODING},
            {.keys = &llm_keys, .if_model = true},
            {.keys = &tpot_keys},
            {.keys = &expert_load_keys, .if_model = true},
            {.keys = &infer_keys,
             .if_model = true,
             .only = "routing tp shared_replicas node_limited loopback memory_reserve host_gap eager share_layers "
                     "simulate_layers decode.context decode.extra_tokens decode.launch_gap"},
            {0}},
    .needs = (const struct kind_needs[]){NEEDS_OF_POSTING(""), NEEDS_OF_LATENCY, NEEDS_OF_STEPS, {0}},
    .presets = "sim: {epsilon: 0.003}", /* see kind_inference.c */
    .between = "over_bound",
    .headlines = headlines,
    .check = check,
    .run = run_tpot,
};
