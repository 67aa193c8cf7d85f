#!/bin/bash
# gsl_ran_geometric of GSL 2.7.1 (Debian 12, x86-64): bits up to and with the first error of a link, from its bit error rate.
#
# Expected: a mean of 1 / rate; where an unsigned int does not hold that, an error or its largest value.
# Seen: the number of bits modulo 2^32: 2.1e9 on average for each rate of 1e-10 and below, and 0, which is no value of this
# distribution at all, from 1e-17 on.
# So links of 1e-12 (a common promise after FEC), 1e-13 and 1e-15 all fail every 5 ms at 400 Gb/s, some 470 times too often and
# more; draw exponential times instead.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libgsl-dev=2.7.1+dfsg-5+deb12u1 libgsl27=2.7.1+dfsg-5+deb12u1 libgslcblas0=2.7.1+dfsg-5+deb12u1 >apt.log 2>&1 || {
    tail -n 3 apt.log >&2
    exit 2
}
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >bits.c <<'C'
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_version.h>
#include <stdio.h>
int main(void)
{
    const double rates[] = {1e-6, 1e-8, 1e-10, 1e-12, 1e-15, 1e-17};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    printf("GSL %s\n", gsl_version);
    for (int i = 0; i < 6; i++) {
        double sum = 0;
        for (int k = 0; k < 100000; k++) sum += gsl_ran_geometric(rng, rates[i]);
        printf("rate %.0e: mean %.1e bits\n", rates[i], sum / 100000);
    }
    gsl_rng_free(rng);
    return 0;
}
C
gcc -I root/usr/include bits.c -L "$libs" -lgsl -lgslcblas -lm -o bits
LD_LIBRARY_PATH=$libs ./bits >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
GSL 2.7.1
rate 1e-06: mean 1.0e+06 bits
rate 1e-08: mean 1.0e+08 bits
rate 1e-10: mean 2.0e+09 bits
rate 1e-12: mean 2.1e+09 bits
rate 1e-15: mean 2.2e+09 bits
rate 1e-17: mean 0.0e+00 bits
EXPECTED
