#!/bin/bash
# Kind train_step: how layers are dealt to stages where the scenario does not say, and that no faster hardware makes a step
# longer by it. TAP.
. "$srcdir/tests/cli.sh"
K=$srcdir/scenarios/train_step_2048_kernels.yaml D=$srcdir/scenarios/train_step_dense_70b.yaml
moe=(-s train.topologies= -s cluster.nodes=4 -s train.layers= -s train.pp=4 -s train.ep=8 -s train.sequences=128 -s llm.layers=16
     -s llm.moe.routed=64 -s llm.moe.groups=1 -s llm.moe.top_groups=1 -s train.chunks.samples=1 -s train.compare=none)
dense=(-s train.pp=8 -s cluster.nodes=8 -s llm.layers=21 -s train.sequences=128)

flips=(-s train.schedule=1f1b -s cluster.chip.bf16='1448 TFLOPS') # where two layouts are about as good
expect 0 "layers dealt" run "$K" "${moe[@]}" "${flips[@]}" -o chosen.json
says "layers of each stage: 5, 5, 4, 2, the best of"
says "'train.layers' keeps it"
expect 0 "by hand" run "$K" "${moe[@]}" "${flips[@]}" -s train.layers='5, 5, 4, 2' -o same.json
expect 0 "by hand, otherwise" run "$K" "${moe[@]}" "${flips[@]}" -s train.layers='5, 5, 5, 1' -o other.json
check "the layout taken gives the step by hand; so do those that were simulated, and they are longer" python3 -c '
import json
d, same, other = (json.load(open(f + ".json")) for f in ("chosen", "same", "other"))
rows = [t["rows"] for t in d["tables"] if t["name"] == "layouts"][0]
ways = {r["layers"]: r for r in rows}
assert d["metrics"] == same["metrics"]
assert "layouts" not in {t["name"] for t in same["tables"]}
assert ways["5, 5, 4, 2"]["step_time"] == d["metrics"]["step_time"]["value"] and ways["5, 5, 4, 2"]["note"] == "taken"
assert ways["5, 5, 5, 1"]["step_time"] == other["metrics"]["step_time"]["value"] > d["metrics"]["step_time"]["value"]
busiest = [r["busiest"] for r in rows]
assert busiest == sorted(busiest) and all(("step_time" in r) == (r["busiest"] < 1.1 * busiest[0]) for r in rows)'
expect 0 "with little memory" run "$D" "${dense[@]}" -s cluster.chip.memory='50 GB' -o small.json
expect 0 "with more" run "$D" "${dense[@]}" -s cluster.chip.memory='60 GB' -o large.json
check "what does not fit is not taken; more memory never makes a step longer" python3 -c '
import json
small, large = (json.load(open(f + ".json")) for f in ("small", "large"))
m = lambda d, k: d["metrics"][k]["value"]
assert m(small, "memory") <= 50e9 and m(large, "step_time") <= m(small, "step_time"), (m(small, "memory"), m(large, "memory"))'
expect 0 "what if" run "$D" "${dense[@]}" --what-if -o if.json
says "what if: all with 'train.layers="
check "doubling keeps the layout" python3 -c '
import json, re, subprocess
d = json.load(open("if.json"))
note = [n for n in d["notes"] if n.startswith("what if: all with")][0]
assert "as this run chose it" in note and re.search(r"train.layers=[0-9, ]+", note)'

# Every rate of the hardware 10 % higher, one at a time, over what a switch of layouts lies in.
rates=(cluster.chip.bf16=989TFLOPS cluster.chip.fp8=1979TFLOPS cluster.chip.memory_bandwidth=3.35TB/s
       cluster.node.nvlink_bandwidth=200GB/s cluster.nic.bandwidth=50GB/s)
faster() { # RATE POWER: KEY=VALUE, 1.1^POWER times
    python3 -c '
import re, sys
key, number, unit = re.match(r"(.*=)([\d.]+)(.*)", sys.argv[1]).groups()
print(f"{key}{float(number) * 1.1 ** int(sys.argv[2]):.6g}{unit}")' "$@"
}
steps() { # NAME SCENARIO ARGS...: runs it as it is and with each rate raised
    local name=$1
    shift
    expect 0 "$name" run "$@" -o "$name-base.json"
    for rate in "${rates[@]}"; do
        expect 0 "$name with more than $rate" run "$@" -s "$(faster "$rate" 1)" -o "$name-${rate%=*}.json"
    done
}
port=(-s cluster.network.port_bandwidth=60GB/s) # wide enough for all NICs
steps 1f1b "$K" "${moe[@]}" "${port[@]}" -s train.schedule=1f1b
steps dualpipe "$K" "${moe[@]}" "${port[@]}" -s train.schedule=dualpipe -s train.sequences=256
steps dense "$D" "${dense[@]}" "${port[@]}"
check "no rate lengthens a step" python3 -c '
import glob, json
step = lambda f: json.load(open(f))["metrics"]["step_time"]["value"]
for name in ("1f1b", "dualpipe", "dense"):
    faster = [f for f in glob.glob(name + "-*.json") if "base" not in f]
    assert len(faster) == 5
    for f in faster:
        assert step(f) <= 1.001 * step(name + "-base.json"), f'
for k in 3 4 5; do
    expect 0 "BF16, 1.1^$k" run "$K" "${moe[@]}" -s train.schedule=1f1b -s "$(faster cluster.chip.bf16=989TFLOPS $k)" -o "bf16-$k.json"
done
check "nor does a switch to another layout" python3 -c '
import json
d = [json.load(open(f"bf16-{k}.json")) for k in (3, 4, 5)]
taken = [[r["layers"] for t in x["tables"] if t["name"] == "layouts" for r in t["rows"] if r["note"] == "taken"][0] for x in d]
step = [x["metrics"]["step_time"]["value"] for x in d]
assert taken[0] == "5, 5, 5, 1" != taken[1] and step[0] > step[1] > step[2], (taken, step)'
finish
