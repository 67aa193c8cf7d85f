#include "bench.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/data_find.h"

enum { MAX_ROWS = 100, MAX_NAME = 80 };

static struct {
    char name[MAX_ROWS][MAX_NAME];
    double ratio[MAX_ROWS];
    int n;
} last;

void bench_die_on_error(struct diag *diag)
{
    if (!diag_failed(diag))
        return;
    diag_print(diag, stderr);
    exit(diag_exit_code(diag));
}

double bench_children_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + 1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double one_loop_s(void)
{
    enum { PLACES = 4096, INDICES = 100000, ROUNDS = 2000 };
    static double place[PLACES];
    static uint32_t index[INDICES];
    for (uint32_t i = 0; i < INDICES; i++)
        index[i] = i * 2654435761u >> 20;
    double begin_s = cpu_s();
    for (int round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < INDICES; i++)
            place[index[i]] += 1e-3 * round;
    volatile double kept = place[7];
    (void)kept;
    return cpu_s() - begin_s;
}

double bench_reference_s(void)
{
    static double best_s;
    for (int i = 0; i < 3 && (i || best_s == 0); i++) {
        double s = one_loop_s();
        if (best_s == 0 || s < best_s)
            best_s = s;
    }
    return best_s;
}

void bench_open(void)
{
    char line[200];
    struct arena *arena = arena_new();
    const char *path = data_find("tools/bench/last_release.txt", NULL, arena);
    FILE *f = path ? fopen(path, "r") : NULL;
    while (f && fgets(line, sizeof line, f)) {
        char *bar = strchr(line, '|');
        if (line[0] == '#' || !bar || last.n == MAX_ROWS)
            continue;
        last.ratio[last.n] = atof(bar + 1);
        while (bar > line && bar[-1] == ' ')
            bar--;
        snprintf(last.name[last.n++], MAX_NAME, "%.*s", (int)(bar - line), line);
    }
    if (f)
        fclose(f);
    arena_free(arena);
    printf("bench_reference: %.3f s of CPU time on this machine; x ref: CPU time over that; last: how many times more "
           "the\n"
           "last release took by the same measure (tools/bench/last_release.txt)\n",
           bench_reference_s());
}

static double last_ratio(const char *name)
{
    for (int i = 0; i < last.n; i++)
        if (!strcmp(last.name[i], name))
            return last.ratio[i];
    return 0;
}

void bench_heading(const char *title)
{
    printf("\n%s\n%-58s %9s %9s %8s %8s\n", title, "", "CPU s", "x ref", "last", "peak MB");
}

void bench_row(const char *name, double s, double peak_B, const char *more)
{
    double ratio = s / bench_reference_s(), before = last_ratio(name);
    char factor[32] = "-", memory[32] = "-";
    if (before > 0)
        snprintf(factor, sizeof factor, "%.1fx", before / ratio);
    if (peak_B > 0)
        snprintf(memory, sizeof memory, "%.1f", peak_B / 1e6);
    printf("%-58s %9.3f %9.2f %8s %8s %s\n", name, s, ratio, factor, memory, more);
    fflush(stdout);
}
