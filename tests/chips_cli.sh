#!/bin/bash
# Hardware from data sheets: builds networks and decodes, and says that nobody validated it. TAP.
. "${srcdir:-.}/tests/cli.sh"
S=$srcdir/scenarios
small="-s inference.simulate_layers=2 -s expert_load.redundant=0 -s inference.decode.batch=8 -s inference.decode.context=1000"

for chip in h20 a100 b300 mi300x mi355x; do
    expect 0 "$chip: a network" topo mrft --nodes 4 --hardware $chip
    expect 0 "$chip: decoding" run "$S/decode_ep144.yaml" -s hardware=$chip -s cluster.nodes=4 $small
    says "unvalidated: the numbers of"
done
for chip in gb300_nvl72 vr_nvl72 cloudmatrix_910c tpu7x; do
    gpus=72
    case $chip in cloud*) gpus=384 ;; tpu*) gpus=64 ;; esac
    redundant=$(((gpus - 256 % gpus) % gpus))
    expect 0 "$chip: a network" topo nvswitch --hardware $chip
    expect 0 "$chip: decoding" run "$S/decode_nvl72.yaml" -s hardware=$chip -s cluster.topology=nvswitch $small \
        -s expert_load.redundant=$redundant
    says "unvalidated: the numbers of"
done
expect 0 "measured chips" run "$S/decode_nvl72.yaml" $small -s expert_load.redundant=32
says "measured on gb200"
check "say nothing of the kind" sh -c '! grep -q "unvalidated: the numbers" out'
# --- no hardware that comes with moesim warns about itself ----------------------------------------------
for file in "$srcdir"/configs/*/chip.yaml; do
    chip=$(basename "$(dirname "$file")") topology=mrft
    [ "$(sed -n 's/^gpus: {value: \([0-9]*\).*/\1/p' "$srcdir/configs/$chip/node.yaml")" -le 8 ] || topology=nvswitch
    expect 0 "$chip: its own parts" topo $topology --hardware $chip
    silent_on_stderr
done
for layer in roce cutlass_2025_01 deepgemm_2025_02 sglang_0_5_6; do
    expect 0 "$layer, over another: its own parts" topo mrft --hardware h800,$layer
    silent_on_stderr
done
# --- where times come from is said, in every kind that asks for kernels ---------------------------------
expect 0 "training on another chip" run "$srcdir/scenarios/train_step_dense_70b.yaml" -s hardware=b200
says "times of kernels: "
says "interpolated between measurements on b200"
says "a roofline, calibrated on the h800"
# Few sequences: libraries' starts are a large part of a newer chip's time, and that is said; not on the H800, whose kernels
# are the rooflines' own.
for batch in 4 128; do
    expect 0 "B200, $batch sequences" run "$srcdir/scenarios/decode_ep144.yaml" -s hardware=b200 -s sim.network=bound -s inference.decode.batch=$batch
    says "software of measured kernels: B200 SXM, SGLang 0.5.14"
    says "are starts of kernels, which libraries set and no faster chip shortens"
    sed -n 's/.*; \([0-9]*\) % are starts.*/\1/p' out >"starts$batch"
done
check "more of it with fewer" test "$(cat starts4)" -gt "$(cat starts128)"
expect 0 "H800" run "$srcdir/scenarios/decode_ep144.yaml" -s sim.network=bound
says "software of measured kernels: H800 SXM5, 132 SMs, FlashMLA"
expect 0 "a GEMM with a kernel of its own, a constant of the others" run "$srcdir/scenarios/gemm_fp8.yaml" -s hardware=b200 \
    -s cluster.kernels.gemm.start='9 us'
tells "'cluster.kernels.gemm.start' changes nothing here"
expect 0 "where it is read" run "$srcdir/scenarios/gemm_fp8.yaml" -s cluster.kernels.gemm.start='9 us' \
    -s cluster.kernels.tables=configs/h800/kernels/attention
silent_on_stderr

finish
