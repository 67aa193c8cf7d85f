/* Arithmetic over the JSON that a command prints: how a claim says which number it is about.
 *
 *   comm_time_bound                                   a metric of a result
 *   sizes[network=mpft, gpus=128, size=4 KiB].busbw   a column of a table, of the rows that match
 *   rows[model=deepseek_v3].kv_KB * 1 KB              any other document by its keys; numbers may have a unit
 *   max(policies[policy=ecmp].busbw / policies[policy=static].busbw)
 *
 * A selector may match several rows; + - * / then work row by row, and min, max, mean, sum, spread, count, first
 * and last make one number of them. All values are SI. */
#ifndef MOESIM_IO_JSON_EXPR_H
#define MOESIM_IO_JSON_EXPR_H

#include "base/arena.h"
#include "base/diag.h"

struct json_doc;
/* NULL when the text is no JSON object. */
struct json_doc *json_doc_parse(const char *text, size_t len);
/* A document with nothing in it. */
struct json_doc *json_doc_new(void);
/* What stands at the root beside what the command printed. */
void json_doc_set(struct json_doc *doc, const char *key, double value);
void json_doc_free(struct json_doc *doc); /* NULL is allowed */

struct json_expr;
/* `where` is the place of the text's first character, for messages. NULL with the reasons in diag. */
struct json_expr *json_expr_parse(const char *text, struct srcloc where, struct arena *arena, struct diag *diag);

struct json_answer {
    double value;
    const char *arithmetic; /* the expression with its numbers: "516.096 / 70.272"; "" when it is a lone number */
    const char *unit;       /* SI, of a lone metric or cell of a table; NULL where the document does not tell */
};
/* 0, or -1 with one line in *why. Strings are owned by the arena. */
int json_expr_eval(const struct json_expr *expr, const struct json_doc *doc, struct arena *arena,
                   struct json_answer *out, const char **why);

#endif
