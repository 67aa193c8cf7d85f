/* Rows of a proposal's parameter table, whose struct is called `struct parameters`. */
#ifndef MOESIM_PROPOSALS_PARAMETERS_H
#define MOESIM_PROPOSALS_PARAMETERS_H

#include "base/cfg.h"

#define P_COUNT(key, member, preset, low, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = offsetof(struct parameters, member), .dflt = preset, .min = (low), \
        .max = (high), .doc = text \
    }
#define P_QUANTITY(key, member, unit, preset, low, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = (unit), .offset = offsetof(struct parameters, member), \
        .dflt = preset, .min = (low), .max = (high), .doc = text \
    }
#define P_BOOL(key, member, preset, text) \
    { \
        .name = key, .type = CFG_BOOL, .offset = offsetof(struct parameters, member), .dflt = preset, .doc = text \
    }
#define P_TEXT(key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = offsetof(struct parameters, member), .dflt = preset, .doc = text \
    }
#define P_CHOICE(key, member, preset, words, text) \
    { \
        .name = key, .type = CFG_ENUM, .offset = offsetof(struct parameters, member), .dflt = preset, \
        .choices = (words), .doc = text \
    }

#define PARAMETERS(proposal_name, rows) \
    static const struct cfg_table table = {proposal_name, "parameters of a proposal", sizeof(struct parameters), rows}

#endif
