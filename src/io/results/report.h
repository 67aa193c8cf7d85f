/* `moesim report`: results as one HTML page that needs nothing else. */
#ifndef MOESIM_IO_RESULTS_REPORT_H
#define MOESIM_IO_RESULTS_REPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct report_input {
    const char *file; /* its name without folders */
    const char *kind; /* how the page shows it: claims, result, timeline, sweep, table */
    const char *json; /* the document */
};

/* Reads a result: JSON of any command (.gz, too), a timeline, or a sweep's database. 0, or -1 with the reason in diag. */
int report_read(const char *path, struct arena *arena, struct report_input *out, struct diag *diag);

/* Writes the page. Texts of results stand in it as data, never as markup. 0 or -1. */
int report_write(const struct report_input *inputs, uint32_t n, const char *title, const char *path,
                 struct arena *arena, struct diag *diag);

#endif
