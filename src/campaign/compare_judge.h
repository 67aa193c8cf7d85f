/* Whether a value moved, and for the worse. */
#ifndef MOESIM_CAMPAIGN_COMPARE_JUDGE_H
#define MOESIM_CAMPAIGN_COMPARE_JUDGE_H

#include "campaign/compare.h"
#include "io/results/items.h"

/* Beyond the tolerance that the options give it. */
bool compare_moved(const struct compare_options *o, const struct item *a, const struct item *b);
enum compare_better compare_better(const struct compare_options *o, const struct item *i);
/* Of two that moved: whether it counts under these options. */
bool compare_counts_as_worse(const struct compare_options *o, const struct item *a, const struct item *b);

#endif
