#include "base/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double QUIET_S = 1, ELSEWHERE_S = 10; /* before the first line; between lines where there is no terminal */

static struct {
    const char *what;
    double since_s, part_since_s, said_s;
    double share; /* of this part, or of all */
    size_t part, done, total;
    int shown;
    bool never;
} current;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_never(void)
{
    current.never = true;
}

void progress_begin(const char *what)
{
    current.what = what;
    current.since_s = current.part_since_s = current.said_s = now_s();
    current.share = 0;
    current.part = current.done = current.total = 0;
    current.shown = 0;
}

void progress_next_part(void)
{
    current.part++;
    current.part_since_s = now_s();
    current.share = 0;
}

void progress_share(double share)
{
    current.share = share;
}

void progress_parts(size_t done, size_t total)
{
    if (!current.total)
        current.part_since_s = now_s();
    current.done = done;
    current.total = total;
    current.share = total ? (double)done / (double)total : 0;
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

/* "simulating, number 3: 45 %, 0:12, 0:15 left" */
static void say(FILE *out, double now)
{
    char passed[32], left[32];
    double share = current.share;
    fputs(current.what, out);
    if (current.total)
        fprintf(out, ": %zu of %zu", current.done, current.total);
    else if (current.part > 1)
        fprintf(out, ", number %zu", current.part);
    if (share > 0 && !current.total)
        fprintf(out, ": %.0f %%", 100 * share);
    fprintf(out, ", %s", clock_text(now - current.since_s, passed, sizeof passed));
    if (share > 0 && share < 1)
        fprintf(out, ", %s left%s", clock_text((now - current.part_since_s) * (1 - share) / share, left, sizeof left),
                current.part > 1 && !current.total ? " of this one" : "");
}

void progress_tick(void *unused)
{
    (void)unused;
    double now = now_s();
    if (!current.what || current.never || now - current.since_s < QUIET_S)
        return;
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
        say(stderr, now);
        current.shown = 1;
    } else if (now - current.said_s >= ELSEWHERE_S) {
        fputs("moesim: ", stderr);
        say(stderr, now);
        fputc('\n', stderr);
        current.said_s = now;
    }
    fflush(stderr);
}

static void draw_bar(size_t done, size_t total, double rate, const char *left)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################", empty[] = "..............................";
    int bar = (int)(WIDTH * done / (total ? total : 1));
    fprintf(stderr, "\r\033[K%s [%.*s%.*s] %zu/%zu  %.3g/s  ETA %s", current.what, bar, full, WIDTH - bar, empty, done,
            total, rate, left);
}

void progress_bar(size_t done, size_t fresh, size_t total, size_t failed)
{
    double now = now_s(), rate = (double)fresh / (now - current.since_s + 1e-9);
    bool terminal = isatty(STDERR_FILENO);
    if (!current.what || current.never || (now - current.said_s < (terminal ? 0.1 : ELSEWHERE_S) && done < total))
        return;
    char buf[32];
    const char *left = fresh ? clock_text((double)(total - done) / rate, buf, sizeof buf) : "-";
    if (terminal)
        draw_bar(done, total, rate, left);
    else if (now - current.since_s >= ELSEWHERE_S)
        fprintf(stderr, "moesim: %s: %zu of %zu, %.3g/s, %s left", current.what, done, total, rate, left);
    else
        return;
    if (failed)
        fprintf(stderr, "%s%zu", terminal ? "  failed " : ", failed: ", failed);
    if (!terminal)
        fputc('\n', stderr);
    fflush(stderr);
    current.said_s = now;
    current.shown = terminal;
}

void progress_end(void)
{
    if (current.shown)
        fputs("\r\033[K", stderr);
    current.what = NULL;
    current.shown = 0;
}
