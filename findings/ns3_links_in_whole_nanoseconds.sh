#!/bin/bash
# ns-3 3.37 (Debian 12), PointToPointNetDevice, delay 0, 10000 packets that wait in the sender's queue from time 0.
#
# Expected: a link of 400 Gb/s carries 400 Gb/s, whatever the packets' size.
# Seen: the time of a packet is rounded to the simulator's resolution, which is 1 ns unless Time::SetResolution says otherwise, and
# the remainder is not carried over to the next packet. 64 B take 1 ns instead of 1.28 at 400 Gb/s (512 Gb/s) and 1 ns instead of
# 0.64 at 800 Gb/s (512 Gb/s again: both links are the same), 90 B 2 ns instead of 1.8 (360 Gb/s).
# So acknowledgements, credits and small messages of today's fabrics run up to 28 % too fast or 36 % too slow, unequally by size,
# and a doubled rate need not change anything.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download libns3.37=3.37-2 libns3-dev=3.37-2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
libs=$work/root/usr/lib/$(uname -m)-linux-gnu
cat >link.cc <<'CC'
#include <cstdio>
#include <ns3/core-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
using namespace ns3;
static uint64_t received;
static bool receive(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address &)
{
    received++;
    return true;
}
static void send(Ptr<NetDevice> from, Ptr<NetDevice> to, uint32_t size_B)
{
    const uint32_t header_B = 2;
    for (int i = 0; i < 10000; i++) from->Send(Create<Packet>(size_B - header_B), to->GetAddress(), 0x800);
}
int main()
{
    for (const char *rate : {"100Gbps", "400Gbps", "800Gbps"})
        for (uint32_t size_B : {64, 90, 256, 4096}) {
            NodeContainer nodes(2);
            PointToPointHelper link;
            link.SetDeviceAttribute("DataRate", StringValue(rate));
            link.SetChannelAttribute("Delay", StringValue("0ns"));
            link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("10000p"));
            NetDeviceContainer ends = link.Install(nodes);
            ends.Get(1)->SetReceiveCallback(MakeCallback(&receive));
            received = 0;
            Simulator::Schedule(Seconds(0), &send, ends.Get(0), ends.Get(1), size_B);
            Simulator::Run();
            printf("%s, %4u B: %lu packets, %.1f Gb/s\n", rate, size_B, received, received * 8. * size_B / Simulator::Now().GetNanoSeconds());
            Simulator::Destroy();
        }
}
CC
g++ -std=c++17 -I root/usr/include link.cc -L "$libs" -lns3-core -lns3-network -lns3-point-to-point -Wl,-rpath-link,"$libs" -o link
{
    dpkg-deb -f libns3.37_*.deb Version
    LD_LIBRARY_PATH=$libs ./link
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
3.37-2
100Gbps,   64 B: 10000 packets, 102.4 Gb/s
100Gbps,   90 B: 10000 packets, 102.9 Gb/s
100Gbps,  256 B: 10000 packets, 102.4 Gb/s
100Gbps, 4096 B: 10000 packets, 99.9 Gb/s
400Gbps,   64 B: 10000 packets, 512.0 Gb/s
400Gbps,   90 B: 10000 packets, 360.0 Gb/s
400Gbps,  256 B: 10000 packets, 409.6 Gb/s
400Gbps, 4096 B: 10000 packets, 399.6 Gb/s
800Gbps,   64 B: 10000 packets, 512.0 Gb/s
800Gbps,   90 B: 10000 packets, 720.0 Gb/s
800Gbps,  256 B: 10000 packets, 682.7 Gb/s
800Gbps, 4096 B: 10000 packets, 799.2 Gb/s
EXPECTED
