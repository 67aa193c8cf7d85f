/* Arena: what is promised about its memory. */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/diag.h"
#include "tap_main.h"

static bool all_are(const unsigned char *p, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

START_TEST(zeroed_aligned_and_apart)
{
    struct arena *a = arena_new();
    unsigned char *last = NULL;
    size_t last_n = 0;
    for (size_t n = 1; n < 3000000; n = n * 3 + 1) {
        unsigned char *p = arena_alloc(a, n);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        ck_assert(all_are(p, n, 0));
        memset(p, 0xaa, n);
        ck_assert(all_are(last, last_n, 0xaa)); /* what was handed out before is untouched */
        last = p;
        last_n = n;
        ck_assert_uint_ge(arena_used_B(a), n);
    }
    arena_free(a);
}
END_TEST

START_TEST(texts)
{
    struct arena *a = arena_new();
    char *s = arena_printf(a, "%s-%d-%0*d", "x", 7, 5000, 1);
    ck_assert_uint_eq(strlen(s), 4 + 5000);
    ck_assert_str_eq(arena_strdup(a, "copy"), "copy");
    ck_assert_str_eq(arena_strdup(a, ""), "");
    arena_free(a);
    arena_free(NULL);
}
END_TEST

/* Sizes that overflow end the process with the exit code of limits, not with a wild pointer. */
START_TEST(overflow_ends_with_the_exit_code_of_limits)
{
    struct arena *a = arena_new();
    arena_array(a, SIZE_MAX / 2, 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");
    tcase_add_test(t, zeroed_aligned_and_apart);
    tcase_add_test(t, texts);
    tcase_add_exit_test(t, overflow_ends_with_the_exit_code_of_limits, EXIT_LIMIT);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
