#!/bin/bash
# moesim plot: which numbers a figure shows, what it refuses, and, where gnuplot is, what is drawn. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
expect 0 "a sweep" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens=16,32 \
    -a cluster.node.nvlink_bandwidth='50, 100, 200, 450, 900 GB/s' -a model=deepseek_v3,qwen_72b -o sweep.sqlite
expect 0 "with seeds" sweep "$S/train_replay_h800.yaml" -s sim.network=bound -a cluster.ep_kernel.sms=16,20 --seeds 3 -o seeds.sqlite
expect 0 "a run with tables" run "$S/fig6_latency_16gpu.yaml" -o run.json
expect 0 "a front" pareto sweep.sqlite --min tpot_bound --min tpot.tokens -o front.json

# --- which numbers: the script holds those of the result ---------------------------------------------------
expect 0 "lines by an axis, panels by another" plot sweep.sqlite -x nvlink_bandwidth -y tpot_bound --by tokens --facet model -o lines.gp
expect 0 "means of seeds" plot seeds.sqlite -y makespan -o seeds.gp
expect 0 "bars" plot seeds.sqlite -x sms -y makespan -y compute_active -o two.gp
expect 0 "a table of a run" plot run.json -t sizes -x size -y time --by network -o run.gp
expect 0 "a table of one" plot front.json -x tokens -y tpot_bound --by model -o front.gp
expect 0 "bars of texts" plot sweep.sqlite -x model -y tpot_bound --by tokens --facet nvlink_bandwidth -o bars.gp
check "numbers are those of the result, in the unit of the axis" python3 - <<'PY'
import re, sqlite3
def blocks(path):
    text = open(path, encoding="utf-8").read()
    return text, {k: [tuple(map(float, l.split())) for l in v.splitlines()]
                  for k, v in re.findall(r"\$(d\d+_\d+) << EOD\n(.*?)EOD\n", text, re.S)}
close = lambda a, b: abs(a - b) <= 1e-12 * max(abs(a), abs(b), 1e-300)

text, b = blocks("lines.gp")
db = sqlite3.connect("sweep.sqlite")
rows = sorted(db.execute('SELECT model, "tpot.tokens", "cluster.node.nvlink_bandwidth", tpot_bound FROM wide'))
drawn = [p for k in sorted(b) for p in b[k]]
assert len(b) == 4 and len(drawn) == len(rows) == 20
for (x, y, half), (_, _, bandwidth, tpot) in zip(drawn, rows):
    assert close(x * 1e9, bandwidth) and close(y * 1e-3, tpot) and half == 0, (x, y, bandwidth, tpot)
assert "set xlabel 'nvlink bandwidth [GB/s]'" in text and "set ylabel 'tpot bound [ms]'" in text
assert "set logscale x" in text
assert "'50' 50" in text and "'900' 900" in text, "ticks stand at the numbers"
for label in "'tokens 16'", "'tokens 32'", "'model deepseek_v3'", "'model qwen_72b'":
    assert label in text, label

text, b = blocks("seeds.gp")
rows = list(sqlite3.connect("seeds.sqlite").execute('SELECT "cluster.ep_kernel.sms", makespan, "makespan.ci95" FROM wide_mean'))
assert all(close(x, s) and close(y * 1e-3, m) and close(h * 1e-3, c) and h > 0 for (x, y, h), (s, m, c) in zip(b["d0_0"], rows))
assert "yerrorlines" in text and len(b["d0_0"]) == 2

text, b = blocks("two.gp")
assert len(b) == 2 and "set ylabel 'time [ms]'" in text and "'compute active'" in text
text, b = blocks("run.gp")
assert "'64 KiB'" in text and "set logscale x" in text and len(b) == 2
text, b = blocks("bars.gp")
assert len(b) == 10 and re.search(r"set yrange \[0:", text) and "boxxyerror" in text, "bars begin at 0"
PY
expect 0 "what nobody said: the axis of most numbers, the first metric, lines by the rest" plot sweep.sqlite --facet model -o default.gp
check "are the same lines" sh -c 'sed -n "/EOD/,/EOD/p" default.gp | grep -c . | grep -q . && grep -q "nvlink bandwidth" default.gp && grep -q "tokens 32" default.gp'

# --- texts stay texts -----------------------------------------------------------------------------------
python3 - <<'PY'
import json
r = json.load(open("run.json"))
for t in r["tables"]:
    if t["name"] == "sizes":
        for row in t["rows"]:
            row["network"] += "' \"`touch pwned1`\" $(touch pwned2) {/Symbol x}^2 \\\n; system 'touch pwned3'\nEOD\n"
json.dump(r, open("odd.json", "w"))
PY
expect 0 "odd texts" plot odd.json -t sizes -x size -y time --by network --title "it's \`touch pwned4\`" -o odd.gp

# --- what is wrong ----------------------------------------------------------------------------------------
expect 2 "an unknown axis" plot sweep.sqlite -x tpot.tokes -o x.gp
tells "sweep.sqlite: --x: error: unknown column 'tpot.tokes'; did you mean 'tpot.tokens'?"
expect 2 "an unknown metric" plot sweep.sqlite -y tpot_bund -o x.gp
tells "did you mean 'tpot_bound'?"
expect 2 "an unknown facet" plot sweep.sqlite --facet modl -o x.gp
tells "did you mean 'model'?"
expect 2 "an unknown table" plot sweep.sqlite -t wid -o x.gp
tells "did you mean 'wide'?"
expect 2 "an unknown table of a run" plot run.json -t size -o x.gp
tells "did you mean 'sizes'?"
expect 2 "a run with several tables" plot run.json -o x.gp
tells "write -t sizes"
expect 2 "texts for numbers" plot sweep.sqlite -y model -o x.gp
tells "'model' holds texts"
expect 2 "two units on one axis" plot sweep.sqlite -y tpot_bound -y tokens_per_second_bound --facet model -o x.gp
tells "have no common axis"
expect 2 "points on each other" plot sweep.sqlite -x nvlink_bandwidth -y tpot_bound --by tokens -o x.gp
tells "they differ in model; give --by or --facet"
expect 2 "log of names" plot sweep.sqlite --log z -o x.gp
tells "there are x, y, xy and none"
expect 2 "a size that is none" plot sweep.sqlite --size 3 -o x.gp
tells "for example 3.4,2.4"
expect 2 "an ending that is none" plot sweep.sqlite -o x.jpg
tells "must end in .pdf, .svg, .png or .gp"
expect 2 "an option twice" plot sweep.sqlite -x tokens -x model -o x.gp
expect 2 "nothing" plot
tells "moesim plot result.sqlite"
expect 4 "no file" plot nowhere.sqlite -o x.gp
echo '{"a": 1}' >other.json
expect 3 "other JSON" plot other.json -o x.gp
tells "no result of moesim"
echo '{"metrics": {' >cut.json
expect 3 "cut JSON" plot cut.json -o x.gp
head -c 4096 sweep.sqlite >cut.sqlite
"$MOESIM" plot cut.sqlite -o x.gp 2>err
check "a database that was cut" [ $? != 0 -a -s err ]
expect 1 "a sweep whose points fail" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a model=nosuch,deepseek_v3 -o failed.sqlite
expect 0 "is drawn without them" plot failed.sqlite -x model -o failed.gp
tells "1 of 2 points have no number"
check "no figure of what is wrong" [ ! -e x.gp ]
cp sweep.sqlite own.gp
expect 4 "over its own input" plot own.gp --facet model -o own.gp
check "which stays" cmp sweep.sqlite own.gp
expect 4 "a folder that is not there" plot sweep.sqlite --facet model -o nowhere/x.gp
mkdir bin
PATH=$PWD/bin "$MOESIM" plot sweep.sqlite --facet model -o x.pdf 2>err
check "without gnuplot it fails" [ $? = 4 -a ! -e x.pdf ]
last="without gnuplot"
tells "Debian: gnuplot-nox"

# --- what is drawn ------------------------------------------------------------------------------------------
if ! command -v gnuplot >/dev/null || ! command -v pdffonts >/dev/null; then
    skip "figures are drawn" "no gnuplot or poppler-utils"
    finish
fi
for f in lines seeds two run front bars failed odd; do
    check "gnuplot draws $f.gp without a word" sh -c "gnuplot $f.gp >$f.drawn 2>said && [ ! -s said ] && grep -qa '^%PDF' $f.drawn"
done
check "odd texts do no harm" sh -c '! ls pwned* 2>/dev/null'
expect 0 "a PDF" plot seeds.sqlite -y makespan -o figure.pdf
cp figure.pdf first.pdf
sleep 1
expect 0 "again" plot seeds.sqlite -y makespan -o figure.pdf
check "the same bytes" cmp figure.pdf first.pdf
check "all fonts are inside" sh -c "pdffonts figure.pdf | awk 'NR > 2 { n++; if (\$(NF - 4) != \"yes\") bad = 1 } END { exit bad || !n }'"
check "it says what made it" sh -c 'pdfinfo figure.pdf 2>info.err | grep -q "^Subject: *moesim .*: moesim plot seeds.sqlite -y makespan -o figure.pdf" && [ ! -s info.err ]'
check "its words can be read" sh -c 'pdftotext figure.pdf - | grep -q "makespan \[ms\]"'
expect 0 "an SVG" plot sweep.sqlite -x nvlink_bandwidth -y tpot_bound --by tokens --facet model -o figure.svg
check "has the lines in colours of the palette, names at their ends, what made it" python3 - <<'PY'
import xml.etree.ElementTree as ET
root = ET.parse("figure.svg").getroot()
ns = "{http://www.w3.org/2000/svg}"
text = ["".join(t.itertext()) for t in root.iter(ns + "text")]
assert text.count("tokens 16") == 2 and text.count("tokens 32") == 2, text
assert "tpot bound [ms]" in text and text.count("nvlink bandwidth [GB/s]") == 2
everything = open("figure.svg").read()
assert everything.lower().count("#0072b2") + everything.count("rgb(  0, 114, 178)") >= 2, "blue of the palette"
assert "moesim plot sweep.sqlite" in root.find(ns + "desc").text
PY
expect 0 "a PNG" plot seeds.sqlite -y makespan -o figure.png
check "is one" sh -c 'head -c 8 figure.png | grep -qa PNG'
finish
