#!/bin/bash
# Sweeps that are disturbed: killed at random times, interrupted, out of room, with points that abort, hang or eat
# memory. After --resume the result is the bytes of an undisturbed sweep, and nothing that was done is done again.
# TAP.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios
T=$srcdir/tests/data/sweep_bound.yaml
refused() { # CODE TITLE WORDS ARGS...
    local code=$1 title=$2 words=$3
    shift 3
    expect "$code" "$title" "$@"
    tells "$words"
}
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
part_files() { ls | grep "$1.part"; }
done_before() { sed -n 's/.* \([0-9]*\) done before.*/\1/p' err; }

# --- kill -9, 20 times in a sweep of 500 points: the parent, or a child ------------------------------------------
# points that take about a millisecond; every second one simulates
small=(sweep "$S/fig6_latency_16gpu.yaml" -s 'collective.from=64 B' -s 'collective.to=64 B'
    -s collective.topologies=mpft -a sim.network=bound,flow -j2)
points=("${small[@]}" -a 'cluster.nic.latency=1..5 us lin 250')
slow=(sweep "$T" -s cluster.nodes=10 -a tpot.tokens=8,16 -j1)
if [ -r /proc/$$/task/$$/children ]; then
    last="500 points undisturbed"
    check "$last" "$MOESIM" "${points[@]}" -o calm.sqlite
    RANDOM=17
    killed=0 children=0
    while [ $killed -lt 20 ]; do
        "$MOESIM" "${points[@]}" --resume -o wild.sqlite >out 2>err &
        pid=$!
        sleep 0.0$((RANDOM % 9 + 1))
        if [ $((killed % 2)) = 1 ]; then
            while kill -0 $pid 2>/dev/null; do
                kill -9 $(children_of $pid) 2>/dev/null && children=$((children + 1)) && break
            done
            sleep 0.02
        fi
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        killed=$((killed + 1))
    done
    last="20 times killed"
    check "$last: children were killed, too" [ $children -gt 3 ]
    check "$last: not all was done by then" [ ! -e wild.sqlite ]
    expect 0 "$last and resumed" "${points[@]}" --resume -o wild.sqlite
    check "$last: some points were done before" [ "$(done_before)" -gt 0 ]
    check "$last: the others were run" grep -q "500 points: $((500 - $(done_before))) run, 0 from equal scenarios" err
    check "$last: the bytes of the undisturbed sweep" cmp calm.sqlite wild.sqlite
    check "$last: no journal is left" [ -z "$(part_files wild.sqlite)" ]

    # nothing is known about the point of a child that is killed from outside: it is run again
    disturbed() { # SIGNAL DEPTH RESULT: sends it to the child (1) or its simulation (2); the exit code is in $code
        "$MOESIM" "${slow[@]}" -o "$3" >out 2>err &
        pid=$!
        victim=
        while kill -0 $pid 2>/dev/null; do
            victim=$(children_of $pid)
            [ "$2" = 1 ] || victim=$(children_of ${victim:-0})
            kill "-$1" $victim 2>/dev/null && break
            sleep 0.01
        done
        wait $pid
        code=$?
    }
    "$MOESIM" "${slow[@]}" -o whole.sqlite >/dev/null 2>&1
    disturbed KILL 1 child.sqlite
    check "a child killed from outside: the sweep goes on" [ -n "$victim" -a $code = 0 ]
    check "a child killed from outside: the same bytes" cmp whole.sqlite child.sqlite
    disturbed KILL 2 simulation.sqlite
    check "its simulation killed from outside: the sweep goes on" [ -n "$victim" -a $code = 0 ]
    check "its simulation killed from outside: the same bytes" cmp whole.sqlite simulation.sqlite
    disturbed ABRT 1 abort.sqlite
    last="a child that aborts"
    check "$last: exit code 1" [ $code = 1 ]
    tells "1 of 2 points failed; the first is point 0:"
    tells "its process was killed by signal 6 (Aborted)"
    expect 0 "its row" export abort.sqlite -t points
    says "0,0,,failed,70,error: its process was killed by signal 6 (Aborted)"
    says "1,1,,ok,0,"
else
    skip "kill -9, 20 times" "/proc does not tell the children of a process"
fi

# --- points that fail, hang or eat memory: a row each ---------------------------------------------------------------
expect 1 "some points fail" sweep "$T" -s tpot.bridge=false -a tpot.copies=4,20,8 \
    -s cluster.nodes=2 -o failed.sqlite
tells "1 of 3 points failed; the first is point 1:"
tells "20 experts of a token need more than 16 GPUs"
expect 0 "they are rows" export failed.sqlite -t points
says "1,1,,failed,3,\"'-s tpot.copies=20: error: 20 experts"
expect 1 "a point that takes too long" sweep "$T" -s tpot.tokens=200 -a cluster.nodes=2,100 \
    --time-limit '1 s' -o slow.sqlite
tells "it took longer than 1 s (time limit)"
tells "1 of 2 points failed"
if grep -q __asan_init "$MOESIM"; then
    skip "a point that needs too much memory" "the sanitizer needs it all"
else
    expect 1 "a point that needs too much memory" sweep "$T" -s tpot.copies=1 \
        -a cluster.nodes=2,100 --memory-limit '256 MiB' -o fat.sqlite
    tells "1 of 2 points failed; the first is point 1:"
    tells "memory"
fi

# --- interrupted ------------------------------------------------------------------------------------------------------
many=("${small[@]}" -a 'cluster.nic.latency=1..5 us lin 60')
begin() { # RESULT ARGS...: in the background; some points are done (their journal has grown) when it returns
    local result=$1
    shift
    "$MOESIM" "$@" -o "$result" >out 2>err &
    pid=$!
    while kill -0 $pid && [ "$(stat -c %s "$result.part-wal" 2>/dev/null || echo 0)" -lt 200000 ]; do
        sleep 0.01
    done
}
"$MOESIM" "${many[@]}" -o calm120.sqlite >/dev/null 2>&1
for signal in INT TERM HUP; do
    begin $signal.sqlite "${many[@]}"
    kill -$signal $pid
    wait $pid
    code=$?
    last="a sweep ended by SIG$signal"
    check "$last: exit code" [ $code = $((128 + $(kill -l $signal))) ]
    tells "kept; go on with --resume"
    check "$last: no result yet" [ ! -e $signal.sqlite ]
    check "$last: a journal" [ -s $signal.sqlite.part ]
done
refused 3 "begun and not resumed" "go on with --resume" "${many[@]}" -o INT.sqlite
refused 3 "resumed with another axis" "is of another sweep" "${many[@]}" -a collective.pxn=true,false -o INT.sqlite --resume
refused 3 "resumed as a shard" "is of another shard" "${many[@]}" -o INT.sqlite --resume --shard 1/2
for signal in INT TERM; do
    expect 0 "resumed after SIG$signal" "${many[@]}" -o $signal.sqlite --resume
    check "resumed: the bytes of an undisturbed sweep" cmp $signal.sqlite calm120.sqlite
    check "resumed: no journal is left" [ -z "$(part_files $signal.sqlite)" ]
done
expect 0 "anew instead" sweep "$T" -s tpot.bridge=false -a tpot.tokens=1,2 -o HUP.sqlite \
    --overwrite
begin locked.sqlite "${many[@]}"
refused 4 "a second process on the same sweep" "another process works on it" "${many[@]}" -o locked.sqlite --resume
kill -9 $pid
wait $pid 2>/dev/null
cat "$T" >mine.yaml # (cp would keep it read-only where the sources are)
begin mine.sqlite sweep mine.yaml -s tpot.bridge=false -a tpot.tokens=1..400
kill -9 $pid
wait $pid 2>/dev/null
echo '# a word' >>mine.yaml
refused 3 "a file that has changed meanwhile" "mine.yaml: error: the file has changed or gone" sweep mine.yaml \
    -s tpot.bridge=false -a tpot.tokens=1..400 -o mine.sqlite --resume

# --- no room, closed pipes ---------------------------------------------------------------------------------------------
sixty() { "$MOESIM" sweep "$T" -s tpot.bridge=false -a tpot.tokens=1..160 -o full.sqlite "$@"; }
(ulimit -f 100 && sixty >out 2>err)
code=$?
last="no room"
check "$last: exit code 4" [ $code = 4 ]
tells "full.sqlite.part: error: cannot write"
tells "what was done until now is safe"
sixty --resume >out 2>err
last="room again"
check "$last: nothing was lost" [ "$(done_before)" -gt 0 ]
mv full.sqlite again.sqlite
sixty >/dev/null 2>&1
check "$last: the bytes of an undisturbed sweep" cmp full.sqlite again.sqlite
last="a disk that is full"
if unshare -rm true 2>/dev/null; then
    check "$last" unshare -rm bash -c 'mkdir disk && mount -t tmpfs -o size=200k none disk && cd disk || exit 1
        sweep() { "$MOESIM" sweep "$0" -s tpot.bridge=false -a tpot.tokens=1..160 -o r.sqlite "$@"; }
        sweep 2>../err; [ $? = 4 ] || exit 2
        grep -q "go on with --resume" ../err || exit 3
        mount -o remount,size=20m . && cd ../disk && sweep --resume 2>../err && cmp r.sqlite ../full.sqlite &&
            ! grep -q " 0 done before" ../err' "$T"
else
    skip "$last" "no user namespaces"
fi
last="a closed pipe"
"$MOESIM" sweep "$T" -s tpot.bridge=false -a tpot.tokens=1..60 -o pipe.sqlite 2>err | true
code=${PIPESTATUS[0]}
check "$last: exit code 4" [ $code = 4 ]
check "$last: the result is there" [ -s pipe.sqlite ]
"$MOESIM" sweep "$T" -s tpot.bridge=false -a tpot.tokens=1..60 -o deaf.sqlite 2>&1 >/dev/null | true
check "standard error closed: the same result" cmp deaf.sqlite pipe.sqlite
"$MOESIM" sweep "$T" -s tpot.bridge=false -a tpot.tokens=1..3 >/dev/full 2>err
check "standard output on a full disk" [ $? = 4 ]
finish
