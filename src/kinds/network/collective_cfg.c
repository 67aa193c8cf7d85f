#include "kinds/network/collective_cfg.h"

#include "kinds/network/collective_fields.h"

#define SIZE(table, key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = offsetof(struct table, member), .dflt = preset, \
        .min = 1, .max = 1e15, .doc = text \
    }

#define LIST(key, member, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct collective_cfg, member), .dflt = "", .doc = text \
    }

static const char *const symmetry_names[] = {"off", "exact", NULL};

static const struct cfg_field collective_fields[] = {
    JOB_FIELDS(collective_cfg, job),
    LIST("topologies", topologies, "networks to compare, for example 'mpft, mrft'; empty = cluster.topology"),
    LIST("gpus", gpus, "how many GPUs, for example '32, 64, 128'; empty = all of cluster.nodes"),
    SIZE(collective_cfg, "from", from_B, "1 MiB", "smallest size, as nccl-tests counts"),
    SIZE(collective_cfg, "to", to_B, "1 MiB", "largest size; each is twice the one before"),
    {.name = "symmetry",
     .type = CFG_ENUM,
     .offset = offsetof(struct collective_cfg, symmetry),
     .dflt = "off",
     .choices = symmetry_names,
     .doc = "exact: where all GPUs are alike, follow one GPU's traffic: direct all_to_all among all GPUs, "
            "static routing; for tens of thousands of GPUs"},
    {0}};

static const struct cfg_table collective_table = {"collective", "A collective over a range of sizes",
                                                  sizeof(struct collective_cfg), collective_fields};
const struct kind_keys collective_keys = {"collective", &collective_table,
                                          "kind collective: an operation over sizes, GPUs and networks"};

static const struct cfg_field mixed_job_fields[] = {
    JOB_FIELDS(mixed_job, job),
    SIZE(mixed_job, "size", size_B, "64 MiB", "size, as nccl-tests counts"),
    {.name = "traffic",
     .type = CFG_ENUM,
     .offset = offsetof(struct mixed_job, traffic),
     .dflt = "expert",
     .choices = hw_traffic_names,
     .doc = "what kind of traffic it is: its class is that of cluster.traffic"},
    {0}};

static const struct cfg_table mixed_job_table = {"job", "one of the two kinds of traffic", sizeof(struct mixed_job),
                                                 mixed_job_fields};

static const struct cfg_field mixed_fields[] = {{.name = "first",
                                                 .type = CFG_TABLE,
                                                 .offset = offsetof(struct mixed_cfg, first),
                                                 .sub = &mixed_job_table,
                                                 .doc = "what runs beside the second"},
                                                {.name = "second",
                                                 .type = CFG_TABLE,
                                                 .offset = offsetof(struct mixed_cfg, second),
                                                 .sub = &mixed_job_table,
                                                 .doc = "what runs beside the first"},
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
