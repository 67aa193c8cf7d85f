/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11) as a gsl_rng_type, so that
 * every GSL distribution can draw from it. A stream is (seed, entity, purpose): what rank 7 draws
 * does not depend on how often rank 6 drew, and runs are the same bytes at any -j. */
#ifndef MOESIM_BASE_RNG_H
#define MOESIM_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

extern const gsl_rng_type *const rng_philox;

/* One block of the bare generator: 4 words out of a 128-bit counter and a 64-bit key. */
void rng_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A new generator positioned at the start of its stream; free with gsl_rng_free. */
gsl_rng *rng_stream(uint64_t seed, uint64_t entity, const char *purpose);
/* Re-positions a generator made by rng_stream without allocating. */
void rng_stream_reset(gsl_rng *r, uint64_t seed, uint64_t entity, const char *purpose);

#endif
