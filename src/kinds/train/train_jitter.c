#include "kinds/train/train_jitter.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"

/* Whiskers of a box plot, in standard deviations of a normal distribution: the quartile and 1.5 times what lies between
 * quartiles. */
static const double whisker = 0.6745 + 1.5 * 2 * 0.6745;

void train_draw_speeds(double cv_ratio, uint64_t seed, const char *purpose, uint64_t first, uint32_t n, double *out)
{
    gsl_rng *rng = rng_stream(seed, first, purpose);
    for (uint32_t i = 0; i < n; i++) {
        double z;
        rng_stream_reset(rng, seed, first + i, purpose);
        do
            z = gsl_ran_gaussian_ziggurat(rng, 1);
        while (fabs(z) > whisker);
        out[i] = 1 + cv_ratio * z;
    }
    gsl_rng_free(rng);
}

double train_slowest(const double *slow, uint32_t n)
{
    double most = slow[0];
    for (uint32_t i = 1; i < n; i++)
        most = fmax(most, slow[i]);
    return most;
}
