/* Import of a PyTorch profiler (Kineto) trace: one rank's kernels, what each waited for,
 * and which part of the model it belongs to. */
#ifndef MOESIM_IO_INPUTS_KINETO_H
#define MOESIM_IO_INPUTS_KINETO_H

#include "base/arena.h"
#include "base/diag.h"
#include "io/json_stream.h"
#include "io/trace/trace_classes.h"
#include "models/trace.h"

/* The stream stands behind the first key of the outermost object. NULL after errors.
 * What is worth knowing but no error (kernels without a class) becomes a warning. */
struct trace *kineto_import(struct json_stream *js, const char *first_key, const struct class_table *classes,
                            struct arena *arena);

#endif
