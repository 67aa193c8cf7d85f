#!/bin/bash
# SimGrid 3.32 (Debian 12; run where libsimgrid-dev's dependencies are installed), plugin host_dvfs: a host of four cores with the
# states 1, 0.5 and 0.25 Gf, whose governor looks at the load each 0.1 s, works on 10 Gflop on each core from time 0 on.
#
# Expected: performance 10 s, powersave 40 s; ondemand, named for that of Linux and with a threshold of 0.8 for the fastest state, 10 s,
# as all cores are busy all the time; conservative, which goes up above 0.8 and down below 0.2, 10 s, too.
# Seen: ondemand goes to the slowest state at its first look and stays there: 39.7 s. conservative wanders between the two slower
# ones: 26.5 s. The plugin starts two governors for each host, also if --cfg=plugin:host_dvfs loads it: of the two at the same
# time the first sees a load of 1 and resets the count, and the second, to which no time has passed, sees 0 and has the last word.
# So a study of energy by these governors compares powersave with itself in the name of ondemand, and work takes four times as long
# as on the machine it stands for.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libsimgrid3.32=3.32-2+b2 libsimgrid-dev=3.32-2+b2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >host.xml <<'XML'
<?xml version="1.0"?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="zone" routing="Full"><host id="node" speed="1Gf,0.5Gf,0.25Gf" core="4"/></zone>
</platform>
XML
cat >dvfs.cpp <<'CPP'
#include <cstdio>
#include <simgrid/plugins/dvfs.h>
#include <simgrid/s4u.hpp>
namespace sg = simgrid::s4u;
int main(int argc, char **argv)
{
    sg::Engine engine(&argc, argv);
    sg_host_dvfs_plugin_init();
    engine.load_platform(argv[1]);
    auto *node = engine.host_by_name("node");
    for (int core = 0; core < 4; core++) sg::Actor::create("core", node, [] { sg::this_actor::execute(10e9); });
    sg::Actor::create("watch", node, [node] {
        printf("states after 0.05, 0.15, ... s:");
        for (int i = 0; i < 10; i++) {
            sg::this_actor::sleep_for(i ? 0.1 : 0.05);
            printf(" %lu", node->get_pstate());
        }
    });
    engine.run();
    printf("; done after %.1f s\n", sg::Engine::get_clock());
}
CPP
g++ -std=c++17 -I root/usr/include dvfs.cpp -L "$libs" -lsimgrid -o dvfs
{
    dpkg-deb -f libsimgrid3.32_*.deb Version
    for governor in performance powersave ondemand conservative; do
        echo "$governor: $(LD_LIBRARY_PATH=$libs ./dvfs host.xml --cfg=plugin/dvfs/governor:$governor --log=root.thres:critical)"
    done
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
3.32-2+b2
performance: states after 0.05, 0.15, ... s: 0 0 0 0 0 0 0 0 0 0; done after 10.0 s
powersave: states after 0.05, 0.15, ... s: 0 2 2 2 2 2 2 2 2 2; done after 39.7 s
ondemand: states after 0.05, 0.15, ... s: 0 2 2 2 2 2 2 2 2 2; done after 39.7 s
conservative: states after 0.05, 0.15, ... s: 0 1 2 1 2 1 2 1 2 1; done after 26.5 s
EXPECTED
