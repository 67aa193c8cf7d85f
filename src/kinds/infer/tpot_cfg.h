/* Keys of scenarios about the bound of decoding speed (paper 2.3.2). */
#ifndef MOESIM_KINDS_INFER_TPOT_CFG_H
#define MOESIM_KINDS_INFER_TPOT_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cfg.h"
#include "io/scenario.h"

enum hidden_rounding { HIDDEN_PAPER, HIDDEN_EXACT };

struct tpot_cfg { /* kind tpot_bound */
    int64_t tokens, copies, hidden, layers;
    int hidden_rounding; /* enum hidden_rounding */
    bool bridge;         /* false: the bound alone */
    bool computation;    /* go on to what GPUs compute, where the scenario has a model */
};

extern const struct kind_keys tpot_keys;

static inline const struct tpot_cfg *tpot_cfg(const struct scenario *s)
{
    return kind_keys(s, &tpot_keys);
}

#endif
