#!/bin/bash
# SimGrid 3.32 (Debian 12; run where libsimgrid-dev's dependencies are installed), plugin host_load: a host of one core sleeps 1 s,
# works 2 s and sleeps 3 s; after sg_host_load_reset it works 1 s twice and sleeps 1 s.
#
# Expected: sg_host_get_idle_time is 1, 1 and 4 s, after the reset 0, 0 and 1 s: what sg_host_get_avg_load leaves of the time.
# Seen: 1, 3 and 6 s, then 1, 2 and 3 s: all time that has passed, also while the same plugin gives an average load of 1. It looks
# at the load when an execution has ended, and takes what it sees then for the time before. Only who asks in the middle of an
# execution, and before its end, gets the time up to there counted as busy: 2 s of 4.
# So utilisation from idle times, or idle power and scaling down by them, finds every node free for the whole run. Average load and
# computed flops are right.
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
  <zone id="zone" routing="Full"><host id="node" speed="1Gf"/></zone>
</platform>
XML
cat >idle.cpp <<'CPP'
#include <cstdio>
#include <simgrid/plugins/load.h>
#include <simgrid/s4u.hpp>
namespace sg = simgrid::s4u;
static double since;
static void seen(const char *what)
{
    auto *node = sg::this_actor::get_host();
    printf("%s: idle %.2f s of %.2f s, average load %.3f\n", what, sg_host_get_idle_time(node), sg::Engine::get_clock() - since,
           sg_host_get_avg_load(node));
}
static void again()
{
    sg_host_load_reset(sg::this_actor::get_host());
    since = sg::Engine::get_clock();
}
static void day()
{
    sg::this_actor::sleep_for(1);
    seen("slept 1 s");
    sg::this_actor::execute(2e9);
    seen("worked 2 s");
    sg::this_actor::sleep_for(3);
    seen("slept 3 s");
    again();
    sg::this_actor::execute(1e9);
    seen("worked 1 s");
    sg::this_actor::execute(1e9);
    seen("worked 1 s");
    sg::this_actor::sleep_for(1);
    seen("slept 1 s");
    again();
    auto work = sg::this_actor::exec_async(4e9);
    sg::this_actor::sleep_for(2);
    seen("in the middle of 4 s of work");
    work->wait();
    seen("at their end");
}
int main(int argc, char **argv)
{
    sg::Engine engine(&argc, argv);
    sg_host_load_plugin_init();
    engine.load_platform(argv[1]);
    sg::Actor::create("day", engine.host_by_name("node"), day);
    engine.run();
}
CPP
g++ -std=c++17 -I root/usr/include idle.cpp -L "$libs" -lsimgrid -o idle
{
    dpkg-deb -f libsimgrid3.32_*.deb Version
    LD_LIBRARY_PATH=$libs ./idle host.xml --log=root.thres:critical
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
3.32-2+b2
slept 1 s: idle 1.00 s of 1.00 s, average load 0.000
worked 2 s: idle 3.00 s of 3.00 s, average load 0.667
slept 3 s: idle 6.00 s of 6.00 s, average load 0.333
worked 1 s: idle 1.00 s of 1.00 s, average load 1.000
worked 1 s: idle 2.00 s of 2.00 s, average load 1.000
slept 1 s: idle 3.00 s of 3.00 s, average load 0.667
in the middle of 4 s of work: idle 0.00 s of 2.00 s, average load 1.000
at their end: idle 2.00 s of 4.00 s, average load 1.000
EXPECTED
