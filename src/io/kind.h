/* A kind of scenario: what `moesim run` does with it. A plugin is one const struct scenario_kind in
 * src/kinds/FAMILY/kind_NAME.c; the registry is generated. io knows the interface because a scenario is
 * checked completely when it is read. */
#ifndef MOESIM_IO_KIND_H
#define MOESIM_IO_KIND_H

#include "base/arena.h"
#include "base/diag.h"
#include "hw/kernels/kernel_origins.h"
#include "io/scenario.h"
#include "sim/critical_path.h"
#include "sim/epsilon_error.h"
#include "sim/result.h"
#include "sim/sim.h"

/* What a cluster does with its time. Zeroed: the kind does not say. */
struct kind_use {
    double tokens_per_s;               /* of the whole cluster */
    double tensor_ratio, memory_ratio; /* of a GPU's time: kernels wait for tensor cores, for memory */
    double run_tokens;                 /* of a whole training; 0: there is no such */
    const char *topology;              /* whose switches and cables are paid for; NULL: cluster.topology */
};

/* One run of a scenario, from the frozen scenario to its result. The result is owned by `arena`. What
 * belongs to one simulation lives until the next: of several the last one stays, for a timeline. */
struct kind_run {
    const struct scenario_file *file;
    struct arena *arena;
    /* Called with each simulation before it starts: may watch links. NULL = not wanted. */
    int (*before)(void *ctx, struct sim_spec *spec, struct diag *diag);
    void *ctx;
    bool one_of_many; /* others like it run in this process's family: what they share is kept (base/shared_cache.h) */
    bool ops_alone;   /* of what is kept of a simulation nobody reads times of transfers */
    bool keeps_last;  /* somebody looks at the last simulation (a timeline): not in a child */
    uint64_t seed_offset; /* added to sim.seed: a kind may run several seeds */
    bool compare_fluid;   /* the next simulation runs over network flow, whatever sim.network is */
    struct result result;
    struct kind_use use;            /* the kind's: of its whole cluster, for cost and energy (kinds/cost.h) */
    struct epsilon_error epsilon;   /* checked runs with an epsilon: of all simulations */
    struct critical_path *critical; /* gathers the critical paths of all simulations; NULL = not wanted */
    const char *settled; /* an override that keeps what the run chose by itself ("train.layers=4, 4"); NULL: nothing */
    struct kernel_origins *origins; /* where the times of kernels come from, for a note; kind_execute makes it */
    /* of one simulation */
    struct arena *scratch;
    struct opgraph *graph;
    struct sim_spec spec;
    struct sim_outcome outcome;
};

/* A table that a kind reads beside cluster and sim: its own, one of its family, or a shared one. */
struct kind_reads {
    const struct kind_keys *keys;
    bool if_model; /* only when the scenario has a language model */
    /* Which keys and tables of it, without its name: "nic -nic.price"; the longest word that fits decides. NULL: all. */
    const char *only;
};

/* When a kind reads keys of tables that it shares with others, in place of the conditions of these very keys and of the tables above;
 * what fields of a table that is named here need, they need still. */
struct kind_needs {
    const char *keys;      /* dotted keys and tables from the root, as in `only` */
    const char *condition; /* see base/cfg_needs.c; NULL: never */
    bool beside;           /* the condition: beside those that it would take the place of */
    const char *why;       /* never: "kind serving decides it" */
    /* Whether what they say holds anyway (cluster.nodes beside as many GPUs): then it is no error. NULL: never. */
    bool (*agrees)(const struct scenario *s);
};

/* A change that --what-if tries beside faster hardware. */
struct kind_change {
    const char *name, *override; /* "every rank with the same load", "inference.routing=balanced" */
};

struct scenario_kind {
    const char *name; /* "train_replay" */
    const char *doc;
    const char *ref;                /* paper section */
    const struct kind_reads *reads; /* ends with keys == NULL; in the order in which they are printed */
    const struct kind_needs *needs; /* ends with keys == NULL; NULL: none. The first that names a key counts */
    const char *networks;         /* its key that lists topologies to compare ("collective.topologies"); NULL: there is
                                       the cluster's only */
    const char *presets;          /* keys in YAML that this kind presets otherwise; NULL: none */
    const char *between;          /* metrics that lie between two events ("exposed_comm bubble"): bounds of both events
                                       are none of what is between them, so network bound leaves them out; NULL: none */
    const char *const *headlines; /* times that --what-if asks of, the first that a result has; NULL: none */
    const struct kind_change *changes; /* what else --what-if tries; ends with name == NULL; NULL: nothing */
    void (*speed_up_starts)(struct scenario *s,
                            double by); /* gaps between kernels that are keys of the kind; or NULL */
    const char *const *quick;           /* overrides that make it cheap to be asked again and again; NULL: none */
    bool without_cluster;               /* it is about one machine: `hardware` and cluster say nothing to it */
    /* Reports to diag what does not fit together in the keys that this kind reads. */
    void (*check)(const struct scenario_file *file, struct arena *arena, struct diag *diag);
    /* Builds, simulates and analyses; 0, or -1 with the reasons in diag. */
    int (*run)(struct kind_run *run, struct diag *diag);
};

enum reads { READS_NOT, READS_IF_MODEL, READS_ALWAYS };
/* What `reads` says of the table. */
enum reads kind_reads(const struct scenario_kind *kind, const char *table);
/* Whether its lists name the key: it reads it in some scenario. */
bool kind_reads_key(const struct scenario_kind *kind, const char *key);
/* Reports each key that the scenario gives and nothing reads (diag NULL: only notes them, for cfg_print_yaml). */
void scenario_check_reads(struct cfg *c, const struct scenario_kind *kind, struct arena *arena, struct diag *diag);
const struct scenario_kind *kind_find(const char *name); /* NULL when unknown */
const struct scenario_kind *const *kind_all(void);       /* NULL-terminated, sorted by name */

#endif
