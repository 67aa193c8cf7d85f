#!/bin/bash
# moesim run as a user types it: the main job's numbers against the recorded trace, its outputs, what it
# refuses, and that an interrupted run leaves nothing behind. TAP.
. "$srcdir/tests/cli.sh" || exit 1
main_job=$srcdir/scenarios/train_replay_h800.yaml

nothing_left() {
    ls -A >after
    check "$last: no file is left behind" cmp before after
}

# The number behind a key of a JSON object whose name is given: metric NAME < file
metric() { sed -n "/^\t\t\"$1\":/,/}/s/.*\"value\":[[:space:]]*\([-0-9.e+]*\),*/\1/p" | head -n 1; }
within() { # TITLE LOW VALUE HIGH
    check "$1: $2 <= $3 <= $4" awk -v l="$2" -v v="$3" -v h="$4" \
        'BEGIN { exit !(v != "" && l <= v && v <= h) }'
}

# --- the numbers of issue: recorded within 1 %, simulated within 5 %, phases within 15 % ------------
expect 0 "the main job" run "$main_job"
says "sum = makespan"
silent_on_stderr
check "no blank at the end of a line" bash -c '! grep -q " \$" out'
expect 0 "the main job as JSON" run "$main_job" --json
cp out simulated.json
expect 0 "the main job as JSON, again" run "$main_job" --json
check "byte-identical" cmp out simulated.json
expect 0 "recorded communication" run "$main_job" -s replay.comm=recorded --json
within "recorded makespan" 0.12771 "$(metric makespan <out)" 0.13029
within "simulated makespan" 0.12255 "$(metric makespan <simulated.json)" 0.13545
within "exposed communication" 0.02 "$(metric exposed_comm_ratio <simulated.json)" 0.06
# means of the trace's four layer pairs, ms: 5.784, 6.7375, 7.55825, 8.69575
within "combine(B)" 0.0049164 "$(metric combine_b_wall <simulated.json)" 0.0066516
within "dispatch(F)" 0.0057269 "$(metric dispatch_f_wall <simulated.json)" 0.0077481
within "dispatch(B)" 0.0064245 "$(metric dispatch_b_wall <simulated.json)" 0.0086920
within "combine(F)" 0.0073914 "$(metric combine_f_wall <simulated.json)" 0.0100001

faster() { # METRIC OPTION...: the metric gets smaller
    local name=$1
    shift
    "$MOESIM" run "$main_job" --json "$@" >changed.json 2>err
    check "$name falls with $*" awk -v a="$(metric "$name" <changed.json)" \
        -v b="$(metric "$name" <simulated.json)" 'BEGIN { exit !(a != "" && a < 0.999 * b) }'
}
faster compute_active -s cluster.chip.memory_bandwidth='6.7 TB/s'
faster compute_active -s cluster.chip.fp8='3958 TFLOPS'
faster combine_f_wall -s cluster.ep_kernel.copy_per_sm='3 GB/s'
"$MOESIM" run "$main_job" --json -s cluster.nic.bandwidth='100 Gb/s' >slow.json 2>err
check "a slow NIC exposes communication" awk -v a="$(metric exposed_comm <slow.json)" \
    -v b="$(metric exposed_comm <simulated.json)" 'BEGIN { exit !(a > 2 * b) }'
expect 0 "a NIC faster than its port" run "$main_job" -s cluster.nic.bandwidth='800 Gb/s'
tells "-s cluster.nic.bandwidth=800 Gb/s: warning: the NIC (100 GB/s) is faster than its switch port"

# --- outputs ----------------------------------------------------------------------------------------
expect 0 "a timeline" run "$main_job" --timeline t.json.gz --timeline-ranks 0,8-9
expect 0 "files" run "$main_job" -o r.json -o r.csv -o r.json.gz
check "JSON: that of --json" cmp r.json simulated.json
check "compressed JSON: the same" bash -c 'gzip -dc r.json.gz | cmp - r.json'
check "CSV: header" [ "$(head -n 1 r.csv)" = "table,name,layer,value,unit,recorded" ]
check "CSV: makespan" grep -q '^metric,makespan,0,0\.12[0-9]*,s,0\.129' r.csv
for key in schema_version scenario metrics breakdown phases provenance; do
    check "JSON: $key" grep -q "^	\"$key\":" r.json
done
if python3 -c '' 2>/dev/null; then
    gzip -dc t.json.gz >t.json
    check "timeline: slices nest, asynchronous events are balanced" \
        python3 "$srcdir/tests/timeline_check.py" t.json 0 8 9
    check "timeline: lanes are called what they are" [ "$(grep '"thread_name","tid":[0-3],' t.json | grep -oE '[a-z0-9 ]+"}}' | tr -d '"}' | paste -sd,)" = \
        "entry skew,communication,compute,compute2" ]
else
    skip "timeline: slices nest, asynchronous events are balanced" "no python3"
fi
for name in makespan compute_active comm_active exposed_comm exposed_comm_ratio barrier_wait \
    dispatch_f_wall; do
    expect 0 "--explain $name" run "$main_job" -s replay.comm=recorded --explain "$name"
    says "formula: "
done
expect 0 "--explain combine_b_bandwidth" run "$main_job" --explain combine_b_bandwidth
says "formula: "
says "cluster.ep_kernel.copy_per_sm (ep_kernel.yaml:"
says "source: "
expect 0 "--detail" run "$main_job" -s replay.comm=recorded --detail
check "--detail: a line for each of 10 phases in 4 layers" [ "$(grep -cE '^[a-z]+\((F|B|W)\) +[1-4] ' out)" = 40 ]

# --- refused ----------------------------------------------------------------------------------------
refused() { # CODE TITLE WORDS ARGS...
    local code=$1 title=$2 words=$3
    shift 3
    ls -A >before
    expect "$code" "$title" run "$@"
    tells "$words"
    nothing_left
}
touch out err before after
refused 2 "run of nothing" "moesim run scenarios/train_replay_h800.yaml"
refused 2 "progress as nobody can have it" "--progress is 'auto' or 'never', not 'sometimes'" --progress=sometimes "$main_job"
refused 2 "two scenarios" "one scenario at a time" "$main_job" "$main_job"
refused 2 "an unknown metric" "did you mean 'makespan'?" "$main_job" -s replay.comm=recorded \
    --explain makespam
refused 2 "an unknown ending" "must end in .json, .csv or .tex" "$main_job" -o result.txt
refused 2 "ranks that are none" "is no list of ranks" "$main_job" -s replay.comm=recorded \
    --timeline t2.json --timeline-ranks 1,a
refused 2 "ranks that do not exist" "ranks 0 to 63" "$main_job" --timeline t2.json --timeline-ranks 64
refused 3 "an unknown key" "did you mean 'cluster.nic.bandwidth'?" "$main_job" -s cluster.nic.bandwith=1
refused 3 "a negative bandwidth" "cluster.nic.bandwidth" "$main_job" -s cluster.nic.bandwidth='-50 GB/s'
refused 3 "a fault that is not there" "counted from 0" "$main_job" -s cluster.faults.down='plane 9'
refused 4 "a missing scenario" "No such file" none.yaml
refused 4 "a missing folder" "none/r.json" "$main_job" -o none/r.json
refused 4 "a full disk" "/dev/full" "$main_job" -o /dev/full
"$MOESIM" run "$main_job" >/dev/full 2>err
check "standard output on a full disk" [ $? = 4 ]
mkdir limits && cd limits || exit 1
(ulimit -f 4 && exec "$MOESIM" run "$main_job" -o large.json >/dev/null 2>../err)
check "a file that may not grow" [ $? = 4 ]
check "is told" grep -q "large.json: error: cannot write: File too large" ../err
(exec "$MOESIM" run "$main_job" -o pipe.json --detail 2>/dev/null) | head -c 10 >/dev/null
check "neither leaves a file of its own" [ -z "$(ls -A | grep -v '^pipe.json$')" ]
cd .. || exit 1
head -c 20000 "$srcdir/traces/deepseek_v3_train.trace.json" >cut.trace.json
refused 3 "a truncated trace" "cut off" "$main_job" -s replay.trace="$PWD/cut.trace.json"
gzip -c "$srcdir/traces/deepseek_v3_train.trace.json" | head -c 3000 >cut.trace.json.gz
refused 3 "a compressed trace cut in the middle" "ends too early" "$main_job" \
    -s replay.trace="$PWD/cut.trace.json.gz"

# --- interrupted ------------------------------------------------------------------------------------
# SimGrid's own network needs minutes for the main job: time enough to interrupt it.
children_of() { pgrep -P "$1" 2>/dev/null; }
gone() { # a zombie that nobody has collected is gone, too
    [ -n "$1" ] && { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
}
interrupted() { # SIGNAL CODE
    ls -A >before
    "$MOESIM" run "$main_job" -s sim.network=cm02 -o never.json --timeline never.trace.json \
        >out 2>err &
    local pid=$! child= tries=0
    while [ -z "$child" ] && [ $tries -lt 100 ]; do
        sleep 0.05
        child=$(children_of $pid)
        tries=$((tries + 1))
    done
    kill -"$1" $pid
    wait $pid
    local code=$?
    last="a run ended by SIG$1"
    check "$last: had a child" [ -n "$child" ]
    check "$last: exit code $2" [ $code = "$2" ]
    sleep 0.3
    check "$last: the child is gone" gone "$child"
    nothing_left
}
if command -v pgrep >/dev/null; then
    interrupted INT 130
    interrupted TERM 143
    interrupted KILL 137
else
    skip "a run ended by a signal" "no pgrep"
fi

# --- a warning stands where the value was given, in a layer of hardware, too ----------------------------------------
mkdir -p configs/mine && echo 'bandwidth: {value: 800 Gb/s, source: "ours"}' >configs/mine/nic.yaml
expect 0 "a value of a layer" run "$srcdir/scenarios/decode_ep144.yaml" -s hardware=h800,mine -s inference.simulate_layers=2 \
    -s cluster.nodes=2 -s expert_load.redundant=0 -s inference.decode.batch=8
tells "configs/mine/nic.yaml:1:20: warning: the NIC (100 GB/s) is faster than its switch port"
finish
