#!/bin/bash
# Kind train_step: each mechanism of a training step matters, in the direction and by about as much as theory says. TAP.
. "$srcdir/tests/cli.sh"
D=$srcdir/scenarios/train_step_dense_70b.yaml X=$srcdir/scenarios/mlperf_v6/gb200_512.yaml

# Interleaving, LLaMA 3.1 70B on 4 pipeline ranks of 20 layers: a rank idles (PP - 1) (F + B) of chunks, V times shorter.
dense=(-s train.pp=4 -s train.sequences=512 -s cluster.chip.memory=1TB -s cluster.network.routing.policy=spray
       -s train.software=megatron -s train.messages=hidden -s train.jitter.gpu_cv=0 -s train.without=messages)
expect 0 "1F1B" run "$D" "${dense[@]}" -s train.layers='20,20,20,20' -o v1.json
expect 0 "interleaved, 2 stages a rank" run "$D" "${dense[@]}" -s train.schedule=interleaved -s train.virtual_stages=2 -s train.layers="10,10,10,10,10,10,10,10" -o v2.json
expect 0 "interleaved, 5 stages a rank" run "$D" "${dense[@]}" -s train.schedule=interleaved -s train.virtual_stages=5 -s train.layers="4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4" -o v5.json
check "the bubble shrinks by the number of stages a rank" python3 -c '
import json
d = {v: json.load(open(f"v{v}.json")) for v in (1, 2, 5)}
step = {v: d[v]["metrics"]["step_time"]["value"] for v in d}
formula = {v: d[v]["metrics"]["bubble_formula"]["value"] for v in d}
assert abs(formula[1] / formula[2] - 2) < 0.02 and abs(formula[1] / formula[5] - 5) < 0.1, formula
for v in (2, 5):
    saved = formula[1] * (1 - 1 / v)
    assert abs((step[1] - step[v]) / saved - 1) < 0.25, (step, formula)'

# Overlap of exchanges: 8 layers of DeepSeek-V3 on 128 GB200, 2 pipeline ranks of 2 stages.
moe=(-s cluster.nodes=2 -s train.pp=2 -s train.virtual_stages=2 -s llm.layers=8 -s llm.dense_layers=0 -s llm.mtp_layers=0 -s 'train.layout=Et*2|(t*2|)*2t*2L'
     -s train.sequences=1536 -s train.chunks.samples=1 -s train.jitter.gpu_cv=0 -s train.tp=1 -s train.without=messages)
expect 0 "exchanges beside the other direction" run "$X" "${moe[@]}" -o pairs.json
expect 0 "exchanges alone" run "$X" "${moe[@]}" -s train.schedule=interleaved -o alone.json
check "pairs save what forward and backward chunks expose, on the busiest rank, and so the step" python3 -c '
import json
a, b = (json.load(open(f)) for f in ("pairs.json", "alone.json"))
table = lambda d, n: [t["rows"] for t in d["tables"] if t["name"] == n][0]
chunk = lambda d, k, s: [r["time"] for r in table(d, "chunks") if (r["chunk"], r["stages"]) == (k, s)][0]
busy = lambda d: max(r["f_time"] + r["b_time"] + r["fb_time"] for r in table(d, "ranks"))
saved = chunk(b, "F", "2") + chunk(b, "B", "2") - chunk(a, "F&B", "2, 2")
assert saved > 0.1 * chunk(a, "F&B", "2, 2")
micro_batches, modules = 24, 2
assert abs((busy(b) - busy(a)) / (micro_batches * modules * saved) - 1) < 0.35
assert abs((b["metrics"]["step_time"]["value"] - a["metrics"]["step_time"]["value"]) / (busy(b) - busy(a)) - 1) < 0.2'
expect 0 "gradients of weights at once" run "$X" "${moe[@]}" -s train.schedule=interleaved -s train.delay_weights=false -o once.json
check "delayed ones hide an exchange a layer in backward chunks, and nothing in forward ones" python3 -c '
import json
a, b = ({(r["chunk"], r["stages"]): r for r in [t["rows"] for t in json.load(open(f))["tables"] if t["name"] == "chunks"][0]}
        for f in ("alone.json", "once.json"))
forward, backward = a["F", "2"], b["B", "2"]
exchange = (forward["time"] - forward["compute"]) / 2 / 2 # two layers with a dispatch and a combine each
grew = backward["time"] - a["B", "2"]["time"]
assert b["F", "2"]["time"] == forward["time"] and 0.5 < grew / (2 * exchange) < 2, (grew, exchange)'
check "and so does the busiest rank, for each of its backward chunks, and the step" python3 -c '
import json
a, b = (json.load(open(f)) for f in ("alone.json", "once.json"))
table = lambda d, n: [t["rows"] for t in d["tables"] if t["name"] == n][0]
chunk = lambda d, s: [r["time"] for r in table(d, "chunks") if (r["chunk"], r["stages"]) == ("B", s)][0]
grew = sum(chunk(b, s) - chunk(a, s) for s in ("2", "3")) # stages 1, like 2, and 3 are the last rank
step = b["metrics"]["step_time"]["value"] - a["metrics"]["step_time"]["value"]
assert abs(step / (24 * grew) - 1) < 0.1, (step, grew)'

# Data parallelism: with V stages a rank only the last stage to be done is exposed, where the others hide behind chunks.
for r in end overlap; do
    expect 0 "gradients reduced: $r" run "$D" "${dense[@]}" -s train.without=nothing -s train.schedule=interleaved -s train.virtual_stages=5 -s train.data_parallel.reduce=$r -o dp_$r.json
done
check "one of five stages is exposed" python3 -c '
import json
part = lambda f: [p["value"] for p in json.load(open(f))["breakdown"] if p["name"] == "reduce_gradients"][0]
end, overlap = part("dp_end.json"), part("dp_overlap.json")
assert 0.15 < overlap / end < 0.35, (end, overlap)
step = lambda f: json.load(open(f))["metrics"]["step_time"]["value"]
assert abs((step("dp_end.json") - step("dp_overlap.json")) / (end - overlap) - 1) < 0.25'

# Tensor parallelism halves what a GPU computes and adds exchanges.
expect 0 "TP 2" run "$X" "${moe[@]}" -s train.tp=2 -o tp2.json
check "half the computation, and what it exposes" python3 -c '
import json
part = lambda f: {p["name"]: p["value"] for p in json.load(open(f))["breakdown"]}
a, b = part("pairs.json"), part("tp2.json")
assert a["exposed_tensor"] == 0 < b["exposed_tensor"]
assert abs(b["compute"] / a["compute"] - 1) < 0.2, (a, b) # half as much, twice as often: half as many pipelines'
finish
