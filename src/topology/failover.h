/* What is left of a network when links have failed: which are down, and the tables that a subnet manager makes then.
 * A manager that is running repairs its tables after each fault (tables_repair); one that is restarted makes them anew
 * (tables_compute), which balances destinations better and moves more of them. */
#ifndef MOESIM_TOPOLOGY_FAILOVER_H
#define MOESIM_TOPOLOGY_FAILOVER_H

#include "hw/cluster.h"
#include "topology/tables.h"

struct failover;

struct failover *failover_new(const struct topology *t, enum fault_manager manager);
void failover_free(struct failover *f); /* NULL is fine */
/* A link has failed. What fails in one sweep is noticed together; numbers of sweeps rise. */
void failover_link_down(struct failover *f, uint32_t link, uint32_t sweep);
/* After all that is down so far. */
const struct tables *failover_tables(struct failover *f);

#endif
