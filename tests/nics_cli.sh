#!/bin/bash
# cluster.nic.per_node of networks that are built of numbers: NICs that GPUs share are as fast as what they replace, GPUs with
# several NICs divide their messages among them, and the same network from a file takes the same times. TAP.
. "$srcdir/tests/cli.sh"
cat >run.yaml <<'Y'
name: nics
description: a collective among four nodes
kind: collective
hardware: h800
cluster: {network: {switch_ports: 8}}
collective: {operation: all_to_all, topologies: ft2, gpus: 32, from: 4 MiB, to: 4 MiB}
Y
# four nodes of that many NICs, leaves of that many, two spines: what ft2 builds
network() { # NICS DOWN
    python3 - "$1" "$2" <<'P'
import sys
nics, down = map(int, sys.argv[1:])
leaves = 4 * nics // down
print("switches: [" + ", ".join(f"leaf{i}" for i in range(leaves)) + ", spine0, spine1]\ncables:")
for i in range(leaves):
    for s in 0, 1:
        print(f"  - {{from: leaf{i}, to: spine{s}, count: {down // 2}}}")
print("hosts:")
for n in range(4):
    at = ", ".join(f"{{switch: leaf{(n * nics + i) // down}}}" for i in range(nics))
    print(f"  - {{name: n{n}, nics: [{at}]}}")
P
}
network 4 4 >four.yaml
network 8 8 >eight.yaml
seconds() { # TITLE ARGS...
    local title=$1
    shift
    expect 0 "$title" run run.yaml --json "$@"
    s=$(python3 -c "
import json
table = next(t for t in json.load(open('out'))['tables'] if t['name'] == 'sizes')
print(table['rows'][0]['time'])")
}
near() { # TITLE A B RATIO
    check "$1" python3 -c "assert abs($2 / $3 - 1) <= $4, ($2, $3)"
}
fast="-s cluster.nic.bandwidth=100GB/s -s cluster.network.port_bandwidth=100GB/s -s cluster.node.pcie_bandwidth=200GB/s"
slow="-s cluster.nic.bandwidth=25GB/s -s cluster.network.port_bandwidth=25GB/s"
quarter="-s cluster.node.gpus=4 -s collective.gpus=16"

# --- the same network from a file ---------------------------------------------------------------------------------------
for run in flow:all_to_all flow:all_reduce packet:all_to_all bound:all_reduce; do
    net="-s sim.network=${run%:*} -s collective.operation=${run#*:}"
    seconds "$run: 8 GPUs share 4 NICs" $net -s cluster.nic.per_node=4
    built=$s
    seconds "$run: the same from a file" $net -s cluster.nic.per_node=4 -s collective.topologies=file -s cluster.network.file=four.yaml
    near "$run: shared NICs of a file take as long" $built $s 1e-12
    seconds "$run: 4 GPUs have 8 NICs" $net $quarter -s cluster.nic.per_node=8 -s cluster.network.switch_ports=16
    built=$s
    seconds "$run: the same from a file" $net $quarter -s cluster.nic.per_node=8 -s cluster.network.switch_ports=16 -s collective.topologies=file -s cluster.network.file=eight.yaml
    near "$run: several NICs of a file take as long" $built $s 1e-12
done

# --- what has the same rate takes the same time ---------------------------------------------------------------------------
for built in ft2 mrft mpft ft3 dual_plane mpft_multiport; do
    net="-s collective.topologies=$built -s cluster.network.switch_ports=32 -s collective.from=64MiB -s collective.to=64MiB"
    seconds "$built: a NIC a GPU" $net
    one=$s
    seconds "$built: half as many, of twice the rate" $net -s cluster.nic.per_node=4 $fast
    # dual_plane: a hash of pairs chooses the port, and these are other pairs
    [ $built = dual_plane ] || near "$built: an all-to-all takes as long over shared NICs" $s $one 0.002
    seconds "$built: twice as many, of half the rate" $net -s cluster.nic.per_node=16 $slow
    [ $built = dual_plane ] || near "$built: an all-to-all takes as long over two NICs a GPU" $s $one 0.002
    # large enough that the copies of a message's first and last step, some 60 us whatever the NICs, are below 1 %
    seconds "$built: a large one" $net -s collective.from=256MiB -s collective.to=256MiB
    one=$s
    seconds "$built: half as many, of the same rate" $net -s collective.from=256MiB -s collective.to=256MiB -s cluster.nic.per_node=4
    [ $built = dual_plane ] || near "$built: it takes twice as long" $s "(2 * $one)" 0.02
done
for policy in ecmp adaptive spray; do
    net="$quarter -s cluster.network.routing.policy=$policy -s cluster.network.switch_ports=32"
    seconds "$policy: one NIC of twice the rate" $net -s cluster.nic.per_node=4 $fast
    one=$s
    seconds "$policy: two NICs" $net -s cluster.nic.per_node=8 -s cluster.node.pcie_bandwidth=200GB/s
    near "$policy: two NICs are one of twice the rate" $s $one 0.002
done
ring="$quarter -s collective.operation=all_reduce -s collective.algorithm=ring -s collective.from=64MiB -s collective.to=64MiB"
seconds "a ring over one NIC a GPU" $ring -s cluster.nic.per_node=4 -s cluster.network.switch_ports=32 $fast
one=$s
seconds "a ring over two" $ring -s cluster.nic.per_node=8 -s cluster.network.switch_ports=32 -s cluster.node.pcie_bandwidth=200GB/s
near "a ring uses both NICs" $s $one 1e-9

decode="$srcdir/scenarios/decode_ep128.yaml -s cluster.nodes=2 -s inference.decode.batch=8 -s llm.layers=4 -s cluster.node.pcie_bandwidth=200GB/s"
expect 0 "decoding over a NIC a GPU" run $decode -o one.json
expect 0 "decoding over two of half the rate" run $decode -s cluster.nic.per_node=16 $slow -o two.json
check "decoding takes as long over two NICs" python3 -c '
import json
a, b = (json.load(open(f))["metrics"]["tpot"]["value"] for f in ("one.json", "two.json"))
assert abs(a / b - 1) < 0.002, (a, b)'

# --- counts and costs, and what cannot be ---------------------------------------------------------------------------------
expect 0 "counts" topo mrft --nodes 16 -s cluster.nic.per_node=4
says "64 NICs of the network's for 128 GPUs; a GPU uses up to 1"
expect 0 "planes are as many as NICs" topo mpft --nodes 16 -s cluster.nic.per_node=4
says "planes                            4  networks that share no switch"
expect 0 "two NICs are faster than PCIe" topo ft2 --nodes 4 -s cluster.nic.per_node=16
tells "the 2 NICs of a GPU together are faster than its PCIe (63 GB/s): PCIe limits"
expect 3 "SimGrid's model of GPUs with several NICs" run run.yaml -s cluster.nic.per_node=16 -s sim.network=cm02 -s cluster.network.switch_ports=32
tells "network 'cm02' cannot divide messages among several NICs of a GPU"
expect 3 "htsim" topo ft2 --nodes 4 -s cluster.nic.per_node=4 --format htsim
tells "htsim's hosts have one NIC each"
expect 3 "a platform of SimGrid" topo ft2 --nodes 4 -s cluster.nic.per_node=16 --format simgrid-xml
tells "GPUs with several NICs divide their messages"
expect 3 "planes by GPUs" run "$srcdir/scenarios/plane_isolation.yaml" -s cluster.nic.per_node=4
tells "set cluster.nic.per_node to 8"
expect 3 "planes that do not divide the NICs" topo mpft --nodes 4 -s cluster.nic.per_node=4 -s cluster.network.planes=8
tells "8 planes do not divide the 4 NICs of a node evenly"
finish
