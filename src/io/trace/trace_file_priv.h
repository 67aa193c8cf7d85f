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
extern const char *const trace_columns[];         /* NULL-terminated; version 1 lacks the last */

/* Groups and messages, in and out (trace_messages.c). */
struct outfile;
void trace_write_text(struct outfile *f, const char *text); /* quoted */
void trace_write_messages(struct outfile *f, const struct trace *t);
int trace_read_groups(struct json_stream *js, struct arena *arena, struct trace *t);
int trace_read_messages(struct json_stream *js, struct arena *arena, struct trace *t);

/* Continues behind the key "trace_version" of the outermost object. */
struct trace *trace_read_own(struct json_stream *js, struct arena *arena);

#endif
