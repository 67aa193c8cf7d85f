/* A result as a flat list of named values, for comparing: of `moesim run --json`, `moesim claims --json`, or of a
 * point of a sweep. */
#ifndef MOESIM_IO_RESULTS_ITEMS_H
#define MOESIM_IO_RESULTS_ITEMS_H

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

struct item {
    const char *key;  /* "metric tpot", "bridge[+ latency of the path].comm_time", "claim table1.v3 verdict" */
    const char *name; /* of the metric, column or claim */
    const char *text; /* NULL: a number */
    double number;    /* NaN = nothing is said */
    enum unit_dim dim;
};

struct item_list {
    struct item *items;
    uint32_t n, cap;
    struct arena *arena;
};

void items_of_result(const struct result *r, struct item_list *out);
/* 0, or -1 with the reason in diag. */
int items_of_file(const char *json_path, struct item_list *out, struct diag *diag);

#endif
