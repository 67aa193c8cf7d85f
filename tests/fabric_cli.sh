#!/bin/bash
# moesim fabric: what operators' files say of a network; a fabric that ibsim simulates and OpenSM routes comes back with the
# same switches, cables and loads; faults show; files that are cut off or of two fabrics are told. TAP.
. "$srcdir/tests/cli.sh"
net=$srcdir/configs/networks
one="-s cluster.node.gpus=1 -s cluster.nic.per_node=1"

# --- the shipped example -------------------------------------------------------------------------------------------
expect 0 "info" fabric info "$net/ibnetdiscover.txt" "$net/lfts.txt"
says "4 switches, 8 cables between them; 4 hosts with 8 NICs (2 a host)"
says "1 cables between switches and 0 of NICs have 2 GB/s"
says "tables of all 4 switches"
silent_on_stderr
expect 0 "tables are missing" fabric info "$net/ibnetdiscover.txt"
says "tables of the switches are missing: routes are computed"
awk '/^Unicast/ { n++ } n < 4' "$net/lfts.txt" >some.txt
expect 0 "one table is missing" fabric import "$net/ibnetdiscover.txt" some.txt -o some.yaml
check "one table is missing: said, and none is taken over" bash -c \
    'grep -q "tables are missing of 1 of 4 switches" some.yaml && ! grep -q routes: some.yaml'
expect 0 "import" fabric import "$net/ibnetdiscover.txt" "$net/lfts.txt" -o net.yaml --gpus 4
check "import: a degraded cable stays so" grep -q 'from: "leaf1", to: "spine1", from_port: 8, to_port: 4, bandwidth: 2 GB/s' net.yaml
check "import: hosts in order of their numbers" bash -c 'grep name: net.yaml | tr -d "\n" | grep -q "node1.*node2.*node3.*node10"'
check "import: GPUs share NICs" grep -qF 'gpus: [0, 0, 1, 1]' net.yaml
awk '/^Switch/ { n++; print; id = sprintf("H-00000000003%05d", n)
        printf "[36]\t\"%s\"[1](%s) \t\t# \"Mellanox Technologies Aggregation Node\" lid %d 4xHDR\n", id, substr(id, 3), 40 + n
        last = last sprintf("\ncaguid=0x%s\nCa\t1 \"%s\"\t\t# \"Mellanox Technologies Aggregation Node\"\n[1](%s) \t%s[36]\t\t# lid %d lmc 0 \"x\" lid 1 4xHDR\n",
            substr(id, 3), id, substr(id, 3), $3, 40 + n); next }
    { print } END { print last }' "$net/ibnetdiscover.txt" >sharp.txt
expect 0 "aggregation nodes of switches" fabric import sharp.txt "$net/lfts.txt" -o sharp.yaml --gpus 4
tells "4 aggregation nodes of switches (SHARP) are left out"
check "aggregation nodes of switches are no hosts and no cables" bash -c \
    'diff <(grep -v "are left out" sharp.yaml) net.yaml'
expect 0 "import, compressed, the same" fabric import "$net/ibnetdiscover.txt" "$net/lfts.txt" -o net.yaml.gz --gpus 4
check "import, compressed, the same bytes" bash -c 'gzip -dc net.yaml.gz | cmp - net.yaml'
expect 2 "GPUs that cannot share NICs evenly" fabric import "$net/ibnetdiscover.txt" "$net/lfts.txt" -o odd.yaml --gpus 3
tells "3 GPUs cannot share the 2 NICs of a host evenly; write --gpus 4"
expect 2 "NICs of a format that says them" fabric import "$net/ibnetdiscover.txt" -o odd.yaml --nics 2
tells "--nics is about formats that do not say it (Slurm's), and this is InfiniBand topology"
expect 2 "cables of a format that says them" fabric info "$net/ibnetdiscover.txt" --cables full
sed '0,/^0x0007 006/s//0x0007 039/' "$net/lfts.txt" >wrong.txt
expect 3 "tables with a port that has no cable" fabric import "$net/ibnetdiscover.txt" wrong.txt -o odd.yaml
tells "wrong.txt:"
tells "by port 39, which has no cable in the fabric"
check "nothing is written of these" [ ! -e odd.yaml ]
shared="-s cluster.network.file=net.yaml -s cluster.node.gpus=4 -s cluster.nic.per_node=2"
expect 0 "as a network" topo file --nodes 4 $shared
says "endpoints                        16  GPUs"
says "nic_cables                        8  cables between NICs and switches"
says "8 NICs of the network's for 16 GPUs; a GPU uses up to 1"
says "narrowest: leaf1 to spine1"
says "of the file: switches of 4 to 8 ports in use, cables between them of 2 GB/s to 25 GB/s, cables of NICs of 25 GB/s"
says "over NIC, 3 switch(es), NIC ["
check "nothing of the cluster's ports or of Table 5's switches" bash -c '! grep -qE "64-port|50 GB/s per port|leaf\)|of 64" out'
expect 3 "NICs of a node" topo file --nodes 4 -s cluster.network.file=net.yaml -s cluster.node.gpus=4 -s cluster.nic.per_node=4
tells "nodes have 2 NICs here, and cluster.nic.per_node is 4; write cluster.nic.per_node: 2"
expect 3 "GPUs of a node" topo file --nodes 4 -s cluster.network.file=net.yaml -s cluster.nic.per_node=2
tells "host 'node1' has 4 GPUs and cluster.node.gpus is 8"

# --- host files ------------------------------------------------------------------------------------------------------
expect 3 "more hosts than nodes" topo file --nodes 2 $shared
tells "4 hosts stand here, and the cluster has 2 nodes; write cluster.nodes: 4, or name those of the job in a file"
printf '# the job\nnode3 slots=4\nnode1:4\n' >job.hosts
expect 0 "a job on two hosts" topo file --nodes 2 $shared -s cluster.network.hosts=job.hosts
says "endpoints                         8  GPUs"
says "nic_cables                        4"
printf 'node[1,3]\n' >job.hosts
expect 0 "Slurm's brackets" topo file --nodes 2 $shared -s cluster.network.hosts=job.hosts
printf 'node1\nnode1\nnode1\nnode1\nnode3\nnode3\nnode3\nnode3\n' >job.hosts
expect 0 "a line for each rank" topo file --nodes 2 $shared -s cluster.network.hosts=job.hosts
wrong_hosts() { # TITLE TEXT MESSAGE
    printf "$2" >job.hosts
    expect 3 "$1" topo file --nodes 2 $shared -s cluster.network.hosts=job.hosts
    tells "$3"
}
wrong_hosts "an unknown host" 'node1\nnode9\n' "job.hosts:2:1: error: the network (net.yaml) has no host 'node9'"
wrong_hosts "a host twice" 'node1\nnode2\nnode1\n' "job.hosts:3:1: error: host 'node1' stands here again"
wrong_hosts "ranks without a GPU" 'node1 slots=8\nnode2\n' "host 'node1' has 8 ranks here, and a node has 4 GPUs"
wrong_hosts "slots that are no number" 'node1 slots=x\nnode2\n' "job.hosts:1:1: error: 'x' is no number of ranks"
wrong_hosts "slots of nothing" 'node1:0\nnode2\n' "'0' is no number of ranks"
wrong_hosts "too few" 'node1\n' "1 hosts stand here, and the cluster has 2 nodes"
wrong_hosts "brackets" 'node[1\n' "a bracket is not closed, or empty"

# --- the inside of nodes; other networks --------------------------------------------------------------------------------
data=$srcdir/tests/data/fabric
for inside in node.nccl.xml node.hwloc.xml node.topo.txt; do
    expect 0 "$inside" fabric import "$net/ibnetdiscover.txt" "$data/$inside" -o inside.yaml
    check "$inside: the nearest NIC" [ "$(grep -cF 'gpus: [1, 1, 0, 0]' inside.yaml)" = 4 ]
done
sed 's/mlx5_1/mlx5_7/' "$data/node.nccl.xml" >other.xml
expect 3 "another kind of node" fabric import "$net/ibnetdiscover.txt" other.xml -o new.yaml
tells "the node that this file describes has no NIC 'mlx5_1'"
expect 3 "another kind of node, without a file to write" fabric info "$net/ibnetdiscover.txt" other.xml
tells "other.xml: error: the node that this file describes has no NIC 'mlx5_1', which host 'node1' of the fabric has"
expect 0 "what the inside of nodes says" fabric info "$net/ibnetdiscover.txt" "$data/node.topo.txt"
says "4 GPUs, 2 NICs; GPUs use NICs [1, 1, 0, 0] of 'node1'"
expect 3 "two kinds of node" fabric info "$net/ibnetdiscover.txt" "$data/node.nccl.xml" "$data/node.topo.txt"
tells "a second file of the inside of nodes"
expect 3 "Slurm does not say" fabric info "$data/topology.conf"
tells "fabric.yaml', or --cables full for as many as NICs hang below"
python3 - >doubling.conf <<'P'
for level in range(40):
    for s in "ab":
        print(f"SwitchName={s}{level} Switches=a{level + 1},b{level + 1}")
for s in "ab":
    print(f"SwitchName={s}40 Nodes={s}n[1-4]")
P
expect 3 "a few lines that mean millions of cables" fabric info --cables full doubling.conf
tells "doubling.conf:2:1: error: these are more than 4194304 cables; give --cables N"
expect 0 "Slurm's topology.conf" fabric info --cables full "$data/topology.conf"
says "7 switches, 32 cables between them; 16 hosts with 16 NICs (1 a host)"
says "Slurm says neither how many cables a link is"
says "LinkSpeed= is left out"
printf 'SwitchName=a Nodes=a[1-40]\nSwitchName=b Nodes=b[1-20]\nSwitchName=c Switches=a,b\n' >ports.conf
expect 0 "a switch of more ports than usual" fabric import --cables 40 ports.conf -o ports.yaml
check "a switch of more ports than usual: the head says so" grep -q "network: {file: THIS, switch_ports: 80}" ports.yaml
check "switches of usual ports: the head does not" bash -c '! grep -q switch_ports net.yaml'
expect 0 "as the head says" topo file --nodes 60 -s cluster.network.file=ports.yaml -s cluster.network.switch_ports=80 $one
expect 0 "Slurm's topology.yaml" fabric info --cables 2 --nics 2 "$data/topology.yaml"
says "3 switches, 4 cables between them; 8 hosts with 16 NICs (2 a host)"
printf 'SwitchName=a Switches=b\nSwitchName=b Switches=a\n' >circle.conf
expect 3 "Slurm: a circle" fabric info --cables 1 circle.conf
tells "hangs below itself"
sed '/^SwitchName=leaf3/d' "$data/topology.conf" >cut.conf
expect 3 "Slurm: cut off" fabric info --cables 2 cut.conf
tells "cut.conf:4:"
tells "switch 'leaf3' is named here, below 'agg1', and defined nowhere"
sed '/switch: leaf1/,$d' "$data/topology.yaml" >cut.yaml
expect 3 "Slurm's topology.yaml: cut off" fabric info --cables 2 cut.yaml
tells "switch 'leaf1' is named here, below 'spine', and defined nowhere"
expect 3 "import of Slurm's" import "$data/topology.conf"
tells "'moesim fabric import --cables N $data/topology.conf -o fabric.yaml'"
expect 0 "InfraGraph" fabric import "$data/infragraph.yaml" -o infra.yaml
check "InfraGraph: rates, hosts, GPUs" bash -c \
    'grep -q "leaf1.*spine0.*50 GB/s" infra.yaml && [ $(grep -cF "gpus: [0, 0, 1, 1]" infra.yaml) = 4 ]'
sed "s/'nic\[0:2\]'/'nic[:]'/" "$data/infragraph.yaml" >slices.yaml
expect 0 "InfraGraph: all of a component" fabric import slices.yaml -o slices.out.yaml
check "InfraGraph: all of a component is as many as the device has" bash -c \
    'diff <(grep -v "^#" infra.yaml) <(grep -v "^#" slices.out.yaml)'
sed "s/count: 4}/count: 60000}/; s/nic, count: 2/nic, count: 60000/; s/host\[0:2\]/host[:]/; s/component: 'nic\[0:2\]'/component: 'nic[0:60000]'/; s/one2one/many2many/" "$data/infragraph.yaml" >huge.yaml
expect 3 "InfraGraph: one line that means millions of cables" fabric info huge.yaml
tells "this edge is more than 4194304 cables"
expect 0 "InfraGraph as a network" topo file --nodes 4 -s cluster.network.file=infra.yaml -s cluster.node.gpus=4 -s cluster.nic.per_node=2
says "links                             4"
sed 's/one2one/any2any/' "$data/infragraph.yaml" >scheme.yaml
expect 3 "InfraGraph: a scheme" fabric info scheme.yaml
tells "scheme 'any2any'; one2one and many2many are known"
infra_like() { # NAME SED TITLE: the network of infragraph.yaml, written in another way
    sed "$2" "$data/infragraph.yaml" >"$1.yaml"
    expect 0 "InfraGraph: $3" fabric import "$1.yaml" -o "$1.out.yaml"
    check "InfraGraph: $3, the same network" diff <(grep -v "^#" infra.yaml) <(grep -v "^#" "$1.out.yaml")
}
infra_like bare "s/'nic\[0:2\]'/nic/; s/'leaf\[:\]'/leaf/; s/'spine\[:\]'/spine/" "a bare name is all"
infra_like short "s/'nic\[0:2\]'/nic/; s/'port\[0:4\]'/port/" "one2one up to the shorter side"
expect 0 "InfraGraph: what one2one leaves over" fabric info short.yaml
says "24 ends are left over, the first in line 22"
infra_like steps "s/'nic\[0:2\]'/'nic[0:2:1]'/; s/'port\[0:4\]'/'port[0:8:2]'/" "slices with steps"
awk '/^devices:/ { print; print "  - {name: board, components: [{name: nic, count: 1, choice: nic}, {name: gpu, count: 2, choice: npu}]}"; next }
    { sub(/name: xpu, count: 4, choice: xpu/, "name: board, count: 2, choice: device"); gsub(/nic\[0:2\]/, "board[0:2].nic[0]"); print }' \
    "$data/infragraph.yaml" | sed '/name: nic, count: 2/d' >inner.yaml
expect 0 "InfraGraph: devices in devices" fabric import inner.yaml -o inner.out.yaml
check "InfraGraph: devices in devices, their NICs and GPUs" diff <(grep -v "^#" infra.yaml) <(grep -v "^#" inner.out.yaml)
infra_wrong() { # SED LINE MESSAGE
    sed "$1" "$data/infragraph.yaml" >wrong.yaml
    expect 3 "InfraGraph: $3" fabric info wrong.yaml
    tells "wrong.yaml:$2:"
    tells "$3"
}
infra_wrong "s/'nic\[0:2\]'/eth/" 22 "device 'server' has no component 'eth' but: xpu, nic"
infra_wrong "s/'nic\[0:2\]'/'nic[2]'/" 22 "nic[2]: there are 2, from 0 to 1"
infra_wrong "s/host\[2:4\]/host[2:6]/" 26 "host[5]: there are 4, from 0 to 3"
infra_wrong "s/link: far/link: fra/" 33 "there is no link 'fra' among 'links'"
infra_wrong "s/spine\[:\]/core[:]/" 31 "there is no instance 'core'"
infra_wrong "s/nic\[0:2\]/nic[0:2:1:1]/" 22 "a slice is written [3], [0:4], [0:8:2] or [:]"
sed '26,$d' "$data/infragraph.yaml" >cut.yaml
expect 0 "InfraGraph: instances without an edge" fabric info cut.yaml
says "no edge joins 2 of the 4 instances of 'host', from host2 on: they are left out"
says "no edge joins 1 of the 2 instances of 'leaf', from leaf1 on: they are left out"
sed '/^edges:/,$d' "$data/infragraph.yaml" >connections.yaml
printf 'connections:\n  - host.0.nic.1.near.leaf.0.port.2\n  - leaf.0.port.3.far.spine.0.port.20\n' >>connections.yaml
expect 3 "InfraGraph: a connection of a port that is not there" fabric info connections.yaml
tells "connections.yaml:23:"
tells "port[20]: there are 16, from 0 to 15"
expect 0 "import finds out what files are" import "$net/ibnetdiscover.txt" "$net/lfts.txt"
says "4 switches, 8 cables between them"
expect 3 "import of two things" import "$net/ibnetdiscover.txt" "$srcdir/tests/data/tiny_kineto.json"
tells "files that belong together are of one thing"
printf '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa">]><system version="1"><cpu><gpu dev="&a;"/></cpu></system>' >bomb.xml
printf '{"system": "<system", "cpu": "<cpu"}' >json.xml
printf '<system version="1"><cpu numaid="0"><gpu dev="0"/>' >open.xml
for bad in bomb json open; do
    expect 3 "a damaged XML ($bad)" fabric info "$net/ibnetdiscover.txt" $bad.xml
    tells "$bad.xml:1:"
done

# --- damaged and mixed files --------------------------------------------------------------------------------------------
refused() { # TITLE MESSAGE FILE...
    local title=$1 message=$2
    shift 2
    expect 3 "$title" fabric import "$@" -o new.yaml
    tells "$message"
    check "$title: no file is left behind" [ ! -e new.yaml ]
}
sed '/^Ca/,$d' "$net/ibnetdiscover.txt" >cut.txt
refused "cut off" "of which nothing stands in the file: it was cut off" cut.txt
refused "no network" "none of the files says what the network is" "$net/lfts.txt"
tells "tables of switches"
expect 3 "import of the inside of a node" import "$data/node.nccl.xml"
tells "the inside of a node, and none of the files says what the network is"
tells "'moesim fabric import NETWORK $data/node.nccl.xml -o fabric.yaml'"
sed 's/guid 0x0000000000200001/guid 0x0000000000209901/' "$net/lfts.txt" >other.txt
refused "tables of another fabric" "a table of switch 0x0000000000209901, which the fabric has not" "$net/ibnetdiscover.txt" other.txt
sed "s/'node1 mlx5_0'/'node7 mlx5_0'/" "$net/lfts.txt" >other.txt
refused "tables of another time" "is 'node7 mlx5_0' here and 'node1 mlx5_0' in the fabric" "$net/ibnetdiscover.txt" other.txt
head -n 20 "$net/lfts.txt" >cut.txt
refused "a table cut off" "cut.txt:17:1: error: the table of switch 'spine1' was cut off" "$net/ibnetdiscover.txt" cut.txt
sed 16d "$net/lfts.txt" >cut.txt
refused "a table without its end" "cut.txt:1:1: error: the table of switch 'leaf1' was cut off" "$net/ibnetdiscover.txt" cut.txt
sed 25d "$net/lfts.txt" >cut.txt
refused "a table that lacks a line" "cut.txt:30:1: error: the table of switch 'spine1' was cut off: it had 11 entries, and 10" "$net/ibnetdiscover.txt" cut.txt
sed -n '/^Unicast/ { s/.*guid \(0x[0-9a-f]*\).*/osm_ucast_mgr_dump_ucast_routes: Switch \1/; p }; /^0x/p' "$net/lfts.txt" >fdbs.txt
expect 0 "tables of a format whose tables have no end" fabric info "$net/ibnetdiscover.txt" fdbs.txt
says "tables of all 4 switches"
awk '/Switch 0x/ { at = $NF } !(at ~ /200000$/ && /^0x0009/)' fdbs.txt >nowhere.txt
expect 0 "tables that lead nowhere" fabric import "$net/ibnetdiscover.txt" nowhere.txt -o nowhere.yaml
tells "the tables lead nowhere or in a circle on 1 ways from a switch with hosts to a NIC (the first: from 'leaf0' to 'node3 mlx5_0')"
awk '/Switch 0x/ { at = $NF } at ~ /200002$/ { sub(/^0x0009 003/, "0x0009 001") } { print }' fdbs.txt >circle.txt
expect 0 "tables in a circle" fabric info "$net/ibnetdiscover.txt" circle.txt
says "the tables lead nowhere or in a circle on 1 ways"
refused "two fabrics" "stands here a second time" "$net/ibnetdiscover.txt" "$net/ibnetdiscover.txt"
sed 's/^\[6\]\t"S-0000000000200002"\[4\]/[6]\t"S-0000000000200002"[3]/' "$net/ibnetdiscover.txt" >wrong.txt
refused "cables that contradict" "is cabled to" wrong.txt
for second in topology.conf topology.yaml infragraph.yaml; do
    refused "two networks ($second)" "$second: error: a second network" --cables 2 "$net/ibnetdiscover.txt" "$data/$second"
    tells "the first is in '$net/ibnetdiscover.txt'"
    refused "two networks ($second first)" "ibnetdiscover.txt: error: a second network" --cables 2 "$data/$second" "$net/ibnetdiscover.txt"
    refused "two networks of one format ($second)" "$second: error: a second network" --cables 2 "$data/$second" "$data/$second"
done
sed -E 's/"([HS])-00/"\1-0a/g; s/(caguid|switchguid)=0x([0-9a-f]+)\(.*/\1=0xa0000\2(a0000\2)/; s/\]\(([0-9a-f]+)\)/](a0000\1)/
    s/lid ([0-9])/lid 30\1/g; s/mlx5_0/mlx5_8/; s/mlx5_1/mlx5_9/' "$net/ibnetdiscover.txt" >plane.txt
expect 0 "two planes of one network" fabric info "$net/ibnetdiscover.txt" plane.txt
says "8 switches, 16 cables between them; 4 hosts with 16 NICs (4 a host)"
refused "a trace" "this is no part of a fabric but Kineto" "$srcdir/tests/data/tiny_kineto.json"
refused "what it is nobody knows" "none of the formats of fabrics" "$srcdir/COPYING"
awk '/switch: "spine0", to/ { sub(/to: "[^"]*"/, "to: \"1 1 1 1 1 1 1 1\"") } { print }' net.yaml >loop.yaml
expect 3 "tables that lead in a circle" topo file --nodes 4 -s cluster.network.file=loop.yaml -s cluster.node.gpus=4 -s cluster.nic.per_node=2
tells "the tables ('routes') lead"

# --- policies by the names of OpenSM's engines ---------------------------------------------------------------------
opensm="-s cluster.network.routing.policy=opensm"
expect 0 "minhop on three levels" topo ft3 --nodes 128 $one -s cluster.network.switch_ports=8 $opensm-minhop
says "all_to_all_most           448 flows"
says "all_to_all_mean      188.8000 flows"
expect 0 "dfsssp on three levels" topo ft3 --nodes 128 $one -s cluster.network.switch_ports=8 $opensm-dfsssp
says "all_to_all_most           208 flows"
expect 3 "updn without a root" topo slim_fly --nodes 200 $one $opensm-updn
tells "OpenSM's updn finds no root in this network"
expect 3 "ftree on what is no tree" topo slim_fly --nodes 200 $one $opensm-ftree
tells "OpenSM's ftree refuses this network"
expect 3 "no switches" topo torus --nodes 64 $one -s cluster.network.torus=4x4x4 $opensm-minhop
tells "topology torus has no switches that OpenSM could route"

# --- OpenSM on ibsim ------------------------------------------------------------------------------------------------------
libs=$(ls -d /usr/lib/*/umad2sim/libumad2sim.so 2>/dev/null | head -n 1)
PATH=$PATH:/usr/sbin:/sbin
opensm_routes() { # FILE.ibsim ENGINE: fabric.txt and lfts.txt of it
    rm -f neighbors guid2lid
    export IBSIM_SOCKNAME=moesim-$$ OSM_TMP_DIR=$PWD OSM_CACHE_DIR=$PWD SIM_HOST="n0 mlx5_0"
    ibsim -s "$1" < <(sleep 60) >ibsim.log 2>&1 &
    local sim=$! try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.2
        LD_PRELOAD=$libs timeout 30 opensm -R "$2" -o -f osm.log -D 0x43 >osm.out 2>&1 && break
    done
    LD_PRELOAD=$libs ibnetdiscover >fabric.txt 2>>osm.out
    mv opensm-lfts.dump lfts.txt
    kill $sim
    wait $sim 2>/dev/null
}
same_as_built() { # NAME ENGINE TOPOLOGY ARGS...
    local name=$1 engine=$2 type=$3 gpus
    shift 3
    "$MOESIM" topo $type "$@" --format ibsim -o net.ibsim
    opensm_routes net.ibsim "$engine"
    gpus=$(printf '%s\n' "$@" | sed -n 's/cluster.node.gpus=//p')
    expect 0 "$name by $engine" fabric import fabric.txt lfts.txt -o "$name.yaml" --gpus "$gpus"
    rates="-s cluster.network.port_bandwidth=1GB/s -s cluster.nic.bandwidth=1GB/s"
    "$MOESIM" topo $type "$@" $rates 2>err | grep -E '^(switches|links|nic_cables|radix|diameter|mean_path|all_to_all_m)' | sed 's/, of .*//' >built
    "$MOESIM" topo file "$@" $rates -s cluster.network.file="$name.yaml" 2>>err |
        grep -E '^(switches|links|nic_cables|radix|diameter|mean_path|all_to_all_m)' >read
    check "$name by $engine: counts and loads" diff built read
}
if [ -z "$libs" ] || ! command -v opensm ibsim ibnetdiscover >/dev/null; then
    skip "fabrics of ibsim" "no opensm, ibsim-utils, infiniband-diags"
else
    same_as_built ft2 ftree ft2 --nodes 128 $one -s cluster.network.switch_ports=16
    same_as_built ft3 ftree ft3 --nodes 128 $one -s cluster.network.switch_ports=8
    same_as_built slim_fly minhop slim_fly --nodes 200 $one
    same_as_built mrft ftree mrft --nodes 32 -s cluster.node.gpus=4 -s cluster.nic.per_node=4 -s cluster.network.switch_ports=16
    # engines by name: the loads that walking OpenSM's tables gives; on the built-in network and on the imported one
    same_loads() { # ENGINE TOPOLOGY ARGS...
        local engine=$1 type=$2 policy="-s cluster.network.routing.policy=opensm-$1"
        shift 2
        "$MOESIM" topo $type "$@" --format ibsim -o net.ibsim
        opensm_routes net.ibsim "$engine"
        "$MOESIM" fabric import fabric.txt lfts.txt -o net.yaml --gpus 1
        "$MOESIM" topo file "$@" -s cluster.network.file=net.yaml | grep all_to_all_m >theirs
        "$MOESIM" topo $type "$@" $policy | grep all_to_all_m >ours
        "$MOESIM" topo file "$@" -s cluster.network.file=net.yaml $policy | grep all_to_all_m >again
        check "$engine on $type: OpenSM's loads" bash -c 'grep -q flows theirs && diff theirs ours && diff theirs again'
    }
    same_loads minhop ft3 --nodes 128 $one -s cluster.network.switch_ports=8
    check "minhop: up to four times what ftree loads" grep -qE 'all_to_all_most +448 flows' ours
    same_loads updn ft3 --nodes 128 $one -s cluster.network.switch_ports=8
    same_loads dfsssp ft3 --nodes 128 $one -s cluster.network.switch_ports=8
    same_loads ftree ft3 --nodes 128 $one -s cluster.network.switch_ports=8
    same_loads minhop slim_fly --nodes 200 $one
    same_loads dfsssp slim_fly --nodes 200 $one
    same_loads minhop dragonfly --nodes 144 $one -s cluster.network.switch_ports=11
    # two faults, made by hand
    same_as_built ft2 ftree ft2 --nodes 128 $one -s cluster.network.switch_ports=16
    cp ft2.yaml whole.yaml
    "$MOESIM" run "$srcdir/scenarios/fig5_alltoall_mpft_mrft.yaml" $one -s cluster.network.switch_ports=16 \
        -s collective.topologies='ft2, file' -s cluster.network.file=whole.yaml -s collective.gpus=128 -s collective.group=128 \
        -s collective.group_stride=1 -s collective.pxn=false -s collective.algorithm=direct -s collective.from='1 MiB' \
        -s collective.to='1 MiB' -s cluster.network.port_bandwidth='1 GB/s' -s cluster.nic.bandwidth='1 GB/s' --json >a.json 2>err
    check "all-to-all takes as long as on the topology that was simulated" bash -c \
        'grep -A1 network_difference_any_size a.json | grep -q "\"value\":.0,"'
    awk '/^Switch|^Hca/ { at = $3 } !((at == "\"S0\"" && /"S16"/) || (at == "\"S16\"" && /"S0"/))' net.ibsim >missing.ibsim
    opensm_routes missing.ibsim ftree
    expect 0 "a missing cable" fabric import fabric.txt lfts.txt -o missing.yaml --gpus 1
    "$MOESIM" topo file --nodes 128 $one -s cluster.network.file=missing.yaml $rates >out
    says "links                           127"
    says "all_to_all_most           240 flows"
    check "a missing cable: hurts at its leaf" grep -qE 'narrowest: (S0 to S[0-9]+|S[0-9]+ to S0) ' out
    opensm_routes net.ibsim ftree
    awk '/^(Switch|Ca)/ { match($0, /# "[^"]*"/); at = substr($0, RSTART + 3, RLENGTH - 4) }
        at == "S3" && /# "S18"/ || at == "S18" && /# "S3"/ { sub(/4xSDR/, "1xSDR") } { print }' fabric.txt >slow.txt
    expect 0 "a slow cable" fabric import slow.txt lfts.txt -o slow.yaml --gpus 1
    "$MOESIM" topo file --nodes 128 $one -s cluster.network.file=slow.yaml $rates >out
    says "all_to_all_most           120 flows"
    check "a slow cable: hurts there" grep -qE 'narrowest: (S3 to S18|S18 to S3) ' out
fi
# A host of no job on a spine: its few flows hardly count against the spine's cables.
cat >storage.yaml <<EOF
switches: [l0, l1, s0, s1]
cables:
  - {from: l0, to: s0, count: 4, bandwidth: 50 GB/s}
  - {from: l0, to: s1, count: 4, bandwidth: 50 GB/s}
  - {from: l1, to: s0, count: 4, bandwidth: 50 GB/s}
  - {from: l1, to: s1, count: 4, bandwidth: 50 GB/s}
hosts:
  - {name: n0, nics: [{switch: l0}, {switch: l0}, {switch: l0}, {switch: l0}]}
  - {name: n1, nics: [{switch: l0}, {switch: l0}, {switch: l0}, {switch: l0}]}
  - {name: n2, nics: [{switch: l1}, {switch: l1}, {switch: l1}, {switch: l1}]}
  - {name: n3, nics: [{switch: l1}, {switch: l1}, {switch: l1}, {switch: l1}]}
  - {name: storage, nics: [{switch: s0}], gpus: [0, 0, 0, 0]}
EOF
echo 'n[0-3]' >storage.hosts
expect 0 "storage on a spine" topo file --nodes 4 -s cluster.network.file=storage.yaml -s cluster.network.hosts=storage.hosts -s cluster.node.gpus=4 -s cluster.nic.per_node=4
says "all_to_all_most             8 flows"

finish
