/* The keys of a struct collective_job inside the table of another struct. */
#ifndef MOESIM_KINDS_NETWORK_COLLECTIVE_FIELDS_H
#define MOESIM_KINDS_NETWORK_COLLECTIVE_FIELDS_H

#include "base/cfg_rows.h"

#define JOB_FIELDS(table, job) \
    ROW_CHOICE(table, "operation", job.operation, "all_to_all", collective_operation_names, \
               "all_to_all, all_gather, reduce_scatter, all_reduce, broadcast, send_recv"), \
        ROW_CHOICE(table, "algorithm", job.algorithm, "auto", collective_algorithm_names, \
                   "auto (what NCCL would do; direct for send_recv), ring, tree, direct, hierarchical"), \
        ROW_FLAG(table, "pxn", job.pxn, "true", "traffic to another rail goes over NVLink first (NCCL's PXN)"), \
        ROW_COUNT(table, "group", job.group, "0", 0, 1 << 20, \
                  "GPUs of a group; all groups run at once; 0 = all GPUs are one group"), \
        ROW_COUNT(table, "group_stride", job.group_stride, "1", 1, 1 << 20, \
                  "distance of a group's members: 1 = neighbours, GPUs of a node = one rail", .needs = ".group>0"), \
        ROW_RATIO(table, "receiver_cv", job.receiver_cv_ratio, "0", 0, 2, \
                  "all_to_all: coefficient of variation of what receivers get (sampled, lognormal)", \
                  .needs = ".operation=all_to_all")

#endif
