#!/bin/bash
# SMPI of SimGrid 3.32 (Debian 12; run where libsimgrid-dev's dependencies are installed), which runs MPI programs in simulation:
# MPI_Allreduce of 1 from each of 8 ranks, one a host, by several of the algorithms that --cfg=smpi/allreduce offers, and MPI_Bcast
# of 7 by two of smpi/bcast.
#
# Expected: each algorithm either gives every element the sum 8, as its program computes on real data, or refuses the number of
# ranks or elements (some do).
# Seen: smp_rsag, smp_rsag_lr and smp_rsag_rab divide the elements among ranks, and what is left over keeps what was there: of
# 20011 elements 3 and 15 are wrong, and a single one, as programs reduce for a norm, a flag or a time, always.
# smp_binomial_pipeline and the broadcast flattree_pipeline do whole segments only: 3627 of 20011 elements are not summed, 1579
# not sent. Sizes that divide are right, and the exit status is 0 each time.
# So a sweep over the algorithms of a simulator that computes runs other programs than the one given: loops end elsewhere, and for
# the rest neither data nor time were spent.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libsimgrid3.32=3.32-2+b2 libsimgrid-dev=3.32-2+b2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
sed "s,/usr/lib/,$work/root/usr/lib/,g" root/usr/bin/smpirun >smpirun
cat >hosts.xml <<'XML'
<?xml version="1.0"?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="hosts" prefix="n" suffix="" radical="0-7" speed="1Gf" bw="12.5GBps" lat="1us"/>
</platform>
XML
for i in 0 1 2 3 4 5 6 7; do echo "n$i"; done >hosts
cat >elements.c <<'C'
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank, ranks, reduce = !strcmp(argv[1], "allreduce");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int k = 2; k < argc; k++) {
        int n = atoi(argv[k]), wrong = 0;
        float *from = malloc(n * sizeof *from), *to = calloc(n, sizeof *to);
        for (int i = 0; i < n; i++) from[i] = reduce ? 1 : 7;
        if (reduce) MPI_Allreduce(from, to, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        else MPI_Bcast(rank ? to : from, n, MPI_FLOAT, 0, MPI_COMM_WORLD);
        for (int i = 0; i < n; i++) wrong += to[i] != (reduce ? ranks : 7);
        if (rank == ranks - 1) printf(" %d of %d wrong;", wrong, n);
        free(from);
        free(to);
    }
    MPI_Finalize();
    return 0;
}
C
gcc -include root/usr/include/smpi/smpi_helpers.h -I root/usr/include -I root/usr/include/smpi elements.c -L "$libs" -lsimgrid -lm \
    -fPIC -shared -o elements
seen() {
    printf '%s %s:' "$1" "$2"
    LD_LIBRARY_PATH=$libs sh ./smpirun -np 8 -platform hosts.xml -hostfile hosts ./elements "$1" 1 20011 1048576 \
        "--cfg=smpi/$1:$2" --log=root.thres:critical
    echo " exit $?"
}
{
    dpkg-deb -f libsimgrid3.32_*.deb Version
    for algorithm in rdb lr smp_rdb smp_binomial_pipeline smp_rsag smp_rsag_lr smp_rsag_rab; do seen allreduce $algorithm; done
    for algorithm in binomial_tree flattree_pipeline; do seen bcast $algorithm; done
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
3.32-2+b2
allreduce rdb: 0 of 1 wrong; 0 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce lr: 0 of 1 wrong; 0 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce smp_rdb: 0 of 1 wrong; 0 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce smp_binomial_pipeline: 0 of 1 wrong; 3627 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce smp_rsag: 1 of 1 wrong; 3 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce smp_rsag_lr: 1 of 1 wrong; 0 of 20011 wrong; 0 of 1048576 wrong; exit 0
allreduce smp_rsag_rab: 1 of 1 wrong; 15 of 20011 wrong; 0 of 1048576 wrong; exit 0
bcast binomial_tree: 0 of 1 wrong; 0 of 20011 wrong; 0 of 1048576 wrong; exit 0
bcast flattree_pipeline: 0 of 1 wrong; 1579 of 20011 wrong; 0 of 1048576 wrong; exit 0
EXPECTED
