#include "kinds/network/collective_cfg.h"

#include "base/cfg_rows.h"

#include "kinds/network/collective_fields.h"

static const char *const symmetry_names[] = {"off", "exact", NULL};

static const struct cfg_field collective_fields[] = {
    JOB_FIELDS(collective_cfg, job),
    ROW_TEXT(collective_cfg, "topologies", topologies, "",
             "networks to compare, for example 'mpft, mrft'; empty = cluster.topology"),
    ROW_TEXT(collective_cfg, "gpus", gpus, "",
             "how many GPUs, for example '32, 64, 128'; empty = all of cluster.nodes"),
    ROW_AMOUNT(collective_cfg, "from", from_B, DIM_BYTES, "1 MiB", 1, 1e15, "smallest size, as nccl-tests counts"),
    ROW_AMOUNT(collective_cfg, "to", to_B, DIM_BYTES, "1 MiB", 1, 1e15, "largest size; each is twice the one before"),
    ROW_CHOICE(collective_cfg, "symmetry", symmetry, "off", symmetry_names,
               "exact: where all GPUs are alike, follow one GPU's traffic: direct all_to_all among all GPUs, static "
               "routing; for tens of thousands of GPUs"),
    {0}};

static const struct cfg_table collective_table = {"collective", "A collective over a range of sizes",
                                                  sizeof(struct collective_cfg), collective_fields};
const struct kind_keys collective_keys = {"collective", &collective_table,
                                          "kind collective: an operation over sizes, GPUs and networks"};

static const struct cfg_field mixed_job_fields[] = {
    JOB_FIELDS(mixed_job, job),
    ROW_AMOUNT(mixed_job, "size", size_B, DIM_BYTES, "64 MiB", 1, 1e15, "size, as nccl-tests counts"),
    ROW_CHOICE(mixed_job, "traffic", traffic, "expert", hw_traffic_names,
               "what kind of traffic it is: its class is that of cluster.traffic"),
    {0}};

static const struct cfg_table mixed_job_table = {"job", "one of the two kinds of traffic", sizeof(struct mixed_job),
                                                 mixed_job_fields};

static const struct cfg_field mixed_fields[] = {
    ROW_PART(mixed_cfg, "first", first, mixed_job_table, "what runs beside the second"),
    ROW_PART(mixed_cfg, "second", second, mixed_job_table, "what runs beside the first"),
    {0}};

static const struct cfg_table mixed_table = {"mixed", "Two collectives at once", sizeof(struct mixed_cfg),
                                             mixed_fields};
const struct kind_keys mixed_keys = {"mixed", &mixed_table, "kind mixed_traffic: two collectives at once"};

uint32_t collective_n_groups(const struct collective_job *job, uint32_t n)
{
    return job->group ? n / (uint32_t)job->group : 1;
}

uint32_t collective_group(const struct collective_job *job, uint32_t n, uint32_t group, uint32_t *ranks)
{
    uint32_t size = job->group ? (uint32_t)job->group : n;
    uint32_t stride = job->group ? (uint32_t)job->group_stride : 1;
    uint32_t first = group / stride * stride * size + group % stride;
    for (uint32_t i = 0; i < size; i++)
        ranks[i] = first + i * stride;
    return size;
}
