#!/bin/bash
# MPI_Dims_create of Open MPI 4.1.4 (Debian 12; run where libopenmpi3's and libmpich12's dependencies are installed), which lays
# ranks out in a grid (tensor by expert parallel, a torus, blocks of a matrix), beside MPICH 4.0.2 and the best of all grids.
#
# Expected: the standard wants sides as close to each other as possible, so that both libraries give the grid whose longest and
# shortest side differ least: 9 x 8 for the 72 GPUs of a rack with one NVLink domain, 18 x 16 for four racks.
# Seen: MPICH does. Open MPI gives 12 x 6 and 24 x 12; up to 1024 there is a better grid for 20 numbers in two dimensions and for 8
# in three, 576 among them. Powers of two are right, so that a test on one or eight nodes shows nothing.
# So the same program on the same ranks has other groups and moves other volumes by the library that it is linked with, and measured
# scaling has a dent at 72 and 288 that is not the machine's.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libmpich12=4.0.2-3+b1 libmpich-dev=4.0.2-3+b1 libopenmpi3=4.1.4-3+b1 libopenmpi-dev=4.1.4-3+b1 >apt.log 2>&1 || {
    tail -n 3 apt.log >&2
    exit 2
}
for p in libopenmpi*.deb; do dpkg -x "$p" open; done
for p in libmpich*.deb; do dpkg -x "$p" mpich; done
open=$work/open/usr/lib/$(uname -m)-linux-gnu mpich=$work/mpich/usr/lib/$(uname -m)-linux-gnu
cat >grids.c <<'C'
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    for (int dimensions = 2; dimensions <= 3; dimensions++)
        for (int n = 1; n <= 1024; n++) {
            int grid[3] = {0, 0, dimensions == 2};
            MPI_Dims_create(n, dimensions, grid);
            printf("%d %d %d %d %d\n", dimensions, n, grid[0], grid[1], grid[2]);
        }
    return MPI_Finalize();
}
C
gcc grids.c -o open.grids -I"$open/openmpi/include" -L"$open" -Wl,--unresolved-symbols=ignore-in-shared-libs -l:libmpi.so.40
gcc grids.c -o mpich.grids -I"$work/mpich/usr/include/$(uname -m)-linux-gnu/mpich" -L"$mpich" -l:libmpich.so.12
LD_LIBRARY_PATH=$open OPAL_PREFIX=$work/open/usr OMPI_MCA_ess_singleton_isolated=1 ./open.grids >open.seen
LD_LIBRARY_PATH=$mpich ./mpich.grids >mpich.seen
# The least difference between the longest and the shortest side of all grids that a number has is found by trying them.
paste -d ' ' open.seen mpich.seen | awk '
    function spread(a, b, c) { return c == 1 && $1 == 2 ? a - b : a - c }
    function least(n,  a, b, c, best) {
        best = n
        for (a = 1; a <= n; a++) if (n % a == 0) for (b = 1; b <= a; b++) if (n / a % b == 0) {
            c = n / a / b
            if (c <= b && ($1 == 3 || c == 1) && spread(a, b, c) < best) best = spread(a, b, c)
        }
        return best
    }
    {
        best = least($2)
        open += spread($3, $4, $5) > best
        mpich += spread($8, $9, $10) > best
    }
    $1 == 2 && ($2 == 72 || $2 == 288) || $1 == 3 && $2 == 576 { print "Open MPI: " $3, $4, $5 ", MPICH: " $8, $9, $10 }
    $2 == 1024 { print "not the best in " $1 " dimensions: Open MPI " open ", MPICH " mpich; open = mpich = 0 }' >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
Open MPI: 12 6 1, MPICH: 9 8 1
Open MPI: 24 12 1, MPICH: 18 16 1
not the best in 2 dimensions: Open MPI 20, MPICH 0
Open MPI: 12 8 6, MPICH: 9 8 8
not the best in 3 dimensions: Open MPI 8, MPICH 0
EXPECTED
