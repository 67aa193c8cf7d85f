/* Fuzz target of Slurm's topology.yaml: see fabric_format.h. */
#define FUZZ_FORMAT input_slurm_yaml
#include "fabric_format.h"
