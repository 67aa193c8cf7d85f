/* Units: what is read, what is refused and with which words, and that writing then
 * reading gives the value back. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "tap_main.h"

static const struct {
    const char *text;
    enum unit_dim dim;
    double si;
} good[] = {
    {"3.7 us", DIM_TIME, 3.7e-6},
    {"3.7us", DIM_TIME, 3.7e-6},
    {"  3.7\tus  ", DIM_TIME, 3.7e-6},
    {"0.129 s", DIM_TIME, 0.129},
    {"129.0 ms", DIM_TIME, 0.129},
    {"250 ps", DIM_TIME, 250e-12},
    {"1.5 min", DIM_TIME, 90},
    {"2 h", DIM_TIME, 7200},
    {"54 d", DIM_TIME, 54 * 86400.0},
    {"1e-6 s", DIM_TIME, 1e-6},
    {"1E+2 ns", DIM_TIME, 1e-7},
    {"-5 ms", DIM_TIME, -5e-3},
    {"+5 ms", DIM_TIME, 5e-3},
    {"0 s", DIM_TIME, 0},
    {"-0 s", DIM_TIME, 0},
    {"2 MB", DIM_BYTES, 2e6},
    {"2 MiB", DIM_BYTES, 2097152},
    {"80 GiB", DIM_BYTES, 80.0 * 1073741824},
    {"64 KB", DIM_BYTES, 64000},
    {"64 kB", DIM_BYTES, 64000},
    {"8 b", DIM_BYTES, 1},
    {"1 Mb", DIM_BYTES, 125000},
    {"50 GB/s", DIM_BANDWIDTH, 50e9},
    {"400 Gb/s", DIM_BANDWIDTH, 50e9},
    {"3.35 TB/s", DIM_BANDWIDTH, 3.35e12},
    {"1 KiB/s", DIM_BANDWIDTH, 1024},
    {"250 GFLOP", DIM_FLOP, 250e9},
    {"3.3 ZFLOP", DIM_FLOP, 3.3e21},
    {"989 TFLOPS", DIM_FLOPS, 989e12},
    {"989 TFLOP/s", DIM_FLOPS, 989e12},
    {"1.755 GHz", DIM_FREQUENCY, 1.755e9},
    {"50 m", DIM_LENGTH, 50},
    {"30 cm", DIM_LENGTH, 0.3},
    {"700 W", DIM_POWER, 700},
    {"1.2 MW", DIM_POWER, 1.2e6},
    {"5 mW", DIM_POWER, 5e-3},
    {"2 pJ", DIM_ENERGY, 2e-12},
    {"1200 USD", DIM_MONEY, 1200},
    {"$1200", DIM_MONEY, 1200},
    {"$ 3.5 kUSD", DIM_MONEY, 3500},
    {"5.576 MUSD", DIM_MONEY, 5.576e6},
    {"0.9", DIM_RATIO, 0.9},
    {"90%", DIM_RATIO, 0.9},
    {"3.3 %", DIM_RATIO, 0.033},
    {"64", DIM_COUNT, 64},
    {"1e6", DIM_COUNT, 1e6},
};

START_TEST(reads)
{
    double si = NAN;
    char why[200] = "";
    int rc = unit_parse(good[_i].text, strlen(good[_i].text), good[_i].dim, &si, why, sizeof why);
    ck_assert_msg(rc == 0, "'%s': %s", good[_i].text, why);
    /* Not nearly: the double that C reads from the same decimal. */
    ck_assert_msg(si == good[_i].si, "'%s' gave %.17g", good[_i].text, si);
    ck_assert(!signbit(si) || good[_i].si < 0);
}
END_TEST

static const struct {
    const char *text;
    enum unit_dim dim;
    const char *says, *and_says;
} bad[] = {
    {"50", DIM_BANDWIDTH, "'50' has no unit", "write for example '50 GB/s'"},
    {"3", DIM_TIME, "'3' has no unit", "write for example '3.7 us'"},
    {"$", DIM_MONEY, "no value", "1200 USD"},
    {"", DIM_TIME, "no value", "3.7 us"},
    {" \t ", DIM_TIME, "no value", "3.7 us"},
    {"GB/s", DIM_BANDWIDTH, "does not start with a number", "50 GB/s"},
    {"50 us", DIM_BANDWIDTH, "'us' is a unit of time, not of bandwidth", "50 GB/s"},
    {"50 GB", DIM_BANDWIDTH, "'GB' is a unit of size, not of bandwidth", "50 GB/s"},
    {"5 GFLOP", DIM_FLOPS, "'GFLOP' is a unit of compute work, not of compute rate", "TFLOPS"},
    {"5 m", DIM_TIME, "'m' is a unit of length", "3.7 us"},
    {"50 gb/s", DIM_BANDWIDTH, "unknown unit 'gb/s'", "did you mean 'GB/s' or 'Gb/s'?"},
    {"50 Gbps", DIM_BANDWIDTH, "unknown unit 'Gbps'", "did you mean 'Gb/s'?"},
    {"50 GBps", DIM_BANDWIDTH, "unknown unit 'GBps'", "did you mean 'GB/s'?"},
    {"5 usec", DIM_TIME, "unknown unit 'usec'", "write for example"},
    {"5 minutes", DIM_TIME, "unknown unit 'minutes'", "did you mean 'min'?"},
    {"5 cycles", DIM_TIME, "unknown unit 'cycles' of time", "3.7 us"},
    {"1 day", DIM_TIME, "unknown unit 'day' of time", "'h' and 'd' are units, too"},
    {"1_000 us", DIM_TIME, "separator inside the number", "3.7 us"},
    {"1,5 us", DIM_TIME, "separator inside the number", "3.7 us"},
    {"0x10 us", DIM_TIME, "hexadecimal", "3.7 us"},
    {"-0X1p3 us", DIM_TIME, "hexadecimal", "3.7 us"},
    {"inf s", DIM_TIME, "not a finite number", "3.7 us"},
    {"-Infinity", DIM_TIME, "not a finite number", "3.7 us"},
    {".inf", DIM_RATIO, "not a finite number", "0.9"},
    {"NaN s", DIM_TIME, "not a finite number", "3.7 us"},
    {".5 us", DIM_TIME, "no digit before the point", "3.7 us"},
    {"5. us", DIM_TIME, "misplaced decimal point", "3.7 us"},
    {"5.5.5 us", DIM_TIME, "misplaced decimal point", "3.7 us"},
    {"--5 us", DIM_TIME, "does not start with a number", "3.7 us"},
    {"1e400 s", DIM_TIME, "too large", "1e400 s"},
    {"1e308 h", DIM_TIME, "too large", "1e308 h"},
    {"1e99999999999999999999 s", DIM_TIME, "too large", "1e9999"},
    {"1e-400 s", DIM_TIME, "too small", "1e-400 s"},
    {"1e s", DIM_TIME, "unknown unit 'e s'", "3.7 us"},
    {"5 5 s", DIM_TIME, "unknown unit '5 s'", "3.7 us"},
    {"5 GB", DIM_COUNT, "a count has none", "64"},
    {"2.5", DIM_COUNT, "not a whole number", "64"},
    {"1e300", DIM_COUNT, "not a whole number", "64"},
    {"5 x", DIM_RATIO, "unknown unit 'x' of ratio", "0.9"},
    {"11111111111111111111111111111111111111111111111111111111111111111111 s", DIM_TIME, "too many digits", "1111"},
};

START_TEST(refuses)
{
    double si = 42;
    char why[300] = "";
    int rc = unit_parse(bad[_i].text, strlen(bad[_i].text), bad[_i].dim, &si, why, sizeof why);
    ck_assert_msg(rc == -1, "'%s' was read as %g", bad[_i].text, si);
    ck_assert_msg(strstr(why, bad[_i].says) != NULL, "'%s': %s", bad[_i].text, why);
    ck_assert_msg(strstr(why, bad[_i].and_says) != NULL, "'%s': %s", bad[_i].text, why);
    ck_assert(!strchr(why, '\n'));
    ck_assert(si == 42); /* untouched */
}
END_TEST

START_TEST(every_example_is_valid)
{
    double si;
    char why[200];
    const char *text = unit_dim_example((enum unit_dim)_i);
    ck_assert(unit_parse(text, strlen(text), (enum unit_dim)_i, &si, why, sizeof why) == 0);
    ck_assert(unit_dim_name((enum unit_dim)_i)[0]);
}
END_TEST

static const struct {
    double si;
    enum unit_dim dim;
    const char *text;
} shown[] = {
    {45e9, DIM_BANDWIDTH, "45 GB/s"}, {3.7e-6, DIM_TIME, "3.7 us"},         {0, DIM_TIME, "0 s"},
    {0.0009999999, DIM_TIME, "1 ms"}, /* not 1000 us */
    {0.129, DIM_TIME, "129 ms"},      {7200, DIM_TIME, "7200 s"},           {-2e-3, DIM_TIME, "-2 ms"},
    {1048576, DIM_BYTES, "1 MiB"},    {4096, DIM_BYTES, "4 KiB"},           {128000, DIM_BYTES, "128 KB"},
    {80e9, DIM_BYTES, "80 GB"},       {123456789, DIM_BYTES, "123.457 MB"}, {989e12, DIM_FLOPS, "989 TFLOPS"},
    {0.033, DIM_RATIO, "0.033"},      {261632, DIM_COUNT, "261632"},        {35000, DIM_MONEY, "35 kUSD"},
    {1e-15, DIM_TIME, "0.001 ps"},
};

START_TEST(writes)
{
    char buf[64];
    ck_assert_str_eq(unit_format(shown[_i].si, shown[_i].dim, buf, sizeof buf), shown[_i].text);
}
END_TEST

/* A small generator of its own, so that this test stands on nothing else (Steele et al.
 * 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double read_back(const char *text, enum unit_dim dim)
{
    double si = NAN;
    char why[200] = "";
    int rc = unit_parse(text, strlen(text), dim, &si, why, sizeof why);
    ck_assert_msg(rc == 0, "'%s': %s", text, why);
    return si;
}

/* Any value comes back to half a unit of the 6th digit; one that has 6 digits comes
 * back to 1e-6 relative and better. */
START_TEST(round_trip)
{
    uint64_t state = 7 + (uint64_t)_i;
    enum unit_dim dim = (enum unit_dim)_i;
    for (int i = 0; i < 4000; i++) {
        char buf[64], six[40];
        double mantissa = 1 + 9.0 * (double)(next_random(&state) >> 11) / 0x1p53;
        double si = mantissa * pow(10, (double)(next_random(&state) % 31) - 14);
        if (dim == DIM_COUNT)
            si = floor(mantissa * 1e5);
        double back = read_back(unit_format(si, dim, buf, sizeof buf), dim);
        ck_assert_msg(fabs(back - si) <= 5.0001e-6 * si, "%.17g -> %s", si, buf);
        snprintf(six, sizeof six, "%.5e", si);
        si = strtod(six, NULL);
        back = read_back(unit_format(si, dim, buf, sizeof buf), dim);
        ck_assert_msg(fabs(back - si) <= 1e-14 * si, "%.17g -> %s", si, buf);
        unit_format(-si, dim, buf, sizeof buf);
        ck_assert(read_back(buf, dim) == -back);
    }
}
END_TEST

/* Every unit of a dimension is read back, with and without a blank before it. */
START_TEST(every_unit_is_read)
{
    const char *name;
    for (size_t u = 0; (name = unit_name((enum unit_dim)_i, u)); u++) {
        char spaced[64], tight[64];
        snprintf(spaced, sizeof spaced, "2.5 %s", name);
        snprintf(tight, sizeof tight, "2.5%s", name);
        double si = read_back(spaced, (enum unit_dim)_i);
        ck_assert(si > 0);
        ck_assert(si == read_back(tight, (enum unit_dim)_i));
    }
}
END_TEST

/* The text ends where the readable memory ends; reading one byte more would end the
 * test. */
START_TEST(never_reads_past_the_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(map != MAP_FAILED);
    ck_assert(mprotect(map + page, page, PROT_NONE) == 0);
    static const char *const texts[] = {"3.7 us", "1e-6 s", "1e", "1e-", "1.",  "-", "+", "$",
                                        "$1",     "5 G",    "0",  "0x",  "inf", "n", ".", "12 \xc3\xa9"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++)
            for (int dim = 0; dim < DIM_N; dim++) {
                char *p = map + page - n, why[200] = "";
                double si;
                memcpy(p, texts[i], n);
                if (unit_parse(p, n, (enum unit_dim)dim, &si, why, sizeof why))
                    ck_assert(why[0]);
            }
    munmap(map, 2 * page);
}
END_TEST

START_TEST(message_fits_any_buffer)
{
    char why[12];
    double si;
    memset(why, 'x', sizeof why);
    ck_assert(unit_parse("5 parsec", 8, DIM_LENGTH, &si, why, 5) == -1);
    ck_assert_uint_eq(strlen(why), 4);
    ck_assert(why[5] == 'x');
}
END_TEST

#define N_OF(array) (int)(sizeof array / sizeof array[0])

int main(void)
{
    Suite *s = suite_create("base_units");
    TCase *t = tcase_create("units");
    tcase_add_loop_test(t, reads, 0, N_OF(good));
    tcase_add_loop_test(t, refuses, 0, N_OF(bad));
    tcase_add_loop_test(t, every_example_is_valid, 0, DIM_N);
    tcase_add_loop_test(t, writes, 0, N_OF(shown));
    tcase_add_loop_test(t, round_trip, 0, DIM_N);
    tcase_add_loop_test(t, every_unit_is_read, 0, DIM_N);
    tcase_add_test(t, never_reads_past_the_end);
    tcase_add_test(t, message_fits_any_buffer);
    suite_add_tcase(s, t);
    return tap_main(s);
}
