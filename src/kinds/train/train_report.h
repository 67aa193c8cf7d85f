/* The result of a training step: Table 4 of the paper, and where the time goes. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_REPORT_H
#define MOESIM_KINDS_TRAIN_TRAIN_REPORT_H

#include "kinds/train/train_deal.h"
#include "kinds/train/train_run.h"

/* How the bubble comes about: its formula, then steps that are less and less simple. */
enum { N_BRIDGE = 4 };
extern const struct train_variant train_bridge[N_BRIDGE];

struct train_report {
    struct kind_run *run;
    const struct train_plan *plan;
    const struct train_times *times;
    const struct train_outcome *outcomes; /* [n_networks] */
    const struct train_outcome *bridge;   /* [N_BRIDGE] on the first network */
    const struct train_deal *deal;        /* of layers to stages */
};

/* Fills run->result. */
void train_report(const struct train_report *r);

/* --- what its files share ---------------------------------------------------------------------------------- */

/* The rows of Table 4. */
enum train_figure {
    FIGURE_TOKENS,
    FIGURE_F,
    FIGURE_BUBBLE,
    FIGURE_B,
    FIGURE_W,
    FIGURE_FB,
    FIGURE_OPT,
    FIGURE_FULL_FLOPS,
    FIGURE_CAUSAL_FLOPS,
    FIGURE_FULL_MFU,
    FIGURE_CAUSAL_MFU,
    N_FIGURES
};

struct train_figures {
    double value[N_FIGURES];
};

struct train_figure_type {
    const char *name;
    enum unit_dim dim;
    const char *doc, *formula, *class;
    const char *missing; /* what a miss may come from; NULL: it is arithmetic */
};
extern const struct train_figure_type train_figure_types[N_FIGURES];

struct train_figures train_figures_of(const struct train_plan *p, const struct train_outcome *o,
                                      const struct train_row *row);
/* The paper's; NULL when there is nothing to compare. */
const struct train_figures *train_published(const struct train_plan *p, const struct train_network *network);
/* The row that metrics are of, and what it is called. */
const struct train_row *train_reported(const struct train_plan *p, const struct train_outcome *o);
const char *train_reported_name(const struct train_plan *p, struct arena *arena);
/* The published formula with this run's mean times. */
double train_formula_bubble_s(const struct train_report *r);

void train_report_tables(const struct train_report *r);

#endif
