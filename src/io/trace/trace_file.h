/* Trace files. Our own format is small versioned JSON with the facts that a replay needs:
 *
 *   {"trace_version": 2,          must come first; 1 has no groups, messages and column "message"
 *    "name": "...", "source": "...", "device": "NVIDIA H800",            texts
 *    "world_size": 64, "rank": 0, "sms": 132,                            0 = unknown
 *    "hidden": 7168, "seq_len": 4096, "experts": 256, "experts_per_token": 8, "ep": 64,
 *    "streams": ["compute", "compute2", "communication"],
 *    "phases": ["combine(B)", "attn(F)", ...],
 *    "classes": [{"name": "norm", "bound": "memory"},
 *                {"name": "a2a_combine", "bound": "communication", "collective": "combine"},
 *                {"name": "moe_permute", "bound": "memory", "per_token": true}, ...],
 *    "groups": [{"name": "0", "ranks": [0, 1, 2, 3]}, {"name": "ep", "size": 64}],
 *    "messages": [{"operation": "all_to_all", "group": 0, "bytes": 4096, "sequence": 7,
 *                  "splits": [1024, 0, 2048, 1024]}, ...],
 *    "columns": ["class", "stream", "phase", "layer", "start_us", "duration_us",
 *                "launch_us", "grid", "blocks", "rows", "deps", "launch_after", "message"],
 *    "kernels": [
 *      [7, 2, 0, 1, 0, 52, -23, [4096, 1, 1], 2112],
 *      ...
 *      [3, 0, 2, 1, 5312, 25, 3649, [112, 1, 1], 112, 0, [12], null]]}
 *
 * A kernel is a row of `columns`; the last four may be left out from the end where they are
 * 0, [] and null. class, stream, phase and message are indices from 0 into the lists before (phase and message
 * null: none), deps and launch_after indices of earlier rows. Of a message all but its operation may be missing: who
 * takes part, how much, to whom ("peer"), the number of the call. Rows are sorted by start;
 * times are microseconds from the first start, written to the nanosecond. What the columns
 * mean is said in models/trace.h. `columns` is for people and must be as above.
 * A file whose name ends in .gz is written compressed; compressed files are read whatever
 * their name. Kernel names, operators and tensors are not kept. */
#ifndef MOESIM_IO_TRACE_TRACE_FILE_H
#define MOESIM_IO_TRACE_TRACE_FILE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"
#include "models/trace_set.h"

/* A file of several ranks holds such objects on one clock:
 *
 *   {"trace_set_version": 1, "traces": [{"origin_us": 0, "trace": {"trace_version": 2, ...}}, ...]}
 *
 * Reads either. NULL after errors, which are reported. The path must outlive the diag. */
struct trace_set *trace_set_read(const char *path, struct arena *arena, struct diag *diag);
/* Reads a file of one rank. */
struct trace *trace_read(const char *path, struct arena *arena, struct diag *diag);

/* Writes our format; the same trace gives the same bytes. 0, or -1 after an error. */
int trace_write(const struct trace *trace, const char *path, struct diag *diag);
/* The same of several ranks; of one, as trace_write. */
int trace_set_write(const struct trace_set *set, const char *path, struct diag *diag);

#endif
