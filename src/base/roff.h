/* Text of manual pages: the man macros of roff. Arguments of the requests below are plain text; what roff would read
 * as its own is escaped here. */
#ifndef MOESIM_BASE_ROFF_H
#define MOESIM_BASE_ROFF_H

#include <stdio.h>

/* .SH and .SS: a heading. */
void roff_section(FILE *out, const char *title);
void roff_subsection(FILE *out, const char *title);
/* .TP: a term in bold; its description follows as text. */
void roff_term(FILE *out, const char *term);
/* A line of text in a paragraph. */
void roff_line(FILE *out, const char *text);

#endif
