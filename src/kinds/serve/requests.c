/* Arrivals are a Poisson process or evenly spaced; lengths are drawn apart for each request and cut to their limits,
 * which moves the mean: cut lengths are what the service sees.
 *
 * Left out: rates that change over a day, bursts, prompts and outputs that depend on each other. */
#include "kinds/serve/requests.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/cfg_rows.h"
#include "base/rng.h"

static const char *const arrivals_names[] = {"poisson", "even", NULL};
static const char *const lengths_names[] = {"fixed", "lognormal", "exponential", NULL};

static const struct cfg_field length_fields[] = {
    ROW_CHOICE(length_cfg, "lengths", lengths, "lognormal", lengths_names, "fixed, lognormal (cv) or exponential"),
    ROW_RATIO(length_cfg, "mean", mean, "1024", 1, 1e7, "tokens, before they are cut"),
    ROW_RATIO(length_cfg, "cv", cv_ratio, "1", 0, 20, "lognormal: coefficient of variation",
              .needs = ".lengths=lognormal"),
    ROW_COUNT(length_cfg, "least", least, "1", 1, 1 << 24, "shorter ones are as long as this"),
    ROW_COUNT(length_cfg, "most", most, "16384", 1, 1 << 24, "longer ones are as long as this"),
    {0}};
static const struct cfg_table length_table = {"length", "tokens of a prompt or an output", sizeof(struct length_cfg),
                                              length_fields};

static const struct cfg_field fields[] = {
    ROW_TEXT(
        requests_cfg, "file", file, "",
        "requests as recorded, by arrival: Mooncake's JSONL, CSV with named columns (Azure, BurstGPT, ServeGen, or "
        "arrival_s, prompt, output), results of vLLM's and SGLang's benchmarks; then nothing is drawn"),
    ROW_RATIO(requests_cfg, "rate_factor", rate_factor, "1", 1e-6, 1e6, "how much faster the file's requests come",
              .needs = ".file!="),
    ROW_COUNT(requests_cfg, "first", first, "0", 0, 1 << 30, "so many of the file's requests, 0 = all",
              .needs = ".file!="),
    ROW_CHOICE(requests_cfg, "arrivals", arrivals, "poisson", arrivals_names, "poisson, or even: one every 1 / rate",
               .needs = ".file="),
    ROW_RATIO(requests_cfg, "rate", rate_per_s, "10", 1e-6, 1e9, "requests per second", .needs = ".file="),
    ROW_COUNT(requests_cfg, "count", count, "2000", 1, 10000000, "requests that are drawn", .needs = ".file="),
    ROW_PART(requests_cfg, "prompt", prompt, length_table, "tokens of prompts", .needs = ".file="),
    ROW_PART(requests_cfg, "output", output, length_table, "tokens generated", .needs = ".file="),
    {0}};
const struct cfg_table requests_table = {"requests", "Requests to a service", sizeof(struct requests_cfg), fields};

static double draw_length(const struct length_cfg *c, gsl_rng *rng)
{
    double sigma = sqrt(log1p(c->cv_ratio * c->cv_ratio));
    switch ((enum lengths)c->lengths) {
    case LENGTHS_LOGNORMAL:
        return gsl_ran_lognormal(rng, log(c->mean) - sigma * sigma / 2, sigma);
    case LENGTHS_EXPONENTIAL:
        return gsl_ran_exponential(rng, c->mean);
    case LENGTHS_FIXED:
        break;
    }
    return c->mean;
}

static uint32_t cut(const struct length_cfg *c, double length)
{
    double whole = round(length);
    whole = fmax(whole, (double)c->least);
    return (uint32_t)fmin(whole, (double)c->most);
}

void requests_draw(const struct requests_cfg *cfg, uint64_t seed, struct request *out)
{
    gsl_rng *arrivals = rng_stream(seed, 0, "arrivals"), *prompts = rng_stream(seed, 0, "prompts");
    gsl_rng *outputs = rng_stream(seed, 0, "outputs");
    double now = 0;
    for (int64_t i = 0; i < cfg->count; i++) {
        now += cfg->arrivals == ARRIVALS_POISSON ? gsl_ran_exponential(arrivals, 1) : 1;
        out[i] = (struct request){now / cfg->rate_per_s, cut(&cfg->prompt, draw_length(&cfg->prompt, prompts)),
                                  cut(&cfg->output, draw_length(&cfg->output, outputs)), 0};
    }
    gsl_rng_free(arrivals);
    gsl_rng_free(prompts);
    gsl_rng_free(outputs);
}
