#!/bin/bash
# PuLP 2.6.0 with CBC 2.10.8 and with GLPK 5.0 (all Debian 12): weights of 705123456789 B split over two tiers of memory, of which
# the first takes 141123456788 B.
#
# Expected: status Optimal and values that satisfy the constraints, to the 15 digits of a double.
# Seen: PuLP reads the files that the solvers print: eight digits from CBC, six from GLPK. The tiers add up to 3211 B more and to
# 456789 B less than there is, and a whole number of bytes that has to be at least 1234567890123 is 1234567900000 or
# 1234570000000. Status Optimal each time.
# So plans in bytes, FLOPs or nanoseconds do not add up, and check sums or "fits exactly" tests of a placement fail or pass by
# rounding; give the solver GB or ms.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
packages="python3-pulp=2.6.0+dfsg-1 coinor-cbc=2.10.8+ds1-1 coinor-libcbc3=2.10.8+ds1-1 coinor-libcgl1 coinor-libclp1
coinor-libcoinutils3v5 coinor-libosi1v5 libnauty2 libblas3 liblapack3 glpk-utils=5.0-1 libglpk40=5.0-1 libamd2 libcolamd2
libsuitesparseconfig5 libltdl7"
apt-get download $packages >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >split.py <<'PY'
import os, pulp
WEIGHTS_B, FIRST_B, LEAST_B = 705123456789, 141123456788, 1234567890123
print('PuLP', pulp.__version__)
bin = os.path.abspath('root/usr/bin')
for name, solver in (('CBC', pulp.COIN_CMD(path=bin + '/cbc', msg=0)), ('GLPK', pulp.GLPK_CMD(path=bin + '/glpsol', msg=0))):
    first, second = pulp.LpVariable('first', 0), pulp.LpVariable('second', 0)
    split = pulp.LpProblem('split', pulp.LpMinimize)
    split += second
    split += first + second == WEIGHTS_B
    split += first <= FIRST_B
    status = pulp.LpStatus[split.solve(solver)]
    print(f'{name}: {status}, {first.value():.0f} + {second.value():.0f} B, {first.value() + second.value() - WEIGHTS_B:+.0f} B')
    whole = pulp.LpVariable('whole', 0, cat='Integer')
    least = pulp.LpProblem('least', pulp.LpMinimize)
    least += whole
    least += whole >= LEAST_B
    status = pulp.LpStatus[least.solve(solver)]
    print(f'{name}: {status}, at least {LEAST_B} B: {whole.value():.0f}')
PY
LD_LIBRARY_PATH=$libs:$libs/blas:$libs/lapack PYTHONPATH=root/usr/lib/python3/dist-packages /usr/bin/python3 split.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
PuLP 2.6.0
CBC: Optimal, 141123460000 + 564000000000 B, +3211 B
CBC: Optimal, at least 1234567890123 B: 1234567900000
GLPK: Optimal, 141123000000 + 564000000000 B, -456789 B
GLPK: Optimal, at least 1234567890123 B: 1234570000000
EXPECTED
