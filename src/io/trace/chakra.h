/* Chakra execution traces (MLCommons; et_def.proto), what ASTRA-sim runs: a message of metadata, then one a node, each
 * behind its length. A node is an operation with its dependencies, when it began and how long it took, and attributes by
 * name. Ours are beside Chakra's where a node has no place for what a replay needs (times to the nanosecond, phases):
 * other programs do not mind them. */
#ifndef MOESIM_IO_TRACE_CHAKRA_H
#define MOESIM_IO_TRACE_CHAKRA_H

#include "base/arena.h"
#include "base/diag.h"
#include "models/trace_set.h"

enum chakra_node { CHAKRA_METADATA = 1, CHAKRA_LOAD, CHAKRA_STORE, CHAKRA_COMP, CHAKRA_SEND, CHAKRA_RECV, CHAKRA_COLL };

/* Chakra's number of a collective; -1: it has none. */
int chakra_collective(enum trace_operation operation);
enum trace_operation chakra_operation(uint64_t collective);

/* Writes a trace of one rank. 0 or -1. */
int chakra_write(const struct trace *trace, const char *path, struct diag *diag);
/* The file of one of several ranks: "run.et" becomes "run.3.et". */
const char *chakra_rank_file(const char *path, int32_t rank, struct arena *arena);
/* The same of several, a file a rank: all or none. */
int chakra_write_set(const struct trace_set *set, const char *path, struct arena *arena, struct diag *diag);

#endif
