/* What the reader and the writer of our trace format share. */
#ifndef MOESIM_IO_TRACE_TRACE_FILE_PRIV_H
#define MOESIM_IO_TRACE_TRACE_FILE_PRIV_H

#include <stddef.h>

#include "io/json_stream.h"
#include "models/trace.h"

struct trace_member {
    const char *key;
    size_t offset; /* in struct trace */
};

extern const struct trace_member trace_texts[];   /* const char * ; end with key NULL */
extern const struct trace_member trace_numbers[]; /* int32_t */
extern const char *const trace_columns[];         /* NULL-terminated */

/* Continues behind the key "trace_version" of the outermost object. */
struct trace *trace_read_own(struct json_stream *js, struct arena *arena);

#endif
