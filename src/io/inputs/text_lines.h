/* Text files that others write, line by line, with places for messages. */
#ifndef MOESIM_IO_INPUTS_TEXT_LINES_H
#define MOESIM_IO_INPUTS_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"

struct text_lines {
    const char *path;
    const char *text; /* a NUL behind it */
    size_t len;
    const char *line; /* the current one, without its end, in the arena of the reader */
    int number;
    const char *next;
    struct arena *arena;
    struct diag *diag;
    bool failed; /* text_error was called */
};

/* A text that outlives the lines. */
struct text_lines text_lines_of(const char *path, const char *text, size_t len, struct arena *arena, struct diag *diag);
/* Goes to the next line; false at the end, or when something has failed. */
bool text_next(struct text_lines *t);
/* The place of the current line. */
struct srcloc text_where(const struct text_lines *t);
/* An error of the input at the current line; -1. */
int text_error(struct text_lines *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What stands between the first two double quotes at or behind `at`; NULL: nothing does. *end is behind the second. */
const char *text_quoted(const struct text_lines *t, const char *at, const char **end);

#endif
