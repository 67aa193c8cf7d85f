/* The classification table: which class a kernel's name belongs to, what limits kernels of
 * that class, and what the importer cannot see in a trace but the kernel's author knows.
 * Rules are tried in order, the first match wins; a user's file goes before the shipped
 * configs/trace_classes.yaml, whose head explains the keys. */
#ifndef MOESIM_IO_TRACE_TRACE_CLASSES_H
#define MOESIM_IO_TRACE_TRACE_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

/* When a kernel's work is proportional to the rows that the rank's experts received. */
enum class_per_token {
    PER_TOKEN_NEVER,
    PER_TOKEN_ALWAYS,
    PER_TOKEN_GRID,    /* where its grid covers exactly the expert rows */
    PER_TOKEN_PERMUTE, /* where the kernel launched after it permutes tokens */
    PER_TOKEN_FORK     /* where kernels of its class run beside it on another stream */
};

struct class_rule {
    const char *match; /* text in the kernel's name; * stands for any text */
    const char *class_name;
    uint8_t bound;             /* enum kernel_bound */
    uint8_t collective;        /* enum trace_collective */
    bool host_awaits;          /* the CPU polls for its result before it launches more */
    uint8_t per_token;         /* enum class_per_token */
    double rows_per_block;     /* PER_TOKEN_GRID: a dimension of the grid * this = rows */
    double elements_per_block; /* or: blocks * this = rows * whole number of columns */
    double sets_rows;          /* > 0: grid.x * this = the rows; tells all others */
    double small_us;           /* > 0: shorter kernels, and those that leave SMs idle, are of small_class */
    const char *small_class;
    const struct class_rule *small; /* a rule of small_class */
    struct srcloc where;
};

struct class_table {
    struct class_rule *rules;
    uint32_t n_rules;
};

/* Reads `user` (may be NULL) and then `shipped`. 0, or -1 with all problems reported. */
int class_table_read(struct class_table *table, const char *user, const char *shipped, struct arena *arena,
                     struct diag *diag);
/* The same from text in memory. */
int class_table_parse(struct class_table *table, const char *text, size_t len, const char *name, struct arena *arena,
                      struct diag *diag);

/* The first rule that matches the name, or NULL. */
const struct class_rule *class_table_find(const struct class_table *table, const char *kernel_name);
/* Whether every rule of a class says that its work follows the tokens. */
bool class_table_per_token(const struct class_table *table, const char *class_name);

/* Names as files write them, NULL-terminated, by enum. */
extern const char *const kernel_bound_names[];     /* "compute" ... */
extern const char *const trace_collective_names[]; /* "none" ... */
extern const char *const trace_operation_names[];  /* "unknown", "all_reduce" ... */

#endif
