/* Files that others write: which format one has, and who reads it. Each format is a file of this folder that
 * recognises its files by how they begin. */
#ifndef MOESIM_IO_INPUTS_INPUT_H
#define MOESIM_IO_INPUTS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "io/trace/trace_set.h"

enum { INPUT_HEAD_B = 65536 };

struct input_head { /* the beginning of a file, unpacked */
    const char *path;
    size_t n;
    char bytes[INPUT_HEAD_B + 1]; /* a NUL behind the n-th */
};

/* 0, or -1 when the file cannot be read. The path must outlive the diag. */
int input_head_read(const char *path, struct input_head *out, struct diag *diag);
/* Whether the file is a JSON object; whose first key this is. */
bool input_is_object(const struct input_head *head);
bool input_first_key_is(const struct input_head *head, const char *key);

struct class_table;

enum input_result { INPUT_TRACE, INPUT_MODEL, INPUT_FABRIC };
/* What a file of a fabric is about; those that come later stand on those before. */
enum fabric_stage { FABRIC_NETWORK, FABRIC_TABLES, FABRIC_INSIDE };
struct fabric;

struct input_format {
    const char *name; /* "Kineto" */
    const char *doc;  /* what writes it */
    enum input_result makes;
    bool (*recognises)(const struct input_head *head);
    /* Of traces. 0, or -1 with the reasons. */
    int (*read_traces)(const char *path, const struct class_table *classes, struct trace_list *out, struct arena *arena,
                       struct diag *diag);
    /* Of fabrics: adds what the text says (a NUL behind it; it outlives the fabric). 0, or -1 with the reasons. */
    enum fabric_stage stage;
    bool in_parts;    /* several files may be one network */
    bool counts_open; /* it does not say how many cables and NICs there are: options do */
    int (*read_fabric)(const char *path, const char *text, size_t len, struct fabric *fabric, struct diag *diag);
};

extern const struct input_format input_own_trace, input_kineto, input_model_config, input_ibnetdiscover,
    input_ib_tables, input_slurm_conf, input_slurm_yaml, input_infragraph, input_nccl_topo, input_lstopo,
    input_nvidia_smi_topo, input_chakra, input_nsight;

/* A Chakra trace in memory (chakra.c). 0 or -1. */
int chakra_read_memory(const void *bytes, size_t len, const char *name, const struct class_table *classes,
                       struct trace_list *out, struct arena *arena, struct diag *diag);

/* An open database of Nsight Systems (nsight.c), which stays the caller's. 0 or -1. */
struct sqlite3;
int nsight_read_database(struct sqlite3 *db, const char *name, const struct class_table *classes,
                         struct trace_list *out, struct arena *arena, struct diag *diag);

/* Reads Kineto and our own format, whichever it is (trace_import.c). */
int input_read_json_traces(const char *path, const struct class_table *classes, struct trace_list *out,
                           struct arena *arena, struct diag *diag);

/* All, NULL-terminated, in the order in which they are asked. */
extern const struct input_format *const input_formats[];
/* NULL: nobody knows it. */
const struct input_format *input_recognise(const struct input_head *head);

#endif
