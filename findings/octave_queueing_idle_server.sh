#!/bin/bash
# queueing 1.2.7 for GNU Octave 7.3 (Debian 12), qsmg1: one server, Poisson arrivals, service times of any distribution, from their
# first two moments.
#
# Expected: its last result, the probability that there is no request in the system, is 1 - utilisation, whatever the distribution;
# with the second moment of an exponential one it is that of qsmmm, the package's own M/M/1.
# Seen: it is exp(-utilisation): 0.45 where the server is busy for 0.8 of the time, 0.39 at 0.95. Mean response time, queue and
# utilisation are right, so that nothing else looks odd.
# So idle power, what could be switched off, or slots left for batch work come out as two to eight times of what there is, and the
# more so the busier the server.
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
cat >idle.m <<'M'
addpath([getenv('OCTAVE_HOME') '/share/octave/packages/queueing-1.2.7']);
printf("Octave %s\n", version);
for rate = [0.5 0.8 0.95]
  [U R Q X p0] = qsmg1(rate, 1, 2);
  [Um Rm Qm Xm pm] = qsmmm(rate, 1, 1);
  printf("qsmg1: busy %.2f, idle %.2f, response %.1f s; qsmmm: busy %.2f, idle %.2f, response %.1f s\n", U, p0, R, Um, pm, Rm);
end
M
OCTAVE_HOME=$work/root/usr LD_LIBRARY_PATH=$libs/octave/7.3.0:$libs:$work/root/usr/lib:$libs/blas:$libs/lapack root/usr/bin/octave-cli -q --norc idle.m >seen 2>octave.log || {
    tail -n 5 octave.log >&2
    exit 2
}
cat seen
diff seen - <<'EXPECTED' && echo "as found"
Octave 7.3.0
qsmg1: busy 0.50, idle 0.61, response 2.0 s; qsmmm: busy 0.50, idle 0.50, response 2.0 s
qsmg1: busy 0.80, idle 0.45, response 5.0 s; qsmmm: busy 0.80, idle 0.20, response 5.0 s
qsmg1: busy 0.95, idle 0.39, response 20.0 s; qsmmm: busy 0.95, idle 0.05, response 20.0 s
EXPECTED
