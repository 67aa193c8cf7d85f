#!/bin/bash
# cJSON 1.7.15 (Debian 12), numbers of results written with cJSON_Print and read back.
#
# Expected: the value that was written: the library tries 15 digits, checks whether they give the number back, and takes 17 if not.
# Seen: the check allows a difference of DBL_EPSILON times the value, so that 18 % of random doubles come back changed in their
# last bit: 0.30000000000000004 as 0.3, 2^53 as 9007199254740990.
# So a result that went through a file is not the one in memory: an exact comparison of a resumed run with an uninterrupted one,
# or of what a reader sums up with the printed total, fails for no fault of the simulation; counters just below 2^53 lose 2.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libcjson1=1.7.15-1+deb12u4 libcjson-dev=1.7.15-1+deb12u4 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >numbers.c <<'C'
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static char *printed(double value)
{
    cJSON *number = cJSON_CreateNumber(value);
    char *text = cJSON_PrintUnformatted(number);
    cJSON_Delete(number);
    return text;
}
int main(void)
{
    const double sample[] = {0.1 + 0.2, 1.1 * 1.1, 9007199254740992.};
    uint64_t random = 88172645463325252u;
    int changed = 0, n = 100000;
    printf("cJSON %s\n", cJSON_Version());
    for (int i = 0; i < 3; i++)
        printf("%.17g: %s\n", sample[i], printed(sample[i]));
    for (int i = 0; i < n; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        double value = (double)(random >> 11) / 9007199254740992. * 100;
        char *text = printed(value);
        changed += strtod(text, NULL) != value;
        free(text);
    }
    printf("changed: %d of %d\n", changed, n);
    return 0;
}
C
gcc -I root/usr/include numbers.c -L "$libs" -lcjson -o numbers
LD_LIBRARY_PATH=$libs ./numbers >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
cJSON 1.7.15
0.30000000000000004: 0.3
1.2100000000000002: 1.21
9007199254740992: 9.00719925474099e+15
changed: 18021 of 100000
EXPECTED
