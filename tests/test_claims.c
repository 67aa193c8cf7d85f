/* Claims: expressions over JSON, and what becomes a verdict of which values. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "io/json_expr.h"
#include "campaign/claims.h"
#include "tap_main.h"

static struct arena *a;
static struct diag *d;

static void setup(void)
{
    a = arena_new();
    d = diag_new();
}

static void teardown(void)
{
    diag_free(d);
    arena_free(a);
}

/* --- expressions -------------------------------------------------------------------------------------------------- */

static const char document[] =
    "{\"metrics\": {\"makespan\": {\"value\": 0.125, \"unit\": \"s\"}, \"other\": {\"value\": 3}, \"sizes\": "
    "{\"value\": 9}},"
    " \"tables\": [{\"name\": \"sizes\", \"rows\": ["
    "   {\"network\": \"mpft\", \"size\": 4096, \"busbw\": 10, \"fits\": true},"
    "   {\"network\": \"mpft\", \"size\": 8192, \"busbw\": 20, \"fits\": false},"
    "   {\"network\": \"mrft, old\", \"size\": 4096, \"busbw\": 5, \"fits\": true},"
    "   {\"network\": \"mrft, old\", \"size\": 8192, \"busbw\": 40, \"fits\": true}]}],"
    " \"rows\": [{\"model\": \"v3\", \"kv_KB\": 70.272, \"in\": {\"x\": 7}}, {\"model\": \"l\", \"kv_KB\": 516.096,"
    "   \"in\": {\"x\": 8}}], \"text\": \"word\", \"nothing\": null}";

static int eval(const char *text, struct json_answer *answer, const char **why)
{
    struct json_doc *doc = json_doc_parse(document, strlen(document));
    struct json_expr *e = json_expr_parse(text, SRCLOC_NONE, a, d);
    ck_assert_ptr_nonnull(doc);
    ck_assert_msg(e != NULL, "%s", diag_text(d));
    json_doc_set(doc, "exit_code", 3);
    int failed = json_expr_eval(e, doc, a, answer, why);
    json_doc_free(doc);
    return failed;
}

static const struct {
    const char *text;
    double value;
} good[] = {
    {"makespan", 0.125},
    {"metrics.makespan.value", 0.125},
    {"sizes", 9},
    {"exit_code", 3},
    {"sizes[network=mpft, size=8 KiB].busbw", 20},
    {"sizes[network='mrft, old', size=4096].busbw", 5},
    {"sizes[network=mpft, fits=true].busbw", 10},
    {"max(sizes.busbw)", 40},
    {"min(sizes[network=mpft].busbw / sizes[network='mrft, old'].busbw)", 0.5},
    {"mean(sizes.busbw)", 18.75},
    {"sum(sizes.busbw) / count(sizes.busbw)", 18.75},
    {"spread(sizes.busbw)", 7},
    {"first(sizes.busbw) + last(sizes.busbw)", 50},
    {"max(abs(sizes[network=mpft].busbw - 15))", 5},
    {"rows[model=l].kv_KB / rows[model=v3].kv_KB", 516.096 / 70.272},
    {"rows[model=v3].in.x", 7},
    {"sum(rows.in.x)", 15},
    {"1 - 2 - 3", -4},
    {"1 - (2 - 3)", 2},
    {"2 + 3 * 4", 14},
    {"-other * -2", 6},
    {"12 / 2 / 3", 2},
    {"50 GB/s", 50e9},
    {"1 KB * 3", 3000},
    {"400 Gb/s / 8", 6.25e9},
    {"2 us / 1 ns", 2000},
    {"50 %", 0.5},
    {"1.5e3 + 1e-3", 1500.001},
    {"round(2.5) + floor(-0.5) + round(other / 2)", 4},
    {" ( ( 1 ) ) ", 1},
};

START_TEST(expressions)
{
    struct json_answer answer;
    const char *why = NULL;
    ck_assert_msg(!eval(good[_i].text, &answer, &why), "%s: %s", good[_i].text, why);
    ck_assert_msg(fabs(answer.value - good[_i].value) <= 1e-12 * fabs(good[_i].value), "%s is %.17g, not %.17g",
                  good[_i].text, answer.value, good[_i].value);
}
END_TEST

START_TEST(arithmetic_shows_numbers)
{
    struct json_answer answer;
    const char *why;
    ck_assert_int_eq(eval("rows[model=l].kv_KB / rows[model=v3].kv_KB", &answer, &why), 0);
    ck_assert_str_eq(answer.arithmetic, "516.096 / 70.272");
    ck_assert_int_eq(eval("max(sizes.busbw) * 2", &answer, &why), 0);
    ck_assert_str_eq(answer.arithmetic, "max(10, 20, 5, 40) * 2");
    ck_assert_int_eq(eval("makespan", &answer, &why), 0);
    ck_assert_str_eq(answer.arithmetic, "");
}
END_TEST

static const struct {
    const char *text, *why;
} no_number[] = {
    {"makespam", "did you mean 'makespan'"},
    {"size.busbw", "did you mean 'sizes'"},
    {"sizes[network=mpft].busbv", "did you mean 'busbw'"},
    {"sizes[network=ft3].busbw", "no row of 'sizes' matches"},
    {"sizes.busbw", "4 rows match"},
    {"sizes[network=mpft].busbw", "2 rows match"},
    {"sizes[network=mpft].busbw + sizes.busbw", "2 rows on one side, 4 on the other"},
    {"text", "'text' is no number"},
    {"nothing", "is no number"},
    {"rows", "is no number"},
    {"1 / (other - 3)", "no finite number"},
};

START_TEST(what_has_no_number_says_why)
{
    struct json_answer answer;
    const char *why = NULL;
    ck_assert_int_eq(eval(no_number[_i].text, &answer, &why), -1);
    ck_assert_msg(strstr(why, no_number[_i].why) != NULL, "%s: %s", no_number[_i].text, why);
    ck_assert(isnan(answer.value));
}
END_TEST

static const struct {
    const char *text, *message;
    int column; /* of the message, where the text begins in column 9 */
} bad[] = {
    {"", "it ends where a name is wanted", 9},
    {"a +", "it ends where a name is wanted", 12},
    {"a b", "'b' is not wanted here", 11},
    {"(a", "')' is wanted here", 11},
    {"a[b]", "a row is chosen by [column=value]", 12},
    {"a[b=c", "the bracket is not closed", 13},
    {"a[b='c]", "the quote is not closed", 14},
    {"a.", "it ends where a name is wanted", 11},
    {"maximum(a)", "there is no function 'maximum'; did you mean 'max'?", 9},
    {"3 parsecs", "this is no number with a unit", 9},
    {"a ^ 2", "'^ 2' is not wanted here", 11},
    {"$", "a name is wanted here", 9},
};

START_TEST(bad_expressions_are_located)
{
    char place[64], *file = arena_printf(a, "id: x\nmetric: %s\n", bad[_i].text);
    struct srcloc where = {.file = "x.yaml", .text = file, .text_len = strlen(file), .line = 2, .column = 9};
    ck_assert_ptr_null(json_expr_parse(bad[_i].text, where, a, d));
    ck_assert_msg(strstr(diag_text(d), bad[_i].message) != NULL, "%s", diag_text(d));
    snprintf(place, sizeof place, "x.yaml:2:%d: ", bad[_i].column);
    ck_assert_msg(strstr(diag_text(d), place) != NULL, "wanted %s: %s", place, diag_text(d));
    ck_assert_uint_eq(diag_count(d), 1);
}
END_TEST

START_TEST(deep_nesting_is_an_error)
{
    char text[4096];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_ptr_null(json_expr_parse(text, SRCLOC_NONE, a, d));
    memset(text, '-', sizeof text - 1);
    ck_assert_ptr_null(json_expr_parse(text, SRCLOC_NONE, a, d));
}
END_TEST

/* --- verdicts ------------------------------------------------------------------------------------------------------ */

#define NONE NAN
#define VALUE(v, tolerance_) \
    { \
        .value = (v), .at_least = NONE, .at_most = NONE, .digits = NONE, .tolerance_ratio = (tolerance_) \
    }
#define PRINTED(v, d, how) \
    { \
        .value = (v), .at_least = NONE, .at_most = NONE, .digits = (d), .rounding = (how) \
    }
#define BOUNDS(low, high) \
    { \
        .value = NONE, .at_least = (low), .at_most = (high), .digits = NONE \
    }
#define ORDER(o, tolerance_) \
    { \
        .value = NONE, .at_least = NONE, .at_most = NONE, .digits = NONE, .order = (o), \
        .tolerance_ratio = (tolerance_) \
    }

static const struct {
    const char *what;
    struct claim_expect expect;
    double ours, other, baseline;
    bool disputed;
    enum verdict verdict;
    double deviation;
} cases[] = {
    {"equal", VALUE(100, 0), 100, NONE, NONE, false, VERDICT_OK, 0},
    {"the last bit does not matter", VALUE(0.3, 0), 0.1 + 0.2, NONE, NONE, false, VERDICT_OK, 1.9e-16},
    {"within the tolerance", VALUE(100, 0.05), 104, NONE, NONE, false, VERDICT_OK, 0.04},
    {"at the tolerance", VALUE(100, 0.05), 95, NONE, NONE, false, VERDICT_OK, -0.05},
    {"outside, nothing recorded", VALUE(100, 0.05), 106, NONE, NONE, false, VERDICT_REGRESSED, 0.06},
    {"outside, as recorded", VALUE(100, 0.05), 106, NONE, 106.2, false, VERDICT_MISS, 0.06},
    {"outside, moved", VALUE(100, 0.05), 106, NONE, 108, false, VERDICT_REGRESSED, 0.06},
    {"moved towards the paper, not there", VALUE(100, 0.05), 106, NONE, 120, false, VERDICT_REGRESSED, 0.06},
    {"moved to where it holds", VALUE(100, 0.05), 101, NONE, 120, false, VERDICT_OK, 0.01},
    {"zero", VALUE(0, 0), 0, NONE, NONE, false, VERDICT_OK, 0},
    {"not zero", VALUE(0, 0), 3, NONE, 3, false, VERDICT_MISS, NONE},
    {"negative", VALUE(-2, 0.1), -2.1, NONE, NONE, false, VERDICT_OK, 0.05},
    {"as printed", PRINTED(7.34, 2, ROUNDING_NEAREST), 7.3442, NONE, NONE, false, VERDICT_OK, 0.00057},
    {"not as printed", PRINTED(7.28, 2, ROUNDING_NEAREST), 7.3442, NONE, NONE, false, VERDICT_REGRESSED, 0.00882},
    {"cut", PRINTED(67, 0, ROUNDING_DOWN), 67.76, NONE, NONE, false, VERDICT_OK, 0.01134},
    {"not cut", PRINTED(67, 0, ROUNDING_NEAREST), 67.76, NONE, NONE, false, VERDICT_REGRESSED, 0.01134},
    {"cut, just at the next", PRINTED(68, 0, ROUNDING_DOWN), 68 * (1 - 1e-15), NONE, NONE, false, VERDICT_OK, 0},
    {"hundreds", PRINTED(1200, -2, ROUNDING_NEAREST), 1219.8, NONE, NONE, false, VERDICT_OK, 0.0165},
    {"above the bound", BOUNDS(40, NONE), 43.9, NONE, NONE, false, VERDICT_OK, 0},
    {"at the bound", BOUNDS(40, NONE), 40, NONE, NONE, false, VERDICT_OK, 0},
    {"below the bound", BOUNDS(40, NONE), 36, NONE, NONE, false, VERDICT_REGRESSED, -0.1},
    {"below, as recorded", BOUNDS(40, NONE), 36, NONE, 36, false, VERDICT_MISS, -0.1},
    {"over the upper bound", BOUNDS(NONE, 10), 11, NONE, 11, false, VERDICT_MISS, 0.1},
    {"in the range", BOUNDS(80, 90), 85, NONE, NONE, false, VERDICT_OK, 0},
    {"over the range", BOUNDS(80, 90), 99, NONE, NONE, false, VERDICT_REGRESSED, 0.1},
    {"below the other", ORDER(ORDER_BELOW, 0), 3, 4, NONE, false, VERDICT_OK, -0.25},
    {"equal is not below", ORDER(ORDER_BELOW, 0), 4, 4, NONE, false, VERDICT_REGRESSED, 0},
    {"above the other", ORDER(ORDER_ABOVE, 0), 5, 4, NONE, false, VERDICT_OK, 0.25},
    {"not above, as recorded", ORDER(ORDER_ABOVE, 0), 3, 4, 3, false, VERDICT_MISS, -0.25},
    {"like the other", ORDER(ORDER_SIMILAR, 0.02), 101, 100, NONE, false, VERDICT_OK, 0.01},
    {"not like the other", ORDER(ORDER_SIMILAR, 0.02), 103, 100, NONE, false, VERDICT_REGRESSED, 0.03},
    {"disputed", PRINTED(7.28, 2, ROUNDING_NEAREST), 7.3442, NONE, 7.3442, true, VERDICT_DISPUTED, 0.00882},
    {"disputed, moved", PRINTED(7.28, 2, ROUNDING_NEAREST), 7.5, NONE, 7.3442, true, VERDICT_REGRESSED, 0.0302},
    {"disputed never counts as ok", VALUE(100, 0.1), 100, NONE, 100, true, VERDICT_DISPUTED, 0},
};

START_TEST(verdicts)
{
    struct claim c = {.id = "x",
                      .unit = "",
                      .unit_SI = 1,
                      .disputed = cases[_i].disputed ? "why" : "",
                      .baseline = cases[_i].baseline,
                      .baseline_tolerance_ratio = 0.005};
    c.expect = cases[_i].expect;
    c.expect.value_text = c.expect.at_least_text = c.expect.at_most_text = "";
    struct claim_result r = {
        .claim = &c, .ours = cases[_i].ours, .other = cases[_i].other, .arithmetic = "", .message = ""};
    claim_judge(&r, a);
    ck_assert_msg(r.verdict == cases[_i].verdict, "%s: %s, not %s", cases[_i].what, verdict_names[r.verdict],
                  verdict_names[cases[_i].verdict]);
    ck_assert_msg(isnan(cases[_i].deviation) ? isnan(r.deviation_ratio)
                                             : fabs(r.deviation_ratio - cases[_i].deviation) < 5e-5,
                  "%s: deviation %g", cases[_i].what, r.deviation_ratio);
    ck_assert_msg((r.verdict == VERDICT_REGRESSED) == (*r.message != 0), "%s: '%s'", cases[_i].what, r.message);
    c.class = CLASS_UNVALIDATED; /* what nobody measured is never ok, and all else as it was */
    claim_judge(&r, a);
    ck_assert_int_eq(r.verdict, cases[_i].verdict == VERDICT_OK ? VERDICT_UNVALIDATED : cases[_i].verdict);
}
END_TEST

#define N_OF(x) ((int)(sizeof(x) / sizeof *(x)))

static Suite *suite(void)
{
    Suite *s = suite_create("claims");
    TCase *t = tcase_create("claims");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, expressions, 0, N_OF(good));
    tcase_add_test(t, arithmetic_shows_numbers);
    tcase_add_loop_test(t, what_has_no_number_says_why, 0, N_OF(no_number));
    tcase_add_loop_test(t, bad_expressions_are_located, 0, N_OF(bad));
    tcase_add_test(t, deep_nesting_is_an_error);
    tcase_add_loop_test(t, verdicts, 0, N_OF(cases));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
