/* Diagnostics: the exact text that users see, its order, and the exit code. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "tap_main.h"

static struct diag *d;

static void setup(void)
{
    d = diag_new();
}

static void teardown(void)
{
    diag_free(d);
}

static struct srcloc at(const char *text, int line, int column)
{
    return (struct srcloc){.file = "a.yaml", .text = text, .text_len = strlen(text), .line = line, .column = column};
}

static char *printed(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(out != NULL);
    diag_print(d, out);
    fclose(out);
    return text;
}

START_TEST(nothing_reported)
{
    ck_assert(!diag_failed(d));
    ck_assert_int_eq(diag_exit_code(d), EXIT_OK);
    ck_assert_str_eq(diag_text(d), "");
}
END_TEST

START_TEST(place_line_and_caret)
{
    diag_error(d, EXIT_BAD_INPUT, at("a: 1\nb: two\n", 2, 4), "'%s' is no number", "two");
    ck_assert_str_eq(diag_text(d), "a.yaml:2:4: error: 'two' is no number\n"
                                   "    b: two\n"
                                   "       ^\n");
}
END_TEST

/* A study that builds a network for each of its rows warns once, and its errors still have room. */
START_TEST(warnings_are_not_repeated)
{
    for (int i = 0; i < 1000; i++) {
        diag_warning(d, SRCLOC_NONE, "slow");
        diag_warning(d, at("", 2, 5), "slow");
    }
    diag_error(d, EXIT_BAD_INPUT, SRCLOC_NONE, "wrong");
    char *text = printed();
    ck_assert_str_eq(text, "warning: slow\nerror: wrong\na.yaml:2:5: warning: slow\n");
    free(text);
}
END_TEST

START_TEST(parts_of_a_place)
{
    diag_error(d, EXIT_USAGE, SRCLOC_NONE, "no scenario");
    ck_assert_str_eq(diag_text(d), "error: no scenario\n");
    diag_error(d, EXIT_IO, SRCLOC_FILE("x.gz"), "cannot read");
    ck_assert(strstr(diag_text(d), "\nx.gz: error: cannot read\n"));
    diag_error(d, EXIT_IO, ((struct srcloc){.file = "y", .line = 7}), "cut short");
    ck_assert(strstr(diag_text(d), "\ny:7: error: cut short\n"));
}
END_TEST

/* A tab stays a tab, a character of several bytes is one column. */
START_TEST(caret_stands_under_its_character)
{
    diag_error(d, EXIT_BAD_INPUT, at("\t\xc3\xa9\xe2\x82\xac: x", 1, 4), "here");
    ck_assert_str_eq(diag_text(d), "a.yaml:1:4: error: here\n"
                                   "    \t\xc3\xa9\xe2\x82\xac: x\n"
                                   "    \t  ^\n");
}
END_TEST

START_TEST(line_ends_of_all_systems)
{
    diag_error(d, EXIT_BAD_INPUT, at("one\r\ntwo\rthree", 3, 1), "x");
    ck_assert(strstr(diag_text(d), "    three\n    ^\n"));
    diag_error(d, EXIT_BAD_INPUT, at("one\r\ntwo\rthree", 2, 3), "y");
    ck_assert(strstr(diag_text(d), "    two\n      ^\n"));
}
END_TEST

START_TEST(place_outside_the_text)
{
    diag_error(d, EXIT_BAD_INPUT, at("one\n", 9, 1), "no such line");
    ck_assert_str_eq(diag_text(d), "a.yaml:9:1: error: no such line\n");
    diag_error(d, EXIT_BAD_INPUT, at("one", 1, 50), "right of the line");
    ck_assert(strstr(diag_text(d), "    one\n       ^\n"));
}
END_TEST

START_TEST(long_line_is_cut_around_the_caret)
{
    char line[5001];
    memset(line, 'x', 5000);
    line[5000] = 0;
    line[2999] = '!';
    diag_error(d, EXIT_BAD_INPUT, at(line, 1, 3000), "here");
    const char *text = diag_text(d);
    ck_assert_uint_lt(strlen(text), 600);
    const char *source = strstr(text, "    ..."), *caret = strchr(text, '^');
    ck_assert(source && caret);
    const char *caret_line = strchr(source, '\n') + 1;
    ck_assert_int_eq((int)(strchr(source, '!') - source), (int)(caret - caret_line));
}
END_TEST

/* Input must not be able to steer the user's terminal. */
START_TEST(control_characters_are_masked)
{
    diag_error(d, EXIT_BAD_INPUT, at("a\033[2Jb\x7f", 1, 1), "bad '%s'", "\033[31m\a");
    ck_assert_str_eq(diag_text(d), "a.yaml:1:1: error: bad '?[31m?'\n"
                                   "    a?[2Jb?\n"
                                   "    ^\n");
}
END_TEST

START_TEST(sorted_by_place)
{
    diag_error(d, EXIT_BAD_INPUT, at("", 9, 1), "third");
    diag_warning(d, at("", 2, 5), "second");
    diag_error(d, EXIT_BAD_INPUT, SRCLOC_FILE("b.yaml"), "fourth");
    diag_error(d, EXIT_BAD_INPUT, at("", 2, 1), "first");
    diag_error(d, EXIT_BAD_INPUT, at("", 9, 1), "third again");
    ck_assert_str_eq(diag_text(d), "a.yaml:2:1: error: first\n"
                                   "a.yaml:2:5: warning: second\n"
                                   "a.yaml:9:1: error: third\n"
                                   "a.yaml:9:1: error: third again\n"
                                   "b.yaml: error: fourth\n");
    ck_assert_uint_eq(diag_count(d), 4);
}
END_TEST

START_TEST(first_error_gives_the_exit_code)
{
    diag_warning(d, SRCLOC_NONE, "odd");
    ck_assert(!diag_failed(d));
    ck_assert_int_eq(diag_exit_code(d), EXIT_OK);
    diag_error(d, EXIT_IO, at("", 5, 1), "later in the file");
    diag_error(d, EXIT_BAD_INPUT, at("", 1, 1), "earlier in the file");
    ck_assert(diag_failed(d));
    ck_assert_int_eq(diag_exit_code(d), EXIT_IO);
}
END_TEST

START_TEST(each_message_is_printed_once)
{
    diag_error(d, EXIT_IO, at("", 2, 1), "one");
    char *text = printed();
    ck_assert_str_eq(text, "a.yaml:2:1: error: one\n");
    free(text);
    diag_error(d, EXIT_IO, at("", 1, 1), "two");
    text = printed();
    ck_assert_str_eq(text, "a.yaml:1:1: error: two\n");
    free(text);
    text = printed();
    ck_assert_str_eq(text, "");
    free(text);
    ck_assert(strstr(diag_text(d), "two") && strstr(diag_text(d), "one"));
}
END_TEST

START_TEST(a_flood_is_cut_but_counted)
{
    for (int i = 1; i <= 5000; i++)
        diag_error(d, EXIT_BAD_INPUT, at("", i, 1), "again");
    ck_assert_uint_eq(diag_count(d), 5000);
    ck_assert(strstr(diag_text(d), "... and 4800 more messages\n"));
    ck_assert_uint_lt(strlen(diag_text(d)), 20000);
}
END_TEST

/* The input and its name may be gone when the message is printed. */
START_TEST(keeps_its_own_copy)
{
    char *text = strdup("secret: 1"), *name = strdup("gone.yaml");
    struct srcloc where = {.file = name, .text = text, .text_len = strlen(text), .line = 1, .column = 9};
    diag_error(d, EXIT_BAD_INPUT, where, "bad");
    free(text);
    free(name);
    ck_assert_str_eq(diag_text(d), "gone.yaml:1:9: error: bad\n    secret: 1\n            ^\n");
}
END_TEST

START_TEST(bug_ends_with_70)
{
    BUG("impossible %d", 3);
}
END_TEST

START_TEST(out_of_memory_ends_with_5)
{
    checked_alloc(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base_diag");
    TCase *t = tcase_create("diag");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_reported);
    tcase_add_test(t, place_line_and_caret);
    tcase_add_test(t, warnings_are_not_repeated);
    tcase_add_test(t, parts_of_a_place);
    tcase_add_test(t, caret_stands_under_its_character);
    tcase_add_test(t, line_ends_of_all_systems);
    tcase_add_test(t, place_outside_the_text);
    tcase_add_test(t, long_line_is_cut_around_the_caret);
    tcase_add_test(t, control_characters_are_masked);
    tcase_add_test(t, sorted_by_place);
    tcase_add_test(t, first_error_gives_the_exit_code);
    tcase_add_test(t, each_message_is_printed_once);
    tcase_add_test(t, a_flood_is_cut_but_counted);
    tcase_add_test(t, keeps_its_own_copy);
    tcase_add_exit_test(t, bug_ends_with_70, EXIT_BUG);
    tcase_add_exit_test(t, out_of_memory_ends_with_5, EXIT_LIMIT);
    suite_add_tcase(s, t);
    return tap_main(s);
}
