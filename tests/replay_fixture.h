/* A small made-up trace (two layer pairs of one rank of EP16, times in round
 * microseconds) and the two-node cluster to replay it on. */
#ifndef MOESIM_TESTS_REPLAY_FIXTURE_H
#define MOESIM_TESTS_REPLAY_FIXTURE_H

#include "kinds/replay/replay_result.h"

enum replay_class { /* index into the trace's classes */
                    RC_GEMM_FP8,
                    RC_FLASH_BF16,
                    RC_CAST,   /* memory-bound, on the communication stream */
                    RC_NORM,   /* memory-bound */
                    RC_SMALL,  /* latency-bound */
                    RC_SWIGLU, /* memory-bound, per token */
                    RC_NOTIFY,
                    RC_DISPATCH_CACHED,
                    RC_DISPATCH,
                    RC_COMBINE,
                    RC_COUNT
};

enum { REPLAY_RANKS = 16, REPLAY_LAYERS = 2 };

struct replay_fixture {
    struct arena *arena;
    struct diag *diag;
    struct trace trace;
    struct replay_cfg cfg;
    struct recorded_gpu gpu; /* its numbers are those of cfg.recorded_on */
    struct replay_reading reading;
    struct cluster_hw hw;
    struct topology topo;
    struct opgraph *graph;
    struct replay_info info;
    struct sim_outcome outcome;
    uint64_t seed;
};

struct replay_fixture *replay_fixture_new(void);
void replay_fixture_free(struct replay_fixture *f);
/* replay_build into a new graph; its return value. */
int replay_fixture_build(struct replay_fixture *f);
/* Builds and runs; fails the test when either does. */
void replay_fixture_run(struct replay_fixture *f);

#endif
