/* Keys of scenarios about single machines. */
#ifndef MOESIM_KINDS_MACHINE_SINGLE_MACHINE_CFG_H
#define MOESIM_KINDS_MACHINE_SINGLE_MACHINE_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

enum unfit { UNFIT_ERROR, UNFIT_ROW };

struct single_cfg {                          /* kind single_machine */
    const char *machines, *models, *weights; /* lists */
    const char *machine_set, *model_set;     /* key=value of all machines, of all models */
    const char *published;                   /* MODEL on MACHINE: text; ... */
    int64_t context, extra_tokens;
    double acceptance_ratio;
    bool experts_on_gpu;
    int unfit; /* enum unfit */
};

extern const struct kind_keys single_keys;

static inline const struct single_cfg *single_cfg(const struct scenario *s)
{
    return kind_keys(s, &single_keys);
}

#endif
