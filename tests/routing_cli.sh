#!/bin/bash
# The scenarios about routing, faults and planes: what each must show, and what is refused. TAP.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios

metric() { awk -F, -v m="$1" '$1 == "metric" && $2 == m { print $4 }' out.csv; }
cell() { awk -F, -v t="$1" -v r="$2" -v c="$3" '$1 == t && $8 == r && $2 == c { print $4 $7 }' out.csv; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }
simulated() { # TITLE SCENARIO -s...
    local title=$1 file=$2
    shift 2
    rm -f out.csv
    expect 0 "$title" run "$file" -o out.csv "$@"
}

# --- Figure 8 -------------------------------------------------------------------------------------
simulated "fig8, few seeds" "$S/fig8_roce_routing.yaml" -s routing_study.seeds=3 \
    -s routing_study.groups='4, 16' -s routing_study.operations=all_gather
check "fig8: ECMP below static" below "$(metric ecmp_busbw)" "$(metric static_busbw)"
check "fig8: static below adaptive" below "$(metric static_busbw)" "$(metric adaptive_busbw)"
check "fig8: adaptive below the NIC" below "$(metric adaptive_busbw)" 50e9
check "fig8: ECMP's flows share cables" below 0.5 "$(cell policies 1 sharing)"
check "fig8: adaptive shares less" below "$(cell policies 3 sharing)" "$(cell policies 1 sharing)"
cp out.csv first.csv
simulated "fig8 again, one simulation after the other (for a timeline)" "$S/fig8_roce_routing.yaml" \
    -s routing_study.seeds=3 -s routing_study.groups='4, 16' -s routing_study.operations=all_gather --timeline last.json
check "fig8: the same bytes" cmp out.csv first.csv
check "fig8: the timeline of the last simulation" [ -s last.json ]
simulated "fig8: all-to-all" "$S/fig8_roce_routing.yaml" -s routing_study.seeds=2 -s routing_study.groups=8 \
    -s routing_study.operations=all_to_all
check "fig8: an all-to-all is best under adaptive routing" below "$(metric static_busbw)" "$(metric adaptive_busbw)"
expect 3 "fig8: an operation without rings" validate "$S/fig8_roce_routing.yaml" -s routing_study.operations=send_recv
tells "this operation has no such algorithm"
expect 3 "fig8: an unknown policy" validate "$S/fig8_roce_routing.yaml" -s routing_study.policies='ecmp, adaptiv'
tells "did you mean 'adaptive'?"
expect 3 "fig8: groups that do not fit" validate "$S/fig8_roce_routing.yaml" -s routing_study.groups=48
tells "do not divide into groups of 48"
expect 3 "an unknown layer of hardware" validate "$S/fig8_roce_routing.yaml" -s hardware='h800, rose'
tells "did you mean 'roce'?"

# --- spraying ---------------------------------------------------------------------------------------
# rings on one rail: the uplinks of a leaf are used alike, whichever pairs there are
cat >rail.yaml <<'EOF'
kind: routing_study
hardware: h800, roce
cluster: {nodes: 64, topology: ft2}
routing_study: {policies: "adaptive, spray", seeds: 1, groups: "64", operations: all_gather}
EOF
simulated "spraying on one rail" rail.yaml
check "spraying on one rail: no slower than adaptive routing" below 36.8e9 "$(metric spray_busbw)"
check "spraying on one rail: no cable carries more than one flow" test "$(cell policies 2 fullest)" = 1

# --- a plane is lost --------------------------------------------------------------------------------
simulated "plane_failure" "$S/plane_failure.yaml"
for network in mpft mpft_multiport; do
    check "plane_failure: $network loses at least what the planes allow" below 1.14 "$(metric ${network}_slower)"
    check "plane_failure: $network loses hardly more than 8/7" below "$(metric ${network}_slower)" 1.17
done
simulated "plane_failure in the middle" "$S/plane_failure.yaml" -s cluster.faults.at='2 ms'
check "plane_failure in the middle: costs less" below "$(metric mpft_slower)" 1.12
check "plane_failure in the middle: but something" below 1.05 "$(metric mpft_slower)"
expect 3 "all planes are lost" run "$S/plane_failure.yaml" -s fault_study.topologies=mpft \
    -s fault_study.policies=static \
    -s cluster.faults.down='plane 0,plane 1,plane 2,plane 3,plane 4,plane 5,plane 6,plane 7'
tells "cannot reach GPU"
expect 3 "a fault study without a fault" validate "$S/plane_failure.yaml" -s cluster.faults.down=
tells "needs something that fails"

# --- uplinks are lost: 128 hosts, leaves of eight with eight uplinks -----------------------------------
cat >uplinks.yaml <<'END'
kind: fault_study
hardware: h800
cluster:
  nodes: 128
  node: {gpus: 1}
  nic: {per_node: 1}
  topology: ft2
  network: {switch_ports: 16}
  faults: {down: "link 512, link 640"}
fault_study: {policies: ecmp, size: 64 MiB}
END
four='link 512,link 640,link 513,link 641,link 514,link 642,link 515,link 643'
simulated "ecmp with one of eight uplinks down" uplinks.yaml
check "ecmp hashes over what is left: at most 1.2 times slower" below "$(metric ft2_slower)" 1.2
simulated "static with four of eight uplinks down, live" uplinks.yaml -s fault_study.policies=static \
    -s cluster.faults.down="$four"
check "three destinations share a cable" below 2.3 "$(metric ft2_slower)"
simulated "static with four of eight uplinks down, restarted" uplinks.yaml -s fault_study.policies=static \
    -s cluster.faults.down="$four" -s cluster.faults.manager=restarted
check "two destinations share a cable" below "$(metric ft2_slower)" 1.9

# --- NICs of several ports: a queue pair uses all of them ----------------------------------------------
simulated "the main job" "$S/train_replay_h800.yaml"
one_port=$(metric makespan)
simulated "the main job, NICs of four ports" "$S/train_replay_h800.yaml" -s cluster.topology=mpft_multiport
four_ports=$(metric makespan)
check "four ports that share a NIC are as fast as one" python3 -c "assert abs($four_ports / $one_port - 1) < 0.002"
expect 0 "four ports of 200 Gb/s" topo mpft_multiport --nodes 4 -s cluster.nic.bandwidth='800 Gb/s' \
    -s cluster.network.port_bandwidth='200 Gb/s' -s cluster.node.pcie_bandwidth='126 GB/s'
says "NICs of 4 ports of 25 GB/s"
silent_on_stderr

# --- a plane is congested ---------------------------------------------------------------------------
simulated "plane_isolation" "$S/plane_isolation.yaml"
check "plane_isolation: mpft's other planes do not notice" below "$(metric mpft_other_planes_slower)" 1.000001
check "plane_isolation: mrft's do" below 1.05 "$(metric mrft_other_planes_slower)"
check "plane_isolation: the congested plane does" below 2 "$(cell planes 1 slower)"
expect 3 "a plane that is not there" validate "$S/plane_isolation.yaml" -s plane_isolation.plane=8
tells "planes 0 to 7"

# --- Table 5 ----------------------------------------------------------------------------------------
expect 0 "latency over InfiniBand" topo ft2 --nodes 64
check "Table 5: nvlink 3.33 us" grep -qE "latency_nvlink +3.33 us " out
check "Table 5: nearest 2.8 us" grep -qE "latency_nearest +2.8 us " out
check "Table 5: farthest 3.7 us" grep -qE "latency_farthest +3.7 us " out
expect 0 "latency over RoCE" topo ft2 --nodes 64 --hardware 'h800, roce'
check "Table 5: nearest 3.6 us" grep -qE "latency_nearest +3.6 us " out
check "Table 5: farthest 5.6 us" grep -qE "latency_farthest +5.6 us " out

# --- NVL72 ------------------------------------------------------------------------------------------
expect 0 "72 GPUs on NVSwitch" topo nvl72 --nodes 1 --hardware gb200_nvl72
check "NVL72: 72 endpoints and no network" grep -qE "^endpoints +72 " out
simulated "all-to-all in an NVL72" "$S/fig5_alltoall_mpft_mrft.yaml" -s hardware=gb200_nvl72 \
    -s cluster.nodes=1 -s cluster.topology=nvl72 -s collective.topologies= -s collective.gpus= \
    -s collective.from='1 GiB' -s collective.to='1 GiB'
check "NVL72: close to what NCCL's peers get of 900 GB/s, 66.5 %" below 5.8e11 "$(metric largest_busbw)"
check "NVL72: not above it" below "$(metric largest_busbw)" 5.99e11
expect 3 "a node of 8 is no NVL72" topo nvl72 --nodes 1
tells "choose hardware gb200_nvl72"
expect 0 "but it is one NVSwitch" topo nvswitch --nodes 1
check "NVSwitch: 8 endpoints" grep -qE "^endpoints +8 " out
expect 3 "NVSwitch joins one node only" topo nvswitch --nodes 2 --hardware gb200_nvl72
tells "set cluster.nodes to 1"

# --- a network of the user's own ----------------------------------------------------------------------
cat >tree.yaml <<'END'
switches: [leaf0, leaf1, spine]
cables:
  - {from: leaf0, to: spine, count: 16}
  - {from: leaf1, to: spine, count: 16}
endpoints:
  - {switch: leaf0, gpus: 16}
  - {switch: leaf1, gpus: 16}
END
ours="-s cluster.nodes=4 -s cluster.network.switch_ports=32 -s cluster.network.file=tree.yaml"
expect 0 "the example of a network file" topo file --nodes 4 -s cluster.network.file="$srcdir/configs/networks/example.yaml"
check "example: four switches" grep -qE "^switches_built +4 " out
simulated "a two-level tree from a file beside ft2" "$S/fig5_alltoall_mpft_mrft.yaml" $ours \
    -s cluster.network.routing.policy=adaptive -s collective.topologies='ft2, file' -s collective.gpus=32 \
    -s collective.pxn=false -s collective.from='16 MiB' -s collective.to='16 MiB'
check "a two-level tree from a file: as fast as ft2" below "$(metric network_difference_largest)" 0.05
spoiled() { # TITLE SED-SCRIPT PLACE WORDS
    sed "$2" tree.yaml >spoiled.yaml
    expect 3 "$1" topo file --nodes 4 -s cluster.network.switch_ports=32 -s cluster.network.file=spoiled.yaml
    tells "$3"
    tells "$4"
}
spoiled "an unknown switch" '3s/spine/spime/' "spoiled.yaml:3:23: error" "did you mean 'spine'?"
spoiled "an unknown key" '3s/count/cuont/' "spoiled.yaml:3:30: error" "did you mean 'count'?"
spoiled "a bandwidth without a unit" '3s/}/, bandwidth: 400}/' "spoiled.yaml:3:" "'bandwidth'"
spoiled "a negative latency" '3s/}/, latency: -1 us}/' "spoiled.yaml:3:" "'latency'"
spoiled "a cable from a switch to itself" '3s/to: spine/to: leaf0/' "spoiled.yaml:3:" "two different switches"
spoiled "a count of 0" '3s/16/0/' "spoiled.yaml:3:" "from 1 to 4096"
spoiled "too few GPUs" '7d' "spoiled.yaml:6:" "the cluster has 32"
spoiled "too many ports" '3s/16/17/' "spoiled.yaml:1:" "switches have 32 ports"
spoiled "the same switch twice" '1s/leaf1/leaf0/' "spoiled.yaml:1:" "a second time"
spoiled "GPUs that cannot reach each other" '4d' "error: GPU 0 (switch 'leaf0') and GPU 16 (switch 'leaf1')" "cannot reach"
spoiled "no list" '1s/.*/switches: 3/' "spoiled.yaml:1:" "must be a list"
spoiled "broken YAML" '1s/]//' "spoiled.yaml:" "error"
# a ring of switches with GPUs at two of them, as far apart as it takes
chain() {
    echo "switches: [$(seq -s ', ' -f s%g 0 "$1")]"
    echo "cables:"
    for i in $(seq 0 $(($1 - 1))); do echo "  - {from: s$i, to: s$((i + 1))}"; done
    echo "endpoints: [{switch: s0, gpus: 8}, {switch: s1, gpus: 8}, {switch: s$1, gpus: 8}]"
}
chain 28 >chain.yaml
expect 0 "28 cables apart" topo file --nodes 3 -s cluster.network.file=chain.yaml
chain 29 >chain.yaml
expect 3 "29 cables apart" topo file --nodes 3 -s cluster.network.file=chain.yaml
tells "GPU 0 (switch 's0') and GPU 16 (switch 's29') cannot reach each other over at most 28 cables"
mkdir -p beside && chain 3 >beside/net.yaml
printf 'kind: collective\nhardware: h800\ncluster:\n  nodes: 3\n  topology: file\n  network: {file: net.yaml}\ncollective: {gpus: 24}\n' >beside/own.yaml
expect 0 "a network file beside the scenario" run beside/own.yaml -s collective.from="1 KiB" -s collective.to="1 KiB"
printf 'kind: collective\nhardware: h800\ncluster:\n  nodes: 3\n  topology: file\n  network: {file: missing.yaml}\n' >beside/none.yaml
expect 4 "a network file that is nowhere" validate beside/none.yaml
tells "beside/none.yaml:6:19: error: there is no file 'missing.yaml' (cluster.network.file)"

# a non-blocking tree of two spines with bundles of cables
bundled() {
    echo "switches: [leaf0, leaf1, leaf2, leaf3, spine0, spine1]"
    echo "cables:"
    for leaf in 0 1 2 3; do for spine in 0 1; do
        echo "  - {from: leaf$leaf, to: spine$spine, count: 16}"
    done; done
    echo "endpoints: [{switch: leaf0, gpus: 32}, {switch: leaf1, gpus: 32}, {switch: leaf2, gpus: 32}, {switch: leaf3, gpus: 32}]"
}
bundled >bundled.yaml
cat >tree.yaml.run <<'END'
kind: collective
hardware: h800
cluster: {nodes: 16, topology: file, network: {file: bundled.yaml}}
collective: {operation: all_to_all, from: 64 MiB, to: 64 MiB}
END
simulated "a tree from a file" tree.yaml.run
check "a tree from a file: as fast as ft2 (48.4 GB/s)" below 48.3e9 "$(metric largest_busbw)"

expect 4 "a network file that is missing" topo file --nodes 4 -s cluster.network.file=none.yaml
tells "none.yaml"
finish
