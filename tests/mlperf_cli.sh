#!/bin/bash
# scenarios/mlperf_v6: the given rows of MLPerf Training v6.0 within what is claimed, sums, timelines, refusals. TAP.
. "$srcdir/tests/cli.sh"
M=$srcdir/scenarios/mlperf_v6
for row in 'gb300_256 39.07 0.04' 'gb200_512 30.70 0.04' 'gb200_2048 9.07 0.04' 'llama405b_gb300_512 9.58 0.06' 'llama405b_gb300_4096 1.752 0.06'; do
    set -- $row
    expect 0 "$1" run "$M/$1.yaml" -s train.chunks.samples=1 -o "$1.json"
    check "published: $2 s" python3 -c '
import json, sys
d = json.load(open(sys.argv[1] + ".json"))
step = d["metrics"]["step_time"]["value"]
assert abs(step / float(sys.argv[2]) - 1) < float(sys.argv[3]), step
assert abs(sum(p["value"] for p in d["breakdown"]) / step - 1) < 1e-9' "$@"
done
# The evaluation of 1,024 sequences behind each step: published 1.30 to 1.59 s; its chunks 18.3 ms, at which nothing but a layer's
# kernels and exchanges is at work, and no operand is cast by columns.
expect 0 "evaluation" run "$M/gb300_256.yaml" -s train.chunks.samples=1 -s train.sequences=1024 -s train.without=backward -o eval.json
check "a chunk within 5 %; forward chunks only, shorter than a training's" python3 -c '
import json
d, t = json.load(open("eval.json")), json.load(open("gb300_256.json"))
table = lambda x, n: [a["rows"] for a in x["tables"] if a["name"] == n][0]
chunk = lambda x: [r["time"] for r in table(x, "chunks") if (r["chunk"], r["stages"]) == ("F", "4")][0]
step = d["metrics"]["step_time"]["value"]
assert 1.23 < step < 1.59, step
assert {r["chunk"] for r in table(d, "chunks")} == {"F"} and "tokens_per_day" not in d["metrics"]
assert 0.97 * chunk(t) < chunk(d) < 0.99 * chunk(t) and abs(chunk(d) / 18.3e-3 - 1) < 0.05, (chunk(d), chunk(t))
assert abs(sum(p["value"] for p in d["breakdown"]) / step - 1) < 1e-9'
for f in "$M"/*.yaml; do
    expect 0 "valid: ${f##*/}" validate "$f"
done
expect 0 "timeline" run "$M/gb200_4096.yaml" -s train.chunks.samples=1 -s train.sequences=4096 --timeline t.json --timeline-ranks 0,1152,2304,3456
check "shows a rank of each stage, with chunks, reductions and gathers" python3 -c '
import json
e = json.load(open("t.json"))["traceEvents"]
for gpu in (0, 1152, 2304, 3456):
    names = {x["name"] for x in e if x["pid"] == gpu and x["ph"] in "Xb"}
    assert any(n.startswith("F ") for n in names) and {"reduce gradients", "gather parameters", "optimizer"} <= names, (gpu, names)'
refuse() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$M/gb300_8192.yaml" "$@"
    tells "$text"
}
refuse "fewer micro-batches than ranks" "micro-batches" -s train.sequences=4096
refuse "no multiple" "a multiple of 4 micro-batches, not 6" -s train.sequences=12288
refuse "layers that do not sum up" "layers" -s 'train.layout=Et*4|(t*4|)*13t*3|tmL'
refuse "groups larger than what is used of a rack" "neither whole nodes nor a part of one" -s train.ep=128 -s train.placement.gpus_of_node=48 -s cluster.nodes=512
refuse "memory" "it has 100.0 GB (cluster.chip.memory)" -s cluster.chip.memory='100 GB'
tells "'train.recompute"
finish
