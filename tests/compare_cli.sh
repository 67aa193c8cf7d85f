#!/bin/bash
# moesim compare, sensitivity and pareto as a user types them. TAP.
. "$srcdir/tests/cli.sh" || exit 1
T=$srcdir/tests/data/sweep_bound.yaml

# --- compare ---------------------------------------------------------------------------------------------------
one() { "$MOESIM" run "$T" -s cluster.nodes=2 --json "$@"; }
one >before.json
one >same.json
one -s cluster.nic.latency='4 us' >after.json
one -s tpot.bridge=false >less.json
gzip -k after.json
expect 0 "a result and itself" compare before.json same.json
says "0 of 71 values moved"
expect 1 "another latency" compare before.json after.json
says "metric tpot_simulated"
says "bridge[+ latency of the path].dispatch"
says "of 71 values moved, at most by 1.1"
cp out first
expect 1 "compressed" compare before.json after.json.gz
check "compressed: the same" cmp out first
expect 0 "within a tolerance" compare before.json after.json -t '2 %'
expect 1 "within a tolerance but for one metric" compare before.json after.json -t '2 %' -t over_bound=0.001
says "metric over_bound"
says "1 of 71 values moved"
expect 0 "without it" compare before.json after.json -t '2 %' -t over_bound=0.001 --ignore over_bound
expect 2 "a tolerance of a metric that there is not" compare before.json after.json -t over_bund=1%
tells "-t: neither result has a metric, column or claim 'over_bund'; did you mean 'over_bound'?"
expect 2 "ignoring one" compare before.json before.json --ignore nosuch
tells "--ignore: neither result has a metric, column or claim 'nosuch'"
expect 1 "with units, changes in per cent" compare before.json after.json
check "with units, changes in per cent: a time" grep -qE '^metric tpot_simulated +[0-9.]+ ms +[0-9.]+ ms +[+][0-9.]+ %' out
expect 1 "less of it" compare before.json less.json
says "only in the first"
expect 1 "what only one has may be named" compare before.json less.json --ignore over_bound
expect 1 "as JSON" compare before.json after.json --json
check "as JSON: numbers" grep -q '"change"' out
expect 1 "as CSV" compare before.json after.json -o moved.csv
check "as CSV: a row per value that moved" [ "$(wc -l <moved.csv)" = 18 ]
cat >claims.json <<EOF
{"claims": [{"id": "a", "ours": 1.5, "verdict": "holds", "wall_s": 3}, {"id": "b", "ours": null, "verdict": "missed"}]}
EOF
sed 's/1.5/1.6/; s/"wall_s": 3/"wall_s": 4/; s/missed/holds/' claims.json >claims2.json
expect 0 "claims" compare claims.json claims.json
expect 1 "claims that moved" compare claims.json claims2.json
says "claim a"
says "'missed' became 'holds'"
says "2 of 4 values moved"
expect 3 "claims and a run" compare claims.json before.json
tells "before.json: error: it has no value that 'claims.json' has, too"
expect 2 "compare of one" compare before.json
expect 2 "compare of three" compare before.json after.json same.json
expect 2 "a tolerance that is none" compare before.json after.json -t 1x
expect 4 "a missing file" compare before.json none.json
expect 3 "no JSON" compare before.json "$T"
tells "sweep_bound.yaml:1:1: error: this is no JSON"
echo '{"metrics": 3}' >odd.json
expect 3 "no result" compare before.json odd.json
tells "it has no 'metrics'"
head -c 3000 before.json >cut.json
expect 3 "a file that was cut off" compare before.json cut.json
expect 0 "worse only: a longer time that got shorter" compare after.json before.json --worse-only \
    --lower-is-better over_bound --ignore factor
says "more moved for the better"
expect 1 "worse only: a time that got longer" compare before.json after.json --worse-only
says "metric tpot_simulated"
expect 0 "worse only: what is new" compare less.json before.json --worse-only
expect 1 "worse only: what is gone" compare before.json less.json --worse-only
expect 2 "a direction without --worse-only" compare before.json after.json --lower-is-better over_bound
expect 2 "a direction of a name that there is not" compare before.json after.json --worse-only --lower-is-better nosuch
expect 1 "an absolute tolerance that is passed" compare before.json after.json -t '2 %' -t tpot_simulated='1 us'
says "metric tpot_simulated"
expect 0 "an absolute tolerance that is not" compare before.json after.json -t '2 %' -t tpot_simulated='10 ms'
expect 2 "an absolute tolerance of everything" compare before.json after.json -t '1 us'
tells "it needs a name"
expect 2 "a tolerance without its per cent sign" compare before.json after.json -t 5
tells "-t: '5' is 5 times the value; write '5 %'"
expect 2 "of one metric, too" compare before.json after.json -t tpot_simulated=2
tells "write '2 %'"
expect 0 "500 % with its sign is meant" compare before.json after.json -t '500 %'
expect 2 "a tolerance in another unit" compare before.json after.json -t '2 %' -t tpot_simulated=1GB
tells "-t: tpot_simulated is in s, the tolerance in B"
expect 2 "a unit for what has none" compare before.json after.json -t '2 %' -t over_bound='1 ms'
tells "-t: over_bound is in no unit, the tolerance in s"
ours() { printf '{"claims": [{"id": "a", "ours": %s, "verdict": "holds"}]}' "$1" >"$2"; }
ours 100 hundred.json && ours 105.2 more.json && ours 95 fewer.json && ours 0 zero.json
expect 1 "tolerances are of the first value, as the column is" compare hundred.json more.json -t '5 %'
says "+5.2 %"
says "1 of 2 values moved, at most by 5.2 %"
expect 0 "up to them nothing moved" compare hundred.json fewer.json -t '5 %'
expect 1 "of 0 nothing is a share" compare zero.json hundred.json -t '200 %'
says "1 of 2 values moved, 1 from 0"
expect 1 "as JUnit" compare before.json after.json -o moved.xml
check "as JUnit: a test per name, those that moved fail" python3 - <<EOF
import xml.etree.ElementTree as tree
suite = tree.parse("moved.xml").getroot().find("testsuite")
cases = {c.get("name"): c for c in suite}
assert len(cases) == int(suite.get("tests")), suite.attrib
failed = [n for n, c in cases.items() if c.find("failure") is not None]
assert len(failed) == int(suite.get("failures")) > 0
assert "tpot_simulated" in failed and "tpot_bound" not in failed
EOF
expect 1 "as Markdown" compare before.json after.json -o moved.md
check "as Markdown: a row per value that moved" [ "$(grep -c '^| [^pv-]*|' moved.md)" = 17 ]
chip="$srcdir/scenarios/decode_dense_405b.yaml"
expect 0 "a decode step" run "$chip" -s sim.network=bound --json -o h800.json
expect 0 "on another chip" run "$chip" -s sim.network=bound -s cluster.chip.memory_bandwidth='8 TB/s' -o faster.json
expect 1 "another chip: every stage and kernel is the same row" compare h800.json faster.json --all
check "another chip: no row is in one of them only" [ "$(grep -c 'only in' out)" = 0 ]
small="$T -s tpot.bridge=false"
expect 0 "a sweep" sweep $small -a tpot.tokens=1..4 -a tpot.copies=2,3 -o a.sqlite
expect 0 "with a point more and one that moved" sweep $small -a tpot.tokens=1..5 -a tpot.copies=2,3 -o b.sqlite
expect 0 "a sweep and itself" compare a.sqlite a.sqlite
expect 1 "two sweeps" compare a.sqlite b.sqlite
says "tpot.tokens=5, tpot.copies=2  the whole point"
says "0 are only in the first, 2 only in the second"
expect 1 "two sweeps of other models" sweep $small -a tpot.tokens=1..4 -a tpot.copies=2,20 -s cluster.nodes=2 -o c.sqlite
expect 0 "one that fails nowhere" sweep $small -a tpot.tokens=1..4 -a tpot.copies=2,20 -s cluster.nodes=3 -o e.sqlite
expect 1 "points that fail in one" compare c.sqlite e.sqlite
says "'failed' became 'ok'"
expect 3 "a sweep and a run" compare a.sqlite before.json
tells "a sweep is compared with a sweep"

# --- sensitivity --------------------------------------------------------------------------------------------------
ranges=(-a 'cluster.nic.bandwidth=100..800 Gb/s' -a tpot.tokens=8..64 -a 'cluster.nic.latency=1..4 us')
expect 0 "a Morris design" sweep $small "${ranges[@]}" --sample morris:8 -o morris.sqlite
says "and 12 more"
expect 0 "elementary effects" sensitivity morris.sqlite -m tpot_bound --json
check "the bound does not see latency, more bandwidth makes it smaller" python3 - out <<EOF
import json, sys
rows = {r["axis"]: r for r in json.load(open(sys.argv[1]))["rows"]}
assert rows["cluster.nic.latency"]["mu_star"] == 0
assert rows["cluster.nic.bandwidth"]["mu"] < 0 < rows["tpot.tokens"]["mu"]
assert rows["tpot.tokens"]["trajectories"] == 8
EOF
expect 0 "a Saltelli design" sweep $small "${ranges[@]}" --sample saltelli:64 -o saltelli.sqlite
expect 0 "Sobol indices" sensitivity saltelli.sqlite -o indices.csv
check "a row per metric and axis" [ "$(wc -l <indices.csv)" = 13 ]
check "latency explains nothing" grep -q '^tpot_bound,cluster.nic.latency,s,0,0,0,0,64' indices.csv
expect 0 "axes that go together" sweep $small "${ranges[@]}" --zip tpot.tokens,cluster.nic.latency --sample morris:4 \
    -o zip.sqlite
expect 0 "are one" sensitivity zip.sqlite -m tpot_bound
says "tpot.tokens + cluster.nic.latency"
expect 3 "of another design" sensitivity a.sqlite
tells "run it with --sample morris:20"
expect 2 "of an unknown metric" sensitivity morris.sqlite -m tpot
tells "did you mean 'tpot_bound'?"
expect 0 "a shard of it" sweep $small "${ranges[@]}" --sample morris:8 --shard 1/2 -o half.sqlite
expect 3 "sensitivities of a shard" sensitivity half.sqlite
tells "merge all of them first"
expect 3 "a filter takes a design apart" sweep $small "${ranges[@]}" --sample morris:8 -w 'tokens > 10'
expect 2 "of nothing" sensitivity

# --- pareto ------------------------------------------------------------------------------------------------------
expect 0 "a grid" sweep $small -a tpot.tokens=1..8 -a tpot.copies=2..9 -o grid.sqlite
expect 0 "a front" pareto grid.sqlite --min tpot_bound --max tokens
check "a front: the cheapest copies at each number of tokens" [ "$(awk 'NR > 1 && !/^all points:/ { print $2 "x" $3 }' out | paste -sd' ')" = \
    "1x2 2x2 3x2 4x2 5x2 6x2 7x2 8x2" ]
expect 0 "under a condition" pareto grid.sqlite --min tpot_bound --max tpot.tokens -w 'copies >= 4 and tpot_bound > 2 ms'
check "under a condition: other points" awk 'NR > 1 && !/^all points:/ && ($3 < 4 || $4 < 2 && $5 == "ms") { exit 1 }' out
expect 0 "as CSV" pareto grid.sqlite --min tpot_bound --max tokens -o front.csv
check "as CSV: units" [ "$(head -n 1 front.csv)" = "point,tpot.tokens,tpot.copies,tpot_bound [s]" ]
expect 2 "no objective" pareto grid.sqlite
expect 2 "an unknown objective" pareto grid.sqlite --min tpot_bond
tells "did you mean 'tpot_bound'?"
expect 3 "a condition that cannot be read" pareto grid.sqlite --min tpot_bound -w 'copies >'
tells "syntax error"
expect 3 "a condition that holds nowhere" pareto grid.sqlite --min tpot_bound -w 'copies > 100'
expect 2 "an objective twice" pareto a.sqlite --min tokens --max tpot.tokens
tells "'tpot.tokens' is an objective twice"
finish
