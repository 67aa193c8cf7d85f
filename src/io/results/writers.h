/* A result for people and programs: text, JSON, CSV, and the explanation of one metric. */
#ifndef MOESIM_IO_RESULTS_WRITERS_H
#define MOESIM_IO_RESULTS_WRITERS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "io/scenario.h"
#include "sim/result.h"

/* The report on a terminal; `detail` adds the phases of each layer. */
void result_print_text(const struct result *result, const struct scenario_file *scenario, bool detail, FILE *out);

/* The JSON document is a contract with other programs: later versions add, never rename. Same input,
 * same bytes. 0, or -1 with one error. */
int result_write_json(const struct result *result, const struct scenario_file *scenario, const char *path,
                      struct diag *diag);

/* One table for pandas or R: table,name,layer,value,unit,recorded. */
int result_write_csv(const struct result *result, const char *path, struct diag *diag);

/* Numbers for the text of a paper, as macros of LaTeX, and a table of their sources. */
int result_write_latex(const struct result *result, const struct scenario_file *scenario, const char *path,
                       struct diag *diag);

/* One table by itself: for people; as JSON or, by the ending of `path`, as CSV or LaTeX. `notes` hold for all
 * rows (NULL-terminated; NULL: none); they are for LaTeX, as comments. */
void result_print_table(const struct result_table *table, FILE *out);
int result_write_table(const struct result_table *table, const char *const *notes, const char *path, struct diag *diag);

/* Formula, numbers and sources of one metric. Unknown metric: EXIT_USAGE with the list. */
int result_explain(const struct result *result, const struct scenario_file *scenario, const char *metric, FILE *out,
                   struct diag *diag);

#endif
