#!/bin/bash
# Figures: made where gnuplot is, from results only, and harmed by no name. TAP.
. "$srcdir/tests/cli.sh"
plot=$srcdir/tools/plot

# What every script must have, with or without gnuplot.
for f in "$plot"/*.gp; do
    name=${f##*/}
    check "$name says which commands give its numbers" grep -qE '^#! (run|timeline) .*: ' "$f"
    check "$name names its axes" grep -qE '^set xlabel ".+"' "$f"
    for s in $(grep -oE 'scenarios/[a-z0-9_]+\.yaml' "$f" | sort -u); do
        check "$name: $s is there" test -f "$srcdir/$s"
    done
done

missing=
for program in gnuplot pdftocairo pdffonts; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    skip "figures are made" "not installed:$missing (gnuplot-nox poppler-utils)"
    finish
fi

make_figures() { make -C "$plot" figures MOESIM="$MOESIM" OUT="$PWD/$1" RESULTS="$PWD/r" FIGURES="$2" >log 2>&1; }
check "make figures" make_figures out "fig6 m_sweep timeline table3"
cat log | sed 's/^/# /'
for name in fig6 m_sweep timeline table3; do
    check "$name.pdf is a PDF" grep -qa '^%PDF' "out/$name.pdf"
    check "$name.pdf has all its fonts inside" \
        sh -c "pdffonts 'out/$name.pdf' | awk 'NR > 2 { n++; if (\$(NF - 4) != \"yes\") bad = 1 } END { exit bad || !n }'"
    check "$name.svg is XML and needs no font" python3 -c '
import sys, xml.etree.ElementTree as ET
t = ET.parse(sys.argv[1])
assert t.getroot().tag.endswith("svg") and not list(t.iter("{http://www.w3.org/2000/svg}text"))' "out/$name.svg"
done
check "results are kept" test -s r/fig6.json -a -s r/ft3_512.json

# Same results, same figure; nothing is run again; changed results, another figure.
cp -p r/fig6.json fig6.json
check "make figures again" make_figures again fig6
check "runs nothing" sh -c '! grep -q "^moesim" log'
check "draws the same" cmp out/fig6.svg again/fig6.svg
python3 - <<'PY'
import json
r = json.load(open("r/fig6.json"))
for row in r["tables"][0]["rows"]:
    row["time"] *= 1.5
json.dump(r, open("r/fig6.json", "w"))
PY
check "make figures from changed results" make_figures changed fig6
check "draws another" sh -c '! cmp -s out/fig6.svg changed/fig6.svg'

# Sweeps and timelines.
cat >both.gp <<'GP'
#! run sw: sweep scenarios/tpot_bound_nvl72.yaml -s tpot.bridge=false --axis tpot.tokens=16,32
#! timeline tl: run scenarios/train_replay_h800.yaml --timeline-ranks 8
#! data points = sw: rows tpot.tokens tpot_bound
#! data slices = tl: traceEvents[ph=X,pid=8] ts dur
set xlabel "tokens"
plot $points using 1:2 with lines, $slices using ($1/1e4):($2/1e6) with points
GP
check "a sweep and a timeline are drawn" python3 "$plot/plot" -o out -r r -m "$MOESIM" both.gp
check "from a database and a trace" test -s r/sw.sqlite -a -s r/sw.json -a -s r/tl.json -a -s out/both.pdf

# Odd names: of folders, and inside results.
odd='o d"d `touch pwned1` $(touch pwned2) ; & '\''x'
mkdir "$odd" && cp r/dedup.json fig6.json "$odd/"
check "folders with odd names" python3 "$plot/plot" -o "$odd/out" -r "$odd" -m "$MOESIM" "$plot/fig6.gp"
check "hold figures" test -s "$odd/out/fig6.pdf" -a -s "$odd/out/fig6.svg"
mkdir f && "$MOESIM" formats -t combine -f json -o f/formats.json e4m3 logfmt8 && python3 - <<'PY'
import json
r = json.load(open("f/formats.json"))
for row in r["combine"]:
    row["format"] += "\"`touch pwned3`\n$(touch pwned4)_{x}^2 \\ ' ; system 'touch pwned5'; END_OF_DATA\nset output 'pwned6'"
json.dump(r, open("f/formats.json", "w"))
PY
check "texts with odd characters in results" python3 "$plot/plot" -o f/out -r f -m "$MOESIM" "$plot/formats.gp"
check "do no harm" sh -c '! find . -name "pwned*" | grep -q .'
check "nor beside the scripts" sh -c "! find '$plot' -name 'pwned*' | grep -q ."

# What is wrong is told.
echo '{"tables": []}' >f/formats.json
check "a result without the table" sh -c "! python3 '$plot/plot' -o f/out -r f -m '$MOESIM' '$plot/formats.gp' 2>err"
tells "the result has no 'combine'"
echo 'no JSON' >f/formats.json
check "a result that is none" sh -c "! python3 '$plot/plot' -o f/out -r f -m '$MOESIM' '$plot/formats.gp' 2>err"
tells "formats.json"
check "a scenario that fails" sh -c "printf '#! run x: run nowhere.yaml\n#! data d = x: a b\n' >x.gp; ! python3 '$plot/plot' -o f/out -r f -m '$MOESIM' x.gp 2>err"
tells "moesim run nowhere.yaml"
finish
