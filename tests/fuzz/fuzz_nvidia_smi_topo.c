/* Fuzz target of what nvidia-smi topo -m prints: see fabric_format.h. */
#define FUZZ_FORMAT input_nvidia_smi_topo
#include "fabric_format.h"
