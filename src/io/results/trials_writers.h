/* The table of `moesim proposals`, for people, as JSON, CSV and as the document doc/PROPOSALS.md. */
#ifndef MOESIM_IO_RESULTS_TRIALS_WRITERS_H
#define MOESIM_IO_RESULTS_TRIALS_WRITERS_H

#include "base/outfile.h"
#include "proposals/trial.h"

typedef void trials_writer(const struct trial *trials, uint32_t n, struct outfile *f);
trials_writer trials_write_text, trials_write_json, trials_write_csv, trials_write_markdown;

#endif
