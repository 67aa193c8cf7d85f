#!/bin/bash
# moesim search finds what simulating every point finds, and simulates few of them. TAP.
#   MOESIM_THOROUGH=1 takes spaces of more than 2,000 points.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios
if [ -n "${MOESIM_THOROUGH:-}" ]; then
    EXPECT_S=3600
    rates='100..800 Gb/s by 100' lats='0.5, 1, 2, 4, 8 us' links='100..800 GB/s by 100' hops='0.2, 0.4, 0.8 us'
else
    rates='200, 400 Gb/s' lats='1, 4 us' links='100, 400 GB/s' hops='0.4 us'
fi

# The values of a column of a search's table, as JSON.
column() { # NAME FILE
    python3 -c 'import json, sys
t = json.load(open(sys.argv[2]))
names = [c["name"] for c in t["columns"]]
for row in t["rows"]:
    print("%.12g" % (row[sys.argv[1]] if isinstance(row, dict) else row[names.index(sys.argv[1])]))' "$@"
}

same_as_exhaustive() { # NAME METRIC ARGUMENTS...
    local name=$1 metric=$2
    shift 2
    expect 0 "$name" search "$@" --no-why -o few.json
    expect 0 "$name: every point" search "$@" --no-why --exhaustive -o all.json
    if python3 -c 'import json' 2>/dev/null; then
        # of points that are equal in all objectives a search keeps those that it met
        check "$name: the same values" test "$(column "$metric" few.json | uniq)" = "$(column "$metric" all.json | uniq)"
    else
        skip "$name: the same values" "no python3 with json"
    fi
    "$MOESIM" search "$@" --no-why -o few2.json -j 1 >/dev/null 2>&1
    check "$name: the same at -j 1" cmp -s few.json few2.json
}

four='-s collective.from=4MiB -s collective.to=4MiB -s collective.topologies='
same_as_exhaustive "a collective" smallest_time "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time \
    --vary "cluster.nic.bandwidth=$rates" --vary "cluster.nic.latency=$lats" \
    --vary "cluster.node.nvlink_bandwidth=$links" --vary "cluster.network.switch_latency=$hops" \
    --vary 'cluster.topology=mpft, ft2' --vary 'collective.algorithm=ring, direct'
says "invalid"
expect 0 "of many points few are simulated" search "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time --top 1 \
    --vary "cluster.nic.bandwidth=$rates" --vary "cluster.nic.latency=$lats" \
    --vary "cluster.node.nvlink_bandwidth=$links" --vary 'cluster.topology=mpft, ft2'
says "ruled out by their bound"
says "the best: smallest_time is bound most by"
check "at most a quarter" awk '/ points: / { gsub(",", ""); for (i = 1; i < NF; i++) if ($(i+1) == "simulated;") n = $i; exit !(n && n <= $1 / 4) }' out

same_as_exhaustive "an exchange, where a rate is wanted" tokens_per_s_gpu "$S/decode_ep128.yaml" -s llm.layers=4 \
    -s cluster.nodes=2 -s sim.network=bound --maximize tokens_per_s_gpu --where 'tpot <= 5 ms and memory fits' \
    --vary 'inference.decode.batch=8, 16, 32' --vary "cluster.nic.bandwidth=$rates" --vary 'inference.overlap=none, dual'
# The fastest hardware is no bound of what hardware costs.
same_as_exhaustive "what is dear where it is fast" cost_per_million_tokens "$S/decode_ep128.yaml" -s llm.layers=4 \
    -s cluster.nodes=2 -s sim.network=bound --minimize cost_per_million_tokens --top 9 --where 'cluster_cost <= 3 MUSD' \
    --vary 'inference.decode.batch=88, 96, 128' --vary 'cluster.nic.bandwidth=200, 400, 12800 Gb/s'
if [ -n "${MOESIM_THOROUGH:-}" ]; then
    same_as_exhaustive "the bound of decoding, where a rate is wanted" tokens_per_second_bound "$S/tpot_bound_h800.yaml" \
        -s tpot.bridge=false --maximize tokens_per_second_bound --where 'tpot_bound <= 20 ms' --vary 'tpot.tokens=4..64 by 4' \
        --vary "cluster.nic.bandwidth=$rates" --vary "cluster.nic.latency=$lats" --vary 'tpot.layers=30, 45, 61' --vary 'tpot.copies=9, 11'
fi
same_as_exhaustive "two objectives" smallest_time "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time \
    --maximize largest_busbw --vary "cluster.nic.latency=$lats" --vary "cluster.node.nvlink_bandwidth=$links" \
    --vary "cluster.nic.bandwidth=$rates" --vary "cluster.network.switch_latency=$hops" --vary 'cluster.topology=mpft, mrft, ft2'

# --- a space of 10^5 -------------------------------------------------------------------------------------
large() { awk -v b="$1" -v s="$2" '/ points: / { gsub(",", ""); exit !($1 >= 1e5 && $5 <= b && $8 <= s) }' out; }
if [ -n "${MOESIM_THOROUGH:-}" ]; then
    expect 0 "a space of 10^5" search "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time --top 3 --no-why \
        --vary 'cluster.nic.bandwidth=100..800 Gb/s by 50' --vary 'cluster.nic.latency=0.5..5 us by 0.5' \
        --vary 'cluster.node.nvlink_bandwidth=100..800 GB/s by 100' --vary 'cluster.network.switch_latency=0.2..1 us by 0.2' \
        --vary 'cluster.topology=mpft, mrft, ft2' --vary 'collective.algorithm=ring, direct, hierarchical' \
        --vary 'collective.pxn=true, false'
    check "at most 3,000 bounds and 200 simulations" large 3000 200
fi

# --- shards -----------------------------------------------------------------------------------------------
three="$S/fig6_latency_16gpu.yaml $four --vary cluster.nic.latency=1us,2us --vary cluster.topology=mpft,ft2 --no-why
    --vary collective.algorithm=direct,hierarchical,ring"
for what in "--minimize smallest_time --top 3" "--minimize smallest_time --maximize largest_busbw"; do
    "$MOESIM" search $three $what -o whole.json >/dev/null 2>&1
    for i in 1 2 3; do "$MOESIM" search $three $what --shard $i/3 -o shard$i.json >/dev/null 2>&1; done
    expect 0 "shards of $what" merge shard3.json shard1.json shard2.json -o merged.json
    check "the same best" test "$(column smallest_time merged.json)" = "$(column smallest_time whole.json)"
done
expect 3 "a shard is missing" merge shard1.json shard3.json -o x.json
tells "shard 2/3 is in none"
expect 3 "a shard twice" merge shard1.json shard1.json shard2.json -o x.json
"$MOESIM" search $three --minimize smallest_time --shard 2/3 -o other.json >/dev/null 2>&1
expect 3 "a shard of another search" merge shard1.json other.json shard3.json -o x.json
tells "no shard of the same search"
expect 2 "a shard without a file" search $three --minimize smallest_time --shard 1/2
expect 0 "merged as CSV" merge shard1.json shard2.json shard3.json -o merged.csv
check "with a head" grep -q '^rank,latency,topology,algorithm,smallest_time' merged.csv

# --- files and what can be wrong ------------------------------------------------------------------------
cat >space.yaml <<END
sweep:
  scenario: $S/fig6_latency_16gpu.yaml
  set: {collective.topologies: "", collective.from: 4 MiB, collective.to: 4 MiB}
  axes:
    cluster.nic.bandwidth: [200 Gb/s, 400 Gb/s]
    cluster.topology: [mpft, ft2]
  search: {minimize: smallest_time, where: largest_busbw >= 10 GB/s, top: 2}
END
expect 0 "a file says what to look for" search space.yaml --no-why --scenarios best
says "smallest_time"
expect 0 "the best is ready to run" run best/rank_1.yaml
expect 0 "memory is that of the result" search "$S/decode_ep128.yaml" -s llm.layers=4 -s cluster.nodes=2 --no-why \
    --maximize tokens_per_s_gpu --vary inference.decode.batch=8,16 --where 'memory fits'
says "memory_used"
check "and a number" awk '$1 == 1 { exit !($4 > 0 && $4 < 1) }' out
refused() { # NAME TEXT ARGUMENTS
    local name=$1 text=$2
    shift 2
    expect "${code:-2}" "$name" search "$@"
    tells "$text"
}
refused "nothing to look for" "what should be small or large" "$S/fig6_latency_16gpu.yaml" --vary cluster.topology=mpft
refused "nothing that varies" "there is no axis" "$S/fig6_latency_16gpu.yaml" --minimize smallest_time
refused "no such metric" "no metric 'smalest_time'; did you mean 'smallest_time'?" space.yaml --minimize smalest_time
refused "no such metric in a condition" "did you mean 'largest_busbw'?" space.yaml --where 'largest_busw > 1 GB/s'
refused "no such metric, every point" "did you mean 'smallest_time'?" space.yaml --minimize smalest_time --exhaustive
refused "memory of what has none" "does not say how much memory" space.yaml --where 'memory fits'
refused "an axis without values" "--vary wants KEY=VALUES" space.yaml --vary cluster.nic.latency
refused "an axis twice" "for example --vary cluster.nic.latency=1us,2us" space.yaml --vary cluster.nic.latency=1us --vary cluster.nic.latency=2us
code=4 refused "an output that cannot be written is told before the search" "there is no directory" space.yaml -o no/where.json
check "and nothing was searched" [ ! -s out ]
touch file
code=4 refused "a folder that cannot be" "file" space.yaml --scenarios file
refused "a condition without a value" "is no condition" space.yaml --where 'tpot <='
refused "a condition in a wrong unit" "largest_busbw" space.yaml --where 'largest_busbw >= 10 ms'
for how in '' --exhaustive; do
    code=3 refused "a condition that nothing meets $how" "2 do not meet 'largest_busbw >= 10 TB/s' (the nearest: " space.yaml \
        --where 'largest_busbw >= 10 TB/s' --vary cluster.nic.bandwidth='400 Gb/s' --vary collective.algorithm=direct,ring $how
    tells "2 are no valid scenario (-s collective.algorithm=ring"
done
mkdir mine
sed "s|^sweep:.*|&|" space.yaml >mine/rank_1.yaml
code=4 refused "scenarios over what is read" "the same command reads" mine/rank_1.yaml --scenarios mine
check "it stays as it was" cmp -s space.yaml mine/rank_1.yaml
mkdir -p linked && "$MOESIM" validate --print "$S/fig6_latency_16gpu.yaml" >linked/own.yaml && ln -s own.yaml linked/rank_2.yaml
cp linked/own.yaml own.copy
code=4 refused "the same under another name" "the same command reads" linked/own.yaml $four --minimize smallest_time \
    --vary 'cluster.nic.latency=1, 2, 3 us' --vary cluster.topology=mpft --scenarios linked
check "it stays, too" cmp -s own.copy linked/own.yaml
expect 0 "fewer points than before" search space.yaml --no-why --top 1 --scenarios best
check "what an earlier search left is gone" [ "$(ls best)" = rank_1.yaml ]
echo "name: mine" >best/rank_2.yaml
expect 0 "and again" search space.yaml --no-why --top 1 --scenarios best
check "files of others stay" [ -f best/rank_2.yaml ]
sed 's/^  search:/  where: bandwidth < 1 TB\/s\n  search:/' space.yaml >filtered.yaml
code=3 refused "a filter of sweeps" "not for a search" filtered.yaml
finish
