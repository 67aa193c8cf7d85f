/* LaTeX: what is escaped reads back as it was, nothing is left that LaTeX would obey, numbers of a column align. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/build_id.h"
#include "io/results/latex_number.h"
#include "tap_main.h"

static struct arena *a;
static char path[64];

static void setup(void)
{
    a = arena_new();
    strcpy(path, "/tmp/moesim-latex-XXXXXX");
    close(mkstemp(path));
}

static void teardown(void)
{
    unlink(path);
    arena_free(a);
}

static char *written(void)
{
    FILE *f = fopen(path, "r");
    char *text = arena_alloc(a, 1 << 16);
    text[fread(text, 1, (1 << 16) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static const char *escaped(const char *s)
{
    struct diag *d = diag_new();
    struct outfile *f = outfile_open(path, d);
    latex_text(f, s);
    ck_assert_int_eq(outfile_close(f, d), 0);
    diag_free(d);
    return written();
}

/* What each printable character is written as; "-" and "-{}" are both a hyphen. */
static const char *alone[127];

static char read_back(const char **p)
{
    int best = 0;
    size_t n = 0;
    for (int c = ' '; c < 127; c++)
        if (!strncmp(*p, alone[c], strlen(alone[c])) && strlen(alone[c]) > n) {
            best = c;
            n = strlen(alone[c]);
        }
    ck_assert_msg(best, "nothing is written so: %s", *p);
    *p += n;
    if (best == '-' && !strncmp(*p, "{}-", 3))
        *p += 2;
    return (char)best;
}

START_TEST(escapes_read_back)
{
    srand(7);
    for (int c = ' '; c < 127; c++)
        alone[c] = escaped((char[]){(char)c, '\0'});
    for (const char *c = "\\{}$&#_%^~"; *c; c++)
        ck_assert_msg(strlen(alone[(int)*c]) > 1 && alone[(int)*c][0] == '\\', "%c is left as it is", *c);
    for (int i = 0; i < 200; i++) {
        char text[40];
        int n = rand() % 39, k = 0;
        for (; k < n; k++)
            text[k] = (char)(rand() % 3 ? "\\{}$&#_%^~-'`<>|\"[]"[rand() % 19] : ' ' + rand() % 95);
        text[n] = '\0';
        const char *p = escaped(text);
        for (k = 0; *p; k++)
            ck_assert_int_eq(read_back(&p), text[k]);
        ck_assert_int_eq(k, n);
    }
}
END_TEST

START_TEST(letters_that_are_no_ascii)
{
    ck_assert_str_eq(escaped("3 \u00b5s \u2264 4, Universit\u00e4t"),
                     "3 \\ensuremath{\\mu}s \\ensuremath{\\le} 4, Universit\u00e4t");
    ck_assert_str_eq(escaped("a\001b\nc\377d\303"), "a?b c?d?");
    ck_assert_str_eq(escaped("--axis - x"), "-{}-axis - x");
}
END_TEST

static void shows(const double *values, uint32_t n, enum unit_dim dim, const char *unit, const char *texts)
{
    struct result_cell *cells = ARENA_ARRAY(a, struct result_cell, n);
    struct latex_column column = {0};
    char all[256] = "";
    for (uint32_t i = 0; i < n; i++)
        cells[i].value = values[i];
    struct number_style s = number_style(cells, NULL, n, 1, dim, &column);
    for (uint32_t i = 0; i < n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", number_text(values[i], &s, a));
    ck_assert_str_eq(s.unit, unit);
    ck_assert_str_eq(all, texts);
}

START_TEST(one_unit_and_as_many_decimals)
{
    shows((double[]){5e10, 2e11}, 2, DIM_BANDWIDTH, "GB/s", "50 200");
    shows((double[]){0.0012345, 0.123456, NAN}, 3, DIM_TIME, "ms", "1.23 123.46 --");
    shows((double[]){1568, 384272}, 2, DIM_COUNT, "", "1,568 384,272");
    shows((double[]){4096, 65536}, 2, DIM_BYTES, "KiB", "4 64");
    shows((double[]){128, 1 << 30}, 2, DIM_BYTES, "", "128 B 1 GiB");
    shows((double[]){-0.25, 0.5, 0}, 3, DIM_RATIO, "", "\\ensuremath{-}0.25 0.50 0.00");
    shows((double[]){1.5e-9, 2}, 2, DIM_RATIO, "",
          "\\ensuremath{1.50\\times 10^{-9}} \\ensuremath{2.00\\times 10^{0}}");
    shows((double[]){NAN, 0}, 2, DIM_TIME, "", "-- 0");
}
END_TEST

START_TEST(intervals_say_how_many_decimals)
{
    struct result_cell cells[] = {{.value = 0.04712345}, {.value = 0.00031}, {.value = 0.0512}, {.value = 0.00021}};
    struct number_style s = number_style(cells, cells + 1, 2, 2, DIM_TIME, &(struct latex_column){0});
    ck_assert_str_eq(number_text(cells[0].value, &s, a), "47.12");
    ck_assert_str_eq(number_text(cells[1].value, &s, a), "0.31");
    cells[1].value = cells[3].value = 1e-18; /* rounding of equal numbers */
    s = number_style(cells, cells + 1, 2, 2, DIM_TIME, &(struct latex_column){0});
    ck_assert_str_eq(number_text(cells[0].value, &s, a), "47.1");
}
END_TEST

/* Golden: groups, an interval, a text that is a number, a text that is markup. */
START_TEST(a_whole_table)
{
    static const struct result_column columns[] = {{"key.some_name", DIM_COUNT, "", true},
                                                   {"time", DIM_TIME, "", false},
                                                   {"time.ci95", DIM_TIME, "", false},
                                                   {"paper", DIM_COUNT, "", true}};
    struct result_cell cells[] = {{.text = "50 % & more"}, {.value = 1.5e-5}, {.value = 2e-7}, {.text = "-12.5"},
                                  {.text = "x"},           {.value = 1e-5},   {.value = NAN},  {.text = "9"}};
    const struct result_table t = {"a_b", "", columns, 4, cells, 2};
    const struct latex_column looks[4] = {[1] = {.group = "both"}, [3] = {.group = "both", .point = true}};
    struct diag *d = diag_new();
    struct outfile *f = outfile_open(path, d);
    command_line = "moesim x\ny";
    latex_table(f, &t, &(struct latex_about){.caption = "A caption", .columns = looks}, a);
    ck_assert_int_eq(outfile_close(f, d), 0);
    diag_free(d);
    const char *text = written(), *begin = strstr(text, "\\begin{table}"),
               *caption = strstr(text, "\\caption{A caption. moesim ");
    ck_assert(caption && strstr(caption, "\\texttt{moesim x y}"));
    ck_assert_msg(strstr(text, "moesim x?y\n% needs"), "a comment of two lines: %s", text);
    ck_assert(begin && strstr(begin, "\\label{tab:a-b}"));
    ck_assert_str_eq(
        strstr(text, "\\begin{tabular}"),
        "\\begin{tabular}{@{}lr@{}lr@{}l@{}}\n\\toprule\n & \\multicolumn{4}{c}{both} \\\\\n\\cmidrule(lr){2-5}\n"
        "some name & \\multicolumn{2}{c}{time [\\ensuremath{\\mu}s]} & \\multicolumn{2}{c}{paper} \\\\\n\\midrule\n"
        "50 \\% \\& more & 15.00&${}\\pm{}$0.20 & \\ensuremath{-}12&.5 \\\\\n"
        "x & 10.00& & 9& \\\\\n\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}
END_TEST

START_TEST(commands_as_typed)
{
    char *argv[] = {"run", "a b.yaml", "-s", "x='1 us'", "", "plain=2"};
    char *line = command_line_of("moesim", 6, argv);
    ck_assert_str_eq(line, "moesim run 'a b.yaml' -s 'x='\\''1 us'\\''' '' plain=2");
    free(line);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("io_latex");
    TCase *t = tcase_create("latex");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, escapes_read_back);
    tcase_add_test(t, letters_that_are_no_ascii);
    tcase_add_test(t, one_unit_and_as_many_decimals);
    tcase_add_test(t, intervals_say_how_many_decimals);
    tcase_add_test(t, a_whole_table);
    tcase_add_test(t, commands_as_typed);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
