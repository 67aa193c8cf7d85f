/* What the reader and the writer of our trace format share. */
#ifndef MOESIM_IO_TRACE_TRACE_FILE_PRIV_H
#define MOESIM_IO_TRACE_TRACE_FILE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "io/json_stream.h"
#include "io/trace/trace_set.h"
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

/* To the first key of the outermost object; NULL after an error, or without a stream. */
const char *trace_first_key(struct json_stream *js);
/* Whether a file whose first key this is has our format. */
bool trace_is_own(const char *first_key);
/* Continues behind that key: the trace, or all of a set. 0 or -1. */
int trace_read_own(struct json_stream *js, const char *first_key, struct trace_list *out, struct arena *arena);

#endif
