/* A comparison for continuous integration. */
#ifndef MOESIM_CAMPAIGN_COMPARE_WRITE_H
#define MOESIM_CAMPAIGN_COMPARE_WRITE_H

#include "campaign/compare.h"

/* JUnit XML: a test per metric, column or claim, which fails when a value of that name moved; names stay the same
 * from run to run. 0 or -1. */
int compare_write_junit(const struct compare_counts *counts, const char *const files[2], const char *path,
                        struct diag *diag);
/* A page with a table of what moved. */
int compare_write_latex(const struct result_table *moved, const struct compare_counts *counts,
                        const char *const files[2], const char *path, struct diag *diag);
int compare_write_markdown(const struct result_table *moved, const struct compare_counts *counts,
                           const char *const files[2], const char *path, struct diag *diag);

#endif
