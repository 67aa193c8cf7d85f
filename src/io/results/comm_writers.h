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

struct comm_item {                   /* a measurement */
    const char *file, *what, *phase; /* phase: "" of a collective */
    int line;
    uint32_t gpus;
    double tokens, bytes_B,
        sms; /* tokens 0: of a collective; bytes: its size, or of a rank's (token, expert) pairs; sms
                                    0: not said */
    double predicted_s, measured_s;
    double logical_Bps; /* predicted, where the row gives a bandwidth; else 0 */
};

struct comm_page {
    const char *hardware;
    const struct comm_item *items;
    uint32_t n_items; /* 0: not wanted in JSON */
    const struct comm_line *groups;
    uint32_t n_groups, left_out;
    double tolerance; /* 0 = none asked for */
    const char *const *notes;
    uint32_t n_notes;
};

void comm_write_text(const struct comm_page *page, struct outfile *f);
void comm_write_csv(const struct comm_page *page, struct outfile *f); /* its items */
void comm_write_json(const struct comm_page *page, struct outfile *f);

#endif
