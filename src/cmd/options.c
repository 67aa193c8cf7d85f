/* Values of command-line options. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>

#include "cmd/cmd.h"

uint64_t option_whole(const char *text, uint64_t least, uint64_t most, const char *what,
                      struct argp_state *state)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || !*text || *end || text[0] == '-' || value < least || value > most)
        argp_error(state, "%s is a whole number from %llu to %llu, not '%s'", what,
                   (unsigned long long)least, (unsigned long long)most, text);
    return value;
}
