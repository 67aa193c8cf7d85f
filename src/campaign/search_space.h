/* The space of a search as a tree: axes with values chosen, relaxed ones still open. */
#ifndef MOESIM_CAMPAIGN_SEARCH_SPACE_H
#define MOESIM_CAMPAIGN_SEARCH_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign/design.h"

enum { SEARCH_OPEN = UINT32_MAX };

/* Groups of axes are a design's: axes that go together (zip) are one. */
struct search_space {
    const struct design *d;
    uint32_t n_groups;
    uint32_t *size; /* [n_groups] values */
    uint32_t *least,
        *most; /* [n_groups] of one that can be relaxed: its value that hurts most, and least; else SEARCH_OPEN */
};

/* A subspace: of each group the index of its value, or SEARCH_OPEN. */
struct search_node {
    uint32_t *at;
    double *bound;     /* of each objective, smaller is better; -INFINITY where nothing is known */
    uint64_t sequence; /* of being made: ties */
};

void search_space_open(struct search_space *s, const struct design *d, struct arena *arena);
/* Points of the subspace. */
double search_node_points(const struct search_space *s, const uint32_t *at);
/* The first open group; n_groups when it is a point. */
uint32_t search_node_open(const struct search_space *s, const uint32_t *at);
/* The next combination of what cannot be relaxed, the last group the fastest; false after the last. Begin with zeros, and
 * SEARCH_OPEN in the others. */
bool search_space_next(const struct search_space *s, uint32_t *at);
/* As -s, the design's own first; open groups have the value that hurts least (or most). */
const char **search_overrides(const struct search_space *s, const uint32_t *at, bool at_worst, int *n,
                              struct arena *arena);

#endif
