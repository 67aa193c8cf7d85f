#!/bin/bash
# moesim topo as a user types it: figures, cost, Table 3, exports, refusals. TAP.
. "$srcdir/tests/cli.sh"
main_job=$srcdir/scenarios/train_replay_h800.yaml

# field FILE PATH...: one value of a JSON file.
field() {
    python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v = v[int(k)] if isinstance(v, list) else v[k]
print(v)' "$@"
}
is() { # TITLE WANTED FILE PATH...
    local title=$1 want=$2 got
    shift 2
    got=$(field "$@" 2>&1)
    if [ "$got" = "$want" ]; then ok "$title"; else not_ok "$title" "got $got, wanted $want"; fi
}

# --- figures ----------------------------------------------------------------------------------------
expect 0 "the paper's MPFT" topo mpft --nodes 2048 --cost
says "Flows of an all-to-all over cables are counted up to 4096 GPUs."
for line in "endpoints                    16,384" "switches                        768" \
    "links                        16,384" "switches_built                  768" \
    "diameter                     2 hops" "radix_max                  64 ports" \
    "bisection_ratio                   1" "upper bound: least maximum flow" "calibrated on Table 3"; do
    says "$line"
done
silent_on_stderr
expect 0 "closed forms only" topo mpft --nodes 2048 --count
check "closed forms only: nothing is measured" bash -c '! grep -q diameter out'
expect 0 "the cluster of a scenario" topo mrft "$main_job"
says "mrft: "
says "8 nodes of 8 GPUs"
expect 0 "a scenario from a pipe, changed" topo mpft /dev/stdin --nodes 3 -s cluster.node.gpus=4 \
    -s cluster.nic.per_node=4 <"$main_job"
says "3 nodes of 4 GPUs"
expect 0 "128-port switches need no second level" topo mpft --nodes 128 -s cluster.network.switch_ports=128
says "links                             0"

expect 0 "as JSON" topo mpft --nodes 128 --cost --format json -o net.json
check "as JSON: nothing on standard output" [ ! -s out ]
if python3 -c '' 2>/dev/null; then
    is "JSON: switches" 48 net.json metrics switches value
    is "JSON: resolved config" 128 net.json scenario cluster nodes
    is "JSON: the method is named" "closed form" net.json metrics links method
    is "JSON: a price" 1590 net.json cost prices optical_cable
    check "JSON: prices have their source" bash -c 'grep -q "\"optical_cable\":.*calibrated" net.json'
else
    skip "JSON fields" "no python3"
fi
"$MOESIM" topo mpft --nodes 128 --cost --format json >again.json
check "the same bytes again" cmp net.json again.json

# Prices are of ports of one bandwidth: what they are not of is said.
check "prices of such ports: no note" bash -c '! grep -q "\"note\"" net.json'
expect 0 "ports that the prices are not of" topo mpft --nodes 128 --cost -s cluster.nic.bandwidth='100 Gb/s'
says "these prices are of ports of 400 Gb/s and are not scaled: ports between switches have 400 Gb/s here, NICs 100 Gb/s"
expect 0 "the same as JSON" topo mpft --nodes 128 --cost -s cluster.network.port_bandwidth='800 Gb/s' --format json
says '"note":'

# --- networks of the paper's references ----------------------------------------------------------------
expect 0 "topologies" list topologies
for name in full_mesh torus dual_plane; do says "$name"; done
one="-s cluster.node.gpus=1 -s cluster.nic.per_node=1"
expect 0 "a full mesh" topo full_mesh --nodes 64 --cost $one -s cluster.network.mesh='4, 4, 4' \
    -s cluster.network.mesh_bandwidth='100 GB/s, 50 GB/s, 25 GB/s'
for line in "switches                          0" "links                           288" "short_links                     192" \
    "nic_cables                        0" "switches_built                    0" "links_built                     288" \
    "diameter                     3 hops  most cables on a shortest way between two GPUs" \
    "bisection              1.55175 TB/s" "network                                                     442,560"; do
    says "$line"
done
silent_on_stderr
expect 0 "a torus" topo torus --nodes 512 --cost $one -s cluster.network.torus=8x8x8
for line in "links                         1,536" "short_links                   1,152" "diameter                    12 hops" \
    "radix_max                   6 ports  in use of the fullest GPU"; do
    says "$line"
done
expect 0 "two planes" topo dual_plane --nodes 128 --cost -s cluster.network.switch_ports=256
for line in "NICs of 2 ports of 25 GB/s" "switches                         24" "nic_cables                    2,048" \
    "planes                            2" "bisection_ratio                   1"; do
    says "$line"
done
for shape in "full_mesh $one -s cluster.network.mesh=4,4" "torus $one -s cluster.network.torus=4x4" "dual_plane"; do
    expect 0 "DOT of ${shape%% *}" topo $shape --nodes 16 --format dot
    says "graph ${shape%% *} {"
    check "DOT of ${shape%% *}: nodes" [ "$(grep -c 'shape=box' out)" = 16 ]
done
expect 0 "DOT of a torus: cables from node to node" topo torus $one --nodes 16 -s cluster.network.torus=4x4 --format dot
check "DOT of a torus: 32 cables" [ "$(grep -c ' -- ' out)" = 32 ]
expect 3 "a torus of nodes of 8" topo torus --nodes 8 -s cluster.network.torus=4x2
tells "every GPU is a node; set cluster.node.gpus and cluster.nic.per_node to 1"
expect 3 "a torus of another size" topo torus $one --nodes 8 -s cluster.network.torus=4x4
tells "-s cluster.network.torus=4x4: error: cluster.network.torus: 4x4 are 16 GPUs, but the cluster has 8"
expect 3 "a NIC in a torus" topo torus $one --nodes 16 -s cluster.network.torus=4x4 -s cluster.nic.bandwidth='100 Gb/s'
tells "'cluster.nic.bandwidth' changes nothing: topology torus has none of it"

# --- keys are their topology's ------------------------------------------------------------------------
foreign() { # TOPOLOGY KEY=VALUE OWNER
    expect 3 "$2 on $1" topo "$1" --nodes 1 -s "cluster.network.$2"
    tells "-s cluster.network.$2: error: 'cluster.network.${2%%=*}' changes nothing: topology $1 does not read it"
    tells "$3"
}
foreign mrft planes=4 mpft
foreign ft2 nic_ports=2 mpft_multiport
foreign mpft slim_fly_q=5 slim_fly
foreign slim_fly dragonfly_groups=3 dragonfly
foreign slim_fly oversubscription=3 "it is of dual_plane, ft2, ft3, mpft, mpft_multiport, mrft"
foreign nvswitch oversubscription=1 "it is of dual_plane, ft2, ft3, mpft, mpft_multiport, mrft"
foreign mpft file=net.yaml file
expect 0 "oversubscription of one switch" topo ft2 --nodes 2 -s cluster.network.oversubscription=3
tells "warning: cluster.network.oversubscription has no effect: one switch holds all 16 endpoints"
tells "from 9 nodes on"
expect 0 "oversubscription of two leaves" topo ft2 --nodes 9 -s cluster.network.oversubscription=3
silent_on_stderr
expect 3 "planes that do not divide" topo mpft -s cluster.network.planes=3
tells "-s cluster.network.planes=3: error: 3 planes do not divide the 8 NICs"
printf 'kind: collective\nhardware: h800\ncluster:\n  nodes: 2\n  topology: mpft\n  network: {planes: 4}\n' >planes.yaml
expect 0 "a key of the file's topology" validate planes.yaml
silent_on_stderr
expect 0 "the file's topology is replaced" validate planes.yaml -s cluster.topology=mrft
tells "planes.yaml:6:21: warning: 'cluster.network.planes' has no effect: topology mrft, which replaces"
expect 3 "a wrong key with the topology that replaces it" validate planes.yaml -s cluster.topology=mrft \
    -s cluster.network.planes=4
tells "changes nothing: topology mrft does not read it"
sed '/topology:/d' planes.yaml >compared.yaml
expect 0 "a topology that is compared reads it" validate compared.yaml -s collective.topologies='mrft, mpft'
silent_on_stderr
expect 0 "cluster.topology beside a list that has it" validate planes.yaml -s collective.topologies='mrft, mpft' -s cluster.topology=mrft
expect 3 "and beside one that has not" validate compared.yaml -s collective.topologies='mrft, mpft' -s cluster.topology=ft2
tells "'cluster.topology' changes nothing: 'collective.topologies' is mrft, mpft"
expect 0 "cluster.nodes beside as many GPUs" validate planes.yaml -s collective.gpus='8, 16'
silent_on_stderr
expect 3 "and beside others" validate planes.yaml -s collective.gpus='8, 16' -s cluster.nodes=4
tells "'cluster.nodes' changes nothing: 'collective.gpus' is 8, 16"
expect 0 "the resolved scenario" validate --print planes.yaml
says "planes: 4"
check "the resolved scenario: no keys of other topologies" bash -c '! grep -q slim_fly_q out'
cp out resolved.yaml
expect 0 "the resolved scenario loads again" validate resolved.yaml
silent_on_stderr

# --- Table 3 ----------------------------------------------------------------------------------------
expect 0 "Table 3" topo --table3
says "Counts are exact and all costs within 1 %."
says "calibrated on this table"
says "q = 28, which is no prime power"
says "511 groups"
silent_on_stderr
expect 0 "Table 3 as JSON" topo --table3 --format json -o table3.json
check "Table 3 as JSON: it holds" grep -q '"holds":.*true' table3.json
sed 's/1590/1900/' "$srcdir/configs/prices.yaml" >dear.yaml
expect 1 "Table 3 with other prices: the answer is no" topo --table3 --prices dear.yaml
says "Counts or costs are off"
expect 0 "the Slim Fly of Table 3 is counted" topo slim_fly --nodes 4116 \
    -s cluster.network.slim_fly_q=28 --count --cost
says "146,059,200"
expect 3 "but it cannot be built" topo slim_fly --nodes 4116 -s cluster.network.slim_fly_q=28
tells "q = 27"
expect 0 "the Dragonfly of Table 3 is built and sampled" topo dragonfly --nodes 32704 \
    -s cluster.network.dragonfly_groups=511
for line in "links_built                 384,272" "diameter                     3 hops" \
    "of 16352 leaf switches: at least this"; do
    says "$line"
done

# --- latency: cables by their lengths, the software path on top ---------------------------------------
latency_of() { # FIGURE ARGUMENTS... -> nanoseconds
    local figure=$1
    shift
    "$MOESIM" topo "$@" --format json | python3 -c '
import json, sys
print(round(json.load(sys.stdin)["metrics"][sys.argv[1]]["value"] * 1e9))' "$figure"
}
longer="-s cluster.network.optical_length=60m"
check "same leaf, cross leaf: Table 5" \
    [ "$(latency_of latency_nearest mpft --nodes 2048) $(latency_of latency_farthest mpft --nodes 2048)" = "2800 3700" ]
check "50 m more of each of two optical cables: 500 ns" [ "$(latency_of latency_farthest mpft --nodes 2048 $longer)" = 4200 ]
check "none of it on the same leaf" [ "$(latency_of latency_nearest mpft --nodes 2048 $longer)" = 2800 ]
check "a proxy on the CPU on top" \
    [ "$(latency_of latency_cpu_proxy mpft --nodes 2048 -s cluster.software.network_step=5us -s cluster.software.message=1us)" = 9700 ]
check "IBGDA on top" \
    [ "$(latency_of latency_ibgda mpft --nodes 2048 -s cluster.software.ibgda_step=1us -s cluster.software.ibgda_message=0s)" = 4700 ]

# --- exports ----------------------------------------------------------------------------------------
expect 0 "DOT of a small network, by the suffix of -o" topo mpft --nodes 4 -o small.dot
check "every node is drawn" grep -q 'label="node 3' small.dot
expect 0 "DOT of a big network" topo mpft --nodes 2048 --format dot
says "condensed: 768 switches as 16 groups"
check "few lines" [ "$(wc -l <out)" -lt 40 ]
expect 0 "DOT of a Dragonfly" topo dragonfly --nodes 1000 -s cluster.network.dragonfly_groups=33 --format dot
says "switches as 33 groups"
says "496 cables inside"
expect 0 "DOT of a Slim Fly, not filled" topo slim_fly --nodes 3645 -s cluster.network.slim_fly_q=27 --format dot
says "condensed: 1458 switches as 54 groups"
expect 0 "DOT of three levels" topo ft3 --nodes 8192 --format dot
says "5120 switches as 129 groups" # 64 pods of leaves, 64 of aggregation switches, the cores
if command -v dot >/dev/null; then
    check "Graphviz reads it" dot -Tplain small.dot
else
    skip "Graphviz reads it" "no dot"
fi

expect 0 "a SimGrid platform" topo mpft --nodes 4 -o platform.xml
if command -v xmllint >/dev/null; then
    check "a SimGrid platform: well-formed" xmllint --nonet --noout platform.xml
else
    skip "a SimGrid platform: well-formed" "no xmllint"
fi
check "a route for every pair" [ "$(grep -c '<route ' platform.xml)" = $((32 * 31)) ]

expect 0 "a plane for htsim" topo mpft --nodes 2048 --format htsim
for line in "Nodes 2048" "Tiers 2" "Podsize 2048" "Downlink_speed_Gbps 400" "Radix_Down 64" "Radix_Up 32"; do
    says "$line"
done
check "no bundles where cables are single" bash -c '! grep -q Bundle out'
expect 0 "bundles for htsim" topo mrft --nodes 64 --format htsim
says "Bundle 4"
check "every rank is a host, once" [ "$(sed -n 's/^#   //p' out | tr ' ' '\n' | sort -n | uniq | wc -l)" = 512 ]
# The checks that htsim makes when it loads the file (FatTreeTopology::set_custom_params), of two tiers.
loads_in_htsim() {
    awk 'NF == 2 && $1 !~ /^#/ { k = tolower($1); if (k == "tier") tier = $2; else v[tier k] = $2 }
         function get(k, dflt) { return k in v ? v[k] : dflt }
         END { nodes = v["nodes"]; down = v["0radix_down"]; up = v["0radix_up"]
               over = get("0oversubscribed", 1); bundle = get("1bundle", 1)
               links = nodes * v["0downlink_speed_gbps"] / (v["1downlink_speed_gbps"] * over)
               aggs = links / (nodes / v["podsize"] * v["1radix_down"])
               exit !(v["tiers"] == 2 && nodes % v["podsize"] == 0 && v["podsize"] % down == 0 &&
                      int(down / up) == over && aggs == int(aggs) && aggs * bundle == up &&
                      v["1radix_down"] % bundle == 0 && up % bundle == 0 &&
                      v["0downlink_latency_ns"] > 0 && v["1downlink_latency_ns"] > 0) }' out
}
for shape in "mpft --nodes 2048" "mpft --nodes 96" "mrft --nodes 64" "mrft --nodes 32" \
    "mpft --nodes 192 -s cluster.network.oversubscription=3" \
    "mpft --nodes 256 -s cluster.network.switch_ports=128"; do
    expect 0 "htsim: $shape" topo $shape --format htsim
    check "htsim would accept $shape" loads_in_htsim
done
expect 0 "three tiers for htsim" topo ft3 --nodes 512 --format htsim
for line in "Nodes 4096" "Tiers 3" "Podsize 1024" "Tier 2" "Bundle 16"; do says "$line"; done
expect 3 "htsim knows fat trees only" topo slim_fly --nodes 100 --format htsim
tells "it is no fat tree"
expect 3 "htsim wants full leaves" topo mpft --nodes 100 --format htsim -o uneven.topo
tells "fill them (--nodes)"
check "htsim wants full leaves: no file" [ ! -e uneven.topo ]

# --- refusals ---------------------------------------------------------------------------------------
refused() { # CODE TITLE WORDS ARGS...
    local code=$1 title=$2 words=$3
    shift 3
    ls -A >before
    expect "$code" "$title" topo "$@"
    tells "$words"
    ls -A >after
    check "$title: no file is left behind" cmp before after
}
touch before after
refused 2 "no topology" "moesim topo mpft --nodes 2048"
refused 2 "an unknown topology" "did you mean 'mpft'?" mptf
refused 2 "an unknown format" "did you mean 'json'?" mpft --format jsn
refused 2 "two scenarios" "one scenario at a time" mpft "$main_job" "$main_job"
refused 2 "cost in a drawing" "--cost is written as text or json" mpft --cost --format dot
refused 2 "a drawing of what is not built" "--count builds nothing" mpft --count --format dot
refused 2 "Table 3 of one topology" "leave out 'mpft'" mpft --table3
refused 2 "Table 3 as a drawing" "text, json or latex" --table3 --format dot
refused 2 "a malformed -s" "KEY=VALUE" mpft -s nodes
refused 3 "an unknown hardware" "did you mean 'h800'?" mpft --hardware h8000
refused 3 "what is down" "shows whole networks" mpft -s cluster.faults.down='link 3'
refused 3 "an unknown key" "did you mean 'cluster.nodes'?" mpft -s cluster.noods=3
refused 3 "no nodes" "cluster.nodes" mpft --nodes 0
refused 3 "a thousand million nodes" "cluster.nodes" mpft --nodes 1000000000
refused 3 "more nodes than two levels reach" "two levels of 64-port switches" mpft --nodes 2049
refused 4 "a scenario that is not there" "No such file" mpft none.yaml
refused 4 "a price list that is not there" "there is no such price list" mpft --cost --prices none.yaml
refused 4 "a folder that is not there" "none/net.json" mpft -o none/net.json
echo 'switch: 5 USD' >bare.yaml
refused 3 "a price without a source" "has no source" mpft --cost --prices bare.yaml
"$MOESIM" topo mpft >/dev/full 2>err
check "a full disk" [ $? = 4 ]
expect 3 "NICs that GPUs cannot share evenly" topo ft3 --nodes 8 -s cluster.nic.per_node=6
tells "-s cluster.nic.per_node=6: error: 6 NICs for 8 GPUs: in topology ft3 GPUs share NICs evenly, or have as many each; write"
tells "'cluster.nic.per_node: 4' or '8', or 'topology: file' with cluster.network.file"
expect 3 "NICs that GPUs cannot have evenly" topo mpft --nodes 8 -s cluster.node.gpus=6
tells "-s cluster.node.gpus=6: error: 8 NICs for 6 GPUs"
tells "'cluster.nic.per_node: 6' or '12'"
expect 3 "torus: more NICs than GPUs" topo torus --nodes 8 -s cluster.node.gpus=1 -s cluster.network.torus=2,2,2
tells "NICs for 1 GPUs: in topology torus GPUs are cabled to each other"
finish
