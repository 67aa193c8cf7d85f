#!/bin/bash
# Proposals as a user types them: list, run --proposal, moesim proposals, and what is refused. TAP.
. "$srcdir/tests/cli.sh"
exchange=$srcdir/scenarios/proposals/exchange.yaml
decode=$srcdir/scenarios/proposals/exchange_decode.yaml

# value METRIC of the JSON result on standard output of: moesim run --json ARGS...
value() {
    local metric=$1
    shift
    "$MOESIM" run --json "$@" | python3 -c "import json,sys; print(json.load(sys.stdin)['metrics']['$metric']['value'])"
}
rising() { # numbers, each larger than the one before
    python3 -c 'import sys; x = list(map(float, sys.argv[1:])); sys.exit(not all(a < b for a, b in zip(x, x[1:])))' "$@"
}

# --- list ---------------------------------------------------------------------------------------------
expect 0 "list proposals" list proposals
says "node_limited "
says "(paper 4.3, rewrite)"
says "    nodes=4  nodes whose experts a token may choose (M)"
says "    for scenarios of kind inference moe_exchange serving speculative train_replay train_step"

# --- without a proposal nothing changes; with one, what it says ----------------------------------
expect 3 "one that changes a codec that is not used has no effect" run "$exchange" --proposal combine_format:format=bf16
tells "--proposal combine_format:format=bf16: error: proposal combine_format has no effect here: without it every number"
tells "nothing in this scenario depends on cluster.ep_kernel.combine_format, cluster.ep_kernel.codec"
expect 3 "nor has one of normal kernels where there are low-latency ones only" run "$decode" --proposal hardware_forwarding
expect 3 "of two, the one without effect is named" run "$exchange" \
    -s 'proposals=sm_offload:tasks=forwarding; combine_format:format=bf16'
tells "proposal combine_format has no effect here"
tells "nothing in this scenario, beside the other proposals, depends on cluster.ep_kernel.combine_format"
expect 0 "run --proposal" run "$exchange" --proposal node_limited:nodes=2 --json
says '"node_limited:nodes=2"'
says '"moe.routing.groups_per_token":	"proposal node_limited (paper 4.3)"'
expect 0 "text names it" run "$exchange" --proposal node_limited:nodes=2
says "with proposals: node_limited:nodes=2"
expect 0 "a proposal that changes nothing says so" run "$exchange" --proposal node_limited:nodes=4
tells "warning: proposal node_limited changes nothing"

# --- the key `proposals`, and what --print makes of it -------------------------------------------------------
expect 0 "key proposals" run "$exchange" -s proposals='node_limited:nodes=2; sm_offload:tasks=forwarding'
says "with proposals: node_limited:nodes=2; sm_offload:tasks=forwarding"
"$MOESIM" validate --print "$exchange" --proposal node_limited:nodes=2 >printed.yaml
check "--print has it, with its origin" grep -q 'groups_per_token: {value: 2, source: "proposal node_limited' printed.yaml
"$MOESIM" run "$exchange" --proposal node_limited:nodes=2 | grep ^normal_ >one
"$MOESIM" run printed.yaml | grep ^normal_ >two
check "and runs as with the proposal" cmp one two

# --- bad input ----------------------------------------------------------------------------------------
expect 3 "unknown proposal" run "$exchange" --proposal node_limitd
tells "there is no proposal 'node_limitd'; did you mean 'node_limited'? ('moesim list proposals' lists them)"
tells "    --proposal node_limitd"
expect 3 "two proposals in one option" run "$exchange" --proposal 'roce;node_limited'
tells "write --proposal for each"
expect 3 "unknown parameter" run "$exchange" --proposal node_limited:node=3
tells "unknown key 'node'; did you mean 'nodes'?"
expect 3 "a parameter that is nothing like one" run "$exchange" --proposal node_limited:m=3
tells "unknown key 'm'; the only key is 'nodes'"
expect 3 "parameter out of its range" run "$exchange" --proposal node_limited:nodes=65
tells "nodes: '65' is out of range; allowed is 1 to 64"
tells "                                  ^"
expect 3 "parameter without a unit" run "$exchange" --proposal co_processor:rate=40
expect 3 "no parameter" run "$exchange" --proposal node_limited:3
tells "'3' is no parameter; write node_limited:nodes=VALUE"
expect 3 "no such task" run "$exchange" --proposal sm_offload:tasks=reduce+cooking
tells "'cooking' is no task; write for example tasks=forwarding+reduce"
expect 3 "no such format" run "$exchange" --proposal combine_format:format=logfmt17
tells "LogFMT has 4 to 16 bits, not 17"
expect 3 "given twice" run "$exchange" --proposal sm_cost --proposal sm_cost:sms=4
tells "proposal sm_cost is given twice"
expect 3 "contradicts another" run "$exchange" --proposal roce --proposal low_latency_roce
tells "proposal low_latency_roce: it sets cluster.network.switch_latency to 400 ns, but roce set it to 950 ns; they contradict each other"
expect 3 "in the wrong order" run "$decode" --proposal co_packaged_optics --proposal low_latency_roce:switch_latency='0.3 us'
tells "undoes what co_packaged_optics did to it; give low_latency_roce first"
expect 0 "in the right one" run "$decode" --proposal low_latency_roce:switch_latency='0.3 us' --proposal co_packaged_optics
expect 3 "contradicts -s" run "$exchange" --proposal sm_cost:sms=4 -s cluster.ep_kernel.sms=8
tells "it sets cluster.ep_kernel.sms to 4, but '-s cluster.ep_kernel.sms=8' gives it too; leave one of them out"
expect 3 "no number" run "$exchange" --proposal node_limited:nodes=nan
tells "'nan'"
expect 3 "an infinite quantity" run "$exchange" --proposal co_processor:rate='inf GB/s'
tells "'inf GB/s'"
expect 3 "not for this kind" run "$srcdir/scenarios/fig6_latency_16gpu.yaml" --proposal node_limited
tells "it changes nothing in a scenario of kind collective; scenarios of these kinds consume it: inference moe_exchange serving speculative train_replay train_step"
packets="-s sim.network=packet -s collective.topologies= -s cluster.topology=mpft -s collective.from=256KiB -s collective.to=256KiB"
expect 3 "queues need packets" run "$srcdir/scenarios/fig6_latency_16gpu.yaml" --proposal link_layer_retry
tells "queues and packets are simulated by network 'packet' only; give '-s sim.network=packet'"
expect 0 "which any small scenario can be simulated in" run "$srcdir/scenarios/fig6_latency_16gpu.yaml" $packets \
    -s cluster.packet.loss=1e-4 --proposal link_layer_retry
expect 3 "what does not fit the scenario is told at the proposal" run "$srcdir/scenarios/train_replay_h800.yaml" \
    --proposal node_limited:nodes=9
tells "replay.routing.groups_per_token is 9 but there are 8 groups"
tells "    --proposal node_limited:nodes=9"
expect 3 "bad proposal in a file" run "$exchange" -s proposals='node_limited; nonsense'
tells "there is no proposal 'nonsense'"

# --- monotonic in the parameter --------------------------------------------------------------------------
times=$(for m in 1 2 3 4 6 8; do value normal_dispatch_time "$exchange" --proposal node_limited:nodes=$m 2>/dev/null; done)
check "a dispatch takes the longer the more nodes a token goes to" rising $times
times=$(for f in logfmt8 logfmt10 e5m6 bf16; do
    value low_latency_combine_time "$decode" --proposal combine_format:format=$f 2>/dev/null; done)
check "a combine takes the longer the more bits a value has" rising $times
times=$(for r in 45 35 25 15; do value normal_combine_time "$exchange" --proposal co_processor:rate="$r GB/s"; done)
check "a slower co-processor takes longer" rising $times
fused=$(value low_latency_combine_time "$decode" --proposal combine_format:codec=sm)
plain=$(value low_latency_combine_time "$decode")
check "LogFMT on SMs loses what it saves" rising "$plain" "$fused"

# --- expert traffic beside KV caches --------------------------------------------------------------------------
kv=$srcdir/scenarios/kv_contention.yaml
within() { python3 -c 'import sys; lo, x, hi = map(float, sys.argv[1:]); sys.exit(not lo <= x <= hi)' "$@"; }
ratio() { python3 -c 'import sys; print(float(sys.argv[1]) / float(sys.argv[2]))' "$@"; }
check "caches delay dispatches" within 1.5 "$(value spike "$kv")" 4
for cure in traffic_priority nic_io_die cpu_gpu_nvlink; do
    check "$cure: no spike" within 1 "$(value spike "$kv" --proposal $cure)" 1.1
done
expect 0 "KV caches on another chip" run "$kv" -s hardware=h200
says "computation does not depend on the chip: a layer computes 480 us before its dispatch (kv.attention)"
says "here an H800's: give what kind inference finds for the H200"
expect 0 "with its own times" run "$kv" -s hardware=h200 -s kv.attention='400 us' -s kv.expert_time='120 us'
check "which are not an H800's" bash -c '! grep -q "here an H800" out'
tp="-s inference.tp=4 -s inference.simulate_layers=2 -s inference.prefill.prompt=1024 -s inference.prefill.tokens=2048"
prefill=$srcdir/scenarios/prefill_ep32.yaml
check "tensor parallelism before experts on NVLink: a step is shorter, the other way round it is not" rising \
    "$(value tokens_per_s_gpu "$prefill" $tp --proposal traffic_priority:tensor=1)" "$(value tokens_per_s_gpu "$prefill" $tp)" \
    "$(value tokens_per_s_gpu "$prefill" $tp --proposal traffic_priority:expert=1)"
check "nothing to share: nothing slower" within 0.9999999 "$(value step_slower "$kv" -s kv.load='0 B/s')" 1.0000001
check "more caches, slower layers" rising $(for load in 5 10 20 40; do
    value step_slower "$kv" -s kv.load="$load GB/s"; done)
check "more DRAM, more caches" rising $(for d in 200 300 400; do
    value cache_bandwidth "$kv" -s kv.load='200 GB/s' --proposal cpu_dram:bandwidth="$d GB/s"; done)
expect 3 "PCIe has not that much latency" run "$kv" --proposal nic_io_die:saved='5 us'
tells "it saves 5 us of a NIC's latency of 1.19 us"

# --- switches that copy and add up --------------------------------------------------------------------------
both="-s moe.normal.both=true -s cluster.ep_kernel.sms=0"
alone=$(value normal_both_time "$exchange" $both)
one=$(value normal_both_time "$exchange" $both --proposal in_network:reduction=none)
two=$(value normal_both_time "$exchange" $both --proposal in_network)
check "a multicast alone gains nothing where dispatch and combine meet" within 0.99 "$(ratio "$one" "$alone")" 1.01
check "with a reduction it does" within 0.7 "$(ratio "$two" "$alone")" 0.8
expect 3 "not with another network model" run "$exchange" --proposal in_network -s sim.network=bound
tells "network 'bound' cannot multicast"
expect 3 "not for inference" run "$srcdir/scenarios/decode_ep144.yaml" -s cluster.ep_kernel.multicast=both
tells "kind inference does not count which tokens go to several places together"

expect 0 "the groups of a large training step are small enough" validate "$srcdir/scenarios/train_step_2048.yaml" \
    -s cluster.ep_kernel.multicast=both
expect 3 "larger groups are not" validate "$exchange" -s cluster.ep_kernel.multicast=both -s cluster.nodes=128
tells "in-network multicast and reduction are for 64 nodes of 64 GPUs at most"

# --- never a silent no-op: kernels that the scenario does not run ------------------------------------------------
for p in co_processor sm_cost sm_offload hardware_sync; do
    expect 3 "decoding has no use for $p" run "$srcdir/scenarios/decode_ep144.yaml" --proposal $p
    tells "it is about DeepEP's normal kernels"
done
for p in co_processor hardware_forwarding in_network unified_adapter; do
    expect 3 "low-latency kernels have no use for $p" run "$decode" --proposal $p
    tells "it is about DeepEP's normal kernels"
done
expect 3 "normal kernels do not post by themselves" run "$exchange" --proposal ibgda
tells "it is about DeepEP's low-latency kernels"
expect 3 "prefill neither" run "$srcdir/scenarios/prefill_ep32.yaml" --proposal region_acquire_release
tells "it is about DeepEP's low-latency kernels"

expect 3 "flags in order need no fences" run "$decode" --proposal region_acquire_release
tells "flags follow their data in order here"
expect 3 "PXN leaves nothing to forward" run "$srcdir/scenarios/fig5_alltoall_mpft_mrft.yaml" --proposal unified_adapter
tells "give '-s collective.pxn=false'"

# --- failures -------------------------------------------------------------------------------------------------------
failing="$srcdir/scenarios/reliability_2048.yaml -s reliability.gpus=16384 -s reliability.replicas=4"
expect 3 "computing twice is not 2 %" run $failing -s reliability.detection=redundancy
tells "redundancy computes everything twice, which takes 100 % more time at least, not 2 %"
check "redundancy halves what is done, whatever it catches" rising \
    "$(value goodput $failing -s reliability.detection=redundancy -s reliability.overhead='100 %')" 0.5 "$(value goodput $failing)"

# --- memory beyond what SMs load; own time of low-latency kernels -------------------------------------------------
replay=$srcdir/scenarios/train_replay_h800.yaml
check "recorded kernels, too, load no more than SMs can" within 1 "$(ratio \
    "$(value makespan "$replay" -s cluster.chip.memory_bandwidth='20 TB/s')" \
    "$(value makespan "$replay" -s cluster.chip.memory_bandwidth='80 TB/s')")" 1
check "kernels of fewer tokens and faster memory take less beside caches, too" rising $(for m in 13.4 6.7 3.35; do
    value step_time "$kv" -s kv.load='0 B/s' -s kv.tokens=32 -s cluster.chip.memory_bandwidth="$m TB/s"; done)

# --- moesim proposals -----------------------------------------------------------------------------------------
expect 0 "some proposals" proposals node_limited sm_offload
says "node_limited "
says "unvalidated"
expect 0 "as JSON" proposals node_limited -f json
check "JSON has a gain" python3 -c 'import json; assert json.load(open("out"))["proposals"][0]["gain"] > 1.1'
expect 0 "as CSV" proposals ibgda -f csv
says "name,arguments,section,mechanism,metric,unit,without,with,gain,"
expect 2 "unknown" proposals ibgd
tells "there is no proposal 'ibgd'; did you mean 'ibgda'?"
expect 2 "unknown format" proposals -f xml
"$MOESIM" proposals -j 1 ibgda sm_cost roce >one
"$MOESIM" proposals -j 3 ibgda sm_cost roce >three
check "the number of workers changes nothing" cmp one three
"$MOESIM" proposals -f markdown >all.md
"$MOESIM" proposals -f json >all.json
check "a gain that is the ratio of two values of a key says that it is no result, and no other does" python3 - "$MOESIM" <<'P'
import json, re, subprocess, sys
def run(*a):
    return subprocess.run([sys.argv[1], *a], stdout=subprocess.PIPE, text=True).stdout
def numbers(text):
    key = r":\s*(?:\{value:\s*)?\"?([-+]?[0-9][0-9.e+-]*)\s*([A-Za-z/%]*)"
    path, found = [], {} # by dotted key: a proposal that changes the topology changes which keys there are
    for line in text.splitlines():
        word = re.match(r"( *)([a-z0-9_]+):", line)
        if word:
            path = path[:len(word[1]) // 2] + [word[2]]
            found[".".join(path)] = re.search(key, line.split("#")[0])
    return found
trials, seen = json.load(open("all.json"))["proposals"], 0
for t in trials:
    was = run("validate", "--print", t["scenario"], *(x for s in t["set"] for x in ("-s", s))).replace("command line: -s ", "by hand: ")
    open("echo.yaml", "w").write(was)
    now = run("validate", "--print", "echo.yaml", "--proposal", t["name"] + (t["arguments"] and ":" + t["arguments"]))
    was, now = numbers(was), numbers(now)
    assert len(was) > 10 and len(now) > 10, t["name"]
    both = [(was[k], now[k]) for k in was if k in now]
    pairs = [(a, b) for a, b in both if a and b and a[2] == b[2] and a[1] != b[1]]
    ratios = [float(a[1]) / float(b[1]) for a, b in pairs if float(a[1]) and float(b[1])]
    seen += len(ratios)
    echo = any(abs(r / t["gain"] - 1) < 1e-3 or abs(r * t["gain"] - 1) < 1e-3 for r in ratios)
    assert echo == ("no result" in t["validation"]), (t["name"], t["gain"], ratios)
assert seen > 10
P
check "doc/PROPOSALS.md is current ('moesim proposals -f markdown -o doc/PROPOSALS.md')" \
    diff all.md "$srcdir/doc/PROPOSALS.md"
check "every proposal changes its metric" python3 - <<'P'
rows = [line.split(" | ") for line in open("all.md") if line.startswith("| `")]
same = [r[0] for r in rows if r[4] == r[5]]
assert len(rows) > 10 and not same, same
P

# --- what a run waits for ------------------------------------------------------------------------------------
expect 0 "critical path" run "$exchange" --critical-path
says "critical_path: what the run waited for"
says "sm forwarder"
finish
