#!/bin/bash
# betainc of GNU Octave 7.3 (Debian 12), which the distribution functions of binomial, negative binomial, F and t are made of: the
# probability that of n tokens at most the expected number, n p, go to one of 1 / p groups of experts.
#
# Expected: a little more than a half for each n and p, as the Poisson distribution's (gammainc, for a small p) and the normal one say;
# where the continued fraction does not get there, a warning.
# Seen: right up to 1e6. Of 1e8 tokens 0.365 for one of eight groups and 0.021 for one of two, of 1e9 negative: -0.54 and -1.84.
# Half a standard deviation away everything is right, which hides it from a test of the tails, where such functions are tested.
# So a capacity that is set at or near the mean load of a long run overflows with a probability of 1.5, and quantiles found by
# searching for a probability end up somewhere else.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Octave's own packages, and of its many libraries those that are not installed.
mkdir -p debs/partial
apt-get install -y --no-install-recommends --download-only -o Dir::Cache::archives="$work/debs" octave=7.3.0-2 >apt.log 2>&1 &&
    apt-get download octave=7.3.0-2 octave-common=7.3.0-2 >>apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb debs/*.deb; do [ ! -e "$p" ] || dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >tokens.m <<'M'
printf("Octave %s\n", version);
for n = [1e6 3e6 1e7 1e8 1e9]
  printf("%g tokens:", n);
  for groups = [2 8]
    p = 1 / groups;
    for deviations = [0 0.5]
      k = floor(n * p + deviations * sqrt(n * p * (1 - p)));
      printf(" %.3f", betainc(1 - p, n - k, k + 1));
    end
  end
  printf("\n");
end
M
OCTAVE_HOME=$work/root/usr LD_LIBRARY_PATH=$libs/octave/7.3.0:$libs:$work/root/usr/lib:$libs/blas:$libs/lapack root/usr/bin/octave-cli -q --norc tokens.m >seen 2>octave.log || {
    tail -n 5 octave.log >&2
    exit 2
}
cat seen
diff seen - <<'EXPECTED' && echo "as found"
Octave 7.3.0
1e+06 tokens: 0.500 0.692 0.501 0.692
3e+06 tokens: 0.499 0.692 0.500 0.692
1e+07 tokens: 0.471 0.691 0.499 0.691
1e+08 tokens: 0.021 0.691 0.365 0.691
1e+09 tokens: -1.835 0.691 -0.540 0.691
EXPECTED
