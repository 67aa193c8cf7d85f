#!/bin/bash
# Requests of a service from files: formats, units of time, caches of prefixes, long prompts, bad files. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios/serving_disaggregated.yaml
small=("$S" -s sim.network=bound -s inference.simulate_layers=1 -s serving.warmup=0 -s inference.prefill.cached=0
    -s serving.grid.batch='8, 32' -s serving.grid.context='1024, 4096' -s serving.grid.tokens='512, 1024')
metric() { # NAME
    python3 -c 'import json, sys; print("%.9g" % json.load(open("out"))["metrics"][sys.argv[1]]["value"])' "$1"
}
prompts=(-s serving.grid.prompt=2048)
served() { # TITLE FILE ARGS...
    local title=$1 file=$2
    shift 2
    case "$*" in
    *grid.*) ;;
    *) set -- "$@" "${prompts[@]}" ;;
    esac
    expect 0 "$title" run "${small[@]}" -s serving.requests.file="$file" "$@" --json
}
is() { # NAME VALUE
    check "$last: $1 is $2" [ "$(metric "$1")" = "$2" ]
}

# --- formats: four requests in two seconds, whoever writes them ------------------------------------------------------------
cat >azure.csv <<'END'
TIMESTAMP,ContextTokens,GeneratedTokens
2023-12-31 23:59:59.2500000,800,44
2023-12-31 23:59:59.7500000,396,109
2024-01-01 00:00:01.0000000,879,55
2024-01-01 00:00:01.2500000,91,16
END
sed -E 's/(\.[0-9]+),/\1+00:00,/' azure.csv >azure24.csv
cat >burst.csv <<'END'
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
7,ChatGPT,800,44,844,Conversation log
7.5,GPT-4,396,109,505,API log
8,GPT-4,396,0,396,API log
8.75,GPT-4,879,55,934,Conversation log
9,ChatGPT,91,16,107,API log
END
printf 'request_id,timestamp,input_tokens,output_tokens\n0,1,800,44\n1,1.5,396,109\n2,2.75,879,55\n3,3,91,16\n' >servegen.csv
printf 'output,prompt,arrival_ms\n44,800,250\n109,396,750\n55,879,2000\n16,91,2250\n' >own.csv
cat >vllm.json <<'END'
{"duration": 3.0, "request_rate": Infinity, "input_lens": [800, 879, 396, 91], "output_lens": [44, 55, 109, 16],
 "start_times": [100.0, 101.75, 100.5, 102.0], "ttfts": [0.1, 0.1, 0.1, 0.1]}
END
cat >mooncake.jsonl <<'END'
{"timestamp": 1000, "input_length": 800, "output_length": 44, "hash_ids": [1, 2]}
{"timestamp": 1500, "input_length": 396, "output_length": 109, "hash_ids": [3]}
{"timestamp": 2750, "input_length": 879, "output_length": 55, "hash_ids": [1, 2]}
{"timestamp": 3000, "input_length": 91, "output_length": 16, "hash_ids": [4]}
END
for f in azure.csv azure24.csv burst.csv servegen.csv own.csv vllm.json mooncake.jsonl; do
    served "requests of $f" $f
    is offered_rate 1.5
    is within_limits 1
    metric ttft_p90 >$f.ttft
    check "$f: the same requests" cmp $f.ttft azure.csv.ttft
done
served "unit of time" burst.csv
check "is told, and what was left out" grep -q "BurstGPT's CSV, timestamps in seconds.*" out
check "requests without tokens" grep -q "1 without tokens were left out" out
python3 -c "import json; json.dump({'request_rate': float('inf'), 'input_lens': [800, 396], 'output_lens': [44, 109]}, open('sglang.jsonl', 'w'))"
served "all at once" sglang.jsonl
served "twice as fast" own.csv -s serving.requests.rate_factor=2
is offered_rate 3
served "the first two" own.csv -s serving.requests.first=2
is offered_rate 2

# --- caches of prefixes: against a count by script ---------------------------------------------------------------------------
cat >count.py <<'END'
import json, sys
seen, hits, blocks = set(), 0, 0
for line in open(sys.argv[1]):
    ids = json.loads(line)["hash_ids"]
    n = next((i for i, x in enumerate(ids) if x not in seen), len(ids))
    hits, blocks = hits + n, blocks + len(ids)
    seen.update(ids)
print("%.9g" % (hits / blocks))
END
example=$srcdir/configs/requests/example.jsonl
served "an unlimited cache" "$example" -s serving.prefix_cache=unlimited -s serving.grid.before='512, 16384'
is prefix_hits "$(python3 count.py "$example")"
is prefix_evicted 0
unlimited=$(metric prefix_hits) fast=$(metric ttft_p50)
served "a small cache" "$example" -s serving.prefix_cache=lru -s serving.prefix_positions=8192 -s serving.grid.before='512, 16384'
check "has fewer hits" python3 -c "assert 0 < $(metric prefix_hits) < $unlimited and $(metric prefix_evicted) > 0"
check "and later first tokens" python3 -c "assert $(metric ttft_p50) > $fast"
served "a cache that holds all" "$example" -s serving.prefix_cache=lru -s serving.prefix_positions=1000000 -s serving.grid.before='512, 16384'
is prefix_hits $unlimited
served "hashes that are not used" "$example" -s serving.grid.prompt=16384
check "are told" grep -q "hashes of blocks were not used" out
real=${MOESIM_SHARED:-none}/data/requests
if [ -d "$real" ]; then
    long=(-s serving.grid.before='1024, 32768, 131072' -s serving.grid.tokens='1024, 2048')
    served "Mooncake's conversations" "$real/mooncake_conversation_first_1500.jsonl" -s serving.prefix_cache=unlimited "${long[@]}"
    is prefix_hits "$(python3 count.py "$real/mooncake_conversation_first_1500.jsonl")"
    served "Azure's conversations" "$real/azure_2023_conversation_first_3000.csv" -s serving.grid.prompt='1024, 8192'
else
    skip "real traces" "MOESIM_SHARED has none"
fi

# --- long prompts, schedules, intervals ---------------------------------------------------------------------------------------
printf 'arrival_s,prompt,output\n0,300000,4\n9,300000,4\n' >long.csv
served "prompts of 300,000 positions in chunks" long.csv -s serving.grid.before='1024, 200000' -s llm.attention.kv_value='1 B'
first=$(metric ttft_p50)
served "a beginning of them" own.csv -s serving.grid.before='1024, 200000' -s llm.attention.kv_value='1 B'
check "take hundreds of times as long" python3 -c "assert $first > 100 * $(metric ttft_p50)"
together=(-s serving.colocated=true -s inference.phase=decode -s cluster.nodes=18 -s inference.prefill.tokens=256 -s serving.requests.count=3000)
expect 0 "mixed batches" run "${small[@]}" "${prompts[@]}" "${together[@]}" -s serving.requests.prompt.most=4000 --json
mixed=$(metric tpot_p90) early=$(metric ttft_p50)
expect 0 "prefill first" run "${small[@]}" "${prompts[@]}" "${together[@]}" -s serving.requests.prompt.most=4000 -s serving.schedule=prefill_first --json
check "has earlier first tokens and later others" python3 -c "assert $(metric ttft_p50) <= $early and $(metric tpot_p90) > $mixed"
check "intervals hold their values" python3 -c "
import json
rows = next(t for t in json.load(open('out'))['tables'] if t['name'] == 'percentiles')['rows']
assert len(rows) == 6 and all(0 <= r['low'] < r['value'] < r['high'] for r in rows), rows"

# --- bad files -----------------------------------------------------------------------------------------------------------------
bad() { # TITLE TEXT FILE
    expect 3 "$1" run "${small[@]}" -s serving.requests.file="$3" "${@:4}"
    tells "$2"
}
printf 'arrival,prompt,output\n0,1,1\n' >f
bad "no unit of time" "f:1:1: error: 'arrival' does not say its unit of time; write arrival_s, arrival_ms" ./f
printf 'when,in,out\n0,1,1\n' >f
bad "other columns" "columns must be named as one of: TIMESTAMP, ContextTokens, GeneratedTokens; Timestamp, Request tokens" ./f
printf 'arrival_ms,prompt,output\n0,1,1\n5,-3,1\n' >f
bad "a negative length" "f:3:3: error: prompt: '-3' is no whole number of tokens" ./f
printf 'arrival_ms,prompt,output\n5,1,1\n4,3,1\n' >f
bad "out of order" "f:3:1: error: requests stand by arrival; this one comes 0.001 s before" ./f
printf 'arrival_ms,prompt,output\n5,1\n' >f
bad "too few fields" "f:2:1: error: 2 fields; the first line names 3 columns" ./f
head -c 150 mooncake.jsonl >f
bad "cut off" "f:2:1: error: each line is an object" ./f
sed 's/\[1, 2\]/[1, 2, 3, 4, 5, 6, 7, 8, 9]/' mooncake.jsonl >f
bad "more blocks than the prompt has" "'hash_ids' is a list with a number for each block" ./f
sed 's/800/-8/' mooncake.jsonl >f
bad "a negative prompt" "'input_length' is a whole number of tokens" ./f
echo '{"input_lens": [1], "output_lens": [2], "request_rate": 4.0}' >f
bad "no times" "there are no 'start_times', so that nobody knows when requests came" ./f
cp "$srcdir/tests/data/hf_deepseek_v3.json" f
bad "a model as requests" "this is no file of requests" ./f
bad "a cache of prefixes without hashes" "has no hashes of blocks" ./own.csv -s serving.prefix_cache=unlimited
bad "two caches" "the cache of prefixes says what is found" "$example" -s serving.prefix_cache=unlimited -s inference.prefill.cached=0.5
bad "chunks that were not simulated" "more than twice those before the last chunk" ./long.csv -s serving.grid.before=1024
finish
