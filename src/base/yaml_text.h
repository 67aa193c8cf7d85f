/* Reading a whole text file; internal to the YAML reader. */
#ifndef MOESIM_BASE_YAML_TEXT_H
#define MOESIM_BASE_YAML_TEXT_H

#include "base/yaml_doc.h"

/* The file's bytes, NUL-terminated, owned by the arena. 0, or -1 with one error
 * (EXIT_IO where it cannot be read, EXIT_LIMIT where it is absurdly large). */
int yaml_text_read(const char *path, struct arena *a, const char **text, size_t *len, struct diag *diag);

/* Length of the well-formed UTF-8 character at the start of text and its code point; 0
 * when it is malformed. left > 0. */
size_t yaml_decode(const char *text, size_t left, unsigned *code);
/* Whether a code point may stand in our YAML as it is: no control characters, no line
 * separators besides \n and \r, no byte order mark, no noncharacters. */
bool yaml_printable(unsigned code);

#endif
