/* struct result to JSON and back: of the document that `moesim run --json` prints, and of what a sweep's child
 * sends to its parent. */
#ifndef MOESIM_IO_RESULTS_RESULT_JSON_H
#define MOESIM_IO_RESULTS_RESULT_JSON_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "sim/result.h"

/* metrics, breakdown, phases, tables and notes as members of root */
void result_to_json(cJSON *root, const struct result *r);
/* name, doc, columns and rows of one table */
void table_to_json(cJSON *to, const struct result_table *t);
/* What of these root holds; formulas and their inputs are not in the document. 0, or -1 with a one-line
 * reason when it is no result. */
int result_table_from_json(const cJSON *table, struct arena *arena, struct result_table *out, const char **why);
int result_from_json(const cJSON *root, struct arena *arena, struct result *out, const char **why);

#endif
