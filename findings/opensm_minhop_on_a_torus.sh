#!/bin/bash
# OpenSM 3.3.23 (Debian 12) routes a simulated torus of 4 x 4 x 4 switches with one host each by its engine `minhop`.
#
# Expected: it counts how many paths each port has and takes the least used of the equal ones, so that on a network that looks
# the same from everywhere the loads of an all-to-all stay within 30 % of their mean, 32 paths a link.
# Seen: the counters are each switch's own; links of 12 beside links of 66, 2.06 times the mean: a permutation of every
# host's traffic runs at half of what the cables carry. (On Slim Fly and two-level trees the same engine is perfectly even.)
# Of `lash`, for comparison: 16 to 48, because ties of two directions all go one way.
set -eu
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
packages="opensm=3.3.23-2+b1 libopensm9=3.3.23-2+b1 libosmcomp5=3.3.23-2+b1 libosmvendor5=3.3.23-2+b1
ibsim-utils=0.10-2 libumad2sim0=0.10-2 libibumad3=44.0-2 libibmad5=44.0-2"
apt-get download $packages >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >net.awk <<'AWK'
BEGIN {
    n = 4
    for (x = 0; x < n; x++) for (y = 0; y < n; y++) for (z = 0; z < n; z++) {
        printf "Switch\t36 \"S%d%d%d\"\n", x, y, z
        printf "[1]\t\"S%d%d%d\"[2]\n[2]\t\"S%d%d%d\"[1]\n", (x + 1) % n, y, z, (x + n - 1) % n, y, z
        printf "[3]\t\"S%d%d%d\"[4]\n[4]\t\"S%d%d%d\"[3]\n", x, (y + 1) % n, z, x, (y + n - 1) % n, z
        printf "[5]\t\"S%d%d%d\"[6]\n[6]\t\"S%d%d%d\"[5]\n", x, y, (z + 1) % n, x, y, (z + n - 1) % n
        printf "[7]\t\"H%d%d%d\"\n\nHca\t1 \"H%d%d%d\"\n[1]\t\"S%d%d%d\"[7]\n\n", x, y, z, x, y, z, x, y, z
    }
}
AWK
awk -f net.awk >net
# Walks the tables from every host to every other and counts the paths on each link between switches.
cat >loads.awk <<'AWK'
FNR == 1 { file++ }
file == 1 && /^(Switch|Hca)/ { split($0, q, "\""); at = q[2]; if (at ~ /^H/) hosts[at] }
file == 1 && /^\[/ { split($0, q, "\""); port = q[1]; gsub(/[^0-9]/, "", port); peer[at, port] = q[2] }
file == 2 && /^Unicast/ { split($0, q, "'"); at = q[2] }
file == 2 && /^0x/ { split($0, q, "'"); out[at, q[2]] = $2 + 0 }
END {
    for (s in hosts) for (t in hosts) if (s != t) {
        at = peer[s, 1]
        for (hop = 0; at != t && hop < 40; hop++) {
            p = out[at, t]
            if (peer[at, p] ~ /^S/) load[at, p]++
            at = peer[at, p]
        }
    }
    min = 1e9
    for (l in load) { links++; sum += load[l]; if (load[l] > max) max = load[l]; if (load[l] < min) min = load[l] }
    printf "%d links, least %d, most %d, mean %d\n", links, min, max, sum / links
}
AWK
loads() {
    export LD_LIBRARY_PATH=$libs IBSIM_SOCKNAME=finding-$$-$1 OSM_TMP_DIR=$work OSM_CACHE_DIR=$work
    rm -f opensm-lfts.dump
    "$work/root/usr/bin/ibsim" -s net < <(sleep 60) >ibsim.log 2>&1 &
    sleep 2
    SIM_HOST=H000 LD_PRELOAD=$libs/umad2sim/libumad2sim.so timeout 50 "$work/root/usr/sbin/opensm" -R "$1" -o \
        -f "$work/osm.log" -D 0x43 >osm.out 2>&1 || { tail -n 5 osm.out >&2; exit 2; }
    kill %% 2>/dev/null || true
    unset LD_LIBRARY_PATH
    echo "$1: $(awk -f loads.awk net opensm-lfts.dump)"
}
{ loads minhop; loads lash; } | tee seen
diff seen - <<'EXPECTED' && echo "as found"
minhop: 384 links, least 12, most 66, mean 32
lash: 384 links, least 16, most 48, mean 32
EXPECTED
