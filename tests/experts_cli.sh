#!/bin/bash
# Experts of unequal load: kind expert_balance, skew in kind moe_exchange, files of loads, refusals. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
value() { # FILE NAME
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["metrics"][sys.argv[2]]["value"])' "$@"
}
less() { # TITLE A B
    check "$1: $2 < $3" python3 -c "assert $2 < $3"
}

expect 0 "EP144" run "$S/eplb_decode_ep144.yaml" -o a.json
says "EPLB, global"
less "EPLB evens GPUs out" "$(value a.json gpu_imbalance_after)" 1.1
less "which were not" 2 "$(value a.json gpu_imbalance_before)"
less "the gate gives the loads" "$(value a.json load_error)" 0.03
expect 0 "the same again" run "$S/eplb_decode_ep144.yaml" -o b.json
check "to the byte" cmp a.json b.json
expect 0 "another seed" run "$S/eplb_decode_ep144.yaml" -s sim.seed=2 -o c.json
check "is another draw" [ "$(value a.json gpu_imbalance_before)" != "$(value c.json gpu_imbalance_before)" ]
expect 0 "EP32: groups stay on nodes" run "$S/eplb_decode_ep144.yaml" -s cluster.nodes=4 -s expert_balance.show_layer=0
says "EPLB, hierarchical"
says "MoE layer 0, balance: eplb"
expect 0 "even loads" run "$S/eplb_decode_ep144.yaml" -s expert_load.skew=even -s cluster.nodes=4 -s expert_load.redundant=0 -o even.json
check "need no balance" [ "$(value even.json gpu_imbalance_before)" = 1 ]

# --- a file of loads: EPLB's own example as a model ------------------------------------------------------
cat >loads.csv <<'END'
# loads of two layers
90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86
20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27
END
cat >readme.yaml <<'END'
kind: expert_balance
hardware: h800
model: deepseek_v3
llm: {layers: 4, dense_layers: 2, moe: {routed: 12, top_k: 2, groups: 4, top_groups: 2}}
cluster: {nodes: 2, node: {gpus: 4}}
expert_load: {skew: file, file: loads.csv, redundant: 4, balance: eplb}
expert_balance: {show_layer: 0}
END
expect 0 "the example of EPLB's README" run readme.yaml -s expert_balance.sampled_layers=0
placed=$(sed -n 's/^ *[0-9]  *[01]  *[0-9.]*  \([0-9 ]*[0-9]\) *$/\1/p' out | tr '\n' ',')
check "is its answer" [ "$placed" = "5 6,5 7,4 8,3 4,9 10,2 10,0 1,1 11," ]

# SGLang's counts: steps of layers, dense ones without any
python3 - <<'PY'
import json
rows = [[float(x) for x in line.split(",")] for line in open("loads.csv") if line[0] != "#"]
half = [[0] * 12] * 2 + [[x / 2 for x in row] for row in rows]
json.dump({"physical_to_logical_map": [[0]], "logical_count": [half, half]}, open("counts.json", "w"))
PY
expect 0 "the same, counted by SGLang" run readme.yaml -s expert_balance.sampled_layers=0 -s expert_load.file=counts.json
placed=$(sed -n 's/^ *[0-9]  *[01]  *[0-9.]*  \([0-9 ]*[0-9]\) *$/\1/p' out | tr '\n' ',')
check "is placed alike" [ "$placed" = "5 6,5 7,4 8,3 4,9 10,2 10,0 1,1 11," ]

refused() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$@"
    tells "$text"
}
R="readme.yaml -s expert_balance.sampled_layers=0"
printf '90, 132, x, 61\n' >bad.csv
refused "prose for loads" "README.md:3:1: error: 'moesim' is no number" $R -s expert_load.file="$srcdir/README.md"
check "prose for loads: one error" [ "$(grep -c error: err)" = 1 ]
refused "a word in a file of loads" "bad.csv:1:10: error: 'x' is no number" $R -s expert_load.file=bad.csv
counts() { printf '{"logical_count": %s}' "$1" >bad.json; }
counts '[[1, 2], [3]]'
refused "layers of unequal size" "bad.json:1:19: error: layer 1 has 1 experts, the first has 2" $R -s expert_load.file=bad.json
counts '[[1, "x"]]'
refused "a word for a count" "layer 0, expert 1: a count is a number from 0 on" $R -s expert_load.file=bad.json
counts '[1, 2]'
refused "counts of no layer" "numbers by layer and expert" $R -s expert_load.file=bad.json
counts '[[0, 0]]'
refused "nothing counted" "no layer of 'logical_count' counts anything" $R -s expert_load.file=bad.json
printf '{"logical": [[1]]}' >bad.json
refused "another JSON" "there is no 'logical_count' in it" $R -s expert_load.file=bad.json
printf 'PK\003\004' >counts.pt
refused "a pickle" "write it as JSON first" $R -s expert_load.file=counts.pt
printf '1 2 3\n' >short.csv
refused "too few loads" "short.csv:1:1: error: 3 loads of a layer with 12 experts" $R -s expert_load.file=short.csv
printf '1 1 1 1 1 1 1 1 1 1 1 -1\n' >negative.csv
refused "a negative load" "negative.csv:1:23: error: -1 is not from 0" $R -s expert_load.file=negative.csv
printf '0 0 0 0 0 0 0 0 0 0 0 0\n' >zero.csv
refused "a layer without load" "zero.csv:1:1: error: no expert" $R -s expert_load.file=zero.csv
printf '9 1 1 1 1 1 1 1 1 1 1 1\n' >one.csv
expect 0 "one row for all layers" run $R -s expert_load.file=one.csv
printf '99 1 1 1 1 1 1 1 1 1 1 1\n' >greedy.csv
refused "more than every token" "can give it 6 times at most" $R -s expert_load.file=greedy.csv
head -2 loads.csv >one_layer.csv
(cat one_layer.csv loads.csv) >three.csv
refused "too few layers" "the last of 3 rows, but there are 58" "$S/eplb_decode_ep144.yaml" -s expert_load.skew=file \
    -s expert_load.file=three.csv -s llm.moe.routed=12 -s llm.moe.top_k=2 -s llm.moe.groups=4 -s expert_load.redundant=132
refused "more layers than there are" "three.csv:5:1: error: row 3 of 3, but there are 2 MoE layers" $R -s expert_load.file=three.csv
refused "no file named" "needs a file" $R -s expert_load.file=
expect 4 "a file that is missing" run $R -s expert_load.file=none.csv
tells "there is no file 'none.csv'"
refused "an exponent that no gate can give" "the largest exponent is 0.89" "$S/eplb_decode_ep144.yaml" \
    -s expert_load.skew=zipf -s expert_load.exponent=1.2
refused "a power law that no gate can give" "the largest exponent is" "$S/eplb_decode_ep144.yaml" \
    -s expert_load.skew=power_law -s expert_load.exponent=1.8
# Prefill pays for the busiest rank and EPLB gives most of it back.
P="$S/prefill_ep32.yaml -s sim.network=bound -s expert_load.skew=power_law -s expert_load.exponent=0.8"
expect 0 "prefill, experts by a power law" run $P -o law.json
expect 0 "prefill, EPLB" run $P -s expert_load.balance=eplb -o law_eplb.json
expect 0 "prefill, even experts" run "$S/prefill_ep32.yaml" -s sim.network=bound -o law_even.json
check "imbalance costs, its balance gains" python3 -c '
import json
t = {n: json.load(open(f"law{n}.json"))["metrics"]["ttft"]["value"] for n in ("", "_eplb", "_even")}
assert t[""] > 1.3 * t["_eplb"] and t["_eplb"] > 0.9 * t["_even"], t'
refused "replicas that do not divide" "replicas must divide among the GPUs" "$S/eplb_decode_ep144.yaml" -s expert_load.redundant=31
refused "a dense model" "is a dense model" "$S/eplb_decode_ep144.yaml" -s model=llama3.1_70b
refused "a skew that is none" "did you mean 'zipf'" "$S/eplb_decode_ep144.yaml" -s expert_load.skew=zip

# --- skew in the exchange itself -------------------------------------------------------------------------
none=(-s moe.normal.dispatch_published= -s moe.normal.combine_published= -s moe.low_latency.dispatch_published=
    -s moe.low_latency.combine_published= -s moe.normal.gpus=32 -s moe.low_latency.gpus=32)
exchange() { # TITLE FILE ARGS...
    local title=$1 file=$2
    shift 2
    expect 0 "$title" run "$S/fig7_deepep.yaml" "${none[@]}" "$@" -o "$file"
}
exchange "even" even.json
exchange "skewed" skewed.json -s expert_load.skew=lognormal
exchange "balanced" balanced.json -s expert_load.skew=lognormal -s expert_load.redundant=32 -s expert_load.balance=eplb
for kernel in normal low_latency; do
    less "$kernel: skew costs" "$(value skewed.json ${kernel}_bandwidth_min)" "$(value even.json ${kernel}_bandwidth_min)"
done
less "low_latency: EPLB gives it back" "$(value skewed.json low_latency_bandwidth_min)" \
    "$(value balanced.json low_latency_bandwidth_min)"
check "normal: with a group for each node there is nothing to even out between nodes" \
    [ "$(value skewed.json normal_bandwidth_min)" = "$(value balanced.json normal_bandwidth_min)" ]
refused "two sayings about load" "leave rank_load_cv out" "$S/fig7_deepep.yaml" -s expert_load.skew=zipf -s moe.routing.rank_load_cv=0.1
refused "replicas and GPUs of an exchange" "289 experts do not divide" "$S/fig7_deepep.yaml" -s expert_load.redundant=33
finish
