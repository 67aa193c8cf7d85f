/* A pool of forked children, one per piece of work. A child writes its answer into a stream; it comes back
 * over a pipe. A child that aborts, takes too long or is out of memory is an answer, too: what went wrong. */
#ifndef MOESIM_KINDS_POOL_H
#define MOESIM_KINDS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

struct pool_limits {
    uint32_t jobs;
    double time_s;     /* of one child; 0 = none */
    uint64_t memory_B; /* address space of each process of a child; 0 = none */
};

struct pool_answer {
    uint32_t id;
    char *data; /* what the child wrote, NUL-terminated; the caller frees it; when it died, up to a flush */
    size_t len;
    char *died;    /* NULL, or why, in words, with what it said on standard error last; the caller frees it */
    bool killed;   /* from outside, by SIGKILL: nothing is known about the work */
    bool by_limit; /* of time or memory */
};

typedef void pool_work_fn(void *ctx, uint32_t id, FILE *out);

struct pool *pool_new(const struct pool_limits *limits, pool_work_fn *work, void *ctx);
bool pool_is_full(const struct pool *p);
bool pool_is_empty(const struct pool *p);
/* Starts one child; the pool is not full. 0, or -1 with the reason in diag. */
int pool_start(struct pool *p, uint32_t id, struct diag *diag);
/* Waits up to timeout_s for a child to end. True with its answer; false when none ended or a signal came. */
bool pool_wait(struct pool *p, double timeout_s, struct pool_answer *answer);
/* Ends all children, answers are dropped. */
void pool_free(struct pool *p);

#endif
