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

/* "1:02:03" or "2:03" */
static const char *clock_text(double s, char *buf, size_t size)
{
    unsigned long t = s < 1e8 ? (unsigned long)(s + 0.5) : 99999999;
    if (t >= 3600)
        snprintf(buf, size, "%lu:%02lu:%02lu", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(buf, size, "%lu:%02lu", t / 60, t % 60);
    return buf;
}

void progress_bar(size_t done, size_t fresh, size_t total, size_t failed)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################", empty[] = "..............................";
    static double drawn_s = -1;
    double now = now_s(), rate = (double)fresh / (now - current.since_s + 1e-9);
    if (!current.what || !isatty(STDERR_FILENO) || (now - drawn_s < 0.1 && done < total))
        return;
    char left[32];
    int bar = (int)(WIDTH * done / (total ? total : 1));
    fprintf(stderr, "\r\033[K%s [%.*s%.*s] %zu/%zu  %.3g/s  ETA %s", current.what, bar, full, WIDTH - bar, empty, done,
            total, rate, fresh ? clock_text((double)(total - done) / rate, left, sizeof left) : "-");
    if (failed)
        fprintf(stderr, "  failed %zu", failed);
    fflush(stderr);
    drawn_s = now;
    current.shown = 1;
}

void progress_end(void)
{
    if (current.shown)
        fputs("\r\033[K", stderr);
    current.what = NULL;
    current.shown = 0;
}
