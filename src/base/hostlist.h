/* Names of hosts as Slurm writes them, "tux[00-15,20],login": brackets with numbers and ranges. */
#ifndef MOESIM_BASE_HOSTLIST_H
#define MOESIM_BASE_HOSTLIST_H

#include <stdint.h>

#include "base/arena.h"

struct hostlist {
    const char **names; /* in order, room for one more */
    uint32_t n;
};

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* the same ways with less of it (make fuzz) */
enum { HOSTLIST_MAX = 1 << 10 };
#else
enum { HOSTLIST_MAX = 1 << 20 };
#endif

/* Adds the names of `text` (len bytes) to the list. 0, or -1 with a reason in *why; the list then holds what came
 * before. */
int hostlist_add(struct hostlist *list, const char *text, size_t len, struct arena *arena, const char **why);

#endif
