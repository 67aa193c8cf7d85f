/* What users and GPUs of a service saw: tables and metrics of kind serving. */
#ifndef MOESIM_KINDS_SERVE_SERVE_REPORT_H
#define MOESIM_KINDS_SERVE_SERVE_REPORT_H

#include "io/inputs/request_file.h"
#include "kinds/serve/serve.h"
#include "kinds/serve/serve_times.h"

/* A service, ready to run. */
struct serve_plan {
    struct infer_setup setup;
    struct serve_grid grid;
    struct request *requests;
    uint32_t n, prefill_gpus, gpus;   /* of a unit */
    double kv_positions;              /* of a GPU */
    uint32_t max_batch;               /* of a GPU */
    uint32_t longest_prompt, longest; /* positions: prompt; prompt and output */
    uint32_t first;                   /* request that statistics begin with */
    const char *format;               /* of the file of requests; NULL: they were drawn */
    struct request_rows rows;         /* the file's, with hashes of blocks */
    uint64_t blocks, block_hits;      /* of prompts; found in the cache of prefixes */
    uint32_t evicted;                 /* blocks that it has forgotten */
};

/* Fills run->result. */
void serve_report(struct kind_run *run, const struct serve_plan *p, const struct serve_outcome *out);

#endif
