#!/bin/bash
# tools/reproduce: all steps are there, a quick variant runs, goes on after an interruption, and tells what failed. TAP.
. "$srcdir/tests/cli.sh" || exit 1
reproduce=$srcdir/tools/reproduce
python3 -c 'import json' 2>/dev/null || { skip "reproduce" "there is no python3" && finish; }

# --- the whole list, without running it -----------------------------------------------------------
check "the list of steps" sh -c "'$reproduce' --list >list"
for step in claims table{1,2,3,4} table5_{ib,roce} replay proposals proposals_page report figure_fig{5,6,7,8} \
    figure_{table3,tpot,mtp,m_sweep,formats,proposals,timeline,pipeline}; do
    check "has $step" grep -q "^$step " list
done
for s in $(grep -oE 'scenarios/[a-z0-9_]+\.yaml' list | sort -u); do
    check "$s is there" test -f "$srcdir/$s"
done
for f in "$srcdir"/tools/plot/*.gp; do
    name=${f##*/}
    [ "$name" = style.gp ] || check "draws $name" grep -q "^figure_${name%.gp} " list
done

# --- a quick variant, from results only -----------------------------------------------------------
quick() { "$reproduce" --quick -m "$MOESIM" -o "$@" >log 2>&1; }
check "the quick variant" quick out
sed 's/^/# /' log
check "says how many claims hold" grep -qE '^6 claims: 5 ok, 1 disputed' log
check "says what cannot hold" grep -q 'table1_llama_multiplier.*paper 7.28 x, ours 7.34426 x' log
check "says how long it took" grep -qE ' s now, .* s in all' log
check "the index names what there is" sh -c 'for f in claims.json table1.txt report.html; do grep -q "$f" out/index.html || exit 1; done'
for file in claims.json claims.xml VALIDATION.md PROPOSALS.md tables/table3.json tables/tpot_nvl72.txt report.html summary.txt; do
    check "$file is there" test -s "out/$file"
done
links() { # every link of the index leads to a file
    local f
    for f in $(grep -oE '(href|src)="[^"]*"' out/index.html | cut -d'"' -f2); do [ -s "out/$f" ] || { echo "$f" && return 1; }; done
}
check "links of the index lead to files" links

# --- resumes --------------------------------------------------------------------------------------
check "again" quick out
check "runs nothing" sh -c '! grep -qE "\.\.\. done" log'
cp -R out before
rm out/tables/table3.json && echo changed >>out/claims.json
check "after a file is gone and one has changed" quick out
check "does these two and the report again" [ "$(grep -cE '\.\.\. done' log)" -le 3 ]
check "to the same" sh -c 'cmp before/tables/table3.json out/tables/table3.json && cmp before/report.html out/report.html ||
    [ "$(grep -c wall_s before/claims.json)" -gt 0 ]'

# --- fails clearly --------------------------------------------------------------------------------
cat >broken <<'SH'
#!/bin/sh
case "$*" in *table1*-o\ tables*) echo "error: out of luck" >&2; exit 3 ;; esac
exec "$REAL" "$@"
SH
chmod +x broken
check "a step that fails" sh -c "REAL='$MOESIM' '$reproduce' --quick -m ./broken -o f >log 2>&1; [ \$? = 3 ]"
check "is told with its message" grep -q 'failed: table1: exit code 3: error: out of luck' log
check "and what needs it" grep -q 'failed: report: needs table1' log
check "others are done" test -s f/tables/table3.json -a -s f/index.html
cat >regressed <<'SH'
#!/bin/sh
"$REAL" "$@" || exit
case "$1" in claims) sed -i 's/"verdict":[^"]*"ok"/"verdict": "regressed"/' claims.json; exit 1 ;; esac
SH
chmod +x regressed
check "a claim that regressed gives exit code 1" sh -c "REAL='$MOESIM' '$reproduce' --quick -m ./regressed -o r >log 2>&1; [ \$? = 1 ]"
check "and is named" grep -q '  table1_v3_kv (2.1.2 Table 1)' log
check "a program that is none" sh -c "! '$reproduce' -m ./nowhere -o x 2>err"
tells "is no program: build first"
check "a step that is none" sh -c "! '$reproduce' --only tabel1 -m '$MOESIM' -o x 2>err"
tells "there is no step tabel1"
if [ "$(id -u)" != 0 ]; then
    mkdir ro && chmod a-w ro
    check "a folder that cannot be written" sh -c "'$reproduce' --quick -m '$MOESIM' -o ro/x 2>err; [ \$? = 4 ]"
fi
check "a file in the folder's place" sh -c "'$reproduce' --quick -m '$MOESIM' -o log 2>err; [ \$? = 4 ]"
finish
