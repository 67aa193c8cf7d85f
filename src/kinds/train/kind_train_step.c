/* Kind train_step: one step of training on the whole cluster (paper 4.2, Table 4).
 *
 * Chunks are simulated kernel by kernel on a group of GPUs (train_chunks.c); a step is a schedule of such chunks with
 * messages between pipeline ranks, then the exchange of gradients and parameters, on the whole network
 * (train_run.c). */
#include "kinds/kind_run.h"
#include "kinds/lists.h"
#include "kinds/result_build.h"
#include "kinds/train/train_report.h"
#include "kinds/reads.h"

/* Without one that is named: as DeepSeek-V3 was trained. */
static void note_exchange(struct kind_run *run, const struct train_plan *plan)
{
    const struct ep_kernel_type *k =
        plan->exchange.kernel ? plan->exchange.kernel : ep_kernel_find("deepep_normal_2025_02");
    result_add_note(&run->result, run->arena, kind_exchange_text(k, &run->file->scenario->cluster, run->arena));
}

/* By train.without. */
static const struct train_variant variants[] = {
    [WITHOUT_NOTHING] = {.name = "as it is"},
    [WITHOUT_EXCHANGES] = {.name = "exchanges of experts take no time", .no_exchange = true},
    [WITHOUT_TENSOR] = {.name = "tensor and context parallelism take no time", .no_tensor = true},
    [WITHOUT_MESSAGES] = {.name = "messages between pipeline ranks take no time", .instant = true},
    [WITHOUT_END] = {.name = "gradients, optimizer, parameters and host take no time", .no_sync = true},
    [WITHOUT_HOST] = {.name = "the host takes no time", .no_host = true},
    [WITHOUT_BACKWARD] =
        {.name = "an evaluation: forward chunks only, operands cast by rows only; memory is the training's",
         .no_sync = true},
};

static const struct kind_change changes[] = {
    {"exchanges of experts take no time", "train.without=exchanges"},
    {"tensor and context parallelism take no time", "train.without=tensor"},
    {"every GPU computes like the mean", "train.jitter.gpu_cv=0"},
    {"messages between pipeline ranks take no time", "train.without=messages"},
    {"gradients, optimizer, parameters and host take no time", "train.without=end"},
    {"the host takes no time", "train.without=host"},
    {0},
};

static int run_step(struct kind_run *run, struct diag *diag)
{
    struct train_plan opened;
    struct train_deal deal;
    if (train_plan_open(run, &opened, diag))
        return -1;
    const struct train_variant *variant = &variants[opened.layout.cfg->without];
    if (train_deal(run, &opened, variant, &deal, diag))
        return -1;
    const struct train_plan *plan = deal.ways[deal.best].plan;
    const struct train_times *times = deal.ways[deal.best].times;
    run->origins = plan->origins;
    if (deal.n_ways > 1)
        run->settled = arena_printf(run->arena, "train.layers=%s",
                                    train_counts_text(deal.ways[deal.best].counts, plan->layout.n_stages, run->arena));
    struct train_outcome *outcomes = ARENA_ARRAY(run->arena, struct train_outcome, plan->n_networks);
    struct train_outcome bridge[N_BRIDGE];
    struct critical_path *critical = run->critical;
    run->critical = NULL; /* not of steps that leave things out */
    for (int i = 0; i < N_BRIDGE; i++)
        if (train_run(run, plan, times, 0, &train_bridge[i], &bridge[i], diag))
            return -1;
    run->critical = critical;
    for (uint32_t n = plan->n_networks; n-- > 0;) /* the first comes last: it is what a timeline shows */
        if (train_run(run, plan, times, n, variant, &outcomes[n], diag))
            return -1;
    train_report(&(struct train_report){run, plan, times, outcomes, bridge, &deal});
    if (plan->layout.model->experts.routed)
        note_exchange(run, plan);
    if (plan->layout.cfg->without != WITHOUT_NOTHING)
        result_add_note(&run->result, run->arena, arena_printf(run->arena, "%s (train.without)", variant->name));
    return 0;
}

static const char *const headlines[] = {"step_time", NULL};
static const char *const quick[] = {"train.topologies=", "train.chunks.samples=1", NULL};

/* Exchanges of a trace are by DeepEP as published, whatever the hardware's kernel. */
#define RECORDED "train.chunks.source=trace cluster.ep_kernel.kernel=auto"

/* The first of the list is what the step's metrics, its cost too, are of. */
static bool has_topology(const struct scenario *s)
{
    return list_has_topology(train_cfg(s)->topologies, s);
}

const struct scenario_kind kind_train_step = {
    .name = "train_step",
    .doc = "one step of training: pipeline schedule, chunks, messages, gradients, optimizer",
    .ref = "4.2, 5.1.2",
    .reads =
        (const struct kind_reads[]){
            {.keys = &cluster_keys,
             .only =
                 READS_NETWORK " " READS_KERNELS " " READS_NO_DECODING " chip.memory " READS_EXCHANGES
                               " -ep_kernel.latency_kernel -ep_kernel.forward_sms -ep_kernel.dispatch_format" READS_COST
                               " -ep_kernel.low_latency_dispatch -ep_kernel.low_latency_combine "
                               "-ep_kernel.low_latency_initiator"
                               " software -software.chunk -software.nccl"},
            {.keys = &llm_keys,
             .only = "name source layers dense_layers hidden vocab dense_ffn mtp_layers "
                     "tied_embeddings weight attention -attention.decode -attention.kv_value "
                     "-attention.kv_scale -attention.kv_block -attention.kv_rope moe "
                     "attention_pattern network_pattern dense_kind dense_gated dense_bias blocks "
                     "residual_streams"},
            {.keys = &train_keys},
            {0}},
    .needs =
        (const struct kind_needs[]){
            {.keys = "cluster.ep_kernel.copy_per_sm cluster.ep_kernel.barrier "
                     "cluster.ep_kernel.chunk_tokens cluster.ep_kernel.codec "
                     "cluster.ep_kernel.codec_overhead cluster.ep_kernel.multicast cluster.ep_kernel.reduction "
                     "cluster.ep_kernel.offload -cluster.ep_kernel.offload.cast -cluster.ep_kernel.offload.layout",
             .condition = RECORDED " | " OF_MANY(OLD_NORMAL) " | " NAMED(OLD_NORMAL),
             .beside = true},
            {.keys = "cluster.ep_kernel.sms",
             .condition = RECORDED " | " OF_MANY("!=" WITHOUT_SMS) " | " NAMED("!=auto," WITHOUT_SMS)},
            {.keys = "cluster.ep_kernel.ordering", .condition = OF_MANY("=uccl") " | " NAMED("=uccl")},
            {.keys = "cluster.topology", .condition = "train.topologies=", .agrees = has_topology},
            {0}},
    .networks = "train.topologies",
    .between = "bubble bubble_formula opt_time",
    .headlines = headlines,
    .changes = changes,
    .quick = quick,
    .check = train_plan_check,
    .run = run_step,
};
