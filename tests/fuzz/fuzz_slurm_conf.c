/* Fuzz target of Slurm's topology.conf: see fabric_format.h. */
#define FUZZ_FORMAT input_slurm_conf
#include "fabric_format.h"
