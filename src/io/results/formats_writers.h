/* The tables of `moesim formats`, for people and as JSON. */
#ifndef MOESIM_IO_RESULTS_FORMATS_WRITERS_H
#define MOESIM_IO_RESULTS_FORMATS_WRITERS_H

#include "base/outfile.h"
#include "hw/formats/format_report.h"

typedef void formats_writer(const struct report_request *q, const struct format_report *r, struct outfile *f);
formats_writer formats_write_text, formats_write_json;

#endif
