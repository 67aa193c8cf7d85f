/* Arithmetic in the finite field GF(q), q = p^n a prime power. Elements are numbers 0 .. q-1: the digits in
 * base p are the coefficients of a polynomial over GF(p), so 0 and 1 are the field's own and addition
 * needs no table. Products go through logarithms to a primitive element.
 * Reference: Lidl & Niederreiter, Introduction to Finite Fields, ch. 2. */
#ifndef MOESIM_TOPOLOGY_GALOIS_H
#define MOESIM_TOPOLOGY_GALOIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { GALOIS_MAX_Q = 4096 };

struct galois {
    uint32_t q, p, n;
    uint32_t *exp; /* [2(q-1)] powers of the primitive element, twice over */
    uint32_t *log; /* [q] log[0] is unused */
};

/* Whether q is a prime power; p and n may be NULL. */
bool galois_is_prime_power(uint32_t q, uint32_t *p, uint32_t *n);
/* NULL when q is no prime power or above GALOIS_MAX_Q. */
struct galois *galois_new(uint32_t q, struct arena *arena);

uint32_t galois_add(const struct galois *f, uint32_t a, uint32_t b);
uint32_t galois_sub(const struct galois *f, uint32_t a, uint32_t b);

static inline uint32_t galois_mul(const struct galois *f, uint32_t a, uint32_t b)
{
    return a && b ? f->exp[f->log[a] + f->log[b]] : 0;
}
/* b != 0 */
static inline uint32_t galois_div(const struct galois *f, uint32_t a, uint32_t b)
{
    return a ? f->exp[f->log[a] + (f->q - 1) - f->log[b]] : 0;
}

#endif
