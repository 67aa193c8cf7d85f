/* Lists in one scalar: "32, 64, 128". Mistakes are reported at the key's place. */
#ifndef MOESIM_KINDS_LISTS_H
#define MOESIM_KINDS_LISTS_H

#include "io/scenario.h"

/* Items of a comma-separated list, without blanks around them; NULL-terminated; n may be NULL. */
const char **list_items(const char *text, struct arena *arena, uint32_t *n);
/* Whole numbers >= 1. 0, or -1 when one of them is none. */
int list_counts(const struct scenario_file *file, const char *key, const char *text, struct arena *arena,
                uint32_t **out, uint32_t *n, struct diag *diag);
/* For `agrees` of keys beside a list: the most GPUs of it are those of cluster.nodes; it names the cluster's topology. */
bool list_is_cluster(const char *gpus, const struct scenario *s);
bool list_has_topology(const char *names, const struct scenario *s);
/* Indices into NULL-terminated choices. */
int list_choices(const struct scenario_file *file, const char *key, const char *text, const char *const *choices,
                 struct arena *arena, uint32_t **out, uint32_t *n, struct diag *diag);
/* Quantities with units. */
int list_quantities(const struct scenario_file *file, const char *key, const char *text, enum unit_dim dim,
                    struct arena *arena, double **out, uint32_t *n, struct diag *diag);
/* Numbers of GPUs, each whole nodes of the cluster; an empty list is all GPUs of the cluster. */
int list_gpus(const struct scenario_file *file, const char *key, const char *text, struct arena *arena, uint32_t **out,
              uint32_t *n, struct diag *diag);
/* Names of topologies, all of which can be built at each of these sizes; an empty list is the
 * cluster's. */
int list_topologies(const struct scenario_file *file, const char *key, const char *text, const uint32_t *gpus,
                    uint32_t n_gpus, struct arena *arena, const char ***out, uint32_t *n, struct diag *diag);

#endif
