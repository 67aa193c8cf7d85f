/* Fuzz target of what ibnetdiscover prints: see fabric_format.h. */
#define FUZZ_FORMAT input_ibnetdiscover
#include "fabric_format.h"
