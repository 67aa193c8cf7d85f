#!/bin/bash
# Kind single_machine: the paper's statements of section 2.2.2, offload, machines of one's own, refusals. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios/edge_single_user.yaml
value() { # FILE NAME
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["metrics"][sys.argv[2]]["value"])' "$@"
}
within() { # TITLE LOW X HIGH
    check "$1: $2 < $3 < $4" python3 -c "assert $2 < $3 < $4"
}

expect 0 "edge_single_user" run "$S" -o a.json
says "does not fit: needs 220.5 GB, has 118 GB"
within "V2 on AI SoCs: nearly 20" 15 "$(value a.json tps_deepseek_v2_ryzen_ai_max_395)" 25
within "or twice that" 35 "$(value a.json tps_deepseek_v2_m4_max)" 50
within "70B dense on the same: single digit" 3 "$(value a.json tps_llama3_1_70b_ryzen_ai_max_395)" 9.99
# KTransformers V0.2, prompts of 500, with 8 and 6 experts: 8.73 and 10.303 tokens/s on one socket, 12.208 and 13.69 on two
server() { # FILE MACHINE_SET [EXPERTS]
    expect 0 "a server, $1" run "$S" -s single_machine.machines=xeon_4090 -s single_machine.models=deepseek_v3 -o "$1" \
        -s single_machine.weights='4.5 b' -s single_machine.published= -s single_machine.context=500 \
        -s single_machine.machine_set="$2" -s single_machine.model_set="moe.top_k=${3:-8}"
}
one="cpu.sockets=1, cpu.copies=1, cpu.memory_bandwidth=307.2 GB/s"
server two.json ""
server one.json "$one"
within "one socket" "8.73 * 0.8" "$(value one.json tps_deepseek_v3_xeon_4090)" "8.73 * 1.2"
within "two" "12.208 * 0.8" "$(value two.json tps_deepseek_v3_xeon_4090)" "12.208 * 1.2"
server one6.json "$one" 6
server two6.json "" 6
within "one socket, six experts" "10.303 * 0.8" "$(value one6.json tps_deepseek_v3_xeon_4090)" "10.303 * 1.2"
within "two, six experts" "13.69 * 0.8" "$(value two6.json tps_deepseek_v3_xeon_4090)" "13.69 * 1.2"
server shared.json "cpu.copies=1, cpu.remote_bandwidth=60 GB/s"
within "two that share one copy" "1" "$(value shared.json tps_deepseek_v3_xeon_4090)" "$(value two.json tps_deepseek_v3_xeon_4090)"
server cores.json "$one, cpu.cores=64"
within "twice the cores" "$(value one.json tps_deepseek_v3_xeon_4090) * 1.15" "$(value cores.json tps_deepseek_v3_xeon_4090)" 20
server more.json "$one, cpu.cores=256"
within "until its memory is the limit" 10 "$(value more.json tps_deepseek_v3_xeon_4090)" "220 / 11.5"
server gaps.json "gpu.kernel_time=8 us"
within "longer kernels" 1 "$(value gaps.json tps_deepseek_v3_xeon_4090)" "$(value two.json tps_deepseek_v3_xeon_4090)"
expect 0 "more context" run "$S" -s single_machine.context=65536 -o long.json
within "takes longer" 1 "$(value long.json tps_llama3_1_70b_m4_max)" "$(value a.json tps_llama3_1_70b_m4_max)"
expect 0 "half the bandwidth" run "$S" -s single_machine.machine_set='gpu.memory_bandwidth=128 GB/s' \
    -s single_machine.machines=ryzen_ai_max_395 -o half.json
within "half the speed" 0.49 "$(value half.json tps_llama3_1_70b_ryzen_ai_max_395) / $(value a.json tps_llama3_1_70b_ryzen_ai_max_395)" 0.51
expect 0 "explained" run "$S" --explain tps_deepseek_v3_xeon_4090
says "achievable bandwidth"
expect 0 "some experts on the GPU" run "$S" -s single_machine.experts_on_gpu=true -o gpu.json
within "is no slower" "$(value a.json tps_deepseek_v3_xeon_4090) - 1e-9" "$(value gpu.json tps_deepseek_v3_xeon_4090)" 40
expect 0 "popular experts" run "$S" -s expert_load.skew=zipf -s expert_load.exponent=0.8
expect 0 "list of machines" list machines
says "dgx_spark"

sed 's/128 GB,/64 GB,/' "$srcdir/configs/edge/ryzen_ai_max_395.yaml" >mine.yaml
expect 0 "a machine of one's own" run "$S" -s single_machine.machines=mine.yaml -o mine.json
check "by its name" [ "$(value mine.json tps_llama3_1_70b_mine)" = "$(value a.json tps_llama3_1_70b_ryzen_ai_max_395)" ]

refused() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$@"
    tells "$text"
}
refused "what does not fit" "deepseek_v3 does not fit ryzen_ai_max_395: with 2.625 bits per weight it needs 220.5 GB, has 118 GB" \
    "$S" -s single_machine.unfit=error
tells "does not fit m4_max"
refused "a machine that is none" "did you mean 'm4_max'" "$S" -s single_machine.machines=m4max
refused "a model that is none" "did you mean 'deepseek_v2'" "$S" -s single_machine.models=deepseek-v2
expect 4 "a file that is missing" run "$S" -s single_machine.machines=none.yaml
tells "there is no file 'none.yaml'"
refused "an acceptance below 0" "single_machine.acceptance" "$S" -s single_machine.acceptance=-0.1
refused "an acceptance above 1" "single_machine.acceptance" "$S" -s single_machine.acceptance='120 %'
refused "a weight of nothing" "a weight has from 1 b to 8 B" "$S" -s single_machine.weights='0.5 b'
refused "no unit" "4.5" "$S" -s single_machine.weights=4.5
refused "a statement about nothing" "is not of the form" "$S" -s single_machine.published=fast
refused "a letter of a key is missing" "did you mean 'gpu.memory_bandwidth'" "$S" \
    -s single_machine.machine_set='gpu.memory_bandwith=600 GB/s'
refused "a key of a machine that is none" "did you mean 'gpu.memory'" "$S" -s single_machine.machine_set='gpu.memry=3 GB'
refused "hardware of a cluster" "'hardware' changes nothing" "$S" -s hardware=h800
refused "a cluster" "changes nothing: kind single_machine does not read 'cluster'" "$S" -s cluster.nodes=4
refused "redundant experts" "changes nothing" "$S" -s expert_load.redundant=2
printf 'name: x\ngpu: {memory: {value: 8 GB, source: s}}\n' >slow.yaml
refused "a machine without bandwidth" "slow.yaml:2" "$S" -s single_machine.machines=slow.yaml
tells "needs memory_bandwidth and flops"
printf 'name: x\ngpu: {memory: 8 GB}\n' >unsourced.yaml
refused "a number without source" "source" "$S" -s single_machine.machines=unsourced.yaml
finish
