/* How a result came to be, as its file says: build, scenario, input files. */
#ifndef MOESIM_IO_RESULTS_PROVENANCE_H
#define MOESIM_IO_RESULTS_PROVENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct provenance_input {
    const char *file, *sha256;
};

/* "" where the file does not say it. */
struct provenance {
    const char *version, *commit, *scenario_file;
    const char *resolved; /* the whole scenario, as YAML */
    struct provenance_input *inputs;
    uint32_t n_inputs;
    bool critical_path, what_if; /* it has the tables that these options of `moesim run` add */
};

/* Of a result that result_write_json wrote; everything is the arena's. 0, or -1 with the reason in diag, also for one that
 * does not hold its scenario. */
int provenance_read(const char *json_path, struct arena *arena, struct provenance *out, struct diag *diag);

#endif
