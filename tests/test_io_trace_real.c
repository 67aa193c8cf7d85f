/* The profile that DeepSeek published, where it is present: importing it gives the shipped
 * traces/deepseek_v3_train.trace.json byte by byte, and the times of its phases are those
 * of a table that was made from it by other means. The files lie in $MOESIM_SHARED or in
 * ../shared beside the source tree; without them this is skipped.
 * Data: github.com/deepseek-ai/profile-data, train.json. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folders.h"
#include "io/inputs/trace_import.h"
#include "io/trace/trace_file.h"
#include "tap_main.h"

#define SHIPPED MOESIM_SRCDIR "/traces/deepseek_v3_train.trace.json"

static char profile[4096], phases[4096];
static struct arena *arena;
static struct diag *d;
static struct trace *t;

static void find_data(void)
{
    const char *shared = getenv("MOESIM_SHARED");

    shared = shared && *shared ? shared : MOESIM_SRCDIR "/../shared";
    snprintf(profile, sizeof profile, "%s/data/deepseek_v3_train_kineto.json", shared);
    snprintf(phases, sizeof phases, "%s/data/train_trace_phases.csv", shared);
}

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
    t = trace_import(profile, NULL, arena, d);
    ck_assert_msg(t, "%s", diag_text(d));
    ck_assert_str_eq(diag_text(d), ""); /* every kernel has a class */
}

static void teardown(void)
{
    diag_free(d);
    arena_free(arena);
}

static void check_same_file(const char *a_path, const char *b_path)
{
    FILE *a = fopen(a_path, "r"), *b = fopen(b_path, "r");
    static char a_line[8192], b_line[8192];
    int n = 1;

    ck_assert(a && b);
    for (;; n++) {
        char *more_a = fgets(a_line, sizeof a_line, a);
        char *more_b = fgets(b_line, sizeof b_line, b);
        if (!more_a || !more_b) {
            ck_assert_msg(!more_a && !more_b, "line %d is there in one file only", n);
            break;
        }
        ck_assert_msg(!strcmp(a_line, b_line), "line %d: imported %s shipped %s", n, a_line, b_line);
    }
    ck_assert_int_gt(n, 900); /* about a thousand kernels, one a line */
    fclose(a);
    fclose(b);
}

START_TEST(test_shipped_trace)
{
    const struct trace *shipped = trace_read(SHIPPED, arena, d);
    char path[] = "/tmp/moesim-real-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_msg(shipped, "%s", diag_text(d));
    t->source = shipped->source; /* the one thing that a user says */
    ck_assert_msg(trace_write(t, path, d) == 0, "%s", diag_text(d));
    check_same_file(path, SHIPPED);
    unlink(path);
}
END_TEST

struct part { /* one layer pair's phase */
    double start_us, end_us, busy_us;
    int kernels;
};

/* Copies and fills are no kernels to the table. */
static struct part part_of(int layer, const char *phase)
{
    struct part p = {INFINITY, 0, 0, 0};

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        if (!k->grid[0] || k->layer != layer || k->phase == TRACE_NONE || strcmp(t->phases[k->phase], phase))
            continue;
        p.start_us = fmin(p.start_us, k->start_s * 1e6);
        p.end_us = fmax(p.end_us, (k->start_s + k->duration_s) * 1e6);
        p.busy_us += k->duration_s * 1e6;
        p.kernels++;
    }
    return p;
}

static void check_line(const char *line, int *kernels)
{
    struct part want;
    char phase[64];
    int layer = 0;
    double wall_us;

    ck_assert_msg(sscanf(line, "%d,%63[^,],%lf,%lf,%lf,%lf,%d", &layer, phase, &want.start_us, &want.end_us, &wall_us,
                         &want.busy_us, &want.kernels) == 7,
                  "cannot read %s", line);
    struct part got = part_of(layer, phase);
    ck_assert_msg(fabs(got.start_us - want.start_us) < 1e-6 && fabs(got.end_us - want.end_us) < 1e-6 &&
                      fabs(got.busy_us - want.busy_us) < 1e-6 && got.kernels == want.kernels,
                  "imported %.9g to %.9g, busy %.9g, %d kernels; the table says %s", got.start_us, got.end_us,
                  got.busy_us, got.kernels, line);
    *kernels += got.kernels;
}

START_TEST(test_phases)
{
    FILE *f = fopen(phases, "r");
    char line[256];
    int n = 0, kernels = 0, all = 0;

    ck_assert_msg(f && fgets(line, sizeof line, f), "cannot read %s", phases);
    for (; fgets(line, sizeof line, f); n++)
        check_line(line, &kernels);
    fclose(f);
    for (uint32_t i = 0; i < t->n_kernels; i++)
        all += t->kernels[i].grid[0] > 0;
    ck_assert_int_eq(n, 40); /* four layer pairs, ten phases */
    ck_assert_int_eq(kernels, all);
}
END_TEST

int main(void)
{
    find_data();
    if (access(profile, R_OK) || access(phases, R_OK)) {
        printf("1..0 # SKIP %s or the phase table beside it is not there\n", profile);
        return 0;
    }
    Suite *s = suite_create("io: the real trace");
    TCase *tc = tcase_create("import");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_shipped_trace);
    tcase_add_test(tc, test_phases);
    suite_add_tcase(s, tc);
    return tap_main(s);
}
