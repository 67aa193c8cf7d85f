/* main() of every Check program: results as TAP on standard output. */
#ifndef MOESIM_TESTS_TAP_MAIN_H
#define MOESIM_TESTS_TAP_MAIN_H

#include <check.h>

int tap_main(Suite *suite);

#endif
