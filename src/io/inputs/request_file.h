/* Requests to a service as others record them: Mooncake's JSONL, Azure's and BurstGPT's CSV, ServeGen's, results of the
 * benchmarks of vLLM and SGLang, our own CSV. Each format is a file of this folder that recognises its files by how they
 * begin; the unit of time is the format's, or stands in the name of a column. */
#ifndef MOESIM_IO_INPUTS_REQUEST_FILE_H
#define MOESIM_IO_INPUTS_REQUEST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct request_row {
    double arrival_s; /* from the first on, ascending */
    uint32_t prompt, output;
    uint32_t first_block, n_blocks; /* of `blocks` */
    size_t at;                      /* byte of the file where it stands */
};

struct request_rows {
    struct request_row *row;
    uint32_t n;
    int64_t *blocks; /* hashes of prompts' blocks, each with all before it */
    uint32_t n_blocks;
    uint32_t block_tokens; /* positions of one; 0: the file has none */
    const char *format;    /* for people: whose, and in which unit times are */
    uint32_t left_out;     /* rows without tokens */
    uint32_t most, most_blocks;
};

struct request_text {
    const char *text, *path;
    size_t len;
};

struct request_format {
    const char *name; /* "Mooncake's JSONL" */
    bool (*recognises)(const struct request_text *t);
    /* 0, or -1 with errors at their lines. Rows as they stand in the file, times in seconds. */
    int (*read)(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag);
};

extern const struct request_format request_jsonl, request_benchmark, request_csv;

/* Whether it is one of row_file.h: numbers alone, or arrival_s, prompt, output in this order; -1 with an error. */
int request_file_is_own(const char *path, struct diag *diag);
/* A whole file, gzip or not; checks order and lengths, and has the first request arrive at 0. 0, or -1 with errors. */
int request_file_read(const char *path, struct arena *arena, struct request_rows *out, struct diag *diag);
/* The same of text[len], which is NUL after len. */
int request_text_read(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag);

/* For readers. Where a byte stands; a row at the end (blocks: of n more); a number of tokens, or -1. */
struct srcloc request_place(const struct request_text *t, const char *at);
struct request_row *request_add(struct request_rows *r, struct arena *arena);
int64_t *request_add_blocks(struct request_rows *r, uint32_t n, struct arena *arena);
bool request_is_tokens(double value);

enum { REQUEST_MOST_TOKENS = 1 << 24 };

#endif
