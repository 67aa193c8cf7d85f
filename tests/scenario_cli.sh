#!/bin/bash
# validate, list and schema as a user types them. TAP.
. "$srcdir/tests/cli.sh"
main_job=$srcdir/scenarios/train_replay_h800.yaml

expect 0 "every scenario that is shipped is valid" validate "$srcdir"/scenarios/*.yaml
says "$main_job: ok"
silent_on_stderr

# --- validate --print -------------------------------------------------------------------------
"$MOESIM" validate --print "$main_job" -s cluster.nic.bandwidth='800 Gb/s' >first.yaml 2>err
check "--print accepts the main job" [ $? = 0 -a ! -s err ]
expect 0 "what --print prints is valid" validate first.yaml
"$MOESIM" validate --print first.yaml >second.yaml
check "and prints identically again" cmp first.yaml second.yaml
check "-s is in it, with its origin" grep -q 'bandwidth: {value: 100 GB/s, source: "command line' first.yaml
check "numbers of the hardware keep their source" grep -q 'sms: {value: 132, source: ' first.yaml
expect 0 "a scenario may come from a pipe" validate /dev/stdin <first.yaml
says "/dev/stdin: ok"

# --- several files ----------------------------------------------------------------------------
echo 'kind: train_replay' >incomplete.yaml
expect 3 "one bad file among good ones" validate "$main_job" incomplete.yaml "$main_job"
says "$main_job: ok"
tells "incomplete.yaml:1:1: error: required key 'hardware' is missing"
check "the good ones are still checked" [ "$(grep -c ': ok$' out)" = 2 ]
"$MOESIM" validate --print "$srcdir/scenarios/decode_ep144.yaml" >preset.yaml
check "a kind presets keys" grep -q '^  epsilon: 0.01' preset.yaml
"$MOESIM" validate --print "$srcdir/scenarios/decode_ep144.yaml" -s sim.epsilon=0 >preset.yaml
check "a scenario or -s says otherwise" grep -q '^  epsilon: {value: 0,' preset.yaml
expect 2 "--print of two files" validate --print "$main_job" "$main_job"
tells "--print shows one scenario"

# --- keys that nothing reads -------------------------------------------------------------------
expect 3 "a key of another kind" validate "$main_job" -s collective.gpus=64
tells "'collective.gpus' changes nothing: kind train_replay does not read 'collective'; leave it out"
expect 3 "a model where none is read" validate "$srcdir/scenarios/fig6_latency_16gpu.yaml" -s model=deepseek_v3
tells "kind collective has no language model"
check "--print leaves out what the kind does not read" [ -z "$(grep -E '^(collective|llm|tpot):' first.yaml)" ]

# --- list -------------------------------------------------------------------------------------
expect 0 "list topologies" list topologies
says "mpft"
says "mrft"
expect 0 "list hardware" list hardware
says "h800"
expect 0 "list networks" list networks
says "cm02"
expect 0 "list traces" list traces
says "traces/deepseek_v3_train.trace.json"
expect 0 "list keys" list keys
says "cluster.nic.bandwidth "
says "flow|cm02|bound"
expect 0 "list scenarios" list scenarios
says "scenarios/train_replay_h800.yaml "
for list in $("$MOESIM" list --help | tr '\n' ' ' | sed 's/.*LIST is \([^.]*\)\..*/\1/; s/,//g; s/ or / /'); do
    expect 0 "list $list, which --help names" list "$list"
done
expect 2 "list of nothing" list
tells "moesim list topologies"
expect 2 "list of what there is not" list topology
tells "did you mean 'topologies'?"
expect 2 "two lists" list networks models
tells "one list at a time"

# --- usage ------------------------------------------------------------------------------------
expect 2 "validate of nothing" validate
tells "moesim validate scenarios/"
expect 2 "an unknown option" validate --prnt "$main_job"
tells "moesim validate"
expect 2 "an argument too many" schema x
expect 2 "an unknown command" vlidate
tells "did you mean 'validate'?"
expect 0 "validate --help" validate --help
says "Usage: moesim validate"

# --- schema -----------------------------------------------------------------------------------
expect 0 "schema" schema
if python3 -c '' 2>/dev/null; then
    cp out schema.json
    "$MOESIM" list keys >keys
    check "the schema is JSON and covers every key of --print" \
        python3 "$srcdir/tests/schema_covers.py" schema.json first.yaml keys
else
    skip "the schema is JSON and covers every key of --print" "no python3"
fi

# What the kernel of the exchange does not read: copies of February's DeepEP where later ones run
for phase in decode prefill; do
    size=$([ $phase = decode ] && echo 'decode: {batch: 8, context: 1024}' || echo 'prefill: {prompt: 1024, tokens: 1024}')
    printf 'kind: inference\nhardware: h200\nmodel: qwen3_30b_a3b\ncluster: {nodes: 2, topology: ft2}\ninference: {phase: %s, overlap: none, simulate_layers: 2, %s}\n' \
        $phase "$size" >$phase.yaml
done
printf 'kind: train_step\nhardware: h200\nmodel: qwen3_30b_a3b\ncluster: {nodes: 2, topology: ft2}\ntrain: {pp: 1, ep: 16, sequences: 32, sequence: 4096, recompute: full, chunks: {source: kernels}}\n' >train.yaml
while read -r file setting; do
    expect 3 "$file.yaml: nothing reads $setting" validate $file.yaml -s "cluster.ep_kernel.$setting"
    tells "'cluster.ep_kernel.${setting%%=*}' changes nothing"
done <<'EOF'
decode low_latency_dispatch=300us
decode low_latency_combine=300us
decode ordering=fence
decode sms=10
decode copy_per_sm=1GB/s
prefill copy_per_sm=1GB/s
prefill barrier=1ms
prefill chunk_tokens=64
prefill offload.forwarding=true
prefill codec_overhead=50%
train copy_per_sm=1GB/s
train barrier=1ms
train offload.transport=true
train multicast=both
train low_latency_initiator=cpu_proxy
train ordering=fence
EOF
for file in decode prefill; do
    expect 3 "$file.yaml: later kernels know no unified adapter" validate $file.yaml -s cluster.node.unified_adapter=true
    tells "'cluster.node.unified_adapter' changes nothing"
done
expect 0 "February's DeepEP reads them" validate prefill.yaml -s cluster.ep_kernel.kernel=deepep_normal_2025_02 \
    -s cluster.ep_kernel.copy_per_sm='1 GB/s' -s cluster.ep_kernel.barrier='1 ms' -s cluster.ep_kernel.chunk_tokens=64
expect 0 "and its low-latency kernels" validate decode.yaml -s cluster.ep_kernel.kernel=deepep_low_latency_2025_02 \
    -s cluster.ep_kernel.low_latency_dispatch='300 us' -s cluster.ep_kernel.ordering=fence
expect 3 "a start without the software that it is of" validate decode.yaml -s cluster.ep_kernel.kernel=deepep_v2 \
    -s cluster.ep_kernel.deepep_v2.dispatch_start='7 us'
tells "'cluster.ep_kernel.deepep_v2.software' is empty"
expect 3 "a proposal about tasks that the kernel does not have" run train.yaml --proposal sm_offload
tells "here deepep_normal exchanges tokens"

# The H800's kernels on another chip are said to be that
exchange=(run "$srcdir/scenarios/fig7_deepep.yaml" -s moe.normal.gpus=16 -s moe.normal.calibrated= -s moe.normal.dispatch_published=
    -s moe.normal.combine_published= -s moe.low_latency.gpus= -s moe.low_latency.calibrated= -s moe.low_latency.dispatch_published=
    -s moe.low_latency.combine_published=)
expect 0 "DeepEP of February 2025 on an H200" "${exchange[@]}" -s hardware=h200
says "constants that were not measured on the H200; training and inference exchange by deepep_normal and deepep_low_latency"
expect 0 "and on the H800" "${exchange[@]}"
check "on which it was measured" [ "$(grep -c 'not measured on' out)" = 0 ]

finish
