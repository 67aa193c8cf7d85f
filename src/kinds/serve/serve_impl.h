/* Inside serve_run. */
#ifndef MOESIM_KINDS_SERVE_SERVE_IMPL_H
#define MOESIM_KINDS_SERVE_SERVE_IMPL_H

#include <gsl/gsl_rng.h>

#include "sim/event_queue.h"
#include "kinds/serve/serve.h"

#define SERVE_NONE UINT32_MAX

struct serve_fifo {
    uint32_t head, tail; /* requests, through next[] */
};

struct serve_rank {
    /* prefill */
    struct serve_fifo waiting;
    double waiting_tokens; /* new tokens of those, less what is done of the first */
    /* decoding */
    uint32_t *active,
        n_active;        /* sequences whose caches are here; in plain decoding a heap by the step that ends them */
    double cached;       /* positions of their caches */
    uint32_t n_stepping; /* the first of them: in the step that runs; the others have come since */
    uint32_t reserved;   /* sequences: active ones and those on their way */
    double kv_used;
    double link_free_s; /* its NIC has sent what it had to */
};

struct serve_unit {
    uint32_t first_rank, n_ranks;
    uint32_t slot; /* in the event queue */
    bool prefills, decodes;
    bool busy;
    bool has_decode;                   /* the step that runs */
    uint32_t steps;                    /* of decoding, that have begun */
    double fullest_tokens, all_tokens; /* its prefill: of the fullest rank, of all */
    uint32_t *finishing, n_finishing;  /* prompts that are done at its end */
    gsl_rng *rng;
};

struct serve {
    const struct serve_spec *spec;
    struct serve_outcome *out;
    struct arena *arena;
    struct event_queue queue;
    struct serve_unit *units;
    struct serve_rank *ranks;
    uint32_t n_units, n_ranks;
    uint32_t next_arrival;
    uint32_t first_transfer;     /* slot of request 0's transfer */
    struct serve_fifo admission; /* prefilled, waiting for a decoding rank */
    /* of requests */
    uint32_t *next, *rank; /* in a list; where it is or goes */
    double *left;          /* new tokens of its prompt that are not prefilled */
    uint32_t *generated;
    uint32_t *last_step; /* plain decoding (a token a step): the step of its unit that ends it */
};

uint32_t serve_new_tokens(const struct serve_spec *spec, uint32_t request); /* at least 1 */
double serve_kv_positions(const struct serve_spec *spec, uint32_t request);

uint32_t serve_unit_of(const struct serve *s, uint32_t rank);
void serve_fifo_push(struct serve *s, struct serve_fifo *f, uint32_t request);
uint32_t serve_fifo_pop(struct serve *s, struct serve_fifo *f);

/* Begins a step of an idle unit that has work. */
void serve_step_begin(struct serve *s, uint32_t unit, double now_s);
/* Ends it: tokens come out, sequences end. */
void serve_step_end(struct serve *s, uint32_t unit, double now_s);

/* Tokens came out of a step. */
void serve_count_tokens(struct serve *s, uint32_t n, double now_s);
/* A sequence whose cache is there takes part of the steps that begin from now on. */
void serve_join(struct serve *s, uint32_t request, double now_s);
/* A prompt is prefilled; it goes on to decoding. */
void serve_prefilled(struct serve *s, uint32_t request, double now_s);
/* A sequence has its place no more. */
void serve_release(struct serve *s, uint32_t request, double now_s);
bool serve_has_room(const struct serve *s, const struct serve_rank *r, uint32_t request);
void serve_reserve(struct serve *s, uint32_t rank, uint32_t request, double now_s);

#endif
