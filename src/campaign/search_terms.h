/* Conditions of a search: "tpot <= 50 ms and memory fits and mfu_causal >= 0.3".
 *
 *   NAME OP VALUE   OP is <=, <, >=, > or =; NAME a metric of the result, VALUE with its unit
 *   memory fits     metric `memory` <= cluster.chip.memory; kinds that refuse what does not fit say so themselves */
#ifndef MOESIM_CAMPAIGN_SEARCH_TERMS_H
#define MOESIM_CAMPAIGN_SEARCH_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "sim/result.h"

struct search_term {
    const char *text; /* the condition as written */
    const char *name;
    const char *op;    /* "<=" ... */
    const char *value; /* as written; read once the metric's dimension is known */
    double limit;      /* SI */
    bool fits;         /* memory fits */
};

/* NULL with the reason in diag; *n terms. */
struct search_term *search_terms_parse(const char *text, uint32_t *n, struct arena *arena, struct diag *diag);
/* Reads the value as one of the metric's dimension. 0 or -1. */
int search_term_read(struct search_term *t, enum unit_dim dim, struct diag *diag);
bool search_term_holds(const struct search_term *t, double value);

/* What a value under network model bound says of the simulated one. */
enum search_side { SEARCH_SAYS_NOTHING, SEARCH_AT_LEAST, SEARCH_AT_MOST };
/* Times are never below their bound, rates never above. Prices and powers follow rates of hardware, so that of a subspace,
 * bounded with the fastest hardware in it, they say nothing. */
enum search_side search_side_of(const char *metric, enum unit_dim dim, bool is_point);
/* Whether no simulated value with that bound can hold. */
bool search_term_is_broken(const struct search_term *t, double bound, enum search_side side);

#endif
