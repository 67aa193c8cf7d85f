#include "topology/galois.h"

bool galois_is_prime_power(uint32_t q, uint32_t *p, uint32_t *n)
{
    uint32_t factor = 2, power = 0;
    if (q < 2)
        return false;
    while (factor * factor <= q && q % factor)
        factor++;
    if (q % factor)
        factor = q;
    for (; q % factor == 0; q /= factor)
        power++;
    if (p)
        *p = factor;
    if (n)
        *n = power;
    return q == 1;
}

/* Digit by digit in base p; sign: +1 or -1. */
static uint32_t combine(const struct galois *f, uint32_t a, uint32_t b, bool subtract)
{
    uint32_t sum = 0, place = 1;
    if (f->p == 2)
        return a ^ b;
    for (; a || b; a /= f->p, b /= f->p, place *= f->p) {
        uint32_t digit = a % f->p + (subtract ? f->p - b % f->p : b % f->p);
        sum += digit % f->p * place;
    }
    return sum;
}

uint32_t galois_add(const struct galois *f, uint32_t a, uint32_t b)
{
    return combine(f, a, b, false);
}

uint32_t galois_sub(const struct galois *f, uint32_t a, uint32_t b)
{
    return combine(f, a, b, true);
}

/* a * x modulo the monic polynomial x^n + low (digits of `low`). */
static uint32_t times_x(const struct galois *f, uint32_t a, uint32_t low)
{
    uint32_t top_place = f->q / f->p, top = a / top_place;
    uint32_t shifted = a % top_place * f->p;
    for (; top; top--)
        shifted = galois_sub(f, shifted, low);
    return shifted;
}

/* The next power of the candidate: for n = 1 the number g itself, else x modulo a polynomial. */
static uint32_t next_power(const struct galois *f, uint32_t a, uint32_t candidate)
{
    return f->n == 1 ? (uint32_t)((uint64_t)a * candidate % f->p) : times_x(f, a, candidate);
}

/* Fills the tables when the candidate's powers run through all elements but 0: then it is primitive (and
 * the polynomial irreducible, or some power would have been 0 or come again early). */
static bool try_candidate(struct galois *f, uint32_t candidate)
{
    uint32_t a = 1;
    for (uint32_t i = 0; i < f->q - 1; i++) {
        if (i > 0 && a <= 1)
            return false;
        f->exp[i] = f->exp[i + f->q - 1] = a;
        f->log[a] = i;
        a = next_power(f, a, candidate);
    }
    return a == 1;
}

struct galois *galois_new(uint32_t q, struct arena *arena)
{
    struct galois *f = ARENA_NEW(arena, struct galois);
    f->q = q;
    if (q > GALOIS_MAX_Q || !galois_is_prime_power(q, &f->p, &f->n))
        return NULL;
    f->exp = ARENA_ARRAY(arena, uint32_t, 2 * (size_t)q);
    f->log = ARENA_ARRAY(arena, uint32_t, q);
    for (uint32_t candidate = 1; candidate < q; candidate++)
        if (try_candidate(f, candidate))
            return f;
    return NULL; /* does not happen: every finite field has a primitive element */
}
