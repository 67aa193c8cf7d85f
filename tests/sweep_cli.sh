#!/bin/bash
# moesim sweep, merge and export as a user types them: values of axes, points, what is refused, results that equal
# single runs and do not depend on -j or shards. TAP. (Sweeps that are interrupted: sweep_reliability.sh.)
. "$srcdir/tests/cli.sh" || exit 1
T=$srcdir/tests/data/sweep_bound.yaml
small="$T -s tpot.bridge=false"
sql() { # FILE QUERY: rows as text
    python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep="|")' "$@"
}
column() { sed 1d out | cut -d, -f2 | paste -sd' '; }
values() { # TITLE WANTED SPEC [OPTIONS]: the values that a spec of tpot.tokens makes
    local title=$1 wanted=$2 spec=$3
    shift 3
    expect 0 "$title" sweep $small --dry-run -a "tpot.tokens=$spec" "$@"
    check "$title: $wanted" [ "$(column)" = "$wanted" ]
}

# --- axes ----------------------------------------------------------------------------------------------------
values "a list" "1 5 3" "1, 5, 3"
values "whole numbers" "2 3 4 5" "2..5"
values "steps" "8 16 24 32" "8..32 by 8"
values "factors" "1 4 16 64" "1..64 by x4"
values "evenly" "1 5 8" "1..8 lin 3"
values "evenly in the logarithm" "1 10 100 1000" "1..1000 log 4"
values "whole numbers that repeat stand once" "1 2 3 4" "1..4 log 9"
values "several ranges" "1 2 3 8 16" "1..3, 8..16 by x2"
expect 0 "units" sweep $small --dry-run -a 'cluster.nic.bandwidth=100, 200, 400 Gb/s, 0.8..1.6 Tb/s by 0.8'
check "an item without a unit has that of the next one" [ "$(column)" = \
    "12500000000 25000000000 50000000000 100000000000 200000000000" ]
expect 0 "decimal steps" sweep $small --dry-run -a 'cluster.nic.latency=0.1..0.5 us by 0.1'
says "2,3e-07"
expect 0 "texts with a comma" sweep "$srcdir/scenarios/fig5_alltoall_mpft_mrft.yaml" --dry-run \
    -a "collective.gpus='32, 64', 128"
says '0,"32, 64"'
says '1,128'
expect 0 "all combinations" sweep $small --dry-run -a tpot.tokens=1,2 -a tpot.copies=3,4,5
check "the first axis is the slowest" [ "$(sed 1d out | paste -sd' ')" = "0,1,3 1,1,4 2,1,5 3,2,3 4,2,4 5,2,5" ]
expect 0 "zip" sweep $small --dry-run -a tpot.tokens=1,2 -a tpot.copies=3,4 --zip tpot.tokens,tpot.copies
check "zip: together" [ "$(sed 1d out | paste -sd' ')" = "0,1,3 1,2,4" ]
expect 0 "zip of shortened names" sweep $small --dry-run -a tpot.tokens=1,2 -a tpot.copies=3,4 --zip tokens,copies
check "zip of shortened names: together" [ "$(sed 1d out | paste -sd' ')" = "0,1,3 1,2,4" ]
values "a filter" "3 4" 1..4 --where 'tokens * 2 > 4 and cluster.nic.bandwidth >= 200 Gb/s' \
    -a 'cluster.nic.bandwidth=200 Gb/s'
values "seeds" "7 7 7" 7 --seeds 3
for method in sobol lhs; do
    expect 0 "$method" sweep $small --dry-run -a tpot.tokens=1..64 -a 'cluster.nic.bandwidth=100..800 Gb/s log' \
        --sample $method:32
    cp out first
    check "$method: 32 points in their ranges" awk -F, 'NR > 1 && ($2 < 1 || $2 > 64 || $3 < 12.5e9 || $3 > 100e9) {
        bad = 1 } END { exit bad || NR != 33 }' first
    expect 0 "$method, again" sweep $small --dry-run -a tpot.tokens=1..64 \
        -a 'cluster.nic.bandwidth=100..800 Gb/s log' --sample $method:32
    check "$method: the same points" cmp out first
done
expect 0 "lhs: each part once" sweep $small --dry-run -a tpot.tokens=1..8 --sample lhs:8
check "lhs: 1 to 8" [ "$(sed 1d out | cut -d, -f2 | sort -n | paste -sd' ')" = "1 2 3 4 5 6 7 8" ]
cat >sweep.yaml <<EOF
sweep:
  scenario: $T
  set: {tpot.bridge: false}
  axes:
    tpot.tokens: [1, 2, 4]
    tpot.copies: 2..8 by x2
    cluster.nic.bandwidth: 100, 200 Gb/s
  zip: [[tpot.tokens, tpot.copies]]
  where: tokens < 4
  seeds: 2
EOF
expect 0 "a file" sweep sweep.yaml --dry-run
check "a file: 2 x 2 settings, 2 seeds" [ "$(sed 1d out | paste -sd' ')" = "0,1,2,12500000000,1 \
1,1,2,12500000000,2 2,1,2,25000000000,1 3,1,2,25000000000,2 4,2,4,12500000000,1 5,2,4,12500000000,2 \
6,2,4,25000000000,1 7,2,4,25000000000,2" ]
expect 0 "the command line over a file" sweep sweep.yaml --dry-run -a tpot.tokens=1,2,3 --seeds 1 -w 1
check "an axis is replaced" [ "$(sed 1d out | wc -l)" = 6 ]
{ cat "$T"; printf 'sweep:\n  axes: {tpot.layers: 1..3}\n'; } >both.yaml
expect 0 "a scenario with a sweep in it" sweep both.yaml -s tpot.bridge=false
check "its points" [ "$(grep -c ' us ' out)" = 3 ]
expect 0 "runs alone, too" run both.yaml -s tpot.bridge=false
expect 0 "and is valid" validate both.yaml sweep.yaml
expect 3 "a file with a sweep that is not" validate both.yaml -s cluster.topology=mpft

# --- refused --------------------------------------------------------------------------------------------------
refused() { # CODE TITLE WORDS ARGS...
    local code=$1 title=$2 words=$3
    shift 3
    expect "$code" "$title" sweep "$@"
    tells "$words"
}
refused 2 "a sweep of nothing" "moesim sweep scenarios/"
refused 2 "no axis" "there is no axis" $T
refused 2 "an axis without values" "--axis wants KEY=VALUES" $small -a tpot.tokens
refused 3 "an unknown key" "did you mean 'cluster.nic.bandwidth'?" $small -a cluster.nic.bandwith=1
tells "       ^"
refused 3 "a group" "is a group of keys" $small -a cluster.nic=1
refused 3 "no unit" "has no unit" $small -a cluster.nic.bandwidth=100,200
refused 3 "another unit" "is a unit of time" $small -a 'cluster.nic.bandwidth=100..200 us by 1'
refused 3 "out of range" "allowed is 1 to 65536" $small -a tpot.tokens=0..4
refused 3 "a range that falls" "a range rises" $small -a tpot.tokens=8..4
refused 3 "no step" "greater than 0" $small -a 'tpot.tokens=1..4 by 0'
refused 3 "no factor" "write for example 'by x2'" $small -a 'tpot.tokens=1..4 by x1'
refused 3 "no count" "write for example 'lin 5'" $small -a 'tpot.tokens=1..4 lin 1'
refused 3 "an odd word" "'by STEP', 'by xFACTOR', 'lin N' or 'log N'" $small -a 'tpot.tokens=1..4 by'
refused 3 "an open range" "write for example '100..200 Gb/s lin 5'" $small \
    -a 'cluster.nic.bandwidth=100..200 Gb/s'
refused 3 "no value" "there is no value here" $small -a tpot.tokens=1,,2
refused 3 "a value twice" "is there twice" $small -a tpot.tokens=1,2,1
refused 3 "too many values" "at most 1000000" $small -a 'cluster.nic.bandwidth=100..500 Gb/s by 1 Kb/s'
refused 5 "too many points" "raise --max-points" $small -a tpot.tokens=1..1000 -a tpot.layers=1..1000
refused 3 "zip of other lengths" "has 2 values and 'tpot.copies' 3" $small -a tpot.tokens=1,2 -a tpot.copies=1,2,3 \
    --zip tpot.tokens,tpot.copies
refused 3 "zip of the same twice" "'1', '5' is there twice" $small -a tpot.tokens=1,2,1 -a tpot.copies=5,6,5 \
    --zip tpot.tokens,tpot.copies
expect 0 "in a zip a value may be repeated" sweep $small -a tpot.tokens=1,2,1 -a tpot.copies=5,5,6 --zip tokens,copies --dry-run
check "each combination is a point" cmp -s out - <<'END'
point,tpot.tokens,tpot.copies
0,1,5
1,2,5
2,1,6
END

# --- named settings; axes over models, hardware and files ----------------------------------------------------------
cat >named.yaml <<END
sweep:
  scenario: $T
  set: {tpot.bridge: false}
  settings:
    slow NIC: {cluster.nic.bandwidth: 100 Gb/s, tpot.copies: 9}
    "fast, with copies": {cluster.nic.bandwidth: 400 Gb/s, tpot.copies: 9}
  axes:
    tpot.tokens: [16, 32]
END
expect 0 "settings with names" sweep named.yaml -o named.sqlite
check "the name is a column" [ "$("$MOESIM" export named.sqlite | cut -d, -f5 | sed 1d | head -2)" = "slow NIC
slow NIC" ]
for i in 1 2; do "$MOESIM" sweep named.yaml --shard $i/2 -o named$i.sqlite >/dev/null; done
expect 0 "their shards" merge named1.sqlite named2.sqlite -o merged.sqlite
check "are the bytes of one sweep" cmp -s named.sqlite merged.sqlite
expect 0 "a filter by name" sweep named.yaml -w "label = 'slow NIC'" --dry-run
check "takes the named ones" [ "$(grep -c 'slow NIC' out)" = 2 ]
expect 0 "a front" pareto named.sqlite --min tpot_bound --max tpot.tokens --where "label <> 'slow NIC'"
says "fast, with copies"
expect 0 "a search of settings" search named.yaml --minimize tpot_bound --no-why
check "names its best" awk '$2 == "fast," { n++ } END { exit !n }' out
refused 3 "an axis of a setting replaced" "belongs to the file's settings" named.yaml -a tpot.copies=9
sed 's/100 Gb\/s, tpot.copies: 9/100 Gb\/s/' named.yaml >other.yaml
refused 3 "a setting with other keys" "the first setting has no 'tpot.copies'" other.yaml
sed 's/400 Gb\/s, tpot.copies: 9/400 Gb\/s/' named.yaml >other.yaml
refused 3 "a setting with less" "setting 'fast, with copies' has no 'tpot.copies'" other.yaml
sed 's/^    "fast, with copies"/    slow NIC/' named.yaml >other.yaml
refused 3 "a name twice" "slow NIC" other.yaml
mkdir -p mine && cp "$srcdir/configs/h800/nic.yaml" mine/nic.yaml && mkdir -p configs && cp -r mine configs/mine
expect 0 "models, hardware and layers of it as axes" sweep $small -a hardware="h800, h200, 'h800, mine'" \
    -a model=deepseek_v3,kimi_k2 --dry-run
check "a layer stands with its hardware" grep -q '"h800, mine",kimi_k2' out
F="$srcdir/scenarios/fig6_latency_16gpu.yaml -s collective.topologies= -s cluster.topology=file -s collective.gpus=32
   -s collective.pxn=false -s collective.from=4MiB -s collective.to=4MiB"
cp "$srcdir/configs/networks/example.yaml" a.yaml
sed 's/: *400 Gb/: 200 Gb/' a.yaml >b.yaml
expect 0 "files as an axis" sweep $F -a cluster.network.file=a.yaml,b.yaml -o files.sqlite
check "each was read" [ "$("$MOESIM" export -t files files.sqlite | grep -c '^[ab].yaml')" = 2 ]
refused 3 "zip of no axis" "did you mean 'tpot.tokens'?" $small -a tpot.tokens=1,2 --zip tpot.token
refused 3 "a filter that is none" "syntax error" $small -a tpot.tokens=1,2 -w 'tokens >'
refused 3 "a filter of what is not there" "did you mean 'tokens'?" $small -a tpot.tokens=1,2 -w 'tokenz > 1'
refused 3 "a filter that is not the same twice" "not authorized" $small -a tpot.tokens=1,2 -w 'random() > 0'
refused 3 "a filter that lets nothing pass" "no point is left" $small -a tpot.tokens=1,2 -w 'tokens > 2'
refused 3 "a filter that is two" "more than one expression" $small -a tpot.tokens=1,2 -w '1); DROP TABLE x; --'
refused 2 "an unknown method" "did you mean 'sobol'?" $small -a tpot.tokens=1,2 --sample sobo:3
refused 2 "a number of points that is none" "saltelli and 1 to 1000000000 points" $small -a tpot.tokens=1,2 --sample sobol:-3
refused 2 "no points" "saltelli and 1 to 1000000000 points" $small -a tpot.tokens=1..2 --sample sobol:0
refused 2 "an axis twice" "for example --axis tpot.tokens=1,2,4" $small -a tpot.tokens=1,2 -a tpot.tokens=4
refused 2 "a value for an axis" "this key is an axis" $small -a tpot.tokens=1,2 -s tpot.tokens=4
refused 4 "a cache that is not there" "none.sqlite: error: cannot open" $small -a tpot.tokens=1,2 --cache none.sqlite -o begun.sqlite
check "a cache that is not there leaves no begun sweep" [ ! -e begun.sqlite.part ]
refused 3 "no seeds" "how many seeds?" $small -a tpot.tokens=1,2 --seeds 0
refused 3 "seeds twice" "leave one of them out" $small -a sim.seed=1,2 --seeds 2
refused 3 "a value for -s" "is out of range" $small -a tpot.copies=1,2 -s tpot.tokens=0
refused 3 "points that all fail" "the planes of mpft are apart" $small -a tpot.tokens=1,2 -s cluster.topology=mpft
refused 2 "a CSV file as result" "moesim export" $small -a tpot.tokens=1,2 -o r.csv
refused 2 "a shard that is none" "I from 1 to N" $small -a tpot.tokens=1,2 --shard 3/2
refused 2 "resume of nothing" "name it with -o" $small -a tpot.tokens=1,2 --resume
refused 2 "an unknown metric" "did you mean 'tpot_bound'?" $small -a tpot.tokens=1,2 --show tpot_bond
refused 4 "a missing scenario" "No such file" none.yaml -a tpot.tokens=1
refused 4 "a missing folder" "none/r.sqlite" $small -a tpot.tokens=1 -o none/r.sqlite
cat >bad.yaml <<EOF
sweep:
  scenario: $T
  axes:
    tpot.tokens: {a: 1}
    tpot.copies: [2, 600]
  wehre: tokens > 1
name: beside
EOF
refused 3 "all mistakes of a file: a mapping" "bad.yaml:4:18: error: this is a mapping" bad.yaml
tells "bad.yaml:5:22: error: tpot.copies: '600' is out of range"
tells "bad.yaml:6:3: error: unknown key 'wehre'; did you mean 'where'?"
tells "bad.yaml:7:1: error: 'name' stands beside a sweep of another file"
expect 3 "validate tells the same" validate bad.yaml
tells "bad.yaml:6:3: error: unknown key 'wehre'; did you mean 'where'?"
refused 3 "bytes that are no text" "this is not UTF-8 text" $small -a tpot.tokens=1,2 -w $'tokens > \xfe'

# --- results ----------------------------------------------------------------------------------------------------
F=$srcdir/scenarios/fig6_latency_16gpu.yaml
many() {
    local title=$1
    shift
    expect 0 "$title" sweep "$F" -s 'collective.to=128 B' -s collective.receiver_cv=0.1 -a collective.topologies=mpft,mrft \
        -a 'cluster.nic.latency=1..3 us by 0.5' --seeds 2 "$@"
}
many "two at a time" -j2 -o j2.sqlite
says "+-95%"
many "one at a time" -j1 -o j1.sqlite
check "-j1 gives the bytes of -j2" cmp j1.sqlite j2.sqlite
for i in 1 2 3; do many "shard $i of 3" -j2 --shard $i/3 -o s$i.sqlite; done
expect 0 "merge" merge s2.sqlite s1.sqlite s3.sqlite -o merged.sqlite
check "shards merged give the bytes of one machine" cmp merged.sqlite j1.sqlite
# points that differ in what they have: metrics, tables and notes come in another order in some of them
mixed() {
    local title=$1
    shift
    expect 0 "$title" sweep "$srcdir/scenarios/decode_ep144.yaml" -s sim.network=bound \
        -s expert_load.redundant=0 -s llm.layers=7 -a inference.phase=prefill,decode \
        -a cluster.nodes=2,4 "$@"
}
mixed "unlike points" -o unlike.sqlite
for i in 1 2; do mixed "unlike points, shard $i of 2" --shard $i/2 -o u$i.sqlite; done
expect 0 "merge of unlike points" merge u1.sqlite u2.sqlite -o unlike2.sqlite
check "unlike points merged are the bytes of one machine" cmp unlike2.sqlite unlike.sqlite
bound=(sweep "$srcdir/tests/data/sweep_bound.yaml" -s cluster.nodes=2 -s tpot.bridge=true -s tpot.copies=4 -a cluster.nic.bandwidth='400,500,600,700 Gb/s')
expect 0 "notes that come and go" "${bound[@]}" -o notes.sqlite
says "note of "
says "all points: computation is left out"
expect 0 "caveats of every point" sweep "$srcdir/scenarios/decode_ep144.yaml" -s hardware=b300 -s sim.network=bound \
    -s inference.simulate_layers=2 -a inference.decode.batch=32,64,96,128,160,192,224 -o caveats.sqlite
for caveat in "unvalidated: the numbers of B300" "lower bounds" "estimate: 2 of 58 layers"; do says "all points: $caveat"; done
says "and 4 more notes of some points"
expect 0 "for LaTeX" export caveats.sqlite -o caveats.tex
check "for LaTeX: a comment each" grep -q '^% all rows: unvalidated: the numbers of B300' caveats.tex
expect 0 "of a front" pareto caveats.sqlite --min tpot --max tokens_per_s_gpu
says "all points: unvalidated: the numbers of B300"
expect 0 "a warning of a point" sweep "$F" -s 'collective.to=128 B' -s collective.topologies= -s cluster.topology=ft2 \
    -s cluster.network.oversubscription=2 -a cluster.nic.latency='1 us, 2 us'
tells "2 of 2 points warn; the first is point 0:"
for i in 1 2; do expect 0 "the same, shard $i of 2" "${bound[@]}" --shard $i/2 -o n$i.sqlite; done
expect 0 "merge of notes" merge n1.sqlite n2.sqlite -o notes2.sqlite
check "notes merged are the bytes of one machine" cmp notes2.sqlite notes.sqlite
mkdir elsewhere && ln -s "$srcdir/scenarios" linked
check "from another folder, by another path: the same bytes" bash -c 'cd elsewhere && "$MOESIM" sweep \
    ../linked/fig6_latency_16gpu.yaml -s "collective.to=128 B" -s collective.receiver_cv=0.1 -a collective.topologies=mpft,mrft \
    -a "cluster.nic.latency=1..3 us by 0.5" --seeds 2 -o there.sqlite >/dev/null && cmp there.sqlite ../j1.sqlite'
expect 0 "merge of a whole" merge j1.sqlite -o again.sqlite
check "and of itself" cmp again.sqlite j1.sqlite
expect 3 "merge without a shard" merge s1.sqlite s3.sqlite -o never.sqlite
tells "of 20 points are in none of these results, the first is point 1"
expect 0 "another sweep" sweep $small -a tpot.tokens=1,2 -o other.sqlite
expect 3 "merge of different sweeps" merge s1.sqlite other.sqlite -o never.sqlite
tells "no part of the same sweep"
expect 3 "merge of no result" merge "$F" -o never.sqlite
expect 2 "merge of nothing" merge -o never.sqlite
check "no file of what was refused" [ ! -e never.sqlite ]
for table in wide wide_mean metrics table_sizes summary points resolved; do
    expect 0 "export $table" export j1.sqlite -t $table -o $table.csv
done
expect 0 "export as JSON" export j1.sqlite -o wide.json
check "JSON: units" grep -q '"unit":[[:space:]]*"s"' wide.json
check "CSV: units in the head" grep -q '^point,setting,seed,status,collective.topologies,cluster.nic.latency \[s\],' wide.csv
check "CSV: a row per point" [ "$(wc -l <wide.csv)" = 21 ]
check "CSV: a row per setting" [ "$(wc -l <wide_mean.csv)" = 11 ]
expect 2 "export of what is not there" export j1.sqlite -t wyde
tells "did you mean 'wide'?"
expect 4 "export of no file" export none.sqlite
expect 3 "export of another file" export "$F"
# a database that was damaged or cut off is told, at any place; it is never taken for whole and never a crash
size=$(stat -c %s j1.sqlite) wrong=0 told=0
for at in $(seq 0 4096 $((size - 1))); do
    cp j1.sqlite broken.sqlite
    head -c 4096 /dev/urandom | dd of=broken.sqlite bs=1 seek=$at conv=notrunc 2>/dev/null
    "$MOESIM" merge broken.sqlite -o never.sqlite >out 2>err
    code=$?
    case $code in 0 | 3 | 4) ;; *) wrong=$((wrong + 1)) ;; esac
    [ $code = 0 ] || told=$((told + 1))
done
last="damaged pages"
check "$last: never a crash" [ $wrong = 0 ]
check "$last: most of them are told" [ $told -gt $((size / 4096 / 2)) ]
head -c $((size / 2)) j1.sqlite >broken.sqlite
expect 3 "a database that was cut off" merge broken.sqlite -o never2.sqlite
tells "broken.sqlite: error: cannot read"
expect 4 "export to a full disk" export j1.sqlite -o /dev/full
if python3 -c 'import sqlite3' 2>/dev/null; then
    "$MOESIM" run "$F" -s 'collective.to=128 B' -s collective.receiver_cv=0.1 -s collective.topologies=mrft -s cluster.nic.latency='2 us' \
        -s sim.seed=2 --json >single.json
    check "point 15 is that run: metrics, tables, notes" python3 - <<EOF
import json, sqlite3
db, run = sqlite3.connect("j1.sqlite"), json.load(open("single.json"))
metrics = {n: (v, u, d) for n, v, u, d in db.execute("SELECT name, value, unit, doc FROM metrics WHERE point = 15")}
assert metrics == {n: (m["value"], m["unit"], m["doc"]) for n, m in run["metrics"].items()}, metrics
for table in run["tables"]:
    for i, row in enumerate(table["rows"]):
        got = dict(db.execute('SELECT "column", value FROM tables WHERE point = 15 AND "table" = ? AND row = ?',
                              (table["name"], i)))
        assert {k: v for k, v in got.items() if v is not None} == row, (got, row)
assert [t for t, in db.execute("SELECT text FROM notes JOIN note_texts USING (note) WHERE point = 15")] == run["notes"]
EOF
    "$MOESIM" validate --print "$F" -s 'collective.to=128 B' -s collective.receiver_cv=0.1 -s collective.topologies=mrft \
        -s cluster.nic.latency='2 us' -s sim.seed=2 >printed.yaml
    check "its resolved scenario is that of validate --print, and hashed" python3 - <<EOF
import hashlib, sqlite3
db, text = sqlite3.connect("j1.sqlite"), open("printed.yaml").read()
assert db.execute("SELECT yaml FROM resolved WHERE point = 15").fetchone()[0] == text
assert db.execute("SELECT scenario_sha256 FROM points WHERE point = 15").fetchone()[0] == \
    hashlib.sha256(text.encode()).hexdigest()
EOF
    check "the view wide: a row per point, numbers are numbers" [ "$(sql j1.sqlite \
        'SELECT count(*), typeof("cluster.nic.latency") FROM wide')" = "20|real" ]
    check "the files that it depends on" [ "$(sql j1.sqlite \
        "SELECT path FROM files WHERE path LIKE 'configs/h800/n%'" | paste -sd' ')" = \
        "configs/h800/network.yaml configs/h800/nic.yaml configs/h800/node.yaml" ]
    check "confidence intervals: Student's t of two seeds" python3 - <<EOF
import math, sqlite3
db = sqlite3.connect("j1.sqlite")
for setting, metric, n, mean, sd, ci95 in db.execute("SELECT setting, metric, n, mean, sd, ci95 FROM summary"):
    x = [v for v, in db.execute("SELECT value FROM points JOIN metric_values USING (point) WHERE setting = ?"
                                " AND metric = ?", (setting, metric))]
    assert n == len(x) == 2 and math.isclose(mean, sum(x) / 2, rel_tol=1e-12)
    assert math.isclose(ci95, 12.706204736 * abs(x[0] - x[1]) / 2, rel_tol=1e-6, abs_tol=1e-20), (x, ci95)
EOF
else
    skip "results equal single runs" "no python3 with sqlite3"
fi

# --- again, from before ----------------------------------------------------------------------------------------------
refused 3 "an existing result" "replace it with --overwrite" $small -a tpot.tokens=1,2 -o other.sqlite
refused 0 "resume of what is complete" "complete already" $small -a tpot.tokens=1,2 -o other.sqlite --resume
refused 3 "resume of another sweep" "the result of another sweep" $small -a tpot.tokens=1,3 -o other.sqlite --resume
refused 0 "a cache" "4 points: 2 run, 2 from equal scenarios, 0 done before" $small -a tpot.tokens=1,2,3,4 \
    --cache other.sqlite -o cached.sqlite
expect 0 "without it" sweep $small -a tpot.tokens=1,2,3,4 -o fresh.sqlite
check "a cache changes nothing" cmp cached.sqlite fresh.sqlite
cp "$T" mine.yaml
expect 0 "a sweep of a file" sweep mine.yaml -s tpot.bridge=false -a tpot.tokens=1,2 -o mine.sqlite
sed -i 's/copies: 9/copies: 8/' mine.yaml
refused 0 "a cache whose files have changed" "this cache is not used: mine.yaml has changed since" mine.yaml \
    -s tpot.bridge=false -a tpot.tokens=1,2 --cache mine.sqlite

# --- what points share ---------------------------------------------------------------------------------------------------
# Tokens are drawn, and experts timed, once for points that agree in what decides about them: nothing else may come of it. Each
# axis has a value that draws, times or routes anew, between two that do not.
decode="$srcdir/scenarios/decode_ep144.yaml -s sim.network=bound -s llm.layers=4 -s inference.overlap=none"
decode="$decode -s cluster.nodes=16 -s inference.decode.batch=32"
if python3 -c 'import sqlite3' 2>/dev/null; then
    for axis in "cluster.nic.bandwidth=200 Gb/s,400 Gb/s" "sim.seed=1,2" "cluster.network.oversubscription=1,8" \
        "cluster.chip.memory_bandwidth=3.35 TB/s,2 TB/s" "expert_load.redundant=0,128" "inference.routing=sampled,balanced" \
        "inference.decode.context=1024,8192" "llm.moe.ffn=2048,1024" "inference.decode.launch_gap=0 us,5 us"; do
        key=${axis%%=*} plain="-s expert_load.redundant=0"
        [ $key = expert_load.redundant ] && plain=
        expect 0 "points that may share: $key" sweep $decode $plain -a "cluster.node.nvlink_bandwidth=5 GB/s,200 GB/s" \
            -a "$axis" -j1 -o share.sqlite --overwrite
        check "$key: points are as when run alone" python3 - "$axis" <<EOF
import json, sqlite3, subprocess, sys
key, values = sys.argv[1].split("=")
points = iter(sqlite3.connect("share.sqlite").execute("SELECT tpot, busiest_rank, nodes_per_token FROM wide ORDER BY point"))
seen = set()
for nvlink in ("5 GB/s", "200 GB/s"):
    for value in values.split(","):
        run = subprocess.run(["$MOESIM", "run", *"$decode $plain".split(), "-s", "cluster.node.nvlink_bandwidth=" + nvlink,
                              "-s", key + "=" + value, "--json"], stdout=subprocess.PIPE, check=True)
        metrics = json.loads(run.stdout)["metrics"]
        alone = tuple(metrics[m]["value"] for m in ("tpot", "busiest_rank", "nodes_per_token"))
        shared = next(points)
        assert alone == shared, (nvlink, value, alone, shared)
        seen.add(alone)
assert len(seen) > 2, seen
EOF
    done
else
    skip "points that share are as when run alone" "no python3 with sqlite3"
fi

# --- texts from files ----------------------------------------------------------------------------------------------------
expect 0 "texts that a spreadsheet would run" sweep $small \
    -a 'description="=1+2","+a, b",@x,-y,plain' -o evil.sqlite
expect 0 "as CSV" export evil.sqlite -o evil.csv
for field in "'=1+2" "\"'+a, b\"" "'@x" "'-y" plain; do check "CSV: $field" grep -qF -e ",$field," evil.csv; done
finish
