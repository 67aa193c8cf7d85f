/* Output files appear whole or not at all: written to a temporary beside the target,
 * then renamed. Interrupted or failed, the temporary is removed (also on
 * SIGINT/SIGTERM). */
#ifndef MOESIM_BASE_OUTFILE_H
#define MOESIM_BASE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct outfile;

/* Whether a name has this ending (".json"), or has it before .gz: what is to be written. */
bool outfile_ends_in(const char *path, const char *ending);

/* Whether two paths are one file, there or not yet. */
bool outfile_same(const char *a, const char *b);

/* path "-" is standard output. A name that ends in .gz is compressed. A file that this process has read as an input
 * (input_files.h) is refused, here or, when it was read later, in outfile_close.
 * A target that is no regular file (/dev/full, a pipe) is written in place. NULL on
 * error. */
struct outfile *outfile_open(const char *path, struct diag *diag);
/* Whether that will succeed, before work that takes long: 0 or -1. */
int outfile_check(const char *path, struct diag *diag);
/* The same for an input that is meant to be replaced by what was made of it. */
struct outfile *outfile_open_over(const char *path, struct diag *diag);
void outfile_write(struct outfile *f, const void *data, size_t len); /* errors are kept for close */
void outfile_printf(struct outfile *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Text as content or quoted attribute of HTML and XML; control characters that XML does not allow become '?'. */
void outfile_escaped(struct outfile *f, const char *s);
/* The temporary file, for a library that wants a path to write to; NULL where there is none: the target is
 * written in place. */
const char *outfile_temporary(const struct outfile *f);
/* Flush, fsync, rename. 0, or -1 with one located error; frees f. */
int outfile_close(struct outfile *f, struct diag *diag);
/* Files that belong together appear all or none: between the two, files that are closed keep their temporary names. `keep`
 * gives all of them their names, else they are removed, as the rest is when one cannot be named. 0, or -1 when not all
 * appeared. */
void outfile_batch_begin(void);
int outfile_batch_end(bool keep, struct diag *diag);
/* Drop what was written; frees f. */
void outfile_abandon(struct outfile *f);
/* Removes temporaries of all open outfiles; async-signal-safe, for the SIGINT handler.
 */
void outfile_abandon_all(void);

#endif
