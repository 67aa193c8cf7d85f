/* What processes of a family look up in each other's results. */
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/shared_cache.h"
#include "tap_main.h"

static void in_child(void (*what)(void))
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        what();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static void put_answer(void)
{
    const double answer[2] = {42, -1};
    shared_cache_put("test", "question", answer, sizeof answer);
}

static void find_answer(void)
{
    const double *known = shared_cache_get("test", "question", 2 * sizeof *known);
    if (!known || known[0] != 42 || known[1] != -1)
        _exit(1);
}

START_TEST(without_a_cache_nothing_is_known)
{
    put_answer();
    ck_assert_ptr_null(shared_cache_get("test", "question", 2 * sizeof(double)));
    ck_assert_uint_eq(shared_cache_stats().entries, 0);
}
END_TEST

START_TEST(children_know_what_children_found)
{
    shared_cache_begin();
    in_child(put_answer);
    in_child(find_answer);
    find_answer();
    ck_assert_uint_eq(shared_cache_stats().entries, 1);
    ck_assert_uint_eq(shared_cache_stats().hits, 2);
    shared_cache_begin(); /* the same one */
    find_answer();
}
END_TEST

START_TEST(what_is_found_is_aligned_for_any_type)
{
    shared_cache_begin();
    put_answer();
    ck_assert_uint_eq((uintptr_t)shared_cache_get("test", "question", 2 * sizeof(double)) % _Alignof(max_align_t), 0);
}
END_TEST

START_TEST(another_question_has_no_answer)
{
    shared_cache_begin();
    put_answer();
    ck_assert_ptr_null(shared_cache_get("test", "question?", 2 * sizeof(double)));
    ck_assert_ptr_null(shared_cache_get("tests", "question", 2 * sizeof(double)));
    ck_assert_ptr_null(shared_cache_get("test", "question", sizeof(double)));
}
END_TEST

START_TEST(a_full_cache_keeps_what_it_has)
{
    static const char block[1 << 20];
    shared_cache_begin();
    put_answer();
    for (int i = 0; i < 300; i++) {
        char key[8] = {'k', (char)(1 + i / 100), (char)(1 + i % 100)};
        shared_cache_put("test", key, block, sizeof block);
    }
    find_answer();
    ck_assert_uint_lt(shared_cache_stats().entries, 260);
    ck_assert_uint_gt(shared_cache_stats().entries, 200);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("shared cache");
    TCase *t = tcase_create("shared cache"); /* each test in a process of its own, which has no cache yet */
    tcase_add_test(t, without_a_cache_nothing_is_known);
    tcase_add_test(t, children_know_what_children_found);
    tcase_add_test(t, what_is_found_is_aligned_for_any_type);
    tcase_add_test(t, another_question_has_no_answer);
    tcase_add_test(t, a_full_cache_keeps_what_it_has);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
