/* Where the time of a step goes. */
#ifndef MOESIM_KINDS_INFER_INFER_ACCOUNT_H
#define MOESIM_KINDS_INFER_INFER_ACCOUNT_H

#include "kinds/infer/infer_step.h"

/* Mean over ranks of what their streams did, all layers; parts sum to step_s. */
struct infer_parts {
    double stage_s[N_STAGES];
    double tp_s; /* exchanges of TP groups */
    /* dispatch, combine: the stream waited for bytes on their way, for ranks that had
     * not sent them */
    double exposed_s[2], waiting_s[2];
    double launch_s; /* the CPU had not launched the next stage */
    double idle_s;   /* at the end: other ranks still work */
    double step_s;
};

struct infer_account {
    struct infer_parts total;
    struct infer_parts layer; /* mean of a layer with experts, all its micro-batches */
    uint32_t n_layers;        /* that it is the mean of */
    double squares_s2;        /* of what they differ from their mean, summed; NAN: too few, or of several kinds */
    double exchange_s[2];     /* dispatch, combine: from the last posting to the last
                                 arrival, mean */
    double span_s[2];  /* kernels with hooks: from the sending kernel's start to the receiving kernel's end, mean */
    bool periodic;     /* the last layers took the same times to the bit's neighbourhood */
    bool extrapolated; /* the program has fewer layers than the model */
    double missing_error_s; /* then: standard deviation of what total may be off, as layers scatter; 0: not known */
};

/* What a model's layers that are not in the program take is added to the total. */
void infer_account(const struct infer_step *s, const struct infer_times *t, struct infer_account *out);

/* One of several runs that the layers are divided among: `total` is of this run, `layer` the mean of all but its first
 * `warming_up` layers and the last. */
void infer_account_run(const struct infer_step *s, const struct infer_times *t, uint32_t warming_up,
                       struct infer_account *out);

/* Another run's layers come behind the total, which begins and ends as the model does. */
void infer_account_add(struct infer_account *to, const struct infer_account *run);
/* `missing` layers more take the mean. */
void infer_account_extend(struct infer_account *a, uint32_t missing);

#endif
