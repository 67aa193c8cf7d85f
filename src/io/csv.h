/* Fields of CSV (RFC 4180). */
#ifndef MOESIM_IO_CSV_H
#define MOESIM_IO_CSV_H

#include "base/outfile.h"

/* Quoted where it must be. A text that a spreadsheet would run as a formula (it starts with = + - @, a tab or a
 * return) gets an apostrophe in front, which makes it text there. */
void csv_text(struct outfile *f, const char *text);
/* All digits that it takes to read the same double; nothing when it is not finite. */
void csv_number(struct outfile *f, double value);

#endif
