/* Arena: memory by lifetime. One arena per scenario, one per run; freed in one go.
 * Allocation never fails to the caller: out of memory ends the process with exit code 5. */
#ifndef MOESIM_BASE_ARENA_H
#define MOESIM_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is allowed */

/* Zeroed, 16-byte aligned; owned by the arena. */
void *arena_alloc(struct arena *a, size_t n_bytes);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used_B(const struct arena *a);

/* An array of n zeroed elements of a type; dies on size overflow. */
#define ARENA_ARRAY(a, type, n) ((type *)arena_array((a), sizeof(type), (n)))
#define ARENA_NEW(a, type) ARENA_ARRAY(a, type, 1)
void *arena_array(struct arena *a, size_t element_B, size_t n);

#endif
