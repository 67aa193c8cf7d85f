#!/bin/bash
# moesim kernels as a user types it. TAP.
. "$srcdir/tests/cli.sh"

expect 0 "the overview" kernels
for line in gemm_fp8.csv attention_forward_mla.csv "InferSim" "roofline refitted" "grouped_masked_fp8 " \
    "deepgemm_readme_dense.csv" "The median error of every family is under 10%"; do
    says "$line"
done
expect 0 "the same as JSON" kernels -f json -o all.json
check "errors by family: rooflines and interpolation under 10 % in the median" python3 -c '
import json
d = json.load(open("all.json"))
assert len(d["families"]) >= 6 and d["all"]["rows"] == len(d["rows"]) > 280
for f in d["families"]:
    assert f["roofline"]["median_ratio"] < 0.1, f
    assert f["refitted_series_left_out"]["median_ratio"] < 0.1, f
    left_out = f["interpolated_row_left_out"]
    assert left_out["n"] == 0 or left_out["median_ratio"] < 0.1, f
    assert f["roofline"]["max_ratio"] >= f["roofline"]["mean_ratio"] > 0
for r in d["rows"]:
    off = abs(r["model_s"] / r["measured_s"] - 1)
    assert off <= (1e-7 if r["kernel"] == "gemm_fp8" else 0) and r["origin"] == "table" and r["line"] > 3'

expect 0 "the rows of one kernel" kernels attention_backward_bf16
says "batch 4, 4096 x 4096"
expect 0 "the training library against the training trace" kernels --hardware h800,cutlass_2025_01 -f json -o t.json
check "GEMMs and attention of the trace, which nothing was taken from, within 20 % in the mean" python3 -c '
import json
checks = {c["file"]: c for c in json.load(open("t.json"))["checks"]}
for name in ("trace_gemm.csv", "trace_grouped.csv", "trace_wgrad.csv", "trace_attention.csv"):
    assert checks[name]["model"]["mean_ratio"] < 0.2, checks[name]'

expect 0 "one kernel, a point of the table" kernels attention_forward_bf16 --batch 1 --q-len 4096 --heads 128 \
    --kv-heads 128 --qk-dim 192 --v-dim 128 --causal
says "1.10469 ms"
says "a measured value as it stands"
expect 0 "one of a kernel with a mechanism" kernels gemm_fp8 --m 4096 --n 7168 --k 2048
says "98.102 us"
says "InferSim"
expect 0 "on fewer SMs" kernels gemm_fp8 --m 4096 --n 7168 --k 2048 --sms 112
says "moved by the ratio of rooflines"
says "bound by             tensor"
expect 0 "a narrow GEMM in BF16 is split along K" kernels gemm_bf16 --m 128 --n 256 --k 7168
says "128   of 64 x 16, in 1 wave"
expect 0 "that no table has" kernels gemm_bf16 --m 100 --n 256 --k 512
says "the roofline alone"
says "bound by            latency"
expect 0 "experts of unequal load" kernels grouped_masked_fp8 --rows 12,40,0,3 --n 4096 --k 7168 -f json -o g.json
check "its FLOP and tiles" python3 -c '
import json
d = json.load(open("g.json"))
assert d["rows"] == [12, 40, 0, 3] and d["flop"] == 2 * 55 * 4096 * 7168, d
assert d["groups"] == 4 and d["waves"] >= 1'
expect 0 "a pass over memory" kernels norm --read "58.7 MB" --written "58.7 MB"
says "bound by             memory"
expect 0 "another chip" kernels gemm_fp8 --m 4096 --n 7168 --k 2048 -s cluster.chip.fp8="3 PFLOPS"
says "moved by the ratio of rooflines"
expect 0 "the list" kernels --list
says "attention_decode_fp8, _bf16 ...: --batch"
python3 - <<'END' >gemm.csv
print("gemm_dtype,m,n,k,kernel_source,latency_us")
for m in (1, 16, 64, 256, 1024, 4096):
    for n in (512, 1024, 2048, 4096, 8192):
        for k in (512, 1024, 2048, 4096, 8192):
            print(f"bfloat16,{m},{n},{k},cublas,{4 + 2 * m * n * k / 6e8 + 2 * (m * k + n * k + m * n) / 3e6:.4g}")
END
expect 0 "measured rows against a chip's kernels" kernels --check gemm.csv --hardware h100
says "gemm             bf16        cublas"
expect 1 "a tolerance that is exceeded" kernels --check gemm.csv --hardware h100 --tolerance 0.001
says "over tolerance"
expect 0 "with shapes left out, as JSON" kernels --check gemm.csv --hardware h100 --leave-out 2 -f json -o check.json
check "groups with their errors" python3 -c '
import json
g = json.load(open("check.json"))["groups"][0]
assert g["family"] == "gemm" and g["dtype"] == "bf16" and g["source"] == "cublas", g
assert g["rows"] + g["beyond"]["rows"] == 150 and g["median"] < 0.1 and g["p90"] < 0.3, g
assert abs(g["bias"]) < 0.1 and g["mechanism"]["median"] < 0.2, g'
expect 0 "a chip's kernels from one's own benchmark" kernels --fit gemm.csv --chip mine --hardware h100 -o mine \
    --source me --conditions "here, today"
expect 0 "and a time from them" kernels gemm_bf16 --m 1024 --n 4096 --k 2048 --hardware h100 \
    -s cluster.kernels.tables=mine/kernels
says "cublas"

expect 0 "with a constant that is known from elsewhere" kernels --fit gemm.csv --chip mine --hardware h100 -o known \
    --source me --conditions "here, today" --known memory_ratio=0.777 --leave-out 2
check "it stands in the kernel's file" grep -q "memory_ratio 0.777" known/kernels/gemm_bf16.cublas.kernel

expect 0 "layers are listed" list hardware
says "'hardware: h800, cutlass_2025_01'"

refused() { # CODE TITLE TEXT ARGS...
    local code=$1 title=$2 text=$3
    shift 3
    expect "$code" "$title" kernels "$@"
    tells "$text"
}
refused 2 "no such kernel" "there is no kernel 'gem_fp8'" gem_fp8
refused 2 "two kernels" "one kernel at a time" norm copy
refused 2 "numbers without a kernel" "name the kernel" --m 4
refused 2 "a number that is missing" "gemm_fp8 needs --k" gemm_fp8 --m 4 --n 4
refused 2 "a number that is none" "--m is a number, not 'x'" gemm_fp8 --m x --n 4 --k 4
refused 2 "out of range" "--m 0 is out of range" gemm_fp8 --m 0 --n 4 --k 4
refused 2 "a number of another kernel" "--heads says nothing about gemm_fp8" gemm_fp8 --m 4 --n 4 --k 4 --heads 3
refused 2 "bytes without a unit" "--read" norm --read 100
refused 2 "groups of what has none" "gemm_fp8 has no groups" gemm_fp8 --m 4 --n 4 --k 4 --groups 3
refused 2 "rows that are none" "--rows is a list of numbers" grouped_masked_fp8 --rows 3,x --n 4 --k 4
refused 2 "no rows at all" "no group has any" grouped_masked_fp8 --rows 0,0 --n 4 --k 4
refused 2 "rows and groups that differ" "--groups is 3 but --rows has 2" grouped_masked_fp8 --groups 3 --rows 1,2 --n 4 --k 4
refused 2 "causal GEMM" "--causal is about" gemm_fp8 --m 4 --n 4 --k 4 --causal
refused 2 "a check of nothing" "--check needs files" --check
refused 2 "a fit without a chip" "--fit needs files, --chip and -o" --fit gemm.csv
refused 2 "a fit of measurements that nobody made" "--fit needs --source and --conditions" --fit gemm.csv --chip x -o y
refused 2 "a constant that no kernel has" "--known memory=0.9: kernels of these files have no such constant" --fit gemm.csv \
    --chip x -o made --source a --conditions b --known memory=0.9
refused 2 "a constant out of range" "--known memory_ratio=9: write a number above 0 and at most 1" --fit gemm.csv --chip x -o made \
    --source a --conditions b --known memory_ratio=9
refused 2 "a constant without a fit" "--known is about --fit" --check gemm.csv --known memory_ratio=0.9
refused 2 "a tolerance that is none" "--tolerance is a share" --check gemm.csv --tolerance x
refused 2 "a share in per cent above 1000 %" "--tolerance is a share" --check gemm.csv --tolerance 11
expect 1 "a tolerance in per cent" kernels --check gemm.csv --hardware h100 --tolerance '0.1 %'
head -1 gemm.csv >none.csv
refused 3 "a file of titles" "none.csv:1:1: error: no row in it" --check none.csv --family gemm --hardware h100
refused 3 "a fit of titles" "no row in it" --fit none.csv --family gemm --chip x --source a --conditions b -o made
(cat gemm.csv; sed -n 2p gemm.csv | awk -F, -v OFS=, '{ $2 = 0 } 1') >zero.csv
refused 3 "a size of 0" "zero.csv:152:1: error: m of this row is 0" --fit zero.csv --family gemm --chip x --source a \
    --conditions b -o made
check "no folder is left of fits that failed" [ ! -e made ]
refused 3 "a file of what" "'oops' is no family" --check gemm.csv --family oops
refused 2 "no such format" "there is no output format 'csv'" -f csv
refused 3 "no such hardware" "unknown hardware 'h900'; did you mean 'h" --hardware h900
refused 3 "no such layer" "cutlass_2025_01" --hardware h800,nothing
refused 4 "no such tables" "there are no kernel tables in 'configs/none'" -s cluster.kernels.tables=configs/none

awk -F, -v OFS=, 'NR > 1 { $6 = $6 / 1000 } 1' gemm.csv >ms.csv
refused 3 "times in milliseconds" "ms.csv: error: its times are about" --check ms.csv --family gemm --hardware h100
(cat gemm.csv; sed -n 2p gemm.csv | awk -F, -v OFS=, '{ $6 *= 1.1 } 1') >again.csv
expect 0 "a row that is there twice" kernels --check again.csv --family gemm --hardware h100
tells "again.csv: warning: 1 rows repeat others with other times, 10.0 % apart at most (lines 2 and 152)"
(cat gemm.csv; sed -n 2p gemm.csv | awk -F, -v OFS=, '{ $6 *= 10 } 1') >wrong.csv
refused 3 "with another time" "wrong.csv:152:1: error: repeats line 2 with a time 10 times" --check wrong.csv --family gemm --hardware h100
refused 2 "decoding without what its cache takes" "needs --kv-token" attention_decode_bf16 --batch 1 --q-len 1 --kv-len 100 \
    --heads 8 --kv-heads 8 --qk-dim 128 --v-dim 128
expect 0 "decoding in a window" kernels gqa_decode_bf16 --batch 64 --q-len 1 --kv-len 32768 --heads 64 --kv-heads 8 --qk-dim 64 \
    --v-dim 64 --kv-token "2048 B" --window 128 --hardware b200
says "measured on b200"
expect 0 "grouped products in BF16" kernels grouped_contiguous_bf16 --groups 8 --m 512 --n 4096 --k 7168
expect 0 "products in NVFP4" kernels gemm_nvfp4 --m 512 --n 4096 --k 7168 --hardware b200
says "cutedsl_nvfp4, measured on b200"
expect 0 "experts" kernels moe_fp8 --batch 128 --n 2048 --k 7168 --top-k 8 --experts 256 --hardware b200
refused 2 "that nobody measured here" "there are no measurements of such kernels for h800" moe_fp8 --batch 128 --n 2048 --k 7168 \
    --top-k 8 --experts 256
refused 2 "a window without a mask" "add --causal" gqa_prefill_bf16 --batch 1 --q-len 64 --heads 8 --kv-heads 8 --qk-dim 128 \
    --v-dim 128 --window 16

mkdir -p configs/mine
printf '# source: me\n# conditions: here\nkernel,m,n,k,time_us\ngemm_fp8,64,128,oops,5\n' >configs/mine/a.csv
refused 3 "a table with a mistake, with its place" "configs/mine/a.csv:4:17: error: 'oops' is no number" \
    -s cluster.kernels.tables=configs/mine
printf '# source: me\n# conditions: here\nkernel,m,n,k,time_us\ngemm_fp8,64,128,256,5\ngemm_fp8,640,128,256,50\n' >configs/mine/a.csv
expect 0 "a table of one's own" kernels gemm_fp8 --m 64 --n 128 --k 256 -s cluster.kernels.tables=configs/mine
says "5 us"
says "me; here"
expect 2 "more SMs than there are" kernels gemm_fp8 --m 64 --n 64 --k 64 --sms 500
tells "--sms 500: h800 has 132 (cluster.chip.sms)"
# --- fewer SMs take longer, and not by more than they are fewer (a library may choose other tiles for their number) ---
for sms in 132 131 108 100 99 96 78; do
    "$MOESIM" kernels --hardware h100 gemm_fp8 --m 4096 --n 7168 --k 7168 -s cluster.chip.sms=$sms \
        -s cluster.chip.fp8="$((sms * 1979 / 132)) TFLOPS" >out 2>err
    awk -v sms=$sms '/^ +time / { us = $2 * ($3 == "ms" ? 1000 : 1); print sms, us }' out
done >by_sms
check "a GEMM on each number of SMs" [ "$(wc -l <by_sms)" = 7 ]
check "no number of them is a cliff" awk 'NR == 1 { all = $2 * $1 } { r = $2 * $1 / all; if (r < 0.85 || r > 1.35) { print; bad = 1 } } END { exit bad }' by_sms
finish
