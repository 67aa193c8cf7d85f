/* Points and subspaces of a search evaluated, many at once, each in a child of its own. */
#ifndef MOESIM_CAMPAIGN_SEARCH_EVAL_H
#define MOESIM_CAMPAIGN_SEARCH_EVAL_H

#include "campaign/search.h"
#include "campaign/search_space.h"

enum search_state {
    SEARCH_INVALID, /* the scenario's checks refuse it */
    SEARCH_UNKNOWN, /* the model does not answer */
    SEARCH_FAILED,  /* it could not be looked at: a file that cannot be read, no memory. Says nothing about the point */
    SEARCH_FOUND
};

struct search_answer {
    enum search_state state;
    double metric[SEARCH_MAX_METRICS]; /* NaN: the result has no such metric */
    int dim[SEARCH_MAX_METRICS];       /* enum unit_dim; -1: it has not */
    char why[240];                     /* not FOUND: the first error */
    char near[64];                     /* the metric that the result has and whose name is like the first missing one */
    char lacks[400];                   /* why the first missing one is missing, of costs (kind_cost_lacks) */
};

struct search_evaluation {
    const struct search_space *space;
    const char *const *metrics; /* names; SEARCH_MEMORY: memory over what the chip has, of the fullest GPU */
    uint32_t n_metrics;
    bool bound;    /* by network model bound, and a subspace by its best corner; else as the scenario says */
    bool at_worst; /* only whether the worst corner is valid */
    uint32_t jobs;
};

#define SEARCH_MEMORY "memory_used"

/* answers[i] of nodes[i]. 0, or -1 with the reason in diag. */
int search_evaluate(const struct search_evaluation *e, struct search_node *const *nodes, uint32_t n,
                    struct search_answer *answers, struct diag *diag);

#endif
