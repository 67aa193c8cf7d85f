/* A training step as a scenario wants it: layout, schedule, networks, memory, and material for its chunks. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_PLAN_H
#define MOESIM_KINDS_TRAIN_TRAIN_PLAN_H

#include "models/chunk/chunk_material.h"
#include "kinds/train/train_layout.h"
#include "kinds/train/train_memory.h"
#include "kinds/kind_run.h"

struct train_network {
    const char *name;
    struct cluster_hw *hw; /* the scenario's with this topology */
    struct topology *topo;
    bool *down; /* [n_links] by cluster.faults.down; NULL: all links work */
};

struct train_plan {
    const struct scenario_file *file;
    const struct scenario *scenario;
    struct train_layout layout;
    struct schedule *schedule;
    struct train_network *networks;
    uint32_t n_networks;
    struct chunk_exchange exchange; /* kernel NULL: DeepEP's as DeepSeek-V3 was trained with */
    struct kernel_model *kernels;
    struct kernel_origins *origins; /* of the times of the material's kernels */
    const char *moved;              /* a note that the trace's times are moved to this chip; NULL: they are not */
    struct chunk_material material;
    struct routing_cfg routing;
    struct routing_shape shape;     /* of a group; n_ranks 0: a dense model, nothing is routed */
    double layer_s[N_CHUNK_LAYERS]; /* computation of a layer of each kind, forward and backward */
    struct train_memory *memory;    /* [ranks] */
};

/* Reports at their keys what cannot be, as far as that can be seen without reading other files. */
void train_plan_check(const struct scenario_file *file, struct arena *arena, struct diag *diag);
/* All but what follows from how layers are dealt to stages. The scenario has passed the check. 0 or -1. */
int train_plan_open(struct kind_run *run, struct train_plan *out, struct diag *diag);
/* Whether the scenario deals the layers (train.layers, train.layout). */
bool train_plan_is_dealt(const struct train_plan *p);
/* Stages, schedule and memory, with `counts` layers on the stages; NULL: as the scenario says. */
void train_plan_deal(struct train_plan *p, const uint32_t *counts, struct arena *arena, struct diag *diag);
/* Whether every rank's memory is enough; reports that it is not. */
bool train_plan_fits(const struct train_plan *p);
void train_plan_refuse(struct train_plan *p, struct arena *arena, struct diag *diag);

#endif
