/* What every fuzz target of fabrics does with what was read. */
#ifndef MOESIM_TESTS_FUZZ_FABRIC_CHECKS_H
#define MOESIM_TESTS_FUZZ_FABRIC_CHECKS_H

#include <stdlib.h>

#include "io/inputs/fabric_import.h"

static void must(int condition)
{
    if (!condition)
        abort();
}

/* What is accepted can be written, or the reason is reported. */
static void write_out(const struct fabric *f, struct diag *d)
{
    struct fabric_options o = {0};
    struct outfile *out = outfile_open("/dev/null", d);
    must(out != NULL);
    if (fabric_write(f, &o, out, d))
        outfile_abandon(out);
    else
        must(outfile_close(out, d) == 0);
}

#endif
