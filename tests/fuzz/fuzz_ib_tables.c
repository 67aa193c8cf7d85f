/* Fuzz target of the tables of InfiniBand switches (dump_lfts.sh, ibroute): see fabric_format.h. */
#define FUZZ_FORMAT input_ib_tables
#include "fabric_format.h"
