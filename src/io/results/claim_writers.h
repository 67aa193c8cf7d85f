/* What became of claims, for people (text, Markdown, LaTeX) and programs (JSON, JUnit XML). */
#ifndef MOESIM_IO_RESULTS_CLAIM_WRITERS_H
#define MOESIM_IO_RESULTS_CLAIM_WRITERS_H

#include "base/outfile.h"
#include "io/results/claim_file.h"

enum verdict {
    VERDICT_OK,          /* it holds */
    VERDICT_MISS,        /* it does not, and did not before: ours is the baseline */
    VERDICT_DISPUTED,    /* it cannot hold as printed; ours is the baseline */
    VERDICT_UNVALIDATED, /* ours goes the way that the paper expects, and nothing measured is there to hold it against */
    VERDICT_REGRESSED,   /* it holds no more, or ours moved away from the baseline */
    VERDICT_ERROR,       /* no number: the command failed or does not print it */
    N_VERDICTS
};
extern const char *const verdict_names[];

struct claim_result {
    const struct claim *claim;
    enum verdict verdict;
    double ours, other;     /* in the claim's unit; NaN = none */
    double deviation_ratio; /* ours over the paper's value, bound or other's - 1; NaN = none; 0 within bounds */
    uint32_t n_seeds;       /* 0: the number depends on none, or nobody asked */
    double mean, half;      /* over the seeds, in the claim's unit; half of the 95 % interval */
    const char *arithmetic; /* how ours came about: "516.096 / 70.272", or what a failing command said; "" */
    const char *message;    /* why it regressed or failed; "" */
    double wall_s;          /* of the command, which other claims may share */
};

struct claim_results {
    struct claim_result *results;
    uint32_t n;
    uint32_t count[N_VERDICTS];
    uint32_t n_runs;
    double wall_s;
};

/* What the paper says, in words: "120.96 us", ">= 40 GB/s", "below 22.4". Owned by the arena. */
const char *claim_paper_text(const struct claim_result *r, struct arena *arena);
/* A value in the claim's unit, "120.96 us"; "-" when there is none. */
const char *claim_value_text(const struct claim *c, double value, struct arena *arena);
/* "+0.30 %"; "-" when there is none. */
const char *claim_deviation_text(const struct claim_result *r, struct arena *arena);
/* "mean of 5 seeds 128.7 +- 0.9 ms (95 %)"; "" without. */
const char *claim_interval_text(const struct claim_result *r, struct arena *arena);
/* "516.096 / 70.272 = 7.344 x"; "" when there is nothing to compute. */
const char *claim_sum_text(const struct claim_result *r, struct arena *arena);

typedef void claim_writer(const struct claim_results *r, struct arena *arena, struct outfile *f);
claim_writer claims_write_text, claims_write_detail, claims_write_json, claims_write_junit, claims_write_markdown,
    claims_write_latex;

#endif
