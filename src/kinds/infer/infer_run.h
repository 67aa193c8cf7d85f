/* Steps of inference of a scenario: laid out, simulated (or in closed form with
 * sim.network: bound) and accounted. For kinds that need the time of a step at other
 * batches or contexts than the scenario's, too. */
#ifndef MOESIM_KINDS_INFER_INFER_RUN_H
#define MOESIM_KINDS_INFER_INFER_RUN_H

#include "kinds/infer/infer_account.h"
#include "kinds/infer/infer_kv.h"
#include "kinds/expert_loads.h"
#include "kinds/kind_run.h"

/* What all steps of a scenario share. */
struct infer_setup {
    const struct scenario_file *file;
    struct kernel_table table;
    struct expert_loads loads;
    const struct infer_gate **gate; /* made by the first run */
};

/* Reads tables of kernels and of experts' loads; 0, or -1 with errors at their keys. */
int infer_setup_open(const struct scenario_file *file, struct arena *arena, struct infer_setup *out, struct diag *diag);

/* One step: which, and on what. */
struct infer_case {
    const struct infer_setup *setup;
    struct infer_cfg cfg; /* the scenario's, or changed */
    struct cluster_hw hw; /* the nodes of the phase */
    bool prefill;
    bool closed_form;   /* whatever sim.network says */
    uint32_t layers;    /* with experts that are in the program; 0 = as cfg says */
    unsigned left_out;  /* bits of enum infer_part */
    struct infer_kv kv; /* prefill: where caches go; not with fewer layers */
    bool account_alone; /* nobody looks at more of the outcome than its account, step_s and kernels */
};

/* The scenario's step of a phase. */
void infer_case_of(const struct infer_setup *setup, bool prefill, struct infer_case *out);
/* Reports what does not fit together, capacity of memory included. 0 or -1. */
int infer_case_check(const struct infer_case *c, struct arena *arena, struct diag *diag);

/* The memory of a case whose numbers fit together, whether it has room or not. */
struct infer_memory infer_case_memory(const struct infer_case *c, struct arena *arena);

struct infer_outcome {
    struct infer_step step;
    struct infer_memory memory;
    struct infer_account account;
    double step_s;          /* account.total.step_s, draft_s and inference.host_gap */
    double draft_s;         /* modules that predict extra tokens; 0 = not counted */
    double tokens_per_step; /* of a sequence */
    const struct kernel_model *kernels;
    double kv_B;     /* of caches that a rank sends */
    uint32_t blocks; /* runs that the layers were divided among; 0: one */
    double kv_end_s; /* when the last of them has arrived; 0 = none are sent */
};

/* Runs a case that fits. Everything is the arena's of the run. */
int infer_case_run(struct kind_run *run, const struct infer_case *c, struct infer_outcome *out, struct diag *diag);

/* For tables of step times: seconds of a decoding step with `batch` sequences of each
 * GPU (of any even number with two micro-batches), `context` cached positions and
 * `extra` tokens verified beside the one generated; of a prefill of `tokens` positions
 * of each GPU from prompts of `prompt` positions, `cached_ratio` of them in a cache. As
 * many layers with experts as inference.simulate_layers (0: all) under sim.network; -1
 * with the reason, also when it does not fit. */
int infer_decode_time(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context,
                      int64_t extra, double *step_s, struct diag *diag);
int infer_prefill_time(struct kind_run *run, const struct infer_setup *setup, int64_t tokens, int64_t prompt,
                       double cached_ratio, double *step_s, struct diag *diag);

#endif
