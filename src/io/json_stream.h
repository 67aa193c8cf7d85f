/* Reading JSON files of any size at constant memory: the caller walks objects and arrays
 * and cuts out one value at a time, which cJSON then parses. Files may be compressed with
 * gzip, whatever their name. All problems are reported once, with line and column; after
 * the first one every call fails. */
#ifndef MOESIM_IO_JSON_STREAM_H
#define MOESIM_IO_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/diag.h"

struct json_stream;

/* The path must outlive the diag. NULL when the file cannot be read or is no file. */
struct json_stream *json_open(const char *path, struct diag *diag);
/* The same on bytes in memory, uncompressed; `name` is used in messages. */
struct json_stream *json_open_memory(const void *bytes, size_t len, const char *name, struct diag *diag);
/* The text was made of a file that has no lines: messages name the file only. */
void json_hide_places(struct json_stream *js);
void json_close(struct json_stream *js); /* NULL is allowed */

/* Enters the object or array that starts here. 0 or -1. */
int json_enter_object(struct json_stream *js);
int json_enter_array(struct json_stream *js);
/* Moves to the next member of the object that was entered: 1 and its key, 0 after the
 * last, -1 on errors. The caller must consume the value before the next call. The key
 * lives until the next call. */
int json_next_member(struct json_stream *js, const char **key);
/* Moves to the next element of the array that was entered: 1, 0 after the last, or -1. */
int json_next_element(struct json_stream *js);
/* Parses the value that starts here; NULL on errors, also when its text is longer than
 * limit_B. Free with cJSON_Delete. */
cJSON *json_value(struct json_stream *js, size_t limit_B);
/* Steps over the value that starts here, however long it is. 0 or -1. */
int json_skip(struct json_stream *js);
/* After the outermost value: nothing else may follow. 0 or -1. */
int json_finish(struct json_stream *js);

/* Where the last value (json_value, json_skip) started. */
struct srcloc json_where(const struct json_stream *js);
struct diag *json_diag(const struct json_stream *js);

/* Typed members of a parsed value; `what` names the value in messages. Each returns 0, or
 * -1 after an error at json_where(). A missing member is an error where `required`, else
 * *out keeps what it holds. */
int json_number(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required,
                double min, double max, double *out);
int json_int(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required, int64_t min,
             int64_t max, int64_t *out);
/* The text lives as long as the parsed value. It is UTF-8 without control characters. */
int json_string(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required,
                const char **out);

#endif
