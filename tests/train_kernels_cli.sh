#!/bin/bash
# The training pair from the kernel model alone (scenarios/train_kernels_h800.yaml). TAP.
. "$srcdir/tests/cli.sh"

pair=$srcdir/scenarios/train_kernels_h800.yaml

makespan() { # ARGS...: of a run, in ms
    "$MOESIM" run "$pair" --json "$@" 2>err | python3 -c '
import json, sys
print(json.load(sys.stdin)["metrics"]["makespan"]["value"] * 1e3)'
}
is() { python3 -c "import sys; sys.exit(not ($1))"; } # EXPRESSION

expect 0 "the pair" run "$pair" --json -o pair.json
check "within 10 % of the recorded 129.0 ms, and each part of compute within 15 %" python3 -c '
import json
d = json.load(open("pair.json"))
makespan = d["metrics"]["makespan"]
assert abs(makespan["recorded"] - 0.129) < 1e-4, makespan
assert abs(makespan["value"] / 0.129 - 1) < 0.1, makespan["value"]
means = [p for p in d["phases"] if p["layer"] == 0]
assert len(means) == 10
for p in means:
    if p["lane"] == "compute":
        assert abs(p["simulated_s"] / p["recorded_s"] - 1) < 0.15, p'
expect 0 "as text" run "$pair"
for line in "attn(F) " "combine(B) " "classes: kernels by class" "wgrad_gemm_fp8" "are calibrated on it"; do
    says "$line"
done

base=$(makespan)
shares=()
for pass in quantise norm copy permute unpermute rope swiglu transpose router elementwise; do
    shares+=(-s cluster.kernels.pass.$pass=0.896)
done
blind=$(makespan "${shares[@]}")
check "without any share of bandwidth from the trace: still within 10 % ($blind ms)" is "abs($blind / 129 - 1) < 0.1"
check "a wider model takes longer" is "$(makespan -s llm.hidden=8192) > 1.05 * $base"
check "more FLOP/s take less" is "$(makespan -s 'cluster.chip.fp8=3 PFLOPS') < 0.95 * $base"
check "today's DeepGEMM takes less" is "$(makespan -s hardware=h800) < 0.95 * $base"

refused() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$@"
    tells "$text"
}
refused "no model" "kernels of which model?" "$srcdir"/scenarios/train_replay_h800.yaml -s replay.source=kernels
refused "a model without experts" "the model has none" "$pair" -s model=llama3.1_70b
refused "recorded communication" "goes with recorded kernels" "$pair" -s replay.comm=recorded
refused "another width than the model's" "the model's is 7168" "$pair" -s replay.routing.hidden=4096
check "a window takes less" is "$(makespan -s llm.attention.window=128) < 0.97 * $base"
refused "groups that are no nodes" "llm.moe.groups is 8 but the cluster has 4 nodes" "$pair" -s cluster.nodes=4
expect 4 "no tables" run "$pair" -s cluster.kernels.tables=configs/none
tells "there are no kernel tables in 'configs/none'"
finish
