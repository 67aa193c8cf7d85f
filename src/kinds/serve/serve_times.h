/* Step times of a service: simulated at the points of serving.grid, interpolated between them. */
#ifndef MOESIM_KINDS_SERVE_SERVE_TIMES_H
#define MOESIM_KINDS_SERVE_SERVE_TIMES_H

#include "kinds/serve/step_table.h"
#include "sim/result.h"
#include "kinds/infer/infer_run.h"

struct serve_grid {
    uint32_t *batch, n_batch, *context, n_context, *tokens, n_tokens, *prompt, n_prompt; /* ascending */
    uint32_t *before, n_before; /* n_before > 0: prefill by chunks behind so many positions, not by prompts */
    bool is_cut;                /* because whole prompts do not fit (serve_grid_cut) */
};

/* Reads the lists of serving.grid; 0, or -1 with errors at their keys. */
int serve_grid_read(const struct scenario_file *file, struct arena *arena, struct serve_grid *out, struct diag *diag);

/* Where prompts are so long that they do not fit whole beside each other, their steps are chunks, behind nothing and behind
 * each of serving.grid.prompt: `before`, unless the scenario gives it. */
void serve_grid_cut(const struct infer_setup *setup, struct serve_grid *g, struct arena *arena);

/* Reports points that cannot run: of decoding those with the shortest context; longer ones may not fit. 0 or -1. */
int serve_grid_check(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena,
                     struct diag *diag);

/* Positions of a GPU's cache, beside everything else in its memory. */
double serve_kv_capacity(const struct infer_setup *setup, const struct serve_grid *g, struct arena *arena);

struct serve_tables {
    struct step_table prefill, decode;
};

/* Simulates the points; the rows of the result's table "steps" list them. Points of decoding that do not fit the
 * memory are left out. 0 or -1. */
int serve_tables_make(struct kind_run *run, const struct infer_setup *setup, const struct serve_grid *g,
                      struct serve_tables *out, struct diag *diag);

#endif
