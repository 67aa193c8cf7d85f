/* A proposal of the paper (sections 3 to 6: "future hardware should ...") as a switch. A plugin is one const
 * struct proposal in prop_NAME.c; the registry is generated. Each does exactly one of:
 *   patch    changes numbers of the resolved config, by dotted keys
 *   policy   changes how flows, queues or messages are served, by keys that choose
 *   rewrite  changes the work: keys of what builds it, or the op graph itself before it runs
 * Keys that a proposal sets carry "proposal NAME" as their source. Never a factor on a result. */
#ifndef MOESIM_PROPOSALS_PROPOSAL_H
#define MOESIM_PROPOSALS_PROPOSAL_H

#include "base/cfg.h"
#include "hw/cluster.h"
#include "models/opgraph.h"
#include "topology/topology.h"

enum proposal_mechanism { PROPOSAL_PATCH, PROPOSAL_POLICY, PROPOSAL_REWRITE };
extern const char *const proposal_mechanism_names[]; /* NULL-terminated */

/* The scenario while a proposal is applied to it. */
struct proposal_change;

/* Sets a key. At most one of several proposals may set it. */
void proposal_set(struct proposal_change *c, const char *key, const char *value);
void proposal_set_number(struct proposal_change *c, const char *key, double si);
/* Multiplies what stands there, whoever set it: proposals stack. */
void proposal_scale(struct proposal_change *c, const char *key, double factor);
double proposal_number(struct proposal_change *c, const char *key);    /* quantity or whole number, SI */
const char *proposal_text(struct proposal_change *c, const char *key); /* canonical */
bool proposal_kind_is(const struct proposal_change *c, const char *kind);
/* Whether the scenario is simulated packet by packet; reports it when not. */
bool proposal_has_packets(struct proposal_change *c);
/* Reports, at the proposal's place, why the scenario cannot consume it. */
void proposal_misfit(struct proposal_change *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same when the scenario runs none of these kernels of DeepEP (ep_kernels.c). */
void proposal_needs_normal_kernels(struct proposal_change *c);
/* The normal ones of February 2025: later ones have no such tasks and barriers. */
void proposal_needs_published_kernels(struct proposal_change *c);
void proposal_needs_low_latency_kernels(struct proposal_change *c);

/* The work of one simulation, about to run. */
struct proposal_work {
    struct opgraph *graph;
    const struct topology *topo;
    const struct cluster_hw *hw;
    struct arena *arena; /* lives as long as the graph */
};

enum proposal_better { BETTER_LOWER, BETTER_HIGHER };

/* What `moesim proposals` runs, with and without. */
struct proposal_trial {
    const char *scenario;   /* data file */
    const char *const *set; /* -s of both runs, NULL-terminated; NULL = none */
    const char *arguments;  /* "key=value,..." of the proposal; NULL = its defaults */
    const char *metric;
    enum proposal_better better;
};

struct proposal {
    const char *name; /* "sm_offload" */
    const char *doc;
    const char *ref; /* paper section */
    enum proposal_mechanism mechanism;
    const struct cfg_table *parameters; /* NULL = none */
    const char *kinds;                  /* of scenarios that consume it, separated by blanks */
    /* parameters: the filled struct, or NULL. apply: sets keys. rewrite, of a rewrite only: changes the op graph of
     * each simulation; returns how much it changed. */
    void (*apply)(struct proposal_change *c, const void *parameters);
    uint32_t (*rewrite)(const struct proposal_work *w, const void *parameters);
    struct proposal_trial trial;
    const char *assumption; /* what its gain is most sensitive to */
    const char *validated;  /* what was measured; NULL = unvalidated */
    const char *echo;       /* why the gain of its trial is inputs over inputs and no result; NULL = it is a result */
};

const struct proposal *proposal_find(const char *name); /* NULL when unknown */
const struct proposal *const *proposal_all(void);       /* NULL-terminated, sorted by name */

#endif
