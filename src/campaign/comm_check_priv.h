/* What comm_check.c and comm_fit.c share. */
#ifndef MOESIM_CAMPAIGN_COMM_CHECK_PRIV_H
#define MOESIM_CAMPAIGN_COMM_CHECK_PRIV_H

#include "campaign/comm_check.h"
#include "kinds/network/comm_time.h"

enum { MOST_NODES_OF_TOKEN = 4 };

/* What the model says of one measurement. */
int comm_row_s(const struct comm_check *check, const struct comm_rows *file, const struct comm_row *row, double *out_s,
               struct diag *diag);

#endif
