#!/bin/bash
# OpenSM 3.3.23 (Debian 12) routes a simulated tree of 4 leaves with 8 hosts each and 4 spines, two cables from each leaf to each
# spine, by its engine `lash`, with `-Q` as it asks for.
#
# Expected: its manual page says that it "distributes the traffic more evenly through a network" than Up/Down, always on shortest
# paths: no worse than `updn`, for which each of 64 links carries 24 of an all-to-all's paths.
# Seen: of equal paths lash takes the first for all hosts of a switch: one cable of eight carries all that leaves or enters a
# leaf, 192 paths, and 56 of 64 links none. Parallel cables are one to it in any network.
# So a fabric whose switches are joined by trunks (Dragonfly+, HyperX) keeps one cable of each where it is switched to lash for
# freedom from deadlock, and a fat tree an eighth of its bisection. `dfsssp` needs no such choice: 24 each.
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
    for (leaf = 0; leaf < 4; leaf++) {
        printf "Switch\t36 \"SL%d\"\n", leaf
        for (i = 0; i < 8; i++) printf "[%d]\t\"SP%d\"[%d]\n", i + 1, int(i / 2), 2 * leaf + i % 2 + 1
        for (i = 0; i < 8; i++) printf "[%d]\t\"H%d_%d\"[1]\n", i + 9, leaf, i
        print ""
        for (i = 0; i < 8; i++) printf "Hca\t1 \"H%d_%d\"\n[1]\t\"SL%d\"[%d]\n\n", leaf, i, leaf, i + 9
    }
    for (spine = 0; spine < 4; spine++) {
        printf "Switch\t36 \"SP%d\"\n", spine
        for (i = 0; i < 8; i++) printf "[%d]\t\"SL%d\"[%d]\n", i + 1, int(i / 2), 2 * spine + i % 2 + 1
        print ""
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
    for (l in peer) if (l ~ /^S/ && peer[l] ~ /^S/) {
        links++
        sum += load[l]
        idle += !load[l]
        if (load[l] > max) max = load[l]
        if (load[l] + 0 < min) min = load[l] + 0
    }
    printf "%d links, least %d, most %d, mean %d, idle %d\n", links, min, max, sum / links, idle
}
AWK
loads() {
    export LD_LIBRARY_PATH=$libs IBSIM_SOCKNAME=finding-$$-$1 OSM_TMP_DIR=$work OSM_CACHE_DIR=$work
    rm -f opensm-lfts.dump
    "$work/root/usr/bin/ibsim" -s net < <(sleep 60) >ibsim.log 2>&1 &
    sleep 2
    SIM_HOST=H0_0 LD_PRELOAD=$libs/umad2sim/libumad2sim.so timeout 50 "$work/root/usr/sbin/opensm" -R "$1" -Q -o \
        -f "$work/osm.log" -D 0x43 >osm.out 2>&1 || { tail -n 5 osm.out >&2; exit 2; }
    kill %% 2>/dev/null || true
    unset LD_LIBRARY_PATH
    echo "$1: $(awk -f loads.awk net opensm-lfts.dump)"
}
{ loads updn; loads dfsssp; loads lash; } | tee seen
diff seen - <<'EXPECTED' && echo "as found"
updn: 64 links, least 24, most 24, mean 24, idle 0
dfsssp: 64 links, least 24, most 24, mean 24, idle 0
lash: 64 links, least 0, most 192, mean 24, idle 56
EXPECTED
