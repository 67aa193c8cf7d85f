#!/bin/bash
# moesim search finds what simulating every point finds, and simulates few of them. TAP.
#   MOESIM_THOROUGH=1 takes spaces of more than 2,000 points.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios
if [ -n "${MOESIM_THOROUGH:-}" ]; then
    rates='100..800 Gb/s by 100' lats='0.5, 1, 2, 4, 8 us' links='100..800 GB/s by 100'
else
    rates='200, 400 Gb/s' lats='1, 4 us' links='100, 400 GB/s'
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
        check "$name: the same values" test "$(column "$metric" few.json)" = "$(column "$metric" all.json)"
    else
        skip "$name: the same values" "no python3 with json"
    fi
    "$MOESIM" search "$@" --no-why -o few2.json -j 1 >/dev/null 2>&1
    check "$name: the same at -j 1" cmp -s few.json few2.json
}

four='-s collective.from=4MiB -s collective.to=4MiB -s collective.topologies='
same_as_exhaustive "a collective" smallest_time "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time \
    --vary "cluster.nic.bandwidth=$rates" --vary "cluster.nic.latency=$lats" \
    --vary "cluster.node.nvlink_bandwidth=$links" --vary 'cluster.topology=mpft, ft2' --vary 'collective.algorithm=ring, direct'
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
same_as_exhaustive "two objectives" smallest_time "$S/fig6_latency_16gpu.yaml" $four --minimize smallest_time \
    --maximize largest_busbw --vary "cluster.nic.latency=$lats" --vary "cluster.node.nvlink_bandwidth=$links" \
    --vary 'cluster.topology=mpft, mrft'

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
refused() { # NAME TEXT ARGUMENTS
    local name=$1 text=$2
    shift 2
    expect "${code:-2}" "$name" search "$@"
    tells "$text"
}
refused "nothing to look for" "what should be small or large" "$S/fig6_latency_16gpu.yaml" --vary cluster.topology=mpft
refused "nothing that varies" "there is no axis" "$S/fig6_latency_16gpu.yaml" --minimize smallest_time
refused "no such metric" "no metric 'smalest_time'" space.yaml --minimize smalest_time
refused "a condition without a value" "is no condition" space.yaml --where 'tpot <='
refused "a condition in a wrong unit" "largest_busbw" space.yaml --where 'largest_busbw >= 10 ms'
code=3 refused "a condition that nothing meets" "no point is left" space.yaml --where 'largest_busbw >= 10 TB/s'
sed 's/^  search:/  where: bandwidth < 1 TB\/s\n  search:/' space.yaml >filtered.yaml
code=3 refused "a filter of sweeps" "not for a search" filtered.yaml
finish
