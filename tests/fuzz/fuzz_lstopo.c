/* Fuzz target of lstopo's XML: see fabric_format.h. */
#define FUZZ_FORMAT input_lstopo
#include "fabric_format.h"
