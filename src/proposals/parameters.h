/* Rows of a proposal's parameter table, whose struct is called `struct parameters`. */
#ifndef MOESIM_PROPOSALS_PARAMETERS_H
#define MOESIM_PROPOSALS_PARAMETERS_H

#include "base/cfg_rows.h"

#define PARAMETERS(proposal_name, rows) \
    static const struct cfg_table table = {proposal_name, "parameters of a proposal", sizeof(struct parameters), rows}

#endif
