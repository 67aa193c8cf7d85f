/* Data files (configs/..., scenarios/..., traces/...) by their names, from any folder. */
#ifndef MOESIM_BASE_DATA_FIND_H
#define MOESIM_BASE_DATA_FIND_H

#include "base/arena.h"
#include "base/diag.h"

/* Finds a data file (configs/..., traces/...): beside the scenario, in the working directory, $MOESIM_PATH
 * (colon-separated), among moesim's own. Arena-owned path, or NULL. */
const char *data_find(const char *relative, const char *scenario_path, struct arena *arena);

/* The same of a file that a key at `where` names; NULL when there is none, reported with exit code 4. `list` says where
 * names are listed, "'moesim list traces' lists those that are shipped", or is "". */
const char *data_need(const char *name, const char *scenario_path, struct srcloc where, const char *list,
                      struct arena *arena, struct diag *diag);

/* A file that somebody names on a command line: what stands there, else the data file of that name
 * ("scenarios/fig7_deepep.yaml" from anywhere); where there is neither, the name as it is. */
const char *data_given(const char *path, struct arena *arena);

/* The name under which data_find finds this path again: without the folder that it was found in. */
const char *data_name(const char *path, const char *scenario_path, struct arena *arena);

/* Names of all entries of a data folder ("configs") in any of these places, sorted, each once,
 * NULL-terminated. `holds` lists only sub-folders that hold such a file ("chip.yaml"); "" = all. */
const char **data_list(const char *folder, const char *holds, const char *scenario_path, struct arena *arena);

#endif
