/* Single machines from files: configs/edge/NAME.yaml. */
#ifndef MOESIM_IO_INPUTS_MACHINE_FILE_H
#define MOESIM_IO_INPUTS_MACHINE_FILE_H

#include "hw/machine.h"

/* NAME is one of configs/edge, or the path of a file (with a '/' or ending in .yaml). set: n_set overrides
 * key=value. `where` is the place of the name, `beside` the file it stands in. 0, or -1 with all errors reported. */
int machine_load(const char *name, const char *const *set, uint32_t n_set, struct srcloc where, const char *beside,
                 struct arena *arena, const struct hw_machine **out, struct diag *diag);

#endif
