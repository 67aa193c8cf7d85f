#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "cmd/cmd.h"

int finish_stdout(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    fprintf(stderr, "standard output: error: cannot write%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
    return code ? code : EXIT_IO;
}
