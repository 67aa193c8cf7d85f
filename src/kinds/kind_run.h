/* Steps that kinds of scenarios share. */
#ifndef MOESIM_KINDS_KIND_RUN_H
#define MOESIM_KINDS_KIND_RUN_H

#include "io/kind.h"
#include "models/comm/ep_kernel.h"

/* Runs the scenario's kind, with its proposals; the result is run->result. 0 or -1. */
int kind_execute(struct kind_run *run, struct diag *diag);

/* Builds the topology that the cluster asks for. 0 or -1. */
int kind_topology(struct kind_run *run, const struct cluster_hw *hw, struct topology **out, struct diag *diag);
/* Ends the simulation before and begins a new one: empty run->graph and run->scratch. */
void kind_begin(struct kind_run *run, const struct topology *topo);
/* For notes: which kernel exchanges tokens, and with which constants. */
const char *kind_exchange_text(const struct ep_kernel_type *k, const struct cluster_hw *hw, struct arena *arena);
/* Through whose NICs the GPUs of a graph send, for kernels that do not keep to rails. */
struct ep_rails kind_rails(const struct topology *topo, const struct cluster_hw *hw);
/* Simulates run->graph, rewritten by proposals, under the scenario's `sim` keys; the outcome is run->outcome. */
int kind_simulate(struct kind_run *run, const struct topology *topo, const struct cluster_hw *hw, struct diag *diag);
/* Reports those of the NULL-terminated keys that were given, though the kind does not read them. */
void kind_refuse(const struct scenario_file *file, const char *const *keys, const char *why, struct diag *diag);
/* Reports in-network multicast and reduction among more nodes, or GPUs of a node, than can be counted: for kinds that
 * count which tokens go to several places together. */
void kind_check_sets(const struct scenario_file *file, int64_t nodes, struct diag *diag);
/* What the modules of optical cables take for all transfers of run->graph, on the paths of destination-based tables. */
double kind_optical_J(const struct kind_run *run, const struct topology *topo, const struct cluster_hw *hw);
/* How many simulations of the run may go on at once, each in a child of fork_map; 0: none in a child, what they leave
 * behind is looked at. The result does not depend on it. */
uint32_t kind_at_once(const struct kind_run *run, uint32_t most);
void kind_run_free(struct kind_run *run);

#endif
