/* Hardware by name: the files of configs/NAME/ as the layer below whoever speaks of a cluster. */
#ifndef MOESIM_IO_HARDWARE_H
#define MOESIM_IO_HARDWARE_H

#include <stdbool.h>

#include "base/cfg.h"

/* Lays configs/NAME/PART.yaml under "cluster" of the config for each PART of the cluster's table (chip,
 * node, nic, ...); every number in them needs its source. Several names ("h800, roce") are layers: the
 * first is a whole machine, the others replace what they have files for. `where` is the place of the name, for
 * messages; `beside` a file beside which configs/ may lie, or NULL. 0 or -1. */
int hardware_lay(struct cfg *c, const char *names, struct srcloc where, const char *beside, struct arena *arena,
                 struct diag *diag);

/* Names under configs/ that may come first (those with a chip) or at all, sorted, NULL-terminated. */
const char *const *hardware_names(bool first, const char *beside, struct arena *arena);

/* "unknown WHAT 'WORD'; did you mean ...? there are: ..."; `names` is NULL-terminated. */
void report_unknown(struct diag *diag, enum exit_code code, struct srcloc where, const char *what, const char *word,
                    const char *const *names, struct arena *arena);

#endif
