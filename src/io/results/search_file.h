/* The JSON that 'moesim search -o' writes: the table of the best, and what was asked, so that shards can be merged. */
#ifndef MOESIM_IO_RESULTS_SEARCH_FILE_H
#define MOESIM_IO_RESULTS_SEARCH_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

enum { SEARCH_FILE_OBJECTIVES = 4 };

struct search_file {
    const char *question;     /* design, objectives, conditions: the same in all shards of a search */
    uint32_t shard, n_shards; /* 0: not divided */
    uint32_t top, n_objectives;
    uint32_t first_objective; /* its column of the table; the others follow */
    bool is_max[SEARCH_FILE_OBJECTIVES];
    double *order; /* [rows of the table] number of the point: equal ones are ranked by it */
    double points, invalid, bounds, simulated, failed;
    struct result_table *table;
};

/* 0, or -1 with the reason in diag. What is read is the arena's. */
int search_file_write(const struct search_file *s, const char *path, struct diag *diag);
int search_file_read(const char *path, struct arena *arena, struct search_file *out, struct diag *diag);

#endif
