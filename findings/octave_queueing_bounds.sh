#!/bin/bash
# queueing 1.2.7 for GNU Octave 7.3 (Debian 12): bounds of the response time of networks of single servers, without solving them.
#
# Expected: "lower and upper bounds" in this order, with the exact value, which the same package computes, between them.
# Seen: of an open pipeline of three stages of 1 s with a request each 2 s qnosbsb (Balanced System Bounds) says -6 s to 6 s; with
# stages of 1, 0.5 and 0.2 s and 2.89 s in truth, 11.3 s to 3.4 s: it takes the sum of the stages for their mean. Only one stage
# alone is right. Of a closed network qncsgb (Geometric Bounds) returns the two bounds exchanged: 8.46 s to 8.17 s.
# So a design that is checked against the lower bound is refused although it holds, or a negative one excludes nothing; and who
# promises what qncsgb calls the upper bound promises the best case. qncsaba, qncsbsb, qncspb and qnosaba hold.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Octave's own packages, and of its many libraries those that are not installed.
mkdir -p debs/partial
apt-get install -y --no-install-recommends --download-only -o Dir::Cache::archives="$work/debs" octave=7.3.0-2 >apt.log 2>&1 &&
    apt-get download octave=7.3.0-2 octave-common=7.3.0-2 octave-queueing=1.2.7-5 >>apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb debs/*.deb; do [ ! -e "$p" ] || dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >bounds.m <<'M'
addpath([getenv('OCTAVE_HOME') '/share/octave/packages/queueing-1.2.7']);
printf("Octave %s\n", version);
function seen(what, exact, low, high)
  printf("%s: %.2f s to %.2f s, exact %.2f s\n", what, low, high, exact);
end
for stages = {1, [1 1 1], [1 0.5 0.2]}
  D = stages{1};
  [U R] = qnos(0.5, D, ones(size(D)));
  [Xl Xu Rl Ru] = qnosbsb(0.5, D);
  seen(["open, stages of " mat2str(D) " s, qnosbsb"], sum(R), Rl, Ru);
  [Xl Xu Rl Ru] = qnosaba(0.5, D);
  seen("  qnosaba", sum(R), Rl, Ru);
end
D = [1 0.8];
[U R Q X] = qncsmva(8, D, [1 1]);
[Xl Xu Rl Ru] = qncsgb(8, D);
seen("closed, 8 requests, stages of [1 0.8] s, qncsgb", sum(R), Rl, Ru);
[Xl Xu Rl Ru] = qncsbsb(8, D);
seen("  qncsbsb", sum(R), Rl, Ru);
M
OCTAVE_HOME=$work/root/usr LD_LIBRARY_PATH=$libs/octave/7.3.0:$libs:$work/root/usr/lib:$libs/blas:$libs/lapack root/usr/bin/octave-cli -q --norc bounds.m >seen 2>octave.log || {
    tail -n 5 octave.log >&2
    exit 2
}
cat seen
diff seen - <<'EXPECTED' && echo "as found"
Octave 7.3.0
open, stages of 1 s, qnosbsb: 2.00 s to 2.00 s, exact 2.00 s
  qnosaba: 1.00 s to Inf s, exact 2.00 s
open, stages of [1 1 1] s, qnosbsb: -6.00 s to 6.00 s, exact 6.00 s
  qnosaba: 3.00 s to Inf s, exact 6.00 s
open, stages of [1 0.5 0.2] s, qnosbsb: 11.33 s to 3.40 s, exact 2.89 s
  qnosaba: 1.70 s to Inf s, exact 2.89 s
closed, 8 requests, stages of [1 0.8] s, qncsgb: 8.46 s to 8.17 s, exact 8.32 s
  qncsbsb: 8.10 s to 8.80 s, exact 8.32 s
EXPECTED
