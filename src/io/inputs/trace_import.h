/* Traces out of files of any format, of one rank or several. */
#ifndef MOESIM_IO_INPUTS_TRACE_IMPORT_H
#define MOESIM_IO_INPUTS_TRACE_IMPORT_H

#include "base/arena.h"
#include "base/diag.h"
#include "io/trace/trace_classes.h"
#include "models/trace_set.h"

/* Files, or folders whose files all are of one run (what is no trace is named and left out). user_classes (or NULL) is a
 * class table that goes before the shipped one. The paths must outlive the diag. NULL after errors. */
struct trace_set *trace_import_all(const char *const *paths, int n, const char *user_classes, struct arena *arena,
                                   struct diag *diag);
/* One file of one rank. */
struct trace *trace_import(const char *path, const char *user_classes, struct arena *arena, struct diag *diag);
/* From memory, of the formats that are JSON, with a table that was read already. */
struct trace_set *trace_import_memory(const void *bytes, size_t len, const char *name,
                                      const struct class_table *classes, struct arena *arena, struct diag *diag);

#endif
