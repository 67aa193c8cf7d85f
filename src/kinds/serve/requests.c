/* Arrivals are a Poisson process or evenly spaced; lengths are drawn apart for each request and cut to their limits,
 * which moves the mean: cut lengths are what the service sees.
 *
 * Left out: rates that change over a day, bursts, prompts and outputs that depend on each other. */
#include "kinds/serve/requests.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "base/rng.h"

static const char *const arrivals_names[] = {"poisson", "even", NULL};
static const char *const lengths_names[] = {"fixed", "lognormal", "exponential", NULL};

static const struct cfg_field length_fields[] = {{.name = "lengths",
                                                  .type = CFG_ENUM,
                                                  .offset = offsetof(struct length_cfg, lengths),
                                                  .dflt = "lognormal",
                                                  .choices = lengths_names,
                                                  .doc = "fixed, lognormal (cv) or exponential"},
                                                 {.name = "mean",
                                                  .type = CFG_QUANTITY,
                                                  .dim = DIM_RATIO,
                                                  .offset = offsetof(struct length_cfg, mean),
                                                  .dflt = "1024",
                                                  .min = 1,
                                                  .max = 1e7,
                                                  .doc = "tokens, before they are cut"},
                                                 {.name = "cv",
                                                  .type = CFG_QUANTITY,
                                                  .dim = DIM_RATIO,
                                                  .offset = offsetof(struct length_cfg, cv_ratio),
                                                  .dflt = "1",
                                                  .min = 0,
                                                  .max = 20,
                                                  .doc = "lognormal: coefficient of variation"},
                                                 {.name = "least",
                                                  .type = CFG_INT,
                                                  .offset = offsetof(struct length_cfg, least),
                                                  .dflt = "1",
                                                  .min = 1,
                                                  .max = 1 << 24,
                                                  .doc = "shorter ones are as long as this"},
                                                 {.name = "most",
                                                  .type = CFG_INT,
                                                  .offset = offsetof(struct length_cfg, most),
                                                  .dflt = "16384",
                                                  .min = 1,
                                                  .max = 1 << 24,
                                                  .doc = "longer ones are as long as this"},
                                                 {0}};
static const struct cfg_table length_table = {"length", "tokens of a prompt or an output", sizeof(struct length_cfg),
                                              length_fields};

static const struct cfg_field fields[] = {
    {.name = "file",
     .type = CFG_STRING,
     .offset = offsetof(struct requests_cfg, file),
     .dflt = "",
     .doc = "requests as recorded: lines of arrival_s, prompt, output by arrival; then nothing is drawn"},
    {.name = "arrivals",
     .type = CFG_ENUM,
     .offset = offsetof(struct requests_cfg, arrivals),
     .dflt = "poisson",
     .choices = arrivals_names,
     .doc = "poisson, or even: one every 1 / rate"},
    {.name = "rate",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct requests_cfg, rate_per_s),
     .dflt = "10",
     .min = 1e-6,
     .max = 1e9,
     .doc = "requests per second"},
    {.name = "count",
     .type = CFG_INT,
     .offset = offsetof(struct requests_cfg, count),
     .dflt = "2000",
     .min = 1,
     .max = 10000000,
     .doc = "requests that are drawn"},
    {.name = "prompt",
     .type = CFG_TABLE,
     .offset = offsetof(struct requests_cfg, prompt),
     .sub = &length_table,
     .doc = "tokens of prompts"},
    {.name = "output",
     .type = CFG_TABLE,
     .offset = offsetof(struct requests_cfg, output),
     .sub = &length_table,
     .doc = "tokens generated"},
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
                                  cut(&cfg->output, draw_length(&cfg->output, outputs))};
    }
    gsl_rng_free(arrivals);
    gsl_rng_free(prompts);
    gsl_rng_free(outputs);
}
