#!/bin/bash
# Tables for LaTeX: each command that writes them, rows that fit their heads, what pdflatex makes of them. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
expect 0 "a sweep" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens=16,32 -a model=deepseek_v3,qwen_72b -o sweep.sqlite
expect 0 "with seeds" sweep "$S/train_replay_h800.yaml" -s sim.network=bound -a cluster.ep_kernel.sms=16,20 --seeds 2 -o seeds.sqlite
expect 0 "a run" run "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -o one.json
odd='o_d%d#$&{}~^\ "name".json'
expect 0 "another, whose name is markup" run "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -s tpot.tokens=40 -o "$odd"

# --- each command -----------------------------------------------------------------------------------
expect 0 "export" export sweep.sqlite -o sweep.tex
expect 0 "export of seeds" export seeds.sqlite -o seeds.tex
check "has means with intervals" grep -qE '^16 & [0-9.]+&\$\{\}\\pm\{\}\$[0-9.]+ &' seeds.tex
check "and says so" grep -q 'caption{Means over 2 seeds and their 95 \\% intervals' seeds.tex
expect 0 "export of one column" export sweep.sqlite -f latex --show tpot_bound
says "tpot bound ["
says '\texttt{moesim export sweep.\allowbreak{}sqlite -f latex -{}-show tpot\_\allowbreak{}bound}'
cp out show.tex
expect 0 "export of a table" export sweep.sqlite -t metrics -o metrics.tex
expect 0 "compressed" export sweep.sqlite -o sweep.tex.gz
check "is LaTeX, too" sh -c 'gzip -dc sweep.tex.gz | grep -q toprule'
expect 0 "claims" claims 'table1*' 'table3_*' -o claims.tex
expect 0 "claims to the terminal" claims 'table1*' -f latex
cp out short.tex
expect 1 "compare" compare one.json "$odd" -o compare.tex
expect 1 "compare to the terminal" compare one.json "$odd" -f latex
check "prints the table alone" [ "$(tail -1 out)" = '\end{table}' ]
expect 0 "Table 3" topo --table3 -o table3.tex
expect 0 "Table 3 to the terminal" topo --table3 -f latex
check "has the same rows" sh -c 'grep -v "caption\|^%" out >a; grep -v "caption\|^%" table3.tex | cmp - a'
expect 0 "Table 1" model --table1 -o table1.tex
expect 0 "Table 2" model --table2 -f latex
cp out table2.tex
expect 0 "pareto" pareto sweep.sqlite --min tpot_bound -o pareto.tex

check "rows have the columns of their head, numbers of a column as many decimals" python3 - *.tex <<'PY'
import re, sys
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    layout = re.search(r"\\begin\{(?:tabular|longtable)\}\{(.*)\}\n", text).group(1)
    letters = re.findall(r"p\{0.3\\linewidth\}|[rl]", re.sub(r"@\{\}|>\{.*?\}(?=p)", "", layout))
    body = text.split("\\midrule\n")[-1].split("\\bottomrule")[0].split("\\end{longtable}")[0]
    rows = [re.split(r"(?<!\\)&", line[:-3]) for line in body.splitlines()]
    assert rows, path
    for row in rows:
        assert len(row) == len(letters), (path, row, letters)
    for k in range(len(letters)):
        cells = [r[k].strip() for r in rows]
        numbers = [c for c in cells if re.fullmatch(r"[0-9,]+(\.[0-9]+)?", c)]
        if numbers and len(numbers) == len(cells) and letters[k] == "r":
            assert len({len(c.partition(".")[2]) for c in numbers}) == 1, (path, numbers)
    assert re.search(r"\\caption\{.*moesim [0-9.]+.*: \\texttt\{moesim ", text), path
PY
expect 0 "a table of more rows than a page" export sweep.sqlite -t resolved -o resolved.json
expect 0 "many rows" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens=1..60 -o many.sqlite
expect 0 "are a table over pages" export many.sqlite --show tpot_bound -o many.tex
check "with longtable" grep -q 'begin{longtable}' many.tex

# --- what is wrong ------------------------------------------------------------------------------------
expect 2 "an unknown column" export sweep.sqlite --show tpot_bund -o x.tex
tells "did you mean 'tpot_bound'?"
expect 2 "an unknown format" export sweep.sqlite -f latx
tells "did you mean 'latex'?"
expect 2 "a network in LaTeX" topo mpft -o x.tex
tells "LaTeX is written of --table3"
expect 2 "a model in LaTeX" model deepseek_v3 -f latex
tells "LaTeX is written of --table1 and --table2"
check "nothing was written" [ ! -e x.tex ]
cp seeds.sqlite own.tex
expect 4 "over its own input" export own.tex -o own.tex
check "which stays" cmp seeds.sqlite own.tex
expect 4 "a full disk" export sweep.sqlite -f latex -o /dev/full

# --- pdflatex -----------------------------------------------------------------------------------------
if ! command -v pdflatex >/dev/null || ! kpsewhich booktabs.sty longtable.sty >/dev/null; then
    skip "pdflatex sets all tables" "no pdflatex (texlive-latex-base, texlive-latex-recommended)"
    finish
fi
rm -f own.tex
for encoding in OT1 T1; do
    {
        echo "\\documentclass{article}\\usepackage[$encoding]{fontenc}\\usepackage{array,booktabs,longtable}\\begin{document}"
        for f in sweep seeds show metrics claims short compare table1 table2 table3 pareto many; do echo "\\input{$f.tex}"; done
        echo '\end{document}'
    } >all.tex
    check "pdflatex sets all tables, fonts in $encoding" sh -c 'pdflatex -halt-on-error -interaction=batchmode all.tex >/dev/null'
    [ $encoding = OT1 ] && cp all.log log.OT1
    grep -E '^!' -A3 all.log | sed 's/^/# /'
done
check "no letter is missing" sh -c '! grep -h "Missing character" log.OT1 all.log'
if command -v pdftotext >/dev/null; then
    pdftotext -layout all.pdf all.txt
    check "texts are read as they were" grep -qF 'd%d#$&{}~^\' all.txt
fi
finish
