/* Lines of progress, where standard error is no terminal: none in the first second, one every ten. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "tap_main.h"

static char said[1000];

/* What the clock shows is this test's to say. */
static double clock_s;
int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    t->tv_sec = (time_t)clock_s;
    t->tv_nsec = 0;
    return 0;
}

static void tick_at(double s)
{
    clock_s = s;
    progress_tick(NULL);
}

static void talk(void)
{
    clock_s = 100;
    progress_begin("simulating");
    progress_next_part();
    progress_share(0.2);
    tick_at(109);
    tick_at(110);
    tick_at(112);
    progress_next_part();
    progress_share(0.5);
    tick_at(120);
    progress_parts(3, 4);
    tick_at(130);
    progress_end();
    tick_at(150);
}

/* Standard error into `said`. */
static void listen(void (*what)(void))
{
    FILE *f = tmpfile();
    int before = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    what();
    dup2(before, STDERR_FILENO);
    rewind(f);
    said[fread(said, 1, sizeof said - 1, f)] = 0;
    fclose(f);
    close(before);
}

START_TEST(says_what_how_far_how_long)
{
    listen(talk);
    ck_assert_str_eq(said, "moesim: simulating: 20 %, 0:10, 0:40 left\n"
                           "moesim: simulating, number 2: 50 %, 0:20, 0:08 left of this one\n"
                           "moesim: simulating: 3 of 4, 0:30, 0:03 left\n");
}
END_TEST

START_TEST(never)
{
    progress_never();
    listen(talk);
    ck_assert_str_eq(said, "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("progress");
    TCase *t = tcase_create("lines");
    tcase_add_test(t, says_what_how_far_how_long);
    tcase_add_test(t, never);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
