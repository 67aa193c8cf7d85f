/* `moesim comm`: what came out, as text or JSON. Plain values: io does not know who compared. */
#ifndef MOESIM_IO_RESULTS_COMM_WRITERS_H
#define MOESIM_IO_RESULTS_COMM_WRITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/outfile.h"

struct comm_line { /* errors of a group of measurements */
    const char *name;
    uint32_t rows;
    double median, p90, bias;
};

struct comm_page {
    const char *hardware;
    const struct comm_line *groups;
    uint32_t n_groups, left_out;
    double tolerance; /* 0 = none asked for */
    const char *const *notes;
    uint32_t n_notes;
};

void comm_write_text(const struct comm_page *page, struct outfile *f);
void comm_write_json(const struct comm_page *page, struct outfile *f);

#endif
