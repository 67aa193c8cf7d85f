/* The keys of a struct collective_job inside the table of another struct. */
#ifndef MOESIM_KINDS_NETWORK_COLLECTIVE_FIELDS_H
#define MOESIM_KINDS_NETWORK_COLLECTIVE_FIELDS_H

#define JOB_FIELDS(table, job) \
    {.name = "operation", \
     .type = CFG_ENUM, \
     .offset = offsetof(struct table, job.operation), \
     .dflt = "all_to_all", \
     .choices = collective_operation_names, \
     .doc = "all_to_all, all_gather, reduce_scatter, all_reduce, broadcast, send_recv"}, \
        {.name = "algorithm", \
         .type = CFG_ENUM, \
         .offset = offsetof(struct table, job.algorithm), \
         .dflt = "auto", \
         .choices = collective_algorithm_names, \
         .doc = "auto (direct for all_to_all and send_recv, else ring), ring, tree, direct, " \
                "hierarchical"}, \
        {.name = "pxn", \
         .type = CFG_BOOL, \
         .offset = offsetof(struct table, job.pxn), \
         .dflt = "true", \
         .doc = "traffic to another rail goes over NVLink first (NCCL's PXN)"}, \
        {.name = "group", \
         .type = CFG_INT, \
         .offset = offsetof(struct table, job.group), \
         .dflt = "0", \
         .min = 0, \
         .max = 1 << 20, \
         .doc = "GPUs of a group; all groups run at once; 0 = all GPUs are one group"}, \
        {.name = "group_stride", \
         .type = CFG_INT, \
         .offset = offsetof(struct table, job.group_stride), \
         .dflt = "1", \
         .min = 1, \
         .max = 1 << 20, \
         .doc = "distance of a group's members: 1 = neighbours, GPUs of a node = one rail"}, \
    { \
        .name = "receiver_cv", .type = CFG_QUANTITY, .dim = DIM_RATIO, \
        .offset = offsetof(struct table, job.receiver_cv_ratio), .dflt = "0", .min = 0, .max = 2, \
        .doc = "all_to_all: coefficient of variation of what receivers get (sampled, lognormal)" \
    }

#endif
