/* Scenarios of an older moesim: what they say becomes what the present one reads. Keys that nothing reads become comments;
 * keys and values that mean something else now follow a table (upgrade_rows.c), or are left to a person. */
#ifndef MOESIM_IO_UPGRADE_H
#define MOESIM_IO_UPGRADE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

enum upgrade_action {
    UPGRADE_RENAME, /* `to`: the key's new name, in the same table */
    UPGRADE_VALUE,  /* `to`: the new value, as it is written */
    UPGRADE_DECIDE, /* `to`: what a person must decide */
};

struct upgrade_row {
    const char *key;    /* dotted, as it was */
    const char *value;  /* that it must have; NULL: any */
    const char *beside; /* another key of the file and its value, "model=deepseek_v3"; NULL: whatever else it says */
    enum upgrade_action action;
    const char *to, *why;
};
extern const struct upgrade_row upgrade_rows[]; /* ends with key == NULL */

enum { UPGRADE_MAX_CHANGES = 256 };
struct upgrade {
    const char *text; /* the scenario as it is to be written */
    const char *changes[UPGRADE_MAX_CHANGES];
    uint32_t n_changes;
};

/* 0; or -1: what the program cannot decide, and other mistakes of the file, are reported. */
int upgrade_scenario(const char *path, struct arena *arena, struct upgrade *out, struct diag *diag);

#endif
