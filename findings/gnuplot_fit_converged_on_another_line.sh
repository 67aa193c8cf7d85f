#!/bin/bash
# fit of gnuplot 5.4.4 (Debian 12; run where the dependencies of gnuplot-nox are installed): a latency and the time per byte of a
# link, a straight line through times that were made from 5 us and 50 GB/s without noise, from the start values that it has, 1 and 1.
#
# Expected: a problem linear in both, of two unknowns, ends at 5e-06 s and 2e-11 s/B, or not "converged".
# Seen: "After 5 iterations the fit converged", FIT_CONVERGED = 1, and a latency of 1 s with -91 MB/s, which misses five of the
# six points by a second. It starts 1e16 away, judges a step by the change of the sum of squares relative to it, and its damping, chosen at
# the start for bytes, does not let the latency move. Times in us and sizes in MB give the right line, and so does a limit of 1e-15.
# So in SI units, as nccl-tests' and OSU's tables are converted to, a scripted fit that reads a and b, and even asks whether it
# converged, has a wrong model of every link; errors of 50 % and 111 % are in the log only.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download gnuplot-nox=5.4.4+dfsg1-2+b2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
cat >link.gp <<'GP'
$times << END
1e3 5.02e-6
1e4 5.2e-6
1e5 7e-6
1e6 25e-6
1e7 205e-6
1e8 2005e-6
END
set fit quiet nolog
link(x) = latency + per_byte * x
show = "print sprintf('%s: latency %.3g, per byte %.3g, converged: %d, rms %.3g', what, latency, per_byte, FIT_CONVERGED, FIT_STDFIT)"
set print "-"
print sprintf("gnuplot %.1f.%s", GPVAL_VERSION, GPVAL_PATCHLEVEL)
what = 's and B'
fit link(x) $times via latency, per_byte
eval show
what = 'us and MB'
undefine latency per_byte
fit link(x) $times using ($1 / 1e6):($2 * 1e6) via latency, per_byte
eval show
what = 's and B, limit 1e-15'
undefine latency per_byte
set fit limit 1e-15
fit link(x) $times via latency, per_byte
eval show
GP
root/usr/bin/gnuplot link.gp 2>/dev/null >seen || root/usr/bin/gnuplot-nox link.gp >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
gnuplot 5.4.4
s and B: latency 1, per byte -1.1e-08, converged: 1, rms 1.09
us and MB: latency 5, per byte 20, converged: 1, rms 1.14e-13
s and B, limit 1e-15: latency 5e-06, per byte 2e-11, converged: 1, rms 1.75e-21
EXPECTED
