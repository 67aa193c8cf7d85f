/* Tables for LaTeX: rules of booktabs, numbers aligned, units in the head, for \input{}. */
#ifndef MOESIM_IO_RESULTS_LATEX_H
#define MOESIM_IO_RESULTS_LATEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/outfile.h"
#include "sim/result.h"

/* How a column looks; all 0: as its numbers ask for. */
struct latex_column {
    const char *head;  /* NULL: the column's name, without its tables, in words */
    const char *group; /* neighbours of one group stand under one head; NULL: none */
    const char *unit;  /* of the numbers as they are shown; NULL: found by the numbers */
    double scale;      /* numbers are divided by it; 0: by what makes the unit */
    bool fixed;        /* `decimals` are shown; else what the smallest number, or the interval, needs */
    int decimals;
    double share; /* of the line, of a column with long texts; 0: 0.3 */
    bool point;   /* texts that are numbers: aligned at the point */
};

struct latex_about {
    const char *caption;                /* plain text, a sentence without its point; version and command follow */
    const char *label;                  /* "table3" makes \label{tab:table3}; NULL: of the table's name */
    const struct latex_column *columns; /* [n_columns] of the table; NULL: all 0 */
    const char *const *notes;           /* what holds for all rows, as comments; NULL-terminated; NULL: none */
};

/* Text as text: what LaTeX reads as markup is escaped; control characters and bytes that are no UTF-8 become '?'. */
void latex_text(struct outfile *f, const char *text);
/* The same in typewriter letters, with places where a line may break. */
void latex_code(struct outfile *f, const char *text);

/* A floating table, or one over pages (longtable) of many rows. A column NAME.ci95 behind NAME is half of its interval:
 * both are one column, "47.1 +- 0.3". */
void latex_table(struct outfile *f, const struct result_table *table, const struct latex_about *about,
                 struct arena *arena);

/* A line that LaTeX does not read: what made the file, and which packages it needs ("" = none). */
void latex_comment(struct outfile *f, const char *packages, struct arena *arena);
/* "us" -> "\u00b5s", alone or behind a number. */
const char *unit_in_print(const char *unit, struct arena *arena);
/* "cluster.node.nvlink_bandwidth" -> "nvlink bandwidth": for heads and axes. */
const char *words_of_key(const char *key, struct arena *arena);

#endif
