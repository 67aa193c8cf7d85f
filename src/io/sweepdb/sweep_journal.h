/* What a sweep has done so far: a file beside the result to be, RESULT.part, that survives kill -9 at any
 * moment and power failure but for the last second; `--resume` goes on from it. It is SQLite with a
 * write-ahead log, one transaction per point, locked for one process at a time. Its schema is nobody's
 * business: when all points are there the result is written from it and it goes away. */
#ifndef MOESIM_IO_SWEEPDB_SWEEP_JOURNAL_H
#define MOESIM_IO_SWEEPDB_SWEEP_JOURNAL_H

#include <stdbool.h>

#include "io/sweepdb/sweep_db.h"

/* What a child has said, line by line: see sweep_record.h. */
struct sweep_entry {
    uint32_t point;
    int exit_code;
    const char *sha256, *resolved, *outcome;
};

struct sweep_journal;

/* `path` is the result's; NULL: nothing is kept. An existing journal is continued when `resume` is set and it is
 * of the same design and program; else it is an error, or dropped when `drop` is set. */
struct sweep_journal *sweep_journal_open(const char *path, const struct sweep_about *about, bool resume, bool drop,
                                         struct diag *diag);
/* On disk when it returns 0; -1 with the reason in diag. */
int sweep_journal_put(struct sweep_journal *j, const struct sweep_entry *entry, struct diag *diag);
/* A file that points depend on. -1 when it had another SHA-256 before. */
int sweep_journal_add_file(struct sweep_journal *j, const char *path, const char *sha256, struct diag *diag);
struct sweep_file *sweep_journal_files(struct sweep_journal *j, struct arena *arena, uint32_t *n);
/* False when the point is not there. */
bool sweep_journal_get(struct sweep_journal *j, uint32_t point, struct arena *arena, struct sweep_entry *out);
/* Calls fn with each entry that is there, without resolved and outcome. */
void sweep_journal_each(struct sweep_journal *j, void (*fn)(void *ctx, const struct sweep_entry *entry), void *ctx);
int sweep_journal_drop_failed(struct sweep_journal *j, struct diag *diag);
/* `done`: the result is written, the journal is not needed any more. */
void sweep_journal_close(struct sweep_journal *j, bool done);

#endif
