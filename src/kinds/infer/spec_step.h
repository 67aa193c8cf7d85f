/* Steps of speculative decoding: verifying predicted tokens, and predicting them with MTP modules (paper 2.3.3). */
#ifndef MOESIM_KINDS_INFER_SPEC_STEP_H
#define MOESIM_KINDS_INFER_SPEC_STEP_H

#include "kinds/infer/infer_run.h"

/* A step without speculation, and what a module is made of. */
struct spec_plain {
    int64_t batch, context;
    bool closed_form; /* instead of simulated */
    double step_s;
    double layer_s, head_s; /* a layer with experts; the head, for the batch */
    double gap_s;           /* before a kernel */
    const struct kernel_model *kernels;
};

int spec_plain(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context, bool closed_form,
               struct spec_plain *out, struct diag *diag);

struct spec_step {
    double verify_s; /* the model on 1 + extra tokens of each sequence */
    double draft_s;  /* the modules: extra passes, one after the other */
};

/* Adds the modules and the tokens that are right to a step that verifies inference.decode.extra_tokens; nothing where
 * inference.decode.acceptance is 0. */
int spec_count(struct kind_run *run, const struct infer_case *c, struct infer_outcome *o, struct diag *diag);

/* 0, or -1 with the reason; what does not fit was reported by the case's check. */
int spec_step(struct kind_run *run, const struct infer_setup *setup, const struct spec_plain *plain, int64_t extra,
              struct spec_step *out, struct diag *diag);

/* Tokens that a step yields on average: 1 + p + ... + p^extra. */
double spec_tokens(double acceptance, int64_t extra);

#endif
