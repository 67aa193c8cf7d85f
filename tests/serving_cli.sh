#!/bin/bash
# Kinds serving and speculative: what comes out, what changes it, files of requests, refusals. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios/serving_disaggregated.yaml
M=$srcdir/scenarios/speculative_mtp.yaml
value() { # FILE NAME
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["metrics"][sys.argv[2]]["value"])' "$@"
}
cell() { # FILE TABLE ROW COLUMN
    python3 -c 'import json, sys
t = next(t for t in json.load(open(sys.argv[1]))["tables"] if t["name"] == sys.argv[2])
print(t["rows"][int(sys.argv[3])][sys.argv[4]])' "$@"
}
holds() { # TITLE EXPRESSION
    check "$1: $2" python3 -c "assert $2"
}
refused() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$@"
    tells "$text"
}
# few points and requests, steps in closed form: what the service does with them is the same
small=("$S" -s sim.network=bound -s inference.simulate_layers=2 -s serving.grid.batch='8, 32' -s serving.grid.context='1024, 4096'
    -s serving.grid.prompt=2048 -s serving.grid.tokens=512 -s serving.requests.count=3000 -s serving.requests.output.mean=200 -s serving.requests.prompt.most=4000
    -s serving.requests.prompt.mean=3000)
# of a file: nothing is drawn
filed=("$S" -s sim.network=bound -s inference.simulate_layers=2 -s serving.grid.batch='8, 32' -s serving.grid.context='1024, 4096'
    -s serving.grid.prompt=2048 -s serving.grid.tokens=512)
serve() { # TITLE FILE ARGS...
    local title=$1 file=$2
    shift 2
    expect 0 "$title" run "${small[@]}" "$@" -o "$file"
}

serve "a service" a.json
says "points that were simulated"
serve "again" b.json
check "to the byte" cmp a.json b.json
serve "another seed" c.json -s sim.seed=2
check "is another draw" [ "$(value a.json ttft_p50)" != "$(value c.json ttft_p50)" ]
holds "percentiles rise" "$(value a.json ttft_p50) < $(value a.json ttft_p90) < $(value a.json ttft_p99)"
holds "everything that came was served" "abs($(value a.json offered_rate) / 100 - 1) < 0.1"
serve "four times the load" d.json -s serving.requests.rate=400
holds "waits longer" "$(value d.json ttft_p90) > $(value a.json ttft_p90)"
holds "in larger batches" "$(value d.json batch_mean) > 1.3 * $(value a.json batch_mean)"
holds "tokens take longer" "$(value d.json tpot_p50) > $(value a.json tpot_p50)"
serve "more than prefill can take" over.json -s serving.requests.rate=1500
says "overload"
holds "no more wait than came" "$(value over.json prefill_queue) < 3000"
serve "far more than that" flood.json -s serving.requests.rate=100000
holds "all of them wait, and no more" "1500 < $(value flood.json prefill_queue) < 3000"
holds "goodput falls" "$(value over.json goodput) < $(value a.json goodput)"
serve "a limit that nobody meets" e.json -s serving.ttft_limit='1 ms'
holds "no goodput" "$(value e.json goodput) == 0"
serve "with the MTP module" mtp.json -s inference.decode.extra_tokens=1
holds "tokens come faster" "$(value mtp.json tpot_p50) < 0.8 * $(value a.json tpot_p50)"
serve "the cache at the end of prefill" late.json -s inference.prefill.kv_transfer=at_end
holds "comes later" "$(cell late.json requests 2 mean) > $(cell a.json requests 2 mean)"
serve "a slower chip" slow.json -s cluster.chip.memory_bandwidth='2 TB/s'
holds "is slower" "$(value slow.json tpot_p50) > $(value a.json tpot_p50)"
colocated=(-s serving.colocated=true -s inference.phase=decode -s cluster.nodes=18 -s inference.prefill.tokens=256
    -s serving.requests.rate=50)
serve "both on the same units" co.json "${colocated[@]}"
holds "prompts hold up decoding" "$(value co.json tpot_p50) > 1.3 * $(value a.json tpot_p50)"
serve "whole prompts" whole.json "${colocated[@]}" -s serving.chunked=false
holds "even more" "$(value whole.json tpot_p99) > $(value co.json tpot_p99)"

# --- what was not simulated is said ---------------------------------------------------------------------------
serve "outside of the grid" far.json -s serving.requests.count=300 -s serving.requests.rate=1
says "is of longer prompts than were simulated"
says "where serving.grid.prompt ends at 2048"
says "is of fewer sequences of the fullest GPU than were simulated, to 1 where serving.grid.batch begins at 8"
serve "inside of the grid" near.json -s serving.requests.count=300 -s serving.requests.rate=1 -s serving.grid.prompt='1024, 4096' \
    -s serving.grid.context='1024, 8192' -s serving.grid.batch='2, 32'
check "longer prompts and caches are not said where there are none" [ "$(grep -c 'longer .* than were simulated' out)" = 0 ]

# --- requests from a file -----------------------------------------------------------------------------------
expect 0 "the example of a file" run "${filed[@]}" -s serving.requests.file=configs/requests/example.csv -s serving.warmup=0 \
    -s serving.grid.prompt=8192
says "10 requests after 0 of warm-up"
printf '0 100 10\n1 100 0\n' >zero.csv
refused "no tokens to generate" "zero.csv:2:7: error: output is a whole number" "${filed[@]}" -s serving.requests.file=zero.csv
printf '0 100 10\n1 99.5 3\n' >half.csv
refused "half a token" "half.csv:2:3: error: prompt is a whole number" "${filed[@]}" -s serving.requests.file=half.csv
printf 'arrival_s, prompt, output\n2, 100, 10\n1, 100, 10\n' >order.csv
refused "not by arrival" "order.csv:3:1: error: requests stand by arrival" "${filed[@]}" -s serving.requests.file=order.csv
printf '0 100\n' >two.csv
refused "a column too few" "two.csv:1:1: error: 2 numbers where a row has 3" "${filed[@]}" -s serving.requests.file=two.csv
printf -- '-1 100 10\n' >minus.csv
refused "a time before the start" "minus.csv:1:1: error: -1 is not from 0" "${filed[@]}" -s serving.requests.file=minus.csv
printf '0 100 ten\n' >word.csv
refused "a word" "word.csv:1:7: error: 'ten' is no number" "${filed[@]}" -s serving.requests.file=word.csv
printf '0 900000 10\n' >long.csv
refused "a prompt beyond the grid" "more than twice the largest" "${filed[@]}" -s serving.requests.file=long.csv
refused "a batch that does not divide, where it was given" "-s serving.grid.batch=17,32: error: 17 sequences do not divide" "$S" \
    -s serving.grid.batch=17,32
printf '# none\n' >none.csv
refused "no request" "there is no row in it" "${filed[@]}" -s serving.requests.file=none.csv
expect 4 "no file" run "${filed[@]}" -s serving.requests.file=nowhere.csv
tells "there is no file 'nowhere.csv'"
refused "a request larger than the cache" "the caches of a GPU hold" "${small[@]}" \
    -s serving.requests.output.least=800000 -s serving.requests.output.most=900000
refused "a batch beyond the grid" "steps are simulated up to 32" "${small[@]}" -s serving.max_batch=256
refused "a point that does not fit" "does not fit" "${small[@]}" -s serving.grid.context=65536
refused "phases that do not agree" "write 'phase: disaggregated'" "${small[@]}" -s inference.phase=decode
refused "limits the wrong way round" "serving.requests.prompt.least is 99999" "${small[@]}" -s serving.requests.prompt.least=99999
refused "a batch of one's own" "'inference.decode.batch' changes nothing" "${small[@]}" -s inference.decode.batch=64
refused "no points" "an empty list" "${small[@]}" -s serving.grid.batch=
refused "odd micro-batches" "do not divide into two micro-batches" "${small[@]}" -s serving.grid.batch='7, 32'
refused "acceptance above 1" "serving.acceptance" "${small[@]}" -s serving.acceptance=2

# --- long prompts -------------------------------------------------------------------------------------------
printf '0.0,6758,500\n0.4,7319,490\n0.9,126195,320\n' >long.csv
long=("$S" -s cluster.nodes=22 -s sim.network=bound -s inference.simulate_layers=2 -s inference.prefill.tokens=2048
    -s inference.prefill.cached='56.3 %' -s serving.requests.file=long.csv -s serving.warmup=0 -s serving.grid.batch='8, 64'
    -s serving.grid.context='1024, 65536' -s serving.grid.tokens='1024, 4096')
expect 0 "prompts too long to go whole" run "${long[@]}" -s serving.grid.prompt='1024, 65536' -o l.json
says "do not all fit whole beside each other"
refused "whole, where that is asked for" "prefill does not fit" "${long[@]}" -s serving.grid.prompt='1024, 65536' -s serving.chunked=false

# --- speculative decoding -------------------------------------------------------------------------------------
fast=("$M" -s sim.network=bound -s inference.simulate_layers=2)
expect 0 "speculation" run "${fast[@]}" -s speculative.batch='4, 64' -s speculative.context=1024 \
    -s speculative.acceptance='0, 80 %, 90 %, 1' -o s.json
holds "no step is free" "$(cell s.json cost 0 cost) > 1"
holds "nothing accepted is a loss" "$(cell s.json speedup 0 speedup) < 1"
holds "all accepted, at no cost: twice" "$(cell s.json speedup 3 tokens_per_step) == 2"
holds "small batches gain more" "$(cell s.json speedup 1 speedup) > $(cell s.json speedup 5 speedup)"
holds "sampled is as expected" "abs($(cell s.json speedup 1 sampled) / $(cell s.json speedup 1 speedup) - 1) < 0.01"
holds "users differ" "$(cell s.json speedup 1 sampled_p5) < $(cell s.json speedup 1 sampled) < $(cell s.json speedup 1 sampled_p95)"
holds "the paper's 1.8 is the free step" "$(cell s.json speedup 1 tokens_per_step) == 1.8"
expect 0 "three tokens" run "${fast[@]}" -s speculative.extra_tokens='1, 3' -s speculative.batch=4 \
    -s speculative.context=1024 -s speculative.acceptance='60 %, 90 %' -o k.json
holds "1 + p + p^2 + p^3" "abs($(cell k.json speedup 3 tokens_per_step) - (1 + 0.9 + 0.81 + 0.729)) < 1e-12"
holds "three passes cost more" "$(cell k.json cost 1 draft) > 2.5 * $(cell k.json cost 0 draft)"
refused "negative acceptance" "an acceptance of -0.1" "${fast[@]}" -s speculative.acceptance=-0.1
refused "acceptance above 1" "an acceptance of 1.2" "${fast[@]}" -s speculative.acceptance='120 %'
refused "acceptance that is none" "speculative.acceptance" "${fast[@]}" -s speculative.acceptance=high
refused "a model without modules" "has no MTP modules" "${fast[@]}" -s model=deepseek_v2
refused "a context that does not fit" "does not fit" "${fast[@]}" -s speculative.context=200000
refused "a batch beside the list" "kind speculative does not read it" "${fast[@]}" -s inference.decode.batch=64
refused "prefill" "write 'phase: decode'" "${fast[@]}" -s inference.phase=prefill
refused "too many tokens" "at most 16" "${fast[@]}" -s speculative.extra_tokens=17
refused "multicast in a service" "kind serving does not count which tokens go to several places together" "${small[@]}" \
    -s cluster.ep_kernel.multicast=both
refused "reduction in speculation" "kind speculative does not count which tokens go to several places together" "$M" \
    -s cluster.ep_kernel.reduction=both
# Points of decoding that are reckoned from the closed form: as near as it is said, and so is what comes out.
near=("$S" -s cluster.nodes=6 -s inference.prefill.nodes=2 -s expert_load.redundant=0 -s inference.simulate_layers=2
    -s serving.grid.batch='8, 32, 96' -s serving.grid.context='1024, 4096' -s serving.grid.prompt=2048 -s serving.grid.tokens=512
    -s serving.requests.prompt.most=4000 -s serving.requests.prompt.mean=3000 -s serving.requests.count=300 -s serving.requests.rate=10
    -s serving.requests.output.mean=200)
expect 0 "all points simulated" run "${near[@]}" -o all.json
check "nothing is said of others" [ "$(grep -c 'steps of decoding' out)" = 0 ]
expect 0 "points reckoned from the closed form" run "${near[@]}" -s serving.grid.tolerance='1 %' -s sim.checked=true -o near.json
says "points are simulated; the others are the closed form's"
off=$(sed -n 's/.*simulated to compare, .* \([0-9.e-]*\) % off.*/\1/p' out)
cat >near.py <<'EOF'
import json, sys
def steps(path):
    rows = next(t for t in json.load(open(path))["tables"] if t["name"] == "steps")["rows"]
    return [(r["step"], r["size"], r["length"], r["time"]) for r in rows]
exact, near, said = steps(sys.argv[1]), steps(sys.argv[2]), float(sys.argv[3]) / 100
off = [abs(b[3] / a[3] - 1) for a, b in zip(exact, near)]
reckoned = [o for o, b in zip(off, near) if b[0] == "decode, reckoned"]
assert [a[1:3] for a in exact] == [b[1:3] for b in near]
assert 2 <= len(reckoned) < len(off) and all([a[0] != "decode, reckoned" for a in exact])
assert sum(off) == sum(reckoned) and max(off) <= 0.01
assert abs(said - max(off)) <= 0.06 * max(off), (said, max(off))
EOF
check "steps are off by what is said, which is within the tolerance" python3 near.py all.json near.json "$off"
refused "a tolerance of what is closed form anyway" "'sim.network' is bound" "${small[@]}" -s serving.grid.tolerance='1 %'

finish
