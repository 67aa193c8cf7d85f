#!/bin/bash
# moesim formats as a user types it. TAP.
. "$srcdir/tests/cli.sh"

expect 0 "errors of three formats" formats -t errors --rows 8 logfmt8 e4m3 e5m2
for line in "  logfmt8  " "  e4m3  " "heavy-tailed"; do
    says "$line"
done
cp out first
expect 0 "the same again" formats -t errors --rows 8 logfmt8 e4m3 e5m2
check "byte for byte" cmp -s out first
expect 0 "another seed" formats -t errors --rows 8 --seed 2 logfmt8 e4m3 e5m2
check "other numbers" bash -c '! cmp -s out first'
expect 0 "the list" formats --list
says "mxfp4_e2m1"
expect 0 "GEMM as JSON" formats -t gemm -f json -o gemm.json
check "errors grow with K where nothing is promoted" python3 -c '
import json
rows = [r for r in json.load(open("gemm.json"))["gemm"]
        if r["varies"] == "k" and r["data"] == "positive" and r["promote_every"] == 0 and r["align_bits"] == 13]
rms = [r["accumulation"]["rms_ratio"] for r in rows]
assert len(rms) > 4 and rms == sorted(rms), rms'

# what the paper says of LogFMT (3.2), read off the output
expect 0 "the paper's formats" formats -t errors -t combine -t rounding -f json --rows 64 -o paper.json \
    bf16 logfmt10 logfmt8 e4m3 e5m2 e4m3_1x128 e5m2_1x128
cat >paper.py <<'P'
import json, sys
d = json.load(open("paper.json"))
snr = {t: {(r["data"], r["format"]): r["snr_dB"] for r in d[t]} for t in ("errors", "combine")}
what = sys.argv[1]
if what == "8":
    for rows in snr.values():
        for data, f in rows:
            if f.startswith("e"):
                assert rows[data, "logfmt8"] > rows[data, f] + 3, (data, f)
elif what == "10":  # less than a bit, 6 dB, where the result is stored in BF16
    for data, f in snr["combine"]:
        assert snr["combine"][data, "bf16"] - snr["combine"][data, "logfmt10"] < 6.02, data
else:  # flat data: what is left is within four standard errors, where the logarithm's bias is far outside
    rows = [r for r in d["rounding"] if r["data"] == "uniform"]
    assert len(rows) > 6
    for r in rows:
        assert abs(r["linear"]["bias_ratio"]) < 4 * r["linear"]["bias_se_ratio"], r
        if r["bits"] <= 8:
            assert r["log"]["bias_ratio"] > 4 * r["log"]["bias_se_ratio"], r
P
check "LogFMT-8 is 3 dB better than E4M3 and E5M2, with scales and without" python3 paper.py 8
check "LogFMT-10 is within a bit of BF16 in a combine" python3 paper.py 10
check "rounding is unbiased in linear space and biased in the logarithm" python3 paper.py rounding

printf '1 2.5 -3\n# a comment\n0.125, 4e-3; 7\n' >numbers.txt
expect 0 "a file of floats" formats --file numbers.txt bf16
says "numbers.txt"
gzip -k numbers.txt
expect 0 "compressed" formats --file numbers.txt.gz bf16
python3 -c 'import struct; open("n.f32", "wb").write(struct.pack("<3f", 1, 2, 3))'
expect 0 "words" formats --file n.f32 --columns 3 bf16

refused() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect "$code" "$title" formats "$@"
    tells "$text"
}
code=2
refused "n out of range" "4" logfmt3
refused "a format that is none" "e4m3" e4m33
refused "a table that is none" "did you mean 'gemm'" -t gem
refused "tables with a file" "leave out -t" --file numbers.txt -t gemm
code=3
yes 1e300 | head -n 30 >many.txt
refused "many errors" "many.txt:21:1: error: and 10 more like these from here on" --file many.txt
check "many errors: the first comes first" sh -c 'head -n 1 err | grep -q "^many.txt:1:1:"'
expect 2 "a file as format" formats many.txt
tells "write --file=many.txt"
printf '1 2\n3 nan 4\n' >nan.txt
refused "a NaN" "nan.txt:2:3" --file nan.txt
printf '1 inf\n' >inf.txt
refused "an infinity" "is infinite" --file inf.txt
printf '1 1e39\n' >big.txt
refused "too large for binary32" "is infinite as a 32-bit float" --file big.txt
printf '1 two\n' >word.txt
refused "a word" "'two' is no number" --file word.txt
: >empty.txt
refused "an empty file" "there is no number in it" --file empty.txt
refused "rows that do not divide" "no whole number of rows of 4" --file numbers.txt --columns 4
printf 'abcde' >odd.f32
refused "half a word" "no whole number of 32-bit floats" --file odd.f32
code=4
refused "a file that is missing" "cannot read" --file nowhere.txt
expect 4 "a place that cannot be written" formats -t errors --rows 1 bf16 -o nowhere/x.txt
finish
