/* Fuzz target of NCCL's topology XML: see fabric_format.h. */
#define FUZZ_FORMAT input_nccl_topo
#include "fabric_format.h"
