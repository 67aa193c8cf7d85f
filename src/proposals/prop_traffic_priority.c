/* Traffic classes on NVLink, PCIe and the network (paper 4.5.2 (1), 6.3 (5)): what a step waits for goes first. */
#include "proposals/parameters.h"
#include "proposals/proposal.h"

struct parameters {
    int64_t expert, tensor, pipeline, gradient, kv_cache;
};

static const struct cfg_field fields[] = {
    ROW_COUNT(parameters, "expert", expert, "0", 0, 3, "priority of dispatch and combine, 0 first"),
    ROW_COUNT(parameters, "tensor", tensor, "0", 0, 3, "of tensor parallelism"),
    ROW_COUNT(parameters, "pipeline", pipeline, "1", 0, 3, "of pipeline parallelism"),
    ROW_COUNT(parameters, "gradient", gradient, "2", 0, 3, "of data parallelism"),
    ROW_COUNT(parameters, "kv_cache", kv_cache, "3", 0, 3, "of KV caches"),
    {0}};
PARAMETERS("traffic_priority", fields);

static void apply(struct proposal_change *c, const void *parameters)
{
    const struct parameters *p = parameters;
    proposal_set_number(c, "cluster.traffic.expert", (double)p->expert);
    proposal_set_number(c, "cluster.traffic.tensor", (double)p->tensor);
    proposal_set_number(c, "cluster.traffic.pipeline", (double)p->pipeline);
    proposal_set_number(c, "cluster.traffic.gradient", (double)p->gradient);
    proposal_set_number(c, "cluster.traffic.kv_cache", (double)p->kv_cache);
}

const struct proposal prop_traffic_priority = {
    .name = "traffic_priority",
    .doc = "traffic in classes by its kind, the better class first on every link",
    .ref = "4.5.2",
    .mechanism = PROPOSAL_POLICY,
    .parameters = &table,
    .kinds = "inference kv_contention mixed_traffic serving",
    .apply = apply,
    .trial = {.scenario = "scenarios/kv_contention.yaml", .metric = "dispatch_p99", .better = BETTER_LOWER},
    .assumption = "20 GB/s of caches per GPU; a PCIe switch takes turns between its ports without classes",
};
