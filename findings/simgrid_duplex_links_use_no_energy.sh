#!/bin/bash
# SimGrid 3.32 (Debian 12; run where libsimgrid-dev's dependencies are installed), plugin link_energy, network model CM02: two
# links of 1 GB/s that draw 10 W idle and 20 W at full load (property wattage_range), one shared, one with sharing_policy
# SPLITDUPLEX; 1 GB over each, one after the other.
#
# Expected: 20 J and 10 J for a link in its busy and its idle second: 30 J for the shared one; of the duplex link the direction that
# was used 30 J, and the other 20 J.
# Seen: 30 J, 0 J and 0 J. A split link becomes two, NAME_UP and NAME_DOWN, which do not get the properties written for it;
# without them the plugin counts nothing and says so to nobody. "Total energy over all links" is that of the shared ones.
# So the network of any platform whose cables are full duplex, the only kind there is in a GPU cluster, is free of energy.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libsimgrid3.32=3.32-2+b2 libsimgrid-dev=3.32-2+b2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >links.xml <<'XML'
<?xml version="1.0"?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="zone" routing="Full">
    <host id="a" speed="1Gf"/>
    <host id="b" speed="1Gf"/>
    <host id="c" speed="1Gf"/>
    <link id="shared" bandwidth="1GBps" latency="0s"><prop id="wattage_range" value="10:20"/></link>
    <link id="duplex" bandwidth="1GBps" latency="0s" sharing_policy="SPLITDUPLEX"><prop id="wattage_range" value="10:20"/></link>
    <route src="a" dst="b"><link_ctn id="shared"/></route>
    <route src="a" dst="c" symmetrical="NO"><link_ctn id="duplex" direction="UP"/></route>
  </zone>
</platform>
XML
cat >energy.cpp <<'CPP'
#include <cstdio>
#include <simgrid/plugins/energy.h>
#include <simgrid/s4u.hpp>
namespace sg = simgrid::s4u;
int main(int argc, char **argv)
{
    sg::Engine engine(&argc, argv);
    sg_link_energy_plugin_init();
    engine.load_platform(argv[1]);
    auto *a = engine.host_by_name("a"), *b = engine.host_by_name("b"), *c = engine.host_by_name("c");
    sg::Actor::create("sender", a, [&] {
        sg::Comm::sendto(a, b, 1000000000);
        sg::Comm::sendto(a, c, 1000000000);
        for (const char *name : {"shared", "duplex_UP", "duplex_DOWN"})
            printf("%s: %.0f J in %.0f s\n", name, sg_link_get_consumed_energy(sg::Link::by_name(name)), sg::Engine::get_clock());
    });
    engine.run();
}
CPP
g++ -std=c++17 -I root/usr/include energy.cpp -L "$libs" -lsimgrid -o energy
{
    dpkg-deb -f libsimgrid3.32_*.deb Version
    LD_LIBRARY_PATH=$libs ./energy links.xml --cfg=network/model:CM02 --cfg=network/crosstraffic:0 --log=root.thres:critical
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
3.32-2+b2
shared: 30 J in 2 s
duplex_UP: 0 J in 2 s
duplex_DOWN: 0 J in 2 s
EXPECTED
