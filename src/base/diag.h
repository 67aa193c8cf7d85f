/* Diagnostics: every user-visible error is reported once, by whoever decides it is an
 * error, as file:line:column: error: what is wrong; what to write instead offending
 * source line
 *             ^
 * A diag collects all errors of one input so that a user sees them in one go. */
#ifndef MOESIM_BASE_DIAG_H
#define MOESIM_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit codes of the program; a diag carries the one its first error asks for. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_NO = 1,        /* the answer is no: a claim failed, compare differs */
    EXIT_USAGE = 2,     /* command line */
    EXIT_BAD_INPUT = 3, /* scenario, trace, config */
    EXIT_IO = 4,        /* cannot read or write */
    EXIT_LIMIT = 5,     /* too large, out of memory */
    EXIT_BUG = 70,      /* our own mistake */
    EXIT_KILLED = 137   /* somebody sent SIGKILL, often the system for want of memory */
};

/* Where in which input; line and column count from 1, 0 = unknown. `text` is the whole
 * input (for the caret line) or NULL. The diag copies what it needs. */
struct srcloc {
    const char *file;
    const char *text;
    size_t text_len;
    int line, column;
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *d);

void diag_error(struct diag *d, enum exit_code code, struct srcloc where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_warning(struct diag *d, struct srcloc where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Until it is ended, warnings are dropped: what is tried is not what the user asked for. */
void diag_mute_warnings(struct diag *d, bool mute);
/* The messages of another diag as its text (diag_text), for example a child's: they have their places and "error:" already.
 * One without a place gets this diag's. */
void diag_relay(struct diag *d, enum exit_code code, const char *text);
/* An exit code without a message, when nothing else has failed: what there is to say was said elsewhere. */
void diag_exit(struct diag *d, enum exit_code code);
/* Errors without a place get this one from now on, e.g. that of the key which asked for
 * what failed. SRCLOC_NONE ends it; `where.text` must live until then. */
void diag_default_place(struct diag *d, struct srcloc where);
struct srcloc diag_place(const struct diag *d); /* that default */
/* For errors with no place in a file. */
#define SRCLOC_NONE ((struct srcloc){0})
#define SRCLOC_FILE(path) ((struct srcloc){.file = (path)})

bool diag_failed(const struct diag *d);
int diag_exit_code(const struct diag *d); /* EXIT_OK when nothing failed */
size_t diag_count(const struct diag *d);  /* errors, without warnings */
/* Prints everything collected so far to `out`, sorted by place, and forgets it was
 * unprinted. */
void diag_print(struct diag *d, FILE *out);
/* The messages as one string (for tests and for a child's report); owned by the diag,
 * valid until the next message. */
const char *diag_text(struct diag *d);

/* Our own mistake: prints file:line and ends the process with exit code 70. */
#define BUG(...) bug_die(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_IF(cond) \
    do { \
        if (cond) \
            BUG("unexpected: %s", #cond); \
    } while (0)
_Noreturn void bug_die(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Out of memory: says so, removes half-written output files and ends with exit code 5.
 */
_Noreturn void out_of_memory(void);
/* The result of malloc and its like, checked. */
static inline void *checked_alloc(void *p)
{
    if (!p)
        out_of_memory();
    return p;
}

#endif
