/* Fuzz target of InfraGraph: see fabric_format.h. */
#define FUZZ_FORMAT input_infragraph
#include "fabric_format.h"
