/* The traffic of a queueing scenario as an op graph, and what is read off its outcome.
 */
#ifndef MOESIM_KINDS_NETWORK_QUEUEING_FLOWS_H
#define MOESIM_KINDS_NETWORK_QUEUEING_FLOWS_H

#include "kinds/kind_run.h"

struct queueing_flows {         /* ids of transfers in run->graph */
    uint32_t first, n;          /* the traffic */
    uint32_t victim, n_victims; /* 0 or 1 */
    uint32_t probe, n_probes;
};

enum queueing_part { PART_TRAFFIC = 1, PART_VICTIM = 2, PART_PROBES = 4 };

/* Adds the parts asked for; probes start at random within window_s. */
struct queueing_flows queueing_flows_build(struct kind_run *run, int parts, double window_s);
/* Whether the cluster has the nodes that it needs; reports at the keys. */
void queueing_flows_check(const struct scenario_file *file, struct diag *diag);

/* Of transfers [first, first + n): from the first start to the last end; one's own
 * time. */
double queueing_span_s(const struct kind_run *run, uint32_t first, uint32_t n);
double queueing_time_s(const struct kind_run *run, uint32_t transfer);
double queueing_quantile_s(const struct kind_run *run, uint32_t first, uint32_t n, double q);
double queueing_bytes_B(const struct kind_run *run, uint32_t first, uint32_t n);
/* Jain's index of the transfers' own rates: 1 when all are equal, 1 / n when one has
 * everything. */
double queueing_fairness(const struct kind_run *run, uint32_t first, uint32_t n);

#endif
