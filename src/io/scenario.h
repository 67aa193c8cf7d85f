/* A scenario: one YAML file, read, checked and frozen. `kind` names what runs. */
#ifndef MOESIM_IO_SCENARIO_H
#define MOESIM_IO_SCENARIO_H

#include "base/cfg.h"
#include "hw/cluster.h"
#include "kinds/infer/balance_cfg.h"
#include "kinds/network/collective_cfg.h"
#include "models/routing/expert_load.h"
#include "kinds/network/fault_study_cfg.h"
#include "kinds/infer/infer_cfg.h"
#include "models/llm/model.h"
#include "kinds/machine/gemm_cfg.h"
#include "kinds/machine/kv_cfg.h"
#include "kinds/reliability/reliability.h"
#include "kinds/network/moe_cfg.h"
#include "kinds/network/queueing_cfg.h"
#include "kinds/replay/replay.h"
#include "kinds/train/train_cfg.h"
#include "kinds/network/routing_study_cfg.h"
#include "kinds/serve/serving_cfg.h"
#include "kinds/machine/single_machine_cfg.h"
#include "kinds/infer/tpot_cfg.h"
#include "proposals/stack.h"
#include "sim/sim.h"

struct sim_cfg {
    int network;    /* enum net_kind */
    double epsilon; /* 0 = exact */
    bool checked;
    int64_t seed;
};

struct scenario {
    const char *name, *description;
    const char *kind;      /* what runs: a plugin's name, see io/kind.h */
    const char *hardware;  /* directory under configs/: layer below the scenario's own keys */
    const char *model;     /* configs/models/MODEL.yaml: layer below `llm`; "" = the scenario has it all */
    const char *proposals; /* hardware that there is not yet, separated by ';'; after loading: rewrites only */
    struct cluster_hw cluster;
    struct model llm;                           /* kinds whose `reads` names it */
    struct replay_cfg replay;                   /* kind train_replay */
    struct train_cfg train;                     /* kind train_step */
    struct collective_cfg collective;           /* kind collective */
    struct routing_study_cfg routing_study;     /* kind routing_study */
    struct fault_study_cfg fault_study;         /* kind fault_study */
    struct plane_isolation_cfg plane_isolation; /* kind plane_isolation */
    struct queueing_cfg queueing;               /* kind queueing */
    struct mixed_cfg mixed;                     /* kind mixed_traffic */
    struct moe_cfg moe;                         /* kind moe_exchange */
    struct node_limited_cfg node_limited;
    struct tpot_cfg tpot; /* kind tpot_bound */
    struct infer_cfg inference;
    struct expert_load_cfg expert_load; /* kinds whose `reads` names it */
    struct balance_cfg expert_balance;  /* kind expert_balance */
    struct single_cfg single_machine;   /* kind single_machine */
    struct serving_cfg serving;         /* kind serving */
    struct speculative_cfg speculative; /* kind speculative */
    struct gemm_cfg gemm;               /* kind gemm */
    struct kv_cfg kv;                   /* kind kv_contention */
    struct reliability_cfg reliability; /* kind reliability */
    struct sim_cfg sim;
};

extern const struct cfg_table scenario_table;

struct scenario_file {
    struct scenario *scenario;
    struct cfg *cfg; /* for provenance, printing and --explain */
    const char *path;
    struct proposal_stack *proposals;
};

/* Reads PATH: defaults, then configs of `hardware`, then the file, then the n overrides (-s), then the proposals
 * that the scenario names. Everything that can be checked without running is checked. 0 or -1. */
int scenario_load(const char *path, const char *const *overrides, int n_overrides, struct arena *arena,
                  struct scenario_file *out, struct diag *diag);

/* The same with proposals of the command line ("NAME:key=value,..."), after those of the scenario. */
struct scenario_options {
    const char *const *overrides, *const *proposals;
    int n_overrides, n_proposals;
    uint32_t left_out;       /* which of all proposals, counted from 1; 0 = none */
    bool overrides_give_way; /* a proposal may set what an override gives: they describe what it starts from */
};
int scenario_load_with(const char *path, const struct scenario_options *options, struct arena *arena,
                       struct scenario_file *out, struct diag *diag);

/* Where a key was given, for messages; the file when only a default speaks. */
struct srcloc scenario_place(const struct scenario_file *file, const char *dotted_key);

#endif
