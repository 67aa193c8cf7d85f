#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *what;
    double since_s;
    int shown;
} current;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(const char *what)
{
    current.what = what;
    current.since_s = now_s();
    current.shown = 0;
}

void progress_tick(void *unused)
{
    (void)unused;
    double elapsed_s = now_s() - current.since_s;
    if (!current.what || elapsed_s < 1 || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s ... %.0f s", current.what, elapsed_s);
    fflush(stderr);
    current.shown = 1;
}

void progress_end(void)
{
    if (current.shown)
        fputs("\r\033[K", stderr);
    current.what = NULL;
    current.shown = 0;
}
