/* Finite fields: the axioms, for every prime power that a Slim Fly may want. */
#include <check.h>

#include "tap_main.h"
#include "topology/galois.h"

static const uint32_t prime_powers[] = {2,  3,  4,  5,  7,  8,  9,  11, 13, 16,  17,  19, 23,
                                        25, 27, 29, 31, 32, 37, 49, 64, 81, 121, 125, 128};
enum { N_PRIME_POWERS = sizeof prime_powers / sizeof *prime_powers };

START_TEST(prime_powers_and_nothing_else)
{
    uint32_t found = 0, p, n;
    for (uint32_t q = 0; q <= 32; q++)
        if (galois_is_prime_power(q, &p, &n)) {
            ck_assert_uint_eq(q, prime_powers[found++]);
            uint32_t power = 1;
            for (uint32_t i = 0; i < n; i++)
                power *= p;
            ck_assert_uint_eq(power, q);
        }
    ck_assert_uint_eq(prime_powers[found - 1], 32);
    struct arena *a = arena_new();
    ck_assert_ptr_null(galois_new(28, a));
    ck_assert_ptr_null(galois_new(1, a));
    ck_assert_ptr_null(galois_new(4099, a));
    ck_assert_ptr_nonnull(galois_new(4096, a));
    ck_assert_ptr_nonnull(galois_new(2187, a)); /* 3^7 */
    arena_free(a);
}
END_TEST

static void check_triple(const struct galois *f, uint32_t x, uint32_t y, uint32_t z)
{
    ck_assert_uint_eq(galois_add(f, x, y), galois_add(f, y, x));
    ck_assert_uint_eq(galois_mul(f, x, y), galois_mul(f, y, x));
    ck_assert_uint_eq(galois_add(f, galois_add(f, x, y), z), galois_add(f, x, galois_add(f, y, z)));
    ck_assert_uint_eq(galois_mul(f, galois_mul(f, x, y), z), galois_mul(f, x, galois_mul(f, y, z)));
    ck_assert_uint_eq(galois_mul(f, x, galois_add(f, y, z)), galois_add(f, galois_mul(f, x, y), galois_mul(f, x, z)));
}

START_TEST(field_axioms)
{
    struct arena *a = arena_new();
    const struct galois *f = galois_new(prime_powers[_i], a);
    ck_assert_ptr_nonnull(f);
    uint32_t step = f->q > 32 ? 7 : 1; /* of big fields a sample */
    for (uint32_t x = 0; x < f->q; x += step) {
        ck_assert_uint_eq(galois_add(f, x, 0), x);
        ck_assert_uint_eq(galois_mul(f, x, 1), x);
        ck_assert_uint_eq(galois_sub(f, x, x), 0);
        for (uint32_t y = 0; y < f->q; y += step) {
            ck_assert_uint_lt(galois_add(f, x, y), f->q);
            ck_assert_uint_eq(galois_sub(f, galois_add(f, x, y), y), x);
            if (y)
                ck_assert_uint_eq(galois_div(f, galois_mul(f, x, y), y), x);
            check_triple(f, x, y, (x * 5 + y * 3 + 1) % f->q);
        }
    }
    arena_free(a);
}
END_TEST

START_TEST(the_generator_is_primitive)
{
    struct arena *a = arena_new();
    const struct galois *f = galois_new(prime_powers[_i], a);
    uint8_t *seen = ARENA_ARRAY(a, uint8_t, f->q);
    for (uint32_t i = 0; i < f->q - 1; i++)
        ck_assert_uint_eq(seen[f->exp[i]]++, 0);
    ck_assert_uint_eq(seen[0], 0);
    arena_free(a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("galois");
    TCase *t = tcase_create("galois");
    tcase_add_test(t, prime_powers_and_nothing_else);
    tcase_add_loop_test(t, field_axioms, 0, N_PRIME_POWERS);
    tcase_add_loop_test(t, the_generator_is_primitive, 0, N_PRIME_POWERS);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
