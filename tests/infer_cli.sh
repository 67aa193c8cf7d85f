#!/bin/bash
# Kind inference: the shipped scenarios in closed form, reruns, bad input. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
value() { # FILE NAME
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["metrics"][sys.argv[2]]["value"])' "$@"
}
within() { # TITLE VALUE WANTED SHARE
    check "$1: $2 is $3 within $4" python3 -c "assert abs($2 / $3 - 1) <= $4"
}
fast="-s sim.network=bound"
small="-s llm.layers=7 -s cluster.nodes=2 -s expert_load.redundant=0 -s inference.decode.batch=16"

expect 0 "EP144 in closed form" run "$S/decode_ep144.yaml" $fast -o a.json --what-if
within "EP144" "$(value a.json tpot)" 0.0522 0.02
within "groups of a token" "$(value a.json groups_per_token)" 3.97 0.005
check "parts sum to the step" python3 -c '
import json
r = json.load(open("a.json"))
total = sum(p["value"] for p in r["breakdown"]) if isinstance(r["breakdown"], list) else sum(p["value"] for p in r["breakdown"].values())
assert abs(total / r["metrics"]["tpot"]["value"] - 1) < 1e-9, total'
check "no time of a bound is negative" python3 -c '
import json
for t in json.load(open("a.json"))["tables"]:
    for row in t["rows"]:
        for name, v in row.items():
            assert not isinstance(v, float) or v >= -1e-9 or "gain" in name or name == "difference", (t["name"], row)'
says "tpot is bound most by"
check "what bounds the step is what gains most, and gains of a per cent are at most a per cent" python3 -c '
import json
r = json.load(open("a.json"))
table = next(t for t in r["tables"] if t["name"] == "what_if")
rows = {row["resource"]: row for row in table["rows"]}
gains = {k: v["gain_of_1_percent"] for k, v in rows.items() if v.get("gain_of_1_percent") is not None}
assert 0.5 < sum(gains.values()) < 1.01 and min(gains.values()) > -1e-9, gains
most = max(gains, key=gains.get)
assert any("tpot is bound most by " + most in n for n in r["notes"]), (most, r["notes"])
assert rows["memory bandwidth"]["gain"] > 0.1 and rows["every rank with the same load"].get("gain_of_1_percent") is None
'
says "tokens per second of one sequence"
check "sizes have four digits" grep -qE "^weights +24\.19 GB " out
check "what nothing is said about has no line" [ -z "$(grep -xE '  [a-z_]+ *' out)" ]
check "nothing is less than nothing" [ -z "$(grep -E ' -0\.0+ %|e-[0-9]+ ps' out)" ]
says "others' measurements"
expect 0 "another model" run "$S/decode_ep144.yaml" $fast -s model=deepseek_v2 -s cluster.nodes=20 -s expert_load.redundant=0
says "are of its own conditions, which 'model' changes, and are left out"
check "nothing is compared" [ -z "$(grep "others' measurements" out)" ]
expect 0 "another context" run "$S/decode_ep144.yaml" $fast -s inference.decode.context=1024
says "which 'inference.decode.context' changes"
expect 0 "EP64: groups are nodes" run "$S/decode_ep144.yaml" $fast -s cluster.nodes=8 -s expert_load.redundant=0 -o n.json
within "nodes of a token" "$(value n.json nodes_per_token)" 3.97 0.005

expect 0 "simulated" run "$S/decode_ep144.yaml" $small -o s.json
expect 0 "again" run "$S/decode_ep144.yaml" $small -o t.json
check "to the byte" cmp s.json t.json
# who looks at single transfers gets them, all others the same step in bundles
for kernel in auto "auto -s cluster.ep_kernel.ordering=fence" "auto -s inference.loopback=true" deepep_low_latency pplx; do
    for more in "" --critical-path; do
        expect 0 "$kernel $more" run "$S/decode_ep144.yaml" $small -s llm.layers=5 -s cluster.ep_kernel.kernel=$kernel $more \
            -o "one$more.json"
    done
    check "$kernel: bundles of transfers are those transfers" python3 -c '
import json
bundles, single = (json.load(open(f))["metrics"] for f in ("one.json", "one--critical-path.json"))
assert bundles == single and bundles["tpot"]["value"] > 0, [m for m in bundles if bundles[m] != single[m]]'
done
expect 0 "another seed" run "$S/decode_ep144.yaml" $small -s sim.seed=2 -o u.json
check "is another draw" [ "$(value s.json tpot)" != "$(value u.json tpot)" ]
expect 0 "explained" run "$S/decode_ep144.yaml" $small --explain tpot
says "exposed dispatch"
says "cluster.chip.memory_bandwidth"
expect 0 "a timeline" run "$S/decode_ep144.yaml" $small --timeline t.json.gz --timeline-ranks 0
expect 2 "nothing simulated, no timeline" run "$S/decode_ep144.yaml" $fast --timeline t.json.gz
tells "nothing was simulated"

expect 0 "EP320 with TP4" run "$S/decode_ep320.yaml" $fast -o e.json
check "TP exchanges cost" grep -q "TP exchanges" out
within "EP320" "$(value e.json tpot)" 0.0367 0.03
expect 0 "EP32 prefill" run "$S/prefill_ep32.yaml" $fast -s inference.prefill.tokens=8192 -o p.json
within "EP32" "$(value p.json ttft)" 1.095 0.03
says "copying SMs"
says "keys into their places"
says "cast of latents"
expect 0 "NVL72" run "$S/decode_nvl72.yaml" $fast
expect 0 "a NIC that its port limits" run "$S/decode_nvl72.yaml" $fast -s cluster.nic.bandwidth='800 Gb/s'
check "what is tried beside it warns of nothing" [ "$(grep -c warning: err)" = 2 ]
expect 0 "a predicted token" run "$S/decode_ep128_profile.yaml" -s inference.simulate_layers=4 -o m.json
check "steps verify and predict, and yield 1.6 tokens" python3 -c '
import json
m = {k: v["value"] for k, v in json.load(open("m.json"))["metrics"].items()}
assert abs(m["tpot"] * 1.6 / m["step_time"] - 1) < 1e-9 and m["tokens_per_step"] == 1.6
assert abs(m["tokens_per_s_gpu"] * m["step_time"] / (128 * 1.6) - 1) < 1e-9
assert 0.015 < m["draft_time"] / m["layers_time"] < 0.04'
within "a combine, as a profile shows it, lasts as long as what computes beside it" "$(value m.json combine_span)" 392e-6 0.02
expect 3 "acceptance of nothing" run "$S/decode_ep128.yaml" $fast -s inference.decode.acceptance=0.5
tells "give inference.decode.extra_tokens"
expect 3 "a key that stands deeper" run "$S/decode_ep144.yaml" -s inference.context=4096
tells "unknown key 'inference.context'; did you mean 'inference.decode.context'?"

# A dense model: a GPU holds an eighth of it and reads that in every step; four exchanges of the group per layer, one
# after the embedding, one before the head, each 7 times its tokens in BF16 through its NVLink.
expect 0 "dense, TP8" run "$S/decode_dense_405b.yaml" -o d.json
expect 0 "dense, in closed form" run "$S/decode_dense_405b.yaml" $fast -o c.json
within "dense: closed form" "$(value c.json tpot)" "$(value d.json tpot)" 0.001
check "dense: memory and exchanges" python3 -c '
import json
r = json.load(open("d.json"))
memory = next(t for t in r["tables"] if t["name"] == "memory")
bytes = {row["what"]: row["bytes"] for row in memory["rows"]}
other = 2 * 128256 * 16384 + (2 * 126 + 1) * 16384 # embedding, head, norms
quantised = 405853388800 - other
wanted = quantised / 8 + 2 * (2 * 128256 * 16384 / 8 + (2 * 126 + 1) * 16384)
assert abs(bytes["weights"] / wanted - 1) < 1e-3, (bytes, wanted)
assert abs(bytes["KV cache"] / (32 * 4097 * 126 * 2 * 8 * 128 * 2 / 8) - 1) < 1e-9, bytes
parts = {p["name"]: p["value"] for p in r["breakdown"]}
exchange = 7 * 4 * 16384 * 2 / 160e9
n = 4 * 126 + 2
assert n * exchange < parts["TP exchanges"] < n * (exchange + 5e-6), (n * exchange, parts)
assert parts["dense"] > 126 * 3 * 16384 * 53248 / 8 / 3.35e12, parts'
expect 0 "dense, two groups" run "$S/decode_dense_405b.yaml" -s model=llama3.1_70b -s inference.tp=4
expect 0 "dense, in BF16" run "$S/decode_dense_405b.yaml" -s model=llama3.1_70b -s inference.tp=8 -s 'llm.weight=2 B' -o w.json
expect 0 "dense, in FP8" run "$S/decode_dense_405b.yaml" -s model=llama3.1_70b -s inference.tp=8 -o v.json
check "networks of wider weights take longer, less than twice as long" python3 -c '
import json
wide, narrow = (next(p["value"] for p in json.load(open(f))["breakdown"] if p["name"] == "dense") for f in ("w.json", "v.json"))
assert 1.3 < wide / narrow < 2, (wide, narrow)'
expect 0 "dense, prefill and decoding apart" run "$S/decode_dense_405b.yaml" -s cluster.nodes=2 -s inference.phase=disaggregated \
    -s inference.prefill.nodes=1 -s inference.prefill.tokens=1024

kv="-s llm.layers=9 -s inference.prefill.tokens=4096 -s inference.decode.batch=16"
for when in none layerwise at_end; do
    expect 0 "caches $when" run "$S/disaggregated.yaml" $kv -s inference.prefill.kv_transfer=$when -o $when.json
done
check "at the end they are waited for" python3 -c "assert $(value at_end.json kv_share_of_ttft) > 0.01"
check "layer by layer hardly" \
    python3 -c "assert $(value layerwise.json kv_exposed) < 0.2 * $(value at_end.json kv_exposed)"
check "a GPU sends what its prompts have" \
    python3 -c "assert $(value at_end.json kv_bytes_gpu) == 9 * 4096 * 1152"
expect 0 "in closed form" run "$S/disaggregated.yaml" $kv $fast -s inference.prefill.kv_transfer=at_end -o b.json
within "closed form of ttft" "$(value b.json ttft)" "$(value at_end.json ttft)" 0.02

# On planes that do not meet, tokens go over NVLink to the GPU on the right plane, which posts them: seven of eight, or
# so, of what goes between nodes; that takes time. One plane is a fat tree.
expect 0 "decoding, rails that meet" run "$S/decode_ep144.yaml" $small -s cluster.topology=mrft -o mrft.json
expect 0 "decoding on planes" run "$S/decode_ep144.yaml" $small -s cluster.topology=mpft -o mpft.json
says "85.0 % of what goes between nodes crosses NVLink to the GPU on its plane first"
check "takes longer" python3 -c "assert 1 < $(value mpft.json tpot) / $(value mrft.json tpot) < 1.01"
check "as a dispatch does: an NVLink hop, the posting" \
    python3 -c "assert 2e-6 < $(value mpft.json dispatch_time) - $(value mrft.json dispatch_time) < 5.33e-6"
expect 0 "decoding on one plane" run "$S/decode_ep144.yaml" $small -s cluster.topology=mpft -s cluster.network.planes=1
check "nothing is forwarded" [ -z "$(grep 'on its plane' out)" ]
expect 0 "free forwarding" run "$S/decode_ep144.yaml" $small -s cluster.topology=mpft -s cluster.ep_kernel.forward_sms=0 -o free.json
check "SMs that forward are missed" python3 -c "assert $(value free.json tpot) < $(value mpft.json tpot)"

# Any kernel exchanges tokens; those with hooks leave SMs alone. NVLink's cannot leave a node.
for kernel in deepep_low_latency pplx uccl deepep_v2; do
    expect 0 "decoding with $kernel" run "$S/decode_ep144.yaml" $small -s cluster.ep_kernel.kernel=$kernel -o $kernel.json
    says "exchanges by $kernel ("
    expect 0 "$kernel in closed form" run "$S/decode_ep144.yaml" $small $fast -s cluster.ep_kernel.kernel=$kernel -o b.json
    within "closed form with $kernel" "$(value b.json tpot)" "$(value $kernel.json tpot)" 0.06
done
expect 0 "prefill with HybridEP" run "$S/prefill_ep32.yaml" $fast -s cluster.ep_kernel.kernel=hybrid_ep -s inference.prefill.tokens=8192
says "exchanges by hybrid_ep (DeepEP's branch hybrid-ep"
expect 3 "NVLink's kernels between nodes" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.kernel=nvlink_one_sided
tells "joins the 8 GPUs of a node"
expect 3 "a format that the kernel does not know" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.dispatch_format=bf16
tells "'cluster.ep_kernel.dispatch_format' changes nothing"
expect 3 "no such format" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.kernel=deepep_v2 -s cluster.ep_kernel.dispatch_format=fp7
tells "there is no format 'fp7'"
expect 3 "a misspelt kernel" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.kernel=deepep_low_latncy
tells "did you mean 'deepep_low_latency'?"
expect 3 "loopback of a kernel with NVLink" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.kernel=deepep_low_latency -s inference.loopback=true
tells "uses NVLink inside a node"

expect 0 "node-limited" run "$S/decode_ep144.yaml" $fast -s cluster.nodes=8 -s expert_load.redundant=0 \
    -s inference.node_limited=true
expect 0 "with copies" run "$S/prefill_ep32.yaml" $fast -s inference.node_limited=true -s expert_load.balance=eplb \
    -s inference.simulate_layers=2
expect 3 "groups that do not match nodes" run "$S/decode_ep144.yaml" -s inference.node_limited=true
tells "8 groups of experts (llm.moe.groups) do not divide among 18 nodes"
expect 3 "copies apart from their groups" run "$S/prefill_ep32.yaml" -s inference.node_limited=true
tells "keeps groups on nodes"
expect 3 "experts that do not divide" run "$S/decode_ep144.yaml" -s expert_load.redundant=33
tells "289 places, which do not divide among 144 GPUs; with expert_load.redundant: 176"
expect 3 "context over capacity" run "$S/decode_ep144.yaml" -s inference.decode.context=9000
tells "decoding does not fit"
tells "the most that fits is"
expect 0 "what is said to fit does" run "$S/decode_ep144.yaml" $fast -s inference.decode.context=9000 \
    -s inference.decode.batch="$(sed -n 's/.*the most that fits is //p' err | head -n 1)"
expect 3 "an odd batch" run "$S/decode_ep144.yaml" -s inference.decode.batch=87
tells "do not divide into two micro-batches"
expect 3 "TP and heads" run "$S/decode_ep144.yaml" -s inference.tp=3
tells "cannot divide 128 heads"
expect 3 "TP and nodes" run "$S/decode_ep144.yaml" -s inference.tp=16
tells "do not divide a node of 8"
expect 3 "prompts that do not divide" run "$S/decode_ep144.yaml" -s inference.phase=prefill -s inference.prefill.tokens=5000
tells "prompts of 4096 new positions"
expect 3 "a network that cannot" run "$S/decode_ep144.yaml" $small -s sim.network=packet
tells "-s sim.network=packet: error: network 'packet' cannot give transfers unequal weights; use 'flow'"
expect 3 "a dense model" run "$S/decode_ep144.yaml" -s model=llama3.1_70b
tells "has no experts whose exchanges could be hidden; write 'inference.overlap: none'"
tells "has no experts to copy"
expect 3 "a network that its group cannot divide" run "$S/decode_dense_405b.yaml" -s llm.dense_ffn=53252
tells "8 GPUs cannot divide a network of 53252"
expect 3 "more experts on a GPU than are simulated" run "$S/decode_ep144.yaml" -s cluster.nodes=1 -s llm.moe.routed=40000 \
    -s llm.moe.ffn=64 -s expert_load.redundant=0
tells "a GPU would hold 5000 experts of a layer (40000 places on 8 GPUs); at most 4096 are simulated"
expect 3 "multicast, which nobody counts here" run "$S/decode_ep144.yaml" -s cluster.ep_kernel.multicast=both
tells "kind inference does not count which tokens go to several places together"
expect 3 "shared places" run "$S/decode_ep144.yaml" -s inference.shared_replicas=32 -s expert_load.redundant=144
tells "leave a GPU with routed and shared ones"
expect 3 "phases without nodes" run "$S/decode_ep144.yaml" -s inference.phase=disaggregated -s inference.prefill.nodes=18
tells "need nodes of their own"
blocks=("$S/decode_ep144.yaml" -s llm.layers=20 -s cluster.nodes=2 -s expert_load.redundant=0 -s inference.decode.batch=16
    -s inference.simulate_layers=0)
expect 0 "layers in three runs" run "${blocks[@]}" -s inference.layer_blocks=3 -o three.json
says "3 runs side by side (inference.layer_blocks)"
check "on one processor" taskset -c 0 "$MOESIM" run "${blocks[@]}" -s inference.layer_blocks=3 -o again.json
check "the same, byte by byte" cmp three.json again.json
refused_blocks() {
    expect 3 "$1" run "${blocks[@]}" -s inference.layer_blocks="$2" "${@:4}"
    tells "$3"
}
refused_blocks "too many" 9 "17 layers with experts are simulated, which make 3 blocks at most"
refused_blocks "of the closed form" 2 "simulates no run that could be divided" -s sim.network=bound
refused_blocks "of layers that are alike" 2 "are alike, and few are simulated" -s inference.routing=balanced
refused_blocks "of layers of two kinds" 2 "layers of several kinds in turn" -s llm.attention_pattern='window attention' \
    -s llm.blocks.window.window=256
expect 3 "one layer" run "$S/decode_ep144.yaml" -s inference.simulate_layers=1
tells "give 2 at least"
expect 3 "no such overlap" run "$S/decode_ep144.yaml" -s inference.overlap=triple
finish
