#!/bin/bash
# gpmetis of METIS 5.1.0 (Debian 12, idx_t of 32 bits), two parts of eight ranks in a ring that exchange 4.4 GB and 1 GB in turn;
# the weights of the edges are the bytes.
#
# Expected: the pairs with 4.4 GB stay together and the cut is 2 GB, or an error that a weight does not fit.
# Seen: in bytes the partition cuts two of the heavy pairs, 8.8 GB, as 4400000000 is read modulo 2^32, as 105032704, and the cut
# is called 210065408. In units of 4 B all weights fit, and the cut of 500000000 of them comes out right, until the sum does
# not: eight ranks, all to all, of 500 MB within four and 100 MB across are cut at -547483648, where it is 1600000000. Only a
# weight that wraps to zero or below is an error, and the help speaks of integers.
# So ranks placed by traffic in bytes may be placed against it; divide until the sum over all edges stays below 2^30.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download metis=5.1.0.dfsg-7 libmetis5=5.1.0.dfsg-7 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
# FILE UNIT_B, with weight(a, b) in bytes in the variable of that name
graph() {
    awk -v unit="$2" "$weight"'BEGIN {
        for (a = 1; a <= 8; a++) for (b = 1; b <= 8; b++) if (a != b && weight(a, b)) {
            line[a] = line[a] sprintf(" %d %.0f", b, weight(a, b) / unit); edges++
        }
        print 8, edges / 2, "001"
        for (a = 1; a <= 8; a++) print line[a]
    }' >"$1"
}
cut() {
    graph "$1" "$2"
    LD_LIBRARY_PATH=root/usr/lib/$(uname -m)-linux-gnu root/usr/bin/gpmetis "$1" 2 >log
    real=$(awk "$weight"'{ part[NR] = $1 } END {
        for (a = 1; a <= 8; a++) for (b = 1; b < a; b++) if (part[a] != part[b]) sum += weight(a, b)
        printf "%.0f", sum }' "$1.part.2")
    echo "$1 in units of $2 B:$(grep -o ' Edgecut: [-0-9]*' log), in truth $real B"
}
{
    dpkg-deb -f metis_*.deb Version
    weight='function weight(a, b,  hops) { hops = (a - b + 8) % 8; if (hops == 7) return weight(b, a); if (hops != 1) return 0
        return b % 2 ? 4.4e9 : 1e9 }'
    cut ring 1
    cut ring 4
    weight='function weight(a, b) { return (a > 4) == (b > 4) ? 5e8 : 1e8 }'
    cut all 1
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
5.1.0.dfsg-7
ring in units of 1 B: Edgecut: 210065408, in truth 8800000000 B
ring in units of 4 B: Edgecut: 500000000, in truth 2000000000 B
all in units of 1 B: Edgecut: -547483648, in truth 1600000000 B
EXPECTED
