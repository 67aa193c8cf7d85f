#!/bin/bash
# A section of a paper by one command: doc/paper. Numbers in the text are those of the result. TAP.
. "$srcdir/tests/cli.sh"
main_job=$srcdir/scenarios/train_replay_h800.yaml
mkdir o
expect 0 "numbers for a text" run "$main_job" -o o/replay.tex -o replay.json
check "each metric is a macro with its value and unit, each source a row" python3 - <<'PY'
import json, re
text, r = open("o/replay.tex", encoding="utf-8").read(), json.load(open("replay.json"))
macros = dict(re.findall(r"\\csname moesim@replay/(\S+)\\endcsname\{(.*)\}\n", text))
scale = {"s": 1, "ms": 1e-3, "\\ensuremath{\\mu}s": 1e-6, "GB/s": 1e9, "": 1}
for name, m in r["metrics"].items():
    number, unit = re.fullmatch(r"\\ensuremath\{([0-9.]+)\}(?:\\,(.*))?", macros[name]).groups()
    assert abs(float(number) * scale[unit or ""] - m["value"]) <= 6e-4 * m["value"], (name, macros[name], m)
assert "cluster.nic.bandwidth, nic.yaml: ConnectX-7 data sheet" in text.replace("{}", "").replace("\\_", "_")
PY
missing=
for program in pdflatex gnuplot pdftotext kpsewhich; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
[ -n "$missing" ] || kpsewhich booktabs.sty array.sty >/dev/null || missing=" booktabs"
if [ -n "$missing" ]; then
    skip "a section by one make" "not installed:$missing (texlive-latex-recommended gnuplot-nox poppler-utils)"
    finish
fi
section() { make -C "$srcdir/doc/paper" OUT="$PWD/paper" MOESIM="$MOESIM" SEEDS=2 SMS=16,20 >log 2>&1; }
check "a section by one make" section
sed 's/^/# /' log | tail -20
pdftotext -layout paper/section.pdf text
check "has two pages" sh -c 'pdfinfo paper/section.pdf | grep -q "^Pages: *2$"'
check "every reference is found, nothing sticks out" sh -c '! grep -E "undefined|Overfull|Missing character" paper/section.log'
check "its text has the numbers of the run" grep -q '128.5 ms' text
check "its table the intervals" grep -qE '16 +[0-9.]+ ± [0-9.]+' text
check "its figure is inside" sh -c 'pdftotext paper/section.pdf - | grep -q "combine f wall"'
check "its captions say version and command" sh -c 'tr "\n" " " <text | grep -q "moesim topo --table3"'
touch paper/stamp
check "again" section
check "runs nothing" sh -c '! grep -q "sweep\|run scen" log && [ -z "$(find paper -newer paper/stamp -name "*.sqlite")" ]'
sed 's|replay/makespan}|replay/makespam}|' "$srcdir/doc/paper/section.tex" >paper/wrong.tex
check "a number that is not there is an error of LaTeX" sh -c "cd paper && ! pdflatex -halt-on-error -interaction=batchmode wrong >/dev/null && grep -q \"no number 'replay/makespam'\" wrong.log"
finish
